/* cepman cluster: labels of points by K-means, a Gaussian mixture or HDBSCAN.
 * --details writes what the method knows about each point and cluster.
 * Must not: renumber the labels that the library gives. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "grouping.h"

typedef struct details {
    const char *json, *centers;                    /* K-means; a mixture's means */
    const char *weights_of, *covariances, *shares; /* mixture */
    const char *core, *weights, *strength, *outlier, *exemplars, *linkage, *condensed; /* HDBSCAN */
} details;

static int promise(tool *t, const char *folder, const char *name, const char **path)
{
    *path = outputs_in(t, folder, name);
    return *path ? 0 : 1;
}

static int promise_details(tool *t, const char *folder, const char *method, details *d)
{
    int rc = promise(t, folder, "details.json", &d->json);
    if (strcmp(method, "kmeans") == 0) return rc ? rc : promise(t, folder, "centers.npy", &d->centers);
    if (strcmp(method, "mixture") == 0) {
        if (!rc) rc = promise(t, folder, "weights.npy", &d->weights_of);
        if (!rc) rc = promise(t, folder, "means.npy", &d->centers);
        if (!rc) rc = promise(t, folder, "covariances.npy", &d->covariances);
        return rc ? rc : promise(t, folder, "responsibilities.npy", &d->shares);
    }
    if (!rc) rc = promise(t, folder, "core_distances.npy", &d->core);
    if (!rc) rc = promise(t, folder, "mst_weights.npy", &d->weights);
    if (!rc) rc = promise(t, folder, "probabilities.npy", &d->strength);
    if (!rc) rc = promise(t, folder, "outlier_scores.npy", &d->outlier);
    if (!rc) rc = promise(t, folder, "exemplars.npy", &d->exemplars);
    if (!rc) rc = promise(t, folder, "single_linkage.npy", &d->linkage);
    if (!rc) rc = promise(t, folder, "condensed_tree.npy", &d->condensed);
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

static int save_linkage(tool *t, const cepman_hdbscan_tree *tree, const char *path)
{
    size_t shape[] = {cepman_hdbscan_tree_edges(tree), 4};
    double *table = array_zero(shape[0], 4, sizeof *table);
    if (!table) return 1;
    int rc = tool_check(t, cepman_hdbscan_tree_linkage(tree, t->ctx, table));
    if (!rc) rc = array_save(t, path, CEPMAN_TYPE_F64, 2, shape, table);
    free(table);
    return rc;
}

/* A row per condensed cluster: parent (-1: none), size, label (-1: not selected), birth, death, stability. */
static int save_condensed(tool *t, const cepman_hdbscan *h, const char *path)
{
    size_t shape[] = {cepman_hdbscan_condensed_clusters(h), 6};
    double *table = array_zero(shape[0], 6, sizeof *table);
    if (!table) return 1;
    int rc = 0;
    for (size_t k = 0; !rc && k < shape[0]; k++) {
        size_t parent, size;
        int32_t label;
        double *row = table + 6 * k;
        rc = tool_check(
            t, cepman_hdbscan_condensed_cluster(h, k, &parent, &size, &label, &row[3], &row[4], &row[5]));
        row[0] = parent == SIZE_MAX ? -1 : (double)parent;
        row[1] = (double)size;
        row[2] = label;
    }
    if (!rc) rc = array_save(t, path, CEPMAN_TYPE_F64, 2, shape, table);
    free(table);
    return rc;
}

static int save_membership(tool *t, const grouping *g, const cepman_matrix *points, const char *path)
{
    size_t shape[] = {cepman_matrix_rows(points), cepman_labels_clusters(cepman_hdbscan_labels(g->hdbscan))};
    double *table = array_zero(shape[0], shape[1], sizeof *table);
    if (!table) return 1;
    int rc = tool_check(t, cepman_hdbscan_membership(table, t->ctx, g->hdbscan, points, NULL));
    if (!rc) rc = array_save(t, path, CEPMAN_TYPE_F64, 2, shape, table);
    free(table);
    return rc;
}

static int save_mixture(tool *t, const cepman_mixture *m, size_t n, const details *d)
{
    size_t k = cepman_mixture_components(m), columns = cepman_mixture_columns(m);
    const size_t shape[] = {k, columns, columns}, shares[] = {n, k};
    int rc = array_save(t, d->weights_of, CEPMAN_TYPE_F64, 1, shape, cepman_mixture_weights(m));
    if (!rc) rc = array_save(t, d->centers, CEPMAN_TYPE_F64, 2, shape, cepman_mixture_means(m));
    if (!rc)
        rc = array_save(t, d->covariances, CEPMAN_TYPE_F64, cepman_mixture_diagonal(m) ? 2 : 3, shape,
                        cepman_mixture_covariances(m));
    if (!rc) rc = array_save(t, d->shares, CEPMAN_TYPE_F64, 2, shares, cepman_mixture_responsibilities(m));
    return rc;
}

static int save_details(tool *t, const grouping *g, const details *d)
{
    size_t n = cepman_labels_count(g->labels);
    int rc = 0;
    if (g->kmeans) {
        rc = tool_check(t, cepman_matrix_save(cepman_kmeans_centres(g->kmeans), t->ctx, d->centers));
    } else if (g->mixture) {
        rc = save_mixture(t, g->mixture, n, d);
    } else {
        rc = array_save(t, d->core, CEPMAN_TYPE_F64, 1, &n, cepman_hdbscan_tree_core_distances(g->tree));
        if (!rc) rc = save_weights(t, g->tree, d->weights);
        if (!rc)
            rc = array_save(t, d->strength, CEPMAN_TYPE_F64, 1, &n, cepman_hdbscan_probabilities(g->hdbscan));
        if (!rc)
            rc = array_save(t, d->outlier, CEPMAN_TYPE_F64, 1, &n, cepman_hdbscan_outlier_scores(g->hdbscan));
        if (!rc)
            rc = array_save(t, d->exemplars, CEPMAN_TYPE_BOOL, 1, &n, cepman_hdbscan_exemplars(g->hdbscan));
        if (!rc) rc = save_linkage(t, g->tree, d->linkage);
        if (!rc) rc = save_condensed(t, g->hdbscan, d->condensed);
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
    const char *path = NULL, *soft = arg_text(t, "membership"), *soft_path = NULL;
    bool kmeans = strcmp(method, "kmeans") == 0;
    cepman_matrix *points = NULL, *centres = NULL;
    grouping g = {0};
    details d = {0};
    int rc = output_kind(arg_text(t, "output"), NULL);
    if (!rc) rc = grouping_check(t, method);
    if (!rc && init && !kmeans) rc = tool_usage("option --init belongs to kmeans, the method is %s", method);
    if (!rc && soft) rc = output_kind(soft, NULL);
    if (!rc && soft && strcmp(method, "hdbscan") != 0)
        rc = tool_usage("option --membership belongs to hdbscan, the method is %s", method);
    if (!rc) rc = tool_check(t, cepman_matrix_load(&points, t->ctx, t->file[0]));
    if (!rc && init) rc = tool_check(t, cepman_matrix_load(&centres, t->ctx, init));
    if (!rc && !(path = outputs_add(t, arg_text(t, "output")))) rc = 1;
    if (!rc && soft && !(soft_path = outputs_add(t, soft))) rc = 1;
    if (!rc && folder) rc = promise_details(t, folder, method, &d);
    if (!rc) rc = grouping_run(t, points, method, centres, 0, 0, &g);
    if (!rc) rc = tool_check(t, cepman_labels_save(g.labels, t->ctx, path, 0, 0));
    if (!rc && folder) rc = save_details(t, &g, &d);
    if (!rc && soft) rc = save_membership(t, &g, points, soft_path);
    grouping_free(&g);
    cepman_matrix_unref(centres);
    cepman_matrix_unref(points);
    return rc;
}

static const arg_option own[] = {
    {"method", ARG_CHOICE, NULL, 0, 0, "hdbscan|kmeans|mixture", "hdbscan", "the clusterer"},
    {"output", ARG_PATH, "LABELS.npy", 0, 0, NULL, NULL, "where the labels go: (rows) int32, -1 is noise"},
    {"init", ARG_PATH, "CENTRES.npy", 0, 0, NULL, NULL, "centres K-means starts from: (k, columns)"},
    {"details", ARG_PATH, "DIR", 0, 0, NULL, NULL,
     "folder for details.json and centers (K-means), weights, means, covariances and responsibilities "
     "(mixture) or core_distances, mst_weights, probabilities, "
     "outlier_scores, "
     "exemplars (bool), single_linkage (SciPy's layout) and condensed_tree (parent, size, label, birth, "
     "death, "
     "stability) (HDBSCAN; .npy, float64)"},
    {"membership", ARG_PATH, "MEMBERSHIP.npy", 0, 0, NULL, NULL,
     "soft memberships by HDBSCAN: (rows, clusters) float64, a row sums to at most 1"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {'k', "k"}, {0, NULL}};

const command command_cluster = {
    .name = "cluster",
    .files = "EMBEDDING.npy",
    .summary = "labels points by HDBSCAN, K-means or a Gaussian mixture",
    .notes =
        "--min-samples is --min-cluster-size when it is not given. --k, --n-init, --max-iterations and --tol "
        "are K-means's, or the mixture's with --method mixture (then by default 3, 10, 100 and 0.001).",
    .least = 1,
    .most = 1,
    .own = own,
    .shorts = shorts,
    .stages = {cepman_kmeans_options_create, cepman_mixture_options_create,
               cepman_hdbscan_tree_options_create, cepman_hdbscan_options_create},
    .hidden = {GROUPING_HIDDEN},
    .run = run_cluster};
