/* Topic cepstral: the logarithm's error, each form against the plain one bit for bit, odd sizes, odd values.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "support.h"

#define MOST 300

static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 255, 300};

/* Forms this machine has. */
static int levels(void)
{
    return (int)cep_cpu_detect() + 1;
}

static const cep_cepstral_kernels *form(int level)
{
    return cep_cepstral_kernels_get((cep_cpu_level)level);
}

/* Buffers with guards behind, so that a tail that writes too far shows. */
typedef struct guarded {
    float v[MOST], guard[32];
} guarded;

static void arm(guarded *g)
{
    memset(g, 0x5a, sizeof *g);
}

static void check_same(const guarded *a, const guarded *b, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(memcmp(&a->v[i], &b->v[i], sizeof(float)) == 0, "%s, n %zu, item %zu: %.9g and %.9g",
                      what, n, i, (double)a->v[i], (double)b->v[i]);
    ck_assert_msg(memcmp((const char *)a + n * sizeof(float), (const char *)b + n * sizeof(float),
                         sizeof *a - n * sizeof(float)) == 0,
                  "%s, n %zu: written behind the end", what, n);
}

/* Error in units in the last place of the exact value. */
static double ulps(float got, double exact)
{
    int e;
    frexp(exact, &e);
    double ulp = ldexp(1, e - 24);
    return fabs(((double)got - exact) / ulp);
}

START_TEST(logarithm_is_accurate)
{
    const cep_cepstral_kernels *k = form(_i);
    const cep_log_terms none = {0, 0, 0};
    double worst = 0;
    float at = 0;
    enum { STEP = 4096 };
    static float x[STEP], y[STEP], plain[STEP];
    /* Every 1013th float, then all floats around 1, where the result goes through zero. */
    uint32_t bits = 0x00800000;
    size_t n = 0;
    bool dense = false;
    while (!dense || bits < 0x3f880000) {
        if (!dense && bits >= 0x7f800000) {
            dense = true;
            bits = 0x3f700000;
        }
        memcpy(&x[n++], &bits, sizeof bits);
        bits += dense ? 1 : 1013;
        if (n < STEP) continue;
        ck_assert(!k->log[CEP_PIXEL_F32](x, NULL, y, n, &none));
        form(CEP_CPU_GENERIC)->log[CEP_PIXEL_F32](x, NULL, plain, n, &none);
        ck_assert_int_eq(memcmp(y, plain, sizeof y), 0);
        for (size_t i = 0; i < n; i++) {
            double exact = log((double)x[i]);
            double u = exact == 0 ? fabs((double)y[i]) / 0x1p-149 : ulps(y[i], exact);
            if (u > worst) {
                worst = u;
                at = x[i];
            }
        }
        n = 0;
    }
    ck_assert_msg(worst <= 2, "%.3f ulp at %.9g", worst, (double)at);
}
END_TEST

/* Pixels of all kinds: counts, negatives, zeros of both signs, subnormals, huge ones. */
static void fill(float *x, size_t n, support_random *r)
{
    for (size_t i = 0; i < n; i++) {
        double u = support_uniform(r);
        x[i] = u < 0.1   ? -0.0f
               : u < 0.2 ? 0.0f
               : u < 0.3 ? (float)-support_uniform(r)
               : u < 0.4 ? (float)(support_uniform(r) * 1e-40)
               : u < 0.5 ? FLT_MAX
                         : (float)exp(20 * support_normal(r));
    }
}

START_TEST(logs_agree)
{
    support_random r = {3};
    const cep_cepstral_kernels *g = form(CEP_CPU_GENERIC), *k = form(_i);
    static const cep_log_terms terms[] = {{0, 0, 1}, {3, 0, 0.1f}, {0, 0.01f, 0}, {0, 0, 0}, {0, 1, FLT_MAX}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t t = 0; t < sizeof terms / sizeof *terms; t++) {
            size_t n = sizes[s];
            float x[MOST], w[MOST];
            uint8_t b[MOST];
            uint16_t c[MOST];
            fill(x, n, &r);
            for (size_t i = 0; i < n; i++) {
                w[i] = (float)support_normal(&r);
                b[i] = (uint8_t)(256 * support_uniform(&r));
                c[i] = (uint16_t)(65536 * support_uniform(&r));
            }
            for (int windowed = 0; windowed < 2; windowed++) {
                const float *window = windowed ? w : NULL;
                guarded a, z;
                arm(&a), arm(&z);
                ck_assert(!g->log[CEP_PIXEL_F32](x, window, a.v, n, &terms[t]));
                ck_assert(!k->log[CEP_PIXEL_F32](x, window, z.v, n, &terms[t]));
                check_same(&a, &z, n, "log f32");
                for (size_t i = 0; i < n; i++)
                    ck_assert(isfinite(a.v[i]));
                memcpy(z.v, x, n * sizeof *x);
                k->log[CEP_PIXEL_F32](z.v, window, z.v, n, &terms[t]);
                check_same(&a, &z, n, "log f32 in place");
                arm(&a), arm(&z);
                g->log[CEP_PIXEL_U8](b, window, a.v, n, &terms[t]);
                k->log[CEP_PIXEL_U8](b, window, z.v, n, &terms[t]);
                check_same(&a, &z, n, "log u8");
                arm(&a), arm(&z);
                g->log[CEP_PIXEL_U16](c, window, a.v, n, &terms[t]);
                k->log[CEP_PIXEL_U16](c, window, z.v, n, &terms[t]);
                check_same(&a, &z, n, "log u16");
                for (size_t i = 0; i < n; i++) { /* the formula */
                    double v = fmax((double)c[i] - (double)terms[t].subtract, (double)terms[t].floor);
                    v = log(fmin(fmax(v + (double)terms[t].offset, (double)FLT_MIN), (double)FLT_MAX));
                    if (windowed) v *= (double)w[i];
                    ck_assert_double_eq_tol((double)a.v[i], v, 3e-6 * (1 + fabs(v)));
                }
            }
        }
}
END_TEST

/* Pixels of every type that floats hold exactly, at odd addresses: what their float32 twins give. */
static size_t store_as(cep_pixel pixel, unsigned char *p, float v)
{
#define AS(type, value)                                                                                      \
    {                                                                                                        \
        type as = (type)(value);                                                                             \
        memcpy(p, &as, sizeof as);                                                                           \
        return sizeof as;                                                                                    \
    }
    switch ((int)pixel) {
    case CEP_PIXEL_U8:
        AS(uint8_t, v)
    case CEP_PIXEL_U16:
        AS(uint16_t, v)
    case CEP_PIXEL_I16:
        AS(int16_t, v)
    case CEP_PIXEL_U32:
        AS(uint32_t, v)
    case CEP_PIXEL_I32:
        AS(int32_t, v)
    case CEP_PIXEL_F16:
        AS(uint16_t, cep_half_of(v))
    case CEP_PIXEL_F64:
        AS(double, v)
    default:
        AS(float, v)
    }
#undef AS
}

START_TEST(types_agree)
{
    static const float high[CEP_PIXELS] = {
        [CEP_PIXEL_U8] = 255,       [CEP_PIXEL_U16] = 65535,    [CEP_PIXEL_I16] = 32767,
        [CEP_PIXEL_U32] = 0x1p32f,  [CEP_PIXEL_I32] = 0x1p31f,  [CEP_PIXEL_F16] = 65504,
        [CEP_PIXEL_F32] = 0x1p127f, [CEP_PIXEL_F64] = 0x1p127f,
    };
    support_random r = {6};
    const cep_cepstral_kernels *k = form(_i);
    static const cep_log_terms terms[] = {{0, 0, 1}, {0, 0, 40}, {3, 0.5f, 0.1f}};
    for (int p = 0; p < CEP_PIXELS; p++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t t = 0; t < sizeof terms / sizeof *terms; t++) {
                const size_t n = sizes[s];
                const bool negative = p != CEP_PIXEL_U8 && p != CEP_PIXEL_U16 && p != CEP_PIXEL_U32;
                unsigned char raw[1 + 8 * MOST], *at = raw + 1;
                float x[MOST], w[MOST];
                for (size_t i = 0; i < n; i++) {
                    float v = (float)(support_uniform(&r) * (double)high[p]);
                    if (i % 3 == 0) v = (float)floor(support_uniform(&r) * 100); /* small counts too */
                    if (p <= CEP_PIXEL_I32) v = floorf(v);
                    v = cep_half_value(cep_half_of(v)) == v || p != CEP_PIXEL_F16 ? v : 2048;
                    v = v < high[p] ? v : 7;
                    x[i] = negative && i % 5 == 0 ? -v : v;
                    w[i] = (float)support_normal(&r);
                    at += store_as((cep_pixel)p, at, x[i]);
                }
                guarded a, z;
                cep_pixel_range ra = {INFINITY, 0}, rz = ra;
                arm(&a), arm(&z);
                ck_assert(!k->log[CEP_PIXEL_F32](x, t ? w : NULL, a.v, n, &terms[t]));
                ck_assert(!k->log[p](raw + 1, t ? w : NULL, z.v, n, &terms[t]));
                check_same(&a, &z, n, "log of a type");
                arm(&a), arm(&z);
                ck_assert(!k->clamp[CEP_PIXEL_F32](x, a.v, n, &ra));
                ck_assert(!k->clamp[p](raw + 1, z.v, n, &rz));
                check_same(&a, &z, n, "clamp of a type");
                ck_assert(ra.least == rz.least && ra.most == rz.most);
            }
}
END_TEST

/* Halves and doubles that are no finite float. */
START_TEST(bad_types_are_seen)
{
    const cep_cepstral_kernels *k = form(_i);
    const cep_log_terms one = {0, 0, 1};
    const double bad[] = {(double)NAN, (double)INFINITY, 1e300, -1e39};
    for (size_t n = 1; n < 40; n++)
        for (size_t at = 0; at < n; at++) {
            double d[40];
            uint16_t h[40];
            float out[40];
            cep_pixel_range range = {INFINITY, 0};
            for (size_t i = 0; i < n; i++) {
                d[i] = (double)i;
                h[i] = cep_half_of((float)i);
            }
            ck_assert(!k->log[CEP_PIXEL_F64](d, NULL, out, n, &one));
            ck_assert(!k->log[CEP_PIXEL_F16](h, NULL, out, n, &one));
            d[at] = bad[at % 4];
            h[at] = at % 2 ? 0xfc00 : 0x7e01;
            ck_assert(k->log[CEP_PIXEL_F64](d, NULL, out, n, &one));
            ck_assert(k->log[CEP_PIXEL_F16](h, NULL, out, n, &one));
            ck_assert(k->clamp[CEP_PIXEL_F64](d, out, n, &range));
            ck_assert(k->clamp[CEP_PIXEL_F16](h, out, n, &range));
        }
}
END_TEST

START_TEST(tables_agree)
{
    support_random r = {7};
    const cep_cepstral_kernels *k = form(_i);
    const cep_log_terms terms = {0, 0, 2.5f};
    static uint16_t all[65536];
    static float table[65536];
    for (size_t i = 0; i < 65536; i++)
        all[i] = (uint16_t)i;
    ck_assert(!k->log[CEP_PIXEL_U16](all, NULL, table, 65536, &terms));
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int windowed = 0; windowed < 2; windowed++) {
            const size_t n = sizes[s];
            float w[MOST];
            unsigned char b[MOST], raw[1 + 2 * MOST];
            for (size_t i = 0; i < n; i++) {
                const uint16_t v = (uint16_t)(65536 * support_uniform(&r));
                w[i] = (float)support_normal(&r);
                b[i] = (unsigned char)v;
                memcpy(raw + 1 + 2 * i, &v, 2);
            }
            guarded a, z;
            arm(&a), arm(&z);
            k->log[CEP_PIXEL_U8](b, windowed ? w : NULL, a.v, n, &terms);
            k->look_up_u8(b, table, windowed ? w : NULL, z.v, n);
            check_same(&a, &z, n, "table of u8");
            arm(&a), arm(&z);
            k->log[CEP_PIXEL_U16](raw + 1, windowed ? w : NULL, a.v, n, &terms);
            k->look_up_u16(raw + 1, table, windowed ? w : NULL, z.v, n);
            check_same(&a, &z, n, "table of u16");
        }
}
END_TEST

START_TEST(ranges_agree)
{
    support_random r = {4};
    const cep_cepstral_kernels *g = form(CEP_CPU_GENERIC), *k = form(_i);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        float x[MOST];
        uint8_t b[MOST];
        uint16_t c[MOST];
        fill(x, n, &r);
        for (size_t i = 0; i < n; i++) {
            b[i] = (uint8_t)(9 + 200 * support_uniform(&r));
            c[i] = (uint16_t)(9 + 60000 * support_uniform(&r));
        }
        guarded a, z;
        cep_pixel_range ra, rz;
#define COMPARE(kernel, source)                                                                              \
    do {                                                                                                     \
        arm(&a), arm(&z);                                                                                    \
        ra = rz = (cep_pixel_range){INFINITY, 0};                                                            \
        g->kernel(source, a.v, n, &ra);                                                                      \
        k->kernel(source, z.v, n, &rz);                                                                      \
        check_same(&a, &z, n, #kernel);                                                                      \
        ck_assert(ra.least == rz.least && ra.most == rz.most);                                               \
        for (size_t i = 0; i < n; i++)                                                                       \
            ck_assert(a.v[i] >= ra.least && a.v[i] <= ra.most && !signbit(a.v[i]));                          \
    } while (0)
        COMPARE(clamp[CEP_PIXEL_F32], x);
        COMPARE(clamp[CEP_PIXEL_U8], b);
        COMPARE(clamp[CEP_PIXEL_U16], c);
    }
}
END_TEST

START_TEST(bad_pixels_are_seen)
{
    static const float bad[] = {(float)NAN, -(float)NAN, (float)INFINITY, -(float)INFINITY};
    const cep_cepstral_kernels *k = form(_i);
    const cep_log_terms one = {0, 0, 1};
    cep_pixel_range range = {INFINITY, 0};
    for (size_t n = 1; n < 40; n++)
        for (size_t at = 0; at < n; at++)
            for (size_t b = 0; b < 4; b++) {
                float x[40], y[40];
                for (size_t i = 0; i < n; i++)
                    x[i] = (float)i;
                ck_assert(!k->log[CEP_PIXEL_F32](x, NULL, y, n, &one));
                ck_assert(!k->clamp[CEP_PIXEL_F32](x, y, n, &range));
                x[at] = bad[b];
                ck_assert(k->log[CEP_PIXEL_F32](x, NULL, y, n, &one));
                ck_assert(k->clamp[CEP_PIXEL_F32](x, y, n, &range));
            }
}
END_TEST

START_TEST(sums_and_magnitudes_agree)
{
    support_random r = {5};
    const cep_cepstral_kernels *g = form(CEP_CPU_GENERIC), *k = form(_i);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        float x[2 * MOST];
        for (size_t i = 0; i < 2 * n; i++)
            x[i] = (float)(support_normal(&r) * exp(3 * support_normal(&r)));
        guarded a, z;
        arm(&a), arm(&z);
        g->magnitude(x, a.v, n);
        k->magnitude(x, z.v, n);
        check_same(&a, &z, n, "magnitude");
        for (size_t i = 0; i < n; i++) {
            double m = hypot((double)x[2 * i], (double)x[2 * i + 1]);
            ck_assert_double_eq_tol((double)a.v[i], m, 3e-7 * m);
        }
        arm(&a), arm(&z);
        g->power(x, a.v, n);
        k->power(x, z.v, n);
        check_same(&a, &z, n, "power");
        double sums[2] = {g->sum(x, n), k->sum(x, n)},
               squares[2] = {g->sum_squares(x, n), k->sum_squares(x, n)};
        ck_assert(memcmp(&sums[0], &sums[1], sizeof sums[0]) == 0);
        ck_assert(memcmp(&squares[0], &squares[1], sizeof squares[0]) == 0);
        double plain = 0, plain2 = 0, size = 0;
        for (size_t i = 0; i < n; i++) {
            plain += (double)x[i];
            plain2 += (double)x[i] * (double)x[i];
            size += fabs((double)x[i]);
        }
        ck_assert_double_eq_tol(sums[1], plain, 1e-13 * (size + 1e-300));
        ck_assert_double_eq_tol(squares[1], plain2, 1e-13 * (plain2 + 1e-300));
        arm(&a), arm(&z);
        memcpy(a.v, x, n * sizeof *x);
        memcpy(z.v, x, n * sizeof *x);
        g->scale(a.v, n, 0.37f);
        k->scale(z.v, n, 0.37f);
        check_same(&a, &z, n, "scale");
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("kernels cepstral");
    TCase *t = tcase_create("forms");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, logarithm_is_accurate, 0, levels());
    tcase_add_loop_test(t, logs_agree, 0, levels());
    tcase_add_loop_test(t, types_agree, 0, levels());
    tcase_add_loop_test(t, bad_types_are_seen, 0, levels());
    tcase_add_loop_test(t, tables_agree, 0, levels());
    tcase_add_loop_test(t, ranges_agree, 0, levels());
    tcase_add_loop_test(t, bad_pixels_are_seen, 0, levels());
    tcase_add_loop_test(t, sums_and_magnitudes_agree, 0, levels());
    suite_add_tcase(s, t);
    return s;
}
