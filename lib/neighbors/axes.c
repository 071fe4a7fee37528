/* Principal subspace of a sample of rows, by block power iteration from random directions.
 * Halko, Martinsson and Tropp, SIAM Rev. 53 (2011) 217, algorithm 4.4 with two iterations.
 * Must not: be taken for principal components (no eigenvalues, no order, only the span), or use a BLAS, whose bits
 * depend on its own number of threads. */
#include <math.h>
#include <string.h>

#include "forest.h"

#define SAMPLE_FLOATS ((size_t)3 << 20)
#define SAMPLE_MOST 4096
#define SAMPLE_LEAST 512
#define ITERATIONS 2
#define TASK_ROWS 64
#define DEPENDENT 1e-10 /* share of a squared length below which a direction is a sum of others */

double cep_axes_factor(const cep_measure *m, size_t row)
{
    return !m->cosine || m->norms[row] == 0 ? 1 : 1 / sqrt(m->norms[row]);
}

/* count * d strided rows of the matrix, scaled, less their mean. */
static void sample_rows(const cep_measure *m, size_t count, float *sample, float *mean, double *sums)
{
    size_t d = m->columns;
    memset(sums, 0, d * sizeof *sums);
    for (size_t s = 0; s < count; s++) {
        size_t i = (size_t)((cep_u128)s * m->rows / count);
        const float *x = cepman_matrix_row(m->matrix, i);
        double factor = cep_axes_factor(m, i);
        for (size_t j = 0; j < d; j++) {
            double v = (double)x[j] * factor;
            sample[s * d + j] = (float)v;
            sums[j] += v;
        }
    }
    for (size_t j = 0; j < d; j++)
        mean[j] = (float)(sums[j] / (double)count);
    for (size_t s = 0; s < count; s++)
        for (size_t j = 0; j < d; j++)
            sample[s * d + j] -= mean[j];
}

typedef struct iteration {
    const cep_measure *m;
    const cep_tile_kernels *tile;
    size_t rows, count, d;
    float *sample;   /* rows x d */
    float *columns;  /* the same in panels of 16 columns, padded to 32 */
    float *q;        /* count x d: the axes */
    float *panels;   /* the same in panels of 16 axes */
    float *products; /* count x rows */
    double *gram;    /* count x count */
} iteration;

/* Products of the axes with a few rows of the sample. */
static cepman_status multiply_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    iteration *t = argument;
    float out[CEP_TILE_ROWS * CEP_PROJECT_COLS];
    const float *rows[CEP_TILE_ROWS];
    (void)worker;
    (void)fault;
    for (size_t i = index * TASK_ROWS; i < (index + 1) * TASK_ROWS && i < t->rows; i += CEP_TILE_ROWS) {
        for (size_t r = 0; r < CEP_TILE_ROWS; r++)
            rows[r] = t->sample + (i + r < t->rows ? i + r : t->rows - 1) * t->d;
        for (size_t a = 0; a < t->count; a += CEP_PROJECT_COLS) {
            t->tile->project(rows, t->panels + a * t->d, t->d, out, CEP_PROJECT_COLS);
            for (size_t r = 0; r < CEP_TILE_ROWS && i + r < t->rows; r++)
                for (size_t c = 0; c < CEP_PROJECT_COLS; c++)
                    t->products[(a + c) * t->rows + i + r] = out[r * CEP_PROJECT_COLS + c];
        }
    }
    return CEPMAN_OK;
}

/* New axes, 32 columns of them: sums of the sample's rows weighted by the products. */
static cepman_status multiply_columns(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    iteration *t = argument;
    float out[CEP_TILE_ROWS * CEP_PROJECT_COLS];
    const float *rows[CEP_TILE_ROWS];
    size_t first = index * CEP_PROJECT_COLS;
    (void)worker;
    (void)fault;
    for (size_t a = 0; a < t->count; a += CEP_TILE_ROWS) {
        for (size_t r = 0; r < CEP_TILE_ROWS; r++)
            rows[r] = t->products + (a + r) * t->rows;
        t->tile->project(rows, t->columns + first * t->rows, t->rows, out, CEP_PROJECT_COLS);
        for (size_t r = 0; r < CEP_TILE_ROWS; r++)
            for (size_t c = 0; c < CEP_PROJECT_COLS && first + c < t->d; c++)
                t->q[(a + r) * t->d + first + c] = out[r * CEP_PROJECT_COLS + c];
    }
    return CEPMAN_OK;
}

/* The axes become orthonormal by Cholesky's factor of their Gram matrix; those that depend on others become zero. */
static void orthonormalise(iteration *t)
{
    size_t n = t->count, d = t->d;
    double *g = t->gram;
    float largest = 0;
    for (size_t j = 0; j < n * d; j++)
        largest = fabsf(t->q[j]) > largest ? fabsf(t->q[j]) : largest;
    for (size_t j = 0; largest > 0 && j < n * d; j++)
        t->q[j] /= largest;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            g[i * n + j] = t->m->kernels->dot_f64(t->q + i * d, t->q + j * d, d);
    for (size_t i = 0; i < n; i++) {
        double length = g[i * n + i];
        for (size_t j = 0; j <= i; j++) {
            double sum = g[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= g[i * n + k] * g[j * n + k];
            if (j < i)
                g[i * n + j] = g[j * n + j] > 0 ? sum / g[j * n + j] : 0;
            else
                g[i * n + i] = sum > DEPENDENT * length ? sqrt(sum) : 0;
        }
        float *x = t->q + i * d;
        for (size_t k = 0; k < i; k++) {
            const float *y = t->q + k * d;
            float factor = (float)g[i * n + k];
            for (size_t j = 0; j < d; j++)
                x[j] -= factor * y[j];
        }
        float scale = g[i * n + i] > 0 ? (float)(1 / g[i * n + i]) : 0;
        for (size_t j = 0; j < d; j++)
            x[j] *= scale;
    }
}

static void pack_axes(iteration *t)
{
    for (size_t a = 0; a < t->count; a++)
        for (size_t j = 0; j < t->d; j++)
            t->panels[a / CEP_PANEL * CEP_PANEL * t->d + j * CEP_PANEL + a % CEP_PANEL] = t->q[a * t->d + j];
}

static cepman_status iterate(cepman_context *ctx, iteration *t, uint64_t seed)
{
    size_t pairs = (t->d + CEP_PROJECT_COLS - 1) / CEP_PROJECT_COLS;
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < pairs * CEP_PROJECT_COLS; j++)
            t->columns[j / CEP_PANEL * CEP_PANEL * t->rows + i * CEP_PANEL + j % CEP_PANEL] =
                j < t->d ? t->sample[i * t->d + j] : 0;
    for (size_t j = 0; j < t->count * t->d; j++)
        t->q[j] = (float)cep_random_normal(seed, 101, j);
    cepman_status s = cep_poll(ctx);
    for (int round = 0; !s && round <= ITERATIONS; round++) {
        orthonormalise(t);
        orthonormalise(t); /* what rounding left of the first time */
        pack_axes(t);
        if (round == ITERATIONS) break;
        s = cep_parallel(ctx, NULL, (t->rows + TASK_ROWS - 1) / TASK_ROWS, multiply_rows, t);
        if (!s) s = cep_parallel(ctx, NULL, pairs, multiply_columns, t);
    }
    return s;
}

cepman_status cep_axes_open(cep_axes *a, cepman_context *ctx, const cep_measure *m, size_t count,
                            uint64_t seed)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t d = m->columns, rows = SAMPLE_FLOATS / d;
    rows = rows > SAMPLE_MOST ? SAMPLE_MOST : rows < SAMPLE_LEAST ? SAMPLE_LEAST : rows;
    rows = rows > m->rows ? m->rows : rows;
    memset(a, 0, sizeof *a);
    a->mem = mem;
    a->columns = d;
    a->count = count;
    a->mean = cep_alloc(mem, d, sizeof *a->mean);
    a->panels = cep_alloc(mem, d, count * sizeof *a->panels);
    iteration t = {
        .m = m, .tile = cep_tile_kernels_get(cep_context_cpu(ctx)), .rows = rows, .count = count, .d = d};
    t.panels = a->panels;
    t.sample = cep_alloc(mem, rows, d * sizeof *t.sample);
    t.columns = cep_alloc(mem, rows, (d + CEP_PROJECT_COLS) * sizeof *t.columns);
    t.q = cep_alloc(mem, count, d * sizeof *t.q);
    t.products = cep_alloc(mem, count, rows * sizeof *t.products);
    t.gram = cep_alloc(mem, count, count * sizeof *t.gram);
    double *sums = cep_alloc(mem, d, sizeof *sums);
    cepman_status s;
    if (!a->mean || !a->panels || !t.sample || !t.columns || !t.q || !t.products || !t.gram || !sums) {
        s = cep_fail_memory(ctx, "sample for principal axes", rows, 2 * d * sizeof *t.sample);
    } else {
        sample_rows(m, rows, t.sample, a->mean, sums);
        s = iterate(ctx, &t, seed);
    }
    cep_free(mem, sums);
    cep_free(mem, t.gram);
    cep_free(mem, t.products);
    cep_free(mem, t.q);
    cep_free(mem, t.columns);
    cep_free(mem, t.sample);
    if (s) cep_axes_close(a);
    return s;
}

void cep_axes_close(cep_axes *a)
{
    cep_free(a->mem, a->mean);
    cep_free(a->mem, a->panels);
    a->mean = a->panels = NULL;
}
