/* Fast electrons: relativistic wave number, excitation errors on the Ewald sphere, the kinematical foil.
 * Hirsch, Howie, Nicholson, Pashley, Whelan, Electron Microscopy of Thin Crystals, chapter 4.
 * Must not: know of crystals or detectors beyond their numbers. */
#include <math.h>

#include "simulate.h"

static const double pi = 3.141592653589793;

void cep_optics_set(cep_optics *optics, double kilovolt, double convergence, double pixel, size_t frame)
{
    /* lambda = h / sqrt(2 m e U (1 + e U / 2 m c^2)); CODATA 2018 in SI units. */
    const double h = 6.62607015e-34, m = 9.1093837015e-31, e = 1.602176634e-19, c = 299792458.0;
    double energy = e * kilovolt * 1e3, rest = m * c * c;
    double lambda = h / sqrt(2 * m * energy * (1 + energy / (2 * rest)));
    optics->wave_number = 1e-10 / lambda;
    optics->gamma = 1 + energy / rest;
    optics->convergence = convergence;
    optics->pixel = pixel;
    optics->frame = frame;
    optics->centre[0] = optics->centre[1] = (double)(frame / 2);
}

double cep_optics_corner(const cep_optics *o)
{
    double middle = (double)(o->frame / 2), shift = 0;
    for (int i = 0; i < 2; i++)
        shift = fmax(shift, fabs(o->centre[i] - middle));
    return (middle + 2 + shift) * o->pixel + o->convergence * o->wave_number;
}

double cep_kinematical(double strength, double s, double thickness, double spread)
{
    /* sin^2(pi s t) = (1 - cos(2 pi s t)) / 2, whose mean over t is damped by sin(x) / x, x = 2 pi s spread. */
    double phase = 2 * pi * s * thickness, x = 2 * pi * s * spread;
    if (fabs(phase) + fabs(x) < 1e-3)
        return pi * pi * strength * strength * (thickness * thickness + spread * spread / 3);
    double damp = fabs(x) < 1e-6 ? 1 : sin(x) / x, ratio = strength / s;
    return ratio * ratio * 0.5 * (1 - cos(phase) * damp);
}

double cep_excitation_error(const cep_optics *o, const double g[3], double kx, double ky)
{
    double K = o->wave_number, qx = kx + g[0], qy = ky + g[1];
    double on_sphere = K * K - qx * qx - qy * qy;
    if (on_sphere < 0) return -HUGE_VAL;
    return sqrt(on_sphere) - sqrt(K * K - kx * kx - ky * ky) - g[2];
}
