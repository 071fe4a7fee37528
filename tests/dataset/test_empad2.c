/* EMPAD-G2: the two scales joined, background, dark level and flat field, against the formulas written out again. */
#include <math.h>

#include "empad2.h"
#include "files.h"

enum { N = CEP_EMPAD2_PIXELS };
static const char *const linear[] = {"G1A", "G2A", "B2A", "FFA", "G1B", "G2B", "B2B", "FFB"};

static uint32_t word_at(size_t frame, size_t p)
{
    uint32_t v = (uint32_t)pixel_at(frame, p);
    /* few electrons in most pixels, many in some */
    uint32_t analogue = 90 + v % 40, digital = p % 97 == 0 ? v >> 20 & 0xff : 0, gain = p % 5 == 0;
    return analogue | digital << 14 | gain << 31;
}

static float constant(size_t which, size_t p)
{
    static const float about[] = {1.5f, 4000.0f, 80.0f, 1.0f, 1.4f, 4100.0f, 82.0f, 1.02f};
    return about[which] * (1 + 0.001f * (float)(pixel_at(which, p) % 100));
}

static void write_words(const char *name, size_t frames, size_t from)
{
    bytes b = {0};
    for (size_t i = 0; i < frames; i++)
        for (size_t p = 0; p < N; p++)
            put_little(&b, word_at(from + i, p), 4);
    support_write(support_path(name), b.data, b.size);
    drop(&b);
}

static char folder[4096];

static void write_folder(void)
{
    snprintf(folder, sizeof folder, "%s", support_path("x"));
    folder[strlen(folder) - 2] = 0;
    for (size_t k = 0; k < 8; k++) {
        char name[16];
        bytes b = {0};
        for (size_t p = 0; p < N; p++) {
            float v = constant(k, p);
            uint32_t bits;
            memcpy(&bits, &v, 4);
            put_little(&b, bits, 4);
        }
        snprintf(name, sizeof name, "%s.r32", linear[k]);
        support_write(support_path(name), b.data, b.size);
        drop(&b);
    }
}

/* Without background. */
static double expected(size_t frame, size_t p)
{
    uint32_t w = word_at(frame, p);
    size_t k = frame % 2 ? 4 : 0;
    double a = (double)(w & 0x3fff), d = (double)(w >> 14 & 0xffff);
    double rest = w >> 31 ? (double)constant(k, p) * (a - (double)constant(k + 2, p)) : a;
    return rest + (double)constant(k + 1, p) * d;
}

START_TEST(joined)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    write_folder();
    write_words("scan_x3_y2.raw", 6, 0);
    cepman_options *o = options_of(ctx, NULL);
    assert_fails(ctx, cepman_dataset_open(&d, ctx, support_path("scan_x3_y2.raw"), o), CEPMAN_ERR_UNSUPPORTED,
                 "the option calibration");
    assert_good(ctx, cepman_options_set_text(o, ctx, "calibration", folder));
    assert_good(ctx, cepman_dataset_open(&d, ctx, support_path("scan_x3_y2.raw"), o));
    assert_shape(d, 2, 3, 128, 128);
    ck_assert_str_eq(cepman_dataset_format(d), "empad2");
    ck_assert_int_eq(cepman_dataset_type(d), CEPMAN_TYPE_F32);
    float *x = (float *)(void *)read_all(ctx, d);
    for (size_t i = 0; i < (size_t)6 * N; i++)
        ck_assert_double_eq_tol((double)x[i], expected(i / N, i % N),
                                1e-6 * fabs(expected(i / N, i % N)) + 1e-4);
    assert_good(ctx, cepman_dataset_read(d, ctx, 3, 1, x, N * 4)); /* an odd frame by itself */
    ck_assert_double_eq_tol((double)x[5], expected(3, 5), 1e-3);
    free(x);
    cepman_dataset_unref(d);
    d = NULL;
    assert_good(ctx, cepman_options_set_text(o, ctx, "calibration", "/nowhere at all"));
    assert_fails(ctx, cepman_dataset_open(&d, ctx, support_path("scan_x3_y2.raw"), o), CEPMAN_ERR_IO,
                 "G1A.r32");
    cepman_options_unref(o);
    /* Frames that were calibrated before, and a file that is the older detector's. */
    bytes b = {0};
    for (size_t p = 0; p < (size_t)2 * N; p++) {
        float v = (float)p - 7;
        uint32_t bits;
        memcpy(&bits, &v, 4);
        put_little(&b, bits, 4);
    }
    assert_good(ctx, open_bytes(&d, ctx, "scan_x2_y1.raw", &b, NULL));
    assert_shape(d, 1, 2, 128, 128);
    x = (float *)(void *)read_all(ctx, d);
    for (size_t p = 0; p < (size_t)2 * N; p++)
        ck_assert(x[p] == (float)p - 7);
    free(x);
    cepman_dataset_unref(d);
    drop(&b);
    b = make_empad(2);
    assert_good(ctx, open_bytes(&d, ctx, "scan_x2_y1.raw", &b, NULL));
    ck_assert_str_eq(cepman_dataset_format(d), "empad");
    cepman_dataset_unref(d);
    drop(&b);
    support_end(ctx);
}
END_TEST

/* Background of an odd number of frames; the frame's own level; the flat field. */
START_TEST(subtracted)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    write_folder();
    write_words("scan_x2_y2.raw", 4, 0);
    write_words("dark.raw", 5, 20);
    cepman_options *o = options_of(ctx, (const char *const[]){"calibration", folder, NULL});
    assert_good(ctx, cepman_options_set_text(o, ctx, "background", support_path("dark.raw")));
    assert_good(ctx, cepman_dataset_open(&d, ctx, support_path("scan_x2_y2.raw"), o));
    float *x = (float *)(void *)read_all(ctx, d), *before = malloc(N * sizeof *before);
    for (size_t i = 0; i < 4; i++) {
        for (size_t p = 0; p < N; p++) {
            double mean = i % 2 ? (expected(21, p) + expected(23, p)) / 2
                                : (expected(20, p) + expected(22, p) + expected(24, p)) / 3;
            before[p] = (float)(expected(i, p) - mean);
        }
        double level = cep_empad2_level((const unsigned char *)before);
        ck_assert(fabs(level) < 40);
        for (size_t p = 0; p < N; p++) {
            double v = ((double)before[p] - level) * (double)constant(i % 2 ? 7 : 3, p);
            ck_assert_double_eq_tol((double)x[i * N + p], v, 0.5);
        }
    }
    free(before);
    free(x);
    cepman_dataset_unref(d);
    write_words("dark.raw", 1, 0);
    d = NULL;
    assert_fails(ctx, cepman_dataset_open(&d, ctx, support_path("scan_x2_y2.raw"), o), CEPMAN_ERR_TRUNCATED,
                 "at least 2");
    cepman_options_unref(o);
    support_end(ctx);
    bytes b = {0};
    for (size_t p = 0; p < N; p++)
        put_little(&b, word_at(0, p), 4);
    write_words("dark.raw", 2, 0);
    char dark[4096];
    snprintf(dark, sizeof dark, "%s", support_path("dark.raw"));
    assert_survives_allocation("scan_x1_y1.raw", &b,
                               (const char *const[]){"calibration", folder, "background", dark, NULL});
    drop(&b);
}
END_TEST

/* The level of a frame: a peak of counts where it was put, none where there is none. */
START_TEST(level)
{
    static const double places[] = {-150, -37.5, 0, 3, 88, 140};
    float frame[N];
    for (size_t k = 0; k < 6; k++) {
        support_random r = {k + 1};
        for (size_t p = 0; p < N; p++)
            frame[p] = (float)(places[k] + 15 * support_normal(&r));
        ck_assert_double_eq_tol(cep_empad2_level((const unsigned char *)frame), places[k], 5);
    }
    for (size_t p = 0; p < N; p++)
        frame[p] = 1e6f;
    ck_assert_double_eq(cep_empad2_level((const unsigned char *)frame), 0);
    for (size_t p = 0; p < N; p++)
        frame[p] = p % 2 ? NAN : -INFINITY;
    ck_assert_double_eq(cep_empad2_level((const unsigned char *)frame), 0);
}
END_TEST

START_TEST(quadratic)
{
    cep_empad2 *e = calloc(1, sizeof *e);
    ck_assert_ptr_nonnull(e);
    unsigned char frame[N * 4];
    e->quadratic = true;
    for (size_t p = 0; p < N; p++) {
        cep_empad2_half *h = &e->half[1];
        uint32_t w = word_at(1, p);
        memcpy(frame + 4 * p, &w, 4);
        h->gain[p] = constant(0, p);
        h->square[p] = 1e-3f * constant(1, p);
        h->digital[p] = constant(5, p);
        h->high[p] = constant(2, p);
        h->base[p] = constant(6, p);
    }
    cep_empad2_convert(e, 1, frame);
    for (size_t p = 0; p < N; p++) {
        uint32_t w = word_at(1, p);
        double a = (double)(w & 0x3fff), g = (double)(w >> 31), digits = (double)(w >> 14 & 0xffff);
        double v = a * (1 - g) + (double)constant(0, p) * a * g +
                   (double)(1e-3f * constant(1, p)) * a * a * g + (double)constant(5, p) * digits +
                   (double)constant(2, p) * g - (double)constant(6, p);
        float got;
        memcpy(&got, frame + 4 * p, 4);
        ck_assert_double_eq_tol((double)got, v, 1e-6 * fabs(v) + 1e-4);
    }
    free(e);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("empad2");
    TCase *t = tcase_create("empad2");
    tcase_add_test(t, joined);
    tcase_add_test(t, subtracted);
    tcase_add_test(t, level);
    tcase_add_test(t, quadratic);
    suite_add_tcase(s, t);
    return s;
}
