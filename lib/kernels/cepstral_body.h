/* The cepstral kernels for vectors of WIDTH floats (4, 8 or 16); included once by each cepstral_*.c.
 * The logarithm follows Gal's accurate tables (cepstral.h); sums run in sixteen lanes whatever the width. Every operation is
 * an exact IEEE one on its own lane, in the same order at every width, and none is fused. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "cepstral.h"
#include "wide.h"

#define INLINE static inline __attribute__((always_inline))

/* ---- loads: WIDTH numbers at any address, as floats ---- */

#if WIDTH == 16
INLINE wide_f load_u8(const unsigned char *p)
{
    return (wide_f)_mm512_cvtepi32_ps(
        _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
INLINE wide_f load_u16(const unsigned char *p)
{
    return (wide_f)_mm512_cvtepi32_ps(
        _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)));
}
INLINE wide_f load_i16(const unsigned char *p)
{
    return (wide_f)_mm512_cvtepi32_ps(
        _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)));
}
INLINE wide_f load_f16(const unsigned char *p)
{
    return (wide_f)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
INLINE wide_f load_f64(const unsigned char *p)
{
    __m256 a = _mm512_cvtpd_ps(_mm512_loadu_pd(p)), b = _mm512_cvtpd_ps(_mm512_loadu_pd(p + 64));
    return (wide_f)_mm512_insertf32x8(_mm512_castps256_ps512(a), b, 1);
}
#elif WIDTH == 8
INLINE wide_f load_u8(const unsigned char *p)
{
    return (wide_f)_mm256_cvtepi32_ps(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}
INLINE wide_f load_u16(const unsigned char *p)
{
    return (wide_f)_mm256_cvtepi32_ps(
        _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
INLINE wide_f load_i16(const unsigned char *p)
{
    return (wide_f)_mm256_cvtepi32_ps(
        _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
INLINE wide_f load_f16(const unsigned char *p)
{
    return (wide_f)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}
INLINE wide_f load_f64(const unsigned char *p)
{
    const double *d = (const double *)(const void *)p;
    __m128 a = _mm256_cvtpd_ps(_mm256_loadu_pd(d)), b = _mm256_cvtpd_ps(_mm256_loadu_pd(d + 4));
    return (wide_f)_mm256_insertf128_ps(_mm256_castps128_ps256(a), b, 1);
}
#else
#define LOAD(name, type, value)                                                                              \
    INLINE wide_f name(const unsigned char *p)                                                               \
    {                                                                                                        \
        type v[WIDTH];                                                                                       \
        memcpy(v, p, sizeof v);                                                                              \
        return (wide_f){value(v[0]), value(v[1]), value(v[2]), value(v[3])};                                 \
    }
LOAD(load_u8, uint8_t, (float))
LOAD(load_u16, uint16_t, (float))
LOAD(load_i16, int16_t, (float))
LOAD(load_f16, uint16_t, cep_half_value)
LOAD(load_f64, double, (float))
#undef LOAD
#endif

INLINE wide_f load_u32(const unsigned char *p)
{
    wide_u v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, wide_f);
}

INLINE wide_f load_i32(const unsigned char *p)
{
    wide_i v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, wide_f);
}

INLINE wide_f load_f32(const unsigned char *p)
{
    wide_f v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* ---- the logarithm ---- */

typedef struct nearest {
    wide_f point, inverse, log;
} nearest;

#define FIRST(a, b, c) a,
#define SECOND(a, b, c) b,
#define THIRD(a, b, c) c,

/* Entry j & 7 of the three tables, for each lane. */
#if WIDTH == 16
INLINE nearest nearest_of(wide_i j)
{
    const wide_f points = {CEP_LOG_POINTS(FIRST) CEP_LOG_POINTS(FIRST)},
                 inverses = {CEP_LOG_POINTS(SECOND) CEP_LOG_POINTS(SECOND)},
                 logs = {CEP_LOG_POINTS(THIRD) CEP_LOG_POINTS(THIRD)};
    return (nearest){(wide_f)_mm512_permutexvar_ps((__m512i)j, (__m512)points),
                     (wide_f)_mm512_permutexvar_ps((__m512i)j, (__m512)inverses),
                     (wide_f)_mm512_permutexvar_ps((__m512i)j, (__m512)logs)};
}
#elif WIDTH == 8
INLINE nearest nearest_of(wide_i j)
{
    const wide_f points = {CEP_LOG_POINTS(FIRST)}, inverses = {CEP_LOG_POINTS(SECOND)},
                 logs = {CEP_LOG_POINTS(THIRD)};
    return (nearest){(wide_f)_mm256_permutevar8x32_ps((__m256)points, (__m256i)j),
                     (wide_f)_mm256_permutevar8x32_ps((__m256)inverses, (__m256i)j),
                     (wide_f)_mm256_permutevar8x32_ps((__m256)logs, (__m256i)j)};
}
#else
INLINE nearest nearest_of(wide_i j)
{
#define ROW(a, b, c) {a, b, c, 0},
    static const float rows[8][4] __attribute__((aligned(16))) = {CEP_LOG_POINTS(ROW)};
#undef ROW
    wide_f a = wide_load(rows[j[0] & 7]), b = wide_load(rows[j[1] & 7]), c = wide_load(rows[j[2] & 7]),
           d = wide_load(rows[j[3] & 7]);
    wide_f ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    wide_f ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    return (nearest){__builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
                     __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5)};
}
#endif

/* Of TOGETHER vectors in step: one after the other they would wait for themselves, each operation for the one before. */
#define TOGETHER 2
#define EACH for (int k = 0; k < TOGETHER; k++)

INLINE void logarithms(wide_f x[TOGETHER])
{
    wide_i bits[TOGETHER], above[TOGETHER];
    wide_f e[TOGETHER], r[TOGETHER], s[TOGETHER], q[TOGETHER];
    nearest c[TOGETHER];
    EACH bits[k] = (wide_i)x[k];
    EACH above[k] = bits[k] - CEP_LOG_LEAST;
    EACH e[k] = __builtin_convertvector(above[k] >> 23, wide_f);
    EACH bits[k] -= above[k] & (int32_t)0xff800000;
    EACH c[k] = nearest_of((bits[k] + CEP_LOG_HALF) >> 20);
    EACH r[k] = ((wide_f)bits[k] - c[k].point) * c[k].inverse;
    EACH s[k] = r[k] * r[k];
    EACH q[k] = (r[k] * CEP_LOG_P5 + CEP_LOG_P4) * s[k] + (r[k] * CEP_LOG_P3 + CEP_LOG_P2);
    EACH q[k] = r[k] + s[k] * q[k];
    EACH x[k] = e[k] * CEP_LOG_LN2 + (c[k].log + q[k]);
}

/* Terms that leave nothing to clamp but negative pixels: the common ones. The result is the same. */
static bool simple_terms(const cep_log_terms *t)
{
    return t->subtract == 0 && t->floor == 0 && t->offset >= FLT_MIN && t->offset <= 0x1p100f;
}

/* simple, unsign (pixels are never negative) and real are constants where this is inlined. */
INLINE wide_f argument(wide_f v, const cep_log_terms *t, bool simple, bool unsign)
{
    if (simple) return (unsign ? v : wide_max(v, wide_set(0))) + t->offset;
    v = wide_max(v - t->subtract, wide_set(t->floor)) + t->offset;
    return wide_min(wide_max(v, wide_set(FLT_MIN)), wide_set(FLT_MAX));
}

/* All bits of the lanes whose exponent is all ones. */
INLINE wide_i not_finite(wide_f v)
{
    return ((wide_i)v & 0x7f800000) == 0x7f800000;
}

typedef wide_f (*load_function)(const unsigned char *);

/* Frames beyond the caches are fetched this many bytes before they are needed, across the pages (4 KiB) at which the
 * processor stops looking ahead, and into the next frame. An address without memory behind it is let be. */
#define AHEAD 4096

INLINE void fetch_ahead(const unsigned char *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const void *)((uintptr_t)p + AHEAD + i));
}

/* TOGETHER vectors; gives the lanes that are not finite. */
INLINE wide_i log_wide(load_function load, size_t size, const unsigned char *pixels, const float *window,
                       float *out, const cep_log_terms *t, bool simple, bool unsign, bool real)
{
    wide_f v[TOGETHER];
    wide_i bad = {0};
    EACH v[k] = load(pixels + (size_t)k * WIDTH * size);
    if (real) EACH bad |= not_finite(v[k]);
    EACH v[k] = argument(v[k], t, simple, unsign);
    logarithms(v);
    EACH wide_store(out + k * WIDTH, window ? v[k] * wide_load(window + k * WIDTH) : v[k]);
    return bad;
}

#define STEP (TOGETHER * WIDTH)

INLINE bool log_all(load_function load, size_t size, const unsigned char *pixels, const float *window,
                    float *out, size_t n, const cep_log_terms *given, bool simple, bool unsign, bool real)
{
    const cep_log_terms t = *given;
    wide_i bad = {0};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        fetch_ahead(pixels + i * size, STEP * size);
        bad |= log_wide(load, size, pixels + i * size, window ? window + i : NULL, out + i, &t, simple,
                        unsign, real);
    }
    if (i == n) return real && wide_any(bad);
    if (n >= STEP && (const void *)pixels != (const void *)out) {
        i = n - STEP; /* once more over some */
        bad |= log_wide(load, size, pixels + i * size, window ? window + i : NULL, out + i, &t, simple,
                        unsign, real);
        return real && wide_any(bad);
    }
    unsigned char some[8 * STEP] = {0};
    float weights[STEP] = {0}, values[STEP];
    memcpy(some, pixels + i * size, (n - i) * size);
    if (window) memcpy(weights, window + i, (n - i) * sizeof *weights);
    bad |= log_wide(load, size, some, window ? weights : NULL, values, &t, simple, unsign, real);
    memcpy(out + i, values, (n - i) * sizeof *out);
    return real && wide_any(bad);
}

INLINE wide_i clamp_wide(load_function load, const unsigned char *pixels, float *out, wide_f *least,
                         wide_f *most)
{
    wide_f v = load(pixels);
    wide_i bad = not_finite(v);
    v = wide_max(v, wide_set(0));
    wide_store(out, v);
    *least = wide_min(v, *least);
    *most = wide_max(v, *most);
    return bad;
}

INLINE bool clamp_all(load_function load, size_t size, const unsigned char *pixels, float *out, size_t n,
                      cep_pixel_range *range, bool real)
{
    wide_f least = wide_set(range->least), most = wide_set(range->most);
    wide_i bad = {0};
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) {
        fetch_ahead(pixels + i * size, WIDTH * size);
        bad |= clamp_wide(load, pixels + i * size, out + i, &least, &most);
    }
    if (i < n) { /* the rest, filled up with its first pixel */
        unsigned char some[8 * WIDTH];
        float values[WIDTH];
        for (size_t j = 0; j < WIDTH; j++)
            memcpy(some + j * size, pixels + (i + j < n ? i + j : i) * size, size);
        bad |= clamp_wide(load, some, values, &least, &most);
        memcpy(out + i, values, (n - i) * sizeof *out);
    }
    for (int j = 0; j < WIDTH; j++) {
        if (least[j] < range->least) range->least = least[j];
        if (most[j] > range->most) range->most = most[j];
    }
    return real && wide_any(bad);
}

#define PIXELS(suffix, size, unsign, real)                                                                   \
    static bool log_##suffix(const void *pixels, const float *window, float *out, size_t n,                  \
                             const cep_log_terms *t)                                                         \
    {                                                                                                        \
        return simple_terms(t)                                                                               \
                   ? log_all(load_##suffix, size, pixels, window, out, n, t, true, unsign, real)             \
                   : log_all(load_##suffix, size, pixels, window, out, n, t, false, unsign, real);           \
    }                                                                                                        \
    static bool clamp_##suffix(const void *pixels, float *out, size_t n, cep_pixel_range *range)             \
    {                                                                                                        \
        return clamp_all(load_##suffix, size, pixels, out, n, range, real);                                  \
    }
PIXELS(u8, 1, true, false)
PIXELS(u16, 2, true, false)
PIXELS(i16, 2, false, false)
PIXELS(u32, 4, true, false)
PIXELS(i32, 4, false, false)
PIXELS(f16, 2, false, true)
PIXELS(f32, 4, false, true)
PIXELS(f64, 8, false, true)

/* ---- tables of counts ---- */

#define LOOK_UP(suffix, type)                                                                                \
    static void look_up_##suffix(const void *pixels, const float *table, const float *window, float *out,    \
                                 size_t n)                                                                   \
    {                                                                                                        \
        const unsigned char *p = pixels;                                                                     \
        size_t i = 0;                                                                                        \
        for (; i + WIDTH <= n; i += WIDTH) {                                                                 \
            type count[WIDTH];                                                                               \
            wide_f v;                                                                                        \
            memcpy(count, p + i * sizeof *count, sizeof count);                                              \
            for (int j = 0; j < WIDTH; j++)                                                                  \
                v[j] = table[count[j]];                                                                      \
            wide_store(out + i, window ? v * wide_load(window + i) : v);                                     \
        }                                                                                                    \
        for (; i < n; i++) {                                                                                 \
            type count;                                                                                      \
            memcpy(&count, p + i * sizeof count, sizeof count);                                              \
            out[i] = window ? table[count] * window[i] : table[count];                                       \
        }                                                                                                    \
    }
LOOK_UP(u8, uint8_t)
LOOK_UP(u16, uint16_t)

/* ---- complex numbers ---- */

/* WIDTH |z|^2 from WIDTH pairs. */
INLINE wide_f squares(const float *z)
{
    wide_f a = wide_load(z), b = wide_load(z + WIDTH);
    a = a * a;
    b = b * b;
#if WIDTH == 16
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#elif WIDTH == 8
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD 1, 3, 5, 7, 9, 11, 13, 15
#else
#define EVEN 0, 2, 4, 6
#define ODD 1, 3, 5, 7
#endif
    return __builtin_shufflevector(a, b, EVEN) + __builtin_shufflevector(a, b, ODD);
}

INLINE wide_f root(wide_f v)
{
#if WIDTH == 16
    return (wide_f)_mm512_sqrt_ps((__m512)v);
#elif WIDTH == 8
    return (wide_f)_mm256_sqrt_ps((__m256)v);
#else
    for (int i = 0; i < WIDTH; i++)
        v[i] = sqrtf(v[i]);
    return v;
#endif
}

INLINE void sizes(const float *z, float *out, size_t n, bool power)
{
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) {
        wide_f v = squares(z + 2 * i);
        wide_store(out + i, power ? v : root(v));
    }
    if (i < n) {
        float some[2 * WIDTH] = {0}, values[WIDTH];
        memcpy(some, z + 2 * i, 2 * (n - i) * sizeof *some);
        wide_f v = squares(some);
        wide_store(values, power ? v : root(v));
        memcpy(out + i, values, (n - i) * sizeof *out);
    }
}

static void magnitude(const float *z, float *out, size_t n)
{
    sizes(z, out, n, false);
}

static void power(const float *z, float *out, size_t n)
{
    sizes(z, out, n, true);
}

/* ---- sums: sixteen lanes of double, then lane j + 8 onto lane j, and halves again ---- */

#define HALF (WIDTH / 2)
#define PARTS (16 / HALF)
typedef double wide_d __attribute__((vector_size(4 * WIDTH)));

INLINE wide_d widen(const float *p)
{
#if WIDTH == 16
    return (wide_d)_mm512_cvtps_pd(_mm256_loadu_ps(p));
#elif WIDTH == 8
    return (wide_d)_mm256_cvtps_pd(_mm_loadu_ps(p));
#else
    return (wide_d){(double)p[0], (double)p[1]};
#endif
}

INLINE void add_sixteen(wide_d s[PARTS], const float *x, bool squared)
{
    for (int j = 0; j < PARTS; j++) {
        wide_d v = widen(x + j * HALF);
        s[j] += squared ? v * v : v;
    }
}

INLINE double add_up(const float *x, size_t n, bool squared)
{
    wide_d s[PARTS] = {{0}};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        add_sixteen(s, x + i, squared);
    if (i < n) {
        float some[16] = {0};
        memcpy(some, x + i, (n - i) * sizeof *some);
        add_sixteen(s, some, squared);
    }
    for (int parts = PARTS / 2; parts; parts /= 2)
        for (int j = 0; j < parts; j++)
            s[j] += s[j + parts];
    double lane[HALF];
    memcpy(lane, s, sizeof lane);
    for (int width = HALF / 2; width; width /= 2)
        for (int j = 0; j < width; j++)
            lane[j] += lane[j + width];
    return lane[0];
}

static double sum(const float *x, size_t n)
{
    return add_up(x, n, false);
}

static double sum_squares(const float *x, size_t n)
{
    return add_up(x, n, true);
}

static void scale(float *x, size_t n, float factor)
{
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH)
        wide_store(x + i, wide_load(x + i) * factor);
    for (; i < n; i++)
        x[i] *= factor;
}

#define EACH_PIXEL(name)                                                                                     \
    {                                                                                                        \
        [CEP_PIXEL_U8] = name##_u8, [CEP_PIXEL_U16] = name##_u16, [CEP_PIXEL_I16] = name##_i16,              \
        [CEP_PIXEL_U32] = name##_u32, [CEP_PIXEL_I32] = name##_i32, [CEP_PIXEL_F16] = name##_f16,            \
        [CEP_PIXEL_F32] = name##_f32, [CEP_PIXEL_F64] = name##_f64                                           \
    }
#define CEPSTRAL_KERNELS(with_tables)                                                                        \
    {                                                                                                        \
        EACH_PIXEL(log), EACH_PIXEL(clamp), look_up_u8, look_up_u16, with_tables, magnitude, power, sum,     \
            sum_squares, scale                                                                               \
    }
