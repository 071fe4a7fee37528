/* Frames of a dataset into a .npy file. */
#ifndef STREAM_H
#define STREAM_H

#include "tool.h"

/* All frames that are available, block by block; path is one of outputs_add(). */
int stream_frames(tool *t, cepman_dataset *dataset, const char *stage, const char *path);

/* PATH.json beside a .npy: scan step and reciprocal pixel, which .npy cannot hold; none when neither is known. */
int stream_calibrations(tool *t, const cepman_dataset *dataset, const char *path);

#endif
