/* Virtual detectors and the scales of pictures.
 * Bright field: the direct disk; dark field: everything beyond 1.5 of its radii.
 * Must not: touch frames itself (the library sums them). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virtual.h"

void detector_bright(detector *d)
{
    d->inner = 0;
    d->outer = d->radius;
}

void detector_dark(detector *d)
{
    d->inner = 1.5 * d->radius;
    d->outer = 1e6;
}

int detector_measure(tool *t, cepman_dataset *dataset, detector *d)
{
    memset(d, 0, sizeof *d);
    int rc =
        tool_check(t, cepman_maps_beam_sampled(&d->y, &d->x, &d->radius, t->ctx, dataset, DETECTOR_SAMPLE));
    detector_bright(d);
    return rc;
}

int detector_from_options(tool *t, detector *d, bool dark)
{
    if (dark)
        detector_dark(d);
    else
        detector_bright(d);
    const char *beam = arg_text(t, "beam"), *inner = arg_text(t, "inner"), *outer = arg_text(t, "outer");
    if (beam) {
        char y[40];
        size_t n = strcspn(beam, ":,");
        snprintf(y, sizeof y, "%.*s", n < sizeof y ? (int)n : 0, beam);
        if (!beam[n] || !parse_real(y, &d->y) || !parse_real(beam + n + 1, &d->x) || !isfinite(d->y) ||
            !isfinite(d->x))
            return tool_usage("option --beam is '%.100s', must be Y:X in pixels", beam);
    }
    if (strcmp(inner, "auto") != 0) d->inner = arg_real(t, "inner");
    if (strcmp(outer, "auto") != 0) d->outer = arg_real(t, "outer");
    if (!(d->inner < d->outer))
        return tool_usage("the detector's inner radius %.6g is not below its outer radius %.6g", d->inner,
                          d->outer);
    return 0;
}

size_t picture_columns(const cepman_dataset *d)
{
    if (cepman_dataset_has_scan(d)) return cepman_dataset_scan_columns(d);
    size_t n = cepman_dataset_frames(d), columns = (size_t)sqrt((double)n);
    while (columns * columns < n)
        columns++;
    return columns ? columns : 1;
}

int picture_scan(const cepman_dataset *d, const float *values, const char *path)
{
    size_t n = cepman_dataset_frames(d), columns = picture_columns(d), rows = (n + columns - 1) / columns;
    float *grid = array_zero(rows, columns, sizeof *grid);
    if (!grid) return 1;
    for (size_t i = 0; i < rows * columns; i++)
        grid[i] = i < n ? values[i] : (float)NAN;
    shade look = shade_percentiles(values, n, 0.5, 99.5, 1);
    int rc = picture_grey(grid, rows, columns, &look, path);
    free(grid);
    return rc;
}

shade shade_patterns(const float *values, size_t count)
{
    return shade_percentiles(values, count, 0.5, 99.9, 0.4);
}

shade shade_cepstra(const float *values, size_t count, size_t height, size_t width)
{
    shade look = {0, 1, 0.7, false};
    float *ring = array_zero(count, height * width, sizeof *ring);
    size_t kept = 0;
    if (!ring) return look;
    for (size_t i = 0; i < count; i++)
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < width; x++) {
                double dy = (double)y - (double)(height / 2), dx = (double)x - (double)(width / 2);
                double r = sqrt(dy * dy + dx * dx);
                if (r >= 4 && 2 * r <= (double)(height < width ? height : width))
                    ring[kept++] = values[(i * height + y) * width + x];
            }
    look = shade_percentiles(kept ? ring : values, kept ? kept : count * height * width, 2, 99.7, 0.7);
    free(ring);
    return look;
}
