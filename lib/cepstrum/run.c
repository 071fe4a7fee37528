/* Streams a dataset into a matrix: blocks of frames, any thread any block, then scaling over the whole scan.
 * Standardisation: mean, then squared deviations, in double over fixed chunks of rows, added in order.
 * Must not: hold more of the dataset than a block a worker, or let results depend on blocks or threads. */
#include <math.h>
#include <string.h>

#include "internal.h"

#define BLOCK_BYTES 262144 /* a block stays in the cache between reading and transforming */
#define BLOCK_FRAMES 32
#define CHUNKS 128

typedef struct stream {
    cepman_dataset *dataset;
    cepman_type type;
    size_t frames, frame_bytes, block; /* frames in a block */
    float *features;
    size_t stride;
    cepman_cepstrum_worker **workers;
    unsigned char *buffers; /* one block per worker; or all blocks of a turn, when frames were read before */
    size_t read_first;      /* first frame in buffers, SIZE_MAX: workers read */
} stream;

static cepman_status transform_block(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    stream *t = argument;
    const bool reads = t->read_first == SIZE_MAX;
    const size_t first = index * t->block + (reads ? 0 : t->read_first);
    const size_t count = t->frames - first < t->block ? t->frames - first : t->block;
    unsigned char *p = t->buffers + (reads ? worker : index) * t->block * t->frame_bytes;
    if (reads) {
        cepman_status s = cep_dataset_read(t->dataset, fault, first, count, p);
        if (s) return s;
    }
    for (size_t i = 0; i < count; i++)
        if (!cep_worker_features(t->workers[worker], p + i * t->frame_bytes, t->type,
                                 t->features + (first + i) * t->stride))
            return cep_fault_set(fault, CEPMAN_ERR_DATA,
                                 "frame %zu has no valid pixel (all are NaN, infinite or masked)", first + i);
    return CEPMAN_OK;
}

/* Turns of one block a worker: read here, transformed by all. */
static cepman_status run_in_turns(stream *t, cepman_context *ctx, unsigned workers)
{
    const size_t turn = t->block * workers;
    const size_t blocks = (t->frames + t->block - 1) / t->block;
    for (size_t first = 0; first < t->frames; first += turn) {
        const size_t count = t->frames - first < turn ? t->frames - first : turn;
        cep_fault fault;
        cepman_status s = cep_poll(ctx);
        if (s) return s;
        s = cep_dataset_read(t->dataset, &fault, first, count, t->buffers);
        if (s) return cep_fail_fault(ctx, &fault);
        t->read_first = first;
        s = cep_parallel_part(ctx, "cepstrum", first / t->block, blocks, (count + t->block - 1) / t->block,
                              transform_block, t);
        if (s) return s;
    }
    return CEPMAN_OK;
}

/* ---- standardisation ---- */

typedef struct standard {
    float *features;
    size_t rows, columns, stride, chunk;
    double *partial; /* chunks x columns */
    double *mean, *factor;
} standard;

static cepman_status add_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    const standard *t = argument;
    const size_t end = (index + 1) * t->chunk < t->rows ? (index + 1) * t->chunk : t->rows;
    double *sum = t->partial + index * t->columns;
    memset(sum, 0, t->columns * sizeof *sum);
    for (size_t i = index * t->chunk; i < end; i++) {
        const float *x = t->features + i * t->stride;
        for (size_t j = 0; j < t->columns; j++)
            sum[j] += (double)x[j];
    }
    return CEPMAN_OK;
}

static cepman_status add_deviations(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    const standard *t = argument;
    const size_t end = (index + 1) * t->chunk < t->rows ? (index + 1) * t->chunk : t->rows;
    double *sum = t->partial + index * t->columns;
    memset(sum, 0, t->columns * sizeof *sum);
    for (size_t i = index * t->chunk; i < end; i++) {
        const float *x = t->features + i * t->stride;
        for (size_t j = 0; j < t->columns; j++) {
            double d = (double)x[j] - t->mean[j];
            sum[j] += d * d;
        }
    }
    return CEPMAN_OK;
}

static cepman_status standardise_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    const standard *t = argument;
    const size_t end = (index + 1) * t->chunk < t->rows ? (index + 1) * t->chunk : t->rows;
    for (size_t i = index * t->chunk; i < end; i++) {
        float *x = t->features + i * t->stride;
        for (size_t j = 0; j < t->columns; j++)
            x[j] = (float)(((double)x[j] - t->mean[j]) * t->factor[j]);
    }
    return CEPMAN_OK;
}

static void add_chunks(const standard *t, size_t chunks, double *out)
{
    for (size_t j = 0; j < t->columns; j++) {
        double sum = 0;
        for (size_t i = 0; i < chunks; i++)
            sum += t->partial[i * t->columns + j];
        out[j] = sum / (double)t->rows;
    }
}

static cepman_status standardise(cepman_context *ctx, float *features, size_t rows, size_t columns,
                                 size_t stride)
{
    if (rows == 0) return CEPMAN_OK;
    cep_memory *mem = cep_context_memory(ctx);
    standard t = {features, rows, columns, stride, (rows + CHUNKS - 1) / CHUNKS, NULL, NULL, NULL};
    const size_t chunks = (rows + t.chunk - 1) / t.chunk;
    t.partial = cep_alloc(mem, chunks, columns * sizeof *t.partial);
    t.mean = cep_alloc(mem, columns, sizeof *t.mean);
    t.factor = cep_alloc(mem, columns, sizeof *t.factor);
    cepman_status s = CEPMAN_OK;
    if (!t.partial || !t.mean || !t.factor)
        s = cep_fail_memory(ctx, "standardisation", chunks, columns * sizeof *t.partial);
    if (!s) s = cep_parallel(ctx, NULL, chunks, add_rows, &t);
    if (!s) {
        add_chunks(&t, chunks, t.mean);
        s = cep_parallel(ctx, NULL, chunks, add_deviations, &t);
    }
    if (!s) {
        add_chunks(&t, chunks, t.factor);
        /* A feature that does not vary, but for rounding, becomes 0. */
        for (size_t j = 0; j < columns; j++) {
            double deviation = sqrt(t.factor[j]);
            t.factor[j] = deviation > 1e-12 * fabs(t.mean[j]) && deviation > 0 ? 1 / deviation : 0;
        }
        s = cep_parallel(ctx, NULL, chunks, standardise_rows, &t);
    }
    cep_free(mem, t.partial);
    cep_free(mem, t.mean);
    cep_free(mem, t.factor);
    return s;
}

/* ---- the whole ---- */

static cepman_status stream_frames(stream *t, cepman_context *ctx, cepman_cepstrum *c, unsigned workers)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t blocks = (t->frames + t->block - 1) / t->block;
    cepman_status s = CEPMAN_OK;
    cep_fault fault;
    t->workers = cep_alloc_zero(mem, workers, sizeof *t->workers);
    t->buffers = cep_alloc(mem, workers, t->block * t->frame_bytes);
    if (!t->workers || !t->buffers)
        s = cep_fail_memory(ctx, "blocks of frames", workers, t->block * t->frame_bytes);
    for (unsigned i = 0; i < workers && !s; i++)
        if ((s = cep_worker_create(&t->workers[i], mem, &fault, c, c->fft))) cep_fail_fault(ctx, &fault);
    if (!s) {
        if (cep_dataset_concurrent(t->dataset))
            s = cep_parallel(ctx, "cepstrum", blocks, transform_block, t);
        else
            s = run_in_turns(t, ctx, workers);
    }
    for (unsigned i = 0; i < workers && t->workers; i++)
        cepman_cepstrum_worker_unref(t->workers[i]);
    cep_free(mem, t->workers);
    cep_free(mem, t->buffers);
    return s;
}

cepman_status cepman_cepstrum_run(cepman_matrix **out, cepman_context *ctx, const cepman_cepstrum *cepstrum,
                                  cepman_dataset *dataset)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && cepstrum && dataset, CEPMAN_ERR_ARGUMENT, "cepstrum: an argument is NULL");
    const size_t h = cepman_dataset_height(dataset), w = cepman_dataset_width(dataset);
    CEP_REQUIRE(ctx, h == cepstrum->height && w == cepstrum->width, CEPMAN_ERR_SHAPE,
                "the transform is for frames of %zu x %zu pixels, the dataset's have %zu x %zu",
                cepstrum->height, cepstrum->width, h, w);
    stream t = {.dataset = dataset, .type = cepman_dataset_type(dataset), .read_first = SIZE_MAX};
    t.frames = cepman_dataset_available(dataset);
    t.frame_bytes = cep_dataset_frame_bytes(dataset);
    t.block = t.frame_bytes < BLOCK_BYTES ? BLOCK_BYTES / t.frame_bytes : 1;
    if (t.block > BLOCK_FRAMES) t.block = BLOCK_FRAMES;
    cepman_matrix *matrix = NULL;
    s = cep_matrix_create(&matrix, ctx, "features", t.frames, cepstrum->ring.features, &t.features,
                          &t.stride);
    if (s) return s;
    /* Workers keep a reference while they run: counting is all that changes in the transform. */
    cepman_cepstrum *c = cepman_cepstrum_ref((cepman_cepstrum *)cepstrum);
    if (t.frames) s = stream_frames(&t, ctx, c, cep_workers(ctx));
    if (!s && c->set.scale == SCALE_STANDARD)
        s = standardise(ctx, t.features, t.frames, c->ring.features, t.stride);
    cepman_cepstrum_unref(c);
    if (s) {
        cepman_matrix_unref(matrix);
        return s;
    }
    *out = matrix;
    return CEPMAN_OK;
}
