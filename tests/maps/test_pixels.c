/* Bad pixels and values that are no counts: detectors with known faults, spots that are none, values against naive loops. */
#include "common.h"

enum { SIDE = 40, PIXELS = SIDE * SIDE };

/* Poisson counts by Knuth's product, in pieces for large means. */
static double poisson(support_random *r, double mean)
{
    double n = 0;
    for (; mean > 0; mean -= 20) {
        const double least = exp(-fmin(mean, 20));
        for (double p = support_uniform(r); p > least; p *= support_uniform(r))
            n++;
    }
    return n;
}

/* A frame of a crystal: a beam of `radius`, spots of the same shape on a lattice that come and go, a background. */
static double electrons(size_t y, size_t x, double radius, size_t frame, double dose)
{
    const double wander = (double)(frame % 3) / 3;
    double sum = 0.02 + 0.2 * exp(-hypot((double)y - 20, (double)x - 20) / 8);
    for (int i = -2; i <= 2; i++)
        for (int j = -2; j <= 2; j++) {
            const double cy = 20 + 7.3 * i + wander, cx = 20 + 7.1 * j;
            const double bright = i == 0 && j == 0 ? 20 : (frame / 20 + (size_t)(i + 2 * j + 6)) % 4 ? 4 : 0;
            if (hypot((double)y - cy, (double)x - cx) <= radius) sum += bright;
        }
    return dose * sum;
}

typedef struct recording {
    float *values;
    uint16_t *counts;
    size_t frames;
    uint8_t kinds[PIXELS]; /* what is wrong with each pixel */
    cepman_dataset *dataset;
} recording;

static void spoil(recording *r, size_t y, size_t x, cepman_pixel_kind kind, support_random *random)
{
    r->kinds[y * SIDE + x] = (uint8_t)kind;
    for (size_t f = 0; f < r->frames; f++) {
        float *v = &r->values[f * PIXELS + y * SIDE + x];
        if (kind == CEPMAN_PIXEL_HOT) *v = (float)floor(3000 + 600 * support_uniform(random));
        if (kind == CEPMAN_PIXEL_DEAD) *v = 0;
        if (kind == CEPMAN_PIXEL_STUCK) *v = 7;
        if (kind == CEPMAN_PIXEL_FLICKERING) *v = support_uniform(random) < 0.3 ? 400 : *v;
    }
}

static recording record(size_t frames, double radius, double dose)
{
    recording r = {malloc(frames * PIXELS * sizeof(float)), malloc(frames * PIXELS * 2), frames, {0}, NULL};
    support_random random = {frames + 17};
    for (size_t f = 0; f < frames; f++)
        for (size_t p = 0; p < PIXELS; p++)
            r.values[f * PIXELS + p] =
                (float)poisson(&random, electrons(p / SIDE, p % SIDE, radius, f, dose));
    return r;
}

/* What a counter makes of it. */
static uint16_t counted(float value)
{
    return value > 0 ? value < 65535 ? (uint16_t)value : 65535 : 0;
}

static void open_recording(cepman_context *ctx, recording *r, cepman_type type)
{
    for (size_t i = 0; i < r->frames * PIXELS; i++)
        r->counts[i] = counted(r->values[i]);
    const void *data = type == CEPMAN_TYPE_F32 ? (const void *)r->values : r->counts;
    assert_good(ctx, cepman_dataset_wrap(&r->dataset, ctx, data, type, 1, r->frames, SIDE, SIDE, NULL, NULL));
}

static void end_recording(recording *r)
{
    cepman_dataset_unref(r->dataset);
    free(r->values);
    free(r->counts);
}

static void check_found(const cepman_pixels *p, const recording *r, const char *what)
{
    size_t count[5] = {0};
    for (size_t i = 0; i < PIXELS; i++) {
        ck_assert_msg(cepman_pixels_kinds(p)[i] == r->kinds[i], "%s: pixel (%zu, %zu) is %d, expected %d",
                      what, i / SIDE, i % SIDE, cepman_pixels_kinds(p)[i], r->kinds[i]);
        count[r->kinds[i]]++;
    }
    for (int k = 0; k < 5; k++)
        ck_assert_uint_eq(cepman_pixels_count(p, (cepman_pixel_kind)k), count[k]);
}

/* ---- faults ------------------------------------------------------------------------------------------------------- */

START_TEST(faults_are_found)
{
    cepman_context *ctx = support_begin(1 + (unsigned)_i);
    const cepman_type type = _i ? CEPMAN_TYPE_F32 : CEPMAN_TYPE_U16;
    recording r = record(300, 1.5, 20);
    support_random random = {5};
    cepman_pixels *p = NULL;
    spoil(&r, 0, 0, CEPMAN_PIXEL_HOT, &random); /* a corner */
    spoil(&r, 3, 39, CEPMAN_PIXEL_HOT, &random);
    spoil(&r, 10, 10, CEPMAN_PIXEL_HOT, &random); /* four that touch */
    spoil(&r, 10, 11, CEPMAN_PIXEL_HOT, &random);
    spoil(&r, 11, 10, CEPMAN_PIXEL_HOT, &random);
    spoil(&r, 11, 11, CEPMAN_PIXEL_HOT, &random);
    spoil(&r, 21, 20, CEPMAN_PIXEL_DEAD, &random); /* in the beam */
    spoil(&r, 25, 24, CEPMAN_PIXEL_STUCK, &random);
    spoil(&r, 9, 16, CEPMAN_PIXEL_FLICKERING, &random);
    open_recording(ctx, &r, type);
    assert_good(ctx, cepman_maps_pixels(&p, ctx, r.dataset, NULL));
    /* A pixel that flickers by so much is brighter on average too. */
    r.kinds[9 * SIDE + 16] = cepman_pixels_kinds(p)[9 * SIDE + 16];
    ck_assert(r.kinds[9 * SIDE + 16] == CEPMAN_PIXEL_HOT ||
              r.kinds[9 * SIDE + 16] == CEPMAN_PIXEL_FLICKERING);
    check_found(p, &r, "faults");
    ck_assert_uint_eq(cepman_pixels_frames(p), 300);
    ck_assert_uint_eq(cepman_pixels_height(p), SIDE);
    ck_assert_uint_eq(cepman_pixels_width(p), SIDE);
    /* Under that mask nothing is left to find. */
    cepman_dataset *masked = NULL;
    cepman_pixels *again = NULL;
    assert_good(ctx, cepman_dataset_view_masked(&masked, ctx, r.dataset, cepman_pixels_kinds(p)));
    assert_good(ctx, cepman_maps_pixels(&again, ctx, masked, NULL));
    ck_assert_uint_eq(cepman_pixels_count(again, CEPMAN_PIXEL_GOOD), PIXELS);
    cepman_pixels_unref(again);
    cepman_pixels_unref(cepman_pixels_ref(p));
    cepman_pixels_unref(p);
    cepman_dataset_unref(masked);
    end_recording(&r);
    support_end(ctx);
}
END_TEST

/* Whole lines. One of hot pixels looks like a beam to what is beside it, so that others must be as bright to be found. */
START_TEST(lines_are_found)
{
    cepman_context *ctx = support_begin(1);
    recording r = record(200, 2.3, 20);
    support_random random = {7};
    cepman_pixels *p = NULL;
    for (size_t y = 0; y < SIDE; y++)
        spoil(&r, y, 33, _i ? CEPMAN_PIXEL_DEAD : CEPMAN_PIXEL_HOT, &random);
    open_recording(ctx, &r, CEPMAN_TYPE_U16);
    assert_good(ctx, cepman_maps_pixels(&p, ctx, r.dataset, NULL));
    /* At the frame's edge there is less to compare with. */
    static const size_t edge[] = {0, 1, SIDE - 2, SIDE - 1};
    for (size_t k = 0; k < 4; k++)
        r.kinds[edge[k] * SIDE + 33] = cepman_pixels_kinds(p)[edge[k] * SIDE + 33];
    check_found(p, &r, "lines");
    cepman_pixels_unref(p);
    end_recording(&r);
    support_end(ctx);
}
END_TEST

/* A noisy pixel is no brighter than others; negative readings, a dark level of 100. */
START_TEST(noise_and_dark_level)
{
    cepman_context *ctx = support_begin(2);
    recording r = record(400, 1.5, 5);
    support_random random = {8};
    cepman_pixels *p = NULL;
    for (size_t i = 0; i < 400 * PIXELS; i++)
        r.values[i] += (float)(2 * support_normal(&random)) + (_i ? 100 : 0);
    for (size_t f = 0; f < 400; f++) {
        r.values[f * PIXELS + 9 * SIDE + 16] += (float)(150 * support_normal(&random));
        r.values[f * PIXELS + 31 * SIDE + 9] = _i ? 160 + (float)support_normal(&random) : 70;
    }
    r.kinds[9 * SIDE + 16] = CEPMAN_PIXEL_FLICKERING;
    r.kinds[31 * SIDE + 9] = CEPMAN_PIXEL_HOT;
    open_recording(ctx, &r, CEPMAN_TYPE_F32);
    assert_good(ctx, cepman_maps_pixels(&p, ctx, r.dataset, NULL));
    check_found(p, &r, _i ? "dark level" : "read noise");
    cepman_pixels_unref(p);
    end_recording(&r);
    support_end(ctx);
}
END_TEST

/* Clean detectors at all doses, beams from a point to a large disk: nothing is masked. */
START_TEST(spots_are_no_faults)
{
    static const double radii[] = {0.4, 1, 1.5, 3, 6}, doses[] = {0.01, 0.3, 10, 300};
    const double radius = radii[_i % 5], dose = doses[_i / 5];
    cepman_context *ctx = support_begin(2);
    recording r = record(dose > 100 ? 60 : 200, radius, dose);
    cepman_pixels *p = NULL;
    open_recording(ctx, &r, CEPMAN_TYPE_F32);
    assert_good(ctx, cepman_maps_pixels(&p, ctx, r.dataset, NULL));
    check_found(p, &r, "clean");
    ck_assert_double_ge(cepman_pixels_contrast(p), 6);
    cepman_pixels_unref(p);
    end_recording(&r);
    support_end(ctx);
}
END_TEST

/* One strike of a ray is no property of a pixel; nor is a beam stop a set of dead ones; a beam may saturate. */
START_TEST(strikes_stops_and_saturation)
{
    cepman_context *ctx = support_begin(1);
    recording r = record(200, 3, 10);
    cepman_pixels *p = NULL;
    r.values[70 * PIXELS + 333] = 60000;
    for (size_t f = 0; f < 200; f++)
        for (size_t i = 0; i < PIXELS; i++) {
            float *v = &r.values[f * PIXELS + i];
            if (i / SIDE >= 20 && i % SIDE > 16 && i % SIDE < 23) *v = 0;
            if (*v > 150 && i != 333) *v = 150;
        }
    open_recording(ctx, &r, CEPMAN_TYPE_U16);
    cepman_options *o = NULL;
    assert_good(ctx, cepman_pixels_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_real(o, ctx, "saturation", 150));
    assert_good(ctx, cepman_maps_pixels(&p, ctx, r.dataset, o));
    check_found(p, &r, "strikes");
    size_t full = 0;
    for (size_t i = 0; i < 200 * PIXELS; i++)
        full += r.values[i] >= 150;
    ck_assert_uint_gt(full, 1000);
    ck_assert_uint_eq(cepman_pixels_values(p, CEPMAN_VALUE_SATURATED), full);
    cepman_options_unref(o);
    cepman_pixels_unref(p);
    end_recording(&r);
    support_end(ctx);
}
END_TEST

/* ---- values ------------------------------------------------------------------------------------------------------- */

START_TEST(values_are_counted)
{
    cepman_context *ctx = support_begin(1 + (unsigned)_i % 3);
    scan s = make_scan(ctx, 3, 4, 7, 9, _i % 2 ? CEPMAN_TYPE_F32 : CEPMAN_TYPE_U16, _i >= 2);
    uint64_t want[4] = {0};
    const float level = 40;
    for (size_t i = 0; i < frames_of(&s) * pixels_of(&s); i++) {
        const float v = s.values[i];
        if (s.mask && s.mask[i % pixels_of(&s)]) continue;
        want[CEPMAN_VALUE_NAN] += isnan(v) != 0;
        want[CEPMAN_VALUE_INFINITE] += isinf(v) != 0;
        want[CEPMAN_VALUE_NEGATIVE] += isfinite(v) && v < 0;
        want[CEPMAN_VALUE_SATURATED] += isfinite(v) && v >= level;
    }
    cepman_options *o = NULL;
    cepman_pixels *p = NULL;
    assert_good(ctx, cepman_pixels_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_real(o, ctx, "saturation", (double)level));
    assert_good(ctx, cepman_maps_pixels(&p, ctx, s.dataset, o));
    for (int k = 0; k < 4; k++)
        ck_assert_uint_eq(cepman_pixels_values(p, (cepman_value_kind)k), want[k]);
    ck_assert_double_eq(cepman_pixels_saturation(p), (double)level);
    /* Twelve frames tell nothing of pixels, not even that one is never valid. */
    ck_assert_uint_eq(cepman_pixels_count(p, CEPMAN_PIXEL_GOOD), pixels_of(&s));
    ck_assert_uint_eq(cepman_pixels_count(p, (cepman_pixel_kind)9), 0);
    ck_assert_uint_eq(cepman_pixels_values(p, (cepman_value_kind)-1), 0);
    cepman_pixels_unref(p);
    cepman_options_unref(o);
    free_scan(&s);
    support_end(ctx);
}
END_TEST

/* Levels that are not told: of the number type, or where counts stop at 2^k - 1. */
START_TEST(level_of_saturation)
{
    cepman_context *ctx = support_begin(1);
    uint16_t counts[20 * 16];
    uint8_t bytes[20 * 16];
    float real[20 * 16];
    static const struct {
        float most;
        size_t often;
        double u8, u16, f32; /* levels; NaN: not known */
        uint64_t n8, n16, n32;
    } cases[] = {{4095, 40, 255, 4095, 4095, 320, 40, 40}, {4095, 31, 255, 65535, NAN, 320, 0, 0},
                 {4000, 99, 255, 65535, NAN, 320, 0, 0},   {63, 32, 63, 63, 63, 32, 32, 32},
                 {31, 99, 255, 65535, NAN, 0, 0, 0},       {65535, 2, 255, 65535, NAN, 320, 2, 0}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (size_t i = 0; i < 320; i++) {
            real[i] = i < cases[c].often ? cases[c].most : cases[c].most - 2 - (float)(i % 7);
            counts[i] = counted(real[i]);
            bytes[i] = (uint8_t)fminf(counted(real[i]), 255);
        }
        const void *const data[] = {bytes, counts, real};
        static const cepman_type types[] = {CEPMAN_TYPE_U8, CEPMAN_TYPE_U16, CEPMAN_TYPE_F32};
        const double levels[] = {cases[c].u8, cases[c].u16, cases[c].f32};
        const uint64_t n[] = {cases[c].n8, cases[c].n16, cases[c].n32};
        for (int t = 0; t < 3; t++) {
            cepman_dataset *d = NULL;
            cepman_pixels *p = NULL;
            assert_good(ctx, cepman_dataset_wrap(&d, ctx, data[t], types[t], 4, 5, 4, 4, NULL, NULL));
            assert_good(ctx, cepman_maps_pixels(&p, ctx, d, NULL));
            const double level = cepman_pixels_saturation(p);
            ck_assert_msg(level == levels[t] || (isnan(level) && isnan(levels[t])), "case %zu, type %d: %g",
                          c, t, level);
            ck_assert_uint_eq(cepman_pixels_values(p, CEPMAN_VALUE_SATURATED), n[t]);
            cepman_pixels_unref(p);
            cepman_dataset_unref(d);
        }
    }
    support_end(ctx);
}
END_TEST

/* Next to no data: one pixel, one frame, nothing finite, everything masked, the same frame over and over. */
START_TEST(degenerate)
{
    cepman_context *ctx = support_begin(1);
    float frames[20 * 36];
    uint8_t all[36];
    memset(all, 1, sizeof all);
    const struct {
        size_t frames, height, width;
        float value;
        bool masked;
        size_t dead;
    } cases[] = {{1, 1, 1, 5, false, 0},     {20, 1, 1, 5, false, 0},  {20, 6, 6, NAN, false, 36},
                 {20, 6, 6, NAN, true, 0},   {20, 6, 6, 3, false, 0},  {20, 6, 6, 0, false, 0},
                 {20, 1, 36, 2, false, 0},   {20, 2, 3, -2, false, 0}, {1, 6, 6, NAN, false, 0},
                 {20, 6, 6, INFINITY, 0, 36}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (size_t i = 0; i < 20 * 36; i++)
            frames[i] = cases[c].value;
        cepman_dataset *d = NULL, *masked = NULL;
        cepman_pixels *p = NULL;
        assert_good(ctx, cepman_dataset_wrap(&d, ctx, frames, CEPMAN_TYPE_F32, 1, cases[c].frames,
                                             cases[c].height, cases[c].width, NULL, NULL));
        if (cases[c].masked) assert_good(ctx, cepman_dataset_view_masked(&masked, ctx, d, all));
        assert_good(ctx, cepman_maps_pixels(&p, ctx, masked ? masked : d, NULL));
        ck_assert_uint_eq(cepman_pixels_count(p, CEPMAN_PIXEL_DEAD), cases[c].dead);
        ck_assert_uint_eq(cepman_pixels_count(p, CEPMAN_PIXEL_GOOD),
                          cases[c].height * cases[c].width - cases[c].dead);
        cepman_pixels_unref(p);
        cepman_dataset_unref(masked);
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

/* ---- conduct ------------------------------------------------------------------------------------------------------ */

START_TEST(samples_passes_and_threads)
{
    cepman_context *ctx = support_begin(1);
    recording r = record(130, 2, 4);
    support_random random = {6};
    cepman_options *o = NULL;
    cepman_pixels *one = NULL, *three = NULL, *sample = NULL;
    cepman_maps_pass *pass = NULL;
    float mean[PIXELS], same[PIXELS];
    spoil(&r, 8, 9, CEPMAN_PIXEL_HOT, &random);
    r.values[5] = NAN;
    open_recording(ctx, &r, CEPMAN_TYPE_F32);
    assert_good(ctx, cepman_pixels_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "sample", 0));
    assert_good(ctx, cepman_maps_pixels(&one, ctx, r.dataset, o));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "sample", 40));
    assert_good(ctx, cepman_maps_pixels(&sample, ctx, r.dataset, o));
    ck_assert_uint_eq(cepman_pixels_frames(one), 130);
    ck_assert_uint_eq(cepman_pixels_frames(sample), 40);
    check_found(sample, &r, "sample");
    /* A pass takes all its frames, beside other maps, by three threads. */
    assert_good(ctx, cepman_context_set_threads(ctx, 3));
    assert_good(ctx, cepman_maps_pass_create(&pass, ctx, r.dataset));
    assert_good(ctx, cepman_maps_pass_statistics(pass, ctx, mean, NULL, NULL, NULL));
    assert_good(ctx, cepman_maps_pass_pixels(pass, ctx, &three, NULL, o));
    assert_good(ctx, cepman_maps_pass_run(pass, ctx));
    ck_assert_int_eq(memcmp(cepman_pixels_kinds(one), cepman_pixels_kinds(three), PIXELS), 0);
    for (int k = 0; k < 4; k++)
        ck_assert_uint_eq(cepman_pixels_values(one, (cepman_value_kind)k),
                          cepman_pixels_values(three, (cepman_value_kind)k));
    ck_assert(cepman_pixels_contrast(one) == cepman_pixels_contrast(three));
    assert_good(ctx, cepman_maps_statistics(same, NULL, NULL, ctx, r.dataset));
    ck_assert_int_eq(memcmp(mean, same, sizeof mean), 0);
    /* Run again: a new report each time. */
    cepman_pixels *first = three;
    assert_good(ctx, cepman_maps_pass_run(pass, ctx));
    ck_assert_ptr_ne(first, three);
    cepman_pixels_unref(first);
    cepman_pixels_unref(three);
    cepman_pixels_unref(one);
    cepman_pixels_unref(sample);
    cepman_maps_pass_unref(pass);
    cepman_options_unref(o);
    end_recording(&r);
    support_end(ctx);
}
END_TEST

START_TEST(refusals)
{
    cepman_context *ctx = support_begin(1);
    scan s = make_scan(ctx, 2, 2, 4, 4, CEPMAN_TYPE_U16, false);
    cepman_pixels *p = NULL;
    cepman_options *o = NULL, *other = NULL;
    assert_status(ctx, cepman_maps_pixels(NULL, ctx, s.dataset, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_maps_pixels(&p, ctx, NULL, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_maps_pixels(&p, NULL, s.dataset, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_pixels_options_create(NULL, ctx), CEPMAN_ERR_ARGUMENT);
    assert_good(ctx, cepman_pixels_options_create(&o, ctx));
    assert_status(ctx, cepman_options_set_real(o, ctx, "hot-contrast", 1), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_options_set_integer(o, ctx, "sample", -1), CEPMAN_ERR_RANGE);
    assert_good(ctx, cepman_dataset_options_create(&other, ctx));
    ck_assert_int_ne(cepman_maps_pixels(&p, ctx, s.dataset, other), CEPMAN_OK);
    ck_assert_ptr_null(p);
    cepman_pixels_unref(NULL);
    ck_assert_ptr_null(cepman_pixels_ref(NULL));
    ck_assert_ptr_null(cepman_pixels_kinds(NULL));
    ck_assert(cepman_pixels_count(NULL, CEPMAN_PIXEL_HOT) == 0 && cepman_pixels_frames(NULL) == 0 &&
              cepman_pixels_values(NULL, CEPMAN_VALUE_NAN) == 0 && cepman_pixels_height(NULL) == 0 &&
              cepman_pixels_width(NULL) == 0 && isnan(cepman_pixels_saturation(NULL)) &&
              isnan(cepman_pixels_contrast(NULL)));
    cepman_options_unref(o);
    cepman_options_unref(other);
    free_scan(&s);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(2);
    recording r = record(20, 2, 4);
    open_recording(ctx, &r, CEPMAN_TYPE_U16);
    for (long fail = 0;; fail++) {
        cepman_pixels *p = NULL;
        support_fail_at(fail);
        cepman_status status = cepman_maps_pixels(&p, ctx, r.dataset, NULL);
        support_fail_at(-1);
        if (!status) {
            ck_assert_int_gt(fail, 12);
            cepman_pixels_unref(p);
            break;
        }
        ck_assert_int_eq(status, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(p);
    }
    end_recording(&r);
    support_end(ctx);
}
END_TEST

static int stop_later(void *user)
{
    int *left = user;
    return --*left < 0;
}

START_TEST(cancel)
{
    cepman_context *ctx = support_begin(_i ? 3 : 1);
    recording r = record(20, 2, 4);
    int left, cancelled = 0;
    open_recording(ctx, &r, CEPMAN_TYPE_U16);
    assert_good(ctx, cepman_context_set_cancel(ctx, stop_later, &left));
    for (int polls = 0; polls < 100; polls++) {
        cepman_pixels *p = NULL;
        left = polls;
        cepman_status status = cepman_maps_pixels(&p, ctx, r.dataset, NULL);
        if (!status) {
            cepman_pixels_unref(p);
            break;
        }
        ck_assert_int_eq(status, CEPMAN_ERR_CANCELLED);
        ck_assert_ptr_null(p);
        cancelled++;
    }
    ck_assert(cancelled > 0 && cancelled < 100);
    end_recording(&r);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pixels");
    TCase *t = tcase_create("pixels");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, faults_are_found, 0, 2);
    tcase_add_loop_test(t, lines_are_found, 0, 2);
    tcase_add_loop_test(t, noise_and_dark_level, 0, 2);
    tcase_add_loop_test(t, spots_are_no_faults, 0, 20);
    tcase_add_test(t, strikes_stops_and_saturation);
    tcase_add_loop_test(t, values_are_counted, 0, 4);
    tcase_add_test(t, level_of_saturation);
    tcase_add_test(t, degenerate);
    tcase_add_test(t, samples_passes_and_threads);
    tcase_add_test(t, refusals);
    tcase_add_test(t, failing_allocations);
    tcase_add_loop_test(t, cancel, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
