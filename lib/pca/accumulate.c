/* Principal components of rows that come in blocks and are not kept.
 * The sums are those of the fit in memory (gather.c): the same rows in the same order give the same bits.
 * Must not: go on after a failure that left the sums half-made. */
#include "gather.h"
#include "internal.h"
#include "model.h"

struct cepman_pca_accumulator {
    cep_memory *mem;
    cep_gather *gather;
    bool ended;
};

cepman_status cepman_pca_accumulator_create(cepman_pca_accumulator **out, cepman_context *ctx,
                                            size_t features)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "pca accumulator: out is NULL");
    CEP_REQUIRE(ctx, features >= 1 && features <= 65536, CEPMAN_ERR_RANGE,
                "pca accumulator: %zu features, must be 1 to 65536", features);
    cep_memory *mem = cep_context_memory(ctx);
    cepman_pca_accumulator *a = cep_alloc_zero(mem, 1, sizeof *a);
    if (!a) return cep_fail_memory(ctx, "pca accumulator", 1, sizeof *a);
    a->mem = cep_memory_ref(mem);
    s = cep_gather_create(&a->gather, ctx, features);
    if (s) {
        cepman_pca_accumulator_unref(a);
        return s;
    }
    *out = a;
    return CEPMAN_OK;
}

void cepman_pca_accumulator_unref(cepman_pca_accumulator *a)
{
    if (!a) return;
    cep_memory *mem = a->mem;
    cep_gather_free(a->gather);
    cep_free(mem, a);
    cep_memory_unref(mem);
}

cepman_status cepman_pca_accumulator_add(cepman_pca_accumulator *a, cepman_context *ctx, const float *rows,
                                         size_t count, size_t stride)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, a && (rows || !count), CEPMAN_ERR_ARGUMENT, "pca accumulator: an argument is NULL");
    CEP_REQUIRE(ctx, !a->ended, CEPMAN_ERR_ARGUMENT, "pca accumulator: it has been finished, or has failed");
    CEP_REQUIRE(ctx, stride >= a->gather->d, CEPMAN_ERR_RANGE,
                "pca accumulator: stride is %zu, must be at least the features, %zu", stride, a->gather->d);
    s = cep_gather_rows(a->gather, ctx, rows, count, stride);
    if (s) a->ended = true;
    return s;
}

size_t cepman_pca_accumulator_rows(const cepman_pca_accumulator *a)
{
    return a && a->gather ? a->gather->n + a->gather->held : 0;
}

void cepman_pca_accumulator_reset(cepman_pca_accumulator *a)
{
    if (!a) return;
    cep_gather_reset(a->gather);
    a->ended = false;
}

size_t cepman_pca_accumulator_numbers(const cepman_pca_accumulator *a)
{
    return a && a->gather ? cep_gather_numbers(a->gather->d) : 0;
}

/* Both ways of sums: out of a handle, or into it. */
static cepman_status pass_sums(cepman_pca_accumulator *a, cepman_context *ctx, double *to, const double *from)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, a && (to || from), CEPMAN_ERR_ARGUMENT, "pca accumulator: an argument is NULL");
    CEP_REQUIRE(ctx, !a->ended, CEPMAN_ERR_ARGUMENT, "pca accumulator: it has been finished, or has failed");
    s = to ? cep_gather_export(a->gather, ctx, to) : cep_gather_merge(a->gather, ctx, from);
    if (s && s != CEPMAN_ERR_DATA) a->ended = true;
    return s;
}

cepman_status cepman_pca_accumulator_export(cepman_pca_accumulator *a, cepman_context *ctx, double *numbers)
{
    return pass_sums(a, ctx, numbers, NULL);
}

cepman_status cepman_pca_accumulator_merge(cepman_pca_accumulator *a, cepman_context *ctx,
                                           const double *numbers)
{
    return pass_sums(a, ctx, NULL, numbers);
}

static cepman_status finish(cepman_pca **out, cepman_context *ctx, cep_gather *g, size_t count, bool whiten)
{
    cep_pca_data x = {.ctx = ctx, .mem = cep_context_memory(ctx), .d = g->d};
    cep_pca_axes axes = {0, NULL, NULL};
    cepman_status s = cep_gather_flush(g, ctx);
    if (s) return s;
    x.n = g->n;
    CEP_REQUIRE(ctx, cep_pca_usable(g->scatter, x.d), CEPMAN_ERR_NUMERIC,
                "principal components: the rows' numbers are too large for products in float32; scale them");
    x.squares = cep_gather_trace(g);
    const size_t most = x.n < x.d ? x.n : x.d;
    if (count > most) count = most;
    cepman_pca *p = cep_alloc_zero(x.mem, 1, sizeof *p);
    x.mean = cep_alloc(x.mem, x.d, sizeof *x.mean);
    if (!p || !x.mean) s = cep_fail_memory(ctx, "principal components", x.d, sizeof *x.mean);
    /* As many pairs as the fit in memory makes for its refinement: the bits depend on it. */
    if (!s) s = cep_pca_pairs(&axes, &x, g->scatter, &count, 16 + count / 8, NULL);
    axes.count = s ? 0 : count;
    if (s) {
        cep_free(x.mem, p);
        cep_free(x.mem, x.mean);
        return s;
    }
    memcpy(x.mean, g->mean, x.d * sizeof *x.mean);
    cep_pca_model(p, &x, &axes, whiten);
    *out = p;
    return CEPMAN_OK;
}

cepman_status cepman_pca_accumulator_finish(cepman_pca **out, cepman_context *ctx, cepman_pca_accumulator *a,
                                            const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && a, CEPMAN_ERR_ARGUMENT, "pca accumulator: an argument is NULL");
    CEP_REQUIRE(ctx, !a->ended, CEPMAN_ERR_ARGUMENT, "pca accumulator: it has been finished, or has failed");
    CEP_REQUIRE(ctx, cepman_pca_accumulator_rows(a) >= 2, CEPMAN_ERR_SHAPE,
                "principal components need at least 2 rows, %zu were added", cepman_pca_accumulator_rows(a));
    size_t count = 0;
    bool whiten = false;
    s = cep_pca_wishes(ctx, options, &count, &whiten);
    if (s) return s;
    a->ended = true;
    return finish(out, ctx, a->gather, count, whiten);
}
