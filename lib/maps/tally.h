/* Private to maps/: sums per detector pixel over frames. */
#ifndef CEP_MAPS_TALLY_H
#define CEP_MAPS_TALLY_H

#include "pass.h"

typedef struct cep_tally {
    const cep_stream *stream;
    double *sum, *square; /* of differences from first */
    float *first, *most;
    uint64_t *count; /* NULL when every value counts */
    uint64_t frames; /* in all */
} cep_tally;

cepman_status cep_tally_begin(cep_tally *tally, cepman_context *ctx, const char *what,
                              const cep_stream *stream, size_t frames);
void cep_tally_add(cep_tally *tally, size_t first, size_t count, const float *values, size_t from, size_t to);
/* Any may be NULL; a pixel without a valid value is 0. */
void cep_tally_results(const cep_tally *tally, float *mean, float *deviation, float *maximum);
void cep_tally_end(cep_tally *tally, cep_memory *mem);

#endif
