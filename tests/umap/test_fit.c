/* Whole fits: shapes with known answers, odd inputs, options, threads, levels, cancel, failing allocations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "umap.h"

#define TAU 6.283185307179586

static cepman_options *options(cepman_context *ctx, const char *const *pairs)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_umap_options_create(&o, ctx));
    for (; pairs && *pairs; pairs += 2)
        assert_good(ctx, cepman_options_parse(o, ctx, pairs[0], pairs[1]));
    return o;
}

/* Fits and checks what holds for every fit; the caller gives the model back. */
static cepman_umap *fit(cepman_context *ctx, cepman_matrix *m, const char *const *pairs)
{
    cepman_umap *u = NULL;
    cepman_options *o = options(ctx, pairs);
    int64_t dims;
    assert_good(ctx, cepman_options_get_integer(o, ctx, "dims", &dims));
    assert_good(ctx, cepman_umap_fit(&u, ctx, m, o));
    cepman_options_unref(o);
    cepman_matrix *e = cepman_umap_embedding(u);
    ck_assert_uint_eq(cepman_matrix_rows(e), cepman_matrix_rows(m));
    ck_assert_uint_eq(cepman_matrix_columns(e), (size_t)dims);
    for (size_t i = 0; i < cepman_matrix_rows(e); i++)
        for (size_t j = 0; j < (size_t)dims; j++)
            ck_assert(fabsf(cepman_matrix_row(e, i)[j]) < 1000);
    return u;
}

static double distance(const cepman_matrix *e, size_t i, size_t j)
{
    double sum = 0;
    for (size_t c = 0; c < cepman_matrix_columns(e); c++)
        sum += pow((double)cepman_matrix_row(e, i)[c] - (double)cepman_matrix_row(e, j)[c], 2);
    return sqrt(sum);
}

/* count rows of `columns` from a function of the row. */
typedef void (*shape)(support_random *r, size_t i, size_t n, float *row);
static cepman_matrix *draw(cepman_context *ctx, size_t n, size_t columns, shape f, uint64_t seed)
{
    support_random r = {seed};
    float *x = calloc(n * columns + 1, sizeof *x);
    for (size_t i = 0; i < n; i++)
        f(&r, i, n, x + i * columns);
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, columns, columns));
    free(x);
    return m;
}

static void on_circle(support_random *r, size_t i, size_t n, float *row)
{
    double t = TAU * (double)i / (double)n;
    for (int c = 0; c < 10; c++)
        row[c] = (float)(0.005 * support_normal(r));
    row[0] += (float)cos(t);
    row[7] += (float)sin(t);
}

/* In a ring no step from a point to the next is far longer than the others. */
START_TEST(circle_is_not_torn)
{
    static const char *const two[] = {"dims", "2", "seed", "1", NULL}, *const three[] = {"seed", "2", NULL};
    cepman_context *ctx = support_begin(2);
    const size_t n = 800;
    cepman_matrix *m = draw(ctx, n, 10, on_circle, 3);
    cepman_umap *u = fit(ctx, m, _i ? three : two);
    double longest = 0, across = 0;
    for (size_t i = 0; i < n; i++) {
        longest = fmax(longest, distance(cepman_umap_embedding(u), i, (i + 1) % n));
        across = fmax(across, distance(cepman_umap_embedding(u), i, (i + n / 2) % n));
    }
    ck_assert_msg(longest < across / 7 && across > 10, "longest step %g, width %g", longest, across);
    cepman_umap_unref(u);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static void two_blobs(support_random *r, size_t i, size_t n, float *row)
{
    (void)n;
    for (int c = 0; c < 10; c++)
        row[c] = (float)support_normal(r) + (i % 2 ? 100.0f : 0.0f);
}

START_TEST(far_clusters_lie_apart)
{
    cepman_context *ctx = support_begin(2);
    const size_t n = 600;
    cepman_matrix *m = draw(ctx, n, 10, two_blobs, 3);
    cepman_umap *u = fit(ctx, m, NULL);
    const cepman_matrix *e = cepman_umap_embedding(u);
    for (size_t i = 0; i < n; i++) {
        double own = INFINITY, other = INFINITY;
        for (size_t j = 0; j < n; j++)
            if (j != i && (i + j) % 2 == 0)
                own = fmin(own, distance(e, i, j));
            else if (j != i)
                other = fmin(other, distance(e, i, j));
        ck_assert_msg(own < 2 && other > own, "point %zu: own %g, other %g", i, own, other);
    }
    cepman_umap_unref(u);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static void on_grid(support_random *r, size_t i, size_t n, float *row)
{
    (void)r;
    (void)n;
    row[0] = (float)(i % 25);
    row[1] = (float)(i / 25);
}

/* Of the 10 nearest in the grid, most are among the 30 nearest of the embedding. */
START_TEST(grid_keeps_neighbours)
{
    cepman_context *ctx = support_begin(2);
    const size_t n = 625;
    cepman_matrix *m = draw(ctx, n, 2, on_grid, 3);
    static const char *const flat[] = {"dims", "2", NULL};
    cepman_umap *u = fit(ctx, m, flat);
    const cepman_matrix *e = cepman_umap_embedding(u);
    size_t kept = 0, all = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            if (j == i || distance(m, i, j) > 1.5) continue;
            size_t nearer = 0;
            double d = distance(e, i, j);
            for (size_t k = 0; k < n; k++)
                nearer += k != i && distance(e, i, k) < d;
            kept += nearer < 30;
            all++;
        }
    ck_assert_msg((double)kept > 0.99 * (double)all, "%zu of %zu", kept, all);
    cepman_umap_unref(u);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static void one_blob(support_random *r, size_t i, size_t n, float *row)
{
    (void)i;
    (void)n;
    for (int c = 0; c < 5; c++)
        row[c] = (float)support_normal(r);
}

static void copies(support_random *r, size_t i, size_t n, float *row)
{
    (void)r;
    (void)n;
    for (int c = 0; c < 5; c++) /* 7 places, many points in each */
        row[c] = (float)(((i % 7) * 31 + (size_t)c * 17) % 13);
}

static void all_equal(support_random *r, size_t i, size_t n, float *row)
{
    (void)r;
    (void)i;
    (void)n;
    for (int c = 0; c < 5; c++)
        row[c] = 3;
}

START_TEST(odd_inputs_stay_finite)
{
    static const shape shapes[] = {one_blob, copies, all_equal};
    static const size_t sizes[] = {0, 1, 2, 3, 5, 15, 16, 40, 150};
    static const char *const sets[][9] = {
        {NULL},
        {"dims", "1", NULL},
        {"dims", "64", "epochs", "20", NULL},
        {"init", "pca", "epochs", "30", NULL},
        {"init", "random", "epochs", "30", NULL},
        {"neighbors", "2", "epochs", "30", "dims", "2", NULL},
        {"neighbors", "200", "epochs", "30", "metric", "cosine", NULL},
        {"learning-rate", "50", "repulsion-strength", "10", "epochs", "30", NULL},
        {"epochs", "1", "negative-sample-rate", "0", "set-op-mix-ratio", "0", NULL}};
    cepman_context *ctx = support_begin(2);
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++)
        for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
            cepman_matrix *m = draw(ctx, sizes[n], 5, shapes[_i], 9);
            cepman_umap *u = fit(ctx, m, sets[k]);
            if (sizes[n] == 1) ck_assert(cepman_matrix_row(cepman_umap_embedding(u), 0)[0] == 0);
            size_t k_used = cepman_neighbors_k(cepman_umap_neighbors(u));
            ck_assert(sizes[n] == 0 || k_used < sizes[n]);
            cepman_umap_unref(u);
            cepman_matrix_unref(m);
        }
    support_end(ctx);
}
END_TEST

START_TEST(same_bits_for_any_threads_and_level)
{
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    static const char *const sets[][5] = {
        {"epochs", "60", NULL}, {"dims", "2", "epochs", "50", NULL}, {"dims", "7", "epochs", "50", NULL}};
    float *expected = NULL;
    for (int t = 0; t < 6; t++) {
        cepman_context *ctx = support_begin(t % 2 ? 3 : 1);
        if (cepman_context_set_cpu_level(ctx, levels[t / 2]) == CEPMAN_OK) {
            /* The graph's own bits may depend on the level: it is given. */
            cepman_context *plain = support_begin(1);
            assert_good(plain, cepman_context_set_cpu_level(plain, "generic"));
            cepman_matrix *m = draw(plain, 700, 10, two_blobs, 3);
            cepman_umap *u = fit(plain, m, sets[0]), *v = NULL;
            cepman_options *o = options(ctx, sets[_i]);
            assert_good(ctx, cepman_umap_fit_graph(&v, ctx, m, cepman_umap_neighbors(u), o));
            const cepman_matrix *e = cepman_umap_embedding(v);
            const size_t d = cepman_matrix_columns(e);
            if (!expected) {
                expected = malloc(700 * d * sizeof *expected);
                for (size_t i = 0; i < 700; i++)
                    memcpy(expected + i * d, cepman_matrix_row(e, i), d * sizeof *expected);
            }
            for (size_t i = 0; i < 700; i++)
                ck_assert_mem_eq(expected + i * d, cepman_matrix_row(e, i), d * sizeof *expected);
            cepman_options_unref(o);
            cepman_umap_unref(v);
            cepman_umap_unref(u);
            cepman_matrix_unref(m);
            cepman_context_unref(plain);
        }
        cepman_context_unref(ctx);
    }
    free(expected);
}
END_TEST

START_TEST(seed_and_options_matter)
{
    static const char *const sets[][5] = {{NULL},
                                          {"seed", "43", NULL},
                                          {"min-dist", "0.5", NULL},
                                          {"spread", "2", NULL},
                                          {"epochs", "499", NULL},
                                          {"learning-rate", "0.5", NULL},
                                          {"set-op-mix-ratio", "0.5", NULL},
                                          {"local-connectivity", "2", NULL},
                                          {"repulsion-strength", "2", NULL},
                                          {"negative-sample-rate", "6", NULL},
                                          {"init", "pca", NULL},
                                          {"init", "random", NULL},
                                          {"metric", "cosine", NULL},
                                          {"neighbors", "10", NULL},
                                          {"a", "1.2", "b", "1", NULL}};
    enum { count = sizeof sets / sizeof *sets };
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = draw(ctx, 150, 5, one_blob, 3);
    cepman_umap *u[count], *again = fit(ctx, m, sets[0]);
    for (size_t k = 0; k < count; k++)
        u[k] = fit(ctx, m, sets[k]);
    ck_assert_double_eq(distance(cepman_umap_embedding(again), 3, 4),
                        distance(cepman_umap_embedding(u[0]), 3, 4));
    for (size_t k = 1; k < count; k++)
        for (size_t l = 0; l < k; l++)
            ck_assert_msg(distance(cepman_umap_embedding(u[k]), 3, 4) !=
                              distance(cepman_umap_embedding(u[l]), 3, 4),
                          "sets %zu and %zu give the same", k, l);
    double a, b;
    cepman_umap_curve(u[count - 1], &a, &b);
    ck_assert(a == 1.2 && b == 1);
    cepman_umap_curve(u[0], &a, &b);
    ck_assert_double_eq_tol(a, 1.57694, 1e-4);
    ck_assert_uint_eq(cepman_umap_epochs(u[0]), 500);
    ck_assert_uint_eq(cepman_umap_epochs(u[4]), 499);
    for (size_t k = 0; k < count; k++)
        cepman_umap_unref(u[k]);
    cepman_umap_unref(again);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(graph_of_the_caller)
{
    enum { n = 60, k = 4 };
    int32_t to[n * k];
    float far[n * k];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < k; j++) {
            to[i * k + j] = (i / 20) * 20 + (i + 1 + j) % 20; /* three rings that no edge joins */
            far[i * k + j] = (float)(1 + j);
        }
    cepman_context *ctx = support_begin(2);
    cepman_neighbors *g = NULL;
    cepman_umap *u = NULL;
    assert_good(ctx, cepman_neighbors_copy(&g, ctx, n, k, to, far));
    assert_good(ctx, cepman_umap_fit_graph(&u, ctx, NULL, g, NULL));
    ck_assert_ptr_eq(cepman_umap_neighbors(u), g);
    const size_t *starts = cepman_umap_graph_starts(u);
    const int32_t *columns = cepman_umap_graph_columns(u);
    ck_assert_uint_eq(starts[n], 8 * n);
    for (size_t i = 0; i < n; i++)
        for (size_t e = starts[i]; e < starts[i + 1]; e++) {
            ck_assert_int_eq(columns[e] / 20, (int32_t)(i / 20));
            ck_assert(cepman_umap_graph_weights(u)[e] > 0 && cepman_umap_graph_weights(u)[e] <= 1);
        }
    const cepman_matrix *e = cepman_umap_embedding(u);
    for (size_t i = 0; i < n; i++)
        ck_assert_double_lt(distance(e, i, i / 20 * 20 + (i + 1) % 20), distance(e, i, (i + 20) % n));
    cepman_matrix *m = support_normals(ctx, n + 1, 3, 1);
    cepman_umap *none = NULL;
    assert_fails(ctx, cepman_umap_fit_graph(&none, ctx, m, g, NULL), CEPMAN_ERR_SHAPE, "61 rows");
    static const char *const pca[] = {"init", "pca", NULL};
    cepman_options *o = options(ctx, pca);
    assert_fails(ctx, cepman_umap_fit_graph(&none, ctx, NULL, g, o), CEPMAN_ERR_ARGUMENT, "init is pca");
    ck_assert_ptr_null(none);
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    cepman_neighbors_unref(g);
    cepman_umap_unref(u);
    support_end(ctx);
}
END_TEST

START_TEST(faults_have_sentences)
{
    cepman_context *ctx = support_begin(1);
    cepman_umap *u = NULL;
    float x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, NAN, 1, 2};
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 6, 2, 2));
    assert_fails(ctx, cepman_umap_fit(&u, ctx, m, NULL), CEPMAN_ERR_DATA, "row 4");
    assert_fails(ctx, cepman_umap_fit(&u, ctx, NULL, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    static const char *const far[] = {"min-dist", "2", NULL}, *const half[] = {"a", "2", NULL};
    cepman_options *o = options(ctx, far);
    assert_fails(ctx, cepman_umap_fit(&u, ctx, m, o), CEPMAN_ERR_RANGE, "min-dist is 2");
    cepman_options_unref(o);
    o = options(ctx, half);
    assert_fails(ctx, cepman_umap_fit(&u, ctx, m, o), CEPMAN_ERR_RANGE, "b is auto");
    assert_fails(ctx, cepman_options_parse(o, ctx, "dims", "65"), CEPMAN_ERR_RANGE, "64");
    cepman_options_unref(o);
    ck_assert_ptr_null(u);
    ck_assert_int_eq(cepman_umap_fit(&u, NULL, m, NULL), CEPMAN_ERR_ARGUMENT);
    cepman_matrix_unref(m);
    cepman_umap_unref(NULL);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    static const char *const sets[][5] = {
        {"epochs", "3", NULL}, {"epochs", "3", "init", "pca", NULL}, {"epochs", "3", "init", "random", NULL}};
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = draw(ctx, 700, 10, two_blobs, 3);
    cepman_options *o = options(ctx, sets[_i]);
    long fail = 0;
    for (;; fail++) {
        cepman_umap *u = NULL;
        support_fail_at(fail);
        cepman_status s = cepman_umap_fit(&u, ctx, m, o);
        if (s == CEPMAN_OK) {
            cepman_umap_unref(u);
            break;
        }
        ck_assert_msg(s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_THREAD, "%s", cepman_context_error(ctx));
        ck_assert_ptr_null(u);
    }
    support_fail_at(-1);
    ck_assert_int_gt(fail, 15);
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static int after(void *user)
{
    long *left = user;
    return (*left)-- <= 0;
}

START_TEST(cancel_anywhere)
{
    static const char *const brief[] = {"epochs", "40", NULL};
    cepman_context *ctx = support_begin(_i ? 3 : 1);
    cepman_matrix *m = draw(ctx, 700, 10, two_blobs, 3);
    cepman_options *o = options(ctx, brief);
    int cancelled = 0;
    for (long polls = 0;; polls = polls * 5 / 4 + 1) {
        long left = polls;
        cepman_umap *u = NULL;
        assert_good(ctx, cepman_context_set_cancel(ctx, after, &left));
        cepman_status s = cepman_umap_fit(&u, ctx, m, o);
        if (s == CEPMAN_OK) {
            cepman_umap_unref(u);
            break;
        }
        assert_status(ctx, s, CEPMAN_ERR_CANCELLED);
        ck_assert_ptr_null(u);
        cancelled++;
    }
    ck_assert_int_gt(cancelled, 10);
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

typedef struct stop {
    cepman_context *ctx;
    const char *stage;
    int seen;
} stop;

static void stop_at(void *user, const char *stage, uint64_t done, uint64_t total)
{
    stop *s = user;
    (void)done;
    (void)total;
    if (strcmp(stage, s->stage) != 0) return;
    s->seen = 1;
    cepman_context_cancel(s->ctx);
}

START_TEST(cancel_in_each_stage)
{
    static const char *const stages[] = {"neighbors", "fuzzy graph", "spectral start", "layout"};
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = draw(ctx, 1500, 10, two_blobs, 3);
    stop s = {ctx, stages[_i], 0};
    cepman_umap *u = NULL;
    assert_good(ctx, cepman_context_set_progress(ctx, stop_at, &s));
    assert_status(ctx, cepman_umap_fit(&u, ctx, m, NULL), CEPMAN_ERR_CANCELLED);
    ck_assert_int_eq(s.seen, 1);
    ck_assert_ptr_null(u);
    cepman_context_clear_cancel(ctx);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("umap_fit");
    TCase *t = tcase_create("fit");
    tcase_add_loop_test(t, circle_is_not_torn, 0, 2);
    tcase_add_test(t, far_clusters_lie_apart);
    tcase_add_test(t, grid_keeps_neighbours);
    tcase_add_loop_test(t, odd_inputs_stay_finite, 0, 3);
    tcase_add_loop_test(t, same_bits_for_any_threads_and_level, 0, 3);
    tcase_add_test(t, seed_and_options_matter);
    tcase_add_test(t, graph_of_the_caller);
    tcase_add_test(t, faults_have_sentences);
    tcase_add_loop_test(t, failing_allocations, 0, 3);
    tcase_add_loop_test(t, cancel_anywhere, 0, 2);
    tcase_add_loop_test(t, cancel_in_each_stage, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
