/* Simulated scans with ground truth: kinematical nanobeam diffraction of small crystals, with Poisson counts.
 *
 * Electron scattering factors of Peng, Ren, Dudarev, Whelan (Acta Cryst. A 52, 257), Debye-Waller factors, excitation
 * errors on the Ewald sphere, the shape factor of a foil averaged over 10 % of its thickness, disks of the convergence
 * angle, diffuse scattering. The beam stands at pixel (frame / 2, frame / 2) of every frame. */
#ifndef CEPMAN_SIMULATE_H
#define CEPMAN_SIMULATE_H

#include <cepman/dataset.h>

CEPMAN_BEGIN

/* Options, kind "simulate":
 *   scene        choice twin-domains|ag-tilt|oxide-particle, default twin-domains
 *   scan-rows, scan-columns  integers 1 to 4096, default 64 x 64
 *   frame        integer 8 to 1024, default 128: detector pixels on a side
 *   tilt         real 0 to 45 or auto (default), degrees: largest mistilt; auto: 1.5, 10, 1 in the order of the scenes
 *   dose         real 1 to 1e9, default 1e5: electrons a frame (a pixel holds at most 65535)
 *   voltage      real 20 to 1000, default 200: kV
 *   convergence  real 0 to 20, default 1.2: semi-angle in mrad
 *   pixel        real 0.001 to 0.5, default 0.032: 1/angstrom
 *   seed         integer, default 42
 * Scenes and their labels:
 *   twin-domains    SnSe seen along a: grain 1 with twins 0 and 1, grain 2, turned by 30 degrees, with twins 2 and 3;
 *                   the foil bends, wedges and strains smoothly
 *   ag-tilt         silver along [100], [110], [111] (0, 1, 2) in three bands, each point tilted at random
 *   oxide-particle  vacuum 0, aluminium twins 1 and 2 along [110], gamma-alumina along [110] 3 and [100] 4,
 *                   amorphous oxide 5 */
CEPMAN_API cepman_status cepman_simulate_options_create(cepman_options **out, cepman_context *context);

/* Makes the scan (u16 counts, held in memory, format "simulated") and its ground truth: one label per scan point, -1
 * where less than 95 % of the probe is in one domain (walls). truth and options may be NULL. The same bits
 * for the same options and any number of threads. Cost: about a millisecond a frame and thread.
 * Errors: ARGUMENT, OPTION, MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_simulate(cepman_dataset **out, cepman_labels **truth, cepman_context *context,
                                         const cepman_options *options);

CEPMAN_END

#endif
