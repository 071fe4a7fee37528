/* Writes .npy files (version 1.0, native byte order, C order) piece by piece, whole or not at all.
 * Format: NumPy enhancement proposal 1; the header is padded so that data begin at a multiple of 64.
 * Must not: touch the target before the commit. */
#include <stdio.h>
#include <string.h>

#include "matrix.h"

struct cepman_npy_writer {
    cep_memory *mem;
    cep_outfile *file;
    size_t size;           /* bytes of a number */
    size_t total, written; /* numbers */
    uint64_t offset;       /* of the data */
    bool ended;            /* committed, or a write failed */
};

static const char *code_of(cepman_type type)
{
    switch ((int)type) {
    case CEPMAN_TYPE_U8:
        return "|u1";
    case CEPMAN_TYPE_I8:
        return "|i1";
    case CEPMAN_TYPE_BOOL:
        return "|b1";
    case CEPMAN_TYPE_U16:
        return "u2";
    case CEPMAN_TYPE_I16:
        return "i2";
    case CEPMAN_TYPE_U32:
        return "u4";
    case CEPMAN_TYPE_I32:
        return "i4";
    case CEPMAN_TYPE_F32:
        return "f4";
    case CEPMAN_TYPE_F64:
        return "f8";
    case CEPMAN_TYPE_I64:
        return "i8";
    case CEPMAN_TYPE_F16:
        return "f2";
    default:
        return NULL;
    }
}

static size_t make_header(char header[512], cepman_type type, size_t dims, const size_t *shape)
{
    const uint16_t probe = 1;
    const char *order = *(const unsigned char *)&probe == 1 ? "<" : ">";
    const char *code = code_of(type);
    char dict[400];
    int n = snprintf(dict, sizeof dict, "{'descr': '%s%s', 'fortran_order': False, 'shape': (",
                     code[0] == '|' ? "" : order, code);
    for (size_t i = 0; i < dims; i++)
        n += snprintf(dict + n, sizeof dict - (size_t)n, "%zu%s", shape[i],
                      dims == 1      ? ","
                      : i + 1 < dims ? ", "
                                     : "");
    n += snprintf(dict + n, sizeof dict - (size_t)n, "), }");
    size_t total = (10 + (size_t)n + 1 + 63) / 64 * 64, body = total - 10;
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)(body & 0xff);
    header[9] = (char)(body >> 8);
    memcpy(header + 10, dict, (size_t)n);
    memset(header + 10 + n, ' ', body - (size_t)n);
    header[total - 1] = '\n';
    return total;
}

cepman_status cepman_npy_writer_create(cepman_npy_writer **out, cepman_context *ctx, const char *path,
                                       cepman_type type, size_t dims, const size_t *shape)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && path && (shape || !dims), CEPMAN_ERR_ARGUMENT, "npy writer: an argument is NULL");
    CEP_REQUIRE(ctx, code_of(type), CEPMAN_ERR_ARGUMENT, "npy writer: unknown type %d", (int)type);
    CEP_REQUIRE(ctx, dims <= CEP_NPY_DIMS, CEPMAN_ERR_RANGE, "npy writer: %zu axes, at most %d", dims,
                CEP_NPY_DIMS);
    size_t total = 1;
    for (size_t i = 0; i < dims; i++)
        CEP_REQUIRE(ctx, cep_mul(total, shape[i], &total), CEPMAN_ERR_RANGE,
                    "npy writer: the shape overflows");
    cep_memory *mem = cep_context_memory(ctx);
    cep_fault fault;
    cepman_npy_writer *w = cep_alloc_zero(mem, 1, sizeof *w);
    if (!w) return cep_fail_memory(ctx, "npy writer", 1, sizeof *w);
    w->mem = cep_memory_ref(mem);
    w->size = cepman_type_size(type);
    w->total = total;
    char header[512];
    size_t n = make_header(header, type, dims, shape);
    w->offset = n;
    s = cep_outfile_create(&w->file, mem, &fault, path);
    if (!s) s = cep_outfile_write(w->file, &fault, header, n);
    if (s) {
        cepman_npy_writer_unref(w);
        return cep_fail_fault(ctx, &fault);
    }
    *out = w;
    return CEPMAN_OK;
}

cepman_status cepman_npy_writer_append(cepman_npy_writer *w, cepman_context *ctx, const void *data,
                                       size_t count)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, w && (data || !count), CEPMAN_ERR_ARGUMENT, "npy writer: writer or data is NULL");
    CEP_REQUIRE(ctx, !w->ended, CEPMAN_ERR_ARGUMENT, "%s: the writer has ended", cep_outfile_path(w->file));
    CEP_REQUIRE(ctx, count <= w->total - w->written, CEPMAN_ERR_SHAPE,
                "%s: %zu numbers appended after %zu, the shape holds %zu", cep_outfile_path(w->file), count,
                w->written, w->total);
    cep_fault fault;
    s = cep_outfile_write(w->file, &fault, data, count * w->size);
    if (s) w->ended = true; /* nobody knows how much of it is in the file */
    if (s) return cep_fail_fault(ctx, &fault);
    w->written += count;
    return CEPMAN_OK;
}

cepman_status cepman_npy_writer_commit(cepman_npy_writer *w, cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, w, CEPMAN_ERR_ARGUMENT, "npy writer is NULL");
    CEP_REQUIRE(ctx, !w->ended, CEPMAN_ERR_ARGUMENT, "%s: the writer has ended", cep_outfile_path(w->file));
    CEP_REQUIRE(ctx, w->written == w->total, CEPMAN_ERR_SHAPE, "%s: %zu of %zu numbers were written",
                cep_outfile_path(w->file), w->written, w->total);
    cep_fault fault;
    w->ended = true;
    s = cep_outfile_commit(w->file, &fault);
    return s ? cep_fail_fault(ctx, &fault) : CEPMAN_OK;
}

void cepman_npy_writer_unref(cepman_npy_writer *w)
{
    if (!w) return;
    cep_memory *mem = w->mem;
    cep_outfile_close(w->file);
    cep_free(mem, w);
    cep_memory_unref(mem);
}

/* ---- by place ----------------------------------------------------------------------------------------------- */

cepman_status cep_npy_writer_reserve(cepman_npy_writer *w, cep_fault *fault)
{
    uint64_t bytes;
    if (__builtin_mul_overflow((uint64_t)w->total, (uint64_t)w->size, &bytes) ||
        bytes > INT64_MAX - w->offset)
        return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: %zu numbers are more than a file can hold",
                             cep_outfile_path(w->file), w->total);
    return cep_outfile_reserve(w->file, fault, w->offset + bytes);
}

cepman_status cep_npy_writer_put(cepman_npy_writer *w, cep_fault *fault, size_t first, size_t count,
                                 const void *data)
{
    return cep_outfile_write_at(w->file, fault, w->offset + (uint64_t)first * w->size, data, count * w->size);
}

cepman_status cep_npy_writer_get(cepman_npy_writer *w, cep_fault *fault, size_t first, size_t count,
                                 void *data)
{
    return cep_outfile_read_at(w->file, fault, w->offset + (uint64_t)first * w->size, data, count * w->size);
}

void cep_npy_writer_filled(cepman_npy_writer *w)
{
    w->written = w->total;
}

/* ---- whole matrices and labels ------------------------------------------------------------------------------ */

/* Rows through a block: of a file, or float16 (which widens and narrows again without a change). */
static cepman_status append_rows(cepman_npy_writer *w, cepman_context *ctx, const cepman_matrix *m)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = cepman_matrix_rows(m), d = cepman_matrix_columns(m);
    float *row = cep_alloc(mem, d, sizeof *row);
    uint16_t *half = cep_alloc(mem, d, sizeof *half);
    cepman_status s = row && half ? CEPMAN_OK : cep_fail_memory(ctx, "a row", d, sizeof *row + sizeof *half);
    cep_fault fault;
    for (size_t i = 0; !s && i < n; i++) {
        if (cep_matrix_fetch(m, &fault, i, 1, row, d)) s = cep_fail_fault(ctx, &fault);
        if (!s) s = cep_poll(ctx);
        for (size_t j = 0; !s && w->size == sizeof *half && j < d; j++)
            half[j] = cep_half_of(row[j]);
        if (!s) s = cepman_npy_writer_append(w, ctx, w->size == sizeof *half ? (void *)half : (void *)row, d);
    }
    cep_free(mem, row);
    cep_free(mem, half);
    return s;
}

cepman_status cepman_matrix_save(const cepman_matrix *m, cepman_context *ctx, const char *path)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, m && path, CEPMAN_ERR_ARGUMENT, "matrix save: matrix or path is NULL");
    const size_t shape[2] = {cepman_matrix_rows(m), cepman_matrix_columns(m)};
    cepman_npy_writer *w = NULL;
    s = cepman_npy_writer_create(&w, ctx, path, cepman_matrix_type(m), 2, shape);
    if (s) return s;
    s = append_rows(w, ctx, m);
    if (!s) s = cepman_npy_writer_commit(w, ctx);
    cepman_npy_writer_unref(w);
    return s;
}

cepman_status cepman_labels_save(const cepman_labels *labels, cepman_context *ctx, const char *path,
                                 size_t rows, size_t columns)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, labels && path, CEPMAN_ERR_ARGUMENT, "labels save: labels or path is NULL");
    size_t count = cepman_labels_count(labels), product;
    CEP_REQUIRE(ctx, rows == 0 || (cep_mul(rows, columns, &product) && product == count), CEPMAN_ERR_SHAPE,
                "labels save: %zu labels do not fill %zu x %zu", count, rows, columns);
    const size_t shape[2] = {rows ? rows : count, columns};
    cepman_npy_writer *w = NULL;
    s = cepman_npy_writer_create(&w, ctx, path, CEPMAN_TYPE_I32, rows ? 2 : 1, shape);
    if (s) return s;
    s = cepman_npy_writer_append(w, ctx, cepman_labels_data(labels), count);
    if (!s) s = cepman_npy_writer_commit(w, ctx);
    cepman_npy_writer_unref(w);
    return s;
}
