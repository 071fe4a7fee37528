/* cepman convert: the raw pixels of a file as .npy, in their own type, streamed block by block.
 * The array is (rows, columns, h, w) when the scan is known, else (n, h, w).
 * Must not: change a pixel, or hold more than a block. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "stream.h"

#define BLOCK_BYTES ((size_t)8 << 20)

int stream_frames(tool *t, cepman_dataset *d, const char *stage, const char *path)
{
    if (!path) return 1;
    size_t h = cepman_dataset_height(d), w = cepman_dataset_width(d), n = cepman_dataset_available(d);
    size_t pixels = h * w, bytes = pixels * cepman_type_size(cepman_dataset_type(d));
    bool scan = cepman_dataset_has_scan(d) && n == cepman_dataset_frames(d);
    const size_t grid[4] = {cepman_dataset_scan_rows(d), cepman_dataset_scan_columns(d), h, w},
                 stack[3] = {n, h, w};
    size_t block = bytes ? BLOCK_BYTES / bytes : 1;
    if (block < 1) block = 1;
    if (block > n) block = n ? n : 1;
    cepman_npy_writer *writer = NULL;
    void *buffer = array_zero(block, bytes, 1);
    int rc = buffer ? 0 : 1;
    if (!rc)
        rc = tool_check(t, cepman_npy_writer_create(&writer, t->ctx, path, cepman_dataset_type(d),
                                                    scan ? 4 : 3, scan ? grid : stack));
    for (size_t first = 0; !rc && first < n; first += block) {
        size_t count = n - first < block ? n - first : block;
        progress_report(stage, first, n);
        rc = tool_check(t, cepman_dataset_read(d, t->ctx, first, count, buffer, count * bytes));
        if (!rc) rc = tool_check(t, cepman_npy_writer_append(writer, t->ctx, buffer, count * pixels));
        if (!rc) rc = tool_interrupted();
    }
    if (!rc) rc = tool_check(t, cepman_npy_writer_commit(writer, t->ctx));
    cepman_npy_writer_unref(writer);
    free(buffer);
    return rc;
}

int stream_calibrations(tool *t, const cepman_dataset *d, const char *path)
{
    double step = cepman_dataset_scan_step(d), pixel = cepman_dataset_reciprocal_pixel(d);
    if (isnan(step) && isnan(pixel)) return 0;
    size_t room = strlen(path) + sizeof ".json";
    char *text = array_zero(room, 1, 1);
    if (!text) return 1;
    snprintf(text, room, "%s.json", path);
    const char *place = outputs_add(t, text);
    json j = {0};
    int rc = place ? 0 : 1;
    json_open(&j, NULL, '{');
    json_real(&j, "scan_step_nm", step);
    json_real(&j, "reciprocal_pixel_per_angstrom", pixel);
    json_close(&j, '}');
    if (!rc) rc = json_save(&j, place);
    json_free(&j);
    free(text);
    return rc;
}

static int run_convert(tool *t)
{
    cepman_dataset *d = NULL;
    int rc = output_kind(arg_text(t, "output"), NULL);
    if (!rc && arg_given(t, "mask") && !arg_given(t, "bin"))
        rc = tool_usage("option --mask changes no raw pixel; it counts with --bin");
    if (!rc) rc = input_dataset(t, 0, &d);
    if (!rc) rc = stream_frames(t, d, "convert", outputs_add(t, arg_text(t, "output")));
    if (!rc) rc = stream_calibrations(t, d, arg_text(t, "output"));
    cepman_dataset_unref(d);
    return rc;
}

static const arg_option own[] = {{"output", ARG_PATH, "FRAMES.npy", 0, 0, NULL, NULL, "where the frames go"},
                                 SCAN_OPTION,
                                 VIEW_OPTIONS,
                                 {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {0, NULL}};

const command command_convert = {.name = "convert",
                                 .files = "FILE",
                                 .summary = "writes the raw frames of a file as .npy, in their own type",
                                 .least = 1,
                                 .most = 1,
                                 .own = own,
                                 .shorts = shorts,
                                 .stages = {cepman_dataset_options_create},
                                 .run = run_convert};
