/* Dense linear algebra against naive loops and defining equations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg.h"
#include "support.h"

static double *numbers(size_t count, uint64_t seed)
{
    support_random r = {seed};
    double *a = malloc((count + 1) * sizeof *a);
    ck_assert_ptr_nonnull(a);
    for (size_t i = 0; i < count; i++)
        a[i] = support_normal(&r);
    return a;
}

static const size_t shapes[][3] = {{1, 1, 1}, {3, 2, 5}, {17, 9, 33}, {40, 64, 7}};

START_TEST(products)
{
    size_t m = shapes[_i][0], n = shapes[_i][1], k = shapes[_i][2];
    double *a = numbers(m * k, 1), *b = numbers(k * n, 2), *bt = numbers(k * n, 3), *at = numbers(m * k, 4);
    double *c = numbers(m * n, 5), *c2 = numbers(m * n, 5), *c3 = numbers(m * n, 5);
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n; j++)
            bt[j * k + i] = b[i * n + j];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < k; j++)
            at[j * m + i] = a[i * k + j];
    double *want = numbers(m * n, 5);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++)
                sum += a[i * k + l] * b[l * n + j];
            want[i * n + j] = 2 * sum - want[i * n + j];
        }
    cepman_context *ctx = support_begin(1);
    assert_good(ctx, cep_linalg_gemm_f64(ctx, m, n, k, 2, a, k, b, n, false, -1, c, n));
    assert_good(ctx, cep_linalg_gemm_f64(ctx, m, n, k, 2, a, k, bt, k, true, -1, c2, n));
    for (size_t i = 0; i < m * n; i++)
        c3[i] = -0.5 * c3[i];
    assert_good(ctx, cep_linalg_gemm_tn_f64(ctx, m, n, k, at, m, b, n, c3, n));
    support_end(ctx);
    for (size_t i = 0; i < m * n; i++) {
        ck_assert_double_eq_tol(c[i], want[i], 1e-12);
        ck_assert_double_eq_tol(c2[i], want[i], 1e-12);
        ck_assert_double_eq_tol(2 * c3[i], want[i], 1e-12);
    }
    float *fa = malloc(m * k * sizeof *fa), *fb = malloc(k * n * sizeof *fb),
          *fc = malloc(m * n * sizeof *fc);
    for (size_t i = 0; i < m * k; i++)
        fa[i] = (float)a[i];
    for (size_t i = 0; i < k * n; i++)
        fb[i] = (float)bt[i];
    for (size_t i = 0; i < m * n; i++)
        fc[i] = 1;
    cep_linalg_gemm_f32(m, n, k, 2, fa, k, fb, k, true, 0, fc, n);
    double *start = numbers(m * n, 5);
    for (size_t i = 0; i < m * n; i++)
        ck_assert_double_eq_tol((double)fc[i], want[i] + start[i], 1e-4);
    free(a), free(b), free(bt), free(at), free(c), free(c2), free(c3), free(want), free(fa), free(fb),
        free(fc);
    free(start);
}
END_TEST

START_TEST(product_of_columns_f32)
{
    static const size_t sizes[][3] = {{1, 1, 1}, {7, 5, 3}, {33, 18, 70}, {5, 1, 200}};
    support_random r = {31};
    const size_t m = sizes[_i][0], n = sizes[_i][1], k = sizes[_i][2];
    float *a = malloc(k * m * sizeof *a), *b = malloc(k * n * sizeof *b), *c = malloc(m * n * sizeof *c);
    for (size_t i = 0; i < k * m; i++)
        a[i] = (float)support_normal(&r);
    for (size_t i = 0; i < k * n; i++)
        b[i] = (float)support_normal(&r);
    for (size_t i = 0; i < m * n; i++)
        c[i] = NAN; /* overwritten, not added to */
    cep_linalg_gemm_tn_f32(m, n, k, a, m, b, n, c, n);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double want = 0;
            for (size_t l = 0; l < k; l++)
                want += (double)a[l * m + i] * (double)b[l * n + j];
            ck_assert_double_eq_tol((double)c[i * n + j], want, 1e-4);
        }
    free(a);
    free(b);
    free(c);
}
END_TEST

START_TEST(gram_matrices)
{
    size_t m = shapes[_i][0], n = shapes[_i][1];
    double *a = numbers(m * n, 6), *g = numbers(n * n, 7), *o = numbers(m * m, 7);
    float *fa = malloc(m * n * sizeof *fa), *fg = malloc(n * n * sizeof *fg);
    for (size_t i = 0; i < m * n; i++)
        fa[i] = (float)a[i];
    memset(g, 0, n * n * sizeof *g);
    memset(fg, 0, n * n * sizeof *fg);
    memset(o, 0, m * m * sizeof *o);
    cepman_context *ctx = support_begin(1);
    for (int twice = 0; twice < 2; twice++) {
        assert_good(ctx, cep_linalg_gram_f64(ctx, m, n, a, n, g));
        assert_good(ctx, cep_linalg_gram_f32(ctx, m, n, fa, n, fg));
        assert_good(ctx, cep_linalg_outer_f64(ctx, m, n, a, n, o));
    }
    support_end(ctx);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t l = 0; l < m; l++)
                sum += a[l * n + i] * a[l * n + j];
            ck_assert_double_eq_tol(g[i * n + j], 2 * sum, 1e-12);
            ck_assert_double_eq_tol((double)fg[i * n + j], 2 * sum, 1e-4);
        }
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t l = 0; l < n; l++)
                sum += a[i * n + l] * a[j * n + l];
            ck_assert_double_eq_tol(o[i * m + j], 2 * sum, 1e-12);
        }
    free(a), free(g), free(o), free(fa), free(fg);
}
END_TEST

/* A random symmetric matrix: A v = w v, v orthonormal, w ascending, the sum of all w is the trace. */
START_TEST(eigenvalues)
{
    static const size_t sizes[] = {1,  2,  7,  50,  64,
                                   65, 90, 96, 129, 200}; /* rotations up to 64, a tridiagonal matrix above */
    size_t n = sizes[_i];
    cepman_context *ctx = support_begin(1);
    double *a = numbers(n * n, 8), *w = numbers(n, 0), *v = numbers(n * n, 0), *t = numbers(n * n, 0);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            a[j * n + i] = a[i * n + j];
    memcpy(t, a, n * n * sizeof *a);
    assert_good(ctx, cep_linalg_eigen(ctx, n, t, 0, n - 1, w, v));
    double trace = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        trace += a[i * n + i];
        sum += w[i];
        ck_assert(i == 0 || w[i] >= w[i - 1]);
        for (size_t j = 0; j < n; j++) {
            double dot = 0, av = 0;
            for (size_t l = 0; l < n; l++) {
                dot += v[i * n + l] * v[j * n + l];
                av += a[j * n + l] * v[i * n + l];
            }
            ck_assert_double_eq_tol(dot, (i == j), 1e-12);
            ck_assert_double_eq_tol(av, w[i] * v[i * n + j], 1e-11);
        }
    }
    ck_assert_double_eq_tol(trace, sum, 1e-11);
    /* A part of them, with and without vectors. */
    double *part = numbers(n, 0);
    memcpy(t, a, n * n * sizeof *a);
    assert_good(ctx, cep_linalg_eigen(ctx, n, t, n / 2, n - 1, part, NULL));
    for (size_t i = n / 2; i < n; i++)
        ck_assert_double_eq_tol(part[i - n / 2], w[i], 1e-11);
    memcpy(t, a, n * n * sizeof *a);
    assert_good(ctx, cep_linalg_eigen(ctx, n, t, n - 1, n - 1, part, v));
    ck_assert_double_eq_tol(part[0], w[n - 1], 1e-11);
    t[0] = (double)NAN;
    assert_fails(ctx, cep_linalg_eigen(ctx, n, t, 0, 0, part, v), CEPMAN_ERR_NUMERIC, "(0, 0) is not finite");
    free(a), free(w), free(v), free(t), free(part);
    support_end(ctx);
}
END_TEST

/* Matrices without full rank, without off-diagonal entries, and with scales far apart. */
START_TEST(odd_matrices)
{
    enum { N = 12 };
    cepman_context *ctx = support_begin(1);
    double a[N * N], t[N * N], w[N], v[N * N], *x = numbers(N * 3, 4);
    for (int kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                double gram = 0;
                for (size_t l = 0; l < 3; l++)
                    gram += x[i * 3 + l] * x[j * 3 + l];
                double scales = pow(10, -(double)(i + j));
                a[i * N + j] = kind == 0   ? 0
                               : kind == 1 ? (i == j) * (double)(N - i)
                               : kind == 2 ? gram
                                           : gram * scales;
            }
        memcpy(t, a, sizeof t);
        assert_good(ctx, cep_linalg_eigen(ctx, N, t, 0, N - 1, w, v));
        double scale = fabs(w[N - 1]) + 1e-300;
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                double av = 0;
                for (size_t l = 0; l < N; l++)
                    av += a[j * N + l] * v[i * N + l];
                ck_assert_double_eq_tol(av / scale, w[i] * v[i * N + j] / scale, 1e-13);
            }
    }
    free(x);
    support_end(ctx);
}
END_TEST

/* The same for the tridiagonal way, all pairs and the upper ones; and values without vectors are those with them. */
START_TEST(odd_large_matrices)
{
    enum { N = 150, FEW = 20 };
    cepman_context *ctx = support_begin(1);
    double *a = numbers(N * N, 1), *t = numbers(N * N, 1), *w = numbers(N, 1), *v = numbers(N * N, 1),
           *x = numbers(N * 3, 4);
    double *alone = numbers(N, 1);
    static const double scales[7] = {1, 1, 1, 1, 1, 1e-140, 1e140};
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++) {
            double gram = 0;
            for (size_t l = 0; l < 3; l++)
                gram += x[i * 3 + l] * x[j * 3 + l];
            const double kinds[7] = {0,
                                     i == j,                              /* one value, N times */
                                     (i == j) * (double)(N - i),          /* diagonal */
                                     gram,                                /* rank 3 */
                                     i / 10 == j / 10 ? a[i * N + j] : 0, /* falls apart */
                                     gram,
                                     gram + (i == j)};
            t[i * N + j] = kinds[_i] * scales[_i];
        }
    memcpy(a, t, N * N * sizeof *a);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < i; j++)
            a[j * N + i] = a[i * N + j];
    for (size_t first = 0; first < N; first += N - FEW) {
        memcpy(t, a, N * N * sizeof *t);
        assert_good(ctx, cep_linalg_eigen(ctx, N, t, first, N - 1, w, v));
        memcpy(t, a, N * N * sizeof *t);
        assert_good(ctx, cep_linalg_eigen(ctx, N, t, first, N - 1, alone, NULL));
        const size_t m = N - first;
        const double size = fmax(fabs(w[0]), fabs(w[m - 1])) + 1e-300;
        for (size_t i = 0; i < m; i++) {
            ck_assert(i == 0 || w[i] >= w[i - 1]);
            ck_assert_double_eq_tol(alone[i] / size, w[i] / size, 1e-13);
            for (size_t j = 0; j < N; j++) {
                double av = 0, dot = 0;
                for (size_t l = 0; l < N; l++) {
                    av += a[j * N + l] / size * v[i * N + l];
                    dot += j < m ? v[i * N + l] * v[j * N + l] : 0;
                }
                ck_assert_double_eq_tol(av, w[i] / size * v[i * N + j], 1e-12);
                if (j < m) ck_assert_double_eq_tol(dot, (i == j), 1e-12);
            }
        }
    }
    free(a), free(t), free(w), free(v), free(x), free(alone);
    support_end(ctx);
}
END_TEST

static long polls, stop_at;
static int count_polls(void *user)
{
    (void)user;
    return polls++ == stop_at;
}

/* Large products and eigenproblems are left at any of their polls, with their memory given back; and there are polls for
 * at least every billion multiply-adds. */
START_TEST(cancelled_at_each_poll)
{
    enum { N = 400, LONG = 9000 };
    cepman_context *ctx = support_begin(1);
    double *a = numbers(N * N, 12), *t = numbers(N * N, 12), *w = numbers(N, 0), *v = numbers(N * N, 0);
    double *c = numbers(N * N, 0), *wide = numbers((size_t)LONG * N, 3);
    float *few = calloc((size_t)LONG * N, sizeof *few), *of_few = calloc(N * N, sizeof *of_few);
    const size_t used = cepman_context_memory_used(ctx);
    assert_good(ctx, cepman_context_set_cancel(ctx, count_polls, NULL));
    for (int what = 0; what < 7; what++) {
        cepman_status s = CEPMAN_ERR_CANCELLED;
        for (stop_at = 0; s; stop_at += 1 + stop_at / 3) {
            polls = 0;
            if (what < 2) {
                memcpy(t, a, N * N * sizeof *t);
                s = cep_linalg_eigen(ctx, N, t, what ? 0 : N - 30, N - 1, w, what ? NULL : v);
            }
            if (what == 2) s = cep_linalg_gram_f64(ctx, LONG, N, wide, N, c);
            if (what == 3) s = cep_linalg_gram_f32(ctx, LONG, N, few, N, of_few);
            if (what == 4) s = cep_linalg_outer_f64(ctx, N, LONG, wide, LONG, c);
            if (what == 5) s = cep_linalg_gemm_f64(ctx, N, N, LONG, 1, wide, LONG, wide, N, false, 0, c, N);
            if (what == 6) s = cep_linalg_gemm_tn_f64(ctx, N, N, LONG, wide, N, wide, N, c, N);
            ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_CANCELLED);
            ck_assert_uint_eq(cepman_context_memory_used(ctx), used);
        }
        ck_assert_int_ge(polls, what == 0 ? N : 2);
    }
    free(a), free(t), free(w), free(v), free(c), free(wide), free(few), free(of_few);
    support_end(ctx);
}
END_TEST

START_TEST(orthonormal_rows_and_columns)
{
    cepman_context *ctx = support_begin(1);
    const size_t n = 6, length = 31, stride = 35;
    double *a = numbers(n * stride, 9), *before = numbers(n * stride, 9), *c = numbers(length * n, 0);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < length; j++)
            c[j * n + i] = a[i * stride + j];
    assert_good(ctx, cep_linalg_orthonormalise_rows(ctx, n, length, a, stride));
    assert_good(ctx, cep_linalg_orthonormalise(ctx, length, n, c, n));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double dot = 0;
            for (size_t l = 0; l < length; l++)
                dot += a[i * stride + l] * a[j * stride + l];
            ck_assert_double_eq_tol(dot, (i == j), 1e-12);
        }
        /* Row i was in the span of the new rows up to i. */
        double norm = 0, in_span = 0;
        for (size_t l = 0; l < length; l++)
            norm += before[i * stride + l] * before[i * stride + l];
        for (size_t j = 0; j <= i; j++) {
            double dot = 0;
            for (size_t l = 0; l < length; l++)
                dot += before[i * stride + l] * a[j * stride + l];
            in_span += dot * dot;
        }
        ck_assert_double_eq_tol(norm, in_span, 1e-10);
        for (size_t l = 0; l < length; l++)
            ck_assert_double_eq_tol(c[l * n + i], a[i * stride + l], 1e-12);
        for (size_t l = length; l < stride; l++)
            ck_assert_double_eq(a[i * stride + l], before[i * stride + l]);
    }
    free(a), free(before), free(c);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    enum { MOST = 70 };
    cepman_context *ctx = support_begin(1);
    double *a = numbers(MOST * MOST, 10), *t = numbers(MOST * MOST, 10), *w = numbers(MOST, 0),
           *v = numbers(MOST * MOST, 0);
    /* Rotations take one block, LAPACK and QR several. */
    for (int what = 0; what < 3; what++)
        for (long fail = 0;; fail++) {
            size_t n = what == 1 ? MOST : 8;
            memcpy(t, a, n * n * sizeof *t);
            support_fail_at(fail);
            cepman_status s = what == 2 ? cep_linalg_orthonormalise(ctx, n, n, t, n)
                                        : cep_linalg_eigen(ctx, n, t, 0, n - 1, w, v);
            support_fail_at(-1);
            if (s == CEPMAN_OK) {
                ck_assert_int_ge(fail, what == 0 ? 1 : 2);
                break;
            }
            ck_assert_int_eq(s, CEPMAN_ERR_MEMORY);
        }
    free(a), free(t), free(w), free(v);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("linalg");
    TCase *t = tcase_create("dense");
    tcase_add_loop_test(t, products, 0, 4);
    tcase_add_loop_test(t, product_of_columns_f32, 0, 4);
    tcase_add_loop_test(t, gram_matrices, 0, 4);
    tcase_add_loop_test(t, eigenvalues, 0, 10);
    tcase_add_loop_test(t, odd_large_matrices, 0, 7);
    tcase_add_test(t, cancelled_at_each_poll);
    tcase_add_test(t, odd_matrices);
    tcase_add_test(t, orthonormal_rows_and_columns);
    tcase_add_test(t, failing_allocations);
    suite_add_tcase(s, t);
    return s;
}
