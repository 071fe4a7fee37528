/* Features of a rank's frames, leaf by leaf, the ranks agreeing after each.
 * What cepman_cepstrum_read() gives; the transform is the same on all ranks, so the bits are those of one process.
 * Must not: keep a shard when another rank has failed. */
#include "internal.h"

static cepman_status fill(const cep_mpi_source *m, cepman_mpi *g, float *rows)
{
    const cep_mpi_leaves *l = &m->leaves;
    size_t first, end, from, count;
    cep_mpi_run(l, g->rank, g->ranks, &first, &end);
    cepman_status s = CEPMAN_OK;
    for (size_t round = 0; !s && round < cep_mpi_rounds(l, g->ranks); round++) {
        if (first + round < end) {
            cep_mpi_rows(l, first + round, &from, &count);
            s = cepman_cepstrum_read(m->cepstrum, g->ctx, m->dataset, from, count,
                                     rows + (from - m->first) * m->columns, m->columns);
        }
        s = cepman_mpi_agree(g, s);
    }
    return s;
}

cepman_status cepman_mpi_features(cepman_matrix **out, cepman_mpi *g, const cepman_cepstrum *cepstrum,
                                  cepman_dataset *dataset)
{
    cep_mpi_source m = {0};
    cepman_matrix *made = NULL;
    float *rows = NULL;
    size_t first, count = 0;
    cepman_status s = cep_mpi_enter(g, out && cepstrum && dataset);
    if (s) return s;
    s = cep_mpi_open_frames(&m, g, cepstrum, dataset);
    cep_mpi_close(&m); /* rows go to where they stay */
    if (!s) {
        cepman_mpi_shard(g, m.leaves.rows, g->rank, &first, &count);
        s = cepman_mpi_agree(g, cep_mpi_alloc(g, &rows, count, m.columns * sizeof *rows, "features"));
    }
    if (!s) s = fill(&m, g, rows);
    if (s) {
        cepman_context_release(rows);
        return s;
    }
    s = cepman_mpi_agree(g, cep_mpi_own(&made, g, rows, count, m.columns));
    if (s)
        cepman_matrix_unref(made);
    else
        *out = made;
    return s;
}
