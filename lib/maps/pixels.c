/* What a scan tells of its detector: bad pixels, and values that are no counts. One pass over the frames, or over a sample.
 * Counts per pixel, then the judgement of bad.c; docs/method.md, "Bad pixels".
 * Must not: change or leave out a value; what comes of the report is the caller's. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bad.h"
#include "tally.h"

enum { VALUES = CEPMAN_VALUE_SATURATED + 1, KINDS = CEPMAN_PIXEL_FLICKERING + 1, LOOKS = 16 };

static const cep_option table[] = {
    {"sample", CEPMAN_OPTION_INTEGER, 0, 1e12, 2048, NULL,
     "frames to look at, evenly spread over the scan; 0: all"},
    {"hot-contrast", CEPMAN_OPTION_REAL, 1.5, 1e6, 6, NULL,
     "a hot pixel is so many times brighter than its surroundings at least, 1.5 to 1e6"},
    {"saturation", CEPMAN_OPTION_REAL, -3.4e38, 3.4e38, (double)NAN, "auto",
     "values from here on are saturated; auto: by the detector's counter or the number type"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

cepman_status cepman_pixels_options_create(cepman_options **out, cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "pixels options: out is NULL");
    return cep_options_create(out, ctx, "pixels", table);
}

/* ---- the report --------------------------------------------------------------------------------------------------- */

struct cepman_pixels {
    cep_refs refs;
    cep_memory *mem;
    uint8_t *kinds;
    size_t height, width, frames, count[KINDS];
    uint64_t values[VALUES];
    double level, contrast;
};

cepman_pixels *cepman_pixels_ref(cepman_pixels *p)
{
    if (p) cep_refs_get(&p->refs);
    return p;
}

void cepman_pixels_unref(cepman_pixels *p)
{
    if (!p || !cep_refs_put(&p->refs)) return;
    cep_memory *mem = p->mem;
    cep_free(mem, p->kinds);
    cep_free(mem, p);
    cep_memory_unref(mem);
}

size_t cepman_pixels_height(const cepman_pixels *p)
{
    return p ? p->height : 0;
}

size_t cepman_pixels_width(const cepman_pixels *p)
{
    return p ? p->width : 0;
}

const uint8_t *cepman_pixels_kinds(const cepman_pixels *p)
{
    return p ? p->kinds : NULL;
}

size_t cepman_pixels_count(const cepman_pixels *p, cepman_pixel_kind kind)
{
    return p && (unsigned)kind < KINDS ? p->count[kind] : 0;
}

uint64_t cepman_pixels_values(const cepman_pixels *p, cepman_value_kind kind)
{
    return p && (unsigned)kind < VALUES ? p->values[kind] : 0;
}

size_t cepman_pixels_frames(const cepman_pixels *p)
{
    return p ? p->frames : 0;
}

double cepman_pixels_saturation(const cepman_pixels *p)
{
    return p ? p->level : (double)NAN;
}

double cepman_pixels_contrast(const cepman_pixels *p)
{
    return p ? p->contrast : (double)NAN;
}

/* ---- counting ----------------------------------------------------------------------------------------------------- */

typedef struct count {
    cep_item item;
    cepman_pixels **to; /* the caller's */
    double contrast, level;
    bool look_for_level; /* none is known: the largest value may show it */
    size_t frames;
    cep_tally tally;
    float *least, *high;                       /* high: the largest value, `level` at most */
    uint64_t *top;                             /* how often */
    double peak[LOOKS + 1], around[LOOKS + 1]; /* of the direct beam in single frames; 0: not looked at */
    atomic_uint_least64_t odd[CEPMAN_VALUE_SATURATED];
    cepman_pixels *made;
} count;

static double level_of(cepman_type type)
{
    switch ((int)type) {
    case CEPMAN_TYPE_U8:
        return UINT8_MAX;
    case CEPMAN_TYPE_I8:
        return INT8_MAX;
    case CEPMAN_TYPE_U16:
        return UINT16_MAX;
    case CEPMAN_TYPE_I16:
        return INT16_MAX;
    case CEPMAN_TYPE_U32:
        return UINT32_MAX;
    case CEPMAN_TYPE_I32:
        return INT32_MAX;
    default:
        return (double)NAN;
    }
}

static cepman_status begin(cep_item *item, cepman_context *ctx, size_t frames)
{
    count *c = (count *)item;
    const size_t pixels = item->stream->pixels;
    c->frames = frames;
    memset(c->peak, 0, sizeof c->peak);
    memset(c->around, 0, sizeof c->around);
    for (int k = 0; k < CEPMAN_VALUE_SATURATED; k++)
        atomic_init(&c->odd[k], 0);
    cepman_status s = cep_tally_begin(&c->tally, ctx, "pixels", item->stream, frames);
    if (s) return s;
    c->least = cep_alloc(item->mem, pixels, sizeof *c->least);
    c->high = cep_alloc(item->mem, pixels, sizeof *c->high);
    c->top = cep_alloc_zero(item->mem, pixels, sizeof *c->top);
    if (!c->least || !c->high || !c->top)
        return cep_fail_memory(ctx, "pixels", pixels, 2 * sizeof *c->least + sizeof *c->top);
    for (size_t i = 0; i < pixels; i++) {
        c->least[i] = INFINITY;
        c->high[i] = -INFINITY;
    }
    return CEPMAN_OK;
}

/* The beam's sharpness is that of single frames: it may move from one to the next. */
static void look(cep_item *item, size_t frame, const float *pixels)
{
    count *c = (count *)item;
    const size_t stride = (c->frames + LOOKS - 1) / LOOKS;
    const cep_stream *st = item->stream;
    const size_t k = frame / stride;
    if (frame % stride == 0)
        cep_beam_peak(pixels, st->mask, st->height, st->width, &c->peak[k], &c->around[k]);
}

static void visit(cep_item *item, size_t first, size_t frames, const float *values, size_t from, size_t to)
{
    count *c = (count *)item;
    const cep_stream *st = item->stream;
    const float level = (float)(isnan(c->level) ? HUGE_VAL : c->level);
    uint64_t odd[CEPMAN_VALUE_SATURATED] = {0};
    cep_tally_add(&c->tally, first, frames, values, from, to);
    for (size_t i = 0; i < frames; i++) {
        const float *frame = values + i * st->pixels;
        for (size_t p = from; p < to; p++) {
            const float v = frame[p], held = v < level ? v : level;
            if (st->mask && st->mask[p]) continue;
            if (!cep_is_finite(v)) {
                odd[isnan(v) ? CEPMAN_VALUE_NAN : CEPMAN_VALUE_INFINITE]++;
                continue;
            }
            odd[CEPMAN_VALUE_NEGATIVE] += v < 0;
            if (v < c->least[p]) c->least[p] = v;
            c->top[p] = held > c->high[p] ? 1 : c->top[p] + (held == c->high[p]);
            if (held > c->high[p]) c->high[p] = held;
        }
    }
    for (int k = 0; k < CEPMAN_VALUE_SATURATED; k++)
        if (odd[k]) atomic_fetch_add_explicit(&c->odd[k], odd[k], memory_order_relaxed);
}

/* ---- what comes of it --------------------------------------------------------------------------------------------- */

static uint64_t at_level(const count *c, double level)
{
    uint64_t n = 0;
    for (size_t p = 0; p < c->item.stream->pixels; p++)
        if (c->top[p] && c->high[p] >= (float)level) n += c->top[p];
    return n;
}

/* A counter of fewer bits than the number type, or a camera's counts as floats: values stop at 2^k - 1. Where a tail of
 * counts ends the largest value comes a few times, not often. */
static double level_by_values(const count *c)
{
    enum { FIRST = 63, LAST = (1 << 24) - 1, OFTEN = 32 };
    double most = 0;
    for (size_t p = 0; p < c->item.stream->pixels; p++)
        if (c->top[p]) most = fmax(most, (double)c->high[p]);
    if (!(most >= FIRST && most <= LAST) || most != floor(most)) return (double)NAN;
    const uint32_t whole = (uint32_t)most;
    return (whole & (whole + 1)) == 0 && at_level(c, most) >= OFTEN ? most : (double)NAN;
}

static double ratio(double peak, double around)
{
    return peak > 0 ? peak / fmax(around, 1e-6 * peak) : 1;
}

/* Brightest pixel of the direct beam over what is around it: in single frames, because it may wander, and in the mean frame,
 * because there may be few counts in one. 1 when there is no beam. */
static double sharpness(const count *c, const float *mean)
{
    const cep_stream *st = c->item.stream;
    double peak = 0, around = 0, mean_peak = 0, mean_around = 0;
    for (size_t i = 0; i <= LOOKS; i++) {
        peak += c->peak[i];
        around += c->around[i];
    }
    cep_beam_peak(mean, st->mask, st->height, st->width, &mean_peak, &mean_around);
    return fmax(ratio(peak, around), ratio(mean_peak, mean_around));
}

/* The value that all but a hundredth of the pixels never go below: 0 for counts. scratch: a float for each pixel. */
static double dark_level(const count *c, float *scratch)
{
    size_t n = 0;
    for (size_t p = 0; p < c->item.stream->pixels; p++)
        if (c->top[p]) scratch[n++] = c->least[p];
    if (n == 0) return 0;
    qsort(scratch, n, sizeof *scratch, cep_by_value);
    return (double)scratch[n / 100];
}

/* room: four floats a pixel, of which three hold mean, deviation and maximum; marks: two bytes a pixel. */
static void judge(count *c, float *room, uint8_t *marks)
{
    const cep_stream *st = c->item.stream;
    const size_t pixels = st->pixels;
    const float *mean = room, *deviation = room + pixels, *most = room + 2 * pixels;
    uint8_t *valid = marks;
    cepman_pixels *made = c->made;
    for (size_t p = 0; p < pixels; p++)
        valid[p] = c->top[p] > 0;
    const cep_pixel_facts facts = {.height = st->height,
                                   .width = st->width,
                                   .frames = c->frames,
                                   .mean = mean,
                                   .deviation = deviation,
                                   .most = most,
                                   .least = c->least,
                                   .valid = valid,
                                   .dark = dark_level(c, room + 3 * pixels),
                                   .level = made->level,
                                   .contrast = made->contrast};
    cep_judge_pixels(&facts, made->kinds, marks + pixels);
    for (size_t p = 0; p < pixels; p++)
        if (!valid[p] && !(st->mask && st->mask[p])) made->kinds[p] = CEPMAN_PIXEL_DEAD;
}

static void report(count *c, float *room, uint8_t *marks)
{
    cepman_pixels *made = c->made;
    const size_t pixels = c->item.stream->pixels;
    cep_tally_results(&c->tally, room, room + pixels, room + 2 * pixels);
    /* Spots are as sharp as the beam, or sharper: away from it the background falls off. */
    made->contrast = fmax(c->contrast, 4 * sharpness(c, room));
    made->height = c->item.stream->height;
    made->width = c->item.stream->width;
    made->frames = c->frames;
    made->level = c->level;
    for (int k = 0; k < CEPMAN_VALUE_SATURATED; k++)
        made->values[k] = atomic_load(&c->odd[k]);
    uint64_t saturated = isnan(made->level) ? 0 : at_level(c, made->level);
    if (c->look_for_level && saturated == 0) {
        const double seen = level_by_values(c);
        if (!isnan(seen)) saturated = at_level(c, made->level = seen);
    }
    made->values[CEPMAN_VALUE_SATURATED] = saturated;
    if (c->frames >= CEP_PIXEL_FRAMES) judge(c, room, marks);
    for (size_t p = 0; p < pixels; p++)
        made->count[made->kinds[p]]++;
}

static cepman_status finish(cep_item *item, cepman_context *ctx)
{
    count *c = (count *)item;
    const size_t pixels = item->stream->pixels;
    float *room = cep_alloc(item->mem, pixels, 4 * sizeof *room);
    uint8_t *marks = cep_alloc(item->mem, pixels, 2);
    cepman_pixels *made = c->made = cep_alloc_zero(item->mem, 1, sizeof *made);
    if (made) {
        cep_refs_init(&made->refs);
        made->mem = cep_memory_ref(item->mem);
        made->kinds = cep_alloc_zero(item->mem, pixels, 1);
    }
    const bool good = made && made->kinds && room && marks;
    if (good) report(c, room, marks);
    cep_free(item->mem, room);
    cep_free(item->mem, marks);
    return good ? CEPMAN_OK : cep_fail_memory(ctx, "pixels", pixels, 4 * sizeof *room + 3);
}

static void deliver(cep_item *item)
{
    count *c = (count *)item;
    *c->to = c->made;
    c->made = NULL;
}

static void end(cep_item *item)
{
    count *c = (count *)item;
    cep_tally_end(&c->tally, item->mem);
    cep_free(item->mem, c->least);
    cep_free(item->mem, c->high);
    cep_free(item->mem, c->top);
    cepman_pixels_unref(c->made);
    c->least = c->high = NULL;
    c->top = NULL;
    c->made = NULL;
}

static const cep_item_kind kind = {.name = "pixels",
                                   .begin = begin,
                                   .frame = look,
                                   .batch = visit,
                                   .finish = finish,
                                   .deliver = deliver,
                                   .end = end};

/* picks: the option `sample`; may be NULL. */
static cepman_status ask(cepman_maps_pass *pass, cepman_context *ctx, cepman_pixels **out,
                         cepman_dataset *dataset, const cepman_options *given, size_t *picks)
{
    cep_stream *st;
    cep_item *item;
    cepman_options *options = NULL;
    cepman_status s = cep_pass_check(pass, ctx, dataset, "pixels", &st);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "pixels: out is NULL");
    if ((s = cep_options_resolve(&options, ctx, given, "pixels", table))) return s;
    if (!(s = cep_pass_add(pass, ctx, st, &kind, sizeof(count), &item))) {
        const double counter = cep_dataset_info_of(st->dataset)->saturation;
        count *c = (count *)item;
        c->to = out;
        c->contrast = cep_options_real(options, "hot-contrast");
        c->level = cep_options_real(options, "saturation");
        c->look_for_level = isnan(c->level) && !(counter > 0);
        if (isnan(c->level)) c->level = counter > 0 ? counter : level_of(st->type);
        if (picks) *picks = (size_t)cep_options_integer(options, "sample");
    }
    cepman_options_unref(options);
    return s;
}

cepman_status cepman_maps_pass_pixels(cepman_maps_pass *pass, cepman_context *ctx, cepman_pixels **out,
                                      cepman_dataset *dataset, const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    return s ? s : ask(pass, ctx, out, dataset, options, NULL);
}

cepman_status cepman_maps_pixels(cepman_pixels **out, cepman_context *ctx, cepman_dataset *dataset,
                                 const cepman_options *options)
{
    cepman_maps_pass *pass;
    cepman_status s = cep_enter(ctx);
    if (s || (s = cep_pass_open(&pass, ctx, dataset, "pixels"))) return s;
    return cep_pass_close(pass, ctx, ask(pass, ctx, out, NULL, options, &pass->picks));
}
