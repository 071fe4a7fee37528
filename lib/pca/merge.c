/* Sums of rows that were gathered apart, by threads or processes, brought together: as plain numbers out of one
 * accumulator and into another. Chan, Golub and LeVeque, Am. Stat. 37 (1983) 242, for two sets of any size.
 * Must not: let a failed merge leave sums half-made for anybody to use. */
#include <math.h>

#include "exec.h"
#include "gather.h"

enum { STRIPE = 64 };
#define ROWS_MOST 9007199254740992.0 /* 2^53: a double counts so far */

/* Rows, means, then the lower triangle of the scatter matrix by rows. */
size_t cep_gather_numbers(size_t d)
{
    return 1 + d + d * (d + 1) / 2;
}

cepman_status cep_gather_export(cep_gather *g, cepman_context *ctx, double *to)
{
    cepman_status s = cep_gather_flush(g, ctx);
    if (s) return s;
    *to++ = (double)g->n;
    memcpy(to, g->mean, g->d * sizeof *to);
    to += g->d;
    for (size_t a = 0; a < g->d; to += ++a)
        memcpy(to, g->scatter + a * g->d, (a + 1) * sizeof *to);
    return CEPMAN_OK;
}

typedef struct joining {
    cep_gather *g;
    const double *mean, *triangle;
    double weight; /* of the distance between the means */
} joining;

static cepman_status add_stripe(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    const joining *j = argument;
    cep_gather *g = j->g;
    const size_t end = (index + 1) * STRIPE < g->d ? (index + 1) * STRIPE : g->d;
    for (size_t a = index * STRIPE; a < end; a++) {
        const double apart = j->weight * (j->mean[a] - g->mean[a]), *from = j->triangle + a * (a + 1) / 2;
        double *to = g->scatter + a * g->d;
        for (size_t b = 0; b <= a; b++)
            to[b] += from[b] + apart * (j->mean[b] - g->mean[b]);
    }
    return CEPMAN_OK;
}

cepman_status cep_gather_merge(cep_gather *g, cepman_context *ctx, const double *numbers)
{
    const size_t d = g->d, count = cep_gather_numbers(d);
    const double m = numbers[0];
    CEP_REQUIRE(ctx, m >= 0 && m <= ROWS_MOST && floor(m) >= m, CEPMAN_ERR_DATA,
                "pca accumulator: the sums to be added are of %g rows, must be a whole number from 0", m);
    for (size_t i = 1; i < count; i++)
        CEP_REQUIRE(ctx, isfinite(numbers[i]), CEPMAN_ERR_DATA,
                    "pca accumulator: number %zu of the sums to be added is %g, must be finite", i,
                    numbers[i]);
    cepman_status s = cep_gather_flush(g, ctx);
    if (s || m <= 0) return s;
    const double n = (double)g->n;
    joining j = {g, numbers + 1, numbers + 1 + d, n * m / (n + m)};
    s = cep_parallel(ctx, NULL, (d + STRIPE - 1) / STRIPE, add_stripe, &j);
    if (s) return s;
    for (size_t i = 0; i < d; i++)
        g->mean[i] += (j.mean[i] - g->mean[i]) * (m / (n + m));
    g->n += (size_t)m;
    return CEPMAN_OK;
}
