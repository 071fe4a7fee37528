/* What the tests of whole scans share: a small scan, a source that grows, fails or cancels, and a run over it. */
#ifndef CEPSTRUM_LIVE_H
#define CEPSTRUM_LIVE_H

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cepstrum.h"
#include "dataset.h"
#include "support.h"

enum { H = 24, W = 40, ROWS = 13, COLUMNS = 17, FRAMES = ROWS * COLUMNS };

/* Spots on a weak background, counts. */
static inline uint16_t *scan_of(uint64_t seed, double background)
{
    support_random r = {seed};
    uint16_t *x = malloc((size_t)FRAMES * H * W * sizeof *x);
    for (size_t i = 0; i < FRAMES; i++)
        for (size_t p = 0; p < H * W; p++) {
            double y = (double)(p / W), u = (double)(p % W), v = background;
            for (int k = -1; k <= 1; k++)
                v += 200 * exp(-0.4 *
                               (pow(y - H / 2.0 - 6 * k, 2) + pow(u - W / 2.0 - 5 * k - (double)(i % 3), 2)));
            x[i * H * W + p] = (uint16_t)floor(v * (0.5 + support_uniform(&r)) + 0.5);
        }
    return x;
}

static inline cepman_options *options_of(cepman_context *ctx, const char *name, const char *value)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_cepstrum_options_create(&o, ctx));
    if (name) assert_good(ctx, cepman_options_parse(o, ctx, name, value));
    return o;
}

/* A source whose frames become available bit by bit, and which may fail or cancel. */
typedef struct live {
    const uint16_t *data;
    atomic_size_t ready;
    atomic_size_t reads, inside, most_inside, largest;
    size_t fail_at;
    cepman_context *cancel;
    int concurrent;
} live;

static inline int live_read(void *user, size_t first, size_t count, void *destination)
{
    live *l = user;
    size_t inside = atomic_fetch_add(&l->inside, 1) + 1;
    if (inside > atomic_load(&l->most_inside)) atomic_store(&l->most_inside, inside);
    if (count > atomic_load(&l->largest)) atomic_store(&l->largest, count);
    memcpy(destination, l->data + first * H * W, count * H * W * sizeof *l->data);
    size_t reads = atomic_fetch_add(&l->reads, 1);
    if (l->cancel && reads == 2) cepman_context_cancel(l->cancel);
    atomic_fetch_sub(&l->inside, 1);
    return first <= l->fail_at && l->fail_at < first + count;
}

static inline size_t live_available(void *user)
{
    return atomic_load(&((live *)user)->ready);
}

static inline cepman_dataset *open_live(cepman_context *ctx, live *l, int concurrent)
{
    cepman_frame_source source = {sizeof source, l, live_read, live_available, NULL, concurrent};
    cepman_dataset *d = NULL;
    assert_good(ctx, cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U16, ROWS, COLUMNS, H, W));
    return d;
}

static inline cepman_matrix *run(cepman_context *ctx, cepman_dataset *d, const cepman_options *o)
{
    cepman_cepstrum *c = NULL;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, o));
    assert_good(ctx, cepman_cepstrum_run(&m, ctx, c, d));
    ck_assert_uint_eq(cepman_matrix_columns(m), cepman_cepstrum_features(c));
    cepman_cepstrum_unref(c);
    return m;
}

#endif
