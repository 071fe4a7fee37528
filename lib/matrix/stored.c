/* Rows wherever they are stored, as float32: memory, a selection, a file; and matrices over files.
 * A file's rows are mapped for those who take rows by address; whole blocks are read by offset, which fails with a
 * sentence where a mapping would end the program. Must not: hold more of a file in memory than a block.
 */
#include <string.h>

#include "internal.h"

enum { PIECE = 4096 }; /* float16 numbers on their way */

/* Numbers of the file from number `at` on. */
static cepman_status fetch_numbers(const cepman_matrix *m, cep_fault *fault, size_t at, size_t count,
                                   float *dst)
{
    if (m->type == CEPMAN_TYPE_F32)
        return cep_file_read(m->file, fault, m->offset + (uint64_t)at * m->size, dst, count * sizeof *dst);
    uint16_t piece[PIECE];
    for (size_t i = 0; i < count; i += PIECE) {
        size_t n = count - i < PIECE ? count - i : PIECE;
        cepman_status s =
            cep_file_read(m->file, fault, m->offset + (uint64_t)(at + i) * m->size, piece, n * m->size);
        if (s) return s;
        cep_type_to_f32(CEPMAN_TYPE_F16, piece, dst + i, n);
    }
    return CEPMAN_OK;
}

static void copy_row(const cepman_matrix *m, size_t row, float *dst)
{
    const unsigned char *p = (const unsigned char *)m->data + row * m->stride * m->size;
    if (m->type == CEPMAN_TYPE_F32)
        memcpy(dst, p, m->columns * sizeof *dst);
    else
        cep_type_to_f32(m->type, p, dst, m->columns);
}

cepman_status cep_matrix_fetch(const cepman_matrix *m, cep_fault *fault, size_t first, size_t count,
                               float *dst, size_t stride)
{
    const cepman_matrix *from = m->parent ? m->parent : m;
    const size_t columns = m->columns;
    if (!from->file || m->parent) {
        for (size_t i = 0; i < count; i++) {
            size_t row = m->parent ? m->index[first + i] : first + i;
            if (!from->file) {
                copy_row(from, row, dst + i * stride);
                continue;
            }
            cepman_status s = fetch_numbers(from, fault, row * columns, columns, dst + i * stride);
            if (s) return s;
        }
        return CEPMAN_OK;
    }
    cepman_status s = fetch_numbers(m, fault, first * columns, count * columns, dst);
    /* Read in one piece, then moved apart from the last row on. */
    for (size_t i = count; !s && stride > columns && i-- > 1;)
        memmove(dst + i * stride, dst + i * columns, columns * sizeof *dst);
    return s;
}

cepman_status cepman_matrix_read(const cepman_matrix *m, cepman_context *ctx, size_t first, size_t count,
                                 float *destination, size_t stride)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, m && (destination || !count), CEPMAN_ERR_ARGUMENT,
                "matrix read: matrix or destination is NULL");
    CEP_REQUIRE(ctx, first <= m->rows && count <= m->rows - first, CEPMAN_ERR_RANGE,
                "matrix read: rows %zu to %zu, the matrix has %zu", first, first + count, m->rows);
    CEP_REQUIRE(ctx, stride >= m->columns, CEPMAN_ERR_RANGE,
                "matrix read: stride is %zu, must be at least columns = %zu", stride, m->columns);
    cep_fault fault;
    const size_t block = ((size_t)1 << 20) / m->columns + 1;
    for (size_t i = 0; i < count; i += block) {
        if ((s = cep_poll(ctx))) return s;
        s = cep_matrix_fetch(m, &fault, first + i, count - i < block ? count - i : block,
                             destination + i * stride, stride);
        if (s) return cep_fail_fault(ctx, &fault);
    }
    return CEPMAN_OK;
}

cepman_status cepman_matrix_convert(cepman_matrix **out, cepman_context *ctx, const cepman_matrix *m,
                                    cepman_type type)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && m, CEPMAN_ERR_ARGUMENT, "matrix convert: out or matrix is NULL");
    CEP_REQUIRE(ctx, type == CEPMAN_TYPE_F32 || type == CEPMAN_TYPE_F16, CEPMAN_ERR_ARGUMENT,
                "matrix convert: type %d, expected f32 or f16", (int)type);
    cep_memory *mem = cep_context_memory(ctx);
    cepman_matrix *copy = NULL;
    cep_fault fault;
    size_t stride, block = ((size_t)1 << 18) / m->columns + 1;
    if (block > m->rows) block = m->rows;
    float *floats = NULL, *rows = NULL;
    uint16_t *halves = NULL;
    const bool half = type == CEPMAN_TYPE_F16;
    s = half ? cep_matrix_create_f16(&copy, ctx, "matrix of float16", m->rows, m->columns, &halves, &stride)
             : cep_matrix_create(&copy, ctx, "matrix of float32", m->rows, m->columns, &floats, &stride);
    if (!s && half && !(rows = cep_alloc(mem, block, m->columns * sizeof *rows)))
        s = cep_fail_memory(ctx, "rows to convert", block, m->columns * sizeof *rows);
    for (size_t i = 0; !s && i < m->rows; i += block) {
        size_t n = m->rows - i < block ? m->rows - i : block;
        if (cep_matrix_fetch(m, &fault, i, n, half ? rows : floats + i * stride, half ? m->columns : stride))
            s = cep_fail_fault(ctx, &fault);
        for (size_t r = 0; !s && half && r < n; r++)
            for (size_t j = 0; j < m->columns; j++)
                halves[(i + r) * stride + j] = cep_half_of(rows[r * m->columns + j]);
        if (!s) s = cep_poll(ctx);
    }
    cep_free(mem, rows);
    if (s) {
        cepman_matrix_unref(copy);
        return s;
    }
    *out = copy;
    return CEPMAN_OK;
}

/* ---- a file's rows ---- */

static cepman_status check(cepman_context *ctx, const cep_npy_header *h, const char *path)
{
    CEP_REQUIRE(ctx, h->dims > 0 && h->shape[h->dims - 1] > 0, CEPMAN_ERR_SHAPE,
                "%s: an array of rows is expected, this one has no %s", path, h->dims ? "columns" : "axes");
    CEP_REQUIRE(ctx, !cep_npy_scrambled(h), CEPMAN_ERR_UNSUPPORTED,
                "%s: the array is in Fortran order; save it again with numpy.ascontiguousarray", path);
    CEP_REQUIRE(
        ctx, (h->type == CEPMAN_TYPE_F32 || h->type == CEPMAN_TYPE_F16) && !h->swapped,
        CEPMAN_ERR_UNSUPPORTED,
        "%s: numbers of type %s%s cannot be used where they are, only f32 and f16 in native byte order", path,
        cepman_type_name(h->type), h->swapped ? " in the other byte order" : "");
    CEP_REQUIRE(ctx, h->offset % cepman_type_size(h->type) == 0, CEPMAN_ERR_UNSUPPORTED,
                "%s: the data begin at byte %llu, which is no multiple of a number's size", path,
                (unsigned long long)h->offset);
    return CEPMAN_OK;
}

cepman_status cepman_matrix_map(cepman_matrix **out, cepman_context *ctx, const char *path)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && path, CEPMAN_ERR_ARGUMENT, "matrix map: out or path is NULL");
    cep_fault fault;
    cep_file *file = NULL;
    cep_npy_header h;
    cepman_matrix *m = NULL;
    s = cep_file_open(&file, cep_context_memory(ctx), &fault, path);
    if (!s) s = cep_npy_read_header(file, &fault, &h, false);
    if (s) {
        cep_file_close(file);
        return cep_fail_fault(ctx, &fault);
    }
    s = check(ctx, &h, path);
    const size_t columns = h.dims >= 2 ? h.shape[h.dims - 1] : 1;
    if (!s) s = cep_matrix_make(&m, ctx, h.type, h.count / columns, columns, columns);
    if (s) {
        cep_file_close(file);
        return s;
    }
    m->file = file;
    m->offset = h.offset;
    if (h.type == CEPMAN_TYPE_F32 && h.count > 0) {
        m->map_size = (size_t)h.offset + h.count * m->size;
        s = cep_file_map(file, &fault, m->map_size, &m->map);
        if (s) {
            cepman_matrix_unref(m);
            return cep_fail_fault(ctx, &fault);
        }
        m->data = (const unsigned char *)m->map + h.offset;
    }
    *out = m;
    return CEPMAN_OK;
}
