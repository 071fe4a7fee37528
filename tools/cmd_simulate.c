/* cepman simulate: a scan of simulated crystals as .npy, and what is true of it beside it.
 * The simulator is the library's; the same options and seed give the same counts.
 * Must not: write frames without their truth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "stream.h"

/* "DATA.npy" -> a place for "DATA.truth.npy" and the like; NULL after a failure. */
static const char *beside(tool *t, const char *path, const char *end)
{
    size_t stem = strlen(path) - strlen(".npy"), room = stem + strlen(end) + 1;
    char *text = malloc(room);
    if (!text) {
        tool_no_memory();
        return NULL;
    }
    snprintf(text, room, "%.*s%s", (int)stem, path, end);
    const char *place = outputs_add(t, text);
    free(text);
    return place;
}

static int save_labels(tool *t, const cepman_labels *labels, const cepman_dataset *d, const char *end)
{
    const char *path = beside(t, arg_text(t, "output"), end);
    if (!path) return 1;
    return tool_check(t, cepman_labels_save(labels, t->ctx, path, cepman_dataset_scan_rows(d),
                                            cepman_dataset_scan_columns(d)));
}

/* The state as (rows, columns, 8) float32; the bad pixels as (height, width) bytes, if there are any. */
static int save_rest(tool *t, const cepman_simulation *simulation, const cepman_dataset *d)
{
    const cepman_matrix *state = cepman_simulation_state(simulation);
    const size_t width = cepman_matrix_columns(state), points = cepman_matrix_rows(state);
    const size_t shape[3] = {cepman_dataset_scan_rows(d), cepman_dataset_scan_columns(d), width};
    const char *path = beside(t, arg_text(t, "output"), ".state.npy");
    float *packed = path ? array_zero(points, width, sizeof *packed) : NULL;
    int rc = packed ? 0 : 1;
    for (size_t i = 0; !rc && i < points; i++)
        memcpy(packed + i * width, cepman_matrix_row(state, i), width * sizeof *packed);
    if (!rc) rc = array_save(t, path, CEPMAN_TYPE_F32, 3, shape, packed);
    free(packed);
    const uint8_t *bad = cepman_simulation_bad_pixels(simulation);
    if (rc || !bad) return rc;
    const size_t frame[2] = {cepman_dataset_height(d), cepman_dataset_width(d)};
    path = beside(t, arg_text(t, "output"), ".bad.npy");
    return path ? array_save(t, path, CEPMAN_TYPE_U8, 2, frame, bad) : 1;
}

static int run_simulate(tool *t)
{
    cepman_simulation *simulation = NULL;
    const char *output = arg_text(t, "output"), *frames = NULL;
    int rc = output_kind(output, NULL);
    if (!rc) rc = args_set_stage(t, "simulate", "scene", t->file[0]);
    if (!rc && !(frames = outputs_add(t, output))) rc = 1;
    if (!rc) rc = tool_check(t, cepman_simulate_scan(&simulation, t->ctx, arg_stage(t, "simulate")));
    cepman_dataset *d = cepman_simulation_dataset(simulation);
    if (!rc) rc = stream_frames(t, d, "write", frames);
    if (!rc) rc = stream_calibrations(t, d, output);
    if (!rc) rc = save_labels(t, cepman_simulation_truth(simulation), d, ".truth.npy");
    if (!rc) rc = save_labels(t, cepman_simulation_boundary(simulation), d, ".boundary.npy");
    if (!rc) rc = save_rest(t, simulation, d);
    cepman_simulation_unref(simulation);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "DATA.npy", 0, 0, NULL, NULL,
     "where the frames go; the truth goes to DATA.truth.npy and others beside it"},
    SCAN_OPTION,
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {0, NULL}};

const command command_simulate = {
    .name = "simulate",
    .files = "twin-domains|ag-tilt|oxide-particle|ag-tilt-hard|twin-domains-hard|single-crystal",
    .summary = "makes a simulated scan with its ground truth",
    .notes = "DATA.npy holds u16 counts (rows, columns, height, width), DATA.npy.json their calibrations "
             "(commands that open "
             "DATA.npy read them), DATA.truth.npy a label for each scan point, -1 where domains meet and in "
             "defects, "
             "DATA.boundary.npy 0 within domains, 1 on walls, 2 in defects, DATA.state.npy eight numbers a "
             "point (share of "
             "the domain, thickness in angstrom, tilts about x and y and rotation in degrees, strain, shift "
             "of the beam in "
             "pixels), DATA.bad.npy hot (1) and dead (2) pixels where there are any: a file for --mask.",
    .least = 1,
    .most = 1,
    .own = own,
    .shorts = shorts,
    .stages = {cepman_simulate_options_create},
    .hidden = {"simulate.scene"},
    .run = run_simulate};
