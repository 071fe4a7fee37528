/* Simulated scans with ground truth: nanobeam diffraction of crystals, by single scattering or by Bloch waves, on a
 * detector with its faults.
 *
 * Electron scattering factors of Peng, Ren, Dudarev, Whelan (Acta Cryst. A 52, 257), Debye-Waller factors, excitation
 * errors on the Ewald sphere, foils averaged over a part of their thickness, disks of the convergence angle, diffuse
 * scattering, amorphous films with speckle. Without descan and jitter the beam stands at pixel (frame / 2, frame / 2) of
 * every frame. docs/method.md, section Simulated scans, has the formulas and their sources. */
#ifndef CEPMAN_SIMULATE_H
#define CEPMAN_SIMULATE_H

#include <cepman/dataset.h>

CEPMAN_BEGIN

/* Options, kind "simulate" (docs/options.md has units and ranges):
 *   scene        choice, default twin-domains; below
 *   scan-rows, scan-columns  integers 1 to 4096, default 64 x 64
 *   frame        integer 8 to 1024, default 128: detector pixels on a side
 *   tilt         real 0 to 45 degrees or auto (default): largest mistilt; auto: 3, 10, 2, 20, 6, 1 in the order of the scenes
 *   dose         real 1 to 1e9, default 1e5: electrons a frame (a pixel holds at most 65535)
 *   voltage      real 20 to 1000, default 200: kV
 *   convergence  real 0 to 20, default 1.2: semi-angle in mrad
 *   pixel        real 0.001 to 0.5, default 0.032: 1/angstrom
 *   seed         integer, default 42
 *   crystal      text: a built-in crystal or a file (docs/formats.md), in the place of the scene's own
 *   zone         text "u v w", default "0 0 1": the beam's direction in scene single-crystal
 *   thickness    real 1 to 10000 angstrom or auto: the scene's nominal one
 *   debye-waller real 0 to 20 square angstrom or auto: B of all atoms; auto: the crystal's own
 *   theory       choice auto|kinematical|bloch; absorption (0 to 0.5), beams (1 to 1000), directions (0 to 6 rings) are of
 *                Bloch waves
 *   step, probe  reals in nanometres or auto: between scan points; full width of the probe at half maximum
 *   background, amorphous  reals 0 to 0.9 or auto: parts of the electrons; speckle 0 to 1: its contrast
 *   descan, jitter  reals in pixels or auto: slow and fast shifts of the beam
 *   read-noise, dark-level  reals in counts; hot-pixels, dead-pixels: parts of the pixels; saturation: counts, to 65535
 * Scenes and their labels:
 *   twin-domains    SnSe seen along a: two grains that are turned by 90 degrees, each with twins (0 and 1, 2 and 3), so that
 *                   0 and 3 differ by 4 degrees; the foil bends, wedges and strains; walls are one cell thick; the crystal
 *                   of one corner is gone (no label). twin-domains-hard: twice the tilt and rotation
 *   ag-tilt         silver along [100], [110], [111] (0, 1, 2) in three bands, each with the tilts from -tilt to tilt about
 *                   axes that keep the three apart. ag-tilt-hard: about axes that make them meet, the thickness within
 *                   40 %, rotated by 1 degree and shifted by half a pixel (standard deviations)
 *   oxide-particle  vacuum 0, aluminium twins 1 and 2 along [110], gamma-alumina along [110] 3 and [100] 4,
 *                   polycrystalline oxide 5, amorphous oxide 6
 *   single-crystal  one crystal along a zone, tilted from -tilt to tilt about x over the rows and about y over the columns
 * New choices and options may follow. */
CEPMAN_API cepman_status cepman_simulate_options_create(cepman_options **out, cepman_context *context);

/* A simulated scan and the truth about it: immutable, reference-counted. */
typedef struct cepman_simulation cepman_simulation;

/* Makes the scan (u16 counts, held in memory, format "simulated"). options may be NULL. The same bits for the same
 * options and any number of threads; Bloch waves come from LAPACK on the calling thread, so that their last digits follow
 * its version and its own number of threads. Cost: a millisecond a frame and thread; Bloch waves 5 to 20 times that.
 * Errors: ARGUMENT (crystal, zone), OPTION, IO and FORMAT (file of a crystal), RANGE (its cell), UNSUPPORTED (a cell
 * with too many reflections), NUMERIC, MEMORY, LIMIT, CANCELLED. */
CEPMAN_API cepman_status cepman_simulate_scan(cepman_simulation **out, cepman_context *context,
                                              const cepman_options *options);
CEPMAN_API cepman_simulation *cepman_simulation_ref(cepman_simulation *simulation);
CEPMAN_API void cepman_simulation_unref(cepman_simulation *simulation);

/* All of these are the simulation's own: take a reference to keep one longer. */
CEPMAN_API cepman_dataset *cepman_simulation_dataset(const cepman_simulation *simulation);
/* One label per scan point, -1 where less than 95 % of the probe is in one domain (walls), and in a defect. */
CEPMAN_API cepman_labels *cepman_simulation_truth(const cepman_simulation *simulation);
/* 0 within a domain, 1 where domains meet, 2 in a defect. */
CEPMAN_API cepman_labels *cepman_simulation_boundary(const cepman_simulation *simulation);
/* One row of 8 per scan point: the share of the domain that has most of the probe, its thickness (angstrom), tilts about
 * x and y and rotation (degrees), strain, shift of the beam along columns and rows (pixels). */
CEPMAN_API cepman_matrix *cepman_simulation_state(const cepman_simulation *simulation);
/* frame x frame bytes: 1 hot, 2 dead, 0 good; NULL when all are good. A mask for cepman_dataset_view_masked(). */
CEPMAN_API const uint8_t *cepman_simulation_bad_pixels(const cepman_simulation *simulation);

/* The frames and the labels alone; truth may be NULL. Errors: as above. */
CEPMAN_API cepman_status cepman_simulate(cepman_dataset **out, cepman_labels **truth, cepman_context *context,
                                         const cepman_options *options);

CEPMAN_END

#endif
