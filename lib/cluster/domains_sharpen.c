/* Sharpened features: cepstra put together again from smoothed principal scores, raised to a power and made of unit length.
 * Our own method (docs/method.md, Domains): a tilt changes the weak parts of a cepstrum more than its peaks, which are the
 * lattice's; a power leaves the peaks, and only what has little noise can be raised to one.
 * Must not: hold more than a block of cepstra at a time, or depend on the number of threads. */
#include <math.h>
#include <string.h>

#include <cepman/pca.h>

#include "domains.h"

#define BLOCK 512   /* rows */
#define SAMPLE 1024 /* rows that the new components are found from */

typedef struct sharpening {
    cep_domains *s;
    const cepman_pca *pca;
    size_t d; /* features of a cepstrum */
    int64_t power;
} sharpening;

/* Of one cepstrum, in place. Its largest value becomes 1 first, so that no power overflows. */
static void sharpen_row(const sharpening *g, float *row)
{
    float most = 0;
    double squares = 0;
    for (size_t k = 0; k < g->d; k++)
        if (row[k] > most) most = row[k];
    for (size_t k = 0; k < g->d; k++) {
        float one = row[k] > 0 ? row[k] / most : 0, value = one;
        for (int64_t i = 1; i < g->power; i++)
            value *= one;
        row[k] = value;
        squares += (double)value * (double)value;
    }
    float scale = squares > 0 ? (float)(1 / sqrt(squares)) : 0;
    for (size_t k = 0; k < g->d; k++)
        row[k] *= scale;
}

/* Sharpened cepstra of `count` smoothed rows, packed. */
static cepman_status rebuild(const sharpening *g, const float *scores, size_t count, float *into)
{
    cepman_matrix *some = NULL, *rows = NULL;
    cepman_status status = cepman_matrix_wrap(&some, g->s->ctx, scores, count, g->s->d, g->s->d, NULL, NULL);
    if (!status) status = cepman_pca_invert(&rows, g->s->ctx, g->pca, some);
    for (size_t i = 0; !status && i < count; i++) {
        memcpy(into + i * g->d, cepman_matrix_row(rows, i), g->d * sizeof *into);
        sharpen_row(g, into + i * g->d);
    }
    cepman_matrix_unref(rows);
    cepman_matrix_unref(some);
    return status;
}

/* Components of sharpened cepstra, from a sample of the good rows, evenly spread. */
static cepman_status fit_sample(cepman_pca **out, const sharpening *g, size_t good)
{
    cep_domains *s = g->s;
    size_t count = good < SAMPLE ? good : SAMPLE, taken = 0, seen = 0;
    float *scores = cep_alloc(s->mem, count, s->d * sizeof *scores),
          *rows = cep_alloc(s->mem, count, g->d * sizeof *rows);
    cepman_matrix *sample = NULL;
    cepman_options *how = NULL;
    cepman_status status = CEPMAN_OK;
    if (!scores || !rows) status = cep_fail_memory(s->ctx, "a sample of cepstra", count, g->d * sizeof *rows);
    for (size_t i = 0; !status && i < s->n && taken < count; i++) {
        if (!s->good[i]) continue;
        if (seen++ == (taken * good + count - 1) / count)
            memcpy(scores + taken++ * s->d, cep_domains_smooth(s, i), s->d * sizeof *scores);
    }
    if (!status) status = rebuild(g, scores, taken, rows);
    if (!status) status = cepman_matrix_wrap(&sample, s->ctx, rows, taken, g->d, g->d, NULL, NULL);
    if (!status) status = cepman_pca_options_create(&how, s->ctx);
    if (!status) status = cepman_options_set_integer(how, s->ctx, "components", (int64_t)s->d);
    if (!status) status = cepman_pca_fit(out, s->ctx, sample, how);
    cepman_options_unref(how);
    cepman_matrix_unref(sample);
    cep_free(s->mem, scores);
    cep_free(s->mem, rows);
    return status;
}

/* Rows that are not finite become NaN; what the sample has no components for is 0. */
static cepman_status project(const sharpening *g, const cepman_pca *fresh, float *data, size_t stride)
{
    cep_domains *s = g->s;
    size_t places[BLOCK], components = cepman_pca_components(fresh);
    float *scores = cep_alloc(s->mem, BLOCK, s->d * sizeof *scores),
          *rows = cep_alloc(s->mem, BLOCK, g->d * sizeof *rows),
          *found = cep_alloc(s->mem, BLOCK, components * sizeof *found);
    cepman_status status = CEPMAN_OK;
    if (!scores || !rows || !found)
        status = cep_fail_memory(s->ctx, "a block of cepstra", BLOCK, g->d * sizeof *rows);
    for (size_t i = 0, count = 0; !status && i < s->n; i++) {
        for (size_t k = 0; k < s->d; k++)
            data[i * stride + k] = s->good[i] ? 0 : NAN;
        if (s->good[i]) {
            memcpy(scores + count * s->d, cep_domains_smooth(s, i), s->d * sizeof *scores);
            places[count++] = i;
        }
        if (count < BLOCK && i + 1 < s->n) continue;
        status = cep_poll(s->ctx);
        if (!status) status = rebuild(g, scores, count, rows);
        if (!status) status = cepman_pca_project(fresh, s->ctx, rows, count, g->d, found, components);
        for (size_t j = 0; !status && j < count; j++)
            memcpy(data + places[j] * stride, found + j * components, components * sizeof *data);
        count = 0;
    }
    cep_free(s->mem, scores);
    cep_free(s->mem, rows);
    cep_free(s->mem, found);
    return status;
}

cepman_status cep_domains_sharpen(cepman_matrix **out, cep_domains *s, const cepman_pca *pca)
{
    const sharpening g = {
        .s = s, .pca = pca, .d = cepman_pca_features(pca), .power = cep_options_integer(s->options, "power")};
    size_t good = 0, stride = 0;
    float *data = NULL;
    cepman_pca *fresh = NULL;
    cepman_matrix *made = NULL;
    for (size_t i = 0; i < s->n; i++)
        good += s->good[i];
    cepman_status status = cep_matrix_create(&made, s->ctx, "sharpened features", s->n, s->d, &data, &stride);
    if (!status && good >= 2) status = fit_sample(&fresh, &g, good);
    if (!status && fresh) status = project(&g, fresh, data, stride);
    for (size_t i = 0; !status && !fresh && i < s->n; i++) /* one row differs from nothing */
        for (size_t k = 0; k < s->d; k++)
            data[i * stride + k] = s->good[i] ? 0 : NAN;
    cepman_pca_unref(fresh);
    if (status)
        cepman_matrix_unref(made);
    else
        *out = made;
    return status;
}
