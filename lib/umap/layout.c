/* The layout: stochastic gradient descent on the fuzzy set cross entropy, in an order that threads cannot change.
 * McInnes, Healy, Melville 2018, algorithm 5. An epoch runs through the rounds of the schedule; the edges of a round
 * share no point, so that threads can take any of them. Negative samples are drawn from positions of the epoch's
 * start. Both ends of an edge move by the same force: moving points one by one against neighbours that stand still
 * was tried and tore smooth manifolds, since its noise does not cancel over a neighbourhood.
 * Must not: read a position that another edge of the same round writes. */
#include <string.h>

#include "exec.h"
#include "kernels.h"
#include "umap.h"

#define POLL_EVERY 2048 /* edges in no round, between polls */

typedef struct round_job {
    const cep_layout_kernels *kernels;
    const cep_umap_schedule *plan;
    cep_layout_epoch epoch;
    size_t first, count; /* the epoch begins with item `first` of so many */
    size_t *starts;      /* of its rounds */
} round_job;

static cepman_status meet_edges(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    const round_job *job = argument;
    const size_t at = item + job->first < job->count ? item + job->first : item + job->first - job->count;
    (void)worker;
    (void)fault;
    job->kernels->meet(&job->epoch, job->plan->items[at], job->plan->items[at + 1]);
    return CEPMAN_OK;
}

static cepman_status run_epoch(cepman_context *ctx, round_job *job, uint64_t turn)
{
    const cep_umap_schedule *plan = job->plan;
    cepman_status s = CEPMAN_OK;
    if (plan->rounds) { /* none has the last word every time */
        const size_t from = (size_t)turn % plan->rounds;
        job->first = plan->firsts[from];
        job->starts[0] = 0;
        for (size_t r = 0; r < plan->rounds; r++) {
            const size_t round = (from + r) % plan->rounds;
            job->starts[r + 1] = job->starts[r] + plan->firsts[round + 1] - plan->firsts[round];
        }
        s = cep_parallel_rounds(ctx, job->starts, plan->rounds, meet_edges, job);
    }
    for (size_t e = plan->left; !s && e < plan->count; e++) {
        job->kernels->meet(&job->epoch, e, e + 1);
        if (e % POLL_EVERY == 0) s = cep_poll(ctx);
    }
    return s;
}

cepman_status cep_umap_layout(cepman_context *ctx, const cep_umap_graph *graph, const cep_umap_forces *forces,
                              size_t dims, float *rows)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = graph->n, stride = CEP_LAYOUT_STRIDE(dims);
    cep_umap_schedule plan = {0};
    uint32_t *order = cep_alloc(mem, n, sizeof *order), *place = cep_alloc(mem, n, sizeof *place);
    cepman_status s = order && place ? cep_umap_order(ctx, rows, n, dims, order)
                                     : cep_fail_memory(ctx, "layout", n, 2 * sizeof *order);
    for (size_t i = 0; !s && i < n; i++)
        place[order[i]] = (uint32_t)i;
    if (!s) s = cep_umap_plan(&plan, ctx, graph, place, forces->seed);
    if (s) {
        cep_free(mem, place);
        cep_free(mem, order);
        return s;
    }
    float *points = cep_alloc_zero(mem, n, stride * sizeof *points);
    float *sampled = cep_alloc(mem, n, stride * sizeof *sampled);
    size_t *starts = cep_alloc(mem, plan.rounds + 1, sizeof *starts);
    if (!points || !sampled || !starts) {
        s = cep_fail_memory(ctx, "layout", n, 2 * stride * sizeof *points);
        goto end;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(points + i * stride, rows + order[i] * dims, dims * sizeof *points);
    round_job job = {
        .kernels = cep_layout_kernels_get(cep_context_cpu(ctx)),
        .plan = &plan,
        .count = plan.firsts[plan.rounds],
        .starts = starts,
        .epoch = {.dims = (unsigned)dims,
                  .points = points,
                  .sampled = sampled,
                  .count = n,
                  .heads = plan.heads,
                  .tails = plan.tails,
                  .rates = plan.rates,
                  .negatives = forces->negatives,
                  .a = (float)forces->a,
                  .b = (float)forces->b,
                  .push = (float)forces->repulsion},
    };
    cep_progress(ctx, "layout", 0, forces->epochs);
    for (size_t e = 1; !s && e < forces->epochs; e++) {
        const uint64_t random = cep_random64(forces->seed, CEP_UMAP_STREAM_LAYOUT, e);
        job.epoch.epoch = (uint32_t)e;
        job.epoch.salt = (uint32_t)(random >> 32);
        job.epoch.step = (float)(forces->learning_rate * (1 - (double)(e - 1) / (double)forces->epochs));
        memcpy(sampled, points, n * stride * sizeof *points);
        s = run_epoch(ctx, &job, random & 0xffff);
        if (!s) cep_progress(ctx, "layout", e + 1, forces->epochs);
    }
    for (size_t i = 0; !s && i < n; i++)
        memcpy(rows + order[i] * dims, points + i * stride, dims * sizeof *points);
end:
    cep_free(mem, starts);
    cep_free(mem, sampled);
    cep_free(mem, points);
    cep_umap_schedule_free(mem, &plan);
    cep_free(mem, place);
    cep_free(mem, order);
    return s;
}
