/* Topic cepstral with AVX2: vectors of 8.
 * cepstral_body.h is the algorithm; logarithms of counts are computed, not looked up.
 * Must not: be called below CEP_CPU_AVX2, or use a fused multiply-add. */
#if defined(__x86_64__)
#define WIDTH 8
#include "cepstral_body.h"

const cep_cepstral_kernels cep_cepstral_avx2 = CEPSTRAL_KERNELS(false);
#else
typedef int cep_cepstral_avx2_needs_x86_64;
#endif
