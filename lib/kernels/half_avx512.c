/* Topic half with AVX-512: sixteen numbers at a time, masked tails.
 * The same bits as the plain form (half_generic.c); the rounding mode is in the instruction.
 * Must not: be called below CEP_CPU_AVX512. */
#include "half.h"

#if defined(__x86_64__)
#include <immintrin.h>

static inline __mmask16 mask_of(size_t left)
{
    return left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
}

static bool shorten(const float *x, uint16_t *out, size_t n)
{
    const __m512i least = _mm512_set1_epi32(CEP_HALF_BEYOND), infinite = _mm512_set1_epi32(0x7f800000),
                  magnitude = _mm512_set1_epi32(0x7fffffff);
    __mmask16 large = 0;
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 m = mask_of(n - i);
        __m512 v = _mm512_maskz_loadu_ps(m, x + i);
        __m512i a = _mm512_and_si512(_mm512_castps_si512(v), magnitude);
        large |= _mm512_mask_cmplt_epi32_mask(_mm512_cmpge_epi32_mask(a, least), a, infinite);
        _mm256_mask_storeu_epi16(out + i, m, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    }
    return large != 0;
}

static void widen(const uint16_t *x, float *out, size_t n)
{
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 m = mask_of(n - i);
        _mm512_mask_storeu_ps(out + i, m, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(m, x + i)));
    }
}

const cep_half_kernels cep_half_avx512 = {shorten, widen};
#endif
