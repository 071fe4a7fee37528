/* A pass over neighbours of neighbours: a neighbour of a neighbour is likely to be a neighbour.
 * Dong, Moses and Li, WWW 2011 (NN-descent), in a form where each row reads one snapshot and changes its own list
 * alone, so that the result does not depend on the order of rows.
 * Must not: change the snapshot within a pass. */
#include <string.h>

#include "forest.h"

#define NEAREST 16 /* neighbours followed, of each row */
#define TASK_ROWS 256
#define AHEAD 4

typedef struct refining {
    const cep_projection *p;
    cep_lists *l;
    const cep_distance_kernels *distance;
    const int32_t *order;
    int32_t *snapshot; /* rows * NEAREST, -1 after the last */
    uint64_t **seen;   /* per worker: a bit for each row, zero between rows */
} refining;

static cepman_status take_snapshot(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    refining *r = argument;
    (void)worker;
    (void)fault;
    for (size_t i = index * TASK_ROWS; i < (index + 1) * TASK_ROWS && i < r->p->rows; i++) {
        cep_lists_shrink(r->l, i);
        cep_lists_front(r->l, i, NEAREST);
        for (size_t c = 0; c < NEAREST; c++)
            r->snapshot[i * NEAREST + c] = c < r->l->counts[i] ? r->l->indices[i * r->l->capacity + c] : -1;
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

static void refine_row(refining *r, size_t i, uint64_t *seen)
{
    cep_lists *l = r->l;
    const cep_projection *p = r->p;
    int32_t fresh[NEAREST * NEAREST];
    const int32_t *own = l->indices + i * l->capacity, *mine = r->snapshot + i * NEAREST;
    size_t count = 0;
    mark(seen, (int32_t)i);
    for (size_t c = 0; c < l->counts[i]; c++)
        mark(seen, own[c]);
    for (size_t a = 0; a < NEAREST && mine[a] >= 0; a++) {
        const int32_t *theirs = r->snapshot + (size_t)mine[a] * NEAREST;
        for (size_t b = 0; b < NEAREST && theirs[b] >= 0; b++)
            if (!mark(seen, theirs[b])) fresh[count++] = theirs[b];
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
        cep_lists_offer(l, i, j, key);
    }
}

static cepman_status refine_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    refining *r = argument;
    (void)fault;
    for (size_t o = index * TASK_ROWS; o < (index + 1) * TASK_ROWS && o < r->p->rows; o++)
        refine_row(r, (size_t)r->order[o], r->seen[worker]);
    return CEPMAN_OK;
}

cepman_status cep_refine(cepman_context *ctx, const cep_projection *p, cep_lists *l, const int32_t *order)
{
    cep_memory *mem = p->mem;
    refining r = {.p = p, .l = l, .distance = cep_distance_kernels_get(cep_context_cpu(ctx)), .order = order};
    unsigned workers = cep_workers(ctx);
    size_t tasks = (p->rows + TASK_ROWS - 1) / TASK_ROWS;
    cepman_status s = CEPMAN_OK;
    r.snapshot = cep_alloc(mem, p->rows, NEAREST * sizeof *r.snapshot);
    r.seen = cep_alloc_zero(mem, workers, sizeof *r.seen);
    if (!r.snapshot || !r.seen)
        s = cep_fail_memory(ctx, "snapshot of neighbours", p->rows, NEAREST * sizeof *r.snapshot);
    for (unsigned w = 0; !s && w < workers; w++) {
        r.seen[w] = cep_alloc_zero(mem, p->rows / 64 + 1, sizeof **r.seen);
        if (!r.seen[w]) s = cep_fail_memory(ctx, "marks", p->rows / 64 + 1, sizeof **r.seen);
    }
    if (!s) s = cep_parallel(ctx, NULL, tasks, take_snapshot, &r);
    if (!s) s = cep_parallel(ctx, NULL, tasks, refine_rows, &r);
    for (unsigned w = 0; r.seen && w < workers; w++)
        cep_free(mem, r.seen[w]);
    cep_free(mem, r.seen);
    cep_free(mem, r.snapshot);
    return s;
}
