/* What a sample of the scan tells: its background counts and its direct beam.
 * The offset of the logarithm should not exceed the background by much, or it hides the weak reflections; the
 * lower quartile of the mean frame is background in nanobeam patterns. Must not: depend on threads or chance.
 */
#include <float.h>
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

/* Sum over the pixels of the square of half side `half` around (y, x), as far as the frame has them. */
static double square(const double *sums, size_t h, size_t w, size_t y, size_t x, size_t half)
{
    size_t top = y > half ? y - half : 0, bottom = y + half + 1 < h ? y + half + 1 : h;
    size_t left = x > half ? x - half : 0, right = x + half + 1 < w ? x + half + 1 : w;
    const double *a = sums + top * (w + 1), *b = sums + bottom * (w + 1);
    return b[right] - b[left] - a[right] + a[left];
}

void cep_find_beam(double *out_y, double *out_x, const float *frame, size_t h, size_t w, size_t stride,
                   double near_y, double near_x, double within, double *sums)
{
    const bool somewhere = isnan(near_y) || isnan(near_x);
    const double from_y = somewhere ? ((double)h - 1) / 2 : near_y;
    const double from_x = somewhere ? ((double)w - 1) / 2 : near_x;
    const size_t side = h < w ? h : w, half = side / 32 > 1 ? side / 32 : 1;
    /* Summed-area table: row y, column x holds the sum of the pixels above and to the left. */
    for (size_t x = 0; x <= w; x++)
        sums[x] = 0;
    for (size_t y = 0; y < h; y++) {
        double row = 0;
        sums[(y + 1) * (w + 1)] = 0;
        for (size_t x = 0; x < w; x++) {
            row += (double)frame[y * stride + x];
            sums[(y + 1) * (w + 1) + x + 1] = sums[y * (w + 1) + x + 1] + row;
        }
    }
    double best = -1, best_distance = 0, cy = from_y, cx = from_x;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            double d = hypot((double)y - from_y, (double)x - from_x);
            if (!somewhere && d > within) continue;
            double s = square(sums, h, w, y, x, half);
            if (s > best || (s == best && d < best_distance)) {
                best = s;
                best_distance = d;
                cy = (double)y;
                cx = (double)x;
            }
        }
    /* Centre of mass of the disk, moved a few times to where it was found. */
    const double reach = 2 * (double)half + 1;
    for (int turn = 0; turn < 4; turn++) {
        double mass = 0, my = 0, mx = 0;
        size_t top = cy > reach ? (size_t)(cy - reach) : 0, left = cx > reach ? (size_t)(cx - reach) : 0;
        for (size_t y = top; y < h && (double)y <= cy + reach; y++)
            for (size_t x = left; x < w && (double)x <= cx + reach; x++) {
                if (hypot((double)y - cy, (double)x - cx) > reach) continue;
                double v = (double)frame[y * stride + x];
                mass += v;
                my += v * (double)y;
                mx += v * (double)x;
            }
        if (!(mass > 0)) break;
        cy = my / mass;
        cx = mx / mass;
    }
    *out_y = cy;
    *out_x = cx;
}

/* Adds the valid pixels of a frame to sum and counts. */
static void add_frame(double *sum, uint32_t *counts, const float *frame, const uint8_t *mask, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        float v = frame[i];
        if ((mask && mask[i]) || !(fabsf(v) <= FLT_MAX)) continue;
        sum[i] += v > 0 ? (double)v : 0;
        counts[i]++;
    }
}

typedef struct buffers {
    double *sum, *sums;
    uint32_t *counts;
    float *frame, *means; /* means: those of the valid pixels */
    unsigned char *raw;
} buffers;

static cepman_status read_mean(buffers *b, cepman_context *ctx, cepman_dataset *dataset, size_t available,
                               size_t pixels)
{
    const uint8_t *mask = cepman_dataset_mask(dataset);
    const size_t n = available < SAMPLES ? available : SAMPLES;
    for (size_t i = 0; i < n; i++) {
        cepman_status s = cep_poll(ctx);
        if (s) return s;
        /* The middles of n equal parts of the scan. */
        size_t frame = available / n * i + (available % n) * i / n + available / n / 2;
        cep_fault fault;
        s = cep_dataset_read(dataset, &fault, frame, 1, b->raw);
        if (s) return cep_fail_fault(ctx, &fault);
        cep_type_to_f32(cepman_dataset_type(dataset), b->raw, b->frame, pixels);
        add_frame(b->sum, b->counts, b->frame, mask, pixels);
    }
    return CEPMAN_OK;
}

static cepman_status measure(cep_sample *out, buffers *b, cepman_context *ctx, cepman_dataset *dataset,
                             size_t available)
{
    const size_t h = cepman_dataset_height(dataset), w = cepman_dataset_width(dataset), pixels = h * w;
    cepman_status s = read_mean(b, ctx, dataset, available, pixels);
    if (s) return s;
    size_t valid = 0;
    for (size_t i = 0; i < pixels; i++) {
        b->frame[i] = 0;
        if (b->counts[i] == 0) continue;
        double mean = b->sum[i] / b->counts[i];
        b->frame[i] = b->means[valid++] = (float)mean;
    }
    CEP_REQUIRE(ctx, valid > 0, CEPMAN_ERR_DATA,
                "none of the sampled frames has a valid pixel (all are NaN, infinite or masked)");
    out->background = cep_background(b->means, valid);
    cep_find_beam(&out->beam_y, &out->beam_x, b->frame, h, w, w, (double)NAN, (double)NAN, 0, b->sums);
    return CEPMAN_OK;
}

cepman_status cep_sample_scan(cep_sample *out, cepman_context *ctx, cepman_dataset *dataset)
{
    const size_t available = cepman_dataset_available(dataset);
    *out = (cep_sample){(double)NAN, (double)NAN, (double)NAN};
    if (available == 0) return CEPMAN_OK;
    const size_t h = cepman_dataset_height(dataset), w = cepman_dataset_width(dataset), pixels = h * w;
    cep_memory *mem = cep_context_memory(ctx);
    buffers b = {
        cep_alloc_zero(mem, pixels, sizeof(double)),   cep_alloc(mem, (h + 1) * (w + 1), sizeof(double)),
        cep_alloc_zero(mem, pixels, sizeof(uint32_t)), cep_alloc(mem, pixels, sizeof(float)),
        cep_alloc(mem, pixels, sizeof(float)),         cep_alloc(mem, 1, cep_dataset_frame_bytes(dataset)),
    };
    cepman_status s = b.sum && b.sums && b.counts && b.frame && b.means && b.raw
                          ? measure(out, &b, ctx, dataset, available)
                          : cep_fail_memory(ctx, "sample of the scan", pixels, 2 * sizeof(double) + 8);
    cep_free(mem, b.sum);
    cep_free(mem, b.sums);
    cep_free(mem, b.counts);
    cep_free(mem, b.frame);
    cep_free(mem, b.means);
    cep_free(mem, b.raw);
    return s;
}
