/* A k-d tree over leaves of 16 points, for up to 8 features. Nodes stand in preorder: the left child of a node is the
 * next node, the right one 2 * ceil(count / 2) further; leaves are the blocks in order. */
#ifndef CEP_CLUSTER_KDTREE_H
#define CEP_CLUSTER_KDTREE_H

#include <string.h>

#include "exec.h"
#include "kernels.h"
#include "points.h"

#define CEP_KDTREE_MOST 8 /* features */

typedef struct cep_kdtree {
    cep_memory *mem;
    size_t n, d, blocks, nodes, width; /* width: floats of a box side, 4 or 8 */
    float *soa;     /* blocks x d x 16, in units of `scale`; padding points are infinitely far */
    uint32_t *id;   /* point of each place; blocks * 16 */
    float *box;     /* nodes x 2 x width */
    int32_t *first; /* first block of each node, and how many */
    int32_t *count;
    double scale; /* a power of two: squares of the scaled coordinates neither overflow nor vanish */
} cep_kdtree;

/* Whether coordinates can be scaled without loss: false only for data that span more than float32's exponents. */
bool cep_kdtree_fits(const cep_points *points);
cepman_status cep_kdtree_build(cep_kdtree *tree, cepman_context *ctx, const cep_points *points);
void cep_kdtree_clear(cep_kdtree *tree);

static inline size_t cep_kdtree_right(const cep_kdtree *t, size_t node)
{
    return node + 2 * (((size_t)t->count[node] + 1) / 2);
}
/* Four lows or highs at a time. */
typedef float cep_kdtree_quad __attribute__((vector_size(16)));
typedef int32_t cep_kdtree_bits __attribute__((vector_size(16)));

static inline float cep_kdtree_gap4(const float *a, const float *b, size_t width)
{
    cep_kdtree_quad low_a, low_b, high_a, high_b;
    memcpy(&low_a, a, sizeof low_a);
    memcpy(&low_b, b, sizeof low_b);
    memcpy(&high_a, a + width, sizeof high_a);
    memcpy(&high_b, b + width, sizeof high_b);
    cep_kdtree_quad x = low_b - high_a, y = low_a - high_b, zero = {0, 0, 0, 0};
    /* At most one of the two is positive. */
    cep_kdtree_quad e =
        (cep_kdtree_quad)(((cep_kdtree_bits)x & (x > zero)) | ((cep_kdtree_bits)y & (y > zero)));
    e *= e;
    return (e[0] + e[1]) + (e[2] + e[3]);
}
/* Squared distance between two boxes: lows, then highs `width` floats later. */
static inline float cep_kdtree_gap(const float *a, const float *b, size_t width)
{
    float s = cep_kdtree_gap4(a, b, width);
    return width == 4 ? s : s + cep_kdtree_gap4(a + 4, b + 4, width);
}

#endif
