/* Gap, agreement and stability: a plain twin of the gap, groups that are there and groups that are not, failures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "exec.h"
#include "support.h"

/* n points in four squares of side 1 at the corners of a square of side `apart`. */
static cepman_matrix *squares(cepman_context *ctx, size_t n, double apart)
{
    support_random r = {5};
    float *x = malloc(n * 2 * sizeof *x);
    cepman_matrix *m = NULL;
    for (size_t i = 0; i < n; i++) {
        x[2 * i] = (float)(support_uniform(&r) + (i & 1 ? apart : 0));
        x[2 * i + 1] = (float)(support_uniform(&r) + (i & 2 ? apart : 0));
    }
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, 2, 2));
    free(x);
    return m;
}

static cepman_options *options_of(cepman_context *ctx, int64_t k, int64_t runs)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_kmeans_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "k", k));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "n-init", runs));
    return o;
}

static cepman_labels *kmeans_labels(cepman_context *ctx, const cepman_matrix *x, int64_t k)
{
    cepman_options *o = options_of(ctx, k, 10);
    cepman_kmeans *model = NULL;
    assert_good(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, NULL, o));
    cepman_labels *l = cepman_labels_ref(cepman_kmeans_labels(model));
    cepman_kmeans_unref(model);
    cepman_options_unref(o);
    return l;
}

/* The paper's rule finds four squares, and one when there is but one. */
START_TEST(gap_finds_k)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = squares(ctx, 400, _i ? 0 : 6);
    double gap[8], deviation[8];
    int64_t found = 0;
    for (int64_t k = 1; k <= 6; k++) {
        cepman_labels *l = kmeans_labels(ctx, x, k);
        assert_good(ctx, cepman_validity_gap(&gap[k], &deviation[k], ctx, x, l, 8, 1));
        ck_assert_double_ge(deviation[k], 0);
        cepman_labels_unref(l);
    }
    for (int64_t k = 5; k >= 1; k--)
        if (gap[k] >= gap[k + 1] - deviation[k + 1]) found = k;
    ck_assert_int_eq(found, _i ? 1 : 4);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

/* With one cluster nothing is left to K-means: log of the sum of squares of the uniform points, by hand. */
START_TEST(gap_by_hand)
{
    cepman_context *ctx = support_begin(1);
    const float x[] = {0, 10, 1, 14, 2, 10, 9, 9, NAN, NAN};
    const int32_t l[] = {0, 0, 0, 0, -1};
    cepman_matrix *m = NULL;
    cepman_labels *labels = NULL;
    double gap, deviation, want = 0, square = 0, own = 0, logs[3];
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 5, 2, 2));
    assert_good(ctx, cepman_labels_copy(&labels, ctx, l, 5));
    assert_good(ctx, cepman_validity_gap(&gap, &deviation, ctx, m, labels, 3, 99));
    assert_good(ctx, cepman_validity_inertia(&own, ctx, m, labels));
    ck_assert_double_eq_tol(own, 50 + 14.75, 1e-12);
    for (uint64_t r = 0; r < 3; r++) {
        double sum = 0;
        for (uint64_t j = 0; j < 2; j++) {
            double v[4], mean = 0;
            for (uint64_t i = 0; i < 4; i++) {
                double u = cep_random_real(99, 0x6a9000 + r, i * 2 + j);
                v[i] = (double)(float)(j ? 9 + u * 5 : u * 9);
                mean += v[i] / 4;
            }
            for (int i = 0; i < 4; i++)
                sum += (v[i] - mean) * (v[i] - mean);
        }
        logs[r] = log(sum);
        want += logs[r] / 3;
    }
    for (int r = 0; r < 3; r++)
        square += (logs[r] - want) * (logs[r] - want) / 3;
    ck_assert_double_eq_tol(gap, want - log(own), 1e-6);
    ck_assert_double_eq_tol(deviation, sqrt(square * (1 + 1.0 / 3)), 1e-6);
    cepman_labels_unref(labels);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Four squares are found whatever the seed and sample; cutting one square in five is arbitrary. */
START_TEST(stability_tells)
{
    cepman_context *ctx = support_begin(_i ? 3 : 1);
    cepman_matrix *four = squares(ctx, 600, 6), *one = squares(ctx, 600, 0);
    cepman_options *o4 = options_of(ctx, 4, 3), *o5 = options_of(ctx, 5, 1);
    double v, again;
    assert_good(ctx, cepman_validity_stability(&v, ctx, four, o4, 6, 0.8));
    ck_assert_double_eq(v, 1);
    assert_good(ctx, cepman_validity_stability(&v, ctx, one, o5, 6, 0.8));
    ck_assert_double_lt(v, 0.9);
    assert_good(ctx, cepman_validity_stability(&again, ctx, one, o5, 6, 0.8));
    ck_assert_double_eq(v, again);
    assert_good(ctx, cepman_validity_stability(&again, ctx, one, o5, 6, 1)); /* seeds alone */
    ck_assert_double_ne(v, again);
    cepman_options_unref(o4);
    cepman_options_unref(o5);
    cepman_matrix_unref(four);
    cepman_matrix_unref(one);
    support_end(ctx);
}
END_TEST

START_TEST(agreement_is_the_mean_ari)
{
    cepman_context *ctx = support_begin(1);
    cepman_labels *l[3];
    support_random r = {8};
    for (int a = 0; a < 3; a++) {
        int32_t v[200];
        for (int i = 0; i < 200; i++)
            v[i] = support_uniform(&r) < 0.7 ? i % 4 : (int32_t)(4 * support_uniform(&r));
        assert_good(ctx, cepman_labels_copy(&l[a], ctx, v, 200));
    }
    double value, part, sum = 0;
    for (int a = 0; a < 3; a++)
        for (int b = a + 1; b < 3; b++) {
            assert_good(ctx, cepman_validity_ari(&part, ctx, l[b], l[a]));
            sum += part / 3;
        }
    assert_good(ctx, cepman_validity_agreement(&value, ctx, (const cepman_labels *const *)l, 3));
    ck_assert_double_eq_tol(value, sum, 1e-15);
    for (int a = 0; a < 3; a++)
        cepman_labels_unref(l[a]);
    support_end(ctx);
}
END_TEST

START_TEST(odd_and_bad)
{
    cepman_context *ctx = support_begin(1);
    static const int32_t none[4] = {-1, -1, -1, -1}, each[4] = {0, 1, 2, 3}, two[3] = {0, 1, 0};
    cepman_matrix *x = support_normals(ctx, 4, 2, 1);
    cepman_labels *noise = NULL, *all = NULL, *few = NULL;
    double v = -7, s = -7;
    assert_good(ctx, cepman_labels_copy(&noise, ctx, none, 4));
    assert_good(ctx, cepman_labels_copy(&all, ctx, each, 4));
    assert_good(ctx, cepman_labels_copy(&few, ctx, two, 3));
    assert_good(ctx, cepman_validity_inertia(&v, ctx, x, noise));
    ck_assert_double_eq(v, 0);
    assert_good(ctx, cepman_validity_gap(&v, &s, ctx, x, noise, 2, 1));
    ck_assert(isnan(v) && isnan(s));
    assert_good(ctx, cepman_validity_gap(&v, NULL, ctx, x, all, 2, 1));
    ck_assert(!isfinite(v));
    v = -7;
    assert_fails(ctx, cepman_validity_gap(&v, &s, ctx, x, few, 2, 1), CEPMAN_ERR_SHAPE,
                 "3 labels for 4 rows");
    assert_fails(ctx, cepman_validity_gap(&v, &s, ctx, x, all, 0, 1), CEPMAN_ERR_RANGE, "references is 0");
    assert_fails(ctx, cepman_validity_stability(&v, ctx, x, NULL, 1, 0.5), CEPMAN_ERR_RANGE, "runs is 1");
    assert_fails(ctx, cepman_validity_stability(&v, ctx, x, NULL, 3, 0), CEPMAN_ERR_RANGE, "fraction is 0");
    assert_fails(ctx, cepman_validity_stability(&v, ctx, x, NULL, 3, 0.5), CEPMAN_ERR_RANGE, "k is 8");
    assert_fails(ctx, cepman_validity_agreement(&v, ctx, (const cepman_labels *const[]){all}, 1),
                 CEPMAN_ERR_RANGE, "1 labellings");
    assert_fails(ctx, cepman_validity_agreement(&v, ctx, (const cepman_labels *const[]){all, few}, 2),
                 CEPMAN_ERR_SHAPE, "3");
    assert_status(ctx, cepman_validity_agreement(&v, ctx, (const cepman_labels *const[]){all, NULL}, 2),
                  CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_validity_gap(NULL, &s, ctx, x, all, 2, 1), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_validity_inertia(NULL, ctx, x, all), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_validity_stability(&v, ctx, NULL, NULL, 3, 0.5), CEPMAN_ERR_ARGUMENT);
    ck_assert_double_eq(v, -7);
    cepman_labels_unref(noise);
    cepman_labels_unref(all);
    cepman_labels_unref(few);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

static cepman_status both(cepman_context *ctx, const cepman_matrix *x, const cepman_labels *l,
                          cepman_options *o)
{
    double v = -7;
    cepman_status s = cepman_validity_gap(&v, NULL, ctx, x, l, 2, 1);
    if (!s) s = cepman_validity_stability(&v, ctx, x, o, 3, 0.5);
    ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_THREAD ||
              s == CEPMAN_ERR_CANCELLED);
    return s;
}

static int count_down(void *user)
{
    return (*(int *)user)-- <= 0;
}

START_TEST(failing_allocations_and_cancel)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *x = squares(ctx, 100, 4);
    cepman_labels *l = kmeans_labels(ctx, x, 3);
    cepman_options *o = options_of(ctx, 3, 1);
    cepman_status s;
    long fail = 0;
    do {
        support_fail_at(fail++);
        s = both(ctx, x, l, o);
    } while (s);
    support_fail_at(-1);
    ck_assert_int_gt(fail, 60);
    for (int polls = 0, left; polls < 60; polls += 4) {
        left = polls;
        assert_good(ctx, cepman_context_set_cancel(ctx, count_down, &left));
        assert_status(ctx, both(ctx, x, l, o), CEPMAN_ERR_CANCELLED);
        assert_good(ctx, cepman_context_set_cancel(ctx, NULL, NULL));
        cepman_context_clear_cancel(ctx);
    }
    cepman_options_unref(o);
    cepman_labels_unref(l);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster resampling");
    TCase *t = tcase_create("resampling");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, gap_finds_k, 0, 2);
    tcase_add_test(t, gap_by_hand);
    tcase_add_loop_test(t, stability_tells, 0, 2);
    tcase_add_test(t, agreement_is_the_mean_ari);
    tcase_add_test(t, odd_and_bad);
    tcase_add_test(t, failing_allocations_and_cancel);
    suite_add_tcase(s, t);
    return s;
}
