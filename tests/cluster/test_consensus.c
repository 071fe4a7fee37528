/* Consensus on scans whose answer is known: a tilt that was torn, twins that were not, walls, stacks of odd shapes. */
#include <math.h>
#include <string.h>

#include <cepman/consensus.h>

#include "support.h"

#define ROWS 24
#define COLUMNS 40
#define COUNT (ROWS * COLUMNS)

/* A made scan: columns 0..19 one crystal whose tilt grows smoothly, columns 20..39 its twin; a little noise. */
typedef struct scan {
    cepman_context *ctx;
    cepman_matrix *features;
    int32_t fine[COUNT], coarse[COUNT];
} scan;

static void make(scan *s, unsigned threads)
{
    static float x[COUNT * 3];
    support_random r = {5};
    s->ctx = support_begin(threads);
    for (int i = 0; i < COUNT; i++) {
        int column = i % COLUMNS;
        x[3 * i] = (float)(column * 0.1 + 0.01 * support_normal(&r));
        x[3 * i + 1] = (float)((column < 20 ? 0 : 3) + 0.01 * support_normal(&r));
        x[3 * i + 2] = (float)(0.01 * support_normal(&r));
        s->fine[i] = column / 10; /* both crystals torn into two islands */
        s->coarse[i] = column / 20;
    }
    assert_good(s->ctx, cepman_matrix_copy(&s->features, s->ctx, x, COUNT, 3, 3));
}

static cepman_status run(scan *s, cepman_labels **out, const cepman_options *options)
{
    cepman_labels *fine = NULL, *coarse = NULL;
    cepman_status st = cepman_labels_copy(&fine, s->ctx, s->fine, COUNT);
    if (!st) st = cepman_labels_copy(&coarse, s->ctx, s->coarse, COUNT);
    if (!st) st = cepman_consensus_merge(out, s->ctx, fine, coarse, s->features, ROWS, COLUMNS, options);
    cepman_labels_unref(fine);
    cepman_labels_unref(coarse);
    return st;
}

static void end(scan *s)
{
    cepman_matrix_unref(s->features);
    support_end(s->ctx);
}

/* The result is expect(column) for every point. */
static void assert_columns(scan *s, const cepman_options *options, int32_t (*expect)(int column))
{
    cepman_labels *l = NULL;
    assert_good(s->ctx, run(s, &l, options));
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(cepman_labels_data(l)[i], expect(i % COLUMNS));
    cepman_labels_unref(l);
}

static int32_t halves(int column)
{
    return column / 20;
}

static int32_t quarters(int column)
{
    return column / 10;
}

START_TEST(tears_are_joined)
{
    scan s;
    make(&s, 1);
    assert_columns(&s, NULL, halves);
    end(&s);
}
END_TEST

START_TEST(walls_forbid)
{
    /* The coarse clustering is wrong and holds everything together: the wall at column 20 stays between 1 and 2. The
     * islands reach each other only through it. */
    scan s;
    make(&s, 1);
    memset(s.coarse, 0, sizeof s.coarse);
    for (int i = 0; i < COUNT; i++) /* only islands that touch may have a common home */
        if (i % COLUMNS < 10 || i % COLUMNS >= 30) s.coarse[i] = 1 + (i % COLUMNS >= 30);
    assert_columns(&s, NULL, quarters);
    cepman_options *o = NULL;
    assert_good(s.ctx, cepman_consensus_options_create(&o, s.ctx));
    assert_good(s.ctx, cepman_options_set_real(o, s.ctx, "contrast", 1000));
    cepman_labels *l = NULL;
    assert_good(s.ctx, run(&s, &l, o));
    ck_assert_uint_eq(cepman_labels_clusters(l), 3);
    cepman_labels_unref(l);
    cepman_options_unref(o);
    end(&s);
}
END_TEST

START_TEST(coarse_noise_joins_nothing)
{
    scan s;
    make(&s, 1);
    memset(s.coarse, 0xff, sizeof s.coarse);
    assert_columns(&s, NULL, quarters);
    end(&s);
}
END_TEST

START_TEST(thin_clusters_are_walls)
{
    scan s;
    make(&s, 1);
    for (int i = 0; i < COUNT; i++)
        if (i % COLUMNS == 19 || i % COLUMNS == 20) {
            s.fine[i] = 4;
            s.coarse[i] = -1;
        }
    cepman_labels *l = NULL;
    assert_good(s.ctx, run(&s, &l, NULL));
    ck_assert_uint_eq(cepman_labels_clusters(l), 2);
    ck_assert_uint_eq(cepman_labels_noise(l), 2 * ROWS);
    cepman_labels_unref(l);
    cepman_options *o = NULL;
    assert_good(s.ctx, cepman_consensus_options_create(&o, s.ctx));
    assert_good(s.ctx, cepman_options_set_real(o, s.ctx, "interior", 0));
    l = NULL;
    assert_good(s.ctx, run(&s, &l, o));
    ck_assert_uint_eq(cepman_labels_clusters(l), 3);
    ck_assert_uint_eq(cepman_labels_noise(l), 0);
    cepman_labels_unref(l);
    cepman_options_unref(o);
    end(&s);
}
END_TEST

/* Renaming the clusters of either input changes names only; noise stays; nothing is split. */
START_TEST(names_do_not_matter)
{
    scan s;
    make(&s, 1);
    support_random r = {(uint64_t)_i + 1};
    for (int i = 0; i < COUNT; i++) {
        if (support_uniform(&r) < 0.05) s.fine[i] = -1;
        if (support_uniform(&r) < 0.3) s.coarse[i] = -1;
    }
    cepman_labels *a = NULL, *b = NULL;
    assert_good(s.ctx, run(&s, &a, NULL));
    static const int32_t other[4] = {2, 0, 3, 1};
    int32_t before[COUNT];
    memcpy(before, s.fine, sizeof before);
    for (int i = 0; i < COUNT; i++) {
        if (s.fine[i] >= 0) s.fine[i] = other[s.fine[i]];
        if (s.coarse[i] >= 0) s.coarse[i] = 1 - s.coarse[i];
    }
    assert_good(s.ctx, run(&s, &b, NULL));
    const int32_t *p = cepman_labels_data(a), *q = cepman_labels_data(b);
    int32_t of_fine[4] = {-2, -2, -2, -2}, map[4] = {-2, -2, -2, -2};
    for (int i = 0; i < COUNT; i++) {
        if (before[i] < 0) {
            ck_assert_int_eq(p[i], -1);
            ck_assert_int_eq(q[i], -1);
            continue;
        }
        if (of_fine[before[i]] == -2) of_fine[before[i]] = p[i];
        ck_assert_int_eq(of_fine[before[i]], p[i]);
        if (p[i] < 0) {
            ck_assert_int_eq(q[i], -1);
            continue;
        }
        if (map[p[i]] == -2) map[p[i]] = q[i];
        ck_assert_int_eq(map[p[i]], q[i]);
    }
    cepman_labels_unref(a);
    cepman_labels_unref(b);
    end(&s);
}
END_TEST

START_TEST(odd_inputs)
{
    cepman_context *ctx = support_begin(1);
    const int32_t zero = 0;
    const float value = NAN;
    cepman_labels *one = NULL, *none = NULL, *l = NULL;
    cepman_matrix *m = NULL, *empty = NULL;
    assert_good(ctx, cepman_labels_copy(&one, ctx, &zero, 1));
    assert_good(ctx, cepman_labels_copy(&none, ctx, NULL, 0));
    assert_good(ctx, cepman_matrix_copy(&m, ctx, &value, 1, 1, 1));
    assert_good(ctx, cepman_matrix_copy(&empty, ctx, NULL, 0, 1, 1));
    assert_good(ctx, cepman_consensus_merge(&l, ctx, one, one, m, 1, 1, NULL));
    ck_assert_int_eq(cepman_labels_data(l)[0], 0);
    cepman_labels_unref(l);
    l = NULL;
    assert_good(ctx, cepman_consensus_merge(&l, ctx, none, none, empty, 0, 7, NULL));
    ck_assert_uint_eq(cepman_labels_count(l), 0);
    cepman_labels_unref(l);
    l = NULL;
    assert_fails(ctx, cepman_consensus_merge(&l, ctx, one, one, m, 2, 1, NULL), CEPMAN_ERR_SHAPE, "2 x 1");
    assert_fails(ctx, cepman_consensus_merge(&l, ctx, one, none, m, 1, 1, NULL), CEPMAN_ERR_SHAPE,
                 "0 coarse");
    assert_fails(ctx, cepman_consensus_merge(&l, ctx, one, one, empty, 1, 1, NULL), CEPMAN_ERR_SHAPE,
                 "0 rows");
    assert_status(ctx, cepman_consensus_merge(&l, ctx, NULL, one, m, 1, 1, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_consensus_merge(NULL, ctx, one, one, m, 1, 1, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(l);
    cepman_labels_unref(one);
    cepman_labels_unref(none);
    cepman_matrix_unref(m);
    cepman_matrix_unref(empty);
    support_end(ctx);
}
END_TEST

START_TEST(conduct)
{
    scan s;
    make(&s, 3);
    cepman_labels *l = NULL;
    long n = 0;
    for (;; n++) {
        support_fail_at(n);
        cepman_status st = run(&s, &l, NULL);
        if (!st) break;
        ck_assert_int_eq(st, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(l);
    }
    support_fail_at(-1);
    ck_assert_int_gt(n, 8);
    cepman_labels_unref(l);
    l = NULL;
    cepman_context_cancel(s.ctx);
    assert_status(s.ctx, run(&s, &l, NULL), CEPMAN_ERR_CANCELLED);
    ck_assert_ptr_null(l);
    end(&s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("consensus");
    TCase *t = tcase_create("consensus");
    tcase_add_test(t, tears_are_joined);
    tcase_add_test(t, walls_forbid);
    tcase_add_test(t, coarse_noise_joins_nothing);
    tcase_add_test(t, thin_clusters_are_walls);
    tcase_add_loop_test(t, names_do_not_matter, 0, 10);
    tcase_add_test(t, odd_inputs);
    tcase_add_test(t, conduct);
    suite_add_tcase(s, t);
    return s;
}
