/* Diffraction patterns of a slab: rotated reciprocal lattice, Ewald sphere, thickness shape factor, disks.
 * Kinematical theory: Hirsch, Howie, Nicholson, Pashley, Whelan, Electron Microscopy of Thin Crystals, chapter 4.
 * Must not: describe dynamical diffraction: intensities of thick crystals are only normalised. */
#include <math.h>

#include "simulate.h"

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

void cep_orientation_zone(cep_orientation *out, const double zone[3], const double x[3])
{
    double *ex = out->m[0], *ey = out->m[1], *ez = out->m[2], length = sqrt(dot(zone, zone));
    for (int i = 0; i < 3; i++)
        ez[i] = zone[i] / length;
    double along = dot(x, ez);
    for (int i = 0; i < 3; i++)
        ex[i] = x[i] - along * ez[i];
    length = sqrt(dot(ex, ex));
    for (int i = 0; i < 3; i++)
        ex[i] /= length;
    for (int i = 0; i < 3; i++)
        ey[i] = ez[(i + 1) % 3] * ex[(i + 2) % 3] - ez[(i + 2) % 3] * ex[(i + 1) % 3];
}

/* Rows p and q of the orientation turn in their plane. */
static void turn(cep_orientation *o, int p, int q, double angle)
{
    double c = cos(angle), s = sin(angle);
    for (int i = 0; i < 3; i++) {
        double a = o->m[p][i], b = o->m[q][i];
        o->m[p][i] = c * a - s * b;
        o->m[q][i] = s * a + c * b;
    }
}

void cep_orientation_turn(cep_orientation *o, double spin, double about_x, double about_y)
{
    turn(o, 0, 1, spin);
    turn(o, 2, 0, about_y);
    turn(o, 1, 2, about_x);
}

double cep_draw_disk(double *image, const cep_optics *o, double gx, double gy,
                     double (*intensity)(void *argument, double kx, double ky), void *argument)
{
    const double centre = (double)(o->frame / 2), size = (double)o->frame;
    double x = gx / o->pixel + centre, y = gy / o->pixel + centre;
    double largest = o->convergence * o->wave_number, radius = largest / o->pixel;
    /* The edge is a ramp one pixel wide; a parallel beam still fills about a pixel. */
    double reach = (radius > 0.6 ? radius : 0.6) + 0.5;
    if (x + reach < 0 || y + reach < 0 || x - reach > size - 1 || y - reach > size - 1) return 0;
    long x0 = (long)ceil(x - reach), x1 = (long)floor(x + reach), y0 = (long)ceil(y - reach),
         y1 = (long)floor(y + reach);
    double area = 0, sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (long r = y0; r <= y1; r++)
            for (long c = x0; c <= x1; c++) {
                double dx = (double)c - x, dy = (double)r - y, distance = sqrt(dx * dx + dy * dy);
                double cover = reach - distance;
                if (cover <= 0) continue;
                if (cover > 1) cover = 1;
                if (pass == 0) {
                    area += cover;
                    continue;
                }
                double k = distance * o->pixel, shrink = k > largest ? largest / k : 1;
                double value =
                    cover / area * intensity(argument, dx * o->pixel * shrink, dy * o->pixel * shrink);
                sum += value;
                if (r >= 0 && c >= 0 && r < (long)o->frame && c < (long)o->frame)
                    image[(size_t)r * o->frame + (size_t)c] += value;
            }
    return sum;
}

typedef struct beam {
    const cep_optics *optics;
    const cep_slab *slab;
    double g[3], strength;
} beam;

static double of_beam(void *argument, double kx, double ky)
{
    const beam *b = argument;
    double s = cep_excitation_error(b->optics, b->g, kx, ky);
    return cep_kinematical(b->strength, s, b->slab->thickness, b->slab->spread);
}

static double unity(void *argument, double kx, double ky)
{
    (void)argument;
    (void)kx;
    (void)ky;
    return 1;
}

double cep_draw_slab(double *image, const cep_optics *o, const cep_slab *slab)
{
    /* Beams weaker than this beside a direct beam of 1 are below one electron in any frame. */
    const double weakest = 1e-7, half = o->convergence * o->wave_number;
    double sum = cep_draw_disk(image, o, 0, 0, unity, NULL);
    double corner = ((double)(o->frame / 2) + 1) * o->pixel + half + o->pixel;
    for (size_t i = 0; i < slab->count; i++) {
        const cep_reflection *r = &slab->list[i];
        beam b = {.optics = o, .slab = slab, .strength = r->strength};
        b.g[0] = dot(slab->orientation.m[0], r->g) * (1 - slab->strain);
        b.g[1] = dot(slab->orientation.m[1], r->g) * (1 - slab->strain);
        if (fabs(b.g[0]) > corner || fabs(b.g[1]) > corner) continue;
        b.g[2] = dot(slab->orientation.m[2], r->g) * (1 - slab->strain);
        double s = fabs(cep_excitation_error(o, b.g, 0, 0));
        /* Nearest the sphere comes to it within the cone of incident directions. */
        double nearest = s - o->convergence * (fabs(b.g[0]) + fabs(b.g[1]));
        if (nearest > 0 && b.strength * b.strength < weakest * nearest * nearest) continue;
        sum += cep_draw_disk(image, o, b.g[0], b.g[1], of_beam, &b);
    }
    return sum;
}
