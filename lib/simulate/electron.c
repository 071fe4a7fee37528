/* Fast electrons: relativistic wave number, and scattering factors of atoms as sums of five Gaussians.
 * Peng, Ren, Dudarev, Whelan, Acta Cryst. A 52 (1996) 257 (International Tables C, table 4.3.2.3, s up to 2 1/angstrom).
 * Must not: be used for ions or beyond s = 2 without a Debye-Waller factor that makes the rest vanish. */
#include <math.h>

#include "simulate.h"

static const double pi = 3.141592653589793;

typedef struct gaussians {
    double a[5], b[5]; /* angstrom, square angstrom */
} gaussians;

static const gaussians factors[CEP_ELEMENTS] = {
    [CEP_O] = {{0.0365, 0.1729, 0.5805, 0.8814, 0.3121}, {0.0652, 0.6184, 2.9449, 9.6298, 28.2194}},
    [CEP_AL] = {{0.1165, 0.5504, 1.0179, 2.6295, 1.5711}, {0.1295, 1.2619, 6.8242, 28.4577, 88.4750}},
    [CEP_SE] = {{0.1574, 0.7614, 1.4834, 3.0016, 1.7978}, {0.0686, 0.6808, 3.1163, 14.3458, 44.0455}},
    [CEP_AG] = {{0.2739, 1.0503, 3.1564, 2.7543, 1.4328}, {0.0881, 0.8028, 4.4451, 18.7011, 79.2633}},
    [CEP_SN] = {{0.2966, 1.1157, 3.0973, 3.8156, 2.5281}, {0.0896, 0.8268, 4.2242, 20.6900, 71.3399}},
};

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
}

double cep_scattering_factor(cep_element element, double g)
{
    const gaussians *f = &factors[element];
    double s2 = g * g / 4, sum = 0;
    for (int i = 0; i < 5; i++)
        sum += f->a[i] * exp(-f->b[i] * s2);
    return sum;
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
