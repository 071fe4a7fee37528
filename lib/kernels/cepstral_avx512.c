/* Topic cepstral with AVX-512: sixteen pixels at a time, masked tails.
 * The same operations in the same order as the plain form (cepstral_generic.c).
 * Must not: use a fused multiply-add. */
#include "cepstral.h"

#if defined(__x86_64__)
#include <float.h>
#include <immintrin.h>
#include <math.h>

static inline __mmask16 mask_of(size_t left)
{
    return left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
}

/* The tables twice: the permutation looks at four bits of the index, the table has three. */
static inline __m512 table(const float t[8])
{
    return _mm512_broadcast_f32x8(_mm256_loadu_ps(t));
}

static const float points[8] = {CEP_LOG_POINTS}, inverses[8] = {CEP_LOG_INVERSES}, logs[8] = {CEP_LOG_LOGS};

typedef struct constants {
    __m512 subtract, floor, offset, points, inverses, logs;
} constants;

static inline constants constants_of(const cep_log_terms *t)
{
    return (constants){_mm512_set1_ps(t->subtract),
                       _mm512_set1_ps(t->floor),
                       _mm512_set1_ps(t->offset),
                       table(points),
                       table(inverses),
                       table(logs)};
}

static inline __m512 log_of(__m512 pixel, const constants *k)
{
    __m512 a = _mm512_add_ps(_mm512_max_ps(_mm512_sub_ps(pixel, k->subtract), k->floor), k->offset);
    a = _mm512_min_ps(_mm512_max_ps(a, _mm512_set1_ps(FLT_MIN)), _mm512_set1_ps(FLT_MAX));
    __m512i bits = _mm512_castps_si512(a);
    __m512i above = _mm512_sub_epi32(bits, _mm512_set1_epi32(CEP_LOG_LEAST));
    __m512 e = _mm512_cvtepi32_ps(_mm512_srai_epi32(above, 23));
    bits = _mm512_sub_epi32(bits, _mm512_and_si512(above, _mm512_set1_epi32((int)0xff800000)));
    __m512i j = _mm512_srli_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(CEP_LOG_HALF)), 20);
    __m512 m = _mm512_castsi512_ps(bits);
    __m512 r = _mm512_mul_ps(_mm512_sub_ps(m, _mm512_permutexvar_ps(j, k->points)),
                             _mm512_permutexvar_ps(j, k->inverses));
    __m512 q = _mm512_add_ps(_mm512_mul_ps(_mm512_set1_ps(CEP_LOG_P5), r), _mm512_set1_ps(CEP_LOG_P4));
    q = _mm512_add_ps(_mm512_mul_ps(q, r), _mm512_set1_ps(CEP_LOG_P3));
    q = _mm512_add_ps(_mm512_mul_ps(q, r), _mm512_set1_ps(CEP_LOG_P2));
    __m512 p = _mm512_add_ps(r, _mm512_mul_ps(_mm512_mul_ps(r, r), q));
    return _mm512_add_ps(_mm512_mul_ps(e, _mm512_set1_ps(CEP_LOG_LN2)),
                         _mm512_add_ps(_mm512_permutexvar_ps(j, k->logs), p));
}

static inline __m512 load_f32(const float *p, size_t left)
{
    return left >= 16 ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(mask_of(left), p);
}

static inline __m512 load_u8(const uint8_t *p, size_t left)
{
    __m128i v = left >= 16 ? _mm_loadu_si128((const __m128i *)(const void *)p)
                           : _mm_maskz_loadu_epi8(mask_of(left), p);
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(v));
}

static inline __m512 load_u16(const uint16_t *p, size_t left)
{
    __m256i v = left >= 16 ? _mm256_loadu_si256((const __m256i *)(const void *)p)
                           : _mm256_maskz_loadu_epi16(mask_of(left), p);
    return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(v));
}

static inline void store(float *p, __m512 v, size_t left)
{
    if (left >= 16)
        _mm512_storeu_ps(p, v);
    else
        _mm512_mask_storeu_ps(p, mask_of(left), v);
}

static inline __mmask16 not_finite(__m512 v)
{
    return _mm512_fpclass_ps_mask(v, 0x99); /* quiet and signalling NaN, both infinities */
}

static bool log_f32(const float *pixels, const float *window, float *out, size_t n, const cep_log_terms *t)
{
    const constants k = constants_of(t);
    __mmask16 bad = 0;
    for (size_t i = 0; i < n; i += 16) {
        size_t left = n - i;
        __m512 v = load_f32(pixels + i, left);
        bad |= not_finite(v);
        v = log_of(v, &k);
        if (window) v = _mm512_mul_ps(v, load_f32(window + i, left));
        store(out + i, v, left);
    }
    return bad != 0;
}

#define LOG_COUNTS(name, type, load)                                                                         \
    static void name(const type *pixels, const float *window, float *out, size_t n, const cep_log_terms *t)  \
    {                                                                                                        \
        const constants k = constants_of(t);                                                                 \
        for (size_t i = 0; i < n; i += 16) {                                                                 \
            size_t left = n - i;                                                                             \
            __m512 v = log_of(load(pixels + i, left), &k);                                                   \
            if (window) v = _mm512_mul_ps(v, load_f32(window + i, left));                                    \
            store(out + i, v, left);                                                                         \
        }                                                                                                    \
    }
LOG_COUNTS(log_u8, uint8_t, load_u8)
LOG_COUNTS(log_u16, uint16_t, load_u16)

#define CLAMP(name, type, load, result, finish)                                                              \
    static result name(const type *pixels, float *out, size_t n, cep_pixel_range *range)                     \
    {                                                                                                        \
        __m512 least = _mm512_set1_ps(range->least), most = _mm512_set1_ps(range->most);                     \
        __mmask16 bad = 0;                                                                                   \
        for (size_t i = 0; i < n; i += 16) {                                                                 \
            size_t left = n - i;                                                                             \
            __m512 v = load(pixels + i, left);                                                               \
            bad |= not_finite(v);                                                                            \
            v = _mm512_max_ps(v, _mm512_setzero_ps());                                                       \
            store(out + i, v, left);                                                                         \
            least = _mm512_mask_min_ps(least, mask_of(left), v, least);                                      \
            most = _mm512_max_ps(v, most);                                                                   \
        }                                                                                                    \
        range->least = _mm512_reduce_min_ps(least);                                                          \
        range->most = _mm512_reduce_max_ps(most);                                                            \
        finish;                                                                                              \
    }
CLAMP(clamp_f32, float, load_f32, bool, return bad != 0)
CLAMP(clamp_u8, uint8_t, load_u8, void, (void)bad)
CLAMP(clamp_u16, uint16_t, load_u16, void, (void)bad)

/* Sixteen |z|^2 from two vectors of pairs. */
static inline __m512 squares(const float *z, size_t left)
{
    const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    __m512 a = load_f32(z, 2 * left), b = left > 8 ? load_f32(z + 16, 2 * left - 16) : _mm512_setzero_ps();
    a = _mm512_mul_ps(a, a);
    b = _mm512_mul_ps(b, b);
    return _mm512_add_ps(_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b));
}

static void magnitude(const float *z, float *out, size_t n)
{
    for (size_t i = 0; i < n; i += 16)
        store(out + i, _mm512_sqrt_ps(squares(z + 2 * i, n - i)), n - i);
}

static void power(const float *z, float *out, size_t n)
{
    for (size_t i = 0; i < n; i += 16)
        store(out + i, squares(z + 2 * i, n - i), n - i);
}

static inline __m512d high(__m512 v)
{
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
}

static inline __m512d low(__m512 v)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(v));
}

/* Lane j + 8 onto lane j, then halves again: the tree of the plain form. */
static double reduce(__m512d a, __m512d b)
{
    a = _mm512_add_pd(a, b);
    __m256d h = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
    __m128d q = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
}

static double sum(const float *x, size_t n)
{
    __m512d a = _mm512_setzero_pd(), b = a;
    for (size_t i = 0; i < n; i += 16) {
        __m512 v = load_f32(x + i, n - i);
        a = _mm512_add_pd(a, low(v));
        b = _mm512_add_pd(b, high(v));
    }
    return reduce(a, b);
}

static double sum_squares(const float *x, size_t n)
{
    __m512d a = _mm512_setzero_pd(), b = a;
    for (size_t i = 0; i < n; i += 16) {
        __m512 v = load_f32(x + i, n - i);
        __m512d p = low(v), q = high(v);
        a = _mm512_add_pd(a, _mm512_mul_pd(p, p));
        b = _mm512_add_pd(b, _mm512_mul_pd(q, q));
    }
    return reduce(a, b);
}

static void scale(float *x, size_t n, float factor)
{
    const __m512 f = _mm512_set1_ps(factor);
    for (size_t i = 0; i < n; i += 16)
        store(x + i, _mm512_mul_ps(load_f32(x + i, n - i), f), n - i);
}

const cep_cepstral_kernels cep_cepstral_avx512 = {
    log_f32, log_u8, log_u16, clamp_f32, clamp_u8, clamp_u16, magnitude, power, sum, sum_squares, scale,
};
#endif
