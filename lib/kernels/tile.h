/* Topic tile: dot products of many rows with many rows, and the scan that finds the few that matter. Part of
 * the door kernels.h. Rows are packed in panels of 16: panel[k * 16 + r] is column k of row r. */
#ifndef CEP_KERNELS_TILE_H
#define CEP_KERNELS_TILE_H

#include "base.h"

#define CEP_PANEL 16     /* rows of a panel */
#define CEP_TILE_ROWS 8  /* half a panel */
#define CEP_TILE_COLS 48 /* three panels, one after the other */
#define CEP_PROJECT_COLS 32

typedef struct cep_tile_kernels {
    /* out[r * stride + c] = sum over k < depth of a[k * 16 + r] * b_c[k], for 8 rows r and 48 columns c;
     * added to what is there when `add`. a: a panel, or its second half (panel + 8). b: panels at b, b +
     * depth * 16 and b + 2 * depth * 16. Each value is summed in the order of k, whatever its place: the dot
     * of (x, y) has the bits of the dot of (y, x). Both operands 64-byte aligned (a: 32). */
    void (*tile)(const float *a, const float *b, size_t depth, bool add, float *out, size_t stride);
    /* Writes to `found` the c < count (ascending) where (norm + norms[c]) - 2 * dots[c] <= max(limit,
     * limits[c]), and returns how many. found has room for count. */
    size_t (*survivors)(const float *dots, const float *norms, const float *limits, size_t count, float norm,
                        float limit, uint32_t *found);
    /* out[r * stride + c] = sum over k < depth of rows[r][k] * b_c[k], for 8 rows, which need not be packed, and 32
     * columns c of two panels, at b and b + depth * 16. */
    void (*project)(const float *const *rows, const float *b, size_t depth, float *out, size_t stride);
    /* The first place of `index` among the first n of list; n when it is not there. */
    size_t (*find)(const int32_t *list, size_t n, int32_t index);
    /* The m-th smallest of n finite keys, 1 <= m <= n. */
    float (*nth)(const float *keys, size_t n, size_t m);
} cep_tile_kernels;

const cep_tile_kernels *cep_tile_kernels_get(cep_cpu_level level);

extern const cep_tile_kernels cep_tile_generic;
#if defined(__x86_64__)
extern const cep_tile_kernels cep_tile_avx2;
extern const cep_tile_kernels cep_tile_avx512;
#endif

#endif
