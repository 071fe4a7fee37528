/* Training: passes over the rows in a drawn order, batch by batch, and Adam's steps.
 * Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1, with its constants.
 * Must not: let a draw depend on anything but seed, pass and row. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "coder.h"

enum { PIECE = 16384 };

typedef struct adam {
    float *parameters, *gradient, *mean, *square;
    size_t count;
    float rate, correction; /* rate over mean's correction; 1 over the root of the square's */
} adam;

/* Averages that nobody feeds any more are cut off before they become subnormal, which is slow. */
static cepman_status step_piece(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    const adam *t = argument;
    const size_t at = index * PIECE, count = t->count - at < PIECE ? t->count - at : PIECE;
    float *restrict p = t->parameters + at, *restrict m = t->mean + at, *restrict v = t->square + at;
    const float *restrict g = t->gradient + at;
    const float rate = t->rate, correction = t->correction;
    for (size_t i = 0; i < count; i++) {
        const float mean = 0.9f * m[i] + 0.1f * g[i], square = 0.999f * v[i] + 0.001f * (g[i] * g[i]);
        m[i] = fabsf(mean) < 1e-30f ? 0 : mean;
        v[i] = square < 1e-36f ? 0 : square;
        p[i] -= rate * m[i] / (sqrtf(v[i]) * correction + 1e-8f);
    }
    return CEPMAN_OK;
}

/* Averages begin at 0. In pieces, as all else: the first touch of large memory takes its time. */
static cepman_status clear_piece(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    const adam *t = argument;
    const size_t at = index * PIECE, count = t->count - at < PIECE ? t->count - at : PIECE;
    memset(t->mean + at, 0, count * sizeof *t->mean);
    memset(t->square + at, 0, count * sizeof *t->square);
    memset(t->gradient + at, 0, count * sizeof *t->gradient);
    return CEPMAN_OK;
}

static cepman_status step(cepman_context *ctx, adam *t, size_t number, double rate)
{
    t->rate = (float)(rate / (1 - pow(0.9, (double)number)));
    t->correction = (float)(1 / sqrt(1 - pow(0.999, (double)number)));
    return cep_parallel(ctx, NULL, (t->count + PIECE - 1) / PIECE, step_piece, t);
}

/* Fisher and Yates, from the order of the last pass. */
static cepman_status shuffle(cepman_context *ctx, size_t *order, size_t n, uint64_t seed, size_t epoch)
{
    cepman_status s = CEPMAN_OK;
    for (size_t i = n - 1; !s && i > 0; i--) {
        const size_t j =
            (size_t)cep_random_below(seed, CEP_VAE_ORDER, (uint64_t)epoch * n + i, (uint64_t)i + 1);
        const size_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
        if (i % 1048576 == 0) s = cep_poll(ctx);
    }
    return s;
}

typedef struct training {
    const cep_vae_net *net;
    cepman_context *ctx;
    const cep_vae_scale *scale;
    const cepman_matrix *matrix;
    const cep_vae_plan *plan;
    size_t n, batches, steps; /* steps: taken so far */
    size_t *order;
    cep_vae_work work;
    adam adam;
} training;

static cepman_status batch(training *t, size_t epoch, const size_t *rows, size_t count, double *errors,
                           double *divergence)
{
    const size_t k = t->net->dims;
    cepman_status s = cep_vae_scale_rows(t->scale, t->ctx, t->matrix, rows, 0, count, t->work.input);
    for (size_t i = 0; !s && i < count; i++)
        for (size_t j = 0; j < k; j++)
            t->work.normal[i * k + j] = (float)cep_random_normal(t->plan->seed, CEP_VAE_SAMPLE,
                                                                 ((uint64_t)epoch * t->n + rows[i]) * k + j);
    const double weight = 2 * t->plan->beta / (double)t->net->features;
    if (!s)
        s = cep_vae_loss(t->net, t->ctx, t->adam.parameters, &t->work, count, weight, t->adam.gradient,
                         errors, divergence);
    if (!s && !isfinite(*errors + *divergence))
        s = cep_fail(
            t->ctx, CEPMAN_ERR_NUMERIC,
            "auto-encoder: the loss is not finite in pass %zu; scale the rows or lower learning-rate, "
            "%g",
            epoch, t->plan->rate);
    return s ? s : step(t->ctx, &t->adam, ++t->steps, t->plan->rate);
}

static cepman_status passes(training *t, double *reconstruction, double *divergence)
{
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; i < t->n; i++)
        t->order[i] = i;
    for (size_t e = 0; !s && e < t->plan->epochs; e++) {
        double sums[2] = {0, 0};
        s = shuffle(t->ctx, t->order, t->n, t->plan->seed, e);
        for (size_t b = 0, from = 0, to; !s && b < t->batches; b++, from = to) {
            double errors = 0, apart = 0;
            to = from + t->n / t->batches + (b < t->n % t->batches);
            s = batch(t, e, t->order + from, to - from, &errors, &apart);
            sums[0] += errors;
            sums[1] += apart;
            if (!s)
                cep_progress(t->ctx, "vae", (uint64_t)e * t->batches + b + 1,
                             (uint64_t)t->plan->epochs * t->batches);
            if (!s) s = cep_poll(t->ctx);
        }
        reconstruction[e] = sums[0] / (double)t->n;
        divergence[e] = sums[1] / (double)t->n;
    }
    return s;
}

cepman_status cep_vae_train(const cep_vae_net *net, cepman_context *ctx, const cep_vae_scale *scale,
                            const cepman_matrix *matrix, const cep_vae_plan *plan, float *parameters,
                            double *reconstruction, double *divergence)
{
    cep_memory *mem = cep_context_memory(ctx);
    training t = {.net = net, .ctx = ctx, .scale = scale, .matrix = matrix, .plan = plan};
    t.n = cepman_matrix_rows(matrix);
    t.batches = (t.n + plan->batch - 1) / plan->batch;
    t.adam.parameters = parameters;
    t.adam.count = net->parameters;
    t.order = cep_alloc(mem, t.n, sizeof *t.order);
    t.adam.gradient = cep_alloc(mem, net->parameters, sizeof(float));
    t.adam.mean = cep_alloc(mem, net->parameters, sizeof(float));
    t.adam.square = cep_alloc(mem, net->parameters, sizeof(float));
    cepman_status s = CEPMAN_OK;
    if (!t.order || !t.adam.gradient || !t.adam.mean || !t.adam.square)
        s = cep_fail_memory(ctx, "auto-encoder training", net->parameters, 3 * sizeof(float));
    if (!s) s = cep_vae_work_create(&t.work, ctx, net, plan->batch < t.n ? plan->batch : t.n, true);
    if (!s) s = cep_parallel(ctx, NULL, (t.adam.count + PIECE - 1) / PIECE, clear_piece, &t.adam);
    if (!s) s = passes(&t, reconstruction, divergence);
    cep_vae_work_free(&t.work, mem);
    cep_free(mem, t.order);
    cep_free(mem, t.adam.gradient);
    cep_free(mem, t.adam.mean);
    cep_free(mem, t.adam.square);
    return s;
}
