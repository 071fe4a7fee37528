/* Standardisation of features over a whole scan, in memory or in the file they are in: mean, then squared deviations,
 * in double over fixed chunks of rows, added in order.
 * Must not: let results depend on threads or on where the rows are. */
#include <math.h>
#include <string.h>

#include "internal.h"

enum { CHUNKS = 128, MOST = 8192, PIECE_BYTES = 1 << 20 };

typedef struct standard {
    const cep_sink *sink;
    size_t rows, columns, chunk;
    size_t piece;    /* rows of a file at a time */
    float *pieces;   /* one a worker; NULL in memory */
    double *partial; /* chunks x columns */
    double *mean, *factor;
} standard;

/* Rows i .. i+count-1; count is cut to what is at hand in one piece. */
static cepman_status rows_of(const standard *t, cep_fault *fault, unsigned worker, size_t i, size_t *count,
                             float **rows, size_t *stride)
{
    if (t->sink->floats) {
        *rows = t->sink->floats + i * t->sink->stride;
        *stride = t->sink->stride;
        return CEPMAN_OK;
    }
    if (*count > t->piece) *count = t->piece;
    *rows = t->pieces + worker * t->piece * t->columns;
    *stride = t->columns;
    return cep_npy_writer_get(t->sink->file, fault, i * t->columns, *count * t->columns, *rows);
}

typedef void (*visit)(const standard *t, float *row, double *sum);

static void add_row(const standard *t, float *x, double *sum)
{
    for (size_t j = 0; j < t->columns; j++)
        sum[j] += (double)x[j];
}

static void add_deviations(const standard *t, float *x, double *sum)
{
    for (size_t j = 0; j < t->columns; j++) {
        double d = (double)x[j] - t->mean[j];
        sum[j] += d * d;
    }
}

static void standardise_row(const standard *t, float *x, double *sum)
{
    (void)sum;
    for (size_t j = 0; j < t->columns; j++)
        x[j] = (float)(((double)x[j] - t->mean[j]) * t->factor[j]);
}

static cepman_status each_row(const standard *t, cep_fault *fault, size_t index, unsigned worker, visit what)
{
    const size_t end = (index + 1) * t->chunk < t->rows ? (index + 1) * t->chunk : t->rows;
    double *sum = t->partial + index * t->columns;
    if (what != standardise_row) memset(sum, 0, t->columns * sizeof *sum);
    for (size_t i = index * t->chunk, n = 0; i < end; i += n) {
        float *x;
        size_t stride;
        n = end - i;
        cepman_status s = rows_of(t, fault, worker, i, &n, &x, &stride);
        if (s) return s;
        for (size_t r = 0; r < n; r++)
            what(t, x + r * stride, sum);
        if (what == standardise_row && t->sink->file)
            s = cep_npy_writer_put(t->sink->file, fault, i * t->columns, n * t->columns, x);
        if (s) return s;
    }
    return CEPMAN_OK;
}

static cepman_status sum_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    return each_row(argument, fault, index, worker, add_row);
}

static cepman_status deviations_of_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    return each_row(argument, fault, index, worker, add_deviations);
}

static cepman_status standardise_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    return each_row(argument, fault, index, worker, standardise_row);
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

cepman_status cep_standardise(cepman_context *ctx, const cep_sink *sink, size_t rows, size_t columns)
{
    if (rows == 0) return CEPMAN_OK;
    cep_memory *mem = cep_context_memory(ctx);
    standard t = {.sink = sink, .rows = rows, .columns = columns};
    t.chunk = (rows + CHUNKS - 1) / CHUNKS;
    if (t.chunk > MOST) t.chunk = MOST; /* of the longest scans: a chunk is an item of a loop */
    const size_t chunks = (rows + t.chunk - 1) / t.chunk;
    t.piece = PIECE_BYTES / (columns * sizeof(float)) + 1;
    if (t.piece > t.chunk) t.piece = t.chunk;
    t.partial = cep_alloc(mem, chunks, columns * sizeof *t.partial);
    t.mean = cep_alloc(mem, columns, sizeof *t.mean);
    t.factor = cep_alloc(mem, columns, sizeof *t.factor);
    if (!sink->floats) t.pieces = cep_alloc(mem, cep_workers(ctx), t.piece * columns * sizeof *t.pieces);
    cepman_status s = CEPMAN_OK;
    if (!t.partial || !t.mean || !t.factor || (!sink->floats && !t.pieces))
        s = cep_fail_memory(ctx, "standardisation", chunks, columns * sizeof *t.partial);
    if (!s) s = cep_parallel(ctx, NULL, chunks, sum_chunk, &t);
    if (!s) {
        add_chunks(&t, chunks, t.mean);
        s = cep_parallel(ctx, NULL, chunks, deviations_of_chunk, &t);
    }
    if (!s) {
        add_chunks(&t, chunks, t.factor);
        /* A feature that does not vary, but for rounding, becomes 0. */
        for (size_t j = 0; j < columns; j++) {
            double deviation = sqrt(t.factor[j]);
            t.factor[j] = deviation > 1e-12 * fabs(t.mean[j]) && deviation > 0 ? 1 / deviation : 0;
        }
        s = cep_parallel(ctx, NULL, chunks, standardise_chunk, &t);
    }
    cep_free(mem, t.partial);
    cep_free(mem, t.mean);
    cep_free(mem, t.factor);
    cep_free(mem, t.pieces);
    return s;
}
