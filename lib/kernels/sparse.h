/* Topic sparse: a sparse matrix times panels of sixteen columns, and small dense products of panels.
 * A panel is n rows of 16 float32, 64-byte aligned. Part of the door kernels.h. */
#ifndef CEP_KERNELS_SPARSE_H
#define CEP_KERNELS_SPARSE_H

#include "base.h"

#define CEP_PANEL 16

typedef struct cep_sparse_kernels {
    /* Rows first .. last-1 of y = alpha * A x + beta * x + gamma * z. A in compressed rows; z may be NULL. */
    void (*product)(size_t first, size_t last, const size_t *starts, const int32_t *columns,
                    const float *values, const float *x, const float *z, float *y, float alpha, float beta,
                    float gamma);
    /* g (16 x 16, row i: column i of x) += x' y over rows first .. last-1: float32 over 256 rows, then float64. */
    void (*gram)(size_t first, size_t last, const float *x, const float *y, double *g);
    /* Rows first .. last-1 of y = x T, or y += x T. T: 16 x 16. */
    void (*rotate)(size_t first, size_t last, const float *x, const float *t, float *y, bool add);
} cep_sparse_kernels;

const cep_sparse_kernels *cep_sparse_kernels_get(cep_cpu_level level);

extern const cep_sparse_kernels cep_sparse_generic;
#if defined(__x86_64__)
extern const cep_sparse_kernels cep_sparse_avx2;
extern const cep_sparse_kernels cep_sparse_avx512;
#endif

#endif
