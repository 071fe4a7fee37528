/* Bloch waves: two beams against the formula, unitarity, thin crystals, absorption, symmetry, weak beams, complex crystals,
 * and intensities beam by beam against another simulator. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg.h"
#include "reference.h"
#include "simulate.h"
#include "support.h"

static const double pi = 3.141592653589793;

/* A crystal with its reflections, ready to be looked at along a zone. */
typedef struct sample {
    cepman_context *ctx;
    cep_structure *structure;
    cep_factors *factors;
    cep_reflection *list;
    size_t count;
    cep_optics optics;
    cep_slab slab;
    cep_bloch bloch;
    double *intensity;
} sample;

static void open_sample(sample *s, const char *crystal, const double zone[3], const double x[3],
                        double thickness, double spread)
{
    double z[3], along[3];
    cep_fault fault;
    s->ctx = support_begin(2);
    cep_memory *mem = cep_context_memory(s->ctx);
    fault.text[0] = 0;
    ck_assert_msg(cep_structure_open(&s->structure, mem, &fault, crystal) == CEPMAN_OK, "%s", fault.text);
    assert_good(s->ctx, cep_factors_create(&s->factors, s->ctx, s->structure, 5));
    cep_optics_set(&s->optics, 200, 0, 0.04, 128);
    ck_assert_int_eq(
        cep_reflections(&s->list, &s->count, mem, &fault, s->structure, s->factors, &s->optics, 2.6, true),
        CEPMAN_OK);
    s->slab = (cep_slab){s->list, s->count, {{{0}}}, thickness, spread, 0, 1e-7, NULL};
    cep_structure_direction(s->structure, zone, z);
    cep_structure_direction(s->structure, x, along);
    cep_orientation_zone(&s->slab.orientation, z, along);
    s->bloch = (cep_bloch){.factors = s->factors, .scale = cep_bloch_scale(s->structure, &s->optics)};
    s->bloch.room = s->count + 1;
    s->bloch.beam = calloc(s->bloch.room, sizeof *s->bloch.beam);
    s->intensity = calloc(s->bloch.room, sizeof *s->intensity);
    ck_assert(s->bloch.beam && s->intensity);
}

static void close_sample(sample *s)
{
    free(s->bloch.beam);
    free(s->intensity);
    cep_free(cep_context_memory(s->ctx), s->list);
    cep_factors_free(s->factors);
    cep_structure_free(s->structure);
    support_end(s->ctx);
}

/* Intensities of the beams that are set, for one direction, added with a weight. */
static void solve(sample *s, double kx, double ky, double weight)
{
    size_t n = s->bloch.strong;
    double *matrix = calloc(2 * n * n, sizeof *matrix), *central = calloc(2 * n * n, sizeof *central),
           *value = calloc(n, sizeof *value), *scratch = calloc(cep_bloch_scratch(n), sizeof *scratch),
           *once = calloc(s->bloch.count, sizeof *once);
    ck_assert(matrix && central && value && scratch && once);
    cep_bloch_matrix(&s->bloch, &s->optics, s->slab.thickness, scratch, central);
    cep_bloch_tilt(&s->bloch, &s->optics, kx, ky, central, matrix);
    assert_good(s->ctx, cep_linalg_hermitian(s->ctx, n, !s->factors->real, matrix, value));
    cep_bloch_intensities(&s->bloch, &s->optics, kx, ky, matrix, value, s->slab.thickness, s->slab.spread,
                          scratch, once);
    for (size_t i = 0; i < s->bloch.count; i++)
        s->intensity[i] += weight * once[i];
    free(matrix);
    free(central);
    free(value);
    free(scratch);
    free(once);
}

static void solve_alone(sample *s)
{
    memset(s->intensity, 0, s->bloch.room * sizeof *s->intensity);
    solve(s, 0, 0, 1);
}

static double sum_of(const sample *s, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to; i++)
        sum += s->intensity[i];
    return sum;
}

static const double z100[3] = {1, 0, 0}, z110[3] = {1, 1, 0}, x010[3] = {0, 1, 0}, x001[3] = {0, 0, 1};

/* Puts one reflection beside the direct beam, at a chosen excitation error. */
static void two_beams(sample *s, const int hkl[3], double error)
{
    cep_beam *b = s->bloch.beam;
    memset(b, 0, 2 * sizeof *b);
    for (size_t i = 0; i < s->count; i++)
        if (memcmp(s->list[i].hkl, hkl, sizeof s->list[i].hkl) == 0) {
            const double *g = s->list[i].g;
            double length = sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2]), K = s->optics.wave_number;
            b[1].strength = s->list[i].strength;
            b[1].g[0] = length;
            b[1].g[2] = sqrt(K * K - length * length) - K - error;
            memcpy(b[1].hkl, hkl, sizeof b[1].hkl);
        }
    ck_assert_double_gt(b[1].strength, 0);
    s->bloch.count = s->bloch.strong = 2;
}

/* sin^2(pi t sqrt(s^2 + 1 / xi^2)) / (1 + (s xi)^2), with the book's extinction distances in xi at 100 kV elsewhere. */
START_TEST(two_beam_curve)
{
    static const int hkl[3][3] = {{1, 1, 1}, {0, 0, 2}, {0, 2, 2}};
    sample s;
    open_sample(&s, _i ? "Al" : "Ag", z100, x010, 100, 0);
    for (int k = 0; k < 3; k++)
        for (double error = -0.01; error <= 0.0101; error += 0.002)
            for (double t = 10; t < 1000; t *= 2.3) {
                two_beams(&s, hkl[k], error);
                s.slab.thickness = t;
                solve_alone(&s);
                double xi = 1 / s.bloch.beam[1].strength, w = error * xi;
                double expected = pow(sin(pi * t / xi * sqrt(1 + w * w)), 2) / (1 + w * w);
                ck_assert_double_eq_tol(s.intensity[1], expected, 1e-12);
                ck_assert_double_eq_tol(s.intensity[0], 1 - expected, 1e-12);
                /* Averaged over the thickness: the mean over five of them. */
                s.slab.spread = 0.1 * t;
                solve_alone(&s);
                double mean = 0;
                for (int i = 0; i < 5; i++)
                    mean += pow(sin(pi * t * (1 + 0.1 * (0.4 * i - 0.8)) / xi * sqrt(1 + w * w)), 2) /
                            (1 + w * w) / 5;
                ck_assert_double_eq_tol(s.intensity[1], mean, 1e-12);
                s.slab.spread = 0;
                /* The same beam treated as a weak one: single scattering. */
                if (fabs(error) > 0.005) continue; /* there it acts on the direct beam too */
                s.bloch.strong = 1;
                solve_alone(&s);
                double single =
                    fabs(error) < 1e-9 ? pow(pi * t / xi, 2) : pow(sin(pi * t * error) / (xi * error), 2);
                ck_assert_double_eq_tol(s.intensity[1], single, 1e-6 * (1 + single));
            }
    close_sample(&s);
}
END_TEST

/* Uniform absorption (every beam loses alike) is exact in first order: exp(-4 pi q t). The loss of two beams at the Bragg
 * condition: the two waves lose by U0' +- Ug'. */
START_TEST(absorption)
{
    static const int hkl[3] = {0, 0, 2};
    sample s;
    open_sample(&s, "Ag", z100, x010, 300, 0);
    two_beams(&s, hkl, 0);
    double u0 = s.bloch.scale * cep_factor(s.factors, 0, 0, 0)[0], u = 0.5 * s.bloch.beam[1].strength;
    for (double part = 0; part <= 0.2; part += 0.05) {
        s.bloch.absorption = part;
        solve_alone(&s);
        double t = 300, mean = exp(-4 * pi * part * u0 * t);
        ck_assert_double_eq_tol(s.intensity[0] + s.intensity[1], mean * cosh(4 * pi * part * u * t), 1e-10);
        ck_assert_double_eq_tol(
            s.intensity[0], mean * (0.5 * cosh(4 * pi * part * u * t) + 0.5 * cos(4 * pi * u * t)), 1e-10);
        s.bloch.count = s.bloch.strong = 1;
        solve_alone(&s);
        ck_assert_double_eq_tol(s.intensity[0], mean, 1e-12);
        s.bloch.count = s.bloch.strong = 2;
    }
    close_sample(&s);
}
END_TEST

static const char *const crystals[] = {"Ag", "SnSe", "gamma-Al2O3", "alpha-Al2O3"};

/* Without absorption nothing is lost among the strong beams, at any thickness and tilt; a zone's symmetry stays; thin
 * crystals are kinematical; beams that several scattering alone excites appear. */
START_TEST(laws)
{
    sample s;
    open_sample(&s, crystals[_i],
                _i == 3   ? x001
                : _i == 1 ? x010
                          : z100,
                _i == 3   ? z100
                : _i == 1 ? x001
                          : x010,
                100, 0);
    for (double t = 1; t < 2000; t *= 6) {
        s.slab.thickness = t;
        cep_bloch_select(&s.bloch, &s.optics, &s.slab, 60);
        ck_assert_uint_gt(s.bloch.strong, 10);
        ck_assert_uint_le(s.bloch.strong, 60);
        solve_alone(&s);
        ck_assert_double_eq_tol(sum_of(&s, 0, s.bloch.strong), 1, 1e-10);
        /* Centred crystals seen along a two-fold axis: g and -g alike (along [001] alpha-alumina has three-fold symmetry). */
        for (size_t i = 0; i < s.bloch.count; i++)
            for (size_t k = 0; k < i && t > 30 && _i < 3; k++)
                if (fabs(s.bloch.beam[i].g[0] + s.bloch.beam[k].g[0]) +
                        fabs(s.bloch.beam[i].g[1] + s.bloch.beam[k].g[1]) + fabs(s.bloch.beam[i].g[2]) +
                        fabs(s.bloch.beam[k].g[2]) <
                    1e-9)
                    ck_assert_double_eq_tol(s.intensity[i], s.intensity[k], 1e-6 * s.intensity[i] + 1e-12);
    }
    /* 1 angstrom: I = (pi t / xi)^2 sinc^2 to a part in a hundred where it is not second order. */
    s.slab.thickness = 1;
    cep_bloch_select(&s.bloch, &s.optics, &s.slab, 60);
    solve_alone(&s);
    size_t compared = 0;
    for (size_t i = 1; i < s.bloch.count; i++) {
        const cep_beam *b = &s.bloch.beam[i];
        double k = cep_kinematical(b->strength, cep_excitation_error(&s.optics, b->g, 0, 0), 1, 0);
        if (k < 1e-5) continue;
        ck_assert_double_eq_tol(s.intensity[i], k, 0.06 * k);
        compared++;
    }
    ck_assert_uint_gt(compared, 5);
    /* Double diffraction: exactly along the zone a glide's absence stays dark (Gjonnes and Moodie 1965), tilted off it
     * the beam is bright; a centring's absence is not even in the list. */
    for (int tilted = 0; tilted < 2; tilted++) {
        double most = 0;
        s.slab.thickness = 200;
        if (tilted) cep_orientation_turn(&s.slab.orientation, 0, 0.01, 0.013);
        cep_bloch_select(&s.bloch, &s.optics, &s.slab, 60);
        solve_alone(&s);
        for (size_t i = 1; i < s.bloch.strong; i++)
            if (s.bloch.beam[i].strength == 0) most = fmax(most, s.intensity[i]);
        if (_i != 1 || !tilted)
            ck_assert_double_lt(most, _i == 0 || _i == 1 ? 1e-12 : 1);
        else
            ck_assert_double_gt(most, 1e-3);
    }
    close_sample(&s);
}
END_TEST

/* The choice of beams: twice as many diagonalised, or all, changes little. */
START_TEST(choice_of_beams)
{
    sample s;
    open_sample(&s, "Ag", z110, x001, 70, 7);
    cep_orientation_turn(&s.slab.orientation, 0, 0.03, -0.05);
    double known[3][200];
    static const size_t most[3] = {400, 60, 40};
    int hkl[200][3];
    size_t n = 0;
    for (int k = 0; k < 3; k++) {
        cep_bloch_select(&s.bloch, &s.optics, &s.slab, most[k]);
        solve_alone(&s);
        if (k == 0)
            for (n = 0; n < 60 && n < s.bloch.strong; n++)
                memcpy(hkl[n], s.bloch.beam[n].hkl, sizeof hkl[n]);
        for (size_t i = 0; i < n; i++) {
            known[k][i] = -1;
            for (size_t j = 0; j < s.bloch.count; j++)
                if (memcmp(hkl[i], s.bloch.beam[j].hkl, sizeof hkl[i]) == 0) known[k][i] = s.intensity[j];
            ck_assert_double_ge(known[k][i], 0);
        }
    }
    double apart[3] = {0}, all = 0;
    for (size_t i = 0; i < n; i++) {
        all += known[0][i];
        for (int k = 1; k < 3; k++)
            apart[k] += fabs(known[k][i] - known[0][i]);
    }
    ck_assert_msg(apart[1] < 0.01 * all && apart[2] < 0.03 * all, "%g %g of %g", apart[1], apart[2], all);
    close_sample(&s);
}
END_TEST

/* A polar crystal (no centre): zheevd. GaAs-like; unitarity, and Friedel's law broken by several scattering alone. */
START_TEST(without_a_centre)
{
    const char *path = support_path("polar.txt");
    static const char good[] =
        "# zinc blende\ncell 5.6533\ncentring F\natom Ga 0 0 0 0.6\natom As .25 .25 .25 0.6\n";
    support_write(path, good, sizeof good - 1);
    sample s;
    open_sample(&s, path, z110, x001, 2, 0);
    ck_assert(!s.factors->real);
    for (int thick = 0; thick < 2; thick++) {
        s.slab.thickness = thick ? 300 : 2;
        cep_bloch_select(&s.bloch, &s.optics, &s.slab, 60);
        solve_alone(&s);
        ck_assert_double_eq_tol(sum_of(&s, 0, s.bloch.strong), 1, 1e-10);
        double plus = -1, minus = -1;
        for (size_t i = 0; i < s.bloch.count; i++) {
            const int *h = s.bloch.beam[i].hkl;
            if (h[0] == 1 && h[1] == -1 && h[2] == 1) plus = s.intensity[i];
            if (h[0] == -1 && h[1] == 1 && h[2] == -1) minus = s.intensity[i];
        }
        ck_assert(plus >= 0 && minus >= 0);
        if (thick)
            ck_assert_double_gt(fabs(plus - minus), 0.05 * (plus + minus));
        else
            ck_assert_double_lt(fabs(plus - minus), 0.05 * (plus + minus));
    }
    close_sample(&s);
}
END_TEST

/* Beam by beam against the other simulator. */
START_TEST(reference_intensities)
{
    const reference *r = &references[_i];
    sample s;
    open_sample(&s, r->crystal, r->zone, r->x, r->thickness, r->spread);
    s.optics.convergence = r->convergence;
    cep_orientation_turn(&s.slab.orientation, 0, r->about_x * pi / 180, r->about_y * pi / 180);
    double k[CEP_MOST_DIRECTIONS][2];
    size_t directions = cep_cone(&s.optics, 1, k);
    ck_assert_uint_eq(directions, 7);
    for (int absorbing = 0; absorbing < 2; absorbing++) {
        s.bloch.absorption = absorbing ? 0.05 : 0;
        cep_bloch_select(&s.bloch, &s.optics, &s.slab, 60);
        memset(s.intensity, 0, s.bloch.room * sizeof *s.intensity);
        for (size_t d = 0; d < directions; d++)
            solve(&s, k[d][0], k[d][1], 1.0 / 7);
        double apart = 0, all = 0, xy = 0, xx = 0, yy = 0;
        for (int i = 0; i < r->beams; i++) {
            const reference_beam *b = &r->beam[i];
            double want = absorbing ? b->absorbed : b->bloch, have = -1;
            for (size_t j = 0; j < s.bloch.count; j++)
                if (memcmp(s.bloch.beam[j].hkl, b->hkl, sizeof b->hkl) == 0) {
                    have = s.intensity[j];
                    if (i == 0 || absorbing) continue;
                    double kinematical = 0;
                    for (size_t d = 0; d < directions; d++)
                        kinematical += cep_kinematical(s.bloch.beam[j].strength,
                                                       cep_excitation_error(&s.optics, s.bloch.beam[j].g,
                                                                            k[d][0], k[d][1]),
                                                       r->thickness, r->spread) /
                                       7;
                    if (j > 0)
                        ck_assert_double_eq_tol(kinematical, b->kinematical, 0.01 * b->kinematical + 1e-7);
                }
            ck_assert_msg(have >= 0, "%s: beam %d %d %d is missing", r->crystal, b->hkl[0], b->hkl[1],
                          b->hkl[2]);
            apart += fabs(have - want);
            all += want;
            xy += have * want;
            xx += have * have;
            yy += want * want;
        }
        ck_assert_msg(apart < 0.03 * all && xy > 0.9995 * sqrt(xx * yy),
                      "%s: apart %g of %g, correlation %.6f", r->crystal, apart, all, xy / sqrt(xx * yy));
    }
    close_sample(&s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("simulate");
    TCase *t = tcase_create("bloch");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, two_beam_curve, 0, 2);
    tcase_add_test(t, absorption);
    tcase_add_loop_test(t, laws, 0, 4);
    tcase_add_test(t, choice_of_beams);
    tcase_add_test(t, without_a_centre);
    tcase_add_loop_test(t, reference_intensities, 0, (int)(sizeof references / sizeof references[0]));
    suite_add_tcase(s, t);
    return s;
}
