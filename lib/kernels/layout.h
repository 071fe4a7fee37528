/* Topic layout: attraction and repulsion of a UMAP embedding, many edges at a time. Part of the door kernels.h. */
#ifndef CEP_KERNELS_LAYOUT_H
#define CEP_KERNELS_LAYOUT_H

#include "base.h"

/* Rates are fractions of this: an edge of this rate acts in every epoch. */
#define CEP_LAYOUT_ALWAYS 0x80000000u
/* dims rounded up to a multiple of 4 */
#define CEP_LAYOUT_STRIDE(dims) (((dims) + 3) / 4 * 4)

/* One epoch of the layout. Rows of points are CEP_LAYOUT_STRIDE(dims) floats apart, dims 1 to 64.
 * An edge of rate p acts in epoch e when e * p passes a multiple of CEP_LAYOUT_ALWAYS. Its random numbers hang on
 * its number and the salt. */
typedef struct cep_layout_epoch {
    unsigned dims;
    float *points;                         /* rows that move */
    const float *sampled;                  /* rows that negative samples are drawn from */
    size_t count;                          /* of sampled rows */
    const uint32_t *heads, *tails, *rates; /* edges */
    uint32_t salt;                         /* of the seed and the epoch */
    uint32_t epoch;
    unsigned negatives; /* samples at each end of an edge that acts */
    float a, b;         /* 1 / (1 + a d^(2b)) */
    float push;         /* repulsion strength */
    float step;         /* learning rate of this epoch */
} cep_layout_epoch;

/* Points that move among others that stay: each is pulled to its own partner, then pushed from all samples. */
#define CEP_LAYOUT_LANES 16
typedef struct cep_layout_visit {
    unsigned dims;
    size_t count;          /* points, a multiple of CEP_LAYOUT_LANES */
    float *points;         /* dims rows of count coordinates */
    const float *partners; /* the same */
    const float *steps;    /* count learning rates; where 0 the point keeps its bits, if none of them is -0 */
    const float *samples;  /* rows of dims, finite */
    size_t sampled;
    float a, b, push; /* as above */
} cep_layout_visit;

typedef struct cep_layout_kernels {
    /* Edges first .. last-1, no two of which share a point. Those that act pull both ends together and push the head
     * from its samples, then the same with the tail as head, as the two directions of an edge do one by one. */
    void (*meet)(const cep_layout_epoch *epoch, size_t first, size_t last);
    /* A point's result depends on its own numbers alone, and has the same bits at every CPU level. */
    void (*visit)(const cep_layout_visit *visit);
} cep_layout_kernels;

const cep_layout_kernels *cep_layout_kernels_get(cep_cpu_level level);

extern const cep_layout_kernels cep_layout_generic;
#if defined(__x86_64__)
extern const cep_layout_kernels cep_layout_avx2;
extern const cep_layout_kernels cep_layout_avx512;
#endif

#endif
