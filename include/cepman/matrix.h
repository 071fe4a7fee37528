/* Matrices of features and embeddings, label vectors, and .npy files of both. */
#ifndef CEPMAN_MATRIX_H
#define CEPMAN_MATRIX_H

#include <cepman/context.h>

CEPMAN_BEGIN

/* Types of numbers in files and frames. The values are pinned. */
typedef enum cepman_type {
    CEPMAN_TYPE_U8 = 1,
    CEPMAN_TYPE_I8 = 2,
    CEPMAN_TYPE_U16 = 3,
    CEPMAN_TYPE_I16 = 4,
    CEPMAN_TYPE_U32 = 5,
    CEPMAN_TYPE_I32 = 6,
    CEPMAN_TYPE_F32 = 7,
    CEPMAN_TYPE_F64 = 8,
    CEPMAN_TYPE_BOOL = 9, /* a byte, 0 or 1 */
    CEPMAN_TYPE_I64 = 10,
    CEPMAN_TYPE_F16 = 11 /* IEEE 754 binary16 */
} cepman_type;

/* Bytes of one number, 0 for an unknown type; and its name ("u16"), NULL for an unknown type. */
CEPMAN_API size_t cepman_type_size(cepman_type type);
CEPMAN_API const char *cepman_type_name(cepman_type type);

/* n rows of d float32, or float16 (features that were stored small). Immutable once made, atomically
 * reference-counted, shareable between threads. Functions take float32 matrices in memory or mapped from a file; those
 * that also take float16 say so, for the others cepman_matrix_convert() makes float32. */
typedef struct cepman_matrix cepman_matrix;
/* n int32 labels: -1 is noise, 0 .. are clusters. Immutable, atomically reference-counted. */
typedef struct cepman_labels cepman_labels;
/* Writes one .npy file piece by piece; the file appears whole or not at all. */
typedef struct cepman_npy_writer cepman_npy_writer;

/* A copy of the caller's rows. stride: floats from row to row, at least columns. rows may be 0.
 * Errors: ARGUMENT, MEMORY, LIMIT. */
CEPMAN_API cepman_status cepman_matrix_copy(cepman_matrix **out, cepman_context *context, const float *data,
                                            size_t rows, size_t columns, size_t stride);
/* Borrows the caller's rows: they must stay unchanged until destroy(user) is called (destroy may be NULL: then
 * they must outlive the matrix). On failure destroy is not called. */
CEPMAN_API cepman_status cepman_matrix_wrap(cepman_matrix **out, cepman_context *context, const float *data,
                                            size_t rows, size_t columns, size_t stride,
                                            cepman_destroy destroy, void *user);
/* Some rows of a matrix, in the given order, repeats allowed. The data are not copied; the indices are.
 * CEPMAN_ERR_RANGE names the first index that is not below the number of rows. */
CEPMAN_API cepman_status cepman_matrix_select(cepman_matrix **out, cepman_context *context,
                                              cepman_matrix *matrix, const size_t *rows, size_t count);
CEPMAN_API cepman_matrix *cepman_matrix_ref(cepman_matrix *matrix);
CEPMAN_API void cepman_matrix_unref(cepman_matrix *matrix);

/* The shape: n rows of d columns. */
CEPMAN_API size_t cepman_matrix_rows(const cepman_matrix *matrix);
CEPMAN_API size_t cepman_matrix_columns(const cepman_matrix *matrix);
/* CEPMAN_TYPE_F32 or CEPMAN_TYPE_F16: how the numbers are stored. 0 for NULL. */
CEPMAN_API cepman_type cepman_matrix_type(const cepman_matrix *matrix);
/* Row i (columns floats), valid as long as the matrix; NULL when i is out of range, and for float16. */
CEPMAN_API const float *cepman_matrix_row(const cepman_matrix *matrix, size_t row);
/* All rows, when they lie `*stride` floats apart; NULL for a selection of rows and for float16. stride may be NULL. */
CEPMAN_API const float *cepman_matrix_data(const cepman_matrix *matrix, size_t *stride);

/* From a .npy file of any real numeric type, converted to float32. (n, d) gives n rows; (n) gives n rows of one
 * column; more axes are flattened to rows, the last one being the columns: (R, C, d) gives R * C rows.
 * Errors: IO, FORMAT, TRUNCATED, UNSUPPORTED, MEMORY, LIMIT. */
CEPMAN_API cepman_status cepman_matrix_load(cepman_matrix **out, cepman_context *context, const char *path);
/* The rows of a .npy file of float32 or float16 (this machine's byte order, C order; axes as above) without reading
 * them: for features beyond memory. float32 rows are mapped read-only, so that the system reads what is touched and
 * may forget it again; cepman_matrix_read() and principal components read the file in blocks instead. The file is
 * held open until the last reference goes, and it may be replaced by a rename meanwhile; but a file that is made
 * shorter in place, or whose disk fails, ends the program with SIGBUS when a mapped row is touched.
 * Errors: as cepman_matrix_load(), and UNSUPPORTED for other types and byte orders. */
CEPMAN_API cepman_status cepman_matrix_map(cepman_matrix **out, cepman_context *context, const char *path);
/* Copies rows first .. first+count-1 as float32 into destination, stride floats apart (at least columns). Any type.
 * Errors: ARGUMENT, RANGE, and IO and TRUNCATED for rows of a file; the destination then holds what had come. */
CEPMAN_API cepman_status cepman_matrix_read(const cepman_matrix *matrix, cepman_context *context,
                                            size_t first, size_t count, float *destination, size_t stride);
/* A copy in memory with numbers of type F32 or F16 (to nearest even; beyond 65504 they become infinite). */
CEPMAN_API cepman_status cepman_matrix_convert(cepman_matrix **out, cepman_context *context,
                                               const cepman_matrix *matrix, cepman_type type);
/* Writes a 2-D .npy of the matrix's type beside the target and renames it. */
CEPMAN_API cepman_status cepman_matrix_save(const cepman_matrix *matrix, cepman_context *context,
                                            const char *path);

/* Labels. */
CEPMAN_API cepman_status cepman_labels_copy(cepman_labels **out, cepman_context *context,
                                            const int32_t *values, size_t count);
CEPMAN_API cepman_labels *cepman_labels_ref(cepman_labels *labels);
CEPMAN_API void cepman_labels_unref(cepman_labels *labels);
CEPMAN_API size_t cepman_labels_count(const cepman_labels *labels);
CEPMAN_API const int32_t *cepman_labels_data(const cepman_labels *labels);
/* Largest label + 1 (0 when all are noise or there are none). */
CEPMAN_API size_t cepman_labels_clusters(const cepman_labels *labels);
/* How many are noise (below 0). */
CEPMAN_API size_t cepman_labels_noise(const cepman_labels *labels);
/* From an integer or boolean .npy of any shape, flattened in C order. */
CEPMAN_API cepman_status cepman_labels_load(cepman_labels **out, cepman_context *context, const char *path);
/* int32 .npy of shape (rows, columns) when rows * columns is the count, else (count,) with rows = 0. */
CEPMAN_API cepman_status cepman_labels_save(const cepman_labels *labels, cepman_context *context,
                                            const char *path, size_t rows, size_t columns);

/* Starts PATH (C order, native byte order). dims: 0 to 8. The data go to a file beside it. */
CEPMAN_API cepman_status cepman_npy_writer_create(cepman_npy_writer **out, cepman_context *context,
                                                  const char *path, cepman_type type, size_t dims,
                                                  const size_t *shape);
/* Appends count numbers of the writer's type. CEPMAN_ERR_SHAPE when they are more than the shape holds. */
CEPMAN_API cepman_status cepman_npy_writer_append(cepman_npy_writer *writer, cepman_context *context,
                                                  const void *data, size_t count);
/* Renames it to PATH. CEPMAN_ERR_SHAPE when numbers are missing. */
CEPMAN_API cepman_status cepman_npy_writer_commit(cepman_npy_writer *writer, cepman_context *context);
/* Ends the writer; without a commit the unfinished file is removed and PATH is as it was. */
CEPMAN_API void cepman_npy_writer_unref(cepman_npy_writer *writer);

CEPMAN_END

#endif
