/* Making an index of rows that new rows are compared with: a k-d tree for few columns, cells of projected rows whose
 * candidates are ranked by true distances, or the rows alone.
 * The effort is what a sample of the index's own rows needs, as in approximate.c.
 * Must not: change once it is made (any number of threads ask at a time), or report a recall it has not measured. */
#include <math.h>
#include <string.h>

#include "index.h"

#define ROUNDS 6      /* of widening, before the search is exact after all */
#define AXES 96       /* to begin with */
#define AXES_MOST 256 /* widened to */
#define HOPELESS 0.5  /* recall of candidates from which widening does not lead anywhere */
#define PROBES 16     /* cells to begin with */

/* ---- making an index ------------------------------------------------------------------------------------------------ */

static cepman_status open_cells(cepman_neighbors_index *x, cepman_context *ctx, size_t axes, uint64_t seed)
{
    cep_projection p = {.mem = x->mem};
    cepman_status s = cep_projector_open(&x->projector, ctx, &x->m, axes, seed);
    if (!s) s = cep_projection_open(&p, ctx, &x->m, &x->projector);
    if (!s) s = cep_cells_open(&x->cells, ctx, &p, seed);
    return s;
}

static void close_cells(cepman_neighbors_index *x)
{
    if (x->projector.mem) cep_projector_close(&x->projector);
    if (x->cells.mem) cep_cells_close(&x->cells);
}

/* Recall on the sample; *few: whether what is missing was seen and fell behind in few coordinates. */
static cepman_status measure_recall(cepman_neighbors_index *x, cepman_context *ctx, const cep_truth *t,
                                    double *recall, bool *few)
{
    cep_index_scratch w = {0};
    size_t hits = 0, missed = 0, behind = 0, all = t->count * t->k;
    cepman_status s = cep_index_scratch_open(&w, ctx, x);
    for (size_t q = 0; !s && q < t->count; q++) {
        size_t i = (size_t)t->rows[q];
        const cep_best_item *truth = t->nearest + q * t->k;
        cep_projector_apply(&x->projector, &x->m, i, 1, w.y, w.norms);
        cep_best best = cep_index_ask(x, &x->m, i, w.y, (int32_t)i, &w);
        size_t good = 0;
        for (size_t c = 0; c < best.count && c < t->k; c++)
            good += best.items[c].key <= truth[t->k - 1].key; /* any of those that tie */
        hits += good;
        if (good == t->k) continue;
        /* With every cell probed, would the missing be among the candidates? */
        cep_best_item *room = cep_alloc(x->mem, x->cells.count, sizeof *room);
        if (!room) {
            s = cep_fail_memory(ctx, "cells", x->cells.count, sizeof *room);
            break;
        }
        cep_best every = {room, x->cells.count, 0}, found = {w.found, x->candidates, 0};
        cep_cells_search(&x->cells, w.y, (int32_t)i, &every, &found);
        cep_free(x->mem, room);
        size_t reach = 0;
        for (size_t c = 0; c < found.count; c++)
            reach += cep_measure_key(&x->m, i, (size_t)w.found[c].index) <= truth[t->k - 1].key;
        reach = reach < t->k ? reach : t->k;
        missed += t->k - good;
        behind += t->k - reach;
        s = cep_poll(ctx);
    }
    cep_index_scratch_close(&w, cep_context_memory(ctx));
    *recall = (double)hits / (double)all;
    *few = 2 * behind > missed;
    return s;
}

static cepman_status open_approximate(cepman_neighbors_index *x, cepman_context *ctx, double target,
                                      uint64_t seed)
{
    cep_truth truth;
    size_t k = x->k, axes = AXES, spare = k / 2 > 17 ? k / 2 : 17;
    cepman_status s = cep_truth_open(&truth, ctx, &x->m, k, seed);
    if (s) return s;
    x->candidates = k + spare;
    s = open_cells(x, ctx, axes, seed);
    x->probes = PROBES < x->cells.count ? PROBES : x->cells.count;
    for (int round = 0; !s; round++) {
        double got = 0;
        bool few = false;
        s = measure_recall(x, ctx, &truth, &got, &few);
        if (s) break;
        cep_log(ctx, CEPMAN_LOG_DEBUG, "index: %zu axes, %zu of %zu cells, %zu candidates: recall %.4f", axes,
                x->probes, x->cells.count, x->candidates, got);
        if (got >= target) {
            x->recall = got;
            x->method = "approximate";
            break;
        }
        if (round == ROUNDS || (few && got < HOPELESS) || x->candidates > x->m.rows / 4) break;
        if (!few && x->probes < x->cells.count) {
            x->probes = 2 * x->probes < x->cells.count ? 2 * x->probes : x->cells.count;
        } else {
            x->candidates *= 2;
            if (axes < x->m.columns && axes < AXES_MOST) {
                close_cells(x);
                s = open_cells(x, ctx, axes *= 2, seed);
            }
        }
    }
    cep_truth_close(&truth);
    return s;
}

static cepman_status fill(cepman_neighbors_index *x, cepman_context *ctx, const cepman_options *o)
{
    cepman_status s = cep_measure_open(&x->m, ctx, x->matrix, x->metric);
    if (s) return s;
    double target = cep_options_real(o, "recall");
    if (x->k == 0) return CEPMAN_OK;
    if (!x->m.cosine && x->m.columns <= CEP_TREE_COLUMNS) {
        x->method = "tree";
        return cep_tree_open(&x->tree, ctx, &x->m);
    }
    if (!cep_wants_cells(&x->m, x->k, cep_options_choice(o, "method"), target)) return CEPMAN_OK;
    s = open_approximate(x, ctx, target, (uint64_t)cep_options_integer(o, "seed"));
    if (strcmp(x->method, "approximate") != 0) {
        close_cells(x);
        cep_log(ctx, CEPMAN_LOG_INFO, "index: recall %g is out of the cells' reach, searching exactly",
                target);
    }
    return s;
}

cepman_status cepman_neighbors_index_create(cepman_neighbors_index **out, cepman_context *ctx,
                                            cepman_matrix *matrix, const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "index: out or matrix is NULL");
    size_t n = cepman_matrix_rows(matrix);
    CEP_REQUIRE(ctx, n <= INT32_MAX, CEPMAN_ERR_RANGE, "index: %zu rows, must be at most %d", n, INT32_MAX);
    cepman_options *o = NULL;
    s = cep_neighbors_options(&o, ctx, options);
    if (s) return s;
    cep_memory *mem = cep_context_memory(ctx);
    cepman_neighbors_index *x = cep_alloc_zero(mem, 1, sizeof *x);
    if (!x) {
        s = cep_fail_memory(ctx, "index", 1, sizeof *x);
    } else {
        cep_refs_init(&x->refs);
        x->mem = cep_memory_ref(mem);
        x->matrix = cepman_matrix_ref(matrix);
        x->metric = (cep_metric)cep_options_choice(o, "metric");
        size_t k = (size_t)cep_options_integer(o, "k");
        x->k = k < n ? k : n;
        x->method = "exact";
        x->recall = 1;
        s = fill(x, ctx, o);
        if (s)
            cepman_neighbors_index_unref(x);
        else
            *out = x;
    }
    cepman_options_unref(o);
    return s;
}

cepman_neighbors_index *cepman_neighbors_index_ref(cepman_neighbors_index *x)
{
    if (x) cep_refs_get(&x->refs);
    return x;
}

void cepman_neighbors_index_unref(cepman_neighbors_index *x)
{
    if (!x || !cep_refs_put(&x->refs)) return;
    cep_memory *mem = x->mem;
    close_cells(x);
    if (x->tree.mem) cep_tree_close(&x->tree);
    if (x->m.mem) cep_measure_close(&x->m);
    cepman_matrix_unref(x->matrix);
    cep_free(mem, x);
    cep_memory_unref(mem);
}

size_t cepman_neighbors_index_count(const cepman_neighbors_index *x)
{
    return x ? x->m.rows : 0;
}

size_t cepman_neighbors_index_columns(const cepman_neighbors_index *x)
{
    return x ? x->m.columns : 0;
}

size_t cepman_neighbors_index_k(const cepman_neighbors_index *x)
{
    return x ? x->k : 0;
}

const char *cepman_neighbors_index_method(const cepman_neighbors_index *x)
{
    return x ? x->method : NULL;
}

double cepman_neighbors_index_recall(const cepman_neighbors_index *x)
{
    return x ? x->recall : (double)NAN;
}
