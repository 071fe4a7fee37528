/* What a sample of the scan tells: its background counts and its direct beam.
 * The offset of the logarithm should not exceed the background by much, or it hides the weak reflections; the
 * lower quartile of the mean frame is background in nanobeam patterns. Must not: depend on threads or chance.
 */
#include <math.h>

#include "internal.h"

#define SAMPLES 64

double cep_background(float *values, size_t count)
{
    double mean = 0;
    for (size_t i = 0; i < count; i++)
        mean += (double)values[i];
    mean /= (double)(count ? count : 1);
    if (!(mean > 0)) return 1;
    double quartile = (double)cep_select(values, count, (count - 1) / 4);
    const double background = quartile > mean / 100 ? quartile : mean / 100;
    return background < CEP_OFFSET_MOST ? background : CEP_OFFSET_MOST;
}

typedef struct buffers {
    float *mean, *valid; /* valid: those of the pixels that have a mean */
    uint32_t *counts;
    double *sums;
} buffers;

static cepman_status measure(cep_sample *out, buffers *b, cepman_context *ctx, cepman_dataset *dataset)
{
    const size_t h = cepman_dataset_height(dataset), w = cepman_dataset_width(dataset), pixels = h * w;
    cepman_status s = cep_dataset_sample_mean(b->mean, b->counts, ctx, dataset, SAMPLES);
    if (s) return s;
    size_t valid = 0;
    for (size_t i = 0; i < pixels; i++)
        if (b->counts[i]) b->valid[valid++] = b->mean[i];
    CEP_REQUIRE(ctx, valid > 0, CEPMAN_ERR_DATA,
                "none of the sampled frames has a valid pixel (all are NaN, infinite or masked)");
    out->background = cep_background(b->valid, valid);
    cep_find_beam(&out->beam_y, &out->beam_x, b->mean, h, w, w, (double)NAN, (double)NAN, 0, b->sums);
    return CEPMAN_OK;
}

cepman_status cep_sample_scan(cep_sample *out, cepman_context *ctx, cepman_dataset *dataset)
{
    *out = (cep_sample){(double)NAN, (double)NAN, (double)NAN};
    if (cepman_dataset_available(dataset) == 0) return CEPMAN_OK;
    const size_t h = cepman_dataset_height(dataset), w = cepman_dataset_width(dataset), pixels = h * w;
    cep_memory *mem = cep_context_memory(ctx);
    buffers b = {cep_alloc(mem, pixels, sizeof(float)), cep_alloc(mem, pixels, sizeof(float)),
                 cep_alloc(mem, pixels, sizeof(uint32_t)), cep_alloc(mem, (h + 1) * (w + 1), sizeof(double))};
    cepman_status s = b.mean && b.valid && b.counts && b.sums
                          ? measure(out, &b, ctx, dataset)
                          : cep_fail_memory(ctx, "sample of the scan", pixels, 2 * sizeof(double) + 8);
    cep_free(mem, b.mean);
    cep_free(mem, b.valid);
    cep_free(mem, b.counts);
    cep_free(mem, b.sums);
    return s;
}
