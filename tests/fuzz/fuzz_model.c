/* Loads the input as a model of UMAP and applies it to its own features. The first byte tells whether the sums are made
 * good before, so that what lies behind them is reached. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cepman/umap.h>

#include "file.h"
#include "fuzz.h"

static void store(uint8_t *to, uint64_t value)
{
    for (size_t i = 0; i < 8; i++, value >>= 8)
        to[i] = (uint8_t)value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    size_t length = size - 1;
    uint8_t *file = malloc(size);
    if (!file) abort();
    memcpy(file, data + 1, length);
    if ((data[0] & 1) && length >= CEP_UMAP_FILE_HEADER + 8) {
        store(file + CEP_UMAP_FILE_HEADER - 8, cep_umap_sum(0, file, CEP_UMAP_FILE_HEADER - 8));
        store(file + length - 8, cep_umap_sum(0, file, length - 8));
    }
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, file, length) != (ssize_t)length) abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    cepman_context *ctx = NULL;
    cepman_umap *u = NULL;
    cepman_matrix *places = NULL;
    if (cepman_context_create(&ctx, NULL)) abort();
    cepman_context_set_memory_limit(ctx, (size_t)64 << 20);
    if (cepman_umap_load(&u, ctx, path) && u) abort();
    if (u && cepman_umap_features(u) && cepman_umap_apply(&places, ctx, u, cepman_umap_features(u)) && places)
        abort();
    cepman_matrix_unref(places);
    cepman_umap_unref(u);
    cepman_context_unref(ctx);
    close(fd);
    free(file);
    return 0;
}

/* A model of few points, as a file. */
static size_t make(const char *const *pairs, size_t n, uint8_t *data, size_t room)
{
    static const char path[] = "fuzz_model.seed";
    float x[40 * 3];
    size_t size = 0;
    cepman_context *ctx = NULL;
    cepman_options *o = NULL;
    cepman_matrix *m = NULL;
    cepman_umap *u = NULL;
    char folder[] = "/tmp/fuzz-model-XXXXXX", full[64];
    for (size_t i = 0; i < n * 3; i++)
        x[i] = (float)(i * i % 17) + 0.01f * (float)i;
    if (!mkdtemp(folder) || cepman_context_create(&ctx, NULL)) abort();
    snprintf(full, sizeof full, "%s/%s", folder, path);
    if (cepman_umap_options_create(&o, ctx)) abort();
    for (; *pairs; pairs += 2)
        if (cepman_options_parse(o, ctx, pairs[0], pairs[1])) abort();
    if (cepman_matrix_copy(&m, ctx, x, n, 3, 3) || cepman_umap_fit(&u, ctx, m, o) ||
        cepman_umap_save(u, ctx, full))
        abort();
    FILE *f = fopen(full, "rb");
    if (!f) abort();
    size = fread(data, 1, room, f);
    fclose(f);
    unlink(full);
    rmdir(folder);
    cepman_umap_unref(u);
    cepman_matrix_unref(m);
    cepman_options_unref(o);
    cepman_context_unref(ctx);
    return size;
}

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    static const char *const sets[][7] = {
        {"epochs", "2", "neighbors", "3", NULL},
        {"epochs", "2", "neighbors", "3", "dims", "2", NULL},
        {"epochs", "2", "neighbors", "4", "disconnection-distance", "2", NULL}};
    static const size_t points[] = {12, 1, 40};
    if (index >= 4) return 0;
    data[0] = index < 3; /* the last with its own sums */
    return 1 + make(sets[index % 3], points[index % 3], data + 1, room - 1);
}
