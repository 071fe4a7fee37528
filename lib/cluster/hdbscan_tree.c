/* Builds the tree of HDBSCAN: core distances, spanning tree of mutual reachability, sorted edges, dendrogram
 * (Campello, Moulavi, Sander 2013, section 3). Rows that are not finite take no part.
 * Must not: choose clusters; the tree serves any number of extractions. */
#include <math.h>

#include "kdtree.h"
#include "tree.h"

#define STANDARD_SAMPLES 5
#define FEW_POINTS 64 /* up to so many the plain way is as fast */

static const cep_option table[] = {
    {"min-samples", CEPMAN_OPTION_INTEGER, 0, 2147483645, 0, NULL,
     "other points within the core distance, 1 to n - 1 (clamped); 0: 5"},
    {"alpha", CEPMAN_OPTION_REAL, 1e-6, 1e6, 1, NULL, "distances are divided by it, 1e-6 to 1e6"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

cepman_status cepman_hdbscan_tree_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, "hdbscan-tree", table);
}

static cepman_status span(cepman_hdbscan_tree *t, cepman_context *ctx, const cep_points *points,
                          const cepman_options *options)
{
    size_t n = points->n, samples = (size_t)cep_options_integer(options, "min-samples");
    double alpha = cep_options_real(options, "alpha");
    cep_reach r = {
        .ctx = ctx, .mem = t->mem, .points = points, .alpha_square = alpha * alpha, .edges = t->edges};
    r.samples = samples ? samples : STANDARD_SAMPLES;
    if (r.samples > n - 1) r.samples = n - 1;
    r.core = cep_alloc(t->mem, n, sizeof *r.core);
    if (!r.core) return cep_fail_memory(ctx, "core distances", n, sizeof *r.core);
    bool few = n > FEW_POINTS && points->d <= CEP_KDTREE_MOST && cep_kdtree_fits(points);
    cepman_status s = few ? cep_reach_tree(&r) : cep_reach_dense(&r);
    for (size_t i = 0; !s && i < n; i++)
        t->core[cep_tree_row(t, i)] = sqrt(r.core[i]);
    cep_free(t->mem, r.core);
    for (size_t e = 0; !s && e + 1 < n; e++)
        t->edges[e].weight = sqrt(t->edges[e].weight);
    if (!s) s = cep_edges_sort(ctx, t->edges, n - 1);
    return s;
}

cepman_status cepman_hdbscan_tree_build(cepman_hdbscan_tree **out, cepman_context *ctx,
                                        const cepman_matrix *matrix, const cepman_options *given)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "HDBSCAN tree: out or matrix is NULL");
    cepman_options *options = NULL;
    s = cep_options_resolve(&options, ctx, given, "hdbscan-tree", table);
    if (s) return s;
    cep_memory *mem = cep_context_memory(ctx);
    cep_points points = {0};
    cepman_hdbscan_tree *t = cep_alloc_zero(mem, 1, sizeof *t);
    s = t ? cep_points_finite(&points, ctx, matrix, "HDBSCAN tree")
          : cep_fail_memory(ctx, "HDBSCAN tree", 1, sizeof *t);
    if (t) {
        cep_refs_init(&t->refs);
        t->mem = cep_memory_ref(mem);
    }
    if (!s) {
        t->rows = cepman_matrix_rows(matrix);
        t->n = points.n;
        t->index = points.index;
        points.index = NULL;
        t->core = cep_alloc(mem, t->rows, sizeof *t->core);
        t->edges = cep_alloc(mem, t->n, sizeof *t->edges);
        if (!t->core || !t->edges) s = cep_fail_memory(ctx, "HDBSCAN tree", t->rows, sizeof *t->edges);
    }
    for (size_t i = 0; !s && i < t->rows; i++)
        t->core[i] = (double)INFINITY;
    if (!s && t->n == 1) t->core[cep_tree_row(t, 0)] = 0;
    if (!s && t->n > 1) s = span(t, ctx, &points, options);
    if (!s) s = cep_dendrogram_build(&t->merges, ctx, t->edges, t->n);
    cep_points_clear(&points);
    cepman_options_unref(options);
    if (s) {
        cepman_hdbscan_tree_unref(t);
        return s;
    }
    *out = t;
    return CEPMAN_OK;
}

cepman_hdbscan_tree *cepman_hdbscan_tree_ref(cepman_hdbscan_tree *t)
{
    if (t) cep_refs_get(&t->refs);
    return t;
}

void cepman_hdbscan_tree_unref(cepman_hdbscan_tree *t)
{
    if (!t || !cep_refs_put(&t->refs)) return;
    cep_memory *mem = t->mem;
    cep_dendrogram_clear(&t->merges);
    cep_free(mem, t->index);
    cep_free(mem, t->core);
    cep_free(mem, t->edges);
    cep_free(mem, t);
    cep_memory_unref(mem);
}

size_t cepman_hdbscan_tree_points(const cepman_hdbscan_tree *t)
{
    return t ? t->rows : 0;
}

const double *cepman_hdbscan_tree_core_distances(const cepman_hdbscan_tree *t)
{
    return t ? t->core : NULL;
}

size_t cepman_hdbscan_tree_edges(const cepman_hdbscan_tree *t)
{
    return t && t->n ? t->n - 1 : 0;
}

cepman_status cepman_hdbscan_tree_edge(const cepman_hdbscan_tree *t, size_t edge, size_t *from, size_t *to,
                                       double *weight)
{
    if (!t) return CEPMAN_ERR_ARGUMENT;
    if (edge >= cepman_hdbscan_tree_edges(t)) return CEPMAN_ERR_RANGE;
    if (from) *from = cep_tree_row(t, t->edges[edge].a);
    if (to) *to = cep_tree_row(t, t->edges[edge].b);
    if (weight) *weight = t->edges[edge].weight;
    return CEPMAN_OK;
}
