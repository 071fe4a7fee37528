/* The whole pipeline through the public headers alone, as an instrument's program holds it: frames from a callback,
 * the host's threads and allocator, a limit on memory. Every stage is cancelled at many polls, and started with every
 * allocation failing in turn: it returns the status it should, sets no output and keeps no byte.
 * Long, because every stage stands in each of its lists. */
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cepman/cepman.h>

enum { ROWS = 8, COLUMNS = 9, FRAMES = ROWS * COLUMNS, SIDE = 24, MANY = 1200, WIDE = 12, THREADS = 3 };

/* ---- the host ------------------------------------------------------------------------------------------------- */

typedef struct job {
    void (*task)(void *argument, size_t index);
    void *argument;
    size_t first, count;
} job;

static void *work(void *user)
{
    const job *j = user;
    for (size_t i = j->count; i-- > 0;) /* backwards: no order is promised */
        if (i % THREADS == j->first) j->task(j->argument, i);
    return NULL;
}

static unsigned host_concurrency(void *user)
{
    (void)user;
    return THREADS;
}

static int host_run(void *user, void (*task)(void *argument, size_t index), void *argument, size_t count)
{
    (void)user;
    job jobs[THREADS];
    pthread_t threads[THREADS];
    bool started[THREADS] = {false};
    for (size_t t = 0; t < THREADS; t++) {
        jobs[t] = (job){task, argument, t, count};
        if (t && t < count) started[t] = pthread_create(&threads[t], NULL, work, &jobs[t]) == 0;
        if (t && t < count && !started[t]) work(&jobs[t]);
    }
    work(&jobs[0]);
    for (size_t t = 1; t < THREADS; t++)
        if (started[t]) pthread_join(threads[t], NULL);
    return 0;
}

/* Two textures in two halves of the scan, with noise. */
static int host_read(void *user, size_t first, size_t count, void *destination)
{
    (void)user;
    uint16_t *out = destination;
    for (size_t f = first; f < first + count; f++) {
        support_random r = {f + 1};
        size_t period = f % COLUMNS < COLUMNS / 2 ? 4 : 3;
        for (size_t i = 0; i < SIDE * SIDE; i++)
            *out++ = (uint16_t)(20 + (i % SIDE % period == 0 ? 60 : 0) + 10 * support_uniform(&r));
    }
    return 0;
}

/* Asks to stop at poll number stop_at; < 0: never. */
static long polls, stop_at;
static int host_cancel(void *user)
{
    (void)user;
    return stop_at >= 0 && polls++ >= stop_at;
}

static cepman_context *host_begin(void)
{
    const cepman_executor executor = {sizeof executor, NULL, host_concurrency, host_run};
    cepman_context *ctx = support_begin(1);
    polls = 0;
    stop_at = -1;
    assert_good(ctx, cepman_context_set_executor(ctx, &executor));
    assert_good(ctx, cepman_context_set_cancel(ctx, host_cancel, NULL));
    assert_good(ctx, cepman_context_set_memory_limit(ctx, (size_t)64 << 20));
    return ctx;
}

static cepman_status host_scan(cepman_dataset **out, cepman_context *ctx)
{
    const cepman_frame_source source = {sizeof source, NULL, host_read, NULL, NULL, 1};
    return cepman_dataset_from_source(out, ctx, &source, CEPMAN_TYPE_U16, ROWS, COLUMNS, SIDE, SIDE);
}

/* ---- the stages ------------------------------------------------------------------------------------------------- */

/* What stages start from. Each stage makes its result, checks that a failure left it NULL, and gives it back. */
typedef struct world {
    cepman_dataset *scan, *cepstra;
    cepman_cepstrum *cepstrum;
    cepman_matrix *features, *many;
    cepman_pca *pca;
    cepman_neighbors *graph;
    cepman_hdbscan_tree *tree;
    cepman_kmeans *kmeans;
    cepman_labels *labels;
    cepman_options *approximate, *umap, *umap_random, *kmeans_options, *simulate, *exact;
} world;

#define MAKES(name, type, unref, call)                                                                       \
    static cepman_status name(cepman_context *ctx, world *w)                                                 \
    {                                                                                                        \
        type *out = NULL;                                                                                    \
        cepman_status s = call;                                                                              \
        ck_assert_msg((s == CEPMAN_OK) == (out != NULL), #name ": an output after %s",                       \
                      cepman_status_text(s));                                                                \
        unref(out);                                                                                          \
        return s;                                                                                            \
    }

MAKES(transform_create, cepman_cepstrum, cepman_cepstrum_unref,
      cepman_cepstrum_create(&out, ctx, w->scan, NULL))
MAKES(transform_run, cepman_matrix, cepman_matrix_unref, cepman_cepstrum_run(&out, ctx, w->cepstrum, w->scan))
MAKES(pca_fit, cepman_pca, cepman_pca_unref, cepman_pca_fit(&out, ctx, w->features, NULL))
MAKES(pca_apply, cepman_matrix, cepman_matrix_unref, cepman_pca_apply(&out, ctx, w->pca, w->features))
MAKES(near_tree, cepman_neighbors, cepman_neighbors_unref,
      cepman_neighbors_build(&out, ctx, w->features, NULL))
MAKES(near_exact, cepman_neighbors, cepman_neighbors_unref,
      cepman_neighbors_build(&out, ctx, w->many, w->exact))
MAKES(near_approximate, cepman_neighbors, cepman_neighbors_unref,
      cepman_neighbors_build(&out, ctx, w->many, w->approximate))
MAKES(umap_fit, cepman_umap, cepman_umap_unref, cepman_umap_fit(&out, ctx, w->features, w->umap))
MAKES(umap_graph, cepman_umap, cepman_umap_unref,
      cepman_umap_fit_graph(&out, ctx, NULL, w->graph, w->umap_random))
MAKES(tree_build, cepman_hdbscan_tree, cepman_hdbscan_tree_unref,
      cepman_hdbscan_tree_build(&out, ctx, w->features, NULL))
MAKES(tree_extract, cepman_hdbscan, cepman_hdbscan_unref, cepman_hdbscan_extract(&out, ctx, w->tree, NULL))
MAKES(tree_cut, cepman_labels, cepman_labels_unref, cepman_hdbscan_tree_cut(&out, ctx, w->tree, 0.5, 2))
MAKES(kmeans_fit, cepman_kmeans, cepman_kmeans_unref,
      cepman_kmeans_fit(&out, ctx, w->features, NULL, NULL, w->kmeans_options))
MAKES(kmeans_apply, cepman_labels, cepman_labels_unref,
      cepman_kmeans_apply(&out, ctx, w->kmeans, w->features))
MAKES(simulated, cepman_dataset, cepman_dataset_unref, cepman_simulate(&out, NULL, ctx, w->simulate))

static cepman_status images(cepman_context *ctx, world *w)
{
    float mean[SIDE * SIDE], deviation[SIDE * SIDE], maximum[SIDE * SIDE];
    mean[0] = -1;
    cepman_status s = cepman_maps_statistics(mean, deviation, maximum, ctx, w->scan);
    ck_assert(s == CEPMAN_OK ? mean[0] >= 0 : mean[0] == -1);
    return s;
}

/* Of a dataset of cepstra of its own: such a dataset keeps scratch for as many readers as have met in it. */
static cepman_status cluster_means(cepman_context *ctx, world *w)
{
    cepman_dataset *cepstra = NULL;
    cepman_matrix *means = NULL;
    cepman_status s = cepman_cepstrum_dataset(&cepstra, ctx, w->cepstrum, w->scan);
    if (!s) s = cepman_maps_cluster_means(&means, ctx, cepstra, w->labels);
    ck_assert((means != NULL) == (s == CEPMAN_OK));
    cepman_matrix_unref(means);
    cepman_dataset_unref(cepstra);
    return s;
}

/* Everything of one reading, the cepstra computed from the frames that are read. */
static cepman_status together(cepman_context *ctx, world *w)
{
    float mean[SIDE * SIDE] = {-1}, sums[FRAMES] = {-1};
    cepman_matrix *patterns = NULL, *cepstra = NULL;
    cepman_dataset *planes = NULL;
    cepman_maps_pass *p = NULL;
    cepman_status s = cepman_cepstrum_dataset(&planes, ctx, w->cepstrum, w->scan);
    if (!s) s = cepman_maps_pass_create(&p, ctx, w->scan);
    if (!s) s = cepman_maps_pass_virtual(p, ctx, sums, NULL, SIDE / 2.0, SIDE / 2.0, 0, SIDE);
    if (!s) s = cepman_maps_pass_statistics(p, ctx, mean, NULL, NULL, planes);
    if (!s) s = cepman_maps_pass_cluster_means(p, ctx, &patterns, NULL, w->labels);
    if (!s) s = cepman_maps_pass_cluster_means(p, ctx, &cepstra, planes, w->labels);
    if (!s) s = cepman_maps_pass_run(p, ctx);
    ck_assert(s == CEPMAN_OK ? mean[0] >= 0 && sums[0] > 0 && patterns && cepstra
                             : mean[0] == -1 && sums[0] == -1 && !patterns && !cepstra);
    cepman_matrix_unref(patterns);
    cepman_matrix_unref(cepstra);
    cepman_maps_pass_unref(p);
    cepman_dataset_unref(planes);
    return s;
}

static cepman_status detector(cepman_context *ctx, world *w)
{
    float sums[FRAMES] = {-1};
    cepman_status s = cepman_maps_virtual(sums, ctx, w->scan, SIDE / 2.0, SIDE / 2.0, 0, SIDE);
    ck_assert(s == CEPMAN_OK ? sums[0] > 0 : sums[0] == -1);
    return s;
}

static cepman_status mass(cepman_context *ctx, world *w)
{
    float y[FRAMES] = {-1}, x[FRAMES] = {-1};
    cepman_status s = cepman_maps_centre_of_mass(y, x, ctx, w->scan);
    ck_assert(s == CEPMAN_OK ? y[0] > 0 && x[0] > 0 : y[0] == -1 && x[0] == -1);
    return s;
}

static cepman_status silhouette(cepman_context *ctx, world *w)
{
    double value = -7;
    cepman_status s = cepman_validity_silhouette(&value, NULL, ctx, w->features, w->labels, 0, 1);
    ck_assert(s == CEPMAN_OK ? value > -2 : value == -7);
    return s;
}

typedef cepman_status (*stage)(cepman_context *ctx, world *w);
static const struct {
    const char *name;
    stage run;
} stages[] = {{"transform create", transform_create},
              {"transform run", transform_run},
              {"pca fit", pca_fit},
              {"pca apply", pca_apply},
              {"neighbours", near_tree},
              {"exact neighbours", near_exact},
              {"approximate neighbours", near_approximate},
              {"umap", umap_fit},
              {"umap of a graph", umap_graph},
              {"hdbscan tree", tree_build},
              {"hdbscan", tree_extract},
              {"dbscan", tree_cut},
              {"kmeans", kmeans_fit},
              {"kmeans apply", kmeans_apply},
              {"cluster means of cepstra", cluster_means},
              {"simulate", simulated},
              {"statistics", images},
              {"virtual detector", detector},
              {"maps together", together},
              {"centre of mass", mass},
              {"silhouette", silhouette}};
enum { STAGES = sizeof stages / sizeof *stages };

static cepman_options *neighbors_options(cepman_context *ctx, const char *method)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_neighbors_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_text(o, ctx, "method", method));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "k", 5));
    return o;
}

static cepman_options *umap_options(cepman_context *ctx, const char *init)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_umap_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "epochs", 10));
    assert_good(ctx, cepman_options_set_text(o, ctx, "init", init));
    return o;
}

static void world_begin(world *w, cepman_context *ctx)
{
    *w = (world){0};
    w->exact = neighbors_options(ctx, "exact");
    w->approximate = neighbors_options(ctx, "approximate");
    w->umap = umap_options(ctx, "spectral");
    w->umap_random = umap_options(ctx, "random");
    assert_good(ctx, cepman_kmeans_options_create(&w->kmeans_options, ctx));
    assert_good(ctx, cepman_options_set_integer(w->kmeans_options, ctx, "k", 2));
    assert_good(ctx, cepman_simulate_options_create(&w->simulate, ctx));
    assert_good(ctx, cepman_options_set_integer(w->simulate, ctx, "scan-rows", 2));
    assert_good(ctx, cepman_options_set_integer(w->simulate, ctx, "scan-columns", 3));
    assert_good(ctx, cepman_options_set_integer(w->simulate, ctx, "frame", 16));
    assert_good(ctx, host_scan(&w->scan, ctx));
    assert_good(ctx, cepman_cepstrum_create(&w->cepstrum, ctx, w->scan, NULL));
    assert_good(ctx, cepman_cepstrum_run(&w->features, ctx, w->cepstrum, w->scan));
    assert_good(ctx, cepman_cepstrum_dataset(&w->cepstra, ctx, w->cepstrum, w->scan));
    assert_good(ctx, cepman_pca_fit(&w->pca, ctx, w->features, NULL));
    assert_good(ctx, cepman_neighbors_build(&w->graph, ctx, w->features, NULL));
    assert_good(ctx, cepman_hdbscan_tree_build(&w->tree, ctx, w->features, NULL));
    assert_good(ctx, cepman_kmeans_fit(&w->kmeans, ctx, w->features, NULL, NULL, w->kmeans_options));
    w->labels = cepman_labels_ref(cepman_kmeans_labels(w->kmeans));
    w->many = support_normals(ctx, MANY, WIDE, 5);
}

static void world_end(world *w)
{
    cepman_dataset_unref(w->scan);
    cepman_dataset_unref(w->cepstra);
    cepman_cepstrum_unref(w->cepstrum);
    cepman_matrix_unref(w->features);
    cepman_matrix_unref(w->many);
    cepman_pca_unref(w->pca);
    cepman_neighbors_unref(w->graph);
    cepman_hdbscan_tree_unref(w->tree);
    cepman_kmeans_unref(w->kmeans);
    cepman_labels_unref(w->labels);
    cepman_options *options[] = {w->approximate,    w->exact,    w->umap, w->umap_random,
                                 w->kmeans_options, w->simulate, NULL};
    for (size_t i = 0; options[i]; i++)
        cepman_options_unref(options[i]);
}

/* A stage was stopped: the status, its sentence, and no byte more in use than before. */
static void stopped(cepman_context *ctx, const char *name, long at, cepman_status s, cepman_status expected,
                    size_t used)
{
    ck_assert_msg(s == expected, "%s stopped at %ld gave %s: %s", name, at, cepman_status_text(s),
                  cepman_context_error(ctx));
    ck_assert_msg(*cepman_context_error(ctx), "%s stopped at %ld says nothing", name, at);
    ck_assert_msg(cepman_context_memory_used(ctx) == used, "%s stopped at %ld keeps %zu bytes more than %zu",
                  name, at, cepman_context_memory_used(ctx) - used, used);
}

/* The same bits as by reading the dataset of cepstra. */
START_TEST(cepstra_of_a_pass)
{
    cepman_context *ctx = host_begin();
    world w;
    world_begin(&w, ctx);
    cepman_matrix *derived = NULL, *read = NULL;
    cepman_maps_pass *p = NULL;
    assert_good(ctx, cepman_maps_pass_create(&p, ctx, w.scan));
    assert_good(ctx, cepman_maps_pass_cluster_means(p, ctx, &derived, w.cepstra, w.labels));
    assert_good(ctx, cepman_maps_pass_run(p, ctx));
    assert_good(ctx, cepman_maps_cluster_means(&read, ctx, w.cepstra, w.labels));
    ck_assert_uint_eq(cepman_matrix_rows(derived), 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert(memcmp(cepman_matrix_row(derived, i), cepman_matrix_row(read, i),
                         cepman_matrix_columns(read) * sizeof(float)) == 0);
    cepman_matrix_unref(derived);
    cepman_matrix_unref(read);
    cepman_maps_pass_unref(p);
    world_end(&w);
    support_end(ctx);
}
END_TEST

START_TEST(cancelled_anywhere)
{
    cepman_context *ctx = host_begin();
    world w;
    world_begin(&w, ctx);
    for (size_t i = 0; i < STAGES; i++) {
        const char *name = stages[i].name;
        assert_good(ctx, stages[i].run(ctx, &w));
        size_t used = cepman_context_memory_used(ctx);
        cepman_context_cancel(ctx);
        stopped(ctx, name, -1, stages[i].run(ctx, &w), CEPMAN_ERR_CANCELLED, used);
        cepman_context_clear_cancel(ctx);
        cepman_status s = CEPMAN_ERR_CANCELLED;
        for (long at = 0; s; at += 1 + at / 4) {
            polls = 0;
            stop_at = at;
            s = stages[i].run(ctx, &w);
            stop_at = -1;
            if (s) stopped(ctx, name, at, s, CEPMAN_ERR_CANCELLED, used);
            if (!at) ck_assert_msg(s != CEPMAN_OK, "%s never asked whether to stop", name);
        }
        ck_assert_uint_eq(cepman_context_memory_used(ctx), used);
    }
    world_end(&w);
    support_end(ctx);
}
END_TEST

START_TEST(no_memory_anywhere)
{
    cepman_context *ctx = host_begin();
    world w;
    world_begin(&w, ctx);
    for (size_t i = 0; i < STAGES; i++) {
        const char *name = stages[i].name;
        assert_good(ctx, stages[i].run(ctx, &w));
        size_t used = cepman_context_memory_used(ctx);
        cepman_status s = CEPMAN_ERR_MEMORY;
        for (long at = 0; s; at += 1 + at / 8) {
            support_fail_at(at);
            s = stages[i].run(ctx, &w);
            support_fail_at(-1);
            if (s) stopped(ctx, name, at, s, CEPMAN_ERR_MEMORY, used);
        }
        /* A limit that what is there already fills. */
        assert_good(ctx, cepman_context_set_memory_limit(ctx, used));
        stopped(ctx, name, 0, stages[i].run(ctx, &w), CEPMAN_ERR_LIMIT, used);
        assert_good(ctx, cepman_context_set_memory_limit(ctx, 0));
    }
    world_end(&w);
    support_end(ctx);
}
END_TEST

/* Scan -> features -> scores -> embedding -> tree -> clusters -> mean cepstra. */
static cepman_status chain(cepman_context *ctx, cepman_options *umap, cepman_labels **labels)
{
    world w = {0};
    cepman_matrix *scores = NULL, *means = NULL;
    cepman_umap *manifold = NULL;
    cepman_hdbscan *clusters = NULL;
    cepman_status s = host_scan(&w.scan, ctx);
    if (!s) s = cepman_cepstrum_create(&w.cepstrum, ctx, w.scan, NULL);
    if (!s) s = cepman_cepstrum_run(&w.features, ctx, w.cepstrum, w.scan);
    if (!s) s = cepman_pca_fit(&w.pca, ctx, w.features, NULL);
    if (!s) s = cepman_pca_apply(&scores, ctx, w.pca, w.features);
    if (!s) s = cepman_umap_fit(&manifold, ctx, scores, umap);
    if (!s) s = cepman_hdbscan_tree_build(&w.tree, ctx, cepman_umap_embedding(manifold), NULL);
    if (!s) s = cepman_hdbscan_extract(&clusters, ctx, w.tree, NULL);
    if (!s) s = cepman_cepstrum_dataset(&w.cepstra, ctx, w.cepstrum, w.scan);
    if (!s) s = cepman_maps_cluster_means(&means, ctx, w.cepstra, cepman_hdbscan_labels(clusters));
    if (!s) *labels = cepman_labels_ref(cepman_hdbscan_labels(clusters));
    /* What was made first goes first: a result keeps what it needs. */
    cepman_matrix_unref(scores);
    cepman_hdbscan_unref(clusters);
    cepman_umap_unref(manifold);
    cepman_matrix_unref(means);
    world_end(&w);
    return s;
}

START_TEST(whole_chain_without_memory)
{
    cepman_context *ctx = host_begin();
    cepman_options *umap = umap_options(ctx, "spectral");
    cepman_labels *labels = NULL, *again = NULL;
    assert_good(ctx, chain(ctx, umap, &labels));
    size_t used = cepman_context_memory_used(ctx);
    cepman_status s = CEPMAN_ERR_MEMORY;
    for (long at = 0; s; at += 1 + at / 64) {
        support_fail_at(at);
        s = chain(ctx, umap, &again);
        support_fail_at(-1);
        if (s) stopped(ctx, "chain", at, s, CEPMAN_ERR_MEMORY, used);
    }
    ck_assert_uint_eq(cepman_labels_count(labels), FRAMES);
    ck_assert_int_eq(memcmp(cepman_labels_data(labels), cepman_labels_data(again), FRAMES * sizeof(int32_t)),
                     0);
    cepman_labels_unref(again);

    /* The library's own single thread gives the same labels as the host's three. */
    assert_good(ctx, cepman_context_set_executor(ctx, NULL));
    assert_good(ctx, chain(ctx, umap, &again));
    ck_assert_int_eq(memcmp(cepman_labels_data(labels), cepman_labels_data(again), FRAMES * sizeof(int32_t)),
                     0);
    cepman_labels_unref(again);
    cepman_labels_unref(labels);
    cepman_options_unref(umap);
    support_end(ctx);
}
END_TEST

/* Two programs' threads, each with a context of its own, over the same inputs. */
typedef struct user {
    world *w;
    cepman_status status;
} user;

static void *use_all(void *argument)
{
    user *u = argument;
    cepman_context *ctx = NULL;
    u->status = cepman_context_create(&ctx, NULL);
    if (!u->status) u->status = cepman_context_set_threads(ctx, 2);
    for (size_t i = 0; !u->status && i < STAGES; i++)
        u->status = stages[i].run(ctx, u->w);
    cepman_context_unref(ctx);
    return NULL;
}

START_TEST(inputs_shared_by_contexts)
{
    cepman_context *ctx = host_begin();
    world w;
    world_begin(&w, ctx);
    user users[2] = {{&w, CEPMAN_OK}, {&w, CEPMAN_OK}};
    pthread_t other;
    ck_assert_int_eq(pthread_create(&other, NULL, use_all, &users[0]), 0);
    use_all(&users[1]);
    pthread_join(other, NULL);
    ck_assert_int_eq(users[0].status, CEPMAN_OK);
    ck_assert_int_eq(users[1].status, CEPMAN_OK);

    /* Results outlive the context that made them, and work with another. */
    cepman_context_unref(ctx);
    ck_assert_int_eq(cepman_context_create(&ctx, NULL), CEPMAN_OK);
    for (size_t i = 0; i < STAGES; i++)
        assert_good(ctx, stages[i].run(ctx, &w));
    world_end(&w);
    support_end(ctx);
}
END_TEST

#define WRONG(call) assert_status(ctx, call, CEPMAN_ERR_ARGUMENT)

START_TEST(nothing_given)
{
    cepman_context *ctx = host_begin();
    world w;
    world_begin(&w, ctx);
    cepman_cepstrum *cepstrum = NULL;
    cepman_matrix *matrix = NULL;
    cepman_pca *pca = NULL;
    cepman_neighbors *neighbors = NULL;
    cepman_umap *umap = NULL;
    cepman_kmeans *kmeans = NULL;
    cepman_hdbscan_tree *tree = NULL;
    cepman_hdbscan *clusters = NULL;
    cepman_dataset *dataset = NULL;
    cepman_labels *labels = NULL;
    float image[SIDE * SIDE];
    double value;

    WRONG(cepman_cepstrum_create(NULL, ctx, w.scan, NULL));
    WRONG(cepman_cepstrum_create(&cepstrum, NULL, w.scan, NULL));
    WRONG(cepman_cepstrum_create(&cepstrum, ctx, NULL, NULL));
    WRONG(cepman_cepstrum_run(NULL, ctx, w.cepstrum, w.scan));
    WRONG(cepman_cepstrum_run(&matrix, ctx, NULL, w.scan));
    WRONG(cepman_cepstrum_run(&matrix, ctx, w.cepstrum, NULL));
    WRONG(cepman_cepstrum_dataset(NULL, ctx, w.cepstrum, w.scan));
    WRONG(cepman_cepstrum_dataset(&dataset, ctx, NULL, w.scan));
    WRONG(cepman_cepstrum_dataset(&dataset, ctx, w.cepstrum, NULL));
    WRONG(cepman_pca_fit(NULL, ctx, w.features, NULL));
    WRONG(cepman_pca_fit(&pca, ctx, NULL, NULL));
    WRONG(cepman_pca_apply(&matrix, ctx, NULL, w.features));
    WRONG(cepman_pca_apply(&matrix, ctx, w.pca, NULL));
    WRONG(cepman_neighbors_build(NULL, ctx, w.features, NULL));
    WRONG(cepman_neighbors_build(&neighbors, ctx, NULL, NULL));
    WRONG(cepman_umap_fit(NULL, ctx, w.features, NULL));
    WRONG(cepman_umap_fit(&umap, ctx, NULL, NULL));
    WRONG(cepman_umap_fit_graph(&umap, ctx, w.features, NULL, NULL));
    WRONG(cepman_kmeans_fit(NULL, ctx, w.features, NULL, NULL, NULL));
    WRONG(cepman_kmeans_fit(&kmeans, ctx, NULL, NULL, NULL, NULL));
    WRONG(cepman_kmeans_apply(&labels, ctx, NULL, w.features));
    WRONG(cepman_kmeans_apply(&labels, ctx, w.kmeans, NULL));
    WRONG(cepman_hdbscan_tree_build(NULL, ctx, w.features, NULL));
    WRONG(cepman_hdbscan_tree_build(&tree, ctx, NULL, NULL));
    WRONG(cepman_hdbscan_extract(NULL, ctx, w.tree, NULL));
    WRONG(cepman_hdbscan_extract(&clusters, ctx, NULL, NULL));
    WRONG(cepman_hdbscan_tree_cut(&labels, ctx, NULL, 1, 1));
    WRONG(cepman_maps_statistics(image, NULL, NULL, ctx, NULL));
    WRONG(cepman_maps_virtual(NULL, ctx, w.scan, 0, 0, 0, 1));
    WRONG(cepman_maps_cluster_means(&matrix, ctx, w.scan, NULL));
    WRONG(cepman_validity_silhouette(NULL, NULL, ctx, w.features, w.labels, 0, 0));
    WRONG(cepman_validity_silhouette(&value, NULL, ctx, NULL, w.labels, 0, 0));
    WRONG(cepman_validity_ari(&value, ctx, w.labels, NULL));
    WRONG(cepman_simulate(NULL, NULL, ctx, NULL));

    /* Options of another stage. */
#define OTHER(call) assert_status(ctx, call, CEPMAN_ERR_OPTION)
    OTHER(cepman_cepstrum_create(&cepstrum, ctx, w.scan, w.umap));
    OTHER(cepman_pca_fit(&pca, ctx, w.features, w.umap));
    OTHER(cepman_neighbors_build(&neighbors, ctx, w.features, w.umap));
    OTHER(cepman_umap_fit(&umap, ctx, w.features, w.exact));
    OTHER(cepman_umap_fit_graph(&umap, ctx, NULL, w.graph, w.exact));
    OTHER(cepman_kmeans_fit(&kmeans, ctx, w.features, NULL, NULL, w.umap));
    OTHER(cepman_hdbscan_tree_build(&tree, ctx, w.features, w.umap));
    OTHER(cepman_hdbscan_extract(&clusters, ctx, w.tree, w.umap));
    OTHER(cepman_simulate(&dataset, NULL, ctx, w.umap));
    ck_assert(!cepstrum && !matrix && !pca && !neighbors && !umap && !kmeans && !tree && !clusters &&
              !dataset && !labels);
    world_end(&w);
    support_end(ctx);
}
END_TEST

/* What every stage says to a matrix. */
static void feed(cepman_context *ctx, cepman_matrix *m, cepman_status near, cepman_status group,
                 cepman_status components, cepman_status one)
{
    cepman_pca *pca = NULL;
    cepman_neighbors *neighbors = NULL;
    cepman_umap *umap = NULL;
    cepman_kmeans *kmeans = NULL;
    cepman_hdbscan_tree *tree = NULL;
    cepman_hdbscan *clusters = NULL;
    cepman_options *k = NULL, *epochs = umap_options(ctx, "spectral");
    size_t n = cepman_matrix_rows(m);
    assert_good(ctx, cepman_kmeans_options_create(&k, ctx));
    assert_status(ctx, cepman_pca_fit(&pca, ctx, m, NULL), components);
    assert_status(ctx, cepman_neighbors_build(&neighbors, ctx, m, NULL), near);
    assert_status(ctx, cepman_umap_fit(&umap, ctx, m, epochs), near);
    assert_status(ctx, cepman_kmeans_fit(&kmeans, ctx, m, NULL, NULL, k), group);
    ck_assert_ptr_null(kmeans);
    assert_good(ctx, cepman_options_set_integer(k, ctx, "k", 1));
    assert_status(ctx, cepman_kmeans_fit(&kmeans, ctx, m, NULL, NULL, k), one);
    assert_good(ctx, cepman_hdbscan_tree_build(&tree, ctx, m, NULL));
    assert_good(ctx, cepman_hdbscan_extract(&clusters, ctx, tree, NULL));
    ck_assert_uint_eq(cepman_labels_count(cepman_hdbscan_labels(clusters)), n);
    ck_assert_uint_eq(cepman_labels_noise(cepman_hdbscan_labels(clusters)), n);
    if (!near) {
        ck_assert_uint_eq(cepman_neighbors_count(neighbors), n);
        ck_assert_uint_eq(cepman_neighbors_k(neighbors), n ? n - 1 : 0);
        ck_assert_uint_eq(cepman_matrix_rows(cepman_umap_embedding(umap)), n);
        for (size_t i = 0; i < n; i++)
            ck_assert(isfinite(cepman_matrix_row(cepman_umap_embedding(umap), i)[0]));
    }
    cepman_pca_unref(pca);
    cepman_neighbors_unref(neighbors);
    cepman_umap_unref(umap);
    cepman_kmeans_unref(kmeans);
    cepman_hdbscan_unref(clusters);
    cepman_hdbscan_tree_unref(tree);
    cepman_options_unref(k);
    cepman_options_unref(epochs);
    cepman_matrix_unref(m);
}

START_TEST(hardly_any_rows)
{
    cepman_context *ctx = host_begin();
    const cepman_status ok = CEPMAN_OK, range = CEPMAN_ERR_RANGE, data = CEPMAN_ERR_DATA;
    feed(ctx, support_normals(ctx, 0, 3, 1), ok, range, CEPMAN_ERR_SHAPE, range);
    feed(ctx, support_normals(ctx, 1, 3, 1), ok, range, CEPMAN_ERR_SHAPE, ok);
    feed(ctx, support_normals(ctx, 2, 3, 1), ok, range, ok, ok);
    float lost[12][3];
    for (size_t i = 0; i < 36; i++)
        lost[i / 3][i % 3] = NAN;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, lost[0], 12, 3, 3));
    feed(ctx, m, data, data, data, data);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("chain");
    TCase *c = tcase_create("chain");
    tcase_set_timeout(c, 200);
    tcase_add_test(c, cepstra_of_a_pass);
    tcase_add_test(c, cancelled_anywhere);
    tcase_add_test(c, no_memory_anywhere);
    tcase_add_test(c, whole_chain_without_memory);
    tcase_add_test(c, inputs_shared_by_contexts);
    tcase_add_test(c, nothing_given);
    tcase_add_test(c, hardly_any_rows);
    suite_add_tcase(s, c);
    return s;
}
