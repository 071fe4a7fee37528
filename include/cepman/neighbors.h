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
 *   metric   euclidean (default): square root of the sum of squared differences
 *            cosine: 1 - cosine of the angle; a zero row is at 1 from every other row, at 0 from other zero rows
 *            correlation: 1 - Pearson's correlation, the cosine of rows less their own means (constant rows are zero
 *              rows); the centred rows, rounded to float32, are a copy of rows * columns * 4 bytes
 *   method   auto (default): a k-d tree for at most 8 columns (Euclidean); else exact while rows^2 * columns is at
 *              most 5e10, else approximate
 *            exact: k-d tree, or blocks of products (float32, only to rule pairs out) and float64 distances for the
 *              rest; memory about rows * (columns + 6 k + 80) * 4 bytes
 *            approximate: a forest of random-projection trees (Dasgupta and Freund 2008) on principal axes, passes
 *              over neighbours of neighbours (Dong, Moses and Li 2011), float64 distances for the candidates; memory
 *              about rows * (210 + 5 k) * 4 bytes, more when it widens. Exact instead for few columns as above, below 1000 rows or 8 k
 *              rows, for values beyond 1e15 or all below 1e-12, and when `recall` cannot be reached.
 *   recall   real 0.5 .. 1 (default 0.98): approximate widens its search until it finds this fraction of the true
 *            neighbours of 96 sampled rows; 1 is exact
 *   seed     integer (default 42) of approximate's trees, axes and sample
 * Distances are float64 sums rounded to float32. exact gives the same bits at every CPU level; approximate at any
 * number of threads of one CPU level. */
CEPMAN_API cepman_status cepman_neighbors_options_create(cepman_options **out, cepman_context *context);
/* matrix: float32, or float16, which is widened first (a copy of rows * columns * 4 bytes). A graph is made of finite
 * rows only. options: NULL for the defaults. Errors: ARGUMENT, RANGE (more than 2^31 - 1 rows), OPTION (of another kind), DATA
 * (a value that is not finite: row and column are named), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_neighbors_build(cepman_neighbors **out, cepman_context *context,
                                                const cepman_matrix *matrix, const cepman_options *options);
/* Most bytes that cepman_neighbors_build() takes beside the matrix, the graph included, for so many rows and columns
 * (type: F32 or F16), with the context's threads: what a memory limit must leave room for. It is the need of the
 * method that is tried first; where approximate falls short of `recall` it widens, and may end up exact.
 * Errors: ARGUMENT, RANGE, OPTION, MEMORY. */
CEPMAN_API cepman_status cepman_neighbors_memory(size_t *bytes, cepman_context *context, size_t rows,
                                                 size_t columns, cepman_type type,
                                                 const cepman_options *options);
/* A graph of the caller's: n * k indices (each below n, not the row itself, not repeated in a row) and distances
 * (>= 0, ascending in a row), k below n. Copied. Errors: ARGUMENT, RANGE, DATA (row and place are named), MEMORY,
 * LIMIT. Its recall is told as 1. */
CEPMAN_API cepman_status cepman_neighbors_copy(cepman_neighbors **out, cepman_context *context, size_t n,
                                               size_t k, const int32_t *indices, const float *distances);
CEPMAN_API cepman_neighbors *cepman_neighbors_ref(cepman_neighbors *neighbors);
CEPMAN_API void cepman_neighbors_unref(cepman_neighbors *neighbors);

CEPMAN_API size_t cepman_neighbors_count(const cepman_neighbors *neighbors); /* n */
CEPMAN_API size_t cepman_neighbors_k(const cepman_neighbors *neighbors);     /* neighbours of each row */
/* n rows of k. */
CEPMAN_API const int32_t *cepman_neighbors_indices(const cepman_neighbors *neighbors);
CEPMAN_API const float *cepman_neighbors_distances(const cepman_neighbors *neighbors);
/* "exact", "tree" (exact too), "approximate" or "given": what was used. Static. */
CEPMAN_API const char *cepman_neighbors_method(const cepman_neighbors *neighbors);
/* Fraction of true neighbours found, estimated on a sample of rows; 1 for exact methods. */
CEPMAN_API double cepman_neighbors_recall(const cepman_neighbors *neighbors);

/* Rows that new rows are compared with. Immutable once made, atomically reference-counted; any number of threads may
 * query it at a time, each with a context of its own. */
typedef struct cepman_neighbors_index cepman_neighbors_index;

/* An index of a matrix's rows (float32 or float16), which it keeps a reference to. options: kind "neighbors", NULL for the defaults; k is
 * lowered to n.
 *   auto         a k-d tree for at most 8 columns (Euclidean); else exact while rows * columns is at most 4e6, else
 *                approximate
 *   exact        each query looks at every row; nothing beside the rows (correlation: their centred copy)
 *   approximate  an inverted file (Jegou, Douze and Schmid 2011) of the rows on principal axes: the nearest cells'
 *                rows are estimated there, the best are ranked by float64 distances in all columns. 96 of the
 *                index's own rows are asked first, and as many cells, candidates and axes are taken as `recall`
 *                needs; exact when that is out of reach. Memory about rows * 400 bytes (1100 when it widens), twice that
 *                while it is made.
 * Errors: as cepman_neighbors_build(). */
CEPMAN_API cepman_status cepman_neighbors_index_create(cepman_neighbors_index **out, cepman_context *context,
                                                       cepman_matrix *matrix, const cepman_options *options);
/* The k nearest rows of the index for each row of `rows`, nearest first, ties by the smaller index: indices and
 * distances have room for rows * k. A row that is also in the index finds itself, at distance 0. Each row's answer is
 * the same whatever rows are asked with it. Errors: ARGUMENT, SHAPE (columns differ), DATA (a value that is not
 * finite), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_neighbors_index_query(const cepman_neighbors_index *index,
                                                      cepman_context *context, const cepman_matrix *rows,
                                                      int32_t *indices, float *distances);
CEPMAN_API cepman_neighbors_index *cepman_neighbors_index_ref(cepman_neighbors_index *index);
CEPMAN_API void cepman_neighbors_index_unref(cepman_neighbors_index *index);

/* Rows of the index, their columns, and the neighbours a query gives at most. */
CEPMAN_API size_t cepman_neighbors_index_count(const cepman_neighbors_index *index);
CEPMAN_API size_t cepman_neighbors_index_columns(const cepman_neighbors_index *index);
CEPMAN_API size_t cepman_neighbors_index_k(const cepman_neighbors_index *index);
/* "exact", "tree" (exact too) or "approximate". Static. */
CEPMAN_API const char *cepman_neighbors_index_method(const cepman_neighbors_index *index);
/* Fraction of true neighbours found for a sample of the index's own rows; 1 for exact methods. */
CEPMAN_API double cepman_neighbors_index_recall(const cepman_neighbors_index *index);

CEPMAN_END

#endif
