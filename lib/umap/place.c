/* New points in a fitted embedding: neighbours in the fitted features, their weighted mean, a short descent.
 * McInnes, Healy, Melville 2018, section 3 (the bipartite set of new and fitted points), with the constants of the
 * reference implementation's transform: all of a row's neighbours but the first make its scale, nothing is taken as
 * connected for certain, 100 passes at a quarter of the learning rate.
 * Must not: let one new point see another, or draw numbers that depend on its place in the batch. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "matrix.h"
#include "model.h"

#define PASSES 100
#define RATE 0.25
#define ROWS 16 /* of one item of work */
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

typedef struct placing {
    const cepman_umap *u;
    size_t count, near, dims, fitted;
    const int32_t *indices;
    const float *distances;
    double *weights; /* per worker: near of them */
    float *rows;     /* out */
    size_t stride;
} placing;

static float clip(float v)
{
    return v > 4 ? 4 : v < -4 ? -4 : v;
}

/* x moves along g (x - y), each component clipped. */
static void move(float *x, const float *y, float g, float step, size_t dims)
{
    for (size_t j = 0; j < dims; j++)
        x[j] += clip(g * (x[j] - y[j])) * step;
}

static float square(const float *x, const float *y, size_t dims)
{
    float r2 = 0;
    for (size_t j = 0; j < dims; j++)
        r2 += (x[j] - y[j]) * (x[j] - y[j]);
    return r2;
}

static void pull(const placing *p, float *x, const float *y, float step)
{
    const float a = (float)p->u->a, b = (float)p->u->b, r2 = square(x, y, p->dims);
    if (!(r2 > 0)) return;
    const float power = powf(r2, b);
    move(x, y, -2 * a * b * power / (r2 * (1 + a * power)), step, p->dims);
}

static void push(const placing *p, float *x, const float *y, float step)
{
    const float a = (float)p->u->a, b = (float)p->u->b, r2 = square(x, y, p->dims);
    if (!(r2 > 0)) return; /* also where the fitted point has no place */
    move(x, y, 2 * (float)p->u->repulsion * b / ((0.001f + r2) * (1 + a * powf(r2, b))), step, p->dims);
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

static void place_row(const placing *p, size_t i, double *weights, float *x)
{
    const cepman_umap *u = p->u;
    const int32_t *to = p->indices + i * p->near;
    const float *far = p->distances + i * p->near;
    double most = weigh(p, to, far, weights), sum = 0, mean[MOST_DIMS] = {0};
    if (!(most > 0)) {
        for (size_t j = 0; j < p->dims; j++)
            x[j] = NAN;
        return;
    }
    if (far[0] <= 0 && weights[0] > 0) {
        memcpy(x, cepman_matrix_row(u->embedding, (size_t)to[0]), p->dims * sizeof *x);
        return;
    }
    for (size_t k = 0; k < p->near; k++) {
        if (!(weights[k] > 0)) continue;
        const float *y = cepman_matrix_row(u->embedding, (size_t)to[k]);
        sum += weights[k];
        for (size_t j = 0; j < p->dims; j++)
            mean[j] += weights[k] * (double)y[j];
        weights[k] /= most; /* how often it acts */
    }
    for (size_t j = 0; j < p->dims; j++)
        x[j] = (float)(mean[j] / sum);
    for (size_t pass = 1; pass < PASSES; pass++) {
        const float step = (float)(RATE * u->learning_rate * (1 - (double)(pass - 1) / PASSES));
        /* All rows meet the same samples, so that rows that differ little end up close together. */
        uint64_t draw = (uint64_t)pass * p->near * u->negatives;
        for (size_t k = 0; k < p->near; k++) {
            if (floor((double)pass * weights[k]) <= floor((double)(pass - 1) * weights[k])) continue;
            pull(p, x, cepman_matrix_row(u->embedding, (size_t)to[k]), step);
            for (unsigned q = 0; q < u->negatives; q++) {
                const size_t other =
                    (size_t)cep_random_below(u->seed, CEP_UMAP_STREAM_PLACE, draw++, p->fitted);
                push(p, x, cepman_matrix_row(u->embedding, other), step);
            }
        }
    }
}

static cepman_status place_rows(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    placing *p = argument;
    const size_t first = item * ROWS, last = p->count - first < ROWS ? p->count : first + ROWS;
    (void)fault;
    for (size_t i = first; i < last; i++)
        place_row(p, i, p->weights + worker * p->near, p->rows + i * p->stride);
    return CEPMAN_OK;
}

static cepman_status place(cepman_matrix **out, cepman_context *ctx, const cepman_umap *u,
                           const cepman_neighbors_index *index, const cepman_matrix *matrix)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t count = cepman_matrix_rows(matrix), near = cepman_neighbors_index_k(index);
    placing p = {.u = u,
                 .count = count,
                 .near = near,
                 .dims = cepman_matrix_columns(u->embedding),
                 .fitted = cepman_matrix_rows(u->embedding)};
    cepman_matrix *made = NULL;
    int32_t *indices = cep_alloc(mem, count, near * sizeof *indices);
    float *distances = cep_alloc(mem, count, near * sizeof *distances);
    p.weights = cep_alloc(mem, cep_workers(ctx), near * sizeof *p.weights);
    cepman_status s = CEPMAN_OK;
    if (!indices || !distances || !p.weights)
        s = cep_fail_memory(ctx, "neighbours of new points", count,
                            near * (sizeof *indices + sizeof *distances));
    if (!s) s = cepman_neighbors_index_query(index, ctx, matrix, indices, distances);
    if (!s) s = cep_matrix_create(&made, ctx, "new points", count, p.dims, &p.rows, &p.stride);
    p.indices = indices;
    p.distances = distances;
    if (!s) s = cep_parallel(ctx, "placing", (count + ROWS - 1) / ROWS, place_rows, &p);
    cep_free(mem, p.weights);
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
