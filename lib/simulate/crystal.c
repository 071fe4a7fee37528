/* Four crystals with right-angled cells, their structure factors and their lists of reflections.
 * Cells and sites: Ag and Al, fcc; SnSe, Pnma (Wiedemeier and von Schnering, Z. Kristallogr. 148 (1978) 295, rounded);
 * gamma-alumina as a spinel with vacant cation sites (Zhou and Snyder, Acta Cryst. B 47 (1991) 617, idealised).
 * Must not: list reflections that the structure forbids. */
#include <math.h>

#include "simulate.h"

static const double pi = 3.141592653589793;

typedef struct site {
    cep_element element;
    double x, y, z, b, occupancy; /* fractions of the cell; B in square angstrom */
} site;

typedef struct structure {
    double edges[3];
    size_t sites, centrings; /* each site stands at every centring */
    const site *site;
    const double (*centring)[3];
} structure;

static const double face_centred[4][3] = {{0, 0, 0}, {0, .5, .5}, {.5, 0, .5}, {.5, .5, 0}};

static const site silver[] = {{CEP_AG, 0, 0, 0, 0.74, 1}};
static const site aluminium[] = {{CEP_AL, 0, 0, 0, 0.8, 1}};

/* 4c (x, 1/4, z): x z; 1/2 - x, z + 1/2; -x, -z; x + 1/2, 1/2 - z. */
#define SNSE_4C(element, x, z)                                                                               \
    {element, x, .25, z, 1.0, 1}, {element, .5 - (x), .75, .5 + (z), 1.0, 1},                                \
        {element, -(x), .75, -(z), 1.0, 1},                                                                  \
    {                                                                                                        \
        element, .5 + (x), .25, .5 - (z), 1.0, 1                                                             \
    }
static const site tin_selenide[] = {SNSE_4C(CEP_SN, .118, .103), SNSE_4C(CEP_SE, .855, .479)};

/* Fd-3m, origin at -3m: cations 8a and 16d (8/9 filled: 21 1/3 per cell), oxygen 32e with u near 1/4. */
#define U .26
#define CATION(x, y, z)                                                                                      \
    {                                                                                                        \
        CEP_AL, x, y, z, 0.5, 8.0 / 9.0                                                                      \
    }
#define OXYGEN(x, y, z)                                                                                      \
    {                                                                                                        \
        CEP_O, x, y, z, 0.6, 1                                                                               \
    }
static const site alumina[] = {
    CATION(.125, .125, .125),
    CATION(.875, .375, .375),
    CATION(.5, .5, .5),
    CATION(.25, .75, 0),
    CATION(.75, 0, .25),
    CATION(0, .25, .75),
    OXYGEN(U, U, U),
    OXYGEN(.75 - U, .25 - U, U + .5),
    OXYGEN(.25 - U, U + .5, .75 - U),
    OXYGEN(U + .5, .75 - U, .25 - U),
    OXYGEN(U + .75, U + .25, .5 - U),
    OXYGEN(-U, -U, -U),
    OXYGEN(U + .25, .5 - U, U + .75),
    OXYGEN(.5 - U, U + .75, U + .25),
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
static const structure structures[CEP_CRYSTALS] = {
    [CEP_SILVER] = {{4.086, 4.086, 4.086}, COUNT(silver), 4, silver, face_centred},
    [CEP_ALUMINIUM] = {{4.0496, 4.0496, 4.0496}, COUNT(aluminium), 4, aluminium, face_centred},
    [CEP_TIN_SELENIDE] = {{11.50, 4.15, 4.45}, COUNT(tin_selenide), 1, tin_selenide, face_centred},
    [CEP_ALUMINA] = {{7.91, 7.91, 7.91}, COUNT(alumina), 4, alumina, face_centred},
};

void cep_crystal_cell(cep_crystal crystal, double edges[3])
{
    for (int i = 0; i < 3; i++)
        edges[i] = structures[crystal].edges[i];
}

void cep_structure_factor(cep_crystal crystal, const int hkl[3], double *real, double *imaginary)
{
    const structure *c = &structures[crystal];
    double g2 = 0, at_rest[CEP_ELEMENTS], re = 0, im = 0;
    for (int i = 0; i < 3; i++)
        g2 += hkl[i] * hkl[i] / (c->edges[i] * c->edges[i]);
    for (int e = 0; e < CEP_ELEMENTS; e++)
        at_rest[e] = -1;
    *real = *imaginary = 0;
    for (size_t k = 0; k < c->centrings; k++) {
        double phase = 0;
        for (int i = 0; i < 3; i++)
            phase += hkl[i] * c->centring[k][i];
        re += cos(2 * pi * phase);
        im += sin(2 * pi * phase);
    }
    if (re * re + im * im < 1e-12) return; /* the centring forbids it */
    for (size_t k = 0; k < c->sites; k++) {
        const site *s = &c->site[k];
        if (at_rest[s->element] < 0) at_rest[s->element] = cep_scattering_factor(s->element, sqrt(g2));
        double phase = 2 * pi * (hkl[0] * s->x + hkl[1] * s->y + hkl[2] * s->z);
        double f = s->occupancy * at_rest[s->element] * exp(-s->b * g2 / 4);
        *real += f * (re * cos(phase) - im * sin(phase));
        *imaginary += f * (re * sin(phase) + im * cos(phase));
    }
}

cepman_status cep_reflections(cep_reflection **list, size_t *count, cep_memory *mem, cep_fault *fault,
                              cep_crystal crystal, const cep_optics *optics, double longest)
{
    const structure *c = &structures[crystal];
    const double *edge = c->edges;
    double volume = edge[0] * edge[1] * edge[2], zero_re, zero_im;
    int most[3];
    size_t room = 1;
    cep_structure_factor(crystal, (int[3]){0, 0, 0}, &zero_re, &zero_im);
    for (int i = 0; i < 3; i++) {
        most[i] = (int)floor(longest * edge[i]);
        room *= 2 * (size_t)most[i] + 1;
    }
    cep_reflection *r = cep_alloc(mem, room, sizeof *r);
    if (!r) return cep_fault_memory(fault, mem, "reflections", room, sizeof *r);
    size_t n = 0;
    for (int h = -most[0]; h <= most[0]; h++)
        for (int k = -most[1]; k <= most[1]; k++)
            for (int l = -most[2]; l <= most[2]; l++) {
                cep_reflection one = {{h / edge[0], k / edge[1], l / edge[2]}, 0, {h, k, l}};
                double g2 = one.g[0] * one.g[0] + one.g[1] * one.g[1] + one.g[2] * one.g[2], re, im;
                if (g2 > longest * longest || g2 == 0) continue;
                cep_structure_factor(crystal, one.hkl, &re, &im);
                double f = sqrt(re * re + im * im);
                if (f < 1e-9 * zero_re) continue;
                one.strength = optics->gamma * f / (pi * volume * optics->wave_number);
                r[n++] = one;
            }
    *list = r;
    *count = n;
    return CEPMAN_OK;
}
