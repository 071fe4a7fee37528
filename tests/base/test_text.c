/* Numbers to and from text: round trips, rejected spellings, and no say for the host's locale. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "support.h"

static double from_bits(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

START_TEST(reals_round_trip)
{
    static const double odd[] = {0.0,        1.0 / 3,
                                 0.1,        1e300,
                                 DBL_MAX,    DBL_MIN,
                                 4.9e-324,   -2.5e-7,
                                 123456.789, 9007199254740993.0,
                                 1e21,       0.30000000000000004};
    char text[64];
    double back;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            size_t n = cep_format_real(text, sizeof text, sign * odd[i]);
            ck_assert_uint_eq(n, strlen(text));
            ck_assert_msg(cep_parse_real(text, &back) && back == sign * odd[i], "%s", text);
        }
    support_random r = {3};
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)(support_uniform(&r) * 4294967296.0) << 32 |
                        (uint64_t)(support_uniform(&r) * 4294967296.0);
        double v = from_bits(bits);
        if (!isfinite(v)) continue;
        cep_format_real(text, sizeof text, v);
        ck_assert_msg(cep_parse_real(text, &back) && back == v, "%a became %s", v, text);
    }
}
END_TEST

START_TEST(reals_are_short)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0.1, "0.1"},
                {15, "15"},
                {0, "0"},
                {1e-3, "0.001"},
                {1e100, "1e+100"},
                {-0.5, "-0.5"},
                {0.4, "0.4"},
                {1.0 / 3, "0.3333333333333333"},
                {(double)NAN, "nan"},
                {(double)INFINITY, "inf"},
                {-(double)INFINITY, "-inf"}};
    char text[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cep_format_real(text, sizeof text, rows[i].value);
        ck_assert_str_eq(text, rows[i].text);
    }
    /* A short buffer is filled and ended; the length is that of the whole. */
    memset(text, 'z', sizeof text);
    ck_assert_uint_eq(cep_format_real(text, 4, 0.125), 5);
    ck_assert_str_eq(text, "0.1");
    ck_assert_int_eq(text[4], 'z');
    ck_assert_uint_eq(cep_format_real(NULL, 0, 0.125), 5);
}
END_TEST

START_TEST(reals_refused)
{
    static const char *const bad[] = {"",      " ",      "abc", "1,5",   "1.5x",     "0x10",
                                      "0x1p3", "nan(1)", "1 2", "--1",   "1e999",    "-1e999",
                                      "1e",    ".",      "+",   "1.5 .", "infinite", "1\v2"};
    double v = 42;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!cep_parse_real(bad[i], &v) && v == 42, "'%s' was taken as %g", bad[i], v);
    ck_assert(cep_parse_real(" 1.5\r\n", &v) && v == 1.5);
    ck_assert(cep_parse_real("\t-1e-2 ", &v) && v == -0.01);
    ck_assert(cep_parse_real("+.5", &v) && v == 0.5);
    ck_assert(cep_parse_real("5.", &v) && v == 5);
    ck_assert(cep_parse_real("inf", &v) && isinf(v) && v > 0);
    ck_assert(cep_parse_real("-Infinity", &v) && isinf(v) && v < 0);
    ck_assert(cep_parse_real("nan", &v) && isnan(v));
    ck_assert(cep_parse_real("1e-999", &v) && v == 0);
}
END_TEST

START_TEST(integers)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "-",
                                      "+",
                                      "1.5",
                                      "1e3",
                                      "0x10",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999",
                                      "12a",
                                      "1 2",
                                      "\n1"};
    int64_t v = 42;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!cep_parse_integer(bad[i], &v) && v == 42, "'%s' was taken", bad[i]);
    ck_assert(cep_parse_integer("9223372036854775807", &v) && v == INT64_MAX);
    ck_assert(cep_parse_integer("-9223372036854775808", &v) && v == INT64_MIN);
    ck_assert(cep_parse_integer(" +007\n", &v) && v == 7);
    ck_assert(cep_parse_integer("-0", &v) && v == 0);
}
END_TEST

/* Locales with a decimal comma, and with a decimal mark of two bytes.. */
START_TEST(decimal_comma)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8",  "fr_FR.UTF-8",
                                        "nl_NL.UTF-8", "ps_AF.UTF-8", "ps_AF"};
    bool met = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        locale_t l = newlocale(LC_ALL_MASK, names[i], (locale_t)0);
        if (l == (locale_t)0) continue;
        locale_t old = uselocale(l);
        char native[32], text[64];
        snprintf(native, sizeof native, "%.1f", 0.5);
        double v = 0;
        bool good = cep_parse_real("1.5", &v) && v == 1.5 && !cep_parse_real("1,5", &v);
        cep_format_real(text, sizeof text, 0.25);
        bool mine = uselocale((locale_t)0) == l; /* the caller's locale is in force again */
        uselocale(old);
        freelocale(l);
        ck_assert_msg(good, "%s", names[i]);
        ck_assert_str_eq(text, "0.25");
        ck_assert(mine);
        met |= strcmp(native, "0.5") != 0;
    }
    if (!met) fprintf(stderr, "skipped: no locale with a decimal comma is installed\n");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("base text");
    TCase *t = tcase_create("text");
    tcase_add_test(t, reals_round_trip);
    tcase_add_test(t, reals_are_short);
    tcase_add_test(t, reals_refused);
    tcase_add_test(t, integers);
    tcase_add_test(t, decimal_comma);
    suite_add_tcase(s, t);
    return s;
}
