/* Eigenvectors of the block iteration against dense ones, signs, threads; starts of graphs in pieces. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg.h"
#include "support.h"
#include "umap.h"

/* Points in a box, joined to their k nearest: a graph whose lowest eigenvalues differ. Symmetric. */
static void make_graph(cep_umap_graph *g, cepman_context *ctx, size_t n, size_t k, uint64_t seed)
{
    support_random r = {seed};
    double *x = malloc(3 * n * sizeof *x);
    float *w = malloc(n * k * sizeof *w), *far = malloc(n * k * sizeof *far);
    int32_t *to = malloc(n * k * sizeof *to);
    for (size_t i = 0; i < n; i++) {
        x[3 * i] = 5 * support_uniform(&r);
        x[3 * i + 1] = 3 * support_uniform(&r);
        x[3 * i + 2] = 1.5 * support_uniform(&r);
    }
    for (size_t i = 0; i < n; i++) {
        size_t found = 0;
        for (size_t j = 0; j < n; j++) {
            float d = (float)(pow(x[3 * i] - x[3 * j], 2) + pow(x[3 * i + 1] - x[3 * j + 1], 2) +
                              pow(x[3 * i + 2] - x[3 * j + 2], 2));
            if (j == i || (found == k && d >= far[i * k + k - 1])) continue;
            size_t p = found < k ? found++ : k - 1;
            for (; p && far[i * k + p - 1] > d; p--) {
                far[i * k + p] = far[i * k + p - 1];
                to[i * k + p] = to[i * k + p - 1];
            }
            far[i * k + p] = d;
            to[i * k + p] = (int32_t)j;
        }
    }
    for (size_t i = 0; i < n * k; i++)
        far[i] = sqrtf(far[i]);
    assert_good(ctx, cep_umap_memberships(ctx, n, k, far, 1, INFINITY, w, NULL));
    assert_good(ctx, cep_umap_unite(g, ctx, n, k, to, w, 1));
    free(to);
    free(far);
    free(w);
    free(x);
}

/* The dense normalised matrix. */
static double *dense(const cep_umap_graph *g)
{
    const size_t n = g->n;
    double *a = calloc(n * n, sizeof *a), *degree = calloc(n, sizeof *degree);
    for (size_t i = 0; i < n; i++)
        for (size_t e = g->starts[i]; e < g->starts[i + 1]; e++)
            degree[i] += (double)g->weights[e];
    for (size_t i = 0; i < n; i++)
        for (size_t e = g->starts[i]; e < g->starts[i + 1]; e++) {
            size_t j = (size_t)g->columns[e];
            a[i * n + j] = (double)g->weights[e] / sqrt(degree[i] * degree[j]);
        }
    free(degree);
    return a;
}

START_TEST(block_agrees_with_dense)
{
    static const size_t sizes[] = {600, 1500}, wanted[] = {3, 12};
    const size_t n = sizes[_i % 2], dims = wanted[_i / 2];
    cepman_context *ctx = support_begin(2);
    cep_umap_graph g = {0};
    make_graph(&g, ctx, n, 10, 17 + (uint64_t)_i);
    double *a = dense(&g), *values = malloc((dims + 2) * sizeof *values);
    double *vectors = malloc((dims + 2) * n * sizeof *vectors);
    float *rows = malloc(n * dims * sizeof *rows);
    assert_good(ctx, cep_umap_spectral(ctx, &g, dims, 1, rows));
    assert_good(ctx, cep_linalg_eigen(ctx, n, a, n - dims - 2, n - 1, values, vectors));
    ck_assert_double_eq_tol(values[dims + 1], 1, 1e-9);
    for (size_t k = 0; k < dims; k++) {
        /* the part of the vector outside the span of dense vectors 1 .. dims */
        double inside = 0, length = 0, own = 0;
        float most = 0;
        for (size_t i = 0; i < n; i++) {
            length += pow((double)rows[i * dims + k], 2);
            if (fabsf(rows[i * dims + k]) > fabsf(most)) most = rows[i * dims + k];
        }
        for (size_t m = 0; m < dims; m++) {
            double dot = 0;
            for (size_t i = 0; i < n; i++)
                dot += vectors[(dims - m) * n + i] * (double)rows[i * dims + k];
            inside += dot * dot;
            if (m == k) own = dot;
        }
        ck_assert_double_eq_tol(length, 1, 1e-4);
        ck_assert(most > 0);
        ck_assert_msg(k + 1 == dims || inside > 0.99, "vector %zu: %g of it in the span", k, inside);
        if (k < 3) ck_assert_msg(fabs(own) > 0.99, "vector %zu: cosine %g", k, own);
    }
    free(rows);
    free(vectors);
    free(values);
    free(a);
    cep_umap_graph_free(cep_context_memory(ctx), &g);
    support_end(ctx);
}
END_TEST

START_TEST(same_bits_for_any_threads_and_level)
{
    enum { n = 3000, dims = 3 };
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    float *rows[2] = {malloc(n * dims * sizeof(float)), malloc(n * dims * sizeof(float))};
    for (int t = 0; t < 6; t++) {
        cepman_context *ctx = support_begin(t % 2 ? 3 : 1);
        cep_umap_graph g = {0};
        if (cepman_context_set_cpu_level(ctx, levels[t / 2]) == CEPMAN_OK) {
            make_graph(&g, ctx, n, 8, 2);
            assert_good(ctx, cep_umap_spectral(ctx, &g, dims, 9, rows[t > 0]));
            if (t) ck_assert_mem_eq(rows[0], rows[1], n * dims * sizeof(float));
            cep_umap_graph_free(cep_context_memory(ctx), &g);
        }
        support_end(ctx);
    }
    free(rows[0]);
    free(rows[1]);
}
END_TEST

/* m rings of `size` points, each joined to its next two. */
static void make_rings(cep_umap_graph *g, cepman_context *ctx, size_t m, size_t size)
{
    const size_t n = m * size, k = 2;
    int32_t *to = malloc(n * k * sizeof *to);
    float *w = malloc(n * k * sizeof *w);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++) {
            to[i * k + j] = (int32_t)(i / size * size + (i + 1 + j) % size);
            w[i * k + j] = 1;
        }
    assert_good(ctx, cep_umap_unite(g, ctx, n, k, to, w, 1));
    free(w);
    free(to);
}

/* Pieces have places of their own, and every dimension spans 0 .. 10. */
START_TEST(pieces_lie_apart)
{
    static const size_t pieces[] = {2, 5, 6, 9, 40}, size = 12, dims = 3;
    const size_t m = pieces[_i], n = m * size;
    cepman_context *ctx = support_begin(2);
    cep_umap_graph g = {0};
    make_rings(&g, ctx, m, size);
    cepman_matrix *x = support_normals(ctx, n, 20, 4);
    for (int with = 0; with < 2; with++) {
        float *rows = malloc(n * dims * sizeof *rows), *again = malloc(n * dims * sizeof *again);
        assert_good(ctx, cep_umap_start(ctx, &g, with ? x : NULL, NULL, CEP_UMAP_SPECTRAL, dims, 3, rows));
        assert_good(ctx, cep_umap_start(ctx, &g, with ? x : NULL, NULL, CEP_UMAP_SPECTRAL, dims, 3, again));
        ck_assert_mem_eq(rows, again, n * dims * sizeof *rows);
        for (size_t j = 0; j < dims; j++) {
            float low = INFINITY, high = -INFINITY;
            for (size_t i = 0; i < n; i++) {
                low = fminf(low, rows[i * dims + j]);
                high = fmaxf(high, rows[i * dims + j]);
            }
            ck_assert(low == 0 && high == 10);
        }
        double middle[40][3] = {{0}};
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < dims; j++)
                middle[i / size][j] += (double)rows[i * dims + j] / (double)size;
        for (size_t c = 0; c < m; c++)
            for (size_t b = 0; b < c; b++) {
                double d = 0;
                for (size_t j = 0; j < dims; j++)
                    d += pow(middle[b][j] - middle[c][j], 2);
                ck_assert_msg(sqrt(d) > (m <= 2 * dims ? 2 : 0.1), "pieces %zu and %zu: %g apart", b, c,
                              sqrt(d));
            }
        free(again);
        free(rows);
    }
    cepman_matrix_unref(x);
    cep_umap_graph_free(cep_context_memory(ctx), &g);
    support_end(ctx);
}
END_TEST

/* A ring's start is a ring: the two lowest vectors are cosine and sine of the angle. */
START_TEST(ring_starts_as_ring)
{
    static const size_t sizes[] = {100, 2000};
    const size_t n = sizes[_i];
    cepman_context *ctx = support_begin(1);
    cep_umap_graph g = {0};
    make_rings(&g, ctx, 1, n);
    float *rows = malloc(n * 2 * sizeof *rows);
    assert_good(ctx, cep_umap_spectral(ctx, &g, 2, 3, rows));
    double radius = sqrt(2.0 / (double)n) * sqrt(1.0);
    for (size_t i = 0; i < n; i++) {
        double r = hypot((double)rows[2 * i], (double)rows[2 * i + 1]);
        ck_assert_msg(fabs(r / radius - 1) < 0.1, "radius %g of %g at %zu", r, radius, i);
    }
    free(rows);
    cep_umap_graph_free(cep_context_memory(ctx), &g);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    enum { n = 700, dims = 2 };
    static float rows[n * dims];
    long fail = 0;
    cepman_context *ctx = support_begin(2);
    cep_umap_graph g = {0};
    make_rings(&g, ctx, 7, 100);
    for (;; fail++) {
        support_fail_at(fail);
        cepman_status s = cep_umap_start(ctx, &g, NULL, NULL, CEP_UMAP_SPECTRAL, dims, 1, rows);
        if (s == CEPMAN_OK) break;
        ck_assert_int_eq(s, CEPMAN_ERR_MEMORY);
    }
    support_fail_at(-1);
    ck_assert_int_gt(fail, 10);
    cep_umap_graph_free(cep_context_memory(ctx), &g);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("umap_spectral");
    TCase *t = tcase_create("spectral");
    tcase_add_loop_test(t, block_agrees_with_dense, 0, 4);
    tcase_add_test(t, same_bits_for_any_threads_and_level);
    tcase_add_loop_test(t, pieces_lie_apart, 0, 5);
    tcase_add_loop_test(t, ring_starts_as_ring, 0, 2);
    tcase_add_test(t, failing_allocations);
    suite_add_tcase(s, t);
    return s;
}
