/* Principal components of a matrix. */
#ifndef CEPMAN_PCA_H
#define CEPMAN_PCA_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* Fitted principal components. Opaque, immutable, reference-counted. */
typedef struct cepman_pca cepman_pca;
/* Sums of rows that come in blocks and need not be kept. */
typedef struct cepman_pca_accumulator cepman_pca_accumulator;

/* Options, kind "pca":
 *   components  integer or auto, default 50: how many, at most min(n, d) are made. auto (or 0): those above the
 *               noise floor by the singular-value threshold of Gavish and Donoho (IEEE Trans. Inf. Theory 60, 5040)
 *   whiten      flag, default false: scores have unit variance */
CEPMAN_API cepman_status cepman_pca_options_create(cepman_options **out, cepman_context *context);
/* Fits n >= 2 finite rows of d features, float32 or float16, in memory or of a file (read in blocks, about three
 * times). Signs: the largest loading of a component is positive. Relative error of
 * a variance below 1e-4 (usually 1e-6 and less), tested by residuals; the same bits for any number of the
 * context's threads. Cost: n * d * min(n, d) for min(n, d) <= 6000, about n * d * components beyond; memory:
 * 8 min(n, d)^2 bytes, beyond 6000 about 40 * d * components.
 * Cancelling: between blocks of rows and within the eigenvalue solver.
 * Errors: ARGUMENT, OPTION, DATA (a row that is not finite, named), SHAPE (one row), MEMORY, LIMIT, NUMERIC,
 * CANCELLED. */
CEPMAN_API cepman_status cepman_pca_fit(cepman_pca **out, cepman_context *context,
                                        const cepman_matrix *matrix, const cepman_options *options);
/* Components of the caller's, fitted in another process or program: what the functions below tell of a fit, copied.
 * vectors: components rows of `features`, of unit length (checked to 1e-6; that they are orthogonal is not). whiten as in
 * the options. Errors: ARGUMENT, RANGE (components: 1 to features), DATA (a number that no fit gives, named), MEMORY,
 * LIMIT. */
CEPMAN_API cepman_status cepman_pca_copy(cepman_pca **out, cepman_context *context, size_t features,
                                         size_t components, const double *mean, const double *vectors,
                                         const double *variance, double total_variance, int whiten);
/* Shared by count; NULL is allowed. */
CEPMAN_API cepman_pca *cepman_pca_ref(cepman_pca *pca);
CEPMAN_API void cepman_pca_unref(cepman_pca *pca);

/* How many components there are, and features of a row. */
CEPMAN_API size_t cepman_pca_components(const cepman_pca *pca);
CEPMAN_API size_t cepman_pca_features(const cepman_pca *pca);
/* d means; a unit row of d per component (NULL beyond the last); variance (n - 1 in the denominator) per component,
 * descending; and the total variance of all features. All valid as long as the handle. */
CEPMAN_API const double *cepman_pca_mean(const cepman_pca *pca);
CEPMAN_API const double *cepman_pca_component(const cepman_pca *pca, size_t component);
CEPMAN_API const double *cepman_pca_variance(const cepman_pca *pca);
CEPMAN_API double cepman_pca_total_variance(const cepman_pca *pca);

/* Components of rows that are not kept: create, add blocks of rows in their order, finish; then cepman_pca_project()
 * gives the scores of the blocks when they come a second time. The same rows in the same order give the same bits
 * however they are cut, and those of cepman_pca_fit() where that takes float32 sums (docs/method.md). One pass cannot
 * test residuals: a variance is off by less than 1e-6 of the largest one (measured: 1e-8), of the order of 1e-6 of
 * itself for variances above a thousandth of the largest. Cost: n * d^2; memory 12 d^2 bytes and a block of 16 MiB or
 * 2048 d bytes.
 * features: 1 to 65536. stride: floats from row to row, at least features. Adding a row that is not finite is
 * CEPMAN_ERR_DATA and names it by its number among all; after a failed or cancelled add, and after finish, the handle
 * can only be released. finish needs 2 rows (SHAPE); numbers whose products overflow float32 are NUMERIC. */
CEPMAN_API cepman_status cepman_pca_accumulator_create(cepman_pca_accumulator **out, cepman_context *context,
                                                       size_t features);
CEPMAN_API cepman_status cepman_pca_accumulator_add(cepman_pca_accumulator *accumulator,
                                                    cepman_context *context, const float *rows, size_t count,
                                                    size_t stride);
CEPMAN_API size_t cepman_pca_accumulator_rows(const cepman_pca_accumulator *accumulator);
CEPMAN_API cepman_status cepman_pca_accumulator_finish(cepman_pca **out, cepman_context *context,
                                                       cepman_pca_accumulator *accumulator,
                                                       const cepman_options *options);
CEPMAN_API void cepman_pca_accumulator_unref(cepman_pca_accumulator *accumulator);
/* As new, in the memory it has; also after finish and after a failure. NULL is allowed. */
CEPMAN_API void cepman_pca_accumulator_reset(cepman_pca_accumulator *accumulator);
/* Sums of rows that were added apart, in several threads or processes, brought together (Chan, Golub, LeVeque 1983).
 * export writes the sums of the rows so far as so many doubles as _numbers() tells: the rows, `features` means, and the
 * lower triangle, by rows, of the sums of products about the means. merge adds such numbers, of an accumulator of as
 * many features, to those there are. Both bring rows of a block that is not full into the sums, so that later blocks
 * begin anew; the order of merging changes bits as rounding in double does. Both handles may go on.
 * Errors: ARGUMENT, DATA (numbers that are not finite, or no count of rows; nothing was added), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API size_t cepman_pca_accumulator_numbers(const cepman_pca_accumulator *accumulator);
CEPMAN_API cepman_status cepman_pca_accumulator_export(cepman_pca_accumulator *accumulator,
                                                       cepman_context *context, double *numbers);
CEPMAN_API cepman_status cepman_pca_accumulator_merge(cepman_pca_accumulator *accumulator,
                                                      cepman_context *context, const double *numbers);

/* Scores of count rows of the caller's, stride floats apart, into rows of components floats, scores_stride apart. On
 * failure the scores are undefined. Errors: ARGUMENT, RANGE (strides), DATA, MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_pca_project(const cepman_pca *pca, cepman_context *context, const float *rows,
                                            size_t count, size_t stride, float *scores, size_t scores_stride);
/* Scores of rows (n x components; the matrix as in the fit), and rows back from scores (n x d; what the components left out is lost).
 * Errors: ARGUMENT, SHAPE (columns), DATA (a row that is not finite, named), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_pca_apply(cepman_matrix **out, cepman_context *context, const cepman_pca *pca,
                                          const cepman_matrix *matrix);
CEPMAN_API cepman_status cepman_pca_invert(cepman_matrix **out, cepman_context *context,
                                           const cepman_pca *pca, const cepman_matrix *scores);

CEPMAN_END

#endif
