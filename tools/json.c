/* Writes JSON: two blanks a level, numbers that read back the same whatever the locale, texts as valid UTF-8.
 * RFC 8259; values that are not finite become null.
 * Must not: print a number by the locale's rules (the program never calls setlocale). */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static void put(json *j, const char *text, size_t n)
{
    if (j->failed) return;
    if (j->length + n + 1 > j->room) {
        size_t room = (j->room + n + 64) * 2;
        char *more = realloc(j->text, room);
        if (!more) {
            j->failed = true;
            return;
        }
        j->text = more;
        j->room = room;
    }
    memcpy(j->text + j->length, text, n);
    j->length += n;
    j->text[j->length] = 0;
}

static void puts_text(json *j, const char *text)
{
    put(j, text, strlen(text));
}

size_t utf8_length(const unsigned char *p)
{
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (n == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))) return 0;
    if (n == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))) return 0;
    return n;
}

static void quoted(json *j, const char *text)
{
    puts_text(j, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        char escape[8];
        size_t n = utf8_length(p);
        if (*p == '"' || *p == '\\') {
            snprintf(escape, sizeof escape, "\\%c", *p);
            puts_text(j, escape);
        } else if (*p < 0x20 || *p == 0x7f) {
            snprintf(escape, sizeof escape, "\\u%04x", *p);
            puts_text(j, escape);
        } else if (n == 0) {
            puts_text(j, "\\ufffd");
        } else {
            put(j, (const char *)p, n);
        }
        p += n ? n : 1;
    }
    puts_text(j, "\"");
}

static void begin_value(json *j, const char *key)
{
    if (j->depth) {
        puts_text(j, j->first ? "\n" : ",\n");
        for (int i = 0; i < j->depth; i++)
            puts_text(j, "  ");
    }
    if (key) {
        quoted(j, key);
        puts_text(j, ": ");
    }
    j->first = false;
}

void json_open(json *j, const char *key, char bracket)
{
    begin_value(j, key);
    put(j, &bracket, 1);
    j->depth++;
    j->first = true;
}

void json_close(json *j, char bracket)
{
    j->depth--;
    if (!j->first) {
        puts_text(j, "\n");
        for (int i = 0; i < j->depth; i++)
            puts_text(j, "  ");
    }
    put(j, &bracket, 1);
    j->first = false;
    if (!j->depth) puts_text(j, "\n");
}

void json_text(json *j, const char *key, const char *value)
{
    begin_value(j, key);
    if (value)
        quoted(j, value);
    else
        puts_text(j, "null");
}

void json_real(json *j, const char *key, double value)
{
    char text[40] = "null";
    for (int digits = 6; isfinite(value) && digits <= 17; digits++) {
        double back;
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (parse_real(text, &back) && back == value) break;
    }
    begin_value(j, key);
    puts_text(j, text);
}

void json_integer(json *j, const char *key, int64_t value)
{
    char text[40];
    snprintf(text, sizeof text, "%" PRId64, value);
    begin_value(j, key);
    puts_text(j, text);
}

void json_flag(json *j, const char *key, bool value)
{
    begin_value(j, key);
    puts_text(j, value ? "true" : "false");
}

/* The option's value of any length as text, NULL without memory. */
static char *option_value(const cepman_options *o, size_t i)
{
    size_t n = cepman_options_format(o, i, NULL, 0) + 1;
    char *text = malloc(n);
    if (text) cepman_options_format(o, i, text, n);
    return text;
}

void json_options(json *j, const char *key, const cepman_options *o, bool only_set)
{
    json_open(j, key, '{');
    for (size_t i = 0; i < cepman_options_count(o); i++) {
        if (only_set && !cepman_options_is_set(o, i)) continue;
        const char *name = cepman_options_name(o, i);
        cepman_option_type type = cepman_options_type(o, i);
        char *text = option_value(o, i);
        double v;
        if (!text) {
            j->failed = true;
        } else if (type == CEPMAN_OPTION_FLAG) {
            json_flag(j, name, strcmp(text, "true") == 0);
        } else if ((type == CEPMAN_OPTION_INTEGER || type == CEPMAN_OPTION_REAL) && parse_real(text, &v) &&
                   isfinite(v)) {
            begin_value(j, name);
            puts_text(j, text);
        } else {
            json_text(j, name, text);
        }
        free(text);
    }
    json_close(j, '}');
}

int json_save(json *j, const char *path)
{
    if (!path) return 1;
    if (j->failed) return tool_no_memory();
    FILE *f = fopen(path, "wb");
    bool good = f && fwrite(j->text, 1, j->length, f) == j->length;
    if (f) good = fclose(f) == 0 && good;
    return good ? 0 : tool_fail("%s: cannot write: %s", path, strerror(errno));
}

int json_print(json *j)
{
    if (j->failed) return tool_no_memory();
    fputs(j->text, stdout);
    return 0;
}

void json_free(json *j)
{
    free(j->text);
    memset(j, 0, sizeof *j);
}
