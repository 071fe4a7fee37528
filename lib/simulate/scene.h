/* Private to simulate/: what stands at each scan point. */
#ifndef CEP_SIMULATE_SCENE_H
#define CEP_SIMULATE_SCENE_H

#include "simulate.h"

enum { CEP_SCENE_TWIN_DOMAINS, CEP_SCENE_AG_TILT, CEP_SCENE_OXIDE_PARTICLE };
enum { CEP_MOST_PHASES = 6 };

typedef enum cep_matter { CEP_IN_CRYSTAL, CEP_IN_GLASS, CEP_IN_VACUUM } cep_matter;

/* A region of the scene: its truth label is its index. */
typedef struct cep_phase {
    cep_matter matter;
    cep_crystal crystal;
    cep_orientation orientation;
    double background; /* share of electrons scattered diffusely */
} cep_phase;

typedef struct cep_scene {
    int kind;
    size_t rows, columns;
    uint64_t seed;
    double tilt; /* largest mistilt, radians */
    size_t phases;
    cep_phase phase[CEP_MOST_PHASES];
    double mean_thickness; /* angstrom */
} cep_scene;

/* One scan point: how much of the probe is in each phase (sum 1) and the state of the foil there. */
typedef struct cep_point {
    double weight[CEP_MOST_PHASES];
    double about_x, about_y, spin, strain, thickness;
} cep_point;

/* tilt in radians, NaN: the scene's own. */
void cep_scene_set(cep_scene *scene, int kind, size_t rows, size_t columns, double tilt, uint64_t seed);
void cep_scene_point(const cep_scene *scene, size_t row, size_t column, cep_point *point);
/* Index of the phase that holds at least 95 % of the probe, or -1. */
int32_t cep_scene_label(const cep_scene *scene, const cep_point *point);

#endif
