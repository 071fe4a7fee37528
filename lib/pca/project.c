/* Scores of rows, and rows back from scores.
 * score = (row - mean) . component, over the component's standard deviation when whitened.
 * Must not: divide by a deviation that is only rounding; such whitened scores are 0. */
#include <math.h>

#include "exec.h"
#include "linalg.h"
#include "model.h"

enum { BLOCK = 512, PIECE = 32 };

/* A block of rows on its way through a product with the components. */
typedef struct passage {
    const cepman_pca *p;
    const cepman_matrix *matrix; /* or rows of the caller's */
    const float *rows;
    size_t stride;
    const char *what;
    bool back;              /* scores to rows */
    size_t in, out;         /* columns */
    size_t first, count;    /* of the block */
    float *taken;           /* BLOCK x in */
    double *before, *after; /* BLOCK x in, BLOCK x out */
    double *scale;          /* of each score: multiplied on the way out, divided by on the way back */
} passage;

static cepman_status take_piece(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    const passage *t = argument;
    const size_t d = t->in, i = index * PIECE, count = t->count - i < PIECE ? t->count - i : PIECE;
    const float *x;
    size_t stride;
    if (t->matrix) {
        cepman_status s = cep_matrix_fetch(t->matrix, fault, t->first + i, count, t->taken + i * d, d);
        if (s) return s;
        x = t->taken + i * d;
        stride = d;
    } else {
        x = t->rows + (t->first + i) * t->stride;
        stride = t->stride;
    }
    for (size_t r = 0; r < count; r++) {
        const float *row = x + r * stride;
        double *to = t->before + (i + r) * d;
        if (!cep_pca_row_finite(row, d))
            return cep_fault_set(fault, CEPMAN_ERR_DATA, "%s: row %zu has a value that is not finite",
                                 t->what, t->first + i + r);
        for (size_t j = 0; j < d; j++) {
            if (t->back)
                to[j] = t->scale[j] > 0 ? (double)row[j] / t->scale[j] : 0;
            else
                to[j] = (double)row[j] - t->p->mean[j];
        }
    }
    return CEPMAN_OK;
}

static void give(const passage *t, float *to, size_t stride)
{
    for (size_t r = 0; r < t->count; r++) {
        const double *row = t->after + r * t->out;
        for (size_t j = 0; j < t->out; j++)
            to[(t->first + r) * stride + j] =
                (float)(t->back ? row[j] + t->p->mean[j] : row[j] * t->scale[j]);
    }
}

/* All n rows, to `to`. */
static cepman_status pass(passage *t, cepman_context *ctx, size_t n, float *to, size_t stride)
{
    cep_memory *mem = cep_context_memory(ctx);
    const cepman_pca *p = t->p;
    const size_t d = p->features, k = p->count;
    t->in = t->back ? k : d;
    t->out = t->back ? d : k;
    if (t->matrix) t->taken = cep_alloc(mem, BLOCK, t->in * sizeof *t->taken);
    t->before = cep_alloc(mem, BLOCK, t->in * sizeof *t->before);
    t->after = cep_alloc(mem, BLOCK, t->out * sizeof *t->after);
    t->scale = cep_alloc(mem, k, sizeof *t->scale);
    cepman_status s = CEPMAN_OK;
    if ((t->matrix && !t->taken) || !t->before || !t->after || !t->scale)
        s = cep_fail_memory(ctx, t->what, BLOCK, (d + k) * sizeof *t->before);
    for (size_t j = 0; !s && j < k; j++)
        t->scale[j] = !p->whiten ? 1 : p->variance[j] > 1e-12 * p->total ? 1 / sqrt(p->variance[j]) : 0;
    for (t->first = 0; !s && t->first < n; t->first += BLOCK) {
        t->count = n - t->first < BLOCK ? n - t->first : BLOCK;
        s = cep_parallel(ctx, NULL, (t->count + PIECE - 1) / PIECE, take_piece, t);
        if (!s)
            s = cep_linalg_gemm_f64(ctx, t->count, t->out, t->in, 1.0, t->before, t->in, p->vectors, d,
                                    !t->back, 0.0, t->after, t->out);
        if (s) break;
        give(t, to, stride);
        if (t->matrix) cep_progress(ctx, t->back ? "pca rows" : "pca scores", t->first + t->count, n);
        s = cep_poll(ctx);
    }
    cep_free(mem, t->taken);
    cep_free(mem, t->before);
    cep_free(mem, t->after);
    cep_free(mem, t->scale);
    return s;
}

static cepman_status through(cepman_matrix **out, cepman_context *ctx, const cepman_pca *p,
                             const cepman_matrix *m, bool back, const char *what)
{
    CEP_REQUIRE(ctx, out && p && m, CEPMAN_ERR_ARGUMENT, "%s: an argument is NULL", what);
    const size_t expected = back ? p->count : p->features, columns = back ? p->features : p->count;
    CEP_REQUIRE(ctx, cepman_matrix_columns(m) == expected, CEPMAN_ERR_SHAPE,
                "%s: the matrix has %zu columns, the components were fitted to give or take %zu", what,
                cepman_matrix_columns(m), expected);
    passage t = {.p = p, .matrix = m, .what = what, .back = back};
    const size_t n = cepman_matrix_rows(m);
    float *to;
    size_t stride;
    cepman_matrix *made = NULL;
    cepman_status s = cep_matrix_create(&made, ctx, what, n, columns, &to, &stride);
    if (!s) s = pass(&t, ctx, n, to, stride);
    if (s)
        cepman_matrix_unref(made);
    else
        *out = made;
    return s;
}

cepman_status cepman_pca_apply(cepman_matrix **out, cepman_context *ctx, const cepman_pca *p,
                               const cepman_matrix *m)
{
    cepman_status s = cep_enter(ctx);
    return s ? s : through(out, ctx, p, m, false, "scores");
}

cepman_status cepman_pca_invert(cepman_matrix **out, cepman_context *ctx, const cepman_pca *p,
                                const cepman_matrix *m)
{
    cepman_status s = cep_enter(ctx);
    return s ? s : through(out, ctx, p, m, true, "rows from scores");
}

cepman_status cepman_pca_project(const cepman_pca *p, cepman_context *ctx, const float *rows, size_t count,
                                 size_t stride, float *scores, size_t scores_stride)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, p && ((rows && scores) || !count), CEPMAN_ERR_ARGUMENT, "scores: an argument is NULL");
    CEP_REQUIRE(ctx, stride >= p->features && scores_stride >= p->count, CEPMAN_ERR_RANGE,
                "scores: strides are %zu and %zu, must be at least the %zu features and %zu components",
                stride, scores_stride, p->features, p->count);
    passage t = {.p = p, .rows = rows, .stride = stride, .what = "scores"};
    return pass(&t, ctx, count, scores, scores_stride);
}
