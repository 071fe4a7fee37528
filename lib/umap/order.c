/* An order of points in which those that lie together are numbered together.
 * Morton 1966, "A computer oriented geodetic data base": the bits of up to three coordinates interleaved, sorted by
 * counting.
 * Must not: depend on anything but the coordinates and, where they tie, the index. */
#include <math.h>
#include <string.h>

#include "umap.h"

#define BITS 10 /* of a coordinate */
#define DIGIT 1024

/* Spreads ten bits, two zeros between any two. */
static uint32_t spread(uint32_t x)
{
    x = (x | x << 16) & 0x030000ffu;
    x = (x | x << 8) & 0x0300f00fu;
    x = (x | x << 4) & 0x030c30c3u;
    return (x | x << 2) & 0x09249249u;
}

/* to: `from` sorted by a digit of their keys, equal ones as they were. */
static void sort_digit(const uint32_t *keys, unsigned shift, const uint32_t *from, uint32_t *to, size_t n)
{
    size_t starts[DIGIT + 1] = {0};
    for (size_t i = 0; i < n; i++)
        starts[(keys[i] >> shift & (DIGIT - 1)) + 1]++;
    for (size_t d = 0; d < DIGIT; d++)
        starts[d + 1] += starts[d];
    for (size_t i = 0; i < n; i++)
        to[starts[keys[from[i]] >> shift & (DIGIT - 1)]++] = from[i];
}

cepman_status cep_umap_order(cepman_context *ctx, const float *rows, size_t n, size_t dims, uint32_t *order)
{
    cep_memory *mem = cep_context_memory(ctx);
    uint32_t *keys = cep_alloc_zero(mem, n, sizeof *keys), *other = cep_alloc(mem, n, sizeof *other);
    cepman_status s = CEPMAN_OK;
    if (!keys || !other) {
        s = cep_fail_memory(ctx, "layout", n, 2 * sizeof *keys);
        goto end;
    }
    for (size_t j = 0; j < dims && j < 3; j++) {
        float low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            low = fminf(low, rows[i * dims + j]);
            high = fmaxf(high, rows[i * dims + j]);
        }
        const float scale = high > low ? (float)((1 << BITS) - 1) / (high - low) : 0;
        for (size_t i = 0; i < n; i++)
            keys[i] |= spread((uint32_t)((rows[i * dims + j] - low) * scale)) << j;
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    sort_digit(keys, 0, order, other, n);
    sort_digit(keys, BITS, other, order, n);
    sort_digit(keys, 2 * BITS, order, other, n);
    memcpy(order, other, n * sizeof *order);
end:
    cep_free(mem, other);
    cep_free(mem, keys);
    return s;
}
