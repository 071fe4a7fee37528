/* Private to maps/: going through the frames of a dataset, as float32, by several threads and in bounded memory. */
#ifndef CEP_MAPS_FRAMES_H
#define CEP_MAPS_FRAMES_H

#include "dataset.h"
#include "exec.h"
#include "maps.h"

/* A dataset as the maps see it. */
typedef struct cep_frames {
    cepman_context *ctx;
    cep_memory *mem;
    cepman_dataset *dataset;
    size_t count; /* frames that are available, at least 1 */
    size_t total; /* frames of the scan */
    size_t height, width, pixels;
    bool may_be_odd;     /* a type that holds NaN and infinities */
    const uint8_t *mask; /* non-zero is bad; NULL: none */
} cep_frames;

/* CEPMAN_ERR_ARGUMENT for NULL, CEPMAN_ERR_DATA when no frame is available yet. */
cepman_status cep_frames_open(cep_frames *frames, cepman_context *ctx, cepman_dataset *dataset,
                              const char *what);

/* Calls visit for every available frame, each once, in any order, on any thread. */
typedef void (*cep_frame_visit)(void *argument, size_t frame, const float *pixels);
cepman_status cep_frames_each(const cep_frames *frames, const char *stage, cep_frame_visit visit,
                              void *argument);

/* Calls visit for every pixel with all frames in ascending order: a batch of `count` packed frames from `first` on,
 * pixels from .. to - 1. Different pixels come on different threads; the batches of a pixel come in order. So a sum
 * per pixel is the same bits for any number of threads, and needs no copies. */
typedef void (*cep_batch_visit)(void *argument, size_t first, size_t count, const float *values, size_t from,
                                size_t to);
cepman_status cep_frames_batches(const cep_frames *frames, const char *stage, cep_batch_visit visit,
                                 void *argument);

static inline bool cep_is_finite(float v)
{
    return v - v == 0;
}

#endif
