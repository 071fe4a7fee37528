/* Frames out of HDF5 arrays: chunks without filters, of deflate and LZF (with shuffle), 32008 (bitshuffle) and 32001 (Blosc) decoded
 * here, others by hyperslabs through the HDF5 library, and contiguous arrays straight from the file.
 * HDF5 keeps one state for the process, so its calls are made one at a time; decoding is not. Chunks of several frames are
 * kept as tiles, so that a pass decodes each once. Long because the ways to read share the source's state.
 * Must not: call HDF5 without the lock, or let it print. */
#include <pthread.h>
#include <string.h>

#include "bitshuffle.h"
#include "candidates.h"
#include "codec.h"
#include "h5.h"
#include "tiles.h"

enum {
    FILTER_BITSHUFFLE = 32008,
    BITSHUFFLE_LZ4 = 2,
    FILTER_BLOSC = 32001,
    FILTER_LZF = 32000,
    MOST_FILTERS = 8
};

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

static bool frame_axes(cep_h5_array *a)
{
    uint64_t shape[CEP_MOST_AXES];
    cep_axes axes;
    if (a->dims < 2 || a->dims > CEP_MOST_AXES) return false;
    for (int i = 0; i < a->dims; i++)
        shape[i] = a->shape[i];
    if (!cep_axes_of(&axes, shape, (size_t)a->dims)) return false;
    a->row_axis = axes.row;
    a->column_axis = axes.column;
    a->rows = axes.rows;
    a->columns = axes.columns;
    a->height = axes.height;
    a->width = axes.width;
    return true;
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

typedef struct h5_source h5_source;

typedef struct part {
    cep_h5_array array;
    h5_source *source;
    size_t first, count;               /* frames */
    bool own;                          /* chunks are decoded here; else HDF5 reads them */
    H5Z_filter_t filter[MOST_FILTERS]; /* of own chunks, in the order of writing */
    int filters;
    bool swap;
    unsigned char fill[8]; /* of chunks that were never written, as the numbers are read */
    hsize_t chunk[H5S_MAX_RANK];
    cep_grid grid;    /* of own chunks */
    cep_tiles *tiles; /* NULL: no chunks */
} part;

struct h5_source {
    cep_source base;
    cep_memory *mem;
    hid_t file;
    char *path;
    size_t frame_bytes, parts;
    part part[];
};

static void h5_close(cep_source *source)
{
    h5_source *h = (h5_source *)source;
    cep_memory *mem = h->mem;
    cep_h5_quiet quiet;
    for (size_t i = 0; i < h->parts; i++)
        cep_tiles_free(h->part[i].tiles);
    cep_h5_lock(&quiet);
    for (size_t i = 0; i < h->parts; i++)
        cep_h5_array_close(&h->part[i].array);
    H5Fclose(h->file);
    cep_h5_unlock(&quiet);
    cep_free(mem, h->path);
    cep_free(mem, h);
    cep_memory_unref(mem);
}

/* An area of frames, through HDF5. */
static cepman_status read_slab(void *user, cep_fault *fault, const cep_area *area, unsigned char *to)
{
    const part *p = user;
    const h5_source *h = p->source;
    const cep_h5_array *a = &p->array;
    hsize_t start[H5S_MAX_RANK] = {0}, count[H5S_MAX_RANK];
    for (int i = 0; i < a->dims; i++)
        count[i] = 1;
    count[a->dims - 2] = a->height;
    count[a->dims - 1] = a->width;
    if (a->row_axis >= 0) {
        start[a->row_axis] = area->row;
        count[a->row_axis] = area->rows;
    }
    if (a->column_axis >= 0) {
        start[a->column_axis] = area->column;
        count[a->column_axis] = area->columns;
    }
    hsize_t total = (hsize_t)area->rows * area->columns * a->height * a->width;
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

/* The chunk there as it is stored: *bytes of it, in *data; where it is stored as the numbers are, in `to` itself and *data
 * is NULL. *bytes = 0: never written. skipped: bits of filters skipped. */
static cepman_status stored_chunk(const part *p, cep_fault *fault, const hsize_t *offset, unsigned char *to,
                                  size_t total, unsigned char **data, size_t *bytes, uint32_t *skipped)
{
    const h5_source *h = p->source;
    const hid_t set = p->array.set;
    const size_t most = 2 * total + 65536;
    hsize_t size = 0;
    cep_h5_quiet quiet;
    cepman_status s = CEPMAN_OK;
    *data = NULL;
    cep_h5_lock(&quiet);
    if (H5Dget_chunk_storage_size(set, offset, &size) < 0) size = 0;
    if (size > most) {
        s = cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: a chunk of %llu bytes, at most %zu were expected",
                          h->path, (unsigned long long)size, most);
    } else if (size) {
        unsigned char *place = to;
        if (p->filters || size != total) place = *data = cep_alloc(h->mem, (size_t)size, 1);
        if (!place)
            s = cep_fault_memory(fault, h->mem, "a chunk", (size_t)size, 1);
        else if (H5Dread_chunk(set, H5P_DEFAULT, offset, skipped, place) < 0)
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

/* One filter undone: CEPMAN_ERR_FORMAT when the chunk is damaged. */
static cepman_status undo(const part *p, int filter, const unsigned char *from, size_t bytes,
                          unsigned char *to, size_t total)
{
    cep_memory *mem = p->source->mem;
    const size_t size = p->array.size;
    switch (p->filter[filter]) {
    case H5Z_FILTER_SHUFFLE:
        if (bytes != total) return CEPMAN_ERR_FORMAT;
        cep_byte_unshuffle(from, to, total / size, size);
        return CEPMAN_OK;
    case H5Z_FILTER_DEFLATE:
        return cep_codec_decode(CEP_CODEC_ZLIB, mem, from, bytes, to, total);
    case FILTER_BLOSC:
        return cep_codec_decode(CEP_CODEC_BLOSC, mem, from, bytes, to, total);
    case FILTER_LZF:
        return cep_codec_decode(CEP_CODEC_LZF, mem, from, bytes, to, total);
    default:
        break;
    }
    size_t room = cep_bitshuffle_scratch(from, bytes, total, size);
    if (!room) return CEPMAN_ERR_FORMAT;
    unsigned char *scratch = cep_alloc(mem, room, 1);
    if (!scratch) return CEPMAN_ERR_MEMORY;
    bool good = cep_bitshuffle_chunk(from, bytes, to, total, size, scratch, room);
    cep_free(mem, scratch);
    return good ? CEPMAN_OK : CEPMAN_ERR_FORMAT;
}

static const char *filter_name(H5Z_filter_t filter)
{
    return filter == FILTER_BLOSC         ? "Blosc"
           : filter == FILTER_BITSHUFFLE  ? "bitshuffle and LZ4"
           : filter == FILTER_LZF         ? "LZF"
           : filter == H5Z_FILTER_DEFLATE ? "deflate"
                                          : "shuffle";
}

/* Undoes the filters from the last one back, from `data` into `to`. */
static cepman_status decode(const part *p, cep_fault *fault, unsigned char *data, size_t bytes,
                            uint32_t skipped, unsigned char *to, size_t total)
{
    cep_memory *mem = p->source->mem;
    unsigned char *from = data, *other = NULL;
    int left = 0, last = 0;
    for (int i = 0; i < p->filters; i++)
        left += !(skipped >> i & 1);
    cepman_status s = CEPMAN_OK;
    if (left == 0) s = cep_codec_decode(CEP_CODEC_NONE, mem, from, bytes, to, total);
    for (int i = p->filters; !s && i-- > 0;) {
        if (skipped >> i & 1) continue;
        last = i;
        unsigned char *next = to;
        if (--left > 0) { /* one more comes after this one, of the two that there can be */
            next = other = cep_alloc(mem, total, 1);
            if (!next) return cep_fault_memory(fault, mem, "a chunk", total, 1);
        }
        s = undo(p, i, from, bytes, next, total);
        from = next;
        bytes = total;
    }
    cep_free(mem, other);
    if (s == CEPMAN_ERR_MEMORY) return cep_fault_memory(fault, mem, "decoding a chunk", total, 1);
    if (s)
        return cep_fault_set(fault, s, "%s: a chunk of filter %d (%s) is damaged", p->source->path,
                             p->filters ? (int)p->filter[last] : 0,
                             p->filters ? filter_name(p->filter[last]) : "none");
    return CEPMAN_OK;
}

static cepman_status load_chunk(void *user, cep_fault *fault, size_t row, size_t column, size_t y, size_t x,
                                unsigned char *to)
{
    const part *p = user;
    const cep_h5_array *a = &p->array;
    const size_t total = cep_grid_bytes(&p->grid);
    hsize_t offset[H5S_MAX_RANK] = {0};
    if (a->row_axis >= 0) offset[a->row_axis] = row;
    if (a->column_axis >= 0) offset[a->column_axis] = column;
    offset[a->dims - 2] = y;
    offset[a->dims - 1] = x;
    unsigned char *data;
    size_t bytes;
    uint32_t skipped = 0;
    cepman_status s = stored_chunk(p, fault, offset, to, total, &data, &bytes, &skipped);
    if (s) return s;
    if (bytes == 0) {
        cep_fill_numbers(to, total / a->size, p->fill, a->size);
        return CEPMAN_OK;
    }
    if (data) s = decode(p, fault, data, bytes, skipped, to, total);
    cep_free(p->source->mem, data);
    if (!s && p->swap) cep_swap_bytes(to, total / a->size, a->size);
    return s;
}

static cepman_status load_chunks(void *user, cep_fault *fault, const cep_area *area, unsigned char *to)
{
    const part *p = user;
    return cep_grid_load(&p->grid, p->source->mem, fault, area, load_chunk, user, to);
}

/* Without chunks: whole rows at once. */
static cepman_status read_plain(part *p, cep_fault *fault, size_t first, size_t count, unsigned char *to)
{
    const size_t width = p->array.columns;
    cepman_status s = CEPMAN_OK;
    while (!s && count) {
        cep_area area = {first / width, first % width, 1, width - first % width};
        if (area.columns > count) area.columns = count;
        if (area.column == 0 && count >= width) area.rows = count / width;
        s = read_slab(p, fault, &area, to);
        first += area.rows * area.columns;
        count -= area.rows * area.columns;
        to += area.rows * area.columns * p->source->frame_bytes;
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
        part *p = &h->part[i];
        if (first >= p->first + p->count) continue;
        size_t n = p->first + p->count - first < count ? p->first + p->count - first : count;
        s = p->tiles ? cep_tiles_read(p->tiles, fault, first - p->first, n, to)
                     : read_plain(p, fault, first - p->first, n, to);
        first += n;
        count -= n;
        to += n * h->frame_bytes;
    }
    return s;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* Whether a filter is undone here. */
static bool is_own(const cep_h5_array *a, H5Z_filter_t id, const unsigned *values, size_t n)
{
    if (id == FILTER_BITSHUFFLE) return n >= 5 && values[4] == BITSHUFFLE_LZ4 && values[2] == a->size;
    if (id == H5Z_FILTER_SHUFFLE) return n >= 1 && values[0] == a->size;
    if (id == FILTER_LZF) return true;
    return id == FILTER_BLOSC ? cep_codec_there(CEP_CODEC_BLOSC)
                              : id == H5Z_FILTER_DEFLATE && cep_codec_there(CEP_CODEC_ZLIB);
}

/* What the filters of an array ask for: our decoders, HDF5's, or more than there is. */
static cepman_status check_filters(part *p, cep_fault *fault, const char *path, hid_t plist, bool plain)
{
    const cep_h5_array *a = &p->array;
    const int filters = H5Pget_nfilters(plist);
    H5Z_filter_t missing = 0;
    bool own = plain && filters >= 0 && filters <= 2;
    for (int i = 0; i < filters; i++) {
        unsigned flags, values[8] = {0}, config;
        size_t n = 8;
        H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &n, values, 0, NULL, &config);
        /* Of two filters the first must be shuffle, which keeps the length. */
        own = own && is_own(a, id, values, n) && (i + 1 == filters || id == H5Z_FILTER_SHUFFLE);
        if (own) p->filter[i] = id;
        if (!missing && (id < 0 || H5Zfilter_avail(id) <= 0)) missing = id;
    }
    /* Axes that are neither the scan's nor the frame's have one element, but their chunks may have more. */
    for (int i = 0; i < a->dims - 2; i++)
        if (i != a->row_axis && i != a->column_axis && p->chunk[i] != 1) own = false;
    p->own = own;
    p->filters = own ? filters : 0;
    if (!own && missing)
        return cep_fault_set(
            fault, CEPMAN_ERR_UNSUPPORTED,
            "%s: the frames are compressed with HDF5 filter %d, for which there is no plug-in; h5repack "
            "can rewrite the file without it",
            path, (int)missing);
    return CEPMAN_OK;
}

/* Chunks: their shape, filters, and the tiles that are kept of them. plain: the numbers in the file have our size. */
static cepman_status look_at_chunks(cep_opening *o, part *p, hid_t plist, bool plain)
{
    cep_h5_array *a = &p->array;
    if (H5Pget_chunk(plist, a->dims, p->chunk) < 0)
        return cep_h5_fault(o->fault, CEPMAN_ERR_FORMAT, o->path, "the shape of chunks cannot be read");
    hsize_t bytes = a->size;
    for (int i = 0; i < a->dims; i++) {
        if (p->chunk[i] == 0 || bytes > ((hsize_t)1 << 30) / p->chunk[i])
            return cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED,
                                 "%s: chunks of more than 1 GB; h5repack can make smaller ones", o->path);
        bytes *= p->chunk[i];
    }
    p->grid = (cep_grid){.height = a->height,
                         .width = a->width,
                         .size = a->size,
                         .chunk_rows = a->row_axis >= 0 ? (size_t)p->chunk[a->row_axis] : 1,
                         .chunk_columns = a->column_axis >= 0 ? (size_t)p->chunk[a->column_axis] : 1,
                         .chunk_height = (size_t)p->chunk[a->dims - 2],
                         .chunk_width = (size_t)p->chunk[a->dims - 1]};
    cepman_status s = check_filters(p, o->fault, o->path, plist, plain);
    if (s) return s;
    if (H5Pget_fill_value(plist, a->memory_type, p->fill) < 0)
        return cep_h5_fault(o->fault, CEPMAN_ERR_FORMAT, o->path,
                            "the value of missing chunks cannot be read");
    const cep_tiling tiling = {.rows = a->rows,
                               .columns = a->columns,
                               .tile_rows = p->grid.chunk_rows,
                               .tile_columns = p->grid.chunk_columns,
                               .frame_bytes = p->source->frame_bytes,
                               .load = p->own ? load_chunks : read_slab,
                               .user = p};
    return cep_tiles_open(&p->tiles, o, &tiling);
}

/* True when the numbers of the file are those that are read, or have their bytes reversed (then *swap is set). */
static bool numbers_as_they_are(const cep_h5_array *a, hid_t type, bool *swap)
{
    const H5T_order_t order = H5Tget_order(type);
    *swap = a->size > 1 && order != H5Tget_order(a->memory_type);
    return H5Tget_size(type) == a->size && H5Tget_precision(type) == H5Tget_precision(a->memory_type) &&
           (order == H5T_ORDER_LE || order == H5T_ORDER_BE || a->size == 1);
}

/* A contiguous array of such numbers lies in the file as strides. */
static bool as_strides(cep_opening *o, const cep_h5_array *a, hid_t plist)
{
    if (H5Pget_layout(plist) != H5D_CONTIGUOUS || H5Pget_external_count(plist) > 0) return false;
    haddr_t offset = H5Dget_offset(a->set);
    hid_t type = H5Dget_type(a->set);
    bool swap, plain = numbers_as_they_are(a, type, &swap) && offset != HADDR_UNDEF;
    H5Tclose(type);
    if (!plain) return false;
    cep_strides strides = {.offset = offset};
    strides.bytes = strides.frame_bytes = a->height * a->width * a->size;
    strides.stride = strides.bytes;
    strides.swap = swap ? a->size : 0;
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
        p->source = h;
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
        const bool plain = numbers_as_they_are(&p->array, type, &p->swap);
        if (plist >= 0 && H5Pget_layout(plist) == H5D_CHUNKED) s = look_at_chunks(o, p, plist, plain);
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
