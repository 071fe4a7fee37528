/* What the tests of pca/ share: options, data of known structure, and what every fit must have. */
#ifndef PCA_COMMON_H
#define PCA_COMMON_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pca.h"
#include "support.h"

static inline cepman_options *wanted(cepman_context *ctx, const char *components, bool whiten)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_pca_options_create(&o, ctx));
    assert_good(ctx, cepman_options_parse(o, ctx, "components", components));
    assert_good(ctx, cepman_options_set_flag(o, ctx, "whiten", whiten));
    return o;
}

/* rank directions of falling strength, plus noise, around an offset. */
static inline cepman_matrix *layered(cepman_context *ctx, size_t n, size_t d, size_t rank, double fall,
                                     double noise, uint64_t seed)
{
    support_random r = {seed};
    float *x = calloc(n * d, sizeof *x);
    double *axes = malloc((rank * d + 1) * sizeof *axes);
    for (size_t i = 0; i < rank * d; i++)
        axes[i] = support_normal(&r);
    for (size_t i = 0; i < n; i++) {
        double strength = 1;
        for (size_t a = 0; a < rank; a++, strength *= fall) {
            double at = support_normal(&r) * strength;
            for (size_t j = 0; j < d; j++)
                x[i * d + j] += (float)(at * axes[a * d + j]);
        }
        for (size_t j = 0; j < d; j++)
            x[i * d + j] += (float)(noise * support_normal(&r) + 3.0);
    }
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
    free(axes);
    free(x);
    return m;
}

static const cep_pca_method methods[] = {CEP_PCA_AUTO, CEP_PCA_FEATURES_F32, CEP_PCA_FEATURES_F64,
                                         CEP_PCA_POINTS, CEP_PCA_BLOCK};

/* What every fit must have: orthonormal rows, descending variances, the sign rule. */
static inline void check_form(const cepman_pca *p)
{
    size_t k = cepman_pca_components(p), d = cepman_pca_features(p);
    for (size_t i = 0; i < k; i++) {
        const double *v = cepman_pca_component(p, i);
        double most = 0;
        for (size_t j = 0; j < d; j++)
            if (fabs(v[j]) > fabs(most)) most = v[j];
        ck_assert_double_gt(most, 0);
        ck_assert_double_ge(cepman_pca_variance(p)[i], 0);
        if (i) ck_assert_double_le(cepman_pca_variance(p)[i], cepman_pca_variance(p)[i - 1]);
        for (size_t h = 0; h <= i; h++) {
            double dot = 0;
            for (size_t j = 0; j < d; j++)
                dot += v[j] * cepman_pca_component(p, h)[j];
            ck_assert_double_eq_tol(dot, (h == i), 1e-10);
        }
    }
    ck_assert_ptr_null(cepman_pca_component(p, k));
}

#endif
