/* Simulated scans with ground truth: kinematical nanobeam diffraction of small crystals, with Poisson counts. */
#ifndef CEPMAN_SIMULATE_H
#define CEPMAN_SIMULATE_H

#include <cepman/dataset.h>

CEPMAN_BEGIN

/* Options, kind "simulate":
 *   scene       choice  twin-domains|ag-tilt|oxide-particle
 *   scan-rows, scan-columns   integers (default 64 x 64)
 *   frame       integer: detector pixels on a side (default 128)
 *   tilt        real, degrees: largest mistilt
 *   dose        real, electrons a frame (default 1e5); 0: expected values without noise are not offered
 *   voltage     real, kV (default 200); convergence real, mrad (default 1.2); pixel real, 1/angstrom (default 0.032)
 *   seed        integer */
CEPMAN_API cepman_status cepman_simulate_options_create(cepman_options **out, cepman_context *context);

/* Makes the scan (u16 counts, held in memory) and its ground truth (one label per scan point, -1 where the truth
 * is mixed: domain walls). truth may be NULL. Deterministic by seed. */
CEPMAN_API cepman_status cepman_simulate(cepman_dataset **out, cepman_labels **truth, cepman_context *context,
                                         const cepman_options *options);

CEPMAN_END

#endif
