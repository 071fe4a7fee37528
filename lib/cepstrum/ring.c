/* The ring: which quefrencies are features, as runs along the rows of the half plane.
 * |C| of a real frame is even, so x > 0, or x = 0 and y >= 0, holds each twin once (coordinates -n/2 ..
 * n-1-n/2). Must not: keep a twin pair twice, or leave the order by rows of y then x. */
#include <math.h>

#include "internal.h"

void cep_ring_choose(double *inner, double *outer, size_t height, size_t width, size_t pad)
{
    /* 5 to 40 pixels, less for sides below 128. Detectors of any size are used at much the same angular
     * range, so that a cepstrum pixel, 1 / (N dk), is much the same length; padding alone makes it finer. */
    double n = (double)(height > width ? height : width);
    double unit = n < 128 ? n / 128 : 1;
    if (pad) unit *= (double)pad / n;
    double in = n <= 2 ? 0 : 5 * unit, out = 40 * unit < 1 ? 1 : 40 * unit;
    if (isnan(*inner)) *inner = !isnan(*outer) && *outer < in ? 0 : in;
    if (isnan(*outer)) *outer = *inner > out ? 2 * *inner : out;
}

/* Runs of one row; counts them when segments is NULL. */
static size_t row_runs(cep_segment *segments, size_t first, long y, long most_x, double sy, double sx,
                       double inner, double outer, size_t *features, long *largest)
{
    size_t runs = 0;
    bool open = false;
    for (long x = y >= 0 ? 0 : 1; x <= most_x; x++) {
        double r = hypot((double)y * sy, (double)x * sx);
        if (!(r >= inner && r <= outer)) {
            open = false;
            continue;
        }
        if (!open) {
            if (segments) segments[first + runs] = (cep_segment){(int32_t)y, (int32_t)x, 0, *features};
            runs++;
            open = true;
        }
        if (segments) segments[first + runs - 1].count++;
        (*features)++;
        if (x > *largest) *largest = x;
    }
    return runs;
}

static size_t all_runs(cep_segment *segments, size_t height, size_t width, double sy, double sx, double inner,
                       double outer, size_t *features, long *largest)
{
    const long low = -(long)(height / 2), high = (long)height - 1 - (long)(height / 2);
    const long most_x = (long)width - 1 - (long)(width / 2);
    size_t runs = 0;
    for (long y = low; y <= high; y++)
        runs += row_runs(segments, runs, y, most_x, sy, sx, inner, outer, features, largest);
    return runs;
}

cepman_status cep_ring_create(cep_ring *out, cepman_context *ctx, size_t height, size_t width, double sy,
                              double sx, double inner, double outer)
{
    cep_ring ring = {0};
    long largest = 0;
    ring.count = all_runs(NULL, height, width, sy, sx, inner, outer, &ring.features, &largest);
    CEP_REQUIRE(ctx, ring.count > 0, CEPMAN_ERR_RANGE,
                "the ring from %g to %g holds no quefrency of a cepstrum of %zu x %zu pixels", inner, outer,
                height, width);
    ring.columns = (size_t)largest + 1;
    ring.segments = cep_alloc(cep_context_memory(ctx), ring.count, sizeof *ring.segments);
    if (!ring.segments) return cep_fail_memory(ctx, "ring", ring.count, sizeof *ring.segments);
    size_t features = 0;
    all_runs(ring.segments, height, width, sy, sx, inner, outer, &features, &largest);
    *out = ring;
    return CEPMAN_OK;
}
