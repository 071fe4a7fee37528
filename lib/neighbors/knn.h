/* Inside neighbors/: what its files share. */
#ifndef CEP_NEIGHBORS_KNN_H
#define CEP_NEIGHBORS_KNN_H

#include "exec.h"
#include "kernels.h"
#include "matrix.h"
#include "neighbors.h"

#define CEP_TREE_COLUMNS 8 /* the k-d tree is for at most so many columns */

/* ---- measure.c: the distance every method ranks by
 * ----------------------------------------------------------- */

typedef enum cep_metric { CEP_EUCLIDEAN, CEP_COSINE, CEP_CORRELATION } cep_metric;

/* Keys order as distances do: the squared Euclidean distance, or 1 - cosine. In float64, the same bits
 * whichever method, CPU level or thread asks, and for (i, j) as for (j, i). */
typedef struct cep_measure {
    const cepman_matrix *matrix;
    cepman_matrix *owned; /* float16 rows as float32, correlation: less their means; `matrix` then is this */
    size_t rows, columns;
    bool cosine;    /* correlation too: the cosine of centred rows */
    double *norms;  /* cosine: squared lengths of the rows */
    double largest; /* largest |value| of the matrix */
    cep_memory *mem;
    const cep_distance_kernels *kernels;
} cep_measure;

/* Looks at every number: CEPMAN_ERR_DATA names the first row with a NaN or an infinity. */
cepman_status cep_measure_open(cep_measure *m, cepman_context *ctx, const cepman_matrix *matrix,
                               cep_metric metric);
void cep_measure_close(cep_measure *m);
double cep_measure_key(const cep_measure *m, size_t i, size_t j);
/* Row i of one matrix and row j of another with as many columns, of one metric; and four rows of the one. */
void cep_measure_four(const cep_measure *a, const size_t i[4], const cep_measure *b, size_t j,
                      double keys[4]);
double cep_measure_between(const cep_measure *a, size_t i, const cep_measure *b, size_t j);
float cep_measure_distance(const cep_measure *m, double key);

/* ---- best.c: the k smallest (key, index) of what is offered
 * ---------------------------------------------------- */

typedef struct cep_best_item {
    double key;
    int32_t index;
} cep_best_item;

static inline bool cep_best_less(double key, int32_t index, const cep_best_item *b)
{
    return key < b->key || (key == b->key && index < b->index);
}

/* items: room for k. A heap, the worst on top. */
typedef struct cep_best {
    cep_best_item *items;
    size_t k, count;
} cep_best;

void cep_best_offer(cep_best *best, double key, int32_t index);
/* Nearest first; the heap is spent. */
void cep_best_sort(cep_best *best);
/* The key a newcomer must not exceed: infinite while there is room. */
double cep_best_bound(const cep_best *best);

/* ---- packed.c: rows centred, scaled and laid out for the tile kernel
 * ------------------------------------------ */

#define CEP_DEPTH 256 /* columns of a depth block */

/* Squared distances of packed rows are `unit` times the key, and
 * |norms[i] + norms[j] - 2 dot| lies below the true value by 0 to slack(i, j). */
typedef struct cep_packed {
    size_t rows, padded, depth;
    float *data;  /* depth block by depth block, in each all panels */
    float *norms; /* squared lengths less the rounding errors; padded */
    double unit;
    float relative, absolute;
    cep_memory *mem;
} cep_packed;

cepman_status cep_packed_open(cep_packed *p, cepman_context *ctx, const cep_measure *m);
void cep_packed_close(cep_packed *p);
/* dots[r * stride + c] of rows first_a + r and first_b + c. Both firsts are multiples of 48, na of 8 and nb
 * of 48; diagonal: only tiles that reach above r = c are filled. */
void cep_packed_dots(const cep_packed *p, const cep_tile_kernels *kernels, size_t first_a, size_t na,
                     size_t first_b, size_t nb, bool diagonal, float *dots, size_t stride);

/* ---- the methods
 * ------------------------------------------------------------------------------------------------ */

/* Fill indices and distances (rows * k); 1 <= k < rows. */
cepman_status cep_neighbors_exact(cepman_context *ctx, const cep_measure *m, size_t k, int32_t *indices,
                                  float *distances);
/* tree.c. Few columns; Euclidean. The measure must outlive it. */
typedef struct cep_tree {
    const cep_measure *m;
    size_t n, d, levels; /* leaves are the nodes of the last level */
    int32_t *order;
    float *points; /* rows in tree order */
    float *boxes;  /* per node: d smallest, d largest coordinates */
    size_t level;  /* being split */
    cep_memory *mem;
} cep_tree;

cepman_status cep_tree_open(cep_tree *t, cepman_context *ctx, const cep_measure *m);
void cep_tree_close(cep_tree *t);
/* Offers the rows that are nearest to x, but not row `self` (-1: all). */
void cep_tree_search(const cep_tree *t, const float *x, int32_t self, cep_best *best);
/* Euclidean, at most CEP_TREE_COLUMNS columns. The same bits as cep_neighbors_exact(). */
cepman_status cep_neighbors_tree(cepman_context *ctx, const cep_measure *m, size_t k, int32_t *indices,
                                 float *distances);

/* At least `target` of the neighbours, as estimated on a sample of rows (*recall), after at most so many rounds of
 * widening. *recall = 0: the target is out of reach, and nothing is filled. 8 * k < rows. */
cepman_status cep_neighbors_approximate(cepman_context *ctx, const cep_measure *m, size_t k, uint64_t seed,
                                        double target, int rounds, int32_t *indices, float *distances,
                                        double *recall);

/* What the approximate search begins with. */
typedef struct cep_effort {
    size_t axes, candidates, trees, leaf, passes;
} cep_effort;

cep_effort cep_first_effort(const cep_measure *m, size_t k);

#define CEP_BLOCK_MOST                                                                                       \
    384 /* rows of an exact block: its panels of one depth block fit the second-level cache */

/* First row of part `place` of 2^level even parts of n rows. */
static inline size_t cep_part(size_t n, size_t level, size_t place)
{
    return (size_t)(((cep_u128)n * place) >> level);
}

/* First row of part `place` of `parts` even parts of n rows. */
static inline size_t cep_share(size_t n, size_t parts, size_t place)
{
    return (size_t)((cep_u128)n * place / parts);
}

/* ---- build.c: options and choices
 * --------------------------------------------------------------------------------- */

cepman_status cep_neighbors_options(cepman_options **out, cepman_context *ctx, const cepman_options *options);
/* Whether the values' squares neither overflow nor vanish in float32. */
bool cep_fits_floats(const cep_measure *m);
/* Whether the forest is tried first. method: the option's choice. */
bool cep_wants_forest(const cep_measure *m, size_t k, int method, double recall);
/* Whether an index of these rows is searched by cells. method: the option's choice. */
bool cep_wants_cells(const cep_measure *m, size_t k, int method, double recall);

/* ---- graph.c
 * ------------------------------------------------------------------------------------------------------ */

struct cepman_neighbors {
    cep_refs refs;
    cep_memory *mem;
    size_t n, k;
    int32_t *indices;
    float *distances;
    const char *method;
    double recall;
};

#endif
