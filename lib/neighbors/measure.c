/* The distance of two rows in float64, by which every method ranks its survivors, and the check of the input.
 * Euclidean: sum of squared differences; cosine: 1 - a.b / sqrt(a.a b.b), where a zero row is at 1 from every
 * other row and at 0 from other zero rows; correlation (Pearson's): the cosine of rows less their own means.
 * Sums have one order at all CPU levels, so that equal distances tie everywhere.
 * Must not: take squared lengths apart (|a|^2 + |b|^2 - 2 a.b), which loses ties and duplicates.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "knn.h"

#define CHUNK_FLOATS ((size_t)1 << 20)

typedef struct scan {
    cep_measure *m;
    const cepman_matrix *matrix;
    size_t rows_per_task, stride;
    float *largest; /* per task */
    bool centred;
    float *copy; /* float16 rows as float32; correlation: rows less their means */
} scan;

/* A constant row becomes zero exactly: sums of equal float32 are exact in float64. */
static void centre(float *x, size_t n)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += (double)x[j];
    sum /= (double)n;
    for (size_t j = 0; j < n; j++)
        x[j] = (float)((double)x[j] - sum);
}

static cepman_status scan_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    scan *s = argument;
    cep_measure *m = s->m;
    (void)worker;
    size_t first = index * s->rows_per_task, last = first + s->rows_per_task;
    float most = 0;
    for (size_t i = first; i < last && i < m->rows; i++) {
        float *to = s->copy ? s->copy + i * s->stride : NULL;
        if (to) {
            cepman_status status = cep_matrix_fetch(s->matrix, fault, i, 1, to, s->stride);
            if (status) return status;
        }
        const float *x = to ? to : cepman_matrix_row(s->matrix, i);
        float a = m->kernels->largest(x, m->columns);
        if (!isfinite(a)) {
            size_t j = 0;
            while (isfinite(x[j]))
                j++;
            return cep_fault_set(fault, CEPMAN_ERR_DATA,
                                 "neighbours: row %zu has a value that is not finite (column %zu)", i, j);
        }
        if (s->centred) {
            centre(to, m->columns);
            a = m->kernels->largest(x, m->columns);
        }
        most = a > most ? a : most;
        if (m->cosine) m->norms[i] = m->kernels->dot_f64(x, x, m->columns);
    }
    s->largest[index] = most;
    return CEPMAN_OK;
}

cepman_status cep_measure_open(cep_measure *m, cepman_context *ctx, const cepman_matrix *matrix,
                               cep_metric metric)
{
    memset(m, 0, sizeof *m);
    m->matrix = matrix;
    m->rows = cepman_matrix_rows(matrix);
    m->columns = cepman_matrix_columns(matrix);
    m->cosine = metric != CEP_EUCLIDEAN;
    m->mem = cep_context_memory(ctx);
    m->kernels = cep_distance_kernels_get(cep_context_cpu(ctx));
    scan s = {m, matrix, CHUNK_FLOATS / m->columns + 1, 0, NULL, metric == CEP_CORRELATION, NULL};
    size_t tasks = (m->rows + s.rows_per_task - 1) / s.rows_per_task;
    s.largest = cep_alloc_zero(m->mem, tasks, sizeof *s.largest);
    if (m->cosine) m->norms = cep_alloc(m->mem, m->rows, sizeof *m->norms);
    cepman_status status = CEPMAN_OK;
    if (!s.largest || (m->cosine && !m->norms))
        status = cep_fail_memory(ctx, "lengths of rows", m->rows, sizeof *m->norms);
    if (!status && (s.centred || cepman_matrix_type(matrix) != CEPMAN_TYPE_F32)) {
        status =
            cep_matrix_create(&m->owned, ctx, "copy of the rows", m->rows, m->columns, &s.copy, &s.stride);
        if (!status) m->matrix = m->owned;
    }
    if (!status) status = cep_parallel(ctx, NULL, tasks, scan_rows, &s);
    for (size_t t = 0; !status && t < tasks; t++)
        if ((double)s.largest[t] > m->largest) m->largest = (double)s.largest[t];
    cep_free(m->mem, s.largest);
    if (status) cep_measure_close(m);
    return status;
}

void cep_measure_close(cep_measure *m)
{
    cep_free(m->mem, m->norms);
    m->norms = NULL;
    cepman_matrix_unref(m->owned);
    m->owned = NULL;
}

static double cosine_key(double norm_a, double norm_b, double dot)
{
    double product = norm_a * norm_b;
    if (product == 0) return norm_a == norm_b ? 0 : 1;
    double key = 1 - dot / sqrt(product);
    return key < 0 ? 0 : key;
}

double cep_measure_between(const cep_measure *a, size_t i, const cep_measure *b, size_t j)
{
    const float *x = cepman_matrix_row(a->matrix, i), *y = cepman_matrix_row(b->matrix, j);
    if (!a->cosine) return a->kernels->squared_f64(x, y, a->columns);
    return cosine_key(a->norms[i], b->norms[j], a->kernels->dot_f64(x, y, a->columns));
}

void cep_measure_four(const cep_measure *a, const size_t i[4], const cep_measure *b, size_t j, double keys[4])
{
    const float *x[4], *y = cepman_matrix_row(b->matrix, j);
    for (int r = 0; r < 4; r++)
        x[r] = cepman_matrix_row(a->matrix, i[r]);
    if (!a->cosine) {
        a->kernels->squared_f64_four(x, y, a->columns, keys);
        return;
    }
    a->kernels->dot_f64_four(x, y, a->columns, keys);
    for (int r = 0; r < 4; r++)
        keys[r] = cosine_key(a->norms[i[r]], b->norms[j], keys[r]);
}

double cep_measure_key(const cep_measure *m, size_t i, size_t j)
{
    return cep_measure_between(m, i, m, j);
}

float cep_measure_distance(const cep_measure *m, double key)
{
    double d = m->cosine ? key : sqrt(key);
    return d < (double)FLT_MAX ? (float)d : FLT_MAX;
}
