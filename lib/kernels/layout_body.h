/* Body of topic layout, compiled once for each width of vectors (wide.h). An edge is a lane: what it does depends on
 * its own numbers only, so its bits do not depend on the width or on its neighbours in the vector.
 * McInnes, Healy, Melville 2018, section 3.2 and appendix C: the gradients of the fuzzy set cross entropy, each
 * component clipped to 4. */
#include "layout.h"
#include "wide.h"

#define MOST_DIMS 64
#define TEAMS 4
#define BATCH 256 /* edges looked at before those that act are worked on */

#define INLINE static inline __attribute__((always_inline))

static inline wide_f clip(wide_f v)
{
    return wide_max(wide_min(v, wide_set(4.0f)), wide_set(-4.0f));
}

/* r2^b, r2 taken as 1e-30 at least */
static inline wide_f power(wide_f r2, float b)
{
    return wide_exp2(wide_log2(wide_max(r2, wide_set(1e-30f))) * b);
}

/* What a difference of squared length r2 is multiplied by: towards each other, and apart. */
static inline wide_f attraction(wide_f r2, float a, float b)
{
    const wide_f p = power(r2, b);
    return p * (-2.0f * a * b) / (wide_max(r2, wide_set(1e-30f)) * (p * a + 1.0f));
}

static inline wide_f repulsion(wide_f r2, float a, float b, float strength)
{
    const wide_f p = power(r2, b);
    return wide_set(2.0f * b * strength) / ((r2 + 0.001f) * (p * a + 1.0f));
}

INLINE void load(const float *rows, size_t stride, const uint32_t row[WIDTH], wide_f *x, unsigned dims)
{
    wide_f y[4];
    for (unsigned j = 0; j < dims; j += 4) {
        wide_gather4(rows + j, row, stride, y);
        for (unsigned c = 0; c < 4 && j + c < dims; c++)
            x[j + c] = y[c];
    }
}

/* What is beyond dims in a row stays 0. */
INLINE void store(float *rows, size_t stride, const uint32_t row[WIDTH], const wide_f *x, unsigned dims)
{
    wide_f y[4];
    for (unsigned j = 0; j < dims; j += 4) {
        for (unsigned c = 0; c < 4; c++)
            y[c] = j + c < dims ? x[j + c] : wide_set(0.0f);
        wide_scatter4(rows + j, row, stride, y);
    }
}

/* d = x - y and its squared length. */
INLINE wide_f apart(const wide_f *x, const wide_f *y, wide_f *d, unsigned dims)
{
    wide_f r2 = wide_set(0.0f);
    for (unsigned j = 0; j < dims; j++) {
        d[j] = x[j] - y[j];
        r2 = r2 + d[j] * d[j];
    }
    return r2;
}

/* Both ends of each lane's edge come closer. */
INLINE void pull(const cep_layout_epoch *e, wide_f *x, wide_f *y, unsigned dims)
{
    wide_f d[MOST_DIMS], g = attraction(apart(x, y, d, dims), e->a, e->b);
    for (unsigned j = 0; j < dims; j++) {
        wide_f move = clip(g * d[j]) * e->step;
        x[j] = x[j] + move;
        y[j] = y[j] - move;
    }
}

/* Each lane's point goes away from a sample; self: the row that is no sample of its own. */
INLINE void push(const cep_layout_epoch *e, size_t stride, wide_f *x, wide_u *state,
                 const uint32_t self[WIDTH], unsigned dims)
{
    wide_f d[MOST_DIMS], y[MOST_DIMS];
    uint32_t row[WIDTH];
    *state = *state * 747796405u + 2891336453u;
    wide_u r = *state ^ (*state >> 15);
    r = r * 0x2c1b3c6du;
    r = wide_scale(r ^ (r >> 12), (uint32_t)e->count);
    memcpy(row, &r, sizeof row);
    load(e->sampled, stride, row, y, dims);
    wide_f g = repulsion(apart(x, y, d, dims), e->a, e->b, e->push);
    wide_f step = wide_keep(wide_set(e->step), (wide_i)(r != wide_load_u(self)));
    for (unsigned j = 0; j < dims; j++)
        x[j] = x[j] + clip(g * d[j]) * step;
}

static inline wide_u start_draws(wide_u edge, uint32_t salt)
{
    wide_u state = edge * 0x9e3779b1u + salt;
    state = state ^ (state >> 16);
    state = state * 0x7feb352du;
    state = state ^ (state >> 15);
    state = state * 0x846ca68bu;
    return state ^ (state >> 16);
}

/* `teams` vectors of edges side by side: each waits on itself at every step, and the others fill the wait. */
INLINE void meet_lanes(const cep_layout_epoch *e, const uint32_t *edges, const size_t teams, unsigned dims)
{
    const size_t stride = CEP_LAYOUT_STRIDE(dims);
    wide_f x[TEAMS][MOST_DIMS], y[TEAMS][MOST_DIMS];
    wide_u state[TEAMS];
    uint32_t heads[TEAMS * WIDTH], tails[TEAMS * WIDTH];
    for (size_t l = 0; l < teams * WIDTH; l++) {
        heads[l] = e->heads[edges[l]];
        tails[l] = e->tails[edges[l]];
    }
    for (size_t t = 0; t < teams; t++) {
        state[t] = start_draws(wide_load_u(edges + t * WIDTH), e->salt);
        load(e->points, stride, heads + t * WIDTH, x[t], dims);
        load(e->points, stride, tails + t * WIDTH, y[t], dims);
        pull(e, x[t], y[t], dims);
    }
    for (unsigned q = 0; q < e->negatives; q++)
        for (size_t t = 0; t < teams; t++)
            push(e, stride, x[t], &state[t], heads + t * WIDTH, dims);
    for (size_t t = 0; t < teams; t++)
        pull(e, x[t], y[t], dims);
    for (unsigned q = 0; q < e->negatives; q++)
        for (size_t t = 0; t < teams; t++)
            push(e, stride, y[t], &state[t], tails + t * WIDTH, dims);
    for (size_t t = 0; t < teams; t++) {
        store(e->points, stride, heads + t * WIDTH, x[t], dims);
        store(e->points, stride, tails + t * WIDTH, y[t], dims);
    }
}

/* Numbers of the edges first .. last-1 that act, to the front of `edges` (with room for WIDTH more). Returns how
 * many. */
static size_t acting(const cep_layout_epoch *e, size_t first, size_t last, uint32_t *edges)
{
    size_t count = 0, i = first;
    wide_u number;
    for (size_t l = 0; l < WIDTH; l++)
        number[l] = (uint32_t)(first + l);
    for (; i + WIDTH <= last; i += WIDTH, number = number + WIDTH) {
        const wide_u rate = wide_load_u(e->rates + i);
        const wide_u phase = (rate * e->epoch) & (CEP_LAYOUT_ALWAYS - 1);
        count += wide_append(edges + count, number, (wide_i)(phase < rate));
    }
    for (; i < last; i++)
        if (((e->rates[i] * e->epoch) & (CEP_LAYOUT_ALWAYS - 1)) < e->rates[i]) edges[count++] = (uint32_t)i;
    return count;
}

/* All edges, a multiple of WIDTH of them. */
INLINE void meet_all(const cep_layout_epoch *e, const uint32_t *edges, size_t count, unsigned dims)
{
    size_t done = 0;
    for (; count - done >= TEAMS * WIDTH; done += TEAMS * WIDTH)
        meet_lanes(e, edges + done, TEAMS, dims);
    for (; done < count; done += WIDTH)
        meet_lanes(e, edges + done, 1, dims);
}

static void meet(const cep_layout_epoch *e, size_t first, size_t last)
{
    uint32_t edges[BATCH + 2 * TEAMS * WIDTH];
    size_t waiting = 0;
    while (first < last || waiting) {
        while (first < last && waiting < TEAMS * WIDTH) {
            const size_t end = last - first < BATCH ? last : first + BATCH;
            waiting += acting(e, first, end, edges + waiting);
            first = end;
        }
        size_t ready = waiting - waiting % (TEAMS * WIDTH);
        if (first == last) /* lanes without an edge repeat one, and store what it stores */
            for (ready = waiting; ready % WIDTH; ready++)
                edges[ready] = edges[ready - 1];
        switch (e->dims) {
        case 2:
            meet_all(e, edges, ready, 2);
            break;
        case 3:
            meet_all(e, edges, ready, 3);
            break;
        default:
            meet_all(e, edges, ready, e->dims);
        }
        waiting = ready < waiting ? waiting - ready : 0;
        memmove(edges, edges + ready, waiting * sizeof *edges);
    }
}

INLINE void visit_lanes(const cep_layout_visit *v, size_t at, const size_t teams, unsigned dims)
{
    wide_f x[TEAMS][MOST_DIMS], y[MOST_DIMS], d[MOST_DIMS], step[TEAMS];
    for (size_t t = 0; t < teams; t++) {
        const size_t lane = at + t * WIDTH;
        step[t] = wide_load(v->steps + lane);
        for (unsigned j = 0; j < dims; j++) {
            x[t][j] = wide_load(v->points + j * v->count + lane);
            y[j] = wide_load(v->partners + j * v->count + lane);
        }
        const wide_f g = attraction(apart(x[t], y, d, dims), v->a, v->b);
        for (unsigned j = 0; j < dims; j++)
            x[t][j] = x[t][j] + clip(g * d[j]) * step[t];
    }
    for (size_t q = 0; q < v->sampled; q++) {
        for (unsigned j = 0; j < dims; j++)
            y[j] = wide_set(v->samples[q * dims + j]);
        for (size_t t = 0; t < teams; t++) {
            const wide_f g = repulsion(apart(x[t], y, d, dims), v->a, v->b, v->push);
            for (unsigned j = 0; j < dims; j++)
                x[t][j] = x[t][j] + clip(g * d[j]) * step[t];
        }
    }
    for (size_t t = 0; t < teams; t++)
        for (unsigned j = 0; j < dims; j++)
            wide_store(v->points + j * v->count + at + t * WIDTH, x[t][j]);
}

INLINE void visit_all(const cep_layout_visit *v, unsigned dims)
{
    size_t at = 0;
    for (; v->count - at >= TEAMS * WIDTH; at += TEAMS * WIDTH)
        visit_lanes(v, at, TEAMS, dims);
    for (; at < v->count; at += WIDTH)
        visit_lanes(v, at, 1, dims);
}

static void visit(const cep_layout_visit *v)
{
    switch (v->dims) {
    case 2:
        visit_all(v, 2);
        break;
    case 3:
        visit_all(v, 3);
        break;
    default:
        visit_all(v, v->dims);
    }
}
