/* The components of a Gaussian mixture while they are fitted and used. */
#ifndef CEP_CLUSTER_GAUSSIAN_H
#define CEP_CLUSTER_GAUSSIAN_H

#include "exec.h"
#include "points.h"

typedef struct cep_gaussian {
    cep_memory *mem;
    size_t k, d;
    bool diagonal;
    double *weight, *mean, *covariance; /* k, k x d, k x d x d or k x d */
    double *factor;   /* per component: rows of the Cholesky factor's transpose, or 1 / deviation */
    double *constant; /* log weight - d / 2 log 2 pi - log det / 2 */
} cep_gaussian;

cepman_status cep_gaussian_create(cep_gaussian *g, cepman_context *ctx, size_t k, size_t d, bool diagonal);
void cep_gaussian_clear(cep_gaussian *g);
static inline size_t cep_gaussian_cells(const cep_gaussian *g)
{
    return g->diagonal ? g->d : g->d * g->d;
}

/* E-step. share: k x n, the responsibilities (component by component); density: n log densities, may be NULL;
 * *mean: their mean. */
cepman_status cep_gaussian_expect(const cep_gaussian *g, cepman_context *ctx, const cep_points *points,
                                  double *share, double *density, double *mean);
/* M-step from k x n shares. A component without rows keeps what it has. term: what is added to the diagonals; least:
 * what it is at least where a covariance is singular. */
cepman_status cep_gaussian_maximise(cep_gaussian *g, cepman_context *ctx, const cep_points *points,
                                    const double *share, double term, double least);

#endif
