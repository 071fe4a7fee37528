/* Images of a scan: virtual detectors, mean patterns, what distinguishes clusters, and label maps in colour.
 *
 * All functions read the dataset once, in blocks, by the context's threads, and give the same bits for any number of
 * them and any memory limit. They take the frames that are available (a live scan may lack some). Masked and
 * non-finite pixels are left out. On failure the caller's arrays are untouched. Errors of all that read: ARGUMENT,
 * DATA (no frame yet), MEMORY, LIMIT, CANCELLED, and those of the dataset. A pass (below) gives several maps of one
 * reading, the same bits as the functions of one map. */
#ifndef CEPMAN_MAPS_H
#define CEPMAN_MAPS_H

#include <cepman/dataset.h>

CEPMAN_BEGIN

/* Sums of the detector's pixels at inner <= r < outer (pixels) around (centre_y, centre_x), one float per frame:
 * out holds cepman_dataset_frames() floats; frames that have not come yet are NaN. A bright field has inner 0, an
 * annular dark field inner > 0. CEPMAN_ERR_RANGE when no valid pixel is there. */
CEPMAN_API cepman_status cepman_maps_virtual(float *out, cepman_context *context, cepman_dataset *dataset,
                                             double centre_y, double centre_x, double inner, double outer);
/* Mean, standard deviation (n in the denominator) and maximum of all frames, height * width floats each; any may be
 * NULL. A pixel without a valid value is 0. */
CEPMAN_API cepman_status cepman_maps_statistics(float *mean, float *deviation, float *maximum,
                                                cepman_context *context, cepman_dataset *dataset);
/* Where the direct beam is, in pixels: the connected pixels of the mean frame above half of its brightest place over
 * the background (the median). Centre: weighted by intensity. Radius: that of a circle of their area. Any pointer may
 * be NULL. CEPMAN_ERR_DATA when the mean frame is flat. */
CEPMAN_API cepman_status cepman_maps_beam(double *centre_y, double *centre_x, double *radius,
                                          cepman_context *context, cepman_dataset *dataset);
/* The same from at most `frames` frames, evenly spread over those that are available. CEPMAN_ERR_RANGE for 0. */
CEPMAN_API cepman_status cepman_maps_beam_sampled(double *centre_y, double *centre_x, double *radius,
                                                  cepman_context *context, cepman_dataset *dataset,
                                                  size_t frames);
/* Centre of mass of each frame in pixels: frames floats each; NaN where a frame's sum is not positive or it has not
 * come yet. */
CEPMAN_API cepman_status cepman_maps_centre_of_mass(float *y, float *x, cepman_context *context,
                                                    cepman_dataset *dataset);
/* Mean frame of each cluster: a matrix of (clusters + 1) rows of height * width, the last row being the noise
 * (zeros when there is none). labels: one per frame, else CEPMAN_ERR_SHAPE. On a dataset of cepstra these are mean
 * cepstra. A pixel without a valid value is 0. Memory: 8 to 16 bytes per row and pixel, and up to
 * 32 MiB (a quarter of what the memory limit leaves, when that is less). */
CEPMAN_API cepman_status cepman_maps_cluster_means(cepman_matrix **out, cepman_context *context,
                                                   cepman_dataset *dataset, const cepman_labels *labels);
/* Differences row i - row j of every pair i < j of the first `clusters` rows, in the order (0,1), (0,2), .. (1,2),
 * ...: clusters * (clusters - 1) / 2 rows. CEPMAN_ERR_RANGE when there are fewer rows. */
CEPMAN_API cepman_status cepman_maps_differences(cepman_matrix **out, cepman_context *context,
                                                 const cepman_matrix *means, size_t clusters);
/* Labels as 8-bit RGB, three bytes a label: noise is black, clusters take the palette of Okabe and Ito, then mixtures
 * of it with white and black. */
CEPMAN_API cepman_status cepman_maps_label_colours(uint8_t *rgb, cepman_context *context,
                                                   const cepman_labels *labels);

/* ---- bad pixels --------------------------------------------------------------------------------------------------- */

/* Options, kind "pixels" (docs/method.md, "Bad pixels"):
 *   sample      integer: frames that cepman_maps_pixels() looks at, evenly spread; 0: all. Default 2048
 *   hot-contrast  real 1.5 to 1e6: how many times brighter than its surroundings a pixel is at least to be hot. Default 6;
 *               more where the direct beam is sharp
 *   saturation  real or auto (default): the value from which a pixel is saturated. auto: the detector's counter where the
 *               file tells it, the largest number of an integer type, or 2^k - 1 where the largest values stop there */
CEPMAN_API cepman_status cepman_pixels_options_create(cepman_options **out, cepman_context *context);

/* What is wrong with a pixel. */
typedef enum cepman_pixel_kind {
    CEPMAN_PIXEL_GOOD = 0,
    CEPMAN_PIXEL_HOT = 1,   /* much brighter than what is around it */
    CEPMAN_PIXEL_DEAD = 2,  /* counts next to nothing where its neighbours count, or has no finite value */
    CEPMAN_PIXEL_STUCK = 3, /* has one value while its neighbours vary */
    CEPMAN_PIXEL_FLICKERING = 4 /* varies much more than its neighbours */
} cepman_pixel_kind;

/* Values that are no counts, or not to be trusted as such. */
typedef enum cepman_value_kind {
    CEPMAN_VALUE_NAN = 0,
    CEPMAN_VALUE_INFINITE = 1,
    CEPMAN_VALUE_NEGATIVE = 2, /* finite and below 0 */
    CEPMAN_VALUE_SATURATED = 3 /* finite and at the level of saturation or above it */
} cepman_value_kind;

/* What a scan tells of its detector: immutable, reference-counted. Pixels that the dataset masks are good, and their
 * values are not counted. Other values are judged as float32. */
typedef struct cepman_pixels cepman_pixels;

/* From a sample of the scan. Fewer than 16 frames tell values, but no bad pixels. options: NULL for defaults. Memory: 48
 * to 56 bytes a pixel. Errors: also OPTION. */
CEPMAN_API cepman_status cepman_maps_pixels(cepman_pixels **out, cepman_context *context,
                                            cepman_dataset *dataset, const cepman_options *options);
CEPMAN_API cepman_pixels *cepman_pixels_ref(cepman_pixels *pixels);
CEPMAN_API void cepman_pixels_unref(cepman_pixels *pixels);
/* Of the frames that were looked at, in pixels. */
CEPMAN_API size_t cepman_pixels_height(const cepman_pixels *pixels);
CEPMAN_API size_t cepman_pixels_width(const cepman_pixels *pixels);
/* height * width bytes, each a cepman_pixel_kind: a mask for cepman_dataset_view_masked(). Valid as long as pixels. */
CEPMAN_API const uint8_t *cepman_pixels_kinds(const cepman_pixels *pixels);
/* Pixels of a kind, and values of a kind among all that were looked at. 0 for another kind. */
CEPMAN_API size_t cepman_pixels_count(const cepman_pixels *pixels, cepman_pixel_kind kind);
CEPMAN_API uint64_t cepman_pixels_values(const cepman_pixels *pixels, cepman_value_kind kind);
/* Frames that were looked at; the level of saturation, NaN: not known. */
CEPMAN_API size_t cepman_pixels_frames(const cepman_pixels *pixels);
CEPMAN_API double cepman_pixels_saturation(const cepman_pixels *pixels);
/* How many times brighter than its surroundings a hot pixel had to be here. */
CEPMAN_API double cepman_pixels_contrast(const cepman_pixels *pixels);

/* ---- several maps of one reading ------------------------------------------------------------------------------- */

/* A pass over a scan: maps are asked for one after the other, then cepman_maps_pass_run() reads every available frame
 * once and computes all of them. Opaque; used by one thread at a time; not shared. */
typedef struct cepman_maps_pass cepman_maps_pass;

/* A pass over the dataset's frames, which it keeps a reference to. Errors: ARGUMENT, MEMORY, LIMIT. */
CEPMAN_API cepman_status cepman_maps_pass_create(cepman_maps_pass **out, cepman_context *context,
                                                 cepman_dataset *dataset);
CEPMAN_API void cepman_maps_pass_unref(cepman_maps_pass *pass);

/* What is asked for: the quantities of the functions above, with their shapes and checks. dataset: NULL or that of
 * the pass for its frames; or a dataset that is computed from them frame by frame, as cepman_cepstrum_dataset() of it
 * gives, whose frames are then computed from those that the pass has read; any other is CEPMAN_ERR_ARGUMENT. Outputs
 * are written by the run, all of them or none, and must stay valid until it is over. The same quantity may be asked
 * for many times (a bright and a dark field are two virtual detectors). */
CEPMAN_API cepman_status cepman_maps_pass_virtual(cepman_maps_pass *pass, cepman_context *context, float *out,
                                                  cepman_dataset *dataset, double centre_y, double centre_x,
                                                  double inner, double outer);
CEPMAN_API cepman_status cepman_maps_pass_centre_of_mass(cepman_maps_pass *pass, cepman_context *context,
                                                         float *y, float *x, cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_maps_pass_statistics(cepman_maps_pass *pass, cepman_context *context,
                                                     float *mean, float *deviation, float *maximum,
                                                     cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_maps_pass_beam(cepman_maps_pass *pass, cepman_context *context,
                                               double *centre_y, double *centre_x, double *radius,
                                               cepman_dataset *dataset);
/* From all frames of the pass, whatever the option `sample`; *out is a new reference for the caller. */
CEPMAN_API cepman_status cepman_maps_pass_pixels(cepman_maps_pass *pass, cepman_context *context,
                                                 cepman_pixels **out, cepman_dataset *dataset,
                                                 const cepman_options *options);
/* The labels are kept until the pass is freed; *out is a new reference for the caller. */
CEPMAN_API cepman_status cepman_maps_pass_cluster_means(cepman_maps_pass *pass, cepman_context *context,
                                                        cepman_matrix **out, cepman_dataset *dataset,
                                                        const cepman_labels *labels);

/* Reads and computes. Nothing is read when nothing was asked for. May be run again, for instance once more frames of
 * a live scan are there: everything is then computed anew. Errors: those named at the head, and DATA for a flat mean
 * frame when the beam was asked for. */
CEPMAN_API cepman_status cepman_maps_pass_run(cepman_maps_pass *pass, cepman_context *context);

CEPMAN_END

#endif
