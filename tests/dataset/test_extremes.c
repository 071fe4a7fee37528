/* Sizes at both ends: no frame, one frame, 2^31 frames and rows in sparse files. Offsets beyond 32 bits are read where they
 * are, every stage answers with a status at once, and undefined-behaviour checks have nothing to say. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cepman/dataset.h>

#include "support.h"

#define MANY ((uint64_t)1 << 31)

/* A file of `size` bytes that takes a few blocks: `header`, then zeros with `mark` at one place. */
static bool sparse(const char *path, const char *header, size_t length, uint64_t size, uint64_t at,
                   uint8_t mark)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    const bool good = ftruncate(fd, (off_t)size) == 0 && pwrite(fd, header, length, 0) == (ssize_t)length &&
                      pwrite(fd, &mark, 1, (off_t)at) == 1;
    close(fd);
    return good;
}

/* Header of version 1 for numbers of one byte or float32; its length. */
static size_t npy_header(char header[128], const char *type, const char *shape)
{
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
    const int n =
        snprintf(header + 10, 118, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, shape);
    memset(header + 10 + n, ' ', 118 - (size_t)n);
    header[127] = '\n';
    return 128;
}

START_TEST(two_to_the_31_frames)
{
    cepman_context *ctx = support_begin(2);
    const char *path = support_path("frames.npy");
    char header[128];
    /* 2^31 frames of 2 x 3 bytes: 12.9 GB of holes. The last frame's last pixel is 77. */
    const uint64_t bytes = MANY * 6;
    const size_t length = npy_header(header, "|u1", "65536, 32768, 2, 3");
    if (!sparse(path, header, length, length + bytes, length + bytes - 1, 77)) {
        support_end(ctx); /* a file system without such files */
        return;
    }
    cepman_dataset *d = NULL, *corner = NULL, *crop = NULL, *binned = NULL;
    uint8_t frame[2 * 6] = {0};
    assert_good(ctx, cepman_dataset_open(&d, ctx, path, NULL));
    ck_assert_uint_eq(cepman_dataset_frames(d), MANY);
    ck_assert_uint_eq(cepman_dataset_available(d), MANY);
    assert_good(ctx, cepman_dataset_read(d, ctx, MANY - 2, 2, frame, sizeof frame));
    ck_assert_uint_eq(frame[11], 77);
    ck_assert_uint_eq(frame[5], 0);
    assert_status(ctx, cepman_dataset_read(d, ctx, MANY - 1, 2, frame, sizeof frame), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_read(d, ctx, SIZE_MAX, 1, frame, sizeof frame), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_read(d, ctx, 1, SIZE_MAX, frame, sizeof frame), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_read(d, ctx, 0, MANY, frame, sizeof frame), CEPMAN_ERR_RANGE);

    /* Views of the far end. */
    assert_good(ctx, cepman_dataset_view_scan(&corner, ctx, d, 65535, 32766, 1, 2));
    assert_good(ctx, cepman_dataset_view_detector(&crop, ctx, d, 1, 2, 1, 1));
    assert_good(ctx, cepman_dataset_view_binned(&binned, ctx, d, 2));
    assert_good(ctx, cepman_dataset_read(corner, ctx, 1, 1, frame, 6));
    ck_assert_uint_eq(frame[5], 77);
    assert_good(ctx, cepman_dataset_read(crop, ctx, MANY - 1, 1, frame, 1));
    ck_assert_uint_eq(frame[0], 77);
    ck_assert_uint_eq(cepman_dataset_frames(binned), MANY);
    assert_status(ctx, cepman_dataset_view_scan(&corner, ctx, d, 65535, 32767, 1, 2), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_view_scan(&corner, ctx, d, SIZE_MAX, 0, 2, 1), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_view_detector(&crop, ctx, d, 0, SIZE_MAX, 1, 2), CEPMAN_ERR_RANGE);
    cepman_dataset_unref(binned);
    cepman_dataset_unref(crop);
    cepman_dataset_unref(corner);

    /* The file becomes shorter, then loses its name, while it is open. */
    ck_assert_int_eq(truncate(path, (off_t)(length + bytes - 3)), 0);
    assert_good(ctx, cepman_dataset_read(d, ctx, MANY - 2, 1, frame, 6));
    assert_status(ctx, cepman_dataset_read(d, ctx, MANY - 1, 1, frame, 6), CEPMAN_ERR_TRUNCATED);
    ck_assert_int_eq(unlink(path), 0);
    assert_good(ctx, cepman_dataset_read(d, ctx, 5, 2, frame, sizeof frame));
    assert_status(ctx, cepman_dataset_open(&crop, ctx, path, NULL), CEPMAN_ERR_IO);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

START_TEST(headers_that_promise_more_than_there_is)
{
    cepman_context *ctx = support_begin(1);
    static const char *const shapes[] = {"2147483648, 1, 1, 1",
                                         "4294967296, 4294967296, 1, 1",
                                         "4294967295, 4294967295, 4294967295, 4294967295",
                                         "18446744073709551615, 1, 1",
                                         "9223372036854775807, 2, 2",
                                         "1, 1, 4294967296, 4294967296",
                                         "18446744073709551616, 1, 1"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char header[128];
        cepman_dataset *d = NULL;
        const char *path = support_path("lies.npy");
        support_write(path, header, npy_header(header, "<u2", shapes[i]));
        const cepman_status s = cepman_dataset_open(&d, ctx, path, NULL);
        ck_assert_msg(s == CEPMAN_ERR_TRUNCATED || s == CEPMAN_ERR_FORMAT || s == CEPMAN_ERR_UNSUPPORTED ||
                          s == CEPMAN_ERR_RANGE || s == CEPMAN_ERR_SHAPE,
                      "%s: %s", shapes[i], cepman_status_text(s));
        ck_assert(*cepman_context_error(ctx));
        ck_assert_ptr_null(d);
    }
    support_end(ctx);
}
END_TEST

START_TEST(no_frame_and_one)
{
    cepman_context *ctx = support_begin(2);
    const uint16_t one[4] = {1, 2, 3, 4};
    cepman_dataset *d = NULL;
    uint16_t frame[4] = {0};
    char header[128];
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, one, CEPMAN_TYPE_U16, 1, 1, 2, 2, NULL, NULL));
    assert_good(ctx, cepman_dataset_read(d, ctx, 0, 1, frame, sizeof frame));
    ck_assert_int_eq(memcmp(one, frame, sizeof one), 0);
    assert_good(ctx, cepman_dataset_read(d, ctx, 0, 0, frame, 0));
    assert_good(ctx, cepman_dataset_read(d, ctx, 1, 0, frame, 0));
    assert_status(ctx, cepman_dataset_read(d, ctx, 2, 0, frame, 0), CEPMAN_ERR_RANGE);
    cepman_dataset_unref(d);
    d = NULL;
    for (int axis = 0; axis < 4; axis++) {
        char shape[40];
        snprintf(shape, sizeof shape, "%d, %d, %d, %d", axis != 0, axis != 1, axis != 2, axis != 3);
        support_write(support_path("none.npy"), header, npy_header(header, "<u2", shape));
        ck_assert_int_ne(cepman_dataset_open(&d, ctx, support_path("none.npy"), NULL), CEPMAN_OK);
        ck_assert_ptr_null(d);
        if (axis > 0) /* no rows is a stack without the shape of a scan */
            ck_assert_int_ne(cepman_dataset_wrap(&d, ctx, one, CEPMAN_TYPE_U16, 1, axis != 1, axis != 2,
                                                 axis != 3, NULL, NULL),
                             CEPMAN_OK);
        ck_assert_ptr_null(d);
    }
    /* Sizes whose product does not fit. */
    ck_assert_int_ne(cepman_dataset_wrap(&d, ctx, one, CEPMAN_TYPE_U16, SIZE_MAX, SIZE_MAX, 2, 2, NULL, NULL),
                     CEPMAN_OK);
    ck_assert_int_ne(cepman_dataset_wrap(&d, ctx, one, CEPMAN_TYPE_U16, 1, 1, SIZE_MAX / 2, 3, NULL, NULL),
                     CEPMAN_OK);
    ck_assert_ptr_null(d);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("dataset extremes");
    TCase *t = tcase_create("extremes");
    tcase_add_test(t, two_to_the_31_frames);
    tcase_add_test(t, headers_that_promise_more_than_there_is);
    tcase_add_test(t, no_frame_and_one);
    suite_add_tcase(s, t);
    return s;
}
