/* Private to matrix/: what a matrix is. */
#ifndef CEP_MATRIX_INTERNAL_H
#define CEP_MATRIX_INTERNAL_H

#include "matrix.h"

struct cepman_matrix {
    cep_refs refs;
    cep_memory *mem;
    cepman_type type; /* F32 or F16 */
    size_t size;      /* bytes of a number */
    size_t rows, columns, stride;
    const void *data; /* NULL for a selection, and for float16 of a file */
    void *owned;
    cepman_destroy destroy;
    void *user;
    cepman_matrix *parent; /* selection only */
    size_t *index;
    cep_file *file; /* rows of a file; packed */
    uint64_t offset;
    void *map;
    size_t map_size;
};

cepman_status cep_matrix_make(cepman_matrix **out, cepman_context *ctx, cepman_type type, size_t rows,
                              size_t columns, size_t stride);

#endif
