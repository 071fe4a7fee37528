/* Matrices: copies, borrowed rows, selections; labels and their counts; number types. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"
#include "support.h"

static void destroyed(void *user)
{
    ++*(int *)user;
}

START_TEST(copies)
{
    cepman_context *ctx = support_begin(1);
    static const size_t columns[] = {1, 3, 8, 9, 16, 17, 100};
    float x[7 * 103];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = (float)i;
    for (size_t k = 0; k < 7; k++)
        for (size_t rows = 0; rows < 7; rows += 3) {
            size_t d = columns[k], stride = d + 3, step = 0;
            cepman_matrix *m = NULL;
            assert_good(ctx, cepman_matrix_copy(&m, ctx, x, rows, d, stride));
            ck_assert_uint_eq(cepman_matrix_rows(m), rows);
            ck_assert_uint_eq(cepman_matrix_columns(m), d);
            const float *data = cepman_matrix_data(m, &step);
            ck_assert_ptr_nonnull(data);
            ck_assert_uint_ge(step, d);
            for (size_t i = 0; i < rows; i++) {
                ck_assert_ptr_eq(cepman_matrix_row(m, i), data + i * step);
                ck_assert_mem_eq(cepman_matrix_row(m, i), x + i * stride, d * sizeof *x);
                if (d > 8) ck_assert_uint_eq((uintptr_t)cepman_matrix_row(m, i) % 64, 0);
            }
            ck_assert_ptr_null(cepman_matrix_row(m, rows));
            ck_assert_ptr_null(cepman_matrix_row(m, SIZE_MAX));
            cepman_matrix_unref(m);
        }
    cepman_matrix *m = NULL;
    assert_status(ctx, cepman_matrix_copy(&m, ctx, x, 1, 0, 1), CEPMAN_ERR_RANGE);
    assert_fails(ctx, cepman_matrix_copy(&m, ctx, x, 1, 4, 3), CEPMAN_ERR_RANGE, "stride is 3");
    assert_status(ctx, cepman_matrix_copy(&m, ctx, x, SIZE_MAX / 2, 1, 8), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_matrix_copy(&m, ctx, NULL, 1, 1, 1), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_matrix_copy(NULL, ctx, x, 1, 1, 1), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_matrix_copy(&m, NULL, x, 1, 1, 1), CEPMAN_ERR_ARGUMENT);
    float *data;
    size_t stride;
    assert_status(ctx, cep_matrix_create(&m, ctx, "big", SIZE_MAX / 4, SIZE_MAX - 3, &data, &stride),
                  CEPMAN_ERR_MEMORY);
    assert_status(ctx, cep_matrix_create(&m, ctx, "big", SIZE_MAX / 4, 9, &data, &stride), CEPMAN_ERR_MEMORY);
    ck_assert_ptr_null(m);
    ck_assert_uint_eq(cepman_matrix_rows(NULL) + cepman_matrix_columns(NULL), 0);
    ck_assert_ptr_null(cepman_matrix_row(NULL, 0));
    ck_assert_ptr_null(cepman_matrix_data(NULL, NULL));
    cepman_matrix_unref(NULL);
    support_end(ctx);
}
END_TEST

START_TEST(borrowed)
{
    cepman_context *ctx = support_begin(1);
    float x[5 * 4];
    int gone = 0;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, 5, 3, 4, destroyed, &gone));
    ck_assert_ptr_eq(cepman_matrix_row(m, 2), x + 8);
    ck_assert_ptr_eq(cepman_matrix_ref(m), m);
    cepman_matrix_unref(m);
    ck_assert_int_eq(gone, 0);
    cepman_matrix_unref(m);
    ck_assert_int_eq(gone, 1);
    m = NULL;
    assert_status(ctx, cepman_matrix_wrap(&m, ctx, x, 5, 5, 4, destroyed, &gone), CEPMAN_ERR_RANGE);
    ck_assert_int_eq(gone, 1);
    ck_assert_ptr_null(m);
    support_end(ctx);
}
END_TEST

START_TEST(selections)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = support_normals(ctx, 20, 11, 3), *a = NULL, *b = NULL;
    const size_t rows[] = {19, 0, 7, 7, 3}, again[] = {4, 2, 0}, bad[] = {1, 20};
    assert_good(ctx, cepman_matrix_select(&a, ctx, m, rows, 5));
    assert_good(ctx, cepman_matrix_select(&b, ctx, a, again, 3));
    for (size_t i = 0; i < 5; i++)
        ck_assert_ptr_eq(cepman_matrix_row(a, i), cepman_matrix_row(m, rows[i]));
    for (size_t i = 0; i < 3; i++)
        ck_assert_ptr_eq(cepman_matrix_row(b, i), cepman_matrix_row(m, rows[again[i]]));
    ck_assert_ptr_null(cepman_matrix_data(a, NULL));
    ck_assert_ptr_null(cepman_matrix_row(a, 5));
    float copy[3 * 12];
    cep_matrix_read(b, 0, 3, copy, 12);
    for (size_t i = 0; i < 3; i++)
        ck_assert_mem_eq(copy + 12 * i, cepman_matrix_row(b, i), 11 * sizeof(float));
    cepman_matrix *none = NULL;
    assert_fails(ctx, cepman_matrix_select(&none, ctx, m, bad, 2), CEPMAN_ERR_RANGE, "index 1 is row 20");
    assert_status(ctx, cepman_matrix_select(&none, ctx, m, NULL, 2), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(none);
    assert_good(ctx, cepman_matrix_select(&none, ctx, m, NULL, 0));
    ck_assert_uint_eq(cepman_matrix_rows(none), 0);
    cepman_matrix_unref(none);
    cepman_matrix_unref(m); /* a selection keeps the rows alive */
    cepman_matrix_unref(a);
    size_t first;
    assert_good(ctx, cep_matrix_first_nonfinite(&first, ctx, b));
    ck_assert_uint_eq(first, 3);
    cepman_matrix_unref(b);
    support_end(ctx);
}
END_TEST

START_TEST(nonfinite_rows)
{
    cepman_context *ctx = support_begin(1);
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < 3; k++)
        for (size_t at = 0; at < 5 * 3; at++) {
            float x[15];
            for (size_t i = 0; i < 15; i++)
                x[i] = i % 2 ? 3e38f : -3e38f; /* sums of them must not pass for infinities */
            x[at] = bad[k];
            cepman_matrix *m = NULL;
            assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 5, 3, 3));
            size_t first;
            assert_good(ctx, cep_matrix_first_nonfinite(&first, ctx, m));
            ck_assert_uint_eq(first, at / 3);
            cepman_matrix_unref(m);
        }
    support_end(ctx);
}
END_TEST

START_TEST(labels)
{
    cepman_context *ctx = support_begin(1);
    const int32_t v[] = {3, -1, 0, -7, 3, INT32_MAX};
    cepman_labels *l = NULL;
    assert_good(ctx, cepman_labels_copy(&l, ctx, v, 5));
    ck_assert_uint_eq(cepman_labels_count(l), 5);
    ck_assert_uint_eq(cepman_labels_clusters(l), 4);
    ck_assert_uint_eq(cepman_labels_noise(l), 2);
    ck_assert_mem_eq(cepman_labels_data(l), v, 5 * sizeof *v);
    ck_assert_ptr_eq(cepman_labels_ref(l), l);
    cepman_labels_unref(l);
    cepman_labels_unref(l);
    assert_good(ctx, cepman_labels_copy(&l, ctx, v + 5, 1));
    ck_assert_uint_eq(cepman_labels_clusters(l), (size_t)INT32_MAX + 1);
    cepman_labels_unref(l);
    assert_good(ctx, cepman_labels_copy(&l, ctx, NULL, 0));
    ck_assert_uint_eq(cepman_labels_count(l) + cepman_labels_clusters(l) + cepman_labels_noise(l), 0);
    cepman_labels_unref(l);
    assert_status(ctx, cepman_labels_copy(&l, ctx, NULL, 1), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_labels_copy(NULL, ctx, v, 1), CEPMAN_ERR_ARGUMENT);
    ck_assert_uint_eq(cepman_labels_count(NULL) + cepman_labels_clusters(NULL) + cepman_labels_noise(NULL),
                      0);
    ck_assert_ptr_null(cepman_labels_data(NULL));
    cepman_labels_unref(NULL);
    support_end(ctx);
}
END_TEST

START_TEST(types)
{
    static const struct {
        cepman_type type;
        size_t size;
        const char *name;
    } rows[] = {{CEPMAN_TYPE_U8, 1, "u8"},   {CEPMAN_TYPE_I8, 1, "i8"},   {CEPMAN_TYPE_U16, 2, "u16"},
                {CEPMAN_TYPE_I16, 2, "i16"}, {CEPMAN_TYPE_U32, 4, "u32"}, {CEPMAN_TYPE_I32, 4, "i32"},
                {CEPMAN_TYPE_F32, 4, "f32"}, {CEPMAN_TYPE_F64, 8, "f64"}, {CEPMAN_TYPE_BOOL, 1, "bool"},
                {CEPMAN_TYPE_I64, 8, "i64"}, {CEPMAN_TYPE_F16, 2, "f16"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_uint_eq(cepman_type_size(rows[i].type), rows[i].size);
        ck_assert_str_eq(cepman_type_name(rows[i].type), rows[i].name);
    }
    ck_assert_uint_eq(cepman_type_size((cepman_type)0) + cepman_type_size((cepman_type)99), 0);
    ck_assert_ptr_null(cepman_type_name((cepman_type)0));
    /* Extremes, from an odd address. */
    unsigned char buffer[1 + 8 * 4];
    float got[4];
#define EXTREMES(type, ctype, low, high)                                                                     \
    do {                                                                                                     \
        const ctype v[4] = {low, high, 0, 1};                                                                \
        memcpy(buffer + 1, v, sizeof v);                                                                     \
        cep_type_to_f32(type, buffer + 1, got, 4);                                                           \
        for (int i_ = 0; i_ < 4; i_++)                                                                       \
            ck_assert(got[i_] == (float)v[i_]);                                                              \
    } while (0)
    EXTREMES(CEPMAN_TYPE_U8, uint8_t, 0, UINT8_MAX);
    EXTREMES(CEPMAN_TYPE_I8, int8_t, INT8_MIN, INT8_MAX);
    EXTREMES(CEPMAN_TYPE_U16, uint16_t, 0, UINT16_MAX);
    EXTREMES(CEPMAN_TYPE_I16, int16_t, INT16_MIN, INT16_MAX);
    EXTREMES(CEPMAN_TYPE_U32, uint32_t, 0, UINT32_MAX);
    EXTREMES(CEPMAN_TYPE_I32, int32_t, INT32_MIN, INT32_MAX);
    EXTREMES(CEPMAN_TYPE_I64, int64_t, INT64_MIN, INT64_MAX);
    EXTREMES(CEPMAN_TYPE_F32, float, -INFINITY, 3e38f);
    EXTREMES(CEPMAN_TYPE_F64, double, -1e-300, 3e38);
    const uint16_t halves[4] = {0xfbff, 0x7c00, 1, 0x3c00};
    memcpy(buffer + 1, halves, sizeof halves);
    cep_type_to_f32(CEPMAN_TYPE_F16, buffer + 1, got, 4);
    ck_assert(got[0] == -65504 && got[1] == INFINITY && got[2] == 0x1p-24f && got[3] == 1);
    unsigned char swap[17], back[17];
    for (size_t i = 0; i < 17; i++)
        swap[i] = back[i] = (unsigned char)(i * 7);
    for (size_t size = 1; size <= 8; size *= 2) {
        cep_swap_bytes(swap + 1, 16 / size, size);
        for (size_t i = 0; i < 16; i++)
            ck_assert_uint_eq(swap[1 + i], back[1 + i / size * size + size - 1 - i % size]);
        cep_swap_bytes(swap + 1, 16 / size, size);
        ck_assert_mem_eq(swap, back, 17);
    }
}
END_TEST

START_TEST(allocation_failures)
{
    bool done = false;
    const float x[6] = {1, 2, 3, 4, 5, 6};
    const size_t rows[2] = {1, 0};
    const int32_t v[3] = {0, 1, -1};
    int gone = 0, made = 0;
    for (long at = 0; !done; at++) {
        cepman_context *ctx = support_begin_failing(at, 1);
        if (!ctx) continue;
        cepman_matrix *a = NULL, *b = NULL, *c = NULL;
        cepman_labels *l = NULL;
        cepman_status s = cepman_matrix_copy(&a, ctx, x, 2, 3, 3);
        if (!s) s = cepman_matrix_select(&b, ctx, a, rows, 2);
        if (!s) s = cepman_matrix_wrap(&c, ctx, x, 2, 3, 3, destroyed, &gone);
        made += c != NULL;
        if (!s) s = cepman_labels_copy(&l, ctx, v, 3);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
        if (s) ck_assert_uint_gt(strlen(cepman_context_error(ctx)), 10);
        done = s == CEPMAN_OK;
        cepman_matrix_unref(a);
        cepman_matrix_unref(b);
        cepman_matrix_unref(c);
        cepman_labels_unref(l);
        support_end(ctx);
        ck_assert_int_eq(gone, made);
        ck_assert_int_lt(at, 100);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("matrix");
    TCase *t = tcase_create("matrix");
    tcase_add_test(t, copies);
    tcase_add_test(t, borrowed);
    tcase_add_test(t, selections);
    tcase_add_test(t, nonfinite_rows);
    tcase_add_test(t, labels);
    tcase_add_test(t, types);
    tcase_add_test(t, allocation_failures);
    suite_add_tcase(s, t);
    return s;
}
