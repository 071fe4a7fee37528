/* Walking through JSON text where it lies: members of objects and items of arrays one by one.
 * RFC 8259; values are delimited, not validated: numbers and words are for the caller to read.
 * Must not: allocate, recurse, read past the end. */
#include "json.h"

#include <string.h>

/* From a quote to after the closing one; NULL when there is none. */
static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && ++p == end) return NULL;
    return p < end ? p + 1 : NULL;
}

/* The value that begins at p: to the comma that ends it at this depth, or to the end. NULL: brackets do not match. */
static const char *skip_value(const char *p, const char *end)
{
    size_t depth = 0;
    while (p < end) {
        if (*p == '"') {
            p = skip_string(p, end);
            if (!p) return NULL;
            continue;
        }
        if (depth == 0 && *p == ',') return p;
        if (*p == '{' || *p == '[') depth++;
        if (*p == '}' || *p == ']') {
            if (depth == 0) return NULL;
            depth--;
        }
        p++;
    }
    return depth == 0 ? end : NULL;
}

bool cep_json_inside(cep_text value, char open, cep_text *inside)
{
    const char close = open == '{' ? '}' : ']';
    if (!value.at) return false;
    value = cep_text_trim(value);
    if (value.end - value.at < 2 || *value.at != open || value.end[-1] != close) return false;
    *inside = cep_text_trim((cep_text){value.at + 1, value.end - 1});
    return true;
}

static bool wrong(cep_text *rest)
{
    *rest = (cep_text){NULL, NULL};
    return false;
}

bool cep_json_next(cep_text *rest, cep_text *name, cep_text *value)
{
    if (!rest->at) return false;
    cep_text t = cep_text_trim(*rest);
    *rest = t;
    if (t.at == t.end) return false;
    if (name) {
        const char *after = *t.at == '"' ? skip_string(t.at, t.end) : NULL;
        if (!after) return wrong(rest);
        *name = (cep_text){t.at + 1, after - 1};
        t = cep_text_trim((cep_text){after, t.end});
        if (t.at == t.end || *t.at != ':') return wrong(rest);
        t.at++;
    }
    const char *after = skip_value(t.at, t.end);
    if (!after) return wrong(rest);
    *value = cep_text_trim((cep_text){t.at, after});
    if (value->at == value->end) return wrong(rest);
    rest->at = after < t.end ? after + 1 : t.end;
    return true;
}

bool cep_json_member(cep_text object, const char *name, cep_text *value)
{
    cep_text rest, key, item;
    if (!cep_json_inside(object, '{', &rest)) return false;
    while (cep_json_next(&rest, &key, &item))
        if (cep_text_is(key, name)) {
            *value = item;
            return true;
        }
    return false;
}

/* Four hexadecimal digits at p, -1: they are not. */
static long hexadecimal(const char *p, const char *end)
{
    long v = 0;
    if (end - p < 4) return -1;
    for (int i = 0; i < 4; i++) {
        const char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        v = v * 16 + digit;
    }
    return v;
}

/* A character of the basic plane as UTF-8; 0 for the end mark and halves of pairs. */
static size_t put_character(long code, unsigned char *out)
{
    if (code <= 0 || (code >= 0xd800 && code < 0xe000)) return 0;
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : 3;
    out[0] = (unsigned char)(n == 2 ? 0xc0 | code >> 6 : 0xe0 | code >> 12);
    if (n == 3) out[1] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
    out[n - 1] = (unsigned char)(0x80 | (code & 0x3f));
    return n;
}

/* One character at *p, escaped or not, and *p after it; its bytes, 0 when it is none. */
static size_t take_character(const char **p, const char *end, unsigned char *out)
{
    static const char names[] = "nrtbf", values[] = "\n\r\t\b\f";
    const char *c = *p;
    if (*c != '\\') {
        *p = c + 1;
        out[0] = (unsigned char)*c;
        return *c != 0;
    }
    c++; /* skip_string() saw to it that there is one more */
    *p = c + 1;
    if (*c == 'u') {
        *p = c + 5;
        return put_character(hexadecimal(c + 1, end), out);
    }
    const char *at = *c ? strchr(names, *c) : NULL;
    out[0] = (unsigned char)(at ? values[at - names] : *c);
    return out[0] != 0;
}

bool cep_json_string(cep_text value, char *text, size_t size)
{
    text[0] = 0;
    if (!value.at || value.end - value.at < 2 || *value.at != '"' ||
        skip_string(value.at, value.end) != value.end)
        return false;
    const char *p = value.at + 1, *end = value.end - 1;
    size_t n = 0;
    while (p < end) {
        unsigned char out[3];
        size_t bytes = take_character(&p, end, out);
        if (bytes == 0 || n + bytes >= size) {
            text[0] = 0;
            return false;
        }
        memcpy(text + n, out, bytes);
        n += bytes;
    }
    text[n] = 0;
    return true;
}
