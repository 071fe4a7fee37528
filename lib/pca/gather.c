/* Gathers rows into their mean and scatter matrix, block by block, in one pass: float32 products of rows about the mean
 * of their own block, added up in float64. Chan, Golub and LeVeque, Am. Stat. 37 (1983) 242, for blocks.
 * Must not: let results depend on how the rows are handed over; blocks are cut by their number. */
#include <string.h>

#include "exec.h"
#include "gather.h"

enum { PIECE = 64 };

/* PIECE rows of the square matrices: gigabytes for many features, so no single memset. */
static void clear(const cep_gather *g, size_t index, void *square, size_t size)
{
    const size_t first = index * PIECE, rows = g->d - first < PIECE ? g->d - first : PIECE;
    memset((char *)square + first * g->d * size, 0, rows * g->d * size);
}

static cepman_status clear_scatter(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    cep_gather *g = argument;
    clear(g, index, g->scatter, sizeof *g->scatter);
    return CEPMAN_OK;
}

static cepman_status clear_part(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    cep_gather *g = argument;
    clear(g, index, g->part, sizeof *g->part);
    return CEPMAN_OK;
}

cepman_status cep_gather_create(cep_gather **out, cepman_context *ctx, size_t d)
{
    cep_memory *mem = cep_context_memory(ctx);
    cep_gather *g = cep_alloc_zero(mem, 1, sizeof *g);
    if (!g) return cep_fail_memory(ctx, "sums of rows", 1, sizeof *g);
    g->mem = cep_memory_ref(mem);
    g->d = d;
    /* A block's product takes some ten milliseconds. */
    double most = 4e9 / ((double)d * (double)d);
    g->rows = most > 4096 ? 4096 : most < 512 ? 512 : (size_t)most;
    const size_t pieces = (g->rows + PIECE - 1) / PIECE;
    g->block = cep_alloc(mem, g->rows, d * sizeof *g->block);
    g->part = cep_alloc(mem, d, d * sizeof *g->part);
    g->scatter = cep_alloc(mem, d, d * sizeof *g->scatter);
    g->mean = cep_alloc_zero(mem, d, sizeof *g->mean);
    g->of_block = cep_alloc(mem, d, sizeof *g->of_block);
    g->sums = cep_alloc(mem, pieces, d * sizeof *g->sums);
    if (!g->block || !g->part || !g->scatter || !g->mean || !g->of_block || !g->sums) {
        cep_gather_free(g);
        return cep_fail_memory(ctx, "scatter matrix", d, d * (sizeof *g->part + sizeof *g->scatter));
    }
    cepman_status s = cep_parallel(ctx, NULL, (d + PIECE - 1) / PIECE, clear_scatter, g);
    if (s)
        cep_gather_free(g);
    else
        *out = g;
    return s;
}

void cep_gather_free(cep_gather *g)
{
    if (!g) return;
    cep_memory *mem = g->mem;
    cep_free(mem, g->block);
    cep_free(mem, g->part);
    cep_free(mem, g->scatter);
    cep_free(mem, g->mean);
    cep_free(mem, g->of_block);
    cep_free(mem, g->sums);
    cep_free(mem, g);
    cep_memory_unref(mem);
}

void cep_gather_reset(cep_gather *g)
{
    memset(g->scatter, 0, g->d * g->d * sizeof *g->scatter);
    memset(g->mean, 0, g->d * sizeof *g->mean);
    g->n = 0;
    g->held = 0;
}

/* ---- a full block ---- */

static size_t piece_end(const cep_gather *g, size_t index)
{
    return (index + 1) * PIECE < g->held ? (index + 1) * PIECE : g->held;
}

static cepman_status sum_piece(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    cep_gather *g = argument;
    double *sum = g->sums + index * g->d;
    memset(sum, 0, g->d * sizeof *sum);
    for (size_t i = index * PIECE; i < piece_end(g, index); i++)
        for (size_t j = 0; j < g->d; j++)
            sum[j] += (double)g->block[i * g->d + j];
    return CEPMAN_OK;
}

static cepman_status centre_piece(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    cep_gather *g = argument;
    for (size_t i = index * PIECE; i < piece_end(g, index); i++)
        for (size_t j = 0; j < g->d; j++)
            g->block[i * g->d + j] = (float)((double)g->block[i * g->d + j] - g->of_block[j]);
    return CEPMAN_OK;
}

/* Rows of the scatter matrix: the block's own scatter, and that of its mean about the mean so far. */
static cepman_status add_part(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    cep_gather *g = argument;
    const size_t d = g->d, end = (index + 1) * PIECE < d ? (index + 1) * PIECE : d;
    const double n = (double)g->n, m = (double)g->held, weight = n * m / (n + m);
    for (size_t a = index * PIECE; a < end; a++) {
        const double apart = weight * (g->of_block[a] - g->mean[a]);
        const float *part = g->part + a * d;
        double *to = g->scatter + a * d;
        for (size_t b = 0; b <= a; b++)
            to[b] += (double)part[b] + apart * (g->of_block[b] - g->mean[b]);
    }
    return CEPMAN_OK;
}

cepman_status cep_gather_flush(cep_gather *g, cepman_context *ctx)
{
    if (g->held == 0) return CEPMAN_OK;
    const size_t d = g->d, pieces = (g->held + PIECE - 1) / PIECE, stripes = (d + PIECE - 1) / PIECE;
    cepman_status s = cep_parallel(ctx, NULL, pieces, sum_piece, g);
    if (s) return s;
    for (size_t j = 0; j < d; j++) {
        double sum = 0;
        for (size_t p = 0; p < pieces; p++)
            sum += g->sums[p * d + j];
        g->of_block[j] = sum / (double)g->held;
    }
    s = cep_parallel(ctx, NULL, pieces, centre_piece, g);
    if (s) return s;
    s = cep_parallel(ctx, NULL, stripes, clear_part, g);
    if (s) return s;
    s = cep_linalg_gram_f32(ctx, g->held, d, g->block, d, g->part);
    if (s) return s;
    s = cep_parallel(ctx, NULL, stripes, add_part, g);
    if (s) return s;
    const double n = (double)g->n, m = (double)g->held;
    for (size_t j = 0; j < d; j++)
        g->mean[j] += (g->of_block[j] - g->mean[j]) * (m / (n + m));
    g->n += g->held;
    g->held = 0;
    return CEPMAN_OK;
}

double cep_gather_trace(const cep_gather *g)
{
    double sum = 0;
    for (size_t j = 0; j < g->d; j++)
        sum += g->scatter[j * g->d + j];
    return sum;
}

/* ---- rows in ---- */

typedef struct incoming {
    cep_gather *g;
    const cepman_matrix *matrix; /* or rows of the caller's */
    const float *rows;
    size_t stride, first, count;
} incoming;

static cepman_status take_piece(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    const incoming *in = argument;
    const size_t d = in->g->d, i = index * PIECE, count = in->count - i < PIECE ? in->count - i : PIECE;
    float *to = in->g->block + (in->g->held + i) * d;
    if (in->matrix) {
        cepman_status s = cep_matrix_fetch(in->matrix, fault, in->first + i, count, to, d);
        if (s) return s;
    } else {
        for (size_t r = 0; r < count; r++)
            memcpy(to + r * d, in->rows + (in->first + i + r) * in->stride, d * sizeof *to);
    }
    for (size_t r = 0; r < count; r++)
        if (!cep_pca_row_finite(to + r * d, d))
            return cep_fault_set(fault, CEPMAN_ERR_DATA,
                                 "principal components: row %zu has a value that is not finite",
                                 in->g->n + in->g->held + i + r);
    return CEPMAN_OK;
}

/* Rows in->first .. + total - 1. A failed call leaves what was complete before it. */
static cepman_status take(incoming *in, cepman_context *ctx, size_t total, const char *stage)
{
    cep_gather *g = in->g;
    const size_t end = in->first + total;
    while (in->first < end) {
        in->count = end - in->first < g->rows - g->held ? end - in->first : g->rows - g->held;
        cepman_status s = cep_parallel(ctx, NULL, (in->count + PIECE - 1) / PIECE, take_piece, in);
        if (s) return s;
        in->first += in->count;
        g->held += in->count;
        if (g->held == g->rows && (s = cep_gather_flush(g, ctx))) return s;
        if (stage) cep_progress(ctx, stage, in->first, end);
        if ((s = cep_poll(ctx))) return s;
    }
    return CEPMAN_OK;
}

cepman_status cep_gather_rows(cep_gather *g, cepman_context *ctx, const float *rows, size_t count,
                              size_t stride)
{
    incoming in = {.g = g, .rows = rows, .stride = stride};
    return take(&in, ctx, count, NULL);
}

cepman_status cep_gather_matrix(cep_gather *g, cepman_context *ctx, const cepman_matrix *matrix)
{
    incoming in = {.g = g, .matrix = matrix};
    return take(&in, ctx, cepman_matrix_rows(matrix), "pca");
}
