/* Numbers per detector pixel over all frames: mean, standard deviation, maximum; and the direct beam in the mean.
 * Sums in float64 of differences from the pixel's first valid value (Chan, Golub, LeVeque, Am. Stat. 37 (1983) 242).
 * Must not: count masked or non-finite pixels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

typedef struct tally {
    const cep_frames *f;
    double *sum, *square; /* of differences from first */
    float *first, *most;
    uint64_t *count;
} tally;

static void visit_tally(void *argument, size_t start, size_t count, const float *values, size_t from,
                        size_t to)
{
    (void)start;
    tally *t = argument;
    for (size_t i = 0; i < count; i++) {
        const float *frame = values + i * t->f->pixels;
        for (size_t p = from; p < to; p++) {
            float v = frame[p];
            if (!cep_is_finite(v)) continue;
            if (t->count[p] == 0) t->first[p] = t->most[p] = v;
            double difference = (double)v - (double)t->first[p];
            t->sum[p] += difference;
            t->square[p] += difference * difference;
            t->count[p]++;
            if (v > t->most[p]) t->most[p] = v;
        }
    }
}

cepman_status cepman_maps_statistics(float *mean, float *deviation, float *maximum, cepman_context *ctx,
                                     cepman_dataset *dataset)
{
    cep_frames f;
    cepman_status s = cep_enter(ctx);
    if (s || (s = cep_frames_open(&f, ctx, dataset, "statistics of frames"))) return s;
    tally t = {.f = &f};
    t.sum = cep_alloc_zero(f.mem, f.pixels, sizeof *t.sum);
    t.square = cep_alloc_zero(f.mem, f.pixels, sizeof *t.square);
    t.first = cep_alloc_zero(f.mem, f.pixels, sizeof *t.first);
    t.most = cep_alloc_zero(f.mem, f.pixels, sizeof *t.most);
    t.count = cep_alloc_zero(f.mem, f.pixels, sizeof *t.count);
    if (!t.sum || !t.square || !t.first || !t.most || !t.count)
        s = cep_fail_memory(ctx, "statistics of frames", f.pixels, 4 * sizeof *t.sum);
    else
        s = cep_frames_batches(&f, "statistics", visit_tally, &t);
    for (size_t p = 0; !s && p < f.pixels; p++) {
        bool valid = t.count[p] > 0 && !(f.mask && f.mask[p]);
        double n = valid ? (double)t.count[p] : 1, shift = t.sum[p] / n,
               variance = t.square[p] / n - shift * shift;
        if (mean) mean[p] = valid ? (float)((double)t.first[p] + shift) : 0;
        if (deviation) deviation[p] = valid && variance > 0 ? (float)sqrt(variance) : 0;
        if (maximum) maximum[p] = valid ? t.most[p] : 0;
    }
    cep_free(f.mem, t.sum);
    cep_free(f.mem, t.square);
    cep_free(f.mem, t.first);
    cep_free(f.mem, t.most);
    cep_free(f.mem, t.count);
    return s;
}

/* ---- the direct beam ---------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

typedef struct disk {
    double y, x, area;
} disk;

/* Mean over the 3 x 3 neighbours that are in the frame and valid. */
static float smooth(const cep_frames *f, const float *image, size_t r, size_t c)
{
    double sum = 0, n = 0;
    for (size_t y = r ? r - 1 : 0; y <= r + 1 && y < f->height; y++)
        for (size_t x = c ? c - 1 : 0; x <= c + 1 && x < f->width; x++) {
            size_t i = y * f->width + x;
            if (f->mask && f->mask[i]) continue;
            sum += (double)image[i];
            n++;
        }
    return n > 0 ? (float)(sum / n) : 0;
}

/* Pixels above `threshold` that hang together with `start`: number, and centre weighted by what is above `base`.
 * stack: room for all pixels; seen: zeros. */
static disk grow(const cep_frames *f, const float *image, size_t start, double threshold, double base,
                 size_t *stack, uint8_t *seen)
{
    disk d = {0, 0, 0};
    double weight = 0;
    size_t depth = 0;
    stack[depth++] = start;
    seen[start] = 1;
    while (depth) {
        size_t i = stack[--depth], r = i / f->width, c = i % f->width;
        double v = fmax((double)image[i] - base, 0);
        d.area++;
        d.y += v * (double)r;
        d.x += v * (double)c;
        weight += v;
        size_t next[4] = {r ? i - f->width : i, r + 1 < f->height ? i + f->width : i, c ? i - 1 : i,
                          c + 1 < f->width ? i + 1 : i};
        for (int k = 0; k < 4; k++)
            if (!seen[next[k]] && (double)image[next[k]] > threshold) {
                seen[next[k]] = 1;
                stack[depth++] = next[k];
            }
    }
    if (weight > 0) {
        d.y /= weight;
        d.x /= weight;
    } else {
        d.y = (double)(start / f->width);
        d.x = (double)(start % f->width);
    }
    return d;
}

cepman_status cepman_maps_beam(double *centre_y, double *centre_x, double *radius, cepman_context *ctx,
                               cepman_dataset *dataset)
{
    cep_frames f;
    cepman_status s = cep_enter(ctx);
    if (s || (s = cep_frames_open(&f, ctx, dataset, "direct beam"))) return s;
    float *mean = cep_alloc(f.mem, f.pixels, sizeof *mean),
          *sorted = cep_alloc(f.mem, f.pixels, sizeof *sorted);
    size_t *stack = cep_alloc(f.mem, f.pixels, sizeof *stack);
    uint8_t *seen = cep_alloc_zero(f.mem, f.pixels, 1);
    if (!mean || !sorted || !stack || !seen)
        s = cep_fail_memory(ctx, "direct beam", f.pixels, sizeof *stack + 2 * sizeof *mean + 1);
    else
        s = cepman_maps_statistics(mean, NULL, NULL, ctx, dataset);
    if (!s) {
        /* The background is the median; the beam is what stands above half of the brightest place of 3 x 3 pixels, or
         * of its brightest pixel when the disk is smaller than that. */
        memcpy(sorted, mean, f.pixels * sizeof *sorted);
        qsort(sorted, f.pixels, sizeof *sorted, by_value);
        double base = (double)sorted[f.pixels / 2], peak = -HUGE_VAL;
        size_t at = 0;
        for (size_t i = 0; i < f.pixels; i++) {
            double v = (double)smooth(&f, mean, i / f.width, i % f.width);
            if ((f.mask && f.mask[i]) || v <= peak) continue;
            peak = v;
            at = i;
        }
        size_t brightest = at;
        for (size_t y = at / f.width ? at / f.width - 1 : 0; y <= at / f.width + 1 && y < f.height; y++)
            for (size_t x = at % f.width ? at % f.width - 1 : 0; x <= at % f.width + 1 && x < f.width; x++)
                if (mean[y * f.width + x] > mean[brightest]) brightest = y * f.width + x;
        if (!(peak > base)) base = (double)sorted[0];
        if (!(peak > base)) {
            s = cep_fail(ctx, CEPMAN_ERR_DATA, "direct beam: the mean frame is the same everywhere (%g)",
                         base);
        } else {
            disk d = grow(&f, mean, brightest, base + 0.5 * (peak - base), base, stack, seen);
            if (centre_y) *centre_y = d.y;
            if (centre_x) *centre_x = d.x;
            if (radius) *radius = sqrt(d.area / 3.141592653589793);
        }
    }
    cep_free(f.mem, mean);
    cep_free(f.mem, sorted);
    cep_free(f.mem, stack);
    cep_free(f.mem, seen);
    return s;
}
