/* cepman simulate: a scan of simulated crystals as .npy, and its ground truth beside it.
 * The simulator is the library's; the same options and seed give the same counts.
 * Must not: write frames without their truth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "stream.h"

/* "DATA.npy" -> "DATA.truth.npy" */
static char *truth_path(const char *path)
{
    size_t stem = strlen(path) - strlen(".npy"), room = stem + sizeof ".truth.npy";
    char *text = malloc(room);
    if (text) snprintf(text, room, "%.*s.truth.npy", (int)stem, path);
    return text;
}

static int run_simulate(tool *t)
{
    cepman_dataset *d = NULL;
    cepman_labels *truth = NULL;
    const char *output = arg_text(t, "output"), *frames = NULL, *labels = NULL;
    int rc = output_kind(output, NULL);
    if (!rc) rc = args_set_stage(t, "simulate", "scene", t->file[0]);
    char *beside = rc ? NULL : truth_path(output);
    if (!rc && !beside) rc = tool_no_memory();
    if (!rc && !(frames = outputs_add(t, output))) rc = 1;
    if (!rc && !(labels = outputs_add(t, beside))) rc = 1;
    if (!rc) rc = tool_check(t, cepman_simulate(&d, &truth, t->ctx, arg_stage(t, "simulate")));
    if (!rc) rc = stream_frames(t, d, "write", frames);
    if (!rc)
        rc = tool_check(t, cepman_labels_save(truth, t->ctx, labels, cepman_dataset_scan_rows(d),
                                              cepman_dataset_scan_columns(d)));
    free(beside);
    cepman_labels_unref(truth);
    cepman_dataset_unref(d);
    return rc;
}

static const arg_option own[] = {{"output", ARG_PATH, "DATA.npy", 0, 0, NULL, NULL,
                                  "where the frames go; the truth goes to DATA.truth.npy"},
                                 SCAN_OPTION,
                                 {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {0, NULL}};

const command command_simulate = {
    .name = "simulate",
    .files = "twin-domains|ag-tilt|oxide-particle",
    .summary = "makes a simulated scan with its ground truth",
    .notes = "DATA.npy holds u16 counts (rows, columns, height, width); DATA.truth.npy a label for each "
             "scan point, -1 where domains meet.",
    .least = 1,
    .most = 1,
    .own = own,
    .shorts = shorts,
    .stages = {cepman_simulate_options_create},
    .hidden = {"simulate.scene"},
    .run = run_simulate};
