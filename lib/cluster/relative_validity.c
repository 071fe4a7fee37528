/* Relative validity of a labelling: DBCV (Moulavi, Jaskowiak, Campello, Zimek, Sander 2014) read off the spanning tree
 * of the fit alone, as the reference implementation's relative_validity_ does.
 * Must not: look at coordinates. */
#include <math.h>

#include "tree.h"

typedef struct sums {
    double *sparse, *apart; /* per cluster: heaviest edge inside, lightest edge to another cluster */
    size_t *size;
} sums;

/* Edges of one cluster, between clusters, and to noise; *longest: the heaviest finite edge. */
static void read_edges(const cepman_hdbscan_tree *t, const int32_t *labels, const sums *u, double *to_noise,
                       double *longest)
{
    *to_noise = (double)INFINITY;
    *longest = 0;
    for (size_t e = 0; e + 1 < t->n; e++) {
        int32_t a = labels[cep_tree_row(t, t->edges[e].a)], b = labels[cep_tree_row(t, t->edges[e].b)];
        double w = t->edges[e].weight;
        if (isfinite(w)) *longest = w; /* ascending */
        if ((a < 0) != (b < 0)) *to_noise = fmin(*to_noise, w);
        if (a < 0 || b < 0) continue;
        if (a == b) {
            u->sparse[a] = w;
        } else {
            u->apart[a] = fmin(u->apart[a], w);
            u->apart[b] = fmin(u->apart[b], w);
        }
    }
    if (isinf(*to_noise)) *to_noise = *longest;
}

cepman_status cepman_hdbscan_relative_validity(double *out, cepman_context *ctx, const cepman_hdbscan_tree *t,
                                               const cepman_labels *labels)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && t && labels, CEPMAN_ERR_ARGUMENT, "relative validity: an argument is NULL");
    CEP_REQUIRE(ctx, cepman_labels_count(labels) == t->rows, CEPMAN_ERR_SHAPE,
                "relative validity: %zu labels, the tree has %zu rows", cepman_labels_count(labels), t->rows);
    if ((s = cep_poll(ctx))) return s;
    cep_memory *mem = cep_context_memory(ctx);
    const int32_t *label = cepman_labels_data(labels);
    size_t m = cepman_labels_clusters(labels), found = 0;
    sums u = {cep_alloc_zero(mem, m, sizeof *u.sparse), cep_alloc(mem, m, sizeof *u.apart),
              cep_alloc_zero(mem, m, sizeof *u.size)};
    if (!u.sparse || !u.apart || !u.size)
        s = cep_fail_memory(ctx, "relative validity", m, 2 * sizeof *u.sparse + sizeof *u.size);
    if (!s) {
        double to_noise, longest, sum = 0;
        for (size_t k = 0; k < m; k++)
            u.apart[k] = (double)INFINITY;
        for (size_t i = 0; i < t->rows; i++)
            if (label[i] >= 0) found += u.size[label[i]]++ == 0;
        read_edges(t, label, &u, &to_noise, &longest);
        for (size_t k = 0; k < m; k++) {
            double apart = isinf(u.apart[k]) ? 2 * (found > 1 ? longest : to_noise) : u.apart[k];
            double most = fmax(apart, u.sparse[k]);
            if (u.size[k] && most > 0)
                sum += (isinf(most) ? -1 : (apart - u.sparse[k]) / most) * (double)u.size[k];
        }
        *out = found ? sum / (double)t->rows : (double)NAN;
    }
    cep_free(mem, u.sparse);
    cep_free(mem, u.apart);
    cep_free(mem, u.size);
    return s;
}
