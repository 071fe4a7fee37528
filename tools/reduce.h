/* Features on their way to principal components, in memory or block by block. */
#ifndef REDUCE_H
#define REDUCE_H

#include "tool.h"

/* Whether the features of the scan are more than half of --memory (of the machine's memory without it), or leave the
 * principal components too little of it. */
bool reduce_must_stream(const tool *t, const cepman_cepstrum *cepstrum, const cepman_dataset *frames);
/* Components and scores of a scan whose features are never kept: two passes over the frames. */
int reduce_streamed(tool *t, const cepman_cepstrum *cepstrum, cepman_dataset *frames,
                    const cepman_options *options, cepman_pca **pca, cepman_matrix **scores);
/* Rows of a .npy file where they are, or loaded when they are of another type. */
int reduce_open(tool *t, const char *path, cepman_matrix **out);

#endif
