/* Half precision: every half there and back, rounding against the definition, each form against the plain one. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "support.h"

static int levels(void)
{
    return (int)cep_cpu_detect() + 1;
}

static const cep_half_kernels *form(int level)
{
    return cep_half_kernels_get((cep_cpu_level)level);
}

/* The value of a half by its definition; NaN for NaN. */
static double value_of(uint16_t h)
{
    const int e = h >> 10 & 31, m = h & 0x3ff;
    double v = e == 31 ? (m ? (double)NAN : (double)INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
    return h & 0x8000 ? -v : v;
}

START_TEST(every_half)
{
    static uint16_t all[65536], back[65536];
    static float wide[65536];
    for (size_t i = 0; i < 65536; i++)
        all[i] = (uint16_t)i;
    form(_i)->widen(all, wide, 65536);
    for (size_t i = 0; i < 65536; i++) {
        const double v = value_of(all[i]);
        ck_assert(isnan(v) ? isnan(wide[i]) : (double)wide[i] == v && !signbit(wide[i]) == !signbit(v));
        ck_assert_uint_eq(cep_half_of(cep_half_value(all[i])), isnan(v) ? all[i] | 0x200u : all[i]);
    }
    ck_assert(!form(_i)->shorten(wide, back, 65536));
    for (size_t i = 0; i < 65536; i++)
        ck_assert_uint_eq(back[i], isnan(wide[i]) ? all[i] | 0x200u : all[i]);
    for (size_t i = 0; i < 65536; i++) {
        float v = cep_half_value(all[i]);
        ck_assert(memcmp(&v, &wide[i], sizeof v) == 0);
    }
}
END_TEST

/* Around the middle between every two neighbours: the middle itself goes to the even one. */
START_TEST(rounds_to_nearest_even)
{
    for (uint32_t i = 0; i < 0x7bff; i++) {
        const double low = value_of((uint16_t)i), high = value_of((uint16_t)(i + 1));
        const float middle = (float)((low + high) / 2);
        ck_assert((double)middle == (low + high) / 2);
        float x[6] = {nextafterf(middle, 0), middle, nextafterf(middle, INFINITY)};
        for (int j = 0; j < 3; j++)
            x[j + 3] = -x[j];
        uint16_t h[6];
        ck_assert(!form(_i)->shorten(x, h, 6));
        ck_assert_uint_eq(h[0], i);
        ck_assert_uint_eq(h[1], i + (i & 1));
        ck_assert_uint_eq(h[2], i + 1);
        for (int j = 0; j < 3; j++)
            ck_assert_uint_eq(h[j + 3], h[j] | 0x8000u);
    }
}
END_TEST

START_TEST(too_large)
{
    const float fine[] = {65519.99f, -65519.99f, INFINITY, -INFINITY, (float)NAN, 0, 1e-30f};
    const float large[] = {65520, -65520, 1e10f, -3e38f};
    for (size_t n = 1; n < 70; n++)
        for (size_t at = 0; at < n; at++) {
            float x[70];
            uint16_t h[71];
            for (size_t i = 0; i < n; i++)
                x[i] = fine[i % 7];
            h[n] = 0x1234;
            ck_assert(!form(_i)->shorten(x, h, n));
            x[at] = large[at % 4];
            ck_assert(form(_i)->shorten(x, h, n));
            ck_assert_uint_eq(h[at], at % 2 ? 0xfc00u : 0x7c00u);
            ck_assert_uint_eq(h[n], 0x1234);
        }
}
END_TEST

START_TEST(forms_agree)
{
    support_random r = {5};
    static float x[4099], a[4100], b[4100];
    static uint16_t g[4100], k[4100];
    for (size_t turn = 0; turn < 200; turn++) {
        const size_t n = turn < 70 ? turn : 4099;
        for (size_t i = 0; i < n; i++) {
            uint32_t bits = (uint32_t)(support_uniform(&r) * 4294967296.0);
            if (i % 2) bits = (bits & 0x8fffffff) | 0x30000000; /* more of the halves' own range */
            memcpy(&x[i], &bits, sizeof bits);
        }
        g[n] = k[n] = 0x4321;
        ck_assert(form(0)->shorten(x, g, n) == form(_i)->shorten(x, k, n));
        ck_assert(memcmp(g, k, (n + 1) * sizeof *g) == 0);
        for (size_t i = 0; i < n; i++)
            g[i] = (uint16_t)(support_uniform(&r) * 65536);
        a[n] = b[n] = 7;
        form(0)->widen(g, a, n);
        form(_i)->widen(g, b, n);
        ck_assert(memcmp(a, b, (n + 1) * sizeof *a) == 0);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("kernels half");
    TCase *t = tcase_create("forms");
    tcase_add_loop_test(t, every_half, 0, levels());
    tcase_add_loop_test(t, rounds_to_nearest_even, 0, levels());
    tcase_add_loop_test(t, too_large, 0, levels());
    tcase_add_loop_test(t, forms_agree, 0, levels());
    suite_add_tcase(s, t);
    return s;
}
