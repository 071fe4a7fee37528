/* Mean frame of each cluster, in one pass over the scan, and differences of means.
 * One float64 sum per cluster and pixel; frames are added in their order, whatever the threads.
 * Must not: read a frame twice, or count masked or non-finite pixels. */
#include <string.h>

#include "frames.h"

typedef struct totals {
    const cep_frames *f;
    const int32_t *labels;
    size_t clusters;
    double *sum;    /* clusters + 1 rows of pixels; the last row is the noise */
    uint32_t *odd;  /* the same shape: values left out; NULL when the type has none */
    size_t *frames; /* clusters + 1 */
} totals;

static size_t row_of(const totals *t, size_t frame)
{
    return t->labels[frame] < 0 ? t->clusters : (size_t)t->labels[frame];
}

static void visit_totals(void *argument, size_t first, size_t count, const float *values, size_t from,
                         size_t to)
{
    totals *t = argument;
    for (size_t i = 0; i < count; i++) {
        const float *frame = values + i * t->f->pixels;
        size_t row = row_of(t, first + i) * t->f->pixels;
        double *sum = t->sum + row;
        if (!t->odd) {
            for (size_t p = from; p < to; p++)
                sum[p] += (double)frame[p];
            continue;
        }
        for (size_t p = from; p < to; p++) {
            if (cep_is_finite(frame[p]))
                sum[p] += (double)frame[p];
            else
                t->odd[row + p]++;
        }
    }
}

static cepman_status means(cepman_matrix **out, totals *t)
{
    const cep_frames *f = t->f;
    size_t rows = t->clusters + 1, stride;
    float *to;
    cepman_matrix *m = NULL;
    cepman_status s = cep_matrix_create(&m, f->ctx, "mean frames", rows, f->pixels, &to, &stride);
    if (s) return s;
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < f->pixels; p++) {
            size_t at = r * f->pixels + p, n = t->frames[r] - (t->odd ? t->odd[at] : 0);
            bool valid = n > 0 && !(f->mask && f->mask[p]);
            to[r * stride + p] = valid ? (float)(t->sum[at] / (double)n) : 0;
        }
    *out = m;
    return CEPMAN_OK;
}

cepman_status cepman_maps_cluster_means(cepman_matrix **out, cepman_context *ctx, cepman_dataset *dataset,
                                        const cepman_labels *labels)
{
    cep_frames f;
    cepman_status s = cep_enter(ctx);
    if (s || (s = cep_frames_open(&f, ctx, dataset, "mean frames"))) return s;
    CEP_REQUIRE(ctx, out && labels, CEPMAN_ERR_ARGUMENT, "mean frames: out or labels is NULL");
    CEP_REQUIRE(ctx, cepman_labels_count(labels) == f.total, CEPMAN_ERR_SHAPE,
                "mean frames: %zu labels for a scan of %zu frames", cepman_labels_count(labels), f.total);
    totals t = {.f = &f, .labels = cepman_labels_data(labels), .clusters = cepman_labels_clusters(labels)};
    size_t rows = t.clusters + 1, row_bytes = SIZE_MAX;
    if (cep_mul(f.pixels, sizeof *t.sum, &row_bytes)) t.sum = cep_alloc_zero(f.mem, rows, row_bytes);
    t.frames = cep_alloc_zero(f.mem, rows, sizeof *t.frames);
    if (f.may_be_odd) t.odd = cep_alloc_zero(f.mem, rows, f.pixels * sizeof *t.odd);
    if (!t.sum || !t.frames || (f.may_be_odd && !t.odd)) {
        s = cep_fail_memory(ctx, "mean frames", rows, row_bytes);
    } else {
        for (size_t i = 0; i < f.count; i++)
            t.frames[row_of(&t, i)]++;
        s = cep_frames_batches(&f, "mean frames", visit_totals, &t);
    }
    if (!s) s = means(out, &t);
    cep_free(f.mem, t.sum);
    cep_free(f.mem, t.frames);
    cep_free(f.mem, t.odd);
    return s;
}

cepman_status cepman_maps_differences(cepman_matrix **out, cepman_context *ctx, const cepman_matrix *rows,
                                      size_t clusters)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && rows, CEPMAN_ERR_ARGUMENT, "differences: out or means is NULL");
    CEP_REQUIRE_F32(ctx, rows, "differences");
    CEP_REQUIRE(ctx, clusters <= cepman_matrix_rows(rows), CEPMAN_ERR_RANGE,
                "differences of %zu clusters: there are %zu means", clusters, cepman_matrix_rows(rows));
    size_t columns = cepman_matrix_columns(rows), pairs, stride, row = 0;
    CEP_REQUIRE(ctx, cep_mul(clusters, clusters ? clusters - 1 : 0, &pairs), CEPMAN_ERR_RANGE,
                "differences of %zu clusters: too many pairs", clusters);
    float *to;
    cepman_matrix *m = NULL;
    s = cep_matrix_create(&m, ctx, "differences", pairs / 2, columns, &to, &stride);
    if (s) return s;
    for (size_t i = 0; !s && i < clusters; i++) {
        const float *a = cepman_matrix_row(rows, i);
        for (size_t j = i + 1; j < clusters; j++, row++) {
            const float *b = cepman_matrix_row(rows, j);
            for (size_t p = 0; p < columns; p++)
                to[row * stride + p] = a[p] - b[p];
        }
        s = cep_poll(ctx);
    }
    if (s)
        cepman_matrix_unref(m);
    else
        *out = m;
    return s;
}
