/* Labelled points with their clusters' means: what indices of a clustering by itself start from. */
#ifndef CEP_CLUSTER_GROUPS_H
#define CEP_CLUSTER_GROUPS_H

#include "exec.h"
#include "matrix.h"

typedef struct cep_groups {
    cepman_context *ctx;
    cep_memory *mem;
    size_t n, d, k; /* labelled points, features, clusters that have points */
    const float **row;
    uint32_t *origin; /* row of the matrix */
    uint32_t *group;  /* 0 .. k-1 */
    size_t *size;
    double *mean; /* k x d */
} cep_groups;

/* Points with a label of at least 0; sample > 0: so many of them at random. */
cepman_status cep_groups_collect(cep_groups *g, cepman_context *ctx, const cepman_matrix *matrix,
                                 const cepman_labels *labels, size_t sample, uint64_t seed, const char *what);
void cep_groups_clear(cep_groups *g);

/* Squared distance of a point to a mean, in double. */
static inline double cep_groups_squared(const float *x, const double *mean, size_t d)
{
    double s = 0;
    for (size_t j = 0; j < d; j++) {
        double e = (double)x[j] - mean[j];
        s += e * e;
    }
    return s;
}

#endif
