/* Door of matrix/: making matrices and labels from inside, number types, and .npy headers. */
#ifndef CEP_MATRIX_H
#define CEP_MATRIX_H

#include <cepman/matrix.h>

#include "base.h"

/* A matrix over memory that is filled before anyone else sees it. Rows are `stride` floats apart (columns
 * rounded up so that rows are 64-byte aligned when columns > 8, else columns). *data is writable until the
 * matrix is handed out. */
cepman_status cep_matrix_create(cepman_matrix **out, cepman_context *ctx, const char *what, size_t rows,
                                size_t columns, float **data, size_t *stride);
/* The same for float16: numbers, not bytes, are counted. */
cepman_status cep_matrix_create_f16(cepman_matrix **out, cepman_context *ctx, const char *what, size_t rows,
                                    size_t columns, uint16_t **data, size_t *stride);
/* Copies of rows first .. first+count-1 of a float32 matrix into dst (stride floats apart). */
void cep_matrix_read(const cepman_matrix *matrix, size_t first, size_t count, float *dst, size_t stride);
/* *row: index of the first row with a NaN or an infinity, rows() when all are finite. float32 only. Polls cancel: the rows
 * may lie in a large file. */
cepman_status cep_matrix_first_nonfinite(size_t *row, cepman_context *ctx, const cepman_matrix *matrix);
/* Rows first .. first+count-1 (in range) as float32 into dst, stride floats apart, from memory or file, whatever the
 * type. Any thread. Fails only for rows of a file. */
cepman_status cep_matrix_fetch(const cepman_matrix *matrix, cep_fault *fault, size_t first, size_t count,
                               float *dst, size_t stride);
/* float32 rows in memory: neither float16 nor of a file. cepman_matrix_row() then costs nothing and cannot fail. */
bool cep_matrix_in_memory(const cepman_matrix *matrix);
/* For functions that go by cepman_matrix_row(): CEPMAN_ERR_UNSUPPORTED for float16. NULL passes. */
cepman_status cep_matrix_need_f32(cepman_context *ctx, const cepman_matrix *matrix, const char *what);
#define CEP_REQUIRE_F32(ctx, matrix, what)                                                                   \
    do {                                                                                                     \
        cepman_status of_type = cep_matrix_need_f32((ctx), (matrix), (what));                                \
        if (of_type) return of_type;                                                                         \
    } while (0)

cepman_status cep_labels_create(cepman_labels **out, cepman_context *ctx, size_t count, int32_t **values);
/* Call when the values are in: counts clusters and noise. */
void cep_labels_seal(cepman_labels *labels);

/* f16, f32 or f64: NaN and infinities are possible. */
bool cep_type_is_real(cepman_type type);
/* count numbers of a type, native byte order, to float32. src may be unaligned. */
void cep_type_to_f32(cepman_type type, const void *src, float *dst, size_t count);
/* Reverses the bytes of count numbers in place. */
void cep_swap_bytes(void *data, size_t count, size_t size);

/* ---- .npy ---------------------------------------------------------------------------------------------------- */

#define CEP_NPY_DIMS 8

typedef struct cep_npy_header {
    cepman_type type;
    bool swapped; /* byte order differs from this machine's */
    bool fortran;
    size_t dims;
    size_t shape[CEP_NPY_DIMS];
    size_t count;    /* product of the shape */
    uint64_t offset; /* of the data */
} cep_npy_header;

/* True when the numbers lie in another order than C's: Fortran order, and more than one axis longer than 1. */
bool cep_npy_scrambled(const cep_npy_header *header);

/* What a descr such as '<u2' says: the type, and whether the byte order differs from this machine's. */
cepman_status cep_npy_descr(const char *descr, const char *name, cep_fault *fault, cepman_type *type,
                            bool *swapped);
/* Reads and checks a header, and (unless it may be short) that the file holds the data it promises. Other
 * types: CEPMAN_ERR_UNSUPPORTED, naming the type. */
cepman_status cep_npy_read_header(cep_file *file, cep_fault *fault, cep_npy_header *header,
                                  bool may_be_short);
/* The same from memory, without the file's length: what fuzzers and growing files use. */
cepman_status cep_npy_parse(const unsigned char *bytes, size_t size, const char *name, cep_fault *fault,
                            cep_npy_header *header);

/* ---- .npy by place: for loops that fill rows of a file in any order -------------------------------------------- */

/* Keeps room for the whole array. */
cepman_status cep_npy_writer_reserve(cepman_npy_writer *writer, cep_fault *fault);
/* Numbers first .. first+count-1 of the array; any thread. */
cepman_status cep_npy_writer_put(cepman_npy_writer *writer, cep_fault *fault, size_t first, size_t count,
                                 const void *data);
cepman_status cep_npy_writer_get(cepman_npy_writer *writer, cep_fault *fault, size_t first, size_t count,
                                 void *data);
/* All numbers have been put: the writer may be committed. */
void cep_npy_writer_filled(cepman_npy_writer *writer);

#endif
