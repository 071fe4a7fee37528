/* Inside neighbors/: the parts of the approximate method. */
#ifndef CEP_NEIGHBORS_FOREST_H
#define CEP_NEIGHBORS_FOREST_H

#include "knn.h"

/* ---- axes.c: a few directions that hold most of the spread ----------------------------------------------------- */

/* Axes of a sample's principal subspace, in panels of 16 (axis a is lane a % 16 of panel a / 16), and the mean.
 * Cosine: of rows scaled to length 1. */
typedef struct cep_axes {
    size_t columns, count; /* count: a multiple of 32 */
    float *mean;
    float *panels;
    cep_memory *mem;
} cep_axes;

cepman_status cep_axes_open(cep_axes *a, cepman_context *ctx, const cep_measure *m, size_t count,
                            uint64_t seed);
void cep_axes_close(cep_axes *a);
/* 1 / length of a row, which takes it to the coordinates that are projected (1 for Euclidean distances). */
double cep_axes_factor(const cep_measure *m, size_t row);

/* ---- project.c: rows in few coordinates --------------------------------------------------------------------------- */

/* Takes rows to few coordinates: products with axes, or, where there are few columns, the centred row itself. */
typedef struct cep_projector {
    size_t columns, used, width; /* width: used, and the cosine's axis of zero rows, to a multiple of 16 */
    bool plain;                  /* no axes */
    cep_axes axes;
    float *mean;    /* plain */
    float *offsets; /* the mean's own coordinates */
    const cep_tile_kernels *tile;
    const cep_distance_kernels *distance;
    cep_memory *mem;
} cep_projector;

cepman_status cep_projector_open(cep_projector *pr, cepman_context *ctx, const cep_measure *m, size_t axes,
                                 uint64_t seed);
void cep_projector_close(cep_projector *pr);
/* Rows first .. first + count - 1 of m, which may be another matrix of the same metric and columns. y: width apart;
 * norms: |y|^2. */
void cep_projector_apply(const cep_projector *pr, const cep_measure *m, size_t first, size_t count, float *y,
                         float *norms);

/* All rows. |y_i - y_j|^2 orders rows nearly as the true distance does. */
typedef struct cep_projection {
    size_t rows, width; /* floats of a row of y, a multiple of 16 */
    float *y, *norms;   /* norms: |y|^2 */
    cep_memory *mem;
} cep_projection;

cepman_status cep_projection_open(cep_projection *p, cepman_context *ctx, const cep_measure *m,
                                  const cep_projector *projector);
void cep_projection_close(cep_projection *p);

/* ---- lists.c: the candidates of each row ---------------------------------------------------------------------------- */

typedef struct cep_lists {
    size_t rows, most, capacity; /* at most `most` survive cep_lists_shrink() */
    float *keys;
    int32_t *indices;
    uint32_t *counts;
    float *limits; /* a newcomer must be below */
    const cep_tile_kernels *tile;
    cep_memory *mem;
} cep_lists;

/* Even, and room for twice `most`: rank.c keeps float64 in the place of the keys. */
static inline size_t cep_lists_capacity(size_t most)
{
    size_t room = most + most / 2 + 16;
    if (room < 2 * most) room = 2 * most;
    return room + room % 2;
}

cepman_status cep_lists_open(cep_lists *l, cepman_context *ctx, size_t rows, size_t most);
void cep_lists_close(cep_lists *l);
void cep_lists_shrink(cep_lists *l, size_t i);
/* Copies the `count` nearest (fewer when there are fewer) and returns how many. The list's own room will do. */
size_t cep_lists_nearest(const cep_lists *l, size_t i, size_t count, float *keys, int32_t *indices);
/* Whether row i's list has j. */
static inline bool cep_lists_has(const cep_lists *l, size_t i, size_t j)
{
    return l->tile->find(l->indices + i * l->capacity, l->counts[i], (int32_t)j) < l->counts[i];
}
/* Only from the one task that owns row i. known: j may be in the list. */
static inline void cep_lists_offer(cep_lists *l, size_t i, size_t j, float key, bool known)
{
    if (!(key < l->limits[i]) || (known && cep_lists_has(l, i, j))) return;
    size_t at = i * l->capacity, count = l->counts[i];
    l->keys[at + count] = key;
    l->indices[at + count] = (int32_t)j;
    l->counts[i] = (uint32_t)(count + 1);
    if (count + 1 == l->capacity) cep_lists_shrink(l, i);
}

/* ---- trees.c, refine.c: filling the lists ----------------------------------------------------------------------------- */

typedef struct cep_tree_item {
    float key;
    int32_t index;
} cep_tree_item;

/* Random-projection trees: the leaves of tree t are even parts, 2^levels of them, of its rows. */
typedef struct cep_forest {
    size_t rows, count, levels;
    size_t leaf;          /* at most so many rows */
    cep_tree_item *items; /* count * rows */
    cep_memory *mem;
} cep_forest;

/* Trees number `first` to first + count - 1. */
cepman_status cep_forest_open(cep_forest *f, cepman_context *ctx, const cep_projection *p, size_t first,
                              size_t count, size_t leaf, uint64_t seed);
void cep_forest_close(cep_forest *f);
/* Numbers the projected rows anew, in the order of the first tree's leaves, so that near rows lie together in memory.
 * order[place]: which row that was at first; follows. */
cepman_status cep_forest_renumber(cep_forest *f, cepman_context *ctx, cep_projection *p, int32_t *order);
/* Every row meets every other row of its leaves. known: the lists are not empty. */
cepman_status cep_forest_join(const cep_forest *f, cepman_context *ctx, const cep_projection *p, cep_lists *l,
                              bool known);

/* Passes over neighbours of neighbours. */
#define CEP_FOLLOWED 16 /* neighbours of each row */
typedef struct cep_refiner {
    const cep_projection *p;
    cep_lists *l;
    const cep_distance_kernels *distance;
    int32_t *snapshot; /* rows * CEP_FOLLOWED, -1 after the last */
    uint16_t *fresh;   /* a bit for each of those: the snapshot before did not have it */
    uint64_t **seen;   /* per worker: a bit for each row, zero between rows */
    unsigned workers;
    cep_memory *mem;
} cep_refiner;

cepman_status cep_refiner_open(cep_refiner *r, cepman_context *ctx, const cep_projection *p, cep_lists *l);
void cep_refiner_close(cep_refiner *r);
/* Offers each row the neighbours of its neighbours that the pass before did not. */
cepman_status cep_refiner_pass(cep_refiner *r, cepman_context *ctx);

/* ---- rank.c: true distances ------------------------------------------------------------------------------------------ */

/* The `ranked` nearest candidates of each row get true distances; the best k are the result. order: the matrix's row of
 * each place. The lists are spent. */
cepman_status cep_rank(cepman_context *ctx, const cep_measure *m, cep_lists *l, const int32_t *order,
                       size_t k, size_t ranked, int32_t *indices, float *distances);

/* ---- truth.c: what a sample of rows should find ------------------------------------------------------------------------ */

typedef struct cep_truth {
    size_t count, k;
    int32_t *rows;
    cep_best_item *nearest; /* count * k, nearest first */
    cep_memory *mem;
} cep_truth;

cepman_status cep_truth_open(cep_truth *t, cepman_context *ctx, const cep_measure *m, size_t k,
                             uint64_t seed);
void cep_truth_close(cep_truth *t);

#endif
