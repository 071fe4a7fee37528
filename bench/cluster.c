/* Bench of K-means in few and in many dimensions against a plain Lloyd loop from the same start, and scikit-learn where
 * python3 has it.
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

static cepman_context *ctx;

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

/* Eight round groups of unequal width. */
static float *groups(size_t n, size_t d)
{
    uint64_t state = 5;
    float *x = malloc(n * d * sizeof *x), *centre = malloc(8 * d * sizeof *centre);
    if (!x || !centre) exit(1);
    for (size_t j = 0; j < 8 * d; j++)
        centre[j] = (float)(20 * uniform(&state));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) {
            double g = 0;
            for (int t = 0; t < 6; t++)
                g += uniform(&state) - 0.5;
            x[i * d + j] = centre[i % 8 * d + j] + (float)(g * (0.4 + 0.1 * (double)(i % 8)));
        }
    free(centre);
    return x;
}

/* ---- K-means ------------------------------------------------------------------------------------------------------ */

typedef struct means_case {
    const float *x;
    size_t n, d, k, iterations;
    cepman_matrix *matrix, *start;
    cepman_options *options;
    double inertia, plain;
    float *centres;
    double *sums;
} means_case;

static void run_kmeans(void *argument)
{
    means_case *c = argument;
    cepman_kmeans *model = NULL;
    NEED(cepman_kmeans_fit(&model, ctx, c->matrix, c->start, NULL, c->options));
    c->inertia = cepman_kmeans_inertia(model);
    c->iterations = cepman_kmeans_iterations(model);
    cepman_kmeans_unref(model);
}

/* As many iterations, in the plainest C. */
static void run_plain(void *argument)
{
    means_case *c = argument;
    size_t d = c->d, k = c->k;
    if (!c->iterations) run_kmeans(c);
    memcpy(c->centres, c->x, k * d * sizeof *c->centres);
    for (size_t it = 0; it <= c->iterations; it++) {
        memset(c->sums, 0, (k * d + k) * sizeof *c->sums);
        c->plain = 0;
        for (size_t i = 0; i < c->n; i++) {
            float best = INFINITY;
            size_t label = 0;
            for (size_t j = 0; j < k; j++) {
                float s = 0;
                for (size_t t = 0; t < d; t++)
                    s +=
                        (c->x[i * d + t] - c->centres[j * d + t]) * (c->x[i * d + t] - c->centres[j * d + t]);
                if (s < best) {
                    best = s;
                    label = j;
                }
            }
            c->plain += (double)best;
            c->sums[k * d + label] += 1;
            for (size_t t = 0; t < d; t++)
                c->sums[label * d + t] += (double)c->x[i * d + t];
        }
        for (size_t j = 0; j < k * d && it < c->iterations; j++)
            if (c->sums[k * d + j / d] > 0) c->centres[j] = (float)(c->sums[j] / c->sums[k * d + j / d]);
    }
}

/* Seconds of scikit-learn from the same start with one thread, NaN without it. */
static double scikit_learn(const means_case *c)
{
    char path[] = "/tmp/cepman-bench-XXXXXX", command[900];
    const char *interpreter = getenv("PYTHON");
    int file = mkstemp(path);
    if (file < 0) return (double)NAN;
    close(file);
    NEED(cepman_matrix_save(c->matrix, ctx, path));
    snprintf(command, sizeof command,
             "OMP_NUM_THREADS=1 %s -c \"\n"
             "import time, numpy as np\n"
             "from sklearn.cluster import KMeans\n"
             "x = np.load(open('%s', 'rb'))\n"
             "best = 99\n"
             "for turn in range(5):\n"
             "    t = time.perf_counter()\n"
             "    KMeans(%zu, init=x[:%zu], n_init=1).fit(x)\n"
             "    best = min(best, time.perf_counter() - t)\n"
             "print(best)\n\" 2>/dev/null",
             interpreter ? interpreter : "python3", path, c->k, c->k);
    double seconds = (double)NAN;
    FILE *p = popen(command, "r");
    if (p && fscanf(p, "%lf", &seconds) != 1) seconds = (double)NAN;
    if (p) pclose(p);
    remove(path);
    return seconds / (double)c->n;
}

static void kmeans_cases(bench *b, size_t n, size_t d, size_t k)
{
    char name[96];
    float *x = groups(n, d);
    means_case c = {.x = x, .n = n, .d = d, .k = k};
    c.centres = malloc(k * d * sizeof *c.centres);
    c.sums = malloc((k * d + k) * sizeof *c.sums);
    NEED(cepman_context_set_threads(ctx, 1));
    NEED(cepman_matrix_wrap(&c.matrix, ctx, x, n, d, d, NULL, NULL));
    NEED(cepman_matrix_wrap(&c.start, ctx, x, k, d, d, NULL, NULL));
    NEED(cepman_kmeans_options_create(&c.options, ctx));
    NEED(cepman_options_set_integer(c.options, ctx, "k", (int64_t)k));
#define NAME(text) (snprintf(name, sizeof name, "kmeans %zu x %zu, k %zu: %s", n, d, k, text), name)
    int ours = bench_add(b, NAME("fit"), run_kmeans, &c, (double)n);
    int plain = bench_add(b, NAME("plain Lloyd"), run_plain, &c, (double)n);
    bench_measure(b);
    bench_ratio(b, NAME("fit / plain Lloyd"), ours, plain);
    if (ours >= 0 && plain >= 0 && !(fabs(c.plain / c.inertia - 1) < 1e-3)) {
        fprintf(stderr, "K-means: inertia %g, plain %g\n", c.inertia, c.plain);
        exit(1);
    }
    double peer = ours >= 0 ? scikit_learn(&c) : (double)NAN;
    if (!isnan(peer))
        bench_ratio(b, NAME("scikit-learn / fit"), bench_add_measured(b, NAME("scikit-learn"), peer), ours);
    cepman_matrix_unref(c.matrix);
    cepman_matrix_unref(c.start);
    cepman_options_unref(c.options);
    free(c.centres);
    free(c.sums);
    free(x);
}

int main(int argc, char **argv)
{
    bench *b = bench_begin("cluster", argc, argv);
    if (cepman_context_create(&ctx, NULL)) return 1;
    kmeans_cases(b, 65536, 3, 8);
    kmeans_cases(b, 8192, 500, 6);
    cepman_context_unref(ctx);
    return bench_end(b);
}
