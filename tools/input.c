/* The scan a command works on: opened by the options of stage "dataset", cut to what is there.
 * A file that is still being written, or was cut short, gives its whole scan rows.
 * Must not: read a frame, but for what --mask auto and --descan look at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pixels.h"

/* "2:3:4x5" to four numbers. */
static int read_rectangle(const char *option, const char *text, size_t v[4])
{
    static const char signs[4] = {':', ':', 'x', 0};
    const char *p = text;
    for (int i = 0; i < 4; i++) {
        char word[24];
        size_t n = strspn(p, "0123456789");
        int64_t number;
        snprintf(word, sizeof word, "%.*s", n < sizeof word ? (int)n : 0, p);
        if (!parse_integer(word, &number) || p[n] != signs[i])
            return tool_usage("option --%s is '%.100s', must be like 10:20:32x64", option, text);
        v[i] = (size_t)number;
        p += n + 1;
    }
    return 0;
}

/* Puts a view in the place of its dataset, if it could be made. */
static int replace(tool *t, cepman_dataset **d, cepman_dataset **view, cepman_status s)
{
    if (s) return tool_check(t, s);
    cepman_dataset_unref(*d);
    *d = *view;
    return 0;
}

/* Under the pixels that a sample of the scan shows to be bad; a scan that has no frame yet goes as it is. */
static int view_found(tool *t, cepman_dataset **d)
{
    cepman_dataset *view = NULL;
    char text[200];
    if (cepman_dataset_available(*d) == 0) return 0;
    int rc = pixels_find(t, *d, &t->pixels);
    if (rc || pixels_bad(t->pixels) == 0) return rc;
    pixels_sentence(t->pixels, text, sizeof text);
    fprintf(stderr, "cepman: masked %s\n", text);
    return replace(t, d, &view,
                   cepman_dataset_view_masked(&view, t->ctx, *d, cepman_pixels_kinds(t->pixels)));
}

static int view_mask(tool *t, cepman_dataset **d, const char *path)
{
    cepman_matrix *m = NULL;
    cepman_dataset *view = NULL;
    size_t h = cepman_dataset_height(*d), w = cepman_dataset_width(*d);
    int rc = tool_check(t, cepman_matrix_load(&m, t->ctx, path));
    if (!rc && (cepman_matrix_rows(m) != h || cepman_matrix_columns(m) != w))
        rc = tool_fail("%s: a mask of %zu x %zu, expected %zu x %zu", path, cepman_matrix_rows(m),
                       cepman_matrix_columns(m), h, w);
    uint8_t *mask = rc ? NULL : array_zero(h, w, 1);
    if (!rc && !mask) rc = 1;
    for (size_t i = 0; !rc && i < h * w; i++)
        mask[i] = cepman_matrix_row(m, i / w)[i % w] != 0;
    if (!rc) rc = replace(t, d, &view, cepman_dataset_view_masked(&view, t->ctx, *d, mask));
    free(mask);
    cepman_matrix_unref(m);
    return rc;
}

int input_dataset(tool *t, size_t index, cepman_dataset **out)
{
    cepman_dataset *d = NULL, *view = NULL;
    const char *region = arg_text(t, "region"), *crop = arg_text(t, "crop"), *mask = arg_text(t, "mask");
    size_t r[4];
    int rc = tool_check(t, cepman_dataset_open(&d, t->ctx, t->file[index], arg_stage(t, "dataset")));
    if (!rc && region) rc = read_rectangle("region", region, r);
    if (!rc && region)
        rc = replace(t, &d, &view, cepman_dataset_view_scan(&view, t->ctx, d, r[0], r[1], r[2], r[3]));
    if (!rc && crop) rc = read_rectangle("crop", crop, r);
    if (!rc && crop)
        rc = replace(t, &d, &view, cepman_dataset_view_detector(&view, t->ctx, d, r[0], r[1], r[2], r[3]));
    if (!rc && mask && strcmp(mask, "auto") == 0)
        rc = view_found(t, &d);
    else if (!rc && mask && strcmp(mask, "none") != 0)
        rc = view_mask(t, &d, mask);
    if (!rc && arg_flag(t, "descan"))
        rc = replace(t, &d, &view, cepman_dataset_view_centred(&view, t->ctx, d));
    if (!rc && (arg_given(t, "scan-step") || arg_given(t, "reciprocal-pixel"))) {
        double step = arg_given(t, "scan-step") ? arg_real(t, "scan-step") : cepman_dataset_scan_step(d);
        double pixel = arg_given(t, "reciprocal-pixel") ? arg_real(t, "reciprocal-pixel")
                                                        : cepman_dataset_reciprocal_pixel(d);
        rc = replace(t, &d, &view, cepman_dataset_view_calibrated(&view, t->ctx, d, step, pixel));
    }
    if (!rc && arg_given(t, "bin"))
        rc = replace(t, &d, &view,
                     cepman_dataset_view_binned(&view, t->ctx, d, (size_t)arg_integer(t, "bin")));
    if (rc)
        cepman_dataset_unref(d);
    else
        *out = d;
    return rc;
}

int whole_frames(tool *t, cepman_dataset **dataset)
{
    cepman_dataset *d = *dataset, *view = NULL;
    size_t have = cepman_dataset_available(d), columns = cepman_dataset_scan_columns(d);
    if (have == cepman_dataset_frames(d)) return 0;
    size_t rows = cepman_dataset_has_scan(d) && columns ? have / columns : have > 0;
    if (cepman_dataset_has_scan(d) ? rows == 0 : have == 0)
        return tool_fail("%s: no whole scan row is there yet (%zu frames)", t->file[0], have);
    int rc = tool_check(t, cepman_dataset_view_scan(&view, t->ctx, d, 0, 0, rows,
                                                    cepman_dataset_has_scan(d) ? columns : have));
    if (rc) return rc;
    cepman_dataset_unref(d);
    *dataset = view;
    return 0;
}
