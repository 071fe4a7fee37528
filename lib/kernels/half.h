/* Topic half: float32 to IEEE 754 binary16 and back. Part of the door kernels.h. All forms agree bit for bit and follow
 * cep_half_of() and cep_half_value() of base.h. */
#ifndef CEP_KERNELS_HALF_H
#define CEP_KERNELS_HALF_H

#include "base.h"

typedef struct cep_half_kernels {
    /* Rounds to the nearest, ties to even. True when a finite number was too large (|x| >= 65520) and became infinite. */
    bool (*shorten)(const float *x, uint16_t *out, size_t n);
    /* Exact. */
    void (*widen)(const uint16_t *x, float *out, size_t n);
} cep_half_kernels;

const cep_half_kernels *cep_half_kernels_get(cep_cpu_level level);

extern const cep_half_kernels cep_half_generic;
#if defined(__x86_64__)
extern const cep_half_kernels cep_half_avx2;
extern const cep_half_kernels cep_half_avx512;
#endif

#endif
