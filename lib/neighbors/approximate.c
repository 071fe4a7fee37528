/* Approximate neighbours: rows in few coordinates, a forest whose leaves are joined, passes over neighbours of
 * neighbours, true distances for the candidates that are left. What a sample of rows should find is known from an
 * exact search, so that the effort can grow until the asked recall is met; if nothing helps, the search is exact.
 * Must not: report a recall it has not measured, or depend on the number of threads. */
#include <string.h>

#include "forest.h"

#define RANK_ROWS 32
#define FETCH_FLOATS 2048
#define AXES_MOST 256
#define TREES_FOR 65536 /* rows for which the first trees suffice */
#define HOPELESS 0.5    /* recall from which widening does not lead anywhere */

typedef struct effort {
    size_t axes, candidates, trees, leaf, passes;
} effort;

typedef struct finding {
    const cep_measure *m;
    size_t k;
    uint64_t seed;
    effort e;
    cep_projection p;
    cep_lists l;
    cep_truth truth;
    int32_t *order;
    size_t trees;        /* joined so far */
    cep_best_item *room; /* per worker: k */
    int32_t *indices;
    float *distances;
} finding;

/* Rows of candidates lie anywhere: ask for the next one while this one is measured. */
static inline void fetch_ahead(const finding *f, size_t j)
{
    const float *x = cepman_matrix_row(f->m->matrix, j);
    size_t most = f->m->columns < FETCH_FLOATS ? f->m->columns : FETCH_FLOATS;
    for (size_t c = 0; c < most; c += 16)
        __builtin_prefetch(x + c);
}

/* The k nearest of row i's candidates, by true distance. */
static cep_best rank_row(finding *f, size_t i, cep_best_item *room)
{
    cep_best best = {room, f->k, 0};
    const int32_t *list = f->l.indices + i * f->l.capacity;
    for (size_t c = 0; c < f->l.counts[i]; c++) {
        if (c + 1 < f->l.counts[i]) fetch_ahead(f, (size_t)list[c + 1]);
        cep_best_offer(&best, cep_measure_key(f->m, i, (size_t)list[c]), list[c]);
    }
    cep_best_sort(&best);
    return best;
}

static cepman_status rank_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    finding *f = argument;
    (void)fault;
    for (size_t o = index * RANK_ROWS; o < (index + 1) * RANK_ROWS && o < f->m->rows; o++) {
        size_t i = (size_t)f->order[o];
        cep_lists_shrink(&f->l, i);
        cep_best best = rank_row(f, i, f->room + worker * f->k);
        for (size_t c = 0; c < f->k; c++) {
            f->indices[i * f->k + c] = best.items[c].index;
            f->distances[i * f->k + c] = cep_measure_distance(f->m, best.items[c].key);
        }
    }
    return CEPMAN_OK;
}

/* Recall on the sample. Of what is missing, `unseen` is the share that was never met (more trees find it); the rest
 * was met, or would be, and fell behind in few coordinates (more candidates and axes keep it). */
static double measure_recall(finding *f, double *unseen)
{
    size_t hits = 0, lost = 0, missed = 0, all = f->truth.count * f->k;
    for (size_t s = 0; s < f->truth.count; s++) {
        size_t i = (size_t)f->truth.rows[s];
        const cep_best_item *truth = f->truth.nearest + s * f->k;
        cep_lists_shrink(&f->l, i);
        cep_best best = rank_row(f, i, f->room);
        for (size_t c = 0; c < best.count; c++)
            hits += best.items[c].key <= truth[f->k - 1].key; /* any of those that tie */
        for (size_t c = 0; c < f->k; c++) {
            size_t j = (size_t)truth[c].index;
            if (f->l.contains(f->l.indices + i * f->l.capacity, f->l.counts[i], truth[c].index)) continue;
            const float *a = f->p.y + i * f->p.width, *b = f->p.y + j * f->p.width;
            float key = f->m->kernels->squared(a, b, f->p.width);
            missed++;
            lost += key < f->l.limits[i];
        }
    }
    *unseen = missed ? (double)lost / (double)missed : 0;
    return (double)hits / (double)all;
}

/* Progress in eighths of the whole; the last two are the ranking's. Widening is not foreseen. */
static void tell(cepman_context *ctx, int round, unsigned eighths)
{
    if (round == 0) cep_progress(ctx, "neighbors", eighths, 8);
}

static cepman_status search(finding *f, cepman_context *ctx, int round)
{
    cepman_status s = CEPMAN_OK;
    if (!f->p.y) {
        cep_projector projector;
        s = cep_projector_open(&projector, ctx, f->m, f->e.axes, f->seed);
        if (!s) s = cep_projection_open(&f->p, ctx, f->m, &projector);
        cep_projector_close(&projector);
    }
    tell(ctx, round, 2);
    if (!s && !f->l.keys) {
        s = cep_lists_open(&f->l, ctx, f->m->rows, f->e.candidates);
        f->trees = 0;
    }
    if (!s && f->trees < f->e.trees) {
        s = cep_trees_join(ctx, &f->p, &f->l, f->trees, f->e.trees - f->trees, f->e.leaf, f->seed, f->order);
        f->trees = f->e.trees;
    }
    tell(ctx, round, 5);
    for (size_t pass = 0; !s && pass < f->e.passes; pass++)
        s = cep_refine(ctx, &f->p, &f->l, f->order);
    tell(ctx, round, 6);
    return s;
}

static void widen(finding *f, double unseen)
{
    if (unseen > 0.5) { /* the lists are kept and filled further */
        f->e.trees *= 2;
        return;
    }
    cep_lists_close(&f->l);
    f->e.candidates *= 2;
    if (f->e.axes < f->m->columns && f->e.axes < AXES_MOST) {
        cep_projection_close(&f->p);
        f->e.axes *= 2;
    }
    if (f->e.leaf < 4 * f->e.candidates) f->e.leaf = 4 * f->e.candidates;
}

static cepman_status run(finding *f, cepman_context *ctx, double target, int rounds, double *recall)
{
    size_t tasks = (f->m->rows + RANK_ROWS - 1) / RANK_ROWS;
    cepman_status s = cep_truth_open(&f->truth, ctx, f->m, f->k, f->seed);
    tell(ctx, 0, 1);
    for (int round = 0; !s; round++) {
        double unseen = 0, got;
        s = search(f, ctx, round);
        if (s) break;
        got = measure_recall(f, &unseen);
        cep_log(ctx, CEPMAN_LOG_DEBUG,
                "neighbors: %zu axes, %zu candidates, %zu trees, leaves of %zu, %zu passes: recall %.4f, "
                "unseen %.2f",
                f->e.axes, f->e.candidates, f->trees, f->e.leaf, f->e.passes, got, unseen);
        if (got >= target) {
            *recall = got;
            return cep_parallel_part(ctx, "neighbors", 3 * tasks, 4 * tasks, tasks, rank_rows, f);
        }
        if (round == rounds || got < HOPELESS) break;
        widen(f, unseen);
    }
    *recall = 0;
    return s;
}

cepman_status cep_neighbors_approximate(cepman_context *ctx, const cep_measure *m, size_t k, uint64_t seed,
                                        double target, int rounds, int32_t *indices, float *distances,
                                        double *recall)
{
    finding f = {.m = m, .k = k, .seed = seed, .indices = indices, .distances = distances};
    size_t spare = k / 2 > 17 ? k / 2 : 17;
    f.e = (effort){.axes = 96, .candidates = k + spare, .trees = 4, .leaf = 256, .passes = 2};
    if (f.e.leaf < 4 * f.e.candidates) f.e.leaf = 4 * f.e.candidates;
    for (size_t rows = m->rows / 2; rows >= TREES_FOR; rows /= 2) /* a leaf is a smaller part of more rows */
        f.e.trees += 2;
    cepman_status s;
    f.order = cep_alloc(m->mem, m->rows, sizeof *f.order);
    f.room = cep_alloc(m->mem, cep_workers(ctx), k * sizeof *f.room);
    if (!f.order || !f.room)
        s = cep_fail_memory(ctx, "order of rows", m->rows, sizeof *f.order);
    else
        s = run(&f, ctx, target, rounds, recall);
    if (f.truth.rows) cep_truth_close(&f.truth);
    if (f.l.keys) cep_lists_close(&f.l);
    if (f.p.y) cep_projection_close(&f.p);
    cep_free(m->mem, f.room);
    cep_free(m->mem, f.order);
    return s;
}
