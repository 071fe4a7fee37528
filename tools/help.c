/* Help printed from the option tables: the program's own and the stages'.
 * The text, ranges and defaults of a stage's option are the library's.
 * Must not: repeat in words what a table says. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

/* Lines of `text` from column `left` on, folded before column 110; the cursor stands at `column`. */
static void print_folded(const char *text, size_t column, size_t left)
{
    if (column && column + 1 > left) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", (int)(left - column), "");
    column = left;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, " ");
        if (column > left && column + 1 + n > 110) {
            printf("\n%*s", (int)left, "");
            column = left;
        } else if (column > left) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)n, p);
        column += n;
        p += n;
        while (*p == ' ')
            p++;
    }
    putchar('\n');
}

void help_text(const char *text)
{
    print_folded(text, 0, 0);
}

static const char *const own_words[] = {"", "N", "X", "", "TEXT", "PATH", ""};
static const char *const stage_words[] = {"", "N", "X", "", "TEXT"};

void help_own(const arg_option *table, const arg_short *shorts)
{
    for (const arg_option *row = table; row && row->name; row++) {
        char head[200], text[600];
        char letter = 0;
        for (const arg_short *s = shorts; s && s->letter; s++)
            if (strcmp(s->name, row->name) == 0) letter = s->letter;
        const char *word = row->value                ? row->value
                           : row->type == ARG_CHOICE ? row->choices
                                                     : own_words[row->type];
        int n = 0;
        if (letter)
            n = snprintf(head, sizeof head, "  -%c, --%s %s", letter, row->name, word);
        else
            n = snprintf(head, sizeof head, "      --%s %s", row->name, word);
        printf("%s", head);
        int m = snprintf(text, sizeof text, "%s", row->help);
        if (row->standard && m > 0 && (size_t)m < sizeof text)
            snprintf(text + m, sizeof text - (size_t)m, " (default %s)", row->standard);
        print_folded(text, (size_t)n, 34);
    }
}

/* A bound as the tables' help writes it: 1e-6, not 1e-06. */
static void bound_text(char *text, size_t size, double bound)
{
    snprintf(text, size, "%.10g", bound);
    char *e = strchr(text, 'e');
    if (e && e[2] == '0') memmove(e + 2, e + 3, strlen(e + 3) + 1);
}

/* "1 to 100", "0 or more", or "" when the help's own words tell it. */
static void range_text(char *text, size_t size, double low, double high, const char *help)
{
    char first[40], last[40], told[60];
    *text = 0;
    bound_text(first, sizeof first, low);
    bound_text(last, sizeof last, high);
    snprintf(told, sizeof told, "%s to ", first);
    if (strstr(help, told)) return;
    const double huge = 1e12; /* bounds beyond it are there for the arithmetic's sake */
    if (low > -huge && high < huge)
        snprintf(text, size, "%s to %s", first, last);
    else if (low > -huge)
        snprintf(text, size, "%s or more", first);
    else if (high < huge)
        snprintf(text, size, "at most %s", last);
}

void help_stage(const tool *t, const cepman_options *o)
{
    for (size_t i = 0; i < cepman_options_count(o); i++) {
        char name[100], head[300], text[1000], range[100] = "", value[200];
        if (stage_option_hidden(t, o, cepman_options_name(o, i))) continue;
        stage_option_name(t, o, cepman_options_name(o, i), name, sizeof name);
        cepman_option_type type = cepman_options_type(o, i);
        const char *choices = cepman_options_choices(o, i);
        char letter = 0;
        for (const arg_short *s = t->command->shorts; s && s->letter; s++)
            if (strcmp(s->name, name) == 0) letter = s->letter;
        const char *word = type == CEPMAN_OPTION_CHOICE ? choices : stage_words[type];
        int n;
        if (letter)
            n = snprintf(head, sizeof head, "  -%c, --%s %s", letter, name, word);
        else
            n = snprintf(head, sizeof head, "      --%s %s", name, word);
        printf("%s", head);
        if (type == CEPMAN_OPTION_INTEGER || type == CEPMAN_OPTION_REAL)
            range_text(range, sizeof range, cepman_options_minimum(o, i), cepman_options_maximum(o, i),
                       cepman_options_help(o, i));
        cepman_options_format(o, i, value, sizeof value);
        bool silent = type == CEPMAN_OPTION_FLAG || !*value; /* a default that goes without saying */
        bool word_too = type != CEPMAN_OPTION_CHOICE && choices, any = *range || word_too || !silent;
        snprintf(text, sizeof text, "%s%s%s%s%s%s%s%s%s", cepman_options_help(o, i), any ? " (" : "", range,
                 *range && word_too ? ", or "
                 : word_too         ? "or "
                                    : "",
                 word_too ? choices : "", (*range || word_too) && !silent ? "; " : "",
                 silent ? "" : "default ", silent ? "" : value, any ? ")" : "");
        print_folded(text, (size_t)n, 34);
    }
}
