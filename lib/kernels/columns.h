/* Topic columns: Fourier transforms of sixteen columns at a time, a column per vector lane. Part of the door
 * kernels.h. All forms agree bit for bit: the arithmetic of a column is the same in any lane, and never fused. */
#ifndef CEP_KERNELS_COLUMNS_H
#define CEP_KERNELS_COLUMNS_H

#include "base.h"

/* A strip holds sixteen complex columns: row k is 16 real parts, then 16 imaginary parts. */
#define CEP_STRIP 16
#define CEP_STRIP_ROW (2 * CEP_STRIP)
#define CEP_COLUMNS_STAGES 16

/* One stage of a decimation in frequency: blocks of radix * span rows. twiddles: span x (radix - 1) pairs (re, im),
 * exp(-2 pi i j q / (radix * span)) for j = 0 .. span-1, q = 1 .. radix-1. radix: 2, 3, 4, 5 or 8. */
typedef struct cep_columns_stage {
    size_t radix, span;
    const float *twiddles;
} cep_columns_stage;

/* A transform of n rows; product of the radices = n. Output k ends in row position[k] of the strip. */
typedef struct cep_columns_plan {
    size_t n, count;
    cep_columns_stage stages[CEP_COLUMNS_STAGES];
    const uint32_t *position;
} cep_columns_plan;

typedef struct cep_columns_kernels {
    /* Forward transform of the sixteen columns whose real and imaginary parts, less shift, lie at re and im, rows
     * `stride` floats apart, into strip (n rows). In place when re = strip, im = strip + 16, stride = 32. */
    void (*transform)(const cep_columns_plan *plan, const float *re, const float *im, size_t stride,
                      float shift, float *strip);
    /* strip: transforms of columns a + i b, with a and b real. Writes twice the transforms of the 16 a and the 16 b,
     * outputs k = first .. first+15 (modulo n), turned so that a column's outputs lie side by side: row c of a
     * (32 floats: 16 real parts, 16 imaginary parts) belongs to column c. Only the first na and nb rows are written. */
    void (*separate)(const cep_columns_plan *plan, const float *strip, size_t first, float *a, size_t na,
                     float *b, size_t nb);
    /* out[i * stride + lane] = factor * |z| or factor * |z|^2 of rows[i] of the strip. */
    void (*magnitude)(const float *strip, const uint32_t *rows, size_t count, float factor, bool power,
                      float *out, size_t stride);
} cep_columns_kernels;

const cep_columns_kernels *cep_columns_kernels_get(cep_cpu_level level);

extern const cep_columns_kernels cep_columns_generic;
#if defined(__x86_64__)
extern const cep_columns_kernels cep_columns_avx2;
extern const cep_columns_kernels cep_columns_avx512;
#endif

#endif
