/* EMPAD: a .raw of little-endian float32 frames without any header, and the .xml record beside it.
 * A frame is 130 rows of 128: 128 of pixels and a footer of two. The scan is in the file's name, else in the
 * record. Must not: guess a scan from the number of frames; leave the record's folder. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "reader.h"
#include "text.h"

enum { SIDE = 128, ROWS = 130, FRAME_BYTES = SIDE * SIDE * 4, STRIDE = ROWS * SIDE * 4 };

typedef struct record {
    uint64_t rows, columns, series; /* 0: not known */
    double scan_step, reciprocal_pixel;
    char raw[256];
} record;

/* ---- the name
 * ------------------------------------------------------------------------------------------------- */

/* scan_xA_yB: A columns, B rows; series_xN. */
void cep_empad_name(const char *name, uint64_t *rows, uint64_t *columns, uint64_t *series)
{
    const char *p = strstr(name, "scan_x");
    uint64_t x, y;
    *rows = *columns = *series = 0;
    if (p && cep_text_digits(p += 6, &p, &x) && strncmp(p, "_y", 2) == 0 && cep_text_digits(p + 2, &p, &y)) {
        *columns = x;
        *rows = y;
    } else if ((p = strstr(name, "series_x")) && cep_text_digits(p + 8, &p, &x)) {
        *series = x;
    }
}

static void parse_name(const char *name, record *r)
{
    uint64_t rows, columns, series;
    cep_empad_name(name, &rows, &columns, &series);
    if (rows || columns) {
        r->columns = columns;
        r->rows = rows;
    }
    if (series) r->series = series;
}

/* ---- the record
 * ------------------------------------------------------------------------------------------------ */

/* The scan's size and calibrations. The lengths are in metres; what the record calls the pixel size is in
 * 1/nm when multiplied by 1e9. Names are those of the software's versions 0.51 to 1.2.3. */
static void parse_record(cep_text whole, record *r)
{
    cep_text part, field, attribute;
    double value, factor;
    uint64_t n;
    cep_text root = whole;
    if (cep_xml_element(root, "raw_file", 0, &part, &attribute) &&
        cep_xml_attribute(attribute, "filename", &field))
        cep_text_copy(field, r->raw, sizeof r->raw);
    if (cep_xml_element(root, "count", 0, &part, NULL) && cep_text_integer(part, &n)) r->series = n;
    if (cep_xml_element(root, "series_count", 0, &part, NULL) && cep_text_integer(part, &n)) r->series = n;
    if (cep_xml_element(root, "pix_x", 0, &part, NULL) && cep_text_integer(part, &n)) r->columns = n;
    if (cep_xml_element(root, "pix_y", 0, &part, NULL) && cep_text_integer(part, &n)) r->rows = n;
    /* "search" is the overview before the acquisition. */
    for (size_t i = 0;
         i < 16 && !(r->rows && r->columns) && cep_xml_element(root, "scan_parameters", i, &part, &attribute);
         i++) {
        uint64_t x, y;
        if (cep_xml_attribute(attribute, "mode", &field) && cep_text_is(field, "acquire") &&
            cep_xml_element(part, "scan_resolution_x", 0, &field, NULL) && cep_text_integer(field, &x) &&
            cep_xml_element(part, "scan_resolution_y", 0, &field, NULL) && cep_text_integer(field, &y)) {
            r->columns = x;
            r->rows = y;
        }
    }
    /* A name of the raw file that gives the scan counts more than any field. */
    parse_name(r->raw, r);
    uint64_t side = r->rows > r->columns ? r->rows : r->columns;
    if (side && cep_xml_element(root, "full_scan_field_of_view", 0, &part, NULL)) {
        if (cep_xml_element(part, "x", 0, &field, NULL) && cep_text_real(field, &value) &&
            cep_xml_element(part, "scale_factor", 0, &field, NULL) && cep_text_real(field, &factor))
            r->scan_step = value / factor / (double)side * 1e9;
    } else if (side && cep_xml_element(root, "optics.get_full_scan_field_of_view", 0, &part, NULL)) {
        if (cep_text_list_real(part, &value)) r->scan_step = value / (double)side * 1e9;
    }
    if (cep_xml_element(root, "calibrated_pixelsize", 0, &part, NULL) && cep_text_real(part, &value))
        r->reciprocal_pixel = value * 1e8;
}

/* ---- the file
 * -------------------------------------------------------------------------------------------------- */

static bool is_record(const cep_opening *o)
{
    size_t i = 0;
    if (o->head_size >= 3 && memcmp(o->head, "\xef\xbb\xbf", 3) == 0) i = 3;
    while (i < o->head_size && isspace(o->head[i]))
        i++;
    if (i == o->head_size || o->head[i] != '<') return false;
    cep_text head = {(const char *)o->head + i, (const char *)o->head + o->head_size};
    return cep_text_find(head, "<root").at != NULL;
}

static bool named_raw(const char *path)
{
    record r = {0};
    const char *name = cep_base_name(path), *dot = strrchr(name, '.');
    if (!dot || strcmp(dot, ".raw") != 0) return false;
    parse_name(name, &r);
    return r.rows || r.series;
}

static bool empad_probe(const cep_opening *o)
{
    if (is_record(o)) return true;
    uint64_t size = cep_file_size(o->file);
    const char *dot = strrchr(cep_base_name(o->path), '.');
    return named_raw(o->path) || (size > 0 && size % STRIDE == 0 && dot && strcmp(dot, ".raw") == 0);
}

/* From the record to its raw file, which must lie in the same folder. */
static cepman_status open_record(cep_opening *o, record *r)
{
    char *text = NULL, *path = NULL;
    size_t size;
    cepman_status s = cep_file_slurp(&text, &size, o->mem, o->fault, o->path, (size_t)4 << 20);
    if (s) return s;
    parse_record((cep_text){text, text + size}, r);
    cep_free(o->mem, text);
    if (!r->raw[0])
        return cep_fault_set(o->fault, CEPMAN_ERR_FORMAT,
                             "%s: the record names no raw file (<raw_file filename=...>)", o->path);
    path = cep_sibling(o->mem, o->path, r->raw);
    if (!path) return cep_fault_memory(o->fault, o->mem, "a path", strlen(o->path) + strlen(r->raw), 1);
    cep_file *raw = NULL;
    s = cep_file_open(&raw, o->mem, o->fault, path);
    cep_free(o->mem, path);
    if (s) return s;
    cep_file_close(o->file);
    o->file = raw;
    return CEPMAN_OK;
}

static cepman_status empad_open(cep_opening *o)
{
    record r = {.scan_step = (double)NAN, .reciprocal_pixel = (double)NAN};
    if (is_record(o)) {
        cepman_status s = open_record(o, &r);
        if (s) return s;
    } else {
        parse_name(cep_base_name(o->path), &r);
    }
    o->info.type = CEPMAN_TYPE_F32;
    o->info.height = o->info.width = SIDE;
    if (r.scan_step > 0 && isfinite(r.scan_step)) o->info.scan_step = r.scan_step;
    if (r.reciprocal_pixel > 0 && isfinite(r.reciprocal_pixel)) o->info.reciprocal_pixel = r.reciprocal_pixel;
    o->rows = r.rows;
    o->columns = r.columns;
    const uint64_t most = (uint64_t)1 << 40;
    o->promised = r.rows && r.columns ? (r.rows < most / r.columns ? r.rows * r.columns : most) : r.series;
    if (!o->promised) o->promised = (cep_file_size(o->file) + STRIDE - 1) / STRIDE;
    cep_strides strides = {.stride = STRIDE, .bytes = FRAME_BYTES, .frame_bytes = FRAME_BYTES};
    strides.swap = cep_swaps_little() ? 4 : 0;
    /* The footer of the last frame must be there too: without it the file has been cut. */
    uint64_t whole = cep_file_size(o->file) / STRIDE;
    cepman_status s = cep_strides_open(o, &strides);
    o->frames = whole;
    return s;
}

const cep_reader cep_reader_empad = {"empad", empad_probe, empad_open};
