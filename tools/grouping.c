/* Runs a clusterer with the options of its stages and tells what came out.
 * HDBSCAN: min-samples follows min-cluster-size when it is not given, as in the reference implementation.
 * Must not: take options that the chosen method does not use. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "grouping.h"

#define PAIRS 4096 /* of frames, that tell how much the frames differ */
#define AREAS                                                                                                \
    0.7 /* of all pairs of scan neighbours: those in one domain. 0.83 to 1 on scans of 20 x 24 points and more */

int grouping_check(tool *t, const char *method)
{
    static const char *const of_kmeans[] = {"mixture", "hdbscan-tree", "hdbscan", NULL},
                             *const of_mixture[] = {"hdbscan-tree", "hdbscan", NULL},
                             *const of_hdbscan[] = {"kmeans", "mixture", NULL},
                             *const of_domains[] = {"kmeans",  "mixture",   "hdbscan-tree",
                                                    "hdbscan", "consensus", NULL};
    const char *name;
    const char *const *others = strcmp(method, "kmeans") == 0    ? of_kmeans
                                : strcmp(method, "mixture") == 0 ? of_mixture
                                : strcmp(method, "domains") == 0 ? of_domains
                                                                 : of_hdbscan;
    for (; *others; others++)
        if (arg_stage(t, *others) && arg_stage_on_line(t, *others, &name))
            return tool_usage("option --%s belongs to %s, the method is %s", name, *others,
                              strcmp(method, "auto") == 0 ? "domains or hdbscan" : method);
    return 0;
}

int grouping_mixture_options(tool *t, cepman_options **out)
{
    static const char *const shared[] = {"k", "n-init", "max-iterations", "tol", NULL};
    const cepman_options *from = arg_stage(t, "kmeans");
    int rc = tool_check(t, cepman_options_copy(out, t->ctx, arg_stage(t, "mixture")));
    for (const char *const *name = shared; !rc && *name; name++) {
        if (!option_given(from, *name)) continue;
        double real = 0;
        int64_t integer = 0;
        if (strcmp(*name, "tol") == 0) {
            rc = tool_check(t, cepman_options_get_real(from, t->ctx, *name, &real));
            if (!rc) rc = tool_check(t, cepman_options_set_real(*out, t->ctx, *name, real));
        } else {
            rc = tool_check(t, cepman_options_get_integer(from, t->ctx, *name, &integer));
            if (!rc) rc = tool_check(t, cepman_options_set_integer(*out, t->ctx, *name, integer));
        }
    }
    return rc;
}

static int run_mixture(tool *t, const cepman_matrix *points, grouping *g)
{
    int rc = grouping_mixture_options(t, &g->options);
    if (!rc) rc = tool_check(t, cepman_mixture_fit(&g->mixture, t->ctx, points, NULL, g->options));
    if (!rc) g->labels = cepman_labels_ref(cepman_mixture_labels(g->mixture));
    return rc;
}

static int run_kmeans(tool *t, const cepman_matrix *points, const cepman_matrix *centres, grouping *g)
{
    int rc = tool_check(t, cepman_options_copy(&g->options, t->ctx, arg_stage(t, "kmeans")));
    if (!rc && centres && !option_given(g->options, "k"))
        rc = tool_check(
            t, cepman_options_set_integer(g->options, t->ctx, "k", (int64_t)cepman_matrix_rows(centres)));
    if (!rc) rc = tool_check(t, cepman_kmeans_fit(&g->kmeans, t->ctx, points, centres, NULL, g->options));
    if (!rc) g->labels = cepman_labels_ref(cepman_kmeans_labels(g->kmeans));
    return rc;
}

int grouping_hdbscan_options(tool *t, size_t least, size_t samples, grouping *g)
{
    int64_t size = 0;
    int rc = tool_check(t, cepman_options_copy(&g->options, t->ctx, arg_stage(t, "hdbscan")));
    if (!rc) rc = tool_check(t, cepman_options_copy(&g->tree_options, t->ctx, arg_stage(t, "hdbscan-tree")));
    if (!rc && least && !option_given(g->options, "min-cluster-size"))
        rc =
            tool_check(t, cepman_options_set_integer(g->options, t->ctx, "min-cluster-size", (int64_t)least));
    if (!rc) rc = tool_check(t, cepman_options_get_integer(g->options, t->ctx, "min-cluster-size", &size));
    if (!rc && !option_given(g->tree_options, "min-samples"))
        rc = tool_check(t, cepman_options_set_integer(g->tree_options, t->ctx, "min-samples",
                                                      samples ? (int64_t)samples : size));
    return rc;
}

static int run_hdbscan(tool *t, const cepman_matrix *points, size_t least, size_t samples, grouping *g)
{
    int rc = grouping_hdbscan_options(t, least, samples, g);
    if (!rc) rc = tool_check(t, cepman_hdbscan_tree_build(&g->tree, t->ctx, points, g->tree_options));
    if (!rc) rc = tool_check(t, cepman_hdbscan_extract(&g->hdbscan, t->ctx, g->tree, g->options));
    if (!rc) g->labels = cepman_labels_ref(cepman_hdbscan_labels(g->hdbscan));
    return rc;
}

int grouping_run(tool *t, const cepman_matrix *points, const char *method, const cepman_matrix *centres,
                 size_t least, size_t samples, grouping *g)
{
    g->method = method;
    if (strcmp(method, "kmeans") == 0) return run_kmeans(t, points, centres, g);
    if (strcmp(method, "mixture") == 0) return run_mixture(t, points, g);
    return run_hdbscan(t, points, least, samples, g);
}

int grouping_one_domain(tool *t, grouping *g)
{
    size_t n = cepman_labels_count(g->labels);
    int single = 0;
    if (!g->hdbscan || n == 0 || cepman_labels_clusters(g->labels) > 0) return 0;
    int rc = tool_check(t, cepman_options_get_flag(g->options, t->ctx, "allow-single-cluster", &single));
    if (rc || single) return rc;
    cepman_labels *one = NULL;
    int32_t *zeros = array_zero(n, 1, sizeof *zeros);
    if (!zeros) return 1;
    rc = tool_check(t, cepman_labels_copy(&one, t->ctx, zeros, n));
    free(zeros);
    if (rc) return rc;
    cepman_labels_unref(g->labels);
    g->labels = one;
    g->one_domain = true;
    return 0;
}

/* The first columns of a matrix, which keeps them alive. */
static int first_columns(tool *t, const cepman_matrix *m, size_t columns, cepman_matrix **out)
{
    size_t stride = 0;
    const float *data = cepman_matrix_data(m, &stride);
    if (columns > cepman_matrix_columns(m)) columns = cepman_matrix_columns(m);
    return tool_check(
        t, cepman_matrix_wrap(out, t->ctx, data, cepman_matrix_rows(m), columns, stride, NULL, NULL));
}

static int coarse_labels(tool *t, const cepman_matrix *points, const run_defaults *standard,
                         cepman_hdbscan **out)
{
    cepman_options *of_tree = NULL, *of_cut = NULL;
    cepman_hdbscan_tree *tree = NULL;
    int rc = tool_check(t, cepman_hdbscan_tree_options_create(&of_tree, t->ctx));
    if (!rc) rc = tool_check(t, cepman_hdbscan_options_create(&of_cut, t->ctx));
    if (!rc)
        rc = tool_check(t, cepman_options_set_integer(of_tree, t->ctx, "min-samples",
                                                      (int64_t)standard->coarse_min_samples));
    if (!rc)
        rc = tool_check(t, cepman_options_set_integer(of_cut, t->ctx, "min-cluster-size",
                                                      (int64_t)standard->coarse_size));
    if (!rc) rc = tool_check(t, cepman_hdbscan_tree_build(&tree, t->ctx, points, of_tree));
    if (!rc) rc = tool_check(t, cepman_hdbscan_extract(out, t->ctx, tree, of_cut));
    cepman_hdbscan_tree_unref(tree);
    cepman_options_unref(of_tree);
    cepman_options_unref(of_cut);
    return rc;
}

int grouping_consensus(tool *t, grouping *g, const cepman_matrix *scores, const run_defaults *standard,
                       size_t rows, size_t columns)
{
    cepman_matrix *few = NULL;
    cepman_hdbscan *coarse = NULL;
    cepman_labels *joined = NULL;
    int rc = first_columns(t, scores, standard->coarse_components, &few);
    if (!rc) rc = coarse_labels(t, few, standard, &coarse);
    if (!rc)
        rc = tool_check(t, cepman_consensus_merge(&joined, t->ctx, g->labels, cepman_hdbscan_labels(coarse),
                                                  scores, rows, columns, arg_stage(t, "consensus")));
    /* A map without any cluster would tell less than the islands do. */
    if (!rc && cepman_labels_clusters(joined) > 0) {
        g->merged = true;
        g->fine = cepman_labels_clusters(g->labels);
        g->coarse = cepman_labels_clusters(cepman_hdbscan_labels(coarse));
        cepman_labels_unref(g->labels);
        g->labels = cepman_labels_ref(joined);
    }
    cepman_labels_unref(joined);
    cepman_hdbscan_unref(coarse);
    cepman_matrix_unref(few);
    return rc;
}

static int by_size(const void *p, const void *q)
{
    const double *a = p, *b = q;
    return (*a > *b) - (*a < *b);
}

/* The distance that one in a hundred pairs of rows exceeds, of PAIRS pairs. */
static int far_apart(const cepman_matrix *m, double *out)
{
    size_t n = cepman_matrix_rows(m), d = cepman_matrix_columns(m);
    double *apart = array_zero(PAIRS, 1, sizeof *apart);
    if (!apart) return 1;
    for (size_t k = 0; k < PAIRS; k++) {
        const float *a = cepman_matrix_row(m, k * 7919 % n), *b = cepman_matrix_row(m, (k * 104729 + 1) % n);
        double sum = 0;
        for (size_t i = 0; i < d; i++)
            sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        apart[k] = sqrt(sum);
    }
    qsort(apart, PAIRS, sizeof *apart, by_size);
    *out = apart[PAIRS - 1 - PAIRS / 100];
    free(apart);
    return 0;
}

/* Whether frames differ by less than domains do: noise and tilts of one crystal. */
static int all_alike(tool *t, const cepman_matrix *scores, const cepman_pca *pca, bool *alike)
{
    const cepman_options *how = arg_stage(t, "domains");
    cepman_matrix *sharp = NULL;
    double least = 0, apart = 0;
    *alike = false;
    if (cepman_matrix_rows(scores) < 2) return 0;
    int rc = tool_check(t, cepman_options_get_real(how, t->ctx, "least-jump", &least));
    if (!rc) rc = tool_check(t, cepman_domains_sharpen(&sharp, t->ctx, scores, pca, 0, 0, how));
    if (!rc) rc = far_apart(sharp, &apart);
    if (!rc) *alike = apart < least;
    cepman_matrix_unref(sharp);
    return rc;
}

int grouping_method(tool *t, const cepman_dataset *frames, const cepman_matrix *scores, const cepman_pca *pca,
                    const cepman_options *cepstrum, const run_defaults *standard, const char **method,
                    double *coherence)
{
    static const char *const of_hdbscan[] = {"hdbscan-tree", "hdbscan", "consensus", NULL};
    const char *scale = NULL;
    *method = arg_text(t, "method");
    *coherence = -1;
    if (strcmp(*method, "domains") == 0 && (!cepman_dataset_has_scan(frames) || !scores))
        return tool_fail(
            "the method domains needs a scan and principal components of its features (--pca always)");
    if (strcmp(*method, "auto") != 0) return 0;
    *method = "hdbscan";
    for (const char *const *stage = of_hdbscan; *stage; stage++)
        if (any_option_given(arg_stage(t, *stage))) return 0;
    int rc = tool_check(t, cepman_options_get_text(cepstrum, t->ctx, "scale", &scale));
    if (rc || !scores || strcmp(scale, "l2") != 0 || strcmp(arg_text(t, "consensus"), "auto") != 0) return rc;
    bool alike = false;
    if (standard->domains)
        rc = tool_check(t,
                        cepman_domains_coherence(coherence, t->ctx, scores, cepman_dataset_scan_rows(frames),
                                                 cepman_dataset_scan_columns(frames)));
    if (!rc && standard->domains && *coherence <= standard->coherence)
        *method = "domains";
    else if (!rc && !(rc = all_alike(t, scores, pca, &alike)) && alike)
        *method = "one";
    return rc;
}

int grouping_domains(tool *t, const cepman_matrix *scores, const cepman_pca *pca, size_t rows, size_t columns,
                     grouping *g)
{
    const cepman_options *how = arg_stage(t, "domains");
    cepman_matrix *sharp = NULL;
    g->method = "domains";
    int rc = tool_check(t, cepman_domains_sharpen(&sharp, t->ctx, scores, pca, rows, columns, how));
    if (!rc) rc = tool_check(t, cepman_domains_find(&g->labels, t->ctx, sharp, rows, columns, how));
    cepman_matrix_unref(sharp);
    return rc;
}

int grouping_one(tool *t, size_t n, grouping *g)
{
    int32_t *zeros = array_zero(n, 1, sizeof *zeros);
    g->method = "domains";
    if (!zeros) return 1;
    int rc = tool_check(t, cepman_labels_copy(&g->labels, t->ctx, zeros, n));
    free(zeros);
    return rc;
}

bool grouping_is_areas(const grouping *g, size_t rows, size_t columns)
{
    const int32_t *label = cepman_labels_data(g->labels);
    size_t alike = 0, pairs = 0;
    for (size_t i = 0; i < rows * columns; i++) {
        if ((i + 1) % columns) {
            pairs++;
            alike += label[i] == label[i + 1];
        }
        if (i + columns < rows * columns) {
            pairs++;
            alike += label[i] == label[i + columns];
        }
    }
    return (double)alike >= AREAS * (double)pairs;
}

void grouping_free(grouping *g)
{
    cepman_labels_unref(g->labels);
    cepman_kmeans_unref(g->kmeans);
    cepman_mixture_unref(g->mixture);
    cepman_hdbscan_unref(g->hdbscan);
    cepman_hdbscan_tree_unref(g->tree);
    cepman_options_unref(g->tree_options);
    cepman_options_unref(g->options);
    memset(g, 0, sizeof *g);
}

void grouping_json(json *j, const char *key, const grouping *g)
{
    size_t clusters = cepman_labels_clusters(g->labels), n = cepman_labels_count(g->labels);
    const int32_t *label = cepman_labels_data(g->labels);
    int64_t *sizes = calloc(clusters + 1, sizeof *sizes);
    if (!sizes) {
        j->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (label[i] >= 0) sizes[label[i]]++;
    json_open(j, key, '{');
    json_text(j, "method", g->method);
    json_integer(j, "points", (int64_t)n);
    json_integer(j, "clusters", (int64_t)clusters);
    json_integer(j, "noise", (int64_t)cepman_labels_noise(g->labels));
    if (g->kmeans) {
        json_real(j, "inertia", cepman_kmeans_inertia(g->kmeans));
        json_integer(j, "n_iter", (int64_t)cepman_kmeans_iterations(g->kmeans));
        json_flag(j, "converged", cepman_kmeans_converged(g->kmeans) != 0);
        json_open(j, "inertia_by_iteration", '[');
        for (size_t i = 0; i < cepman_kmeans_iterations(g->kmeans); i++)
            json_real(j, NULL, cepman_kmeans_history(g->kmeans)[i]);
        json_close(j, ']');
    }
    if (g->mixture) {
        json_real(j, "log_likelihood", cepman_mixture_log_likelihood(g->mixture));
        json_real(j, "bic", cepman_mixture_bic(g->mixture));
        json_real(j, "aic", cepman_mixture_aic(g->mixture));
        json_integer(j, "n_iter", (int64_t)cepman_mixture_iterations(g->mixture));
        json_flag(j, "converged", cepman_mixture_converged(g->mixture) != 0);
    }
    json_open(j, "sizes", '[');
    for (size_t i = 0; i < clusters; i++)
        json_integer(j, NULL, sizes[i]);
    json_close(j, ']');
    if (g->hdbscan) json_flag(j, "one_domain", g->one_domain);
    if (g->merged) {
        json_integer(j, "clusters_before_consensus", (int64_t)g->fine);
        json_integer(j, "coarse_clusters", (int64_t)g->coarse);
    }
    if (g->hdbscan && !g->one_domain && !g->merged) {
        json_open(j, "persistence", '[');
        for (size_t i = 0; i < clusters; i++)
            json_real(j, NULL, cepman_hdbscan_persistence(g->hdbscan)[i]);
        json_close(j, ']');
    }
    json_close(j, '}');
    free(sizes);
}
