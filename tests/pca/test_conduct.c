/* Principal components: odd input, selections, refusals, threads, failing allocations, cancelling. */
#include "common.h"

START_TEST(odd_input)
{
    cepman_context *ctx = support_begin(2);
    cepman_pca *p = NULL;
    cepman_matrix *m = NULL, *s = NULL;
    float same[40 * 6];
    for (size_t i = 0; i < 240; i++)
        same[i] = 7.25f;
    for (size_t h = 0; h < 5; h++)
        for (int automatic = 0; automatic < 2; automatic++) {
            cepman_options *o = wanted(ctx, automatic ? "auto" : "3", true);
            assert_good(ctx, cepman_matrix_copy(&m, ctx, same, 40, 6, 6));
            assert_good(ctx, cep_pca_fit_by(&p, ctx, m, o, methods[h], NULL));
            check_form(p);
            ck_assert_double_eq(cepman_pca_total_variance(p), 0);
            assert_good(ctx, cepman_pca_apply(&s, ctx, p, m));
            for (size_t i = 0; i < 40; i++)
                for (size_t j = 0; j < cepman_matrix_columns(s); j++)
                    ck_assert_double_eq((double)cepman_matrix_row(s, i)[j], 0);
            cepman_matrix_unref(s);
            cepman_matrix_unref(m);
            cepman_pca_unref(p);
            cepman_options_unref(o);
            p = NULL;
        }
    /* One column. */
    assert_good(ctx, cepman_matrix_copy(&m, ctx, (float[]){1, 2, 6}, 3, 1, 1));
    assert_good(ctx, cepman_pca_fit(&p, ctx, m, NULL));
    ck_assert_uint_eq(cepman_pca_components(p), 1);
    ck_assert_double_eq_tol(cepman_pca_variance(p)[0], 7, 1e-12);
    assert_good(ctx, cepman_pca_apply(&s, ctx, p, m));
    ck_assert_double_eq_tol((double)cepman_matrix_row(s, 2)[0], 3, 1e-6);
    cepman_matrix_unref(s);
    cepman_matrix_unref(m);
    s = NULL;
    /* Refusals leave the outputs alone. */
    cepman_pca *kept = p;
    same[17 * 6 + 2] = NAN;
    same[30 * 6] = INFINITY;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, same, 40, 6, 6));
    assert_fails(ctx, cepman_pca_fit(&p, ctx, m, NULL), CEPMAN_ERR_DATA, "row 17 ");
    assert_fails(ctx, cepman_pca_apply(&s, ctx, p, m), CEPMAN_ERR_SHAPE, "6 columns");
    cepman_matrix_unref(m);
    same[17] = -INFINITY;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, same, 40, 1, 6));
    assert_fails(ctx, cepman_pca_apply(&s, ctx, p, m), CEPMAN_ERR_DATA, "row 30 ");
    assert_fails(ctx, cepman_pca_invert(&s, ctx, p, m), CEPMAN_ERR_DATA, "row 30 ");
    cepman_matrix_unref(m);
    assert_good(ctx, cepman_matrix_copy(&m, ctx, same, 1, 6, 6));
    assert_fails(ctx, cepman_pca_fit(&p, ctx, m, NULL), CEPMAN_ERR_SHAPE, "at least 2 rows");
    assert_status(ctx, cepman_pca_fit(&p, ctx, NULL, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_pca_fit(NULL, ctx, m, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_pca_apply(&s, ctx, NULL, m), CEPMAN_ERR_ARGUMENT);
    cepman_matrix_unref(m);
    ck_assert_ptr_eq(p, kept);
    ck_assert_ptr_null(s);
    cepman_pca_unref(p);
    cepman_pca_unref(NULL);
    support_end(ctx);
}
END_TEST

/* A selection of rows is a matrix like any other; a rank below the number of components still gives a full
 * set. */
START_TEST(selection_and_rank)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = layered(ctx, 50, 9, 2, 0.5, 0, 21), *some = NULL, *copy = NULL;
    size_t rows[20];
    float x[20 * 9];
    for (size_t i = 0; i < 20; i++) {
        rows[i] = (i * 7) % 50;
        memcpy(x + i * 9, cepman_matrix_row(m, rows[i]), 9 * sizeof *x);
    }
    assert_good(ctx, cepman_matrix_select(&some, ctx, m, rows, 20));
    assert_good(ctx, cepman_matrix_copy(&copy, ctx, x, 20, 9, 9));
    for (size_t h = 0; h < 5; h++) {
        cepman_pca *p = NULL, *q = NULL;
        assert_good(ctx, cep_pca_fit_by(&p, ctx, some, NULL, methods[h], NULL));
        assert_good(ctx, cep_pca_fit_by(&q, ctx, copy, NULL, methods[h], NULL));
        ck_assert_uint_eq(cepman_pca_components(p), 9);
        check_form(p);
        ck_assert_int_eq(memcmp(cepman_pca_variance(p), cepman_pca_variance(q), 9 * sizeof(double)), 0);
        ck_assert_double_lt(cepman_pca_variance(p)[2], 1e-9 * cepman_pca_total_variance(p));
        cepman_pca_unref(p);
        cepman_pca_unref(q);
    }
    cepman_matrix_unref(some);
    cepman_matrix_unref(copy);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(same_bits_for_any_threads)
{
    cepman_pca *p[2] = {NULL, NULL};
    cepman_matrix *scores[2] = {NULL, NULL};
    cepman_context *ctx = support_begin(1);
    const size_t n = methods[_i] == CEP_PCA_POINTS ? 300 : 9000;
    cepman_matrix *m = layered(ctx, n, 40, 6, 0.8, 0.2, 9);
    for (int t = 0; t < 2; t++) {
        assert_good(ctx, cepman_context_set_threads(ctx, t ? 3 : 1));
        assert_good(ctx, cep_pca_fit_by(&p[t], ctx, m, NULL, methods[_i], NULL));
        assert_good(ctx, cepman_pca_apply(&scores[t], ctx, p[t], m));
    }
    size_t k = cepman_pca_components(p[0]);
    ck_assert_int_eq(memcmp(cepman_pca_variance(p[0]), cepman_pca_variance(p[1]), k * sizeof(double)), 0);
    ck_assert_int_eq(memcmp(cepman_pca_mean(p[0]), cepman_pca_mean(p[1]), 40 * sizeof(double)), 0);
    for (size_t i = 0; i < k; i++)
        ck_assert_int_eq(
            memcmp(cepman_pca_component(p[0], i), cepman_pca_component(p[1], i), 40 * sizeof(double)), 0);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(memcmp(cepman_matrix_row(scores[0], i), cepman_matrix_row(scores[1], i), k * 4), 0);
    for (int t = 0; t < 2; t++) {
        cepman_pca_unref(p[t]);
        cepman_matrix_unref(scores[t]);
    }
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = layered(ctx, 60, 30, 4, 0.5, 0.01, 10);
    cepman_options *o = wanted(ctx, _i / 5 ? "auto" : "4", false);
    for (long fail = 0;; fail++) {
        cepman_pca *p = NULL;
        cepman_matrix *scores = NULL, *back = NULL;
        support_fail_at(fail);
        cepman_status s = cep_pca_fit_by(&p, ctx, m, o, methods[_i % 5], NULL);
        if (!s) s = cepman_pca_apply(&scores, ctx, p, m);
        if (!s) s = cepman_pca_invert(&back, ctx, p, scores);
        support_fail_at(-1);
        cepman_pca_unref(p);
        cepman_matrix_unref(scores);
        cepman_matrix_unref(back);
        if (s == CEPMAN_OK) {
            ck_assert_int_gt(fail, 10);
            break;
        }
        ck_assert_int_eq(s, CEPMAN_ERR_MEMORY);
    }
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

START_TEST(cancel)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = layered(ctx, methods[_i] == CEP_PCA_POINTS ? 100 : 3000, 30, 4, 0.5, 0.01, 10);
    int cancelled = 0, left = 0;
    assert_good(ctx, cepman_context_set_cancel(ctx, stop_later, &left));
    for (int polls = 0; polls < 200; polls++) {
        left = polls;
        cepman_pca *p = NULL;
        cepman_matrix *scores = NULL;
        cepman_status s = cep_pca_fit_by(&p, ctx, m, NULL, methods[_i], NULL);
        if (!s) s = cepman_pca_apply(&scores, ctx, p, m);
        ck_assert_ptr_null(s ? scores : NULL);
        cepman_matrix_unref(scores);
        cepman_pca_unref(p);
        if (!s) break;
        ck_assert_int_eq(s, CEPMAN_ERR_CANCELLED);
        cancelled++;
    }
    ck_assert_int_ge(cancelled, 2);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pca");
    TCase *t = tcase_create("conduct");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, odd_input);
    tcase_add_test(t, selection_and_rank);
    tcase_add_loop_test(t, same_bits_for_any_threads, 0, 5);
    tcase_add_loop_test(t, failing_allocations, 0, 10);
    tcase_add_loop_test(t, cancel, 0, 5);
    suite_add_tcase(s, t);
    return s;
}
