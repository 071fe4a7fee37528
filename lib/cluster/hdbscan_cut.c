/* Views of the tree that need no condensing: the single-linkage table and DBSCAN's clusters at a distance
 * (DBSCAN*: Campello, Moulavi, Sander 2013, section 3).
 * Must not: change the tree. */
#include <string.h>

#include "tree.h"

cepman_status cepman_hdbscan_tree_linkage(const cepman_hdbscan_tree *t, cepman_context *ctx, double *table)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, t && (table || t->n < 2), CEPMAN_ERR_ARGUMENT, "linkage: tree or table is NULL");
    const cep_dendrogram *g = &t->merges;
    for (size_t e = 0; e + 1 < t->n; e++) {
        table[4 * e] = table[4 * e + 1] = -1;
        table[4 * e + 2] = t->edges[e].weight;
        table[4 * e + 3] = (double)g->size[t->n + e];
    }
    for (size_t v = 0; v + 1 < g->nodes; v++) {
        double *row = table + 4 * (g->parent[v] - t->n);
        row[row[0] >= 0] = (double)(v < t->n ? cep_tree_row(t, v) : t->rows + (v - t->n));
    }
    return CEPMAN_OK;
}

cepman_status cepman_hdbscan_tree_cut(cepman_labels **out, cepman_context *ctx, const cepman_hdbscan_tree *t,
                                      double distance, size_t min_cluster_size)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && t, CEPMAN_ERR_ARGUMENT, "cut: out or tree is NULL");
    CEP_REQUIRE(ctx, distance >= 0, CEPMAN_ERR_RANGE, "cut: the distance is %g, must be at least 0",
                distance);
    CEP_REQUIRE(ctx, min_cluster_size >= 1, CEPMAN_ERR_RANGE,
                "cut: min_cluster_size is 0, must be at least 1");
    if ((s = cep_poll(ctx))) return s;
    const cep_dendrogram *g = &t->merges;
    cep_memory *mem = cep_context_memory(ctx);
    cepman_labels *labels = NULL;
    int32_t *values, next = 0, *number = cep_alloc(mem, g->nodes, sizeof *number);
    uint32_t *piece = cep_alloc(mem, g->nodes, sizeof *piece);
    s = number && piece ? cep_labels_create(&labels, ctx, t->rows, &values)
                        : cep_fail_memory(ctx, "cut", g->nodes, sizeof *number + sizeof *piece);
    if (!s) {
        /* Parents first: a node belongs to its parent's piece when that merge is below the distance. */
        for (size_t v = g->nodes; v-- > 0;) {
            uint32_t p = g->parent[v];
            piece[v] = p != UINT32_MAX && t->edges[p - t->n].weight < distance ? piece[p] : (uint32_t)v;
            number[v] = -1;
        }
        memset(values, -1, t->rows * sizeof *values);
        for (size_t i = 0; i < t->n; i++) {
            uint32_t v = piece[i];
            if (g->size[v] < min_cluster_size) continue;
            if (number[v] < 0) number[v] = next++;
            values[cep_tree_row(t, i)] = number[v];
        }
        cep_labels_seal(labels);
        *out = labels;
    }
    cep_free(mem, number);
    cep_free(mem, piece);
    return s;
}
