/* Door of exec/: parallel loops and counter-based random numbers. */
#ifndef CEP_EXEC_H
#define CEP_EXEC_H

#include "base.h"

/* One item of a loop, on any thread. worker: 0 .. cep_workers() - 1, never the same on two threads at a time
 * (index per-worker scratch with it, never results). Returns CEPMAN_OK, or fills the fault and returns its
 * status; the loop then stops soon and the fault of the lowest failed index that ran reaches the context.
 * An item should take well under 100 ms: cancel is polled between items. */
typedef cepman_status (*cep_task)(void *argument, size_t index, unsigned worker, cep_fault *fault);

/* How many workers a loop on this context may have at a time (>= 1). */
unsigned cep_workers(const cepman_context *ctx);

/* Runs task for index 0 .. count-1. The calling thread takes part, reports progress under `stage` (NULL: no
 * report) and polls cancel. Results must depend on the index alone, never on worker or order. Loops do not
 * nest: a task must not call cep_parallel. */
cepman_status cep_parallel(cepman_context *ctx, const char *stage, size_t count, cep_task task,
                           void *argument);

/* The same, where this loop is a part of a longer stage: progress runs from done to done + count of total. */
cepman_status cep_parallel_part(cepman_context *ctx, const char *stage, uint64_t done, uint64_t total,
                                size_t count, cep_task task, void *argument);

/* Items in rounds: round r is items starts[r] .. starts[r + 1] - 1 (starts[0] is 0), and none of its items begins
 * before all of the rounds before it are done, whose writes it sees. Made for many short rounds: waiting is a matter of
 * a microsecond, so items may be that short too. */
cepman_status cep_parallel_rounds(cepman_context *ctx, const size_t *starts, size_t rounds, cep_task task,
                                  void *argument);

/* ---- random numbers: a pure function of (seed, stage, item) ------------------------------------------------- */

/* 64 well-mixed bits (two rounds of the splitmix64 finaliser over the three counters). */
static inline uint64_t cep_mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    x ^= x >> 31;
    return x;
}
static inline uint64_t cep_random64(uint64_t seed, uint64_t stage, uint64_t item)
{
    uint64_t key = cep_mix64(seed + 0x9e3779b97f4a7c15u * (stage + 1));
    return cep_mix64(key ^ cep_mix64(item + 0x9e3779b97f4a7c15u));
}
/* In [0, 1), 53 bits. */
static inline double cep_random_real(uint64_t seed, uint64_t stage, uint64_t item)
{
    return (double)(cep_random64(seed, stage, item) >> 11) * 0x1p-53;
}
__extension__ typedef unsigned __int128 cep_u128;
/* In 0 .. bound-1, bound >= 1 (bias below bound / 2^64). */
static inline uint64_t cep_random_below(uint64_t seed, uint64_t stage, uint64_t item, uint64_t bound)
{
    return (uint64_t)(((cep_u128)cep_random64(seed, stage, item) * bound) >> 64);
}
/* Standard normal (Box-Muller; uses items 2 * item and 2 * item + 1 of the stage). */
double cep_random_normal(uint64_t seed, uint64_t stage, uint64_t item);

#endif
