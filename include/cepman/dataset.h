/* Datasets: scan x frame, from a file, from memory, from a host's callback, and views of another dataset.
 *
 * Frames are numbered row-major over the scan: frame = scan_row * scan_columns + scan_column. A dataset is
 * immutable and reference-counted; it never holds more of a file in memory than a block of frames. */
#ifndef CEPMAN_DATASET_H
#define CEPMAN_DATASET_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* A scan of frames, read in blocks: opaque, immutable, reference-counted, shareable between threads. */
typedef struct cepman_dataset cepman_dataset;

/* Options of cepman_dataset_open(), kind "dataset" (docs/formats.md says what each format gives):
 *   format        choice  auto|npy|blo|mib|hdf5|zarr|dm|tvips|seq|empad2|empad|raw: by content when auto; raw has
 *                 no header
 *   scan-rows, scan-columns  integers, 0 (default): from the file. One alone lets the other follow.
 *   flyback       integer: frames at the end of each scan row that are left out
 *   skip          integer: frames at the beginning of the file that are left out
 *   flip          flag: turn every frame upside down
 *   dataset       text: name of the array inside the file, for formats that hold several
 *   salvage       flag: accept a truncated file and keep its whole frames
 *   follow        flag: accept a file that is still being written; frames become available as it grows
 *   raw-type, raw-order, raw-height, raw-width, raw-offset, raw-gap  what a raw file holds: number type (u16), order of
 *                 bytes (little), frame size in pixels, bytes before the first frame and between two
 *   chunk-cache   integer, MB (256): most memory for decoded chunks of hdf5 and zarr that hold several frames
 *   dm-order      choice  auto|detector|scan: which axes run fastest in a .dm file of four
 *   calibration, background  text: an EMPAD-G2's calibration (HDF5 file or folder) and a recording without beam */
CEPMAN_API cepman_status cepman_dataset_options_create(cepman_options **out, cepman_context *context);

/* Opens a file, or a folder that is a Zarr store. options: NULL for defaults. Errors: IO, FORMAT, TRUNCATED, UNSUPPORTED, SHAPE (the scan's size
 * does not fit the number of frames), MEMORY, LIMIT. */
CEPMAN_API cepman_status cepman_dataset_open(cepman_dataset **out, cepman_context *context, const char *path,
                                             const cepman_options *options);

/* Borrows frames in memory: scan_rows x scan_columns x height x width numbers in C order, native byte order.
 * scan_rows 0: a stack of scan_columns frames without the shape of a scan. They must stay unchanged until
 * destroy(user) is called (NULL: they outlive the dataset). On failure destroy is not called. */
CEPMAN_API cepman_status cepman_dataset_wrap(cepman_dataset **out, cepman_context *context, const void *data,
                                             cepman_type type, size_t scan_rows, size_t scan_columns,
                                             size_t height, size_t width, cepman_destroy destroy, void *user);

/* A host's source of frames. read: `count` frames from `first` on, as type and shape were declared, into
 * destination (packed); returns 0, or anything else for failure. It may be called from several threads at once
 * when concurrent is non-zero, else from one at a time (any). available: frames ready now; they only grow; NULL
 * means all of them. A read never asks for frames that are not available. destroy: NULL is allowed; it is not
 * called when cepman_dataset_from_source() fails. Neither function may call the library with this dataset. */
typedef struct cepman_frame_source {
    size_t struct_size; /* sizeof(cepman_frame_source) */
    void *user;
    int (*read)(void *user, size_t first, size_t count, void *destination);
    size_t (*available)(void *user);
    void (*destroy)(void *user);
    int concurrent;
} cepman_frame_source;

/* A dataset of a host's source; the struct is copied. type, scan and frame shape as for cepman_dataset_wrap().
 * Errors: ARGUMENT, RANGE, SHAPE, MEMORY, LIMIT. */
CEPMAN_API cepman_status cepman_dataset_from_source(cepman_dataset **out, cepman_context *context,
                                                    const cepman_frame_source *source, cepman_type type,
                                                    size_t scan_rows, size_t scan_columns, size_t height,
                                                    size_t width);

/* ---- views: each keeps a reference to the dataset below it ---------------------------------------------------- */

/* A rectangle of the scan. CEPMAN_ERR_RANGE when it is empty or sticks out. */
CEPMAN_API cepman_status cepman_dataset_view_scan(cepman_dataset **out, cepman_context *context,
                                                  cepman_dataset *dataset, size_t first_row,
                                                  size_t first_column, size_t rows, size_t columns);
/* A rectangle of the detector. */
CEPMAN_API cepman_status cepman_dataset_view_detector(cepman_dataset **out, cepman_context *context,
                                                      cepman_dataset *dataset, size_t first_row,
                                                      size_t first_column, size_t height, size_t width);
/* Sums of factor x factor detector pixels (the last ones are dropped where the size is not a multiple). Integer
 * types become u32 or i32 (sums that would not fit saturate), floats stay. Masked pixels are left out and the sum
 * is scaled up; a bin without valid pixels is masked. The reciprocal pixel grows by the factor. */
CEPMAN_API cepman_status cepman_dataset_view_binned(cepman_dataset **out, cepman_context *context,
                                                    cepman_dataset *dataset, size_t factor);
/* The same frames with a pixel mask: height * width bytes, non-zero is bad. Copied; joined with a mask that the
 * dataset has. Frames are not changed: transforms patch bad pixels, virtual detectors leave them out. */
CEPMAN_API cepman_status cepman_dataset_view_masked(cepman_dataset **out, cepman_context *context,
                                                    cepman_dataset *dataset, const uint8_t *mask);
/* Every frame moved by whole pixels so that its direct beam is at ((height - 1) / 2, (width - 1) / 2), to half a pixel: scans
 * whose beam wanders (descan). Counts stay as they are; what comes in from outside repeats the frame's edge, and bad pixels
 * take the value of a good one beside them, so that the view has no mask. The beam is the brightest square of pixels (a
 * sixteenth of the frame, 3 pixels at least) within an eighth of the frame from that of the mean of 64 frames, which
 * are read here. Errors: also DATA (the mask leaves no pixel), and those of reading. */
CEPMAN_API cepman_status cepman_dataset_view_centred(cepman_dataset **out, cepman_context *context,
                                                     cepman_dataset *dataset);
/* The same frames with other calibrations: scan step in nanometres, reciprocal pixel in 1/angstrom; NaN: unknown. */
CEPMAN_API cepman_status cepman_dataset_view_calibrated(cepman_dataset **out, cepman_context *context,
                                                        cepman_dataset *dataset, double scan_step,
                                                        double reciprocal_pixel);

CEPMAN_API cepman_dataset *cepman_dataset_ref(cepman_dataset *dataset);
CEPMAN_API void cepman_dataset_unref(cepman_dataset *dataset);

/* ---- what it is ------------------------------------------------------------------------------------------------ */

/* Shape of the scan and of a frame in pixels, and the type of its numbers. */
CEPMAN_API size_t cepman_dataset_scan_rows(const cepman_dataset *dataset);
CEPMAN_API size_t cepman_dataset_scan_columns(const cepman_dataset *dataset);
CEPMAN_API size_t cepman_dataset_frames(const cepman_dataset *dataset); /* rows * columns */
CEPMAN_API size_t cepman_dataset_height(const cepman_dataset *dataset);
CEPMAN_API size_t cepman_dataset_width(const cepman_dataset *dataset);
CEPMAN_API cepman_type cepman_dataset_type(const cepman_dataset *dataset);
/* 1 when the source knew the scan's shape, 0 when it is a stack of frames (then rows = 1). */
CEPMAN_API int cepman_dataset_has_scan(const cepman_dataset *dataset);
/* Frames that can be read now: all of them, but for a live source or a file that is still being written. */
CEPMAN_API size_t cepman_dataset_available(const cepman_dataset *dataset);
/* Nanometres between scan points, 1/angstrom per detector pixel; NaN where unknown. */
CEPMAN_API double cepman_dataset_scan_step(const cepman_dataset *dataset);
CEPMAN_API double cepman_dataset_reciprocal_pixel(const cepman_dataset *dataset);
/* "npy", "empad", "empad2", "blo", "mib", "hdf5", "dm", "tvips", "seq", "raw", "memory", "source", "simulated", "cepstrum". Static. */
CEPMAN_API const char *cepman_dataset_format(const cepman_dataset *dataset);
/* height * width bytes, non-zero is bad; NULL without a mask. Valid as long as the dataset. */
CEPMAN_API const uint8_t *cepman_dataset_mask(const cepman_dataset *dataset);

/* ---- frames ---------------------------------------------------------------------------------------------------- */

/* Frames first .. first+count-1 in their own type, native byte order, packed: count * height * width numbers.
 * Errors: RANGE when they are not available or size (bytes of destination) is too small; IO, TRUNCATED (a file
 * that has shrunk), FORMAT, CALLBACK, CANCELLED: the destination then holds what had come so far. */
CEPMAN_API cepman_status cepman_dataset_read(cepman_dataset *dataset, cepman_context *context, size_t first,
                                             size_t count, void *destination, size_t size);
/* The same, converted to float32; size is in floats. Also MEMORY and LIMIT: other types pass through a block. */
CEPMAN_API cepman_status cepman_dataset_read_f32(cepman_dataset *dataset, cepman_context *context,
                                                 size_t first, size_t count, float *destination, size_t size);

/* ---- writing HDF5 ---------------------------------------------------------------------------------------------- */

/* Writes EMD 1.0, HDF5 that py4DSTEM, HyperSpy and this library open: the frames of a scan with their calibrations, and
 * arrays that belong to it (label maps, embeddings). One thread at a time. docs/formats.md shows the layout. */
typedef struct cepman_emd_writer cepman_emd_writer;
/* Starts PATH; the data go to a file beside it. The writer keeps a reference to the scan, which gives the axes their
 * lengths and steps. Errors: ARGUMENT, IO, MEMORY, LIMIT, UNSUPPORTED (a library without HDF5). */
CEPMAN_API cepman_status cepman_emd_writer_create(cepman_emd_writer **out, cepman_context *context,
                                                  const char *path, cepman_dataset *scan);
/* The frames that are available in their own type, block by block, each a chunk: the data cube "datacube" (rows,
 * columns, height, width); a stack, or a scan that is not complete, is one row. Once. Errors: ARGUMENT, DATA (no frame
 * yet), IO, MEMORY, LIMIT, CANCELLED, those of reading; the writer has then ended. */
CEPMAN_API cepman_status cepman_emd_writer_frames(cepman_emd_writer *writer, cepman_context *context);
/* An array beside them: type, and data in C order (BOOL: bytes of 0 and 1). name: letters, digits and '_'. axes: a letter
 * for each of the 1 to 8 axes: y and x the scan's rows and columns, v and u the frame's, n anything else. Errors:
 * ARGUMENT (also a name that is taken), RANGE, SHAPE (an axis of the scan has another length), IO. */
CEPMAN_API cepman_status cepman_emd_writer_array(cepman_emd_writer *writer, cepman_context *context,
                                                 const char *name, cepman_type type, const char *axes,
                                                 const size_t *shape, const void *data);
/* Renames it to PATH and ends the writer. Errors: ARGUMENT, IO. */
CEPMAN_API cepman_status cepman_emd_writer_commit(cepman_emd_writer *writer, cepman_context *context);
/* Ends the writer; without a commit the unfinished file is removed and PATH is as it was. */
CEPMAN_API void cepman_emd_writer_unref(cepman_emd_writer *writer);

CEPMAN_END

#endif
