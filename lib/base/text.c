/* Numbers from and to text, whatever the host's locale says.
 * strtod and printf follow LC_NUMERIC; here the C locale is chosen for the one call.
 * Must not: call setlocale. */
#include <errno.h>
#include <locale.h>
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

/* The calling thread's locale becomes "C" for one call; glibc makes that one without allocating. */
typedef struct c_locale {
    locale_t c, old;
} c_locale;

static bool enter_c(c_locale *l)
{
    l->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (l->c == (locale_t)0) return false;
    l->old = uselocale(l->c);
    return true;
}

static void leave_c(c_locale *l)
{
    uselocale(l->old);
    freelocale(l->c);
}

/* With the C locale in force. */
static bool parse_real(const char *text, double *value)
{
    const char *p = text;
    bool word = false;
    while (*p == ' ' || *p == '\t')
        p++;
    /* strtod would take "0x1p3" and "nan(...)": only plain decimal numbers, inf and nan are wanted. */
    for (const char *q = p; *q; q++) {
        if (*q == 'x' || *q == 'X' || *q == '(') return false;
        if (*q == 'n' || *q == 'N') word = true;
    }
    if (!*p) return false;
    char *end;
    int saved = errno;
    double v = strtod(p, &end);
    errno = saved;
    if (end == p || !blank_to_end(end)) return false;
    if (isinf(v) && !word) return false; /* 1e999: too large is not infinite */
    *value = v;
    return true;
}

bool cep_parse_real(const char *text, double *value)
{
    c_locale l;
    if (!enter_c(&l)) return false;
    bool good = parse_real(text, value);
    leave_c(&l);
    return good;
}

size_t cep_format_real(char *text, size_t size, double value)
{
    char t[64];
    c_locale l;
    if (isnan(value)) {
        snprintf(t, sizeof t, "nan");
    } else if (isinf(value)) {
        snprintf(t, sizeof t, value > 0 ? "inf" : "-inf");
    } else {
        bool entered = enter_c(&l);
        for (int digits = 6; digits <= 17; digits++) {
            double back;
            snprintf(t, sizeof t, "%.*g", digits, value);
            if (parse_real(t, &back) && back == value) break;
        }
        if (entered) leave_c(&l);
    }
    size_t n = strlen(t);
    if (size) {
        size_t m = n < size - 1 ? n : size - 1;
        memcpy(text, t, m);
        text[m] = 0;
    }
    return n;
}
