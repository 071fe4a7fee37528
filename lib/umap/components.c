/* Pieces of a graph that no edge joins.
 * Breadth-first search from the lowest point not yet seen.
 * Must not: recurse. */
#include "umap.h"

cepman_status cep_umap_components(cepman_context *ctx, const cep_umap_graph *graph, int32_t *labels,
                                  size_t *count)
{
    cep_memory *mem = cep_context_memory(ctx);
    int32_t *queue = cep_alloc(mem, graph->n, sizeof *queue);
    if (!queue) return cep_fail_memory(ctx, "connected pieces", graph->n, sizeof *queue);
    size_t pieces = 0;
    for (size_t i = 0; i < graph->n; i++)
        labels[i] = -1;
    for (size_t i = 0; i < graph->n; i++) {
        if (labels[i] >= 0) continue;
        size_t head = 0, tail = 0;
        queue[tail++] = (int32_t)i;
        labels[i] = (int32_t)pieces;
        while (head < tail) {
            size_t v = (size_t)queue[head++];
            for (size_t e = graph->starts[v]; e < graph->starts[v + 1]; e++) {
                int32_t u = graph->columns[e];
                if (labels[u] >= 0) continue;
                labels[u] = (int32_t)pieces;
                queue[tail++] = u;
            }
        }
        pieces++;
    }
    cep_free(mem, queue);
    *count = pieces;
    return CEPMAN_OK;
}

cepman_status cep_umap_piece(cep_umap_graph *out, cepman_context *ctx, const cep_umap_graph *graph,
                             const int32_t *members, size_t count, int32_t *place)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t entries = 0;
    for (size_t i = 0; i < count; i++) {
        size_t v = (size_t)members[i];
        place[v] = (int32_t)i;
        entries += graph->starts[v + 1] - graph->starts[v];
    }
    cep_umap_graph g = {count, cep_alloc(mem, count + 1, sizeof *g.starts),
                        cep_alloc(mem, entries, sizeof *g.columns),
                        cep_alloc(mem, entries, sizeof *g.weights)};
    if (!g.starts || !g.columns || !g.weights) {
        cep_umap_graph_free(mem, &g);
        return cep_fail_memory(ctx, "graph of a piece", entries, 2 * sizeof *g.weights);
    }
    entries = 0;
    for (size_t i = 0; i < count; i++) {
        size_t v = (size_t)members[i];
        g.starts[i] = entries;
        for (size_t e = graph->starts[v]; e < graph->starts[v + 1]; e++) {
            g.columns[entries] = place[graph->columns[e]];
            g.weights[entries++] = graph->weights[e];
        }
    }
    g.starts[count] = entries;
    *out = g;
    return CEPMAN_OK;
}
