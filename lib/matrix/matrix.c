/* Reference-counted n x d float32 or float16: owned, borrowed, of a file, or a selection of another matrix's rows.
 * Immutable once handed out, so that any thread may read it without a lock.
 * Must not: know what the numbers mean. */
#include <math.h>
#include <string.h>

#include "internal.h"

static cepman_status make(cepman_matrix **out, cepman_context *ctx, size_t rows, size_t columns,
                          size_t stride)
{
    return cep_matrix_make(out, ctx, CEPMAN_TYPE_F32, rows, columns, stride);
}

cepman_status cep_matrix_make(cepman_matrix **out, cepman_context *ctx, cepman_type type, size_t rows,
                              size_t columns, size_t stride)
{
    cep_memory *mem = cep_context_memory(ctx);
    cepman_matrix *m = cep_alloc_zero(mem, 1, sizeof *m);
    if (!m) return cep_fail_memory(ctx, "matrix", 1, sizeof *m);
    cep_refs_init(&m->refs);
    m->mem = cep_memory_ref(mem);
    m->type = type;
    m->size = cepman_type_size(type);
    m->rows = rows;
    m->columns = columns;
    m->stride = stride;
    *out = m;
    return CEPMAN_OK;
}

static cepman_status create(cepman_matrix **out, cepman_context *ctx, const char *what, cepman_type type,
                            size_t rows, size_t columns, void **data, size_t *stride)
{
    const size_t size = cepman_type_size(type), mask = CEP_ALIGNMENT / size - 1;
    size_t step = columns, bytes;
    if (columns > 8 && (!cep_add(columns, mask, &step) || (step &= ~mask) == 0)) step = SIZE_MAX;
    if (!cep_mul(step, size, &bytes)) return cep_fail_memory(ctx, what, rows, SIZE_MAX);
    cepman_matrix *m = NULL;
    cepman_status s = cep_matrix_make(&m, ctx, type, rows, columns, step);
    if (s) return s;
    m->owned = cep_alloc(m->mem, rows, bytes);
    if (!m->owned) {
        cepman_matrix_unref(m);
        return cep_fail_memory(ctx, what, rows, bytes);
    }
    m->data = m->owned;
    *data = m->owned;
    if (stride) *stride = step;
    *out = m;
    return CEPMAN_OK;
}

cepman_status cep_matrix_create(cepman_matrix **out, cepman_context *ctx, const char *what, size_t rows,
                                size_t columns, float **data, size_t *stride)
{
    void *p = NULL;
    cepman_status s = create(out, ctx, what, CEPMAN_TYPE_F32, rows, columns, &p, stride);
    if (!s) *data = p;
    return s;
}

cepman_status cep_matrix_create_f16(cepman_matrix **out, cepman_context *ctx, const char *what, size_t rows,
                                    size_t columns, uint16_t **data, size_t *stride)
{
    void *p = NULL;
    cepman_status s = create(out, ctx, what, CEPMAN_TYPE_F16, rows, columns, &p, stride);
    if (!s) *data = p;
    return s;
}

static cepman_status check_shape(cepman_context *ctx, const void *out, const float *data, size_t rows,
                                 size_t columns, size_t stride)
{
    size_t items;
    CEP_REQUIRE(ctx, out && (data || rows == 0), CEPMAN_ERR_ARGUMENT, "matrix: out or data is NULL");
    CEP_REQUIRE(ctx, columns >= 1, CEPMAN_ERR_RANGE, "matrix: columns is 0, must be at least 1");
    CEP_REQUIRE(ctx, stride >= columns, CEPMAN_ERR_RANGE,
                "matrix: stride is %zu, must be at least columns = %zu", stride, columns);
    CEP_REQUIRE(ctx, cep_mul(rows, stride, &items) && cep_mul(items, sizeof(float), &items), CEPMAN_ERR_RANGE,
                "matrix: %zu rows of stride %zu are more than memory can address", rows, stride);
    return CEPMAN_OK;
}

cepman_status cepman_matrix_copy(cepman_matrix **out, cepman_context *ctx, const float *data, size_t rows,
                                 size_t columns, size_t stride)
{
    cepman_status s = cep_enter(ctx);
    if (s || (s = check_shape(ctx, out, data, rows, columns, stride))) return s;
    cepman_matrix *m = NULL;
    float *to;
    size_t step = 0;
    s = cep_matrix_create(&m, ctx, "copy of a matrix", rows, columns, &to, &step);
    if (s) return s;
    for (size_t i = 0; i < rows; i++)
        memcpy(to + i * step, data + i * stride, columns * sizeof *to);
    *out = m;
    return CEPMAN_OK;
}

cepman_status cepman_matrix_wrap(cepman_matrix **out, cepman_context *ctx, const float *data, size_t rows,
                                 size_t columns, size_t stride, cepman_destroy destroy, void *user)
{
    cepman_status s = cep_enter(ctx);
    if (s || (s = check_shape(ctx, out, data, rows, columns, stride))) return s;
    cepman_matrix *m = NULL;
    s = make(&m, ctx, rows, columns, stride);
    if (s) return s;
    m->data = data;
    m->destroy = destroy;
    m->user = user;
    *out = m;
    return CEPMAN_OK;
}

cepman_status cepman_matrix_select(cepman_matrix **out, cepman_context *ctx, cepman_matrix *matrix,
                                   const size_t *rows, size_t count)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix && (rows || !count), CEPMAN_ERR_ARGUMENT,
                "selection: an argument is NULL");
    for (size_t i = 0; i < count; i++)
        CEP_REQUIRE(ctx, rows[i] < matrix->rows, CEPMAN_ERR_RANGE,
                    "selection: index %zu is row %zu, the matrix has %zu rows", i, rows[i], matrix->rows);
    cepman_matrix *m = NULL;
    s = cep_matrix_make(&m, ctx, matrix->type, count, matrix->columns, 0);
    if (s) return s;
    m->index = cep_alloc(m->mem, count, sizeof *m->index);
    if (!m->index) {
        cepman_matrix_unref(m);
        return cep_fail_memory(ctx, "selection of rows", count, sizeof *rows);
    }
    /* A selection of a selection points at the data's owner. */
    cepman_matrix *owner = matrix->parent ? matrix->parent : matrix;
    for (size_t i = 0; i < count; i++)
        m->index[i] = matrix->index ? matrix->index[rows[i]] : rows[i];
    m->parent = cepman_matrix_ref(owner);
    *out = m;
    return CEPMAN_OK;
}

cepman_matrix *cepman_matrix_ref(cepman_matrix *m)
{
    if (m) cep_refs_get(&m->refs);
    return m;
}

void cepman_matrix_unref(cepman_matrix *m)
{
    if (!m || !cep_refs_put(&m->refs)) return;
    cep_memory *mem = m->mem;
    if (m->destroy) m->destroy(m->user);
    cepman_matrix_unref(m->parent);
    cep_file_unmap(m->map, m->map_size);
    cep_file_close(m->file);
    cep_free(mem, m->index);
    cep_free(mem, m->owned);
    cep_free(mem, m);
    cep_memory_unref(mem);
}

size_t cepman_matrix_rows(const cepman_matrix *m)
{
    return m ? m->rows : 0;
}

size_t cepman_matrix_columns(const cepman_matrix *m)
{
    return m ? m->columns : 0;
}

cepman_type cepman_matrix_type(const cepman_matrix *m)
{
    return m ? m->type : (cepman_type)0;
}

const float *cepman_matrix_row(const cepman_matrix *m, size_t row)
{
    if (!m || row >= m->rows || m->type != CEPMAN_TYPE_F32) return NULL;
    if (m->parent) return (const float *)m->parent->data + m->index[row] * m->parent->stride;
    return (const float *)m->data + row * m->stride;
}

const float *cepman_matrix_data(const cepman_matrix *m, size_t *stride)
{
    if (!m || m->parent || m->type != CEPMAN_TYPE_F32) return NULL;
    if (stride) *stride = m->stride;
    return m->data;
}

bool cep_matrix_in_memory(const cepman_matrix *m)
{
    return m->type == CEPMAN_TYPE_F32 && !(m->parent ? m->parent : m)->file;
}

cepman_status cep_matrix_need_f32(cepman_context *ctx, const cepman_matrix *m, const char *what)
{
    CEP_REQUIRE(ctx, !m || m->type == CEPMAN_TYPE_F32, CEPMAN_ERR_UNSUPPORTED,
                "%s: the matrix holds float16, expected float32 (cepman_matrix_convert() makes it)", what);
    return CEPMAN_OK;
}

void cep_matrix_read(const cepman_matrix *m, size_t first, size_t count, float *dst, size_t stride)
{
    for (size_t i = 0; i < count; i++)
        memcpy(dst + i * stride, cepman_matrix_row(m, first + i), m->columns * sizeof *dst);
}

cepman_status cep_matrix_first_nonfinite(size_t *row, cepman_context *ctx, const cepman_matrix *m)
{
    const size_t rows = ((size_t)1 << 23) / (m->columns + 1) + 1; /* between two polls */
    for (*row = 0; *row < m->rows; ++*row) {
        const size_t i = *row;
        const float *p = cepman_matrix_row(m, i);
        float s = 0; /* x - x is 0 for finite x, NaN otherwise */
        for (size_t j = 0; j < m->columns; j++)
            s += p[j] - p[j];
        if (s != 0 || isnan(s)) break;
        cepman_status status = (i + 1) % rows == 0 ? cep_poll(ctx) : CEPMAN_OK;
        if (status) return status;
    }
    return CEPMAN_OK;
}
