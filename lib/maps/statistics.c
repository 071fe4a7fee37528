/* Numbers per detector pixel over all frames: mean, standard deviation, maximum.
 * Sums in float64 of differences from the pixel's first valid value (Chan, Golub, LeVeque, Am. Stat. 37 (1983) 242).
 * Must not: count masked or non-finite pixels. */
#include <math.h>
#include <string.h>

#include "tally.h"

cepman_status cep_tally_begin(cep_tally *t, cepman_context *ctx, const char *what, const cep_stream *stream,
                              size_t frames)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t pixels = stream->pixels;
    t->stream = stream;
    t->frames = frames;
    t->sum = cep_alloc_zero(mem, pixels, sizeof *t->sum);
    t->square = cep_alloc_zero(mem, pixels, sizeof *t->square);
    t->first = cep_alloc_zero(mem, pixels, sizeof *t->first);
    t->most = cep_alloc_zero(mem, pixels, sizeof *t->most);
    if (stream->may_be_odd) t->count = cep_alloc_zero(mem, pixels, sizeof *t->count);
    if (t->sum && t->square && t->first && t->most && (t->count || !stream->may_be_odd)) return CEPMAN_OK;
    return cep_fail_memory(ctx, what, pixels, 3 * sizeof *t->sum);
}

/* Integers: every value counts, and the first frame has all first values. */
static void add_whole(cep_tally *t, const float *restrict frame, size_t from, size_t to)
{
    double *restrict sum = t->sum, *restrict square = t->square;
    float *restrict most = t->most;
    const float *restrict first = t->first;
    for (size_t p = from; p < to; p++) {
        const float v = frame[p];
        const double difference = (double)v - (double)first[p];
        sum[p] += difference;
        square[p] += difference * difference;
        most[p] = v > most[p] ? v : most[p];
    }
}

static void add_odd(cep_tally *t, const float *frame, size_t from, size_t to)
{
    for (size_t p = from; p < to; p++) {
        float v = frame[p];
        if (!cep_is_finite(v)) continue;
        if (t->count[p] == 0) t->first[p] = t->most[p] = v;
        double difference = (double)v - (double)t->first[p];
        t->sum[p] += difference;
        t->square[p] += difference * difference;
        t->count[p]++;
        if (v > t->most[p]) t->most[p] = v;
    }
}

void cep_tally_add(cep_tally *t, size_t first, size_t count, const float *values, size_t from, size_t to)
{
    if (!t->count && first == 0) {
        memcpy(t->first + from, values + from, (to - from) * sizeof *t->first);
        memcpy(t->most + from, values + from, (to - from) * sizeof *t->most);
    }
    for (size_t i = 0; i < count; i++) {
        const float *frame = values + i * t->stream->pixels;
        if (t->count)
            add_odd(t, frame, from, to);
        else
            add_whole(t, frame, from, to);
    }
}

void cep_tally_results(const cep_tally *t, float *mean, float *deviation, float *maximum)
{
    const uint8_t *mask = t->stream->mask;
    for (size_t p = 0; p < t->stream->pixels; p++) {
        uint64_t count = t->count ? t->count[p] : t->frames;
        bool valid = count > 0 && !(mask && mask[p]);
        double n = valid ? (double)count : 1, shift = t->sum[p] / n,
               variance = t->square[p] / n - shift * shift;
        if (mean) mean[p] = valid ? (float)((double)t->first[p] + shift) : 0;
        if (deviation) deviation[p] = valid && variance > 0 ? (float)sqrt(variance) : 0;
        if (maximum) maximum[p] = valid ? t->most[p] : 0;
    }
}

void cep_tally_end(cep_tally *t, cep_memory *mem)
{
    cep_free(mem, t->sum);
    cep_free(mem, t->square);
    cep_free(mem, t->first);
    cep_free(mem, t->most);
    cep_free(mem, t->count);
    *t = (cep_tally){0};
}

/* ---- the item --------------------------------------------------------------------------------------------------- */

typedef struct statistics {
    cep_item item;
    cep_tally tally;
    float *mean, *deviation, *maximum; /* the caller's */
} statistics;

static cepman_status begin(cep_item *item, cepman_context *ctx, size_t frames)
{
    return cep_tally_begin(&((statistics *)item)->tally, ctx, "statistics of frames", item->stream, frames);
}

static void visit(cep_item *item, size_t first, size_t count, const float *values, size_t from, size_t to)
{
    cep_tally_add(&((statistics *)item)->tally, first, count, values, from, to);
}

static void deliver(cep_item *item)
{
    const statistics *m = (statistics *)item;
    cep_tally_results(&m->tally, m->mean, m->deviation, m->maximum);
}

static void end(cep_item *item)
{
    cep_tally_end(&((statistics *)item)->tally, item->mem);
}

static const cep_item_kind kind = {
    .name = "statistics", .begin = begin, .batch = visit, .deliver = deliver, .end = end};

static cepman_status ask(cepman_maps_pass *pass, cepman_context *ctx, float *mean, float *deviation,
                         float *maximum, cepman_dataset *dataset)
{
    cep_stream *st;
    cep_item *item;
    cepman_status s = cep_pass_check(pass, ctx, dataset, "statistics of frames", &st);
    if (!s) s = cep_pass_add(pass, ctx, st, &kind, sizeof(statistics), &item);
    if (s) return s;
    statistics *m = (statistics *)item;
    m->mean = mean;
    m->deviation = deviation;
    m->maximum = maximum;
    return CEPMAN_OK;
}

cepman_status cepman_maps_pass_statistics(cepman_maps_pass *pass, cepman_context *ctx, float *mean,
                                          float *deviation, float *maximum, cepman_dataset *dataset)
{
    cepman_status s = cep_enter(ctx);
    return s ? s : ask(pass, ctx, mean, deviation, maximum, dataset);
}

cepman_status cepman_maps_statistics(float *mean, float *deviation, float *maximum, cepman_context *ctx,
                                     cepman_dataset *dataset)
{
    cepman_maps_pass *pass;
    cepman_status s = cep_enter(ctx);
    if (s || (s = cep_pass_open(&pass, ctx, dataset, "statistics of frames"))) return s;
    return cep_pass_close(pass, ctx, ask(pass, ctx, mean, deviation, maximum, NULL));
}
