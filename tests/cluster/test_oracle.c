/* HDBSCAN and K-means against the answers of the reference implementations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "support.h"

typedef struct tree_case {
    const char *name, *input;
    int samples, size;
    const char *option, *value, *option2, *value2;
} tree_case;

static const tree_case tree_cases[] = {
    {"H01_blobs2k_ms5", "blobs3d_2k", 5, 20, NULL, NULL, NULL, NULL},
    {"H02_blobs2k_ms1", "blobs3d_2k", 1, 15, NULL, NULL, NULL, NULL},
    {"H03_blobs5k_ms10", "blobs3d_5k", 10, 50, NULL, NULL, NULL, NULL},
    {"H04_blobs5k_ms40", "blobs3d_5k", 40, 100, NULL, NULL, NULL, NULL},
    {"H05_blobs5k_leaf", "blobs3d_5k", 10, 30, "selection", "leaf", NULL, NULL},
    {"H06_moons", "moons_circles_2d", 5, 25, NULL, NULL, NULL, NULL},
    {"H07_density", "density_2d", 8, 40, NULL, NULL, NULL, NULL},
    {"H08_density_eps", "density_2d", 8, 15, "selection-epsilon", "0.35", NULL, NULL},
    {"H09_density_leaf_eps", "density_2d", 8, 15, "selection-epsilon", "0.25", "selection", "leaf"},
    {"H10_density_maxsize", "density_2d", 8, 15, "max-cluster-size", "300", NULL, NULL},
    {"H11_duplicates", "duplicates_3d", 5, 20, NULL, NULL, NULL, NULL},
    {"H12_lattice", "lattice_2d", 4, 10, NULL, NULL, NULL, NULL},
    {"H13_one_blob", "one_blob_3d", 10, 60, NULL, NULL, NULL, NULL},
    {"H14_one_blob_single", "one_blob_3d", 10, 60, "allow-single-cluster", "true", NULL, NULL},
    {"H15_one_blob_single_eps", "one_blob_3d", 10, 60, "allow-single-cluster", "true", "selection-epsilon",
     "0.8"},
    {"H16_uniform_noise", "uniform_3d", 10, 350, NULL, NULL, NULL, NULL},
    {"H17_highdim", "highdim_400x500", 5, 12, NULL, NULL, NULL, NULL},
    {"H18_nonfinite", "nonfinite_3d", 5, 15, NULL, NULL, NULL, NULL},
    {"H19_chain", "chain_3d", 3, 50, NULL, NULL, NULL, NULL},
    {"H20_offset", "offset_3d", 5, 20, NULL, NULL, NULL, NULL},
    {"H21_six", "six_points", 1, 2, NULL, NULL, NULL, NULL},
    {"H22_six_bigms", "six_points", 20, 2, NULL, NULL, NULL, NULL},
    {"H24_blobs2k_alpha", "blobs3d_2k", 5, 20, "alpha", "1.3", NULL, NULL},
};

/* NULL when there are no references. */
static const char *reference(const char *name, const char *part)
{
    char path[200];
    snprintf(path, sizeof path, part ? "oracle/%s__%s.npy" : "oracle/%s.npy", name, part);
    return support_oracle(path);
}

static cepman_matrix *load(cepman_context *ctx, const char *name, const char *part)
{
    cepman_matrix *m = NULL;
    const char *path = reference(name, part);
    ck_assert_ptr_nonnull(path);
    assert_good(ctx, cepman_matrix_load(&m, ctx, path));
    return m;
}

static cepman_labels *load_labels(cepman_context *ctx, const char *name, const char *part)
{
    cepman_labels *l = NULL;
    const char *path = reference(name, part);
    ck_assert_ptr_nonnull(path);
    assert_good(ctx, cepman_labels_load(&l, ctx, path));
    return l;
}

/* Finite wanted values within a relative tolerance (they are read as float32) and an absolute one. */
static void assert_close(const char *what, const double *got, const cepman_matrix *want, double relative,
                         double absolute)
{
    for (size_t i = 0; i < cepman_matrix_rows(want); i++) {
        double w = (double)*cepman_matrix_row(want, i);
        if (!isfinite(w)) continue;
        ck_assert_msg(fabs(got[i] - w) <= relative * fabs(w) + absolute, "%s %zu is %.17g, expected %.9g",
                      what, i, got[i], w);
    }
}

/* The same partition of the points whose mask is 0; at most `spare` of them may be noise in one of the two.
 */
static void assert_same_partition(cepman_labels *got, cepman_labels *want, const cepman_labels *mask,
                                  size_t spare)
{
    size_t n = cepman_labels_count(got);
    ck_assert_uint_eq(n, cepman_labels_count(want));
    int32_t forth[4096], back[4096];
    memset(forth, -1, sizeof forth);
    memset(back, -1, sizeof back);
    ck_assert_uint_lt(cepman_labels_clusters(got), 4096);
    size_t noise = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t g = cepman_labels_data(got)[i], w = cepman_labels_data(want)[i];
        if (mask && cepman_labels_data(mask)[i]) continue;
        noise += (g < 0) != (w < 0);
        ck_assert_msg(noise <= spare, "point %zu is %d, expected %d", i, g, w);
        if (g < 0 || w < 0) continue;
        if (forth[g] < 0) forth[g] = w;
        if (back[w] < 0) back[w] = g;
        ck_assert_msg(forth[g] == w && back[w] == g, "point %zu is %d, expected %d", i, g, w);
    }
}

static void set(cepman_context *ctx, cepman_options *tree, cepman_options *flat, const char *name,
                const char *value)
{
    if (!name) return;
    assert_good(ctx, cepman_options_parse(strcmp(name, "alpha") == 0 ? tree : flat, ctx, name, value));
}

START_TEST(hdbscan_cases)
{
    const tree_case *c = &tree_cases[_i];
    if (!reference(c->input, NULL)) return;
    cepman_context *ctx = support_begin(2);
    cepman_options *how = NULL, *flat = NULL;
    assert_good(ctx, cepman_hdbscan_tree_options_create(&how, ctx));
    assert_good(ctx, cepman_hdbscan_options_create(&flat, ctx));
    assert_good(ctx, cepman_options_set_integer(how, ctx, "min-samples", c->samples));
    assert_good(ctx, cepman_options_set_integer(flat, ctx, "min-cluster-size", c->size));
    set(ctx, how, flat, c->option, c->value);
    set(ctx, how, flat, c->option2, c->value2);

    cepman_matrix *x = load(ctx, c->input, NULL);
    cepman_hdbscan_tree *tree = NULL;
    assert_good(ctx, cepman_hdbscan_tree_build(&tree, ctx, x, how));
    cepman_matrix *core = load(ctx, c->name, "core"), *weights = load(ctx, c->name, "mstw");
    assert_close("core distance", cepman_hdbscan_tree_core_distances(tree), core, 2e-7, 0);
    size_t edges = cepman_hdbscan_tree_edges(tree);
    ck_assert_uint_eq(edges, cepman_matrix_rows(weights));
    for (size_t e = 0; e < edges; e++) {
        double w;
        assert_good(ctx, cepman_hdbscan_tree_edge(tree, e, NULL, NULL, &w));
        double want = (double)*cepman_matrix_row(weights, e);
        ck_assert_msg(fabs(w - want) <= 2e-7 * want, "edge %zu weighs %.17g, expected %.9g", e, w, want);
    }

    cepman_hdbscan *h = NULL;
    assert_good(ctx, cepman_hdbscan_extract(&h, ctx, tree, flat));
    cepman_labels *want = load_labels(ctx, c->name, "can_labels");
    cepman_matrix *p = load(ctx, c->name, "can_prob"), *g = load(ctx, c->name, "can_glosh");
    assert_same_partition(cepman_hdbscan_labels(h), want, NULL, 0);
    assert_close("probability", cepman_hdbscan_probabilities(h), p, 1e-6, 1e-7);
    assert_close("outlier score", cepman_hdbscan_outlier_scores(h), g, 1e-6, 1e-7);
    cepman_hdbscan_unref(h);
    /* SciPy's layout: heights and sizes; each node merges once. */
    double *table = malloc((edges + 1) * 4 * sizeof *table);
    bool *merged = calloc(2 * cepman_hdbscan_tree_points(tree), sizeof *merged);
    assert_good(ctx, cepman_hdbscan_tree_linkage(tree, ctx, table));
    cepman_matrix *linkage = load(ctx, c->name, "slt");
    for (size_t e = 0; e < edges; e++) {
        ck_assert_double_le(fabs(table[4 * e + 2] - (double)cepman_matrix_row(linkage, e)[2]),
                            2e-7 * table[4 * e + 2]);
        double size = 0;
        for (int side = 0; side < 2; side++) {
            size_t v = (size_t)table[4 * e + (size_t)side], rows = cepman_hdbscan_tree_points(tree);
            ck_assert(v < rows + e && !merged[v]);
            merged[v] = true;
            size += v < rows ? 1 : table[4 * (v - rows) + 3];
        }
        ck_assert_double_eq(table[4 * e + 3], size);
    }
    cepman_matrix_unref(linkage);
    free(merged);
    free(table);

    /* The binary form agrees with the reference wherever the order of tied merges does not matter. The mask
     * holds the points where the reference's own algorithms differ; another order of ties frees or holds a
     * few more. */
    size_t n = cepman_matrix_rows(x);
    h = NULL;
    assert_good(ctx, cepman_options_set_text(flat, ctx, "ties", "binary"));
    assert_good(ctx, cepman_hdbscan_extract(&h, ctx, tree, flat));
    cepman_labels *raw = load_labels(ctx, c->name, "ref_labels"),
                  *unsure = load_labels(ctx, c->name, "ambiguous");
    assert_same_partition(cepman_hdbscan_labels(h), raw, unsure, n / 100);
    cepman_hdbscan_unref(h);

    cepman_labels_unref(raw);
    cepman_labels_unref(unsure);
    cepman_labels_unref(want);
    cepman_matrix_unref(p);
    cepman_matrix_unref(g);
    cepman_matrix_unref(core);
    cepman_matrix_unref(weights);
    cepman_matrix_unref(x);
    cepman_hdbscan_tree_unref(tree);
    cepman_options_unref(how);
    cepman_options_unref(flat);
    support_end(ctx);
}
END_TEST

/* Clusters at a distance, in the reference's words. */
START_TEST(cuts)
{
    if (!reference("moons_circles_2d", NULL)) return;
    cepman_context *ctx = support_begin(1);
    cepman_options *how = NULL;
    cepman_matrix *x = load(ctx, "moons_circles_2d", NULL);
    cepman_hdbscan_tree *tree = NULL;
    assert_good(ctx, cepman_hdbscan_tree_options_create(&how, ctx));
    assert_good(ctx, cepman_options_set_integer(how, ctx, "min-samples", 5));
    assert_good(ctx, cepman_hdbscan_tree_build(&tree, ctx, x, how));
    for (int i = 0; i < 2; i++) {
        cepman_labels *got = NULL, *want = load_labels(ctx, "H06_moons", i ? "cut_0.3" : "cut_0.12");
        assert_good(ctx, cepman_hdbscan_tree_cut(&got, ctx, tree, i ? 0.3 : 0.12, 5));
        assert_same_partition(got, want, NULL, 0);
        cepman_labels_unref(got);
        cepman_labels_unref(want);
    }
    cepman_hdbscan_tree_unref(tree);
    cepman_matrix_unref(x);
    cepman_options_unref(how);
    support_end(ctx);
}
END_TEST

/* A table of distances instead of points. */
START_TEST(given_distances)
{
    if (!reference("precomputed_300", NULL)) return;
    cepman_context *ctx = support_begin(1);
    size_t size, n = 300;
    /* float64 behind a .npy header of 128 bytes. */
    unsigned char *file = support_read(reference("precomputed_300", NULL), &size);
    ck_assert_uint_eq(size, 128 + n * n * 8);
    double *d = malloc(n * n * 8);
    memcpy(d, file + 128, n * n * 8);
    cepman_options *how = NULL, *flat = NULL;
    cepman_hdbscan_tree *tree = NULL;
    cepman_hdbscan *h = NULL;
    assert_good(ctx, cepman_hdbscan_tree_options_create(&how, ctx));
    assert_good(ctx, cepman_options_set_integer(how, ctx, "min-samples", 5));
    assert_good(ctx, cepman_hdbscan_options_create(&flat, ctx));
    assert_good(ctx, cepman_options_set_integer(flat, ctx, "min-cluster-size", 12));
    assert_good(ctx, cepman_hdbscan_tree_build_distances(&tree, ctx, d, n, n, how));
    assert_good(ctx, cepman_hdbscan_extract(&h, ctx, tree, flat));
    cepman_labels *want = load_labels(ctx, "H23_precomputed", "can_labels");
    cepman_matrix *p = load(ctx, "H23_precomputed", "can_prob");
    assert_same_partition(cepman_hdbscan_labels(h), want, NULL, 0);
    assert_close("probability", cepman_hdbscan_probabilities(h), p, 1e-6, 1e-7);
    cepman_labels_unref(want);
    cepman_matrix_unref(p);
    cepman_hdbscan_unref(h);
    cepman_hdbscan_tree_unref(tree);
    cepman_options_unref(how);
    cepman_options_unref(flat);
    free(d);
    free(file);
    support_end(ctx);
}
END_TEST

typedef struct means_case {
    const char *name, *input, *option, *value;
    size_t iterations;
    double inertia;
} means_case;

static const means_case means_cases[] = {
    {"K01_blobs5k", "blobs3d_5k", NULL, NULL, 5, 127920.984375},
    {"K02_blobs5k_k20", "blobs3d_5k", NULL, NULL, 11, 16842.455078125},
    {"K03_moons_tol0", "moons_circles_2d", "tol", "0", 34, 402.5592041015625},
    {"K04_highdim", "highdim_400x500", NULL, NULL, 6, 12198.5654296875},
    {"K05_weights", "density_2d", NULL, NULL, 11, 3940.971435546875},
    {"K06_empty_cluster", "density_2d", NULL, NULL, 5, 2512.81982421875},
    {"K07_maxiter3", "blobs3d_5k", "max-iterations", "3", 3, 70998.828125},
};

START_TEST(kmeans_cases)
{
    const means_case *c = &means_cases[_i];
    if (!reference(c->input, NULL)) return;
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = load(ctx, c->input, NULL), *init = load(ctx, c->name, "init"), *weights = NULL;
    size_t n = cepman_matrix_rows(x);
    double w[5000];
    if (strcmp(c->name, "K05_weights") == 0) {
        weights = load(ctx, c->name, "w");
        for (size_t i = 0; i < n; i++)
            w[i] = (double)*cepman_matrix_row(weights, i);
    }
    cepman_options *options = NULL;
    assert_good(ctx, cepman_kmeans_options_create(&options, ctx));
    assert_good(ctx, cepman_options_set_integer(options, ctx, "k", (int64_t)cepman_matrix_rows(init)));
    if (c->option) assert_good(ctx, cepman_options_parse(options, ctx, c->option, c->value));
    cepman_kmeans *model = NULL;
    assert_good(ctx, cepman_kmeans_fit(&model, ctx, x, init, weights ? w : NULL, options));
    cepman_labels *want = load_labels(ctx, c->name, "labels");
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += cepman_labels_data(want)[i] != cepman_labels_data(cepman_kmeans_labels(model))[i];
    ck_assert_msg(wrong == 0, "%zu labels differ", wrong);
    ck_assert_uint_eq(cepman_kmeans_iterations(model), c->iterations);
    ck_assert_double_le(fabs(cepman_kmeans_inertia(model) / c->inertia - 1), 1e-5);
    cepman_labels_unref(want);
    cepman_kmeans_unref(model);
    cepman_options_unref(options);
    cepman_matrix_unref(weights);
    cepman_matrix_unref(init);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

/* Ten runs of greedy k-means++ come within 1.002 of the best of a hundred references in nine of ten seeds,
 * and a single run is as good as theirs. */
START_TEST(kmeans_quality)
{
    if (!reference("blobs3d_5k", NULL)) return;
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = load(ctx, "blobs3d_5k", NULL);
    cepman_options *options = NULL;
    assert_good(ctx, cepman_kmeans_options_create(&options, ctx));
    assert_good(ctx, cepman_options_set_integer(options, ctx, "k", 10));
    int good = 0;
    for (int seed = 0; seed < 10; seed++) {
        cepman_kmeans *model = NULL;
        assert_good(ctx, cepman_options_set_integer(options, ctx, "seed", seed));
        assert_good(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, NULL, options));
        good += cepman_kmeans_inertia(model) <= 1.002 * 26765.30859375;
        cepman_kmeans_unref(model);
    }
    ck_assert_int_ge(good, 9);
    assert_good(ctx, cepman_options_set_integer(options, ctx, "n-init", 1));
    int below = 0;
    for (int seed = 0; seed < 100; seed++) {
        cepman_kmeans *model = NULL;
        assert_good(ctx, cepman_options_set_integer(options, ctx, "seed", 1000 + seed));
        assert_good(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, NULL, options));
        below += cepman_kmeans_inertia(model) <= 1.02 * 27927.927734375;
        cepman_kmeans_unref(model);
    }
    ck_assert_int_ge(below, 50);
    cepman_options_unref(options);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster oracle");
    TCase *t = tcase_create("references");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, hdbscan_cases, 0, sizeof tree_cases / sizeof *tree_cases);
    tcase_add_test(t, cuts);
    tcase_add_test(t, given_distances);
    tcase_add_loop_test(t, kmeans_cases, 0, sizeof means_cases / sizeof *means_cases);
    tcase_add_test(t, kmeans_quality);
    suite_add_tcase(s, t);
    return s;
}
