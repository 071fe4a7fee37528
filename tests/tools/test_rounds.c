/* cepman choose and cepman split: tables and proposals, trees that are begun, split, changed, shown and refused. */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cepman/hierarchy.h>
#include <cepman/validity.h>

static char dir[400], scan[400], points[400], truth[400], absent[400], tree[500];

static const char *in_dir(const char *name)
{
    static char paths[4][600];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", dir, name);
    return paths[turn];
}

static void set_up(void)
{
    static int tests;
    char name[40];
    snprintf(name, sizeof name, "rounds%d", tests++);
    snprintf(dir, sizeof dir, "%s", support_path(name));
    snprintf(scan, sizeof scan, "%s", support_path("scan.npy"));
    snprintf(points, sizeof points, "%s", support_path("points.npy"));
    snprintf(truth, sizeof truth, "%s", support_path("truth.npy"));
    snprintf(absent, sizeof absent, "%s", support_path("absent.npy"));
    snprintf(tree, sizeof tree, "%s/t.cepmtree", dir);
    ck_assert_int_eq(mkdir(dir, 0777), 0);
    make_scan(scan, 6, 8, 32);
    make_blobs(points, truth, 120, 5, 3);
}

static void assert_says(const char *words)
{
    ck_assert_msg(strstr(last.out, words) != NULL, "'%s' is not in: %s", words, last.out);
}

/* The column dbcv of k = 3, whose clusters are the blobs, is the library's index of the blobs. */
static void choose_dbcv_is_the_library_s(const char *table)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = NULL;
    cepman_labels *l = NULL;
    double want = 0;
    assert_good(ctx, cepman_matrix_load(&m, ctx, points));
    assert_good(ctx, cepman_labels_load(&l, ctx, truth));
    assert_good(ctx, cepman_validity_dbcv(&want, NULL, ctx, m, l));
    const char *row = strstr(table, "\"k\": 3,"), *at = row ? strstr(row, "\"dbcv\": ") : NULL;
    ck_assert_ptr_nonnull(at);
    ck_assert_double_eq_tol(strtod(at + strlen("\"dbcv\": "), NULL), want, 1e-9);
    cepman_labels_unref(l);
    cepman_matrix_unref(m);
    support_end(ctx);
}

START_TEST(choose_proposes)
{
    good("choose %s -k 2:6 -o %s", points, in_dir("table.json"));
    assert_says("proposal: k = 3 (");
    assert_says("a proposal by vote");
    size_t n;
    unsigned char *table = support_read(in_dir("table.json"), &n);
    static const char *const columns[] = {
        "\"inertia\": ", "\"silhouette\": ", "\"davies_bouldin\": ", "\"calinski_harabasz\": ",
        "\"dbcv\": ",    "\"gap\": ",        "\"stability\": ",      "\"dbcv\": 3,"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        ck_assert_msg(strstr((char *)table, columns[i]) != NULL, "%s is missing: %s", columns[i], table);
    choose_dbcv_is_the_library_s((char *)table);
    free(table);
    good("choose %s --k 2:4 --json --sample 60 --runs 0 --references 0", points);
    assert_says("\"sample\": 60,");
    assert_says("\"gap\": null,");
    assert_says("\"stability\": null,");
    assert_says("\"note\": \"a proposal");
    static char first[65536];
    snprintf(first, sizeof first, "%s", last.out);
    good("choose %s --k 2:4 --json --sample 60 --runs 0 --references 0 --threads 3", points);
    ck_assert_str_eq(first, last.out);
    good("choose %s --k 1:3 --runs 2", points);
}
END_TEST

START_TEST(choose_refuses)
{
    bad(2, "FROM:TO", "choose %s --k 5", points);
    bad(2, "FROM:TO", "choose %s --k 5:2", points);
    bad(1, "there are 120 points", "choose %s --k 2:121", points);
    bad(1, "absent.npy", "choose %s", absent);
    bad(1, "/proc/", "choose %s --k 2:3 -o /proc/nowhere/t.json", points);
    bad(1, "runs is 1", "choose %s --k 2:3 --runs 1", points);
    ck_assert_int_eq(count_files(dir), 0);
}
END_TEST

START_TEST(split_by_round)
{
    cepman_context *ctx = support_begin(1);
    cepman_labels *got = NULL, *want = NULL;
    good("split %s %s --new --scan-size 10x12 --method kmeans -k 3 --seed 3 --write-labels %s", tree, points,
         in_dir("l.npy"));
    assert_says("/  120 points, split by kmeans");
    good("score %s %s", in_dir("l.npy"), truth);
    assert_says("\"accuracy\": 1,");
    good("split %s %s --node 0 --method mixture -k 2 --covariance diagonal", tree, points);
    assert_says("0/1  ");
    good("split %s --node 1 --method connectivity --neighbours 8 --least 1", tree);
    good("split %s %s --node 2 --method hdbscan --min-cluster-size 5 --allow-single-cluster", tree, points);
    good("split %s --json --write-labels %s --depth 1 --write-paths %s", tree, in_dir("one.npy"),
         in_dir("p.npy"));
    assert_says("\"path\": \"0/1\"");
    assert_says("\"method\": \"mixture\"");
    assert_says("covariance=diagonal");
    assert_says("\"space\": \"");
    assert_good(ctx, cepman_labels_load(&want, ctx, in_dir("l.npy")));
    assert_good(ctx, cepman_labels_load(&got, ctx, in_dir("one.npy")));
    ck_assert_mem_eq(cepman_labels_data(got), cepman_labels_data(want), 120 * sizeof(int32_t));
    /* Merged, pruned and split again it is what the library says. */
    good("split %s --merge 0/0,0/1", tree);
    bad(1, "prune it first", "split %s %s --node 0 --method kmeans -k 2", tree, points);
    good("split %s %s --node 0 --method kmeans -k 2 --again -o %s", tree, points, in_dir("other.cepmtree"));
    good("split %s --prune", tree);
    cepman_hierarchy *t = NULL, *other = NULL;
    assert_good(ctx, cepman_hierarchy_load(&t, ctx, tree));
    assert_good(ctx, cepman_hierarchy_load(&other, ctx, in_dir("other.cepmtree")));
    ck_assert_uint_eq(cepman_hierarchy_nodes(t), 1);
    ck_assert_uint_eq(cepman_hierarchy_rows(t), 10);
    ck_assert_uint_gt(cepman_hierarchy_nodes(other), 6);
    cepman_hierarchy_unref(t);
    cepman_hierarchy_unref(other);
    cepman_labels_unref(got);
    cepman_labels_unref(want);
    support_end(ctx);
}
END_TEST

/* A tree of frames: the scan is known, a node is embedded anew by another ring of its members. */
START_TEST(split_embeds_anew)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *e = NULL;
    good("split %s %s --new --transform --ring 2:10 --method kmeans -k 2", tree, scan);
    good("split %s %s --node 0 --transform --ring 3:12 --embed --epochs 20 --neighbors 5 --dims 2 --method "
         "kmeans -k 2 "
         "--save-embedding %s",
         tree, scan, in_dir("e.npy"));
    cepman_hierarchy *t = NULL;
    uint64_t node;
    assert_good(ctx, cepman_hierarchy_load(&t, ctx, tree));
    ck_assert_uint_eq(cepman_hierarchy_rows(t), 6);
    ck_assert_uint_eq(cepman_hierarchy_columns(t), 8);
    assert_good(ctx, cepman_hierarchy_find(t, ctx, "0", &node));
    ck_assert_ptr_nonnull(strstr(cepman_hierarchy_space(t, node), "ring-out=12"));
    ck_assert_ptr_nonnull(strstr(cepman_hierarchy_space(t, node), "; umap "));
    assert_good(ctx, cepman_matrix_load(&e, ctx, in_dir("e.npy")));
    ck_assert_uint_eq(cepman_matrix_rows(e), cepman_hierarchy_size(t, node));
    ck_assert_uint_eq(cepman_matrix_columns(e), 2);
    /* The embedding has the node's rows: it splits the node again. */
    good("split %s %s --node 0 --again --method kmeans -k 3", tree, in_dir("e.npy"));
    cepman_matrix_unref(e);
    cepman_hierarchy_unref(t);
    support_end(ctx);
}
END_TEST

/* What a transform measures on frames (offset, means and deviations) it measures on the node's alone. */
START_TEST(split_transforms_members_alone)
{
    cepman_context *ctx = support_begin(1);
    cepman_hierarchy *t = NULL;
    uint64_t node;
    size_t first;
    good("split %s %s --new --transform --ring 2:10 --method kmeans -k 2", tree, scan);
    assert_good(ctx, cepman_hierarchy_load(&t, ctx, tree));
    assert_good(ctx, cepman_hierarchy_find(t, ctx, "0", &node));
    ck_assert_uint_eq(cepman_hierarchy_size(t, node), 24); /* a half of the scan */
    size_t *members = calloc(24, sizeof *members);
    assert_good(ctx, cepman_hierarchy_members(members, ctx, t, node));
    first = members[0];
    free(members);
    good("split %s %s --node 0 --transform --scale standard --embed --epochs 20 --neighbors 5 --method "
         "kmeans -k 2 "
         "--save-embedding %s",
         tree, scan, in_dir("e.npy"));
    good("transform %s --region 0:%zu:6x4 --scale standard -o %s", scan, first, in_dir("f.npy"));
    good("embed %s --epochs 20 --neighbors 5 -o %s", in_dir("f.npy"), in_dir("g.npy"));
    ck_assert(same_files(in_dir("e.npy"), in_dir("g.npy")));
    make_scan(in_dir("small.npy"), 3, 8, 32);
    bad(1, "must be 48", "split %s %s --transform --node 1 --method kmeans -k 2", tree, in_dir("small.npy"));
    cepman_hierarchy_unref(t);
    support_end(ctx);
}
END_TEST

START_TEST(split_noise_and_labels)
{
    good("split %s --new --method labels --labels %s", tree, truth);
    good("split %s %s --node 0 --method hdbscan --min-cluster-size 12 --min-samples 2 --allow-single-cluster",
         tree, points);
    if (strstr(last.out, "0/noise")) {
        good("split %s %s --node 0 --assign-noise", tree, points);
        ck_assert_ptr_null(strstr(last.out, "noise"));
    }
    bad(1, "has no noise", "split %s %s --node 0 --assign-noise", tree, points);
}
END_TEST

START_TEST(split_refuses)
{
    bad(1, "t.cepmtree", "split %s", tree);
    bad(1, "not a tree of rounds", "split %s", points);
    bad(2, "needs ROWS.npy or --labels", "split %s --new", tree);
    good("split %s %s --new", tree, points);
    bad(1, "is there already", "split %s %s --new", tree, points);
    bad(2, "needs ROWS.npy", "split %s --method kmeans", tree);
    bad(2, "exclude each other", "split %s %s --method kmeans --prune", tree, points);
    bad(2, "--min-samples belongs to", "split %s %s --method kmeans --min-samples 3", tree, points);
    bad(2, "belongs to stage umap", "split %s %s --method kmeans --min-dist 0.3", tree, points);
    bad(2, "--labels", "split %s --method labels", tree);
    bad(2, "needs --embed", "split %s %s --method kmeans --save-embedding %s", tree, points, in_dir("e.npy"));
    bad(2, "belong to --method connectivity", "split %s --least 4", tree);
    bad(2, "nothing uses", "split %s %s", tree, points);
    bad(2, "needs --method", "split %s --again", tree);
    bad(2, "--depth belongs", "split %s --depth 2", tree);
    bad(1, "there is no '4'", "split %s --node 4 --prune", tree);
    bad(1, "no scan", "split %s --method connectivity", tree);
    bad(1, "no siblings", "split %s --merge /,/", tree);
    bad(1, "/proc/", "split %s --prune -o /proc/nowhere/t", tree);
    bad(2, ".npy", "split %s --write-labels %s", tree, in_dir("a.txt"));
    ck_assert_int_eq(count_files(dir), 1);
}
END_TEST

START_TEST(cluster_by_mixture)
{
    good("cluster %s --method mixture -k 3 --tol 1e-5 -o %s --details %s", points, in_dir("l.npy"),
         in_dir("d"));
    good("score %s %s", in_dir("l.npy"), truth);
    assert_says("\"accuracy\": 1,");
    cepman_context *ctx = support_begin(1);
    static const char *const names[] = {"weights", "means", "covariances", "responsibilities"};
    static const size_t rows[] = {3, 3, 15, 120}, columns[] = {1, 5, 5, 3};
    for (int i = 0; i < 4; i++) {
        char name[40];
        cepman_matrix *m = NULL;
        snprintf(name, sizeof name, "d/%s.npy", names[i]);
        assert_good(ctx, cepman_matrix_load(&m, ctx, in_dir(name)));
        ck_assert_uint_eq(cepman_matrix_rows(m), rows[i]);
        ck_assert_uint_eq(cepman_matrix_columns(m), columns[i]);
        cepman_matrix_unref(m);
    }
    size_t n;
    unsigned char *details = support_read(in_dir("d/details.json"), &n);
    ck_assert_ptr_nonnull(strstr((char *)details, "\"bic\": "));
    free(details);
    bad(2, "--covariance belongs to", "cluster %s --method kmeans --covariance diagonal -o %s", points,
        in_dir("a.npy"));
    bad(2, "--k belongs to", "cluster %s -k 3 -o %s", points, in_dir("a.npy"));
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("rounds");
    TCase *t = tcase_create("rounds");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, choose_proposes);
    tcase_add_test(t, choose_refuses);
    tcase_add_test(t, split_by_round);
    tcase_add_test(t, split_embeds_anew);
    tcase_add_test(t, split_transforms_members_alone);
    tcase_add_test(t, split_noise_and_labels);
    tcase_add_test(t, split_refuses);
    tcase_add_test(t, cluster_by_mixture);
    suite_add_tcase(s, t);
    return s;
}
