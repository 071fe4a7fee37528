/* Core distances and Prim's tree (1957) for a few thousand points of many features, over a table of float32 dot products
 * of all pairs: |a - b|^2 = |a|^2 + |b|^2 - 2 a.b after centring and scaling, with the rounding errors of the sum (below
 * terms * 2^-24 * |a||b|: Higham 2002, section 3.1) as slack. The table never exceeds 64 MiB.
 * Must not: let a float32 number decide; pairs that may matter are measured again in double, in the order of the
 * features. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "linkage.h"

#define BLOCK 192 /* rows of a block of the table: multiple of CEP_TILE_COLS */
#define DEPTH 256 /* features whose panels stay in the cache */
#define CORE_ROWS 16
#define ROUND_OFF 0x1p-24

typedef struct dot_table {
    cep_reach *r;
    cep_memory *mem;
    const cep_tile_kernels *tile;
    const cep_reach_kernels *small;
    size_t n, d, padded, blocks;
    double *mean, scale, unit; /* unit: scaled squares per square */
    float relative, absolute;  /* a low is below the truth by 0 to relative * (sum of norms) + absolute */
    float *packed;             /* depth block by depth block, panels of 16 rows */
    float *norms;              /* squared lengths less half of the slack */
    float *dots;               /* padded x padded */
    float *lows;               /* per worker: two rows of the table, and exact */
    double *exact;
} dot_table;

/* Squared distances of up to four points to one, each summed in the order of the features. */
static void squared4(const float *x, const float *const y[4], size_t d, double out[4])
{
    const float *a = y[0], *b = y[1], *c = y[2], *e = y[3];
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (size_t j = 0; j < d; j++) {
        double v = (double)x[j], v0 = v - (double)a[j], v1 = v - (double)b[j], v2 = v - (double)c[j],
               v3 = v - (double)e[j];
        s0 += v0 * v0;
        s1 += v1 * v1;
        s2 += v2 * v2;
        s3 += v3 * v3;
    }
    out[0] = s0;
    out[1] = s1;
    out[2] = s2;
    out[3] = s3;
}

/* Squared distances of point i to some points. */
static void measure(const dot_table *t, size_t i, const uint32_t *points, size_t count, double *out)
{
    const cep_points *p = t->r->points;
    for (size_t f = 0; f < count; f += 4) {
        const float *rows[4];
        double four[4];
        for (size_t c = 0; c < 4; c++)
            rows[c] = p->row[points[f + c < count ? f + c : f]];
        squared4(p->row[i], rows, t->d, four);
        for (size_t c = 0; c < 4 && f + c < count; c++)
            out[f + c] = four[c];
    }
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static void find_scale(dot_table *t)
{
    const cep_points *p = t->r->points;
    float largest = 0;
    int exponent;
    for (size_t j = 0; j < t->d; j++)
        t->mean[j] = 0;
    for (size_t i = 0; i < t->n; i++)
        for (size_t j = 0; j < t->d; j++) {
            float v = p->row[i][j], size = v < 0 ? -v : v;
            t->mean[j] += (double)v;
            largest = size > largest ? size : largest;
        }
    for (size_t j = 0; j < t->d; j++)
        t->mean[j] /= (double)t->n;
    frexp((double)largest, &exponent);
    t->scale = largest > 0 ? ldexp(1, -exponent) : 1; /* centred values are at most 2 */
    t->unit = t->scale * t->scale;
}

static cepman_status pack_panel(void *argument, size_t panel, unsigned worker, cep_fault *fault)
{
    dot_table *t = argument;
    double norms[CEP_PANEL] = {0};
    (void)worker;
    (void)fault;
    for (size_t first = 0, depth; first < t->d; first += depth) {
        depth = t->d - first < DEPTH ? t->d - first : DEPTH;
        float *to = t->packed + first * t->padded + panel * CEP_PANEL * depth;
        for (size_t r = 0; r < CEP_PANEL; r++) {
            size_t i = panel * CEP_PANEL + r;
            const float *x = i < t->n ? t->r->points->row[i] + first : NULL;
            for (size_t k = 0; k < depth; k++) {
                float v = x ? (float)(((double)x[k] - t->mean[first + k]) * t->scale) : 0;
                to[k * CEP_PANEL + r] = v;
                norms[r] += (double)v * (double)v;
            }
        }
    }
    for (size_t r = 0; r < CEP_PANEL; r++)
        t->norms[panel * CEP_PANEL + r] =
            (float)(norms[r] * (1 - 0.5 * (double)t->relative)) - 0.25f * t->absolute;
    return CEPMAN_OK;
}

/* Block `index` of the upper triangle, and its mirror. */
static cepman_status fill_block(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    dot_table *t = argument;
    size_t row = 0, left = index;
    (void)worker;
    (void)fault;
    while (left >= t->blocks - row)
        left -= t->blocks - row++;
    size_t a = row * BLOCK, b = (row + left) * BLOCK;
    size_t end_a = a + BLOCK < t->padded ? a + BLOCK : t->padded,
           end_b = b + BLOCK < t->padded ? b + BLOCK : t->padded;
    for (size_t first = 0, depth; first < t->d; first += depth) {
        depth = t->d - first < DEPTH ? t->d - first : DEPTH;
        const float *panels = t->packed + first * t->padded;
        for (size_t c = b; c < end_b; c += CEP_TILE_COLS)
            for (size_t r = a; r < end_a && !(a == b && r >= c + CEP_TILE_COLS); r += CEP_TILE_ROWS)
                t->tile->tile(panels + r / CEP_PANEL * CEP_PANEL * depth + r % CEP_PANEL, panels + c * depth,
                              depth, first > 0, t->dots + r * t->padded + c, t->padded);
    }
    for (size_t r = a; r < end_a; r += 16)
        for (size_t c = a == b ? r + 1 : b; c < end_b; c++)
            for (size_t i = r; i < r + 16 && !(a == b && i >= c); i++)
                t->dots[c * t->padded + i] = t->dots[i * t->padded + c];
    return CEPMAN_OK;
}

static cepman_status fill(dot_table *t)
{
    size_t depth = t->d < DEPTH ? t->d : DEPTH, sums = (t->d + DEPTH - 1) / DEPTH;
    t->relative = (float)(2.1 * (double)(depth + sums + 16) * ROUND_OFF); /* and data, lengths, their sum */
    t->absolute = 1e-30f;                                                 /* underflow */
    find_scale(t);
    cepman_status s = cep_poll(t->r->ctx);
    if (!s) s = cep_parallel(t->r->ctx, NULL, t->padded / CEP_PANEL, pack_panel, t);
    if (!s)
        s = cep_parallel(t->r->ctx, "hdbscan core distances", t->blocks * (t->blocks + 1) / 2, fill_block, t);
    return s;
}

/* ---- core distances ---------------------------------------------------------------------------------------------- */

static float kth(const dot_table *t, float *x, size_t count, size_t k)
{
    return k < CEP_REACH_SMALL ? t->small->smallest(x, count, k) : cep_select_f32(x, count, k);
}

/* The k-th smallest truth lies between the k-th smallest low and the k-th smallest high. */
static double core_of(const dot_table *t, size_t i, float *low, float *high, double *exact)
{
    size_t n = t->n, k = t->r->samples - 1, sure = 0, m = 0;
    const float *dots = t->dots + i * t->padded;
    float own = t->norms[i];
    for (size_t j = 0; j < n; j++) {
        float sum = own + t->norms[j];
        low[j] = sum - 2 * dots[j];
        high[j] = low[j] + (t->relative * sum + t->absolute) * 1.01f;
    }
    low[i] = high[i] = INFINITY; /* not itself */
    for (size_t j = n; j % 16; j++)
        low[j] = high[j] = INFINITY;
    float *copy = low + t->padded * 2;
    memcpy(copy, low, t->padded * sizeof *copy);
    float least = kth(t, copy, n, k);
    memcpy(copy, high, t->padded * sizeof *copy);
    float most = kth(t, copy, n, k);
    uint32_t *near = (uint32_t *)(void *)copy;
    for (uint32_t j = 0; j < n; j++) {
        if (j == i || low[j] > most) continue;
        if (high[j] < least)
            sure++;
        else
            near[m++] = j;
    }
    measure(t, i, near, m, exact);
    return cep_select_f64(exact, m, k - sure);
}

static cepman_status core_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    dot_table *t = argument;
    float *low = t->lows + (size_t)worker * 3 * t->padded;
    (void)fault;
    for (size_t i = index * CORE_ROWS; i < (index + 1) * CORE_ROWS && i < t->n; i++)
        t->r->core[i] = core_of(t, i, low, low + t->padded, t->exact + (size_t)worker * t->padded);
    return CEPMAN_OK;
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

typedef struct prim_state {
    double *key;   /* lightest weight to the tree; infinite inside it */
    float *limits; /* no pair with a low beyond it can be lighter */
    uint32_t *from, *found;
    double *exact;
} prim_state;

static float limit_of(const dot_table *t, double key)
{
    double x = key * t->r->alpha_square * t->unit;
    return x < 3e38 ? (float)(x * (1 + 1e-6)) + t->absolute : INFINITY;
}

/* Lowers the keys by the point that has just joined. */
static void lower_keys(const dot_table *t, prim_state *s, uint32_t current)
{
    const cep_reach *r = t->r;
    size_t count = t->tile->survivors(t->dots + current * t->padded, t->norms, s->limits, t->n,
                                      t->norms[current], -INFINITY, s->found),
           m = 0;
    for (size_t f = 0; f < count; f++)
        if (r->core[current] < s->key[s->found[f]]) s->found[m++] = s->found[f];
    measure(t, current, s->found, m, s->exact);
    for (size_t f = 0; f < m; f++) {
        uint32_t j = s->found[f];
        double w = s->exact[f] / r->alpha_square;
        if (r->core[j] > w) w = r->core[j];
        if (r->core[current] > w) w = r->core[current];
        if (w >= s->key[j]) continue;
        s->key[j] = w;
        s->from[j] = current;
        s->limits[j] = w > r->core[j] ? limit_of(t, w) : -INFINITY;
    }
}

static cepman_status prim(const dot_table *t, prim_state *s)
{
    cep_reach *r = t->r;
    uint32_t current = 0;
    for (size_t j = 0; j < t->n; j++) {
        s->key[j] = (double)INFINITY;
        s->limits[j] = INFINITY;
    }
    s->limits[0] = -INFINITY;
    for (size_t e = 0; e + 1 < t->n; e++) {
        cepman_status status = cep_poll(r->ctx);
        if (status) return status;
        if (e % 256 == 0) cep_progress(r->ctx, "hdbscan tree", e, t->n - 1);
        lower_keys(t, s, current);
        double least = (double)INFINITY;
        for (uint32_t j = 0; j < t->n; j++)
            if (s->key[j] < least) {
                least = s->key[j];
                current = j;
            }
        r->edges[e] = (cep_edge){least, s->from[current], current};
        s->key[current] = (double)INFINITY;
        s->limits[current] = -INFINITY;
    }
    cep_progress(r->ctx, "hdbscan tree", t->n - 1, t->n - 1);
    return CEPMAN_OK;
}

static cepman_status span(dot_table *t)
{
    prim_state s = {cep_alloc(t->mem, t->n, sizeof *s.key), cep_alloc(t->mem, t->n, sizeof *s.limits),
                    cep_alloc_zero(t->mem, t->n, sizeof *s.from), cep_alloc(t->mem, t->n, sizeof *s.found),
                    cep_alloc(t->mem, t->n, sizeof *s.exact)};
    cepman_status status = s.key && s.limits && s.from && s.found && s.exact
                               ? prim(t, &s)
                               : cep_fail_memory(t->r->ctx, "spanning tree", t->n, 28);
    cep_free(t->mem, s.key);
    cep_free(t->mem, s.limits);
    cep_free(t->mem, s.from);
    cep_free(t->mem, s.found);
    cep_free(t->mem, s.exact);
    return status;
}

cepman_status cep_reach_table(cep_reach *r)
{
    cepman_context *ctx = r->ctx;
    size_t n = r->points->n, d = r->points->d, workers = cep_workers(ctx), numbers;
    dot_table t = {.r = r, .mem = r->mem, .n = n, .d = d};
    t.tile = cep_tile_kernels_get(cep_context_cpu(ctx));
    t.small = cep_reach_kernels_get(cep_context_cpu(ctx));
    t.padded = (n + CEP_TILE_COLS - 1) / CEP_TILE_COLS * CEP_TILE_COLS;
    t.blocks = (t.padded + BLOCK - 1) / BLOCK;
    t.mean = cep_alloc(r->mem, d, sizeof *t.mean);
    t.norms = cep_alloc(r->mem, t.padded, sizeof *t.norms);
    t.packed = cep_mul(t.padded, d, &numbers) ? cep_alloc(r->mem, numbers, sizeof *t.packed) : NULL;
    t.dots = cep_alloc(r->mem, t.padded * t.padded, sizeof *t.dots);
    t.lows = cep_alloc(r->mem, workers * t.padded, 3 * sizeof *t.lows);
    t.exact = cep_alloc(r->mem, workers * t.padded, sizeof *t.exact);
    cepman_status s = t.mean && t.norms && t.packed && t.dots && t.lows && t.exact
                          ? fill(&t)
                          : cep_fail_memory(ctx, "table of products", t.padded, t.padded * sizeof *t.dots);
    if (!s) s = cep_parallel(ctx, NULL, (n + CORE_ROWS - 1) / CORE_ROWS, core_chunk, &t);
    if (!s) s = span(&t);
    void *all[] = {t.mean, t.norms, t.packed, t.dots, t.lows, t.exact};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cep_free(r->mem, all[i]);
    return s;
}
