/* Topic cepstral: pixels to windowed logarithms, complex numbers to magnitudes, sums. Part of the door
 * kernels.h. All forms agree bit for bit: they multiply and add in the same order and never fuse. */
#ifndef CEP_KERNELS_CEPSTRAL_H
#define CEP_KERNELS_CEPSTRAL_H

#include "base.h"

/* The argument of the logarithm is max(pixel - subtract, floor) + offset, held to [FLT_MIN, FLT_MAX].
 * floor >= 0, which also clamps negative pixels at 0. */
typedef struct cep_log_terms {
    float subtract, floor, offset;
} cep_log_terms;

/* Smallest and largest of the pixels clamped at 0; start with {INFINITY, 0}. */
typedef struct cep_pixel_range {
    float least, most;
} cep_pixel_range;

/* Types of pixels that have kernels of their own; others are turned into float32 first. */
typedef enum cep_pixel {
    CEP_PIXEL_U8,
    CEP_PIXEL_U16,
    CEP_PIXEL_I16,
    CEP_PIXEL_U32,
    CEP_PIXEL_I32,
    CEP_PIXEL_F16,
    CEP_PIXEL_F32,
    CEP_PIXEL_F64,
    CEP_PIXELS
} cep_pixel;

typedef bool (*cep_log_kernel)(const void *pixels, const float *window, float *out, size_t n,
                               const cep_log_terms *terms);
typedef bool (*cep_clamp_kernel)(const void *pixels, float *out, size_t n, cep_pixel_range *range);

/* pixels: n numbers in this machine's byte order, at any address. Where they are float32, out may be pixels. */
typedef struct cep_cepstral_kernels {
    /* out[i] = window[i] * log(argument of pixel i); window NULL: 1. The logarithm's error is below 2 ulp.
     * True when a pixel, as a float, is not finite (out is then good for nothing). */
    cep_log_kernel log[CEP_PIXELS];
    /* Clamps at 0 into out and widens the range. True when a pixel, as a float, is not finite. */
    cep_clamp_kernel clamp[CEP_PIXELS];
    /* out[i] = window[i] * table[pixel i]; window NULL: 1. What log does where the table holds the logarithms of all
     * counts. Quicker than log at this level when `tables` is true. */
    void (*look_up_u8)(const void *pixels, const float *table, const float *window, float *out, size_t n);
    void (*look_up_u16)(const void *pixels, const float *table, const float *window, float *out, size_t n);
    bool tables;
    /* |z| and |z|^2 of n interleaved (re, im) pairs. */
    void (*magnitude)(const float *z, float *out, size_t n);
    void (*power)(const float *z, float *out, size_t n);
    /* Sums in double over sixteen lanes, added as a tree: sum x[i], sum x[i]^2. */
    double (*sum)(const float *x, size_t n);
    double (*sum_squares)(const float *x, size_t n);
    /* x[i] *= factor */
    void (*scale)(float *x, size_t n, float factor);
} cep_cepstral_kernels;

const cep_cepstral_kernels *cep_cepstral_kernels_get(cep_cpu_level level);

extern const cep_cepstral_kernels cep_cepstral_generic;
#if defined(__x86_64__)
extern const cep_cepstral_kernels cep_cepstral_avx2;
extern const cep_cepstral_kernels cep_cepstral_avx512;
#endif

/* ---- what the forms share (cepstral_body.h) ---- */

/* log x = e ln 2 + log c + log1p((m - c) / c), x = 2^e m, m in [0.71875, 1.4375), c one of eight points near
 * m. The points are chosen so that log c and 1 / c are floats to within 0.002 ulp (S. Gal, "An accurate
 * elementary mathematical library", ACM TOMS 17, 1991); m - c is exact. log1p(r) = r + r^2 ((p2 + r p3) + r^2
 * (p4 + r p5)), relative error 8e-9 for r in [-0.0557, 0.0626]. The worst of all 2,130,706,432 positive normal floats has
 * an error of 1.254 ulp. */
#define CEP_LOG_LEAST 0x3f380000 /* bits of 0.71875 */
#define CEP_LOG_HALF 0x00080000  /* half a step of the three leading mantissa bits */
/* X(point, its inverse, its logarithm) */
#define CEP_LOG_POINTS(X)                                                                                    \
    X(0x1p+0f, 0x1p+0f, 0x0p+0f)                                                                             \
    X(0x1.200b38p+0f, 0x1.c70ab8p-1f, 0x1.e31002p-4f)                                                        \
    X(0x1.3f37f2p+0f, 0x1.9a9a4cp-1f, 0x1.c3fd92p-3f)                                                        \
    X(0x1.618352p+0f, 0x1.72c51ep-1f, 0x1.4a7d12p-2f)                                                        \
    X(0x1.7e3ec0p-1f, 0x1.56e680p+0f, -0x1.2b46e0p-2f)                                                       \
    X(0x1.9fc0a6p-1f, 0x1.3b43b4p+0f, -0x1.aa76cep-3f)                                                       \
    X(0x1.bf2cccp-1f, 0x1.251c78p+0f, -0x1.153f4cp-3f)                                                       \
    X(0x1.dfc2cap-1f, 0x1.1133e8p+0f, -0x1.0a6402p-4f)
#define CEP_LOG_P2 -0x1.ffffdap-2f
#define CEP_LOG_P3 0x1.555690p-2f
#define CEP_LOG_P4 -0x1.00b690p-2f
#define CEP_LOG_P5 0x1.95efcep-3f
#define CEP_LOG_LN2 0x1.62e430p-1f

#endif
