/* Bench of HDBSCAN: points of three features against sorting their coordinates, of many features against plain products
 * of all pairs, and, where a Python has them, hdbscan and fast_hdbscan on the same points with one thread each.
 * CEPMAN_BENCH_LARGE=1 adds a million points (minutes, most of them hdbscan's); PYTHON names the interpreter.
 * Must not: time what it does not also verify. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cepman/cepman.h>

#include "harness.h"

#define NEED(expression)                                                                                     \
    do {                                                                                                     \
        if (expression) {                                                                                    \
            fprintf(stderr, "%s: %s\n", #expression, cepman_context_error(ctx));                             \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

#define GROUPS 8
#define SAMPLES 10
#define LEAST 100

static cepman_context *ctx;

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

/* Groups on a lattice, of widths from 0.3 to 1 and flat in one direction; every twentieth point is anywhere. */
static float *points_of(size_t n, size_t d)
{
    uint64_t state = 5;
    float *x = malloc(n * d * sizeof *x);
    if (!x) exit(1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) {
            double g = 0, width = 0.3 + 0.1 * (double)(i % GROUPS);
            for (int t = 0; t < 6; t++)
                g += uniform(&state) - 0.5;
            if (j % 3 == i % 3) width *= 0.2;
            double centre = 12.0 * (double)(i % GROUPS >> j % 3 & 1) - 6;
            x[i * d + j] = (float)(i % 20 == 7 ? 24 * uniform(&state) - 12 : centre + width * g);
        }
    return x;
}

typedef struct bench_case {
    float *x, *other;
    size_t n, d;
    unsigned threads;
    cepman_matrix *matrix;
    cepman_options *how, *flat;
    cepman_hdbscan_tree *tree;
    float sum;
} bench_case;

static void run_tree(void *argument)
{
    bench_case *c = argument;
    cepman_hdbscan_tree_unref(c->tree);
    c->tree = NULL;
    NEED(cepman_context_set_threads(ctx, c->threads));
    NEED(cepman_hdbscan_tree_build(&c->tree, ctx, c->matrix, c->how));
}

static void run_flat(void *argument)
{
    bench_case *c = argument;
    cepman_hdbscan *h = NULL;
    if (!c->tree) run_tree(c);
    NEED(cepman_hdbscan_extract(&h, ctx, c->tree, c->flat));
    size_t found = cepman_labels_clusters(cepman_hdbscan_labels(h)), right = 0;
    for (size_t i = 0; i < c->n; i++) /* a point of group g has the label of the first such point */
        right += cepman_labels_data(cepman_hdbscan_labels(h))[i] ==
                 cepman_labels_data(cepman_hdbscan_labels(h))[i % GROUPS == 7 ? 15 : i % GROUPS];
    if (found < GROUPS || right < c->n / 10 * 8) {
        fprintf(stderr, "HDBSCAN found %zu clusters for %d groups, %zu of %zu points right\n", found, GROUPS,
                right, c->n);
        exit(1);
    }
    cepman_hdbscan_unref(h);
}

static void run_all(void *argument)
{
    run_tree(argument);
    run_flat(argument);
}

static void run_all_two(void *argument)
{
    bench_case *c = argument;
    c->threads = 2;
    run_all(c);
    c->threads = 1;
}

static int by_value(const void *x, const void *y)
{
    float a = *(const float *)x, b = *(const float *)y;
    return (a > b) - (a < b);
}

static void run_sort(void *argument)
{
    bench_case *c = argument;
    memcpy(c->other, c->x, c->n * c->d * sizeof *c->other);
    qsort(c->other, c->n * c->d, sizeof *c->other, by_value);
}

/* Each pair's product once, in sixteen partial sums. */
static void run_pairs(void *argument)
{
    bench_case *c = argument;
    c->sum = 0;
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = 0; j < i; j++) {
            float s[16] = {0};
            for (size_t k = 0; k + 16 <= c->d; k += 16)
                for (size_t l = 0; l < 16; l++)
                    s[l] += c->x[i * c->d + k + l] * c->x[j * c->d + k + l];
            c->sum += s[0] + s[7] + s[15];
        }
}

/* Seconds of a Python package on the same points, NaN without it. */
static double python(const bench_case *c, const char *setup, const char *call, int turns)
{
    char path[] = "/tmp/cepman-bench-XXXXXX", command[1200];
    const char *interpreter = getenv("PYTHON");
    int file = mkstemp(path);
    if (file < 0) return (double)NAN;
    close(file);
    NEED(cepman_matrix_save(c->matrix, ctx, path));
    snprintf(command, sizeof command,
             "OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 %s -c \"\n"
             "import time, numpy as np\n"
             "%s\n"
             "x = np.load(open('%s', 'rb')).astype(np.float64)\n"
             "fit = lambda x: %s\n"
             "fit(x[:2000])\n" /* what is compiled on the way is not counted */
             "best = 1e9\n"
             "for turn in range(%d):\n"
             "    t = time.perf_counter()\n"
             "    fit(x)\n"
             "    best = min(best, time.perf_counter() - t)\n"
             "print(best)\n\" 2>/dev/null",
             interpreter ? interpreter : "python3", setup, path, call, turns);
    double seconds = (double)NAN;
    FILE *p = popen(command, "r");
    if (p && fscanf(p, "%lf", &seconds) != 1) seconds = (double)NAN;
    if (p) pclose(p);
    remove(path);
    return seconds / (double)c->n;
}

static void measure(bench *b, size_t n, size_t d, bool peers)
{
    char name[96];
    bench_case c = {
        .x = points_of(n, d), .other = malloc(n * d * sizeof(float)), .n = n, .d = d, .threads = 1};
    if (!c.other) exit(1);
    NEED(cepman_matrix_wrap(&c.matrix, ctx, c.x, n, d, d, NULL, NULL));
    NEED(cepman_hdbscan_tree_options_create(&c.how, ctx));
    NEED(cepman_options_set_integer(c.how, ctx, "min-samples", SAMPLES));
    NEED(cepman_hdbscan_options_create(&c.flat, ctx));
    NEED(cepman_options_set_integer(c.flat, ctx, "min-cluster-size", LEAST));
#define NAME(text) (snprintf(name, sizeof name, "%zu x %zu: %s", n, d, text), name)
    int all = bench_add(b, NAME("tree and labels"), run_all, &c, (double)n);
    int two = bench_add(b, NAME("the same, 2 threads"), run_all_two, &c, (double)n);
    int flat = bench_add(b, NAME("labels"), run_flat, &c, (double)n);
    int plain = d > 8 ? bench_add(b, NAME("plain products"), run_pairs, &c, (double)n)
                      : bench_add(b, NAME("qsort of the coordinates"), run_sort, &c, (double)n);
    bench_measure(b);
    bench_ratio(b, NAME(d > 8 ? "tree and labels / plain products" : "tree and labels / qsort"), all, plain);
    if (d <= 8) bench_ratio(b, NAME("labels / qsort"), flat, plain);
    bench_ratio(b, NAME("2 threads / 1 thread"), two, all);
    if (peers && all >= 0) {
        int turns = n > 500000 ? 1 : 3;
        double old =
            python(&c, "import hdbscan",
                   "hdbscan.HDBSCAN(min_samples=10, min_cluster_size=100, core_dist_n_jobs=1).fit(x)", turns);
        double fast = python(&c, "import fast_hdbscan",
                             "fast_hdbscan.HDBSCAN(min_samples=10, min_cluster_size=100).fit(x)", turns);
        if (!isnan(old))
            bench_ratio(b, NAME("hdbscan / ours"), bench_add_measured(b, NAME("hdbscan"), old), all);
        if (!isnan(fast))
            bench_ratio(b, NAME("fast_hdbscan / ours"), bench_add_measured(b, NAME("fast_hdbscan"), fast),
                        all);
        if (isnan(old) || isnan(fast))
            fprintf(stderr, "%zu x %zu: peers that Python lacks are left out\n", n, d);
    }
    cepman_hdbscan_tree_unref(c.tree);
    cepman_matrix_unref(c.matrix);
    cepman_options_unref(c.how);
    cepman_options_unref(c.flat);
    free(c.x);
    free(c.other);
}

int main(int argc, char **argv)
{
    bench *b = bench_begin("hdbscan", argc, argv);
    if (cepman_context_create(&ctx, NULL)) return 1;
    NEED(cepman_context_set_cpu_level(ctx, bench_cpu(b)));
    measure(b, 16384, 3, false);
    measure(b, 1600, 256, false);
    measure(b, 65536, 3, true);
    measure(b, 2000, 1000, true);
    if (getenv("CEPMAN_BENCH_LARGE")) measure(b, 1000000, 3, true);
    cepman_context_unref(ctx);
    return bench_end(b);
}
