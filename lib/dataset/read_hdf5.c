/* HDF5: which array holds the frames, and its calibrations.
 * Knows py4DSTEM's EMD 1.0 and older, Prismatic, HyperSpy, fpd, DECTRIS master files and NeXus defaults; any other
 * array is named by the caller.
 * Must not: choose between arrays in silence. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "candidates.h"
#include "h5.h"

enum { NAME = CEP_NAME, MOST_LINKS = 200000, MOST_PARTS = 100000 };

/* ---- attributes and small values -------------------------------------------------------------------------------- */

/* A text or a number of a group or array as text; empty when there is none. */
static void text_attribute(hid_t object, const char *name, char *text, size_t size)
{
    text[0] = 0;
    if (H5Aexists(object, name) <= 0) return;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    hid_t space = attribute >= 0 ? H5Aget_space(attribute) : -1;
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && space >= 0 &&
        H5Sget_simple_extent_npoints(space) == 1) {
        if (H5Tis_variable_str(type) > 0) {
            char *value = NULL;
            if (H5Aread(attribute, type, &value) >= 0 && value && strlen(value) < size) strcpy(text, value);
            H5free_memory(value);
        } else if (H5Tget_size(type) < size) {
            size_t n = H5Tget_size(type);
            if (H5Aread(attribute, type, text) < 0) n = 0;
            text[n] = 0;
        }
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
}

static double number_attribute(hid_t object, const char *name)
{
    double value = (double)NAN;
    if (H5Aexists(object, name) <= 0) return value;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT),
          space = attribute >= 0 ? H5Aget_space(attribute) : -1;
    if (space >= 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) < 0)
        value = (double)NAN;
    if (space >= 0) H5Sclose(space);
    if (attribute >= 0) H5Aclose(attribute);
    return value;
}

/* The step of a vector of positions in `group`, by its units. */
static double step_of(hid_t group, const char *name, bool reciprocal)
{
    double values[2], step = (double)NAN;
    char unit[64];
    if (H5Lexists(group, name, H5P_DEFAULT) <= 0) return step;
    hid_t set = H5Dopen2(group, name, H5P_DEFAULT), space = set >= 0 ? H5Dget_space(set) : -1;
    hsize_t start = 0, two = 2, length = 0;
    hid_t memory = H5Screate_simple(1, &two, NULL);
    if (space >= 0 && memory >= 0 && H5Sget_simple_extent_ndims(space) == 1 &&
        H5Sget_simple_extent_dims(space, &length, NULL) == 1 && length >= 2 &&
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &two, NULL) >= 0 &&
        H5Dread(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values) >= 0) {
        text_attribute(set, "units", unit, sizeof unit);
        step = cep_calibration(values[1] - values[0], unit, reciprocal);
    }
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    if (set >= 0) H5Dclose(set);
    return step;
}

/* ---- which array ------------------------------------------------------------------------------------------------ */

typedef struct search {
    hid_t file;
    char standard[NAME]; /* by the NeXus defaults */
    cep_candidates all;
    size_t links;
} search;

/* The group an array lies in, opened. */
static hid_t parent_of(hid_t file, const char *name)
{
    char parent[NAME];
    const char *slash = strrchr(name, '/');
    size_t n = slash ? (size_t)(slash - name) : 0;
    if (!n) return H5Gopen2(file, "/", H5P_DEFAULT);
    memcpy(parent, name, n);
    parent[n] = 0;
    return H5Gopen2(file, parent, H5P_DEFAULT);
}

/* 1 and 0 of HyperSpy's flag, whether it is a number or an enumeration; -1: none. */
static int axis_navigates(hid_t group, int axis)
{
    char name[32];
    int8_t value = -1;
    snprintf(name, sizeof name, "axis-%d", axis);
    if (H5Lexists(group, name, H5P_DEFAULT) <= 0) return -1;
    hid_t object = H5Gopen2(group, name, H5P_DEFAULT);
    if (object >= 0 && H5Aexists(object, "navigate") > 0) {
        hid_t attribute = H5Aopen(object, "navigate", H5P_DEFAULT),
              type = attribute >= 0 ? H5Aget_type(attribute) : -1;
        if (type >= 0 && H5Tget_size(type) == 1 && H5Tget_class(type) != H5T_STRING)
            H5Aread(attribute, type, &value);
        if (type >= 0) H5Tclose(type);
        if (attribute >= 0) H5Aclose(attribute);
    }
    if (object >= 0) H5Gclose(object);
    return value;
}

static int rank_of(const search *s, const char *name, int dims)
{
    int rank = 0;
    if (s->standard[0] && strcmp(name, s->standard) == 0) return 6;
    if (cep_name_like(name, "4DSTEM_experiment/data/datacubes/*/data")) return 4;
    if (cep_name_like(name, "4DSTEM_simulation/data/datacubes/*/datacube")) return 4;
    if (strcmp(name, "entry/data/data") == 0) return 4; /* a data file of DECTRIS */
    if (strcmp(name, "fpd_expt/fpd_data/data") == 0) return 4;
    const char *last = strrchr(name, '/');
    if (!last || strcmp(last, "/data") != 0) return 0;
    hid_t group = parent_of(s->file, name);
    char class[64];
    if (group < 0) return 0;
    text_attribute(group, "python_class", class, sizeof class);
    if (strcmp(class, "DataCube") == 0)
        rank = 5;
    else if (cep_name_like(name, "Experiments/*/data") && axis_navigates(group, dims - 1) != 1 &&
             axis_navigates(group, dims - 2) != 1)
        rank = 3; /* HyperSpy, and the last two axes are a frame */
    H5Gclose(group);
    return rank;
}

/* One link of the file; arrays of three or more axes are kept. */
static herr_t look(hid_t root, const char *name, const H5L_info_t *info, void *user)
{
    search *s = user;
    if (++s->links > MOST_LINKS || s->all.count == CEP_MOST_FOUND) return 1;
    if (info->type != H5L_TYPE_HARD || strlen(name) >= NAME) return 0;
    hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    if (object < 0) return 0;
    if (H5Iget_type(object) == H5I_DATASET) {
        hid_t space = H5Dget_space(object), type = H5Dget_type(object);
        hsize_t shape[H5S_MAX_RANK];
        const int dims = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
        const H5T_class_t class = type >= 0 ? H5Tget_class(type) : H5T_NO_CLASS;
        if (dims >= 3 && dims <= CEP_MOST_AXES && H5Sget_simple_extent_dims(space, shape, NULL) == dims &&
            (class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_ENUM)) {
            uint64_t axes[CEP_MOST_AXES];
            for (int i = 0; i < dims; i++)
                axes[i] = shape[i];
            cep_candidates_add(&s->all, name, axes, (size_t)dims, rank_of(s, name, dims));
        }
        if (type >= 0) H5Tclose(type);
        if (space >= 0) H5Sclose(space);
    }
    H5Oclose(object);
    return 0;
}

/* The array that NeXus's chain of defaults leads to. */
static void follow_defaults(search *s)
{
    char name[NAME] = "", next[NAME];
    for (int depth = 0; depth < 16; depth++) {
        hid_t group = H5Gopen2(s->file, name[0] ? name : "/", H5P_DEFAULT);
        if (group < 0) return;
        text_attribute(group, "default", next, sizeof next);
        bool signal = !next[0];
        if (signal) text_attribute(group, "signal", next, sizeof next);
        H5Gclose(group);
        size_t n = strlen(name);
        if (!next[0] || n + strlen(next) + 2 > NAME) return;
        if (n) name[n++] = '/';
        strcpy(name + n, next);
        if (signal) {
            strcpy(s->standard, name);
            return;
        }
    }
}

/* ---- calibrations ----------------------------------------------------------------------------------------------- */

static void calibrate(cep_opening *o, hid_t file, const char *name, const cep_h5_array *a)
{
    hid_t group = parent_of(file, name);
    char text[64], axis[32];
    if (group < 0) return;
    text_attribute(group, "python_class", text, sizeof text);
    if (strcmp(text, "DataCube") == 0 && a->dims == 4) {
        o->info.scan_step = step_of(group, "dim1", false);
        o->info.reciprocal_pixel = step_of(group, "dim3", true);
    } else if (cep_name_like(name, "4DSTEM_experiment/data/datacubes/*/data") && a->dims == 4) {
        o->info.scan_step = step_of(group, "dim2", false);
        o->info.reciprocal_pixel = step_of(group, "dim4", true);
    } else if (cep_name_like(name, "Experiments/*/data")) {
        for (int k = 0; k < 2; k++) {
            int i = k ? a->dims - 1 : a->column_axis;
            snprintf(axis, sizeof axis, "axis-%d", i);
            if (i < 0 || H5Lexists(group, axis, H5P_DEFAULT) <= 0) continue;
            hid_t object = H5Gopen2(group, axis, H5P_DEFAULT);
            if (object < 0) continue;
            text_attribute(object, "units", text, sizeof text);
            double step = cep_calibration(number_attribute(object, "scale"), text, k == 1);
            if (k)
                o->info.reciprocal_pixel = step;
            else
                o->info.scan_step = step;
            H5Gclose(object);
        }
    }
    H5Gclose(group);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* Takes file. */
static cepman_status open_arrays(cep_opening *o, hid_t file, cep_h5_array *arrays, size_t count)
{
    const cep_h5_array first = arrays[0];
    uint64_t frames = 0;
    for (size_t i = 0; i < count; i++)
        frames += (uint64_t)arrays[i].rows * arrays[i].columns;
    o->info.type = first.type;
    o->info.height = first.height;
    o->info.width = first.width;
    o->promised = frames;
    if (count == 1 && first.row_axis >= 0) {
        o->rows = first.rows;
        o->columns = first.columns;
    }
    return cep_h5_source_open(o, file, arrays, count);
}

static cepman_status open_named(cep_opening *o, hid_t file, const char *name)
{
    static const char *const inside[] = {"", "/data", "/datacube"};
    cep_h5_array array;
    cepman_status s;
    hid_t set = -1;
    char full[NAME + 16] = "";
    while (*name == '/')
        name++;
    for (size_t i = 0; i < 3 && set < 0 && strlen(name) < NAME; i++) {
        snprintf(full, sizeof full, "%s%s", name, inside[i]);
        set = H5Dopen2(file, full, H5P_DEFAULT);
    }
    if (set < 0) {
        search *found = cep_alloc_zero(o->mem, 1, sizeof *found);
        if (!found) {
            s = cep_fault_memory(o->fault, o->mem, "looking through a file", 1, sizeof *found);
        } else {
            char why[700];
            found->file = file;
            H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, look, found);
            snprintf(why, sizeof why, "there is no array '%.500s'", name);
            s = cep_candidates_none(o, &found->all, why);
            cep_free(o->mem, found);
        }
        H5Fclose(file);
        return s;
    }
    s = cep_h5_array_open(&array, o->fault, o->path, full, set);
    if (s) {
        H5Fclose(file);
        return s;
    }
    calibrate(o, file, full, &array);
    return open_arrays(o, file, &array, 1);
}

/* DECTRIS master files: entry/data/data_000001 and so on, usually links to other files. *found is false when there are
 * none; takes file when there are. */
static cepman_status open_dectris(cep_opening *o, hid_t file, bool *found)
{
    char name[64];
    *found = H5Lexists(file, "entry", H5P_DEFAULT) > 0 && H5Lexists(file, "entry/data", H5P_DEFAULT) > 0 &&
             H5Lexists(file, "entry/data/data_000001", H5P_DEFAULT) > 0;
    if (!*found) return CEPMAN_OK;
    size_t count = 1, made = 0;
    cepman_status s = CEPMAN_OK;
    for (; count < MOST_PARTS; count++) {
        snprintf(name, sizeof name, "entry/data/data_%06zu", count + 1);
        if (H5Lexists(file, name, H5P_DEFAULT) <= 0) break;
    }
    cep_h5_array *arrays = cep_alloc_zero(o->mem, count, sizeof *arrays);
    if (!arrays) s = cep_fault_memory(o->fault, o->mem, "opening a file", count, sizeof *arrays);
    while (!s && made < count) {
        snprintf(name, sizeof name, "entry/data/data_%06zu", made + 1);
        hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
        if (set < 0 && o->salvage && made) break; /* the files that are there */
        if (set < 0) {
            char what[120];
            snprintf(what, sizeof what, "%s (a link to another file?) cannot be opened", name);
            s = cep_h5_fault(o->fault, CEPMAN_ERR_IO, o->path, what);
            break;
        }
        s = cep_h5_array_open(&arrays[made], o->fault, o->path, name, set);
        if (s) break;
        const cep_h5_array *a = &arrays[made++];
        if (a->row_axis >= 0 || a->type != arrays[0].type || a->height != arrays[0].height ||
            a->width != arrays[0].width)
            s = cep_fault_set(o->fault, CEPMAN_ERR_SHAPE,
                              "%s: %s holds other frames than entry/data/data_000001", o->path, name);
    }
    if (!s) {
        s = open_arrays(o, file, arrays, made);
    } else {
        for (size_t i = 0; i < made; i++)
            cep_h5_array_close(&arrays[i]);
        H5Fclose(file);
    }
    cep_free(o->mem, arrays);
    return s;
}

/* As HDF5 does by default, so that the host may have the same file open; then without locking it, which some file
 * systems do not offer. */
static hid_t open_file(const char *path)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
    if (file < 0) {
        hid_t access = H5Pcreate(H5P_FILE_ACCESS);
        if (access >= 0 && H5Pset_file_locking(access, 0, 1) >= 0)
            file = H5Fopen(path, H5F_ACC_RDONLY, access);
        if (access >= 0) H5Pclose(access);
    }
#endif
    return file;
}

static cepman_status open_locked(cep_opening *o)
{
    hid_t file = open_file(o->path);
    if (file < 0) return cep_h5_fault(o->fault, CEPMAN_ERR_FORMAT, o->path, "HDF5 cannot open the file");
    const char *name = cep_options_text(o->options, "dataset");
    if (name[0]) return open_named(o, file, name);
    bool dectris;
    cepman_status s = open_dectris(o, file, &dectris);
    if (dectris) return s;
    search *found = cep_alloc_zero(o->mem, 1, sizeof *found);
    if (!found) {
        H5Fclose(file);
        return cep_fault_memory(o->fault, o->mem, "looking through a file", 1, sizeof *found);
    }
    found->file = file;
    follow_defaults(found);
    H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, look, found);
    s = cep_candidates_choose(o, &found->all, &name);
    if (s)
        H5Fclose(file);
    else
        s = open_named(o, file, name);
    cep_free(o->mem, found);
    return s;
}

/* At the beginning, or after a block of the user's own, as in MATLAB 7.3 files. */
static bool hdf5_probe(const cep_opening *o)
{
    for (size_t at = 0; at + 8 <= o->head_size; at = at ? 2 * at : 512)
        if (memcmp(o->head + at, "\x89HDF\r\n\x1a\n", 8) == 0) return true;
    return false;
}

static cepman_status hdf5_open(cep_opening *o)
{
    cep_h5_quiet quiet;
    cep_h5_lock(&quiet);
    cepman_status s = open_locked(o);
    cep_h5_unlock(&quiet);
    return s;
}

const cep_reader cep_reader_hdf5 = {"hdf5", hdf5_probe, hdf5_open};
