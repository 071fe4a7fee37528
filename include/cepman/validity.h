/* How good a clustering is: against a truth, and by itself. */
#ifndef CEPMAN_VALIDITY_H
#define CEPMAN_VALIDITY_H

#include <cepman/matrix.h>

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
