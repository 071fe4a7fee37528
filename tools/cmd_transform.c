/* cepman transform: frames to cepstrum features, one row a frame, streamed from file to file.
 * The options are the library's table of stage "cepstrum".
 * Must not: do any arithmetic of its own. */
#include "commands.h"

static int run_transform(tool *t)
{
    cepman_dataset *d = NULL;
    cepman_cepstrum *c = NULL;
    const char *path = NULL;
    int rc = output_kind(arg_text(t, "output"), NULL);
    if (!rc) rc = input_dataset(t, 0, &d);
    if (!rc && !(path = outputs_add(t, arg_text(t, "output")))) rc = 1;
    if (!rc) rc = tool_check(t, cepman_cepstrum_create(&c, t->ctx, d, arg_stage(t, "cepstrum")));
    if (!rc) rc = tool_check(t, cepman_cepstrum_run_file(c, t->ctx, d, path));
    cepman_cepstrum_unref(c);
    cepman_dataset_unref(d);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "FEATURES.npy", 0, 0, NULL, NULL,
     "where the features go: (frames, features) float32, or float16 by --storage"},
    {"ring", ARG_PAIR, "IN:OUT", 0, 0, "ring-in|ring-out", NULL,
     "the ring that is kept, --ring-in and --ring-out"},
    SCAN_OPTION,
    VIEW_OPTIONS("none"),
    CALIBRATION_OPTIONS,
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {0, NULL}};

const command command_transform = {
    .name = "transform",
    .files = "FILE",
    .summary = "turns frames into cepstrum features",
    .least = 1,
    .most = 1,
    .own = own,
    .shorts = shorts,
    .stages = {cepman_dataset_options_create, cepman_pixels_options_create, cepman_cepstrum_options_create},
    .run = run_transform};
