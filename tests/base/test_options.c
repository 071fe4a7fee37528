/* Options objects: every setter, bounds, text, copies, the table as users see it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base.h"
#include "support.h"

#define NOT_SET ((double)NAN)

static const cep_option table[] = {
    {"flag", CEPMAN_OPTION_FLAG, 0, 1, 1, NULL, "a flag"},
    {"count", CEPMAN_OPTION_INTEGER, 2, 100, 15, NULL, "a count, 2 to 100"},
    {"maybe", CEPMAN_OPTION_INTEGER, 1, 9, NOT_SET, "auto", "a count or auto"},
    {"big", CEPMAN_OPTION_INTEGER, -9007199254740992.0, 9007199254740992.0, 0, NULL, "any integer"},
    {"size", CEPMAN_OPTION_REAL, 0.25, 4, 0.5, NULL, "a size"},
    {"offset", CEPMAN_OPTION_REAL, 0, 1e9, NOT_SET, "auto", "an offset or auto"},
    {"method", CEPMAN_OPTION_CHOICE, 0, 2, 1, "eom|leaf|all", "a method"},
    {"other", CEPMAN_OPTION_CHOICE, 0, 0, 0, "only", "one word"},
    {"path", CEPMAN_OPTION_TEXT, 0, 0, 0, NULL, "a path"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};
static const cep_option other_table[] = {
    {"flag", CEPMAN_OPTION_FLAG, 0, 1, 0, NULL, "a flag"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

static cepman_context *ctx;
static cepman_options *o;

static void begin(void)
{
    ctx = support_begin(1);
    o = NULL;
    assert_good(ctx, cep_options_create(&o, ctx, "test", table));
}

static void end(void)
{
    cepman_options_unref(o);
    support_end(ctx);
}

static const char *formatted(const char *name)
{
    static char text[200];
    for (size_t i = 0; i < cepman_options_count(o); i++)
        if (strcmp(cepman_options_name(o, i), name) == 0) {
            cepman_options_format(o, i, text, sizeof text);
            return text;
        }
    return "no such option";
}

START_TEST(defaults)
{
    begin();
    int flag = 7;
    int64_t integer = 7;
    double real = 7;
    const char *text = NULL;
    assert_good(ctx, cepman_options_get_flag(o, ctx, "flag", &flag));
    ck_assert_int_eq(flag, 1);
    assert_good(ctx, cepman_options_get_integer(o, ctx, "count", &integer));
    ck_assert_int_eq(integer, 15);
    assert_fails(ctx, cepman_options_get_integer(o, ctx, "maybe", &integer), CEPMAN_ERR_OPTION, "auto");
    ck_assert_int_eq(integer, 15);
    assert_good(ctx, cepman_options_get_real(o, ctx, "size", &real));
    ck_assert(real == 0.5);
    assert_good(ctx, cepman_options_get_real(o, ctx, "offset", &real));
    ck_assert(isnan(real));
    assert_good(ctx, cepman_options_get_text(o, ctx, "method", &text));
    ck_assert_str_eq(text, "leaf");
    assert_good(ctx, cepman_options_get_text(o, ctx, "path", &text));
    ck_assert_str_eq(text, "");
    for (size_t i = 0; i < cepman_options_count(o); i++)
        ck_assert_int_eq(cepman_options_is_set(o, i), 0);
    /* As a stage reads them. */
    ck_assert(cep_options_flag(o, "flag"));
    ck_assert_int_eq(cep_options_integer(o, "count"), 15);
    ck_assert(cep_options_auto(o, "maybe") && !cep_options_auto(o, "count"));
    ck_assert(isnan(cep_options_real(o, "offset")));
    ck_assert_int_eq(cep_options_choice(o, "method"), 1);
    ck_assert_str_eq(cep_options_text(o, "other"), "only");
    ck_assert_str_eq(cep_options_text(o, "flag"), "");
    ck_assert(!cep_options_given(o, "flag"));
    ck_assert(isnan(cep_options_real(o, "nothing")) && cep_options_integer(o, "nothing") == 0);
    end();
}
END_TEST

START_TEST(setters)
{
    begin();
    assert_good(ctx, cepman_options_set_flag(o, ctx, "flag", 0));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "count", 100));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "size", 2)); /* integers fit reals */
    assert_good(ctx, cepman_options_set_real(o, ctx, "offset", 0.1));
    assert_good(ctx, cepman_options_set_text(o, ctx, "method", "all"));
    assert_good(ctx, cepman_options_set_text(o, ctx, "path", "/data/scan.npy"));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "big", -9007199254740992));
    ck_assert_str_eq(formatted("flag"), "false");
    ck_assert_str_eq(formatted("count"), "100");
    ck_assert_str_eq(formatted("maybe"), "auto");
    ck_assert_str_eq(formatted("size"), "2");
    ck_assert_str_eq(formatted("offset"), "0.1");
    ck_assert_str_eq(formatted("method"), "all");
    ck_assert_str_eq(formatted("path"), "/data/scan.npy");
    ck_assert_str_eq(formatted("big"), "-9007199254740992");
    ck_assert(cep_options_given(o, "flag") && !cep_options_given(o, "maybe"));
    ck_assert_int_eq(cep_options_choice(o, "method"), 2);
    /* The NULL context is allowed. */
    ck_assert_int_eq(cepman_options_set_integer(o, NULL, "count", 3), CEPMAN_OK);
    ck_assert_int_eq(cepman_options_set_integer(o, NULL, "count", 1), CEPMAN_ERR_RANGE);
    ck_assert_int_eq(cepman_options_set_integer(NULL, NULL, "count", 1), CEPMAN_ERR_ARGUMENT);
    end();
}
END_TEST

START_TEST(refusals)
{
    begin();
    assert_fails(ctx, cepman_options_set_integer(o, ctx, "count", 1), CEPMAN_ERR_RANGE,
                 "'count' is 1, must be 2 to 100");
    assert_fails(ctx, cepman_options_set_integer(o, ctx, "count", 101), CEPMAN_ERR_RANGE, "101");
    assert_fails(ctx, cepman_options_set_integer(o, ctx, "maybe", 10), CEPMAN_ERR_RANGE, "1 to 9 or auto");
    assert_fails(ctx, cepman_options_set_integer(o, ctx, "big", INT64_MAX), CEPMAN_ERR_RANGE, "2^53");
    assert_fails(ctx, cepman_options_set_integer(o, ctx, "big", INT64_MIN), CEPMAN_ERR_RANGE, "2^53");
    assert_fails(ctx, cepman_options_set_real(o, ctx, "size", 0.2499), CEPMAN_ERR_RANGE, "0.25 to 4");
    assert_fails(ctx, cepman_options_set_real(o, ctx, "size", NOT_SET), CEPMAN_ERR_RANGE, "nan");
    assert_fails(ctx, cepman_options_set_real(o, ctx, "size", (double)INFINITY), CEPMAN_ERR_RANGE, "inf");
    assert_fails(ctx, cepman_options_set_flag(o, ctx, "flag", 2), CEPMAN_ERR_RANGE, "flag");
    assert_fails(ctx, cepman_options_set_real(o, ctx, "count", 3), CEPMAN_ERR_OPTION,
                 "'count' is an integer");
    assert_fails(ctx, cepman_options_set_flag(o, ctx, "count", 1), CEPMAN_ERR_OPTION, "an integer");
    assert_fails(ctx, cepman_options_set_text(o, ctx, "size", "1"), CEPMAN_ERR_OPTION, "a real number");
    assert_fails(ctx, cepman_options_set_text(o, ctx, "method", "ALL"), CEPMAN_ERR_RANGE, "eom|leaf|all");
    assert_fails(ctx, cepman_options_set_text(o, ctx, "method", ""), CEPMAN_ERR_RANGE, "method");
    assert_fails(ctx, cepman_options_set_text(o, ctx, "method", "eom|leaf"), CEPMAN_ERR_RANGE, "eom|leaf");
    assert_fails(ctx, cepman_options_set_text(o, ctx, "method", NULL), CEPMAN_ERR_ARGUMENT, "method");
    assert_fails(ctx, cepman_options_set_integer(o, ctx, "cuont", 3), CEPMAN_ERR_OPTION,
                 "test has no option 'cuont'");
    assert_fails(ctx, cepman_options_set_integer(o, ctx, NULL, 3), CEPMAN_ERR_ARGUMENT, "NULL");
    assert_fails(ctx, cepman_options_set_integer(NULL, ctx, "count", 3), CEPMAN_ERR_ARGUMENT, "NULL");
    assert_fails(ctx, cepman_options_get_real(o, ctx, "size", NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    static char longer[70000];
    memset(longer, 'x', sizeof longer - 1);
    assert_fails(ctx, cepman_options_set_text(o, ctx, "path", longer), CEPMAN_ERR_RANGE, "65535");
    for (size_t i = 0; i < cepman_options_count(o); i++)
        ck_assert_int_eq(cepman_options_is_set(o, i), 0); /* nothing was changed */
    ck_assert_str_eq(formatted("count"), "15");
    end();
}
END_TEST

START_TEST(parsing)
{
    begin();
    static const struct {
        const char *name, *text, *becomes;
    } good[] = {
        {"flag", "0", "false"},
        {"flag", "on", "true"},
        {"flag", "no", "false"},
        {"flag", "true", "true"},
        {"count", " 20 ", "20"},
        {"count", "+3", "3"},
        {"maybe", "5", "5"},
        {"maybe", "auto", "auto"},
        {"size", "1", "1"},
        {"size", "0.25", "0.25"},
        {"size", "2.5e-1", "0.25"},
        {"offset", "1e-3", "0.001"},
        {"offset", "auto", "auto"},
        {"method", "eom", "eom"},
        {"path", "a b,c", "a b,c"},
        {"path", "", ""},
        {"big", "9007199254740992", "9007199254740992"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_good(ctx, cepman_options_parse(o, ctx, good[i].name, good[i].text));
        ck_assert_str_eq(formatted(good[i].name), good[i].becomes);
    }
    static const struct {
        const char *name, *text;
        const char *words;
    } bad[] = {
        {"flag", "maybe", "true or false"},
        {"flag", "TRUE", "true or false"},
        {"flag", "", "true or false"},
        {"count", "1.5", "an integer"},
        {"count", "auto", "an integer"},
        {"count", "1", "2 to 100"},
        {"maybe", "x", "integer or auto"},
        {"size", "1,5", "a number"},
        {"size", "nan", "nan"},
        {"offset", "later", "or auto"},
        {"offset", "1e999", "a number"},
        {"method", "EOM", "eom|leaf|all"},
        {"size", "", "a number"},
        {"big", "9223372036854775807", "2^53"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_fails(ctx, cepman_options_parse(o, ctx, bad[i].name, bad[i].text), CEPMAN_ERR_RANGE,
                     bad[i].words);
    assert_fails(ctx, cepman_options_parse(o, ctx, "none", "1"), CEPMAN_ERR_OPTION, "none");
    assert_fails(ctx, cepman_options_parse(o, ctx, "size", NULL), CEPMAN_ERR_ARGUMENT, "size");
    ck_assert_str_eq(formatted("size"), "0.25"); /* refused values leave the old one */
    end();
}
END_TEST

START_TEST(every_value_reads_back)
{
    begin();
    support_random r = {11};
    for (int i = 0; i < 5000; i++) {
        double v = 0.25 + 3.75 * support_uniform(&r), back = 0;
        assert_good(ctx, cepman_options_set_real(o, ctx, "size", v));
        char text[200];
        snprintf(text, sizeof text, "%s", formatted("size"));
        assert_good(ctx, cepman_options_parse(o, ctx, "size", text));
        assert_good(ctx, cepman_options_get_real(o, ctx, "size", &back));
        ck_assert_msg(back == v, "%a as %s is %a", v, text, back);
    }
    for (size_t i = 0; i < cepman_options_count(o); i++) { /* and so do the defaults */
        char text[200];
        snprintf(text, sizeof text, "%s", formatted(cepman_options_name(o, i)));
        assert_good(ctx, cepman_options_parse(o, ctx, cepman_options_name(o, i), text));
        ck_assert_str_eq(formatted(cepman_options_name(o, i)), text);
    }
    char text[4] = "zzz";
    ck_assert_uint_eq(cepman_options_format(o, 6, text, 3), 4); /* "leaf" */
    ck_assert_str_eq(text, "le");
    ck_assert_uint_eq(cepman_options_format(o, 6, NULL, 0), 4);
    end();
}
END_TEST

START_TEST(the_table)
{
    begin();
    ck_assert_str_eq(cepman_options_kind(o), "test");
    ck_assert_uint_eq(cepman_options_count(o), 9);
    ck_assert_str_eq(cepman_options_name(o, 1), "count");
    ck_assert_str_eq(cepman_options_help(o, 1), "a count, 2 to 100");
    ck_assert_int_eq(cepman_options_type(o, 1), CEPMAN_OPTION_INTEGER);
    ck_assert(cepman_options_minimum(o, 1) == 2 && cepman_options_maximum(o, 1) == 100);
    ck_assert_ptr_null(cepman_options_choices(o, 1));
    ck_assert_str_eq(cepman_options_choices(o, 2), "auto");
    ck_assert_str_eq(cepman_options_choices(o, 6), "eom|leaf|all");
    ck_assert_ptr_null(cepman_options_name(o, 9));
    ck_assert_ptr_null(cepman_options_help(o, SIZE_MAX));
    ck_assert(isnan(cepman_options_minimum(o, 9)) && isnan(cepman_options_maximum(o, 9)));
    ck_assert_int_eq(cepman_options_is_set(o, 9), 0);
    char text[4] = "zzz";
    ck_assert_uint_eq(cepman_options_format(o, 9, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_ptr_null(cepman_options_kind(NULL));
    ck_assert_uint_eq(cepman_options_count(NULL), 0);
    ck_assert_ptr_null(cepman_options_name(NULL, 0));
    end();
}
END_TEST

START_TEST(copies_and_references)
{
    begin();
    cepman_options *copy = NULL, *resolved = NULL;
    const char *text = NULL;
    assert_good(ctx, cepman_options_set_text(o, ctx, "path", "one"));
    assert_good(ctx, cepman_options_set_text(o, ctx, "method", "eom"));
    assert_good(ctx, cepman_options_copy(&copy, ctx, o));
    assert_good(ctx, cepman_options_set_text(o, ctx, "path", "two"));
    assert_good(ctx, cepman_options_set_text(o, ctx, "method", "all"));
    assert_good(ctx, cepman_options_get_text(copy, ctx, "path", &text));
    ck_assert_str_eq(text, "one");
    assert_good(ctx, cepman_options_get_text(copy, ctx, "method", &text));
    ck_assert_str_eq(text, "eom");
    ck_assert(cep_options_given(copy, "path") && !cep_options_given(copy, "flag"));
    /* NULL: defaults. The right kind: a copy. Another kind: refused. */
    assert_good(ctx, cep_options_resolve(&resolved, ctx, NULL, "test", table));
    ck_assert_str_eq(cep_options_text(resolved, "method"), "leaf");
    cepman_options_unref(resolved);
    assert_good(ctx, cep_options_resolve(&resolved, ctx, o, "test", table));
    ck_assert_str_eq(cep_options_text(resolved, "method"), "all");
    cepman_options_unref(resolved);
    resolved = NULL;
    assert_fails(ctx, cep_options_resolve(&resolved, ctx, o, "other", other_table), CEPMAN_ERR_OPTION,
                 "kind 'test' given where 'other' belongs");
    ck_assert_ptr_null(resolved);
    assert_fails(ctx, cepman_options_copy(NULL, ctx, o), CEPMAN_ERR_ARGUMENT, "NULL");
    assert_fails(ctx, cepman_options_copy(&resolved, ctx, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    ck_assert_ptr_eq(cepman_options_ref(copy), copy);
    cepman_options_unref(copy);
    ck_assert_str_eq(cep_options_text(copy, "path"), "one");
    cepman_options_unref(copy);
    cepman_options_unref(NULL);
    ck_assert_ptr_null(cepman_options_ref(NULL));
    end();
}
END_TEST

START_TEST(failing_memory)
{
    begin();
    assert_good(ctx, cepman_options_set_text(o, ctx, "path", "kept"));
    for (long fail = 0;; fail++) {
        ck_assert_int_lt(fail, 20);
        cepman_options *made = NULL, *copy = NULL;
        support_fail_at(fail);
        cepman_status a = cep_options_create(&made, ctx, "test", table);
        cepman_status b = cepman_options_copy(&copy, ctx, o);
        cepman_status c = cepman_options_set_text(o, ctx, "path", "changed");
        support_fail_at(-1);
        ck_assert(a == CEPMAN_OK || a == CEPMAN_ERR_MEMORY);
        ck_assert(b == CEPMAN_OK || b == CEPMAN_ERR_MEMORY);
        ck_assert(!made == !!a && !copy == !!b);
        ck_assert_str_eq(cep_options_text(o, "path"), c ? "kept" : "changed");
        cepman_options_unref(made);
        cepman_options_unref(copy);
        if (!c) break;
        ck_assert_int_eq(c, CEPMAN_ERR_MEMORY);
    }
    end();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("base options");
    TCase *t = tcase_create("options");
    tcase_add_test(t, defaults);
    tcase_add_test(t, setters);
    tcase_add_test(t, refusals);
    tcase_add_test(t, parsing);
    tcase_add_test(t, every_value_reads_back);
    tcase_add_test(t, the_table);
    tcase_add_test(t, copies_and_references);
    tcase_add_test(t, failing_memory);
    suite_add_tcase(s, t);
    return s;
}
