/* The nearest-neighbour graph over the rows of all ranks: an index of each rank's rows, which the rows of all ranks pass by
 * in a ring, each with the k best it has met.
 * Merging of the parts' nearest is exact: a true neighbour is among the nearest of its own part. The order is by distance,
 * then by number.
 * Must not: let a row meet itself, or the order depend on which rank a row came from. */
#include <math.h>
#include <string.h>

#include "internal.h"

/* Rows on their way, with their best so far: rows of `columns`, lists of k. Two of them: what comes in while one goes out. */
typedef struct train {
    float *rows;
    int32_t *indices;
    float *distances;
} train;

typedef struct ring {
    cepman_mpi *g;
    cepman_mpi_graph *graph;
    cepman_neighbors_index *index; /* NULL for a rank without rows */
    size_t columns, most;          /* rows of the largest shard */
    size_t asked;                  /* neighbours a query of the index gives */
    train here, coming;
    int32_t *found; /* of one query: most x asked */
    float *far;
    int32_t *merged; /* k of each */
    float *merged_far;
} ring;

static size_t rows_of(const ring *r, int rank)
{
    return r->graph->starts[rank + 1] - r->graph->starts[rank];
}

/* ---- preparing ----------------------------------------------------------------------------------------------------- */

/* The options with one neighbour more: a row finds itself in its own shard. */
static cepman_status open_index(ring *r, cepman_matrix *shard, const cepman_options *options)
{
    cepman_context *ctx = r->g->ctx;
    cepman_options *o = NULL;
    cepman_status s =
        options ? cepman_options_copy(&o, ctx, options) : cepman_neighbors_options_create(&o, ctx);
    int64_t k = 0;
    if (!s) s = cepman_options_get_integer(o, ctx, "k", &k);
    if (!s) {
        const size_t others = r->graph->total ? r->graph->total - 1 : 0;
        r->graph->k = (size_t)k < others ? (size_t)k : others;
        s = cepman_options_set_integer(o, ctx, "k", (int64_t)r->graph->k + 1);
    }
    if (!s && cepman_matrix_rows(shard)) s = cepman_neighbors_index_create(&r->index, ctx, shard, o);
    if (!s) r->asked = cepman_neighbors_index_k(r->index);
    cepman_options_unref(o);
    return s;
}

static cepman_status open_train(ring *r, train *t)
{
    const size_t k = r->graph->k;
    cepman_status s =
        cep_mpi_alloc(r->g, &t->rows, r->most, r->columns * sizeof *t->rows, "rows of the ring");
    if (!s) s = cep_mpi_alloc(r->g, &t->indices, r->most, k * sizeof *t->indices, "lists of the ring");
    if (!s) s = cep_mpi_alloc(r->g, &t->distances, r->most, k * sizeof *t->distances, "lists of the ring");
    return s;
}

static void close_train(train *t)
{
    cepman_context_release(t->rows);
    cepman_context_release(t->indices);
    cepman_context_release(t->distances);
}

static cepman_status open_ring(ring *r, cepman_matrix *shard, const cepman_options *options)
{
    cepman_mpi *g = r->g;
    cepman_status s = CEPMAN_OK;
    if (r->graph->total > INT32_MAX)
        return cep_mpi_fail(g, CEPMAN_ERR_RANGE, "neighbours: %zu rows in all, must be at most %d",
                            r->graph->total, INT32_MAX);
    for (int i = 0; i < g->ranks; i++)
        if (rows_of(r, i) > r->most) r->most = rows_of(r, i);
    s = open_index(r, shard, options);
    const size_t k = r->graph->k;
    if (!s) s = open_train(r, &r->here);
    if (!s) s = open_train(r, &r->coming);
    if (!s) s = cep_mpi_alloc(g, &r->found, r->most, r->asked * sizeof *r->found, "neighbours in a shard");
    if (!s) s = cep_mpi_alloc(g, &r->far, r->most, r->asked * sizeof *r->far, "neighbours in a shard");
    if (!s) s = cep_mpi_alloc(g, &r->merged, k, sizeof *r->merged, "list of neighbours");
    if (!s) s = cep_mpi_alloc(g, &r->merged_far, k, sizeof *r->merged_far, "list of neighbours");
    if (!s) s = cepman_matrix_read(shard, g->ctx, 0, r->graph->count, r->here.rows, r->columns);
    for (size_t i = 0; !s && i < r->most * k; i++) {
        r->here.indices[i] = -1;
        r->here.distances[i] = INFINITY;
    }
    return s;
}

static void close_ring(ring *r)
{
    close_train(&r->here);
    close_train(&r->coming);
    cepman_context_release(r->found);
    cepman_context_release(r->far);
    cepman_context_release(r->merged);
    cepman_context_release(r->merged_far);
    cepman_neighbors_index_unref(r->index);
}

/* ---- the ring ------------------------------------------------------------------------------------------------------ */

static bool before(float da, int32_t a, float db, int32_t b)
{
    return da < db || (!(da > db) && a < b);
}

/* The k best of a row's list and of what this shard has for it; the shard's come in the order of the index, where equal
 * float32 distances may stand in the order of their float64 ones. */
static void merge_row(ring *r, size_t row, int32_t self)
{
    const size_t k = r->graph->k, n = r->asked;
    const int32_t first = (int32_t)r->graph->first;
    int32_t *list = r->here.indices + row * k, *found = r->found + row * n;
    float *far = r->here.distances + row * k, *found_far = r->far + row * n;
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j && before(found_far[j], found[j], found_far[j - 1], found[j - 1]); j--) {
            const int32_t t = found[j];
            const float d = found_far[j];
            found[j] = found[j - 1];
            found_far[j] = found_far[j - 1];
            found[j - 1] = t;
            found_far[j - 1] = d;
        }
    size_t a = 0, b = 0;
    for (size_t c = 0; c < k; c++) {
        if (b < n && first + found[b] == self) b++;
        if (b < n && before(found_far[b], first + found[b], far[a], list[a] < 0 ? INT32_MAX : list[a])) {
            r->merged[c] = first + found[b];
            r->merged_far[c] = found_far[b++];
        } else {
            r->merged[c] = list[a];
            r->merged_far[c] = far[a++];
        }
    }
    memcpy(list, r->merged, k * sizeof *list);
    memcpy(far, r->merged_far, k * sizeof *far);
}

/* The rows that are here now, those of rank `from`, against this rank's index. */
static cepman_status meet(ring *r, int from)
{
    const size_t count = rows_of(r, from), first = r->graph->starts[from];
    if (!r->index || !count || !r->graph->k) return CEPMAN_OK;
    cepman_matrix *rows = NULL;
    cepman_status s =
        cepman_matrix_wrap(&rows, r->g->ctx, r->here.rows, count, r->columns, r->columns, NULL, NULL);
    if (!s) s = cepman_neighbors_index_query(r->index, r->g->ctx, rows, r->found, r->far);
    cepman_matrix_unref(rows);
    for (size_t i = 0; !s && i < count; i++)
        merge_row(r, i, (int32_t)(first + i));
    return s;
}

/* Everything one rank on. `from`: whose rows are here now. The last time only the lists are wanted. */
static cepman_status pass_on(ring *r, int from, bool with_rows)
{
    cepman_mpi *g = r->g;
    const int to = (g->rank + 1) % g->ranks, by = (g->rank + g->ranks - 1) % g->ranks;
    const size_t out = rows_of(r, from), in = rows_of(r, (from + g->ranks - 1) % g->ranks), k = r->graph->k;
    const size_t row = r->columns * sizeof *r->here.rows, list = k * sizeof(int32_t);
    cepman_status s = CEPMAN_OK;
    if (with_rows) s = cep_mpi_exchange(g, r->here.rows, out * row, to, r->coming.rows, in * row, by);
    if (!s) s = cep_mpi_exchange(g, r->here.indices, out * list, to, r->coming.indices, in * list, by);
    if (!s) s = cep_mpi_exchange(g, r->here.distances, out * list, to, r->coming.distances, in * list, by);
    const train t = r->here;
    r->here = r->coming;
    r->coming = t;
    return s;
}

static cepman_status go_round(ring *r)
{
    cepman_mpi *g = r->g;
    for (int step = 0; step < g->ranks; step++) {
        const int from = (g->rank + g->ranks - step) % g->ranks;
        cepman_status s = cepman_mpi_agree(g, meet(r, from));
        cepman_context_report(g->ctx, "ring of neighbours", (uint64_t)step + 1, (uint64_t)g->ranks);
        if (!s && g->ranks > 1) s = pass_on(r, from, step + 1 < g->ranks);
        if (s) return s;
    }
    return CEPMAN_OK;
}

/* "exact" only when every rank's index is. */
static cepman_status settle_method(ring *r)
{
    int mine = r->index && strcmp(cepman_neighbors_index_method(r->index), "approximate") == 0, any = 0;
    cepman_status s =
        cep_mpi_check(r->g, MPI_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, r->g->comm), "comparing methods");
    r->graph->method = any ? "approximate" : "exact";
    r->graph->recall = 1;
    return s;
}

static cepman_status build(cepman_mpi_graph *graph, cepman_mpi *g, cepman_matrix *shard,
                           const cepman_options *options)
{
    ring r = {.g = g, .graph = graph, .columns = cepman_matrix_columns(shard)};
    cepman_status s = cepman_mpi_agree(g, open_ring(&r, shard, options));
    if (!s) s = go_round(&r);
    if (!s) s = settle_method(&r);
    if (!s) {
        graph->indices = r.here.indices;
        graph->distances = r.here.distances;
        r.here.indices = NULL;
        r.here.distances = NULL;
    }
    close_ring(&r);
    if (!s && strcmp(graph->method, "exact") != 0) s = cep_mpi_measure_recall(graph, g, shard, options);
    return s;
}

cepman_status cepman_mpi_neighbors(cepman_mpi_graph **out, cepman_mpi *g, cepman_matrix *shard,
                                   const cepman_options *options)
{
    cepman_mpi_graph *graph = NULL;
    size_t *starts = NULL;
    cepman_status s = cep_mpi_enter(g, out && shard);
    if (!s)
        s = cep_mpi_same_options(g, options, cepman_neighbors_options_create,
                                 "settings of the neighbours (their sum)");
    if (!s) s = cep_mpi_starts(&starts, g, shard);
    if (!s) s = cepman_mpi_agree(g, cep_mpi_alloc(g, &graph, 1, sizeof *graph, "graph"));
    if (s) {
        cepman_context_release(graph);
        cepman_context_release(starts);
        return s;
    }
    *graph = (cepman_mpi_graph){.ctx = cepman_context_ref(g->ctx), .starts = starts};
    graph->first = starts[g->rank];
    graph->count = starts[g->rank + 1] - starts[g->rank];
    graph->total = starts[g->ranks];
    s = build(graph, g, shard, options);
    if (s)
        cepman_mpi_graph_unref(graph);
    else
        *out = graph;
    return s;
}

cepman_status cepman_mpi_graph_gather(cepman_neighbors **out, cepman_mpi *g, const cepman_mpi_graph *graph)
{
    cepman_status s = cep_mpi_enter(g, out && graph);
    if (s) return s;
    const size_t k = graph->k, list = k * sizeof(int32_t);
    const bool here = g->rank == 0;
    int32_t *indices = NULL;
    float *distances = NULL;
    cepman_neighbors *whole = NULL;
    if (here) s = cep_mpi_alloc(g, &indices, graph->total, list, "graph of all ranks");
    if (here && !s) s = cep_mpi_alloc(g, &distances, graph->total, list, "graph of all ranks");
    s = cepman_mpi_agree(g, s);
    for (int r = 1; !s && r < g->ranks; r++) {
        const size_t at = graph->starts[r] * k, bytes = (graph->starts[r + 1] - graph->starts[r]) * list;
        if (here) {
            s = cep_mpi_receive(g, indices + at, bytes, r);
            if (!s) s = cep_mpi_receive(g, distances + at, bytes, r);
        } else if (r == g->rank) {
            s = cep_mpi_send(g, graph->indices, bytes, 0);
            if (!s) s = cep_mpi_send(g, graph->distances, bytes, 0);
        }
    }
    if (!s && here) {
        memcpy(indices, graph->indices, graph->count * list);
        memcpy(distances, graph->distances, graph->count * list);
        s = cepman_neighbors_copy(&whole, g->ctx, graph->total, k, indices, distances);
    }
    cepman_context_release(indices);
    cepman_context_release(distances);
    s = cepman_mpi_agree(g, s);
    if (s)
        cepman_neighbors_unref(whole);
    else
        *out = whole;
    return s;
}

/* ---- the handle ---------------------------------------------------------------------------------------------------- */

void cepman_mpi_graph_unref(cepman_mpi_graph *graph)
{
    if (!graph) return;
    cepman_context *ctx = graph->ctx;
    cepman_context_release(graph->starts);
    cepman_context_release(graph->indices);
    cepman_context_release(graph->distances);
    cepman_context_release(graph);
    cepman_context_unref(ctx);
}

size_t cepman_mpi_graph_first(const cepman_mpi_graph *graph)
{
    return graph ? graph->first : 0;
}

size_t cepman_mpi_graph_count(const cepman_mpi_graph *graph)
{
    return graph ? graph->count : 0;
}

size_t cepman_mpi_graph_total(const cepman_mpi_graph *graph)
{
    return graph ? graph->total : 0;
}

size_t cepman_mpi_graph_k(const cepman_mpi_graph *graph)
{
    return graph ? graph->k : 0;
}

const int32_t *cepman_mpi_graph_indices(const cepman_mpi_graph *graph)
{
    return graph ? graph->indices : NULL;
}

const float *cepman_mpi_graph_distances(const cepman_mpi_graph *graph)
{
    return graph ? graph->distances : NULL;
}

const char *cepman_mpi_graph_method(const cepman_mpi_graph *graph)
{
    return graph ? graph->method : NULL;
}

double cepman_mpi_graph_recall(const cepman_mpi_graph *graph)
{
    return graph ? graph->recall : (double)NAN;
}
