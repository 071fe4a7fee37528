/* Sides that are quick to transform: frames cropped or padded to them, and what a worker does without allocating. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "helpers.h"

/* The middle of a frame as option fit=crop takes it. */
static void *middle(const void *frame, size_t size, size_t w, size_t top, size_t left, size_t ch, size_t cw)
{
    unsigned char *out = malloc(ch * cw * size);
    for (size_t y = 0; y < ch; y++)
        memcpy(out + y * cw * size, (const unsigned char *)frame + ((top + y) * w + left) * size, cw * size);
    return out;
}

START_TEST(sides)
{
    static const struct {
        size_t n, below, above;
    } cases[] = {{1, 1, 8},       {7, 7, 8},       {8, 8, 8},          {11, 10, 12},      {13, 12, 15},
                 {97, 96, 100},   {100, 100, 100}, {127, 125, 128},    {131, 128, 135},   {211, 200, 216},
                 {257, 256, 270}, {515, 512, 540}, {1021, 1000, 1024}, {2053, 2048, 2160}};
    cepman_context *ctx = support_begin(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cepman_cepstrum *c = make(ctx, cases[i].n, 64, "fit=crop"), *p = make(ctx, cases[i].n, 61, "fit=pad");
        ck_assert_uint_eq(cepman_cepstrum_image_height(c), cases[i].below);
        ck_assert_uint_eq(cepman_cepstrum_image_width(c), 64);
        ck_assert_uint_eq(cepman_cepstrum_height(c), cases[i].n);
        ck_assert_uint_eq(cepman_cepstrum_image_height(p), cases[i].above);
        ck_assert_uint_eq(cepman_cepstrum_image_width(p), 64);
        ck_assert_uint_eq(cepman_cepstrum_width(p), 61);
        cepman_cepstrum_unref(c), cepman_cepstrum_unref(p);
    }
    /* A given padding is rounded up too. */
    cepman_cepstrum *c = make(ctx, 50, 67, "fit=pad pad=71");
    ck_assert(cepman_cepstrum_image_height(c) == 72 && cepman_cepstrum_image_width(c) == 72);
    cepman_cepstrum_unref(c);
    c = make(ctx, 50, 67, "fit=crop pad=64");
    ck_assert(cepman_cepstrum_image_height(c) == 64 && cepman_cepstrum_image_width(c) == 64);
    cepman_cepstrum_unref(c);
    support_end(ctx);
}
END_TEST

/* Cropping is what it says, whatever path a frame takes. */
START_TEST(cropped)
{
    enum { H = 47, W = 53, TOP = 1, LEFT = 1, CH = 45, CW = 50 };
    static const char *const texts[] = {"fit=crop offset=1",
                                        "fit=crop offset=1 preset=padgett",
                                        "fit=crop offset=0.1 offset-unit=mean subtract=min",
                                        "fit=crop offset=2 centre=beam",
                                        "fit=crop offset=1 pad=64",
                                        "fit=crop window=none scale=none offset=3"};
    static const char *const plain[] = {"offset=1",
                                        "offset=1 preset=padgett",
                                        "offset=0.1 offset-unit=mean subtract=min",
                                        "offset=2 centre=beam",
                                        "offset=1 pad=64",
                                        "window=none scale=none offset=3"};
    cepman_context *ctx = support_begin(1);
    float *frame = counts(H * W, 5);
    int64_t whole[H * W];
    uint16_t small[H * W];
    uint8_t mask[H * W];
    for (size_t i = 0; i < H * W; i++) {
        whole[i] = (int64_t)frame[i];
        small[i] = (uint16_t)fminf(frame[i], 60000);
        mask[i] = i % 61 == 3;
    }
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        for (int kind = 0; kind < 5; kind++) { /* f32, u16, i64, f32 with NaN, f32 with a mask */
            const cepman_type type = kind == 1   ? CEPMAN_TYPE_U16
                                     : kind == 2 ? CEPMAN_TYPE_I64
                                                 : CEPMAN_TYPE_F32;
            const void *from = kind == 1 ? (const void *)small : kind == 2 ? (const void *)whole : frame;
            frame[20 * W + 20] = kind == 3 ? (float)NAN : 4;
            frame[5] = kind == 3 ? (float)INFINITY : 4; /* outside */
            void *part = middle(from, cepman_type_size(type), W, TOP, LEFT, CH, CW);
            void *mask_part = middle(mask, 1, W, TOP, LEFT, CH, CW);
            cepman_options *o = options_of(ctx, texts[t]), *q = options_of(ctx, plain[t]);
            cepman_cepstrum *a = NULL, *b = NULL;
            assert_good(ctx, cepman_cepstrum_create_for(&a, ctx, H, W, kind == 4 ? mask : NULL, 0.01, o));
            assert_good(ctx,
                        cepman_cepstrum_create_for(&b, ctx, CH, CW, kind == 4 ? mask_part : NULL, 0.01, q));
            const size_t n = cepman_cepstrum_features(a);
            ck_assert_uint_eq(n, cepman_cepstrum_features(b));
            ck_assert(cepman_cepstrum_pixel(a) == cepman_cepstrum_pixel(b));
            float *got = malloc(n * sizeof *got), *want = malloc(n * sizeof *want);
            features_of(ctx, a, from, type, got);
            features_of(ctx, b, part, type, want);
            ck_assert_msg(memcmp(got, want, n * sizeof *got) == 0, "%s, kind %d", texts[t], kind);
            /* Whole cepstra too. */
            cepman_dataset *d[2] = {NULL, NULL}, *e[2] = {NULL, NULL};
            assert_good(ctx, cepman_dataset_wrap(&d[0], ctx, from, type, 1, 1, H, W, NULL, NULL));
            assert_good(ctx, cepman_dataset_wrap(&d[1], ctx, part, type, 1, 1, CH, CW, NULL, NULL));
            assert_good(ctx, cepman_cepstrum_dataset(&e[0], ctx, a, d[0]));
            assert_good(ctx, cepman_cepstrum_dataset(&e[1], ctx, b, d[1]));
            const size_t m = cepman_cepstrum_image_height(a) * cepman_cepstrum_image_width(a);
            float *x = malloc(m * sizeof *x), *y = malloc(m * sizeof *y);
            assert_good(ctx, cepman_dataset_read_f32(e[0], ctx, 0, 1, x, m));
            assert_good(ctx, cepman_dataset_read_f32(e[1], ctx, 0, 1, y, m));
            ck_assert(memcmp(x, y, m * sizeof *x) == 0);
            for (int i = 0; i < 2; i++)
                cepman_dataset_unref(d[i]), cepman_dataset_unref(e[i]);
            free(got), free(want), free(part), free(mask_part), free(x), free(y);
            cepman_cepstrum_unref(a), cepman_cepstrum_unref(b);
            cepman_options_unref(o), cepman_options_unref(q);
        }
    free(frame);
    support_end(ctx);
}
END_TEST

START_TEST(padded)
{
    cepman_context *ctx = support_begin(1);
    float *frame = counts(61 * 61, 9);
    cepman_cepstrum *a = make(ctx, 61, 61, "fit=pad"), *b = make(ctx, 61, 61, "pad=64");
    const size_t n = cepman_cepstrum_features(a);
    ck_assert_uint_eq(n, cepman_cepstrum_features(b));
    float *got = malloc(n * sizeof *got), *want = malloc(n * sizeof *want);
    features_of(ctx, a, frame, CEPMAN_TYPE_F32, got);
    features_of(ctx, b, frame, CEPMAN_TYPE_F32, want);
    ck_assert(memcmp(got, want, n * sizeof *got) == 0);
    free(got), free(want), free(frame);
    cepman_cepstrum_unref(a), cepman_cepstrum_unref(b);
    support_end(ctx);
}
END_TEST

/* A frame whose valid pixels have all been cropped away. */
START_TEST(nothing_left)
{
    enum { N = 11 };
    cepman_context *ctx = support_begin(1);
    float frame[N * N], out[200];
    uint8_t mask[N * N];
    for (int i = 0; i < N * N; i++) {
        const bool cut = i / N == N - 1 || i % N == N - 1;
        frame[i] = cut ? 1 : (float)NAN;
        mask[i] = !cut;
    }
    cepman_cepstrum *c = make(ctx, N, N, "fit=crop offset=1");
    cepman_cepstrum_worker *k = NULL;
    assert_good(ctx, cepman_cepstrum_worker_create(&k, ctx, c));
    ck_assert_uint_le(cepman_cepstrum_features(c), 200);
    ck_assert_int_eq(cepman_cepstrum_run_frames(k, frame, CEPMAN_TYPE_F32, 1, 0, out, 200), CEPMAN_ERR_DATA);
    frame[5 * N + 5] = 3;
    ck_assert_int_eq(cepman_cepstrum_run_frames(k, frame, CEPMAN_TYPE_F32, 1, 0, out, 200), CEPMAN_OK);
    cepman_cepstrum_worker_unref(k);
    cepman_cepstrum_unref(c);
    c = NULL;
    cepman_options *o = options_of(ctx, "fit=crop");
    assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, N, N, mask, (double)NAN, o), CEPMAN_ERR_DATA,
                 "10 x 10");
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

/* Not one allocation after a worker is made, on any path: rings and FFTW, every type, bad pixels, masks, beams. */
START_TEST(no_allocation)
{
    static const char *const texts[] = {
        "",         "preset=padgett",   "preset=double-log offset-unit=mean", "centre=beam",
        "fit=crop", "pad=71 power=true"};
    static const size_t n[2] = {37, 40};
    cepman_context *ctx = support_begin(1);
    uint8_t mask[40 * 40] = {0};
    mask[50] = 1;
    unsigned char *frames = calloc(40 * 40, 2 * 8);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        for (int side = 0; side < 2; side++)
            for (int masked = 0; masked < 2; masked++) {
                cepman_options *o = options_of(ctx, texts[t]);
                cepman_cepstrum *c = NULL;
                cepman_cepstrum_worker *k = NULL;
                assert_good(ctx, cepman_cepstrum_create_for(&c, ctx, n[side], n[side], masked ? mask : NULL,
                                                            (double)NAN, o));
                cepman_options_unref(o);
                assert_good(ctx, cepman_cepstrum_worker_create(&k, ctx, c));
                const size_t f = cepman_cepstrum_features(c);
                float *out = malloc(2 * f * sizeof *out);
                const long before = support_allocations();
                for (int type = CEPMAN_TYPE_U8; type <= CEPMAN_TYPE_F16; type++)
                    ck_assert_int_eq(cepman_cepstrum_run_frames(k, frames, (cepman_type)type, 2, 0, out, f),
                                     CEPMAN_OK);
                float odd[40 * 40];
                for (size_t i = 0; i < n[side] * n[side]; i++)
                    odd[i] = i % 7 ? (float)i : (float)NAN;
                ck_assert_int_eq(cepman_cepstrum_run_frames(k, odd, CEPMAN_TYPE_F32, 1, 0, out, f),
                                 CEPMAN_OK);
                for (size_t i = 0; i < n[side] * n[side]; i++)
                    odd[i] = (float)NAN;
                ck_assert_int_eq(cepman_cepstrum_run_frames(k, odd, CEPMAN_TYPE_F32, 1, 0, out, f),
                                 CEPMAN_ERR_DATA);
                ck_assert_int_eq(support_allocations(), before);
                free(out);
                cepman_cepstrum_worker_unref(k);
                cepman_cepstrum_unref(c);
            }
    free(frames);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cepstrum fit");
    TCase *t = tcase_create("fit");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, sides);
    tcase_add_test(t, cropped);
    tcase_add_test(t, padded);
    tcase_add_test(t, nothing_left);
    tcase_add_test(t, no_allocation);
    suite_add_tcase(s, t);
    return s;
}
