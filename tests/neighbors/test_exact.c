/* Exact neighbours against a brute-force twin in float64: any shape, metric, ties, odd input, failures. */
#include "common.h"

static cepman_neighbors *build(cepman_context *ctx, const cepman_matrix *m, int64_t k, const char *metric,
                               const char *method)
{
    return common_build(ctx, m, k, metric, method, 0.98);
}

static const struct {
    size_t n, d;
    int64_t k;
} shapes[] = {{0, 4, 15},   {1, 9, 15},     {2, 9, 15},     {3, 1, 2},     {16, 17, 15},
              {49, 9, 48},  {97, 33, 1},    {300, 2, 15},   {777, 8, 20},  {400, 9, 5},
              {501, 64, 7}, {130, 300, 10}, {40, 5000, 15}, {900, 12, 15}, {700, 1, 15}};

START_TEST(like_the_twin)
{
    cepman_context *ctx = support_begin(2);
    for (int cosine = 0; cosine < 2; cosine++) {
        cepman_matrix *m = support_normals(ctx, shapes[_i].n, shapes[_i].d, 5 + (uint64_t)_i);
        cepman_neighbors *g = build(ctx, m, shapes[_i].k, cosine ? "cosine" : "euclidean", "exact");
        size_t most = shapes[_i].n ? shapes[_i].n - 1 : 0;
        ck_assert_uint_eq(cepman_neighbors_k(g), most < (size_t)shapes[_i].k ? most : (size_t)shapes[_i].k);
        common_assert_graph(g, m, (cep_metric)cosine, false);
        if (shapes[_i].n > 1)
            ck_assert_str_eq(cepman_neighbors_method(g), !cosine && shapes[_i].d <= 8 ? "tree" : "exact");
        ck_assert(cepman_neighbors_recall(g) == 1);
        cepman_neighbors_unref(g);
        cepman_matrix_unref(m);
    }
    support_end(ctx);
}
END_TEST

/* A lattice in 3 and in 10 dimensions: many exact ties, so the order by index must be kept. */
START_TEST(lattice_ties)
{
    cepman_context *ctx = support_begin(2);
    size_t d = _i ? 10 : 3, n = _i ? 1024 : 343;
    float *x = calloc(n * d, sizeof *x);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0, rest = i; j < d; j++, rest /= _i ? 2 : 7)
            x[i * d + j] = (float)(rest % (_i ? 2 : 7)) + 100;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL));
    cepman_neighbors *g = build(ctx, m, 15, "euclidean", "exact");
    common_assert_graph(g, m, CEP_EUCLIDEAN, true);
    cepman_neighbors_unref(g);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

/* Groups of equal rows, larger than k, among others; far from the origin and at extreme scales. */
START_TEST(duplicates)
{
    static const float scales[] = {1, 1e-38f, 1e37f};
    cepman_context *ctx = support_begin(2);
    size_t n = 700, d = _i % 2 ? 20 : 4;
    float *x = malloc(n * d * sizeof *x);
    support_random r = {3};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            x[i * d + j] =
                i % 3 == 0 && i > 0 ? x[j] : (float)support_uniform(&r) * scales[_i / 2] + scales[_i / 2];
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL));
    cepman_neighbors *g = build(ctx, m, 15, "euclidean", "exact");
    for (size_t c = 0; c < 15; c++) {
        ck_assert_int_eq(cepman_neighbors_indices(g)[c], 3 * (int32_t)(c + 1));
        ck_assert(cepman_neighbors_distances(g)[699 * 15 + c] == 0);
    }
    common_assert_graph(g, m, CEP_EUCLIDEAN, _i < 2);
    cepman_neighbors_unref(g);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

START_TEST(all_equal)
{
    cepman_context *ctx = support_begin(2);
    size_t n = 1500, d = _i ? 30 : 2;
    float *x = malloc(n * d * sizeof *x);
    for (size_t i = 0; i < n * d; i++)
        x[i] = 0.1f;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL));
    for (int cosine = 0; cosine < 2; cosine++) {
        cepman_neighbors *g = build(ctx, m, 5, cosine ? "cosine" : "euclidean", "exact");
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < 5; c++) {
                ck_assert_int_eq(cepman_neighbors_indices(g)[i * 5 + c], (int32_t)(c + (i <= c)));
                ck_assert(cepman_neighbors_distances(g)[i * 5 + c] == 0);
            }
        cepman_neighbors_unref(g);
    }
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

/* Tight groups far from everything: dot products alone cannot tell them apart. Differences of float32 rows do (case 0),
 * or of float64 where squares would leave float32 (1) and for cosines (2). */
START_TEST(cancellation)
{
    cepman_context *ctx = support_begin(1);
    size_t n = 600, d = 40;
    float *x = malloc(n * d * sizeof *x);
    support_random r = {8};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            x[i * d + j] = ((i + (_i == 2 && j % 2)) % 2 ? 1e4f : -1e4f) * (_i == 1 ? 1e20f : 1) +
                           (_i == 1 ? 1e18f : 1e-2f) * (float)support_normal(&r);
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL));
    cepman_neighbors *g = build(ctx, m, 12, _i == 2 ? "cosine" : "euclidean", "exact");
    common_assert_graph(g, m, _i == 2 ? CEP_COSINE : CEP_EUCLIDEAN, _i == 0);
    cepman_neighbors_unref(g);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

/* A zero row has no direction: at 1 from all others, at 0 from other zero rows. */
START_TEST(cosine_zero_rows)
{
    cepman_context *ctx = support_begin(1);
    size_t n = 200, d = 12;
    float *x = malloc(n * d * sizeof *x);
    support_random r = {4};
    for (size_t i = 0; i < n * d; i++)
        x[i] = i / d % 10 == 0 ? 0 : (float)support_normal(&r);
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL));
    cepman_neighbors *g = build(ctx, m, 30, "cosine", "exact");
    common_assert_graph(g, m, CEP_COSINE, false);
    for (size_t c = 0; c < 19; c++) {
        ck_assert_int_eq(cepman_neighbors_indices(g)[c], 10 * (int32_t)(c + 1));
        ck_assert(cepman_neighbors_distances(g)[c] == 0);
    }
    ck_assert(cepman_neighbors_distances(g)[19] == 1);
    cepman_neighbors_unref(g);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

/* One answer: at any number of threads and CPU level, and for a copy, a borrowed and a selected matrix. */
START_TEST(same_bits_everywhere)
{
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = support_normals(ctx, 1100, _i ? 70 : 3, 9), *selected = NULL;
    size_t rows[1100];
    for (size_t i = 0; i < 1100; i++)
        rows[i] = i;
    assert_good(ctx, cepman_matrix_select(&selected, ctx, m, rows, 1100));
    cepman_neighbors *first = build(ctx, m, 10, "euclidean", "exact");
    for (unsigned threads = 1; threads <= 3; threads += 2)
        for (int level = 0; level < 3; level++) {
            if (cepman_context_set_cpu_level(ctx, levels[level])) continue;
            assert_good(ctx, cepman_context_set_threads(ctx, threads));
            cepman_neighbors *g = build(ctx, level ? m : selected, 10, "euclidean", "exact");
            ck_assert_msg(common_same(first, g), "%u threads at %s differ", threads, levels[level]);
            cepman_neighbors_unref(g);
        }
    cepman_neighbors_unref(first);
    cepman_matrix_unref(selected);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(tree_is_brute_force)
{
    cepman_context *ctx = support_begin(2);
    for (size_t d = 1; d <= CEP_TREE_COLUMNS; d++) {
        size_t n = 900, k = 7 + d;
        float *x = malloc(n * d * sizeof *x);
        support_random r = {d};
        for (size_t i = 0; i < n * d; i++) /* coarse numbers: ties, and some equal rows */
            x[i] = (float)floor(support_normal(&r) * (d < 3 ? 300 : 8)) * 0.1f;
        cepman_matrix *m = NULL;
        assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL));
        cepman_neighbors *a = NULL, *b = NULL;
        int32_t *ai, *bi;
        float *ad, *bd;
        cep_measure measure;
        assert_good(ctx, cep_neighbors_create(&a, ctx, n, k, &ai, &ad));
        assert_good(ctx, cep_neighbors_create(&b, ctx, n, k, &bi, &bd));
        assert_good(ctx, cep_measure_open(&measure, ctx, m, CEP_EUCLIDEAN));
        assert_good(ctx, cep_neighbors_tree(ctx, &measure, k, ai, ad));
        assert_good(ctx, cep_neighbors_exact(ctx, &measure, k, bi, bd));
        ck_assert(common_same(a, b));
        cep_measure_close(&measure);
        cepman_neighbors_unref(a);
        cepman_neighbors_unref(b);
        cepman_matrix_unref(m);
        free(x);
    }
    support_end(ctx);
}
END_TEST

START_TEST(refuses_what_is_not_finite)
{
    cepman_context *ctx = support_begin(2);
    float x[60 * 11];
    for (size_t i = 0; i < 60 * 11; i++)
        x[i] = (float)i;
    x[17 * 11 + 3] = _i ? INFINITY : NAN;
    x[40 * 11] = NAN;
    cepman_matrix *m = NULL;
    cepman_neighbors *g = NULL;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, 60, 11, 11, NULL, NULL));
    assert_fails(ctx, cepman_neighbors_build(&g, ctx, m, NULL), CEPMAN_ERR_DATA, "row 17");
    ck_assert_ptr_null(g);
    assert_fails(ctx, cepman_neighbors_build(NULL, ctx, m, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    assert_fails(ctx, cepman_neighbors_build(&g, ctx, NULL, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = support_normals(ctx, 120, _i ? 20 : 3, 2);
    cepman_options *o = NULL;
    assert_good(ctx, cepman_neighbors_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_text(o, ctx, "metric", _i == 2 ? "cosine" : "euclidean"));
    for (long at = 0;; at++) {
        cepman_neighbors *g = NULL;
        support_fail_at(at);
        cepman_status s = cepman_neighbors_build(&g, ctx, m, o);
        support_fail_at(-1);
        if (!s) {
            ck_assert_int_gt(at, 5);
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

/* A limit on memory is kept: refused with the size, and nothing changes. */
START_TEST(memory_limit)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = support_normals(ctx, 500, _i ? 100 : 3, 2);
    cepman_neighbors *g = NULL;
    size_t used = cepman_context_memory_used(ctx);
    assert_good(ctx, cepman_context_set_memory_limit(ctx, used + 50000));
    assert_fails(ctx, cepman_neighbors_build(&g, ctx, m, NULL), CEPMAN_ERR_LIMIT, "limit");
    ck_assert_ptr_null(g);
    ck_assert_uint_eq(cepman_context_memory_used(ctx), used);
    assert_good(ctx, cepman_context_set_memory_limit(ctx, 0));
    assert_good(ctx, cepman_neighbors_build(&g, ctx, m, NULL));
    cepman_neighbors_unref(g);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(cancel_in_the_middle)
{
    cepman_context *ctx = support_begin(_i % 2 ? 3 : 1);
    cepman_matrix *m = support_normals(ctx, 2000, _i < 2 ? 3 : 30, 6);
    int left;
    assert_good(ctx, cepman_context_set_cancel(ctx, common_cancel_after, &left));
    for (left = 1;; left *= 3) {
        cepman_neighbors *g = NULL;
        int budget = left;
        cepman_status s = cepman_neighbors_build(&g, ctx, m, NULL);
        if (s == CEPMAN_OK) {
            ck_assert_int_gt(budget, 3);
            cepman_neighbors_unref(g);
            break;
        }
        ck_assert_int_eq(s, CEPMAN_ERR_CANCELLED);
        ck_assert_ptr_null(g);
        left = budget;
    }
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(a_graph_of_the_callers)
{
    cepman_context *ctx = support_begin(1);
    const int32_t good[] = {1, 2, 2, 0, 1, 0};
    const float distances[] = {0, 1, 1, 1, 2, 3};
    cepman_neighbors *g = NULL;
    assert_good(ctx, cepman_neighbors_copy(&g, ctx, 3, 2, good, distances));
    ck_assert_str_eq(cepman_neighbors_method(g), "given");
    ck_assert_mem_eq(cepman_neighbors_indices(g), good, sizeof good);
    ck_assert_mem_eq(cepman_neighbors_distances(g), distances, sizeof distances);
    cepman_neighbors *again = cepman_neighbors_ref(g);
    cepman_neighbors_unref(g);
    ck_assert_uint_eq(cepman_neighbors_k(again), 2);
    cepman_neighbors_unref(again);
    cepman_neighbors_unref(NULL);

    const int32_t outside[] = {1, 3, 2, 0, 1, 0}, self[] = {1, 2, 2, 1, 1, 0}, twice[] = {1, 2, 0, 0, 1, 0};
    const float falling[] = {0, 1, 1, 0.5f, 2, 3}, odd[] = {0, 1, 1, 1, 2, NAN},
                negative[] = {-1, 1, 1, 1, 2, 3};
    g = NULL;
    assert_fails(ctx, cepman_neighbors_copy(&g, ctx, 3, 2, outside, distances), CEPMAN_ERR_RANGE, "row 0");
    assert_fails(ctx, cepman_neighbors_copy(&g, ctx, 3, 2, self, distances), CEPMAN_ERR_DATA, "itself");
    assert_fails(ctx, cepman_neighbors_copy(&g, ctx, 3, 2, twice, distances), CEPMAN_ERR_DATA,
                 "places 0 and 1");
    assert_fails(ctx, cepman_neighbors_copy(&g, ctx, 3, 2, good, falling), CEPMAN_ERR_DATA, "row 1");
    assert_fails(ctx, cepman_neighbors_copy(&g, ctx, 3, 2, good, odd), CEPMAN_ERR_DATA, "row 2");
    assert_fails(ctx, cepman_neighbors_copy(&g, ctx, 3, 2, good, negative), CEPMAN_ERR_DATA, "row 0");
    assert_fails(ctx, cepman_neighbors_copy(&g, ctx, 2, 2, good, distances), CEPMAN_ERR_RANGE, "k is 2");
    assert_fails(ctx, cepman_neighbors_copy(&g, ctx, 3, 2, NULL, distances), CEPMAN_ERR_ARGUMENT, "NULL");
    ck_assert_ptr_null(g);
    support_end(ctx);
}
END_TEST

/* Correlation: the twin's; constant rows are zero rows whatever their value; shift and scale change nothing. */
START_TEST(correlation)
{
    cepman_context *ctx = support_begin(2);
    size_t n = 300, d = 24;
    float *x = malloc(n * d * sizeof *x);
    support_random r = {4};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            x[i * d + j] =
                i % 20 == 0 ? 0.1f * (float)i : (float)(support_normal(&r) * (1 + (double)i) + (double)i);
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL));
    cepman_neighbors *g = common_build(ctx, m, 20, "correlation", "auto", 0.98);
    common_assert_graph(g, m, CEP_CORRELATION, false);
    for (size_t c = 0; c < 14; c++) {
        ck_assert_int_eq(cepman_neighbors_indices(g)[c], 20 * (int32_t)(c + 1));
        ck_assert(cepman_neighbors_distances(g)[c] == 0);
    }
    ck_assert(cepman_neighbors_distances(g)[14] == 1);
    cepman_neighbors_unref(g);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("neighbors");
    TCase *t = tcase_create("exact");
    tcase_add_loop_test(t, like_the_twin, 0, sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(t, lattice_ties, 0, 2);
    tcase_add_loop_test(t, duplicates, 0, 6);
    tcase_add_loop_test(t, all_equal, 0, 2);
    tcase_add_loop_test(t, cancellation, 0, 3);
    tcase_add_test(t, cosine_zero_rows);
    tcase_add_loop_test(t, same_bits_everywhere, 0, 2);
    tcase_add_test(t, tree_is_brute_force);
    tcase_add_loop_test(t, refuses_what_is_not_finite, 0, 2);
    tcase_add_loop_test(t, failing_allocations, 0, 3);
    tcase_add_loop_test(t, memory_limit, 0, 2);
    tcase_add_loop_test(t, cancel_in_the_middle, 0, 4);
    tcase_add_test(t, a_graph_of_the_callers);
    tcase_add_test(t, correlation);
    suite_add_tcase(s, t);
    return s;
}
