/* Collects row pointers of a matrix or of its finite rows.
 * Clusterers index points 0 .. n-1; this is where rows are left out.
 * Must not: copy the numbers. */
#include <math.h>

#include "points.h"

static bool finite_row(const float *x, size_t d)
{
    float s[8] = {0}; /* x - x is 0 for finite x, NaN otherwise */
    size_t j = 0;
    for (; j + 8 <= d; j += 8)
        for (size_t l = 0; l < 8; l++)
            s[l] += x[j + l] - x[j + l];
    for (size_t l = 0; j < d; j++, l++)
        s[l] += x[j] - x[j];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])) == 0;
}

static cepman_status collect(cep_points *p, cepman_context *ctx, const cepman_matrix *m, const char *what,
                             bool skip)
{
    size_t n = cepman_matrix_rows(m), d = cepman_matrix_columns(m), bad = 0, first_bad = 0;
    CEP_REQUIRE(ctx, n < INT32_MAX - 1, CEPMAN_ERR_RANGE, "%s: %zu points, at most 2147483645 are possible",
                what, n);
    for (size_t i = 0; i < n; i++)
        if (!finite_row(cepman_matrix_row(m, i), d) && bad++ == 0) first_bad = i;
    CEP_REQUIRE(ctx, skip || !bad, CEPMAN_ERR_DATA,
                "%s: row %zu has a NaN or an infinity, all must be finite", what, first_bad);
    cep_memory *mem = cep_context_memory(ctx);
    *p = (cep_points){.mem = mem, .n = n - bad, .d = d};
    p->row = cep_alloc(mem, p->n, sizeof *p->row);
    if (!p->row) return cep_fail_memory(ctx, what, p->n, sizeof *p->row);
    if (bad) {
        p->index = cep_alloc(mem, p->n, sizeof *p->index);
        if (!p->index) {
            cep_points_clear(p);
            return cep_fail_memory(ctx, what, n - bad, sizeof *p->index);
        }
    }
    for (size_t i = 0, k = 0; i < n; i++) {
        const float *x = cepman_matrix_row(m, i);
        if (bad && !finite_row(x, d)) continue;
        if (bad) p->index[k] = (uint32_t)i;
        p->row[k++] = x;
    }
    return CEPMAN_OK;
}

cepman_status cep_points_all(cep_points *p, cepman_context *ctx, const cepman_matrix *m, const char *what)
{
    return collect(p, ctx, m, what, false);
}

cepman_status cep_points_finite(cep_points *p, cepman_context *ctx, const cepman_matrix *m, const char *what)
{
    return collect(p, ctx, m, what, true);
}

void cep_points_clear(cep_points *p)
{
    if (!p->mem) return;
    cep_free(p->mem, p->row);
    cep_free(p->mem, p->index);
    *p = (cep_points){0};
}

double cep_squared_fast(const float *a, const float *b, size_t d)
{
    double s[8] = {0};
    size_t j = 0;
    for (; j + 8 <= d; j += 8)
        for (size_t l = 0; l < 8; l++) {
            double e = (double)a[j + l] - (double)b[j + l];
            s[l] += e * e;
        }
    for (size_t l = 0; j < d; j++, l++) {
        double e = (double)a[j] - (double)b[j];
        s[l] += e * e;
    }
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}
