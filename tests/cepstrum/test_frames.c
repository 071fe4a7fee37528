/* Frames that are not plain: NaN, infinite, masked, dark and tiny ones, wandering beams, wrong arguments. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "helpers.h"

START_TEST(odd_frames_stay_finite)
{
    static const char *const texts[] = {"preset=paper",
                                        "preset=padgett",
                                        "preset=round-hann",
                                        "preset=squared",
                                        "preset=double-log",
                                        "offset=0",
                                        "offset=0 subtract=min",
                                        "offset=1 offset-unit=range subtract=min",
                                        "offset=1e6 offset-unit=mean power=true",
                                        "window=tukey centre=beam",
                                        "window=round-hann centre=beam"};
    static const size_t sides[][2] = {{1, 1}, {1, 5}, {2, 2}, {3, 2}, {16, 16}, {15, 40}};
    cepman_context *ctx = support_begin(1);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        for (size_t s = 0; s < 6; s++)
            for (int kind = 0; kind < 6; kind++) {
                size_t h = sides[s][0], w = sides[s][1];
                float frame[600];
                for (size_t i = 0; i < h * w; i++)
                    frame[i] = kind == 0   ? 0
                               : kind == 1 ? 7
                               : kind == 2 ? FLT_MAX
                               : kind == 3 ? -5
                               : kind == 4 ? (i % 2 ? (float)NAN : 3)
                                           : (i % 3 ? (float)INFINITY : (float)i * 1e-42f);
                cepman_cepstrum *c = make(ctx, h, w, texts[t]);
                size_t n = cepman_cepstrum_features(c);
                ck_assert_uint_ge(n, 1);
                float *got = malloc(n * sizeof *got);
                features_of(ctx, c, frame, CEPMAN_TYPE_F32, got);
                for (size_t i = 0; i < n; i++)
                    ck_assert_msg(isfinite(got[i]), "%s, frame %d, feature %zu: %g", texts[t], kind, i,
                                  (double)got[i]);
                free(got);
                cepman_cepstrum_unref(c);
            }
    support_end(ctx);
}
END_TEST

/* ---- bad pixels ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The rule in its plainest form. */
static void repair_twin(const float *frame, const uint8_t *mask, size_t h, size_t w, float *out)
{
    double *v = malloc(h * w * sizeof *v);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            size_t n = 0, i = y * w + x;
            if (isfinite(frame[i]) && !(mask && mask[i])) {
                out[i] = frame[i] > 0 ? frame[i] : 0;
                continue;
            }
            for (long d = 1; n == 0; d++)
                for (long b = (long)y - d; b <= (long)y + d; b++)
                    for (long a = (long)x - d; a <= (long)x + d; a++) {
                        if (b < 0 || a < 0 || b >= (long)h || a >= (long)w) continue;
                        size_t j = (size_t)b * w + (size_t)a;
                        if (isfinite(frame[j]) && !(mask && mask[j]))
                            v[n++] = frame[j] > 0 ? (double)frame[j] : 0;
                    }
            qsort(v, n, sizeof *v, compare_doubles);
            out[i] = (float)(n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2);
        }
    free(v);
}

START_TEST(bad_pixels_take_the_median)
{
    static const size_t sides[][2] = {{1, 9}, {9, 1}, {16, 16}, {21, 34}};
    cepman_context *ctx = support_begin(1);
    support_random r = {11};
    for (size_t s = 0; s < 4; s++)
        for (int share = 0; share < 4; share++)
            for (int masked = 0; masked < 2; masked++) {
                size_t h = sides[s][0], w = sides[s][1];
                float *frame = counts(h * w, 31 + s), *patched = malloc(h * w * sizeof *patched);
                uint8_t *mask = calloc(h * w, 1);
                for (size_t i = 0; i < h * w; i++) {
                    bool bad =
                        share == 3 ? i != h * w / 3 : support_uniform(&r) < (share == 0 ? 0.02 : 0.3 * share);
                    if (share == 2 && i % w > w / 2) bad = true; /* half the detector */
                    if (bad && masked && (i % 2 || s == 3)) mask[i] = 1;
                    if (mask[i]) frame[i] = i % 5 ? 60000 : (float)NAN;
                    if (bad && !mask[i]) frame[i] = i % 3 ? (float)NAN : (float)INFINITY;
                }
                mask[h * w / 3] = 0;
                frame[h * w / 3] = 17; /* one is always valid */
                repair_twin(frame, masked ? mask : NULL, h, w, patched);
                cepman_options *o = options_of(ctx, s % 2 ? "offset=1 scale=none"
                                                          : "subtract=min offset=0.1 offset-unit=range");
                cepman_cepstrum *a = NULL, *b = NULL;
                assert_good(ctx,
                            cepman_cepstrum_create_for(&a, ctx, h, w, masked ? mask : NULL, (double)NAN, o));
                assert_good(ctx, cepman_cepstrum_create_for(&b, ctx, h, w, NULL, (double)NAN, o));
                size_t n = cepman_cepstrum_features(a);
                float *got = malloc(n * sizeof *got), *want = malloc(n * sizeof *want);
                features_of(ctx, a, frame, CEPMAN_TYPE_F32, got);
                features_of(ctx, b, patched, CEPMAN_TYPE_F32, want);
                ck_assert(memcmp(got, want, n * sizeof *got) == 0);
                free(got), free(want), free(frame), free(patched), free(mask);
                cepman_cepstrum_unref(a), cepman_cepstrum_unref(b);
                cepman_options_unref(o);
            }
    support_end(ctx);
}
END_TEST

START_TEST(frames_without_valid_pixels)
{
    cepman_context *ctx = support_begin(1);
    float frames[3 * 64];
    for (int i = 0; i < 3 * 64; i++)
        frames[i] = i / 64 == 2 ? (float)NAN : (float)i;
    cepman_cepstrum *c = make(ctx, 8, 8, "");
    size_t n = cepman_cepstrum_features(c);
    float *out = malloc(3 * n * sizeof *out);
    memset(out, 0x5a, 3 * n * sizeof *out);
    cepman_cepstrum_worker *k = NULL;
    assert_good(ctx, cepman_cepstrum_worker_create(&k, ctx, c));
    ck_assert_int_eq(cepman_cepstrum_run_frames(k, frames, CEPMAN_TYPE_F32, 3, 0, out, n), CEPMAN_ERR_DATA);
    ck_assert_ptr_nonnull(strstr(cepman_cepstrum_worker_error(k), "frame 2"));
    for (size_t i = 0; i < 3 * n * sizeof *out; i++)
        ck_assert_int_eq(((unsigned char *)out)[i], 0x5a);
    ck_assert_int_eq(cepman_cepstrum_run_frames(k, frames, CEPMAN_TYPE_F32, 2, 0, out, n), CEPMAN_OK);
    ck_assert_str_eq(cepman_cepstrum_worker_error(k), "");
    cepman_cepstrum_worker_unref(k);
    cepman_cepstrum_unref(c);
    uint8_t mask[64];
    memset(mask, 1, sizeof mask);
    c = NULL;
    assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, 8, 8, mask, (double)NAN, NULL), CEPMAN_ERR_DATA,
                 "mask");
    ck_assert_ptr_null(c);
    free(out);
    support_end(ctx);
}
END_TEST

/* ---- window on the beam ---- */

START_TEST(window_follows_the_beam)
{
    /* The same pattern moved by whole pixels: the same cepstrum, as long as the border does not matter. */
    static const char *const texts[] = {"window=gaussian sigma=0.2", "window=hann", "window=round-hann",
                                        "window=tukey"};
    cepman_context *ctx = support_begin(1);
    char text[100];
    snprintf(text, sizeof text, "%s centre=beam offset=1", texts[_i]);
    cepman_cepstrum *follow = make(ctx, 96, 96, text);
    snprintf(text, sizeof text, "%s offset=1", texts[_i]);
    cepman_cepstrum *fixed = make(ctx, 96, 96, text);
    size_t n = cepman_cepstrum_features(follow);
    float *f[4];
    for (int i = 0; i < 4; i++) {
        float frame[96 * 96];
        double by = i % 2 ? 51 : 48, bx = i % 2 ? 43 : 48;
        for (int y = 0; y < 96; y++)
            for (int x = 0; x < 96; x++) {
                double v = 4000 * exp(-0.1 * (pow(y - by, 2) + pow(x - bx, 2)));
                for (int a = -2; a <= 2; a++)
                    for (int b = -2; b <= 2; b++)
                        v += 100 * exp(-0.3 * (pow(y - by - 9 * a, 2) + pow(x - bx - 7 * b - 2 * a, 2)));
                frame[y * 96 + x] = (float)v;
            }
        f[i] = malloc(n * sizeof *f[i]);
        features_of(ctx, i < 2 ? follow : fixed, frame, CEPMAN_TYPE_F32, f[i]);
    }
    double moved[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        for (size_t j = 0; j < n; j++)
            moved[i] += pow((double)f[2 * i][j] - (double)f[2 * i + 1][j], 2);
    ck_assert_msg(moved[0] < 0.01 * moved[1], "%s: %g with, %g without", texts[_i], moved[0], moved[1]);
    for (int i = 0; i < 4; i++)
        free(f[i]);
    cepman_cepstrum_unref(follow), cepman_cepstrum_unref(fixed);
    support_end(ctx);
}
END_TEST

START_TEST(arguments)
{
    cepman_context *ctx = support_begin(1);
    cepman_cepstrum *c = NULL;
    assert_fails(ctx, cepman_cepstrum_create_for(NULL, ctx, 8, 8, NULL, (double)NAN, NULL),
                 CEPMAN_ERR_ARGUMENT, "NULL");
    assert_fails(ctx, cepman_cepstrum_create(&c, ctx, NULL, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, 0, 8, NULL, (double)NAN, NULL), CEPMAN_ERR_RANGE,
                 "0 x 8");
    assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, 8, 20000, NULL, (double)NAN, NULL),
                 CEPMAN_ERR_RANGE, "20000");
    assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, 8, 8, NULL, -1, NULL), CEPMAN_ERR_RANGE,
                 "reciprocal");
    ck_assert_ptr_null(c);
    c = make(ctx, 8, 8, "scale=standard");
    cepman_cepstrum_worker *k = NULL;
    assert_fails(ctx, cepman_cepstrum_worker_create(&k, ctx, c), CEPMAN_ERR_UNSUPPORTED, "standard");
    ck_assert_ptr_null(k);
    cepman_cepstrum_unref(c);
    c = make(ctx, 8, 8, "");
    assert_good(ctx, cepman_cepstrum_worker_create(&k, ctx, c));
    float x[64] = {0}, y[64];
    size_t n = cepman_cepstrum_features(c);
    ck_assert_int_eq(cepman_cepstrum_run_frames(NULL, x, CEPMAN_TYPE_F32, 1, 0, y, n), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_cepstrum_run_frames(k, NULL, CEPMAN_TYPE_F32, 1, 0, y, n), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_cepstrum_run_frames(k, x, (cepman_type)99, 1, 0, y, n), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_cepstrum_run_frames(k, x, CEPMAN_TYPE_F32, 1, 255, y, n), CEPMAN_ERR_RANGE);
    ck_assert_int_eq(cepman_cepstrum_run_frames(k, x, CEPMAN_TYPE_F32, 1, 0, y, n - 1), CEPMAN_ERR_RANGE);
    ck_assert_int_eq(cepman_cepstrum_run_frames(k, NULL, CEPMAN_TYPE_F32, 0, 0, NULL, n), CEPMAN_OK);
    cepman_cepstrum_worker_unref(k);
    cepman_cepstrum_worker_unref(NULL);
    cepman_cepstrum_unref(c);
    cepman_cepstrum_unref(NULL);
    ck_assert_uint_eq(cepman_cepstrum_features(NULL), 0);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cepstrum frames");
    TCase *t = tcase_create("frames");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, odd_frames_stay_finite);
    tcase_add_test(t, bad_pixels_take_the_median);
    tcase_add_test(t, frames_without_valid_pixels);
    tcase_add_loop_test(t, window_follows_the_beam, 0, 4);
    tcase_add_test(t, arguments);
    suite_add_tcase(s, t);
    return s;
}
