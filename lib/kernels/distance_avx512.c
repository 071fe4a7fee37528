/* Topic distance with AVX-512: one 16-lane accumulator per value, masked tails.
 * The order of additions is fixed by the length alone.
 * Must not: be called below CEP_CPU_AVX512. */
#include "distance.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

static inline __mmask16 tail_mask(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static float squared(const float *a, const float *b, size_t n)
{
    __m512 s = _mm512_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m512 d = _mm512_sub_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
        s = _mm512_fmadd_ps(d, d, s);
    }
    if (i < n) {
        __mmask16 m = tail_mask(n - i);
        __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(m, a + i), _mm512_maskz_loadu_ps(m, b + i));
        s = _mm512_fmadd_ps(d, d, s);
    }
    return _mm512_reduce_add_ps(s);
}

static float dot(const float *a, const float *b, size_t n)
{
    __m512 s = _mm512_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        s = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s);
    if (i < n) {
        __mmask16 m = tail_mask(n - i);
        s = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(m, a + i), _mm512_maskz_loadu_ps(m, b + i), s);
    }
    return _mm512_reduce_add_ps(s);
}

static void dot4x4(const float *a, size_t as, const float *b, size_t bs, size_t n, float out[16])
{
    __m512 s[16];
    for (int k = 0; k < 16; k++)
        s[k] = _mm512_setzero_ps();
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = n - i >= 16 ? (__mmask16)0xffff : tail_mask(n - i);
        __m512 y[4];
        for (size_t j = 0; j < 4; j++)
            y[j] = _mm512_maskz_loadu_ps(m, b + j * bs + i);
        for (size_t r = 0; r < 4; r++) {
            __m512 x = _mm512_maskz_loadu_ps(m, a + r * as + i);
            for (size_t j = 0; j < 4; j++)
                s[r * 4 + j] = _mm512_fmadd_ps(x, y[j], s[r * 4 + j]);
        }
    }
    for (int k = 0; k < 16; k++)
        out[k] = _mm512_reduce_add_ps(s[k]);
}

static inline double reduce_f64(__m512d lo, __m512d hi)
{
    __m512d s = _mm512_add_pd(lo, hi);
    __m256d v = _mm256_add_pd(_mm512_castpd512_pd256(s), _mm512_extractf64x4_pd(s, 1));
    __m128d h = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(h, _mm_unpackhi_pd(h, h)));
}

static inline __m512d low_half(__m512 v)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(v));
}

static inline __m512d high_half(__m512 v)
{
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
}

static double squared_f64(const float *a, const float *b, size_t n)
{
    __m512d s0 = _mm512_setzero_pd(), s1 = s0;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) { /* halves are loaded, not extracted: the loads are the cheaper */
        __m512d d0 =
            _mm512_sub_pd(_mm512_cvtps_pd(_mm256_loadu_ps(a + i)), _mm512_cvtps_pd(_mm256_loadu_ps(b + i)));
        __m512d d1 = _mm512_sub_pd(_mm512_cvtps_pd(_mm256_loadu_ps(a + i + 8)),
                                   _mm512_cvtps_pd(_mm256_loadu_ps(b + i + 8)));
        s0 = _mm512_add_pd(s0, _mm512_mul_pd(d0, d0));
        s1 = _mm512_add_pd(s1, _mm512_mul_pd(d1, d1));
    }
    if (i < n) {
        __mmask16 m = tail_mask(n - i);
        __m512 x = _mm512_maskz_loadu_ps(m, a + i), y = _mm512_maskz_loadu_ps(m, b + i);
        __m512d d0 = _mm512_sub_pd(low_half(x), low_half(y)), d1 = _mm512_sub_pd(high_half(x), high_half(y));
        s0 = _mm512_add_pd(s0, _mm512_mul_pd(d0, d0));
        s1 = _mm512_add_pd(s1, _mm512_mul_pd(d1, d1));
    }
    return reduce_f64(s0, s1);
}

static double dot_f64(const float *a, const float *b, size_t n)
{
    __m512d s0 = _mm512_setzero_pd(), s1 = s0;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m512d x0 = _mm512_cvtps_pd(_mm256_loadu_ps(a + i)), y0 = _mm512_cvtps_pd(_mm256_loadu_ps(b + i));
        __m512d x1 = _mm512_cvtps_pd(_mm256_loadu_ps(a + i + 8)),
                y1 = _mm512_cvtps_pd(_mm256_loadu_ps(b + i + 8));
        s0 = _mm512_add_pd(s0, _mm512_mul_pd(x0, y0));
        s1 = _mm512_add_pd(s1, _mm512_mul_pd(x1, y1));
    }
    if (i < n) {
        __mmask16 m = tail_mask(n - i);
        __m512 x = _mm512_maskz_loadu_ps(m, a + i), y = _mm512_maskz_loadu_ps(m, b + i);
        s0 = _mm512_add_pd(s0, _mm512_mul_pd(low_half(x), low_half(y)));
        s1 = _mm512_add_pd(s1, _mm512_mul_pd(high_half(x), high_half(y)));
    }
    return reduce_f64(s0, s1);
}

static inline void four_step(const float *const a[4], size_t i, __mmask8 low, __mmask8 high, const float *b,
                             bool product, __m512d s[4][2])
{
    __m512d y[2] = {_mm512_cvtps_pd(_mm256_maskz_loadu_ps(low, b + i)),
                    _mm512_cvtps_pd(_mm256_maskz_loadu_ps(high, b + i + 8))};
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
        __m512d x[2] = {_mm512_cvtps_pd(_mm256_maskz_loadu_ps(low, a[r] + i)),
                        _mm512_cvtps_pd(_mm256_maskz_loadu_ps(high, a[r] + i + 8))};
#pragma GCC unroll 2
        for (int h = 0; h < 2; h++) {
            __m512d d = product ? x[h] : _mm512_sub_pd(x[h], y[h]);
            s[r][h] = _mm512_add_pd(s[r][h], _mm512_mul_pd(d, product ? y[h] : d));
        }
    }
}

static inline void four(const float *const a[4], const float *b, size_t n, bool product, double out[4])
{
    __m512d s[4][2];
    for (int r = 0; r < 4; r++)
        s[r][0] = s[r][1] = _mm512_setzero_pd();
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        four_step(a, i, 0xff, 0xff, b, product, s);
    if (i < n) {
        unsigned m = tail_mask(n - i);
        four_step(a, i, (__mmask8)m, (__mmask8)(m >> 8), b, product, s);
    }
    for (int r = 0; r < 4; r++)
        out[r] = reduce_f64(s[r][0], s[r][1]);
}

static void squared_f64_four(const float *const a[4], const float *b, size_t n, double out[4])
{
    four(a, b, n, false, out);
}

static void dot_f64_four(const float *const a[4], const float *b, size_t n, double out[4])
{
    four(a, b, n, true, out);
}

#include "distance_largest.h"

const cep_distance_kernels cep_distance_avx512 = {
    squared, dot, dot4x4, squared_f64, dot_f64, squared_f64_four, dot_f64_four, largest};
#endif
