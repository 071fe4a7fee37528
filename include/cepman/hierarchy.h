/* The tree of rounds: a scan's points, split into clusters, which are split again, each by its own method. */
#ifndef CEPMAN_HIERARCHY_H
#define CEPMAN_HIERARCHY_H

#include <cepman/hdbscan.h>
#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* One tree over n points. It changes, and is used by one thread at a time. A node is known by its id, a number that is
 * never given twice: ids stay while other nodes come and go. Node 0 is the root and holds all points; the children of a
 * split node share out its points. */
typedef struct cepman_hierarchy cepman_hierarchy;

/* The values are pinned. */
typedef enum cepman_node_kind {
    CEPMAN_NODE_ROOT = 0,
    CEPMAN_NODE_CLUSTER = 1,
    CEPMAN_NODE_NOISE = 2,   /* label -1 among its siblings */
    CEPMAN_NODE_EXCLUDED = 3 /* label -2: left out on purpose */
} cepman_node_kind;

/* No such node. */
#define CEPMAN_NODE_NONE UINT64_MAX

/* A root over n points, 1 to 2^32 - 2. rows x columns: the scan, n = rows * columns, or 0 x 0: none (then there is no
 * connectivity). Errors: ARGUMENT, RANGE, SHAPE, MEMORY, LIMIT. */
CEPMAN_API cepman_status cepman_hierarchy_create(cepman_hierarchy **out, cepman_context *context,
                                                 size_t points, size_t rows, size_t columns);
CEPMAN_API cepman_hierarchy *cepman_hierarchy_ref(cepman_hierarchy *tree);
CEPMAN_API void cepman_hierarchy_unref(cepman_hierarchy *tree);

/* Scan points, and the scan's rows and columns. */
CEPMAN_API size_t cepman_hierarchy_points(const cepman_hierarchy *tree);
CEPMAN_API size_t cepman_hierarchy_rows(const cepman_hierarchy *tree);
CEPMAN_API size_t cepman_hierarchy_columns(const cepman_hierarchy *tree);

/* ---- reading ------------------------------------------------------------------------------------------------------ */

/* Nodes, and the id of each in preorder (a node, then its children: clusters by label, noise, excluded); NONE out of
 * range. */
CEPMAN_API size_t cepman_hierarchy_nodes(const cepman_hierarchy *tree);
CEPMAN_API uint64_t cepman_hierarchy_node(const cepman_hierarchy *tree, size_t index);
/* A node by its path from the root: the labels of the nodes on the way with '/' between them, "0/2", "0/noise",
 * "excluded"; "/" or "" is the root. CEPMAN_ERR_RANGE names the first part that is not there. */
CEPMAN_API cepman_status cepman_hierarchy_find(const cepman_hierarchy *tree, cepman_context *context,
                                               const char *path, uint64_t *node);
/* Writes the path, at most size bytes with an end mark; returns its length, 0 when there is no such node. */
CEPMAN_API size_t cepman_hierarchy_path(const cepman_hierarchy *tree, uint64_t node, char *text, size_t size);
/* Of a node; NONE, 0, NULL, ROOT or NaN when there is no such node. */
CEPMAN_API uint64_t cepman_hierarchy_parent(const cepman_hierarchy *tree,
                                            uint64_t node); /* NONE of the root */
CEPMAN_API cepman_node_kind cepman_hierarchy_kind(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API int32_t cepman_hierarchy_label(const cepman_hierarchy *tree,
                                          uint64_t node); /* among its siblings */
CEPMAN_API size_t cepman_hierarchy_depth(const cepman_hierarchy *tree, uint64_t node); /* 0: the root */
CEPMAN_API size_t cepman_hierarchy_children(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API uint64_t cepman_hierarchy_child(const cepman_hierarchy *tree, uint64_t node, size_t index);
/* How many points a node has, and their numbers, ascending: this is the order of a node's rows and labels everywhere
 * below (cepman_matrix_select() takes it). points: room for size() numbers. */
CEPMAN_API size_t cepman_hierarchy_size(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API cepman_status cepman_hierarchy_members(size_t *points, cepman_context *context,
                                                  const cepman_hierarchy *tree, uint64_t node);
/* How the node was split; NULL or 0 for a leaf. method: "labels", "kmeans", "mixture", "hdbscan", "connectivity";
 * parameters: the options in force, "k=3 tol=0.0001"; space: what the caller said of the points' features. */
CEPMAN_API const char *cepman_hierarchy_method(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API const char *cepman_hierarchy_parameters(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API const char *cepman_hierarchy_space(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API const char *cepman_hierarchy_version(const cepman_hierarchy *tree,
                                                uint64_t node); /* of the library */
CEPMAN_API uint64_t cepman_hierarchy_seed(const cepman_hierarchy *tree, uint64_t node);
/* Numbers of the split ("inertia", "bic", "persistence"), and those the caller adds. */
CEPMAN_API size_t cepman_hierarchy_scores(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API const char *cepman_hierarchy_score_name(const cepman_hierarchy *tree, uint64_t node, size_t index);
CEPMAN_API double cepman_hierarchy_score(const cepman_hierarchy *tree, uint64_t node, const char *name);

/* ---- changing ------------------------------------------------------------------------------------------------------ */

/* Every call either succeeds or leaves the tree as it was. CEPMAN_ERR_RANGE: no such node, or one that the call cannot
 * be for (a split of a node that has children: prune it first). */

/* By labels: one per member, or one per point of the scan. -1: noise, below: excluded. Clusters keep their labels' order, numbered without gaps. A split into a single child is
 * allowed. method: what is recorded, NULL for "labels"; parameters: NULL or text; seed: 0 when there is none. */
CEPMAN_API cepman_status cepman_hierarchy_split(cepman_hierarchy *tree, cepman_context *context,
                                                uint64_t node, const cepman_labels *labels,
                                                const char *method, const char *parameters, uint64_t seed);
/* By a clusterer. matrix: one row per member (an embedding of the members alone), or one per point of the scan (the parent's embedding); options: of kind "kmeans", "mixture" or "hdbscan",
 * of_tree: "hdbscan-tree", NULL for the defaults; min-samples follows min-cluster-size when only that is set. Errors
 * also those of the clusterers, SHAPE (rows), and DATA when HDBSCAN finds no cluster. */
CEPMAN_API cepman_status cepman_hierarchy_split_kmeans(cepman_hierarchy *tree, cepman_context *context,
                                                       uint64_t node, const cepman_matrix *matrix,
                                                       const cepman_options *options);
CEPMAN_API cepman_status cepman_hierarchy_split_mixture(cepman_hierarchy *tree, cepman_context *context,
                                                        uint64_t node, const cepman_matrix *matrix,
                                                        const cepman_options *options);
CEPMAN_API cepman_status cepman_hierarchy_split_hdbscan(cepman_hierarchy *tree, cepman_context *context,
                                                        uint64_t node, const cepman_matrix *matrix,
                                                        const cepman_options *of_tree,
                                                        const cepman_options *options);
/* By connectivity on the scan: members that touch are one cluster, the largest first; pieces of fewer than `least`
 * points are noise. neighbours: 4 or 8. CEPMAN_ERR_SHAPE when the tree has no scan; DATA when every piece is too small. */
CEPMAN_API cepman_status cepman_hierarchy_split_connected(cepman_hierarchy *tree, cepman_context *context,
                                                          uint64_t node, unsigned neighbours, size_t least);
/* Siblings, at least 2, become one leaf: nodes[0], which keeps its id, label and kind; what was below them goes. */
CEPMAN_API cepman_status cepman_hierarchy_merge(cepman_hierarchy *tree, cepman_context *context,
                                                const uint64_t *nodes, size_t count);
/* Everything below a node goes; it is a leaf again. Nothing happens to a leaf. */
CEPMAN_API cepman_status cepman_hierarchy_prune(cepman_hierarchy *tree, cepman_context *context,
                                                uint64_t node);
/* Each point of a noise node, a leaf, goes to the leaf of its nearest neighbour among the points of the clusters beside
 * it, noise and excluded nodes below them left out; ties to the lower point. The noise node goes, unless rows of it are
 * not finite: those stay. matrix: one row per member of the noise node's parent, or one per point of the scan. Cost:
 * O(noise members d). CEPMAN_ERR_DATA when there is nothing to assign to. */
CEPMAN_API cepman_status cepman_hierarchy_assign_noise(cepman_hierarchy *tree, cepman_context *context,
                                                       uint64_t node, const cepman_matrix *matrix);
/* What the points' features were when the node was split (a path, the parameters of an embedding), and a number. Names: 1
 * to 63 bytes of a-z, 0-9, '-' and '_'; at most 256 numbers a node. */
CEPMAN_API cepman_status cepman_hierarchy_set_space(cepman_hierarchy *tree, cepman_context *context,
                                                    uint64_t node, const char *space);
CEPMAN_API cepman_status cepman_hierarchy_set_score(cepman_hierarchy *tree, cepman_context *context,
                                                    uint64_t node, const char *name, double value);

/* ---- labels -------------------------------------------------------------------------------------------------------- */

/* One label per point: the cluster at this depth above the point, or its leaf where the tree ends before; numbered 0.. in
 * preorder; -1 for points that are noise or excluded down to there. Depth 0: all 0. SIZE_MAX: the leaves. */
CEPMAN_API cepman_status cepman_hierarchy_labels(cepman_labels **out, cepman_context *context,
                                                 const cepman_hierarchy *tree, size_t depth);
/* The nodes of these labels, at most `room` of them; returns how many there are. */
CEPMAN_API size_t cepman_hierarchy_label_nodes(const cepman_hierarchy *tree, size_t depth, uint64_t *nodes,
                                               size_t room);
/* The way to each point: n x depth numbers, the label on each level, -1 noise, -2 excluded, -3 below a leaf. */
CEPMAN_API cepman_status cepman_hierarchy_paths(int32_t *paths, cepman_context *context,
                                                const cepman_hierarchy *tree, size_t depth);
/* The largest depth of a node. */
CEPMAN_API size_t cepman_hierarchy_height(const cepman_hierarchy *tree);

/* ---- files --------------------------------------------------------------------------------------------------------- */

/* One file, described in docs/formats.md; written beside PATH and renamed. Errors: ARGUMENT, IO, MEMORY, LIMIT. */
CEPMAN_API cepman_status cepman_hierarchy_save(const cepman_hierarchy *tree, cepman_context *context,
                                               const char *path);
/* Errors: ARGUMENT, IO, FORMAT, TRUNCATED, UNSUPPORTED (a later version), MEMORY, LIMIT. */
CEPMAN_API cepman_status cepman_hierarchy_load(cepman_hierarchy **out, cepman_context *context,
                                               const char *path);

CEPMAN_END

#endif
