/* Frames out of a Zarr array in a folder: a file a chunk, those that are missing hold the fill value.
 * Format: Zarr storage specification, version 2. Chunks of several frames are kept as tiles.
 * Must not: take a chunk's length for granted. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "matrix.h"
#include "tiles.h"
#include "zarr.h"

typedef struct zarr_source {
    cep_source base;
    cep_memory *mem;
    cep_zarr_array array;
    cep_grid grid;
    cep_tiles *tiles;
    char folder[]; /* ends with / */
} zarr_source;

static cepman_status read_file(const zarr_source *z, cep_fault *fault, cep_file *file, unsigned char *to,
                               size_t total)
{
    const char *path = cep_file_path(file);
    const uint64_t size = cep_file_size(file);
    const cep_codec codec = z->array.codec;
    if (codec == CEP_CODEC_NONE) {
        if (size > total)
            return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: a chunk of %llu bytes, expected %zu", path,
                                 (unsigned long long)size, total);
        return cep_file_read(file, fault, 0, to, total); /* too short: truncated */
    }
    if (size > 2 * (uint64_t)total + 65536)
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: a chunk of %llu bytes, at most %zu were expected",
                             path, (unsigned long long)size, 2 * total + 65536);
    unsigned char *data = cep_alloc(z->mem, (size_t)size, 1);
    if (!data) return cep_fault_memory(fault, z->mem, "a chunk", (size_t)size, 1);
    cepman_status s = cep_file_read(file, fault, 0, data, (size_t)size);
    if (!s) {
        s = cep_codec_decode(codec, z->mem, data, (size_t)size, to, total);
        if (s == CEPMAN_ERR_MEMORY)
            cep_fault_memory(fault, z->mem, "decoding a chunk", total, 1);
        else if (s)
            cep_fault_set(fault, s, "%s: a chunk of %s that is damaged or cut", path, cep_codec_name(codec));
    }
    cep_free(z->mem, data);
    return s;
}

static cepman_status load_chunk(void *user, cep_fault *fault, size_t row, size_t column, size_t y, size_t x,
                                unsigned char *to)
{
    const zarr_source *z = user;
    const cep_zarr_array *a = &z->array;
    const size_t size = z->grid.size, total = cep_grid_bytes(&z->grid), length = strlen(z->folder);
    size_t place[CEP_ZARR_AXES] = {0};
    if (a->axes.row >= 0) place[a->axes.row] = row / z->grid.chunk_rows;
    if (a->axes.column >= 0) place[a->axes.column] = column / z->grid.chunk_columns;
    place[a->dims - 2] = y / z->grid.chunk_height;
    place[a->dims - 1] = x / z->grid.chunk_width;
    char *path = cep_alloc(z->mem, length + CEP_ZARR_AXES * 22 + 1, 1);
    if (!path) return cep_fault_memory(fault, z->mem, "the name of a chunk", length, 1);
    char *p = path + length;
    memcpy(path, z->folder, length + 1);
    for (size_t i = 0; i < a->dims; i++) {
        if (i) *p++ = a->separator;
        p += snprintf(p, 22, "%zu", place[i]);
    }
    cep_file *file = NULL;
    cepman_status s = CEPMAN_OK;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        cep_fill_numbers(to, total / size, a->fill, size);
    } else {
        s = cep_file_open(&file, z->mem, fault, path);
        if (!s) s = read_file(z, fault, file, to, total);
        if (!s && a->swapped) cep_swap_bytes(to, total / size, size);
        cep_file_close(file);
    }
    cep_free(z->mem, path);
    return s;
}

static cepman_status load_area(void *user, cep_fault *fault, const cep_area *area, unsigned char *to)
{
    const zarr_source *z = user;
    return cep_grid_load(&z->grid, z->mem, fault, area, load_chunk, user, to);
}

static cepman_status zarr_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                               void *destination)
{
    return cep_tiles_read(((zarr_source *)source)->tiles, fault, first, count, destination);
}

static void zarr_close(cep_source *source)
{
    zarr_source *z = (zarr_source *)source;
    cep_memory *mem = z->mem;
    cep_tiles_free(z->tiles);
    cep_free(mem, z);
    cep_memory_unref(mem);
}

cepman_status cep_zarr_source(cep_opening *o, const char *folder, const cep_zarr_array *array)
{
    const size_t length = strlen(folder);
    zarr_source *z = cep_alloc_zero(o->mem, 1, sizeof *z + length + 2);
    if (!z) return cep_fault_memory(o->fault, o->mem, "opening a store", 1, sizeof *z + length);
    z->base = (cep_source){.read = zarr_read, .close = zarr_close, .concurrent = true};
    z->mem = cep_memory_ref(o->mem);
    z->array = *array;
    memcpy(z->folder, folder, length);
    z->folder[length] = '/';
    const cep_axes *axes = &array->axes;
    z->grid = (cep_grid){.height = axes->height,
                         .width = axes->width,
                         .size = cepman_type_size(array->type),
                         .chunk_rows = axes->row >= 0 ? (size_t)array->chunk[axes->row] : 1,
                         .chunk_columns = axes->column >= 0 ? (size_t)array->chunk[axes->column] : 1,
                         .chunk_height = (size_t)array->chunk[array->dims - 2],
                         .chunk_width = (size_t)array->chunk[array->dims - 1]};
    const cep_tiling tiling = {.rows = axes->rows,
                               .columns = axes->columns,
                               .tile_rows = z->grid.chunk_rows,
                               .tile_columns = z->grid.chunk_columns,
                               .frame_bytes = axes->height * axes->width * z->grid.size,
                               .load = load_area,
                               .user = z};
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; i + 2 < array->dims; i++)
        if ((int)i != axes->row && (int)i != axes->column && array->chunk[i] != 1)
            s = cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED, "%s: chunks of %llu along an axis of 1",
                              folder, (unsigned long long)array->chunk[i]);
    if (!s) s = cep_tiles_open(&z->tiles, o, &tiling);
    if (s) {
        zarr_close(&z->base);
        return s;
    }
    o->source = &z->base;
    return CEPMAN_OK;
}
