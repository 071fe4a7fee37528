/* Indices that cluster again: the gap statistic (Tibshirani, Walther, Hastie 2001) on uniform references, agreement of
 * labellings, and the stability of K-means over seeds and subsamples (Ben-Hur, Elisseeff, Guyon 2002).
 * Must not: draw in an order that depends on threads. */
#include <math.h>

#include <cepman/kmeans.h>
#include <cepman/validity.h>

#include "exec.h"
#include "groups.h"

#define STAGE_REFERENCE 0x6a9000 /* one per reference */
#define STAGE_SUBSAMPLE 0x5b5000
#define STARTS 3 /* of K-means on a reference */
#define MOST 1000

/* ---- gap ------------------------------------------------------------------------------------------------------------ */

/* Lowest and highest value of each feature: d and d numbers. */
static cepman_status box_of(const cep_groups *g, float *box)
{
    for (size_t j = 0; j < g->d; j++)
        box[j] = box[g->d + j] = g->row[0][j];
    for (size_t i = 1; i < g->n; i++) {
        for (size_t j = 0; j < g->d; j++) {
            float x = g->row[i][j];
            if (x < box[j]) box[j] = x;
            if (x > box[g->d + j]) box[g->d + j] = x;
        }
        cepman_status s = i % 4096 ? CEPMAN_OK : cep_poll(g->ctx);
        if (s) return s;
    }
    return CEPMAN_OK;
}

typedef struct draw_job {
    const cep_groups *g;
    const float *box;
    float *to;
    size_t stride, chunk;
    uint64_t seed, stage;
} draw_job;

static cepman_status draw_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    const draw_job *job = argument;
    size_t d = job->g->d;
    (void)worker;
    (void)fault;
    for (size_t i = index * job->chunk; i < (index + 1) * job->chunk && i < job->g->n; i++)
        for (size_t j = 0; j < d; j++) {
            double low = (double)job->box[j], high = (double)job->box[d + j];
            double u = cep_random_real(job->seed, job->stage, i * d + j);
            job->to[i * job->stride + j] = (float)(low + u * (high - low));
        }
    return CEPMAN_OK;
}

/* Inertia of K-means on reference number r. */
static cepman_status reference(const cep_groups *g, const float *box, uint64_t r, uint64_t seed,
                               const cepman_options *options, double *inertia)
{
    draw_job job = {.g = g, .box = box, .seed = seed, .stage = STAGE_REFERENCE + r};
    cepman_matrix *points = NULL;
    cepman_kmeans *model = NULL;
    job.chunk = 100000 / (g->d + 1) + 1;
    cepman_status s = cep_matrix_create(&points, g->ctx, "gap statistic", g->n, g->d, &job.to, &job.stride);
    if (!s) s = cep_parallel(g->ctx, NULL, (g->n + job.chunk - 1) / job.chunk, draw_chunk, &job);
    if (!s) s = cepman_kmeans_fit(&model, g->ctx, points, NULL, NULL, options);
    if (!s) *inertia = cepman_kmeans_inertia(model);
    cepman_kmeans_unref(model);
    cepman_matrix_unref(points);
    return s;
}

static cepman_status kmeans_options(cepman_options **out, cepman_context *ctx, size_t k, uint64_t seed)
{
    cepman_options *o = NULL;
    cepman_status s = cepman_kmeans_options_create(&o, ctx);
    if (!s) s = cepman_options_set_integer(o, ctx, "k", (int64_t)k);
    if (!s) s = cepman_options_set_integer(o, ctx, "n-init", STARTS);
    if (!s) s = cepman_options_set_integer(o, ctx, "seed", (int64_t)(seed >> 11));
    if (s) {
        cepman_options_unref(o);
        return s;
    }
    *out = o;
    return CEPMAN_OK;
}

static double deviation_of(const double *x, size_t n, double mean)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)n) * sqrt(1 + 1 / (double)n);
}

cepman_status cepman_validity_gap(double *gap, double *deviation, cepman_context *ctx,
                                  const cepman_matrix *matrix, const cepman_labels *labels, size_t references,
                                  uint64_t seed)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, gap && matrix && labels, CEPMAN_ERR_ARGUMENT, "gap statistic: an argument is NULL");
    CEP_REQUIRE(ctx, references >= 1 && references <= MOST, CEPMAN_ERR_RANGE,
                "gap statistic: references is %zu, must be 1 to %d", references, MOST);
    double own = 0, mean = (double)NAN, logs[MOST], value = (double)NAN, spread = (double)NAN;
    s = cepman_validity_inertia(&own, ctx, matrix, labels);
    if (s) return s;
    cep_groups g;
    cepman_options *options = NULL;
    float *box = NULL;
    s = cep_groups_collect(&g, ctx, matrix, labels, 0, 0, "gap statistic");
    if (s) return s;
    if (g.k) {
        box = cep_alloc(g.mem, g.d, 2 * sizeof *box);
        s = box ? box_of(&g, box) : cep_fail_memory(ctx, "gap statistic", g.d, 2 * sizeof *box);
        if (!s) s = kmeans_options(&options, ctx, g.k, cep_mix64(seed));
        mean = 0;
        for (size_t r = 0; !s && r < references; r++) {
            double w = 0;
            s = reference(&g, box, r, seed, options, &w);
            logs[r] = log(w);
            mean += logs[r] / (double)references;
        }
        value = mean - log(own);
        if (!s) spread = deviation_of(logs, references, mean);
    }
    cepman_options_unref(options);
    cep_free(g.mem, box);
    cep_groups_clear(&g);
    if (s) return s;
    *gap = value;
    if (deviation) *deviation = spread;
    return CEPMAN_OK;
}

/* ---- agreement ------------------------------------------------------------------------------------------------------ */

cepman_status cepman_validity_agreement(double *out, cepman_context *ctx, const cepman_labels *const *labels,
                                        size_t count)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && labels, CEPMAN_ERR_ARGUMENT, "agreement: an argument is NULL");
    CEP_REQUIRE(ctx, count >= 2 && count <= MOST, CEPMAN_ERR_RANGE,
                "agreement: %zu labellings, must be 2 to %d", count, MOST);
    double sum = 0;
    for (size_t a = 0; a < count; a++)
        for (size_t b = a + 1; b < count; b++) {
            double value = 0;
            s = cepman_validity_ari(&value, ctx, labels[b], labels[a]);
            if (!s) s = cep_poll(ctx);
            if (s) return s;
            sum += value;
        }
    *out = sum / ((double)count * (double)(count - 1) / 2);
    return CEPMAN_OK;
}

/* `take` of n rows without repeats (Bentley and Floyd 1987), ascending. */
static cepman_status subsample(cepman_matrix **out, cepman_context *ctx, cepman_matrix *matrix, size_t take,
                               uint64_t seed, uint64_t run)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t n = cepman_matrix_rows(matrix), kept = 0;
    uint8_t *taken = cep_alloc_zero(mem, n, 1);
    size_t *rows = cep_alloc(mem, take, sizeof *rows);
    cepman_status s = taken && rows ? CEPMAN_OK : cep_fail_memory(ctx, "stability", n, 1 + sizeof *rows);
    for (size_t j = n - take; !s && j < n; j++) {
        size_t t = (size_t)cep_random_below(seed, STAGE_SUBSAMPLE + run, j, j + 1);
        taken[taken[t] ? j : t] = 1;
    }
    for (size_t i = 0; !s && i < n; i++)
        if (taken[i]) rows[kept++] = i;
    if (!s) s = cepman_matrix_select(out, ctx, matrix, rows, kept);
    cep_free(mem, rows);
    cep_free(mem, taken);
    return s;
}

static cepman_status one_run(cepman_labels **out, cepman_context *ctx, cepman_matrix *matrix,
                             cepman_options *options, int64_t seed, size_t run, size_t take)
{
    cepman_matrix *some = NULL;
    cepman_kmeans *model = NULL;
    /* Seeds end at 2^53; beyond, they start again. */
    uint64_t own = ((uint64_t)seed + run) & (((uint64_t)1 << 53) - 1);
    cepman_status s = cepman_options_set_integer(options, ctx, "seed", (int64_t)own);
    if (!s && take < cepman_matrix_rows(matrix)) s = subsample(&some, ctx, matrix, take, (uint64_t)seed, run);
    if (!s) s = cepman_kmeans_fit(&model, ctx, some ? some : matrix, NULL, NULL, options);
    if (!s) s = cepman_kmeans_apply(out, ctx, model, matrix);
    cepman_kmeans_unref(model);
    cepman_matrix_unref(some);
    return s;
}

cepman_status cepman_validity_stability(double *out, cepman_context *ctx, const cepman_matrix *matrix,
                                        const cepman_options *kmeans, size_t runs, double fraction)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "stability: an argument is NULL");
    CEP_REQUIRE(ctx, runs >= 2 && runs <= MOST, CEPMAN_ERR_RANGE, "stability: runs is %zu, must be 2 to %d",
                runs, MOST);
    CEP_REQUIRE(ctx, fraction > 0 && fraction <= 1, CEPMAN_ERR_RANGE,
                "stability: the fraction is %g, must be above 0, at most 1", fraction);
    cepman_options *options = NULL;
    /* A selection counts its references in the matrix, whose numbers do not change. */
    cepman_matrix *rows = cepman_matrix_ref((cepman_matrix *)(uintptr_t)matrix);
    cepman_labels *labels[MOST] = {NULL};
    int64_t seed = 0, k = 0;
    s = kmeans ? cepman_options_copy(&options, ctx, kmeans) : cepman_kmeans_options_create(&options, ctx);
    if (!s) s = cepman_options_get_integer(options, ctx, "seed", &seed);
    if (!s) s = cepman_options_get_integer(options, ctx, "k", &k);
    double n = (double)cepman_matrix_rows(matrix), take = fmin(fmax(ceil(fraction * n), (double)k), n);
    for (size_t run = 0; !s && run < runs; run++) {
        cep_progress(ctx, "stability", run, runs);
        s = one_run(&labels[run], ctx, rows, options, seed, run, (size_t)take);
    }
    if (!s) cep_progress(ctx, "stability", runs, runs);
    if (!s) s = cepman_validity_agreement(out, ctx, (const cepman_labels *const *)labels, runs);
    for (size_t run = 0; run < runs; run++)
        cepman_labels_unref(labels[run]);
    cepman_matrix_unref(rows);
    cepman_options_unref(options);
    return s;
}
