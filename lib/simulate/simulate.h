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
    double centre[2];   /* pixel of the direct beam: column, row; frame / 2 without descan */
    size_t frame;       /* pixels on a side */
} cep_optics;

void cep_optics_set(cep_optics *optics, double kilovolt, double convergence, double pixel, size_t frame);

/* Beams farther than this along x or y do not touch the detector. */
double cep_optics_corner(const cep_optics *optics);

enum { CEP_ELEMENTS = 98 };
/* Atomic number of a chemical symbol ("Ag"), 0 when there is none. */
int cep_element_number(const char *symbol, size_t length);
/* Scattering factor for electrons of an atom at rest, in angstrom; g = 2 sin(theta) / wavelength. */
double cep_scattering_factor(int number, double g);

/* ---- crystals ------------------------------------------------------------------------------------------------- */

typedef struct cep_structure cep_structure;

typedef struct cep_atom {
    int element;  /* atomic number */
    double at[3]; /* fractions of the cell */
    double b;     /* Debye-Waller factor, square angstrom */
    double occupancy;
} cep_atom;

/* A built-in crystal by name, or a file by path. */
cepman_status cep_structure_open(cep_structure **out, cep_memory *mem, cep_fault *fault, const char *what);
/* Every atom's Debye-Waller factor becomes b square angstrom. */
void cep_structure_set_b(cep_structure *s, double b);
/* The text of a file, own format or CIF. */
cepman_status cep_structure_parse(cep_structure **out, cep_memory *mem, cep_fault *fault, const char *name,
                                  const char *text, size_t length);
void cep_structure_free(cep_structure *structure);
/* Rows a, b, c in the crystal's coordinates (a along x, b in the plane xy), and a*, b*, c*. */
void cep_structure_lattice(const cep_structure *structure, double cell[3][3], double reciprocal[3][3]);
const cep_atom *cep_structure_atoms(const cep_structure *structure, size_t *count);
/* The direction [uvw] in the crystal's coordinates. */
void cep_structure_direction(const cep_structure *structure, const double uvw[3], double out[3]);

/* Structure factors in angstrom, with Debye-Waller factors and occupancies, of a box of indices. */
typedef struct cep_factors {
    cep_memory *mem;
    int most[3];   /* indices -most .. most */
    double *value; /* pairs: real and imaginary part; absent ones are exactly 0 */
    bool real;     /* all imaginary parts are 0 */
} cep_factors;

/* The box holds every reflection with |g| <= longest. */
cepman_status cep_factors_create(cep_factors **out, cepman_context *ctx, const cep_structure *structure,
                                 double longest);
void cep_factors_free(cep_factors *factors);
/* Two numbers; zeros outside the box. */
const double *cep_factor(const cep_factors *factors, int h, int k, int l);

typedef struct cep_reflection {
    double g[3];     /* in the crystal's coordinates */
    double strength; /* 1 / extinction distance, 1/angstrom: gamma |F| / (pi V K) */
    int hkl[3];
} cep_reflection;

/* All reflections with 0 < |g| <= longest whose structure factor does not vanish; with `forbidden` those too that
 * glides and screws extinguish but several scattering reaches. *list: cep_free(). */
cepman_status cep_reflections(cep_reflection **list, size_t *count, cep_memory *mem, cep_fault *fault,
                              const cep_structure *structure, const cep_factors *factors,
                              const cep_optics *optics, double longest, bool forbidden);

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
/* The same of a disk that is 1 everywhere. */
double cep_draw_beam(double *image, const cep_optics *optics, double gx, double gy);

typedef struct cep_slab {
    const cep_reflection *list;
    size_t count;
    cep_orientation orientation;
    double thickness, spread;  /* angstrom */
    double strain;             /* isotropic: g shrinks by 1 - strain */
    double weakest;            /* beams that stay below this part of the direct beam are left out */
    const cepman_context *ctx; /* whose cancelling ends the drawing early; NULL: none */
} cep_slab;

/* image (frame x frame) += the pattern of a slab: direct beam 1 plus its reflections. Returns what was added, with
 * what falls beside the detector. */
double cep_draw_slab(double *image, const cep_optics *optics, const cep_slab *slab);

/* ---- Bloch waves ------------------------------------------------------------------------------------------------ */

typedef struct cep_beam {
    double g[3]; /* laboratory coordinates */
    double strength;
    double rank; /* what it is chosen by */
    int hkl[3];
} cep_beam;

typedef struct cep_bloch {
    const cep_factors *factors;
    double scale;      /* F to U / 2K: gamma / (2 pi V K) */
    double absorption; /* imaginary over real potential */
    cep_beam *beam; /* [0] is the direct beam; the first `strong` are diagonalised, the rest in first order */
    size_t count, strong, room;
} cep_bloch;

double cep_bloch_scale(const cep_structure *structure, const cep_optics *optics);
/* Fills b->beam (room: 1 + count of the list) for a slab: every reflection that reaches the detector and slab->weakest. The strong ones, at most `most` with the direct beam, are those with the largest
 * p_g = max over h of a_h |U_{g-h}| / (2K |s_g|), a_0 = 1, a_h = min(1, |U_h| / (2K |s_h|)), and p_g >= 0.01; equals
 * stay together. */
void cep_bloch_select(cep_bloch *b, const cep_optics *optics, const cep_slab *slab, size_t most);
/* Doubles of a matrix of the strong beams. */
size_t cep_bloch_size(const cep_bloch *b);
/* The matrix of the strong beams along the middle of the cone, for cep_linalg_hermitian(); the weak beams (the first 400 of
 * them) act on it in second order, unless |s| is below 0.005. scratch: two rows. */
void cep_bloch_matrix(const cep_bloch *b, const cep_optics *optics, double thickness, double *scratch,
                      double *a);
/* The same for the incident direction with transverse wave vector (kx, ky), from that one. */
void cep_bloch_tilt(const cep_bloch *b, const cep_optics *optics, double kx, double ky, const double *central,
                    double *a);
/* Doubles of scratch for cep_bloch_intensities(). */
size_t cep_bloch_scratch(size_t strong);
/* intensity[count] of all beams from eigenvectors and values, averaged over thickness - spread .. + spread. */
void cep_bloch_intensities(const cep_bloch *b, const cep_optics *optics, double kx, double ky,
                           const double *vectors, const double *values, double thickness, double spread,
                           double *scratch, double *intensity);

/* Incident directions that stand for the cone: the middle and `rings` rings of equal cells. */
enum { CEP_MOST_RINGS = 6, CEP_MOST_DIRECTIONS = 1 + 3 * CEP_MOST_RINGS * (CEP_MOST_RINGS + 1) };
size_t cep_cone(const cep_optics *optics, size_t rings, double (*k)[2]);
/* image += all beams, intensity[direction * count + beam] in between by Shepard's interpolation. Returns the sum. */
double cep_draw_bloch(double *image, const cep_optics *optics, const cep_bloch *b, const double (*k)[2],
                      size_t directions, const double *intensity);

/* ---- noise ------------------------------------------------------------------------------------------------------ */

/* A Poisson number of this mean (0 .. 1e9), a function of (seed, stage, item). */
uint64_t cep_poisson(double mean, uint64_t seed, uint64_t stage, uint64_t item);

#endif
