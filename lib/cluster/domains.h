/* What the files of domains share. */
#ifndef CEP_CLUSTER_DOMAINS_H
#define CEP_CLUSTER_DOMAINS_H

#include <cepman/domains.h>
#include <cepman/pca.h>

#include "exec.h"
#include "matrix.h"

#define CEP_DOMAIN_LEAST 8 /* points: fewer are neither a piece nor a domain */

typedef struct cep_domains {
    cepman_context *ctx;
    cep_memory *mem;
    cepman_options *options;
    const cepman_matrix *features;
    size_t rows, columns, n, d;
    float *smooth; /* n x d, packed */
    bool *good;    /* the row is finite */
    int32_t *label;
    size_t clusters;
} cep_domains;

static inline const float *cep_domains_smooth(const cep_domains *s, size_t i)
{
    return s->smooth + i * s->d;
}

static inline double cep_domains_apart(const float *a, const float *b, size_t d)
{
    double sum = 0;
    for (size_t k = 0; k < d; k++)
        sum += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
    return sum;
}

/* First and last + 1 of the places within `reach` of `at` in 0 .. count - 1. */
static inline size_t cep_domains_from(size_t at, size_t reach)
{
    return at > reach ? at - reach : 0;
}
static inline size_t cep_domains_to(size_t at, size_t reach, size_t count)
{
    return at + reach + 1 < count ? at + reach + 1 : count;
}

/* Median squared step between scan neighbours, 0 when there is none. */
cepman_status cep_domains_step(double *out, const cep_domains *s);
cepman_status cep_domains_make_smooth(cep_domains *s);
/* Whether all of the 3 x 3 points around a labelled one have its label. */
void cep_domains_inner(const cep_domains *s, bool *inner);
/* Takes out clusters whose keep[] is 0 and numbers the others in their order; keep[] becomes their numbers. */
void cep_domains_renumber(cep_domains *s, int32_t *keep);
/* What the scan shows where two pieces meet. */
typedef struct cep_contact {
    size_t count;
    double jump, low, high; /* across, and on either side; negative: not measured */
    size_t first, second;   /* pieces */
} cep_contact;
/* All pairs of pieces that meet, by the lower, then the higher piece. *out is the caller's to free. */
cepman_status cep_domains_contacts(cep_contact **out, size_t *count, cep_domains *s);
/* Joins pieces whose means hardly differ: what noise alone took apart. */
cepman_status cep_domains_join_alike(cep_domains *s);
/* Joins pieces; *usual: how far apart sides of walls are on this scan, infinite without walls. */
cepman_status cep_domains_join(cep_domains *s, double *usual);
/* Noise that lies in a domain and looks like it becomes part of it; points near borders go to the nearer side. */
cepman_status cep_domains_fill(cep_domains *s, double usual);
/* Sharpened features from s->smooth, the scores that the components gave. */
cepman_status cep_domains_sharpen(cepman_matrix **out, cep_domains *s, const cepman_pca *pca);
cepman_status cep_domains_mix(const cep_domains *s, float *mixing);

#endif
