/* HDBSCAN (Campello, Moulavi, Sander 2013; McInnes and Healy 2017): build the tree once, extract clusters often. */
#ifndef CEPMAN_HDBSCAN_H
#define CEPMAN_HDBSCAN_H

#include <cepman/matrix.h>
#include <cepman/neighbors.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* Minimum spanning tree of the mutual reachability graph. */
typedef struct cepman_hdbscan_tree cepman_hdbscan_tree;
/* A flat clustering taken from a tree. */
typedef struct cepman_hdbscan cepman_hdbscan;

/* Options of the tree, kind "hdbscan-tree": min-samples integer (default 0: min-cluster-size of 5; clamped to n - 1):
 * the core distance of a point is the distance to its min-samples-th other point; alpha real (1.0).
 * Rows with NaN or infinities are noise. Errors of both ways to build: ARGUMENT, OPTION (of another kind), RANGE (more
 * than 2147483645 points), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_hdbscan_tree_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_hdbscan_tree_build(cepman_hdbscan_tree **out, cepman_context *context,
                                                   const cepman_matrix *matrix,
                                                   const cepman_options *options);
/* The same from distances between n points: row i at distances + i * stride, stride >= n. They must be finite, >= 0,
 * symmetric and 0 on the diagonal; CEPMAN_ERR_DATA names the first that is not. O(n) memory beside them. */
CEPMAN_API cepman_status cepman_hdbscan_tree_build_distances(cepman_hdbscan_tree **out,
                                                             cepman_context *context, const double *distances,
                                                             size_t n, size_t stride,
                                                             const cepman_options *options);
/* The same from a graph of nearest neighbours (any metric; nothing else is read): core distances are those to the
 * min-samples-th neighbour of the list, edges are the pairs that either row lists. It is the tree of the points when the
 * graph is exact and has enough neighbours that no lighter edge is missing, else an approximation. Parts that the graph
 * does not connect are joined at an infinite distance (lambda 0): they never belong to one cluster, unless
 * allow-single-cluster or a cut says so. Errors also: RANGE (min-samples, after the clamp, above the neighbours of a
 * row). O(n k log n) time, O(n) memory beside the graph. */
CEPMAN_API cepman_status cepman_hdbscan_tree_build_neighbors(cepman_hdbscan_tree **out,
                                                             cepman_context *context,
                                                             const cepman_neighbors *graph,
                                                             const cepman_options *options);
CEPMAN_API cepman_hdbscan_tree *cepman_hdbscan_tree_ref(cepman_hdbscan_tree *tree);
CEPMAN_API void cepman_hdbscan_tree_unref(cepman_hdbscan_tree *tree);
CEPMAN_API size_t cepman_hdbscan_tree_points(const cepman_hdbscan_tree *tree);
/* n core distances; infinite for non-finite rows. */
CEPMAN_API const double *cepman_hdbscan_tree_core_distances(const cepman_hdbscan_tree *tree);
/* Edges of the spanning tree by ascending weight: (finite points - 1) of them. */
CEPMAN_API size_t cepman_hdbscan_tree_edges(const cepman_hdbscan_tree *tree);
CEPMAN_API cepman_status cepman_hdbscan_tree_edge(const cepman_hdbscan_tree *tree, size_t edge, size_t *from,
                                                  size_t *to, double *weight);

/* The single-linkage tree: one row of four per edge, by ascending height, in the layout of SciPy's linkage: the two
 * nodes that merge, their height, the size of the result. Nodes below cepman_hdbscan_tree_points() are rows of the
 * matrix, that number + i is the merge of row i. table: edges x 4 doubles of the caller's. */
CEPMAN_API cepman_status cepman_hdbscan_tree_linkage(const cepman_hdbscan_tree *tree, cepman_context *context,
                                                     double *table);
/* DBSCAN's clusters at one distance, without its border points (DBSCAN*): pieces connected below `distance`; those
 * of fewer than min_cluster_size (>= 1) points are noise. Numbered by their first row.
 * Errors: ARGUMENT, RANGE (distance below 0, min_cluster_size 0), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_hdbscan_tree_cut(cepman_labels **out, cepman_context *context,
                                                 const cepman_hdbscan_tree *tree, double distance,
                                                 size_t min_cluster_size);

/* Options of an extraction, kind "hdbscan": min-cluster-size integer (5), selection choice eom|leaf,
 * selection-epsilon real (0), max-cluster-size integer (0: none), allow-single-cluster flag,
 * ties choice canonical|binary.
 * Errors of an extraction: ARGUMENT, OPTION (of another kind), MEMORY, LIMIT, CANCELLED. */
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

/* n flags: 1 for the exemplars of a cluster, its most persistent points (they stay to the end of a leaf below it). */
CEPMAN_API const uint8_t *cepman_hdbscan_exemplars(const cepman_hdbscan *clusters);

/* The condensed tree. Cluster 0 is the root; parents come before children. Out-of-range numbers give
 * CEPMAN_ERR_RANGE; any pointer may be NULL. lambda is 1 / distance, infinite at distance 0. */
CEPMAN_API size_t cepman_hdbscan_condensed_clusters(const cepman_hdbscan *clusters);
/* parent: SIZE_MAX for the root; label: of the flat clustering when this cluster was selected, else -1; birth: the
 * lambda at which it splits off, death: the largest at which it loses points or splits. */
CEPMAN_API cepman_status cepman_hdbscan_condensed_cluster(const cepman_hdbscan *clusters, size_t cluster,
                                                          size_t *parent, size_t *size, int32_t *label,
                                                          double *birth, double *death, double *stability);
/* The cluster that a row falls out of, and the lambda. Rows that are not finite: SIZE_MAX and 0. */
CEPMAN_API cepman_status cepman_hdbscan_condensed_point(const cepman_hdbscan *clusters, size_t row,
                                                        size_t *cluster, double *lambda);

/* ---- new points ------------------------------------------------------------------------------------------------- */

/* Labels of new rows under the clustering of the fit, which stays as it is. A row is placed as though it alone had been
 * added: among its 2 * min-samples nearest points of the fit it joins the nearest by mutual reachability, and leaves the
 * condensed tree at 1 / that distance or with that point, whichever is earlier. Rows of the fit get the labels and
 * probabilities they have (ties canonical). fitted: the matrix that the tree was built from, unchanged (for trees from
 * distances or a graph: points whose Euclidean distances these were). probabilities: NULL, or one per row. Rows that are
 * not finite: -1 and 0. May be called from several threads, each with its own context. With up to 8 columns the search
 * tree of the fitted rows, and a copy of them, are kept for later calls until the clustering goes (at 3 columns some 40
 * bytes a row); a matrix of other numbers gets its own each time.
 * Errors: ARGUMENT, SHAPE (rows of fitted, columns of matrix), DATA (fitted has other rows that are finite), MEMORY,
 * LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_hdbscan_apply(cepman_labels **out, double *probabilities,
                                              cepman_context *context, const cepman_hdbscan *clusters,
                                              const cepman_matrix *fitted, const cepman_matrix *matrix);
/* Soft memberships: row i of out says how strongly row i of the matrix belongs to each cluster (as many columns as
 * cepman_labels_clusters() of the labels); a row sums to the probability that it belongs to any. The product of nearness
 * to the clusters' exemplars and of how late the row parts from them in the hierarchy, as in the reference
 * implementation's all_points_membership_vectors(). matrix: NULL for the rows of the fit, else new rows, placed as by
 * cepman_hdbscan_apply(). Rows that are not finite: 0. out: rows x clusters doubles of the caller's. Errors: as
 * cepman_hdbscan_apply(). */
CEPMAN_API cepman_status cepman_hdbscan_membership(double *out, cepman_context *context,
                                                   const cepman_hdbscan *clusters,
                                                   const cepman_matrix *fitted, const cepman_matrix *matrix);

/* ---- validity --------------------------------------------------------------------------------------------------- */

/* DBCV (cepman_validity_dbcv()) read off the spanning tree instead of trees of each cluster: in milliseconds, to compare
 * extractions of one tree, with any labels. Per cluster the heaviest edge inside against the lightest to another
 * cluster; twice the heaviest edge of the tree where no edge leads from cluster to cluster, and with a single cluster
 * twice the lightest edge to noise. -1 to 1, higher is better; NaN without clusters. Errors: ARGUMENT, SHAPE (number of
 * labels), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_hdbscan_relative_validity(double *out, cepman_context *context,
                                                          const cepman_hdbscan_tree *tree,
                                                          const cepman_labels *labels);

CEPMAN_END

#endif
