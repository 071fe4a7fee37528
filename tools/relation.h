/* How the mean cepstra of two clusters differ: turned against each other, or in more than that. */
#ifndef RELATION_H
#define RELATION_H

#include "tool.h"

typedef struct relation {
    double alike;        /* correlation of the planes without what is the same all around, -1 to 1 */
    double turned_alike; /* the same with the second turned as fits best */
    double turned_by;    /* degrees, clockwise on the picture from the first to the second, above -90 to 90 */
} relation;

/* Whole planes as mean_cepstra.npy has them, centre at (height / 2, width / 2). NaN where a plane is even all around. */
int relation_find(const float *one, const float *other, size_t height, size_t width, relation *out);

#endif
