/* cepman map: what labels mean: label map, mean patterns and cepstra of each cluster, their differences.
 * Arrays for other tools and pictures for people, all in one folder.
 * Must not: take labels that do not fit the scan. */
#include "atlas.h"
#include "commands.h"
#include "virtual.h"

static int run_map(tool *t)
{
    cepman_dataset *d = NULL;
    cepman_cepstrum *c = NULL;
    cepman_labels *labels = NULL;
    cepman_maps_pass *pass = NULL;
    atlas a = {0};
    const char *folder = arg_text(t, "output"), *path = arg_text(t, "labels");
    int rc = path ? 0 : tool_usage("map needs --labels LABELS.npy");
    if (!rc) rc = input_dataset(t, 0, &d);
    if (!rc) rc = whole_frames(t, &d);
    if (!rc) rc = tool_check(t, cepman_labels_load(&labels, t->ctx, path));
    if (!rc && cepman_labels_count(labels) != cepman_dataset_frames(d))
        rc = tool_fail("%s: %zu labels, expected %zu, one for each frame of %s", path,
                       cepman_labels_count(labels), cepman_dataset_frames(d), t->file[0]);
    if (!rc && cepman_labels_clusters(labels) > cepman_labels_count(labels))
        rc = tool_fail("%s: the largest label is %zu for %zu frames, clusters are numbered from 0", path,
                       cepman_labels_clusters(labels) - 1, cepman_labels_count(labels));
    if (!rc) rc = atlas_promise_map(t, folder, &a);
    if (!rc) rc = atlas_promise_means(t, folder, labels, &a);
    if (!rc) rc = tool_check(t, cepman_cepstrum_create(&c, t->ctx, d, arg_stage(t, "cepstrum")));
    if (!rc) rc = tool_check(t, cepman_maps_pass_create(&pass, t->ctx, d));
    if (!rc) rc = atlas_ask(t, &a, pass, d, c, labels);
    if (!rc) rc = tool_check(t, cepman_maps_pass_run(pass, t->ctx));
    if (!rc) rc = atlas_write(t, &a, d, labels);
    cepman_maps_pass_unref(pass);
    atlas_free(&a);
    cepman_labels_unref(labels);
    cepman_cepstrum_unref(c);
    cepman_dataset_unref(d);
    return rc;
}

static const arg_option own[] = {
    {"labels", ARG_PATH, "LABELS.npy", 0, 0, NULL, NULL, "a label for each frame, any shape, -1 is noise"},
    {"output", ARG_PATH, "DIR", 0, 0, NULL, NULL, "folder for arrays and pictures"},
    {"ring", ARG_PAIR, "IN:OUT", 0, 0, "ring-in|ring-out", NULL,
     "the ring of the transform, --ring-in and --ring-out"},
    SCAN_OPTION,
    VIEW_OPTIONS("none"),
    CALIBRATION_OPTIONS,
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {0, NULL}};

const command command_map = {
    .name = "map",
    .files = "FILE",
    .summary = "shows what labels mean: label map, mean patterns and cepstra, differences",
    .notes = "mean_patterns and mean_cepstra: (clusters, h, w), with one more for noise when there is any; "
             "differences of pairs (0,1), (0,2), .. (1,2), .. up to 24 clusters; each as .npy and .png; "
             "label_map.png.",
    .least = 1,
    .most = 1,
    .own = own,
    .shorts = shorts,
    .stages = {cepman_dataset_options_create, cepman_pixels_options_create, cepman_cepstrum_options_create},
    .run = run_map};
