/* Dynamical diffraction by Bloch waves: beams, matrix, intensities.
 * Strong beams: eigenvectors of A_gg = s_g, A_gh = U_{g-h} / 2K (Bethe, Ann. Phys. 87 (1928) 55; Hirsch et al., chapters
 * 9 and 12), absorption as first-order imaginary parts of the eigenvalues. Weak beams: single scattering out of that
 * wave field, psi_w(t) = sum_j V_wj (exp(2 pi i G_j t) - exp(2 pi i s_w t)) / (G_j - s_w).
 * Must not: call LAPACK (the calling thread does, simulate.c). */
#include <math.h>
#include <string.h>

#include "simulate.h"
#include "structure.h"

static const double pi = 3.141592653589793;
enum { SEEDS = 24, SAMPLES = 5, MOST_FOLDED = 400 };

double cep_bloch_scale(const cep_structure *s, const cep_optics *o)
{
    return o->gamma / (2 * pi * s->volume * o->wave_number);
}

/* ---- which beams ----------------------------------------------------------------------------------------------- */

/* By rank, the largest first, then by place: heap sort, in place. */
static void sift(cep_beam *b, size_t root, size_t end)
{
    cep_beam top = b[root];
    for (size_t child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && b[child + 1].rank < b[child].rank) child++;
        if (!(b[child].rank < top.rank)) break;
        b[root] = b[child];
    }
    b[root] = top;
}

static void sort(cep_beam *b, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(b, i, n);
    for (size_t end = n; end > 1; end--) {
        cep_beam least = b[0];
        b[0] = b[end - 1];
        b[end - 1] = least;
        sift(b, 0, end - 1);
    }
}

static double coupling(const cep_bloch *b, const cep_beam *g, const cep_beam *h)
{
    const double *f =
        cep_factor(b->factors, g->hkl[0] - h->hkl[0], g->hkl[1] - h->hkl[1], g->hkl[2] - h->hkl[2]);
    return b->scale * hypot(f[0], f[1]);
}

static double error_of(const cep_optics *o, const cep_beam *g)
{
    double s = fabs(cep_excitation_error(o, g->g, 0, 0)), least = 1e-6;
    return s > least ? s : least;
}

void cep_bloch_select(cep_bloch *b, const cep_optics *o, const cep_slab *slab, size_t most)
{
    const double corner = cep_optics_corner(o);
    const double shrink = 1 - slab->strain;
    cep_beam *beam = b->beam;
    beam[0] = (cep_beam){{0, 0, 0}, 0, 0, {0, 0, 0}};
    b->count = 1;
    double largest = 0;
    for (size_t i = 0; i < slab->count; i++)
        if (slab->list[i].strength > largest) largest = slab->list[i].strength;
    for (size_t i = 0; i < slab->count && b->count < b->room; i++) {
        const cep_reflection *r = &slab->list[i];
        cep_beam one = {.strength = r->strength, .hkl = {r->hkl[0], r->hkl[1], r->hkl[2]}};
        for (int k = 0; k < 3; k++) {
            const double *row = slab->orientation.m[k];
            one.g[k] = shrink * (row[0] * r->g[0] + row[1] * r->g[1] + row[2] * r->g[2]);
            if (k < 2 && fabs(one.g[k]) > corner) goto skip;
        }
        double s = error_of(o, &one);
        double nearest = s - o->convergence * (fabs(one.g[0]) + fabs(one.g[1]));
        /* A forbidden one is as strong as two steps make it: at most the largest there is, twice. */
        double strength = r->strength > 0 ? r->strength : largest * largest / (largest + s);
        if (nearest > 0 && strength * strength < slab->weakest * nearest * nearest) continue;
        one.rank = r->strength / (2 * s);
        if (one.rank > 1) one.rank = 1;
        beam[b->count++] = one;
    skip:;
    }
    sort(beam + 1, b->count - 1);
    size_t seeds = b->count < SEEDS ? b->count : SEEDS;
    cep_beam seed[SEEDS];
    memcpy(seed, beam, seeds * sizeof *seed);
    seed[0].rank = 1;
    for (size_t i = 1; i < b->count; i++) {
        double p = 0, s = error_of(o, &beam[i]);
        for (size_t h = 0; h < seeds; h++) {
            if (memcmp(seed[h].hkl, beam[i].hkl, sizeof beam[i].hkl) == 0) continue;
            p = fmax(p, seed[h].rank * coupling(b, &beam[i], &seed[h]) / s);
        }
        /* Orientations come from sines: what is equal by symmetry differs in the last digits. */
        beam[i].rank = p > 1e6 ? 1e6 : p;
    }
    sort(beam + 1, b->count - 1);
    /* Of the rest, |psi|^2 is about 2 p^2. */
    while (b->count > 1 && 2 * beam[b->count - 1].rank * beam[b->count - 1].rank < slab->weakest)
        b->count--;
    b->strong = 1;
    while (b->strong < b->count && beam[b->strong].rank >= 0.01)
        b->strong++;
    if (b->strong > most) {
        b->strong = most;
        while (b->strong > 1 && beam[b->strong - 1].rank < beam[b->strong].rank * (1 + 1e-6))
            b->strong--;
    }
}

/* ---- the strong ones -------------------------------------------------------------------------------------------- */

size_t cep_bloch_size(const cep_bloch *b)
{
    return b->strong * b->strong * (b->factors->real ? 1 : 2);
}

/* What a step to a weak beam and back adds: A_gh -= A_gw A_wh / s_w (Bethe's potentials). */
static void fold(const cep_bloch *b, const cep_beam *w, double s, double *u, double *a)
{
    const size_t n = b->strong, parts = b->factors->real ? 1 : 2;
    for (size_t g = 0; g < n; g++) {
        const int *p = b->beam[g].hkl, *q = w->hkl;
        const double *f = cep_factor(b->factors, p[0] - q[0], p[1] - q[1], p[2] - q[2]);
        u[g] = b->scale * f[0];
        u[n + g] = b->scale * f[1];
    }
    for (size_t h = 0; h < n; h++) {
        double re = u[h] / s, im = u[n + h] / s, *to = a + parts * h * n;
        if (re == 0 && im == 0) continue;
        if (parts == 1) {
            for (size_t g = h; g < n; g++)
                to[g] -= u[g] * re;
            continue;
        }
        for (size_t g = h; g < n; g++) { /* u_g times the conjugate of u_h */
            to[2 * g] -= u[g] * re + u[n + g] * im;
            to[2 * g + 1] -= g == h ? 0 : u[n + g] * re - u[g] * im;
        }
    }
}

void cep_bloch_matrix(const cep_bloch *b, const cep_optics *o, double thickness, double *scratch, double *a)
{
    const size_t n = b->strong, parts = b->factors->real ? 1 : 2;
    for (size_t h = 0; h < n; h++)
        for (size_t g = h; g < n; g++) {
            const int *p = b->beam[g].hkl, *q = b->beam[h].hkl;
            const double *f = cep_factor(b->factors, p[0] - q[0], p[1] - q[1], p[2] - q[2]);
            double *to = a + parts * (h * n + g);
            to[0] = g == h ? cep_excitation_error(o, b->beam[g].g, 0, 0) : b->scale * f[0];
            if (parts == 2) to[1] = g == h ? 0 : b->scale * f[1];
        }
    for (size_t w = n; w < b->count; w++) {
        const cep_beam *weak = &b->beam[w];
        if (w >= n + MOST_FOLDED && weak->rank < weak[-1].rank * (1 - 1e-6)) break;
        double s = cep_excitation_error(o, weak->g, 0, 0), phase = 2 * pi * s * thickness;
        /* In a thin crystal the weak beam has not built up yet. */
        double built = fabs(phase) < 1e-3 ? phase * phase / 6 : 1 - sin(phase) / phase;
        if (fabs(s) > 0.005) fold(b, weak, s / built, scratch, a);
    }
}

void cep_bloch_tilt(const cep_bloch *b, const cep_optics *o, double kx, double ky, const double *central,
                    double *a)
{
    const size_t n = b->strong, parts = b->factors->real ? 1 : 2;
    memcpy(a, central, cep_bloch_size(b) * sizeof *a);
    for (size_t g = 0; g < n; g++)
        a[parts * g * (n + 1)] +=
            cep_excitation_error(o, b->beam[g].g, kx, ky) - cep_excitation_error(o, b->beam[g].g, 0, 0);
}

/* ---- intensities ------------------------------------------------------------------------------------------------ */

/* Of n strong beams: components by beam (n x n, two parts), waves (damping, then per sample two parts), two rows. */
size_t cep_bloch_scratch(size_t n)
{
    return 2 * n * n + n + 2 * SAMPLES * n + 8 * n;
}

typedef struct field {
    size_t n, samples;
    double thickness[SAMPLES];
    double *re, *im;     /* component of wave j in beam g: [g * n + j] */
    double *damping;     /* 2 pi q_j is the loss per angstrom */
    double *wave;        /* [sample][2][n]: conj(C_0j) exp(2 pi i G_j t) */
    double *row;         /* 8 n */
    const double *value; /* eigenvalues */
    double mean_damping;
} field;

static void build_field(field *f, const cep_bloch *b, const cep_optics *o, double kx, double ky,
                        const double *vectors)
{
    const size_t n = f->n;
    const bool real = b->factors->real;
    for (size_t j = 0; j < n; j++)
        for (size_t g = 0; g < n; g++) {
            f->re[g * n + j] = real ? vectors[j * n + g] : vectors[2 * (j * n + g)];
            f->im[g * n + j] = real ? 0 : vectors[2 * (j * n + g) + 1];
        }
    /* <j| U' |j> = k (value_j - sum |C_gj|^2 s_g + U_0), as A is U without U_0, plus s_g on the diagonal. */
    f->mean_damping = b->absorption * b->scale * cep_factor(b->factors, 0, 0, 0)[0];
    for (size_t j = 0; j < n; j++)
        f->damping[j] = f->value[j];
    for (size_t g = 0; g < n; g++) {
        double s = cep_excitation_error(o, b->beam[g].g, kx, ky);
        const double *re = f->re + g * n, *im = f->im + g * n;
        for (size_t j = 0; j < n; j++)
            f->damping[j] -= s * (re[j] * re[j] + im[j] * im[j]);
    }
    for (size_t j = 0; j < n; j++) {
        f->damping[j] = f->mean_damping + b->absorption * f->damping[j];
        for (size_t k = 0; k < f->samples; k++) {
            double t = f->thickness[k], phase = 2 * pi * f->value[j] * t;
            double size = exp(-2 * pi * f->damping[j] * t), c = size * cos(phase), s = size * sin(phase);
            double *wave = f->wave + 2 * k * n;
            wave[j] = f->re[j] * c + f->im[j] * s;
            wave[n + j] = f->re[j] * s - f->im[j] * c;
        }
    }
}

static double strong_intensity(const field *f, size_t g)
{
    const size_t n = f->n;
    const double *re = f->re + g * n, *im = f->im + g * n;
    double sum = 0;
    for (size_t k = 0; k < f->samples; k++) {
        const double *x = f->wave + 2 * k * n, *y = x + n;
        double a = 0, b = 0;
        for (size_t j = 0; j < n; j++) {
            a += re[j] * x[j] - im[j] * y[j];
            b += re[j] * y[j] + im[j] * x[j];
        }
        sum += a * a + b * b;
    }
    return sum / (double)f->samples;
}

/* u + iv = sum over strong g of U_{w-g} / 2K times the component of wave j in g. */
static void drive(const field *f, const cep_bloch *b, const cep_beam *w, double *u, double *v)
{
    const size_t n = f->n;
    const bool real = b->factors->real;
    memset(u, 0, n * sizeof *u);
    memset(v, 0, n * sizeof *v);
    for (size_t g = 0; g < n; g++) {
        const int *p = w->hkl, *q = b->beam[g].hkl;
        const double *c = cep_factor(b->factors, p[0] - q[0], p[1] - q[1], p[2] - q[2]);
        const double x = b->scale * c[0], y = b->scale * c[1], *re = f->re + g * n, *im = f->im + g * n;
        if (x == 0 && y == 0) continue;
        if (real)
            for (size_t j = 0; j < n; j++)
                u[j] += x * re[j];
        else
            for (size_t j = 0; j < n; j++) {
                u[j] += x * re[j] - y * im[j];
                v[j] += x * im[j] + y * re[j];
            }
    }
}

static double weak_intensity(const field *f, const cep_bloch *b, const cep_beam *w, double s)
{
    const size_t n = f->n;
    double *u = f->row, *v = u + n, *p = v + n, *q = p + n, *in_step = q + n, sum = 0, a0 = 0, b0 = 0;
    drive(f, b, w, u, v);
    for (size_t j = 0; j < n; j++) { /* p + iq = (u + iv) / (G_j - S_w) */
        double x = f->value[j] - s, y = f->damping[j] - f->mean_damping, d = x * x + y * y;
        in_step[j] = d < 1e-16;
        if (in_step[j] != 0) {
            p[j] = q[j] = 0;
            continue;
        }
        d = 1 / d;
        p[j] = (u[j] * x + v[j] * y) * d;
        q[j] = (v[j] * x - u[j] * y) * d;
        /* At the entrance the waves are conj(C_0j). */
        a0 += p[j] * f->re[j] + q[j] * f->im[j];
        b0 += q[j] * f->re[j] - p[j] * f->im[j];
    }
    for (size_t k = 0; k < f->samples; k++) {
        const double *x = f->wave + 2 * k * n, *y = x + n;
        const double t = f->thickness[k];
        double size = exp(-2 * pi * f->mean_damping * t), c = size * cos(2 * pi * s * t),
               d = size * sin(2 * pi * s * t);
        double re = -(a0 * c - b0 * d), im = -(a0 * d + b0 * c);
        for (size_t j = 0; j < n; j++) {
            re += p[j] * x[j] - q[j] * y[j];
            im += p[j] * y[j] + q[j] * x[j];
            if (in_step[j] == 0) continue;
            /* A wave in step with the weak beam: its term grows as 2 pi i t (u + iv). */
            re -= 2 * pi * t * (u[j] * y[j] + v[j] * x[j]);
            im += 2 * pi * t * (u[j] * x[j] - v[j] * y[j]);
        }
        sum += re * re + im * im;
    }
    return sum / (double)f->samples;
}

void cep_bloch_intensities(const cep_bloch *b, const cep_optics *o, double kx, double ky,
                           const double *vectors, const double *values, double thickness, double spread,
                           double *scratch, double *intensity)
{
    const size_t n = b->strong;
    field f = {.n = n, .samples = spread > 0 ? SAMPLES : 1, .re = scratch, .value = values};
    f.im = f.re + n * n;
    f.damping = f.im + n * n;
    f.wave = f.damping + n;
    f.row = f.wave + 2 * SAMPLES * n;
    for (size_t k = 0; k < f.samples; k++)
        f.thickness[k] = thickness + spread * ((2 * (double)k + 1) / (double)f.samples - 1);
    build_field(&f, b, o, kx, ky, vectors);
    for (size_t g = 0; g < n; g++)
        intensity[g] = strong_intensity(&f, g);
    for (size_t w = n; w < b->count; w++)
        intensity[w] = weak_intensity(&f, b, &b->beam[w], cep_excitation_error(o, b->beam[w].g, kx, ky));
}

/* ---- directions, drawing ---------------------------------------------------------------------------------------- */

size_t cep_cone(const cep_optics *o, size_t rings, double (*k)[2])
{
    double radius = o->convergence * o->wave_number, cells = 1 + 3 * (double)rings * ((double)rings + 1);
    size_t n = 1;
    k[0][0] = k[0][1] = 0;
    for (size_t r = 1; r <= rings; r++) {
        double inner = sqrt((double)n / cells), outer = sqrt(((double)n + 6 * (double)r) / cells);
        /* Mean distance from the middle of what lies between the two circles. */
        double at = radius * 2 / 3 * (pow(outer, 3) - pow(inner, 3)) / (outer * outer - inner * inner);
        for (size_t i = 0; i < 6 * r; i++, n++) {
            double angle = 2 * pi * ((double)i + 0.5 * (double)(r % 2)) / (6 * (double)r);
            k[n][0] = at * cos(angle);
            k[n][1] = at * sin(angle);
        }
    }
    return n;
}

typedef struct disk {
    const double (*k)[2];
    size_t directions, stride;
    const double *value;
    double near; /* square of a small distance */
} disk;

static double between(void *argument, double kx, double ky)
{
    const disk *d = argument;
    double sum = 0, all = 0;
    for (size_t i = 0; i < d->directions; i++) {
        double x = kx - d->k[i][0], y = ky - d->k[i][1], weight = 1 / (x * x + y * y + d->near);
        weight *= weight;
        sum += weight * d->value[i * d->stride];
        all += weight;
    }
    return sum / all;
}

double cep_draw_bloch(double *image, const cep_optics *o, const cep_bloch *b, const double (*k)[2],
                      size_t directions, const double *intensity)
{
    double radius = o->convergence * o->wave_number, sum = 0;
    disk d = {k, directions, b->count, NULL, 1e-6 * radius * radius + 1e-20};
    for (size_t g = 0; g < b->count; g++) {
        d.value = intensity + g;
        sum += cep_draw_disk(image, o, b->beam[g].g[0], b->beam[g].g[1], between, &d);
    }
    return sum;
}
