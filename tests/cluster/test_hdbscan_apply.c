/* New rows in a fitted hierarchy and soft memberships, against plain twins and the references. */
#include <stdio.h>

#include "hdbscan_help.h"

typedef struct fit {
    cepman_context *ctx;
    float *x;
    size_t n, d, samples;
    double alpha;
    cepman_matrix *m;
    cepman_hdbscan_tree *tree;
    cepman_hdbscan *h;
} fit;

/* Row 5 is not finite when there are more than 8. */
static fit fit_of(unsigned threads, int kind, size_t n, size_t d, size_t samples, double alpha, int64_t size,
                  const char *name, const char *value)
{
    fit f = {.ctx = support_begin(threads), .n = n, .d = d, .samples = samples, .alpha = alpha};
    f.x = points_of(kind, n, d, n + d);
    if (n > 8) f.x[5 * d] = NAN;
    f.m = matrix_of(f.ctx, f.x, n, d);
    f.tree = tree_of(f.ctx, f.m, (int64_t)samples, alpha);
    f.h = flat_of(f.ctx, f.tree, size, name, value);
    return f;
}

static void drop(fit *f)
{
    cepman_hdbscan_unref(f->h);
    cepman_hdbscan_tree_unref(f->tree);
    cepman_matrix_unref(f->m);
    free(f->x);
    support_end(f->ctx);
}

/* ---- the twin ---------------------------------------------------------------------------------------------------- */

typedef struct near {
    double distance;
    size_t row;
} near;

static int by_distance(const void *a, const void *b)
{
    const near *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static double distance_of(const float *a, const float *b, size_t d)
{
    double s = 0;
    for (size_t j = 0; j < d; j++)
        s += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
    return sqrt(s);
}

static bool finite_row(const float *a, size_t d)
{
    bool good = true;
    for (size_t j = 0; j < d; j++)
        good = good && isfinite(a[j]);
    return good;
}

/* Where a row leaves the tree; SIZE_MAX when it is not finite. */
static size_t place_twin(const fit *f, const float *y, double *lambda)
{
    near *all = malloc((f->n + 1) * sizeof *all);
    size_t points = 0, k, best = 0, cluster = SIZE_MAX;
    const double *core = cepman_hdbscan_tree_core_distances(f->tree);
    double own = -1, least = (double)INFINITY, birth, until;
    *lambda = 0;
    for (size_t i = 0; i < f->n; i++)
        if (finite_row(f->x + i * f->d, f->d))
            all[points++] = (near){distance_of(y, f->x + i * f->d, f->d), i};
    if (points && finite_row(y, f->d)) {
        qsort(all, points, sizeof *all, by_distance);
        size_t samples = f->samples < points - 1 ? f->samples : points - 1;
        k = 2 * samples < points ? 2 * samples : points;
        if (k == 0) k = 1;
        own = all[samples < k ? samples : k - 1].distance;
        for (size_t i = 0; i < k; i++) {
            double w = fmax(fmax(own, core[all[i].row]), all[i].distance / f->alpha);
            if (w < least) {
                least = w;
                best = all[i].row;
            }
        }
        *lambda = least > 0 ? 1 / least : (double)INFINITY;
        assert_good(f->ctx, cepman_hdbscan_condensed_point(f->h, best, &cluster, &until));
        if (until <= *lambda) {
            *lambda = until;
        } else {
            for (;;) {
                size_t parent;
                assert_good(f->ctx, cepman_hdbscan_condensed_cluster(f->h, cluster, &parent, NULL, NULL,
                                                                     &birth, NULL, NULL));
                if (parent == SIZE_MAX || birth < *lambda) break;
                cluster = parent;
            }
        }
    }
    free(all);
    return cluster;
}

/* The selected cluster at or above `cluster`: its label and end. */
static int32_t label_above(const fit *f, size_t cluster, double *end)
{
    int32_t label = -1;
    while (cluster != SIZE_MAX && label < 0)
        assert_good(f->ctx,
                    cepman_hdbscan_condensed_cluster(f->h, cluster, &cluster, NULL, &label, NULL, end, NULL));
    return label;
}

static float *queries_of(const fit *f, size_t rows)
{
    float *y = points_of(BLOBS, rows, f->d, 77);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < f->d; j++) {
            if (i % 3 == 0 && f->n) y[i * f->d + j] = f->x[i % f->n * f->d + j] + (float)(i % 2) * 0.01f;
            if (i % 7 == 1) y[i * f->d + j] *= 1e30f;
        }
    if (rows > 4) y[4 * f->d] = INFINITY;
    return y;
}

START_TEST(follows_the_definition)
{
    static const size_t shapes[][3] = {{0, 2, 3},   {1, 2, 3},   {2, 3, 5},    {9, 1, 2},   {60, 3, 4},
                                       {70, 3, 40}, {150, 2, 5}, {200, 8, 10}, {150, 9, 6}, {90, 40, 3}};
    for (size_t c = 0; c < sizeof shapes / sizeof *shapes; c++) {
        fit f = fit_of(c % 2 ? 3 : 1, _i, shapes[c][0], shapes[c][1], shapes[c][2], c % 3 ? 1 : 1.3, 4, NULL,
                       NULL);
        size_t rows = 75;
        float *y = queries_of(&f, rows);
        cepman_matrix *m = matrix_of(f.ctx, y, rows, f.d);
        cepman_labels *l = NULL;
        double p[75];
        assert_good(f.ctx, cepman_hdbscan_apply(&l, p, f.ctx, f.h, f.m, m));
        for (size_t i = 0; i < rows; i++) {
            double lambda, end = 0;
            size_t cluster = place_twin(&f, y + i * f.d, &lambda);
            int32_t label = label_above(&f, cluster, &end);
            double want = label < 0 ? 0 : isinf(lambda) || lambda >= end ? 1 : lambda / end;
            ck_assert_msg(cepman_labels_data(l)[i] == label && fabs(p[i] - want) <= 1e-12,
                          "kind %d, %zu x %zu: row %zu is %d at %g, expected %d at %g", _i, f.n, f.d, i,
                          cepman_labels_data(l)[i], p[i], label, want);
        }
        cepman_labels_unref(l);
        cepman_matrix_unref(m);
        free(y);
        drop(&f);
    }
}
END_TEST

/* Rows of the fit come to where they are, under any selection. */
START_TEST(rows_of_the_fit_return)
{
    static const char *const how[][2] = {{NULL, NULL},
                                         {"selection", "leaf"},
                                         {"selection-epsilon", "0.4"},
                                         {"max-cluster-size", "60"},
                                         {"allow-single-cluster", "true"}};
    for (size_t c = 0; c < 5 * 3; c++) {
        size_t n = 250, d = c / 5 == 0 ? 3 : c / 5 == 1 ? 2 : 11;
        fit f = fit_of(2, _i, n, d, 2 + c % 4, 1, 6, how[c % 5][0], how[c % 5][1]);
        cepman_labels *l = NULL;
        double p[250];
        assert_good(f.ctx, cepman_hdbscan_apply(&l, p, f.ctx, f.h, f.m, f.m));
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(cepman_labels_data(l)[i], cepman_labels_data(cepman_hdbscan_labels(f.h))[i]);
            ck_assert_double_eq_tol(p[i], cepman_hdbscan_probabilities(f.h)[i], 1e-13);
        }
        cepman_labels_unref(l);
        drop(&f);
    }
}
END_TEST

/* Sums, zeros and the formula, for rows of the fit and new ones. */
START_TEST(memberships)
{
    for (size_t c = 0; c < 6; c++) {
        size_t n = c == 4 ? 3 : 160, d = c % 2 ? 3 : 10, rows = 40;
        fit f = fit_of(1 + (unsigned)c % 3, _i, n, d, 4, 1, c == 5 ? 500 : 8,
                       c == 3 ? "allow-single-cluster" : NULL, "true");
        size_t k = cepman_labels_clusters(cepman_hdbscan_labels(f.h));
        float *y = queries_of(&f, rows);
        cepman_matrix *m = matrix_of(f.ctx, y, rows, d);
        double *own = malloc((n * k + 1) * sizeof *own), *new = malloc((rows * k + 1) * sizeof *new);
        assert_good(f.ctx, cepman_hdbscan_membership(own, f.ctx, f.h, f.m, NULL));
        assert_good(f.ctx, cepman_hdbscan_membership(new, f.ctx, f.h, f.m, m));
        const int32_t *labels = cepman_labels_data(cepman_hdbscan_labels(f.h));
        const uint8_t *exemplar = cepman_hdbscan_exemplars(f.h);
        for (size_t i = 0; i < n + rows && k; i++) {
            const float *x = i < n ? f.x + i * d : y + (i - n) * d;
            const double *got = i < n ? own + i * k : new + (i - n) * k;
            double lambda, end = 0, sum = 0, want[200], total = 0, highest = -1, top = 0, zeros = 0;
            size_t cluster = 0;
            ck_assert_uint_le(k, 200);
            if (i < n)
                assert_good(f.ctx, cepman_hdbscan_condensed_point(f.h, i, &cluster, &lambda));
            else
                cluster = place_twin(&f, x, &lambda);
            if (cluster == SIZE_MAX) {
                for (size_t j = 0; j < k; j++)
                    ck_assert_double_eq(got[j], 0);
                continue;
            }
            assert_good(f.ctx,
                        cepman_hdbscan_condensed_cluster(f.h, cluster, NULL, NULL, NULL, NULL, &end, NULL));
            for (size_t j = 0; j < k; j++) {
                want[j] = (double)INFINITY;
                for (size_t e = 0; e < n; e++)
                    if (exemplar[e] && labels[e] == (int32_t)j)
                        want[j] = fmin(want[j], distance_of(x, f.x + e * d, d));
                zeros += want[j] == 0;
            }
            for (size_t q = 0; q < cepman_hdbscan_condensed_clusters(f.h); q++) {
                int32_t j;
                size_t at = q, parent = 0, above[64], depth = 0, from = cluster;
                double death, at_lambda = lambda, birth = 0;
                assert_good(f.ctx,
                            cepman_hdbscan_condensed_cluster(f.h, q, NULL, NULL, &j, NULL, &death, NULL));
                if (j < 0) continue;
                for (; at != SIZE_MAX; at = parent) {
                    ck_assert_uint_lt(depth, 64);
                    above[depth++] = at;
                    assert_good(f.ctx, cepman_hdbscan_condensed_cluster(f.h, at, &parent, NULL, NULL, NULL,
                                                                        NULL, NULL));
                }
                /* Up from the row's cluster until it meets the path of this one. */
                size_t met = depth, last = SIZE_MAX;
                for (; met == depth; from = parent) {
                    for (met = 0; met < depth && above[met] != from; met++)
                        ;
                    assert_good(f.ctx, cepman_hdbscan_condensed_cluster(f.h, from, &parent, NULL, NULL, NULL,
                                                                        NULL, NULL));
                    if (met == depth) last = from;
                }
                if (last != SIZE_MAX && met > 0) {
                    assert_good(f.ctx, cepman_hdbscan_condensed_cluster(f.h, last, NULL, NULL, NULL, &birth,
                                                                        NULL, NULL));
                    at_lambda = birth;
                }
                double ratio = isinf(end) && isinf(at_lambda) ? 1
                               : at_lambda > 0                ? fmax(1, end / at_lambda)
                                                              : (double)INFINITY;
                want[j] = (zeros > 0 ? want[j] == 0 : 1 / want[j]) * exp(exp(-ratio));
                total += want[j];
                if (at_lambda > highest) {
                    highest = at_lambda;
                    top = fmax(death, lambda);
                }
            }
            double inside = highest >= top ? 1 : highest / top;
            for (size_t j = 0; j < k; j++) {
                ck_assert_msg(fabs(got[j] - want[j] / total * inside) <= 1e-9,
                              "kind %d, case %zu: row %zu, cluster %zu is %g, expected %g", _i, c, i, j,
                              got[j], want[j] / total * inside);
                ck_assert_double_ge(got[j], 0);
                sum += got[j];
            }
            ck_assert_double_le(sum, 1 + 1e-12);
        }
        free(own);
        free(new);
        free(y);
        cepman_matrix_unref(m);
        drop(&f);
    }
}
END_TEST

START_TEST(threads_and_levels_do_not_matter)
{
    size_t n = 3000, d = _i ? 12 : 3;
    fit f = fit_of(1, BLOBS, n, d, 5, 1, 20, NULL, NULL);
    size_t k = cepman_labels_clusters(cepman_hdbscan_labels(f.h));
    float *y = queries_of(&f, n);
    cepman_matrix *m = matrix_of(f.ctx, y, n, d);
    double *p[3], *soft[3];
    cepman_labels *l[3] = {NULL, NULL, NULL};
    ck_assert_uint_gt(k, 1);
    for (int turn = 0; turn < 3; turn++) {
        p[turn] = malloc(n * sizeof(double));
        soft[turn] = malloc(n * k * sizeof(double));
        if (turn == 1) assert_good(f.ctx, cepman_context_set_threads(f.ctx, 3));
        if (turn == 2) assert_good(f.ctx, cepman_context_set_cpu_level(f.ctx, "generic"));
        assert_good(f.ctx, cepman_hdbscan_apply(&l[turn], p[turn], f.ctx, f.h, f.m, m));
        assert_good(f.ctx, cepman_hdbscan_membership(soft[turn], f.ctx, f.h, f.m, m));
        ck_assert_mem_eq(cepman_labels_data(l[0]), cepman_labels_data(l[turn]), n * sizeof(int32_t));
        ck_assert_mem_eq(p[0], p[turn], n * sizeof(double));
        ck_assert_mem_eq(soft[0], soft[turn], n * k * sizeof(double));
    }
    for (int turn = 0; turn < 3; turn++) {
        free(p[turn]);
        free(soft[turn]);
        cepman_labels_unref(l[turn]);
    }
    free(y);
    cepman_matrix_unref(m);
    drop(&f);
}
END_TEST

START_TEST(failures)
{
    size_t d = _i ? 12 : 3, n = 400;
    fit f = fit_of(2, BLOBS, n, d, 4, 1, 10, NULL, NULL);
    size_t k = cepman_labels_clusters(cepman_hdbscan_labels(f.h));
    cepman_matrix *m = support_normals(f.ctx, 100, d, 3), *wide = support_normals(f.ctx, 100, d + 1, 3);
    cepman_matrix *other = support_normals(f.ctx, n, d, 4);
    cepman_labels *l = NULL;
    double *out = malloc(100 * (k + 1) * sizeof *out);
    for (size_t i = 0; i < 100 * (k + 1); i++)
        out[i] = 7;
    assert_status(f.ctx, cepman_hdbscan_apply(NULL, NULL, f.ctx, f.h, f.m, m), CEPMAN_ERR_ARGUMENT);
    assert_status(f.ctx, cepman_hdbscan_apply(&l, NULL, f.ctx, f.h, f.m, NULL), CEPMAN_ERR_ARGUMENT);
    assert_fails(f.ctx, cepman_hdbscan_apply(&l, NULL, f.ctx, f.h, m, m), CEPMAN_ERR_SHAPE, "100 rows");
    assert_fails(f.ctx, cepman_hdbscan_apply(&l, NULL, f.ctx, f.h, f.m, wide), CEPMAN_ERR_SHAPE, "columns");
    assert_fails(f.ctx, cepman_hdbscan_apply(&l, out, f.ctx, f.h, other, m), CEPMAN_ERR_DATA, "finite");
    assert_status(f.ctx, cepman_hdbscan_membership(NULL, f.ctx, f.h, f.m, m), CEPMAN_ERR_ARGUMENT);
    assert_fails(f.ctx, cepman_hdbscan_membership(out, f.ctx, f.h, f.m, wide), CEPMAN_ERR_SHAPE, "columns");
    cepman_context_cancel(f.ctx);
    assert_status(f.ctx, cepman_hdbscan_apply(&l, out, f.ctx, f.h, f.m, m), CEPMAN_ERR_CANCELLED);
    assert_status(f.ctx, cepman_hdbscan_membership(out, f.ctx, f.h, f.m, m), CEPMAN_ERR_CANCELLED);
    cepman_context_clear_cancel(f.ctx);
    ck_assert(l == NULL && out[0] == 7);
    cepman_status s;
    long fail = 0;
    do {
        support_fail_at(fail++);
        s = cepman_hdbscan_membership(out, f.ctx, f.h, f.m, m);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_THREAD);
        if (s) ck_assert_double_eq(out[0], 7);
    } while (s);
    ck_assert_int_gt(fail, 10);
    for (size_t i = 0; i < 100; i++)
        out[i] = 7;
    fail = 0;
    do {
        support_fail_at(fail++);
        s = cepman_hdbscan_apply(&l, out, f.ctx, f.h, f.m, m);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_THREAD);
        ck_assert(s == CEPMAN_OK || (l == NULL && out[0] == 7));
    } while (s);
    support_fail_at(-1);
    cepman_labels_unref(l);
    free(out);
    cepman_matrix_unref(other);
    cepman_matrix_unref(wide);
    cepman_matrix_unref(m);
    drop(&f);
}
END_TEST

/* ---- references -------------------------------------------------------------------------------------------------- */

static const char *reference(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "oracle/%s.npy", name);
    return support_oracle(path);
}

static cepman_matrix *load(cepman_context *ctx, const char *name)
{
    cepman_matrix *m = NULL;
    const char *path = reference(name);
    ck_assert_ptr_nonnull(path);
    assert_good(ctx, cepman_matrix_load(&m, ctx, path));
    return m;
}

static cepman_labels *load_labels(cepman_context *ctx, const char *name)
{
    cepman_labels *l = NULL;
    const char *path = reference(name);
    ck_assert_ptr_nonnull(path);
    assert_good(ctx, cepman_labels_load(&l, ctx, path));
    return l;
}

/* ours[i]: label of theirs that most points of label i have. */
static void match(const cepman_labels *ours, const cepman_labels *theirs, int32_t *to)
{
    for (size_t k = 0; k < cepman_labels_clusters(ours); k++) {
        size_t votes[64] = {0};
        to[k] = 0;
        for (size_t i = 0; i < cepman_labels_count(ours); i++)
            if (cepman_labels_data(ours)[i] == (int32_t)k && cepman_labels_data(theirs)[i] >= 0)
                votes[cepman_labels_data(theirs)[i]]++;
        for (int32_t j = 0; j < 64; j++)
            if (votes[j] > votes[to[k]]) to[k] = j;
    }
}

/* The reference's labels for 500 new points. Its probabilities are 1 / distance alone; ours are no larger, since a point
 * cannot stay longer than the one it holds on to, and the same otherwise. */
START_TEST(predictions)
{
    if (!reference("H03_blobs5k_ms10__new")) return;
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = load(ctx, "blobs3d_5k"), *y = load(ctx, "H03_blobs5k_ms10__new"),
                  *p = load(ctx, "H03_blobs5k_ms10__pred_prob");
    cepman_labels *want = load_labels(ctx, "H03_blobs5k_ms10__pred_labels"), *got = NULL,
                  *fitted = load_labels(ctx, "H03_blobs5k_ms10__ref_labels");
    cepman_hdbscan_tree *t = tree_of(ctx, x, 10, 1);
    cepman_hdbscan *h = flat_of(ctx, t, 50, NULL, NULL);
    double ours[500];
    int32_t to[64];
    size_t same = 0;
    ck_assert_uint_eq(cepman_matrix_rows(y), 500);
    assert_good(ctx, cepman_hdbscan_apply(&got, ours, ctx, h, x, y));
    match(cepman_hdbscan_labels(h), fitted, to);
    for (size_t i = 0; i < 500; i++) {
        int32_t l = cepman_labels_data(got)[i];
        double theirs = (double)*cepman_matrix_row(p, i);
        ck_assert_int_eq(l < 0 ? -1 : to[l], cepman_labels_data(want)[i]);
        ck_assert_double_le(ours[i], theirs + 1e-6);
        same += fabs(ours[i] - theirs) < 1e-6;
    }
    ck_assert_uint_ge(same, 450);
    cepman_hdbscan_unref(h);
    cepman_hdbscan_tree_unref(t);
    cepman_labels_unref(want);
    cepman_labels_unref(got);
    cepman_labels_unref(fitted);
    cepman_matrix_unref(x);
    cepman_matrix_unref(y);
    cepman_matrix_unref(p);
    support_end(ctx);
}
END_TEST

/* The reference's soft memberships, but for a few points that leave a leaf at a tie. */
START_TEST(soft_references)
{
    static const struct {
        const char *input, *soft, *labels;
        int samples, size;
    } cases[] = {{"blobs3d_2k", "H01_blobs2k_ms5__soft", "H01_blobs2k_ms5__ref_labels", 5, 20},
                 {"moons_circles_2d", "H06_moons__soft", "H06_moons__ref_labels", 5, 25}};
    if (!reference(cases[_i].input)) return;
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = load(ctx, cases[_i].input), *want = load(ctx, cases[_i].soft);
    cepman_labels *fitted = load_labels(ctx, cases[_i].labels);
    cepman_hdbscan_tree *t = tree_of(ctx, x, cases[_i].samples, 1);
    cepman_hdbscan *h = flat_of(ctx, t, cases[_i].size, NULL, NULL);
    size_t n = cepman_matrix_rows(x), k = cepman_labels_clusters(cepman_hdbscan_labels(h)), other = 0;
    int32_t to[64];
    double *soft = malloc(n * k * sizeof *soft);
    assert_good(ctx, cepman_hdbscan_membership(soft, ctx, h, x, NULL));
    match(cepman_hdbscan_labels(h), fitted, to);
    for (size_t i = 0; i < n; i++) {
        double worst = 0;
        for (size_t j = 0; j < k; j++)
            worst = fmax(worst, fabs(soft[i * k + j] - (double)cepman_matrix_row(want, i)[to[j]]));
        ck_assert_double_le(worst, 0.1);
        other += worst > 1e-6;
    }
    ck_assert_uint_le(other, n / 80);
    free(soft);
    cepman_hdbscan_unref(h);
    cepman_hdbscan_tree_unref(t);
    cepman_labels_unref(fitted);
    cepman_matrix_unref(x);
    cepman_matrix_unref(want);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster hdbscan apply");
    TCase *t = tcase_create("apply");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, follows_the_definition, 0, KINDS);
    tcase_add_loop_test(t, rows_of_the_fit_return, 0, KINDS);
    tcase_add_loop_test(t, memberships, 0, KINDS);
    tcase_add_loop_test(t, threads_and_levels_do_not_matter, 0, 2);
    tcase_add_loop_test(t, failures, 0, 2);
    tcase_add_test(t, predictions);
    tcase_add_loop_test(t, soft_references, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
