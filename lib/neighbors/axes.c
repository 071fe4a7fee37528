/* Principal subspace of a sample of rows, by block power iteration from random directions.
 * Halko, Martinsson and Tropp, SIAM Rev. 53 (2011) 217, algorithm 4.4 with two iterations.
 * Must not: be taken for principal components: no eigenvalues, no order, only the span. */
#include <math.h>
#include <string.h>

#include "forest.h"
#include "linalg.h"

#define SAMPLE_FLOATS ((size_t)6 << 20)
#define SAMPLE_MOST 4096
#define SAMPLE_LEAST 512
#define ITERATIONS 2

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

/* Rows of q (count x d) become an orthonormal basis of their span; room: d * count. */
static cepman_status orthonormalise(cepman_context *ctx, float *q, size_t count, size_t d, double *room)
{
    double largest = 0;
    for (size_t j = 0; j < count * d; j++)
        largest = fabs((double)q[j]) > largest ? fabs((double)q[j]) : largest;
    if (largest == 0) largest = 1;
    for (size_t a = 0; a < count; a++)
        for (size_t j = 0; j < d; j++)
            room[j * count + a] = (double)q[a * d + j] / largest;
    cepman_status s = cep_linalg_orthonormalise(ctx, d, count, room, count);
    for (size_t a = 0; !s && a < count; a++)
        for (size_t j = 0; j < d; j++)
            q[a * d + j] = (float)room[j * count + a];
    return s;
}

static cepman_status iterate(cepman_context *ctx, const float *sample, size_t rows, size_t count, size_t d,
                             float *q, float *products, double *room, uint64_t seed)
{
    for (size_t j = 0; j < count * d; j++)
        q[j] = (float)cep_random_normal(seed, 101, j);
    cepman_status s = orthonormalise(ctx, q, count, d, room);
    for (int round = 0; !s && round < ITERATIONS; round++) {
        cep_linalg_gemm_f32(count, rows, d, 1, q, d, sample, d, true, 0, products, rows);
        cep_linalg_gemm_f32(count, d, rows, 1, products, rows, sample, d, false, 0, q, d);
        s = orthonormalise(ctx, q, count, d, room);
        if (!s) s = cep_poll(ctx);
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
    float *sample = cep_alloc(mem, rows, d * sizeof *sample), *q = cep_alloc(mem, count, d * sizeof *q);
    float *products = cep_alloc(mem, count, rows * sizeof *products);
    double *room = cep_alloc(mem, count + 1, d * sizeof *room);
    cepman_status s;
    if (!a->mean || !a->panels || !sample || !q || !products || !room) {
        s = cep_fail_memory(ctx, "sample for principal axes", rows, d * sizeof *sample);
    } else {
        sample_rows(m, rows, sample, a->mean, room);
        s = iterate(ctx, sample, rows, count, d, q, products, room, seed);
    }
    for (size_t p = 0; !s && p < count; p += CEP_PANEL)
        for (size_t j = 0; j < d; j++)
            for (size_t r = 0; r < CEP_PANEL; r++)
                a->panels[(p * d) + j * CEP_PANEL + r] = q[(p + r) * d + j];
    cep_free(mem, room);
    cep_free(mem, products);
    cep_free(mem, q);
    cep_free(mem, sample);
    if (s) cep_axes_close(a);
    return s;
}

void cep_axes_close(cep_axes *a)
{
    cep_free(a->mem, a->mean);
    cep_free(a->mem, a->panels);
    a->mean = a->panels = NULL;
}
