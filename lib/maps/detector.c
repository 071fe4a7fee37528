/* Numbers per frame: virtual detectors and centres of mass.
 * Sums in float64 over the pixels in their order.
 * Must not: write to the caller's maps before all frames are done. */
#include <math.h>
#include <string.h>

#include "frames.h"

typedef struct sums {
    const cep_frames *f;
    const uint32_t *index; /* pixels that count, ascending */
    size_t count;
    float *y, *x; /* maps; x is NULL for a virtual detector */
} sums;

static void visit_sum(void *argument, size_t frame, const float *pixels)
{
    sums *m = argument;
    double sum = 0;
    for (size_t i = 0; i < m->count; i++) {
        float v = pixels[m->index[i]];
        if (cep_is_finite(v)) sum += (double)v;
    }
    m->y[frame] = (float)sum;
}

static void visit_centre(void *argument, size_t frame, const float *pixels)
{
    sums *m = argument;
    double sum = 0, sum_y = 0, sum_x = 0;
    for (size_t r = 0; r < m->f->height; r++) {
        double of_row = 0;
        for (size_t c = 0; c < m->f->width; c++) {
            size_t i = r * m->f->width + c;
            float v = pixels[i];
            if ((m->f->mask && m->f->mask[i]) || !cep_is_finite(v)) continue;
            of_row += (double)v;
            sum_x += (double)v * (double)c;
        }
        sum += of_row;
        sum_y += of_row * (double)r;
    }
    m->y[frame] = sum > 0 ? (float)(sum_y / sum) : NAN;
    m->x[frame] = sum > 0 ? (float)(sum_x / sum) : NAN;
}

/* Frames that have not come yet are NaN. */
static float *make_map(const cep_frames *f)
{
    float *map = cep_alloc(f->mem, f->total, sizeof *map);
    for (size_t i = f->count; map && i < f->total; i++)
        map[i] = NAN;
    return map;
}

static size_t find_pixels(const cep_frames *f, double cy, double cx, double inner, double outer,
                          uint32_t *index)
{
    size_t n = 0;
    for (size_t r = 0; r < f->height; r++)
        for (size_t c = 0; c < f->width; c++) {
            double dy = (double)r - cy, dx = (double)c - cx, d2 = dy * dy + dx * dx;
            size_t i = r * f->width + c;
            if (d2 < inner * inner || d2 >= outer * outer || (f->mask && f->mask[i])) continue;
            if (index) index[n] = (uint32_t)i;
            n++;
        }
    return n;
}

cepman_status cepman_maps_virtual(float *out, cepman_context *ctx, cepman_dataset *dataset, double centre_y,
                                  double centre_x, double inner, double outer)
{
    cep_frames f;
    cepman_status s = cep_enter(ctx);
    if (s || (s = cep_frames_open(&f, ctx, dataset, "virtual detector"))) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "virtual detector: out is NULL");
    CEP_REQUIRE(ctx, isfinite(centre_y) && isfinite(centre_x), CEPMAN_ERR_RANGE,
                "virtual detector: the centre (%g, %g) is not finite", centre_y, centre_x);
    CEP_REQUIRE(ctx, inner >= 0 && outer > inner, CEPMAN_ERR_RANGE,
                "virtual detector: radii are %g to %g, must be 0 <= inner < outer", inner, outer);
    sums m = {.f = &f};
    m.count = find_pixels(&f, centre_y, centre_x, inner, outer, NULL);
    CEP_REQUIRE(ctx, m.count > 0, CEPMAN_ERR_RANGE,
                "virtual detector: no valid pixel of %zu x %zu is %g to %g from (%g, %g)", f.height, f.width,
                inner, outer, centre_y, centre_x);
    uint32_t *index = cep_alloc(f.mem, m.count, sizeof *index);
    m.y = make_map(&f);
    if (!index || !m.y) {
        s = cep_fail_memory(ctx, "virtual detector", f.total, sizeof *m.y);
    } else {
        find_pixels(&f, centre_y, centre_x, inner, outer, index);
        m.index = index;
        s = cep_frames_each(&f, "virtual detector", visit_sum, &m);
    }
    if (!s) memcpy(out, m.y, f.total * sizeof *out);
    cep_free(f.mem, index);
    cep_free(f.mem, m.y);
    return s;
}

cepman_status cepman_maps_centre_of_mass(float *y, float *x, cepman_context *ctx, cepman_dataset *dataset)
{
    cep_frames f;
    cepman_status s = cep_enter(ctx);
    if (s || (s = cep_frames_open(&f, ctx, dataset, "centre of mass"))) return s;
    CEP_REQUIRE(ctx, y && x, CEPMAN_ERR_ARGUMENT, "centre of mass: y or x is NULL");
    sums m = {.f = &f, .y = make_map(&f), .x = make_map(&f)};
    if (!m.y || !m.x)
        s = cep_fail_memory(ctx, "centre of mass", f.total, 2 * sizeof *m.y);
    else
        s = cep_frames_each(&f, "centre of mass", visit_centre, &m);
    if (!s) {
        memcpy(y, m.y, f.total * sizeof *y);
        memcpy(x, m.x, f.total * sizeof *x);
    }
    cep_free(f.mem, m.y);
    cep_free(f.mem, m.x);
    return s;
}
