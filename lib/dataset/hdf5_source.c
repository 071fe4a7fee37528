/* Frames out of HDF5 arrays: hyperslabs through the HDF5 library, chunks of filters 32008 (bitshuffle) and 32001 (Blosc)
 * decoded here, and contiguous arrays straight from the file.
 * HDF5 keeps one state for the process, so its calls are made one at a time; decoding is not. Long because the ways to read
 * share the source's state.
 * Must not: call HDF5 without the lock, or let it print. */
#include <pthread.h>
#include <string.h>

#include "bitshuffle.h"
#include "blosc_chunk.h"
#include "h5.h"

enum { FILTER_BITSHUFFLE = 32008, BITSHUFFLE_LZ4 = 2, FILTER_BLOSC = 32001 };

/* HDF5 is not thread-safe as distributions build it, and it is one per process. */
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

void cep_h5_lock(cep_h5_quiet *quiet)
{
    pthread_mutex_lock(&library);
    H5Eget_auto2(H5E_DEFAULT, &quiet->print, &quiet->data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void cep_h5_unlock(const cep_h5_quiet *quiet)
{
    H5Eset_auto2(H5E_DEFAULT, quiet->print, quiet->data);
    pthread_mutex_unlock(&library);
}

static herr_t innermost(unsigned n, const H5E_error2_t *error, void *text)
{
    (void)n;
    if (error->desc) {
        size_t length = strlen(error->desc) < 199 ? strlen(error->desc) : 199;
        memcpy(text, error->desc, length);
        ((char *)text)[length] = 0;
    }
    return 1; /* the first one is the innermost */
}

cepman_status cep_h5_fault(cep_fault *fault, cepman_status status, const char *path, const char *what)
{
    char text[200] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, text);
    return cep_fault_set(fault, status, "%s: %s%s%s", path, what, text[0] ? "; HDF5 says: " : "", text);
}

/* ---- one array -------------------------------------------------------------------------------------------------- */

static bool is_bool(hid_t type)
{
    return H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2;
}

/* How the numbers are read: as they are, in this machine's byte order; half floats become float32. */
static bool number_type(cep_h5_array *a, hid_t type)
{
    size_t size = H5Tget_size(type);
    H5T_class_t class = H5Tget_class(type);
    hid_t memory = -1;
    a->type = (cepman_type)0;
    if (class == H5T_INTEGER) {
        bool negative = H5Tget_sign(type) == H5T_SGN_2;
        if (size == 1) a->type = negative ? CEPMAN_TYPE_I8 : CEPMAN_TYPE_U8;
        if (size == 2) a->type = negative ? CEPMAN_TYPE_I16 : CEPMAN_TYPE_U16;
        if (size == 4) a->type = negative ? CEPMAN_TYPE_I32 : CEPMAN_TYPE_U32;
        if (size == 8 && negative) a->type = CEPMAN_TYPE_I64;
        memory = size == 1   ? (negative ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8)
                 : size == 2 ? (negative ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16)
                 : size == 4 ? (negative ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32)
                             : H5T_NATIVE_INT64;
    } else if (class == H5T_FLOAT && (size == 2 || size == 4 || size == 8)) {
        a->type = size == 8 ? CEPMAN_TYPE_F64 : CEPMAN_TYPE_F32;
        memory = size == 8 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
    } else if (is_bool(type)) {
        a->type = CEPMAN_TYPE_BOOL;
        memory = type;
    }
    if (!a->type) return false;
    a->memory_type = H5Tcopy(memory);
    a->size = cepman_type_size(a->type);
    return a->memory_type >= 0;
}

/* The last two axes are the frame; of those before, all but two must be 1 (a colour axis of fpd files is the third). */
static bool frame_axes(cep_h5_array *a)
{
    int nav[H5S_MAX_RANK], n = 0;
    if (a->dims < 2) return false;
    for (int i = 0; i < a->dims - 2; i++)
        nav[n++] = i;
    while (n > 2) {
        int drop = -1;
        for (int i = n; i-- > 0;)
            if (a->shape[nav[i]] == 1 && (drop < 0 || i == 2)) drop = i;
        if (drop < 0) return false;
        memmove(nav + drop, nav + drop + 1, (size_t)(n - drop - 1) * sizeof *nav);
        n--;
    }
    a->row_axis = n == 2 ? nav[0] : -1;
    a->column_axis = n >= 1 ? nav[n - 1] : -1;
    for (int i = 0; i < a->dims; i++)
        if (a->shape[i] == 0 || a->shape[i] > (hsize_t)1 << 40) return false;
    a->rows = n == 2 ? (size_t)a->shape[nav[0]] : 1;
    a->columns = n >= 1 ? (size_t)a->shape[nav[n - 1]] : 1;
    a->height = (size_t)a->shape[a->dims - 2];
    a->width = (size_t)a->shape[a->dims - 1];
    if (a->rows > ((size_t)1 << 40) / a->columns) return false;
    return a->height <= (size_t)1 << 20 && a->width <= (size_t)1 << 20;
}

cepman_status cep_h5_array_open(cep_h5_array *a, cep_fault *fault, const char *path, const char *name,
                                hid_t set)
{
    *a = (cep_h5_array){.set = set, .memory_type = -1};
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    a->dims = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    cepman_status s = CEPMAN_OK;
    if (a->dims < 0 || a->dims > H5S_MAX_RANK || H5Sget_simple_extent_dims(space, a->shape, NULL) < 0)
        s = cep_h5_fault(fault, CEPMAN_ERR_FORMAT, path, "the shape of an array cannot be read");
    else if (!frame_axes(a))
        s = cep_fault_set(fault, CEPMAN_ERR_SHAPE,
                          "%s: the array %s has %d axes; expected two of a frame after those of a stack or "
                          "scan, none empty",
                          path, name, a->dims);
    else if (!number_type(a, type))
        s = cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED,
                          "%s: the numbers of %s are none of u8 u16 u32 i8 i16 i32 i64 f16 f32 f64 bool",
                          path, name);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (s) cep_h5_array_close(a);
    return s;
}

void cep_h5_array_close(cep_h5_array *a)
{
    if (a->memory_type >= 0) H5Tclose(a->memory_type);
    if (a->set >= 0) H5Dclose(a->set);
    a->memory_type = a->set = -1;
}

/* ---- the source ------------------------------------------------------------------------------------------------- */

typedef struct part {
    cep_h5_array array;
    size_t first, count; /* frames */
    int own;             /* the filter of chunks that are decoded here; 0: HDF5 reads them */
    bool swap;
    hsize_t chunk[H5S_MAX_RANK];
    size_t chunk_rows, chunk_columns, chunk_height, chunk_width;
} part;

typedef struct h5_source {
    cep_source base;
    cep_memory *mem;
    hid_t file;
    char *path;
    size_t frame_bytes, parts;
    part part[];
} h5_source;

static void h5_close(cep_source *source)
{
    h5_source *h = (h5_source *)source;
    cep_memory *mem = h->mem;
    cep_h5_quiet quiet;
    cep_h5_lock(&quiet);
    for (size_t i = 0; i < h->parts; i++)
        cep_h5_array_close(&h->part[i].array);
    H5Fclose(h->file);
    cep_h5_unlock(&quiet);
    cep_free(mem, h->path);
    cep_free(mem, h);
    cep_memory_unref(mem);
}

/* rows x columns frames from (row, column), through HDF5. */
static cepman_status read_slab(h5_source *h, const part *p, cep_fault *fault, size_t row, size_t column,
                               size_t rows, size_t columns, unsigned char *to)
{
    const cep_h5_array *a = &p->array;
    hsize_t start[H5S_MAX_RANK] = {0}, count[H5S_MAX_RANK];
    for (int i = 0; i < a->dims; i++)
        count[i] = 1;
    count[a->dims - 2] = a->height;
    count[a->dims - 1] = a->width;
    if (a->row_axis >= 0) {
        start[a->row_axis] = row;
        count[a->row_axis] = rows;
    }
    if (a->column_axis >= 0) {
        start[a->column_axis] = column;
        count[a->column_axis] = columns;
    }
    hsize_t total = (hsize_t)rows * columns * a->height * a->width;
    cep_h5_quiet quiet;
    cep_h5_lock(&quiet);
    hid_t space = H5Dget_space(a->set), memory = H5Screate_simple(1, &total, NULL);
    cepman_status s = CEPMAN_OK;
    if (space < 0 || memory < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dread(a->set, a->memory_type, memory, space, H5P_DEFAULT, to) < 0)
        s = cep_h5_fault(fault, CEPMAN_ERR_IO, h->path, "frames cannot be read");
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    cep_h5_unlock(&quiet);
    return s;
}

/* Where a chunk begins: a frame of it and a pixel of that. */
typedef struct corner {
    size_t row, column, y, x;
} corner;

/* The chunk there as it is stored. *bytes = 0: never written. skipped: bits of filters skipped. */
static cepman_status stored_chunk(h5_source *h, const part *p, cep_fault *fault, const corner *at,
                                  size_t most, unsigned char **data, size_t *bytes, uint32_t *skipped)
{
    const cep_h5_array *a = &p->array;
    hsize_t offset[H5S_MAX_RANK] = {0}, size = 0;
    if (a->row_axis >= 0) offset[a->row_axis] = at->row / p->chunk_rows * p->chunk_rows;
    if (a->column_axis >= 0) offset[a->column_axis] = at->column / p->chunk_columns * p->chunk_columns;
    offset[a->dims - 2] = at->y;
    offset[a->dims - 1] = at->x;
    cep_h5_quiet quiet;
    cepman_status s = CEPMAN_OK;
    *data = NULL;
    *bytes = 0;
    cep_h5_lock(&quiet);
    if (H5Dget_chunk_storage_size(a->set, offset, &size) < 0) size = 0;
    if (size > most) {
        s = cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: a chunk of %llu bytes, at most %zu were expected",
                          h->path, (unsigned long long)size, most);
    } else if (size) {
        *data = cep_alloc(h->mem, (size_t)size, 1);
        if (!*data)
            s = cep_fault_memory(fault, h->mem, "a chunk", (size_t)size, 1);
        else if (H5Dread_chunk(a->set, H5P_DEFAULT, offset, skipped, *data) < 0)
            s = cep_h5_fault(fault, CEPMAN_ERR_IO, h->path, "a chunk cannot be read");
    }
    cep_h5_unlock(&quiet);
    if (s) {
        cep_free(h->mem, *data);
        *data = NULL;
    }
    *bytes = (size_t)size;
    return s;
}

static cepman_status decode(h5_source *h, const part *p, cep_fault *fault, const unsigned char *data,
                            size_t bytes, uint32_t skipped, unsigned char *to, size_t total)
{
    size_t size = p->array.size, room = 0;
    bool good = true;
    if (bytes == 0) {
        memset(to, 0, total);
    } else if (skipped & 1) {
        good = bytes == total;
        if (good) memcpy(to, data, total);
    } else if (p->own == FILTER_BLOSC) {
        good = cep_blosc_chunk(data, bytes, to, total);
    } else {
        room = cep_bitshuffle_scratch(data, bytes, total, size);
        unsigned char *scratch = room ? cep_alloc(h->mem, room, 1) : NULL;
        if (room && !scratch) return cep_fault_memory(fault, h->mem, "a block of a chunk", room, 1);
        good = room && cep_bitshuffle_chunk(data, bytes, to, total, size, scratch, room);
        cep_free(h->mem, scratch);
    }
    if (!good)
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: a chunk of filter %d (%s) is damaged", h->path,
                             p->own, p->own == FILTER_BLOSC ? "Blosc" : "bitshuffle and LZ4");
    if (p->swap) cep_swap_bytes(to, total / size, size);
    return CEPMAN_OK;
}

/* n frames from (row, column) on out of a decoded chunk; the last chunks of an axis stick out of the frame. */
static void cut_out(const h5_source *h, const part *p, const corner *at, size_t n, const unsigned char *chunk,
                    unsigned char *to)
{
    const size_t size = p->array.size, height = p->array.height, width = p->array.width;
    size_t rows = height - at->y < p->chunk_height ? height - at->y : p->chunk_height;
    size_t columns = width - at->x < p->chunk_width ? width - at->x : p->chunk_width;
    size_t frame = at->row % p->chunk_rows * p->chunk_columns + at->column % p->chunk_columns;
    for (size_t i = 0; i < n; i++)
        for (size_t y = 0; y < rows; y++)
            memcpy(to + i * h->frame_bytes + ((at->y + y) * width + at->x) * size,
                   chunk + (((frame + i) * p->chunk_height + y) * p->chunk_width) * size, columns * size);
}

/* Frames of one row, chunk by chunk. */
static cepman_status read_chunks(h5_source *h, const part *p, cep_fault *fault, size_t row, size_t column,
                                 size_t columns, unsigned char *to)
{
    const cep_h5_array *a = &p->array;
    bool whole = p->chunk_height == a->height && p->chunk_width == a->width;
    size_t frames = p->chunk_rows * p->chunk_columns,
           total = frames * p->chunk_height * p->chunk_width * a->size;
    unsigned char *block = NULL;
    cepman_status s = CEPMAN_OK;
    if (frames > 1 || !whole) {
        block = cep_alloc(h->mem, total, 1);
        if (!block) return cep_fault_memory(fault, h->mem, "a chunk", total, 1);
    }
    while (!s && columns) {
        size_t n = p->chunk_columns - column % p->chunk_columns;
        if (n > columns) n = columns;
        for (size_t y = 0; !s && y < a->height; y += p->chunk_height)
            for (size_t x = 0; !s && x < a->width; x += p->chunk_width) {
                corner at = {row, column, y, x};
                unsigned char *data;
                size_t bytes;
                uint32_t skipped = 0;
                s = stored_chunk(h, p, fault, &at, 2 * total + 65536, &data, &bytes, &skipped);
                if (!s) s = decode(h, p, fault, data, bytes, skipped, block ? block : to, total);
                cep_free(h->mem, data);
                if (!s && block) cut_out(h, p, &at, n, block, to);
            }
        to += n * h->frame_bytes;
        column += n;
        columns -= n;
    }
    cep_free(h->mem, block);
    return s;
}

static cepman_status read_part(h5_source *h, const part *p, cep_fault *fault, size_t first, size_t count,
                               unsigned char *to)
{
    size_t width = p->array.columns;
    cepman_status s = CEPMAN_OK;
    while (!s && count) {
        size_t row = first / width, column = first % width, rows = 1, n = width - column;
        if (n > count) n = count;
        if (!p->own && column == 0 && count >= width) { /* whole rows at once */
            rows = count / width;
            n = width;
        }
        s = p->own ? read_chunks(h, p, fault, row, column, n, to)
                   : read_slab(h, p, fault, row, column, rows, n, to);
        first += rows * n;
        count -= rows * n;
        to += rows * n * h->frame_bytes;
    }
    return s;
}

static cepman_status h5_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                             void *destination)
{
    h5_source *h = (h5_source *)source;
    unsigned char *to = destination;
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && i < h->parts && count; i++) {
        const part *p = &h->part[i];
        if (first >= p->first + p->count) continue;
        size_t n = p->first + p->count - first < count ? p->first + p->count - first : count;
        s = read_part(h, p, fault, first - p->first, n, to);
        first += n;
        count -= n;
        to += n * h->frame_bytes;
    }
    return s;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* What the filters of an array ask for: our decoder, HDF5's, or more than there is. */
static cepman_status check_filters(part *p, cep_fault *fault, const char *path, hid_t plist)
{
    cep_h5_array *a = &p->array;
    int filters = H5Pget_nfilters(plist);
    for (int i = 0; i < filters; i++) {
        unsigned flags, values[8] = {0}, config;
        size_t n = 8;
        H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &n, values, 0, NULL, &config);
        if (id == FILTER_BITSHUFFLE && filters == 1 && n >= 5 && values[4] == BITSHUFFLE_LZ4 &&
            values[2] == a->size) {
            p->own = FILTER_BITSHUFFLE;
            continue;
        }
        if (id == FILTER_BLOSC && filters == 1 && cep_blosc_there()) {
            p->own = FILTER_BLOSC;
            continue;
        }
        if (id < 0 || H5Zfilter_avail(id) <= 0)
            return cep_fault_set(
                fault, CEPMAN_ERR_UNSUPPORTED,
                "%s: the frames are compressed with HDF5 filter %d, for which there is no plug-in; h5repack "
                "can rewrite the file without it",
                path, (int)id);
    }
    /* Axes that are neither the scan's nor the frame's have one element, but their chunks may have more. */
    for (int i = 0; i < a->dims - 2; i++)
        if (p->own && i != a->row_axis && i != a->column_axis && p->chunk[i] != 1)
            return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED,
                                 "%s: chunks of %llu along an axis of 1 (filter %d)", path,
                                 (unsigned long long)p->chunk[i], p->own);
    return CEPMAN_OK;
}

/* Chunks: their shape, filters, and a cache of HDF5's that holds all chunks of a row of frames (at most 256 MB). */
static cepman_status look_at_chunks(part *p, cep_fault *fault, const char *path, hid_t plist)
{
    cep_h5_array *a = &p->array;
    if (H5Pget_chunk(plist, a->dims, p->chunk) < 0)
        return cep_h5_fault(fault, CEPMAN_ERR_FORMAT, path, "the shape of chunks cannot be read");
    hsize_t bytes = a->size;
    for (int i = 0; i < a->dims; i++) {
        if (p->chunk[i] == 0 || bytes > ((hsize_t)1 << 32) / p->chunk[i])
            return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED, "%s: chunks of more than 4 GB", path);
        bytes *= p->chunk[i];
    }
    p->chunk_rows = a->row_axis >= 0 ? (size_t)p->chunk[a->row_axis] : 1;
    p->chunk_columns = a->column_axis >= 0 ? (size_t)p->chunk[a->column_axis] : 1;
    p->chunk_height = (size_t)p->chunk[a->dims - 2];
    p->chunk_width = (size_t)p->chunk[a->dims - 1];
    if (bytes > (hsize_t)1 << 30)
        return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: chunks of more than 1 GB; h5repack can make smaller ones", path);
    cepman_status s = check_filters(p, fault, path, plist);
    if (s || p->own) return s;
    hsize_t row = bytes;
    for (int i = 0; i < a->dims; i++) {
        hsize_t along = i == a->row_axis ? 1 : (a->shape[i] + p->chunk[i] - 1) / p->chunk[i];
        row = row > ((hsize_t)1 << 40) / along ? (hsize_t)1 << 40 : row * along;
    }
    const hsize_t least = 1 << 20, most = (hsize_t)256 << 20;
    size_t cache = (size_t)(row < least ? least : row < most ? row : most);
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    hid_t type = H5Iget_type(a->set) == H5I_DATASET ? access : -1;
    if (type >= 0 && H5Pset_chunk_cache(access, 10007, cache, 1.0) >= 0) {
        char name[1024];
        hid_t file = H5Iget_file_id(a->set);
        ssize_t length = H5Iget_name(a->set, name, sizeof name);
        hid_t again =
            file >= 0 && length > 0 && length < (ssize_t)sizeof name ? H5Dopen2(file, name, access) : -1;
        if (again >= 0) {
            H5Dclose(a->set);
            a->set = again;
        }
        if (file >= 0) H5Fclose(file);
    }
    if (access >= 0) H5Pclose(access);
    return CEPMAN_OK;
}

/* A contiguous array of numbers as this machine or its opposite orders them lies in the file as strides. */
static bool as_strides(cep_opening *o, const cep_h5_array *a, hid_t plist)
{
    if (H5Pget_layout(plist) != H5D_CONTIGUOUS || H5Pget_external_count(plist) > 0) return false;
    haddr_t offset = H5Dget_offset(a->set);
    hid_t type = H5Dget_type(a->set);
    H5T_order_t order = H5Tget_order(type), native = H5Tget_order(a->memory_type);
    bool plain = offset != HADDR_UNDEF && H5Tget_size(type) == a->size &&
                 H5Tget_precision(type) == H5Tget_precision(a->memory_type) &&
                 (order == H5T_ORDER_LE || order == H5T_ORDER_BE || a->size == 1);
    H5Tclose(type);
    if (!plain) return false;
    cep_strides strides = {.offset = offset};
    strides.bytes = strides.frame_bytes = a->height * a->width * a->size;
    strides.stride = strides.bytes;
    strides.swap = a->size > 1 && order != native ? a->size : 0;
    return cep_strides_open(o, &strides) == CEPMAN_OK;
}

static cepman_status make_source(cep_opening *o, hid_t file, cep_h5_array *arrays, size_t count)
{
    h5_source *h = cep_alloc_zero(o->mem, 1, sizeof *h + count * sizeof *h->part);
    char *path = cep_strdup(o->mem, o->path);
    if (!h || !path) {
        cep_free(o->mem, h);
        cep_free(o->mem, path);
        return cep_fault_memory(o->fault, o->mem, "opening a file", count, sizeof *h->part);
    }
    h->base = (cep_source){.read = h5_read, .close = h5_close, .concurrent = true};
    h->mem = cep_memory_ref(o->mem);
    h->path = path;
    h->file = file;
    h->frame_bytes = arrays[0].height * arrays[0].width * arrays[0].size;
    h->parts = count;
    for (size_t i = 0; i < count; i++) {
        part *p = &h->part[i];
        p->array = arrays[i];
        p->first = i ? p[-1].first + p[-1].count : 0;
        p->count = arrays[i].rows * arrays[i].columns;
        arrays[i].set = arrays[i].memory_type = -1;
    }
    o->source = &h->base;
    o->frames = h->part[count - 1].first + h->part[count - 1].count;
    for (size_t i = 0; i < count; i++) {
        part *p = &h->part[i];
        hid_t plist = H5Dget_create_plist(p->array.set), type = H5Dget_type(p->array.set);
        cepman_status s = CEPMAN_OK;
        p->swap = H5Tget_order(type) != H5Tget_order(p->array.memory_type) && p->array.size > 1;
        if (H5Tget_size(type) != p->array.size) p->swap = false;
        if (plist >= 0 && H5Pget_layout(plist) == H5D_CHUNKED)
            s = look_at_chunks(p, o->fault, o->path, plist);
        if (type >= 0) H5Tclose(type);
        if (plist >= 0) H5Pclose(plist);
        if (s) return s; /* the source is closed by who opened it, without the lock held */
    }
    return CEPMAN_OK;
}

cepman_status cep_h5_source_open(cep_opening *o, hid_t file, cep_h5_array *arrays, size_t count)
{
    cepman_status s = CEPMAN_OK;
    if (count == 1) {
        hid_t plist = H5Dget_create_plist(arrays[0].set);
        if (plist >= 0 && as_strides(o, &arrays[0], plist)) {
            o->frames = o->frames < arrays[0].rows * arrays[0].columns ? o->frames
                                                                       : arrays[0].rows * arrays[0].columns;
            H5Pclose(plist);
            cep_h5_array_close(&arrays[0]);
            H5Fclose(file);
            return CEPMAN_OK;
        }
        if (plist >= 0) H5Pclose(plist);
    }
    s = make_source(o, file, arrays, count);
    if (s && !o->source) {
        for (size_t i = 0; i < count; i++)
            cep_h5_array_close(&arrays[i]);
        H5Fclose(file);
    }
    return s;
}
