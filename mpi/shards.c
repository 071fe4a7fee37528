/* How rows are cut over the ranks: into leaves that do not depend on the number of ranks, runs of leaves a rank; and
 * rows leaf by leaf, from memory or through the transform.
 * Sums over fixed leaves are what makes results independent of the number of ranks (docs/mpi.md).
 * Must not: let a rank's share change where a leaf or a block of it begins. */
#include <string.h>

#include "internal.h"

enum { LEAF_MOST = 2048, LEAVES_LEAST = 16, LEAVES_MOST = 4096 };
#define BLOCK_BYTES ((size_t)16 << 20)

static size_t ratio_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

cep_mpi_leaves cep_mpi_leaves_of(size_t rows)
{
    cep_mpi_leaves l = {rows, ratio_up(rows, LEAVES_LEAST), 0};
    if (l.rows_a_leaf > LEAF_MOST) l.rows_a_leaf = LEAF_MOST;
    if (l.rows_a_leaf < ratio_up(rows, LEAVES_MOST)) l.rows_a_leaf = ratio_up(rows, LEAVES_MOST);
    l.count = rows ? ratio_up(rows, l.rows_a_leaf) : 0;
    return l;
}

/* Rank 0 has the first leaf whenever there is one. */
void cep_mpi_run(const cep_mpi_leaves *l, int rank, int ranks, size_t *first, size_t *end)
{
    *first = ratio_up(l->count * (size_t)rank, (size_t)ranks);
    *end = ratio_up(l->count * ((size_t)rank + 1), (size_t)ranks);
}

int cep_mpi_owner(const cep_mpi_leaves *l, size_t leaf, int ranks)
{
    return (int)(leaf * (size_t)ranks / l->count);
}

void cep_mpi_rows(const cep_mpi_leaves *l, size_t leaf, size_t *first, size_t *count)
{
    *first = leaf * l->rows_a_leaf;
    *count = l->rows - *first < l->rows_a_leaf ? l->rows - *first : l->rows_a_leaf;
}

size_t cep_mpi_rounds(const cep_mpi_leaves *l, int ranks)
{
    return ratio_up(l->count, (size_t)ranks);
}

static void shard_of(const cep_mpi_leaves *l, int rank, int ranks, size_t *first, size_t *count)
{
    size_t a, b;
    cep_mpi_run(l, rank, ranks, &a, &b);
    *first = a * l->rows_a_leaf < l->rows ? a * l->rows_a_leaf : l->rows;
    *count = (b * l->rows_a_leaf < l->rows ? b * l->rows_a_leaf : l->rows) - *first;
}

cepman_status cepman_mpi_shard(const cepman_mpi *g, size_t frames, int rank, size_t *first, size_t *count)
{
    if (!g || !first || !count) return CEPMAN_ERR_ARGUMENT;
    if (rank < 0 || rank >= g->ranks) return CEPMAN_ERR_RANGE;
    const cep_mpi_leaves l = cep_mpi_leaves_of(frames);
    shard_of(&l, rank, g->ranks, first, count);
    return CEPMAN_OK;
}

cepman_status cep_mpi_starts(size_t **out, cepman_mpi *g, const cepman_matrix *shard)
{
    size_t *starts = NULL;
    const size_t rows = cepman_matrix_rows(shard);
    cepman_status s =
        cepman_mpi_agree(g, cep_mpi_alloc(g, &starts, (size_t)g->ranks + 1, sizeof *starts, "rows of ranks"));
    if (!s) {
        const int64_t columns = (int64_t)cepman_matrix_columns(shard);
        s = cep_mpi_same(g, 1, &columns, &(const char *const){"columns"});
    }
    if (!s) {
        starts[0] = 0;
        s = cep_mpi_check(
            g, MPI_Allgather(&rows, sizeof rows, MPI_BYTE, starts + 1, sizeof rows, MPI_BYTE, g->comm),
            "counting rows");
    }
    for (int r = 0; !s && r < g->ranks; r++)
        starts[r + 1] += starts[r];
    if (s)
        cepman_context_release(starts);
    else
        *out = starts;
    return s;
}

/* ---- rows, leaf by leaf -------------------------------------------------------------------------------------------- */

static cepman_status open_block(cep_mpi_source *m, cepman_mpi *g, size_t rows, size_t columns)
{
    size_t count;
    m->leaves = cep_mpi_leaves_of(rows);
    m->columns = columns;
    m->step = columns && columns * sizeof(float) < BLOCK_BYTES ? BLOCK_BYTES / (columns * sizeof(float)) : 1;
    if (m->step > m->leaves.rows_a_leaf) m->step = m->leaves.rows_a_leaf;
    shard_of(&m->leaves, g->rank, g->ranks, &m->first, &count);
    if (m->shard && cepman_matrix_rows(m->shard) != count)
        return cep_mpi_fail(
            g, CEPMAN_ERR_SHAPE,
            "mpi: the shard has %zu rows, of %zu in all this rank's are %zu (cepman_mpi_shard())",
            cepman_matrix_rows(m->shard), rows, count);
    return cep_mpi_alloc(g, &m->block, m->step, columns * sizeof *m->block, "block of rows");
}

cepman_status cep_mpi_open_shard(cep_mpi_source *m, cepman_mpi *g, const cepman_matrix *shard)
{
    size_t *starts = NULL;
    *m = (cep_mpi_source){.shard = shard};
    cepman_status s = cep_mpi_starts(&starts, g, shard);
    if (!s) s = cepman_mpi_agree(g, open_block(m, g, starts[g->ranks], cepman_matrix_columns(shard)));
    cepman_context_release(starts);
    return s;
}

/* Of the options in force: settings that differ between ranks are told instead of mixed. */
static cepman_status settings_number(int64_t *number, cepman_mpi *g, const cepman_cepstrum *c)
{
    cepman_options *o = NULL;
    cepman_status s = cepman_cepstrum_options(&o, g->ctx, c);
    *number = cep_mpi_options_number(o);
    cepman_options_unref(o);
    return s;
}

cepman_status cep_mpi_open_frames(cep_mpi_source *m, cepman_mpi *g, const cepman_cepstrum *c,
                                  cepman_dataset *dataset)
{
    static const char *const names[] = {"frames", "features", "settings of the transform (their sum)"};
    const size_t frames = cepman_dataset_available(dataset), columns = cepman_cepstrum_features(c);
    int64_t values[3] = {(int64_t)frames, (int64_t)columns, 0};
    *m = (cep_mpi_source){.cepstrum = c, .dataset = dataset};
    cepman_status s = cepman_mpi_agree(g, settings_number(&values[2], g, c));
    if (!s) s = cep_mpi_same(g, 3, values, names);
    return s ? s : cepman_mpi_agree(g, open_block(m, g, frames, columns));
}

void cep_mpi_close(cep_mpi_source *m)
{
    cepman_context_release(m->block);
    m->block = NULL;
}

cepman_status cep_mpi_read(const cep_mpi_source *m, cepman_mpi *g, size_t first, size_t count)
{
    if (m->shard) return cepman_matrix_read(m->shard, g->ctx, first - m->first, count, m->block, m->columns);
    return cepman_cepstrum_read(m->cepstrum, g->ctx, m->dataset, first, count, m->block, m->columns);
}
