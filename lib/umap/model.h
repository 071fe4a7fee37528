/* The fitted model, private to umap/. */
#ifndef CEP_UMAP_MODEL_H
#define CEP_UMAP_MODEL_H

#include <stdatomic.h>

#include "umap.h"

typedef enum cep_umap_metric {
    CEP_UMAP_EUCLIDEAN = 0,
    CEP_UMAP_COSINE = 1,
    CEP_UMAP_CORRELATION = 2
} cep_umap_metric;
typedef enum cep_umap_method {
    CEP_UMAP_AUTO = 0,
    CEP_UMAP_EXACT = 1,
    CEP_UMAP_APPROXIMATE = 2
} cep_umap_method;

struct cepman_umap {
    cep_refs refs;
    cep_memory *mem;
    cepman_matrix *features; /* NULL when it was fitted to a graph alone */
    cepman_matrix *embedding;
    cepman_neighbors *neighbors;
    cep_umap_graph graph;
    double a, b;
    size_t epochs;
    /* what placing new points needs beside */
    size_t near; /* neighbours of a new point */
    cep_umap_metric metric;
    cep_umap_method method;
    uint64_t seed;
    double learning_rate, repulsion, local_connectivity, cut, mean;
    unsigned negatives;
    _Atomic(cepman_neighbors_index *) index; /* NULL until somebody needs it */
};

#define CEP_UMAP_METRICS "euclidean|cosine|correlation"
#define CEP_UMAP_METHODS "auto|exact|approximate"

extern const cep_option cep_umap_options[];

/* Word number i of a list "a|b|c", into `word` (24 bytes). */
void cep_umap_word(const char *list, int i, char *word);

/* A model without parts, one reference. */
cepman_status cep_umap_model(cepman_umap **out, cepman_context *ctx);

#endif
