/* Exact neighbours in any dimension: symmetric blocks of dot products, a fused scan for pairs that may
 * matter, and distances of the survivors in float64. Blocks meet as in a round-robin tournament (circle
 * method), so that no two tasks of a round touch the same rows; each row's limit is a proven upper bound of
 * its k-th distance. Must not: let a rounded dot product decide, or hold more than a few candidates a row. */
#include <math.h>
#include <string.h>

#include "knn.h"

#define BLOCK_WORK ((size_t)CEP_BLOCK_MOST * CEP_BLOCK_MOST * 2048)
#define FINISH_ROWS 64

/* low <= squared distance of the packed rows <= high. */
typedef struct candidate {
    float low, high;
    int32_t index;
} candidate;

typedef struct scratch {
    float *dots;
    uint32_t *found;
    cep_best_item *best;
} scratch;

typedef struct search {
    const cep_measure *m;
    const cep_tile_kernels *kernels;
    cep_packed packed;
    size_t k, capacity, block, blocks, round;
    bool floats;               /* differences of float32 rows tell more than products do; else float64 */
    double relative, absolute; /* what those may be wrong by */
    candidate *items;          /* rows * capacity */
    uint32_t *counts;
    float *limits;  /* no neighbour of the row lies beyond */
    int32_t *worst; /* where the limit is 0 (k duplicates are known): their largest index */
    scratch *scratch;
    unsigned workers;
    int32_t *indices;
    float *distances;
} search;

/* The k-th smallest `high` comes to place k - 1, smaller ones before it (Hoare's selection). */
static void select_high(candidate *a, size_t count, size_t k)
{
    ptrdiff_t low = 0, high = (ptrdiff_t)count - 1, want = (ptrdiff_t)k - 1;
    while (low < high) {
        float pivot = a[low + (high - low) / 2].high;
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (a[i].high < pivot)
                i++;
            while (pivot < a[j].high)
                j--;
            if (i > j) break;
            candidate t = a[i];
            a[i++] = a[j];
            a[j--] = t;
        }
        if (want <= j)
            high = j;
        else if (want >= i)
            low = i;
        else
            return;
    }
}

/* Replaces the bounds of all candidates by their true distances and keeps the k best. */
static void resolve(search *s, size_t i, cep_best_item *room)
{
    candidate *a = s->items + i * s->capacity;
    cep_best best = {room, s->k, 0};
    for (size_t c = 0; c < s->counts[i]; c++)
        cep_best_offer(&best, cep_measure_key(s->m, i, (size_t)a[c].index), a[c].index);
    int32_t worst = 0;
    float limit = 0;
    for (size_t c = 0; c < best.count; c++) {
        double d = room[c].key * s->packed.unit;
        float high = d > 0 ? (float)(d * (1 + 1e-6)) + 1e-37f : 0;
        a[c] = (candidate){(float)(d * (1 - 1e-6)) - 1e-37f, high, room[c].index};
        limit = high > limit ? high : limit;
        worst = room[c].index > worst ? room[c].index : worst;
    }
    s->counts[i] = (uint32_t)best.count;
    if (limit < s->limits[i]) s->limits[i] = limit;
    if (limit == 0) s->worst[i] = worst;
}

/* Lowers the row's limit to the k-th smallest upper bound and drops what lies beyond. When too many are too
 * close to tell (ties, duplicates, tight groups), their true distances decide. */
static void shrink(search *s, size_t i, cep_best_item *room)
{
    candidate *a = s->items + i * s->capacity;
    size_t count = s->counts[i], kept = 0;
    if (count <= s->k) return;
    select_high(a, count, s->k);
    float limit = a[s->k - 1].high;
    if (limit < s->limits[i]) s->limits[i] = limit;
    for (size_t c = 0; c < count; c++)
        if (a[c].low <= s->limits[i]) a[kept++] = a[c];
    s->counts[i] = (uint32_t)kept;
    if (kept > s->k + (s->capacity - s->k) / 2) resolve(s, i, room);
}

/* Whether row j may be a neighbour of row i. */
static inline bool wants(const search *s, size_t i, size_t j, float low)
{
    return low <= s->limits[i] && !(s->limits[i] == 0 && (int32_t)j > s->worst[i]);
}

/* Bounds of a squared distance that the product of packed rows is too coarse for: rows in a tight group far from the
 * mean. A sum of squared differences is wrong by a part of itself only (Higham, section 3.1). */
static void look_closer(const search *s, size_t i, size_t j, float *low, float *high)
{
    const cep_measure *m = s->m;
    double d = s->packed.unit;
    if (s->floats)
        d *= (double)m->kernels->squared(cepman_matrix_row(m->matrix, i), cepman_matrix_row(m->matrix, j),
                                         m->columns);
    else
        d *= cep_measure_key(m, i, j);
    *low = (float)((d * (1 - s->relative) - s->absolute) * (1 - 1e-6));
    *high = (float)((d * (1 + s->relative) + s->absolute) * (1 + 1e-6));
}

static inline void offer(search *s, size_t i, size_t j, float low, float high, cep_best_item *room)
{
    if (!wants(s, i, j, low)) return;
    s->items[i * s->capacity + s->counts[i]] = (candidate){low, high, (int32_t)j};
    if (++s->counts[i] == s->capacity) shrink(s, i, room);
}

/* All pairs of two blocks (or inside one). */
static void join(search *s, size_t block_a, size_t block_b, scratch *w)
{
    const cep_packed *p = &s->packed;
    size_t a = block_a * s->block, b = block_b * s->block;
    if (a >= p->rows || b >= p->rows) return;
    size_t na = p->rows - a < s->block ? p->rows - a : s->block,
           nb = p->rows - b < s->block ? p->rows - b : s->block;
    bool diagonal = a == b;
    size_t ra = (na + CEP_TILE_ROWS - 1) / CEP_TILE_ROWS * CEP_TILE_ROWS;
    size_t rb = (nb + CEP_TILE_COLS - 1) / CEP_TILE_COLS * CEP_TILE_COLS;
    cep_packed_dots(p, s->kernels, a, ra, b, rb, diagonal, w->dots, s->block);
    for (size_t r = 0; r < na; r++) {
        size_t i = a + r, first = diagonal ? r + 1 : 0;
        const float *dots = w->dots + r * s->block + first;
        size_t found = s->kernels->survivors(dots, p->norms + b + first, s->limits + b + first, nb - first,
                                             p->norms[i], s->limits[i], w->found);
        for (size_t f = 0; f < found; f++) {
            size_t c = w->found[f], j = b + first + c;
            float low = (p->norms[i] + p->norms[j]) - 2 * dots[c];
            float high = low + (p->relative * (p->norms[i] + p->norms[j]) + p->absolute);
            if ((wants(s, i, j, low) && high > s->limits[i]) || (wants(s, j, i, low) && high > s->limits[j]))
                look_closer(s, i, j, &low, &high);
            offer(s, i, j, low, high, w->best);
            offer(s, j, i, low, high, w->best);
        }
    }
}

static cepman_status join_inside(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    search *s = argument;
    (void)fault;
    join(s, index, index, &s->scratch[worker]);
    return CEPMAN_OK;
}

/* Pair `index` of a round: one block stays, the others move round it; blocks is even. */
static cepman_status join_pair(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    search *s = argument;
    size_t ring = s->blocks - 1, a = ring, b = s->round;
    (void)fault;
    if (index > 0) {
        a = (s->round + index) % ring;
        b = (s->round + ring - index) % ring;
    }
    join(s, a < b ? a : b, a < b ? b : a, &s->scratch[worker]);
    return CEPMAN_OK;
}

static cepman_status finish_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    search *s = argument;
    cep_best_item *room = s->scratch[worker].best;
    (void)fault;
    for (size_t i = index * FINISH_ROWS; i < (index + 1) * FINISH_ROWS && i < s->m->rows; i++) {
        shrink(s, i, room);
        cep_best best = {room, s->k, 0};
        const candidate *a = s->items + i * s->capacity;
        for (size_t c = 0; c < s->counts[i]; c++)
            cep_best_offer(&best, cep_measure_key(s->m, i, (size_t)a[c].index), a[c].index);
        cep_best_sort(&best);
        for (size_t c = 0; c < s->k; c++) {
            s->indices[i * s->k + c] = room[c].index;
            s->distances[i * s->k + c] = cep_measure_distance(s->m, room[c].key);
        }
    }
    return CEPMAN_OK;
}

static cepman_status open_search(search *s, cepman_context *ctx, const cep_measure *m, size_t k)
{
    cep_memory *mem = m->mem;
    s->m = m;
    s->kernels = cep_tile_kernels_get(cep_context_cpu(ctx));
    s->k = k;
    s->capacity = 2 * k + 24;
    s->block = CEP_BLOCK_MOST;
    while (s->block > CEP_TILE_COLS &&
           (m->rows / s->block < 16 || s->block * s->block > BLOCK_WORK / m->columns))
        s->block -= CEP_TILE_COLS;
    s->blocks = (m->rows + s->block - 1) / s->block;
    s->blocks += s->blocks % 2;
    s->workers = cep_workers(ctx);
    s->items = cep_alloc(mem, m->rows, s->capacity * sizeof *s->items);
    s->counts = cep_alloc_zero(mem, m->rows, sizeof *s->counts);
    s->limits = cep_alloc(mem, m->rows, sizeof *s->limits);
    s->worst = cep_alloc(mem, m->rows, sizeof *s->worst);
    s->scratch = cep_alloc_zero(mem, s->workers, sizeof *s->scratch);
    if (!s->items || !s->counts || !s->limits || !s->worst || !s->scratch)
        return cep_fail_memory(ctx, "candidates", m->rows, s->capacity * sizeof *s->items);
    for (size_t i = 0; i < m->rows; i++) {
        s->limits[i] = INFINITY;
        s->worst[i] = INT32_MAX;
    }
    for (unsigned w = 0; w < s->workers; w++) {
        scratch *c = &s->scratch[w];
        c->dots = cep_alloc(mem, s->block * s->block, sizeof *c->dots);
        c->found = cep_alloc(mem, s->block, sizeof *c->found);
        c->best = cep_alloc(mem, k, sizeof *c->best);
        if (!c->dots || !c->found || !c->best)
            return cep_fail_memory(ctx, "blocks of products", s->block * s->block, sizeof *c->dots);
    }
    cepman_status status = cep_packed_open(&s->packed, ctx, m);
    /* Float32: the roundings of eight partial sums and of what goes into them, twice; squares that vanish.
     * Float64: as resolve() has it, and the roundings of a cosine near 1. */
    s->floats = !m->cosine && cep_fits_floats(m);
    s->relative = s->floats ? 2 * ((double)m->columns / 8 + 8) * 0x1p-24 : 1e-6;
    s->absolute = s->floats   ? (double)m->columns * 2.5e-38 * s->packed.unit + 1e-37
                  : m->cosine ? 1e-12
                              : 1e-37;
    return status;
}

static void close_search(search *s)
{
    cep_memory *mem = s->m->mem;
    for (unsigned w = 0; s->scratch && w < s->workers; w++) {
        cep_free(mem, s->scratch[w].dots);
        cep_free(mem, s->scratch[w].found);
        cep_free(mem, s->scratch[w].best);
    }
    cep_free(mem, s->scratch);
    cep_free(mem, s->items);
    cep_free(mem, s->counts);
    cep_free(mem, s->limits);
    cep_free(mem, s->worst);
    if (s->packed.mem) cep_packed_close(&s->packed);
}

cepman_status cep_neighbors_exact(cepman_context *ctx, const cep_measure *m, size_t k, int32_t *indices,
                                  float *distances)
{
    search s;
    memset(&s, 0, sizeof s);
    s.indices = indices;
    s.distances = distances;
    cepman_status status = open_search(&s, ctx, m, k);
    size_t half = s.blocks / 2, rounds = s.blocks ? s.blocks - 1 : 0;
    uint64_t total = s.blocks + (uint64_t)rounds * half, done = 0;
    if (!status) status = cep_parallel_part(ctx, "neighbors", 0, total, s.blocks, join_inside, &s);
    done += s.blocks;
    for (s.round = 0; !status && s.round < rounds; s.round++, done += half)
        status = cep_parallel_part(ctx, "neighbors", done, total, half, join_pair, &s);
    if (!status) status = cep_parallel(ctx, NULL, (m->rows + FINISH_ROWS - 1) / FINISH_ROWS, finish_rows, &s);
    close_search(&s);
    return status;
}
