/* Nearest points of rows that need not be among the points. */
#ifndef CEP_CLUSTER_NEAREST_H
#define CEP_CLUSTER_NEAREST_H

#include "kdtree.h"

typedef struct cep_near_point {
    double squared;
    uint32_t point;
} cep_near_point;

/* Points to be searched: a k-d tree up to CEP_KDTREE_MOST features, all points beyond. */
typedef struct cep_nearest {
    const cep_points *points;
    bool few;
    cep_kdtree tree;
} cep_nearest;

cepman_status cep_nearest_open(cep_nearest *n, cepman_context *ctx, const cep_points *points);
void cep_nearest_close(cep_nearest *n);

/* Called once per row, on any thread, with its `count` nearest points by (squared distance, number), which are scratch;
 * count is 0 for rows that are not finite. */
typedef void (*cep_nearest_found)(void *argument, size_t row, const cep_near_point *found, size_t count);

/* For each row of the matrix its k nearest points, or all when they are fewer. Distances as cep_squared() gives them.
 */
cepman_status cep_nearest_rows(const cep_nearest *n, cepman_context *ctx, const char *stage,
                               const cepman_matrix *matrix, size_t k, cep_nearest_found found,
                               void *argument);

#endif
