/* Reads the "given" object of a run.json: stage -> option -> value, and sets it as the command line would.
 * A recursive reader of RFC 8259 that keeps no tree: what is not under "given" is checked and skipped.
 * Must not: go deeper than its bound, or past the end of the text. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define DEEPEST 64
#define LARGEST ((size_t)1 << 24)

typedef struct reader {
    tool *t;
    const char *path, *text, *p;
    char *word; /* the last text or scalar, decoded; as large as the file */
    bool seen_given;
} reader;

static int malformed(const reader *r, const char *expected)
{
    return tool_fail("%s: offset %zu: %s expected", r->path, (size_t)(r->p - r->text), expected);
}

static void blanks(reader *r)
{
    while (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')
        r->p++;
}

static int hex4(reader *r, unsigned *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++, r->p++) {
        if (!isxdigit((unsigned char)*r->p)) return malformed(r, "four hexadecimal digits");
        int c = tolower((unsigned char)*r->p);
        *value = *value * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return 0;
}

static char *put_utf8(char *w, unsigned c)
{
    if (c < 0x80) {
        *w++ = (char)c;
    } else if (c < 0x800) {
        *w++ = (char)(0xc0 | c >> 6);
        *w++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *w++ = (char)(0xe0 | c >> 12);
        *w++ = (char)(0x80 | (c >> 6 & 63));
        *w++ = (char)(0x80 | (c & 63));
    } else {
        *w++ = (char)(0xf0 | c >> 18);
        *w++ = (char)(0x80 | (c >> 12 & 63));
        *w++ = (char)(0x80 | (c >> 6 & 63));
        *w++ = (char)(0x80 | (c & 63));
    }
    return w;
}

/* A quoted text into r->word. A decoded text is never longer than its source. */
static int read_text(reader *r)
{
    if (*r->p != '"') return malformed(r, "a text in quotes");
    char *w = r->word;
    for (r->p++; *r->p != '"';) {
        if ((unsigned char)*r->p < 0x20) return malformed(r, "the end of the text");
        if (*r->p != '\\') {
            *w++ = *r->p++;
            continue;
        }
        r->p++;
        const char *plain = "\"\\/bfnrt", *at = *r->p ? strchr(plain, *r->p) : NULL;
        if (at) {
            *w++ = "\"\\/\b\f\n\r\t"[at - plain];
            r->p++;
        } else if (*r->p == 'u') {
            unsigned c, low;
            r->p++;
            if (hex4(r, &c)) return 1;
            if (c >= 0xd800 && c < 0xdc00 && r->p[0] == '\\' && r->p[1] == 'u') {
                r->p += 2;
                if (hex4(r, &low)) return 1;
                if (low < 0xdc00 || low > 0xdfff) return malformed(r, "the second half of a surrogate pair");
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            }
            if (c == 0 || (c >= 0xd800 && c < 0xe000)) return malformed(r, "a character");
            w = put_utf8(w, c);
        } else {
            return malformed(r, "an escape");
        }
    }
    *w = 0;
    r->p++;
    return 0;
}

/* A number, true, false or null, or a text, into r->word. */
static int read_scalar(reader *r)
{
    if (*r->p == '"') return read_text(r);
    size_t n = strspn(r->p, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
    memcpy(r->word, r->p, n);
    r->word[n] = 0;
    double v;
    if (strcmp(r->word, "true") != 0 && strcmp(r->word, "false") != 0 && strcmp(r->word, "null") != 0 &&
        (!strchr("-0123456789", *r->word) || !parse_real(r->word, &v)))
        return malformed(r, "a value");
    r->p += n;
    return 0;
}

/* level 0: the file; 1: under "given"; 2: the options of `stage`; -1: elsewhere. */
static int read_value(reader *r, int depth, int level, const char *stage);

static int read_member(reader *r, int depth, int level, const char *stage)
{
    int rc = read_text(r);
    if (rc) return rc;
    char *key = strdup(r->word);
    if (!key) return tool_no_memory();
    blanks(r);
    if (*r->p++ != ':') {
        r->p--;
        rc = malformed(r, "':'");
    }
    blanks(r);
    if (!rc && level == 2) {
        const bool own = strcmp(stage, r->t->command->name) == 0;
        rc = read_scalar(r);
        if (!rc && own && (strcmp(key, "config") == 0 || strcmp(key, "help") == 0))
            rc = tool_usage("%s: option '%s' stands on the command line alone", r->path, key);
        else if (!rc)
            rc = own ? args_set_own(r->t, key, r->word) : args_set_stage(r->t, stage, key, r->word);
    } else if (!rc) {
        bool given = level == 0 && strcmp(key, "given") == 0;
        if (given) r->seen_given = true;
        if ((given || level == 1) && *r->p != '{')
            rc = malformed(r, "an object");
        else
            rc = read_value(r, depth + 1, given ? 1 : level == 1 ? 2 : -1, key);
    }
    free(key);
    return rc;
}

static int read_value(reader *r, int depth, int level, const char *stage)
{
    if (depth > DEEPEST) return malformed(r, "fewer levels");
    blanks(r);
    char open = *r->p;
    if (open != '{' && open != '[') return read_scalar(r);
    char close = open == '{' ? '}' : ']';
    r->p++;
    blanks(r);
    if (*r->p == close) {
        r->p++;
        return 0;
    }
    for (;;) {
        blanks(r);
        int rc = open == '{' ? read_member(r, depth, level, stage) : read_value(r, depth + 1, -1, NULL);
        if (rc) return rc;
        blanks(r);
        if (*r->p == close) break;
        if (*r->p != ',') return malformed(r, open == '{' ? "',' or '}'" : "',' or ']'");
        r->p++;
    }
    r->p++;
    return 0;
}

int config_load(tool *t, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return tool_fail("%s: cannot read: %s", path, strerror(errno));
    char *text = NULL;
    size_t length = 0, room = 0, n = 1;
    while (n && length < LARGEST) {
        if (length + 65536 > room) {
            room = room * 2 + 131072;
            char *more = realloc(text, room + 1);
            if (!more) break;
            text = more;
        }
        n = fread(text + length, 1, 65536, f);
        length += n;
    }
    bool bad = ferror(f) || n;
    fclose(f);
    reader r = {.t = t, .path = path, .text = text, .p = text, .word = malloc(length + 1)};
    int rc = 0;
    if (bad || !text) {
        rc = tool_fail("%s: cannot read, or larger than %zu bytes", path, LARGEST);
    } else if (!r.word) {
        rc = tool_no_memory();
    } else {
        text[length] = 0;
        blanks(&r);
        rc = *r.p == '{' ? read_value(&r, 0, 0, NULL) : malformed(&r, "'{'");
        if (!rc) blanks(&r);
        if (!rc && r.p != text + length) rc = malformed(&r, "the end of the file");
        if (!rc && !r.seen_given)
            rc = tool_fail("%s: has no object \"given\" with the options of a run", path);
    }
    free(r.word);
    free(text);
    return rc;
}
