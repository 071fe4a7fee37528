/* The crystals that the simulator knows by name: fcc metals, tin selenide, two aluminium oxides.
 * Metals: a and B at room temperature (Peng, Ren, Dudarev, Whelan, Acta Cryst. A 52 (1996) 456, rounded). SnSe, Pnma:
 * Wiedemeier and von Schnering, Z. Kristallogr. 148 (1978) 295, rounded. gamma-alumina, a spinel with vacant cation
 * sites: Zhou and Snyder, Acta Cryst. B 47 (1991) 617, idealised. alpha-alumina: Ishizawa et al., Acta Cryst. B 36
 * (1980) 228. Must not: need a file. */
#include <string.h>

#include "structure.h"

typedef struct site {
    double x, y, z, b, occupancy;
    int element;
} site;

typedef struct crystal {
    const char *name;
    double edge[3], gamma;
    const char *centring;
    size_t sites;
    const site *site;
    const char *const *operators; /* ends with NULL; NULL: the sites are all there is */
} crystal;

#define METAL(symbol, number, a, b)                                                                          \
    {                                                                                                        \
        symbol, {a, a, a}, 90, "F", 1, (const site[]){{0, 0, 0, b, 1, number}}, NULL                         \
    }
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const site tin_selenide[] = {{.118, .25, .103, 1.0, 1, 50}, {.855, .25, .479, 1.0, 1, 34}};
static const char *const pnma[] = {"x,y,z",    "1/2-x,-y,1/2+z", "-x,1/2+y,-z", "1/2+x,1/2-y,1/2-z",
                                   "-x,-y,-z", "1/2+x,y,1/2-z",  "x,1/2-y,z",   "1/2-x,1/2+y,1/2+z",
                                   NULL};

/* Fd-3m, origin at -3m: cations 8a and 16d (8/9 filled: 21 1/3 a cell), oxygen 32e with u near 1/4. The sites but for
 * the centring, which is shorter than the 48 operators. */
#define U .26
#define CATION(x, y, z)                                                                                      \
    {                                                                                                        \
        x, y, z, 0.5, 8.0 / 9.0, 13                                                                          \
    }
#define OXYGEN(x, y, z)                                                                                      \
    {                                                                                                        \
        x, y, z, 0.6, 1, 8                                                                                   \
    }
static const site spinel[] = {
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

/* R-3c in hexagonal axes: aluminium 12c (0, 0, z), oxygen 18e (x, 0, 1/4). */
static const site corundum[] = {{0, 0, .35219, .21, 1, 13}, {.30633, 0, .25, .26, 1, 8}};
static const char *const r_3c[] = {"x,y,z",         "-y,x-y,z",    "-x+y,-x,z", "y,x,1/2-z", "x-y,-y,1/2-z",
                                   "-x,-x+y,1/2-z", "-x,-y,-z",    "y,-x+y,-z", "x-y,x,-z",  "-y,-x,1/2+z",
                                   "-x+y,y,1/2+z",  "x,x-y,1/2+z", NULL};

static const crystal crystals[] = {
    METAL("Al", 13, 4.0496, 0.80),
    METAL("Ni", 28, 3.5240, 0.37),
    METAL("Cu", 29, 3.6149, 0.55),
    METAL("Rh", 45, 3.8034, 0.27),
    METAL("Pd", 46, 3.8907, 0.45),
    METAL("Ag", 47, 4.0860, 0.74),
    METAL("Ir", 77, 3.8390, 0.24),
    METAL("Pt", 78, 3.9242, 0.37),
    METAL("Au", 79, 4.0782, 0.62),
    METAL("Pb", 82, 4.9508, 2.08),
    {"SnSe", {11.50, 4.15, 4.45}, 90, "P", COUNT(tin_selenide), tin_selenide, pnma},
    {"gamma-Al2O3", {7.91, 7.91, 7.91}, 90, "F", COUNT(spinel), spinel, NULL},
    {"alpha-Al2O3", {4.7570, 4.7570, 12.9877}, 120, "R", COUNT(corundum), corundum, r_3c},
};

/* Translations of the centred cells, the first one left out. */
static const struct {
    const char *name;
    size_t count;
    double shift[3][3];
} centrings[] = {
    {"P", 0, {{0}}},
    {"I", 1, {{.5, .5, .5}}},
    {"A", 1, {{0, .5, .5}}},
    {"B", 1, {{.5, 0, .5}}},
    {"C", 1, {{.5, .5, 0}}},
    {"F", 3, {{0, .5, .5}, {.5, 0, .5}, {.5, .5, 0}}},
    {"R", 2, {{2. / 3, 1. / 3, 1. / 3}, {1. / 3, 2. / 3, 2. / 3}}},
};

bool cep_structure_centre(cep_structure *s, cep_fault *fault, cep_word letter, cepman_status *status)
{
    for (size_t i = 0; i < COUNT(centrings); i++) {
        cep_symmetry all[3];
        if (!cep_word_is(letter, centrings[i].name)) continue;
        for (size_t k = 0; k < centrings[i].count; k++) {
            all[k] = (cep_symmetry){.turn = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
            memcpy(all[k].shift, centrings[i].shift[k], sizeof all[k].shift);
        }
        *status = cep_structure_expand(s, fault, all, centrings[i].count);
        return true;
    }
    return false;
}

bool cep_structure_builtin(cep_structure *s, cep_fault *fault, const char *name, cepman_status *status)
{
    const crystal *c = crystals;
    while (c < crystals + COUNT(crystals) && strcmp(c->name, name) != 0)
        c++;
    if (c == crystals + COUNT(crystals)) return false;
    const double angle[3] = {90, 90, c->gamma};
    *status = cep_structure_cell(s, fault, c->edge, angle);
    for (size_t i = 0; !*status && i < c->sites; i++) {
        const site *at = &c->site[i];
        cep_atom atom = {at->element, {at->x, at->y, at->z}, at->b, at->occupancy};
        *status = cep_structure_atom(s, fault, &atom);
    }
    cep_symmetry all[CEP_MOST_OPERATORS];
    size_t count = 0;
    for (; c->operators && c->operators[count]; count++)
        if (!cep_symmetry_parse(&all[count], c->operators[count], strlen(c->operators[count])))
            *status = cep_fault_set(fault, CEPMAN_ERR_INTERNAL, "%s: operator %s", name, c->operators[count]);
    if (!*status) *status = cep_structure_expand(s, fault, all, count);
    if (!*status) cep_structure_centre(s, fault, (cep_word){c->centring, strlen(c->centring)}, status);
    return true;
}
