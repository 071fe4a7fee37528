/* Approximate neighbours against the exact ones: recall, true distances, the same bits for any number of threads,
 * odd data, failures; and the parts of the method one by one. */
#include "common.h"
#include "forest.h"

/* Share of places whose distance is no more than the exact search's last one (so that ties count). */
static double true_recall(const cepman_neighbors *g, const cepman_neighbors *exact)
{
    return common_recall(cepman_neighbors_distances(g), cepman_neighbors_distances(exact),
                         cepman_neighbors_count(g), cepman_neighbors_k(g));
}

/* A graph is sound: no row names itself or another twice, distances ascend and are the true ones to the bit. */
static void assert_sound(cepman_context *ctx, const cepman_neighbors *g, const cepman_matrix *m,
                         cep_metric metric)
{
    cep_measure measure;
    size_t k = cepman_neighbors_k(g);
    assert_good(ctx, cep_measure_open(&measure, ctx, m, metric));
    for (size_t i = 0; i < cepman_neighbors_count(g); i++) {
        const int32_t *row = cepman_neighbors_indices(g) + i * k;
        const float *distance = cepman_neighbors_distances(g) + i * k;
        bool sound = true; /* one assertion a row: each costs a system call */
        for (size_t c = 0; c < k; c++) {
            sound = sound && row[c] >= 0 && (size_t)row[c] < cepman_matrix_rows(m) && (size_t)row[c] != i;
            for (size_t b = 0; b < c; b++)
                sound = sound && row[b] != row[c] && distance[b] <= distance[c];
            sound = sound && distance[c] ==
                                 cep_measure_distance(&measure, cep_measure_key(&measure, i, (size_t)row[c]));
        }
        ck_assert_msg(sound, "row %zu", i);
    }
    cep_measure_close(&measure);
}

static const struct {
    size_t n, d;
    int64_t k;
    const char *metric;
} cases[] = {{3000, 200, 15, "euclidean"},  {3000, 200, 15, "cosine"},    {2500, 40, 10, "euclidean"},
             {2500, 96, 10, "cosine"},      {2000, 120, 60, "euclidean"}, {1000, 9, 3, "euclidean"},
             {2000, 150, 15, "correlation"}};

static cep_metric metric_of(const char *name)
{
    return strcmp(name, "cosine") == 0        ? CEP_COSINE
           : strcmp(name, "correlation") == 0 ? CEP_CORRELATION
                                              : CEP_EUCLIDEAN;
}

START_TEST(finds_what_is_asked)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = common_sheets(ctx, cases[_i].n, cases[_i].d, 7);
    cepman_neighbors *exact = common_build(ctx, m, cases[_i].k, cases[_i].metric, "exact", 0.98);
    cepman_neighbors *g = common_build(ctx, m, cases[_i].k, cases[_i].metric, "approximate", 0.98);
    ck_assert_str_eq(cepman_neighbors_method(g), "approximate");
    ck_assert_double_ge(cepman_neighbors_recall(g), 0.98);
    ck_assert_double_le(cepman_neighbors_recall(g), 1);
    ck_assert_double_ge(true_recall(g, exact), 0.97);
    /* The estimate is what the whole has, within five standard errors of a sample of 96 rows. */
    ck_assert_double_eq_tol(cepman_neighbors_recall(g), true_recall(g, exact), 0.02);
    assert_sound(ctx, g, m, metric_of(cases[_i].metric));
    cepman_neighbors_unref(g);
    cepman_neighbors_unref(exact);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(same_bits_for_any_threads)
{
    const char *metric = _i ? "cosine" : "euclidean";
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = common_sheets(ctx, 2100, 130, 3), *selected = NULL;
    size_t rows[2100];
    for (size_t i = 0; i < 2100; i++)
        rows[i] = i;
    assert_good(ctx, cepman_matrix_select(&selected, ctx, m, rows, 2100));
    cepman_neighbors *one = common_build(ctx, m, 12, metric, "approximate", 0.95);
    assert_good(ctx, cepman_context_set_threads(ctx, 3));
    cepman_neighbors *three = common_build(ctx, m, 12, metric, "approximate", 0.95);
    cepman_neighbors *chosen = common_build(ctx, selected, 12, metric, "approximate", 0.95);
    ck_assert_str_eq(cepman_neighbors_method(one), "approximate");
    ck_assert(common_same(one, three));
    ck_assert(common_same(one, chosen));
    cepman_neighbors_unref(one);
    cepman_neighbors_unref(three);
    cepman_neighbors_unref(chosen);
    cepman_matrix_unref(selected);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(every_cpu_level)
{
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    cepman_context *ctx = support_begin(2);
    if (cepman_context_set_cpu_level(ctx, levels[_i]) == CEPMAN_OK) {
        cepman_matrix *m = common_sheets(ctx, 2000, 150, 11);
        cepman_neighbors *exact = common_build(ctx, m, 15, "euclidean", "exact", 0.98);
        cepman_neighbors *g = common_build(ctx, m, 15, "euclidean", "approximate", 0.98);
        ck_assert_str_eq(cepman_neighbors_method(g), "approximate");
        ck_assert_double_ge(true_recall(g, exact), 0.97);
        cepman_neighbors_unref(g);
        cepman_neighbors_unref(exact);
        cepman_matrix_unref(m);
    }
    support_end(ctx);
}
END_TEST

/* Half the rows alike (more than a leaf), all alike, and zero rows under the cosine. */
START_TEST(many_alike)
{
    cepman_context *ctx = support_begin(2);
    size_t n = 2400, d = 110;
    support_random r = {5};
    float *x = malloc(n * d * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        double z = support_normal(&r);
        for (size_t j = 0; j < d; j++)
            x[i * d + j] = _i == 1 ? 2.5f : i % 2 ? (_i == 2 ? 0 : 1) : (float)sin(z + 0.05 * (double)j);
    }
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL));
    const char *metric = _i == 2 ? "cosine" : "euclidean";
    cepman_neighbors *exact = common_build(ctx, m, 15, metric, "exact", 0.98);
    cepman_neighbors *g = common_build(ctx, m, 15, metric, "approximate", 0.98);
    ck_assert_str_eq(cepman_neighbors_method(g), "approximate");
    ck_assert_double_ge(true_recall(g, exact), 0.97);
    assert_sound(ctx, g, m, _i == 2 ? CEP_COSINE : CEP_EUCLIDEAN);
    for (size_t c = 0; c < 15; c++)
        ck_assert(cepman_neighbors_distances(g)[15 + c] == 0);
    cepman_neighbors_unref(g);
    cepman_neighbors_unref(exact);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

/* Pure noise has no few coordinates: the search is exact in the end, and says so. */
START_TEST(out_of_reach)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = support_normals(ctx, 1500, 300, 2);
    cepman_neighbors *exact = common_build(ctx, m, 8, "euclidean", "exact", 0.98);
    cepman_neighbors *g = common_build(ctx, m, 8, "euclidean", "approximate", 0.98);
    ck_assert_str_eq(cepman_neighbors_method(g), "exact");
    ck_assert(common_same(g, exact));
    cepman_neighbors_unref(g);
    g = common_build(ctx, m, 8, "euclidean", "approximate", 1);
    ck_assert_str_eq(cepman_neighbors_method(g), "exact");
    cepman_neighbors_unref(g);
    cepman_neighbors_unref(exact);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Rounds of widening: few coordinates lose much of this data, so the first round cannot reach the target. */
START_TEST(widens)
{
    cepman_context *ctx = support_begin(2);
    size_t n = 3000, k = 10;
    cepman_matrix *m = support_normals(ctx, n, _i ? 14 : 130, 2);
    cep_measure measure;
    int32_t *indices = malloc(n * k * sizeof *indices);
    float *distances = malloc(n * k * sizeof *distances);
    double first = -1, last = -1;
    assert_good(ctx, cep_measure_open(&measure, ctx, m, CEP_EUCLIDEAN));
    double target = _i ? 0.9999 : 0.85;
    assert_good(ctx, cep_neighbors_approximate(ctx, &measure, k, 1, target, 0, indices, distances, &first));
    ck_assert(first == 0);
    assert_good(ctx, cep_neighbors_approximate(ctx, &measure, k, 1, target, 6, indices, distances, &last));
    ck_assert_double_ge(last, target);
    cep_measure_close(&measure);
    cepman_matrix_unref(m);
    free(indices);
    free(distances);
    support_end(ctx);
}
END_TEST

START_TEST(automatic)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *small = support_normals(ctx, 1500, 20, 1), *flat = support_normals(ctx, 3000, 3, 1);
    cepman_neighbors *g = common_build(ctx, small, 15, "euclidean", "auto", 0.98);
    ck_assert_str_eq(cepman_neighbors_method(g), "exact");
    cepman_neighbors_unref(g);
    g = common_build(ctx, flat, 15, "euclidean", "auto", 0.98);
    ck_assert_str_eq(cepman_neighbors_method(g), "tree");
    cepman_neighbors_unref(g);
    cepman_matrix_unref(small);
    cepman_matrix_unref(flat);
    support_end(ctx);
}
END_TEST

/* The sample's neighbours are those of the exact search. */
START_TEST(truth_is_exact)
{
    cepman_context *ctx = support_begin(3);
    bool cosine = _i & 1;
    cepman_matrix *m = common_sheets(ctx, _i < 2 ? 1700 : 50, 77, 4);
    size_t k = 9;
    cepman_neighbors *exact =
        common_build(ctx, m, (int64_t)k, cosine ? "cosine" : "euclidean", "exact", 0.98);
    cep_measure measure;
    cep_truth truth;
    assert_good(ctx, cep_measure_open(&measure, ctx, m, (cep_metric)cosine));
    assert_good(ctx, cep_truth_open(&truth, ctx, &measure, k, 77));
    for (size_t s = 0; s < truth.count; s++)
        for (size_t c = 0; c < k; c++) {
            size_t i = (size_t)truth.rows[s];
            ck_assert_int_eq(truth.nearest[s * k + c].index, cepman_neighbors_indices(exact)[i * k + c]);
            ck_assert(s == 0 || truth.rows[s] > truth.rows[s - 1]);
        }
    cep_truth_close(&truth);
    cep_measure_close(&measure);
    cepman_neighbors_unref(exact);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* A list keeps the best of a stream with repeats, once each. */
START_TEST(lists_keep_the_best)
{
    cepman_context *ctx = support_begin(1);
    cep_lists l;
    assert_good(ctx, cep_lists_open(&l, ctx, 2, 20));
    float keys[300], sorted[300];
    support_random r = {6};
    for (int j = 0; j < 300; j++)
        sorted[j] = keys[j] = (float)floor(support_uniform(&r) * 100000);
    qsort(sorted, 300, sizeof *sorted, ascending);
    for (int t = 0; t < 3000; t++) {
        size_t j = (size_t)(support_uniform(&r) * 300);
        cep_lists_offer(&l, 1, j, keys[j], true);
    }
    for (size_t j = 0; j < 300; j++)
        cep_lists_offer(&l, 1, j, keys[j], true);
    cep_lists_shrink(&l, 1);
    ck_assert_uint_eq(l.counts[0], 0);
    ck_assert_uint_eq(l.counts[1], 20);
    ck_assert(l.limits[1] == sorted[19]);
    const float *mine = l.keys + l.capacity;
    for (size_t c = 0; c < 20; c++) {
        ck_assert(keys[l.indices[l.capacity + c]] == mine[c]);
        ck_assert(mine[c] <= sorted[19]);
        for (size_t b = 0; b < c; b++)
            ck_assert_int_ne(l.indices[l.capacity + b], l.indices[l.capacity + c]);
    }
    float near[20];
    int32_t which[20];
    ck_assert_uint_eq(cep_lists_nearest(&l, 0, 5, near, which), 0);
    ck_assert_uint_eq(cep_lists_nearest(&l, 1, 50, near, which), 20);
    ck_assert_mem_eq(near, mine, sizeof near);
    ck_assert_uint_eq(cep_lists_nearest(&l, 1, 5, near, which), 5);
    for (size_t c = 0; c < 5; c++)
        ck_assert(keys[which[c]] == near[c] && near[c] <= sorted[4]);
    cep_lists_close(&l);
    support_end(ctx);
}
END_TEST

/* Projections never lengthen distances, and with as many axes as the data have directions they keep them. */
START_TEST(projection_keeps_distances)
{
    cepman_context *ctx = support_begin(2);
    size_t n = 1200, d = 150;
    support_random r = {9};
    float *x = malloc(n * d * sizeof *x), w[10 * 150];
    for (size_t j = 0; j < 10 * d; j++)
        w[j] = (float)support_normal(&r);
    for (size_t i = 0; i < n; i++) { /* ten directions, and (odd case) noise in all */
        memset(x + i * d, 0, d * sizeof *x);
        for (size_t q = 0; q < 10; q++) {
            float z = (float)support_normal(&r);
            for (size_t j = 0; j < d; j++)
                x[i * d + j] += z * w[q * d + j] + (_i ? (float)support_normal(&r) : 5);
        }
    }
    cepman_matrix *m = NULL;
    cep_measure measure;
    cep_projection p;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL));
    assert_good(ctx, cep_measure_open(&measure, ctx, m, CEP_EUCLIDEAN));
    cep_projector projector;
    assert_good(ctx, cep_projector_open(&projector, ctx, &measure, 32, 3));
    assert_good(ctx, cep_projection_open(&p, ctx, &measure, &projector));
    cep_projector_close(&projector);
    ck_assert_uint_eq(p.width, 32);
    for (size_t i = 0; i + 1 < n; i++) {
        double a = cep_measure_key(&measure, i, i + 1);
        double b = measure.kernels->squared_f64(p.y + i * p.width, p.y + (i + 1) * p.width, p.width);
        ck_assert_double_le(b, a * (1 + 1e-4));
        if (_i == 0) ck_assert_double_ge(b, a * (1 - 1e-3));
    }
    cep_projection_close(&p);
    cep_measure_close(&measure);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = common_sheets(ctx, 1000, 104, 2);
    cepman_options *o = NULL;
    assert_good(ctx, cepman_neighbors_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_text(o, ctx, "method", "approximate"));
    assert_good(ctx, cepman_options_set_real(o, ctx, "recall", 0.9));
    for (long at = 0;; at++) {
        cepman_neighbors *g = NULL;
        support_fail_at(at);
        cepman_status s = cepman_neighbors_build(&g, ctx, m, o);
        support_fail_at(-1);
        if (!s) {
            ck_assert_int_gt(at, 40);
            ck_assert_str_eq(cepman_neighbors_method(g), "approximate");
            cepman_neighbors_unref(g);
            break;
        }
        ck_assert_int_eq(s, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(g);
    }
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(cancel_in_the_middle)
{
    cepman_context *ctx = support_begin(_i ? 3 : 1);
    cepman_matrix *m = common_sheets(ctx, 2000, 120, 6);
    cepman_options *o = NULL;
    assert_good(ctx, cepman_neighbors_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_text(o, ctx, "method", "approximate"));
    int left = 0, budget = 1;
    assert_good(ctx, cepman_context_set_cancel(ctx, common_cancel_after, &left));
    for (;; budget += 1 + budget / 2) {
        cepman_neighbors *g = NULL;
        left = budget;
        cepman_status s = cepman_neighbors_build(&g, ctx, m, o);
        if (s == CEPMAN_OK) {
            ck_assert_int_gt(budget, 10);
            cepman_neighbors_unref(g);
            break;
        }
        ck_assert_int_eq(s, CEPMAN_ERR_CANCELLED);
        ck_assert_ptr_null(g);
    }
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("neighbors");
    TCase *t = tcase_create("approximate");
    tcase_add_loop_test(t, finds_what_is_asked, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(t, same_bits_for_any_threads, 0, 2);
    tcase_add_loop_test(t, every_cpu_level, 0, 3);
    tcase_add_loop_test(t, many_alike, 0, 3);
    tcase_add_test(t, out_of_reach);
    tcase_add_loop_test(t, widens, 0, 2);
    tcase_add_test(t, automatic);
    tcase_add_loop_test(t, truth_is_exact, 0, 4);
    tcase_add_test(t, lists_keep_the_best);
    tcase_add_loop_test(t, projection_keeps_distances, 0, 2);
    tcase_add_test(t, failing_allocations);
    tcase_add_loop_test(t, cancel_in_the_middle, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
