/* A small pool of helper threads: one job at a time, every helper runs the job's body once.
 * Plain POSIX mutex and conditions (OpenMP hangs in a child after fork, and upsets thread checkers).
 * Must not: outlive its context, block signals of the host, or touch the context. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "pool.h"

struct cep_pool {
    cep_memory *mem;
    pid_t owner;
    pthread_mutex_t mutex;
    pthread_cond_t wake, idle;
    void (*body)(void *argument, unsigned worker);
    void *argument;
    uint64_t job;     /* counts jobs; a helper runs each once */
    unsigned running; /* helpers that have not finished the present job */
    bool stop;
    unsigned size;
    struct helper {
        cep_pool *pool;
        unsigned worker;
        pthread_t thread;
    } helpers[];
};

static void *helper_main(void *argument)
{
    struct helper *me = argument;
    cep_pool *pool = me->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->stop && pool->job == seen)
            pthread_cond_wait(&pool->wake, &pool->mutex);
        if (pool->stop) break;
        seen = pool->job;
        void (*body)(void *, unsigned) = pool->body;
        void *body_argument = pool->argument;
        pthread_mutex_unlock(&pool->mutex);
        body(body_argument, me->worker);
        pthread_mutex_lock(&pool->mutex);
        if (--pool->running == 0) pthread_cond_signal(&pool->idle);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

cep_pool *cep_pool_create(cep_memory *mem, unsigned threads, cepman_status *status)
{
    cep_pool *pool = cep_alloc_zero(mem, 1, sizeof *pool + threads * sizeof(struct helper));
    *status = CEPMAN_ERR_MEMORY;
    if (!pool) return NULL;
    pool->mem = cep_memory_ref(mem);
    pool->owner = getpid();
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->idle, &attributes);
    pthread_condattr_destroy(&attributes);
    /* The host's signals are for the host's threads. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = 0;
    for (unsigned i = 0; i < threads && error == 0; i++) {
        pool->helpers[i].pool = pool;
        pool->helpers[i].worker = i + 1;
        error = pthread_create(&pool->helpers[i].thread, NULL, helper_main, &pool->helpers[i]);
        if (error == 0) pool->size++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error) {
        cep_pool_destroy(pool);
        *status = CEPMAN_ERR_THREAD;
        return NULL;
    }
    *status = CEPMAN_OK;
    return pool;
}

void cep_pool_destroy(void *value)
{
    cep_pool *pool = value;
    cep_memory *mem = pool->mem;
    if (cep_pool_alive(pool)) {
        pthread_mutex_lock(&pool->mutex);
        pool->stop = true;
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
        for (unsigned i = 0; i < pool->size; i++)
            pthread_join(pool->helpers[i].thread, NULL);
        pthread_cond_destroy(&pool->wake);
        pthread_cond_destroy(&pool->idle);
        pthread_mutex_destroy(&pool->mutex);
    }
    cep_free(mem, pool);
    cep_memory_unref(mem);
}

void cep_pool_start(cep_pool *pool, void (*body)(void *argument, unsigned worker), void *argument)
{
    pthread_mutex_lock(&pool->mutex);
    pool->body = body;
    pool->argument = argument;
    pool->running = pool->size;
    pool->job++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

bool cep_pool_wait(cep_pool *pool, unsigned milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    until.tv_sec += milliseconds / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&pool->mutex);
    int error = 0;
    while (pool->running && error == 0)
        error = pthread_cond_timedwait(&pool->idle, &pool->mutex, &until);
    bool done = pool->running == 0;
    pthread_mutex_unlock(&pool->mutex);
    return done;
}

bool cep_pool_alive(const cep_pool *pool)
{
    return pool->owner == getpid();
}

unsigned cep_pool_size(const cep_pool *pool)
{
    return pool->size;
}
