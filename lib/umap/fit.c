/* A fit from features or from a graph: neighbours, fuzzy graph, start, layout; or a model of an embedding that exists.
 * McInnes, Healy, Melville 2018, algorithm 1, with the conventions of the reference implementation.
 * Must not: leave anything behind when a step fails or is cancelled. */
#include <math.h>
#include <string.h>

#include "matrix.h"
#include "model.h"

#define FEW_POINTS 10000 /* up to which more epochs are the default */

static cepman_status find_neighbors(cepman_neighbors **out, cepman_context *ctx, const cepman_matrix *matrix,
                                    const cepman_options *o)
{
    cepman_options *options = NULL;
    cepman_status s = cepman_neighbors_options_create(&options, ctx);
    if (!s) s = cepman_options_set_integer(options, ctx, "k", cep_options_integer(o, "neighbors") - 1);
    if (!s) s = cepman_options_set_text(options, ctx, "metric", cep_options_text(o, "metric"));
    if (!s) s = cepman_options_set_text(options, ctx, "method", cep_options_text(o, "method"));
    if (!s) s = cepman_options_set_integer(options, ctx, "seed", cep_options_integer(o, "seed"));
    if (!s) s = cepman_neighbors_build(out, ctx, matrix, options);
    cepman_options_unref(options);
    return s;
}

/* What options must satisfy together. */
static cepman_status check_options(cepman_context *ctx, const cepman_options *o)
{
    const double min_dist = cep_options_real(o, "min-dist"), spread = cep_options_real(o, "spread");
    CEP_REQUIRE(ctx, min_dist <= spread, CEPMAN_ERR_RANGE,
                "umap: min-dist is %g, must be at most spread = %g", min_dist, spread);
    CEP_REQUIRE(ctx, cep_options_auto(o, "a") == cep_options_auto(o, "b"), CEPMAN_ERR_RANGE,
                "umap: %s is auto and %s is set, must be both or neither",
                cep_options_auto(o, "a") ? "a" : "b", cep_options_auto(o, "a") ? "b" : "a");
    return CEPMAN_OK;
}

/* What a fit starts from; all but one of the first two may be NULL. */
typedef struct inputs {
    cepman_matrix *matrix;
    cepman_neighbors *neighbors;
    const cepman_labels *target;
    cepman_matrix *start;
    cepman_matrix *embedding; /* in place of start and layout */
} inputs;

/* Start and layout of a graph whose points all count: n rows of dims. */
static cepman_status embed(cepman_context *ctx, const cepman_umap *u, const cep_umap_graph *graph,
                           cepman_matrix *matrix, const cepman_matrix *start, const cepman_options *o,
                           float *rows)
{
    const size_t dims = (size_t)cep_options_integer(o, "dims"), usual = graph->n <= FEW_POINTS ? 500 : 200;
    cep_umap_graph pruned = {0};
    cepman_status s = cep_umap_prune(&pruned, ctx, graph, u->epochs > 10 ? u->epochs : usual);
    if (s) return s;
    s = cep_umap_start(ctx, &pruned, matrix, start, (cep_umap_init)cep_options_choice(o, "init"), dims,
                       u->seed, rows);
    if (!s && graph->n > 1) {
        const cep_umap_forces forces = {
            .a = u->a,
            .b = u->b,
            .learning_rate = u->learning_rate,
            .repulsion = u->repulsion,
            .negatives = u->negatives,
            .epochs = u->epochs,
            .seed = u->seed,
        };
        s = cep_umap_layout(ctx, &pruned, &forces, dims, rows);
    }
    cep_umap_graph_free(cep_context_memory(ctx), &pruned);
    return s;
}

/* The same for the points alone that have an edge; NaN for the others. members: room for n. */
static cepman_status embed_joined(cepman_context *ctx, const cepman_umap *u, const inputs *in,
                                  const cepman_options *o, const size_t *members, size_t count, float *rows)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = u->graph.n, dims = (size_t)cep_options_integer(o, "dims");
    cep_umap_graph graph = {0};
    cepman_matrix *matrix = NULL, *start = NULL;
    float *joined = cep_alloc(mem, count, dims * sizeof *joined);
    int32_t *list = cep_alloc(mem, count, sizeof *list), *place = cep_alloc(mem, n, sizeof *place);
    cepman_status s = CEPMAN_OK;
    if (!joined || !list || !place)
        s = cep_fail_memory(ctx, "points with neighbours", n, dims * sizeof *joined);
    for (size_t i = 0; !s && i < count; i++)
        list[i] = (int32_t)members[i];
    if (!s) s = cep_umap_piece(&graph, ctx, &u->graph, list, count, place);
    if (!s && in->matrix) s = cepman_matrix_select(&matrix, ctx, in->matrix, members, count);
    if (!s && in->start) s = cepman_matrix_select(&start, ctx, in->start, members, count);
    if (!s) s = embed(ctx, u, &graph, matrix, start, o, joined);
    for (size_t i = 0; !s && i < n * dims; i++)
        rows[i] = NAN;
    for (size_t i = 0; !s && i < count; i++)
        memcpy(rows + members[i] * dims, joined + i * dims, dims * sizeof *rows);
    cepman_matrix_unref(start);
    cepman_matrix_unref(matrix);
    cep_umap_graph_free(mem, &graph);
    cep_free(mem, place);
    cep_free(mem, list);
    cep_free(mem, joined);
    return s;
}

/* What the options say, into the model. */
static void settle(cepman_umap *u, const cepman_options *o)
{
    const size_t n = cepman_neighbors_count(u->neighbors);
    u->a = cep_options_real(o, "a");
    u->b = cep_options_real(o, "b");
    if (cep_options_auto(o, "a"))
        cep_umap_fit_curve(cep_options_real(o, "spread"), cep_options_real(o, "min-dist"), &u->a, &u->b);
    u->epochs = (size_t)cep_options_integer(o, "epochs");
    if (u->epochs == 0) u->epochs = n <= FEW_POINTS ? 500 : 200;
    u->near = (size_t)cep_options_integer(o, "neighbors");
    u->metric = (cep_umap_metric)cep_options_choice(o, "metric");
    u->method = (cep_umap_method)cep_options_choice(o, "method");
    u->seed = (uint64_t)cep_options_integer(o, "seed");
    u->learning_rate = cep_options_real(o, "learning-rate");
    u->repulsion = cep_options_real(o, "repulsion-strength");
    u->negatives = (unsigned)cep_options_integer(o, "negative-sample-rate");
    u->local_connectivity = cep_options_real(o, "local-connectivity");
    u->cut = cep_options_auto(o, "disconnection-distance") ? (double)INFINITY
                                                           : cep_options_real(o, "disconnection-distance");
}

/* Fills a model whose neighbours (and features, perhaps) are in. */
static cepman_status fill(cepman_umap *u, cepman_context *ctx, const inputs *in, const cepman_options *o)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = cepman_neighbors_count(u->neighbors), dims = (size_t)cep_options_integer(o, "dims");
    settle(u, o);
    cepman_status s = cep_umap_fuzzy(&u->graph, ctx, u->neighbors, u->local_connectivity,
                                     cep_options_real(o, "set-op-mix-ratio"), u->cut, &u->mean);
    if (s) return s;
    if (in->embedding) {
        u->embedding = cepman_matrix_ref(in->embedding);
        return CEPMAN_OK;
    }
    float *rows = cep_alloc(mem, n, dims * sizeof *rows), *data;
    size_t *members = cep_alloc(mem, n, sizeof *members), joined = 0, stride;
    if (!rows || !members) s = cep_fail_memory(ctx, "embedding", n, dims * sizeof *rows);
    for (size_t i = 0; !s && i < n; i++)
        if (u->graph.starts[i + 1] > u->graph.starts[i]) members[joined++] = i;
    if (!s && in->target)
        s = cep_umap_meet_target(&u->graph, ctx, cepman_labels_data(in->target),
                                 cep_options_real(o, "target-weight"));
    if (!s && joined < n && isfinite(u->cut))
        s = embed_joined(ctx, u, in, o, members, joined, rows);
    else if (!s)
        s = embed(ctx, u, &u->graph, in->matrix, in->start, o, rows);
    if (!s) s = cep_matrix_create(&u->embedding, ctx, "embedding", n, dims, &data, &stride);
    for (size_t i = 0; !s && i < n; i++)
        memcpy(data + i * stride, rows + i * dims, dims * sizeof *data);
    cep_free(mem, members);
    cep_free(mem, rows);
    return s;
}

static cepman_status check_rows(cepman_context *ctx, const cepman_matrix *matrix)
{
    size_t bad;
    cepman_status s = cep_matrix_first_nonfinite(&bad, ctx, matrix);
    if (s) return s;
    CEP_REQUIRE(ctx, bad == cepman_matrix_rows(matrix), CEPMAN_ERR_DATA,
                "umap: row %zu holds a NaN or an infinity", bad);
    return CEPMAN_OK;
}

/* A given embedding has a row a point: finite, or NaN throughout for a point that takes no part. */
static cepman_status check_embedding(cepman_context *ctx, const cepman_matrix *embedding, size_t n,
                                     const cepman_options *o)
{
    const size_t dims = cepman_matrix_columns(embedding);
    CEP_REQUIRE_F32(ctx, embedding, "umap: embedding");
    CEP_REQUIRE(ctx,
                cepman_matrix_rows(embedding) == n && dims >= 1 && dims <= 64 &&
                    (!cep_options_given(o, "dims") || (int64_t)dims == cep_options_integer(o, "dims")),
                CEPMAN_ERR_SHAPE, "umap: the embedding is %zu x %zu, must be %zu points x dims",
                cepman_matrix_rows(embedding), dims, n);
    for (size_t i = 0; i < n; i++) {
        const float *row = cepman_matrix_row(embedding, i);
        for (size_t j = 0; j < dims; j++)
            CEP_REQUIRE(ctx, isnan(row[0]) ? isnan(row[j]) : isfinite(row[j]), CEPMAN_ERR_DATA,
                        "umap: row %zu of the embedding holds a NaN or an infinity", i);
    }
    return CEPMAN_OK;
}

static cepman_status check_inputs(cepman_context *ctx, const inputs *in, const cepman_options *o)
{
    CEP_REQUIRE_F32(ctx, in->matrix, "umap");
    CEP_REQUIRE_F32(ctx, in->start, "umap: start");
    const size_t n = in->neighbors ? cepman_neighbors_count(in->neighbors) : cepman_matrix_rows(in->matrix),
                 dims = (size_t)cep_options_integer(o, "dims");
    CEP_REQUIRE(ctx, n <= INT32_MAX, CEPMAN_ERR_RANGE, "umap: %zu rows, at most 2147483647 are embedded", n);
    CEP_REQUIRE(ctx, !in->matrix || cepman_matrix_rows(in->matrix) == n, CEPMAN_ERR_SHAPE,
                "umap: the matrix has %zu rows, the graph %zu points", cepman_matrix_rows(in->matrix), n);
    CEP_REQUIRE(ctx, !in->target || cepman_labels_count(in->target) == n, CEPMAN_ERR_SHAPE,
                "umap: %zu labels for %zu points", cepman_labels_count(in->target), n);
    CEP_REQUIRE(ctx, in->target || !cep_options_given(o, "target-weight"), CEPMAN_ERR_ARGUMENT,
                "umap: target-weight is set, but there are no labels");
    CEP_REQUIRE(ctx, !in->start || !cep_options_given(o, "init"), CEPMAN_ERR_ARGUMENT,
                "umap: init is %s, but a start is given too", cep_options_text(o, "init"));
    CEP_REQUIRE(
        ctx, !in->start || (cepman_matrix_rows(in->start) == n && cepman_matrix_columns(in->start) == dims),
        CEPMAN_ERR_SHAPE, "umap: the start is %zu x %zu, must be %zu points x %zu dims",
        cepman_matrix_rows(in->start), cepman_matrix_columns(in->start), n, dims);
    CEP_REQUIRE(ctx,
                in->matrix || in->start || in->embedding || cep_options_choice(o, "init") != CEP_UMAP_PCA,
                CEPMAN_ERR_ARGUMENT, "umap: init is pca, but there is no matrix to take components of");
    if (in->start) {
        size_t bad;
        cepman_status s = cep_matrix_first_nonfinite(&bad, ctx, in->start);
        if (s) return s;
        CEP_REQUIRE(ctx, bad == n, CEPMAN_ERR_DATA, "umap: row %zu of the start holds a NaN or an infinity",
                    bad);
    }
    if (in->embedding) {
        cepman_status s = check_embedding(ctx, in->embedding, n, o);
        if (s) return s;
    }
    return in->matrix ? check_rows(ctx, in->matrix) : CEPMAN_OK;
}

static cepman_status fit(cepman_umap **out, cepman_context *ctx, const inputs *in,
                         const cepman_options *options)
{
    cepman_options *o = NULL;
    cepman_umap *u = NULL;
    cepman_status s = cep_options_resolve(&o, ctx, options, "umap", cep_umap_options);
    if (!s) s = check_options(ctx, o);
    if (!s) s = check_inputs(ctx, in, o);
    if (!s) s = cep_umap_model(&u, ctx);
    if (!s) {
        u->features = cepman_matrix_ref(in->matrix);
        if (in->neighbors)
            u->neighbors = cepman_neighbors_ref(in->neighbors);
        else
            s = find_neighbors(&u->neighbors, ctx, in->matrix, o);
    }
    if (!s) s = fill(u, ctx, in, o);
    cepman_options_unref(o);
    if (s)
        cepman_umap_unref(u);
    else
        *out = u;
    return s;
}

cepman_status cepman_umap_fit(cepman_umap **out, cepman_context *ctx, cepman_matrix *matrix,
                              const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "umap: out or matrix is NULL");
    return fit(out, ctx, &(inputs){.matrix = matrix}, options);
}

cepman_status cepman_umap_fit_graph(cepman_umap **out, cepman_context *ctx, cepman_matrix *matrix,
                                    cepman_neighbors *neighbors, const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && neighbors, CEPMAN_ERR_ARGUMENT, "umap: out or neighbors is NULL");
    return fit(out, ctx, &(inputs){.matrix = matrix, .neighbors = neighbors}, options);
}

cepman_status cepman_umap_fit_given(cepman_umap **out, cepman_context *ctx, cepman_matrix *matrix,
                                    cepman_neighbors *neighbors, const cepman_labels *target,
                                    cepman_matrix *start, const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && (matrix || neighbors), CEPMAN_ERR_ARGUMENT,
                "umap: out, or both matrix and neighbors, are NULL");
    return fit(out, ctx, &(inputs){matrix, neighbors, target, start, NULL}, options);
}

cepman_status cepman_umap_from_embedding(cepman_umap **out, cepman_context *ctx, cepman_matrix *matrix,
                                         cepman_neighbors *neighbors, cepman_matrix *embedding,
                                         const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && embedding && (matrix || neighbors), CEPMAN_ERR_ARGUMENT,
                "umap: out, the embedding, or both matrix and neighbors, are NULL");
    return fit(out, ctx, &(inputs){.matrix = matrix, .neighbors = neighbors, .embedding = embedding},
               options);
}
