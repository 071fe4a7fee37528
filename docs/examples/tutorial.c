/* The program of docs/tutorial.md: looks at a scan, images it, groups its frames, and writes what it found.
 *
 *   cc tutorial.c $(pkg-config --cflags --libs cepman) -o tutorial
 *   ./tutorial SCAN FOLDER          SCAN: any file that cepman reads; FOLDER: there already
 *
 * Each part of the page is a function here; the page shows their lines as they are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cepman/cepman.h>

/* FOLDER/name in text. */
static const char *place(char *text, size_t size, const char *folder, const char *name)
{
    snprintf(text, size, "%s/%s", folder, name);
    return text;
}

static void look(const cepman_dataset *scan)
{
    printf("%s: %zu x %zu frames of %zu x %zu %s\n", cepman_dataset_format(scan),
           cepman_dataset_scan_rows(scan), cepman_dataset_scan_columns(scan), cepman_dataset_height(scan),
           cepman_dataset_width(scan), cepman_type_name(cepman_dataset_type(scan)));
    if (isnan(cepman_dataset_reciprocal_pixel(scan)))
        printf("the file does not say what a detector pixel is\n");
    else
        printf("a detector pixel is %g 1/angstrom\n", cepman_dataset_reciprocal_pixel(scan));
}

/* What a detector around the direct beam would have seen, one number for each scan point. */
static cepman_status image(cepman_context *context, cepman_dataset *scan, const char *path)
{
    double y, x, radius;
    float *sums = calloc(cepman_dataset_frames(scan), sizeof *sums);
    cepman_npy_writer *file = NULL;
    const size_t shape[] = {cepman_dataset_scan_rows(scan), cepman_dataset_scan_columns(scan)};
    cepman_status s = sums ? CEPMAN_OK : CEPMAN_ERR_MEMORY;
    if (!s) s = cepman_maps_beam_sampled(&y, &x, &radius, context, scan, 512);
    if (!s) printf("the direct beam is at row %.1f, column %.1f, %.1f pixels wide\n", y, x, 2 * radius);
    if (!s) s = cepman_maps_virtual(sums, context, scan, y, x, 1.5 * radius, INFINITY);
    if (!s) s = cepman_npy_writer_create(&file, context, path, CEPMAN_TYPE_F32, 2, shape);
    if (!s) s = cepman_npy_writer_append(file, context, sums, cepman_dataset_frames(scan));
    if (!s) s = cepman_npy_writer_commit(file, context);
    cepman_npy_writer_unref(file); /* without the commit nothing is left behind */
    free(sums);
    return s;
}

static cepman_status transform(cepman_matrix **features, cepman_context *context, cepman_dataset *scan)
{
    cepman_options *options = NULL, *used = NULL;
    cepman_cepstrum *cepstrum = NULL;
    double offset = 0;
    cepman_status s = cepman_cepstrum_options_create(&options, context);
    if (!s) s = cepman_options_set_real(options, context, "sigma", 0.45);
    if (!s) s = cepman_options_parse(options, context, "scale", "l2");
    if (!s) s = cepman_cepstrum_create(&cepstrum, context, scan, options);
    if (!s) s = cepman_cepstrum_options(&used, context, cepstrum);
    if (!s) s = cepman_options_get_real(used, context, "offset", &offset);
    if (!s)
        printf("the logarithm's offset is %g counts; a frame has %zu features\n", offset,
               cepman_cepstrum_features(cepstrum));
    if (!s) s = cepman_cepstrum_run(features, context, cepstrum, scan);
    cepman_options_unref(used);
    cepman_cepstrum_unref(cepstrum);
    cepman_options_unref(options);
    return s;
}

/* Ten principal components, then clusters of at least a twentieth of the scan. */
static cepman_status group(cepman_labels **labels, cepman_context *context, const cepman_matrix *features)
{
    cepman_options *ten = NULL, *size = NULL;
    cepman_pca *pca = NULL;
    cepman_matrix *scores = NULL;
    cepman_hdbscan_tree *tree = NULL;
    cepman_hdbscan *clusters = NULL;
    int64_t least = (int64_t)(cepman_matrix_rows(features) / 20);
    cepman_status s = cepman_pca_options_create(&ten, context);
    if (!s) s = cepman_options_set_integer(ten, context, "components", 10);
    if (!s) s = cepman_pca_fit(&pca, context, features, ten);
    if (!s) s = cepman_pca_apply(&scores, context, pca, features);
    if (!s) s = cepman_hdbscan_tree_build(&tree, context, scores, NULL);
    if (!s) s = cepman_hdbscan_options_create(&size, context);
    if (!s) s = cepman_options_set_integer(size, context, "min-cluster-size", least < 5 ? 5 : least);
    if (!s) s = cepman_hdbscan_extract(&clusters, context, tree, size);
    if (!s) *labels = cepman_labels_ref(cepman_hdbscan_labels(clusters));
    if (!s)
        printf("%zu clusters, %zu points of noise\n", cepman_labels_clusters(*labels),
               cepman_labels_noise(*labels));
    cepman_hdbscan_unref(clusters);
    cepman_options_unref(size);
    cepman_hdbscan_tree_unref(tree);
    cepman_matrix_unref(scores);
    cepman_pca_unref(pca);
    cepman_options_unref(ten);
    return s;
}

int main(int argc, char **argv)
{
    cepman_context *context = NULL;
    cepman_dataset *scan = NULL;
    cepman_matrix *features = NULL, *means = NULL;
    cepman_labels *labels = NULL;
    char path[4096];
    if (argc != 3) {
        fprintf(stderr, "usage: %s SCAN FOLDER\n", argv[0]);
        return 2;
    }

    if (cepman_context_create(&context, NULL)) return 1;
    cepman_status s = cepman_context_set_threads(context, 0); /* all CPUs */
    if (!s) s = cepman_dataset_open(&scan, context, argv[1], NULL);
    if (!s) look(scan);

    if (!s) s = image(context, scan, place(path, sizeof path, argv[2], "dark_field.npy"));
    if (!s) s = transform(&features, context, scan);
    if (!s) s = group(&labels, context, features);

    if (!s) s = cepman_maps_cluster_means(&means, context, scan, labels);
    if (!s) s = cepman_matrix_save(means, context, place(path, sizeof path, argv[2], "mean_frames.npy"));
    if (!s)
        s = cepman_labels_save(labels, context, place(path, sizeof path, argv[2], "labels.npy"),
                               cepman_dataset_scan_rows(scan), cepman_dataset_scan_columns(scan));

    if (s) fprintf(stderr, "%s\n", cepman_context_error(context));
    cepman_matrix_unref(means);
    cepman_labels_unref(labels);
    cepman_matrix_unref(features);
    cepman_dataset_unref(scan);
    cepman_context_unref(context);
    return s ? 1 : 0;
}
