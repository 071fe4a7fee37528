/* Datasets over the caller's memory and over a host's callback.
 * Both only borrow: the memory is read in place, the callback is asked for every frame anew.
 * Must not: keep frames. */
#include <math.h>
#include <string.h>

#include "dataset.h"

static cep_dataset_info describe(const char *format, cepman_type type, size_t rows, size_t columns,
                                 size_t height, size_t width)
{
    cep_dataset_info info = {0};
    info.format = format;
    info.type = type;
    info.has_scan = rows > 0;
    info.scan_rows = rows ? rows : 1;
    info.scan_columns = columns;
    info.height = height;
    info.width = width;
    info.scan_step = info.reciprocal_pixel = (double)NAN;
    return info;
}

/* ---- memory
 * -------------------------------------------------------------------------------------------------- */

typedef struct memory_source {
    cep_source base;
    cep_memory *mem;
    const unsigned char *data;
    size_t frame_bytes;
    cepman_destroy destroy;
    void *user;
} memory_source;

static cepman_status memory_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                                 void *destination)
{
    (void)fault;
    const memory_source *m = (const memory_source *)source;
    memcpy(destination, m->data + first * m->frame_bytes, count * m->frame_bytes);
    return CEPMAN_OK;
}

static const void *memory_lend(cep_source *source, size_t first, size_t count)
{
    (void)count;
    const memory_source *m = (const memory_source *)source;
    return m->data + first * m->frame_bytes;
}

static void memory_close(cep_source *source)
{
    memory_source *m = (memory_source *)source;
    cep_memory *mem = m->mem;
    if (m->destroy) m->destroy(m->user);
    cep_free(mem, m);
    cep_memory_unref(mem);
}

cepman_status cepman_dataset_wrap(cepman_dataset **out, cepman_context *ctx, const void *data,
                                  cepman_type type, size_t scan_rows, size_t scan_columns, size_t height,
                                  size_t width, cepman_destroy destroy, void *user)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && data, CEPMAN_ERR_ARGUMENT, "dataset in memory: out or data is NULL");
    cep_memory *mem = cep_context_memory(ctx);
    memory_source *m = cep_alloc_zero(mem, 1, sizeof *m);
    if (!m) return cep_fail_memory(ctx, "dataset", 1, sizeof *m);
    const bool aligned = cepman_type_size(type) && (uintptr_t)data % cepman_type_size(type) == 0;
    m->base = (cep_source){
        .read = memory_read, .close = memory_close, .concurrent = true, .lend = aligned ? memory_lend : NULL};
    m->mem = cep_memory_ref(mem);
    m->data = data;
    cep_dataset_info info = describe("memory", type, scan_rows, scan_columns, height, width);
    cepman_dataset *d = NULL;
    if ((s = cep_dataset_create(&d, ctx, &m->base, &info))) return s;
    size_t bytes;
    m->frame_bytes = cep_dataset_frame_bytes(d);
    if (!cep_mul(cepman_dataset_frames(d), m->frame_bytes, &bytes)) {
        cepman_dataset_unref(d);
        return cep_fail(ctx, CEPMAN_ERR_SHAPE,
                        "dataset in memory: %zu x %zu frames of %zu x %zu do not fit in memory", scan_rows,
                        scan_columns, height, width);
    }
    m->destroy = destroy;
    m->user = user;
    *out = d;
    return CEPMAN_OK;
}

/* ---- a host's callback
 * --------------------------------------------------------------------------------------- */

typedef struct host_source {
    cep_source base;
    cep_memory *mem;
    cepman_frame_source host;
} host_source;

static cepman_status host_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                               void *destination)
{
    const host_source *h = (const host_source *)source;
    int code = h->host.read(h->host.user, first, count, destination);
    if (code)
        return cep_fault_set(fault, CEPMAN_ERR_CALLBACK,
                             "the host's frame source gave %d for %zu frames from %zu", code, count, first);
    return CEPMAN_OK;
}

static size_t host_available(cep_source *source)
{
    const host_source *h = (const host_source *)source;
    return h->host.available(h->host.user);
}

static void host_close(cep_source *source)
{
    host_source *h = (host_source *)source;
    cep_memory *mem = h->mem;
    if (h->host.destroy) h->host.destroy(h->host.user);
    cep_free(mem, h);
    cep_memory_unref(mem);
}

cepman_status cepman_dataset_from_source(cepman_dataset **out, cepman_context *ctx,
                                         const cepman_frame_source *source, cepman_type type,
                                         size_t scan_rows, size_t scan_columns, size_t height, size_t width)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && source, CEPMAN_ERR_ARGUMENT, "frame source: out or source is NULL");
    CEP_REQUIRE(ctx, source->struct_size >= CEP_SIZE_TO(cepman_frame_source, concurrent) && source->read,
                CEPMAN_ERR_ARGUMENT, "frame source: struct_size and read must be set");
    cep_memory *mem = cep_context_memory(ctx);
    host_source *h = cep_alloc_zero(mem, 1, sizeof *h);
    if (!h) return cep_fail_memory(ctx, "dataset", 1, sizeof *h);
    h->base = (cep_source){.read = host_read,
                           .available = source->available ? host_available : NULL,
                           .close = host_close,
                           .concurrent = source->concurrent != 0};
    h->mem = cep_memory_ref(mem);
    cep_dataset_info info = describe("source", type, scan_rows, scan_columns, height, width);
    cepman_dataset *d = NULL;
    if ((s = cep_dataset_create(&d, ctx, &h->base, &info))) return s;
    CEP_TAKE_TABLE(&h->host, source); /* from now on destroy is ours to call */
    *out = d;
    return CEPMAN_OK;
}
