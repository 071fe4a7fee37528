/* Rows and labels of all ranks into one .npy file: rank 0 writes, the others send it pieces in their order.
 * The file appears whole or not at all (cepman_npy_writer_create()).
 * Must not: leave a rank with a message nobody takes: what rank 0 cannot write of a rank is received and dropped; all agree
 * before the next one's turn. */
#include "internal.h"

#define PIECE ((size_t)16 << 20)

/* Items of `size` bytes: how many each rank has, and how to put some of the rank's own at a place. */
typedef struct saving {
    cepman_mpi *g;
    const cepman_matrix *matrix; /* or labels */
    const cepman_labels *labels;
    size_t numbers; /* of 4 bytes in an item */
    cepman_npy_writer *writer;
    void *piece;
    size_t step; /* items in a piece */
} saving;

static size_t count_of(const saving *v)
{
    return v->matrix ? cepman_matrix_rows(v->matrix) : cepman_labels_count(v->labels);
}

static cepman_status fetch(const saving *v, size_t first, size_t count)
{
    if (v->matrix) return cepman_matrix_read(v->matrix, v->g->ctx, first, count, v->piece, v->numbers);
    const int32_t *from = cepman_labels_data(v->labels) + first;
    for (size_t i = 0; i < count; i++)
        ((int32_t *)v->piece)[i] = from[i];
    return CEPMAN_OK;
}

/* Items of rank r; *written: what rank 0's writer came to, *own: what this rank's reading did. */
static cepman_status pass_rank(saving *v, int r, size_t count, cepman_status *local)
{
    cepman_mpi *g = v->g;
    for (size_t i = 0; i < count; i += v->step) {
        const size_t n = count - i < v->step ? count - i : v->step, bytes = n * v->numbers * 4;
        cepman_status s = CEPMAN_OK;
        if (g->rank == r && !*local) *local = fetch(v, i, n);
        if (r && g->rank == 0) s = cep_mpi_receive(g, v->piece, bytes, r);
        if (r && g->rank == r) s = cep_mpi_send(g, v->piece, bytes, 0);
        if (s) return s;
        if (g->rank == 0 && !*local)
            *local = cepman_npy_writer_append(v->writer, g->ctx, v->piece, n * v->numbers);
    }
    return CEPMAN_OK;
}

static cepman_status open_writer(saving *v, const char *path, cepman_type type, size_t total, size_t rows,
                                 size_t columns)
{
    const size_t flat[2] = {total, v->numbers}, scan[2] = {rows, columns};
    if (v->matrix) return cepman_npy_writer_create(&v->writer, v->g->ctx, path, type, 2, flat);
    const bool fits = rows && columns && rows * columns == total && total / rows == columns;
    return cepman_npy_writer_create(&v->writer, v->g->ctx, path, type, fits ? 2 : 1, fits ? scan : flat);
}

static cepman_status save(saving *v, const char *path, cepman_type type, size_t rows, size_t columns)
{
    cepman_mpi *g = v->g;
    size_t *counts = NULL, mine = count_of(v), total = 0;
    const int64_t numbers = (int64_t)v->numbers;
    cepman_status s =
        cepman_mpi_agree(g, cep_mpi_alloc(g, &counts, (size_t)g->ranks, sizeof *counts, "rows of ranks"));
    if (!s) s = cep_mpi_same(g, 1, &numbers, &(const char *const){"columns"});
    if (!s)
        s = cep_mpi_check(g,
                          MPI_Allgather(&mine, sizeof mine, MPI_BYTE, counts, sizeof mine, MPI_BYTE, g->comm),
                          "counting");
    for (int r = 0; !s && r < g->ranks; r++)
        total += counts[r];
    if (!s) {
        v->step = v->numbers && v->numbers * 4 < PIECE ? PIECE / (v->numbers * 4) : 1;
        s = cep_mpi_alloc(g, &v->piece, v->step, v->numbers * 4, "rows on their way to a file");
        if (!s && g->rank == 0 && !path)
            s = cep_mpi_fail(g, CEPMAN_ERR_ARGUMENT, "mpi: rank 0 has no path to save to");
        if (!s && g->rank == 0) s = open_writer(v, path, type, total, rows, columns);
        s = cepman_mpi_agree(g, s);
    }
    if (!s) {
        cepman_status local = CEPMAN_OK;
        for (int r = 0; !s && r < g->ranks; r++) {
            s = pass_rank(v, r, counts[r], &local);
            if (!s) s = cepman_mpi_agree(g, local);
        }
    }
    /* Not cancelled any more: the file is there. */
    if (!s) s = cep_mpi_tell(g, v->writer ? cepman_npy_writer_commit(v->writer, g->ctx) : CEPMAN_OK);
    cepman_npy_writer_unref(v->writer);
    cepman_context_release(v->piece);
    cepman_context_release(counts);
    return s;
}

cepman_status cepman_mpi_save_matrix(cepman_mpi *g, const cepman_matrix *shard, const char *path)
{
    cepman_status s = cep_mpi_enter(g, shard != NULL);
    saving v = {.g = g, .matrix = shard, .numbers = cepman_matrix_columns(shard)};
    return s ? s : save(&v, path, CEPMAN_TYPE_F32, 0, 0);
}

cepman_status cepman_mpi_save_labels(cepman_mpi *g, const cepman_labels *labels, const char *path,
                                     size_t rows, size_t columns)
{
    cepman_status s = cep_mpi_enter(g, labels != NULL);
    saving v = {.g = g, .labels = labels, .numbers = 1};
    return s ? s : save(&v, path, CEPMAN_TYPE_I32, rows, columns);
}
