/* HDBSCAN against plain twins: all pairs in double, Prim, and the condensed tree from its definition.
 * Long because the twins stand beside the tests that use them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "support.h"

/* Kinds of points. */
enum { NORMAL, LATTICE, COPIES, LINE, BLOBS, HUGE_VALUES, TINY_VALUES, FAR_AWAY, KINDS };

static float *points_of(int kind, size_t n, size_t d, uint64_t seed)
{
    support_random r = {seed * 97 + 13};
    float *x = malloc((n * d + 1) * sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) {
            double g = support_normal(&r), v = g;
            if (kind == LATTICE) v = floor(3 * g);
            if (kind == COPIES) v = i % 7 == 0 ? 0 : floor(g);
            if (kind == LINE) v = pow(1.01, (double)i) * (double)(j + 1);
            if (kind == BLOBS) v = g * (i % 3 == 0 ? 0.1 : 0.5) + 10 * (double)(i % 3);
            if (kind == HUGE_VALUES) v = 1e30 * g;
            if (kind == TINY_VALUES) v = 1e-30 * g;
            if (kind == FAR_AWAY) v = 1e5 + g;
            x[i * d + j] = (float)v;
        }
    return x;
}

/* ---- twins ----------------------------------------------------------------------------------------------------- */

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Mutual reachability of all pairs, n x n, and core distances. */
static double *reach_of(const float *x, size_t n, size_t d, size_t samples, double alpha, double *core)
{
    double *w = malloc((n * n + 1) * sizeof *w), *row = malloc((n + 1) * sizeof *row);
    ck_assert(w && row);
    if (samples > n - 1) samples = n - 1;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double s = 0;
            for (size_t k = 0; k < d; k++) {
                double e = (double)x[i * d + k] - (double)x[j * d + k];
                s += e * e;
            }
            w[i * n + j] = row[j] = sqrt(s);
        }
        row[i] = -1;
        qsort(row, n, sizeof *row, by_value);
        core[i] = row[samples];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            w[i * n + j] = fmax(w[i * n + j] / alpha, fmax(core[i], core[j]));
    free(row);
    return w;
}

/* Prim; the weights, sorted. */
static void prim_twin(const double *w, size_t n, double *weights)
{
    double *key = malloc((n + 1) * sizeof *key);
    ck_assert_ptr_nonnull(key);
    for (size_t i = 0; i < n; i++)
        key[i] = w[i];
    key[0] = -1;
    for (size_t e = 0; e + 1 < n; e++) {
        size_t best = n;
        for (size_t i = 0; i < n; i++)
            if (key[i] >= 0 && (best == n || key[i] < key[best])) best = i;
        weights[e] = key[best];
        key[best] = -1;
        for (size_t i = 0; i < n; i++)
            if (key[i] >= 0 && w[best * n + i] < key[i]) key[i] = w[best * n + i];
    }
    if (n > 1) qsort(weights, n - 1, sizeof *weights, by_value);
    free(key);
}

/* The canonical condensed tree and excess of mass, from the definition: a set of points splits at the largest height
 * at which it falls apart, into the connected pieces of the pairs below that height. */
typedef struct twin {
    const double *w;
    size_t n, size;
    int *label;
    double *probability;
    int clusters;
} twin;

/* Pieces of a set under pairs lighter than h; piece[] gets numbers, returns how many. */
static int pieces_of(const twin *t, const size_t *set, size_t m, double h, int *piece)
{
    int count = 0;
    size_t *queue = malloc((m + 1) * sizeof *queue);
    ck_assert_ptr_nonnull(queue);
    for (size_t i = 0; i < m; i++)
        piece[i] = -1;
    for (size_t i = 0; i < m; i++) {
        if (piece[i] >= 0) continue;
        size_t head = 0, tail = 0;
        queue[tail++] = i;
        piece[i] = count;
        while (head < tail) {
            size_t a = queue[head++];
            for (size_t b = 0; b < m; b++)
                if (piece[b] < 0 && t->w[set[a] * t->n + set[b]] < h) {
                    piece[b] = count;
                    queue[tail++] = b;
                }
        }
        count++;
    }
    free(queue);
    return count;
}

/* The smallest height at which the set is connected. */
static double height_of(const twin *t, const size_t *set, size_t m)
{
    double *w = malloc(m * m * sizeof *w), *edges = malloc(m * sizeof *edges), h;
    ck_assert(w && edges);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++)
            w[i * m + j] = t->w[set[i] * t->n + set[j]];
    prim_twin(w, m, edges);
    h = edges[m - 2];
    free(w);
    free(edges);
    return h;
}

/* Handles a cluster born at `birth`; returns its stability under the best selection at or below it. */
static double grow_twin(twin *t, const size_t *set, size_t m, double birth, bool root)
{
    size_t *now = malloc(m * sizeof *now), *next = malloc(m * sizeof *next);
    int *piece = malloc(m * sizeof *piece), first_label = t->clusters;
    double *fell = malloc(m * sizeof *fell), death = 0, own = 0, below = 0;
    ck_assert(now && next && piece && fell);
    memcpy(now, set, m * sizeof *now);
    size_t count = m;
    double *lambda_of = malloc(t->n * sizeof *lambda_of);
    ck_assert_ptr_nonnull(lambda_of);
    for (size_t i = 0; i < t->n; i++)
        lambda_of[i] = -1;
    while (count > 1) {
        double h = height_of(t, now, count), lambda = h > 0 ? 1 / h : (double)INFINITY;
        int parts = pieces_of(t, now, count, h, piece), big = 0, big_part = -1;
        death = fmax(death, lambda);
        for (int p = 0; p < parts; p++) {
            size_t size = 0;
            for (size_t i = 0; i < count; i++)
                size += piece[i] == p;
            if (size >= t->size) {
                big++;
                big_part = p;
            }
        }
        size_t kept = 0;
        for (int p = 0; p < parts; p++) {
            size_t size = 0;
            for (size_t i = 0; i < count; i++)
                if (piece[i] == p) next[size++] = now[i];
            if (big >= 2 && size >= t->size) {
                own += (lambda - birth) * (double)size;
                below += grow_twin(t, next, size, lambda, false);
                for (size_t i = 0; i < size; i++)
                    lambda_of[next[i]] = -2; /* in a child: falls later */
            } else if (!(big == 1 && p == big_part)) {
                for (size_t i = 0; i < size; i++) {
                    lambda_of[next[i]] = lambda;
                    own += lambda - birth;
                }
            }
        }
        if (big == 1)
            for (size_t i = 0; i < count; i++)
                if (piece[i] == big_part) now[kept++] = now[i];
        count = kept;
    }
    double result = below;
    if (!root && !(below > own)) {
        /* This cluster takes over its descendants' points. */
        t->clusters = first_label + 1;
        for (size_t i = 0; i < m; i++) {
            size_t p = set[i];
            t->label[p] = first_label;
            double l = lambda_of[p];
            t->probability[p] = l == -2 || isinf(l) || l >= death ? 1 : l / death;
        }
        result = own;
    } else {
        for (size_t i = 0; i < m; i++)
            if (lambda_of[set[i]] >= 0) {
                t->label[set[i]] = -1;
                t->probability[set[i]] = 0;
            }
    }
    free(now);
    free(next);
    free(piece);
    free(fell);
    free(lambda_of);
    return result;
}

/* ---- help ------------------------------------------------------------------------------------------------------- */

static cepman_hdbscan_tree *tree_of(cepman_context *ctx, const cepman_matrix *x, int64_t samples,
                                    double alpha)
{
    cepman_options *o = NULL;
    cepman_hdbscan_tree *t = NULL;
    assert_good(ctx, cepman_hdbscan_tree_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "min-samples", samples));
    assert_good(ctx, cepman_options_set_real(o, ctx, "alpha", alpha));
    assert_good(ctx, cepman_hdbscan_tree_build(&t, ctx, x, o));
    cepman_options_unref(o);
    return t;
}

static cepman_hdbscan *flat_of(cepman_context *ctx, cepman_hdbscan_tree *t, int64_t size, const char *name,
                               const char *value)
{
    cepman_options *o = NULL;
    cepman_hdbscan *h = NULL;
    assert_good(ctx, cepman_hdbscan_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "min-cluster-size", size));
    if (name) assert_good(ctx, cepman_options_parse(o, ctx, name, value));
    assert_good(ctx, cepman_hdbscan_extract(&h, ctx, t, o));
    cepman_options_unref(o);
    return h;
}

static double weight_at(const cepman_hdbscan_tree *t, size_t e)
{
    double w = -1;
    ck_assert_int_eq(cepman_hdbscan_tree_edge(t, e, NULL, NULL, &w), CEPMAN_OK);
    return w;
}

static void assert_same_partition(const int *a, const int32_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg((a[i] < 0) == (b[i] < 0), "point %zu is %d, expected %d", i, b[i], a[i]);
        for (size_t j = 0; j < i; j++)
            if (a[i] >= 0 && a[j] >= 0)
                ck_assert_msg((a[i] == a[j]) == (b[i] == b[j]), "points %zu and %zu: %d %d, expected %d %d",
                              i, j, b[i], b[j], a[i], a[j]);
    }
}

/* ---- tests ------------------------------------------------------------------------------------------------------ */

START_TEST(tree_is_minimal)
{
    static const size_t sizes[] = {2, 3, 17, 65, 130, 400}, dims[] = {1, 2, 3, 4, 5, 8, 9, 30};
    static const int64_t samples[] = {1, 5, 14, 15, 16, 40, 1000};
    int kind = _i % KINDS;
    cepman_context *ctx = support_begin(_i % 2 ? 3 : 1);
    if (_i >= KINDS) assert_good(ctx, cepman_context_set_cpu_level(ctx, "generic"));
    for (size_t c = 0; c < 6 * 8; c++) {
        size_t n = sizes[c % 6], d = dims[c / 6], s = (size_t)samples[(c + (size_t)kind) % 7];
        double alpha = c % 5 == 0 ? 1.3 : c % 7 == 0 ? 0.6 : 1;
        float *x = points_of(kind, n, d, c);
        cepman_matrix *m = NULL;
        assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
        cepman_hdbscan_tree *t = tree_of(ctx, m, (int64_t)s, alpha);
        double core[400], weights[400], *w = reach_of(x, n, d, s, alpha, core);
        prim_twin(w, n, weights);
        ck_assert_uint_eq(cepman_hdbscan_tree_edges(t), n - 1);
        for (size_t i = 0; i < n; i++)
            ck_assert_msg(fabs(cepman_hdbscan_tree_core_distances(t)[i] - core[i]) <= 1e-14 * core[i],
                          "kind %d, %zu x %zu, %zu samples: core %zu is %g, expected %g", kind, n, d, s, i,
                          cepman_hdbscan_tree_core_distances(t)[i], core[i]);
        for (size_t e = 0; e + 1 < n; e++) {
            size_t a = n, b = n;
            double got;
            assert_good(ctx, cepman_hdbscan_tree_edge(t, e, &a, &b, &got));
            ck_assert_msg(fabs(got - weights[e]) <= 1e-14 * weights[e],
                          "kind %d, %zu x %zu, %zu samples, alpha %g: edge %zu is %.17g, expected %.17g",
                          kind, n, d, s, alpha, e, got, weights[e]);
            ck_assert(a < n && b < n && fabs(w[a * n + b] - got) <= 1e-14 * got);
        }
        free(w);
        free(x);
        cepman_hdbscan_tree_unref(t);
        cepman_matrix_unref(m);
    }
    support_end(ctx);
}
END_TEST

/* Many features, more points than one block of products: each weight against all pairs in double. */
START_TEST(many_features)
{
    static const size_t shapes[][3] = {{65, 600, 5}, {250, 270, 20}, {211, 256, 1}};
    size_t n = shapes[_i % 3][0], d = shapes[_i % 3][1], samples = shapes[_i % 3][2];
    int kind = _i / 3;
    double alpha = _i % 2 ? 1 : 1.2, core[250], weights[250];
    float *x = points_of(kind, n, d, (uint64_t)_i);
    double *w = reach_of(x, n, d, samples, alpha, core);
    prim_twin(w, n, weights);
    for (unsigned turn = 0; turn < 2; turn++) {
        cepman_context *ctx = support_begin(turn ? 3 : 1);
        if (turn) assert_good(ctx, cepman_context_set_cpu_level(ctx, _i % 2 ? "avx2" : "generic"));
        cepman_matrix *m = NULL;
        assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
        cepman_hdbscan_tree *t = tree_of(ctx, m, (int64_t)samples, alpha);
        for (size_t i = 0; i < n; i++)
            ck_assert_double_le(fabs(cepman_hdbscan_tree_core_distances(t)[i] - core[i]), 1e-14 * core[i]);
        for (size_t e = 0; e + 1 < n; e++)
            ck_assert_msg(fabs(weight_at(t, e) - weights[e]) <= 1e-14 * weights[e],
                          "kind %d, %zu x %zu: edge %zu is %.17g, expected %.17g", kind, n, d, e,
                          weight_at(t, e), weights[e]);
        cepman_hdbscan_tree_unref(t);
        cepman_matrix_unref(m);
        support_end(ctx);
    }
    free(w);
    free(x);
}
END_TEST

START_TEST(clusters_follow_the_definition)
{
    static const size_t sizes[] = {3, 20, 60, 120};
    int kind = _i % KINDS;
    cepman_context *ctx = support_begin(2);
    for (size_t c = 0; c < 24; c++) {
        size_t n = sizes[c % 4], d = 1 + c / 4 % 3, s = 1 + c % 5, least = 2 + c % 7;
        float *x = points_of(kind, n, d, 100 + c);
        cepman_matrix *m = NULL;
        assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
        cepman_hdbscan_tree *t = tree_of(ctx, m, (int64_t)s, 1);
        cepman_hdbscan *h = flat_of(ctx, t, (int64_t)least, NULL, NULL);
        double core[120], probability[120];
        int label[120];
        size_t all[120];
        for (size_t i = 0; i < n; i++) {
            all[i] = i;
            label[i] = -1;
            probability[i] = 0;
        }
        twin plain = {reach_of(x, n, d, s, 1, core), n, least, label, probability, 0};
        grow_twin(&plain, all, n, 0, true);
        assert_same_partition(label, cepman_labels_data(cepman_hdbscan_labels(h)), n);
        ck_assert_int_eq(plain.clusters, (int)cepman_labels_clusters(cepman_hdbscan_labels(h)));
        for (size_t i = 0; i < n; i++)
            ck_assert_double_eq_tol(cepman_hdbscan_probabilities(h)[i], probability[i], 1e-12);
        for (int k = 0; k < plain.clusters; k++) {
            ck_assert_double_ge(cepman_hdbscan_persistence(h)[k], 0);
            ck_assert_double_le(cepman_hdbscan_persistence(h)[k], 1);
        }
        free((double *)plain.w);
        free(x);
        cepman_hdbscan_unref(h);
        cepman_hdbscan_tree_unref(t);
        cepman_matrix_unref(m);
    }
    support_end(ctx);
}
END_TEST

/* The k-d tree and the plain way give the same core distances and the same weights, to the bit. */
START_TEST(both_ways_agree)
{
    static const size_t dims[] = {1, 2, 3, 6, 8};
    cepman_context *ctx = support_begin(2);
    for (int kind = 0; kind < KINDS; kind++) {
        size_t n = kind == LINE ? 1200 : 2500, d = dims[(kind + _i) % 5];
        float *x = points_of(kind, n, d, 7);
        cepman_matrix *m = NULL;
        cep_points points;
        assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
        assert_good(ctx, cep_points_all(&points, ctx, m, "test"));
        cep_reach r = {.ctx = ctx,
                       .mem = cep_context_memory(ctx),
                       .points = &points,
                       .samples = _i % 2 ? 10 : 25,
                       .alpha_square = 1};
        cep_edge *edges[3];
        double *core[3];
        for (int way = 0; way < 3; way++) {
            r.core = core[way] = malloc(n * sizeof(double));
            r.edges = edges[way] = malloc(n * sizeof(cep_edge));
            assert_good(ctx, way == 2 ? cep_reach_table(&r) : way ? cep_reach_tree(&r) : cep_reach_dense(&r));
            assert_good(ctx, cep_edges_sort(ctx, edges[way], n - 1));
        }
        for (int way = 1; way < 3; way++) {
            ck_assert_mem_eq(core[0], core[way], n * sizeof(double));
            for (size_t e = 0; e + 1 < n; e++)
                ck_assert_mem_eq(&edges[0][e].weight, &edges[way][e].weight, sizeof(double));
        }
        for (int way = 0; way < 3; way++) {
            free(core[way]);
            free(edges[way]);
        }
        cep_points_clear(&points);
        cepman_matrix_unref(m);
        free(x);
    }
    support_end(ctx);
}
END_TEST

START_TEST(threads_and_selections_do_not_matter)
{
    size_t n = _i == 1 ? 600 : 20000, d = _i == 1 ? 20 : 3;
    cepman_context *one = support_begin(1), *three = NULL;
    assert_good(one, cepman_context_create(&three, NULL));
    assert_good(three, cepman_context_set_threads(three, 3));
    float *x = points_of(_i == 2 ? COPIES : BLOBS, n, d, 5);
    cepman_matrix *m = NULL, *picked = NULL;
    assert_good(one, cepman_matrix_copy(&m, one, x, n, d, d));
    size_t *rows = malloc(n * sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = i;
    assert_good(one, cepman_matrix_select(&picked, one, m, rows, n));
    cepman_hdbscan_tree *a = tree_of(one, m, 6, 1), *b = tree_of(three, picked, 6, 1);
    ck_assert_mem_eq(cepman_hdbscan_tree_core_distances(a), cepman_hdbscan_tree_core_distances(b),
                     n * sizeof(double));
    for (size_t e = 0; e + 1 < n; e++) {
        size_t fa, ta, fb, tb;
        double wa, wb;
        assert_good(one, cepman_hdbscan_tree_edge(a, e, &fa, &ta, &wa));
        assert_good(one, cepman_hdbscan_tree_edge(b, e, &fb, &tb, &wb));
        ck_assert(fa == fb && ta == tb);
        ck_assert_mem_eq(&wa, &wb, sizeof wa);
    }
    static const char *const ties[] = {"canonical", "binary"};
    for (int k = 0; k < 2; k++) {
        cepman_hdbscan *ha = flat_of(one, a, 15, "ties", ties[k]),
                       *hb = flat_of(three, b, 15, "ties", ties[k]);
        ck_assert_mem_eq(cepman_labels_data(cepman_hdbscan_labels(ha)),
                         cepman_labels_data(cepman_hdbscan_labels(hb)), n * 4);
        ck_assert_mem_eq(cepman_hdbscan_probabilities(ha), cepman_hdbscan_probabilities(hb),
                         n * sizeof(double));
        ck_assert_mem_eq(cepman_hdbscan_outlier_scores(ha), cepman_hdbscan_outlier_scores(hb),
                         n * sizeof(double));
        cepman_hdbscan_unref(ha);
        cepman_hdbscan_unref(hb);
    }
    cepman_hdbscan_tree_unref(a);
    cepman_hdbscan_tree_unref(b);
    cepman_matrix_unref(picked);
    cepman_matrix_unref(m);
    free(rows);
    free(x);
    cepman_context_unref(three);
    support_end(one);
}
END_TEST

/* Another order of the points is another spanning tree where weights tie; the clusters are the same. */
START_TEST(order_does_not_matter)
{
    size_t n = 900;
    cepman_context *ctx = support_begin(2);
    float *x = points_of(_i ? LATTICE : COPIES, n, 2, 11);
    cepman_matrix *m = NULL, *turned = NULL;
    size_t rows[900];
    int want[900];
    for (size_t i = 0; i < n; i++)
        rows[i] = (i * 7 + 3) % n;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, 2, 2));
    assert_good(ctx, cepman_matrix_select(&turned, ctx, m, rows, n));
    cepman_hdbscan_tree *a = tree_of(ctx, m, 4, 1), *b = tree_of(ctx, turned, 4, 1);
    cepman_hdbscan *ha = flat_of(ctx, a, 6, NULL, NULL), *hb = flat_of(ctx, b, 6, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        want[i] = cepman_labels_data(cepman_hdbscan_labels(ha))[rows[i]];
    assert_same_partition(want, cepman_labels_data(cepman_hdbscan_labels(hb)), n);
    for (size_t i = 0; i < n; i++) {
        ck_assert(cepman_hdbscan_probabilities(ha)[rows[i]] == cepman_hdbscan_probabilities(hb)[i]);
        ck_assert(cepman_hdbscan_outlier_scores(ha)[rows[i]] == cepman_hdbscan_outlier_scores(hb)[i]);
    }
    cepman_hdbscan_unref(ha);
    cepman_hdbscan_unref(hb);
    cepman_hdbscan_tree_unref(a);
    cepman_hdbscan_tree_unref(b);
    cepman_matrix_unref(turned);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

START_TEST(odd_cases)
{
    cepman_context *ctx = support_begin(2);
    for (size_t n = 0; n < 4; n++) {
        cepman_matrix *m = support_normals(ctx, n, 3, 2);
        cepman_hdbscan_tree *t = tree_of(ctx, m, 0, 1);
        ck_assert_uint_eq(cepman_hdbscan_tree_points(t), n);
        ck_assert_uint_eq(cepman_hdbscan_tree_edges(t), n ? n - 1 : 0);
        ck_assert_int_eq(cepman_hdbscan_tree_edge(t, 9, NULL, NULL, NULL), CEPMAN_ERR_RANGE);
        for (int single = 0; single < 2; single++) {
            cepman_hdbscan *h = flat_of(ctx, t, 2, "allow-single-cluster", single ? "true" : "false");
            ck_assert_uint_eq(cepman_labels_count(cepman_hdbscan_labels(h)), n);
            ck_assert_uint_eq(cepman_labels_clusters(cepman_hdbscan_labels(h)), single && n >= 2);
            cepman_hdbscan_unref(h);
        }
        cepman_hdbscan_tree_unref(t);
        cepman_matrix_unref(m);
    }
    /* All points equal: no cluster, or one of them all. A cluster may not be larger than all points. */
    static float same[5000 * 3];
    for (size_t i = 0; i < 5000 * 3; i++)
        same[i] = 1.25f;
    for (size_t n = 50; n <= 5000; n *= 10) {
        cepman_matrix *m = NULL;
        assert_good(ctx, cepman_matrix_copy(&m, ctx, same, n, 3, 3));
        cepman_hdbscan_tree *t = tree_of(ctx, m, 10, 1);
        ck_assert_double_eq(weight_at(t, n - 2), 0);
        cepman_hdbscan *h = flat_of(ctx, t, 5, NULL, NULL);
        ck_assert_uint_eq(cepman_labels_noise(cepman_hdbscan_labels(h)), n);
        cepman_hdbscan_unref(h);
        h = flat_of(ctx, t, 5, "allow-single-cluster", "true");
        ck_assert_uint_eq(cepman_labels_noise(cepman_hdbscan_labels(h)), 0);
        ck_assert_double_eq(cepman_hdbscan_probabilities(h)[n - 1], 1);
        ck_assert_double_eq(cepman_hdbscan_outlier_scores(h)[0], 0);
        cepman_hdbscan_unref(h);
        h = flat_of(ctx, t, (int64_t)n + 1, "allow-single-cluster", "true");
        ck_assert_uint_eq(cepman_labels_noise(cepman_hdbscan_labels(h)), n);
        cepman_hdbscan_unref(h);
        cepman_hdbscan_tree_unref(t);
        cepman_matrix_unref(m);
    }
    support_end(ctx);
}
END_TEST

/* Rows that are not finite are noise and change nothing for the others. */
START_TEST(rows_that_are_not_finite)
{
    size_t n = 300;
    cepman_context *ctx = support_begin(2);
    float *x = points_of(BLOBS, n, 3, 3), *y = malloc((n + 3) * 3 * sizeof *y);
    memcpy(y + 6, x, n * 3 * sizeof *y);
    for (size_t j = 0; j < 3; j++) {
        y[j] = j ? 0 : NAN;
        y[3 + j] = j == 2 ? -INFINITY : 0;
        y[(n + 2) * 3 + j] = INFINITY;
    }
    cepman_matrix *a = NULL, *b = NULL;
    assert_good(ctx, cepman_matrix_copy(&a, ctx, x, n, 3, 3));
    assert_good(ctx, cepman_matrix_copy(&b, ctx, y, n + 3, 3, 3));
    cepman_hdbscan_tree *ta = tree_of(ctx, a, 5, 1), *tb = tree_of(ctx, b, 5, 1);
    ck_assert_uint_eq(cepman_hdbscan_tree_edges(tb), n - 1);
    ck_assert(isinf(cepman_hdbscan_tree_core_distances(tb)[0]));
    size_t from, to;
    assert_good(ctx, cepman_hdbscan_tree_edge(tb, 0, &from, &to, NULL));
    ck_assert(from >= 2 && to >= 2 && from < n + 2 && to < n + 2);
    cepman_hdbscan *ha = flat_of(ctx, ta, 8, NULL, NULL), *hb = flat_of(ctx, tb, 8, NULL, NULL);
    const int32_t *la = cepman_labels_data(cepman_hdbscan_labels(ha)),
                  *lb = cepman_labels_data(cepman_hdbscan_labels(hb));
    ck_assert_uint_eq(cepman_labels_clusters(cepman_hdbscan_labels(ha)), 3);
    ck_assert_mem_eq(la, lb + 2, n * sizeof *la);
    ck_assert(lb[0] == -1 && lb[1] == -1 && lb[n + 2] == -1);
    ck_assert(cepman_hdbscan_probabilities(hb)[1] == 0 && cepman_hdbscan_outlier_scores(hb)[n + 2] == 1);
    cepman_hdbscan_unref(ha);
    cepman_hdbscan_unref(hb);
    cepman_hdbscan_tree_unref(ta);
    cepman_hdbscan_tree_unref(tb);
    cepman_matrix_unref(a);
    cepman_matrix_unref(b);
    free(x);
    free(y);
    support_end(ctx);
}
END_TEST

/* Exemplars, the condensed tree and the cut, against what they say of each other. */
START_TEST(views_of_the_tree)
{
    size_t n = 700;
    cepman_context *ctx = support_begin(1);
    float *x = points_of(_i ? NORMAL : BLOBS, n, 2, 21);
    x[0] = NAN;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, 2, 2));
    cepman_hdbscan_tree *t = tree_of(ctx, m, 4, 1);
    cepman_hdbscan *h = flat_of(ctx, t, 10, "allow-single-cluster", "true");
    const int32_t *labels = cepman_labels_data(cepman_hdbscan_labels(h));
    const uint8_t *exemplars = cepman_hdbscan_exemplars(h);
    size_t clusters = cepman_hdbscan_condensed_clusters(h),
           found = cepman_labels_clusters(cepman_hdbscan_labels(h));
    ck_assert_uint_ge(clusters, found);
    size_t fell[256] = {0}, split[256] = {0}, of_label[256] = {0};
    double sum[256] = {0};
    ck_assert_uint_lt(clusters, 256);
    for (size_t i = 0; i < n; i++) {
        size_t k;
        double lambda, birth, death;
        assert_good(ctx, cepman_hdbscan_condensed_point(h, i, &k, &lambda));
        if (i == 0) {
            ck_assert(k == SIZE_MAX && lambda == 0 && !exemplars[i]);
            continue;
        }
        ck_assert_uint_lt(k, clusters);
        assert_good(ctx, cepman_hdbscan_condensed_cluster(h, k, NULL, NULL, NULL, &birth, &death, NULL));
        ck_assert(lambda >= birth && lambda <= death);
        fell[k]++;
        sum[k] += lambda - birth;
        if (exemplars[i]) {
            ck_assert(labels[i] >= 0 && lambda == death && cepman_hdbscan_outlier_scores(h)[i] == 0);
            of_label[labels[i]]++;
        }
    }
    for (size_t k = 0; k < found; k++)
        ck_assert_uint_gt(of_label[k], 0);
    size_t labelled = 0;
    for (size_t k = clusters; k-- > 0;) {
        size_t parent, size;
        int32_t label;
        double birth, death, stability, above;
        assert_good(
            ctx, cepman_hdbscan_condensed_cluster(h, k, &parent, &size, &label, &birth, &death, &stability));
        ck_assert_uint_eq(size, fell[k] + split[k]);
        ck_assert_double_eq_tol(stability, sum[k], 1e-9 * sum[k]);
        ck_assert(k == 0 ? parent == SIZE_MAX && birth == 0 && size == n - 1 : parent < k);
        labelled += label >= 0;
        if (k == 0) continue;
        assert_good(ctx, cepman_hdbscan_condensed_cluster(h, parent, NULL, NULL, NULL, &above, NULL, NULL));
        split[parent] += size;
        sum[parent] += (birth - above) * (double)size;
    }
    ck_assert_uint_eq(labelled, found);
    ck_assert_int_eq(cepman_hdbscan_condensed_cluster(h, clusters, NULL, NULL, NULL, NULL, NULL, NULL),
                     CEPMAN_ERR_RANGE);
    ck_assert_int_eq(cepman_hdbscan_condensed_point(h, n, NULL, NULL), CEPMAN_ERR_RANGE);
    /* Cut above all heights: one piece; at 0: every point alone. */
    cepman_labels *cut = NULL;
    assert_good(ctx, cepman_hdbscan_tree_cut(&cut, ctx, t, 1e30, 1));
    ck_assert(cepman_labels_clusters(cut) == 1 && cepman_labels_noise(cut) == 1);
    cepman_labels_unref(cut);
    assert_good(ctx, cepman_hdbscan_tree_cut(&cut, ctx, t, 0, 1));
    ck_assert_uint_eq(cepman_labels_clusters(cut), n - 1);
    cepman_labels_unref(cut);
    assert_fails(ctx, cepman_hdbscan_tree_cut(&cut, ctx, t, (double)NAN, 1), CEPMAN_ERR_RANGE, "distance");
    cepman_hdbscan_unref(h);
    cepman_hdbscan_tree_unref(t);
    cepman_matrix_unref(m);
    free(x);
    support_end(ctx);
}
END_TEST

/* The tree of a table of distances is the tree of the points; bad tables are named. */
START_TEST(given_distances)
{
    size_t n = 150;
    cepman_context *ctx = support_begin(1);
    float *x = points_of(_i % KINDS, n, 3, 4);
    double core[150], *w = reach_of(x, n, 3, 1, 1, core), *d = malloc(n * (n + 3) * sizeof *d);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double s = 0;
            for (size_t k = 0; k < 3; k++) {
                double e = (double)x[i * 3 + k] - (double)x[j * 3 + k];
                s += e * e;
            }
            d[i * (n + 3) + j] = sqrt(s);
        }
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, 3, 3));
    cepman_hdbscan_tree *a = tree_of(ctx, m, 5, 1), *b = NULL, *bad = NULL;
    assert_good(ctx, cepman_hdbscan_tree_build_distances(&b, ctx, d, n, n + 3, NULL));
    for (size_t e = 0; e + 1 < n; e++)
        ck_assert_double_le(fabs(weight_at(a, e) - weight_at(b, e)), 1e-14 * weight_at(a, e));
    d[7 * (n + 3) + 4] += 1e-3 + d[7 * (n + 3) + 4];
    assert_fails(ctx, cepman_hdbscan_tree_build_distances(&bad, ctx, d, n, n + 3, NULL), CEPMAN_ERR_DATA,
                 "of 7 and 4");
    d[0] = 1;
    assert_fails(ctx, cepman_hdbscan_tree_build_distances(&bad, ctx, d, n, n + 3, NULL), CEPMAN_ERR_DATA,
                 "of 0 and 0");
    d[0] = (double)NAN;
    assert_fails(ctx, cepman_hdbscan_tree_build_distances(&bad, ctx, d, n, n + 3, NULL), CEPMAN_ERR_DATA,
                 "of 0 and 0");
    assert_fails(ctx, cepman_hdbscan_tree_build_distances(&bad, ctx, d, n, n - 1, NULL), CEPMAN_ERR_RANGE,
                 "stride");
    d[0] = 0;
    for (size_t few = 0; few < 3; few++) {
        cepman_hdbscan_tree *t = NULL;
        assert_good(ctx, cepman_hdbscan_tree_build_distances(&t, ctx, d, few, n + 3, NULL));
        ck_assert_uint_eq(cepman_hdbscan_tree_edges(t), few == 2);
        cepman_hdbscan_tree_unref(t);
    }
    ck_assert_ptr_null(bad);
    cepman_status s;
    long fail = 0;
    do {
        cepman_hdbscan_tree *t = NULL;
        support_fail_at(fail++);
        s = cepman_hdbscan_tree_build_distances(&t, ctx, d, 5, n + 3, NULL);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
        cepman_hdbscan_tree_unref(t);
    } while (s);
    support_fail_at(-1);
    cepman_hdbscan_tree_unref(a);
    cepman_hdbscan_tree_unref(b);
    cepman_matrix_unref(m);
    free(d);
    free(w);
    free(x);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    static const size_t shapes[][2] = {{40, 3}, {400, 3}, {300, 12}};
    size_t n = shapes[_i][0], d = shapes[_i][1];
    cepman_context *ctx = support_begin(2);
    float *x = points_of(BLOBS, n, d, 1);
    x[d] = NAN;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
    cepman_status s;
    long fail = 0;
    do {
        cepman_hdbscan_tree *t = NULL;
        cepman_hdbscan *h = NULL;
        support_fail_at(fail++);
        s = cepman_hdbscan_tree_build(&t, ctx, m, NULL);
        if (!s) s = cepman_hdbscan_extract(&h, ctx, t, NULL);
        ck_assert(!s == (h != NULL));
        cepman_labels *cut = NULL;
        if (!s) s = cepman_hdbscan_tree_cut(&cut, ctx, t, 1, 2);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_THREAD);
        cepman_labels_unref(cut);
        cepman_hdbscan_unref(h);
        cepman_hdbscan_tree_unref(t);
    } while (s);
    support_fail_at(-1);
    ck_assert_int_gt(fail, 20);
    free(x);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static int count_down(void *user)
{
    return (*(int *)user)-- <= 0;
}

START_TEST(cancel)
{
    size_t n = _i / 2 ? 500 : 20000, d = _i / 2 ? 12 : 3;
    cepman_context *ctx = support_begin(_i % 2 ? 3 : 1);
    float *x = points_of(BLOBS, n, d, 2);
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
    for (int polls = 0; polls < 30; polls += 3) {
        int left = polls;
        cepman_hdbscan_tree *t = NULL;
        assert_good(ctx, cepman_context_set_cancel(ctx, count_down, &left));
        assert_status(ctx, cepman_hdbscan_tree_build(&t, ctx, m, NULL), CEPMAN_ERR_CANCELLED);
        ck_assert_ptr_null(t);
        assert_good(ctx, cepman_context_set_cancel(ctx, NULL, NULL));
        cepman_context_clear_cancel(ctx);
    }
    free(x);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(bad_input)
{
    cepman_context *ctx = support_begin(1);
    cepman_options *o = NULL;
    cepman_hdbscan *h = NULL;
    cepman_hdbscan_tree *t = NULL;
    assert_good(ctx, cepman_hdbscan_options_create(&o, ctx));
    assert_fails(ctx, cepman_options_set_integer(o, ctx, "min-cluster-size", 1), CEPMAN_ERR_RANGE,
                 "min-cluster-size");
    assert_fails(ctx, cepman_options_set_text(o, ctx, "selection", "best"), CEPMAN_ERR_RANGE, "eom|leaf");
    assert_status(ctx, cepman_hdbscan_extract(&h, ctx, NULL, o), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_hdbscan_tree_build(&t, ctx, NULL, NULL), CEPMAN_ERR_ARGUMENT);
    cepman_matrix *m = support_normals(ctx, 5, 2, 1);
    assert_fails(ctx, cepman_hdbscan_tree_build(&t, ctx, m, o), CEPMAN_ERR_OPTION, "hdbscan-tree");
    ck_assert_ptr_null(t);
    ck_assert_ptr_null(cepman_hdbscan_labels(NULL));
    ck_assert_uint_eq(cepman_hdbscan_tree_edges(NULL), 0);
    cepman_hdbscan_unref(NULL);
    cepman_hdbscan_tree_unref(NULL);
    cepman_matrix_unref(m);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

START_TEST(selecting_a_rank)
{
    support_random r = {8};
    for (int repeat = 0; repeat < 300; repeat++) {
        size_t n = 1 + (size_t)(support_uniform(&r) * 200), k = (size_t)(support_uniform(&r) * (double)n);
        double x[200], sorted[200];
        float y[200];
        for (size_t i = 0; i < n; i++) {
            sorted[i] = x[i] = repeat % 3 == 0   ? (double)(i % 5)
                               : repeat % 3 == 1 ? floor(9 * support_uniform(&r))
                                                 : -(double)i;
            y[i] = (float)x[i];
        }
        qsort(sorted, n, sizeof *sorted, by_value);
        ck_assert_double_eq(cep_select_f64(x, n, k), sorted[k]);
        ck_assert_double_eq((double)cep_select_f32(y, n, k), sorted[k]);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster hdbscan");
    TCase *t = tcase_create("hdbscan");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, tree_is_minimal, 0, 2 * KINDS);
    tcase_add_loop_test(t, many_features, 0, 3 * KINDS);
    tcase_add_loop_test(t, clusters_follow_the_definition, 0, KINDS);
    tcase_add_loop_test(t, both_ways_agree, 0, 5);
    tcase_add_loop_test(t, threads_and_selections_do_not_matter, 0, 3);
    tcase_add_loop_test(t, order_does_not_matter, 0, 2);
    tcase_add_test(t, odd_cases);
    tcase_add_test(t, rows_that_are_not_finite);
    tcase_add_loop_test(t, views_of_the_tree, 0, 2);
    tcase_add_loop_test(t, given_distances, 0, KINDS);
    tcase_add_loop_test(t, failing_allocations, 0, 3);
    tcase_add_loop_test(t, cancel, 0, 4);
    tcase_add_test(t, bad_input);
    tcase_add_test(t, selecting_a_rank);
    suite_add_tcase(s, t);
    return s;
}
