/* Numbers from and to text, whatever the host's locale says.
 * strtod and printf follow LC_NUMERIC; here its decimal mark is put in and taken out around them.
 * Must not: call setlocale, or allocate. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

static bool blank_to_end(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
        p++;
    return *p == 0;
}

bool cep_parse_integer(const char *text, int64_t *value)
{
    const char *p = text;
    while (*p == ' ' || *p == '\t')
        p++;
    bool negative = *p == '-';
    if (*p == '-' || *p == '+') p++;
    if (*p < '0' || *p > '9') return false;
    uint64_t v = 0;
    const uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    for (; *p >= '0' && *p <= '9'; p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (v > (most - digit) / 10) return false;
        v = v * 10 + digit;
    }
    if (!blank_to_end(p)) return false;
    *value = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

/* The decimal mark of the calling thread's locale, which strtod and printf use: what stands between the digits of 1.5.
 * Choosing the C locale for the call instead would allocate, and glibc does not give that back when LOCPATH is set. */
static size_t decimal_mark(char mark[16])
{
    char t[20];
    int n = snprintf(t, sizeof t, "%.1f", 1.5);
    size_t length = n > 2 && n < 18 ? (size_t)n - 2 : 1;
    memcpy(mark, length > 1 || n == 3 ? t + 1 : ".", length);
    mark[length] = 0;
    return length;
}

/* Longer texts are no number that anyone wrote. */
#define MOST_DIGITS 400

bool cep_parse_real(const char *text, double *value)
{
    char mark[16], t[MOST_DIGITS + 16];
    size_t length = decimal_mark(mark), n = 0, marks = 0;
    while (*text == ' ' || *text == '\t')
        text++;
    /* strtod would also take "0x1p3", "nan(...)" and the locale's own mark: only plain decimal numbers, inf and nan. */
    for (; *text && !strchr(" \t\r\n", *text); text++) {
        if (n >= MOST_DIGITS || !strchr("0123456789+-.eEinftyaINFTYA", *text)) return false;
        if (*text == '.') {
            if (++marks > 1) return false;
            memcpy(t + n, mark, length);
            n += length;
        } else {
            t[n++] = *text;
        }
    }
    t[n] = 0;
    if (n == 0 || !blank_to_end(text)) return false;
    char *end;
    int saved = errno;
    errno = 0;
    double v = strtod(t, &end);
    bool overflow = errno == ERANGE && isinf(v);
    errno = saved;
    if (end != t + n || overflow) return false;
    *value = v;
    return true;
}

/* "%.*g" with '.' for the locale's mark. */
static void print_real(char *t, size_t size, int digits, double value)
{
    char mark[16];
    size_t length = decimal_mark(mark);
    snprintf(t, size, "%.*g", digits, value);
    char *at = strstr(t, mark);
    if (!at) return;
    *at = '.';
    memmove(at + 1, at + length, strlen(at + length) + 1);
}

size_t cep_format_real(char *text, size_t size, double value)
{
    char t[64];
    if (isnan(value)) {
        snprintf(t, sizeof t, "nan");
    } else if (isinf(value)) {
        snprintf(t, sizeof t, value > 0 ? "inf" : "-inf");
    } else {
        for (int digits = 6; digits <= 17; digits++) {
            double back;
            print_real(t, sizeof t, digits, value);
            if (cep_parse_real(t, &back) && back == value) break;
        }
    }
    size_t n = strlen(t);
    if (size) {
        size_t m = n < size - 1 ? n : size - 1;
        memcpy(text, t, m);
        text[m] = 0;
    }
    return n;
}
