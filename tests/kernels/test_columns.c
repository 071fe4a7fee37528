/* Topic columns: transforms against the sum in double, each form against the plain one bit for bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "support.h"

#define PI 3.14159265358979323846

static int levels(void)
{
    return (int)cep_cpu_detect() + 1;
}

typedef struct owned {
    cep_columns_plan plan;
    float *twiddles[CEP_COLUMNS_STAGES];
    uint32_t *position;
} owned;

/* Any order of radices must do. */
static owned make(const size_t *radices)
{
    owned o = {{1, 0, {{0}}, NULL}, {NULL}, NULL};
    for (size_t i = 0; radices[i]; i++)
        o.plan.n *= radices[i];
    size_t left = o.plan.n;
    for (size_t i = 0; radices[i]; i++) {
        size_t r = radices[i], span = left / r;
        float *w = malloc(span * (r - 1) * 2 * sizeof *w);
        for (size_t j = 0; j < span; j++)
            for (size_t q = 1; q < r; q++) {
                double angle = -2 * PI * (double)(j * q) / (double)left;
                w[(j * (r - 1) + q - 1) * 2] = (float)cos(angle);
                w[(j * (r - 1) + q - 1) * 2 + 1] = (float)sin(angle);
            }
        o.twiddles[i] = w;
        o.plan.stages[o.plan.count++] = (cep_columns_stage){r, span, w};
        left = span;
    }
    o.position = malloc(o.plan.n * sizeof *o.position);
    for (size_t k = 0; k < o.plan.n; k++) {
        size_t rest = k, at = 0;
        for (size_t i = 0; i < o.plan.count; i++) {
            at += rest % radices[i] * o.plan.stages[i].span;
            rest /= radices[i];
        }
        o.position[k] = (uint32_t)at;
    }
    o.plan.position = o.position;
    return o;
}

static void drop(owned *o)
{
    for (size_t i = 0; i < o->plan.count; i++)
        free(o->twiddles[i]);
    free(o->position);
}

static const size_t plans[][6] = {{2},    {3},       {4},          {5},       {8},          {2, 3},
                                  {3, 2}, {5, 8},    {8, 5},       {4, 4, 8}, {2, 3, 4, 5}, {5, 4, 3},
                                  {8, 8}, {4, 5, 5}, {2, 2, 2, 2}, {3, 3, 3}, {3, 3, 4, 4}};
enum { PLANS = sizeof plans / sizeof *plans };

START_TEST(transforms)
{
    support_random r = {9};
    for (size_t p = 0; p < PLANS; p++) {
        owned o = make(plans[p]);
        const size_t n = o.plan.n, stride = 41;
        const float shift = p % 2 ? 0.75f : 0;
        float *x = malloc(n * stride * sizeof *x), *z = malloc(n * CEP_STRIP_ROW * sizeof *z);
        float *plain = malloc(n * CEP_STRIP_ROW * sizeof *plain);
        for (size_t i = 0; i < n * stride; i++)
            x[i] = (float)support_normal(&r);
        const cep_columns_kernels *k = cep_columns_kernels_get((cep_cpu_level)_i);
        k->transform(&o.plan, x, x + 20, stride, shift, z);
        cep_columns_generic.transform(&o.plan, x, x + 20, stride, shift, plain);
        ck_assert(memcmp(z, plain, n * CEP_STRIP_ROW * sizeof *z) == 0);
        for (size_t c = 0; c < CEP_STRIP; c++)
            for (size_t q = 0; q < n; q++) {
                double re = 0, im = 0, size = 0;
                for (size_t j = 0; j < n; j++) {
                    double a = -2 * PI * (double)(j * q % n) / (double)n;
                    double u = (double)(x[j * stride + c] - shift),
                           v = (double)(x[j * stride + 20 + c] - shift);
                    re += u * cos(a) - v * sin(a);
                    im += u * sin(a) + v * cos(a);
                    size += u * u + v * v;
                }
                const float *row = z + o.position[q] * CEP_STRIP_ROW + c;
                ck_assert_double_eq_tol((double)row[0], re, 1e-6 * sqrt(size));
                ck_assert_double_eq_tol((double)row[CEP_STRIP], im, 1e-6 * sqrt(size));
            }
        /* In place. */
        for (size_t j = 0; j < n; j++) {
            memcpy(plain + j * CEP_STRIP_ROW, x + j * stride, CEP_STRIP * sizeof *x);
            memcpy(plain + j * CEP_STRIP_ROW + CEP_STRIP, x + j * stride + 20, CEP_STRIP * sizeof *x);
        }
        k->transform(&o.plan, plain, plain + CEP_STRIP, CEP_STRIP_ROW, shift, plain);
        ck_assert(memcmp(z, plain, n * CEP_STRIP_ROW * sizeof *z) == 0);
        free(x), free(z), free(plain);
        drop(&o);
    }
}
END_TEST

START_TEST(real_columns_in_pairs)
{
    support_random r = {10};
    for (size_t p = 0; p < PLANS; p++) {
        owned o = make(plans[p]);
        const size_t n = o.plan.n;
        float *x = malloc(n * CEP_STRIP_ROW * sizeof *x), *z = malloc(n * CEP_STRIP_ROW * sizeof *z);
        float a[CEP_STRIP * CEP_STRIP_ROW], b[CEP_STRIP * CEP_STRIP_ROW], c[CEP_STRIP * CEP_STRIP_ROW];
        for (size_t i = 0; i < n * CEP_STRIP_ROW; i++)
            x[i] = (float)support_normal(&r);
        const cep_columns_kernels *k = cep_columns_kernels_get((cep_cpu_level)_i);
        k->transform(&o.plan, x, x + CEP_STRIP, CEP_STRIP_ROW, 0, z);
        for (size_t first = 0; first < n; first += CEP_STRIP) {
            for (size_t i = 0; i < sizeof a / sizeof *a; i++)
                a[i] = b[i] = -77;
            const size_t na = 16 - n % 5, nb = n % 16;
            k->separate(&o.plan, z, first, a, na, b, nb);
            for (size_t column = 0; column < CEP_STRIP; column++)
                for (size_t j = 0; j < CEP_STRIP; j++) {
                    double part[4] = {0}, size = 0;
                    for (size_t i = 0; i < n; i++) {
                        double t = -2 * PI * (double)(i * ((first + j) % n) % n) / (double)n;
                        double u = (double)x[i * CEP_STRIP_ROW + column];
                        double v = (double)x[i * CEP_STRIP_ROW + CEP_STRIP + column];
                        part[0] += 2 * u * cos(t);
                        part[1] += 2 * u * sin(t);
                        part[2] += 2 * v * cos(t);
                        part[3] += 2 * v * sin(t);
                        size += u * u + v * v;
                    }
                    const float *pa = a + column * CEP_STRIP_ROW + j, *pb = b + column * CEP_STRIP_ROW + j;
                    if (column < na) {
                        ck_assert_double_eq_tol((double)pa[0], part[0], 3e-6 * sqrt(size));
                        ck_assert_double_eq_tol((double)pa[CEP_STRIP], part[1], 3e-6 * sqrt(size));
                    } else {
                        ck_assert(pa[0] == -77 && pa[CEP_STRIP] == -77);
                    }
                    if (column < nb) {
                        ck_assert_double_eq_tol((double)pb[0], part[2], 3e-6 * sqrt(size));
                        ck_assert_double_eq_tol((double)pb[CEP_STRIP], part[3], 3e-6 * sqrt(size));
                    } else {
                        ck_assert(pb[0] == -77 && pb[CEP_STRIP] == -77);
                    }
                }
            memcpy(c, a, sizeof c);
            cep_columns_generic.separate(&o.plan, z, first, c, na, b, nb);
            ck_assert(memcmp(a, c, sizeof c) == 0);
        }
        free(x), free(z);
        drop(&o);
    }
}
END_TEST

START_TEST(magnitudes)
{
    support_random r = {11};
    float z[20 * CEP_STRIP_ROW], a[7 * 20], b[7 * 20];
    static const uint32_t rows[] = {3, 0, 19, 3, 7, 8, 1};
    for (size_t i = 0; i < sizeof z / sizeof *z; i++)
        z[i] = (float)support_normal(&r);
    for (int power = 0; power < 2; power++) {
        memset(a, 1, sizeof a);
        memset(b, 1, sizeof b);
        cep_columns_kernels_get((cep_cpu_level)_i)->magnitude(z, rows, 7, 0.25f, power, a, 20);
        cep_columns_generic.magnitude(z, rows, 7, 0.25f, power, b, 20);
        ck_assert(memcmp(a, b, sizeof a) == 0);
        for (size_t i = 0; i < 7; i++)
            for (size_t c = 0; c < CEP_STRIP; c++) {
                double m = hypot((double)z[rows[i] * CEP_STRIP_ROW + c],
                                 (double)z[rows[i] * CEP_STRIP_ROW + CEP_STRIP + c]);
                ck_assert_double_eq_tol((double)a[i * 20 + c], 0.25 * (power ? m * m : m),
                                        1e-6 * (1 + m * m));
            }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("kernels columns");
    TCase *t = tcase_create("forms");
    tcase_add_loop_test(t, transforms, 0, levels());
    tcase_add_loop_test(t, real_columns_in_pairs, 0, levels());
    tcase_add_loop_test(t, magnitudes, 0, levels());
    suite_add_tcase(s, t);
    return s;
}
