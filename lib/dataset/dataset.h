/* Door of dataset/: what transforms and maps need of a scan, and how a room above makes a dataset of its own.
 */
#ifndef CEP_DATASET_H
#define CEP_DATASET_H

#include <cepman/dataset.h>

#include "base.h"
#include "matrix.h"

/* Where frames come from: a reader of a file, memory, a callback, a view, or a transform on a higher floor.
 */
typedef struct cep_source cep_source;
struct cep_source {
    /* Frames first .. first+count-1, packed, in the dataset's type and native byte order. The range is
     * checked by the caller. Thread-safe when concurrent is true. */
    cepman_status (*read)(cep_source *source, cep_fault *fault, size_t first, size_t count,
                          void *destination);
    /* Frames that can be read now; NULL: all. Only grows. */
    size_t (*available)(cep_source *source);
    void (*close)(cep_source *source); /* frees the source itself */
    bool concurrent;
    /* For frames that are computed from the same frames of another dataset, which the source keeps: those frames
     * from `given`, the other's, packed and in its type. Thread-safe. NULL, NULL: read alone. */
    cepman_status (*derive)(cep_source *source, cep_fault *fault, size_t first, size_t count,
                            const void *given, void *destination);
    const cepman_dataset *parent;
    /* Frames first .. first+count-1 where they lie: packed, native, whole as long as the source is open. NULL: they do not
     * lie so, and must be read. May be left out; then the same. Thread-safe. */
    const void *(*lend)(cep_source *source, size_t first, size_t count);
};

/* What a new dataset is told about itself. */
typedef struct cep_dataset_info {
    const char *format; /* static */
    cepman_type type;
    size_t scan_rows, scan_columns, height, width;
    bool has_scan;
    double scan_step, reciprocal_pixel; /* nm, 1/angstrom; NaN: unknown */
    const uint8_t *mask;                /* height * width, copied; NULL: none */
    double saturation;                  /* the largest count of a pixel; 0: not known */
} cep_dataset_info;

/* Takes the source over: on failure it is closed too. Checks sizes (>= 1, no overflow, at most 2^40 frames,
 * at most 2^28 pixels a frame). */
cepman_status cep_dataset_create(cepman_dataset **out, cepman_context *ctx, cep_source *source,
                                 const cep_dataset_info *info);

/* Reads from any thread (serialised inside when the source is not concurrent). Native type, packed. The range
 * is checked against what is available. Where it fails the destination holds what had come so far. */
cepman_status cep_dataset_read(cepman_dataset *dataset, cep_fault *fault, size_t first, size_t count,
                               void *destination);
/* The dataset from whose frames this one's are computed, frame by frame (borrowed); NULL: none. */
const cepman_dataset *cep_dataset_parent(const cepman_dataset *dataset);
/* The frames of a dataset that has a parent from the parent's frames of the same numbers, from any thread. */
cepman_status cep_dataset_derive(cepman_dataset *dataset, cep_fault *fault, size_t first, size_t count,
                                 const void *given, void *destination);
/* Frames that can be read, where they lie in memory: packed, native, aligned for their type, as long as the dataset lives.
 * NULL when they must be read (files, callbacks, views that cut). From any thread. */
const void *cep_dataset_lend(cepman_dataset *dataset, size_t first, size_t count);
bool cep_dataset_concurrent(const cepman_dataset *dataset);
size_t cep_dataset_frame_bytes(const cepman_dataset *dataset);
/* The mean of at most `samples` of the frames that are available, evenly spread; at least one must be. Masked pixels and
 * those that are not finite are left out, negative ones are 0; counts says how many went into each pixel, whose mean is
 * 0 when that is 0. Outputs: height * width; they are changed on failure. */
cepman_status cep_dataset_sample_mean(float *mean, uint32_t *counts, cepman_context *ctx,
                                      cepman_dataset *dataset, size_t samples);
/* Direct beam of a frame of clamped floats: centre of mass of the brightest square, sought within `within`
 * pixels of (near_y, near_x) when these are not NaN. sums: (height + 1) * (width + 1) doubles. */
void cep_find_beam(double *y, double *x, const float *frame, size_t height, size_t width, size_t stride,
                   double near_y, double near_x, double within, double *sums);
/* What it was told about itself; the mask is the dataset's own. For making a dataset like another. */
const cep_dataset_info *cep_dataset_info_of(const cepman_dataset *dataset);

#endif
