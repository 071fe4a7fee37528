/* Opens the input as a file of FORMAT and reads frames through views. The first byte chooses options; bytes 1 to 4 also
 * say how a raw file lies. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cepman/dataset.h>

#include "fuzz.h"
#include "seeds.h"

static void read_some(cepman_context *ctx, cepman_dataset *d)
{
    size_t pixels = cepman_dataset_height(d) * cepman_dataset_width(d), n = cepman_dataset_available(d);
    if (pixels > (size_t)1 << 20) return;
    float *x = malloc(pixels * sizeof *x);
    if (!x) return;
    for (size_t i = 0; i < n && i < 3; i++)
        cepman_dataset_read_f32(d, ctx, i, 1, x, pixels);
    if (n) cepman_dataset_read_f32(d, ctx, n - 1, 1, x, pixels);
    free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1)) abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    cepman_context *ctx = NULL;
    cepman_options *o = NULL;
    cepman_dataset *d = NULL, *v = NULL;
    if (cepman_context_create(&ctx, NULL)) abort();
    cepman_context_set_memory_limit(ctx, (size_t)64 << 20);
    if (cepman_dataset_options_create(&o, ctx)) abort();
    cepman_options_set_text(o, ctx, "format", FORMAT);
    cepman_options_set_flag(o, ctx, "salvage", data[0] & 1);
    cepman_options_set_flag(o, ctx, "follow", data[0] >> 1 & 1);
    cepman_options_set_flag(o, ctx, "flip", data[0] >> 2 & 1);
    cepman_options_set_integer(o, ctx, "flyback", data[0] >> 3 & 1);
    cepman_options_set_integer(o, ctx, "scan-columns", data[0] >> 4 & 3);
    cepman_options_set_integer(o, ctx, "scan-rows", data[0] >> 6);
    if (strcmp(FORMAT, "raw") == 0 && size > 5) {
        static const char *const types[] = {"u8", "i8", "u16", "i16", "u32", "i32", "i64", "f32", "f64"};
        cepman_options_set_text(o, ctx, "raw-type", types[data[1] % 9]);
        cepman_options_set_text(o, ctx, "raw-order", data[1] & 0x80 ? "big" : "little");
        cepman_options_set_integer(o, ctx, "raw-height", data[2]);
        cepman_options_set_integer(o, ctx, "raw-width", data[3]);
        cepman_options_set_integer(o, ctx, "raw-offset", data[4] & 15);
        cepman_options_set_integer(o, ctx, "raw-gap", data[4] >> 4);
    }
    cepman_options_set_text(o, ctx, "dm-order", data[0] >> 3 & 1 ? "scan" : "auto");
    cepman_options_set_integer(o, ctx, "skip", data[0] >> 2 & 1);
    cepman_status s = cepman_dataset_open(&d, ctx, path, o);
    if (s) {
        if (d || strlen(cepman_context_error(ctx)) < 10)
            abort(); /* a failure leaves a sentence and nothing else */
    } else {
        read_some(ctx, d);
        if (!cepman_dataset_view_binned(&v, ctx, d, 2)) read_some(ctx, v);
    }
    cepman_dataset_unref(v);
    cepman_dataset_unref(d);
    cepman_options_unref(o);
    if (cepman_context_memory_used(ctx) > 65536) abort(); /* all that is left is the context */
    cepman_context_unref(ctx);
    close(fd);
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    return seed_of(FORMAT, index, data, room);
}
