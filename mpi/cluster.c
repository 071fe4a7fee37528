/* Labels over all ranks: every rank clusters the fitted rows for itself, then places its own rows among them; K-means goes on
 * from there with all rows (lloyd.c).
 * Equal input gives equal bits (docs/determinism.md), so the clustering needs no message; docs/mpi.md says what that costs.
 * Must not: cluster a rank's rows by themselves. */
#include <string.h>

#include "internal.h"

/* Labels of all fitted rows to those of the rank's, when every row is fitted. */
static cepman_status slice(cepman_labels **out, cepman_mpi *g, const cepman_mpi_manifold *m,
                           cepman_labels *all)
{
    return cepman_labels_copy(out, g->ctx, cepman_labels_data(all) + m->first,
                              cepman_matrix_rows(m->embedding));
}

/* Probabilities: NULL, or room for the rank's rows. */
static cepman_status by_density(cepman_labels **out, double *probabilities, cepman_mpi *g,
                                const cepman_mpi_manifold *m, const cepman_options *tree_options,
                                const cepman_options *options)
{
    cepman_context *ctx = g->ctx;
    cepman_hdbscan_tree *tree = NULL;
    cepman_hdbscan *h = NULL;
    cepman_status s = cepman_hdbscan_tree_build(&tree, ctx, m->fitted, tree_options);
    if (!s) s = cepman_hdbscan_extract(&h, ctx, tree, options);
    if (!s && m->landmarks)
        s = cepman_hdbscan_apply(out, probabilities, ctx, h, m->fitted, m->embedding);
    else if (!s)
        s = slice(out, g, m, cepman_hdbscan_labels(h));
    if (!s && !m->landmarks && probabilities)
        memcpy(probabilities, cepman_hdbscan_probabilities(h) + m->first,
               cepman_matrix_rows(m->embedding) * sizeof *probabilities);
    cepman_hdbscan_unref(h);
    cepman_hdbscan_tree_unref(tree);
    return s;
}

static cepman_status by_centres(cepman_labels **out, cepman_mpi *g, const cepman_mpi_manifold *m,
                                const cepman_options *options)
{
    cepman_kmeans *model = NULL;
    cepman_status s = cepman_mpi_agree(g, cepman_kmeans_fit(&model, g->ctx, m->fitted, NULL, NULL, options));
    if (!s && m->landmarks)
        s = cep_mpi_lloyd(out, g, m, cepman_kmeans_centres(model), options);
    else if (!s)
        s = slice(out, g, m, cepman_kmeans_labels(model));
    cepman_kmeans_unref(model);
    return s;
}

/* All ranks have labels, or none does. */
static cepman_status hand_out(cepman_labels **out, cepman_mpi *g, cepman_labels *labels, cepman_status s)
{
    s = cepman_mpi_agree(g, s);
    if (s)
        cepman_labels_unref(labels);
    else
        *out = labels;
    return s;
}

cepman_status cepman_mpi_hdbscan(cepman_labels **out, double *probabilities, cepman_mpi *g,
                                 const cepman_mpi_manifold *m, const cepman_options *tree,
                                 const cepman_options *options)
{
    cepman_labels *labels = NULL;
    double *own = NULL; /* the caller's are not touched before all have succeeded */
    cepman_status s = cep_mpi_enter(g, out && m);
    if (!s)
        s = cep_mpi_same_options(g, tree, cepman_hdbscan_tree_options_create,
                                 "settings of the tree (their sum)");
    if (!s)
        s = cep_mpi_same_options(g, options, cepman_hdbscan_options_create,
                                 "settings of HDBSCAN (their sum)");
    if (s) return s;
    const size_t count = cepman_matrix_rows(m->embedding);
    if (probabilities) s = cep_mpi_alloc(g, &own, count, sizeof *own, "probabilities");
    if (!s) s = by_density(&labels, own, g, m, tree, options);
    s = hand_out(out, g, labels, s);
    if (!s && probabilities) memcpy(probabilities, own, count * sizeof *own);
    cepman_context_release(own);
    return s;
}

cepman_status cepman_mpi_kmeans(cepman_labels **out, cepman_mpi *g, const cepman_mpi_manifold *m,
                                const cepman_options *options)
{
    cepman_labels *labels = NULL;
    cepman_status s = cep_mpi_enter(g, out && m);
    if (s) return s;
    s = cep_mpi_same_options(g, options, cepman_kmeans_options_create, "settings of K-means (their sum)");
    if (s) return s;
    s = by_centres(&labels, g, m, options);
    return hand_out(out, g, labels, s);
}
