/* Private to pca/: the centred matrix as an operator, and the solvers on it. */
#ifndef CEP_PCA_INTERNAL_H
#define CEP_PCA_INTERNAL_H

#include "linalg.h"
#include "pca.h"

/* The centred data X (n x d). */
typedef struct cep_pca_data {
    cepman_context *ctx;
    cep_memory *mem;
    const cepman_matrix *matrix;
    size_t n, d;
    double *mean;   /* d */
    double squares; /* sum of squares of X: n - 1 times the total variance */
    float *rows;    /* a row for each worker: where rows that are not float32 in memory go */
} cep_pca_data;

/* What a solver gives: `count` eigenvalues of X'X, descending, and orthonormal rows of d. */
typedef struct cep_pca_axes {
    size_t count;
    double *values;
    double *vectors;
} cep_pca_axes;

cepman_status cep_pca_axes_create(cep_pca_axes *axes, const cep_pca_data *x, size_t count);
void cep_pca_axes_free(cep_pca_axes *axes, const cep_pca_data *x);

/* Fills mean and squares; CEPMAN_ERR_DATA names the first row that is not finite. */
cepman_status cep_pca_moments(cep_pca_data *x);
/* A row as float32: where it is, or fetched into the worker's own; NULL after a failure of reading. */
const float *cep_pca_row(const cep_pca_data *x, cep_fault *fault, unsigned worker, size_t row);
/* Rows first .. of X, columns of them from column on, as float64 (width numbers apart). */
cepman_status cep_pca_centred(const cep_pca_data *x, size_t first, size_t rows, size_t column, size_t width,
                              double *to);

/* g: lower triangle of X'X (d x d) by float64 blocks, or of X X' (n x n). */
cepman_status cep_pca_gram_f64(const cep_pca_data *x, double *g);
cepman_status cep_pca_gram_points(const cep_pca_data *x, double *g);
/* z (k x d) = v X'X for rows v (k x d); h (k x k, lower) = z v' when it is not NULL. */
cepman_status cep_pca_multiply(const cep_pca_data *x, size_t k, const double *v, double *z, double *h);
/* Rayleigh-Ritz: orthonormal rows v (k x d) become Ritz vectors with values descending; z becomes v X'X. */
cepman_status cep_pca_ritz(const cep_pca_data *x, size_t k, double *v, double *z, double *values);
/* The pairs' residuals by a few random combinations of them, in one pass over X; *good when all are small beside their
 * values. Says no more than that: pairs that fail may still be good. */
cepman_status cep_pca_probe(const cep_pca_data *x, size_t count, const double *v, const double *values,
                            bool *good);
/* True when the first `wanted` pairs pass the residual test. */
bool cep_pca_converged(const cep_pca_data *x, size_t wanted, const double *v, const double *z,
                       const double *values);

/* The largest pairs of the scatter matrix g (d x d, lower triangle; destroyed). *count 0: automatic. size: how many
 * pairs more than *count are made. *noisy (may be NULL): the noise floor is near the rounding of float32 sums. */
cepman_status cep_pca_pairs(cep_pca_axes *axes, const cep_pca_data *x, double *g, size_t *count, size_t extra,
                            bool *noisy);
/* False when a number of the lower triangle is not finite. */
bool cep_pca_usable(const double *g, size_t d);
/* The handle of a fit: takes mean and axes over. */
void cep_pca_model(cepman_pca *to, cep_pca_data *x, cep_pca_axes *axes, bool whiten);
/* Components asked for (0: automatic) and whitening. */
cepman_status cep_pca_wishes(cepman_context *ctx, const cepman_options *options, size_t *count, bool *whiten);

/* Solvers, of data whose moments are known but for FEATURES_F32, which finds them itself. count: components wanted, 0: automatic. */
cepman_status cep_pca_dense(cep_pca_axes *axes, cep_pca_data *x, size_t count, cep_pca_method method,
                            bool *accurate);
cepman_status cep_pca_block(cep_pca_axes *axes, const cep_pca_data *x, size_t count, double budget,
                            bool *accurate);

/* Components above the noise floor, of all n_values = min(n - 1, d) eigenvalues (descending). At least 1. */
size_t cep_pca_count_dense(const cep_pca_data *x, const double *values, size_t n_values);
/* The same when only the `known` largest are at hand; known when more may be above the floor. */
size_t cep_pca_count_partial(const cep_pca_data *x, const double *values, size_t known);

#endif
