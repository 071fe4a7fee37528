/* Parallel loops: every index once, faults of the lowest index, cancel, host executors, fork. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"
#include "support.h"

typedef struct tally {
    atomic_uint *seen;
    size_t bad_from;
    cepman_context *cancel_me;
} tally;

static cepman_status count_up(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    tally *t = argument;
    ck_assert_uint_lt(worker, 64);
    atomic_fetch_add(&t->seen[index], 1);
    if (t->cancel_me && index == 10) cepman_context_cancel(t->cancel_me);
    if (index >= t->bad_from) return cep_fault_set(fault, CEPMAN_ERR_DATA, "item %zu is bad", index);
    return CEPMAN_OK;
}

START_TEST(every_index_once)
{
    static const unsigned threads[] = {1, 2, 3, 7};
    static const size_t counts[] = {0, 1, 2, 1000};
    cepman_context *ctx = support_begin(threads[_i % 4]);
    for (int repeat = 0; repeat < 20; repeat++)
        for (size_t c = 0; c < 4; c++) {
            static atomic_uint seen[1000];
            memset(seen, 0, sizeof seen);
            tally t = {seen, SIZE_MAX, NULL};
            assert_good(ctx, cep_parallel(ctx, "test", counts[c], count_up, &t));
            for (size_t i = 0; i < 1000; i++)
                ck_assert_uint_eq(seen[i], i < counts[c]);
        }
    support_end(ctx);
}
END_TEST

START_TEST(fault_reaches_the_context)
{
    static atomic_uint seen[1000];
    cepman_context *ctx = support_begin(2);
    tally t = {seen, 3, NULL};
    assert_fails(ctx, cep_parallel(ctx, NULL, 1000, count_up, &t), CEPMAN_ERR_DATA, "item 3 is bad");
    support_end(ctx);
}
END_TEST

START_TEST(cancel_stops)
{
    static atomic_uint seen[100000];
    cepman_context *ctx = support_begin(_i ? 3 : 1);
    tally t = {seen, SIZE_MAX, ctx};
    assert_status(ctx, cep_parallel(ctx, NULL, 100000, count_up, &t), CEPMAN_ERR_CANCELLED);
    cepman_context_clear_cancel(ctx);
    t.cancel_me = NULL;
    assert_good(ctx, cep_parallel(ctx, NULL, 1000, count_up, &t));
    support_end(ctx);
}
END_TEST

static unsigned host_concurrency(void *user)
{
    (void)user;
    return 4;
}

/* A host that runs tasks backwards on one thread is as good as any. */
static int host_run(void *user, void (*task)(void *argument, size_t index), void *argument, size_t count)
{
    *(size_t *)user += count;
    while (count-- > 0)
        task(argument, count);
    return 0;
}

typedef struct order {
    const size_t *starts;
    atomic_uint *seen;
    atomic_size_t done;
    cepman_context *cancel_me;
    size_t bad;
} order;

/* Everything before this item's round is done, nothing after it has begun. */
static cepman_status in_order(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    order *o = argument;
    size_t round = 0;
    ck_assert_uint_lt(worker, 64);
    while (index >= o->starts[round + 1])
        round++;
    size_t done = atomic_load(&o->done);
    if (done < o->starts[round] || done >= o->starts[round + 1])
        return cep_fault_set(fault, CEPMAN_ERR_NUMERIC, "item %zu of round %zu after %zu items", index, round,
                             done);
    if (o->cancel_me && index == 500) cepman_context_cancel(o->cancel_me);
    if (index == o->bad) return cep_fault_set(fault, CEPMAN_ERR_DATA, "item %zu is bad", index);
    atomic_fetch_add(&o->seen[index], 1);
    atomic_fetch_add(&o->done, 1);
    return CEPMAN_OK;
}

static int one_after_the_other(void *user, void (*task)(void *, size_t), void *argument, size_t count)
{
    (void)user;
    for (size_t i = count; i-- > 0;)
        task(argument, i);
    return 0;
}

static unsigned three(void *user)
{
    (void)user;
    return 3;
}

START_TEST(rounds_in_order)
{
    static const unsigned threads[] = {1, 2, 3, 7, 3};
    static atomic_uint seen[3000];
    size_t starts[301] = {0};
    for (size_t r = 0; r < 300; r++) /* empty rounds, short and long ones */
        starts[r + 1] = starts[r] + (r % 7 == 3 ? 0 : r % 5 == 0 ? 30 : r % 3);
    ck_assert_uint_le(starts[300], 3000);
    cepman_context *ctx = support_begin(threads[_i]);
    const cepman_executor host = {sizeof host, NULL, three, one_after_the_other};
    if (_i == 4) assert_good(ctx, cepman_context_set_executor(ctx, &host));
    for (int repeat = 0; repeat < 20; repeat++) {
        memset(seen, 0, sizeof seen);
        order o = {.starts = starts, .seen = seen, .bad = SIZE_MAX};
        assert_good(ctx, cep_parallel_rounds(ctx, starts, 300, in_order, &o));
        for (size_t i = 0; i < 3000; i++)
            ck_assert_uint_eq(seen[i], i < starts[300]);
    }
    order bad = {.starts = starts, .seen = seen, .bad = 123},
          stop = {.starts = starts, .seen = seen, .bad = SIZE_MAX, .cancel_me = ctx};
    assert_fails(ctx, cep_parallel_rounds(ctx, starts, 300, in_order, &bad), CEPMAN_ERR_DATA,
                 "item 123 is bad");
    memset(seen, 0, sizeof seen);
    assert_status(ctx, cep_parallel_rounds(ctx, starts, 300, in_order, &stop), CEPMAN_ERR_CANCELLED);
    ck_assert_uint_eq(seen[starts[300] - 1], 0);
    cepman_context_clear_cancel(ctx);
    assert_good(ctx, cep_parallel_rounds(ctx, starts, 0, in_order, &bad));
    if (threads[_i] > 1 && _i < 4) {
        support_fail_at(0);
        assert_status(ctx, cep_parallel_rounds(ctx, starts, 300, in_order, &bad), CEPMAN_ERR_MEMORY);
        support_fail_at(-1);
    }
    support_end(ctx);
}
END_TEST

START_TEST(host_executor)
{
    static atomic_uint seen[100];
    size_t used = 0;
    cepman_executor host = {sizeof host, &used, host_concurrency, host_run};
    cepman_context *ctx = support_begin(1);
    assert_good(ctx, cepman_context_set_executor(ctx, &host));
    ck_assert_uint_eq(cep_workers(ctx), 4);
    tally t = {seen, SIZE_MAX, NULL};
    assert_good(ctx, cep_parallel(ctx, NULL, 100, count_up, &t));
    ck_assert_uint_gt(used, 0);
    for (size_t i = 0; i < 100; i++)
        ck_assert_uint_eq(seen[i], 1);
    support_end(ctx);
}
END_TEST

START_TEST(child_after_fork)
{
    static atomic_uint seen[100];
    cepman_context *ctx = support_begin(3);
    tally t = {seen, SIZE_MAX, NULL};
    assert_good(ctx, cep_parallel(ctx, NULL, 100, count_up, &t));
    pid_t child = fork();
    if (child == 0) {
        bool good = cep_parallel(ctx, NULL, 100, count_up, &t) == CEPMAN_OK && seen[99] == 2;
        cepman_context_unref(ctx);
        _exit(good ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    support_end(ctx);
}
END_TEST

START_TEST(random_numbers)
{
    /* Moments of 200,000 draws: mean and variance of uniforms and normals, within five standard errors. */
    double u1 = 0, u2 = 0, n1 = 0, n2 = 0;
    const int n = 200000;
    for (int i = 0; i < n; i++) {
        double u = cep_random_real(7, 1, (uint64_t)i), g = cep_random_normal(7, 2, (uint64_t)i);
        ck_assert(u >= 0 && u < 1);
        u1 += u;
        u2 += u * u;
        n1 += g;
        n2 += g * g;
        ck_assert_uint_lt(cep_random_below(7, 3, (uint64_t)i, 10), 10);
    }
    ck_assert_double_eq_tol(u1 / n, 0.5, 5 * 0.2887 / 447);
    ck_assert_double_eq_tol(u2 / n, 1.0 / 3, 5 * 0.298 / 447);
    ck_assert_double_eq_tol(n1 / n, 0, 5.0 / 447);
    ck_assert_double_eq_tol(n2 / n, 1, 5 * 1.414 / 447);
    ck_assert_uint_ne(cep_random64(1, 0, 0), cep_random64(0, 1, 0));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exec");
    TCase *t = tcase_create("parallel");
    tcase_add_loop_test(t, every_index_once, 0, 4);
    tcase_add_test(t, fault_reaches_the_context);
    tcase_add_loop_test(t, cancel_stops, 0, 2);
    tcase_add_loop_test(t, rounds_in_order, 0, 5);
    tcase_add_test(t, host_executor);
    tcase_add_test(t, child_after_fork);
    tcase_add_test(t, random_numbers);
    suite_add_tcase(s, t);
    return s;
}
