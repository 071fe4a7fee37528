/* Collects labelled points, numbers their clusters without gaps and takes the means.
 * A sample is a selection without repeats by Floyd's method (Bentley and Floyd 1987), in the order of the rows.
 * Must not: look at rows that are noise. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"

#define STAGE_SAMPLE 0x5a11

/* Keeps `sample` of the n points. */
static cepman_status thin(cep_groups *g, size_t sample, uint64_t seed)
{
    uint8_t *taken = cep_alloc_zero(g->mem, g->n, 1);
    if (!taken) return cep_fail_memory(g->ctx, "sample", g->n, 1);
    for (size_t j = g->n - sample; j < g->n; j++) {
        size_t t = (size_t)cep_random_below(seed, STAGE_SAMPLE, j, j + 1);
        taken[taken[t] ? j : t] = 1;
    }
    size_t kept = 0;
    for (size_t i = 0; i < g->n; i++)
        if (taken[i]) {
            g->origin[kept] = g->origin[i];
            g->group[kept++] = g->group[i];
        }
    g->n = kept;
    cep_free(g->mem, taken);
    return CEPMAN_OK;
}

static int by_number(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

/* Where labels reach far beyond the number of points: their ranks in the place of them; returns how many there are. */
static cepman_status rank(cep_groups *g, size_t *labels)
{
    uint32_t *sorted = cep_alloc(g->mem, g->n, sizeof *sorted);
    if (!sorted) return cep_fail_memory(g->ctx, "clusters", g->n, sizeof *sorted);
    size_t kept = 0;
    if (g->n) memcpy(sorted, g->group, g->n * sizeof *sorted);
    qsort(sorted, g->n, sizeof *sorted, by_number);
    for (size_t i = 0; i < g->n; i++)
        if (!kept || sorted[kept - 1] != sorted[i]) sorted[kept++] = sorted[i];
    for (size_t i = 0; i < g->n; i++) {
        const uint32_t *at = bsearch(&g->group[i], sorted, kept, sizeof *sorted, by_number);
        g->group[i] = (uint32_t)(at - sorted);
    }
    *labels = kept;
    cep_free(g->mem, sorted);
    return CEPMAN_OK;
}

/* Cluster numbers without gaps, and sizes. number: one per label. */
static cepman_status count(cep_groups *g, size_t labels)
{
    if (labels / 8 > g->n + 1024) {
        cepman_status s = rank(g, &labels);
        if (s) return s;
    }
    uint32_t *number = cep_alloc_zero(g->mem, labels, sizeof *number);
    if (!number) return cep_fail_memory(g->ctx, "clusters", labels, sizeof *number);
    for (size_t i = 0; i < g->n; i++)
        number[g->group[i]] = 1;
    for (size_t c = 0; c < labels; c++)
        if (number[c]) number[c] = (uint32_t)g->k++;
    g->size = cep_alloc_zero(g->mem, g->k, sizeof *g->size);
    for (size_t i = 0; g->size && i < g->n; i++) {
        g->group[i] = number[g->group[i]];
        g->size[g->group[i]]++;
    }
    cep_free(g->mem, number);
    return g->size ? CEPMAN_OK : cep_fail_memory(g->ctx, "clusters", g->k, sizeof *g->size);
}

static cepman_status average(cep_groups *g, const cepman_matrix *matrix, const char *what)
{
    size_t cells;
    g->row = cep_alloc(g->mem, g->n, sizeof *g->row);
    g->mean = cep_mul(g->k, g->d, &cells) ? cep_alloc_zero(g->mem, cells, sizeof *g->mean) : NULL;
    if (!g->row || !g->mean) return cep_fail_memory(g->ctx, what, g->n + g->k * g->d, sizeof *g->mean);
    for (size_t i = 0; i < g->n; i++) {
        const float *x = g->row[i] = cepman_matrix_row(matrix, g->origin[i]);
        double *mean = g->mean + g->group[i] * g->d;
        bool finite = true;
        for (size_t j = 0; j < g->d; j++) {
            finite = finite && isfinite(x[j]);
            mean[j] += (double)x[j];
        }
        CEP_REQUIRE(g->ctx, finite, CEPMAN_ERR_DATA,
                    "%s: row %zu has a NaN or an infinity, all with a label must be finite", what,
                    (size_t)g->origin[i]);
        cepman_status s = i % 4096 ? CEPMAN_OK : cep_poll(g->ctx);
        if (s) return s;
    }
    for (size_t c = 0; c < g->k; c++)
        for (size_t j = 0; j < g->d; j++)
            g->mean[c * g->d + j] /= (double)g->size[c];
    return CEPMAN_OK;
}

cepman_status cep_groups_collect(cep_groups *g, cepman_context *ctx, const cepman_matrix *matrix,
                                 const cepman_labels *labels, size_t sample, uint64_t seed, const char *what)
{
    size_t rows = cepman_matrix_rows(matrix), clusters = cepman_labels_clusters(labels);
    *g = (cep_groups){.ctx = ctx, .mem = cep_context_memory(ctx), .d = cepman_matrix_columns(matrix)};
    CEP_REQUIRE(ctx, cepman_labels_count(labels) == rows, CEPMAN_ERR_SHAPE, "%s: %zu labels for %zu rows",
                what, cepman_labels_count(labels), rows);
    CEP_REQUIRE(ctx, rows < UINT32_MAX, CEPMAN_ERR_RANGE, "%s: %zu rows, at most 4294967294", what, rows);
    size_t kept = rows - cepman_labels_noise(labels);
    const int32_t *values = cepman_labels_data(labels);
    g->origin = cep_alloc(g->mem, kept, sizeof *g->origin);
    g->group = cep_alloc(g->mem, kept, sizeof *g->group);
    if (!g->origin || !g->group) {
        cep_groups_clear(g);
        return cep_fail_memory(ctx, what, kept, 2 * sizeof *g->group);
    }
    for (size_t i = 0; i < rows; i++)
        if (values[i] >= 0) {
            g->origin[g->n] = (uint32_t)i;
            g->group[g->n++] = (uint32_t)values[i];
        }
    cepman_status s = sample && sample < g->n ? thin(g, sample, seed) : CEPMAN_OK;
    if (!s) s = count(g, clusters);
    if (!s) s = average(g, matrix, what);
    if (s) cep_groups_clear(g);
    return s;
}

void cep_groups_clear(cep_groups *g)
{
    if (!g->mem) return;
    cep_free(g->mem, g->row);
    cep_free(g->mem, g->origin);
    cep_free(g->mem, g->group);
    cep_free(g->mem, g->size);
    cep_free(g->mem, g->mean);
    *g = (cep_groups){0};
}
