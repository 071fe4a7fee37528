/* What readers of files share: how a file is opened, frames at fixed strides, the scan's shape. Private to
 * dataset/. */
#ifndef CEP_READER_H
#define CEP_READER_H

#include "dataset.h"

/* A file on its way to a dataset. */
typedef struct cep_opening {
    cepman_context *ctx;
    cep_memory *mem;
    cep_fault *fault;
    const cepman_options *options;
    const char *path;
    cep_file *file;            /* a reader's source takes it and leaves NULL here */
    const unsigned char *head; /* the first bytes of the file */
    size_t head_size;
    bool salvage, follow;

    /* What the reader says. */
    cep_source *source;
    cep_dataset_info info;  /* number type, height, width, calibrations; the scan is resolved from: */
    uint64_t frames;        /* whole frames that are in the file */
    uint64_t promised;      /* frames the file should have, 0: not known */
    uint64_t rows, columns; /* the scan by what the file says, 0: not known */
} cep_opening;

/* One file of lib/dataset each. */
typedef struct cep_reader {
    const char *name; /* its word in the option `format`, and the dataset's format */
    bool (*probe)(const cep_opening *opening);
    cepman_status (*open)(cep_opening *opening); /* sets source and the rest */
} cep_reader;

extern const cep_reader cep_reader_npy, cep_reader_empad, cep_reader_empad2, cep_reader_blo, cep_reader_mib,
    cep_reader_hdf5, cep_reader_zarr, cep_reader_dm, cep_reader_tvips, cep_reader_seq, cep_reader_raw;

/* ---- frames at fixed strides
 * ---------------------------------------------------------------------------------- */

typedef struct cep_strides {
    uint64_t offset;       /* of the first frame's stride */
    uint64_t stride;       /* bytes from one frame to the next */
    uint64_t skip;         /* bytes at the start of a stride before the pixels */
    size_t bytes;          /* of pixels as they are in the file; skip + bytes <= stride */
    size_t frame_bytes;    /* of a frame as it is read: differs from bytes only with unpack */
    size_t swap;           /* size of numbers whose bytes are reversed, 0: none */
    unsigned char mark[4]; /* what every stride begins with */
    size_t mark_size;      /* 0: nothing */
    void (*unpack)(const struct cep_strides *strides, const unsigned char *from, unsigned char *to);
    size_t height, width, chips, depth; /* for unpack */
} cep_strides;

/* Makes opening->source; takes opening->file. The last frame may end before its stride does. */
cepman_status cep_strides_open(cep_opening *opening, const cep_strides *strides);
/* Whole frames in size bytes of file. */
uint64_t cep_strides_count(const cep_strides *strides, uint64_t size);

/* The same for frames whose pixels lie apart: `frames` numbers of the first pixel, then those of the second, .. */
cepman_status cep_scatter_open(cep_opening *opening, const cep_strides *strides, uint64_t frames);

/* Makes opening->source of others that follow one another, without the first `skip` frames; takes the sources (on
 * failure too). */
cepman_status cep_series_open(cep_opening *opening, cep_source **sources, const uint64_t *counts,
                              size_t parts, size_t frame_bytes, size_t skip);
/* The same of files at strides: the first file's, and those of all others. Takes the files that it can use and leaves
 * NULL in their places. */
cepman_status cep_series_of_files(cep_opening *opening, cep_file **files, size_t parts,
                                  const cep_strides *first, const cep_strides *others);
/* The next file of a series, at path: *file is NULL when there is none. A file that is there and cannot be opened is an
 * error, so that nothing is left out in silence. */
cepman_status cep_series_next(cep_opening *opening, const char *path, cep_file **file);

/* count numbers of the array `name` of an HDF5 file as float32, this machine's order. */
cepman_status cep_hdf5_floats(cep_fault *fault, const char *path, const char *name, float *to, size_t count);

/* What a name says: scan_xCOLUMNS_yROWS, series_xN; 0 where it does not. */
void cep_empad_name(const char *name, uint64_t *rows, uint64_t *columns, uint64_t *series);

/* True where numbers of that byte order must be swapped on this machine. */
bool cep_swaps_little(void);
bool cep_swaps_big(void);

static inline uint16_t cep_little16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t cep_little32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t cep_little64(const unsigned char *p)
{
    return (uint64_t)cep_little32(p) | (uint64_t)cep_little32(p + 4) << 32;
}
double cep_little_f64(const unsigned char *p);

/* The file that stands for a folder: a Zarr store's metadata. *path is NULL when opening->path is no folder; free it
 * with cep_free(). */
cepman_status cep_zarr_metadata(cep_opening *opening, char **path);

/* What one of a unit is in nm, or one per unit in 1/angstrom; NaN for others (pixels, mrad). */
double cep_unit_factor(const char *unit, bool reciprocal);
/* A step in that unit as nm or 1/angstrom; NaN when it is not positive and finite, or the unit another. */
double cep_calibration(double step, const char *unit, bool reciprocal);

/* Calibrations of PATH.json beside the file, where there is one. Fails for want of memory alone. */
cepman_status cep_calibrations_beside(cep_opening *opening);

/* ---- names
 * ---------------------------------------------------------------------------------------------------- */

/* Where the last part of a path begins. */
const char *cep_base_name(const char *path);
/* The path with its last part replaced (only what follows the last '/' of name is used), or with another
 * extension. NULL: out of memory. Free with cep_free(). */
char *cep_sibling(cep_memory *mem, const char *path, const char *name);
char *cep_with_extension(cep_memory *mem, const char *path, const char *extension);

#endif
