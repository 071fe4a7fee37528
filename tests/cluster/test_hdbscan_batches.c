/* Batches of new rows that come to one clustering: what is kept from the first to the others changes nothing. */
#include <pthread.h>

#include "hdbscan_help.h"

enum { N = 3000, D = 3, BATCHES = 6, ROWS = 40 };

typedef struct scene {
    cepman_context *ctx;
    float *x, *y;
    cepman_matrix *fitted, *new[BATCHES];
    cepman_hdbscan_tree *tree;
} scene;

static scene begin(void)
{
    scene s = {.ctx = support_begin(1), .x = points_of(BLOBS, N, D, 1), .y = points_of(BLOBS, N, D, 2)};
    s.x[5 * D] = NAN;
    s.fitted = matrix_of(s.ctx, s.x, N, D);
    for (size_t b = 0; b < BATCHES; b++)
        s.new[b] = matrix_of(s.ctx, s.y + b * ROWS * D, ROWS, D);
    s.tree = tree_of(s.ctx, s.fitted, 5, 1);
    return s;
}

static void end(scene *s)
{
    cepman_hdbscan_tree_unref(s->tree);
    for (size_t b = 0; b < BATCHES; b++)
        cepman_matrix_unref(s->new[b]);
    cepman_matrix_unref(s->fitted);
    free(s->x);
    free(s->y);
    support_end(s->ctx);
}

/* A batch under a clustering that nobody has asked before. */
static void expect(const scene *s, const cepman_matrix *fitted, size_t batch, const cepman_labels *got,
                   const double *p)
{
    cepman_hdbscan *fresh = flat_of(s->ctx, s->tree, 20, NULL, NULL);
    cepman_labels *l = NULL;
    double q[ROWS];
    assert_good(s->ctx, cepman_hdbscan_apply(&l, q, s->ctx, fresh, fitted, s->new[batch]));
    ck_assert_mem_eq(cepman_labels_data(l), cepman_labels_data(got), ROWS * sizeof(int32_t));
    ck_assert_mem_eq(p, q, sizeof q);
    cepman_labels_unref(l);
    cepman_hdbscan_unref(fresh);
}

/* The fitted matrix, a copy after the first is gone, the same rows further apart, and other numbers in a borrowed one. */
START_TEST(any_matrix_of_the_same_numbers)
{
    scene s = begin();
    cepman_hdbscan *h = flat_of(s.ctx, s.tree, 20, NULL, NULL);
    float *wide = calloc(N * (D + 2), sizeof *wide);
    for (size_t i = 0; i < N; i++)
        memcpy(wide + i * (D + 2), s.x + i * D, D * sizeof *wide);
    for (size_t b = 0; b < BATCHES; b++) {
        cepman_matrix *m = NULL;
        cepman_labels *l = NULL;
        double p[ROWS];
        if (b % 2)
            assert_good(s.ctx, cepman_matrix_wrap(&m, s.ctx, wide, N, D, D + 2, NULL, NULL));
        else
            assert_good(s.ctx, cepman_matrix_copy(&m, s.ctx, s.x, N, D, D));
        if (b == 3)
            for (size_t i = 100; i < N; i++) /* far from where they were */
                wide[i * (D + 2)] += 1;
        assert_good(s.ctx, cepman_hdbscan_apply(&l, p, s.ctx, h, m, s.new[b]));
        expect(&s, m, b, l, p);
        cepman_labels_unref(l);
        cepman_matrix_unref(m);
    }
    free(wide);
    cepman_hdbscan_unref(h);
    end(&s);
}
END_TEST

typedef struct asker {
    const scene *s;
    const cepman_hdbscan *h;
    cepman_labels *labels[BATCHES];
    double p[BATCHES][ROWS];
    cepman_status status;
} asker;

static void *ask(void *argument)
{
    asker *a = argument;
    cepman_context *ctx = NULL;
    a->status = cepman_context_create(&ctx, NULL);
    for (size_t b = 0; !a->status && b < BATCHES; b++)
        a->status = cepman_hdbscan_apply(&a->labels[b], a->p[b], ctx, a->h, a->s->fitted, a->s->new[b]);
    cepman_context_unref(ctx);
    return NULL;
}

/* Threads with contexts of their own, which end before the clustering does. */
START_TEST(threads_share_a_clustering)
{
    enum { THREADS = 4 };
    scene s = begin();
    cepman_hdbscan *h = flat_of(s.ctx, s.tree, 20, NULL, NULL);
    static asker a[THREADS];
    pthread_t threads[THREADS];
    for (size_t t = 0; t < THREADS; t++) {
        a[t] = (asker){.s = &s, .h = h};
        ck_assert_int_eq(pthread_create(&threads[t], NULL, ask, &a[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    for (size_t t = 0; t < THREADS; t++) {
        ck_assert_int_eq(a[t].status, CEPMAN_OK);
        for (size_t b = 0; b < BATCHES; b++) {
            expect(&s, s.fitted, b, a[t].labels[b], a[t].p[b]);
            cepman_labels_unref(a[t].labels[b]);
        }
    }
    cepman_hdbscan_unref(h);
    end(&s);
}
END_TEST

/* A first batch whose allocation fails leaves nothing, or the points that all batches share; after one that succeeded, later batches take less. */
START_TEST(failing_allocations)
{
    scene s = begin();
    cepman_hdbscan *h = flat_of(s.ctx, s.tree, 20, NULL, NULL);
    const size_t used = cepman_context_memory_used(s.ctx);
    size_t kept = 0;
    long needed[2] = {0, 0};
    for (int turn = 0; turn < 2; turn++)
        for (;; needed[turn]++) {
            cepman_labels *l = NULL;
            double p[ROWS];
            support_fail_at(needed[turn]);
            const cepman_status status = cepman_hdbscan_apply(&l, p, s.ctx, h, s.fitted, s.new[turn]);
            support_fail_at(-1);
            if (!status) {
                expect(&s, s.fitted, (size_t)turn, l, p);
                cepman_labels_unref(l);
                break;
            }
            assert_status(s.ctx, status, CEPMAN_ERR_MEMORY);
            ck_assert_ptr_null(l);
            const size_t now = cepman_context_memory_used(s.ctx);
            if (!kept && now != used) kept = now; /* from here on the points are there */
            ck_assert_uint_eq(now, kept ? kept : used);
        }
    ck_assert_int_lt(needed[1], needed[0] - 5);
    cepman_hdbscan_unref(h);
    ck_assert_uint_lt(cepman_context_memory_used(s.ctx), used);
    end(&s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster hdbscan batches");
    TCase *t = tcase_create("batches");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, any_matrix_of_the_same_numbers);
    tcase_add_test(t, threads_share_a_clustering);
    tcase_add_test(t, failing_allocations);
    suite_add_tcase(s, t);
    return s;
}
