/* The context: allocator, threads, messages, progress, cancellation, error text.
 * After the README of libabc: no global state, silent by default, negative errors.
 * Must not: be touched by workers, except for the cancel flag and the memory object. */
#define _GNU_SOURCE /* sched_getaffinity, CPU_COUNT */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "internal.h"

struct cepman_context {
    cep_refs refs;
    cep_memory *memory;
    unsigned threads;
    cepman_executor executor;
    bool has_executor;
    unsigned concurrency; /* of the executor, asked once: scratch is sized by it */
    cepman_planner_lock planner_lock;
    bool has_planner_lock;
    cepman_log_callback log;
    void *log_user;
    cepman_log_level log_level;
    cepman_progress_callback progress;
    void *progress_user;
    uint64_t progress_time; /* nanoseconds of the last report */
    cepman_cancel_callback cancel;
    void *cancel_user;
    atomic_int cancelled;
    cep_cpu_level cpu;
    cep_slot pool;
    cep_fault fault;
};

uint64_t cep_nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void cep_take_table(void *ours, size_t size, const void *given, size_t given_size)
{
    const size_t n = size < given_size ? size : given_size;
    memcpy(ours, given, n);
    memset((char *)ours + n, 0, size - n);
}

cepman_status cepman_context_create(cepman_context **out, const cepman_allocator *allocator)
{
    if (!out) return CEPMAN_ERR_ARGUMENT;
    if (allocator && (allocator->struct_size < CEP_SIZE_TO(cepman_allocator, release) ||
                      !allocator->allocate || !allocator->release))
        return CEPMAN_ERR_ARGUMENT;
    cep_memory *mem = cep_memory_create(allocator);
    if (!mem) return CEPMAN_ERR_MEMORY;
    cepman_context *ctx = cep_alloc_zero(mem, 1, sizeof *ctx);
    if (!ctx) {
        cep_memory_unref(mem);
        return CEPMAN_ERR_MEMORY;
    }
    cep_refs_init(&ctx->refs);
    ctx->memory = mem;
    ctx->threads = 1;
    ctx->cpu = cep_cpu_detect();
    atomic_init(&ctx->cancelled, 0);
    *out = ctx;
    return CEPMAN_OK;
}

cepman_context *cepman_context_ref(cepman_context *ctx)
{
    if (ctx) cep_refs_get(&ctx->refs);
    return ctx;
}

static void drop_pool(cepman_context *ctx)
{
    if (ctx->pool.value) ctx->pool.destroy(ctx->pool.value);
    ctx->pool.value = NULL;
}

void cepman_context_unref(cepman_context *ctx)
{
    if (!ctx || !cep_refs_put(&ctx->refs)) return;
    drop_pool(ctx);
    cep_memory *mem = ctx->memory;
    cep_free(mem, ctx);
    cep_memory_unref(mem);
}

const char *cepman_context_error(const cepman_context *ctx)
{
    return ctx ? ctx->fault.text : "the context is NULL";
}

cepman_status cep_enter(cepman_context *ctx)
{
    if (!ctx) return CEPMAN_ERR_ARGUMENT;
    ctx->fault.status = CEPMAN_OK;
    ctx->fault.text[0] = 0;
    return CEPMAN_OK;
}

cepman_status cep_fail(cepman_context *ctx, cepman_status status, const char *format, ...)
{
    if (ctx) {
        /* By way of a copy: the old sentence may be among the arguments. */
        char text[sizeof ctx->fault.text];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        ctx->fault.status = status;
        memcpy(ctx->fault.text, text, sizeof text);
    }
    return status;
}

cepman_status cep_fail_fault(cepman_context *ctx, const cep_fault *fault)
{
    if (ctx && fault != &ctx->fault) ctx->fault = *fault;
    return fault->status;
}

cepman_status cep_fail_memory(cepman_context *ctx, const char *what, size_t count, size_t size)
{
    return cep_fault_memory(&ctx->fault, ctx->memory, what, count, size);
}

/* ---- settings ------------------------------------------------------------------------------------------- */

unsigned cep_cpu_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > 1024 ? 1024 : (unsigned)n;
}

cepman_status cepman_context_set_threads(cepman_context *ctx, unsigned threads)
{
    if (cep_enter(ctx)) return CEPMAN_ERR_ARGUMENT;
    CEP_REQUIRE(ctx, threads <= 1024, CEPMAN_ERR_RANGE, "threads is %u, must be 0 to 1024", threads);
    if (threads == 0) threads = cep_cpu_count();
    if (threads != ctx->threads) drop_pool(ctx);
    ctx->threads = threads;
    return CEPMAN_OK;
}

unsigned cepman_context_threads(const cepman_context *ctx)
{
    return ctx ? cep_context_threads(ctx) : 0;
}

unsigned cep_context_threads(const cepman_context *ctx)
{
    return ctx->has_executor ? ctx->concurrency : ctx->threads;
}

cepman_status cepman_context_set_executor(cepman_context *ctx, const cepman_executor *executor)
{
    if (cep_enter(ctx)) return CEPMAN_ERR_ARGUMENT;
    if (executor) {
        CEP_REQUIRE(ctx,
                    executor->struct_size >= CEP_SIZE_TO(cepman_executor, run) && executor->run &&
                        executor->concurrency,
                    CEPMAN_ERR_ARGUMENT, "executor: struct_size, run and concurrency must be set");
        unsigned n = executor->concurrency(executor->user);
        CEP_REQUIRE(ctx, n >= 1, CEPMAN_ERR_CALLBACK, "executor: its concurrency is 0, must be at least 1");
        ctx->concurrency = n > 1024 ? 1024 : n;
        CEP_TAKE_TABLE(&ctx->executor, executor);
        drop_pool(ctx);
    }
    ctx->has_executor = executor != NULL;
    return CEPMAN_OK;
}

cepman_status cepman_context_set_planner_lock(cepman_context *ctx, const cepman_planner_lock *lock)
{
    if (cep_enter(ctx)) return CEPMAN_ERR_ARGUMENT;
    if (lock) {
        CEP_REQUIRE(ctx,
                    lock->struct_size >= CEP_SIZE_TO(cepman_planner_lock, release) && lock->acquire &&
                        lock->release,
                    CEPMAN_ERR_ARGUMENT, "planner lock: struct_size, acquire and release must be set");
        CEP_TAKE_TABLE(&ctx->planner_lock, lock);
    }
    ctx->has_planner_lock = lock != NULL;
    return CEPMAN_OK;
}

cepman_status cepman_context_set_log(cepman_context *ctx, cepman_log_callback callback, void *user,
                                     cepman_log_level level)
{
    if (cep_enter(ctx)) return CEPMAN_ERR_ARGUMENT;
    CEP_REQUIRE(ctx, level >= CEPMAN_LOG_NONE && level <= CEPMAN_LOG_DEBUG, CEPMAN_ERR_RANGE,
                "log level is %d, must be 0 to 3", (int)level);
    ctx->log = callback;
    ctx->log_user = user;
    ctx->log_level = level;
    return CEPMAN_OK;
}

cepman_status cepman_context_set_progress(cepman_context *ctx, cepman_progress_callback callback, void *user)
{
    if (cep_enter(ctx)) return CEPMAN_ERR_ARGUMENT;
    ctx->progress = callback;
    ctx->progress_user = user;
    return CEPMAN_OK;
}

cepman_status cepman_context_set_cancel(cepman_context *ctx, cepman_cancel_callback callback, void *user)
{
    if (cep_enter(ctx)) return CEPMAN_ERR_ARGUMENT;
    ctx->cancel = callback;
    ctx->cancel_user = user;
    return CEPMAN_OK;
}

void cepman_context_cancel(cepman_context *ctx)
{
    if (ctx) atomic_store_explicit(&ctx->cancelled, 1, memory_order_relaxed);
}

void cepman_context_clear_cancel(cepman_context *ctx)
{
    if (ctx) atomic_store_explicit(&ctx->cancelled, 0, memory_order_relaxed);
}

cepman_status cepman_context_set_memory_limit(cepman_context *ctx, size_t bytes)
{
    if (cep_enter(ctx)) return CEPMAN_ERR_ARGUMENT;
    cep_memory_set_limit(ctx->memory, bytes);
    return CEPMAN_OK;
}

size_t cepman_context_memory_used(const cepman_context *ctx)
{
    return ctx ? cep_memory_used(ctx->memory) : 0;
}

size_t cepman_context_memory_peak(const cepman_context *ctx)
{
    return ctx ? cep_memory_peak(ctx->memory) : 0;
}

static const char *const cpu_names[] = {"generic", "avx2", "avx512"};

cepman_status cepman_context_set_cpu_level(cepman_context *ctx, const char *level)
{
    if (cep_enter(ctx)) return CEPMAN_ERR_ARGUMENT;
    CEP_REQUIRE(ctx, level, CEPMAN_ERR_ARGUMENT, "cpu level is NULL");
    cep_cpu_level have = cep_cpu_detect();
    if (strcmp(level, "auto") == 0) {
        ctx->cpu = have;
        return CEPMAN_OK;
    }
    for (int i = 0; i < 3; i++)
        if (strcmp(level, cpu_names[i]) == 0) {
            CEP_REQUIRE(ctx, i <= (int)have, CEPMAN_ERR_UNSUPPORTED, "this machine has no %s, only %s", level,
                        cpu_names[have]);
            ctx->cpu = (cep_cpu_level)i;
            return CEPMAN_OK;
        }
    return cep_fail(ctx, CEPMAN_ERR_RANGE, "cpu level is '%s', must be auto, generic, avx2 or avx512", level);
}

const char *cepman_context_cpu_level(const cepman_context *ctx)
{
    return ctx ? cpu_names[ctx->cpu] : "";
}

/* ---- for the rooms above ---------------------------------------------------------------------------------- */

cep_memory *cep_context_memory(const cepman_context *ctx)
{
    return ctx->memory;
}

const cepman_executor *cep_context_executor(const cepman_context *ctx)
{
    return ctx->has_executor ? &ctx->executor : NULL;
}

const cepman_planner_lock *cep_context_planner_lock(const cepman_context *ctx)
{
    return ctx->has_planner_lock ? &ctx->planner_lock : NULL;
}

cep_slot *cep_context_pool_slot(cepman_context *ctx)
{
    return &ctx->pool;
}

cep_cpu_level cep_context_cpu(const cepman_context *ctx)
{
    return ctx->cpu;
}

void cep_log(cepman_context *ctx, cepman_log_level level, const char *format, ...)
{
    if (!ctx->log || level > ctx->log_level) return;
    char line[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ctx->log(ctx->log_user, level, line);
}

void cep_progress(cepman_context *ctx, const char *stage, uint64_t done, uint64_t total)
{
    if (!ctx->progress) return;
    uint64_t now = cep_nanoseconds();
    if (done != 0 && done != total && now - ctx->progress_time < 100000000u) return;
    ctx->progress_time = now;
    ctx->progress(ctx->progress_user, stage, done, total);
}

bool cep_cancel_requested(const cepman_context *ctx)
{
    return atomic_load_explicit(&((cepman_context *)ctx)->cancelled, memory_order_relaxed) != 0;
}

cepman_status cep_poll(cepman_context *ctx)
{
    if (cep_cancel_requested(ctx) || (ctx->cancel && ctx->cancel(ctx->cancel_user)))
        return cep_fail(ctx, CEPMAN_ERR_CANCELLED, "cancelled by the caller");
    return CEPMAN_OK;
}
