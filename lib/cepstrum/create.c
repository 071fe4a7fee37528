/* Makes a transform: settings, window, ring and FFT plan for one frame shape; immutable from then on.
 * Formulas: docs/method.md, "The cepstrum".
 * Must not: keep a dataset alive, or depend on frames beyond the sample. */
#include <math.h>
#include <string.h>

#include "internal.h"

cepman_cepstrum *cepman_cepstrum_ref(cepman_cepstrum *c)
{
    if (c) cep_refs_get(&c->refs);
    return c;
}

void cepman_cepstrum_unref(cepman_cepstrum *c)
{
    if (!c || !cep_refs_put(&c->refs)) return;
    cep_memory *mem = c->mem;
    cep_free(mem, c->mask);
    cep_masked_free(&c->masked, mem);
    cep_free(mem, c->window);
    cep_free(mem, c->table);
    cep_free(mem, c->ring.segments);
    if (c->has_rings) cep_rings_free(&c->rings, mem);
    cep_fft_unref(c->fft);
    cepman_options_unref(c->options);
    cep_free(mem, c);
    cep_memory_unref(mem);
}

static cepman_status take_mask(cepman_cepstrum *c, cepman_context *ctx, const uint8_t *mask)
{
    const cep_part u = c->used;
    const size_t pixels = u.height * u.width;
    size_t bad = 0;
    for (size_t y = 0; mask && y < u.height; y++)
        for (size_t x = 0; x < u.width; x++)
            bad += mask[(u.top + y) * c->width + u.left + x] != 0;
    if (bad == 0) return CEPMAN_OK;
    CEP_REQUIRE(ctx, bad < pixels, CEPMAN_ERR_DATA, "the mask leaves no valid pixel of %zu x %zu", u.height,
                u.width);
    c->mask = cep_alloc(c->mem, pixels, 1);
    if (!c->mask) return cep_fail_memory(ctx, "mask", pixels, 1);
    for (size_t y = 0; y < u.height; y++)
        memcpy(c->mask + y * u.width, mask + (u.top + y) * c->width + u.left, u.width);
    if (!cep_masked_create(&c->masked, c->mem, c->mask, u.height, u.width, bad))
        return cep_fail_memory(ctx, "mask", pixels, sizeof(uint16_t));
    return CEPMAN_OK;
}

static cepman_status make_ring(cepman_cepstrum *c, cepman_context *ctx)
{
    cep_settings *s = &c->set;
    CEP_REQUIRE(ctx, !s->ring_angstrom || !isnan(c->step_x), CEPMAN_ERR_DATA,
                "cepstrum option 'ring-unit' is angstrom, but the frames have no reciprocal pixel size");
    const double sy = s->ring_angstrom ? c->step_y : 1, sx = s->ring_angstrom ? c->step_x : 1;
    const double unit = sy < sx ? sy : sx;
    const double farthest = hypot((double)(c->rows / 2) * sy, (double)(c->columns / 2) * sx);
    CEP_REQUIRE(ctx, isnan(s->ring_out) || s->ring_out <= farthest * (1 + 1e-9), CEPMAN_ERR_RANGE,
                "cepstrum option 'ring-out' is %g, a cepstrum of %zu x %zu pixels reaches %g", s->ring_out,
                c->rows, c->columns, farthest);
    CEP_REQUIRE(ctx, isnan(s->ring_out) || isnan(s->ring_in) || s->ring_in <= s->ring_out, CEPMAN_ERR_RANGE,
                "cepstrum option 'ring-in' is %g, above 'ring-out', which is %g", s->ring_in, s->ring_out);
    double in = s->ring_in / unit, out = s->ring_out / unit;
    const size_t larger = c->rows > c->columns ? c->rows : c->columns;
    cep_ring_choose(&in, &out, c->used.height, c->used.width, s->pad || s->fit == FIT_PAD ? larger : 0);
    s->ring_in = isnan(s->ring_in) ? in * unit : s->ring_in;
    s->ring_out = isnan(s->ring_out) ? out * unit : s->ring_out;
    if (s->ring_out > farthest) s->ring_out = farthest; /* a chosen one, on a tiny frame */
    return cep_ring_create(&c->ring, ctx, c->rows, c->columns, sy, sx, s->ring_in, s->ring_out);
}

static cepman_status make_transform(cepman_cepstrum *c, cepman_context *ctx)
{
    if (!cep_rings_suit(c->rows, c->columns)) {
        cepman_status s = cep_fft_create(&c->fft, ctx, c->rows, c->columns, c->ring.columns);
        if (s) return s;
        c->stride = cep_fft_real_stride(c->fft);
        return CEPMAN_OK;
    }
    c->has_rings = cep_rings_create(&c->rings, c->mem, cep_columns_kernels_get(cep_context_cpu(ctx)),
                                    &c->ring, c->rows, c->columns);
    if (!c->has_rings)
        return cep_fail_memory(ctx, "transform of the ring", c->ring.features, sizeof *c->rings.index);
    c->stride = cep_rings_stride(&c->rings);
    return CEPMAN_OK;
}

static cepman_status make_window(cepman_cepstrum *c, cepman_context *ctx)
{
    if (c->set.follow_beam) return CEPMAN_OK;
    const cep_settings *s = &c->set;
    const cep_part u = c->used;
    double *profile = cep_alloc(c->mem, u.height + u.width, sizeof *profile);
    c->window = cep_alloc_zero(c->mem, u.height, c->stride * sizeof *c->window);
    if (!profile || !c->window) {
        cep_free(c->mem, profile);
        return cep_fail_memory(ctx, "window", u.height, c->stride * sizeof *c->window);
    }
    cep_window_fill(s, u.height, u.width, cep_window_centre(s, u.height), cep_window_centre(s, u.width),
                    c->window, c->stride, profile);
    cep_free(c->mem, profile);
    return CEPMAN_OK;
}

/* The logarithms of all 16-bit counts: 256 KiB of which a scan's counts use a small part. */
static cepman_status make_table(cepman_cepstrum *c, cepman_context *ctx)
{
    enum { COUNTS = 65536, PIECE = 256 };
    if (!c->kernels->tables || !cep_plain(c)) return CEPMAN_OK;
    c->table = cep_alloc(c->mem, COUNTS, sizeof *c->table);
    if (!c->table) return cep_fail_memory(ctx, "table of logarithms", COUNTS, sizeof *c->table);
    const cep_log_terms terms = cep_plain_terms(c);
    for (size_t first = 0; first < COUNTS; first += PIECE) {
        uint16_t counts[PIECE];
        for (size_t i = 0; i < PIECE; i++)
            counts[i] = (uint16_t)(first + i);
        c->kernels->log[CEP_PIXEL_U16](counts, NULL, c->table + first, PIECE, &terms);
    }
    return CEPMAN_OK;
}

static cepman_status build(cepman_cepstrum *c, cepman_context *ctx, cepman_dataset *dataset,
                           const uint8_t *mask, double reciprocal_pixel, const cepman_options *options)
{
    cepman_status s = cep_settings_read(&c->set, ctx, options);
    if (s) return s;
    cep_settings *set = &c->set;
    cep_part *u = &c->used;
    *u = (cep_part){0, 0, c->height, c->width};
    if (set->fit ==
        FIT_CROP) { /* what is left over is cut on both sides, the odd pixel below and on the right */
        u->height = cep_rings_side_below(c->height);
        u->width = cep_rings_side_below(c->width);
        u->top = (c->height - u->height) / 2;
        u->left = (c->width - u->width) / 2;
    }
    const size_t larger = u->height > u->width ? u->height : u->width;
    CEP_REQUIRE(ctx, set->pad == 0 || set->pad >= larger, CEPMAN_ERR_RANGE,
                "cepstrum option 'pad' is %zu, must be 0 or at least the frame's %zu pixels", set->pad,
                larger);
    c->rows = set->pad ? set->pad : u->height;
    c->columns = set->pad ? set->pad : u->width;
    if (set->fit == FIT_PAD) {
        c->rows = cep_rings_side_above(c->rows);
        c->columns = cep_rings_side_above(c->columns);
    }
    c->step_y = 1 / ((double)c->rows * reciprocal_pixel);
    c->step_x = 1 / ((double)c->columns * reciprocal_pixel);
    if ((s = take_mask(c, ctx, mask)) || (s = make_ring(c, ctx))) return s;
    if ((s = make_transform(c, ctx))) return s;
    if ((s = make_window(c, ctx))) return s;
    c->beam_y = c->beam_x = (double)NAN;
    cep_sample sample = {(double)NAN, (double)NAN, (double)NAN};
    if (dataset && (isnan(set->offset) || set->follow_beam)) {
        if ((s = cep_sample_scan(&sample, ctx, dataset))) return s;
        c->beam_y = sample.beam_y - (double)u->top;
        c->beam_x = sample.beam_x - (double)u->left;
    }
    if (isnan(set->offset)) set->offset = isnan(sample.background) ? 1 : sample.background;
    if ((s = make_table(c, ctx))) return s;
    return cep_settings_write(&c->options, ctx, options, set);
}

static cepman_status create(cepman_cepstrum **out, cepman_context *ctx, cepman_dataset *dataset,
                            size_t height, size_t width, const uint8_t *mask, double reciprocal_pixel,
                            const cepman_options *given)
{
    CEP_REQUIRE(ctx, height >= 1 && width >= 1 && height <= 16384 && width <= 16384, CEPMAN_ERR_RANGE,
                "frames of %zu x %zu pixels, must be 1 to 16384 on a side", height, width);
    CEP_REQUIRE(ctx, isnan(reciprocal_pixel) || (reciprocal_pixel > 0 && reciprocal_pixel < (double)INFINITY),
                CEPMAN_ERR_RANGE, "reciprocal pixel is %g 1/angstrom, must be above 0, or NaN",
                reciprocal_pixel);
    cepman_options *options = NULL;
    cepman_status s = cep_settings_options(&options, ctx, given);
    if (s) return s;
    cep_memory *mem = cep_context_memory(ctx);
    cepman_cepstrum *c = cep_alloc_zero(mem, 1, sizeof *c);
    if (!c) {
        cepman_options_unref(options);
        return cep_fail_memory(ctx, "cepstrum", 1, sizeof *c);
    }
    cep_refs_init(&c->refs);
    c->mem = cep_memory_ref(mem);
    c->height = height;
    c->width = width;
    c->kernels = cep_cepstral_kernels_get(cep_context_cpu(ctx));
    s = build(c, ctx, dataset, mask, reciprocal_pixel, options);
    cepman_options_unref(options);
    if (s) {
        cepman_cepstrum_unref(c);
        return s;
    }
    *out = c;
    return CEPMAN_OK;
}

cepman_status cepman_cepstrum_create(cepman_cepstrum **out, cepman_context *ctx, cepman_dataset *dataset,
                                     const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && dataset, CEPMAN_ERR_ARGUMENT, "cepstrum: out or dataset is NULL");
    double reciprocal = cepman_dataset_reciprocal_pixel(dataset);
    if (!(reciprocal > 0 && reciprocal < (double)INFINITY)) reciprocal = (double)NAN;
    return create(out, ctx, dataset, cepman_dataset_height(dataset), cepman_dataset_width(dataset),
                  cepman_dataset_mask(dataset), reciprocal, options);
}

cepman_status cepman_cepstrum_create_for(cepman_cepstrum **out, cepman_context *ctx, size_t height,
                                         size_t width, const uint8_t *mask, double reciprocal_pixel,
                                         const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "cepstrum: out is NULL");
    return create(out, ctx, NULL, height, width, mask, reciprocal_pixel, options);
}

/* ---- what it is ---- */

size_t cepman_cepstrum_features(const cepman_cepstrum *c)
{
    return c ? c->ring.features : 0;
}

cepman_status cepman_cepstrum_coordinate(const cepman_cepstrum *c, size_t feature, int *y, int *x)
{
    if (!c) return CEPMAN_ERR_ARGUMENT;
    if (feature >= c->ring.features) return CEPMAN_ERR_RANGE;
    size_t low = 0, high = c->ring.count; /* the last segment that does not begin behind the feature */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (c->ring.segments[middle].first <= feature)
            low = middle;
        else
            high = middle;
    }
    const cep_segment *g = &c->ring.segments[low];
    if (y) *y = g->y;
    if (x) *x = g->x + (int)(feature - g->first);
    return CEPMAN_OK;
}

size_t cepman_cepstrum_height(const cepman_cepstrum *c)
{
    return c ? c->height : 0;
}

size_t cepman_cepstrum_width(const cepman_cepstrum *c)
{
    return c ? c->width : 0;
}

size_t cepman_cepstrum_image_height(const cepman_cepstrum *c)
{
    return c ? c->rows : 0;
}

size_t cepman_cepstrum_image_width(const cepman_cepstrum *c)
{
    return c ? c->columns : 0;
}

double cepman_cepstrum_pixel(const cepman_cepstrum *c)
{
    return c ? c->step_x : (double)NAN;
}

cepman_status cepman_cepstrum_options(cepman_options **out, cepman_context *ctx, const cepman_cepstrum *c)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && c, CEPMAN_ERR_ARGUMENT, "cepstrum: out or cepstrum is NULL");
    return cepman_options_copy(out, ctx, c->options);
}
