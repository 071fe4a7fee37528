/* Principal components of a matrix. */
#ifndef CEPMAN_PCA_H
#define CEPMAN_PCA_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

typedef struct cepman_pca cepman_pca;

/* Options, kind "pca":
 *   components  integer or auto, default 50: how many, at most min(n, d) are made. auto (or 0): those above the
 *               noise floor by the singular-value threshold of Gavish and Donoho (IEEE Trans. Inf. Theory 60, 5040)
 *   whiten      flag, default false: scores have unit variance */
CEPMAN_API cepman_status cepman_pca_options_create(cepman_options **out, cepman_context *context);
/* Fits n >= 2 finite rows of d features. Signs: the largest loading of a component is positive. Relative error of
 * a variance below 1e-4 (usually 1e-8 and less), tested by residuals; the same bits for any number of the
 * context's threads. Cost: n * d * min(n, d) for min(n, d) <= 6000, about n * d * components beyond; memory:
 * 8 min(n, d)^2 bytes, beyond 6000 about 40 * d * components.
 * Cancelling: between blocks of rows; the eigenvalue solver itself (a second at min(n, d) = 2000) runs to its end.
 * Errors: ARGUMENT, OPTION, DATA (a row that is not finite, named), SHAPE (one row), MEMORY, LIMIT, NUMERIC,
 * CANCELLED. */
CEPMAN_API cepman_status cepman_pca_fit(cepman_pca **out, cepman_context *context,
                                        const cepman_matrix *matrix, const cepman_options *options);
/* Shared by count; NULL is allowed. */
CEPMAN_API cepman_pca *cepman_pca_ref(cepman_pca *pca);
CEPMAN_API void cepman_pca_unref(cepman_pca *pca);

CEPMAN_API size_t cepman_pca_components_count(const cepman_pca *pca);
CEPMAN_API size_t cepman_pca_features(const cepman_pca *pca);
/* d means; a unit row of d per component (NULL beyond the last); variance (n - 1 in the denominator) per component,
 * descending; and the total variance of all features. All valid as long as the handle. */
CEPMAN_API const double *cepman_pca_mean(const cepman_pca *pca);
CEPMAN_API const double *cepman_pca_component(const cepman_pca *pca, size_t component);
CEPMAN_API const double *cepman_pca_variance(const cepman_pca *pca);
CEPMAN_API double cepman_pca_total_variance(const cepman_pca *pca);

/* Scores of rows (n x components), and rows back from scores (n x d; what the components left out is lost).
 * Errors: ARGUMENT, SHAPE (columns), DATA (a row that is not finite, named), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_pca_apply(cepman_matrix **out, cepman_context *context, const cepman_pca *pca,
                                          const cepman_matrix *matrix);
CEPMAN_API cepman_status cepman_pca_invert(cepman_matrix **out, cepman_context *context,
                                           const cepman_pca *pca, const cepman_matrix *scores);

CEPMAN_END

#endif
