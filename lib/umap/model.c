/* The options of umap/, and the fitted model with what can be read from it.
 * Names, defaults and ranges follow the reference implementation of McInnes, Healy, Melville 2018.
 * Must not: change a model once it is handed out. */
#include <math.h>
#include <string.h>

#include "model.h"

const cep_option cep_umap_options[] = {
    {"neighbors", CEPMAN_OPTION_INTEGER, 2, 10000, 15, NULL,
     "points of a neighbourhood, the point itself counted: few for detail, many for the whole (2 to 10000)"},
    {"dims", CEPMAN_OPTION_INTEGER, 1, 64, 3, NULL, "dimensions of the embedding (1 to 64)"},
    {"min-dist", CEPMAN_OPTION_REAL, 0, 1000, 0.1, NULL,
     "distance below which points are as close as can be, in units of the embedding (0 to spread)"},
    {"spread", CEPMAN_OPTION_REAL, 1e-3, 1000, 1.0, NULL, "scale of embedded neighbourhoods (1e-3 to 1000)"},
    {"epochs", CEPMAN_OPTION_INTEGER, 0, 1000000, 0, NULL,
     "passes of the layout; 0: 500 up to 10,000 points, else 200 (0 to 1000000)"},
    {"learning-rate", CEPMAN_OPTION_REAL, 1e-6, 1000, 1.0, NULL,
     "first step of the layout, falls to 0 (1e-6 to 1000)"},
    {"set-op-mix-ratio", CEPMAN_OPTION_REAL, 0, 1, 1.0, NULL,
     "1: edges that either point has, 0: edges that both have (0 to 1)"},
    {"local-connectivity", CEPMAN_OPTION_REAL, 0, 10000, 1.0, NULL,
     "nearest neighbours taken as fully connected, fractions interpolate (0 to 10000)"},
    {"repulsion-strength", CEPMAN_OPTION_REAL, 0, 1000, 1.0, NULL, "weight of negative samples (0 to 1000)"},
    {"negative-sample-rate", CEPMAN_OPTION_INTEGER, 0, 1000, 5, NULL,
     "negative samples for each time an edge acts (0 to 1000)"},
    {"init", CEPMAN_OPTION_CHOICE, 0, 0, CEP_UMAP_SPECTRAL, "spectral|pca|random",
     "start of the layout: eigenvectors of the graph, principal components, or at random"},
    {"metric", CEPMAN_OPTION_CHOICE, 0, 0, CEP_UMAP_EUCLIDEAN, CEP_UMAP_METRICS, "distance of features"},
    {"method", CEPMAN_OPTION_CHOICE, 0, 0, CEP_UMAP_AUTO, CEP_UMAP_METHODS, "how neighbours are found"},
    {"disconnection-distance", CEPMAN_OPTION_REAL, 0, 1e38, NAN, "auto",
     "neighbours from this distance on are none; points left without any get NaN (0 to 1e38; auto: no "
     "limit)"},
    {"target-weight", CEPMAN_OPTION_REAL, 0, 1, 0.5, NULL,
     "weight of given labels against the features: 0 hardly any, 1 cuts all edges between labels (0 to 1)"},
    {"a", CEPMAN_OPTION_REAL, 1e-9, 1e9, NAN, "auto",
     "a of the curve 1 / (1 + a d^(2b)); with b, instead of min-dist and spread"},
    {"b", CEPMAN_OPTION_REAL, 1e-3, 100, NAN, "auto", "b of the curve"},
    {"seed", CEPMAN_OPTION_INTEGER, 0, 9007199254740992.0, 42, NULL, "seed of random numbers (0 to 2^53)"},
    {0},
};

cepman_status cepman_umap_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, "umap", cep_umap_options);
}

cepman_status cep_umap_model(cepman_umap **out, cepman_context *ctx)
{
    cep_memory *mem = cep_context_memory(ctx);
    cepman_umap *u = cep_alloc_zero(mem, 1, sizeof *u);
    if (!u) return cep_fail_memory(ctx, "umap", 1, sizeof *u);
    cep_refs_init(&u->refs);
    atomic_init(&u->index, NULL);
    u->mem = cep_memory_ref(mem);
    *out = u;
    return CEPMAN_OK;
}

void cep_umap_word(const char *list, int i, char *word)
{
    for (; i > 0; i--)
        list = strchr(list, '|') + 1;
    size_t length = strcspn(list, "|");
    memcpy(word, list, length);
    word[length] = 0;
}

cepman_umap *cepman_umap_ref(cepman_umap *u)
{
    if (u) cep_refs_get(&u->refs);
    return u;
}

void cepman_umap_unref(cepman_umap *u)
{
    if (!u || !cep_refs_put(&u->refs)) return;
    cep_memory *mem = u->mem;
    cepman_matrix_unref(u->features);
    cepman_matrix_unref(u->embedding);
    cepman_neighbors_unref(u->neighbors);
    cepman_neighbors_index_unref(atomic_load_explicit(&u->index, memory_order_relaxed));
    cep_umap_graph_free(mem, &u->graph);
    cep_free(mem, u);
    cep_memory_unref(mem);
}

cepman_matrix *cepman_umap_features(const cepman_umap *u)
{
    return u ? u->features : NULL;
}

cepman_matrix *cepman_umap_embedding(const cepman_umap *u)
{
    return u ? u->embedding : NULL;
}

cepman_neighbors *cepman_umap_neighbors(const cepman_umap *u)
{
    return u ? u->neighbors : NULL;
}

void cepman_umap_curve(const cepman_umap *u, double *a, double *b)
{
    if (a) *a = u ? u->a : (double)NAN;
    if (b) *b = u ? u->b : (double)NAN;
}

size_t cepman_umap_epochs(const cepman_umap *u)
{
    return u ? u->epochs : 0;
}

const size_t *cepman_umap_graph_starts(const cepman_umap *u)
{
    return u ? u->graph.starts : NULL;
}

const int32_t *cepman_umap_graph_columns(const cepman_umap *u)
{
    return u ? u->graph.columns : NULL;
}

const float *cepman_umap_graph_weights(const cepman_umap *u)
{
    return u ? u->graph.weights : NULL;
}
