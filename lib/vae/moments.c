/* Scaling of rows on their way into the network: means and deviations of columns, and scaled batches.
 * Sums in float64 over pieces of rows, added in their order; the deviation from a second pass.
 * Must not: divide by a deviation that is only rounding; such a column counts 0. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "coder.h"

enum { PIECE = 64, PIECES = 32 }; /* rows of a piece, pieces in flight */

typedef struct summing {
    const cepman_matrix *matrix;
    size_t n, d, first;
    const double *mean; /* NULL: sums, else sums of squares about it */
    float *rows;        /* a row for each worker */
    double *parts;      /* PIECES x d */
} summing;

cepman_status cep_vae_check_row(cep_fault *fault, const float *row, size_t d, size_t number)
{
    uint32_t bad = 0;
    for (size_t j = 0; j < d; j++) {
        uint32_t bits;
        memcpy(&bits, row + j, sizeof bits);
        bad |= (uint32_t)((bits & 0x7f800000u) == 0x7f800000u);
    }
    if (bad)
        return cep_fault_set(fault, CEPMAN_ERR_DATA, "auto-encoder: row %zu has a value that is not finite",
                             number);
    return CEPMAN_OK;
}

static cepman_status sum_piece(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    const summing *t = argument;
    const size_t d = t->d, from = t->first + index * PIECE, to = from + PIECE < t->n ? from + PIECE : t->n;
    double *sum = t->parts + index * d;
    float *row = t->rows + worker * d;
    for (size_t j = 0; j < d; j++)
        sum[j] = 0;
    for (size_t i = from; i < to; i++) {
        cepman_status s = cep_matrix_fetch(t->matrix, fault, i, 1, row, d);
        if (!s && !t->mean) s = cep_vae_check_row(fault, row, d, i);
        if (s) return s;
        for (size_t j = 0; j < d; j++) {
            const double x = (double)row[j] - (t->mean ? t->mean[j] : 0);
            sum[j] += t->mean ? x * x : x;
        }
    }
    return CEPMAN_OK;
}

static cepman_status pass(summing *t, cepman_context *ctx, double *total)
{
    cepman_status s = CEPMAN_OK;
    for (size_t j = 0; j < t->d; j++)
        total[j] = 0;
    for (t->first = 0; !s && t->first < t->n; t->first += (size_t)PIECE * PIECES) {
        const size_t left = (t->n - t->first + PIECE - 1) / PIECE, count = left < PIECES ? left : PIECES;
        s = cep_parallel(ctx, NULL, count, sum_piece, t);
        for (size_t i = 0; !s && i < count; i++)
            for (size_t j = 0; j < t->d; j++)
                total[j] += t->parts[i * t->d + j];
    }
    return s;
}

static void scales(cep_vae_scale *x, size_t n, size_t d, cep_vae_scaling how)
{
    double all = 0;
    for (size_t j = 0; j < d; j++) {
        double deviation = sqrt(x->scale[j] / (double)n);
        if (!(deviation > 1e-12 * fabs(x->mean[j]))) deviation = 0;
        x->scale[j] = deviation;
        all += deviation * deviation / (double)d;
    }
    for (size_t j = 0; j < d; j++) {
        if (how == CEP_VAE_NONE) {
            x->mean[j] = 0;
            x->scale[j] = 1;
        } else if (how == CEP_VAE_GLOBAL && x->scale[j] > 0) {
            x->scale[j] = sqrt(all);
        }
        x->inverse[j] = x->scale[j] > 0 ? 1 / x->scale[j] : 0;
    }
}

cepman_status cep_vae_scale_fit(cep_vae_scale *x, cepman_context *ctx, const cepman_matrix *matrix,
                                cep_vae_scaling how)
{
    cep_memory *mem = cep_context_memory(ctx);
    summing t = {.matrix = matrix, .n = cepman_matrix_rows(matrix), .d = cepman_matrix_columns(matrix)};
    x->mean = cep_alloc(mem, t.d, sizeof *x->mean);
    x->scale = cep_alloc(mem, t.d, sizeof *x->scale);
    x->inverse = cep_alloc(mem, t.d, sizeof *x->inverse);
    t.rows = cep_alloc(mem, cep_workers(ctx), t.d * sizeof *t.rows);
    t.parts = cep_alloc(mem, PIECES, t.d * sizeof *t.parts);
    cepman_status s = CEPMAN_OK;
    if (!x->mean || !x->scale || !x->inverse || !t.rows || !t.parts)
        s = cep_fail_memory(ctx, "auto-encoder scaling", PIECES, t.d * sizeof *t.parts);
    if (!s) s = pass(&t, ctx, x->mean);
    for (size_t j = 0; !s && j < t.d; j++)
        x->mean[j] /= (double)t.n;
    t.mean = x->mean;
    if (!s) s = pass(&t, ctx, x->scale);
    if (!s) scales(x, t.n, t.d, how);
    cep_free(mem, t.rows);
    cep_free(mem, t.parts);
    return s;
}

void cep_vae_scale_free(cep_vae_scale *x, cep_memory *mem)
{
    cep_free(mem, x->mean);
    cep_free(mem, x->scale);
    cep_free(mem, x->inverse);
}

typedef struct scaling {
    const cep_vae_scale *scale;
    const cepman_matrix *matrix;
    const size_t *rows;
    size_t first, count;
    float *to;
} scaling;

static cepman_status scale_piece(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    const scaling *t = argument;
    const size_t d = cepman_matrix_columns(t->matrix), end = (index + 1) * 16;
    for (size_t i = index * 16; i < end && i < t->count; i++) {
        const size_t number = t->rows ? t->rows[i] : t->first + i;
        float *row = t->to + i * d;
        cepman_status s = cep_matrix_fetch(t->matrix, fault, number, 1, row, d);
        if (!s) s = cep_vae_check_row(fault, row, d, number);
        if (s) return s;
        for (size_t j = 0; j < d; j++)
            row[j] = (float)(((double)row[j] - t->scale->mean[j]) * t->scale->inverse[j]);
    }
    return CEPMAN_OK;
}

cepman_status cep_vae_scale_rows(const cep_vae_scale *scale, cepman_context *ctx, const cepman_matrix *matrix,
                                 const size_t *rows, size_t first, size_t count, float *to)
{
    scaling t = {scale, matrix, rows, first, count, to};
    return cep_parallel(ctx, NULL, (count + 15) / 16, scale_piece, &t);
}
