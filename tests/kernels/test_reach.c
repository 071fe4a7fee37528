/* Blocks of points against points, boxes and blocks: every level against plain loops. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "support.h"

#define BLOCKS 45
#define POINTS (BLOCKS * 16)

static float soa[POINTS * 8], boxes[16 * 64], leaf_box[BLOCKS][16];
static int32_t block[64];

/* Numbers on a grid: squares are exact in float32. The last block is half padding. */
static void make(size_t d, uint64_t seed)
{
    support_random r = {seed};
    for (size_t i = 0; i < POINTS; i++)
        for (size_t j = 0; j < d; j++)
            soa[(i / 16 * d + j) * 16 + i % 16] =
                i + 8 >= POINTS ? INFINITY
                                : (float)(floor(16 * support_normal(&r)) / 8 + (double)(i / 16 % 5));
    for (size_t b = 0; b < 64; b++) {
        block[b] = b < BLOCKS ? (int32_t)b : 0;
        for (size_t j = 0; j < d; j++) {
            float low = INFINITY, high = b < BLOCKS ? -INFINITY : INFINITY;
            for (size_t i = 0; b < BLOCKS && i < 16; i++) {
                float x = soa[(b * d + j) * 16 + i];
                if (isinf(x)) continue;
                low = fminf(low, x);
                high = fmaxf(high, x);
            }
            boxes[j * 64 + b] = low;
            boxes[(d + j) * 64 + b] = high;
            if (b < BLOCKS) {
                leaf_box[b][j] = low;
                leaf_box[b][8 + j] = high;
            }
        }
    }
}

static double squared(size_t d, const float *point, size_t i)
{
    double s = 0;
    for (size_t j = 0; j < d; j++) {
        double e = (double)soa[(i / 16 * d + j) * 16 + i % 16] - (double)point[j];
        s += e * e;
    }
    return s;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

START_TEST(distances_and_ranks)
{
    for (cep_cpu_level level = CEP_CPU_GENERIC; level <= cep_cpu_detect(); level++)
        for (size_t d = 1; d <= 8; d++) {
            const cep_reach_kernels *k = cep_reach_kernels_get(level);
            const float point[8] = {0.5f, 1, -0.25f, 0.125f, 0, 2, 1, 1};
            float out[POINTS + 16];
            double sorted[POINTS];
            make(d, d);
            k->distances(soa, BLOCKS, d, point, out);
            for (size_t i = 0; i < POINTS; i++) {
                sorted[i] = squared(d, point, i);
                ck_assert_double_eq((double)out[i], sorted[i]);
            }
            for (size_t count = 1; count < 60; count++) {
                double some[60];
                memcpy(some, sorted, count * sizeof *some);
                qsort(some, count, sizeof *some, by_value);
                for (size_t rank = 0; rank < CEP_REACH_SMALL && rank < count; rank++) {
                    ck_assert_double_eq((double)k->smallest(out, count, rank), some[rank]);
                    if (count % 16 == 0)
                        ck_assert_double_eq((double)k->nearest(soa, count / 16, d, point, rank), some[rank]);
                }
            }
        }
}
END_TEST

START_TEST(candidates)
{
    for (cep_cpu_level level = CEP_CPU_GENERIC; level <= cep_cpu_detect(); level++)
        for (size_t d = 1; d <= 8; d++)
            for (int wide = 0; wide < 4; wide++) {
                const cep_reach_kernels *k = cep_reach_kernels_get(level);
                const float point[8] = {0.5f, 1, -0.25f, 0.125f, 0, 2, 1, 1};
                float limit = (float)(wide * wide) * 0.5f, near[POINTS + 300], narrow[16 * 64];
                int32_t index[POINTS + 300], narrow_block[64];
                make(d, 5 + d);
                cep_reach_list list = {boxes, 64, BLOCKS, block};
                /* A box that is the point alone: the narrowed list finds the same points. */
                size_t left = k->narrow(&list, d, point, point, limit, narrow, narrow_block);
                for (size_t t = left; t % 16; t++) {
                    narrow_block[t] = 0;
                    for (size_t j = 0; j < 2 * d; j++)
                        narrow[j * 64 + t] = INFINITY;
                }
                cep_reach_list less = {narrow, 64, left, narrow_block};
                for (int way = 0; way < 2; way++) {
                    size_t at = 0, count = 0, want = 0, steps = 0;
                    while (at < (way ? less.count : list.count)) { /* stops at 20 or more, and goes on */
                        count = k->gather(way ? &less : &list, &at, soa, d, point, limit, near, index, count,
                                          count + 20);
                        ck_assert_uint_lt(steps++, 100);
                    }
                    for (size_t i = 0; i < POINTS; i++)
                        if (squared(d, point, i) <= (double)limit) {
                            ck_assert_uint_lt(want, count);
                            ck_assert_int_eq(index[want], (int32_t)i);
                            ck_assert_double_eq((double)near[want], squared(d, point, i));
                            want++;
                        }
                    ck_assert_uint_eq(count, want);
                    size_t kept = k->keep(near, index, count, limit / 2);
                    want = 0;
                    for (size_t i = 0; i < POINTS; i++)
                        if (squared(d, point, i) <= (double)(limit / 2))
                            ck_assert_int_eq(index[want++], (int32_t)i);
                    ck_assert_uint_eq(kept, want);
                }
            }
}
END_TEST

START_TEST(lightest_edge)
{
    for (cep_cpu_level level = CEP_CPU_GENERIC; level <= cep_cpu_detect(); level++)
        for (size_t d = 1; d <= 8; d++)
            for (size_t repeat = 0; repeat < 6; repeat++) {
                float low[POINTS];
                double core[POINTS], alpha = repeat % 2 ? 1.5 : 0.7;
                int32_t component[POINTS];
                make(d, 50 + d);
                support_random r = {repeat};
                for (size_t i = 0; i < POINTS; i++) {
                    core[i] = i + 8 >= POINTS ? (double)INFINITY : floor(4 * support_uniform(&r)) / 8;
                    low[i] = core[i] < 1e9 ? (float)(core[i] * (1 - 1e-6)) : INFINITY;
                    component[i] = i + 8 >= POINTS ? -2 : (int32_t)(i % 5);
                }
                cep_reach_search s = {.soa = soa,
                                      .d = d,
                                      .core_low = low,
                                      .core = core,
                                      .component = component,
                                      .alpha_square = alpha * alpha,
                                      .shrink = (float)((1 - 4e-6) / (alpha * alpha)),
                                      .block = 3,
                                      .own = 2,
                                      .from = -1,
                                      .to = -1};
                for (unsigned i = 0; i < 16; i++)
                    s.lanes |= (unsigned)(component[48 + i] == 2) << i;
                s.bound = repeat < 3 ? (double)INFINITY : 0.6;
                s.bound_up = cep_reach_up(s.bound);
                double best = s.bound;
                for (size_t i = 48; i < 64; i++)
                    for (size_t j = 0; j + 8 < POINTS && component[i] == 2; j++) {
                        if (component[j] == 2) continue;
                        float point[8];
                        for (size_t t = 0; t < d; t++)
                            point[t] = soa[(i / 16 * d + t) * 16 + i % 16];
                        double w = fmax(squared(d, point, j) / (alpha * alpha), fmax(core[i], core[j]));
                        if (w < best) best = w;
                    }
                for (size_t b = 0; b < BLOCKS; b++)
                    cep_reach_kernels_get(level)->pairs(&s, b, leaf_box[b], 8);
                ck_assert_double_eq(s.bound, best);
                if (s.from < 0) continue;
                ck_assert(s.from >= 48 && s.from < 64 && component[s.from] == 2 && component[s.to] != 2);
            }
    ck_assert(cep_reach_up(0) == 0 && cep_reach_up(1e-60) > 0 && cep_reach_up(1) > 1 &&
              isinf(cep_reach_up(1e300)));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("reach");
    TCase *t = tcase_create("levels");
    tcase_add_test(t, distances_and_ranks);
    tcase_add_test(t, candidates);
    tcase_add_test(t, lightest_edge);
    suite_add_tcase(s, t);
    return s;
}
