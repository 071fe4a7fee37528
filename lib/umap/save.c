/* Writes a model to a file, whole or not at all.
 * Header, features, embedding, neighbours, fuzzy graph, sum: docs/formats.md.
 * Must not: hold a copy of the features. */
#include <string.h>

#include "file.h"
#include "matrix.h"

#define PIECE ((size_t)1 << 20) /* bytes between polls */

typedef struct writer {
    cepman_context *ctx;
    cep_outfile *file;
    uint64_t sum, written, total;
    unsigned char *swapped; /* PIECE bytes on a machine of the other byte order, else NULL */
} writer;

static bool little(void)
{
    const uint16_t probe = 1;
    return *(const unsigned char *)&probe == 1;
}

static cepman_status put_bytes(writer *w, const void *data, size_t size)
{
    cep_fault fault;
    cepman_status s = cep_poll(w->ctx);
    if (s) return s;
    w->sum = cep_umap_sum(w->sum, data, size);
    if (cep_outfile_write(w->file, &fault, data, size)) return cep_fail_fault(w->ctx, &fault);
    w->written += size;
    cep_progress(w->ctx, "saving", w->written < w->total ? w->written : w->total, w->total);
    return CEPMAN_OK;
}

/* count numbers of four bytes */
static cepman_status put_words(writer *w, const void *data, size_t count)
{
    const unsigned char *from = data;
    cepman_status s = CEPMAN_OK;
    for (size_t done = 0; !s && done < count;) {
        const size_t some = count - done < PIECE / 4 ? count - done : PIECE / 4;
        const void *piece = from + done * 4;
        if (w->swapped) {
            memcpy(w->swapped, piece, some * 4);
            cep_swap_bytes(w->swapped, some, 4);
            piece = w->swapped;
        }
        s = put_bytes(w, piece, some * 4);
        done += some;
    }
    return s;
}

static cepman_status put_rows(writer *w, const cepman_matrix *m)
{
    cep_memory *mem = cep_context_memory(w->ctx);
    const size_t n = cepman_matrix_rows(m), columns = cepman_matrix_columns(m);
    if (n == 0 || columns == 0) return CEPMAN_OK;
    const size_t some = columns < PIECE / 4 ? PIECE / 4 / columns : 1;
    float *rows = cep_alloc(mem, some, columns * sizeof *rows);
    if (!rows) return cep_fail_memory(w->ctx, "saving a model", some, columns * sizeof *rows);
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && i < n; i += some) {
        const size_t count = n - i < some ? n - i : some;
        cep_matrix_read(m, i, count, rows, columns);
        s = put_words(w, rows, count * columns);
    }
    cep_free(mem, rows);
    return s;
}

/* Edges of each point, as numbers of four bytes. */
static cepman_status put_counts(writer *w, const cep_umap_graph *g)
{
    cep_memory *mem = cep_context_memory(w->ctx);
    uint32_t *counts = cep_alloc(mem, g->n, sizeof *counts);
    if (!counts) return cep_fail_memory(w->ctx, "saving a model", g->n, sizeof *counts);
    for (size_t i = 0; i < g->n; i++)
        counts[i] = (uint32_t)(g->starts[i + 1] - g->starts[i]);
    cepman_status s = put_words(w, counts, g->n);
    cep_free(mem, counts);
    return s;
}

static cep_umap_header describe(const cepman_umap *u)
{
    cep_umap_header h = {.n = cepman_matrix_rows(u->embedding),
                         .columns = u->features ? cepman_matrix_columns(u->features) : 0,
                         .dims = cepman_matrix_columns(u->embedding),
                         .k = cepman_neighbors_k(u->neighbors),
                         .entries = u->graph.starts[u->graph.n],
                         .epochs = u->epochs,
                         .seed = u->seed,
                         .near = u->near,
                         .metric = (uint32_t)u->metric,
                         .method = (uint32_t)u->method,
                         .negatives = u->negatives,
                         .a = u->a,
                         .b = u->b,
                         .learning_rate = u->learning_rate,
                         .repulsion = u->repulsion,
                         .local_connectivity = u->local_connectivity,
                         .cut = u->cut,
                         .mean = u->mean};
    (void)cep_umap_file_length(&h, &h.length); /* of arrays in memory: it fits */
    return h;
}

static cepman_status put_model(writer *w, const cepman_umap *u)
{
    unsigned char header[CEP_UMAP_FILE_HEADER], sum[8];
    const cep_umap_header h = describe(u);
    w->total = h.length;
    cep_umap_header_write(&h, header);
    cepman_status s = put_bytes(w, header, sizeof header);
    if (!s && u->features) s = put_rows(w, u->features);
    if (!s) s = put_rows(w, u->embedding);
    if (!s) s = put_words(w, cepman_neighbors_indices(u->neighbors), (size_t)(h.n * h.k));
    if (!s) s = put_words(w, cepman_neighbors_distances(u->neighbors), (size_t)(h.n * h.k));
    if (!s) s = put_counts(w, &u->graph);
    if (!s) s = put_words(w, u->graph.columns, (size_t)h.entries);
    if (!s) s = put_words(w, u->graph.weights, (size_t)h.entries);
    for (size_t i = 0; i < 8; i++)
        sum[i] = (unsigned char)(w->sum >> 8 * i);
    return s ? s : put_bytes(w, sum, sizeof sum);
}

cepman_status cepman_umap_save(const cepman_umap *u, cepman_context *ctx, const char *path)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, u && path, CEPMAN_ERR_ARGUMENT, "umap: the model or the path is NULL");
    cep_memory *mem = cep_context_memory(ctx);
    cep_fault fault;
    writer w = {.ctx = ctx};
    if (!little()) {
        w.swapped = cep_alloc(mem, PIECE, 1);
        if (!w.swapped) return cep_fail_memory(ctx, "saving a model", PIECE, 1);
    }
    s = cep_outfile_create(&w.file, mem, &fault, path);
    if (s) {
        s = cep_fail_fault(ctx, &fault);
    } else {
        s = put_model(&w, u);
        if (!s && cep_outfile_commit(w.file, &fault)) s = cep_fail_fault(ctx, &fault);
        cep_outfile_close(w.file);
    }
    cep_free(mem, w.swapped);
    return s;
}
