/* Sums that were gathered apart and brought together, and models from numbers of the caller's. */
#include "common.h"

static cepman_pca_accumulator *sums_of(cepman_context *ctx, const cepman_matrix *m, size_t first, size_t last)
{
    cepman_pca_accumulator *a = NULL;
    size_t stride = 0;
    const float *x = cepman_matrix_data(m, &stride);
    assert_good(ctx, cepman_pca_accumulator_create(&a, ctx, cepman_matrix_columns(m)));
    assert_good(ctx, cepman_pca_accumulator_add(a, ctx, x + first * stride, last - first, stride));
    return a;
}

static double *numbers_of(cepman_context *ctx, cepman_pca_accumulator *a)
{
    double *numbers = malloc(cepman_pca_accumulator_numbers(a) * sizeof *numbers);
    assert_good(ctx, cepman_pca_accumulator_export(a, ctx, numbers));
    return numbers;
}

static cepman_pca *finished(cepman_context *ctx, cepman_pca_accumulator *a)
{
    cepman_pca *p = NULL;
    cepman_options *o = wanted(ctx, "6", false);
    assert_good(ctx, cepman_pca_accumulator_finish(&p, ctx, a, o));
    cepman_options_unref(o);
    cepman_pca_accumulator_unref(a);
    return p;
}

/* Three parts of unequal length, one of them empty, one shorter than a block; with 1 and 3 threads. */
START_TEST(parts_give_the_whole)
{
    cepman_context *ctx = support_begin(1);
    static const size_t cuts[] = {0, 5000, 5000, 5100, 9000};
    cepman_matrix *m = layered(ctx, 9000, 70, 6, 0.8, 0.2, 9);
    double *first = NULL;
    cepman_pca *p = finished(ctx, sums_of(ctx, m, 0, 9000));
    for (int threads = 1; threads <= 3; threads += 2) {
        assert_good(ctx, cepman_context_set_threads(ctx, (unsigned)threads));
        cepman_pca_accumulator *all = NULL;
        assert_good(ctx, cepman_pca_accumulator_create(&all, ctx, 70));
        for (size_t i = 0; i + 1 < sizeof cuts / sizeof *cuts; i++) {
            cepman_pca_accumulator *part = sums_of(ctx, m, cuts[i], cuts[i + 1]);
            double *numbers = numbers_of(ctx, part);
            ck_assert_double_eq(numbers[0], (double)(cuts[i + 1] - cuts[i]));
            assert_good(ctx, cepman_pca_accumulator_merge(all, ctx, numbers));
            ck_assert_uint_eq(cepman_pca_accumulator_rows(all), cuts[i + 1]);
            cepman_pca_accumulator_unref(part);
            free(numbers);
        }
        double *sums = numbers_of(ctx, all);
        if (first)
            ck_assert_mem_eq(first, sums, cepman_pca_accumulator_numbers(all) * sizeof *sums);
        else
            first = sums;
        if (first != sums) free(sums);
        cepman_pca *q = finished(ctx, all);
        check_form(q);
        ck_assert_double_eq_tol(cepman_pca_total_variance(q) / cepman_pca_total_variance(p), 1, 1e-6);
        for (size_t j = 0; j < 6; j++) {
            double along = 0;
            for (size_t i = 0; i < 70; i++)
                along += cepman_pca_component(p, j)[i] * cepman_pca_component(q, j)[i];
            ck_assert_double_eq_tol(along, 1, 1e-6);
            ck_assert_double_eq_tol(cepman_pca_variance(q)[j] / cepman_pca_variance(p)[j], 1, 1e-6);
        }
        for (size_t i = 0; i < 70; i++)
            ck_assert_double_eq_tol(cepman_pca_mean(q)[i], cepman_pca_mean(p)[i], 1e-12);
        cepman_pca_unref(q);
    }
    free(first);
    cepman_pca_unref(p);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Out and in again: the same bits; and the definition of what is written. */
START_TEST(numbers_are_their_definition)
{
    cepman_context *ctx = support_begin(1);
    cepman_pca_accumulator *a = NULL, *b = NULL;
    const float x[4][2] = {{1, 5}, {2, 1}, {4, 3}, {5, 7}};
    assert_good(ctx, cepman_pca_accumulator_create(&a, ctx, 2));
    assert_good(ctx, cepman_pca_accumulator_create(&b, ctx, 2));
    ck_assert_uint_eq(cepman_pca_accumulator_numbers(a), 6);
    ck_assert_uint_eq(cepman_pca_accumulator_numbers(NULL), 0);
    double out[6], again[6];
    assert_good(ctx, cepman_pca_accumulator_export(a, ctx, out)); /* nothing yet */
    assert_good(ctx, cepman_pca_accumulator_merge(b, ctx, out));
    ck_assert_uint_eq(cepman_pca_accumulator_rows(b), 0);
    assert_good(ctx, cepman_pca_accumulator_add(a, ctx, x[0], 4, 2));
    assert_good(ctx, cepman_pca_accumulator_export(a, ctx, out));
    const double expected[6] = {4, 3, 4, 10, 6, 20};
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(out[i], expected[i], 1e-12);
    assert_good(ctx, cepman_pca_accumulator_merge(b, ctx, out));
    assert_good(ctx, cepman_pca_accumulator_export(b, ctx, again));
    ck_assert_mem_eq(out, again, sizeof out);
    assert_good(ctx, cepman_pca_accumulator_add(b, ctx, x[0], 4, 2)); /* both go on */
    ck_assert_uint_eq(cepman_pca_accumulator_rows(b), 8);
    /* Refusals leave what there is. */
    static const double wrong[] = {-1, 0.5, (double)NAN, (double)INFINITY, 1e17};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        out[0] = wrong[i];
        assert_fails(ctx, cepman_pca_accumulator_merge(b, ctx, out), CEPMAN_ERR_DATA, "whole number");
    }
    out[0] = 4;
    out[5] = (double)NAN;
    assert_fails(ctx, cepman_pca_accumulator_merge(b, ctx, out), CEPMAN_ERR_DATA, "number 5");
    assert_status(ctx, cepman_pca_accumulator_merge(b, ctx, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_pca_accumulator_merge(NULL, ctx, out), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_pca_accumulator_export(b, ctx, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_uint_eq(cepman_pca_accumulator_rows(b), 8);
    cepman_pca *p = NULL;
    assert_good(ctx, cepman_pca_accumulator_finish(&p, ctx, b, NULL));
    assert_fails(ctx, cepman_pca_accumulator_export(b, ctx, out), CEPMAN_ERR_ARGUMENT, "finished");
    cepman_pca_accumulator_reset(b); /* and as new: the same bits */
    ck_assert_uint_eq(cepman_pca_accumulator_rows(b), 0);
    assert_good(ctx, cepman_pca_accumulator_add(b, ctx, x[0], 4, 2));
    assert_good(ctx, cepman_pca_accumulator_export(b, ctx, out));
    ck_assert_mem_eq(out, again, sizeof out);
    cepman_pca_accumulator_reset(NULL);
    cepman_pca_unref(p);
    cepman_pca_accumulator_unref(a);
    cepman_pca_accumulator_unref(b);
    support_end(ctx);
}
END_TEST

START_TEST(copied_model_is_the_model)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = layered(ctx, 300, 20, 4, 0.6, 0.1, 3), *x = NULL, *y = NULL;
    cepman_options *o = wanted(ctx, "5", _i);
    cepman_pca *p = NULL, *q = NULL;
    assert_good(ctx, cepman_pca_fit(&p, ctx, m, o));
    double vectors[5 * 20], variance[5], mean[20];
    memcpy(mean, cepman_pca_mean(p), sizeof mean);
    memcpy(variance, cepman_pca_variance(p), sizeof variance);
    for (size_t c = 0; c < 5; c++)
        memcpy(vectors + 20 * c, cepman_pca_component(p, c), 20 * sizeof *vectors);
    const double total = cepman_pca_total_variance(p);
    for (long fail = 0;; fail++) {
        support_fail_at(fail);
        cepman_status s = cepman_pca_copy(&q, ctx, 20, 5, mean, vectors, variance, total, _i);
        support_fail_at(-1);
        if (!s) break;
        assert_status(ctx, s, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(q);
    }
    assert_good(ctx, cepman_pca_apply(&x, ctx, p, m));
    assert_good(ctx, cepman_pca_apply(&y, ctx, q, m));
    for (size_t i = 0; i < 300; i++)
        ck_assert_mem_eq(cepman_matrix_row(x, i), cepman_matrix_row(y, i), 5 * sizeof(float));
    ck_assert_uint_eq(cepman_pca_components(q), 5);
    ck_assert_uint_eq(cepman_pca_features(q), 20);
    ck_assert_double_eq(cepman_pca_total_variance(q), total);
    cepman_pca_unref(q);
    q = NULL;
    assert_status(ctx, cepman_pca_copy(&q, ctx, 20, 5, NULL, vectors, variance, total, 0),
                  CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_pca_copy(&q, ctx, 20, 21, mean, vectors, variance, total, 0), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_pca_copy(&q, ctx, 20, 0, mean, vectors, variance, total, 0), CEPMAN_ERR_RANGE);
    assert_fails(ctx, cepman_pca_copy(&q, ctx, 20, 5, mean, vectors, variance, (double)NAN, 0),
                 CEPMAN_ERR_DATA, "total variance");
    variance[2] = 2 * variance[1];
    assert_fails(ctx, cepman_pca_copy(&q, ctx, 20, 5, mean, vectors, variance, total, 0), CEPMAN_ERR_DATA,
                 "variance 2");
    vectors[20] += 0.5;
    assert_fails(ctx, cepman_pca_copy(&q, ctx, 20, 5, mean, vectors, variance, total, 0), CEPMAN_ERR_DATA,
                 "component 1");
    mean[7] = (double)INFINITY;
    assert_fails(ctx, cepman_pca_copy(&q, ctx, 20, 5, mean, vectors, variance, total, 0), CEPMAN_ERR_DATA,
                 "mean 7");
    ck_assert_ptr_null(q);
    cepman_matrix_unref(y);
    cepman_matrix_unref(x);
    cepman_pca_unref(p);
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pca, parts and copies");
    TCase *t = tcase_create("merge");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, parts_give_the_whole);
    tcase_add_test(t, numbers_are_their_definition);
    tcase_add_loop_test(t, copied_model_is_the_model, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
