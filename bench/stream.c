/* Bench of streaming: features of a scan in memory, of the same frames in a .npy file, and in an EMPAD file, both in the
 * page cache, by one and two threads; and the memory that takes beyond the features. CEPMAN_BENCH_FRAMES sets how many
 * frames of 128 x 128 float32 (default 4096; 65536 are 4.3 GB). Must not: leave its files behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cepman/cepman.h>

#include "harness.h"

enum { SIDE = 128, PIXELS = SIDE * SIDE };

#define NEED(expression)                                                                                     \
    do {                                                                                                     \
        if (expression) {                                                                                    \
            fprintf(stderr, "%s: %s\n", #expression, cepman_context_error(ctx));                             \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static cepman_context *ctx;

typedef struct stream_case {
    cepman_dataset *frames;
    cepman_cepstrum *cepstrum;
    unsigned threads;
    size_t beyond; /* bytes the library held beyond the features, at most */
    float check;
} stream_case;

static void run(void *argument)
{
    stream_case *c = argument;
    cepman_matrix *m = NULL;
    size_t stride = 0;
    NEED(cepman_context_set_threads(ctx, c->threads));
    NEED(cepman_cepstrum_run(&m, ctx, c->cepstrum, c->frames));
    cepman_matrix_data(m, &stride);
    const size_t bytes = cepman_matrix_rows(m) * stride * sizeof(float);
    c->beyond = cepman_context_memory_peak(ctx) - bytes;
    c->check = cepman_matrix_row(m, cepman_matrix_rows(m) - 1)[7];
    cepman_matrix_unref(m);
}

/* Counts on a weak background, a few spots; different in every frame. */
static void fill(float *frame, size_t number)
{
    uint64_t state = number + 1;
    for (size_t i = 0; i < PIXELS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const size_t y = i / SIDE, x = i % SIDE;
        const size_t spot = (y % 21 < 5) && (x % 17 < 5) ? 40 : 0;
        frame[i] = (float)((state >> 60) + spot);
    }
}

/* Writes all frames; empad: each followed by two rows of its own. */
static void write_file(const char *path, const float *data, size_t n, bool empad)
{
    static const float rest[2 * SIDE];
    FILE *f = fopen(path, "wb");
    if (!f) exit(1);
    if (!empad) {
        char header[128] = "\x93NUMPY\x01";
        int used =
            snprintf(header + 10, 100, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %d, %d), }",
                     n, SIDE, SIDE);
        memset(header + 10 + used, ' ', 118 - (size_t)used);
        header[8] = 118;
        header[127] = '\n';
        if (fwrite(header, 1, 128, f) != 128) exit(1);
    }
    for (size_t i = 0; i < n; i++)
        if (fwrite(data + i * PIXELS, sizeof *data, PIXELS, f) != PIXELS ||
            (empad && fwrite(rest, sizeof *rest, 2 * SIDE, f) != 2 * SIDE))
            exit(1);
    if (fclose(f)) exit(1);
}

int main(int argc, char **argv)
{
    bench *b = bench_begin("stream", argc, argv);
    const char *given = getenv("CEPMAN_BENCH_FRAMES"), *folder = getenv("TMPDIR");
    const size_t n = given && atol(given) > 0 ? (size_t)atol(given) : 4096;
    static const char *const names[3] = {"in memory", "npy", "EMPAD"};
    cepman_dataset *frames[3] = {NULL};
    cepman_cepstrum *cepstrum = NULL;
    if (cepman_context_create(&ctx, NULL)) return 1;
    NEED(cepman_context_set_cpu_level(ctx, bench_cpu(b)));
    float *data = malloc(n * PIXELS * sizeof *data);
    if (!data) return 1;
    for (size_t i = 0; i < n; i++)
        fill(data + i * PIXELS, i);
    NEED(cepman_dataset_wrap(&frames[0], ctx, data, CEPMAN_TYPE_F32, 0, n, SIDE, SIDE, NULL, NULL));
    NEED(cepman_cepstrum_create(&cepstrum, ctx, frames[0], NULL));
    size_t most = 0;
    /* One file after the other, each beside the frames in memory: both at once may be more than the page cache holds. */
    for (int kind = 1; kind < 3; kind++) {
        char path[300], name[96];
        stream_case cases[2][2];
        int numbers[2][2];
        snprintf(path, sizeof path, "%s/cepman-bench-%ld%s", folder ? folder : "/tmp", (long)getpid(),
                 kind == 1 ? ".npy" : ".raw");
        write_file(path, data, n, kind == 2);
        cepman_status s = cepman_dataset_open(&frames[kind], ctx, path, NULL);
        unlink(path); /* the dataset holds it open */
        NEED(s);
        for (unsigned t = 0; t < 2; t++)
            for (int file = 0; file < 2; file++) {
                snprintf(name, sizeof name, "%s%s%s, %u thread%s", file ? names[kind] : names[0],
                         file ? "" : ", beside ", file ? "" : names[kind], t + 1, t ? "s" : "");
                cases[t][file] =
                    (stream_case){.frames = frames[file ? kind : 0], .cepstrum = cepstrum, .threads = t + 1};
                numbers[t][file] = bench_add(b, name, run, &cases[t][file], (double)n);
            }
        bench_measure(b);
        snprintf(name, sizeof name, "in memory, beside %s, 1 thread / 2 threads", names[kind]);
        bench_ratio(b, name, numbers[0][0], numbers[1][0]);
        for (unsigned t = 0; t < 2; t++) {
            snprintf(name, sizeof name, "%s / in memory, %u thread%s", names[kind], t + 1, t ? "s" : "");
            bench_ratio(b, name, numbers[t][1], numbers[t][0]);
            if (numbers[t][1] >= 0 && numbers[t][0] >= 0 && cases[t][1].check != cases[t][0].check) {
                fprintf(stderr, "%s: other features than in memory\n", name);
                return 1;
            }
            for (int file = 0; file < 2; file++)
                if (cases[t][file].beyond > most) most = cases[t][file].beyond;
        }
        cepman_dataset_unref(frames[kind]);
    }
    printf("%zu frames, %.1f GB; at most %.1f MB beyond the features\n", n, (double)n * PIXELS * 4e-9,
           (double)most * 1e-6);
    cepman_dataset_unref(frames[0]);
    cepman_cepstrum_unref(cepstrum);
    cepman_context_unref(ctx);
    free(data);
    return bench_end(b);
}
