/* The whole chain in one program: a scan -> cepstrum features -> PCA -> UMAP -> HDBSCAN -> a label for each scan point.
 *
 *   cc pipeline.c $(pkg-config --cflags --libs cepman) -o pipeline
 *   ./pipeline SCAN labels.npy          SCAN: any file that cepman reads
 *   ./pipeline                          a simulated scan, whose truth is known
 *
 * Every call returns a status; the sentence that goes with a failure is kept by the context. Results are
 * reference-counted: what a program made, it gives back. */
#include <stdio.h>
#include <string.h>

#include <cepman/cepman.h>

typedef struct results {
    cepman_dataset *scan;
    cepman_labels *truth; /* of a simulated scan */
    cepman_cepstrum *cepstrum;
    cepman_matrix *features, *scores;
    cepman_pca *pca;
    cepman_umap *umap;
    cepman_hdbscan_tree *tree;
    cepman_hdbscan *clusters;
} results;

/* A small simulated scan of twins. Options are set by name; the header of each stage lists them. */
static cepman_status simulate(results *r, cepman_context *context)
{
    cepman_options *options = NULL;
    cepman_status s = cepman_simulate_options_create(&options, context);
    if (!s) s = cepman_options_set_text(options, context, "scene", "twin-domains");
    if (!s) s = cepman_options_set_integer(options, context, "scan-rows", 24);
    if (!s) s = cepman_options_set_integer(options, context, "scan-columns", 24);
    if (!s) s = cepman_simulate(&r->scan, &r->truth, context, options);
    cepman_options_unref(options);
    return s;
}

static cepman_status reduce(results *r, cepman_context *context)
{
    cepman_options *options = NULL;
    cepman_status s = cepman_cepstrum_create(&r->cepstrum, context, r->scan, NULL); /* NULL: defaults */
    if (!s) s = cepman_cepstrum_run(&r->features, context, r->cepstrum, r->scan);
    if (!s) s = cepman_pca_options_create(&options, context);
    if (!s) s = cepman_options_set_integer(options, context, "components", 10);
    if (!s) s = cepman_pca_fit(&r->pca, context, r->features, options);
    if (!s) s = cepman_pca_apply(&r->scores, context, r->pca, r->features);
    cepman_options_unref(options);
    return s;
}

static cepman_status embed(results *r, cepman_context *context)
{
    cepman_options *options = NULL;
    cepman_status s = cepman_umap_options_create(&options, context);
    if (!s) s = cepman_options_set_integer(options, context, "dims", 3);
    if (!s) s = cepman_options_set_integer(options, context, "seed", 1);
    if (!s) s = cepman_umap_fit(&r->umap, context, r->scores, options);
    cepman_options_unref(options);
    return s;
}

/* The tree is built once; clusters may be taken from it again and again, for instance with other sizes. */
static cepman_status cluster(results *r, cepman_context *context)
{
    cepman_options *of_tree = NULL, *of_clusters = NULL;
    int64_t size = (int64_t)(cepman_dataset_frames(r->scan) / 20);
    if (size < 5) size = 5;
    cepman_status s = cepman_hdbscan_tree_options_create(&of_tree, context);
    if (!s) s = cepman_options_set_integer(of_tree, context, "min-samples", 5);
    if (!s) s = cepman_hdbscan_tree_build(&r->tree, context, cepman_umap_embedding(r->umap), of_tree);
    if (!s) s = cepman_hdbscan_options_create(&of_clusters, context);
    if (!s) s = cepman_options_set_integer(of_clusters, context, "min-cluster-size", size);
    if (!s) s = cepman_hdbscan_extract(&r->clusters, context, r->tree, of_clusters);
    cepman_options_unref(of_clusters);
    cepman_options_unref(of_tree);
    return s;
}

int main(int argc, char **argv)
{
    cepman_context *context = NULL;
    results r;
    memset(&r, 0, sizeof r);
    if (cepman_context_create(&context, NULL)) return 1;

    cepman_status s = cepman_context_set_threads(context, 0); /* all CPUs this process may use */
    if (!s) s = argc > 1 ? cepman_dataset_open(&r.scan, context, argv[1], NULL) : simulate(&r, context);
    if (!s) s = reduce(&r, context);
    if (!s) s = embed(&r, context);
    if (!s) s = cluster(&r, context);
    if (!s) {
        cepman_labels *labels = cepman_hdbscan_labels(r.clusters);
        printf("%zu frames, %zu features each: %zu clusters, %zu points of noise\n",
               cepman_dataset_frames(r.scan), cepman_matrix_columns(r.features),
               cepman_labels_clusters(labels), cepman_labels_noise(labels));
        if (argc > 2)
            s = cepman_labels_save(labels, context, argv[2], cepman_dataset_scan_rows(r.scan),
                                   cepman_dataset_scan_columns(r.scan));
        if (!s && r.truth) {
            double accuracy = 0;
            s = cepman_validity_accuracy(&accuracy, context, labels, r.truth);
            if (!s) printf("%.1f %% of the points are in the right domain\n", 100 * accuracy);
        }
    }
    if (s) fprintf(stderr, "%s: %s\n", cepman_status_text(s), cepman_context_error(context));

    cepman_hdbscan_unref(r.clusters);
    cepman_hdbscan_tree_unref(r.tree);
    cepman_umap_unref(r.umap);
    cepman_matrix_unref(r.scores);
    cepman_pca_unref(r.pca);
    cepman_matrix_unref(r.features);
    cepman_cepstrum_unref(r.cepstrum);
    cepman_labels_unref(r.truth);
    cepman_dataset_unref(r.scan);
    cepman_context_unref(context);
    return s ? 1 : 0;
}
