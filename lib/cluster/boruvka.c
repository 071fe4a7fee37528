/* The spanning tree over a k-d tree: Boruvka's rounds (1926), as in March, Ram, Gray (2010), on mutual reachability.
 * A point whose list holds one of no larger core distance has its lightest edge already; what is left is searched
 * block by block against the tree, with bounds from the lists, from earlier waves and from earlier rounds.
 * Must not: let a search see what another thread finds meanwhile; bounds are exchanged between waves alone. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "reach_near.h"

#define CHUNK 1024 /* places of one item: whole blocks */
#define KNOWN 64   /* bounds an item remembers, by component */
#define SLACK 4e-6f
#define NONE (-1)

typedef struct forest {
    cepman_context *ctx;
    cep_memory *mem;
    const cep_kdtree *t;
    const cep_reach_kernels *kernels;
    const cep_near *near;
    cep_reach *r;
    size_t places, found; /* edges so far */
    double alpha_square;
    float shrink;
    int32_t *up;                 /* union-find */
    int32_t *component;          /* of each place: its root; -2 for padding */
    int32_t *node_component;     /* of each node, -1: several */
    float *core_low, *node_core; /* rounded down; smallest of a node */
    _Atomic uint64_t *best;      /* per root: bits of the lightest weight known */
    double *bound;               /* per place: no lighter edge leaves its component */
    int32_t *far,
        *listed; /* per place: other end of an edge from a search (kept while it leaves) and the list */
    double *far_weight;
    bool *listed_alive; /* the list may still leave the component */
    int32_t *from, *to; /* per root: the edge chosen in this round */
    size_t wave_first, wave_step, wave_skip;
} forest;

static double read_best(const forest *f, int32_t root)
{
    uint64_t bits = atomic_load_explicit(&f->best[root], memory_order_relaxed);
    double w;
    memcpy(&w, &bits, sizeof w);
    return w;
}

/* Smaller positive doubles have smaller bits; the minimum does not depend on the order of calls. */
static void lower_best(forest *f, int32_t root, double w)
{
    uint64_t bits, old = atomic_load_explicit(&f->best[root], memory_order_relaxed);
    memcpy(&bits, &w, sizeof bits);
    while (bits < old && !atomic_compare_exchange_weak_explicit(&f->best[root], &old, bits,
                                                                memory_order_relaxed, memory_order_relaxed))
        ;
}

static double weight_of(const forest *f, size_t a, size_t b)
{
    const cep_kdtree *t = f->t;
    double w = f->near->core[a] > f->near->core[b] ? f->near->core[a] : f->near->core[b];
    if (f->alpha_square >= 1) return w; /* lists lie within the core distance */
    const float *p = t->soa + a / 16 * t->d * 16 + a % 16, *q = t->soa + b / 16 * t->d * 16 + b % 16;
    double s = 0;
    for (size_t j = 0; j < t->d; j++) {
        double e = (double)p[j * 16] - (double)q[j * 16];
        s += e * e;
    }
    return s / f->alpha_square > w ? s / f->alpha_square : w;
}

static int32_t find(int32_t *up, int32_t x)
{
    while (up[x] != x) {
        up[x] = up[up[x]];
        x = up[x];
    }
    return x;
}

static void join(forest *f, int32_t a, int32_t b, double w)
{
    int32_t x = find(f->up, a), y = find(f->up, b);
    if (x == y) return;
    if (x < y)
        f->up[y] = x;
    else
        f->up[x] = y;
    f->r->edges[f->found++] = (cep_edge){w, (uint32_t)a, (uint32_t)b};
}

static size_t chunk_end(const forest *f, size_t chunk)
{
    return (chunk + 1) * CHUNK < f->places ? (chunk + 1) * CHUNK : f->places;
}

/* ---- the first edges ------------------------------------------------------------------------------------------ */

static cepman_status start_chunk(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    forest *f = argument;
    size_t keep = f->near->keep;
    (void)worker;
    (void)fault;
    for (size_t i = chunk * CHUNK; i < chunk_end(f, chunk); i++) {
        double core = f->near->core[i];
        const int32_t *list = f->near->places + i * keep;
        f->up[i] = (int32_t)i;
        f->bound[i] = 0;
        f->far[i] = f->listed[i] = NONE;
        f->listed_alive[i] = i < f->t->n;
        f->core_low[i] = core < 3e38 ? (float)(core * (1 - 1e-6)) : INFINITY;
        for (size_t j = 0; j < keep && list[j] >= 0 && f->listed[i] < 0; j++)
            if (weight_of(f, i, (size_t)list[j]) == core) f->listed[i] = list[j];
    }
    return CEPMAN_OK;
}

static void sum_up_cores(forest *f)
{
    const cep_kdtree *t = f->t;
    for (size_t v = t->nodes; v-- > 0;) {
        float least = INFINITY;
        if (t->count[v] == 1) {
            const float *core = f->core_low + (size_t)t->first[v] * 16;
            for (size_t i = 0; i < 16; i++)
                least = core[i] < least ? core[i] : least;
        } else {
            float a = f->node_core[v + 1], b = f->node_core[cep_kdtree_right(t, v)];
            least = a < b ? a : b;
        }
        f->node_core[v] = least;
    }
}

/* ---- a round ---------------------------------------------------------------------------------------------------- */

static cepman_status root_chunk(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    forest *f = argument;
    const double none = (double)INFINITY;
    uint64_t bits;
    (void)worker;
    (void)fault;
    memcpy(&bits, &none, sizeof bits);
    for (size_t i = chunk * CHUNK; i < chunk_end(f, chunk); i++) {
        int32_t x = (int32_t)i;
        while (f->up[x] != x)
            x = f->up[x];
        f->component[i] = i < f->t->n ? x : -2;
        f->from[i] = NONE;
        atomic_store_explicit(&f->best[i], bits, memory_order_relaxed);
    }
    return CEPMAN_OK;
}

static cepman_status flatten_chunk(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    forest *f = argument;
    (void)worker;
    (void)fault;
    for (size_t i = chunk * CHUNK; i < chunk_end(f, chunk) && i < f->t->n; i++)
        f->up[i] = f->component[i];
    return CEPMAN_OK;
}

static void sum_up_components(forest *f)
{
    const cep_kdtree *t = f->t;
    for (size_t v = t->nodes; v-- > 0;) {
        int32_t c;
        if (t->count[v] == 1) {
            size_t begin = (size_t)t->first[v] * 16, end = begin + 16 < t->n ? begin + 16 : t->n;
            c = f->component[begin];
            for (size_t i = begin + 1; i < end; i++)
                if (f->component[i] != c) c = NONE;
        } else {
            c = f->node_component[v + 1];
            if (f->node_component[cep_kdtree_right(t, v)] != c) c = NONE;
        }
        f->node_component[v] = c;
    }
}

/* What earlier searches still offer. */
static cepman_status offer_found(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    forest *f = argument;
    (void)worker;
    (void)fault;
    for (size_t i = chunk * CHUNK; i < chunk_end(f, chunk) && i < f->t->n; i++) {
        int32_t own = f->component[i];
        f->listed[i] = NONE;
        if (f->far[i] >= 0 && f->component[f->far[i]] == own) f->far[i] = NONE;
        if (f->far[i] < 0) continue;
        lower_best(f, own, f->far_weight[i]);
        lower_best(f, f->component[f->far[i]], f->far_weight[i]);
    }
    return CEPMAN_OK;
}

static size_t known_slot(int32_t component)
{
    return (size_t)component * 2654435761u >> 8 & (KNOWN - 1);
}

/* What the lists still offer. Skips by what was known before and by this item's own finds: nothing is published
 * meanwhile, or which lists are read would depend on the other threads. */
static cepman_status read_lists(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    forest *f = argument;
    size_t keep = f->near->keep;
    int32_t known[KNOWN];
    double known_bound[KNOWN];
    (void)worker;
    (void)fault;
    for (size_t k = 0; k < KNOWN; k++)
        known[k] = NONE;
    for (size_t i = chunk * CHUNK; i < chunk_end(f, chunk) && i < f->t->n; i++) {
        int32_t own = f->component[i];
        double core = f->near->core[i];
        size_t k = known_slot(own);
        if (!f->listed_alive[i] || core > read_best(f, own) || (known[k] == own && core > known_bound[k]))
            continue;
        const int32_t *list = f->near->places + i * keep;
        double least = (double)INFINITY;
        bool alive = false;
        for (size_t j = 0; j < keep && list[j] >= 0; j++) {
            if (f->component[list[j]] == own) continue;
            alive = true;
            double w = weight_of(f, i, (size_t)list[j]);
            if (w < least) {
                least = w;
                f->listed[i] = list[j];
            }
        }
        f->listed_alive[i] = alive;
        if (!alive || (known[k] == own && known_bound[k] <= least)) continue;
        known[k] = own;
        known_bound[k] = least;
    }
    return CEPMAN_OK;
}

static cepman_status offer_listed(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    forest *f = argument;
    (void)worker;
    (void)fault;
    for (size_t i = chunk * CHUNK; i < chunk_end(f, chunk) && i < f->t->n; i++) {
        if (f->listed[i] < 0) continue;
        double w = weight_of(f, i, (size_t)f->listed[i]);
        lower_best(f, f->component[i], w);
        lower_best(f, f->component[f->listed[i]], w);
    }
    return CEPMAN_OK;
}

/* Walks the tree for edges lighter than s->bound from s->lanes of s->block, nearer child first. */
static void search(const forest *f, cep_reach_search *s)
{
    const cep_kdtree *t = f->t;
    size_t width = t->width, depth = 0;
    float box[16] = {0};
    struct {
        int32_t node;
        float gap;
    } stack[64], next[2];
    const float *q = t->soa + s->block * t->d * 16;
    for (size_t j = 0; j < t->d; j++) {
        float low = INFINITY, high = -INFINITY;
        for (unsigned bits = s->lanes; bits; bits &= bits - 1) {
            float x = q[j * 16 + (size_t)__builtin_ctz(bits)];
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
        box[j] = low;
        box[width + j] = high;
    }
    stack[depth].node = 0;
    stack[depth++].gap = 0;
    while (depth) {
        size_t v = (size_t)stack[--depth].node;
        if (stack[depth].gap >= s->bound_up) continue;
        if (t->count[v] == 1) {
            f->kernels->pairs(s, (size_t)t->first[v], t->box + v * 2 * width, width);
            continue;
        }
        next[0].node = (int32_t)v + 1;
        next[1].node = (int32_t)cep_kdtree_right(t, v);
        for (int c = 0; c < 2; c++) {
            size_t w = (size_t)next[c].node;
            next[c].gap = f->node_component[w] == s->own || f->node_core[w] >= s->bound_up
                              ? INFINITY
                              : cep_kdtree_gap(box, t->box + w * 2 * width, width) * f->shrink;
        }
        int nearer = next[1].gap < next[0].gap;
        if (next[!nearer].gap < s->bound_up) stack[depth++] = next[!nearer];
        if (next[nearer].gap < s->bound_up) stack[depth++] = next[nearer];
    }
}

static cepman_status search_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    forest *f = argument;
    const cep_kdtree *t = f->t;
    int32_t known[KNOWN];
    double known_bound[KNOWN];
    size_t chunk = f->wave_first + index * f->wave_step;
    (void)worker;
    (void)fault;
    if (f->wave_skip && chunk % f->wave_skip == 0) return CEPMAN_OK; /* of an earlier wave */
    for (size_t k = 0; k < KNOWN; k++)
        known[k] = NONE;
    cep_reach_search s = {.soa = t->soa,
                          .d = t->d,
                          .core_low = f->core_low,
                          .core = f->near->core,
                          .component = f->component,
                          .alpha_square = f->alpha_square,
                          .shrink = f->shrink};
    for (size_t b = chunk * (CHUNK / 16); b * 16 < chunk_end(f, chunk); b++) {
        unsigned waiting = 0;
        size_t count = t->n - b * 16 < 16 ? t->n - b * 16 : 16;
        for (size_t i = 0; i < count; i++) {
            size_t p = b * 16 + i;
            double most = read_best(f, f->component[p]);
            waiting |= (unsigned)(f->near->core[p] < most && f->bound[p] < most) << i;
        }
        while (waiting) {
            s.block = b;
            s.own = f->component[b * 16 + (size_t)__builtin_ctz(waiting)];
            s.lanes = 0;
            for (unsigned bits = waiting; bits; bits &= bits - 1) {
                unsigned i = (unsigned)__builtin_ctz(bits);
                if (f->component[b * 16 + i] == s.own) s.lanes |= 1u << i;
            }
            waiting &= ~s.lanes;
            size_t k = known_slot(s.own);
            double most = read_best(f, s.own);
            if (known[k] == s.own && known_bound[k] < most) most = known_bound[k];
            s.bound = most;
            s.bound_up = cep_reach_up(most);
            s.from = s.to = NONE;
            search(f, &s);
            for (unsigned bits = s.lanes; bits; bits &= bits - 1)
                f->bound[b * 16 + (size_t)__builtin_ctz(bits)] = s.bound;
            if (s.from >= 0) {
                f->far[s.from] = s.to;
                f->far_weight[s.from] = s.bound;
                known[k] = s.own;
                known_bound[k] = s.bound;
            }
        }
    }
    return CEPMAN_OK;
}

/* What the wave has found becomes a bound for the next. */
static cepman_status publish_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    forest *f = argument;
    size_t chunk = f->wave_first + index * f->wave_step;
    (void)worker;
    (void)fault;
    for (size_t i = chunk * CHUNK; i < chunk_end(f, chunk) && i < f->t->n; i++)
        if (f->far[i] >= 0) {
            lower_best(f, f->component[i], f->far_weight[i]);
            lower_best(f, f->component[f->far[i]], f->far_weight[i]);
        }
    return CEPMAN_OK;
}

static cepman_status wave(forest *f, size_t step, size_t skip)
{
    size_t chunks = (f->places + CHUNK - 1) / CHUNK, count = (chunks + step - 1) / step;
    f->wave_first = 0;
    f->wave_step = step;
    f->wave_skip = skip;
    cepman_status s = cep_parallel(f->ctx, NULL, count, search_chunk, f);
    return s ? s : cep_parallel(f->ctx, NULL, count, publish_chunk, f);
}

static void choose(forest *f, size_t i, int32_t other, double w)
{
    int32_t a = f->component[i], b = f->component[other];
    if (f->from[a] < 0 && w == read_best(f, a)) {
        f->from[a] = (int32_t)i;
        f->to[a] = other;
    }
    if (f->from[b] < 0 && w == read_best(f, b)) {
        f->from[b] = (int32_t)i;
        f->to[b] = other;
    }
}

static cepman_status round_of(forest *f)
{
    size_t chunks = (f->places + CHUNK - 1) / CHUNK, n = f->t->n, before = f->found;
    cepman_status s = cep_parallel(f->ctx, NULL, chunks, root_chunk, f);
    if (!s) s = cep_parallel(f->ctx, NULL, chunks, flatten_chunk, f);
    if (s) return s;
    sum_up_components(f);
    s = cep_parallel(f->ctx, NULL, chunks, offer_found, f);
    if (!s) s = cep_parallel(f->ctx, NULL, chunks, read_lists, f);
    if (!s) s = cep_parallel(f->ctx, NULL, chunks, offer_listed, f);
    for (size_t step = chunks > 64 ? 64 : chunks > 16 ? 16 : 1, done = 0; !s && step; step /= 4) {
        s = wave(f, step, done);
        done = step;
    }
    if (s) return s;
    for (size_t i = 0; i < n; i++) {
        if (f->far[i] >= 0) choose(f, i, f->far[i], f->far_weight[i]);
        if (f->listed[i] >= 0) choose(f, i, f->listed[i], weight_of(f, i, (size_t)f->listed[i]));
    }
    for (size_t i = 0; i < n; i++)
        if (f->component[i] == (int32_t)i && f->from[i] >= 0)
            join(f, f->from[i], f->to[i], read_best(f, (int32_t)i));
    if (f->found == before)
        return cep_fail(f->ctx, CEPMAN_ERR_INTERNAL, "HDBSCAN tree: a round of %zu edges found none", before);
    return cep_poll(f->ctx);
}

static cepman_status grow(forest *f)
{
    size_t n = f->t->n, chunks = (f->places + CHUNK - 1) / CHUNK;
    cepman_status s = cep_parallel(f->ctx, NULL, chunks, start_chunk, f);
    if (s) return s;
    for (size_t i = 0; i < n; i++)
        if (f->listed[i] >= 0) join(f, (int32_t)i, f->listed[i], f->near->core[i]);
    sum_up_cores(f);
    while (!s && f->found + 1 < n) {
        cep_progress(f->ctx, "hdbscan tree", f->found, n - 1);
        s = round_of(f);
    }
    if (!s) cep_progress(f->ctx, "hdbscan tree", n - 1, n - 1);
    return s;
}

static cepman_status span(cep_reach *r, const cep_kdtree *t, const cep_near *near)
{
    size_t places = t->blocks * 16;
    forest f = {.ctx = r->ctx, .mem = r->mem, .t = t, .near = near, .r = r, .places = places};
    f.kernels = cep_reach_kernels_get(cep_context_cpu(r->ctx));
    f.alpha_square = r->alpha_square;
    f.shrink = (float)((1 - (double)SLACK) / r->alpha_square);
    f.up = cep_alloc(r->mem, places, sizeof *f.up);
    f.component = cep_alloc(r->mem, places, sizeof *f.component);
    f.node_component = cep_alloc(r->mem, t->nodes, sizeof *f.node_component);
    f.core_low = cep_alloc(r->mem, places, sizeof *f.core_low);
    f.node_core = cep_alloc(r->mem, t->nodes, sizeof *f.node_core);
    f.best = cep_alloc(r->mem, places, sizeof *f.best);
    f.bound = cep_alloc(r->mem, places, sizeof *f.bound);
    f.far = cep_alloc(r->mem, places, sizeof *f.far);
    f.listed = cep_alloc(r->mem, places, sizeof *f.listed);
    f.far_weight = cep_alloc(r->mem, places, sizeof *f.far_weight);
    f.listed_alive = cep_alloc(r->mem, places, sizeof *f.listed_alive);
    f.from = cep_alloc(r->mem, places, sizeof *f.from);
    f.to = cep_alloc(r->mem, places, sizeof *f.to);
    bool good = f.up && f.component && f.node_component && f.core_low && f.node_core && f.best && f.bound &&
                f.far && f.listed && f.far_weight && f.listed_alive && f.from && f.to;
    cepman_status s = good ? grow(&f) : cep_fail_memory(r->ctx, "spanning tree", places, 57);
    void *all[] = {f.up,    f.component, f.node_component, f.core_low,   f.node_core,    (void *)f.best,
                   f.bound, f.far,       f.listed,         f.far_weight, f.listed_alive, f.from,
                   f.to};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cep_free(r->mem, all[i]);
    return s;
}

cepman_status cep_reach_tree(cep_reach *r)
{
    cep_kdtree t = {0};
    cep_near near = {0};
    cepman_status s = cep_kdtree_build(&t, r->ctx, r->points);
    if (!s) s = cep_near_find(&near, r->ctx, &t, r->samples);
    if (!s) s = span(r, &t, &near);
    double unit = s ? 1 : 1 / (t.scale * t.scale);
    for (size_t i = 0; !s && i < t.n; i++)
        r->core[t.id[i]] = near.core[i] * unit;
    for (size_t e = 0; !s && e + 1 < t.n; e++)
        r->edges[e] = (cep_edge){r->edges[e].weight * unit, t.id[r->edges[e].a], t.id[r->edges[e].b]};
    cep_near_clear(&near);
    cep_kdtree_clear(&t);
    return s;
}
