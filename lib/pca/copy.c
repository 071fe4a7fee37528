/* A model from numbers of the caller's: components that were fitted in another process or program.
 * What apply, project and invert use is kept as it is given; the order is that of a fit.
 * Must not: take numbers that no fit could have given without saying which. */
#include <math.h>

#include "model.h"

static cepman_status check(cepman_context *ctx, const cepman_pca *p)
{
    const char *what = "principal components";
    CEP_REQUIRE(ctx, isfinite(p->total) && p->total >= 0, CEPMAN_ERR_DATA,
                "%s: the total variance is %g, must be finite and at least 0", what, p->total);
    for (size_t j = 0; j < p->features; j++)
        CEP_REQUIRE(ctx, isfinite(p->mean[j]), CEPMAN_ERR_DATA, "%s: mean %zu is %g, must be finite", what, j,
                    p->mean[j]);
    for (size_t c = 0; c < p->count; c++) {
        const double *v = p->vectors + c * p->features, variance = p->variance[c];
        double squares = 0;
        for (size_t j = 0; j < p->features; j++)
            squares += v[j] * v[j];
        CEP_REQUIRE(ctx, fabs(squares - 1) < 1e-6, CEPMAN_ERR_DATA,
                    "%s: component %zu has length %g, must be 1", what, c, sqrt(squares));
        CEP_REQUIRE(ctx, isfinite(variance) && variance >= 0 && !(c && variance > p->variance[c - 1]),
                    CEPMAN_ERR_DATA,
                    "%s: variance %zu is %g, must be at least 0 and not above the one before", what, c,
                    variance);
    }
    return CEPMAN_OK;
}

static double *copy(cep_memory *mem, const double *from, size_t count, size_t size)
{
    double *to = cep_alloc(mem, count, size * sizeof *to);
    if (to) memcpy(to, from, count * size * sizeof *to);
    return to;
}

cepman_status cepman_pca_copy(cepman_pca **out, cepman_context *ctx, size_t features, size_t components,
                              const double *mean, const double *vectors, const double *variance,
                              double total_variance, int whiten)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && mean && vectors && variance, CEPMAN_ERR_ARGUMENT,
                "principal components: an argument is NULL");
    CEP_REQUIRE(ctx, features >= 1 && features <= INT32_MAX && components >= 1 && components <= features,
                CEPMAN_ERR_RANGE, "principal components: %zu of %zu features, must be 1 to that many",
                components, features);
    cep_memory *mem = cep_context_memory(ctx);
    cepman_pca *p = cep_alloc_zero(mem, 1, sizeof *p);
    if (!p) return cep_fail_memory(ctx, "principal components", 1, sizeof *p);
    cep_refs_init(&p->refs);
    p->mem = cep_memory_ref(mem);
    p->count = components;
    p->features = features;
    p->total = total_variance;
    p->whiten = whiten != 0;
    p->mean = copy(mem, mean, 1, features);
    p->vectors = copy(mem, vectors, components, features);
    p->variance = copy(mem, variance, 1, components);
    s = p->mean && p->vectors && p->variance
            ? check(ctx, p)
            : cep_fail_memory(ctx, "principal components", components, features * sizeof *p->vectors);
    if (s)
        cepman_pca_unref(p);
    else
        *out = p;
    return s;
}
