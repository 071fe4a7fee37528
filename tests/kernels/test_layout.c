/* One epoch of the layout kernels: every level gives the generic one's bits, and a plain twin's values. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "support.h"

#define POINTS 37
#define PLACES 48
#define SLOTS 40

typedef struct world {
    float own[PLACES * 64], others[PLACES * 64], fresh[PLACES * 64];
    size_t starts[4];
    uint32_t columns[SLOTS * 16], rates[SLOTS * 16], keys[PLACES], scratch[(SLOTS + 1) * 16];
    cep_layout_epoch epoch;
} world;

static void build(world *w, unsigned dims, int both, uint64_t seed, double step)
{
    support_random r = {seed};
    memset(w, 0, sizeof *w);
    const size_t stride = (dims + 3) / 4 * 4;
    for (size_t i = 0; i < PLACES; i++)
        for (size_t j = 0; j < dims && i < POINTS; j++) {
            w->own[i * stride + j] = (float)(3 * support_normal(&r));
            w->others[i * stride + j] = both ? w->own[i * stride + j] : (float)(3 * support_normal(&r));
        }
    memcpy(w->own + stride, w->own, stride * sizeof *w->own); /* two points in one place */
    if (both) memcpy(w->others + stride, w->others, stride * sizeof *w->own);
    w->starts[1] = 21;
    w->starts[2] = 33;
    w->starts[3] = SLOTS;
    for (size_t slice = 0; slice < 3; slice++)
        for (size_t s = w->starts[slice]; s < w->starts[slice + 1]; s++)
            for (size_t l = 0; l < 16 && slice * 16 + l < POINTS; l++) {
                uint32_t other = (uint32_t)(support_uniform(&r) * POINTS);
                w->columns[s * 16 + l] = both && other == slice * 16 + l ? (other + 1) % POINTS : other;
                double rate = s == w->starts[slice] ? 1 : support_uniform(&r);
                w->rates[s * 16 + l] = support_uniform(&r) < 0.8 ? (uint32_t)(rate * 2147483648.0) : 0;
            }
    for (size_t i = 0; i < POINTS; i++)
        w->keys[i] = (uint32_t)(1000 + i * 17);
    w->epoch = (cep_layout_epoch){.dims = dims,
                                  .stride = stride,
                                  .own = w->own,
                                  .fresh = w->fresh,
                                  .others = both ? w->own : w->others,
                                  .count = POINTS,
                                  .starts = w->starts,
                                  .columns = w->columns,
                                  .rates = w->rates,
                                  .keys = w->keys,
                                  .salt = 12345,
                                  .epoch = 7,
                                  .negatives = 5,
                                  .both = both,
                                  .a = 1.577f,
                                  .b = 0.895f,
                                  .push = 1.25f,
                                  .step = (float)step};
}

static uint32_t mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

static double clipped(double v, double most)
{
    return v > most ? most : v < -most ? -most : v;
}

static void pull_plain(const cep_layout_epoch *e, double *x, size_t other, double times)
{
    double d[64], r2 = 0;
    for (unsigned j = 0; j < e->dims; j++) {
        d[j] = x[j] - (double)e->others[other * e->stride + j];
        r2 += d[j] * d[j];
    }
    if (r2 <= 0) return;
    double a = (double)e->a, b = (double)e->b;
    double g = -2 * a * b * pow(r2, b - 1) / (1 + a * pow(r2, b));
    for (unsigned j = 0; j < e->dims; j++)
        x[j] += clipped(times * g * d[j], 4 * times) * (double)e->step;
}

static void push_plain(const cep_layout_epoch *e, double *x, size_t other)
{
    double d[64], r2 = 0;
    for (unsigned j = 0; j < e->dims; j++) {
        d[j] = x[j] - (double)e->others[other * e->stride + j];
        r2 += d[j] * d[j];
    }
    double a = (double)e->a, b = (double)e->b;
    double g = 2 * b * (double)e->push / ((0.001 + r2) * (1 + a * pow(r2, b)));
    for (unsigned j = 0; j < e->dims; j++)
        x[j] += clipped(g * d[j], 4) * (double)e->step;
}

static void move_plain(const cep_layout_epoch *e, size_t point, double *x)
{
    size_t acting[SLOTS], count = 0;
    for (size_t s = e->starts[point / 16]; s < e->starts[point / 16 + 1]; s++) {
        uint64_t rate = e->rates[s * 16 + point % 16];
        /* acts when epoch * rate passes a multiple of 2^31 */
        if ((rate * e->epoch >> 31) > (rate * (e->epoch - 1) >> 31))
            acting[count++] = e->columns[s * 16 + point % 16];
    }
    for (unsigned j = 0; j < e->dims; j++)
        x[j] = (double)e->own[point * e->stride + j];
    for (size_t t = 0; e->both && t < count; t += 2)
        pull_plain(e, x, acting[t], 1);
    uint32_t state = mix(e->keys[point] * 0x9e3779b1u + e->salt);
    for (size_t t = 0; t < count; t++) {
        pull_plain(e, x, acting[t], e->both && t % 2 ? 2 : 1);
        for (unsigned q = 0; q < e->negatives; q++) {
            state = state * 747796405u + 2891336453u;
            uint32_t r = state ^ (state >> 15);
            r *= 0x2c1b3c6du;
            r ^= r >> 12;
            size_t other = (uint64_t)r * e->count >> 32;
            if (!e->both || other != point) push_plain(e, x, other);
        }
    }
}

static const unsigned all_dims[] = {1, 2, 3, 4, 5, 7, 8, 64};

START_TEST(levels_agree)
{
    static world w;
    static float expected[PLACES * 64];
    cep_cpu_level best = cep_cpu_detect();
    for (size_t d = 0; d < sizeof all_dims / sizeof *all_dims; d++) {
        for (cep_cpu_level level = CEP_CPU_GENERIC; level <= best; level++) {
            build(&w, all_dims[d], _i, 5 + d, 1.0);
            for (size_t slice = 0; slice < 3; slice++)
                cep_layout_kernels_get(level)->move(&w.epoch, slice, w.scratch);
            if (level == CEP_CPU_GENERIC) memcpy(expected, w.fresh, sizeof expected);
            ck_assert_mem_eq(w.fresh, expected, sizeof expected);
        }
        /* something has moved, and places without a point have not */
        size_t moved = 0;
        for (size_t i = 0; i < PLACES * w.epoch.stride; i++) {
            moved += w.fresh[i] != w.own[i];
            ck_assert(isfinite(w.fresh[i]));
            if (i >= POINTS * w.epoch.stride) ck_assert(w.fresh[i] == 0);
        }
        ck_assert_uint_gt(moved, POINTS * all_dims[d] / 2);
    }
}
END_TEST

START_TEST(agrees_with_plain_twin)
{
    static world w;
    for (size_t d = 0; d < sizeof all_dims / sizeof *all_dims; d++) {
        build(&w, all_dims[d], _i, 50 + d, 0.05);
        for (size_t slice = 0; slice < 3; slice++)
            cep_layout_kernels_get(CEP_CPU_GENERIC)->move(&w.epoch, slice, w.scratch);
        for (size_t point = 0; point < POINTS; point++) {
            double x[64];
            move_plain(&w.epoch, point, x);
            for (unsigned j = 0; j < all_dims[d]; j++)
                ck_assert_double_eq_tol((double)w.fresh[point * w.epoch.stride + j], x[j], 2e-3);
        }
    }
}
END_TEST

/* An edge of rate p acts floor(p * epochs) times. */
START_TEST(edges_act_as_often_as_their_rate)
{
    static world w;
    static const double rates[] = {1, 0.5, 0.3, 0.004, 0.999};
    for (size_t k = 0; k < 5; k++) {
        build(&w, 2, 0, 1, 0.001);
        memset(w.rates, 0, sizeof w.rates);
        w.rates[0] = (uint32_t)(rates[k] * 2147483648.0);
        w.epoch.negatives = 0;
        size_t acted = 0;
        for (uint32_t e = 1; e <= 500; e++) {
            w.epoch.epoch = e;
            cep_layout_kernels_get(CEP_CPU_GENERIC)->move(&w.epoch, 0, w.scratch);
            acted += w.fresh[0] != w.own[0];
        }
        ck_assert_uint_le(acted, (size_t)(rates[k] * 500));
        ck_assert_uint_ge(acted + 1, (size_t)(rates[k] * 500));
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("kernels_layout");
    TCase *t = tcase_create("layout");
    tcase_add_loop_test(t, levels_agree, 0, 2);
    tcase_add_loop_test(t, agrees_with_plain_twin, 0, 2);
    tcase_add_test(t, edges_act_as_often_as_their_rate);
    suite_add_tcase(s, t);
    return s;
}
