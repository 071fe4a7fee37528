/* cepman place: new frames into a fitted manifold.
 * The model is one that `cepman embed --save` wrote.
 * Must not: change the model. */
#include "commands.h"

static int run_place(tool *t)
{
    cepman_matrix *features = NULL, *places = NULL;
    cepman_umap *model = NULL;
    const char *path = NULL;
    int rc = output_kind(arg_text(t, "output"), NULL);
    if (!rc && !arg_given(t, "model")) rc = tool_usage("place: --model is missing");
    if (!rc) rc = tool_check(t, cepman_matrix_load(&features, t->ctx, t->file[0]));
    if (!rc) rc = tool_check(t, cepman_umap_load(&model, t->ctx, arg_text(t, "model")));
    if (!rc && !(path = outputs_add(t, arg_text(t, "output")))) rc = 1;
    if (!rc) rc = tool_check(t, cepman_umap_apply(&places, t->ctx, model, features));
    if (!rc) rc = tool_check(t, cepman_matrix_save(places, t->ctx, path));
    cepman_matrix_unref(places);
    cepman_umap_unref(model);
    cepman_matrix_unref(features);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "EMBEDDING.npy", 0, 0, NULL, NULL, "where the places go: (rows, dims) float32"},
    {"model", ARG_PATH, "MODEL", 0, 0, NULL, NULL, "the fitted manifold, of cepman embed --save"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {0, NULL}};

const command command_place = {.name = "place",
                               .files = "FEATURES.npy",
                               .summary = "places new frames in a fitted manifold",
                               .least = 1,
                               .most = 1,
                               .own = own,
                               .shorts = shorts,
                               .stages = {NULL},
                               .run = run_place};
