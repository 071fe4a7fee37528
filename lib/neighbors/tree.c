/* Exact neighbours in few dimensions: a k-d tree of median splits, one descent per row, nearest box first.
 * Friedman, Bentley and Finkel, ACM Trans. Math. Softw. 3 (1977) 209.
 * Must not: prune a box that could hold an equal distance (ties go to the smaller index), or recurse by depth
 * of data: the depth is that of a balanced tree. */
#include <math.h>
#include <string.h>

#include "knn.h"

#define LEAF_ROWS 12
#define QUERY_ROWS 256
#define DEPTH_MOST 40

/* Node `place` of level l owns rows n * place >> l up to n * (place + 1) >> l of the tree's order; its number
 * is (1 << l) + place, its children are 2 * number and 2 * number + 1. */
typedef cep_tree tree;

typedef struct querying {
    const cep_tree *t;
    size_t k;
    cep_best_item *items; /* per worker: k */
    int32_t *indices;
    float *distances;
} querying;

static void find_box(tree *t, size_t level, size_t place)
{
    float *low = t->boxes + (((size_t)1 << level) + place) * 2 * t->d, *high = low + t->d;
    for (size_t j = 0; j < t->d; j++) {
        low[j] = INFINITY;
        high[j] = -INFINITY;
    }
    for (size_t p = cep_part(t->n, level, place); p < cep_part(t->n, level, place + 1); p++) {
        const float *x = cepman_matrix_row(t->m->matrix, (size_t)t->order[p]);
        for (size_t j = 0; j < t->d; j++) {
            low[j] = x[j] < low[j] ? x[j] : low[j];
            high[j] = x[j] > high[j] ? x[j] : high[j];
        }
    }
}

static inline bool before(const tree *t, size_t axis, int32_t a, int32_t b)
{
    float x = cepman_matrix_row(t->m->matrix, (size_t)a)[axis],
          y = cepman_matrix_row(t->m->matrix, (size_t)b)[axis];
    return x < y || (x == y && a < b);
}

/* Brings the rows of [low, high] before and after place `want` (Hoare's selection, a strict order). */
static void split(tree *t, size_t axis, ptrdiff_t low, ptrdiff_t high, ptrdiff_t want)
{
    int32_t *o = t->order;
    while (low < high) {
        int32_t pivot = o[low + (high - low) / 2];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (before(t, axis, o[i], pivot))
                i++;
            while (before(t, axis, pivot, o[j]))
                j--;
            if (i > j) break;
            int32_t x = o[i];
            o[i++] = o[j];
            o[j--] = x;
        }
        if (want <= j)
            high = j;
        else if (want >= i)
            low = i;
        else
            return;
    }
}

static cepman_status split_node(void *argument, size_t place, unsigned worker, cep_fault *fault)
{
    tree *t = argument;
    (void)worker;
    (void)fault;
    find_box(t, t->level, place);
    size_t first = cep_part(t->n, t->level, place), last = cep_part(t->n, t->level, place + 1);
    if (t->level == t->levels) { /* a leaf: its rows, together */
        for (size_t p = first; p < last; p++)
            memcpy(t->points + p * t->d, cepman_matrix_row(t->m->matrix, (size_t)t->order[p]),
                   t->d * sizeof *t->points);
        return CEPMAN_OK;
    }
    const float *low = t->boxes + (((size_t)1 << t->level) + place) * 2 * t->d, *high = low + t->d;
    size_t axis = 0;
    for (size_t j = 1; j < t->d; j++)
        if ((double)high[j] - (double)low[j] > (double)high[axis] - (double)low[axis]) axis = j;
    split(t, axis, (ptrdiff_t)first, (ptrdiff_t)last - 1,
          (ptrdiff_t)cep_part(t->n, t->level + 1, 2 * place + 1));
    return CEPMAN_OK;
}

/* No row of the node is nearer to x than this (a little less than the true bound, which is rounded). */
static double box_bound(const tree *t, size_t node, const float *x)
{
    const float *low = t->boxes + node * 2 * t->d, *high = low + t->d;
    double sum = 0;
    for (size_t j = 0; j < t->d; j++) {
        double d = x[j] < low[j]    ? (double)low[j] - (double)x[j]
                   : x[j] > high[j] ? (double)x[j] - (double)high[j]
                                    : 0;
        sum += d * d;
    }
    return sum * (1 - 1e-12);
}

void cep_tree_search(const cep_tree *t, const float *x, int32_t self, cep_best *best)
{
    struct {
        size_t level, place;
        double bound;
    } stack[DEPTH_MOST];
    size_t used = 0, level = 0, place = 0;
    for (;;) {
        while (level < t->levels) { /* down to the nearest leaf; the other child waits */
            size_t child = ((size_t)2 << level) + 2 * place;
            double left = box_bound(t, child, x), right = box_bound(t, child + 1, x);
            bool turn = right < left;
            level++;
            place = 2 * place + turn;
            stack[used].level = level;
            stack[used].place = place ^ 1;
            stack[used++].bound = turn ? left : right;
        }
        for (size_t p = cep_part(t->n, level, place); p < cep_part(t->n, level, place + 1); p++)
            if (t->order[p] != self)
                cep_best_offer(best, t->m->kernels->squared_f64(x, t->points + p * t->d, t->d), t->order[p]);
        double bound = cep_best_bound(best);
        while (used > 0 && stack[used - 1].bound > bound)
            used--;
        if (used == 0) return;
        used--;
        level = stack[used].level;
        place = stack[used].place;
    }
}

static cepman_status query_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    querying *q = argument;
    const cep_tree *t = q->t;
    cep_best_item *items = q->items + worker * q->k;
    (void)fault;
    for (size_t p = index * QUERY_ROWS; p < (index + 1) * QUERY_ROWS && p < t->n; p++) {
        cep_best best = {items, q->k, 0};
        size_t i = (size_t)t->order[p];
        cep_tree_search(t, t->points + p * t->d, (int32_t)i, &best);
        cep_best_sort(&best);
        for (size_t c = 0; c < q->k; c++) {
            q->indices[i * q->k + c] = items[c].index;
            q->distances[i * q->k + c] = cep_measure_distance(t->m, items[c].key);
        }
    }
    return CEPMAN_OK;
}

cepman_status cep_tree_open(cep_tree *t, cepman_context *ctx, const cep_measure *m)
{
    *t = (cep_tree){.m = m, .n = m->rows, .d = m->columns, .mem = m->mem};
    while (t->n >> t->levels > LEAF_ROWS)
        t->levels++;
    size_t nodes = (size_t)2 << t->levels;
    cepman_status s = CEPMAN_OK;
    t->order = cep_alloc(t->mem, t->n, sizeof *t->order);
    t->points = cep_alloc(t->mem, t->n, t->d * sizeof *t->points);
    t->boxes = cep_alloc(t->mem, nodes, 2 * t->d * sizeof *t->boxes);
    if (!t->order || !t->points || !t->boxes) {
        s = cep_fail_memory(ctx, "k-d tree", t->n, (t->d + 1) * sizeof *t->points);
    } else {
        for (size_t i = 0; i < t->n; i++)
            t->order[i] = (int32_t)i;
        for (t->level = 0; !s && t->level <= t->levels; t->level++)
            s = cep_parallel(ctx, NULL, (size_t)1 << t->level, split_node, t);
    }
    if (s) cep_tree_close(t);
    return s;
}

void cep_tree_close(cep_tree *t)
{
    cep_free(t->mem, t->boxes);
    cep_free(t->mem, t->points);
    cep_free(t->mem, t->order);
    t->boxes = t->points = NULL;
    t->order = NULL;
}

cepman_status cep_neighbors_tree(cepman_context *ctx, const cep_measure *m, size_t k, int32_t *indices,
                                 float *distances)
{
    cep_tree t;
    cepman_status s = cep_tree_open(&t, ctx, m);
    if (s) return s;
    querying q = {&t, k, cep_alloc(m->mem, cep_workers(ctx), k * sizeof *q.items), indices, distances};
    if (!q.items)
        s = cep_fail_memory(ctx, "nearest rows", cep_workers(ctx), k * sizeof *q.items);
    else
        s = cep_parallel(ctx, "neighbors", (t.n + QUERY_ROWS - 1) / QUERY_ROWS, query_rows, &q);
    cep_free(m->mem, q.items);
    cep_tree_close(&t);
    return s;
}
