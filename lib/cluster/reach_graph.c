/* Core distances and the spanning forest of a graph of nearest neighbours: Boruvka's rounds (1926) over the lists, each
 * edge read from both of its ends. Parts that the graph leaves apart are joined at infinity.
 * Must not: hold more than O(n) beside the graph, or let ties close a cycle; each edge is checked when it joins. */
#include <math.h>

#include "linkage.h"

typedef struct forest {
    const int32_t *index;
    const float *distance;
    size_t n, k;
    double alpha;
    const double *core;
    uint32_t *up, *part, *from, *to; /* union-find; part of each row in this round; its lightest edge */
    double *best;
    bool *done; /* all of the row's list is in its part */
} forest;

static uint32_t find(uint32_t *up, uint32_t x)
{
    while (up[x] != x) {
        up[x] = up[up[x]];
        x = up[x];
    }
    return x;
}

static void consider(forest *f, uint32_t part, uint32_t a, uint32_t b, double w)
{
    if (w >= f->best[part]) return;
    f->best[part] = w;
    f->from[part] = a;
    f->to[part] = b;
}

static void read_list(forest *f, uint32_t i)
{
    uint32_t own = f->part[i];
    bool done = true;
    for (size_t c = i * f->k; c < (i + (size_t)1) * f->k; c++) {
        uint32_t j = (uint32_t)f->index[c], other = f->part[j];
        if (other == own) continue;
        done = false;
        double w = (double)f->distance[c] / f->alpha;
        if (f->core[i] > w) w = f->core[i];
        if (f->core[j] > w) w = f->core[j];
        consider(f, own, i, j, w);
        consider(f, other, i, j, w);
    }
    f->done[i] = done;
}

/* Joins every part along its lightest edge. */
static size_t join_parts(forest *f, cep_edge *edges, size_t found)
{
    for (uint32_t p = 0; p < f->n; p++) {
        if (f->part[p] != p || f->from[p] == UINT32_MAX) continue;
        uint32_t x = find(f->up, f->from[p]), y = find(f->up, f->to[p]);
        if (x == y) continue;
        f->up[x < y ? y : x] = x < y ? x : y;
        edges[found++] = (cep_edge){f->best[p], f->from[p], f->to[p]};
    }
    return found;
}

static cepman_status grow(forest *f, cepman_context *ctx, cep_edge *edges)
{
    size_t n = f->n, found = 0, before = SIZE_MAX;
    cepman_status s = CEPMAN_OK;
    for (uint32_t i = 0; i < n; i++) {
        f->up[i] = i;
        f->done[i] = false;
    }
    while (!s && found + 1 < n && found != before) {
        before = found;
        cep_progress(ctx, "hdbscan tree", found, n - 1);
        for (uint32_t i = 0; i < n; i++) {
            f->part[i] = find(f->up, i);
            f->best[i] = (double)INFINITY;
            f->from[i] = UINT32_MAX;
        }
        for (uint32_t i = 0; !s && i < n; i++) {
            if (!f->done[i]) read_list(f, i);
            if (i % 4096 == 4095) s = cep_poll(ctx);
        }
        if (!s) found = join_parts(f, edges, found);
    }
    for (uint32_t i = 1; !s && found + 1 < n && i < n; i++)
        if (find(f->up, i) != find(f->up, 0)) {
            f->up[find(f->up, i)] = find(f->up, 0);
            edges[found++] = (cep_edge){(double)INFINITY, 0, i};
        }
    if (!s) cep_progress(ctx, "hdbscan tree", n - 1, n - 1);
    return s;
}

cepman_status cep_reach_graph(cepman_context *ctx, const cepman_neighbors *graph, size_t samples,
                              double alpha, double *core, cep_edge *edges)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t n = cepman_neighbors_count(graph), k = cepman_neighbors_k(graph);
    forest f = {.index = cepman_neighbors_indices(graph),
                .distance = cepman_neighbors_distances(graph),
                .n = n,
                .k = k,
                .alpha = alpha,
                .core = core};
    for (size_t i = 0; i < n; i++)
        core[i] = (double)f.distance[i * k + samples - 1];
    f.up = cep_alloc(mem, n, sizeof *f.up);
    f.part = cep_alloc(mem, n, sizeof *f.part);
    f.from = cep_alloc(mem, n, sizeof *f.from);
    f.to = cep_alloc(mem, n, sizeof *f.to);
    f.best = cep_alloc(mem, n, sizeof *f.best);
    f.done = cep_alloc(mem, n, sizeof *f.done);
    cepman_status s = f.up && f.part && f.from && f.to && f.best && f.done
                          ? grow(&f, ctx, edges)
                          : cep_fail_memory(ctx, "spanning forest", n, 25);
    void *all[] = {f.up, f.part, f.from, f.to, f.best, f.done};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cep_free(mem, all[i]);
    return s;
}
