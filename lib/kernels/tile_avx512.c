/* Topic tile with AVX-512: 8 x 48 sums in 24 registers, three operands and a broadcast beside them.
 * Register blocking after Goto and van de Geijn, ACM Trans. Math. Softw. 34 (2008) 12.
 * Must not: be called below CEP_CPU_AVX512. */
#include "tile.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

static void tile(const float *a, const float *b, size_t depth, bool add, float *out, size_t stride)
{
    const float *b1 = b + depth * CEP_PANEL, *b2 = b1 + depth * CEP_PANEL;
    __m512 s[8][3];
#pragma GCC unroll 8
    for (int r = 0; r < 8; r++)
        s[r][0] = s[r][1] = s[r][2] = _mm512_setzero_ps();
    for (size_t k = 0; k < depth * CEP_PANEL; k += CEP_PANEL) {
        __m512 x = _mm512_load_ps(b + k), y = _mm512_load_ps(b1 + k), z = _mm512_load_ps(b2 + k);
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++) {
            __m512 p = _mm512_set1_ps(a[k + (size_t)r]);
            s[r][0] = _mm512_fmadd_ps(p, x, s[r][0]);
            s[r][1] = _mm512_fmadd_ps(p, y, s[r][1]);
            s[r][2] = _mm512_fmadd_ps(p, z, s[r][2]);
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < 8; r++)
#pragma GCC unroll 3
        for (size_t c = 0; c < 3; c++) {
            float *o = out + r * stride + 16 * c;
            _mm512_storeu_ps(o, add ? _mm512_add_ps(_mm512_loadu_ps(o), s[r][c]) : s[r][c]);
        }
}

static size_t survivors(const float *dots, const float *norms, const float *limits, size_t count, float norm,
                        float limit, uint32_t *found)
{
    size_t n = 0;
    __m512 vn = _mm512_set1_ps(norm), vl = _mm512_set1_ps(limit), minus2 = _mm512_set1_ps(-2);
    for (size_t c = 0; c < count; c += 16) {
        __mmask16 in = count - c >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << (count - c)) - 1);
        __m512 low = _mm512_fmadd_ps(minus2, _mm512_maskz_loadu_ps(in, dots + c),
                                     _mm512_add_ps(vn, _mm512_maskz_loadu_ps(in, norms + c)));
        __m512 bound = _mm512_max_ps(vl, _mm512_maskz_loadu_ps(in, limits + c));
        unsigned m = _mm512_mask_cmp_ps_mask(in, low, bound, _CMP_LE_OQ);
        for (; m; m &= m - 1)
            found[n++] = (uint32_t)c + (uint32_t)__builtin_ctz(m);
    }
    return n;
}

static void project(const float *const *rows, const float *b, size_t depth, float *out, size_t stride)
{
    const float *b1 = b + depth * CEP_PANEL;
    __m512 s[8][2];
#pragma GCC unroll 8
    for (int r = 0; r < 8; r++)
        s[r][0] = s[r][1] = _mm512_setzero_ps();
    for (size_t k = 0; k < depth; k++) {
        __m512 x = _mm512_load_ps(b + k * CEP_PANEL), y = _mm512_load_ps(b1 + k * CEP_PANEL);
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++) {
            __m512 p = _mm512_set1_ps(rows[r][k]);
            s[r][0] = _mm512_fmadd_ps(p, x, s[r][0]);
            s[r][1] = _mm512_fmadd_ps(p, y, s[r][1]);
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < 8; r++) {
        _mm512_storeu_ps(out + r * stride, s[r][0]);
        _mm512_storeu_ps(out + r * stride + CEP_PANEL, s[r][1]);
    }
}

static inline __mmask16 lanes_left(size_t n)
{
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

static size_t find(const int32_t *list, size_t n, int32_t index)
{
    __m512i want = _mm512_set1_epi32(index);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 in = lanes_left(n - i);
        unsigned m = _mm512_mask_cmpeq_epi32_mask(in, want, _mm512_maskz_loadu_epi32(in, list + i));
        if (m) return i + (size_t)__builtin_ctz(m);
    }
    return n;
}

static size_t count_up_to(const float *keys, size_t n, float most)
{
    __m512 bound = _mm512_set1_ps(most);
    size_t count = 0;
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 in = lanes_left(n - i);
        count += (size_t)__builtin_popcount(
            _mm512_mask_cmp_ps_mask(in, _mm512_maskz_loadu_ps(in, keys + i), bound, _CMP_LE_OQ));
    }
    return count;
}

static void extremes(const float *keys, size_t n, float *least, float *most)
{
    __m512 low = _mm512_set1_ps(keys[0]), high = low;
    for (size_t i = 0; i < n; i += 16) {
        __m512 x = _mm512_mask_loadu_ps(low, lanes_left(n - i), keys + i);
        low = _mm512_min_ps(low, x);
        high = _mm512_max_ps(high, x);
    }
    *least = _mm512_reduce_min_ps(low);
    *most = _mm512_reduce_max_ps(high);
}

static float largest_up_to(const float *keys, size_t n, float most)
{
    __m512 bound = _mm512_set1_ps(most), largest = _mm512_set1_ps(-INFINITY);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 in = lanes_left(n - i);
        __m512 x = _mm512_maskz_loadu_ps(in, keys + i);
        largest = _mm512_mask_max_ps(largest, _mm512_mask_cmp_ps_mask(in, x, bound, _CMP_LE_OQ), largest, x);
    }
    return _mm512_reduce_max_ps(largest);
}

#include "tile_nth.h"

const cep_tile_kernels cep_tile_avx512 = {tile, survivors, project, find, nth};
#endif
