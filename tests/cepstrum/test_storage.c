/* Where features go: matrices of both types, files that are written whole or not at all, rows of the caller's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"

static const char *const scales[] = {"none", "l2", "standard"};

/* A file's rows and a matrix's. */
static void assert_file(cepman_context *ctx, const char *path, const cepman_matrix *expected)
{
    cepman_matrix *m = NULL;
    size_t d = cepman_matrix_columns(expected);
    float *a = malloc(d * sizeof *a), *b = malloc(d * sizeof *b);
    assert_good(ctx, cepman_matrix_map(&m, ctx, path));
    ck_assert_int_eq(cepman_matrix_type(m), cepman_matrix_type(expected));
    ck_assert_uint_eq(cepman_matrix_rows(m), cepman_matrix_rows(expected));
    ck_assert_uint_eq(cepman_matrix_columns(m), d);
    for (size_t i = 0; i < cepman_matrix_rows(m); i++) {
        assert_good(ctx, cepman_matrix_read(m, ctx, i, 1, a, d));
        assert_good(ctx, cepman_matrix_read(expected, ctx, i, 1, b, d));
        ck_assert_msg(memcmp(a, b, d * sizeof *a) == 0, "row %zu of the file differs", i);
    }
    cepman_matrix_unref(m);
    free(a), free(b);
}

START_TEST(into_a_file_and_in_blocks)
{
    uint16_t *data = scan_of(1, 3);
    cepman_context *ctx = support_begin(1);
    const bool half = _i == 3;
    cepman_options *o = half ? options_of(ctx, "storage", "float16") : options_of(ctx, "scale", scales[_i]);
    for (unsigned threads = 1; threads <= 3; threads += 2)
        for (int concurrent = 0; concurrent < 2; concurrent++) {
            live l = {.data = data, .ready = FRAMES, .fail_at = SIZE_MAX};
            cepman_dataset *d = open_live(ctx, &l, concurrent);
            const char *path = support_path("features.npy");
            cepman_cepstrum *c = NULL;
            assert_good(ctx, cepman_context_set_threads(ctx, threads));
            assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, o));
            cepman_matrix *m = run(ctx, d, o);
            ck_assert_int_eq(cepman_matrix_type(m), half ? CEPMAN_TYPE_F16 : CEPMAN_TYPE_F32);
            assert_good(ctx, cepman_cepstrum_run_file(c, ctx, d, path));
            assert_file(ctx, path, m);
            /* Some frames at a time, in float32 whatever is stored. */
            size_t n = cepman_cepstrum_features(c), stride = n + 2;
            float *rows = malloc(FRAMES * stride * sizeof *rows), *row = malloc(n * sizeof *row);
            if (_i == 2) {
                assert_fails(ctx, cepman_cepstrum_read(c, ctx, d, 0, 1, rows, stride), CEPMAN_ERR_UNSUPPORTED,
                             "whole scan");
            } else {
                for (size_t i = 0, step = 50; i < FRAMES; i += step)
                    assert_good(ctx, cepman_cepstrum_read(c, ctx, d, i, FRAMES - i < step ? FRAMES - i : step,
                                                          rows + i * stride, stride));
                for (size_t i = 0; i < FRAMES; i++) {
                    for (size_t j = 0; half && j < n; j++)
                        rows[i * stride + j] = cep_half_value(cep_half_of(rows[i * stride + j]));
                    assert_good(ctx, cepman_matrix_read(m, ctx, i, 1, row, n));
                    ck_assert(memcmp(row, rows + i * stride, n * sizeof *row) == 0);
                }
                assert_status(ctx, cepman_cepstrum_read(c, ctx, d, FRAMES, 1, rows, stride),
                              CEPMAN_ERR_RANGE);
                assert_status(ctx, cepman_cepstrum_read(c, ctx, d, 0, 1, rows, n - 1), CEPMAN_ERR_RANGE);
                assert_status(ctx, cepman_cepstrum_read(c, ctx, d, 0, 1, NULL, n), CEPMAN_ERR_ARGUMENT);
            }
            free(rows), free(row);
            cepman_matrix_unref(m);
            cepman_cepstrum_unref(c);
            cepman_dataset_unref(d);
        }
    cepman_options_unref(o);
    support_end(ctx);
    free(data);
}
END_TEST

START_TEST(no_half_written_file)
{
    uint16_t *data = scan_of(5, 3);
    cepman_context *ctx = support_begin(2);
    const char *path = support_path("never.npy");
    for (int concurrent = 0; concurrent < 2; concurrent++) {
        live l = {.data = data, .ready = FRAMES, .fail_at = SIZE_MAX};
        cepman_dataset *d = open_live(ctx, &l, concurrent);
        cepman_cepstrum *c = NULL;
        assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, NULL));
        l.fail_at = 150;
        assert_status(ctx, cepman_cepstrum_run_file(c, ctx, d, path), CEPMAN_ERR_CALLBACK);
        ck_assert(!support_exists(path));
        l.fail_at = SIZE_MAX;
        l.reads = 0;
        l.cancel = ctx;
        assert_status(ctx, cepman_cepstrum_run_file(c, ctx, d, path), CEPMAN_ERR_CANCELLED);
        ck_assert(!support_exists(path));
        cepman_context_clear_cancel(ctx);
        l.cancel = NULL;
        assert_status(ctx, cepman_cepstrum_run_file(c, ctx, d, "/nowhere/at/all.npy"), CEPMAN_ERR_IO);
        assert_status(ctx, cepman_cepstrum_run_file(c, ctx, d, NULL), CEPMAN_ERR_ARGUMENT);
        cepman_cepstrum_unref(c);
        cepman_dataset_unref(d);
    }
    cepman_options *o = options_of(ctx, "storage", "float16");
    cepman_cepstrum *c = NULL;
    assert_good(ctx, cepman_options_parse(o, ctx, "scale", "standard"));
    assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, H, W, NULL, (double)NAN, o), CEPMAN_ERR_OPTION,
                 "storage");
    cepman_options_unref(o);
    /* Features that float16 cannot hold. */
    uint16_t loud[2 * 16 * 16];
    for (int i = 0; i < 512; i++)
        loud[i] = (uint16_t)(i * 7919 % 60000);
    cepman_dataset *d = NULL;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, loud, CEPMAN_TYPE_U16, 1, 2, 16, 16, NULL, NULL));
    o = options_of(ctx, "storage", "float16");
    assert_good(ctx, cepman_options_parse(o, ctx, "preset", "squared"));
    assert_good(ctx, cepman_options_parse(o, ctx, "scale", "none"));
    assert_good(ctx, cepman_options_parse(o, ctx, "ring-in", "0"));
    assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, o));
    assert_fails(ctx, cepman_cepstrum_run(&m, ctx, c, d), CEPMAN_ERR_RANGE, "65504");
    ck_assert_ptr_null(m);
    cepman_cepstrum_unref(c);
    c = NULL;
    cepman_dataset_unref(d);
    cepman_options_unref(o);
    /* Options of windows that the transform has not. */
    static const char *const odd[][4] = {{"alpha", "0.3", "window", "gaussian"},
                                         {"sigma", "0.3", "window", "hann"},
                                         {"centre", "beam", "window", "none"}};
    for (int i = 0; i < 3; i++) {
        o = options_of(ctx, odd[i][0], odd[i][1]);
        assert_good(ctx, cepman_options_parse(o, ctx, odd[i][2], odd[i][3]));
        assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, H, W, NULL, (double)NAN, o), CEPMAN_ERR_OPTION,
                     odd[i][0]);
        cepman_options_unref(o);
    }
    ck_assert_ptr_null(c);
    support_end(ctx);
    free(data);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cepstrum storage");
    TCase *t = tcase_create("storage");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, into_a_file_and_in_blocks, 0, 4);
    tcase_add_test(t, no_half_written_file);
    suite_add_tcase(s, t);
    return s;
}
