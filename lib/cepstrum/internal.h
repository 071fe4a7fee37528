/* What the files of cepstrum/ share. */
#ifndef CEP_CEPSTRUM_INTERNAL_H
#define CEP_CEPSTRUM_INTERNAL_H

#include "cepstrum.h"
#include "dataset.h"
#include "exec.h"
#include "fft.h"
#include "kernels.h"

/* ---- settings: the options with presets filled in (options.c) ---- */

enum { UNIT_COUNTS, UNIT_RANGE, UNIT_MEAN };
enum { WINDOW_GAUSSIAN, WINDOW_HANN, WINDOW_ROUND_HANN, WINDOW_TUKEY, WINDOW_NONE };
enum { FIT_NONE, FIT_CROP, FIT_PAD };
enum { SCALE_NONE, SCALE_L2, SCALE_STANDARD };

#define CEP_OFFSET_MOST 1e12

typedef struct cep_settings {
    bool subtract_least;
    double offset; /* NaN: to be measured */
    int offset_unit;
    double floor;
    int window;
    double sigma, alpha;
    bool follow_beam;
    bool power, log1p;
    size_t pad;
    int fit;
    double ring_in, ring_out; /* NaN: to be chosen */
    bool ring_angstrom;
    int scale;
    bool half; /* features are kept as float16 */
} cep_settings;

cepman_status cep_settings_read(cep_settings *out, cepman_context *ctx, const cepman_options *options);
/* Options that give these settings, whatever the preset was. */
cepman_status cep_settings_write(cepman_options **out, cepman_context *ctx, const cepman_options *options,
                                 const cep_settings *settings);
/* The caller's options or the defaults; *out is a new reference. */
cepman_status cep_settings_options(cepman_options **out, cepman_context *ctx, const cepman_options *options);

/* ---- window (window.c) ---- */

/* Centre of a window that sits on the frame: (n - 1) / 2, for the round Hann n / 2. */
double cep_window_centre(const cep_settings *settings, size_t n);
/* height rows of width weights, `stride` floats apart, centred at (cy, cx). profile: height + width doubles.
 */
void cep_window_fill(const cep_settings *settings, size_t height, size_t width, double cy, double cx,
                     float *out, size_t stride, double *profile);

/* ---- ring (ring.c) ---- */

/* Features of one row of the half plane: count quefrencies from (y, x) on. */
typedef struct cep_segment {
    int32_t y, x;
    size_t count, first; /* first: index of the first feature */
} cep_segment;

typedef struct cep_ring {
    cep_segment *segments;
    size_t count, features, columns; /* columns: largest x + 1 */
} cep_ring;

/* The quefrencies inner <= r <= outer of a height x width cepstrum, steps (sy, sx) a pixel. NULL segments are
 * never left behind on success; the caller frees them. */
cepman_status cep_ring_create(cep_ring *out, cepman_context *ctx, size_t height, size_t width, double sy,
                              double sx, double inner, double outer);
/* Chooses inner and outer where they are NaN, in cepstrum pixels. */
void cep_ring_choose(double *inner, double *outer, size_t height, size_t width, size_t pad);

/* ---- the ring's own transform (rings.c) ---- */

/* Plans of the two passes and where the features end up. rows x columns: of the cepstrum. */
typedef struct cep_rings {
    const cep_columns_kernels *kernels;
    size_t rows, columns, features;
    cep_columns_plan down, along;
    size_t strips; /* strips of sixteen column pairs */
    size_t groups; /* groups of sixteen rows y = 0, 1, .. of the spectrum */
    size_t reach;  /* largest x of the ring */
    uint32_t *lines;
    uint32_t *index;
} cep_rings;

/* The largest side of at most n pixels, or the smallest of at least n, that has no factor but 2, 3 and 5 and is not tiny.
 * below: n itself where there is none. */
size_t cep_rings_side_below(size_t n);
size_t cep_rings_side_above(size_t n);
/* Whether the sides have no factors but 2, 3 and 5 and are not tiny. */
bool cep_rings_suit(size_t rows, size_t columns);
/* False when memory ran out. */
bool cep_rings_create(cep_rings *out, cep_memory *mem, const cep_columns_kernels *kernels,
                      const cep_ring *ring, size_t rows, size_t columns);
void cep_rings_free(cep_rings *rings, cep_memory *mem);
/* Floats from row to row of the real input; columns beyond the frame's must be zero. */
size_t cep_rings_stride(const cep_rings *rings);
/* Floats of scratch. */
size_t cep_rings_scratch(const cep_rings *rings);
/* Magnitudes, or their squares, of the ring's features. level: a number near the mean of real, taken from it meanwhile,
 * so that the mean's rounding errors do not reach the ring. */
void cep_rings_execute(const cep_rings *rings, const float *real, float level, float *scratch, bool power,
                       float *out);

/* ---- bad pixels (repair.c) ---- */

/* Marks: 0 valid, else the half side of the smallest square around the pixel with a valid one in it. */
typedef struct cep_repair {
    uint16_t *reach; /* height * width */
    float *values;   /* neighbours of one pixel: 8 * max(height, width) */
} cep_repair;

/* The same for a mask, once for all frames, and a list of its pixels. */
typedef struct cep_masked {
    uint16_t *reach;
    uint32_t *index;
    size_t count;
} cep_masked;
/* bad: non-zero bytes of the mask, at least 1 and not all. False when memory ran out; freed by the caller then too. */
bool cep_masked_create(cep_masked *out, cep_memory *mem, const uint8_t *mask, size_t height, size_t width,
                       size_t bad);
void cep_masked_free(cep_masked *masked, cep_memory *mem);
/* Replaces the masked pixels of a frame whose others are valid and clamped. values: as in cep_repair. */
void cep_masked_repair(const cep_masked *masked, float *values, float *frame, size_t height, size_t width,
                       size_t stride);

/* The k-th smallest (from 0) of n finite floats; reorders them: none before k is larger. */
float cep_select(float *values, size_t n, size_t k);
/* Whether a frame has a pixel that is neither masked nor NaN nor infinite. */
bool cep_has_valid(const void *pixels, cepman_type type, size_t count, const uint8_t *mask);
/* frame: rows of width floats, stride apart, not yet clamped. Clamps at 0 and replaces what is masked or not
 * finite by the median of its valid neighbours. False when no pixel is valid. */
bool cep_repair_frame(cep_repair *repair, float *frame, size_t height, size_t width, size_t stride,
                      const uint8_t *mask, cep_pixel_range *range);

/* ---- samples of a scan (sample.c) ---- */

/* From the mean of at most 64 frames spread over the scan: the background in counts, and the direct beam. NaN
 * where there are no frames yet. */
typedef struct cep_sample {
    double background, beam_y, beam_x;
} cep_sample;
cepman_status cep_sample_scan(cep_sample *out, cepman_context *ctx, cepman_dataset *dataset);
/* Background of a mean frame: its lower quartile, at least a hundredth of its mean; 1 when it is all zero.
 * values: count of them, reordered. */
double cep_background(float *values, size_t count);

/* ---- the transform (create.c) ---- */

/* A rectangle of the frame. */
typedef struct cep_part {
    size_t top, left, height, width;
} cep_part;

struct cepman_cepstrum {
    cep_refs refs;
    cep_memory *mem;
    size_t height, width; /* of a frame */
    cep_part used;        /* of a frame */
    size_t rows, columns; /* of a cepstrum */
    cep_settings set;
    const cep_cepstral_kernels *kernels;
    uint8_t *mask; /* of the used part; NULL: none */
    cep_masked masked;
    float *window; /* height rows, stride apart; NULL when it follows the beam */
    float *table;  /* logarithms of the counts 0 .. 65535, where looking them up is quicker; else NULL */
    size_t stride;
    cep_ring ring;
    bool has_rings; /* else fft */
    cep_rings rings;
    cep_fft *fft;          /* columns of the ring; NULL with rings */
    double step_y, step_x; /* angstrom a cepstrum pixel, NaN: unknown */
    double beam_y, beam_x; /* of the scan's mean frame, NaN: unknown */
    cepman_options *options;
};

/* Whether the terms of the logarithm are the same for all frames and no pixel is known to be bad. */
static inline bool cep_plain(const cepman_cepstrum *c)
{
    return !c->mask && !c->set.subtract_least && c->set.offset_unit == UNIT_COUNTS && !c->set.follow_beam;
}
/* Those terms. */
static inline cep_log_terms cep_plain_terms(const cepman_cepstrum *c)
{
    return (cep_log_terms){0, (float)c->set.floor, (float)c->set.offset};
}

/* ---- one frame on one thread (frame.c) ---- */

struct cepman_cepstrum_worker {
    cep_memory *mem;
    cepman_cepstrum *cepstrum;
    cep_fft *fft; /* NULL: the cepstrum's rings */
    float *real;  /* rows, stride apart; what lies beyond the frame stays 0 */
    size_t stride;
    float *spectrum; /* or the scratch of the rings */
    float *window;   /* own one, when it follows the beam */
    double *scratch; /* for window and beam */
    cep_repair repair;
    cep_fault fault;
};

/* fft: the cepstrum's own (NULL with rings), or one with all columns for whole planes. */
cepman_status cep_worker_create(cepman_cepstrum_worker **out, cep_memory *mem, cep_fault *fault,
                                cepman_cepstrum *cepstrum, cep_fft *fft);
/* Features of one frame; `scale` standard is left to the caller. False when the frame has no valid pixel. */
bool cep_worker_features(cepman_cepstrum_worker *worker, const void *pixels, cepman_type type, float *out);
/* The whole plane, rows * columns floats, centre at (rows / 2, columns / 2). Needs the fft with all columns.
 */
bool cep_worker_plane(cepman_cepstrum_worker *worker, const void *pixels, cepman_type type, float *out);

/* ---- many frames (stream.c, standard.c) ---- */

/* Where rows of features go: one of the three. */
typedef struct cep_sink {
    float *floats;
    uint16_t *halves;
    size_t stride; /* numbers from row to row, of floats or halves */
    cepman_npy_writer *file;
    bool half; /* what the file holds */
} cep_sink;

/* Frames first .. first+count-1 into rows 0 .. count-1 of the sink, by all threads. */
cepman_status cep_stream(cepman_context *ctx, cepman_cepstrum *cepstrum, cepman_dataset *dataset,
                         size_t first, size_t count, const cep_sink *sink);
/* Rows of floats in the sink (memory or file): each column to mean 0 and deviation 1. */
cepman_status cep_standardise(cepman_context *ctx, const cep_sink *sink, size_t rows, size_t columns);

#endif
