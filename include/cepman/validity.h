/* How good a clustering is: against a truth, and by itself. */
#ifndef CEPMAN_VALIDITY_H
#define CEPMAN_VALIDITY_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* ---- against a truth ---------------------------------------------------------------------------------------- */

/* These functions compare two labellings of the same points. Points whose truth is below 0 are left out (unknown);
 * labels below 0 are noise. CEPMAN_ERR_SHAPE when the counts differ. */

/* Fraction of points whose cluster is matched, one to one, to their class (Hungarian method); noise and surplus
 * clusters count as errors. NaN when no truth is known. */
CEPMAN_API cepman_status cepman_validity_accuracy(double *out, cepman_context *context,
                                                  const cepman_labels *labels, const cepman_labels *truth);
/* Adjusted Rand index (Hubert and Arabie 1985); noise counts as one more cluster. */
CEPMAN_API cepman_status cepman_validity_ari(double *out, cepman_context *context,
                                             const cepman_labels *labels, const cepman_labels *truth);
/* Adjusted mutual information (Vinh, Epps, Bailey 2010), arithmetic mean; noise counts as one more cluster. */
CEPMAN_API cepman_status cepman_validity_ami(double *out, cepman_context *context,
                                             const cepman_labels *labels, const cepman_labels *truth);

/* ---- by itself ------------------------------------------------------------------------------------------------ */

/* These functions look at points and their labels, with Euclidean distances. Noise (labels below 0) is left out, and
 * its rows may hold anything; any other row must be finite (CEPMAN_ERR_DATA names the first that is not). Numbers that
 * no point has are no clusters. The value is NaN when there are fewer than two clusters. CEPMAN_ERR_SHAPE when rows and
 * labels differ in number. */

/* Mean silhouette (Rousseeuw 1987), -1 to 1, higher is better; a cluster of one point counts 0. sample: 0 for all
 * points, else that many drawn by seed without repeats, which are compared among themselves (5,000 to 10,000 are
 * enough). values: NULL, or one per row, NaN where a row was left out. O(points^2 d) time, O(points + clusters) memory
 * per thread. */
CEPMAN_API cepman_status cepman_validity_silhouette(double *out, double *values, cepman_context *context,
                                                    const cepman_matrix *matrix, const cepman_labels *labels,
                                                    size_t sample, uint64_t seed);
/* The same with distances to the clusters' means in the place of mean distances (Hruschka, de Castro, Campello 2004):
 * O(points clusters d). */
CEPMAN_API cepman_status cepman_validity_simplified_silhouette(double *out, cepman_context *context,
                                                               const cepman_matrix *matrix,
                                                               const cepman_labels *labels);
/* Variance between clusters over variance within (Calinski and Harabasz 1974), higher is better; 1 when all points are
 * at their cluster's mean. */
CEPMAN_API cepman_status cepman_validity_calinski_harabasz(double *out, cepman_context *context,
                                                           const cepman_matrix *matrix,
                                                           const cepman_labels *labels);
/* Mean over clusters of the worst (spread + spread) / distance of means (Davies and Bouldin 1979), lower is better; 0
 * when all points are at their cluster's mean, infinite when two means coincide otherwise. */
CEPMAN_API cepman_status cepman_validity_davies_bouldin(double *out, cepman_context *context,
                                                        const cepman_matrix *matrix,
                                                        const cepman_labels *labels);
/* Sum of squared distances to the clusters' means, what K-means makes small; 0 when no row has a label. Never NaN. */
CEPMAN_API cepman_status cepman_validity_inertia(double *out, cepman_context *context,
                                                 const cepman_matrix *matrix, const cepman_labels *labels);
/* Gap statistic (Tibshirani, Walther, Hastie 2001): mean over the references of log W of K-means with as many clusters,
 * less log W of the labels; W is the inertia, a reference as many points, uniform in the box that the labelled rows
 * span. deviation: NULL, or sqrt(1 + 1 / references) times the standard deviation of the references' log W; the
 * paper takes the smallest k whose gap is at least the next k's gap less the next k's deviation. One cluster is enough
 * here. references: 1 to 1000 (4 will do for a choice); each costs three K-means. Infinite when the labels' W is 0; NaN
 * without clusters, or when a reference's is 0 too. Memory O(points d). */
CEPMAN_API cepman_status cepman_validity_gap(double *gap, double *deviation, cepman_context *context,
                                             const cepman_matrix *matrix, const cepman_labels *labels,
                                             size_t references, uint64_t seed);

/* ---- against itself --------------------------------------------------------------------------------------------- */

/* Mean adjusted Rand index over all pairs of `count` (2 to 1000) labellings of the same points, the earlier one taken as
 * the truth: how much a clusterer's answers depend on seed or sample. */
CEPMAN_API cepman_status cepman_validity_agreement(double *out, cepman_context *context,
                                                   const cepman_labels *const *labels, size_t count);
/* That of K-means: `runs` (2 to 1000) fits with the options `kmeans` (of kind "kmeans", NULL: defaults), seeds seed,
 * seed + 1, ..., each on a fraction (above 0, at most 1) of the rows drawn without repeats, at least k; the fits then
 * label all rows (Ben-Hur, Elisseeff, Guyon 2002). 1 when all agree. Errors also those of cepman_kmeans_fit(). */
CEPMAN_API cepman_status cepman_validity_stability(double *out, cepman_context *context,
                                                   const cepman_matrix *matrix, const cepman_options *kmeans,
                                                   size_t runs, double fraction);

/* Density-based clustering validation (DBCV: Moulavi, Jaskowiak, Campello, Zimek, Sander 2014), -1 to 1, higher is
 * better: per cluster (apart - sparse) / the larger of both, weighted by its share of all points, noise included, so
 * that noise counts against. sparse: the heaviest edge inside the spanning tree of the cluster's all-points mutual
 * reachability; apart: the lightest pair with another cluster. Points of degree one in a tree are its border and take
 * part in neither. A cluster of one point counts as noise. Coincident points add nothing to each other's core
 * distance. values: NULL, or one per label, NaN for labels without points or with one. NaN with fewer than two clusters
 * of two points. O(points^2 d) time, O(points) memory. */
CEPMAN_API cepman_status cepman_validity_dbcv(double *out, double *values, cepman_context *context,
                                              const cepman_matrix *matrix, const cepman_labels *labels);

CEPMAN_END

#endif
