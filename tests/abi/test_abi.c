/* What a program compiled today relies on: values, sizes and layouts that must never move. */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cepman/cepman.h>

#include "support.h"

START_TEST(status_values)
{
    /* Written out a second time, on purpose: a renumbered status fails here. */
    static const struct {
        int value;
        cepman_status status;
        const char *text;
    } pinned[] = {
        {0, CEPMAN_OK, "success"},
        {-1, CEPMAN_ERR_ARGUMENT, "invalid argument"},
        {-2, CEPMAN_ERR_RANGE, "value out of range"},
        {-3, CEPMAN_ERR_OPTION, "unknown option or wrong option type"},
        {-4, CEPMAN_ERR_MEMORY, "out of memory"},
        {-5, CEPMAN_ERR_LIMIT, "memory limit exceeded"},
        {-6, CEPMAN_ERR_IO, "input or output failed"},
        {-7, CEPMAN_ERR_FORMAT, "malformed file"},
        {-8, CEPMAN_ERR_TRUNCATED, "truncated file"},
        {-9, CEPMAN_ERR_UNSUPPORTED, "not supported"},
        {-10, CEPMAN_ERR_CANCELLED, "cancelled"},
        {-11, CEPMAN_ERR_DATA, "unusable data"},
        {-12, CEPMAN_ERR_NUMERIC, "numerical failure"},
        {-13, CEPMAN_ERR_SHAPE, "shapes do not match"},
        {-14, CEPMAN_ERR_CALLBACK, "a callback of the host failed"},
        {-15, CEPMAN_ERR_THREAD, "a thread could not be started"},
        {-16, CEPMAN_ERR_INTERNAL, "internal error"},
    };
    size_t listed = 0;
#define COUNT(name, value, text) listed++;
    CEPMAN_STATUS_LIST(COUNT)
#undef COUNT
    ck_assert_uint_eq(listed, sizeof pinned / sizeof pinned[0]);
    for (size_t i = 0; i < listed; i++) {
        ck_assert_int_eq(pinned[i].status, pinned[i].value);
        ck_assert_str_eq(cepman_status_text(pinned[i].status), pinned[i].text);
    }
    ck_assert_str_eq(cepman_status_text((cepman_status)-17), "unknown status");
    ck_assert_str_eq(cepman_status_text((cepman_status)1), "unknown status");
}
END_TEST

START_TEST(other_values)
{
    ck_assert_int_eq(CEPMAN_LOG_NONE, 0);
    ck_assert_int_eq(CEPMAN_LOG_WARNING, 1);
    ck_assert_int_eq(CEPMAN_LOG_INFO, 2);
    ck_assert_int_eq(CEPMAN_LOG_DEBUG, 3);
    ck_assert_int_eq(CEPMAN_OPTION_FLAG, 0);
    ck_assert_int_eq(CEPMAN_OPTION_INTEGER, 1);
    ck_assert_int_eq(CEPMAN_OPTION_REAL, 2);
    ck_assert_int_eq(CEPMAN_OPTION_CHOICE, 3);
    ck_assert_int_eq(CEPMAN_OPTION_TEXT, 4);
    static const cepman_type types[] = {CEPMAN_TYPE_U8,   CEPMAN_TYPE_I8,  CEPMAN_TYPE_U16, CEPMAN_TYPE_I16,
                                        CEPMAN_TYPE_U32,  CEPMAN_TYPE_I32, CEPMAN_TYPE_F32, CEPMAN_TYPE_F64,
                                        CEPMAN_TYPE_BOOL, CEPMAN_TYPE_I64, CEPMAN_TYPE_F16};
    static const char *const names[] = {"u8",  "i8",  "u16",  "i16", "u32", "i32",
                                        "f32", "f64", "bool", "i64", "f16"};
    static const size_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 8, 1, 8, 2};
    for (int i = 0; i < 11; i++) {
        ck_assert_int_eq(types[i], i + 1);
        ck_assert_uint_eq(cepman_type_size(types[i]), sizes[i]);
        ck_assert_str_eq(cepman_type_name(types[i]), names[i]);
    }
    ck_assert_uint_eq(cepman_type_size((cepman_type)0), 0);
    ck_assert_ptr_null(cepman_type_name((cepman_type)12));
}
END_TEST

/* Callback tables are the only public structs: size first, then pointers, none may move. */
START_TEST(layouts)
{
    const size_t p = sizeof(void *);
    ck_assert_uint_eq(sizeof(size_t), p);
    ck_assert_uint_eq(offsetof(cepman_allocator, struct_size), 0);
    ck_assert_uint_eq(offsetof(cepman_allocator, user), p);
    ck_assert_uint_eq(offsetof(cepman_allocator, allocate), 2 * p);
    ck_assert_uint_eq(offsetof(cepman_allocator, release), 3 * p);
    ck_assert_uint_eq(sizeof(cepman_allocator), 4 * p);
    ck_assert_uint_eq(offsetof(cepman_executor, struct_size), 0);
    ck_assert_uint_eq(offsetof(cepman_executor, user), p);
    ck_assert_uint_eq(offsetof(cepman_executor, concurrency), 2 * p);
    ck_assert_uint_eq(offsetof(cepman_executor, run), 3 * p);
    ck_assert_uint_eq(sizeof(cepman_executor), 4 * p);
    ck_assert_uint_eq(offsetof(cepman_planner_lock, struct_size), 0);
    ck_assert_uint_eq(offsetof(cepman_planner_lock, user), p);
    ck_assert_uint_eq(offsetof(cepman_planner_lock, acquire), 2 * p);
    ck_assert_uint_eq(offsetof(cepman_planner_lock, release), 3 * p);
    ck_assert_uint_eq(sizeof(cepman_planner_lock), 4 * p);
    ck_assert_uint_eq(sizeof(cepman_status), sizeof(int));
}
END_TEST

START_TEST(versions)
{
    char text[64];
    snprintf(text, sizeof text, "%d.%d.%d", CEPMAN_VERSION_MAJOR, CEPMAN_VERSION_MINOR, CEPMAN_VERSION_PATCH);
    ck_assert_str_eq(text, CEPMAN_VERSION_STRING);
    ck_assert_str_eq(text, PROJECT_VERSION); /* meson.build's */
    ck_assert_str_eq(cepman_version(), text);
    ck_assert_int_eq(cepman_version_number(),
                     CEPMAN_VERSION_MAJOR * 1000000 + CEPMAN_VERSION_MINOR * 1000 + CEPMAN_VERSION_PATCH);
    ck_assert_ptr_nonnull(strstr(cepman_fftw_version(), "fftw"));
    ck_assert_ptr_nonnull(strstr(cepman_openblas_version(), "OpenBLAS"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("abi");
    TCase *t = tcase_create("abi");
    tcase_add_test(t, status_values);
    tcase_add_test(t, other_values);
    tcase_add_test(t, layouts);
    tcase_add_test(t, versions);
    suite_add_tcase(s, t);
    return s;
}
