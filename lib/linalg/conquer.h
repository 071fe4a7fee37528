/* Many eigenvectors of a tridiagonal matrix, for tridiagonal.c. */
#ifndef CEP_CONQUER_H
#define CEP_CONQUER_H

#include "base.h"

/* Eigenpairs first .. last (from 0, ascending) of the symmetric tridiagonal n x n matrix with diagonal d and, beside it,
 * e (n - 1 numbers); both are destroyed. values: last - first + 1; vectors: rows of n, orthonormal. Takes some n * n
 * numbers of memory beside. CANCELLED, MEMORY, LIMIT, NUMERIC. */
cepman_status cep_conquer(cepman_context *ctx, size_t n, double *d, double *e, size_t first, size_t last,
                          double *values, double *vectors);

#endif
