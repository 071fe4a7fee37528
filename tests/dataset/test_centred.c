/* Centred views: frames come back to where their beams were put from, against direct indexing; bad pixels stay behind. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "support.h"

enum { N = 24, H = 40, W = 33, P = H * W };

static uint16_t counts[N * P];
static long down[N], right[N]; /* what each frame was moved by */

/* A speckled frame with a bright disk around (19.5, 16), moved; edges are repeated. */
static uint16_t pattern(long y, long x)
{
    y = y < 0 ? 0 : y >= H ? H - 1 : y;
    x = x < 0 ? 0 : x >= W ? W - 1 : x;
    const bool disk = hypot((double)y - 19.5, (double)x - 16) <= 2.6;
    return (uint16_t)((disk ? 5000 : 10) + (y * 7 + x * 13) % 5);
}

static void fill(void)
{
    support_random r = {3};
    for (size_t f = 0; f < N; f++) {
        down[f] = (long)(support_uniform(&r) * 7) - 3;
        right[f] = (long)(support_uniform(&r) * 7) - 3;
        for (long y = 0; y < H; y++)
            for (long x = 0; x < W; x++)
                counts[f * P + (size_t)(y * W + x)] = pattern(y - down[f], x - right[f]);
    }
}

/* What frame f must be at (y, x): the pattern, but for what had been moved out of the frame. */
static uint16_t expected(size_t f, long y, long x)
{
    long fy = y + down[f], fx = x + right[f];
    fy = fy < 0 ? 0 : fy >= H ? H - 1 : fy;
    fx = fx < 0 ? 0 : fx >= W ? W - 1 : fx;
    return counts[f * P + (size_t)(fy * W + fx)];
}

START_TEST(frames_come_back)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL, *view = NULL;
    fill();
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, counts, CEPMAN_TYPE_U16, 4, 6, H, W, NULL, NULL));
    assert_good(ctx, cepman_dataset_view_centred(&view, ctx, d));
    ck_assert_uint_eq(cepman_dataset_scan_columns(view), 6);
    ck_assert_uint_eq(cepman_dataset_height(view), H);
    ck_assert_int_eq(cepman_dataset_type(view), CEPMAN_TYPE_U16);
    ck_assert_ptr_null(cep_dataset_lend(view, 0, 1));
    static uint16_t got[N * P], one[P];
    assert_good(ctx, cepman_dataset_read(view, ctx, 0, N, got, sizeof got));
    for (size_t f = 0; f < N; f++)
        for (long y = 0; y < H; y++)
            for (long x = 0; x < W; x++)
                ck_assert_msg(got[f * P + (size_t)(y * W + x)] == expected(f, y, x), "frame %zu, (%ld, %ld)",
                              f, y, x);
    /* A frame alone is the same, and a centred one is not moved again. */
    assert_good(ctx, cepman_dataset_read(view, ctx, 7, 1, one, sizeof one));
    ck_assert_mem_eq(one, got + 7 * P, sizeof one);
    cepman_dataset *again = NULL;
    assert_good(ctx, cepman_dataset_view_centred(&again, ctx, view));
    assert_good(ctx, cepman_dataset_read(again, ctx, 7, 1, one, sizeof one));
    ck_assert_mem_eq(one, got + 7 * P, sizeof one);
    cepman_dataset_unref(again);
    cepman_dataset_unref(view);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

/* Every type keeps its numbers; NaN and infinities travel as they are. */
START_TEST(every_type)
{
    static const cepman_type types[] = {CEPMAN_TYPE_I16, CEPMAN_TYPE_U32, CEPMAN_TYPE_I32,
                                        CEPMAN_TYPE_I64, CEPMAN_TYPE_F32, CEPMAN_TYPE_F64};
    const cepman_type type = types[_i];
    const size_t size = cepman_type_size(type);
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL, *view = NULL;
    unsigned char *data = malloc(N * P * size), *got = malloc(N * P * size);
    fill();
    for (size_t i = 0; i < N * P; i++) {
        const int64_t whole = counts[i];
        const int32_t middle = counts[i];
        const int16_t small = (int16_t)counts[i];
        const double wide = i % 97 ? counts[i] : i % 2 ? (double)NAN : -1;
        const float narrow = (float)wide;
        const void *from = type == CEPMAN_TYPE_I64   ? (const void *)&whole
                           : type == CEPMAN_TYPE_F64 ? (const void *)&wide
                           : type == CEPMAN_TYPE_F32 ? (const void *)&narrow
                           : type == CEPMAN_TYPE_I16 ? (const void *)&small
                                                     : (const void *)&middle;
        memcpy(data + i * size, from, size);
    }
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, data, type, 1, N, H, W, NULL, NULL));
    assert_good(ctx, cepman_dataset_view_centred(&view, ctx, d));
    assert_good(ctx, cepman_dataset_read(view, ctx, 0, N, got, N * P * size));
    for (size_t f = 0; f < N; f++)
        for (long y = 0; y < H; y++)
            for (long x = 0; x < W; x++) {
                long fy = y + down[f], fx = x + right[f];
                fy = fy < 0 ? 0 : fy >= H ? H - 1 : fy;
                fx = fx < 0 ? 0 : fx >= W ? W - 1 : fx;
                ck_assert_mem_eq(got + (f * P + (size_t)(y * W + x)) * size,
                                 data + (f * P + (size_t)(fy * W + fx)) * size, size);
            }
    free(data);
    free(got);
    cepman_dataset_unref(view);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

/* Bad pixels neither draw the beam nor travel: each is a good one beside it. */
START_TEST(bad_pixels_stay_behind)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL, *masked = NULL, *view = NULL;
    static uint8_t mask[P];
    static uint16_t got[N * P];
    fill();
    memset(mask, 0, sizeof mask);
    for (size_t x = 0; x < W; x++) /* a line, a corner, a block */
        mask[5 * W + x] = 1;
    mask[0] = mask[1] = mask[W] = 1;
    for (size_t y = 28; y < 33; y++)
        memset(mask + y * W + 10, 1, 5);
    for (size_t i = 0; i < N * P; i++)
        if (mask[i % P]) counts[i] = 65535;
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, counts, CEPMAN_TYPE_U16, 1, N, H, W, NULL, NULL));
    assert_good(ctx, cepman_dataset_view_masked(&masked, ctx, d, mask));
    assert_good(ctx, cepman_dataset_view_centred(&view, ctx, masked));
    ck_assert_ptr_null(cepman_dataset_mask(view));
    assert_good(ctx, cepman_dataset_read(view, ctx, 0, N, got, sizeof got));
    for (size_t f = 0; f < N; f++)
        for (long y = 0; y < H; y++)
            for (long x = 0; x < W; x++) {
                const uint16_t v = got[f * P + (size_t)(y * W + x)];
                const long fy = y + down[f], fx = x + right[f];
                if (fy < 0 || fy >= H || fx < 0 || fx >= W) continue;
                if (mask[fy * W + fx])
                    ck_assert_msg(v <= 14, "frame %zu, (%ld, %ld) is %u", f, y, x, v);
                else
                    ck_assert_uint_eq(v, counts[f * P + (size_t)(fy * W + fx)]);
            }
    /* The block's middle is three pixels from any good one. */
    memset(mask, 1, sizeof mask);
    cepman_dataset *none = NULL;
    assert_good(ctx, cepman_dataset_view_masked(&none, ctx, d, mask));
    cepman_dataset_unref(view);
    view = NULL;
    assert_fails(ctx, cepman_dataset_view_centred(&view, ctx, none), CEPMAN_ERR_DATA, "no valid pixel");
    ck_assert_ptr_null(view);
    cepman_dataset_unref(none);
    cepman_dataset_unref(masked);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

START_TEST(next_to_nothing)
{
    cepman_context *ctx = support_begin(1);
    const struct {
        size_t height, width;
        float value;
    } cases[] = {{1, 1, 5}, {1, 9, 0}, {8, 8, 0}, {8, 8, 4}, {5, 6, NAN}, {2, 2, -3}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        float data[128], got[128];
        for (size_t i = 0; i < 128; i++)
            data[i] = cases[c].value;
        const size_t pixels = cases[c].height * cases[c].width;
        cepman_dataset *d = NULL, *view = NULL;
        assert_good(ctx, cepman_dataset_wrap(&d, ctx, data, CEPMAN_TYPE_F32, 1, 2, cases[c].height,
                                             cases[c].width, NULL, NULL));
        assert_good(ctx, cepman_dataset_view_centred(&view, ctx, d));
        assert_good(ctx, cepman_dataset_read(view, ctx, 0, 2, got, sizeof got));
        ck_assert_mem_eq(got, data, 2 * pixels * sizeof *got);
        cepman_dataset_unref(view);
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

/* ---- a host's source: live, failing ------------------------------------------------------------------------------- */

typedef struct host {
    size_t ready, broken;
} host;

static int host_read(void *user, size_t first, size_t count, void *destination)
{
    const host *h = user;
    memcpy(destination, counts + first * P, count * P * 2);
    return h->broken >= first && h->broken < first + count;
}

static size_t host_available(void *user)
{
    return ((host *)user)->ready;
}

START_TEST(live_and_failing)
{
    cepman_context *ctx = support_begin(1);
    host h = {0, SIZE_MAX};
    cepman_frame_source source = {sizeof source, &h, host_read, host_available, NULL, 0};
    cepman_dataset *d = NULL, *view = NULL, *other = NULL;
    uint16_t got[P];
    fill();
    assert_good(ctx, cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U16, 1, N, H, W));
    /* Before any frame is there: each is then searched as a whole. */
    assert_good(ctx, cepman_dataset_view_centred(&view, ctx, d));
    ck_assert_uint_eq(cepman_dataset_available(view), 0);
    h.ready = 3;
    ck_assert_uint_eq(cepman_dataset_available(view), 3);
    assert_good(ctx, cepman_dataset_read(view, ctx, 2, 1, got, sizeof got));
    ck_assert_uint_eq(got[19 * W + 16], expected(2, 19, 16));
    assert_status(ctx, cepman_dataset_read(view, ctx, 3, 1, got, sizeof got), CEPMAN_ERR_RANGE);
    h.broken = 1;
    assert_status(ctx, cepman_dataset_read(view, ctx, 1, 1, got, sizeof got), CEPMAN_ERR_CALLBACK);
    assert_status(ctx, cepman_dataset_view_centred(&other, ctx, d), CEPMAN_ERR_CALLBACK);
    assert_status(ctx, cepman_dataset_view_centred(NULL, ctx, d), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_dataset_view_centred(&other, ctx, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_dataset_view_centred(&other, NULL, d), CEPMAN_ERR_ARGUMENT);
    h.broken = SIZE_MAX;
    cepman_context_cancel(ctx);
    assert_status(ctx, cepman_dataset_view_centred(&other, ctx, d), CEPMAN_ERR_CANCELLED);
    ck_assert_ptr_null(other);
    cepman_dataset_unref(view);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL, *masked = NULL;
    static uint8_t mask[P] = {[7] = 1};
    uint16_t got[P];
    fill();
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, counts, CEPMAN_TYPE_U16, 1, N, H, W, NULL, NULL));
    assert_good(ctx, cepman_dataset_view_masked(&masked, ctx, d, mask));
    for (long fail = 0;; fail++) {
        cepman_dataset *view = NULL;
        support_fail_at(fail);
        cepman_status status = cepman_dataset_view_centred(&view, ctx, masked);
        if (!status) status = cepman_dataset_read(view, ctx, 1, 1, got, sizeof got);
        support_fail_at(-1);
        cepman_dataset_unref(view);
        if (!status) {
            ck_assert_int_gt(fail, 8);
            break;
        }
        ck_assert_int_eq(status, CEPMAN_ERR_MEMORY);
    }
    cepman_dataset_unref(masked);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("centred");
    TCase *t = tcase_create("centred");
    tcase_add_test(t, frames_come_back);
    tcase_add_loop_test(t, every_type, 0, 6);
    tcase_add_test(t, bad_pixels_stay_behind);
    tcase_add_test(t, next_to_nothing);
    tcase_add_test(t, live_and_failing);
    tcase_add_test(t, failing_allocations);
    suite_add_tcase(s, t);
    return s;
}
