/* The points of a fit, made ready once for all the batches of new rows that come to a clustering: the k-d tree of 65,536
 * points takes as long to build as 10,000 rows take to ask it (nearest.c).
 * The way of umap/'s index of the features (place.c): the first that is made stays.
 * Must not: hold the caller's matrix, or trust that it is the one of the last call: its numbers are compared. */
#include <string.h>

#include "fitted.h"
#include "matrix.h"

void cep_fitted_free(cep_fitted *f)
{
    if (!f) return;
    cep_memory *mem = f->mem;
    cep_nearest_close(&f->nearest);
    cep_points_clear(&f->points);
    cep_free(mem, f->rows);
    cep_free(mem, f);
    cep_memory_unref(mem);
}

static bool same_numbers(const cep_fitted *f, const cepman_matrix *m)
{
    const size_t n = cepman_matrix_rows(m), d = cepman_matrix_columns(m);
    size_t stride = 0;
    const float *data = cepman_matrix_data(m, &stride);
    if (data && stride == d) return memcmp(data, f->rows, n * d * sizeof *data) == 0;
    for (size_t i = 0; i < n; i++)
        if (memcmp(cepman_matrix_row(m, i), f->rows + i * d, d * sizeof *data) != 0) return false;
    return true;
}

cepman_status cep_fitted_points(cep_points *points, cepman_context *ctx, const cepman_hdbscan *h,
                                const cepman_matrix *fitted, const char *what)
{
    cepman_status s = cep_points_finite(points, ctx, fitted, what);
    if (s) return s;
    if (points->n == h->tree->n) return CEPMAN_OK;
    const size_t n = points->n;
    cep_points_clear(points);
    return cep_fail(ctx, CEPMAN_ERR_DATA, "%s: %zu rows of the fitted matrix are finite, %zu were in the fit",
                    what, n, h->tree->n);
}

static cepman_status make(cep_fitted **out, cepman_context *ctx, const cepman_hdbscan *h,
                          const cepman_matrix *fitted, const char *what)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = cepman_matrix_rows(fitted), d = cepman_matrix_columns(fitted);
    cep_fitted *f = cep_alloc_zero(mem, 1, sizeof *f);
    if (!f) return cep_fail_memory(ctx, what, 1, sizeof *f);
    f->mem = cep_memory_ref(mem);
    cepman_status s = cep_fitted_points(&f->points, ctx, h, fitted, what);
    if (!s) s = cep_nearest_open(&f->nearest, ctx, &f->points);
    if (!s &&
        f->nearest.few) { /* the tree has the points' numbers, nothing points into the matrix any more */
        f->rows = cep_alloc(mem, n, d * sizeof *f->rows);
        if (f->rows)
            cep_matrix_read(fitted, 0, n, f->rows, d);
        else
            s = cep_fail_memory(ctx, what, n, d * sizeof *f->rows);
        cep_free(mem, f->points.row);
        f->points.row = NULL;
    }
    if (s)
        cep_fitted_free(f);
    else
        *out = f;
    return s;
}

cepman_status cep_fitted_get(cep_fitted **out, cepman_context *ctx, const cepman_hdbscan *h,
                             const cepman_matrix *fitted, const char *what)
{
    cepman_hdbscan *owner = (cepman_hdbscan *)h; /* what is kept is no part of what it says */
    cep_fitted *kept = atomic_load_explicit(&owner->fitted, memory_order_acquire), *none = NULL;
    if (kept && same_numbers(kept, fitted)) {
        *out = kept;
        return CEPMAN_OK;
    }
    cepman_status s = make(out, ctx, h, fitted, what);
    if (!s && !kept && (*out)->rows)
        atomic_compare_exchange_strong_explicit(&owner->fitted, &none, *out, memory_order_acq_rel,
                                                memory_order_relaxed);
    return s;
}

void cep_fitted_put(const cepman_hdbscan *h, cep_fitted *f)
{
    if (f != atomic_load_explicit(&((cepman_hdbscan *)h)->fitted, memory_order_relaxed)) cep_fitted_free(f);
}
