/* A pass over neighbours of neighbours: a neighbour of a neighbour is likely to be a neighbour.
 * Dong, Moses and Li, WWW 2011 (NN-descent), in a form where each row reads one snapshot and changes its own list
 * alone, so that the result does not depend on the order of rows.
 * Must not: change the snapshot within a pass. */
#include <string.h>

#include "forest.h"

#define TASK_ROWS 256
#define AHEAD 4

static cepman_status take_snapshot(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    cep_refiner *r = argument;
    (void)worker;
    (void)fault;
    for (size_t i = index * TASK_ROWS; i < (index + 1) * TASK_ROWS && i < r->p->rows; i++) {
        float keys[CEP_FOLLOWED];
        int32_t before[CEP_FOLLOWED], *to = r->snapshot + i * CEP_FOLLOWED;
        unsigned fresh = 0;
        memcpy(before, to, sizeof before);
        cep_lists_shrink(r->l, i);
        for (size_t c = cep_lists_nearest(r->l, i, CEP_FOLLOWED, keys, to); c < CEP_FOLLOWED; c++)
            to[c] = -1;
        for (size_t c = 0; c < CEP_FOLLOWED; c++)
            fresh |= (unsigned)(r->l->tile->find(before, CEP_FOLLOWED, to[c]) == CEP_FOLLOWED) << c;
        r->fresh[i] = (uint16_t)fresh;
    }
    return CEPMAN_OK;
}

static inline bool mark(uint64_t *seen, int32_t index)
{
    uint64_t bit = (uint64_t)1 << (index & 63), *word = &seen[index >> 6];
    bool was = *word & bit;
    *word |= bit;
    return was;
}

static void refine_row(cep_refiner *r, size_t i, uint64_t *seen)
{
    cep_lists *l = r->l;
    const cep_projection *p = r->p;
    int32_t fresh[CEP_FOLLOWED * CEP_FOLLOWED];
    const int32_t *own = l->indices + i * l->capacity, *mine = r->snapshot + i * CEP_FOLLOWED;
    size_t count = 0;
    mark(seen, (int32_t)i);
    for (size_t c = 0; c < l->counts[i]; c++)
        mark(seen, own[c]);
    for (size_t a = 0; a < CEP_FOLLOWED && mine[a] >= 0; a++) {
        const int32_t *theirs = r->snapshot + (size_t)mine[a] * CEP_FOLLOWED;
        unsigned ways = r->fresh[i] >> a & 1 ? 0xffff : r->fresh[mine[a]];
        for (size_t b = 0; b < CEP_FOLLOWED && theirs[b] >= 0; b++)
            if (ways >> b & 1 && !mark(seen, theirs[b])) fresh[count++] = theirs[b];
    }
    seen[i >> 6] = 0;
    for (size_t c = 0; c < l->counts[i]; c++)
        seen[own[c] >> 6] = 0;
    for (size_t c = 0; c < count; c++)
        seen[fresh[c] >> 6] = 0;
    const float *y = p->y + i * p->width;
    for (size_t c = 0; c < count; c++) {
        if (c + AHEAD < count) {
            const float *next = p->y + (size_t)fresh[c + AHEAD] * p->width;
            for (size_t k = 0; k < p->width; k += 16)
                __builtin_prefetch(next + k);
        }
        size_t j = (size_t)fresh[c];
        float key = r->distance->squared(y, p->y + j * p->width, p->width);
        cep_lists_offer(l, i, j, key, true);
    }
}

static cepman_status refine_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    cep_refiner *r = argument;
    (void)fault;
    for (size_t i = index * TASK_ROWS; i < (index + 1) * TASK_ROWS && i < r->p->rows; i++)
        refine_row(r, i, r->seen[worker]);
    return CEPMAN_OK;
}

cepman_status cep_refiner_open(cep_refiner *r, cepman_context *ctx, const cep_projection *p, cep_lists *l)
{
    cep_memory *mem = p->mem;
    *r = (cep_refiner){.p = p,
                       .l = l,
                       .distance = cep_distance_kernels_get(cep_context_cpu(ctx)),
                       .workers = cep_workers(ctx),
                       .mem = mem};
    r->snapshot = cep_alloc(mem, p->rows, CEP_FOLLOWED * sizeof *r->snapshot);
    r->fresh = cep_alloc(mem, p->rows, sizeof *r->fresh);
    r->seen = cep_alloc_zero(mem, r->workers, sizeof *r->seen);
    cepman_status s = CEPMAN_OK;
    if (!r->snapshot || !r->fresh || !r->seen)
        s = cep_fail_memory(ctx, "snapshot of neighbours", p->rows, CEP_FOLLOWED * sizeof *r->snapshot);
    for (unsigned w = 0; !s && w < r->workers; w++) {
        r->seen[w] = cep_alloc_zero(mem, p->rows / 64 + 1, sizeof **r->seen);
        if (!r->seen[w]) s = cep_fail_memory(ctx, "marks", p->rows / 64 + 1, sizeof **r->seen);
    }
    for (size_t i = 0; !s && i < p->rows * CEP_FOLLOWED; i++)
        r->snapshot[i] = -1;
    if (s) cep_refiner_close(r);
    return s;
}

void cep_refiner_close(cep_refiner *r)
{
    for (unsigned w = 0; r->seen && w < r->workers; w++)
        cep_free(r->mem, r->seen[w]);
    cep_free(r->mem, r->seen);
    cep_free(r->mem, r->fresh);
    cep_free(r->mem, r->snapshot);
    r->seen = NULL;
    r->fresh = NULL;
    r->snapshot = NULL;
}

cepman_status cep_refiner_pass(cep_refiner *r, cepman_context *ctx)
{
    size_t tasks = (r->p->rows + TASK_ROWS - 1) / TASK_ROWS;
    cepman_status s = cep_parallel(ctx, NULL, tasks, take_snapshot, r);
    return s ? s : cep_parallel(ctx, NULL, tasks, refine_rows, r);
}
