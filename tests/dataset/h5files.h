/* HDF5 files for tests, written with the HDF5 library. */
#ifndef H5FILES_H
#define H5FILES_H

#include <hdf5.h>

#include "files.h"

static inline void group_text(hid_t object, const char *name, const char *text, bool variable)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, variable ? H5T_VARIABLE : strlen(text));
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(H5Awrite(attribute, type, variable ? (const void *)&text : (const void *)text) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static inline void number(hid_t object, const char *name, hid_t type, const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR),
          attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(H5Awrite(attribute, type, value) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
}

/* A group and those above it. */
static inline hid_t group(hid_t file, const char *path)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    hid_t g = H5Gcreate2(file, path, links, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(g >= 0);
    H5Pclose(links);
    return g;
}

/* An array of the pixels of pixel_at(0, ..), stored as `type`; filters are set in plist. */
static inline hid_t array(hid_t parent, const char *name, hid_t type, int dims, const hsize_t *shape,
                          hid_t plist)
{
    hsize_t n = 1;
    for (int i = 0; i < dims; i++)
        n *= shape[i];
    uint16_t *x = malloc((size_t)n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (uint16_t)(pixel_at(0, i) % 1000);
    hid_t links = H5Pcreate(H5P_LINK_CREATE), space = H5Screate_simple(dims, shape, NULL);
    H5Pset_create_intermediate_group(links, 1);
    hid_t set = H5Dcreate2(parent, name, type, space, links, plist, H5P_DEFAULT);
    ck_assert(set >= 0);
    ck_assert(H5Dwrite(set, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
    H5Pclose(links);
    H5Sclose(space);
    free(x);
    return set;
}

static inline void check_pixels(cepman_context *ctx, cepman_dataset *d)
{
    size_t pixels = cepman_dataset_height(d) * cepman_dataset_width(d), n = cepman_dataset_frames(d);
    float *x = malloc(n * pixels * sizeof *x);
    assert_good(ctx, cepman_dataset_read_f32(d, ctx, 0, n, x, n * pixels));
    for (size_t i = 0; i < n * pixels; i++)
        ck_assert_msg(x[i] == (float)(pixel_at(0, i) % 1000), "pixel %zu", i);
    for (size_t first = 0; first < n; first++) /* every beginning and some lengths */
        for (size_t count = 1; count <= n - first; count += 1 + count / 2) {
            assert_good(ctx, cepman_dataset_read_f32(d, ctx, first, count, x, n * pixels));
            ck_assert(x[0] == (float)(pixel_at(0, first * pixels) % 1000));
            ck_assert(x[count * pixels - 1] == (float)(pixel_at(0, (first + count) * pixels - 1) % 1000));
        }
    free(x);
}

static inline hid_t create(const char *name)
{
    hid_t file = H5Fcreate(support_path(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(file >= 0);
    return file;
}

static inline hid_t chunked(int dims, const hsize_t *chunk, bool deflate)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    ck_assert(H5Pset_chunk(plist, dims, chunk) >= 0);
    if (deflate && H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0) {
        H5Pset_shuffle(plist);
        H5Pset_deflate(plist, 4);
    }
    return plist;
}

static inline cepman_status open_h5(cepman_dataset **d, cepman_context *ctx, const char *name,
                                    const char *const *pairs)
{
    cepman_options *o = options_of(ctx, pairs);
    cepman_status s = cepman_dataset_open(d, ctx, support_path(name), o);
    cepman_options_unref(o);
    return s;
}

static const hsize_t four[] = {3, 4, 5, 6}, three[] = {7, 5, 6}, five[] = {3, 4, 1, 5, 6};

#endif
