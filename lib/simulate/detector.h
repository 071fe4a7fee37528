/* Private to simulate/: what the detector adds to a pattern. */
#ifndef CEP_SIMULATE_DETECTOR_H
#define CEP_SIMULATE_DETECTOR_H

#include "scene.h"

typedef struct cep_detector {
    uint64_t seed;
    double dose, dark, read_noise, saturation, hot, dead, speckle;
    size_t frame, pixels;
    double *diffuse, *rings; /* shares of electrons a pixel about the middle of the frame, sum 1 */
    float *planes;           /* of speckle: mean 1, cyclic */
    uint8_t *bad;            /* 1 hot, 2 dead */
    size_t bad_pixels;
} cep_detector;

enum { CEP_SPECKLE_PLANES = 16, CEP_SPECKLE_MODES = 3 };

/* Set before: the numbers. free() may follow a failure. */
cepman_status cep_detector_prepare(cep_detector *d, cepman_context *ctx, const cep_optics *optics,
                                   const cep_scene *scene);
void cep_detector_free(cep_detector *d, cep_memory *mem);
/* image += share of the electrons scattered diffusely, and in the rings of an amorphous film with the speckle of scan
 * point `index`; both move with the beam by whole pixels. */
void cep_detector_diffuse(const cep_detector *d, const cep_optics *optics, double share, double *image);
void cep_detector_rings(const cep_detector *d, const cep_optics *optics, double share, size_t index,
                        double *image);
/* Counts of a frame from the expected shares of its electrons. */
void cep_detector_count(const cep_detector *d, size_t index, const double *image, uint16_t *counts);

#endif
