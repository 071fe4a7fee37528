/* Topic reach, written once over lanes.h and compiled for every level.
 * Batcher's bitonic network (1968) sorts sixteen lanes; box tests bound distances from below.
 * Must not: decide anything by a float distance that its error could turn. */
#include <math.h>

#include "lanes.h"
#include "reach.h"

#define INLINE static inline __attribute__((always_inline))

INLINE lanes block_to_point(const float *block, size_t d, const float *point)
{
    lanes s = lanes_all(0);
    for (size_t j = 0; j < d; j++) {
        lanes e = lanes_sub(lanes_load(block + j * LANES), lanes_all(point[j]));
        s = lanes_fma(e, e, s);
    }
    return s;
}

/* Bit i of a mask: lane i takes the larger of the two. */
#define SWAP_SORT(v, swap, bits) lanes_min_max(v, swap(v), bits)

INLINE lanes merge_step(lanes v)
{
    v = SWAP_SORT(v, lanes_swap8, 0xff00u);
    v = SWAP_SORT(v, lanes_swap4, 0xf0f0u);
    v = SWAP_SORT(v, lanes_swap2, 0xccccu);
    return SWAP_SORT(v, lanes_swap1, 0xaaaau);
}

INLINE lanes sort(lanes v)
{
    v = SWAP_SORT(v, lanes_swap1, 0x6666u);
    v = SWAP_SORT(v, lanes_swap2, 0x3c3cu);
    v = SWAP_SORT(v, lanes_swap1, 0x5a5au);
    v = SWAP_SORT(v, lanes_swap4, 0x0ff0u);
    v = SWAP_SORT(v, lanes_swap2, 0x33ccu);
    v = SWAP_SORT(v, lanes_swap1, 0x55aau);
    return merge_step(v);
}

/* The sixteen smallest of two sorted sets. */
INLINE lanes merge_small(lanes a, lanes b)
{
    lanes turned = lanes_swap8(lanes_swap4(lanes_swap2(lanes_swap1(b))));
    return merge_step(lanes_min(a, turned));
}

INLINE float lane_of(lanes v, size_t k)
{
    float t[LANES];
    lanes_store(t, v);
    return t[k];
}

static void distances(const float *soa, size_t blocks, size_t d, const float *point, float *out)
{
    for (size_t b = 0; b < blocks; b++)
        lanes_store(out + b * LANES, block_to_point(soa + b * d * LANES, d, point));
}

INLINE float nearest_any(const float *soa, size_t blocks, size_t d, const float *point, size_t k)
{
    lanes s = sort(block_to_point(soa, d, point));
    for (size_t b = 1; b < blocks; b++)
        s = merge_small(s, sort(block_to_point(soa + b * d * LANES, d, point)));
    return lane_of(s, k);
}

static float nearest(const float *soa, size_t blocks, size_t d, const float *point, size_t k)
{
    return d == 2   ? nearest_any(soa, blocks, 2, point, k)
           : d == 3 ? nearest_any(soa, blocks, 3, point, k)
                    : nearest_any(soa, blocks, d, point, k);
}

static float smallest(const float *values, size_t count, size_t k)
{
    lanes far = lanes_all(INFINITY), s = far;
    for (size_t t = 0; t < count; t += LANES) {
        lanes v = lanes_load(values + t);
        if (count - t < LANES) {
            float last[LANES];
            lanes_store(last, v);
            for (size_t i = count - t; i < LANES; i++)
                last[i] = INFINITY;
            v = lanes_load(last);
        }
        v = sort(v);
        s = t ? merge_small(s, v) : v;
    }
    return lane_of(s, k);
}

INLINE size_t gather_any(const cep_reach_list *list, size_t *at, const float *soa, size_t d,
                         const float *point, float limit, float *near, int32_t *index, size_t length,
                         size_t full)
{
    lanes most = lanes_all(limit), zero = lanes_all(0);
    size_t t = *at;
    for (; t < list->count && length <= full; t += LANES) {
        lanes s = zero;
        for (size_t j = 0; j < d; j++) {
            lanes x = lanes_all(point[j]);
            lanes e = lanes_max(lanes_sub(lanes_load(list->boxes + j * list->stride + t), x),
                                lanes_sub(x, lanes_load(list->boxes + (d + j) * list->stride + t)));
            e = lanes_max(e, zero);
            s = lanes_fma(e, e, s);
        }
        for (unsigned bits = lanes_bits(lanes_at_most(s, most)); bits; bits &= bits - 1) {
            int32_t b = list->block[t + (size_t)__builtin_ctz(bits)];
            lanes v = block_to_point(soa + (size_t)b * d * LANES, d, point);
            length +=
                lanes_append(near + length, index + length, v, b * LANES, lanes_bits(lanes_at_most(v, most)));
        }
    }
    *at = t;
    return length;
}

static size_t gather(const cep_reach_list *list, size_t *at, const float *soa, size_t d, const float *point,
                     float limit, float *near, int32_t *index, size_t length, size_t full)
{
    return d == 2   ? gather_any(list, at, soa, 2, point, limit, near, index, length, full)
           : d == 3 ? gather_any(list, at, soa, 3, point, limit, near, index, length, full)
                    : gather_any(list, at, soa, d, point, limit, near, index, length, full);
}

INLINE size_t narrow_any(const cep_reach_list *list, size_t d, const float *low, const float *high,
                         float limit, float *boxes, int32_t *block)
{
    lanes most = lanes_all(limit), zero = lanes_all(0);
    size_t kept = 0, stride = list->stride;
    for (size_t t = 0; t < list->count; t += LANES) {
        lanes s = zero;
        for (size_t j = 0; j < d; j++) {
            lanes e = lanes_max(lanes_sub(lanes_load(list->boxes + j * stride + t), lanes_all(high[j])),
                                lanes_sub(lanes_all(low[j]), lanes_load(list->boxes + (d + j) * stride + t)));
            e = lanes_max(e, zero);
            s = lanes_fma(e, e, s);
        }
        unsigned bits = lanes_bits(lanes_at_most(s, most));
        if (!bits) continue;
        for (size_t j = 0; j < 2 * d; j++)
            lanes_pack(boxes + j * stride + kept, list->boxes + j * stride + t, bits);
        lanes_pack_int(block + kept, list->block + t, bits);
        kept += (size_t)__builtin_popcount(bits);
    }
    return kept;
}

static size_t narrow(const cep_reach_list *list, size_t d, const float *low, const float *high, float limit,
                     float *boxes, int32_t *block)
{
    return d == 3 ? narrow_any(list, 3, low, high, limit, boxes, block)
                  : narrow_any(list, d, low, high, limit, boxes, block);
}

static size_t keep(float *near, int32_t *index, size_t count, float limit)
{
    lanes most = lanes_all(limit);
    size_t kept = 0;
    for (size_t t = 0; t < count; t += LANES) {
        unsigned bits = lanes_bits(lanes_at_most(lanes_load(near + t), most));
        if (count - t < LANES) bits &= (1u << (count - t)) - 1;
        lanes_pack(near + kept, near + t, bits);
        lanes_pack_int(index + kept, index + t, bits);
        kept += (size_t)__builtin_popcount(bits);
    }
    return kept;
}

INLINE double exact_weight(const cep_reach_search *s, size_t d, size_t a, size_t b)
{
    const float *p = s->soa + a / LANES * d * LANES + a % LANES,
                *q = s->soa + b / LANES * d * LANES + b % LANES;
    double w = 0;
    for (size_t j = 0; j < d; j++) {
        double e = (double)p[j * LANES] - (double)q[j * LANES];
        w += e * e;
    }
    w /= s->alpha_square;
    if (s->core[a] > w) w = s->core[a];
    return s->core[b] > w ? s->core[b] : w;
}

INLINE void pairs_any(cep_reach_search *s, size_t d, size_t leaf, const float *box, size_t width)
{
    const float *query = s->soa + s->block * d * LANES, *other = s->soa + leaf * d * LANES;
    lanes far = lanes_load(s->core_low + leaf * LANES), own = lanes_load(s->core_low + s->block * LANES);
    lanes zero = lanes_all(0), gap = zero, shrink = lanes_all(s->shrink);
    unsigned theirs = lanes_int_differs(s->component + leaf * LANES, s->own) &
                      lanes_bits(lanes_less(far, lanes_all(s->bound_up)));
    if (!theirs) return;
    for (size_t j = 0; j < d; j++) {
        lanes x = lanes_load(query + j * LANES);
        lanes e = lanes_max(lanes_sub(lanes_all(box[j]), x), lanes_sub(x, lanes_all(box[width + j])));
        e = lanes_max(e, zero);
        gap = lanes_fma(e, e, gap);
    }
    gap = lanes_max(lanes_mul(gap, shrink), own);
    unsigned ours = s->lanes & lanes_bits(lanes_less(gap, lanes_all(s->bound_up)));
    for (; ours; ours &= ours - 1) {
        size_t i = (size_t)__builtin_ctz(ours);
        float point[8];
        for (size_t j = 0; j < d; j++)
            point[j] = query[j * LANES + i];
        lanes w = lanes_max(lanes_mul(block_to_point(other, d, point), shrink), far);
        unsigned hits = theirs & lanes_bits(lanes_less(w, lanes_all(s->bound_up)));
        for (; hits; hits &= hits - 1) {
            size_t a = s->block * LANES + i, b = leaf * LANES + (size_t)__builtin_ctz(hits);
            double exact = exact_weight(s, d, a, b);
            if (!(exact < s->bound)) continue;
            s->bound = exact;
            s->bound_up = cep_reach_up(exact);
            s->from = (int32_t)a;
            s->to = (int32_t)b;
        }
    }
}

static void pairs(cep_reach_search *s, size_t leaf, const float *box, size_t width)
{
    if (s->d == 3)
        pairs_any(s, 3, leaf, box, width);
    else if (s->d == 2)
        pairs_any(s, 2, leaf, box, width);
    else
        pairs_any(s, s->d, leaf, box, width);
}
