/* Domains of scans whose answer is known: bent twins under noise, one bent crystal, disjoint parts of one domain, walls. */
#include <math.h>
#include <string.h>

#include <cepman/domains.h>
#include <cepman/pca.h>

#include "support.h"

#define ROWS 30
#define COLUMNS 48
#define COUNT (ROWS * COLUMNS)
#define FEATURES 10

enum { TWINS, STRIPES, ONE };

typedef struct scan {
    cepman_context *ctx;
    cepman_matrix *features;
    int32_t truth[COUNT];
    float share[COUNT]; /* of the domain of the truth */
} scan;

/* Part of a smooth probe on the positive side of a border. */
static double inside(double distance)
{
    return 0.5 * erfc(-distance);
}

/* Rows of nearly unit length: a direction for each domain, a tilt that grows over the scan along two more, noise in all. */
static void make(scan *s, int kind, double noise, uint64_t seed, unsigned threads)
{
    static float x[COUNT * FEATURES];
    support_random r = {seed};
    s->ctx = support_begin(threads);
    for (int i = 0; i < COUNT; i++) {
        double column = i % COLUMNS + 0.5, row = i / COLUMNS + 0.5;
        double other = kind == ONE     ? 0
                       : kind == TWINS ? inside(column - 20)
                                       : inside(column - 12) * inside(28 - column) + inside(column - 40);
        s->truth[i] = other > 0.5;
        s->share[i] = (float)(other > 0.5 ? other : 1 - other);
        for (int k = 0; k < FEATURES; k++)
            x[FEATURES * i + k] = (float)(noise * support_normal(&r));
        x[FEATURES * i] += (float)(0.4 * other);
        x[FEATURES * i + 1] -= (float)(0.4 * other);
        x[FEATURES * i + 2] += (float)(0.25 * sin(column / 16 + 0.4));
        x[FEATURES * i + 3] += (float)(0.25 * sin(row / 12));
    }
    assert_good(s->ctx, cepman_matrix_copy(&s->features, s->ctx, x, COUNT, FEATURES, FEATURES));
}

static void end(scan *s)
{
    cepman_matrix_unref(s->features);
    support_end(s->ctx);
}

/* Walls of these scans are jumps of 0.57: the features are not sharpened. */
static cepman_labels *find(scan *s)
{
    cepman_labels *l = NULL;
    cepman_options *o = NULL;
    assert_good(s->ctx, cepman_domains_options_create(&o, s->ctx));
    assert_good(s->ctx, cepman_options_set_real(o, s->ctx, "least-jump", 0.3));
    assert_good(s->ctx, cepman_domains_find(&l, s->ctx, s->features, ROWS, COLUMNS, o));
    cepman_options_unref(o);
    return l;
}

/* Every point has its domain's number; those that walls mix are left out. */
static void assert_found(const scan *s, const cepman_labels *l, size_t domains)
{
    int32_t named[2] = {-2, -2};
    ck_assert_uint_eq(cepman_labels_clusters(l), domains);
    for (int i = 0; i < COUNT; i++) {
        if (s->share[i] < 0.9f) continue;
        int32_t *name = &named[s->truth[i]];
        if (*name == -2) *name = cepman_labels_data(l)[i];
        ck_assert_int_ge(*name, 0);
        ck_assert_int_eq(cepman_labels_data(l)[i], *name);
    }
    ck_assert_int_ne(named[0], named[1]);
}

/* Noise of 0.05 in each of ten features is 0.22 between two points: more than a tilt, less than a wall. */
static const double noises[] = {0, 0.02, 0.05};

START_TEST(twins_that_bend)
{
    scan s;
    make(&s, TWINS, noises[_i % 3], (uint64_t)_i + 1, 1);
    cepman_labels *l = find(&s);
    assert_found(&s, l, 2);
    cepman_labels_unref(l);
    end(&s);
}
END_TEST

START_TEST(parts_that_do_not_touch)
{
    scan s;
    make(&s, STRIPES, noises[_i % 3], (uint64_t)_i + 1, 1);
    cepman_labels *l = find(&s);
    assert_found(&s, l, 2);
    cepman_labels_unref(l);
    end(&s);
}
END_TEST

START_TEST(one_crystal_is_one_domain)
{
    scan s;
    make(&s, ONE, noises[_i % 3], (uint64_t)_i + 1, 1);
    cepman_labels *l = find(&s);
    ck_assert_uint_eq(cepman_labels_clusters(l), 1);
    ck_assert_uint_eq(cepman_labels_noise(l), 0);
    cepman_labels_unref(l);
    end(&s);
}
END_TEST

START_TEST(mixing_is_on_walls)
{
    scan s;
    static float mixing[COUNT];
    make(&s, TWINS, 0.01, 7, 1);
    cepman_labels *l = find(&s);
    assert_good(s.ctx, cepman_domains_mixing(mixing, s.ctx, l, s.features, ROWS, COLUMNS, NULL));
    for (int i = 0; i < COUNT; i++) {
        double from_wall = fabs(i % COLUMNS + 0.5 - 20);
        ck_assert(mixing[i] >= 0 && mixing[i] <= 1);
        if (from_wall < 1) ck_assert(mixing[i] > 0.15f);
        if (from_wall > 4) ck_assert(mixing[i] < 0.15f);
    }
    cepman_labels_unref(l);
    /* Without labels there is nothing to mix. */
    static int32_t none[COUNT];
    memset(none, 0xff, sizeof none);
    l = NULL;
    assert_good(s.ctx, cepman_labels_copy(&l, s.ctx, none, COUNT));
    assert_good(s.ctx, cepman_domains_mixing(mixing, s.ctx, l, s.features, ROWS, COLUMNS, NULL));
    for (int i = 0; i < COUNT; i++)
        ck_assert(!(mixing[i] < 0) && !(mixing[i] > 0));
    cepman_labels_unref(l);
    end(&s);
}
END_TEST

/* Few frames of another kind are in no domain, and are not given to one; rows that are no numbers are noise. */
START_TEST(what_is_in_no_domain)
{
    scan s;
    make(&s, TWINS, 0.02, 3, 1);
    static float x[COUNT * FEATURES];
    for (int i = 0; i < COUNT; i++)
        memcpy(x + FEATURES * i, cepman_matrix_row(s.features, (size_t)i), FEATURES * sizeof *x);
    for (int i = 0; i < COUNT; i++)
        if (i / COLUMNS < 5 && i % COLUMNS < 5) x[FEATURES * i + 2] += 0.9f;
    x[FEATURES * (COUNT - 1)] = NAN;
    x[FEATURES * (COUNT / 2)] = INFINITY;
    cepman_matrix_unref(s.features);
    s.features = NULL;
    assert_good(s.ctx, cepman_matrix_copy(&s.features, s.ctx, x, COUNT, FEATURES, FEATURES));
    cepman_labels *l = find(&s);
    ck_assert_uint_eq(cepman_labels_clusters(l), 2);
    ck_assert_int_eq(cepman_labels_data(l)[COUNT - 1], -1);
    ck_assert_int_eq(cepman_labels_data(l)[COUNT / 2], -1);
    ck_assert_int_eq(cepman_labels_data(l)[2 * COLUMNS + 2], -1);
    ck_assert_uint_le(cepman_labels_noise(l), 30);
    cepman_labels_unref(l);
    end(&s);
}
END_TEST

START_TEST(coherence_of_scans)
{
    scan s;
    double smooth = -1, mixed = -1;
    make(&s, TWINS, 0.01, 5, 1);
    assert_good(s.ctx, cepman_domains_coherence(&smooth, s.ctx, s.features, ROWS, COLUMNS));
    ck_assert(smooth >= 0 && smooth < 0.1);
    end(&s);
    make(&s, ONE, 5, 5, 1);
    assert_good(s.ctx, cepman_domains_coherence(&mixed, s.ctx, s.features, ROWS, COLUMNS));
    ck_assert(mixed > 0.8 && mixed < 1.2);
    end(&s);
}
END_TEST

START_TEST(same_bits_for_any_threads)
{
    static int32_t labels[2][COUNT];
    static float mixing[2][COUNT];
    for (unsigned i = 0; i < 2; i++) {
        scan s;
        make(&s, STRIPES, 0.05, 11, i ? 3 : 1);
        cepman_labels *l = find(&s);
        memcpy(labels[i], cepman_labels_data(l), sizeof labels[i]);
        assert_good(s.ctx, cepman_domains_mixing(mixing[i], s.ctx, l, s.features, ROWS, COLUMNS, NULL));
        cepman_labels_unref(l);
        end(&s);
    }
    ck_assert_mem_eq(labels[0], labels[1], sizeof labels[0]);
    ck_assert_mem_eq(mixing[0], mixing[1], sizeof mixing[0]);
}
END_TEST

/* ---- sharpened features ------------------------------------------------------------------------------------------ */

#define CEPSTRUM 40

/* Cepstra of two crystals: two peaks each, and a broad part that the tilt changes more than the peaks. */
static void make_cepstra(cepman_context *ctx, cepman_matrix **cepstra, cepman_pca **pca,
                         cepman_matrix **scores)
{
    static float x[COUNT * CEPSTRUM];
    support_random r = {5};
    cepman_options *o = NULL;
    for (int i = 0; i < COUNT; i++) {
        int crystal = i % COLUMNS >= 20;
        double tilt = (double)(i / COLUMNS) / ROWS, squares = 0;
        float *row = x + CEPSTRUM * i;
        for (int k = 0; k < CEPSTRUM; k++) {
            double peak = k == 8 + 3 * crystal || k == 30 - 4 * crystal ? 4 - tilt : 0;
            row[k] = (float)(peak + 0.8 + 0.6 * tilt * sin(k / 3.0) + 0.02 * support_normal(&r));
            squares += (double)row[k] * (double)row[k];
        }
        for (int k = 0; k < CEPSTRUM; k++)
            row[k] = (float)((double)row[k] / sqrt(squares));
    }
    assert_good(ctx, cepman_matrix_copy(cepstra, ctx, x, COUNT, CEPSTRUM, CEPSTRUM));
    assert_good(ctx, cepman_pca_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "components", 4));
    assert_good(ctx, cepman_pca_fit(pca, ctx, *cepstra, o));
    assert_good(ctx, cepman_pca_apply(scores, ctx, *pca, *cepstra));
    cepman_options_unref(o);
}

static double apart(const cepman_matrix *m, int a, int b)
{
    double sum = 0;
    for (size_t k = 0; k < cepman_matrix_columns(m); k++) {
        double step = (double)cepman_matrix_row(m, (size_t)a)[k] - (double)cepman_matrix_row(m, (size_t)b)[k];
        sum += step * step;
    }
    return sqrt(sum);
}

/* Tilt over crystal: ends of one column of the scan against points of one row. */
static double ratio(const cepman_matrix *m)
{
    return apart(m, 5, (ROWS - 1) * COLUMNS + 5) / apart(m, 15 * COLUMNS + 5, 15 * COLUMNS + 40);
}

START_TEST(tilts_count_less)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *cepstra = NULL, *scores = NULL, *sharp = NULL, *plain = NULL;
    cepman_pca *pca = NULL;
    cepman_options *o = NULL;
    cepman_labels *l = NULL;
    make_cepstra(ctx, &cepstra, &pca, &scores);
    assert_good(ctx, cepman_domains_sharpen(&sharp, ctx, scores, pca, ROWS, COLUMNS, NULL));
    ck_assert_uint_eq(cepman_matrix_rows(sharp), COUNT);
    ck_assert_uint_eq(cepman_matrix_columns(sharp), 4);
    ck_assert(ratio(sharp) < 0.5 * ratio(scores));
    assert_good(ctx, cepman_domains_find(&l, ctx, sharp, ROWS, COLUMNS, NULL));
    ck_assert_uint_eq(cepman_labels_clusters(l), 2);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(cepman_labels_data(l)[i] == cepman_labels_data(l)[0], i % COLUMNS < 20);
    cepman_labels_unref(l);
    /* The first power of unsmoothed scores is the cepstra again: distances are theirs. */
    assert_good(ctx, cepman_domains_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "power", 1));
    assert_good(ctx, cepman_domains_sharpen(&plain, ctx, scores, pca, 0, 0, o));
    for (int i = 0; i < COUNT; i += 37)
        ck_assert_double_eq_tol(apart(plain, i, COUNT - 1 - i), apart(scores, i, COUNT - 1 - i), 2e-2);
    cepman_options_unref(o);
    cepman_matrix_unref(plain);
    cepman_matrix_unref(sharp);
    cepman_matrix_unref(scores);
    cepman_matrix_unref(cepstra);
    cepman_pca_unref(pca);
    support_end(ctx);
}
END_TEST

START_TEST(sharpening_odd_inputs)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *cepstra = NULL, *scores = NULL, *sharp = NULL, *few = NULL;
    cepman_pca *pca = NULL;
    static float x[6 * 4];
    make_cepstra(ctx, &cepstra, &pca, &scores);
    assert_fails(ctx, cepman_domains_sharpen(&sharp, ctx, scores, pca, ROWS, 7, NULL), CEPMAN_ERR_SHAPE,
                 "30 x 7");
    assert_fails(ctx, cepman_domains_sharpen(&sharp, ctx, cepstra, pca, ROWS, COLUMNS, NULL),
                 CEPMAN_ERR_SHAPE, "40 columns");
    assert_status(ctx, cepman_domains_sharpen(NULL, ctx, scores, pca, 0, 0, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_domains_sharpen(&sharp, ctx, NULL, pca, 0, 0, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_domains_sharpen(&sharp, ctx, scores, NULL, 0, 0, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(sharp);
    /* 0, 1 and 2 rows; all alike; rows that are no numbers stay so and change no other row. */
    for (size_t n = 0; n < 3; n++) {
        assert_good(ctx, cepman_matrix_copy(&few, ctx, x, n, 4, 4));
        assert_good(ctx, cepman_domains_sharpen(&sharp, ctx, few, pca, 0, 0, NULL));
        ck_assert_uint_eq(cepman_matrix_rows(sharp), n);
        for (size_t i = 0; i < n; i++)
            for (int k = 0; k < 4; k++)
                ck_assert_double_eq_tol(cepman_matrix_row(sharp, i)[k], 0, 1e-6);
        cepman_matrix_unref(sharp);
        cepman_matrix_unref(few);
        sharp = few = NULL;
    }
    for (int i = 0; i < 24; i++)
        x[i] = (float)(i % 5) / 10;
    x[5] = NAN;
    x[14] = INFINITY;
    assert_good(ctx, cepman_matrix_copy(&few, ctx, x, 6, 4, 4));
    assert_good(ctx, cepman_domains_sharpen(&sharp, ctx, few, pca, 2, 3, NULL));
    for (size_t i = 0; i < 6; i++)
        for (int k = 0; k < 4; k++)
            ck_assert_int_eq(isfinite(cepman_matrix_row(sharp, i)[k]) != 0, i != 1 && i != 3);
    cepman_matrix_unref(sharp);
    cepman_matrix_unref(few);
    sharp = NULL;
    long n = 0;
    for (;; n++) {
        support_fail_at(n);
        cepman_status st = cepman_domains_sharpen(&sharp, ctx, scores, pca, ROWS, COLUMNS, NULL);
        if (!st) break;
        ck_assert_int_eq(st, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(sharp);
    }
    support_fail_at(-1);
    ck_assert_int_gt(n, 10);
    cepman_matrix_unref(sharp);
    sharp = NULL;
    cepman_context_cancel(ctx);
    assert_status(ctx, cepman_domains_sharpen(&sharp, ctx, scores, pca, ROWS, COLUMNS, NULL),
                  CEPMAN_ERR_CANCELLED);
    ck_assert_ptr_null(sharp);
    cepman_matrix_unref(scores);
    cepman_matrix_unref(cepstra);
    cepman_pca_unref(pca);
    support_end(ctx);
}
END_TEST

START_TEST(sharpened_by_any_threads)
{
    static float seen[2][COUNT * 4];
    for (unsigned i = 0; i < 2; i++) {
        cepman_context *ctx = support_begin(i ? 3 : 1);
        cepman_matrix *cepstra = NULL, *scores = NULL, *sharp = NULL;
        cepman_pca *pca = NULL;
        make_cepstra(ctx, &cepstra, &pca, &scores);
        assert_good(ctx, cepman_domains_sharpen(&sharp, ctx, scores, pca, ROWS, COLUMNS, NULL));
        for (size_t j = 0; j < COUNT; j++)
            memcpy(seen[i] + 4 * j, cepman_matrix_row(sharp, j), 4 * sizeof(float));
        cepman_matrix_unref(sharp);
        cepman_matrix_unref(scores);
        cepman_matrix_unref(cepstra);
        cepman_pca_unref(pca);
        support_end(ctx);
    }
    ck_assert_mem_eq(seen[0], seen[1], sizeof seen[0]);
}
END_TEST

START_TEST(odd_inputs)
{
    cepman_context *ctx = support_begin(1);
    static float zeros[400];
    float value = NAN, mixing = 7;
    double coherence = 0;
    cepman_labels *l = NULL, *none = NULL;
    cepman_matrix *one = NULL, *empty = NULL, *same = NULL;
    assert_good(ctx, cepman_matrix_copy(&one, ctx, &value, 1, 1, 1));
    assert_good(ctx, cepman_matrix_copy(&empty, ctx, NULL, 0, 1, 1));
    assert_good(ctx, cepman_matrix_copy(&same, ctx, zeros, 400, 1, 1));
    assert_good(ctx, cepman_domains_find(&l, ctx, one, 1, 1, NULL));
    ck_assert_int_eq(cepman_labels_data(l)[0], -1);
    assert_good(ctx, cepman_domains_mixing(&mixing, ctx, l, one, 1, 1, NULL));
    ck_assert(!(mixing < 0) && !(mixing > 0));
    assert_fails(ctx, cepman_domains_mixing(&mixing, ctx, l, same, 20, 20, NULL), CEPMAN_ERR_SHAPE,
                 "1 labels");
    cepman_labels_unref(l);
    l = NULL;
    assert_good(ctx, cepman_domains_find(&none, ctx, empty, 0, 7, NULL));
    ck_assert_uint_eq(cepman_labels_count(none), 0);
    assert_good(ctx, cepman_domains_coherence(&coherence, ctx, empty, 7, 0));
    ck_assert_double_eq(coherence, 1);
    /* All alike: one domain. */
    assert_good(ctx, cepman_domains_find(&l, ctx, same, 20, 20, NULL));
    ck_assert_uint_eq(cepman_labels_clusters(l), 1);
    ck_assert_uint_eq(cepman_labels_noise(l), 0);
    cepman_labels_unref(l);
    l = NULL;
    assert_fails(ctx, cepman_domains_find(&l, ctx, same, 20, 21, NULL), CEPMAN_ERR_SHAPE, "20 x 21");
    assert_status(ctx, cepman_domains_find(&l, ctx, NULL, 1, 1, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_domains_find(NULL, ctx, one, 1, 1, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_domains_mixing(NULL, ctx, none, empty, 0, 0, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_domains_coherence(NULL, ctx, one, 1, 1), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(l);
    cepman_labels_unref(none);
    cepman_matrix_unref(one);
    cepman_matrix_unref(empty);
    cepman_matrix_unref(same);
    support_end(ctx);
}
END_TEST

START_TEST(options_and_conduct)
{
    scan s;
    make(&s, STRIPES, 0.05, 2, 3);
    cepman_options *o = NULL;
    cepman_labels *l = NULL;
    assert_good(s.ctx, cepman_domains_options_create(&o, s.ctx));
    assert_status(s.ctx, cepman_options_set_real(o, s.ctx, "piece", 0), CEPMAN_ERR_RANGE);
    /* No wall is high enough: all is one domain. */
    assert_good(s.ctx, cepman_options_set_real(o, s.ctx, "least-jump", 100));
    assert_good(s.ctx, cepman_domains_find(&l, s.ctx, s.features, ROWS, COLUMNS, o));
    ck_assert_uint_eq(cepman_labels_clusters(l), 1);
    cepman_options_unref(o);
    cepman_labels_unref(l);
    l = NULL;
    long n = 0, step = 1;
    for (;; n += step, step = 1 + n / 8) { /* the first ones in turn, the later ones by samples */
        support_fail_at(n);
        cepman_status st = cepman_domains_find(&l, s.ctx, s.features, ROWS, COLUMNS, NULL);
        if (!st) break;
        ck_assert_int_eq(st, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(l);
    }
    support_fail_at(-1);
    ck_assert_int_gt(n, 40);
    static float mixing[COUNT];
    mixing[0] = -5;
    for (n = 0;; n++) {
        support_fail_at(n);
        cepman_status st = cepman_domains_mixing(mixing, s.ctx, l, s.features, ROWS, COLUMNS, NULL);
        if (!st) break;
        ck_assert_int_eq(st, CEPMAN_ERR_MEMORY);
        ck_assert(!(mixing[0] < -5) && !(mixing[0] > -5));
    }
    support_fail_at(-1);
    ck_assert_int_gt(n, 4);
    cepman_labels *cancelled = NULL;
    cepman_context_cancel(s.ctx);
    assert_status(s.ctx, cepman_domains_find(&cancelled, s.ctx, s.features, ROWS, COLUMNS, NULL),
                  CEPMAN_ERR_CANCELLED);
    ck_assert_ptr_null(cancelled);
    cepman_labels_unref(l);
    end(&s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("domains");
    TCase *t = tcase_create("domains");
    tcase_set_timeout(t, 200);
    tcase_add_loop_test(t, twins_that_bend, 0, 6);
    tcase_add_loop_test(t, parts_that_do_not_touch, 0, 6);
    tcase_add_loop_test(t, one_crystal_is_one_domain, 0, 6);
    tcase_add_test(t, mixing_is_on_walls);
    tcase_add_test(t, what_is_in_no_domain);
    tcase_add_test(t, coherence_of_scans);
    tcase_add_test(t, same_bits_for_any_threads);
    tcase_add_test(t, tilts_count_less);
    tcase_add_test(t, sharpening_odd_inputs);
    tcase_add_test(t, sharpened_by_any_threads);
    tcase_add_test(t, odd_inputs);
    tcase_add_test(t, options_and_conduct);
    suite_add_tcase(s, t);
    return s;
}
