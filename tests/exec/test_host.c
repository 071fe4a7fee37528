/* Loops in a host's surroundings: its executor, its threads, its cancel and progress callbacks, short memory. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exec.h"
#include "support.h"

#define MOST 5000

typedef struct work {
    atomic_uint seen[MOST];
    atomic_uint busy[64]; /* per worker number */
    uint64_t result[MOST];
    long pause; /* nanoseconds an item takes */
    size_t bad_from;
} work;

static cepman_status item(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    work *w = argument;
    ck_assert_uint_lt(worker, 64);
    ck_assert_uint_eq(atomic_fetch_add(&w->busy[worker], 1), 0); /* never two threads under one number */
    if (w->pause) nanosleep(&(struct timespec){0, w->pause}, NULL);
    w->result[index] = cep_random64(1, 2, index);
    atomic_fetch_add(&w->seen[index], 1);
    atomic_fetch_sub(&w->busy[worker], 1);
    if (index >= w->bad_from) return cep_fault_set(fault, CEPMAN_ERR_DATA, "item %zu is bad", index);
    return CEPMAN_OK;
}

static void fresh(work *w)
{
    memset(w, 0, sizeof *w);
    w->bad_from = SIZE_MAX;
}

static void assert_each_once(const work *w, size_t count)
{
    for (size_t i = 0; i < MOST; i++)
        ck_assert_uint_eq(w->seen[i], i < count);
}

/* ---- a host with threads of its own ---------------------------------------------------------------------- */

typedef struct host {
    unsigned concurrency;
    int runs, fail_run;  /* run number fail_run fails, counted from 1 */
    size_t skip, repeat; /* tasks left out, and tasks run twice */
    bool on_caller;
} host;

typedef struct one_task {
    void (*task)(void *argument, size_t index);
    void *argument;
    size_t index;
} one_task;

static void *run_one(void *argument)
{
    one_task *t = argument;
    t->task(t->argument, t->index);
    return NULL;
}

static unsigned host_concurrency(void *user)
{
    return ((host *)user)->concurrency;
}

static int host_run(void *user, void (*task)(void *argument, size_t index), void *argument, size_t count)
{
    host *h = user;
    pthread_t threads[64];
    one_task tasks[64];
    size_t n = count - h->skip + h->repeat;
    ck_assert_uint_le(n, 64);
    h->runs++;
    for (size_t i = 0; i < n; i++) {
        tasks[i] = (one_task){task, argument, i % count};
        if (h->on_caller)
            run_one(&tasks[i]);
        else
            ck_assert_int_eq(pthread_create(&threads[i], NULL, run_one, &tasks[i]), 0);
    }
    for (size_t i = 0; i < n && !h->on_caller; i++)
        pthread_join(threads[i], NULL);
    return h->runs == h->fail_run ? 17 : 0;
}

static cepman_context *begin_on(host *h)
{
    cepman_executor e = {sizeof e, h, host_concurrency, host_run};
    cepman_context *ctx = support_begin(1);
    assert_good(ctx, cepman_context_set_executor(ctx, &e));
    return ctx;
}

START_TEST(on_host_threads)
{
    static work w;
    fresh(&w);
    host h = {.concurrency = 4};
    cepman_context *ctx = begin_on(&h);
    assert_good(ctx, cep_parallel(ctx, "test", MOST, item, &w));
    assert_each_once(&w, MOST);
    fresh(&w);
    assert_good(ctx, cep_parallel(ctx, "test", 1, item, &w)); /* one item needs no host */
    assert_each_once(&w, 1);
    fresh(&w);
    assert_good(ctx, cep_parallel(ctx, "test", 0, item, &w));
    assert_each_once(&w, 0);
    fresh(&w);
    w.bad_from = 7;
    assert_fails(ctx, cep_parallel(ctx, NULL, MOST, item, &w), CEPMAN_ERR_DATA, "item 7 is bad");
    support_end(ctx);
}
END_TEST

typedef struct watcher {
    pthread_t caller;
    int reports, polls, cancel_at;
    uint64_t last;
} watcher;

static void watch(void *user, const char *stage, uint64_t done, uint64_t total)
{
    watcher *p = user;
    ck_assert_str_eq(stage, "long");
    ck_assert(pthread_equal(p->caller, pthread_self()));
    ck_assert_uint_ge(done, p->last);
    ck_assert_uint_le(done, total);
    p->last = done;
    p->reports++;
}

static int poll_host(void *user)
{
    watcher *p = user;
    ck_assert(pthread_equal(p->caller, pthread_self()));
    return ++p->polls == p->cancel_at;
}

/* A loop of about half a second on the host's threads: the calling thread reports and polls all the same. */
START_TEST(host_loops_report_and_stop)
{
    static work w;
    host h = {.concurrency = 3, .on_caller = _i == 1};
    watcher p = {.caller = pthread_self()};
    cepman_context *ctx = begin_on(&h);
    assert_good(ctx, cepman_context_set_progress(ctx, watch, &p));
    assert_good(ctx, cepman_context_set_cancel(ctx, poll_host, &p));
    fresh(&w);
    w.pause = 3000000;
    size_t count = h.on_caller ? 150 : 450;
    assert_good(ctx, cep_parallel(ctx, "long", count, item, &w));
    assert_each_once(&w, count);
    ck_assert_int_ge(p.reports, 4);
    ck_assert_int_ge(p.polls, 4);
    ck_assert_uint_eq(p.last, count);
    /* And it ends early when asked to. */
    p = (watcher){.caller = pthread_self(), .cancel_at = 3};
    fresh(&w);
    w.pause = 3000000;
    assert_status(ctx, cep_parallel(ctx, "long", MOST, item, &w), CEPMAN_ERR_CANCELLED);
    ck_assert_int_eq(p.polls, 3);
    ck_assert_uint_eq(w.seen[MOST - 1], 0);
    support_end(ctx);
}
END_TEST

START_TEST(bad_hosts)
{
    static work w;
    host failing = {.concurrency = 2, .fail_run = 1}, lazy = {.concurrency = 4, .skip = 1},
         keen = {.concurrency = 4, .repeat = 3};
    cepman_context *ctx = begin_on(&failing);
    fresh(&w);
    assert_fails(ctx, cep_parallel(ctx, NULL, 100, item, &w), CEPMAN_ERR_CALLBACK, "executor failed");
    assert_good(ctx, cep_parallel(ctx, NULL, 0, item, &w));
    support_end(ctx);
    ctx = begin_on(&lazy);
    fresh(&w);
    assert_fails(ctx, cep_parallel(ctx, NULL, 100, item, &w), CEPMAN_ERR_CALLBACK, "ran 3 of 4 tasks");
    support_end(ctx);
    ctx = begin_on(&keen); /* a task run twice must not put two threads on one scratch */
    fresh(&w);
    w.pause = 100000;
    assert_good(ctx, cep_parallel(ctx, NULL, 100, item, &w));
    assert_each_once(&w, 100);
    support_end(ctx);
}
END_TEST

/* ---- the pool ------------------------------------------------------------------------------------------------ */

START_TEST(many_loops_and_changes_of_threads)
{
    static work w;
    static uint64_t expected[MOST];
    cepman_context *ctx = support_begin(1);
    for (size_t i = 0; i < MOST; i++)
        expected[i] = cep_random64(1, 2, i);
    for (unsigned repeat = 0; repeat < 20; repeat++) {
        assert_good(ctx, cepman_context_set_threads(ctx, 1 + repeat * 7 % 6));
        for (size_t count = repeat % 3; count < MOST; count += 1 + count * 3) {
            fresh(&w);
            assert_good(ctx, cep_parallel(ctx, "test", count, item, &w));
            assert_each_once(&w, count);
            ck_assert_int_eq(memcmp(w.result, expected, count * sizeof *expected), 0);
        }
    }
    support_end(ctx);
}
END_TEST

START_TEST(parts_of_a_stage)
{
    static work w;
    watcher p = {.caller = pthread_self()};
    cepman_context *ctx = support_begin(3);
    assert_good(ctx, cepman_context_set_progress(ctx, watch, &p));
    fresh(&w);
    assert_good(ctx, cep_parallel_part(ctx, "long", 0, 300, 100, item, &w));
    assert_good(ctx, cep_parallel_part(ctx, "long", 100, 300, 200, item, &w));
    ck_assert_uint_eq(p.last, 300);
    for (size_t i = 0; i < 200; i++)
        ck_assert_uint_eq(w.seen[i], i < 100 ? 2 : 1);
    support_end(ctx);
}
END_TEST

START_TEST(lowest_fault_wins)
{
    static work w;
    cepman_context *ctx = support_begin(4);
    for (int repeat = 0; repeat < 60; repeat++) {
        fresh(&w);
        w.bad_from = (size_t)repeat;
        char words[40];
        snprintf(words, sizeof words, "item %d is bad", repeat);
        assert_fails(ctx, cep_parallel(ctx, NULL, MOST, item, &w), CEPMAN_ERR_DATA, words);
    }
    fresh(&w);
    assert_good(ctx, cep_parallel(ctx, NULL, 100, item, &w)); /* the pool is as good as before */
    support_end(ctx);
}
END_TEST

static void *own_context(void *argument)
{
    static work shared[6];
    work *w = &shared[(size_t)argument];
    cepman_context *ctx = NULL;
    if (cepman_context_create(&ctx, NULL)) return NULL;
    bool good = cepman_context_set_threads(ctx, 3) == CEPMAN_OK;
    for (size_t i = 0; i < 20 && good; i++) {
        fresh(w);
        w->bad_from = i % 5 == 4 ? 10 : SIZE_MAX;
        cepman_status s = cep_parallel(ctx, NULL, 400, item, w);
        good = i % 5 == 4 ? s == CEPMAN_ERR_DATA && strcmp(cepman_context_error(ctx), "item 10 is bad") == 0
                          : s == CEPMAN_OK && w->seen[399] == 1;
    }
    cepman_context_unref(ctx);
    return good ? argument : NULL;
}

/* Contexts of several threads side by side, each with its own pool, sentences and results. */
START_TEST(contexts_side_by_side)
{
    pthread_t threads[6];
    for (size_t i = 1; i < 6; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, own_context, (void *)i), 0);
    for (size_t i = 1; i < 6; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        ck_assert_ptr_eq(result, (void *)i);
    }
}
END_TEST

typedef struct nested {
    atomic_uint good;
} nested;

/* A task may work with a context of its own (never with the one whose loop it is in). */
static cepman_status nested_item(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    nested *n = argument;
    cepman_context *ctx = NULL;
    (void)worker;
    (void)fault;
    work *w = calloc(1, sizeof *w);
    w->bad_from = SIZE_MAX;
    if (cepman_context_create(&ctx, NULL) == CEPMAN_OK && cepman_context_set_threads(ctx, 2) == CEPMAN_OK &&
        cep_parallel(ctx, NULL, 50 + index, item, w) == CEPMAN_OK && w->seen[49 + index] == 1)
        atomic_fetch_add(&n->good, 1);
    cepman_context_unref(ctx);
    free(w);
    return CEPMAN_OK;
}

START_TEST(contexts_inside_a_loop)
{
    nested n = {0};
    cepman_context *ctx = support_begin(3);
    assert_good(ctx, cep_parallel(ctx, NULL, 20, nested_item, &n));
    ck_assert_uint_eq(n.good, 20);
    support_end(ctx);
}
END_TEST

static void *cancel_soon(void *argument)
{
    nanosleep(&(struct timespec){0, 30000000}, NULL);
    cepman_context_cancel(argument);
    return NULL;
}

START_TEST(cancelled_from_another_thread)
{
    static work w;
    for (unsigned threads = 1; threads <= 3; threads += 2) {
        cepman_context *ctx = support_begin(threads);
        fresh(&w);
        w.pause = 1000000;
        pthread_t t;
        ck_assert_int_eq(pthread_create(&t, NULL, cancel_soon, ctx), 0);
        assert_status(ctx, cep_parallel(ctx, NULL, MOST, item, &w), CEPMAN_ERR_CANCELLED);
        pthread_join(t, NULL);
        ck_assert_uint_eq(w.seen[MOST - 1], 0);
        assert_status(ctx, cep_parallel(ctx, NULL, 0, item, &w), CEPMAN_ERR_CANCELLED);
        cepman_context_clear_cancel(ctx);
        w.pause = 0;
        assert_good(ctx, cep_parallel(ctx, NULL, 10, item, &w));
        support_end(ctx);
    }
}
END_TEST

START_TEST(no_memory_for_the_pool)
{
    static work w;
    cepman_context *ctx = support_begin(3);
    fresh(&w);
    support_fail_at(0);
    assert_status(ctx, cep_parallel(ctx, NULL, 10, item, &w), CEPMAN_ERR_MEMORY);
    ck_assert_str_ne(cepman_context_error(ctx), "");
    support_fail_at(-1);
    assert_good(ctx, cep_parallel(ctx, NULL, 10, item, &w));
    assert_each_once(&w, 10);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exec host");
    TCase *t = tcase_create("host");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, on_host_threads);
    tcase_add_loop_test(t, host_loops_report_and_stop, 0, 2);
    tcase_add_test(t, bad_hosts);
    tcase_add_test(t, many_loops_and_changes_of_threads);
    tcase_add_test(t, parts_of_a_stage);
    tcase_add_test(t, lowest_fault_wins);
    tcase_add_test(t, contexts_side_by_side);
    tcase_add_test(t, contexts_inside_a_loop);
    tcase_add_test(t, cancelled_from_another_thread);
    tcase_add_test(t, no_memory_for_the_pool);
    suite_add_tcase(s, t);
    return s;
}
