/* Principal components: the handle, its options, the choice of method and the sign of each component.
 * Pearson, Phil. Mag. 2 (1901) 559; variances have n - 1 in the denominator.
 * Must not: depend on the context's threads (products run in OpenBLAS on the calling thread). */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "internal.h"
#include "model.h"

static const cep_option table[] = {
    {"components", CEPMAN_OPTION_INTEGER, 0, 1000000, 50, "auto",
     "components to make, at most min(rows, columns); auto or 0: those above the noise floor"},
    {"whiten", CEPMAN_OPTION_FLAG, 0, 1, 0, NULL, "scale scores to unit variance"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

cepman_status cepman_pca_options_create(cepman_options **out, cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "pca options: out is NULL");
    return cep_options_create(out, ctx, "pca", table);
}

/* Gram matrices up to this side are made; beyond, the block method is tried first. */
static const size_t dense_side = 6000;

static cep_pca_method choose(const cep_pca_data *x, size_t count)
{
    size_t side = x->n < x->d ? x->n : x->d;
    if (side > dense_side && count <= side / 12) return CEP_PCA_BLOCK;
    if (x->n < x->d) return CEP_PCA_POINTS;
    double work = (double)x->n * (double)x->d * (double)x->d;
    return work > 2e9 ? CEP_PCA_FEATURES_F32 : CEP_PCA_FEATURES_F64;
}

static cepman_status solve(cep_pca_axes *axes, cep_pca_data *x, size_t count, cep_pca_method method,
                           cep_pca_method *used)
{
    bool accurate = true;
    cepman_status s = CEPMAN_OK;
    if (method == CEP_PCA_AUTO) method = choose(x, count);
    if (method != CEP_PCA_FEATURES_F32 && (s = cep_pca_moments(x))) return s;
    if (method == CEP_PCA_BLOCK) {
        double side = (double)(x->n < x->d ? x->n : x->d);
        double dense = (double)x->n * (double)x->d * side + 8 * side * side * side;
        s = cep_pca_block(axes, x, count, dense, &accurate);
        if (s || accurate) goto end;
        cep_log(x->ctx, CEPMAN_LOG_INFO,
                "principal components: block iteration is slow here, making a Gram matrix");
        method = x->n < x->d ? CEP_PCA_POINTS : CEP_PCA_FEATURES_F32;
    }
    s = cep_pca_dense(axes, x, count, method, &accurate);
    if (!s && !accurate) {
        cep_log(x->ctx, CEPMAN_LOG_INFO,
                "principal components: float32 does not resolve these data, using float64");
        method = CEP_PCA_FEATURES_F64;
        s = cep_pca_moments(x);
        if (!s) s = cep_pca_dense(axes, x, count, method, &accurate);
    }
end:
    if (used) *used = method;
    return s;
}

/* The loading of largest magnitude (the first of equals) becomes positive. */
static void fix_sign(double *v, size_t d)
{
    size_t at = 0;
    for (size_t j = 1; j < d; j++)
        if (fabs(v[j]) > fabs(v[at])) at = j;
    if (v[at] >= 0) return;
    for (size_t j = 0; j < d; j++)
        v[j] = -v[j];
}

void cep_pca_model(cepman_pca *p, cep_pca_data *x, cep_pca_axes *axes, bool whiten)
{
    double degrees = (double)(x->n - 1);
    for (size_t j = 0; j < axes->count; j++) {
        fix_sign(axes->vectors + j * x->d, x->d);
        axes->values[j] = axes->values[j] > 0 ? axes->values[j] / degrees : 0;
    }
    cep_refs_init(&p->refs);
    p->mem = cep_memory_ref(x->mem);
    p->count = axes->count;
    p->features = x->d;
    p->mean = x->mean;
    p->variance = axes->values;
    p->vectors = axes->vectors;
    p->total = x->squares / degrees;
    p->whiten = whiten;
}

static cepman_status fit(cepman_pca **out, cep_pca_data *x, size_t count, bool whiten, cep_pca_method method,
                         cep_pca_method *used)
{
    cep_pca_axes axes = {0, NULL, NULL};
    size_t most = x->n < x->d ? x->n : x->d;
    cepman_pca *p = cep_alloc_zero(x->mem, 1, sizeof *p);
    x->mean = cep_alloc(x->mem, x->d, sizeof *x->mean);
    x->rows = cep_alloc(x->mem, cep_workers(x->ctx), x->d * sizeof *x->rows);
    cepman_status s = CEPMAN_OK;
    if (!p || !x->mean || !x->rows)
        s = cep_fail_memory(x->ctx, "principal components", x->d, sizeof *x->mean);
    if (!s) s = solve(&axes, x, count < most ? count : most, method, used);
    cep_free(x->mem, x->rows);
    if (s) {
        cep_free(x->mem, p);
        cep_free(x->mem, x->mean);
        return s;
    }
    cep_pca_model(p, x, &axes, whiten);
    *out = p;
    return CEPMAN_OK;
}

cepman_status cep_pca_wishes(cepman_context *ctx, const cepman_options *options, size_t *count, bool *whiten)
{
    cepman_options *o = NULL;
    cepman_status s = cep_options_resolve(&o, ctx, options, "pca", table);
    if (s) return s;
    *count = cep_options_auto(o, "components") ? 0 : (size_t)cep_options_integer(o, "components");
    *whiten = cep_options_flag(o, "whiten");
    cepman_options_unref(o);
    return CEPMAN_OK;
}

cepman_status cep_pca_fit_by(cepman_pca **out, cepman_context *ctx, const cepman_matrix *matrix,
                             const cepman_options *options, cep_pca_method method, cep_pca_method *used)
{
    cep_pca_data x = {.ctx = ctx, .mem = cep_context_memory(ctx), .matrix = matrix};
    x.n = cepman_matrix_rows(matrix);
    x.d = cepman_matrix_columns(matrix);
    CEP_REQUIRE(ctx, x.n >= 2, CEPMAN_ERR_SHAPE,
                "principal components need at least 2 rows, the matrix has %zu", x.n);
    CEP_REQUIRE(ctx, x.n <= INT32_MAX && x.d <= INT32_MAX, CEPMAN_ERR_SHAPE,
                "principal components of a %zu x %zu matrix: a side is beyond 2^31", x.n, x.d);
    size_t count = 0;
    bool whiten = false;
    cepman_status s = cep_pca_wishes(ctx, options, &count, &whiten);
    return s ? s : fit(out, &x, count, whiten, method, used);
}

cepman_status cepman_pca_fit(cepman_pca **out, cepman_context *ctx, const cepman_matrix *matrix,
                             const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "principal components: out or matrix is NULL");
    return cep_pca_fit_by(out, ctx, matrix, options, CEP_PCA_AUTO, NULL);
}

cepman_pca *cepman_pca_ref(cepman_pca *p)
{
    if (p) cep_refs_get(&p->refs);
    return p;
}

void cepman_pca_unref(cepman_pca *p)
{
    if (!p || !cep_refs_put(&p->refs)) return;
    cep_memory *mem = p->mem;
    cep_free(mem, p->mean);
    cep_free(mem, p->variance);
    cep_free(mem, p->vectors);
    cep_free(mem, p);
    cep_memory_unref(mem);
}

size_t cepman_pca_components(const cepman_pca *p)
{
    return p ? p->count : 0;
}

size_t cepman_pca_features(const cepman_pca *p)
{
    return p ? p->features : 0;
}

const double *cepman_pca_mean(const cepman_pca *p)
{
    return p ? p->mean : NULL;
}

const double *cepman_pca_component(const cepman_pca *p, size_t component)
{
    return p && component < p->count ? p->vectors + component * p->features : NULL;
}

const double *cepman_pca_variance(const cepman_pca *p)
{
    return p ? p->variance : NULL;
}

double cepman_pca_total_variance(const cepman_pca *p)
{
    return p ? p->total : (double)NAN;
}
