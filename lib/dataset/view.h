/* Views of a dataset, shared by view.c, bin.c and centre.c. Private to dataset/. */
#ifndef CEP_VIEW_H
#define CEP_VIEW_H

#include "dataset.h"

typedef struct cep_view {
    cep_source base;
    cep_memory *mem;
    cepman_dataset *below;
    size_t first_row, first_column, rows, columns; /* of the scan, or of the detector */
    size_t factor;                                 /* binning */
    /* Under a mask, else NULL: valid pixels of each bin; or the good pixel that each pixel is taken from (centring). */
    uint32_t *pixels;
    double beam_y, beam_x; /* of the scan's mean frame; NaN: unknown */
} cep_view;

/* Copies `like`, fills in the rest and makes a dataset of it. On failure like->pixels is freed too. */
cepman_status cep_view_create(cepman_dataset **out, cepman_context *ctx, cepman_dataset *dataset,
                              const cep_view *like, const cep_dataset_info *info);
void cep_view_close(cep_source *source);
/* The same frames, upside down. */
cepman_status cep_view_flipped(cepman_dataset **out, cepman_context *ctx, cepman_dataset *dataset);
/* What is available below, for views with the same frames. */
size_t cep_view_available(cep_source *source);
/* Reads frames below in blocks and hands each to convert, to_bytes apart in the destination. */
cepman_status cep_view_blocks(cep_view *view, cep_fault *fault, size_t first, size_t count,
                              unsigned char *destination, size_t to_bytes,
                              void (*convert)(const cep_view *, const unsigned char *from,
                                              unsigned char *to));

#endif
