/* Private to simulate/: all frames of a scene. */
#ifndef CEP_SIMULATE_SCAN_H
#define CEP_SIMULATE_SCAN_H

#include "detector.h"

enum { CEP_THEORY_AUTO, CEP_THEORY_KINEMATICAL, CEP_THEORY_BLOCH };
enum { CEP_STATES = 8 }; /* numbers a scan point is described by */

typedef struct cep_scan {
    const cepman_context *ctx;
    cep_scene scene;
    cep_optics optics;
    cep_detector detector;
    int theory;
    double absorption, background, amorphous; /* the last two: NaN, as the scene has it */
    double weakest;
    size_t beams, rings; /* Bloch waves: strong beams at most, rings of incident directions */
    cep_structure *structure[CEP_MOST_CRYSTALS];
    cep_factors *factors[CEP_MOST_CRYSTALS];
    cep_reflection *list[CEP_MOST_PHASES]; /* of each phase: those that can come near the sphere */
    size_t count[CEP_MOST_PHASES];
    bool bloch[CEP_MOST_PHASES];
    double (*cone)[2];
    size_t directions;
    double *scratch; /* per worker */
    size_t scratch_size;
    struct cep_bloch_batch *batch;
    /* Outputs: counts, and where not NULL truth, boundary, state of each point. */
    uint16_t *counts;
    int32_t *label, *boundary;
    float *state;
    size_t stride; /* of its rows */
} cep_scan;

/* Makes all frames of a scan whose numbers, structures and outputs are set; the scene is set up too. */
cepman_status cep_scan_run(cep_scan *scan, cepman_context *ctx);
void cep_scan_free(cep_scan *scan, cep_memory *mem);

#endif
