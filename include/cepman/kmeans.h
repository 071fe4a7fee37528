/* K-means: Lloyd's algorithm from greedy k-means++ (Arthur and Vassilvitskii 2007) or given centres. */
#ifndef CEPMAN_KMEANS_H
#define CEPMAN_KMEANS_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* A fitted K-means: labels, centres, inertia. Opaque, immutable, reference-counted. */
typedef struct cepman_kmeans cepman_kmeans;

/* Options, kind "kmeans": k integer (default 8); n-init integer (default 10; 1 with given centres);
 * max-iterations integer (300); tol real (1e-4, times the mean variance of the features); seed integer. */
CEPMAN_API cepman_status cepman_kmeans_options_create(cepman_options **out, cepman_context *context);
/* centres: k x d to start from (their rows are k when k is not set), or NULL for k-means++. weights: n doubles >= 0 or
 * NULL. Errors: ARGUMENT, OPTION (of another kind), RANGE (k > n), DATA (non-finite row, centre or weight, named),
 * SHAPE (of the centres), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_kmeans_fit(cepman_kmeans **out, cepman_context *context,
                                           const cepman_matrix *matrix, const cepman_matrix *centres,
                                           const double *weights, const cepman_options *options);
CEPMAN_API cepman_kmeans *cepman_kmeans_ref(cepman_kmeans *kmeans);
CEPMAN_API void cepman_kmeans_unref(cepman_kmeans *kmeans);

/* Belong to the model. Labels: NULL for the model of a stream, which keeps no rows. */
CEPMAN_API cepman_labels *cepman_kmeans_labels(const cepman_kmeans *kmeans);
CEPMAN_API cepman_matrix *cepman_kmeans_centres(const cepman_kmeans *kmeans);
/* Sum of squared distances to the nearest centre (weighted). */
CEPMAN_API double cepman_kmeans_inertia(const cepman_kmeans *kmeans);
CEPMAN_API size_t cepman_kmeans_iterations(const cepman_kmeans *kmeans);
/* cepman_kmeans_iterations() numbers: the inertia of the labels that each iteration found, about the centres it found them
 * with. The last one is never below cepman_kmeans_inertia(). Belongs to the model. */
CEPMAN_API const double *cepman_kmeans_history(const cepman_kmeans *kmeans);
CEPMAN_API int cepman_kmeans_converged(const cepman_kmeans *kmeans);
/* Nearest centre of each row; ties go to the lower number. Errors: ARGUMENT, SHAPE (columns), DATA (non-finite row,
 * named), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_kmeans_apply(cepman_labels **out, cepman_context *context,
                                             const cepman_kmeans *kmeans, const cepman_matrix *matrix);

/* ---- data that do not fit ---------------------------------------------------------------------------------------- */

/* Mini-batch K-means (Sculley 2010): rows come in blocks of any size and are not kept; the result depends on the order
 * of the rows, not on how they were cut into blocks. Used by one thread at a time. */
typedef struct cepman_kmeans_stream cepman_kmeans_stream;

/* Options, kind "kmeans-stream": k integer (default 8); batch integer, rows of a step (1024); start-rows integer, the
 * rows gathered before the first step, which K-means itself makes the first centres of (auto: the larger of 3 batch
 * and 10 k; none with given centres); n-init integer, starts of that K-means (3); reassignment real, 0 to 1 (0): a
 * centre that has had at most this fraction of the largest centre's weight is put on a row of the batch by chance, at
 * the earliest 10 k rows after the last time (scikit-learn's is 0.01, which gives small clusters up); seed integer. */
CEPMAN_API cepman_status cepman_kmeans_stream_options_create(cepman_options **out, cepman_context *context);
/* columns: features, at least 1. centres: k x columns to start from, or NULL. Errors: ARGUMENT, OPTION, RANGE, SHAPE
 * (of the centres), DATA (non-finite centre), MEMORY, LIMIT. */
CEPMAN_API cepman_status cepman_kmeans_stream_create(cepman_kmeans_stream **out, cepman_context *context,
                                                     size_t columns, const cepman_matrix *centres,
                                                     const cepman_options *options);
CEPMAN_API void cepman_kmeans_stream_unref(cepman_kmeans_stream *stream);
/* The next rows. weights: one per row, >= 0, or NULL. Errors: ARGUMENT, SHAPE (columns), DATA (non-finite row or
 * weight, named: no row was taken), MEMORY, LIMIT, CANCELLED. After the last three the rows up to
 * cepman_kmeans_stream_rows() are taken, and the call may be repeated with those that follow. */
CEPMAN_API cepman_status cepman_kmeans_stream_add(cepman_kmeans_stream *stream, cepman_context *context,
                                                  const cepman_matrix *matrix, const double *weights);
/* Rows taken so far. */
CEPMAN_API uint64_t cepman_kmeans_stream_rows(const cepman_kmeans_stream *stream);
/* The model of the rows so far; the stream is unchanged and may go on. The model's inertia is the sum of the rows'
 * squared distances to their centres when they passed, its history that sum step by step. Errors: ARGUMENT, RANGE (fewer
 * rows than k), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_kmeans_stream_model(cepman_kmeans **out, cepman_context *context,
                                                    const cepman_kmeans_stream *stream);

CEPMAN_END

#endif
