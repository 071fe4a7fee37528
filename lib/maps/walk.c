/* Goes through a scan once: blocks of frames are read, computed from and shown frame by frame; batches of them are then
 * shown pixel by pixel, the pixels shared out between the threads. What an item sees of a pixel comes in the order of the
 * frames, so neither blocks nor batches nor threads change a bit of it.
 * Must not: read a frame twice, or hold more than a batch and a block per thread, which the memory limit bounds too. */
#include "pass.h"

enum { BLOCK_BYTES = 1 << 20, BATCH_BYTES = 1 << 25, TILE = 4096 };

typedef struct walk {
    cepman_maps_pass *pass;
    size_t available, frames; /* frames < available: as many of them, evenly spread */
    size_t block;             /* frames read at a time */
    size_t first, count;      /* of the batch */
    unsigned char *raw;       /* per worker: a block of frames in their own type */
} walk;

/* The middles of equal parts of the scan. */
static size_t number_of(const walk *w, size_t i)
{
    const size_t n = w->available, k = w->frames;
    return n == k ? i : n / k * i + n % k * i / k + n / k / 2;
}

static cepman_status read_frames(const walk *w, cep_fault *fault, size_t first, size_t count,
                                 unsigned char *to)
{
    cepman_dataset *d = w->pass->streams->dataset;
    if (w->frames == w->available) return cep_dataset_read(d, fault, first, count, to);
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && i < count; i++)
        s = cep_dataset_read(d, fault, number_of(w, first + i), 1, to + i * cep_dataset_frame_bytes(d));
    return s;
}

/* One frame of a stream from the scan's, in place or converted or computed. */
static cepman_status convert(const walk *w, cep_fault *fault, const cep_stream *st, unsigned worker,
                             size_t frame, const unsigned char *raw, float *to, const float **pixels)
{
    const bool plain = st->type == CEPMAN_TYPE_F32;
    *pixels = to;
    if (!st->derived) {
        if (plain)
            *pixels = (const float *)(const void *)raw;
        else
            cep_type_to_f32(st->type, raw, to, st->pixels);
        return CEPMAN_OK;
    }
    void *made = plain ? (void *)to : st->raw + worker * st->pixels * cepman_type_size(st->type);
    cepman_status s = cep_dataset_derive(st->dataset, fault, number_of(w, frame), 1, raw, made);
    if (!s && !plain) cep_type_to_f32(st->type, made, to, st->pixels);
    return s;
}

static cepman_status take_block(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    walk *w = argument;
    const cepman_maps_pass *pass = w->pass;
    const cep_stream *base = pass->streams;
    const size_t bytes = cep_dataset_frame_bytes(base->dataset), start = index * w->block;
    const size_t count = w->count - start < w->block ? w->count - start : w->block;
    /* Frames of floats that are kept for the batch are read to where they stay. */
    unsigned char *raw = w->raw + worker * w->block * bytes;
    if (base->batch && base->type == CEPMAN_TYPE_F32)
        raw = (unsigned char *)(base->values + start * base->pixels);
    cepman_status s = read_frames(w, fault, w->first + start, count, raw);
    for (const cep_stream *st = base; !s && st; st = st->next) {
        if (!st->by_frame && !st->batch) continue;
        for (size_t i = 0; !s && i < count; i++) {
            const size_t frame = w->first + start + i;
            float *to = st->values ? st->values + (st->batch ? start + i : worker) * st->pixels : NULL;
            const float *pixels;
            s = convert(w, fault, st, worker, frame, raw + i * bytes, to, &pixels);
            for (cep_item *item = pass->items; !s && st->by_frame && item; item = item->next)
                if (item->stream == st && item->kind->frame) item->kind->frame(item, frame, pixels);
        }
    }
    return s;
}

static size_t tiles_of(const cep_stream *st)
{
    return st->batch ? (st->pixels + TILE - 1) / TILE : 0;
}

static cepman_status take_tile(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    walk *w = argument;
    const cep_stream *st = w->pass->streams;
    while (index >= tiles_of(st)) {
        index -= tiles_of(st);
        st = st->next;
    }
    const size_t from = index * TILE, to = from + TILE < st->pixels ? from + TILE : st->pixels;
    for (cep_item *item = w->pass->items; item; item = item->next)
        if (item->stream == st && item->kind->batch)
            item->kind->batch(item, w->first, w->count, st->values, from, to);
    return CEPMAN_OK;
}

static size_t frames_in(size_t bytes, size_t frame_bytes, size_t most)
{
    size_t n = bytes / frame_bytes;
    return n < 1 ? 1 : n < most ? n : most;
}

/* Frames of a batch, and of a block in it: by the sizes above, and a quarter and an eighth of what the limit leaves. */
static size_t plan(walk *w, cepman_context *ctx)
{
    const cepman_maps_pass *pass = w->pass;
    const size_t left = cep_memory_left(pass->mem), workers = cep_workers(ctx);
    const size_t most_block = left / 8 / workers < BLOCK_BYTES ? left / 8 / workers : BLOCK_BYTES;
    const size_t most_batch = left / 4 < BATCH_BYTES ? left / 4 : BATCH_BYTES;
    size_t together = 0, batch = w->frames; /* floats of a frame in all streams with a batch */
    for (const cep_stream *st = pass->streams; st; st = st->next)
        if (st->batch) together += st->pixels;
    if (together) batch = frames_in(most_batch, together * sizeof(float), w->frames);
    const size_t share = together ? (batch + 2 * workers - 1) / (2 * workers) : batch;
    w->block = frames_in(most_block, cep_dataset_frame_bytes(pass->streams->dataset), share);
    return batch - batch % w->block;
}

static cepman_status make_room(walk *w, cepman_context *ctx, size_t batch)
{
    cepman_maps_pass *pass = w->pass;
    const size_t workers = cep_workers(ctx), bytes = cep_dataset_frame_bytes(pass->streams->dataset);
    w->raw = cep_alloc(pass->mem, workers * w->block, bytes);
    if (!w->raw) return cep_fail_memory(ctx, "blocks of frames", workers * w->block, bytes);
    for (cep_stream *st = pass->streams; st; st = st->next) {
        if (!st->by_frame && !st->batch) continue;
        const size_t frames = st->batch ? batch : workers, size = cepman_type_size(st->type);
        st->values = cep_alloc(pass->mem, frames, st->pixels * sizeof *st->values);
        if (!st->values)
            return cep_fail_memory(ctx, "batch of frames", frames, st->pixels * sizeof *st->values);
        if (!st->derived || st->type == CEPMAN_TYPE_F32) continue;
        st->raw = cep_alloc(pass->mem, workers, st->pixels * size);
        if (!st->raw) return cep_fail_memory(ctx, "computed frames", workers, st->pixels * size);
    }
    return CEPMAN_OK;
}

cepman_status cep_pass_walk(cepman_maps_pass *pass, cepman_context *ctx, size_t available, size_t frames)
{
    walk w = {.pass = pass, .available = available, .frames = frames};
    const char *stage = pass->items->next ? "maps" : pass->items->kind->name;
    size_t tiles = 0;
    for (cep_stream *st = pass->streams; st; st = st->next) {
        st->by_frame = st->batch = false;
        for (const cep_item *item = pass->items; item; item = item->next) {
            st->by_frame = st->by_frame || (item->stream == st && item->kind->frame);
            st->batch = st->batch || (item->stream == st && item->kind->batch);
        }
        tiles += tiles_of(st);
    }
    const size_t batch = plan(&w, ctx), blocks = (frames + w.block - 1) / w.block;
    cepman_status s = make_room(&w, ctx, batch);
    for (w.first = 0; !s && w.first < frames; w.first += batch) {
        w.count = frames - w.first < batch ? frames - w.first : batch;
        s = cep_parallel_part(ctx, stage, w.first / w.block, blocks, (w.count + w.block - 1) / w.block,
                              take_block, &w);
        if (!s && tiles) s = cep_parallel(ctx, NULL, tiles, take_tile, &w);
    }
    cep_free(pass->mem, w.raw);
    for (cep_stream *st = pass->streams; st; st = st->next) {
        cep_free(pass->mem, st->values);
        cep_free(pass->mem, st->raw);
        st->values = NULL;
        st->raw = NULL;
    }
    return s;
}
