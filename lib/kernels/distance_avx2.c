/* Topic distance with AVX2 and FMA: one 8-lane accumulator per value, reduced as a tree.
 * The tail is loaded under a mask, so that the order of additions does not depend on alignment.
 * Must not: be called below CEP_CPU_AVX2. */
#include "distance.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

static const int32_t mask_words[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

static inline __m256i tail_mask(size_t n)
{
    return _mm256_loadu_si256((const __m256i *)(mask_words + 8 - n));
}

static inline float reduce(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

static float squared(const float *a, const float *b, size_t n)
{
    __m256 s = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 d = _mm256_sub_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
        s = _mm256_fmadd_ps(d, d, s);
    }
    if (i < n) {
        __m256i m = tail_mask(n - i);
        __m256 d = _mm256_sub_ps(_mm256_maskload_ps(a + i, m), _mm256_maskload_ps(b + i, m));
        s = _mm256_fmadd_ps(d, d, s);
    }
    return reduce(s);
}

static float dot(const float *a, const float *b, size_t n)
{
    __m256 s = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        s = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s);
    if (i < n) {
        __m256i m = tail_mask(n - i);
        s = _mm256_fmadd_ps(_mm256_maskload_ps(a + i, m), _mm256_maskload_ps(b + i, m), s);
    }
    return reduce(s);
}

static void dot4x4(const float *a, size_t as, const float *b, size_t bs, size_t n, float out[16])
{
    /* Two halves of 4 x 2: eight accumulators and six operands fit the sixteen registers. */
    for (size_t h = 0; h < 4; h += 2) {
        const float *b0 = b + h * bs, *b1 = b0 + bs;
        __m256 s[4][2];
        for (int r = 0; r < 4; r++)
            s[r][0] = s[r][1] = _mm256_setzero_ps();
        size_t i = 0;
        for (; i + 8 <= n; i += 8) {
            __m256 p = _mm256_loadu_ps(b0 + i), q = _mm256_loadu_ps(b1 + i);
            for (size_t r = 0; r < 4; r++) {
                __m256 x = _mm256_loadu_ps(a + r * as + i);
                s[r][0] = _mm256_fmadd_ps(x, p, s[r][0]);
                s[r][1] = _mm256_fmadd_ps(x, q, s[r][1]);
            }
        }
        if (i < n) {
            __m256i m = tail_mask(n - i);
            __m256 p = _mm256_maskload_ps(b0 + i, m), q = _mm256_maskload_ps(b1 + i, m);
            for (size_t r = 0; r < 4; r++) {
                __m256 x = _mm256_maskload_ps(a + r * as + i, m);
                s[r][0] = _mm256_fmadd_ps(x, p, s[r][0]);
                s[r][1] = _mm256_fmadd_ps(x, q, s[r][1]);
            }
        }
        for (size_t r = 0; r < 4; r++) {
            out[r * 4 + h] = reduce(s[r][0]);
            out[r * 4 + h + 1] = reduce(s[r][1]);
        }
    }
}

static inline double reduce_f64(const __m256d s[4])
{
    __m256d v = _mm256_add_pd(_mm256_add_pd(s[0], s[2]), _mm256_add_pd(s[1], s[3]));
    __m128d h = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(h, _mm_unpackhi_pd(h, h)));
}

/* The n < 16 floats of the tail, the rest zero. */
static inline void load_tail(float to[16], const float *from, size_t n)
{
    for (size_t i = 0; i < 16; i++)
        to[i] = i < n ? from[i] : 0;
}

static inline void squared_step(const float *a, const float *b, __m256d s[4])
{
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
        __m256d d =
            _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(a + 4 * q)), _mm256_cvtps_pd(_mm_loadu_ps(b + 4 * q)));
        s[q] = _mm256_add_pd(s[q], _mm256_mul_pd(d, d));
    }
}

static inline void dot_step(const float *a, const float *b, __m256d s[4])
{
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++)
        s[q] = _mm256_add_pd(s[q], _mm256_mul_pd(_mm256_cvtps_pd(_mm_loadu_ps(a + 4 * q)),
                                                 _mm256_cvtps_pd(_mm_loadu_ps(b + 4 * q))));
}

static double squared_f64(const float *a, const float *b, size_t n)
{
    __m256d s[4] = {_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        squared_step(a + i, b + i, s);
    if (i < n) {
        float x[16], y[16];
        load_tail(x, a + i, n - i);
        load_tail(y, b + i, n - i);
        squared_step(x, y, s);
    }
    return reduce_f64(s);
}

static double dot_f64(const float *a, const float *b, size_t n)
{
    __m256d s[4] = {_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        dot_step(a + i, b + i, s);
    if (i < n) {
        float x[16], y[16];
        load_tail(x, a + i, n - i);
        load_tail(y, b + i, n - i);
        dot_step(x, y, s);
    }
    return reduce_f64(s);
}

/* Sixteen columns of two rows against b: the sums of four rows would not fit the registers. */
static inline void two_step(const float *const a[2], const float *b, bool product, __m256d s[2][4])
{
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
        __m256d y = _mm256_cvtps_pd(_mm_loadu_ps(b + 4 * q));
#pragma GCC unroll 2
        for (int r = 0; r < 2; r++) {
            __m256d x = _mm256_cvtps_pd(_mm_loadu_ps(a[r] + 4 * q)), d = product ? x : _mm256_sub_pd(x, y);
            s[r][q] = _mm256_add_pd(s[r][q], _mm256_mul_pd(d, product ? y : d));
        }
    }
}

static inline void two(const float *const a[2], const float *b, size_t n, bool product, double out[2])
{
    __m256d s[2][4];
    for (int r = 0; r < 2; r++)
        for (int q = 0; q < 4; q++)
            s[r][q] = _mm256_setzero_pd();
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const float *rows[2] = {a[0] + i, a[1] + i};
        two_step(rows, b + i, product, s);
    }
    if (i < n) {
        float x[2][16], y[16];
        const float *rows[2] = {x[0], x[1]};
        load_tail(x[0], a[0] + i, n - i);
        load_tail(x[1], a[1] + i, n - i);
        load_tail(y, b + i, n - i);
        two_step(rows, y, product, s);
    }
    out[0] = reduce_f64(s[0]);
    out[1] = reduce_f64(s[1]);
}

static void squared_f64_four(const float *const a[4], const float *b, size_t n, double out[4])
{
    two(a, b, n, false, out);
    two(a + 2, b, n, false, out + 2);
}

static void dot_f64_four(const float *const a[4], const float *b, size_t n, double out[4])
{
    two(a, b, n, true, out);
    two(a + 2, b, n, true, out + 2);
}

#include "distance_largest.h"

const cep_distance_kernels cep_distance_avx2 = {squared,          dot,          dot4x4, squared_f64, dot_f64,
                                                squared_f64_four, dot_f64_four, largest};
#endif
