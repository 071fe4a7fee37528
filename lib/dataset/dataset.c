/* The handle: scan x frame over a source, reference-counted, with checked and serialised reads.
 * Frames are row-major over the scan; a source that is not concurrent is read under a mutex.
 * Must not: hold frames; know any file format. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "dataset.h"

struct cepman_dataset {
    cep_refs refs;
    cep_memory *mem;
    cep_source *source;
    cep_dataset_info info; /* mask: our own copy */
    uint8_t *mask;
    size_t frames, frame_bytes;
    pthread_mutex_t lock;
};

static const size_t most_frames = (size_t)1 << 40;
static const size_t most_pixels = (size_t)1 << 28;
/* Reads of the public functions go in pieces of about this size, so that they can be cancelled. */
static const size_t piece_bytes = (size_t)4 << 20;

static cepman_status check_info(cepman_context *ctx, const cep_dataset_info *info, size_t *frames,
                                size_t *bytes)
{
    size_t pixels;
    CEP_REQUIRE(ctx, cepman_type_size(info->type) > 0, CEPMAN_ERR_ARGUMENT, "%s: unknown number type %d",
                info->format, (int)info->type);
    CEP_REQUIRE(ctx, info->scan_rows >= 1 && info->scan_columns >= 1, CEPMAN_ERR_SHAPE,
                "%s: a scan of %zu x %zu has no frames", info->format, info->scan_rows, info->scan_columns);
    CEP_REQUIRE(ctx, info->height >= 1 && info->width >= 1, CEPMAN_ERR_SHAPE,
                "%s: a frame of %zu x %zu has no pixels", info->format, info->height, info->width);
    CEP_REQUIRE(ctx, cep_mul(info->scan_rows, info->scan_columns, frames) && *frames <= most_frames,
                CEPMAN_ERR_SHAPE, "%s: a scan of %zu x %zu is more than 2^40 frames", info->format,
                info->scan_rows, info->scan_columns);
    CEP_REQUIRE(ctx, cep_mul(info->height, info->width, &pixels) && pixels <= most_pixels, CEPMAN_ERR_SHAPE,
                "%s: a frame of %zu x %zu is more than 2^28 pixels", info->format, info->height, info->width);
    CEP_REQUIRE(ctx, cep_mul(pixels, cepman_type_size(info->type), bytes), CEPMAN_ERR_SHAPE,
                "%s: a frame of %zu pixels is more than memory can address", info->format, pixels);
    return CEPMAN_OK;
}

cepman_status cep_dataset_create(cepman_dataset **out, cepman_context *ctx, cep_source *source,
                                 const cep_dataset_info *info)
{
    size_t frames = 0, bytes = 0, pixels = info->height * info->width;
    cepman_status s = check_info(ctx, info, &frames, &bytes);
    if (s) {
        source->close(source);
        return s;
    }
    cep_memory *mem = cep_context_memory(ctx);
    cepman_dataset *d = cep_alloc_zero(mem, 1, sizeof *d);
    uint8_t *mask = d && info->mask ? cep_alloc(mem, pixels, 1) : NULL;
    if (!d || (info->mask && !mask) || pthread_mutex_init(&d->lock, NULL) != 0) {
        s = cep_fail_memory(ctx, "dataset", d ? pixels : 1, d ? 1 : sizeof *d);
        cep_free(mem, mask);
        cep_free(mem, d);
        source->close(source);
        return s;
    }
    if (mask) memcpy(mask, info->mask, pixels);
    cep_refs_init(&d->refs);
    d->mem = cep_memory_ref(mem);
    d->source = source;
    d->info = *info;
    d->info.mask = mask;
    d->mask = mask;
    d->frames = frames;
    d->frame_bytes = bytes;
    *out = d;
    return CEPMAN_OK;
}

cepman_dataset *cepman_dataset_ref(cepman_dataset *d)
{
    if (d) cep_refs_get(&d->refs);
    return d;
}

void cepman_dataset_unref(cepman_dataset *d)
{
    if (!d || !cep_refs_put(&d->refs)) return;
    cep_memory *mem = d->mem;
    d->source->close(d->source);
    pthread_mutex_destroy(&d->lock);
    cep_free(mem, d->mask);
    cep_free(mem, d);
    cep_memory_unref(mem);
}

/* ---- what it is
 * -------------------------------------------------------------------------------------------- */

size_t cepman_dataset_scan_rows(const cepman_dataset *d)
{
    return d ? d->info.scan_rows : 0;
}

size_t cepman_dataset_scan_columns(const cepman_dataset *d)
{
    return d ? d->info.scan_columns : 0;
}

size_t cepman_dataset_frames(const cepman_dataset *d)
{
    return d ? d->frames : 0;
}

size_t cepman_dataset_height(const cepman_dataset *d)
{
    return d ? d->info.height : 0;
}

size_t cepman_dataset_width(const cepman_dataset *d)
{
    return d ? d->info.width : 0;
}

cepman_type cepman_dataset_type(const cepman_dataset *d)
{
    return d ? d->info.type : (cepman_type)0;
}

int cepman_dataset_has_scan(const cepman_dataset *d)
{
    return d && d->info.has_scan;
}

double cepman_dataset_scan_step(const cepman_dataset *d)
{
    return d ? d->info.scan_step : (double)NAN;
}

double cepman_dataset_reciprocal_pixel(const cepman_dataset *d)
{
    return d ? d->info.reciprocal_pixel : (double)NAN;
}

const char *cepman_dataset_format(const cepman_dataset *d)
{
    return d ? d->info.format : NULL;
}

const uint8_t *cepman_dataset_mask(const cepman_dataset *d)
{
    return d ? d->mask : NULL;
}

bool cep_dataset_concurrent(const cepman_dataset *d)
{
    return d->source->concurrent;
}

size_t cep_dataset_frame_bytes(const cepman_dataset *d)
{
    return d->frame_bytes;
}

const cep_dataset_info *cep_dataset_info_of(const cepman_dataset *d)
{
    return &d->info;
}

size_t cepman_dataset_available(const cepman_dataset *dataset)
{
    cepman_dataset *d = (cepman_dataset *)dataset; /* only the lock is touched */
    if (!d) return 0;
    if (!d->source->available) return d->frames;
    if (!d->source->concurrent) pthread_mutex_lock(&d->lock);
    size_t n = d->source->available(d->source);
    if (!d->source->concurrent) pthread_mutex_unlock(&d->lock);
    return n < d->frames ? n : d->frames;
}

/* ---- frames
 * -------------------------------------------------------------------------------------------------- */

cepman_status cep_dataset_read(cepman_dataset *d, cep_fault *fault, size_t first, size_t count,
                               void *destination)
{
    size_t ready = d->source->available ? cepman_dataset_available(d) : d->frames;
    if (count > ready || first > ready - count)
        return cep_fault_set(fault, CEPMAN_ERR_RANGE,
                             "%s: frames %zu to %zu asked for, %zu of %zu are available", d->info.format,
                             first, first + count, ready, d->frames);
    if (count == 0) return CEPMAN_OK;
    if (d->source->concurrent) return d->source->read(d->source, fault, first, count, destination);
    pthread_mutex_lock(&d->lock);
    cepman_status s = d->source->read(d->source, fault, first, count, destination);
    pthread_mutex_unlock(&d->lock);
    return s;
}

const cepman_dataset *cep_dataset_parent(const cepman_dataset *d)
{
    return d->source->derive ? d->source->parent : NULL;
}

cepman_status cep_dataset_derive(cepman_dataset *d, cep_fault *fault, size_t first, size_t count,
                                 const void *given, void *destination)
{
    return d->source->derive(d->source, fault, first, count, given, destination);
}

const void *cep_dataset_lend(cepman_dataset *d, size_t first, size_t count)
{
    if (!d->source->lend || count == 0 || count > d->frames || first > d->frames - count) return NULL;
    return d->source->lend(d->source, first, count);
}

static cepman_status check_read(cepman_dataset *d, cepman_context *ctx, size_t first, size_t count,
                                const void *destination, size_t size, size_t unit, const char *what)
{
    CEP_REQUIRE(ctx, d && (destination || !count), CEPMAN_ERR_ARGUMENT,
                "read: dataset or destination is NULL");
    size_t ready = cepman_dataset_available(d), need;
    CEP_REQUIRE(ctx, count <= ready && first <= ready - count, CEPMAN_ERR_RANGE,
                "read: %zu frames from %zu asked for, %zu of %zu are available", count, first, ready,
                d->frames);
    CEP_REQUIRE(ctx, cep_mul(count, unit, &need) && need <= size, CEPMAN_ERR_RANGE,
                "read: the destination has room for %zu %s, %zu frames of %zu need more", size, what, count,
                unit);
    return CEPMAN_OK;
}

cepman_status cepman_dataset_read(cepman_dataset *d, cepman_context *ctx, size_t first, size_t count,
                                  void *destination, size_t size)
{
    cepman_status s = cep_enter(ctx);
    if (s || (s = check_read(d, ctx, first, count, destination, size, d ? d->frame_bytes : 0, "bytes")))
        return s;
    size_t piece = d->frame_bytes < piece_bytes ? piece_bytes / d->frame_bytes : 1;
    unsigned char *to = destination;
    cep_fault fault;
    while (count) {
        size_t n = count < piece ? count : piece;
        if ((s = cep_poll(ctx))) return s;
        if (cep_dataset_read(d, &fault, first, n, to)) return cep_fail_fault(ctx, &fault);
        first += n;
        count -= n;
        to += n * d->frame_bytes;
    }
    return CEPMAN_OK;
}

cepman_status cepman_dataset_read_f32(cepman_dataset *d, cepman_context *ctx, size_t first, size_t count,
                                      float *destination, size_t size)
{
    cepman_status s = cep_enter(ctx);
    size_t pixels = d ? d->info.height * d->info.width : 0;
    if (s || (s = check_read(d, ctx, first, count, destination, size, pixels, "floats"))) return s;
    if (d->info.type == CEPMAN_TYPE_F32)
        return cepman_dataset_read(d, ctx, first, count, destination, count * d->frame_bytes);
    size_t piece = d->frame_bytes < piece_bytes / 4 ? piece_bytes / 4 / d->frame_bytes : 1;
    if (piece > count) piece = count;
    unsigned char *block = cep_alloc(d->mem, piece, d->frame_bytes);
    cep_fault fault;
    if (!block) {
        cep_fault_memory(&fault, d->mem, "a block of frames", piece, d->frame_bytes);
        return cep_fail_fault(ctx, &fault);
    }
    while (!s && count) {
        size_t n = count < piece ? count : piece;
        if ((s = cep_poll(ctx))) break;
        if ((s = cep_dataset_read(d, &fault, first, n, block))) {
            cep_fail_fault(ctx, &fault);
            break;
        }
        cep_type_to_f32(d->info.type, block, destination, n * pixels);
        first += n;
        count -= n;
        destination += n * pixels;
    }
    cep_free(d->mem, block);
    return s;
}
