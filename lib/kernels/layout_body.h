/* Body of topic layout, compiled once for each width of vectors (wide.h). A point is a lane: it sums over its own
 * edges and its own samples one after the other, so that its bits do not depend on the width.
 * McInnes, Healy, Melville 2018, section 3.2 and appendix C: the gradients of the fuzzy set cross entropy, each
 * component clipped to 4. */
#include "wide.h"
#include "layout.h"

#define GROUPS (CEP_LAYOUT_SLICE / WIDTH)
#define MOST_DIMS 64

static inline wide_f clip(wide_f v, float most)
{
    return wide_max(wide_min(v, wide_set(most)), wide_set(-most));
}

/* x - (rows at the indices), by blocks of four components; returns the squared length. */
static inline __attribute__((always_inline)) wide_f difference(const float *rows, const size_t index[WIDTH],
                                                                const wide_f *x, wide_f *d, unsigned dims)
{
    wide_f r2 = wide_set(0.0f), y[4];
    for (unsigned j = 0; j < dims; j += 4) {
        wide_gather4(rows + j, index, y);
        for (unsigned c = 0; c < 4 && j + c < dims; c++) {
            d[j + c] = x[j + c] - y[c];
            r2 = r2 + d[j + c] * d[j + c];
        }
    }
    return r2;
}

/* a * r2^b, for r2 >= 1e-30 */
static inline wide_f power(wide_f r2, const cep_layout_epoch *e)
{
    return wide_exp2(wide_log2(wide_max(r2, wide_set(1e-30f))) * e->b);
}

/* The edges of each lane that act in this epoch, edge t of lane l at list[t * WIDTH + l]; returns how many the lane
 * with most has. */
static size_t gather_active(const cep_layout_epoch *e, size_t slice, size_t group, uint32_t *list,
                            int32_t counts[WIDTH])
{
    const uint32_t turn = e->epoch;
    for (size_t l = 0; l < WIDTH; l++)
        counts[l] = 0;
    for (size_t s = e->starts[slice]; s < e->starts[slice + 1]; s++) {
        const size_t slot = s * CEP_LAYOUT_SLICE + group * WIDTH;
        wide_u rate = wide_load_u(e->rates + slot);
        wide_i acts = (wide_i)(((rate * turn) & (CEP_LAYOUT_ALWAYS - 1)) < rate);
        if (!wide_any(acts)) continue;
        int32_t act[WIDTH];
        memcpy(act, &acts, sizeof act);
        for (size_t l = 0; l < WIDTH; l++) {
            list[(size_t)counts[l] * WIDTH + l] = e->columns[slot + l];
            counts[l] -= act[l];
        }
    }
    int32_t largest = 0;
    for (size_t l = 0; l < WIDTH; l++)
        largest = counts[l] > largest ? counts[l] : largest;
    for (size_t l = 0; l < WIDTH; l++) /* idle lanes look at row 0 */
        for (int32_t t = counts[l]; t < largest; t++)
            list[(size_t)t * WIDTH + l] = 0;
    return (size_t)largest;
}

/* Attraction to one point for each lane that acts, `times` as strong as at one end of an edge. */
static inline __attribute__((always_inline)) void pull(const cep_layout_epoch *e, const uint32_t *others,
                                                       wide_i acts, float times, wide_f *x, unsigned dims)
{
    wide_f d[MOST_DIMS];
    size_t index[WIDTH];
    for (size_t l = 0; l < WIDTH; l++)
        index[l] = others[l] * e->stride;
    wide_f r2 = difference(e->others, index, x, d, dims);
    wide_f p = power(r2, e);
    wide_f g = p * (-2.0f * e->a * e->b * times) / (wide_max(r2, wide_set(1e-30f)) * (p * e->a + 1.0f));
    wide_f step = wide_keep(wide_set(e->step), acts);
    for (unsigned j = 0; j < dims; j++)
        x[j] = x[j] + clip(g * d[j], 4.0f * times) * step;
}

/* Repulsion from one sample for each lane that acts. first: the point of lane 0. */
static inline __attribute__((always_inline)) void
push(const cep_layout_epoch *e, size_t first, wide_u *state, wide_i acts, wide_f *x, unsigned dims)
{
    wide_f d[MOST_DIMS];
    size_t index[WIDTH];
    uint32_t draw[WIDTH];
    *state = *state * 747796405u + 2891336453u;
    wide_u r = *state ^ (*state >> 15);
    r = r * 0x2c1b3c6du;
    r = r ^ (r >> 12);
    memcpy(draw, &r, sizeof draw);
    for (size_t l = 0; l < WIDTH; l++)
        index[l] = ((uint64_t)draw[l] * e->count >> 32) * e->stride;
    wide_f r2 = difference(e->others, index, x, d, dims);
    if (e->both) { /* where the point itself stands at the phase's start is no sample */
        wide_i other;
        for (size_t l = 0; l < WIDTH; l++)
            draw[l] = index[l] == (first + l) * e->stride ? 0u : ~0u;
        memcpy(&other, draw, sizeof other);
        acts &= other;
    }
    wide_f p = power(r2, e);
    wide_f g = wide_set(2.0f * e->b * e->push) / ((r2 + 0.001f) * (p * e->a + 1.0f));
    wide_f step = wide_keep(wide_set(e->step), acts);
    for (unsigned j = 0; j < dims; j++)
        x[j] = x[j] + clip(g * d[j], 4.0f) * step;
}

static inline __attribute__((always_inline)) void move_dims(const cep_layout_epoch *e, size_t slice,
                                                            uint32_t *list, unsigned dims)
{
    wide_f x[MOST_DIMS];
    size_t index[WIDTH];
    for (size_t group = 0; group < GROUPS; group++) {
        const size_t first = slice * CEP_LAYOUT_SLICE + group * WIDTH;
        for (size_t l = 0; l < WIDTH; l++)
            index[l] = (first + l) * e->stride;
        for (unsigned j = 0; j < dims; j += 4) {
            wide_f y[4];
            wide_gather4(e->own + j, index, y);
            for (unsigned c = 0; c < 4 && j + c < dims; c++)
                x[j + c] = y[c];
        }
        int32_t counts[WIDTH];
        wide_i count;
        const size_t most = gather_active(e, slice, group, list, counts);
        memcpy(&count, counts, sizeof count);
        wide_u state = wide_load_u(e->keys + first) * 0x9e3779b1u + e->salt;
        state = state ^ (state >> 16);
        state = state * 0x7feb352du;
        state = state ^ (state >> 15);
        state = state * 0x846ca68bu;
        state = state ^ (state >> 16);
        /* In the sequential form a point is also pulled at its neighbours' turns, half of them before its own turn.
         * Here those pulls of every other edge come first, the rest along with the point's own: pulls and pushes
         * then balance as they do there. */
        for (size_t t = 0; e->both && t < most; t += 2)
            pull(e, list + t * WIDTH, (wide_i)(count > (int32_t)t), 1, x, dims);
        for (size_t t = 0; t < most; t++) {
            const wide_i acts = (wide_i)(count > (int32_t)t);
            pull(e, list + t * WIDTH, acts, e->both && t % 2 ? 2 : 1, x, dims);
            for (unsigned q = 0; q < e->negatives; q++)
                push(e, first, &state, acts, x, dims);
        }
        for (unsigned j = 0; j < dims; j++) {
            float column[WIDTH];
            wide_store(column, x[j]);
            for (size_t l = 0; l < WIDTH; l++)
                e->fresh[(first + l) * e->stride + j] = column[l];
        }
    }
}

static void move(const cep_layout_epoch *e, size_t slice, uint32_t *list)
{
    switch (e->dims) {
    case 2:
        move_dims(e, slice, list, 2);
        break;
    case 3:
        move_dims(e, slice, list, 3);
        break;
    default:
        move_dims(e, slice, list, e->dims);
    }
}
