/* Private to simulate/: how crystals are put together, from tables and from files. */
#ifndef CEP_STRUCTURE_H
#define CEP_STRUCTURE_H

#include "simulate.h"

enum { CEP_MOST_ATOMS = 10000, CEP_MOST_OPERATORS = 192 };

struct cep_structure {
    cep_memory *mem;
    char name[64];
    double cell[3][3]; /* rows a, b, c in the crystal's coordinates, angstrom: a along x, b in the plane xy */
    double reciprocal[3][3]; /* rows a*, b*, c* */
    double volume;
    size_t atoms, room;
    cep_atom *atom;
};

/* An empty structure; NULL without memory. */
cep_structure *cep_structure_create(cep_memory *mem, const char *name);
/* Edges in angstrom, angles alpha, beta, gamma in degrees. */
cepman_status cep_structure_cell(cep_structure *s, cep_fault *fault, const double edge[3],
                                 const double angle[3]);
cepman_status cep_structure_atom(cep_structure *s, cep_fault *fault, const cep_atom *atom);

/* A piece of a line. */
typedef struct cep_word {
    const char *at;
    size_t length;
} cep_word;
/* x' = turn x + shift, in fractions of the cell. */
typedef struct cep_symmetry {
    double turn[3][3], shift[3];
} cep_symmetry;
bool cep_symmetry_parse(cep_symmetry *out, const char *text, size_t length);
/* Adds the images of all atoms, each site once. */
cepman_status cep_structure_expand(cep_structure *s, cep_fault *fault, const cep_symmetry *symmetry,
                                   size_t count);

/* Adds the atoms that the centring P, I, A, B, C, F or R repeats; false for another letter. */
bool cep_structure_centre(cep_structure *s, cep_fault *fault, cep_word letter, cepman_status *status);
/* One of the built-in crystals into an empty structure; false when the name is not one of theirs. */
bool cep_structure_builtin(cep_structure *s, cep_fault *fault, const char *name, cepman_status *status);

bool cep_word_is(cep_word word, const char *text);
/* A finite number; CIF's standard uncertainty in brackets may follow it. */
bool cep_word_real(cep_word word, double *value);
/* "Al", "AL1", "O2-": the element at its beginning; 0: none. */
int cep_word_element(cep_word word);
/* What every atom must fulfil; line for the sentence. */
cepman_status cep_check_atom(const cep_structure *s, cep_fault *fault, const cep_atom *atom, size_t line);

cepman_status cep_structure_cif(cep_structure *s, cep_fault *fault, const char *text, size_t length);

#endif
