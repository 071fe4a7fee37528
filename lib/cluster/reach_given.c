/* Core distances and Prim's tree over a table of distances that the caller has.
 * One pass over a row of the table per point that joins (Prim 1957).
 * Must not: copy the table. */
#include <math.h>

#include "linkage.h"

static void lower_keys(const double *row, size_t n, size_t current, double alpha, const double *core,
                       double *key, uint32_t *from)
{
    for (size_t j = 0; j < n; j++) {
        double w = row[j] / alpha;
        if (core[j] > w) w = core[j];
        if (core[current] > w) w = core[current];
        if (key[j] >= 0 && w < key[j]) {
            key[j] = w;
            from[j] = (uint32_t)current;
        }
    }
}

cepman_status cep_reach_given(cepman_context *ctx, const double *distances, size_t n, size_t stride,
                              size_t samples, double alpha, double *core, cep_edge *edges)
{
    cep_memory *mem = cep_context_memory(ctx);
    double *key = cep_alloc(mem, n, sizeof *key);
    uint32_t *from = cep_alloc_zero(mem, n, sizeof *from);
    cepman_status s =
        key && from ? CEPMAN_OK : cep_fail_memory(ctx, "spanning tree", n, sizeof *key + sizeof *from);
    for (size_t i = 0; !s && i < n; i++) {
        size_t m = 0;
        for (size_t j = 0; j < n; j++)
            if (j != i) key[m++] = distances[i * stride + j];
        core[i] = cep_select_f64(key, m, samples - 1);
        if (i % 64 == 0) s = cep_poll(ctx);
    }
    for (size_t j = 0; !s && j < n; j++)
        key[j] = (double)INFINITY;
    size_t current = 0;
    for (size_t e = 0; !s && e + 1 < n; e++) {
        key[current] = -1;
        lower_keys(distances + current * stride, n, current, alpha, core, key, from);
        size_t best = SIZE_MAX;
        for (size_t j = 0; j < n; j++)
            if (key[j] >= 0 && (best == SIZE_MAX || key[j] < key[best])) best = j;
        edges[e] = (cep_edge){key[best], from[best], (uint32_t)best};
        current = best;
        if (e % 64 == 0) {
            cep_progress(ctx, "hdbscan tree", e, n - 1);
            s = cep_poll(ctx);
        }
    }
    cep_free(mem, key);
    cep_free(mem, from);
    return s;
}
