/* Crystals of any lattice: cells, structure factors of all reflections of a box, lists of reflections.
 * F(hkl) = sum of occupancy f(g) exp(-B g^2 / 4) exp(2 pi i (hx + ky + lz)) over the atoms of the cell.
 * Must not: list reflections that the structure forbids. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "exec.h"
#include "structure.h"

static const double pi = 3.141592653589793;

cep_structure *cep_structure_create(cep_memory *mem, const char *name)
{
    cep_structure *s = cep_alloc_zero(mem, 1, sizeof *s);
    if (!s) return NULL;
    s->mem = mem;
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

void cep_structure_free(cep_structure *s)
{
    if (!s) return;
    cep_free(s->mem, s->atom);
    cep_free(s->mem, s);
}

const cep_atom *cep_structure_atoms(const cep_structure *s, size_t *count)
{
    *count = s->atoms;
    return s->atom;
}

void cep_structure_set_b(cep_structure *s, double b)
{
    for (size_t i = 0; i < s->atoms; i++)
        s->atom[i].b = b;
}

void cep_structure_lattice(const cep_structure *s, double cell[3][3], double reciprocal[3][3])
{
    memcpy(cell, s->cell, sizeof s->cell);
    memcpy(reciprocal, s->reciprocal, sizeof s->reciprocal);
}

static void cross(double out[3], const double a[3], const double b[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
}

cepman_status cep_structure_cell(cep_structure *s, cep_fault *fault, const double edge[3],
                                 const double angle[3])
{
    double c[3];
    for (int i = 0; i < 3; i++) {
        if (!(edge[i] >= 1 && edge[i] <= 100))
            return cep_fault_set(fault, CEPMAN_ERR_RANGE, "%s: a cell edge of %g angstrom, must be 1 to 100",
                                 s->name, edge[i]);
        if (!(angle[i] >= 20 && angle[i] <= 160))
            return cep_fault_set(fault, CEPMAN_ERR_RANGE, "%s: a cell angle of %g degrees, must be 20 to 160",
                                 s->name, angle[i]);
        c[i] = angle[i] == 90 ? 0 : angle[i] == 120 ? -0.5 : angle[i] == 60 ? 0.5 : cos(angle[i] * pi / 180);
    }
    double sine = sqrt(1 - c[2] * c[2]), x = (c[0] - c[1] * c[2]) / sine, z2 = 1 - c[1] * c[1] - x * x;
    if (!(z2 > 0.01))
        return cep_fault_set(fault, CEPMAN_ERR_RANGE, "%s: cell angles %g, %g, %g degrees leave no volume",
                             s->name, angle[0], angle[1], angle[2]);
    const double cell[3][3] = {{edge[0], 0, 0},
                               {edge[1] * c[2], edge[1] * sine, 0},
                               {edge[2] * c[1], edge[2] * x, edge[2] * sqrt(z2)}};
    memcpy(s->cell, cell, sizeof cell);
    s->volume = cell[0][0] * cell[1][1] * cell[2][2];
    for (int i = 0; i < 3; i++) {
        cross(s->reciprocal[i], cell[(i + 1) % 3], cell[(i + 2) % 3]);
        for (int j = 0; j < 3; j++)
            s->reciprocal[i][j] /= s->volume;
    }
    return CEPMAN_OK;
}

void cep_structure_direction(const cep_structure *s, const double uvw[3], double out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = uvw[0] * s->cell[0][i] + uvw[1] * s->cell[1][i] + uvw[2] * s->cell[2][i];
}

/* ---- structure factors ------------------------------------------------------------------------------------------- */

typedef struct box_work {
    const cep_structure *s;
    cep_factors *f;
    double *phase[3]; /* exp(2 pi i n x) of each atom, n from -most to most: real and imaginary part */
    size_t *kind;     /* of each atom: the first atom with the same element and B */
    double *at_g;     /* per worker: form factors of the kinds, two running products, and one for each atom */
} box_work;

/* One row of the box: all l of one h and k. */
static cepman_status fill_row(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)fault;
    const box_work *w = argument;
    const cep_structure *s = w->s;
    const int *most = w->f->most;
    const size_t side[3] = {2 * (size_t)most[0] + 1, 2 * (size_t)most[1] + 1, 2 * (size_t)most[2] + 1};
    const size_t ih = index / side[1], ik = index % side[1], n = s->atoms;
    double *at_g = w->at_g + 3 * (size_t)worker * n, *both = at_g + n;
    double h = (double)ih - most[0], k = (double)ik - most[1];
    for (size_t a = 0; a < n; a++) {
        const double *x = w->phase[0] + 2 * (a * side[0] + ih), *y = w->phase[1] + 2 * (a * side[1] + ik);
        both[2 * a] = x[0] * y[0] - x[1] * y[1];
        both[2 * a + 1] = x[0] * y[1] + x[1] * y[0];
    }
    for (size_t il = 0; il < side[2]; il++) {
        double l = (double)il - most[2], g2 = 0, re = 0, im = 0;
        for (int i = 0; i < 3; i++) {
            double g = h * s->reciprocal[0][i] + k * s->reciprocal[1][i] + l * s->reciprocal[2][i];
            g2 += g * g;
        }
        for (size_t a = 0; a < n; a++) {
            const cep_atom *atom = &s->atom[a];
            if (w->kind[a] == a)
                at_g[a] = cep_scattering_factor(atom->element, sqrt(g2)) * exp(-atom->b * g2 / 4);
            const double *z = w->phase[2] + 2 * (a * side[2] + il), *xy = both + 2 * a;
            double f = atom->occupancy * at_g[w->kind[a]];
            re += f * (xy[0] * z[0] - xy[1] * z[1]);
            im += f * (xy[0] * z[1] + xy[1] * z[0]);
        }
        double *out = w->f->value + 2 * (index * side[2] + il);
        out[0] = re;
        out[1] = im;
    }
    return CEPMAN_OK;
}

static cepman_status box_scratch(box_work *w, cepman_context *ctx)
{
    cep_memory *mem = cep_context_memory(ctx);
    const cep_structure *s = w->s;
    size_t n = s->atoms;
    for (int i = 0; i < 3; i++) {
        size_t side = 2 * (size_t)w->f->most[i] + 1;
        w->phase[i] = cep_alloc(mem, n, 2 * side * sizeof *w->phase[i]);
        if (!w->phase[i]) return cep_fail_memory(ctx, "structure factors", n, 2 * side * sizeof *w->phase[i]);
        for (size_t a = 0; a < n; a++)
            for (size_t k = 0; k < side; k++) {
                double turns = ((double)k - w->f->most[i]) * s->atom[a].at[i];
                turns -= floor(turns);
                w->phase[i][2 * (a * side + k)] = cos(2 * pi * turns);
                w->phase[i][2 * (a * side + k) + 1] = sin(2 * pi * turns);
            }
    }
    w->kind = cep_alloc(mem, n, sizeof *w->kind);
    w->at_g = cep_alloc(mem, cep_workers(ctx), 3 * n * sizeof *w->at_g);
    if (!w->kind || !w->at_g) return cep_fail_memory(ctx, "structure factors", n, 3 * sizeof *w->at_g);
    for (size_t a = 0; a < n; a++)
        for (w->kind[a] = 0; w->kind[a] < a; w->kind[a]++) {
            const cep_atom *b = &s->atom[w->kind[a]];
            if (b->element == s->atom[a].element && b->b == s->atom[a].b) break;
        }
    return CEPMAN_OK;
}

/* Sums that vanish but for rounding become 0: absences are exact, and centred crystals real. */
static void clean(cep_factors *f)
{
    const int *m = f->most;
    size_t n = (2 * (size_t)m[0] + 1) * (2 * (size_t)m[1] + 1) * (2 * (size_t)m[2] + 1);
    double small = 1e-10 * f->value[n - 1]; /* 000 is in the middle: n is odd */
    f->real = true;
    for (size_t i = 0; i < 2 * n; i++) {
        if (fabs(f->value[i]) < small) f->value[i] = 0;
        if (i % 2 && f->value[i] != 0) f->real = false;
    }
}

cepman_status cep_factors_create(cep_factors **out, cepman_context *ctx, const cep_structure *s,
                                 double longest)
{
    cep_memory *mem = cep_context_memory(ctx);
    cep_factors *f = cep_alloc_zero(mem, 1, sizeof *f);
    if (!f) return cep_fail_memory(ctx, "structure factors", 1, sizeof *f);
    f->mem = mem;
    box_work w = {.s = s, .f = f};
    size_t side[3], n = 1;
    for (int i = 0; i < 3; i++) {
        const double *edge = s->cell[i];
        double length = sqrt(edge[0] * edge[0] + edge[1] * edge[1] + edge[2] * edge[2]);
        f->most[i] = (int)floor(longest * length); /* |h| = |g . a| <= |g| |a| */
        side[i] = 2 * (size_t)f->most[i] + 1;
        n *= side[i];
    }
    cepman_status status = CEPMAN_OK;
    if (n > (size_t)1 << 26)
        status = cep_fail(ctx, CEPMAN_ERR_UNSUPPORTED,
                          "%s: %zu reflections up to %.3g 1/angstrom are more than the simulator takes "
                          "(67108864): the cell is too large",
                          s->name, n, longest);
    if (!status) {
        f->value = cep_alloc(mem, n, 2 * sizeof *f->value);
        if (!f->value) status = cep_fail_memory(ctx, "structure factors", n, 2 * sizeof *f->value);
    }
    if (!status) status = box_scratch(&w, ctx);
    if (!status) status = cep_parallel(ctx, NULL, side[0] * side[1], fill_row, &w);
    if (!status) clean(f);
    for (int i = 0; i < 3; i++)
        cep_free(mem, w.phase[i]);
    cep_free(mem, w.kind);
    cep_free(mem, w.at_g);
    if (status)
        cep_factors_free(f);
    else
        *out = f;
    return status;
}

void cep_factors_free(cep_factors *f)
{
    if (!f) return;
    cep_free(f->mem, f->value);
    cep_free(f->mem, f);
}

const double *cep_factor(const cep_factors *f, int h, int k, int l)
{
    static const double none[2] = {0, 0};
    const int *m = f->most;
    if (h < -m[0] || h > m[0] || k < -m[1] || k > m[1] || l < -m[2] || l > m[2]) return none;
    size_t at = (size_t)(h + m[0]) * (2 * (size_t)m[1] + 1) + (size_t)(k + m[1]);
    return f->value + 2 * (at * (2 * (size_t)m[2] + 1) + (size_t)(l + m[2]));
}

/* ---- lists of reflections ---------------------------------------------------------------------------------------- */

/* Centrings forbid whole classes of indices modulo 2 or 3; glides and screws leave some of a class, through which
 * dynamical diffraction reaches the rest. */
static size_t class_of(const int hkl[3], int modulus)
{
    size_t class = 0;
    for (int i = 0; i < 3; i++)
        class = class * (size_t)modulus + (size_t)((hkl[i] % modulus + modulus) % modulus);
    return class;
}

cepman_status cep_reflections(cep_reflection **list, size_t *count, cep_memory *mem, cep_fault *fault,
                              const cep_structure *s, const cep_factors *f, const cep_optics *optics,
                              double longest, bool forbidden)
{
    const int *m = f->most;
    size_t n = 0, room = 0;
    cep_reflection *r = NULL;
    bool halves[8] = {false}, thirds[27] = {false}; /* classes that hold a reflection */
    /* Twice: to count them, and to write them down. */
    for (int pass = 0; pass < 2; pass++) {
        for (int h = -m[0]; h <= m[0]; h++)
            for (int k = -m[1]; k <= m[1]; k++)
                for (int l = -m[2]; l <= m[2]; l++) {
                    const double *v = cep_factor(f, h, k, l);
                    bool absent = v[0] == 0 && v[1] == 0;
                    cep_reflection one = {.hkl = {h, k, l}};
                    size_t two = class_of(one.hkl, 2), three = class_of(one.hkl, 3);
                    if (!pass && !absent) halves[two] = thirds[three] = true;
                    if (absent && (!forbidden || (pass && !(halves[two] && thirds[three])))) continue;
                    double g2 = 0;
                    for (int i = 0; i < 3; i++) {
                        one.g[i] =
                            h * s->reciprocal[0][i] + k * s->reciprocal[1][i] + l * s->reciprocal[2][i];
                        g2 += one.g[i] * one.g[i];
                    }
                    if (g2 > longest * longest || (h == 0 && k == 0 && l == 0)) continue;
                    room += !pass;
                    if (!pass) continue;
                    one.strength = optics->gamma * hypot(v[0], v[1]) / (pi * s->volume * optics->wave_number);
                    r[n++] = one;
                }
        if (pass) break;
        r = cep_alloc(mem, room, sizeof *r);
        if (!r) return cep_fault_memory(fault, mem, "reflections", room, sizeof *r);
    }
    *list = r;
    *count = n;
    return CEPMAN_OK;
}
