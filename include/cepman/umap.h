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
 *   (euclidean|cosine|correlation), method (auto|exact|approximate; how neighbours are found), disconnection-distance
 *   (auto: none; 0 to 1e38, units of the metric: neighbours at it or beyond are none), target-weight (0.5; 0 to 1; with
 *   labels alone), a, b (auto: fitted from min-dist and spread; set both or neither), seed (42) */
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
/* The general form. matrix or neighbors may be NULL, not both (as above).
 * target: NULL, or n labels that the embedding shall keep apart (supervised UMAP); below 0 is unknown. An edge between
 *   labels loses exp(-2.5 / (1 - target-weight)) of its membership, one of an unknown label exp(-1); then the
 *   connectivity of each point is restored. Not kept: the target is gone when new points are placed.
 * start: NULL, or n rows of dims, finite, in place of `init`; each dimension is scaled to 0 .. 10.
 * Points without a neighbour nearer than disconnection-distance get rows of NaN and take no part.
 * Errors beside those above: SHAPE (labels or start do not fit), DATA (a start that is not finite), ARGUMENT (init as
 * well as a start, target-weight without labels). */
CEPMAN_API cepman_status cepman_umap_fit_given(cepman_umap **out, cepman_context *context,
                                               cepman_matrix *matrix, cepman_neighbors *neighbors,
                                               const cepman_labels *target, cepman_matrix *start,
                                               const cepman_options *options);
/* A model of an embedding that exists, made elsewhere or by a fit in another process: what fit_given() would give, with
 * this embedding in place of a layout, so that new points are placed in it. matrix or neighbors may be NULL, not both
 * (without a matrix nothing can be placed). embedding: n rows of dims (1 to 64), finite, or NaN throughout for points that
 * take no part; kept by reference. options: those of the fit; what concerns the layout alone is not used. Errors:
 * ARGUMENT, OPTION, SHAPE (rows, or dims that is set to another number), DATA, RANGE, MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_umap_from_embedding(cepman_umap **out, cepman_context *context,
                                                    cepman_matrix *matrix, cepman_neighbors *neighbors,
                                                    cepman_matrix *embedding, const cepman_options *options);
CEPMAN_API cepman_umap *cepman_umap_ref(cepman_umap *umap);
CEPMAN_API void cepman_umap_unref(cepman_umap *umap);

/* n rows of dims. Belongs to the model: take a reference to keep it. */
CEPMAN_API cepman_matrix *cepman_umap_embedding(const cepman_umap *umap);
/* The matrix it was fitted to, NULL when that was a graph alone. Belongs to the model. */
CEPMAN_API cepman_matrix *cepman_umap_features(const cepman_umap *umap);
/* The neighbour graph that was used. Belongs to the model. */
CEPMAN_API cepman_neighbors *cepman_umap_neighbors(const cepman_umap *umap);
/* The curve 1 / (1 + a d^(2b)). */
CEPMAN_API void cepman_umap_curve(const cepman_umap *umap, double *a, double *b);
CEPMAN_API size_t cepman_umap_epochs(const cepman_umap *umap);
/* The fuzzy simplicial set, symmetric, compressed rows: n + 1 starts, columns ascending, weights in (0, 1]. */
CEPMAN_API const size_t *cepman_umap_graph_starts(const cepman_umap *umap);
CEPMAN_API const int32_t *cepman_umap_graph_columns(const cepman_umap *umap);
CEPMAN_API const float *cepman_umap_graph_weights(const cepman_umap *umap);

/* Makes what cepman_umap_apply() looks for neighbours with (cepman_neighbors_index_create() of the features, with the
 * fit's metric, method and seed), unless it is there. The first apply does so by itself; call this where the first
 * frame must not wait. Errors: ARGUMENT (a model without features), and those of the index. */
CEPMAN_API cepman_status cepman_umap_prepare(cepman_umap *umap, cepman_context *context);
/* Places the rows of a matrix in a fitted embedding: *out has as many rows, of dims. A row's neighbours are sought in
 * the fitted features; it starts at their weighted mean and moves in 100 passes of the layout at a quarter of the
 * learning rate, while the fitted points stay. A row at distance 0 from a fitted one gets that one's place; a row
 * without a neighbour below disconnection-distance gets NaN. A row's place depends on the row alone, not on the batch
 * or the threads. The model is not changed, and may be applied from several threads, each with its own context.
 * Stages of progress: "query", "placing".
 * Errors: ARGUMENT (also a model without features), SHAPE (columns differ), DATA (a value that is not finite), MEMORY,
 * LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_umap_apply(cepman_matrix **out, cepman_context *context, cepman_umap *umap,
                                           const cepman_matrix *matrix);

/* Writes the whole model, beside the target and renamed: features, embedding, both graphs and what apply needs
 * (docs/formats.md). Errors: ARGUMENT, IO, MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_umap_save(const cepman_umap *umap, cepman_context *context, const char *path);
/* Reads one. It applies to the same bits as the model that was saved; its neighbour graph tells its method as "given".
 * Errors: ARGUMENT, IO, TRUNCATED, FORMAT (no model, a sum that does not match, values that contradict each other),
 * UNSUPPORTED (a newer version), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_umap_load(cepman_umap **out, cepman_context *context, const char *path);

CEPMAN_END

#endif
