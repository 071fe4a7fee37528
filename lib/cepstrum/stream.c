/* Streams frames into rows of features: blocks of frames, any thread any block, to memory or straight into a file.
 * Sources that cannot be read by several threads are read in order, by one worker at a time while the others compute.
 * Must not: hold more of the dataset than a block a worker, or let results depend on blocks or threads. */
#include <pthread.h>

#include "internal.h"

/* Of frames read into a buffer: one that stays near the processor until it is transformed, and so large that the
 * system's copy out of its cache runs at full speed. Frames that lie in memory are transformed where they are. */
#define BLOCK_BYTES ((size_t)1 << 20)
#define BLOCK_FRAMES 32
#define BLOCKS_A_WORKER                                                                                      \
    8 /* at least, where there are so many frames: the last one to finish keeps the others waiting */

typedef struct stream {
    cepman_dataset *dataset;
    cepman_type type;
    size_t first, frames, frame_bytes, block; /* block: frames in one */
    size_t features;
    const cep_half_kernels *kernels;
    const cep_sink *sink;
    cepman_cepstrum_worker **workers;
    const unsigned char *lent; /* the first frame, where all lie in memory; else NULL and */
    unsigned char *buffers;    /* a block of frames a worker */
    float *rows;      /* a block of features a worker; NULL when they go straight to floats in memory */
    uint16_t *halves; /* the same, NULL unless the file holds float16 */
    bool ordered;
    pthread_mutex_t turn; /* of reading, when ordered */
    size_t next;          /* block to be read */
} stream;

/* Reads a block into the worker's buffer, or finds it where it lies; which one is told by the index, or by the turn. */
static cepman_status read_block(stream *t, cep_fault *fault, size_t index, unsigned worker,
                                const unsigned char **pixels, size_t *first, size_t *count)
{
    if (t->ordered) {
        pthread_mutex_lock(&t->turn);
        index = t->next++;
    }
    *first = index * t->block;
    *count = t->frames - *first < t->block ? t->frames - *first : t->block;
    if (t->lent) {
        *pixels = t->lent + *first * t->frame_bytes;
        return CEPMAN_OK;
    }
    unsigned char *to = t->buffers + worker * t->block * t->frame_bytes;
    *pixels = to;
    cepman_status s = cep_dataset_read(t->dataset, fault, t->first + *first, *count, to);
    if (t->ordered) pthread_mutex_unlock(&t->turn);
    return s;
}

static cepman_status shorten(const stream *t, cep_fault *fault, size_t frame, const float *row, uint16_t *to)
{
    if (!t->kernels->shorten(row, to, t->features)) return CEPMAN_OK;
    return cep_fault_set(fault, CEPMAN_ERR_RANGE,
                         "frame %zu has a feature beyond 65504, which float16 cannot hold (option 'storage')",
                         t->first + frame);
}

static cepman_status put_rows(const stream *t, cep_fault *fault, unsigned worker, size_t first, size_t count,
                              const float *rows)
{
    const cep_sink *sink = t->sink;
    const size_t d = t->features;
    if (sink->file && !sink->half) return cep_npy_writer_put(sink->file, fault, first * d, count * d, rows);
    uint16_t *halves = sink->halves ? sink->halves + first * sink->stride : t->halves + worker * t->block * d;
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; i < count && !s; i++)
        s = shorten(t, fault, first + i, rows + i * d, halves + i * (sink->halves ? sink->stride : d));
    if (!s && sink->file) s = cep_npy_writer_put(sink->file, fault, first * d, count * d, halves);
    return s;
}

static cepman_status transform_block(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    stream *t = argument;
    const unsigned char *p;
    size_t first, count, stride = t->sink->floats ? t->sink->stride : t->features;
    cepman_status s = read_block(t, fault, index, worker, &p, &first, &count);
    if (s) return s;
    float *rows = t->sink->floats ? t->sink->floats + first * stride : t->rows + worker * t->block * stride;
    for (size_t i = 0; i < count; i++)
        if (!cep_worker_features(t->workers[worker], p + i * t->frame_bytes, t->type, rows + i * stride))
            return cep_fault_set(fault, CEPMAN_ERR_DATA,
                                 "frame %zu has no valid pixel (all are NaN, infinite or masked)",
                                 t->first + first + i);
    return t->sink->floats ? CEPMAN_OK : put_rows(t, fault, worker, first, count, rows);
}

static cepman_status prepare(stream *t, cepman_context *ctx, cepman_cepstrum *c, unsigned workers)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t row_bytes = t->features * sizeof *t->rows;
    cep_fault fault;
    t->workers = cep_alloc_zero(mem, workers, sizeof *t->workers);
    if (!t->lent) t->buffers = cep_alloc(mem, workers, t->block * t->frame_bytes);
    if (!t->sink->floats) t->rows = cep_alloc(mem, workers, t->block * row_bytes);
    if (t->sink->file && t->sink->half) t->halves = cep_alloc(mem, workers, t->block * row_bytes / 2);
    if (!t->workers || (!t->lent && !t->buffers) || (!t->sink->floats && !t->rows) ||
        (t->sink->file && t->sink->half && !t->halves))
        return cep_fail_memory(ctx, "blocks of frames", workers, t->block * (t->frame_bytes + row_bytes));
    for (unsigned i = 0; i < workers; i++)
        if (cep_worker_create(&t->workers[i], mem, &fault, c, c->fft)) return cep_fail_fault(ctx, &fault);
    return CEPMAN_OK;
}

/* frames: of the whole scan, so that progress counts in the same blocks whichever part is transformed. */
static size_t frames_a_block(size_t frame_bytes, size_t frames, unsigned workers)
{
    size_t block = frame_bytes < BLOCK_BYTES ? BLOCK_BYTES / frame_bytes : 1;
    if (block > BLOCK_FRAMES) block = BLOCK_FRAMES;
    const size_t share = frames / ((size_t)workers * BLOCKS_A_WORKER);
    if (workers > 1 && block > share) block = share ? share : 1;
    return block;
}

cepman_status cep_stream(cepman_context *ctx, cepman_cepstrum *cepstrum, cepman_dataset *dataset,
                         size_t first, size_t count, const cep_sink *sink)
{
    if (count == 0) return CEPMAN_OK;
    cep_memory *mem = cep_context_memory(ctx);
    const unsigned workers = cep_workers(ctx);
    stream t = {.dataset = dataset, .type = cepman_dataset_type(dataset), .first = first, .frames = count};
    t.frame_bytes = cep_dataset_frame_bytes(dataset);
    t.features = cepstrum->ring.features;
    t.kernels = cep_half_kernels_get(cep_context_cpu(ctx));
    t.sink = sink;
    t.lent = cep_dataset_lend(dataset, first, count);
    t.ordered = !t.lent && !cep_dataset_concurrent(dataset);
    t.block = frames_a_block(t.frame_bytes, cepman_dataset_available(dataset), workers);
    /* Workers keep a reference while they run: counting is all that changes in the transform. */
    cepman_cepstrum *c = cepman_cepstrum_ref(cepstrum);
    pthread_mutex_init(&t.turn, NULL);
    cepman_status s = prepare(&t, ctx, c, workers);
    const size_t blocks = (count + t.block - 1) / t.block, done = first / t.block;
    size_t total = (cepman_dataset_available(dataset) + t.block - 1) / t.block;
    if (total < done + blocks) total = done + blocks;
    if (!s) s = cep_parallel_part(ctx, "cepstrum", done, total, blocks, transform_block, &t);
    for (unsigned i = 0; i < workers && t.workers; i++)
        cepman_cepstrum_worker_unref(t.workers[i]);
    cep_free(mem, t.workers);
    cep_free(mem, t.buffers);
    cep_free(mem, t.rows);
    cep_free(mem, t.halves);
    pthread_mutex_destroy(&t.turn);
    cepman_cepstrum_unref(c);
    return s;
}
