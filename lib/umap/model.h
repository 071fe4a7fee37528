/* The fitted model, private to umap/. */
#ifndef CEP_UMAP_MODEL_H
#define CEP_UMAP_MODEL_H

#include "umap.h"

struct cepman_umap {
    cep_refs refs;
    cep_memory *mem;
    cepman_matrix *features; /* NULL when it was fitted to a graph alone */
    cepman_matrix *embedding;
    cepman_neighbors *neighbors;
    cep_umap_graph graph;
    double a, b;
    size_t epochs;
};

extern const cep_option cep_umap_options[];

/* A model without parts, one reference. */
cepman_status cep_umap_model(cepman_umap **out, cepman_context *ctx);

#endif
