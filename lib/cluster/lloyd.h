/* One K-means problem while it is solved: shared by the start, the assignment and the iteration. */
#ifndef CEP_CLUSTER_LLOYD_H
#define CEP_CLUSTER_LLOYD_H

#include "exec.h"
#include "kernels.h"
#include "points.h"

/* Up to so many features the points are kept in blocks of 16 and every centre is tried. */
#define CEP_LLOYD_FEW 16
/* Points of one parallel item: multiples of 16. */
#define CEP_LLOYD_CHUNK_FEW 4096
#define CEP_LLOYD_CHUNK_MANY 256

typedef struct cep_lloyd {
    cepman_context *ctx;
    cep_memory *mem;
    const cep_centres_kernels *kernels;
    const cep_distance_kernels *distance;
    cep_points points;
    size_t n, d, k, blocks, chunk, chunks;
    bool few;
    const double *weights; /* NULL: all 1 */
    float *weights32;      /* padded to blocks of 16; NULL without weights */
    float *soa;            /* few */
    float *norms;          /* many: |x|^2 */
    float slack;           /* relative error bound of a float distance, or of the Gram form's terms */
    uint64_t seed;
    /* The run in hand. */
    float *centres, *next; /* k x d */
    double *sums, *mass;   /* k x d, k */
    int32_t *labels, *previous;
    uint16_t *changed, *unsure; /* a bit per point */
    float *upper, *lower;       /* many: bounds on the distance to the own and to any other centre */
    float *centre_norms, *moved;
    double *partial; /* one per chunk */
    float *closest;  /* start only */
    double total;    /* weighted sum of squares about the first point */
    double *history; /* inertia of every iteration of the run */
    size_t history_room;
} cep_lloyd;

/* Prepares the points. The struct is zero before; cep_lloyd_clear() in every case. */
cepman_status cep_lloyd_prepare(cep_lloyd *f, cepman_context *ctx, const cepman_matrix *matrix, size_t k,
                                const double *weights, const char *what);
void cep_lloyd_clear(cep_lloyd *f);

/* Greedy k-means++ into f->centres; `run` numbers the attempt. */
cepman_status cep_lloyd_start(cep_lloyd *f, uint64_t run);
/* labels <- nearest centres; *changed: how many differ from previous. fresh: forget the bounds. */
cepman_status cep_lloyd_assign(cep_lloyd *f, bool fresh, size_t *changed);
/* Iterates from f->centres to f->labels and final centres; f->history gets the inertia of each iteration's labels about
 * the centres they were found with. After cep_lloyd_variance(). */
cepman_status cep_lloyd_run(cep_lloyd *f, size_t most, double tolerance, size_t *iterations, bool *converged);
/* Weighted sum of squared distances to the own centre, in double. */
cepman_status cep_lloyd_inertia(cep_lloyd *f, double *inertia);
/* Mean over the features of their variance (weights do not count); and f->total. */
cepman_status cep_lloyd_variance(cep_lloyd *f, double *variance);

static inline size_t cep_lloyd_first(const cep_lloyd *f, size_t chunk)
{
    return chunk * f->chunk;
}
static inline size_t cep_lloyd_end(const cep_lloyd *f, size_t chunk)
{
    size_t end = (chunk + 1) * f->chunk;
    return end < f->n ? end : f->n;
}
static inline double cep_lloyd_weight(const cep_lloyd *f, size_t i)
{
    return f->weights ? f->weights[i] : 1;
}

#endif
