/* Condenses a dendrogram: walking down, a merge is a split only if at least two of its parts have min_size
 * points; smaller parts are points falling out (Campello, Moulavi, Sander 2013, section 4; McInnes and Healy
 * 2017). In the canonical form all merges of one height are one merge, so that the result does not depend on
 * which spanning tree was found. Must not: recurse, or sum in an order that depends on the tree. */
#include <math.h>
#include <string.h>

#include "condense.h"

/* Work arrays over the dendrogram's nodes. */
typedef struct walk {
    uint32_t *head;    /* first node of a node's chain of equal heights */
    uint8_t *big;      /* 0, 1, 2 (or more) parts of min_size, at chain heads */
    uint32_t *cluster; /* the cluster a node continues, or fell out of */
    bool *fallen;
    double *lambda; /* of fallen nodes */
} walk;

static double lambda_of(double distance)
{
    return distance > 0 ? 1 / distance : (double)INFINITY;
}

/* (lambda - birth), where both may be infinite. */
static double persistence(double lambda, double birth)
{
    return lambda > birth ? lambda - birth : 0;
}

static void find_chains(walk *w, const cep_dendrogram *g, const cep_edge *edges, size_t min_size,
                        bool canonical)
{
    size_t n = g->n, root = g->nodes - 1;
    w->head[root] = (uint32_t)root;
    for (size_t v = root; v-- > 0;) {
        uint32_t p = g->parent[v];
        if (canonical && v >= n && edges[v - n].weight == edges[p - n].weight) {
            w->head[v] = w->head[p];
        } else {
            w->head[v] = (uint32_t)v;
            if (g->size[v] >= min_size && w->big[w->head[p]] < 2) w->big[w->head[p]]++;
        }
    }
}

/* Top-down; clusters are numbered as they are met. */
static void walk_down(cep_condensed *c, walk *w, const cep_dendrogram *g, const cep_edge *edges,
                      size_t min_size)
{
    size_t n = g->n, root = g->nodes - 1;
    c->parent[0] = CEP_NO_CLUSTER;
    c->size[0] = (uint32_t)n;
    c->birth[0] = c->death[0] = 0;
    c->clusters = 1;
    w->cluster[root] = 0;
    w->fallen[root] = false;
    for (size_t v = root; v-- > 0;) {
        uint32_t p = g->parent[v], own = w->cluster[p];
        w->cluster[v] = own;
        w->fallen[v] = w->fallen[p];
        w->lambda[v] = w->lambda[p];
        if (w->head[v] != v || w->fallen[p]) continue;
        double lambda = lambda_of(edges[p - n].weight);
        if (lambda > c->death[own]) c->death[own] = lambda;
        w->lambda[v] = lambda;
        if (g->size[v] < min_size) {
            w->fallen[v] = true;
        } else if (w->big[w->head[p]] >= 2) {
            uint32_t k = (uint32_t)c->clusters++;
            c->parent[k] = own;
            c->size[k] = g->size[v];
            c->birth[k] = lambda;
            c->death[k] = 0;
            w->cluster[v] = k;
        }
    }
    for (size_t i = 0; i < n; i++) {
        c->point_cluster[i] = w->cluster[i];
        c->point_lambda[i] = n > 1 ? w->lambda[i] : 0;
    }
}

/* Renumbers the clusters breadth first, siblings by their smallest point. */
static cepman_status renumber(cep_condensed *c, cepman_context *ctx)
{
    size_t m = c->clusters;
    uint32_t *smallest = cep_alloc(c->mem, m, sizeof *smallest), *order = cep_alloc(c->mem, m, sizeof *order);
    uint32_t *number = cep_alloc(c->mem, m, sizeof *number),
             *starts = cep_alloc_zero(c->mem, m + 1, sizeof *starts);
    uint32_t *children = cep_alloc(c->mem, m, sizeof *children);
    double *old = cep_alloc(c->mem, 2 * m, sizeof *old);
    cepman_status s = CEPMAN_OK;
    if (!smallest || !order || !number || !starts || !children || !old)
        s = cep_fail_memory(ctx, "condensed tree", m, 5 * sizeof *order + 2 * sizeof *old);
    if (!s) {
        for (size_t k = 0; k < m; k++)
            smallest[k] = UINT32_MAX;
        for (size_t i = c->n; i-- > 0;)
            smallest[c->point_cluster[i]] = (uint32_t)i;
        for (size_t k = m; k-- > 1;) {
            if (smallest[k] < smallest[c->parent[k]]) smallest[c->parent[k]] = smallest[k];
            starts[c->parent[k] + 1]++;
        }
        for (size_t k = 0; k < m; k++)
            starts[k + 1] += starts[k];
        memcpy(number, starts, m * sizeof *number);
        for (uint32_t k = 1; k < m; k++) { /* insertion: few children a node */
            uint32_t p = c->parent[k], at = number[p]++;
            for (; at > starts[p] && smallest[children[at - 1]] > smallest[k]; at--)
                children[at] = children[at - 1];
            children[at] = k;
        }
        size_t count = 1;
        order[0] = 0;
        for (size_t at = 0; at < m; at++)
            for (uint32_t t = starts[order[at]]; t < starts[order[at] + 1]; t++)
                order[count++] = children[t];
        for (uint32_t k = 0; k < m; k++)
            number[order[k]] = k;
        memcpy(children, c->parent, m * sizeof *children);
        memcpy(smallest, c->size, m * sizeof *smallest);
        memcpy(old, c->birth, m * sizeof *old);
        memcpy(old + m, c->death, m * sizeof *old);
        for (size_t k = 0; k < m; k++) {
            uint32_t from = order[k];
            c->parent[k] = from ? number[children[from]] : CEP_NO_CLUSTER;
            c->size[k] = smallest[from];
            c->birth[k] = old[from];
            c->death[k] = old[m + from];
        }
        for (size_t i = 0; i < c->n; i++)
            c->point_cluster[i] = number[c->point_cluster[i]];
    }
    void *all[] = {smallest, order, number, starts, children, old};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cep_free(c->mem, all[i]);
    return s;
}

static void sum_stability(cep_condensed *c)
{
    for (size_t k = 0; k < c->clusters; k++)
        c->stability[k] = 0;
    for (size_t i = 0; i < c->n; i++)
        c->stability[c->point_cluster[i]] += persistence(c->point_lambda[i], c->birth[c->point_cluster[i]]);
    for (size_t k = 1; k < c->clusters; k++)
        c->stability[c->parent[k]] += persistence(c->birth[k], c->birth[c->parent[k]]) * c->size[k];
}

cepman_status cep_condense(cep_condensed *c, cepman_context *ctx, const cep_dendrogram *g,
                           const cep_edge *edges, size_t min_size, bool canonical)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t n = g->n, most = 2 * (n / min_size) + 2, nodes = g->nodes;
    *c = (cep_condensed){.mem = mem, .n = n};
    c->parent = cep_alloc(mem, most, sizeof *c->parent);
    c->size = cep_alloc(mem, most, sizeof *c->size);
    c->birth = cep_alloc(mem, most, sizeof *c->birth);
    c->death = cep_alloc(mem, most, sizeof *c->death);
    c->stability = cep_alloc(mem, most, sizeof *c->stability);
    c->point_cluster = cep_alloc(mem, n, sizeof *c->point_cluster);
    c->point_lambda = cep_alloc(mem, n, sizeof *c->point_lambda);
    walk w = {cep_alloc(mem, nodes, sizeof *w.head), cep_alloc_zero(mem, nodes, sizeof *w.big),
              cep_alloc(mem, nodes, sizeof *w.cluster), cep_alloc(mem, nodes, sizeof *w.fallen),
              cep_alloc_zero(mem, nodes, sizeof *w.lambda)};
    bool good = c->parent && c->size && c->birth && c->death && c->stability && c->point_cluster &&
                c->point_lambda && w.head && w.big && w.cluster && w.fallen && w.lambda;
    cepman_status s = good ? cep_poll(ctx) : cep_fail_memory(ctx, "condensed tree", nodes, 18);
    if (!s && n) {
        find_chains(&w, g, edges, min_size, canonical);
        walk_down(c, &w, g, edges, min_size);
    }
    cep_free(mem, w.head);
    cep_free(mem, w.big);
    cep_free(mem, w.cluster);
    cep_free(mem, w.fallen);
    cep_free(mem, w.lambda);
    if (!s && n) s = renumber(c, ctx);
    if (!s && n) sum_stability(c);
    if (s) cep_condensed_clear(c);
    return s;
}

void cep_condensed_clear(cep_condensed *c)
{
    if (!c->mem) return;
    void *all[] = {c->parent, c->size, c->birth, c->death, c->stability, c->point_cluster, c->point_lambda};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cep_free(c->mem, all[i]);
    *c = (cep_condensed){0};
}
