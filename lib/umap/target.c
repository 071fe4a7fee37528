/* Supervision: the fuzzy set of the features meets that of a target of labels.
 * McInnes, Healy, Melville 2018, section 6 (intersection with a categorical set), with the constants of the reference
 * implementation: across labels exp(-2.5 / (1 - weight)), at unknown labels exp(-1).
 * Must not: add edges. */
#include <math.h>

#include "umap.h"

#define UNKNOWN 1.0
#define FAR 2.5

static double factor(int32_t a, int32_t b, double weight)
{
    if (a < 0 || b < 0) return exp(-UNKNOWN);
    return a == b ? 1 : weight < 1 ? exp(-FAR / (1 - weight)) : 0;
}

cepman_status cep_umap_meet_target(cep_umap_graph *graph, cepman_context *ctx, const int32_t *labels,
                                   double weight)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = graph->n;
    double *most = cep_alloc_zero(mem, n, sizeof *most); /* of the weights of a point */
    if (!most) return cep_fail_memory(ctx, "target", n, sizeof *most);
    for (size_t i = 0; i < n; i++)
        for (size_t e = graph->starts[i]; e < graph->starts[i + 1]; e++) {
            const float w =
                (float)((double)graph->weights[e] * factor(labels[i], labels[graph->columns[e]], weight));
            graph->weights[e] = w;
            most[i] = (double)w > most[i] ? (double)w : most[i];
        }
    size_t kept = 0, from = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t end = graph->starts[i + 1];
        for (size_t e = from; e < end; e++) {
            if (!(graph->weights[e] > 0)) continue;
            const double a = (double)graph->weights[e] / most[i],
                         b = (double)graph->weights[e] / most[graph->columns[e]];
            const float united = (float)(a + b - a * b);
            graph->columns[kept] = graph->columns[e];
            graph->weights[kept++] = united < 1 ? united : 1;
        }
        from = end;
        graph->starts[i + 1] = kept;
    }
    cep_free(mem, most);
    return CEPMAN_OK;
}
