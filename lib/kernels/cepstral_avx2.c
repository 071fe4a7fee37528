/* Topic cepstral with AVX2: eight pixels at a time, masked tails.
 * The same operations in the same order as the plain form (cepstral_generic.c).
 * Must not: use a fused multiply-add. */
#include "cepstral.h"

#if defined(__x86_64__)
#include <float.h>
#include <immintrin.h>
#include <math.h>
#include <string.h>

static const int32_t mask_words[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

static inline __m256i mask_of(size_t left)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(mask_words + 8 - (left < 8 ? left : 8)));
}

static const float points[8] = {CEP_LOG_POINTS}, inverses[8] = {CEP_LOG_INVERSES}, logs[8] = {CEP_LOG_LOGS};

typedef struct constants {
    __m256 subtract, floor, offset, points, inverses, logs;
} constants;

static inline constants constants_of(const cep_log_terms *t)
{
    return (constants){_mm256_set1_ps(t->subtract), _mm256_set1_ps(t->floor),  _mm256_set1_ps(t->offset),
                       _mm256_loadu_ps(points),     _mm256_loadu_ps(inverses), _mm256_loadu_ps(logs)};
}

static inline __m256 log_of(__m256 pixel, const constants *k)
{
    __m256 a = _mm256_add_ps(_mm256_max_ps(_mm256_sub_ps(pixel, k->subtract), k->floor), k->offset);
    a = _mm256_min_ps(_mm256_max_ps(a, _mm256_set1_ps(FLT_MIN)), _mm256_set1_ps(FLT_MAX));
    __m256i bits = _mm256_castps_si256(a);
    __m256i above = _mm256_sub_epi32(bits, _mm256_set1_epi32(CEP_LOG_LEAST));
    __m256 e = _mm256_cvtepi32_ps(_mm256_srai_epi32(above, 23));
    bits = _mm256_sub_epi32(bits, _mm256_and_si256(above, _mm256_set1_epi32((int)0xff800000)));
    __m256i j = _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(CEP_LOG_HALF)), 20);
    __m256 m = _mm256_castsi256_ps(bits);
    __m256 r = _mm256_mul_ps(_mm256_sub_ps(m, _mm256_permutevar8x32_ps(k->points, j)),
                             _mm256_permutevar8x32_ps(k->inverses, j));
    __m256 q = _mm256_add_ps(_mm256_mul_ps(_mm256_set1_ps(CEP_LOG_P5), r), _mm256_set1_ps(CEP_LOG_P4));
    q = _mm256_add_ps(_mm256_mul_ps(q, r), _mm256_set1_ps(CEP_LOG_P3));
    q = _mm256_add_ps(_mm256_mul_ps(q, r), _mm256_set1_ps(CEP_LOG_P2));
    __m256 p = _mm256_add_ps(r, _mm256_mul_ps(_mm256_mul_ps(r, r), q));
    return _mm256_add_ps(_mm256_mul_ps(e, _mm256_set1_ps(CEP_LOG_LN2)),
                         _mm256_add_ps(_mm256_permutevar8x32_ps(k->logs, j), p));
}

static inline __m256 load_f32(const float *p, size_t left)
{
    return left >= 8 ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, mask_of(left));
}

static inline __m256 load_u8(const uint8_t *p, size_t left)
{
    uint64_t v = 0;
    memcpy(&v, p, left < 8 ? left : 8);
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)v)));
}

static inline __m256 load_u16(const uint16_t *p, size_t left)
{
    __m128i v = _mm_setzero_si128();
    if (left >= 8)
        v = _mm_loadu_si128((const __m128i *)(const void *)p);
    else
        memcpy(&v, p, left * sizeof *p);
    return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(v));
}

static inline void store(float *p, __m256 v, size_t left)
{
    if (left >= 8)
        _mm256_storeu_ps(p, v);
    else
        _mm256_maskstore_ps(p, mask_of(left), v);
}

/* All bits of the lanes whose exponent is all ones. */
static inline __m256i not_finite(__m256 v)
{
    const __m256i exponent = _mm256_set1_epi32(0x7f800000);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_castps_si256(v), exponent), exponent);
}

static inline bool any(__m256i bad)
{
    return !_mm256_testz_si256(bad, bad);
}

static bool log_f32(const float *pixels, const float *window, float *out, size_t n, const cep_log_terms *t)
{
    const constants k = constants_of(t);
    __m256i bad = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 8) {
        size_t left = n - i;
        __m256 v = load_f32(pixels + i, left);
        bad = _mm256_or_si256(bad, not_finite(v));
        v = log_of(v, &k);
        if (window) v = _mm256_mul_ps(v, load_f32(window + i, left));
        store(out + i, v, left);
    }
    return any(bad);
}

#define LOG_COUNTS(name, type, load)                                                                         \
    static void name(const type *pixels, const float *window, float *out, size_t n, const cep_log_terms *t)  \
    {                                                                                                        \
        const constants k = constants_of(t);                                                                 \
        for (size_t i = 0; i < n; i += 8) {                                                                  \
            size_t left = n - i;                                                                             \
            __m256 v = log_of(load(pixels + i, left), &k);                                                   \
            if (window) v = _mm256_mul_ps(v, load_f32(window + i, left));                                    \
            store(out + i, v, left);                                                                         \
        }                                                                                                    \
    }
LOG_COUNTS(log_u8, uint8_t, load_u8)
LOG_COUNTS(log_u16, uint16_t, load_u16)

static inline float least_of(__m256 v)
{
    __m128 s = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_min_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_min_ss(s, _mm_shuffle_ps(s, s, 1)));
}

static inline float most_of(__m256 v)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}

#define CLAMP(name, type, load, result, finish)                                                              \
    static result name(const type *pixels, float *out, size_t n, cep_pixel_range *range)                     \
    {                                                                                                        \
        __m256 least = _mm256_set1_ps(range->least), most = _mm256_set1_ps(range->most);                     \
        __m256i bad = _mm256_setzero_si256();                                                                \
        for (size_t i = 0; i < n; i += 8) {                                                                  \
            size_t left = n - i;                                                                             \
            __m256 v = load(pixels + i, left);                                                               \
            bad = _mm256_or_si256(bad, not_finite(v));                                                       \
            v = _mm256_max_ps(v, _mm256_setzero_ps());                                                       \
            store(out + i, v, left);                                                                         \
            most = _mm256_max_ps(v, most);                                                                   \
            if (left < 8) v = _mm256_blendv_ps(least, v, _mm256_castsi256_ps(mask_of(left)));                \
            least = _mm256_min_ps(v, least);                                                                 \
        }                                                                                                    \
        range->least = least_of(least);                                                                      \
        range->most = most_of(most);                                                                         \
        finish;                                                                                              \
    }
CLAMP(clamp_f32, float, load_f32, bool, return any(bad))
CLAMP(clamp_u8, uint8_t, load_u8, void, (void)bad)
CLAMP(clamp_u16, uint16_t, load_u16, void, (void)bad)

/* Eight |z|^2 from two vectors of pairs. */
static inline __m256 squares(const float *z, size_t left)
{
    __m256 a = load_f32(z, 2 * left), b = left > 4 ? load_f32(z + 8, 2 * left - 8) : _mm256_setzero_ps();
    a = _mm256_mul_ps(a, a);
    b = _mm256_mul_ps(b, b);
    __m256 re = _mm256_shuffle_ps(a, b, 0x88), im = _mm256_shuffle_ps(a, b, 0xdd);
    __m256d s = _mm256_castps_pd(_mm256_add_ps(re, im)); /* a0 a1 b0 b1 a2 a3 b2 b3 */
    return _mm256_castpd_ps(_mm256_permute4x64_pd(s, 0xd8));
}

static void magnitude(const float *z, float *out, size_t n)
{
    for (size_t i = 0; i < n; i += 8)
        store(out + i, _mm256_sqrt_ps(squares(z + 2 * i, n - i)), n - i);
}

static void power(const float *z, float *out, size_t n)
{
    for (size_t i = 0; i < n; i += 8)
        store(out + i, squares(z + 2 * i, n - i), n - i);
}

/* Sixteen lanes of double in four vectors. */
typedef struct lanes {
    __m256d v[4];
} lanes;

static inline lanes load_lanes(const float *p, size_t left)
{
    __m256 a = load_f32(p, left), b = left > 8 ? load_f32(p + 8, left - 8) : _mm256_setzero_ps();
    return (lanes){{_mm256_cvtps_pd(_mm256_castps256_ps128(a)), _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)),
                    _mm256_cvtps_pd(_mm256_castps256_ps128(b)),
                    _mm256_cvtps_pd(_mm256_extractf128_ps(b, 1))}};
}

static double reduce(const lanes *s)
{
    __m256d h = _mm256_add_pd(_mm256_add_pd(s->v[0], s->v[2]), _mm256_add_pd(s->v[1], s->v[3]));
    __m128d q = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
}

static double sum(const float *x, size_t n)
{
    lanes s = {{_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()}};
    for (size_t i = 0; i < n; i += 16) {
        lanes v = load_lanes(x + i, n - i);
        for (int j = 0; j < 4; j++)
            s.v[j] = _mm256_add_pd(s.v[j], v.v[j]);
    }
    return reduce(&s);
}

static double sum_squares(const float *x, size_t n)
{
    lanes s = {{_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()}};
    for (size_t i = 0; i < n; i += 16) {
        lanes v = load_lanes(x + i, n - i);
        for (int j = 0; j < 4; j++)
            s.v[j] = _mm256_add_pd(s.v[j], _mm256_mul_pd(v.v[j], v.v[j]));
    }
    return reduce(&s);
}

static void scale(float *x, size_t n, float factor)
{
    const __m256 f = _mm256_set1_ps(factor);
    for (size_t i = 0; i < n; i += 8)
        store(x + i, _mm256_mul_ps(load_f32(x + i, n - i), f), n - i);
}

const cep_cepstral_kernels cep_cepstral_avx2 = {
    log_f32, log_u8, log_u16, clamp_f32, clamp_u8, clamp_u16, magnitude, power, sum, sum_squares, scale,
};
#endif
