/* What describes an array of a Zarr store, and the source of its frames. Private to dataset/. */
#ifndef CEP_ZARR_H
#define CEP_ZARR_H

#include "candidates.h"
#include "codec.h"
#include "json.h"

enum { CEP_ZARR_AXES = 8, CEP_ZARR_JSON = 1 << 20 /* bytes of a file of metadata, at most */ };

typedef struct cep_zarr_array {
    cepman_type type;
    bool swapped;
    size_t dims;
    uint64_t shape[CEP_ZARR_AXES], chunk[CEP_ZARR_AXES];
    char separator; /* between the numbers in a chunk's name */
    cep_codec codec;
    unsigned char fill[8]; /* of missing chunks, in this machine's byte order */
    cep_axes axes;
} cep_zarr_array;

/* The text of .zarray. The axes are looked for only when frames is true: an array of other axes is an error then. */
cepman_status cep_zarr_parse(cep_zarr_array *array, cep_fault *fault, const char *path, cep_text text,
                             bool frames);

/* Makes opening->source of the array in a folder. */
cepman_status cep_zarr_source(cep_opening *opening, const char *folder, const cep_zarr_array *array);

#endif
