/* Diffraction patterns of a slab: rotated reciprocal lattice, Ewald sphere, thickness shape factor, disks.
 * Kinematical theory: Hirsch, Howie, Nicholson, Pashley, Whelan, Electron Microscopy of Thin Crystals, chapter 4.
 * Must not: describe dynamical diffraction: intensities of thick crystals are only normalised. */
#include <math.h>

#include "simulate.h"

static const double pi = 3.141592653589793;

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

/* Part of a pixel at this distance from the middle that a disk covers; reach: its radius and half a pixel. */
static double covered(double reach, double distance)
{
    double cover = reach - distance;
    return cover < 0 ? 0 : cover > 1 ? 1 : cover;
}

static double whole_area(double x, double y, double reach)
{
    /* The sum of a large disk's pixels is its integral. */
    if (reach > 32) return pi * ((reach - 0.5) * (reach - 0.5) + 1.0 / 12);
    double area = 0;
    for (double r = ceil(y - reach); r <= y + reach; r++)
        for (double c = ceil(x - reach); c <= x + reach; c++)
            area += covered(reach, sqrt((c - x) * (c - x) + (r - y) * (r - y)));
    return area;
}

double cep_draw_disk(double *image, const cep_optics *o, double gx, double gy,
                     double (*intensity)(void *argument, double kx, double ky), void *argument)
{
    const double last = (double)(o->frame - 1);
    double x = gx / o->pixel + o->centre[0], y = gy / o->pixel + o->centre[1];
    double largest = o->convergence * o->wave_number, radius = largest / o->pixel;
    /* The edge is a ramp one pixel wide; a parallel beam still fills about a pixel. */
    double reach = (radius > 0.6 ? radius : 0.6) + 0.5;
    if (x + reach < 0 || y + reach < 0 || x - reach > last || y - reach > last) return 0;
    double area = whole_area(x, y, reach), inside = 0, sum = 0;
    double x0 = fmax(ceil(x - reach), 0), x1 = fmin(x + reach, last), y1 = fmin(y + reach, last);
    for (double r = fmax(ceil(y - reach), 0); r <= y1; r++)
        for (double c = x0; c <= x1; c++) {
            double dx = c - x, dy = r - y, distance = sqrt(dx * dx + dy * dy);
            double cover = covered(reach, distance) / area;
            if (cover == 0) continue;
            double k = distance * o->pixel, shrink = o->pixel * (k > largest ? largest / k : 1);
            double value = cover * intensity(argument, dx * shrink, dy * shrink);
            inside += cover;
            sum += value;
            image[(size_t)r * o->frame + (size_t)c] += value;
        }
    /* What falls beside the detector is taken at the disk's middle. */
    double outside = 1 - inside;
    return outside > 1e-9 ? sum + outside * intensity(argument, 0, 0) : sum;
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

double cep_draw_beam(double *image, const cep_optics *o, double gx, double gy)
{
    return cep_draw_disk(image, o, gx, gy, unity, NULL);
}

double cep_draw_slab(double *image, const cep_optics *o, const cep_slab *slab)
{
    double sum = cep_draw_beam(image, o, 0, 0);
    double corner = cep_optics_corner(o);
    for (size_t i = 0; i < slab->count; i++) {
        if (slab->ctx && cep_cancel_requested(slab->ctx)) break;
        const cep_reflection *r = &slab->list[i];
        beam b = {.optics = o, .slab = slab, .strength = r->strength};
        b.g[0] = dot(slab->orientation.m[0], r->g) * (1 - slab->strain);
        b.g[1] = dot(slab->orientation.m[1], r->g) * (1 - slab->strain);
        if (fabs(b.g[0]) > corner || fabs(b.g[1]) > corner) continue;
        b.g[2] = dot(slab->orientation.m[2], r->g) * (1 - slab->strain);
        double s = fabs(cep_excitation_error(o, b.g, 0, 0));
        /* Nearest the sphere comes to it within the cone of incident directions. */
        double nearest = s - o->convergence * (fabs(b.g[0]) + fabs(b.g[1]));
        if (nearest > 0 && b.strength * b.strength < slab->weakest * nearest * nearest) continue;
        sum += cep_draw_disk(image, o, b.g[0], b.g[1], of_beam, &b);
    }
    return sum;
}
