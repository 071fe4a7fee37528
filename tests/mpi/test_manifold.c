/* UMAP over ranks and the clusters in it: landmarks, K-means of all rows, ranks without rows, next to no rows. What is
 * printed must not depend on the number of ranks. */
#include "common.h"

static void landmarks(cepman_mpi *g, cepman_context *ctx)
{
    const size_t n = 4000, d = 10;
    cepman_matrix *m = blob_shard(g, ctx, n, d, 4, 0.4), *all = NULL;
    cepman_labels *truth = NULL, *labels = NULL, *dense = NULL;
    int32_t *blob = malloc(n * sizeof *blob);
    for (size_t i = 0; i < n; i++)
        blob[i] = (int32_t)(i % 4);
    GOOD(ctx, cepman_labels_copy(&truth, ctx, blob, n));
    cepman_options *u = OPTIONS(ctx, umap, "epochs", "80", "dims", "2", "method", "exact");
    cepman_options *k = OPTIONS(ctx, kmeans, "k", "4");
    cepman_options *h = OPTIONS(ctx, hdbscan, "min-cluster-size", "30");
    cepman_mpi_manifold *made = NULL;
    double *strength = malloc(n * sizeof *strength);
    GOOD(ctx, cepman_mpi_umap(&made, g, m, 600, u));
    const size_t *rows = cepman_mpi_manifold_landmarks(made);
    CHECK(rows && cepman_matrix_rows(cepman_mpi_manifold_fitted(made)) == 600);
    for (size_t i = 0; rows && i < 600; i++)
        CHECK(rows[i] >= i * n / 600 && rows[i] < (i + 1) * n / 600);
    CHECK(cepman_matrix_rows(cepman_mpi_manifold_embedding(made)) == cepman_matrix_rows(m));
    GOOD(ctx, cepman_mpi_kmeans(&labels, g, made, k));
    GOOD(ctx, cepman_mpi_hdbscan(&dense, strength, g, made, NULL, h));
    for (size_t i = 0; i < cepman_matrix_rows(m); i++)
        CHECK(strength[i] >= 0 && strength[i] <= 1);
    all = collect(g, ctx, cepman_mpi_manifold_embedding(made), "embedding");
    cepman_labels *found = collect_labels(g, ctx, labels, "kmeans"),
                  *noisy = collect_labels(g, ctx, dense, "hdbscan");
    if (all) {
        double ari = 0;
        GOOD(ctx, cepman_validity_ari(&ari, ctx, found, truth));
        CHECK(ari > 0.999);
        GOOD(ctx, cepman_validity_ari(&ari, ctx, noisy, truth));
        CHECK(ari > 0.97);                       /* some points of noise */
        for (size_t i = 0; rows && i < 600; i++) /* landmarks stay where they were fitted */
            CHECK(memcmp(cepman_matrix_row(all, rows[i]),
                         cepman_matrix_row(cepman_mpi_manifold_fitted(made), i), 2 * sizeof(float)) == 0);
    }
    cepman_mpi_manifold *none = NULL;
    FAILS(ctx, cepman_mpi_umap(&none, g, m, 15, u), CEPMAN_ERR_RANGE, "15 landmarks");
    CHECK(!none);
    free(strength);
    free(blob);
    cepman_labels *const vectors[] = {truth, labels, dense, found, noisy};
    for (size_t i = 0; i < 5; i++)
        cepman_labels_unref(vectors[i]);
    cepman_matrix_unref(all);
    cepman_mpi_manifold_unref(made);
    cepman_options_unref(h);
    cepman_options_unref(k);
    cepman_options_unref(u);
    cepman_matrix_unref(m);
}

/* With landmarks K-means is that of all rows: no row is nearer to the mean of another cluster than to that of its own. */
static void centres(cepman_mpi *g, cepman_context *ctx)
{
    const size_t n = 6000, k = 7;
    cepman_matrix *m = blob_shard(g, ctx, n, 8, 3, 2.5); /* one cloud: borders in the midst of rows */
    cepman_options *u = OPTIONS(ctx, umap, "epochs", "30", "dims", "2", "method", "exact");
    cepman_options *o = OPTIONS(ctx, kmeans, "k", "7", "tol", "0", "max-iterations", "10000", "n-init", "2");
    cepman_options *once = OPTIONS(ctx, kmeans, "k", "7", "max-iterations", "1", "n-init", "1");
    cepman_mpi_manifold *made = NULL;
    cepman_labels *labels = NULL, *early = NULL;
    GOOD(ctx, cepman_mpi_umap(&made, g, m, 200, u));
    GOOD(ctx, cepman_mpi_kmeans(&labels, g, made, o));
    GOOD(ctx, cepman_mpi_kmeans(&early, g, made, once));
    cepman_matrix *all = collect(g, ctx, cepman_mpi_manifold_embedding(made), "embedding");
    cepman_labels *found = collect_labels(g, ctx, labels, "kmeans"),
                  *first = collect_labels(g, ctx, early, "one_iteration");
    if (all) {
        double sums[7][2] = {{0}}, members[7] = {0};
        size_t wrong = 0, sampled = 0;
        const int32_t *l = cepman_labels_data(found);
        cepman_kmeans *model = NULL;
        cepman_labels *other = NULL;
        for (size_t i = 0; i < n; i++) {
            members[l[i]]++;
            for (size_t j = 0; j < 2; j++)
                sums[l[i]][j] += (double)cepman_matrix_row(all, i)[j];
        }
        for (size_t i = 0; i < n; i++) {
            double far[7];
            for (size_t c = 0; c < k; c++) {
                const float *x = cepman_matrix_row(all, i);
                far[c] =
                    hypot((double)x[0] - sums[c][0] / members[c], (double)x[1] - sums[c][1] / members[c]);
            }
            for (size_t c = 0; c < k; c++)
                wrong += far[l[i]] > far[c] * (1 + 1e-5);
        }
        CHECK(wrong == 0);
        /* Which the landmarks' own centres are not. */
        GOOD(ctx, cepman_kmeans_fit(&model, ctx, cepman_mpi_manifold_fitted(made), NULL, NULL, o));
        GOOD(ctx, cepman_kmeans_apply(&other, ctx, model, all));
        for (size_t i = 0; i < n; i++)
            sampled += cepman_labels_data(other)[i] != l[i];
        CHECK(sampled > 10);
        cepman_labels_unref(other);
        cepman_kmeans_unref(model);
    }
    cepman_labels *const vectors[] = {labels, early, found, first};
    for (size_t i = 0; i < 4; i++)
        cepman_labels_unref(vectors[i]);
    cepman_matrix_unref(all);
    cepman_mpi_manifold_unref(made);
    cepman_options_unref(once);
    cepman_options_unref(o);
    cepman_options_unref(u);
    cepman_matrix_unref(m);
}

/* All rows at the last rank, and more landmarks than some ranks have rows: ranks without any take part in everything. */
static void empty(cepman_mpi *g, cepman_context *ctx)
{
    const size_t n = 300, count = world_rank == world_size - 1 ? n : 0;
    cepman_matrix *m = blobs_from(ctx, 0, count, 6, 3, 1.0);
    cepman_options *u = OPTIONS(ctx, umap, "epochs", "30", "dims", "2", "method", "exact");
    cepman_options *k = OPTIONS(ctx, kmeans, "k", "3");
    double *strength = malloc((count + 1) * sizeof *strength);
    for (size_t landmarks = 0; landmarks <= 60; landmarks += 60) {
        cepman_mpi_manifold *made = NULL;
        cepman_labels *labels = NULL, *dense = NULL;
        GOOD(ctx, cepman_mpi_umap(&made, g, m, landmarks, u));
        CHECK(cepman_matrix_rows(cepman_mpi_manifold_embedding(made)) == count);
        CHECK(cepman_matrix_rows(cepman_mpi_manifold_fitted(made)) == (landmarks ? landmarks : n));
        GOOD(ctx, cepman_mpi_kmeans(&labels, g, made, k));
        GOOD(ctx, cepman_mpi_hdbscan(&dense, strength, g, made, NULL, NULL));
        CHECK(cepman_labels_count(labels) == count && cepman_labels_count(dense) == count);
        cepman_matrix *all =
            collect(g, ctx, cepman_mpi_manifold_embedding(made), landmarks ? "placed" : "fitted");
        cepman_labels *found = collect_labels(g, ctx, labels, landmarks ? "placed_kmeans" : "kmeans"),
                      *noisy = collect_labels(g, ctx, dense, landmarks ? "placed_hdbscan" : "hdbscan");
        CHECK(!all || (cepman_matrix_rows(all) == n && cepman_labels_clusters(found) == 3));
        cepman_matrix_unref(all);
        cepman_labels_unref(found);
        cepman_labels_unref(noisy);
        cepman_labels_unref(dense);
        cepman_labels_unref(labels);
        cepman_mpi_manifold_unref(made);
    }
    free(strength);
    cepman_options_unref(k);
    cepman_options_unref(u);
    cepman_matrix_unref(m);
}

/* Manifolds of next to nothing, and of starts that need the rows. */
static void small(cepman_mpi *g, cepman_context *ctx)
{
    static const size_t sizes[] = {0, 1, 2, 3, 17, 200};
    for (size_t i = 0; i < 6; i++) {
        cepman_matrix *m = blob_shard(g, ctx, sizes[i], 5, 2, 1.0);
        cepman_options *o = OPTIONS(ctx, umap, "epochs", "10", "init", i % 2 ? "pca" : "spectral", "metric",
                                    i == 4 ? "cosine" : "euclidean");
        cepman_mpi_manifold *made = NULL;
        char name[32];
        GOOD(ctx, cepman_mpi_umap(&made, g, m, 0, o));
        snprintf(name, sizeof name, "places_of_%zu", sizes[i]);
        cepman_matrix *all = collect(g, ctx, cepman_mpi_manifold_embedding(made), name);
        CHECK(!all || cepman_matrix_rows(all) == sizes[i]);
        cepman_matrix_unref(all);
        cepman_mpi_manifold_unref(made);
        cepman_options_unref(o);
        cepman_matrix_unref(m);
    }
}

int main(int argc, char **argv)
{
    static const test_case cases[] = {
        {"landmarks", landmarks}, {"centres", centres}, {"empty", empty}, {"small", small}, {NULL, NULL}};
    return run_cases(argc, argv, cases);
}
