/* New points in a fitted embedding: neighbours in the fitted features, their weighted mean, a short descent.
 * McInnes, Healy, Melville 2018, section 3 (the bipartite set of new and fitted points), with the constants of the
 * reference implementation's transform: all of a row's neighbours but the first make its scale, nothing is taken as
 * connected for certain, 100 passes at a quarter of the learning rate.
 * Must not: let one new point see another, or draw numbers that depend on its place in the batch. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "kernels.h"
#include "matrix.h"
#include "model.h"

#define PASSES 100
#define RATE 0.25
#define LANES 64 /* rows of one item of work: a multiple of CEP_LAYOUT_LANES */
#define MOST_DIMS 64

/* ---- the index ------------------------------------------------------------------------------------------------- */

static cepman_status make_index(cepman_neighbors_index **out, cepman_context *ctx, const cepman_umap *u)
{
    cepman_options *o = NULL;
    char word[24];
    cepman_status s = cepman_neighbors_options_create(&o, ctx);
    if (!s) s = cepman_options_set_integer(o, ctx, "k", (int64_t)u->near);
    cep_umap_word(CEP_UMAP_METRICS, (int)u->metric, word);
    if (!s) s = cepman_options_set_text(o, ctx, "metric", word);
    cep_umap_word(CEP_UMAP_METHODS, (int)u->method, word);
    if (!s) s = cepman_options_set_text(o, ctx, "method", word);
    if (!s) s = cepman_options_set_integer(o, ctx, "seed", (int64_t)u->seed);
    if (!s) s = cepman_neighbors_index_create(out, ctx, u->features, o);
    cepman_options_unref(o);
    return s;
}

/* The model's index. When two threads make one at the same time, the first stays; they are equal. */
static cepman_status get_index(cepman_neighbors_index **out, cepman_context *ctx, cepman_umap *u)
{
    cepman_neighbors_index *index = atomic_load_explicit(&u->index, memory_order_acquire), *none = NULL;
    if (!index) {
        cepman_status s = make_index(&index, ctx, u);
        if (s) return s;
        if (!atomic_compare_exchange_strong_explicit(&u->index, &none, index, memory_order_acq_rel,
                                                     memory_order_acquire)) {
            cepman_neighbors_index_unref(index);
            index = none;
        }
    }
    *out = index;
    return CEPMAN_OK;
}

cepman_status cepman_umap_prepare(cepman_umap *u, cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, u, CEPMAN_ERR_ARGUMENT, "umap: the model is NULL");
    CEP_REQUIRE(ctx, u->features, CEPMAN_ERR_ARGUMENT,
                "umap: the model was fitted to a graph alone, it has no features to place new points by");
    cepman_neighbors_index *index;
    return get_index(&index, ctx, u);
}

/* ---- placing --------------------------------------------------------------------------------------------------- */

/* What a worker has for a group of rows that are placed side by side, a lane each. */
typedef struct group {
    size_t lanes; /* in use */
    size_t row[LANES];
    const float **to;  /* near rows of LANES: places of the lane's neighbours */
    uint32_t *rates;   /* the same: how often each acts, of CEP_LAYOUT_ALWAYS */
    uint32_t *turns;   /* the same: neighbours that act in this pass, one after the other */
    float *x, *beside; /* dims rows of LANES: the lanes' places, and the neighbour each meets */
    float steps[LANES];
    float *samples;  /* negatives rows of dims */
    double *weights; /* near: of the row at hand */
} group;

typedef struct placing {
    const cepman_context *ctx;
    const cepman_umap *u;
    const cep_layout_kernels *kernels;
    size_t count, near, dims, fitted;
    const int32_t *indices;
    const float *distances;
    group *groups; /* per worker */
    float *rows;   /* out */
    size_t stride;
} placing;

static void group_close(group *g, cep_memory *mem)
{
    cep_free(mem, g->to);
    cep_free(mem, g->rates);
    cep_free(mem, g->turns);
    cep_free(mem, g->x);
    cep_free(mem, g->beside);
    cep_free(mem, g->samples);
    cep_free(mem, g->weights);
}

/* Close it after a failure as well. */
static cepman_status group_open(group *g, cepman_context *ctx, const placing *p)
{
    cep_memory *mem = cep_context_memory(ctx);
    g->to = cep_alloc_zero(mem, p->near, LANES * sizeof *g->to);
    g->rates = cep_alloc_zero(mem, p->near, LANES * sizeof *g->rates);
    g->turns = cep_alloc(mem, p->near, LANES * sizeof *g->turns);
    g->x = cep_alloc_zero(mem, p->dims, LANES * sizeof *g->x);
    g->beside = cep_alloc(mem, p->dims, LANES * sizeof *g->beside);
    g->samples = cep_alloc(mem, p->u->negatives, p->dims * sizeof *g->samples);
    g->weights = cep_alloc(mem, p->near, sizeof *g->weights);
    if (g->to && g->rates && g->turns && g->x && g->beside && g->samples && g->weights) return CEPMAN_OK;
    return cep_fail_memory(ctx, "places of new points", p->near, LANES * sizeof *g->to);
}

/* Memberships of the neighbours; the largest, 0 when there is none. */
static double weigh(const placing *p, const int32_t *to, const float *far, double *weights)
{
    const cepman_umap *u = p->u;
    const double certain = u->local_connectivity > 1 ? u->local_connectivity - 1 : 0;
    double rho = INFINITY, sigma = 1, most = 0; /* a single neighbour counts fully */
    size_t found = p->near;
    while (found && (double)far[found - 1] >= u->cut)
        found--;
    if (found > 1) cep_umap_smooth(far + 1, found - 1, certain, u->mean, &rho, &sigma);
    /* Relative to the nearest: only ratios count, and far rows do not vanish. */
    if (found && (double)far[0] > rho) rho = (double)far[0];
    for (size_t j = 0; j < p->near; j++) {
        const bool placed = j < found && isfinite(cepman_matrix_row(u->embedding, (size_t)to[j])[0]);
        weights[j] = placed ? cep_umap_membership((double)far[j], rho, sigma) : 0;
        most = weights[j] > most ? weights[j] : most;
    }
    return most;
}

/* A row without neighbours and one upon a fitted row are placed at once; the others take a lane and their start. */
static void admit(const placing *p, group *g, size_t i)
{
    const cepman_umap *u = p->u;
    const int32_t *to = p->indices + i * p->near;
    const float *far = p->distances + i * p->near;
    float *x = p->rows + i * p->stride;
    const double most = weigh(p, to, far, g->weights);
    double sum = 0, mean[MOST_DIMS] = {0};
    if (!(most > 0)) {
        for (size_t j = 0; j < p->dims; j++)
            x[j] = NAN;
        return;
    }
    if (far[0] <= 0 && g->weights[0] > 0) {
        memcpy(x, cepman_matrix_row(u->embedding, (size_t)to[0]), p->dims * sizeof *x);
        return;
    }
    const size_t lane = g->lanes++;
    for (size_t k = 0; k < p->near; k++) {
        const float *y = cepman_matrix_row(u->embedding, (size_t)to[k]);
        g->to[k * LANES + lane] = y;
        g->rates[k * LANES + lane] = cep_umap_rate(g->weights[k], most);
        if (!(g->weights[k] > 0)) continue;
        sum += g->weights[k];
        for (size_t j = 0; j < p->dims; j++)
            mean[j] += g->weights[k] * (double)y[j];
    }
    g->row[lane] = i;
    for (size_t j = 0; j < p->dims; j++)
        g->x[j * LANES + lane] = (float)(mean[j] / sum);
}

/* Writes the lanes' acting neighbours of a pass to g->turns, counts[] of them. Returns the largest count. */
static size_t take_turns(const placing *p, group *g, uint32_t pass, uint32_t counts[LANES])
{
    size_t most = 0;
    memset(counts, 0, LANES * sizeof *counts);
    for (size_t k = 0; k < p->near; k++)
        for (size_t l = 0; l < g->lanes; l++) {
            const uint32_t rate = g->rates[k * LANES + l];
            g->turns[counts[l] * LANES + l] = (uint32_t)k;
            counts[l] += ((rate * pass) & (CEP_LAYOUT_ALWAYS - 1)) < rate;
        }
    for (size_t l = 0; l < g->lanes; l++)
        most = counts[l] > most ? counts[l] : most;
    return most;
}

/* The fitted points that every lane meets at this turn, but those without a place. Returns how many. */
static size_t draw(const placing *p, group *g, uint64_t first)
{
    size_t sampled = 0;
    for (unsigned q = 0; q < p->u->negatives; q++) {
        const size_t other =
            (size_t)cep_random_below(p->u->seed, CEP_UMAP_STREAM_PLACE, first + q, p->fitted);
        const float *y = cepman_matrix_row(p->u->embedding, other);
        if (isfinite(y[0])) memcpy(g->samples + sampled++ * p->dims, y, p->dims * sizeof *y);
    }
    return sampled;
}

/* All passes of the lanes in use. */
static cepman_status settle(const placing *p, group *g, cep_fault *fault)
{
    const cepman_umap *u = p->u;
    uint32_t counts[LANES];
    cep_layout_visit v = {.dims = (unsigned)p->dims,
                          .count = (g->lanes + CEP_LAYOUT_LANES - 1) / CEP_LAYOUT_LANES * CEP_LAYOUT_LANES,
                          .points = g->x,
                          .partners = g->beside,
                          .steps = g->steps,
                          .samples = g->samples,
                          .a = (float)u->a,
                          .b = (float)u->b,
                          .push = (float)u->repulsion};
    for (size_t j = 1; v.count < LANES && j < p->dims; j++) /* rows of v.count */
        memmove(g->x + j * v.count, g->x + j * LANES, v.count * sizeof *g->x);
    for (uint32_t pass = 1; pass < PASSES; pass++) {
        const float step = (float)(RATE * u->learning_rate * (1 - (double)(pass - 1) / PASSES));
        const size_t turns = take_turns(p, g, pass, counts);
        if (cep_cancel_requested(p->ctx))
            return cep_fault_set(fault, CEPMAN_ERR_CANCELLED, "cancelled by the caller");
        for (size_t turn = 0; turn < turns; turn++) {
            memcpy(g->beside, g->x, p->dims * v.count * sizeof *g->x);
            memset(g->steps, 0, v.count * sizeof *g->steps);
            for (size_t l = 0; l < g->lanes; l++) {
                if (turn >= counts[l]) continue;
                const float *y = g->to[g->turns[turn * LANES + l] * LANES + l];
                g->steps[l] = step;
                for (size_t j = 0; j < p->dims; j++)
                    g->beside[j * v.count + l] = y[j];
            }
            /* All rows meet the same samples, so that rows that differ little end up close together. */
            v.sampled = draw(p, g, ((uint64_t)pass * p->near + turn) * u->negatives);
            p->kernels->visit(&v);
        }
    }
    for (size_t l = 0; l < g->lanes; l++)
        for (size_t j = 0; j < p->dims; j++)
            p->rows[g->row[l] * p->stride + j] = g->x[j * v.count + l];
    return CEPMAN_OK;
}

static cepman_status place_rows(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    const placing *p = argument;
    group *g = &p->groups[worker];
    const size_t first = item * LANES, last = p->count - first < LANES ? p->count : first + LANES;
    g->lanes = 0;
    for (size_t i = first; i < last; i++)
        admit(p, g, i);
    return g->lanes ? settle(p, g, fault) : CEPMAN_OK;
}

static cepman_status place(cepman_matrix **out, cepman_context *ctx, const cepman_umap *u,
                           const cepman_neighbors_index *index, const cepman_matrix *matrix)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t count = cepman_matrix_rows(matrix), near = cepman_neighbors_index_k(index);
    const unsigned workers = cep_workers(ctx);
    placing p = {.ctx = ctx,
                 .u = u,
                 .kernels = cep_layout_kernels_get(cep_context_cpu(ctx)),
                 .count = count,
                 .near = near,
                 .dims = cepman_matrix_columns(u->embedding),
                 .fitted = cepman_matrix_rows(u->embedding)};
    cepman_matrix *made = NULL;
    int32_t *indices = cep_alloc(mem, count, near * sizeof *indices);
    float *distances = cep_alloc(mem, count, near * sizeof *distances);
    p.groups = cep_alloc_zero(mem, workers, sizeof *p.groups);
    cepman_status s = CEPMAN_OK;
    if (!indices || !distances || !p.groups)
        s = cep_fail_memory(ctx, "neighbours of new points", count,
                            near * (sizeof *indices + sizeof *distances));
    for (unsigned w = 0; !s && w < workers; w++)
        s = group_open(&p.groups[w], ctx, &p);
    if (!s) s = cepman_neighbors_index_query(index, ctx, matrix, indices, distances);
    if (!s) s = cep_matrix_create(&made, ctx, "new points", count, p.dims, &p.rows, &p.stride);
    p.indices = indices;
    p.distances = distances;
    if (!s) s = cep_parallel(ctx, "placing", (count + LANES - 1) / LANES, place_rows, &p);
    for (unsigned w = 0; p.groups && w < workers; w++)
        group_close(&p.groups[w], mem);
    cep_free(mem, p.groups);
    cep_free(mem, distances);
    cep_free(mem, indices);
    if (s)
        cepman_matrix_unref(made);
    else
        *out = made;
    return s;
}

cepman_status cepman_umap_apply(cepman_matrix **out, cepman_context *ctx, cepman_umap *u,
                                const cepman_matrix *matrix)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && u && matrix, CEPMAN_ERR_ARGUMENT, "umap: out, the model or the matrix is NULL");
    CEP_REQUIRE_F32(ctx, matrix, "umap");
    CEP_REQUIRE(ctx, u->features, CEPMAN_ERR_ARGUMENT,
                "umap: the model was fitted to a graph alone, it has no features to place new points by");
    CEP_REQUIRE(ctx, cepman_matrix_columns(matrix) == cepman_matrix_columns(u->features), CEPMAN_ERR_SHAPE,
                "umap: rows of %zu columns, the model was fitted to %zu", cepman_matrix_columns(matrix),
                cepman_matrix_columns(u->features));
    cepman_neighbors_index *index = NULL;
    s = get_index(&index, ctx, u);
    return s ? s : place(out, ctx, u, index, matrix);
}
