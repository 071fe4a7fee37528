/* Trees from graphs of neighbours, DBCV and relative validity: against the tree of the points, plain twins and the
 * references. */
#include <stdio.h>

#include "hdbscan_help.h"

static cepman_neighbors *neighbors_of(cepman_context *ctx, const cepman_matrix *m, size_t k)
{
    cepman_options *o = NULL;
    cepman_neighbors *g = NULL;
    assert_good(ctx, cepman_neighbors_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "k", (int64_t)k));
    assert_good(ctx, cepman_options_set_text(o, ctx, "method", "exact"));
    assert_good(ctx, cepman_neighbors_build(&g, ctx, m, o));
    cepman_options_unref(o);
    return g;
}

static cepman_hdbscan_tree *graph_tree(cepman_context *ctx, const cepman_neighbors *g, int64_t samples,
                                       double alpha)
{
    cepman_options *o = tree_options(ctx, samples, alpha);
    cepman_hdbscan_tree *t = NULL;
    assert_good(ctx, cepman_hdbscan_tree_build_neighbors(&t, ctx, g, o));
    cepman_options_unref(o);
    return t;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Kruskal by repeated relabelling; the weights, ascending, infinite ones last. */
static void kruskal_twin(const cepman_neighbors *g, size_t samples, double alpha, double *weights)
{
    size_t n = cepman_neighbors_count(g), k = cepman_neighbors_k(g), found = 0;
    const int32_t *index = cepman_neighbors_indices(g);
    const float *distance = cepman_neighbors_distances(g);
    double *all = malloc(n * k * sizeof *all), *sorted = malloc(n * k * sizeof *sorted);
    size_t *part = malloc(n * sizeof *part);
    for (size_t i = 0; i < n; i++) {
        part[i] = i;
        for (size_t c = 0; c < k; c++) {
            size_t j = (size_t)index[i * k + c];
            double own = fmax((double)distance[i * k + samples - 1], (double)distance[j * k + samples - 1]);
            sorted[i * k + c] = all[i * k + c] = fmax(own, (double)distance[i * k + c] / alpha);
        }
    }
    qsort(sorted, n * k, sizeof *sorted, by_value);
    for (size_t s = 0; s < n * k && found + 1 < n; s++) {
        if (s && sorted[s] == sorted[s - 1]) continue;
        for (size_t e = 0; e < n * k; e++) {
            size_t a = part[e / k], b = part[index[e]];
            if (all[e] != sorted[s] || a == b) continue;
            weights[found++] = sorted[s];
            for (size_t i = 0; i < n; i++)
                if (part[i] == b) part[i] = a;
        }
    }
    while (found + 1 < n)
        weights[found++] = (double)INFINITY;
    free(all);
    free(sorted);
    free(part);
}

START_TEST(graphs)
{
    static const size_t sizes[] = {2, 3, 30, 120}, lists[] = {1, 2, 7, 200};
    for (size_t c = 0; c < 16; c++) {
        size_t n = sizes[c % 4], k = lists[c / 4] < n ? lists[c / 4] : n - 1, samples = 1 + c % k;
        double alpha = c % 3 ? 1 : 0.7, weights[120];
        cepman_context *ctx = support_begin(1 + c % 3 * 1u);
        float *x = points_of(_i, n, 3, c);
        cepman_matrix *m = matrix_of(ctx, x, n, 3);
        cepman_neighbors *g = neighbors_of(ctx, m, k);
        cepman_hdbscan_tree *t = graph_tree(ctx, g, (int64_t)samples, alpha),
                            *points = tree_of(ctx, m, (int64_t)samples, alpha);
        kruskal_twin(g, samples, alpha, weights);
        ck_assert_uint_eq(cepman_hdbscan_tree_edges(t), n - 1);
        for (size_t e = 0; e + 1 < n; e++) {
            size_t a = n, b = n;
            double w;
            assert_good(ctx, cepman_hdbscan_tree_edge(t, e, &a, &b, &w));
            ck_assert(a < n && b < n && w == weights[e]);
            if (k == n - 1) ck_assert_double_le(fabs(w - weight_at(points, e)), 1e-6 * w);
        }
        /* All pairs are in the graph: the same clusters, where float32 distances keep the ties. */
        if (k == n - 1 && _i == LATTICE) {
            cepman_hdbscan *a = flat_of(ctx, t, 4, NULL, NULL), *b = flat_of(ctx, points, 4, NULL, NULL);
            ck_assert_mem_eq(cepman_labels_data(cepman_hdbscan_labels(a)),
                             cepman_labels_data(cepman_hdbscan_labels(b)), n * sizeof(int32_t));
            cepman_hdbscan_unref(a);
            cepman_hdbscan_unref(b);
        }
        cepman_hdbscan_tree_unref(t);
        cepman_hdbscan_tree_unref(points);
        cepman_neighbors_unref(g);
        cepman_matrix_unref(m);
        free(x);
        support_end(ctx);
    }
}
END_TEST

/* Three blobs that the graph does not connect: clusters whatever they hold, noise when they are small. */
START_TEST(disconnected)
{
    size_t n = 90;
    cepman_context *ctx = support_begin(1);
    float *x = points_of(BLOBS, n, 3, 9);
    cepman_matrix *m = matrix_of(ctx, x, n, 3);
    cepman_neighbors *g = neighbors_of(ctx, m, 12);
    cepman_hdbscan_tree *t = graph_tree(ctx, g, 5, 1);
    ck_assert(isinf(weight_at(t, n - 2)) && isinf(weight_at(t, n - 3)) && isfinite(weight_at(t, n - 4)));
    for (int large = 0; large < 2; large++) {
        cepman_hdbscan *h = flat_of(ctx, t, large ? 31 : 25, NULL, NULL);
        const int32_t *l = cepman_labels_data(cepman_hdbscan_labels(h));
        ck_assert_uint_eq(cepman_labels_clusters(cepman_hdbscan_labels(h)), large ? 0 : 3);
        for (size_t i = 0; i < n; i++)
            ck_assert(large ? l[i] == -1 : l[i] == (int32_t)(i % 3) || l[i] == -1);
        double birth, lambda;
        size_t cluster;
        for (size_t k = 0; k < cepman_hdbscan_condensed_clusters(h); k++) {
            assert_good(ctx, cepman_hdbscan_condensed_cluster(h, k, NULL, NULL, NULL, &birth, NULL, NULL));
            ck_assert(k > 3 || birth == 0);
        }
        if (large) {
            assert_good(ctx, cepman_hdbscan_condensed_point(h, 4, &cluster, &lambda));
            ck_assert(cluster == 0 && lambda == 0);
        }
        double v = 5;
        assert_good(ctx, cepman_hdbscan_relative_validity(&v, ctx, t, cepman_hdbscan_labels(h)));
        ck_assert(large ? isnan(v) : v > 0 && v <= 1);
        cepman_hdbscan_unref(h);
    }
    cepman_hdbscan *one = flat_of(ctx, t, 25, "allow-single-cluster", "true");
    ck_assert_uint_eq(cepman_labels_clusters(cepman_hdbscan_labels(one)), 3);
    cepman_hdbscan_unref(one);
    cepman_labels *cut = NULL;
    assert_good(ctx, cepman_hdbscan_tree_cut(&cut, ctx, t, 1e300, 1));
    ck_assert_uint_eq(cepman_labels_clusters(cut), 3);
    cepman_labels_unref(cut);
    cepman_hdbscan_tree_unref(t);
    cepman_neighbors_unref(g);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

START_TEST(bad_graphs)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = support_normals(ctx, 6000, 3, 1);
    cepman_neighbors *g = neighbors_of(ctx, m, 6), *none = NULL, *single = NULL;
    cepman_options *o = tree_options(ctx, 7, 1);
    cepman_hdbscan_tree *t = NULL;
    assert_fails(ctx, cepman_hdbscan_tree_build_neighbors(&t, ctx, g, o), CEPMAN_ERR_RANGE,
                 "7, the graph has 6");
    assert_status(ctx, cepman_hdbscan_tree_build_neighbors(&t, ctx, NULL, o), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_hdbscan_tree_build_neighbors(NULL, ctx, g, NULL), CEPMAN_ERR_ARGUMENT);
    assert_good(ctx, cepman_neighbors_copy(&none, ctx, 0, 0, NULL, NULL));
    assert_good(ctx, cepman_hdbscan_tree_build_neighbors(&t, ctx, none, o));
    ck_assert_uint_eq(cepman_hdbscan_tree_points(t), 0);
    cepman_hdbscan_tree_unref(t);
    assert_good(ctx, cepman_neighbors_copy(&single, ctx, 1, 0, NULL, NULL));
    assert_good(ctx, cepman_hdbscan_tree_build_neighbors(&t, ctx, single, o));
    ck_assert(cepman_hdbscan_tree_points(t) == 1 && cepman_hdbscan_tree_core_distances(t)[0] == 0);
    cepman_hdbscan_tree_unref(t);
    t = NULL;
    for (int polls = 0; polls < 3; polls++) {
        int left = polls;
        assert_good(ctx, cepman_context_set_cancel(ctx, count_down, &left));
        assert_status(ctx, cepman_hdbscan_tree_build_neighbors(&t, ctx, g, NULL), CEPMAN_ERR_CANCELLED);
        assert_good(ctx, cepman_context_set_cancel(ctx, NULL, NULL));
        cepman_context_clear_cancel(ctx);
    }
    cepman_status s;
    long fail = 0;
    do {
        ck_assert_ptr_null(t);
        support_fail_at(fail++);
        s = cepman_hdbscan_tree_build_neighbors(&t, ctx, g, NULL);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
    } while (s);
    support_fail_at(-1);
    ck_assert_int_gt(fail, 10);
    cepman_hdbscan_tree_unref(t);
    cepman_options_unref(o);
    cepman_neighbors_unref(g);
    cepman_neighbors_unref(none);
    cepman_neighbors_unref(single);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* ---- validity ---------------------------------------------------------------------------------------------------- */

/* DBCV with all pairs in a table; -2 for clusters left out. */
static double dbcv_twin(const float *x, size_t n, size_t d, const int32_t *label, int clusters, double *value)
{
    double *w = malloc(n * n * sizeof *w), *core = malloc(n * sizeof *core), *key = malloc(n * sizeof *key);
    size_t *from = malloc(n * sizeof *from), *degree = calloc(n, sizeof *degree), used = 0;
    bool *inner = calloc(n, sizeof *inner), *in = calloc(n, sizeof *in);
    double sparse[16], apart[16], sum = 0;
    size_t size[16] = {0};
    for (size_t i = 0; i < n; i++)
        if (label[i] >= 0) size[label[i]]++;
    for (size_t i = 0; i < n; i++) {
        double mean = 0;
        for (size_t j = 0; j < n; j++) {
            double s = 0;
            for (size_t c = 0; c < d; c++)
                s += ((double)x[i * d + c] - (double)x[j * d + c]) *
                     ((double)x[i * d + c] - (double)x[j * d + c]);
            w[i * n + j] = sqrt(s);
            if (i != j && label[i] == label[j] && s > 0) mean += pow(1 / sqrt(s), (double)d);
        }
        core[i] = mean > 0 ? pow(mean / (double)(size[label[i] < 0 ? 0 : label[i]] - 1), -1 / (double)d) : 0;
    }
    for (int k = 0; k < clusters; k++) {
        double inside = -1, all = 0;
        size_t root = n;
        bool any = false;
        value[k] = (double)NAN;
        if (size[k] < 2) continue;
        used++;
        for (size_t i = n; i-- > 0;)
            if (label[i] == k) root = i;
        in[root] = true;
        for (size_t step = 1; step < size[k]; step++) {
            size_t a = n, b = n;
            double best = (double)INFINITY;
            for (size_t j = 0; j < n; j++) /* the first row that is nearest; of its ends the first */
                for (size_t i = 0; i < n && label[j] == k && !in[j]; i++)
                    if (in[i] && label[i] == k && fmax(w[i * n + j], fmax(core[i], core[j])) < best) {
                        best = fmax(w[i * n + j], fmax(core[i], core[j]));
                        a = i;
                        b = j;
                    }
            in[b] = true;
            from[b] = a;
            key[b] = best;
            degree[a]++;
            degree[b]++;
        }
        for (size_t i = 0; i < n; i++)
            if (label[i] == k) any = any || degree[i] > 1;
        for (size_t i = 0; i < n; i++)
            if (label[i] == k) inner[i] = degree[i] > 1 || !any;
        for (size_t i = 0; i < n; i++)
            if (label[i] == k && i != root) {
                all = fmax(all, key[i]);
                if (degree[i] > 1 && degree[from[i]] > 1) inside = fmax(inside, key[i]);
            }
        sparse[k] = inside >= 0 ? inside : all;
    }
    for (int k = 0; k < clusters && used > 1; k++) {
        if (size[k] < 2) continue;
        apart[k] = (double)INFINITY;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n && label[i] == k && inner[i]; j++)
                if (label[j] >= 0 && label[j] != k && inner[j])
                    apart[k] = fmin(apart[k], fmax(w[i * n + j], fmax(core[i], core[j])));
        double most = fmax(apart[k], sparse[k]);
        value[k] = most > 0 ? (apart[k] - sparse[k]) / most : 0;
        sum += value[k] * (double)size[k] / (double)n;
    }
    free(w);
    free(core);
    free(key);
    free(from);
    free(degree);
    free(inner);
    free(in);
    return used > 1 ? sum : (double)NAN;
}

START_TEST(dbcv)
{
    for (size_t c = 0; c < 12; c++) {
        size_t n = c < 2 ? 5 : 40 + 3 * c, d = c % 4 == 3 ? 9 : 1 + c % 4;
        cepman_context *ctx = support_begin(1 + c % 2 * 2u);
        float *x = points_of(_i, n, d, c);
        int32_t label[100];
        double got[8], want[8], value = 9, other, again[8];
        for (size_t i = 0; i < n; i++) /* 5: one point; 6: none; 7: two points */
            label[i] = i == 1 ? 5 : i == 3 || i == 4 ? 7 : i % 9 == 8 ? -1 : (int32_t)(i % 3);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < d && label[i] < 0; j++)
                x[i * d + j] = NAN;
        cepman_matrix *m = matrix_of(ctx, x, n, d);
        cepman_labels *l = NULL;
        assert_good(ctx, cepman_labels_copy(&l, ctx, label, n));
        for (size_t i = 0; i < n; i++) /* the twin's sums must not meet NaN */
            for (size_t j = 0; j < d && label[i] < 0; j++)
                x[i * d + j] = 0;
        assert_good(ctx, cepman_validity_dbcv(&value, got, ctx, m, l));
        double whole = dbcv_twin(x, n, d, label, 8, want);
        ck_assert(isnan(whole) ? isnan(value) : fabs(value - whole) < 1e-9);
        for (int k = 0; k < 8; k++)
            ck_assert(isnan(want[k]) ? isnan(got[k]) : fabs(got[k] - want[k]) < 1e-9);
        assert_good(ctx, cepman_context_set_threads(ctx, 2));
        assert_good(ctx, cepman_validity_dbcv(&other, again, ctx, m, l));
        ck_assert((other == value || isnan(whole)) && memcmp(got, again, sizeof got) == 0);
        cepman_labels_unref(l);
        cepman_matrix_unref(m);
        free(x);
        support_end(ctx);
    }
}
END_TEST

START_TEST(validity_failures)
{
    cepman_context *ctx = support_begin(2);
    size_t n = 3000;
    float *x = points_of(BLOBS, n, 3, 1);
    x[3] = NAN;
    cepman_matrix *m = matrix_of(ctx, x, n, 3);
    cepman_hdbscan_tree *t = tree_of(ctx, m, 5, 1);
    cepman_hdbscan *h = flat_of(ctx, t, 30, NULL, NULL);
    cepman_labels *good = cepman_hdbscan_labels(h), *few = NULL, *all = NULL, *bad = NULL;
    int32_t *zero = calloc(n, sizeof *zero);
    double out = 4, value = 0, values[2000];
    ck_assert_uint_gt(cepman_labels_clusters(good), 1);
    ck_assert_uint_lt(cepman_labels_clusters(good), 2000);
    assert_good(ctx, cepman_labels_copy(&few, ctx, zero, n - 1));
    assert_good(ctx, cepman_labels_copy(&bad, ctx, zero, n));
    for (size_t i = 0; i < n; i++)
        zero[i] = -1;
    assert_good(ctx, cepman_labels_copy(&all, ctx, zero, n));
    assert_status(ctx, cepman_validity_dbcv(NULL, NULL, ctx, m, good), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, cepman_validity_dbcv(&out, NULL, ctx, m, few), CEPMAN_ERR_SHAPE, "2999 labels");
    assert_fails(ctx, cepman_validity_dbcv(&out, NULL, ctx, m, bad), CEPMAN_ERR_DATA, "row 1");
    assert_status(ctx, cepman_hdbscan_relative_validity(&out, ctx, NULL, good), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, cepman_hdbscan_relative_validity(&out, ctx, t, few), CEPMAN_ERR_SHAPE, "2999 labels");
    for (int polls = 0; polls < 8; polls++) {
        int left = polls;
        assert_good(ctx, cepman_context_set_cancel(ctx, count_down, &left));
        assert_status(ctx, cepman_validity_dbcv(&out, NULL, ctx, m, good), CEPMAN_ERR_CANCELLED);
        left = 0;
        cepman_context_clear_cancel(ctx);
        assert_status(ctx, cepman_hdbscan_relative_validity(&out, ctx, t, good), CEPMAN_ERR_CANCELLED);
        assert_good(ctx, cepman_context_set_cancel(ctx, NULL, NULL));
        cepman_context_clear_cancel(ctx);
    }
    ck_assert_double_eq(out, 4);
    assert_good(ctx, cepman_validity_dbcv(&value, NULL, ctx, m, all));
    ck_assert(isnan(value));
    assert_good(ctx, cepman_hdbscan_relative_validity(&value, ctx, t, all));
    ck_assert(isnan(value));
    cepman_status s;
    long fail = 0;
    do {
        support_fail_at(fail++);
        s = cepman_hdbscan_relative_validity(&out, ctx, t, good);
        if (!s) s = cepman_validity_dbcv(&value, values, ctx, m, good);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_THREAD);
    } while (s);
    support_fail_at(-1);
    ck_assert_int_gt(fail, 15);
    ck_assert(value > 0 && value < 1 && out > -1 && out < 1);
    cepman_labels_unref(few);
    cepman_labels_unref(all);
    cepman_labels_unref(bad);
    cepman_hdbscan_unref(h);
    cepman_hdbscan_tree_unref(t);
    cepman_matrix_unref(m);
    free(zero);
    free(x);
    support_end(ctx);
}
END_TEST

/* Five points on a line: 0 1 2 | 10 11, core distances 1: edges 1, 1, 8, 1. */
START_TEST(relative_by_hand)
{
    static const float x[] = {0, 1, 2, 10, 11};
    static const struct {
        int32_t label[5];
        double want;
    } cases[] = {{{0, 0, 0, 1, 1}, 7.0 / 8},
                 {{0, 0, -1, 1, 1}, 4.0 / 5 * 15 / 16}, /* no edge between them: 2 * 8 */
                 {{0, 0, 0, 0, 0}, 8.0 / 16},           /* no noise: 2 * 8 */
                 {{2, 2, 2, -1, -1}, 3.0 / 5 * 15 / 16},
                 {{0, 1, 0, 1, 0}, 3.0 / 5 + 2.0 / 5}};
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = matrix_of(ctx, x, 5, 1);
    cepman_hdbscan_tree *t = tree_of(ctx, m, 1, 1);
    for (size_t c = 0; c < 5; c++) {
        cepman_labels *l = NULL;
        double got;
        assert_good(ctx, cepman_labels_copy(&l, ctx, cases[c].label, 5));
        assert_good(ctx, cepman_hdbscan_relative_validity(&got, ctx, t, l));
        ck_assert_double_eq_tol(got, cases[c].want, 1e-15);
        cepman_labels_unref(l);
    }
    cepman_hdbscan_tree_unref(t);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(dbcv_references)
{
    static const struct {
        const char *input, *labels, *values;
        double want;
    } cases[] = {{"oracle/blobs3d_2k.npy", "oracle/H01_blobs2k_ms5__ref_labels.npy",
                  "oracle/H01_blobs2k_ms5__dbcv.npy", 0.7509976216855413},
                 {"oracle/moons_circles_2d.npy", "oracle/H06_moons__ref_labels.npy",
                  "oracle/H06_moons__dbcv.npy", 0.4498548204260753}};
    char path[3][300];
    const char *name[] = {cases[_i].input, cases[_i].labels, cases[_i].values};
    for (int f = 0; f < 3; f++) {
        const char *p = support_oracle(name[f]);
        if (!p) return;
        snprintf(path[f], sizeof path[f], "%s", p);
    }
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = NULL, *want = NULL;
    cepman_labels *l = NULL;
    double got, values[64];
    assert_good(ctx, cepman_matrix_load(&x, ctx, path[0]));
    assert_good(ctx, cepman_labels_load(&l, ctx, path[1]));
    assert_good(ctx, cepman_matrix_load(&want, ctx, path[2]));
    assert_good(ctx, cepman_validity_dbcv(&got, values, ctx, x, l));
    ck_assert_double_eq_tol(got, cases[_i].want, 1e-12);
    for (size_t k = 0; k < cepman_matrix_rows(want); k++)
        ck_assert_double_eq_tol(values[k], (double)*cepman_matrix_row(want, k), 1e-7);
    cepman_labels_unref(l);
    cepman_matrix_unref(x);
    cepman_matrix_unref(want);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster hdbscan graph");
    TCase *t = tcase_create("graph");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, graphs, 0, KINDS);
    tcase_add_test(t, disconnected);
    tcase_add_test(t, bad_graphs);
    tcase_add_loop_test(t, dbcv, 0, KINDS);
    tcase_add_test(t, validity_failures);
    tcase_add_test(t, relative_by_hand);
    tcase_add_loop_test(t, dbcv_references, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
