/* Helpers of the cepstrum's tests: transforms from a line of options, frames of counts, features of a frame. */
#ifndef CEPSTRUM_HELPERS_H
#define CEPSTRUM_HELPERS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cepstrum.h"
#include "support.h"

static inline cepman_options *options_of(cepman_context *ctx, const char *text)
{
    /* "name=value name=value" */
    cepman_options *o = NULL;
    assert_good(ctx, cepman_cepstrum_options_create(&o, ctx));
    char copy[400], *rest = copy, *word;
    snprintf(copy, sizeof copy, "%s", text);
    while ((word = strtok_r(rest, " ", &rest))) {
        char *value = strchr(word, '=');
        *value++ = 0;
        assert_good(ctx, cepman_options_parse(o, ctx, word, value));
    }
    return o;
}

static inline cepman_cepstrum *make(cepman_context *ctx, size_t h, size_t w, const char *text)
{
    cepman_options *o = options_of(ctx, text);
    cepman_cepstrum *c = NULL;
    assert_good(ctx, cepman_cepstrum_create_for(&c, ctx, h, w, NULL, (double)NAN, o));
    cepman_options_unref(o);
    return c;
}

static inline float *counts(size_t n, uint64_t seed)
{
    support_random r = {seed};
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)floor(exp(2 * support_normal(&r)));
    return x;
}

static inline void features_of(cepman_context *ctx, cepman_cepstrum *c, const void *frame, cepman_type type,
                               float *out)
{
    cepman_cepstrum_worker *k = NULL;
    assert_good(ctx, cepman_cepstrum_worker_create(&k, ctx, c));
    ck_assert_int_eq(cepman_cepstrum_run_frames(k, frame, type, 1, 0, out, cepman_cepstrum_features(c)),
                     CEPMAN_OK);
    cepman_cepstrum_worker_unref(k);
}

#endif
