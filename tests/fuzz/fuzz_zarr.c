/* A Zarr store of one array: up to the first 0 byte the text of .zarray, then the bytes of each chunk that is asked for (the
 * first byte chooses which are missing). Opens it, reads frames; the store's folder is the process's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cepman/dataset.h>

#include "fuzz.h"

static char folder[300];

static void tidy(void)
{
    static const char *const names[] = {".zarray", "0.0.0.0", "0.0.0", "0.0", "1.0.0.0", "0.1.0.0"};
    char path[340];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
    rmdir(folder);
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
    char path[340];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f)) abort();
}

static void read_some(cepman_context *ctx, cepman_dataset *d)
{
    size_t pixels = cepman_dataset_height(d) * cepman_dataset_width(d), n = cepman_dataset_available(d);
    if (pixels > (size_t)1 << 18) return;
    float *x = malloc(pixels * sizeof *x);
    if (!x) return;
    for (size_t i = 0; i < n && i < 3; i++)
        cepman_dataset_read_f32(d, ctx, i, 1, x, pixels);
    if (n) cepman_dataset_read_f32(d, ctx, n - 1, 1, x, pixels);
    free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const chunks[] = {"0.0.0.0", "0.0.0", "0.0", "1.0.0.0", "0.1.0.0"};
    if (size < 1) return 0;
    if (!folder[0]) {
        const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%.200s/cepman-fuzz-XXXXXX", where && where[0] ? where : "/tmp");
        if (!mkdtemp(folder)) abort();
        atexit(tidy);
    }
    const uint8_t *end = memchr(data + 1, 0, size - 1);
    const size_t text = end ? (size_t)(end - data) - 1 : size - 1;
    write_file(".zarray", data + 1, text);
    for (size_t i = 0; i < 5; i++) {
        char path[340];
        snprintf(path, sizeof path, "%s/%s", folder, chunks[i]);
        if (end && !(data[0] >> i & 1))
            write_file(chunks[i], end + 1, size - text - 2);
        else
            remove(path);
    }
    cepman_context *ctx = NULL;
    cepman_dataset *d = NULL;
    if (cepman_context_create(&ctx, NULL)) abort();
    cepman_context_set_memory_limit(ctx, (size_t)64 << 20);
    cepman_status s = cepman_dataset_open(&d, ctx, folder, NULL);
    if (s && (d || strlen(cepman_context_error(ctx)) < 10)) abort();
    if (!s) read_some(ctx, d);
    cepman_dataset_unref(d);
    if (cepman_context_memory_used(ctx) > 65536) abort();
    cepman_context_unref(ctx);
    return 0;
}

/* Small chunks as the compressors of Python's numcodecs write them: 12 numbers u16, 0 3 6 .. 33. */
static const uint8_t plain[] = {0,  0, 3,  0, 6,  0, 9,  0, 12, 0, 15, 0,
                                18, 0, 21, 0, 24, 0, 27, 0, 30, 0, 33, 0};
static const uint8_t zlib_chunk[] = {120, 1,   99,  96,  96, 102, 96,  99,  224, 100, 224,
                                     97,  224, 103, 16,  98, 16,  101, 144, 96,  144, 102,
                                     144, 99,  80,  100, 0,  0,   6,   204, 0,   199};
static const uint8_t gzip_chunk[] = {31,  139, 8,   0,   46, 133, 12,  107, 4,   255, 99,  96,  96, 102, 96,
                                     99,  224, 100, 224, 97, 224, 103, 16,  98,  16,  101, 144, 96, 144, 102,
                                     144, 99,  80,  100, 0,  0,   32,  81,  157, 204, 24,  0,   0,  0};
static const uint8_t zstd_chunk[] = {40, 181, 47, 253, 32, 24, 193, 0, 0,  0, 0,  3, 0,  6, 0,  9, 0,
                                     12, 0,   15, 0,   18, 0,  21,  0, 24, 0, 27, 0, 30, 0, 33, 0};
static const uint8_t lz4_chunk[] = {24, 0,  0, 0,  240, 9,  0, 0,  3, 0,  6, 0,  9, 0,  12,
                                    0,  15, 0, 18, 0,   21, 0, 24, 0, 27, 0, 30, 0, 33, 0};
static const uint8_t blosc_chunk[] = {2, 1, 51, 2, 24, 0, 0,  0, 24, 0, 0,  0, 40, 0, 0,  0, 0,  0, 3,  0,
                                      6, 0, 9,  0, 12, 0, 15, 0, 18, 0, 21, 0, 24, 0, 27, 0, 30, 0, 33, 0};

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    static const struct {
        const char *compressor, *more;
        const uint8_t *chunk;
        size_t size;
        uint8_t missing;
    } seeds[] = {
        {"null", "\"fill_value\": 7", plain, sizeof plain, 2},
        {"{\"id\": \"zlib\", \"level\": 1}", "\"fill_value\": 0", zlib_chunk, sizeof zlib_chunk, 0},
        {"{\"id\": \"gzip\", \"level\": 1}", "\"fill_value\": null", gzip_chunk, sizeof gzip_chunk, 0},
        {"{\"id\": \"zstd\", \"level\": 1}", "\"dimension_separator\": \".\"", zstd_chunk, sizeof zstd_chunk,
         0},
        {"{\"id\": \"lz4\", \"acceleration\": 1}", "\"fill_value\": \"0\"", lz4_chunk, sizeof lz4_chunk, 0},
        {"{\"id\": \"blosc\", \"cname\": \"lz4\"}", "\"fill_value\": 0", blosc_chunk, sizeof blosc_chunk, 1}};
    if (index >= sizeof seeds / sizeof *seeds) return 0;
    data[0] = seeds[index].missing;
    int n = snprintf(
        (char *)data + 1, room - 1,
        "{\"zarr_format\": 2, \"shape\": [2, 2, 3, 4], \"chunks\": [1, 1, 3, 4], \"dtype\": \"<u2\", "
        "\"compressor\": %s, \"filters\": null, %s, \"order\": \"C\"}",
        seeds[index].compressor, seeds[index].more);
    memcpy(data + 2 + n, seeds[index].chunk, seeds[index].size);
    return 2 + (size_t)n + seeds[index].size;
}
