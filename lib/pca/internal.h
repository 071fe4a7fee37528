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
/* Rows first .. of X, columns of them from column on, as float64 or float32 (width numbers apart). */
void cep_pca_centred_f64(const cep_pca_data *x, size_t first, size_t rows, size_t column, size_t width,
                         double *to);
void cep_pca_centred_f32(const cep_pca_data *x, size_t first, size_t rows, float *to);

/* g: lower triangle of X'X (d x d), by float32 or float64 blocks, or of X X' (n x n). */
cepman_status cep_pca_gram_f32(const cep_pca_data *x, double *g);
cepman_status cep_pca_gram_f64(const cep_pca_data *x, double *g);
cepman_status cep_pca_gram_points(const cep_pca_data *x, double *g);
/* z (k x d) = v X'X for rows v (k x d); h (k x k, lower) = z v' when it is not NULL. */
cepman_status cep_pca_multiply(const cep_pca_data *x, size_t k, const double *v, double *z, double *h);
/* Rayleigh-Ritz: orthonormal rows v (k x d) become Ritz vectors with values descending; z becomes v X'X. */
cepman_status cep_pca_ritz(const cep_pca_data *x, size_t k, double *v, double *z, double *values);
/* True when the first `wanted` pairs pass the residual test. */
bool cep_pca_converged(const cep_pca_data *x, size_t wanted, const double *v, const double *z,
                       const double *values);

/* Solvers. count: components wanted, 0: automatic. */
cepman_status cep_pca_dense(cep_pca_axes *axes, const cep_pca_data *x, size_t count, cep_pca_method method,
                            bool *accurate);
cepman_status cep_pca_block(cep_pca_axes *axes, const cep_pca_data *x, size_t count, double budget,
                            bool *accurate);

/* Components above the noise floor, of all n_values = min(n - 1, d) eigenvalues (descending). At least 1. */
size_t cep_pca_count_dense(const cep_pca_data *x, const double *values, size_t n_values);
/* The same when only the `known` largest are at hand; known when more may be above the floor. */
size_t cep_pca_count_partial(const cep_pca_data *x, const double *values, size_t known);

#endif
