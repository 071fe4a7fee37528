/* K-means: Lloyd's algorithm from greedy k-means++ (Arthur and Vassilvitskii 2007) or given centres. */
#ifndef CEPMAN_KMEANS_H
#define CEPMAN_KMEANS_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

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

/* Belong to the model. */
CEPMAN_API cepman_labels *cepman_kmeans_labels(const cepman_kmeans *kmeans);
CEPMAN_API cepman_matrix *cepman_kmeans_centres(const cepman_kmeans *kmeans);
/* Sum of squared distances to the nearest centre (weighted). */
CEPMAN_API double cepman_kmeans_inertia(const cepman_kmeans *kmeans);
CEPMAN_API size_t cepman_kmeans_iterations(const cepman_kmeans *kmeans);
CEPMAN_API int cepman_kmeans_converged(const cepman_kmeans *kmeans);
/* Nearest centre of each row; ties go to the lower number. Errors: ARGUMENT, SHAPE (columns), DATA (non-finite row,
 * named), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_kmeans_apply(cepman_labels **out, cepman_context *context,
                                             const cepman_kmeans *kmeans, const cepman_matrix *matrix);

CEPMAN_END

#endif
