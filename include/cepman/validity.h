/* How good a clustering is: against a truth. */
#ifndef CEPMAN_VALIDITY_H
#define CEPMAN_VALIDITY_H

#include <cepman/matrix.h>

CEPMAN_BEGIN

/* All functions compare two labellings of the same points. Points whose truth is below 0 are left out (unknown);
 * labels below 0 are noise. CEPMAN_ERR_SHAPE when the counts differ. */

/* Fraction of points whose cluster is matched, one to one, to their class (Hungarian method); noise and surplus
 * clusters count as errors. NaN when no truth is known. */
CEPMAN_API cepman_status cepman_validity_accuracy(double *out, cepman_context *context, const cepman_labels *labels,
                                                  const cepman_labels *truth);
/* Adjusted Rand index (Hubert and Arabie 1985); noise counts as one more cluster. */
CEPMAN_API cepman_status cepman_validity_ari(double *out, cepman_context *context, const cepman_labels *labels,
                                             const cepman_labels *truth);
/* Adjusted mutual information (Vinh, Epps, Bailey 2010), arithmetic mean; noise counts as one more cluster. */
CEPMAN_API cepman_status cepman_validity_ami(double *out, cepman_context *context, const cepman_labels *labels,
                                             const cepman_labels *truth);

CEPMAN_END

#endif
