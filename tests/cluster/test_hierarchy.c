/* The tree of rounds (long: one program for one handle): a twin that keeps a path per point, splits by every method, files, failures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cepman/version.h>

#include "cluster.h"
#include "support.h"

#define N 240 /* 12 x 20 */
#define LEVELS 12

/* ---- the twin: the ids on the way to each point ------------------------------------------------------------------- */

static void assert_sound(cepman_context *ctx, const cepman_hierarchy *t)
{
    size_t n = cepman_hierarchy_points(t), nodes = cepman_hierarchy_nodes(t);
    size_t *members = malloc(n * sizeof *members), *seen = malloc(n * sizeof *seen);
    for (size_t i = 0; i < nodes; i++) {
        uint64_t id = cepman_hierarchy_node(t, i);
        size_t size = cepman_hierarchy_size(t, id), children = cepman_hierarchy_children(t, id), sum = 0;
        char path[200];
        uint64_t found = 77;
        ck_assert_uint_gt(size, 0);
        ck_assert_uint_eq(cepman_hierarchy_path(t, id, path, sizeof path), strlen(path));
        assert_good(ctx, cepman_hierarchy_find(t, ctx, path, &found));
        ck_assert_uint_eq(found, id);
        assert_good(ctx, cepman_hierarchy_members(members, ctx, t, id));
        for (size_t k = 1; k < size; k++)
            ck_assert_uint_lt(members[k - 1], members[k]);
        memset(seen, 0, n * sizeof *seen);
        for (size_t c = 0; c < children; c++) {
            uint64_t child = cepman_hierarchy_child(t, id, c);
            size_t own = cepman_hierarchy_size(t, child), *points = malloc(own * sizeof *points);
            ck_assert_uint_eq(cepman_hierarchy_parent(t, child), id);
            ck_assert_uint_eq(cepman_hierarchy_depth(t, child), cepman_hierarchy_depth(t, id) + 1);
            assert_good(ctx, cepman_hierarchy_members(points, ctx, t, child));
            for (size_t k = 0; k < own; k++)
                seen[points[k]]++;
            sum += own;
            free(points);
        }
        ck_assert_uint_eq(cepman_hierarchy_child(t, id, children), CEPMAN_NODE_NONE);
        if (!children) continue;
        ck_assert_uint_eq(sum, size);
        for (size_t k = 0; k < size; k++)
            ck_assert_uint_eq(seen[members[k]], 1);
        ck_assert_ptr_nonnull(cepman_hierarchy_method(t, id));
    }
    free(members);
    free(seen);
}

static cepman_hierarchy *tree_of(cepman_context *ctx)
{
    cepman_hierarchy *t = NULL;
    assert_good(ctx, cepman_hierarchy_create(&t, ctx, N, 12, 20));
    return t;
}

static cepman_labels *labels_of(cepman_context *ctx, const int32_t *values, size_t n)
{
    cepman_labels *l = NULL;
    assert_good(ctx, cepman_labels_copy(&l, ctx, values, n));
    return l;
}

static uint64_t at(cepman_context *ctx, const cepman_hierarchy *t, const char *path)
{
    uint64_t id = 0;
    assert_good(ctx, cepman_hierarchy_find(t, ctx, path, &id));
    return id;
}

/* Root: 0 (i % 4 = 0), 1 (1), noise (2), excluded (3); 0 again into three by i / 4 % 3, the last one being noise. */
static cepman_hierarchy *two_rounds(cepman_context *ctx)
{
    cepman_hierarchy *t = tree_of(ctx);
    int32_t l[N];
    static const int32_t of[] = {3, 9, -1, -7};
    for (int i = 0; i < N; i++)
        l[i] = of[i % 4];
    cepman_labels *first = labels_of(ctx, l, N);
    assert_good(ctx, cepman_hierarchy_split(t, ctx, 0, first, NULL, NULL, 0));
    for (int i = 0; i < N / 4; i++)
        l[i] = i % 3 == 2 ? -1 : i % 3;
    cepman_labels *second = labels_of(ctx, l, N / 4);
    assert_good(ctx, cepman_hierarchy_split(t, ctx, at(ctx, t, "0"), second, "by hand", "thirds=3", 5));
    cepman_labels_unref(first);
    cepman_labels_unref(second);
    return t;
}

START_TEST(splits_and_labels)
{
    cepman_context *ctx = support_begin(1);
    cepman_hierarchy *t = two_rounds(ctx);
    assert_sound(ctx, t);
    ck_assert_uint_eq(cepman_hierarchy_nodes(t), 8);
    ck_assert_uint_eq(cepman_hierarchy_height(t), 2);
    static const char *const paths[] = {"/", "0", "0/0", "0/1", "0/noise", "1", "noise", "excluded"};
    for (size_t i = 0; i < 8; i++) {
        char path[20], small[3];
        uint64_t id = cepman_hierarchy_node(t, i);
        cepman_hierarchy_path(t, id, path, sizeof path);
        ck_assert_str_eq(path, paths[i]);
        ck_assert_uint_eq(cepman_hierarchy_path(t, id, small, sizeof small), strlen(paths[i]));
        ck_assert_uint_le(strlen(small), 2);
        ck_assert_int_eq(strncmp(small, paths[i], strlen(small)), 0);
    }
    ck_assert_str_eq(cepman_hierarchy_method(t, 0), "labels");
    ck_assert_ptr_null(cepman_hierarchy_parameters(t, 0));
    ck_assert_str_eq(cepman_hierarchy_version(t, 0), cepman_version());
    uint64_t zero = at(ctx, t, "/0/");
    ck_assert_str_eq(cepman_hierarchy_method(t, zero), "by hand");
    ck_assert_str_eq(cepman_hierarchy_parameters(t, zero), "thirds=3");
    ck_assert_uint_eq(cepman_hierarchy_seed(t, zero), 5);
    ck_assert_int_eq(cepman_hierarchy_kind(t, at(ctx, t, "0/noise")), CEPMAN_NODE_NOISE);
    ck_assert_int_eq(cepman_hierarchy_kind(t, at(ctx, t, "excluded")), CEPMAN_NODE_EXCLUDED);
    ck_assert_int_eq(cepman_hierarchy_label(t, at(ctx, t, "excluded")), -2);
    /* Labels at depths, as each point's numbers say. */
    for (size_t depth = 0; depth < 5; depth++) {
        cepman_labels *l = NULL;
        uint64_t nodes[8];
        assert_good(ctx, cepman_hierarchy_labels(&l, ctx, t, depth == 4 ? SIZE_MAX : depth));
        ck_assert_uint_eq(cepman_hierarchy_label_nodes(t, depth == 4 ? SIZE_MAX : depth, nodes, 8),
                          cepman_labels_clusters(l));
        for (int i = 0; i < N; i++) {
            int32_t want = i % 4 > 1 ? -1 : i % 4, third = i / 4 % 3;
            if (depth == 0) want = 0;
            if (depth >= 2) want = i % 4 == 0 ? (third == 2 ? -1 : third) : i % 4 == 1 ? 2 : -1;
            ck_assert_int_eq(cepman_labels_data(l)[i], want);
        }
        if (depth >= 2) ck_assert_uint_eq(nodes[2], at(ctx, t, "1"));
        cepman_labels_unref(l);
    }
    int32_t way[N * 3];
    assert_good(ctx, cepman_hierarchy_paths(way, ctx, t, 3));
    for (int i = 0; i < N; i++) {
        int32_t third = i / 4 % 3;
        ck_assert_int_eq(way[3 * i], i % 4 < 2 ? i % 4 : 1 - i % 4);
        ck_assert_int_eq(way[3 * i + 1], i % 4 ? -3 : third == 2 ? -1 : third);
        ck_assert_int_eq(way[3 * i + 2], -3);
    }
    cepman_hierarchy_unref(t);
    support_end(ctx);
}
END_TEST

START_TEST(prune_and_merge)
{
    cepman_context *ctx = support_begin(1);
    cepman_hierarchy *t = two_rounds(ctx);
    uint64_t zero = at(ctx, t, "0"), one = at(ctx, t, "1"), noise = at(ctx, t, "noise");
    size_t size = cepman_hierarchy_size(t, zero), members[N];
    assert_good(ctx, cepman_hierarchy_prune(t, ctx, zero));
    assert_sound(ctx, t);
    ck_assert_uint_eq(cepman_hierarchy_nodes(t), 5);
    ck_assert_uint_eq(cepman_hierarchy_size(t, zero), size);
    ck_assert_ptr_null(cepman_hierarchy_method(t, zero));
    assert_good(ctx, cepman_hierarchy_prune(t, ctx, one)); /* a leaf: nothing */
    /* Noise into a cluster, by way of a cluster that is split. */
    cepman_hierarchy_unref(t);
    t = two_rounds(ctx);
    const uint64_t some[] = {one, noise, zero};
    assert_good(ctx, cepman_hierarchy_merge(t, ctx, some, 3));
    assert_sound(ctx, t);
    ck_assert_uint_eq(cepman_hierarchy_nodes(t), 3);
    ck_assert_uint_eq(at(ctx, t, "1"), one);
    assert_good(ctx, cepman_hierarchy_members(members, ctx, t, one));
    for (size_t i = 0; i < 3 * N / 4; i++)
        ck_assert_uint_eq(members[i], i / 3 * 4 + i % 3);
    /* Ids are not given twice. */
    int32_t l[N];
    for (int i = 0; i < N; i++)
        l[i] = i % 2;
    cepman_labels *two = labels_of(ctx, l, N);
    assert_good(ctx, cepman_hierarchy_split(t, ctx, one, two, NULL, NULL, 0));
    ck_assert_uint_gt(at(ctx, t, "1/0"), 7);
    assert_sound(ctx, t);
    /* What is refused. */
    const uint64_t twice[] = {at(ctx, t, "1/0"), at(ctx, t, "1/1"), at(ctx, t, "1/1")},
                   cousins[] = {at(ctx, t, "1/0"), at(ctx, t, "excluded")}, root[] = {0, 1};
    assert_fails(ctx, cepman_hierarchy_merge(t, ctx, twice, 3), CEPMAN_ERR_RANGE, "named twice");
    assert_fails(ctx, cepman_hierarchy_merge(t, ctx, cousins, 2), CEPMAN_ERR_RANGE, "not siblings");
    assert_fails(ctx, cepman_hierarchy_merge(t, ctx, root, 2), CEPMAN_ERR_RANGE, "no siblings");
    assert_fails(ctx, cepman_hierarchy_merge(t, ctx, twice, 1), CEPMAN_ERR_RANGE, "at least 2");
    assert_fails(ctx, cepman_hierarchy_split(t, ctx, one, two, NULL, NULL, 0), CEPMAN_ERR_RANGE,
                 "prune it first");
    assert_fails(ctx, cepman_hierarchy_split(t, ctx, 999, two, NULL, NULL, 0), CEPMAN_ERR_RANGE,
                 "no node 999");
    assert_fails(ctx, cepman_hierarchy_split(t, ctx, at(ctx, t, "1/0"), two, "a\nb", NULL, 0),
                 CEPMAN_ERR_RANGE, "control");
    assert_fails(ctx, cepman_hierarchy_prune(t, ctx, 999), CEPMAN_ERR_RANGE, "no node 999");
    uint64_t id = 77;
    assert_fails(ctx, cepman_hierarchy_find(t, ctx, "1/5", &id), CEPMAN_ERR_RANGE, "no '5'");
    ck_assert_uint_eq(id, 77);
    cepman_labels_unref(two);
    two = labels_of(ctx, l, 7);
    assert_fails(ctx, cepman_hierarchy_split(t, ctx, at(ctx, t, "1/0"), two, NULL, NULL, 0), CEPMAN_ERR_SHAPE,
                 "7 labels");
    cepman_labels_unref(two);
    assert_sound(ctx, t);
    cepman_hierarchy_unref(t);
    support_end(ctx);
}
END_TEST

/* Hundreds of random changes; after each the tree is sound, and says of each point what the twin says. */
START_TEST(random_changes)
{
    cepman_context *ctx = support_begin(1);
    cepman_hierarchy *t = tree_of(ctx);
    support_random r = {(uint64_t)_i + 3};
    uint64_t way[N][LEVELS] = {{0}}; /* ids from the root; 0 beyond the leaf */
    for (int turn = 0; turn < 300; turn++) {
        uint64_t id =
            cepman_hierarchy_node(t, (size_t)(support_uniform(&r) * (double)cepman_hierarchy_nodes(t)));
        size_t depth = cepman_hierarchy_depth(t, id), size = cepman_hierarchy_size(t, id), children;
        double dice = support_uniform(&r);
        if (dice < 0.6 && !cepman_hierarchy_children(t, id) && depth + 1 < LEVELS) {
            int32_t l[N];
            size_t members[N];
            for (size_t i = 0; i < size; i++)
                l[i] = (int32_t)(support_uniform(&r) * 5) - (turn % 3 == 0 ? 2 : 0);
            cepman_labels *labels = labels_of(ctx, l, size);
            assert_good(ctx, cepman_hierarchy_members(members, ctx, t, id));
            assert_good(ctx, cepman_hierarchy_split(t, ctx, id, labels, NULL, NULL, 0));
            for (size_t i = 0; i < size; i++) {
                /* The child of this label: clusters in order, then noise, then excluded. */
                int32_t clusters = 0;
                bool noise = false, there[8] = {false};
                for (size_t k = 0; k < size; k++) {
                    noise = noise || l[k] == -1;
                    if (l[k] >= 0 && !there[l[k]]) there[l[k]] = true;
                }
                for (int32_t k = 0; k < 8; k++)
                    clusters += there[k] && (l[i] < 0 || k < l[i]);
                size_t child = l[i] >= 0 ? (size_t)clusters : (size_t)clusters + (l[i] < -1 && noise);
                way[members[i]][depth + 1] = cepman_hierarchy_child(t, id, child);
            }
            cepman_labels_unref(labels);
        } else if (dice < 0.7) {
            assert_good(ctx, cepman_hierarchy_prune(t, ctx, id));
            for (size_t i = 0; i < N; i++)
                if (way[i][depth] == id)
                    for (size_t k = depth + 1; k < LEVELS; k++)
                        way[i][k] = 0;
        } else if ((children = cepman_hierarchy_children(t, id)) >= 2) {
            uint64_t two[2] = {
                cepman_hierarchy_child(t, id, (size_t)(support_uniform(&r) * (double)children)),
                cepman_hierarchy_child(t, id, 0)};
            if (two[0] == two[1]) continue;
            assert_good(ctx, cepman_hierarchy_merge(t, ctx, two, 2));
            for (size_t i = 0; i < N; i++)
                if (way[i][depth + 1] == two[0] || way[i][depth + 1] == two[1]) {
                    way[i][depth + 1] = two[0];
                    for (size_t k = depth + 2; k < LEVELS; k++)
                        way[i][k] = 0;
                }
        }
        for (size_t i = 0; i < cepman_hierarchy_nodes(t); i++) {
            uint64_t node = cepman_hierarchy_node(t, i);
            size_t members[N], d = cepman_hierarchy_depth(t, node), count = 0;
            assert_good(ctx, cepman_hierarchy_members(members, ctx, t, node));
            for (size_t p = 0; p < N; p++)
                if (way[p][d] == node && (d == 0 || node != 0)) ck_assert_uint_eq(members[count++], p);
            ck_assert_uint_eq(count, cepman_hierarchy_size(t, node));
        }
        if (turn % 50 == 0) assert_sound(ctx, t);
    }
    cepman_hierarchy_unref(t);
    support_end(ctx);
}
END_TEST

/* ---- clusterers ------------------------------------------------------------------------------------------------------ */

/* Rows of N points: three groups by i % 3, far apart; the first is two groups by i / 3 % 2. */
static cepman_matrix *grouped(cepman_context *ctx)
{
    support_random r = {19};
    float x[N * 2];
    for (int i = 0; i < N; i++) {
        x[2 * i] = (float)(0.3 * support_normal(&r) + 30 * (i % 3));
        x[2 * i + 1] = (float)(0.3 * support_normal(&r) + (i % 3 == 0 ? 5 * (i / 3 % 2) : 0));
    }
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, N, 2, 2));
    return m;
}

static void assert_groups(cepman_context *ctx, const cepman_hierarchy *t, uint64_t node)
{
    size_t members[N];
    ck_assert_uint_eq(cepman_hierarchy_children(t, node), 3);
    for (size_t c = 0; c < 3; c++) {
        uint64_t child = cepman_hierarchy_child(t, node, c);
        assert_good(ctx, cepman_hierarchy_members(members, ctx, t, child));
        ck_assert_uint_eq(cepman_hierarchy_size(t, child), N / 3);
        for (size_t i = 0; i < N / 3; i++)
            ck_assert_uint_eq(members[i] % 3, members[0] % 3);
    }
}

START_TEST(by_clusterers)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = grouped(ctx), *own = NULL;
    cepman_options *k = NULL, *g = NULL, *h = NULL;
    assert_good(ctx, cepman_kmeans_options_create(&k, ctx));
    assert_good(ctx, cepman_mixture_options_create(&g, ctx));
    assert_good(ctx, cepman_hdbscan_options_create(&h, ctx));
    assert_good(ctx, cepman_options_set_integer(k, ctx, "k", 3));
    assert_good(ctx, cepman_options_set_integer(k, ctx, "seed", 11));
    assert_good(ctx, cepman_options_set_integer(h, ctx, "min-cluster-size", 45));
    cepman_hierarchy *t = tree_of(ctx);
    assert_good(ctx, cepman_hierarchy_set_score(t, ctx, 0, "own-number", 2.5));
    assert_good(ctx, cepman_hierarchy_set_space(t, ctx, 0, "x.npy"));
    assert_good(ctx, cepman_hierarchy_split_kmeans(t, ctx, 0, x, k));
    assert_groups(ctx, t, 0);
    ck_assert_str_eq(cepman_hierarchy_method(t, 0), "kmeans");
    ck_assert_ptr_nonnull(strstr(cepman_hierarchy_parameters(t, 0), "k=3 "));
    ck_assert_uint_eq(cepman_hierarchy_seed(t, 0), 11);
    ck_assert(cepman_hierarchy_score(t, 0, "inertia") > 0);
    ck_assert_double_eq(cepman_hierarchy_score(t, 0, "own-number"), 2.5);
    ck_assert(isnan(cepman_hierarchy_score(t, 0, "magic")));
    ck_assert_uint_eq(cepman_hierarchy_scores(t, 0), 3);
    ck_assert_str_eq(cepman_hierarchy_score_name(t, 0, 0), "inertia");
    ck_assert_str_eq(cepman_hierarchy_space(t, 0), "x.npy");
    /* Again: the member's rows alone, or picked from all. */
    size_t members[N];
    uint64_t wide = 0;
    for (size_t c = 0; c < 3; c++) {
        uint64_t child = cepman_hierarchy_child(t, 0, c);
        assert_good(ctx, cepman_hierarchy_members(members, ctx, t, child));
        if (members[0] == 0) wide = child;
    }
    assert_good(ctx, cepman_options_set_integer(k, ctx, "k", 2));
    assert_good(ctx, cepman_hierarchy_split_kmeans(t, ctx, wide, x, k));
    size_t first[N];
    uint64_t child = cepman_hierarchy_child(t, wide, 0);
    assert_good(ctx, cepman_hierarchy_members(first, ctx, t, child));
    for (size_t i = 0; i < N / 6; i++)
        ck_assert_uint_eq(first[i] / 3 % 2, first[0] / 3 % 2);
    assert_good(ctx, cepman_hierarchy_members(members, ctx, t, wide));
    assert_good(ctx, cepman_matrix_select(&own, ctx, x, members, N / 3));
    assert_good(ctx, cepman_hierarchy_prune(t, ctx, wide));
    assert_good(ctx, cepman_hierarchy_split_kmeans(t, ctx, wide, own, k));
    assert_good(ctx, cepman_hierarchy_members(members, ctx, t, cepman_hierarchy_child(t, wide, 0)));
    ck_assert_mem_eq(members, first, N / 6 * sizeof *first);
    assert_sound(ctx, t);
    /* The other clusterers on the root. */
    assert_good(ctx, cepman_hierarchy_prune(t, ctx, 0));
    ck_assert_uint_eq(cepman_hierarchy_nodes(t), 1);
    assert_good(ctx, cepman_hierarchy_split_mixture(t, ctx, 0, x, g));
    assert_groups(ctx, t, 0);
    ck_assert(!isnan(cepman_hierarchy_score(t, 0, "bic")));
    assert_good(ctx, cepman_hierarchy_prune(t, ctx, 0));
    assert_good(ctx, cepman_hierarchy_split_hdbscan(t, ctx, 0, x, NULL, h));
    assert_groups(ctx, t, 0);
    ck_assert_str_eq(cepman_hierarchy_method(t, 0), "hdbscan");
    ck_assert_ptr_nonnull(strstr(cepman_hierarchy_parameters(t, 0), "min-samples=45"));
    ck_assert(cepman_hierarchy_score(t, cepman_hierarchy_child(t, 0, 0), "persistence") > 0);
    /* What is refused changes nothing. */
    uint64_t leaf = cepman_hierarchy_child(t, 0, 0);
    size_t nodes = cepman_hierarchy_nodes(t);
    cepman_matrix *narrow = support_normals(ctx, 7, 2, 1);
    assert_fails(ctx, cepman_hierarchy_split_kmeans(t, ctx, leaf, narrow, k), CEPMAN_ERR_SHAPE, "7 rows");
    assert_fails(ctx, cepman_hierarchy_split_kmeans(t, ctx, leaf, x, g), CEPMAN_ERR_OPTION, "mixture");
    assert_good(ctx, cepman_options_set_integer(h, ctx, "min-cluster-size", 200));
    assert_fails(ctx, cepman_hierarchy_split_hdbscan(t, ctx, leaf, x, NULL, h), CEPMAN_ERR_DATA,
                 "no cluster");
    assert_status(ctx, cepman_hierarchy_split_kmeans(t, ctx, leaf, NULL, k), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, cepman_hierarchy_set_score(t, ctx, leaf, "Bad Name", 1), CEPMAN_ERR_RANGE, "Bad Name");
    assert_fails(ctx, cepman_hierarchy_set_space(t, ctx, leaf, "a\033b"), CEPMAN_ERR_RANGE, "control");
    ck_assert_uint_eq(cepman_hierarchy_nodes(t), nodes);
    cepman_hierarchy_unref(t);
    cepman_matrix_unref(narrow);
    cepman_matrix_unref(own);
    cepman_matrix_unref(x);
    cepman_options_unref(k);
    cepman_options_unref(g);
    cepman_options_unref(h);
    support_end(ctx);
}
END_TEST

/* A plain flood over the grid says the same; 8 neighbours join what 4 do not. */
START_TEST(by_connectivity)
{
    unsigned neighbours = _i ? 8 : 4;
    cepman_context *ctx = support_begin(1);
    cepman_hierarchy *t = tree_of(ctx);
    support_random r = {5};
    int32_t l[N], piece[N];
    for (int i = 0; i < N; i++)
        l[i] = support_uniform(&r) < 0.55 ? 0 : -1;
    cepman_labels *labels = labels_of(ctx, l, N);
    assert_good(ctx, cepman_hierarchy_split(t, ctx, 0, labels, NULL, NULL, 0));
    uint64_t node = at(ctx, t, "0");
    assert_good(ctx, cepman_hierarchy_split_connected(t, ctx, node, neighbours, 4));
    assert_sound(ctx, t);
    /* Least label spreads until nothing changes. */
    for (int i = 0; i < N; i++)
        piece[i] = l[i] ? -1 : i;
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                int dy = abs(i / 20 - j / 20), dx = abs(i % 20 - j % 20);
                if (l[i] || l[j] || dy > 1 || dx > 1 || (neighbours == 4 && dy + dx > 1)) continue;
                if (piece[j] < piece[i]) {
                    piece[i] = piece[j];
                    changed = true;
                }
            }
    }
    cepman_labels *got = NULL;
    assert_good(ctx, cepman_hierarchy_labels(&got, ctx, t, 2));
    size_t before = N;
    for (int i = 0; i < N; i++) {
        size_t size = 0;
        for (int j = 0; j < N; j++) {
            size += piece[i] >= 0 && piece[j] == piece[i];
            if (piece[i] < 0 || piece[j] < 0) continue;
            int32_t a = cepman_labels_data(got)[i], b = cepman_labels_data(got)[j];
            ck_assert(piece[i] == piece[j] ? a == b : a != b || a < 0);
        }
        ck_assert_int_eq(cepman_labels_data(got)[i] >= 0, size >= 4);
    }
    for (size_t c = 0; c < cepman_hierarchy_children(t, node); c++) {
        uint64_t child = cepman_hierarchy_child(t, node, c);
        if (cepman_hierarchy_kind(t, child) != CEPMAN_NODE_CLUSTER) continue;
        ck_assert_uint_le(cepman_hierarchy_size(t, child), before);
        before = cepman_hierarchy_size(t, child);
    }
    assert_fails(ctx, cepman_hierarchy_split_connected(t, ctx, at(ctx, t, "noise"), 6, 1), CEPMAN_ERR_RANGE,
                 "4 or 8");
    assert_fails(ctx, cepman_hierarchy_split_connected(t, ctx, at(ctx, t, "noise"), 4, N), CEPMAN_ERR_DATA,
                 "largest");
    cepman_hierarchy *flat = NULL;
    assert_good(ctx, cepman_hierarchy_create(&flat, ctx, 5, 0, 0));
    assert_fails(ctx, cepman_hierarchy_split_connected(flat, ctx, 0, 4, 1), CEPMAN_ERR_SHAPE, "no scan");
    cepman_hierarchy_unref(flat);
    cepman_labels_unref(got);
    cepman_labels_unref(labels);
    cepman_hierarchy_unref(t);
    support_end(ctx);
}
END_TEST

/* Noise goes to the leaf of its nearest neighbour, rows that are not finite stay. */
START_TEST(noise_finds_leaves)
{
    cepman_context *ctx = support_begin(_i ? 3 : 1);
    cepman_hierarchy *t = two_rounds(ctx); /* leaves that may get it: 0/0, 0/1, 1 */
    support_random r = {23};
    float x[N * 3];
    for (int i = 0; i < N * 3; i++)
        x[i] = (float)support_normal(&r);
    x[3 * 6] = NAN;  /* point 6 is noise */
    x[3 * 13] = NAN; /* point 13 is of cluster 1, and nobody's neighbour */
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, N, 3, 3));
    int32_t before[N * 2], after[N * 2];
    assert_good(ctx, cepman_hierarchy_paths(before, ctx, t, 2));
    uint64_t noise = at(ctx, t, "noise");
    assert_good(ctx, cepman_hierarchy_assign_noise(t, ctx, noise, m));
    assert_sound(ctx, t);
    ck_assert_uint_eq(cepman_hierarchy_size(t, noise), 1);
    assert_good(ctx, cepman_hierarchy_paths(after, ctx, t, 2));
    for (int i = 0; i < N; i++) {
        int best = i;
        double least = (double)INFINITY;
        for (int j = 0; j < N && i % 4 == 2 && i != 6; j++) {
            if (before[2 * j] < 0 || before[2 * j + 1] == -1 || j == 13) continue;
            double s = 0;
            for (int k = 0; k < 3; k++)
                s += pow((double)x[3 * i + k] - (double)x[3 * j + k], 2);
            if (s < least) {
                least = s;
                best = j;
            }
        }
        ck_assert_int_eq(after[2 * i], before[2 * best]);
        ck_assert_int_eq(after[2 * i + 1], before[2 * best + 1]);
    }
    assert_fails(ctx, cepman_hierarchy_assign_noise(t, ctx, at(ctx, t, "1"), m), CEPMAN_ERR_RANGE,
                 "not a leaf of noise");
    /* Without a bad row the node goes. */
    cepman_hierarchy_unref(t);
    t = two_rounds(ctx);
    cepman_matrix *good = support_normals(ctx, N, 2, 3);
    assert_good(ctx, cepman_hierarchy_assign_noise(t, ctx, at(ctx, t, "noise"), good));
    uint64_t id;
    assert_fails(ctx, cepman_hierarchy_find(t, ctx, "noise", &id), CEPMAN_ERR_RANGE, "noise");
    assert_sound(ctx, t);
    cepman_matrix_unref(good);
    cepman_matrix_unref(m);
    cepman_hierarchy_unref(t);
    support_end(ctx);
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------------------------------- */

static cepman_hierarchy *rich_tree(cepman_context *ctx)
{
    cepman_hierarchy *t = two_rounds(ctx);
    cepman_matrix *x = grouped(ctx);
    cepman_options *o = NULL;
    assert_good(ctx, cepman_kmeans_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "k", 3));
    assert_good(ctx, cepman_hierarchy_split_kmeans(t, ctx, at(ctx, t, "1"), x, o));
    assert_good(ctx, cepman_hierarchy_set_space(t, ctx, 0, "a space: \xc3\xa5ngstr\xc3\xb6m"));
    assert_good(ctx, cepman_hierarchy_set_score(t, ctx, 0, "silhouette", -0.25));
    assert_good(ctx, cepman_hierarchy_set_score(t, ctx, 0, "nan", (double)NAN));
    cepman_options_unref(o);
    cepman_matrix_unref(x);
    return t;
}

START_TEST(saved_and_loaded)
{
    cepman_context *ctx = support_begin(1);
    cepman_hierarchy *t = rich_tree(ctx), *back = NULL;
    const char *path = support_path("tree.cepmtree"), *again = support_path("again.cepmtree");
    size_t size, size_again;
    assert_good(ctx, cepman_hierarchy_save(t, ctx, path));
    assert_good(ctx, cepman_hierarchy_load(&back, ctx, path));
    assert_sound(ctx, back);
    ck_assert_uint_eq(cepman_hierarchy_points(back), N);
    ck_assert_uint_eq(cepman_hierarchy_rows(back), 12);
    ck_assert_uint_eq(cepman_hierarchy_columns(back), 20);
    ck_assert_uint_eq(cepman_hierarchy_nodes(back), cepman_hierarchy_nodes(t));
    ck_assert_str_eq(cepman_hierarchy_space(back, 0), cepman_hierarchy_space(t, 0));
    ck_assert(isnan(cepman_hierarchy_score(back, 0, "nan")));
    ck_assert_double_eq(cepman_hierarchy_score(back, 0, "silhouette"), -0.25);
    /* The same bytes: nothing is lost. Then it goes on as the other would. */
    assert_good(ctx, cepman_hierarchy_save(back, ctx, again));
    unsigned char *a = support_read(path, &size), *b = support_read(again, &size_again);
    ck_assert_uint_eq(size, size_again);
    ck_assert_mem_eq(a, b, size);
    assert_good(ctx, cepman_hierarchy_prune(back, ctx, at(ctx, back, "0")));
    assert_sound(ctx, back);
    free(a);
    free(b);
    cepman_hierarchy_unref(back);
    cepman_hierarchy_unref(t);
    back = NULL;
    assert_status(ctx, cepman_hierarchy_load(&back, ctx, support_path("none")), CEPMAN_ERR_IO);
    ck_assert_ptr_null(back);
    support_end(ctx);
}
END_TEST

/* Cut at every byte: truncated; any byte changed: refused; changed and summed anew: refused or sound. */
START_TEST(hostile_files)
{
    cepman_context *ctx = support_begin(1);
    cepman_hierarchy *t = rich_tree(ctx), *got = NULL;
    const char *path = support_path("hostile.cepmtree");
    size_t size;
    assert_good(ctx, cepman_hierarchy_save(t, ctx, path));
    unsigned char *bytes = support_read(path, &size), *copy = malloc(size + 1);
    for (size_t cut = 0; cut < size; cut++)
        assert_status(ctx, cep_hierarchy_parse(&got, ctx, bytes, cut, "cut"), CEPMAN_ERR_TRUNCATED);
    memcpy(copy, bytes, size);
    copy[size] = 0;
    assert_fails(ctx, cep_hierarchy_parse(&got, ctx, copy, size + 1, "long"), CEPMAN_ERR_FORMAT,
                 "header says");
    size_t sound = 0;
    for (size_t i = 0; i < size; i++)
        for (int way = 0; way < 3; way++) {
            static const unsigned char flips[] = {0x01, 0x80, 0xff};
            memcpy(copy, bytes, size);
            copy[i] ^= flips[way];
            cepman_status s = cep_hierarchy_parse(&got, ctx, copy, size, "changed");
            ck_assert_int_ne(s, CEPMAN_OK);
            if (i >= size - 8) continue;
            uint64_t sum = cep_hierarchy_checksum(copy, size - 8);
            for (size_t k = 0; k < 8; k++)
                copy[size - 8 + k] = (unsigned char)(sum >> (8 * k));
            s = cep_hierarchy_parse(&got, ctx, copy, size, "summed");
            ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_FORMAT || s == CEPMAN_ERR_TRUNCATED ||
                      s == CEPMAN_ERR_UNSUPPORTED);
            if (s) continue;
            sound++;
            if (i % 7 == 0 && cepman_hierarchy_points(got) == N) assert_sound(ctx, got);
            cepman_hierarchy_unref(got);
            got = NULL;
        }
    ck_assert_uint_gt(sound, 0);
    ck_assert_ptr_null(got);
    support_write(path, "not a tree", 10);
    assert_fails(ctx, cepman_hierarchy_load(&got, ctx, path), CEPMAN_ERR_FORMAT, "not a tree of rounds");
    memcpy(copy, bytes, size);
    copy[8] = 2;
    assert_fails(ctx, cep_hierarchy_parse(&got, ctx, copy, size, "later"), CEPMAN_ERR_UNSUPPORTED,
                 "version 2");
    free(copy);
    free(bytes);
    cepman_hierarchy_unref(t);
    support_end(ctx);
}
END_TEST

/* ---- failures -------------------------------------------------------------------------------------------------------- */

/* Every change, and saving and loading, with every allocation failing in turn: the tree is as before, or changed. */
START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *x = grouped(ctx);
    cepman_options *k = NULL;
    int32_t l[N];
    for (int i = 0; i < N; i++)
        l[i] = i % 3 - 1;
    cepman_labels *labels = labels_of(ctx, l, N);
    assert_good(ctx, cepman_kmeans_options_create(&k, ctx));
    assert_good(ctx, cepman_options_set_integer(k, ctx, "k", 2));
    const char *path = support_path("failing.cepmtree");
    for (int what = 0; what < 10; what++) {
        cepman_status s;
        long fail = 0;
        do {
            cepman_hierarchy *t = NULL, *other = NULL;
            cepman_labels *out = NULL;
            int32_t *before = malloc(N * 3 * sizeof *before), *now = malloc(N * 3 * sizeof *now);
            t = two_rounds(ctx);
            uint64_t one = at(ctx, t, "1"), two[] = {one, at(ctx, t, "0")}, noise = at(ctx, t, "noise");
            assert_good(ctx, cepman_hierarchy_save(t, ctx, path));
            assert_good(ctx, cepman_hierarchy_paths(before, ctx, t, 3));
            size_t nodes = cepman_hierarchy_nodes(t);
            support_fail_at(fail++);
            switch (what) {
            case 0:
                s = cepman_hierarchy_split(t, ctx, one, labels, "m", "p", 1);
                break;
            case 1:
                s = cepman_hierarchy_split_kmeans(t, ctx, one, x, k);
                break;
            case 2:
                s = cepman_hierarchy_split_mixture(t, ctx, one, x, NULL);
                break;
            case 3:
                s = cepman_hierarchy_split_hdbscan(t, ctx, one, x, NULL, NULL);
                break;
            case 4:
                s = cepman_hierarchy_split_connected(t, ctx, one, 8, 1);
                break;
            case 5:
                s = cepman_hierarchy_merge(t, ctx, two, 2);
                break;
            case 6:
                s = cepman_hierarchy_prune(t, ctx, 0);
                break;
            case 7:
                s = cepman_hierarchy_assign_noise(t, ctx, noise, x);
                break;
            case 8:
                s = cepman_hierarchy_save(t, ctx, path);
                if (!s) s = cepman_hierarchy_load(&other, ctx, path);
                break;
            default:
                s = cepman_hierarchy_labels(&out, ctx, t, 1);
                if (!s) s = cepman_hierarchy_set_space(t, ctx, one, "space");
                if (!s) s = cepman_hierarchy_set_score(t, ctx, one, "score", 1);
                if (!s) s = cepman_hierarchy_create(&other, ctx, 5, 0, 0);
                break;
            }
            support_fail_at(-1);
            ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_THREAD);
            if (s) {
                ck_assert_uint_eq(cepman_hierarchy_nodes(t), nodes);
                assert_good(ctx, cepman_hierarchy_paths(now, ctx, t, 3));
                ck_assert_mem_eq(before, now, N * 3 * sizeof *now);
                ck_assert_ptr_null(other);
            }
            assert_sound(ctx, t);
            free(before);
            free(now);
            cepman_labels_unref(out);
            cepman_hierarchy_unref(other);
            cepman_hierarchy_unref(t);
        } while (s);
        ck_assert_int_gt(fail, 3);
    }
    cepman_labels_unref(labels);
    cepman_options_unref(k);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

START_TEST(bad_arguments)
{
    cepman_context *ctx = support_begin(1);
    cepman_hierarchy *t = NULL;
    assert_fails(ctx, cepman_hierarchy_create(&t, ctx, 0, 0, 0), CEPMAN_ERR_RANGE, "0 points");
    assert_fails(ctx, cepman_hierarchy_create(&t, ctx, 6, 2, 4), CEPMAN_ERR_SHAPE, "2 x 4");
    assert_fails(ctx, cepman_hierarchy_create(&t, ctx, 6, 0, 6), CEPMAN_ERR_SHAPE, "0 x 6");
    assert_status(ctx, cepman_hierarchy_create(NULL, ctx, 6, 0, 0), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(t);
    assert_good(ctx, cepman_hierarchy_create(&t, ctx, 1, 1, 1));
    ck_assert_ptr_eq(cepman_hierarchy_ref(t), t);
    cepman_hierarchy_unref(t);
    size_t members[1];
    assert_good(ctx, cepman_hierarchy_members(members, ctx, t, 0));
    ck_assert_uint_eq(members[0], 0);
    assert_fails(ctx, cepman_hierarchy_members(members, ctx, t, 4), CEPMAN_ERR_RANGE, "no node 4");
    ck_assert_uint_eq(cepman_hierarchy_node(t, 1), CEPMAN_NODE_NONE);
    ck_assert_uint_eq(cepman_hierarchy_parent(t, 0), CEPMAN_NODE_NONE);
    ck_assert_uint_eq(cepman_hierarchy_size(t, 9), 0);
    ck_assert_uint_eq(cepman_hierarchy_path(t, 9, NULL, 0), 0);
    ck_assert_ptr_null(cepman_hierarchy_method(t, 9));
    ck_assert_uint_eq(cepman_hierarchy_nodes(NULL), 0);
    ck_assert_uint_eq(cepman_hierarchy_points(NULL) + cepman_hierarchy_height(NULL), 0);
    assert_status(ctx, cepman_hierarchy_save(NULL, ctx, "x"), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_hierarchy_load(NULL, ctx, "x"), CEPMAN_ERR_ARGUMENT);
    cepman_hierarchy_unref(t);
    cepman_hierarchy_unref(NULL);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster hierarchy");
    TCase *t = tcase_create("hierarchy");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, splits_and_labels);
    tcase_add_test(t, prune_and_merge);
    tcase_add_loop_test(t, random_changes, 0, 3);
    tcase_add_test(t, by_clusterers);
    tcase_add_loop_test(t, by_connectivity, 0, 2);
    tcase_add_loop_test(t, noise_finds_leaves, 0, 2);
    tcase_add_test(t, saved_and_loaded);
    tcase_add_test(t, hostile_files);
    tcase_add_test(t, failing_allocations);
    tcase_add_test(t, bad_arguments);
    suite_add_tcase(s, t);
    return s;
}
