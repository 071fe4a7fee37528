/* Topic cepstral with AVX-512: vectors of 16.
 * cepstral_body.h is the algorithm; logarithms of counts are computed, not looked up.
 * Must not: be called below CEP_CPU_AVX512, or use a fused multiply-add. */
#if defined(__x86_64__)
#define WIDTH 16
#include "cepstral_body.h"

const cep_cepstral_kernels cep_cepstral_avx512 = CEPSTRAL_KERNELS(false);
#else
typedef int cep_cepstral_avx512_needs_x86_64;
#endif
