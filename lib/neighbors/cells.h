/* Inside neighbors/: projected rows grouped into cells, to be searched by rows that are not among them. */
#ifndef CEP_NEIGHBORS_CELLS_H
#define CEP_NEIGHBORS_CELLS_H

#include "forest.h"

/* Row order[p] lies at points + p * width; cell c owns places starts[c] to starts[c + 1]. */
typedef struct cep_cells {
    size_t rows, width, count;
    float *centres; /* count * width */
    size_t *starts;
    int32_t *order;
    float *points;
    const cep_distance_kernels *distance;
    cep_memory *mem;
} cep_cells;

/* The projection is spent: its rows are kept in the cells' order. */
cepman_status cep_cells_open(cep_cells *c, cepman_context *ctx, cep_projection *p, uint64_t seed);
void cep_cells_close(cep_cells *c);
/* Offers the rows of the nearest probes->k cells (all of a cell's), by their distance in few coordinates; not row
 * `self` (-1: all). probes and found start empty. */
void cep_cells_search(const cep_cells *c, const float *y, int32_t self, cep_best *probes, cep_best *found);

#endif
