/* The transform against its formulas in double precision: presets, options, sizes, types. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "helpers.h"

#define PI 3.14159265358979323846

/* ---- the twin: plain formulas in double ---- */

typedef struct formula {
    bool subtract_least, power, log1p;
    double offset, floor; /* offset < 0: relative to the range */
    double (*window)(const struct formula *f, size_t h, size_t w, size_t y, size_t x);
    double sigma, alpha;
} formula;

static double no_window(const formula *f, size_t h, size_t w, size_t y, size_t x)
{
    (void)f, (void)h, (void)w, (void)y, (void)x;
    return 1;
}

static double gaussian1(double sigma, size_t n, size_t k)
{
    double t = ((double)k - ((double)n - 1) / 2) / (sigma * (double)n / 2);
    return exp(-0.5 * t * t);
}

static double gaussian(const formula *f, size_t h, size_t w, size_t y, size_t x)
{
    return gaussian1(f->sigma, h, y) * gaussian1(f->sigma, w, x);
}

static double hann1(size_t n, size_t k)
{
    return n <= 2 ? 1 : 0.5 - 0.5 * cos(2 * PI * (double)k / ((double)n - 1));
}

static double hann(const formula *f, size_t h, size_t w, size_t y, size_t x)
{
    (void)f;
    return hann1(h, y) * hann1(w, x);
}

static double round_hann(const formula *f, size_t h, size_t w, size_t y, size_t x)
{
    (void)f;
    double most = (double)(h < w ? h : w) / 2;
    double r = hypot((double)y - (double)h / 2, (double)x - (double)w / 2);
    return r >= most ? 0 : 0.5 * (1 + cos(PI * r / most));
}

static double tukey1(double alpha, size_t n, size_t k)
{
    double t = (double)k / ((double)n - 1);
    if (t > 0.5) t = 1 - t;
    return t >= alpha / 2 ? 1 : 0.5 * (1 - cos(2 * PI * t / alpha));
}

static double tukey(const formula *f, size_t h, size_t w, size_t y, size_t x)
{
    return tukey1(f->alpha, h, y) * tukey1(f->alpha, w, x);
}

/* The whole plane, centred, of a frame; H x W >= h x w with zeros behind. malloc'ed. */
static double *plane_of(const formula *f, const double *frame, size_t h, size_t w, size_t H, size_t W)
{
    double least = (double)INFINITY, most = -(double)INFINITY;
    for (size_t i = 0; i < h * w; i++) {
        double v = frame[i] > 0 ? frame[i] : 0;
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    double offset = f->offset < 0 ? -f->offset * (most > least ? most - least : 1) : f->offset;
    double *l = calloc(H * W, sizeof *l), *re = calloc(H * W, sizeof *l), *im = calloc(H * W, sizeof *l);
    double *out = calloc(H * W, sizeof *l);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            double v = frame[y * w + x] > 0 ? frame[y * w + x] : 0;
            v = fmax(v - (f->subtract_least ? least : 0), f->floor) + offset;
            l[y * W + x] = log(v) * f->window(f, h, w, y, x);
        }
    for (size_t y = 0; y < H; y++)
        for (size_t k = 0; k < W; k++)
            for (size_t x = 0; x < W; x++) {
                double a = -2 * PI * (double)(k * x % W) / (double)W;
                re[y * W + k] += l[y * W + x] * cos(a);
                im[y * W + k] += l[y * W + x] * sin(a);
            }
    for (size_t k = 0; k < H; k++)
        for (size_t x = 0; x < W; x++) {
            double p = 0, q = 0;
            for (size_t y = 0; y < H; y++) {
                double a = -2 * PI * (double)(k * y % H) / (double)H, c = cos(a), s = sin(a);
                p += re[y * W + x] * c - im[y * W + x] * s;
                q += re[y * W + x] * s + im[y * W + x] * c;
            }
            double v = f->power ? p * p + q * q : sqrt(p * p + q * q);
            out[(k + H / 2) % H * W + (x + W / 2) % W] = f->log1p ? log(v + 1) : v;
        }
    free(l), free(re), free(im);
    return out;
}

static double *doubles(const float *x, size_t n)
{
    double *d = malloc(n * sizeof *d);
    for (size_t i = 0; i < n; i++)
        d[i] = (double)x[i];
    return d;
}

/* Plane and features of one frame against the twin. */
static void compare(cepman_context *ctx, cepman_cepstrum *c, const formula *f, float *frame, size_t h,
                    size_t w)
{
    const size_t H = cepman_cepstrum_image_height(c), W = cepman_cepstrum_image_width(c);
    double *d = doubles(frame, h * w), *want = plane_of(f, d, h, w, H, W);
    double most = 0;
    for (size_t i = 0; i < H * W; i++)
        most = fmax(most, want[i]);
    cepman_dataset *scan = NULL, *planes = NULL;
    assert_good(ctx, cepman_dataset_wrap(&scan, ctx, frame, CEPMAN_TYPE_F32, 1, 1, h, w, NULL, NULL));
    assert_good(ctx, cepman_cepstrum_dataset(&planes, ctx, c, scan));
    float *got = malloc(H * W * sizeof *got);
    assert_good(ctx, cepman_dataset_read_f32(planes, ctx, 0, 1, got, H * W));
    for (size_t i = 0; i < H * W; i++)
        ck_assert_msg(fabs((double)got[i] - want[i]) <= 2e-6 * most,
                      "plane %zu x %zu at %zu: %g, expected %g of %g", H, W, i, (double)got[i], want[i],
                      most);
    size_t n = cepman_cepstrum_features(c);
    float *features = malloc(n * sizeof *features);
    features_of(ctx, c, frame, CEPMAN_TYPE_F32, features);
    double ring = 0;
    for (size_t i = 0; i < n; i++) {
        int y, x;
        ck_assert_int_eq(cepman_cepstrum_coordinate(c, i, &y, &x), CEPMAN_OK);
        ring = fmax(ring, want[((size_t)(y + (int)(H / 2))) * W + (size_t)(x + (int)(W / 2))]);
    }
    for (size_t i = 0; i < n; i++) {
        int y, x;
        cepman_cepstrum_coordinate(c, i, &y, &x);
        double v = want[((size_t)(y + (int)(H / 2))) * W + (size_t)(x + (int)(W / 2))];
        ck_assert_msg(fabs((double)features[i] - v) <= 1e-5 * ring + 2e-6 * most * (H * W < 100),
                      "feature %zu (%d, %d): %g, expected %g of %g", i, y, x, (double)features[i], v, ring);
    }
    free(features), free(got), free(want), free(d);
    cepman_dataset_unref(planes);
    cepman_dataset_unref(scan);
}

/* ---- tests ---- */

static const struct {
    const char *options;
    formula f;
} cases[] = {
    {"preset=paper", {false, false, false, 1, 0, gaussian, 0.4, 0}},
    {"preset=padgett", {true, false, false, 0.1, 0, hann, 0, 0}},
    {"preset=round-hann", {true, false, false, 1, 0, round_hann, 0, 0}},
    {"preset=squared", {false, true, false, 0, 0.01, hann, 0, 0}},
    {"preset=double-log", {false, false, true, 1, 1, no_window, 0, 0}},
    {"window=tukey alpha=0.3 offset=0.5", {false, false, false, 0.5, 0, tukey, 0, 0.3}},
    {"preset=padgett window=gaussian sigma=0.7 subtract=none",
     {false, false, false, 0.1, 0, gaussian, 0.7, 0}},
    {"subtract=min offset=0.02 offset-unit=range floor=2", {true, false, false, -0.02, 2, gaussian, 0.4, 0}},
    {"preset=squared power=false log1p=true", {false, false, true, 0, 0.01, hann, 0, 0}},
};
enum { CASES = sizeof cases / sizeof *cases };

START_TEST(formulas)
{
    static const size_t sides[][2] = {{1, 1},   {1, 2},   {2, 1},   {2, 2},   {1, 13},
                                      {13, 1},  {3, 3},   {17, 17}, {31, 12}, {16, 16},
                                      {20, 37}, {32, 48}, {61, 84}, {40, 36}, {25, 81}};
    cepman_context *ctx = support_begin(1);
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++) {
        size_t h = sides[s][0], w = sides[s][1];
        if (_i == 5 && (h < 3 || w < 3)) continue; /* the twin's Tukey window divides by n - 1 */
        if (_i == 2 && (h < 3 || w < 3))
            continue; /* the round window of two pixels is flat, see windows_of_tiny_frames */
        float *frame = counts(h * w, 7 + s);
        frame[h * w / 2] = -3; /* clamped */
        char text[200];
        snprintf(text, sizeof text, "%s scale=none", cases[_i].options);
        cepman_cepstrum *c = make(ctx, h, w, text);
        compare(ctx, c, &cases[_i].f, frame, h, w);
        cepman_cepstrum_unref(c);
        /* The whole half plane, centre included. */
        snprintf(text, sizeof text, "%s scale=none ring-in=0 ring-out=%.17g", cases[_i].options,
                 hypot((double)(h / 2), (double)(w / 2)));
        c = make(ctx, h, w, text);
        compare(ctx, c, &cases[_i].f, frame, h, w);
        cepman_cepstrum_unref(c);
        free(frame);
    }
    support_end(ctx);
}
END_TEST

START_TEST(padded)
{
    cepman_context *ctx = support_begin(1);
    float *frame = counts(19 * 23, 5);
    const formula f = {false, false, false, 1, 0, gaussian, 0.4, 0};
    static const char *const texts[] = {"scale=none pad=23", "scale=none pad=32",
                                        "scale=none pad=41 ring-in=0 ring-out=20"};
    for (int i = 0; i < 3; i++) {
        cepman_cepstrum *c = make(ctx, 19, 23, texts[i]);
        compare(ctx, c, &f, frame, 19, 23);
        compare(ctx, c, &f, frame, 19, 23);
        cepman_cepstrum_unref(c);
    }
    cepman_options *o = options_of(ctx, "pad=22");
    cepman_cepstrum *c = NULL;
    assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, 19, 23, NULL, (double)NAN, o), CEPMAN_ERR_RANGE,
                 "pad");
    ck_assert_ptr_null(c);
    cepman_options_unref(o);
    free(frame);
    support_end(ctx);
}
END_TEST

START_TEST(mean_offset)
{
    cepman_context *ctx = support_begin(1);
    float *frame = counts(24 * 20, 5);
    double mean = 0;
    for (int i = 0; i < 480; i++)
        mean += (double)frame[i] / 480;
    const formula f = {false, false, false, 0.3 * mean, 0, gaussian, 0.4, 0};
    cepman_cepstrum *c = make(ctx, 24, 20, "scale=none offset=0.3 offset-unit=mean");
    compare(ctx, c, &f, frame, 24, 20);
    cepman_cepstrum_unref(c);
    cepman_options *o = options_of(ctx, "offset-unit=mean");
    assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, 24, 20, NULL, (double)NAN, o), CEPMAN_ERR_OPTION,
                 "offset-unit");
    cepman_options_unref(o);
    free(frame);
    support_end(ctx);
}
END_TEST

START_TEST(half_plane_is_exact)
{
    static const size_t sides[][2] = {{8, 8}, {7, 9}, {6, 11}, {12, 5}, {2, 2}, {1, 6}, {6, 1}};
    cepman_context *ctx = support_begin(1);
    for (size_t s = 0; s < 7; s++)
        for (int ring = 0; ring < 3; ring++) {
            int h = (int)sides[s][0], w = (int)sides[s][1];
            double inner = ring == 0 ? 0 : 1.5, outer = ring < 2 ? hypot(h / 2, w / 2) : 3;
            if (outer < inner || outer > hypot(h / 2, w / 2)) continue;
            char text[100];
            snprintf(text, sizeof text, "ring-in=%.17g ring-out=%.17g", inner, outer);
            cepman_options *o = options_of(ctx, text);
            cepman_cepstrum *c = NULL;
            size_t i = 0, expected = 0;
            for (int y = -(h / 2); y <= h - 1 - h / 2; y++)
                for (int x = -(w / 2); x <= w - 1 - w / 2; x++)
                    expected += hypot(y, x) >= inner && hypot(y, x) <= outer && (x > 0 || (x == 0 && y >= 0));
            if (expected == 0) {
                assert_fails(ctx,
                             cepman_cepstrum_create_for(&c, ctx, (size_t)h, (size_t)w, NULL, (double)NAN, o),
                             CEPMAN_ERR_RANGE, "no quefrency");
                cepman_options_unref(o);
                continue;
            }
            assert_good(ctx, cepman_cepstrum_create_for(&c, ctx, (size_t)h, (size_t)w, NULL, (double)NAN, o));
            ck_assert_uint_eq(cepman_cepstrum_features(c), expected);
            for (int y = -(h / 2); y <= h - 1 - h / 2; y++)
                for (int x = -(w / 2); x <= w - 1 - w / 2; x++)
                    if (hypot(y, x) >= inner && hypot(y, x) <= outer && (x > 0 || (x == 0 && y >= 0))) {
                        int a = 99, b = 99;
                        ck_assert_int_eq(cepman_cepstrum_coordinate(c, i++, &a, &b), CEPMAN_OK);
                        ck_assert(a == y && b == x);
                    }
            ck_assert_int_eq(cepman_cepstrum_coordinate(c, i, NULL, NULL), CEPMAN_ERR_RANGE);
            cepman_cepstrum_unref(c);
            cepman_options_unref(o);
        }
    support_end(ctx);
}
END_TEST

START_TEST(rings)
{
    cepman_context *ctx = support_begin(1);
    cepman_cepstrum *c = NULL;
    static const struct {
        const char *text, *words;
        cepman_status status;
    } bad[] = {{"ring-out=1000", "ring-out", CEPMAN_ERR_RANGE},
               {"ring-in=9 ring-out=8", "ring-in", CEPMAN_ERR_RANGE},
               {"ring-in=3.1 ring-out=3.11", "no quefrency", CEPMAN_ERR_RANGE},
               {"ring-in=1 ring-out=2 ring-unit=angstrom", "reciprocal", CEPMAN_ERR_DATA}};
    for (size_t i = 0; i < 4; i++) {
        cepman_options *o = options_of(ctx, bad[i].text);
        assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, 64, 64, NULL, (double)NAN, o), bad[i].status,
                     bad[i].words);
        ck_assert_ptr_null(c);
        cepman_options_unref(o);
    }
    /* 0.244 angstrom a pixel. */
    cepman_options *o = options_of(ctx, "ring-in=1.5 ring-out=4 ring-unit=angstrom");
    assert_good(ctx, cepman_cepstrum_create_for(&c, ctx, 128, 128, NULL, 0.032, o));
    const double step = 1 / (128 * 0.032);
    ck_assert_double_eq_tol(cepman_cepstrum_pixel(c), step, 1e-12);
    for (size_t i = 0; i < cepman_cepstrum_features(c); i++) {
        int y, x;
        cepman_cepstrum_coordinate(c, i, &y, &x);
        ck_assert(hypot(y, x) * step >= 1.5 && hypot(y, x) * step <= 4);
    }
    ck_assert_uint_eq(cepman_cepstrum_features(c), 362); /* r = 6.144 to 16.384, by NumPy */
    cepman_cepstrum_unref(c);
    cepman_options_unref(o);
    /* The default ring. */
    c = make(ctx, 128, 128, "");
    ck_assert_uint_eq(cepman_cepstrum_features(c), 2478);
    cepman_cepstrum_unref(c);
    support_end(ctx);
}
END_TEST

START_TEST(types_agree)
{
    cepman_context *ctx = support_begin(1);
    enum { N = 37 * 32 };
    static const cepman_type types[] = {CEPMAN_TYPE_U8,  CEPMAN_TYPE_I8,  CEPMAN_TYPE_U16,
                                        CEPMAN_TYPE_I16, CEPMAN_TYPE_U32, CEPMAN_TYPE_I32,
                                        CEPMAN_TYPE_F64, CEPMAN_TYPE_I64, CEPMAN_TYPE_F16};
    float *frame = counts(N, 3);
    for (int i = 0; i < N; i++)
        frame[i] = fminf(frame[i], 127);
    for (int p = 0; p < 2; p++) {
        cepman_cepstrum *c = make(ctx, 37, 32, p ? "preset=padgett" : "");
        size_t n = cepman_cepstrum_features(c);
        float *want = malloc(n * sizeof *want), *got = malloc(n * sizeof *got);
        features_of(ctx, c, frame, CEPMAN_TYPE_F32, want);
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            unsigned char *raw = malloc(N * 8 + 1);
            for (int shift = 0; shift < 2; shift++) { /* at an odd address too */
                for (size_t i = 0; i < N; i++) {
                    unsigned char *q = raw + shift + i * cepman_type_size(types[t]);
                    int64_t v = (int64_t)frame[i];
                    double d = (double)v;
                    uint16_t half = cep_half_of((float)v);
                    /* Little-endian integers of any width. */
                    if (types[t] == CEPMAN_TYPE_F64)
                        memcpy(q, &d, 8);
                    else if (types[t] == CEPMAN_TYPE_F16)
                        memcpy(q, &half, 2);
                    else
                        memcpy(q, &v, cepman_type_size(types[t]));
                }
                features_of(ctx, c, raw + shift, types[t], got);
                ck_assert_msg(memcmp(got, want, n * sizeof *got) == 0, "%s differs",
                              cepman_type_name(types[t]));
            }
            free(raw);
        }
        free(want), free(got);
        cepman_cepstrum_unref(c);
    }
    free(frame);
    support_end(ctx);
}
END_TEST

START_TEST(levels_agree)
{
    /* The kernels agree bit for bit and the FFT does not look at the level. */
    float *frame = counts(100 * 90, 3), *first = NULL;
    uint16_t *whole = malloc(100 * 90 * sizeof *whole); /* the plain level looks these up in a table */
    for (int i = 0; i < 100 * 90; i++)
        whole[i] = (uint16_t)(frame[i] = fminf(frame[i], 65535));
    size_t n = 0;
    static const char *const names[] = {"generic", "avx2", "avx512"};
    for (int level = 0; level < 3; level++) {
        cepman_context *ctx = support_begin(1);
        if (cepman_context_set_cpu_level(ctx, names[level]) == CEPMAN_OK) {
            cepman_cepstrum *c = make(ctx, 100, 90, "preset=padgett log1p=true");
            cepman_cepstrum *plain = make(ctx, 100, 90, "offset=3");
            n = cepman_cepstrum_features(c);
            float *got = malloc(2 * n * sizeof *got), *same = malloc(n * sizeof *same);
            features_of(ctx, c, frame, CEPMAN_TYPE_F32, got);
            features_of(ctx, plain, frame, CEPMAN_TYPE_F32, got + n);
            features_of(ctx, plain, whole, CEPMAN_TYPE_U16, same);
            ck_assert(memcmp(got + n, same, n * sizeof *got) == 0);
            if (first) ck_assert(memcmp(first, got, 2 * n * sizeof *got) == 0);
            free(first), free(same);
            first = got;
            cepman_cepstrum_unref(c), cepman_cepstrum_unref(plain);
        }
        support_end(ctx);
    }
    free(first), free(frame), free(whole);
}
END_TEST

START_TEST(scaled_to_unit_length)
{
    cepman_context *ctx = support_begin(1);
    float *frame = counts(64 * 64, 3);
    cepman_cepstrum *raw = make(ctx, 64, 64, "scale=none"), *l2 = make(ctx, 64, 64, "");
    size_t n = cepman_cepstrum_features(raw);
    float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
    features_of(ctx, raw, frame, CEPMAN_TYPE_F32, a);
    features_of(ctx, l2, frame, CEPMAN_TYPE_F32, b);
    double norm = 0, length = 0;
    for (size_t i = 0; i < n; i++) {
        norm += (double)a[i] * (double)a[i];
        length += (double)b[i] * (double)b[i];
    }
    ck_assert_double_eq_tol(length, 1, 1e-6);
    for (size_t i = 0; i < n; i++)
        ck_assert_double_eq_tol((double)b[i], (double)a[i] / sqrt(norm), 1e-7);
    cepman_cepstrum_unref(raw), cepman_cepstrum_unref(l2);
    free(a), free(b), free(frame);
    support_end(ctx);
}
END_TEST

/* ---- options ---- */

START_TEST(options_in_force)
{
    static const char *const texts[] = {"",
                                        "preset=padgett",
                                        "preset=round-hann window=gaussian sigma=0.3",
                                        "preset=squared window=tukey alpha=0.2 power=false",
                                        "preset=double-log subtract=min ring-in=2",
                                        "offset=0.01 offset-unit=mean ring-out=9 pad=80 scale=none"};
    cepman_context *ctx = support_begin(1);
    float *frame = counts(64 * 50, 3);
    for (size_t t = 0; t < 6; t++) {
        cepman_cepstrum *a = make(ctx, 64, 50, texts[t]), *b = NULL;
        cepman_options *o = NULL;
        assert_good(ctx, cepman_cepstrum_options(&o, ctx, a));
        double v = (double)NAN;
        assert_good(ctx, cepman_options_get_real(o, ctx, "offset", &v));
        ck_assert(isfinite(v));
        const char *window = NULL;
        assert_good(ctx, cepman_options_get_text(o, ctx, "window", &window));
        ck_assert_str_ne(window, "preset");
        /* They make the same transform. */
        assert_good(ctx, cepman_cepstrum_create_for(&b, ctx, 64, 50, NULL, (double)NAN, o));
        size_t n = cepman_cepstrum_features(a);
        ck_assert_uint_eq(cepman_cepstrum_features(b), n);
        float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
        features_of(ctx, a, frame, CEPMAN_TYPE_F32, x);
        features_of(ctx, b, frame, CEPMAN_TYPE_F32, y);
        ck_assert(memcmp(x, y, n * sizeof *x) == 0);
        free(x), free(y);
        cepman_cepstrum_unref(a), cepman_cepstrum_unref(b);
        cepman_options_unref(o);
    }
    /* Options of another stage. */
    cepman_options *wrong = NULL;
    cepman_cepstrum *c = NULL;
    static const cep_option table[] = {{"x", CEPMAN_OPTION_FLAG, 0, 1, 0, NULL, "nothing"},
                                       {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL}};
    assert_good(ctx, cep_options_create(&wrong, ctx, "other", table));
    assert_fails(ctx, cepman_cepstrum_create_for(&c, ctx, 64, 50, NULL, (double)NAN, wrong),
                 CEPMAN_ERR_OPTION, "cepstrum");
    cepman_options_unref(wrong);
    free(frame);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cepstrum transform");
    TCase *t = tcase_create("formulas");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, formulas, 0, CASES);
    tcase_add_test(t, padded);
    tcase_add_test(t, mean_offset);
    tcase_add_test(t, half_plane_is_exact);
    tcase_add_test(t, rings);
    tcase_add_test(t, types_agree);
    tcase_add_test(t, levels_agree);
    tcase_add_test(t, scaled_to_unit_length);
    tcase_add_test(t, options_in_force);
    suite_add_tcase(s, t);
    return s;
}
