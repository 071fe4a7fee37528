/* Topic reach: points in blocks of 16 (feature j of block b at soa[(b * d + j) * 16]) against blocks and boxes, for
 * nearest neighbours and spanning trees in few dimensions. Part of the door kernels.h.
 * Float distances are filters; their relative error is below (d + 4) * 2^-24. */
#ifndef CEP_KERNELS_REACH_H
#define CEP_KERNELS_REACH_H

#include "base.h"

#define CEP_REACH_BLOCK 16
/* k-th smallest numbers are found in registers for k below this. */
#define CEP_REACH_SMALL 16

/* Leaves that may hold neighbours: low[j][t], high[j][t] at boxes + j * stride + t and boxes + (d + j) * stride + t.
 * stride is a multiple of 16; boxes past count, up to a multiple of 16, are far away (all infinite). */
typedef struct cep_reach_list {
    const float *boxes;
    size_t stride, count;
    const int32_t *block;
} cep_reach_list;

/* A search for the lightest edge that leaves a component, from some points of one block. w^2 = max(core_a^2,
 * core_b^2, d^2 / alpha^2). */
typedef struct cep_reach_search {
    const float *soa;
    size_t d;
    const float *core_low; /* squared, rounded down */
    const double *core;    /* squared */
    const int32_t *component;
    double alpha_square;
    float shrink; /* a float squared distance times this is at most d^2 / alpha^2 */
    size_t block;
    unsigned lanes; /* bit per point of the block: all of component `own` */
    int32_t own;
    /* In and out: the lightest so far, its rounding up as cep_reach_up() gives it, and the edge (-1: none). */
    double bound;
    float bound_up;
    int32_t from, to;
} cep_reach_search;

/* At least x as float32, and 0 only for 0. */
static inline float cep_reach_up(double x)
{
    double y = x * (1 + 1e-6);
    return !(x > 0) ? 0 : y < 1e-37 ? 1e-37f : y < 3.4e38 ? (float)y : __builtin_inff();
}

typedef struct cep_reach_kernels {
    /* out[16 * b + i] = squared distance of a point (d floats) to every point of some blocks. */
    void (*distances)(const float *soa, size_t blocks, size_t d, const float *point, float *out);
    /* The k-th smallest of these, k < CEP_REACH_SMALL and below the number of points. */
    float (*nearest)(const float *soa, size_t blocks, size_t d, const float *point, size_t k);
    /* The k-th smallest of count numbers, k < CEP_REACH_SMALL, k < count; reads up to a multiple of 16. */
    float (*smallest)(const float *values, size_t count, size_t k);
    /* From list entry *at on, in steps of 16 entries: appends points within `limit` to near (squared distances)
     * and index (16 * block + lane), until the list ends or more than `full` are there; room for full + 272.
     * Returns the new length; *at is where to go on. */
    size_t (*gather)(const cep_reach_list *list, size_t *at, const float *soa, size_t d, const float *point,
                     float limit, float *near, int32_t *index, size_t length, size_t full);
    /* The entries within `limit` of a box (d lows, d highs): boxes and block of a new list (the stride of the old one)
     * with room for count + 16. Returns how many. */
    size_t (*narrow)(const cep_reach_list *list, size_t d, const float *low, const float *high, float limit,
                     float *boxes, int32_t *block);
    /* Drops candidates beyond `limit`, in place, in order; reads and writes up to a multiple of 16. */
    size_t (*keep)(float *near, int32_t *index, size_t count, float limit);
    /* Looks at one leaf: its block and box (d lows, d highs `width` floats later). */
    void (*pairs)(cep_reach_search *search, size_t leaf, const float *box, size_t width);
} cep_reach_kernels;

const cep_reach_kernels *cep_reach_kernels_get(cep_cpu_level level);

extern const cep_reach_kernels cep_reach_generic;
#if defined(__x86_64__)
extern const cep_reach_kernels cep_reach_avx2;
extern const cep_reach_kernels cep_reach_avx512;
#endif

#endif
