/* The exit-wave power cepstrum: logarithm, window, FFT, ring -> features.
 *
 * L = log(I - m + c); C = |FFT2(W * L)|, forward and unnormalised; the ring keeps quefrencies r_in <= r <= r_out.
 * For a real frame |C| is even, so features hold one half plane: x > 0, or x = 0 and y >= 0, in coordinates
 * centred on zero, by rows of y then x. docs/method.md has the formulas of every preset. */
#ifndef CEPMAN_CEPSTRUM_H
#define CEPMAN_CEPSTRUM_H

#include <cepman/dataset.h>

CEPMAN_BEGIN

/* A transform for one frame shape. Immutable, reference-counted, shareable between threads. */
typedef struct cepman_cepstrum cepman_cepstrum;
/* Scratch for one thread that transforms frames one by one. */
typedef struct cepman_cepstrum_worker cepman_cepstrum_worker;

/* Options, kind "cepstrum" (a preset sets those that are not set one by one; docs/method.md has the formulas):
 *   preset       choice  paper|padgett|round-hann|squared|double-log (default paper)
 *   subtract     choice  preset|none|min: m, nothing or the frame's minimum
 *   offset       real >= 0, or auto: c; auto is the preset's, which for `paper` is the scan's background counts
 *   offset-unit  choice  counts|range|mean: what a given offset is relative to
 *   floor        real >= 0, or auto: counts (after m) below it are raised to it; auto is the preset's
 *   window       choice  preset|gaussian|hann|round-hann|tukey|none
 *   sigma        real (0.4): Gaussian, fraction of the half width;  alpha real 0 to 1 (0.5): Tukey, tapered share
 *   centre       choice  frame|beam: where the window sits
 *   power        flag: |C|^2;  log1p flag: log(1 + value)
 *   pad          integer: zero-pad frames to this many pixels on a side (0: no)
 *   fit          choice  none|crop|pad (none): crop frames around their centre, or zero-pad them (after pad), to sides that
 *                are products of 2, 3 and 5. Cropping leaves (n - side) / 2 pixels out above and on the left
 *   ring-in, ring-out  reals or auto (5 and 40 pixels, less for frames below 82);  ring-unit choice pixel|angstrom
 *   scale        choice  none|l2|standard (default l2): per-frame length 1, or per-feature standardisation
 *   storage      choice  float32|float16: of the features that run() and run_file() give; not with standard */
CEPMAN_API cepman_status cepman_cepstrum_options_create(cepman_options **out, cepman_context *context);

/* A transform for the frames of a dataset (shape, mask, calibration; at most 64 of its frames are read when the
 * offset is auto or the window follows the beam). options: NULL for defaults. The dataset is not kept. Errors: ARGUMENT,
 * OPTION, RANGE (empty ring, ring beyond the cepstrum, pad below the frame, frame above 16384 pixels on a side), DATA
 * (mask or frames without a valid pixel, ring in angstrom of uncalibrated frames), MEMORY, LIMIT, CANCELLED, and
 * those of reading. */
CEPMAN_API cepman_status cepman_cepstrum_create(cepman_cepstrum **out, cepman_context *context,
                                                cepman_dataset *dataset, const cepman_options *options);
/* For frames that are not a dataset (yet). mask: height * width bytes or NULL; reciprocal_pixel: 1/angstrom or NaN.
 * An option that is auto and needs frames takes the value documented for it in docs/method.md. */
CEPMAN_API cepman_status cepman_cepstrum_create_for(cepman_cepstrum **out, cepman_context *context,
                                                    size_t height, size_t width, const uint8_t *mask,
                                                    double reciprocal_pixel, const cepman_options *options);
CEPMAN_API cepman_cepstrum *cepman_cepstrum_ref(cepman_cepstrum *cepstrum);
CEPMAN_API void cepman_cepstrum_unref(cepman_cepstrum *cepstrum);

/* Features of a frame. */
CEPMAN_API size_t cepman_cepstrum_features(const cepman_cepstrum *cepstrum);
/* Centred coordinates of feature i in cepstrum pixels. Either pointer may be NULL. */
CEPMAN_API cepman_status cepman_cepstrum_coordinate(const cepman_cepstrum *cepstrum, size_t feature, int *y,
                                                    int *x);
/* Frame shape, and shape of a whole cepstrum (differs when padded). */
CEPMAN_API size_t cepman_cepstrum_height(const cepman_cepstrum *cepstrum);
CEPMAN_API size_t cepman_cepstrum_width(const cepman_cepstrum *cepstrum);
CEPMAN_API size_t cepman_cepstrum_image_height(const cepman_cepstrum *cepstrum);
CEPMAN_API size_t cepman_cepstrum_image_width(const cepman_cepstrum *cepstrum);
/* Angstrom per cepstrum pixel (1 / (N * dk)) along x, NaN when the frames are not calibrated. */
CEPMAN_API double cepman_cepstrum_pixel(const cepman_cepstrum *cepstrum);
/* The options in force: presets filled in, auto resolved. A new reference. */
CEPMAN_API cepman_status cepman_cepstrum_options(cepman_options **out, cepman_context *context,
                                                 const cepman_cepstrum *cepstrum);

/* All frames that are available: a matrix of frames x features, by all threads of the context. The mask is the one the
 * transform was made with. Memory beyond the matrix: a block of frames (about 256 KiB) and scratch per thread. A
 * source that one thread at a time may read is read by one worker while the others compute.
 * Errors: ARGUMENT, SHAPE (frames of another size), DATA (a frame without a valid pixel, named), MEMORY, LIMIT,
 * CANCELLED, and those of reading. */
CEPMAN_API cepman_status cepman_cepstrum_run(cepman_matrix **out, cepman_context *context,
                                             const cepman_cepstrum *cepstrum, cepman_dataset *dataset);

/* The same, straight into a .npy file of (frames, features) float32 or float16 for scans whose features do not fit into
 * memory: written beside the target with its room on the disk kept beforehand, renamed when it is whole, removed after
 * a failure. cepman_matrix_map() reads it without loading it. Also IO. */
CEPMAN_API cepman_status cepman_cepstrum_run_file(const cepman_cepstrum *cepstrum, cepman_context *context,
                                                  cepman_dataset *dataset, const char *path);
/* Features of frames first .. first+count-1 into the caller's rows, stride floats apart, as run() gives them in
 * float32: for programs that go through a scan in blocks (cepman_pca_accumulator). Scale `standard` is UNSUPPORTED
 * here. Thousands of frames a call keep all threads busy. Also RANGE. On failure the rows are undefined. */
CEPMAN_API cepman_status cepman_cepstrum_read(const cepman_cepstrum *cepstrum, cepman_context *context,
                                              cepman_dataset *dataset, size_t first, size_t count,
                                              float *destination, size_t stride);

/* Frame by frame, for acquisition programs: one worker per thread, no allocation after its creation, no lock.
 * scale `standard` needs a whole scan and is CEPMAN_ERR_UNSUPPORTED here. */
CEPMAN_API cepman_status cepman_cepstrum_worker_create(cepman_cepstrum_worker **out, cepman_context *context,
                                                       cepman_cepstrum *cepstrum);
CEPMAN_API void cepman_cepstrum_worker_unref(cepman_cepstrum_worker *worker);
/* count frames of `type`, `frame_stride` bytes apart (0: packed), native byte order; features go to rows of
 * destination, `stride` floats apart (at least the features). Needs no context; the sentence of a failure is
 * cepman_cepstrum_worker_error(). Safe on any thread, one call at a time per worker. Nothing is written on failure.
 * Errors: ARGUMENT, RANGE (a stride too small), DATA (a frame without a valid pixel, named by its place in the call). */
CEPMAN_API cepman_status cepman_cepstrum_run_frames(cepman_cepstrum_worker *worker, const void *frames,
                                                    cepman_type type, size_t count, size_t frame_stride,
                                                    float *destination, size_t stride);
CEPMAN_API const char *cepman_cepstrum_worker_error(const cepman_cepstrum_worker *worker);

/* The scan's whole cepstra as a dataset of float32 frames (image_height x image_width, centre at (h/2, w/2)),
 * computed when read: for images, mean cepstra and virtual detectors in cepstrum space. Magnitudes as power and log1p
 * say; ring and scale do not apply. Keeps references to the transform and the dataset. */
CEPMAN_API cepman_status cepman_cepstrum_dataset(cepman_dataset **out, cepman_context *context,
                                                 cepman_cepstrum *cepstrum, cepman_dataset *dataset);

CEPMAN_END

#endif
