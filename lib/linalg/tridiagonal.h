/* Large symmetric eigenproblems that may be cancelled, for linalg.c. */
#ifndef CEP_TRIDIAGONAL_H
#define CEP_TRIDIAGONAL_H

#include "base.h"

/* Multiply-adds between two polls: some 30 ms of one slow thread. */
#define CEP_LINALG_STEP 300000000.0

/* Eigenvalues first .. last (from 0, ascending) of the symmetric n x n matrix a (row-major, lower triangle, destroyed,
 * n >= 2, entries whose squares are finite and not 0 for the largest), and their eigenvectors as rows of n, unless vectors
 * is NULL. CANCELLED, MEMORY, LIMIT, NUMERIC. */
cepman_status cep_tridiagonal_eigen(cepman_context *ctx, size_t n, double *a, size_t first, size_t last,
                                    double *values, double *vectors);

#endif
