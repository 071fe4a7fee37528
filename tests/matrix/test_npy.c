/* .npy files: headers that NumPy writes and headers nobody should, matrices and labels there and back, the writer. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"
#include "support.h"

/* A version-1 file of this dict and `size` bytes of data. */
static size_t make(unsigned char *file, const char *dict, const void *data, size_t size)
{
    size_t n = strlen(dict);
    memcpy(file, "\x93NUMPY\x01\x00", 8);
    file[8] = (unsigned char)(n & 0xff);
    file[9] = (unsigned char)(n >> 8);
    memcpy(file + 10, dict, n);
    if (size) memcpy(file + 10 + n, data, size);
    return 10 + n + size;
}

START_TEST(headers)
{
    static const struct {
        const char *dict;
        cepman_status status;
        cepman_type type;
        size_t dims, count;
        bool fortran;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }\n", CEPMAN_OK, CEPMAN_TYPE_F32, 2, 12,
         false},
        {"{'descr':'<f4','fortran_order':False,'shape':(3,4)}", CEPMAN_OK, CEPMAN_TYPE_F32, 2, 12, false},
        {"{\"shape\": (3L, 4L), \"fortran_order\": True, \"descr\": \">i2\"}  \n", CEPMAN_OK, CEPMAN_TYPE_I16,
         2, 12, true},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (7,)}", CEPMAN_OK, CEPMAN_TYPE_BOOL, 1, 7, false},
        {"{'descr': 'u2', 'fortran_order': False, 'shape': ()}", CEPMAN_OK, CEPMAN_TYPE_U16, 0, 1, false},
        {"{'descr': '=f8', 'fortran_order': False, 'shape': (0, 5)}", CEPMAN_OK, CEPMAN_TYPE_F64, 2, 0,
         false},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1)}", CEPMAN_OK, CEPMAN_TYPE_I64,
         8, 1, false},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", CEPMAN_ERR_FORMAT, 0, 0, 0,
         false},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (1,)}", CEPMAN_OK, CEPMAN_TYPE_F16, 1, 1, false},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", CEPMAN_ERR_UNSUPPORTED, 0, 0, 0, false},
        {"{'descr': '', 'fortran_order': False, 'shape': (1,)}", CEPMAN_ERR_UNSUPPORTED, 0, 0, 0, false},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", CEPMAN_ERR_FORMAT, 0, 0, 0,
         false},
        {"{'fortran_order': False, 'shape': (1,)}", CEPMAN_ERR_FORMAT, 0, 0, 0, false},
        {"{'descr': '<f4', 'shape': (1,)}", CEPMAN_ERR_FORMAT, 0, 0, 0, false},
        {"{'descr': '<f4', 'fortran_order': False}", CEPMAN_ERR_FORMAT, 0, 0, 0, false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (2,)}", CEPMAN_ERR_FORMAT, 0, 0, 0,
         false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", CEPMAN_ERR_FORMAT, 0, 0, 0,
         false},
        {"{'descr': '<f4', 'fortran_order': maybe, 'shape': (1,)}", CEPMAN_ERR_FORMAT, 0, 0, 0, false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", CEPMAN_ERR_FORMAT, 0, 0, 0, false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", CEPMAN_ERR_FORMAT, 0,
         0, 0, false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", CEPMAN_ERR_FORMAT, 0,
         0, 0, false},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,)}", CEPMAN_ERR_FORMAT, 0, 0,
         0, false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), ", CEPMAN_ERR_FORMAT, 0, 0, 0, false},
        {"", CEPMAN_ERR_FORMAT, 0, 0, 0, false},
        {"{'descr': '<f4xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', 'fortran_order': False, "
         "'shape': (1,)}",
         CEPMAN_ERR_FORMAT, 0, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char file[512];
        size_t n = make(file, cases[i].dict, NULL, 0);
        cep_fault fault = {CEPMAN_OK, ""};
        cep_npy_header h = {0};
        unsigned char *exact = malloc(n); /* so that a sanitizer sees the end */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, file, n);
        cepman_status s = cep_npy_parse(exact, n, "name", &fault, &h);
        ck_assert_msg(s == cases[i].status, "case %zu: %s", i, fault.text);
        if (s) {
            ck_assert_ptr_nonnull(strstr(fault.text, "name"));
        } else {
            ck_assert_int_eq(h.type, cases[i].type);
            ck_assert_uint_eq(h.dims, cases[i].dims);
            ck_assert_uint_eq(h.count, cases[i].count);
            ck_assert_int_eq(h.fortran, cases[i].fortran);
            ck_assert_uint_eq(h.offset, n);
        }
        /* Cut anywhere: refused. */
        for (size_t cut = 0; cut < n; cut++) {
            unsigned char *part = malloc(cut + 1);
            ck_assert_ptr_nonnull(part);
            memcpy(part, file, cut);
            ck_assert_int_ne(cep_npy_parse(part, cut, "name", &fault, &h), CEPMAN_OK);
            free(part);
        }
        free(exact);
    }
    cep_fault fault;
    cep_npy_header h;
    ck_assert_int_eq(
        cep_npy_parse((const unsigned char *)"\x93NUMPY\x04\x00\x00\x00\x00\x00", 12, "n", &fault, &h),
        CEPMAN_ERR_UNSUPPORTED);
    ck_assert_int_eq(
        cep_npy_parse((const unsigned char *)"\x93NUMPY\x02\x00\x00\x00\x00", 11, "n", &fault, &h),
        CEPMAN_ERR_TRUNCATED);
    ck_assert_int_eq(
        cep_npy_parse((const unsigned char *)"\x93NUMPY\x02\x00\xff\xff\xff\xff", 12, "n", &fault, &h),
        CEPMAN_ERR_TRUNCATED);
}
END_TEST

static cepman_status load(cepman_matrix **m, cepman_context *ctx, const char *dict, const void *data,
                          size_t size)
{
    unsigned char *file = malloc(600 + size);
    ck_assert_ptr_nonnull(file);
    const char *path = support_path("m.npy");
    support_write(path, file, make(file, dict, data, size));
    free(file);
    return cepman_matrix_load(m, ctx, path);
}

START_TEST(matrices_from_files)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = NULL;
    const int16_t v[24] = {0,  -1, 2,  -3, 4,  -5, 6,  -7, 8,  -9, 10, -11,
                           12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
    static const struct {
        const char *shape;
        size_t rows, columns;
    } shapes[] = {
        {"(24,)", 24, 1}, {"(6, 4)", 6, 4}, {"(2, 3, 4)", 6, 4}, {"(2, 1, 2, 6)", 4, 6}, {"(0, 7)", 0, 7}};
    for (size_t i = 0; i < 5; i++) {
        char dict[100];
        snprintf(dict, sizeof dict, "{'descr': 'i2', 'fortran_order': False, 'shape': %s}", shapes[i].shape);
        assert_good(ctx, load(&m, ctx, dict, v, sizeof v));
        ck_assert_uint_eq(cepman_matrix_rows(m), shapes[i].rows);
        ck_assert_uint_eq(cepman_matrix_columns(m), shapes[i].columns);
        for (size_t k = 0; k < shapes[i].rows * shapes[i].columns; k++)
            ck_assert(cepman_matrix_row(m, k / shapes[i].columns)[k % shapes[i].columns] == (float)v[k]);
        cepman_matrix_unref(m);
    }
    m = NULL;
    assert_fails(ctx, load(&m, ctx, "{'descr': 'i2', 'fortran_order': True, 'shape': (6, 4)}", v, sizeof v),
                 CEPMAN_ERR_UNSUPPORTED, "Fortran");
    assert_fails(ctx,
                 load(&m, ctx, "{'descr': 'i2', 'fortran_order': True, 'shape': (6, 4, 1)}", v, sizeof v),
                 CEPMAN_ERR_UNSUPPORTED, "Fortran");
    assert_status(ctx, load(&m, ctx, "{'descr': 'i2', 'fortran_order': False, 'shape': (6, 0)}", v, sizeof v),
                  CEPMAN_ERR_SHAPE);
    assert_status(ctx, load(&m, ctx, "{'descr': 'i2', 'fortran_order': False, 'shape': ()}", v, sizeof v),
                  CEPMAN_ERR_SHAPE);
    assert_fails(ctx,
                 load(&m, ctx, "{'descr': 'i2', 'fortran_order': False, 'shape': (6, 4)}", v, sizeof v - 1),
                 CEPMAN_ERR_TRUNCATED, "47 bytes");
    assert_status(ctx, cepman_matrix_load(&m, ctx, support_path("absent.npy")), CEPMAN_ERR_IO);
    assert_status(ctx, cepman_matrix_load(&m, ctx, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_matrix_load(NULL, ctx, "x"), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(m);
    assert_good(ctx, load(&m, ctx, "{'descr': 'i2', 'fortran_order': True, 'shape': (1, 24)}", v, sizeof v));
    ck_assert_uint_eq(cepman_matrix_columns(m), 24);
    cepman_matrix_unref(m);
    /* Foreign byte order, and more than one block of it: 3 x 100003 doubles. */
    size_t n = 3 * 100003;
    unsigned char *big = malloc(8 * n);
    ck_assert_ptr_nonnull(big);
    for (size_t i = 0; i < n; i++) {
        double x = (double)i * 0.25 - 7;
        uint64_t bits;
        memcpy(&bits, &x, 8);
        for (int k = 0; k < 8; k++)
            big[8 * i + (size_t)k] = (unsigned char)(bits >> (56 - 8 * k));
    }
    assert_good(ctx,
                load(&m, ctx, "{'descr': '>f8', 'fortran_order': False, 'shape': (3, 100003)}", big, 8 * n));
    for (size_t i = 0; i < n; i++)
        ck_assert(cepman_matrix_row(m, i / 100003)[i % 100003] == (float)((double)i * 0.25 - 7));
    free(big);
    cepman_matrix_unref(m);
    m = NULL;
    cepman_context_cancel(ctx);
    assert_status(ctx, cepman_matrix_load(&m, ctx, support_path("m.npy")), CEPMAN_ERR_CANCELLED);
    ck_assert_ptr_null(m);
    support_end(ctx);
}
END_TEST

START_TEST(there_and_back)
{
    cepman_context *ctx = support_begin(1);
    for (size_t rows = 0; rows < 40; rows += 13)
        for (size_t columns = 1; columns < 30; columns += 9) {
            cepman_matrix *m = support_normals(ctx, rows, columns, rows + columns), *back = NULL,
                          *part = NULL;
            const char *path = support_path("back.npy");
            assert_good(ctx, cepman_matrix_save(m, ctx, path));
            assert_good(ctx, cepman_matrix_load(&back, ctx, path));
            ck_assert_uint_eq(cepman_matrix_rows(back), rows);
            ck_assert_uint_eq(cepman_matrix_columns(back), columns);
            for (size_t i = 0; i < rows; i++)
                ck_assert_mem_eq(cepman_matrix_row(back, i), cepman_matrix_row(m, i),
                                 columns * sizeof(float));
            if (rows) { /* a selection is saved as it reads */
                const size_t chosen[] = {rows - 1, 0};
                assert_good(ctx, cepman_matrix_select(&part, ctx, m, chosen, 2));
                assert_good(ctx, cepman_matrix_save(part, ctx, path));
                cepman_matrix_unref(back);
                assert_good(ctx, cepman_matrix_load(&back, ctx, path));
                ck_assert_mem_eq(cepman_matrix_row(back, 1), cepman_matrix_row(m, 0),
                                 columns * sizeof(float));
                cepman_matrix_unref(part);
            }
            cepman_matrix_unref(m);
            cepman_matrix_unref(back);
        }
    const int32_t v[6] = {5, -1, INT32_MAX, INT32_MIN, 0, 1};
    cepman_labels *l = NULL, *back = NULL;
    assert_good(ctx, cepman_labels_copy(&l, ctx, v, 6));
    assert_good(ctx, cepman_labels_save(l, ctx, support_path("l.npy"), 2, 3));
    assert_good(ctx, cepman_labels_load(&back, ctx, support_path("l.npy")));
    ck_assert_mem_eq(cepman_labels_data(back), v, sizeof v);
    cepman_labels_unref(back);
    size_t size;
    unsigned char *file = support_read(support_path("l.npy"), &size);
    ck_assert_ptr_nonnull(strstr((char *)file + 10, "'shape': (2, 3)"));
    ck_assert_uint_eq(size % 64, 24);
    free(file);
    assert_good(ctx, cepman_labels_save(l, ctx, support_path("l.npy"), 0, 0));
    file = support_read(support_path("l.npy"), NULL);
    ck_assert_ptr_nonnull(strstr((char *)file + 10, "'shape': (6,)"));
    free(file);
    assert_status(ctx, cepman_labels_save(l, ctx, support_path("l.npy"), 2, 4), CEPMAN_ERR_SHAPE);
    assert_status(ctx, cepman_labels_save(l, ctx, support_path("l.npy"), SIZE_MAX, 2), CEPMAN_ERR_SHAPE);
    assert_status(ctx, cepman_labels_save(NULL, ctx, "x", 0, 0), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_labels_save(l, ctx, support_path("no/such/folder.npy"), 0, 0), CEPMAN_ERR_IO);
    cepman_labels_unref(l);
    support_end(ctx);
}
END_TEST

START_TEST(labels_from_files)
{
    static const struct {
        const char *descr;
        size_t size;
    } types[] = {{"|b1", 1}, {"|u1", 1}, {"|i1", 1}, {"<u2", 2}, {"<i2", 2}, {"<u4", 4},
                 {"<i4", 4}, {"<i8", 8}, {">i2", 2}, {">i4", 4}, {">i8", 8}};
    cepman_context *ctx = support_begin(1);
    cepman_labels *l = NULL;
    unsigned char file[400], data[32];
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        bool big = types[t].descr[0] == '>';
        memset(data, 0, sizeof data);
        data[big ? types[t].size - 1 : 0] = 1;
        data[types[t].size + (big ? types[t].size - 1 : 0)] = 0;
        if (types[t].descr[1] == 'i') memset(data + types[t].size, 0xff, types[t].size); /* -1 */
        char dict[100];
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (1, 2)}",
                 types[t].descr);
        support_write(support_path("l.npy"), file, make(file, dict, data, 2 * types[t].size));
        assert_good(ctx, cepman_labels_load(&l, ctx, support_path("l.npy")));
        ck_assert_uint_eq(cepman_labels_count(l), 2);
        ck_assert_int_eq(cepman_labels_data(l)[0], 1);
        ck_assert_int_eq(cepman_labels_data(l)[1], types[t].descr[1] == 'i' ? -1 : 0);
        cepman_labels_unref(l);
    }
    l = NULL;
    memset(data, 0xff, sizeof data);
    support_write(support_path("l.npy"), file,
                  make(file, "{'descr': '<u4', 'fortran_order': False, 'shape': (2,)}", data, 8));
    assert_fails(ctx, cepman_labels_load(&l, ctx, support_path("l.npy")), CEPMAN_ERR_RANGE,
                 "the value at place 0 ");
    support_write(support_path("l.npy"), file,
                  make(file, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", data, 8));
    assert_fails(ctx, cepman_labels_load(&l, ctx, support_path("l.npy")), CEPMAN_ERR_UNSUPPORTED, "f32");
    support_write(support_path("l.npy"), file,
                  make(file, "{'descr': '<i2', 'fortran_order': True, 'shape': (2,2)}", data, 8));
    assert_fails(ctx, cepman_labels_load(&l, ctx, support_path("l.npy")), CEPMAN_ERR_UNSUPPORTED, "Fortran");
    assert_status(ctx, cepman_labels_load(&l, ctx, support_path("none.npy")), CEPMAN_ERR_IO);
    ck_assert_ptr_null(l);
    support_end(ctx);
}
END_TEST

START_TEST(writer)
{
    cepman_context *ctx = support_begin(1);
    cepman_npy_writer *w = NULL;
    const size_t shape[] = {2, 1, 3};
    const char *path = support_path("w.npy");
    const uint16_t v[6] = {1, 2, 3, 4, 5, 6};
    support_write(path, "old", 3);
    assert_good(ctx, cepman_npy_writer_create(&w, ctx, path, CEPMAN_TYPE_U16, 3, shape));
    assert_good(ctx, cepman_npy_writer_append(w, ctx, v, 4));
    assert_fails(ctx, cepman_npy_writer_commit(w, ctx), CEPMAN_ERR_SHAPE, "4 of 6");
    assert_fails(ctx, cepman_npy_writer_append(w, ctx, v, 3), CEPMAN_ERR_SHAPE, "the shape holds 6");
    size_t size;
    unsigned char *file = support_read(path, &size);
    ck_assert_uint_eq(size, 3); /* not yet */
    free(file);
    assert_good(ctx, cepman_npy_writer_append(w, ctx, v + 4, 2));
    assert_good(ctx, cepman_npy_writer_append(w, ctx, NULL, 0));
    assert_good(ctx, cepman_npy_writer_commit(w, ctx));
    assert_fails(ctx, cepman_npy_writer_commit(w, ctx), CEPMAN_ERR_ARGUMENT, "ended");
    assert_fails(ctx, cepman_npy_writer_append(w, ctx, NULL, 0), CEPMAN_ERR_ARGUMENT, "ended");
    cepman_npy_writer_unref(w);
    file = support_read(path, &size);
    cep_fault fault;
    cep_npy_header h;
    ck_assert_int_eq(cep_npy_parse(file, size, path, &fault, &h), CEPMAN_OK);
    ck_assert(h.type == CEPMAN_TYPE_U16 && !h.swapped && !h.fortran && h.dims == 3 && h.count == 6 &&
              h.offset % 64 == 0);
    ck_assert_mem_eq(file + h.offset, v, sizeof v);
    free(file);
    /* Left without a commit: the old file stays, and nothing beside it. */
    assert_good(ctx, cepman_npy_writer_create(&w, ctx, path, CEPMAN_TYPE_U16, 0, NULL));
    cepman_npy_writer_unref(w);
    file = support_read(path, &size);
    ck_assert_uint_eq(size, h.offset + 12);
    free(file);
    w = NULL;
    /* Halves there and back. */
    const uint16_t halves[6] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3555};
    const float values[6] = {1, -2, 0x1p-24f, 65504, 0, 0.333251953125f};
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_npy_writer_create(&w, ctx, path, CEPMAN_TYPE_F16, 3, shape));
    assert_good(ctx, cepman_npy_writer_append(w, ctx, halves, 6));
    assert_good(ctx, cepman_npy_writer_commit(w, ctx));
    cepman_npy_writer_unref(w);
    assert_good(ctx, cepman_matrix_load(&m, ctx, path));
    ck_assert(cepman_matrix_rows(m) == 2 && cepman_matrix_columns(m) == 3);
    for (size_t i = 0; i < 6; i++)
        ck_assert(cepman_matrix_row(m, i / 3)[i % 3] == values[i]);
    cepman_matrix_unref(m);
    w = NULL;
    const size_t huge[] = {SIZE_MAX, 2};
    assert_status(ctx, cepman_npy_writer_create(&w, ctx, path, (cepman_type)0, 1, shape),
                  CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_npy_writer_create(&w, ctx, path, CEPMAN_TYPE_U8, 9, shape), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_npy_writer_create(&w, ctx, path, CEPMAN_TYPE_U8, 2, huge), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_npy_writer_create(&w, ctx, NULL, CEPMAN_TYPE_U8, 1, shape),
                  CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(w);
    cepman_npy_writer_unref(NULL);
    support_end(ctx);
}
END_TEST

START_TEST(allocation_failures)
{
    bool done = false;
    const int32_t v[3] = {0, 1, -1};
    const char *path = support_path("a.npy");
    for (long at = 0; !done; at++) {
        cepman_context *ctx = support_begin(1);
        cepman_matrix *m = support_normals(ctx, 5, 3, 1), *n = NULL;
        cepman_labels *l = NULL, *k = NULL;
        assert_good(ctx, cepman_labels_copy(&l, ctx, v, 3));
        remove(path);
        support_fail_at(at);
        cepman_status s = cepman_matrix_save(m, ctx, path);
        ck_assert_int_eq(support_exists(path), s == CEPMAN_OK);
        if (!s) s = cepman_matrix_load(&n, ctx, path);
        if (!s) s = cepman_labels_save(l, ctx, path, 0, 0);
        if (!s) s = cepman_labels_load(&k, ctx, path);
        support_fail_at(-1);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
        done = s == CEPMAN_OK;
        cepman_matrix_unref(m);
        cepman_matrix_unref(n);
        cepman_labels_unref(l);
        cepman_labels_unref(k);
        support_end(ctx);
        ck_assert_int_lt(at, 100);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("npy");
    TCase *t = tcase_create("npy");
    tcase_add_test(t, headers);
    tcase_add_test(t, matrices_from_files);
    tcase_add_test(t, there_and_back);
    tcase_add_test(t, labels_from_files);
    tcase_add_test(t, writer);
    tcase_add_test(t, allocation_failures);
    suite_add_tcase(s, t);
    return s;
}
