/* The recall of a graph over all ranks, measured: some of its rows are compared with every row of every rank.
 * A neighbour counts as true when it is not farther than the true k-th one, so that ties do not count against the graph.
 * Must not: take the ranks' own estimates for it, which know their own rows alone. */
#include <math.h>
#include <string.h>

#include "internal.h"

enum { SAMPLE = 96 };

/* Row number i of the sample: the middle of the i-th of `count` equal stretches. */
static size_t sample_row(size_t i, size_t count, size_t total)
{
    return (2 * i + 1) * total / (2 * count);
}

/* inout, in: rows of k ascending distances; of each two rows the k smallest. For MPI_Op_create(). */
static void keep_nearest(void *in, void *inout, int *length, MPI_Datatype *type)
{
    int bytes = 0;
    MPI_Type_size(*type, &bytes);
    const size_t k = (size_t)bytes / sizeof(float);
    for (int row = 0; row < *length; row++) {
        const float *a = (const float *)in + (size_t)row * k;
        float *b = (float *)inout + (size_t)row * k;
        /* How many of each are among the k smallest of both. */
        size_t i = 0, j = 0;
        while (i + j < k)
            if (a[i] < b[j])
                i++;
            else
                j++;
        /* Merged into b from its end, where nothing is overwritten that is still wanted. */
        for (size_t to = k; i > 0;) {
            to--;
            if (j > 0 && b[j - 1] > a[i - 1])
                b[to] = b[--j];
            else
                b[to] = a[--i];
        }
    }
}

/* The k smallest distances of each sampled row within this rank, without the row itself. */
static cepman_status measure_here(float *nearest, const cepman_mpi_graph *graph, cepman_mpi *g,
                                  const cepman_matrix *shard, const float *rows, size_t count,
                                  const cepman_options *options)
{
    const size_t k = graph->k, d = cepman_matrix_columns(shard);
    cepman_context *ctx = g->ctx;
    cepman_options *o = NULL;
    cepman_neighbors_index *index = NULL;
    cepman_matrix *asked = NULL;
    int32_t *found = NULL;
    float *far = NULL;
    for (size_t i = 0; i < count * k; i++)
        nearest[i] = INFINITY;
    if (cepman_matrix_rows(shard) == 0) return CEPMAN_OK;
    cepman_status s =
        options ? cepman_options_copy(&o, ctx, options) : cepman_neighbors_options_create(&o, ctx);
    if (!s) s = cepman_options_set_text(o, ctx, "method", "exact");
    if (!s) s = cepman_options_set_integer(o, ctx, "k", (int64_t)k + 1);
    /* Not changed by an index, which keeps a reference. */
    if (!s) s = cepman_neighbors_index_create(&index, ctx, (cepman_matrix *)shard, o);
    const size_t n = cepman_neighbors_index_k(index);
    if (!s) s = cep_mpi_alloc(g, &found, count, n * sizeof *found, "sample of a graph");
    if (!s) s = cep_mpi_alloc(g, &far, count, n * sizeof *far, "sample of a graph");
    if (!s) s = cepman_matrix_wrap(&asked, ctx, rows, count, d, d, NULL, NULL);
    if (!s) s = cepman_neighbors_index_query(index, ctx, asked, found, far);
    for (size_t i = 0; !s && i < count; i++) {
        const size_t self = sample_row(i, count, graph->total);
        for (size_t c = 0, to = 0; c < n && to < k; c++)
            if (graph->first + (size_t)found[i * n + c] != self) nearest[i * k + to++] = far[i * n + c];
    }
    cepman_matrix_unref(asked);
    cepman_context_release(far);
    cepman_context_release(found);
    cepman_neighbors_index_unref(index);
    cepman_options_unref(o);
    return s;
}

/* Every rank's lists become the lists of all. */
static cepman_status join(float *nearest, cepman_mpi *g, size_t count, size_t k)
{
    MPI_Datatype list = MPI_DATATYPE_NULL;
    MPI_Op op = MPI_OP_NULL;
    cepman_status s = cep_mpi_check(g, MPI_Type_contiguous((int)k, MPI_FLOAT, &list), "sample of a graph");
    if (!s) s = cep_mpi_check(g, MPI_Type_commit(&list), "sample of a graph");
    if (!s) s = cep_mpi_check(g, MPI_Op_create(keep_nearest, 1, &op), "sample of a graph");
    if (!s)
        s = cep_mpi_check(g, MPI_Allreduce(MPI_IN_PLACE, nearest, (int)count, list, op, g->comm),
                          "sample of a graph");
    if (op != MPI_OP_NULL) MPI_Op_free(&op);
    if (list != MPI_DATATYPE_NULL) MPI_Type_free(&list);
    return s;
}

cepman_status cep_mpi_measure_recall(cepman_mpi_graph *graph, cepman_mpi *g, const cepman_matrix *shard,
                                     const cepman_options *options)
{
    const size_t k = graph->k, d = cepman_matrix_columns(shard), total = graph->total;
    const size_t count = total < SAMPLE ? total : SAMPLE;
    float *rows = NULL, *nearest = NULL;
    uint64_t hits = 0, all = 0;
    cepman_status s = cep_mpi_alloc(g, &rows, count, d * sizeof *rows, "sample of a graph");
    if (!s) s = cep_mpi_alloc(g, &nearest, count, k * sizeof *nearest, "sample of a graph");
    for (size_t i = 0; !s && i < count; i++) { /* a row is its owner's, 0 elsewhere: the sum has all */
        const size_t row = sample_row(i, count, total);
        memset(rows + i * d, 0, d * sizeof *rows);
        if (row >= graph->first && row < graph->first + graph->count)
            s = cepman_matrix_read(shard, g->ctx, row - graph->first, 1, rows + i * d, d);
    }
    s = cepman_mpi_agree(g, s);
    for (size_t i = 0; !s && i < count; i++) /* one by one: MPI counts in int */
        s = cep_mpi_check(g, MPI_Allreduce(MPI_IN_PLACE, rows + i * d, (int)d, MPI_FLOAT, MPI_SUM, g->comm),
                          "sample of a graph");
    if (!s) s = cepman_mpi_agree(g, measure_here(nearest, graph, g, shard, rows, count, options));
    if (!s) s = join(nearest, g, count, k);
    for (size_t i = 0; !s && i < count; i++) {
        const size_t row = sample_row(i, count, total);
        if (row < graph->first || row >= graph->first + graph->count) continue;
        for (size_t c = 0; c < k; c++)
            hits += graph->distances[(row - graph->first) * k + c] <= nearest[i * k + k - 1];
    }
    if (!s)
        s = cep_mpi_check(g, MPI_Allreduce(&hits, &all, 1, MPI_UINT64_T, MPI_SUM, g->comm),
                          "sample of a graph");
    if (!s) graph->recall = (double)all / (double)(count * k);
    cepman_context_release(rows);
    cepman_context_release(nearest);
    return s;
}
