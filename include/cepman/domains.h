/* Domains of a scan: what belongs together by its features and by where it lies.
 *
 * A clustering of features alone splits a bent crystal where its tilts are rare, and calls mixtures on walls a domain of
 * their own. A scan tells more: noise is new at every point and the crystal is not; a tilt changes little by little from
 * point to point and a wall is a jump; a wall is thin. cepman_domains_find() makes pure pieces (HDBSCAN of features that are
 * smoothed within domains), joins those between which the scan shows no jump, and those elsewhere that differ by less than
 * walls of this scan do, and gives what is left to the domain it lies in and looks like. Of nine such labellings, from
 * coarser and finer pieces in more and fewer columns, it returns the one that the others agree with best (docs/method.md,
 * Domains). */
#ifndef CEPMAN_DOMAINS_H
#define CEPMAN_DOMAINS_H

#include <cepman/matrix.h>
#include <cepman/options.h>
#include <cepman/pca.h>

CEPMAN_BEGIN

/* Options, kind "domains":
 *   density-columns  integer 1..8 (8): first columns of the features that pieces are found in
 *   passes           integer 0..10 (2): of smoothing over 3 x 3 points
 *   power            integer 1..8 (3): that cepman_domains_sharpen() raises smoothed cepstra to; 1 leaves them as they are
 *   piece            real 0.001..1 (0.015): least fraction of the points in a piece (at least 8 points)
 *   piece-samples    integer 1..1000 (5): of HDBSCAN
 *   domain           real 0..1 (0.03): least fraction of the points in a domain (at least 8 points)
 *   least-jump       real 0..1e30 (0.62), in units of the features: no border with a smaller jump is a wall. For features
 *                    of unit length it is the chord of an angle; the default is for sharpened ones (0.3 for cepstra scaled by
 *                    l2 as they are). Pieces whose means differ by less than 0.4 of it are one; a border that jumps by less
 *                    than half of it is no wall either
 *   wall             real 0..10 (0.65): jump across a border over the usual jump across walls of this scan, above which it is
 *                    a wall; pieces that do not touch are one domain when they differ by less
 *   tear             real 0..1e6 (5): jump across a border over the steps beside it, below which a border that is no wall is
 *                    a tear: its sides are one domain
 *   mixing           real 0..1 (0.15): for the program: part of a neighbouring domain from which a point is on a wall */
CEPMAN_API cepman_status cepman_domains_options_create(cepman_options **out, cepman_context *context);

/* How much a scan's neighbours differ: the median squared distance between the features of scan neighbours over that between
 * points of the scan in general (sampled): 0 for large smooth domains, near 1 when a point says nothing of its neighbour; 1
 * when there is nothing to compare. Above a half cepman_domains_find() has little to go by. Errors: ARGUMENT, SHAPE,
 * MEMORY, UNSUPPORTED (not float32). */
CEPMAN_API cepman_status cepman_domains_coherence(double *out, cepman_context *context,
                                                  const cepman_matrix *features, size_t scan_rows,
                                                  size_t scan_columns);

/* Features in which domains lie farther apart and tilts of one domain closer together than in cepstra: the scores are smoothed
 * on the scan, turned back into cepstra, raised to `power` (a tilt changes the weak parts more than the peaks, which are the
 * lattice's), made of unit length, and projected on as many principal components of their own (of 1,024 of them).
 * scores: float32, n x components, as cepman_pca_apply() gives; pca: what gave them, fitted to cepstra scaled by l2 (or any
 * other that are not negative). Scan 0 x 0: none, without smoothing. out: n x components, NaN where scores are not finite.
 * options: kind "domains" (passes, power) or NULL. The same bits for any number of threads. Cost: n * features * components,
 * 1,024 rows of cepstra in memory. Errors: ARGUMENT, SHAPE (columns are not the components; the scan is not n), MEMORY, LIMIT,
 * UNSUPPORTED (not float32), CANCELLED. */
CEPMAN_API cepman_status cepman_domains_sharpen(cepman_matrix **out, cepman_context *context,
                                                const cepman_matrix *scores, const cepman_pca *pca,
                                                size_t scan_rows, size_t scan_columns,
                                                const cepman_options *options);

/* features: float32, one row per scan point, row-major (those of cepman_domains_sharpen(), or some 10 principal components of
 * cepstra of unit length with a smaller least-jump); rows with NaN or infinities are noise. Labels: domains are numbered by their first piece, -1 is noise (what is in no domain of that size).
 * When HDBSCAN finds nothing to split, all are one domain, 0. Deterministic, the same for any number of threads. Memory
 * O(points * columns); time is HDBSCAN's. options: kind "domains" or NULL. Errors: ARGUMENT, SHAPE (counts differ), MEMORY,
 * LIMIT, UNSUPPORTED (not float32), CANCELLED. */
CEPMAN_API cepman_status cepman_domains_find(cepman_labels **out, cepman_context *context,
                                             const cepman_matrix *features, size_t scan_rows,
                                             size_t scan_columns, const cepman_options *options);

/* How much of a neighbouring domain is in each point, for any labels of a scan: 0 within domains, up to 1; the point's place
 * between the means of the inner points (with their own label all around them) of its own domain and of another, within three
 * points of it. 0 for noise and where there is no such other. mixing: room for one float per point, the caller's. Other
 * arguments and errors as for cepman_domains_find(). */
CEPMAN_API cepman_status cepman_domains_mixing(float *mixing, cepman_context *context,
                                               const cepman_labels *labels, const cepman_matrix *features,
                                               size_t scan_rows, size_t scan_columns,
                                               const cepman_options *options);

CEPMAN_END

#endif
