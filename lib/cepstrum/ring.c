/* The ring: which quefrencies are features, as runs along the rows of the half plane.
 * |C| of a real frame is even, so x > 0, or x = 0 and y >= 0, holds each twin once (coordinates -n/2 ..
 * n-1-n/2). Must not: keep a twin pair twice, or leave the order by rows of y then x. */
#include <math.h>

#include "internal.h"

void cep_ring_choose(double *inner, double *outer, size_t height, size_t width, size_t pad)
{
    /* 5 to 40 pixels, as far as a frame has them. Detectors of any size are used at much the same angular range,
     * so that a cepstrum pixel, 1 / (N dk), is much the same length; padding alone makes it finer. */
    double n = (double)(height > width ? height : width), finer = pad ? (double)pad / n : 1;
    double in = n <= 2 ? 0 : finer * (n < 20 ? floor(n / 4) : 5), out = finer * (n < 82 ? n / 2 - 1 : 40);
    if (out < 1) out = 1;
    if (isnan(*inner)) *inner = !isnan(*outer) && *outer < in ? 0 : in;
    if (isnan(*outer)) *outer = *inner > out ? 2 * *inner : out;
}

typedef struct shape {
    double sy, sx, inner, outer;
    long low, high, most_x; /* rows low .. high, columns 0 or 1 .. most_x */
} shape;

/* The first x from `from` on whose quefrency is at least `bound` (beyond: above it); most_x + 1 when there is none. The
 * quefrency grows along a row. */
static long first_x(const shape *p, long y, long from, double bound, bool beyond)
{
    long low = from, high = p->most_x + 1;
    while (low < high) {
        long middle = low + (high - low) / 2;
        double r = hypot((double)y * p->sy, (double)middle * p->sx);
        if (beyond ? r > bound : r >= bound)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The run of row y: at most one, for the half plane cuts every ring in its middle. */
static cep_segment run_of(const shape *p, long y)
{
    const long from = y >= 0 ? 0 : 1;
    const long first = first_x(p, y, from, p->inner, false), end = first_x(p, y, from, p->outer, true);
    return (cep_segment){(int32_t)y, (int32_t)first, end > first ? (size_t)(end - first) : 0, 0};
}

cepman_status cep_ring_create(cep_ring *out, cepman_context *ctx, size_t height, size_t width, double sy,
                              double sx, double inner, double outer)
{
    const shape p = {sy,
                     sx,
                     inner,
                     outer,
                     -(long)(height / 2),
                     (long)height - 1 - (long)(height / 2),
                     (long)width - 1 - (long)(width / 2)};
    cep_ring ring = {0};
    ring.segments = cep_alloc(cep_context_memory(ctx), height, sizeof *ring.segments);
    if (!ring.segments) return cep_fail_memory(ctx, "ring", height, sizeof *ring.segments);
    for (long y = p.low; y <= p.high; y++) {
        cep_segment run = run_of(&p, y);
        if (run.count == 0) continue;
        run.first = ring.features;
        ring.features += run.count;
        ring.segments[ring.count++] = run;
        const size_t columns = (size_t)run.x + run.count;
        if (columns > ring.columns) ring.columns = columns;
    }
    if (ring.count == 0) {
        cep_free(cep_context_memory(ctx), ring.segments);
        return cep_fail(ctx, CEPMAN_ERR_RANGE,
                        "the ring from %g to %g holds no quefrency of a cepstrum of %zu x %zu pixels", inner,
                        outer, height, width);
    }
    *out = ring;
    return CEPMAN_OK;
}
