/* Thin calls into OpenBLAS and LAPACKE, with their errors turned into sentences.
 * Called on the calling thread alone: OpenBLAS has threads of its own and its bits depend on their number.
 * Must not: call openblas_set_num_threads (it is global), or be used from pool workers. */
#include <cblas.h>
#include <lapacke.h>
#include <math.h>

#include <cepman/version.h>

#include "jacobi.h"
#include "linalg.h"
#include "tridiagonal.h"

const char *cepman_openblas_version(void)
{
    return openblas_get_config();
}

/* Rows or columns of a product whose other two sides are given, between two polls. */
static size_t stripe(size_t a, size_t b)
{
    return (size_t)(CEP_LINALG_STEP / ((double)a * (double)b)) + 16;
}

/* C += A' A by stripes of C's rows: a square on the diagonal, and what is left of it. */
cepman_status cep_linalg_gram_f32(cepman_context *ctx, size_t rows, size_t n, const float *a, size_t stride,
                                  float *c)
{
    const size_t step = stripe(rows, n);
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && i < n; i += step) {
        const int m = (int)(n - i < step ? n - i : step);
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, m, (int)rows, 1.0f, a + i, (int)stride, 1.0f,
                    c + i * (n + 1), (int)n);
        if (i > 0)
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, (int)i, (int)rows, 1.0f, a + i,
                        (int)stride, a, (int)stride, 1.0f, c + i * n, (int)n);
        s = cep_poll(ctx);
    }
    return s;
}

cepman_status cep_linalg_gram_f64(cepman_context *ctx, size_t rows, size_t n, const double *a, size_t stride,
                                  double *c)
{
    const size_t step = stripe(rows, n);
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && i < n; i += step) {
        const int m = (int)(n - i < step ? n - i : step);
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, m, (int)rows, 1.0, a + i, (int)stride, 1.0,
                    c + i * (n + 1), (int)n);
        if (i > 0)
            cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, (int)i, (int)rows, 1.0, a + i,
                        (int)stride, a, (int)stride, 1.0, c + i * n, (int)n);
        s = cep_poll(ctx);
    }
    return s;
}

void cep_linalg_gemm_f32(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                         const float *b, size_t ldb, bool transpose_b, float beta, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k,
                alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

cepman_status cep_linalg_gemm_f64(cepman_context *ctx, size_t m, size_t n, size_t k, double alpha,
                                  const double *a, size_t lda, const double *b, size_t ldb, bool transpose_b,
                                  double beta, double *c, size_t ldc)
{
    const size_t step = stripe(n, k);
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && i < m; i += step) {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
                    (int)(m - i < step ? m - i : step), (int)n, (int)k, alpha, a + i * lda, (int)lda, b,
                    (int)ldb, beta, c + i * ldc, (int)ldc);
        s = cep_poll(ctx);
    }
    return s;
}

void cep_linalg_gemm_tn_f32(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                            size_t ldb, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1.0f, a, (int)lda, b,
                (int)ldb, 0.0f, c, (int)ldc);
}

cepman_status cep_linalg_gemm_tn_f64(cepman_context *ctx, size_t m, size_t n, size_t k, const double *a,
                                     size_t lda, const double *b, size_t ldb, double *c, size_t ldc)
{
    const size_t step = stripe(m, k);
    cepman_status s = CEPMAN_OK;
    for (size_t j = 0; !s && j < n; j += step) {
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)(n - j < step ? n - j : step),
                    (int)k, 1.0, a, (int)lda, b + j, (int)ldb, 1.0, c + j, (int)ldc);
        s = cep_poll(ctx);
    }
    return s;
}

cepman_status cep_linalg_outer_f64(cepman_context *ctx, size_t rows, size_t n, const double *a, size_t stride,
                                   double *c)
{
    const size_t step = stripe(rows, n);
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && i < rows; i += step) {
        const int m = (int)(rows - i < step ? rows - i : step);
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, m, (int)n, 1.0, a + i * stride, (int)stride, 1.0,
                    c + i * (rows + 1), (int)rows);
        if (i > 0)
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, (int)i, (int)n, 1.0, a + i * stride,
                        (int)stride, a, (int)stride, 1.0, c + i * rows, (int)rows);
        s = cep_poll(ctx);
    }
    return s;
}

/* Up to here the eigenproblem is solved by our own rotations: their bits do not follow OpenBLAS's threads. */
#define SMALL 64
#define ROWS 256 /* between two polls */

static cepman_status small_eigen(cepman_context *ctx, size_t n, double *a, size_t first, size_t last,
                                 double *values, double *vectors)
{
    cep_memory *mem = cep_context_memory(ctx);
    double *v = cep_alloc(mem, n, n * sizeof *v);
    if (!v) return cep_fail_memory(ctx, "eigenvalues", n, n * sizeof *v);
    size_t order[SMALL];
    cepman_status s = CEPMAN_OK;
    if (!cep_jacobi(n, a, v))
        s = cep_fail(ctx, CEPMAN_ERR_NUMERIC, "eigenvalues of a %zu x %zu matrix did not converge", n, n);
    for (size_t i = 0; !s && i < n; i++) { /* insertion by value, then by place */
        size_t at = i;
        for (; at > 0 && a[order[at - 1] * (n + 1)] > a[i * (n + 1)]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = first; !s && i <= last; i++) {
        values[i - first] = a[order[i] * (n + 1)];
        for (size_t j = 0; vectors && j < n; j++)
            vectors[(i - first) * n + j] = v[order[i] * n + j];
    }
    cep_free(mem, v);
    return s;
}

/* The power of two that brings the largest entry to 1, when squares of entries could leave the range of numbers. NUMERIC
 * when an entry is not finite. */
static cepman_status far_exponent(cepman_context *ctx, size_t n, const double *a, int *exponent)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double odd = 0; /* x - x is 0 for finite x */
        for (size_t j = 0; j <= i; j++) {
            const double x = fabs(a[i * n + j]);
            odd += x - x;
            most = x > most ? x : most;
        }
        for (size_t j = 0; !(odd == 0) && j <= i; j++)
            if (!isfinite(a[i * n + j]))
                return cep_fail(ctx, CEPMAN_ERR_NUMERIC, "eigenvalues: entry (%zu, %zu) is not finite", i, j);
        cepman_status s = i % ROWS == 0 ? cep_poll(ctx) : CEPMAN_OK;
        if (s) return s;
    }
    (void)frexp(most, exponent);
    if (*exponent >= -300 && *exponent <= 300) *exponent = 0;
    return CEPMAN_OK;
}

cepman_status cep_linalg_eigen(cepman_context *ctx, size_t n, double *a, size_t first, size_t last,
                               double *values, double *vectors)
{
    int exponent = 0;
    cepman_status s = far_exponent(ctx, n, a, &exponent);
    for (size_t i = 0; !s && exponent && i < n; i++)
        for (size_t j = 0; j <= i; j++)
            a[i * n + j] = ldexp(a[i * n + j], -exponent);
    if (!s)
        s = n <= SMALL ? small_eigen(ctx, n, a, first, last, values, vectors)
                       : cep_tridiagonal_eigen(ctx, n, a, first, last, values, vectors);
    for (size_t i = first; !s && exponent && i <= last; i++)
        values[i - first] = ldexp(values[i - first], exponent);
    return s;
}

static int hermitian(size_t n, bool is_complex, double *a, double *values, double *work, int lwork,
                     double *rwork, int lrwork, int *iwork, int liwork)
{
    if (is_complex)
        return LAPACKE_zheevd_work(LAPACK_COL_MAJOR, 'V', 'L', (int)n, (lapack_complex_double *)a, (int)n,
                                   values, (lapack_complex_double *)work, lwork, rwork, lrwork, iwork,
                                   liwork);
    return LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'L', (int)n, a, (int)n, values, work, lwork, iwork,
                               liwork);
}

cepman_status cep_linalg_hermitian(cepman_context *ctx, size_t n, bool is_complex, double *a, double *values)
{
    cep_memory *mem = cep_context_memory(ctx);
    double query[2] = {0, 0}, real_query = 0;
    int integer_query = 0;
    int info = hermitian(n, is_complex, a, values, query, -1, &real_query, -1, &integer_query, -1);
    size_t lwork = (size_t)query[0], lrwork = (size_t)real_query, liwork = (size_t)integer_query;
    size_t doubles = (is_complex ? 2 : 1) * lwork + lrwork;
    double *work = cep_alloc(mem, doubles, sizeof *work);
    int *iwork = cep_alloc(mem, liwork, sizeof *iwork);
    cepman_status s = CEPMAN_OK;
    if (!work || !iwork) {
        s = cep_fail_memory(ctx, "eigenvalues", doubles, sizeof *work);
    } else {
        if (info == 0)
            info = hermitian(n, is_complex, a, values, work, (int)lwork, work + doubles - lrwork, (int)lrwork,
                             iwork, (int)liwork);
        if (info != 0)
            s = cep_fail(ctx, CEPMAN_ERR_NUMERIC,
                         "eigenvalues of a %zu x %zu matrix did not converge (code %d)", n, n, info);
    }
    cep_free(mem, work);
    cep_free(mem, iwork);
    return s;
}

cepman_status cep_linalg_orthonormalise_rows(cepman_context *ctx, size_t n, size_t length, double *a,
                                             size_t stride)
{
    /* Rows in memory are columns to LAPACK: nothing is transposed. */
    cep_memory *mem = cep_context_memory(ctx);
    size_t lwork = n * 64;
    double *tau = cep_alloc(mem, n, sizeof *tau), *work = cep_alloc(mem, lwork, sizeof *work);
    cepman_status s = CEPMAN_OK;
    if (!tau || !work) {
        s = cep_fail_memory(ctx, "orthonormalisation", lwork, sizeof *work);
    } else {
        int info =
            LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, (int)length, (int)n, a, (int)stride, tau, work, (int)lwork);
        if (info == 0)
            info = LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, (int)length, (int)n, (int)n, a, (int)stride, tau,
                                       work, (int)lwork);
        if (info != 0) s = cep_fail(ctx, CEPMAN_ERR_NUMERIC, "orthonormalisation failed (code %d)", info);
    }
    cep_free(mem, work);
    cep_free(mem, tau);
    return s;
}

cepman_status cep_linalg_orthonormalise(cepman_context *ctx, size_t rows, size_t n, double *a, size_t stride)
{
    cep_memory *mem = cep_context_memory(ctx);
    double *t = cep_alloc(mem, rows, n * sizeof *t);
    if (!t) return cep_fail_memory(ctx, "orthonormalisation", rows, n * sizeof *t);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j++)
            t[j * rows + i] = a[i * stride + j];
    cepman_status s = cep_linalg_orthonormalise_rows(ctx, n, rows, t, rows);
    for (size_t i = 0; !s && i < rows; i++)
        for (size_t j = 0; j < n; j++)
            a[i * stride + j] = t[j * rows + i];
    cep_free(mem, t);
    return s;
}
