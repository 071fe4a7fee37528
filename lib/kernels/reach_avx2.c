/* Topic reach in AVX2: the body over lanes.h, which knows what the level has.
 * Neighbours and edges between blocks of sixteen points.
 * Must not: be called on a CPU below its level. */
#if defined(__x86_64__)
#include "reach_body.h"

const cep_reach_kernels cep_reach_avx2 = {distances, nearest, smallest, gather, narrow, keep, pairs};
#else
typedef int cep_reach_avx2_unused;
#endif
