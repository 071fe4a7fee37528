/* The columns kernels for a vector of LANES floats (4, 8 or 16); included once by each columns_*.c.
 * Decimation in frequency (Gentleman and Sande 1966) with radices 2, 3, 4, 5, 8, in place; two real columns in one
 * complex transform. Written with the compilers' vector extension, so that each form has the same operations. */
#include <math.h>

#include "columns.h"

typedef float vec __attribute__((vector_size(LANES * 4)));
/* The same where memory is only aligned for a float. */
typedef float loose __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *p)
{
    return *(const loose *)(const void *)p;
}

INLINE void store(float *p, vec v)
{
    *(loose *)(void *)p = v;
}

INLINE vec square_root(vec v)
{
#if LANES == 16
    return (vec)_mm512_sqrt_ps((__m512)v);
#elif LANES == 8
    return (vec)_mm256_sqrt_ps((__m256)v);
#else
    for (int i = 0; i < LANES; i++)
        v[i] = sqrtf(v[i]);
    return v;
#endif
}

/* ---- butterflies: y_q = sum_p x_p exp(-2 pi i p q / radix), in place ---- */

INLINE void butterfly2(vec *r, vec *i)
{
    vec a = r[0], b = i[0];
    r[0] = a + r[1];
    i[0] = b + i[1];
    r[1] = a - r[1];
    i[1] = b - i[1];
}

INLINE void butterfly3(vec *r, vec *i)
{
    const float sine = 0.866025403784438647f;
    vec tr = r[1] + r[2], ti = i[1] + i[2], dr = (r[1] - r[2]) * sine, di = (i[1] - i[2]) * sine;
    vec mr = r[0] - tr * 0.5f, mi = i[0] - ti * 0.5f;
    r[0] = r[0] + tr;
    i[0] = i[0] + ti;
    r[1] = mr + di;
    i[1] = mi - dr;
    r[2] = mr - di;
    i[2] = mi + dr;
}

INLINE void butterfly4(vec *r, vec *i)
{
    vec ar = r[0] + r[2], ai = i[0] + i[2], br = r[0] - r[2], bi = i[0] - i[2];
    vec cr = r[1] + r[3], ci = i[1] + i[3], dr = r[1] - r[3], di = i[1] - i[3];
    r[0] = ar + cr;
    i[0] = ai + ci;
    r[1] = br + di;
    i[1] = bi - dr;
    r[2] = ar - cr;
    i[2] = ai - ci;
    r[3] = br - di;
    i[3] = bi + dr;
}

INLINE void butterfly5(vec *r, vec *i)
{
    const float c1 = 0.309016994374947424f, c2 = -0.809016994374947424f;
    const float s1 = 0.951056516295153572f, s2 = 0.587785252292473129f;
    vec tr = r[1] + r[4], ti = i[1] + i[4], ur = r[2] + r[3], ui = i[2] + i[3];
    vec dr = r[1] - r[4], di = i[1] - i[4], er = r[2] - r[3], ei = i[2] - i[3];
    vec ar = r[0] + (tr * c1 + ur * c2), ai = i[0] + (ti * c1 + ui * c2);
    vec br = r[0] + (tr * c2 + ur * c1), bi = i[0] + (ti * c2 + ui * c1);
    vec pr = dr * s1 + er * s2, pi = di * s1 + ei * s2;
    vec qr = dr * s2 - er * s1, qi = di * s2 - ei * s1;
    r[0] = r[0] + (tr + ur);
    i[0] = i[0] + (ti + ui);
    r[1] = ar + pi;
    i[1] = ai - pr;
    r[4] = ar - pi;
    i[4] = ai + pr;
    r[2] = br + qi;
    i[2] = bi - qr;
    r[3] = br - qi;
    i[3] = bi + qr;
}

INLINE void butterfly8(vec *r, vec *i)
{
    const float half = 0.707106781186547524f; /* square root of a half */
    vec er[4], ei[4], odd_r[4], odd_i[4];
    for (int p = 0; p < 4; p++) {
        er[p] = r[p] + r[p + 4];
        ei[p] = i[p] + i[p + 4];
        odd_r[p] = r[p] - r[p + 4];
        odd_i[p] = i[p] - i[p + 4];
    }
    vec t = odd_r[1];
    odd_r[1] = (t + odd_i[1]) * half;
    odd_i[1] = (odd_i[1] - t) * half;
    t = odd_r[2];
    odd_r[2] = odd_i[2];
    odd_i[2] = -t;
    t = odd_r[3];
    odd_r[3] = (odd_i[3] - t) * half;
    odd_i[3] = (odd_i[3] + t) * -half;
    butterfly4(er, ei);
    butterfly4(odd_r, odd_i);
    for (int q = 0; q < 4; q++) {
        r[2 * q] = er[q];
        i[2 * q] = ei[q];
        r[2 * q + 1] = odd_r[q];
        i[2 * q + 1] = odd_i[q];
    }
}

INLINE void butterfly(int radix, vec *r, vec *i)
{
    switch (radix) {
    case 2:
        butterfly2(r, i);
        break;
    case 3:
        butterfly3(r, i);
        break;
    case 4:
        butterfly4(r, i);
        break;
    case 5:
        butterfly5(r, i);
        break;
    default:
        butterfly8(r, i);
        break;
    }
}

/* ---- stages ---- */

/* All blocks of a stage. radix and shifted are constants where this is inlined. */
INLINE void stage(int radix, bool shifted, float shift, size_t n, size_t span, const float *twiddles,
                  const float *re, const float *im, size_t stride, float *out)
{
    for (size_t j = 0; j < span; j++) {
        const float *w = twiddles + j * 2 * (size_t)(radix - 1);
        for (size_t block = j; block < n; block += (size_t)radix * span) {
            vec r[8], i[8];
            for (int p = 0; p < radix; p++) {
                r[p] = load(re + (block + (size_t)p * span) * stride);
                i[p] = load(im + (block + (size_t)p * span) * stride);
                if (shifted) {
                    r[p] = r[p] - shift;
                    i[p] = i[p] - shift;
                }
            }
            butterfly(radix, r, i);
            for (int q = 0; q < radix; q++) {
                vec a = r[q], b = i[q];
                if (q && j) {
                    const float c = w[2 * (q - 1)], s = w[2 * (q - 1) + 1];
                    vec t = a * c - b * s;
                    b = a * s + b * c;
                    a = t;
                }
                float *p = out + (block + (size_t)q * span) * CEP_STRIP_ROW;
                store(p, a);
                store(p + CEP_STRIP, b);
            }
        }
    }
}

INLINE void run_stage(bool shifted, float shift, const cep_columns_stage *s, size_t n, const float *re,
                      const float *im, size_t stride, float *out)
{
    switch (s->radix) {
    case 2:
        stage(2, shifted, shift, n, s->span, s->twiddles, re, im, stride, out);
        break;
    case 3:
        stage(3, shifted, shift, n, s->span, s->twiddles, re, im, stride, out);
        break;
    case 4:
        stage(4, shifted, shift, n, s->span, s->twiddles, re, im, stride, out);
        break;
    case 5:
        stage(5, shifted, shift, n, s->span, s->twiddles, re, im, stride, out);
        break;
    default:
        stage(8, shifted, shift, n, s->span, s->twiddles, re, im, stride, out);
        break;
    }
}

static void transform(const cep_columns_plan *plan, const float *re, const float *im, size_t stride,
                      float shift, float *strip)
{
    for (size_t lane = 0; lane < CEP_STRIP; lane += LANES) {
        float *out = strip + lane;
        if (shift != 0)
            run_stage(true, shift, &plan->stages[0], plan->n, re + lane, im + lane, stride, out);
        else
            run_stage(false, 0, &plan->stages[0], plan->n, re + lane, im + lane, stride, out);
        for (size_t s = 1; s < plan->count; s++)
            run_stage(false, 0, &plan->stages[s], plan->n, out, out + CEP_STRIP, CEP_STRIP_ROW, out);
    }
}

/* ---- turning ---- */

#if LANES == 4
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#elif LANES == 8
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif

/* Transposes LANES vectors: each round is a perfect shuffle of all elements, log2(LANES) of them transpose. */
INLINE void turn(vec *v)
{
    for (int round = 1; round < LANES; round *= 2) {
        vec t[LANES];
        for (int k = 0; k < LANES / 2; k++) {
            t[2 * k] = LOW(v[k], v[k + LANES / 2]);
            t[2 * k + 1] = HIGH(v[k], v[k + LANES / 2]);
        }
        for (int k = 0; k < LANES; k++)
            v[k] = t[k];
    }
}

/* Rows lane .. lane+LANES-1 of out get x + sign * y, turned. x, y: offsets of LANES outputs and of their mirrors. */
INLINE void separate_part(const float *strip, const size_t *k, const size_t *mirror, size_t part, float sign,
                          float *out, size_t rows)
{
    vec v[LANES];
    for (int j = 0; j < LANES; j++)
        v[j] = load(strip + k[j] + part) + load(strip + mirror[j] + part) * sign;
    turn(v);
    for (size_t c = 0; c < LANES && c < rows; c++)
        store(out + c * CEP_STRIP_ROW, v[c]);
}

static void separate(const cep_columns_plan *plan, const float *strip, size_t first, float *a, size_t na,
                     float *b, size_t nb)
{
    const size_t n = plan->n;
    for (size_t group = 0; group < CEP_STRIP; group += LANES) {
        size_t k[LANES], mirror[LANES];
        for (size_t j = 0; j < LANES; j++) {
            size_t output = (first + group + j) % n;
            k[j] = plan->position[output] * CEP_STRIP_ROW;
            mirror[j] = plan->position[(n - output) % n] * CEP_STRIP_ROW;
        }
        for (size_t lane = 0; lane < CEP_STRIP; lane += LANES) {
            /* z = a + i b: 2 a = z(k) + conj z(-k), 2 i b = z(k) - conj z(-k). */
            const float *s = strip + lane;
            if (lane < na) {
                float *out = a + lane * CEP_STRIP_ROW + group;
                separate_part(s, k, mirror, 0, 1, out, na - lane);
                separate_part(s, k, mirror, CEP_STRIP, -1, out + CEP_STRIP, na - lane);
            }
            if (lane < nb) {
                float *out = b + lane * CEP_STRIP_ROW + group;
                separate_part(s, k, mirror, CEP_STRIP, 1, out, nb - lane);
                separate_part(s, mirror, k, 0, -1, out + CEP_STRIP, nb - lane);
            }
        }
    }
}

static void magnitude(const float *strip, const uint32_t *rows, size_t count, float factor, bool power,
                      float *out, size_t stride)
{
    for (size_t i = 0; i < count; i++)
        for (size_t lane = 0; lane < CEP_STRIP; lane += LANES) {
            const float *p = strip + (size_t)rows[i] * CEP_STRIP_ROW + lane;
            vec re = load(p), im = load(p + CEP_STRIP), v = re * re + im * im;
            store(out + i * stride + lane, (power ? v : square_root(v)) * factor);
        }
}
