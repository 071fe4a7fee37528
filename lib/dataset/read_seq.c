/* Norpix StreamPix sequences (.seq): raw images of a camera at a fixed distance, each with its time behind it.
 * Layout: little-endian; 0xFEED and "Norpix seq" in UTF-16, version at 28, size and bits of an image at 548, images
 * allocated at 572, bytes from one image to the next at 580, compression at 620; the images begin at 8192 (1024 before
 * version 5).
 * Must not: apply the dark and gain references that may lie beside the file. */
#include <string.h>

#include "reader.h"

enum { HEADER_BYTES = 624 };

static bool seq_probe(const cep_opening *o)
{
    static const unsigned char magic[] = {0xed, 0xfe, 0, 0, 'N', 0, 'o', 0, 'r', 0, 'p', 0, 'i', 0, 'x', 0};
    return o->head_size >= sizeof magic && memcmp(o->head, magic, sizeof magic) == 0;
}

/* Says so where references lie beside the file: the frames are those of the camera. */
static cepman_status look_beside(cep_opening *o)
{
    static const char *const endings[] = {".dark.mrc", ".gain.mrc"};
    const size_t n = strlen(o->path);
    cepman_status s = CEPMAN_OK;
    char *path = cep_alloc(o->mem, n + 16, 1);
    if (!path) return cep_fault_memory(o->fault, o->mem, "a path", n + 16, 1);
    memcpy(path, o->path, n);
    for (size_t i = 0; i < 2 && s != CEPMAN_ERR_MEMORY && s != CEPMAN_ERR_LIMIT; i++) {
        cep_file *file = NULL;
        strcpy(path + n, endings[i]);
        s = cep_file_open(&file, o->mem, o->fault, path);
        if (!s) cep_log(o->ctx, CEPMAN_LOG_WARNING, "%s: not applied to the frames", path);
        cep_file_close(file);
    }
    cep_free(o->mem, path);
    return s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_LIMIT ? s : CEPMAN_OK;
}

static cepman_status seq_open(cep_opening *o)
{
    const unsigned char *h = o->head;
    if (!seq_probe(o) || o->head_size < HEADER_BYTES)
        return cep_fault_set(
            o->fault, seq_probe(o) ? CEPMAN_ERR_TRUNCATED : CEPMAN_ERR_FORMAT,
            "%s: no header of a Norpix sequence (%d bytes that begin with 0xFEED and its name)", o->path,
            HEADER_BYTES);
    uint32_t version = cep_little32(h + 28), width = cep_little32(h + 548), height = cep_little32(h + 552),
             bits = cep_little32(h + 556), bytes = cep_little32(h + 564), allocated = cep_little32(h + 572),
             stride = cep_little32(h + 580), compression = cep_little32(h + 620);
    if (compression)
        return cep_fault_set(
            o->fault, CEPMAN_ERR_UNSUPPORTED,
            "%s: images compressed with method %u (offset 620); StreamPix can export them raw", o->path,
            compression);
    if (bits != 8 && bits != 16 && bits != 32)
        return cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: %u bits a pixel (offset 556), expected 8, 16 or 32", o->path, bits);
    if (width == 0 || height == 0 || width > 65536 || height > 65536)
        return cep_fault_set(o->fault, CEPMAN_ERR_FORMAT,
                             "%s: images of %u x %u pixels (offsets 552, 548), expected 1 to 65536", o->path,
                             height, width);
    cep_strides s = {.offset = version >= 5 ? 8192 : 1024, .stride = stride};
    uint64_t pixels = (uint64_t)height * width * (bits / 8); /* at most 2^34 */
    if (bytes != pixels)
        return cep_fault_set(
            o->fault, CEPMAN_ERR_UNSUPPORTED,
            "%s: images of %u bytes (offset 564), %u x %u pixels of %u bits make %llu: packed or colour",
            o->path, bytes, height, width, bits, (unsigned long long)pixels);
    if (stride < pixels)
        return cep_fault_set(o->fault, CEPMAN_ERR_FORMAT,
                             "%s: %u bytes from one image to the next (offset 580), an image has %llu",
                             o->path, stride, (unsigned long long)pixels);
    o->info.type = bits == 8 ? CEPMAN_TYPE_U8 : bits == 16 ? CEPMAN_TYPE_U16 : CEPMAN_TYPE_U32;
    o->info.height = height;
    o->info.width = width;
    s.bytes = s.frame_bytes = (size_t)pixels;
    s.swap = bits > 8 && cep_swaps_little() ? bits / 8 : 0;
    cepman_status status = look_beside(o);
    if (status) return status;
    /* The images that the header counts; some programs leave that at 0. A file is longer when room was kept in it. */
    uint64_t size = cep_file_size(o->file), data = size > s.offset ? size - s.offset : 0;
    uint64_t there = data / stride + (data % stride >= pixels);
    o->promised = allocated ? allocated : there + (data % stride > 0 && data % stride < pixels);
    status = cep_strides_open(o, &s);
    if (!status && o->frames > o->promised) o->frames = o->promised;
    return status;
}

const cep_reader cep_reader_seq = {"seq", seq_probe, seq_open};
