/* Small files of each format, made in memory, for the tests of the readers. */
#ifndef FILES_H
#define FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "support.h"

/* A growing buffer. */
typedef struct bytes {
    unsigned char *data;
    size_t size, room;
} bytes;

static inline void put(bytes *b, const void *data, size_t size)
{
    if (b->size + size > b->room) {
        b->room = 2 * (b->size + size);
        b->data = realloc(b->data, b->room);
        ck_assert_ptr_nonnull(b->data);
    }
    if (size) memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void put_little(bytes *b, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++, value >>= 8) {
        unsigned char c = (unsigned char)value;
        put(b, &c, 1);
    }
}

static inline void put_big(bytes *b, uint64_t value, size_t size)
{
    for (size_t i = size; i-- > 0;) {
        unsigned char c = (unsigned char)(value >> 8 * i);
        put(b, &c, 1);
    }
}

static inline void put_fill(bytes *b, unsigned char c, size_t count)
{
    while (count--)
        put(b, &c, 1);
}

static inline void put_f64(bytes *b, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_little(b, bits, 8);
}

static inline void drop(bytes *b)
{
    free(b->data);
    *b = (bytes){0};
}

/* A reproducible pixel: any bits, by position. */
static inline uint64_t pixel_at(size_t frame, size_t pixel)
{
    uint64_t x = frame * 1000003u + pixel + 1;
    x *= 0x9e3779b97f4a7c15u;
    return x ^ x >> 29;
}

/* ---- .npy
 * --------------------------------------------------------------------------------------------------- */

static inline bytes make_npy(const char *descr, const char *shape, bool fortran, size_t count, size_t size,
                             bool big, int version)
{
    bytes b = {0};
    char dict[200];
    int n = snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr,
                     fortran ? "True" : "False", shape);
    size_t start = version == 1 ? 10 : 12, total = (start + (size_t)n + 1 + 63) / 64 * 64;
    put(&b, "\x93NUMPY", 6);
    put_little(&b, (uint64_t)version, 2);
    put_little(&b, total - start, start - 8);
    put(&b, dict, (size_t)n);
    put_fill(&b, ' ', total - start - (size_t)n - 1);
    put_fill(&b, '\n', 1);
    for (size_t i = 0; i < count; i++)
        big ? put_big(&b, pixel_at(0, i), size) : put_little(&b, pixel_at(0, i), size);
    return b;
}

/* ---- .blo
 * ---------------------------------------------------------------------------------------------------- */

static inline bytes make_blo(size_t rows, size_t columns, size_t side, size_t patterns)
{
    bytes b = {0};
    put(&b, "IMGBLO", 6);
    put_little(&b, 0x0102, 2);
    put_little(&b, 100, 4); /* bright field */
    put_little(&b, patterns, 4);
    put_little(&b, 131135, 4);
    put_little(&b, side, 2);
    put_little(&b, 0, 2);
    put_little(&b, columns, 2);
    put_little(&b, rows, 2);
    put_little(&b, 0, 2);
    put_f64(&b, 12.5);
    put_f64(&b, 12.5);
    put_little(&b, 200000, 4);
    put_little(&b, 6226, 2);
    put_little(&b, 2000, 4);
    put_f64(&b, 42339.5);
    put_fill(&b, 0, patterns - b.size);
    for (size_t i = 0; i < rows * columns; i++) {
        put(&b, "\xaa\x55", 2);
        put_little(&b, i, 4);
        for (size_t p = 0; p < side * side; p++)
            put_little(&b, pixel_at(i, p), 1);
    }
    return b;
}

/* ---- EMPAD
 * --------------------------------------------------------------------------------------------------- */

/* Pixel p of frame i holds the float i * 20000 + p; footers hold -1. */
static inline bytes make_empad(size_t frames)
{
    bytes b = {0};
    for (size_t i = 0; i < frames; i++)
        for (size_t p = 0; p < 130 * 128; p++) {
            float v = p < 128 * 128 ? (float)(i * 20000 + p) : -1.0f;
            uint32_t bits;
            memcpy(&bits, &v, 4);
            put_little(&b, bits, 4);
        }
    return b;
}

/* ---- Merlin
 * -------------------------------------------------------------------------------------------------- */

typedef struct mib_shape {
    size_t frames, width, height, size; /* size: bytes of a pixel */
    size_t header, chips;
    const char *layout;
    size_t row;    /* a longer interval after every row frames; 0: none */
    double gap;    /* by this many microseconds */
    size_t jitter; /* nanoseconds */
} mib_shape;

static inline bytes make_mib(const mib_shape *m)
{
    bytes b = {0};
    uint64_t time = 0; /* ns after 23:59:59 */
    for (size_t i = 0; i < m->frames; i++) {
        char text[1200];
        uint64_t second = 59 + time / 1000000000, day = 28;
        unsigned hour = 23, minute = 59;
        if (second > 59) { /* over midnight, into March of a year that is no leap year */
            second -= 60;
            hour = minute = 0;
            day = 1;
        }
        int n = snprintf(text, sizeof text,
                         "MQ1,%06zu,%05zu,%02zu,%04zu,%04zu,U%02zu,   %s,01,2021-%02d-%02u "
                         "%02u:%02u:%02u.%06u,0.001000,0,0,0,"
                         "1.2E+1,5.11E+2,3RX,023,511,MQ1A,2021-%02d-%02uT%02u:%02u:%02u.%09uZ,1000000ns,%zu,",
                         i + 1, m->header, m->chips, m->width, m->height, m->size * 8, m->layout,
                         day == 28 ? 2 : 3, (unsigned)day, hour, minute, (unsigned)second,
                         (unsigned)(time % 1000000000 / 1000), day == 28 ? 2 : 3, (unsigned)day, hour, minute,
                         (unsigned)second, (unsigned)(time % 1000000000),
                         m->size == 1   ? (size_t)6
                         : m->size == 2 ? (size_t)12
                                        : (size_t)24);
        ck_assert_int_lt(n, (int)m->header);
        put(&b, text, (size_t)n);
        put_fill(&b, 0, m->header - (size_t)n);
        for (size_t p = 0; p < m->width * m->height; p++)
            put_big(&b, pixel_at(i, p), m->size);
        time += 1850000 + (m->jitter ? pixel_at(7, i) % m->jitter : 0);
        if (m->row && (i + 1) % m->row == 0) time += (uint64_t)(m->gap * 1000);
    }
    return b;
}

/* ---- checks
 * ---------------------------------------------------------------------------------------------------- */

static inline cepman_options *options_of(cepman_context *ctx, const char *const *pairs)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_dataset_options_create(&o, ctx));
    for (; pairs && pairs[0]; pairs += 2)
        assert_good(ctx, cepman_options_parse(o, ctx, pairs[0], pairs[1]));
    return o;
}

/* Writes the bytes and opens them. */
static inline cepman_status open_bytes(cepman_dataset **d, cepman_context *ctx, const char *name,
                                       const bytes *b, const char *const *pairs)
{
    const char *path = support_path(name);
    remove(path); /* a file that is cut and written again is flushed to the disk by some file systems: slow */
    support_write(path, b->data, b->size);
    cepman_options *o = options_of(ctx, pairs);
    cepman_status s = cepman_dataset_open(d, ctx, path, o);
    cepman_options_unref(o);
    return s;
}

#define assert_shape(d, R, C, H, W)                                                                          \
    do {                                                                                                     \
        ck_assert_uint_eq(cepman_dataset_scan_rows(d), R);                                                   \
        ck_assert_uint_eq(cepman_dataset_scan_columns(d), C);                                                \
        ck_assert_uint_eq(cepman_dataset_height(d), H);                                                      \
        ck_assert_uint_eq(cepman_dataset_width(d), W);                                                       \
    } while (0)

/* All available frames, malloc'ed. */
static inline unsigned char *read_all(cepman_context *ctx, cepman_dataset *d)
{
    size_t size = cepman_dataset_available(d) * cep_dataset_frame_bytes(d);
    unsigned char *p = malloc(size + 1);
    ck_assert_ptr_nonnull(p);
    assert_good(ctx, cepman_dataset_read(d, ctx, 0, cepman_dataset_available(d), p, size));
    return p;
}

/* Opens the bytes cut at every length in [from, to) and damaged at every byte of it: each is read, or refused
 * with a sentence that names the file; nothing leaks and *d stays as it was. */
static inline void assert_hostile(const char *name, const bytes *b, size_t from, size_t to,
                                  const char *const *pairs)
{
    cepman_context *ctx = support_begin(1);
    cepman_context_set_memory_limit(ctx, (size_t)64 << 20);
    for (size_t at = from; at < to; at++)
        for (int what = 0; what < 5; what++) {
            static const unsigned char values[] = {0, 0xff, 0x7f, '9'};
            bytes copy = {0};
            put(&copy, b->data, what == 4 ? at : b->size);
            if (what < 4) copy.data[at] = values[what];
            cepman_dataset *d = NULL;
            cepman_status s = open_bytes(&d, ctx, name, &copy, pairs);
            if (s) {
                ck_assert_ptr_null(d);
                ck_assert_uint_gt(strlen(cepman_context_error(ctx)), 15);
            } else {
                size_t bytes_of = cep_dataset_frame_bytes(d), n = cepman_dataset_available(d);
                ck_assert_uint_le(bytes_of, copy.size * 8 +
                                                65536); /* packed bits at most, or a frame of another file */
                unsigned char *p = malloc(bytes_of);
                for (size_t i = 0; i < n && i < 50; i++) {
                    s = cepman_dataset_read(d, ctx, i, 1, p, bytes_of);
                    ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_FORMAT || s == CEPMAN_ERR_TRUNCATED);
                }
                free(p);
                cepman_dataset_unref(d);
            }
            drop(&copy);
        }
    support_end(ctx);
}

/* Every allocation of opening and reading made to fail in turn. */
static inline void assert_survives_allocation(const char *name, const bytes *b, const char *const *pairs)
{
    bool done = false;
    for (long at = 0; !done; at++) {
        cepman_context *ctx = support_begin(1);
        const char *path = support_path(name);
        support_write(path, b->data, b->size);
        cepman_options *o = options_of(ctx, pairs);
        cepman_dataset *d = NULL;
        support_fail_at(at);
        cepman_status s = cepman_dataset_open(&d, ctx, path, o);
        if (s) ck_assert_ptr_null(d);
        if (!s) {
            unsigned char *p = malloc(cep_dataset_frame_bytes(d));
            s = cepman_dataset_read(d, ctx, 0, 1, p, cep_dataset_frame_bytes(d));
            free(p);
        }
        support_fail_at(-1);
        assert_status(ctx, s == CEPMAN_ERR_MEMORY ? CEPMAN_OK : s, CEPMAN_OK);
        done = s == CEPMAN_OK;
        cepman_dataset_unref(d);
        cepman_options_unref(o);
        support_end(ctx);
        ck_assert_int_lt(at, 300);
    }
}

#endif
