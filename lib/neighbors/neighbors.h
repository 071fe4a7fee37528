/* Door of neighbors/: graphs made from inside. Finding neighbours goes through the public cepman_neighbors_build(). */
#ifndef CEP_NEIGHBORS_H
#define CEP_NEIGHBORS_H

#include <cepman/neighbors.h>

#include "base.h"

/* A graph of n rows of k, method "exact", recall 1. *indices and *distances (n * k) are writable until the graph is
 * handed out. */
cepman_status cep_neighbors_create(cepman_neighbors **out, cepman_context *ctx, size_t n, size_t k,
                                   int32_t **indices, float **distances);

#endif
