/* Streaming: threads, blocks, live sources, standardisation, the measured offset, failures and cancel. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"

static void assert_same(const cepman_matrix *a, const cepman_matrix *b)
{
    ck_assert_uint_eq(cepman_matrix_rows(a), cepman_matrix_rows(b));
    ck_assert_uint_eq(cepman_matrix_columns(a), cepman_matrix_columns(b));
    for (size_t i = 0; i < cepman_matrix_rows(a); i++)
        ck_assert_msg(memcmp(cepman_matrix_row(a, i), cepman_matrix_row(b, i),
                             cepman_matrix_columns(a) * sizeof(float)) == 0,
                      "row %zu differs", i);
}

static const char *const scales[] = {"none", "l2", "standard"};

START_TEST(same_bits_however_it_is_run)
{
    uint16_t *data = scan_of(1, 3);
    cepman_context *ctx = support_begin(1);
    cepman_options *o = options_of(ctx, "scale", scales[_i]);
    cepman_dataset *d = NULL;
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, data, CEPMAN_TYPE_U16, ROWS, COLUMNS, H, W, NULL, NULL));
    cepman_matrix *first = run(ctx, d, o);
    ck_assert_uint_eq(cepman_matrix_rows(first), FRAMES);
    static const unsigned threads[] = {2, 3, 7};
    for (int t = 0; t < 3; t++)
        for (int concurrent = 0; concurrent < 3; concurrent++) {
            assert_good(ctx, cepman_context_set_threads(ctx, threads[t]));
            live l = {.data = data, .ready = FRAMES, .fail_at = SIZE_MAX};
            cepman_dataset *e = concurrent < 2 ? open_live(ctx, &l, concurrent) : cepman_dataset_ref(d);
            cepman_matrix *m = run(ctx, e, o);
            assert_same(first, m);
            if (concurrent == 0) ck_assert_uint_eq(l.most_inside, 1);
            cepman_matrix_unref(m);
            cepman_dataset_unref(e);
        }
    /* Frame by frame gives the same rows; so does any cut of the calls. */
    if (_i < 2) {
        cepman_cepstrum *c = NULL;
        cepman_cepstrum_worker *k = NULL;
        assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, o));
        assert_good(ctx, cepman_cepstrum_worker_create(&k, ctx, c));
        size_t n = cepman_cepstrum_features(c), stride = n + 3;
        float *out = malloc(FRAMES * stride * sizeof *out);
        long before = support_allocations();
        for (size_t i = 0, step = 1; i < FRAMES; i += step, step = step % 7 + 1)
            ck_assert_int_eq(cepman_cepstrum_run_frames(k, data + i * H * W, CEPMAN_TYPE_U16,
                                                        FRAMES - i < step ? FRAMES - i : step, 0,
                                                        out + i * stride, stride),
                             CEPMAN_OK);
        ck_assert_int_eq(support_allocations(), before);
        for (size_t i = 0; i < FRAMES; i++)
            ck_assert(memcmp(out + i * stride, cepman_matrix_row(first, i), n * sizeof *out) == 0);
        free(out);
        cepman_cepstrum_worker_unref(k);
        cepman_cepstrum_unref(c);
    }
    cepman_matrix_unref(first);
    cepman_dataset_unref(d);
    cepman_options_unref(o);
    support_end(ctx);
    free(data);
}
END_TEST

START_TEST(standardised)
{
    uint16_t *data = scan_of(2, 3);
    cepman_context *ctx = support_begin(2);
    cepman_dataset *d = NULL;
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, data, CEPMAN_TYPE_U16, ROWS, COLUMNS, H, W, NULL, NULL));
    cepman_options *none = options_of(ctx, "scale", "none"), *standard = options_of(ctx, "scale", "standard");
    cepman_matrix *a = run(ctx, d, none), *b = run(ctx, d, standard);
    for (size_t j = 0; j < cepman_matrix_columns(a); j++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < FRAMES; i++)
            mean += (double)cepman_matrix_row(a, i)[j] / FRAMES;
        for (size_t i = 0; i < FRAMES; i++)
            square += pow((double)cepman_matrix_row(a, i)[j] - mean, 2) / FRAMES;
        for (size_t i = 0; i < FRAMES; i++)
            ck_assert_double_eq_tol((double)cepman_matrix_row(b, i)[j],
                                    ((double)cepman_matrix_row(a, i)[j] - mean) / sqrt(square), 1e-5);
    }
    cepman_matrix_unref(a), cepman_matrix_unref(b);
    cepman_options_unref(none), cepman_options_unref(standard);
    cepman_dataset_unref(d);
    /* Equal frames: every feature is constant, and becomes 0. */
    for (size_t i = 1; i < FRAMES; i++)
        memcpy(data + i * H * W, data, H * W * sizeof *data);
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, data, CEPMAN_TYPE_U16, ROWS, COLUMNS, H, W, NULL, NULL));
    standard = options_of(ctx, "scale", "standard");
    b = run(ctx, d, standard);
    for (size_t i = 0; i < FRAMES; i++)
        for (size_t j = 0; j < cepman_matrix_columns(b); j++)
            ck_assert(cepman_matrix_row(b, i)[j] == 0);
    cepman_matrix_unref(b);
    cepman_options_unref(standard);
    cepman_dataset_unref(d);
    support_end(ctx);
    free(data);
}
END_TEST

START_TEST(live_scan)
{
    uint16_t *data = scan_of(3, 3);
    cepman_context *ctx = support_begin(3);
    live l = {.data = data, .fail_at = SIZE_MAX};
    cepman_dataset *d = open_live(ctx, &l, 0);
    /* Before the first frame: no rows, and an offset of one count. */
    cepman_cepstrum *c = NULL;
    cepman_options *o = NULL;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, NULL));
    assert_good(ctx, cepman_cepstrum_options(&o, ctx, c));
    double offset = 0;
    assert_good(ctx, cepman_options_get_real(o, ctx, "offset", &offset));
    ck_assert(offset == 1);
    assert_good(ctx, cepman_cepstrum_run(&m, ctx, c, d));
    ck_assert_uint_eq(cepman_matrix_rows(m), 0);
    cepman_matrix_unref(m);
    l.ready = 50;
    assert_good(ctx, cepman_cepstrum_run(&m, ctx, c, d));
    ck_assert_uint_eq(cepman_matrix_rows(m), 50);
    cepman_matrix_unref(m);
    /* Cepstra of the live scan. */
    cepman_dataset *planes = NULL;
    assert_good(ctx, cepman_cepstrum_dataset(&planes, ctx, c, d));
    ck_assert_uint_eq(cepman_dataset_available(planes), 50);
    ck_assert_uint_eq(cepman_dataset_frames(planes), FRAMES);
    ck_assert_str_eq(cepman_dataset_format(planes), "cepstrum");
    ck_assert(cepman_dataset_type(planes) == CEPMAN_TYPE_F32);
    l.ready = FRAMES;
    ck_assert_uint_eq(cepman_dataset_available(planes), FRAMES);
    cepman_dataset_unref(planes);
    cepman_options_unref(o);
    cepman_cepstrum_unref(c);
    cepman_dataset_unref(d);
    support_end(ctx);
    free(data);
}
END_TEST

START_TEST(offset_follows_the_background)
{
    /* Scaling the counts scales the offset, which then changes nothing but the centre of the cepstrum. */
    static const double backgrounds[] = {3, 30};
    cepman_context *ctx = support_begin(1);
    for (int b = 0; b < 2; b++) {
        uint16_t *data = scan_of(4, backgrounds[b]);
        cepman_dataset *d = NULL;
        cepman_cepstrum *c = NULL;
        cepman_options *o = NULL;
        assert_good(ctx,
                    cepman_dataset_wrap(&d, ctx, data, CEPMAN_TYPE_U16, ROWS, COLUMNS, H, W, NULL, NULL));
        assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, NULL));
        assert_good(ctx, cepman_cepstrum_options(&o, ctx, c));
        double offset = 0;
        assert_good(ctx, cepman_options_get_real(o, ctx, "offset", &offset));
        ck_assert_msg(offset > 0.8 * backgrounds[b] && offset < 1.2 * backgrounds[b],
                      "offset %g for %g counts", offset, backgrounds[b]);
        cepman_options_unref(o);
        cepman_cepstrum_unref(c);
        cepman_dataset_unref(d);
        free(data);
    }
    support_end(ctx);
}
END_TEST

START_TEST(extreme_counts)
{
    /* A scan of one value: dark, tiny, huge. The offset is measured and all features are finite. */
    static const float values[] = {0, 1e-44f, 1, FLT_MAX, -1};
    cepman_context *ctx = support_begin(1);
    for (int v = 0; v < 5; v++) {
        float frames[2 * 20 * 16];
        for (int i = 0; i < 640; i++)
            frames[i] = values[v];
        cepman_dataset *d = NULL;
        assert_good(ctx, cepman_dataset_wrap(&d, ctx, frames, CEPMAN_TYPE_F32, 1, 2, 20, 16, NULL, NULL));
        for (int s = 0; s < 3; s++) {
            cepman_options *o = options_of(ctx, "scale", scales[s]);
            cepman_matrix *m = run(ctx, d, o);
            for (size_t i = 0; i < 2; i++)
                for (size_t j = 0; j < cepman_matrix_columns(m); j++)
                    ck_assert(isfinite(cepman_matrix_row(m, i)[j]));
            cepman_matrix_unref(m);
            cepman_options_unref(o);
        }
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

START_TEST(failures)
{
    float *frames = malloc(FRAMES * 64 * sizeof *frames);
    for (size_t i = 0; i < FRAMES * 64; i++)
        frames[i] = i / 64 == 117 ? (float)NAN : (float)(i % 37);
    cepman_context *ctx = support_begin(2);
    cepman_dataset *d = NULL, *planes = NULL;
    cepman_cepstrum *c = NULL;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, frames, CEPMAN_TYPE_F32, ROWS, COLUMNS, 8, 8, NULL, NULL));
    assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, NULL));
    assert_fails(ctx, cepman_cepstrum_run(&m, ctx, c, d), CEPMAN_ERR_DATA, "frame 117");
    ck_assert_ptr_null(m);
    assert_good(ctx, cepman_cepstrum_dataset(&planes, ctx, c, d));
    float plane[2 * 64];
    assert_fails(ctx, cepman_dataset_read_f32(planes, ctx, 116, 2, plane, 128), CEPMAN_ERR_DATA, "frame 117");
    assert_good(ctx, cepman_dataset_read_f32(planes, ctx, 118, 2, plane, 128));
    cepman_dataset_unref(planes);
    cepman_cepstrum_unref(c);
    c = NULL;
    for (size_t i = 0; i < FRAMES * 64; i++)
        frames[i] = (float)NAN;
    assert_fails(ctx, cepman_cepstrum_create(&c, ctx, d, NULL), CEPMAN_ERR_DATA, "valid pixel");
    ck_assert_ptr_null(c);
    /* Another shape. */
    assert_good(ctx, cepman_cepstrum_create_for(&c, ctx, 8, 9, NULL, (double)NAN, NULL));
    assert_fails(ctx, cepman_cepstrum_run(&m, ctx, c, d), CEPMAN_ERR_SHAPE, "8 x 9");
    assert_fails(ctx, cepman_cepstrum_dataset(&planes, ctx, c, d), CEPMAN_ERR_SHAPE, "8 x 9");
    ck_assert_ptr_null(m);
    cepman_cepstrum_unref(c);
    cepman_dataset_unref(d);
    /* A source that fails, one that cancels. */
    uint16_t *data = scan_of(5, 3);
    for (int concurrent = 0; concurrent < 2; concurrent++) {
        live l = {.data = data, .ready = FRAMES, .fail_at = SIZE_MAX};
        d = open_live(ctx, &l, concurrent);
        assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, NULL));
        l.fail_at = 150;
        cepman_status s = cepman_cepstrum_run(&m, ctx, c, d);
        ck_assert_int_eq(s, CEPMAN_ERR_CALLBACK);
        l.fail_at = SIZE_MAX;
        l.reads = 0;
        l.cancel = ctx;
        assert_status(ctx, cepman_cepstrum_run(&m, ctx, c, d), CEPMAN_ERR_CANCELLED);
        ck_assert_ptr_null(m);
        cepman_context_clear_cancel(ctx);
        cepman_cepstrum_unref(c);
        cepman_dataset_unref(d);
    }
    support_end(ctx);
    free(frames), free(data);
}
END_TEST

static const char *const variants[][2] = {
    {NULL, NULL}, {"scale", "standard"}, {"centre", "beam"}, {"storage", "float16"}};

START_TEST(allocations_fail_in_turn)
{
    uint16_t *data = scan_of(6, 3);
    uint8_t mask[H * W] = {0};
    mask[77] = 1;
    bool done = false;
    for (long at = 0; !done; at++) {
        ck_assert_int_lt(at, 2000);
        cepman_context *ctx = support_begin(2);
        cepman_dataset *bare = NULL, *d = NULL, *planes = NULL;
        cepman_options *o = options_of(ctx, variants[_i][0], variants[_i][1]);
        assert_good(ctx,
                    cepman_dataset_wrap(&bare, ctx, data, CEPMAN_TYPE_U16, ROWS, COLUMNS, H, W, NULL, NULL));
        assert_good(ctx, cepman_dataset_view_masked(&d, ctx, bare, mask));
        cepman_cepstrum *c = NULL;
        cepman_cepstrum_worker *k = NULL;
        cepman_matrix *m = NULL;
        float plane[H * W];
        support_fail_at(at);
        cepman_status s = cepman_cepstrum_create(&c, ctx, d, o);
        ck_assert_int_eq(s != CEPMAN_OK, c == NULL);
        if (!s) {
            s = cepman_cepstrum_run(&m, ctx, c, d);
            ck_assert_int_eq(s != CEPMAN_OK, m == NULL);
        }
        if (!s) s = cepman_cepstrum_run_file(c, ctx, d, support_path("in_turn.npy"));
        if (!s && _i != 1) s = cepman_cepstrum_worker_create(&k, ctx, c);
        if (!s) s = cepman_cepstrum_dataset(&planes, ctx, c, d);
        if (!s) s = cepman_dataset_read_f32(planes, ctx, 3, 1, plane, H * W);
        ck_assert_msg(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_THREAD,
                      "allocation %ld: %s: %s", at, cepman_status_text(s), cepman_context_error(ctx));
        done = s == CEPMAN_OK;
        support_fail_at(-1);
        cepman_cepstrum_worker_unref(k);
        cepman_dataset_unref(planes);
        cepman_matrix_unref(m);
        cepman_cepstrum_unref(c);
        cepman_dataset_unref(d);
        cepman_dataset_unref(bare);
        cepman_options_unref(o);
        support_end(ctx);
    }
    free(data);
}
END_TEST

START_TEST(memory_stays_bounded)
{
    /* Beyond the features: blocks and scratch, whatever the number of frames. */
    uint16_t *data = scan_of(7, 3);
    cepman_context *ctx = support_begin(2);
    live l = {.data = data, .ready = FRAMES, .fail_at = SIZE_MAX};
    cepman_dataset *d = open_live(ctx, &l, 1);
    cepman_cepstrum *c = NULL;
    assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, NULL));
    l.largest = 0;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_cepstrum_run(&m, ctx, c, d));
    ck_assert_uint_le(l.largest * H * W * sizeof *data, 262144);
    ck_assert_uint_gt(l.largest, 1);
    cepman_matrix_unref(m);
    cepman_cepstrum_unref(c);
    cepman_dataset_unref(d);
    support_end(ctx);
    free(data);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cepstrum run");
    TCase *t = tcase_create("run");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, same_bits_however_it_is_run, 0, 3);
    tcase_add_test(t, standardised);
    tcase_add_test(t, live_scan);
    tcase_add_test(t, offset_follows_the_background);
    tcase_add_test(t, extreme_counts);
    tcase_add_test(t, failures);
    tcase_add_loop_test(t, allocations_fail_in_turn, 0, 4);
    tcase_add_test(t, memory_stays_bounded);
    suite_add_tcase(s, t);
    return s;
}
