/* UMAP: uniform manifold approximation and projection (McInnes, Healy, Melville 2018, arXiv:1802.03426), with the
 * parameter names, defaults and conventions of the reference implementation, reproducible by seed for any number
 * of threads. */
#ifndef CEPMAN_UMAP_H
#define CEPMAN_UMAP_H

#include <cepman/matrix.h>
#include <cepman/neighbors.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* A fitted embedding and what it came from. Opaque, immutable, reference-counted. */
typedef struct cepman_umap cepman_umap;

/* Options, kind "umap" (default; range):
 *   neighbors (15; 2 to 10000; counts the point itself as the reference does), dims (3; 1 to 64), min-dist (0.1;
 *   0 to spread, units of the embedding), spread (1.0; 1e-3 to 1000), epochs (0: 500 up to 10,000 points, else 200; 0
 *   to 1e6), learning-rate (1.0; 1e-6 to 1000), set-op-mix-ratio (1.0; 0 to 1), local-connectivity (1.0; 0 to 10000),
 *   repulsion-strength (1.0; 0 to 1000), negative-sample-rate (5; 0 to 1000), init (spectral|pca|random), metric
 *   (euclidean|cosine), method (auto|exact|approximate; how neighbours are found), a, b (auto: fitted from min-dist and
 *   spread; set both or neither), seed (42) */
CEPMAN_API cepman_status cepman_umap_options_create(cepman_options **out, cepman_context *context);
/* Fits. The model keeps a reference to the matrix. n = 0 gives an empty embedding, n = 1 one point at the origin; with
 * n <= neighbors, neighbors is lowered to n. Duplicates, equal points and graphs in pieces give finite embeddings.
 * The same bits for any number of threads. Cost besides neighbours: about n * neighbors * epochs steps, 0.7 kB a point.
 * Stages of progress: "neighbors", "fuzzy graph", "spectral start", "layout".
 * Errors: ARGUMENT, OPTION (of another kind), DATA (non-finite row, named), RANGE (min-dist above spread; a without b),
 * MEMORY, LIMIT, NUMERIC, CANCELLED. */
CEPMAN_API cepman_status cepman_umap_fit(cepman_umap **out, cepman_context *context, cepman_matrix *matrix,
                                         const cepman_options *options);
/* The same on a graph that exists. matrix may be NULL unless init is pca. The graph's k replaces `neighbors`.
 * Also SHAPE: a matrix of another number of rows than the graph. */
CEPMAN_API cepman_status cepman_umap_fit_graph(cepman_umap **out, cepman_context *context,
                                               cepman_matrix *matrix, cepman_neighbors *neighbors,
                                               const cepman_options *options);
CEPMAN_API cepman_umap *cepman_umap_ref(cepman_umap *umap);
CEPMAN_API void cepman_umap_unref(cepman_umap *umap);

/* n rows of dims. Belongs to the model: take a reference to keep it. */
CEPMAN_API cepman_matrix *cepman_umap_embedding(const cepman_umap *umap);
/* The neighbour graph that was used. Belongs to the model. */
CEPMAN_API cepman_neighbors *cepman_umap_neighbors(const cepman_umap *umap);
/* The curve 1 / (1 + a d^(2b)). */
CEPMAN_API void cepman_umap_curve(const cepman_umap *umap, double *a, double *b);
CEPMAN_API size_t cepman_umap_epochs(const cepman_umap *umap);
/* The fuzzy simplicial set, symmetric, compressed rows: n + 1 starts, columns ascending, weights in (0, 1]. */
CEPMAN_API const size_t *cepman_umap_graph_starts(const cepman_umap *umap);
CEPMAN_API const int32_t *cepman_umap_graph_columns(const cepman_umap *umap);
CEPMAN_API const float *cepman_umap_graph_weights(const cepman_umap *umap);

CEPMAN_END

#endif
