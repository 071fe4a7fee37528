/* What `cepman run` does when it is not told: the one place for the pipeline's defaults. */
#ifndef DEFAULTS_H
#define DEFAULTS_H

#include "tool.h"

typedef struct run_defaults {
    bool pca;                /* principal components before UMAP */
    size_t min_cluster_size; /* of HDBSCAN */
    size_t min_samples;
} run_defaults;

/* For n frames of d features, of which PCA would keep `components` (0: as many as it finds above the noise). */
run_defaults run_defaults_for(size_t n, size_t d, size_t components);

#endif
