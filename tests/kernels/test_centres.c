/* Points against centres: every level against plain double loops, at odd sizes. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "support.h"

#define BLOCKS 7
#define POINTS (BLOCKS * 16)

static float soa[POINTS * 16], rows[POINTS * 16], centres[9 * 16];

static void make(size_t d, size_t k, uint64_t seed)
{
    support_random r = {seed};
    for (size_t i = 0; i < POINTS; i++)
        for (size_t j = 0; j < d; j++)
            soa[(i / 16 * d + j) * 16 + i % 16] = rows[i * d + j] = (float)floor(8 * support_normal(&r)) / 4;
    for (size_t c = 0; c < k * d; c++)
        centres[c] = (float)floor(8 * support_normal(&r)) / 4;
    if (k > 3) memcpy(centres + 3 * d, centres + d, d * sizeof *centres); /* a tie for all points */
}

static double squared(const float *a, const float *b, size_t d)
{
    double s = 0;
    for (size_t j = 0; j < d; j++)
        s += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
    return s;
}

START_TEST(nearest_centre)
{
    static const size_t dims[] = {1, 2, 3, 4, 7, 16};
    for (cep_cpu_level level = CEP_CPU_GENERIC; level <= cep_cpu_detect(); level++)
        for (size_t t = 0; t < 6; t++)
            for (size_t k = 1; k < 9; k++) {
                size_t d = dims[t];
                int32_t before[POINTS], labels[POINTS];
                uint16_t changed[BLOCKS], unsure[BLOCKS];
                make(d, k, 10 * d + k);
                for (size_t i = 0; i < POINTS; i++)
                    before[i] = (int32_t)(i % 3) - 1;
                cep_centres_kernels_get(level)->assign(soa, BLOCKS, d, centres, k, 1e-6f, before, labels,
                                                       changed, unsure);
                for (size_t i = 0; i < POINTS; i++) {
                    double best = (double)INFINITY, second = best;
                    int32_t label = 0;
                    for (size_t c = 0; c < k; c++) {
                        double s = squared(rows + i * d, centres + c * d, d);
                        if (s < best) {
                            second = best;
                            best = s;
                            label = (int32_t)c;
                        } else if (s < second) {
                            second = s;
                        }
                    }
                    bool close = second <= best * (1 + 1e-6) + 1e-37;
                    ck_assert_int_eq(unsure[i / 16] >> i % 16 & 1, close);
                    ck_assert_int_eq(labels[i], label); /* numbers on a grid: exact in float32 too */
                    ck_assert_int_eq(changed[i / 16] >> i % 16 & 1, label != before[i]);
                }
            }
}
END_TEST

START_TEST(closest_and_potentials)
{
    for (cep_cpu_level level = CEP_CPU_GENERIC; level <= cep_cpu_detect(); level++)
        for (size_t d = 1; d <= 16; d += 5)
            for (int weighted = 0; weighted < 2; weighted++) {
                float closest[POINTS], weights[POINTS];
                double sums[5], want = 0;
                make(d, 5, d);
                for (size_t i = 0; i < POINTS; i++) {
                    closest[i] = i % 5 == 0 ? INFINITY : i + 5 > POINTS ? 0 : (float)(i % 7);
                    weights[i] = (float)(i % 4);
                }
                const cep_centres_kernels *k = cep_centres_kernels_get(level);
                const float *w = weighted ? weights : NULL;
                k->potential(soa, BLOCKS, d, centres, 5, w, closest, sums);
                for (size_t c = 0; c < 5; c++) {
                    double sum = 0;
                    for (size_t i = 0; i < POINTS; i++)
                        sum += fmin((double)closest[i], squared(rows + i * d, centres + c * d, d)) *
                               (weighted ? (double)weights[i] : 1);
                    ck_assert_double_eq_tol(sums[c], sum, 1e-5 * sum);
                    if (c == 2) want = sum;
                }
                ck_assert_double_eq_tol(k->approach(soa, BLOCKS, d, centres + 2 * d, w, closest), want,
                                        1e-5 * want);
                for (size_t i = 0; i < POINTS; i++) {
                    double s = squared(rows + i * d, centres + 2 * d, d);
                    float was = i % 5 == 0 ? INFINITY : i + 5 > POINTS ? 0 : (float)(i % 7);
                    ck_assert_double_eq((double)closest[i], fmin((double)was, s));
                }
            }
}
END_TEST

START_TEST(dots)
{
    static float x[4 * 200], c[13 * 200];
    support_random r = {4};
    for (int i = 0; i < 4 * 200; i++)
        x[i] = (float)support_normal(&r);
    for (int i = 0; i < 13 * 200; i++)
        c[i] = (float)support_normal(&r);
    for (cep_cpu_level level = CEP_CPU_GENERIC; level <= cep_cpu_detect(); level++)
        for (size_t d = 1; d < 200; d += 13)
            for (size_t count = 1; count <= 13; count++) {
                const float *four[4] = {x, x + 200, x + 400, x + 600};
                float out[4 * 13];
                cep_centres_kernels_get(level)->dots(four, c, 200, count, d, out);
                for (size_t q = 0; q < 4; q++)
                    for (size_t k = 0; k < count; k++) {
                        double sum = 0;
                        for (size_t j = 0; j < d; j++)
                            sum += (double)x[q * 200 + j] * (double)c[k * 200 + j];
                        ck_assert_double_eq_tol((double)out[q * count + k], sum, 1e-4);
                    }
            }
}
END_TEST

START_TEST(distances_and_sums)
{
    static float x[5 * 200];
    support_random r = {14};
    for (int i = 0; i < 5 * 200; i++)
        x[i] = (float)(3 + support_normal(&r));
    for (cep_cpu_level level = CEP_CPU_GENERIC; level <= cep_cpu_detect(); level++)
        for (size_t d = 1; d < 200; d += 7) {
            const cep_centres_kernels *k = cep_centres_kernels_get(level);
            const float *four[4] = {x, x + 200, x + 400, x + 600}, *y = x + 800;
            float out[4];
            double sums[200], want[200], squares = 0;
            k->squared(four, y, d, out);
            for (size_t q = 0; q < 4; q++) {
                double s = squared(four[q], y, d);
                ck_assert_double_le(fabs((double)out[q] - s), ((double)d / 16 + 8) * 0x1p-24 * s);
            }
            for (size_t j = 0; j < d; j++)
                sums[j] = want[j] = (double)j;
            k->add(sums, x, d);
            k->subtract(sums, y, d);
            for (size_t j = 0; j < d; j++) {
                want[j] = want[j] + (double)x[j] - (double)y[j];
                ck_assert_double_eq(sums[j], want[j]);
            }
            double got = k->spread(sums, x, y, d);
            for (size_t j = 0; j < d; j++) {
                double e = (double)x[j] - (double)y[j];
                squares += e * e;
                ck_assert_double_eq_tol(sums[j], want[j] + e, 1e-12);
            }
            ck_assert_double_eq_tol(got, squares, 1e-12 * squares);
        }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("centres");
    TCase *t = tcase_create("levels");
    tcase_add_test(t, nearest_centre);
    tcase_add_test(t, closest_and_potentials);
    tcase_add_test(t, dots);
    tcase_add_test(t, distances_and_sums);
    suite_add_tcase(s, t);
    return s;
}
