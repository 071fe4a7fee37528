/* The rotation between two cepstra: correlation of their polar pictures over all angles.
 * Cepstra are even, so that half a turn is all; square roots, so that a few bright peaks are not all there is; each radius
 * less its mean, so that only what has a direction counts (De Castro, Morandi, IEEE PAMI 9 (1987) 700, in the plane itself).
 * Must not: name a crystal or a twin law: it tells angles and how well they fit. */
#include "relation.h"

#include <math.h>
#include <stdlib.h>

enum { ANGLES = 360 }; /* over half a turn */

static double at(const float *plane, size_t height, size_t width, double y, double x)
{
    if (!(y >= 0 && x >= 0 && y < (double)(height - 1) && x < (double)(width - 1))) return 0;
    const size_t r = (size_t)y, c = (size_t)x;
    const double fy = y - (double)r, fx = x - (double)c;
    const float *p = plane + r * width + c;
    const double v = (1 - fy) * ((1 - fx) * (double)p[0] + fx * (double)p[1]) +
                     fy * ((1 - fx) * (double)p[width] + fx * (double)p[width + 1]);
    return v > 0 ? sqrt(v) : 0;
}

/* rings x ANGLES, one length. Quefrencies are 1 / (pixels * step), so that a plane that is not square is scaled. */
static void unroll(const float *plane, size_t height, size_t width, size_t first, size_t rings, double *polar)
{
    const double side = (double)(height < width ? height : width), pi = 3.141592653589793;
    double square = 0;
    for (size_t k = 0; k < rings; k++) {
        double *ring = polar + k * ANGLES, mean = 0;
        for (int a = 0; a < ANGLES; a++) {
            const double angle = pi * a / ANGLES, r = (double)(first + k);
            ring[a] = at(plane, height, width, (double)(height / 2) + r * sin(angle) * (double)height / side,
                         (double)(width / 2) + r * cos(angle) * (double)width / side);
            mean += ring[a] / ANGLES;
        }
        for (int a = 0; a < ANGLES; a++) {
            ring[a] -= mean;
            square += ring[a] * ring[a];
        }
    }
    for (size_t i = 0; i < rings * ANGLES; i++)
        polar[i] /= sqrt(square);
}

static double alike_at(const double *one, const double *other, size_t rings, int shift)
{
    double sum = 0;
    for (size_t k = 0; k < rings; k++) {
        const double *a = one + k * ANGLES, *b = other + k * ANGLES;
        for (int i = 0; i < ANGLES - shift; i++)
            sum += a[i] * b[i + shift];
        for (int i = ANGLES - shift; i < ANGLES; i++)
            sum += a[i] * b[i + shift - ANGLES];
    }
    return sum;
}

/* The top of the parabola through three neighbouring values, in steps from the middle one. */
static double top(double before, double here, double after)
{
    const double bend = before - 2 * here + after;
    return bend < 0 ? 0.5 * (before - after) / bend : 0;
}

int relation_find(const float *one, const float *other, size_t height, size_t width, relation *out)
{
    const size_t side = height < width ? height : width, first = side / 16 > 3 ? side / 16 : 3;
    const size_t last = side * 3 / 8, rings = last > first ? last - first : 1;
    double *polar = array_zero(2 * rings, ANGLES, sizeof *polar), by_angle[ANGLES];
    if (!polar) return 1;
    unroll(one, height, width, first, rings, polar);
    unroll(other, height, width, first, rings, polar + rings * ANGLES);
    int best = 0;
    for (int s = 0; s < ANGLES; s++) {
        by_angle[s] = alike_at(polar, polar + rings * ANGLES, rings, s);
        if (by_angle[s] > by_angle[best]) best = s;
    }
    const double step = 180.0 / ANGLES;
    const double fine =
        top(by_angle[(best + ANGLES - 1) % ANGLES], by_angle[best], by_angle[(best + 1) % ANGLES]);
    out->alike = by_angle[0];
    out->turned_alike = by_angle[best];
    out->turned_by = step * (best + fine);
    if (out->turned_by > 90) out->turned_by -= 180;
    free(polar);
    return 0;
}
