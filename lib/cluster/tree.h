/* The tree object, as the files that extract from it see it. */
#ifndef CEP_CLUSTER_TREE_H
#define CEP_CLUSTER_TREE_H

#include <cepman/hdbscan.h>

#include "linkage.h"

struct cepman_hdbscan_tree {
    cep_refs refs;
    cep_memory *mem;
    size_t rows, n;  /* all rows, and the finite ones: the points */
    uint32_t *index; /* row of each point; NULL: the same */
    size_t samples;  /* min-samples in force; 0 below two points */
    double alpha;
    double *core;    /* per row; infinite where it is not finite */
    cep_edge *edges; /* n - 1, between points, ascending */
    cep_dendrogram merges;
};

static inline size_t cep_tree_row(const cepman_hdbscan_tree *t, size_t point)
{
    return t->index ? t->index[point] : point;
}

/* The point of a row, SIZE_MAX for rows that are not finite. */
size_t cep_tree_point(const cepman_hdbscan_tree *t, size_t row);

/* The point of a row; SIZE_MAX for a row that is not finite. */
size_t cep_tree_point(const cepman_hdbscan_tree *t, size_t row);

#endif
