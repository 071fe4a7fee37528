/* Topic distance, plain C: eight partial sums, added as a tree.
 * The order of additions is fixed, so that a pair of rows has the same distance wherever it is computed.
 * Must not: use an instruction set beyond the build's baseline. */
#include <string.h>

#include "distance.h"

#define LANES 8

static float reduce(const float s[LANES])
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static float squared(const float *a, const float *b, size_t n)
{
    float s[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float d = a[i + (size_t)j] - b[i + (size_t)j];
            s[j] += d * d;
        }
    for (int j = 0; i < n; i++, j++) {
        float d = a[i] - b[i];
        s[j] += d * d;
    }
    return reduce(s);
}

static float dot(const float *a, const float *b, size_t n)
{
    float s[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            s[j] += a[i + (size_t)j] * b[i + (size_t)j];
    for (int j = 0; i < n; i++, j++)
        s[j] += a[i] * b[i];
    return reduce(s);
}

static void dot4x4(const float *a, size_t as, const float *b, size_t bs, size_t n, float out[16])
{
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            out[i * 4 + j] = dot(a + i * as, b + j * bs, n);
}

#define LANES_F64 16

static double reduce_f64(double s[LANES_F64])
{
    for (int j = 0; j < 8; j++)
        s[j] += s[j + 8];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static double squared_f64(const float *a, const float *b, size_t n)
{
    double s[LANES_F64] = {0};
    size_t i = 0;
    for (; i + LANES_F64 <= n; i += LANES_F64)
        for (int j = 0; j < LANES_F64; j++) {
            double d = (double)a[i + (size_t)j] - (double)b[i + (size_t)j];
            s[j] += d * d;
        }
    for (int j = 0; i < n; i++, j++) {
        double d = (double)a[i] - (double)b[i];
        s[j] += d * d;
    }
    return reduce_f64(s);
}

static double dot_f64(const float *a, const float *b, size_t n)
{
    double s[LANES_F64] = {0};
    size_t i = 0;
    for (; i + LANES_F64 <= n; i += LANES_F64)
        for (int j = 0; j < LANES_F64; j++)
            s[j] += (double)a[i + (size_t)j] * (double)b[i + (size_t)j];
    for (int j = 0; i < n; i++, j++)
        s[j] += (double)a[i] * (double)b[i];
    return reduce_f64(s);
}

static void squared_f64_four(const float *const a[4], const float *b, size_t n, double out[4])
{
    for (int r = 0; r < 4; r++)
        out[r] = squared_f64(a[r], b, n);
}

static void dot_f64_four(const float *const a[4], const float *b, size_t n, double out[4])
{
    for (int r = 0; r < 4; r++)
        out[r] = dot_f64(a[r], b, n);
}

#include "distance_largest.h"

const cep_distance_kernels cep_distance_generic = {
    squared, dot, dot4x4, squared_f64, dot_f64, squared_f64_four, dot_f64_four, largest};
