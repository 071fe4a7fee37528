/* The HDF5 reader's parts. Private to dataset/. */
#ifndef CEP_H5_H
#define CEP_H5_H

#define H5_USE_110_API 1 /* the names of HDF5 1.10, whatever version is there */
#include <hdf5.h>

#include "reader.h"

/* HDF5 has one state for the whole process: every call into it is made between these, with its printing of errors
 * silenced. */
typedef struct cep_h5_quiet {
    H5E_auto2_t print;
    void *data;
} cep_h5_quiet;
void cep_h5_lock(cep_h5_quiet *quiet);
void cep_h5_unlock(const cep_h5_quiet *quiet);
/* A fault with the innermost sentence of HDF5's error stack. */
cepman_status cep_h5_fault(cep_fault *fault, cepman_status status, const char *path, const char *what);

/* An array that holds frames. */
typedef struct cep_h5_array {
    hid_t set;
    hid_t memory_type; /* the numbers as they are read */
    cepman_type type;
    size_t size; /* of a number as it is read */
    int dims;
    hsize_t shape[H5S_MAX_RANK];
    int row_axis, column_axis; /* -1: none */
    size_t rows, columns;      /* of the scan; a stack has one row */
    size_t height, width;
} cep_h5_array;

/* Looks at set (and takes it): shape, numbers. Fails for arrays that hold no frames, closing set. */
cepman_status cep_h5_array_open(cep_h5_array *array, cep_fault *fault, const char *path, const char *name,
                                hid_t set);
void cep_h5_array_close(cep_h5_array *array);

/* Makes opening->source over count arrays of the same frames, one after the other; takes them and file (on failure
 * too). */
cepman_status cep_h5_source_open(cep_opening *opening, hid_t file, cep_h5_array *arrays, size_t count);

#endif
