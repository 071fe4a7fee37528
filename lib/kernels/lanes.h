/* Sixteen float32 lanes as one register of AVX-512, two of AVX2, or an array: kernels that are written with
 * these words once are compiled for every level. Inside kernels/ only. A product that is added is fused where
 * the level has it, so results may differ between levels, never between calls. */
#ifndef CEP_KERNELS_LANES_H
#define CEP_KERNELS_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES 16

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include <immintrin.h>
typedef __m512 lanes;
typedef __mmask16 lanes_mask;
#define LANES_CENTRES 6 /* centres in flight against four rows */

static inline lanes lanes_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline lanes lanes_load_some(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
static inline void lanes_store(float *p, lanes a)
{
    _mm512_storeu_ps(p, a);
}
static inline lanes lanes_all(float x)
{
    return _mm512_set1_ps(x);
}
static inline lanes lanes_add(lanes a, lanes b)
{
    return _mm512_add_ps(a, b);
}
static inline lanes lanes_sub(lanes a, lanes b)
{
    return _mm512_sub_ps(a, b);
}
static inline lanes lanes_mul(lanes a, lanes b)
{
    return _mm512_mul_ps(a, b);
}
static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline lanes lanes_min(lanes a, lanes b)
{
    return _mm512_min_ps(a, b);
}
static inline lanes lanes_max(lanes a, lanes b)
{
    return _mm512_max_ps(a, b);
}
static inline lanes_mask lanes_less(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
static inline lanes_mask lanes_at_most(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}
static inline lanes lanes_pick(lanes_mask m, lanes yes, lanes no)
{
    return _mm512_mask_blend_ps(m, no, yes);
}
static inline unsigned lanes_bits(lanes_mask m)
{
    return m;
}
static inline float lanes_sum(lanes a)
{
    return _mm512_reduce_add_ps(a);
}
/* Stores whole numbers that are held as floats. */
static inline void lanes_store_int(int32_t *p, lanes a)
{
    _mm512_storeu_si512(p, _mm512_cvttps_epi32(a));
}
/* Bits of the lanes where p[i] != x. */
static inline unsigned lanes_int_differs(const int32_t *p, int32_t x)
{
    return _mm512_cmpneq_epi32_mask(_mm512_loadu_si512(p), _mm512_set1_epi32(x));
}
/* Bits of the lanes where p[i] != (int) a[i]. */
static inline unsigned lanes_int_changed(const int32_t *p, lanes a)
{
    return _mm512_cmpneq_epi32_mask(_mm512_loadu_si512(p), _mm512_cvttps_epi32(a));
}
/* Appends the lanes of `bits` at p, their numbers (first + lane) at q; writes up to 16 of each. Returns how
 * many. */
static inline size_t lanes_append(float *p, int32_t *q, lanes a, int32_t first, unsigned bits)
{
    const __m512i count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    _mm512_storeu_ps(p, _mm512_maskz_compress_ps((__mmask16)bits, a));
    _mm512_storeu_si512(
        q, _mm512_maskz_compress_epi32((__mmask16)bits, _mm512_add_epi32(count, _mm512_set1_epi32(first))));
    return (size_t)__builtin_popcount(bits);
}
/* Moves the lanes of `bits` from a to the front of p, in order; writes up to 16. */
static inline void lanes_pack(float *p, const float *a, unsigned bits)
{
    _mm512_storeu_ps(p, _mm512_maskz_compress_ps((__mmask16)bits, _mm512_loadu_ps(a)));
}
static inline void lanes_pack_int(int32_t *p, const int32_t *a, unsigned bits)
{
    _mm512_storeu_si512(p, _mm512_maskz_compress_epi32((__mmask16)bits, _mm512_loadu_si512(a)));
}
/* Lane i gets lane i ^ 1, 2, 4, 8. */
static inline lanes lanes_swap1(lanes a)
{
    return _mm512_permute_ps(a, 0xb1);
}
static inline lanes lanes_swap2(lanes a)
{
    return _mm512_permute_ps(a, 0x4e);
}
static inline lanes lanes_swap4(lanes a)
{
    return _mm512_shuffle_f32x4(a, a, 0xb1);
}
static inline lanes lanes_swap8(lanes a)
{
    return _mm512_shuffle_f32x4(a, a, 0x4e);
}
/* max in the lanes of bits (a constant), min in the others. */
#define lanes_min_max(a, b, bits) _mm512_mask_max_ps(_mm512_min_ps(a, b), (__mmask16)(bits), a, b)

#elif defined(__AVX2__)
#include <immintrin.h>
typedef struct lanes {
    __m256 a, b;
} lanes;
typedef lanes lanes_mask;
#define LANES_CENTRES 1

static inline lanes lanes_load(const float *p)
{
    return (lanes){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
static inline lanes lanes_load_some(const float *p, size_t n)
{
    float t[16] = {0};
    memcpy(t, p, n * sizeof *t);
    return lanes_load(t);
}
static inline void lanes_store(float *p, lanes v)
{
    _mm256_storeu_ps(p, v.a);
    _mm256_storeu_ps(p + 8, v.b);
}
static inline lanes lanes_all(float x)
{
    return (lanes){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
static inline lanes lanes_add(lanes x, lanes y)
{
    return (lanes){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)};
}
static inline lanes lanes_sub(lanes x, lanes y)
{
    return (lanes){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)};
}
static inline lanes lanes_mul(lanes x, lanes y)
{
    return (lanes){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
}
static inline lanes lanes_fma(lanes x, lanes y, lanes z)
{
    return (lanes){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
static inline lanes lanes_min(lanes x, lanes y)
{
    return (lanes){_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)};
}
static inline lanes lanes_max(lanes x, lanes y)
{
    return (lanes){_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)};
}
static inline lanes_mask lanes_less(lanes x, lanes y)
{
    return (lanes){_mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ)};
}
static inline lanes_mask lanes_at_most(lanes x, lanes y)
{
    return (lanes){_mm256_cmp_ps(x.a, y.a, _CMP_LE_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LE_OQ)};
}
static inline lanes lanes_pick(lanes_mask m, lanes yes, lanes no)
{
    return (lanes){_mm256_blendv_ps(no.a, yes.a, m.a), _mm256_blendv_ps(no.b, yes.b, m.b)};
}
static inline unsigned lanes_bits(lanes_mask m)
{
    return (unsigned)_mm256_movemask_ps(m.a) | (unsigned)_mm256_movemask_ps(m.b) << 8;
}
static inline float lanes_sum(lanes v)
{
    __m256 t = _mm256_add_ps(v.a, v.b);
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(t), _mm256_extractf128_ps(t, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
static inline void lanes_store_int(int32_t *p, lanes v)
{
    _mm256_storeu_si256((__m256i *)p, _mm256_cvttps_epi32(v.a));
    _mm256_storeu_si256((__m256i *)(p + 8), _mm256_cvttps_epi32(v.b));
}
static inline unsigned lanes_equal_bits(const int32_t *p, __m256i x, __m256i y)
{
    __m256i u = _mm256_cmpeq_epi32(_mm256_loadu_si256((const __m256i *)p), x);
    __m256i v = _mm256_cmpeq_epi32(_mm256_loadu_si256((const __m256i *)(p + 8)), y);
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(u)) |
           (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(v)) << 8;
}
static inline unsigned lanes_int_differs(const int32_t *p, int32_t x)
{
    __m256i v = _mm256_set1_epi32(x);
    return ~lanes_equal_bits(p, v, v) & 0xffffu;
}
static inline unsigned lanes_int_changed(const int32_t *p, lanes v)
{
    return ~lanes_equal_bits(p, _mm256_cvttps_epi32(v.a), _mm256_cvttps_epi32(v.b)) & 0xffffu;
}
static inline size_t lanes_append(float *p, int32_t *q, lanes v, int32_t first, unsigned bits)
{
    size_t n = 0;
    float t[16];
    if (!bits) return 0;
    lanes_store(t, v);
    for (; bits; bits &= bits - 1, n++) {
        int i = __builtin_ctz(bits);
        p[n] = t[i];
        q[n] = first + i;
    }
    return n;
}
static inline void lanes_pack(float *p, const float *a, unsigned bits)
{
    for (; bits; bits &= bits - 1)
        *p++ = a[__builtin_ctz(bits)];
}
static inline void lanes_pack_int(int32_t *p, const int32_t *a, unsigned bits)
{
    for (; bits; bits &= bits - 1)
        *p++ = a[__builtin_ctz(bits)];
}
static inline lanes lanes_swap1(lanes v)
{
    return (lanes){_mm256_permute_ps(v.a, 0xb1), _mm256_permute_ps(v.b, 0xb1)};
}
static inline lanes lanes_swap2(lanes v)
{
    return (lanes){_mm256_permute_ps(v.a, 0x4e), _mm256_permute_ps(v.b, 0x4e)};
}
static inline lanes lanes_swap4(lanes v)
{
    return (lanes){_mm256_permute2f128_ps(v.a, v.a, 1), _mm256_permute2f128_ps(v.b, v.b, 1)};
}
static inline lanes lanes_swap8(lanes v)
{
    return (lanes){v.b, v.a};
}
#define lanes_min_max(x, y, bits)                                                                            \
    ((lanes){_mm256_blend_ps(_mm256_min_ps((x).a, (y).a), _mm256_max_ps((x).a, (y).a), (bits)&0xff),         \
             _mm256_blend_ps(_mm256_min_ps((x).b, (y).b), _mm256_max_ps((x).b, (y).b), (bits) >> 8 & 0xff)})

#else
typedef struct lanes {
    float v[LANES];
} lanes;
typedef struct lanes_mask {
    unsigned bits;
} lanes_mask;
#define LANES_CENTRES 1
#define LANES_EACH(i) for (int i = 0; i < LANES; i++)

static inline lanes lanes_load(const float *p)
{
    lanes r;
    memcpy(r.v, p, sizeof r.v);
    return r;
}
static inline lanes lanes_load_some(const float *p, size_t n)
{
    lanes r = {{0}};
    memcpy(r.v, p, n * sizeof *p);
    return r;
}
static inline void lanes_store(float *p, lanes a)
{
    memcpy(p, a.v, sizeof a.v);
}
static inline lanes lanes_all(float x)
{
    lanes r;
    LANES_EACH(i) r.v[i] = x;
    return r;
}
static inline lanes lanes_add(lanes a, lanes b)
{
    LANES_EACH(i) a.v[i] += b.v[i];
    return a;
}
static inline lanes lanes_sub(lanes a, lanes b)
{
    LANES_EACH(i) a.v[i] -= b.v[i];
    return a;
}
static inline lanes lanes_mul(lanes a, lanes b)
{
    LANES_EACH(i) a.v[i] *= b.v[i];
    return a;
}
static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    LANES_EACH(i) c.v[i] += a.v[i] * b.v[i];
    return c;
}
static inline lanes lanes_min(lanes a, lanes b)
{
    LANES_EACH(i) a.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i];
    return a;
}
static inline lanes lanes_max(lanes a, lanes b)
{
    LANES_EACH(i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
}
static inline lanes_mask lanes_less(lanes a, lanes b)
{
    lanes_mask m = {0};
    LANES_EACH(i) m.bits |= (unsigned)(a.v[i] < b.v[i]) << i;
    return m;
}
static inline lanes_mask lanes_at_most(lanes a, lanes b)
{
    lanes_mask m = {0};
    LANES_EACH(i) m.bits |= (unsigned)(a.v[i] <= b.v[i]) << i;
    return m;
}
static inline lanes lanes_pick(lanes_mask m, lanes yes, lanes no)
{
    LANES_EACH(i) no.v[i] = m.bits >> i & 1 ? yes.v[i] : no.v[i];
    return no;
}
static inline unsigned lanes_bits(lanes_mask m)
{
    return m.bits;
}
static inline float lanes_sum(lanes a)
{
    for (int h = LANES / 2; h; h /= 2)
        for (int i = 0; i < h; i++)
            a.v[i] += a.v[i + h];
    return a.v[0];
}
static inline void lanes_store_int(int32_t *p, lanes a)
{
    LANES_EACH(i) p[i] = (int32_t)a.v[i];
}
static inline unsigned lanes_int_differs(const int32_t *p, int32_t x)
{
    unsigned bits = 0;
    LANES_EACH(i) bits |= (unsigned)(p[i] != x) << i;
    return bits;
}
static inline unsigned lanes_int_changed(const int32_t *p, lanes a)
{
    unsigned bits = 0;
    LANES_EACH(i) bits |= (unsigned)(p[i] != (int32_t)a.v[i]) << i;
    return bits;
}
static inline size_t lanes_append(float *p, int32_t *q, lanes a, int32_t first, unsigned bits)
{
    size_t n = 0;
    for (; bits; bits &= bits - 1, n++) {
        int i = __builtin_ctz(bits);
        p[n] = a.v[i];
        q[n] = first + i;
    }
    return n;
}
static inline void lanes_pack(float *p, const float *a, unsigned bits)
{
    for (; bits; bits &= bits - 1)
        *p++ = a[__builtin_ctz(bits)];
}
static inline void lanes_pack_int(int32_t *p, const int32_t *a, unsigned bits)
{
    for (; bits; bits &= bits - 1)
        *p++ = a[__builtin_ctz(bits)];
}
static inline lanes lanes_swap(lanes a, int by)
{
    lanes r;
    LANES_EACH(i) r.v[i] = a.v[i ^ by];
    return r;
}
#define lanes_swap1(a) lanes_swap(a, 1)
#define lanes_swap2(a) lanes_swap(a, 2)
#define lanes_swap4(a) lanes_swap(a, 4)
#define lanes_swap8(a) lanes_swap(a, 8)
static inline lanes lanes_min_max(lanes a, lanes b, unsigned bits)
{
    LANES_EACH(i) a.v[i] = (bits >> i & 1) == (unsigned)(a.v[i] < b.v[i]) ? b.v[i] : a.v[i];
    return a;
}
#endif

#endif
