/* From k nearest neighbours to the fuzzy simplicial set: smooth distances, memberships, union.
 * McInnes, Healy, Melville 2018, algorithms 2 and 3, with the conventions of the reference implementation: 64
 * bisections to within 1e-5, sigma at least 1e-3 of the mean distance.
 * Must not: know how neighbours were found. */
#include <math.h>

#include "exec.h"
#include "umap.h"

#define BISECTIONS 64
#define TOLERANCE 1e-5
#define LEAST_SCALE 1e-3
#define ROWS 256 /* of one item of work */

void cep_umap_graph_free(cep_memory *mem, cep_umap_graph *g)
{
    cep_free(mem, g->starts);
    cep_free(mem, g->columns);
    cep_free(mem, g->weights);
    *g = (cep_umap_graph){0};
}

static double membership(double distance, double rho, double sigma)
{
    return distance > rho && sigma > 0 ? exp(-(distance - rho) / sigma) : 1.0;
}

/* The first `near` of k distances; the others are infinitely far. */
static void smooth(const float *distances, size_t near, size_t k, double local_connectivity, double mean,
                   double *rho, double *sigma)
{
    size_t zeros = 0;
    double sum = 0;
    for (size_t j = 0; j < near; j++) {
        zeros += distances[j] <= 0;
        sum += (double)distances[j];
    }
    const float *positive = distances + zeros; /* ascending: zeros come first */
    const size_t found = near - zeros;
    double r = 0;
    if (found && (double)found >= local_connectivity) {
        size_t whole = (size_t)local_connectivity;
        double part = local_connectivity - (double)whole;
        if (whole == 0) {
            r = part * (double)positive[0];
        } else {
            r = (double)positive[whole - 1];
            if (part > TOLERANCE) r += part * ((double)positive[whole] - (double)positive[whole - 1]);
        }
    } else if (found) {
        r = (double)positive[found - 1];
    }
    const double target = log2((double)(k + 1));
    double low = 0, high = INFINITY, middle = 1;
    for (int i = 0; i < BISECTIONS; i++) {
        double total = 0;
        for (size_t j = 0; j < near; j++)
            total += membership((double)distances[j], r, middle);
        if (fabs(total - target) < TOLERANCE) break;
        if (total > target) {
            high = middle;
            middle = (low + high) / 2;
        } else {
            low = middle;
            middle = isinf(high) ? middle * 2 : (low + high) / 2;
        }
    }
    double least = LEAST_SCALE * (r > 0 ? sum / (double)(k + 1) : mean);
    *rho = r;
    *sigma = middle < least ? least : middle;
}

void cep_umap_smooth(const float *distances, size_t k, double local_connectivity, double mean, double *rho,
                     double *sigma)
{
    smooth(distances, k, k, local_connectivity, mean, rho, sigma);
}

double cep_umap_membership(double distance, double rho, double sigma)
{
    return membership(distance, rho, sigma);
}

/* ---- memberships --------------------------------------------------------------------------------------------- */

typedef struct rows_job {
    size_t n, k;
    const float *distances;
    double local_connectivity, cut, mean;
    double *sums; /* one per item */
    float *weights;
} rows_job;

static cepman_status sum_rows(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    rows_job *job = argument;
    size_t last = (item + 1) * ROWS < job->n ? (item + 1) * ROWS : job->n;
    double sum = 0;
    (void)worker;
    (void)fault;
    for (size_t i = item * ROWS * job->k; i < last * job->k; i++)
        if ((double)job->distances[i] < job->cut) sum += (double)job->distances[i];
    job->sums[item] = sum;
    return CEPMAN_OK;
}

static cepman_status weigh_rows(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    rows_job *job = argument;
    size_t last = (item + 1) * ROWS < job->n ? (item + 1) * ROWS : job->n;
    (void)worker;
    (void)fault;
    for (size_t i = item * ROWS; i < last; i++) {
        const float *d = job->distances + i * job->k;
        double rho, sigma;
        size_t near = job->k;
        while (near && (double)d[near - 1] >= job->cut)
            near--;
        smooth(d, near, job->k, job->local_connectivity, job->mean, &rho, &sigma);
        for (size_t j = 0; j < job->k; j++)
            job->weights[i * job->k + j] = j < near ? (float)membership((double)d[j], rho, sigma) : 0;
    }
    return CEPMAN_OK;
}

cepman_status cep_umap_memberships(cepman_context *ctx, size_t n, size_t k, const float *distances,
                                   double local_connectivity, double cut, float *weights, double *mean)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t items = (n + ROWS - 1) / ROWS;
    double *sums = cep_alloc(mem, items, sizeof *sums);
    if (!sums) return cep_fail_memory(ctx, "fuzzy graph", items, sizeof *sums);
    rows_job job = {n, k, distances, local_connectivity, cut, 0, sums, weights};
    cepman_status s = cep_parallel(ctx, NULL, items, sum_rows, &job);
    if (!s && n) {
        double sum = 0;
        for (size_t i = 0; i < items; i++)
            sum += sums[i];
        job.mean = sum / ((double)n * (double)(k + 1));
        s = cep_parallel(ctx, "fuzzy graph", items, weigh_rows, &job);
    }
    if (mean) *mean = job.mean;
    cep_free(mem, sums);
    return s;
}

/* ---- union ----------------------------------------------------------------------------------------------------- */

typedef struct union_job {
    size_t n, k;
    const int32_t *indices;
    const float *weights;
    double mix;
    const size_t *back_starts; /* the transpose, columns ascending */
    const int32_t *back_columns;
    const float *back_weights;
    int32_t *scratch;      /* per worker: k column numbers, sorted by what they point at */
    size_t *counts;        /* first pass: entries per row */
    cep_umap_graph *graph; /* second pass; NULL in the first */
} union_job;

/* Merges row i of A with row i of A'; counts only when the job has no graph yet. */
static size_t merge_row(const union_job *job, size_t i, int32_t *by_index)
{
    const size_t k = job->k;
    const int32_t *to = job->indices + i * k;
    const float *w = job->weights + i * k;
    for (size_t j = 0; j < k; j++) {
        size_t p = j;
        for (; p && to[by_index[p - 1]] > to[j]; p--)
            by_index[p] = by_index[p - 1];
        by_index[p] = (int32_t)j;
    }
    size_t a = 0, b = job->back_starts[i], b_end = job->back_starts[i + 1], made = 0;
    while (a < k || b < b_end) {
        int32_t ca = a < k ? to[by_index[a]] : INT32_MAX, cb = b < b_end ? job->back_columns[b] : INT32_MAX;
        int32_t column = ca < cb ? ca : cb;
        double x = ca == column ? (double)w[by_index[a++]] : 0;
        double y = cb == column ? (double)job->back_weights[b++] : 0;
        float value = (float)(job->mix * (x + y - x * y) + (1 - job->mix) * x * y);
        if (!(value > 0)) continue;
        if (job->graph) {
            job->graph->columns[job->graph->starts[i] + made] = column;
            job->graph->weights[job->graph->starts[i] + made] = value < 1 ? value : 1;
        }
        made++;
    }
    return made;
}

static cepman_status merge_rows(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    union_job *job = argument;
    size_t last = (item + 1) * ROWS < job->n ? (item + 1) * ROWS : job->n;
    (void)fault;
    for (size_t i = item * ROWS; i < last; i++) {
        size_t made = merge_row(job, i, job->scratch + worker * job->k);
        if (!job->graph) job->counts[i] = made;
    }
    return CEPMAN_OK;
}

cepman_status cep_umap_unite(cep_umap_graph *out, cepman_context *ctx, size_t n, size_t k,
                             const int32_t *indices, const float *weights, double mix)
{
    cep_memory *mem = cep_context_memory(ctx);
    cepman_status s = CEPMAN_OK;
    const size_t entries = n * k, items = (n + ROWS - 1) / ROWS;
    cep_umap_graph graph = {n, cep_alloc_zero(mem, n + 1, sizeof *graph.starts), NULL, NULL};
    size_t *starts = cep_alloc_zero(mem, n + 2, sizeof *starts);
    int32_t *columns = cep_alloc(mem, entries, sizeof *columns);
    float *back = cep_alloc(mem, entries, sizeof *back);
    int32_t *scratch = cep_alloc(mem, cep_workers(ctx), (k + 1) * sizeof *scratch);
    if (!graph.starts || !starts || !columns || !back || !scratch) {
        s = cep_fail_memory(ctx, "fuzzy graph", entries, 2 * sizeof *back);
        goto end;
    }
    /* Transpose by counting. starts is shifted by one so that filling leaves it in place. */
    for (size_t e = 0; e < entries; e++)
        starts[indices[e] + 2]++;
    for (size_t i = 0; i < n; i++)
        starts[i + 2] += starts[i + 1];
    for (size_t e = 0; e < entries; e++) {
        size_t at = starts[indices[e] + 1]++;
        columns[at] = (int32_t)(e / k);
        back[at] = weights[e];
        if (e % 1000000 == 0 && (s = cep_poll(ctx))) goto end;
    }
    union_job job = {n, k, indices, weights, mix, starts, columns, back, scratch, graph.starts + 1, NULL};
    s = cep_parallel(ctx, NULL, items, merge_rows, &job);
    if (s) goto end;
    for (size_t i = 0; i < n; i++)
        graph.starts[i + 1] += graph.starts[i];
    graph.columns = cep_alloc(mem, graph.starts[n], sizeof *graph.columns);
    graph.weights = cep_alloc(mem, graph.starts[n], sizeof *graph.weights);
    if (!graph.columns || !graph.weights) {
        s = cep_fail_memory(ctx, "fuzzy graph", graph.starts[n], 2 * sizeof *graph.weights);
        goto end;
    }
    job.graph = &graph;
    s = cep_parallel(ctx, NULL, items, merge_rows, &job);
end:
    cep_free(mem, scratch);
    cep_free(mem, back);
    cep_free(mem, columns);
    cep_free(mem, starts);
    if (s)
        cep_umap_graph_free(mem, &graph);
    else
        *out = graph;
    return s;
}

cepman_status cep_umap_fuzzy(cep_umap_graph *out, cepman_context *ctx, const cepman_neighbors *neighbors,
                             double local_connectivity, double mix, double cut, double *mean)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t n = cepman_neighbors_count(neighbors), k = cepman_neighbors_k(neighbors);
    float *weights = cep_alloc(mem, n * k, sizeof *weights);
    if (!weights) return cep_fail_memory(ctx, "fuzzy graph", n * k, sizeof *weights);
    cepman_status s = cep_umap_memberships(ctx, n, k, cepman_neighbors_distances(neighbors),
                                           local_connectivity, cut, weights, mean);
    if (!s) s = cep_umap_unite(out, ctx, n, k, cepman_neighbors_indices(neighbors), weights, mix);
    cep_free(mem, weights);
    return s;
}

cepman_status cep_umap_prune(cep_umap_graph *out, cepman_context *ctx, const cep_umap_graph *graph,
                             size_t epochs)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = graph->n, entries = graph->starts[n];
    float most = 0;
    for (size_t e = 0; e < entries; e++)
        most = graph->weights[e] > most ? graph->weights[e] : most;
    const double least = (double)most / (double)epochs;
    size_t kept = 0;
    for (size_t e = 0; e < entries; e++)
        kept += (double)graph->weights[e] >= least;
    cep_umap_graph g = {n, cep_alloc(mem, n + 1, sizeof *g.starts), cep_alloc(mem, kept, sizeof *g.columns),
                        cep_alloc(mem, kept, sizeof *g.weights)};
    if (!g.starts || !g.columns || !g.weights) {
        cep_umap_graph_free(mem, &g);
        return cep_fail_memory(ctx, "graph of the layout", kept, 2 * sizeof *g.weights);
    }
    kept = 0;
    for (size_t i = 0; i < n; i++) {
        g.starts[i] = kept;
        for (size_t e = graph->starts[i]; e < graph->starts[i + 1]; e++) {
            if ((double)graph->weights[e] < least) continue;
            g.columns[kept] = graph->columns[e];
            g.weights[kept++] = graph->weights[e];
        }
    }
    g.starts[n] = kept;
    *out = g;
    return CEPMAN_OK;
}
