/* Placing new points: near their own kind, the same whatever is placed with them, odd inputs, faults. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"
#include "support.h"
#include "umap.h"

enum { BLOBS = 4, COLUMNS = 12, NEAR = 15 }; /* NEAR: the default number of neighbours */

/* Blob i % BLOBS in four directions; every n the same function of (seed, i). */
static cepman_matrix *blobs(cepman_context *ctx, size_t n, uint64_t seed)
{
    float *x = calloc(n * COLUMNS + 1, sizeof *x);
    support_random r = {seed};
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < COLUMNS; c++)
            x[i * COLUMNS + c] = (float)(0.3 * support_normal(&r) + (c == i % BLOBS ? 5 : 0));
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, COLUMNS, COLUMNS));
    free(x);
    return m;
}

static cepman_umap *fit(cepman_context *ctx, cepman_matrix *m, const char *const *pairs)
{
    cepman_options *o = NULL;
    cepman_umap *u = NULL;
    assert_good(ctx, cepman_umap_options_create(&o, ctx));
    for (; pairs && *pairs; pairs += 2)
        assert_good(ctx, cepman_options_parse(o, ctx, pairs[0], pairs[1]));
    assert_good(ctx, cepman_umap_fit(&u, ctx, m, o));
    cepman_options_unref(o);
    return u;
}

static double distance(const cepman_matrix *a, size_t i, const cepman_matrix *b, size_t j)
{
    double sum = 0;
    for (size_t c = 0; c < cepman_matrix_columns(a); c++)
        sum += pow((double)cepman_matrix_row(a, i)[c] - (double)cepman_matrix_row(b, j)[c], 2);
    return sqrt(sum);
}

static size_t nearest(const cepman_matrix *places, size_t i, const cepman_matrix *fitted)
{
    size_t best = 0;
    for (size_t j = 1; j < cepman_matrix_rows(fitted); j++)
        if (distance(places, i, fitted, j) < distance(places, i, fitted, best)) best = j;
    return best;
}

static bool same(const cepman_matrix *a, size_t i, const cepman_matrix *b, size_t j)
{
    return memcmp(cepman_matrix_row(a, i), cepman_matrix_row(b, j),
                  cepman_matrix_columns(a) * sizeof(float)) == 0;
}

START_TEST(new_points_join_their_kind)
{
    static const char *const sets[][9] = {
        {"epochs", "100", NULL},
        {"epochs", "100", "dims", "2", "metric", "cosine", NULL},
        {"epochs", "100", "dims", "2", "metric", "correlation", "neighbors", "5", NULL},
        {"epochs", "100", "dims", "17", "local-connectivity", "2", "method", "exact", NULL}};
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = blobs(ctx, 600, 1), *new = blobs(ctx, 100, 2), *places = NULL;
    cepman_umap *u = fit(ctx, m, sets[_i]);
    assert_good(ctx, cepman_umap_prepare(u, ctx));
    assert_good(ctx, cepman_umap_apply(&places, ctx, u, new));
    ck_assert_uint_eq(cepman_matrix_rows(places), 100);
    ck_assert_uint_eq(cepman_matrix_columns(places), cepman_matrix_columns(cepman_umap_embedding(u)));
    size_t astray = 0;
    for (size_t i = 0; i < 100; i++) {
        const size_t j = nearest(places, i, cepman_umap_embedding(u));
        astray += j % BLOBS != i % BLOBS || !(distance(places, i, cepman_umap_embedding(u), j) < 2);
    }
    ck_assert_uint_eq(astray, 0);
    cepman_matrix_unref(places);
    cepman_umap_unref(u);
    cepman_matrix_unref(new);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Along a line new points between fitted ones come to lie between them. */
START_TEST(line_stays_in_order)
{
    enum { n = 400 };
    static float x[n * 10], y[n * 10];
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = NULL, *new = NULL, *places = NULL;
    static const char *const two[] = {"dims", "2", NULL};
    for (size_t i = 0; i < n; i++) {
        x[i * 10 + 3] = (float)i;
        y[i * 10 + 3] = (float)i + 0.5f;
    }
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, 10, 10));
    assert_good(ctx, cepman_matrix_copy(&new, ctx, y, n - 1, 10, 10));
    cepman_umap *u = fit(ctx, m, two);
    assert_good(ctx, cepman_umap_apply(&places, ctx, u, new));
    size_t far = 0;
    for (size_t i = 10; i + 11 < n; i++) {
        const size_t j = nearest(places, i, cepman_umap_embedding(u));
        far += j + 6 < i || j > i + 7;
    }
    ck_assert_uint_le(far, 4);
    cepman_matrix_unref(places);
    cepman_umap_unref(u);
    cepman_matrix_unref(new);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(same_place_in_any_batch)
{
    static const char *const approximate[] = {"epochs", "30", "method", "approximate", NULL};
    cepman_context *one = support_begin(1);
    cepman_matrix *m = blobs(one, 3000, 1), *new = blobs(one, 70, 2), *all = NULL, *again = NULL;
    cepman_umap *u = fit(one, m, approximate);
    assert_good(one, cepman_umap_apply(&all, one, u, new));
    cepman_context *three = NULL;
    assert_good(one, cepman_context_create(&three, NULL));
    assert_good(three, cepman_context_set_threads(three, 3));
    assert_good(three, cepman_umap_apply(&again, three, u, new));
    for (size_t i = 0; i < 70; i++)
        ck_assert(same(all, i, again, i));
    cepman_matrix_unref(again);
    for (size_t i = 0; i < 70; i += 23) { /* alone, and as the last of some */
        const size_t rows[] = {5, 1, i};
        for (size_t from = 0; from < 3; from += 2) {
            cepman_matrix *few = NULL, *placed = NULL;
            assert_good(one, cepman_matrix_select(&few, one, new, rows + from, 3 - from));
            assert_good(one, cepman_umap_apply(&placed, one, u, few));
            ck_assert(same(placed, 2 - from, all, i));
            cepman_matrix_unref(placed);
            cepman_matrix_unref(few);
        }
    }
    /* a fitted row gets its own place */
    assert_good(one, cepman_umap_apply(&again, one, u, m));
    size_t moved = 0;
    for (size_t i = 0; i < 3000; i++)
        moved += !same(again, i, cepman_umap_embedding(u), i);
    ck_assert_uint_eq(moved, 0);
    cepman_matrix_unref(again);
    cepman_matrix_unref(all);
    cepman_umap_unref(u);
    cepman_matrix_unref(new);
    cepman_matrix_unref(m);
    cepman_context_unref(three);
    support_end(one);
}
END_TEST

/* One row as place.c describes it, in float64. */
static void place_plainly(const cepman_umap *u, unsigned negatives, double strength, const int32_t *to,
                          const float *far, double *x)
{
    const cepman_matrix *fitted = cepman_umap_embedding(u);
    const size_t dims = cepman_matrix_columns(fitted), n = cepman_matrix_rows(fitted);
    double w[NEAR], most = 0, sum = 0, rho, sigma, a, b;
    cepman_umap_curve(u, &a, &b);
    cep_umap_smooth(far + 1, NEAR - 1, 0, 0, &rho, &sigma);
    rho = fmax(rho, (double)far[0]);
    for (size_t j = 0; j < dims; j++)
        x[j] = 0;
    for (size_t k = 0; k < NEAR; k++) {
        w[k] = cep_umap_membership((double)far[k], rho, sigma);
        most = fmax(most, w[k]);
        sum += w[k];
        for (size_t j = 0; j < dims; j++)
            x[j] += w[k] * (double)cepman_matrix_row(fitted, (size_t)to[k])[j];
    }
    for (size_t j = 0; j < dims; j++)
        x[j] /= sum;
    for (uint64_t pass = 1; pass < 100; pass++) {
        const double step = 0.25 * (1 - (double)(pass - 1) / 100);
        uint64_t turn = pass * NEAR;
        for (size_t k = 0; k < NEAR; k++) {
            const uint64_t rate = cep_umap_rate(w[k], most);
            if (rate * pass >> 31 == rate * (pass - 1) >> 31) continue;
            for (unsigned q = 0; q <= negatives; q++) { /* the neighbour, then the samples */
                const size_t other =
                    q == 0 ? (size_t)to[k]
                           : (size_t)cep_random_below(42, CEP_UMAP_STREAM_PLACE, turn * negatives + q - 1, n);
                const float *y = cepman_matrix_row(fitted, other);
                double r2 = 0;
                for (size_t j = 0; j < dims; j++)
                    r2 += pow(x[j] - (double)y[j], 2);
                if (!(r2 > 0)) continue;
                const double curve = 1 + a * pow(r2, b);
                const double g =
                    q == 0 ? -2 * a * b * pow(r2, b - 1) / curve : 2 * strength * b / ((0.001 + r2) * curve);
                for (size_t j = 0; j < dims; j++)
                    x[j] += fmax(-4, fmin(4, g * (x[j] - (double)y[j]))) * step;
            }
            turn++;
        }
    }
}

/* Rows of a batch, side by side, like each alone in float64; and the same bits at every level of the CPU. */
START_TEST(like_the_twin)
{
    enum { NEW = 150 };
    static const char *const sets[][7] = {{"epochs", "60", NULL},
                                          {"epochs", "60", "dims", "2", "negative-sample-rate", "0", NULL},
                                          {"epochs", "60", "dims", "5", "repulsion-strength", "2.5", NULL}};
    cepman_context *ctx = support_begin(1), *low = NULL;
    cepman_matrix *m = blobs(ctx, 500, 1), *new = blobs(ctx, NEW, 2), *places = NULL, *again = NULL;
    cepman_umap *u = fit(ctx, m, sets[_i]);
    assert_good(ctx, cepman_umap_apply(&places, ctx, u, new));
    const size_t dims = cepman_matrix_columns(places);
    int32_t *to = malloc(NEW * NEAR * sizeof *to);
    float *far = malloc(NEW * NEAR * sizeof *far);
    cepman_neighbors_index *index = NULL;
    assert_good(ctx, cepman_neighbors_index_create(&index, ctx, m, NULL));
    ck_assert_uint_eq(cepman_neighbors_index_k(index), NEAR);
    assert_good(ctx, cepman_neighbors_index_query(index, ctx, new, to, far));
    cepman_neighbors_index_unref(index);
    for (size_t i = 0; i < NEW; i++) {
        double x[8];
        place_plainly(u, _i == 1 ? 0 : 5, _i == 2 ? 2.5 : 1, to + i * NEAR, far + i * NEAR, x);
        for (size_t j = 0; j < dims; j++)
            ck_assert_double_eq_tol((double)cepman_matrix_row(places, i)[j], x[j], 0.01);
    }
    assert_good(ctx, cepman_context_create(&low, NULL));
    assert_good(low, cepman_context_set_cpu_level(low, "generic"));
    assert_good(low, cepman_umap_apply(&again, low, u, new));
    for (size_t i = 0; i < NEW; i++)
        ck_assert(same(places, i, again, i));
    free(far);
    free(to);
    cepman_matrix_unref(again);
    cepman_matrix_unref(places);
    cepman_umap_unref(u);
    cepman_matrix_unref(new);
    cepman_matrix_unref(m);
    cepman_context_unref(low);
    support_end(ctx);
}
END_TEST

static void cancel_when_placing(void *user, const char *stage, uint64_t done, uint64_t total)
{
    (void)total;
    if (strcmp(stage, "placing") == 0 && done == 0) cepman_context_cancel(user);
}

/* Cancelled when the placing of a group has begun: between two passes. */
START_TEST(cancelled_within_a_group)
{
    static const char *const brief[] = {"epochs", "5", NULL};
    cepman_context *ctx = support_begin(_i ? 3 : 1);
    cepman_matrix *m = blobs(ctx, 300, 1), *new = blobs(ctx, 200, 2), *places = NULL;
    cepman_umap *u = fit(ctx, m, brief);
    assert_good(ctx, cepman_context_set_progress(ctx, cancel_when_placing, ctx));
    assert_fails(ctx, cepman_umap_apply(&places, ctx, u, new), CEPMAN_ERR_CANCELLED, "cancelled");
    ck_assert_ptr_null(places);
    assert_good(ctx, cepman_context_set_progress(ctx, NULL, NULL));
    cepman_context_clear_cancel(ctx);
    assert_good(ctx, cepman_umap_apply(&places, ctx, u, new));
    cepman_matrix_unref(places);
    cepman_umap_unref(u);
    cepman_matrix_unref(new);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(odd_models_and_rows)
{
    cepman_context *ctx = support_begin(2);
    static const float wild[] = {0, 0, 1e30f, -1e30f, 3, 4, 1e-30f, 0};
    cepman_matrix *rows = NULL, *empty = NULL, *places = NULL;
    assert_good(ctx, cepman_matrix_copy(&rows, ctx, wild, 4, 2, 2));
    assert_good(ctx, cepman_matrix_copy(&empty, ctx, wild, 0, 2, 2));
    for (size_t n = 0; n <= 4; n++) { /* fitted to n points, two of them equal */
        static const float fitted[] = {0, 0, 0, 0, 1, 1, 2, 3};
        cepman_matrix *m = NULL;
        assert_good(ctx, cepman_matrix_copy(&m, ctx, fitted, n, 2, 2));
        cepman_umap *u = fit(ctx, m, NULL);
        assert_good(ctx, cepman_umap_apply(&places, ctx, u, rows));
        for (size_t i = 0; i < 4; i++)
            for (size_t j = 0; j < 3; j++) {
                const float v = cepman_matrix_row(places, i)[j];
                if (n ? !isfinite(v) : !isnan(v)) ck_abort_msg("%zu points, row %zu: %g", n, i, (double)v);
            }
        cepman_matrix_unref(places);
        assert_good(ctx, cepman_umap_apply(&places, ctx, u, empty));
        ck_assert_uint_eq(cepman_matrix_rows(places), 0);
        cepman_matrix_unref(places);
        cepman_umap_unref(u);
        cepman_matrix_unref(m);
    }
    cepman_matrix_unref(empty);
    cepman_matrix_unref(rows);
    support_end(ctx);
}
END_TEST

START_TEST(beyond_the_disconnection_distance)
{
    static const char *const cut[] = {"epochs", "50", "disconnection-distance", "4", "neighbors", "6", NULL};
    cepman_context *ctx = support_begin(1);
    static float x[101 * 10], y[2 * 10];
    support_random r = {4};
    for (size_t i = 0; i < 1000; i++)
        x[i] = (float)(0.2 * support_normal(&r));
    x[1000] = 50; /* alone */
    y[10 + 1] = 50;
    cepman_matrix *m = NULL, *new = NULL, *places = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 101, 10, 10));
    assert_good(ctx, cepman_matrix_copy(&new, ctx, y, 2, 10, 10));
    cepman_umap *u = fit(ctx, m, cut);
    for (size_t i = 0; i < 101; i++)
        for (size_t j = 0; j < 3; j++) {
            const float v = cepman_matrix_row(cepman_umap_embedding(u), i)[j];
            ck_assert(i < 100 ? isfinite(v) : isnan(v));
        }
    assert_good(ctx, cepman_umap_apply(&places, ctx, u, new));
    ck_assert(isfinite(cepman_matrix_row(places, 0)[0]));
    ck_assert(isnan(cepman_matrix_row(places, 1)[0]) && isnan(cepman_matrix_row(places, 1)[2]));
    cepman_matrix_unref(places);
    assert_good(ctx, cepman_umap_apply(&places, ctx, u, m));
    ck_assert(isnan(cepman_matrix_row(places, 100)[0]));
    cepman_matrix_unref(places);
    cepman_umap_unref(u);
    cepman_matrix_unref(new);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(faults_have_sentences)
{
    static const char *const brief[] = {"epochs", "5", NULL};
    static const float bad[COLUMNS] = {0, NAN};
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = blobs(ctx, 100, 1), *out = NULL, *narrow = support_normals(ctx, 3, 5, 1), *nan = NULL;
    cepman_umap *u = fit(ctx, m, brief), *graph = NULL;
    assert_good(ctx, cepman_matrix_copy(&nan, ctx, bad, 1, COLUMNS, COLUMNS));
    assert_good(ctx, cepman_umap_fit_graph(&graph, ctx, NULL, cepman_umap_neighbors(u), NULL));
    assert_fails(ctx, cepman_umap_apply(&out, ctx, u, narrow), CEPMAN_ERR_SHAPE, "5 columns");
    assert_fails(ctx, cepman_umap_apply(&out, ctx, u, nan), CEPMAN_ERR_DATA, "");
    assert_fails(ctx, cepman_umap_apply(&out, ctx, graph, m), CEPMAN_ERR_ARGUMENT, "graph alone");
    assert_fails(ctx, cepman_umap_prepare(graph, ctx), CEPMAN_ERR_ARGUMENT, "graph alone");
    assert_status(ctx, cepman_umap_prepare(NULL, ctx), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_umap_apply(NULL, ctx, u, m), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_umap_apply(&out, ctx, NULL, m), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_umap_apply(&out, ctx, u, NULL), CEPMAN_ERR_ARGUMENT);
    cepman_context_cancel(ctx);
    assert_status(ctx, cepman_umap_apply(&out, ctx, u, m), CEPMAN_ERR_CANCELLED);
    cepman_context_clear_cancel(ctx);
    long fail = 0;
    for (;; fail++) {
        support_fail_at(fail);
        cepman_status s = cepman_umap_apply(&out, ctx, u, m);
        support_fail_at(-1);
        if (s == CEPMAN_OK) break;
        assert_status(ctx, s, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(out);
    }
    ck_assert_int_gt(fail, 5);
    cepman_matrix_unref(out);
    cepman_umap_unref(graph);
    cepman_umap_unref(u);
    cepman_matrix_unref(nan);
    cepman_matrix_unref(narrow);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* A model made of a fit's parts places as the fit does, with its graph or with one of its own; odd embeddings. */
START_TEST(model_from_an_embedding)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = blobs(ctx, 300, 1), *more = blobs(ctx, 40, 2), *a = NULL, *b = NULL, *bad = NULL;
    cepman_umap *u = fit(ctx, m, (const char *const[]){"epochs", "30", "dims", "2", NULL}), *v = NULL;
    cepman_options *o = NULL;
    assert_good(ctx, cepman_umap_options_create(&o, ctx));
    assert_good(ctx, cepman_umap_apply(&a, ctx, u, more));
    for (long fail = 0;; fail++) {
        support_fail_at(fail);
        cepman_status s = cepman_umap_from_embedding(&v, ctx, m, _i ? NULL : cepman_umap_neighbors(u),
                                                     cepman_umap_embedding(u), o);
        support_fail_at(-1);
        if (!s) break;
        assert_status(ctx, s, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(v);
    }
    ck_assert_ptr_eq(cepman_umap_embedding(v), cepman_umap_embedding(u));
    assert_good(ctx, cepman_umap_apply(&b, ctx, v, more));
    for (size_t i = 0; i < 40; i++)
        ck_assert(same(a, i, b, i));
    const size_t edges = cepman_umap_graph_starts(u)[300];
    ck_assert_uint_eq(cepman_umap_graph_starts(v)[300], edges);
    ck_assert_mem_eq(cepman_umap_graph_weights(u), cepman_umap_graph_weights(v), edges * sizeof(float));
    cepman_umap_unref(v);
    v = NULL;
    assert_good(ctx, cepman_matrix_copy(&bad, ctx, (const float[]){1, NAN, 2, 3}, 2, 2, 2));
    assert_fails(ctx, cepman_umap_from_embedding(&v, ctx, m, NULL, bad, o), CEPMAN_ERR_SHAPE, "2 x 2");
    cepman_matrix_unref(b);
    assert_good(ctx, cepman_matrix_copy(&b, ctx, cepman_matrix_row(m, 0), 2, 2, 2));
    assert_fails(ctx, cepman_umap_from_embedding(&v, ctx, b, NULL, bad, o), CEPMAN_ERR_DATA, "row 0");
    assert_status(ctx, cepman_umap_from_embedding(&v, ctx, NULL, NULL, bad, o), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_umap_from_embedding(&v, ctx, b, NULL, NULL, o), CEPMAN_ERR_ARGUMENT);
    assert_good(ctx, cepman_options_set_integer(o, ctx, "dims", 3));
    assert_fails(ctx, cepman_umap_from_embedding(&v, ctx, m, NULL, cepman_umap_embedding(u), o),
                 CEPMAN_ERR_SHAPE, "300 x 2");
    ck_assert_ptr_null(v);
    cepman_options_unref(o);
    cepman_umap_unref(u);
    cepman_matrix_unref(bad);
    cepman_matrix_unref(b);
    cepman_matrix_unref(a);
    cepman_matrix_unref(more);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("umap_place");
    TCase *t = tcase_create("place");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, new_points_join_their_kind, 0, 4);
    tcase_add_test(t, line_stays_in_order);
    tcase_add_test(t, same_place_in_any_batch);
    tcase_add_loop_test(t, like_the_twin, 0, 3);
    tcase_add_loop_test(t, cancelled_within_a_group, 0, 2);
    tcase_add_test(t, odd_models_and_rows);
    tcase_add_test(t, beyond_the_disconnection_distance);
    tcase_add_loop_test(t, model_from_an_embedding, 0, 2);
    tcase_add_test(t, faults_have_sentences);
    suite_add_tcase(s, t);
    return s;
}
