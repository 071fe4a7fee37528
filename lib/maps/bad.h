/* Private to maps/: which pixels of a detector are bad, by what a pass has counted of each. */
#ifndef CEP_MAPS_BAD_H
#define CEP_MAPS_BAD_H

#include "pass.h"

/* Of each pixel over the frames. A pixel without a valid value, or that the dataset masks, has valid 0. */
typedef struct cep_pixel_facts {
    size_t height, width, frames;
    const float *mean, *deviation, *most, *least;
    const uint8_t *valid;
    double dark;     /* what a pixel without electrons reads */
    double level;    /* of saturation; NaN: not known */
    double contrast; /* how many times brighter, or more restless, than its surroundings a bad pixel is */
} cep_pixel_facts;

/* The direct beam of a frame is where a pixel's surroundings have the largest value of a rank that a few hot pixels do not
 * reach. The brightest pixel there, and what a bad pixel in its place would be compared with. False: nothing is above 0. */
bool cep_beam_peak(const float *values, const uint8_t *mask, size_t height, size_t width, double *brightest,
                   double *around);

/* Fewer frames than this tell nothing. */
#define CEP_PIXEL_FRAMES 16
/* kinds: a cepman_pixel_kind for each pixel. scratch: as large. */
void cep_judge_pixels(const cep_pixel_facts *facts, uint8_t *kinds, uint8_t *scratch);

#endif
