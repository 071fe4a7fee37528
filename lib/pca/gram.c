/* Products with the centred data X: X'X by blocks of rows, X X' by blocks of columns, V X'X, and
 * Rayleigh-Ritz. Golub and Van Loan, Matrix Computations, chapters 7 and 8. Must not: run on pool workers
 * (OpenBLAS has threads of its own), or hold X in float64. */
#include <math.h>
#include <string.h>

#include "internal.h"

/* Rows of a block whose product with `width` x `width` numbers takes some ten milliseconds. */
static size_t block_rows(size_t n, size_t width, size_t other)
{
    double most = 4e9 / ((double)width * (double)other);
    size_t rows = most > 4096 ? 4096 : most < 512 ? 512 : (size_t)most;
    return rows < n ? rows : n;
}

static cepman_status after_block(const cep_pca_data *x, const char *stage, size_t done, size_t total)
{
    cep_progress(x->ctx, stage, done, total);
    return cep_poll(x->ctx);
}

/* Fresh memory may be slow: not at once. */
static cepman_status clear(const cep_pca_data *x, double *g, size_t side)
{
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && i < side; i++) {
        memset(g + i * side, 0, side * sizeof *g);
        if (i % 64 == 0) s = cep_poll(x->ctx);
    }
    return s;
}

cepman_status cep_pca_gram_f64(const cep_pca_data *x, double *g)
{
    size_t d = x->d, rows = block_rows(x->n, d, d);
    double *block = cep_alloc(x->mem, rows, d * sizeof *block);
    if (!block) return cep_fail_memory(x->ctx, "centred rows", rows, d * sizeof *block);
    cepman_status s = clear(x, g, d);
    for (size_t i = 0; !s && i < x->n; i += rows) {
        size_t m = x->n - i < rows ? x->n - i : rows;
        s = cep_pca_centred(x, i, m, 0, d, block);
        if (!s) s = cep_linalg_gram_f64(x->ctx, m, d, block, d, g);
        if (!s) s = after_block(x, "pca", i + m, x->n);
    }
    cep_free(x->mem, block);
    return s;
}

cepman_status cep_pca_gram_points(const cep_pca_data *x, double *g)
{
    size_t n = x->n, columns = block_rows(x->d, n, n);
    double *block = cep_alloc(x->mem, n, columns * sizeof *block);
    if (!block) return cep_fail_memory(x->ctx, "centred columns", n, columns * sizeof *block);
    cepman_status s = clear(x, g, n);
    for (size_t j = 0; !s && j < x->d; j += columns) {
        size_t m = x->d - j < columns ? x->d - j : columns;
        s = cep_pca_centred(x, 0, n, j, m, block);
        if (!s) s = cep_linalg_outer_f64(x->ctx, n, m, block, m, g);
        if (!s) s = after_block(x, "pca", j + m, x->d);
    }
    cep_free(x->mem, block);
    return s;
}

cepman_status cep_pca_multiply(const cep_pca_data *x, size_t k, const double *v, double *z, double *h)
{
    size_t d = x->d, rows = block_rows(x->n, d, 4 * k);
    double *block = cep_alloc(x->mem, rows, d * sizeof *block);
    double *scores = cep_alloc(x->mem, rows, k * sizeof *scores);
    cepman_status s = CEPMAN_OK;
    if (!block || !scores) {
        s = cep_fail_memory(x->ctx, "centred rows", rows, (d + k) * sizeof *block);
        goto end;
    }
    memset(z, 0, k * d * sizeof *z);
    if (h) memset(h, 0, k * k * sizeof *h);
    for (size_t i = 0; !s && i < x->n; i += rows) {
        size_t m = x->n - i < rows ? x->n - i : rows;
        s = cep_pca_centred(x, i, m, 0, d, block);
        if (!s) s = cep_linalg_gemm_f64(x->ctx, m, k, d, 1.0, block, d, v, d, true, 0.0, scores, k);
        if (!s) s = cep_linalg_gemm_tn_f64(x->ctx, k, d, m, scores, k, block, d, z, d);
        if (!s && h) s = cep_linalg_gram_f64(x->ctx, m, k, scores, k, h);
        if (!s) s = after_block(x, "pca refinement", i + m, x->n);
    }
end:
    cep_free(x->mem, block);
    cep_free(x->mem, scores);
    return s;
}

cepman_status cep_pca_ritz(const cep_pca_data *x, size_t k, double *v, double *z, double *values)
{
    size_t d = x->d;
    double *h = cep_alloc(x->mem, k, k * sizeof *h), *q = cep_alloc(x->mem, k, k * sizeof *q);
    double *turned = cep_alloc(x->mem, k, d * sizeof *turned);
    cepman_status s = CEPMAN_OK;
    if (!h || !q || !turned)
        s = cep_fail_memory(x->ctx, "Rayleigh-Ritz step", k, d * sizeof *turned);
    else
        s = cep_pca_multiply(x, k, v, z, h);
    if (!s) s = cep_linalg_eigen(x->ctx, k, h, 0, k - 1, values, q);
    if (!s) {
        for (size_t j = 0; j < k / 2; j++) {
            double t = values[j];
            values[j] = values[k - 1 - j];
            values[k - 1 - j] = t;
            for (size_t c = 0; c < k; c++) {
                t = q[j * k + c];
                q[j * k + c] = q[(k - 1 - j) * k + c];
                q[(k - 1 - j) * k + c] = t;
            }
        }
        s = cep_linalg_gemm_f64(x->ctx, k, d, k, 1.0, q, k, v, d, false, 0.0, turned, d);
        if (!s) memcpy(v, turned, k * d * sizeof *v);
        if (!s) s = cep_linalg_gemm_f64(x->ctx, k, d, k, 1.0, q, k, z, d, false, 0.0, turned, d);
        if (!s) memcpy(z, turned, k * d * sizeof *z);
    }
    cep_free(x->mem, h);
    cep_free(x->mem, q);
    cep_free(x->mem, turned);
    return s;
}

bool cep_pca_converged(const cep_pca_data *x, size_t wanted, const double *v, const double *z,
                       const double *values)
{
    /* A residual r bounds the error of an eigenvalue by r (by r^2 over the gap when it is apart) and turns
     * its vector by r / gap: 1e-4 keeps cosines above .9999 for gaps of one per cent. Below rounding nothing
     * counts. */
    const double tolerance = 1e-4, rounding = 1e-13 * x->squares;
    for (size_t j = 0; j < wanted; j++) {
        double sum = 0;
        for (size_t c = 0; c < x->d; c++) {
            double r = z[j * x->d + c] - values[j] * v[j * x->d + c];
            sum += r * r;
        }
        double limit = tolerance * values[j];
        if (!(sqrt(sum) <= (limit > rounding ? limit : rounding))) return false;
    }
    return true;
}
