/* Distances and tiles: every CPU level against sums in long double and against the generic twin, at odd
 * sizes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "support.h"

#define MOST 1100

static float x[8 * MOST], y[8 * MOST];

static void fill(uint64_t seed)
{
    support_random r = {seed};
    for (size_t i = 0; i < 8 * MOST; i++) {
        x[i] = (float)support_normal(&r) + 1;
        y[i] = (float)support_normal(&r);
    }
}

static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 257, 1000, 1099};
#define SIZES (sizeof sizes / sizeof *sizes)

START_TEST(like_long_sums)
{
    if ((int)cep_cpu_detect() < _i) return;
    const cep_distance_kernels *k = cep_distance_kernels_get((cep_cpu_level)_i);
    fill(1);
    for (size_t c = 0; c < SIZES; c++)
        for (size_t shift = 0; shift < 3; shift++) { /* unaligned rows too */
            size_t n = sizes[c];
            const float *a = x + shift, *b = y + 2 * shift;
            long double squared = 0, dot = 0, size = 0;
            for (size_t i = 0; i < n; i++) {
                long double d = (long double)a[i] - (long double)b[i],
                            p = (long double)a[i] * (long double)b[i];
                squared += d * d;
                dot += p;
                size += fabsl(p);
            }
            double n_u = ((double)n + 2) * 0x1p-24, n_v = ((double)n + 2) * 0x1p-53;
            ck_assert_double_le(fabs((double)k->squared(a, b, n) - (double)squared), n_u * (double)squared);
            ck_assert_double_le(fabs((double)k->dot(a, b, n) - (double)dot), n_u * (double)size);
            ck_assert_double_le(fabs(k->squared_f64(a, b, n) - (double)squared), n_v * (double)squared);
            ck_assert_double_le(fabs(k->dot_f64(a, b, n) - (double)dot), n_v * (double)size);
            ck_assert(k->squared(a, a, n) == 0 && k->squared_f64(a, a, n) == 0);
            ck_assert(k->squared(a, b, n) == k->squared(b, a, n) && k->dot(a, b, n) == k->dot(b, a, n));
        }
}
END_TEST

START_TEST(f64_sums_are_one)
{
    if ((int)cep_cpu_detect() < _i) return;
    const cep_distance_kernels *k = cep_distance_kernels_get((cep_cpu_level)_i), *g = &cep_distance_generic;
    fill(2);
    for (size_t n = 0; n < MOST; n++) {
        double a = k->squared_f64(x, y, n), b = g->squared_f64(x, y, n), c = k->dot_f64(x, y, n),
               d = g->dot_f64(x, y, n);
        ck_assert_msg(memcmp(&a, &b, sizeof a) == 0 && memcmp(&c, &d, sizeof c) == 0, "length %zu", n);
    }
}
END_TEST

/* Four rows at once: the bits of one at a time, whichever rows they are. */
START_TEST(f64_four_at_once)
{
    if ((int)cep_cpu_detect() < _i) return;
    const cep_distance_kernels *k = cep_distance_kernels_get((cep_cpu_level)_i);
    fill(5);
    for (size_t n = 0; n < MOST; n++) {
        const float *rows[4] = {x + 1, x + MOST, x + 3 * MOST + 2, x + 1};
        double squared[4], dot[4];
        k->squared_f64_four(rows, y, n, squared);
        k->dot_f64_four(rows, y, n, dot);
        for (int r = 0; r < 4; r++) {
            double a = cep_distance_generic.squared_f64(rows[r], y, n),
                   b = cep_distance_generic.dot_f64(rows[r], y, n);
            ck_assert_msg(memcmp(&a, squared + r, sizeof a) == 0 && memcmp(&b, dot + r, sizeof b) == 0,
                          "length %zu, row %d", n, r);
        }
    }
}
END_TEST

START_TEST(largest_magnitude)
{
    if ((int)cep_cpu_detect() < _i) return;
    const cep_distance_kernels *k = cep_distance_kernels_get((cep_cpu_level)_i);
    float a[80] = {0};
    ck_assert(k->largest(a, 0) == 0);
    for (size_t n = 1; n <= 80; n++)
        for (size_t at = 0; at < n; at++) {
            for (size_t i = 0; i < 80; i++)
                a[i] = i < n ? (float)i / 100 - 0.4f : 1e30f;
            a[at] = -3;
            ck_assert(k->largest(a, n) == 3);
            a[at] = -INFINITY;
            ck_assert(isinf(k->largest(a, n)));
            a[0] = INFINITY;
            a[at] = -NAN;
            ck_assert(isnan(k->largest(a, n)));
        }
}
END_TEST

static int ascending(const void *a, const void *b)
{
    float p = *(const float *)a, q = *(const float *)b;
    return (p > q) - (p < q);
}

/* The m-th smallest, with ties and magnitudes far apart. */
START_TEST(nth_smallest)
{
    if ((int)cep_cpu_detect() < _i) return;
    const cep_tile_kernels *k = cep_tile_kernels_get((cep_cpu_level)_i);
    support_random r = {7};
    float keys[90], sorted[90];
    for (int kind = 0; kind < 4; kind++)
        for (size_t n = 1; n <= 90; n++) {
            for (size_t i = 0; i < n; i++)
                keys[i] = kind == 0   ? (float)support_normal(&r)
                          : kind == 1 ? (float)floor(5 * support_uniform(&r))
                          : kind == 2 ? (float)pow(10, 60 * support_uniform(&r) - 30)
                                      : -7;
            memcpy(sorted, keys, n * sizeof *keys);
            qsort(sorted, n, sizeof *sorted, ascending);
            for (size_t m = 1; m <= n; m++)
                ck_assert_msg(k->nth(keys, n, m) == sorted[m - 1], "kind %d: %zu of %zu", kind, m, n);
        }
}
END_TEST

START_TEST(four_by_four)
{
    if ((int)cep_cpu_detect() < _i) return;
    const cep_distance_kernels *k = cep_distance_kernels_get((cep_cpu_level)_i);
    fill(3);
    for (size_t c = 0; c < SIZES; c++) {
        float out[16], turned[16];
        k->dot4x4(x, MOST, y, MOST, sizes[c], out);
        k->dot4x4(y, MOST, x, MOST, sizes[c], turned);
        for (size_t i = 0; i < 4; i++)
            for (size_t j = 0; j < 4; j++) {
                double want = cep_distance_generic.dot_f64(x + i * MOST, y + j * MOST, sizes[c]), size = 0;
                for (size_t q = 0; q < sizes[c]; q++)
                    size += fabs((double)x[i * MOST + q] * (double)y[j * MOST + q]);
                ck_assert_double_le(fabs((double)out[i * 4 + j] - want),
                                    size * ((double)sizes[c] + 2) * 0x1p-24);
                ck_assert(out[i * 4 + j] == turned[j * 4 + i]);
            }
    }
}
END_TEST

/* 48 rows packed in three panels, each with itself: right, symmetric, and the same wherever a row stands. */
START_TEST(tiles)
{
    if ((int)cep_cpu_detect() < _i) return;
    const cep_tile_kernels *k = cep_tile_kernels_get((cep_cpu_level)_i);
    enum { STRIDE = 51 };
    float *rows = malloc(48 * 300 * sizeof *rows), *panels = aligned_alloc(64, 48 * 300 * sizeof *panels);
    static float out[48 * STRIDE];
    support_random r = {4};
    for (size_t i = 0; i < 48 * 300; i++)
        rows[i] = (float)support_normal(&r);
    memcpy(rows + 20 * 300, rows + 3 * 300, 300 * sizeof *rows);
    static const size_t depths[] = {1, 2, 5, 64, 299, 300};
    for (size_t c = 0; c < 6; c++) {
        size_t depth = depths[c];
        for (size_t i = 0; i < 48; i++)
            for (size_t q = 0; q < depth; q++)
                panels[i / 16 * 16 * depth + q * 16 + i % 16] = rows[i * 300 + q];
        for (int add = 0; add < 2; add++)
            for (size_t i = 0; i < 48; i += 8)
                k->tile(panels + i / 16 * 16 * depth + i % 16, panels, depth, add, out + i * STRIDE, STRIDE);
        for (size_t i = 0; i < 48; i++)
            for (size_t j = 0; j < 48; j++) {
                double want = 2 * cep_distance_generic.dot_f64(rows + i * 300, rows + j * 300, depth),
                       size = 0;
                for (size_t q = 0; q < depth; q++)
                    size += 2 * fabs((double)rows[i * 300 + q] * (double)rows[j * 300 + q]);
                ck_assert_double_le(fabs((double)out[i * STRIDE + j] - want),
                                    size * ((double)depth + 2) * 0x1p-24);
                ck_assert(out[i * STRIDE + j] == out[j * STRIDE + i]);
            }
        ck_assert_mem_eq(out + 3 * STRIDE, out + 20 * STRIDE, 48 * sizeof *out);
    }
    free(rows);
    free(panels);
}
END_TEST

START_TEST(survivors)
{
    if ((int)cep_cpu_detect() < _i) return;
    const cep_tile_kernels *k = cep_tile_kernels_get((cep_cpu_level)_i);
    float norms[400], limits[400];
    uint32_t found[400];
    for (size_t c = 0; c < 400; c++) { /* eighths: no rounding, so the levels must agree */
        norms[c] = (float)(c * 7 % 23) / 8;
        limits[c] = c % 50 == 0 ? INFINITY : (float)(c % 11) / 8 - 1;
        x[c] = (float)(c * 5 % 19) / 8;
    }
    for (size_t count = 0; count < 400; count += 1 + count / 9)
        for (int l = -20; l < 20; l += 3) {
            size_t n = k->survivors(x, norms, limits, count, 0.5f, (float)l / 8, found), at = 0;
            for (size_t c = 0; c < count; c++) {
                float low = 0.5f + norms[c] - 2 * x[c];
                if (low > limits[c] && low > (float)l / 8) continue;
                ck_assert_uint_lt(at, n);
                ck_assert_uint_eq(found[at++], c);
            }
            ck_assert_uint_eq(at, n);
        }
}
END_TEST

/* Eight rows that lie anywhere against 32 packed columns. */
START_TEST(projections)
{
    if ((int)cep_cpu_detect() < _i) return;
    const cep_tile_kernels *k = cep_tile_kernels_get((cep_cpu_level)_i);
    static float out[8 * 40];
    fill(5);
    for (size_t c = 0; c < SIZES; c++) {
        size_t depth = sizes[c];
        float *panels = aligned_alloc(64, 32 * depth * sizeof *panels);
        const float *rows[8];
        for (size_t r = 0; r < 8; r++)
            rows[r] = x + r * (MOST - 3);
        for (size_t q = 0; q < depth; q++)
            for (size_t j = 0; j < 32; j++)
                panels[j / 16 * 16 * depth + q * 16 + j % 16] = y[j * 101 + q];
        k->project(rows, panels, depth, out, 40);
        for (size_t r = 0; r < 8; r++)
            for (size_t j = 0; j < 32; j++) {
                double want = cep_distance_generic.dot_f64(rows[r], y + j * 101, depth), size = 0;
                for (size_t q = 0; q < depth; q++)
                    size += fabs((double)rows[r][q] * (double)y[j * 101 + q]);
                ck_assert_double_le(fabs((double)out[r * 40 + j] - want),
                                    size * ((double)depth + 2) * 0x1p-24);
            }
        free(panels);
    }
}
END_TEST

START_TEST(membership)
{
    if ((int)cep_cpu_detect() < _i) return;
    const cep_tile_kernels *k = cep_tile_kernels_get((cep_cpu_level)_i);
    int32_t list[70];
    for (int i = 0; i < 70; i++)
        list[i] = 3 * i - 5;
    for (size_t n = 0; n <= 70; n++)
        for (int v = -8; v < 210; v++)
            if (k->find(list, n, v) !=
                ((v + 5) % 3 == 0 && v >= -5 && (v + 5) / 3 < (int)n ? (size_t)(v + 5) / 3 : n))
                ck_abort_msg("%d among the first %zu", v, n);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("distance");
    TCase *t = tcase_create("levels");
    tcase_add_loop_test(t, like_long_sums, 0, 3);
    tcase_add_loop_test(t, f64_sums_are_one, 0, 3);
    tcase_add_loop_test(t, f64_four_at_once, 0, 3);
    tcase_add_loop_test(t, largest_magnitude, 0, 3);
    tcase_add_loop_test(t, nth_smallest, 0, 3);
    tcase_add_loop_test(t, four_by_four, 0, 3);
    tcase_add_loop_test(t, tiles, 0, 3);
    tcase_add_loop_test(t, survivors, 0, 3);
    tcase_add_loop_test(t, projections, 0, 3);
    tcase_add_loop_test(t, membership, 0, 3);
    suite_add_tcase(s, t);
    return s;
}
