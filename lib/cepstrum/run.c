/* Features of a scan: into a matrix, straight into a .npy file, or some frames of it into the caller's rows.
 * One engine behind all three (stream.c), so that they give the same bits.
 * Must not: leave a half-written file or matrix behind. */
#include "internal.h"

static cepman_status check(cepman_context *ctx, const void *out, const cepman_cepstrum *c,
                           cepman_dataset *dataset)
{
    CEP_REQUIRE(ctx, out && c && dataset, CEPMAN_ERR_ARGUMENT, "cepstrum: an argument is NULL");
    const size_t h = cepman_dataset_height(dataset), w = cepman_dataset_width(dataset);
    CEP_REQUIRE(ctx, h == c->height && w == c->width, CEPMAN_ERR_SHAPE,
                "the transform is for frames of %zu x %zu pixels, the dataset's have %zu x %zu", c->height,
                c->width, h, w);
    return CEPMAN_OK;
}

/* All frames that are available, scaled. */
static cepman_status fill(cepman_context *ctx, const cepman_cepstrum *c, cepman_dataset *dataset,
                          size_t frames, const cep_sink *sink)
{
    cepman_status s = cep_stream(ctx, (cepman_cepstrum *)c, dataset, 0, frames, sink);
    if (!s && c->set.scale == SCALE_STANDARD) s = cep_standardise(ctx, sink, frames, c->ring.features);
    return s;
}

/* Memory gets its pages when it is first written. Blocks that are worked on together lie side by side, where the system's
 * pages are large (2 MiB) in the same one, for which the threads would wait; so each page is asked for on its own before. */
#define PAGE_BYTES ((size_t)2 << 20)

static cepman_status touch_page(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    ((unsigned char *)argument)[index * PAGE_BYTES] = 0;
    return CEPMAN_OK;
}

static cepman_status touch_pages(cepman_context *ctx, const cep_sink *sink, size_t frames)
{
    if (cep_workers(ctx) == 1) return CEPMAN_OK;
    const size_t bytes = frames * sink->stride * (sink->half ? sizeof *sink->halves : sizeof *sink->floats);
    return cep_parallel(ctx, NULL, (bytes + PAGE_BYTES - 1) / PAGE_BYTES, touch_page,
                        sink->half ? (void *)sink->halves : (void *)sink->floats);
}

cepman_status cepman_cepstrum_run(cepman_matrix **out, cepman_context *ctx, const cepman_cepstrum *c,
                                  cepman_dataset *dataset)
{
    cepman_status s = cep_enter(ctx);
    if (s || (s = check(ctx, out, c, dataset))) return s;
    const size_t frames = cepman_dataset_available(dataset);
    cepman_matrix *matrix = NULL;
    cep_sink sink = {.half = c->set.half};
    s = sink.half ? cep_matrix_create_f16(&matrix, ctx, "features", frames, c->ring.features, &sink.halves,
                                          &sink.stride)
                  : cep_matrix_create(&matrix, ctx, "features", frames, c->ring.features, &sink.floats,
                                      &sink.stride);
    if (!s) s = touch_pages(ctx, &sink, frames);
    if (!s) s = fill(ctx, c, dataset, frames, &sink);
    if (s) {
        cepman_matrix_unref(matrix);
        return s;
    }
    *out = matrix;
    return CEPMAN_OK;
}

cepman_status cepman_cepstrum_run_file(const cepman_cepstrum *c, cepman_context *ctx, cepman_dataset *dataset,
                                       const char *path)
{
    cepman_status s = cep_enter(ctx);
    if (s || (s = check(ctx, path, c, dataset))) return s;
    const size_t frames = cepman_dataset_available(dataset), shape[2] = {frames, c->ring.features};
    cep_sink sink = {.half = c->set.half};
    s = cepman_npy_writer_create(&sink.file, ctx, path, sink.half ? CEPMAN_TYPE_F16 : CEPMAN_TYPE_F32, 2,
                                 shape);
    if (s) return s;
    cep_fault fault;
    if (cep_npy_writer_reserve(sink.file, &fault)) s = cep_fail_fault(ctx, &fault);
    if (!s) s = fill(ctx, c, dataset, frames, &sink);
    if (!s) {
        cep_npy_writer_filled(sink.file);
        s = cepman_npy_writer_commit(sink.file, ctx);
    }
    cepman_npy_writer_unref(sink.file);
    return s;
}

cepman_status cepman_cepstrum_read(const cepman_cepstrum *c, cepman_context *ctx, cepman_dataset *dataset,
                                   size_t first, size_t count, float *destination, size_t stride)
{
    cepman_status s = cep_enter(ctx);
    if (s || (s = check(ctx, destination, c, dataset))) return s;
    const size_t frames = cepman_dataset_available(dataset);
    CEP_REQUIRE(ctx, first <= frames && count <= frames - first, CEPMAN_ERR_RANGE,
                "cepstrum: frames %zu to %zu, there are %zu", first, first + count, frames);
    CEP_REQUIRE(ctx, stride >= c->ring.features, CEPMAN_ERR_RANGE,
                "cepstrum: stride is %zu, must be at least the features, %zu", stride, c->ring.features);
    CEP_REQUIRE(
        ctx, c->set.scale != SCALE_STANDARD, CEPMAN_ERR_UNSUPPORTED,
        "cepstrum option 'scale' is standard, which needs a whole scan; for some of its frames it must "
        "be none or l2");
    const cep_sink sink = {.floats = destination, .stride = stride};
    return cep_stream(ctx, (cepman_cepstrum *)c, dataset, first, count, &sink);
}
