/* Door of pca/: the public functions, and the choice of method that tests make by hand. */
#ifndef CEP_PCA_H
#define CEP_PCA_H

#include <string.h>

#include <cepman/pca.h>

#include "base.h"
#include "matrix.h"

typedef enum cep_pca_method {
    CEP_PCA_AUTO,
    CEP_PCA_FEATURES_F32, /* d x d Gram matrix in float32 blocks, refined and tested in float64 */
    CEP_PCA_FEATURES_F64, /* d x d Gram matrix in float64 */
    CEP_PCA_POINTS,       /* n x n Gram matrix in float64 */
    CEP_PCA_BLOCK         /* Chebyshev-filtered subspace iteration: neither Gram matrix is made */
} cep_pca_method;

/* False when one of the numbers is NaN or infinite. */
static inline bool cep_pca_row_finite(const float *row, size_t d)
{
    uint32_t bad = 0;
    for (size_t j = 0; j < d; j++) {
        uint32_t bits;
        memcpy(&bits, row + j, sizeof bits);
        bad |= (uint32_t)((bits & 0x7f800000u) == 0x7f800000u);
    }
    return !bad;
}

/* cepman_pca_fit() by one method. *used (may be NULL): the method whose answer was kept. */
cepman_status cep_pca_fit_by(cepman_pca **out, cepman_context *ctx, const cepman_matrix *matrix,
                             const cepman_options *options, cep_pca_method method, cep_pca_method *used);

/* Gavish and Donoho's factor on the median singular value, for an aspect ratio 0 < beta <= 1. */
double cep_pca_threshold_factor(double beta);

#endif
