/* The layout kernels: every level gives the generic one's bits, and a plain twin's values. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "support.h"

#define POINTS 1501
#define EDGES 750

typedef struct world {
    float points[POINTS * 64], sampled[POINTS * 64], before[POINTS * 64];
    uint32_t heads[EDGES], tails[EDGES], rates[EDGES];
    cep_layout_epoch epoch;
} world;

/* Edges 2 i -- 2 i + 1: none share a point. The first joins two points in one place. */
static void build(world *w, unsigned dims, uint64_t seed, double step)
{
    support_random r = {seed};
    memset(w, 0, sizeof *w);
    const size_t stride = CEP_LAYOUT_STRIDE(dims);
    for (size_t i = 0; i < POINTS; i++)
        for (size_t j = 0; j < dims; j++) {
            w->points[i * stride + j] = (float)(3 * support_normal(&r));
            w->sampled[i * stride + j] = (float)(3 * support_normal(&r));
        }
    memcpy(w->points + stride, w->points, stride * sizeof *w->points);
    memcpy(w->before, w->points, sizeof w->before);
    for (size_t e = 0; e < EDGES; e++) {
        w->heads[e] = (uint32_t)(2 * e);
        w->tails[e] = (uint32_t)(2 * e + 1);
        w->rates[e] = e % 5 == 0   ? CEP_LAYOUT_ALWAYS
                      : e % 7 == 0 ? 0
                                   : (uint32_t)(support_uniform(&r) * 2147483648.0);
    }
    w->epoch = (cep_layout_epoch){.dims = dims,
                                  .points = w->points,
                                  .sampled = w->sampled,
                                  .count = POINTS,
                                  .heads = w->heads,
                                  .tails = w->tails,
                                  .rates = w->rates,
                                  .salt = 12345,
                                  .epoch = 7,
                                  .negatives = 5,
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

static double clipped(double v)
{
    return v > 4 ? 4 : v < -4 ? -4 : v;
}

static void pull_plain(const cep_layout_epoch *e, double *x, double *y)
{
    double r2 = 0, a = (double)e->a, b = (double)e->b;
    for (unsigned j = 0; j < e->dims; j++)
        r2 += (x[j] - y[j]) * (x[j] - y[j]);
    if (r2 <= 0) return;
    double g = -2 * a * b * pow(r2, b - 1) / (1 + a * pow(r2, b));
    for (unsigned j = 0; j < e->dims; j++) {
        double move = clipped(g * (x[j] - y[j])) * (double)e->step;
        x[j] += move;
        y[j] -= move;
    }
}

static void push_plain_from(const cep_layout_epoch *e, double *x, const float *y)
{
    double r2 = 0;
    for (unsigned j = 0; j < e->dims; j++)
        r2 += (x[j] - (double)y[j]) * (x[j] - (double)y[j]);
    double g =
        2 * (double)e->b * (double)e->push / ((0.001 + r2) * (1 + (double)e->a * pow(r2, (double)e->b)));
    for (unsigned j = 0; j < e->dims; j++)
        x[j] += clipped(g * (x[j] - (double)y[j])) * (double)e->step;
}

static void push_plain(const cep_layout_epoch *e, double *x, uint32_t *state, size_t self)
{
    for (unsigned q = 0; q < e->negatives; q++) {
        *state = *state * 747796405u + 2891336453u;
        uint32_t r = *state ^ (*state >> 15);
        r *= 0x2c1b3c6du;
        r ^= r >> 12;
        size_t other = (uint64_t)r * e->count >> 32;
        if (other == self) continue;
        push_plain_from(e, x, e->sampled + other * CEP_LAYOUT_STRIDE(e->dims));
    }
}

static const unsigned all_dims[] = {1, 2, 3, 4, 5, 7, 8, 64};

START_TEST(levels_agree)
{
    static world w;
    static float expected[POINTS * 64];
    for (size_t d = 0; d < sizeof all_dims / sizeof *all_dims; d++)
        for (cep_cpu_level level = CEP_CPU_GENERIC; level <= cep_cpu_detect(); level++) {
            build(&w, all_dims[d], 5 + d, 1.0);
            /* in pieces that fall anywhere */
            cep_layout_kernels_get(level)->meet(&w.epoch, 0, level == CEP_CPU_GENERIC ? EDGES : 100);
            if (level > CEP_CPU_GENERIC) {
                cep_layout_kernels_get(level)->meet(&w.epoch, 100, 101);
                cep_layout_kernels_get(level)->meet(&w.epoch, 101, 101);
                cep_layout_kernels_get(level)->meet(&w.epoch, 101, EDGES);
            }
            if (level == CEP_CPU_GENERIC) memcpy(expected, w.points, sizeof expected);
            ck_assert_mem_eq(w.points, expected, sizeof expected);
            for (size_t i = 0; i < POINTS * CEP_LAYOUT_STRIDE(w.epoch.dims); i++)
                ck_assert(isfinite(w.points[i]));
        }
}
END_TEST

START_TEST(agrees_with_plain_twin)
{
    static world w;
    for (size_t d = 0; d < sizeof all_dims / sizeof *all_dims; d++) {
        const unsigned dims = all_dims[d];
        build(&w, dims, 50 + d, 0.05);
        const cep_layout_epoch *e = &w.epoch;
        cep_layout_kernels_get(CEP_CPU_GENERIC)->meet(e, 3, EDGES - 5);
        for (size_t i = 0; i < EDGES; i++) {
            double x[64], y[64];
            for (unsigned j = 0; j < dims; j++) {
                x[j] = (double)w.before[2 * i * CEP_LAYOUT_STRIDE(e->dims) + j];
                y[j] = (double)w.before[(2 * i + 1) * CEP_LAYOUT_STRIDE(e->dims) + j];
            }
            /* acts when epoch * rate passes a multiple of 2^31 */
            const uint64_t rate = w.rates[i];
            if (i >= 3 && i < EDGES - 5 && (rate * e->epoch >> 31) > (rate * (e->epoch - 1) >> 31)) {
                uint32_t state = mix((uint32_t)i * 0x9e3779b1u + e->salt);
                pull_plain(e, x, y);
                push_plain(e, x, &state, 2 * i);
                pull_plain(e, x, y);
                push_plain(e, y, &state, 2 * i + 1);
            }
            for (unsigned j = 0; j < dims; j++) {
                ck_assert_double_eq_tol((double)w.points[2 * i * CEP_LAYOUT_STRIDE(e->dims) + j], x[j], 1e-3);
                ck_assert_double_eq_tol((double)w.points[(2 * i + 1) * CEP_LAYOUT_STRIDE(e->dims) + j], y[j],
                                        1e-3);
            }
        }
    }
}
END_TEST

/* A point is no sample of its own: with one row to draw from, edge 0 -- 1 pushes point 1 alone. */
START_TEST(own_sample_is_left_out)
{
    static world w;
    build(&w, 3, 1, 1.0);
    w.epoch.count = 1;
    w.epoch.a = 0; /* no pull */
    for (int j = 0; j < 3; j++)
        w.sampled[j] = w.points[j] + 0.5f;
    cep_layout_kernels_get(CEP_CPU_GENERIC)->meet(&w.epoch, 0, 1);
    for (size_t j = 0; j < 3; j++) {
        ck_assert(w.points[j] == w.before[j]);
        ck_assert(w.points[4 + j] < w.before[4 + j] - 0.1f);
    }
}
END_TEST

/* An edge of rate p acts floor(p * epochs) times. */
START_TEST(edges_act_as_often_as_their_rate)
{
    static world w;
    static const double rates[] = {1, 0.5, 0.3, 0.004, 0.999};
    for (size_t k = 0; k < 5; k++) {
        build(&w, 2, 1, 0.001);
        w.rates[1] = (uint32_t)(rates[k] * 2147483648.0);
        w.epoch.negatives = 0;
        size_t acted = 0;
        for (uint32_t e = 1; e <= 500; e++) {
            w.epoch.epoch = e;
            const float x = w.points[2 * CEP_LAYOUT_STRIDE(w.epoch.dims)];
            cep_layout_kernels_get(CEP_CPU_GENERIC)->meet(&w.epoch, 1, 2);
            acted += w.points[2 * CEP_LAYOUT_STRIDE(w.epoch.dims)] != x;
        }
        ck_assert_uint_le(acted, (size_t)(rates[k] * 500));
        ck_assert_uint_ge(acted + 1, (size_t)(rates[k] * 500));
    }
}
END_TEST

/* ---- points that move among others that stay ---------------------------------------------------------------------- */

enum { VISITORS = 5 * CEP_LAYOUT_LANES, SAMPLES = 7 };

typedef struct room {
    float points[64 * VISITORS], partners[64 * VISITORS], steps[VISITORS], samples[SAMPLES * 64];
    cep_layout_visit visit;
} room;

/* Every third point stays; the first is where its partner is, the second where a sample is. */
static void furnish(room *v, unsigned dims, size_t count, uint64_t seed)
{
    support_random r = {seed};
    memset(v, 0, sizeof *v);
    for (size_t i = 0; i < dims * count; i++) {
        v->points[i] = (float)(3 * support_normal(&r));
        v->partners[i] = (float)(3 * support_normal(&r));
    }
    for (size_t i = 0; i < SAMPLES * dims; i++)
        v->samples[i] = (float)(3 * support_normal(&r));
    for (size_t j = 0; j < dims; j++) {
        v->partners[j * count] = v->points[j * count];
        v->samples[j] = v->points[j * count + 1];
    }
    for (size_t i = 0; i < count; i++)
        v->steps[i] = i % 3 == 2 ? 0 : 0.05f;
    v->visit = (cep_layout_visit){.dims = dims,
                                  .count = count,
                                  .points = v->points,
                                  .partners = v->partners,
                                  .steps = v->steps,
                                  .samples = v->samples,
                                  .sampled = SAMPLES,
                                  .a = 1.577f,
                                  .b = 0.895f,
                                  .push = 1.25f};
}

/* Every level alike; each point like its plain twin, whatever stands beside it; those at rest keep their bits. */
START_TEST(visitors_move_as_their_twins)
{
    static room v, before, other;
    for (size_t d = 0; d < sizeof all_dims / sizeof *all_dims; d++) {
        const unsigned dims = all_dims[d];
        furnish(&before, dims, VISITORS, 9 + d);
        furnish(&v, dims, VISITORS, 9 + d);
        cep_layout_kernels_get(CEP_CPU_GENERIC)->visit(&v.visit);
        for (cep_cpu_level level = CEP_CPU_GENERIC; level <= cep_cpu_detect(); level++) {
            furnish(&other, dims, VISITORS, 9 + d);
            cep_layout_kernels_get(level)->visit(&other.visit);
            ck_assert_mem_eq(other.points, v.points, sizeof v.points);
            /* the last sixteen alone */
            furnish(&other, dims, CEP_LAYOUT_LANES, 9 + d);
            memcpy(other.samples, before.samples, sizeof other.samples);
            for (size_t j = 0; j < dims; j++)
                for (size_t i = 0; i < CEP_LAYOUT_LANES; i++) {
                    const size_t from = j * VISITORS + VISITORS - CEP_LAYOUT_LANES + i;
                    other.points[j * CEP_LAYOUT_LANES + i] = before.points[from];
                    other.partners[j * CEP_LAYOUT_LANES + i] = before.partners[from];
                    other.steps[i] = before.steps[VISITORS - CEP_LAYOUT_LANES + i];
                }
            cep_layout_kernels_get(level)->visit(&other.visit);
            for (size_t j = 0; j < dims; j++)
                ck_assert_mem_eq(other.points + j * CEP_LAYOUT_LANES,
                                 v.points + (j + 1) * VISITORS - CEP_LAYOUT_LANES,
                                 CEP_LAYOUT_LANES * sizeof(float));
        }
        for (size_t i = 0; i < VISITORS; i++) {
            double x[64], y[64];
            const cep_layout_epoch forces = {
                .dims = dims, .a = 1.577f, .b = 0.895f, .push = 1.25f, .step = before.steps[i]};
            for (size_t j = 0; j < dims; j++) {
                x[j] = (double)before.points[j * VISITORS + i];
                y[j] = (double)before.partners[j * VISITORS + i];
            }
            pull_plain(&forces, x, y);
            for (size_t q = 0; q < SAMPLES; q++)
                push_plain_from(&forces, x, before.samples + q * dims);
            for (size_t j = 0; j < dims; j++) {
                ck_assert_double_eq_tol((double)v.points[j * VISITORS + i], x[j], 1e-3);
                if (i % 3 == 2) ck_assert(v.points[j * VISITORS + i] == before.points[j * VISITORS + i]);
            }
        }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("kernels_layout");
    TCase *t = tcase_create("layout");
    tcase_add_test(t, levels_agree);
    tcase_add_test(t, agrees_with_plain_twin);
    tcase_add_test(t, own_sample_is_left_out);
    tcase_add_test(t, visitors_move_as_their_twins);
    tcase_add_test(t, edges_act_as_often_as_their_rate);
    suite_add_tcase(s, t);
    return s;
}
