/* Opens the input as HDF5, with and without salvage, by itself and by the name of an array, and reads frames. Whatever the
 * file, nothing of ours stays open in the HDF5 library. The seeds are made by that library in memory. */
#define _GNU_SOURCE
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cepman/dataset.h>

#include "fuzz.h"

/* libhdf5 1.10 does not give back all that it took for a damaged object it could not read. What we open is counted below. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

static void read_some(cepman_context *ctx, cepman_dataset *d)
{
    size_t pixels = cepman_dataset_height(d) * cepman_dataset_width(d), n = cepman_dataset_available(d);
    if (pixels > (size_t)1 << 18) return;
    float *x = malloc(pixels * sizeof *x);
    if (!x) return;
    if (n) cepman_dataset_read_f32(d, ctx, 0, 1, x, pixels);
    if (n) cepman_dataset_read_f32(d, ctx, n - 1, 1, x, pixels);
    free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1)) abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    cepman_context *ctx = NULL;
    cepman_options *o = NULL;
    cepman_dataset *d = NULL;
    if (cepman_context_create(&ctx, NULL)) abort();
    cepman_context_set_memory_limit(ctx, (size_t)64 << 20);
    if (cepman_dataset_options_create(&o, ctx)) abort();
    cepman_options_set_text(o, ctx, "format", "hdf5");
    cepman_options_set_flag(o, ctx, "salvage", data[0] & 1);
    if (data[0] & 2) cepman_options_set_text(o, ctx, "dataset", "4DSTEM_experiment/data/datacubes/c");
    cepman_status s = cepman_dataset_open(&d, ctx, path, o);
    if (s && (d || strlen(cepman_context_error(ctx)) < 10)) abort();
    if (!s) read_some(ctx, d);
    cepman_dataset_unref(d);
    cepman_options_unref(o);
    if (cepman_context_memory_used(ctx) > 65536) abort();
    cepman_context_unref(ctx);
    close(fd);
    if (H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) != 0) abort();
    return 0;
}

static void text(hid_t object, const char *name, const char *value)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(value));
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, value);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    static const char *const names[] = {"4DSTEM_experiment/data/datacubes/c/data",
                                        "datacube_root/datacube/data", "entry/data/data_000001",
                                        "Experiments/e/data"};
    static const hsize_t four[] = {2, 3, 4, 5}, chunk[] = {1, 2, 4, 5}, part[] = {1, 2, 3, 3};
    if (index >= 4) return 0;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_fapl_core(access, 4096, 0);
    H5Pset_create_intermediate_group(links, 1);
    hid_t file = H5Fcreate("seed.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    int dims = index == 2 ? 3 : 4;
    hid_t space = H5Screate_simple(dims, four + 4 - dims, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    const unsigned bitshuffle[] = {0, 3, 2, 0, 2};
    if (index) H5Pset_chunk(plist, dims, (index == 3 ? part : chunk) + 4 - dims);
    if (index == 2) H5Pset_filter(plist, 32008, H5Z_FLAG_OPTIONAL, 5, bitshuffle);
    if (index == 3) H5Pset_deflate(plist, 2);
    hid_t set = H5Dcreate2(file, names[index], H5T_STD_U16LE, space, links, plist, H5P_DEFAULT);
    uint16_t x[120];
    for (size_t i = 0; i < 120; i++)
        x[i] = (uint16_t)(i * 3);
    if (index == 2) {
        unsigned char raw[80] = {0};
        const hsize_t at[] = {0, 0, 0};
        H5Dwrite_chunk(set, H5P_DEFAULT, 1, at, sizeof raw, raw);
    } else {
        H5Dwrite(set, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
    }
    H5Dclose(set);
    if (index == 1) {
        hid_t cube = H5Gopen2(file, "datacube_root/datacube", H5P_DEFAULT);
        text(cube, "python_class", "DataCube");
        H5Gclose(cube);
    }
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    ssize_t n = H5Fget_file_image(file, NULL, 0);
    size_t made = 0;
    if (n > 0 && (size_t)n < room && H5Fget_file_image(file, data + 1, room - 1) == n) made = (size_t)n + 1;
    data[0] = (uint8_t)(index == 0 ? 2 : index & 1);
    H5Pclose(plist);
    H5Sclose(space);
    H5Fclose(file);
    H5Pclose(links);
    H5Pclose(access);
    return made;
}
