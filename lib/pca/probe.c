/* Are these eigenpairs of X'X? A few random combinations of the pairs tell in one pass over the data: with
 * w = sum of +-v_j / lambda_j the product w X'X is sum of +-v_j, but for the relative residuals of all pairs together.
 * After Freivalds' check of products (1977). Must not: be taken for a proof that pairs are bad. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "internal.h"
#include "kernels.h"

typedef struct pass {
    const cep_pca_data *x;
    const cep_probe_kernels *kernels;
    const double *w;
    size_t chunk;
    double *parts; /* chunks x CEP_PROBES x d */
} pass;

static cepman_status probe_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    const pass *p = argument;
    const size_t d = p->x->d, first = index * p->chunk;
    const size_t end = p->x->n - first < p->chunk ? p->x->n : first + p->chunk;
    double *y = p->parts + index * CEP_PROBES * d;
    memset(y, 0, CEP_PROBES * d * sizeof *y);
    for (size_t i = first; i < end; i++) {
        const float *row = cep_pca_row(p->x, fault, worker, i);
        if (!row) return fault->status;
        p->kernels->apply(row, p->x->mean, p->w, d, y);
    }
    return CEPMAN_OK;
}

/* w and what its product with X'X must be. */
static void combine(const cep_pca_data *x, size_t count, const double *v, const double *values, double *w,
                    double *expected)
{
    const size_t d = x->d;
    memset(w, 0, CEP_PROBES * d * sizeof *w);
    memset(expected, 0, CEP_PROBES * d * sizeof *expected);
    for (size_t k = 0; k < CEP_PROBES; k++)
        for (size_t j = 0; j < count; j++) {
            const double sign = cep_random64(2, k, j) & 1 ? 1 : -1;
            for (size_t c = 0; c < d; c++) {
                w[k * d + c] += sign / values[j] * v[j * d + c];
                expected[k * d + c] += sign * v[j * d + c];
            }
        }
}

cepman_status cep_pca_probe(const cep_pca_data *x, size_t count, const double *v, const double *values,
                            bool *good)
{
    const double tolerance = 3e-5;
    const size_t d = x->d, size = CEP_PROBES * d;
    *good = false;
    for (size_t j = 0; j < count; j++)
        if (!(values[j] > 1e-10 * x->squares)) return CEPMAN_OK;
    pass p = {.x = x, .kernels = cep_probe_kernels_get(cep_context_cpu(x->ctx))};
    p.chunk = ((size_t)1 << 22) / d + 1; /* some ten milliseconds */
    const size_t chunks = (x->n + p.chunk - 1) / p.chunk;
    double *w = cep_alloc(x->mem, size, sizeof *w), *expected = cep_alloc(x->mem, size, sizeof *expected);
    p.parts = cep_alloc(x->mem, chunks, size * sizeof *p.parts);
    cepman_status s = CEPMAN_OK;
    if (!w || !expected || !p.parts) {
        s = cep_fail_memory(x->ctx, "test of residuals", chunks, size * sizeof *p.parts);
    } else {
        combine(x, count, v, values, w, expected);
        p.w = w;
        s = cep_parallel(x->ctx, NULL, chunks, probe_chunk, &p);
    }
    if (!s) {
        double sum = 0;
        for (size_t c = 0; c < size; c++) {
            double y = 0;
            for (size_t i = 0; i < chunks; i++)
                y += p.parts[i * size + c];
            sum += (y - expected[c]) * (y - expected[c]);
        }
        *good = sqrt(sum / CEP_PROBES) <= tolerance;
    }
    cep_free(x->mem, w);
    cep_free(x->mem, expected);
    cep_free(x->mem, p.parts);
    return s;
}
