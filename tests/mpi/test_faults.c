/* One rank fails, all are told the same and none waits for ever: files, data, memory, limits, cancel, options. */
#include <signal.h>
#include <sys/resource.h>

#include "common.h"

static int victim(void)
{
    return world_size - 1;
}

static void agreement(cepman_mpi *g, cepman_context *ctx)
{
    cepman_dataset *d = NULL;
    GOOD(ctx, cepman_mpi_agree(g, CEPMAN_OK));
    /* One rank cannot open its file. */
    const cepman_status s =
        world_rank == victim() ? cepman_dataset_open(&d, ctx, path_of("missing.npy"), NULL) : CEPMAN_OK;
    FAILS(ctx, cepman_mpi_agree(g, s), CEPMAN_ERR_IO, "missing.npy");
    char who[32];
    snprintf(who, sizeof who, "rank %d: ", victim());
    CHECK(world_size == 1 || strncmp(cepman_context_error(ctx), who, strlen(who)) == 0);
    /* The first of several that fail. */
    FAILS(ctx,
          cepman_mpi_agree(g, cepman_context_fail(ctx, world_rank ? CEPMAN_ERR_DATA : CEPMAN_ERR_IO, "mine")),
          CEPMAN_ERR_IO, "mine");
    GOOD(ctx, cepman_mpi_agree(g, CEPMAN_OK));
    CHECK(cepman_mpi_agree(NULL, CEPMAN_OK) == CEPMAN_ERR_ARGUMENT);
}

static void arguments(cepman_mpi *g, cepman_context *ctx)
{
    cepman_matrix *m = blob_shard(g, ctx, 60, 5, 2, 1.0), *out = NULL;
    cepman_pca *p = NULL;
    cepman_mpi_graph *graph = NULL;
    cepman_neighbors *n = NULL;
    cepman_mpi_manifold *manifold = NULL;
    cepman_labels *labels = NULL;
    cepman_mpi *none = NULL;
    FAILS(ctx, cepman_mpi_features(&out, g, NULL, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    FAILS(ctx, cepman_mpi_pca_fit(NULL, g, m, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    FAILS(ctx, cepman_mpi_pca_fit(&p, g, world_rank == victim() ? NULL : m, NULL), CEPMAN_ERR_ARGUMENT,
          "NULL");
    FAILS(ctx, cepman_mpi_pca_apply(&out, g, NULL, m), CEPMAN_ERR_ARGUMENT, "NULL");
    FAILS(ctx, cepman_mpi_pca_stream(&p, &out, g, NULL, NULL, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    FAILS(ctx, cepman_mpi_neighbors(&graph, g, NULL, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    FAILS(ctx, cepman_mpi_graph_gather(&n, g, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    FAILS(ctx, cepman_mpi_umap(&manifold, g, NULL, 0, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    FAILS(ctx, cepman_mpi_hdbscan(&labels, NULL, g, NULL, NULL, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    FAILS(ctx, cepman_mpi_kmeans(&labels, g, NULL, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    FAILS(ctx, cepman_mpi_save_matrix(g, m, NULL), CEPMAN_ERR_ARGUMENT, "no path");
    FAILS(ctx, cepman_mpi_save_matrix(g, NULL, path_of("x.npy")), CEPMAN_ERR_ARGUMENT, "NULL");
    FAILS(ctx, cepman_mpi_save_labels(g, NULL, path_of("x.npy"), 0, 0), CEPMAN_ERR_ARGUMENT, "NULL");
    CHECK(cepman_mpi_create(&none, NULL, MPI_COMM_WORLD) == CEPMAN_ERR_ARGUMENT);
    CHECK(cepman_mpi_create(&none, ctx, MPI_COMM_NULL) == CEPMAN_ERR_ARGUMENT);
    CHECK(cepman_mpi_create(NULL, ctx, MPI_COMM_WORLD) == CEPMAN_ERR_ARGUMENT);
    CHECK(cepman_mpi_neighbors(&graph, NULL, m, NULL) == CEPMAN_ERR_ARGUMENT);
    cepman_mpi_unref(NULL);
    cepman_mpi_graph_unref(NULL);
    cepman_mpi_manifold_unref(NULL);
    CHECK(!out && !p && !graph && !n && !manifold && !labels && !none);
    cepman_matrix_unref(m);
}

/* Options that differ on one rank, which would draw other landmarks, make blocks of other sizes, or mix labels. */
static void different_options(cepman_mpi *g, cepman_context *ctx, cepman_matrix *shard, bool odd)
{
    cepman_mpi_manifold *manifold = NULL, *none = NULL;
    cepman_labels *labels = NULL;
    cepman_pca *p = NULL;
    double untouched[60];
    cepman_options *seed = OPTIONS(ctx, umap, "epochs", "2", "seed", odd ? "1" : "2");
    cepman_options *dims = OPTIONS(ctx, umap, "epochs", "2", "dims", odd ? "2" : "3");
    cepman_options *same = OPTIONS(ctx, umap, "epochs", "2");
    cepman_options *tree = OPTIONS(ctx, hdbscan_tree, "min-samples", odd ? "3" : "4");
    cepman_options *size = OPTIONS(ctx, hdbscan, "min-cluster-size", odd ? "5" : "6");
    cepman_options *k = OPTIONS(ctx, kmeans, "k", odd ? "2" : "3");
    cepman_options *whiten = OPTIONS(ctx, pca, "whiten", odd ? "true" : "false");
    FAILS(ctx, cepman_mpi_umap(&none, g, shard, 20, seed), CEPMAN_ERR_DATA, "settings of UMAP");
    FAILS(ctx, cepman_mpi_umap(&none, g, shard, 0, dims), CEPMAN_ERR_DATA, "settings of UMAP");
    FAILS(ctx, cepman_mpi_pca_fit(&p, g, shard, whiten), CEPMAN_ERR_DATA, "settings of the components");
    /* The defaults, not given or given by one. */
    GOOD(ctx, cepman_mpi_umap(&manifold, g, shard, 0, same));
    for (size_t i = 0; i < 60; i++)
        untouched[i] = -1;
    FAILS(ctx, cepman_mpi_hdbscan(&labels, untouched, g, manifold, tree, NULL), CEPMAN_ERR_DATA,
          "settings of the tree");
    FAILS(ctx, cepman_mpi_hdbscan(&labels, untouched, g, manifold, NULL, size), CEPMAN_ERR_DATA,
          "settings of HDBSCAN");
    FAILS(ctx, cepman_mpi_kmeans(&labels, g, manifold, k), CEPMAN_ERR_DATA, "settings of K-means");
    /* A cancel of one rank when the others have clustered. */
    if (odd) cepman_context_cancel(ctx);
    FAILS(ctx, cepman_mpi_hdbscan(&labels, untouched, g, manifold, NULL, NULL), CEPMAN_ERR_CANCELLED, "");
    cepman_context_clear_cancel(ctx);
    for (size_t i = 0; i < 60; i++)
        CHECK(untouched[i] < 0);
    cepman_options *kmeans = NULL;
    if (odd) kmeans = OPTIONS(ctx, kmeans, "k", "8");
    GOOD(ctx, cepman_mpi_kmeans(&labels, g, manifold, kmeans));
    CHECK(!none && !p);
    cepman_labels_unref(labels);
    cepman_mpi_manifold_unref(manifold);
    cepman_options *const all[] = {seed, dims, same, tree, size, k, whiten, kmeans};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cepman_options_unref(all[i]);
}

/* Ranks that do not mean the same. */
static void differences(cepman_mpi *g, cepman_context *ctx)
{
    const bool odd = world_rank == victim() && world_size > 1;
    cepman_matrix *m = blobs_from(ctx, 0, 20, odd ? 4 : 5, 2, 1.0),
                  *shard = blob_shard(g, ctx, 60, 5, 2, 1.0);
    cepman_options *k = OPTIONS(ctx, neighbors, "k", odd ? "3" : "4");
    cepman_mpi_graph *graph = NULL;
    cepman_mpi_manifold *manifold = NULL;
    cepman_pca *p = NULL;
    cepman_matrix *out = NULL;
    if (world_size > 1) {
        FAILS(ctx, cepman_mpi_neighbors(&graph, g, m, NULL), CEPMAN_ERR_DATA,
              "columns, one has 4 and another 5");
        FAILS(ctx, cepman_mpi_neighbors(&graph, g, shard, k), CEPMAN_ERR_DATA, "settings of the neighbours");
        different_options(g, ctx, shard, odd);
        FAILS(ctx, cepman_mpi_umap(&manifold, g, shard, odd ? 20 : 30, NULL), CEPMAN_ERR_DATA, "landmarks");
        FAILS(ctx, cepman_mpi_save_matrix(g, m, path_of("x.npy")), CEPMAN_ERR_DATA, "columns");
        /* Rows that are not the shard's. */
        cepman_matrix *few = blobs_from(ctx, 0, cepman_matrix_rows(shard) + (odd ? 10 : 0), 5, 2, 1.0);
        FAILS(ctx, cepman_mpi_pca_fit(&p, g, few, NULL), CEPMAN_ERR_SHAPE, "cepman_mpi_shard()");
        cepman_matrix_unref(few);
        /* Another transform. */
        cepman_labels *truth = NULL;
        cepman_dataset *d = NULL;
        cepman_cepstrum *c = NULL;
        cepman_options *o =
            OPTIONS(ctx, simulate, "scan-rows", "4", "scan-columns", "5", "frame", "32", "pixel", "0.1");
        cepman_options *t = OPTIONS(ctx, cepstrum, "sigma", odd ? "0.4" : "0.5");
        GOOD(ctx, cepman_simulate(&d, &truth, ctx, o));
        GOOD(ctx, cepman_cepstrum_create(&c, ctx, d, t));
        FAILS(ctx, cepman_mpi_features(&out, g, c, d), CEPMAN_ERR_DATA, "settings of the transform");
        cepman_cepstrum_unref(c);
        cepman_dataset_unref(d);
        cepman_labels_unref(truth);
        cepman_options_unref(t);
        cepman_options_unref(o);
        /* Other kernels. */
        cepman_mpi *second = NULL;
        const bool able = strcmp(cepman_context_cpu_level(ctx), "generic") != 0;
        if (odd && able) GOOD(ctx, cepman_context_set_cpu_level(ctx, "generic"));
        if (able) FAILS(ctx, cepman_mpi_create(&second, ctx, MPI_COMM_WORLD), CEPMAN_ERR_DATA, "CPU level");
        CHECK(!second);
        GOOD(ctx, cepman_context_set_cpu_level(ctx, "auto"));
    }
    CHECK(!graph && !manifold && !p && !out);
    cepman_options_unref(k);
    cepman_matrix_unref(shard);
    cepman_matrix_unref(m);
}

/* A row that is not finite, at the last rank; options that one stage refuses; a scan that cannot be streamed. */
static void data(cepman_mpi *g, cepman_context *ctx)
{
    size_t first, count;
    GOOD(ctx, cepman_mpi_shard(g, 500, world_rank, &first, &count));
    float *x = malloc((count * 6 + 1) * sizeof *x);
    for (size_t i = 0; i < count; i++) {
        blob_row(x + i * 6, first + i, 6, 2, 1.0);
        if (first + i == 499) x[i * 6 + 2] = NAN;
    }
    cepman_matrix *m = NULL;
    cepman_pca *p = NULL;
    cepman_mpi_graph *graph = NULL;
    cepman_mpi_manifold *manifold = NULL;
    GOOD(ctx, cepman_matrix_copy(&m, ctx, x, count, 6, 6));
    FAILS(ctx, cepman_mpi_pca_fit(&p, g, m, NULL), CEPMAN_ERR_DATA, "not finite");
    FAILS(ctx, cepman_mpi_neighbors(&graph, g, m, NULL), CEPMAN_ERR_DATA, "");
    FAILS(ctx, cepman_mpi_umap(&manifold, g, m, 0, NULL), CEPMAN_ERR_DATA, "");
    FAILS(ctx, cepman_mpi_umap(&manifold, g, m, 20, NULL), CEPMAN_ERR_DATA, "of the rows from "); /* placed */
    cepman_matrix_unref(m);
    free(x);
    m = blob_shard(g, ctx, 1, 6, 2, 1.0);
    FAILS(ctx, cepman_mpi_pca_fit(&p, g, m, NULL), CEPMAN_ERR_SHAPE, "at least 2 rows");
    cepman_matrix_unref(m);
    m = blob_shard(g, ctx, 0, 6, 2, 1.0);
    FAILS(ctx, cepman_mpi_pca_fit(&p, g, m, NULL), CEPMAN_ERR_SHAPE, "at least 2 rows");
    cepman_matrix_unref(m);
    m = blob_shard(g, ctx, 100, 6, 2, 1.0);
    cepman_options *wrong = OPTIONS(ctx, kmeans, "k", "3"), *far = OPTIONS(ctx, umap, "min-dist", "2");
    FAILS(ctx, cepman_mpi_pca_fit(&p, g, m, wrong), CEPMAN_ERR_OPTION, "kmeans");
    FAILS(ctx, cepman_mpi_neighbors(&graph, g, m, far), CEPMAN_ERR_OPTION, "");
    FAILS(ctx, cepman_mpi_umap(&manifold, g, m, 0, wrong), CEPMAN_ERR_OPTION, "");
    FAILS(ctx, cepman_mpi_umap(&manifold, g, m, 0, far), CEPMAN_ERR_RANGE, "min-dist"); /* rank 0's fit */
    CHECK(!p && !graph && !manifold);
    cepman_options_unref(far);
    cepman_options_unref(wrong);
    cepman_matrix_unref(m);
}

/* ---- memory and cancel ---------------------------------------------------------------------------------------------- */

static cepman_status whole(cepman_mpi *g, cepman_matrix *m, const cepman_options *umap,
                           const cepman_options *k, size_t landmarks)
{
    cepman_pca *p = NULL;
    cepman_matrix *scores = NULL;
    cepman_mpi_manifold *manifold = NULL;
    cepman_labels *labels = NULL, *dense = NULL;
    cepman_status s = cepman_mpi_pca_fit(&p, g, m, NULL);
    if (!s) s = cepman_mpi_pca_apply(&scores, g, p, m);
    if (!s) s = cepman_mpi_umap(&manifold, g, scores, landmarks, umap);
    if (!s) s = cepman_mpi_kmeans(&labels, g, manifold, k);
    if (!s) s = cepman_mpi_hdbscan(&dense, NULL, g, manifold, NULL, NULL);
    if (!s) s = cepman_mpi_save_labels(g, labels, world_rank ? NULL : path_of("fault.npy"), 0, 0);
    if (!s) s = cepman_mpi_save_matrix(g, scores, world_rank ? NULL : path_of("fault2.npy"));
    cepman_labels_unref(dense);
    cepman_labels_unref(labels);
    cepman_mpi_manifold_unref(manifold);
    cepman_matrix_unref(scores);
    cepman_pca_unref(p);
    return s;
}

/* Every allocation of one rank in turn, through all stages; first of the last rank, then of rank 0. */
static void allocations(cepman_mpi *g, cepman_context *ctx)
{
    cepman_matrix *m = blob_shard(g, ctx, 40, 4, 2, 1.0);
    cepman_options *u = OPTIONS(ctx, umap, "epochs", "2", "dims", "2", "neighbors", "4");
    cepman_options *k = OPTIONS(ctx, kmeans, "k", "2", "n-init", "1");
    for (int turn = 0; turn < 2; turn++) {
        const int who = turn ? 0 : victim();
        const long blocks = counted.blocks;
        long fail = 0;
        for (;; fail++) {
            counted.asked = 0;
            counted.fail_at = world_rank == who ? fail : -1;
            const cepman_status s = whole(g, m, u, k, turn ? 0 : 20);
            counted.fail_at = -1;
            CHECK(counted.blocks == blocks);
            CHECK(same_text(cepman_status_text(s)));
            if (s == CEPMAN_OK) break;
            CHECK(s == CEPMAN_ERR_MEMORY);
            CHECK(same_text(cepman_context_error(ctx)));
            if (s != CEPMAN_ERR_MEMORY || fail > 5000) break;
        }
        CHECK(fail > 50);
    }
    cepman_options_unref(k);
    cepman_options_unref(u);
    cepman_matrix_unref(m);
}

static void limit(cepman_mpi *g, cepman_context *ctx)
{
    cepman_matrix *m = blob_shard(g, ctx, 4000, 50, 2, 1.0);
    cepman_pca *p = NULL;
    cepman_mpi_graph *graph = NULL;
    if (world_rank == victim())
        GOOD(ctx, cepman_context_set_memory_limit(ctx, cepman_context_memory_used(ctx) + 20000));
    FAILS(ctx, cepman_mpi_pca_fit(&p, g, m, NULL), CEPMAN_ERR_LIMIT, "memory limit");
    FAILS(ctx, cepman_mpi_neighbors(&graph, g, m, NULL), CEPMAN_ERR_LIMIT, "memory limit");
    GOOD(ctx, cepman_context_set_memory_limit(ctx, 0));
    GOOD(ctx, cepman_mpi_pca_fit(&p, g, m, NULL)); /* the group goes on */
    cepman_pca_unref(p);
    cepman_matrix_unref(m);
}

static int after(void *left)
{
    return --*(long *)left < 0;
}

/* Cancelled by one rank, before and in the middle; the group goes on afterwards. */
static void cancel(cepman_mpi *g, cepman_context *ctx)
{
    cepman_matrix *m = blob_shard(g, ctx, 600, 8, 2, 1.0);
    cepman_options *u = OPTIONS(ctx, umap, "epochs", "20", "dims", "2", "neighbors", "4");
    cepman_options *k = OPTIONS(ctx, kmeans, "k", "2", "n-init", "1");
    if (world_rank == victim()) cepman_context_cancel(ctx);
    FAILS(ctx, whole(g, m, u, k, 0), CEPMAN_ERR_CANCELLED, "cancelled");
    cepman_context_clear_cancel(ctx);
    const long blocks = counted.blocks;
    int stopped = 0;
    for (long start = 0; start < 40; start += 3) {
        long left = start;
        if (world_rank == victim()) GOOD(ctx, cepman_context_set_cancel(ctx, after, &left));
        const cepman_status s = whole(g, m, u, k, 200);
        GOOD(ctx, cepman_context_set_cancel(ctx, NULL, NULL));
        CHECK(same_text(cepman_status_text(s)));
        CHECK(s == CEPMAN_OK || s == CEPMAN_ERR_CANCELLED);
        CHECK(counted.blocks == blocks);
        stopped += s != CEPMAN_OK;
    }
    CHECK(stopped > 3);
    GOOD(ctx, cepman_mpi_agree(g, CEPMAN_OK)); /* what was asked before is forgotten */
    if (world_rank == victim()) cepman_context_cancel(ctx);
    FAILS(ctx, cepman_mpi_agree(g, CEPMAN_OK), CEPMAN_ERR_CANCELLED, "cancelled");
    cepman_context_clear_cancel(ctx);
    GOOD(ctx, cepman_mpi_agree(g, CEPMAN_OK));
    GOOD(ctx, whole(g, m, u, k, 200));
    cepman_options_unref(k);
    cepman_options_unref(u);
    cepman_matrix_unref(m);
}

/* Rank 0 cannot write: nobody hangs, the old file stays, no half file is left. */
static void files(cepman_mpi *g, cepman_context *ctx)
{
    cepman_matrix *m = blob_shard(g, ctx, 200000, 8, 2, 1.0), *again = NULL;
    cepman_labels *labels = NULL;
    FAILS(ctx, cepman_mpi_save_matrix(g, m, path_of("no/such/folder.npy")), CEPMAN_ERR_IO, "folder.npy");
    const struct rlimit small = {100000, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    if (world_rank == 0) CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    FAILS(ctx, cepman_mpi_save_matrix(g, m, path_of("full.npy")), CEPMAN_ERR_IO, "full.npy");
    if (world_rank == 0) {
        CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
        FILE *left = fopen(path_of("full.npy"), "rb");
        CHECK(!left);
        if (left) fclose(left);
    }
    GOOD(ctx, cepman_mpi_save_matrix(g, m, path_of("whole.npy")));
    if (world_rank == 0) {
        GOOD(ctx, cepman_matrix_load(&again, ctx, path_of("whole.npy")));
        CHECK(cepman_matrix_rows(again) == 200000);
        for (size_t i = 0; i < 200000; i += 977) {
            float row[8];
            blob_row(row, i, 8, 2, 1.0);
            CHECK(memcmp(row, cepman_matrix_row(again, i), sizeof row) == 0);
        }
    }
    cepman_matrix_unref(again);
    /* Labels take the scan's shape where it fits. */
    const int32_t six[6] = {0, 1, -1, 2, 0, 1};
    GOOD(ctx, cepman_labels_copy(&labels, ctx, six, world_rank == 0 ? 6 : 0));
    GOOD(ctx, cepman_mpi_save_labels(g, labels, path_of("six.npy"), 2, 3));
    if (world_rank == 0) {
        cepman_matrix *shape = NULL;
        GOOD(ctx, cepman_matrix_load(&shape, ctx, path_of("six.npy")));
        CHECK(cepman_matrix_rows(shape) == 2 && cepman_matrix_columns(shape) == 3);
        cepman_matrix_unref(shape);
    }
    cepman_labels_unref(labels);
    cepman_matrix_unref(m);
}

/* More threads than MPI was told of are refused; a group may be made again and again, and two may live together. */
static void groups(cepman_mpi *g, cepman_context *ctx)
{
    cepman_mpi *a = NULL, *b = NULL;
    for (int i = 0; i < 20; i++) {
        GOOD(ctx, cepman_mpi_create(&a, ctx, MPI_COMM_WORLD));
        GOOD(ctx, cepman_mpi_create(&b, ctx, MPI_COMM_WORLD));
        GOOD(ctx, cepman_mpi_agree(b, CEPMAN_OK));
        GOOD(ctx, cepman_mpi_agree(a, CEPMAN_OK));
        cepman_mpi_unref(a);
        GOOD(ctx, cepman_mpi_agree(b, CEPMAN_OK));
        cepman_mpi_unref(b);
    }
    GOOD(ctx, cepman_mpi_agree(g, CEPMAN_OK));
    /* A rank that has no context, or no place for the group, tells the others. */
    a = NULL;
    const bool lost = world_rank == victim();
    CHECK(cepman_mpi_create(&a, lost ? NULL : ctx, MPI_COMM_WORLD) == CEPMAN_ERR_ARGUMENT && !a);
    CHECK(lost || strstr(cepman_context_error(ctx), "context is NULL"));
    FAILS(ctx, cepman_mpi_create(lost ? NULL : &a, ctx, MPI_COMM_WORLD), CEPMAN_ERR_ARGUMENT, "out");
    CHECK(!a);
    /* Halves of the ranks by themselves; what joins the halves is no group. */
    MPI_Comm half;
    MPI_Comm_split(MPI_COMM_WORLD, world_rank % 2, world_rank, &half);
    if (world_size > 1) {
        MPI_Comm both;
        MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, world_rank % 2 ? 0 : 1, 5, &both);
        FAILS(ctx, cepman_mpi_create(&a, ctx, both), CEPMAN_ERR_ARGUMENT, "two groups");
        MPI_Comm_free(&both);
    }
    GOOD(ctx, cepman_mpi_create(&a, ctx, half));
    MPI_Comm_free(&half);
    cepman_matrix *m = blob_shard(a, ctx, 300, 4, 2, 1.0);
    cepman_mpi_graph *graph = NULL;
    GOOD(ctx, cepman_mpi_neighbors(&graph, a, m, NULL));
    CHECK(cepman_mpi_graph_total(graph) == 300);
    cepman_mpi_graph_unref(graph);
    cepman_matrix_unref(m);
    cepman_mpi_unref(a);
}

int main(int argc, char **argv)
{
    static const test_case cases[] = {{"agreement", agreement},     {"arguments", arguments},
                                      {"differences", differences}, {"data", data},
                                      {"allocations", allocations}, {"limit", limit},
                                      {"cancel", cancel},           {"files", files},
                                      {"groups", groups},           {NULL, NULL}};
    return run_cases(argc, argv, cases);
}
