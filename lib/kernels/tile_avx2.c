/* Topic tile with AVX2 and FMA: 4 x 24 sums in twelve registers, three operands beside them.
 * Register blocking after Goto and van de Geijn, ACM Trans. Math. Softw. 34 (2008) 12.
 * Must not: be called below CEP_CPU_AVX2. */
#include "tile.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

/* Columns in three runs of eight, at b0, b1 and b2. */
static inline void block(const float *a, const float *b0, const float *b1, const float *b2, size_t depth,
                         bool add, float *out, size_t stride)
{
    __m256 s[4][3];
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++)
        s[r][0] = s[r][1] = s[r][2] = _mm256_setzero_ps();
    for (size_t k = 0; k < depth * CEP_PANEL; k += CEP_PANEL) {
        __m256 x = _mm256_load_ps(b0 + k), y = _mm256_load_ps(b1 + k), z = _mm256_load_ps(b2 + k);
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) {
            __m256 p = _mm256_broadcast_ss(a + k + r);
            s[r][0] = _mm256_fmadd_ps(p, x, s[r][0]);
            s[r][1] = _mm256_fmadd_ps(p, y, s[r][1]);
            s[r][2] = _mm256_fmadd_ps(p, z, s[r][2]);
        }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < 4; r++)
#pragma GCC unroll 3
        for (size_t c = 0; c < 3; c++) {
            float *o = out + r * stride + 8 * c;
            _mm256_storeu_ps(o, add ? _mm256_add_ps(_mm256_loadu_ps(o), s[r][c]) : s[r][c]);
        }
}

static void tile(const float *a, const float *b, size_t depth, bool add, float *out, size_t stride)
{
    const float *p = b, *q = b + depth * CEP_PANEL, *t = q + depth * CEP_PANEL;
    for (size_t r = 0; r < CEP_TILE_ROWS; r += 4) {
        block(a + r, p, p + 8, q, depth, add, out + r * stride, stride);
        block(a + r, q + 8, t, t + 8, depth, add, out + r * stride + 24, stride);
    }
}

static size_t survivors(const float *dots, const float *norms, const float *limits, size_t count, float norm,
                        float limit, uint32_t *found)
{
    size_t n = 0, c = 0;
    __m256 vn = _mm256_set1_ps(norm), vl = _mm256_set1_ps(limit), minus2 = _mm256_set1_ps(-2);
    for (; c + 8 <= count; c += 8) {
        __m256 low =
            _mm256_fmadd_ps(minus2, _mm256_loadu_ps(dots + c), _mm256_add_ps(vn, _mm256_loadu_ps(norms + c)));
        __m256 bound = _mm256_max_ps(vl, _mm256_loadu_ps(limits + c));
        unsigned m = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(low, bound, _CMP_LE_OQ));
        for (; m; m &= m - 1)
            found[n++] = (uint32_t)c + (uint32_t)__builtin_ctz(m);
    }
    for (; c < count; c++) {
        float low = (norm + norms[c]) - 2 * dots[c], bound = limits[c] > limit ? limits[c] : limit;
        if (low <= bound) found[n++] = (uint32_t)c;
    }
    return n;
}

static void project(const float *const *rows, const float *b, size_t depth, float *out, size_t stride)
{
    for (size_t c = 0; c < CEP_PROJECT_COLS; c += CEP_PANEL)
        for (size_t r = 0; r < CEP_TILE_ROWS; r += 4) {
            const float *panel = b + c * depth;
            const float *const *row = rows + r;
            __m256 s[4][2];
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
                s[i][0] = s[i][1] = _mm256_setzero_ps();
            for (size_t k = 0; k < depth; k++) {
                __m256 x = _mm256_load_ps(panel + k * CEP_PANEL),
                       y = _mm256_load_ps(panel + k * CEP_PANEL + 8);
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++) {
                    __m256 p = _mm256_broadcast_ss(row[i] + k);
                    s[i][0] = _mm256_fmadd_ps(p, x, s[i][0]);
                    s[i][1] = _mm256_fmadd_ps(p, y, s[i][1]);
                }
            }
#pragma GCC unroll 4
            for (size_t i = 0; i < 4; i++) {
                _mm256_storeu_ps(out + (r + i) * stride + c, s[i][0]);
                _mm256_storeu_ps(out + (r + i) * stride + c + 8, s[i][1]);
            }
        }
}

static size_t find(const int32_t *list, size_t n, int32_t index)
{
    __m256i want = _mm256_set1_epi32(index);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i same = _mm256_cmpeq_epi32(want, _mm256_loadu_si256((const __m256i *)(list + i)));
        unsigned m = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(same));
        if (m) return i + (size_t)__builtin_ctz(m);
    }
    while (i < n && list[i] != index)
        i++;
    return i;
}

static inline __m256 load_some(const float *p, size_t n, float rest)
{
    float x[8];
    for (size_t i = 0; i < 8; i++)
        x[i] = i < n ? p[i] : rest;
    return _mm256_loadu_ps(x);
}

static inline float least_of(__m256 v)
{
    __m128 s = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_min_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_min_ss(s, _mm_shuffle_ps(s, s, 1)));
}

static inline float most_of(__m256 v)
{
    return -least_of(_mm256_sub_ps(_mm256_setzero_ps(), v));
}

static size_t count_up_to(const float *keys, size_t n, float most)
{
    __m256 bound = _mm256_set1_ps(most);
    size_t count = 0, i = 0;
    for (; i + 8 <= n; i += 8)
        count += (size_t)__builtin_popcount(
            (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(keys + i), bound, _CMP_LE_OQ)));
    for (; i < n; i++)
        count += keys[i] <= most;
    return count;
}

static void extremes(const float *keys, size_t n, float *least, float *most)
{
    __m256 low = _mm256_set1_ps(keys[0]), high = low;
    for (size_t i = 0; i < n; i += 8) {
        __m256 x = n - i >= 8 ? _mm256_loadu_ps(keys + i) : load_some(keys + i, n - i, keys[0]);
        low = _mm256_min_ps(low, x);
        high = _mm256_max_ps(high, x);
    }
    *least = least_of(low);
    *most = most_of(high);
}

static float largest_up_to(const float *keys, size_t n, float most)
{
    __m256 bound = _mm256_set1_ps(most), none = _mm256_set1_ps(-INFINITY), largest = none;
    for (size_t i = 0; i < n; i += 8) {
        __m256 x = n - i >= 8 ? _mm256_loadu_ps(keys + i) : load_some(keys + i, n - i, -INFINITY);
        largest = _mm256_max_ps(largest, _mm256_blendv_ps(none, x, _mm256_cmp_ps(x, bound, _CMP_LE_OQ)));
    }
    return most_of(largest);
}

#include "tile_nth.h"

const cep_tile_kernels cep_tile_avx2 = {tile, survivors, project, find, nth};
#endif
