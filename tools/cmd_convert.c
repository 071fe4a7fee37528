/* cepman convert: the raw pixels of a file as .npy or HDF5, in their own type, streamed block by block.
 * The array is (rows, columns, h, w) when the scan is known; HDF5 takes results along.
 * Must not: change a pixel, or hold more than a block of frames. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "results.h"
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

static int add_labels(tool *t, cepman_emd_writer *w, const cepman_dataset *d, const char *path)
{
    cepman_labels *labels = NULL;
    int rc = tool_check(t, cepman_labels_load(&labels, t->ctx, path));
    if (!rc && cepman_labels_count(labels) != cepman_dataset_frames(d))
        rc = tool_fail("%s: %zu labels, expected %zu, one for each frame of %s", path,
                       cepman_labels_count(labels), cepman_dataset_frames(d), t->file[0]);
    if (!rc) rc = results_labels(t, w, d, labels);
    cepman_labels_unref(labels);
    return rc;
}

/* A .npy of one row, or of one number, for each frame. */
static int add_rows(tool *t, cepman_emd_writer *w, const cepman_dataset *d, const char *name)
{
    cepman_matrix *m = NULL;
    const char *path = arg_text(t, name);
    size_t n = cepman_dataset_frames(d);
    int rc = tool_check(t, cepman_matrix_load(&m, t->ctx, path));
    if (!rc && cepman_matrix_rows(m) != n && cepman_matrix_rows(m) * cepman_matrix_columns(m) != n)
        rc = tool_fail("%s: %zu rows, expected %zu, one for each frame of %s", path, cepman_matrix_rows(m), n,
                       t->file[0]);
    if (!rc) rc = results_matrix(t, w, d, name, m);
    cepman_matrix_unref(m);
    return rc;
}

static int convert_hdf5(tool *t, cepman_dataset **d)
{
    static const char *const rows[] = {"embedding", "probabilities"};
    cepman_emd_writer *w = NULL;
    int rc = whole_frames(t, d);
    if (!rc) rc = results_begin(t, outputs_add(t, arg_text(t, "output")), *d, &w);
    if (!rc && arg_given(t, "labels")) rc = add_labels(t, w, *d, arg_text(t, "labels"));
    for (size_t i = 0; !rc && i < 2; i++)
        if (arg_given(t, rows[i])) rc = add_rows(t, w, *d, rows[i]);
    if (!rc) rc = tool_check(t, cepman_emd_writer_frames(w, t->ctx));
    if (!rc) rc = results_end(t, w);
    cepman_emd_writer_unref(w);
    return rc;
}

static int run_convert(tool *t)
{
    static const char *const results[] = {"labels", "embedding", "probabilities"};
    cepman_dataset *d = NULL;
    const char *path = arg_text(t, "output");
    bool hdf5 = path && (ends_with(path, ".h5") || ends_with(path, ".hdf5") || ends_with(path, ".emd"));
    int rc = hdf5 ? 0 : output_kind(path, NULL);
    if (!rc && arg_given(t, "mask") && !arg_given(t, "bin"))
        rc = tool_usage("option --mask changes no raw pixel; it counts with --bin");
    for (size_t i = 0; !rc && !hdf5 && i < 3; i++)
        if (arg_given(t, results[i]))
            rc = tool_usage("option --%s needs an output that ends with .h5", results[i]);
    if (!rc) rc = input_dataset(t, 0, &d);
    if (!rc && hdf5) {
        rc = convert_hdf5(t, &d);
    } else if (!rc) {
        rc = stream_frames(t, d, "convert", outputs_add(t, path));
        if (!rc) rc = stream_calibrations(t, d, path);
    }
    cepman_dataset_unref(d);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "FRAMES.npy|SCAN.h5", 0, 0, NULL, NULL,
     "where the frames go; .h5 (.hdf5, .emd): EMD 1.0"},
    {"labels", ARG_PATH, "LABELS.npy", 0, 0, NULL, NULL, "goes into the .h5: a label for each frame"},
    {"embedding", ARG_PATH, "XY.npy", 0, 0, NULL, NULL, "goes into the .h5: a row for each frame"},
    {"probabilities", ARG_PATH, "P.npy", 0, 0, NULL, NULL, "goes into the .h5: a number for each frame"},
    SCAN_OPTION,
    VIEW_OPTIONS("none"),
    CALIBRATION_OPTIONS,
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {0, NULL}};

const command command_convert = {.name = "convert",
                                 .files = "FILE",
                                 .summary =
                                     "writes the raw frames of a file as .npy or HDF5, in their own type",
                                 .least = 1,
                                 .most = 1,
                                 .own = own,
                                 .shorts = shorts,
                                 .stages = {cepman_dataset_options_create, cepman_pixels_options_create},
                                 .run = run_convert};
