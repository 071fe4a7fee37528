/* The simulator's physics: wavelengths, atoms, absences, the Ewald sphere, disks, zone patterns, Poisson numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"
#include "support.h"

static const double pi = 3.141592653589793;

START_TEST(wave_numbers)
{
    /* Wavelengths of the textbooks, in angstrom. */
    static const double known[][2] = {{100, 0.037014}, {200, 0.025079}, {300, 0.019687}};
    for (size_t i = 0; i < 3; i++) {
        cep_optics o;
        cep_optics_set(&o, known[i][0], 0, 0.03, 128);
        ck_assert_double_eq_tol(1 / o.wave_number, known[i][1], 1e-6);
        ck_assert_double_eq_tol(o.gamma, 1 + known[i][0] / 510.99895, 1e-6);
    }
}
END_TEST

START_TEST(atoms)
{
    ck_assert_int_eq(cep_element_number("H", 1), 1);
    ck_assert_int_eq(cep_element_number("Sn", 2), 50);
    ck_assert_int_eq(cep_element_number("Cf", 2), 98);
    ck_assert_int_eq(cep_element_number("Xx", 2), 0);
    ck_assert_int_eq(cep_element_number("", 0), 0);
    /* Far out, Mott and Bethe: f = 0.023934 (Z - fx) / s^2, where the electrons' fx is a small part of Z. */
    for (int z = 1; z <= CEP_ELEMENTS; z++) {
        double before = cep_scattering_factor(z, 0);
        for (double g = 0.1; g <= 4.01; g += 0.1) {
            double f = cep_scattering_factor(z, g);
            ck_assert(f > 0 && f < before);
            before = f;
        }
        double charge = before * 4 / 0.023934;
        ck_assert_msg(charge > 0.75 * z && charge < 1.12 * z, "element %d: %g", z, charge);
    }
    /* International Tables C, table 4.3.1.1: f(0) of C, Al, Cu, Ag, Au within the fit's error. */
    static const double known[][2] = {{6, 2.51}, {13, 5.89}, {29, 5.60}, {47, 8.67}, {79, 10.57}};
    for (int i = 0; i < 5; i++)
        ck_assert_double_eq_tol(cep_scattering_factor((int)known[i][0], 0), known[i][1], 0.01 * known[i][1]);
}
END_TEST

static cep_structure *open_crystal(cepman_context *ctx, const char *name)
{
    cep_structure *s = NULL;
    cep_fault fault;
    ck_assert_int_eq(cep_structure_open(&s, cep_context_memory(ctx), &fault, name), CEPMAN_OK);
    return s;
}

/* Reflections of a built-in crystal; *n of them. */
static cep_reflection *reflections(cepman_context *ctx, const char *name, const cep_optics *o, double longest,
                                   bool forbidden, size_t *n)
{
    cep_structure *s = open_crystal(ctx, name);
    cep_factors *f = NULL;
    cep_reflection *list = NULL;
    assert_good(ctx, cep_factors_create(&f, ctx, s, longest));
    ck_assert_int_eq(cep_reflections(&list, n, cep_context_memory(ctx), NULL, s, f, o, longest, forbidden),
                     CEPMAN_OK);
    cep_factors_free(f);
    cep_structure_free(s);
    return list;
}

/* Extinction distances of Al and Ag at 100 kV (Hirsch et al., appendix): 111, 200, 220 in angstrom. */
START_TEST(extinction_distances)
{
    static const double known[2][3] = {{224, 255, 363}, {556, 673, 1057}};
    static const int hkl[3][3] = {{1, 1, 1}, {0, 0, 2}, {0, 2, 2}};
    cepman_context *ctx = support_begin(1);
    cep_optics o;
    cep_optics_set(&o, 100, 0, 0.03, 128);
    for (int c = 0; c < 2; c++) {
        size_t n, found = 0;
        cep_reflection *list = reflections(ctx, c ? "Al" : "Ag", &o, 1.0, false, &n);
        for (size_t i = 0; i < n; i++)
            for (int k = 0; k < 3; k++)
                if (memcmp(list[i].hkl, hkl[k], sizeof hkl[k]) == 0) {
                    /* The table is for atoms at rest. */
                    double g2 = list[i].g[0] * list[i].g[0] + list[i].g[1] * list[i].g[1] +
                                list[i].g[2] * list[i].g[2];
                    double length = exp(-(c ? 0.8 : 0.74) * g2 / 4) / list[i].strength;
                    ck_assert_double_eq_tol(length, known[c][k], (c ? 0.01 : 0.07) * known[c][k]);
                    found++;
                }
        ck_assert_uint_eq(found, 3);
        cep_free(cep_context_memory(ctx), list);
    }
    support_end(ctx);
}
END_TEST

static const char *const crystals[] = {"Ag", "Au", "SnSe", "gamma-Al2O3", "alpha-Al2O3"};

/* What the space groups forbid: Fm-3m, Pnma, Fd-3m, R-3c in hexagonal axes. */
static bool forbidden(int c, int h, int k, int l)
{
    bool same = ((h ^ k) & 1) == 0 && ((k ^ l) & 1) == 0;
    switch (c) {
    case 2:
        return (h == 0 && ((k + l) & 1)) || (l == 0 && (h & 1));
    case 3:
        return !same || (l == 0 && (h + k) % 4 != 0) || (k == 0 && (h + l) % 4 != 0) ||
               (h == 0 && (k + l) % 4 != 0);
    case 4:
        return (-h + k + l) % 3 != 0 || (h == -k && (l & 1)) || (h == 0 && (l & 1)) || (k == 0 && (l & 1));
    default:
        return !same;
    }
}

/* Forbidden by the lattice itself: not even several scattering reaches them. */
static bool off_lattice(int c, int h, int k, int l)
{
    if (c == 2) return false;
    return c == 4 ? (-h + k + l) % 3 != 0 : ((h ^ k) & 1) || ((k ^ l) & 1);
}

START_TEST(absences_and_friedel)
{
    cepman_context *ctx = support_begin(2);
    cep_structure *s = open_crystal(ctx, crystals[_i]);
    cep_factors *f = NULL;
    assert_good(ctx, cep_factors_create(&f, ctx, s, 1.6));
    double zero = cep_factor(f, 0, 0, 0)[0];
    size_t seen = 0, absent = 0;
    ck_assert_double_gt(zero, 0);
    ck_assert(f->real); /* all of them have a centre at the origin */
    size_t count;
    const cep_atom *atom = cep_structure_atoms(s, &count);
    double cell[3][3], reciprocal[3][3];
    cep_structure_lattice(s, cell, reciprocal);
    for (int h = -5; h <= 5; h++)
        for (int k = -5; k <= 5; k++)
            for (int l = -5; l <= 5; l++) {
                const double *a = cep_factor(f, h, k, l), *b = cep_factor(f, -h, -k, -l);
                ck_assert_double_eq_tol(a[0], b[0], 1e-9 * zero);
                ck_assert_double_eq_tol(a[1], -b[1], 1e-9 * zero);
                double g2 = 0, re = 0, im = 0;
                for (int i = 0; i < 3; i++) {
                    double g = h * reciprocal[0][i] + k * reciprocal[1][i] + l * reciprocal[2][i];
                    g2 += g * g;
                }
                if (forbidden(_i, h, k, l)) {
                    ck_assert_double_eq(a[0], 0);
                    ck_assert_double_eq(a[1], 0);
                    absent++;
                    continue;
                }
                if (g2 > 1.6 * 1.6) continue;
                seen += a[0] != 0;
                for (size_t i = 0; i < count; i++) { /* the definition */
                    double phase = 2 * pi * (h * atom[i].at[0] + k * atom[i].at[1] + l * atom[i].at[2]);
                    double one = atom[i].occupancy * cep_scattering_factor(atom[i].element, sqrt(g2)) *
                                 exp(-atom[i].b * g2 / 4);
                    re += one * cos(phase);
                    im += one * sin(phase);
                }
                ck_assert_double_eq_tol(a[0], re, 1e-9 * zero);
                ck_assert_double_eq_tol(a[1], im, 1e-9 * zero);
            }
    ck_assert_uint_gt(seen, 60);
    ck_assert_uint_gt(absent, 50);
    cep_factors_free(f);
    cep_structure_free(s);
    /* The lists hold each once, none too long, and know the lattice; the longer one is the whole lattice. */
    for (int all = 0; all < 2; all++) {
        cep_optics o;
        cep_optics_set(&o, 200, 0, 0.03, 128);
        size_t n, expected = 0;
        cep_reflection *list = reflections(ctx, crystals[_i], &o, 0.8, all, &n);
        for (int h = -12; h <= 12; h++)
            for (int k = -12; k <= 12; k++)
                for (int l = -12; l <= 12; l++) {
                    double g2 = 0;
                    for (int i = 0; i < 3; i++) {
                        double g = h * reciprocal[0][i] + k * reciprocal[1][i] + l * reciprocal[2][i];
                        g2 += g * g;
                    }
                    if (g2 > 0.64 || (h == 0 && k == 0 && l == 0)) continue;
                    expected += !(all ? off_lattice(_i, h, k, l) : forbidden(_i, h, k, l));
                }
        ck_assert_uint_gt(n, 10);
        if (all)
            ck_assert_uint_eq(n, expected);
        else
            ck_assert_uint_le(n, expected);
        for (size_t i = 0; i < n; i++) {
            const int *hkl = list[i].hkl;
            ck_assert(!(all ? off_lattice : forbidden)(_i, hkl[0], hkl[1], hkl[2]));
            ck_assert(hkl[0] || hkl[1] || hkl[2]);
            double g2 = 0;
            for (int a = 0; a < 3; a++) {
                double along = 0;
                for (int x = 0; x < 3; x++)
                    along += list[i].g[x] * cell[a][x];
                ck_assert_double_eq_tol(along, hkl[a], 1e-9);
                g2 += list[i].g[a] * list[i].g[a];
            }
            ck_assert_double_le(g2, 0.64 + 1e-12);
            for (size_t j = 0; j < i; j++)
                ck_assert(memcmp(hkl, list[j].hkl, sizeof list[j].hkl) != 0);
        }
        cep_free(cep_context_memory(ctx), list);
    }
    support_end(ctx);
}
END_TEST

START_TEST(ewald_sphere)
{
    cep_optics o;
    cep_optics_set(&o, 200, 1e-3, 0.03, 128);
    double K = o.wave_number;
    /* On the zone axis all of the zero layer lies outside by g^2 / 2K. */
    ck_assert_double_eq_tol(cep_excitation_error(&o, (double[3]){0.7, -0.4, 0}, 0, 0), -0.65 / (2 * K), 1e-6);
    /* A point on the sphere, for a tilted beam. */
    double kx = 0.02, ky = -0.03, kz = sqrt(K * K - kx * kx - ky * ky), gx = 0.5, gy = 0.25;
    double gz = sqrt(K * K - (kx + gx) * (kx + gx) - (ky + gy) * (ky + gy)) - kz;
    ck_assert_double_eq_tol(cep_excitation_error(&o, (double[3]){gx, gy, gz}, kx, ky), 0, 1e-12);
    ck_assert_double_gt(cep_excitation_error(&o, (double[3]){gx, gy, gz - 0.01}, kx, ky), 0);
    /* Shape factor: against the mean of sin^2 over the thicknesses, and continuous at s = 0. */
    for (double s = -0.05; s < 0.06; s += 0.0125) {
        double sum = 0;
        for (int i = 0; i < 4000; i++) {
            double t = 50 + 10 * ((i + 0.5) / 2000 - 1);
            sum += fabs(s) < 1e-9 ? pow(pi * t / 300, 2) : pow(sin(pi * s * t) / (300 * s), 2);
        }
        ck_assert_double_eq_tol(cep_kinematical(1.0 / 300, fabs(s) < 1e-9 ? 0 : s, 50, 10), sum / 4000, 1e-7);
    }
    ck_assert_double_eq_tol(cep_kinematical(0.01, 1.0001e-6, 50, 5), cep_kinematical(0.01, 3.4e-6, 50, 5),
                            1e-6);
}
END_TEST

static double one(void *argument, double kx, double ky)
{
    const cep_optics *o = argument;
    ck_assert_double_le(hypot(kx, ky), o->convergence * o->wave_number + 1e-12);
    return 1;
}

START_TEST(disks)
{
    static const double convergence[] = {0, 0.3e-3, 1.2e-3, 5e-3};
    static double image[64 * 64];
    cep_optics o;
    cep_optics_set(&o, 200, convergence[_i], 0.03, 64);
    for (int k = 0; k < 20; k++) {
        memset(image, 0, sizeof image);
        double gx = 0.037 * k - 0.3, gy = 0.2 - 0.041 * k, sum = 0, cx = 0, cy = 0, far = 0;
        ck_assert_double_eq_tol(cep_draw_disk(image, &o, gx, gy, one, &o), 1, 1e-12);
        for (int y = 0; y < 64; y++)
            for (int x = 0; x < 64; x++) {
                double v = image[y * 64 + x], r = hypot(x - 32 - gx / 0.03, y - 32 - gy / 0.03);
                ck_assert_double_ge(v, 0);
                sum += v;
                cx += v * x;
                cy += v * y;
                if (v > 0 && r > far) far = r;
            }
        ck_assert_double_eq_tol(sum, 1, 1e-12);
        ck_assert_double_eq_tol((cx - 32) * 0.03, gx, 0.15 * 0.03);
        ck_assert_double_eq_tol((cy - 32) * 0.03, gy, 0.15 * 0.03);
        double radius = convergence[_i] * o.wave_number / 0.03;
        ck_assert_double_le(far, (radius > 0.6 ? radius : 0.6) + 0.5);
    }
    /* Half of it beside the frame; all of it. */
    memset(image, 0, sizeof image);
    double inside = 0, sum = cep_draw_disk(image, &o, -32 * 0.03 - 0.015, 0, one, &o);
    for (int i = 0; i < 64 * 64; i++)
        inside += image[i];
    ck_assert_double_eq_tol(sum, 1, 1e-12);
    ck_assert_double_eq_tol(inside, 0.5, 1e-9);
    ck_assert_double_eq(cep_draw_disk(image, &o, 3, 0, one, &o), 0);
}
END_TEST

/* Disks of more than 64 pixels across have their area from an integral, and what is beside the frame is estimated. */
START_TEST(large_disks)
{
    enum { n = 256 };
    static double image[n * n];
    cep_optics o;
    cep_optics_set(&o, 200, 40e-3, 0.03, n);
    for (int k = 0; k < 3; k++) {
        memset(image, 0, sizeof image);
        double at = k == 2 ? -128 * 0.03 - 0.015 : 0.71 * k, inside = 0;
        ck_assert_double_eq_tol(cep_draw_disk(image, &o, at, 0.1, one, &o), 1, 1e-3);
        for (int i = 0; i < n * n; i++)
            inside += image[i];
        ck_assert_double_eq_tol(inside, k == 2 ? 0.5 : 1, 1e-3);
        double middle = image[128 * n + (k == 2 ? 0 : 128)], radius = 40e-3 * o.wave_number / 0.03;
        ck_assert_double_eq_tol(middle * pi * radius * radius, 1, 1e-3);
    }
}
END_TEST

/* Silver down [100] and [110]: spots where the allowed zero-layer reflections are and nowhere else, symmetric under
 * inversion (Friedel's law: all excitation errors of g and -g agree on the zone axis). */
START_TEST(zone_patterns)
{
    static const double zone[2][3] = {{1, 0, 0}, {1, 1, 0}}, axis[2][3] = {{0, 1, 0}, {0, 0, 1}};
    enum { n = 128, middle = 64 };
    static double image[n * n], expected[n * n];
    cepman_context *ctx = support_begin(1);
    cep_memory *mem = cep_context_memory(ctx);
    cep_optics o;
    cep_optics_set(&o, 200, 1.0e-3, 0.02, n);
    size_t count, spots = 0;
    cep_reflection *list = reflections(ctx, "Ag", &o, 1.6, false, &count);
    cep_slab slab = {list, count, {{{0}}}, 60, 6, 0, 1e-7, NULL};
    cep_orientation_zone(&slab.orientation, zone[_i], axis[_i]);
    memset(image, 0, sizeof image);
    memset(expected, 0, sizeof expected);
    double sum = cep_draw_slab(image, &o, &slab);
    ck_assert_double_gt(sum, 1.01);
    for (size_t i = 0; i < count; i++) {
        const double *g = list[i].g;
        double gx = 0, gy = 0, gz = 0;
        for (int a = 0; a < 3; a++) {
            gx += slab.orientation.m[0][a] * g[a];
            gy += slab.orientation.m[1][a] * g[a];
            gz += slab.orientation.m[2][a] * g[a];
        }
        double x = gx / 0.02 + middle, y = gy / 0.02 + middle;
        if (fabs(gz) > 1e-9 || x < 4 || y < 4 || x > n - 5 || y > n - 5) continue;
        spots++;
        /* The centre of mass around it and the strength, which the kinematical formula gives. */
        double mass = 0, cx = 0, cy = 0;
        for (int dy = -4; dy <= 4; dy++)
            for (int dx = -4; dx <= 4; dx++) {
                double v = image[(size_t)(lround(y) + dy) * n + (size_t)(lround(x) + dx)];
                mass += v;
                cx += v * (double)(lround(x) + dx);
                cy += v * (double)(lround(y) + dy);
            }
        double s = cep_excitation_error(&o, (double[3]){gx, gy, gz}, 0, 0);
        double formula = cep_kinematical(list[i].strength, s, 60, 6);
        ck_assert_double_eq_tol(mass, formula, 0.05 * formula + 1e-4);
        /* Far out, near a zero of the shape factor, a disk is brighter on one side: no fault of its place. */
        if (formula > 1e-3 && gx * gx + gy * gy < 0.6) {
            ck_assert_double_eq_tol(cx / mass, x, 0.2);
            ck_assert_double_eq_tol(cy / mass, y, 0.2);
        }
    }
    ck_assert_uint_gt(spots, 15);
    for (int dy = -60; dy <= 60; dy++)
        for (int dx = -60; dx <= 60; dx++) {
            double a = image[(middle + dy) * n + middle + dx], b = image[(middle - dy) * n + middle - dx];
            ck_assert_double_eq_tol(a, b, 1e-4 * (a + b) + 2e-7);
        }
    /* 100 and 010 of the primitive cubic lattice are forbidden: nothing stands there. */
    if (_i == 0) ck_assert_double_lt(image[middle * n + middle + lround(1 / 4.086 / 0.02)], 1e-6);
    /* A tilt by half a degree about x moves strength to one side of y and keeps the other axis symmetric. */
    cep_orientation_turn(&slab.orientation, 0, 0.01, 0);
    memset(image, 0, sizeof image);
    cep_draw_slab(image, &o, &slab);
    double up = 0, down = 0, left = 0, right = 0;
    for (int y = 1; y < n; y++)
        for (int x = 1; x < n; x++) {
            double v = image[y * n + x];
            *(y > middle + 4 ? &down : y < middle - 4 ? &up : &sum) += v;
            *(x > middle + 4 ? &right : x < middle - 4 ? &left : &sum) += v;
        }
    ck_assert_double_gt(fabs(up - down), 0.1 * (up + down));
    ck_assert_double_lt(fabs(left - right), 0.01 * (left + right));
    cep_free(mem, list);
    support_end(ctx);
}
END_TEST

START_TEST(poisson_moments)
{
    static const double means[] = {0.01, 1, 9, 14.99, 15, 15.5, 80, 5000, 1e8};
    const int n = 40000;
    double mean = means[_i], sum = 0, square = 0, none = 0;
    for (int i = 0; i < n; i++) {
        double k = (double)cep_poisson(mean, 5, 3, (uint64_t)i);
        sum += k;
        square += (k - mean) * (k - mean);
        none += k == 0;
    }
    ck_assert_double_eq_tol(sum / n, mean, 5 * sqrt(mean / n));
    ck_assert_double_eq_tol(square / n, mean, 5 * mean * sqrt((2 + 1 / mean) / n));
    ck_assert_double_eq_tol(none / n, exp(-mean), 5 * sqrt(exp(-mean) / n) + 1e-9);
    ck_assert_uint_eq(cep_poisson(mean, 5, 3, 77), cep_poisson(mean, 5, 3, 77));
    ck_assert_uint_eq(cep_poisson(0, 1, 2, 3), 0);
    ck_assert_uint_eq(cep_poisson((double)NAN, 1, 2, 3), 0);
}
END_TEST

/* Chi-squared of the whole distribution on both sides of the change of method. */
START_TEST(poisson_shape)
{
    static const double means[] = {3, 14.5, 20, 40};
    enum { top = 120, n = 200000 };
    double seen[top] = {0}, mean = means[_i], p = exp(-mean), chi = 0, bins = 0;
    for (int i = 0; i < n; i++) {
        uint64_t k = cep_poisson(mean, 9, 1, (uint64_t)i);
        ck_assert_uint_lt(k, top);
        seen[k]++;
    }
    for (int k = 0; k < top; k++) {
        double want = n * p;
        if (want > 20) {
            chi += (seen[k] - want) * (seen[k] - want) / want;
            bins++;
        }
        p *= mean / (k + 1);
    }
    ck_assert_msg(chi < bins + 5 * sqrt(2 * bins), "chi-squared %g of %g bins", chi, bins);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("simulate");
    TCase *t = tcase_create("physics");
    tcase_add_test(t, wave_numbers);
    tcase_add_test(t, atoms);
    tcase_add_test(t, extinction_distances);
    tcase_add_loop_test(t, absences_and_friedel, 0, 5);
    tcase_add_test(t, ewald_sphere);
    tcase_add_loop_test(t, disks, 0, 4);
    tcase_add_test(t, large_disks);
    tcase_add_loop_test(t, zone_patterns, 0, 2);
    tcase_add_loop_test(t, poisson_moments, 0, 9);
    tcase_add_loop_test(t, poisson_shape, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
