/* TVIPS recordings (.tvips): a stream of camera images, each behind a header of its own, split over files _000, _001, ..
 * Layout: little-endian header (size, version, width, height, bits; bytes of an image's header in version 2); the files
 * after the first have no header. The scan is the caller's: the indices in the images' headers do not tell it safely.
 * Must not: leave out a file in the middle of a recording. */
#include <stdio.h>
#include <string.h>

#include "reader.h"

enum { HEADER_BYTES = 256, IMAGE_HEADER_1 = 12, MOST_FILES = 1000, ENDING = sizeof "_000.tvips" - 1 };

/* The number in "..._NNN.tvips"; -1: another name. */
static int number_of(const char *path)
{
    size_t n = strlen(path);
    const char *p = path + n - ENDING;
    int value = 0;
    if (n < ENDING || p[0] != '_' || (strcmp(p + 4, ".tvips") != 0 && strcmp(p + 4, ".TVIPS") != 0))
        return -1;
    for (int i = 1; i <= 3; i++) {
        if (p[i] < '0' || p[i] > '9') return -1;
        value = value * 10 + (p[i] - '0');
    }
    return value;
}

static bool tvips_probe(const cep_opening *o)
{
    const unsigned char *h = o->head;
    if (number_of(o->path) > 0) return true; /* has no header, and is refused in words */
    if (o->head_size < HEADER_BYTES) return false;
    uint32_t bits = cep_little32(h + 16);
    return cep_little32(h) == HEADER_BYTES && (cep_little32(h + 4) == 1 || cep_little32(h + 4) == 2) &&
           (bits == 8 || bits == 16 || bits == 32);
}

/* The files of the recording; *count of them, files[0] is the opening's. */
static cepman_status open_files(cep_opening *o, cep_file **files, size_t *count)
{
    *count = 1;
    files[0] = o->file;
    o->file = NULL;
    if (number_of(o->path) != 0) return CEPMAN_OK;
    char *path = cep_strdup(o->mem, o->path);
    if (!path) return cep_fault_memory(o->fault, o->mem, "a path", strlen(o->path) + 1, 1);
    size_t at = strlen(path) - ENDING + 1;
    cepman_status s = CEPMAN_OK;
    for (size_t i = 1; i < MOST_FILES; i++) {
        for (size_t k = 0, place = 100; k < 3; k++, place /= 10)
            path[at + k] = (char)('0' + i / place % 10);
        s = cep_series_next(o, path, &files[i]);
        if (s || !files[i]) break;
        *count = i + 1;
    }
    cep_free(o->mem, path);
    return s;
}

static cepman_status open_series(cep_opening *o, cep_file **files, size_t count, const cep_strides *first)
{
    cep_strides others = *first;
    others.offset = 0;
    o->promised = 0;
    for (size_t i = 0; i < count; i++) {
        const cep_strides *s = i ? &others : first;
        uint64_t size = cep_file_size(files[i]), data = size > s->offset ? size - s->offset : 0;
        if (data % s->stride && i + 1 < count)
            return cep_fault_set(
                o->fault, CEPMAN_ERR_TRUNCATED,
                "%s: %llu bytes after its last whole image, and the recording goes on in the next file",
                cep_file_path(files[i]), (unsigned long long)(data % s->stride));
        o->promised += data / s->stride + (data % s->stride > 0);
    }
    return cep_series_of_files(o, files, count, first, &others);
}

static cepman_status tvips_open(cep_opening *o)
{
    const unsigned char *h = o->head;
    if (number_of(o->path) > 0)
        return cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: a later part of a recording; open its first file, which ends in _000.tvips",
                             o->path);
    if (o->head_size < HEADER_BYTES)
        return cep_fault_set(o->fault, CEPMAN_ERR_TRUNCATED,
                             "%s: %zu bytes, the header of a TVIPS file has %d", o->path, o->head_size,
                             HEADER_BYTES);
    uint32_t size = cep_little32(h), version = cep_little32(h + 4), width = cep_little32(h + 8),
             height = cep_little32(h + 12), bits = cep_little32(h + 16), image_header = cep_little32(h + 48);
    if (size < 52 || size > 1 << 20 || version < 1 || version > 2)
        return cep_fault_set(
            o->fault, CEPMAN_ERR_FORMAT,
            "%s: a header of %u bytes (offset 0) of version %u (offset 4); expected 256 and 1 or 2", o->path,
            size, version);
    if (bits != 8 && bits != 16 && bits != 32)
        return cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: %u bits a pixel (offset 16), expected 8, 16 or 32", o->path, bits);
    if (width == 0 || height == 0 || width > 65536 || height > 65536)
        return cep_fault_set(o->fault, CEPMAN_ERR_FORMAT,
                             "%s: images of %u x %u pixels (offsets 12, 8), expected 1 to 65536", o->path,
                             height, width);
    if (version == 1) image_header = IMAGE_HEADER_1;
    if (image_header < IMAGE_HEADER_1 || image_header > 1 << 20)
        return cep_fault_set(o->fault, CEPMAN_ERR_FORMAT,
                             "%s: image headers of %u bytes (offset 48), expected 12 to 2^20", o->path,
                             image_header);
    o->info.type = bits == 8 ? CEPMAN_TYPE_U8 : bits == 16 ? CEPMAN_TYPE_U16 : CEPMAN_TYPE_U32;
    o->info.height = height;
    o->info.width = width;
    cep_strides strides = {.offset = size, .skip = image_header};
    strides.bytes = strides.frame_bytes = (size_t)height * width * (bits / 8);
    strides.stride = strides.skip + strides.bytes;
    strides.swap = bits > 8 && cep_swaps_little() ? bits / 8 : 0;
    cep_file **files = cep_alloc_zero(o->mem, MOST_FILES, sizeof *files);
    if (!files)
        return cep_fault_memory(o->fault, o->mem, "the files of a recording", MOST_FILES, sizeof *files);
    size_t count = 0;
    cepman_status s = open_files(o, files, &count);
    if (!s) s = open_series(o, files, count, &strides);
    for (size_t i = 0; i < count; i++)
        cep_file_close(files[i]);
    cep_free(o->mem, files);
    return s;
}

const cep_reader cep_reader_tvips = {"tvips", tvips_probe, tvips_open};
