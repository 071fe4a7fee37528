/* The layout: stochastic gradient descent on the fuzzy set cross entropy, in an order that threads cannot change.
 * McInnes, Healy, Melville 2018, algorithm 5. An epoch has several phases; in a phase a share of the points moves,
 * each over its own edges and its own negative samples, against positions fixed at the phase's start. Both ends of an
 * edge own it, so each takes the pull that the sequential form gives it as head and as tail.
 * Must not: read a position that the same phase writes. */
#include <string.h>

#include "exec.h"
#include "kernels.h"
#include "umap.h"

#define PHASES 4
#define SLICES 16 /* of one item of work */

typedef struct phase_job {
    const cep_layout_kernels *kernels;
    cep_layout_epoch epoch;
    size_t slices, phase, phases;
    uint32_t *scratch; /* per worker */
    size_t scratch_size;
} phase_job;

static size_t slices_of(const phase_job *job)
{
    return job->slices > job->phase ? (job->slices - job->phase + job->phases - 1) / job->phases : 0;
}

static cepman_status move_slices(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    const phase_job *job = argument;
    const size_t count = slices_of(job), last = (item + 1) * SLICES < count ? (item + 1) * SLICES : count;
    (void)fault;
    for (size_t i = item * SLICES; i < last; i++)
        job->kernels->move(&job->epoch, i * job->phases + job->phase,
                           job->scratch + worker * job->scratch_size);
    return CEPMAN_OK;
}

cepman_status cep_umap_layout(cepman_context *ctx, const cep_umap_graph *graph, const cep_umap_forces *forces,
                              size_t dims, float *rows)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = graph->n, stride = (dims + 3) / 4 * 4;
    cep_umap_schedule plan = {0};
    cepman_status s = cep_umap_plan(&plan, ctx, graph, NULL, true);
    if (s) return s;
    const size_t places = plan.slices * CEP_LAYOUT_SLICE, row = CEP_LAYOUT_SLICE * stride;
    float *own = cep_alloc_zero(mem, places, stride * sizeof *own),
          *fresh = cep_alloc(mem, places, stride * sizeof *fresh);
    uint32_t *keys = cep_alloc_zero(mem, places, sizeof *keys);
    const size_t scratch_size = (plan.longest + 1) * CEP_LAYOUT_SLICE;
    uint32_t *scratch = cep_alloc(mem, cep_workers(ctx), scratch_size * sizeof *scratch);
    if (!own || !fresh || !keys || !scratch) {
        s = cep_fail_memory(ctx, "layout", places, 2 * stride * sizeof *own);
        goto end;
    }
    for (size_t at = 0; at < n; at++) {
        memcpy(own + at * stride, rows + plan.order[at] * dims, dims * sizeof *own);
        keys[at] = plan.order[at];
    }
    memset(fresh, 0, places * stride * sizeof *fresh);
    phase_job job = {
        .kernels = cep_layout_kernels_get(cep_context_cpu(ctx)),
        .epoch = {.dims = (unsigned)dims,
                  .stride = stride,
                  .own = own,
                  .fresh = fresh,
                  .others = own,
                  .count = n,
                  .starts = plan.starts,
                  .columns = plan.columns,
                  .rates = plan.rates,
                  .keys = keys,
                  .negatives = forces->negatives,
                  .both = 1,
                  .a = (float)forces->a,
                  .b = (float)forces->b,
                  .push = (float)forces->repulsion},
        .slices = plan.slices,
        .phases = PHASES,
        .scratch = scratch,
        .scratch_size = scratch_size,
    };
    cep_progress(ctx, "layout", 0, forces->epochs);
    for (size_t e = 1; !s && e < forces->epochs; e++) {
        job.epoch.epoch = (uint32_t)e;
        job.epoch.salt = (uint32_t)(cep_random64(forces->seed, CEP_UMAP_STREAM_LAYOUT, e) >> 32);
        job.epoch.step = (float)(forces->learning_rate * (1 - (double)(e - 1) / (double)forces->epochs));
        cep_progress(ctx, "layout", e, forces->epochs);
        for (job.phase = 0; !s && job.phase < job.phases; job.phase++) {
            const size_t count = slices_of(&job);
            s = cep_parallel(ctx, NULL, (count + SLICES - 1) / SLICES, move_slices, &job);
            for (size_t i = 0; !s && i < count; i++) {
                const size_t at = (i * job.phases + job.phase) * row;
                memcpy(own + at, fresh + at, row * sizeof *own);
            }
        }
    }
    if (!s) cep_progress(ctx, "layout", forces->epochs, forces->epochs);
    for (size_t at = 0; !s && at < n; at++)
        memcpy(rows + plan.order[at] * dims, own + at * stride, dims * sizeof *own);
end:
    cep_free(mem, scratch);
    cep_free(mem, keys);
    cep_free(mem, fresh);
    cep_free(mem, own);
    cep_umap_schedule_free(mem, &plan);
    return s;
}
