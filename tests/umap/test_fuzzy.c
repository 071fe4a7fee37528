/* Curve, smooth distances, memberships and union against plain twins in double precision. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "umap.h"

/* The k nearest others of n rows, nearest first, ties by index. */
static void brute(const float *x, size_t n, size_t d, size_t k, int32_t *indices, float *distances)
{
    for (size_t i = 0; i < n; i++) {
        size_t found = 0;
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t c = 0; c < d; c++)
                sum += pow((double)x[i * d + c] - (double)x[j * d + c], 2);
            float r = (float)sqrt(sum);
            if (j == i || (found == k && r >= distances[i * k + k - 1])) continue;
            size_t p = found < k ? found++ : k - 1;
            for (; p && distances[i * k + p - 1] > r; p--) {
                distances[i * k + p] = distances[i * k + p - 1];
                indices[i * k + p] = indices[i * k + p - 1];
            }
            distances[i * k + p] = r;
            indices[i * k + p] = (int32_t)j;
        }
    }
}

/* Points with some repeated. */
static void scatter(float *x, size_t n, size_t d, uint64_t seed)
{
    support_random r = {seed};
    for (size_t i = 0; i < n * d; i++)
        x[i] = (float)support_normal(&r);
    for (size_t i = 7; i < n; i += 11)
        memcpy(x + i * d, x + (i - 7) * d, d * sizeof *x);
}

START_TEST(curve_known_values)
{
    /* min_dist, spread, and a, b by SciPy's curve_fit */
    static const double known[][4] = {
        {0.1, 1.0, 1.57694361, 0.89506072}, {0.001, 1.0, 1.92907406, 0.79150423},
        {0.5, 1.0, 0.58302981, 1.33416738}, {0.99, 1.0, 0.11930559, 1.91638877},
        {0.5, 2.0, 0.25887880, 1.05749956},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        double a, b;
        cep_umap_fit_curve(known[i][1], known[i][0], &a, &b);
        ck_assert_double_eq_tol(a, known[i][2], 1e-5);
        ck_assert_double_eq_tol(b, known[i][3], 1e-5);
    }
}
END_TEST

START_TEST(curve_is_a_minimum)
{
    for (double spread = 0.01; spread < 1000; spread *= 7.3)
        for (double reach = 0; reach <= 1; reach += 0.25) {
            double a, b, best = INFINITY, here = 0;
            cep_umap_fit_curve(spread, reach * spread, &a, &b);
            ck_assert(isfinite(a) && isfinite(b) && a > 0 && b > 0);
            for (int t = 0; t < 5; t++) {
                double p = a * (t == 1   ? 1.001
                                : t == 2 ? 0.999
                                         : 1),
                       q = b * (t == 3   ? 1.001
                                : t == 4 ? 0.999
                                         : 1);
                double sum = 0;
                for (int i = 0; i < 300; i++) {
                    double x = 3 * spread * i / 299;
                    double y = x < reach * spread ? 1 : exp(-(x - reach * spread) / spread);
                    sum += pow(y - 1 / (1 + p * pow(x, 2 * q)), 2);
                }
                if (t == 0)
                    here = sum;
                else
                    best = sum < best ? sum : best;
            }
            ck_assert_msg(here <= best, "spread %g, min_dist %g: %g, near it %g", spread, reach * spread,
                          here, best);
        }
}
END_TEST

START_TEST(target_is_met)
{
    enum { n = 200, d = 5, k = 14 };
    float x[n * d], far[n * k];
    int32_t to[n * k];
    scatter(x, n, d, 3);
    brute(x, n, d, k, to, far);
    double mean = 0;
    for (int i = 0; i < n * k; i++)
        mean += (double)far[i] / (n * (k + 1));
    for (size_t i = 0; i < n; i++) {
        double rho, sigma, sum = 0, least = 0;
        cep_umap_smooth(far + i * k, k, 1, mean, &rho, &sigma);
        for (size_t j = 0; j < k; j++) {
            double over = (double)far[i * k + j] - rho;
            sum += over > 0 ? exp(-over / sigma) : 1;
            least += (double)far[i * k + j] / (k + 1) * 1e-3;
        }
        ck_assert(sigma >= least);
        ck_assert_double_eq_tol(sum, log2(k + 1), 1e-5);
        /* rho is the nearest distance above zero */
        size_t j = 0;
        while (far[i * k + j] == 0)
            j++;
        ck_assert_double_eq(rho, (double)far[i * k + j]);
    }
}
END_TEST

START_TEST(local_connectivity)
{
    static const float row[] = {0, 0, 1, 2, 4, 8};
    double rho, sigma;
    cep_umap_smooth(row, 6, 1, 1, &rho, &sigma);
    ck_assert_double_eq(rho, 1);
    cep_umap_smooth(row, 6, 2, 1, &rho, &sigma);
    ck_assert_double_eq(rho, 2);
    cep_umap_smooth(row, 6, 2.25, 1, &rho, &sigma);
    ck_assert_double_eq(rho, 2.5);
    cep_umap_smooth(row, 6, 0.5, 1, &rho, &sigma);
    ck_assert_double_eq(rho, 0.5);
    cep_umap_smooth(row, 6, 0, 1, &rho, &sigma);
    ck_assert_double_eq(rho, 0);
    cep_umap_smooth(row, 6, 4, 1, &rho, &sigma); /* as many as are above zero */
    ck_assert_double_eq(rho, 8);
    cep_umap_smooth(row, 6, 40, 1, &rho, &sigma); /* more than there are */
    ck_assert_double_eq(rho, 8);
    cep_umap_smooth(row, 2, 1, 3, &rho, &sigma); /* none above zero: the graph's mean bounds sigma */
    ck_assert_double_eq(rho, 0);
    ck_assert(sigma >= 3e-3);
}
END_TEST

/* Dense twin of the union. */
static void check_union(cepman_context *ctx, size_t n, size_t k, const int32_t *to, const float *far,
                        double lc, double mix)
{
    float *w = malloc((n * k + 1) * sizeof *w);
    double *a = calloc(n * n + 1, sizeof *a);
    cep_umap_graph g = {0};
    assert_good(ctx, cep_umap_memberships(ctx, n, k, far, lc, INFINITY, w, NULL));
    for (size_t i = 0; i < n * k; i++)
        a[i / k * n + (size_t)to[i]] = (double)w[i];
    /* memberships against their own definition */
    double mean = 0;
    for (size_t i = 0; i < n * k; i++)
        mean += (double)far[i] / (double)(n * (k + 1));
    for (size_t i = 0; i < n; i++) {
        double rho, sigma;
        cep_umap_smooth(far + i * k, k, lc, mean, &rho, &sigma);
        for (size_t j = 0; j < k; j++) {
            double over = (double)far[i * k + j] - rho;
            ck_assert_double_eq_tol((double)w[i * k + j], over > 0 ? exp(-over / sigma) : 1, 1e-6);
        }
    }
    assert_good(ctx, cep_umap_unite(&g, ctx, n, k, to, w, mix));
    ck_assert_uint_eq(g.n, n);
    ck_assert_uint_eq(g.starts[0], 0);
    size_t expected = 0;
    for (size_t i = 0; i < n; i++) {
        size_t e = g.starts[i];
        for (size_t j = 0; j < n; j++) {
            double p = a[i * n + j], q = a[j * n + i];
            double v = mix * (p + q - p * q) + (1 - mix) * p * q;
            if (!((float)v > 0)) continue;
            expected++;
            ck_assert_uint_lt(e, g.starts[i + 1]);
            ck_assert_int_eq(g.columns[e], (int32_t)j);
            ck_assert_double_eq_tol((double)g.weights[e], v, 1e-6);
            ck_assert(g.weights[e] > 0 && g.weights[e] <= 1);
            e++;
        }
        ck_assert_uint_eq(e, g.starts[i + 1]);
    }
    ck_assert_uint_eq(g.starts[n], expected);
    /* symmetric to the last bit */
    for (size_t i = 0; i < n; i++)
        for (size_t e = g.starts[i]; e < g.starts[i + 1]; e++) {
            size_t j = (size_t)g.columns[e], f = g.starts[j];
            while (g.columns[f] != (int32_t)i)
                f++;
            ck_assert(g.weights[f] == g.weights[e]);
        }
    cep_umap_graph_free(cep_context_memory(ctx), &g);
    free(a);
    free(w);
}

START_TEST(union_is_its_definition)
{
    enum { n = 300, d = 4, k = 9 };
    static float x[n * d], far[n * k];
    static int32_t to[n * k];
    static const double mixes[] = {1, 0.6, 0};
    cepman_context *ctx = support_begin(3);
    scatter(x, n, d, 5);
    brute(x, n, d, k, to, far);
    check_union(ctx, n, k, to, far, 1, mixes[_i]);
    check_union(ctx, n, k, to, far, 2.5, mixes[_i]);
    check_union(ctx, 0, 0, to, far, 1, mixes[_i]);
    check_union(ctx, 1, 0, to, far, 1, mixes[_i]);
    brute(x, 2, d, 1, to, far);
    check_union(ctx, 2, 1, to, far, 1, mixes[_i]);
    memset(x, 0, sizeof x); /* all equal: every membership is 1 */
    brute(x, 40, d, 5, to, far);
    check_union(ctx, 40, 5, to, far, 1, mixes[_i]);
    support_end(ctx);
}
END_TEST

START_TEST(prune_drops_what_never_acts)
{
    size_t starts[] = {0, 2, 4, 6};
    int32_t columns[] = {1, 2, 0, 2, 0, 1};
    float weights[] = {0.8f, 0.0039f, 0.8f, 0.5f, 0.0039f, 0.5f};
    cep_umap_graph g = {3, starts, columns, weights}, p = {0};
    cepman_context *ctx = support_begin(1);
    assert_good(ctx, cep_umap_prune(&p, ctx, &g, 200));
    ck_assert_uint_eq(p.starts[3], 4);
    ck_assert_int_eq(p.columns[0], 1);
    ck_assert_int_eq(p.columns[1], 0);
    ck_assert_int_eq(p.columns[2], 2);
    ck_assert_int_eq(p.columns[3], 1);
    cep_umap_graph_free(cep_context_memory(ctx), &p);
    assert_good(ctx, cep_umap_prune(&p, ctx, &g, 500));
    ck_assert_uint_eq(p.starts[3], 6);
    cep_umap_graph_free(cep_context_memory(ctx), &p);
    support_end(ctx);
}
END_TEST

START_TEST(pieces)
{
    /* 0-3-5, 1-2, 4 alone */
    size_t starts[] = {0, 1, 2, 3, 5, 5, 6};
    int32_t columns[] = {3, 2, 1, 0, 5, 3}, labels[6], place[6], members[] = {0, 3, 5};
    float weights[] = {0.5f, 1, 1, 0.5f, 0.25f, 0.25f};
    cep_umap_graph g = {6, starts, columns, weights}, p = {0};
    static const int32_t expected[] = {0, 1, 1, 0, 2, 0}, own[] = {1, 0, 2, 1};
    size_t count = 0;
    cepman_context *ctx = support_begin(1);
    assert_good(ctx, cep_umap_components(ctx, &g, labels, &count));
    ck_assert_uint_eq(count, 3);
    ck_assert_mem_eq(labels, expected, sizeof expected);
    assert_good(ctx, cep_umap_piece(&p, ctx, &g, members, 3, place));
    ck_assert_uint_eq(p.n, 3);
    ck_assert_uint_eq(p.starts[3], 4);
    ck_assert_mem_eq(p.columns, own, sizeof own);
    ck_assert(p.weights[0] == 0.5f && p.weights[2] == 0.25f);
    cep_umap_graph_free(cep_context_memory(ctx), &p);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("umap_fuzzy");
    TCase *t = tcase_create("fuzzy");
    tcase_add_test(t, curve_known_values);
    tcase_add_test(t, curve_is_a_minimum);
    tcase_add_test(t, target_is_met);
    tcase_add_test(t, local_connectivity);
    tcase_add_loop_test(t, union_is_its_definition, 0, 3);
    tcase_add_test(t, prune_drops_what_never_acts);
    tcase_add_test(t, pieces);
    suite_add_tcase(s, t);
    return s;
}
