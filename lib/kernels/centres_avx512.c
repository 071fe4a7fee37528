/* Topic centres in AVX-512: the body over lanes.h, which knows what the level has.
 * Lloyd's assignment step and the potentials of k-means++ (Arthur and Vassilvitskii 2007).
 * Must not: be called on a CPU below its level. */
#if defined(__x86_64__)
#include "centres_body.h"

const cep_centres_kernels cep_centres_avx512 = {assign,  approach, potential, dots,
                                                squared, add,      subtract,  spread};
#else
typedef int cep_centres_avx512_unused;
#endif
