/* From the words of an EMPAD-G2 to electrons' signal. Private to dataset/; functions of numbers alone. */
#ifndef CEP_EMPAD2_H
#define CEP_EMPAD2_H

#include "base.h"

enum { CEP_EMPAD2_PIXELS = 128 * 128 };

/* What is known of a sensor, for the frames 0, 2, 4, .. and for the others, which take turns in its two stores. */
typedef struct cep_empad2_half {
    float gain[CEP_EMPAD2_PIXELS], digital[CEP_EMPAD2_PIXELS], base[CEP_EMPAD2_PIXELS],
        square[CEP_EMPAD2_PIXELS], high[CEP_EMPAD2_PIXELS], flat[CEP_EMPAD2_PIXELS],
        background[CEP_EMPAD2_PIXELS];
} cep_empad2_half;

typedef struct cep_empad2 {
    bool quadratic, background;
    cep_empad2_half half[2];
} cep_empad2;

/* One frame of 32-bit words in this machine's order, in place, to float32; any alignment. */
void cep_empad2_convert(const cep_empad2 *sensor, size_t which, unsigned char *frame);
/* Where the frame's own dark level lies: the peak of its histogram between -205 and 215, by a parabola; 0 where there is
 * no such peak. */
double cep_empad2_level(const unsigned char *frame);

#endif
