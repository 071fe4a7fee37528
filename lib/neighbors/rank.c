/* True distances of the candidates, and the best of them. A pair of rows that name each other is measured once; near rows,
 * which share most of their candidates, are measured together, so that each candidate comes from memory once.
 * Must not: let the order of rows or tasks change a bit (a distance has the same bits from both ends, and each is
 * written once). */
#include <string.h>

#include "forest.h"

#define GROUP 128 /* rows together: they stay in the second-level cache */
#define FETCH_FLOATS 2048
#define TASK_ROWS 512
#define NOWHERE UINT32_MAX

typedef struct candidate {
    int32_t index, head; /* head: the first of its askers */
} candidate;

typedef struct asker {
    uint32_t row, slot; /* the row of the group and where in its list the candidate is */
    uint32_t back;      /* where in the candidate's list that row is; NOWHERE: it is not */
    int32_t next;       /* -1: the last */
} asker;

/* What a worker needs. */
typedef struct grouping {
    candidate *candidates;
    asker *askers;
    int32_t *table; /* mask + 1 numbers of candidates, by their index; -1: free */
    size_t mask;
    cep_best_item *best; /* k */
} grouping;

typedef struct ranking {
    const cep_measure *m;
    cep_lists *l;
    const int32_t *order;
    size_t k, ranked;
    double *keys; /* in the place of the lists' own, half their capacity apart */
    grouping *groups;
    unsigned workers;
    int32_t *indices;
    float *distances;
} ranking;

static cepman_status cut_lists(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    ranking *g = argument;
    cep_lists *l = g->l;
    (void)worker;
    (void)fault;
    for (size_t i = index * TASK_ROWS; i < (index + 1) * TASK_ROWS && i < l->rows; i++)
        l->counts[i] = (uint32_t)cep_lists_nearest(l, i, g->ranked, l->keys + i * l->capacity,
                                                   l->indices + i * l->capacity);
    return CEPMAN_OK;
}

static uint32_t place_of(int32_t index, uint32_t mask)
{
    return (uint32_t)(((uint64_t)(uint32_t)index * 0x9e3779b97f4a7c15u) >> 40) & mask;
}

/* The candidates of a few rows, each with its askers. Of two rows that name each other the lower asks. */
static size_t group_candidates(const ranking *g, size_t first, size_t rows, grouping *w)
{
    const cep_lists *l = g->l;
    size_t used = 0, entries = 0;
    memset(w->table, 0xff, (w->mask + 1) * sizeof *w->table);
    for (size_t r = 0; r < rows; r++) {
        size_t i = first + r;
        const int32_t *list = l->indices + i * l->capacity;
        for (size_t c = 0; c < l->counts[i]; c++) {
            size_t j = (size_t)list[c];
            if (c + 4 < l->counts[i]) __builtin_prefetch(l->indices + (size_t)list[c + 4] * l->capacity);
            size_t back = l->tile->find(l->indices + j * l->capacity, l->counts[j], (int32_t)i);
            bool mutual = back < l->counts[j];
            if (mutual && j < i) continue;
            uint32_t at = place_of(list[c], (uint32_t)w->mask);
            while (w->table[at] >= 0 && w->candidates[w->table[at]].index != list[c])
                at = (at + 1) & (uint32_t)w->mask;
            if (w->table[at] < 0) {
                w->table[at] = (int32_t)used;
                w->candidates[used++] = (candidate){list[c], -1};
            }
            candidate *to = &w->candidates[w->table[at]];
            w->askers[entries] =
                (asker){(uint32_t)r, (uint32_t)c, mutual ? (uint32_t)back : NOWHERE, to->head};
            to->head = (int32_t)entries++;
        }
    }
    return used;
}

/* Rows of candidates lie anywhere: ask for the next one while this one is measured. */
static inline void fetch_ahead(const ranking *g, int32_t place)
{
    const float *x = cepman_matrix_row(g->m->matrix, (size_t)g->order[place]);
    size_t most = g->m->columns < FETCH_FLOATS ? g->m->columns : FETCH_FLOATS;
    for (size_t c = 0; c < most; c += 16)
        __builtin_prefetch(x + c);
}

/* One candidate and its askers, four at a time. */
static void measure_candidate(const ranking *g, size_t first, const grouping *w, const candidate *c)
{
    size_t half = g->l->capacity / 2, j = (size_t)c->index;
    for (int32_t e = c->head; e >= 0;) {
        const asker *who[4];
        size_t rows[4], count = 0;
        double keys[4];
        for (; e >= 0 && count < 4; e = w->askers[e].next)
            who[count++] = &w->askers[e];
        for (size_t r = 0; r < 4; r++)
            rows[r] = (size_t)g->order[first + who[r < count ? r : 0]->row];
        if (count > 1)
            cep_measure_four(g->m, rows, g->m, (size_t)g->order[j], keys);
        else
            keys[0] = cep_measure_key(g->m, rows[0], (size_t)g->order[j]);
        for (size_t r = 0; r < count; r++) {
            g->keys[(first + who[r]->row) * half + who[r]->slot] = keys[r];
            if (who[r]->back != NOWHERE) g->keys[j * half + who[r]->back] = keys[r];
        }
    }
}

static cepman_status measure_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    ranking *g = argument;
    grouping *w = &g->groups[worker];
    (void)fault;
    size_t first = index * GROUP, left = g->l->rows - first;
    size_t used = group_candidates(g, first, left < GROUP ? left : GROUP, w);
    for (size_t c = 0; c < used; c++) {
        if (c + 1 < used) fetch_ahead(g, w->candidates[c + 1].index);
        measure_candidate(g, first, w, &w->candidates[c]);
    }
    return CEPMAN_OK;
}

static cepman_status choose_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    ranking *g = argument;
    const cep_lists *l = g->l;
    (void)fault;
    for (size_t i = index * TASK_ROWS; i < (index + 1) * TASK_ROWS && i < l->rows; i++) {
        cep_best best = {g->groups[worker].best, g->k, 0};
        const double *keys = g->keys + i * (l->capacity / 2);
        for (size_t c = 0; c < l->counts[i]; c++)
            cep_best_offer(&best, keys[c], g->order[l->indices[i * l->capacity + c]]);
        cep_best_sort(&best);
        size_t at = (size_t)g->order[i] * g->k;
        for (size_t c = 0; c < g->k; c++) {
            g->indices[at + c] = best.items[c].index;
            g->distances[at + c] = cep_measure_distance(g->m, best.items[c].key);
        }
    }
    return CEPMAN_OK;
}

static cepman_status open_groups(ranking *g, cepman_context *ctx)
{
    cep_memory *mem = g->m->mem;
    size_t entries = GROUP * g->ranked, slots = 64;
    while (slots < 2 * entries)
        slots *= 2;
    g->workers = cep_workers(ctx);
    g->groups = cep_alloc_zero(mem, g->workers, sizeof *g->groups);
    if (!g->groups) return cep_fail_memory(ctx, "candidates of rows", g->workers, sizeof *g->groups);
    for (unsigned w = 0; w < g->workers; w++) {
        grouping *of = &g->groups[w];
        of->mask = slots - 1;
        of->candidates = cep_alloc(mem, entries, sizeof *of->candidates);
        of->askers = cep_alloc(mem, entries, sizeof *of->askers);
        of->table = cep_alloc(mem, slots, sizeof *of->table);
        of->best = cep_alloc(mem, g->k, sizeof *of->best);
        if (!of->candidates || !of->askers || !of->table || !of->best)
            return cep_fail_memory(ctx, "candidates of rows", entries, sizeof *of->askers);
    }
    return CEPMAN_OK;
}

static void close_groups(ranking *g)
{
    cep_memory *mem = g->m->mem;
    for (unsigned w = 0; g->groups && w < g->workers; w++) {
        cep_free(mem, g->groups[w].candidates);
        cep_free(mem, g->groups[w].askers);
        cep_free(mem, g->groups[w].table);
        cep_free(mem, g->groups[w].best);
    }
    cep_free(mem, g->groups);
}

cepman_status cep_rank(cepman_context *ctx, const cep_measure *m, cep_lists *l, const int32_t *order,
                       size_t k, size_t ranked, int32_t *indices, float *distances)
{
    ranking g = {.m = m,
                 .l = l,
                 .order = order,
                 .k = k,
                 .ranked = ranked,
                 .keys = (double *)(void *)l->keys,
                 .indices = indices,
                 .distances = distances};
    size_t groups = (l->rows + GROUP - 1) / GROUP, tasks = (l->rows + TASK_ROWS - 1) / TASK_ROWS;
    cepman_status s = open_groups(&g, ctx);
    if (!s) s = cep_parallel(ctx, NULL, tasks, cut_lists, &g);
    if (!s) s = cep_parallel_part(ctx, "neighbors", 3 * groups, 4 * groups, groups, measure_rows, &g);
    if (!s) s = cep_parallel(ctx, NULL, tasks, choose_rows, &g);
    close_groups(&g);
    return s;
}
