/* Going through a scan: frame by frame, or in batches whose pixels are shared out between the threads.
 * Sizes of blocks depend on the frames' shape alone.
 * Must not: hold more than a few megabytes per thread and one batch, whatever the scan's size. */
#include "frames.h"

enum { BLOCK_BYTES = 1 << 20, BATCH_BYTES = 1 << 25, TILE = 4096 };

cepman_status cep_frames_open(cep_frames *f, cepman_context *ctx, cepman_dataset *dataset, const char *what)
{
    CEP_REQUIRE(ctx, dataset, CEPMAN_ERR_ARGUMENT, "%s: dataset is NULL", what);
    cepman_type type = cepman_dataset_type(dataset);
    *f = (cep_frames){.ctx = ctx, .mem = cep_context_memory(ctx), .dataset = dataset};
    f->total = cepman_dataset_frames(dataset);
    f->count = cepman_dataset_available(dataset);
    f->height = cepman_dataset_height(dataset);
    f->width = cepman_dataset_width(dataset);
    f->pixels = f->height * f->width;
    f->may_be_odd = cep_type_is_real(type);
    f->mask = cepman_dataset_mask(dataset);
    if (f->count > f->total) f->count = f->total;
    CEP_REQUIRE(ctx, f->count >= 1, CEPMAN_ERR_DATA, "%s: no frame is available yet", what);
    return CEPMAN_OK;
}

typedef struct walk {
    const cep_frames *f;
    cep_frame_visit visit;
    cep_batch_visit visit_batch;
    void *argument;
    size_t block;        /* frames read at a time */
    size_t first, count; /* of the batch */
    unsigned char *raw;  /* per worker: block frames in their own type */
    float *values;       /* per worker: one frame; or the batch */
} walk;

static size_t frames_in(size_t bytes, size_t frame_bytes, size_t most)
{
    size_t n = bytes / frame_bytes;
    return n < 1 ? 1 : n < most ? n : most;
}

static cepman_status walk_block(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    walk *w = argument;
    const cep_frames *f = w->f;
    size_t bytes = cep_dataset_frame_bytes(f->dataset), first = index * w->block, count = w->block;
    if (count > f->count - first) count = f->count - first;
    unsigned char *raw = w->raw + worker * w->block * bytes;
    float *frame = w->values + worker * f->pixels;
    cepman_status s = cep_dataset_read(f->dataset, fault, first, count, raw);
    for (size_t i = 0; !s && i < count; i++) {
        cep_type_to_f32(cepman_dataset_type(f->dataset), raw + i * bytes, frame, f->pixels);
        w->visit(w->argument, first + i, frame);
    }
    return s;
}

cepman_status cep_frames_each(const cep_frames *f, const char *stage, cep_frame_visit visit, void *argument)
{
    size_t bytes = cep_dataset_frame_bytes(f->dataset), workers = cep_workers(f->ctx);
    walk w = {.f = f, .visit = visit, .argument = argument, .block = frames_in(BLOCK_BYTES, bytes, f->count)};
    w.raw = cep_alloc(f->mem, workers * w.block, bytes);
    w.values = cep_alloc(f->mem, workers, f->pixels * sizeof *w.values);
    cepman_status s = CEPMAN_OK;
    if (!w.raw || !w.values)
        s = cep_fail_memory(f->ctx, "frames", workers, w.block * bytes + f->pixels * sizeof *w.values);
    else
        s = cep_parallel(f->ctx, stage, (f->count + w.block - 1) / w.block, walk_block, &w);
    cep_free(f->mem, w.raw);
    cep_free(f->mem, w.values);
    return s;
}

static cepman_status fill_batch(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    walk *w = argument;
    const cep_frames *f = w->f;
    size_t bytes = cep_dataset_frame_bytes(f->dataset), first = index * w->block, count = w->block;
    if (count > w->count - first) count = w->count - first;
    unsigned char *raw = w->raw + worker * w->block * bytes;
    cepman_status s = cep_dataset_read(f->dataset, fault, w->first + first, count, raw);
    if (!s)
        cep_type_to_f32(cepman_dataset_type(f->dataset), raw, w->values + first * f->pixels,
                        count * f->pixels);
    return s;
}

static cepman_status visit_tile(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    walk *w = argument;
    size_t from = index * TILE, to = from + TILE < w->f->pixels ? from + TILE : w->f->pixels;
    w->visit_batch(w->argument, w->first, w->count, w->values, from, to);
    return CEPMAN_OK;
}

cepman_status cep_frames_batches(const cep_frames *f, const char *stage, cep_batch_visit visit,
                                 void *argument)
{
    size_t bytes = cep_dataset_frame_bytes(f->dataset), workers = cep_workers(f->ctx);
    size_t batch = frames_in(BATCH_BYTES, f->pixels * sizeof(float), f->count);
    walk w = {
        .f = f, .visit_batch = visit, .argument = argument, .block = frames_in(BLOCK_BYTES, bytes, batch)};
    w.raw = cep_alloc(f->mem, workers * w.block, bytes);
    w.values = cep_alloc(f->mem, batch, f->pixels * sizeof *w.values);
    cepman_status s = CEPMAN_OK;
    if (!w.raw || !w.values)
        s = cep_fail_memory(f->ctx, "batch of frames", batch, f->pixels * sizeof *w.values);
    cep_progress(f->ctx, stage, 0, f->count);
    for (w.first = 0; !s && w.first < f->count; w.first += batch) {
        w.count = f->count - w.first < batch ? f->count - w.first : batch;
        s = cep_parallel(f->ctx, NULL, (w.count + w.block - 1) / w.block, fill_batch, &w);
        if (!s) s = cep_parallel(f->ctx, NULL, (f->pixels + TILE - 1) / TILE, visit_tile, &w);
        if (!s) cep_progress(f->ctx, stage, w.first + w.count, f->count);
    }
    cep_free(f->mem, w.raw);
    cep_free(f->mem, w.values);
    return s;
}
