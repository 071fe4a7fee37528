/* Topic half with AVX2 and F16C: eight numbers at a time.
 * The same bits as the plain form (half_generic.c); the rounding mode is in the instruction.
 * Must not: be called below CEP_CPU_AVX2. */
#include "half.h"

#if defined(__x86_64__)
#include <immintrin.h>

static bool shorten(const float *x, uint16_t *out, size_t n)
{
    const __m256i most = _mm256_set1_epi32(CEP_HALF_BEYOND - 1), infinite = _mm256_set1_epi32(0x7f800000),
                  magnitude = _mm256_set1_epi32(0x7fffffff);
    __m256i large = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 v = _mm256_loadu_ps(x + i);
        __m256i a = _mm256_and_si256(_mm256_castps_si256(v), magnitude);
        large = _mm256_or_si256(
            large, _mm256_and_si256(_mm256_cmpgt_epi32(a, most), _mm256_cmpgt_epi32(infinite, a)));
        _mm_storeu_si128((__m128i *)(void *)(out + i), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    }
    bool rest = cep_half_generic.shorten(x + i, out + i, n - i);
    return rest || !_mm256_testz_si256(large, large);
}

static void widen(const uint16_t *x, float *out, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(x + i))));
    cep_half_generic.widen(x + i, out + i, n - i);
}

const cep_half_kernels cep_half_avx2 = {shorten, widen};
#endif
