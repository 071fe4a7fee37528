/* Rows against a few vectors: the plain sums, and each form bit for bit like the plain one. */
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "support.h"

START_TEST(all_forms_agree)
{
    static const size_t sizes[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 64, 100, 257};
    support_random r = {11};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t n = sizes[s];
        float *row = malloc(n * sizeof *row);
        double *mean = malloc(n * sizeof *mean), *w = malloc(CEP_PROBES * n * sizeof *w);
        double *y = malloc(CEP_PROBES * n * sizeof *y), *z = malloc(CEP_PROBES * n * sizeof *z);
        for (size_t j = 0; j < n; j++) {
            row[j] = (float)support_normal(&r);
            mean[j] = support_normal(&r);
        }
        for (size_t j = 0; j < CEP_PROBES * n; j++) {
            w[j] = support_normal(&r);
            y[j] = z[j] = support_normal(&r);
        }
        double *expected = malloc(CEP_PROBES * n * sizeof *expected);
        for (size_t k = 0; k < CEP_PROBES; k++) {
            double t = 0;
            for (size_t j = 0; j < n; j++)
                t += ((double)row[j] - mean[j]) * w[k * n + j];
            for (size_t j = 0; j < n; j++)
                expected[k * n + j] = y[k * n + j] + t * ((double)row[j] - mean[j]);
        }
        cep_probe_kernels_get(CEP_CPU_GENERIC)->apply(row, mean, w, n, y);
        for (size_t j = 0; j < CEP_PROBES * n; j++)
            ck_assert_double_eq_tol(y[j], expected[j], 1e-10);
        memcpy(expected, z, CEP_PROBES * n * sizeof *z);
        for (int level = 1; level <= (int)cep_cpu_detect(); level++) {
            memcpy(z, expected, CEP_PROBES * n * sizeof *z);
            cep_probe_kernels_get((cep_cpu_level)level)->apply(row, mean, w, n, z);
            ck_assert_mem_eq(y, z, CEP_PROBES * n * sizeof *z);
        }
        free(row), free(mean), free(w), free(y), free(z), free(expected);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("probe");
    TCase *t = tcase_create("probe");
    tcase_add_test(t, all_forms_agree);
    suite_add_tcase(s, t);
    return s;
}
