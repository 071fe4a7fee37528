/* Principal axes from a Gram matrix: X'X in float32 blocks, whose residuals are tested in float64 and refined where that
 * is needed, X'X in float64, or X X' when points are fewer than features. linalg/ finds the wanted pairs.
 * Must not: keep an answer of the float32 path that fails its test. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "gather.h"
#include "internal.h"

#define ROWS 256 /* of a matrix, between two polls */

cepman_status cep_pca_axes_create(cep_pca_axes *axes, const cep_pca_data *x, size_t count)
{
    axes->count = count;
    axes->values = cep_alloc(x->mem, count, sizeof *axes->values);
    axes->vectors = cep_alloc(x->mem, count, x->d * sizeof *axes->vectors);
    if (axes->values && axes->vectors) return CEPMAN_OK;
    cep_pca_axes_free(axes, x);
    return cep_fail_memory(x->ctx, "principal axes", count, x->d * sizeof *axes->vectors);
}

void cep_pca_axes_free(cep_pca_axes *axes, const cep_pca_data *x)
{
    cep_free(x->mem, axes->values);
    cep_free(x->mem, axes->vectors);
    axes->values = axes->vectors = NULL;
    axes->count = 0;
}

/* Largest `count` pairs of the symmetric m x m matrix g (destroyed), descending. vectors: rows of m, or NULL.
 */
static cepman_status largest(const cep_pca_data *x, size_t m, double *g, size_t count, double *values,
                             double *vectors)
{
    cepman_status s = cep_linalg_eigen(x->ctx, m, g, m - count, m - 1, values, vectors);
    for (size_t j = 0; !s && j < count / 2; j++) {
        if (vectors && j % ROWS == 0 && (s = cep_poll(x->ctx))) break;
        double t = values[j];
        values[j] = values[count - 1 - j];
        values[count - 1 - j] = t;
        for (size_t c = 0; vectors && c < m; c++) {
            t = vectors[j * m + c];
            vectors[j * m + c] = vectors[(count - 1 - j) * m + c];
            vectors[(count - 1 - j) * m + c] = t;
        }
    }
    return s;
}

/* Axes of X from those of X X': v = X'u / sqrt(lambda). Directions without variance get any vectors that are
 * orthonormal to the others. */
static cepman_status from_points(cep_pca_axes *axes, const cep_pca_data *x, const double *u)
{
    size_t n = x->n, d = x->d, k = axes->count, columns = d < 1024 ? d : 1024;
    double *block = cep_alloc(x->mem, n, columns * sizeof *block);
    if (!block) return cep_fail_memory(x->ctx, "centred columns", n, columns * sizeof *block);
    cepman_status s = CEPMAN_OK;
    for (size_t j = 0; !s && j < d; j += columns) {
        size_t m = d - j < columns ? d - j : columns;
        s = cep_pca_centred(x, 0, n, j, m, block);
        if (!s)
            s = cep_linalg_gemm_f64(x->ctx, k, m, n, 1.0, u, n, block, m, false, 0.0, axes->vectors + j, d);
    }
    cep_free(x->mem, block);
    if (s) return s;
    for (size_t j = 0; j < k; j++) {
        double *v = axes->vectors + j * d;
        bool empty = !(axes->values[j] > 1e-14 * axes->values[0]);
        double scale = empty ? 0 : 1 / sqrt(axes->values[j]);
        for (size_t c = 0; c < d; c++)
            v[c] = empty ? cep_random_real(0, j, c) - 0.5 : v[c] * scale;
    }
    return cep_linalg_orthonormalise_rows(x->ctx, k, d, axes->vectors, d);
}

static cepman_status by_points(cep_pca_axes *axes, const cep_pca_data *x, size_t count)
{
    size_t n = x->n;
    double *g = cep_alloc(x->mem, n, n * sizeof *g), *u = NULL, *all = cep_alloc(x->mem, n, sizeof *all);
    cepman_status s =
        g && all ? CEPMAN_OK : cep_fail_memory(x->ctx, "Gram matrix of the points", n, n * sizeof *g);
    if (!s && count == 0) {
        s = cep_pca_gram_points(x, g);
        if (!s) s = largest(x, n, g, n, all, NULL);
        if (!s) count = cep_pca_count_dense(x, all, n - 1 < x->d ? n - 1 : x->d);
    }
    if (!s) s = cep_pca_axes_create(axes, x, count);
    if (!s) {
        u = cep_alloc(x->mem, count, n * sizeof *u);
        s = u ? cep_pca_gram_points(x, g) : cep_fail_memory(x->ctx, "eigenvectors", count, n * sizeof *u);
    }
    if (!s) s = largest(x, n, g, count, axes->values, u);
    if (!s) s = from_points(axes, x, u);
    if (s) cep_pca_axes_free(axes, x);
    cep_free(x->mem, g);
    cep_free(x->mem, u);
    cep_free(x->mem, all);
    return s;
}

/* An overflow in float32 is no fault of the data: float64 follows. */
bool cep_pca_usable(const double *g, size_t d)
{
    double odd = 0;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j <= i; j++)
            odd += g[i * d + j] - g[i * d + j];
    return !isnan(odd);
}

static cepman_status count_pairs(const cep_pca_data *x, const double *g, size_t *count, bool *noisy)
{
    const size_t d = x->d, n_values = x->n - 1 < d ? x->n - 1 : d;
    double *copy = cep_alloc(x->mem, d, d * sizeof *copy), *all = cep_alloc(x->mem, d, sizeof *all);
    cepman_status s =
        copy && all ? CEPMAN_OK : cep_fail_memory(x->ctx, "scatter matrix", d, d * sizeof *copy);
    if (!s) {
        for (size_t i = 0; !s && i < d; i++) { /* the lower triangle */
            memcpy(copy + i * d, g + i * d, (i + 1) * sizeof *copy);
            if (i % ROWS == 0) s = cep_poll(x->ctx);
        }
        if (!s) s = largest(x, d, copy, d, all, NULL);
    }
    if (!s) {
        *count = cep_pca_count_dense(x, all, n_values);
        if (noisy) *noisy = !(all[n_values / 2] > 3e-6 * all[0]);
    }
    cep_free(x->mem, copy);
    cep_free(x->mem, all);
    return s;
}

cepman_status cep_pca_pairs(cep_pca_axes *axes, const cep_pca_data *x, double *g, size_t *count, size_t extra,
                            bool *noisy)
{
    cepman_status s = CEPMAN_OK;
    if (noisy) *noisy = false;
    if (*count == 0) s = count_pairs(x, g, count, noisy);
    if (s || (noisy && *noisy)) return s;
    const size_t size = *count + extra < x->d ? *count + extra : x->d;
    s = cep_pca_axes_create(axes, x, size);
    if (!s) s = largest(x, x->d, g, size, axes->values, axes->vectors);
    if (s) cep_pca_axes_free(axes, x);
    return s;
}

static cepman_status by_features_f64(cep_pca_axes *axes, const cep_pca_data *x, size_t count)
{
    double *g = cep_alloc(x->mem, x->d, x->d * sizeof *g);
    cepman_status s =
        g ? cep_pca_gram_f64(x, g) : cep_fail_memory(x->ctx, "Gram matrix", x->d, x->d * sizeof *g);
    if (!s) s = cep_pca_pairs(axes, x, g, &count, 0, NULL);
    cep_free(x->mem, g);
    return s;
}

/* Pairs of float32 sums as they are, when a probe of their residuals finds them good, else after a Rayleigh-Ritz step
 * in float64 and the test of every one. */
static cepman_status refine(cep_pca_axes *axes, const cep_pca_data *x, size_t count, bool *good)
{
    cepman_status s = cep_pca_probe(x, count, axes->vectors, axes->values, good);
    if (s || *good) return s;
    double *z = cep_alloc(x->mem, axes->count, x->d * sizeof *z);
    s = z ? cep_pca_ritz(x, axes->count, axes->vectors, z, axes->values)
          : cep_fail_memory(x->ctx, "refinement", axes->count, x->d * sizeof *z);
    if (!s) *good = cep_pca_converged(x, count, axes->vectors, z, axes->values);
    cep_free(x->mem, z);
    return s;
}

static cepman_status by_features_f32(cep_pca_axes *axes, cep_pca_data *x, size_t count, bool *accurate)
{
    cep_gather *g = NULL;
    bool noisy = false;
    *accurate = false;
    cepman_status s = cep_gather_create(&g, x->ctx, x->d);
    if (!s) s = cep_gather_matrix(g, x->ctx, x->matrix);
    if (!s) s = cep_gather_flush(g, x->ctx);
    const bool usable = !s && cep_pca_usable(g->scatter, x->d);
    if (!s) s = cep_poll(x->ctx);
    if (!s && usable) {
        memcpy(x->mean, g->mean, x->d * sizeof *x->mean);
        x->squares = cep_gather_trace(g);
        /* Some more than wanted: what lies just outside bounds how well the last ones converge in the refinement. */
        s = cep_pca_pairs(axes, x, g->scatter, &count, 16 + count / 8, &noisy);
        if (!s && !noisy) s = refine(axes, x, count, accurate);
        axes->count = axes->values ? count : 0;
    }
    cep_gather_free(g);
    if (s || !*accurate) cep_pca_axes_free(axes, x);
    return s;
}

cepman_status cep_pca_dense(cep_pca_axes *axes, cep_pca_data *x, size_t count, cep_pca_method method,
                            bool *accurate)
{
    *accurate = true;
    if (method == CEP_PCA_FEATURES_F32) return by_features_f32(axes, x, count, accurate);
    if (method == CEP_PCA_FEATURES_F64) return by_features_f64(axes, x, count);
    return by_points(axes, x, count);
}
