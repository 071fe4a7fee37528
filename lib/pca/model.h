/* Private to pca/: what a fit keeps. */
#ifndef CEP_PCA_MODEL_H
#define CEP_PCA_MODEL_H

#include "pca.h"

struct cepman_pca {
    cep_refs refs;
    cep_memory *mem;
    size_t count, features;
    double *mean;     /* features */
    double *variance; /* count */
    double *vectors;  /* count rows of features */
    double total;
    bool whiten;
};

#endif
