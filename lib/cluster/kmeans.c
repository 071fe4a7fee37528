/* K-means behind the public API: options, checks, several starts, the model and its use on new points.
 * The best of n-init runs by inertia is kept, the earlier one when they tie.
 * Must not: compute distances; lloyd*.c do. */
#include <math.h>
#include <string.h>

#include <cepman/kmeans.h>

#include "kmeans_model.h"

static const cep_option table[] = {
    {"k", CEPMAN_OPTION_INTEGER, 1, 16777215, 8, NULL, "clusters, 1 to 16777215"},
    {"n-init", CEPMAN_OPTION_INTEGER, 1, 100000, 10, NULL,
     "runs from different starts, 1 to 100000; 1 with given centres"},
    {"max-iterations", CEPMAN_OPTION_INTEGER, 1, 1000000, 300, NULL,
     "iterations of a run at most, 1 to 1000000"},
    {"tol", CEPMAN_OPTION_REAL, 0, 1e30, 1e-4, NULL,
     "a run ends when the squared movement of all centres is at most this times the features' mean variance"},
    {"seed", CEPMAN_OPTION_INTEGER, 0, 9007199254740992.0, 42, NULL,
     "random numbers of the starts, 0 to 2^53"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

cepman_status cepman_kmeans_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, "kmeans", table);
}

static cepman_status check(cepman_context *ctx, const cepman_matrix *matrix, const cepman_matrix *centres,
                           const double *weights, size_t k)
{
    size_t n = cepman_matrix_rows(matrix), d = cepman_matrix_columns(matrix);
    CEP_REQUIRE(ctx, k <= n, CEPMAN_ERR_RANGE, "K-means: k is %zu, must be at most the number of points, %zu",
                k, n);
    if (centres) {
        CEP_REQUIRE(ctx, cepman_matrix_rows(centres) == k && cepman_matrix_columns(centres) == d,
                    CEPMAN_ERR_SHAPE, "K-means: the centres are %zu x %zu, must be k x features = %zu x %zu",
                    cepman_matrix_rows(centres), cepman_matrix_columns(centres), k, d);
        size_t bad;
        cepman_status s = cep_matrix_first_nonfinite(&bad, ctx, centres);
        if (s) return s;
        CEP_REQUIRE(ctx, bad == k, CEPMAN_ERR_DATA, "K-means: centre %zu has a NaN or an infinity", bad);
    }
    double sum = 0;
    for (size_t i = 0; weights && i < n; i++) {
        CEP_REQUIRE(ctx, weights[i] >= 0 && weights[i] <= 3e38, CEPMAN_ERR_DATA,
                    "K-means: weight %zu is %g, must be 0 to 3e38", i, weights[i]);
        sum += weights[i];
    }
    CEP_REQUIRE(ctx, !weights || sum > 0, CEPMAN_ERR_DATA, "K-means: all weights are 0");
    return CEPMAN_OK;
}

cepman_status cep_kmeans_model(cepman_kmeans **out, cepman_context *ctx, size_t k, size_t d,
                               size_t iterations, const double *history, float **centres, size_t *stride)
{
    cep_memory *mem = cep_context_memory(ctx);
    cepman_kmeans *m = cep_alloc_zero(mem, 1, sizeof *m);
    if (!m) return cep_fail_memory(ctx, "K-means", 1, sizeof *m);
    cep_refs_init(&m->refs);
    m->mem = cep_memory_ref(mem);
    m->iterations = iterations;
    cepman_status s = cep_matrix_create(&m->centres, ctx, "centres", k, d, centres, stride);
    if (!s && !(m->history = cep_alloc_zero(mem, iterations, sizeof *m->history)))
        s = cep_fail_memory(ctx, "K-means", iterations, sizeof *m->history);
    if (s) {
        cepman_kmeans_unref(m);
        return s;
    }
    if (history && iterations) memcpy(m->history, history, iterations * sizeof *history);
    *out = m;
    return CEPMAN_OK;
}

/* The finished run as a model, which takes the place of *model. */
static cepman_status keep(cepman_kmeans **model, cep_lloyd *f, size_t iterations)
{
    cepman_kmeans *m = NULL;
    int32_t *l;
    float *c;
    size_t stride;
    cepman_status s = cep_kmeans_model(&m, f->ctx, f->k, f->d, iterations, f->history, &c, &stride);
    if (!s) s = cep_labels_create(&m->labels, f->ctx, f->n, &l);
    if (s) {
        cepman_kmeans_unref(m);
        return s;
    }
    memcpy(l, f->labels, f->n * sizeof *l);
    cep_labels_seal(m->labels);
    for (size_t i = 0; i < f->k; i++)
        memcpy(c + i * stride, f->centres + i * f->d, f->d * sizeof *c);
    cepman_kmeans_unref(*model);
    *model = m;
    return CEPMAN_OK;
}

static cepman_status solve(cepman_kmeans **model, cep_lloyd *f, const cepman_matrix *centres,
                           const cepman_options *options)
{
    double variance = 0, tol = cep_options_real(options, "tol");
    size_t most = (size_t)cep_options_integer(options, "max-iterations");
    uint64_t runs = centres ? 1 : (uint64_t)cep_options_integer(options, "n-init");
    cepman_status s = cep_lloyd_variance(f, &variance);
    for (uint64_t run = 0; !s && run < runs; run++) {
        size_t iterations;
        bool converged;
        double inertia;
        cep_progress(f->ctx, "kmeans", run, runs);
        if (centres)
            cep_matrix_read(centres, 0, f->k, f->centres, f->d);
        else
            s = cep_lloyd_start(f, run);
        if (!s) s = cep_lloyd_run(f, most, tol * variance, &iterations, &converged);
        if (!s) s = cep_lloyd_inertia(f, &inertia);
        if (s || (*model && !(inertia < (*model)->inertia))) continue;
        s = keep(model, f, iterations);
        if (s) break;
        (*model)->inertia = inertia;
        (*model)->converged = converged;
    }
    if (!s) cep_progress(f->ctx, "kmeans", runs, runs);
    return s;
}

cepman_status cepman_kmeans_fit(cepman_kmeans **out, cepman_context *ctx, const cepman_matrix *matrix,
                                const cepman_matrix *centres, const double *weights,
                                const cepman_options *given)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "K-means: out or matrix is NULL");
    CEP_REQUIRE_F32(ctx, matrix, "K-means");
    CEP_REQUIRE_F32(ctx, centres, "K-means");
    cepman_options *options = NULL;
    s = cep_options_resolve(&options, ctx, given, "kmeans", table);
    if (s) return s;
    size_t k = (size_t)cep_options_integer(options, "k");
    if (centres && !cep_options_given(options, "k")) k = cepman_matrix_rows(centres);
    cepman_kmeans *model = NULL;
    cep_lloyd f = {0};
    s = check(ctx, matrix, centres, weights, k);
    if (!s) s = cep_lloyd_prepare(&f, ctx, matrix, k, weights, "K-means");
    if (!s) {
        f.seed = (uint64_t)cep_options_integer(options, "seed");
        s = solve(&model, &f, centres, options);
    }
    cep_lloyd_clear(&f);
    cepman_options_unref(options);
    if (s) {
        cepman_kmeans_unref(model);
        return s;
    }
    *out = model;
    return CEPMAN_OK;
}

cepman_kmeans *cepman_kmeans_ref(cepman_kmeans *m)
{
    if (m) cep_refs_get(&m->refs);
    return m;
}

void cepman_kmeans_unref(cepman_kmeans *m)
{
    if (!m || !cep_refs_put(&m->refs)) return;
    cep_memory *mem = m->mem;
    cepman_labels_unref(m->labels);
    cepman_matrix_unref(m->centres);
    cep_free(mem, m->history);
    cep_free(mem, m);
    cep_memory_unref(mem);
}

cepman_labels *cepman_kmeans_labels(const cepman_kmeans *m)
{
    return m ? m->labels : NULL;
}

cepman_matrix *cepman_kmeans_centres(const cepman_kmeans *m)
{
    return m ? m->centres : NULL;
}

double cepman_kmeans_inertia(const cepman_kmeans *m)
{
    return m ? m->inertia : (double)NAN;
}

size_t cepman_kmeans_iterations(const cepman_kmeans *m)
{
    return m ? m->iterations : 0;
}

int cepman_kmeans_converged(const cepman_kmeans *m)
{
    return m && m->converged;
}

const double *cepman_kmeans_history(const cepman_kmeans *m)
{
    return m ? m->history : NULL;
}

cepman_status cepman_kmeans_apply(cepman_labels **out, cepman_context *ctx, const cepman_kmeans *model,
                                  const cepman_matrix *matrix)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && model && matrix, CEPMAN_ERR_ARGUMENT, "K-means apply: an argument is NULL");
    CEP_REQUIRE_F32(ctx, matrix, "K-means apply");
    size_t k = cepman_matrix_rows(model->centres), d = cepman_matrix_columns(model->centres);
    CEP_REQUIRE(ctx, cepman_matrix_columns(matrix) == d, CEPMAN_ERR_SHAPE,
                "K-means apply: the matrix has %zu columns, the model %zu", cepman_matrix_columns(matrix), d);
    cep_lloyd f = {0};
    cepman_labels *labels = NULL;
    size_t changed;
    s = cep_lloyd_prepare(&f, ctx, matrix, k, NULL, "K-means apply");
    if (!s) {
        int32_t *values;
        cep_matrix_read(model->centres, 0, k, f.centres, d);
        for (size_t i = 0; i < f.blocks * 16; i++)
            f.previous[i] = -1;
        s = cep_lloyd_assign(&f, true, &changed);
        if (!s) s = cep_labels_create(&labels, ctx, f.n, &values);
        if (!s) {
            memcpy(values, f.labels, f.n * sizeof *values);
            cep_labels_seal(labels);
        }
    }
    cep_lloyd_clear(&f);
    if (s) return s;
    *out = labels;
    return CEPMAN_OK;
}
