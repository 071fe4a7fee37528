/* Walls between domains, as `cepman run` writes them. */
#ifndef WALLS_H
#define WALLS_H

#include "tool.h"

/* Files of a run: walls_promise() before the labels are there, walls_write() after. */
typedef struct walls {
    const char *npy, *png;
    float *mixing; /* how much of a neighbouring domain is in each scan point; free() it */
    size_t points; /* on walls */
} walls;

int walls_promise(tool *t, const char *folder, walls *w);
/* boundaries.npy (u8): 0 within domains, 1 on walls, 2 in no domain, by the stage "domains"; boundaries.png: how much of a
 * neighbouring domain is in each point. features: what cepman_domains_mixing() takes. */
int walls_write(tool *t, const cepman_dataset *frames, const cepman_labels *labels,
                const cepman_matrix *features, walls *w);

#endif
