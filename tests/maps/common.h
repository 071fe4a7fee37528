/* What the tests of maps/ share: random scans as the library and as naive loops see them. */
#ifndef MAPS_COMMON_H
#define MAPS_COMMON_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "maps.h"
#include "support.h"

/* A scan in memory, as floats for the naive loops and in its own type for the library. */
typedef struct scan {
    size_t rows, columns, height, width;
    cepman_type type;
    float *values;
    void *raw;
    uint8_t *mask;
    cepman_dataset *dataset;
} scan;

static inline size_t frames_of(const scan *s)
{
    return s->rows * s->columns;
}

static inline size_t pixels_of(const scan *s)
{
    return s->height * s->width;
}

static inline scan make_scan(cepman_context *ctx, size_t rows, size_t columns, size_t height, size_t width,
                             cepman_type type, bool masked)
{
    scan s = {rows, columns, height, width, type, NULL, NULL, NULL, NULL};
    size_t n = frames_of(&s) * pixels_of(&s);
    support_random r = {rows + 7 * columns + 31 * height + (uint64_t)type};
    s.values = malloc(n * sizeof *s.values);
    s.raw = malloc(n * 8);
    for (size_t i = 0; i < n; i++) {
        float v = (float)floor(1000 * support_uniform(&r));
        if (type == CEPMAN_TYPE_F32) {
            v = v / 16 - 3;
            double u = support_uniform(&r);
            if (u < 0.01) v = NAN;
            if (u > 0.99) v = u > 0.995 ? INFINITY : -INFINITY;
            /* One pixel is never valid. */
            if (pixels_of(&s) > 3 && i % pixels_of(&s) == 2) v = NAN;
            ((float *)s.raw)[i] = v;
        } else {
            ((uint16_t *)s.raw)[i] = (uint16_t)v;
        }
        s.values[i] = v;
    }
    cepman_dataset *whole = NULL;
    assert_good(ctx, cepman_dataset_wrap(&whole, ctx, s.raw, type, rows, columns, height, width, NULL, NULL));
    if (masked) {
        s.mask = calloc(pixels_of(&s), 1);
        for (size_t i = 0; i < pixels_of(&s); i++)
            s.mask[i] = support_uniform(&r) < 0.2;
        s.mask[0] = 0;
        assert_good(ctx, cepman_dataset_view_masked(&s.dataset, ctx, whole, s.mask));
        cepman_dataset_unref(whole);
    } else {
        s.dataset = whole;
    }
    return s;
}

static inline void free_scan(scan *s)
{
    cepman_dataset_unref(s->dataset);
    free(s->values);
    free(s->raw);
    free(s->mask);
}

static inline bool counts(const scan *s, size_t pixel, float v)
{
    return isfinite(v) && !(s->mask && s->mask[pixel]);
}

#endif
