/* The candidates of each row: the nearest met so far, by estimated distance.
 * Lists grow to their capacity and are cut back to the best.
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
    l->capacity = cep_lists_capacity(most);
    l->tile = cep_tile_kernels_get(cep_context_cpu(ctx));
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

/* Copies the `count` nearest of a row's, in the order of the list, which may be where they go. Of those that tie for
 * the last place the first are taken. Returns the largest key. No branch depends on a key. */
static float pick(const cep_lists *l, size_t i, size_t count, float *keys, int32_t *indices)
{
    const float *k = l->keys + i * l->capacity;
    const int32_t *x = l->indices + i * l->capacity;
    float edge = l->tile->nth(k, l->counts[i], count);
    size_t ties = count, used = 0;
    for (size_t c = 0; c < l->counts[i]; c++)
        ties -= k[c] < edge;
    for (size_t c = 0; used < count; c++) {
        bool tie = !(k[c] < edge) & (k[c] <= edge) & (ties > 0), in = (k[c] < edge) | tie;
        keys[used] = k[c];
        indices[used] = x[c];
        used += in;
        ties -= tie;
    }
    return edge;
}

size_t cep_lists_nearest(const cep_lists *l, size_t i, size_t count, float *keys, int32_t *indices)
{
    if (count > l->counts[i]) count = l->counts[i];
    if (count > 0) pick(l, i, count, keys, indices);
    return count;
}

void cep_lists_shrink(cep_lists *l, size_t i)
{
    if (l->counts[i] < l->most) return;
    l->limits[i] = pick(l, i, l->most, l->keys + i * l->capacity, l->indices + i * l->capacity);
    l->counts[i] = (uint32_t)l->most;
}
