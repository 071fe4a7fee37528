/* Vectors of `WIDTH` floats by the compiler's vector types, one width per instruction set; private to kernels/.
 * The including file defines WIDTH (4, 8 or 16) to match its flags. Every operation is an exact IEEE one on its
 * own lane, so that a lane has the same bits at every width. */
#ifndef CEP_KERNELS_WIDE_H
#define CEP_KERNELS_WIDE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef float wide_f __attribute__((vector_size(4 * WIDTH)));
typedef int32_t wide_i __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t wide_u __attribute__((vector_size(4 * WIDTH)));

static inline wide_f wide_set(float x)
{
    return (wide_f){0} + x;
}

static inline wide_f wide_load(const float *p)
{
    wide_f v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void wide_store(float *p, wide_f v)
{
    memcpy(p, &v, sizeof v);
}

static inline wide_u wide_load_u(const uint32_t *p)
{
    wide_u v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Where the mask is all ones v, elsewhere 0. */
static inline wide_f wide_keep(wide_f v, wide_i mask)
{
    return (wide_f)((wide_i)v & mask);
}

#if WIDTH == 16
/* x * bound / 2^32, rounded down */
static inline wide_u wide_scale(wide_u x, uint32_t bound)
{
    const __m512i b = _mm512_set1_epi64((int64_t)bound), v = (__m512i)x;
    __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(v, b), 32);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(v, 32), b);
    return (wide_u)_mm512_mask_blend_epi32(0xaaaa, even, odd);
}
static inline wide_f wide_min(wide_f a, wide_f b)
{
    return (wide_f)_mm512_min_ps((__m512)a, (__m512)b);
}
static inline wide_f wide_max(wide_f a, wide_f b)
{
    return (wide_f)_mm512_max_ps((__m512)a, (__m512)b);
}
static inline int wide_any(wide_i mask)
{
    return _mm512_movepi32_mask((__m512i)mask) != 0;
}
/* Four consecutive floats at p + row[l] * stride for each lane l, turned: out[c] holds float c of every lane. */
static inline __attribute__((always_inline)) void wide_gather4(const float *p, const uint32_t row[WIDTH],
                                                               size_t stride, wide_f out[4])
{
#define CEP_FOUR(a, b, c, d)                                                                                 \
    _mm512_insertf32x4(_mm512_insertf32x4(_mm512_insertf32x4(_mm512_castps128_ps512(                         \
                                                                 _mm_loadu_ps(p + (size_t)row[a] * stride)), \
                                                             _mm_loadu_ps(p + (size_t)row[b] * stride), 1),  \
                                          _mm_loadu_ps(p + (size_t)row[c] * stride), 2),                     \
                       _mm_loadu_ps(p + (size_t)row[d] * stride), 3)
    __m512 a = CEP_FOUR(0, 4, 8, 12), b = CEP_FOUR(1, 5, 9, 13), c = CEP_FOUR(2, 6, 10, 14),
           d = CEP_FOUR(3, 7, 11, 15);
#undef CEP_FOUR
    __m512 ab = _mm512_unpacklo_ps(a, b), cd = _mm512_unpacklo_ps(c, d);
    __m512 ab2 = _mm512_unpackhi_ps(a, b), cd2 = _mm512_unpackhi_ps(c, d);
    out[0] = (wide_f)_mm512_shuffle_ps(ab, cd, 0x44);
    out[1] = (wide_f)_mm512_shuffle_ps(ab, cd, 0xee);
    out[2] = (wide_f)_mm512_shuffle_ps(ab2, cd2, 0x44);
    out[3] = (wide_f)_mm512_shuffle_ps(ab2, cd2, 0xee);
}
/* The way back: float c of lane l goes to p[row[l] * stride + c]. */
static inline __attribute__((always_inline)) void wide_scatter4(float *p, const uint32_t row[WIDTH],
                                                                size_t stride, const wide_f in[4])
{
    __m512 a = _mm512_unpacklo_ps((__m512)in[0], (__m512)in[1]),
           b = _mm512_unpackhi_ps((__m512)in[0], (__m512)in[1]),
           c = _mm512_unpacklo_ps((__m512)in[2], (__m512)in[3]),
           d = _mm512_unpackhi_ps((__m512)in[2], (__m512)in[3]);
    const __m512 four[4] = {_mm512_shuffle_ps(a, c, 0x44), _mm512_shuffle_ps(a, c, 0xee),
                            _mm512_shuffle_ps(b, d, 0x44), _mm512_shuffle_ps(b, d, 0xee)};
    for (size_t k = 0; k < 4; k++) {
        _mm_storeu_ps(p + (size_t)row[k] * stride, _mm512_castps512_ps128(four[k]));
        _mm_storeu_ps(p + (size_t)row[4 + k] * stride, _mm512_extractf32x4_ps(four[k], 1));
        _mm_storeu_ps(p + (size_t)row[8 + k] * stride, _mm512_extractf32x4_ps(four[k], 2));
        _mm_storeu_ps(p + (size_t)row[12 + k] * stride, _mm512_extractf32x4_ps(four[k], 3));
    }
}
/* The lanes of the mask to the front of `to`, in order; writes up to WIDTH. Returns how many. */
static inline size_t wide_append(uint32_t *to, wide_u v, wide_i mask)
{
    const __mmask16 bits = _mm512_movepi32_mask((__m512i)mask);
    _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(bits, (__m512i)v));
    return (size_t)__builtin_popcount(bits);
}
#elif WIDTH == 8
static inline wide_u wide_scale(wide_u x, uint32_t bound)
{
    const __m256i b = _mm256_set1_epi64x((int64_t)bound), v = (__m256i)x;
    __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(v, b), 32);
    __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(v, 32), b);
    return (wide_u)_mm256_blend_epi32(even, odd, 0xaa);
}
static inline wide_f wide_min(wide_f a, wide_f b)
{
    return (wide_f)_mm256_min_ps((__m256)a, (__m256)b);
}
static inline wide_f wide_max(wide_f a, wide_f b)
{
    return (wide_f)_mm256_max_ps((__m256)a, (__m256)b);
}
static inline int wide_any(wide_i mask)
{
    return _mm256_movemask_ps((__m256)mask) != 0;
}
static inline __attribute__((always_inline)) void wide_gather4(const float *p, const uint32_t row[WIDTH],
                                                               size_t stride, wide_f out[4])
{
#define CEP_TWO(a, b)                                                                                        \
    _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + (size_t)row[a] * stride)),                  \
                         _mm_loadu_ps(p + (size_t)row[b] * stride), 1)
    __m256 a = CEP_TWO(0, 4), b = CEP_TWO(1, 5), c = CEP_TWO(2, 6), d = CEP_TWO(3, 7);
#undef CEP_TWO
    __m256 ab = _mm256_unpacklo_ps(a, b), cd = _mm256_unpacklo_ps(c, d);
    __m256 ab2 = _mm256_unpackhi_ps(a, b), cd2 = _mm256_unpackhi_ps(c, d);
    out[0] = (wide_f)_mm256_shuffle_ps(ab, cd, 0x44);
    out[1] = (wide_f)_mm256_shuffle_ps(ab, cd, 0xee);
    out[2] = (wide_f)_mm256_shuffle_ps(ab2, cd2, 0x44);
    out[3] = (wide_f)_mm256_shuffle_ps(ab2, cd2, 0xee);
}
static inline __attribute__((always_inline)) void wide_scatter4(float *p, const uint32_t row[WIDTH],
                                                                size_t stride, const wide_f in[4])
{
    __m256 a = _mm256_unpacklo_ps((__m256)in[0], (__m256)in[1]),
           b = _mm256_unpackhi_ps((__m256)in[0], (__m256)in[1]),
           c = _mm256_unpacklo_ps((__m256)in[2], (__m256)in[3]),
           d = _mm256_unpackhi_ps((__m256)in[2], (__m256)in[3]);
    const __m256 four[4] = {_mm256_shuffle_ps(a, c, 0x44), _mm256_shuffle_ps(a, c, 0xee),
                            _mm256_shuffle_ps(b, d, 0x44), _mm256_shuffle_ps(b, d, 0xee)};
    for (size_t k = 0; k < 4; k++) {
        _mm_storeu_ps(p + (size_t)row[k] * stride, _mm256_castps256_ps128(four[k]));
        _mm_storeu_ps(p + (size_t)row[4 + k] * stride, _mm256_extractf128_ps(four[k], 1));
    }
}
static inline size_t wide_append(uint32_t *to, wide_u v, wide_i mask)
{
    uint32_t lane[WIDTH];
    size_t n = 0;
    memcpy(lane, &v, sizeof lane);
    for (unsigned bits = (unsigned)_mm256_movemask_ps((__m256)mask); bits; bits &= bits - 1)
        to[n++] = lane[__builtin_ctz(bits)];
    return n;
}
#else
static inline wide_u wide_scale(wide_u x, uint32_t bound)
{
    return (wide_u){(uint32_t)((uint64_t)x[0] * bound >> 32), (uint32_t)((uint64_t)x[1] * bound >> 32),
                    (uint32_t)((uint64_t)x[2] * bound >> 32), (uint32_t)((uint64_t)x[3] * bound >> 32)};
}
#if defined(__x86_64__)
static inline wide_f wide_min(wide_f a, wide_f b)
{
    return (wide_f)_mm_min_ps((__m128)a, (__m128)b);
}
static inline wide_f wide_max(wide_f a, wide_f b)
{
    return (wide_f)_mm_max_ps((__m128)a, (__m128)b);
}
#else
/* b when one is NaN, as the instructions have it */
static inline wide_f wide_min(wide_f a, wide_f b)
{
    wide_i m = (wide_i)(a < b);
    return (wide_f)(((wide_i)a & m) | ((wide_i)b & ~m));
}
static inline wide_f wide_max(wide_f a, wide_f b)
{
    wide_i m = (wide_i)(a > b);
    return (wide_f)(((wide_i)a & m) | ((wide_i)b & ~m));
}
#endif
static inline int wide_any(wide_i mask)
{
    return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
}
static inline __attribute__((always_inline)) void wide_gather4(const float *p, const uint32_t row[WIDTH],
                                                               size_t stride, wide_f out[4])
{
    for (size_t c = 0; c < 4; c++)
        out[c] = (wide_f){p[(size_t)row[0] * stride + c], p[(size_t)row[1] * stride + c],
                          p[(size_t)row[2] * stride + c], p[(size_t)row[3] * stride + c]};
}
static inline __attribute__((always_inline)) void wide_scatter4(float *p, const uint32_t row[WIDTH],
                                                                size_t stride, const wide_f in[4])
{
    for (size_t l = 0; l < WIDTH; l++)
        for (size_t c = 0; c < 4; c++)
            p[(size_t)row[l] * stride + c] = in[c][l];
}
static inline size_t wide_append(uint32_t *to, wide_u v, wide_i mask)
{
    size_t n = 0;
    for (size_t l = 0; l < WIDTH; l++)
        if (mask[l]) to[n++] = v[l];
    return n;
}
#endif

/* log2 of positive normal numbers, within 1.5e-5 t of it: exponent plus t Q(t) on [sqrt(1/2), sqrt(2)). */
static inline wide_f wide_log2(wide_f x)
{
    wide_i bits = (wide_i)x - 0x3f3504f3; /* sqrt(1/2) becomes the border between exponents */
    wide_i exponent = bits >> 23;
    wide_f t = (wide_f)((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
    wide_f q = wide_set(0.252727211f);
    q = q * t + -0.394579131f;
    q = q * t + 0.486671396f;
    q = q * t + -0.720241383f;
    q = q * t + 1.44257874f;
    /* int to float, exactly: |exponent| is far below 2^22 */
    wide_f e = (wide_f)(exponent + 0x4b400000) - 12582912.0f;
    return q * t + e;
}

/* 2^x for x clamped to [-126, 126], relative error below 3e-6. */
static inline wide_f wide_exp2(wide_f x)
{
    x = wide_max(wide_min(x, wide_set(126.0f)), wide_set(-126.0f));
    wide_f shifted = x + 12582912.0f; /* 1.5 * 2^23: rounds to the nearest integer */
    wide_i whole = (wide_i)shifted - 0x4b400000;
    wide_f f = x - (shifted - 12582912.0f);
    wide_f p = wide_set(0.00958212343f);
    p = p * f + 0.0559065675f;
    p = p * f + 0.240241184f;
    p = p * f + 0.693124181f;
    p = p * f + 1.0f;
    return (wide_f)((wide_i)p + (whole << 23));
}

#endif
