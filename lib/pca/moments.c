/* Mean, sum of squares and centred blocks of a matrix of rows.
 * Sums in float64 over fixed chunks of rows, added in the order of the chunks: the same bits for any threads.
 * Must not: trust the data; the first row that is not finite ends the fit. */
#include "exec.h"
#include "internal.h"

#define TOUCHED ((size_t)1 << 20) /* numbers between two polls: fresh memory may be slow */

typedef struct pass {
    const cep_pca_data *x;
    size_t chunk;
    double *sums; /* one row of d per chunk */
} pass;

const float *cep_pca_row(const cep_pca_data *x, cep_fault *fault, unsigned worker, size_t row)
{
    if (cep_matrix_in_memory(x->matrix)) return cepman_matrix_row(x->matrix, row);
    float *to = x->rows + worker * x->d;
    return cep_matrix_fetch(x->matrix, fault, row, 1, to, x->d) ? NULL : to;
}

static cepman_status add_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    pass *p = argument;
    size_t d = p->x->d, first = index * p->chunk, last = first + p->chunk;
    double *sum = p->sums + index * d;
    if (last > p->x->n) last = p->x->n;
    for (size_t j = 0; j < d; j++)
        sum[j] = 0;
    for (size_t i = first; i < last; i++) {
        const float *row = cep_pca_row(p->x, fault, worker, i);
        if (!row) return fault->status;
        for (size_t j = 0; j < d; j++)
            sum[j] += (double)row[j];
        if (!cep_pca_row_finite(row, d))
            return cep_fault_set(fault, CEPMAN_ERR_DATA,
                                 "principal components: row %zu has a value that is not finite", i);
    }
    return CEPMAN_OK;
}

static cepman_status add_squares(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    pass *p = argument;
    size_t d = p->x->d, first = index * p->chunk, last = first + p->chunk;
    double sum = 0;
    if (last > p->x->n) last = p->x->n;
    for (size_t i = first; i < last; i++) {
        const float *row = cep_pca_row(p->x, fault, worker, i);
        if (!row) return fault->status;
        double of_row[4] = {0, 0, 0, 0};
        for (size_t j = 0; j < d; j++) {
            double v = (double)row[j] - p->x->mean[j];
            of_row[j % 4] += v * v;
        }
        sum += (of_row[0] + of_row[1]) + (of_row[2] + of_row[3]);
    }
    p->sums[index] = sum;
    return CEPMAN_OK;
}

cepman_status cep_pca_moments(cep_pca_data *x)
{
    pass p = {x, 4096, NULL};
    /* Chunks stay short (for cancelling) and few (for memory). */
    if (p.chunk > ((size_t)1 << 22) / x->d + 1) p.chunk = ((size_t)1 << 22) / x->d + 1;
    if (x->n / p.chunk > 1024) p.chunk = x->n / 1024 + 1;
    size_t chunks = (x->n + p.chunk - 1) / p.chunk;
    p.sums = cep_alloc(x->mem, chunks, x->d * sizeof *p.sums);
    if (!p.sums) return cep_fail_memory(x->ctx, "means", chunks, x->d * sizeof *p.sums);
    cepman_status s = cep_parallel(x->ctx, NULL, chunks, add_rows, &p);
    if (!s) {
        for (size_t j = 0; j < x->d; j++) {
            double sum = 0;
            for (size_t c = 0; c < chunks; c++)
                sum += p.sums[c * x->d + j];
            x->mean[j] = sum / (double)x->n;
        }
        s = cep_parallel(x->ctx, NULL, chunks, add_squares, &p);
    }
    x->squares = 0;
    for (size_t c = 0; !s && c < chunks; c++)
        x->squares += p.sums[c];
    cep_free(x->mem, p.sums);
    return s;
}

cepman_status cep_pca_centred(const cep_pca_data *x, size_t first, size_t rows, size_t column, size_t width,
                              double *to)
{
    const double *mean = x->mean + column;
    cep_fault fault;
    for (size_t i = 0; i < rows; i++) {
        const float *row = cep_pca_row(x, &fault, 0, first + i);
        if (!row) return cep_fail_fault(x->ctx, &fault);
        for (size_t j = 0; j < width; j++)
            to[i * width + j] = (double)row[column + j] - mean[j];
        cepman_status s = (i + 1) * width / TOUCHED != i * width / TOUCHED ? cep_poll(x->ctx) : CEPMAN_OK;
        if (s) return s;
    }
    return CEPMAN_OK;
}
