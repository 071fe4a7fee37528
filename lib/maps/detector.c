/* Numbers per frame: virtual detectors and centres of mass.
 * Sums in float64 over the pixels in their order.
 * Must not: write to the caller's maps before all frames are done. */
#include <math.h>
#include <string.h>

#include "pass.h"

typedef struct sums {
    cep_item item;
    double cy, cx, inner, outer;
    uint32_t *index; /* pixels that count, ascending */
    size_t count;
    float *to_y, *to_x; /* the caller's; a virtual detector has y alone */
    float *y, *x;
} sums;

/* Frames that have not come yet are NaN. */
static float *make_map(const cep_item *item, size_t frames)
{
    const size_t total = item->stream->total;
    float *map = cep_alloc(item->mem, total, sizeof *map);
    for (size_t i = frames; map && i < total; i++)
        map[i] = NAN;
    return map;
}

static void deliver(cep_item *item)
{
    sums *m = (sums *)item;
    const size_t bytes = item->stream->total * sizeof *m->y;
    memcpy(m->to_y, m->y, bytes);
    if (m->to_x) memcpy(m->to_x, m->x, bytes);
}

static void end(cep_item *item)
{
    sums *m = (sums *)item;
    cep_free(item->mem, m->index);
    cep_free(item->mem, m->y);
    cep_free(item->mem, m->x);
    m->index = NULL;
    m->y = m->x = NULL;
}

/* ---- virtual detectors ------------------------------------------------------------------------------------------ */

static size_t find_pixels(const cep_stream *st, double cy, double cx, double inner, double outer,
                          uint32_t *index)
{
    size_t n = 0;
    for (size_t r = 0; r < st->height; r++)
        for (size_t c = 0; c < st->width; c++) {
            double dy = (double)r - cy, dx = (double)c - cx, d2 = dy * dy + dx * dx;
            size_t i = r * st->width + c;
            if (d2 < inner * inner || d2 >= outer * outer || (st->mask && st->mask[i])) continue;
            if (index) index[n] = (uint32_t)i;
            n++;
        }
    return n;
}

static cepman_status begin_virtual(cep_item *item, cepman_context *ctx, size_t frames)
{
    sums *m = (sums *)item;
    m->index = cep_alloc(item->mem, m->count, sizeof *m->index);
    m->y = make_map(item, frames);
    if (!m->index || !m->y)
        return cep_fail_memory(ctx, "virtual detector", item->stream->total, sizeof *m->y);
    find_pixels(item->stream, m->cy, m->cx, m->inner, m->outer, m->index);
    return CEPMAN_OK;
}

static void visit_virtual(cep_item *item, size_t frame, const float *pixels)
{
    sums *m = (sums *)item;
    double sum = 0;
    if (item->stream->may_be_odd) {
        for (size_t i = 0; i < m->count; i++) {
            float v = pixels[m->index[i]];
            if (cep_is_finite(v)) sum += (double)v;
        }
    } else {
        for (size_t i = 0; i < m->count; i++)
            sum += (double)pixels[m->index[i]];
    }
    m->y[frame] = (float)sum;
}

static const cep_item_kind virtual_kind = {.name = "virtual detector",
                                           .begin = begin_virtual,
                                           .frame = visit_virtual,
                                           .deliver = deliver,
                                           .end = end};

static cepman_status ask_virtual(cepman_maps_pass *pass, cepman_context *ctx, float *out,
                                 cepman_dataset *dataset, double cy, double cx, double inner, double outer)
{
    cep_stream *st;
    cep_item *item;
    cepman_status s = cep_pass_check(pass, ctx, dataset, "virtual detector", &st);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "virtual detector: out is NULL");
    CEP_REQUIRE(ctx, isfinite(cy) && isfinite(cx), CEPMAN_ERR_RANGE,
                "virtual detector: the centre (%g, %g) is not finite", cy, cx);
    CEP_REQUIRE(ctx, inner >= 0 && outer > inner, CEPMAN_ERR_RANGE,
                "virtual detector: radii are %g to %g, must be 0 <= inner < outer", inner, outer);
    const size_t count = find_pixels(st, cy, cx, inner, outer, NULL);
    CEP_REQUIRE(ctx, count > 0, CEPMAN_ERR_RANGE,
                "virtual detector: no valid pixel of %zu x %zu is %g to %g from (%g, %g)", st->height,
                st->width, inner, outer, cy, cx);
    if ((s = cep_pass_add(pass, ctx, st, &virtual_kind, sizeof(sums), &item))) return s;
    sums *m = (sums *)item;
    m->cy = cy;
    m->cx = cx;
    m->inner = inner;
    m->outer = outer;
    m->count = count;
    m->to_y = out;
    return CEPMAN_OK;
}

cepman_status cepman_maps_pass_virtual(cepman_maps_pass *pass, cepman_context *ctx, float *out,
                                       cepman_dataset *dataset, double centre_y, double centre_x,
                                       double inner, double outer)
{
    cepman_status s = cep_enter(ctx);
    return s ? s : ask_virtual(pass, ctx, out, dataset, centre_y, centre_x, inner, outer);
}

cepman_status cepman_maps_virtual(float *out, cepman_context *ctx, cepman_dataset *dataset, double centre_y,
                                  double centre_x, double inner, double outer)
{
    cepman_maps_pass *pass;
    cepman_status s = cep_enter(ctx);
    if (s || (s = cep_pass_open(&pass, ctx, dataset, "virtual detector"))) return s;
    return cep_pass_close(pass, ctx, ask_virtual(pass, ctx, out, NULL, centre_y, centre_x, inner, outer));
}

/* ---- centres of mass -------------------------------------------------------------------------------------------- */

static cepman_status begin_centre(cep_item *item, cepman_context *ctx, size_t frames)
{
    sums *m = (sums *)item;
    m->y = make_map(item, frames);
    m->x = make_map(item, frames);
    if (m->y && m->x) return CEPMAN_OK;
    return cep_fail_memory(ctx, "centre of mass", item->stream->total, 2 * sizeof *m->y);
}

static void visit_centre(cep_item *item, size_t frame, const float *pixels)
{
    sums *m = (sums *)item;
    const cep_stream *st = item->stream;
    double sum = 0, sum_y = 0, sum_x = 0;
    for (size_t r = 0; r < st->height; r++) {
        double of_row = 0;
        for (size_t c = 0; c < st->width; c++) {
            size_t i = r * st->width + c;
            float v = pixels[i];
            if ((st->mask && st->mask[i]) || !cep_is_finite(v)) continue;
            of_row += (double)v;
            sum_x += (double)v * (double)c;
        }
        sum += of_row;
        sum_y += of_row * (double)r;
    }
    m->y[frame] = sum > 0 ? (float)(sum_y / sum) : NAN;
    m->x[frame] = sum > 0 ? (float)(sum_x / sum) : NAN;
}

static const cep_item_kind centre_kind = {
    .name = "centre of mass", .begin = begin_centre, .frame = visit_centre, .deliver = deliver, .end = end};

static cepman_status ask_centre(cepman_maps_pass *pass, cepman_context *ctx, float *y, float *x,
                                cepman_dataset *dataset)
{
    cep_stream *st;
    cep_item *item;
    cepman_status s = cep_pass_check(pass, ctx, dataset, "centre of mass", &st);
    if (s) return s;
    CEP_REQUIRE(ctx, y && x, CEPMAN_ERR_ARGUMENT, "centre of mass: y or x is NULL");
    if ((s = cep_pass_add(pass, ctx, st, &centre_kind, sizeof(sums), &item))) return s;
    ((sums *)item)->to_y = y;
    ((sums *)item)->to_x = x;
    return CEPMAN_OK;
}

cepman_status cepman_maps_pass_centre_of_mass(cepman_maps_pass *pass, cepman_context *ctx, float *y, float *x,
                                              cepman_dataset *dataset)
{
    cepman_status s = cep_enter(ctx);
    return s ? s : ask_centre(pass, ctx, y, x, dataset);
}

cepman_status cepman_maps_centre_of_mass(float *y, float *x, cepman_context *ctx, cepman_dataset *dataset)
{
    cepman_maps_pass *pass;
    cepman_status s = cep_enter(ctx);
    if (s || (s = cep_pass_open(&pass, ctx, dataset, "centre of mass"))) return s;
    return cep_pass_close(pass, ctx, ask_centre(pass, ctx, y, x, NULL));
}
