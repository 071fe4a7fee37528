/* Virtual detectors around the direct beam, and pictures that have one value a scan point. */
#ifndef VIRTUAL_H
#define VIRTUAL_H

#include "tool.h"

typedef struct detector {
    double y, x, radius; /* the direct beam, pixels */
    double inner, outer;
} detector;

/* Frames from which the direct beam is measured, so that a file that is larger than memory is read once for all
 * images, not twice. Scans of fewer frames are measured whole. */
#define DETECTOR_SAMPLE 512

/* Finds the beam of the mean of a sample of frames; the ring is the bright field. */
int detector_measure(tool *t, cepman_dataset *dataset, detector *out);
/* Ring of the bright field, and of the dark field: from 1.5 radii to the farthest corner. */
void detector_bright(detector *d);
void detector_dark(detector *d);
/* The same, changed by --beam, --inner and --outer. */
int detector_from_options(tool *t, detector *d, bool dark);

/* Columns to draw n values in: the scan's, or a near-square wrap of a stack. */
size_t picture_columns(const cepman_dataset *dataset);
/* One value a scan point as a grey picture. */
int picture_scan(const cepman_dataset *dataset, const float *values, const char *path);

/* Scales for frames and for cepstra (count of them, whose centre is left out of the statistics). */
shade shade_patterns(const float *values, size_t count);
shade shade_cepstra(const float *values, size_t count, size_t height, size_t width);

#endif
