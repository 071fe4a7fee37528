/* A fit from features or from a graph: neighbours, fuzzy graph, start, layout.
 * McInnes, Healy, Melville 2018, algorithm 1, with the conventions of the reference implementation.
 * Must not: leave anything behind when a step fails or is cancelled. */
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
    for (size_t i = 0; !s && i < cepman_options_count(options); i++) /* exact methods need no seed */
        if (strcmp(cepman_options_name(options, i), "seed") == 0)
            s = cepman_options_set_integer(options, ctx, "seed", cep_options_integer(o, "seed"));
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

/* Fills a model whose neighbours (and features, perhaps) are in. */
static cepman_status fill(cepman_umap *u, cepman_context *ctx, const cepman_options *o)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = cepman_neighbors_count(u->neighbors), dims = (size_t)cep_options_integer(o, "dims");
    const uint64_t seed = (uint64_t)cep_options_integer(o, "seed");
    cepman_status s = cep_umap_fuzzy(&u->graph, ctx, u->neighbors, cep_options_real(o, "local-connectivity"),
                                     cep_options_real(o, "set-op-mix-ratio"));
    if (s) return s;
    u->a = cep_options_real(o, "a");
    u->b = cep_options_real(o, "b");
    if (cep_options_auto(o, "a"))
        cep_umap_fit_curve(cep_options_real(o, "spread"), cep_options_real(o, "min-dist"), &u->a, &u->b);
    const size_t usual = n <= FEW_POINTS ? 500 : 200;
    u->epochs = (size_t)cep_options_integer(o, "epochs");
    if (u->epochs == 0) u->epochs = usual;

    cep_umap_graph pruned = {0};
    float *rows = cep_alloc(mem, n, dims * sizeof *rows), *data;
    size_t stride;
    s = rows ? cep_umap_prune(&pruned, ctx, &u->graph, u->epochs > 10 ? u->epochs : usual)
             : cep_fail_memory(ctx, "embedding", n, dims * sizeof *rows);
    if (!s)
        s = cep_umap_start(ctx, &pruned, u->features, (cep_umap_init)cep_options_choice(o, "init"), dims,
                           seed, rows);
    if (!s && n > 1) {
        const cep_umap_forces forces = {
            .a = u->a,
            .b = u->b,
            .learning_rate = cep_options_real(o, "learning-rate"),
            .repulsion = cep_options_real(o, "repulsion-strength"),
            .negatives = (unsigned)cep_options_integer(o, "negative-sample-rate"),
            .epochs = u->epochs,
            .seed = seed,
        };
        s = cep_umap_layout(ctx, &pruned, &forces, dims, rows);
    }
    if (!s) s = cep_matrix_create(&u->embedding, ctx, "embedding", n, dims, &data, &stride);
    for (size_t i = 0; !s && i < n; i++)
        memcpy(data + i * stride, rows + i * dims, dims * sizeof *data);
    cep_umap_graph_free(mem, &pruned);
    cep_free(mem, rows);
    return s;
}

static cepman_status check_rows(cepman_context *ctx, const cepman_matrix *matrix)
{
    const size_t bad = cep_matrix_first_nonfinite(matrix);
    CEP_REQUIRE(ctx, bad == cepman_matrix_rows(matrix), CEPMAN_ERR_DATA,
                "umap: row %zu holds a NaN or an infinity", bad);
    return CEPMAN_OK;
}

static cepman_status fit(cepman_umap **out, cepman_context *ctx, cepman_matrix *matrix,
                         cepman_neighbors *neighbors, const cepman_options *options)
{
    cepman_options *o = NULL;
    cepman_umap *u = NULL;
    cepman_status s = cep_options_resolve(&o, ctx, options, "umap", cep_umap_options);
    if (!s) s = check_options(ctx, o);
    if (!s && matrix) s = check_rows(ctx, matrix);
    if (!s && neighbors && !matrix && cep_options_choice(o, "init") == CEP_UMAP_PCA)
        s = cep_fail(ctx, CEPMAN_ERR_ARGUMENT,
                     "umap: init is pca, but there is no matrix to take components of");
    if (!s) s = cep_umap_model(&u, ctx);
    if (!s) {
        u->features = cepman_matrix_ref(matrix);
        if (neighbors)
            u->neighbors = cepman_neighbors_ref(neighbors);
        else
            s = find_neighbors(&u->neighbors, ctx, matrix, o);
    }
    if (!s) s = fill(u, ctx, o);
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
    CEP_REQUIRE_F32(ctx, matrix, "umap");
    return fit(out, ctx, matrix, NULL, options);
}

cepman_status cepman_umap_fit_graph(cepman_umap **out, cepman_context *ctx, cepman_matrix *matrix,
                                    cepman_neighbors *neighbors, const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && neighbors, CEPMAN_ERR_ARGUMENT, "umap: out or neighbors is NULL");
    CEP_REQUIRE_F32(ctx, matrix, "umap");
    CEP_REQUIRE(ctx, !matrix || cepman_matrix_rows(matrix) == cepman_neighbors_count(neighbors),
                CEPMAN_ERR_SHAPE, "umap: the matrix has %zu rows, the graph %zu points",
                cepman_matrix_rows(matrix), cepman_neighbors_count(neighbors));
    return fit(out, ctx, matrix, neighbors, options);
}
