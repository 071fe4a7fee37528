/* Which clusters meet on the scan, and how long their borders are. */
#ifndef BORDERS_H
#define BORDERS_H

#include "tool.h"

typedef struct borders {
    size_t shown, clusters; /* the first ATLAS_TILES clusters, and all */
    uint32_t *length;       /* shown x clusters, in scan points */
    double *mean;           /* clusters x axes, in the manifold */
    int32_t *neighbor;      /* shown; the longest border's, or the nearest in the manifold; -1: none */
} borders;

/* Clusters that meet on the scan, or are neighbours in the manifold. */
typedef struct pair {
    size_t one, other;
    uint32_t border;
} pair;

int borders_find(borders *b, const cepman_dataset *dataset, const cepman_labels *labels,
                 const cepman_matrix *embedding);
void borders_free(borders *b);
/* The longest borders first, 48 pairs at most; *list is freed with free(). */
int borders_pairs(const borders *b, pair **list, size_t *count);

#endif
