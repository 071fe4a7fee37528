/* Points of many kinds and short ways to trees and clusters, for the tests of HDBSCAN. */
#ifndef HDBSCAN_HELP_H
#define HDBSCAN_HELP_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "support.h"

enum { NORMAL, LATTICE, COPIES, ALL_EQUAL, LINE, BLOBS, FAR_AWAY, KINDS };

static inline float *points_of(int kind, size_t n, size_t d, uint64_t seed)
{
    support_random r = {seed * 97 + 13};
    float *x = malloc((n * d + 1) * sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) {
            double g = support_normal(&r), v = g;
            if (kind == LATTICE) v = floor(3 * g);
            if (kind == COPIES) v = i % 7 == 0 ? 0 : floor(g);
            if (kind == ALL_EQUAL) v = 3;
            if (kind == LINE) v = pow(1.01, (double)i) * (double)(j + 1);
            if (kind == BLOBS) v = g * (i % 3 == 0 ? 0.1 : 0.5) + 10 * (double)(i % 3);
            if (kind == FAR_AWAY) v = 1e5 + g;
            x[i * d + j] = (float)v;
        }
    return x;
}

static inline cepman_matrix *matrix_of(cepman_context *ctx, const float *x, size_t n, size_t d)
{
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
    return m;
}

static inline cepman_options *tree_options(cepman_context *ctx, int64_t samples, double alpha)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_hdbscan_tree_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "min-samples", samples));
    assert_good(ctx, cepman_options_set_real(o, ctx, "alpha", alpha));
    return o;
}

static inline cepman_hdbscan_tree *tree_of(cepman_context *ctx, const cepman_matrix *x, int64_t samples,
                                           double alpha)
{
    cepman_options *o = tree_options(ctx, samples, alpha);
    cepman_hdbscan_tree *t = NULL;
    assert_good(ctx, cepman_hdbscan_tree_build(&t, ctx, x, o));
    cepman_options_unref(o);
    return t;
}

static inline cepman_hdbscan *flat_of(cepman_context *ctx, cepman_hdbscan_tree *t, int64_t size,
                                      const char *name, const char *value)
{
    cepman_options *o = NULL;
    cepman_hdbscan *h = NULL;
    assert_good(ctx, cepman_hdbscan_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "min-cluster-size", size));
    if (name) assert_good(ctx, cepman_options_parse(o, ctx, name, value));
    assert_good(ctx, cepman_hdbscan_extract(&h, ctx, t, o));
    cepman_options_unref(o);
    return h;
}

static inline double weight_at(const cepman_hdbscan_tree *t, size_t e)
{
    double w = -1;
    ck_assert_int_eq(cepman_hdbscan_tree_edge(t, e, NULL, NULL, &w), CEPMAN_OK);
    return w;
}

/* Asks n times, then says yes. */
static inline int count_down(void *user)
{
    return (*(int *)user)-- <= 0;
}

#endif
