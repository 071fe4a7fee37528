/* What a fit can be given beside features: labels, a start, a disconnection distance; and every number of dims. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "umap.h"

static cepman_options *options(cepman_context *ctx, const char *const *pairs)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_umap_options_create(&o, ctx));
    for (; pairs && *pairs; pairs += 2)
        assert_good(ctx, cepman_options_parse(o, ctx, pairs[0], pairs[1]));
    return o;
}

static double dense(const cep_umap_graph *g, size_t i, size_t j)
{
    for (size_t e = g->starts[i]; e < g->starts[i + 1]; e++)
        if ((size_t)g->columns[e] == j) return (double)g->weights[e];
    return 0;
}

static void build(cep_umap_graph *g, cepman_context *ctx, size_t n)
{
    cepman_matrix *m = support_normals(ctx, n, 3, 7);
    cepman_neighbors *k = NULL;
    assert_good(ctx, cepman_neighbors_build(&k, ctx, m, NULL));
    assert_good(ctx, cep_umap_fuzzy(g, ctx, k, 1, 1, INFINITY, NULL));
    cepman_neighbors_unref(k);
    cepman_matrix_unref(m);
}

/* Against the definition, on dense matrices. */
START_TEST(target_is_its_definition)
{
    enum { n = 60 };
    static const double weights[] = {0, 0.5, 0.9, 1};
    static double a[n][n], b[n][n];
    const double weight = weights[_i];
    cepman_context *ctx = support_begin(1);
    cep_umap_graph g = {0}, met = {0};
    int32_t labels[n];
    build(&g, ctx, n);
    build(&met, ctx, n);
    for (size_t i = 0; i < n; i++)
        labels[i] = (int32_t)(i % 4) - 1;
    assert_good(ctx, cep_umap_meet_target(&met, ctx, labels, weight));
    for (size_t i = 0; i < n; i++) {
        double most = 0;
        for (size_t j = 0; j < n; j++) {
            double f = labels[i] < 0 || labels[j] < 0 ? exp(-1)
                       : labels[i] == labels[j]       ? 1
                       : weight < 1                   ? exp(-2.5 / (1 - weight))
                                                      : 0;
            a[i][j] = dense(&g, i, j) * f;
            most = fmax(most, a[i][j]);
        }
        for (size_t j = 0; j < n; j++)
            b[i][j] = most > 0 ? a[i][j] / most : 0;
    }
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            wrong += !(fabs(dense(&met, i, j) - (b[i][j] + b[j][i] - b[i][j] * b[j][i])) < 1e-6);
    ck_assert_uint_eq(wrong, 0);
    cep_umap_graph_free(cep_context_memory(ctx), &g);
    cep_umap_graph_free(cep_context_memory(ctx), &met);
    support_end(ctx);
}
END_TEST

/* One cloud with two labels comes apart; without labels it does not. */
START_TEST(labels_pull_apart)
{
    enum { n = 600 };
    static const char *const sets[] = {"dims", "2", "target-weight", "0.9", NULL};
    static int32_t labels[n];
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = support_normals(ctx, n, 8, 3);
    for (size_t i = 0; i < n; i++)
        labels[i] = i % 2;
    cepman_labels *l = NULL;
    cepman_options *o = options(ctx, sets), *plain = options(ctx, (const char *const[]){"dims", "2", NULL});
    assert_good(ctx, cepman_labels_copy(&l, ctx, labels, n));
    for (int with = 0; with < 2; with++) {
        cepman_umap *u = NULL;
        assert_good(ctx, cepman_umap_fit_given(&u, ctx, m, NULL, with ? l : NULL, NULL, with ? o : plain));
        size_t same = 0;
        for (size_t i = 0; i < n; i++) { /* label of the nearest other point */
            size_t best = i ? 0 : 1;
            double least = INFINITY;
            for (size_t j = 0; j < n; j++) {
                const float *a = cepman_matrix_row(cepman_umap_embedding(u), i),
                            *b = cepman_matrix_row(cepman_umap_embedding(u), j);
                const double d = hypot((double)(a[0] - b[0]), (double)(a[1] - b[1]));
                if (j != i && d < least) {
                    least = d;
                    best = j;
                }
            }
            same += labels[best] == labels[i];
        }
        if (with)
            ck_assert_uint_gt(same, n * 9 / 10);
        else
            ck_assert_uint_lt(same, n * 7 / 10);
        cepman_umap_unref(u);
    }
    cepman_options_unref(plain);
    cepman_options_unref(o);
    cepman_labels_unref(l);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Without a pass of the layout the start itself comes out, each dimension from 0 to 10. */
START_TEST(start_is_taken)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = support_normals(ctx, 200, 8, 3), *start = support_normals(ctx, 200, 3, 4);
    cepman_options *o = options(ctx, (const char *const[]){"epochs", "1", NULL});
    cepman_umap *u = NULL;
    assert_good(ctx, cepman_umap_fit_given(&u, ctx, m, NULL, NULL, start, o));
    for (size_t j = 0; j < 3; j++) {
        float low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < 200; i++) {
            low = fminf(low, cepman_matrix_row(start, i)[j]);
            high = fmaxf(high, cepman_matrix_row(start, i)[j]);
        }
        for (size_t i = 0; i < 200; i++) {
            const float wanted = 10 * (cepman_matrix_row(start, i)[j] - low) / (high - low),
                        got = cepman_matrix_row(cepman_umap_embedding(u), i)[j];
            if (!(fabsf(wanted - got) < 2e-3f))
                ck_abort_msg("row %zu: %g, expected %g", i, (double)got, (double)wanted);
        }
    }
    cepman_umap_unref(u);
    cepman_options_unref(o);
    cepman_matrix_unref(start);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(faults_have_sentences)
{
    cepman_context *ctx = support_begin(1);
    static const int32_t zeros[30] = {0};
    static const float bad[30 * 3] = {0, INFINITY};
    cepman_matrix *m = support_normals(ctx, 30, 8, 3), *narrow = support_normals(ctx, 30, 2, 4),
                  *short_one = support_normals(ctx, 29, 3, 4), *start = support_normals(ctx, 30, 3, 4),
                  *inf = NULL;
    cepman_labels *few = NULL, *labels = NULL;
    cepman_options *init = options(ctx, (const char *const[]){"init", "pca", NULL}),
                   *weight = options(ctx, (const char *const[]){"target-weight", "0.2", NULL});
    cepman_umap *u = NULL;
    assert_good(ctx, cepman_matrix_copy(&inf, ctx, bad, 30, 3, 3));
    assert_good(ctx, cepman_labels_copy(&few, ctx, zeros, 29));
    assert_good(ctx, cepman_labels_copy(&labels, ctx, zeros, 30));
    assert_fails(ctx, cepman_umap_fit_given(&u, ctx, m, NULL, few, NULL, NULL), CEPMAN_ERR_SHAPE,
                 "29 labels");
    assert_fails(ctx, cepman_umap_fit_given(&u, ctx, m, NULL, NULL, narrow, NULL), CEPMAN_ERR_SHAPE,
                 "30 x 2");
    assert_fails(ctx, cepman_umap_fit_given(&u, ctx, m, NULL, NULL, short_one, NULL), CEPMAN_ERR_SHAPE,
                 "29 x 3");
    assert_fails(ctx, cepman_umap_fit_given(&u, ctx, m, NULL, NULL, inf, NULL), CEPMAN_ERR_DATA,
                 "row 0 of the start");
    assert_fails(ctx, cepman_umap_fit_given(&u, ctx, m, NULL, NULL, start, init), CEPMAN_ERR_ARGUMENT,
                 "init is pca");
    assert_fails(ctx, cepman_umap_fit_given(&u, ctx, m, NULL, NULL, NULL, weight), CEPMAN_ERR_ARGUMENT,
                 "no labels");
    assert_fails(ctx, cepman_umap_fit_given(&u, ctx, NULL, NULL, NULL, NULL, NULL), CEPMAN_ERR_ARGUMENT,
                 "NULL");
    assert_good(ctx, cepman_umap_fit_given(&u, ctx, m, NULL, labels, start, weight));
    cepman_umap_unref(u);
    u = NULL;
    for (long fail = 0;; fail++) {
        support_fail_at(fail);
        cepman_status s = cepman_umap_fit_given(&u, ctx, m, NULL, labels, start, weight);
        support_fail_at(-1);
        if (s == CEPMAN_OK) break;
        assert_status(ctx, s, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(u);
    }
    cepman_umap_unref(u);
    cepman_options_unref(weight);
    cepman_options_unref(init);
    cepman_labels_unref(labels);
    cepman_labels_unref(few);
    cepman_matrix_unref(inf);
    cepman_matrix_unref(start);
    cepman_matrix_unref(short_one);
    cepman_matrix_unref(narrow);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Two clouds and a point alone: points without neighbours are NaN, for every kind of start and down to none left. */
START_TEST(disconnected_points)
{
    static const char *const cuts[] = {"3", "0.0001", "0"}, *const inits[] = {"spectral", "pca", "random"};
    enum { n = 161 };
    static float x[n * 10];
    support_random r = {8};
    for (size_t i = 0; i < n * 10; i++)
        x[i] = (float)(0.2 * support_normal(&r)) + (i < 800 && i % 10 == 2 ? 20 : 0);
    x[160 * 10 + 5] = 90;
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, 10, 10));
    for (size_t c = 0; c < 3; c++) {
        cepman_options *o = options(ctx, (const char *const[]){"epochs", "30", "disconnection-distance",
                                                               cuts[c], "init", inits[_i], NULL});
        cepman_umap *u = NULL;
        assert_good(ctx, cepman_umap_fit(&u, ctx, m, o));
        size_t placed = 0;
        for (size_t i = 0; i < n; i++)
            placed += isfinite(cepman_matrix_row(cepman_umap_embedding(u), i)[2]);
        ck_assert_uint_eq(placed, c == 0 ? 160 : 0);
        ck_assert_uint_eq(cepman_umap_graph_starts(u)[161] - cepman_umap_graph_starts(u)[160], 0);
        cepman_umap_unref(u);
        cepman_options_unref(o);
    }
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(every_number_of_dims)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = support_normals(ctx, 300, 8, 3);
    for (int dims = 1; dims <= 64; dims++) {
        char text[8];
        snprintf(text, sizeof text, "%d", dims);
        cepman_options *o = options(ctx, (const char *const[]){"epochs", "20", "dims", text, NULL});
        cepman_umap *u = NULL;
        assert_good(ctx, cepman_umap_fit(&u, ctx, m, o));
        size_t odd = 0, flat = 0;
        for (size_t j = 0; j < (size_t)dims; j++) {
            float low = INFINITY, high = -INFINITY;
            for (size_t i = 0; i < 300; i++) {
                const float v = cepman_matrix_row(cepman_umap_embedding(u), i)[j];
                odd += !(fabsf(v) < 100);
                low = fminf(low, v);
                high = fmaxf(high, v);
            }
            flat += !(high > low);
        }
        ck_assert_uint_eq(odd, 0);
        if (flat) ck_abort_msg("%zu of %d dims are flat", flat, dims);
        cepman_umap_unref(u);
        cepman_options_unref(o);
    }
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("umap_inputs");
    TCase *t = tcase_create("inputs");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, target_is_its_definition, 0, 4);
    tcase_add_test(t, labels_pull_apart);
    tcase_add_test(t, start_is_taken);
    tcase_add_test(t, faults_have_sentences);
    tcase_add_loop_test(t, disconnected_points, 0, 3);
    tcase_add_test(t, every_number_of_dims);
    suite_add_tcase(s, t);
    return s;
}
