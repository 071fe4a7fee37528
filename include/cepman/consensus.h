/* One map from two clusterings of a scan: islands of one manifold are joined where a coarser clustering holds them
 * together and the scan shows no wall between them; clusters that are nothing but walls become noise.
 *
 * UMAP tears a smooth range of tilts into islands, and each becomes a cluster; a clustering of the first principal
 * components keeps the range whole but loses its thin ends. Where two islands meet on the scan, a tear is as smooth as
 * the crystal on either side of it, and a domain wall is a jump (docs/method.md, section Consensus). */
#ifndef CEPMAN_CONSENSUS_H
#define CEPMAN_CONSENSUS_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* Options, kind "consensus":
 *   agreement  real 0..1 (0.5): a fine cluster belongs to the coarse cluster that most of its points are in, when at
 *              least this fraction of its points is in any
 *   contrast   real 1..1000 (2.5): across a border, the step in feature space over `lag` scan points, divided by the
 *              steps before and behind it (medians); above this the border is a wall and forbids joining
 *   lag        integer 1..100 (3), scan points: wider than a wall
 *   interior   real 0..1 (0.1): a cluster of which less than this fraction has only its own points around it on the
 *              scan is a wall and becomes noise; 0 keeps all */
CEPMAN_API cepman_status cepman_consensus_options_create(cepman_options **out, cepman_context *context);

/* fine, coarse: one label per scan point; features: one row per scan point (a few principal components do), rows with
 * NaN or infinities are left out; the scan is scan_rows x scan_columns, row-major. Labels of the result are numbered
 * by the lowest fine cluster in them; fine noise stays noise. Deterministic, O(points) memory beside a table of fine x
 * coarse clusters. Errors: ARGUMENT, SHAPE (counts differ), MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_consensus_merge(cepman_labels **out, cepman_context *context,
                                                const cepman_labels *fine, const cepman_labels *coarse,
                                                const cepman_matrix *features, size_t scan_rows,
                                                size_t scan_columns, const cepman_options *options);

CEPMAN_END

#endif
