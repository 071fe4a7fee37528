/* cepman cluster: labels of points by K-means or HDBSCAN.
 * --details writes what the method knows about each point and cluster.
 * Must not: renumber the labels that the library gives. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "grouping.h"

typedef struct details {
    const char *json, *centers;                      /* K-means */
    const char *core, *weights, *strength, *outlier; /* HDBSCAN */
} details;

static int promise(tool *t, const char *folder, const char *name, const char **path)
{
    *path = outputs_in(t, folder, name);
    return *path ? 0 : 1;
}

static int promise_details(tool *t, const char *folder, bool kmeans, details *d)
{
    int rc = promise(t, folder, "details.json", &d->json);
    if (kmeans) return rc ? rc : promise(t, folder, "centers.npy", &d->centers);
    if (!rc) rc = promise(t, folder, "core_distances.npy", &d->core);
    if (!rc) rc = promise(t, folder, "mst_weights.npy", &d->weights);
    if (!rc) rc = promise(t, folder, "probabilities.npy", &d->strength);
    if (!rc) rc = promise(t, folder, "outlier_scores.npy", &d->outlier);
    return rc;
}

static int save_weights(tool *t, const cepman_hdbscan_tree *tree, const char *path)
{
    size_t edges = cepman_hdbscan_tree_edges(tree);
    double *w = array_zero(edges, 1, sizeof *w);
    if (!w) return 1;
    int rc = 0;
    for (size_t i = 0; !rc && i < edges; i++) {
        size_t from, to;
        rc = tool_check(t, cepman_hdbscan_tree_edge(tree, i, &from, &to, &w[i]));
    }
    if (!rc) rc = array_save(t, path, CEPMAN_TYPE_F64, 1, &edges, w);
    free(w);
    return rc;
}

static int save_details(tool *t, const grouping *g, const details *d)
{
    size_t n = cepman_labels_count(g->labels);
    int rc = 0;
    if (g->kmeans) {
        rc = tool_check(t, cepman_matrix_save(cepman_kmeans_centres(g->kmeans), t->ctx, d->centers));
    } else {
        rc = array_save(t, d->core, CEPMAN_TYPE_F64, 1, &n, cepman_hdbscan_tree_core_distances(g->tree));
        if (!rc) rc = save_weights(t, g->tree, d->weights);
        if (!rc)
            rc = array_save(t, d->strength, CEPMAN_TYPE_F64, 1, &n, cepman_hdbscan_probabilities(g->hdbscan));
        if (!rc)
            rc = array_save(t, d->outlier, CEPMAN_TYPE_F64, 1, &n, cepman_hdbscan_outlier_scores(g->hdbscan));
    }
    json j = {0};
    if (!rc) grouping_json(&j, NULL, g);
    if (!rc) rc = json_save(&j, d->json);
    json_free(&j);
    return rc;
}

static int run_cluster(tool *t)
{
    const char *method = arg_text(t, "method"), *init = arg_text(t, "init"), *folder = arg_text(t, "details");
    const char *path = NULL;
    bool kmeans = strcmp(method, "kmeans") == 0;
    cepman_matrix *points = NULL, *centres = NULL;
    grouping g = {0};
    details d = {0};
    int rc = output_kind(arg_text(t, "output"), NULL);
    if (!rc) rc = grouping_check(t, method);
    if (!rc && init && !kmeans) rc = tool_usage("option --init belongs to kmeans, the method is %s", method);
    if (!rc) rc = tool_check(t, cepman_matrix_load(&points, t->ctx, t->file[0]));
    if (!rc && init) rc = tool_check(t, cepman_matrix_load(&centres, t->ctx, init));
    if (!rc && !(path = outputs_add(t, arg_text(t, "output")))) rc = 1;
    if (!rc && folder) rc = promise_details(t, folder, kmeans, &d);
    if (!rc) rc = grouping_run(t, points, method, centres, 0, 0, &g);
    if (!rc) rc = tool_check(t, cepman_labels_save(g.labels, t->ctx, path, 0, 0));
    if (!rc && folder) rc = save_details(t, &g, &d);
    grouping_free(&g);
    cepman_matrix_unref(centres);
    cepman_matrix_unref(points);
    return rc;
}

static const arg_option own[] = {
    {"method", ARG_CHOICE, NULL, 0, 0, "hdbscan|kmeans", "hdbscan", "the clusterer"},
    {"output", ARG_PATH, "LABELS.npy", 0, 0, NULL, NULL, "where the labels go: (rows) int32, -1 is noise"},
    {"init", ARG_PATH, "CENTRES.npy", 0, 0, NULL, NULL, "centres K-means starts from: (k, columns)"},
    {"details", ARG_PATH, "DIR", 0, 0, NULL, NULL,
     "folder for details.json and centers (K-means) or core_distances, mst_weights, probabilities and "
     "outlier_scores "
     "(HDBSCAN; .npy, float64)"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {'k', "k"}, {0, NULL}};

const command command_cluster = {.name = "cluster",
                                 .files = "EMBEDDING.npy",
                                 .summary = "labels points by HDBSCAN or K-means",
                                 .notes = "--min-samples is --min-cluster-size when it is not given.",
                                 .least = 1,
                                 .most = 1,
                                 .own = own,
                                 .shorts = shorts,
                                 .stages = {cepman_kmeans_options_create, cepman_hdbscan_tree_options_create,
                                            cepman_hdbscan_options_create},
                                 .run = run_cluster};
