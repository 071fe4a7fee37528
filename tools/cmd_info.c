/* cepman info: what a file is, for people or as JSON.
 * Facts come from the reader; no frame is read but for --pixels.
 * Must not: guess what the file does not tell (unknown is written as such). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "commands.h"
#include "facts.h"
#include "pixels.h"

void facts_json(json *j, const char *key, const char *path, const cepman_dataset *d)
{
    if (key) json_open(j, key, '{');
    if (path) json_text(j, "path", path);
    json_text(j, "format", cepman_dataset_format(d));
    json_text(j, "type", cepman_type_name(cepman_dataset_type(d)));
    json_flag(j, "has_scan", cepman_dataset_has_scan(d));
    json_integer(j, "scan_rows", (int64_t)cepman_dataset_scan_rows(d));
    json_integer(j, "scan_columns", (int64_t)cepman_dataset_scan_columns(d));
    json_integer(j, "frames", (int64_t)cepman_dataset_frames(d));
    json_integer(j, "frames_available", (int64_t)cepman_dataset_available(d));
    json_integer(j, "height", (int64_t)cepman_dataset_height(d));
    json_integer(j, "width", (int64_t)cepman_dataset_width(d));
    json_real(j, "scan_step_nm", cepman_dataset_scan_step(d));
    json_real(j, "reciprocal_pixel_per_angstrom", cepman_dataset_reciprocal_pixel(d));
    json_integer(j, "masked_pixels", (int64_t)facts_masked(d));
    if (key) json_close(j, '}');
}

size_t facts_masked(const cepman_dataset *d)
{
    const uint8_t *mask = cepman_dataset_mask(d);
    size_t n = 0;
    for (size_t i = 0; mask && i < cepman_dataset_height(d) * cepman_dataset_width(d); i++)
        n += mask[i] != 0;
    return n;
}

static void print_number(const char *what, double value, const char *unit)
{
    if (isnan(value))
        printf("%-18s unknown\n", what);
    else
        printf("%-18s %.6g %s\n", what, value, unit);
}

static void print_facts(const cepman_dataset *d)
{
    size_t frames = cepman_dataset_frames(d), available = cepman_dataset_available(d);
    double bytes = (double)frames * (double)cepman_dataset_height(d) * (double)cepman_dataset_width(d) *
                   (double)cepman_type_size(cepman_dataset_type(d));
    printf("%-18s %s\n", "format", cepman_dataset_format(d));
    if (cepman_dataset_has_scan(d))
        printf("%-18s %zu x %zu (rows x columns), %zu frames\n", "scan", cepman_dataset_scan_rows(d),
               cepman_dataset_scan_columns(d), frames);
    else
        printf("%-18s unknown; a stack of %zu frames (give --scan ROWSxCOLUMNS)\n", "scan", frames);
    if (available != frames) printf("%-18s %zu frames\n", "available", available);
    printf("%-18s %zu x %zu pixels of %s\n", "frame", cepman_dataset_height(d), cepman_dataset_width(d),
           cepman_type_name(cepman_dataset_type(d)));
    printf("%-18s %.1f MiB\n", "size", bytes / 1048576);
    print_number("scan step", cepman_dataset_scan_step(d), "nm");
    print_number("reciprocal pixel", cepman_dataset_reciprocal_pixel(d), "1/angstrom");
    if (cepman_dataset_mask(d)) printf("%-18s %zu\n", "masked pixels", facts_masked(d));
}

static void print_pixels(const cepman_pixels *p)
{
    char text[200];
    printf("%-18s %zu, evenly spread\n", "frames looked at", cepman_pixels_frames(p));
    pixels_sentence(p, text, sizeof text);
    printf("%-18s %s\n", "pixels", text);
    values_sentence(p, text, sizeof text);
    printf("%-18s %s\n", "values", text[0] ? text : "all are counts below saturation");
}

static int print_json(const tool *t, const cepman_dataset *d, const cepman_pixels *p)
{
    json j = {0};
    json_open(&j, NULL, '{');
    facts_json(&j, NULL, t->file[0], d);
    if (p) pixels_json(&j, "pixels", p);
    if (p) values_json(&j, "values", p);
    json_close(&j, '}');
    int rc = json_print(&j);
    json_free(&j);
    return rc;
}

static int run_info(tool *t)
{
    cepman_dataset *d = NULL;
    cepman_pixels *p = NULL;
    int rc = input_dataset(t, 0, &d);
    if (!rc && arg_flag(t, "pixels")) rc = pixels_find(t, d, &p);
    if (!rc && arg_flag(t, "json")) {
        rc = print_json(t, d, p);
    } else if (!rc) {
        print_facts(d);
        if (p) print_pixels(p);
    }
    cepman_pixels_unref(p);
    cepman_dataset_unref(d);
    return rc;
}

static const arg_option own[] = {
    {"json", ARG_FLAG, NULL, 0, 1, NULL, NULL, "JSON on stdout instead of lines for people"},
    {"pixels", ARG_FLAG, NULL, 0, 1, NULL, NULL,
     "looks at a sample of the frames too: bad pixels, NaN, negative and saturated values"},
    SCAN_OPTION,
    VIEW_OPTIONS("none"),
    CALIBRATION_OPTIONS,
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

const command command_info = {.name = "info",
                              .files = "FILE",
                              .summary = "tells what a file is: format, scan, frames, calibrations",
                              .least = 1,
                              .most = 1,
                              .own = own,
                              .stages = {cepman_dataset_options_create, cepman_pixels_options_create},
                              .run = run_info};
