/* cepman knn: the nearest neighbours of every row.
 * Indices (int32) and distances (float32) as .npy, nearest first, a row never its own neighbour.
 * Must not: reorder what the library gives. */
#include "commands.h"

static int run_knn(tool *t)
{
    cepman_matrix *features = NULL;
    cepman_neighbors *graph = NULL;
    const char *path = NULL, *distances = arg_text(t, "distances"), *second = NULL;
    int rc = output_kind(arg_text(t, "output"), NULL);
    if (!rc && distances) rc = output_kind(distances, NULL);
    if (!rc) rc = tool_check(t, cepman_matrix_load(&features, t->ctx, t->file[0]));
    if (!rc && !(path = outputs_add(t, arg_text(t, "output")))) rc = 1;
    if (!rc && distances && !(second = outputs_add(t, distances))) rc = 1;
    if (!rc) rc = tool_check(t, cepman_neighbors_build(&graph, t->ctx, features, arg_stage(t, "neighbors")));
    const size_t shape[2] = {rc ? 0 : cepman_neighbors_count(graph), rc ? 0 : cepman_neighbors_k(graph)};
    if (!rc) rc = array_save(t, path, CEPMAN_TYPE_I32, 2, shape, cepman_neighbors_indices(graph));
    if (!rc && second)
        rc = array_save(t, second, CEPMAN_TYPE_F32, 2, shape, cepman_neighbors_distances(graph));
    cepman_neighbors_unref(graph);
    cepman_matrix_unref(features);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "INDICES.npy", 0, 0, NULL, NULL, "where the indices go: (rows, k) int32"},
    {"distances", ARG_PATH, "DIST.npy", 0, 0, NULL, NULL, "where the distances go: (rows, k) float32"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {'k', "k"}, {0, NULL}};

const command command_knn = {.name = "knn",
                             .files = "FEATURES.npy",
                             .summary = "finds the nearest neighbours of every row",
                             .least = 1,
                             .most = 1,
                             .own = own,
                             .shorts = shorts,
                             .stages = {cepman_neighbors_options_create},
                             .run = run_knn};
