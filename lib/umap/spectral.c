/* Spectral start: the lowest non-constant eigenvectors of the normalised graph Laplacian.
 * Chebyshev-filtered subspace iteration (Zhou, Saad, Tiago, Chelikowsky, J. Comput. Phys. 219 (2006) 172) on
 * M = D^-1/2 W D^-1/2, whose largest eigenvalues are wanted; small graphs densely.
 * Must not: let the number of threads touch a sum: rows are cut into chunks by n alone. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "kernels.h"
#include "linalg.h"
#include "umap.h"

#define GUARDS 8     /* columns beyond those wanted, at least */
#define DENSE 256    /* points up to which the matrix is solved whole */
#define GROWTH 6.0   /* log of 400: a filter lifts the top so far over the rest, well within float32 */
#define RELATIVE 0.1 /* residual wanted, relative to 1 - eigenvalue */
#define FLOOR 2e-6   /* residual that float32 can reach */
#define MARGIN 2.0   /* by which a filter aims beyond the residual wanted */
#define WORK 3e7     /* rows times products spent at most */

typedef struct block {
    cepman_context *ctx;
    const cep_sparse_kernels *kernels;
    const cep_umap_graph *graph;
    const float *values; /* of M */
    size_t n, panels, chunk, chunks;
    double *partial; /* chunks of panels^2 * 256 */
    /* arguments of the step at hand */
    const float *x, *y_in, *z, *t;
    float *y;
    float alpha, beta, gamma;
} block;

static void range(const block *b, size_t c, size_t *first, size_t *last)
{
    *first = c * b->chunk;
    *last = b->n - *first < b->chunk ? b->n : *first + b->chunk;
}

static const float *panel(const block *b, const float *x, size_t p)
{
    return x + p * b->n * CEP_PANEL;
}

static cepman_status product_chunk(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    const block *b = argument;
    size_t first, last, p = item / b->chunks;
    (void)worker;
    (void)fault;
    range(b, item % b->chunks, &first, &last);
    b->kernels->product(first, last, b->graph->starts, b->graph->columns, b->values, panel(b, b->x, p),
                        b->z ? panel(b, b->z, p) : NULL, b->y + p * b->n * CEP_PANEL, b->alpha, b->beta,
                        b->gamma);
    return CEPMAN_OK;
}

/* y = alpha * M x + beta * x + gamma * z */
static cepman_status product(block *b, const float *x, const float *z, float *y, double alpha, double beta,
                             double gamma)
{
    b->x = x;
    b->z = z;
    b->y = y;
    b->alpha = (float)alpha;
    b->beta = (float)beta;
    b->gamma = (float)gamma;
    return cep_parallel(b->ctx, NULL, b->panels * b->chunks, product_chunk, b);
}

static cepman_status gram_chunk(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    const block *b = argument;
    size_t first, last;
    double *g = b->partial + item * b->panels * b->panels * CEP_PANEL * CEP_PANEL;
    (void)worker;
    (void)fault;
    range(b, item, &first, &last);
    memset(g, 0, b->panels * b->panels * CEP_PANEL * CEP_PANEL * sizeof *g);
    for (size_t p = 0; p < b->panels; p++)
        for (size_t q = 0; q < b->panels; q++)
            b->kernels->gram(first, last, panel(b, b->x, p), panel(b, b->y_in, q),
                             g + (p * b->panels + q) * CEP_PANEL * CEP_PANEL);
    return CEPMAN_OK;
}

/* g (columns x columns) = the symmetric part of x' y */
static cepman_status gram(block *b, const float *x, const float *y, double *g)
{
    const size_t m = b->panels * CEP_PANEL, tile = CEP_PANEL * CEP_PANEL;
    b->x = x;
    b->y_in = y;
    cepman_status s = cep_parallel(b->ctx, NULL, b->chunks, gram_chunk, b);
    if (s) return s;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++) {
            size_t at = ((i / CEP_PANEL) * b->panels + j / CEP_PANEL) * tile + i % CEP_PANEL * CEP_PANEL +
                        j % CEP_PANEL;
            double sum = 0;
            for (size_t c = 0; c < b->chunks; c++)
                sum += b->partial[c * b->panels * b->panels * tile + at];
            g[i * m + j] = sum;
        }
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < i; j++)
            g[i * m + j] = g[j * m + i] = (g[i * m + j] + g[j * m + i]) / 2;
    return CEPMAN_OK;
}

static cepman_status rotate_chunk(void *argument, size_t item, unsigned worker, cep_fault *fault)
{
    const block *b = argument;
    size_t first, last, m = b->panels * CEP_PANEL;
    float tile[CEP_PANEL * CEP_PANEL];
    (void)worker;
    (void)fault;
    range(b, item, &first, &last);
    for (size_t q = 0; q < b->panels; q++)
        for (size_t p = 0; p < b->panels; p++) {
            for (size_t i = 0; i < CEP_PANEL; i++)
                memcpy(tile + i * CEP_PANEL, b->t + (p * CEP_PANEL + i) * m + q * CEP_PANEL,
                       CEP_PANEL * sizeof *tile);
            b->kernels->rotate(first, last, panel(b, b->x, p), tile, b->y + q * b->n * CEP_PANEL, p > 0);
        }
    return CEPMAN_OK;
}

/* y = x t */
static cepman_status rotate(block *b, const float *x, const float *t, float *y)
{
    b->x = x;
    b->t = t;
    b->y = y;
    return cep_parallel(b->ctx, NULL, b->chunks, rotate_chunk, b);
}

static void swap(float **a, float **b)
{
    float *t = *a;
    *a = *b;
    *b = t;
}

/* Small dense scratch: g and vectors m x m float64, values m, t m x m float32. */
typedef struct small {
    double *g, *vectors, *values;
    float *t;
} small;

/* The columns of *x become orthonormal, twice over so that float32 suffices. *y is scratch. */
static cepman_status orthonormalise(block *b, small *d, float **x, float **y)
{
    const size_t m = b->panels * CEP_PANEL;
    for (int turn = 0; turn < 2; turn++) {
        cepman_status s = gram(b, *x, *x, d->g);
        if (!s) s = cep_linalg_eigen(b->ctx, m, d->g, 0, m - 1, d->values, d->vectors);
        if (s) return s;
        const double least = 1e-12 * d->values[m - 1];
        if (!(least > 0))
            return cep_fail(b->ctx, CEPMAN_ERR_NUMERIC, "spectral start: the block has vanished");
        for (size_t j = 0; j < m; j++) {
            double scale = 1 / sqrt(d->values[j] > least ? d->values[j] : least);
            for (size_t i = 0; i < m; i++)
                d->t[i * m + j] = (float)(d->vectors[j * m + i] * scale);
        }
        s = rotate(b, *x, d->t, *y);
        if (s) return s;
        swap(x, y);
    }
    return CEPMAN_OK;
}

/* *x is replaced by p(M) *x, p the Chebyshev polynomial that stays small on [-1, cut] and grows above it: no further
 * than float32 allows, and no further than it takes to make what is wrong with the last vector wanted, of eigenvalue
 * `last`, `factor` times smaller. */
static cepman_status filter(block *b, float **x, float **y, float **z, double cut, double last, double factor,
                            size_t *products)
{
    const double centre = (cut - 1) / 2, half = (cut + 1) / 2;
    double degree = floor(GROWTH / acosh((1 - centre) / half));
    const double enough = last > cut ? ceil(acosh(factor) / acosh((last - centre) / half)) : degree;
    if (enough < degree) degree = enough;
    degree = degree < 4 ? 4 : degree > 400 ? 400 : degree;
    /* Scaled so that the value at 1 stays 1. */
    const double first = half / (1 - centre);
    double sigma = first;
    cepman_status s = product(b, *x, NULL, *y, sigma / half, -centre * sigma / half, 0);
    for (int k = 2; !s && k <= (int)degree; k++) {
        double next = 1 / (2 / first - sigma);
        s = product(b, *y, *x, *z, 2 * next / half, -2 * centre * next / half, -sigma * next);
        float *t = *x;
        *x = *y;
        *y = *z;
        *z = t;
        sigma = next;
    }
    swap(x, y);
    *products += (size_t)degree;
    return s;
}

/* Rayleigh and Ritz: *x becomes the Ritz vectors by descending value, *y is M *x. *worst: the largest residual of
 * vectors 1 .. dims over what is wanted of it. values: ascending. */
static cepman_status ritz(block *b, small *d, float **x, float **y, float **z, size_t dims, double *worst)
{
    const size_t m = b->panels * CEP_PANEL;
    cepman_status s = product(b, *x, NULL, *y, 1, 0, 0);
    if (!s) s = gram(b, *x, *y, d->g);
    if (!s) s = cep_linalg_eigen(b->ctx, m, d->g, 0, m - 1, d->values, d->vectors);
    if (s) return s;
    for (size_t j = 0; j < m; j++)
        for (size_t i = 0; i < m; i++)
            d->t[i * m + j] = (float)d->vectors[(m - 1 - j) * m + i];
    s = rotate(b, *x, d->t, *z);
    if (s) return s;
    swap(x, z);
    s = rotate(b, *y, d->t, *z);
    if (s) return s;
    swap(y, z);
    /* |M x - v x|^2 = |M x|^2 - 2 v x'Mx + v^2 cancels in float32: take it from the differences. */
    *worst = 0;
    for (size_t k = 1; k <= dims; k++) {
        const float *xk = panel(b, *x, k / CEP_PANEL) + k % CEP_PANEL;
        const float *yk = panel(b, *y, k / CEP_PANEL) + k % CEP_PANEL;
        const double value = d->values[m - 1 - k];
        double sum = 0;
        for (size_t i = 0; i < b->n; i++) {
            double r = (double)yk[i * CEP_PANEL] - value * (double)xk[i * CEP_PANEL];
            sum += r * r;
        }
        double wanted = RELATIVE * (1 - value);
        double ratio = sqrt(sum) / (wanted > FLOOR ? wanted : FLOOR);
        *worst = ratio > *worst ? ratio : *worst;
    }
    return CEPMAN_OK;
}

static cepman_status solve_block(block *b, size_t dims, uint64_t seed, const double *root, float *rows)
{
    cep_memory *mem = cep_context_memory(b->ctx);
    const size_t n = b->n, m = b->panels * CEP_PANEL, square = m * m;
    float *x = cep_alloc(mem, n, m * sizeof *x), *y = cep_alloc(mem, n, m * sizeof *y);
    float *z = cep_alloc(mem, n, m * sizeof *z);
    small d = {cep_alloc(mem, square, sizeof(double)), cep_alloc(mem, square, sizeof(double)),
               cep_alloc(mem, m, sizeof(double)), cep_alloc(mem, square, sizeof(float))};
    b->partial = cep_alloc(mem, b->chunks * square, sizeof *b->partial);
    cepman_status s = CEPMAN_OK;
    if (!x || !y || !z || !d.g || !d.vectors || !d.values || !d.t || !b->partial) {
        s = cep_fail_memory(b->ctx, "spectral start", n, 3 * m * sizeof *x);
        goto end;
    }
    for (size_t p = 0; p < b->panels; p++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < CEP_PANEL; j++)
                x[(p * n + i) * CEP_PANEL + j] =
                    (float)(2 * cep_random_real(seed, CEP_UMAP_STREAM_BLOCK, i * m + p * CEP_PANEL + j) - 1);
    for (size_t i = 0; i < n; i++)
        x[i * CEP_PANEL] = (float)root[i]; /* the vector of eigenvalue 1 */
    const size_t most = WORK / (double)n > 4000  ? 4000
                        : WORK / (double)n < 200 ? 200
                                                 : (size_t)(WORK / (double)n);
    size_t products = 0;
    cep_progress(b->ctx, "spectral start", 0, most);
    double cut = 0.5, last = 0, worst = INFINITY;
    while (worst > 1 && products < most) {
        s = filter(b, &x, &y, &z, cut, last, MARGIN * worst, &products);
        if (!s) s = orthonormalise(b, &d, &x, &y);
        if (!s) s = ritz(b, &d, &x, &y, &z, dims, &worst);
        if (s) goto end;
        products++;
        cut = d.values[0] < 0 ? 0 : d.values[0] > 1 - 1e-7 ? 1 - 1e-7 : d.values[0];
        last = d.values[m - 1 - dims];
        cep_progress(b->ctx, "spectral start", products < most ? products : most, most);
    }
    cep_log(b->ctx, CEPMAN_LOG_DEBUG,
            "spectral start: %zu points, %zu products, residual %.3g of what is wanted", n, products, worst);
    for (size_t k = 0; k < dims; k++)
        for (size_t i = 0; i < n; i++)
            rows[i * dims + k] = x[((k + 1) / CEP_PANEL * n + i) * CEP_PANEL + (k + 1) % CEP_PANEL];
end:
    cep_free(mem, b->partial);
    cep_free(mem, d.t);
    cep_free(mem, d.values);
    cep_free(mem, d.vectors);
    cep_free(mem, d.g);
    cep_free(mem, z);
    cep_free(mem, y);
    cep_free(mem, x);
    return s;
}

static cepman_status solve_dense(cepman_context *ctx, const cep_umap_graph *graph, const float *values,
                                 size_t dims, float *rows)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = graph->n;
    double *a = cep_alloc_zero(mem, n * n, sizeof *a), *vectors = cep_alloc(mem, dims * n, sizeof *vectors);
    double *found = cep_alloc(mem, dims, sizeof *found);
    cepman_status s = CEPMAN_OK;
    if (!a || !vectors || !found) {
        s = cep_fail_memory(ctx, "spectral start", n, n * sizeof *a);
    } else {
        for (size_t i = 0; i < n; i++)
            for (size_t e = graph->starts[i]; e < graph->starts[i + 1]; e++)
                a[i * n + (size_t)graph->columns[e]] = (double)values[e];
        s = cep_linalg_eigen(ctx, n, a, n - 1 - dims, n - 2, found, vectors);
        for (size_t k = 0; !s && k < dims; k++)
            for (size_t i = 0; i < n; i++)
                rows[i * dims + k] = (float)vectors[(dims - 1 - k) * n + i];
    }
    cep_free(mem, found);
    cep_free(mem, vectors);
    cep_free(mem, a);
    return s;
}

cepman_status cep_umap_spectral(cepman_context *ctx, const cep_umap_graph *graph, size_t dims, uint64_t seed,
                                float *rows)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = graph->n, entries = graph->starts[n];
    double *root = cep_alloc(mem, n, sizeof *root); /* square roots of the degrees */
    float *values = cep_alloc(mem, entries, sizeof *values);
    cepman_status s = CEPMAN_OK;
    if (!root || !values) {
        s = cep_fail_memory(ctx, "spectral start", entries, sizeof *values);
        goto end;
    }
    for (size_t i = 0; i < n; i++) {
        double degree = 0;
        for (size_t e = graph->starts[i]; e < graph->starts[i + 1]; e++)
            degree += (double)graph->weights[e];
        root[i] = sqrt(degree);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t e = graph->starts[i]; e < graph->starts[i + 1]; e++)
            values[e] = (float)((double)graph->weights[e] / (root[i] * root[graph->columns[e]]));
    block b = {.ctx = ctx,
               .kernels = cep_sparse_kernels_get(cep_context_cpu(ctx)),
               .graph = graph,
               .values = values,
               .n = n,
               .panels = (dims + 1 + GUARDS + CEP_PANEL - 1) / CEP_PANEL};
    b.chunk = n / 128 > 1024 ? n / 128 : 1024;
    b.chunks = (n + b.chunk - 1) / b.chunk;
    if (n <= DENSE || n <= 4 * b.panels * CEP_PANEL)
        s = solve_dense(ctx, graph, values, dims, rows);
    else
        s = solve_block(&b, dims, seed, root, rows);
    for (size_t k = 0; !s && k < dims; k++) {
        size_t most = 0;
        for (size_t i = 1; i < n; i++)
            if (fabsf(rows[i * dims + k]) > fabsf(rows[most * dims + k])) most = i;
        if (rows[most * dims + k] < 0)
            for (size_t i = 0; i < n; i++)
                rows[i * dims + k] = -rows[i * dims + k];
    }
end:
    cep_free(mem, values);
    cep_free(mem, root);
    return s;
}
