/* How soon a cancelled call returns. Each stage works on inputs of a realistic size: once to its end, watched at every
 * poll, and then over and over, cancelled from another thread at moments spread over the whole call.
 * `unpolled` is the longest time, in the CPU time of the calling thread (a busy neighbour does not count), from one poll to
 * the next, to the first and from the last to the return: no moment of cancelling can be worse, where the calling thread
 * does the work. `worst` is the longest time on the clock from cepman_context_cancel() to the return.
 * bench_cancel [--only TEXT] [--cancels N] [--threads N] [--scale S]. Ends with 1 when a stage took longer than 100 ms.
 * Long: each stage of the library has a row. Must not: be a test (it looks at clocks). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cepman/cepman.h>

static cepman_context *ctx;
static char folder[] = "/tmp/cepman-cancel-XXXXXX";

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, cepman_context_error(ctx));
    exit(2);
}

#define NEED(expression)                                                                                     \
    do {                                                                                                     \
        if (expression) give_up(#expression);                                                                \
    } while (0)

/* ---- clocks and polls ------------------------------------------------------------------------------------------ */

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double last_poll, longest;
static char stage_now[64], stage_worst[64];

static void polled(void)
{
    const double now = seconds(CLOCK_THREAD_CPUTIME_ID);
    if (now - last_poll > longest) {
        longest = now - last_poll;
        snprintf(stage_worst, sizeof stage_worst, "%s", stage_now);
    }
    last_poll = now;
}

static int watch(void *user)
{
    (void)user;
    polled();
    return 0;
}

static void follow(void *user, const char *stage, uint64_t done, uint64_t total)
{
    (void)user;
    snprintf(stage_now, sizeof stage_now, "%s %.0f%%", stage,
             total ? 100.0 * (double)done / (double)total : 0);
}

typedef struct alarm_clock {
    double after;
    double when;
} alarm_clock;

static void *ring(void *argument)
{
    alarm_clock *a = argument;
    const struct timespec t = {(time_t)a->after, (long)((a->after - (double)(time_t)a->after) * 1e9)};
    nanosleep(&t, NULL);
    a->when = seconds(CLOCK_MONOTONIC);
    cepman_context_cancel(ctx);
    return NULL;
}

/* ---- inputs, made when first asked for ------------------------------------------------------------------------- */

static size_t scaled(size_t n);

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

/* n rows of d around `groups` centres, with less and less variance in later columns. */
static cepman_matrix *rows_of(size_t n, size_t d, size_t groups)
{
    cepman_matrix *m = NULL;
    float *data = malloc(n * d * sizeof *data);
    if (!data) exit(2);
    uint64_t state = n * 31 + d;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) {
            const double noise = uniform(&state) + uniform(&state) + uniform(&state) - 1.5;
            const double centre = (double)((i % groups * 7919 + j * 104729) % 97) / 10;
            data[i * d + j] = (float)((centre + noise) / (1 + (double)j / 20));
        }
    NEED(cepman_matrix_copy(&m, ctx, data, n, d, d));
    free(data);
    return m;
}

static cepman_matrix *kept(cepman_matrix **slot, size_t n, size_t d, size_t groups)
{
    if (!*slot) *slot = rows_of(scaled(n), d, groups);
    return *slot;
}

/* As many labels as rows, as rows_of() grouped them. */
static cepman_labels *labels_of(size_t n, size_t groups)
{
    cepman_labels *labels = NULL;
    int32_t *v = malloc(n * sizeof *v);
    if (!v) exit(2);
    for (size_t i = 0; i < n; i++)
        v[i] = (int32_t)(i % groups);
    NEED(cepman_labels_copy(&labels, ctx, v, n));
    free(v);
    return labels;
}

static cepman_matrix *wide, *square, *features, *scores, *space, *some;
#define WIDE kept(&wide, 16384, 2500, 12)    /* features of frames, not reduced */
#define SQUARE kept(&square, 3000, 6000, 12) /* fewer frames than features */
#define FEATURES kept(&features, 65536, 400, 12)
#define SCORES kept(&scores, 65536, 50, 12)
#define SPACE kept(&space, 262144, 3, 12) /* an embedding */
#define SOME kept(&some, 20000, 3, 12)

static const char *file_named(const char *name)
{
    static char path[4][100];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

/* 16,384 frames of 128 x 128 u16: half a gigabyte. */
static cepman_dataset *frames_in_file(void)
{
    static cepman_dataset *scan;
    enum { SIDE = 128 };
    if (scan) return scan;
    const char *path = file_named("frames.npy");
    const size_t n = scaled(16384), shape[3] = {n, SIDE, SIDE};
    static uint16_t frame[SIDE * SIDE];
    cepman_npy_writer *w = NULL;
    uint64_t state = 5;
    NEED(cepman_npy_writer_create(&w, ctx, path, CEPMAN_TYPE_U16, 3, shape));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < SIDE * SIDE; k += 1 + i % 3)
            frame[k] = (uint16_t)(20 + 40 * (k % SIDE % (4 + i % 5) == 0) + (unsigned)(uniform(&state) * 8));
        NEED(cepman_npy_writer_append(w, ctx, frame, SIDE * SIDE));
    }
    NEED(cepman_npy_writer_commit(w, ctx));
    cepman_npy_writer_unref(w);
    NEED(cepman_dataset_open(&scan, ctx, path, NULL));
    return scan;
}

static cepman_cepstrum *transform(void)
{
    static cepman_cepstrum *t;
    if (!t) NEED(cepman_cepstrum_create(&t, ctx, frames_in_file(), NULL));
    return t;
}

static cepman_options *with(cepman_options *o, const char *name, const char *value)
{
    NEED(cepman_options_parse(o, ctx, name, value));
    return o;
}

/* ---- the stages ------------------------------------------------------------------------------------------------ */

/* prepare() makes what run() needs, uncancelled and unwatched; run() makes its result and lets it go. */
typedef struct stage {
    const char *name;
    void (*prepare)(void);
    cepman_status (*run)(void);
} stage;

#define RUNS(name, type, unref, call)                                                                        \
    static cepman_status name(void)                                                                          \
    {                                                                                                        \
        type *out = NULL;                                                                                    \
        cepman_status s = call;                                                                              \
        unref(out);                                                                                          \
        return s;                                                                                            \
    }

static cepman_options *options[24];

static void ready_frames(void)
{
    transform();
}
RUNS(open_run, cepman_dataset, cepman_dataset_unref,
     cepman_dataset_open(&out, ctx, file_named("frames.npy"), NULL))
RUNS(create_run, cepman_cepstrum, cepman_cepstrum_unref,
     cepman_cepstrum_create(&out, ctx, frames_in_file(), NULL))
RUNS(features_run, cepman_matrix, cepman_matrix_unref,
     cepman_cepstrum_run(&out, ctx, transform(), frames_in_file()))
static cepman_status stored_run(void)
{
    return cepman_cepstrum_run_file(transform(), ctx, frames_in_file(), file_named("features.npy"));
}
static void ready_standard(void)
{
    transform();
    NEED(cepman_cepstrum_options_create(&options[0], ctx));
    with(options[0], "scale", "standard");
}
static cepman_status standard_run(void)
{
    cepman_cepstrum *t = NULL;
    cepman_matrix *m = NULL;
    cepman_status s = cepman_cepstrum_create(&t, ctx, frames_in_file(), options[0]);
    if (!s) s = cepman_cepstrum_run(&m, ctx, t, frames_in_file());
    cepman_matrix_unref(m);
    cepman_cepstrum_unref(t);
    return s;
}
static cepman_status read_run(void)
{
    static uint16_t *buffer;
    const size_t n = cepman_dataset_frames(frames_in_file()), size = n * 128 * 128 * sizeof *buffer;
    if (!buffer && !(buffer = malloc(size))) exit(2);
    return cepman_dataset_read(frames_in_file(), ctx, 0, n, buffer, size);
}

static void ready_wide(void)
{
    WIDE;
}
RUNS(pca_wide, cepman_pca, cepman_pca_unref, cepman_pca_fit(&out, ctx, wide, NULL))
static void ready_square(void)
{
    SQUARE;
}
RUNS(pca_square, cepman_pca, cepman_pca_unref, cepman_pca_fit(&out, ctx, square, NULL))
static void ready_count(void)
{
    WIDE;
    NEED(cepman_pca_options_create(&options[1], ctx));
    with(options[1], "components", "auto");
}
RUNS(pca_count, cepman_pca, cepman_pca_unref, cepman_pca_fit(&out, ctx, wide, options[1]))
static cepman_pca *axes;
static void ready_axes(void)
{
    WIDE;
    if (!axes) NEED(cepman_pca_fit(&axes, ctx, FEATURES, NULL));
}
RUNS(pca_scores, cepman_matrix, cepman_matrix_unref, cepman_pca_apply(&out, ctx, axes, FEATURES))

static void ready_exact(void)
{
    FEATURES;
    NEED(cepman_neighbors_options_create(&options[2], ctx));
    with(options[2], "method", "exact");
}
RUNS(knn_exact, cepman_neighbors, cepman_neighbors_unref,
     cepman_neighbors_build(&out, ctx, FEATURES, options[2]))
static void ready_approximate(void)
{
    FEATURES;
    NEED(cepman_neighbors_options_create(&options[3], ctx));
    with(options[3], "method", "approximate");
}
RUNS(knn_approximate, cepman_neighbors, cepman_neighbors_unref,
     cepman_neighbors_build(&out, ctx, FEATURES, options[3]))
static void ready_space(void)
{
    SPACE;
}
RUNS(knn_tree, cepman_neighbors, cepman_neighbors_unref, cepman_neighbors_build(&out, ctx, SPACE, NULL))
RUNS(knn_index, cepman_neighbors_index, cepman_neighbors_index_unref,
     cepman_neighbors_index_create(&out, ctx, FEATURES, options[3]))

static cepman_neighbors *graph;
static void ready_graph(void)
{
    if (!graph) NEED(cepman_neighbors_build(&graph, ctx, SCORES, NULL));
    if (!options[4]) NEED(cepman_umap_options_create(&options[4], ctx));
    with(options[4], "epochs", "30");
}
RUNS(umap_graph, cepman_umap, cepman_umap_unref, cepman_umap_fit_graph(&out, ctx, SCORES, graph, options[4]))
static cepman_umap *manifold;
static void ready_manifold(void)
{
    ready_graph();
    if (!manifold) NEED(cepman_umap_fit_graph(&manifold, ctx, SCORES, graph, options[4]));
    NEED(cepman_umap_prepare(manifold, ctx));
}
RUNS(umap_place, cepman_matrix, cepman_matrix_unref, cepman_umap_apply(&out, ctx, manifold, SCORES))
static cepman_status umap_save(void)
{
    return cepman_umap_save(manifold, ctx, file_named("model"));
}
static void ready_model_file(void)
{
    ready_manifold();
    NEED(umap_save());
}
RUNS(umap_load, cepman_umap, cepman_umap_unref, cepman_umap_load(&out, ctx, file_named("model")))

static void ready_kmeans(void)
{
    SCORES;
    NEED(cepman_kmeans_options_create(&options[5], ctx));
    with(with(options[5], "k", "50"), "n-init", "2");
}
RUNS(kmeans_run, cepman_kmeans, cepman_kmeans_unref,
     cepman_kmeans_fit(&out, ctx, SCORES, NULL, NULL, options[5]))
static void ready_mixture(void)
{
    SCORES;
    NEED(cepman_mixture_options_create(&options[6], ctx));
    with(with(options[6], "k", "12"), "max-iterations", "5");
}
RUNS(mixture_run, cepman_mixture, cepman_mixture_unref,
     cepman_mixture_fit(&out, ctx, SCORES, NULL, options[6]))

static cepman_hdbscan_tree *tree;
static cepman_hdbscan *clusters;
static void ready_tree(void)
{
    if (!tree) NEED(cepman_hdbscan_tree_build(&tree, ctx, SPACE, NULL));
    if (!clusters) NEED(cepman_hdbscan_extract(&clusters, ctx, tree, NULL));
}
RUNS(tree_build, cepman_hdbscan_tree, cepman_hdbscan_tree_unref,
     cepman_hdbscan_tree_build(&out, ctx, SPACE, NULL))
static void ready_wide_tree(void)
{
    SCORES;
}
RUNS(tree_wide, cepman_hdbscan_tree, cepman_hdbscan_tree_unref,
     cepman_hdbscan_tree_build(&out, ctx, SCORES, NULL))
RUNS(tree_graph, cepman_hdbscan_tree, cepman_hdbscan_tree_unref,
     cepman_hdbscan_tree_build_neighbors(&out, ctx, graph, NULL))
RUNS(extract, cepman_hdbscan, cepman_hdbscan_unref, cepman_hdbscan_extract(&out, ctx, tree, NULL))
RUNS(cut, cepman_labels, cepman_labels_unref, cepman_hdbscan_tree_cut(&out, ctx, tree, 0.1, 5))
static cepman_status linkage(void)
{
    static double *table;
    if (!table && !(table = malloc(cepman_hdbscan_tree_edges(tree) * 4 * sizeof *table))) exit(2);
    return cepman_hdbscan_tree_linkage(tree, ctx, table);
}
RUNS(hdbscan_apply, cepman_labels, cepman_labels_unref,
     cepman_hdbscan_apply(&out, NULL, ctx, clusters, SPACE, SPACE))

static cepman_labels *groups_of_some, *groups_of_scan;
static void ready_some(void)
{
    SOME;
    if (!groups_of_some) groups_of_some = labels_of(cepman_matrix_rows(SOME), 12);
}
static cepman_status dbcv(void)
{
    double v;
    return cepman_validity_dbcv(&v, NULL, ctx, SOME, groups_of_some);
}
static cepman_status silhouette(void)
{
    double v;
    return cepman_validity_silhouette(&v, NULL, ctx, SOME, groups_of_some, 0, 1);
}
static cepman_status gap(void)
{
    double v;
    return cepman_validity_gap(&v, NULL, ctx, SOME, groups_of_some, 4, 1);
}
static void ready_scan_labels(void)
{
    transform();
    if (!groups_of_scan) groups_of_scan = labels_of(cepman_dataset_frames(frames_in_file()), 12);
}
static cepman_status maps(void)
{
    static float *mean, *sums;
    cepman_maps_pass *p = NULL;
    cepman_matrix *m = NULL;
    if (!mean && !(mean = malloc(128 * 128 * sizeof *mean))) exit(2);
    if (!sums && !(sums = malloc(cepman_dataset_frames(frames_in_file()) * sizeof *sums))) exit(2);
    cepman_status s = cepman_maps_pass_create(&p, ctx, frames_in_file());
    if (!s) s = cepman_maps_pass_virtual(p, ctx, sums, NULL, 64, 64, 20, 60);
    if (!s) s = cepman_maps_pass_statistics(p, ctx, mean, NULL, NULL, NULL);
    if (!s) s = cepman_maps_pass_cluster_means(p, ctx, &m, NULL, groups_of_scan);
    if (!s) s = cepman_maps_pass_run(p, ctx);
    cepman_matrix_unref(m);
    cepman_maps_pass_unref(p);
    return s;
}

static void ready_scene(void)
{
    NEED(cepman_simulate_options_create(&options[7], ctx));
    with(with(options[7], "scan-rows", "64"), "scan-columns", "64");
}
RUNS(kinematical, cepman_dataset, cepman_dataset_unref, cepman_simulate(&out, NULL, ctx, options[7]))
static void ready_bloch(void)
{
    NEED(cepman_simulate_options_create(&options[8], ctx));
    with(with(with(options[8], "scan-rows", "12"), "scan-columns", "12"), "theory", "bloch");
}
RUNS(bloch, cepman_dataset, cepman_dataset_unref, cepman_simulate(&out, NULL, ctx, options[8]))
static void ready_beams(void)
{
    NEED(cepman_simulate_options_create(&options[9], ctx));
    with(with(with(options[9], "scan-rows", "2"), "scan-columns", "2"), "theory", "bloch");
    with(options[9], "beams", "400");
}
RUNS(many_beams, cepman_dataset, cepman_dataset_unref, cepman_simulate(&out, NULL, ctx, options[9]))

static void ready_vae(void)
{
    WIDE;
    NEED(cepman_vae_options_create(&options[10], ctx));
    with(options[10], "epochs", "1");
}
RUNS(vae_run, cepman_vae, cepman_vae_unref, cepman_vae_fit(&out, ctx, wide, options[10]))
static void ready_large_vae(void)
{
    WIDE;
    NEED(cepman_vae_options_create(&options[11], ctx));
    with(with(with(options[11], "epochs", "1"), "hidden-1", "4096"), "batch", "4096");
}
RUNS(vae_large, cepman_vae, cepman_vae_unref, cepman_vae_fit(&out, ctx, wide, options[11]))

static cepman_status save_run(void)
{
    return cepman_matrix_save(wide, ctx, file_named("wide.npy"));
}
static void ready_wide_file(void)
{
    WIDE;
    NEED(save_run());
}
RUNS(load_run, cepman_matrix, cepman_matrix_unref, cepman_matrix_load(&out, ctx, file_named("wide.npy")))
RUNS(convert_run, cepman_matrix, cepman_matrix_unref, cepman_matrix_convert(&out, ctx, wide, CEPMAN_TYPE_F16))

static const stage stages[] = {
    {"open a file of 0.5 GB", ready_frames, open_run},
    {"read 0.5 GB of frames", ready_frames, read_run},
    {"transform: create", ready_frames, create_run},
    {"transform: 16,384 frames of 128 x 128", ready_frames, features_run},
    {"transform: scale standard", ready_standard, standard_run},
    {"transform: into a file", ready_frames, stored_run},
    {"pca: 16,384 x 2500", ready_wide, pca_wide},
    {"pca: 16,384 x 2500, components auto", ready_count, pca_count},
    {"pca: 3000 x 6000", ready_square, pca_square},
    {"pca: scores of 65,536 x 400", ready_axes, pca_scores},
    {"neighbours: exact, 65,536 x 400", ready_exact, knn_exact},
    {"neighbours: approximate, 65,536 x 400", ready_approximate, knn_approximate},
    {"neighbours: k-d tree, 262,144 x 3", ready_space, knn_tree},
    {"neighbours: index of 65,536 x 400", ready_approximate, knn_index},
    {"umap: 65,536 points", ready_graph, umap_graph},
    {"umap: placing 65,536 points", ready_manifold, umap_place},
    {"umap: save", ready_manifold, umap_save},
    {"umap: load", ready_model_file, umap_load},
    {"k-means: 65,536 x 50, k 50", ready_kmeans, kmeans_run},
    {"mixture: 65,536 x 50, k 12", ready_mixture, mixture_run},
    {"hdbscan: tree, 262,144 x 3", ready_space, tree_build},
    {"hdbscan: tree, 65,536 x 50", ready_wide_tree, tree_wide},
    {"hdbscan: tree of a graph", ready_graph, tree_graph},
    {"hdbscan: extraction, 262,144 points", ready_tree, extract},
    {"hdbscan: cut", ready_tree, cut},
    {"hdbscan: linkage", ready_tree, linkage},
    {"hdbscan: labels of 262,144 new points", ready_tree, hdbscan_apply},
    {"dbcv: 20,000 x 3", ready_some, dbcv},
    {"silhouette: 20,000 x 3", ready_some, silhouette},
    {"gap: 20,000 x 3", ready_some, gap},
    {"maps of 16,384 frames", ready_scan_labels, maps},
    {"simulate: 64 x 64 frames", ready_scene, kinematical},
    {"simulate: Bloch waves", ready_bloch, bloch},
    {"simulate: Bloch waves of 400 beams", ready_beams, many_beams},
    {"auto-encoder: 16,384 x 2500", ready_vae, vae_run},
    {"auto-encoder: 4096 units, batches of 4096", ready_large_vae, vae_large},
    {"matrix: save 164 MB", ready_wide, save_run},
    {"matrix: load 164 MB", ready_wide_file, load_run},
    {"matrix: convert to float16", ready_wide, convert_run},
};

/* ---- measuring -------------------------------------------------------------------------------------------------- */

static double scale = 1;
static size_t scaled(size_t n)
{
    return (size_t)((double)n * scale) > 64 ? (size_t)((double)n * scale) : 64;
}

/* Runs to the end; seconds on the clock. */
static double watched(const stage *s)
{
    longest = 0;
    stage_worst[0] = stage_now[0] = 0;
    NEED(cepman_context_set_cancel(ctx, watch, NULL));
    NEED(cepman_context_set_progress(ctx, follow, NULL));
    const double start = seconds(CLOCK_MONOTONIC);
    last_poll = seconds(CLOCK_THREAD_CPUTIME_ID);
    NEED(s->run());
    polled();
    const double took = seconds(CLOCK_MONOTONIC) - start;
    NEED(cepman_context_set_cancel(ctx, NULL, NULL));
    NEED(cepman_context_set_progress(ctx, NULL, NULL));
    return took;
}

/* Worst time from a cancel to the return, of `count` at even distances over `took` seconds. */
static double cancelled(const stage *s, double took, int count, int *met)
{
    double worst = 0;
    *met = 0;
    for (int i = 0; i < count; i++) {
        alarm_clock a = {took * ((double)i + 0.5) / (double)count, 0};
        pthread_t thread;
        if (pthread_create(&thread, NULL, ring, &a)) exit(2);
        const cepman_status status = s->run();
        const double end = seconds(CLOCK_MONOTONIC);
        pthread_join(thread, NULL);
        cepman_context_clear_cancel(ctx);
        if (status && status != CEPMAN_ERR_CANCELLED) give_up(s->name);
        if (status != CEPMAN_ERR_CANCELLED) continue; /* it was ready before */
        ++*met;
        if (end - a.when > worst) worst = end - a.when;
    }
    return worst;
}

int main(int argc, char **argv)
{
    const char *only = "";
    int cancels = 20, slow = 0;
    unsigned threads = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--only"))
            only = argv[i + 1];
        else if (!strcmp(argv[i], "--cancels"))
            cancels = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--threads"))
            threads = (unsigned)atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--scale"))
            scale = atof(argv[i + 1]);
        else
            argc = 2;
    }
    if (argc % 2 == 0) {
        fprintf(stderr, "bench_cancel [--only TEXT] [--cancels N] [--threads N] [--scale S]\n");
        return 2;
    }
    if (cepman_context_create(&ctx, NULL) || !mkdtemp(folder)) return 2;
    printf("%-44s %9s %12s %10s  %s\n", "stage", "takes, s", "unpolled, ms", "worst, ms", "unpolled before");
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        const stage *s = &stages[i];
        if (!strstr(s->name, only)) continue;
        NEED(cepman_context_set_threads(ctx, 2));
        s->prepare();
        NEED(cepman_context_set_threads(ctx, threads));
        const double took = watched(s);
        int met = 0;
        const double worst = cancelled(s, took, cancels, &met);
        printf("%-44s %9.3f %12.1f %10.1f  %s (%d cancels met it)\n", s->name, took, longest * 1e3,
               worst * 1e3, stage_worst, met);
        fflush(stdout);
        slow += longest > 0.1 || worst > 0.1;
    }
    const char *files[] = {"frames.npy", "features.npy", "model", "wide.npy"};
    for (size_t i = 0; i < 4; i++)
        unlink(file_named(files[i]));
    rmdir(folder);
    cepman_context_unref(ctx);
    return slow > 0;
}
