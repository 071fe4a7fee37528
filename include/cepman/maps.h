/* Images of a scan: virtual detectors, mean patterns, what distinguishes clusters, and label maps in colour. */
#ifndef CEPMAN_MAPS_H
#define CEPMAN_MAPS_H

#include <cepman/dataset.h>

CEPMAN_BEGIN

/* Sums of the detector's pixels at inner <= r < outer (pixels) around (centre_y, centre_x), one float per frame:
 * out holds cepman_dataset_frames() floats. Masked and non-finite pixels are left out. A bright field has
 * inner 0; an annular dark field inner > 0. */
CEPMAN_API cepman_status cepman_maps_virtual(float *out, cepman_context *context, cepman_dataset *dataset,
                                             double centre_y, double centre_x, double inner, double outer);
/* Mean, standard deviation and maximum of all frames, height * width floats each; any may be NULL. */
CEPMAN_API cepman_status cepman_maps_statistics(float *mean, float *deviation, float *maximum,
                                                cepman_context *context, cepman_dataset *dataset);
/* Where the direct beam is: the centre of the brightest disk of the mean frame, and its radius, in pixels. */
CEPMAN_API cepman_status cepman_maps_beam(double *centre_y, double *centre_x, double *radius,
                                          cepman_context *context, cepman_dataset *dataset);
/* Centre of mass of each frame: frames floats each. */
CEPMAN_API cepman_status cepman_maps_centre_of_mass(float *y, float *x, cepman_context *context,
                                                    cepman_dataset *dataset);
/* Mean frame of each cluster: a matrix of (clusters + 1) rows of height * width, the last row being the noise
 * (zeros when there is none). labels: one per frame. On a dataset of cepstra these are mean cepstra. */
CEPMAN_API cepman_status cepman_maps_cluster_means(cepman_matrix **out, cepman_context *context,
                                                   cepman_dataset *dataset, const cepman_labels *labels);
/* Differences of every pair i < j of the first `clusters` rows, in the order (0,1), (0,2), .. (1,2), ... */
CEPMAN_API cepman_status cepman_maps_differences(cepman_matrix **out, cepman_context *context,
                                                 const cepman_matrix *means, size_t clusters);
/* Labels as 8-bit RGB, three bytes a label: noise is black, clusters take a colour-blind-safe palette that is
 * extended when they are many. */
CEPMAN_API cepman_status cepman_maps_label_colours(uint8_t *rgb, cepman_context *context,
                                                   const cepman_labels *labels);

CEPMAN_END

#endif
