/* Bench of K-means: few and many features against a plain Lloyd loop from the same start, and against scikit-learn and
 * faiss where python3 (or $PYTHON) has them, with their labels compared. LARGE=1 in the environment adds 65,536 x 1,500.
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

typedef struct means_case {
    float *x;
    size_t n, d, k, iterations;
    cepman_matrix *matrix, *start;
    cepman_labels *labels;
    cepman_options *options;
    double inertia, plain;
    float *centres;
    double *sums;
} means_case;

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

static double bell(uint64_t *state)
{
    double g = 0;
    for (int t = 0; t < 6; t++)
        g += uniform(state) - 0.5;
    return g * 1.4142;
}

/* Eight groups in three dimensions that overlap; with more features these are turned into them, with noise. */
static float *points(size_t n, size_t d)
{
    uint64_t state = 5;
    float *x = malloc(n * d * sizeof *x);
    double centre[24], *axis = malloc(3 * d * sizeof *axis), z[3];
    if (!x || !axis) exit(1);
    for (int j = 0; j < 24; j++)
        centre[j] = 7 * uniform(&state);
    for (size_t j = 0; j < 3 * d; j++)
        axis[j] = bell(&state);
    for (size_t i = 0; i < n; i++) {
        for (size_t a = 0; a < 3; a++)
            z[a] = centre[i % 8 * 3 + a] + bell(&state);
        for (size_t j = 0; j < d; j++)
            x[i * d + j] = (float)(d == 3 ? z[j]
                                          : z[0] * axis[j] + z[1] * axis[d + j] + z[2] * axis[2 * d + j] +
                                                2 * (uniform(&state) - 0.5));
    }
    free(axis);
    return x;
}

static void run_kmeans(void *argument)
{
    means_case *c = argument;
    cepman_kmeans *model = NULL;
    NEED(cepman_kmeans_fit(&model, ctx, c->matrix, c->start, NULL, c->options));
    c->inertia = cepman_kmeans_inertia(model);
    c->iterations = cepman_kmeans_iterations(model);
    cepman_labels_unref(c->labels);
    c->labels = cepman_labels_ref(cepman_kmeans_labels(model));
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
            const float *x = c->x + i * d;
            float best = INFINITY;
            size_t label = 0;
            for (size_t j = 0; j < k; j++) {
                float s = 0;
                for (size_t t = 0; t < d; t++)
                    s += (x[t] - c->centres[j * d + t]) * (x[t] - c->centres[j * d + t]);
                if (s < best) {
                    best = s;
                    label = j;
                }
            }
            c->plain += (double)best;
            c->sums[k * d + label] += 1;
            for (size_t t = 0; t < d; t++)
                c->sums[label * d + t] += (double)x[t];
        }
        for (size_t j = 0; j < k * d && it < c->iterations; j++)
            if (c->sums[k * d + j / d] > 0) c->centres[j] = (float)(c->sums[j] / c->sums[k * d + j / d]);
    }
}

/* Seconds of a peer from the same start with one thread, NaN without it. Its labels are held against ours. */
static double peer(const means_case *c, const char *name, const char *code)
{
    char path[] = "/tmp/cepman-bench-XXXXXX", labels[64], command[1500], version[64] = "";
    const char *interpreter = getenv("PYTHON");
    int file = mkstemp(path), iterations = 0;
    double seconds = (double)NAN;
    if (file < 0) return seconds;
    close(file);
    snprintf(labels, sizeof labels, "%s.labels.npy", path);
    NEED(cepman_matrix_save(c->matrix, ctx, path));
    snprintf(command, sizeof command,
             "OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 %s -c \"\n"
             "import time, numpy as np\n"
             "x, k, best = np.load(open('%s', 'rb')), %zu, 1e9\n"
             "%s"
             "for turn in range(3):\n"
             "    t = time.perf_counter()\n"
             "    labels, iterations = run()\n"
             "    best = min(best, time.perf_counter() - t)\n"
             "np.save('%s', np.asarray(labels, np.int32))\n"
             "print(best, iterations, version)\n\" 2>/dev/null",
             interpreter ? interpreter : "python3", path, c->k, code, labels);
    FILE *p = popen(command, "r");
    if (p && fscanf(p, "%lf %d %63s", &seconds, &iterations, version) != 3) seconds = (double)NAN;
    if (p) pclose(p);
    cepman_labels *theirs = NULL;
    if (isnan(seconds)) {
        fprintf(stderr, "  (no %s)\n", name);
    } else {
        size_t differ = 0;
        NEED(cepman_labels_load(&theirs, ctx, labels));
        for (size_t i = 0; i < c->n; i++)
            differ += cepman_labels_data(theirs)[i] != cepman_labels_data(c->labels)[i];
        fprintf(stderr, "  %s %s: %d iterations, ours %zu; %zu of %zu labels differ\n", name, version,
                iterations, c->iterations, differ, c->n);
        cepman_labels_unref(theirs);
    }
    remove(path);
    remove(labels);
    return seconds / (double)c->n;
}

static const char scikit_learn[] = "import sklearn\n"
                                   "from sklearn.cluster import KMeans\n"
                                   "version = sklearn.__version__\n"
                                   "def run():\n"
                                   "    m = KMeans(k, init=x[:k], n_init=1).fit(x)\n"
                                   "    return m.labels_, m.n_iter_\n";
/* faiss has no tolerance: it gets scikit-learn's usual number of iterations for these points. */
static const char faiss[] = "import faiss\n"
                            "version = faiss.__version__\n"
                            "def run():\n"
                            "    m = faiss.Kmeans(x.shape[1], k, niter=20, max_points_per_centroid=len(x))\n"
                            "    m.train(x, init_centroids=x[:k])\n"
                            "    return m.index.search(x, 1)[1][:, 0], 20\n";

static void kmeans_case(bench *b, size_t n, size_t d, size_t k, bool with_plain)
{
    char name[96];
    means_case c = {.x = points(n, d), .n = n, .d = d, .k = k};
    c.centres = malloc(k * d * sizeof *c.centres);
    c.sums = malloc((k * d + k) * sizeof *c.sums);
    NEED(cepman_matrix_wrap(&c.matrix, ctx, c.x, n, d, d, NULL, NULL));
    NEED(cepman_matrix_wrap(&c.start, ctx, c.x, k, d, d, NULL, NULL));
    NEED(cepman_kmeans_options_create(&c.options, ctx));
    NEED(cepman_options_set_integer(c.options, ctx, "k", (int64_t)k));
#define NAME(text) (snprintf(name, sizeof name, "%zu x %zu, k %zu: %s", n, d, k, text), name)
    int ours = bench_add(b, NAME("fit"), run_kmeans, &c, (double)n);
    int plain = with_plain ? bench_add(b, NAME("plain Lloyd"), run_plain, &c, (double)n) : -1;
    bench_measure(b);
    bench_ratio(b, NAME("fit / plain Lloyd"), ours, plain);
    if (ours >= 0 && plain >= 0 && !(fabs(c.plain / c.inertia - 1) < 1e-3)) {
        fprintf(stderr, "K-means: inertia %g, plain %g\n", c.inertia, c.plain);
        exit(1);
    }
    double theirs = ours >= 0 ? peer(&c, "scikit-learn", scikit_learn) : (double)NAN;
    if (!isnan(theirs))
        bench_ratio(b, NAME("scikit-learn / fit"), bench_add_measured(b, NAME("scikit-learn"), theirs), ours);
    theirs = ours >= 0 ? peer(&c, "faiss", faiss) : (double)NAN;
    if (!isnan(theirs))
        bench_ratio(b, NAME("faiss / fit"), bench_add_measured(b, NAME("faiss"), theirs), ours);
    cepman_matrix_unref(c.matrix);
    cepman_matrix_unref(c.start);
    cepman_labels_unref(c.labels);
    cepman_options_unref(c.options);
    free(c.centres);
    free(c.sums);
    free(c.x);
}

int main(int argc, char **argv)
{
    bench *b = bench_begin("kmeans", argc, argv);
    if (cepman_context_create(&ctx, NULL)) return 1;
    NEED(cepman_context_set_cpu_level(ctx, bench_cpu(b)));
    kmeans_case(b, 65536, 3, 8, true);
    kmeans_case(b, 8192, 500, 6, true);
    if (getenv("LARGE")) kmeans_case(b, 65536, 1500, 6, false);
    cepman_context_unref(ctx);
    return bench_end(b);
}
