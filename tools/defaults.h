/* What `cepman run` does when it is not told: the one place for the pipeline's defaults. */
#ifndef DEFAULTS_H
#define DEFAULTS_H

#include "tool.h"

typedef struct run_defaults {
    bool pca;                /* principal components before UMAP */
    size_t components;       /* how many, unless --components is given */
    size_t min_cluster_size; /* of HDBSCAN */
    size_t min_samples;
} run_defaults;

/* For n frames of d features. */
run_defaults run_defaults_for(size_t n, size_t d);

#endif
