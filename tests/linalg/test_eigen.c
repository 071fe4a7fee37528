/* The eigenproblem's two ways (rotations, a tridiagonal matrix) against LAPACK's dsyevr, on matrices that are hard for one
 * or the other: clusters, gradings over hundreds of orders of magnitude, numbers near the ends of the range. */
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conquer.h"
#include "linalg.h"
#include "support.h"
#include "tridiagonal.h"

static double *room(size_t count)
{
    double *a = calloc(count, sizeof *a);
    ck_assert_ptr_nonnull(a);
    return a;
}

/* diag(values) between random reflections: a = Q diag Q'. */
static void turn(size_t n, const double *values, double *a)
{
    support_random r = {77};
    double *x = room(n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            a[i * n + j] = i == j ? values[i] : 0;
    for (int times = 0; times < 3; times++) {
        double norm = 0;
        for (size_t i = 0; i < n; i++) {
            x[i] = support_normal(&r);
            norm += x[i] * x[i];
        }
        for (int side = 0; side < 2; side++)
            for (size_t i = 0; i < n; i++) {
                double *row = a + (side ? i * n : i), dot = 0;
                const size_t step = side ? 1 : n;
                for (size_t j = 0; j < n; j++)
                    dot += x[j] * row[j * step];
                for (size_t j = 0; j < n; j++)
                    row[j * step] -= 2 * dot / norm * x[j];
            }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            a[j * n + i] = a[i * n + j];
    free(x);
}

enum {
    ZERO,
    CLUSTERS,       /* all values within some last bits of five */
    ONE_APART,      /* n - 1 equal values and one */
    GRADED_DOWN,    /* 1e-2i: the tail is far below the last bits of the head */
    GRADED_UP,      /* the same from the other end */
    GRADED_ENTRIES, /* entries 10^-(i+j), down to subnormal numbers and 0 */
    GLUED,          /* Wilkinson's W21+ over and over, coupled by 1e-14 */
    WILKINSON,      /* pairs of values that agree to all digits */
    STRING,         /* -1 2 -1 */
    BARELY,         /* unit diagonal, beside it subnormal numbers */
    KINDS
};

static void fill(int kind, size_t n, double *a)
{
    double *values = room(n);
    for (size_t i = 0; i < n; i++) {
        values[i] = kind == CLUSTERS      ? (double)(i % 5) * (1 + (double)i * DBL_EPSILON)
                    : kind == ONE_APART   ? (i == 3) + 1
                    : kind == GRADED_DOWN ? pow(10, -2 * (double)i)
                                          : pow(10, -2 * (double)(n - 1 - i));
        for (size_t j = 0; j < n; j++) {
            const size_t apart = i > j ? i - j : j - i, low = i < j ? i : j, d = i % 21;
            a[i * n + j] = kind == GRADED_ENTRIES ? pow(10, -(double)(i + j)) * (1 + (double)(i == j))
                           : kind == GLUED        ? (apart == 0 ? fabs(10 - (double)d)
                                                                : (apart == 1) * (low % 21 == 20 ? 1e-14 : 1))
                           : kind == WILKINSON ? (apart == 0 ? fabs((double)(n / 2) - (double)i) : apart == 1)
                           : kind == STRING    ? (apart == 0 ? 2 : -(double)(apart == 1))
                           : kind == BARELY    ? (apart == 0 ? 1 : 3e-310 / (double)apart)
                                               : 0;
        }
    }
    if (kind >= CLUSTERS && kind <= GRADED_UP) turn(n, values, a);
    free(values);
}

/* Values within the last bits of the largest one, A v = w v, v orthonormal; and values without vectors. */
static void compare(size_t n, const double *a, bool tridiagonal)
{
    cepman_context *ctx = support_begin(1);
    double *t = room(n * n), *expected = room(n), *w = room(n), *alone = room(n), *v = room(n * n);
    double most = 0;
    for (size_t i = 0; i < n * n; i++)
        most = fmax(most, fabs(a[i]));
    const double tolerance = 4 * (double)(n + 4) * DBL_EPSILON, unit = most > 0 ? most : 1;
    memcpy(t, a, n * n * sizeof *t);
    int *support = calloc(2 * n, sizeof *support), found = 0;
    ck_assert_int_eq(LAPACKE_dsyevr(LAPACK_ROW_MAJOR, 'V', 'A', 'L', (int)n, t, (int)n, 0, 0, 0, 0, 0, &found,
                                    expected, v, (int)n, support),
                     0);
    ck_assert_int_eq(found, (int)n);
    for (int vectors = 0; vectors < 2; vectors++) {
        double *into = vectors ? w : alone;
        memcpy(t, a, n * n * sizeof *t);
        assert_good(ctx, (tridiagonal ? cep_tridiagonal_eigen : cep_linalg_eigen)(ctx, n, t, 0, n - 1, into,
                                                                                  vectors ? v : NULL));
        for (size_t i = 0; i < n; i++) {
            ck_assert(i == 0 || into[i] >= into[i - 1]);
            ck_assert_double_eq_tol(into[i] / unit, expected[i] / unit,
                                    tolerance * fmax(1, fabs(expected[n - 1] / unit)));
        }
    }
    const double size = fmax(1, fmax(fabs(w[0] / unit), fabs(w[n - 1] / unit)));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double dot = 0, av = 0;
            for (size_t l = 0; l < n; l++) {
                dot += v[i * n + l] * v[j * n + l];
                av += a[j * n + l] / unit * v[i * n + l];
            }
            ck_assert_double_eq_tol(dot, (i == j), 1e-12); /* dstemr's own, for clusters */
            ck_assert_double_eq_tol(av, w[i] / unit * v[i * n + j], tolerance * size);
        }
    free(t), free(expected), free(w), free(alone), free(v), free(support);
    support_end(ctx);
}

static const size_t sizes[] = {1, 2, 3, 4, 21, 33, 64, 65, 105, 210};

START_TEST(like_lapack)
{
    static const double scales[] = {1, 1e-300, 1e-150, 1e150, 1e300};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const size_t n = sizes[k];
        double *a = room(n * n), *b = room(n * n);
        fill(_i, n, a);
        for (size_t s = 0; s < (n <= 105 ? sizeof scales / sizeof *scales : 1); s++) {
            for (size_t i = 0; i < n * n; i++)
                b[i] = a[i] * scales[s];
            compare(n, b, false);
            if (n >= 2 && s == 0) compare(n, b, true);
        }
        free(a), free(b);
    }
}
END_TEST

/* ---- divide and conquer ------------------------------------------------------------------------------------------- */

enum {
    EQUAL,     /* 1, and beside it 0 */
    NOTHING,   /* zeros throughout */
    TIGHT,     /* values within some last bits, coupled by 1e-12 */
    GEOMETRIC, /* 1 down to 1e-300 */
    COPIES,    /* W21+ over and over, coupled by 1e-14 */
    PAIRS,     /* one Wilkinson matrix */
    EVEN,      /* -1 2 -1 */
    NEGATIVE,  /* 1 2 1, turned over */
    RANDOM,
    HALVES, /* falls apart where it is torn first */
    HUGE_NUMBERS,
    TINY_NUMBERS,
    SPECTRA
};

static void fill_bands(int kind, size_t n, double *d, double *e)
{
    support_random r = {(uint64_t)kind + 3};
    for (size_t i = 0; i < n; i++) {
        const double u = support_uniform(&r), v = support_uniform(&r);
        d[i] = kind == EQUAL       ? 1
               : kind == NOTHING   ? 0
               : kind == TIGHT     ? 1 + 1e-15 * (double)(i % 7)
               : kind == GEOMETRIC ? pow(10, -300 * (double)i / (double)n)
               : kind == COPIES    ? fabs(10 - (double)(i % 21))
               : kind == PAIRS     ? fabs((double)(n / 2) - (double)i)
               : kind == EVEN      ? 2
               : kind == NEGATIVE  ? -2
                                   : u - 0.5;
        e[i] = kind == EQUAL || kind == NOTHING    ? 0
               : kind == TIGHT                     ? 1e-12 * v
               : kind == GEOMETRIC                 ? 0.3 * d[i]
               : kind == COPIES                    ? (i % 21 == 20 ? 1e-14 : 1)
               : kind == PAIRS || kind == NEGATIVE ? 1
               : kind == EVEN                      ? -1
               : kind == HALVES && i + 1 == n / 2  ? 0
                                                   : v - 0.5;
        if (kind == HUGE_NUMBERS) d[i] *= 1e150, e[i] *= 1e150;
        if (kind == TINY_NUMBERS) d[i] *= 1e-150, e[i] *= 1e-150;
    }
}

/* Pairs first .. last beside LAPACK's QL values: A v = w v, v orthonormal. */
static void conquer(cepman_context *ctx, size_t n, const double *d, const double *e, size_t first,
                    size_t last)
{
    const size_t m = last - first + 1;
    double *a = room(n), *b = room(n), *expected = room(n), *w = room(n), *v = room(n * m), most = 0;
    memcpy(a, d, n * sizeof *a), memcpy(b, e, n * sizeof *b), memcpy(expected, d, n * sizeof *expected);
    ck_assert_int_eq(LAPACKE_dsterf((int)n, expected, b), 0);
    memcpy(b, e, n * sizeof *b);
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fmax(fabs(d[i]), i + 1 < n ? fabs(e[i]) : 0));
    const double tolerance = 4 * (double)(n + 4) * DBL_EPSILON * most + DBL_MIN;
    assert_good(ctx, cep_conquer(ctx, n, a, b, first, last, w, v));
    for (size_t i = 0; i < m; i++) {
        ck_assert(i == 0 || w[i] >= w[i - 1]);
        ck_assert_double_eq_tol(w[i], expected[first + i], tolerance);
        for (size_t j = 0; j < n; j++) {
            const double *x = v + i * n, before = j > 0 ? e[j - 1] * x[j - 1] : 0,
                         after = j + 1 < n ? e[j] * x[j + 1] : 0;
            ck_assert_double_eq_tol(before + d[j] * x[j] + after, w[i] * x[j], tolerance);
        }
        for (size_t j = 0; j <= i; j++) {
            double dot = 0;
            for (size_t l = 0; l < n; l++)
                dot += v[i * n + l] * v[j * n + l];
            ck_assert_double_eq_tol(dot, (i == j), 4 * (double)(n + 4) * DBL_EPSILON);
        }
    }
    free(a), free(b), free(expected), free(w), free(v);
}

START_TEST(conquered_spectra)
{
    static const size_t orders[] = {1, 2, 31, 32, 33, 64, 65, 127, 210, 337};
    cepman_context *ctx = support_begin(1);
    double d[337], e[337];
    for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
        const size_t n = orders[k];
        fill_bands(_i, n, d, e);
        conquer(ctx, n, d, e, 0, n - 1);
        if (n > 64) {
            conquer(ctx, n, d, e, n / 3, n / 2);
            conquer(ctx, n, d, e, n - 1, n - 1);
        }
    }
    support_end(ctx);
}
END_TEST

typedef struct patience {
    long left, asked;
} patience;

static int impatient(void *user)
{
    patience *p = user;
    p->asked++;
    return p->left-- == 0;
}

/* Each allocation fails in turn; cancelled at each poll in turn. Nothing is kept. */
START_TEST(conquer_stops)
{
    enum { N = 150 };
    cepman_context *ctx = support_begin(1);
    double d[N], e[N], w[N], *v = room(N * N);
    const size_t used = cepman_context_memory_used(ctx);
    for (long at = 0;; at++) {
        fill_bands(RANDOM, N, d, e);
        support_fail_at(at);
        const cepman_status s = cep_conquer(ctx, N, d, e, 0, N - 1, w, v);
        support_fail_at(-1);
        ck_assert_uint_eq(cepman_context_memory_used(ctx), used);
        if (!s) {
            ck_assert_int_gt(at, 30);
            break;
        }
        assert_status(ctx, s, CEPMAN_ERR_MEMORY);
    }
    patience p = {-1, 0};
    assert_good(ctx, cepman_context_set_cancel(ctx, impatient, &p));
    for (long at = 0;; at++) {
        p.left = at;
        fill_bands(RANDOM, N, d, e);
        const cepman_status s = cep_conquer(ctx, N, d, e, 0, N - 1, w, v);
        ck_assert_uint_eq(cepman_context_memory_used(ctx), used);
        if (!s) {
            ck_assert_int_gt(at, 20);
            break;
        }
        assert_status(ctx, s, CEPMAN_ERR_CANCELLED);
    }
    free(v);
    support_end(ctx);
}
END_TEST

/* A full matrix of which many pairs are wanted, through the door. */
START_TEST(many_pairs_of_a_large_matrix)
{
    enum { N = 450 }; /* squared, more than FEW of tridiagonal.c */
    double *a = room(N * N);
    fill(_i ? GLUED : STRING, N, a);
    for (size_t i = 0; i < N; i++)
        a[i * N + i] += 0.01 * (double)(i % 3);
    compare(N, a, false);
    free(a);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("linalg");
    TCase *t = tcase_create("eigen");
    tcase_add_loop_test(t, like_lapack, 0, KINDS);
    tcase_add_loop_test(t, conquered_spectra, 0, SPECTRA);
    tcase_add_test(t, conquer_stops);
    tcase_add_loop_test(t, many_pairs_of_a_large_matrix, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
