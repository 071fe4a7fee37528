/* A forest of random-projection trees, whose leaves are joined: every row meets every other row of its leaf.
 * Dasgupta and Freund, STOC 2008, with the direction from one random row to another as in Dong's and McInnes's
 * k-NN graph codes; splits at the median, so that leaves are even whatever the data.
 * Must not: let two tasks touch one row's list (the leaves of one tree are disjoint; trees are joined in turn). */
#include <string.h>

#include "forest.h"

#define TRIES 4 /* for two rows that differ */
#define MOVE_ROWS 512

typedef struct growing {
    cep_forest *f;
    const cep_projection *p;
    const cep_distance_kernels *distance;
    uint64_t seed;
    size_t first, level;
    float **directions; /* per worker */
} growing;

typedef struct scratch {
    float *panels, *dots, *norms, *limits;
    uint32_t *found;
} scratch;

typedef struct joining {
    const cep_forest *f;
    const cep_projection *p;
    cep_lists *l;
    const cep_tile_kernels *tile;
    size_t tree, room; /* room: rows of a leaf, padded */
    bool known;        /* pairs may have met before */
    scratch *scratch;  /* per worker */
} joining;

static inline bool before(cep_tree_item a, cep_tree_item b)
{
    return a.key < b.key || (a.key == b.key && a.index < b.index);
}

static void split(cep_tree_item *o, ptrdiff_t high, ptrdiff_t want)
{
    ptrdiff_t low = 0;
    while (low < high) {
        cep_tree_item pivot = o[low + (high - low) / 2];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (before(o[i], pivot))
                i++;
            while (before(pivot, o[j]))
                j--;
            if (i > j) break;
            cep_tree_item x = o[i];
            o[i++] = o[j];
            o[j--] = x;
        }
        if (want <= j)
            high = j;
        else if (want >= i)
            low = i;
        else
            return;
    }
}

/* From one random row of the node to another; zero when those tried are all alike. */
static void choose_direction(const growing *g, const cep_tree_item *items, size_t count, uint64_t stage,
                             uint64_t node, float *direction)
{
    size_t width = g->p->width;
    bool differs = false;
    for (uint64_t t = 0; t < TRIES && !differs; t++) {
        uint64_t item = (node * TRIES + t) * 2;
        const float *a = g->p->y + (size_t)items[cep_random_below(g->seed, stage, item, count)].index * width;
        const float *b =
            g->p->y + (size_t)items[cep_random_below(g->seed, stage, item + 1, count)].index * width;
        for (size_t j = 0; j < width; j++) {
            direction[j] = a[j] - b[j];
            differs |= direction[j] < 0 || direction[j] > 0;
        }
    }
}

static cepman_status split_node(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    growing *g = argument;
    (void)fault;
    size_t n = g->p->rows, width = g->p->width, tree = index >> g->level, place = index - (tree << g->level);
    size_t first = cep_part(n, g->level, place), last = cep_part(n, g->level, place + 1);
    size_t middle = cep_part(n, g->level + 1, 2 * place + 1);
    cep_tree_item *items = g->f->items + tree * n + first;
    float *direction = g->directions[worker];
    if (last - first < 2) return CEPMAN_OK;
    choose_direction(g, items, last - first, 200 + g->first + tree, ((uint64_t)1 << g->level) + place,
                     direction);
    for (size_t i = 0; i < last - first; i++)
        items[i].key = g->distance->dot(g->p->y + (size_t)items[i].index * width, direction, width);
    split(items, (ptrdiff_t)(last - first) - 1, (ptrdiff_t)(middle - first));
    return CEPMAN_OK;
}

cepman_status cep_forest_open(cep_forest *f, cepman_context *ctx, const cep_projection *p, size_t first,
                              size_t count, size_t leaf, uint64_t seed)
{
    cep_memory *mem = p->mem;
    unsigned workers = cep_workers(ctx);
    growing g = {.f = f,
                 .p = p,
                 .distance = cep_distance_kernels_get(cep_context_cpu(ctx)),
                 .seed = seed,
                 .first = first};
    *f = (cep_forest){.rows = p->rows, .count = count, .leaf = leaf, .mem = mem};
    while ((f->rows + ((size_t)1 << f->levels) - 1) >> f->levels > leaf)
        f->levels++;
    f->items = cep_alloc(mem, f->rows, count * sizeof *f->items);
    g.directions = cep_alloc_zero(mem, workers, sizeof *g.directions);
    cepman_status s = CEPMAN_OK;
    if (!f->items || !g.directions) s = cep_fail_memory(ctx, "forest", f->rows, count * sizeof *f->items);
    for (unsigned w = 0; !s && w < workers; w++) {
        g.directions[w] = cep_alloc(mem, p->width, sizeof **g.directions);
        if (!g.directions[w]) s = cep_fail_memory(ctx, "directions", p->width, sizeof **g.directions);
    }
    for (size_t t = 0; !s && t < count; t++)
        for (size_t i = 0; i < f->rows; i++)
            f->items[t * f->rows + i] = (cep_tree_item){0, (int32_t)i};
    for (; !s && g.level < f->levels; g.level++)
        s = cep_parallel(ctx, NULL, count << g.level, split_node, &g);
    for (unsigned w = 0; g.directions && w < workers; w++)
        cep_free(mem, g.directions[w]);
    cep_free(mem, g.directions);
    if (s) cep_forest_close(f);
    return s;
}

void cep_forest_close(cep_forest *f)
{
    cep_free(f->mem, f->items);
    f->items = NULL;
}

typedef struct moving {
    const cep_forest *f;
    const cep_projection *from;
    float *y, *norms;
} moving;

static cepman_status move_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    moving *g = argument;
    size_t width = g->from->width;
    (void)worker;
    (void)fault;
    for (size_t i = index * MOVE_ROWS; i < (index + 1) * MOVE_ROWS && i < g->from->rows; i++) {
        size_t row = (size_t)g->f->items[i].index;
        memcpy(g->y + i * width, g->from->y + row * width, width * sizeof *g->y);
        g->norms[i] = g->from->norms[row];
    }
    return CEPMAN_OK;
}

cepman_status cep_forest_renumber(cep_forest *f, cepman_context *ctx, cep_projection *p, int32_t *order)
{
    size_t n = p->rows;
    int32_t *place = cep_alloc(p->mem, n, sizeof *place), *was = cep_alloc(p->mem, n, sizeof *was);
    moving g = {.f = f, .from = p};
    g.y = cep_alloc(p->mem, n, p->width * sizeof *g.y);
    g.norms = cep_alloc(p->mem, n, sizeof *g.norms);
    cepman_status s;
    if (!place || !was || !g.y || !g.norms)
        s = cep_fail_memory(ctx, "rows in the order of leaves", n, (p->width + 3) * sizeof *g.y);
    else
        s = cep_parallel(ctx, NULL, (n + MOVE_ROWS - 1) / MOVE_ROWS, move_rows, &g);
    if (s) {
        cep_free(p->mem, g.y);
        cep_free(p->mem, g.norms);
    } else {
        memcpy(was, order, n * sizeof *was);
        for (size_t i = 0; i < n; i++) {
            place[f->items[i].index] = (int32_t)i;
            order[i] = was[f->items[i].index];
        }
        for (size_t i = 0; i < f->count * n; i++)
            f->items[i].index = place[f->items[i].index];
        cep_projection_close(p);
        p->y = g.y;
        p->norms = g.norms;
    }
    cep_free(p->mem, place);
    cep_free(p->mem, was);
    return s;
}

static void pack_leaf(const joining *g, const cep_tree_item *items, size_t count, scratch *w)
{
    size_t width = g->p->width;
    for (size_t i = 0; i < count; i++) {
        size_t row = (size_t)items[i].index;
        const float *y = g->p->y + row * width;
        float *to = w->panels + i / CEP_PANEL * CEP_PANEL * width + i % CEP_PANEL;
        for (size_t k = 0; k < width; k++)
            to[k * CEP_PANEL] = y[k];
        w->norms[i] = g->p->norms[row];
        w->limits[i] = g->l->limits[row];
    }
}

static cepman_status join_leaf(void *argument, size_t place, unsigned worker, cep_fault *fault)
{
    joining *g = argument;
    scratch *w = &g->scratch[worker];
    cep_lists *l = g->l;
    (void)fault;
    size_t n = g->p->rows, width = g->p->width;
    size_t first = cep_part(n, g->f->levels, place), count = cep_part(n, g->f->levels, place + 1) - first;
    const cep_tree_item *items = g->f->items + g->tree * n + first;
    pack_leaf(g, items, count, w);
    for (size_t strip = 0; strip < count; strip += CEP_TILE_ROWS) {
        const float *half = w->panels + strip / CEP_PANEL * CEP_PANEL * width + strip % CEP_PANEL;
        for (size_t c = strip / CEP_TILE_COLS * CEP_TILE_COLS; c < count; c += CEP_TILE_COLS)
            g->tile->tile(half, w->panels + c * width, width, false, w->dots + c, g->room);
        for (size_t r = 0; r < CEP_TILE_ROWS && strip + r + 1 < count; r++) {
            size_t a = strip + r, next = a + 1, i = (size_t)items[a].index;
            const float *dots = w->dots + r * g->room;
            size_t found = g->tile->survivors(dots + next, w->norms + next, w->limits + next, count - next,
                                              w->norms[a], w->limits[a], w->found);
            for (size_t h = 0; h < found; h++) {
                size_t b = next + w->found[h], j = (size_t)items[b].index;
                float key = (w->norms[a] + w->norms[b]) - 2 * dots[b];
                cep_lists_offer(l, i, j, key, g->known);
                if (!(key < w->limits[b])) continue;
                cep_lists_offer(l, j, i, key, g->known);
                w->limits[b] = l->limits[j];
            }
        }
    }
    return CEPMAN_OK;
}

static cepman_status open_scratch(joining *g, cepman_context *ctx, unsigned workers)
{
    cep_memory *mem = g->p->mem;
    size_t width = g->p->width;
    g->scratch = cep_alloc_zero(mem, workers, sizeof *g->scratch);
    if (!g->scratch) return cep_fail_memory(ctx, "leaves of a forest", workers, sizeof *g->scratch);
    for (unsigned i = 0; i < workers; i++) {
        scratch *w = &g->scratch[i];
        w->panels = cep_alloc_zero(mem, g->room, width * sizeof *w->panels);
        w->dots = cep_alloc(mem, g->room, CEP_TILE_ROWS * sizeof *w->dots);
        w->norms = cep_alloc(mem, g->room, sizeof *w->norms);
        w->limits = cep_alloc(mem, g->room, sizeof *w->limits);
        w->found = cep_alloc(mem, g->room, sizeof *w->found);
        if (!w->panels || !w->dots || !w->norms || !w->limits || !w->found)
            return cep_fail_memory(ctx, "leaves of a forest", g->room, width * sizeof *w->panels);
    }
    return CEPMAN_OK;
}

static void close_scratch(joining *g, unsigned workers)
{
    cep_memory *mem = g->p->mem;
    for (unsigned i = 0; g->scratch && i < workers; i++) {
        cep_free(mem, g->scratch[i].panels);
        cep_free(mem, g->scratch[i].dots);
        cep_free(mem, g->scratch[i].norms);
        cep_free(mem, g->scratch[i].limits);
        cep_free(mem, g->scratch[i].found);
    }
    cep_free(mem, g->scratch);
}

cepman_status cep_forest_join(const cep_forest *f, cepman_context *ctx, const cep_projection *p, cep_lists *l,
                              bool known)
{
    unsigned workers = cep_workers(ctx);
    joining g = {.f = f,
                 .p = p,
                 .l = l,
                 .tile = cep_tile_kernels_get(cep_context_cpu(ctx)),
                 .room = (f->leaf + CEP_TILE_COLS - 1) / CEP_TILE_COLS * CEP_TILE_COLS};
    cepman_status s = open_scratch(&g, ctx, workers);
    for (; !s && g.tree < f->count; g.tree++) {
        g.known = known || g.tree > 0;
        s = cep_parallel(ctx, NULL, (size_t)1 << f->levels, join_leaf, &g);
    }
    close_scratch(&g, workers);
    return s;
}
