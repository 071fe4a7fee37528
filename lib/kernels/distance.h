/* Topic distance: dot products and squared Euclidean distances of float32 rows. Part of the door kernels.h.
 */
#ifndef CEP_KERNELS_DISTANCE_H
#define CEP_KERNELS_DISTANCE_H

#include "base.h"

typedef struct cep_distance_kernels {
    /* sum (a[i] - b[i])^2 over n floats, in float32 with a fixed order of the instruction set. */
    float (*squared)(const float *a, const float *b, size_t n);
    /* sum a[i] * b[i] */
    float (*dot)(const float *a, const float *b, size_t n);
    /* dots of 4 rows of a (stride as) with 4 rows of b (stride bs): out[i * 4 + j]. Each value has the same
     * bits wherever it stands in the tile. */
    void (*dot4x4)(const float *a, size_t as, const float *b, size_t bs, size_t n, float out[16]);
    /* sum (a[i] - b[i])^2 and sum a[i] * b[i] in float64. Sixteen partial sums (i modulo 16) added as a tree
     * and no fused operations: the same bits at every CPU level, and for (b, a) as for (a, b). */
    double (*squared_f64)(const float *a, const float *b, size_t n);
    double (*dot_f64)(const float *a, const float *b, size_t n);
    /* The same for four rows a against one b, with the same bits: b is widened once. */
    void (*squared_f64_four)(const float *const a[4], const float *b, size_t n, double out[4]);
    void (*dot_f64_four)(const float *const a[4], const float *b, size_t n, double out[4]);
    /* max |a[i]|: infinite when a value is, NaN when a value is. */
    float (*largest)(const float *a, size_t n);
} cep_distance_kernels;

const cep_distance_kernels *cep_distance_kernels_get(cep_cpu_level level);

extern const cep_distance_kernels cep_distance_generic;
#if defined(__x86_64__)
extern const cep_distance_kernels cep_distance_avx2;
extern const cep_distance_kernels cep_distance_avx512;
#endif

#endif
