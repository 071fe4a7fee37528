/* Frames of arrays whose chunks hold several: tiles of whole frames, each made once in a pass. Private to dataset/. */
#ifndef CEP_TILES_H
#define CEP_TILES_H

#include "reader.h"

/* Frames rows x columns from (row, column) of the scan on. */
typedef struct cep_area {
    size_t row, column, rows, columns;
} cep_area;

/* The frames of an area, packed, row by row. It lies within one tile. Called from any thread. */
typedef cepman_status cep_area_load(void *user, cep_fault *fault, const cep_area *area, unsigned char *to);

/* What a cache is made for. A tile is what the chunks over one place of the scan hold. */
typedef struct cep_tiling {
    size_t rows, columns, tile_rows, tile_columns, frame_bytes;
    size_t most; /* bytes of tiles that may be kept; cep_tiles_open() sets it */
    cep_area_load *load;
    void *user;
} cep_tiling;

typedef struct cep_tiles cep_tiles;
cepman_status cep_tiles_create(cep_tiles **out, cep_memory *mem, cep_fault *fault, const cep_tiling *tiling);
/* The same by the option chunk-cache; a warning says when chunks will be decoded more than once. */
cepman_status cep_tiles_open(cep_tiles **out, cep_opening *opening, const cep_tiling *tiling);
void cep_tiles_free(cep_tiles *tiles);
/* Frames first .. first+count-1, row by row. Thread-safe. */
cepman_status cep_tiles_read(cep_tiles *tiles, cep_fault *fault, size_t first, size_t count,
                             unsigned char *to);
/* How often each chunk is decoded when the frames are read in order: 1 where a row of tiles can be kept. */
size_t cep_tiles_passes(const cep_tiling *tiling);

/* An array in chunks that may hold parts of frames, and frames of several rows. */
typedef struct cep_grid {
    size_t height, width, size; /* of a frame; bytes of a number */
    size_t chunk_rows, chunk_columns, chunk_height, chunk_width;
} cep_grid;

/* The chunk that begins at frame (row, column), pixel (y, x): all its bytes, what sticks out of the array too. */
typedef cepman_status cep_chunk_load(void *user, cep_fault *fault, size_t row, size_t column, size_t y,
                                     size_t x, unsigned char *to);
/* count numbers of the value `fill` of `size` bytes. */
void cep_fill_numbers(unsigned char *to, size_t count, const unsigned char *fill, size_t size);
size_t cep_grid_bytes(const cep_grid *grid); /* of a chunk */
/* An area within one tile, out of its chunks; where a chunk is one whole frame it is loaded in place. */
cepman_status cep_grid_load(const cep_grid *grid, cep_memory *mem, cep_fault *fault, const cep_area *area,
                            cep_chunk_load *load, void *user, unsigned char *to);

#endif
