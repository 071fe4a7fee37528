/* Principal components of rows that come in blocks, of rows in files and of float16: what the fit in memory gives. */
#include <unistd.h>

#include "common.h"

static cepman_pca *gathered(cepman_context *ctx, const cepman_matrix *m, const cepman_options *o, size_t step)
{
    cepman_pca_accumulator *a = NULL;
    cepman_pca *p = NULL;
    const size_t n = cepman_matrix_rows(m), d = cepman_matrix_columns(m);
    size_t stride = 0;
    const float *x = cepman_matrix_data(m, &stride);
    assert_good(ctx, cepman_pca_accumulator_create(&a, ctx, d));
    for (size_t i = 0; i < n; i += step) {
        assert_good(ctx,
                    cepman_pca_accumulator_add(a, ctx, x + i * stride, n - i < step ? n - i : step, stride));
        ck_assert_uint_eq(cepman_pca_accumulator_rows(a), n - i < step ? n : i + step);
    }
    assert_good(ctx, cepman_pca_accumulator_finish(&p, ctx, a, o));
    assert_fails(ctx, cepman_pca_accumulator_add(a, ctx, x, 1, stride), CEPMAN_ERR_ARGUMENT, "finished");
    cepman_pca_accumulator_unref(a);
    return p;
}

static void assert_same_bits(const cepman_pca *p, const cepman_pca *q)
{
    const size_t k = cepman_pca_components(p), d = cepman_pca_features(p);
    ck_assert_uint_eq(cepman_pca_components(q), k);
    ck_assert_mem_eq(cepman_pca_variance(p), cepman_pca_variance(q), k * sizeof(double));
    ck_assert_mem_eq(cepman_pca_mean(p), cepman_pca_mean(q), d * sizeof(double));
    for (size_t j = 0; j < k; j++)
        ck_assert_mem_eq(cepman_pca_component(p, j), cepman_pca_component(q, j), d * sizeof(double));
    const double total[2] = {cepman_pca_total_variance(p), cepman_pca_total_variance(q)};
    ck_assert_mem_eq(&total[0], &total[1], sizeof *total);
}

/* Blocks of 4096 rows inside: 9000 rows are two and a part. */
START_TEST(blocks_give_the_fit_in_memory)
{
    cepman_context *ctx = support_begin(1);
    static const size_t steps[] = {9000, 4096, 1000, 7};
    cepman_matrix *m = layered(ctx, 9000, 70, 6, 0.8, 0.2, 9);
    cepman_options *o = wanted(ctx, _i ? "auto" : "8", _i == 1);
    cepman_pca *p = NULL;
    cep_pca_method used;
    assert_good(ctx, cep_pca_fit_by(&p, ctx, m, o, CEP_PCA_FEATURES_F32, &used));
    ck_assert_int_eq(used, CEP_PCA_FEATURES_F32);
    for (int t = 0; t < 4; t++) {
        assert_good(ctx, cepman_context_set_threads(ctx, t % 2 ? 3 : 1));
        cepman_pca *q = gathered(ctx, m, o, steps[t]);
        check_form(q);
        assert_same_bits(p, q);
        cepman_pca_unref(q);
    }
    cepman_pca *exact = NULL;
    assert_good(ctx, cep_pca_fit_by(&exact, ctx, m, o, CEP_PCA_FEATURES_F64, NULL));
    ck_assert_uint_eq(cepman_pca_components(exact), cepman_pca_components(p));
    for (size_t j = 0; j < cepman_pca_components(p); j++)
        ck_assert_double_le(fabs(cepman_pca_variance(p)[j] / cepman_pca_variance(exact)[j] - 1), 3e-5);
    ck_assert_double_eq_tol(cepman_pca_total_variance(p) / cepman_pca_total_variance(exact), 1, 1e-6);
    /* Scores of blocks are those of the matrix. */
    cepman_matrix *scores = NULL;
    const size_t k = cepman_pca_components(p);
    float *out = malloc(9000 * (k + 1) * sizeof *out);
    assert_good(ctx, cepman_pca_apply(&scores, ctx, p, m));
    for (size_t i = 0; i < 9000; i += 4500)
        assert_good(ctx, cepman_pca_project(p, ctx, cepman_matrix_row(m, i), 4500,
                                            (size_t)(cepman_matrix_row(m, 1) - cepman_matrix_row(m, 0)),
                                            out + i * (k + 1), k + 1));
    for (size_t i = 0; i < 9000; i++)
        for (size_t j = 0; j < k; j++)
            ck_assert_double_eq_tol((double)out[i * (k + 1) + j], (double)cepman_matrix_row(scores, i)[j],
                                    1e-5);
    assert_status(ctx, cepman_pca_project(p, ctx, out, 1, 69, out, k), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_pca_project(p, ctx, out, 1, 70, out, k - 1), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_pca_project(p, ctx, NULL, 1, 70, out, k), CEPMAN_ERR_ARGUMENT);
    free(out);
    cepman_matrix_unref(scores);
    cepman_pca_unref(exact);
    cepman_pca_unref(p);
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(drift_and_offset)
{
    /* Rows that wander far from where they began, and a large offset: blocks are centred by themselves. */
    cepman_context *ctx = support_begin(2);
    support_random r = {4};
    float *x = malloc(10000 * 12 * sizeof *x);
    for (size_t i = 0; i < 10000; i++)
        for (size_t j = 0; j < 12; j++)
            x[i * 12 + j] =
                (float)(1000 + (double)i / 100 * (double)(j == 0) + support_normal(&r) * (double)(j + 1));
    cepman_matrix *m = NULL;
    cepman_pca *exact = NULL, *p;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 10000, 12, 12));
    assert_good(ctx, cep_pca_fit_by(&exact, ctx, m, NULL, CEP_PCA_FEATURES_F64, NULL));
    p = gathered(ctx, m, NULL, 333);
    for (size_t j = 0; j < 12; j++) {
        ck_assert_double_eq_tol(cepman_pca_variance(p)[j] / cepman_pca_variance(exact)[j], 1, 2e-6);
        ck_assert_double_eq_tol(cepman_pca_mean(p)[j], cepman_pca_mean(exact)[j], 1e-9 * 1000);
    }
    cepman_pca_unref(p);
    cepman_pca_unref(exact);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

/* Rows of a file, and float16 in memory or file, give what their float32 copies give. */
START_TEST(stored_rows)
{
    cepman_context *ctx = support_begin(2);
    const size_t n = methods[_i] == CEP_PCA_POINTS ? 40 : 500;
    cepman_matrix *m = layered(ctx, n, 60, 6, 0.7, 0.1, 5), *half = NULL, *wide = NULL;
    assert_good(ctx, cepman_matrix_convert(&half, ctx, m, CEPMAN_TYPE_F16));
    assert_good(ctx, cepman_matrix_convert(&wide, ctx, half, CEPMAN_TYPE_F32));
    for (int kind = 0; kind < 3; kind++) {
        const cepman_matrix *plain = kind == 0 ? m : wide;
        cepman_matrix *stored = NULL, *a = NULL, *b = NULL;
        cepman_pca *p = NULL, *q = NULL;
        if (kind < 2) {
            const char *path = support_path("rows.npy");
            assert_good(ctx, cepman_matrix_save(kind ? half : m, ctx, path));
            assert_good(ctx, cepman_matrix_map(&stored, ctx, path));
        } else {
            stored = cepman_matrix_ref(half);
        }
        assert_good(ctx, cep_pca_fit_by(&p, ctx, plain, NULL, methods[_i], NULL));
        assert_good(ctx, cep_pca_fit_by(&q, ctx, stored, NULL, methods[_i], NULL));
        assert_same_bits(p, q);
        assert_good(ctx, cepman_pca_apply(&a, ctx, p, plain));
        assert_good(ctx, cepman_pca_apply(&b, ctx, p, stored));
        for (size_t i = 0; i < n; i++)
            ck_assert_mem_eq(cepman_matrix_row(a, i), cepman_matrix_row(b, i), cepman_matrix_columns(a) * 4);
        cepman_matrix_unref(a);
        cepman_matrix_unref(b);
        cepman_pca_unref(p);
        cepman_pca_unref(q);
        cepman_matrix_unref(stored);
    }
    /* A file that lost its end meanwhile. */
    const char *path = support_path("cut.npy");
    cepman_matrix *cut = NULL;
    cepman_pca *p = NULL;
    assert_good(ctx, cepman_matrix_save(half, ctx, path));
    assert_good(ctx, cepman_matrix_map(&cut, ctx, path));
    ck_assert_int_eq(truncate(path, 1000), 0);
    assert_status(ctx, cep_pca_fit_by(&p, ctx, cut, NULL, methods[_i], NULL), CEPMAN_ERR_TRUNCATED);
    cepman_matrix_unref(cut);
    cepman_matrix_unref(wide);
    cepman_matrix_unref(half);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(probe_sends_hard_cases_on)
{
    /* Variances far below the largest: float32 sums alone cannot give the last ones, so the answer is refined. */
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = layered(ctx, 6000, 40, 12, 0.2, 0, 17);
    cepman_options *o = wanted(ctx, "9", false);
    cepman_pca *p = NULL, *exact = NULL;
    assert_good(ctx, cep_pca_fit_by(&p, ctx, m, o, CEP_PCA_FEATURES_F32, NULL));
    assert_good(ctx, cep_pca_fit_by(&exact, ctx, m, o, CEP_PCA_FEATURES_F64, NULL));
    for (size_t j = 0; j < 9; j++)
        ck_assert_double_eq_tol(cepman_pca_variance(p)[j] / cepman_pca_variance(exact)[j], 1, 1e-4);
    cepman_pca_unref(p);
    cepman_pca_unref(exact);
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static int stop_later(void *user)
{
    int *left = user;
    return --*left < 0;
}

START_TEST(refusals)
{
    cepman_context *ctx = support_begin(2);
    cepman_pca_accumulator *a = NULL;
    cepman_pca *p = NULL;
    float x[10 * 3] = {0};
    assert_status(ctx, cepman_pca_accumulator_create(&a, ctx, 0), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_pca_accumulator_create(NULL, ctx, 3), CEPMAN_ERR_ARGUMENT);
    assert_good(ctx, cepman_pca_accumulator_create(&a, ctx, 3));
    assert_status(ctx, cepman_pca_accumulator_add(a, ctx, x, 1, 2), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_pca_accumulator_add(a, ctx, NULL, 1, 3), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_pca_accumulator_add(NULL, ctx, x, 1, 3), CEPMAN_ERR_ARGUMENT);
    assert_good(ctx, cepman_pca_accumulator_add(a, ctx, NULL, 0, 3));
    assert_good(ctx, cepman_pca_accumulator_add(a, ctx, x, 1, 3));
    assert_fails(ctx, cepman_pca_accumulator_finish(&p, ctx, a, NULL), CEPMAN_ERR_SHAPE, "2 rows");
    assert_good(ctx, cepman_pca_accumulator_add(a, ctx, x, 4, 3));
    x[3 * 3 + 1] = NAN;
    assert_fails(ctx, cepman_pca_accumulator_add(a, ctx, x, 10, 3), CEPMAN_ERR_DATA, "row 8 ");
    assert_status(ctx, cepman_pca_accumulator_finish(&p, ctx, a, NULL), CEPMAN_ERR_ARGUMENT);
    cepman_pca_accumulator_unref(a);
    /* Numbers whose products overflow float32; equal rows. */
    for (int i = 0; i < 30; i++)
        x[i] = i % 2 ? 1e30f : -1e30f;
    assert_good(ctx, cepman_pca_accumulator_create(&a, ctx, 3));
    assert_good(ctx, cepman_pca_accumulator_add(a, ctx, x, 10, 3));
    assert_fails(ctx, cepman_pca_accumulator_finish(&p, ctx, a, NULL), CEPMAN_ERR_NUMERIC, "too large");
    ck_assert_ptr_null(p);
    cepman_pca_accumulator_unref(a);
    for (int i = 0; i < 30; i++)
        x[i] = 7.25f;
    assert_good(ctx, cepman_pca_accumulator_create(&a, ctx, 3));
    assert_good(ctx, cepman_pca_accumulator_add(a, ctx, x, 10, 3));
    assert_good(ctx, cepman_pca_accumulator_finish(&p, ctx, a, NULL));
    ck_assert_double_eq(cepman_pca_total_variance(p), 0);
    cepman_pca_unref(p);
    cepman_pca_accumulator_unref(a);
    cepman_pca_accumulator_unref(NULL);
    ck_assert_uint_eq(cepman_pca_accumulator_rows(NULL), 0);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations_and_cancel)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = layered(ctx, 100, 30, 4, 0.5, 0.01, 10);
    int left = 0, cancelled = 0;
    for (long fail = 0;; fail++) {
        cepman_pca_accumulator *a = NULL;
        cepman_pca *p = NULL;
        cepman_matrix *scores = NULL;
        if (_i)
            left = (int)fail;
        else
            support_fail_at(fail);
        if (_i) assert_good(ctx, cepman_context_set_cancel(ctx, stop_later, &left));
        cepman_status s = cepman_pca_accumulator_create(&a, ctx, 30);
        size_t stride;
        const float *x = cepman_matrix_data(m, &stride);
        if (!s) s = cepman_pca_accumulator_add(a, ctx, x, 100, stride);
        if (!s) s = cepman_pca_accumulator_finish(&p, ctx, a, NULL);
        if (!s) s = cepman_pca_apply(&scores, ctx, p, m);
        support_fail_at(-1);
        cepman_matrix_unref(scores);
        cepman_pca_unref(p);
        cepman_pca_accumulator_unref(a);
        if (!s) break;
        ck_assert_int_eq(s, _i ? CEPMAN_ERR_CANCELLED : CEPMAN_ERR_MEMORY);
        cancelled++;
    }
    ck_assert_int_ge(cancelled, 2);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pca of streams");
    TCase *t = tcase_create("stream");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, blocks_give_the_fit_in_memory, 0, 2);
    tcase_add_test(t, drift_and_offset);
    tcase_add_loop_test(t, stored_rows, 0, 5);
    tcase_add_test(t, probe_sends_hard_cases_on);
    tcase_add_test(t, refusals);
    tcase_add_loop_test(t, failing_allocations_and_cancel, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
