/* The flat clustering, as the files that read it see it. */
#ifndef CEP_CLUSTER_FLAT_H
#define CEP_CLUSTER_FLAT_H

#include <stdatomic.h>

#include "condense.h"
#include "tree.h"

struct cep_fitted;

struct cepman_hdbscan {
    cep_refs refs;
    cep_memory *mem;
    cepman_labels *labels;
    double *probabilities, *scores, *persistence;
    uint8_t *exemplars;
    cep_condensed condensed;
    int32_t *number;           /* per condensed cluster: its label, or -1 */
    uint32_t *owner;           /* per condensed cluster: the selected one it belongs to, or CEP_NO_CLUSTER */
    double root_bar;           /* with the root selected: its points' lambdas are at least this */
    cepman_hdbscan_tree *tree; /* whose rows these are */
    _Atomic(struct cep_fitted *) fitted; /* NULL until new rows came */
};

/* Label and membership strength of what leaves condensed cluster k at `lambda`. */
int32_t cep_flat_label(const cepman_hdbscan *h, uint32_t k, double lambda, double *probability);

#endif
