/* What labels mean on the scan: arrays and pictures of a folder, as map and run write them. */
#ifndef ATLAS_H
#define ATLAS_H

#include "tool.h"

/* Files promised by atlas_promise_..() and filled by atlas_write(), and the means that a pass makes for them. */
typedef struct atlas {
    const char *label_map;
    const char *patterns, *patterns_png, *cepstra, *cepstra_png;
    const char *pattern_differences, *pattern_differences_png, *cepstrum_differences,
        *cepstrum_differences_png;
    bool with_differences; /* 2 to ATLAS_PAIRS clusters: else the four files of differences are not written */
    cepman_dataset *planes; /* whole cepstra of the scan */
    cepman_matrix *mean_patterns, *mean_cepstra;
} atlas;

/* More clusters than this have no differences of pairs (they grow with the square). */
#define ATLAS_PAIRS 24
/* Pictures show this many clusters at most; arrays hold all. */
#define ATLAS_TILES 64

/* Before the computing, so that a folder that cannot be written fails at once. */
int atlas_promise_map(tool *t, const char *folder, atlas *a);
/* Once the labels are known. */
int atlas_promise_means(tool *t, const char *folder, const cepman_labels *labels, atlas *a);
/* Asks a pass over the frames for what the files need; they are written once it has run. */
int atlas_ask(tool *t, atlas *a, cepman_maps_pass *pass, cepman_dataset *frames, cepman_cepstrum *cepstrum,
              const cepman_labels *labels);
int atlas_write(tool *t, const atlas *a, cepman_dataset *frames, const cepman_labels *labels);
void atlas_free(atlas *a);
/* Scatter pictures of the first three axes of an embedding, coloured by label. */
int atlas_embedding(tool *t, const cepman_matrix *embedding, const cepman_labels *labels, const char *path);

#endif
