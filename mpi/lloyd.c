/* K-means of the rows of all ranks: Lloyd's steps (1982) from the centres of the landmarks, each rank with its own rows.
 * Sums over the ranks are of whole numbers, the coordinates in a fixed point that is as fine as 62 bits allow, so that no
 * order of adding gives other bits and rows may lie on any rank. At 10^8 rows that is 2^-35 of the largest coordinate.
 * Must not: leave an agreement out on a rank without rows. */
#include <math.h>
#include <string.h>

#include "internal.h"

typedef struct lloyd {
    cepman_mpi *g;
    const cepman_mpi_manifold *m;
    size_t k, dims;
    cepman_labels *labels; /* of the rank's rows, about the centres */
    float *centres;        /* k x dims */
    /* k x (dims and the members), then the labels that changed: 2^24 clusters of 64 dims are fewer than an int counts. */
    int64_t *sums;
    double scale; /* 1 in the fixed point */
} lloyd;

/* What the coordinates of all ranks need: the largest one, at most 2^e, and the rows, whose sum must fit. */
static cepman_status settle_scale(lloyd *l)
{
    const cepman_matrix *x = l->m->embedding;
    double largest = 0;
    int64_t rows = (int64_t)cepman_matrix_rows(x);
    for (size_t i = 0; i < cepman_matrix_rows(x); i++)
        for (size_t j = 0; j < l->dims; j++)
            largest = fmax(largest, fabs((double)cepman_matrix_row(x, i)[j]));
    cepman_status s =
        cep_mpi_check(l->g, MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, l->g->comm),
                      "largest coordinate");
    if (!s)
        s = cep_mpi_check(l->g, MPI_Allreduce(MPI_IN_PLACE, &rows, 1, MPI_INT64_T, MPI_SUM, l->g->comm),
                          "counting rows");
    int e = 0, bits = 62;
    frexp(largest, &e);
    for (; rows; rows >>= 1)
        bits--;
    l->scale = isfinite(largest) ? ldexp(1, bits - e) : 0; /* assign() tells which row is not */
    return s;
}

/* The features' mean variance over the landmarks, which K-means' tolerance is in units of. */
static double variance_of(const cepman_matrix *x)
{
    const size_t n = cepman_matrix_rows(x), d = cepman_matrix_columns(x);
    double all = 0;
    for (size_t j = 0; j < d; j++) {
        double mean = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            mean += (double)cepman_matrix_row(x, i)[j] / (double)n;
        for (size_t i = 0; i < n; i++) {
            const double apart = (double)cepman_matrix_row(x, i)[j] - mean;
            squares += apart * apart;
        }
        all += squares / (double)n;
    }
    return all / (double)d;
}

/* Labels of the rank's rows about the centres; and the sums of their clusters. */
static cepman_status assign(lloyd *l)
{
    cepman_context *ctx = l->g->ctx;
    const cepman_matrix *x = l->m->embedding;
    cepman_matrix *centres = NULL;
    cepman_kmeans *model = NULL;
    cepman_labels *labels = NULL;
    cepman_status s = cepman_matrix_wrap(&centres, ctx, l->centres, l->k, l->dims, l->dims, NULL, NULL);
    /* A model of these centres: fitted to themselves they do not move. */
    if (!s) s = cepman_kmeans_fit(&model, ctx, centres, centres, NULL, NULL);
    if (!s) s = cepman_kmeans_apply(&labels, ctx, model, x);
    cepman_kmeans_unref(model);
    cepman_matrix_unref(centres);
    if (s) return s;
    const size_t stride = l->dims + 1;
    const int32_t *now = cepman_labels_data(labels),
                  *before = l->labels ? cepman_labels_data(l->labels) : NULL;
    memset(l->sums, 0, (l->k * stride + 1) * sizeof *l->sums);
    for (size_t i = 0; i < cepman_matrix_rows(x); i++) {
        int64_t *to = l->sums + (size_t)now[i] * stride;
        for (size_t j = 0; j < l->dims; j++)
            to[j] += (int64_t)floor((double)cepman_matrix_row(x, i)[j] * l->scale + 0.5);
        to[l->dims]++;
        l->sums[l->k * stride] += !before || before[i] != now[i];
    }
    cepman_labels_unref(l->labels);
    l->labels = labels;
    return CEPMAN_OK;
}

/* Centres of the clusters of all ranks; returns the sum of the squares of their ways. An empty cluster's stays. */
static double move(lloyd *l)
{
    double total = 0;
    for (size_t c = 0; c < l->k; c++) {
        const int64_t *sums = l->sums + c * (l->dims + 1), members = sums[l->dims];
        for (size_t j = 0; members && j < l->dims; j++) {
            const float to = (float)((double)sums[j] / l->scale / (double)members);
            const double way = (double)to - (double)l->centres[c * l->dims + j];
            l->centres[c * l->dims + j] = to;
            total += way * way;
        }
    }
    return total;
}

static cepman_status iterate(lloyd *l, int64_t most, double tolerance)
{
    const size_t numbers = l->k * (l->dims + 1) + 1;
    bool done = false;
    for (int64_t it = 0;; it++) {
        cepman_status s = cepman_mpi_agree(l->g, assign(l));
        if (s || done || it == most) return s;
        s = cep_mpi_check(
            l->g, MPI_Allreduce(MPI_IN_PLACE, l->sums, (int)numbers, MPI_INT64_T, MPI_SUM, l->g->comm),
            "sums of clusters");
        if (s || l->sums[numbers - 1] == 0) return s;
        done = move(l) <= tolerance;
        cepman_context_report(l->g->ctx, "kmeans of all rows", (uint64_t)it + 1, (uint64_t)most);
    }
}

static cepman_status prepare(lloyd *l, const cepman_matrix *centres, const cepman_options *options,
                             int64_t *most, double *tolerance)
{
    cepman_context *ctx = l->g->ctx;
    cepman_options *o = NULL;
    cepman_status s = options ? cepman_options_copy(&o, ctx, options) : cepman_kmeans_options_create(&o, ctx);
    if (!s) s = cepman_options_get_integer(o, ctx, "max-iterations", most);
    if (!s) s = cepman_options_get_real(o, ctx, "tol", tolerance);
    cepman_options_unref(o);
    if (!s) s = cep_mpi_alloc(l->g, &l->centres, l->k, l->dims * sizeof *l->centres, "centres");
    if (!s) s = cep_mpi_alloc(l->g, &l->sums, l->k * (l->dims + 1) + 1, sizeof *l->sums, "sums of clusters");
    if (!s) s = cepman_matrix_read(centres, ctx, 0, l->k, l->centres, l->dims);
    *tolerance *= variance_of(l->m->fitted);
    return s;
}

cepman_status cep_mpi_lloyd(cepman_labels **out, cepman_mpi *g, const cepman_mpi_manifold *m,
                            const cepman_matrix *centres, const cepman_options *options)
{
    lloyd l = {g, m, cepman_matrix_rows(centres), cepman_matrix_columns(centres), NULL, NULL, NULL, 1};
    int64_t most = 0;
    double tolerance = 0;
    cepman_status s = cepman_mpi_agree(g, prepare(&l, centres, options, &most, &tolerance));
    if (!s) s = settle_scale(&l);
    if (!s) s = iterate(&l, most, tolerance);
    cepman_context_release(l.sums);
    cepman_context_release(l.centres);
    if (s)
        cepman_labels_unref(l.labels);
    else
        *out = l.labels;
    return s;
}
