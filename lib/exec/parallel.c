/* Parallel loops on the pool or the host's executor: indices are handed out one by one from a counter.
 * Which worker runs an index is left open; what an index computes is not, so results never depend on threads.
 * Must not: nest, reorder results, or call back into the host from a helper. */
#include <sched.h>
#include <stdatomic.h>

#include "exec.h"
#include "pool.h"

#define SPINS 2000    /* looks at a counter before a waiting worker offers its CPU to others */
#define POLL_EVERY 32 /* items of rounds between polls */

typedef struct loop {
    cepman_context *ctx;
    cep_task task;
    void *argument;
    size_t count;
    atomic_size_t next, done;
    atomic_int stop, cancelled;
    atomic_flag fault_lock;
    size_t fault_index; /* lowest failed index so far */
    cep_fault fault;
    /* For the host's executor: worker numbers given out in this slice, and when the slice ends. */
    unsigned workers;
    atomic_uint entered;
    uint64_t slice_end;
} loop;

unsigned cep_workers(const cepman_context *ctx)
{
    return cep_context_threads(ctx);
}

static void keep_fault(loop *l, size_t index, const cep_fault *fault)
{
    while (atomic_flag_test_and_set_explicit(&l->fault_lock, memory_order_acquire))
        ;
    if (index < l->fault_index) {
        l->fault_index = index;
        l->fault = *fault;
    }
    atomic_flag_clear_explicit(&l->fault_lock, memory_order_release);
    atomic_store_explicit(&l->stop, 1, memory_order_relaxed);
}

static void run_task(loop *l, size_t i, unsigned worker)
{
    cep_fault fault;
    fault.status = CEPMAN_OK;
    fault.text[0] = 0;
    cepman_status s = l->task(l->argument, i, worker, &fault);
    if (s) {
        fault.status = s;
        keep_fault(l, i, &fault);
    }
    atomic_fetch_add_explicit(&l->done, 1, memory_order_release);
}

/* True once the loop is to end early. */
static bool stopped(loop *l)
{
    if (atomic_load_explicit(&l->stop, memory_order_relaxed)) return true;
    if (!cep_cancel_requested(l->ctx)) return false;
    atomic_store_explicit(&l->cancelled, 1, memory_order_relaxed);
    atomic_store_explicit(&l->stop, 1, memory_order_relaxed);
    return true;
}

/* Takes and runs one index; false when the loop is over. */
static bool step(loop *l, unsigned worker)
{
    if (stopped(l)) return false;
    size_t i = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed);
    if (i >= l->count) return false;
    run_task(l, i, worker);
    return true;
}

static void helper_body(void *argument, unsigned worker)
{
    while (step(argument, worker))
        ;
}

/* The host's executor gets one task per worker; each takes indices until none is left or the slice is over. */
static void executor_body(void *argument, size_t index)
{
    loop *l = argument;
    (void)index;
    unsigned worker = atomic_fetch_add_explicit(&l->entered, 1, memory_order_relaxed);
    if (worker >= l->workers) return; /* a host that runs a task twice must not share a worker's scratch */
    while (step(l, worker) && cep_nanoseconds() < l->slice_end)
        ;
}

/* The calling thread is the host's while its executor runs, so the loop is cut into slices of 50 ms: between them
 * it can poll cancel and report progress. What an index computes does not depend on the cuts. */
static cepman_status run_on_host(loop *l, const cepman_executor *executor, const char *stage, uint64_t base,
                                 uint64_t total)
{
    for (;;) {
        atomic_store_explicit(&l->entered, 0, memory_order_relaxed);
        l->slice_end = cep_nanoseconds() + 50000000u;
        if (executor->run(executor->user, executor_body, l, l->workers) != 0)
            return cep_fail(l->ctx, CEPMAN_ERR_CALLBACK, "the host's executor failed");
        if (atomic_load_explicit(&l->entered, memory_order_relaxed) < l->workers)
            return cep_fail(l->ctx, CEPMAN_ERR_CALLBACK, "the host's executor ran %u of %u tasks",
                            atomic_load_explicit(&l->entered, memory_order_relaxed), l->workers);
        size_t done = atomic_load_explicit(&l->done, memory_order_relaxed);
        if (done >= l->count || atomic_load_explicit(&l->stop, memory_order_relaxed)) return CEPMAN_OK;
        if (stage) cep_progress(l->ctx, stage, base + done, total);
        cepman_status s = cep_poll(l->ctx);
        if (s || atomic_load_explicit(&l->cancelled, memory_order_relaxed)) return s;
    }
}

static cepman_status ensure_pool(cepman_context *ctx, cep_pool **out)
{
    cep_slot *slot = cep_context_pool_slot(ctx);
    if (slot->value && !cep_pool_alive(slot->value)) {
        slot->destroy(slot->value); /* the parent's threads are not ours */
        slot->value = NULL;
    }
    if (!slot->value) {
        cepman_status s;
        unsigned helpers = cep_context_threads(ctx) - 1;
        slot->value = cep_pool_create(cep_context_memory(ctx), helpers, &s);
        slot->destroy = cep_pool_destroy;
        if (!slot->value) return cep_fail(ctx, s, "cannot start %u threads", helpers);
    }
    *out = slot->value;
    return CEPMAN_OK;
}

static void begin(loop *l, cepman_context *ctx, size_t first, size_t count, cep_task task, void *argument)
{
    l->ctx = ctx;
    l->task = task;
    l->argument = argument;
    l->count = count;
    l->fault_index = SIZE_MAX;
    atomic_init(&l->next, first);
    atomic_init(&l->done, first);
    atomic_init(&l->stop, 0);
    atomic_init(&l->cancelled, 0);
    atomic_init(&l->entered, 0);
    atomic_flag_clear(&l->fault_lock);
}

/* The calling thread has nothing left to do (s), helpers may. Returns what the loop returns. */
static cepman_status end(loop *l, cep_pool *pool, cepman_status s)
{
    if (s) atomic_store_explicit(&l->stop, 1, memory_order_relaxed);
    while (pool && !cep_pool_wait(pool, 50)) {
        cepman_status polled = s ? s : cep_poll(l->ctx);
        if (polled) {
            s = polled;
            atomic_store_explicit(&l->stop, 1, memory_order_relaxed);
        }
    }
    if (l->fault_index != SIZE_MAX) return cep_fail_fault(l->ctx, &l->fault);
    if (!s && atomic_load_explicit(&l->cancelled, memory_order_relaxed))
        s = cep_fail(l->ctx, CEPMAN_ERR_CANCELLED, "cancelled by the caller");
    return s;
}

/* Items first .. count-1. */
static cepman_status run_loop(cepman_context *ctx, const char *stage, uint64_t base, uint64_t total,
                              size_t first, size_t count, cep_task task, void *argument)
{
    loop l;
    begin(&l, ctx, first, count, task, argument);
    cepman_status s = cep_poll(ctx);
    if (s) return s;
    if (stage) cep_progress(ctx, stage, base, total);
    const cepman_executor *executor = cep_context_executor(ctx);
    unsigned threads = cep_context_threads(ctx);
    cep_pool *pool = NULL;
    if (threads > count - first) threads = count > first ? (unsigned)(count - first) : 1;
    if (executor && threads > 1) {
        l.workers = threads;
        s = run_on_host(&l, executor, stage, base, total);
    } else {
        if (threads > 1) {
            s = ensure_pool(ctx, &pool);
            if (s) return s;
            cep_pool_start(pool, helper_body, &l);
        }
        while (!s && step(&l, 0)) {
            size_t done = atomic_load_explicit(&l.done, memory_order_relaxed);
            if (stage && done < count) cep_progress(ctx, stage, base + done, total);
            s = cep_poll(ctx);
        }
    }
    s = end(&l, pool, s);
    if (!s && stage) cep_progress(ctx, stage, base + count, total);
    return s;
}

cepman_status cep_parallel_part(cepman_context *ctx, const char *stage, uint64_t base, uint64_t total,
                                size_t count, cep_task task, void *argument)
{
    return run_loop(ctx, stage, base, total, 0, count, task, argument);
}

/* ---- rounds ---------------------------------------------------------------------------------------------------- */

typedef struct rounds_loop {
    loop l; /* first, so that it is a loop for the pool */
    const size_t *starts;
    size_t rounds;
    atomic_uchar *taken; /* by item */
} rounds_loop;

/* Waits until `items` are done; false when the loop ends early. */
static bool await(loop *l, size_t items)
{
    for (unsigned k = 0; atomic_load_explicit(&l->done, memory_order_acquire) < items; k++) {
        if (atomic_load_explicit(&l->stop, memory_order_relaxed)) return false;
        if (k >= SPINS) {
            sched_yield();
        } else {
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
        }
    }
    return true;
}

/* Every worker goes through every round: first the items of its own share, then what others have left. The shares
 * are the same in every round, so that what items of one place touch stays in one cache. */
static cepman_status run_rounds(rounds_loop *q, unsigned worker)
{
    const size_t workers = q->l.workers;
    size_t mine = 0;
    if (worker >= workers) return CEPMAN_OK;
    for (size_t r = 0; r < q->rounds; r++) {
        const size_t first = q->starts[r], length = q->starts[r + 1] - first;
        if (!await(&q->l, first)) return CEPMAN_OK;
        for (size_t k = 0; k < workers; k++) {
            const size_t share = (worker + k) % workers, end_of = first + length * (share + 1) / workers;
            for (size_t i = first + length * share / workers; i < end_of; i++) {
                if (atomic_load_explicit(q->taken + i, memory_order_relaxed)) continue;
                if (stopped(&q->l)) return CEPMAN_OK;
                if (atomic_exchange_explicit(q->taken + i, 1, memory_order_relaxed)) continue;
                run_task(&q->l, i, worker);
                cepman_status s = worker == 0 && ++mine % POLL_EVERY == 0 ? cep_poll(q->l.ctx) : CEPMAN_OK;
                if (s) return s;
            }
        }
    }
    return CEPMAN_OK;
}

static void rounds_body(void *argument, unsigned worker)
{
    (void)run_rounds(argument, worker); /* only the calling thread polls */
}

cepman_status cep_parallel_rounds(cepman_context *ctx, const size_t *starts, size_t rounds, cep_task task,
                                  void *argument)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t count = starts[rounds];
    const unsigned threads = cep_context_threads(ctx);
    cepman_status s = CEPMAN_OK;
    cep_pool *pool = NULL;
    if (threads == 1) return run_loop(ctx, NULL, 0, 0, 0, count, task, argument);
    if (cep_context_executor(ctx)) { /* it may run tasks one after the other, in any order */
        for (size_t r = 0; !s && r < rounds; r++)
            s = run_loop(ctx, NULL, 0, 0, starts[r], starts[r + 1], task, argument);
        return s;
    }
    s = cep_poll(ctx);
    if (!s) s = ensure_pool(ctx, &pool);
    if (s) return s;
    rounds_loop q = {.starts = starts, .rounds = rounds};
    q.taken = cep_alloc(mem, count, sizeof *q.taken);
    if (!q.taken) return cep_fail_memory(ctx, "rounds of work", count, sizeof *q.taken);
    begin(&q.l, ctx, 0, count, task, argument);
    /* Waiting in microseconds needs a CPU for everybody. */
    q.l.workers = threads < cep_cpu_count() ? threads : cep_cpu_count();
    for (size_t i = 0; i < count; i++)
        atomic_init(q.taken + i, 0);
    cep_pool_start(pool, rounds_body, &q);
    s = run_rounds(&q, 0);
    s = end(&q.l, pool, s);
    cep_free(mem, q.taken);
    return s;
}

cepman_status cep_parallel(cepman_context *ctx, const char *stage, size_t count, cep_task task,
                           void *argument)
{
    return cep_parallel_part(ctx, stage, 0, count, count, task, argument);
}
