/* The two steps of expectation-maximisation for Gaussian components (Dempster, Laird, Rubin 1977; Bishop 2006, 9.2.2).
 * Densities in log space by Cholesky factors; sums in double about the new means, in the order of the rows.
 * Must not: invert a covariance, or sum by thread. */
#include <math.h>
#include <string.h>

#include "gaussian.h"

#define WORK 4000000 /* about how many operations an item does */
#define SLAB 16384   /* rows of a round of sums */
#define NONE 1e-8    /* a component with less than so many rows has none */
#define RAISES 60    /* of the diagonal's term, tenfold each */

cepman_status cep_gaussian_create(cep_gaussian *g, cepman_context *ctx, size_t k, size_t d, bool diagonal)
{
    size_t means, square, cells;
    *g = (cep_gaussian){.mem = cep_context_memory(ctx), .k = k, .d = d, .diagonal = diagonal};
    if (!cep_mul(k, d, &means) || !cep_mul(d, diagonal ? 1 : d, &square) || !cep_mul(k, square, &cells))
        return cep_fail(ctx, CEPMAN_ERR_RANGE,
                        "mixture: %zu covariances of %zu features are more than memory can address", k, d);
    g->weight = cep_alloc_zero(g->mem, k, sizeof *g->weight);
    g->mean = cep_alloc_zero(g->mem, means, sizeof *g->mean);
    g->covariance = cep_alloc_zero(g->mem, cells, sizeof *g->covariance);
    g->factor = cep_alloc_zero(g->mem, cells, sizeof *g->factor);
    g->constant = cep_alloc_zero(g->mem, k, sizeof *g->constant);
    if (g->weight && g->mean && g->covariance && g->factor && g->constant) return CEPMAN_OK;
    cep_gaussian_clear(g);
    return cep_fail_memory(ctx, "mixture", cells, 2 * sizeof *g->factor);
}

void cep_gaussian_clear(cep_gaussian *g)
{
    if (!g->mem) return;
    double *all[] = {g->weight, g->mean, g->covariance, g->factor, g->constant};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cep_free(g->mem, all[i]);
    *g = (cep_gaussian){0};
}

/* ---- E-step -------------------------------------------------------------------------------------------------------- */

typedef struct expect_job {
    const cep_gaussian *g;
    const cep_points *points;
    size_t chunk;
    double *scratch; /* d per worker */
    double *share, *density, *partial;
} expect_job;

static double squared_by_factor(const cep_gaussian *g, size_t c, const float *x, double *e)
{
    size_t d = g->d;
    const double *mean = g->mean + c * d, *u = g->factor + c * cep_gaussian_cells(g);
    double sum = 0;
    for (size_t j = 0; j < d; j++)
        e[j] = (double)x[j] - mean[j];
    if (g->diagonal) {
        for (size_t j = 0; j < d; j++)
            sum += e[j] * u[j] * (e[j] * u[j]);
        return sum;
    }
    for (size_t i = 0; i < d; i++) { /* forward substitution, by columns of the factor */
        double y = e[i] / u[i * d + i];
        for (size_t j = i + 1; j < d; j++)
            e[j] -= u[i * d + j] * y;
        sum += y * y;
    }
    return sum;
}

static cepman_status expect_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    expect_job *job = argument;
    const cep_gaussian *g = job->g;
    size_t n = job->points->n;
    double *e = job->scratch + (size_t)worker * g->d, total = 0;
    (void)fault;
    for (size_t i = index * job->chunk; i < (index + 1) * job->chunk && i < n; i++) {
        double most = -(double)INFINITY, sum = 0;
        for (size_t c = 0; c < g->k; c++) {
            double p = g->constant[c] - squared_by_factor(g, c, job->points->row[i], e) / 2;
            job->share[c * n + i] = p;
            if (p > most) most = p;
        }
        for (size_t c = 0; c < g->k; c++) {
            double p = exp(job->share[c * n + i] - most);
            job->share[c * n + i] = p;
            sum += p;
        }
        for (size_t c = 0; c < g->k; c++)
            job->share[c * n + i] /= sum;
        double density = most + log(sum);
        if (job->density) job->density[i] = density;
        total += density;
    }
    job->partial[index] = total;
    return CEPMAN_OK;
}

cepman_status cep_gaussian_expect(const cep_gaussian *g, cepman_context *ctx, const cep_points *points,
                                  double *share, double *density, double *mean)
{
    expect_job job = {.g = g, .points = points, .share = share, .density = density};
    double work = (double)g->k * ((double)cep_gaussian_cells(g) + 40), rows = WORK / work;
    job.chunk = rows > 1 ? (size_t)rows : 1;
    size_t chunks = (points->n + job.chunk - 1) / job.chunk, cells;
    job.partial = cep_alloc(g->mem, chunks, sizeof *job.partial);
    job.scratch =
        cep_mul(cep_workers(ctx), g->d, &cells) ? cep_alloc(g->mem, cells, sizeof *job.scratch) : NULL;
    cepman_status s = job.partial && job.scratch ? cep_parallel(ctx, NULL, chunks, expect_chunk, &job)
                                                 : cep_fail_memory(ctx, "mixture", chunks, sizeof(double));
    double sum = 0;
    for (size_t c = 0; !s && c < chunks; c++)
        sum += job.partial[c];
    cep_free(g->mem, job.scratch);
    cep_free(g->mem, job.partial);
    if (!s && mean) *mean = sum / (double)points->n;
    return s;
}

/* ---- M-step -------------------------------------------------------------------------------------------------------- */

typedef struct sum_job {
    cep_gaussian *g;
    const cep_points *points;
    const double *share;
    const bool *live; /* per component: it has rows */
    size_t first, end, block, blocks;
    double *scratch; /* d per worker */
} sum_job;

static cepman_status sum_means(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    sum_job *job = argument;
    size_t c = index / job->blocks, j0 = index % job->blocks * job->block, d = job->g->d;
    size_t j1 = j0 + job->block < d ? j0 + job->block : d;
    double *mean = job->g->mean + c * d;
    (void)worker;
    (void)fault;
    if (!job->live[c]) return CEPMAN_OK;
    for (size_t i = job->first; i < job->end; i++) {
        double w = job->share[c * job->points->n + i];
        const float *x = job->points->row[i];
        if (w == 0) continue;
        for (size_t j = j0; j < j1; j++)
            mean[j] += w * (double)x[j];
    }
    return CEPMAN_OK;
}

/* Rows j0 .. j1-1 of a covariance's lower triangle, or of its diagonal. */
static cepman_status sum_covariances(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    sum_job *job = argument;
    const cep_gaussian *g = job->g;
    size_t c = index / job->blocks, j0 = index % job->blocks * job->block, d = g->d;
    size_t j1 = j0 + job->block < d ? j0 + job->block : d;
    double *cov = g->covariance + c * cep_gaussian_cells(g), *e = job->scratch + (size_t)worker * d;
    const double *mean = g->mean + c * d;
    (void)fault;
    if (!job->live[c]) return CEPMAN_OK;
    for (size_t i = job->first; i < job->end; i++) {
        double w = job->share[c * job->points->n + i];
        const float *x = job->points->row[i];
        if (w == 0) continue;
        if (g->diagonal) {
            for (size_t j = j0; j < j1; j++) {
                double v = (double)x[j] - mean[j];
                cov[j] += w * v * v;
            }
            continue;
        }
        for (size_t j = 0; j < j1; j++)
            e[j] = (double)x[j] - mean[j];
        for (size_t a = j0; a < j1; a++) {
            double t = w * e[a];
            for (size_t b = 0; b <= a; b++)
                cov[a * d + b] += t * e[b];
        }
    }
    return CEPMAN_OK;
}

static cepman_status sum_all(sum_job *job, cepman_context *ctx, cep_task task, size_t width)
{
    size_t n = job->points->n, d = job->g->d;
    double rows = WORK / ((double)SLAB * (double)width);
    job->block = rows > 1 ? (size_t)rows : 1;
    if (job->block > d) job->block = d;
    job->blocks = (d + job->block - 1) / job->block;
    for (job->first = 0; job->first < n; job->first = job->end) {
        job->end = job->first + SLAB < n ? job->first + SLAB : n;
        cepman_status s = cep_parallel(ctx, NULL, job->g->k * job->blocks, task, job);
        if (s) return s;
    }
    return CEPMAN_OK;
}

/* The factor of covariance + term on its diagonal; false when a pivot is lost to rounding. */
static bool factorise(double *u, const double *cov, size_t d, double term)
{
    for (size_t i = 0; i < d; i++) {
        double *row = u + i * d;
        for (size_t j = 0; j < d; j++)
            row[j] = j < i ? 0 : cov[j * d + i] + (j == i ? term : 0);
    }
    for (size_t i = 0; i < d; i++) {
        double *row = u + i * d, whole = cov[i * d + i] + term;
        if (!(row[i] > whole * (double)d * 0x1p-50) || !isfinite(row[i])) return false;
        double pivot = sqrt(row[i]);
        for (size_t j = i; j < d; j++)
            row[j] /= pivot;
        for (size_t a = i + 1; a < d; a++) {
            double t = row[a], *to = u + a * d;
            for (size_t b = a; b < d; b++)
                to[b] -= t * row[b];
        }
    }
    return true;
}

/* Factor, constant and the covariance as it is used (with what was added) of component c. */
static bool settle(cep_gaussian *g, size_t c, double term, double least)
{
    size_t d = g->d;
    double *cov = g->covariance + c * cep_gaussian_cells(g), *u = g->factor + c * cep_gaussian_cells(g);
    double t = term, half = 0;
    bool good = false;
    for (int turn = 0; turn < RAISES && !good; turn++) {
        good = true;
        if (g->diagonal)
            for (size_t j = 0; j < d; j++)
                good = good && cov[j] + t > 0 && isfinite(cov[j] + t);
        else
            good = factorise(u, cov, d, t);
        if (!good) t = t < least ? least : 10 * t;
    }
    if (!good) return false;
    for (size_t j = 0; j < d; j++) {
        if (g->diagonal) {
            cov[j] += t;
            u[j] = 1 / sqrt(cov[j]);
            half -= log(u[j]);
        } else {
            cov[j * d + j] += t;
            half += log(u[j * d + j]);
            for (size_t i = 0; i < j; i++)
                cov[i * d + j] = cov[j * d + i];
        }
    }
    g->constant[c] = log(g->weight[c]) - (double)d / 2 * log(2 * 3.14159265358979323846) - half;
    return true;
}

cepman_status cep_gaussian_maximise(cep_gaussian *g, cepman_context *ctx, const cep_points *points,
                                    const double *share, double term, double least)
{
    size_t n = points->n, d = g->d, cells = cep_gaussian_cells(g), scratch;
    double all = 0;
    sum_job job = {.g = g, .points = points, .share = share};
    bool *live = cep_alloc(g->mem, g->k, sizeof *live);
    job.scratch = cep_mul(cep_workers(ctx), d, &scratch) ? cep_alloc(g->mem, scratch, sizeof(double)) : NULL;
    cepman_status s = live && job.scratch ? CEPMAN_OK : cep_fail_memory(ctx, "mixture", d, sizeof(double));
    job.live = live;
    for (size_t c = 0; !s && c < g->k; c++) {
        double rows = 10 * 0x1p-52; /* as the reference: no weight is 0 */
        for (size_t i = 0; i < n; i++)
            rows += share[c * n + i];
        g->weight[c] = rows;
        all += rows;
        live[c] = rows > NONE;
        if (live[c]) {
            memset(g->mean + c * d, 0, d * sizeof *g->mean);
            memset(g->covariance + c * cells, 0, cells * sizeof *g->covariance);
        }
        s = cep_poll(ctx);
    }
    if (!s) s = sum_all(&job, ctx, sum_means, 1);
    for (size_t i = 0; !s && i < g->k * d; i++)
        if (live[i / d]) g->mean[i] /= g->weight[i / d];
    if (!s) s = sum_all(&job, ctx, sum_covariances, g->diagonal ? 1 : d);
    for (size_t c = 0; !s && c < g->k; c++) {
        double *cov = g->covariance + c * cells, rows = g->weight[c];
        for (size_t i = 0; live[c] && i < cells; i++)
            cov[i] /= rows;
        g->weight[c] = rows / all;
        if (!settle(g, c, live[c] ? term : 0, least))
            s = cep_fail(ctx, CEPMAN_ERR_NUMERIC,
                         "mixture: the covariance of component %zu has no Cholesky factor", c);
        if (!s) s = cep_poll(ctx);
    }
    cep_free(g->mem, job.scratch);
    cep_free(g->mem, live);
    return s;
}
