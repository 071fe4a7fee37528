/* Approximate neighbours: rows in few coordinates, a forest whose leaves are joined, passes over neighbours of
 * neighbours, true distances for the nearest candidates. What a sample of rows should find is known from an exact
 * search, so that passes end, and the effort grows, where the asked recall is met; if nothing helps, the search is
 * exact. How many candidates a row are ranked by true distance is read off the sample too.
 * Must not: report a recall it has not measured, or depend on the number of threads. */
#include <string.h>

#include "forest.h"

#define RANK_ROWS 64 /* ranked together: they stay in the second-level cache */
#define FETCH_FLOATS 2048
#define AXES_MOST 256
#define TREES_FOR 65536 /* rows for which the first trees suffice */
#define MARGIN 0.25     /* of what may be missing: the sample is small */
#define HOPELESS 0.5    /* recall from which widening does not lead anywhere */

typedef struct candidate {
    int32_t index, head; /* head: the first of its askers */
} candidate;

typedef struct asker {
    uint32_t row;
    int32_t next; /* -1: the last */
} asker;

/* What a worker needs to rank RANK_ROWS rows. */
typedef struct grouping {
    candidate *candidates;
    asker *rows;
    int32_t *table; /* mask + 1 numbers of candidates, by their index; -1: free */
    size_t mask;
    cep_best_item *room; /* RANK_ROWS * k */
} grouping;

typedef struct finding {
    const cep_measure *m;
    size_t k;
    uint64_t seed;
    cep_effort e;
    cep_projection p;
    cep_lists l;
    cep_truth truth;
    int32_t *order;
    size_t trees;     /* joined so far */
    double recall;    /* with so many ranked */
    size_t ranked;    /* candidates a row that get true distances */
    grouping *groups; /* per worker */
    unsigned workers;
    cep_best_item *order_room; /* candidates of one row, by estimate */
    size_t *hits;              /* per place in that order: true neighbours of the sample */
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

static uint32_t place_of(int32_t index, uint32_t mask)
{
    return (uint32_t)(((uint64_t)(uint32_t)index * 0x9e3779b97f4a7c15u) >> 40) & mask;
}

/* The nearest candidates of a few rows that lie together, grouped by candidate: near rows share most of theirs, and
 * each of those comes from memory once. */
static size_t group_candidates(finding *f, size_t first, size_t rows, grouping *g)
{
    size_t used = 0, entries = 0;
    memset(g->table, 0xff, (g->mask + 1) * sizeof *g->table);
    for (size_t r = 0; r < rows; r++) {
        size_t i = (size_t)f->order[first + r];
        cep_lists_shrink(&f->l, i);
        cep_lists_front(&f->l, i, f->ranked);
        const int32_t *list = f->l.indices + i * f->l.capacity;
        for (size_t c = 0; c < f->l.counts[i] && c < f->ranked; c++, entries++) {
            uint32_t at = place_of(list[c], (uint32_t)g->mask);
            while (g->table[at] >= 0 && g->candidates[g->table[at]].index != list[c])
                at = (at + 1) & (uint32_t)g->mask;
            if (g->table[at] < 0) {
                g->table[at] = (int32_t)used;
                g->candidates[used++] = (candidate){list[c], -1};
            }
            candidate *to = &g->candidates[g->table[at]];
            g->rows[entries] = (asker){(uint32_t)r, to->head};
            to->head = (int32_t)entries;
        }
    }
    return used;
}

static cepman_status rank_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    finding *f = argument;
    grouping *g = &f->groups[worker];
    cep_best best[RANK_ROWS];
    (void)fault;
    size_t first = index * RANK_ROWS, left = f->m->rows - first, rows = left < RANK_ROWS ? left : RANK_ROWS;
    for (size_t r = 0; r < rows; r++)
        best[r] = (cep_best){g->room + r * f->k, f->k, 0};
    size_t used = group_candidates(f, first, rows, g);
    for (size_t c = 0; c < used; c++) {
        if (c + 1 < used) fetch_ahead(f, (size_t)g->candidates[c + 1].index);
        int32_t j = g->candidates[c].index;
        for (int32_t e = g->candidates[c].head; e >= 0; e = g->rows[e].next) {
            size_t r = g->rows[e].row;
            cep_best_offer(&best[r], cep_measure_key(f->m, (size_t)f->order[first + r], (size_t)j), j);
        }
    }
    for (size_t r = 0; r < rows; r++) {
        size_t i = (size_t)f->order[first + r];
        cep_best_sort(&best[r]);
        for (size_t c = 0; c < f->k; c++) {
            f->indices[i * f->k + c] = best[r].items[c].index;
            f->distances[i * f->k + c] = cep_measure_distance(f->m, best[r].items[c].key);
        }
    }
    return CEPMAN_OK;
}

/* Recall on the sample with all candidates, and how many of them suffice for `goal`. Of what is missing, `unseen` is
 * the share that was never met (more trees find it); the rest was met, or would be, and fell behind in few
 * coordinates (more candidates and axes keep it). */
static double measure_recall(finding *f, double goal, double *unseen)
{
    size_t lost = 0, missed = 0, all = f->truth.count * f->k;
    memset(f->hits, 0, f->e.candidates * sizeof *f->hits);
    for (size_t s = 0; s < f->truth.count; s++) {
        size_t i = (size_t)f->truth.rows[s];
        const cep_best_item *truth = f->truth.nearest + s * f->k;
        cep_lists_shrink(&f->l, i);
        cep_best best = {f->order_room, f->e.candidates, 0};
        for (size_t c = 0; c < f->l.counts[i]; c++)
            cep_best_offer(&best, (double)f->l.keys[i * f->l.capacity + c],
                           f->l.indices[i * f->l.capacity + c]);
        cep_best_sort(&best);
        for (size_t c = 0, mine = 0; c < best.count && mine < f->k; c++) {
            bool hit = cep_measure_key(f->m, i, (size_t)best.items[c].index) <=
                       truth[f->k - 1].key; /* any of those that tie */
            f->hits[c] += hit;
            mine += hit;
        }
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
    size_t hits = 0;
    f->ranked = f->e.candidates;
    for (size_t c = 0; c < f->e.candidates; c++) {
        hits += f->hits[c];
        if (f->ranked == f->e.candidates && c + 1 >= f->k && (double)hits >= goal * (double)all) {
            f->ranked = c + 1;
            f->recall = (double)hits / (double)all;
        }
    }
    double most = (double)hits / (double)all;
    if (f->ranked == f->e.candidates) f->recall = most;
    return most;
}

/* Progress in eighths of the whole; the last two are the ranking's. Widening is not foreseen. */
static void tell(cepman_context *ctx, int round, unsigned eighths)
{
    if (round == 0) cep_progress(ctx, "neighbors", eighths, 8);
}

static cepman_status open_groups(finding *f, cepman_context *ctx)
{
    cep_memory *mem = f->m->mem;
    size_t entries = RANK_ROWS * f->ranked, slots = 64;
    while (slots < 2 * entries)
        slots *= 2;
    f->workers = cep_workers(ctx);
    f->groups = cep_alloc_zero(mem, f->workers, sizeof *f->groups);
    if (!f->groups) return cep_fail_memory(ctx, "candidates of rows", f->workers, sizeof *f->groups);
    for (unsigned w = 0; w < f->workers; w++) {
        grouping *g = &f->groups[w];
        g->mask = slots - 1;
        g->candidates = cep_alloc(mem, entries, sizeof *g->candidates);
        g->rows = cep_alloc(mem, entries, sizeof *g->rows);
        g->table = cep_alloc(mem, slots, sizeof *g->table);
        g->room = cep_alloc(mem, RANK_ROWS, f->k * sizeof *g->room);
        if (!g->candidates || !g->rows || !g->table || !g->room)
            return cep_fail_memory(ctx, "candidates of rows", entries, sizeof *g->rows);
    }
    return CEPMAN_OK;
}

static void close_groups(finding *f)
{
    cep_memory *mem = f->m->mem;
    for (unsigned w = 0; f->groups && w < f->workers; w++) {
        cep_free(mem, f->groups[w].candidates);
        cep_free(mem, f->groups[w].rows);
        cep_free(mem, f->groups[w].table);
        cep_free(mem, f->groups[w].room);
    }
    cep_free(mem, f->groups);
}

static cepman_status open_rooms(finding *f, cepman_context *ctx)
{
    cep_free(f->m->mem, f->order_room);
    cep_free(f->m->mem, f->hits);
    f->order_room = cep_alloc(f->m->mem, f->e.candidates, sizeof *f->order_room);
    f->hits = cep_alloc(f->m->mem, f->e.candidates, sizeof *f->hits);
    if (f->order_room && f->hits) return CEPMAN_OK;
    return cep_fail_memory(ctx, "candidates of a row", f->e.candidates, sizeof *f->order_room);
}

static cepman_status search(finding *f, cepman_context *ctx, int round, double goal)
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
        if (!s) s = open_rooms(f, ctx);
        f->trees = 0;
    }
    if (!s && f->trees < f->e.trees) {
        s = cep_trees_join(ctx, &f->p, &f->l, f->trees, f->e.trees - f->trees, f->e.leaf, f->seed, f->order);
        f->trees = f->e.trees;
    }
    tell(ctx, round, 5);
    for (size_t pass = 0; !s && pass < f->e.passes; pass++) {
        double unseen;
        if (pass > 0 && measure_recall(f, goal, &unseen) >= goal) break;
        s = cep_refine(ctx, &f->p, &f->l, f->order);
    }
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
    double goal = target + MARGIN * (1 - target);
    cepman_status s = cep_truth_open(&f->truth, ctx, f->m, f->k, f->seed);
    tell(ctx, 0, 1);
    for (int round = 0; !s; round++) {
        double unseen = 0, got;
        s = search(f, ctx, round, goal);
        if (s) break;
        got = measure_recall(f, goal, &unseen);
        cep_log(ctx, CEPMAN_LOG_DEBUG,
                "neighbors: %zu axes, %zu candidates, %zu trees, leaves of %zu: recall %.4f, unseen %.2f; "
                "with %zu "
                "ranked %.4f",
                f->e.axes, f->e.candidates, f->trees, f->e.leaf, got, unseen, f->ranked, f->recall);
        if (got >= target) {
            *recall = f->recall;
            s = open_groups(f, ctx);
            if (s) break;
            return cep_parallel_part(ctx, "neighbors", 3 * tasks, 4 * tasks, tasks, rank_rows, f);
        }
        if (round == rounds || got < HOPELESS) break;
        widen(f, unseen);
    }
    *recall = 0;
    return s;
}

cep_effort cep_first_effort(const cep_measure *m, size_t k)
{
    size_t spare = k / 2 > 17 ? k / 2 : 17;
    cep_effort e = {.axes = 96, .candidates = k + spare, .trees = 4, .leaf = 256, .passes = 2};
    if (e.leaf < 4 * e.candidates) e.leaf = 4 * e.candidates;
    for (size_t rows = m->rows / 2; rows >= TREES_FOR; rows /= 2) /* a leaf is a smaller part of more rows */
        e.trees += 2;
    return e;
}

cepman_status cep_neighbors_approximate(cepman_context *ctx, const cep_measure *m, size_t k, uint64_t seed,
                                        double target, int rounds, int32_t *indices, float *distances,
                                        double *recall)
{
    finding f = {.m = m, .k = k, .seed = seed, .indices = indices, .distances = distances};
    f.e = cep_first_effort(m, k);
    cepman_status s;
    f.order = cep_alloc(m->mem, m->rows, sizeof *f.order);
    if (!f.order)
        s = cep_fail_memory(ctx, "order of rows", m->rows, sizeof *f.order);
    else
        s = run(&f, ctx, target, rounds, recall);
    if (f.truth.rows) cep_truth_close(&f.truth);
    if (f.l.keys) cep_lists_close(&f.l);
    if (f.p.y) cep_projection_close(&f.p);
    cep_free(m->mem, f.order_room);
    cep_free(m->mem, f.hits);
    close_groups(&f);
    cep_free(m->mem, f.order);
    return s;
}
