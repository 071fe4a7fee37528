/* Door of simulate/: the public functions, and the pieces that tests look at one by one. Lengths in angstrom,
 * reciprocal lengths g = 1/d in 1/angstrom, angles in radians, voltages in kilovolt. */
#ifndef CEP_SIMULATE_H
#define CEP_SIMULATE_H

#include <cepman/simulate.h>

#include "base.h"
#include "dataset.h"

/* ---- electrons ----------------------------------------------------------------------------------------------- */

typedef struct cep_optics {
    double wave_number; /* 1 / wavelength, relativistic */
    double gamma;       /* relativistic mass over rest mass */
    double convergence; /* semi-angle */
    double pixel;       /* 1/angstrom */
    size_t frame;       /* pixels on a side; the beam is at pixel (frame / 2, frame / 2) */
} cep_optics;

void cep_optics_set(cep_optics *optics, double kilovolt, double convergence, double pixel, size_t frame);

typedef enum cep_element { CEP_O, CEP_AL, CEP_SE, CEP_AG, CEP_SN, CEP_ELEMENTS } cep_element;
/* Scattering factor for electrons of an atom at rest, in angstrom; g = 2 sin(theta) / wavelength. */
double cep_scattering_factor(cep_element element, double g);

/* ---- crystals ------------------------------------------------------------------------------------------------- */

typedef enum cep_crystal {
    CEP_SILVER,
    CEP_ALUMINIUM,
    CEP_TIN_SELENIDE,
    CEP_ALUMINA,
    CEP_CRYSTALS
} cep_crystal;

/* Edges of the cell; all four have right angles. Axes of the crystal's own coordinates run along them. */
void cep_crystal_cell(cep_crystal crystal, double edges[3]);
/* Structure factor in angstrom, with Debye-Waller factors and occupancies. */
void cep_structure_factor(cep_crystal crystal, const int hkl[3], double *real, double *imaginary);

typedef struct cep_reflection {
    double g[3];     /* in the crystal's coordinates */
    double strength; /* 1 / extinction distance, 1/angstrom: gamma |F| / (pi V K) */
    int hkl[3];
} cep_reflection;

/* All reflections with 0 < |g| <= longest whose structure factor does not vanish. *list: cep_free(). */
cepman_status cep_reflections(cep_reflection **list, size_t *count, cep_memory *mem, cep_fault *fault,
                              cep_crystal crystal, const cep_optics *optics, double longest);

/* ---- patterns ------------------------------------------------------------------------------------------------- */

/* Rows: the laboratory's x (columns of a frame), y (rows) and z (the beam) in the crystal's coordinates. */
typedef struct cep_orientation {
    double m[3][3];
} cep_orientation;

/* Beam along `zone`, laboratory x near `x`: directions in the crystal's coordinates. */
void cep_orientation_zone(cep_orientation *out, const double zone[3], const double x[3]);
/* Turns the crystal by `spin` about the beam, then tilts it by `about_y` and `about_x`. */
void cep_orientation_turn(cep_orientation *o, double spin, double about_x, double about_y);

/* Distance from the reciprocal-lattice point g (laboratory coordinates) to the Ewald sphere along the beam, for the
 * incident direction with transverse wave vector k; positive when the point is inside. */
double cep_excitation_error(const cep_optics *optics, const double g[3], double kx, double ky);
/* Kinematical intensity at thickness t, averaged over t - spread .. t + spread; incident intensity 1. */
double cep_kinematical(double strength, double excitation_error, double thickness, double spread);

/* Draws the disk of direction (gx, gy): intensity(argument, kx, ky) at each pixel, weighted with the part of the
 * pixel that the disk covers; a disk of intensity 1 has sum 1. Returns the whole sum, inside the frame or not. */
double cep_draw_disk(double *image, const cep_optics *optics, double gx, double gy,
                     double (*intensity)(void *argument, double kx, double ky), void *argument);

typedef struct cep_slab {
    const cep_reflection *list;
    size_t count;
    cep_orientation orientation;
    double thickness, spread;  /* angstrom */
    double strain;             /* isotropic: g shrinks by 1 - strain */
    const cepman_context *ctx; /* whose cancelling ends the drawing early; NULL: none */
} cep_slab;

/* image (frame x frame) += the pattern of a slab: direct beam 1 plus its reflections. Returns what was added, with
 * what falls beside the detector. */
double cep_draw_slab(double *image, const cep_optics *optics, const cep_slab *slab);

/* ---- noise ------------------------------------------------------------------------------------------------------ */

/* A Poisson number of this mean (0 .. 1e9), a function of (seed, stage, item). */
uint64_t cep_poisson(double mean, uint64_t seed, uint64_t stage, uint64_t item);

#endif
