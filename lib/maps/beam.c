/* The direct beam in the mean frame.
 * The background is the median; the beam is what stands above half of the brightest place of 3 x 3 pixels.
 * Must not: take a hot pixel that the mask names for the beam. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tally.h"

typedef struct disk {
    double y, x, area;
} disk;

/* Mean over the 3 x 3 neighbours that are in the frame and valid. */
static float smooth(const cep_stream *f, const float *image, size_t r, size_t c)
{
    double sum = 0, n = 0;
    for (size_t y = r ? r - 1 : 0; y <= r + 1 && y < f->height; y++)
        for (size_t x = c ? c - 1 : 0; x <= c + 1 && x < f->width; x++) {
            size_t i = y * f->width + x;
            if (f->mask && f->mask[i]) continue;
            sum += (double)image[i];
            n++;
        }
    return n > 0 ? (float)(sum / n) : 0;
}

/* Pixels above `threshold` that hang together with `start`: number, and centre weighted by what is above `base`.
 * stack: room for all pixels; seen: zeros. */
static disk grow(const cep_stream *f, const float *image, size_t start, double threshold, double base,
                 size_t *stack, uint8_t *seen)
{
    disk d = {0, 0, 0};
    double weight = 0;
    size_t depth = 0;
    stack[depth++] = start;
    seen[start] = 1;
    while (depth) {
        size_t i = stack[--depth], r = i / f->width, c = i % f->width;
        double v = fmax((double)image[i] - base, 0);
        d.area++;
        d.y += v * (double)r;
        d.x += v * (double)c;
        weight += v;
        size_t next[4] = {r ? i - f->width : i, r + 1 < f->height ? i + f->width : i, c ? i - 1 : i,
                          c + 1 < f->width ? i + 1 : i};
        for (int k = 0; k < 4; k++)
            if (!seen[next[k]] && (double)image[next[k]] > threshold) {
                seen[next[k]] = 1;
                stack[depth++] = next[k];
            }
    }
    if (weight > 0) {
        d.y /= weight;
        d.x /= weight;
    } else {
        d.y = (double)(start / f->width);
        d.x = (double)(start % f->width);
    }
    return d;
}

typedef struct beam {
    cep_item item;
    cep_tally tally;
    double *to_y, *to_x, *to_radius; /* the caller's */
    disk found;
    float *mean, *sorted;
    size_t *stack;
    uint8_t *seen;
} beam;

static cepman_status begin(cep_item *item, cepman_context *ctx, size_t frames)
{
    return cep_tally_begin(&((beam *)item)->tally, ctx, "direct beam", item->stream, frames);
}

static void visit(cep_item *item, size_t first, size_t count, const float *values, size_t from, size_t to)
{
    cep_tally_add(&((beam *)item)->tally, first, count, values, from, to);
}

/* In the mean frame b->mean. */
static cepman_status find(beam *b, cepman_context *ctx)
{
    const cep_stream *f = b->item.stream;
    const float *mean = b->mean;
    memcpy(b->sorted, mean, f->pixels * sizeof *b->sorted);
    qsort(b->sorted, f->pixels, sizeof *b->sorted, cep_by_value);
    double base = (double)b->sorted[f->pixels / 2], peak = -HUGE_VAL;
    size_t at = 0;
    for (size_t i = 0; i < f->pixels; i++) {
        double v = (double)smooth(f, mean, i / f->width, i % f->width);
        if ((f->mask && f->mask[i]) || v <= peak) continue;
        peak = v;
        at = i;
    }
    /* From its brightest pixel when the disk is smaller than 3 x 3. */
    size_t brightest = at;
    for (size_t y = at / f->width ? at / f->width - 1 : 0; y <= at / f->width + 1 && y < f->height; y++)
        for (size_t x = at % f->width ? at % f->width - 1 : 0; x <= at % f->width + 1 && x < f->width; x++)
            if (mean[y * f->width + x] > mean[brightest]) brightest = y * f->width + x;
    if (!(peak > base)) base = (double)b->sorted[0];
    CEP_REQUIRE(ctx, peak > base, CEPMAN_ERR_DATA, "direct beam: the mean frame is the same everywhere (%g)",
                base);
    b->found = grow(f, mean, brightest, base + 0.5 * (peak - base), base, b->stack, b->seen);
    return CEPMAN_OK;
}

static cepman_status finish(cep_item *item, cepman_context *ctx)
{
    beam *b = (beam *)item;
    const size_t pixels = item->stream->pixels;
    b->mean = cep_alloc(item->mem, pixels, sizeof *b->mean);
    b->sorted = cep_alloc(item->mem, pixels, sizeof *b->sorted);
    b->stack = cep_alloc(item->mem, pixels, sizeof *b->stack);
    b->seen = cep_alloc_zero(item->mem, pixels, 1);
    if (!b->mean || !b->sorted || !b->stack || !b->seen)
        return cep_fail_memory(ctx, "direct beam", pixels, sizeof *b->stack + 2 * sizeof *b->mean + 1);
    cep_tally_results(&b->tally, b->mean, NULL, NULL);
    return find(b, ctx);
}

static void deliver(cep_item *item)
{
    const beam *b = (beam *)item;
    if (b->to_y) *b->to_y = b->found.y;
    if (b->to_x) *b->to_x = b->found.x;
    if (b->to_radius) *b->to_radius = sqrt(b->found.area / 3.141592653589793);
}

static void end(cep_item *item)
{
    beam *b = (beam *)item;
    cep_tally_end(&b->tally, item->mem);
    cep_free(item->mem, b->mean);
    cep_free(item->mem, b->sorted);
    cep_free(item->mem, b->stack);
    cep_free(item->mem, b->seen);
    b->mean = b->sorted = NULL;
    b->stack = NULL;
    b->seen = NULL;
}

static const cep_item_kind kind = {
    .name = "direct beam", .begin = begin, .batch = visit, .finish = finish, .deliver = deliver, .end = end};

static cepman_status ask(cepman_maps_pass *pass, cepman_context *ctx, double *y, double *x, double *radius,
                         cepman_dataset *dataset)
{
    cep_stream *st;
    cep_item *item;
    cepman_status s = cep_pass_check(pass, ctx, dataset, "direct beam", &st);
    if (!s) s = cep_pass_add(pass, ctx, st, &kind, sizeof(beam), &item);
    if (s) return s;
    beam *b = (beam *)item;
    b->to_y = y;
    b->to_x = x;
    b->to_radius = radius;
    return CEPMAN_OK;
}

cepman_status cepman_maps_pass_beam(cepman_maps_pass *pass, cepman_context *ctx, double *centre_y,
                                    double *centre_x, double *radius, cepman_dataset *dataset)
{
    cepman_status s = cep_enter(ctx);
    return s ? s : ask(pass, ctx, centre_y, centre_x, radius, dataset);
}

/* picks 0: all frames. */
static cepman_status single(double *y, double *x, double *radius, cepman_context *ctx,
                            cepman_dataset *dataset, size_t picks)
{
    cepman_maps_pass *pass;
    cepman_status s = cep_pass_open(&pass, ctx, dataset, "direct beam");
    if (s) return s;
    pass->picks = picks;
    return cep_pass_close(pass, ctx, ask(pass, ctx, y, x, radius, NULL));
}

cepman_status cepman_maps_beam(double *centre_y, double *centre_x, double *radius, cepman_context *ctx,
                               cepman_dataset *dataset)
{
    cepman_status s = cep_enter(ctx);
    return s ? s : single(centre_y, centre_x, radius, ctx, dataset, 0);
}

cepman_status cepman_maps_beam_sampled(double *centre_y, double *centre_x, double *radius,
                                       cepman_context *ctx, cepman_dataset *dataset, size_t frames)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, frames >= 1, CEPMAN_ERR_RANGE, "direct beam: a sample of 0 frames, must be at least 1");
    return single(centre_y, centre_x, radius, ctx, dataset, frames);
}
