/* Bad pixels: masked, NaN or infinite ones take the median of the valid pixels in the smallest square around
 * them that has any (3x3, then 5x5, ...). The squares come from a chessboard distance transform in two passes
 * (Rosenfeld and Pfaltz 1968). Must not: look at a pixel that was itself replaced. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "internal.h"

#define FAR UINT16_MAX

bool cep_has_valid(const void *pixels, cepman_type type, size_t count, const uint8_t *mask)
{
    const bool real = cep_type_is_real(type);
    if (!real && !mask) return true;
    const unsigned char *p = pixels;
    const size_t size = cepman_type_size(type);
    for (size_t i = 0; i < count; i++) {
        if (mask && mask[i]) continue;
        float v = 0;
        if (real) cep_type_to_f32(type, p + i * size, &v, 1);
        if (fabsf(v) <= FLT_MAX) return true;
    }
    return false;
}

static uint16_t nearer(uint16_t d, uint16_t other)
{
    return other < FAR && other + 1 < d ? (uint16_t)(other + 1) : d;
}

/* Chessboard distances to the nearest valid pixel; reach holds 0 or FAR on entry. Frames have at most 16384
 * pixels on a side, so that distances fit. */
static void spread(uint16_t *reach, size_t h, size_t w)
{
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            uint16_t *p = reach + y * w + x;
            if (*p == 0) continue;
            if (x) *p = nearer(*p, p[-1]);
            if (y) *p = nearer(*p, *(p - w));
            if (y && x) *p = nearer(*p, *(p - w - 1));
            if (y && x + 1 < w) *p = nearer(*p, *(p - w + 1));
        }
    for (size_t y = h; y-- > 0;)
        for (size_t x = w; x-- > 0;) {
            uint16_t *p = reach + y * w + x;
            if (*p == 0) continue;
            if (x + 1 < w) *p = nearer(*p, p[1]);
            if (y + 1 < h) *p = nearer(*p, p[w]);
            if (y + 1 < h && x + 1 < w) *p = nearer(*p, p[w + 1]);
            if (y + 1 < h && x) *p = nearer(*p, p[w - 1]);
        }
}

/* Hoare's selection. */
float cep_select(float *v, size_t n, size_t k)
{
    size_t low = 0, high = n - 1;
    while (low < high) {
        float pivot = v[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;;) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i >= j) break;
            float t = v[i];
            v[i++] = v[j];
            v[j--] = t;
        }
        /* v[low .. j] <= pivot <= v[i .. high], with j <= i. */
        if (i == j) {
            if (k == i) return v[k];
            if (k < i)
                high = i - 1;
            else
                low = i + 1;
        } else if (k <= j) {
            high = j;
        } else {
            low = i;
        }
    }
    return v[k];
}

static float median(float *v, size_t n)
{
    float upper = cep_select(v, n, n / 2);
    if (n % 2) return upper;
    float lower = v[0];
    for (size_t i = 1; i < n / 2; i++)
        if (v[i] > lower) lower = v[i];
    return lower + (upper - lower) / 2;
}

/* Median of the valid pixels on the square's border; those inside it are all bad. */
static float replacement(const uint16_t *reach, float *values, const float *frame, size_t h, size_t w,
                         size_t stride, size_t y, size_t x)
{
    const size_t d = reach[y * w + x];
    const size_t top = y >= d ? y - d : 0, bottom = y + d < h ? y + d : h - 1;
    const size_t left = x >= d ? x - d : 0, right = x + d < w ? x + d : w - 1;
    size_t n = 0;
    for (size_t v = top; v <= bottom; v++) {
        bool edge = v + d == y || v == y + d;
        for (size_t u = left; u <= right; u++) {
            if (!edge && u + d != x && u != x + d) {
                /* Inside: go on to the right edge of the square, if the frame has it. */
                if (x + d > right) break;
                u = x + d;
            }
            if (reach[v * w + u] == 0) values[n++] = frame[v * stride + u];
        }
    }
    return median(values, n);
}

bool cep_masked_create(cep_masked *out, cep_memory *mem, const uint8_t *mask, size_t h, size_t w, size_t bad)
{
    cep_masked m = {cep_alloc(mem, h * w, sizeof *m.reach), cep_alloc(mem, bad, sizeof *m.index), 0};
    *out = m;
    if (!m.reach || !m.index) return false;
    for (size_t i = 0; i < h * w; i++) {
        m.reach[i] = mask[i] ? FAR : 0;
        if (mask[i]) m.index[m.count++] = (uint32_t)i;
    }
    spread(m.reach, h, w);
    *out = m;
    return true;
}

void cep_masked_free(cep_masked *m, cep_memory *mem)
{
    cep_free(mem, m->reach);
    cep_free(mem, m->index);
}

void cep_masked_repair(const cep_masked *m, float *values, float *frame, size_t h, size_t w, size_t stride)
{
    for (size_t i = 0; i < m->count; i++) {
        const size_t y = m->index[i] / w, x = m->index[i] % w;
        frame[y * stride + x] = replacement(m->reach, values, frame, h, w, stride, y, x);
    }
}

bool cep_repair_frame(cep_repair *r, float *frame, size_t h, size_t w, size_t stride, const uint8_t *mask,
                      cep_pixel_range *range)
{
    size_t valid = 0;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            float *p = frame + y * stride + x;
            bool good = fabsf(*p) <= FLT_MAX && !(mask && mask[y * w + x]);
            r->reach[y * w + x] = good ? 0 : FAR;
            valid += good;
            if (good && !(*p > 0)) *p = 0;
        }
    if (valid == 0) return false;
    if (valid < h * w) {
        spread(r->reach, h, w);
        for (size_t y = 0; y < h; y++)
            for (size_t x = 0; x < w; x++)
                if (r->reach[y * w + x])
                    frame[y * stride + x] = replacement(r->reach, r->values, frame, h, w, stride, y, x);
    }
    cep_pixel_range found = {INFINITY, 0};
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            float v = frame[y * stride + x];
            if (v < found.least) found.least = v;
            if (v > found.most) found.most = v;
        }
    *range = found;
    return true;
}
