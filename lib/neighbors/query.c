/* New rows against an index: projected eight at a time, candidates from the cells ranked by float64 distances; or a
 * k-d tree; or every row of the index, by sixteen rows that pass it together where it is small.
 * Jegou, Douze and Schmid, IEEE Trans. Pattern Anal. 33 (2011) 117 (search without residuals); see cells.c and tree.c.
 * Must not: change the index, or hold results in an order that depends on threads. */
#include <math.h>
#include <string.h>

#include "index.h"

#define FETCH_FLOATS 2048
#define NORM_MOST 1e37f                /* beyond it squares may overflow: such rows are compared exactly */
#define CHUNK_FLOATS ((size_t)1 << 20) /* of an exact task */
#define SMALL_FLOATS ((size_t)1 << 22) /* an index that groups pass: some ten milliseconds */
#define GROUP CEP_REACH_BLOCK

cepman_status cep_index_scratch_open(cep_index_scratch *w, cepman_context *ctx,
                                     const cepman_neighbors_index *x)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t width = x->projector.width;
    w->y = cep_alloc(mem, CEP_TILE_ROWS, width * sizeof *w->y);
    w->norms = cep_alloc(mem, CEP_TILE_ROWS, sizeof *w->norms);
    w->probes = cep_alloc(mem, x->probes, sizeof *w->probes);
    w->found = cep_alloc(mem, x->candidates, sizeof *w->found);
    w->group = cep_alloc(mem, x->m.columns, GROUP * sizeof *w->group);
    w->best = cep_alloc(mem, GROUP, x->k * sizeof *w->best);
    if (w->y && w->norms && w->probes && w->found && w->group && w->best) return CEPMAN_OK;
    return cep_fail_memory(ctx, "search of an index", x->candidates + GROUP * x->k, sizeof *w->best);
}

void cep_index_scratch_close(cep_index_scratch *w, cep_memory *mem)
{
    cep_free(mem, w->y);
    cep_free(mem, w->norms);
    cep_free(mem, w->probes);
    cep_free(mem, w->found);
    cep_free(mem, w->group);
    cep_free(mem, w->best);
}

static inline void fetch_row(const cepman_neighbors_index *x, int32_t j)
{
    const float *row = cepman_matrix_row(x->m.matrix, (size_t)j);
    size_t most = x->m.columns < FETCH_FLOATS ? x->m.columns : FETCH_FLOATS;
    for (size_t c = 0; c < most; c += 16)
        __builtin_prefetch(row + c);
}

cep_best cep_index_ask(const cepman_neighbors_index *x, const cep_measure *q, size_t i, const float *y,
                       int32_t self, cep_index_scratch *w)
{
    cep_best probes = {w->probes, x->probes, 0}, found = {w->found, x->candidates, 0},
             best = {w->best, x->k, 0};
    cep_cells_search(&x->cells, y, self, &probes, &found);
    for (size_t c = 0; c < found.count; c++) {
        if (c + 1 < found.count) fetch_row(x, w->found[c + 1].index);
        int32_t j = w->found[c].index;
        cep_best_offer(&best, cep_measure_between(q, i, &x->m, (size_t)j), j);
    }
    cep_best_sort(&best);
    return best;
}

typedef struct asking {
    const cepman_neighbors_index *x;
    cep_measure q;
    cep_index_scratch *scratch; /* per worker */
    bool *exactly;              /* rows to be compared with every row of the index */
    const cep_reach_kernels *kernels;
    size_t chunk, row; /* exact: rows of a task, the row asked */
    int32_t *indices;
    float *distances;
} asking;

static void write_row(const asking *a, size_t i, const cep_best *best)
{
    size_t k = a->x->k;
    for (size_t c = 0; c < k; c++) {
        a->indices[i * k + c] = best->items[c].index;
        a->distances[i * k + c] = cep_measure_distance(&a->x->m, best->items[c].key);
    }
}

static cepman_status ask_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    asking *a = argument;
    const cepman_neighbors_index *x = a->x;
    cep_index_scratch *w = &a->scratch[worker];
    size_t first = index * CEP_TILE_ROWS, left = a->q.rows - first;
    size_t count = left < CEP_TILE_ROWS ? left : CEP_TILE_ROWS;
    (void)fault;
    if (!x->tree.order) cep_projector_apply(&x->projector, &a->q, first, count, w->y, w->norms);
    for (size_t r = 0; r < count; r++) {
        cep_best best = {w->best, x->k, 0};
        if (x->tree.order) {
            cep_tree_search(&x->tree, cepman_matrix_row(a->q.matrix, first + r), -1, &best);
            cep_best_sort(&best);
        } else if (!(w->norms[r] < NORM_MOST)) {
            a->exactly[first + r] = true;
            continue;
        } else {
            best = cep_index_ask(x, &a->q, first + r, w->y + r * x->projector.width, -1, w);
        }
        write_row(a, first + r, &best);
    }
    return CEPMAN_OK;
}

/* One row against a stretch of the index's rows; scratch[worker].best grows to the k nearest this worker met. */
static cepman_status compare_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    asking *a = argument;
    const cepman_neighbors_index *x = a->x;
    cep_best *best = &a->scratch[worker].all;
    (void)fault;
    for (size_t j = index * a->chunk; j < (index + 1) * a->chunk && j < x->m.rows; j++)
        cep_best_offer(best, cep_measure_between(&a->q, a->row, &x->m, j), (int32_t)j);
    return CEPMAN_OK;
}

static inline bool any_within(const float near[GROUP], const float limits[GROUP])
{
    int within = 0;
    for (size_t r = 0; r < GROUP; r++)
        within |= near[r] <= limits[r];
    return within;
}

/* A group of rows against every row of a small index. Euclidean distances are first taken in float32, a lane for each row
 * of the group, whose rounding rules out what lies beyond the k-th so far; what is left counts in float64. */
static cepman_status pass_group(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    asking *a = argument;
    const cepman_neighbors_index *x = a->x;
    cep_index_scratch *w = &a->scratch[worker];
    const size_t first = index * GROUP, d = x->m.columns,
                 count = a->q.rows - first < GROUP ? a->q.rows - first : GROUP;
    const double slack = 1 + 4 * ((double)d + 4) * 0x1p-24;
    cep_best best[GROUP];
    float limits[GROUP], near[GROUP];
    double keys[GROUP];
    size_t row[GROUP];
    (void)fault;
    for (size_t r = 0; r < GROUP; r++) {
        row[r] = first + (r < count ? r : 0);
        best[r] = (cep_best){w->best + r * x->k, x->k, 0};
        limits[r] = r < count ? INFINITY : -1;
        for (size_t c = 0; !x->m.cosine && c < d; c++)
            w->group[c * GROUP + r] = cepman_matrix_row(a->q.matrix, row[r])[c];
    }
    for (size_t j = 0; j < x->m.rows; j++) {
        if (!x->m.cosine) {
            a->kernels->distances(w->group, 1, d, cepman_matrix_row(x->m.matrix, j), near);
            if (!any_within(near, limits)) continue;
        }
        for (size_t r = 0; x->m.cosine && r < count; r += 4)
            cep_measure_four(&a->q, row + r, &x->m, j, keys + r);
        for (size_t r = 0; r < count; r++) {
            if (!x->m.cosine) {
                if (near[r] > limits[r]) continue;
                keys[r] = cep_measure_between(&a->q, row[r], &x->m, j);
            }
            cep_best_offer(&best[r], keys[r], (int32_t)j);
            const double limit = cep_best_bound(&best[r]) * slack + 1e-37;
            limits[r] = limit < 3e38 ? (float)limit * (1 + 0x1p-22f) : INFINITY;
        }
    }
    for (size_t r = 0; r < count; r++) {
        cep_best_sort(&best[r]);
        write_row(a, first + r, &best[r]);
    }
    return CEPMAN_OK;
}

static cepman_status ask_all(asking *a, cepman_context *ctx)
{
    const cepman_neighbors_index *x = a->x;
    size_t tasks = (x->m.rows + a->chunk - 1) / a->chunk;
    cepman_status s = CEPMAN_OK;
    unsigned workers = cep_workers(ctx);
    for (a->row = 0; !s && a->row < a->q.rows; a->row++) {
        if (!a->exactly[a->row]) continue;
        for (unsigned w = 0; w < workers; w++)
            a->scratch[w].all = (cep_best){a->scratch[w].best, x->k, 0};
        s = cep_parallel_part(ctx, "query", a->row * tasks, a->q.rows * tasks, tasks, compare_rows, a);
        cep_best *best = &a->scratch[0].all;
        for (unsigned w = 1; !s && w < workers; w++)
            for (size_t c = 0; c < a->scratch[w].all.count; c++)
                cep_best_offer(best, a->scratch[w].best[c].key, a->scratch[w].best[c].index);
        if (s) break;
        cep_best_sort(best);
        write_row(a, a->row, best);
    }
    return s;
}

static cepman_status ask(asking *a, cepman_context *ctx)
{
    const cepman_neighbors_index *x = a->x;
    cep_memory *mem = cep_context_memory(ctx);
    unsigned workers = cep_workers(ctx);
    a->chunk = CHUNK_FLOATS / x->m.columns + 1;
    a->kernels = cep_reach_kernels_get(cep_context_cpu(ctx));
    const bool all = !x->cells.points && !x->tree.order;
    a->scratch = cep_alloc_zero(mem, workers, sizeof *a->scratch);
    a->exactly = cep_alloc_zero(mem, a->q.rows, sizeof *a->exactly);
    cepman_status s = CEPMAN_OK;
    if (!a->scratch || !a->exactly)
        s = cep_fail_memory(ctx, "search of an index", a->q.rows, sizeof *a->exactly);
    for (unsigned w = 0; !s && w < workers; w++)
        s = cep_index_scratch_open(&a->scratch[w], ctx, x);
    if (!s && !all)
        s = cep_parallel(ctx, "query", (a->q.rows + CEP_TILE_ROWS - 1) / CEP_TILE_ROWS, ask_rows, a);
    else if (!s && x->m.rows < SMALL_FLOATS / x->m.columns)
        s = cep_parallel(ctx, "query", (a->q.rows + GROUP - 1) / GROUP, pass_group, a);
    else if (!s)
        memset(a->exactly, true, a->q.rows);
    if (!s) s = ask_all(a, ctx);
    for (unsigned w = 0; a->scratch && w < workers; w++)
        cep_index_scratch_close(&a->scratch[w], mem);
    cep_free(mem, a->exactly);
    cep_free(mem, a->scratch);
    return s;
}

cepman_status cepman_neighbors_index_query(const cepman_neighbors_index *x, cepman_context *ctx,
                                           const cepman_matrix *rows, int32_t *indices, float *distances)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, x && rows, CEPMAN_ERR_ARGUMENT, "query: index or rows is NULL");
    CEP_REQUIRE(ctx, (indices && distances) || x->k == 0 || cepman_matrix_rows(rows) == 0,
                CEPMAN_ERR_ARGUMENT, "query: indices or distances is NULL");
    CEP_REQUIRE(ctx, cepman_matrix_columns(rows) == x->m.columns, CEPMAN_ERR_SHAPE,
                "query: rows of %zu columns, the index has %zu", cepman_matrix_columns(rows), x->m.columns);
    asking a = {.x = x};
    s = cep_measure_open(&a.q, ctx, rows, x->metric);
    if (s) return s;
    if (x->k > 0 && a.q.rows > 0) {
        size_t items = a.q.rows * x->k;
        cep_memory *mem = cep_context_memory(ctx);
        a.indices = cep_alloc(mem, a.q.rows, x->k * sizeof *a.indices);
        a.distances = cep_alloc(mem, a.q.rows, x->k * sizeof *a.distances);
        if (!a.indices || !a.distances)
            s = cep_fail_memory(ctx, "neighbours of rows", a.q.rows,
                                x->k * (sizeof *indices + sizeof *distances));
        else
            s = ask(&a, ctx);
        if (!s) { /* outputs are untouched on failure */
            memcpy(indices, a.indices, items * sizeof *indices);
            memcpy(distances, a.distances, items * sizeof *distances);
        }
        cep_free(mem, a.distances);
        cep_free(mem, a.indices);
    }
    cep_measure_close(&a.q);
    return s;
}
