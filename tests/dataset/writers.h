/* Small files of the recording formats (Gatan, TVIPS, Norpix), written byte by byte after their layouts, for the tests of
 * the readers and as seeds of the fuzz targets. */
#ifndef WRITERS_H
#define WRITERS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes go to a buffer of the caller's; what does not fit is left out and n goes on. */
typedef struct out {
    uint8_t *to;
    size_t room, n;
} out;

static inline void out_bytes(out *o, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++, o->n++)
        if (o->n < o->room) o->to[o->n] = ((const uint8_t *)data)[i];
}

static inline void out_number(out *o, uint64_t value, size_t size, int big)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t c = (uint8_t)(value >> 8 * (big ? size - 1 - i : i));
        out_bytes(o, &c, 1);
    }
}

static inline void out_fill(out *o, uint8_t value, size_t count)
{
    while (count--)
        out_bytes(o, &value, 1);
}

/* ---- Gatan ------------------------------------------------------------------------------------------------------- */

typedef struct dm_shape {
    int version;                /* 3 or 4 */
    int big;                    /* numbers are big-endian */
    unsigned type, code, bytes; /* DataType, the type's code in the tags, bytes of a number */
    unsigned axes, size[5];     /* the fastest first */
    int swapped;                /* Data Order Swapped; -1: no tag, 2: as a text */
    const char *format;         /* NULL: no tag */
    const char *scan_unit, *frame_unit;
    int preview;        /* a thumbnail before the image */
    unsigned structure; /* an array of structures among the tags */
} dm_shape;

static inline void dm_count(out *o, const dm_shape *d, uint64_t v)
{
    out_number(o, v, d->version == 4 ? 8 : 4, 1);
}

/* Type (20 group, 21 value), name; the length of version 4 is put in by dm_end(). Returns its place. */
static inline size_t dm_tag(out *o, const dm_shape *d, int kind, const char *name)
{
    out_number(o, (unsigned)kind, 1, 1);
    out_number(o, strlen(name), 2, 1);
    out_bytes(o, name, strlen(name));
    if (d->version == 4) out_number(o, 0, 8, 1);
    return o->n;
}

static inline void dm_end(out *o, const dm_shape *d, size_t tag)
{
    for (size_t i = 0; d->version == 4 && i < 8 && tag <= o->room; i++)
        o->to[tag - 8 + i] = (uint8_t)((uint64_t)(o->n < o->room ? o->n - tag : 0) >> 8 * (7 - i));
}

static inline void dm_group(out *o, const dm_shape *d, unsigned tags)
{
    out_number(o, 1, 1, 1);
    out_number(o, 0, 1, 1);
    dm_count(o, d, tags);
}

static inline void dm_value(out *o, const dm_shape *d, const char *name, unsigned code, uint64_t bits,
                            size_t size)
{
    size_t tag = dm_tag(o, d, 21, name);
    out_bytes(o, "%%%%", 4);
    dm_count(o, d, 1);
    dm_count(o, d, code);
    out_number(o, bits, size, d->big);
    dm_end(o, d, tag);
}

static inline void dm_float(out *o, const dm_shape *d, const char *name, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    dm_value(o, d, name, 6, bits, 4);
}

/* An array of u16: a text. */
static inline void dm_text(out *o, const dm_shape *d, const char *name, const char *text)
{
    size_t tag = dm_tag(o, d, 21, name);
    out_bytes(o, "%%%%", 4);
    dm_count(o, d, 3);
    dm_count(o, d, 20);
    dm_count(o, d, 4);
    dm_count(o, d, strlen(text));
    for (; *text; text++)
        out_number(o, (unsigned char)*text, 2, d->big);
    dm_end(o, d, tag);
}

/* ImageData with `count` numbers of value(i). */
static inline void dm_image(out *o, const dm_shape *d, unsigned type, unsigned code, unsigned size_of,
                            unsigned axes, const unsigned *size, uint64_t (*value)(size_t))
{
    size_t count = 1, tag = dm_tag(o, d, 20, "ImageData"), inner;
    for (unsigned i = 0; i < axes; i++)
        count *= size[i];
    dm_group(o, d, 5);
    inner = dm_tag(o, d, 20, "Calibrations");
    dm_group(o, d, 1);
    size_t list = dm_tag(o, d, 20, "Dimension");
    dm_group(o, d, axes);
    for (unsigned i = 0; i < axes; i++) {
        int frame = axes < 4 || d->swapped == 1 || d->swapped == 2 ? i < 2 : i >= 2;
        size_t axis = dm_tag(o, d, 20, "");
        dm_group(o, d, 3);
        dm_float(o, d, "Origin", 0);
        dm_float(o, d, "Scale", frame ? 0.25f : 2.5f);
        dm_text(o, d, "Units",
                (frame ? d->frame_unit : d->scan_unit) ? (frame ? d->frame_unit : d->scan_unit) : "");
        dm_end(o, d, axis);
    }
    dm_end(o, d, list);
    dm_end(o, d, inner);
    inner = dm_tag(o, d, 21, "Data");
    out_bytes(o, "%%%%", 4);
    dm_count(o, d, 3);
    dm_count(o, d, 20);
    dm_count(o, d, code);
    dm_count(o, d, count);
    for (size_t i = 0; i < count; i++)
        out_number(o, value(i), size_of, d->big);
    dm_end(o, d, inner);
    dm_value(o, d, "DataType", 5, type, 4);
    inner = dm_tag(o, d, 20, "Dimensions");
    dm_group(o, d, axes);
    for (unsigned i = 0; i < axes; i++)
        dm_value(o, d, "", 5, size[i], 4);
    dm_end(o, d, inner);
    dm_value(o, d, "PixelDepth", 5, size_of, 4);
    dm_end(o, d, tag);
}

static inline uint64_t dm_zero(size_t i)
{
    (void)i;
    return 0;
}

/* The file; number i of the array is value(i). */
static inline void dm_file(out *o, const dm_shape *d, uint64_t (*value)(size_t))
{
    static const unsigned small[] = {3, 2};
    out_number(o, (unsigned)d->version, 4, 1);
    dm_count(o, d, 0);
    out_number(o, !d->big, 4, 1);
    dm_group(o, d, d->structure ? 3 : 2);
    dm_value(o, d, "ApplicationBounds", 3, 7, 4);
    if (d->structure) { /* arrays and single structures of two shorts, and a string */
        size_t tag = dm_tag(o, d, 21, "CLUT");
        out_bytes(o, "%%%%", 4);
        static const uint64_t array[] = {20, 15, 0, 2, 0, 2, 0, 2};
        dm_count(o, d, 9);
        for (size_t i = 0; i < 8; i++)
            dm_count(o, d, array[i]);
        dm_count(o, d, d->structure);
        out_fill(o, 0, 4 * (size_t)d->structure);
        dm_end(o, d, tag);
    }
    size_t list = dm_tag(o, d, 20, "ImageList");
    dm_group(o, d, d->preview ? 2 : 1);
    if (d->preview) {
        size_t image = dm_tag(o, d, 20, "");
        dm_group(o, d, 1);
        dm_image(o, d, 23, 5, 4, 2, small, dm_zero);
        dm_end(o, d, image);
    }
    size_t image = dm_tag(o, d, 20, "");
    dm_group(o, d, 2);
    dm_image(o, d, d->type, d->code, d->bytes, d->axes, d->size, value);
    size_t tags = dm_tag(o, d, 20, "ImageTags");
    dm_group(o, d, 1);
    size_t meta = dm_tag(o, d, 20, "Meta Data");
    dm_group(o, d, (unsigned)(d->swapped >= 0) + (d->format != NULL));
    if (d->swapped == 2) dm_text(o, d, "Data Order Swapped", "true");
    if (d->swapped == 0 || d->swapped == 1) dm_value(o, d, "Data Order Swapped", 8, (unsigned)d->swapped, 1);
    if (d->format) dm_text(o, d, "Format", d->format);
    dm_end(o, d, meta);
    dm_end(o, d, tags);
    dm_end(o, d, image);
    dm_end(o, d, list);
    out_fill(o, 0, 8);
}

/* ---- TVIPS ------------------------------------------------------------------------------------------------------- */

/* Images first .. first+count-1 of a recording, with the file's header when first is 0. */
static inline void tvips_file(out *o, unsigned version, unsigned width, unsigned height, unsigned bits,
                              unsigned header, unsigned first, unsigned count, uint64_t (*value)(size_t))
{
    if (first == 0) {
        const unsigned words[] = {256, version, width, height, bits, 0, 0, 1, 1, 31, 200, 0, header};
        for (size_t i = 0; i < 13; i++)
            out_number(o, words[i], 4, 0);
        for (size_t i = 52; i < 256; i++)
            out_bytes(o, &"TVIPS "[i % 6], 1);
    }
    for (size_t i = first; i < first + count; i++) {
        out_number(o, i, 4, 0);
        out_fill(o, 0x5a, (version == 1 ? 12 : header) - 4);
        for (size_t p = 0; p < (size_t)width * height; p++)
            out_number(o, value(i * width * height + p), bits / 8, 0);
    }
}

/* ---- Norpix ------------------------------------------------------------------------------------------------------ */

static inline void seq_file(out *o, unsigned version, unsigned width, unsigned height, unsigned bits,
                            unsigned allocated, unsigned count, unsigned after, uint64_t (*value)(size_t))
{
    const unsigned size_of = width * height * (bits / 8);
    size_t start = o->n;
    out_number(o, 0xfeed, 4, 0);
    for (size_t i = 0; i < 12; i++)
        out_number(o, (unsigned char)"Norpix seq\0\0"[i], 2, 0);
    out_number(o, version, 4, 0);
    out_number(o, 1024, 4, 0);
    out_fill(o, 0, 512);
    const unsigned words[] = {width, height, bits, bits, size_of, 100, allocated, 0, size_of + after};
    for (size_t i = 0; i < 9; i++)
        out_number(o, words[i], 4, 0);
    out_fill(o, 0, (version >= 5 ? 8192 : 1024) - (o->n - start));
    for (size_t i = 0; i < count; i++) {
        for (size_t p = 0; p < (size_t)width * height; p++)
            out_number(o, value(i * width * height + p), bits / 8, 0);
        out_fill(o, 0x77, after);
    }
}

#endif
