/* Loads the input as a .npy file of features and of labels. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cepman/matrix.h>

#include "fuzz.h"
#include "seeds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    cepman_context *ctx = NULL;
    cepman_matrix *m = NULL;
    cepman_labels *l = NULL;
    if (cepman_context_create(&ctx, NULL)) abort();
    cepman_context_set_memory_limit(ctx, (size_t)64 << 20);
    if (cepman_matrix_load(&m, ctx, path) && m) abort();
    if (cepman_labels_load(&l, ctx, path) && l) abort();
    volatile float last = 0; /* every row is read */
    for (size_t i = 0; i < cepman_matrix_rows(m); i++)
        last = cepman_matrix_row(m, i)[cepman_matrix_columns(m) - 1];
    (void)last;
    cepman_matrix_unref(m);
    cepman_labels_unref(l);
    cepman_context_unref(ctx);
    close(fd);
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    size_t n = seed_of("npy", index, data, room);
    for (size_t i = 1; i < n; i++) /* without the byte of options */
        data[i - 1] = data[i];
    return n ? n - 1 : 0;
}
