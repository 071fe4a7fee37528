/* Puts the edges of the points that move into slices of sixteen points, as the layout kernels take them.
 * Sliced ELLPACK with rows sorted by length (Kreutzer et al., SIAM J. Sci. Comput. 36 (2014) C401): points that act
 * about equally often share a slice, and strong edges come first, so that lanes are seldom idle.
 * Must not: depend on threads: a point's place follows from its weights and its number. */
#include "exec.h"
#include "kernels.h"
#include "umap.h"

#define SLICE CEP_LAYOUT_SLICE
#define BUCKETS 4096
#define SLICES 16 /* of one item of work */

typedef struct plan_job {
    const cep_umap_graph *graph;
    const float *scale;
    float largest;
    const uint32_t *places; /* of points; NULL: columns stay */
    cep_umap_schedule *schedule;
    uint64_t *keys; /* per worker: longest row */
    size_t longest;
} plan_job;

static uint32_t rate_of(const plan_job *job, size_t point, float weight)
{
    double most = (double)(job->scale ? job->scale[point] : job->largest);
    double rate = (double)weight / most * (double)CEP_LAYOUT_ALWAYS;
    return rate >= (double)CEP_LAYOUT_ALWAYS ? CEP_LAYOUT_ALWAYS : (uint32_t)rate;
}

/* Heap sort, ascending. */
static void sort_keys(uint64_t *a, size_t n)
{
    for (size_t heap = n / 2, end = n; end > 1;) {
        uint64_t v;
        if (heap > 0) {
            v = a[--heap];
        } else {
            v = a[--end];
            a[end] = a[0];
        }
        size_t i = heap, child;
        while ((child = 2 * i + 1) < end) {
            if (child + 1 < end && a[child + 1] > a[child]) child++;
            if (a[child] <= v) break;
            a[i] = a[child];
            i = child;
        }
        a[i] = v;
    }
}

static cepman_status fill_slices(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    const plan_job *job = argument;
    cep_umap_schedule *p = job->schedule;
    uint64_t *keys = job->keys + worker * job->longest;
    (void)fault;
    for (size_t slice = item * SLICES; slice < p->slices && slice < (item + 1) * SLICES; slice++) {
        const size_t length = p->starts[slice + 1] - p->starts[slice];
        for (size_t lane = 0; lane < SLICE; lane++) {
            const size_t at = slice * SLICE + lane;
            size_t made = 0;
            if (at < p->n) {
                const size_t point = p->order[at];
                for (size_t e = job->graph->starts[point]; e < job->graph->starts[point + 1]; e++) {
                    uint32_t column = (uint32_t)job->graph->columns[e];
                    uint32_t rate = rate_of(job, point, job->graph->weights[e]);
                    if (job->places) column = job->places[column];
                    keys[made++] = (uint64_t)(CEP_LAYOUT_ALWAYS - rate) << 32 | column;
                }
                sort_keys(keys, made);
            }
            for (size_t s = 0; s < length; s++) {
                const size_t slot = (p->starts[slice] + s) * SLICE + lane;
                p->columns[slot] = s < made ? (uint32_t)keys[s] : 0;
                p->rates[slot] = s < made ? CEP_LAYOUT_ALWAYS - (uint32_t)(keys[s] >> 32) : 0;
            }
        }
    }
    return CEPMAN_OK;
}

/* Points by descending sum of rates, in buckets, ties by number. */
static cepman_status sort_points(cepman_context *ctx, const plan_job *job, uint32_t *order)
{
    cep_memory *mem = cep_context_memory(ctx);
    const cep_umap_graph *graph = job->graph;
    const size_t n = graph->n;
    double *sums = cep_alloc(mem, n, sizeof *sums);
    size_t *counts = cep_alloc_zero(mem, BUCKETS + 1, sizeof *counts);
    double most = 0;
    if (!sums || !counts) {
        cep_free(mem, sums);
        cep_free(mem, counts);
        return cep_fail_memory(ctx, "layout", n, sizeof *sums);
    }
    for (size_t i = 0; i < n; i++) {
        sums[i] = 0;
        for (size_t e = graph->starts[i]; e < graph->starts[i + 1]; e++)
            sums[i] += (double)rate_of(job, i, graph->weights[e]);
        most = sums[i] > most ? sums[i] : most;
    }
    for (size_t i = 0; i < n; i++) {
        size_t bucket = most > 0 ? BUCKETS - 1 - (size_t)(sums[i] / most * (BUCKETS - 1)) : 0;
        sums[i] = (double)bucket;
        counts[bucket + 1]++;
    }
    for (size_t b = 0; b < BUCKETS; b++)
        counts[b + 1] += counts[b];
    for (size_t i = 0; i < n; i++)
        order[counts[(size_t)sums[i]]++] = (uint32_t)i;
    cep_free(mem, counts);
    cep_free(mem, sums);
    return CEPMAN_OK;
}

void cep_umap_schedule_free(cep_memory *mem, cep_umap_schedule *p)
{
    cep_free(mem, p->starts);
    cep_free(mem, p->columns);
    cep_free(mem, p->rates);
    cep_free(mem, p->order);
    *p = (cep_umap_schedule){0};
}

cepman_status cep_umap_plan(cep_umap_schedule *out, cepman_context *ctx, const cep_umap_graph *graph,
                            const float *scale, bool together)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = graph->n, slices = (n + SLICE - 1) / SLICE;
    cep_umap_schedule p = {.n = n, .slices = slices};
    plan_job job = {.graph = graph, .scale = scale, .schedule = &p};
    uint32_t *places = NULL;
    size_t slots;
    cepman_status s = CEPMAN_OK;
    for (size_t e = 0; e < graph->starts[n]; e++)
        job.largest = graph->weights[e] > job.largest ? graph->weights[e] : job.largest;
    p.starts = cep_alloc_zero(mem, slices + 1, sizeof *p.starts);
    p.order = cep_alloc(mem, n, sizeof *p.order);
    places = cep_alloc(mem, n, sizeof *places);
    if (!p.starts || !p.order || !places) {
        s = cep_fail_memory(ctx, "layout", n, sizeof *places);
        goto end;
    }
    s = sort_points(ctx, &job, p.order);
    if (s) goto end;
    for (size_t at = 0; at < n; at++) {
        const size_t point = p.order[at], degree = graph->starts[point + 1] - graph->starts[point];
        places[point] = (uint32_t)at;
        job.longest = degree > job.longest ? degree : job.longest;
        if (degree > p.starts[at / SLICE + 1]) p.starts[at / SLICE + 1] = degree;
    }
    for (size_t i = 0; i < slices; i++)
        p.starts[i + 1] += p.starts[i];
    slots = p.starts[slices];
    p.longest = job.longest;
    p.columns = cep_alloc(mem, slots, SLICE * sizeof *p.columns);
    p.rates = cep_alloc(mem, slots, SLICE * sizeof *p.rates);
    job.keys = cep_alloc(mem, cep_workers(ctx), job.longest * sizeof *job.keys);
    job.places = together ? places : NULL;
    if (!p.columns || !p.rates || !job.keys)
        s = cep_fail_memory(ctx, "layout", slots, 2 * SLICE * sizeof *p.rates);
    else
        s = cep_parallel(ctx, NULL, (slices + SLICES - 1) / SLICES, fill_slices, &job);
end:
    cep_free(mem, job.keys);
    cep_free(mem, places);
    if (s)
        cep_umap_schedule_free(mem, &p);
    else
        *out = p;
    return s;
}
