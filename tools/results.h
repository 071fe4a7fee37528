/* Frames and results in one HDF5 file, as convert and run write it. */
#ifndef RESULTS_H
#define RESULTS_H

#include "tool.h"

/* path is one of outputs_add(). */
int results_begin(tool *t, const char *path, cepman_dataset *scan, cepman_emd_writer **out);
/* One number (columns 0) or `columns` numbers for each frame. */
int results_map(tool *t, cepman_emd_writer *w, const cepman_dataset *d, const char *name, cepman_type type,
                size_t columns, const void *data);
/* "labels" */
int results_labels(tool *t, cepman_emd_writer *w, const cepman_dataset *d, const cepman_labels *labels);
/* A row for each frame, or one number for each frame in any shape. */
int results_matrix(tool *t, cepman_emd_writer *w, const cepman_dataset *d, const char *name,
                   const cepman_matrix *m);
int results_end(tool *t, cepman_emd_writer *w);

#endif
