/* Private to simulate/: what stands at each scan point. */
#ifndef CEP_SIMULATE_SCENE_H
#define CEP_SIMULATE_SCENE_H

#include "simulate.h"

enum {
    CEP_SCENE_TWIN_DOMAINS,
    CEP_SCENE_AG_TILT,
    CEP_SCENE_OXIDE_PARTICLE,
    CEP_SCENE_AG_TILT_HARD,
    CEP_SCENE_TWIN_DOMAINS_HARD,
    CEP_SCENE_SINGLE_CRYSTAL
};
enum { CEP_MOST_PHASES = 7, CEP_MOST_CRYSTALS = 2, CEP_MOST_GRAINS = 6 };

typedef enum cep_matter { CEP_IN_CRYSTAL, CEP_IN_GRAINS, CEP_IN_GLASS, CEP_IN_VACUUM } cep_matter;

/* A region of the scene: its truth label is its index. */
typedef struct cep_phase {
    cep_matter matter;
    size_t crystal; /* index of the scene's structures */
    cep_orientation orientation;
    double background, amorphous; /* shares of electrons: diffuse, in the rings of an amorphous film */
    bool dynamical;               /* Bloch waves where the theory is left to the scene */
} cep_phase;

typedef struct cep_scene {
    int kind;
    size_t rows, columns;
    uint64_t seed;
    double tilt;              /* largest mistilt, radians */
    double probe;             /* standard deviation of the probe in scan steps */
    double step;              /* angstrom between scan points */
    double thickness, spread; /* nominal thickness, angstrom; what a pattern averages over, as a part of it */
    double descan, jitter;    /* pixels: largest slow shift of the beam, standard deviation of the fast one */
    bool doubled;             /* beyond the usual: hard scenes */
    const cep_structure *structure[CEP_MOST_CRYSTALS];
    size_t phases, defect; /* defect: index of the phase that is no domain, or CEP_MOST_PHASES */
    cep_phase phase[CEP_MOST_PHASES];
    size_t rings; /* of the amorphous film: peaks at these places */
    double ring[3], width[3], height[3];
} cep_scene;

/* One scan point: how much of the probe is in each phase (sum 1) and the state of the foil there. */
typedef struct cep_point {
    double weight[CEP_MOST_PHASES], thickness[CEP_MOST_PHASES];
    double about_x, about_y, spin, turn, strain; /* turn: about the beam, after the tilts */
    double wall;                                 /* share of the probe on a wall one cell thick */
    double shift[2];                             /* of the beam: columns, rows */
    size_t grains;                               /* that share a polycrystalline point */
    double share[CEP_MOST_GRAINS];
    cep_orientation grain[CEP_MOST_GRAINS];
} cep_point;

/* Names of the crystals a scene is made of, NULL after the last. */
void cep_scene_crystals(int kind, const char *name[CEP_MOST_CRYSTALS]);
/* Numbers that are NaN become the scene's own. Set before: kind, rows, columns, seed, tilt, probe (nm, FWHM), step (nm),
 * thickness, descan, jitter, structure. zone: [uvw] of a single crystal. */
void cep_scene_set(cep_scene *scene, const double zone[3]);
void cep_scene_point(const cep_scene *scene, size_t row, size_t column, cep_point *point);
/* Index of the phase that holds at least 95 % of the probe; -1 where none does, or in a defect. */
int32_t cep_scene_label(const cep_scene *scene, const cep_point *point);
/* 0 within a domain, 1 on a wall, 2 in a defect. */
int32_t cep_scene_boundary(const cep_scene *scene, const cep_point *point);

#endif
