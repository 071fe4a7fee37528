/* Topic sparse: eight columns in a vector.
 * The same order of additions at every level; the body is in sparse_body.h.
 * Must not: be called below CEP_CPU_AVX2. */
#include "sparse.h"

#if defined(__x86_64__)
#define WIDTH 8
#include "sparse_body.h"

const cep_sparse_kernels cep_sparse_avx2 = {product, gram, rotate};
#endif
