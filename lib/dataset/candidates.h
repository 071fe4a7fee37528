/* Which array of a file that holds several, and which of its axes are the scan's. Private to dataset/. */
#ifndef CEP_CANDIDATES_H
#define CEP_CANDIDATES_H

#include "reader.h"

enum { CEP_NAME = 512, CEP_MOST_FOUND = 64, CEP_MOST_AXES = 32 };

typedef struct cep_candidate {
    char name[CEP_NAME];
    size_t axes; /* without those of 1 that are too many */
    int rank;    /* how sure we are of its layout: 0 not at all */
} cep_candidate;

typedef struct cep_candidates {
    cep_candidate found[CEP_MOST_FOUND];
    size_t count;
} cep_candidates;

/* Keeps an array of three or four axes; others, names that are too long, and those beyond CEP_MOST_FOUND are left out. */
void cep_candidates_add(cep_candidates *all, const char *name, const uint64_t *shape, size_t dims, int rank);
/* The best of what was found; a tie goes to the first by name, with a warning. */
cepman_status cep_candidates_choose(const cep_opening *opening, const cep_candidates *all, const char **name);
/* CEPMAN_ERR_UNSUPPORTED with the reason and a list of what there is. */
cepman_status cep_candidates_none(const cep_opening *opening, const cep_candidates *all, const char *why);

/* True when the name is a/b/c with * for any one part. */
bool cep_name_like(const char *name, const char *pattern);

/* The axes of an array of frames. */
typedef struct cep_axes {
    int row, column;      /* -1: none */
    size_t rows, columns; /* of the scan; a stack has one row */
    size_t height, width;
} cep_axes;

/* The last two axes are the frame; of those before, all but two must be 1 (a colour axis of fpd files is the third). False
 * when they are not, or a size is 0 or beyond the limits of a dataset. At most CEP_MOST_AXES. */
bool cep_axes_of(cep_axes *axes, const uint64_t *shape, size_t dims);

#endif
