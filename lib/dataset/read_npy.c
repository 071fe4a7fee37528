/* NumPy .npy files: two axes are one frame, three a stack, four a scan.
 * Format: NumPy enhancement proposal 1; the header is read by matrix/.
 * Must not: read arrays whose frames do not lie one after the other (Fortran order). */
#include <string.h>

#include "reader.h"

static bool npy_probe(const cep_opening *o)
{
    return o->head_size >= 6 && memcmp(o->head, "\x93NUMPY", 6) == 0;
}

static cepman_status npy_open(cep_opening *o)
{
    cep_npy_header h;
    const char *path = cep_file_path(o->file);
    cepman_status s = cep_npy_read_header(o->file, o->fault, &h, true);
    if (s) return s;
    size_t dims = h.dims;
    const size_t *shape = h.shape;
    for (; dims > 4 && shape[0] == 1; dims--)
        shape++;
    if (dims < 2 || dims > 4)
        return cep_fault_set(o->fault, CEPMAN_ERR_SHAPE,
                             "%s: an array of %zu axes; expected 2 (one frame), 3 (a stack) or 4 (a scan)",
                             path, h.dims);
    if (cep_npy_scrambled(&h))
        return cep_fault_set(
            o->fault, CEPMAN_ERR_UNSUPPORTED,
            "%s: the array is in Fortran order, so that no frame lies in one piece; save it again with "
            "numpy.save(path, numpy.ascontiguousarray(array))",
            path);
    if (h.count == 0) return cep_fault_set(o->fault, CEPMAN_ERR_SHAPE, "%s: the array is empty", path);
    size_t size = cepman_type_size(h.type);
    o->info.type = h.type;
    o->info.height = shape[dims - 2];
    o->info.width = shape[dims - 1];
    o->promised = h.count / (o->info.height * o->info.width);
    if (dims == 4) {
        o->rows = shape[0];
        o->columns = shape[1];
    }
    cep_strides strides = {.offset = h.offset};
    strides.bytes = strides.frame_bytes = o->info.height * o->info.width * size;
    strides.stride = strides.bytes;
    strides.swap = h.swapped ? size : 0;
    s = cep_strides_open(o, &strides);
    if (!s) s = cep_calibrations_beside(o);
    if (!s && o->frames > o->promised) o->frames = o->promised; /* what follows the array is not of it */
    return s;
}

const cep_reader cep_reader_npy = {"npy", npy_probe, npy_open};
