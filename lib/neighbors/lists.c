/* The candidates of each row: the nearest met so far, by estimated distance.
 * Lists grow to their capacity and are cut back to the best by selection (Hoare, Commun. ACM 4 (1961) 321).
 * Must not: be shared by two tasks, row by row, or hold an index twice. */
#include <math.h>
#include <string.h>

#include "forest.h"

cepman_status cep_lists_open(cep_lists *l, cepman_context *ctx, size_t rows, size_t most)
{
    memset(l, 0, sizeof *l);
    l->mem = cep_context_memory(ctx);
    l->rows = rows;
    l->most = most;
    l->capacity = most + most / 2 + 16;
    l->contains = cep_tile_kernels_get(cep_context_cpu(ctx))->contains;
    l->keys = cep_alloc(l->mem, rows, l->capacity * sizeof *l->keys);
    l->indices = cep_alloc(l->mem, rows, l->capacity * sizeof *l->indices);
    l->counts = cep_alloc_zero(l->mem, rows, sizeof *l->counts);
    l->limits = cep_alloc(l->mem, rows, sizeof *l->limits);
    if (!l->keys || !l->indices || !l->counts || !l->limits) {
        cep_lists_close(l);
        return cep_fail_memory(ctx, "candidate lists", rows,
                               l->capacity * (sizeof *l->keys + sizeof *l->indices));
    }
    for (size_t i = 0; i < rows; i++)
        l->limits[i] = INFINITY;
    return CEPMAN_OK;
}

void cep_lists_close(cep_lists *l)
{
    cep_free(l->mem, l->keys);
    cep_free(l->mem, l->indices);
    cep_free(l->mem, l->counts);
    cep_free(l->mem, l->limits);
    l->keys = l->limits = NULL;
    l->indices = NULL;
    l->counts = NULL;
}

void cep_lists_front(cep_lists *l, size_t i, size_t count)
{
    float *k = l->keys + i * l->capacity;
    int32_t *x = l->indices + i * l->capacity;
    ptrdiff_t low = 0, high = (ptrdiff_t)l->counts[i] - 1, want = (ptrdiff_t)count - 1;
    if (count >= l->counts[i]) return;
    while (low < high) {
        float pivot = k[low + (high - low) / 2];
        ptrdiff_t a = low, b = high;
        while (a <= b) {
            while (k[a] < pivot)
                a++;
            while (pivot < k[b])
                b--;
            if (a > b) break;
            float key = k[a];
            int32_t index = x[a];
            k[a] = k[b];
            x[a++] = x[b];
            k[b] = key;
            x[b--] = index;
        }
        if (want <= b)
            high = b;
        else if (want >= a)
            low = a;
        else
            return;
    }
}

void cep_lists_shrink(cep_lists *l, size_t i)
{
    if (l->counts[i] < l->most) return;
    cep_lists_front(l, i, l->most);
    l->counts[i] = (uint32_t)l->most;
    const float *k = l->keys + i * l->capacity;
    float worst = k[0];
    for (size_t c = 1; c < l->most; c++)
        worst = k[c] > worst ? k[c] : worst;
    l->limits[i] = worst;
}
