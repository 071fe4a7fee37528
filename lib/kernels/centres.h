/* Topic centres: points against a few centres, for K-means. Part of the door kernels.h.
 * Points of few features lie in blocks of 16: block b holds feature j of its points at soa[(b * d + j) * 16].
 */
#ifndef CEP_KERNELS_CENTRES_H
#define CEP_KERNELS_CENTRES_H

#include "base.h"

#define CEP_CENTRES_BLOCK 16

typedef struct cep_centres_kernels {
    /* Labels of some blocks: the nearest of k centres (k x d, k < 2^24), of equal distances the lower number.
     * Bit i of changed[b] says that point i of block b has another label in `previous`, bit i of unsure[b]
     * that the second centre is within best * (1 + slack) + 1e-37. */
    void (*assign)(const float *soa, size_t blocks, size_t d, const float *centres, size_t k, float slack,
                   const int32_t *previous, int32_t *labels, uint16_t *changed, uint16_t *unsure);
    /* closest = min(closest, squared distance to one centre); returns the sum of closest * weight. weights
     * may be NULL. Padding points have closest 0. */
    double (*approach)(const float *soa, size_t blocks, size_t d, const float *centre, const float *weights,
                       float *closest);
    /* sums[t] = sum of min(closest, squared distance to centre t) * weight. */
    void (*potential)(const float *soa, size_t blocks, size_t d, const float *centres, size_t count,
                      const float *weights, const float *closest, double *sums);
    /* out[r * count + c] = row r . centre c for four rows of d floats; centres are `stride` floats apart. */
    void (*dots)(const float *const rows[4], const float *centres, size_t stride, size_t count, size_t d,
                 float *out);
    /* out[r] = squared distance of row r to x, for four rows of d floats; relative error below (d / 16 + 8) * 2^-24. */
    void (*squared)(const float *const rows[4], const float *x, size_t d, float out[4]);
    /* sums += x and sums -= x, of n numbers. */
    void (*add)(double *sums, const float *x, size_t n);
    void (*subtract)(double *sums, const float *x, size_t n);
    /* sums += x - origin; returns the sum of the squares of x - origin. */
    double (*spread)(double *sums, const float *x, const float *origin, size_t n);
} cep_centres_kernels;

const cep_centres_kernels *cep_centres_kernels_get(cep_cpu_level level);

extern const cep_centres_kernels cep_centres_generic;
#if defined(__x86_64__)
extern const cep_centres_kernels cep_centres_avx2;
extern const cep_centres_kernels cep_centres_avx512;
#endif

#endif
