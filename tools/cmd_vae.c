/* cepman vae: a latent space of features by a variational auto-encoder.
 * Features are read where they are. Latent means as .npy; --loss gives the training's course, --decoded what the network
 * makes of the means. Must not: train longer or otherwise than the options say. */
#include <stdlib.h>

#include "commands.h"
#include "reduce.h"

static int save_loss(tool *t, const cepman_vae *v, const char *path)
{
    const size_t epochs = cepman_vae_epochs(v), shape[2] = {epochs, 2};
    double *loss = array_zero(epochs, 2, sizeof *loss);
    if (!loss) return 1;
    for (size_t i = 0; i < epochs; i++) {
        loss[2 * i] = cepman_vae_reconstruction(v)[i];
        loss[2 * i + 1] = cepman_vae_divergence(v)[i];
    }
    int rc = array_save(t, path, CEPMAN_TYPE_F64, 2, shape, loss);
    free(loss);
    return rc;
}

static int run_vae(tool *t)
{
    static const char *const names[] = {"output", "loss", "decoded"};
    cepman_matrix *features = NULL, *decoded = NULL;
    cepman_vae *v = NULL;
    const char *paths[3] = {NULL};
    int rc = 0;
    for (size_t i = 0; !rc && i < 3; i++)
        if (arg_text(t, names[i])) rc = output_kind(arg_text(t, names[i]), NULL);
    if (!rc) rc = reduce_open(t, t->file[0], &features);
    for (size_t i = 0; !rc && i < 3; i++)
        if (arg_text(t, names[i]) && !(paths[i] = outputs_add(t, arg_text(t, names[i])))) rc = 1;
    if (!rc) rc = tool_check(t, cepman_vae_fit(&v, t->ctx, features, arg_stage(t, "vae")));
    if (!rc) rc = tool_check(t, cepman_matrix_save(cepman_vae_embedding(v), t->ctx, paths[0]));
    if (!rc && paths[1]) rc = save_loss(t, v, paths[1]);
    if (!rc && paths[2]) rc = tool_check(t, cepman_vae_decode(&decoded, t->ctx, v, cepman_vae_embedding(v)));
    if (!rc && paths[2]) rc = tool_check(t, cepman_matrix_save(decoded, t->ctx, paths[2]));
    cepman_matrix_unref(decoded);
    cepman_matrix_unref(features);
    cepman_vae_unref(v);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "LATENT.npy", 0, 0, NULL, NULL, "where the latent means go: (rows, dims) float32"},
    {"loss", ARG_PATH, "LOSS.npy", 0, 0, NULL, NULL,
     "where each pass's loss goes: (epochs, 2) float64, mean square error of scaled features and divergence"},
    {"decoded", ARG_PATH, "ROWS.npy", 0, 0, NULL, NULL,
     "where the rows that the latent means decode to go: (rows, features) float32"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {'n', "dims"}, {0, NULL}};

const command command_vae = {.name = "vae",
                             .files = "FEATURES.npy",
                             .summary = "embeds features by a variational auto-encoder",
                             .least = 1,
                             .most = 1,
                             .own = own,
                             .shorts = shorts,
                             .stages = {cepman_vae_options_create},
                             .run = run_vae};
