/* k-nearest-neighbour graphs. */
#ifndef CEPMAN_NEIGHBORS_H
#define CEPMAN_NEIGHBORS_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* For each of n rows, k other rows, nearest first; ties by the smaller index. A row is never its own neighbour. */
typedef struct cepman_neighbors cepman_neighbors;

/* Options, kind "neighbors":
 *   k        integer (default 15); k is lowered to n - 1, which the graph tells
 *   metric   choice  euclidean|cosine
 *   method   choice  auto|exact|approximate
 *   seed     integer */
CEPMAN_API cepman_status cepman_neighbors_options_create(cepman_options **out, cepman_context *context);
/* Errors: DATA (non-finite row, named), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_neighbors_build(cepman_neighbors **out, cepman_context *context,
                                                const cepman_matrix *matrix, const cepman_options *options);
/* A graph of the caller's: n * k indices (each below n, not the row itself, not repeated in a row) and distances
 * (>= 0, ascending in a row). Copied. */
CEPMAN_API cepman_status cepman_neighbors_copy(cepman_neighbors **out, cepman_context *context, size_t n, size_t k,
                                               const int32_t *indices, const float *distances);
CEPMAN_API cepman_neighbors *cepman_neighbors_ref(cepman_neighbors *neighbors);
CEPMAN_API void cepman_neighbors_unref(cepman_neighbors *neighbors);

CEPMAN_API size_t cepman_neighbors_count(const cepman_neighbors *neighbors); /* n */
CEPMAN_API size_t cepman_neighbors_k(const cepman_neighbors *neighbors);
/* n rows of k. */
CEPMAN_API const int32_t *cepman_neighbors_indices(const cepman_neighbors *neighbors);
CEPMAN_API const float *cepman_neighbors_distances(const cepman_neighbors *neighbors);
/* "exact", "tree", "approximate" or "given": what was used. Static. */
CEPMAN_API const char *cepman_neighbors_method(const cepman_neighbors *neighbors);
/* Fraction of true neighbours found, estimated on a sample of rows; 1 for exact methods. */
CEPMAN_API double cepman_neighbors_recall(const cepman_neighbors *neighbors);

CEPMAN_END

#endif
