/* Topic centres, written once over lanes.h and compiled for every level.
 * Few features: sixteen points at a time against all centres; many: four rows against a handful of centres.
 * Must not: decide near ties; it only says where they are. */
#include <math.h>

#include "centres.h"
#include "lanes.h"

static inline lanes block_distance(const float *block, size_t d, const float *centre)
{
    lanes s = lanes_all(0);
    for (size_t j = 0; j < d; j++) {
        lanes e = lanes_sub(lanes_load(block + j * LANES), lanes_all(centre[j]));
        s = lanes_fma(e, e, s);
    }
    return s;
}

static inline __attribute__((always_inline)) void assign_any(const float *soa, size_t blocks, size_t d,
                                                             const float *centres, size_t k, float slack,
                                                             const int32_t *previous, int32_t *labels,
                                                             uint16_t *changed, uint16_t *unsure)
{
    lanes factor = lanes_all(1 + slack), least = lanes_all(1e-37f);
    for (size_t b = 0; b < blocks; b++) {
        const float *x = soa + b * d * LANES;
        lanes best = lanes_all(INFINITY), second = best, index = lanes_all(0);
        for (size_t c = 0; c < k; c++) {
            lanes s = block_distance(x, d, centres + c * d);
            lanes_mask nearer = lanes_less(s, best);
            second = lanes_min(second, lanes_max(best, s));
            best = lanes_min(best, s);
            index = lanes_pick(nearer, lanes_all((float)c), index);
        }
        unsure[b] = (uint16_t)lanes_bits(lanes_at_most(second, lanes_fma(best, factor, least)));
        changed[b] = (uint16_t)lanes_int_changed(previous + b * LANES, index);
        lanes_store_int(labels + b * LANES, index);
    }
}

static void assign(const float *soa, size_t blocks, size_t d, const float *centres, size_t k, float slack,
                   const int32_t *previous, int32_t *labels, uint16_t *changed, uint16_t *unsure)
{
    if (d == 2)
        assign_any(soa, blocks, 2, centres, k, slack, previous, labels, changed, unsure);
    else if (d == 3)
        assign_any(soa, blocks, 3, centres, k, slack, previous, labels, changed, unsure);
    else
        assign_any(soa, blocks, d, centres, k, slack, previous, labels, changed, unsure);
}

static double approach(const float *soa, size_t blocks, size_t d, const float *centre, const float *weights,
                       float *closest)
{
    double sum = 0;
    for (size_t b = 0; b < blocks; b++) {
        lanes s = block_distance(soa + b * d * LANES, d, centre);
        s = lanes_min(s, lanes_load(closest + b * LANES));
        lanes_store(closest + b * LANES, s);
        if (weights) s = lanes_mul(s, lanes_load(weights + b * LANES));
        sum += (double)lanes_sum(s);
    }
    return sum;
}

static void potential(const float *soa, size_t blocks, size_t d, const float *centres, size_t count,
                      const float *weights, const float *closest, double *sums)
{
    for (size_t t = 0; t < count; t++)
        sums[t] = 0;
    for (size_t b = 0; b < blocks; b++) {
        lanes now = lanes_load(closest + b * LANES);
        lanes w = weights ? lanes_load(weights + b * LANES) : lanes_all(1);
        for (size_t t = 0; t < count; t++) {
            lanes s = lanes_min(now, block_distance(soa + b * d * LANES, d, centres + t * d));
            sums[t] += (double)lanes_sum(lanes_mul(s, w));
        }
    }
}

/* Four rows against `many` centres, a constant in each call below, so that the sums stay in registers. */
static inline __attribute__((always_inline)) void dots_some(const float *const rows[4], const float *centres,
                                                            size_t stride, size_t many, size_t d, float *out,
                                                            size_t count)
{
    lanes s[4][LANES_CENTRES];
    for (int r = 0; r < 4; r++)
        for (size_t c = 0; c < many; c++)
            s[r][c] = lanes_all(0);
    size_t i = 0;
    for (; i + LANES <= d; i += LANES) {
        lanes x[4];
        for (int r = 0; r < 4; r++)
            x[r] = lanes_load(rows[r] + i);
        for (size_t c = 0; c < many; c++) {
            lanes y = lanes_load(centres + c * stride + i);
            for (int r = 0; r < 4; r++)
                s[r][c] = lanes_fma(x[r], y, s[r][c]);
        }
    }
    if (i < d)
        for (size_t c = 0; c < many; c++) {
            lanes y = lanes_load_some(centres + c * stride + i, d - i);
            for (int r = 0; r < 4; r++)
                s[r][c] = lanes_fma(lanes_load_some(rows[r] + i, d - i), y, s[r][c]);
        }
    for (size_t r = 0; r < 4; r++)
        for (size_t c = 0; c < many; c++)
            out[r * count + c] = lanes_sum(s[r][c]);
}

static void dots(const float *const rows[4], const float *centres, size_t stride, size_t count, size_t d,
                 float *out)
{
    size_t c = 0;
    for (; c + LANES_CENTRES <= count; c += LANES_CENTRES)
        dots_some(rows, centres + c * stride, stride, LANES_CENTRES, d, out + c, count);
#if LANES_CENTRES == 6
    const float *rest = centres + c * stride;
    switch (count - c) {
    case 5:
        dots_some(rows, rest, stride, 5, d, out + c, count);
        break;
    case 4:
        dots_some(rows, rest, stride, 4, d, out + c, count);
        break;
    case 3:
        dots_some(rows, rest, stride, 3, d, out + c, count);
        break;
    case 2:
        dots_some(rows, rest, stride, 2, d, out + c, count);
        break;
    case 1:
        dots_some(rows, rest, stride, 1, d, out + c, count);
        break;
    default:
        break;
    }
#endif
}

static void squared(const float *const rows[4], const float *x, size_t d, float out[4])
{
    lanes s[4];
    for (int r = 0; r < 4; r++)
        s[r] = lanes_all(0);
    size_t i = 0;
    for (; i + LANES <= d; i += LANES) {
        lanes y = lanes_load(x + i);
        for (int r = 0; r < 4; r++) {
            lanes e = lanes_sub(lanes_load(rows[r] + i), y);
            s[r] = lanes_fma(e, e, s[r]);
        }
    }
    if (i < d) {
        lanes y = lanes_load_some(x + i, d - i);
        for (int r = 0; r < 4; r++) {
            lanes e = lanes_sub(lanes_load_some(rows[r] + i, d - i), y);
            s[r] = lanes_fma(e, e, s[r]);
        }
    }
    for (int r = 0; r < 4; r++)
        out[r] = lanes_sum(s[r]);
}

/* The next three are loops that compilers turn into vectors of each level. */
static void add(double *sums, const float *x, size_t n)
{
    for (size_t j = 0; j < n; j++)
        sums[j] += (double)x[j];
}

static void subtract(double *sums, const float *x, size_t n)
{
    for (size_t j = 0; j < n; j++)
        sums[j] -= (double)x[j];
}

static double spread(double *sums, const float *x, const float *origin, size_t n)
{
    double s[8] = {0};
    size_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (size_t l = 0; l < 8; l++) {
            double e = (double)x[j + l] - (double)origin[j + l];
            sums[j + l] += e;
            s[l] += e * e;
        }
    for (size_t l = 0; j < n; j++, l++) {
        double e = (double)x[j] - (double)origin[j];
        sums[j] += e;
        s[l] += e * e;
    }
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}
