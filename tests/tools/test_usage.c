/* Usage of every command: help, unknown options, missing operands; the list of commands is the program's own. */
#include "program.h"

#include <stdio.h>
#include <string.h>

#include <cepman/version.h>

static char names[40][32];
static int count;

/* The commands that `cepman --help` lists. */
static void list(void)
{
    count = 0;
    ck_assert_int_eq(cepman("--help"), 0);
    for (char *save = NULL, *line = strtok_r(last.out, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, "  ", 2) == 0 && line[2] != ' ' && count < 40)
            if (sscanf(line, " %31s", names[count]) == 1) count++;
    ck_assert_int_ge(count, 2);
}

START_TEST(asks_without_arguments)
{
    ck_assert_int_eq(cepman(" "), 2);
    ck_assert_ptr_nonnull(strstr(last.err, "usage: cepman COMMAND"));
    ck_assert_int_eq(last.out[0], 0);
    ck_assert_int_eq(cepman("help"), 0);
    ck_assert_ptr_nonnull(strstr(last.out, "usage: cepman COMMAND"));
    good("--version");
    ck_assert_ptr_nonnull(strstr(last.out, CEPMAN_VERSION_STRING));
    bad(2, "'frobnicate'", "frobnicate x.npy");
}
END_TEST

START_TEST(helps_with_every_command)
{
    list();
    for (int i = 0; i < count; i++) {
        char usage[80];
        snprintf(usage, sizeof usage, "usage: cepman %.31s ", names[i]);
        good("%s --help", names[i]);
        ck_assert_msg(strncmp(last.out, usage, strlen(usage)) == 0, "%s", last.out);
        ck_assert_ptr_nonnull(strstr(last.out, "--threads"));
        for (const char *p = last.out; *p; p += strcspn(p, "\n") + 1)
            ck_assert_msg(strcspn(p, "\n") <= 118, "%s: a line of %zu signs: %.60s", names[i],
                          strcspn(p, "\n"), p);
        good("%s x.npy -h", names[i]);
    }
}
END_TEST

START_TEST(refuses_wrong_usage_of_every_command)
{
    list();
    for (int i = 0; i < count; i++) {
        bad(2, "takes", "%s", names[i]);
        bad(2, "--frobnicate", "%s --frobnicate 1 a", names[i]);
        bad(2, "-!", "%s -! a", names[i]);
        bad(2, "operand", "%s a b c", names[i]);
        bad(2, "--threads", "%s --threads=-1", names[i]);
        bad(2, "--threads", "%s --threads many", names[i]);
        bad(2, "needs a value", "%s --threads", names[i]);
        bad(2, "--progress", "%s --progress=sometimes", names[i]);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("usage");
    TCase *c = tcase_create("usage");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, asks_without_arguments);
    tcase_add_test(c, helps_with_every_command);
    tcase_add_test(c, refuses_wrong_usage_of_every_command);
    suite_add_tcase(s, c);
    return s;
}
