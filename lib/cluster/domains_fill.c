/* Gives points without a domain to the one they lie in and look like, draws borders, and measures mixing on walls.
 * Features are compared with means of the domains' points within a few scan points, so that a bent crystal is compared with
 * its own tilt there. Our own method (docs/method.md, Domains).
 * Must not: give a point to a domain that is not near it on the scan. */
#include <math.h>
#include <string.h>

#include "domains.h"
#include "linkage.h"

#define NEAR 2 /* scan points, in the first rounds */
#define FAR 3
#define NEAR_ROUNDS 8
#define FILL_ROUNDS 12
#define BORDER_ROUNDS 2
#define SIDE (2 * FAR + 1)
#define MOST (SIDE * SIDE)

/* Means of the domains around a point. */
typedef struct around {
    size_t count;
    int32_t label[MOST];
    size_t points[MOST];
    double *sum; /* MOST x d */
} around;

/* Domains within reach of a point; with `inner` only their inner points. */
static void look_around(const cep_domains *s, size_t i, size_t reach, const bool *inner, around *a)
{
    size_t y = i / s->columns, x = i % s->columns;
    a->count = 0;
    for (size_t v = cep_domains_from(y, reach); v < cep_domains_to(y, reach, s->rows); v++)
        for (size_t u = cep_domains_from(x, reach); u < cep_domains_to(x, reach, s->columns); u++) {
            size_t j = v * s->columns + u, c = 0;
            if (s->label[j] < 0 || (inner && !inner[j])) continue;
            while (c < a->count && a->label[c] != s->label[j])
                c++;
            double *sum = a->sum + c * s->d;
            if (c == a->count) {
                a->label[a->count] = s->label[j];
                a->points[a->count++] = 0;
                memset(sum, 0, s->d * sizeof *sum);
            }
            a->points[c]++;
            for (size_t k = 0; k < s->d; k++)
                sum[k] += (double)cep_domains_smooth(s, j)[k];
        }
    for (size_t c = 0; c < a->count; c++)
        for (size_t k = 0; k < s->d; k++)
            a->sum[c * s->d + k] /= (double)a->points[c];
}

static double from_mean(const cep_domains *s, size_t i, const double *mean)
{
    double sum = 0;
    for (size_t k = 0; k < s->d; k++) {
        double step = (double)cep_domains_smooth(s, i)[k] - mean[k];
        sum += step * step;
    }
    return sum;
}

/* The nearest domain of which at least `least` points are around; -1: none. Of equal ones that with the lower label. */
static int32_t nearest(const cep_domains *s, size_t i, const around *a, size_t least, double *square)
{
    int32_t best = -1;
    for (size_t c = 0; c < a->count; c++) {
        if (a->points[c] < least) continue;
        double apart = from_mean(s, i, a->sum + c * s->d);
        if (best < 0 || apart < *square || (apart <= *square && a->label[c] < best)) {
            *square = apart;
            best = a->label[c];
        }
    }
    return best;
}

/* How far points are from the mean of their own domain around them: the 95th percentile of the squares, by domain. */
static cepman_status scatter(const cep_domains *s, around *a, double *spread)
{
    double *own = cep_alloc(s->mem, s->n + 1, sizeof *own);
    size_t *start = cep_alloc_zero(s->mem, s->clusters + 2, sizeof *start);
    cepman_status status = CEPMAN_OK;
    if (!own || !start) status = cep_fail_memory(s->ctx, "domains", s->n, sizeof *own);
    for (size_t i = 0; !status && i < s->n; i++)
        if (s->label[i] >= 0) start[s->label[i] + 2]++;
    for (size_t c = 2; !status && c < s->clusters + 2; c++)
        start[c] += start[c - 1];
    for (size_t i = 0; !status && i < s->n; i++) {
        if (i % 4096 == 0) status = cep_poll(s->ctx);
        if (s->label[i] < 0) continue;
        look_around(s, i, NEAR, NULL, a);
        size_t c = 0;
        while (a->label[c] != s->label[i])
            c++;
        own[start[s->label[i] + 1]++] = from_mean(s, i, a->sum + c * s->d);
    }
    for (size_t c = 0; !status && c < s->clusters; c++) {
        size_t count = start[c + 1] - start[c];
        spread[c] = count ? cep_select_f64(own + start[c], count, (size_t)(0.95 * (double)(count - 1))) : 0;
    }
    cep_free(s->mem, own);
    cep_free(s->mem, start);
    return status;
}

/* A round for noise from the labels before it. *changed: points that found a domain. */
static cepman_status fill_round(cep_domains *s, size_t reach, const double *spread, double usual, around *a,
                                int32_t *next, size_t *changed)
{
    double wall = cep_options_real(s->options, "wall") * usual, always = 0.5 * wall * wall;
    *changed = 0;
    memcpy(next, s->label, s->n * sizeof *next);
    for (size_t i = 0; i < s->n; i++) {
        if (i % 4096 == 0) {
            cepman_status status = cep_poll(s->ctx);
            if (status) return status;
        }
        if (s->label[i] >= 0 || !s->good[i]) continue;
        double square = 0;
        look_around(s, i, reach, NULL, a);
        int32_t best = nearest(s, i, a, 2, &square);
        if (best < 0 || (square >= always && square >= 9 * spread[best])) continue;
        next[i] = best;
        ++*changed;
    }
    memcpy(s->label, next, s->n * sizeof *next);
    return CEPMAN_OK;
}

static cepman_status border_round(cep_domains *s, around *a, const bool *inner, int32_t *next)
{
    memcpy(next, s->label, s->n * sizeof *next);
    for (size_t i = 0; i < s->n; i++) {
        if (i % 4096 == 0) {
            cepman_status status = cep_poll(s->ctx);
            if (status) return status;
        }
        if (s->label[i] < 0 || inner[i]) continue;
        double square = 0;
        look_around(s, i, FAR, NULL, a);
        int32_t best = nearest(s, i, a, 3, &square);
        if (best >= 0) next[i] = best;
    }
    memcpy(s->label, next, s->n * sizeof *next);
    return CEPMAN_OK;
}

cepman_status cep_domains_fill(cep_domains *s, double usual)
{
    around a = {.sum = cep_alloc(s->mem, MOST, s->d * sizeof *a.sum)};
    double *spread = cep_alloc(s->mem, s->clusters + 1, sizeof *spread);
    int32_t *next = cep_alloc(s->mem, s->n, sizeof *next);
    bool *inner = cep_alloc(s->mem, s->n, sizeof *inner);
    size_t changed = 1;
    cepman_status status = CEPMAN_OK;
    if (!a.sum || !spread || !next || !inner) status = cep_fail_memory(s->ctx, "domains", s->n, sizeof *next);
    if (!status) status = scatter(s, &a, spread);
    for (int i = 0; !status && changed && i < FILL_ROUNDS; i++)
        status = fill_round(s, i < NEAR_ROUNDS ? NEAR : FAR, spread, usual, &a, next, &changed);
    for (int i = 0; !status && i < BORDER_ROUNDS; i++) {
        cep_domains_inner(s, inner);
        status = border_round(s, &a, inner, next);
    }
    cep_free(s->mem, a.sum);
    cep_free(s->mem, spread);
    cep_free(s->mem, next);
    cep_free(s->mem, inner);
    return status;
}

/* The point's place between the mean of its own domain (0) and that of another (1), the largest of all others. */
static float mixing_of(const cep_domains *s, size_t i, const around *a)
{
    size_t own = 0;
    double most = 0;
    while (own < a->count && a->label[own] != s->label[i])
        own++;
    if (own == a->count) return 0;
    const double *from = a->sum + own * s->d;
    for (size_t c = 0; c < a->count; c++) {
        const double *to = a->sum + c * s->d;
        double along = 0, whole = 0;
        for (size_t k = 0; k < s->d; k++) {
            along += ((double)cep_domains_smooth(s, i)[k] - from[k]) * (to[k] - from[k]);
            whole += (to[k] - from[k]) * (to[k] - from[k]);
        }
        if (c != own && whole > 0 && along > most * whole) most = along / whole;
    }
    return most < 1 ? (float)most : 1.0f;
}

cepman_status cep_domains_mix(const cep_domains *s, float *mixing)
{
    around a = {.sum = cep_alloc(s->mem, MOST, s->d * sizeof *a.sum)};
    bool *inner = cep_alloc(s->mem, s->n, sizeof *inner);
    cepman_status status = CEPMAN_OK;
    if (!a.sum || !inner) status = cep_fail_memory(s->ctx, "mixing", s->n, sizeof *inner);
    if (!status) cep_domains_inner(s, inner);
    for (size_t i = 0; !status && i < s->n; i++) {
        if (i % 4096 == 0) status = cep_poll(s->ctx);
        if (status || s->label[i] < 0) continue;
        look_around(s, i, FAR, inner, &a);
        if (a.count > 1) mixing[i] = mixing_of(s, i, &a);
    }
    cep_free(s->mem, a.sum);
    cep_free(s->mem, inner);
    return status;
}
