/* K-means of a stream: blocks do not matter, it comes near K-means, a plain twin of the steps, failures go on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "support.h"

/* n points around eight centres far apart. */
static float *rows_of(size_t n, size_t d)
{
    support_random r = {11};
    float *x = malloc(n * d * sizeof *x), *c = malloc(8 * d * sizeof *c);
    ck_assert(x && c);
    for (size_t i = 0; i < 8 * d; i++)
        c[i] = (float)(10 * support_normal(&r));
    for (size_t i = 0; i < n * d; i++)
        x[i] = c[i / d % 8 * d + i % d] + (float)support_normal(&r);
    free(c);
    return x;
}

static cepman_matrix *block(cepman_context *ctx, const float *x, size_t first, size_t count, size_t d)
{
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x + first * d, count, d, d, NULL, NULL));
    return m;
}

static cepman_options *options_of(cepman_context *ctx, int64_t k, int64_t batch)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_kmeans_stream_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "k", k));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "batch", batch));
    return o;
}

static void add_in_blocks(cepman_kmeans_stream *s, cepman_context *ctx, const float *x, size_t n, size_t d,
                          const double *weights, size_t step)
{
    for (size_t first = 0; first < n; first += step) {
        size_t count = first + step < n ? step : n - first;
        cepman_matrix *m = block(ctx, x, first, count, d);
        assert_good(ctx, cepman_kmeans_stream_add(s, ctx, m, weights ? weights + first : NULL));
        cepman_matrix_unref(m);
    }
    ck_assert_uint_eq(cepman_kmeans_stream_rows(s), n);
}

static void assert_same(const cepman_kmeans *a, const cepman_kmeans *b, size_t k, size_t d)
{
    double ia = cepman_kmeans_inertia(a), ib = cepman_kmeans_inertia(b);
    ck_assert_mem_eq(&ia, &ib, sizeof ia);
    ck_assert_uint_eq(cepman_kmeans_iterations(a), cepman_kmeans_iterations(b));
    ck_assert_mem_eq(cepman_kmeans_history(a), cepman_kmeans_history(b),
                     cepman_kmeans_iterations(a) * sizeof(double));
    for (size_t c = 0; c < k; c++)
        ck_assert_mem_eq(cepman_matrix_row(cepman_kmeans_centres(a), c),
                         cepman_matrix_row(cepman_kmeans_centres(b), c), d * sizeof(float));
}

START_TEST(blocks_and_threads_do_not_matter)
{
    size_t n = 5000, d = _i % 2 ? 30 : 3;
    cepman_context *ctx = support_begin(1), *other = NULL;
    assert_good(ctx, cepman_context_create(&other, NULL));
    assert_good(other, cepman_context_set_threads(other, 3));
    float *x = rows_of(n, d);
    double *w = NULL;
    if (_i >= 2) {
        w = malloc(n * sizeof *w);
        for (size_t i = 0; i < n; i++)
            w[i] = 1 + (double)(i % 3);
    }
    cepman_options *o = options_of(ctx, 8, 300);
    cepman_kmeans *want = NULL;
    static const size_t steps[] = {5000, 1, 300, 299, 301, 900, 77};
    for (size_t t = 0; t < sizeof steps / sizeof *steps; t++) {
        cepman_context *use = t % 2 ? other : ctx;
        cepman_kmeans_stream *s = NULL;
        cepman_kmeans *got = NULL;
        assert_good(use, cepman_kmeans_stream_create(&s, use, d, NULL, o));
        add_in_blocks(s, use, x, n, d, w, steps[t]);
        assert_good(use, cepman_kmeans_stream_model(&got, use, s));
        ck_assert_ptr_null(cepman_kmeans_labels(got));
        if (want) {
            assert_same(got, want, 8, d);
            cepman_kmeans_unref(got);
        } else {
            want = got;
        }
        cepman_kmeans_stream_unref(s);
    }
    cepman_kmeans_unref(want);
    cepman_options_unref(o);
    free(w);
    free(x);
    cepman_context_unref(other);
    support_end(ctx);
}
END_TEST

/* Batch by batch in plain double, from given centres. */
START_TEST(plain_twin)
{
    enum { K = 8, D = 4, N = 1000, BATCH = 128 };
    cepman_context *ctx = support_begin(2);
    float *x = rows_of(N, D);
    double c[K * D], mass[K] = {0}, total = 0;
    for (size_t i = 0; i < K * D; i++)
        c[i] = (double)x[i];
    for (size_t first = 0; first < N; first += BATCH) {
        double sums[K * D] = {0}, count[K] = {0};
        for (size_t i = first; i < first + BATCH && i < N; i++) {
            size_t best = 0;
            double least = (double)INFINITY;
            for (size_t k = 0; k < K; k++) {
                double s = 0;
                for (size_t j = 0; j < D; j++) {
                    double e = (double)x[i * D + j] - (double)(float)c[k * D + j];
                    s += e * e;
                }
                if (s < least) {
                    least = s;
                    best = k;
                }
            }
            total += least;
            count[best] += 1;
            for (size_t j = 0; j < D; j++)
                sums[best * D + j] += (double)x[i * D + j];
        }
        for (size_t k = 0; k < K; k++) {
            mass[k] += count[k];
            for (size_t j = 0; j < D && count[k] > 0; j++)
                c[k * D + j] += (sums[k * D + j] - count[k] * c[k * D + j]) / mass[k];
        }
    }
    cepman_matrix *start = block(ctx, x, 0, K, D);
    cepman_kmeans_stream *s = NULL;
    cepman_kmeans *model = NULL;
    cepman_options *o = NULL;
    assert_good(ctx, cepman_kmeans_stream_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "batch", BATCH));
    assert_good(ctx, cepman_kmeans_stream_create(&s, ctx, D, start, o));
    add_in_blocks(s, ctx, x, N, D, NULL, 100);
    assert_good(ctx, cepman_kmeans_stream_model(&model, ctx, s));
    ck_assert_double_eq_tol(cepman_kmeans_inertia(model) / total, 1, 1e-12);
    for (size_t i = 0; i < K * D; i++)
        ck_assert_double_eq_tol((double)cepman_matrix_row(cepman_kmeans_centres(model), i / D)[i % D], c[i],
                                1e-5);
    cepman_kmeans_unref(model);
    cepman_kmeans_stream_unref(s);
    cepman_options_unref(o);
    cepman_matrix_unref(start);
    free(x);
    support_end(ctx);
}
END_TEST

/* A model in the middle changes nothing; the end is near what K-means finds with all rows at hand. */
START_TEST(near_kmeans)
{
    size_t n = 20000, d = 3;
    cepman_context *ctx = support_begin(2);
    float *x = rows_of(n, d);
    cepman_matrix *all = block(ctx, x, 0, n, d), *half = block(ctx, x, 0, n / 2 - 13, d),
                  *rest = block(ctx, x, n / 2 - 13, n / 2 + 13, d);
    cepman_options *o = options_of(ctx, 8, 256), *exact = NULL;
    cepman_kmeans_stream *s = NULL, *t = NULL;
    cepman_kmeans *middle = NULL, *a = NULL, *b = NULL, *full = NULL;
    cepman_labels *la = NULL;
    double value;
    assert_good(ctx, cepman_kmeans_options_create(&exact, ctx));
    assert_good(ctx, cepman_kmeans_stream_create(&s, ctx, d, NULL, o));
    assert_good(ctx, cepman_kmeans_stream_create(&t, ctx, d, NULL, o));
    assert_good(ctx, cepman_kmeans_stream_add(s, ctx, half, NULL));
    assert_good(ctx, cepman_kmeans_stream_model(&middle, ctx, s));
    assert_good(ctx, cepman_kmeans_stream_add(s, ctx, rest, NULL));
    assert_good(ctx, cepman_kmeans_stream_add(t, ctx, all, NULL));
    assert_good(ctx, cepman_kmeans_stream_model(&a, ctx, s));
    assert_good(ctx, cepman_kmeans_stream_model(&b, ctx, t));
    assert_same(a, b, 8, d);
    assert_good(ctx, cepman_kmeans_fit(&full, ctx, all, NULL, NULL, exact));
    assert_good(ctx, cepman_kmeans_apply(&la, ctx, a, all));
    assert_good(ctx, cepman_validity_ari(&value, ctx, la, cepman_kmeans_labels(full)));
    ck_assert_double_gt(value, 0.98);
    ck_assert_double_lt(cepman_kmeans_inertia(a), 1.02 * cepman_kmeans_inertia(full));
    cepman_labels_unref(la);
    cepman_kmeans_unref(middle);
    cepman_kmeans_unref(a);
    cepman_kmeans_unref(b);
    cepman_kmeans_unref(full);
    cepman_kmeans_stream_unref(s);
    cepman_kmeans_stream_unref(t);
    cepman_options_unref(o);
    cepman_options_unref(exact);
    cepman_matrix_unref(all);
    cepman_matrix_unref(half);
    cepman_matrix_unref(rest);
    free(x);
    support_end(ctx);
}
END_TEST

/* A centre far from everything is empty for good, unless it is put elsewhere. */
START_TEST(empty_centres_are_put_elsewhere)
{
    size_t n = 2000, d = 2;
    cepman_context *ctx = support_begin(1);
    float *x = rows_of(n, d), start[8 * 2];
    memcpy(start, x, sizeof start);
    start[14] = start[15] = 1e6f;
    cepman_matrix *c = NULL, *all = block(ctx, x, 0, n, d);
    cepman_kmeans_stream *s = NULL;
    cepman_kmeans *model = NULL;
    cepman_labels *l = NULL;
    cepman_options *o = options_of(ctx, 8, 100);
    assert_good(ctx, cepman_matrix_copy(&c, ctx, start, 8, d, d));
    assert_good(ctx, cepman_kmeans_stream_create(&s, ctx, d, c, o));
    assert_good(ctx, cepman_kmeans_stream_add(s, ctx, all, NULL));
    assert_good(ctx, cepman_kmeans_stream_model(&model, ctx, s));
    assert_good(ctx, cepman_kmeans_apply(&l, ctx, model, all));
    size_t own = 0;
    for (size_t i = 0; i < n; i++)
        own += cepman_labels_data(l)[i] == 7;
    ck_assert_uint_gt(own, 0);
    cepman_labels_unref(l);
    cepman_kmeans_unref(model);
    cepman_kmeans_stream_unref(s);
    cepman_options_unref(o);
    cepman_matrix_unref(c);
    cepman_matrix_unref(all);
    free(x);
    support_end(ctx);
}
END_TEST

START_TEST(bad_input)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *x = support_normals(ctx, 5, 3, 1), *narrow = support_normals(ctx, 5, 2, 1), *bad = NULL;
    cepman_matrix *none = support_normals(ctx, 0, 3, 1);
    const float nan[] = {0, 1, 2, 3, INFINITY, 5};
    const double w[5] = {1, 1, -2, 1, 1};
    cepman_kmeans_stream *s = NULL;
    cepman_kmeans *model = NULL;
    cepman_options *o = options_of(ctx, 4, 100);
    assert_good(ctx, cepman_matrix_copy(&bad, ctx, nan, 2, 3, 3));
    assert_fails(ctx, cepman_kmeans_stream_create(&s, ctx, 0, NULL, o), CEPMAN_ERR_RANGE, "columns is 0");
    assert_fails(ctx, cepman_kmeans_stream_create(&s, ctx, 3, x, o), CEPMAN_ERR_SHAPE, "5 x 3");
    assert_fails(ctx, cepman_kmeans_stream_create(&s, ctx, 3, none, NULL), CEPMAN_ERR_SHAPE, "no row");
    assert_good(ctx, cepman_options_set_integer(o, ctx, "k", 2));
    assert_fails(ctx, cepman_kmeans_stream_create(&s, ctx, 3, bad, o), CEPMAN_ERR_DATA, "centre 1");
    assert_good(ctx, cepman_options_set_integer(o, ctx, "start-rows", 1));
    assert_fails(ctx, cepman_kmeans_stream_create(&s, ctx, 3, NULL, o), CEPMAN_ERR_RANGE, "start-rows is 1");
    assert_good(ctx, cepman_options_parse(o, ctx, "start-rows", "auto"));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "k", 4));
    ck_assert_ptr_null(s);
    assert_good(ctx, cepman_kmeans_stream_create(&s, ctx, 3, NULL, o));
    assert_fails(ctx, cepman_kmeans_stream_model(&model, ctx, s), CEPMAN_ERR_RANGE, "k is 4");
    assert_fails(ctx, cepman_kmeans_stream_add(s, ctx, narrow, NULL), CEPMAN_ERR_SHAPE, "2 columns");
    assert_fails(ctx, cepman_kmeans_stream_add(s, ctx, bad, NULL), CEPMAN_ERR_DATA, "row 1");
    assert_fails(ctx, cepman_kmeans_stream_add(s, ctx, x, w), CEPMAN_ERR_DATA, "weight 2");
    ck_assert_uint_eq(cepman_kmeans_stream_rows(s), 0);
    assert_status(ctx, cepman_kmeans_stream_add(NULL, ctx, x, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_kmeans_stream_model(NULL, ctx, s), CEPMAN_ERR_ARGUMENT);
    /* Fewer rows than the start gathers are enough for a model. */
    assert_good(ctx, cepman_kmeans_stream_add(s, ctx, x, NULL));
    assert_good(ctx, cepman_kmeans_stream_model(&model, ctx, s));
    ck_assert_uint_eq(cepman_matrix_rows(cepman_kmeans_centres(model)), 4);
    cepman_kmeans_unref(model);
    cepman_kmeans_stream_unref(s);
    cepman_kmeans_stream_unref(NULL);
    cepman_options_unref(o);
    cepman_matrix_unref(x);
    cepman_matrix_unref(narrow);
    cepman_matrix_unref(bad);
    cepman_matrix_unref(none);
    support_end(ctx);
}
END_TEST

/* Whatever allocation fails, going on with the rows that were not taken gives the same model. */
START_TEST(goes_on_after_failures)
{
    enum { N = 900, D = 3 };
    cepman_context *ctx = support_begin(1);
    float *x = rows_of(N, D);
    cepman_options *o = options_of(ctx, 8, 100);
    cepman_kmeans *want = NULL;
    for (long turn = -1; turn < 400; turn += turn < 0 ? 1 : 7) {
        long fail = turn;
        cepman_kmeans_stream *s = NULL;
        cepman_kmeans *got = NULL;
        assert_good(ctx, cepman_kmeans_stream_create(&s, ctx, D, NULL, o));
        while (cepman_kmeans_stream_rows(s) < N) {
            size_t first = (size_t)cepman_kmeans_stream_rows(s);
            cepman_matrix *m = block(ctx, x, first, N - first, D);
            support_fail_at(fail);
            cepman_status st = cepman_kmeans_stream_add(s, ctx, m, NULL);
            support_fail_at(-1);
            fail = -1; /* once a stream */
            ck_assert(st == CEPMAN_OK || st == CEPMAN_ERR_MEMORY);
            cepman_matrix_unref(m);
        }
        assert_good(ctx, cepman_kmeans_stream_model(&got, ctx, s));
        if (want)
            assert_same(got, want, 8, D);
        else
            want = got;
        if (got != want) cepman_kmeans_unref(got);
        cepman_kmeans_stream_unref(s);
    }
    cepman_status st;
    long fail = 0;
    do {
        cepman_kmeans_stream *s = NULL;
        cepman_kmeans *got = NULL;
        cepman_matrix *m = block(ctx, x, 0, 350, D);
        support_fail_at(fail++);
        st = cepman_kmeans_stream_create(&s, ctx, D, NULL, o);
        ck_assert(!st == (s != NULL));
        if (!st) st = cepman_kmeans_stream_add(s, ctx, m, NULL);
        if (!st) st = cepman_kmeans_stream_model(&got, ctx, s);
        support_fail_at(-1);
        ck_assert(!st == (got != NULL));
        cepman_kmeans_unref(got);
        cepman_kmeans_stream_unref(s);
        cepman_matrix_unref(m);
    } while (st);
    ck_assert_int_gt(fail, 30);
    cepman_kmeans_unref(want);
    cepman_options_unref(o);
    free(x);
    support_end(ctx);
}
END_TEST

static int count_down(void *user)
{
    return (*(int *)user)-- <= 0;
}

START_TEST(cancel)
{
    cepman_context *ctx = support_begin(1);
    float *x = rows_of(5000, 3);
    cepman_matrix *m = block(ctx, x, 0, 5000, 3);
    cepman_options *o = options_of(ctx, 8, 100);
    for (int polls = 0; polls < 60; polls += 5) {
        int left = polls;
        cepman_kmeans_stream *s = NULL;
        assert_good(ctx, cepman_kmeans_stream_create(&s, ctx, 3, NULL, o));
        assert_good(ctx, cepman_context_set_cancel(ctx, count_down, &left));
        assert_status(ctx, cepman_kmeans_stream_add(s, ctx, m, NULL), CEPMAN_ERR_CANCELLED);
        assert_good(ctx, cepman_context_set_cancel(ctx, NULL, NULL));
        cepman_context_clear_cancel(ctx);
        ck_assert_uint_lt(cepman_kmeans_stream_rows(s), 5000);
        cepman_kmeans_stream_unref(s);
    }
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster kmeans stream");
    TCase *t = tcase_create("stream");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, blocks_and_threads_do_not_matter, 0, 4);
    tcase_add_test(t, plain_twin);
    tcase_add_test(t, near_kmeans);
    tcase_add_test(t, empty_centres_are_put_elsewhere);
    tcase_add_test(t, bad_input);
    tcase_add_test(t, goes_on_after_failures);
    tcase_add_test(t, cancel);
    suite_add_tcase(s, t);
    return s;
}
