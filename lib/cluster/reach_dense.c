/* Core distances by brute force and the spanning tree by Prim's algorithm, for any number of features.
 * Distances are computed in float32 when needed and never kept; those that matter are computed again in
 * double. Must not: let a float32 distance decide; it only rules pairs out, with its rounding error as slack.
 */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "linkage.h"

#define TILE 64 /* rows that stay in the cache while several queries pass */

typedef struct dense_job {
    cep_reach *r;
    const cep_centres_kernels *kernels;
    size_t queries, chunk;
    float slack;
    float *near;   /* core distances: queries * n per worker */
    double *exact; /* n per worker */
    /* Prim */
    double *key; /* smallest weight to the tree; negative: in the tree */
    uint32_t *from, *best;
    uint32_t current;
} dense_job;

static cepman_status core_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    dense_job *job = argument;
    const cep_points *p = job->r->points;
    size_t n = p->n, q0 = index * job->queries, count = n - q0 < job->queries ? n - q0 : job->queries;
    float *near = job->near + (size_t)worker * (job->queries + 1) * n, *copy = near + job->queries * n;
    double *exact = job->exact + (size_t)worker * n;
    size_t k = job->r->samples - 1;
    (void)fault;
    for (size_t t = 0; t < n; t += TILE)
        for (size_t q = 0; q < count; q += 4) { /* four queries stay in the nearest cache */
            const float *rows[4];
            for (size_t i = 0; i < 4; i++)
                rows[i] = p->row[q0 + (q + i < count ? q + i : q)];
            for (size_t j = t; j < t + TILE && j < n; j++) {
                float four[4];
                job->kernels->squared(rows, p->row[j], p->d, four);
                for (size_t i = 0; i < 4 && q + i < count; i++)
                    near[(q + i) * n + j] = four[i];
            }
        }
    for (size_t q = 0; q < count; q++) {
        float *x = near + q * n;
        size_t m = 0;
        for (size_t j = 0; j < n; j++)
            if (j != q0 + q) copy[m++] = x[j] < INFINITY ? x[j] : INFINITY;
        float limit = cep_select_f32(copy, m, k) * (1 + 4 * job->slack) + 1e-37f;
        m = 0;
        for (size_t j = 0; j < n; j++)
            if (j != q0 + q && !(x[j] > limit)) exact[m++] = cep_squared(p->row[q0 + q], p->row[j], p->d);
        job->r->core[q0 + q] = cep_select_f64(exact, m, k);
    }
    return CEPMAN_OK;
}

/* Lowers the keys of up to four points by the one that has just joined. */
static void lower_keys(dense_job *job, const uint32_t *points, size_t count)
{
    const cep_reach *r = job->r;
    const float *rows[4];
    float four[4], least = (float)((1 - 4 * (double)job->slack) / r->alpha_square);
    uint32_t c = job->current;
    for (size_t i = 0; i < 4; i++)
        rows[i] = r->points->row[points[i < count ? i : 0]];
    job->kernels->squared(rows, r->points->row[c], r->points->d, four);
    for (size_t i = 0; i < count; i++) {
        uint32_t j = points[i];
        if (four[i] < INFINITY && (double)((four[i] - 1e-37f) * least) >= job->key[j]) continue;
        double w = cep_reach_weight(r, c, j);
        if (w < job->key[j]) {
            job->key[j] = w;
            job->from[j] = c;
        }
    }
}

/* Lowers the keys of a chunk; its best is the smallest, the first of equal ones. */
static cepman_status prim_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    dense_job *job = argument;
    const cep_reach *r = job->r;
    uint32_t c = job->current, first = (uint32_t)(index * job->chunk), best = UINT32_MAX, waiting[4];
    uint32_t end = r->points->n - first < job->chunk ? (uint32_t)r->points->n : first + (uint32_t)job->chunk;
    size_t count = 0;
    (void)worker;
    (void)fault;
    for (uint32_t j = first; j < end; j++) {
        if (!(r->core[j] < job->key[j] && r->core[c] < job->key[j])) continue; /* also those in the tree */
        waiting[count++] = j;
        if (count < 4) continue;
        lower_keys(job, waiting, 4);
        count = 0;
    }
    if (count) lower_keys(job, waiting, count);
    for (uint32_t j = first; j < end; j++)
        if (job->key[j] >= 0 && (best == UINT32_MAX || job->key[j] < job->key[best])) best = j;
    job->best[index] = best;
    return CEPMAN_OK;
}

static cepman_status prim(dense_job *job, size_t chunks)
{
    cep_reach *r = job->r;
    size_t n = r->points->n;
    for (size_t i = 0; i < n; i++)
        job->key[i] = (double)INFINITY;
    job->current = 0;
    job->key[0] = -1;
    for (size_t e = 0; e + 1 < n; e++) {
        cepman_status s = cep_parallel(r->ctx, NULL, chunks, prim_chunk, job);
        if (s) return s;
        if (e % 256 == 0) cep_progress(r->ctx, "hdbscan tree", e, n - 1);
        uint32_t best = UINT32_MAX;
        for (size_t c = 0; c < chunks; c++)
            if (job->best[c] != UINT32_MAX && (best == UINT32_MAX || job->key[job->best[c]] < job->key[best]))
                best = job->best[c];
        r->edges[e] = (cep_edge){job->key[best], job->from[best], best};
        job->key[best] = -1;
        job->current = best;
    }
    cep_progress(r->ctx, "hdbscan tree", n - 1, n - 1);
    return CEPMAN_OK;
}

cepman_status cep_reach_dense(cep_reach *r)
{
    size_t n = r->points->n, d = r->points->d, items, rows;
    unsigned workers = cep_workers(r->ctx);
    dense_job job = {.r = r, .kernels = cep_centres_kernels_get(cep_context_cpu(r->ctx))};
    job.slack = (float)(1.5 * ((double)d / 8 + 8) * 0x1p-24);
    job.queries = n <= 65536 ? 16 : 4;
    if (!cep_mul(workers * (job.queries + 1), n, &items) || !cep_mul(workers, n, &rows))
        items = rows = SIZE_MAX;
    job.near = cep_alloc(r->mem, items, sizeof *job.near);
    job.exact = job.near ? cep_alloc(r->mem, rows, sizeof *job.exact) : NULL;
    cepman_status s = job.exact ? cep_parallel(r->ctx, "hdbscan core distances",
                                               (n + job.queries - 1) / job.queries, core_chunk, &job)
                                : cep_fail_memory(r->ctx, "core distances", items, sizeof *job.near);
    cep_free(r->mem, job.near);
    cep_free(r->mem, job.exact);
    if (s) return s;

    job.chunk = 65536 / d < 64 ? 64 : 65536 / d;
    size_t chunks = (n + job.chunk - 1) / job.chunk;
    job.key = cep_alloc(r->mem, n, sizeof *job.key);
    job.from = cep_alloc_zero(r->mem, n, sizeof *job.from);
    job.best = cep_alloc(r->mem, chunks, sizeof *job.best);
    s = job.key && job.from && job.best ? prim(&job, chunks)
                                        : cep_fail_memory(r->ctx, "spanning tree", n, sizeof *job.key);
    cep_free(r->mem, job.key);
    cep_free(r->mem, job.from);
    cep_free(r->mem, job.best);
    return s;
}
