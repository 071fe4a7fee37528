/* Panels: products, Gram matrices and rotations against plain double loops, the same bits at every level. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "support.h"

#define ROWS 777
#define ENTRIES 9 /* of a row, at most */

START_TEST(panels)
{
    support_random r = {8};
    size_t starts[ROWS + 1] = {0}, made = 0;
    static int32_t columns[ROWS * ENTRIES];
    static float values[ROWS * ENTRIES], x[ROWS * 16], z[ROWS * 16], y[ROWS * 16], t[256], first[ROWS * 16];
    double g[256], first_g[256];
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t e = 0; e < i % (ENTRIES + 1); e++) {
            columns[made] = (int32_t)(support_uniform(&r) * ROWS);
            values[made++] = (float)support_normal(&r);
        }
        starts[i + 1] = made;
        for (int j = 0; j < 16; j++) {
            x[i * 16 + (size_t)j] = (float)support_normal(&r);
            z[i * 16 + (size_t)j] = (float)support_normal(&r);
        }
    }
    for (int i = 0; i < 256; i++)
        t[i] = (float)support_normal(&r);
    for (cep_cpu_level level = CEP_CPU_GENERIC; level <= cep_cpu_detect(); level++) {
        const cep_sparse_kernels *k = cep_sparse_kernels_get(level);
        for (int with = 0; with < 2; with++) {
            memset(y, 0, sizeof y);
            k->product(1, ROWS - 2, starts, columns, values, x, with ? z : NULL, y, 0.5f, -2, 3);
            for (size_t i = 0; i < ROWS; i++)
                for (size_t j = 0; j < 16; j++) {
                    double sum = 0;
                    for (size_t e = starts[i]; e < starts[i + 1]; e++)
                        sum += (double)values[e] * (double)x[(size_t)columns[e] * 16 + j];
                    sum = 0.5 * sum - 2 * (double)x[i * 16 + j] + (with ? 3 * (double)z[i * 16 + j] : 0);
                    if (i < 1 || i >= ROWS - 2) sum = 0; /* outside the range: untouched */
                    ck_assert_double_eq_tol((double)y[i * 16 + j], sum, 1e-4);
                }
            if (level == CEP_CPU_GENERIC && with) memcpy(first, y, sizeof y);
            if (with) ck_assert_mem_eq(first, y, sizeof y);
        }
        memset(g, 0, sizeof g);
        k->gram(3, ROWS, x, z, g);
        if (level == CEP_CPU_GENERIC) memcpy(first_g, g, sizeof g);
        ck_assert_mem_eq(first_g, g, sizeof g);
        for (size_t i = 0; i < 16; i++)
            for (size_t j = 0; j < 16; j++) {
                double sum = 0;
                for (size_t row = 3; row < ROWS; row++)
                    sum += (double)x[row * 16 + i] * (double)z[row * 16 + j];
                ck_assert_double_eq_tol(g[i * 16 + j], sum, 1e-3);
            }
        for (int add = 0; add < 2; add++) {
            memcpy(y, z, sizeof y);
            k->rotate(0, ROWS, x, t, y, add);
            for (size_t i = 0; i < ROWS; i++)
                for (size_t j = 0; j < 16; j++) {
                    double sum = add ? (double)z[i * 16 + j] : 0;
                    for (size_t m = 0; m < 16; m++)
                        sum += (double)x[i * 16 + m] * (double)t[m * 16 + j];
                    ck_assert_double_eq_tol((double)y[i * 16 + j], sum, 1e-4);
                }
        }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("kernels_sparse");
    TCase *t = tcase_create("sparse");
    tcase_add_test(t, panels);
    suite_add_tcase(s, t);
    return s;
}
