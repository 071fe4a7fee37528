/* Indices against a truth: scikit-learn's numbers, perfect and useless labellings, brute force, odd cases. */
#include <math.h>
#include <string.h>

#include "cluster.h"
#include "support.h"

static cepman_labels *labels_of(cepman_context *ctx, const int32_t *values, size_t count)
{
    cepman_labels *l = NULL;
    assert_good(ctx, cepman_labels_copy(&l, ctx, values, count));
    return l;
}

static double measure(cepman_context *ctx, const char *what, const int32_t *labels, const int32_t *truth,
                      size_t n)
{
    cepman_labels *a = labels_of(ctx, labels, n), *b = labels_of(ctx, truth, n);
    double v = -7;
    if (strcmp(what, "accuracy") == 0)
        assert_good(ctx, cepman_validity_accuracy(&v, ctx, a, b));
    else if (strcmp(what, "ari") == 0)
        assert_good(ctx, cepman_validity_ari(&v, ctx, a, b));
    else
        assert_good(ctx, cepman_validity_ami(&v, ctx, a, b));
    cepman_labels_unref(a);
    cepman_labels_unref(b);
    return v;
}

static uint32_t lcg(uint32_t *s)
{
    *s = (*s * 1103515245u + 12345u) & 0x7fffffffu;
    return *s >> 16;
}

START_TEST(reference_numbers)
{
    int32_t l[300], t[300];
    uint32_t s = 12345;
    for (int i = 0; i < 300; i++) {
        t[i] = (int32_t)(lcg(&s) % 5);
        int32_t r = (int32_t)(lcg(&s) % 10);
        l[i] = r < 6 ? t[i] : (r - 7) * 2 + (r == 9);
        if (lcg(&s) % 20 == 0) t[i] = -1;
    }
    cepman_context *ctx = support_begin(1);
    ck_assert_double_eq_tol(measure(ctx, "accuracy", l, t, 300), 0.5851063829787234, 1e-12);
    ck_assert_double_eq_tol(measure(ctx, "ari", l, t, 300), 0.31430696188200496, 1e-12);
    ck_assert_double_eq_tol(measure(ctx, "ami", l, t, 300), 0.38609911579129236, 1e-10);
    support_end(ctx);
}
END_TEST

/* sklearn 1.2.1 and scipy 1.10's linear_sum_assignment: forty clusters against thirty-seven classes, and a thousand
 * against nine hundred. */
START_TEST(many_clusters)
{
    static int32_t a[3000], b[3000];
    cepman_context *ctx = support_begin(1);
    for (int32_t i = 0; i < 3000; i++) {
        a[i] = (int32_t)((int64_t)i * i / 11 % 40);
        b[i] = (i / 75 + (i % 7 == 0)) % 37;
    }
    ck_assert_double_eq_tol(measure(ctx, "ari", a, b, 3000), -0.0046532581019939415, 1e-12);
    ck_assert_double_eq_tol(measure(ctx, "ami", a, b, 3000), -0.029451351842901135, 1e-10);
    ck_assert_double_eq_tol(measure(ctx, "accuracy", a, b, 3000), 0.051, 1e-12);
    for (int32_t i = 0; i < 3000; i++) {
        a[i] = (int32_t)((int64_t)i * 7919 % 1000);
        b[i] = (int32_t)(((int64_t)i * i + 3 * i) % 913);
    }
    ck_assert_double_eq_tol(measure(ctx, "ari", a, b, 3000), -0.0008409379304343154, 1e-12);
    ck_assert_double_eq_tol(measure(ctx, "ami", a, b, 3000), -0.0021852527629875676, 1e-10);
    ck_assert_double_eq_tol(measure(ctx, "accuracy", a, b, 3000), 0.08466666666666667, 1e-12);
    support_end(ctx);
}
END_TEST

START_TEST(perfect_and_useless)
{
    const int32_t truth[] = {0, 0, 0, 1, 1, 1, 2, 2, 2},
                  same[] = {7, 7, 7, 2000000000, 2000000000, 2000000000, 0, 0, 0};
    const int32_t one[] = {3, 3, 3, 3, 3, 3, 3, 3, 3}, noise[] = {-1, -1, -1, -1, -5, -1, -1, -1, -1};
    const int32_t unknown[] = {-1, -1, -1, -1, -1, -1, -1, -1, -1};
    cepman_context *ctx = support_begin(1);
    static const char *const names[] = {"accuracy", "ari", "ami"};
    for (int i = 0; i < 3; i++) {
        ck_assert_double_eq_tol(measure(ctx, names[i], same, truth, 9), 1, 1e-12);
        ck_assert(isnan(measure(ctx, names[i], same, unknown, 9)));
        ck_assert(isnan(measure(ctx, names[i], NULL, NULL, 0)));
    }
    ck_assert_double_eq_tol(measure(ctx, "accuracy", one, truth, 9), 1.0 / 3, 1e-12);
    ck_assert_double_eq_tol(measure(ctx, "ari", one, truth, 9), 0, 1e-12);
    ck_assert_double_eq_tol(measure(ctx, "ami", one, truth, 9), 0, 1e-12);
    ck_assert_double_eq(measure(ctx, "accuracy", noise, truth, 9), 0);
    ck_assert_double_eq(measure(ctx, "ari", one, one, 9), 1);
    ck_assert_double_eq(measure(ctx, "ami", one, one, 9), 1);
    support_end(ctx);
}
END_TEST

/* Best total over all ways to match, by trying them. */
static double best_match(const double *gain, size_t rows, size_t columns, size_t row, unsigned taken)
{
    if (row == rows) return 0;
    double best = best_match(gain, rows, columns, row + 1, taken);
    for (size_t j = 0; j < columns; j++) {
        if (taken >> j & 1) continue;
        double v = gain[row * columns + j] + best_match(gain, rows, columns, row + 1, taken | 1u << j);
        if (v > best) best = v;
    }
    return best;
}

START_TEST(assignment_is_best)
{
    cepman_context *ctx = support_begin(1);
    support_random r = {3};
    for (int repeat = 0; repeat < 200; repeat++) {
        size_t rows = 1 + (size_t)(support_uniform(&r) * 5), columns = 1 + (size_t)(support_uniform(&r) * 6);
        double gain[36], total;
        for (size_t i = 0; i < rows * columns; i++)
            gain[i] = floor(support_uniform(&r) * 10);
        assert_good(ctx, cep_assignment(ctx, gain, rows, columns, &total));
        ck_assert_double_eq(total, best_match(gain, rows, columns, 0, 0));
    }
    support_end(ctx);
}
END_TEST

START_TEST(bad_input)
{
    const int32_t x[] = {0, 1, 2};
    cepman_context *ctx = support_begin(1);
    cepman_labels *a = labels_of(ctx, x, 3), *b = labels_of(ctx, x, 2);
    double v = 5;
    assert_fails(ctx, cepman_validity_accuracy(&v, ctx, a, b), CEPMAN_ERR_SHAPE, "3 labels against 2");
    assert_status(ctx, cepman_validity_ari(&v, ctx, NULL, b), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_validity_ami(NULL, ctx, a, a), CEPMAN_ERR_ARGUMENT);
    ck_assert_double_eq(v, 5);
    cepman_status s;
    long fail = 0;
    do {
        support_fail_at(fail++);
        s = cepman_validity_accuracy(&v, ctx, a, a);
        if (!s) s = cepman_validity_ari(&v, ctx, a, a);
        if (!s) s = cepman_validity_ami(&v, ctx, a, a);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
    } while (s);
    support_fail_at(-1);
    ck_assert_int_gt(fail, 10);
    cepman_labels_unref(a);
    cepman_labels_unref(b);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster validity");
    TCase *t = tcase_create("validity");
    tcase_add_test(t, reference_numbers);
    tcase_add_test(t, many_clusters);
    tcase_add_test(t, perfect_and_useless);
    tcase_add_test(t, assignment_is_best);
    tcase_add_test(t, bad_input);
    suite_add_tcase(s, t);
    return s;
}
