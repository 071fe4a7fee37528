/* Bench of the transform: raw pixels to features against the bare transform of FFTW, per size, type and threads.
 * The same planning flag as the library's (FFTW_ESTIMATE); the best FFTW can do (FFTW_MEASURE) beside it at 128.
 * Must not: time what it does not also verify. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fftw3.h>

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

typedef struct bare {
    fftwf_plan plan;
    float *in;
    fftwf_complex *out;
    int frames;
} bare;

/* As many frames as the library's cases: the work is the same, in the cache. */
static void run_bare(void *argument)
{
    bare *b = argument;
    for (int i = 0; i < b->frames; i++)
        fftwf_execute_dft_r2c(b->plan, b->in, b->out);
}

static bare make_bare(int n, int frames, unsigned flag)
{
    bare b = {.frames = frames};
    b.in = fftwf_alloc_real((size_t)n * (size_t)n);
    b.out = fftwf_alloc_complex((size_t)n * (size_t)(n / 2 + 1));
    b.plan = fftwf_plan_dft_r2c_2d(n, n, b.in, b.out, flag);
    for (int i = 0; i < n * n; i++)
        b.in[i] = (float)(i * 37 % 101);
    return b;
}

static void free_bare(bare *b)
{
    fftwf_destroy_plan(b->plan);
    fftwf_free(b->in);
    fftwf_free(b->out);
}

typedef struct ours {
    cepman_cepstrum *cepstrum;
    cepman_cepstrum_worker *worker;
    const void *frames;
    cepman_type type;
    size_t count;
    float *features;
} ours;

static void run_ours(void *argument)
{
    ours *o = argument;
    size_t n = cepman_cepstrum_features(o->cepstrum);
    NEED(cepman_cepstrum_run_frames(o->worker, o->frames, o->type, o->count, 0, o->features, n));
}

static ours make_ours(size_t n, const void *frames, cepman_type type, size_t count, const char *ring_out)
{
    ours o = {.frames = frames, .type = type, .count = count};
    cepman_options *options = NULL;
    NEED(cepman_cepstrum_options_create(&options, ctx));
    NEED(cepman_options_parse(options, ctx, "ring-out", ring_out));
    NEED(cepman_cepstrum_create_for(&o.cepstrum, ctx, n, n, NULL, (double)NAN, options));
    NEED(cepman_cepstrum_worker_create(&o.worker, ctx, o.cepstrum));
    o.features = malloc(count * cepman_cepstrum_features(o.cepstrum) * sizeof *o.features);
    cepman_options_unref(options);
    return o;
}

static void free_ours(ours *o)
{
    cepman_cepstrum_worker_unref(o->worker);
    cepman_cepstrum_unref(o->cepstrum);
    free(o->features);
}

/* A whole scan in memory, by n threads. */
typedef struct scan {
    cepman_context *context;
    cepman_dataset *dataset;
    cepman_cepstrum *cepstrum;
} scan;

static void run_scan(void *argument)
{
    scan *s = argument;
    cepman_matrix *m = NULL;
    if (cepman_cepstrum_run(&m, s->context, s->cepstrum, s->dataset)) exit(1);
    cepman_matrix_unref(m);
}

static scan make_scan(const float *frames, size_t rows, size_t columns, size_t n, unsigned threads,
                      const char *cpu)
{
    scan s = {NULL, NULL, NULL};
    if (cepman_context_create(&s.context, NULL) || cepman_context_set_threads(s.context, threads) ||
        cepman_context_set_cpu_level(s.context, cpu) ||
        cepman_dataset_wrap(&s.dataset, s.context, frames, CEPMAN_TYPE_F32, rows, columns, n, n, NULL,
                            NULL) ||
        cepman_cepstrum_create(&s.cepstrum, s.context, s.dataset, NULL))
        exit(1);
    return s;
}

static void free_scan(scan *s)
{
    cepman_cepstrum_unref(s->cepstrum);
    cepman_dataset_unref(s->dataset);
    cepman_context_unref(s->context);
}

/* The field's formulation, where Python (or what PYTHON names) has it: seconds a frame, NaN where not. */
static double python(const char *transform)
{
    const char *interpreter = getenv("PYTHON");
    char command[900];
    snprintf(command, sizeof command,
             "%s -c \"\n"
             "import time, numpy as np\n"
             "from numpy.fft import fft2\n"
             "%s"
             "x = np.random.default_rng(1).poisson(9, (64, 128, 128)).astype(np.float32)\n"
             "w = np.outer(np.hanning(128), np.hanning(128)).astype(np.float32)\n"
             "y, u = np.mgrid[-64:64, -64:64]\n"
             "ring = (np.hypot(y, u) >= 5) & (np.hypot(y, u) <= 40)\n"
             "best = 9\n"
             "for turn in range(5):\n"
             "    t = time.perf_counter()\n"
             "    for f in x: c = np.abs(%s)\n"
             "    best = min(best, (time.perf_counter() - t) / 64)\n"
             "print(best)\n\" 2>/dev/null",
             interpreter ? interpreter : "python3",
             strstr(transform, "rfft2") ? "from scipy.fft import rfft2\n" : "", transform);
    double seconds = (double)NAN;
    FILE *p = popen(command, "r");
    if (p && fscanf(p, "%lf", &seconds) != 1) seconds = (double)NAN;
    if (p) pclose(p);
    return seconds;
}

static void size_cases(bench *b, size_t n)
{
    char name[96];
    const size_t count = n >= 256 ? 8 : 64;
    float *f = malloc(count * n * n * sizeof *f);
    uint16_t *u = malloc(count * n * n * sizeof *u);
    uint8_t *c = malloc(count * n * n);
    uint32_t state = 1;
    for (size_t i = 0; i < count * n * n; i++) {
        state = state * 1664525u + 1013904223u;
        c[i] = (uint8_t)(state >> 25);
        u[i] = c[i];
        f[i] = c[i];
    }
    char whole[32];
    snprintf(whole, sizeof whole, "%.17g", floor((double)n / 2 * sqrt(2)));
    bare estimate = make_bare((int)n, (int)count, FFTW_ESTIMATE), best = {0};
    ours of32 = make_ours(n, f, CEPMAN_TYPE_F32, count, "auto"),
         of16 = make_ours(n, u, CEPMAN_TYPE_U16, count, "auto");
    ours of8 = make_ours(n, c, CEPMAN_TYPE_U8, count, "auto"),
         all = make_ours(n, f, CEPMAN_TYPE_F32, count, whole);
#define CASE(text, function, argument)                                                                       \
    (snprintf(name, sizeof name, "%zu: " text, n), bench_add(b, name, function, argument, (double)count))
    int e = CASE("FFTW r2c alone, estimate", run_bare, &estimate);
    int m = -1;
    if (n == 128) {
        best = make_bare((int)n, (int)count, FFTW_MEASURE);
        m = CASE("FFTW r2c alone, measure", run_bare, &best);
    }
    int p = CASE("float32 to features", run_ours, &of32);
    int q = CASE("u16 to features", run_ours, &of16);
    int r = CASE("u8 to features", run_ours, &of8);
    int a = CASE("float32, ring of the whole plane", run_ours, &all);
    bench_measure(b);
#define RATIO(text, upper, lower)                                                                            \
    (snprintf(name, sizeof name, "%zu: " text, n), bench_ratio(b, name, upper, lower))
    RATIO("float32 to features / FFTW estimate", p, e);
    if (n == 128) RATIO("float32 to features / FFTW measure", p, m);
    RATIO("u16 / float32", q, p);
    RATIO("u8 / float32", r, p);
    RATIO("whole plane / FFTW estimate", a, e);
    /* The same counts in any type have the same features. */
    size_t bytes = count * cepman_cepstrum_features(of32.cepstrum) * sizeof *of32.features;
    if (p >= 0 && q >= 0 && r >= 0 &&
        (memcmp(of32.features, of16.features, bytes) || memcmp(of32.features, of8.features, bytes))) {
        fprintf(stderr, "features differ between types\n");
        exit(1);
    }
    if (n == 128) {
        scan one = make_scan(f, 8, count / 8, n, 1, bench_cpu(b)),
             two = make_scan(f, 8, count / 8, n, 2, bench_cpu(b));
        int s1 = CASE("scan in memory, 1 thread", run_scan, &one),
            s2 = CASE("scan in memory, 2 threads", run_scan, &two);
        bench_measure(b);
        RATIO("scan, 1 thread / frames", s1, p);
        RATIO("scan, 2 threads / 1 thread", s2, s1);
        double field = python("np.fft.fftshift((fft2(np.log(f - f.min() + 0.1) * w)))[ring]"),
               single = python("rfft2(np.log(f - f.min() + 0.1) * w)[:, :41]");
        if (!isnan(field))
            RATIO("numpy / float32 to features", bench_add_measured(b, "128: numpy fft2", field), p);
        if (!isnan(single))
            RATIO("scipy / float32 to features", bench_add_measured(b, "128: scipy rfft2, float32", single),
                  p);
        free_scan(&one), free_scan(&two);
        free_bare(&best);
    }
    free_ours(&of32), free_ours(&of16), free_ours(&of8), free_ours(&all);
    free_bare(&estimate);
    free(f), free(u), free(c);
}

int main(int argc, char **argv)
{
    bench *b = bench_begin("cepstrum", argc, argv);
    if (cepman_context_create(&ctx, NULL) || cepman_context_set_cpu_level(ctx, bench_cpu(b))) return 1;
    static const size_t sizes[] = {128, 64, 100, 256, 512};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        size_cases(b, sizes[i]);
    cepman_context_unref(ctx);
    return bench_end(b);
}
