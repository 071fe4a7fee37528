/* Door of umap/: the steps of a fit, each on its own, for the room's own files and tests. */
#ifndef CEP_UMAP_H
#define CEP_UMAP_H

#include <cepman/umap.h>

#include "base.h"

/* Streams of random numbers (the stage of cep_random64). */
enum {
    CEP_UMAP_STREAM_BLOCK = 1,
    CEP_UMAP_STREAM_NOISE,
    CEP_UMAP_STREAM_START,
    CEP_UMAP_STREAM_ORDER,
    CEP_UMAP_STREAM_LAYOUT,
    CEP_UMAP_STREAM_PLACE
};

/* A symmetric weighted graph without loops, in compressed rows: columns ascending, weights in (0, 1]. */
typedef struct cep_umap_graph {
    size_t n;
    size_t *starts; /* n + 1 */
    int32_t *columns;
    float *weights;
} cep_umap_graph;

/* Zeroes the graph after freeing it; a zeroed graph is allowed. */
void cep_umap_graph_free(cep_memory *mem, cep_umap_graph *graph);

/* curve.c: least squares of 1 / (1 + a x^(2b)) to 1 below min_dist and exp(-(x - min_dist) / spread) above. */
void cep_umap_fit_curve(double spread, double min_dist, double *a, double *b);

/* fuzzy.c */
/* Distance rho below which membership is 1, and scale sigma with sum_j exp(-max(0, d_j - rho) / sigma) = log2(k + 1),
 * for a row of k distances (ascending) to others. mean: of all distances of the graph, the zero to oneself counted. */
void cep_umap_smooth(const float *distances, size_t k, double local_connectivity, double mean, double *rho,
                     double *sigma);
/* 1 up to rho, exp(-(distance - rho) / sigma) beyond. */
double cep_umap_membership(double distance, double rho, double sigma);
/* Directed memberships: n rows of k weights in [0, 1], 0 from the distance `cut` on (it may be infinite). *mean (may be
 * NULL): of the distances below it. */
cepman_status cep_umap_memberships(cepman_context *ctx, size_t n, size_t k, const float *distances,
                                   double local_connectivity, double cut, float *weights, double *mean);
/* mix * (A + A' - A A') + (1 - mix) * A A', entry by entry; what is zero is left out. */
cepman_status cep_umap_unite(cep_umap_graph *out, cepman_context *ctx, size_t n, size_t k,
                             const int32_t *indices, const float *weights, double mix);
/* Both, for a graph of neighbours. */
cepman_status cep_umap_fuzzy(cep_umap_graph *out, cepman_context *ctx, const cepman_neighbors *neighbors,
                             double local_connectivity, double mix, double cut, double *mean);
/* A copy without the edges below the largest weight / epochs, which would never act. */
cepman_status cep_umap_prune(cep_umap_graph *out, cepman_context *ctx, const cep_umap_graph *graph,
                             size_t epochs);

/* target.c: the set meets a target of labels (n, below 0: unknown). Membership across labels falls by exp(-far), at
 * unknown ones by exp(-1); then every point's largest membership becomes 1 again and the directions are united. */
cepman_status cep_umap_meet_target(cep_umap_graph *graph, cepman_context *ctx, const int32_t *labels,
                                   double weight);

/* components.c */
/* Pieces of the graph, numbered by their lowest point. labels: n. */
cepman_status cep_umap_components(cepman_context *ctx, const cep_umap_graph *graph, int32_t *labels,
                                  size_t *count);
/* The piece's own graph over `members` (ascending, count of them); place: n numbers of scratch. */
cepman_status cep_umap_piece(cep_umap_graph *out, cepman_context *ctx, const cep_umap_graph *graph,
                             const int32_t *members, size_t count, int32_t *place);

/* spectral.c: for a connected graph of more than dims + 1 points, the eigenvectors 1 .. dims of
 * I - D^-1/2 W D^-1/2 (ascending), as n rows of dims; of unit length, the entry of largest magnitude positive. */
cepman_status cep_umap_spectral(cepman_context *ctx, const cep_umap_graph *graph, size_t dims, uint64_t seed,
                                float *rows);

/* start.c: the layout's start, n rows of dims, each dimension scaled to 0 .. 10. */
typedef enum cep_umap_init { CEP_UMAP_SPECTRAL = 0, CEP_UMAP_PCA = 1, CEP_UMAP_RANDOM = 2 } cep_umap_init;
/* given (n rows of dims, may be NULL) takes the place of init. */
cepman_status cep_umap_start(cepman_context *ctx, const cep_umap_graph *graph, cepman_matrix *matrix,
                             const cepman_matrix *given, cep_umap_init init, size_t dims, uint64_t seed,
                             float *rows);

/* order.c: the points in an order in which those that lie together (n rows of dims) follow one another. */
cepman_status cep_umap_order(cepman_context *ctx, const float *rows, size_t n, size_t dims, uint32_t *order);

/* schedule.c: each edge once, in rounds in which every point has at most one; what found no round comes last. */
typedef struct cep_umap_schedule {
    size_t rounds, left, count; /* edges left .. count-1 are in no round */
    size_t *starts;             /* of the rounds: numbers of edges */
    size_t *items;              /* edges of item i: items[i] .. items[i + 1] - 1, all of one round */
    size_t *firsts;             /* of the rounds: numbers of items; rounds + 1 */
    uint32_t *heads, *tails;
    uint32_t *rates; /* of CEP_LAYOUT_ALWAYS */
} cep_umap_schedule;
/* place: the numbers that points have in the schedule, NULL for their own. */
cepman_status cep_umap_plan(cep_umap_schedule *out, cepman_context *ctx, const cep_umap_graph *graph,
                            const uint32_t *place, uint64_t seed);
/* How often an edge acts, as a share of CEP_LAYOUT_ALWAYS. */
uint32_t cep_umap_rate(double weight, double largest);
void cep_umap_schedule_free(cep_memory *mem, cep_umap_schedule *schedule);

/* layout.c */
typedef struct cep_umap_forces {
    double a, b, learning_rate, repulsion;
    unsigned negatives;
    size_t epochs;
    uint64_t seed;
} cep_umap_forces;
/* Moves n rows of dims from their start. */
cepman_status cep_umap_layout(cepman_context *ctx, const cep_umap_graph *graph, const cep_umap_forces *forces,
                              size_t dims, float *rows);

#endif
