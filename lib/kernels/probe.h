/* Topic probe: rows of float32 against a few double vectors, for tests of eigenpairs. Part of the door kernels.h. All
 * forms agree bit for bit: eight sums, added as a tree, no fused products. */
#ifndef CEP_KERNELS_PROBE_H
#define CEP_KERNELS_PROBE_H

#include "base.h"

#define CEP_PROBES 4

typedef struct cep_probe_kernels {
    /* With x = row - mean, n numbers: for each of the CEP_PROBES vectors w_k (n apart), y_k += (x . w_k) x. */
    void (*apply)(const float *row, const double *mean, const double *w, size_t n, double *y);
} cep_probe_kernels;

const cep_probe_kernels *cep_probe_kernels_get(cep_cpu_level level);

extern const cep_probe_kernels cep_probe_generic;
#if defined(__x86_64__)
extern const cep_probe_kernels cep_probe_avx2;
extern const cep_probe_kernels cep_probe_avx512;
#endif

#endif
