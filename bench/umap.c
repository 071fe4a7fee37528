/* Bench of UMAP: the graph given, by threads, level and kind of start; then whole runs by phase, beside umap-learn.
 * Given graphs are those of blobs in eight columns, whose exact neighbours come quickly and are not timed. Whole runs
 * are of rows like features of a scan: 5,000 and 20,000 rows of 64 and 500 columns; CEPMAN_BENCH_LARGE=1 adds 1500
 * and 3000 columns, 65,536 and 262,144 rows. PYTHON names an interpreter with umap-learn (seen with 0.5.12), which
 * then runs on the same rows with as many threads, unseeded, after a run that compiles it; PEER=0 leaves it out.
 * Must not: time what it does not also verify: all threads and levels give the same bytes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cepman/cepman.h>

#include "harness.h"

#define COLUMNS 8
#define BLOBS 10

static void need(cepman_context *ctx, cepman_status s, const char *what)
{
    if (s == CEPMAN_OK) return;
    fprintf(stderr, "%s: %s\n", what, cepman_context_error(ctx));
    exit(1);
}

typedef struct work {
    cepman_context *ctx;
    cepman_neighbors *graph;
    cepman_options *options;
    cepman_umap *made;
} work;

static void run_fit(void *argument)
{
    work *w = argument;
    cepman_umap_unref(w->made);
    w->made = NULL;
    need(w->ctx, cepman_umap_fit_graph(&w->made, w->ctx, NULL, w->graph, w->options), "fit");
}

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

static cepman_neighbors *make_graph(size_t n)
{
    cepman_context *ctx = NULL;
    cepman_matrix *m = NULL;
    cepman_neighbors *g = NULL;
    cepman_options *o = NULL;
    uint64_t state = n;
    double centre[BLOBS][COLUMNS];
    float *x = malloc(n * COLUMNS * sizeof *x);
    if (!x || cepman_context_create(&ctx, NULL)) exit(1);
    for (int b = 0; b < BLOBS; b++)
        for (int c = 0; c < COLUMNS; c++)
            centre[b][c] = 4 * uniform(&state);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < COLUMNS; c++)
            x[i * COLUMNS + (size_t)c] =
                (float)(centre[i % BLOBS][c] + uniform(&state) + uniform(&state) + uniform(&state));
    need(ctx, cepman_context_set_threads(ctx, 0), "threads");
    need(ctx, cepman_matrix_copy(&m, ctx, x, n, COLUMNS, COLUMNS), "matrix");
    need(ctx, cepman_neighbors_options_create(&o, ctx), "options");
    need(ctx, cepman_options_set_integer(o, ctx, "k", 14), "k");
    need(ctx, cepman_neighbors_build(&g, ctx, m, o), "neighbours");
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    cepman_context_unref(ctx);
    free(x);
    return g;
}

/* A case of the graph; epochs 0: the default. */
static int add(bench *b, work *w, cepman_neighbors *graph, const char *name, unsigned threads,
               const char *level, const char *init)
{
    char full[100];
    w->graph = graph;
    w->made = NULL;
    if (cepman_context_create(&w->ctx, NULL)) exit(1);
    need(w->ctx, cepman_context_set_threads(w->ctx, threads), "threads");
    need(w->ctx, cepman_context_set_cpu_level(w->ctx, level), "level");
    need(w->ctx, cepman_umap_options_create(&w->options, w->ctx), "options");
    need(w->ctx, cepman_options_set_text(w->options, w->ctx, "init", init), "init");
    snprintf(full, sizeof full, "%zu: %s", cepman_neighbors_count(graph), name);
    return bench_add(b, full, run_fit, w, (double)cepman_neighbors_count(graph));
}

static void verify(const work *a, const work *b)
{
    if (!a->made || !b->made) return; /* left out by --only */
    const cepman_matrix *x = cepman_umap_embedding(a->made), *y = cepman_umap_embedding(b->made);
    for (size_t i = 0; i < cepman_matrix_rows(x); i++)
        if (memcmp(cepman_matrix_row(x, i), cepman_matrix_row(y, i), 3 * sizeof(float)) != 0) {
            fprintf(stderr, "row %zu differs\n", i);
            exit(1);
        }
}

/* ---- whole runs ---------------------------------------------------------------------------------------------- */

#define THREADS 2
#define KINDS 10
#define HIDDEN 5
#define NEW_ROWS 1000

/* In the order in which a fit goes through them. */
enum { NEIGHBORS, GRAPH, START, LAYOUT, PHASES };
static const char *const phase_names[PHASES] = {"neighbours", "graph", "start", "layout"};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct watch {
    double began, spent[PHASES];
    int phase;
} watch;

static void charge(watch *w)
{
    const double t = now();
    w->spent[w->phase] += t - w->began;
    w->began = t;
}

static void stage_began(void *user, const char *stage, uint64_t done, uint64_t total)
{
    static const char *const stages[PHASES] = {"neighbors", "fuzzy graph", "spectral start", "layout"};
    watch *w = user;
    (void)done;
    (void)total;
    for (int p = w->phase + 1; p < PHASES; p++)
        if (strcmp(stage, stages[p]) == 0) {
            charge(w);
            w->phase = p;
        }
}

/* Ten kinds of rows; each is a curved sheet of five hidden numbers in 24 random directions, with noise: peaks whose
 * heights move with strain, turn and thickness. */
static float *make_rows(size_t n, size_t d)
{
    enum { WAVES = 24 };
    uint64_t state = 7;
    float *x = malloc(n * d * sizeof *x), *shape = malloc(KINDS * (WAVES + 1) * d * sizeof *shape);
    float answer[KINDS][WAVES][HIDDEN];
    if (!x || !shape) exit(1);
    for (size_t i = 0; i < (size_t)KINDS * (WAVES + 1) * d; i++)
        shape[i] = (float)(uniform(&state) < 0.1 ? uniform(&state) : 0); /* sparse, as peaks are */
    for (int k = 0; k < KINDS; k++)
        for (int w = 0; w < WAVES; w++)
            for (int h = 0; h < HIDDEN; h++)
                answer[k][w][h] = (float)(uniform(&state) - 0.5);
    for (size_t i = 0; i < n; i++) {
        const size_t k = (size_t)(uniform(&state) * KINDS);
        float hidden[HIDDEN], *row = x + i * d;
        for (int h = 0; h < HIDDEN; h++)
            hidden[h] = (float)(2 * uniform(&state) - 1);
        memcpy(row, shape + k * (WAVES + 1) * d, d * sizeof *row);
        for (int w = 0; w < WAVES; w++) {
            const float *wave = shape + (k * (WAVES + 1) + (size_t)w + 1) * d;
            float height = 0;
            for (int h = 0; h < HIDDEN; h++)
                height += answer[k][w][h] * hidden[h];
            height = expf(height);
            for (size_t j = 0; j < d; j++)
                row[j] += height * wave[j];
        }
        for (size_t j = 0; j < d; j++)
            row[j] += (float)(0.06 * (uniform(&state) + uniform(&state) - 1));
    }
    free(shape);
    return x;
}

/* Seconds of umap-learn for the matrix's rows, NaN without it; *memory: MiB its process grew by. */
static double umap_learn(cepman_context *ctx, const cepman_matrix *m, int turns, double *memory)
{
    char path[] = "/tmp/cepman-bench-XXXXXX", command[1600];
    const char *interpreter = getenv("PYTHON"), *peer = getenv("PEER");
    if (peer && strcmp(peer, "0") == 0) return (double)NAN;
    int file = mkstemp(path);
    if (file < 0) return (double)NAN;
    close(file);
    need(ctx, cepman_matrix_save(m, ctx, path), "rows for umap-learn");
    snprintf(command, sizeof command,
             "OMP_NUM_THREADS=%d OPENBLAS_NUM_THREADS=%d NUMBA_NUM_THREADS=%d %s -c \"\n"
             "import time, resource, warnings, numpy as np, umap\n"
             "warnings.filterwarnings('ignore')\n"
             "x = np.load(open('%s', 'rb'))\n"
             "fit = lambda x: umap.UMAP(n_components=3, n_jobs=%d).fit(x)\n"
             "fit(x[:5000])\n" /* what is compiled on the way is not counted */
             "open('/proc/self/clear_refs', 'w').write('5')\n"
             "now = [int(l.split()[1]) for l in open('/proc/self/status') if l[:5] == 'VmRSS'][0]\n"
             "best = 1e9\n"
             "for turn in range(%d):\n"
             "    t = time.perf_counter()\n"
             "    fit(x)\n"
             "    best = min(best, time.perf_counter() - t)\n"
             "top = [int(l.split()[1]) for l in open('/proc/self/status') if l[:5] == 'VmHWM'][0]\n"
             "print(best, (top - now) / 1024)\n\" 2>/dev/null",
             THREADS, THREADS, THREADS, interpreter ? interpreter : "python3", path, THREADS, turns);
    double seconds = (double)NAN;
    FILE *p = popen(command, "r");
    if (p && fscanf(p, "%lf %lf", &seconds, memory) != 2) seconds = (double)NAN;
    if (p) pclose(p);
    remove(path);
    return seconds;
}

/* Best seconds of `turns` calls of apply for the first `rows` rows of new ones. */
static double placing(cepman_context *ctx, cepman_umap *model, const float *x, size_t rows, size_t d,
                      int turns)
{
    double best = (double)INFINITY;
    for (int turn = 0; turn < turns; turn++) {
        cepman_matrix *m = NULL, *places = NULL;
        /* Each turn its own rows, so that none is in the cache for having been asked before. */
        const float *from = x + (rows == 1 ? (size_t)turn * d : 0);
        need(ctx, cepman_matrix_wrap(&m, ctx, from, rows, d, d, NULL, NULL), "new rows");
        const double t = now();
        need(ctx, cepman_umap_apply(&places, ctx, model, m), "apply");
        best = fmin(best, now() - t);
        cepman_matrix_unref(places);
        cepman_matrix_unref(m);
    }
    return best;
}

static void whole(bench *b, size_t n, size_t d, int turns, int peer_turns)
{
    char name[96];
#define NAME(text) (snprintf(name, sizeof name, "%zu x %zu: %s", n, d, text), name)
    if (!bench_wants(b, NAME("whole"))) return;
    cepman_context *ctx = NULL;
    cepman_matrix *m = NULL;
    cepman_umap *model = NULL;
    double best = (double)INFINITY, phase[PHASES], peer_memory = 0;
    float *x = make_rows(n + NEW_ROWS, d), kept[3] = {0};
    if (cepman_context_create(&ctx, NULL)) exit(1);
    need(ctx, cepman_context_set_threads(ctx, THREADS), "threads");
    need(ctx, cepman_context_set_cpu_level(ctx, bench_cpu(b)), "level");
    need(ctx, cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL), "rows");
    for (int turn = 0; turn < turns; turn++) {
        watch w = {.began = now()};
        const double t = w.began;
        cepman_umap_unref(model);
        model = NULL;
        need(ctx, cepman_context_set_progress(ctx, stage_began, &w), "progress");
        need(ctx, cepman_umap_fit(&model, ctx, m, NULL), "fit");
        charge(&w);
        need(ctx, cepman_context_set_progress(ctx, NULL, NULL), "progress");
        if (w.began - t < best) {
            best = w.began - t;
            memcpy(phase, w.spent, sizeof phase);
        }
        const float *row = cepman_matrix_row(cepman_umap_embedding(model), n / 2);
        if (turn && memcmp(kept, row, sizeof kept) != 0) {
            fprintf(stderr, "%zu x %zu: another run, another embedding\n", n, d);
            exit(1);
        }
        memcpy(kept, row, sizeof kept);
    }
    const double memory = (double)cepman_context_memory_peak(ctx) / 1048576;
    const int own = bench_add_measured(b, NAME("whole"), best);
    for (int p = 0; p < PHASES; p++)
        bench_add_measured(b, NAME(phase_names[p]), phase[p]);
    need(ctx, cepman_umap_prepare(model, ctx), "prepare");
    const double alone = placing(ctx, model, x + n * d, 1, d, 20),
                 batch = placing(ctx, model, x + n * d, NEW_ROWS, d, 2) / NEW_ROWS;
    bench_add_measured(b, NAME("placing one row"), alone);
    bench_add_measured(b, NAME("placing, a row of 1,000"), batch);
    cepman_umap_unref(model);
    const double peer = umap_learn(ctx, m, peer_turns, &peer_memory);
    const int other = isnan(peer) ? -1 : bench_add_measured(b, NAME("umap-learn"), peer);
    bench_ratio(b, NAME("umap-learn / ours"), other, own);
    printf("%7zu x %-5zu %8.3f s: neighbours %.3f, graph %.3f, start %.3f, layout %.3f; one row %.3f ms, "
           "of 1,000 %.3f ms; %.0f MiB beside the rows",
           n, d, best, phase[NEIGHBORS], phase[GRAPH], phase[START], phase[LAYOUT], 1e3 * alone, 1e3 * batch,
           memory);
    if (isnan(peer))
        printf("; umap-learn is left out\n");
    else
        printf("; umap-learn %.2f s, %.1f times, %.0f MiB\n", peer, peer / best, peer_memory);
    fflush(stdout);
#undef NAME
    cepman_matrix_unref(m);
    cepman_context_unref(ctx);
    free(x);
}

static void given(bench *b)
{
    static const size_t sizes[] = {20000, 65536};
    for (size_t s = 0; s < 2; s++) {
        char text[100];
        snprintf(text, sizeof text, "%zu: ", sizes[s]);
        if (!bench_wants(b, text)) continue;
        cepman_neighbors *graph = make_graph(sizes[s]);
        work w[4];
        int one = add(b, &w[0], graph, "one thread", 1, "auto", "spectral");
        int two = add(b, &w[1], graph, "two threads", 2, "auto", "spectral");
        int random = add(b, &w[2], graph, "two threads, random start", 2, "auto", "random");
        int generic = add(b, &w[3], graph, "two threads, generic", 2, "generic", "spectral");
        bench_measure(b);
        verify(&w[0], &w[1]);
        verify(&w[0], &w[3]);
        snprintf(text, sizeof text, "%zu: two threads / one", sizes[s]);
        bench_ratio(b, text, two, one);
        snprintf(text, sizeof text, "%zu: spectral start / random", sizes[s]);
        bench_ratio(b, text, two, random);
        snprintf(text, sizeof text, "%zu: this level / generic", sizes[s]);
        bench_ratio(b, text, two, generic);
        for (int i = 0; i < 4; i++) {
            cepman_umap_unref(w[i].made);
            cepman_options_unref(w[i].options);
            cepman_context_unref(w[i].ctx);
        }
        cepman_neighbors_unref(graph);
    }
}

int main(int argc, char **argv)
{
    static const size_t rows[] = {5000, 20000, 65536, 262144}, columns[] = {64, 500, 1500, 3000};
    const bool large = getenv("CEPMAN_BENCH_LARGE") != NULL;
    bench *b = bench_begin("umap", argc, argv);
    given(b);
    for (int i = 0; i < (large ? 4 : 2); i++)
        for (int j = 0; j < (large ? 4 : 2); j++)
            whole(b, rows[i], columns[j], i < 3 ? 3 : 2, i < 2 ? 2 : 1);
    return bench_end(b);
}
