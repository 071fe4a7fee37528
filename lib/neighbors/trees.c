/* A forest of random-projection trees, whose leaves are joined: every row meets every other row of its leaf.
 * Dasgupta and Freund, STOC 2008, with the direction from one random row to another as in Dong's and McInnes's
 * k-NN graph codes; splits at the median, so that leaves are even whatever the data.
 * Must not: let two tasks touch one row's list (the leaves of one tree are disjoint; trees are joined in turn). */
#include <string.h>

#include "forest.h"

#define TRIES 4 /* for two rows that differ */

typedef struct node_item {
    float key;
    int32_t index;
} node_item;

typedef struct scratch {
    float *panels, *dots, *norms, *limits, *direction;
    uint32_t *found;
} scratch;

typedef struct forest {
    const cep_projection *p;
    cep_lists *l;
    const cep_tile_kernels *tile;
    const cep_distance_kernels *distance;
    uint64_t seed;
    size_t first, count; /* trees */
    size_t levels, level, tree;
    size_t room;      /* rows of a leaf, padded */
    node_item *items; /* count * rows */
    scratch *scratch;
    unsigned workers;
} forest;

static inline bool before(node_item a, node_item b)
{
    return a.key < b.key || (a.key == b.key && a.index < b.index);
}

static void split(node_item *o, ptrdiff_t high, ptrdiff_t want)
{
    ptrdiff_t low = 0;
    while (low < high) {
        node_item pivot = o[low + (high - low) / 2];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (before(o[i], pivot))
                i++;
            while (before(pivot, o[j]))
                j--;
            if (i > j) break;
            node_item x = o[i];
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
static void choose_direction(const forest *f, const node_item *items, size_t count, uint64_t stage,
                             uint64_t node, float *direction)
{
    size_t width = f->p->width;
    bool differs = false;
    for (uint64_t t = 0; t < TRIES && !differs; t++) {
        uint64_t item = (node * TRIES + t) * 2;
        const float *a = f->p->y + (size_t)items[cep_random_below(f->seed, stage, item, count)].index * width;
        const float *b =
            f->p->y + (size_t)items[cep_random_below(f->seed, stage, item + 1, count)].index * width;
        for (size_t j = 0; j < width; j++) {
            direction[j] = a[j] - b[j];
            differs |= direction[j] < 0 || direction[j] > 0;
        }
    }
}

static cepman_status split_node(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    forest *f = argument;
    (void)fault;
    size_t n = f->p->rows, width = f->p->width, tree = index >> f->level, place = index - (tree << f->level);
    size_t first = cep_part(n, f->level, place), last = cep_part(n, f->level, place + 1);
    size_t middle = cep_part(n, f->level + 1, 2 * place + 1);
    node_item *items = f->items + tree * n + first;
    float *direction = f->scratch[worker].direction;
    if (last - first < 2) return CEPMAN_OK;
    choose_direction(f, items, last - first, 200 + f->first + tree, ((uint64_t)1 << f->level) + place,
                     direction);
    for (size_t i = 0; i < last - first; i++)
        items[i].key = f->distance->dot(f->p->y + (size_t)items[i].index * width, direction, width);
    split(items, (ptrdiff_t)(last - first) - 1, (ptrdiff_t)(middle - first));
    return CEPMAN_OK;
}

static void pack_leaf(const forest *f, const node_item *items, size_t count, scratch *w)
{
    size_t width = f->p->width;
    for (size_t i = 0; i < count; i++) {
        size_t row = (size_t)items[i].index;
        const float *y = f->p->y + row * width;
        float *to = w->panels + i / CEP_PANEL * CEP_PANEL * width + i % CEP_PANEL;
        for (size_t k = 0; k < width; k++)
            to[k * CEP_PANEL] = y[k];
        w->norms[i] = f->p->norms[row];
        w->limits[i] = f->l->limits[row];
    }
}

static cepman_status join_leaf(void *argument, size_t place, unsigned worker, cep_fault *fault)
{
    forest *f = argument;
    scratch *w = &f->scratch[worker];
    cep_lists *l = f->l;
    (void)fault;
    size_t n = f->p->rows, width = f->p->width;
    size_t first = cep_part(n, f->levels, place), count = cep_part(n, f->levels, place + 1) - first;
    const node_item *items = f->items + f->tree * n + first;
    pack_leaf(f, items, count, w);
    for (size_t strip = 0; strip < count; strip += CEP_TILE_ROWS) {
        const float *half = w->panels + strip / CEP_PANEL * CEP_PANEL * width + strip % CEP_PANEL;
        for (size_t c = strip / CEP_TILE_COLS * CEP_TILE_COLS; c < count; c += CEP_TILE_COLS)
            f->tile->tile(half, w->panels + c * width, width, false, w->dots + c, f->room);
        for (size_t r = 0; r < CEP_TILE_ROWS && strip + r + 1 < count; r++) {
            size_t a = strip + r, next = a + 1, i = (size_t)items[a].index;
            const float *dots = w->dots + r * f->room;
            size_t found = f->tile->survivors(dots + next, w->norms + next, w->limits + next, count - next,
                                              w->norms[a], w->limits[a], w->found);
            for (size_t h = 0; h < found; h++) {
                size_t b = next + w->found[h], j = (size_t)items[b].index;
                float key = (w->norms[a] + w->norms[b]) - 2 * dots[b];
                cep_lists_offer(l, i, j, key);
                if (!(key < w->limits[b])) continue;
                cep_lists_offer(l, j, i, key);
                w->limits[b] = l->limits[j];
            }
        }
    }
    return CEPMAN_OK;
}

static cepman_status open_forest(forest *f, cepman_context *ctx, size_t leaf)
{
    cep_memory *mem = f->p->mem;
    size_t n = f->p->rows, width = f->p->width;
    while ((n + ((size_t)1 << f->levels) - 1) >> f->levels > leaf)
        f->levels++;
    f->room = (leaf + CEP_TILE_COLS - 1) / CEP_TILE_COLS * CEP_TILE_COLS;
    f->workers = cep_workers(ctx);
    f->items = cep_alloc(mem, n, f->count * sizeof *f->items);
    f->scratch = cep_alloc_zero(mem, f->workers, sizeof *f->scratch);
    if (!f->items || !f->scratch) return cep_fail_memory(ctx, "forest", n, f->count * sizeof *f->items);
    for (unsigned i = 0; i < f->workers; i++) {
        scratch *w = &f->scratch[i];
        w->panels = cep_alloc_zero(mem, f->room, width * sizeof *w->panels);
        w->dots = cep_alloc(mem, f->room, CEP_TILE_ROWS * sizeof *w->dots);
        w->norms = cep_alloc(mem, f->room, sizeof *w->norms);
        w->limits = cep_alloc(mem, f->room, sizeof *w->limits);
        w->direction = cep_alloc(mem, width, sizeof *w->direction);
        w->found = cep_alloc(mem, f->room, sizeof *w->found);
        if (!w->panels || !w->dots || !w->norms || !w->limits || !w->direction || !w->found)
            return cep_fail_memory(ctx, "leaves of a forest", f->room, width * sizeof *w->panels);
    }
    return CEPMAN_OK;
}

static void close_forest(forest *f)
{
    cep_memory *mem = f->p->mem;
    for (unsigned i = 0; f->scratch && i < f->workers; i++) {
        cep_free(mem, f->scratch[i].panels);
        cep_free(mem, f->scratch[i].dots);
        cep_free(mem, f->scratch[i].norms);
        cep_free(mem, f->scratch[i].limits);
        cep_free(mem, f->scratch[i].direction);
        cep_free(mem, f->scratch[i].found);
    }
    cep_free(mem, f->scratch);
    cep_free(mem, f->items);
}

cepman_status cep_trees_join(cepman_context *ctx, const cep_projection *p, cep_lists *l, size_t first,
                             size_t count, size_t leaf, uint64_t seed, int32_t *order)
{
    forest f = {.p = p,
                .l = l,
                .tile = cep_tile_kernels_get(cep_context_cpu(ctx)),
                .distance = cep_distance_kernels_get(cep_context_cpu(ctx)),
                .seed = seed,
                .first = first,
                .count = count};
    cepman_status s = open_forest(&f, ctx, leaf);
    size_t n = p->rows;
    for (size_t t = 0; !s && t < count; t++)
        for (size_t i = 0; i < n; i++)
            f.items[t * n + i] = (node_item){0, (int32_t)i};
    for (f.level = 0; !s && f.level < f.levels; f.level++)
        s = cep_parallel(ctx, NULL, count << f.level, split_node, &f);
    for (f.tree = 0; !s && f.tree < count; f.tree++)
        s = cep_parallel(ctx, NULL, (size_t)1 << f.levels, join_leaf, &f);
    for (size_t i = 0; !s && i < n; i++)
        order[i] = f.items[(count - 1) * n + i].index;
    close_forest(&f);
    return s;
}
