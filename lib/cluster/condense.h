/* The condensed tree of HDBSCAN and the choice of clusters from it. */
#ifndef CEP_CLUSTER_CONDENSE_H
#define CEP_CLUSTER_CONDENSE_H

#include "linkage.h"

#define CEP_NO_CLUSTER UINT32_MAX

/* Cluster 0 is the root; parents come before children, breadth first; siblings by their smallest point. */
typedef struct cep_condensed {
    cep_memory *mem;
    size_t n, clusters;
    uint32_t *parent; /* CEP_NO_CLUSTER for the root */
    uint32_t *size;
    double *birth,
        *death; /* lambda = 1 / distance: when it appears, and the largest at which it loses something */
    double *stability;
    uint32_t *point_cluster; /* the cluster each point falls out of, and when */
    double *point_lambda;
} cep_condensed;

/* canonical: all merges of one height at once (n-ary); else one by one in the order of the edges. */
cepman_status cep_condense(cep_condensed *c, cepman_context *ctx, const cep_dendrogram *g,
                           const cep_edge *edges, size_t min_size, bool canonical);
void cep_condensed_clear(cep_condensed *c);

typedef struct cep_selection {
    bool leaf, allow_root;
    double epsilon;
    size_t most; /* 0: no limit on the size of a cluster */
    size_t min_size;
} cep_selection;

/* owner[c]: the selected cluster that c belongs to (itself or an ancestor), or CEP_NO_CLUSTER. */
cepman_status cep_select_clusters(const cep_condensed *c, cepman_context *ctx, const cep_selection *how,
                                  uint32_t *owner);

#endif
