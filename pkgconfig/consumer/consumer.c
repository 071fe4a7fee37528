/* A program built from pkg-config alone against an installed libcepman; it says the same however it is linked.
 * It goes from frames to clusters, which pulls in each of the libraries behind libcepman. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cepman/cepman.h>

#define SCAN 6
#define SIDE 32

/* Rows of spots in the upper half of the scan, columns of spots in the lower half. */
static void draw(uint16_t *frames)
{
    for (int i = 0; i < SCAN * SCAN; i++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                int along = i < SCAN * SCAN / 2 ? x : y;
                frames[(i * SIDE + y) * SIDE + x] =
                    (uint16_t)(20 + (along % 4 == 0 ? 400 + 3 * i : 0) + (i * 7 + x * y) % 5);
            }
}

int main(void)
{
    static uint16_t frames[SCAN * SCAN * SIDE * SIDE];
    cepman_context *ctx = NULL;
    cepman_dataset *scan = NULL;
    cepman_cepstrum *transform = NULL;
    cepman_matrix *features = NULL, *scores = NULL;
    cepman_options *options = NULL;
    cepman_pca *pca = NULL;
    cepman_kmeans *clusters = NULL;
    int result = 1;

    draw(frames);
    if (strcmp(cepman_version(), CEPMAN_VERSION_STRING) != 0) return 2;
    if (cepman_context_create(&ctx, NULL) || cepman_context_set_threads(ctx, 2) ||
        cepman_dataset_wrap(&scan, ctx, frames, CEPMAN_TYPE_U16, SCAN, SCAN, SIDE, SIDE, NULL, NULL) ||
        cepman_cepstrum_create(&transform, ctx, scan, NULL) ||
        cepman_cepstrum_run(&features, ctx, transform, scan) || cepman_pca_options_create(&options, ctx) ||
        cepman_options_set_integer(options, ctx, "components", 2) ||
        cepman_pca_fit(&pca, ctx, features, options) || cepman_pca_apply(&scores, ctx, pca, features))
        goto end;
    cepman_options_unref(options);
    options = NULL;
    if (cepman_kmeans_options_create(&options, ctx) || cepman_options_parse(options, ctx, "k", "2") ||
        cepman_kmeans_fit(&clusters, ctx, scores, NULL, NULL, options))
        goto end;
    const int32_t *label = cepman_labels_data(cepman_kmeans_labels(clusters));
    printf("libcepman %s: %zu frames, %zu features, %zu scores\n", cepman_version(),
           cepman_matrix_rows(features), cepman_matrix_columns(features), cepman_matrix_columns(scores));
    for (int i = 0; i < SCAN * SCAN; i++)
        printf("%c%s", label[i] == label[0] ? '=' : '|', i % SCAN == SCAN - 1 ? "\n" : "");
    result = 0;
end:
    if (result) printf("failed: %s\n", cepman_context_error(ctx));
    cepman_kmeans_unref(clusters);
    cepman_pca_unref(pca);
    cepman_options_unref(options);
    cepman_matrix_unref(scores);
    cepman_matrix_unref(features);
    cepman_cepstrum_unref(transform);
    cepman_dataset_unref(scan);
    cepman_context_unref(ctx);
    return result;
}
