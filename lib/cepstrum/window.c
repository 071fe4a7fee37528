/* Windows: Gaussian, Hann, Tukey as products of two profiles, and the round Hann.
 * Source: F. J. Harris, Proc. IEEE 66, 51 (1978); the round Hann is cos^2(pi r / 2R) inside R = min(h, w)
 * / 2. Must not: be zero everywhere, whatever the size. */
#include <math.h>

#include "internal.h"

#define PI 3.14159265358979323846

double cep_window_centre(const cep_settings *s, size_t n)
{
    return s->window == WINDOW_ROUND_HANN ? (double)n / 2 : ((double)n - 1) / 2;
}

/* Weight at distance d from the centre of a window of n pixels. A side of one pixel has weight 1, and so has
 * one of two, where the Hann window would be zero everywhere. */
static double weight(const cep_settings *s, size_t n, double d)
{
    const double half = ((double)n - 1) / 2;
    d = fabs(d);
    switch (s->window) {
    case WINDOW_GAUSSIAN: {
        double t = d / (s->sigma * (double)n / 2);
        return exp(-0.5 * t * t);
    }
    case WINDOW_HANN:
        if (n <= 2) return 1;
        return d >= half ? 0 : 0.5 + 0.5 * cos(PI * d / half);
    case WINDOW_TUKEY: {
        if (n <= 2 || s->alpha <= 0) return 1;
        double flat = (1 - s->alpha) * half;
        if (d <= flat) return 1;
        return d >= half ? 0 : 0.5 + 0.5 * cos(PI * (d - flat) / (half - flat));
    }
    default:
        return 1;
    }
}

static void fill_round(size_t height, size_t width, double cy, double cx, float *out, size_t stride)
{
    const double radius = (double)(height < width ? height : width) / 2;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            double r = hypot((double)y - cy, (double)x - cx), c = cos(PI * r / (2 * radius));
            /* One or two pixels on a side: nothing but the edge is inside. */
            out[y * stride + x] = radius <= 1 ? 1 : r < radius ? (float)(c * c) : 0;
        }
}

void cep_window_fill(const cep_settings *s, size_t height, size_t width, double cy, double cx, float *out,
                     size_t stride, double *profile)
{
    if (s->window == WINDOW_ROUND_HANN) {
        fill_round(height, width, cy, cx, out, stride);
        return;
    }
    double *rows = profile, *columns = profile + height;
    for (size_t y = 0; y < height; y++)
        rows[y] = weight(s, height, (double)y - cy);
    for (size_t x = 0; x < width; x++)
        columns[x] = weight(s, width, (double)x - cx);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            out[y * stride + x] = (float)(rows[y] * columns[x]);
}
