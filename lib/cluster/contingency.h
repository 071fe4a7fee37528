/* Two labellings of the same points as counts of pairs of classes. */
#ifndef CEP_CLUSTER_CONTINGENCY_H
#define CEP_CLUSTER_CONTINGENCY_H

#include "matrix.h"

typedef struct cep_cell {
    int32_t a, b; /* classes of the first and second labelling, from 0 */
    size_t count;
} cep_cell;

/* Points with second < 0 are left out. first < 0 is class 0 when there are any (noise is true). */
typedef struct cep_contingency {
    cep_memory *mem;
    size_t points, first, second, cells; /* points kept, classes of each, cells that are not empty */
    bool noise;
    cep_cell *cell; /* by a, then b */
    size_t *size_a, *size_b;
} cep_contingency;

cepman_status cep_contingency_count(cep_contingency *c, cepman_context *ctx, const cepman_labels *first,
                                    const cepman_labels *second, const char *what);
void cep_contingency_clear(cep_contingency *c);

/* Largest total of a one-to-one matching of rows with columns, by the Hungarian method; gain: rows x columns.
 */
cepman_status cep_assignment(cepman_context *ctx, const double *gain, size_t rows, size_t columns,
                             double *total);

#endif
