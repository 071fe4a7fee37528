/* What `cepman run` does when it is not told: the one place for the pipeline's defaults. */
#ifndef DEFAULTS_H
#define DEFAULTS_H

#include "tool.h"

typedef struct run_defaults {
    bool pca;                /* principal components before UMAP */
    size_t components;       /* how many, unless --components is given */
    size_t neighbors;        /* of UMAP, the point itself included */
    size_t min_cluster_size; /* of HDBSCAN */
    size_t min_samples;
    bool domains;             /* found on the scan, where it is coherent */
    double coherence;         /* at most (cepman_domains_coherence()) */
    bool consensus;           /* with a clustering of the first components, on a scan */
    size_t coarse_components; /* few enough for the k-d tree */
    size_t coarse_size;       /* its min-cluster-size */
    size_t coarse_min_samples;
} run_defaults;

/* For n frames of d features on a scan of rows x columns (0 x 0: a stack). */
run_defaults run_defaults_for(size_t n, size_t d, size_t rows, size_t columns);

#endif
