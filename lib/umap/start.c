/* Where the layout starts: eigenvectors piece by piece, principal components, at random, or given.
 * McInnes, Healy, Melville 2018, algorithm 4. Pieces that no edge joins are laid out each in a box of its own around
 * a place: corners of the axes when they are few, else by the principal components of their means.
 * Must not: leave two dimensions or pieces to chance: equal inputs give equal starts. */
#include <math.h>

#include <cepman/pca.h>

#include "exec.h"
#include "matrix.h"
#include "umap.h"

#define MEANS_MOST 4096 /* pieces up to which means are formed; above, their first points stand for them */

static double uniform(uint64_t seed, uint64_t item)
{
    return 2 * cep_random_real(seed, CEP_UMAP_STREAM_START, item) - 1;
}

/* Leading principal scores of the rows, n rows of dims, the largest magnitude 1; missing dimensions are 0. */
static cepman_status scores(cepman_context *ctx, const cepman_matrix *matrix, size_t dims, float *rows)
{
    const size_t n = cepman_matrix_rows(matrix), d = cepman_matrix_columns(matrix);
    const size_t most = dims < d ? dims : d, components = most < n ? most : n;
    cepman_options *options = NULL;
    cepman_pca *pca = NULL;
    cepman_matrix *made = NULL;
    cepman_status s = cepman_pca_options_create(&options, ctx);
    if (!s) s = cepman_options_set_integer(options, ctx, "components", (int64_t)components);
    if (!s) s = cepman_pca_fit(&pca, ctx, matrix, options);
    if (!s) s = cepman_pca_apply(&made, ctx, pca, matrix);
    float largest = 0;
    for (size_t i = 0; !s && i < n; i++) {
        const float *row = cepman_matrix_row(made, i);
        for (size_t j = 0; j < dims; j++) {
            rows[i * dims + j] = j < cepman_matrix_columns(made) ? row[j] : 0;
            largest = fabsf(rows[i * dims + j]) > largest ? fabsf(rows[i * dims + j]) : largest;
        }
    }
    for (size_t i = 0; !s && largest > 0 && i < n * dims; i++)
        rows[i] /= largest;
    cepman_matrix_unref(made);
    cepman_pca_unref(pca);
    cepman_options_unref(options);
    return s;
}

/* ---- pieces -------------------------------------------------------------------------------------------------- */

/* The points by piece: piece c has members[starts[c]] .. members[starts[c + 1] - 1], ascending. */
typedef struct pieces {
    size_t count;
    size_t *starts;
    int32_t *members;
} pieces;

static cepman_status group(cepman_context *ctx, const int32_t *labels, size_t n, pieces *p)
{
    cep_memory *mem = cep_context_memory(ctx);
    p->starts = cep_alloc_zero(mem, p->count + 2, sizeof *p->starts);
    p->members = cep_alloc(mem, n, sizeof *p->members);
    if (!p->starts || !p->members) return cep_fail_memory(ctx, "connected pieces", n, sizeof *p->members);
    for (size_t i = 0; i < n; i++)
        p->starts[labels[i] + 2]++;
    for (size_t c = 0; c < p->count; c++)
        p->starts[c + 2] += p->starts[c + 1];
    for (size_t i = 0; i < n; i++)
        p->members[p->starts[labels[i] + 1]++] = (int32_t)i;
    return CEPMAN_OK;
}

/* A row for each piece: the mean of its points, or its first point when pieces are many. */
static cepman_status representatives(cepman_matrix **out, cepman_context *ctx, cepman_matrix *matrix,
                                     const pieces *p)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t d = cepman_matrix_columns(matrix);
    if (p->count > MEANS_MOST) {
        size_t *first = cep_alloc(mem, p->count, sizeof *first);
        if (!first) return cep_fail_memory(ctx, "connected pieces", p->count, sizeof *first);
        for (size_t c = 0; c < p->count; c++)
            first[c] = (size_t)p->members[p->starts[c]];
        cepman_status s = cepman_matrix_select(out, ctx, matrix, first, p->count);
        cep_free(mem, first);
        return s;
    }
    float *data;
    size_t stride;
    cepman_matrix *means = NULL;
    double *sum = cep_alloc(mem, d, sizeof *sum);
    cepman_status s = sum ? cep_matrix_create(&means, ctx, "means of pieces", p->count, d, &data, &stride)
                          : cep_fail_memory(ctx, "means of pieces", d, sizeof *sum);
    for (size_t c = 0; !s && c < p->count; c++) {
        for (size_t j = 0; j < d; j++)
            sum[j] = 0;
        for (size_t i = p->starts[c]; i < p->starts[c + 1]; i++) {
            const float *row = cepman_matrix_row(matrix, (size_t)p->members[i]);
            for (size_t j = 0; j < d; j++)
                sum[j] += (double)row[j];
        }
        for (size_t j = 0; j < d; j++)
            data[c * stride + j] = (float)(sum[j] / (double)(p->starts[c + 1] - p->starts[c]));
        s = cep_poll(ctx);
    }
    cep_free(mem, sum);
    if (s)
        cepman_matrix_unref(means);
    else
        *out = means;
    return s;
}

/* Places of the pieces, count rows of dims, all different, of magnitude about 1. */
static cepman_status place_pieces(cepman_context *ctx, cepman_matrix *matrix, const pieces *p, size_t dims,
                                  float *places)
{
    const size_t count = p->count;
    if (count <= 2 * dims) { /* the corners +e1, +e2, .., -e1, -e2, .. */
        const size_t half = (count + 1) / 2;
        for (size_t c = 0; c < count; c++)
            for (size_t j = 0; j < dims; j++)
                places[c * dims + j] = j == c % half ? (c < half ? 1.0f : -1.0f) : 0.0f;
        return CEPMAN_OK;
    }
    for (size_t i = 0; i < count * dims; i++)
        places[i] = 0;
    if (matrix) {
        cepman_matrix *rows = NULL;
        cepman_status s = representatives(&rows, ctx, matrix, p);
        if (!s) s = scores(ctx, rows, dims, places);
        cepman_matrix_unref(rows);
        if (s) return s;
    }
    /* Evenly spread points (the additive recurrence of the root of x^(dims+1) = x + 1) set apart what coincides. */
    double root = 1.5;
    for (int i = 0; i < 64; i++)
        root = pow(1 + root, 1.0 / (double)(dims + 1));
    const double share = matrix ? 0.01 : 1;
    for (size_t j = 0; j < dims; j++) {
        double step = pow(root, -(double)(j + 1));
        for (size_t c = 0; c < count; c++)
            places[c * dims + j] += (float)(share * (2 * fmod(0.5 + (double)(c + 1) * step, 1.0) - 1));
    }
    return CEPMAN_OK;
}

/* Half the distance from each place to the nearest other. */
static cepman_status radii(cepman_context *ctx, const float *places, size_t count, size_t dims, float *radius)
{
    cepman_matrix *matrix = NULL;
    cepman_options *options = NULL;
    cepman_neighbors *nearest = NULL;
    cepman_status s = cepman_matrix_wrap(&matrix, ctx, places, count, dims, dims, NULL, NULL);
    if (!s) s = cepman_neighbors_options_create(&options, ctx);
    if (!s) s = cepman_options_set_integer(options, ctx, "k", 1);
    if (!s) s = cepman_neighbors_build(&nearest, ctx, matrix, options);
    for (size_t c = 0; !s && c < count; c++) {
        float half = cepman_neighbors_distances(nearest)[c] / 2;
        radius[c] = half > 1e-6f ? half : 1e-6f;
    }
    cepman_neighbors_unref(nearest);
    cepman_options_unref(options);
    cepman_matrix_unref(matrix);
    return s;
}

/* One piece into its own rows (count rows of dims, largest magnitude 1). */
static cepman_status lay_piece(cepman_context *ctx, const cep_umap_graph *graph, size_t dims, uint64_t seed,
                               uint64_t first, float *rows)
{
    const size_t n = graph->n;
    cepman_status s = CEPMAN_ERR_NUMERIC;
    if (n > dims + 1 && n >= 2 * dims) {
        s = cep_umap_spectral(ctx, graph, dims, seed, rows);
        if (s && s != CEPMAN_ERR_NUMERIC) return s;
        if (s)
            cep_log(ctx, CEPMAN_LOG_WARNING, "spectral start failed (%s): starting at random",
                    cepman_context_error(ctx));
    }
    float largest = 0;
    for (size_t i = 0; !s && i < n * dims; i++)
        largest = fabsf(rows[i]) > largest ? fabsf(rows[i]) : largest;
    for (size_t i = 0; i < n * dims; i++)
        rows[i] = largest > 0 ? rows[i] / largest : (float)uniform(seed, first * dims + i);
    return CEPMAN_OK;
}

static cepman_status lay_pieces(cepman_context *ctx, const cep_umap_graph *graph, cepman_matrix *matrix,
                                const int32_t *labels, pieces *p, size_t dims, uint64_t seed, float *rows)
{
    cep_memory *mem = cep_context_memory(ctx);
    float *places = cep_alloc(mem, p->count, dims * sizeof *places),
          *radius = cep_alloc(mem, p->count, sizeof *radius);
    float *own = cep_alloc(mem, graph->n, dims * sizeof *own);
    int32_t *place = cep_alloc(mem, graph->n, sizeof *place);
    cepman_status s = group(ctx, labels, graph->n, p);
    if (!s && (!places || !radius || !own || !place))
        s = cep_fail_memory(ctx, "spectral start", graph->n, dims * sizeof *own);
    if (!s) s = place_pieces(ctx, matrix, p, dims, places);
    if (!s) s = radii(ctx, places, p->count, dims, radius);
    for (size_t c = 0; !s && c < p->count; c++) {
        const int32_t *members = p->members + p->starts[c];
        const size_t count = p->starts[c + 1] - p->starts[c];
        cep_umap_graph piece = {0};
        s = cep_umap_piece(&piece, ctx, graph, members, count, place);
        if (!s) s = lay_piece(ctx, &piece, dims, seed, p->starts[c], own);
        cep_umap_graph_free(mem, &piece);
        for (size_t i = 0; !s && i < count; i++)
            for (size_t j = 0; j < dims; j++)
                rows[(size_t)members[i] * dims + j] = places[c * dims + j] + radius[c] * own[i * dims + j];
        if (!s) s = cep_poll(ctx);
    }
    cep_free(mem, place);
    cep_free(mem, own);
    cep_free(mem, radius);
    cep_free(mem, places);
    return s;
}

static cepman_status spectral_start(cepman_context *ctx, const cep_umap_graph *graph, cepman_matrix *matrix,
                                    size_t dims, uint64_t seed, float *rows)
{
    cep_memory *mem = cep_context_memory(ctx);
    int32_t *labels = cep_alloc(mem, graph->n, sizeof *labels);
    if (!labels) return cep_fail_memory(ctx, "connected pieces", graph->n, sizeof *labels);
    pieces p = {0};
    cepman_status s = cep_umap_components(ctx, graph, labels, &p.count);
    if (!s && p.count == 1)
        s = lay_piece(ctx, graph, dims, seed, 0, rows);
    else if (!s)
        s = lay_pieces(ctx, graph, matrix, labels, &p, dims, seed, rows);
    cep_free(mem, p.starts);
    cep_free(mem, p.members);
    cep_free(mem, labels);
    return s;
}

cepman_status cep_umap_start(cepman_context *ctx, const cep_umap_graph *graph, cepman_matrix *matrix,
                             const cepman_matrix *given, cep_umap_init init, size_t dims, uint64_t seed,
                             float *rows)
{
    const size_t n = graph->n;
    cepman_status s = CEPMAN_OK;
    if (n < 2) { /* a point alone is at the origin */
        for (size_t j = 0; j < n * dims; j++)
            rows[j] = 0;
        return CEPMAN_OK;
    }
    if (given) {
        float largest = 0;
        cep_matrix_read(given, 0, n, rows, dims);
        for (size_t i = 0; i < n * dims; i++)
            largest = fmaxf(largest, fabsf(rows[i]));
        for (size_t i = 0; largest > 0 && i < n * dims; i++)
            rows[i] /= largest;
    } else if (init == CEP_UMAP_SPECTRAL)
        s = spectral_start(ctx, graph, matrix, dims, seed, rows);
    else if (init == CEP_UMAP_PCA)
        s = scores(ctx, matrix, dims, rows);
    if (s) return s;
    if (!given && init == CEP_UMAP_RANDOM) {
        for (size_t i = 0; i < n * dims; i++)
            rows[i] = (float)(10 * uniform(seed, i));
    } else { /* a little noise sets points apart that coincide */
        float largest = 0;
        for (size_t i = 0; i < n * dims; i++)
            largest = fabsf(rows[i]) > largest ? fabsf(rows[i]) : largest;
        for (size_t i = 0; i < n * dims; i++)
            rows[i] = (largest > 0 ? 10 * rows[i] / largest : 0) +
                      (float)(1e-4 * cep_random_normal(seed, CEP_UMAP_STREAM_NOISE, i));
    }
    for (size_t j = 0; j < dims; j++) {
        float low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            low = fminf(low, rows[i * dims + j]);
            high = fmaxf(high, rows[i * dims + j]);
        }
        for (size_t i = 0; i < n; i++)
            rows[i * dims + j] = high > low ? 10 * ((rows[i * dims + j] - low) / (high - low)) : 0;
    }
    return CEPMAN_OK;
}
