/* Bench of principal components: 50 of 65,536 x 1500 float32 rows with two dozen directions above a flat tail of noise, as
 * cepstra have, by one and two threads of OpenBLAS; and scikit-learn's solvers where python3 has it (CEPMAN_BENCH_PYTHON
 * names another interpreter), each with its worst relative error against float64. CEPMAN_BENCH_ROWS sets the rows
 * (default 8192). Must not: compare speeds without the errors. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cepman/cepman.h>

#include "harness.h"

enum { D = 1500, K = 50, RANK = 24 };

#define NEED(expression)                                                                                     \
    do {                                                                                                     \
        if (expression) {                                                                                    \
            fprintf(stderr, "%s: %s\n", #expression, cepman_context_error(ctx));                             \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static cepman_context *ctx;
static cepman_matrix *rows;
static double variance[K];

static double noise(uint64_t *state)
{
    double sum = 0;
    for (int t = 0; t < 4; t++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(*state >> 11) * 0x1p-53 - 0.5;
    }
    return sum;
}

static float *make_rows(size_t n)
{
    uint64_t state = 3;
    float *x = malloc(n * D * sizeof *x), *axes = malloc((size_t)RANK * D * sizeof *axes);
    if (!x || !axes) exit(1);
    for (size_t i = 0; i < (size_t)RANK * D; i++)
        axes[i] = (float)noise(&state);
    for (size_t i = 0; i < n; i++) {
        float *to = x + i * D;
        for (size_t j = 0; j < D; j++)
            to[j] = (float)(0.3 * noise(&state) + 1);
        double strength = 1;
        for (size_t a = 0; a < RANK; a++, strength *= 0.88) {
            const float at = (float)(strength * noise(&state));
            for (size_t j = 0; j < D; j++)
                to[j] += at * axes[a * D + j];
        }
    }
    free(axes);
    return x;
}

static void fit(void *argument)
{
    (void)argument;
    cepman_pca *p = NULL;
    NEED(cepman_pca_fit(&p, ctx, rows, NULL));
    memcpy(variance, cepman_pca_variance(p), sizeof variance);
    cepman_pca_unref(p);
}

/* Gather and finish, as for rows that are not kept. */
static void stream(void *argument)
{
    (void)argument;
    cepman_pca *p = NULL;
    cepman_pca_accumulator *a = NULL;
    size_t stride = 0;
    const float *x = cepman_matrix_data(rows, &stride);
    NEED(cepman_pca_accumulator_create(&a, ctx, D));
    for (size_t i = 0, n = cepman_matrix_rows(rows), step = 1000; i < n; i += step)
        NEED(cepman_pca_accumulator_add(a, ctx, x + i * stride, n - i < step ? n - i : step, stride));
    NEED(cepman_pca_accumulator_finish(&p, ctx, a, NULL));
    cepman_pca_unref(p);
    cepman_pca_accumulator_unref(a);
}

/* Seconds and worst relative error of scikit-learn's solvers; ours: our error. */
static void peers(bench *b, int ours)
{
    static const char *const solvers[] = {"covariance_eigh", "arpack", "randomized"};
    const char *interpreter = getenv("CEPMAN_BENCH_PYTHON");
    char path[] = "/tmp/cepman-bench-XXXXXX", command[2400];
    int file = mkstemp(path);
    if (file < 0) return;
    close(file);
    NEED(cepman_matrix_save(rows, ctx, path));
    int used = snprintf(command, sizeof command,
                        "%s -c \"\n"
                        "import time, numpy as np, sklearn\n"
                        "from sklearn.decomposition import PCA\n"
                        "x = np.load(open('%s', 'rb'))\n"
                        "m = x.mean(0, dtype='f8'); g = 0\n"
                        "for i in range(0, len(x), 4096):\n"
                        "    r = x[i:i + 4096] - m; g = g + r.T @ r\n"
                        "v = np.linalg.eigvalsh(g)[::-1][:%d] / (len(x) - 1)\n"
                        "error = lambda w: np.abs(w / v - 1).max()\n"
                        "print(sklearn.__version__, error(np.array([",
                        interpreter ? interpreter : "python3", path, K);
    for (int j = 0; j < K; j++)
        used += snprintf(command + used, sizeof command - (size_t)used, "%.15g,", variance[j]);
    snprintf(command + used, sizeof command - (size_t)used,
             "])))\n"
             "for s in ['%s', '%s', '%s']:\n"
             "    best = 99; p = PCA(%d, svd_solver=s, random_state=0)\n"
             "    for turn in range(2):\n"
             "        try:\n"
             "            t = time.perf_counter(); p.fit(x); best = min(best, time.perf_counter() - t)\n"
             "        except Exception: best = -1\n"
             "    print(best, error(p.explained_variance_) if best > 0 else 0)\n\" 2>/dev/null",
             solvers[0], solvers[1], solvers[2], K);
    FILE *p = popen(command, "r");
    char version[32];
    double error = 0;
    if (p && fscanf(p, "%31s %lf", version, &error) == 2) {
        printf("worst relative error of a variance: fit %.1e", error);
        for (int i = 0; i < 3; i++) {
            double seconds = -1;
            char name[96];
            if (fscanf(p, "%lf %lf", &seconds, &error) != 2 || seconds < 0) continue;
            printf(", %s %.1e", solvers[i], error);
            snprintf(name, sizeof name, "scikit-learn %s, %s", version, solvers[i]);
            int peer = bench_add_measured(b, name, seconds);
            snprintf(name, sizeof name, "%s / fit", solvers[i]);
            bench_ratio(b, name, peer, ours);
        }
        printf("\n");
    } else {
        printf("scikit-learn is not there\n");
    }
    if (p) pclose(p);
    remove(path);
}

int main(int argc, char **argv)
{
    bench *b = bench_begin("pca", argc, argv);
    const char *given = getenv("CEPMAN_BENCH_ROWS");
    const size_t n = given && atol(given) > 1 ? (size_t)atol(given) : 8192;
    if (cepman_context_create(&ctx, NULL)) return 1;
    NEED(cepman_context_set_cpu_level(ctx, bench_cpu(b)));
    NEED(cepman_context_set_threads(
        ctx, getenv("OPENBLAS_NUM_THREADS") ? (unsigned)atoi(getenv("OPENBLAS_NUM_THREADS")) : 1));
    float *x = make_rows(n);
    NEED(cepman_matrix_wrap(&rows, ctx, x, n, D, D, NULL, NULL));
    int ours = bench_add(b, "fit", fit, NULL, 1),
        streamed = bench_add(b, "blocks, not kept", stream, NULL, 1);
    bench_measure(b);
    bench_ratio(b, "blocks / fit", streamed, ours);
    if (ours >= 0) peers(b, ours);
    cepman_matrix_unref(rows);
    cepman_context_unref(ctx);
    free(x);
    return bench_end(b);
}
