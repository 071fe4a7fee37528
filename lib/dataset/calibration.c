/* Calibrations beside a file that cannot hold them: FRAMES.npy.json with scan_step_nm and reciprocal_pixel_per_angstrom.
 * One JSON object (RFC 8259); other members are skipped, whatever they hold.
 * Must not: fail an opening: a file that makes no sense is warned about and left alone. */
#include <math.h>
#include <string.h>

#include "reader.h"
#include "text.h"

/* From a quote to after the closing one; NULL when there is none. */
static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && ++p == end) return NULL;
    return p < end ? p + 1 : NULL;
}

/* The value that begins at p: to the comma or bracket that ends it at this depth. */
static const char *skip_value(const char *p, const char *end)
{
    size_t depth = 0;
    while (p < end) {
        if (*p == '"') {
            p = skip_string(p, end);
            if (!p) return NULL;
            continue;
        }
        if (depth == 0 && (*p == ',' || *p == '}')) return p;
        if (*p == '{' || *p == '[') depth++;
        if (*p == '}' || *p == ']') {
            if (depth == 0) return NULL;
            depth--;
        }
        p++;
    }
    return NULL;
}

static bool read_number(cep_text value, double *number)
{
    if (cep_text_is(value, "null")) return true;
    double v;
    if (!cep_text_real(value, &v) || !(v > 0)) return false;
    *number = v;
    return true;
}

bool cep_calibrations_parse(cep_text text, double *scan_step, double *reciprocal_pixel)
{
    double step = (double)NAN, pixel = (double)NAN;
    text = cep_text_trim(text);
    if (text.at == text.end || *text.at != '{' || text.end[-1] != '}') return false;
    cep_text rest = cep_text_trim((cep_text){text.at + 1, text.end});
    while (rest.at < rest.end && *rest.at == '"') {
        const char *key = rest.at + 1, *after = skip_string(rest.at, rest.end);
        if (!after) return false;
        cep_text name = {key, after - 1}, value = cep_text_trim((cep_text){after, rest.end});
        if (value.at == value.end || *value.at != ':') return false;
        value.at++;
        after = skip_value(value.at, value.end);
        if (!after) return false;
        bool more = *after == ',';
        value.end = after;
        value = cep_text_trim(value);
        if (cep_text_is(name, "scan_step_nm") && !read_number(value, &step)) return false;
        if (cep_text_is(name, "reciprocal_pixel_per_angstrom") && !read_number(value, &pixel)) return false;
        rest = cep_text_trim((cep_text){after + 1, rest.end});
        if (!more) break;
    }
    if (rest.at != rest.end && *rest.at != '}') return false;
    *scan_step = step;
    *reciprocal_pixel = pixel;
    return true;
}

cepman_status cep_calibrations_beside(cep_opening *o)
{
    static const char end[] = ".json";
    size_t length = strlen(o->path), size;
    char *path = cep_alloc(o->mem, length + sizeof end, 1), *text = NULL;
    if (!path) return cep_fault_memory(o->fault, o->mem, "path", length + sizeof end, 1);
    memcpy(path, o->path, length);
    memcpy(path + length, end, sizeof end);
    cepman_status s = cep_file_slurp(&text, &size, o->mem, o->fault, path, 65536);
    if (!s &&
        !cep_calibrations_parse((cep_text){text, text + size}, &o->info.scan_step, &o->info.reciprocal_pixel))
        cep_log(o->ctx, CEPMAN_LOG_WARNING, "%s: not an object with positive calibrations: it is left out",
                path);
    cep_free(o->mem, text);
    cep_free(o->mem, path);
    return s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_LIMIT ? s : CEPMAN_OK;
}
