/* Gaussian mixtures: soft clusters of their own shape (Dempster, Laird, Rubin 1977; Bishop 2006, chapter 9). */
#ifndef CEPMAN_MIXTURE_H
#define CEPMAN_MIXTURE_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* Immutable, atomically reference-counted, shareable between threads. */
typedef struct cepman_mixture cepman_mixture;

/* Options, kind "mixture": k integer, components (default 3); covariance "full" or "diagonal" (full); n-init integer,
 * starts of the K-means that the fit starts from (10); max-iterations integer (100); tol real, the fit ends when the mean log
 * likelihood of a row changes by less (1e-3); regularisation real, added to the diagonal of every covariance, in squared
 * units of the data (1e-6); seed integer. */
CEPMAN_API cepman_status cepman_mixture_options_create(cepman_options **out, cepman_context *context);
/* matrix: n x d. start: n labels to start from, below 0: of no component; NULL: those of K-means. They stand for k when k
 * is not set. A covariance that is singular even so (constant columns, duplicates, fewer rows than columns) gets a
 * larger term, ten times at a time. Cost of an iteration: O(n k d^2) full, O(n k d) diagonal; memory O(n k + k d^2).
 * Errors: ARGUMENT, OPTION (of another kind), RANGE (k > n, labels of k or more), SHAPE (labels and rows differ in
 * number), DATA (non-finite row, named; no label at all), NUMERIC (covariances cannot be represented), MEMORY, LIMIT,
 * CANCELLED. */
CEPMAN_API cepman_status cepman_mixture_fit(cepman_mixture **out, cepman_context *context,
                                            const cepman_matrix *matrix, const cepman_labels *start,
                                            const cepman_options *options);
CEPMAN_API cepman_mixture *cepman_mixture_ref(cepman_mixture *mixture);
CEPMAN_API void cepman_mixture_unref(cepman_mixture *mixture);

/* The component of the largest responsibility of each row, ties to the lower. Belongs to the model. */
CEPMAN_API cepman_labels *cepman_mixture_labels(const cepman_mixture *mixture);
/* n x k: probability that a row is of a component, given the row; each row adds up to 1. Belongs to the model. */
CEPMAN_API const double *cepman_mixture_responsibilities(const cepman_mixture *mixture);
CEPMAN_API size_t cepman_mixture_components(const cepman_mixture *mixture);
CEPMAN_API size_t cepman_mixture_columns(const cepman_mixture *mixture);
/* k weights that add up to 1; k x d means; k x d x d covariances, or k x d variances when diagonal. */
CEPMAN_API const double *cepman_mixture_weights(const cepman_mixture *mixture);
CEPMAN_API const double *cepman_mixture_means(const cepman_mixture *mixture);
CEPMAN_API const double *cepman_mixture_covariances(const cepman_mixture *mixture);
CEPMAN_API int cepman_mixture_diagonal(const cepman_mixture *mixture);
/* Mean log likelihood of a row (natural logarithm), and those of each iteration (cepman_mixture_iterations() of them). */
CEPMAN_API double cepman_mixture_log_likelihood(const cepman_mixture *mixture);
CEPMAN_API const double *cepman_mixture_history(const cepman_mixture *mixture);
CEPMAN_API size_t cepman_mixture_iterations(const cepman_mixture *mixture);
CEPMAN_API int cepman_mixture_converged(const cepman_mixture *mixture);
/* Schwarz's and Akaike's criterion of the fitted rows, lower is better: -2 log L + p log n, -2 log L + 2 p with p free
 * parameters (Schwarz 1978; Akaike 1974). */
CEPMAN_API double cepman_mixture_bic(const cepman_mixture *mixture);
CEPMAN_API double cepman_mixture_aic(const cepman_mixture *mixture);

/* New rows. responsibilities: NULL, or room for rows x k; densities: NULL, or room for the log density of each row.
 * Errors: ARGUMENT, SHAPE (columns), DATA (non-finite row, named), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_mixture_apply(cepman_labels **out, double *responsibilities,
                                              double *densities, cepman_context *context,
                                              const cepman_mixture *mixture, const cepman_matrix *matrix);

CEPMAN_END

#endif
