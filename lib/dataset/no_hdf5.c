/* What stands in for the HDF5 reader in a library built without it.
 * The format is still recognised, so that the message says what is missing.
 * Must not: pretend to read. */
#include <string.h>

#include "reader.h"

static bool hdf5_probe(const cep_opening *o)
{
    return o->head_size >= 8 && memcmp(o->head, "\x89HDF\r\n\x1a\n", 8) == 0;
}

static cepman_status hdf5_open(cep_opening *o)
{
    return cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED, "%s: this libcepman was built without HDF5",
                         o->path);
}

const cep_reader cep_reader_hdf5 = {"hdf5", hdf5_probe, hdf5_open};

cepman_status cep_hdf5_floats(cep_fault *fault, const char *path, const char *name, float *to, size_t count)
{
    (void)name, (void)to, (void)count;
    return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED, "%s: this libcepman was built without HDF5", path);
}
