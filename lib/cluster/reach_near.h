/* Core distances and short neighbour lists over a k-d tree: what the spanning tree starts from. */
#ifndef CEP_CLUSTER_REACH_NEAR_H
#define CEP_CLUSTER_REACH_NEAR_H

#include "kdtree.h"
#include "linkage.h"

#define CEP_REACH_KEEP 15 /* neighbours of a list at most */

/* Everything by place in the tree, distances squared and in the tree's scale. */
typedef struct cep_near {
    cep_memory *mem;
    size_t keep;     /* min(samples, CEP_REACH_KEEP) */
    double *core;    /* per place; infinite for padding */
    int32_t *places; /* keep per place, all within the core distance; -1: none */
} cep_near;

cepman_status cep_near_find(cep_near *near, cepman_context *ctx, const cep_kdtree *tree, size_t samples);
void cep_near_clear(cep_near *near);

#endif
