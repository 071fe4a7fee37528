/* cepman pca: principal components of features.
 * Features are read where they are. Scores as .npy; --details adds what a reader of the scores needs to go back.
 * Must not: change the order or signs that the library gives. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "reduce.h"

static int save_details(tool *t, const cepman_pca *p, const char *const paths[4])
{
    size_t k = cepman_pca_components(p), d = cepman_pca_features(p);
    const size_t shape[2] = {k, d};
    double *components = array_zero(k, d, sizeof *components);
    if (!components) return 1;
    for (size_t i = 0; i < k; i++)
        memcpy(components + i * d, cepman_pca_component(p, i), d * sizeof *components);
    int rc = array_save(t, paths[0], CEPMAN_TYPE_F64, 1, &d, cepman_pca_mean(p));
    if (!rc) rc = array_save(t, paths[1], CEPMAN_TYPE_F64, 2, shape, components);
    if (!rc) rc = array_save(t, paths[2], CEPMAN_TYPE_F64, 1, &k, cepman_pca_variance(p));
    free(components);
    if (rc) return rc;
    json j = {0};
    double sum = 0, total = cepman_pca_total_variance(p);
    for (size_t i = 0; i < k; i++)
        sum += cepman_pca_variance(p)[i];
    json_open(&j, NULL, '{');
    json_integer(&j, "components", (int64_t)k);
    json_integer(&j, "features", (int64_t)d);
    json_real(&j, "total_variance", total);
    json_real(&j, "explained_fraction", sum / total);
    json_close(&j, '}');
    rc = json_save(&j, paths[3]);
    json_free(&j);
    return rc;
}

static int run_pca(tool *t)
{
    static const char *const names[4] = {"mean.npy", "components.npy", "explained_variance.npy",
                                         "details.json"};
    cepman_matrix *features = NULL, *scores = NULL;
    cepman_pca *p = NULL;
    const char *path = NULL, *folder = arg_text(t, "details"), *paths[4] = {NULL};
    int rc = output_kind(arg_text(t, "output"), NULL);
    if (!rc) rc = reduce_open(t, t->file[0], &features);
    if (!rc && !(path = outputs_add(t, arg_text(t, "output")))) rc = 1;
    for (size_t i = 0; !rc && folder && i < 4; i++)
        if (!(paths[i] = outputs_in(t, folder, names[i]))) rc = 1;
    if (!rc) rc = tool_check(t, cepman_pca_fit(&p, t->ctx, features, arg_stage(t, "pca")));
    if (!rc) rc = tool_check(t, cepman_pca_apply(&scores, t->ctx, p, features));
    if (!rc) rc = tool_check(t, cepman_matrix_save(scores, t->ctx, path));
    if (!rc && folder) rc = save_details(t, p, paths);
    cepman_matrix_unref(scores);
    cepman_matrix_unref(features);
    cepman_pca_unref(p);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "SCORES.npy", 0, 0, NULL, NULL, "where the scores go: (rows, components) float32"},
    {"details", ARG_PATH, "DIR", 0, 0, NULL, NULL,
     "folder for mean, components and explained_variance (.npy, float64) and details.json"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {'n', "components"}, {0, NULL}};

const command command_pca = {.name = "pca",
                             .files = "FEATURES.npy",
                             .summary = "projects features on their principal components",
                             .least = 1,
                             .most = 1,
                             .own = own,
                             .shorts = shorts,
                             .stages = {cepman_pca_options_create},
                             .run = run_pca};
