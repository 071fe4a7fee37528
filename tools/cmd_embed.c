/* cepman embed: features to a manifold of few dimensions by UMAP.
 * The options are the library's table of stage "umap"; the model can be kept for `cepman place`.
 * Must not: scale or shift the embedding. */
#include "commands.h"

static int run_embed(tool *t)
{
    cepman_matrix *features = NULL, *start = NULL;
    cepman_labels *labels = NULL;
    cepman_umap *model = NULL;
    const char *path = NULL, *kept = NULL;
    int rc = output_kind(arg_text(t, "output"), NULL);
    if (!rc) rc = tool_check(t, cepman_matrix_load(&features, t->ctx, t->file[0]));
    if (!rc && arg_given(t, "labels"))
        rc = tool_check(t, cepman_labels_load(&labels, t->ctx, arg_text(t, "labels")));
    if (!rc && arg_given(t, "start"))
        rc = tool_check(t, cepman_matrix_load(&start, t->ctx, arg_text(t, "start")));
    if (!rc && !(path = outputs_add(t, arg_text(t, "output")))) rc = 1;
    if (!rc && arg_given(t, "save") && !(kept = outputs_add(t, arg_text(t, "save")))) rc = 1;
    if (!rc)
        rc = tool_check(
            t, cepman_umap_fit_given(&model, t->ctx, features, NULL, labels, start, arg_stage(t, "umap")));
    if (!rc) rc = tool_check(t, cepman_matrix_save(cepman_umap_embedding(model), t->ctx, path));
    if (!rc && kept) rc = tool_check(t, cepman_umap_save(model, t->ctx, kept));
    cepman_umap_unref(model);
    cepman_matrix_unref(start);
    cepman_labels_unref(labels);
    cepman_matrix_unref(features);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "EMBEDDING.npy", 0, 0, NULL, NULL, "where the embedding goes: (rows, dims) float32"},
    {"save", ARG_PATH, "MODEL", 0, 0, NULL, NULL, "where the model goes, for cepman place"},
    {"labels", ARG_PATH, "LABELS.npy", 0, 0, NULL, NULL,
     "labels the embedding shall keep apart, one a row; below 0: unknown"},
    {"start", ARG_PATH, "START.npy", 0, 0, NULL, NULL,
     "where the layout starts: (rows, dims), instead of --init"},
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
