/* HDBSCAN (Campello, Moulavi, Sander 2013; McInnes and Healy 2017): build the tree once, extract clusters often. */
#ifndef CEPMAN_HDBSCAN_H
#define CEPMAN_HDBSCAN_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* Minimum spanning tree of the mutual reachability graph. */
typedef struct cepman_hdbscan_tree cepman_hdbscan_tree;
/* A flat clustering taken from a tree. */
typedef struct cepman_hdbscan cepman_hdbscan;

/* Options of the tree, kind "hdbscan-tree": min-samples integer (default 0: min-cluster-size of 5; clamped to n - 1):
 * the core distance of a point is the distance to its min-samples-th other point; alpha real (1.0).
 * Rows with NaN or infinities are noise. */
CEPMAN_API cepman_status cepman_hdbscan_tree_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_hdbscan_tree_build(cepman_hdbscan_tree **out, cepman_context *context,
                                                   const cepman_matrix *matrix, const cepman_options *options);
CEPMAN_API cepman_hdbscan_tree *cepman_hdbscan_tree_ref(cepman_hdbscan_tree *tree);
CEPMAN_API void cepman_hdbscan_tree_unref(cepman_hdbscan_tree *tree);
CEPMAN_API size_t cepman_hdbscan_tree_points(const cepman_hdbscan_tree *tree);
/* n core distances; infinite for non-finite rows. */
CEPMAN_API const double *cepman_hdbscan_tree_core_distances(const cepman_hdbscan_tree *tree);
/* Edges of the spanning tree by ascending weight: (finite points - 1) of them. */
CEPMAN_API size_t cepman_hdbscan_tree_edges(const cepman_hdbscan_tree *tree);
CEPMAN_API cepman_status cepman_hdbscan_tree_edge(const cepman_hdbscan_tree *tree, size_t edge, size_t *from,
                                                  size_t *to, double *weight);

/* Options of an extraction, kind "hdbscan": min-cluster-size integer (5), selection choice eom|leaf,
 * selection-epsilon real (0), max-cluster-size integer (0: none), allow-single-cluster flag,
 * ties choice canonical|binary. */
CEPMAN_API cepman_status cepman_hdbscan_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_hdbscan_extract(cepman_hdbscan **out, cepman_context *context,
                                                cepman_hdbscan_tree *tree, const cepman_options *options);
CEPMAN_API cepman_hdbscan *cepman_hdbscan_ref(cepman_hdbscan *clusters);
CEPMAN_API void cepman_hdbscan_unref(cepman_hdbscan *clusters);

/* Belong to the result. */
CEPMAN_API cepman_labels *cepman_hdbscan_labels(const cepman_hdbscan *clusters);
/* n membership strengths in [0, 1] and n outlier scores (GLOSH) in [0, 1]. */
CEPMAN_API const double *cepman_hdbscan_probabilities(const cepman_hdbscan *clusters);
CEPMAN_API const double *cepman_hdbscan_outlier_scores(const cepman_hdbscan *clusters);
/* Persistence of each cluster, in [0, 1]. */
CEPMAN_API const double *cepman_hdbscan_persistence(const cepman_hdbscan *clusters);

CEPMAN_END

#endif
