/* Frames and results in one HDF5 file that py4DSTEM and HyperSpy open.
 * Maps take the scan's shape when there is one, and lie beside the frames.
 * Must not: open HDF5 itself (the library writes). */
#include "results.h"

#include <stdlib.h>

int results_begin(tool *t, const char *path, cepman_dataset *scan, cepman_emd_writer **out)
{
    return path ? tool_check(t, cepman_emd_writer_create(out, t->ctx, path, scan)) : 1;
}

int results_map(tool *t, cepman_emd_writer *w, const cepman_dataset *d, const char *name, cepman_type type,
                size_t columns, const void *data)
{
    bool scan = cepman_dataset_has_scan(d);
    const size_t grid[3] = {cepman_dataset_scan_rows(d), cepman_dataset_scan_columns(d), columns},
                 stack[2] = {cepman_dataset_frames(d), columns};
    const char *axes = scan ? (columns ? "yxn" : "yx") : (columns ? "nn" : "n");
    return tool_check(t, cepman_emd_writer_array(w, t->ctx, name, type, axes, scan ? grid : stack, data));
}

int results_labels(tool *t, cepman_emd_writer *w, const cepman_dataset *d, const cepman_labels *labels)
{
    return results_map(t, w, d, "labels", CEPMAN_TYPE_I32, 0, cepman_labels_data(labels));
}

int results_matrix(tool *t, cepman_emd_writer *w, const cepman_dataset *d, const char *name,
                   const cepman_matrix *m)
{
    size_t rows = cepman_matrix_rows(m), columns = cepman_matrix_columns(m);
    float *values = array_zero(rows, columns, sizeof *values);
    int rc = values ? tool_check(t, cepman_matrix_read(m, t->ctx, 0, rows, values, columns)) : 1;
    /* One column, or a map in the scan's shape, is one number a frame. */
    bool map = columns == 1 || rows != cepman_dataset_frames(d);
    if (!rc) rc = results_map(t, w, d, name, CEPMAN_TYPE_F32, map ? 0 : columns, values);
    free(values);
    return rc;
}

int results_end(tool *t, cepman_emd_writer *w)
{
    return tool_check(t, cepman_emd_writer_commit(w, t->ctx));
}
