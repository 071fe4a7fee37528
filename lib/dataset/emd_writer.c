/* Writes frames and what was found in them as EMD 1.0: HDF5 that py4DSTEM and HyperSpy open.
 * Layout: the EMD 1.0 specification as the Python package emdfile writes it (groups with the attributes emd_group_type
 * and python_class, vectors dim0, dim1, .. of positions); frames are a DataCube, everything else an Array beside it.
 * Long: the layout in one place, and room on the disk for HDF5 to close in.
 * Must not: hold more than a block of frames, call HDF5 without its lock, or leave a file behind after a failure. */
#define _GNU_SOURCE /* memfd_create, fallocate */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "h5.h"

enum { BLOCK_BYTES = 1 << 22, LEAST_ROOM = 1 << 16, MOST_AXES = 8, NAME_ROOM = 64 };

struct cepman_emd_writer {
    cep_memory *mem;
    cepman_dataset *scan;
    cep_outfile *out;
    hid_t file, root;
    bool frames; /* they have been written */
    bool ended;  /* committed, or a write failed */
};

/* ---- small pieces: each is -1 when HDF5 refused ------------------------------------------------------------------- */

static hid_t text_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static int attribute(hid_t object, const char *name, hid_t type, const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR), a = -1;
    int rc = -1;
    if (space >= 0 && type >= 0) a = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (a >= 0) rc = H5Awrite(a, type, value) < 0 ? -1 : 0;
    if (a >= 0 && H5Aclose(a) < 0) rc = -1;
    if (space >= 0) H5Sclose(space);
    return rc;
}

static int text_attribute(hid_t object, const char *name, const char *text)
{
    hid_t type = text_type();
    int rc = attribute(object, name, type, &text);
    if (type >= 0) H5Tclose(type);
    return rc;
}

/* Without times, so that the same results are the same bytes. */
static hid_t make_group(hid_t parent, const char *name, const char *kind, const char *class)
{
    hid_t list = H5Pcreate(H5P_GROUP_CREATE), g = -1;
    if (list >= 0 && H5Pset_obj_track_times(list, false) >= 0)
        g = H5Gcreate2(parent, name, H5P_DEFAULT, list, H5P_DEFAULT);
    if (list >= 0) H5Pclose(list);
    if (g >= 0 && ((kind && text_attribute(g, "emd_group_type", kind)) ||
                   (class && text_attribute(g, "python_class", class)))) {
        H5Gclose(g);
        return -1;
    }
    return g;
}

/* An array, open; chunk NULL: in one piece. */
static hid_t make_array(hid_t parent, const char *name, hid_t type, int dims, const hsize_t *shape,
                        const hsize_t *chunk)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), set = -1,
          space = dims ? H5Screate_simple(dims, shape, NULL) : H5Screate(H5S_SCALAR);
    bool good = list >= 0 && space >= 0 && type >= 0 && H5Pset_obj_track_times(list, false) >= 0;
    if (good && chunk)
        good = H5Pset_chunk(list, dims, chunk) >= 0 && H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0;
    if (good) set = H5Dcreate2(parent, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (space >= 0) H5Sclose(space);
    if (list >= 0) H5Pclose(list);
    return set;
}

/* A value of emdfile's metadata: a scalar with its kind. kind NULL: without. */
static int metadata(hid_t group, const char *name, hid_t type, const void *value, const char *kind)
{
    hid_t set = make_array(group, name, type, 0, NULL, NULL);
    int rc = set < 0 || H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) < 0 ? -1 : 0;
    if (!rc && kind) rc = text_attribute(set, "type", kind);
    if (set >= 0 && H5Dclose(set) < 0) rc = -1;
    return rc;
}

static int metadata_text(hid_t group, const char *name, const char *text, const char *kind)
{
    hid_t type = text_type();
    int rc = metadata(group, name, type, &text, kind);
    if (type >= 0) H5Tclose(type);
    return rc;
}

/* NumPy's bool, as h5py writes it. */
static hid_t bool_type(void)
{
    const int8_t no = 0, yes = 1;
    hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    if (type >= 0 && (H5Tenum_insert(type, "FALSE", &no) < 0 || H5Tenum_insert(type, "TRUE", &yes) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static hid_t half_type(void)
{
    hid_t type = H5Tcopy(H5T_NATIVE_FLOAT);
    if (type >= 0 && (H5Tset_fields(type, 15, 10, 5, 0, 10) < 0 || H5Tset_size(type, 2) < 0 ||
                      H5Tset_ebias(type, 15) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

/* How numbers lie in memory and, being this machine's, in the file. */
static hid_t number_type(cepman_type type)
{
    switch (type) {
    case CEPMAN_TYPE_U8:
        return H5Tcopy(H5T_NATIVE_UINT8);
    case CEPMAN_TYPE_I8:
        return H5Tcopy(H5T_NATIVE_INT8);
    case CEPMAN_TYPE_U16:
        return H5Tcopy(H5T_NATIVE_UINT16);
    case CEPMAN_TYPE_I16:
        return H5Tcopy(H5T_NATIVE_INT16);
    case CEPMAN_TYPE_U32:
        return H5Tcopy(H5T_NATIVE_UINT32);
    case CEPMAN_TYPE_I32:
        return H5Tcopy(H5T_NATIVE_INT32);
    case CEPMAN_TYPE_I64:
        return H5Tcopy(H5T_NATIVE_INT64);
    case CEPMAN_TYPE_F16:
        return half_type();
    case CEPMAN_TYPE_F32:
        return H5Tcopy(H5T_NATIVE_FLOAT);
    case CEPMAN_TYPE_F64:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case CEPMAN_TYPE_BOOL:
        return bool_type();
    }
    return -1;
}

/* ---- axes --------------------------------------------------------------------------------------------------------- */

/* What a letter of the axes stands for. length 0: any. */
typedef struct axis {
    const char *name, *units;
    double step;
    size_t length;
} axis;

static bool axis_of(const cepman_dataset *d, char letter, axis *a)
{
    bool scan = letter == 'y' || letter == 'x';
    double step = scan ? cepman_dataset_scan_step(d) : cepman_dataset_reciprocal_pixel(d);
    *a = (axis){"", "pixels", 1, 0};
    switch (letter) {
    case 'n':
        a->name = "index";
        a->units = "";
        return true;
    case 'y':
        a->name = "Rx"; /* py4DSTEM counts x downwards */
        a->length = cepman_dataset_scan_rows(d);
        break;
    case 'x':
        a->name = "Ry";
        a->length = cepman_dataset_scan_columns(d);
        break;
    case 'v':
        a->name = "Qx";
        a->length = cepman_dataset_height(d);
        break;
    case 'u':
        a->name = "Qy";
        a->length = cepman_dataset_width(d);
        break;
    default:
        return false;
    }
    if (isfinite(step)) {
        a->step = step;
        a->units = scan ? "nm" : "A^-1";
    }
    return true;
}

/* dimN of a group: the first two positions stand for all. */
static int write_axes(hid_t group, const cepman_dataset *d, const char *axes)
{
    const hsize_t two = 2;
    for (int i = 0; axes[i]; i++) {
        char name[16];
        axis a;
        axis_of(d, axes[i], &a);
        const double ends[2] = {0, a.step};
        snprintf(name, sizeof name, "dim%d", i);
        hid_t set = make_array(group, name, H5T_NATIVE_DOUBLE, 1, &two, NULL);
        int rc = set < 0 || H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, ends) < 0 ||
                 text_attribute(set, "name", a.name) || text_attribute(set, "units", a.units);
        if (set >= 0 && H5Dclose(set) < 0) rc = 1;
        if (rc) return -1;
    }
    return 0;
}

/* What py4DSTEM calls a calibration; it applies to the data cube. */
static int write_calibration(const cepman_emd_writer *w)
{
    axis r, q;
    axis_of(w->scan, 'x', &r);
    axis_of(w->scan, 'u', &q);
    const int8_t no = 0;
    const int64_t one = 1;
    hid_t bundle = make_group(w->root, "metadatabundle", "metadatabundle", NULL), g = -1, targets = -1,
          flag = bool_type();
    if (bundle >= 0) g = make_group(bundle, "calibration", "metadata", "Calibration");
    int rc = g < 0 || metadata(g, "R_pixel_size", H5T_NATIVE_DOUBLE, &r.step, "number") ||
             metadata_text(g, "R_pixel_units", r.units, "string") ||
             metadata(g, "Q_pixel_size", H5T_NATIVE_DOUBLE, &q.step, "number") ||
             metadata_text(g, "Q_pixel_units", q.units, "string") ||
             metadata(g, "QR_flip", flag, &no, "bool") || metadata_text(g, "_root_treepath", "", "string");
    if (!rc) targets = make_group(g, "_target_paths", NULL, NULL);
    if (!rc)
        rc = targets < 0 || text_attribute(targets, "type", "list_of_strings") ||
             attribute(targets, "length", H5T_NATIVE_INT64, &one) ||
             metadata_text(targets, "0", "/datacube", NULL);
    if (flag >= 0) H5Tclose(flag);
    if (targets >= 0) H5Gclose(targets);
    if (g >= 0) H5Gclose(g);
    if (bundle >= 0) H5Gclose(bundle);
    return rc ? -1 : 0;
}

/* A group of the root with its axes and its array, which stays open. */
static int start_array(const cepman_emd_writer *w, const char *name, const char *class, const char *units,
                       hid_t type, const char *axes, const hsize_t *shape, const hsize_t *chunk, hid_t *set)
{
    hid_t g = make_group(w->root, name, "array", class);
    int rc = g < 0 ? -1 : write_axes(g, w->scan, axes);
    if (!rc) *set = make_array(g, "data", type, (int)strlen(axes), shape, chunk);
    if (!rc && (*set < 0 || text_attribute(*set, "units", units))) rc = -1;
    if (g >= 0) H5Gclose(g);
    return rc;
}

/* ---- the writer --------------------------------------------------------------------------------------------------- */

/* Keeps HDF5's reason while the lock is still held. A writer that failed has ended: nobody knows what is in the file. */
static cepman_status refused(cepman_emd_writer *w, cep_fault *fault, const char *what)
{
    w->ended = true;
    return cep_h5_fault(fault, CEPMAN_ERR_IO, cep_outfile_path(w->out), what);
}

cepman_status cepman_emd_writer_create(cepman_emd_writer **out, cepman_context *ctx, const char *path,
                                       cepman_dataset *scan)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && path && scan, CEPMAN_ERR_ARGUMENT, "EMD writer: out, path or scan is NULL");
    cep_memory *mem = cep_context_memory(ctx);
    cep_fault fault;
    cepman_emd_writer *w = cep_alloc_zero(mem, 1, sizeof *w);
    if (!w) return cep_fail_memory(ctx, "EMD writer", 1, sizeof *w);
    w->mem = cep_memory_ref(mem);
    w->scan = cepman_dataset_ref(scan);
    w->file = w->root = -1;
    s = cep_outfile_create(&w->out, mem, &fault, path);
    if (!s)
        s = cep_outfile_reserve(w->out, &fault,
                                LEAST_ROOM); /* HDF5 does not survive a disk that is full now */
    if (!s) {
        cep_h5_quiet quiet;
        const int64_t one = 1, zero = 0;
        cep_h5_lock(&quiet);
        hid_t access = H5Pcreate(H5P_FILE_ACCESS);
        if (access >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
            w->file = H5Fcreate(cep_outfile_temporary(w->out), H5F_ACC_TRUNC, H5P_DEFAULT, access);
        if (access >= 0) H5Pclose(access);
        if (w->file < 0 || text_attribute(w->file, "emd_group_type", "file") ||
            attribute(w->file, "version_major", H5T_NATIVE_INT64, &one) ||
            attribute(w->file, "version_minor", H5T_NATIVE_INT64, &zero) ||
            text_attribute(w->file, "authoring_program", "libcepman") ||
            (w->root = make_group(w->file, "cepman", "root", "Root")) < 0)
            s = refused(w, &fault, "cannot begin the file");
        cep_h5_unlock(&quiet);
    }
    if (s) {
        cepman_emd_writer_unref(w);
        return cep_fail_fault(ctx, &fault);
    }
    *out = w;
    return CEPMAN_OK;
}

/* Frames first .. first+count-1, a chunk each. */
static int put_frames(hid_t set, size_t columns, size_t bytes, size_t first, size_t count,
                      const unsigned char *frames)
{
    for (size_t i = 0; i < count; i++) {
        const hsize_t place[4] = {(first + i) / columns, (first + i) % columns, 0, 0};
        if (H5Dwrite_chunk(set, H5P_DEFAULT, 0, place, bytes, frames + i * bytes) < 0) return -1;
    }
    return 0;
}

cepman_status cepman_emd_writer_frames(cepman_emd_writer *w, cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, w, CEPMAN_ERR_ARGUMENT, "EMD writer is NULL");
    const char *path = cep_outfile_path(w->out);
    CEP_REQUIRE(ctx, !w->ended, CEPMAN_ERR_ARGUMENT, "%s: the writer has ended", path);
    CEP_REQUIRE(ctx, !w->frames, CEPMAN_ERR_ARGUMENT, "%s: the frames have been written", path);
    cepman_dataset *d = w->scan;
    size_t n = cepman_dataset_available(d), bytes = cep_dataset_frame_bytes(d), columns;
    bool whole = n == cepman_dataset_frames(d);
    CEP_REQUIRE(ctx, n > 0, CEPMAN_ERR_DATA, "%s: no frame is available yet", path);
    columns = whole ? cepman_dataset_scan_columns(d) : n;
    const hsize_t shape[4] = {n / columns, columns, cepman_dataset_height(d), cepman_dataset_width(d)},
                  chunk[4] = {1, 1, shape[2], shape[3]};
    size_t block = bytes < BLOCK_BYTES ? BLOCK_BYTES / bytes : 1;
    if (block > n) block = n;
    unsigned char *buffer = cep_alloc(w->mem, block, bytes);
    if (!buffer) return cep_fail_memory(ctx, "a block of frames", block, bytes);
    cep_fault fault;
    cep_h5_quiet quiet;
    hid_t set = -1;
    cep_h5_lock(&quiet);
    hid_t type = number_type(cepman_dataset_type(d));
    if (start_array(w, "datacube", "DataCube", "pixel intensity", type, "yxvu", shape, chunk, &set) ||
        write_calibration(w))
        s = refused(w, &fault, "cannot begin the frames");
    cep_h5_unlock(&quiet);
    for (size_t first = 0; !s && first < n; first += block) {
        size_t count = n - first < block ? n - first : block;
        cep_progress(ctx, "write", first, n);
        if ((s = cep_poll(ctx))) { /* its sentence is in the context */
            w->ended = true;
            break;
        }
        if ((s = cep_dataset_read(d, &fault, first, count, buffer))) break;
        cep_h5_lock(&quiet); /* not while reading: the frames may come from HDF5 too */
        if (put_frames(set, columns, bytes, first, count, buffer)) s = refused(w, &fault, "writing failed");
        cep_h5_unlock(&quiet);
    }
    cep_h5_lock(&quiet);
    if (type >= 0) H5Tclose(type);
    if (set >= 0 && H5Dclose(set) < 0 && !s) s = refused(w, &fault, "writing failed");
    cep_h5_unlock(&quiet);
    cep_free(w->mem, buffer);
    if (s) w->ended = true;
    if (s && s != CEPMAN_ERR_CANCELLED) return cep_fail_fault(ctx, &fault);
    if (s) return s;
    cep_progress(ctx, "write", n, n);
    w->frames = true;
    return CEPMAN_OK;
}

static bool good_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n > 0 && n < NAME_ROOM && !name[n] && strcmp(name, "datacube") != 0 &&
           strcmp(name, "metadatabundle") != 0;
}

cepman_status cepman_emd_writer_array(cepman_emd_writer *w, cepman_context *ctx, const char *name,
                                      cepman_type type, const char *axes, const size_t *shape,
                                      const void *data)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, w && name && axes && shape && data, CEPMAN_ERR_ARGUMENT,
                "EMD writer: an argument is NULL");
    const char *path = cep_outfile_path(w->out);
    CEP_REQUIRE(ctx, !w->ended, CEPMAN_ERR_ARGUMENT, "%s: the writer has ended", path);
    CEP_REQUIRE(ctx, cepman_type_size(type), CEPMAN_ERR_ARGUMENT, "%s: unknown type %d", path, (int)type);
    CEP_REQUIRE(ctx, good_name(name), CEPMAN_ERR_ARGUMENT,
                "%s: an array cannot be named '%.80s', must be 1 to %d letters, digits and '_', not datacube "
                "or metadatabundle",
                path, name, NAME_ROOM - 1);
    size_t dims = strlen(axes), total = cepman_type_size(type);
    hsize_t sizes[MOST_AXES];
    CEP_REQUIRE(ctx, dims >= 1 && dims <= MOST_AXES, CEPMAN_ERR_RANGE, "%s: %s has %zu axes, must be 1 to %d",
                path, name, dims, MOST_AXES);
    for (size_t i = 0; i < dims; i++) {
        axis a;
        CEP_REQUIRE(ctx, axis_of(w->scan, axes[i], &a), CEPMAN_ERR_ARGUMENT,
                    "%s: axis %zu of %s is '%c', must be one of y, x, v, u, n", path, i, name, axes[i]);
        CEP_REQUIRE(ctx, shape[i] >= 1 && (!a.length || shape[i] == a.length), CEPMAN_ERR_SHAPE,
                    "%s: axis %zu (%c) of %s has %zu numbers, expected %zu", path, i, axes[i], name, shape[i],
                    a.length ? a.length : 1);
        CEP_REQUIRE(ctx, cep_mul(total, shape[i], &total), CEPMAN_ERR_RANGE, "%s: the shape of %s overflows",
                    path, name);
        sizes[i] = shape[i];
    }
    cep_fault fault;
    cep_h5_quiet quiet;
    hid_t set = -1;
    cep_h5_lock(&quiet);
    if (H5Lexists(w->root, name, H5P_DEFAULT) > 0) {
        s = cep_fault_set(&fault, CEPMAN_ERR_ARGUMENT, "%s: there is an array %s already", path, name);
    } else {
        hid_t number = number_type(type);
        int rc = start_array(w, name, "Array", "", number, axes, sizes, NULL, &set);
        if (!rc) rc = H5Dwrite(set, number, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0;
        if (set >= 0 && H5Dclose(set) < 0) rc = -1;
        if (rc) s = refused(w, &fault, "writing an array failed");
        if (number >= 0) H5Tclose(number);
    }
    cep_h5_unlock(&quiet);
    return s ? cep_fail_fault(ctx, &fault) : CEPMAN_OK;
}

/* HDF5 1.10 ends the program at its exit with a fault when closing a file had failed to write. So a file that nobody wants any
 * more gets a place in memory under its descriptor first, where what HDF5 still has to write always fits. */
static void abandon(cepman_emd_writer *w)
{
    void *handle = NULL;
    int place = w->file >= 0 && H5Fget_vfd_handle(w->file, H5P_DEFAULT, &handle) >= 0 && handle
                    ? memfd_create("cepman", MFD_CLOEXEC)
                    : -1;
    if (place < 0) return;
    dup2(place, *(int *)handle);
    close(place);
}

/* Keeps room on the disk for what closing writes after a flush, for the same reason. */
static bool room_to_close(cepman_emd_writer *w)
{
    void *handle = NULL;
    hsize_t size = 0;
    if (H5Fget_vfd_handle(w->file, H5P_DEFAULT, &handle) < 0 || !handle ||
        H5Fget_filesize(w->file, &size) < 0)
        return false;
    int rc;
    do {
        rc = fallocate(*(int *)handle, FALLOC_FL_KEEP_SIZE, (off_t)size, 1 << 16);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 || errno == EOPNOTSUPP || errno == ENOSYS;
}

/* Closes HDF5's side; false when something did not reach the file. */
static bool close_file(cepman_emd_writer *w, bool wanted)
{
    cep_h5_quiet quiet;
    bool good = true;
    cep_h5_lock(&quiet);
    if (wanted) good = H5Fflush(w->file, H5F_SCOPE_GLOBAL) >= 0 && room_to_close(w);
    if (good || !wanted) {
        if (!wanted) abandon(w);
        if (w->root >= 0) good = H5Gclose(w->root) >= 0;
        if (w->file >= 0) good = H5Fclose(w->file) >= 0 && good;
        w->root = w->file = -1;
    }
    cep_h5_unlock(&quiet);
    return good;
}

cepman_status cepman_emd_writer_commit(cepman_emd_writer *w, cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, w, CEPMAN_ERR_ARGUMENT, "EMD writer is NULL");
    const char *path = cep_outfile_path(w->out);
    CEP_REQUIRE(ctx, !w->ended, CEPMAN_ERR_ARGUMENT, "%s: the writer has ended", path);
    cep_fault fault;
    w->ended = true;
    if (!close_file(w, true))
        s = cep_fault_set(&fault, CEPMAN_ERR_IO, "%s: cannot finish the file", path);
    else
        s = cep_outfile_commit(w->out, &fault);
    return s ? cep_fail_fault(ctx, &fault) : CEPMAN_OK;
}

void cepman_emd_writer_unref(cepman_emd_writer *w)
{
    if (!w) return;
    cep_memory *mem = w->mem;
    close_file(w, false);
    cep_outfile_close(w->out);
    cepman_dataset_unref(w->scan);
    cep_free(mem, w);
    cep_memory_unref(mem);
}
