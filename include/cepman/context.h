/* The context: where memory, threads, messages, progress and cancellation come from.
 *
 * One context is used by one thread at a time (cepman_context_cancel() excepted); any number of contexts may
 * live side by side. Results keep what they need of it and may outlive it. No callback may throw or longjmp. */
#ifndef CEPMAN_CONTEXT_H
#define CEPMAN_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include <cepman/export.h>
#include <cepman/status.h>

CEPMAN_BEGIN

/* Where memory, threads, messages, progress and cancellation come from: opaque, reference-counted. */
typedef struct cepman_context cepman_context;

/* Called once when a borrowed buffer is no longer used. May be called from any thread. */
typedef void (*cepman_destroy)(void *user);

/* Host allocator. Both functions may be called from several threads at once and must not throw.
 * allocate: size > 0 bytes at the alignment (a power of two, at most 64), or NULL.
 * release: what allocate gave, with the same size. */
typedef struct cepman_allocator {
    size_t struct_size; /* sizeof(cepman_allocator) */
    void *user;
    void *(*allocate)(void *user, size_t size, size_t alignment);
    void (*release)(void *user, void *pointer, size_t size);
} cepman_allocator;

/* Host executor: runs task(argument, i) for i = 0 .. count-1, each once, in any order and on any threads, and
 * returns when all are done: 0 for success. A task lasts about 50 ms at most, between runs the library reports
 * progress and polls cancel. concurrency: how many may run at a time (>= 1), asked once, when the executor is set. */
typedef struct cepman_executor {
    size_t struct_size; /* sizeof(cepman_executor) */
    void *user;
    unsigned (*concurrency)(void *user);
    int (*run)(void *user, void (*task)(void *argument, size_t index), void *argument, size_t count);
} cepman_executor;

/* A host's lock around FFTW's planner, for hosts that plan on their own. Taken inside libcepman's own lock. */
typedef struct cepman_planner_lock {
    size_t struct_size; /* sizeof(cepman_planner_lock) */
    void *user;
    void (*acquire)(void *user);
    void (*release)(void *user);
} cepman_planner_lock;

/* How much of the log is wanted: each level has those before it. */
typedef enum cepman_log_level {
    CEPMAN_LOG_NONE = 0,
    CEPMAN_LOG_WARNING = 1,
    CEPMAN_LOG_INFO = 2,
    CEPMAN_LOG_DEBUG = 3
} cepman_log_level;

/* One line without a line break. Called on the thread that called the library. */
typedef void (*cepman_log_callback)(void *user, cepman_log_level level, const char *line);
/* A stage ("cepstrum", "neighbors", ...) and how far it is: done of total, in units of the stage. Called on the
 * thread that called the library, a few times a second at most. */
typedef void (*cepman_progress_callback)(void *user, const char *stage, uint64_t done, uint64_t total);
/* Returns non-zero to cancel. Polled at least every 100 ms on the thread that called the library. */
typedef int (*cepman_cancel_callback)(void *user);

/* Makes a context. allocator: NULL for the C library's; its struct is copied.
 * Errors: CEPMAN_ERR_ARGUMENT, CEPMAN_ERR_MEMORY. */
CEPMAN_API cepman_status cepman_context_create(cepman_context **out, const cepman_allocator *allocator);
CEPMAN_API cepman_context *cepman_context_ref(cepman_context *context);
/* Gives a reference back; with the last one the context's threads end. NULL is allowed. */
CEPMAN_API void cepman_context_unref(cepman_context *context);

/* The sentence of the last failure on this context, "" when there was none. Valid until the next call. */
CEPMAN_API const char *cepman_context_error(const cepman_context *context);

/* Threads of the library's own pool: 1 (default) to 1024, or 0 for the CPUs this process may use. */
CEPMAN_API cepman_status cepman_context_set_threads(cepman_context *context, unsigned threads);
CEPMAN_API unsigned cepman_context_threads(const cepman_context *context);
/* Uses the host's executor instead of the pool; NULL goes back to the pool. The struct is copied. */
CEPMAN_API cepman_status cepman_context_set_executor(cepman_context *context,
                                                     const cepman_executor *executor);
/* A lock of the host around planning; NULL removes it. The struct is copied. */
CEPMAN_API cepman_status cepman_context_set_planner_lock(cepman_context *context,
                                                         const cepman_planner_lock *lock);

/* Messages up to `level` go to the callback; NULL (default) is silence. */
CEPMAN_API cepman_status cepman_context_set_log(cepman_context *context, cepman_log_callback callback,
                                                void *user, cepman_log_level level);
CEPMAN_API cepman_status cepman_context_set_progress(cepman_context *context,
                                                     cepman_progress_callback callback, void *user);
CEPMAN_API cepman_status cepman_context_set_cancel(cepman_context *context, cepman_cancel_callback callback,
                                                   void *user);
/* Asks the running call, or the next one, to stop with CEPMAN_ERR_CANCELLED. From any thread, and from a
 * signal handler. Stays set until cepman_context_clear_cancel(). */
CEPMAN_API void cepman_context_cancel(cepman_context *context);
CEPMAN_API void cepman_context_clear_cancel(cepman_context *context);

/* Upper bound in bytes of what the library allocates through this context and its results; 0 (default): none.
 * A call that would pass it fails with CEPMAN_ERR_LIMIT and says what it needed. What FFTW, OpenBLAS and HDF5 allocate
 * on their own is not counted. */
CEPMAN_API cepman_status cepman_context_set_memory_limit(cepman_context *context, size_t bytes);
/* Bytes in use now, and the largest value so far. */
CEPMAN_API size_t cepman_context_memory_used(const cepman_context *context);
CEPMAN_API size_t cepman_context_memory_peak(const cepman_context *context);

/* Highest instruction set used: "auto" (default), "generic", "avx2", "avx512". A level this CPU lacks is
 * CEPMAN_ERR_UNSUPPORTED. Results are the same bits for any number of threads at one level. */
CEPMAN_API cepman_status cepman_context_set_cpu_level(cepman_context *context, const char *level);
CEPMAN_API const char *cepman_context_cpu_level(const cepman_context *context);

/* ---- for libraries that are built on this one --------------------------------------------------------------------- */

/* count * size bytes from the context's allocator, aligned to 64, counted and limited as the library's own; not set to
 * anything. what: the word for the sentence, "memory" when NULL. The block is given back by cepman_context_release(), from
 * any thread and also after the context, so that this is a destroy callback for what is wrapped (cepman_matrix_wrap(), with
 * the block as its user). 0 bytes give a valid block; releasing NULL is allowed. Errors: ARGUMENT, MEMORY, LIMIT. */
CEPMAN_API cepman_status cepman_context_allocate(void **out, cepman_context *context, size_t count,
                                                 size_t size, const char *what);
CEPMAN_API void cepman_context_release(void *block);
/* Keeps a sentence (at most 999 bytes of it; NULL: the status' text) as that of the last failure, and returns the status. */
CEPMAN_API cepman_status cepman_context_fail(cepman_context *context, cepman_status status,
                                             const char *sentence);
/* Asks whether to stop, as the library's own loops do: CEPMAN_OK or CEPMAN_ERR_CANCELLED with its sentence. And tells how far
 * a stage is; calls are thinned out to ten a second. Both on the thread that uses the context. */
CEPMAN_API cepman_status cepman_context_poll(cepman_context *context);
CEPMAN_API void cepman_context_report(cepman_context *context, const char *stage, uint64_t done,
                                      uint64_t total);

CEPMAN_END

#endif
