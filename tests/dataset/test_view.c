/* Datasets in memory and from callbacks, and views of them, against direct indexing of the whole array.
 * Long: every test uses the same array and its helpers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "support.h"

enum { R = 5, C = 7, H = 6, W = 9, N = R * C, P = H * W };

static uint16_t counts[N * P];

static void fill(void)
{
    support_random r = {11};
    for (size_t i = 0; i < N * P; i++)
        counts[i] = (uint16_t)(support_uniform(&r) * 60000);
}

static void destroyed(void *user)
{
    ++*(int *)user;
}

static cepman_dataset *wrapped(cepman_context *ctx)
{
    cepman_dataset *d = NULL;
    fill();
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, counts, CEPMAN_TYPE_U16, R, C, H, W, NULL, NULL));
    return d;
}

/* Where frames lie in memory they are lent from there; what cuts or copies lends nothing. */
START_TEST(lent)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = wrapped(ctx), *rows = NULL, *part = NULL, *masked = NULL, *cut = NULL, *odd = NULL;
    static const uint8_t mask[P] = {[3] = 1};
    static _Alignas(16) unsigned char shifted[sizeof counts + 1];
    uint16_t got[P];
    ck_assert_ptr_eq(cep_dataset_lend(d, 0, N), counts);
    ck_assert_ptr_eq(cep_dataset_lend(d, N - 1, 1), counts + (N - 1) * P);
    ck_assert_ptr_null(cep_dataset_lend(d, 0, 0));
    ck_assert_ptr_null(cep_dataset_lend(d, N - 1, 2));
    ck_assert_ptr_null(cep_dataset_lend(d, SIZE_MAX, 2));
    assert_good(ctx, cepman_dataset_view_scan(&rows, ctx, d, 1, 0, 3, C));
    ck_assert_ptr_eq(cep_dataset_lend(rows, 2, 3 * C - 2), counts + (C + 2) * P);
    assert_good(ctx, cepman_dataset_view_scan(&part, ctx, d, 1, 2, 3, 4));
    ck_assert_ptr_eq(cep_dataset_lend(part, 5, 3), counts + (2 * C + 3) * P);
    ck_assert_ptr_null(cep_dataset_lend(part, 5, 4));
    assert_good(ctx, cepman_dataset_view_masked(&masked, ctx, rows, mask));
    ck_assert_ptr_eq(cep_dataset_lend(masked, 0, 1), counts + C * P);
    assert_good(ctx, cepman_dataset_view_detector(&cut, ctx, d, 0, 0, H, W - 1));
    ck_assert_ptr_null(cep_dataset_lend(cut, 0, 1));
    /* Numbers that do not lie as their type asks are read, not lent. */
    memcpy(shifted + 1, counts, sizeof counts);
    assert_good(ctx, cepman_dataset_wrap(&odd, ctx, shifted + 1, CEPMAN_TYPE_U16, R, C, H, W, NULL, NULL));
    ck_assert_ptr_null(cep_dataset_lend(odd, 0, 1));
    assert_good(ctx, cepman_dataset_read(odd, ctx, 4, 1, got, sizeof got));
    ck_assert_mem_eq(got, counts + 4 * P, sizeof got);
    cepman_dataset *const all[] = {d, rows, part, masked, cut, odd};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cepman_dataset_unref(all[i]);
    support_end(ctx);
}
END_TEST

START_TEST(memory)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    int gone = 0;
    fill();
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, counts, CEPMAN_TYPE_U16, R, C, H, W, destroyed, &gone));
    ck_assert_uint_eq(cepman_dataset_scan_rows(d), R);
    ck_assert_uint_eq(cepman_dataset_scan_columns(d), C);
    ck_assert_uint_eq(cepman_dataset_frames(d), N);
    ck_assert_uint_eq(cepman_dataset_available(d), N);
    ck_assert_uint_eq(cepman_dataset_height(d), H);
    ck_assert_uint_eq(cepman_dataset_width(d), W);
    ck_assert_int_eq(cepman_dataset_type(d), CEPMAN_TYPE_U16);
    ck_assert_int_eq(cepman_dataset_has_scan(d), 1);
    ck_assert(isnan(cepman_dataset_scan_step(d)) && isnan(cepman_dataset_reciprocal_pixel(d)));
    ck_assert_str_eq(cepman_dataset_format(d), "memory");
    ck_assert_ptr_null(cepman_dataset_mask(d));
    uint16_t got[N * P];
    float real[3 * P];
    assert_good(ctx, cepman_dataset_read(d, ctx, 0, N, got, sizeof got));
    ck_assert_mem_eq(got, counts, sizeof got);
    assert_good(ctx, cepman_dataset_read_f32(d, ctx, 4, 3, real, 3 * P));
    for (size_t i = 0; i < 3 * P; i++)
        ck_assert(real[i] == (float)counts[4 * P + i]);
    assert_good(ctx, cepman_dataset_read(d, ctx, N, 0, NULL, 0));
    assert_fails(ctx, cepman_dataset_read(d, ctx, N - 1, 2, got, sizeof got), CEPMAN_ERR_RANGE, "35 of 35");
    assert_fails(ctx, cepman_dataset_read(d, ctx, SIZE_MAX, 2, got, sizeof got), CEPMAN_ERR_RANGE,
                 "available");
    assert_fails(ctx, cepman_dataset_read(d, ctx, 0, 2, got, 4 * P - 1), CEPMAN_ERR_RANGE,
                 "room for 215 bytes");
    assert_fails(ctx, cepman_dataset_read_f32(d, ctx, 0, 2, real, 2 * P - 1), CEPMAN_ERR_RANGE, "floats");
    assert_status(ctx, cepman_dataset_read(NULL, ctx, 0, 1, got, 1), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_dataset_read(d, ctx, 0, 1, NULL, 1000), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_dataset_read(d, NULL, 0, 1, got, sizeof got), CEPMAN_ERR_ARGUMENT);
    cepman_context_cancel(ctx);
    assert_status(ctx, cepman_dataset_read(d, ctx, 0, 1, got, sizeof got), CEPMAN_ERR_CANCELLED);
    assert_status(ctx, cepman_dataset_read_f32(d, ctx, 0, 1, real, 3 * P), CEPMAN_ERR_CANCELLED);
    ck_assert_ptr_eq(cepman_dataset_ref(d), d);
    cepman_dataset_unref(d);
    ck_assert_int_eq(gone, 0);
    cepman_dataset_unref(d);
    ck_assert_int_eq(gone, 1);
    cepman_dataset_unref(NULL);
    support_end(ctx);
}
END_TEST

START_TEST(shapes_refused)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    int gone = 0;
    const struct {
        size_t r, c, h, w;
    } bad[] = {{1, 0, 1, 1},
               {1, 1, 0, 1},
               {1, 1, 1, 0},
               {(size_t)1 << 30, (size_t)1 << 30, 1, 1},
               {1, 1, 1 << 15, 1 << 14},
               {SIZE_MAX, 2, 1, 1},
               {1, 1, SIZE_MAX, SIZE_MAX},
               {(size_t)1 << 20, (size_t)1 << 20, 1 << 14, 1 << 14}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(ctx,
                      cepman_dataset_wrap(&d, ctx, counts, CEPMAN_TYPE_F64, bad[i].r, bad[i].c, bad[i].h,
                                          bad[i].w, destroyed, &gone),
                      CEPMAN_ERR_SHAPE);
    assert_status(ctx, cepman_dataset_wrap(&d, ctx, NULL, CEPMAN_TYPE_U8, 1, 1, 1, 1, destroyed, &gone),
                  CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_dataset_wrap(&d, ctx, counts, (cepman_type)77, 1, 1, 1, 1, destroyed, &gone),
                  CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(d);
    ck_assert_int_eq(gone, 0);
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, counts, CEPMAN_TYPE_U16, 0, N, H, W, NULL, NULL));
    ck_assert_int_eq(cepman_dataset_has_scan(d), 0);
    ck_assert_uint_eq(cepman_dataset_scan_rows(d), 1);
    ck_assert_uint_eq(cepman_dataset_scan_columns(d), N);
    cepman_dataset_unref(d);
    ck_assert_uint_eq(cepman_dataset_frames(NULL) + cepman_dataset_scan_rows(NULL) +
                          cepman_dataset_scan_columns(NULL) + cepman_dataset_height(NULL) +
                          cepman_dataset_width(NULL) + cepman_dataset_available(NULL),
                      0);
    ck_assert_int_eq(cepman_dataset_has_scan(NULL), 0);
    support_end(ctx);
}
END_TEST

START_TEST(scan_view)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = wrapped(ctx);
    uint16_t got[N * P];
    for (size_t r0 = 0; r0 < R; r0++)
        for (size_t c0 = 0; c0 < C; c0 += 2)
            for (size_t r = 1; r <= R - r0; r++)
                for (size_t c = 1; c <= C - c0; c++) {
                    cepman_dataset *v = NULL;
                    assert_good(ctx, cepman_dataset_view_scan(&v, ctx, d, r0, c0, r, c));
                    ck_assert_uint_eq(cepman_dataset_available(v), r * c);
                    size_t first = (r * c) / 3, n = r * c - first;
                    assert_good(ctx, cepman_dataset_read(v, ctx, first, n, got, sizeof got));
                    for (size_t i = 0; i < n; i++) {
                        size_t from = (r0 + (first + i) / c) * C + c0 + (first + i) % c;
                        ck_assert_mem_eq(got + i * P, counts + from * P, 2 * P);
                    }
                    cepman_dataset_unref(v);
                }
    cepman_dataset *v = NULL;
    assert_status(ctx, cepman_dataset_view_scan(&v, ctx, d, 0, 0, 0, 1), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_view_scan(&v, ctx, d, 0, 0, 1, C + 1), CEPMAN_ERR_RANGE);
    assert_fails(ctx, cepman_dataset_view_scan(&v, ctx, d, SIZE_MAX, 0, 2, 1), CEPMAN_ERR_RANGE,
                 "stick out of the scan of 5 x 7");
    assert_status(ctx, cepman_dataset_view_scan(&v, ctx, d, 1, SIZE_MAX, 1, 2), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_view_scan(&v, ctx, NULL, 0, 0, 1, 1), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_dataset_view_scan(NULL, ctx, d, 0, 0, 1, 1), CEPMAN_ERR_ARGUMENT);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

START_TEST(detector_view)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = wrapped(ctx), *m = NULL, *v = NULL;
    uint8_t mask[P] = {0};
    mask[2 * W + 3] = 7;
    mask[0] = 1;
    assert_good(ctx, cepman_dataset_view_masked(&m, ctx, d, mask));
    uint16_t got[N * 3 * 4];
    assert_good(ctx, cepman_dataset_view_detector(&v, ctx, m, 2, 1, 3, 4));
    assert_good(ctx, cepman_dataset_read(v, ctx, 0, N, got, sizeof got));
    for (size_t i = 0; i < N; i++)
        for (size_t y = 0; y < 3; y++)
            for (size_t x = 0; x < 4; x++)
                ck_assert_uint_eq(got[(i * 3 + y) * 4 + x], counts[(i * H + 2 + y) * W + 1 + x]);
    const uint8_t *cropped = cepman_dataset_mask(v);
    for (size_t i = 0; i < 12; i++)
        ck_assert_int_eq(cropped[i] != 0, i == 2);
    cepman_dataset *none = NULL;
    assert_status(ctx, cepman_dataset_view_detector(&none, ctx, d, 0, 0, H + 1, 1), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_view_detector(&none, ctx, d, 0, SIZE_MAX, 1, 2), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_view_detector(&none, ctx, d, 0, 0, 1, 0), CEPMAN_ERR_RANGE);
    ck_assert_ptr_null(none);
    cepman_dataset_unref(d); /* views keep what they need */
    cepman_dataset_unref(m);
    assert_good(ctx, cepman_dataset_read(v, ctx, 1, 1, got, sizeof got));
    cepman_dataset_unref(v);
    support_end(ctx);
}
END_TEST

/* Every type against sums in long double. */
START_TEST(binned_view)
{
    static const cepman_type types[] = {CEPMAN_TYPE_U8,   CEPMAN_TYPE_I8,  CEPMAN_TYPE_U16, CEPMAN_TYPE_I16,
                                        CEPMAN_TYPE_U32,  CEPMAN_TYPE_I32, CEPMAN_TYPE_F32, CEPMAN_TYPE_F64,
                                        CEPMAN_TYPE_BOOL, CEPMAN_TYPE_I64, CEPMAN_TYPE_F16};
    static const cepman_type becomes[] = {CEPMAN_TYPE_U32, CEPMAN_TYPE_I32, CEPMAN_TYPE_U32, CEPMAN_TYPE_I32,
                                          CEPMAN_TYPE_U32, CEPMAN_TYPE_I32, CEPMAN_TYPE_F32, CEPMAN_TYPE_F64,
                                          CEPMAN_TYPE_U32, CEPMAN_TYPE_I32, CEPMAN_TYPE_F32};
    cepman_context *ctx = support_begin(1);
    support_random rng = {5};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (int masked = 0; masked < 2; masked++)
            for (size_t factor = 1; factor <= 6; factor++) {
                union {
                    uint8_t u8[2 * P];
                    int8_t i8[2 * P];
                    uint16_t u16[2 * P];
                    int16_t i16[2 * P];
                    uint32_t u32[2 * P];
                    int32_t i32[2 * P];
                    float f32[2 * P];
                    double f64[2 * P];
                    int64_t i64[2 * P];
                } x;
                double value[2 * P];
                for (size_t i = 0; i < 2 * P; i++) {
                    double u = support_uniform(&rng);
                    switch (types[t]) {
                    case CEPMAN_TYPE_U8:
                        value[i] = x.u8[i] = (uint8_t)(u * 256);
                        break;
                    case CEPMAN_TYPE_BOOL:
                        value[i] = x.u8[i] = u > 0.5;
                        break;
                    case CEPMAN_TYPE_I8:
                        value[i] = x.i8[i] = (int8_t)(u * 256 - 128);
                        break;
                    case CEPMAN_TYPE_U16:
                        value[i] = x.u16[i] = (uint16_t)(u * 65536);
                        break;
                    case CEPMAN_TYPE_I16:
                        value[i] = x.i16[i] = (int16_t)(u * 65536 - 32768);
                        break;
                    case CEPMAN_TYPE_U32:
                        value[i] = x.u32[i] = (uint32_t)(u * 4294967296.0);
                        break;
                    case CEPMAN_TYPE_I32:
                        value[i] = x.i32[i] = (int32_t)(u * 4294967296.0 - 2147483648.0);
                        break;
                    case CEPMAN_TYPE_F32:
                        value[i] = (double)(x.f32[i] = (float)u);
                        break;
                    case CEPMAN_TYPE_F64:
                        value[i] = x.f64[i] = u;
                        break;
                    case CEPMAN_TYPE_I64:
                        x.i64[i] = u < 0.02 ? INT64_MAX : (int64_t)(u * 1e9) - 500000000;
                        value[i] = (double)x.i64[i];
                        break;
                    case CEPMAN_TYPE_F16: /* quarters are exact */
                        value[i] = floor(u * 400) / 4;
                        x.u16[i] = cep_half_of((float)value[i]);
                        break;
                    }
                }
                uint8_t mask[P];
                for (size_t i = 0; i < P; i++)
                    mask[i] = masked && (support_uniform(&rng) < 0.3 || i % W < 2);
                cepman_dataset *d = NULL, *m = NULL, *v = NULL;
                assert_good(ctx, cepman_dataset_wrap(&d, ctx, &x, types[t], 1, 2, H, W, NULL, NULL));
                assert_good(ctx, cepman_dataset_view_calibrated(&m, ctx, d, 2.5, 0.01));
                cepman_dataset_unref(d);
                d = m;
                if (masked) {
                    assert_good(ctx, cepman_dataset_view_masked(&m, ctx, d, mask));
                    cepman_dataset_unref(d);
                }
                assert_good(ctx, cepman_dataset_view_binned(&v, ctx, m, factor));
                size_t h = H / factor, w = W / factor;
                ck_assert_int_eq(cepman_dataset_type(v), becomes[t]);
                ck_assert_uint_eq(cepman_dataset_height(v), h);
                ck_assert_uint_eq(cepman_dataset_width(v), w);
                ck_assert_double_eq_tol(cepman_dataset_reciprocal_pixel(v), 0.01 * (double)factor, 1e-15);
                ck_assert_double_eq(cepman_dataset_scan_step(v), 2.5);
                ck_assert((cepman_dataset_mask(v) != NULL) == (masked != 0));
                double got[2 * P];
                assert_good(ctx, cepman_dataset_read(v, ctx, 0, 2, got, sizeof got));
                for (size_t i = 0; i < 2 * h * w; i++) {
                    size_t frame = i / (h * w), by = i / w % h, bx = i % w, valid = 0;
                    long double sum = 0;
                    for (size_t y = by * factor; y < (by + 1) * factor; y++)
                        for (size_t p = bx * factor; p < (bx + 1) * factor; p++)
                            if (!mask[y * W + p]) {
                                sum += (long double)value[frame * P + y * W + p];
                                valid++;
                            }
                    if (valid) sum = sum * (long double)(factor * factor) / (long double)valid;
                    if (masked) ck_assert_int_eq(cepman_dataset_mask(v)[by * w + bx] != 0, valid == 0);
                    long double bin;
                    if (becomes[t] == CEPMAN_TYPE_U32) {
                        sum = sum > 4294967295.0L ? 4294967295.0L : sum;
                        bin = ((uint32_t *)got)[i];
                        ck_assert(fabsl(bin - sum) <= 0.5L);
                    } else if (becomes[t] == CEPMAN_TYPE_I32) {
                        sum = sum > 2147483647.0L    ? 2147483647.0L
                              : sum < -2147483648.0L ? -2147483648.0L
                                                     : sum;
                        bin = ((int32_t *)got)[i];
                        ck_assert(fabsl(bin - sum) <= 0.5L);
                    } else if (becomes[t] == CEPMAN_TYPE_F32) {
                        ck_assert(fabsl((long double)((float *)got)[i] - sum) <= 1e-6L * (sum + 1));
                    } else {
                        ck_assert(fabsl((long double)got[i] - sum) <= 1e-13L * (sum + 1));
                    }
                }
                cepman_dataset_unref(m);
                cepman_dataset_unref(v);
            }
    cepman_dataset *d = wrapped(ctx), *none = NULL;
    assert_status(ctx, cepman_dataset_view_binned(&none, ctx, d, 0), CEPMAN_ERR_RANGE);
    assert_fails(ctx, cepman_dataset_view_binned(&none, ctx, d, H + 1), CEPMAN_ERR_RANGE, "the factor is 7");
    assert_status(ctx, cepman_dataset_view_binned(&none, ctx, d, SIZE_MAX), CEPMAN_ERR_RANGE);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

START_TEST(composed)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = wrapped(ctx), *v[5] = {NULL};
    uint8_t a[P] = {0}, b[P] = {0};
    a[1] = 1;
    b[2] = 1;
    assert_good(ctx, cepman_dataset_view_scan(&v[0], ctx, d, 1, 2, 3, 4));
    assert_good(ctx, cepman_dataset_view_masked(&v[1], ctx, v[0], a));
    assert_good(ctx, cepman_dataset_view_masked(&v[2], ctx, v[1], b));
    ck_assert(!cepman_dataset_mask(v[2])[0] && cepman_dataset_mask(v[2])[1] && cepman_dataset_mask(v[2])[2]);
    assert_good(ctx, cepman_dataset_view_detector(&v[3], ctx, v[2], 0, 0, 4, 6));
    assert_good(ctx, cepman_dataset_view_binned(&v[4], ctx, v[3], 2));
    uint32_t got[12 * 2 * 3];
    assert_good(ctx, cepman_dataset_read(v[4], ctx, 0, 12, got, sizeof got));
    for (size_t i = 0; i < 12; i++) {
        const uint16_t *f = counts + ((1 + i / 4) * C + 2 + i % 4) * P;
        ck_assert_uint_eq(got[i * 6 + 5],
                          (uint32_t)f[2 * W + 4] + f[2 * W + 5] + f[3 * W + 4] + f[3 * W + 5]);
        double corner = (f[0] + f[W] + f[W + 1]) * 4.0 / 3;
        ck_assert(fabs(got[i * 6] - corner) <= 0.5);
    }
    assert_fails(ctx, cepman_dataset_view_calibrated(&v[0], ctx, d, -1, (double)NAN), CEPMAN_ERR_RANGE,
                 "scan step is -1");
    assert_status(ctx, cepman_dataset_view_calibrated(&v[0], ctx, d, 1, (double)INFINITY), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_view_calibrated(&v[0], ctx, d, 1, 0), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_dataset_view_masked(&v[0], ctx, d, NULL), CEPMAN_ERR_ARGUMENT);
    for (int i = 0; i < 5; i++)
        cepman_dataset_unref(v[i]);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

/* ---- a host's callback
 * --------------------------------------------------------------------------------------- */

typedef struct host {
    size_t ready;
    int fail, destroyed;
    size_t calls;
} host;

static int host_read(void *user, size_t first, size_t count, void *destination)
{
    host *h = user;
    h->calls++;
    ck_assert_uint_le(first + count, h->ready);
    if (h->fail) return h->fail;
    memcpy(destination, counts + first * P, count * P * 2);
    return 0;
}

static size_t host_available(void *user)
{
    return ((host *)user)->ready;
}

static void host_destroy(void *user)
{
    ((host *)user)->destroyed++;
}

START_TEST(callback)
{
    cepman_context *ctx = support_begin(1);
    fill();
    host h = {.ready = 10};
    cepman_frame_source source = {sizeof source, &h, host_read, host_available, host_destroy, 0};
    cepman_dataset *d = NULL, *v = NULL, *b = NULL;
    assert_good(ctx, cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U16, R, C, H, W));
    uint16_t got[N * P];
    ck_assert_str_eq(cepman_dataset_format(d), "source");
    ck_assert_uint_eq(cepman_dataset_available(d), 10);
    assert_good(ctx, cepman_dataset_read(d, ctx, 3, 7, got, sizeof got));
    ck_assert_mem_eq(got, counts + 3 * P, 7 * P * 2);
    assert_fails(ctx, cepman_dataset_read(d, ctx, 3, 8, got, sizeof got), CEPMAN_ERR_RANGE,
                 "10 of 35 are available");
    /* What a view has of the 10 frames: row 0 whole, three frames of row 1. */
    assert_good(ctx, cepman_dataset_view_scan(&v, ctx, d, 0, 2, 3, 2));
    assert_good(ctx, cepman_dataset_view_binned(&b, ctx, v, 2));
    for (size_t ready = 0; ready <= N; ready++) {
        h.ready = ready;
        size_t expected = 0;
        for (size_t i = 0; i < 6; i++)
            expected += (i / 2) * C + 2 + i % 2 < ready;
        ck_assert_uint_eq(cepman_dataset_available(v), expected);
        ck_assert_uint_eq(cepman_dataset_available(b), expected);
        uint32_t bins[6 * (H / 2) * (W / 2)];
        assert_good(ctx, cepman_dataset_read(b, ctx, 0, expected, bins, sizeof bins));
        assert_status(ctx, cepman_dataset_read(b, ctx, 0, expected + 1, bins, sizeof bins), CEPMAN_ERR_RANGE);
    }
    h.ready = SIZE_MAX;
    ck_assert_uint_eq(cepman_dataset_available(d), N);
    h.fail = 42;
    assert_fails(ctx, cepman_dataset_read(d, ctx, 0, 1, got, sizeof got), CEPMAN_ERR_CALLBACK, "gave 42");
    float real[P];
    assert_fails(ctx, cepman_dataset_read_f32(b, ctx, 0, 1, real, P), CEPMAN_ERR_CALLBACK, "gave 42");
    cepman_dataset_unref(d);
    cepman_dataset_unref(v);
    ck_assert_int_eq(h.destroyed, 0);
    cepman_dataset_unref(b);
    ck_assert_int_eq(h.destroyed, 1);
    /* Refused: nothing is destroyed. */
    d = NULL;
    assert_status(ctx, cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U16, R, 0, H, W),
                  CEPMAN_ERR_SHAPE);
    source.struct_size = 8;
    assert_status(ctx, cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U16, R, C, H, W),
                  CEPMAN_ERR_ARGUMENT);
    source.struct_size = sizeof source;
    source.read = NULL;
    assert_status(ctx, cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U16, R, C, H, W),
                  CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_dataset_from_source(&d, ctx, NULL, CEPMAN_TYPE_U16, R, C, H, W),
                  CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(h.destroyed, 1);
    ck_assert_ptr_null(d);
    support_end(ctx);
}
END_TEST

START_TEST(allocation_failures)
{
    fill();
    uint8_t mask[P] = {1};
    bool done = false;
    int gone = 0, made = 0;
    for (long at = 0; !done; at++) {
        cepman_context *ctx = support_begin_failing(at, 1);
        if (!ctx) continue;
        cepman_dataset *d = NULL, *v = NULL, *w = NULL, *m = NULL, *b = NULL;
        float real[P];
        cepman_status s = cepman_dataset_wrap(&d, ctx, counts, CEPMAN_TYPE_U16, R, C, H, W, destroyed, &gone);
        made += s == CEPMAN_OK;
        if (!s) s = cepman_dataset_view_masked(&m, ctx, d, mask);
        if (!s) s = cepman_dataset_view_detector(&w, ctx, m, 0, 0, 4, 4);
        if (!s) s = cepman_dataset_view_scan(&v, ctx, w, 0, 0, 2, 2);
        if (!s) s = cepman_dataset_view_binned(&b, ctx, v, 2);
        if (!s) s = cepman_dataset_read_f32(b, ctx, 0, 1, real, P);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
        if (s) ck_assert_uint_gt(strlen(cepman_context_error(ctx)), 10);
        done = s == CEPMAN_OK;
        cepman_dataset_unref(d);
        cepman_dataset_unref(v);
        cepman_dataset_unref(w);
        cepman_dataset_unref(m);
        cepman_dataset_unref(b);
        support_end(ctx);
        ck_assert_int_eq(gone, made);
        ck_assert_int_lt(at, 200);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("view");
    TCase *t = tcase_create("view");
    tcase_add_test(t, lent);
    tcase_add_test(t, memory);
    tcase_add_test(t, shapes_refused);
    tcase_add_test(t, scan_view);
    tcase_add_test(t, detector_view);
    tcase_add_test(t, binned_view);
    tcase_add_test(t, composed);
    tcase_add_test(t, callback);
    tcase_add_test(t, allocation_failures);
    suite_add_tcase(s, t);
    return s;
}
