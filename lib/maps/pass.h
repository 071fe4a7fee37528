/* Private to maps/: a pass over a scan and what can be asked of it. */
#ifndef CEP_MAPS_PASS_H
#define CEP_MAPS_PASS_H

#include "dataset.h"
#include "exec.h"
#include "maps.h"

/* Frames that an item looks at: the scan's own, or a dataset computed from them. Constant while a pass runs, but for
 * what walk.c keeps in it. */
typedef struct cep_stream cep_stream;
struct cep_stream {
    cep_stream *next;
    cepman_dataset *dataset; /* our reference */
    cepman_type type;
    size_t total; /* frames of the scan */
    size_t height, width, pixels;
    bool derived;
    bool may_be_odd;      /* a type that holds NaN and infinities */
    const uint8_t *mask;  /* non-zero is bad; NULL: none */
    bool by_frame, batch; /* what its items need */
    float *values;        /* the batch, or a frame of each worker */
    unsigned char *raw;   /* a frame of each worker in the derived type, unless that is float32 */
};

/* One quantity. begin makes room, frame or batch see the frames, finish makes the results (and may fail), deliver
 * hands them to the caller (and cannot), end frees what begin and finish made. end is called after a begin that
 * failed or never was called too: what begin sets is 0 before, and what end frees is 0 after. */
typedef struct cep_item cep_item;
typedef struct cep_item_kind {
    const char *name; /* static: the stage of a pass that has no other item */
    cepman_status (*begin)(cep_item *item, cepman_context *ctx, size_t frames);
    /* Every available frame once, in any order, on any thread. */
    void (*frame)(cep_item *item, size_t frame, const float *pixels);
    /* Every pixel with all frames in ascending order: `count` packed frames from `first` on, pixels from .. to - 1.
     * Different pixels come on different threads; the batches of a pixel come in order. So a sum per pixel is the
     * same bits for any number of threads, and needs no copies. */
    void (*batch)(cep_item *item, size_t first, size_t count, const float *values, size_t from, size_t to);
    cepman_status (*finish)(cep_item *item, cepman_context *ctx);
    void (*deliver)(cep_item *item);
    void (*end)(cep_item *item);
    void (*free)(cep_item *item); /* NULL: nothing but the item */
} cep_item_kind;

struct cep_item {
    cep_item *next;
    const cep_item_kind *kind;
    cep_stream *stream;
    cep_memory *mem;
};

struct cepman_maps_pass {
    cep_memory *mem;
    cep_stream *streams; /* the first is the scan */
    cep_item *items, **last;
    size_t picks; /* 0: all frames, else so many of them, evenly spread */
};

/* For the functions that ask: checks, a room of `size` bytes (zeros) for the item, in the pass when it succeeds.
 * dataset: NULL is the scan. */
cepman_status cep_pass_check(cepman_maps_pass *pass, cepman_context *ctx, cepman_dataset *dataset,
                             const char *what, cep_stream **stream);
cepman_status cep_pass_add(cepman_maps_pass *pass, cepman_context *ctx, cep_stream *stream,
                           const cep_item_kind *kind, size_t size, cep_item **out);

/* Shows `frames` frames to all items: all that are available, or so many of them, evenly spread. */
cepman_status cep_pass_walk(cepman_maps_pass *pass, cepman_context *ctx, size_t available, size_t frames);

/* The public functions of a single quantity: a pass of their own, opened, asked, closed. */
cepman_status cep_pass_open(cepman_maps_pass **out, cepman_context *ctx, cepman_dataset *dataset,
                            const char *what);
/* Runs the pass when `asked` is good, and frees it. */
cepman_status cep_pass_close(cepman_maps_pass *pass, cepman_context *ctx, cepman_status asked);

/* For qsort() of floats. */
static inline int cep_by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static inline bool cep_is_finite(float v)
{
    return v - v == 0;
}

#endif
