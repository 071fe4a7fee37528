/* The direct beam of a frame, and the mean of a sample of frames to find it in.
 * The square of pixels that holds most, then centres of mass of a disk about it. The sample is the middles of equal parts
 * of the scan. Must not: depend on threads or chance. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "dataset.h"

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

static cepman_status add_frames(double *sum, uint32_t *counts, float *frame, unsigned char *raw,
                                cepman_context *ctx, cepman_dataset *dataset, size_t n)
{
    const size_t pixels = cepman_dataset_height(dataset) * cepman_dataset_width(dataset);
    const size_t available = cepman_dataset_available(dataset);
    if (n > available) n = available;
    for (size_t i = 0; i < n; i++) {
        cepman_status s = cep_poll(ctx);
        if (s) return s;
        size_t number = available / n * i + (available % n) * i / n + available / n / 2;
        cep_fault fault;
        s = cep_dataset_read(dataset, &fault, number, 1, raw);
        if (s) return cep_fail_fault(ctx, &fault);
        cep_type_to_f32(cepman_dataset_type(dataset), raw, frame, pixels);
        add_frame(sum, counts, frame, cepman_dataset_mask(dataset), pixels);
    }
    return CEPMAN_OK;
}

cepman_status cep_dataset_sample_mean(float *mean, uint32_t *counts, cepman_context *ctx,
                                      cepman_dataset *dataset, size_t samples)
{
    const size_t pixels = cepman_dataset_height(dataset) * cepman_dataset_width(dataset);
    cep_memory *mem = cep_context_memory(ctx);
    double *sum = cep_alloc_zero(mem, pixels, sizeof *sum);
    unsigned char *raw = cep_alloc(mem, 1, cep_dataset_frame_bytes(dataset));
    memset(counts, 0, pixels * sizeof *counts);
    cepman_status s = sum && raw ? add_frames(sum, counts, mean, raw, ctx, dataset, samples)
                                 : cep_fail_memory(ctx, "mean of a sample", pixels, 2 * sizeof *sum);
    for (size_t i = 0; !s && i < pixels; i++)
        mean[i] = counts[i] ? (float)(sum[i] / counts[i]) : 0;
    cep_free(mem, sum);
    cep_free(mem, raw);
    return s;
}
