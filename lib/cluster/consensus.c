/* Joins clusters that a coarser clustering holds together, unless the scan shows a wall between them.
 * Our own method (docs/method.md, Consensus): steps in feature space along scan lines tell a tear of the manifold, where
 * they are as long as their neighbours, from a domain wall, where one step is long.
 * Must not: split a cluster, or join two whose common border is a wall. */
#include <math.h>
#include <stdlib.h>

#include <cepman/consensus.h>

#include "exec.h"
#include "kernels.h"
#include "matrix.h"

static const cep_option table[] = {
    {"agreement", CEPMAN_OPTION_REAL, 0, 1, 0.5, NULL,
     "least fraction of a cluster's points in coarse clusters, 0 to 1, to follow the one most are in"},
    {"contrast", CEPMAN_OPTION_REAL, 1, 1000, 2.5, NULL,
     "step across a border over the steps beside it, 1 to 1000, above which it is a wall"},
    {"lag", CEPMAN_OPTION_INTEGER, 1, 100, 3, NULL,
     "scan points from step to step, 1 to 100: wider than a wall"},
    {"interior", CEPMAN_OPTION_REAL, 0, 1, 0.1, NULL,
     "least fraction of interior points, 0 to 1, below which a cluster is a wall and becomes noise"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL}};

/* Borders on which fewer crossings were measured tell nothing. */
#define LEAST_CROSSINGS 5

/* A place where the scan passes from one cluster to another: squared steps. */
typedef struct crossing {
    uint64_t pair; /* lower label * clusters + higher label */
    float step, beside;
} crossing;

typedef struct work {
    const int32_t *fine, *coarse;
    const cepman_matrix *features;
    size_t rows, columns, count, clusters, homes;
    cepman_options *options;
    cep_memory *mem;
    size_t *table; /* clusters x homes: points */
    int32_t *home; /* of each cluster, -1: none */
    int32_t *root; /* union-find */
    size_t *size, *inner;
    crossing *crossings;
    size_t crossing_count;
} work;

cepman_status cepman_consensus_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, "consensus", table);
}

/* The coarse cluster that each fine one belongs to. */
static void find_homes(work *w)
{
    double share = cep_options_real(w->options, "agreement");
    for (size_t i = 0; i < w->count; i++) {
        if (w->fine[i] < 0) continue;
        w->size[w->fine[i]]++;
        if (w->coarse[i] >= 0) w->table[(size_t)w->fine[i] * w->homes + (size_t)w->coarse[i]]++;
    }
    for (size_t c = 0; c < w->clusters; c++) {
        size_t known = 0, best = 0;
        for (size_t h = 0; h < w->homes; h++) {
            known += w->table[c * w->homes + h];
            if (w->table[c * w->homes + h] > w->table[c * w->homes + best]) best = h;
        }
        bool settled = known > 0 && (double)known >= share * (double)w->size[c];
        w->home[c] = settled ? (int32_t)best : -1;
    }
}

/* Four points of a scan line, lag apart: two of one cluster, then two of another. */
static void measure(work *w, const cep_distance_kernels *kernels, const size_t at[4])
{
    int32_t a = w->fine[at[1]], b = w->fine[at[2]];
    if (a < 0 || b < 0 || a == b || w->fine[at[0]] != a || w->fine[at[3]] != b) return;
    const float *row[4];
    for (int i = 0; i < 4; i++)
        row[i] = cepman_matrix_row(w->features, at[i]);
    size_t d = cepman_matrix_columns(w->features);
    float step = kernels->squared(row[1], row[2], d);
    float beside = 0.5f * (kernels->squared(row[0], row[1], d) + kernels->squared(row[2], row[3], d));
    if (!isfinite(step) || !isfinite(beside)) return;
    size_t low = (size_t)(a < b ? a : b), high = (size_t)(a < b ? b : a);
    w->crossings[w->crossing_count++] = (crossing){(uint64_t)low * w->clusters + high, step, beside};
}

static cepman_status find_crossings(work *w, cepman_context *ctx)
{
    const cep_distance_kernels *kernels = cep_distance_kernels_get(cep_context_cpu(ctx));
    size_t lag = (size_t)cep_options_integer(w->options, "lag");
    for (size_t y = 0; y < w->rows; y++) {
        cepman_status s = y % 16 ? CEPMAN_OK : cep_poll(ctx);
        if (s) return s;
        for (size_t x = 0; x < w->columns; x++) {
            size_t i = y * w->columns + x, down = lag * w->columns;
            if (x + 3 * lag < w->columns)
                measure(w, kernels, (const size_t[4]){i, i + lag, i + 2 * lag, i + 3 * lag});
            if (y + 3 * lag < w->rows)
                measure(w, kernels, (const size_t[4]){i, i + down, i + 2 * down, i + 3 * down});
        }
    }
    return CEPMAN_OK;
}

static int order(float a, float b)
{
    return (a > b) - (a < b);
}

static int by_step(const void *p, const void *q)
{
    const crossing *a = p, *b = q;
    return a->pair != b->pair ? (a->pair > b->pair ? 1 : -1) : order(a->step, b->step);
}

static int by_beside(const void *p, const void *q)
{
    const crossing *a = p, *b = q;
    return order(a->beside, b->beside);
}

static int32_t find(int32_t *root, int32_t c)
{
    while (root[c] != c)
        c = root[c] = root[root[c]];
    return c;
}

/* Whether crossings first .. first+count-1, sorted by step, are a wall. Sorts them anew. */
static bool is_wall(crossing *c, size_t count, double contrast)
{
    if (count < LEAST_CROSSINGS) return false;
    double step = (double)c[count / 2].step;
    qsort(c, count, sizeof *c, by_beside);
    return sqrt(step) > contrast * sqrt((double)c[count / 2].beside);
}

/* Joins clusters of one home, but for pairs with a wall between them. */
static void join(work *w)
{
    double contrast = cep_options_real(w->options, "contrast");
    size_t n = w->crossing_count, walls = 0;
    qsort(w->crossings, n, sizeof *w->crossings, by_step);
    for (size_t first = 0, end; first < n; first = end) {
        uint64_t pair = w->crossings[first].pair;
        for (end = first + 1; end < n && w->crossings[end].pair == pair;)
            end++;
        /* The list of walls, ascending, takes the place of crossings that are done with. */
        if (is_wall(w->crossings + first, end - first, contrast)) w->crossings[walls++].pair = pair;
    }
    size_t next = 0;
    for (size_t a = 0; a < w->clusters; a++)
        for (size_t b = a + 1; b < w->clusters; b++) {
            uint64_t pair = (uint64_t)a * w->clusters + b;
            while (next < walls && w->crossings[next].pair < pair)
                next++;
            bool wall = next < walls && w->crossings[next].pair == pair;
            if (w->home[a] < 0 || w->home[a] != w->home[b] || wall) continue;
            int32_t i = find(w->root, (int32_t)a), j = find(w->root, (int32_t)b);
            w->root[i < j ? j : i] = i < j ? i : j;
        }
}

/* Points with only their own cluster around them (as far as the scan goes), per root. */
static void count_inner(work *w)
{
    for (size_t y = 0; y < w->rows; y++)
        for (size_t x = 0; x < w->columns; x++) {
            int32_t own = w->fine[y * w->columns + x];
            if (own < 0) continue;
            own = find(w->root, own);
            bool inner = true;
            for (size_t v = y ? y - 1 : 0; v <= y + 1 && v < w->rows; v++)
                for (size_t u = x ? x - 1 : 0; u <= x + 1 && u < w->columns; u++) {
                    int32_t other = w->fine[v * w->columns + u];
                    inner = inner && other >= 0 && find(w->root, other) == own;
                }
            w->inner[own] += inner;
        }
}

/* Final numbers per fine cluster, in w->home. */
static void number(work *w)
{
    double interior = cep_options_real(w->options, "interior");
    count_inner(w);
    for (size_t c = w->clusters; c-- > 0;) {
        int32_t r = find(w->root, (int32_t)c);
        if ((size_t)r != c) w->size[r] += w->size[c];
    }
    int32_t next = 0;
    for (size_t c = 0; c < w->clusters; c++) {
        int32_t r = find(w->root, (int32_t)c);
        if ((size_t)r != c)
            w->home[c] = w->home[r]; /* roots come first */
        else
            w->home[c] = (double)w->inner[c] < interior * (double)w->size[c] ? -1 : next++;
    }
}

static cepman_status merge(work *w, cepman_context *ctx, int32_t *result)
{
    size_t k = w->clusters, cells;
    if (!cep_mul(k, w->homes, &cells)) return cep_fail_memory(ctx, "consensus", k, SIZE_MAX);
    w->table = cep_alloc_zero(w->mem, cells, sizeof *w->table);
    w->home = cep_alloc_zero(w->mem, k, sizeof *w->home);
    w->root = cep_alloc(w->mem, k, sizeof *w->root);
    w->size = cep_alloc_zero(w->mem, k, sizeof *w->size);
    w->inner = cep_alloc_zero(w->mem, k, sizeof *w->inner);
    w->crossings = cep_alloc(w->mem, w->count, 2 * sizeof *w->crossings);
    if (!w->table || !w->home || !w->root || !w->size || !w->inner || !w->crossings)
        return cep_fail_memory(ctx, "consensus", w->count, 2 * sizeof *w->crossings);
    for (size_t c = 0; c < k; c++)
        w->root[c] = (int32_t)c;
    find_homes(w);
    cepman_status s = find_crossings(w, ctx);
    if (s) return s;
    join(w);
    number(w);
    for (size_t i = 0; i < w->count; i++)
        result[i] = w->fine[i] < 0 ? -1 : w->home[w->fine[i]];
    return CEPMAN_OK;
}

cepman_status cepman_consensus_merge(cepman_labels **out, cepman_context *ctx, const cepman_labels *fine,
                                     const cepman_labels *coarse, const cepman_matrix *features,
                                     size_t scan_rows, size_t scan_columns, const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && fine && coarse && features, CEPMAN_ERR_ARGUMENT,
                "consensus: an argument is NULL");
    CEP_REQUIRE_F32(ctx, features, "consensus");
    size_t n = cepman_labels_count(fine), points;
    CEP_REQUIRE(ctx, cep_mul(scan_rows, scan_columns, &points) && points == n, CEPMAN_ERR_SHAPE,
                "consensus: %zu labels do not fill a scan of %zu x %zu", n, scan_rows, scan_columns);
    CEP_REQUIRE(ctx, cepman_labels_count(coarse) == n && cepman_matrix_rows(features) == n, CEPMAN_ERR_SHAPE,
                "consensus: %zu fine labels, %zu coarse ones and %zu rows of features, must be as many", n,
                cepman_labels_count(coarse), cepman_matrix_rows(features));
    work w = {.fine = cepman_labels_data(fine),
              .coarse = cepman_labels_data(coarse),
              .features = features,
              .rows = scan_rows,
              .columns = scan_columns,
              .count = n,
              .clusters = cepman_labels_clusters(fine),
              .homes = cepman_labels_clusters(coarse),
              .mem = cep_context_memory(ctx)};
    cepman_labels *labels = NULL;
    int32_t *result = NULL;
    s = cep_options_resolve(&w.options, ctx, options, "consensus", table);
    if (!s) s = cep_labels_create(&labels, ctx, n, &result);
    if (!s) s = merge(&w, ctx, result);
    cep_free(w.mem, w.table);
    cep_free(w.mem, w.home);
    cep_free(w.mem, w.root);
    cep_free(w.mem, w.size);
    cep_free(w.mem, w.inner);
    cep_free(w.mem, w.crossings);
    cepman_options_unref(w.options);
    if (s) {
        cepman_labels_unref(labels);
        return s;
    }
    cep_labels_seal(labels);
    *out = labels;
    return CEPMAN_OK;
}
