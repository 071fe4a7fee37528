/* Mean frame of each cluster, and differences of means.
 * One float64 sum per cluster and pixel; frames are added in their order, whatever the threads.
 * Must not: count masked or non-finite pixels. */
#include <string.h>

#include "pass.h"

typedef struct totals {
    cep_item item;
    cepman_labels *labels; /* our reference */
    size_t clusters;
    cepman_matrix **to; /* the caller's */
    cepman_matrix *made;
    double *sum;    /* clusters + 1 rows of pixels; the last row is the noise */
    uint32_t *odd;  /* the same shape: values left out; NULL when the type has none */
    size_t *frames; /* clusters + 1 */
} totals;

static size_t row_of(const totals *t, size_t frame)
{
    const int32_t label = cepman_labels_data(t->labels)[frame];
    return label < 0 ? t->clusters : (size_t)label;
}

static cepman_status begin(cep_item *item, cepman_context *ctx, size_t frames)
{
    totals *t = (totals *)item;
    const size_t pixels = item->stream->pixels, rows = t->clusters + 1;
    const bool may_be_odd = item->stream->may_be_odd;
    size_t row_bytes = SIZE_MAX;
    if (cep_mul(pixels, sizeof *t->sum, &row_bytes)) t->sum = cep_alloc_zero(item->mem, rows, row_bytes);
    t->frames = cep_alloc_zero(item->mem, rows, sizeof *t->frames);
    if (may_be_odd) t->odd = cep_alloc_zero(item->mem, rows, pixels * sizeof *t->odd);
    if (!t->sum || !t->frames || (may_be_odd && !t->odd))
        return cep_fail_memory(ctx, "mean frames", rows, row_bytes);
    for (size_t i = 0; i < frames; i++)
        t->frames[row_of(t, i)]++;
    return CEPMAN_OK;
}

static void visit(cep_item *item, size_t first, size_t count, const float *values, size_t from, size_t to)
{
    totals *t = (totals *)item;
    const size_t pixels = item->stream->pixels;
    for (size_t i = 0; i < count; i++) {
        const float *restrict frame = values + i * pixels;
        size_t row = row_of(t, first + i) * pixels;
        double *restrict sum = t->sum + row;
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

static cepman_status finish(cep_item *item, cepman_context *ctx)
{
    totals *t = (totals *)item;
    const cep_stream *st = item->stream;
    size_t rows = t->clusters + 1, stride;
    float *to;
    cepman_status s = cep_matrix_create(&t->made, ctx, "mean frames", rows, st->pixels, &to, &stride);
    if (s) return s;
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < st->pixels; p++) {
            size_t at = r * st->pixels + p, n = t->frames[r] - (t->odd ? t->odd[at] : 0);
            bool valid = n > 0 && !(st->mask && st->mask[p]);
            to[r * stride + p] = valid ? (float)(t->sum[at] / (double)n) : 0;
        }
    return CEPMAN_OK;
}

static void deliver(cep_item *item)
{
    totals *t = (totals *)item;
    *t->to = t->made;
    t->made = NULL;
}

static void end(cep_item *item)
{
    totals *t = (totals *)item;
    cepman_matrix_unref(t->made);
    cep_free(item->mem, t->sum);
    cep_free(item->mem, t->frames);
    cep_free(item->mem, t->odd);
    t->made = NULL;
    t->sum = NULL;
    t->frames = NULL;
    t->odd = NULL;
}

static void forget(cep_item *item)
{
    cepman_labels_unref(((totals *)item)->labels);
}

static const cep_item_kind kind = {.name = "mean frames",
                                   .begin = begin,
                                   .batch = visit,
                                   .finish = finish,
                                   .deliver = deliver,
                                   .end = end,
                                   .free = forget};

static cepman_status ask(cepman_maps_pass *pass, cepman_context *ctx, cepman_matrix **out,
                         cepman_dataset *dataset, const cepman_labels *labels)
{
    cep_stream *st;
    cep_item *item;
    cepman_status s = cep_pass_check(pass, ctx, dataset, "mean frames", &st);
    if (s) return s;
    CEP_REQUIRE(ctx, out && labels, CEPMAN_ERR_ARGUMENT, "mean frames: out or labels is NULL");
    CEP_REQUIRE(ctx, cepman_labels_count(labels) == st->total, CEPMAN_ERR_SHAPE,
                "mean frames: %zu labels for a scan of %zu frames", cepman_labels_count(labels), st->total);
    if ((s = cep_pass_add(pass, ctx, st, &kind, sizeof(totals), &item))) return s;
    totals *t = (totals *)item;
    t->labels = cepman_labels_ref((cepman_labels *)labels); /* counting is all that changes in them */
    t->clusters = cepman_labels_clusters(labels);
    t->to = out;
    return CEPMAN_OK;
}

cepman_status cepman_maps_pass_cluster_means(cepman_maps_pass *pass, cepman_context *ctx, cepman_matrix **out,
                                             cepman_dataset *dataset, const cepman_labels *labels)
{
    cepman_status s = cep_enter(ctx);
    return s ? s : ask(pass, ctx, out, dataset, labels);
}

cepman_status cepman_maps_cluster_means(cepman_matrix **out, cepman_context *ctx, cepman_dataset *dataset,
                                        const cepman_labels *labels)
{
    cepman_maps_pass *pass;
    cepman_status s = cep_enter(ctx);
    if (s || (s = cep_pass_open(&pass, ctx, dataset, "mean frames"))) return s;
    return cep_pass_close(pass, ctx, ask(pass, ctx, out, NULL, labels));
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
