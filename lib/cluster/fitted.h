/* The points of a fit, ready to be asked for the nearest ones. */
#ifndef CEP_CLUSTER_FITTED_H
#define CEP_CLUSTER_FITTED_H

#include "flat.h"
#include "nearest.h"

typedef struct cep_fitted {
    cep_memory *mem;
    cep_points points;
    cep_nearest nearest;
    float *rows; /* what the matrix held, when this may be kept; else NULL */
} cep_fitted;

/* The points of the tree, as rows of the fitted matrix. */
cepman_status cep_fitted_points(cep_points *points, cepman_context *ctx, const cepman_hdbscan *h,
                                const cepman_matrix *fitted, const char *what);
/* The rows of `fitted` that the tree was built from. What is found by a tree is kept by the clustering and serves all later
 * calls, on any thread, for a matrix of the same numbers. Errors: DATA (other rows are finite), MEMORY, LIMIT, CANCELLED. */
cepman_status cep_fitted_get(cep_fitted **out, cepman_context *ctx, const cepman_hdbscan *h,
                             const cepman_matrix *fitted, const char *what);
/* Frees what is not kept. */
void cep_fitted_put(const cepman_hdbscan *h, cep_fitted *f);
void cep_fitted_free(cep_fitted *f);

#endif
