/* Topic cepstral, plain C: the form that says what the others compute.
 * The logarithm follows Gal's accurate tables (cepstral.h); sums run in sixteen lanes whatever the vector
 * width. Must not: fuse a multiplication with an addition, or change their order. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "cepstral.h"

static inline float larger(float a, float b)
{
    return a > b ? a : b; /* b when a is NaN */
}

static inline float smaller(float a, float b)
{
    return a < b ? a : b;
}

static inline float logarithm(float x)
{
    static const float points[8] = {CEP_LOG_POINTS}, inverses[8] = {CEP_LOG_INVERSES},
                       logs[8] = {CEP_LOG_LOGS};
    int32_t bits, above;
    memcpy(&bits, &x, sizeof bits);
    above = bits - CEP_LOG_LEAST;
    int32_t e = above >> 23;
    bits -= (int32_t)((uint32_t)above & 0xff800000u);
    float m;
    memcpy(&m, &bits, sizeof m);
    int j = (bits + CEP_LOG_HALF) >> 20 & 7;
    float r = (m - points[j]) * inverses[j];
    float q = ((CEP_LOG_P5 * r + CEP_LOG_P4) * r + CEP_LOG_P3) * r + CEP_LOG_P2;
    float p = r + r * r * q;
    return (float)e * CEP_LOG_LN2 + (logs[j] + p);
}

static inline float log_of(float pixel, const cep_log_terms *t)
{
    float a = larger(pixel - t->subtract, t->floor) + t->offset;
    return logarithm(smaller(larger(a, FLT_MIN), FLT_MAX));
}

static bool log_f32(const float *pixels, const float *window, float *out, size_t n, const cep_log_terms *t)
{
    bool bad = false;
    for (size_t i = 0; i < n; i++) {
        float v = pixels[i];
        bad |= !(fabsf(v) <= FLT_MAX);
        float l = log_of(v, t);
        out[i] = window ? l * window[i] : l;
    }
    return bad;
}

#define LOG_COUNTS(name, type)                                                                               \
    static void name(const type *pixels, const float *window, float *out, size_t n, const cep_log_terms *t)  \
    {                                                                                                        \
        for (size_t i = 0; i < n; i++) {                                                                     \
            float l = log_of((float)pixels[i], t);                                                           \
            out[i] = window ? l * window[i] : l;                                                             \
        }                                                                                                    \
    }
LOG_COUNTS(log_u8, uint8_t)
LOG_COUNTS(log_u16, uint16_t)

static bool clamp_f32(const float *pixels, float *out, size_t n, cep_pixel_range *range)
{
    bool bad = false;
    cep_pixel_range r = *range;
    for (size_t i = 0; i < n; i++) {
        float v = pixels[i];
        bad |= !(fabsf(v) <= FLT_MAX);
        v = larger(v, 0);
        out[i] = v;
        r.least = smaller(v, r.least);
        r.most = larger(v, r.most);
    }
    *range = r;
    return bad;
}

#define CLAMP_COUNTS(name, type)                                                                             \
    static void name(const type *pixels, float *out, size_t n, cep_pixel_range *range)                       \
    {                                                                                                        \
        cep_pixel_range r = *range;                                                                          \
        for (size_t i = 0; i < n; i++) {                                                                     \
            float v = (float)pixels[i];                                                                      \
            out[i] = v;                                                                                      \
            r.least = smaller(v, r.least);                                                                   \
            r.most = larger(v, r.most);                                                                      \
        }                                                                                                    \
        *range = r;                                                                                          \
    }
CLAMP_COUNTS(clamp_u8, uint8_t)
CLAMP_COUNTS(clamp_u16, uint16_t)

static void magnitude(const float *z, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = sqrtf(z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1]);
}

static void power(const float *z, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1];
}

static double reduce(double s[16])
{
    for (int width = 8; width; width /= 2)
        for (int j = 0; j < width; j++)
            s[j] += s[j + width];
    return s[0];
}

static double sum(const float *x, size_t n)
{
    double s[16] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 16] += (double)x[i];
    return reduce(s);
}

static double sum_squares(const float *x, size_t n)
{
    double s[16] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 16] += (double)x[i] * (double)x[i];
    return reduce(s);
}

static void scale(float *x, size_t n, float factor)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

const cep_cepstral_kernels cep_cepstral_generic = {
    log_f32, log_u8, log_u16, clamp_f32, clamp_u8, clamp_u16, magnitude, power, sum, sum_squares, scale,
};
