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

static size_t samples_of(const cepman_options *options, size_t n)
{
    size_t samples = (size_t)cep_options_integer(options, "min-samples");
    if (!samples) samples = STANDARD_SAMPLES;
    if (n < 2) return 0;
    return samples < n - 1 ? samples : n - 1;
}

static cepman_status span(cepman_hdbscan_tree *t, cepman_context *ctx, const cep_points *points)
{
    size_t n = points->n;
    cep_reach r = {.ctx = ctx,
                   .mem = t->mem,
                   .points = points,
                   .samples = t->samples,
                   .alpha_square = t->alpha * t->alpha,
                   .edges = t->edges};
    r.core = cep_alloc(t->mem, n, sizeof *r.core);
    if (!r.core) return cep_fail_memory(ctx, "core distances", n, sizeof *r.core);
    cepman_status s;
    if (n > FEW_POINTS && points->d <= CEP_KDTREE_MOST && cep_kdtree_fits(points))
        s = cep_reach_tree(&r);
    else if (n > FEW_POINTS && n <= CEP_REACH_TABLE_MOST)
        s = cep_reach_table(&r);
    else
        s = cep_reach_dense(&r);
    for (size_t i = 0; !s && i < n; i++)
        t->core[cep_tree_row(t, i)] = sqrt(r.core[i]);
    cep_free(t->mem, r.core);
    for (size_t e = 0; !s && e + 1 < n; e++)
        t->edges[e].weight = sqrt(t->edges[e].weight);
    return s;
}

/* A tree of `rows` rows without its edges. */
static cepman_status begin(cepman_hdbscan_tree **out, cepman_context *ctx, size_t rows, size_t n,
                           const cepman_options *options)
{
    cep_memory *mem = cep_context_memory(ctx);
    cepman_hdbscan_tree *t = cep_alloc_zero(mem, 1, sizeof *t);
    if (!t) return cep_fail_memory(ctx, "HDBSCAN tree", 1, sizeof *t);
    cep_refs_init(&t->refs);
    t->mem = cep_memory_ref(mem);
    t->rows = rows;
    t->n = n;
    t->samples = samples_of(options, n);
    t->alpha = cep_options_real(options, "alpha");
    t->core = cep_alloc(mem, rows, sizeof *t->core);
    t->edges = cep_alloc(mem, n, sizeof *t->edges);
    if (!t->core || !t->edges) {
        cepman_hdbscan_tree_unref(t);
        return cep_fail_memory(ctx, "HDBSCAN tree", rows, sizeof *t->edges + sizeof *t->core);
    }
    for (size_t i = 0; i < rows; i++)
        t->core[i] = (double)INFINITY;
    *out = t;
    return CEPMAN_OK;
}

static cepman_status finish(cepman_hdbscan_tree **out, cepman_hdbscan_tree *t, cepman_context *ctx,
                            cepman_status s)
{
    if (!s && t->n > 1) s = cep_edges_sort(ctx, t->edges, t->n - 1);
    if (!s) s = cep_dendrogram_build(&t->merges, ctx, t->edges, t->n);
    if (s) {
        cepman_hdbscan_tree_unref(t);
        return s;
    }
    *out = t;
    return CEPMAN_OK;
}

cepman_status cepman_hdbscan_tree_build(cepman_hdbscan_tree **out, cepman_context *ctx,
                                        const cepman_matrix *matrix, const cepman_options *given)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "HDBSCAN tree: out or matrix is NULL");
    CEP_REQUIRE_F32(ctx, matrix, "HDBSCAN tree");
    cepman_options *options = NULL;
    s = cep_options_resolve(&options, ctx, given, "hdbscan-tree", table);
    if (s) return s;
    cep_points points = {0};
    cepman_hdbscan_tree *t = NULL;
    s = cep_points_finite(&points, ctx, matrix, "HDBSCAN tree");
    if (!s) s = begin(&t, ctx, cepman_matrix_rows(matrix), points.n, options);
    if (!s) {
        t->index = points.index;
        points.index = NULL;
        if (t->n == 1) t->core[cep_tree_row(t, 0)] = 0;
        if (t->n > 1) s = span(t, ctx, &points);
    }
    cep_points_clear(&points);
    cepman_options_unref(options);
    return finish(out, t, ctx, s);
}

static cepman_status check_distances(cepman_context *ctx, const double *distances, size_t n, size_t stride)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double d = distances[i * stride + j];
            CEP_REQUIRE(ctx, isfinite(d) && (i == j ? d == 0 : d >= 0), CEPMAN_ERR_DATA,
                        "HDBSCAN tree: the distance of %zu and %zu is %g, must be %s", i, j, d,
                        i == j ? "0" : "finite and at least 0");
            CEP_REQUIRE(ctx, d == distances[j * stride + i], CEPMAN_ERR_DATA,
                        "HDBSCAN tree: the distance of %zu and %zu is %g, but %g the other way", i, j, d,
                        distances[j * stride + i]);
        }
        cepman_status s = i % 64 ? CEPMAN_OK : cep_poll(ctx);
        if (s) return s;
    }
    return CEPMAN_OK;
}

cepman_status cepman_hdbscan_tree_build_distances(cepman_hdbscan_tree **out, cepman_context *ctx,
                                                  const double *distances, size_t n, size_t stride,
                                                  const cepman_options *given)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && (distances || !n), CEPMAN_ERR_ARGUMENT, "HDBSCAN tree: out or distances is NULL");
    CEP_REQUIRE(ctx, n < INT32_MAX - 1, CEPMAN_ERR_RANGE, "HDBSCAN tree: %zu points, at most 2147483645", n);
    CEP_REQUIRE(ctx, stride >= n, CEPMAN_ERR_RANGE, "HDBSCAN tree: stride is %zu, must be at least %zu",
                stride, n);
    s = check_distances(ctx, distances, n, stride);
    if (s) return s;
    cepman_options *options = NULL;
    s = cep_options_resolve(&options, ctx, given, "hdbscan-tree", table);
    if (s) return s;
    cepman_hdbscan_tree *t = NULL;
    s = begin(&t, ctx, n, n, options);
    if (!s && n == 1) t->core[0] = 0;
    if (!s && n > 1) s = cep_reach_given(ctx, distances, n, stride, t->samples, t->alpha, t->core, t->edges);
    cepman_options_unref(options);
    return finish(out, t, ctx, s);
}

cepman_status cepman_hdbscan_tree_build_neighbors(cepman_hdbscan_tree **out, cepman_context *ctx,
                                                  const cepman_neighbors *graph, const cepman_options *given)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && graph, CEPMAN_ERR_ARGUMENT, "HDBSCAN tree: out or graph is NULL");
    size_t n = cepman_neighbors_count(graph), k = cepman_neighbors_k(graph);
    CEP_REQUIRE(ctx, n < INT32_MAX - 1, CEPMAN_ERR_RANGE, "HDBSCAN tree: %zu points, at most 2147483645", n);
    cepman_options *options = NULL;
    s = cep_options_resolve(&options, ctx, given, "hdbscan-tree", table);
    if (s) return s;
    cepman_hdbscan_tree *t = NULL;
    s = begin(&t, ctx, n, n, options);
    if (!s && t->samples > k)
        s = cep_fail(ctx, CEPMAN_ERR_RANGE, "HDBSCAN tree: min-samples is %zu, the graph has %zu neighbours",
                     t->samples, k);
    if (!s && n == 1) t->core[0] = 0;
    if (!s && n > 1) s = cep_reach_graph(ctx, graph, t->samples, t->alpha, t->core, t->edges);
    cepman_options_unref(options);
    return finish(out, t, ctx, s);
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

size_t cep_tree_point(const cepman_hdbscan_tree *t, size_t row)
{
    if (!t->index) return row;
    size_t low = 0, high = t->n; /* by bisection */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t->index[mid] < row)
            low = mid + 1;
        else
            high = mid;
    }
    return low < t->n && t->index[low] == row ? low : SIZE_MAX;
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
