/* A program outside the source tree, built from pkg-config alone: cc consumer_mpi.c $(pkg-config --cflags --libs cepman-mpi)
 * Prints how many rows were mapped, and on how many ranks. */
#include <stdio.h>

#include <cepman-mpi/cepman_mpi.h>

static cepman_status cluster(cepman_mpi *group, cepman_context *context, size_t *rows)
{
    cepman_matrix *shard = NULL;
    cepman_mpi_manifold *manifold = NULL;
    cepman_labels *labels = NULL;
    cepman_options *options = NULL;
    float x[2 * 40];
    size_t first = 0, count = 0;
    cepman_status s = cepman_mpi_shard(group, 40, cepman_mpi_rank(group), &first, &count);
    for (size_t i = 0; i < count; i++) {
        x[2 * i] = (float)((first + i) / 20) * 10;
        x[2 * i + 1] = (float)(first + i) / 40;
    }
    if (!s) s = cepman_matrix_copy(&shard, context, x, count, 2, 2);
    if (!s) s = cepman_kmeans_options_create(&options, context);
    if (!s) s = cepman_options_set_integer(options, context, "k", 2);
    s = cepman_mpi_agree(group, s);
    if (!s) s = cepman_mpi_umap(&manifold, group, shard, 0, NULL);
    if (!s) s = cepman_mpi_kmeans(&labels, group, manifold, options);
    if (!s) *rows = cepman_matrix_rows(cepman_mpi_manifold_fitted(manifold));
    cepman_options_unref(options);
    cepman_labels_unref(labels);
    cepman_mpi_manifold_unref(manifold);
    cepman_matrix_unref(shard);
    return s;
}

int main(int argc, char **argv)
{
    cepman_context *context = NULL;
    cepman_mpi *group = NULL;
    size_t rows = 0;
    MPI_Init(&argc, &argv);
    cepman_status s = cepman_context_create(&context, NULL);
    const cepman_status joined = cepman_mpi_create(&group, context, MPI_COMM_WORLD);
    if (!s) s = joined;
    if (!s) s = cluster(group, context, &rows);
    if (s) fprintf(stderr, "%s\n", cepman_context_error(context));
    if (!s && cepman_mpi_rank(group) == 0)
        printf("%s: %zu rows on %d ranks\n", cepman_mpi_version(), rows, cepman_mpi_ranks(group));
    cepman_mpi_unref(group);
    cepman_context_unref(context);
    MPI_Finalize();
    return s ? 1 : 0;
}
