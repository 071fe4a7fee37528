/* Options of the stage "neighbors", and the choice of a method.
 * Few dimensions: k-d tree; otherwise blocks of dot products.
 * Must not: compute distances. */
#include "knn.h"

enum { METHOD_AUTO, METHOD_EXACT };

static const cep_option table[] = {
    {"k", CEPMAN_OPTION_INTEGER, 1, 100000, 15, NULL,
     "neighbours of each row, 1 to 100000; lowered to n - 1"},
    {"metric", CEPMAN_OPTION_CHOICE, 0, 0, 0, "euclidean|cosine", "distance between rows"},
    {"method", CEPMAN_OPTION_CHOICE, 0, 0, METHOD_AUTO, "auto|exact", "how neighbours are found"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL}};

static const char kind[] = "neighbors";

cepman_status cepman_neighbors_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, kind, table);
}

static cepman_status fill(cepman_neighbors *g, cepman_context *ctx, const cepman_matrix *matrix,
                          const cepman_options *o, int32_t *indices, float *distances)
{
    cep_measure m;
    cepman_status s = cep_measure_open(&m, ctx, matrix, cep_options_choice(o, "metric") == 1);
    if (s) return s;
    if (g->k == 0) {
        /* No other rows: nothing to find. */
    } else if (!m.cosine && m.columns <= CEP_TREE_COLUMNS) {
        g->method = "tree";
        s = cep_neighbors_tree(ctx, &m, g->k, indices, distances);
    } else {
        g->method = "exact";
        s = cep_neighbors_exact(ctx, &m, g->k, indices, distances);
    }
    cep_measure_close(&m);
    return s;
}

cepman_status cepman_neighbors_build(cepman_neighbors **out, cepman_context *ctx, const cepman_matrix *matrix,
                                     const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "neighbours: out or matrix is NULL");
    size_t n = cepman_matrix_rows(matrix);
    CEP_REQUIRE(ctx, n <= INT32_MAX, CEPMAN_ERR_RANGE, "neighbours: %zu rows, must be at most %d", n,
                INT32_MAX);
    cepman_options *o = NULL;
    s = cep_options_resolve(&o, ctx, options, kind, table);
    if (s) return s;
    size_t k = (size_t)cep_options_integer(o, "k");
    if (n == 0)
        k = 0;
    else if (k > n - 1)
        k = n - 1;
    cepman_neighbors *g = NULL;
    int32_t *indices;
    float *distances;
    s = cep_neighbors_create(&g, ctx, n, k, &indices, &distances);
    if (!s) s = fill(g, ctx, matrix, o, indices, distances);
    cepman_options_unref(o);
    if (s) {
        cepman_neighbors_unref(g);
        return s;
    }
    *out = g;
    return CEPMAN_OK;
}
