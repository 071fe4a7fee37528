/* cepman embed: features to a manifold of few dimensions by UMAP.
 * The options are the library's table of stage "umap".
 * Must not: scale or shift the embedding. */
#include "commands.h"

static int run_embed(tool *t)
{
    cepman_matrix *features = NULL;
    cepman_umap *model = NULL;
    const char *path = NULL;
    int rc = output_kind(arg_text(t, "output"), NULL);
    if (!rc) rc = tool_check(t, cepman_matrix_load(&features, t->ctx, t->file[0]));
    if (!rc && !(path = outputs_add(t, arg_text(t, "output")))) rc = 1;
    if (!rc) rc = tool_check(t, cepman_umap_fit(&model, t->ctx, features, arg_stage(t, "umap")));
    if (!rc) rc = tool_check(t, cepman_matrix_save(cepman_umap_embedding(model), t->ctx, path));
    cepman_umap_unref(model);
    cepman_matrix_unref(features);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "EMBEDDING.npy", 0, 0, NULL, NULL, "where the embedding goes: (rows, dims) float32"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {0, NULL}};

const command command_embed = {.name = "embed",
                               .files = "FEATURES.npy",
                               .summary = "embeds features in a manifold of few dimensions by UMAP",
                               .least = 1,
                               .most = 1,
                               .own = own,
                               .shorts = shorts,
                               .stages = {cepman_umap_options_create},
                               .run = run_embed};
