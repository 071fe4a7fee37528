/* Door of linalg/: dense linear algebra through OpenBLAS and LAPACKE, on the calling thread only.
 * The only room that sees cblas.h and lapacke.h. Matrices are row-major. Sizes must fit an int. */
#ifndef CEP_LINALG_H
#define CEP_LINALG_H

#include "base.h"

/* What has a context polls cancel every some ten milliseconds of one thread, and fails as cancelled alone, with C
 * undefined.
 * C (n x n, lower triangle and diagonal, stride n) += A' A for A of rows x n, float32. */
cepman_status cep_linalg_gram_f32(cepman_context *ctx, size_t rows, size_t n, const float *a, size_t stride,
                                  float *c);
/* The same in float64. */
cepman_status cep_linalg_gram_f64(cepman_context *ctx, size_t rows, size_t n, const double *a, size_t stride,
                                  double *c);
/* C (m x n) = alpha * A (m x k) * B (k x n, or n x k when transpose_b) + beta * C. */
void cep_linalg_gemm_f32(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                         const float *b, size_t ldb, bool transpose_b, float beta, float *c, size_t ldc);
cepman_status cep_linalg_gemm_f64(cepman_context *ctx, size_t m, size_t n, size_t k, double alpha,
                                  const double *a, size_t lda, const double *b, size_t ldb, bool transpose_b,
                                  double beta, double *c, size_t ldc);

/* C (m x n) = A' * B for A of k x m and B of k x n, float32. */
void cep_linalg_gemm_tn_f32(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                            size_t ldb, float *c, size_t ldc);
/* C (m x n) += A' * B for A of k x m and B of k x n. */
cepman_status cep_linalg_gemm_tn_f64(cepman_context *ctx, size_t m, size_t n, size_t k, const double *a,
                                     size_t lda, const double *b, size_t ldb, double *c, size_t ldc);
/* C (rows x rows, lower triangle and diagonal, stride rows) += A A' for A of rows x n. */
cepman_status cep_linalg_outer_f64(cepman_context *ctx, size_t rows, size_t n, const double *a, size_t stride,
                                   double *c);

/* Eigenvalues and eigenvectors first .. last (0-based, ascending order) of the symmetric n x n matrix a
 * (lower triangle, destroyed). values: last-first+1; vectors: one row of n per eigenvalue (may be NULL).
 * Jacobi rotations up to n = 64; above, a tridiagonal matrix and its relatively robust representations (tridiagonal.c).
 * CEPMAN_ERR_NUMERIC when it does not converge or a is not finite. Polls cancel. */
cepman_status cep_linalg_eigen(cepman_context *ctx, size_t n, double *a, size_t first, size_t last,
                               double *values, double *vectors);
/* All eigenvalues, ascending, and eigenvectors of a Hermitian n x n matrix by divide and conquer (dsyevd, zheevd).
 * a: column after column with its lower triangle set, complex numbers as pairs when is_complex; on return eigenvector j
 * takes the place of column j. CEPMAN_ERR_NUMERIC when it does not converge. */
cepman_status cep_linalg_hermitian(cepman_context *ctx, size_t n, bool is_complex, double *a, double *values);
/* QR in place: the n rows of `length` (length >= n) become orthonormal, each spanning with those before it
 * what it spanned before. */
cepman_status cep_linalg_orthonormalise_rows(cepman_context *ctx, size_t n, size_t length, double *a,
                                             size_t stride);
/* Thin QR in place: the columns of a (rows x n, rows >= n, row-major) become orthonormal. */
cepman_status cep_linalg_orthonormalise(cepman_context *ctx, size_t rows, size_t n, double *a, size_t stride);

#endif
