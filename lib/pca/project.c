/* Scores of rows, and rows back from scores.
 * score = (row - mean) . component, over the component's standard deviation when whitened.
 * Must not: divide by a deviation that is only rounding; such whitened scores are 0. */
#include <math.h>

#include "linalg.h"
#include "model.h"

enum { block = 512 };

static cepman_status check(cepman_context *ctx, const void *out, const cepman_pca *p, const cepman_matrix *m,
                           size_t columns, const char *what)
{
    CEP_REQUIRE(ctx, out && p && m, CEPMAN_ERR_ARGUMENT, "%s: an argument is NULL", what);
    CEP_REQUIRE(ctx, cepman_matrix_columns(m) == columns, CEPMAN_ERR_SHAPE,
                "%s: the matrix has %zu columns, the components were fitted to give or take %zu", what,
                cepman_matrix_columns(m), columns);
    size_t bad = cep_matrix_first_nonfinite(m);
    CEP_REQUIRE(ctx, bad == cepman_matrix_rows(m), CEPMAN_ERR_DATA,
                "%s: row %zu has a value that is not finite", what, bad);
    return CEPMAN_OK;
}

/* What a score is multiplied with on the way out, and divided by on the way back. */
static double scale_of(const cepman_pca *p, size_t j)
{
    if (!p->whiten) return 1;
    return p->variance[j] > 1e-12 * p->total ? 1 / sqrt(p->variance[j]) : 0;
}

cepman_status cepman_pca_apply(cepman_matrix **out, cepman_context *ctx, const cepman_pca *p,
                               const cepman_matrix *m)
{
    cepman_status s = cep_enter(ctx);
    if (s || (s = check(ctx, out, p, m, cepman_pca_features(p), "scores"))) return s;
    cep_memory *mem = cep_context_memory(ctx);
    size_t n = cepman_matrix_rows(m), d = p->features, k = p->count, stride;
    float *to;
    cepman_matrix *scores = NULL;
    s = cep_matrix_create(&scores, ctx, "scores", n, k, &to, &stride);
    if (s) return s;
    double *rows = cep_alloc(mem, block, d * sizeof *rows), *part = cep_alloc(mem, block, k * sizeof *part);
    if (!rows || !part) s = cep_fail_memory(ctx, "scores", block, (d + k) * sizeof *rows);
    for (size_t i = 0; !s && i < n; i += block) {
        size_t count = n - i < block ? n - i : block;
        for (size_t r = 0; r < count; r++) {
            const float *row = cepman_matrix_row(m, i + r);
            for (size_t j = 0; j < d; j++)
                rows[r * d + j] = (double)row[j] - p->mean[j];
        }
        cep_linalg_gemm_f64(count, k, d, 1.0, rows, d, p->vectors, d, true, 0.0, part, k);
        for (size_t j = 0; j < k; j++) {
            double scale = scale_of(p, j);
            for (size_t r = 0; r < count; r++)
                to[(i + r) * stride + j] = (float)(part[r * k + j] * scale);
        }
        cep_progress(ctx, "pca scores", i + count, n);
        s = cep_poll(ctx);
    }
    cep_free(mem, rows);
    cep_free(mem, part);
    if (s)
        cepman_matrix_unref(scores);
    else
        *out = scores;
    return s;
}

cepman_status cepman_pca_invert(cepman_matrix **out, cepman_context *ctx, const cepman_pca *p,
                                const cepman_matrix *m)
{
    cepman_status s = cep_enter(ctx);
    if (s || (s = check(ctx, out, p, m, cepman_pca_components_count(p), "rows from scores"))) return s;
    cep_memory *mem = cep_context_memory(ctx);
    size_t n = cepman_matrix_rows(m), d = p->features, k = p->count, stride;
    float *to;
    cepman_matrix *back = NULL;
    s = cep_matrix_create(&back, ctx, "rows from scores", n, d, &to, &stride);
    if (s) return s;
    double *rows = cep_alloc(mem, block, d * sizeof *rows), *part = cep_alloc(mem, block, k * sizeof *part);
    if (!rows || !part) s = cep_fail_memory(ctx, "rows from scores", block, (d + k) * sizeof *rows);
    for (size_t i = 0; !s && i < n; i += block) {
        size_t count = n - i < block ? n - i : block;
        for (size_t j = 0; j < k; j++) {
            double scale = scale_of(p, j);
            for (size_t r = 0; r < count; r++)
                part[r * k + j] = scale > 0 ? (double)cepman_matrix_row(m, i + r)[j] / scale : 0;
        }
        cep_linalg_gemm_f64(count, d, k, 1.0, part, k, p->vectors, d, false, 0.0, rows, d);
        for (size_t r = 0; r < count; r++)
            for (size_t j = 0; j < d; j++)
                to[(i + r) * stride + j] = (float)(rows[r * d + j] + p->mean[j]);
        cep_progress(ctx, "pca rows", i + count, n);
        s = cep_poll(ctx);
    }
    cep_free(mem, rows);
    cep_free(mem, part);
    if (s)
        cepman_matrix_unref(back);
    else
        *out = back;
    return s;
}
