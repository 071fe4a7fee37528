/* Topic layout: attraction and repulsion of a UMAP embedding, sixteen points at a time. Part of the door kernels.h. */
#ifndef CEP_KERNELS_LAYOUT_H
#define CEP_KERNELS_LAYOUT_H

#include "base.h"

/* Points that move are held in slices of this many, whatever the instruction set. */
#define CEP_LAYOUT_SLICE 16
/* Rates are fractions of this: an edge of this rate acts in every epoch. */
#define CEP_LAYOUT_ALWAYS 0x80000000u

/* One epoch over points that move, against positions that stay. Rows of positions are `stride` floats apart: dims
 * rounded up to a multiple of 4, the padding zero. Slot s of a slice holds edge number s of each of its points:
 * columns[s * 16 + lane], a row of `others`, and rates[s * 16 + lane], 0 for none.
 * An edge of rate p acts in epoch e when e * p passes a multiple of CEP_LAYOUT_ALWAYS. */
typedef struct cep_layout_epoch {
    unsigned dims;
    size_t stride;
    const float *own;    /* points that move: slices * 16 rows */
    float *fresh;        /* their new positions, the same shape */
    const float *others; /* count rows */
    size_t count;
    const size_t *starts;    /* slices + 1 slot numbers */
    const uint32_t *columns; /* index of the other point */
    const uint32_t *rates;
    const uint32_t *keys; /* one a point: what its random numbers hang on */
    uint32_t salt;        /* of the seed and the epoch */
    uint32_t epoch;
    unsigned negatives; /* samples for each edge that acts */
    int both;   /* own and others are the same points: both ends of an edge move, and no point is its own
                            * sample; else the others stay for good */
    float a, b; /* 1 / (1 + a d^(2b)) */
    float push; /* repulsion strength */
    float step; /* learning rate of this epoch */
} cep_layout_epoch;

typedef struct cep_layout_kernels {
    /* Moves the points of one slice: own rows into fresh rows. scratch: 16 numbers for each slot of the longest
     * slice, and 16 more. */
    void (*move)(const cep_layout_epoch *epoch, size_t slice, uint32_t *scratch);
} cep_layout_kernels;

const cep_layout_kernels *cep_layout_kernels_get(cep_cpu_level level);

extern const cep_layout_kernels cep_layout_generic;
#if defined(__x86_64__)
extern const cep_layout_kernels cep_layout_avx2;
extern const cep_layout_kernels cep_layout_avx512;
#endif

#endif
