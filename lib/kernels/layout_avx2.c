/* Topic layout with AVX2: eight edges in a vector.
 * McInnes, Healy, Melville 2018, appendix C; the body is in layout_body.h.
 * Must not: be called below CEP_CPU_AVX2. */
#include "layout.h"

#if defined(__x86_64__)
#define WIDTH 8
#include "layout_body.h"

const cep_layout_kernels cep_layout_avx2 = {meet, visit};
#endif
