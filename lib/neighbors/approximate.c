/* Approximate neighbours: rows in few coordinates, a forest whose leaves are joined, passes over neighbours of
 * neighbours, true distances for the nearest candidates. What a sample of rows should find is known from an exact
 * search, so that passes end, and the effort grows, where the asked recall is met; if nothing helps, the search is
 * exact. How many candidates a row are ranked by true distance is read off the sample too.
 * Must not: report a recall it has not measured, or depend on the number of threads. */
#include <string.h>

#include "forest.h"

#define AXES_MOST 256
#define TREES_FOR 65536 /* rows for which the first trees suffice */
#define MARGIN 0.25     /* of what may be missing: the sample is small */
#define HOPELESS 0.5    /* recall from which widening does not lead anywhere */

typedef struct finding {
    const cep_measure *m;
    size_t k;
    uint64_t seed;
    cep_effort e;
    cep_projection p;
    cep_lists l;
    cep_truth truth;
    int32_t *order;            /* the matrix's row of each place */
    int32_t *places;           /* the place of each row of the matrix */
    size_t trees;              /* joined so far */
    double recall;             /* with so many ranked */
    size_t ranked;             /* candidates a row that get true distances */
    cep_best_item *order_room; /* candidates of one row, by estimate */
    size_t *hits;              /* per place in that order: true neighbours of the sample */
    int32_t *indices;
    float *distances;
} finding;

/* Recall on the sample with all candidates, and how many of them suffice for `goal`. Of what is missing, `unseen` is
 * the share that was never met (more trees find it); the rest was met, or would be, and fell behind in few
 * coordinates (more candidates and axes keep it). */
static double measure_recall(finding *f, double goal, double *unseen)
{
    size_t lost = 0, missed = 0, all = f->truth.count * f->k;
    memset(f->hits, 0, f->e.candidates * sizeof *f->hits);
    for (size_t s = 0; s < f->truth.count; s++) {
        size_t row = (size_t)f->truth.rows[s], i = (size_t)f->places[row];
        const cep_best_item *truth = f->truth.nearest + s * f->k;
        cep_lists_shrink(&f->l, i);
        cep_best best = {f->order_room, f->e.candidates, 0};
        for (size_t c = 0; c < f->l.counts[i]; c++)
            cep_best_offer(&best, (double)f->l.keys[i * f->l.capacity + c],
                           f->l.indices[i * f->l.capacity + c]);
        cep_best_sort(&best);
        for (size_t c = 0, mine = 0; c < best.count && mine < f->k; c++) {
            bool hit = cep_measure_key(f->m, row, (size_t)f->order[best.items[c].index]) <=
                       truth[f->k - 1].key; /* any of those that tie */
            f->hits[c] += hit;
            mine += hit;
        }
        for (size_t c = 0; c < f->k; c++) {
            size_t j = (size_t)f->places[truth[c].index];
            if (cep_lists_has(&f->l, i, j)) continue;
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

static cepman_status open_rooms(finding *f, cepman_context *ctx)
{
    cep_free(f->m->mem, f->order_room);
    cep_free(f->m->mem, f->hits);
    f->order_room = cep_alloc(f->m->mem, f->e.candidates, sizeof *f->order_room);
    f->hits = cep_alloc(f->m->mem, f->e.candidates, sizeof *f->hits);
    if (f->order_room && f->hits) return CEPMAN_OK;
    return cep_fail_memory(ctx, "candidates of a row", f->e.candidates, sizeof *f->order_room);
}

/* The trees that are missing. With the first ones rows are renumbered, while there are no lists yet. */
static cepman_status join_trees(finding *f, cepman_context *ctx)
{
    cep_forest forest;
    cepman_status s =
        cep_forest_open(&forest, ctx, &f->p, f->trees, f->e.trees - f->trees, f->e.leaf, f->seed);
    if (s) return s;
    bool empty = f->trees == 0;
    if (empty) {
        s = cep_forest_renumber(&forest, ctx, &f->p, f->order);
        for (size_t i = 0; !s && i < f->m->rows; i++)
            f->places[f->order[i]] = (int32_t)i;
        if (!s) s = cep_lists_open(&f->l, ctx, f->m->rows, f->e.candidates);
        if (!s) s = open_rooms(f, ctx);
    }
    if (!s) s = cep_forest_join(&forest, ctx, &f->p, &f->l, !empty);
    f->trees = f->e.trees;
    cep_forest_close(&forest);
    return s;
}

static cepman_status search(finding *f, cepman_context *ctx, int round, double goal)
{
    cepman_status s = CEPMAN_OK;
    if (!f->p.y) {
        cep_projector projector;
        s = cep_projector_open(&projector, ctx, f->m, f->e.axes, f->seed);
        if (!s) s = cep_projection_open(&f->p, ctx, f->m, &projector);
        cep_projector_close(&projector);
        for (size_t i = 0; i < f->m->rows; i++)
            f->order[i] = (int32_t)i;
    }
    tell(ctx, round, 2);
    if (!s && !f->l.keys) f->trees = 0;
    if (!s && f->trees < f->e.trees) s = join_trees(f, ctx);
    tell(ctx, round, 5);
    if (s) return s;
    cep_refiner refiner;
    s = cep_refiner_open(&refiner, ctx, &f->p, &f->l);
    for (size_t pass = 0; !s && pass < f->e.passes; pass++) {
        double unseen;
        if (pass > 0 && measure_recall(f, goal, &unseen) >= goal) break;
        s = cep_refiner_pass(&refiner, ctx);
    }
    cep_refiner_close(&refiner);
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
            cep_projection_close(&f->p);
            return cep_rank(ctx, f->m, &f->l, f->order, f->k, f->ranked, f->indices, f->distances);
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
    cep_effort e = {.axes = 96, .candidates = k + spare, .trees = 4, .leaf = 256, .passes = 3};
    if (e.leaf < 4 * e.candidates) e.leaf = 4 * e.candidates;
    for (size_t rows = m->rows / 2; rows >= TREES_FOR; rows /= 2) /* a leaf is a smaller part of more rows */
        e.trees++;
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
    f.places = cep_alloc(m->mem, m->rows, sizeof *f.places);
    if (!f.order || !f.places)
        s = cep_fail_memory(ctx, "order of rows", m->rows, sizeof *f.order);
    else
        s = run(&f, ctx, target, rounds, recall);
    if (f.truth.rows) cep_truth_close(&f.truth);
    if (f.l.keys) cep_lists_close(&f.l);
    if (f.p.y) cep_projection_close(&f.p);
    cep_free(m->mem, f.order_room);
    cep_free(m->mem, f.hits);
    cep_free(m->mem, f.places);
    cep_free(m->mem, f.order);
    return s;
}
