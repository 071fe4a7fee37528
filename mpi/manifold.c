/* UMAP over all ranks: the graph is built over the ranks and laid out at rank 0; of long scans that is done with landmarks,
 * and every rank places its own rows in their embedding.
 * McInnes, Healy, Melville 2018, arXiv:1802.03426; landmarks are one row drawn from each of equal stretches of the scan.
 * Must not: let the choice of landmarks depend on the ranks. */
#include <string.h>

#include "internal.h"

enum { LANDMARKS = 200000, LANDMARKS_LEAST = 16, BLOCK = 4096 };

typedef struct making {
    cepman_mpi *g;
    cepman_mpi_manifold *manifold;
    cepman_options *umap, *near;
    size_t *starts; /* rows of the ranks */
    size_t total, columns, fitted;
    bool all;                 /* every row is fitted */
    bool with_rows;           /* rank 0 needs the rows of the fit */
    cepman_matrix *points;    /* the rank's share of the fitted rows */
    cepman_neighbors *graph;  /* the whole one: at rank 0, with landmarks everywhere */
    cepman_matrix *landmarks; /* rows of the fit, the same */
} making;

/* ---- landmarks ----------------------------------------------------------------------------------------------------- */

/* The output of splitmix64 (Steele, Lea, Flood 2014) at a place of its own. */
static uint64_t draw(uint64_t seed, uint64_t i)
{
    uint64_t z = seed * 0xd1342543de82ef95u + (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static cepman_status choose_landmarks(making *m)
{
    size_t *rows = NULL;
    int64_t seed = 0;
    cepman_status s = cepman_options_get_integer(m->umap, m->g->ctx, "seed", &seed);
    if (!s) s = cep_mpi_alloc(m->g, &rows, m->fitted, sizeof *rows, "landmarks");
    for (size_t i = 0; !s && i < m->fitted; i++) {
        const size_t lo = i * m->total / m->fitted, hi = (i + 1) * m->total / m->fitted;
        rows[i] = lo + (size_t)(draw((uint64_t)seed, i) % (hi - lo));
    }
    m->manifold->landmarks = rows;
    return s;
}

/* The landmarks among the rank's rows, copied. */
static cepman_status take_landmarks(making *m, const cepman_matrix *shard)
{
    cepman_mpi *g = m->g;
    const size_t *rows = m->manifold->landmarks, first = m->manifold->first, d = m->columns;
    size_t begin = 0, end;
    float *block = NULL;
    while (begin < m->fitted && rows[begin] < first)
        begin++;
    for (end = begin; end < m->fitted && rows[end] < first + cepman_matrix_rows(shard);)
        end++;
    cepman_status s = cep_mpi_alloc(g, &block, end - begin, d * sizeof *block, "landmarks");
    for (size_t i = begin; !s && i < end; i++)
        s = cepman_matrix_read(shard, g->ctx, rows[i] - first, 1, block + (i - begin) * d, d);
    if (!s) return cep_mpi_own(&m->points, g, block, end - begin, d);
    cepman_context_release(block);
    return s;
}

/* ---- the fit ------------------------------------------------------------------------------------------------------- */

static cepman_status read_options(making *m, const cepman_options *options)
{
    cepman_context *ctx = m->g->ctx;
    int64_t neighbors = 0, seed = 0;
    const char *init = "", *metric = "", *method = "";
    cepman_status s =
        options ? cepman_options_copy(&m->umap, ctx, options) : cepman_umap_options_create(&m->umap, ctx);
    if (!s) s = cepman_options_get_text(m->umap, ctx, "init", &init);
    if (!s) s = cepman_options_get_integer(m->umap, ctx, "neighbors", &neighbors);
    if (!s) s = cepman_options_get_integer(m->umap, ctx, "seed", &seed);
    if (!s) s = cepman_options_get_text(m->umap, ctx, "metric", &metric);
    if (!s) s = cepman_options_get_text(m->umap, ctx, "method", &method);
    if (!s) s = cepman_neighbors_options_create(&m->near, ctx);
    if (!s) s = cepman_options_set_integer(m->near, ctx, "k", neighbors - 1);
    if (!s) s = cepman_options_set_text(m->near, ctx, "metric", metric);
    if (!s) s = cepman_options_set_text(m->near, ctx, "method", method);
    if (!s) s = cepman_options_set_integer(m->near, ctx, "seed", seed);
    m->with_rows = !m->all || strcmp(init, "pca") == 0;
    return s;
}

static cepman_status prepare(making *m, cepman_matrix *shard, size_t landmarks, const cepman_options *options)
{
    if (landmarks && landmarks < LANDMARKS_LEAST)
        return cep_mpi_fail(m->g, CEPMAN_ERR_RANGE, "mpi: %zu landmarks, must be 0 or at least %d", landmarks,
                            LANDMARKS_LEAST);
    const size_t most = landmarks ? landmarks : LANDMARKS;
    m->all = m->total <= most;
    m->fitted = m->all ? m->total : most;
    cepman_status s = read_options(m, options);
    if (s) return s;
    if (m->all) {
        m->points = cepman_matrix_ref(shard);
        return CEPMAN_OK;
    }
    s = choose_landmarks(m);
    return s ? s : take_landmarks(m, shard);
}

/* A block for rows of the fit, with the shares of all ranks in it at rank 0; elsewhere for the rank's own share alone,
 * unless all ranks get the rows of the fit. */
static cepman_status collect_rows(making *m)
{
    cepman_mpi *g = m->g;
    const size_t d = m->columns, row = d * sizeof(float);
    const size_t room = g->rank && m->all ? cepman_matrix_rows(m->points) : m->fitted;
    float *block = NULL;
    size_t *starts = NULL;
    cepman_status s = cep_mpi_starts(&starts, g, m->points);
    if (!s) {
        s = cep_mpi_alloc(g, &block, room, row, "rows of the fit");
        if (!s)
            s = cepman_matrix_read(m->points, g->ctx, 0, cepman_matrix_rows(m->points), block,
                                   d); /* rank 0 has the first */
        s = cepman_mpi_agree(g, s);
    }
    for (int r = 1; !s && r < g->ranks; r++) {
        const size_t bytes = (starts[r + 1] - starts[r]) * row;
        if (g->rank == 0)
            s = cep_mpi_receive(g, block + starts[r] * d, bytes, r);
        else if (g->rank == r)
            s = cep_mpi_send(g, block, bytes, 0);
    }
    cepman_context_release(starts);
    if (!s && !m->all) s = cep_mpi_broadcast(g, block, m->fitted * row);
    if (!s) return cepman_mpi_agree(g, cep_mpi_own(&m->landmarks, g, block, room, d));
    cepman_context_release(block);
    return s;
}

static cepman_status build_graph(making *m)
{
    cepman_mpi_graph *graph = NULL;
    cepman_status s = cepman_mpi_neighbors(&graph, m->g, m->points, m->near);
    if (!s) {
        m->manifold->method = graph->method;
        m->manifold->recall = graph->recall;
        s = cepman_mpi_graph_gather(&m->graph, m->g, graph);
    }
    cepman_mpi_graph_unref(graph);
    return s;
}

/* Rank 0's graph to all. */
static cepman_status share_graph(making *m)
{
    cepman_mpi *g = m->g;
    uint64_t k = cepman_neighbors_k(m->graph);
    cepman_status s = cep_mpi_broadcast(g, &k, sizeof k);
    if (s) return s;
    const size_t count = m->fitted * k;
    int32_t *indices = NULL;
    float *distances = NULL;
    s = cep_mpi_alloc(g, &indices, count, sizeof *indices, "graph of landmarks");
    if (!s) s = cep_mpi_alloc(g, &distances, count, sizeof *distances, "graph of landmarks");
    s = cepman_mpi_agree(g, s);
    if (!s && g->rank == 0) {
        memcpy(indices, cepman_neighbors_indices(m->graph), count * sizeof *indices);
        memcpy(distances, cepman_neighbors_distances(m->graph), count * sizeof *distances);
    }
    if (!s) s = cep_mpi_broadcast(g, indices, count * sizeof *indices);
    if (!s) s = cep_mpi_broadcast(g, distances, count * sizeof *distances);
    if (!s) {
        if (g->rank) s = cepman_neighbors_copy(&m->graph, g->ctx, m->fitted, k, indices, distances);
        s = cepman_mpi_agree(g, s);
    }
    cepman_context_release(indices);
    cepman_context_release(distances);
    return s;
}

/* Layout at rank 0; every rank gets the embedding. */
static cepman_status lay_out(making *m)
{
    cepman_mpi *g = m->g;
    cepman_umap *u = NULL;
    cepman_matrix *made = NULL;
    float *block = NULL;
    int64_t dims = 0;
    cepman_status s = cepman_options_get_integer(m->umap, g->ctx, "dims", &dims);
    const size_t row = (size_t)dims * sizeof *block;
    if (!s) s = cep_mpi_alloc(g, &block, m->fitted, row, "embedding");
    if (!s && g->rank == 0) {
        s = cepman_umap_fit_given(&u, g->ctx, m->landmarks, m->graph, NULL, NULL, m->umap);
        if (!s) s = cepman_matrix_read(cepman_umap_embedding(u), g->ctx, 0, m->fitted, block, (size_t)dims);
        cepman_umap_unref(u);
    }
    s = cepman_mpi_agree(g, s);
    if (!s) s = cep_mpi_broadcast(g, block, m->fitted * row);
    if (s) {
        cepman_context_release(block);
        return s;
    }
    s = cepman_mpi_agree(g, cep_mpi_own(&made, g, block, m->fitted, (size_t)dims));
    m->manifold->fitted = made;
    return s;
}

/* ---- the rank's rows ----------------------------------------------------------------------------------------------- */

/* Rows first .. first + count - 1 of the shard, placed by the model; or of the fitted ones, when all are. */
static cepman_status place_block(making *m, cepman_umap *model, const cepman_matrix *shard, size_t first,
                                 size_t count, float *rows)
{
    cepman_context *ctx = m->g->ctx;
    const size_t dims = cepman_matrix_columns(m->manifold->fitted), d = m->columns;
    float *block = NULL;
    cepman_matrix *taken = NULL, *placed = NULL;
    cepman_status s = cep_mpi_alloc(m->g, &block, count, d * sizeof *block, "rows to be placed");
    if (s) return s;
    s = cepman_matrix_read(shard, ctx, first, count, block, d);
    if (!s) s = cepman_matrix_wrap(&taken, ctx, block, count, d, d, NULL, NULL);
    if (!s) s = cepman_umap_apply(&placed, ctx, model, taken);
    if (!s) s = cepman_matrix_read(placed, ctx, 0, count, rows + first * dims, dims);
    cepman_matrix_unref(placed);
    cepman_matrix_unref(taken);
    cepman_context_release(block);
    return s;
}

static cepman_status place(making *m, cepman_matrix *shard, float *rows)
{
    cepman_mpi *g = m->g;
    const size_t count = cepman_matrix_rows(shard);
    size_t most = 0;
    cepman_umap *model = NULL;
    for (int r = 0; r < g->ranks; r++)
        if (m->starts[r + 1] - m->starts[r] > most) most = m->starts[r + 1] - m->starts[r];
    cepman_status s =
        cepman_umap_from_embedding(&model, g->ctx, m->landmarks, m->graph, m->manifold->fitted, m->umap);
    if (!s) s = cepman_umap_prepare(model, g->ctx);
    s = cepman_mpi_agree(g, s);
    for (size_t i = 0; !s && i < most; i += BLOCK) {
        if (i < count) s = place_block(m, model, shard, i, count - i < BLOCK ? count - i : BLOCK, rows);
        if (s == CEPMAN_ERR_DATA) /* it names a row of the block */
            s = cep_mpi_fail(g, s, "of the rows from %zu on: %.900s", m->manifold->first + i,
                             cepman_context_error(g->ctx));
        s = cepman_mpi_agree(g, s);
    }
    cepman_umap_unref(model);
    return s;
}

static cepman_status own_rows(making *m, cepman_matrix *shard)
{
    cepman_mpi *g = m->g;
    const size_t count = cepman_matrix_rows(shard), dims = cepman_matrix_columns(m->manifold->fitted);
    float *rows = NULL;
    cepman_status s = cep_mpi_alloc(g, &rows, count, dims * sizeof *rows, "embedding of the shard");
    if (!s && m->all)
        s = cepman_matrix_read(m->manifold->fitted, g->ctx, m->manifold->first, count, rows, dims);
    s = cepman_mpi_agree(g, s);
    if (!s && !m->all) s = share_graph(m);
    if (!s && !m->all) s = place(m, shard, rows);
    if (!s) return cepman_mpi_agree(g, cep_mpi_own(&m->manifold->embedding, g, rows, count, dims));
    cepman_context_release(rows);
    return s;
}

static cepman_status make(making *m, cepman_matrix *shard, size_t landmarks, const cepman_options *options)
{
    static const char *const names[] = {"landmarks"};
    const int64_t values[] = {(int64_t)landmarks};
    cepman_mpi *g = m->g;
    m->manifold->first = m->starts[g->rank];
    m->total = m->starts[g->ranks];
    m->columns = cepman_matrix_columns(shard);
    cepman_status s = cep_mpi_same(g, 1, values, names);
    if (!s) s = cep_mpi_same_options(g, options, cepman_umap_options_create, "settings of UMAP (their sum)");
    if (!s) s = cepman_mpi_agree(g, prepare(m, shard, landmarks, options));
    if (!s) s = build_graph(m);
    if (!s && m->with_rows) s = collect_rows(m);
    if (!s) s = lay_out(m);
    if (!s) s = own_rows(m, shard);
    return s;
}

cepman_status cepman_mpi_umap(cepman_mpi_manifold **out, cepman_mpi *g, cepman_matrix *shard,
                              size_t landmarks, const cepman_options *options)
{
    making m = {.g = g};
    cepman_status s = cep_mpi_enter(g, out && shard);
    if (!s) s = cep_mpi_starts(&m.starts, g, shard);
    if (!s) s = cepman_mpi_agree(g, cep_mpi_alloc(g, &m.manifold, 1, sizeof *m.manifold, "manifold"));
    if (!s) {
        *m.manifold = (cepman_mpi_manifold){.ctx = cepman_context_ref(g->ctx)};
        s = make(&m, shard, landmarks, options);
        if (s)
            cepman_mpi_manifold_unref(m.manifold);
        else
            *out = m.manifold;
    } else {
        cepman_context_release(m.manifold);
    }
    cepman_matrix_unref(m.landmarks);
    cepman_matrix_unref(m.points);
    cepman_neighbors_unref(m.graph);
    cepman_options_unref(m.near);
    cepman_options_unref(m.umap);
    cepman_context_release(m.starts);
    return s;
}

/* ---- the handle ---------------------------------------------------------------------------------------------------- */

void cepman_mpi_manifold_unref(cepman_mpi_manifold *m)
{
    if (!m) return;
    cepman_context *ctx = m->ctx;
    cepman_matrix_unref(m->embedding);
    cepman_matrix_unref(m->fitted);
    cepman_context_release(m->landmarks);
    cepman_context_release(m);
    cepman_context_unref(ctx);
}

cepman_matrix *cepman_mpi_manifold_embedding(const cepman_mpi_manifold *m)
{
    return m ? m->embedding : NULL;
}

cepman_matrix *cepman_mpi_manifold_fitted(const cepman_mpi_manifold *m)
{
    return m ? m->fitted : NULL;
}

const size_t *cepman_mpi_manifold_landmarks(const cepman_mpi_manifold *m)
{
    return m ? m->landmarks : NULL;
}

const char *cepman_mpi_manifold_method(const cepman_mpi_manifold *m)
{
    return m ? m->method : NULL;
}

double cepman_mpi_manifold_recall(const cepman_mpi_manifold *m)
{
    return m ? m->recall : 0;
}
