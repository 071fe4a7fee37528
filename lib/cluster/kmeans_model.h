/* What a fitted K-means model holds, however it was fitted. */
#ifndef CEP_CLUSTER_KMEANS_MODEL_H
#define CEP_CLUSTER_KMEANS_MODEL_H

#include <cepman/kmeans.h>

#include "lloyd.h"

struct cepman_kmeans {
    cep_refs refs;
    cep_memory *mem;
    cepman_labels *labels; /* NULL: the rows were not kept */
    cepman_matrix *centres;
    double *history; /* iterations */
    double inertia;
    size_t iterations;
    bool converged;
};

/* A model of k centres x d, which are at *centres, `*stride` floats apart, to be filled; labels NULL. history, may be
 * NULL: `iterations` numbers to copy. */
cepman_status cep_kmeans_model(cepman_kmeans **out, cepman_context *ctx, size_t k, size_t d,
                               size_t iterations, const double *history, float **centres, size_t *stride);

#endif
