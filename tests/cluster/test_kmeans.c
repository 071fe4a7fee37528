/* K-means: a plain double twin, odd cases, weights, selections, threads, failures. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "support.h"

/* n points around `groups` centres far apart. */
static cepman_matrix *groups_of(cepman_context *ctx, size_t n, size_t d, size_t groups, uint64_t seed)
{
    support_random r = {seed};
    float *x = malloc(n * d * sizeof *x), *c = malloc(groups * d * sizeof *c);
    ck_assert(x && c);
    for (size_t i = 0; i < groups * d; i++)
        c[i] = (float)(10 * support_normal(&r));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            x[i * d + j] = c[i % groups * d + j] + (float)support_normal(&r);
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
    free(x);
    free(c);
    return m;
}

static cepman_options *options_of(cepman_context *ctx, int64_t k, int64_t runs)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_kmeans_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "k", k));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "n-init", runs));
    return o;
}

static double squared(const float *a, const float *b, size_t d)
{
    double s = 0;
    for (size_t j = 0; j < d; j++)
        s += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
    return s;
}

/* Labels are the nearest centres, centres the means of their points, inertia the sum of squares. */
static void assert_fixed_point(const cepman_kmeans *model, const cepman_matrix *x, const double *weights)
{
    const cepman_matrix *c = cepman_kmeans_centres(model);
    size_t n = cepman_matrix_rows(x), d = cepman_matrix_columns(x), k = cepman_matrix_rows(c);
    const int32_t *l = cepman_labels_data(cepman_kmeans_labels(model));
    double inertia = 0;
    for (size_t i = 0; i < n; i++) {
        double own = squared(cepman_matrix_row(x, i), cepman_matrix_row(c, (size_t)l[i]), d);
        for (size_t j = 0; j < k; j++) {
            double other = squared(cepman_matrix_row(x, i), cepman_matrix_row(c, j), d);
            ck_assert_msg(own <= other * (1 + 1e-14), "point %zu belongs to %zu, not %d", i, j, l[i]);
        }
        inertia += own * (weights ? weights[i] : 1);
    }
    ck_assert_double_le(fabs(inertia - cepman_kmeans_inertia(model)), 1e-10 * inertia);
    for (size_t j = 0; j < k * d; j++) {
        double sum = 0, mass = 0;
        for (size_t i = 0; i < n; i++)
            if ((size_t)l[i] == j / d) {
                double w = weights ? weights[i] : 1;
                sum += w * (double)cepman_matrix_row(x, i)[j % d];
                mass += w;
            }
        if (mass > 0) ck_assert_double_eq_tol((double)cepman_matrix_row(c, j / d)[j % d], sum / mass, 1e-5);
    }
}

START_TEST(reaches_a_fixed_point)
{
    static const size_t dims[] = {1, 2, 3, 5, 16, 17, 40, 100};
    size_t d = dims[_i % 8], n = 5003, groups = 7;
    cepman_context *ctx = support_begin(2);
    if (_i >= 8) assert_good(ctx, cepman_context_set_cpu_level(ctx, "generic"));
    cepman_matrix *x = groups_of(ctx, n, d, groups, 5 + d);
    for (int weighted = 0; weighted < 2; weighted++) {
        double *w = malloc(n * sizeof *w);
        for (size_t i = 0; i < n; i++)
            w[i] = (double)(i % 4);
        cepman_options *o = options_of(ctx, (int64_t)groups + 2, 3);
        assert_good(ctx, cepman_options_set_real(o, ctx, "tol", 0));
        cepman_kmeans *model = NULL;
        assert_good(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, weighted ? w : NULL, o));
        ck_assert(cepman_kmeans_converged(model));
        assert_fixed_point(model, x, weighted ? w : NULL);
        /* The model gives its own points the same labels. */
        cepman_labels *again = NULL;
        assert_good(ctx, cepman_kmeans_apply(&again, ctx, model, x));
        ck_assert_mem_eq(cepman_labels_data(again), cepman_labels_data(cepman_kmeans_labels(model)), n * 4);
        cepman_labels_unref(again);
        cepman_kmeans_unref(model);
        cepman_options_unref(o);
        free(w);
    }
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

/* A point with weight 3 counts as three points. */
START_TEST(weights_are_repeats)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *x = groups_of(ctx, 300, 3, 4, 9), *many = NULL, *start = NULL;
    size_t rows[900], count = 0, first[4] = {0, 1, 2, 3};
    double w[300];
    for (size_t i = 0; i < 300; i++) {
        w[i] = (double)(i % 4);
        for (size_t r = 0; r < i % 4; r++)
            rows[count++] = i;
    }
    assert_good(ctx, cepman_matrix_select(&many, ctx, x, rows, count));
    assert_good(ctx, cepman_matrix_select(&start, ctx, x, first, 4));
    cepman_options *o = options_of(ctx, 4, 1);
    assert_good(ctx, cepman_options_set_real(o, ctx, "tol", 0));
    cepman_kmeans *a = NULL, *b = NULL;
    assert_good(ctx, cepman_kmeans_fit(&a, ctx, x, start, w, o));
    assert_good(ctx, cepman_kmeans_fit(&b, ctx, many, start, NULL, o));
    ck_assert_double_le(fabs(cepman_kmeans_inertia(a) / cepman_kmeans_inertia(b) - 1), 1e-12);
    for (size_t c = 0; c < 4; c++)
        ck_assert_mem_eq(cepman_matrix_row(cepman_kmeans_centres(a), c),
                         cepman_matrix_row(cepman_kmeans_centres(b), c), 3 * sizeof(float));
    cepman_kmeans_unref(a);
    cepman_kmeans_unref(b);
    cepman_options_unref(o);
    cepman_matrix_unref(many);
    cepman_matrix_unref(start);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

/* The inertia of iteration i is that of a fit which stops there: labels about the centres they were found with. */
START_TEST(history)
{
    size_t d = _i % 2 ? 30 : 3, n = 2000, k = 6;
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = groups_of(ctx, n, d, 4, 21), *start = NULL;
    size_t first[6] = {0, 4, 8, 12, 16, 20};
    double *w = malloc(n * sizeof *w);
    for (size_t i = 0; i < n; i++)
        w[i] = _i >= 2 ? (double)(i % 5) : 1;
    assert_good(ctx, cepman_matrix_select(&start, ctx, x, first, k));
    cepman_options *o = options_of(ctx, (int64_t)k, 1);
    assert_good(ctx, cepman_options_set_real(o, ctx, "tol", 0));
    cepman_kmeans *model = NULL;
    assert_good(ctx, cepman_kmeans_fit(&model, ctx, x, start, _i >= 2 ? w : NULL, o));
    size_t count = cepman_kmeans_iterations(model);
    const double *h = cepman_kmeans_history(model);
    ck_assert_uint_gt(count, 3);
    for (size_t it = 0; it < count; it++) {
        cepman_kmeans *part = NULL;
        const cepman_matrix *c = start;
        if (it) {
            assert_good(ctx, cepman_options_set_integer(o, ctx, "max-iterations", (int64_t)it));
            assert_good(ctx, cepman_kmeans_fit(&part, ctx, x, start, _i >= 2 ? w : NULL, o));
            c = cepman_kmeans_centres(part);
        }
        double inertia = 0;
        for (size_t i = 0; i < n; i++) {
            double least = (double)INFINITY;
            for (size_t j = 0; j < k; j++)
                least = fmin(least, squared(cepman_matrix_row(x, i), cepman_matrix_row(c, j), d));
            inertia += w[i] * least;
        }
        ck_assert_double_eq_tol(h[it] / inertia, 1, 1e-11);
        ck_assert(it == 0 || h[it] <= h[it - 1] * (1 + 1e-12));
        cepman_kmeans_unref(part);
    }
    ck_assert_double_eq_tol(h[count - 1] / cepman_kmeans_inertia(model), 1, 1e-11);
    ck_assert_ptr_null(cepman_kmeans_history(NULL));
    cepman_kmeans_unref(model);
    cepman_options_unref(o);
    cepman_matrix_unref(start);
    cepman_matrix_unref(x);
    free(w);
    support_end(ctx);
}
END_TEST

START_TEST(threads_and_selections_do_not_matter)
{
    size_t d = _i ? 50 : 3, n = 20011;
    cepman_context *one = support_begin(1), *three = NULL;
    assert_good(one, cepman_context_create(&three, NULL));
    assert_good(three, cepman_context_set_threads(three, 3));
    cepman_matrix *x = groups_of(one, n, d, 5, 77), *picked = NULL;
    size_t *rows = malloc(n * sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = i;
    assert_good(one, cepman_matrix_select(&picked, one, x, rows, n));
    cepman_options *o = options_of(one, 9, 2);
    cepman_kmeans *a = NULL, *b = NULL;
    assert_good(one, cepman_kmeans_fit(&a, one, x, NULL, NULL, o));
    assert_good(three, cepman_kmeans_fit(&b, three, picked, NULL, NULL, o));
    double ia = cepman_kmeans_inertia(a), ib = cepman_kmeans_inertia(b);
    ck_assert_mem_eq(&ia, &ib, sizeof ia);
    ck_assert_uint_eq(cepman_kmeans_iterations(a), cepman_kmeans_iterations(b));
    ck_assert_mem_eq(cepman_labels_data(cepman_kmeans_labels(a)), cepman_labels_data(cepman_kmeans_labels(b)),
                     n * 4);
    for (size_t c = 0; c < 9; c++)
        ck_assert_mem_eq(cepman_matrix_row(cepman_kmeans_centres(a), c),
                         cepman_matrix_row(cepman_kmeans_centres(b), c), d * sizeof(float));
    cepman_kmeans_unref(a);
    cepman_kmeans_unref(b);
    cepman_options_unref(o);
    cepman_matrix_unref(picked);
    cepman_matrix_unref(x);
    free(rows);
    cepman_context_unref(three);
    support_end(one);
}
END_TEST

START_TEST(odd_cases)
{
    cepman_context *ctx = support_begin(2);
    cepman_options *o = options_of(ctx, 5, 2);
    cepman_kmeans *model = NULL;
    /* k = n: every point its own centre. */
    cepman_matrix *x = support_normals(ctx, 5, 3, 1);
    assert_good(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, NULL, o));
    ck_assert_double_eq(cepman_kmeans_inertia(model), 0);
    ck_assert_uint_eq(cepman_labels_clusters(cepman_kmeans_labels(model)), 5);
    cepman_kmeans_unref(model);
    cepman_matrix_unref(x);
    /* k > n, n = 0. */
    model = NULL;
    x = support_normals(ctx, 4, 3, 1);
    assert_fails(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, NULL, o), CEPMAN_ERR_RANGE, "k is 5");
    cepman_matrix_unref(x);
    x = support_normals(ctx, 0, 3, 1);
    assert_fails(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, NULL, o), CEPMAN_ERR_RANGE, "0");
    cepman_matrix_unref(x);
    /* All points equal: one cluster holds them all. */
    for (size_t d = 3; d < 60; d += 40) {
        float same[60 * 50];
        for (size_t i = 0; i < 60 * 50; i++)
            same[i] = 0.3f;
        assert_good(ctx, cepman_matrix_copy(&x, ctx, same, 50, d, d));
        assert_good(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, NULL, o));
        ck_assert_double_eq(cepman_kmeans_inertia(model), 0);
        ck_assert_uint_eq(cepman_labels_clusters(cepman_kmeans_labels(model)), 1);
        cepman_kmeans_unref(model);
        cepman_matrix_unref(x);
        model = NULL;
    }
    /* Values whose squares overflow or vanish in float32 still have a nearest centre. */
    for (int size = 0; size < 4; size++)
        for (size_t d = 2; d < 40; d += 36) {
            float scale = size & 1 ? 1e-30f : 1e30f, far[8 * 38], start[2 * 38];
            for (size_t i = 0; i < 8 * d; i++)
                far[i] = scale * ((float)(i / d % 2) + 0.01f * (float)(i / d));
            memcpy(start, far, 2 * d * sizeof *far);
            cepman_matrix *c = NULL;
            assert_good(ctx, cepman_matrix_copy(&x, ctx, far, 8, d, d));
            assert_good(ctx, cepman_matrix_copy(&c, ctx, start, 2, d, d));
            assert_good(ctx, cepman_kmeans_fit(&model, ctx, x, size & 2 ? c : NULL, NULL, NULL));
            if (size & 2)
                for (int32_t i = 0; i < 8; i++)
                    ck_assert_int_eq(cepman_labels_data(cepman_kmeans_labels(model))[i], i % 2);
            cepman_kmeans_unref(model);
            model = NULL;
            cepman_matrix_unref(c);
            cepman_matrix_unref(x);
        }
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

START_TEST(bad_input)
{
    cepman_context *ctx = support_begin(1);
    cepman_options *o = options_of(ctx, 2, 1), *wrong = NULL;
    cepman_matrix *x = NULL, *c = support_normals(ctx, 2, 3, 4), *narrow = support_normals(ctx, 2, 2, 4);
    float v[4 * 3] = {0, 1, 2, 3, 4, 5, 6, NAN, 8, 9, 10, 11};
    double negative[4] = {1, 1, -1, 1}, zeros[4] = {0, 0, 0, 0}, nan[4] = {1, (double)NAN, 1, 1};
    cepman_kmeans *model = NULL;
    assert_good(ctx, cepman_matrix_copy(&x, ctx, v, 4, 3, 3));
    assert_fails(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, NULL, o), CEPMAN_ERR_DATA, "row 2");
    cepman_matrix_unref(x);
    v[7] = 7;
    assert_good(ctx, cepman_matrix_copy(&x, ctx, v, 4, 3, 3));
    assert_fails(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, negative, o), CEPMAN_ERR_DATA, "weight 2");
    assert_fails(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, nan, o), CEPMAN_ERR_DATA, "weight 1");
    assert_fails(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, zeros, o), CEPMAN_ERR_DATA, "weights");
    assert_fails(ctx, cepman_kmeans_fit(&model, ctx, x, narrow, NULL, o), CEPMAN_ERR_SHAPE, "2 x 2");
    assert_fails(ctx, cepman_options_set_integer(o, ctx, "k", 0), CEPMAN_ERR_RANGE, "'k'");
    assert_good(ctx, cepman_hdbscan_options_create(&wrong, ctx));
    assert_fails(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, NULL, wrong), CEPMAN_ERR_OPTION, "hdbscan");
    assert_status(ctx, cepman_kmeans_fit(NULL, ctx, x, NULL, NULL, o), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(model);
    assert_good(ctx, cepman_kmeans_fit(&model, ctx, x, c, NULL, o));
    cepman_labels *l = NULL;
    assert_fails(ctx, cepman_kmeans_apply(&l, ctx, model, narrow), CEPMAN_ERR_SHAPE, "2 columns");
    ck_assert_ptr_null(l);
    cepman_kmeans_unref(model);
    cepman_options_unref(o);
    cepman_options_unref(wrong);
    cepman_matrix_unref(x);
    cepman_matrix_unref(c);
    cepman_matrix_unref(narrow);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = groups_of(ctx, 600, _i ? 20 : 3, 3, 2);
    /* An empty cluster on the way: the third centre is far from all points. */
    float far[3 * 20] = {0};
    for (int j = 0; j < 20; j++)
        far[2 * (_i ? 20 : 3) + (_i ? j : j % 3)] = 1e4f;
    cepman_matrix *c = NULL;
    assert_good(ctx, cepman_matrix_copy(&c, ctx, far, 3, _i ? 20 : 3, _i ? 20 : 3));
    cepman_options *o = options_of(ctx, 3, 1);
    cepman_status s;
    long fail = 0;
    do {
        cepman_kmeans *model = NULL;
        cepman_labels *l = NULL;
        support_fail_at(fail++);
        s = cepman_kmeans_fit(&model, ctx, x, c, NULL, o);
        if (!s) {
            cepman_kmeans *other = NULL;
            s = cepman_kmeans_fit(&other, ctx, x, NULL, NULL, o);
            ck_assert(!s == (other != NULL));
            cepman_kmeans_unref(other);
        }
        if (!s) s = cepman_kmeans_apply(&l, ctx, model, x);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_THREAD);
        cepman_kmeans_unref(model);
        cepman_labels_unref(l);
    } while (s);
    support_fail_at(-1);
    ck_assert_int_gt(fail, 20);
    cepman_options_unref(o);
    cepman_matrix_unref(c);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

static int count_down(void *user)
{
    return (*(int *)user)-- <= 0;
}

START_TEST(cancel)
{
    cepman_context *ctx = support_begin(_i % 2 ? 3 : 1);
    cepman_matrix *x = groups_of(ctx, 30000, _i / 2 ? 20 : 3, 6, 8);
    cepman_options *o = options_of(ctx, 20, 10);
    for (int polls = 0; polls < 40; polls += 3) {
        int left = polls;
        cepman_kmeans *model = NULL;
        assert_good(ctx, cepman_context_set_cancel(ctx, count_down, &left));
        assert_status(ctx, cepman_kmeans_fit(&model, ctx, x, NULL, NULL, o), CEPMAN_ERR_CANCELLED);
        ck_assert_ptr_null(model);
        assert_good(ctx, cepman_context_set_cancel(ctx, NULL, NULL));
        cepman_context_clear_cancel(ctx);
    }
    cepman_options_unref(o);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster kmeans");
    TCase *t = tcase_create("kmeans");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, reaches_a_fixed_point, 0, 16);
    tcase_add_test(t, weights_are_repeats);
    tcase_add_loop_test(t, history, 0, 4);
    tcase_add_loop_test(t, threads_and_selections_do_not_matter, 0, 2);
    tcase_add_test(t, odd_cases);
    tcase_add_test(t, bad_input);
    tcase_add_loop_test(t, failing_allocations, 0, 2);
    tcase_add_loop_test(t, cancel, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
