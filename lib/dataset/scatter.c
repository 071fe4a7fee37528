/* Frames whose pixels lie apart: arrays in which the scan's axes run fastest, so that a file is a pile of maps, one for
 * every detector pixel.
 * Runs of neighbouring frames are read of some pixels at a time and turned into frames (a blocked transposition).
 * Must not: read the same bytes twice for one call; allocate more than a few megabytes. */
#include <string.h>

#include "reader.h"

typedef struct scatter_source {
    cep_source base;
    cep_memory *mem;
    cep_file *file;
    uint64_t offset, frames;
    size_t pixels, size, swap;
} scatter_source;

enum { TILE = 32, MOST_FRAMES = 16384, NEAR = 16384 };
static const size_t window_bytes = (size_t)1 << 20;

/* Numbers of `size` bytes from runs of pixels (`apart` bytes from one pixel to the next) to frames. */
static void turn(const unsigned char *from, size_t apart, size_t pixels, size_t count, size_t size,
                 unsigned char *to, size_t frame_bytes)
{
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < pixels; p++)
            memcpy(to + i * frame_bytes + p * size, from + p * apart + i * size, size);
}

/* count frames from first, at most MOST_FRAMES. */
static cepman_status read_runs(scatter_source *s, cep_fault *fault, uint64_t first, size_t count,
                               unsigned char *to)
{
    size_t run = count * s->size, frame_bytes = s->pixels * s->size;
    uint64_t map = s->frames * s->size;
    /* Where little lies between the runs, several are read at once, with what is between. */
    bool together = map - run <= NEAR && map <= window_bytes;
    size_t apart = together ? (size_t)map : run, tile = together ? window_bytes / apart : TILE;
    if (tile > s->pixels) tile = s->pixels;
    unsigned char *window = cep_alloc(s->mem, tile, apart);
    if (!window) return cep_fault_memory(fault, s->mem, "a block of pixels", tile, apart);
    cepman_status status = CEPMAN_OK;
    for (size_t p = 0; !status && p < s->pixels; p += tile) {
        size_t n = s->pixels - p < tile ? s->pixels - p : tile;
        uint64_t at = s->offset + p * map + first * s->size;
        if (together) status = cep_file_read(s->file, fault, at, window, (n - 1) * apart + run);
        for (size_t i = 0; !together && !status && i < n; i++)
            status = cep_file_read(s->file, fault, at + i * map, window + i * run, run);
        if (status) break;
        for (size_t i = 0; i < n;
             i += TILE) /* in tiles, so that a cache line of a frame is written in one go */
            turn(window + i * apart, apart, n - i < TILE ? n - i : TILE, count, s->size,
                 to + (p + i) * s->size, frame_bytes);
    }
    cep_free(s->mem, window);
    return status;
}

static cepman_status scatter_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                                  void *destination)
{
    scatter_source *s = (scatter_source *)source;
    unsigned char *to = destination;
    cepman_status status = CEPMAN_OK;
    for (size_t done = 0, n; !status && done < count; done += n) {
        n = count - done < MOST_FRAMES ? count - done : MOST_FRAMES;
        status = read_runs(s, fault, first + done, n, to + done * s->pixels * s->size);
    }
    if (!status && s->swap > 1) cep_swap_bytes(destination, count * s->pixels * s->size / s->swap, s->swap);
    return status;
}

static void scatter_close(cep_source *source)
{
    scatter_source *s = (scatter_source *)source;
    cep_memory *mem = s->mem;
    cep_file_close(s->file);
    cep_free(mem, s);
    cep_memory_unref(mem);
}

cepman_status cep_scatter_open(cep_opening *o, const cep_strides *strides, uint64_t frames)
{
    uint64_t size = cep_file_size(o->file), bytes = frames * strides->bytes; /* bounded by the caller */
    /* Every frame has its last pixel in the last map: a file that has been cut holds none of them. */
    if (size < strides->offset || size - strides->offset < bytes)
        return cep_fault_set(
            o->fault, CEPMAN_ERR_TRUNCATED,
            "%s: %llu bytes of an array of %llu are there; its scan axes run fastest, so that no frame "
            "is whole",
            cep_file_path(o->file), (unsigned long long)(size > strides->offset ? size - strides->offset : 0),
            (unsigned long long)bytes);
    scatter_source *s = cep_alloc_zero(o->mem, 1, sizeof *s);
    if (!s) return cep_fault_memory(o->fault, o->mem, "opening a file", 1, sizeof *s);
    s->base = (cep_source){.read = scatter_read, .close = scatter_close, .concurrent = true};
    s->mem = cep_memory_ref(o->mem);
    s->offset = strides->offset;
    s->frames = frames;
    s->size = cepman_type_size(o->info.type);
    s->pixels = strides->bytes / s->size;
    s->swap = strides->swap;
    s->file = o->file;
    o->file = NULL;
    o->source = &s->base;
    o->frames = frames;
    return CEPMAN_OK;
}
