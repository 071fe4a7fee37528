/* Frames at fixed strides of a file: what most detectors write.
 * Reads by offset, straight into the destination or through a block of whole strides.
 * Must not: keep a position in the file; allocate more than a block or one stride. */
#include <string.h>

#include "reader.h"

typedef struct stride_source {
    cep_source base;
    cep_memory *mem;
    cep_file *file;
    cep_strides s;
} stride_source;

static const size_t block_bytes = (size_t)512 << 10;
static const size_t direct_bytes = (size_t)16 << 10;
static const size_t swap_bytes = (size_t)256 << 10; /* stay near the processor between reading and swapping */

bool cep_swaps_big(void)
{
    const uint16_t probe = 1;
    return *(const unsigned char *)&probe == 1;
}

bool cep_swaps_little(void)
{
    return !cep_swaps_big();
}

double cep_little_f64(const unsigned char *p)
{
    uint64_t bits = cep_little64(p);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

uint64_t cep_strides_count(const cep_strides *s, uint64_t size)
{
    if (size < s->offset || size - s->offset < s->skip + s->bytes) return 0;
    return (size - s->offset - s->skip - s->bytes) / s->stride + 1;
}

static cepman_status check_mark(const stride_source *f, cep_fault *fault, uint64_t frame,
                                const unsigned char *from)
{
    const cep_strides *s = &f->s;
    if (memcmp(from, s->mark, s->mark_size) == 0) return CEPMAN_OK;
    return cep_fault_set(
        fault, CEPMAN_ERR_FORMAT,
        "%s: frame %llu at offset %llu does not begin with the mark of a frame (0x%02x%02x..)",
        cep_file_path(f->file), (unsigned long long)frame,
        (unsigned long long)(s->offset + frame * s->stride), s->mark[0], s->mark[1]);
}

/* n strides from `first` through a block. */
static cepman_status through_block(stride_source *f, cep_fault *fault, uint64_t first, size_t n,
                                   unsigned char *block, unsigned char *to)
{
    const cep_strides *s = &f->s;
    uint64_t offset = s->offset + first * s->stride;
    size_t last = (size_t)(s->skip + s->bytes); /* the last stride is read no further than its pixels */
    cepman_status status = cep_file_read(f->file, fault, offset, block, (n - 1) * (size_t)s->stride + last);
    for (size_t i = 0; !status && i < n; i++, to += s->frame_bytes) {
        const unsigned char *from = block + i * (size_t)s->stride;
        status = check_mark(f, fault, first + i, from);
        if (status) break;
        if (s->unpack)
            s->unpack(s, from + s->skip, to);
        else
            memcpy(to, from + s->skip, s->bytes);
    }
    return status;
}

/* Frames without anything between them, whose numbers are swapped while they are near. */
static cepman_status read_packed(stride_source *f, cep_fault *fault, uint64_t first, size_t count,
                                 unsigned char *to)
{
    const cep_strides *s = &f->s;
    size_t n = s->swap && s->bytes < swap_bytes ? swap_bytes / s->bytes : s->swap ? 1 : count;
    cepman_status status = CEPMAN_OK;
    for (size_t done = 0; !status && done < count; done += n) {
        if (n > count - done) n = count - done;
        unsigned char *p = to + done * s->bytes;
        status = cep_file_read(f->file, fault, s->offset + (first + done) * s->stride, p, n * s->bytes);
        if (!status && s->swap) cep_swap_bytes(p, n * s->bytes / s->swap, s->swap);
    }
    return status;
}

static cepman_status stride_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                                 void *destination)
{
    stride_source *f = (stride_source *)source;
    const cep_strides *s = &f->s;
    cepman_status status = CEPMAN_OK;
    const uint64_t begin = s->offset + (uint64_t)first * s->stride;
    if (s->stride == s->bytes && !s->mark_size && !s->unpack) {
        status = read_packed(f, fault, first, count, destination);
    } else if (s->bytes >= direct_bytes && !s->mark_size && !s->unpack) {
        /* Large frames with something between them: straight to their places, as a copy of all would cost more. */
        status =
            cep_file_read_pieces(f->file, fault, begin + s->skip, destination, s->bytes, count, s->stride);
        if (!status && s->swap) cep_swap_bytes(destination, count * s->bytes / s->swap, s->swap);
    } else if (s->bytes >= direct_bytes && !s->unpack) {
        for (size_t i = 0; !status && i < count; i++) {
            const uint64_t at = begin + i * s->stride;
            unsigned char mark[sizeof s->mark], *to = (unsigned char *)destination + i * s->bytes;
            status = cep_file_read(f->file, fault, at, mark, s->mark_size);
            if (!status) status = check_mark(f, fault, (uint64_t)first + i, mark);
            if (!status) status = cep_file_read(f->file, fault, at + s->skip, to, s->bytes);
            if (!status && s->swap) cep_swap_bytes(to, s->bytes / s->swap, s->swap);
        }
    } else {
        size_t stride = (size_t)s->stride, n = stride < block_bytes ? block_bytes / stride : 1;
        if (n > count) n = count;
        unsigned char *block = cep_alloc(f->mem, n, stride), *to = destination;
        if (!block) return cep_fault_memory(fault, f->mem, "a block of frames", n, stride);
        for (size_t done = 0; !status && done < count; done += n) {
            if (n > count - done) n = count - done;
            status = through_block(f, fault, first + done, n, block, to + done * s->frame_bytes);
            if (!status && s->swap)
                cep_swap_bytes(to + done * s->frame_bytes, n * s->frame_bytes / s->swap, s->swap);
        }
        cep_free(f->mem, block);
    }
    return status;
}

static size_t stride_available(cep_source *source)
{
    stride_source *f = (stride_source *)source;
    uint64_t size;
    if (cep_file_size_now(f->file, NULL, &size)) return 0;
    uint64_t n = cep_strides_count(&f->s, size);
    return n < SIZE_MAX ? (size_t)n : SIZE_MAX;
}

static void stride_close(cep_source *source)
{
    stride_source *f = (stride_source *)source;
    cep_memory *mem = f->mem;
    cep_file_close(f->file);
    cep_free(mem, f);
    cep_memory_unref(mem);
}

cepman_status cep_strides_open(cep_opening *o, const cep_strides *strides)
{
    stride_source *f = cep_alloc_zero(o->mem, 1, sizeof *f);
    if (!f) return cep_fault_memory(o->fault, o->mem, "opening a file", 1, sizeof *f);
    f->base = (cep_source){.read = stride_read,
                           .available = o->follow ? stride_available : NULL,
                           .close = stride_close,
                           .concurrent = true};
    f->mem = cep_memory_ref(o->mem);
    f->s = *strides;
    f->file = o->file;
    o->file = NULL;
    o->source = &f->base;
    o->frames = cep_strides_count(strides, cep_file_size(f->file));
    return CEPMAN_OK;
}

/* ---- names
 * --------------------------------------------------------------------------------------------------- */

const char *cep_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static char *join(cep_memory *mem, const char *path, size_t keep, const char *tail)
{
    size_t n = strlen(tail);
    char *text = cep_alloc(mem, keep + n + 1, 1);
    if (!text) return NULL;
    memcpy(text, path, keep);
    memcpy(text + keep, tail, n + 1);
    return text;
}

char *cep_sibling(cep_memory *mem, const char *path, const char *name)
{
    return join(mem, path, (size_t)(cep_base_name(path) - path), cep_base_name(name));
}

char *cep_with_extension(cep_memory *mem, const char *path, const char *extension)
{
    const char *base = cep_base_name(path), *dot = strrchr(base, '.');
    size_t keep = dot && dot != base ? (size_t)(dot - path) : strlen(path);
    return join(mem, path, keep, extension);
}
