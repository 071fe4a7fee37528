/* Stages over ranks against the same stages in one process: bits where they are promised, tolerances where they are
 * stated (docs/mpi.md). What is printed must not depend on the number of ranks. */
#include "common.h"

/* Shards of any number of frames follow each other, whole leaves each, the first rank never without. */
static void shards(cepman_mpi *g, cepman_context *ctx)
{
    static const size_t sizes[] = {0,    1,     2,     3,     15,      16,        17,        100,
                                   2047, 32767, 32768, 32769, 8388609, 100000000, 2147483647};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t next = 0, most = 0, first, count, leaf = (sizes[i] + 15) / 16;
        leaf = leaf > 2048 ? 2048 : leaf;
        if (leaf < (sizes[i] + 4095) / 4096) leaf = (sizes[i] + 4095) / 4096;
        for (int r = 0; r < world_size; r++) {
            GOOD(ctx, cepman_mpi_shard(g, sizes[i], r, &first, &count));
            CHECK(first == next);
            CHECK(count == 0 || first % leaf == 0);
            CHECK(r || count > 0 || sizes[i] == 0);
            next += count;
            most = count > most ? count : most;
        }
        CHECK(next == sizes[i]);
        CHECK(most <= sizes[i] / (size_t)world_size + leaf + 1);
    }
    size_t a, b;
    CHECK(cepman_mpi_shard(g, 10, world_size, &a, &b) == CEPMAN_ERR_RANGE);
    CHECK(cepman_mpi_shard(g, 10, -1, &a, &b) == CEPMAN_ERR_RANGE);
    CHECK(cepman_mpi_shard(g, 10, 0, NULL, &b) == CEPMAN_ERR_ARGUMENT);
    CHECK(cepman_mpi_shard(NULL, 10, 0, &a, &b) == CEPMAN_ERR_ARGUMENT);
    CHECK(cepman_mpi_rank(g) == world_rank && cepman_mpi_ranks(g) == world_size);
    CHECK(cepman_mpi_rank(NULL) == -1 && cepman_mpi_ranks(NULL) == 0);
    CHECK(strcmp(cepman_mpi_version(), PROJECT_VERSION) == 0);
}

/* ---- features and components ---- */

static void compare_pca(cepman_context *ctx, const cepman_pca *p, const cepman_matrix *scores,
                        const cepman_matrix *features)
{
    cepman_pca_accumulator *a = NULL;
    cepman_pca *q = NULL;
    cepman_matrix *expected = NULL;
    cepman_options *o = OPTIONS(ctx, pca, "components", "8");
    const size_t d = cepman_matrix_columns(features);
    size_t stride = 0;
    const float *x = cepman_matrix_data(features, &stride);
    GOOD(ctx, cepman_pca_accumulator_create(&a, ctx, d));
    GOOD(ctx, cepman_pca_accumulator_add(a, ctx, x, cepman_matrix_rows(features), stride));
    GOOD(ctx, cepman_pca_accumulator_finish(&q, ctx, a, o));
    GOOD(ctx, cepman_pca_apply(&expected, ctx, q, features));
    CHECK(cepman_pca_components(p) == 8 && cepman_pca_components(q) == 8);
    for (size_t j = 0; j < 8; j++)
        CHECK(fabs(cepman_pca_variance(p)[j] / cepman_pca_variance(q)[j] - 1) < 1e-6);
    CHECK(fabs(cepman_pca_total_variance(p) / cepman_pca_total_variance(q) - 1) < 1e-6);
    double worst = 0;
    const double scale = sqrt(cepman_pca_variance(q)[0]);
    for (size_t i = 0; i < cepman_matrix_rows(scores); i++)
        for (size_t j = 0; j < 8; j++) {
            const double apart =
                fabs((double)cepman_matrix_row(scores, i)[j] - (double)cepman_matrix_row(expected, i)[j]);
            worst = apart > worst ? apart : worst;
        }
    printf("measured: scores at most %.2g of the first deviation from those of one process\n", worst / scale);
    CHECK(worst < 1e-4 * scale);
    cepman_matrix_unref(expected);
    cepman_options_unref(o);
    cepman_pca_unref(q);
    cepman_pca_accumulator_unref(a);
}

static cepman_dataset *scan(cepman_context *ctx, cepman_labels **truth)
{
    cepman_dataset *d = NULL;
    cepman_options *o = OPTIONS(ctx, simulate, "scene", "twin-domains", "scan-rows", "20", "scan-columns",
                                "23", "frame", "64", "pixel", "0.064");
    GOOD(ctx, cepman_simulate(&d, truth, ctx, o));
    cepman_options_unref(o);
    return d;
}

/* From frames to labels. */
static void chain(cepman_mpi *g, cepman_context *ctx)
{
    cepman_labels *truth = NULL, *labels = NULL, *all_labels = NULL;
    cepman_dataset *d = scan(ctx, &truth);
    cepman_cepstrum *c = NULL;
    cepman_matrix *features = NULL, *scores = NULL, *streamed = NULL, *one = NULL;
    cepman_pca *p = NULL, *q = NULL;
    cepman_options *o = OPTIONS(ctx, pca, "components", "8");
    GOOD(ctx, cepman_cepstrum_create(&c, ctx, d, NULL));
    GOOD(ctx, cepman_mpi_features(&features, g, c, d));
    GOOD(ctx, cepman_mpi_pca_fit(&p, g, features, o));
    GOOD(ctx, cepman_mpi_pca_apply(&scores, g, p, features));
    GOOD(ctx, cepman_mpi_pca_stream(&q, &streamed, g, c, d, o));
    for (size_t i = 0; i < cepman_matrix_rows(scores); i++)
        CHECK(memcmp(cepman_matrix_row(scores, i), cepman_matrix_row(streamed, i), 8 * sizeof(float)) == 0);
    cepman_matrix *all = collect(g, ctx, features, "features");
    cepman_matrix *all_scores = collect(g, ctx, scores, "scores");
    if (all) {
        GOOD(ctx, cepman_cepstrum_run(&one, ctx, c, d));
        CHECK(cepman_matrix_rows(all) == 460 && cepman_matrix_rows(one) == 460);
        for (size_t i = 0; i < 460; i++)
            CHECK(memcmp(cepman_matrix_row(all, i), cepman_matrix_row(one, i),
                         cepman_matrix_columns(one) * sizeof(float)) == 0);
        compare_pca(ctx, p, all_scores, all);
    }
    /* The manifold and its clusters, against the library on the same scores. */
    cepman_options *u = OPTIONS(ctx, umap, "neighbors", "15", "epochs", "60", "method", "exact");
    cepman_options *h = OPTIONS(ctx, hdbscan, "min-cluster-size", "25");
    cepman_options *t = OPTIONS(ctx, hdbscan_tree, "min-samples", "5");
    cepman_mpi_manifold *m = NULL;
    double *strength = malloc(460 * sizeof *strength);
    GOOD(ctx, cepman_mpi_umap(&m, g, scores, 0, u));
    CHECK(!cepman_mpi_manifold_landmarks(m) && strcmp(cepman_mpi_manifold_method(m), "exact") == 0);
    CHECK(cepman_mpi_manifold_recall(m) >= 1);
    GOOD(ctx, cepman_mpi_hdbscan(&labels, strength, g, m, t, h));
    cepman_matrix *places = collect(g, ctx, cepman_mpi_manifold_embedding(m), "embedding");
    all_labels = collect_labels(g, ctx, labels, "labels");
    if (places) {
        cepman_umap *fit = NULL;
        cepman_hdbscan_tree *tree = NULL;
        cepman_hdbscan *clusters = NULL;
        double accuracy = 0;
        GOOD(ctx, cepman_umap_fit(&fit, ctx, all_scores, u));
        for (size_t i = 0; i < 460; i++) {
            CHECK(memcmp(cepman_matrix_row(places, i), cepman_matrix_row(cepman_umap_embedding(fit), i),
                         3 * sizeof(float)) == 0);
            CHECK(memcmp(cepman_matrix_row(places, i), cepman_matrix_row(cepman_mpi_manifold_fitted(m), i),
                         3 * sizeof(float)) == 0);
        }
        GOOD(ctx, cepman_hdbscan_tree_build(&tree, ctx, cepman_umap_embedding(fit), t));
        GOOD(ctx, cepman_hdbscan_extract(&clusters, ctx, tree, h));
        CHECK(memcmp(cepman_labels_data(all_labels), cepman_labels_data(cepman_hdbscan_labels(clusters)),
                     460 * sizeof(int32_t)) == 0);
        for (size_t i = 0; i < cepman_labels_count(labels); i++)
            CHECK(strength[i] <= cepman_hdbscan_probabilities(clusters)[i] &&
                  strength[i] >= cepman_hdbscan_probabilities(clusters)[i]);
        GOOD(ctx, cepman_validity_accuracy(&accuracy, ctx, all_labels, truth));
        CHECK(accuracy > 0.6); /* of a small, noisy scan; one process does no better, see above */
        cepman_hdbscan_unref(clusters);
        cepman_hdbscan_tree_unref(tree);
        cepman_umap_unref(fit);
    }
    free(strength);
    cepman_mpi_manifold_unref(m);
    cepman_options_unref(t);
    cepman_options_unref(h);
    cepman_options_unref(u);
    cepman_options_unref(o);
    cepman_matrix *const matrices[] = {features, scores, streamed, one, all, all_scores, places};
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
        cepman_matrix_unref(matrices[i]);
    cepman_labels_unref(labels);
    cepman_labels_unref(all_labels);
    cepman_labels_unref(truth);
    cepman_pca_unref(p);
    cepman_pca_unref(q);
    cepman_cepstrum_unref(c);
    cepman_dataset_unref(d);
}

/* Components of more rows than a leaf's accumulator has in a block, of few, and of float16; whitened ones too. */
static void components(cepman_mpi *g, cepman_context *ctx)
{
    static const size_t sizes[] = {2, 3, 40, 9000};
    for (size_t i = 0; i < 4; i++) {
        const size_t n = sizes[i], k = n < 8 ? n : 8;
        cepman_matrix *m = blob_shard(g, ctx, n, 30, 4, 1.0), *half = NULL, *scores = NULL, *narrow = NULL;
        cepman_options *o = OPTIONS(ctx, pca, "components", "8", "whiten", i % 2 ? "true" : "false");
        cepman_pca *p = NULL, *q = NULL;
        char name[32];
        GOOD(ctx, cepman_mpi_pca_fit(&p, g, m, o));
        GOOD(ctx, cepman_mpi_pca_apply(&scores, g, p, m));
        CHECK(cepman_pca_components(p) == k && cepman_matrix_columns(scores) == k);
        snprintf(name, sizeof name, "scores_of_%zu", n);
        cepman_matrix *all = collect(g, ctx, scores, name);
        if (all && i == 3) {
            cepman_matrix *rows = blobs_from(ctx, 0, n, 30, 4, 1.0);
            double squares = 0;
            for (size_t r = 0; r < n; r++)
                squares += pow((double)cepman_matrix_row(all, r)[7], 2);
            CHECK(fabs(squares / (double)(n - 1) - 1) < 1e-4); /* whitened */
            cepman_options *plain = OPTIONS(ctx, pca, "components", "8");
            cepman_pca *exact = NULL;
            GOOD(ctx, cepman_pca_fit(&exact, ctx, rows, plain));
            for (size_t j = 0; j < 8; j++)
                CHECK(fabs(cepman_pca_variance(p)[j] / cepman_pca_variance(exact)[j] - 1) < 3e-5);
            cepman_pca_unref(exact);
            cepman_options_unref(plain);
            cepman_matrix_unref(rows);
        }
        GOOD(ctx, cepman_matrix_convert(&half, ctx, m, CEPMAN_TYPE_F16));
        GOOD(ctx, cepman_mpi_pca_fit(&q, g, half, o));
        CHECK(fabs(cepman_pca_total_variance(q) / cepman_pca_total_variance(p) - 1) < 0.01);
        cepman_pca_unref(q);
        narrow = blobs_from(ctx, 0, cepman_matrix_rows(m), 29, 4, 1.0);
        cepman_matrix_unref(half);
        half = NULL;
        FAILS(ctx, cepman_mpi_pca_apply(&half, g, p, narrow), CEPMAN_ERR_SHAPE, "29 columns");
        cepman_matrix_unref(narrow);
        cepman_matrix_unref(all);
        cepman_matrix_unref(scores);
        cepman_pca_unref(p);
        cepman_options_unref(o);
        cepman_matrix_unref(m);
    }
}

/* ---- the graph ---- */

/* Against the library's exact graph of all rows: the same distances; the same rows but where distances tie. */
static void check_graph(cepman_mpi *g, cepman_context *ctx, const cepman_matrix *all,
                        const cepman_mpi_graph *graph, const cepman_options *o, const char *name)
{
    cepman_neighbors *expected = NULL, *whole = NULL;
    GOOD(ctx, cepman_mpi_graph_gather(&whole, g, graph));
    CHECK((whole != NULL) == (world_rank == 0));
    if (whole) {
        const size_t n = cepman_matrix_rows(all), k = cepman_neighbors_k(whole);
        GOOD(ctx, cepman_neighbors_build(&expected, ctx, all, o));
        CHECK(cepman_neighbors_count(whole) == n && cepman_neighbors_k(expected) == k);
        const float *a = cepman_neighbors_distances(whole), *b = cepman_neighbors_distances(expected);
        const int32_t *i = cepman_neighbors_indices(whole), *j = cepman_neighbors_indices(expected);
        size_t far = 0, other = 0;
        for (size_t e = 0; e < n * k; e++) {
            const bool tie = (e % k && !(b[e] > b[e - 1])) || e % k == k - 1 || !(b[e + 1] > b[e]);
            far += a[e] < b[e] || a[e] > b[e];
            other += i[e] != j[e] && !tie;
        }
        CHECK(far == 0);
        CHECK(other == 0);
        printf("bits %s %016llx\n", name,
               (unsigned long long)hash_bytes(hash_bytes(7, i, n * k * sizeof *i), a, n * k * sizeof *a));
    }
    cepman_neighbors_unref(expected);
    cepman_neighbors_unref(whole);
}

static void graph(cepman_mpi *g, cepman_context *ctx)
{
    static const struct {
        size_t n, columns;
        const char *k, *metric, *method;
    } cases[] = {
        {1500, 12, "15", "euclidean", "exact"}, {1500, 3, "15", "euclidean", "auto"},
        {700, 12, "9", "cosine", "exact"},      {700, 12, "9", "correlation", "exact"},
        {40, 12, "60", "euclidean", "auto"},    {5, 12, "2", "euclidean", "auto"},
        {2, 4, "15", "euclidean", "auto"},      {1, 4, "15", "euclidean", "auto"},
        {0, 4, "15", "euclidean", "auto"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const size_t n = cases[c].n, d = cases[c].columns;
        cepman_options *o =
            OPTIONS(ctx, neighbors, "k", cases[c].k, "metric", cases[c].metric, "method", cases[c].method);
        cepman_matrix *m = blob_shard(g, ctx, n, d, 4, 1.0), *all = blobs_from(ctx, 0, n, d, 4, 1.0);
        cepman_mpi_graph *made = NULL;
        char name[32];
        GOOD(ctx, cepman_mpi_neighbors(&made, g, m, o));
        CHECK(cepman_mpi_graph_total(made) == n && cepman_mpi_graph_count(made) == cepman_matrix_rows(m));
        CHECK(strcmp(cepman_mpi_graph_method(made), "exact") == 0 && cepman_mpi_graph_recall(made) >= 1);
        snprintf(name, sizeof name, "graph_%zu", c);
        check_graph(g, ctx, all, made, o, name);
        cepman_mpi_graph_unref(made);
        cepman_matrix_unref(all);
        cepman_matrix_unref(m);
        cepman_options_unref(o);
    }
    CHECK(isnan(cepman_mpi_graph_recall(NULL)) && !cepman_mpi_graph_indices(NULL));
}

/* Shards of the caller's own sizes, all rows at the last rank; duplicates by the dozen. */
static void uneven(cepman_mpi *g, cepman_context *ctx)
{
    const size_t n = 300, d = 6;
    cepman_options *o = OPTIONS(ctx, neighbors, "k", "12");
    float *x = malloc(n * d * sizeof *x);
    for (size_t i = 0; i < n; i++)
        blob_row(x + i * d, i % 20, d, 4, 1.0); /* each row 15 times */
    cepman_matrix *all = NULL;
    GOOD(ctx, cepman_matrix_copy(&all, ctx, x, n, d, d));
    for (int way = 0; way < 2; way++) {
        const size_t first = way ? n * (size_t)world_rank / (size_t)world_size : 0;
        const size_t last = way                            ? n * (size_t)(world_rank + 1) / (size_t)world_size
                            : world_rank == world_size - 1 ? n
                                                           : 0;
        cepman_matrix *m = NULL;
        cepman_mpi_graph *made = NULL;
        GOOD(ctx, cepman_matrix_copy(&m, ctx, x + first * d, last - first, d, d));
        GOOD(ctx, cepman_mpi_neighbors(&made, g, m, o));
        CHECK(cepman_mpi_graph_first(made) == first || last == first);
        for (size_t e = 0; e < (last - first) * 12; e++) {
            CHECK(cepman_mpi_graph_distances(made)[e] <= 0);
            const size_t self = first + e / 12, other = (size_t)cepman_mpi_graph_indices(made)[e];
            CHECK(other != self && other % 20 == self % 20);
            CHECK(e % 12 == 0 || cepman_mpi_graph_indices(made)[e - 1] < cepman_mpi_graph_indices(made)[e]);
        }
        check_graph(g, ctx, all, made, o, way ? "duplicates" : "one_shard");
        cepman_mpi_graph_unref(made);
        cepman_matrix_unref(m);
    }
    cepman_matrix_unref(all);
    cepman_options_unref(o);
    free(x);
}

/* The approximate search's recall is what counting finds, and what was asked for. */
static void approximate(cepman_mpi *g, cepman_context *ctx)
{
    const size_t n = 12000, d = 24, k = 10;
    cepman_options *o = OPTIONS(ctx, neighbors, "k", "10", "method", "approximate", "recall", "0.95");
    cepman_options *e = OPTIONS(ctx, neighbors, "k", "10", "method", "exact");
    cepman_matrix *m = blob_shard(g, ctx, n, d, 6, 1.5), *all = blobs_from(ctx, 0, n, d, 6, 1.5);
    cepman_mpi_graph *made = NULL;
    cepman_neighbors *exact = NULL, *whole = NULL;
    GOOD(ctx, cepman_mpi_neighbors(&made, g, m, o));
    CHECK(strcmp(cepman_mpi_graph_method(made), "approximate") == 0);
    GOOD(ctx, cepman_mpi_graph_gather(&whole, g, made));
    if (whole) {
        size_t hits = 0;
        GOOD(ctx, cepman_neighbors_build(&exact, ctx, all, e));
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < k; c++)
                hits += cepman_neighbors_distances(whole)[i * k + c] <=
                        cepman_neighbors_distances(exact)[i * k + k - 1];
        const double recall = (double)hits / (double)(n * k);
        CHECK(recall > 0.93);
        CHECK(fabs(recall - cepman_mpi_graph_recall(made)) < 0.04);
    }
    cepman_neighbors_unref(whole);
    cepman_neighbors_unref(exact);
    cepman_mpi_graph_unref(made);
    cepman_matrix_unref(all);
    cepman_matrix_unref(m);
    cepman_options_unref(e);
    cepman_options_unref(o);
}

int main(int argc, char **argv)
{
    static const test_case cases[] = {{"shards", shards}, {"chain", chain},   {"components", components},
                                      {"graph", graph},   {"uneven", uneven}, {"approximate", approximate},
                                      {NULL, NULL}};
    return run_cases(argc, argv, cases);
}
