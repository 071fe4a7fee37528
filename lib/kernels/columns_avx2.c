/* Topic columns with AVX2: vectors of 8.
 * columns_body.h is the algorithm.
 * Must not: use a fused multiply-add. */
#if defined(__x86_64__)
#include <immintrin.h>

#define LANES 8
#include "columns_body.h"

const cep_columns_kernels cep_columns_avx2 = {transform, separate, magnitude};
#else
typedef int columns_avx2_is_empty;
#endif
