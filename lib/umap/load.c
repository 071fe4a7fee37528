/* Reads a model from a file.
 * Header, features, embedding, neighbours, fuzzy graph, sum: docs/formats.md.
 * Must not: allocate by a size that the file's length does not bear out, or hand out a model that contradicts itself. */
#include <math.h>
#include <string.h>

#include "file.h"
#include "matrix.h"

#define PIECE ((size_t)1 << 20) /* bytes between polls */
#define POLL_EVERY 65536        /* edges */

typedef struct reader {
    cepman_context *ctx;
    cep_file *file;
    const char *path;
    uint64_t sum, at, total;
} reader;

static bool little(void)
{
    const uint16_t probe = 1;
    return *(const unsigned char *)&probe == 1;
}

/* The next count numbers of four bytes. */
static cepman_status get_words(reader *r, void *to, size_t count)
{
    unsigned char *bytes = to;
    for (size_t left = count * 4; left;) {
        const size_t some = left < PIECE ? left : PIECE;
        cep_fault fault;
        cepman_status s = cep_poll(r->ctx);
        if (s) return s;
        if (cep_file_read(r->file, &fault, r->at, bytes, some)) return cep_fail_fault(r->ctx, &fault);
        r->sum = cep_umap_sum(r->sum, bytes, some);
        if (!little()) cep_swap_bytes(bytes, some / 4, 4);
        r->at += some;
        bytes += some;
        left -= some;
        cep_progress(r->ctx, "loading", r->at < r->total ? r->at : r->total, r->total);
    }
    return CEPMAN_OK;
}

static cepman_status get_rows(reader *r, cepman_matrix **out, const char *what, size_t n, size_t columns)
{
    cep_memory *mem = cep_context_memory(r->ctx);
    const size_t most = columns < PIECE / 4 ? PIECE / 4 / columns : 1, some = n < most ? n : most;
    float *data, *rows = cep_alloc(mem, some, columns * sizeof *rows);
    size_t stride;
    cepman_matrix *m = NULL;
    if (!rows) return cep_fail_memory(r->ctx, what, some, columns * sizeof *rows);
    cepman_status s = cep_matrix_create(&m, r->ctx, what, n, columns, &data, &stride);
    for (size_t i = 0; !s && i < n; i += some) {
        const size_t count = n - i < some ? n - i : some;
        s = get_words(r, rows, count * columns);
        for (size_t k = 0; !s && k < count; k++)
            memcpy(data + (i + k) * stride, rows + k * columns, columns * sizeof *data);
    }
    cep_free(mem, rows);
    if (s)
        cepman_matrix_unref(m);
    else
        *out = m;
    return s;
}

static cepman_status get_neighbors(reader *r, cepman_neighbors **out, size_t n, size_t k)
{
    cep_memory *mem = cep_context_memory(r->ctx);
    int32_t *indices = cep_alloc(mem, n, k * sizeof *indices);
    float *distances = cep_alloc(mem, n, k * sizeof *distances);
    cepman_status s = CEPMAN_OK;
    if (!indices || !distances)
        s = cep_fail_memory(r->ctx, "neighbours of a model", n, k * (sizeof *indices + sizeof *distances));
    if (!s) s = get_words(r, indices, n * k);
    if (!s) s = get_words(r, distances, n * k);
    if (!s) s = cepman_neighbors_copy(out, r->ctx, n, k, indices, distances);
    if (s == CEPMAN_ERR_RANGE || s == CEPMAN_ERR_DATA) {
        char why[400];
        strncpy(why, cepman_context_error(r->ctx), sizeof why - 1);
        why[sizeof why - 1] = 0;
        s = cep_fail(r->ctx, CEPMAN_ERR_FORMAT, "%s: %s", r->path, why);
    }
    cep_free(mem, distances);
    cep_free(mem, indices);
    return s;
}

/* Polls when the edges before point i + 1 are a step more than those before point i. */
static cepman_status poll_at(reader *r, const cep_umap_graph *g, size_t i)
{
    return g->starts[i] / POLL_EVERY == g->starts[i + 1] / POLL_EVERY ? CEPMAN_OK : cep_poll(r->ctx);
}

static cepman_status check_graph(reader *r, const cep_umap_graph *g)
{
    for (size_t i = 0; i < g->n; i++) {
        cepman_status s = poll_at(r, g, i);
        if (s) return s;
        for (size_t e = g->starts[i]; e < g->starts[i + 1]; e++) {
            const int32_t c = g->columns[e];
            CEP_REQUIRE(
                r->ctx,
                c >= 0 && (size_t)c < g->n && (size_t)c != i && (e == g->starts[i] || c > g->columns[e - 1]),
                CEPMAN_ERR_FORMAT, "%s: edge %zu of point %zu leads to %d", r->path, e - g->starts[i], i, c);
            CEP_REQUIRE(r->ctx, g->weights[e] > 0 && g->weights[e] <= 1, CEPMAN_ERR_FORMAT,
                        "%s: edge %zu of point %zu has weight %g, must be above 0 and at most 1", r->path,
                        e - g->starts[i], i, (double)g->weights[e]);
        }
    }
    return CEPMAN_OK;
}

static cepman_status get_graph(reader *r, cep_umap_graph *g, size_t n, size_t entries)
{
    cep_memory *mem = cep_context_memory(r->ctx);
    uint32_t *counts = cep_alloc(mem, n, sizeof *counts);
    g->n = n;
    g->starts = cep_alloc_zero(mem, n + 1, sizeof *g->starts);
    g->columns = cep_alloc(mem, entries, sizeof *g->columns);
    g->weights = cep_alloc(mem, entries, sizeof *g->weights);
    cepman_status s = CEPMAN_OK;
    if (!counts || !g->starts || !g->columns || !g->weights)
        s = cep_fail_memory(r->ctx, "graph of a model", entries, 2 * sizeof *g->weights);
    if (!s) s = get_words(r, counts, n);
    size_t sum = 0;
    for (size_t i = 0; !s && i < n; i++) {
        if (counts[i] > entries - sum) break;
        g->starts[i + 1] = sum += counts[i];
    }
    cep_free(mem, counts);
    if (!s && (sum != entries || (n && g->starts[n] != entries)))
        s = cep_fail(r->ctx, CEPMAN_ERR_FORMAT, "%s: the points' edges do not add up to %zu", r->path,
                     entries);
    if (!s) s = get_words(r, g->columns, entries);
    if (!s) s = get_words(r, g->weights, entries);
    return s;
}

/* The fuzzy graph joins i and j from both sides or from neither: checked by counting, each edge from both ends. */
static cepman_status check_both_ways(reader *r, const cep_umap_graph *g)
{
    for (size_t i = 0; i < g->n; i++) {
        cepman_status s = poll_at(r, g, i);
        if (s) return s;
        for (size_t e = g->starts[i]; e < g->starts[i + 1]; e++) {
            size_t low = g->starts[g->columns[e]], high = g->starts[g->columns[e] + 1];
            while (low < high) {
                const size_t middle = low + (high - low) / 2;
                if ((size_t)g->columns[middle] < i)
                    low = middle + 1;
                else
                    high = middle;
            }
            CEP_REQUIRE(r->ctx,
                        low < g->starts[g->columns[e] + 1] && (size_t)g->columns[low] == i &&
                            !(g->weights[low] < g->weights[e]) && !(g->weights[low] > g->weights[e]),
                        CEPMAN_ERR_FORMAT, "%s: the edge from point %zu to %d has no equal back", r->path, i,
                        g->columns[e]);
        }
    }
    return CEPMAN_OK;
}

static cepman_status check_rows(reader *r, const cepman_umap *u)
{
    const size_t n = u->graph.n;
    size_t bad = n;
    cepman_status s = u->features ? cep_matrix_first_nonfinite(&bad, r->ctx, u->features) : CEPMAN_OK;
    if (s) return s;
    CEP_REQUIRE(r->ctx, bad == n, CEPMAN_ERR_FORMAT, "%s: row %zu of the features holds a NaN or an infinity",
                r->path, bad);
    for (size_t i = 0; i < n; i++) { /* NaN throughout, or finite */
        const float *row = cepman_matrix_row(u->embedding, i);
        for (size_t j = 0; j < cepman_matrix_columns(u->embedding); j++)
            CEP_REQUIRE(r->ctx, isnan(row[0]) && isfinite(u->cut) ? isnan(row[j]) : isfinite(row[j]),
                        CEPMAN_ERR_FORMAT, "%s: point %zu has coordinate %g", r->path, i, (double)row[j]);
    }
    return CEPMAN_OK;
}

static cepman_status get_model(reader *r, cepman_umap *u, const cep_umap_header *h)
{
    const size_t n = (size_t)h->n;
    unsigned char last[8];
    uint64_t wanted = 0;
    cep_fault fault;
    cepman_status s = CEPMAN_OK;
    u->a = h->a;
    u->b = h->b;
    u->epochs = (size_t)h->epochs;
    u->near = (size_t)h->near;
    u->metric = (cep_umap_metric)h->metric;
    u->method = (cep_umap_method)h->method;
    u->seed = h->seed;
    u->learning_rate = h->learning_rate;
    u->repulsion = h->repulsion;
    u->local_connectivity = h->local_connectivity;
    u->cut = h->cut;
    u->mean = h->mean;
    u->negatives = h->negatives;
    if (h->columns) s = get_rows(r, &u->features, "features of a model", n, (size_t)h->columns);
    if (!s) s = get_rows(r, &u->embedding, "embedding of a model", n, (size_t)h->dims);
    if (!s) s = get_neighbors(r, &u->neighbors, n, (size_t)h->k);
    if (!s) s = get_graph(r, &u->graph, n, (size_t)h->entries);
    if (!s && cep_file_read(r->file, &fault, r->at, last, sizeof last)) s = cep_fail_fault(r->ctx, &fault);
    for (size_t i = 0; !s && i < 8; i++)
        wanted |= (uint64_t)last[i] << 8 * i;
    if (!s && wanted != r->sum)
        s = cep_fail(r->ctx, CEPMAN_ERR_FORMAT, "%s: the sum over the file does not match: it is damaged",
                     r->path);
    if (!s) s = check_graph(r, &u->graph);
    if (!s) s = check_both_ways(r, &u->graph);
    if (!s) s = check_rows(r, u);
    return s;
}

cepman_status cepman_umap_load(cepman_umap **out, cepman_context *ctx, const char *path)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && path, CEPMAN_ERR_ARGUMENT, "umap: out or the path is NULL");
    reader r = {.ctx = ctx, .path = path};
    cep_fault fault;
    cep_umap_header h;
    unsigned char header[CEP_UMAP_FILE_HEADER];
    cepman_umap *u = NULL;
    s = cep_file_open(&r.file, cep_context_memory(ctx), &fault, path);
    if (!s) s = cep_file_read(r.file, &fault, 0, header, sizeof header);
    if (!s) s = cep_umap_header_read(&h, &fault, path, header);
    if (!s && h.length != cep_file_size(r.file))
        s = cep_fault_set(&fault, h.length > cep_file_size(r.file) ? CEPMAN_ERR_TRUNCATED : CEPMAN_ERR_FORMAT,
                          "%s: %llu bytes, the header tells of %llu", path,
                          (unsigned long long)cep_file_size(r.file), (unsigned long long)h.length);
    if (s) {
        s = cep_fail_fault(ctx, &fault);
    } else {
        r.sum = cep_umap_sum(0, header, sizeof header);
        r.at = sizeof header;
        r.total = h.length;
        s = cep_umap_model(&u, ctx);
        if (!s) s = get_model(&r, u, &h);
    }
    cep_file_close(r.file);
    if (s)
        cepman_umap_unref(u);
    else
        *out = u;
    return s;
}
