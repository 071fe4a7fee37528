/* The network: its shape, its start, values forwards and gradients backwards.
 * Kingma and Welling, "Auto-encoding variational Bayes" (2014), appendix B: divergence -(1 + v - m^2 - e^v) / 2 for each
 * latent mean m and log variance v; start of ReLU layers by He, Zhang, Ren, Sun (2015).
 * Must not: multiply matrices on pool workers, or for longer than a cancel may wait. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "coder.h"
#include "linalg.h"

enum { ROWS = 16, DRAWS = 16384, TOUCHED = 1 << 22 }; /* TOUCHED: numbers between two polls */
static const float most_log_variance = 20;            /* exp stays finite and above 0 */

static void add(cep_vae_net *net, size_t in, size_t out, bool relu)
{
    net->layer[net->layers++] = (cep_vae_layer){in, out, net->parameters, relu};
    net->parameters += (in + 1) * out;
    if (out > net->widest) net->widest = out;
}

void cep_vae_net_shape(cep_vae_net *net, size_t features, size_t hidden_1, size_t hidden_2, size_t dims)
{
    const size_t inner = hidden_2 ? hidden_2 : hidden_1;
    memset(net, 0, sizeof *net);
    net->dims = dims;
    net->features = features;
    add(net, features, hidden_1, true);
    if (hidden_2) add(net, hidden_1, hidden_2, true);
    add(net, inner, 2 * dims, false);
    net->latent = net->layers;
    add(net, dims, inner, true);
    if (hidden_2) add(net, hidden_2, hidden_1, true);
    add(net, hidden_1, features, false);
}

typedef struct start {
    float *to;
    size_t count, first; /* first: number of the draw */
    double deviation;
    uint64_t seed;
} start;

static cepman_status draw(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    const start *t = argument;
    const size_t from = index * DRAWS, to = t->count - from < DRAWS ? t->count : from + DRAWS;
    for (size_t i = from; i < to; i++)
        t->to[i] = (float)(t->deviation * cep_random_normal(t->seed, CEP_VAE_WEIGHTS, t->first + i));
    return CEPMAN_OK;
}

cepman_status cep_vae_net_start(const cep_vae_net *net, cepman_context *ctx, uint64_t seed, float *parameters)
{
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && i < net->layers; i++) {
        const cep_vae_layer *l = net->layer + i;
        start t = {parameters + l->at, l->in * l->out, l->at, sqrt((l->relu ? 2.0 : 1.0) / (double)l->in),
                   seed};
        s = cep_parallel(ctx, NULL, (t.count + DRAWS - 1) / DRAWS, draw, &t);
        memset(parameters + l->at + t.count, 0, l->out * sizeof *parameters);
    }
    return s;
}

cepman_status cep_vae_work_create(cep_vae_work *w, cepman_context *ctx, const cep_vae_net *net, size_t rows,
                                  bool training)
{
    cep_memory *mem = cep_context_memory(ctx);
    memset(w, 0, sizeof *w);
    w->rows = rows;
    bool good = true;
    for (size_t i = 0; i < net->layers; i++)
        good &= (w->value[i] = cep_alloc(mem, rows, net->layer[i].out * sizeof(float))) != NULL;
    good &= (w->input = cep_alloc(mem, rows, net->features * sizeof(float))) != NULL;
    if (training) {
        good &= (w->sample = cep_alloc(mem, rows, net->dims * sizeof(float))) != NULL;
        good &= (w->normal = cep_alloc(mem, rows, net->dims * sizeof(float))) != NULL;
        good &= (w->slope = cep_alloc(mem, rows, net->widest * sizeof(float))) != NULL;
        good &= (w->spare = cep_alloc(mem, rows, net->widest * sizeof(float))) != NULL;
        good &= (w->errors = cep_alloc(mem, rows, sizeof(double))) != NULL;
    }
    return good ? CEPMAN_OK : cep_fail_memory(ctx, "auto-encoder batch", rows, net->widest * sizeof(float));
}

void cep_vae_work_free(cep_vae_work *w, cep_memory *mem)
{
    for (size_t i = 0; i < CEP_VAE_LAYERS; i++)
        cep_free(mem, w->value[i]);
    cep_free(mem, w->input);
    cep_free(mem, w->sample);
    cep_free(mem, w->normal);
    cep_free(mem, w->slope);
    cep_free(mem, w->spare);
    cep_free(mem, w->errors);
}

bool cep_vae_next_part(cep_vae_part *t, size_t m, size_t n, size_t k)
{
    const double most = CEP_VAE_SLICE / (double)k, side = sqrt(most);
    size_t rows = (double)m < side ? m : (size_t)side;
    if (most / (double)n > (double)rows) rows = most / (double)n < (double)m ? (size_t)(most / (double)n) : m;
    const size_t columns = most / (double)rows < (double)n ? (size_t)(most / (double)rows) : n;
    if (t->rows) t->j += t->columns;
    if (t->j >= n) {
        t->i += t->rows;
        t->j = 0;
    }
    t->rows = m - t->i < rows ? m - t->i : rows;
    t->columns = n - t->j < columns ? n - t->j : columns;
    return t->i < m;
}

/* c (m x n) = a (m x k) b', b of n x k. */
static cepman_status product(cepman_context *ctx, size_t m, size_t n, size_t k, const float *a,
                             const float *b, float *c)
{
    cepman_status s = CEPMAN_OK;
    for (cep_vae_part t = {0}; !s && cep_vae_next_part(&t, m, n, k); s = cep_poll(ctx))
        cep_linalg_gemm_f32(t.rows, t.columns, k, 1, a + t.i * k, k, b + t.j * k, k, true, 0,
                            c + t.i * n + t.j, n);
    return s;
}

/* c (m x n) = a' b, a of k x m, b of k x n. */
static cepman_status product_of_columns(cepman_context *ctx, size_t m, size_t n, size_t k, const float *a,
                                        const float *b, float *c)
{
    cepman_status s = CEPMAN_OK;
    for (cep_vae_part t = {0}; !s && cep_vae_next_part(&t, m, n, k); s = cep_poll(ctx))
        cep_linalg_gemm_tn_f32(t.rows, t.columns, k, a + t.i, m, b + t.j, n, c + t.i * n + t.j, n);
    return s;
}

cepman_status cep_vae_forward(const cep_vae_net *net, cepman_context *ctx, const float *parameters,
                              cep_vae_work *w, size_t first, size_t last, const float *input, size_t count)
{
    cepman_status s = CEPMAN_OK;
    for (size_t i = first; !s && i < last; i++) {
        const cep_vae_layer *l = net->layer + i;
        const float *weights = parameters + l->at, *bias = weights + l->in * l->out;
        for (cep_vae_part t = {0}; !s && cep_vae_next_part(&t, count, l->out, l->in); s = cep_poll(ctx)) {
            float *y = w->value[i] + t.i * l->out + t.j;
            for (size_t r = 0; r < t.rows; r++)
                memcpy(y + r * l->out, bias + t.j, t.columns * sizeof *y);
            cep_linalg_gemm_f32(t.rows, t.columns, l->in, 1, input + t.i * l->in, l->in, weights + t.j,
                                l->out, false, 1, y, l->out);
            for (size_t r = 0; l->relu && r < t.rows; r++)
                for (size_t j = 0; j < t.columns; j++)
                    y[r * l->out + j] = y[r * l->out + j] > 0 ? y[r * l->out + j] : 0;
        }
        input = w->value[i];
    }
    return s;
}

static float log_variance(float v)
{
    return v > most_log_variance ? most_log_variance : v < -most_log_variance ? -most_log_variance : v;
}

/* Samples of the latent rows, and their divergence. */
static double sample(const cep_vae_net *net, cep_vae_work *w, size_t count)
{
    const size_t k = net->dims;
    const float *latent = w->value[net->latent - 1];
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < k; j++) {
            const float m = latent[i * 2 * k + j], v = log_variance(latent[i * 2 * k + k + j]);
            w->sample[i * k + j] = m + expf(v / 2) * w->normal[i * k + j];
            sum += -0.5 * (1 + (double)v - (double)m * (double)m - exp((double)v));
        }
    return sum;
}

typedef struct comparison {
    const cep_vae_net *net;
    cep_vae_work *work;
    size_t count;
} comparison;

/* Errors of rows, and the slopes of their mean square. */
static cepman_status compare(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    const comparison *t = argument;
    const size_t d = t->net->features, end = (index + 1) * ROWS < t->count ? (index + 1) * ROWS : t->count;
    const float scale = (float)(2 / ((double)d * (double)t->count));
    for (size_t i = index * ROWS; i < end; i++) {
        const float *x = t->work->input + i * d, *y = t->work->value[t->net->layers - 1] + i * d;
        float *slope = t->work->slope + i * d;
        double lane[8] = {0};
        for (size_t j = 0; j < d; j++) {
            const float e = y[j] - x[j];
            slope[j] = scale * e;
            lane[j % 8] += (double)e * (double)e;
        }
        t->work->errors[i] =
            ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    }
    return CEPMAN_OK;
}

/* Slopes of the samples (rows x dims) become those of means and log variances, with the divergence's own. The bounds of
 * the log variance let slopes through, so that it can come back. */
static void unsample(const cep_vae_net *net, cep_vae_work *w, size_t count, double weight)
{
    const size_t k = net->dims;
    const float *latent = w->value[net->latent - 1], scale = (float)(weight / (double)count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < k; j++) {
            const float m = latent[i * 2 * k + j], v = log_variance(latent[i * 2 * k + k + j]);
            const float z = w->slope[i * k + j], half = expf(v / 2);
            w->spare[i * 2 * k + j] = z + scale * m;
            w->spare[i * 2 * k + k + j] =
                0.5f * (z * w->normal[i * k + j] * half + scale * (half * half - 1));
        }
    float *swap = w->slope;
    w->slope = w->spare;
    w->spare = swap;
}

/* One layer back: w->slope is of its output, then of its input (unless it is the first). */
static cepman_status back(const cep_vae_net *net, cepman_context *ctx, const float *parameters,
                          cep_vae_work *w, size_t i, size_t count, float *gradient)
{
    const cep_vae_layer *l = net->layer + i;
    const float *input = i == 0 ? w->input : i == net->latent ? w->sample : w->value[i - 1];
    float *bias = gradient + l->at + l->in * l->out, *slope = w->slope;
    cepman_status s = CEPMAN_OK;
    memset(bias, 0, l->out * sizeof *bias);
    for (size_t r = 0, step = TOUCHED / l->out + 1; !s && r < count; r++) {
        float *row = slope + r * l->out;
        const float *value = w->value[i] + r * l->out;
        for (size_t j = 0; l->relu && j < l->out; j++)
            row[j] = value[j] > 0 ? row[j] : 0;
        for (size_t j = 0; j < l->out; j++)
            bias[j] += row[j];
        if ((r + 1) % step == 0) s = cep_poll(ctx);
    }
    if (!s) s = product_of_columns(ctx, l->in, l->out, count, input, slope, gradient + l->at);
    if (s || i == 0) return s;
    s = product(ctx, count, l->in, l->out, slope, parameters + l->at, w->spare);
    w->slope = w->spare;
    w->spare = slope;
    return s;
}

cepman_status cep_vae_loss(const cep_vae_net *net, cepman_context *ctx, const float *parameters,
                           cep_vae_work *w, size_t count, double weight, float *gradient,
                           double *reconstruction, double *divergence)
{
    comparison t = {net, w, count};
    double sum = 0;
    cepman_status s = cep_vae_forward(net, ctx, parameters, w, 0, net->latent, w->input, count);
    if (s) return s;
    const double apart = sample(net, w, count);
    s = cep_vae_forward(net, ctx, parameters, w, net->latent, net->layers, w->sample, count);
    if (!s) s = cep_parallel(ctx, NULL, (count + ROWS - 1) / ROWS, compare, &t);
    for (size_t i = net->layers; !s && i > 0; i--) {
        s = back(net, ctx, parameters, w, i - 1, count, gradient);
        if (i - 1 == net->latent && !s) unsample(net, w, count, weight);
    }
    for (size_t i = 0; !s && i < count; i++)
        sum += w->errors[i];
    if (s) return s;
    *reconstruction = sum / (double)net->features;
    *divergence = apart;
    return CEPMAN_OK;
}
