/* Principal components of a matrix. */
#ifndef CEPMAN_PCA_H
#define CEPMAN_PCA_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

typedef struct cepman_pca cepman_pca;

/* Options, kind "pca": components integer (default 50, at most min(n, d) are made); whiten flag. */
CEPMAN_API cepman_status cepman_pca_options_create(cepman_options **out, cepman_context *context);
/* Fits. n >= 2 finite rows. Signs: the largest loading of a component is positive.
 * Errors: DATA (non-finite row, named), SHAPE, MEMORY, LIMIT, NUMERIC. */
CEPMAN_API cepman_status cepman_pca_fit(cepman_pca **out, cepman_context *context, const cepman_matrix *matrix,
                                        const cepman_options *options);
CEPMAN_API cepman_pca *cepman_pca_ref(cepman_pca *pca);
CEPMAN_API void cepman_pca_unref(cepman_pca *pca);

CEPMAN_API size_t cepman_pca_components_count(const cepman_pca *pca);
CEPMAN_API size_t cepman_pca_features(const cepman_pca *pca);
/* d means; one row of d per component; variance (n - 1 in the denominator) per component, descending; and the
 * total variance of all features. */
CEPMAN_API const double *cepman_pca_mean(const cepman_pca *pca);
CEPMAN_API const double *cepman_pca_component(const cepman_pca *pca, size_t component);
CEPMAN_API const double *cepman_pca_variance(const cepman_pca *pca);
CEPMAN_API double cepman_pca_total_variance(const cepman_pca *pca);

/* Scores of rows (n x components), and rows back from scores. */
CEPMAN_API cepman_status cepman_pca_apply(cepman_matrix **out, cepman_context *context, const cepman_pca *pca,
                                          const cepman_matrix *matrix);
CEPMAN_API cepman_status cepman_pca_invert(cepman_matrix **out, cepman_context *context, const cepman_pca *pca,
                                           const cepman_matrix *scores);

CEPMAN_END

#endif
