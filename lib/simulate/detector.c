/* The detector: diffuse scattering, speckled rings of amorphous films, Poisson counts, dark level, read noise, hot and
 * dead pixels, saturation. Speckle: the sum of three incoherent modes of circular Gaussian fields (Goodman, Speckle
 * Phenomena in Optics, chapter 3), as wide as the convergence makes it. Diffuse scattering: a Lorentzian to the power 1.5.
 * Must not: draw from anything but (seed, stage, scan point and pixel). */
#include "detector.h"

#include <math.h>
#include <string.h>

#include "exec.h"

enum {
    STAGE_COUNT = 0,
    STAGE_READ = 4000,
    STAGE_BAD = 4001,
    STAGE_LEVEL = 4002,
    STAGE_PLANE = 4100,
    STAGE_PICK = 4200
};
enum { MOST_TAPS = 33 };

/* Diffuse scattering (half width 0.35 1/angstrom) and rings, each with sum 1. */
static void fill_shares(cep_detector *d, const cep_optics *o, const cep_scene *scene)
{
    double a = 0.35 / sqrt(pow(2, 1 / 1.5) - 1), sum_d = 0, sum_r = 0, centre = (double)(o->frame / 2);
    for (size_t y = 0; y < o->frame; y++)
        for (size_t x = 0; x < o->frame; x++) {
            double k = o->pixel * hypot((double)x - centre, (double)y - centre), ring = 1e-12;
            for (size_t i = 0; i < scene->rings; i++)
                ring += scene->height[i] * exp(-0.5 * pow((k - scene->ring[i]) / scene->width[i], 2));
            d->diffuse[y * o->frame + x] = pow(1 + k * k / (a * a), -1.5);
            d->rings[y * o->frame + x] = ring;
            sum_d += d->diffuse[y * o->frame + x];
            sum_r += ring;
        }
    for (size_t i = 0; i < d->pixels; i++) {
        d->diffuse[i] /= sum_d;
        d->rings[i] /= sum_r;
    }
}

/* ---- speckle ------------------------------------------------------------------------------------------------------ */

typedef struct speckle {
    const cep_detector *d;
    float *field; /* one plane, real and imaginary part, smoothed along rows */
    size_t plane, reach;
    float tap[MOST_TAPS];
    float *line; /* per worker: a row of noise, both parts */
} speckle;

static cepman_status along_row(void *argument, size_t y, unsigned worker, cep_fault *fault)
{
    (void)fault;
    const speckle *s = argument;
    const size_t n = s->d->frame;
    float *noise = s->line + (size_t)worker * n;
    for (size_t part = 0; part < 2; part++) {
        float *to = s->field + (2 * y + part) * n;
        for (size_t x = 0; x < n; x++)
            noise[x] = (float)cep_random_normal(s->d->seed, STAGE_PLANE + s->plane, (2 * y + part) * n + x);
        for (size_t x = 0; x < n; x++) {
            float sum = 0;
            for (size_t t = 0; t <= 2 * s->reach; t++)
                sum += s->tap[t] * noise[(x + t + n * s->reach - s->reach) % n];
            to[x] = sum;
        }
    }
    return CEPMAN_OK;
}

static cepman_status along_column(void *argument, size_t y, unsigned worker, cep_fault *fault)
{
    (void)fault;
    (void)worker;
    const speckle *s = argument;
    const size_t n = s->d->frame;
    float *to = s->d->planes + (s->plane * n + y) * n;
    for (size_t x = 0; x < n; x++) {
        float re = 0, im = 0;
        for (size_t t = 0; t <= 2 * s->reach; t++) {
            const float *from = s->field + 2 * ((y + t + n * s->reach - s->reach) % n) * n;
            re += s->tap[t] * from[x];
            im += s->tap[t] * from[n + x];
        }
        to[x] = (re * re + im * im) / 2;
    }
    return CEPMAN_OK;
}

static cepman_status make_planes(cep_detector *d, cepman_context *ctx, const cep_optics *o)
{
    cep_memory *mem = cep_context_memory(ctx);
    speckle s = {.d = d};
    double sigma = fmin(fmax(0.7 * o->convergence * o->wave_number / o->pixel, 0.6), 5), square = 0;
    s.reach = (size_t)ceil(3 * sigma);
    for (size_t t = 0; t <= 2 * s.reach; t++) {
        double x = ((double)t - (double)s.reach) / sigma, tap = exp(-0.5 * x * x);
        s.tap[t] = (float)tap;
        square += tap * tap;
    }
    for (size_t t = 0; t <= 2 * s.reach; t++)
        s.tap[t] /= (float)sqrt(square); /* the variance stays 1 */
    d->planes = cep_alloc(mem, CEP_SPECKLE_PLANES, d->pixels * sizeof *d->planes);
    s.field = cep_alloc(mem, d->pixels, 2 * sizeof *s.field);
    s.line = cep_alloc(mem, cep_workers(ctx), d->frame * sizeof *s.line);
    cepman_status status = CEPMAN_OK;
    if (!d->planes || !s.field || !s.line)
        status = cep_fail_memory(ctx, "speckle", CEP_SPECKLE_PLANES, d->pixels * sizeof *d->planes);
    for (; !status && s.plane < CEP_SPECKLE_PLANES; s.plane++) {
        status = cep_parallel(ctx, NULL, d->frame, along_row, &s);
        if (!status) status = cep_parallel(ctx, NULL, d->frame, along_column, &s);
    }
    cep_free(mem, s.field);
    cep_free(mem, s.line);
    return status;
}

/* ---- once a scan -------------------------------------------------------------------------------------------------- */

cepman_status cep_detector_prepare(cep_detector *d, cepman_context *ctx, const cep_optics *o,
                                   const cep_scene *scene)
{
    cep_memory *mem = cep_context_memory(ctx);
    d->frame = o->frame;
    d->pixels = o->frame * o->frame;
    d->diffuse = cep_alloc(mem, d->pixels, sizeof *d->diffuse);
    d->rings = cep_alloc(mem, d->pixels, sizeof *d->rings);
    d->bad = cep_alloc_zero(mem, d->pixels, 1);
    if (!d->diffuse || !d->rings || !d->bad)
        return cep_fail_memory(ctx, "detector", d->pixels, 2 * sizeof *d->diffuse + 1);
    fill_shares(d, o, scene);
    for (size_t i = 0; i < d->pixels; i++) {
        double u = cep_random_real(d->seed, STAGE_BAD, i);
        d->bad[i] = u < d->hot ? 1 : u < d->hot + d->dead ? 2 : 0;
        d->bad_pixels += d->bad[i] != 0;
    }
    bool rings = false;
    for (size_t k = 0; k < scene->phases; k++)
        rings |= scene->phase[k].amorphous > 0;
    return rings && d->speckle > 0 ? make_planes(d, ctx, o) : CEPMAN_OK;
}

void cep_detector_free(cep_detector *d, cep_memory *mem)
{
    cep_free(mem, d->diffuse);
    cep_free(mem, d->rings);
    cep_free(mem, d->planes);
    cep_free(mem, d->bad);
}

/* ---- once a frame ------------------------------------------------------------------------------------------------- */

/* The place in a share of frame pixel i along an axis, held at the frame's edge. */
static size_t moved(size_t i, long shift, size_t n)
{
    long at = (long)i - shift;
    return at < 0 ? 0 : at >= (long)n ? n - 1 : (size_t)at;
}

static void shift_of(const cep_optics *o, long shift[2])
{
    for (int i = 0; i < 2; i++)
        shift[i] = lround(o->centre[i] - (double)(o->frame / 2));
}

void cep_detector_diffuse(const cep_detector *d, const cep_optics *o, double share, double *image)
{
    const size_t n = d->frame;
    long by[2];
    shift_of(o, by);
    for (size_t y = 0; y < n; y++) {
        const double *from = d->diffuse + moved(y, by[1], n) * n;
        for (size_t x = 0; x < n; x++)
            image[y * n + x] += share * from[moved(x, by[0], n)];
    }
}

void cep_detector_rings(const cep_detector *d, const cep_optics *o, double share, size_t index, double *image)
{
    const size_t n = d->frame;
    long by[2];
    const float *plane[CEP_SPECKLE_MODES] = {NULL};
    size_t at[CEP_SPECKLE_MODES][2] = {{0}};
    shift_of(o, by);
    for (size_t m = 0; d->planes && m < CEP_SPECKLE_MODES; m++) {
        uint64_t bits = cep_random64(d->seed, STAGE_PICK + m, index);
        plane[m] = d->planes + bits % CEP_SPECKLE_PLANES * d->pixels;
        at[m][0] = (size_t)(bits >> 8) % n;
        at[m][1] = (size_t)(bits >> 32) % n;
    }
    for (size_t y = 0; y < n; y++) {
        const double *from = d->rings + moved(y, by[1], n) * n;
        for (size_t x = 0; x < n; x++) {
            double grain = 1;
            if (d->planes) {
                float sum = 0;
                for (size_t m = 0; m < CEP_SPECKLE_MODES; m++) {
                    size_t row = y + at[m][1], column = x + at[m][0];
                    sum += plane[m][(row < n ? row : row - n) * n + (column < n ? column : column - n)];
                }
                grain = 1 + d->speckle * ((double)sum / CEP_SPECKLE_MODES - 1);
            }
            image[y * n + x] += share * grain * from[moved(x, by[0], n)];
        }
    }
}

void cep_detector_count(const cep_detector *d, size_t index, const double *image, uint16_t *counts)
{
    for (size_t i = 0; i < d->pixels; i++) {
        uint64_t item = (uint64_t)index * d->pixels + i;
        double value = (double)cep_poisson(d->dose * image[i], d->seed, STAGE_COUNT, item) + d->dark;
        if (d->read_noise > 0) value += d->read_noise * cep_random_normal(d->seed, STAGE_READ, item);
        /* A hot pixel stands at a level of its own, 10 % of saturation to all of it, and flickers. */
        if (d->bad[i] == 1)
            value += (0.1 + 0.9 * cep_random_real(d->seed, STAGE_LEVEL, i)) * d->saturation *
                     (0.9 + 0.2 * cep_random_real(d->seed, STAGE_LEVEL + 1, item));
        if (d->bad[i] == 2) value = 0;
        value = floor(value + 0.5);
        counts[i] = (uint16_t)(value < 0 ? 0 : value > d->saturation ? d->saturation : value);
    }
}
