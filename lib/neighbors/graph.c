/* The graph of nearest neighbours as a result: n rows of k indices and distances, reference-counted.
 * Immutable once handed out.
 * Must not: find neighbours. */
#include <math.h>
#include <string.h>

#include "knn.h"

#define POLL_EVERY 65536 /* neighbours */

cepman_status cep_neighbors_create(cepman_neighbors **out, cepman_context *ctx, size_t n, size_t k,
                                   int32_t **indices, float **distances)
{
    cep_memory *mem = cep_context_memory(ctx);
    cepman_neighbors *g = cep_alloc_zero(mem, 1, sizeof *g);
    if (!g) return cep_fail_memory(ctx, "neighbours", 1, sizeof *g);
    cep_refs_init(&g->refs);
    g->mem = cep_memory_ref(mem);
    g->n = n;
    g->k = k;
    g->method = "exact";
    g->recall = 1;
    g->indices = cep_alloc(mem, n, k * sizeof *g->indices);
    g->distances = cep_alloc(mem, n, k * sizeof *g->distances);
    if (!g->indices || !g->distances) {
        cepman_neighbors_unref(g);
        return cep_fail_memory(ctx, "neighbours", n, k * (sizeof *g->indices + sizeof *g->distances));
    }
    *indices = g->indices;
    *distances = g->distances;
    *out = g;
    return CEPMAN_OK;
}

static cepman_status check_row(cepman_context *ctx, size_t n, size_t k, size_t i, const int32_t *indices,
                               const float *distances)
{
    for (size_t c = 0; c < k; c++) {
        CEP_REQUIRE(ctx, indices[c] >= 0 && (size_t)indices[c] < n, CEPMAN_ERR_RANGE,
                    "neighbours: row %zu, place %zu names row %d, must be 0 to %zu", i, c, indices[c], n - 1);
        CEP_REQUIRE(ctx, (size_t)indices[c] != i, CEPMAN_ERR_DATA,
                    "neighbours: row %zu names itself at place %zu", i, c);
        for (size_t b = 0; b < c; b++)
            CEP_REQUIRE(ctx, indices[b] != indices[c], CEPMAN_ERR_DATA,
                        "neighbours: row %zu names row %d at places %zu and %zu", i, indices[c], b, c);
        CEP_REQUIRE(ctx, isfinite(distances[c]) && distances[c] >= (c ? distances[c - 1] : 0),
                    CEPMAN_ERR_DATA,
                    "neighbours: row %zu, place %zu: distance %g must be finite, at least 0 and not below "
                    "the one before",
                    i, c, (double)distances[c]);
    }
    return CEPMAN_OK;
}

cepman_status cepman_neighbors_copy(cepman_neighbors **out, cepman_context *ctx, size_t n, size_t k,
                                    const int32_t *indices, const float *distances)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && ((indices && distances) || n == 0 || k == 0), CEPMAN_ERR_ARGUMENT,
                "neighbours: an argument is NULL");
    CEP_REQUIRE(ctx, n <= INT32_MAX, CEPMAN_ERR_RANGE, "neighbours: %zu rows, must be at most %d", n,
                INT32_MAX);
    CEP_REQUIRE(ctx, n == 0 || k < n, CEPMAN_ERR_RANGE, "neighbours: k is %zu, must be below the %zu rows", k,
                n);
    for (size_t i = 0; k && i < n; i++) { /* without neighbours both arrays may be NULL */
        s = check_row(ctx, n, k, i, indices + i * k, distances + i * k);
        if (!s && (i + 1) * k / POLL_EVERY != i * k / POLL_EVERY) s = cep_poll(ctx);
        if (s) return s;
    }
    cepman_neighbors *g = NULL;
    int32_t *to;
    float *far;
    s = cep_neighbors_create(&g, ctx, n, k, &to, &far);
    if (s) return s;
    if (n * k > 0) {
        memcpy(to, indices, n * k * sizeof *indices);
        memcpy(far, distances, n * k * sizeof *distances);
    }
    g->method = "given";
    *out = g;
    return CEPMAN_OK;
}

cepman_neighbors *cepman_neighbors_ref(cepman_neighbors *g)
{
    if (g) cep_refs_get(&g->refs);
    return g;
}

void cepman_neighbors_unref(cepman_neighbors *g)
{
    if (!g || !cep_refs_put(&g->refs)) return;
    cep_memory *mem = g->mem;
    cep_free(mem, g->indices);
    cep_free(mem, g->distances);
    cep_free(mem, g);
    cep_memory_unref(mem);
}

size_t cepman_neighbors_count(const cepman_neighbors *g)
{
    return g ? g->n : 0;
}

size_t cepman_neighbors_k(const cepman_neighbors *g)
{
    return g ? g->k : 0;
}

const int32_t *cepman_neighbors_indices(const cepman_neighbors *g)
{
    return g ? g->indices : NULL;
}

const float *cepman_neighbors_distances(const cepman_neighbors *g)
{
    return g ? g->distances : NULL;
}

const char *cepman_neighbors_method(const cepman_neighbors *g)
{
    return g ? g->method : NULL;
}

double cepman_neighbors_recall(const cepman_neighbors *g)
{
    return g ? g->recall : (double)NAN;
}
