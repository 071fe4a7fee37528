/* cepman images: cepstra, virtual detectors, mean and spread of the frames, single frames; arrays or pictures.
 * .npy holds the numbers, .png an enlarged picture of them.
 * Must not: take an option that the image asked for does not use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "pixels.h"
#include "stream.h"
#include "virtual.h"

typedef struct job {
    cepman_dataset *frames, *cepstra;
    cepman_cepstrum *cepstrum;
    const char *path;
    bool png;
} job;

/* height x width floats, as .npy or as a picture. */
static int save_image(tool *t, const job *k, const float *values, size_t height, size_t width, bool flat,
                      shade look)
{
    const size_t shape[2] = {height, width}, count = height * width;
    if (k->png) return picture_grey(values, height, width, &look, k->path);
    return array_save(t, k->path, CEPMAN_TYPE_F32, flat ? 1 : 2, flat ? &count : shape, values);
}

/* Bright or dark field: one number a scan point. */
static int save_virtual(tool *t, const job *k, bool dark)
{
    detector ring;
    int rc = detector_measure(t, k->frames, &ring);
    if (!rc) rc = detector_from_options(t, &ring, dark);
    size_t n = cepman_dataset_frames(k->frames);
    float *values = rc ? NULL : array_zero(n, 1, sizeof *values);
    if (!rc && !values) rc = 1;
    if (!rc)
        rc = tool_check(
            t, cepman_maps_virtual(values, t->ctx, k->frames, ring.y, ring.x, ring.inner, ring.outer));
    if (!rc)
        rc = k->png ? picture_scan(k->frames, values, k->path)
                    : save_image(t, k, values, cepman_dataset_scan_rows(k->frames),
                                 cepman_dataset_scan_columns(k->frames), !cepman_dataset_has_scan(k->frames),
                                 (shade){0});
    free(values);
    return rc;
}

/* mean, std or max over all frames of a dataset (patterns or cepstra). */
static int save_statistics(tool *t, const job *k, cepman_dataset *d, const char *what, bool cepstra)
{
    size_t h = cepman_dataset_height(d), w = cepman_dataset_width(d);
    float *values = array_zero(h, w, sizeof *values);
    if (!values) return 1;
    bool deviation = strcmp(what, "std") == 0, maximum = strcmp(what, "max") == 0;
    int rc =
        tool_check(t, cepman_maps_statistics(deviation || maximum ? NULL : values, deviation ? values : NULL,
                                             maximum ? values : NULL, t->ctx, d));
    if (!rc)
        rc = save_image(t, k, values, h, w, false,
                        cepstra ? shade_cepstra(values, 1, h, w) : shade_patterns(values, h * w));
    free(values);
    return rc;
}

/* One frame of a dataset (patterns or cepstra). */
static int save_frame(tool *t, const job *k, cepman_dataset *d, bool cepstra)
{
    size_t h = cepman_dataset_height(d), w = cepman_dataset_width(d), n = cepman_dataset_available(d);
    size_t number = (size_t)arg_integer(t, "frame");
    if (number >= n) return tool_fail("%s: frame %zu asked for, there are %zu", t->file[0], number, n);
    float *values = array_zero(h, w, sizeof *values);
    if (!values) return 1;
    int rc = tool_check(t, cepman_dataset_read_f32(d, t->ctx, number, 1, values, h * w));
    if (!rc)
        rc = save_image(t, k, values, h, w, false,
                        cepstra ? shade_cepstra(values, 1, h, w) : shade_patterns(values, h * w));
    free(values);
    return rc;
}

/* The mask that --mask auto makes: the kind of each pixel. */
static int save_pixels(tool *t, const job *k)
{
    cepman_pixels *p = NULL;
    int rc = pixels_find(t, k->frames, &p);
    if (!rc && !k->png) rc = pixels_save(t, p, k->path);
    const size_t h = cepman_pixels_height(p), w = cepman_pixels_width(p);
    float *values = rc || !k->png ? NULL : array_zero(h, w, sizeof *values);
    if (!rc && k->png && !values) rc = 1;
    for (size_t i = 0; values && i < h * w; i++)
        values[i] = cepman_pixels_kinds(p)[i];
    if (values) rc = picture_grey(values, h, w, &(shade){0, CEPMAN_PIXEL_FLICKERING, 1, false}, k->path);
    free(values);
    cepman_pixels_unref(p);
    return rc;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Options that the image does not use are a mistake of the caller. */
static int check_options(const tool *t, const char *what, bool png)
{
    static const char *const ring[] = {"inner", "outer", "beam"};
    bool cepstra = is(what, "cepstrum") || is(what, "mean-cepstrum"),
         beam = is(what, "bf") || is(what, "adf");
    const char *name;
    for (size_t i = 0; i < 3; i++)
        if (!beam && arg_given(t, ring[i]))
            return tool_usage("option --%s does not belong to --what %s", ring[i], what);
    if (!cepstra && arg_stage_on_line(t, "cepstrum", &name))
        return tool_usage("option --%s does not belong to --what %s", name, what);
    if (arg_given(t, "frame") && !is(what, "frame") && !is(what, "cepstrum"))
        return tool_usage("option --frame does not belong to --what %s", what);
    if (png && is(what, "cepstrum") && !arg_given(t, "frame"))
        return tool_usage("a picture of cepstra needs --frame N, or --what mean-cepstrum");
    return 0;
}

static int run_images(tool *t)
{
    job k = {0};
    const char *what = arg_text(t, "what");
    int rc = what ? output_kind(arg_text(t, "output"), &k.png) : tool_usage("images needs --what");
    if (!rc) rc = check_options(t, what, k.png);
    if (!rc) rc = input_dataset(t, 0, &k.frames);
    if (!rc) rc = whole_frames(t, &k.frames);
    if (!rc && !(k.path = outputs_add(t, arg_text(t, "output")))) rc = 1;
    if (!rc && (is(what, "cepstrum") || is(what, "mean-cepstrum"))) {
        rc = tool_check(t, cepman_cepstrum_create(&k.cepstrum, t->ctx, k.frames, arg_stage(t, "cepstrum")));
        if (!rc) rc = tool_check(t, cepman_cepstrum_dataset(&k.cepstra, t->ctx, k.cepstrum, k.frames));
        if (!rc && is(what, "mean-cepstrum"))
            rc = save_statistics(t, &k, k.cepstra, "mean", true);
        else if (!rc && arg_given(t, "frame"))
            rc = save_frame(t, &k, k.cepstra, true);
        else if (!rc)
            rc = stream_frames(t, k.cepstra, "cepstra", k.path);
    } else if (!rc && (is(what, "bf") || is(what, "adf"))) {
        rc = save_virtual(t, &k, is(what, "adf"));
    } else if (!rc && is(what, "bad-pixels")) {
        rc = save_pixels(t, &k);
    } else if (!rc && is(what, "frame")) {
        rc = save_frame(t, &k, k.frames, false);
    } else if (!rc) {
        rc = save_statistics(t, &k, k.frames, what, false);
    }
    cepman_dataset_unref(k.cepstra);
    cepman_cepstrum_unref(k.cepstrum);
    cepman_dataset_unref(k.frames);
    return rc;
}

static const arg_option own[] = {
    {"what", ARG_CHOICE, NULL, 0, 0, "cepstrum|mean-cepstrum|bf|adf|mean|std|max|frame|bad-pixels", NULL,
     "the image"},
    {"output", ARG_PATH, "OUT.npy|OUT.png", 0, 0, NULL, NULL, "numbers or a picture, by the name's end"},
    {"frame", ARG_INTEGER, "N", 0, 9007199254740992.0, NULL, "0",
     "frame number, row by row over the scan (cepstrum, frame)"},
    {"inner", ARG_REAL, "PIXELS", 0, 1e6, "auto", "auto",
     "inner radius of the detector (bf: 0; adf: 1.5 beam radii)"},
    {"outer", ARG_REAL, "PIXELS", 0, 1e6, "auto", "auto",
     "outer radius (bf: the beam's; adf: to the corners)"},
    {"beam", ARG_TEXT, "Y:X", 0, 0, NULL, NULL, "centre of the direct beam in pixels (default: measured)"},
    {"ring", ARG_PAIR, "IN:OUT", 0, 0, "ring-in|ring-out", NULL,
     "the ring of the transform, --ring-in and --ring-out"},
    SCAN_OPTION,
    VIEW_OPTIONS("none"),
    CALIBRATION_OPTIONS,
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {0, NULL}};

const command command_images = {
    .name = "images",
    .files = "FILE",
    .summary = "writes cepstra, virtual detectors, mean frames; numbers or pictures",
    .notes = "cepstrum: (rows, columns, h, w) float32, centre at (h/2, w/2), or (h, w) with --frame; bf "
             "and adf: a number a scan point; mean, std, max, mean-cepstrum and frame: (h, w); bad-pixels: "
             "(h, w) bytes, 1 hot, 2 dead, 3 stuck, 4 flickering, a file for --mask.",
    .least = 1,
    .most = 1,
    .own = own,
    .shorts = shorts,
    .stages = {cepman_dataset_options_create, cepman_pixels_options_create, cepman_cepstrum_options_create},
    .run = run_images};
