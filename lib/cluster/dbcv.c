/* Density-based clustering validation (DBCV: Moulavi, Jaskowiak, Campello, Zimek, Sander 2014): how dense clusters are
 * along their spanning trees against how sparse it is between them. Distances are found again when they are needed.
 * Must not: keep distances of pairs. */
#include <math.h>

#include <cepman/validity.h>

#include "groups.h"
#include "points.h"

#define WORK ((size_t)1 << 23) /* numbers that one item reads, about */

/* Points sorted by cluster; distances squared throughout. */
typedef struct dbcv {
    cepman_context *ctx;
    cep_memory *mem;
    size_t n, d, k;
    size_t *start; /* of each cluster, k + 1 */
    const float **row;
    uint32_t *cluster;
    double *core, *key, *apart; /* per point: all-points core distance, Prim's key, nearest other cluster */
    uint32_t *from, *degree;
    uint32_t *best; /* per chunk of a step */
    bool *inner;    /* has more than one edge, or the tree has no such point */
    size_t chunk;
    /* The cluster in hand, and the point that has joined last. */
    size_t first, count, current;
} dbcv;

/* x^(d / 2) for 0 <= x <= 1. */
static double half_power(double x, size_t d)
{
    double r = d % 2 ? sqrt(x) : 1;
    for (size_t e = d / 2; e; e >>= 1, x *= x)
        if (e & 1) r *= x;
    return r;
}

/* The mean over the others of (1 / distance)^d, to the power -1 / d; scaled by the nearest, so that no power overflows.
 * Coincident points add nothing, as in the reference. */
static double core_of(const dbcv *v, size_t i)
{
    size_t first = v->start[v->cluster[i]], end = v->start[v->cluster[i] + 1];
    double least = 0, sum = 0;
    for (size_t j = first; j < end; j++) {
        double s = j == i ? 0 : cep_squared(v->row[i], v->row[j], v->d);
        if (s <= 0) continue;
        if (least > 0 && s >= least) {
            sum += half_power(least / s, v->d);
        } else {
            sum = 1 + (least > 0 ? sum * half_power(s / least, v->d) : 0);
            least = s;
        }
    }
    return least > 0 ? least * pow(sum / (double)(end - first - 1), -2 / (double)v->d) : 0;
}

static cepman_status core_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    dbcv *v = argument;
    (void)worker;
    (void)fault;
    for (size_t i = index * v->chunk; i < (index + 1) * v->chunk && i < v->n; i++) {
        v->core[i] = core_of(v, i);
        v->degree[i] = 0;
        v->apart[i] = (double)INFINITY;
    }
    return CEPMAN_OK;
}

static double weight(const dbcv *v, size_t a, size_t b)
{
    return fmax(cep_squared(v->row[a], v->row[b], v->d), fmax(v->core[a], v->core[b]));
}

/* Prim's step: keys of a chunk of the cluster, and its best. Core distances make ties the rule, and the points of degree
 * one depend on them: of equal edges that to the lower row is taken, as the reference does. */
static cepman_status join_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    dbcv *v = argument;
    size_t begin = v->first + index * v->chunk, last = v->first + v->count, best = SIZE_MAX;
    (void)worker;
    (void)fault;
    for (size_t j = begin; j < begin + v->chunk && j < last; j++) {
        if (v->key[j] < 0) continue; /* in the tree */
        double floor = fmax(v->core[j], v->core[v->current]);
        if (floor < v->key[j] || (floor == v->key[j] && v->current < v->from[j])) {
            double w = weight(v, v->current, j);
            if (w < v->key[j] || (w == v->key[j] && v->current < v->from[j])) {
                v->key[j] = w;
                v->from[j] = (uint32_t)v->current;
            }
        }
        if (best == SIZE_MAX || v->key[j] < v->key[best]) best = j;
    }
    v->best[index] = best == SIZE_MAX ? UINT32_MAX : (uint32_t)best;
    return CEPMAN_OK;
}

/* The tree of a cluster: inner points, and the heaviest edge between two of them (or of all, when none is). */
static cepman_status span_cluster(dbcv *v, double *sparse)
{
    size_t chunks = (v->count + v->chunk - 1) / v->chunk, end = v->first + v->count;
    double inside = -1, all = 0;
    bool any = false;
    for (size_t j = v->first; j < end; j++) {
        v->key[j] = (double)INFINITY;
        v->from[j] = UINT32_MAX;
    }
    v->current = v->first;
    v->key[v->first] = -1;
    for (size_t e = 1; e < v->count; e++) {
        cepman_status s = cep_parallel(v->ctx, NULL, chunks, join_chunk, v);
        if (s) return s;
        uint32_t best = UINT32_MAX;
        for (size_t c = 0; c < chunks; c++)
            if (v->best[c] != UINT32_MAX && (best == UINT32_MAX || v->key[v->best[c]] < v->key[best]))
                best = v->best[c];
        v->current = best;
        v->apart[best] = v->key[best]; /* the edge to from[best], for now */
        v->key[best] = -1;
        v->degree[best]++;
        v->degree[v->from[best]]++;
    }
    for (size_t j = v->first; j < end; j++) {
        v->inner[j] = v->degree[j] > 1;
        any = any || v->inner[j];
    }
    for (size_t j = v->first; j < end; j++) {
        if (j > v->first && v->apart[j] > all) all = v->apart[j];
        if (j > v->first && v->inner[j] && v->inner[v->from[j]] && v->apart[j] > inside) inside = v->apart[j];
        v->apart[j] = (double)INFINITY;
        if (!any) v->inner[j] = true;
    }
    *sparse = sqrt(inside >= 0 ? inside : all);
    return CEPMAN_OK;
}

/* The lightest pair with an inner point of another cluster. */
static cepman_status apart_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    dbcv *v = argument;
    (void)worker;
    (void)fault;
    for (size_t i = index * v->chunk; i < (index + 1) * v->chunk && i < v->n; i++) {
        if (!v->inner[i]) continue;
        double least = (double)INFINITY;
        size_t own = v->start[v->cluster[i]], next = v->start[v->cluster[i] + 1];
        for (size_t j = own ? 0 : next; j < v->n && v->core[i] < least; j = j + 1 == own ? next : j + 1)
            if (v->inner[j] && v->core[j] < least) least = fmin(least, weight(v, i, j));
        v->apart[i] = least;
    }
    return CEPMAN_OK;
}

/* Sorted by cluster; clusters of one point are left out. */
static cepman_status sort_points(dbcv *v, const cep_groups *g)
{
    size_t n = g->n, k = g->k;
    v->n = n;
    v->d = g->d;
    v->k = k;
    v->start = cep_alloc_zero(v->mem, k + 2, sizeof *v->start);
    v->row = cep_alloc(v->mem, n, sizeof *v->row);
    v->cluster = cep_alloc(v->mem, n, sizeof *v->cluster);
    v->core = cep_alloc(v->mem, n, sizeof *v->core);
    v->key = cep_alloc(v->mem, n, sizeof *v->key);
    v->apart = cep_alloc(v->mem, n, sizeof *v->apart);
    v->from = cep_alloc_zero(v->mem, n, sizeof *v->from);
    v->degree = cep_alloc(v->mem, n, sizeof *v->degree);
    v->inner = cep_alloc_zero(v->mem, n, sizeof *v->inner);
    v->best = cep_alloc(v->mem, n / 16 + 1, sizeof *v->best);
    if (!v->start || !v->row || !v->cluster || !v->core || !v->key || !v->apart || !v->from || !v->degree ||
        !v->inner || !v->best)
        return cep_fail_memory(v->ctx, "DBCV", n, 53);
    for (size_t i = 0; i < n; i++)
        v->start[g->group[i] + 2]++;
    for (size_t c = 0; c < k; c++)
        v->start[c + 2] = v->start[c + 1] + (v->start[c + 2] > 1 ? v->start[c + 2] : 0);
    for (size_t i = 0; i < n; i++) {
        if (g->size[g->group[i]] < 2) continue;
        size_t at = v->start[g->group[i] + 1]++;
        v->row[at] = g->row[i];
        v->cluster[at] = g->group[i];
    }
    v->n = v->start[k];
    return CEPMAN_OK;
}

/* Rows of an item that compares each with `count` points. */
static size_t rows_of(const dbcv *v, size_t count)
{
    size_t work;
    if (!cep_mul(count, v->d ? v->d : 1, &work)) work = WORK;
    return work >= WORK ? 1 : work ? WORK / work : WORK;
}

/* sparse, apart: per cluster. */
static cepman_status measure(dbcv *v, double *sparse, double *apart)
{
    v->chunk = rows_of(v, v->n);
    size_t chunks = (v->n + v->chunk - 1) / v->chunk;
    cepman_status s = cep_parallel(v->ctx, "dbcv core distances", chunks, core_chunk, v);
    v->chunk = rows_of(v, 1) / 64 < 16 ? 16 : rows_of(v, 1) / 64;
    for (size_t c = 0; !s && c < v->k; c++) {
        v->first = v->start[c];
        v->count = v->start[c + 1] - v->first;
        apart[c] = (double)INFINITY;
        cep_progress(v->ctx, "dbcv trees", v->first, v->n);
        if (v->count) s = span_cluster(v, &sparse[c]);
    }
    v->chunk = rows_of(v, v->n);
    if (!s) s = cep_parallel(v->ctx, "dbcv separation", chunks, apart_chunk, v);
    for (size_t i = 0; !s && i < v->n; i++)
        apart[v->cluster[i]] = fmin(apart[v->cluster[i]], v->apart[i]);
    for (size_t c = 0; !s && c < v->k; c++)
        apart[c] = sqrt(apart[c]);
    return s;
}

static void release(dbcv *v)
{
    void *all[] = {v->start, v->row,  v->cluster, v->core,  v->key,
                   v->apart, v->from, v->degree,  v->inner, v->best};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cep_free(v->mem, all[i]);
}

static cepman_status judge(double *out, double *values, cepman_context *ctx, const cep_groups *g,
                           const cepman_labels *labels)
{
    dbcv v = {.ctx = ctx, .mem = g->mem};
    double *sparse = cep_alloc(g->mem, g->k, sizeof *sparse), *apart = cep_alloc(g->mem, g->k, sizeof *apart);
    cepman_status s = sparse && apart ? sort_points(&v, g) : cep_fail_memory(ctx, "DBCV", g->k, 16);
    size_t large = 0;
    for (size_t c = 0; c < g->k; c++)
        large += g->size[c] > 1;
    if (!s && large > 1) s = measure(&v, sparse, apart);
    if (!s) {
        double sum = 0;
        for (size_t l = 0; values && l < cepman_labels_clusters(labels); l++)
            values[l] = (double)NAN;
        for (size_t c = 0; large > 1 && c < g->k; c++) {
            if (g->size[c] < 2) continue;
            double most = fmax(sparse[c], apart[c]), value = most > 0 ? (apart[c] - sparse[c]) / most : 0;
            sum += (double)g->size[c] / (double)cepman_labels_count(labels) * value;
            sparse[c] = value;
        }
        for (size_t i = 0; values && large > 1 && i < g->n; i++)
            if (g->size[g->group[i]] > 1)
                values[cepman_labels_data(labels)[g->origin[i]]] = sparse[g->group[i]];
        *out = large > 1 ? sum : (double)NAN;
    }
    release(&v);
    cep_free(g->mem, sparse);
    cep_free(g->mem, apart);
    return s;
}

cepman_status cepman_validity_dbcv(double *out, double *values, cepman_context *ctx,
                                   const cepman_matrix *matrix, const cepman_labels *labels)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix && labels, CEPMAN_ERR_ARGUMENT, "DBCV: an argument is NULL");
    CEP_REQUIRE_F32(ctx, matrix, "DBCV");
    cep_groups g;
    s = cep_groups_collect(&g, ctx, matrix, labels, 0, 0, "DBCV");
    if (s) return s;
    s = judge(out, values, ctx, &g, labels);
    cep_groups_clear(&g);
    return s;
}
