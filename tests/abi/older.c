/* A program of an older release: the whole chain, host tables, and the values that it was compiled with.
 * RELEASE is that release's header. Must not: use what the first release lacks, or change once it is released. */
#include RELEASE

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t blocks, reads, tasks, lines, steps;

static void *host_allocate(void *user, size_t size, size_t alignment)
{
    void *p = aligned_alloc(alignment < 64 ? 64 : alignment, (size + 63) / 64 * 64);
    (void)user;
    blocks += p != NULL;
    return p;
}
static void host_release(void *user, void *pointer, size_t size)
{
    (void)user;
    (void)size;
    blocks -= pointer != NULL;
    free(pointer);
}
static unsigned host_concurrency(void *user)
{
    (void)user;
    return 2;
}
static int host_run(void *user, void (*task)(void *argument, size_t index), void *argument, size_t count)
{
    (void)user;
    for (size_t i = 0; i < count; i++)
        task(argument, i);
    tasks += count;
    return 0;
}
static void host_log(void *user, cepman_log_level level, const char *line)
{
    (void)user;
    lines += level <= CEPMAN_LOG_DEBUG && line[0];
}
static void host_progress(void *user, const char *stage, uint64_t done, uint64_t total)
{
    (void)user;
    steps += stage[0] && done <= total;
}
static int host_cancel(void *user)
{
    (void)user;
    return 0;
}
static size_t host_available(void *user)
{
    (void)user;
    return 48;
}
/* Stripes along x in one half of the scan, along y in the other. */
static int host_read(void *user, size_t first, size_t count, void *destination)
{
    uint16_t *pixel = destination;
    (void)user;
    for (size_t i = first; i < first + count; i++)
        for (size_t y = 0; y < 32; y++)
            for (size_t x = 0; x < 32; x++)
                *pixel++ =
                    (uint16_t)(20 + ((i < 24 ? x : y) % 4 == 0 ? 400 + 3 * i : 0) + (i * 7 + x * y) % 5);
    reads += count;
    return 0;
}

#define NEED(good)                                                                                           \
    do {                                                                                                     \
        if (!(good)) {                                                                                       \
            printf("line %d: %s: %s\n", __LINE__, #good, cepman_context_error(ctx));                         \
            return 1;                                                                                        \
        }                                                                                                    \
    } while (0)

static int chain(cepman_context *ctx)
{
    cepman_frame_source source = {
        .struct_size = sizeof source, .read = host_read, .available = host_available};
    cepman_dataset *scan = NULL;
    cepman_cepstrum *transform = NULL;
    cepman_cepstrum_worker *worker = NULL;
    cepman_matrix *features = NULL, *scores = NULL, *placed = NULL, *means = NULL;
    cepman_options *options = NULL;
    cepman_pca *pca = NULL;
    cepman_neighbors *graph = NULL;
    cepman_umap *umap = NULL;
    cepman_kmeans *groups = NULL;
    cepman_hdbscan_tree *tree = NULL;
    cepman_hdbscan *islands = NULL;
    cepman_hierarchy *rounds = NULL;
    double accuracy = NAN;
    NEED(!cepman_dataset_from_source(&scan, ctx, &source, CEPMAN_TYPE_U16, 6, 8, 32, 32));
    NEED(cepman_dataset_frames(scan) == 48 && cepman_dataset_type(scan) == CEPMAN_TYPE_U16);
    NEED(!cepman_cepstrum_create(&transform, ctx, scan, NULL) &&
         !cepman_cepstrum_run(&features, ctx, transform, scan));
    NEED(!cepman_cepstrum_worker_create(&worker, ctx, transform));
    uint16_t frame[32 * 32];
    float *row = calloc(cepman_cepstrum_features(transform), sizeof *row);
    NEED(row && !cepman_dataset_read(scan, ctx, 7, 1, frame, sizeof frame));
    NEED(!cepman_cepstrum_run_frames(worker, frame, CEPMAN_TYPE_U16, 1, 0, row,
                                     cepman_cepstrum_features(transform)));
    NEED(!memcmp(row, cepman_matrix_row(features, 7), cepman_cepstrum_features(transform) * sizeof *row));
    free(row);
    NEED(!cepman_pca_options_create(&options, ctx) &&
         !cepman_options_set_integer(options, ctx, "components", 3));
    NEED(!cepman_pca_fit(&pca, ctx, features, options) && !cepman_pca_apply(&scores, ctx, pca, features));
    cepman_options_unref(options);
    NEED(!cepman_neighbors_build(&graph, ctx, scores, NULL) && cepman_neighbors_k(graph) == 15);
    NEED(!cepman_umap_options_create(&options, ctx) && !cepman_options_parse(options, ctx, "epochs", "30"));
    NEED(!cepman_umap_fit_graph(&umap, ctx, scores, graph, options) &&
         !cepman_umap_apply(&placed, ctx, umap, scores));
    cepman_options_unref(options);
    NEED(cepman_matrix_rows(placed) == 48 && cepman_matrix_columns(placed) == 3);
    NEED(!cepman_kmeans_options_create(&options, ctx));
    NEED(!cepman_options_parse(options, ctx, "k", "2") &&
         !cepman_kmeans_fit(&groups, ctx, scores, NULL, NULL, options));
    NEED(!cepman_hdbscan_tree_build(&tree, ctx, scores, NULL) &&
         !cepman_hdbscan_extract(&islands, ctx, tree, NULL));
    NEED(!cepman_validity_accuracy(&accuracy, ctx, cepman_kmeans_labels(groups),
                                   cepman_kmeans_labels(groups)));
    NEED(accuracy == 1 && cepman_labels_count(cepman_hdbscan_labels(islands)) == 48);
    const int32_t *label = cepman_labels_data(cepman_kmeans_labels(groups));
    for (size_t i = 0; i < 48; i++)
        NEED((label[i] == label[0]) == (i < 24));
    NEED(!cepman_maps_cluster_means(&means, ctx, scan, cepman_kmeans_labels(groups)) &&
         cepman_matrix_rows(means) == 3);
    NEED(!cepman_hierarchy_create(&rounds, ctx, 48, 6, 8));
    NEED(!cepman_hierarchy_split(rounds, ctx, 0, cepman_kmeans_labels(groups), NULL, NULL, 0));
    NEED(cepman_hierarchy_kind(rounds, cepman_hierarchy_child(rounds, 0, 1)) == CEPMAN_NODE_CLUSTER);
    cepman_hierarchy_unref(rounds);
    cepman_hdbscan_unref(islands);
    cepman_hdbscan_tree_unref(tree);
    cepman_kmeans_unref(groups);
    cepman_umap_unref(umap);
    cepman_neighbors_unref(graph);
    cepman_pca_unref(pca);
    cepman_options_unref(options);
    cepman_matrix_unref(means);
    cepman_matrix_unref(placed);
    cepman_matrix_unref(scores);
    cepman_matrix_unref(features);
    cepman_cepstrum_worker_unref(worker);
    cepman_cepstrum_unref(transform);
    cepman_dataset_unref(scan);
    return 0;
}

int main(void)
{
    const cepman_allocator allocator = {sizeof allocator, NULL, host_allocate, host_release};
    const cepman_executor executor = {sizeof executor, NULL, host_concurrency, host_run};
    cepman_context *ctx = NULL;
    cepman_options *options = NULL;
    NEED(CEPMAN_VERSION_MAJOR * 1000000 + CEPMAN_VERSION_MINOR * 1000 + CEPMAN_VERSION_PATCH <=
         cepman_version_number());
    NEED(!cepman_context_create(&ctx, &allocator) && !cepman_context_set_executor(ctx, &executor));
    NEED(!cepman_context_set_log(ctx, host_log, NULL, CEPMAN_LOG_DEBUG));
    NEED(!cepman_context_set_progress(ctx, host_progress, NULL) &&
         !cepman_context_set_cancel(ctx, host_cancel, NULL));
    if (chain(ctx)) return 1;
    NEED(reads >= 48 && tasks > 0);

    /* Failures are the ones it knows. */
    cepman_dataset *none = NULL;
    NEED(cepman_dataset_open(&none, ctx, "/nowhere/scan.npy", NULL) == CEPMAN_ERR_IO && !none);
    NEED(strstr(cepman_context_error(ctx), "/nowhere/scan.npy"));
    NEED(!cepman_umap_options_create(&options, ctx));
    NEED(cepman_options_set_integer(options, ctx, "dims", 65) == CEPMAN_ERR_RANGE);
    NEED(cepman_options_set_flag(options, ctx, "dims", 1) == CEPMAN_ERR_OPTION);
    NEED(!strcmp(cepman_status_text(CEPMAN_ERR_CANCELLED), "cancelled"));
    cepman_context_cancel(ctx);
    cepman_labels *labels = NULL;
    cepman_matrix *rows = NULL;
    const float zeros[6] = {0};
    cepman_kmeans *stopped = NULL;
    NEED(!cepman_matrix_copy(&rows, ctx, zeros, 3, 2, 2));
    NEED(cepman_kmeans_fit(&stopped, ctx, rows, NULL, NULL, NULL) != CEPMAN_OK && !stopped && !labels);
    cepman_matrix_unref(rows);
    cepman_options_unref(options);
    cepman_context_unref(ctx);
    if (blocks) return printf("%zu blocks did not come back\n", blocks), 1;
    printf("all is as it was: %zu frames read, %zu tasks, %zu lines, %zu steps\n", reads, tasks, lines,
           steps);
    return 0;
}
