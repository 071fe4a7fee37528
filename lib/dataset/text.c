/* Small text parsing for headers and records.
 * Pieces of text carry their end; numbers go through the locale-independent parsers of base/.
 * Must not: read past the end, allocate. */
#include "text.h"

#include <math.h>
#include <string.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool cep_text_digits(const char *p, const char **after, uint64_t *value)
{
    uint64_t v = 0;
    const char *start = p;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (v > ((uint64_t)1 << 58)) return false;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    *after = p;
    *value = v;
    return p > start;
}

cep_text cep_text_trim(cep_text t)
{
    while (t.at < t.end && blank(*t.at))
        t.at++;
    while (t.at < t.end && blank(t.end[-1]))
        t.end--;
    return t;
}

bool cep_text_is(cep_text t, const char *word)
{
    size_t n = strlen(word);
    return t.at && (size_t)(t.end - t.at) == n && memcmp(t.at, word, n) == 0;
}

void cep_text_copy(cep_text t, char *buffer, size_t size)
{
    size_t n = t.at ? (size_t)(t.end - t.at) : size;
    buffer[0] = 0;
    if (n >= size || memchr(t.at, 0, n)) return;
    memcpy(buffer, t.at, n);
    buffer[n] = 0;
}

bool cep_text_integer(cep_text t, uint64_t *value)
{
    char text[32];
    int64_t v;
    cep_text_copy(cep_text_trim(t), text, sizeof text);
    if (!cep_parse_integer(text, &v) || v < 0 || v > ((int64_t)1 << 62)) return false;
    *value = (uint64_t)v;
    return true;
}

bool cep_text_real(cep_text t, double *value)
{
    char text[64];
    double v;
    cep_text_copy(cep_text_trim(t), text, sizeof text);
    if (!cep_parse_real(text, &v) || !isfinite(v)) return false;
    *value = v;
    return true;
}

bool cep_text_list_real(cep_text t, double *value)
{
    cep_text rest;
    t = cep_text_trim(t);
    if (t.at == t.end || *t.at != '[') return false;
    t.at++;
    cep_text first = cep_text_split(t, ',', &rest);
    if (!rest.at) first = cep_text_split(t, ']', &rest);
    return cep_text_real(first, value);
}

cep_text cep_text_find(cep_text t, const char *word)
{
    size_t n = strlen(word);
    cep_text none = {NULL, NULL};
    if (!t.at) return none;
    while ((size_t)(t.end - t.at) >= n) {
        const char *p = memchr(t.at, word[0], (size_t)(t.end - t.at) - n + 1);
        if (!p) return none;
        if (memcmp(p, word, n) == 0) return (cep_text){p, t.end};
        t.at = p + 1;
    }
    return none;
}

cep_text cep_text_split(cep_text t, char separator, cep_text *rest)
{
    const char *p = t.at < t.end ? memchr(t.at, separator, (size_t)(t.end - t.at)) : NULL;
    *rest = p ? (cep_text){p + 1, t.end} : (cep_text){NULL, NULL};
    return (cep_text){t.at, p ? p : t.end};
}

bool cep_xml_element(cep_text t, const char *name, size_t index, cep_text *inside, cep_text *attributes)
{
    size_t n = strlen(name), seen = 0;
    while (t.at && t.at < t.end) {
        const char *open = memchr(t.at, '<', (size_t)(t.end - t.at));
        if (!open) return false;
        t.at = open + 1;
        if ((size_t)(t.end - t.at) <= n || memcmp(t.at, name, n) != 0) continue;
        char after = t.at[n];
        if (!blank(after) && after != '>' && after != '/') continue;
        const char *close = memchr(t.at, '>', (size_t)(t.end - t.at));
        if (!close) return false;
        cep_text tag = {t.at + n, close};
        bool empty = close[-1] == '/';
        if (empty) tag.end--;
        t.at = close + 1;
        if (seen++ < index) continue;
        cep_text content = {t.at, t.at};
        if (!empty) {
            /* </name> */
            cep_text end = t;
            for (;;) {
                end = cep_text_find(end, "</");
                if (!end.at) return false;
                end.at += 2;
                if ((size_t)(end.end - end.at) > n && memcmp(end.at, name, n) == 0 &&
                    (end.at[n] == '>' || blank(end.at[n])))
                    break;
            }
            content.end = end.at - 2;
        }
        *inside = content;
        if (attributes) *attributes = tag;
        return true;
    }
    return false;
}

bool cep_xml_attribute(cep_text t, const char *name, cep_text *value)
{
    size_t n = strlen(name);
    while ((t = cep_text_find(t, name)).at) {
        const char *start = t.at;
        t.at += n;
        if (!blank(start[-1]) || t.end - t.at < 3 || t.at[0] != '=') continue; /* a tag's name comes before */
        char quote = t.at[1];
        if (quote != '"' && quote != '\'') continue;
        const char *from = t.at + 2, *to = memchr(from, quote, (size_t)(t.end - from));
        if (!to) return false;
        *value = (cep_text){from, to};
        return true;
    }
    return false;
}
