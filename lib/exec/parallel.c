/* Parallel loops on the pool or the host's executor: indices are handed out one by one from a counter.
 * Which worker runs an index is left open; what an index computes is not, so results never depend on threads.
 * Must not: nest, reorder results, or call back into the host from a helper. */
#include <stdatomic.h>

#include "exec.h"
#include "pool.h"

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

/* Takes and runs one index; false when the loop is over. */
static bool step(loop *l, unsigned worker)
{
    if (atomic_load_explicit(&l->stop, memory_order_relaxed)) return false;
    if (cep_cancel_requested(l->ctx)) {
        atomic_store_explicit(&l->cancelled, 1, memory_order_relaxed);
        return false;
    }
    size_t i = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed);
    if (i >= l->count) return false;
    cep_fault fault;
    fault.status = CEPMAN_OK;
    fault.text[0] = 0;
    cepman_status s = l->task(l->argument, i, worker, &fault);
    if (s) {
        fault.status = s;
        keep_fault(l, i, &fault);
    }
    atomic_fetch_add_explicit(&l->done, 1, memory_order_relaxed);
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

cepman_status cep_parallel_part(cepman_context *ctx, const char *stage, uint64_t base, uint64_t total,
                                size_t count, cep_task task, void *argument)
{
    loop l = {.ctx = ctx, .task = task, .argument = argument, .count = count, .fault_index = SIZE_MAX};
    atomic_init(&l.next, 0);
    atomic_init(&l.done, 0);
    atomic_init(&l.stop, 0);
    atomic_init(&l.cancelled, 0);
    atomic_init(&l.entered, 0);
    atomic_flag_clear(&l.fault_lock);

    cepman_status s = cep_poll(ctx);
    if (s) return s;
    if (stage) cep_progress(ctx, stage, base, total);
    const cepman_executor *executor = cep_context_executor(ctx);
    unsigned threads = cep_context_threads(ctx);
    cep_pool *pool = NULL;
    if (threads > count) threads = count ? (unsigned)count : 1;
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
        if (s) atomic_store_explicit(&l.stop, 1, memory_order_relaxed);
        while (pool && !cep_pool_wait(pool, 50)) {
            cepman_status polled = s ? s : cep_poll(ctx);
            if (polled) {
                s = polled;
                atomic_store_explicit(&l.stop, 1, memory_order_relaxed);
            }
        }
    }
    if (l.fault_index != SIZE_MAX) return cep_fail_fault(ctx, &l.fault);
    if (!s && atomic_load_explicit(&l.cancelled, memory_order_relaxed))
        s = cep_fail(ctx, CEPMAN_ERR_CANCELLED, "cancelled by the caller");
    if (!s && stage) cep_progress(ctx, stage, base + count, total);
    return s;
}

cepman_status cep_parallel(cepman_context *ctx, const char *stage, size_t count, cep_task task,
                           void *argument)
{
    return cep_parallel_part(ctx, stage, 0, count, count, task, argument);
}
