/* Bench of reading: opening and streaming each format beside what `cat FILE > /dev/null` does with the same bytes, in the
 * page cache and out of it; and HDF5 chunks of several shapes, of which each must be decoded once.
 * The files are made here, about 64 MB each, in a folder of TMPDIR. Out of the cache: POSIX_FADV_DONTNEED before each run,
 * which the timing leaves to. Must not: time what it does not also verify. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef CEP_BENCH_HDF5
#include <hdf5.h>
#endif

#include <cepman/cepman.h>

#include "../tests/dataset/writers.h"
#include "harness.h"

#define NEED(expression)                                                                                     \
    do {                                                                                                     \
        if (expression) {                                                                                    \
            fprintf(stderr, "%s: %s\n", #expression, cepman_context_error(ctx));                             \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

enum { ROWS = 16, COLUMNS = 32, FRAMES = ROWS * COLUMNS, SIDE = 256, PIXELS = SIDE * SIDE, CAT = 128 << 10 };

static cepman_context *ctx;
static char folder[300];
static uint16_t *frame_of; /* scratch: a frame */

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

static uint16_t pixel(size_t frame, size_t p)
{
    return (uint16_t)((frame * 31 + p * 7 + p / SIDE * 13) % 4093);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

typedef struct file {
    const char *name; /* of the case */
    char path[400];   /* what is opened */
    const char *options[8];
    size_t frame_bytes, frames;
    int zarr;
} file;

static FILE *begin(file *f, const char *name)
{
    snprintf(f->path, sizeof f->path, "%s/%s", folder, name);
    return need(fopen(f->path, "wb"));
}

static void put(FILE *to, const void *data, size_t size)
{
    if (size && fwrite(data, 1, size, to) != size) exit(1);
}

static void finish(FILE *to)
{
    if (fflush(to) || fsync(fileno(to)) || fclose(to)) exit(1);
}

static const uint16_t *frame_at(size_t i, int big)
{
    for (size_t p = 0; p < PIXELS; p++) {
        const uint16_t v = pixel(i, p);
        frame_of[p] = big ? (uint16_t)(v >> 8 | v << 8) : v;
    }
    return frame_of;
}

/* Frames with a header and a trailer each, after what is there already. */
static void put_frames(FILE *to, const void *header, size_t header_size, size_t trailer, int big)
{
    static const unsigned char zeros[1024];
    for (size_t i = 0; i < FRAMES; i++) {
        put(to, header, header_size);
        put(to, frame_at(i, big), 2 * PIXELS);
        put(to, zeros, trailer);
    }
}

static void make_npy(file *f)
{
    char head[128];
    memset(head, ' ', sizeof head);
    memcpy(head, "\x93NUMPY\1\0v\0", 10);
    int n = snprintf(head + 10, 117, "{'descr': '<u2', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }",
                     ROWS, COLUMNS, SIDE, SIDE);
    head[10 + n] = ' ';
    head[127] = '\n';
    FILE *to = begin(f, "a.npy");
    put(to, head, sizeof head);
    put_frames(to, NULL, 0, 0, 0);
    finish(to);
}

static void make_raw(file *f)
{
    static const char *const options[] = {"format",    "raw", "raw-height", "256",
                                          "raw-width", "256", "raw-gap",    "1024"};
    memcpy(f->options, options, sizeof options);
    FILE *to = begin(f, "a.bin");
    put_frames(to, NULL, 0, 1024, 0);
    finish(to);
}

static void make_mib(file *f)
{
    char head[384] = {0};
    snprintf(head, sizeof head,
             "MQ1,000001,00384,01,0256,0256,U16,   1x1,01,2021-05-07 18:51:10.000001,0.1,0,MQ1A,"
             "2021-05-07T16:51:10.000001000Z,1000ns,12,");
    /* Told, or read in the .hdr: without either the time stamps of all frames are looked at first. */
    f->options[0] = "scan-columns";
    f->options[1] = "32";
    FILE *to = begin(f, "a.mib");
    put_frames(to, head, sizeof head, 0, 1);
    finish(to);
}

static void make_blo(file *f)
{
    unsigned char head[300] = "IMGBLO\2\1", mark[6] = {0xaa, 0x55};
    const struct {
        size_t at, size;
        unsigned value;
    } fields[] = {{8, 4, 64}, {12, 4, 300}, {20, 2, SIDE}, {24, 2, 2 * COLUMNS}, {26, 2, ROWS}};
    for (size_t k = 0; k < 5; k++)
        for (size_t b = 0; b < fields[k].size; b++)
            head[fields[k].at + b] = (unsigned char)(fields[k].value >> 8 * b);
    FILE *to = begin(f, "a.blo");
    put(to, head, sizeof head);
    for (size_t i = 0; i < FRAMES; i++) {
        const unsigned char *pixels = (const unsigned char *)frame_at(i, 0);
        for (size_t k = 0; k < 2; k++) {
            put(to, mark, sizeof mark);
            put(to, pixels + k * PIXELS, PIXELS);
        }
    }
    finish(to);
    f->frame_bytes = PIXELS;
    f->frames = 2 * FRAMES;
}

static void make_empad(file *f)
{
    char name[60];
    float *x = need(malloc(130 * 128 * sizeof *x));
    snprintf(name, sizeof name, "scan_x%d_y%d.raw", COLUMNS, 2 * ROWS);
    FILE *to = begin(f, name);
    for (size_t i = 0; i < 2 * FRAMES; i++) {
        for (size_t p = 0; p < 130 * 128; p++)
            x[p] = (float)pixel(i, p);
        put(to, x, 130 * 128 * sizeof *x);
    }
    finish(to);
    free(x);
    f->frame_bytes = 128 * 128 * 4;
    f->frames = 2 * FRAMES;
}

static uint64_t value_at(size_t i)
{
    return pixel(i / PIXELS, i % PIXELS);
}

/* Formats whose files the tests' writers make. */
static void make_by_writer(file *f, const char *name, int kind)
{
    const size_t room = (size_t)FRAMES * (2 * PIXELS + 100) + 20000;
    out o = {need(malloc(room)), room, 0};
    static const dm_shape shape = {
        4, 0, 10, 4, 2, 4, {SIDE, SIDE, COLUMNS, ROWS, 0}, 1, "Diffraction image", "nm", "1/nm", 1, 0};
    if (kind == 0) seq_file(&o, 5, SIDE, SIDE, 16, FRAMES, FRAMES, 8, value_at);
    if (kind == 1) tvips_file(&o, 2, SIDE, SIDE, 16, 60, 0, FRAMES, value_at);
    if (kind == 2) dm_file(&o, &shape, value_at);
    if (o.n > room) exit(1);
    FILE *stream = begin(f, name);
    put(stream, o.to, o.n);
    finish(stream);
    free(o.to);
}

static void make_zarr(file *f)
{
    char name[60], path[400];
    snprintf(path, sizeof path, "%s/a.zarr", folder);
    mkdir(path, 0755);
    FILE *to = begin(f, "a.zarr/.zarray");
    fprintf(to,
            "{\"zarr_format\": 2, \"shape\": [%d, %d, %d, %d], \"chunks\": [1, 4, %d, %d], \"dtype\": "
            "\"<u2\", \"compressor\": null,"
            " \"filters\": null, \"fill_value\": 0, \"order\": \"C\"}",
            ROWS, COLUMNS, SIDE, SIDE, SIDE, SIDE);
    finish(to);
    for (size_t i = 0; i < FRAMES; i++) {
        if (i % 4 == 0) {
            snprintf(name, sizeof name, "a.zarr/%zu.%zu.0.0", i / COLUMNS, i % COLUMNS / 4);
            to = begin(f, name);
        }
        put(to, frame_at(i, 0), 2 * PIXELS);
        if (i % 4 == 3) finish(to);
    }
    snprintf(f->path, sizeof f->path, "%s", path);
    f->zarr = 1;
}

/* An array in chunks; deflate: with shuffle and zlib's fastest. False in a build without HDF5. */
static int make_hdf5(file *f, const char *name, const unsigned *chunk, int deflate)
{
#ifdef CEP_BENCH_HDF5
    const hsize_t shape[] = {ROWS, COLUMNS, SIDE, SIDE}, chunks[] = {chunk[0], chunk[1], chunk[2], chunk[3]};
    snprintf(f->path, sizeof f->path, "%s/%s", folder, name);
    hid_t h = H5Fcreate(f->path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
          plist = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(4, shape, NULL);
    H5Pset_chunk(plist, 4, chunks);
    if (deflate) H5Pset_shuffle(plist);
    if (deflate) H5Pset_deflate(plist, 1);
    hid_t set = H5Dcreate2(h, "x", H5T_STD_U16LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    uint16_t *all = need(malloc((size_t)FRAMES * PIXELS * 2));
    for (size_t i = 0; i < FRAMES; i++)
        memcpy(all + i * PIXELS, frame_at(i, 0), 2 * PIXELS);
    if (set < 0 || H5Dwrite(set, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) < 0) exit(1);
    free(all);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plist);
    H5Fclose(h);
    return 1;
#else
    (void)f, (void)name, (void)chunk, (void)deflate;
    return 0;
#endif
}

/* ---- what is timed ----------------------------------------------------------------------------------------------- */

static void cat_file(const char *path, unsigned char *buffer, int null)
{
    int fd = open(path, O_RDONLY);
    ssize_t n;
    if (fd < 0) exit(1);
    while ((n = read(fd, buffer, CAT)) > 0)
        if (write(null, buffer, (size_t)n) != n) exit(1);
    close(fd);
}

/* Calls `what` for each file of the case. */
static void each_file(const file *f, void (*what)(const char *, unsigned char *, int), unsigned char *buffer,
                      int null)
{
    char path[460];
    if (!f->zarr) {
        what(f->path, buffer, null);
        return;
    }
    for (size_t i = 0; i < FRAMES; i += 4) {
        snprintf(path, sizeof path, "%s/%zu.%zu.0.0", f->path, i / COLUMNS, i % COLUMNS / 4);
        what(path, buffer, null);
    }
}

static void run_cat(void *argument)
{
    unsigned char *buffer = need(malloc(CAT));
    int null = open("/dev/null", O_WRONLY);
    each_file(argument, cat_file, buffer, null);
    close(null);
    free(buffer);
}

static cepman_dataset *open_it(const file *f)
{
    cepman_options *o = NULL;
    cepman_dataset *d = NULL;
    NEED(cepman_dataset_options_create(&o, ctx));
    for (size_t k = 0; k < 8 && f->options[k]; k += 2)
        NEED(cepman_options_parse(o, ctx, f->options[k], f->options[k + 1]));
    NEED(cepman_dataset_open(&d, ctx, f->path, o));
    cepman_options_unref(o);
    return d;
}

/* Opens and reads all frames, a megabyte at a time. */
static void stream_it(const file *f, uint64_t *sum)
{
    cepman_dataset *d = open_it(f);
    const size_t block = ((size_t)1 << 20) / f->frame_bytes;
    unsigned char *buffer = need(malloc(block * f->frame_bytes));
    if (cepman_dataset_frames(d) != f->frames) exit(1);
    for (size_t first = 0; first < f->frames; first += block) {
        const size_t n = f->frames - first < block ? f->frames - first : block;
        NEED(cepman_dataset_read(d, ctx, first, n, buffer, n * f->frame_bytes));
        for (size_t i = 0; sum && i < n * f->frame_bytes; i++)
            *sum += buffer[i] * (1 + (first * f->frame_bytes + i) % 251);
    }
    free(buffer);
    cepman_dataset_unref(d);
}

static void run_ours(void *argument)
{
    stream_it(argument, NULL);
}

static void drop(const char *path, unsigned char *buffer, int null)
{
    (void)buffer, (void)null;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)) exit(1);
    close(fd);
}

/* The best of five, in turns. */
static void out_of_cache(bench *b, file *f)
{
    double best[2] = {1e9, 1e9};
    char name[2][100], ratio[100];
    for (int turn = 0; turn < 5; turn++)
        for (int who = 0; who < 2; who++) {
            each_file(f, drop, NULL, 0);
            const double start = now();
            who ? run_ours(f) : run_cat(f);
            const double took = now() - start;
            if (took < best[who]) best[who] = took;
        }
    snprintf(name[0], sizeof name[0], "%s out of the cache: cat", f->name);
    snprintf(name[1], sizeof name[1], "%s out of the cache: cepman", f->name);
    snprintf(ratio, sizeof ratio, "%s out of the cache: cepman / cat", f->name);
    int cat = bench_add_measured(b, name[0], best[0] / (double)f->frames);
    int ours = bench_add_measured(b, name[1], best[1] / (double)f->frames);
    bench_ratio(b, ratio, ours, cat);
}

static void in_cache(bench *b, file *f)
{
    char name[2][100], ratio[100];
    snprintf(name[0], sizeof name[0], "%s in the cache: cat", f->name);
    snprintf(name[1], sizeof name[1], "%s in the cache: cepman", f->name);
    snprintf(ratio, sizeof ratio, "%s in the cache: cepman / cat", f->name);
    int cat = bench_add(b, name[0], run_cat, f, (double)f->frames);
    int ours = bench_add(b, name[1], run_ours, f, (double)f->frames);
    bench_measure(b);
    bench_ratio(b, ratio, ours, cat);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int kind;
    } kinds[] = {{"npy", 0}, {"raw", 1},   {"mib", 2}, {"blo", 3},  {"empad", 4},
                 {"seq", 5}, {"tvips", 6}, {"dm4", 7}, {"zarr", 8}, {"hdf5", 9}};
    static const struct {
        const char *name;
        unsigned chunk[4];
    } chunks[] = {{"deflate 1x1x256x256", {1, 1, 256, 256}},
                  {"deflate 1x1x16x16", {1, 1, 16, 16}},
                  {"deflate 8x8x256x256", {8, 8, 256, 256}},
                  {"deflate 16x16x16x16", {16, 16, 16, 16}}};
    bench *b = bench_begin("read", argc, argv);
    const char *where = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/cepman-bench-XXXXXX", where && where[0] ? where : "/tmp");
    if (!mkdtemp(folder)) return 1;
    frame_of = need(malloc(2 * PIXELS));
    if (cepman_context_create(&ctx, NULL)) return 1;
    uint64_t sum_of_all = 0; /* of the same frames in every format but EMPAD */
    for (size_t i = 0; i < FRAMES; i++) {
        const unsigned char *bytes = (const unsigned char *)frame_at(i, 0);
        for (size_t k = 0; k < 2 * PIXELS; k++)
            sum_of_all += bytes[k] * (1 + (i * 2 * PIXELS + k) % 251);
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        file f = {.name = kinds[k].name, .frame_bytes = 2 * PIXELS, .frames = FRAMES};
        const unsigned whole[] = {1, 1, SIDE, SIDE};
        if (!bench_wants(b, f.name)) continue;
        switch (kinds[k].kind) {
        case 0:
            make_npy(&f);
            break;
        case 1:
            make_raw(&f);
            break;
        case 2:
            make_mib(&f);
            break;
        case 3:
            make_blo(&f);
            break;
        case 4:
            make_empad(&f);
            break;
        case 5:
            make_by_writer(&f, "a.seq", 0);
            break;
        case 6:
            make_by_writer(&f, "a_000.tvips", 1);
            break;
        case 7:
            make_by_writer(&f, "a.dm4", 2);
            break;
        case 8:
            make_zarr(&f);
            break;
        default:
            if (!make_hdf5(&f, "a.h5", whole, 0)) continue;
        }
        uint64_t sum = 0;
        stream_it(&f, &sum);
        if (kinds[k].kind != 4 && sum != sum_of_all) {
            fprintf(stderr, "%s: other bytes than were written\n", f.name);
            return 1;
        }
        in_cache(b, &f);
        out_of_cache(b, &f);
        if (!f.zarr) remove(f.path);
    }
    file c[4];
    int number[4] = {-1, -1, -1, -1};
    for (size_t k = 0; k < 4; k++) {
        char name[60];
        c[k] = (file){.name = chunks[k].name, .frame_bytes = 2 * PIXELS, .frames = FRAMES};
        snprintf(name, sizeof name, "c%zu.h5", k);
        if (!bench_wants(b, c[k].name) || !make_hdf5(&c[k], name, chunks[k].chunk, 1)) continue;
        uint64_t sum = 0;
        stream_it(&c[k], &sum);
        if (sum != sum_of_all) return 1;
        number[k] = bench_add(b, c[k].name, run_ours, &c[k], FRAMES);
    }
    bench_measure(b);
    for (size_t k = 1; k < 4; k++) {
        char name[80];
        snprintf(name, sizeof name, "%s / %s", chunks[k].name, chunks[0].name);
        bench_ratio(b, name, number[k], number[0]);
    }
    char command[400];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    cepman_context_unref(ctx);
    free(frame_of);
    return system(command) ? 1 : bench_end(b);
}
