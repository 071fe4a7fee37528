/* The chain over the ranks of MPI: a scan -> components -> UMAP -> HDBSCAN -> labels.npy, written by rank 0.
 *
 *   cc mpi.c $(pkg-config --cflags --libs cepman-mpi) -o mpi
 *   mpirun -n 4 ./mpi SCAN labels.npy      SCAN: any file that cepman reads, where every rank sees it
 *
 * docs/mpi.md tells what is done where. */
#include <stdio.h>
#include <string.h>

#include <cepman-mpi/cepman_mpi.h>

typedef struct results {
    cepman_dataset *scan;
    cepman_cepstrum *transform;
    cepman_pca *pca;
    cepman_matrix *scores;
    cepman_mpi_manifold *manifold;
    cepman_labels *labels;
} results;

static cepman_status map_scan(results *r, cepman_mpi *group, cepman_context *context, const char *path,
                              const char *output)
{
    cepman_options *components = NULL, *size = NULL;
    cepman_status s = cepman_pca_options_create(&components, context);
    if (!s) s = cepman_options_set_integer(components, context, "components", 10);
    if (!s) s = cepman_hdbscan_options_create(&size, context);
    if (!s) s = cepman_options_set_integer(size, context, "min-cluster-size", 20);
    /* Every rank opens the scan; what one of them fails with, all are told. */
    if (!s) s = cepman_dataset_open(&r->scan, context, path, NULL);
    if (!s) s = cepman_cepstrum_create(&r->transform, context, r->scan, NULL);
    s = cepman_mpi_agree(group, s);
    /* From here on all calls are collective. */
    if (!s) s = cepman_mpi_pca_stream(&r->pca, &r->scores, group, r->transform, r->scan, components);
    if (!s) s = cepman_mpi_umap(&r->manifold, group, r->scores, 0, NULL);
    if (!s) s = cepman_mpi_hdbscan(&r->labels, NULL, group, r->manifold, NULL, size);
    if (!s)
        s = cepman_mpi_save_labels(group, r->labels, output, cepman_dataset_scan_rows(r->scan),
                                   cepman_dataset_scan_columns(r->scan));
    cepman_options_unref(size);
    cepman_options_unref(components);
    return s;
}

int main(int argc, char **argv)
{
    cepman_context *context = NULL;
    cepman_mpi *group = NULL;
    results r;
    int level;
    memset(&r, 0, sizeof r);
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    cepman_status s = cepman_context_create(&context, NULL);
    /* Also without a context: the other ranks are told, instead of waiting for this one. */
    const cepman_status joined = cepman_mpi_create(&group, context, MPI_COMM_WORLD);
    if (!s) s = joined;
    if (!s) s = map_scan(&r, group, context, argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "labels.npy");
    if (s && cepman_mpi_rank(group) <= 0) fprintf(stderr, "%s\n", cepman_context_error(context));
    if (!s && cepman_mpi_rank(group) == 0)
        printf("%zu frames on %d ranks\n", cepman_dataset_frames(r.scan), cepman_mpi_ranks(group));

    cepman_labels_unref(r.labels);
    cepman_mpi_manifold_unref(r.manifold);
    cepman_matrix_unref(r.scores);
    cepman_pca_unref(r.pca);
    cepman_cepstrum_unref(r.transform);
    cepman_dataset_unref(r.scan);
    cepman_mpi_unref(group);
    cepman_context_unref(context);
    MPI_Finalize();
    return s ? 1 : 0;
}
