/* Matrices of float16, matrices over files, and files that are written by place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "matrix.h"
#include "support.h"

enum { ROWS = 37, COLUMNS = 21 };

static void fill(float *x)
{
    support_random r = {3};
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        x[i] = (float)support_normal(&r);
}

/* What a matrix must give of x, through every way of reading. */
static void check_reads(cepman_context *ctx, const cepman_matrix *m, const float *x)
{
    static const size_t strides[] = {COLUMNS, COLUMNS + 1, 3 * COLUMNS};
    float out[ROWS * 3 * COLUMNS];
    ck_assert_uint_eq(cepman_matrix_rows(m), ROWS);
    ck_assert_uint_eq(cepman_matrix_columns(m), COLUMNS);
    for (size_t s = 0; s < 3; s++)
        for (size_t first = 0; first <= ROWS; first += 5)
            for (size_t count = 0; first + count <= ROWS; count += 7) {
                memset(out, 0, sizeof out);
                assert_good(ctx, cepman_matrix_read(m, ctx, first, count, out, strides[s]));
                for (size_t i = 0; i < count; i++)
                    ck_assert_mem_eq(out + i * strides[s], x + (first + i) * COLUMNS, COLUMNS * sizeof *x);
            }
    assert_fails(ctx, cepman_matrix_read(m, ctx, ROWS, 1, out, COLUMNS), CEPMAN_ERR_RANGE, "has 37");
    assert_status(ctx, cepman_matrix_read(m, ctx, 1, SIZE_MAX, out, COLUMNS), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_matrix_read(m, ctx, 0, 1, out, COLUMNS - 1), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_matrix_read(m, ctx, 0, 1, NULL, COLUMNS), CEPMAN_ERR_ARGUMENT);
}

START_TEST(half_and_full)
{
    cepman_context *ctx = support_begin(1);
    float x[ROWS * COLUMNS], rounded[ROWS * COLUMNS];
    fill(x);
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        rounded[i] = cep_half_value(cep_half_of(x[i]));
    cepman_matrix *m = NULL, *half = NULL, *mapped = NULL, *some = NULL, *full = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, ROWS, COLUMNS, COLUMNS));
    ck_assert_int_eq(cepman_matrix_type(m), CEPMAN_TYPE_F32);
    ck_assert_int_eq((int)cepman_matrix_type(NULL), 0);
    check_reads(ctx, m, x);
    assert_good(ctx, cepman_matrix_convert(&half, ctx, m, CEPMAN_TYPE_F16));
    ck_assert_int_eq(cepman_matrix_type(half), CEPMAN_TYPE_F16);
    ck_assert_ptr_null(cepman_matrix_row(half, 0));
    ck_assert_ptr_null(cepman_matrix_data(half, NULL));
    check_reads(ctx, half, rounded);
    /* Files of both types. */
    for (int of_half = 0; of_half < 2; of_half++) {
        const char *path = support_path("stored.npy");
        const float *expected = of_half ? rounded : x;
        assert_good(ctx, cepman_matrix_save(of_half ? half : m, ctx, path));
        assert_good(ctx, cepman_matrix_map(&mapped, ctx, path));
        ck_assert_int_eq(cepman_matrix_type(mapped), of_half ? CEPMAN_TYPE_F16 : CEPMAN_TYPE_F32);
        ck_assert_int_eq(cepman_matrix_row(mapped, 3) == NULL, of_half);
        if (!of_half)
            for (size_t i = 0; i < ROWS; i++)
                ck_assert_mem_eq(cepman_matrix_row(mapped, i), x + i * COLUMNS, COLUMNS * sizeof *x);
        check_reads(ctx, mapped, expected);
        /* The rows outlive the name. */
        unlink(path);
        check_reads(ctx, mapped, expected);
        size_t order[ROWS];
        float turned[ROWS * COLUMNS];
        for (size_t i = 0; i < ROWS; i++) {
            order[i] = ROWS - 1 - i;
            memcpy(turned + i * COLUMNS, expected + order[i] * COLUMNS, COLUMNS * sizeof *x);
        }
        assert_good(ctx, cepman_matrix_select(&some, ctx, mapped, order, ROWS));
        check_reads(ctx, some, turned);
        cepman_matrix_unref(some);
        cepman_matrix_unref(mapped);
        /* Loading widens. */
        assert_good(ctx, cepman_matrix_save(of_half ? half : m, ctx, path));
        assert_good(ctx, cepman_matrix_load(&full, ctx, path));
        ck_assert_int_eq(cepman_matrix_type(full), CEPMAN_TYPE_F32);
        check_reads(ctx, full, expected);
        cepman_matrix_unref(full);
    }
    assert_good(ctx, cepman_matrix_convert(&full, ctx, half, CEPMAN_TYPE_F32));
    ck_assert_ptr_nonnull(cepman_matrix_row(full, 0));
    check_reads(ctx, full, rounded);
    assert_status(ctx, cepman_matrix_convert(&some, ctx, half, CEPMAN_TYPE_F64), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, cep_matrix_need_f32(ctx, half, "it"), CEPMAN_ERR_UNSUPPORTED, "float16");
    cepman_matrix_unref(full);
    cepman_matrix_unref(half);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* A .npy of one description and n bytes of data. */
static const char *npy_of(const char *descr, const char *shape, size_t bytes)
{
    const char *path = support_path("odd.npy");
    unsigned char file[128 + 4096] = "\x93NUMPY\x01\x00";
    char dict[118];
    int n =
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    file[8] = 118;
    memset(file + 10, ' ', 118);
    memcpy(file + 10, dict, (size_t)n);
    file[127] = '\n';
    support_write(path, file, 128 + bytes);
    return path;
}

START_TEST(files_that_cannot_be_mapped)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = NULL;
    assert_fails(ctx, cepman_matrix_map(&m, ctx, npy_of("<f8", "(4, 5)", 160)), CEPMAN_ERR_UNSUPPORTED,
                 "f64");
    assert_fails(ctx, cepman_matrix_map(&m, ctx, npy_of(">f4", "(4, 5)", 80)), CEPMAN_ERR_UNSUPPORTED,
                 "order");
    assert_fails(ctx, cepman_matrix_map(&m, ctx, npy_of("<f4", "(4, 5)", 79)), CEPMAN_ERR_TRUNCATED, "79");
    assert_status(ctx, cepman_matrix_map(&m, ctx, npy_of("<f4", "()", 4)), CEPMAN_ERR_SHAPE);
    assert_status(ctx, cepman_matrix_map(&m, ctx, npy_of("<f4", "(4, 0)", 0)), CEPMAN_ERR_SHAPE);
    assert_status(ctx, cepman_matrix_map(&m, ctx, support_path("none.npy")), CEPMAN_ERR_IO);
    assert_status(ctx, cepman_matrix_map(&m, ctx, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(m);
    assert_good(ctx, cepman_matrix_map(&m, ctx, npy_of("<f4", "(0, 5)", 0)));
    ck_assert_uint_eq(cepman_matrix_rows(m), 0);
    ck_assert_ptr_null(cepman_matrix_row(m, 0));
    cepman_matrix_unref(m);
    assert_good(ctx, cepman_matrix_map(&m, ctx, npy_of("<f4", "(2, 3, 5)", 120)));
    ck_assert_uint_eq(cepman_matrix_rows(m), 6);
    cepman_matrix_unref(m);
    /* A file that was cut after it was opened: reading says so. */
    for (int half = 0; half < 2; half++) {
        const char *path = npy_of(half ? "<f2" : "<f4", "(4, 5)", half ? 40 : 80);
        float x[20];
        assert_good(ctx, cepman_matrix_map(&m, ctx, path));
        ck_assert_int_eq(truncate(path, 128 + 20), 0);
        assert_fails(ctx, cepman_matrix_read(m, ctx, 0, 4, x, 5), CEPMAN_ERR_TRUNCATED, "odd.npy");
        cepman_matrix_unref(m);
    }
    support_end(ctx);
}
END_TEST

START_TEST(rows_by_place)
{
    cepman_context *ctx = support_begin(1);
    const char *path = support_path("placed.npy");
    const size_t shape[2] = {3, 2};
    const float rows[3][2] = {{1, 2}, {3, 4}, {5, 6}};
    for (int commit = 0; commit < 2; commit++) {
        cepman_npy_writer *w = NULL;
        cep_fault fault;
        float back[2] = {0, 0};
        assert_good(ctx, cepman_npy_writer_create(&w, ctx, path, CEPMAN_TYPE_F32, 2, shape));
        ck_assert_int_eq(cep_npy_writer_reserve(w, &fault), CEPMAN_OK);
        for (size_t i = 3; i-- > 0;)
            ck_assert_int_eq(cep_npy_writer_put(w, &fault, 2 * i, 2, rows[i]), CEPMAN_OK);
        ck_assert_int_eq(cep_npy_writer_get(w, &fault, 2, 2, back), CEPMAN_OK);
        ck_assert_mem_eq(back, rows[1], sizeof back);
        assert_status(ctx, cepman_npy_writer_commit(w, ctx), CEPMAN_ERR_SHAPE);
        cep_npy_writer_filled(w);
        if (commit) assert_good(ctx, cepman_npy_writer_commit(w, ctx));
        cepman_npy_writer_unref(w);
        ck_assert_int_eq(support_exists(path), commit);
    }
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_load(&m, ctx, path));
    for (size_t i = 0; i < 3; i++)
        ck_assert_mem_eq(cepman_matrix_row(m, i), rows[i], sizeof rows[i]);
    cepman_matrix_unref(m);
    /* More than any disk holds. */
    const size_t vast[2] = {(size_t)1 << 40, 1 << 18};
    cepman_npy_writer *w = NULL;
    cep_fault fault;
    assert_good(ctx, cepman_npy_writer_create(&w, ctx, support_path("vast.npy"), CEPMAN_TYPE_F32, 2, vast));
    ck_assert_int_eq(cep_npy_writer_reserve(w, &fault), CEPMAN_ERR_IO);
    cepman_npy_writer_unref(w);
    support_end(ctx);
}
END_TEST

START_TEST(allocations_fail_in_turn)
{
    float x[ROWS * COLUMNS];
    fill(x);
    bool done = false;
    for (long at = 0; !done; at++) {
        ck_assert_int_lt(at, 200);
        cepman_context *ctx = support_begin(1);
        const char *path = support_path("failing.npy");
        cepman_matrix *m = NULL, *half = NULL, *mapped = NULL;
        assert_good(ctx, cepman_matrix_copy(&m, ctx, x, ROWS, COLUMNS, COLUMNS));
        support_fail_at(at);
        cepman_status s = cepman_matrix_convert(&half, ctx, m, CEPMAN_TYPE_F16);
        if (!s) s = cepman_matrix_save(half, ctx, path);
        if (!s) s = cepman_matrix_map(&mapped, ctx, path);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
        done = s == CEPMAN_OK;
        support_fail_at(-1);
        unlink(path);
        cepman_matrix_unref(mapped);
        cepman_matrix_unref(half);
        cepman_matrix_unref(m);
        support_end(ctx);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("stored matrices");
    TCase *t = tcase_create("stored");
    tcase_add_test(t, half_and_full);
    tcase_add_test(t, files_that_cannot_be_mapped);
    tcase_add_test(t, rows_by_place);
    tcase_add_test(t, allocations_fail_in_turn);
    suite_add_tcase(s, t);
    return s;
}
