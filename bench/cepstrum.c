/* Bench of the transform: raw pixels to features against the bare transform of FFTW, per size, type and threads; how long a
 * single frame takes at worst; the field's formulation in Python.
 * The same planning flag as the library's (FFTW_ESTIMATE), and the best FFTW can do (FFTW_MEASURE); cases of a size take
 * turns. Must not: time what it does not also verify. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static void *need(void *p)
{
    if (!p) exit(1);
    return p;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- FFTW alone ---- */

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
    b.in = need(fftwf_alloc_real((size_t)n * (size_t)n));
    b.out = need(fftwf_alloc_complex((size_t)n * (size_t)(n / 2 + 1)));
    b.plan = need(fftwf_plan_dft_r2c_2d(n, n, b.in, b.out, flag));
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

/* ---- frames in memory, by a worker ---- */

typedef struct ours {
    cepman_cepstrum *cepstrum;
    cepman_cepstrum_worker *worker;
    const void *frames;
    cepman_type type;
    size_t count, passes; /* frames, few enough to stay in the cache, and how often a run goes through them */
    float *features;
} ours;

static void run_ours(void *argument)
{
    ours *o = argument;
    size_t n = cepman_cepstrum_features(o->cepstrum);
    for (size_t i = 0; i < o->passes; i++)
        NEED(cepman_cepstrum_run_frames(o->worker, o->frames, o->type, o->count, 0, o->features, n));
}

static ours make_ours(size_t n, const void *frames, cepman_type type, size_t count, size_t passes,
                      const char *ring_out)
{
    ours o = {.frames = frames, .type = type, .count = count, .passes = passes};
    cepman_options *options = NULL;
    NEED(cepman_cepstrum_options_create(&options, ctx));
    NEED(cepman_options_parse(options, ctx, "ring-out", ring_out));
    NEED(cepman_cepstrum_create_for(&o.cepstrum, ctx, n, n, NULL, (double)NAN, options));
    NEED(cepman_cepstrum_worker_create(&o.worker, ctx, o.cepstrum));
    o.features = need(malloc(count * cepman_cepstrum_features(o.cepstrum) * sizeof *o.features));
    cepman_options_unref(options);
    return o;
}

static void free_ours(ours *o)
{
    cepman_cepstrum_worker_unref(o->worker);
    cepman_cepstrum_unref(o->cepstrum);
    free(o->features);
}

/* ---- scans ---- */

/* A whole scan by the threads of a context: frames in memory, or in a file of big-endian numbers. */
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

static scan make_scan(unsigned threads, const char *cpu, const void *frames, cepman_type type,
                      const char *path, size_t rows, size_t columns, size_t n)
{
    scan s = {NULL, NULL, NULL};
    if (cepman_context_create(&s.context, NULL) || cepman_context_set_threads(s.context, threads) ||
        cepman_context_set_cpu_level(s.context, cpu) ||
        (path ? cepman_dataset_open(&s.dataset, s.context, path, NULL)
              : cepman_dataset_wrap(&s.dataset, s.context, frames, type, rows, columns, n, n, NULL, NULL)) ||
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

/* A .npy file of 16-bit counts in either byte order. */
static void write_npy(const char *path, const uint16_t *counts, size_t frames, size_t n, bool big)
{
    FILE *f = need(fopen(path, "wb"));
    char header[128];
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
    int used =
        snprintf(header + 10, 117, "{'descr': '%cu2', 'fortran_order': False, 'shape': (%zu, %zu, %zu), }",
                 big ? '>' : '<', frames, n, n);
    header[10 + used] = ' ';
    header[127] = '\n';
    bool good = fwrite(header, 1, 128, f) == 128;
    for (size_t i = 0; i < frames * n * n; i++) {
        unsigned char b[2] = {(unsigned char)counts[i], (unsigned char)(counts[i] >> 8)};
        if (big) b[0] = (unsigned char)(counts[i] >> 8), b[1] = (unsigned char)counts[i];
        good &= fwrite(b, 1, 2, f) == 2;
    }
    if (fclose(f) || !good) exit(1);
}

/* ---- the time of single frames ---- */

typedef struct watch {
    ours *o;
    size_t frames;
    double *seconds;
} watch;

static void *run_watch(void *argument)
{
    watch *w = argument;
    const size_t pixels = cepman_cepstrum_height(w->o->cepstrum) * cepman_cepstrum_width(w->o->cepstrum) *
                          cepman_type_size(w->o->type);
    const size_t n = cepman_cepstrum_features(w->o->cepstrum);
    for (size_t i = 0; i < w->frames; i++) {
        const unsigned char *frame = (const unsigned char *)w->o->frames + i % w->o->count * pixels;
        const double began = now();
        if (cepman_cepstrum_run_frames(w->o->worker, frame, w->o->type, 1, 0, w->o->features, n)) exit(1);
        w->seconds[i] = now() - began;
    }
    return NULL;
}

static int compare_seconds(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* p50, p99, p99.9 and the worst of single frames, by one worker alone and while a second one works beside it. */
static void latency_cases(bench *b, size_t n, const uint16_t *frames, size_t count)
{
    if (!bench_wants(b, "one frame")) return;
    enum { FRAMES = 100000, WARM = 1000 };
    ours first = make_ours(n, frames, CEPMAN_TYPE_U16, count, 1, "auto"),
         second = make_ours(n, frames, CEPMAN_TYPE_U16, count, 1, "auto");
    for (int pair = 0; pair < 2; pair++) {
        watch w[2] = {{&first, FRAMES, need(malloc(FRAMES * sizeof(double)))},
                      {&second, FRAMES, need(malloc(FRAMES * sizeof(double)))}};
        pthread_t thread;
        if (pair && pthread_create(&thread, NULL, run_watch, &w[1])) exit(1);
        run_watch(&w[0]);
        if (pair) pthread_join(thread, NULL);
        double *t = w[0].seconds + WARM;
        const size_t taken = FRAMES - WARM;
        qsort(t, taken, sizeof *t, compare_seconds);
        static const struct {
            const char *name;
            double share;
        } points[] = {{"median", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"worst", 1}};
        for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
            char name[96];
            snprintf(name, sizeof name, "%zu: one frame of u16, %s%s", n, points[i].name,
                     pair ? ", two workers" : "");
            bench_add_measured(b, name, t[(size_t)(points[i].share * (double)(taken - 1))]);
        }
        free(w[0].seconds), free(w[1].seconds);
    }
    free_ours(&first), free_ours(&second);
}

/* ---- the field's formulation ---- */

/* Where Python (or what PYTHON names) has it: seconds a frame, NaN where not. */
static double python(size_t n, const char *transform)
{
    const char *interpreter = getenv("PYTHON");
    char command[1200];
    snprintf(command, sizeof command,
             "OPENBLAS_NUM_THREADS=1 %s -c \"\n"
             "import time, numpy as np\n"
             "from numpy.fft import fft2, fftshift\n"
             "%s"
             "n = %zu\n"
             "x = np.random.default_rng(1).poisson(9, (32, n, n)).astype(np.float32)\n"
             "w = np.outer(np.hanning(n), np.hanning(n)).astype(np.float32)\n"
             "y, u = np.mgrid[-(n // 2):n - n // 2, -(n // 2):n - n // 2]\n"
             "ring = (np.hypot(y, u) >= 5) & (np.hypot(y, u) <= 40)\n"
             "half = np.fft.ifftshift(ring, axes=0)[:, n // 2:n // 2 + 41]\n"
             "best = 9\n"
             "for turn in range(7):\n"
             "    t = time.perf_counter()\n"
             "    for f in x: c = %s\n"
             "    best = min(best, (time.perf_counter() - t) / len(x))\n"
             "print(best)\n\" 2>/dev/null",
             interpreter ? interpreter : "python3",
             strstr(transform, "rfft2") ? "from scipy.fft import rfft2\n" : "", n, transform);
    double seconds = (double)NAN;
    FILE *p = popen(command, "r");
    if (p && fscanf(p, "%lf", &seconds) != 1) seconds = (double)NAN;
    if (p) pclose(p);
    return seconds;
}

static void python_cases(bench *b, size_t n, int ours_number)
{
    static const struct {
        const char *name, *code;
    } cases[] = {
        {"numpy fft2", "np.abs(fftshift(fft2(np.log(f - f.min() + 0.1) * w)))[ring]"},
        {"scipy rfft2, float32", "np.abs(rfft2(np.log(f - f.min() + np.float32(0.1)) * w)[:, :41])[half]"},
    };
    for (size_t i = 0; i < 2; i++) {
        char name[96];
        snprintf(name, sizeof name, "%zu: %s", n, cases[i].name);
        if (!bench_wants(b, name)) continue;
        const double seconds = python(n, cases[i].code);
        if (isnan(seconds)) {
            printf("%s: left out, no such Python here\n", name);
            continue;
        }
        const int number = bench_add_measured(b, name, seconds);
        snprintf(name, sizeof name, "%zu: %s / float32 to features", n, cases[i].name);
        bench_ratio(b, name, number, ours_number);
    }
}

/* ---- the cases ---- */

static const struct {
    cepman_type type;
    const char *name;
} types[] = {{CEPMAN_TYPE_F32, "float32"}, {CEPMAN_TYPE_U16, "u16"}, {CEPMAN_TYPE_U8, "u8"},
             {CEPMAN_TYPE_I16, "i16"},     {CEPMAN_TYPE_U32, "u32"}, {CEPMAN_TYPE_I32, "i32"},
             {CEPMAN_TYPE_F64, "f64"}};
#define TYPES (sizeof types / sizeof *types)

/* The same small counts in a type. */
static void *counts_as(cepman_type type, const uint8_t *counts, size_t n)
{
    unsigned char *p = need(malloc(n * cepman_type_size(type)));
    for (size_t i = 0; i < n; i++) {
        const float f = counts[i];
        const double d = counts[i];
        const uint32_t v = counts[i]; /* little-endian, as are the machines with kernels worth timing */
        const void *from = type == CEPMAN_TYPE_F32   ? (const void *)&f
                           : type == CEPMAN_TYPE_F64 ? (const void *)&d
                                                     : &v;
        memcpy(p + i * cepman_type_size(type), from, cepman_type_size(type));
    }
    return p;
}

static uint8_t *random_counts(size_t n)
{
    uint8_t *c = need(malloc(n));
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        c[i] = (uint8_t)(state >> 25);
    }
    return c;
}

static void size_cases(bench *b, size_t n)
{
    char name[96], whole[32];
    const size_t count = n >= 512 ? 1 : 131072 / (n * n), passes = (n >= 256 ? 8 : 64) / count + 1;
    const size_t done = count * passes;
    uint8_t *c = random_counts(count * n * n);
    void *frames[TYPES];
    ours o[TYPES];
    int number[TYPES];
    snprintf(whole, sizeof whole, "%.17g", floor((double)n / 2 * sqrt(2)));
    bare estimate = make_bare((int)n, (int)done, FFTW_ESTIMATE),
         best = make_bare((int)n, (int)done, FFTW_MEASURE);
#define CASE(text, function, argument)                                                                       \
    (snprintf(name, sizeof name, "%zu: " text, n), bench_add(b, name, function, argument, (double)done))
#define RATIO(text, upper, lower)                                                                            \
    (snprintf(name, sizeof name, "%zu: " text, n), bench_ratio(b, name, upper, lower))
    int e = CASE("FFTW r2c alone, estimate", run_bare, &estimate);
    int m = CASE("FFTW r2c alone, measure", run_bare, &best);
    for (size_t t = 0; t < TYPES; t++) {
        frames[t] = counts_as(types[t].type, c, count * n * n);
        o[t] = make_ours(n, frames[t], types[t].type, count, passes, "auto");
        snprintf(name, sizeof name, "%zu: %s to features", n, types[t].name);
        number[t] = bench_add(b, name, run_ours, &o[t], (double)done);
    }
    ours all = make_ours(n, frames[0], CEPMAN_TYPE_F32, count, passes, whole);
    int a = CASE("float32, ring of the whole plane", run_ours, &all);
    bench_measure(b);
    RATIO("float32 to features / FFTW estimate", number[0], e);
    RATIO("float32 to features / FFTW measure", number[0], m);
    RATIO("whole plane / FFTW estimate", a, e);
    for (size_t t = 1; t < TYPES; t++) {
        snprintf(name, sizeof name, "%zu: %s / float32", n, types[t].name);
        bench_ratio(b, name, number[t], number[0]);
        /* The same counts in any type have the same features. */
        const size_t bytes = count * cepman_cepstrum_features(o[0].cepstrum) * sizeof(float);
        if (number[0] >= 0 && number[t] >= 0 && memcmp(o[0].features, o[t].features, bytes)) {
            fprintf(stderr, "features of %s differ from those of float32\n", types[t].name);
            exit(1);
        }
    }
    if (n == 128 || n == 256) python_cases(b, n, number[0]);
    if (n == 128) latency_cases(b, n, frames[1], count);
    for (size_t t = 0; t < TYPES; t++)
        free_ours(&o[t]), free(frames[t]);
    free_ours(&all);
    free_bare(&estimate), free_bare(&best);
    free(c);
}

/* Scans of 2,048 frames: more than the caches hold. */
static void scan_cases(bench *b)
{
    enum { N = 128, ROWS = 32, COLUMNS = 64, FRAMES = ROWS * COLUMNS };
    if (!bench_wants(b, "scan")) return;
    uint8_t *c = random_counts((size_t)FRAMES * N * N);
    void *f = counts_as(CEPMAN_TYPE_F32, c, (size_t)FRAMES * N * N),
         *u = counts_as(CEPMAN_TYPE_U16, c, (size_t)FRAMES * N * N);
    char little[96], big[96];
    const char *folder = getenv("TMPDIR");
    snprintf(little, sizeof little, "%.60s/bench_cepstrum_%ld_l.npy", folder ? folder : "/tmp",
             (long)(1e6 * now()));
    snprintf(big, sizeof big, "%.60s/bench_cepstrum_%ld_b.npy", folder ? folder : "/tmp",
             (long)(1e6 * now()));
    write_npy(little, u, FRAMES, N, false);
    write_npy(big, u, FRAMES, N, true);
    struct {
        const char *name;
        scan scan;
        int number;
    } s[] = {{"128: scan of float32 in memory, 1 thread",
              make_scan(1, bench_cpu(b), f, CEPMAN_TYPE_F32, NULL, ROWS, COLUMNS, N), 0},
             {"128: scan of float32 in memory, 2 threads",
              make_scan(2, bench_cpu(b), f, CEPMAN_TYPE_F32, NULL, ROWS, COLUMNS, N), 0},
             {"128: scan of u16 in memory, 1 thread",
              make_scan(1, bench_cpu(b), u, CEPMAN_TYPE_U16, NULL, ROWS, COLUMNS, N), 0},
             {"128: scan of u16 in memory, 2 threads",
              make_scan(2, bench_cpu(b), u, CEPMAN_TYPE_U16, NULL, ROWS, COLUMNS, N), 0},
             {"128: scan of u16 in a .npy file, 1 thread",
              make_scan(1, bench_cpu(b), NULL, 0, little, 0, 0, 0), 0},
             {"128: scan of big-endian u16 in a .npy file, 1 thread",
              make_scan(1, bench_cpu(b), NULL, 0, big, 0, 0, 0), 0}};
    for (size_t i = 0; i < sizeof s / sizeof *s; i++)
        s[i].number = bench_add(b, s[i].name, run_scan, &s[i].scan, FRAMES);
    bench_measure(b);
    bench_ratio(b, "128: scan of float32, 2 threads / 1 thread", s[1].number, s[0].number);
    bench_ratio(b, "128: scan of u16, 2 threads / 1 thread", s[3].number, s[2].number);
    bench_ratio(b, "128: scan, u16 / float32", s[2].number, s[0].number);
    bench_ratio(b, "128: scan, big-endian / little-endian file", s[5].number, s[4].number);
    for (size_t i = 0; i < sizeof s / sizeof *s; i++)
        free_scan(&s[i].scan);
    remove(little), remove(big);
    free(c), free(f), free(u);
}

int main(int argc, char **argv)
{
    bench *b = bench_begin("cepstrum", argc, argv);
    if (cepman_context_create(&ctx, NULL) || cepman_context_set_cpu_level(ctx, bench_cpu(b))) return 1;
    static const size_t sizes[] = {128, 64, 100, 256, 512};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        size_cases(b, sizes[i]);
    scan_cases(b);
    cepman_context_unref(ctx);
    return bench_end(b);
}
