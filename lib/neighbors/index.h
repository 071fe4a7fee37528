/* Inside neighbors/: the index and how one row is looked up in it. */
#ifndef CEP_NEIGHBORS_INDEX_H
#define CEP_NEIGHBORS_INDEX_H

#include "cells.h"

struct cepman_neighbors_index {
    cep_refs refs;
    cep_memory *mem;
    cepman_matrix *matrix;
    cep_measure m;
    cep_metric metric;
    size_t k;
    const char *method;
    double recall;
    cep_tree tree;
    cep_projector projector;
    cep_cells cells;
    size_t probes, candidates;
};

/* What one worker needs. */
typedef struct cep_index_scratch {
    float *y, *norms;              /* CEP_TILE_ROWS projected rows */
    cep_best_item *probes, *found; /* index->probes, index->candidates */
    float *group;                  /* exact: column by column, rows that pass the index together */
    cep_best_item *best;           /* k of each of them */
    cep_best all;                  /* exact: best, over several tasks */
} cep_index_scratch;

/* Close it after a failure as well. */
cepman_status cep_index_scratch_open(cep_index_scratch *w, cepman_context *ctx,
                                     const cepman_neighbors_index *x);
void cep_index_scratch_close(cep_index_scratch *w, cep_memory *mem);
/* Approximate: the k nearest of row i of q, whose projection is y, nearest first; not row `self` (-1: all). */
cep_best cep_index_ask(const cepman_neighbors_index *x, const cep_measure *q, size_t i, const float *y,
                       int32_t self, cep_index_scratch *w);

#endif
