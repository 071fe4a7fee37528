/* Shapes with a known answer: none is torn, thrown apart or flattened in any dimension.
 * What far clusters, rings and grids must look like is in test_fit.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "umap.h"

#define TAU 6.283185307179586

static double distance(const float *a, const float *b, size_t d)
{
    double sum = 0;
    for (size_t c = 0; c < d; c++)
        sum += ((double)a[c] - (double)b[c]) * ((double)a[c] - (double)b[c]);
    return sqrt(sum);
}

/* n rows of d; the caller gives the model back. */
static cepman_umap *fit(cepman_context *ctx, const float *x, size_t n, size_t d, int dims, int epochs)
{
    cepman_matrix *m = NULL;
    cepman_options *o = NULL;
    cepman_umap *u = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
    assert_good(ctx, cepman_umap_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "dims", dims));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "epochs", epochs));
    assert_good(ctx, cepman_umap_fit(&u, ctx, m, o));
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    return u;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Width of the middle four fifths of a dimension: a point that flew away does not count. */
static double middle(const cepman_matrix *e, size_t column)
{
    const size_t n = cepman_matrix_rows(e);
    double *v = calloc(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (double)cepman_matrix_row(e, i)[column];
    qsort(v, n, sizeof *v, by_value);
    const double width = v[n - 1 - n / 10] - v[n / 10];
    free(v);
    return width;
}

/* Of the ten points nearest in the embedding, nearly all are near on the sheet: layers of the roll stay apart. */
START_TEST(roll_is_unrolled)
{
    enum { n = 1000 };
    cepman_context *ctx = support_begin(2);
    support_random r = {4};
    float *x = calloc(n * 3, sizeof *x), *sheet = calloc(n * 2, sizeof *sheet);
    for (size_t i = 0; i < n; i++) {
        const double t = TAU * (0.75 + 1.5 * support_uniform(&r)), y = 21 * support_uniform(&r);
        x[i * 3] = (float)(t * cos(t));
        x[i * 3 + 1] = (float)y;
        x[i * 3 + 2] = (float)(t * sin(t));
        sheet[i * 2] = (float)(t * t / 2);
        sheet[i * 2 + 1] = (float)y;
    }
    cepman_umap *u = fit(ctx, x, n, 3, 2, 0);
    const cepman_matrix *e = cepman_umap_embedding(u);
    size_t far = 0;
    for (size_t i = 0; i < n; i++) {
        double near[10], on[10];
        for (size_t k = 0; k < 10; k++)
            near[k] = INFINITY, on[k] = 0;
        for (size_t j = 0; j < n; j++) {
            double d = distance(cepman_matrix_row(e, i), cepman_matrix_row(e, j), 2);
            size_t k = 9;
            if (j == i || d >= near[9]) continue;
            for (; k && d < near[k - 1]; k--)
                near[k] = near[k - 1], on[k] = on[k - 1];
            near[k] = d;
            on[k] = distance(sheet + i * 2, sheet + j * 2, 2);
        }
        for (size_t k = 0; k < 10; k++)
            far += on[k] > 12; /* of a sheet of 99 x 21; the next layer is 30 or more away along it */
    }
    ck_assert_msg(far < n * 10 / 50, "%zu of %d pairs are far apart on the sheet", far, n * 10);
    cepman_umap_unref(u);
    free(sheet);
    free(x);
    support_end(ctx);
}
END_TEST

/* One normal cluster stays one round cluster: nobody far out, no empty middle. */
START_TEST(one_cluster_stays_one)
{
    enum { n = 800, d = 10 };
    cepman_context *ctx = support_begin(2);
    support_random r = {9};
    float *x = calloc(n * d, sizeof *x);
    for (size_t i = 0; i < n * d; i++)
        x[i] = (float)support_normal(&r);
    for (int dims = 2; dims <= 3; dims++) {
        cepman_umap *u = fit(ctx, x, n, d, dims, 0);
        const cepman_matrix *e = cepman_umap_embedding(u);
        float centre[3];
        double radius[n];
        for (int c = 0; c < dims; c++) {
            double sum = 0;
            for (size_t i = 0; i < n; i++)
                sum += (double)cepman_matrix_row(e, i)[c];
            centre[c] = (float)(sum / n);
        }
        for (size_t i = 0; i < n; i++)
            radius[i] = distance(cepman_matrix_row(e, i), centre, (size_t)dims);
        qsort(radius, n, sizeof *radius, by_value);
        ck_assert_msg(radius[n - 1] < 3 * radius[n / 2], "dims %d: radius %g, median %g", dims, radius[n - 1],
                      radius[n / 2]);
        ck_assert_msg(radius[n / 20] < 0.6 * radius[n / 2], "dims %d: a ring: %g, median %g", dims,
                      radius[n / 20], radius[n / 2]);
        cepman_umap_unref(u);
    }
    free(x);
    support_end(ctx);
}
END_TEST

/* Points that coincide end up together, and the rest does not suffer. */
START_TEST(copies_lie_together)
{
    enum { places = 200, copies = 3, n = places * copies, d = 8 };
    cepman_context *ctx = support_begin(2);
    support_random r = {2};
    float *x = calloc(n * d, sizeof *x);
    for (size_t i = 0; i < places * d; i++)
        x[i] = (float)support_normal(&r);
    for (size_t c = 1; c < copies; c++)
        memcpy(x + c * places * d, x, places * d * sizeof *x);
    cepman_umap *u = fit(ctx, x, n, d, 2, 0);
    const cepman_matrix *e = cepman_umap_embedding(u);
    double together = 0, any = 0;
    for (size_t i = 0; i < n; i++) {
        together += distance(cepman_matrix_row(e, i), cepman_matrix_row(e, (i + places) % n), 2);
        any += distance(cepman_matrix_row(e, i), cepman_matrix_row(e, (i + places / 2) % n), 2);
    }
    ck_assert_msg(together < any / 5 && any > n, "copies %g, others %g apart", together / n, any / n);
    cepman_umap_unref(u);
    free(x);
    support_end(ctx);
}
END_TEST

/* Every dimension is used: none is left to an outlier while all others share one value. */
START_TEST(no_dimension_collapses)
{
    enum { n = 300, d = 8 };
    static const int counts[] = {2, 3, 5, 9, 16};
    cepman_context *ctx = support_begin(2);
    support_random r = {3};
    float *x = calloc(n * d, sizeof *x);
    for (size_t i = 0; i < n * d; i++)
        x[i] = (float)support_normal(&r);
    if (_i) /* one point far from all others, to which an eigenvector could belong */
        for (size_t c = 0; c < d; c++)
            x[c] *= 30;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        cepman_umap *u = fit(ctx, x, n, d, counts[k], 0);
        double least = INFINITY, most = 0;
        for (int c = 0; c < counts[k]; c++) {
            const double width = middle(cepman_umap_embedding(u), (size_t)c);
            least = fmin(least, width);
            most = fmax(most, width);
        }
        ck_assert_msg(least > most / 5 && most > 0.5 && most < 20, "%d dims: widths %g to %g", counts[k],
                      least, most);
        cepman_umap_unref(u);
    }
    free(x);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("umap_shapes");
    TCase *t = tcase_create("shapes");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, roll_is_unrolled);
    tcase_add_test(t, one_cluster_stays_one);
    tcase_add_test(t, copies_lie_together);
    tcase_add_loop_test(t, no_dimension_collapses, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
