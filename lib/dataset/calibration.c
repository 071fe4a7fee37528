/* Calibrations beside a file that cannot hold them: FRAMES.npy.json with scan_step_nm and reciprocal_pixel_per_angstrom.
 * One JSON object (RFC 8259); other members are skipped, whatever they hold.
 * Must not: fail an opening: a file that makes no sense is warned about and left alone. */
#include <math.h>
#include <string.h>

#include "json.h"
#include "reader.h"

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
    cep_text rest, name, value;
    if (!cep_json_inside(text, '{', &rest)) return false;
    while (cep_json_next(&rest, &name, &value)) {
        if (cep_text_is(name, "scan_step_nm") && !read_number(value, &step)) return false;
        if (cep_text_is(name, "reciprocal_pixel_per_angstrom") && !read_number(value, &pixel)) return false;
    }
    if (!rest.at) return false;
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
