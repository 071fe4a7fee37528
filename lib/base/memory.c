/* The allocator behind every byte of the library: the host's or the C library's, counted and limited.
 * Each block carries its size in a header of one alignment unit, so that accounting needs no help from callers.
 * Must not: be bypassed; nothing else in lib/ calls malloc. */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* madvise */
#endif
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base.h"
#include "internal.h"

struct cep_memory {
    cep_refs refs;
    cepman_allocator host;
    atomic_size_t used, peak, limit;
    atomic_bool refused; /* the last allocation that failed did so for the limit */
};

/* Large blocks ask for large pages: writing a matrix of features for the first time is a sixth quicker, and threads that
 * do so wait for each other less. Where the system has none, or is told not to, nothing changes. */
#define LARGE ((size_t)4 << 20)
#define LARGE_PAGE ((size_t)2 << 20)

static void *default_allocate(void *user, size_t size, size_t alignment)
{
    (void)user;
    void *p = NULL;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (size >= LARGE && posix_memalign(&p, LARGE_PAGE, size) == 0) {
        madvise(p, size / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
        return p;
    }
#endif
    return posix_memalign(&p, alignment, size) == 0 ? p : NULL;
}

static void default_release(void *user, void *pointer, size_t size)
{
    (void)user;
    (void)size;
    free(pointer);
}

cep_memory *cep_memory_create(const cepman_allocator *host)
{
    cepman_allocator a = {sizeof a, NULL, default_allocate, default_release};
    if (host) CEP_TAKE_TABLE(&a, host);
    cep_memory *mem = a.allocate(a.user, sizeof *mem, CEP_ALIGNMENT);
    if (!mem) return NULL;
    cep_refs_init(&mem->refs);
    mem->host = a;
    atomic_init(&mem->used, sizeof *mem);
    atomic_init(&mem->peak, sizeof *mem);
    atomic_init(&mem->limit, 0);
    atomic_init(&mem->refused, false);
    return mem;
}

cep_memory *cep_memory_ref(cep_memory *mem)
{
    cep_refs_get(&mem->refs);
    return mem;
}

void cep_memory_unref(cep_memory *mem)
{
    if (!mem || !cep_refs_put(&mem->refs)) return;
    cepman_allocator a = mem->host;
    a.release(a.user, mem, sizeof *mem);
}

size_t cep_memory_left(const cep_memory *mem)
{
    const size_t limit = atomic_load_explicit(&mem->limit, memory_order_relaxed);
    const size_t used = atomic_load_explicit(&mem->used, memory_order_relaxed);
    return !limit ? SIZE_MAX : limit > used ? limit - used : 0;
}

bool cep_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool cep_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* Takes `size` from the limit; false when it does not fit. */
static bool reserve(cep_memory *mem, size_t size)
{
    size_t limit = atomic_load_explicit(&mem->limit, memory_order_relaxed);
    size_t used = atomic_load_explicit(&mem->used, memory_order_relaxed);
    size_t total;
    do {
        if (!cep_add(used, size, &total) || (limit && total > limit)) return false;
    } while (!atomic_compare_exchange_weak_explicit(&mem->used, &used, total, memory_order_relaxed,
                                                    memory_order_relaxed));
    size_t peak = atomic_load_explicit(&mem->peak, memory_order_relaxed);
    while (total > peak && !atomic_compare_exchange_weak_explicit(&mem->peak, &peak, total,
                                                                  memory_order_relaxed, memory_order_relaxed))
        ;
    return true;
}

/* Why the last one failed; later frees must not change the answer. */
static void *refuse(cep_memory *mem, bool by_limit)
{
    atomic_store_explicit(&mem->refused, by_limit, memory_order_relaxed);
    return NULL;
}

void *cep_alloc(cep_memory *mem, size_t count, size_t size)
{
    size_t bytes;
    if (!cep_mul(count, size, &bytes) || !cep_add(bytes, CEP_ALIGNMENT, &bytes) || bytes > PTRDIFF_MAX)
        return refuse(mem, false);
    if (!reserve(mem, bytes)) return refuse(mem, true);
    unsigned char *block = mem->host.allocate(mem->host.user, bytes, CEP_ALIGNMENT);
    if (!block) {
        atomic_fetch_sub_explicit(&mem->used, bytes, memory_order_relaxed);
        return refuse(mem, false);
    }
    memcpy(block, &bytes, sizeof bytes);
    return block + CEP_ALIGNMENT;
}

void *cep_alloc_zero(cep_memory *mem, size_t count, size_t size)
{
    void *p = cep_alloc(mem, count, size);
    if (p) memset(p, 0, count * size);
    return p;
}

void cep_free(cep_memory *mem, void *pointer)
{
    if (!pointer) return;
    unsigned char *block = (unsigned char *)pointer - CEP_ALIGNMENT;
    size_t bytes;
    memcpy(&bytes, block, sizeof bytes);
    atomic_fetch_sub_explicit(&mem->used, bytes, memory_order_relaxed);
    mem->host.release(mem->host.user, block, bytes);
}

char *cep_strdup(cep_memory *mem, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = cep_alloc(mem, n, 1);
    if (copy) memcpy(copy, text, n);
    return copy;
}

void cep_memory_set_limit(cep_memory *mem, size_t bytes)
{
    atomic_store_explicit(&mem->limit, bytes, memory_order_relaxed);
}

size_t cep_memory_used(const cep_memory *mem)
{
    return atomic_load_explicit(&((cep_memory *)mem)->used, memory_order_relaxed);
}

size_t cep_memory_peak(const cep_memory *mem)
{
    return atomic_load_explicit(&((cep_memory *)mem)->peak, memory_order_relaxed);
}

cepman_status cep_fault_memory(cep_fault *fault, cep_memory *mem, const char *what, size_t count, size_t size)
{
    size_t bytes;
    size_t limit = atomic_load_explicit(&mem->limit, memory_order_relaxed);
    size_t used = cep_memory_used(mem);
    if (!cep_mul(count, size, &bytes) || bytes > PTRDIFF_MAX - CEP_ALIGNMENT)
        return cep_fault_set(fault, CEPMAN_ERR_MEMORY,
                             "%s: %zu items of %zu bytes are more than memory can address", what, count,
                             size);
    if (limit && atomic_load_explicit(&mem->refused, memory_order_relaxed))
        return cep_fault_set(fault, CEPMAN_ERR_LIMIT,
                             "%s needs %zu bytes beside the %zu in use, the memory limit is %zu", what, bytes,
                             used, limit);
    return cep_fault_set(fault, CEPMAN_ERR_MEMORY, "%s: no memory for %zu bytes (%zu in use)", what, bytes,
                         used);
}
