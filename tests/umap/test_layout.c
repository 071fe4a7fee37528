/* Rounds of the schedule, and the layout's own behaviour. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "support.h"
#include "umap.h"

/* n points, each joined to k others by chance, and `hubs` points joined to all. */
static void make_graph(cep_umap_graph *g, cepman_context *ctx, size_t n, size_t k, size_t hubs, uint64_t seed)
{
    support_random r = {seed};
    const size_t m = k + hubs;
    int32_t *to = malloc(n * m * sizeof *to);
    float *w = malloc(n * m * sizeof *w);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            size_t other;
            for (bool fresh = false; !fresh;) {
                other = j < hubs ? (i <= j ? j + 1 : j)
                                 : hubs + (size_t)(support_uniform(&r) * (double)(n - hubs));
                fresh = other != i;
                for (size_t b = 0; fresh && b < j; b++)
                    if (to[i * m + b] == (int32_t)other) {
                        fresh = false;
                        if (j < hubs) other = n - 1 - j;
                    }
                if (!fresh && j < hubs) fresh = true;
            }
            to[i * m + j] = (int32_t)other;
            w[i * m + j] = (float)(0.01 + 0.99 * support_uniform(&r));
        }
    assert_good(ctx, cep_umap_unite(g, ctx, n, m, to, w, 1));
    free(w);
    free(to);
}

START_TEST(rounds_share_no_point)
{
    const size_t n = 2000;
    cepman_context *ctx = support_begin(1);
    cep_umap_graph g = {0};
    cep_umap_schedule p = {0};
    make_graph(&g, ctx, n, 9, _i ? 2 : 0, 4); /* two hubs have more edges than there are rounds */
    assert_good(ctx, cep_umap_plan(&p, ctx, &g, NULL, 7));
    ck_assert_uint_eq(p.count, g.starts[n] / 2);
    ck_assert(_i ? p.left < p.count : p.left == p.count);
    size_t *seen = calloc(n, sizeof *seen);
    for (size_t r = 0; r < p.rounds; r++)
        for (size_t e = p.starts[r]; e < p.starts[r + 1]; e++) {
            if (seen[p.heads[e]] > r || seen[p.tails[e]] > r) ck_abort_msg("edge %zu of round %zu", e, r);
            seen[p.heads[e]] = seen[p.tails[e]] = r + 1;
        }
    ck_assert_uint_eq(p.starts[p.rounds], p.left);
    /* the items cut the rounds, in order and without gaps */
    for (size_t r = 0; r < p.rounds; r++) {
        ck_assert_uint_lt(p.firsts[r], p.firsts[r + 1]);
        ck_assert_uint_eq(p.items[p.firsts[r]], p.starts[r]);
        for (size_t i = p.firsts[r]; i < p.firsts[r + 1]; i++)
            ck_assert_uint_lt(p.items[i], p.items[i + 1]);
    }
    ck_assert_uint_eq(p.items[p.firsts[p.rounds]], p.left);
    /* every edge once, at its rate */
    float largest = 0;
    for (size_t e = 0; e < g.starts[n]; e++)
        largest = fmaxf(largest, g.weights[e]);
    unsigned char *met = calloc(g.starts[n], 1);
    for (size_t e = 0; e < p.count; e++) {
        size_t at = g.starts[p.heads[e]];
        while (g.columns[at] != (int32_t)p.tails[e])
            if (++at >= g.starts[p.heads[e] + 1]) ck_abort_msg("edge %zu is not in the graph", e);
        const double off = fabs((double)p.rates[e] / CEP_LAYOUT_ALWAYS - (double)(g.weights[at] / largest));
        if (met[at]++ || !(off <= 1e-6))
            ck_abort_msg("edge %zu is twice in the schedule, or off by %g", e, off);
    }
    free(met);
    free(seen);
    cep_umap_schedule_free(cep_context_memory(ctx), &p);
    cep_umap_graph_free(cep_context_memory(ctx), &g);
    support_end(ctx);
}
END_TEST

/* A permutation; on a shuffled line points that follow one another lie side by side. */
START_TEST(order_is_local)
{
    enum { n = 5000 };
    static float rows[n * 5];
    static uint32_t order[n];
    cepman_context *ctx = support_begin(1);
    for (size_t dims = 1; dims <= 5; dims++) {
        unsigned char seen[n] = {0};
        size_t twice = 0, jumps = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < dims; j++)
                rows[i * dims + j] = j ? 3 : (float)(i * 2741 % n);
        assert_good(ctx, cep_umap_order(ctx, rows, n, dims, order));
        for (size_t i = 0; i < n; i++) {
            if (order[i] >= n) ck_abort_msg("order[%zu] is %u", i, order[i]);
            twice += seen[order[i]]++;
            jumps += i && fabsf(rows[order[i] * dims] - rows[order[i - 1] * dims]) >= 12;
        }
        ck_assert_uint_eq(twice, 0);
        ck_assert_uint_eq(jumps, 0);
    }
    memset(rows, 0, sizeof rows); /* ties by index */
    assert_good(ctx, cep_umap_order(ctx, rows, n, 3, order));
    size_t moved = 0;
    for (size_t i = 0; i < n; i++)
        moved += order[i] != i;
    ck_assert_uint_eq(moved, 0);
    support_end(ctx);
}
END_TEST

START_TEST(same_bits_for_any_threads)
{
    enum { n = 9000, dims = 2 };
    static float rows[4][n * dims];
    const cep_umap_forces forces = {1.577, 0.895, 1, 1, 5, 12, 3};
    for (unsigned t = 0; t < 4; t++) {
        cepman_context *ctx = support_begin(1 + t);
        cep_umap_graph g = {0};
        make_graph(&g, ctx, n, 5, 1, 8);
        support_random r = {1};
        for (size_t i = 0; i < n * dims; i++)
            rows[t][i] = (float)(10 * support_uniform(&r));
        assert_good(ctx, cep_umap_layout(ctx, &g, &forces, dims, rows[t]));
        ck_assert_mem_eq(rows[t], rows[0], sizeof rows[t]);
        cep_umap_graph_free(cep_context_memory(ctx), &g);
        support_end(ctx);
    }
}
END_TEST

/* Without samples only pulls are left: they leave the mean in place and the points closer. */
START_TEST(pulls_keep_the_mean)
{
    enum { n = 500, dims = 3 };
    static float rows[n * dims];
    const cep_umap_forces forces = {1.577, 0.895, 1, 1, 0, 100, 3};
    cepman_context *ctx = support_begin(2);
    cep_umap_graph g = {0};
    make_graph(&g, ctx, n, 5, 0, 8);
    support_random r = {1};
    double before[dims] = {0}, after[dims] = {0}, wide[2] = {0};
    for (size_t i = 0; i < n * dims; i++) {
        rows[i] = (float)(10 * support_uniform(&r));
        before[i % dims] += (double)rows[i] / n;
    }
    for (size_t i = 0; i < n * dims; i++)
        wide[0] += pow((double)rows[i] - before[i % dims], 2);
    assert_good(ctx, cep_umap_layout(ctx, &g, &forces, dims, rows));
    for (size_t i = 0; i < n * dims; i++)
        after[i % dims] += (double)rows[i] / n;
    for (size_t i = 0; i < n * dims; i++)
        wide[1] += pow((double)rows[i] - after[i % dims], 2);
    for (int j = 0; j < dims; j++)
        ck_assert_double_eq_tol(before[j], after[j], 1e-3);
    ck_assert_double_lt(wide[1], 1e-3 * wide[0]);
    cep_umap_graph_free(cep_context_memory(ctx), &g);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("umap_layout");
    TCase *t = tcase_create("layout");
    tcase_add_loop_test(t, rounds_share_no_point, 0, 2);
    tcase_add_test(t, order_is_local);
    tcase_add_test(t, same_bits_for_any_threads);
    tcase_add_test(t, pulls_keep_the_mean);
    suite_add_tcase(s, t);
    return s;
}
