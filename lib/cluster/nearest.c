/* The k nearest of a set of points for rows from elsewhere, exactly: a k-d tree descent with the nearer child first
 * (Friedman, Bentley, Finkel 1977), or every point with a float32 distance that only rules points out.
 * Must not: let ties depend on the way; of equal distances the lower number is nearer. */
#include <math.h>

#include "nearest.h"

#define FEW_POINTS 64
#define TILE 64    /* points that stay in the cache while several rows pass */
#define QUERIES 16 /* rows of one item at most; multiples of four */
#define TREE_ROWS 64

typedef struct heap {
    cep_near_point *items; /* the worst on top */
    size_t k, count;
} heap;

typedef struct nearest_job {
    const cep_nearest *n;
    const cepman_matrix *matrix;
    const cep_centres_kernels *kernels;
    cep_nearest_found found;
    void *argument;
    size_t k, queries, rows;
    float slack;
    cep_near_point *items; /* per worker: queries * k */
} nearest_job;

static bool worse(cep_near_point a, cep_near_point b)
{
    return a.squared > b.squared || (a.squared == b.squared && a.point > b.point);
}

static void sink(cep_near_point *x, size_t count, cep_near_point v)
{
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && worse(x[child + 1], x[child])) child++;
        if (!worse(x[child], v)) break;
        x[at] = x[child];
    }
    x[at] = v;
}

static void offer(heap *h, double squared, uint32_t point)
{
    cep_near_point v = {squared, point};
    if (h->count == h->k) { /* k >= 1: there are points */
        if (worse(h->items[0], v)) sink(h->items, h->k, v);
        return;
    }
    size_t at = h->count++;
    for (; at > 0 && worse(v, h->items[(at - 1) / 2]); at = (at - 1) / 2)
        h->items[at] = h->items[(at - 1) / 2];
    h->items[at] = v;
}

static void sort_heap(heap *h)
{
    for (size_t end = h->count; end-- > 1;) {
        cep_near_point last = h->items[end];
        h->items[end] = h->items[0];
        sink(h->items, end, last);
    }
}

static double bound_of(const heap *h)
{
    return h->count < h->k ? (double)INFINITY : h->items[0].squared;
}

static bool finite_row(const float *x, size_t d)
{
    for (size_t j = 0; j < d; j++)
        if (!isfinite(x[j])) return false;
    return true;
}

/* ---- few features: the tree -------------------------------------------------------------------------------------- */

static double gap(const cep_kdtree *t, size_t node, const double *x)
{
    const float *low = t->box + node * 2 * t->width, *high = low + t->width;
    double s = 0;
    for (size_t j = 0; j < t->d; j++) {
        double below = (double)low[j] - x[j], above = x[j] - (double)high[j],
               e = below > above ? below : above;
        if (e > 0) s += e * e;
    }
    return s * (1 - 1e-12);
}

static void read_leaf(const cep_kdtree *t, size_t block, const double *x, heap *h)
{
    double s[16] = {0};
    size_t count = t->n - block * 16 < 16 ? t->n - block * 16 : 16;
    for (size_t j = 0; j < t->d; j++) {
        const float *p = t->soa + (block * t->d + j) * 16;
        for (size_t i = 0; i < 16; i++) {
            double e = x[j] - (double)p[i];
            s[i] += e * e;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (s[i] <= bound_of(h)) offer(h, s[i], t->id[block * 16 + i]);
}

static void descend(const cep_kdtree *t, const double *x, heap *h)
{
    struct {
        size_t node;
        double gap;
    } stack[64];
    size_t depth = 0;
    stack[depth].node = 0;
    stack[depth++].gap = 0;
    while (depth) {
        size_t v = stack[--depth].node;
        if (stack[depth].gap > bound_of(h)) continue;
        while (t->count[v] > 1) {
            size_t near = v + 1, far = cep_kdtree_right(t, v);
            double a = gap(t, near, x), b = gap(t, far, x);
            if (b < a) {
                size_t other = near;
                near = far;
                far = other;
                double c = a;
                a = b;
                b = c;
            }
            stack[depth].node = far;
            stack[depth++].gap = b;
            v = near;
            if (a > bound_of(h)) break;
        }
        if (t->count[v] == 1) read_leaf(t, (size_t)t->first[v], x, h);
    }
}

static cepman_status tree_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    const nearest_job *job = argument;
    const cep_kdtree *t = &job->n->tree;
    heap h = {job->items + (size_t)worker * job->queries * job->k, job->k, 0};
    (void)fault;
    for (size_t i = index * TREE_ROWS; i < (index + 1) * TREE_ROWS && i < job->rows; i++) {
        const float *row = cepman_matrix_row(job->matrix, i);
        double x[CEP_KDTREE_MOST] = {0}, unit = 1 / (t->scale * t->scale);
        h.count = 0;
        if (finite_row(row, t->d)) {
            for (size_t j = 0; j < t->d; j++)
                x[j] = (double)row[j] * t->scale;
            descend(t, x, &h);
            sort_heap(&h);
            for (size_t c = 0; c < h.count; c++)
                h.items[c].squared *= unit;
        }
        job->found(job->argument, i, h.items, h.count);
    }
    return CEPMAN_OK;
}

/* ---- many features: all points ----------------------------------------------------------------------------------- */

static cepman_status plain_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    const nearest_job *job = argument;
    const cep_points *p = job->n->points;
    size_t first = index * job->queries, count = job->rows - first, d = p->d;
    const float *rows[QUERIES], *four[4];
    float limits[QUERIES], out[4];
    heap h[QUERIES];
    bool good[QUERIES];
    (void)fault;
    if (count > job->queries) count = job->queries;
    for (size_t q = 0; q < count; q++) {
        rows[q] = cepman_matrix_row(job->matrix, first + q);
        good[q] = finite_row(rows[q], d);
        limits[q] = good[q] ? INFINITY : -1;
        h[q] = (heap){job->items + ((size_t)worker * job->queries + q) * job->k, job->k, 0};
    }
    for (size_t t = 0; t < p->n; t += TILE)
        for (size_t q = 0; q < count; q += 4) {
            for (size_t i = 0; i < 4; i++)
                four[i] = rows[q + i < count ? q + i : q];
            for (size_t j = t; j < t + TILE && j < p->n; j++) {
                job->kernels->squared(four, p->row[j], d, out);
                for (size_t i = 0; i < 4 && q + i < count; i++) {
                    if (!good[q + i] || out[i] > limits[q + i]) continue;
                    offer(&h[q + i], cep_squared(rows[q + i], p->row[j], d), (uint32_t)j);
                    double bound = bound_of(&h[q + i]) * (1 + 4 * (double)job->slack) + 1e-37;
                    limits[q + i] = bound < 3e38 ? (float)bound * (1 + 0x1p-22f) : INFINITY;
                }
            }
        }
    for (size_t q = 0; q < count; q++) {
        sort_heap(&h[q]);
        job->found(job->argument, first + q, h[q].items, h[q].count);
    }
    return CEPMAN_OK;
}

cepman_status cep_nearest_open(cep_nearest *n, cepman_context *ctx, const cep_points *points)
{
    *n = (cep_nearest){.points = points};
    n->few = points->n > FEW_POINTS && points->d <= CEP_KDTREE_MOST && cep_kdtree_fits(points);
    return n->few ? cep_kdtree_build(&n->tree, ctx, points) : CEPMAN_OK;
}

void cep_nearest_close(cep_nearest *n)
{
    cep_kdtree_clear(&n->tree);
}

cepman_status cep_nearest_rows(const cep_nearest *n, cepman_context *ctx, const char *stage,
                               const cepman_matrix *matrix, size_t k, cep_nearest_found found, void *argument)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t d = n->points->d, items, work;
    nearest_job job = {.n = n,
                       .matrix = matrix,
                       .kernels = cep_centres_kernels_get(cep_context_cpu(ctx)),
                       .found = found,
                       .argument = argument,
                       .k = k < n->points->n ? k : n->points->n,
                       .rows = cepman_matrix_rows(matrix),
                       .queries = 1};
    job.slack = (float)(1.5 * ((double)d / 8 + 8) * 0x1p-24);
    if (!n->few) { /* an item stays well below 100 ms */
        if (!cep_mul(n->points->n, d, &work)) work = SIZE_MAX;
        job.queries = work < (size_t)1 << 24 ? QUERIES : 4;
    }
    if (!cep_mul(cep_workers(ctx) * job.queries, job.k, &items)) items = SIZE_MAX;
    job.items = cep_alloc(mem, items, sizeof *job.items);
    if (!job.items) return cep_fail_memory(ctx, "nearest points", items, sizeof *job.items);
    size_t step = n->few ? TREE_ROWS : job.queries;
    cepman_status s =
        cep_parallel(ctx, stage, (job.rows + step - 1) / step, n->few ? tree_chunk : plain_chunk, &job);
    cep_free(mem, job.items);
    return s;
}
