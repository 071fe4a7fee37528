/* Indices of a clustering by itself: silhouette (Rousseeuw 1987), its simplified form (Hruschka, de Castro, Campello
 * 2004), Calinski and Harabasz (1974), Davies and Bouldin (1979). Sums are in double, per point or in fixed chunks.
 * Must not: keep distances of pairs. */
#include <math.h>

#include <cepman/validity.h>

#include "groups.h"
#include "points.h"

typedef struct index_job {
    const cep_groups *g;
    double *scratch; /* k per worker */
    double *value;   /* per point */

    size_t chunk;
} index_job;

static double compare(double own, double other)
{
    double larger = own > other ? own : other;
    return larger > 0 ? (other - own) / larger : 0;
}

/* Mean distance to the own cluster's other points against that to the nearest other cluster. */
static double silhouette_of(const cep_groups *g, size_t i, double *sums)
{
    size_t own = g->group[i];
    if (g->size[own] < 2) return 0;
    for (size_t c = 0; c < g->k; c++)
        sums[c] = 0;
    for (size_t j = 0; j < g->n; j++)
        sums[g->group[j]] += sqrt(cep_squared_fast(g->row[i], g->row[j], g->d));
    double nearest = (double)INFINITY;
    for (size_t c = 0; c < g->k; c++)
        if (c != own) nearest = fmin(nearest, sums[c] / (double)g->size[c]);
    return compare(sums[own] / (double)(g->size[own] - 1), nearest);
}

static double simplified_of(const cep_groups *g, size_t i)
{
    double own = 0, nearest = (double)INFINITY;
    for (size_t c = 0; c < g->k; c++) {
        double s = sqrt(cep_groups_squared(g->row[i], g->mean + c * g->d, g->d));
        if (c == g->group[i])
            own = s;
        else
            nearest = fmin(nearest, s);
    }
    return compare(own, nearest);
}

static cepman_status silhouette_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    index_job *job = argument;
    const cep_groups *g = job->g;
    (void)fault;
    for (size_t i = index * job->chunk; i < (index + 1) * job->chunk && i < g->n; i++)
        job->value[i] = silhouette_of(g, i, job->scratch + worker * g->k);
    return CEPMAN_OK;
}

static cepman_status simplified_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    index_job *job = argument;
    (void)worker;
    (void)fault;
    for (size_t i = index * job->chunk; i < (index + 1) * job->chunk && i < job->g->n; i++)
        job->value[i] = simplified_of(job->g, i);
    return CEPMAN_OK;
}

static cepman_status spread_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    index_job *job = argument;
    const cep_groups *g = job->g;
    (void)worker;
    (void)fault;
    for (size_t i = index * job->chunk; i < (index + 1) * job->chunk && i < g->n; i++)
        job->value[i] = cep_groups_squared(g->row[i], g->mean + g->group[i] * g->d, g->d);
    return CEPMAN_OK;
}

static cepman_status begin(cep_groups *g, cepman_context *ctx, const double *out, const cepman_matrix *matrix,
                           const cepman_labels *labels, size_t sample, uint64_t seed, const char *what)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix && labels, CEPMAN_ERR_ARGUMENT, "%s: an argument is NULL", what);
    CEP_REQUIRE_F32(ctx, matrix, what);
    return cep_groups_collect(g, ctx, matrix, labels, sample, seed, what);
}

/* A value per point; `work` is about how many float operations one takes. */
static cepman_status per_point(const cep_groups *g, double **value, cep_task task, size_t work,
                               const char *what)
{
    index_job job = {.g = g};
    size_t items;
    job.chunk = work < 4000000 ? 4000000 / (work + 1) + 1 : 1;
    job.value = cep_alloc(g->mem, g->n, sizeof *job.value);
    job.scratch =
        cep_mul(cep_workers(g->ctx), g->k, &items) ? cep_alloc(g->mem, items, sizeof *job.scratch) : NULL;
    cepman_status s = job.value && job.scratch
                          ? cep_parallel(g->ctx, what, (g->n + job.chunk - 1) / job.chunk, task, &job)
                          : cep_fail_memory(g->ctx, what, g->n, sizeof *job.value);
    cep_free(g->mem, job.scratch);
    if (s)
        cep_free(g->mem, job.value);
    else
        *value = job.value;
    return s;
}

static double mean_of(const double *value, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += value[i];
    return sum / (double)n;
}

cepman_status cepman_validity_silhouette(double *out, double *values, cepman_context *ctx,
                                         const cepman_matrix *matrix, const cepman_labels *labels,
                                         size_t sample, uint64_t seed)
{
    cep_groups g;
    double *value = NULL;
    cepman_status s = begin(&g, ctx, out, matrix, labels, sample, seed, "silhouette");
    if (s) return s;
    if (g.k >= 2) s = per_point(&g, &value, silhouette_chunk, g.n * (g.d + 4), "silhouette");
    if (!s) {
        *out = g.k >= 2 ? mean_of(value, g.n) : (double)NAN;
        for (size_t i = 0; values && i < cepman_matrix_rows(matrix); i++)
            values[i] = (double)NAN;
        for (size_t i = 0; values && value && i < g.n; i++)
            values[g.origin[i]] = value[i];
    }
    cep_free(g.mem, value);
    cep_groups_clear(&g);
    return s;
}

cepman_status cepman_validity_simplified_silhouette(double *out, cepman_context *ctx,
                                                    const cepman_matrix *matrix, const cepman_labels *labels)
{
    cep_groups g;
    double *value = NULL;
    cepman_status s = begin(&g, ctx, out, matrix, labels, 0, 0, "simplified silhouette");
    if (s) return s;
    if (g.k >= 2) s = per_point(&g, &value, simplified_chunk, g.k * (g.d + 4), "simplified silhouette");
    if (!s) *out = g.k >= 2 ? mean_of(value, g.n) : (double)NAN;
    cep_free(g.mem, value);
    cep_groups_clear(&g);
    return s;
}

cepman_status cepman_validity_inertia(double *out, cepman_context *ctx, const cepman_matrix *matrix,
                                      const cepman_labels *labels)
{
    cep_groups g;
    double *value = NULL;
    cepman_status s = begin(&g, ctx, out, matrix, labels, 0, 0, "inertia");
    if (s) return s;
    s = per_point(&g, &value, spread_chunk, g.d + 4, "inertia");
    if (!s) *out = g.n ? mean_of(value, g.n) * (double)g.n : 0;
    cep_free(g.mem, value);
    cep_groups_clear(&g);
    return s;
}

cepman_status cepman_validity_calinski_harabasz(double *out, cepman_context *ctx, const cepman_matrix *matrix,
                                                const cepman_labels *labels)
{
    cep_groups g;
    double *value = NULL;
    cepman_status s = begin(&g, ctx, out, matrix, labels, 0, 0, "Calinski-Harabasz index");
    if (s) return s;
    if (g.k >= 2) s = per_point(&g, &value, spread_chunk, g.d + 4, "Calinski-Harabasz index");
    if (!s && g.k < 2) *out = (double)NAN;
    if (!s && g.k >= 2) {
        double within = 0, between = 0, n = (double)g.n, k = (double)g.k;
        for (size_t i = 0; i < g.n; i++)
            within += value[i];
        for (size_t j = 0; j < g.d; j++) {
            double centre = 0;
            for (size_t c = 0; c < g.k; c++)
                centre += g.mean[c * g.d + j] * ((double)g.size[c] / n);
            for (size_t c = 0; c < g.k; c++) {
                double e = g.mean[c * g.d + j] - centre;
                between += (double)g.size[c] * e * e;
            }
        }
        *out = within > 0 ? between * (n - k) / (within * (k - 1)) : 1;
    }
    cep_free(g.mem, value);
    cep_groups_clear(&g);
    return s;
}

/* The mean over clusters of the worst similarity to another one; spread: mean distance to the own mean. */
static cepman_status davies_bouldin(const cep_groups *g, const double *spread, double *out)
{
    double sum = 0, widest = 0;
    for (size_t c = 0; c < g->k; c++)
        widest = fmax(widest, spread[c]);
    for (size_t a = 0; widest > 0 && a < g->k; a++) {
        double worst = 0;
        for (size_t b = 0; b < g->k; b++) {
            double s = 0;
            for (size_t j = 0; j < g->d && a != b; j++) {
                double e = g->mean[a * g->d + j] - g->mean[b * g->d + j];
                s += e * e;
            }
            if (a != b && spread[a] + spread[b] > 0) worst = fmax(worst, (spread[a] + spread[b]) / sqrt(s));
        }
        sum += worst;
        cepman_status st = cep_poll(g->ctx);
        if (st) return st;
    }
    *out = sum / (double)g->k;
    return CEPMAN_OK;
}

cepman_status cepman_validity_davies_bouldin(double *out, cepman_context *ctx, const cepman_matrix *matrix,
                                             const cepman_labels *labels)
{
    cep_groups g;
    double *value = NULL, *spread = NULL, result = (double)NAN;
    cepman_status s = begin(&g, ctx, out, matrix, labels, 0, 0, "Davies-Bouldin index");
    if (s) return s;
    if (g.k >= 2) {
        s = per_point(&g, &value, spread_chunk, g.d + 4, "Davies-Bouldin index");
        spread = cep_alloc_zero(g.mem, g.k, sizeof *spread);
        if (!s && !spread) s = cep_fail_memory(ctx, "Davies-Bouldin index", g.k, sizeof *spread);
        for (size_t i = 0; !s && i < g.n; i++)
            spread[g.group[i]] += sqrt(value[i]) / (double)g.size[g.group[i]];
        if (!s) s = davies_bouldin(&g, spread, &result);
    }
    if (!s) *out = result;
    cep_free(g.mem, spread);
    cep_free(g.mem, value);
    cep_groups_clear(&g);
    return s;
}
