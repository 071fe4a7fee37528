/* What the tests of neighbors/ share: data, graphs and indices with options set, comparisons. */
#ifndef TEST_NEIGHBORS_COMMON_H
#define TEST_NEIGHBORS_COMMON_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "knn.h"
#include "support.h"

/* Rows on a few curved sheets in d columns, with noise: what features of a scan look like. */
static inline cepman_matrix *common_sheets(cepman_context *ctx, size_t n, size_t d, uint64_t seed)
{
    support_random r = {seed};
    float *x = malloc(n * d * sizeof *x), *w = malloc(4 * d * sizeof *w);
    for (size_t j = 0; j < 4 * d; j++)
        w[j] = (float)support_normal(&r);
    for (size_t i = 0; i < n; i++) {
        double z[4];
        for (int q = 0; q < 4; q++)
            z[q] = support_normal(&r) + (q == 0 ? 4.0 * (double)(i % 3) : 0);
        for (size_t j = 0; j < d; j++) {
            double sum = 0;
            for (size_t q = 0; q < 4; q++)
                sum += z[q] * (double)w[q * d + j];
            x[i * d + j] = (float)(tanh(0.3 * sum) + 0.01 * support_normal(&r));
        }
    }
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
    free(x);
    free(w);
    return m;
}

static inline cepman_options *common_options(cepman_context *ctx, int64_t k, const char *metric,
                                             const char *method, double recall)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_neighbors_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "k", k));
    assert_good(ctx, cepman_options_set_text(o, ctx, "metric", metric));
    assert_good(ctx, cepman_options_set_text(o, ctx, "method", method));
    assert_good(ctx, cepman_options_set_real(o, ctx, "recall", recall));
    return o;
}

static inline cepman_neighbors *common_build(cepman_context *ctx, const cepman_matrix *m, int64_t k,
                                             const char *metric, const char *method, double recall)
{
    cepman_neighbors *g = NULL;
    cepman_options *o = common_options(ctx, k, metric, method, recall);
    assert_good(ctx, cepman_neighbors_build(&g, ctx, m, o));
    cepman_options_unref(o);
    return g;
}

static inline bool common_same(const cepman_neighbors *a, const cepman_neighbors *b)
{
    size_t n = cepman_neighbors_count(a) * cepman_neighbors_k(a);
    return cepman_neighbors_count(a) == cepman_neighbors_count(b) &&
           cepman_neighbors_k(a) == cepman_neighbors_k(b) &&
           memcmp(cepman_neighbors_indices(a), cepman_neighbors_indices(b), n * sizeof(int32_t)) == 0 &&
           memcmp(cepman_neighbors_distances(a), cepman_neighbors_distances(b), n * sizeof(float)) == 0;
}

/* Share of places whose distance is no more than the true last one of the row (so that ties count). */
static inline double common_recall(const float *found, const float *exact, size_t n, size_t k)
{
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < k; c++)
            hits += found[i * k + c] <= exact[i * k + k - 1];
    return (double)hits / (double)(n * k);
}

/* A cancel callback: user points to the number of times it says no. */
static inline int common_cancel_after(void *user)
{
    return --*(int *)user < 0;
}

typedef struct common_twin {
    double key;
    int32_t index;
} common_twin;

static inline int common_nearer(const void *a, const void *b)
{
    const common_twin *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* long double: a sum of its own, good to more digits than what is tested. */
static inline double common_key(const float *a, const float *b, size_t d, cep_metric metric)
{
    long double dot = 0, aa = 0, bb = 0, squared = 0, ma = 0, mb = 0;
    for (size_t j = 0; j < d && metric == CEP_CORRELATION; j++) {
        ma += (long double)a[j] / d;
        mb += (long double)b[j] / d;
    }
    for (size_t j = 0; j < d; j++) {
        long double x = (long double)a[j] - ma, y = (long double)b[j] - mb;
        dot += x * y;
        aa += x * x;
        bb += y * y;
        squared += (x - y) * (x - y);
    }
    if (metric == CEP_EUCLIDEAN) return (double)squared;
    long double tiny = metric == CEP_CORRELATION ? 1e-30L : 0; /* rounding of a constant row's mean */
    if (aa <= tiny || bb <= tiny) return (aa <= tiny) == (bb <= tiny) ? 0 : 1;
    return (double)(1 - dot / sqrtl(aa * bb));
}

/* All rows of m but `self` (-1: none is left out), nearest to x first. Returns how many. */
static inline size_t common_twin_row(const cepman_matrix *m, const float *x, ptrdiff_t self,
                                     cep_metric metric, common_twin *row)
{
    size_t n = cepman_matrix_rows(m), d = cepman_matrix_columns(m), count = 0;
    for (size_t j = 0; j < n; j++)
        if ((ptrdiff_t)j != self)
            row[count++] = (common_twin){common_key(x, cepman_matrix_row(m, j), d, metric), (int32_t)j};
    qsort(row, count, sizeof *row, common_nearer);
    return count;
}

/* k neighbours of x among m's rows are the twin's; where keys are equal to rounding, any order of those is accepted
 * unless `strict`. row: room for as many as m has. */
static inline void common_assert_row(const cepman_matrix *m, const float *x, ptrdiff_t self,
                                     cep_metric metric, bool strict, size_t k, const int32_t *index,
                                     const float *distance, common_twin *row)
{
    size_t n = cepman_matrix_rows(m), d = cepman_matrix_columns(m);
    bool angle = metric != CEP_EUCLIDEAN;
    double slack = metric == CEP_CORRELATION ? 1e-6 : 1e-12; /* centred rows are rounded to float32 */
    common_twin_row(m, x, self, metric, row);
    for (size_t c = 0; c < k; c++) {
        double want = angle ? row[c].key : sqrt(row[c].key);
        ck_assert_double_eq_tol((double)distance[c], want,
                                metric == CEP_CORRELATION ? slack : 2e-7 * want + (angle ? 1e-15 : 3e-45));
        ck_assert_msg(c == 0 || distance[c] >= distance[c - 1], "row %td is not ascending at %zu", self, c);
        ck_assert_msg(index[c] >= 0 && (size_t)index[c] < n && index[c] != self, "row %td names %d", self,
                      index[c]);
        if (strict)
            ck_assert_msg(index[c] == row[c].index, "row %td place %zu: %d, the twin has %d", self, c,
                          index[c], row[c].index);
        else
            ck_assert_double_eq_tol(common_key(x, cepman_matrix_row(m, (size_t)index[c]), d, metric),
                                    row[c].key,
                                    slack * row[c].key + (metric == CEP_CORRELATION ? slack : 1e-15));
    }
}

static inline void common_assert_graph(const cepman_neighbors *g, const cepman_matrix *m, cep_metric metric,
                                       bool strict)
{
    size_t n = cepman_matrix_rows(m), k = cepman_neighbors_k(g);
    common_twin *row = malloc((n + 1) * sizeof *row);
    ck_assert_uint_eq(cepman_neighbors_count(g), n);
    for (size_t i = 0; i < n; i++)
        common_assert_row(m, cepman_matrix_row(m, i), (ptrdiff_t)i, metric, strict, k,
                          cepman_neighbors_indices(g) + i * k, cepman_neighbors_distances(g) + i * k, row);
    free(row);
}

#endif
