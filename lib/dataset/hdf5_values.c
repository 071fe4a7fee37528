/* Small arrays of an HDF5 file as float32: calibrations beside the data.
 * HDF5 converts the numbers; its calls are made under the room's lock.
 * Must not: read an array of another size than was asked for. */
#include "h5.h"

cepman_status cep_hdf5_floats(cep_fault *fault, const char *path, const char *name, float *to, size_t count)
{
    cep_h5_quiet quiet;
    cepman_status s = CEPMAN_OK;
    cep_h5_lock(&quiet);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), set = -1, space = -1;
    if (file >= 0) set = H5Dopen2(file, name, H5P_DEFAULT);
    if (set >= 0) space = H5Dget_space(set);
    if (file < 0) {
        s = cep_h5_fault(fault, CEPMAN_ERR_FORMAT, path, "HDF5 cannot open the file");
    } else if (space < 0) {
        s = cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: no array %s", path, name);
    } else if (H5Sget_simple_extent_npoints(space) != (hssize_t)count) {
        s = cep_fault_set(fault, CEPMAN_ERR_SHAPE, "%s: the array %s has %lld numbers, expected %zu", path,
                          name, (long long)H5Sget_simple_extent_npoints(space), count);
    } else if (H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) < 0) {
        s = cep_h5_fault(fault, CEPMAN_ERR_IO, path, "an array cannot be read");
    }
    if (space >= 0) H5Sclose(space);
    if (set >= 0) H5Dclose(set);
    if (file >= 0) H5Fclose(file);
    cep_h5_unlock(&quiet);
    return s;
}
