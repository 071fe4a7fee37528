/* A flat clustering taken from a tree: labels, membership strengths, outlier scores (GLOSH: Campello,
 * Moulavi, Zimek, Sander 2015) and persistences, with the conventions of the reference implementation. Must
 * not: look at coordinates. */
#include <math.h>

#include "fitted.h"

static const cep_option table[] = {
    {"min-cluster-size", CEPMAN_OPTION_INTEGER, 2, 2147483645, 5, NULL,
     "points of a cluster at least, 2 or more"},
    {"selection", CEPMAN_OPTION_CHOICE, 0, 1, 0, "eom|leaf",
     "clusters of most excess of mass, or the tree's leaves"},
    {"selection-epsilon", CEPMAN_OPTION_REAL, 0, 1e300, 0, NULL,
     "clusters that appear below this distance are not split off, in the points' unit"},
    {"max-cluster-size", CEPMAN_OPTION_INTEGER, 0, 2147483645, 0, NULL,
     "points of a cluster at most; 0: no limit"},
    {"allow-single-cluster", CEPMAN_OPTION_FLAG, 0, 1, 0, NULL, "all points may be one cluster"},
    {"ties", CEPMAN_OPTION_CHOICE, 0, 1, 0, "canonical|binary",
     "merges of equal height all at once, or one by one as the reference implementation does"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

cepman_status cepman_hdbscan_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, "hdbscan", table);
}

/* With the root as the one cluster, its points are those that stay to its end, or inside epsilon. */
static double root_bar(const cep_condensed *c, const cep_selection *how)
{
    if (!c->clusters) return 0;
    return how->epsilon > 0 ? 1 / how->epsilon : c->death[0];
}

int32_t cep_flat_label(const cepman_hdbscan *h, uint32_t k, double lambda, double *probability)
{
    uint32_t own = h->owner[k];
    *probability = 0;
    if (own == CEP_NO_CLUSTER || (own == 0 && lambda < h->root_bar)) return -1;
    double death = h->condensed.death[own];
    *probability = death == 0 || isinf(lambda) ? 1 : lambda < death ? lambda / death : 1;
    return h->number[own];
}

/* end: scratch per condensed cluster, which becomes the largest death at or below it; inner: whether it has children. */
static void describe(cepman_hdbscan *h, double *end, bool *inner, int32_t *labels)
{
    const cepman_hdbscan_tree *t = h->tree;
    const cep_condensed *c = &h->condensed;
    int32_t *number = h->number;
    size_t clusters = 0, m = c->clusters;
    double longest = 0;
    for (size_t k = 0; k < m; k++) {
        number[k] = h->owner[k] == k ? (int32_t)clusters++ : -1;
        end[k] = c->death[k];
        if (c->death[k] > longest) longest = c->death[k];
    }
    for (size_t k = m; k-- > 1;) {
        if (end[k] > end[c->parent[k]]) end[c->parent[k]] = end[k];
        inner[c->parent[k]] = true;
    }
    for (size_t i = 0; i < t->rows; i++) {
        labels[i] = -1;
        h->probabilities[i] = 0;
        h->scores[i] = 1; /* rows that are not finite */
        h->exemplars[i] = 0;
    }
    for (size_t i = 0; i < c->n; i++) {
        size_t row = cep_tree_row(t, i);
        uint32_t k = c->point_cluster[i];
        double lambda = c->point_lambda[i], last = end[k];
        h->scores[row] = last == 0 || isinf(lambda) ? 0 : isinf(last) ? 1 : (last - lambda) / last;
        labels[row] = cep_flat_label(h, k, lambda, &h->probabilities[row]);
        h->exemplars[row] = labels[row] >= 0 && !inner[k] && lambda >= c->death[k];
    }
    for (size_t k = 0; k < m; k++)
        if (number[k] >= 0)
            h->persistence[number[k]] = isinf(longest) || longest == 0
                                            ? 1
                                            : fmin(c->stability[k] / ((double)c->size[k] * longest), 1);
}

static cepman_status extract(cepman_hdbscan *h, cepman_context *ctx, const cepman_options *options)
{
    const cepman_hdbscan_tree *t = h->tree;
    cep_selection how = {.leaf = cep_options_choice(options, "selection") == 1,
                         .allow_root = cep_options_flag(options, "allow-single-cluster"),
                         .epsilon = cep_options_real(options, "selection-epsilon"),
                         .most = (size_t)cep_options_integer(options, "max-cluster-size"),
                         .min_size = (size_t)cep_options_integer(options, "min-cluster-size")};
    cepman_status s = cep_condense(&h->condensed, ctx, &t->merges, t->edges, how.min_size,
                                   cep_options_choice(options, "ties") == 0);
    if (s) return s;
    size_t m = h->condensed.clusters;
    int32_t *labels = NULL;
    double *end = cep_alloc(h->mem, m, sizeof *end);
    bool *inner = cep_alloc_zero(h->mem, m, sizeof *inner);
    h->number = cep_alloc(h->mem, m, sizeof *h->number);
    h->owner = cep_alloc(h->mem, m, sizeof *h->owner);
    h->probabilities = cep_alloc(h->mem, t->rows, sizeof *h->probabilities);
    h->scores = cep_alloc(h->mem, t->rows, sizeof *h->scores);
    h->exemplars = cep_alloc(h->mem, t->rows, sizeof *h->exemplars);
    h->persistence = cep_alloc(h->mem, m, sizeof *h->persistence);
    if (!h->owner || !end || !inner || !h->number || !h->probabilities || !h->scores || !h->exemplars ||
        !h->persistence)
        s = cep_fail_memory(ctx, "HDBSCAN", t->rows, 2 * sizeof(double) + 1);
    if (!s) s = cep_select_clusters(&h->condensed, ctx, &how, h->owner);
    if (!s) s = cep_labels_create(&h->labels, ctx, t->rows, &labels);
    if (!s) {
        h->root_bar = root_bar(&h->condensed, &how);
        describe(h, end, inner, labels);
        cep_labels_seal(h->labels);
    }
    cep_free(h->mem, end);
    cep_free(h->mem, inner);
    return s;
}

cepman_status cepman_hdbscan_extract(cepman_hdbscan **out, cepman_context *ctx, cepman_hdbscan_tree *tree,
                                     const cepman_options *given)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && tree, CEPMAN_ERR_ARGUMENT, "HDBSCAN: out or tree is NULL");
    cepman_options *options = NULL;
    s = cep_options_resolve(&options, ctx, given, "hdbscan", table);
    if (s) return s;
    cep_memory *mem = cep_context_memory(ctx);
    cepman_hdbscan *h = cep_alloc_zero(mem, 1, sizeof *h);
    if (h) {
        cep_refs_init(&h->refs);
        h->mem = cep_memory_ref(mem);
        h->tree = cepman_hdbscan_tree_ref(tree);
        s = extract(h, ctx, options);
    } else {
        s = cep_fail_memory(ctx, "HDBSCAN", 1, sizeof *h);
    }
    cepman_options_unref(options);
    if (s) {
        cepman_hdbscan_unref(h);
        return s;
    }
    *out = h;
    return CEPMAN_OK;
}

cepman_hdbscan *cepman_hdbscan_ref(cepman_hdbscan *h)
{
    if (h) cep_refs_get(&h->refs);
    return h;
}

void cepman_hdbscan_unref(cepman_hdbscan *h)
{
    if (!h || !cep_refs_put(&h->refs)) return;
    cep_memory *mem = h->mem;
    cepman_labels_unref(h->labels);
    cep_free(mem, h->probabilities);
    cep_free(mem, h->scores);
    cep_free(mem, h->persistence);
    cep_free(mem, h->exemplars);
    cep_free(mem, h->number);
    cep_free(mem, h->owner);
    cep_condensed_clear(&h->condensed);
    cepman_hdbscan_tree_unref(h->tree);
    cep_fitted_free(atomic_load_explicit(&h->fitted, memory_order_acquire));
    cep_free(mem, h);
    cep_memory_unref(mem);
}

cepman_labels *cepman_hdbscan_labels(const cepman_hdbscan *h)
{
    return h ? h->labels : NULL;
}

const double *cepman_hdbscan_probabilities(const cepman_hdbscan *h)
{
    return h ? h->probabilities : NULL;
}

const double *cepman_hdbscan_outlier_scores(const cepman_hdbscan *h)
{
    return h ? h->scores : NULL;
}

const double *cepman_hdbscan_persistence(const cepman_hdbscan *h)
{
    return h ? h->persistence : NULL;
}

const uint8_t *cepman_hdbscan_exemplars(const cepman_hdbscan *h)
{
    return h ? h->exemplars : NULL;
}

size_t cepman_hdbscan_condensed_clusters(const cepman_hdbscan *h)
{
    return h ? h->condensed.clusters : 0;
}

cepman_status cepman_hdbscan_condensed_cluster(const cepman_hdbscan *h, size_t k, size_t *parent,
                                               size_t *size, int32_t *label, double *birth, double *death,
                                               double *stability)
{
    if (!h) return CEPMAN_ERR_ARGUMENT;
    const cep_condensed *c = &h->condensed;
    if (k >= c->clusters) return CEPMAN_ERR_RANGE;
    if (parent) *parent = k ? c->parent[k] : SIZE_MAX;
    if (size) *size = c->size[k];
    if (label) *label = h->number[k];
    if (birth) *birth = c->birth[k];
    if (death) *death = c->death[k];
    if (stability) *stability = c->stability[k];
    return CEPMAN_OK;
}

cepman_status cepman_hdbscan_condensed_point(const cepman_hdbscan *h, size_t row, size_t *cluster,
                                             double *lambda)
{
    if (!h) return CEPMAN_ERR_ARGUMENT;
    const cepman_hdbscan_tree *t = h->tree;
    if (row >= t->rows) return CEPMAN_ERR_RANGE;
    size_t i = cep_tree_point(t, row);
    if (cluster) *cluster = i == SIZE_MAX ? SIZE_MAX : h->condensed.point_cluster[i];
    if (lambda) *lambda = i == SIZE_MAX ? 0 : h->condensed.point_lambda[i];
    return CEPMAN_OK;
}
