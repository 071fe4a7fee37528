/* Small symmetric eigenproblems, for linalg.c. */
#ifndef CEP_JACOBI_H
#define CEP_JACOBI_H

#include "base.h"

/* The lower triangle of a (n x n, destroyed) on entry; on return its diagonal holds the eigenvalues, unsorted, and row
 * i of vectors (n x n) the eigenvector of a[i * n + i]. False when it did not converge. */
bool cep_jacobi(size_t n, double *a, double *vectors);

#endif
