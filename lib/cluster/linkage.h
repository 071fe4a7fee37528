/* From points to a dendrogram: core distances, the minimum spanning tree of mutual reachability, its merges.
 */
#ifndef CEP_CLUSTER_LINKAGE_H
#define CEP_CLUSTER_LINKAGE_H

#include <cepman/neighbors.h>

#include "exec.h"
#include "points.h"

typedef struct cep_edge {
    double weight;
    uint32_t a, b;
} cep_edge;

/* What a spanning tree is made from. Weights are squared while they are compared:
 * w^2 = max(core_a^2, core_b^2, d^2 / alpha^2). */
typedef struct cep_reach {
    cepman_context *ctx;
    cep_memory *mem;
    const cep_points *points;
    size_t samples; /* 1 .. n - 1 */
    double alpha_square;
    double *core;    /* n squared core distances */
    cep_edge *edges; /* n - 1, in any order; a and b are points */
} cep_reach;

static inline double cep_reach_weight(const cep_reach *r, uint32_t a, uint32_t b)
{
    double w = cep_squared(r->points->row[a], r->points->row[b], r->points->d) / r->alpha_square;
    if (r->core[a] > w) w = r->core[a];
    return r->core[b] > w ? r->core[b] : w;
}

/* Any number of features, O(n^2 d) time and O(n) memory. n >= 2. */
cepman_status cep_reach_dense(cep_reach *r);
/* The same for n <= CEP_REACH_TABLE_MOST: keeps a table of float32 products, up to 64 MiB. */
#define CEP_REACH_TABLE_MOST 4080
cepman_status cep_reach_table(cep_reach *r);
/* Up to CEP_KDTREE_MOST features that cep_kdtree_fits(): a k-d tree and Boruvka's rounds. n >= 2. */
cepman_status cep_reach_tree(cep_reach *r);

/* From a table of distances; core distances and weights are not squared here. n >= 2. */
cepman_status cep_reach_given(cepman_context *ctx, const double *distances, size_t n, size_t stride,
                              size_t samples, double alpha, double *core, cep_edge *edges);

/* From a graph of at least `samples` neighbours a row, not squared either. Parts that the graph does not connect are
 * joined at infinity: the first row of each to row 0. n >= 2. */
cepman_status cep_reach_graph(cepman_context *ctx, const cepman_neighbors *graph, size_t samples,
                              double alpha, double *core, cep_edge *edges);

/* Edges by ascending weight; equal weights keep their order. */
cepman_status cep_edges_sort(cepman_context *ctx, cep_edge *edges, size_t count);

/* Nodes 0 .. n-1 are points, n + e is the merge of sorted edge e. parent of the last node: UINT32_MAX. */
typedef struct cep_dendrogram {
    cep_memory *mem;
    size_t n, nodes;
    uint32_t *parent, *size;
} cep_dendrogram;
cepman_status cep_dendrogram_build(cep_dendrogram *g, cepman_context *ctx, const cep_edge *edges, size_t n);
void cep_dendrogram_clear(cep_dendrogram *g);

/* The k-th smallest (from 0) of count numbers; reorders them. */
float cep_select_f32(float *x, size_t count, size_t k);
double cep_select_f64(double *x, size_t count, size_t k);

#endif
