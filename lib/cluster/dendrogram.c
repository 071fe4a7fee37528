/* Sorts the spanning tree's edges and merges along them: the single-linkage dendrogram.
 * Radix sort on the bits of the weights (positive doubles order like integers), then union-find (Tarjan
 * 1975). Must not: break ties by anything but the order of the input. */
#include <string.h>

#include "linkage.h"

#define DIGIT 11
#define BUCKETS (1u << DIGIT)

static uint64_t key_of(const cep_edge *e)
{
    uint64_t k;
    memcpy(&k, &e->weight, sizeof k);
    return k;
}

cepman_status cep_edges_sort(cepman_context *ctx, cep_edge *edges, size_t count)
{
    cep_memory *mem = cep_context_memory(ctx);
    cep_edge *other = cep_alloc(mem, count, sizeof *other), *from = edges, *to = other;
    size_t *starts = cep_alloc(mem, BUCKETS, sizeof *starts);
    cepman_status s =
        other && starts ? CEPMAN_OK : cep_fail_memory(ctx, "sorting edges", count, sizeof *other);
    for (unsigned shift = 0; !s && shift < 64; shift += DIGIT) {
        memset(starts, 0, BUCKETS * sizeof *starts);
        for (size_t i = 0; i < count; i++)
            starts[key_of(&from[i]) >> shift & (BUCKETS - 1)]++;
        if (!count || starts[key_of(&from[0]) >> shift & (BUCKETS - 1)] == count)
            continue; /* all the same digit */
        size_t sum = 0;
        for (size_t b = 0; b < BUCKETS; b++) {
            size_t here = starts[b];
            starts[b] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            to[starts[key_of(&from[i]) >> shift & (BUCKETS - 1)]++] = from[i];
        cep_edge *t = from;
        from = to;
        to = t;
        s = cep_poll(ctx);
    }
    if (!s && from != edges) memcpy(edges, from, count * sizeof *edges);
    cep_free(mem, starts);
    cep_free(mem, other);
    return s;
}

static uint32_t find(uint32_t *up, uint32_t x)
{
    while (up[x] != x) {
        up[x] = up[up[x]];
        x = up[x];
    }
    return x;
}

cepman_status cep_dendrogram_build(cep_dendrogram *g, cepman_context *ctx, const cep_edge *edges, size_t n)
{
    cep_memory *mem = cep_context_memory(ctx);
    *g = (cep_dendrogram){.mem = mem, .n = n, .nodes = n ? 2 * n - 1 : 0};
    g->parent = cep_alloc(mem, g->nodes, sizeof *g->parent);
    g->size = cep_alloc(mem, g->nodes, sizeof *g->size);
    uint32_t *up = cep_alloc(mem, n, sizeof *up), *top = cep_alloc(mem, n, sizeof *top);
    cepman_status s = CEPMAN_OK;
    if (!g->parent || !g->size || !up || !top) s = cep_fail_memory(ctx, "dendrogram", g->nodes, sizeof *up);
    for (uint32_t i = 0; !s && i < n; i++) {
        up[i] = top[i] = i;
        g->size[i] = 1;
    }
    for (size_t e = 0; !s && e + 1 < n; e++) {
        /* The smaller root number stays: sets of neighbours in memory stay neighbours. */
        uint32_t x = find(up, edges[e].a), y = find(up, edges[e].b), v = (uint32_t)(n + e);
        if (y < x) {
            uint32_t t = x;
            x = y;
            y = t;
        }
        g->parent[top[x]] = g->parent[top[y]] = v;
        g->size[v] = g->size[top[x]] + g->size[top[y]];
        up[y] = x;
        top[x] = v;
        if (e % 65536 == 65535) s = cep_poll(ctx);
    }
    if (!s && n) g->parent[g->nodes - 1] = UINT32_MAX;
    cep_free(mem, top);
    cep_free(mem, up);
    if (s) cep_dendrogram_clear(g);
    return s;
}

void cep_dendrogram_clear(cep_dendrogram *g)
{
    if (!g->mem) return;
    cep_free(g->mem, g->parent);
    cep_free(g->mem, g->size);
    *g = (cep_dendrogram){0};
}
