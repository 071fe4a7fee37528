/* Arrays out, and the numbers of the command line.
 * .npy files go through the library's writer.
 * Must not: follow a locale (the program never calls setlocale). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

int output_kind(const char *path, bool *png)
{
    if (ends_with(path, ".npy")) {
        if (png) *png = false;
        return 0;
    }
    if (!png) return tool_usage("output '%.200s' must end with .npy", path);
    if (!ends_with(path, ".png")) return tool_usage("output '%.200s' must end with .npy or .png", path);
    *png = true;
    return 0;
}

bool parse_integer(const char *text, int64_t *value)
{
    const char *p = text + (*text == '-' || *text == '+');
    int64_t v = 0;
    if (!*p) return false;
    for (; *p; p++) {
        if (*p < '0' || *p > '9' || v > (INT64_MAX - 9) / 10) return false;
        v = v * 10 + (*p - '0');
    }
    *value = *text == '-' ? -v : v;
    return true;
}

/* The program stays in the C locale, so strtod takes a '.'. */
bool parse_real(const char *text, double *value)
{
    char *end;
    if (!*text || strspn(text, "+-.0123456789eEinfa") != strlen(text)) return false;
    double v = strtod(text, &end);
    if (*end || end == text) return false;
    *value = v;
    return true;
}

bool parse_bytes(const char *text, size_t *value)
{
    char *end;
    double v = strtod(text, &end);
    double unit = 1;
    if (end == text || !(v > 0) || strchr("+-", *text)) return false;
    if (*end) {
        const char *units = "KMGT", *at = strchr(units, *end & ~0x20);
        if (!at) return false;
        unit = pow(1024, (double)(at - units + 1));
        end++;
        if (*end == 'i') end++;
        if (*end == 'B') end++;
    }
    if (*end || v * unit < 1 || v * unit > 1e18) return false;
    *value = (size_t)(v * unit);
    return true;
}

void *array_zero(size_t a, size_t b, size_t size)
{
    void *p = NULL;
    if (!b || a <= SIZE_MAX / b) p = calloc(a && b ? a * b : 1, size);
    if (!p) tool_fail("out of memory for an array of %zu x %zu numbers of %zu bytes", a, b, size);
    return p;
}

int array_save(tool *t, const char *path, cepman_type type, size_t dims, const size_t *shape,
               const void *data)
{
    if (!path) return 1;
    cepman_npy_writer *w = NULL;
    size_t total = 1;
    for (size_t i = 0; i < dims; i++)
        total *= shape[i];
    cepman_status s = cepman_npy_writer_create(&w, t->ctx, path, type, dims, shape);
    if (!s) s = cepman_npy_writer_append(w, t->ctx, data, total);
    if (!s) s = cepman_npy_writer_commit(w, t->ctx);
    int rc = tool_check(t, s);
    cepman_npy_writer_unref(w);
    return rc;
}
