/* Indices of a clustering by itself: scikit-learn's numbers, plain twins, samples, odd cases, failures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "support.h"

typedef struct reference_case {
    const char *input, *labels, *samples;
    double silhouette, davies_bouldin, calinski_harabasz, simplified;
} reference_case;

static const reference_case cases[] = {
    {"blobs3d_2k", "H01_blobs2k_ms5__ref_labels", "V01__sil", 0.7274761026082925, 0.39514749100606544,
     7633.231526937142, 0.7957188088277066},
    {"moons_circles_2d", "K03_moons_tol0__labels", "V02__sil", 0.4930306727838677, 0.7641915320200581,
     2790.803912657803, 0.594067005702473},
    {"density_2d", "K05_weights__labels", "V03__sil", 0.6038062929221469, 0.642961396060046,
     1689.2014125322462, 0.7107434891793292},
};

static const char *file(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "oracle/%s.npy", name);
    return support_oracle(path);
}

START_TEST(references)
{
    const reference_case *c = &cases[_i];
    if (!file(c->input)) return;
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = NULL, *want = NULL;
    cepman_labels *l = NULL;
    assert_good(ctx, cepman_matrix_load(&x, ctx, file(c->input)));
    assert_good(ctx, cepman_matrix_load(&want, ctx, file(c->samples)));
    assert_good(ctx, cepman_labels_load(&l, ctx, file(c->labels)));
    double v, *values = malloc(cepman_matrix_rows(x) * sizeof *values);
    assert_good(ctx, cepman_validity_silhouette(&v, values, ctx, x, l, 0, 0));
    ck_assert_double_eq_tol(v, c->silhouette, 1e-6);
    for (size_t i = 0, k = 0; i < cepman_matrix_rows(x); i++) {
        if (cepman_labels_data(l)[i] < 0) {
            ck_assert(isnan(values[i]));
            continue;
        }
        ck_assert_double_eq_tol(values[i], (double)*cepman_matrix_row(want, k), 1e-5);
        k++;
    }
    assert_good(ctx, cepman_validity_simplified_silhouette(&v, ctx, x, l));
    ck_assert_double_eq_tol(v, c->simplified, 1e-6);
    assert_good(ctx, cepman_validity_davies_bouldin(&v, ctx, x, l));
    ck_assert_double_eq_tol(v, c->davies_bouldin, 1e-6);
    assert_good(ctx, cepman_validity_calinski_harabasz(&v, ctx, x, l));
    ck_assert_double_eq_tol(v / c->calinski_harabasz, 1, 1e-5);
    free(values);
    cepman_labels_unref(l);
    cepman_matrix_unref(want);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

/* sklearn 1.2.1's silhouette_score, silhouette_samples (the first four), calinski_harabasz_score and
 * davies_bouldin_score on 120 rows by a formula in whole numbers (as float32), labels i % 3 and (i * i // 7) % 5. */
START_TEST(stored_references)
{
    static const double centre[3][3] = {{0, 0, 0}, {2.5, 0.5, -1}, {0.5, 2.5, 1.5}};
    static const double want[2][8] = {
        {0.29423249234340554, 74.37740332392022, 1.0924304347706493, 401.16304456533146, 0.3878772476120613,
         -0.05528113905960176, -0.12999563969583358, 0.5421426475284432},
        {-0.05901957205488947, 0.4168255336259949, 26.200190298743735, 898.183081665698,
         -0.019816150972491245, -0.05382172400470542, 0.007285939967137904, -0.04664361772311229}};
    float x[360];
    int32_t l[120];
    for (long i = 0; i < 120; i++) {
        l[i] = (int32_t)(_i ? i * i / 7 % 5 : i % 3);
        if (l[i] == 2) l[i] = 2000000000; /* far numbers cost nothing */
        for (long j = 0; j < 3; j++)
            x[i * 3 + j] = (float)(centre[i % 3][j] +
                                   (double)((i * i * 31 + j * 17 * i + i * 13 + j * j * 5) % 1001 - 500) /
                                       (j < 2 ? 250.0 : 400.0));
    }
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = NULL;
    cepman_labels *labels = NULL;
    double v, values[120];
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 120, 3, 3));
    assert_good(ctx, cepman_labels_copy(&labels, ctx, l, 120));
    assert_good(ctx, cepman_context_set_memory_limit(ctx, 1 << 20));
    assert_good(ctx, cepman_validity_silhouette(&v, values, ctx, m, labels, 0, 0));
    ck_assert_double_eq_tol(v, want[_i][0], 1e-9);
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(values[i], want[_i][4 + i], 1e-7);
    assert_good(ctx, cepman_validity_calinski_harabasz(&v, ctx, m, labels));
    ck_assert_double_eq_tol(v, want[_i][1], 1e-9);
    assert_good(ctx, cepman_validity_davies_bouldin(&v, ctx, m, labels));
    ck_assert_double_eq_tol(v, want[_i][2], 1e-9);
    assert_good(ctx, cepman_validity_inertia(&v, ctx, m, labels));
    ck_assert_double_eq_tol(v, want[_i][3], 1e-9);
    cepman_labels_unref(labels);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Four points on a line, two and two: all by hand. */
START_TEST(by_hand)
{
    const float x[] = {0, 2, 10, 12, NAN};
    const int32_t l[] = {4, 4, 7, 7, -1}; /* numbers may have gaps */
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = NULL;
    cepman_labels *labels = NULL;
    double v, values[5];
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 5, 1, 1));
    assert_good(ctx, cepman_labels_copy(&labels, ctx, l, 5));
    assert_good(ctx, cepman_validity_silhouette(&v, values, ctx, m, labels, 0, 0));
    ck_assert_double_eq_tol(values[0], 9.0 / 11, 1e-15);
    ck_assert_double_eq_tol(values[1], 7.0 / 9, 1e-15);
    ck_assert(isnan(values[4]));
    ck_assert_double_eq_tol(v, (9.0 / 11 + 7.0 / 9) / 2, 1e-15);
    assert_good(ctx, cepman_validity_simplified_silhouette(&v, ctx, m, labels));
    ck_assert_double_eq_tol(v, (10.0 / 11 + 8.0 / 9) / 2, 1e-15);
    assert_good(ctx, cepman_validity_calinski_harabasz(&v, ctx, m, labels));
    ck_assert_double_eq_tol(v, 100.0 * 2 / (4 * 1), 1e-12);
    assert_good(ctx, cepman_validity_davies_bouldin(&v, ctx, m, labels));
    ck_assert_double_eq_tol(v, 0.2, 1e-15);
    cepman_labels_unref(labels);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static double measure(cepman_context *ctx, int which, const cepman_matrix *x, const cepman_labels *l)
{
    double v = -7;
    if (which == 0) assert_good(ctx, cepman_validity_silhouette(&v, NULL, ctx, x, l, 0, 0));
    if (which == 1) assert_good(ctx, cepman_validity_simplified_silhouette(&v, ctx, x, l));
    if (which == 2) assert_good(ctx, cepman_validity_calinski_harabasz(&v, ctx, x, l));
    if (which == 3) assert_good(ctx, cepman_validity_davies_bouldin(&v, ctx, x, l));
    return v;
}

START_TEST(odd_cases)
{
    cepman_context *ctx = support_begin(2);
    static const int32_t noise[6] = {-1, -1, -1, -1, -1, -1}, one[6] = {3, 3, 3, -1, 3, 3},
                         alone[6] = {0, 1, 2, 3, 4, 5};
    static const int32_t two[6] = {0, 0, 0, 1, 1, 1};
    cepman_matrix *x = support_normals(ctx, 6, 3, 1), *none = support_normals(ctx, 0, 3, 1), *same = NULL;
    cepman_labels *l = NULL;
    float equal[18];
    for (int i = 0; i < 18; i++)
        equal[i] = 2;
    assert_good(ctx, cepman_matrix_copy(&same, ctx, equal, 6, 3, 3));
    for (int which = 0; which < 4; which++) {
        assert_good(ctx, cepman_labels_copy(&l, ctx, noise, 6));
        ck_assert(isnan(measure(ctx, which, x, l)));
        cepman_labels_unref(l);
        assert_good(ctx, cepman_labels_copy(&l, ctx, one, 6));
        ck_assert(isnan(measure(ctx, which, x, l)));
        cepman_labels_unref(l);
        assert_good(ctx, cepman_labels_copy(&l, ctx, NULL, 0));
        ck_assert(isnan(measure(ctx, which, none, l)));
        cepman_labels_unref(l);
        assert_good(ctx, cepman_labels_copy(&l, ctx, alone, 6));
        ck_assert_double_eq(measure(ctx, which, x, l), which == 3 ? 0 : 1 - (which == 0));
        cepman_labels_unref(l);
        assert_good(ctx, cepman_labels_copy(&l, ctx, two, 6));
        ck_assert_double_eq(measure(ctx, which, same, l), which == 2);
        cepman_labels_unref(l);
    }
    cepman_matrix_unref(x);
    cepman_matrix_unref(none);
    cepman_matrix_unref(same);
    support_end(ctx);
}
END_TEST

/* A sample of all points is all points; a smaller one is of that size, repeats by seed and comes close. */
START_TEST(samples_and_threads)
{
    size_t n = 3000;
    cepman_context *one = support_begin(1), *three = NULL;
    assert_good(one, cepman_context_create(&three, NULL));
    assert_good(three, cepman_context_set_threads(three, 3));
    cepman_matrix *x = support_normals(one, n, 4, 6);
    int32_t *values = malloc(n * sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = i % 50 == 0 ? -1 : cepman_matrix_row(x, i)[0] > 0;
    cepman_labels *l = NULL;
    assert_good(one, cepman_labels_copy(&l, one, values, n));
    for (int which = 0; which < 4; which++) {
        double a = measure(one, which, x, l), b = measure(three, which, x, l);
        ck_assert_mem_eq(&a, &b, sizeof a);
    }
    double all, whole, some, again, *each = malloc(n * sizeof *each);
    assert_good(one, cepman_validity_silhouette(&all, NULL, one, x, l, 0, 1));
    assert_good(one, cepman_validity_silhouette(&whole, NULL, one, x, l, n, 2));
    ck_assert(all == whole);
    assert_good(one, cepman_validity_silhouette(&some, each, one, x, l, 700, 3));
    assert_good(three, cepman_validity_silhouette(&again, NULL, three, x, l, 700, 3));
    ck_assert(some == again && some != all && fabs(some - all) < 0.02);
    size_t seen = 0;
    for (size_t i = 0; i < n; i++)
        seen += !isnan(each[i]);
    ck_assert_uint_eq(seen, 700);
    free(each);
    free(values);
    cepman_labels_unref(l);
    cepman_matrix_unref(x);
    cepman_context_unref(three);
    support_end(one);
}
END_TEST

START_TEST(failures)
{
    cepman_context *ctx = support_begin(2);
    const int32_t v[] = {0, 0, 1, 1, -1};
    float x[] = {0, 1, 2, 3, NAN};
    cepman_matrix *m = NULL, *bad = NULL;
    cepman_labels *l = NULL, *less = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 5, 1, 1));
    x[1] = INFINITY;
    assert_good(ctx, cepman_matrix_copy(&bad, ctx, x, 5, 1, 1));
    assert_good(ctx, cepman_labels_copy(&l, ctx, v, 5));
    assert_good(ctx, cepman_labels_copy(&less, ctx, v, 4));
    double out = 3;
    assert_fails(ctx, cepman_validity_silhouette(&out, NULL, ctx, bad, l, 0, 0), CEPMAN_ERR_DATA, "row 1");
    assert_fails(ctx, cepman_validity_davies_bouldin(&out, ctx, m, less), CEPMAN_ERR_SHAPE, "4 labels");
    assert_status(ctx, cepman_validity_calinski_harabasz(&out, ctx, NULL, l), CEPMAN_ERR_ARGUMENT);
    cepman_context_cancel(ctx);
    assert_status(ctx, cepman_validity_simplified_silhouette(&out, ctx, m, l), CEPMAN_ERR_CANCELLED);
    cepman_context_clear_cancel(ctx);
    ck_assert_double_eq(out, 3);
    cepman_status s;
    long fail = 0;
    do {
        support_fail_at(fail++);
        s = cepman_validity_silhouette(&out, NULL, ctx, m, l, 3, 0);
        if (!s) s = cepman_validity_simplified_silhouette(&out, ctx, m, l);
        if (!s) s = cepman_validity_calinski_harabasz(&out, ctx, m, l);
        if (!s) s = cepman_validity_davies_bouldin(&out, ctx, m, l);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
    } while (s);
    support_fail_at(-1);
    ck_assert_int_gt(fail, 20);
    cepman_labels_unref(l);
    cepman_labels_unref(less);
    cepman_matrix_unref(m);
    cepman_matrix_unref(bad);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster internal validity");
    TCase *t = tcase_create("indices");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, references, 0, 3);
    tcase_add_test(t, by_hand);
    tcase_add_test(t, odd_cases);
    tcase_add_loop_test(t, stored_references, 0, 2);
    tcase_add_test(t, samples_and_threads);
    tcase_add_test(t, failures);
    suite_add_tcase(s, t);
    return s;
}
