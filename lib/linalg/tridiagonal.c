/* Eigenvalues and eigenvectors of a large symmetric matrix in steps of some ten milliseconds, so that the call can be
 * cancelled: Householder's reduction to a tridiagonal matrix in panels, implicit QL steps for all eigenvalues, LAPACK's
 * relatively robust representations (dstemr) for few eigenvectors, divide and conquer (conquer.c) for many, which are
 * turned back a few at a time.
 * Golub and Van Loan, Matrix Computations, sections 8.3 and 5.2; Dongarra, Sorensen, Hammarling, J. Comput. Appl. Math. 27
 * (1989) 215; Dhillon and Parlett, Linear Algebra Appl. 387 (2004) 1.
 * Must not: call LAPACK's own reduction, which takes a second at n = 2000 and looks at nothing meanwhile. */
#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>

#include "conquer.h"
#include "tridiagonal.h"

#define PANEL 32
#define FEW 200000 /* rows times eigenvectors that dstemr finds in some 50 ms */

/* Row i of the lower triangle is column i of the upper one, contiguous: below, A is column-major with its upper triangle.
 * Reflectors replace the columns from the last one on, as LAPACK's dormtr expects them. */
typedef struct reduction {
    cepman_context *ctx;
    size_t n;
    double *a, *w; /* w: PANEL columns of n */
    double *diagonal, *beside, *tau;
} reduction;

static double *column(const reduction *r, size_t j)
{
    return r->a + j * r->n;
}

/* y = A x for the leading m x m part, by stripes of columns that are read in a few milliseconds. */
static cepman_status multiply(const reduction *r, size_t m, const double *x, double *y)
{
    const int lda = (int)r->n;
    size_t stripe = (size_t)(CEP_LINALG_STEP / 20 / (double)m) + 1;
    for (size_t i = 0; i < m; i++)
        y[i] = 0;
    for (size_t j = 0; j < m; j += stripe) {
        const size_t width = m - j < stripe ? m - j : stripe;
        cblas_dsymv(CblasColMajor, CblasUpper, (int)width, 1.0, column(r, j) + j, lda, x + j, 1, 1.0, y + j,
                    1);
        if (j > 0) {
            cblas_dgemv(CblasColMajor, CblasNoTrans, (int)j, (int)width, 1.0, column(r, j), lda, x + j, 1,
                        1.0, y, 1);
            cblas_dgemv(CblasColMajor, CblasTrans, (int)j, (int)width, 1.0, column(r, j), lda, x, 1, 1.0,
                        y + j, 1);
        }
        cepman_status s = cep_poll(r->ctx);
        if (s) return s;
    }
    return CEPMAN_OK;
}

/* Householder vector of x[0 .. m-1] that leaves x[m-1] alone: x becomes v with v[m-1] = 1. Returns tau; *left is what the
 * reflection puts at m-1. What is below the normal numbers is taken for 0: its reciprocal is infinite. */
static double reflect(size_t m, double *x, double *left)
{
    const double alpha = x[m - 1], norm = m > 1 ? cblas_dnrm2((int)m - 1, x, 1) : 0;
    *left = alpha;
    x[m - 1] = 1;
    if (!(norm > DBL_MIN)) return 0;
    const double beta = -copysign(hypot(alpha, norm), alpha);
    cblas_dscal((int)m - 1, 1 / (alpha - beta), x, 1);
    *left = beta;
    return (beta - alpha) / beta;
}

/* Reduces columns from .. to-1, from the last one on; the columns of w are what the rest of A is updated with. */
static cepman_status reduce_panel(reduction *r, size_t from, size_t to)
{
    const int lda = (int)r->n;
    for (size_t j = to; j-- > from;) {
        double *c = column(r, j), *w = r->w + (j - from) * r->n;
        const size_t done = to - 1 - j; /* columns of this panel that are reduced: those after j */
        const double *v_done = column(r, j + 1), *w_done = w + r->n;
        double inner[PANEL];
        if (done) { /* column j as it is by now: a -= V w' + W v' */
            const int m = (int)j + 1;
            cblas_dgemv(CblasColMajor, CblasNoTrans, m, (int)done, -1.0, v_done, lda, w_done + j, lda, 1.0, c,
                        1);
            cblas_dgemv(CblasColMajor, CblasNoTrans, m, (int)done, -1.0, w_done, lda, v_done + j, lda, 1.0, c,
                        1);
        }
        r->diagonal[j] = c[j];
        if (j == 0) break;
        r->tau[j - 1] = reflect(j, c, &r->beside[j - 1]);
        cepman_status s = multiply(r, j, c, w);
        if (s) return s;
        if (done) {
            const int m = (int)j, k = (int)done;
            cblas_dgemv(CblasColMajor, CblasTrans, m, k, 1.0, w_done, lda, c, 1, 0.0, inner, 1);
            cblas_dgemv(CblasColMajor, CblasNoTrans, m, k, -1.0, v_done, lda, inner, 1, 1.0, w, 1);
            cblas_dgemv(CblasColMajor, CblasTrans, m, k, 1.0, v_done, lda, c, 1, 0.0, inner, 1);
            cblas_dgemv(CblasColMajor, CblasNoTrans, m, k, -1.0, w_done, lda, inner, 1, 1.0, w, 1);
        }
        cblas_dscal((int)j, r->tau[j - 1], w, 1);
        cblas_daxpy((int)j, -0.5 * r->tau[j - 1] * cblas_ddot((int)j, w, 1, c, 1), c, 1, w, 1);
    }
    return CEPMAN_OK;
}

/* The leading m x m part -= V W' + W V' for the k columns after it, by stripes. */
static cepman_status update(const reduction *r, size_t m, size_t k)
{
    const int lda = (int)r->n;
    const double *v = column(r, m), *w = r->w;
    const size_t stripe = (size_t)(CEP_LINALG_STEP / (2.0 * (double)k * (double)m)) + 16;
    for (size_t j = 0; j < m; j += stripe) {
        const size_t width = m - j < stripe ? m - j : stripe;
        cblas_dsyr2k(CblasColMajor, CblasUpper, CblasNoTrans, (int)width, (int)k, -1.0, v + j, lda, w + j,
                     lda, 1.0, column(r, j) + j, lda);
        if (j > 0) {
            cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, (int)j, (int)width, (int)k, -1.0, v, lda,
                        w + j, lda, 1.0, column(r, j), lda);
            cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, (int)j, (int)width, (int)k, -1.0, w, lda,
                        v + j, lda, 1.0, column(r, j), lda);
        }
        cepman_status s = cep_poll(r->ctx);
        if (s) return s;
    }
    return CEPMAN_OK;
}

static cepman_status reduce(reduction *r)
{
    for (size_t to = r->n; to > 0;) {
        const size_t from = to > PANEL ? to - PANEL : 0;
        cepman_status s = reduce_panel(r, from, to);
        if (!s && from > 0) s = update(r, from, to - from);
        if (s) return s;
        to = from;
    }
    return CEPMAN_OK;
}

/* All eigenvalues of the tridiagonal matrix into d, ascending; e is destroyed. */
static cepman_status all_values(cepman_context *ctx, size_t n, double *d, double *e)
{
    size_t work = 0, turns = 0;
    e[n - 1] = 0;
    for (size_t l = 0; l < n;) {
        size_t m = l;
        while (m + 1 < n && fabs(e[m]) > DBL_EPSILON * (fabs(d[m]) + fabs(d[m + 1])) && fabs(e[m]) > DBL_MIN)
            m++;
        if (m == l) {
            l++;
            turns = 0;
            continue;
        }
        if (++turns > 200)
            return cep_fail(ctx, CEPMAN_ERR_NUMERIC, "eigenvalue %zu of %zu did not converge", l, n);
        /* Wilkinson's shift from the upper end, then the bulge is chased from m to l. */
        const double half = (d[l + 1] - d[l]) / (2 * e[l]);
        double g = d[m] - d[l] + e[l] / (half + copysign(hypot(half, 1), half)), s = 1, c = 1, p = 0;
        size_t i = m;
        while (i-- > l) {
            const double f = s * e[i], b = c * e[i], length = hypot(f, g);
            e[i + 1] = length;
            if (length == 0) { /* the matrix falls apart here */
                d[i + 1] -= p;
                e[m] = 0;
                break;
            }
            s = f / length;
            c = g / length;
            g = d[i + 1] - p;
            const double t = (d[i] - g) * s + 2 * c * b;
            p = s * t;
            d[i + 1] = g + p;
            g = c * t - b;
        }
        work += m - l;
        if (i + 1 == l) { /* the chase came to its end */
            d[l] -= p;
            e[l] = g;
            e[m] = 0;
        }
        if (work > 500000) {
            work = 0;
            cepman_status status = cep_poll(ctx);
            if (status) return status;
        }
    }
    return LAPACKE_dlasrt_work('I', (int)n, d) == 0
               ? CEPMAN_OK
               : cep_fail(ctx, CEPMAN_ERR_NUMERIC, "eigenvalues of a %zu x %zu matrix cannot be ordered", n,
                          n);
}

/* Eigenpairs of the tridiagonal matrix, whose d and e are destroyed; w: n doubles. */
static cepman_status pairs(cepman_context *ctx, size_t n, double *d, double *e, size_t first, size_t last,
                           double *w, double *vectors)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t m = last - first + 1, lwork = 18 * n, liwork = 10 * n;
    if (m > FEW / n) return cep_conquer(ctx, n, d, e, first, last, w, vectors);
    double *work = cep_alloc(mem, lwork, sizeof *work);
    int *iwork = cep_alloc(mem, liwork + 2 * m, sizeof *iwork), found = 0, accurate = 1;
    cepman_status s = CEPMAN_OK;
    if (!work || !iwork) {
        s = cep_fail_memory(ctx, "eigenvalues", lwork, sizeof *work);
    } else {
        const int info = LAPACKE_dstemr_work(LAPACK_COL_MAJOR, 'V', 'I', (int)n, d, e, 0, 0, (int)first + 1,
                                             (int)last + 1, &found, w, vectors, (int)n, (int)m,
                                             iwork + liwork, &accurate, work, (int)lwork, iwork, (int)liwork);
        if (info != 0 || (size_t)found != m)
            s = cep_fail(ctx, CEPMAN_ERR_NUMERIC,
                         "eigenvalues of a %zu x %zu matrix did not converge (code %d)", n, n, info);
    }
    cep_free(mem, work);
    cep_free(mem, iwork);
    return s ? s : cep_poll(ctx);
}

/* Vectors of the tridiagonal matrix to those of the full one, a few at a time. */
static cepman_status turn_back(const reduction *r, size_t count, double *vectors)
{
    cep_memory *mem = cep_context_memory(r->ctx);
    const size_t n = r->n, step = (size_t)(CEP_LINALG_STEP / ((double)n * (double)n)) + 4;
    const size_t most = count < step ? count : step,
                 lwork = 64 * most + 65 * 64; /* blocks of 64 reflectors */
    double *work = cep_alloc(mem, lwork, sizeof *work);
    if (!work) return cep_fail_memory(r->ctx, "eigenvectors", lwork, sizeof *work);
    cepman_status s = CEPMAN_OK;
    for (size_t j = 0; !s && j < count; j += most) {
        const size_t m = count - j < most ? count - j : most;
        const int info = LAPACKE_dormtr_work(LAPACK_COL_MAJOR, 'L', 'U', 'N', (int)n, (int)m, r->a, (int)n,
                                             r->tau, vectors + j * n, (int)n, work, (int)lwork);
        s = info ? cep_fail(r->ctx, CEPMAN_ERR_NUMERIC, "eigenvectors: code %d", info) : cep_poll(r->ctx);
    }
    cep_free(mem, work);
    return s;
}

cepman_status cep_tridiagonal_eigen(cepman_context *ctx, size_t n, double *a, size_t first, size_t last,
                                    double *values, double *vectors)
{
    cep_memory *mem = cep_context_memory(ctx);
    double *room = cep_alloc(mem, 4 + PANEL, n * sizeof *room);
    if (!room) return cep_fail_memory(ctx, "eigenvalues", 4 + PANEL, n * sizeof *room);
    reduction r = {ctx, n, a, room + 4 * n, room, room + n, room + 2 * n};
    double *w = room + 3 * n;
    cepman_status s = reduce(&r);
    if (!s && vectors) s = pairs(ctx, n, r.diagonal, r.beside, first, last, w, vectors);
    if (!s && !vectors) s = all_values(ctx, n, r.diagonal, r.beside);
    if (!s && vectors) s = turn_back(&r, last - first + 1, vectors);
    for (size_t i = first; !s && i <= last; i++)
        values[i - first] = vectors ? w[i - first] : r.diagonal[i];
    cep_free(mem, room);
    return s;
}
