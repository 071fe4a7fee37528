/* Rows by pointer, so that whole matrices and selections of rows look the same, and exact distances. */
#ifndef CEP_CLUSTER_POINTS_H
#define CEP_CLUSTER_POINTS_H

#include "matrix.h"

typedef struct cep_points {
    cep_memory *mem;
    size_t n, d;
    const float **row;
    uint32_t *index; /* number of each point's row in the matrix; NULL: the same */
} cep_points;

/* All rows; CEPMAN_ERR_DATA names the first one that is not finite. At most 2^31 - 2 rows. */
cepman_status cep_points_all(cep_points *points, cepman_context *ctx, const cepman_matrix *matrix,
                             const char *what);
/* The finite rows. */
cepman_status cep_points_finite(cep_points *points, cepman_context *ctx, const cepman_matrix *matrix,
                                const char *what);
void cep_points_clear(cep_points *points);

/* Squared distance in double, summed in the order of the features. */
static inline double cep_squared(const float *a, const float *b, size_t d)
{
    double s = 0;
    for (size_t j = 0; j < d; j++) {
        double e = (double)a[j] - (double)b[j];
        s += e * e;
    }
    return s;
}
/* The same in eight partial sums: faster where the order need not be that of a reference. */
double cep_squared_fast(const float *a, const float *b, size_t d);

#endif
