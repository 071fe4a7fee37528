/* Whole .npy files into matrices and labels, read in blocks and converted on the way.
 * Any real type becomes float32; labels must be integers that fit int32.
 * Must not: hold the file and the result in memory at the same time. */
#include <string.h>

#include "matrix.h"

#define BLOCK_BYTES ((size_t)1 << 20)

typedef struct npy {
    cep_file *file;
    cep_npy_header header;
    unsigned char *block;
} npy;

static void npy_close(npy *f, cep_memory *mem)
{
    cep_free(mem, f->block);
    cep_file_close(f->file);
}

static cepman_status npy_open(npy *f, cepman_context *ctx, const char *path)
{
    cep_memory *mem = cep_context_memory(ctx);
    cep_fault fault;
    memset(f, 0, sizeof *f);
    cepman_status s = cep_file_open(&f->file, mem, &fault, path);
    if (!s) s = cep_npy_read_header(f->file, &fault, &f->header, false);
    if (s) {
        npy_close(f, mem);
        return cep_fail_fault(ctx, &fault);
    }
    f->block = cep_alloc(mem, BLOCK_BYTES, 1);
    if (!f->block) {
        npy_close(f, mem);
        return cep_fail_memory(ctx, path, BLOCK_BYTES, 1);
    }
    return CEPMAN_OK;
}

/* Numbers first .. first+count-1 (they fit the block), native byte order. */
static cepman_status npy_read(npy *f, cepman_context *ctx, size_t first, size_t count)
{
    cep_fault fault;
    size_t size = cepman_type_size(f->header.type);
    cepman_status s =
        cep_file_read(f->file, &fault, f->header.offset + (uint64_t)first * size, f->block, count * size);
    if (s) return cep_fail_fault(ctx, &fault);
    if (f->header.swapped) cep_swap_bytes(f->block, count, size);
    return CEPMAN_OK;
}

cepman_status cepman_matrix_load(cepman_matrix **out, cepman_context *ctx, const char *path)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && path, CEPMAN_ERR_ARGUMENT, "matrix load: out or path is NULL");
    npy f;
    s = npy_open(&f, ctx, path);
    if (s) return s;
    const cep_npy_header *h = &f.header;
    size_t columns = h->dims >= 2 ? h->shape[h->dims - 1] : 1;
    cepman_matrix *m = NULL;
    float *data;
    size_t stride, block = BLOCK_BYTES / cepman_type_size(h->type);
    if (h->dims == 0 || columns == 0) {
        s = cep_fail(ctx, CEPMAN_ERR_SHAPE, "%s: an array of rows is expected, this one has %s", path,
                     h->dims ? "no columns" : "no axes");
    } else if (cep_npy_scrambled(h)) {
        s = cep_fail(ctx, CEPMAN_ERR_UNSUPPORTED,
                     "%s: the array is in Fortran order; save it again with numpy.ascontiguousarray", path);
    } else {
        s = cep_matrix_create(&m, ctx, path, h->count / columns, columns, &data, &stride);
    }
    for (size_t first = 0; !s && first < h->count; first += block) {
        size_t count = h->count - first < block ? h->count - first : block;
        s = npy_read(&f, ctx, first, count);
        if (!s) s = cep_poll(ctx);
        /* Pieces of rows: the block need not hold whole ones. */
        for (size_t i = 0; !s && i < count;) {
            size_t row = (first + i) / columns, column = (first + i) % columns;
            size_t n = columns - column < count - i ? columns - column : count - i;
            cep_type_to_f32(h->type, f.block + i * cepman_type_size(h->type), data + row * stride + column,
                            n);
            i += n;
        }
    }
    npy_close(&f, cep_context_memory(ctx));
    if (s) {
        cepman_matrix_unref(m);
        return s;
    }
    *out = m;
    return CEPMAN_OK;
}

static bool integer_at(cepman_type type, const unsigned char *p, int64_t *value)
{
#define AS(ctype)                                                                                            \
    {                                                                                                        \
        ctype v;                                                                                             \
        memcpy(&v, p, sizeof v);                                                                             \
        *value = (int64_t)v;                                                                                 \
        return true;                                                                                         \
    }
    switch ((int)type) {
    case CEPMAN_TYPE_U8:
    case CEPMAN_TYPE_BOOL:
        AS(uint8_t)
    case CEPMAN_TYPE_I8:
        AS(int8_t)
    case CEPMAN_TYPE_U16:
        AS(uint16_t)
    case CEPMAN_TYPE_I16:
        AS(int16_t)
    case CEPMAN_TYPE_U32:
        AS(uint32_t)
    case CEPMAN_TYPE_I32:
        AS(int32_t)
    case CEPMAN_TYPE_I64:
        AS(int64_t)
    default:
        return false;
    }
#undef AS
}

cepman_status cepman_labels_load(cepman_labels **out, cepman_context *ctx, const char *path)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && path, CEPMAN_ERR_ARGUMENT, "labels load: out or path is NULL");
    npy f;
    s = npy_open(&f, ctx, path);
    if (s) return s;
    const cep_npy_header *h = &f.header;
    size_t size = cepman_type_size(h->type), block = BLOCK_BYTES / size;
    cepman_labels *labels = NULL;
    int32_t *values;
    if (cep_type_is_real(h->type))
        s = cep_fail(ctx, CEPMAN_ERR_UNSUPPORTED, "%s: labels of type %s, expected integers", path,
                     cepman_type_name(h->type));
    else if (cep_npy_scrambled(h))
        s = cep_fail(ctx, CEPMAN_ERR_UNSUPPORTED,
                     "%s: the array is in Fortran order; save it again with numpy.ascontiguousarray", path);
    else
        s = cep_labels_create(&labels, ctx, h->count, &values);
    for (size_t first = 0; !s && first < h->count; first += block) {
        size_t count = h->count - first < block ? h->count - first : block;
        s = npy_read(&f, ctx, first, count);
        for (size_t i = 0; !s && i < count; i++) {
            int64_t v = 0;
            if (!integer_at(h->type, f.block + i * size, &v) || v < INT32_MIN || v > INT32_MAX)
                s = cep_fail(ctx, CEPMAN_ERR_RANGE, "%s: the value at place %zu does not fit int32", path,
                             first + i);
            else
                values[first + i] = (int32_t)v;
        }
    }
    npy_close(&f, cep_context_memory(ctx));
    if (s) {
        cepman_labels_unref(labels);
        return s;
    }
    cep_labels_seal(labels);
    *out = labels;
    return CEPMAN_OK;
}
