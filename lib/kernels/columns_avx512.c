/* Topic columns with AVX-512: vectors of 16.
 * columns_body.h is the algorithm.
 * Must not: use a fused multiply-add. */
#if defined(__x86_64__)
#include <immintrin.h>

#define LANES 16
#include "columns_body.h"

const cep_columns_kernels cep_columns_avx512 = {transform, separate, magnitude};
#else
typedef int columns_avx512_is_empty;
#endif
