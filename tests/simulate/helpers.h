/* Small simulated scans, for the tests of frames. */
#ifndef HELPERS_H
#define HELPERS_H

#include <stdlib.h>

#include "simulate.h"
#include "support.h"

static inline cepman_options *small(cepman_context *ctx, const char *scene, const char *rows,
                                    const char *columns, const char *frame)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_simulate_options_create(&o, ctx));
    assert_good(ctx, cepman_options_parse(o, ctx, "scene", scene));
    assert_good(ctx, cepman_options_parse(o, ctx, "scan-rows", rows));
    assert_good(ctx, cepman_options_parse(o, ctx, "scan-columns", columns));
    assert_good(ctx, cepman_options_parse(o, ctx, "frame", frame));
    return o;
}

static inline uint16_t *pixels(cepman_context *ctx, cepman_dataset *d)
{
    size_t n = cepman_dataset_frames(d) * cepman_dataset_height(d) * cepman_dataset_width(d);
    uint16_t *p = malloc(n * sizeof *p);
    ck_assert_ptr_nonnull(p);
    assert_good(ctx, cepman_dataset_read(d, ctx, 0, cepman_dataset_frames(d), p, n * sizeof *p));
    return p;
}

#endif
