/* Principal components: against a Jacobi solver, between methods, properties, reference answers, odd input.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* Eigenvalues of a symmetric matrix, descending, by cyclic Jacobi rotations: short, slow and independent. */
static void jacobi(size_t d, double *a, double *values)
{
    for (int sweep = 0; sweep < 60; sweep++)
        for (size_t p = 0; p + 1 < d; p++)
            for (size_t q = p + 1; q < d; q++) {
                double off = a[p * d + q];
                if (off == 0) continue;
                double theta = (a[q * d + q] - a[p * d + p]) / (2 * off);
                double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(t * t + 1), s = t * c;
                for (size_t k = 0; k < d; k++) {
                    double u = a[k * d + p], v = a[k * d + q];
                    a[k * d + p] = c * u - s * v;
                    a[k * d + q] = s * u + c * v;
                }
                for (size_t k = 0; k < d; k++) {
                    double u = a[p * d + k], v = a[q * d + k];
                    a[p * d + k] = c * u - s * v;
                    a[q * d + k] = s * u + c * v;
                }
            }
    for (size_t i = 0; i < d; i++)
        values[i] = a[i * d + i];
    for (size_t i = 0; i < d; i++)
        for (size_t j = i + 1; j < d; j++)
            if (values[j] > values[i]) {
                double t = values[i];
                values[i] = values[j];
                values[j] = t;
            }
}

static double *covariance(const cepman_matrix *m)
{
    size_t n = cepman_matrix_rows(m), d = cepman_matrix_columns(m);
    double *mean = calloc(d, sizeof *mean), *c = calloc(d * d, sizeof *c);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            mean[j] += (double)cepman_matrix_row(m, i)[j] / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            for (size_t k = 0; k < d; k++)
                c[j * d + k] += ((double)cepman_matrix_row(m, i)[j] - mean[j]) *
                                ((double)cepman_matrix_row(m, i)[k] - mean[k]) / (double)(n - 1);
    free(mean);
    return c;
}

START_TEST(agrees_with_jacobi)
{
    static const size_t shapes[][2] = {{40, 7}, {7, 23}, {300, 31}, {2, 5}, {31, 31}};
    cepman_context *ctx = support_begin(2);
    const double sums = methods[_i] == CEP_PCA_FEATURES_F32 ? 1e-6 : 1e-10; /* of float32 or float64 */
    for (size_t t = 0; t < 5; t++) {
        size_t n = shapes[t][0], d = shapes[t][1];
        cepman_matrix *m = layered(ctx, n, d, 5, 0.5, 0.05, 11 + t);
        double *c = covariance(m), trace = 0, *values = malloc(d * sizeof *values);
        for (size_t j = 0; j < d; j++)
            trace += c[j * d + j];
        jacobi(d, c, values);
        cepman_options *o = wanted(ctx, "4", false);
        cepman_pca *p = NULL;
        assert_good(ctx, cep_pca_fit_by(&p, ctx, m, o, methods[_i], NULL));
        size_t k = cepman_pca_components(p), most = n < d ? n : d;
        ck_assert_uint_eq(k, most < 4 ? most : 4);
        check_form(p);
        ck_assert_double_eq_tol(cepman_pca_total_variance(p), trace, sums * trace);
        for (size_t i = 0; i < k; i++)
            ck_assert_double_eq_tol(cepman_pca_variance(p)[i], values[i],
                                    (1e-7 + 10 * sums) * values[i] + 1e-12 * trace);
        cepman_pca_unref(p);
        cepman_options_unref(o);
        free(c);
        free(values);
        cepman_matrix_unref(m);
    }
    support_end(ctx);
}
END_TEST

/* The four methods give the same components, also the small ones of a spectrum over five decades. */
START_TEST(methods_agree)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = layered(ctx, 500, 90, 12, 0.35, 1e-5, 3);
    cepman_options *o = wanted(ctx, "10", false);
    cepman_pca *a = NULL, *b = NULL;
    assert_good(ctx, cep_pca_fit_by(&a, ctx, m, o, CEP_PCA_FEATURES_F64, NULL));
    for (size_t t = 0; t < 5; t++) {
        cep_pca_method used;
        assert_good(ctx, cep_pca_fit_by(&b, ctx, m, o, methods[t], &used));
        if (methods[t] == CEP_PCA_BLOCK) ck_assert_int_eq(used, CEP_PCA_BLOCK);
        check_form(b);
        for (size_t i = 0; i < 10; i++) {
            double va = cepman_pca_variance(a)[i], dot = 0;
            ck_assert_double_eq_tol(cepman_pca_variance(b)[i], va, 1e-6 * va);
            for (size_t j = 0; j < 90; j++)
                dot += cepman_pca_component(a, i)[j] * cepman_pca_component(b, i)[j];
            ck_assert_double_gt(dot, 0.999999);
        }
        cepman_pca_unref(b);
        b = NULL;
    }
    cepman_pca_unref(a);
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* float32 sums are kept where they suffice, and give way where they overflow. */
START_TEST(float32_is_tested)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *good = layered(ctx, 400, 60, 6, 0.7, 0.1, 4);
    cepman_options *o = wanted(ctx, "5", false);
    cepman_pca *p = NULL;
    cep_pca_method used;
    assert_good(ctx, cep_pca_fit_by(&p, ctx, good, o, CEP_PCA_FEATURES_F32, &used));
    ck_assert_int_eq(used, CEP_PCA_FEATURES_F32);
    double first = cepman_pca_variance(p)[0];
    cepman_pca_unref(p);
    float x[60 * 40];
    for (int huge = 0; huge < 2; huge++) {
        const float scale = huge ? 1e25f : 1e-25f;
        for (size_t i = 0; i < 40; i++)
            for (size_t j = 0; j < 60; j++)
                x[i * 60 + j] = cepman_matrix_row(good, i)[j] * scale;
        cepman_matrix *odd = NULL, *same = NULL;
        assert_good(ctx, cepman_matrix_copy(&odd, ctx, x, 40, 60, 60));
        for (size_t i = 0; i < 40 * 60; i++)
            x[i] /= scale;
        assert_good(ctx, cepman_matrix_copy(&same, ctx, x, 40, 60, 60));
        assert_good(ctx, cep_pca_fit_by(&p, ctx, odd, o, CEP_PCA_FEATURES_F32, &used));
        ck_assert_int_eq(used, CEP_PCA_FEATURES_F64);
        double v = cepman_pca_variance(p)[2] / (double)scale / (double)scale;
        cepman_pca_unref(p);
        assert_good(ctx, cep_pca_fit_by(&p, ctx, same, o, CEP_PCA_FEATURES_F64, &used));
        ck_assert_double_eq_tol(v, cepman_pca_variance(p)[2], 1e-5 * v);
        cepman_pca_unref(p);
        cepman_matrix_unref(odd);
        cepman_matrix_unref(same);
    }
    ck_assert_double_gt(first, 0);
    cepman_options_unref(o);
    cepman_matrix_unref(good);
    support_end(ctx);
}
END_TEST

/* Scores are centred, uncorrelated, of the stated variance; all components give the rows back. */
START_TEST(scores_and_back)
{
    cepman_context *ctx = support_begin(1);
    const bool whiten = _i & 1;
    const size_t n = _i & 2 ? 12 : 700, d = 25;
    cepman_matrix *m = layered(ctx, n, d, 8, 0.6, 0.3, 5), *scores = NULL, *back = NULL;
    cepman_options *o = wanted(ctx, "1000", whiten);
    cepman_pca *p = NULL;
    assert_good(ctx, cepman_pca_fit(&p, ctx, m, o));
    size_t k = cepman_pca_components(p);
    ck_assert_uint_eq(k, n < d ? n : d);
    assert_good(ctx, cepman_pca_apply(&scores, ctx, p, m));
    ck_assert_uint_eq(cepman_matrix_columns(scores), k);
    double sum_of_variances = 0;
    for (size_t a = 0; a < k; a++) {
        double variance = cepman_pca_variance(p)[a];
        bool empty = !(variance > 1e-12 * cepman_pca_total_variance(p));
        sum_of_variances += variance;
        for (size_t b = 0; b <= a; b++) {
            double mean = 0, cross = 0;
            for (size_t i = 0; i < n; i++) {
                mean += (double)cepman_matrix_row(scores, i)[a] / (double)n;
                cross += (double)cepman_matrix_row(scores, i)[a] * (double)cepman_matrix_row(scores, i)[b];
            }
            cross /= (double)(n - 1);
            double want = a != b ? 0 : !whiten ? variance : empty ? 0 : 1;
            double size = whiten ? 1 : cepman_pca_variance(p)[0];
            ck_assert_double_eq_tol(mean, 0, 1e-5 * sqrt(size));
            ck_assert_double_eq_tol(cross, want, 1e-5 * size);
        }
    }
    ck_assert_double_eq_tol(sum_of_variances, cepman_pca_total_variance(p), 1e-9 * sum_of_variances);
    assert_good(ctx, cepman_pca_invert(&back, ctx, p, scores));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            ck_assert_double_eq_tol((double)cepman_matrix_row(back, i)[j], (double)cepman_matrix_row(m, i)[j],
                                    2e-5);
    cepman_matrix_unref(back);
    cepman_matrix_unref(scores);
    cepman_matrix_unref(m);
    cepman_options_unref(o);
    cepman_pca_unref(p);
    support_end(ctx);
}
END_TEST

START_TEST(noise_floor)
{
    /* Factors of the paper's table: 2.858 for square data, about 0.56 b^3 - 0.95 b^2 + 1.82 b + 1.43 between.
     */
    ck_assert_double_eq_tol(cep_pca_threshold_factor(1), 2.858, 1e-3);
    for (double b = 0.05; b < 1; b += 0.05)
        ck_assert_double_eq_tol(cep_pca_threshold_factor(b),
                                0.56 * b * b * b - 0.95 * b * b + 1.82 * b + 1.43, 0.02);
    cepman_context *ctx = support_begin(1);
    static const size_t shapes[][2] = {{700, 60}, {90, 130}, {120, 119}};
    for (size_t t = 0; t < 3; t++)
        for (size_t rank = 1; rank < 8; rank += 3)
            for (size_t h = 0; h < 5; h++) {
                size_t n = shapes[t][0], d = shapes[t][1];
                if (methods[h] == CEP_PCA_FEATURES_F32 && n < d) continue;
                cepman_matrix *m = layered(ctx, n, d, rank, 0.9, 0.2, 40 + rank);
                cepman_options *o = wanted(ctx, rank == 4 ? "0" : "auto", false);
                cepman_pca *p = NULL;
                assert_good(ctx, cep_pca_fit_by(&p, ctx, m, o, methods[h], NULL));
                ck_assert_uint_eq(cepman_pca_components(p), rank);
                check_form(p);
                cepman_pca_unref(p);
                cepman_options_unref(o);
                cepman_matrix_unref(m);
            }
    /* Noise alone: one component is still made. Exact low rank: no direction of rounding. */
    cepman_options *o = wanted(ctx, "auto", false);
    for (size_t h = 0; h < 5; h++) {
        cepman_matrix *noise = support_normals(ctx, 400, 50, 6), *exact = layered(ctx, 100, 20, 2, 0.5, 0, 8);
        cepman_pca *p = NULL;
        assert_good(ctx, cep_pca_fit_by(&p, ctx, noise, o, methods[h], NULL));
        ck_assert_uint_eq(cepman_pca_components(p), 1);
        cepman_pca_unref(p);
        assert_good(ctx, cep_pca_fit_by(&p, ctx, exact, o, methods[h], NULL));
        ck_assert_double_gt(cepman_pca_variance(p)[cepman_pca_components(p) - 1], 0);
        for (size_t i = 2; i < cepman_pca_components(p); i++)
            ck_assert_double_gt(cepman_pca_variance(p)[i], 1e-12 * cepman_pca_variance(p)[0]);
        cepman_pca_unref(p);
        cepman_matrix_unref(noise);
        cepman_matrix_unref(exact);
    }
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

static cepman_matrix *oracle(cepman_context *ctx, const char *name)
{
    const char *path = support_oracle(name);
    cepman_matrix *m = NULL;
    if (path) assert_good(ctx, cepman_matrix_load(&m, ctx, path));
    return m;
}

START_TEST(reference_answers)
{
    static const struct {
        const char *id, *input;
        size_t rows;
        const char *components;
    } cases[] = {
        {"P01_highdim", "highdim_400x500", 400, "20"},
        {"P02_lowrank", "lowrank_2000x60", 2000, "12"},
        {"P03_wide", "highdim_400x500", 100, "30"},
        {"P04_tall3", "blobs3d_5k", 5000, "3"},
    };
    cepman_context *ctx = support_begin(1);
    char name[100];
    snprintf(name, sizeof name, "oracle/%s.npy", cases[_i].input);
    cepman_matrix *all = oracle(ctx, name), *m = NULL;
    if (!all) {
        support_end(ctx);
        return;
    }
    size_t rows[5000], n = cases[_i].rows;
    for (size_t i = 0; i < n; i++)
        rows[i] = i;
    assert_good(ctx, cepman_matrix_select(&m, ctx, all, rows, n));
    snprintf(name, sizeof name, "oracle/%s__ev.npy", cases[_i].id);
    cepman_matrix *ev = oracle(ctx, name);
    snprintf(name, sizeof name, "oracle/%s__scores.npy", cases[_i].id);
    cepman_matrix *want = oracle(ctx, name);
    cepman_options *o = wanted(ctx, cases[_i].components, false);
    for (size_t h = 0; h < 5; h++) {
        if (methods[h] == CEP_PCA_POINTS && n > 500) continue; /* right, but cubic in n */
        cepman_pca *p = NULL;
        cepman_matrix *scores = NULL;
        assert_good(ctx, cep_pca_fit_by(&p, ctx, m, o, methods[h], NULL));
        assert_good(ctx, cepman_pca_apply(&scores, ctx, p, m));
        size_t k = cepman_pca_components(p);
        ck_assert_uint_eq(k, cepman_matrix_rows(ev));
        double first = (double)cepman_matrix_row(ev, 0)[0];
        for (size_t j = 0; j < k; j++) {
            double v = (double)cepman_matrix_row(ev, j)[0], aa = 0, bb = 0, ab = 0;
            if (v < 1e-6 * first) break;
            ck_assert_double_eq_tol(cepman_pca_variance(p)[j], v, 1e-4 * v);
            double before = j ? (double)cepman_matrix_row(ev, j - 1)[0] : 2 * v;
            double after = j + 1 < k ? (double)cepman_matrix_row(ev, j + 1)[0] : 0;
            if ((before - v) / before < 1e-2 || (j + 1 < k && (v - after) / v < 1e-2)) continue;
            for (size_t i = 0; i < n; i++) {
                double a = (double)cepman_matrix_row(scores, i)[j], b = (double)cepman_matrix_row(want, i)[j];
                aa += a * a;
                bb += b * b;
                ab += a * b;
            }
            ck_assert_double_gt(fabs(ab) / sqrt(aa * bb), 0.9999);
        }
        cepman_matrix_unref(scores);
        cepman_pca_unref(p);
    }
    cepman_options_unref(o);
    cepman_matrix_unref(ev);
    cepman_matrix_unref(want);
    cepman_matrix_unref(m);
    cepman_matrix_unref(all);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pca");
    TCase *t = tcase_create("pca");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, agrees_with_jacobi, 0, 5);
    tcase_add_test(t, methods_agree);
    tcase_add_test(t, float32_is_tested);
    tcase_add_loop_test(t, scores_and_back, 0, 4);
    tcase_add_test(t, noise_floor);
    tcase_add_loop_test(t, reference_answers, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
