/* What stands in for the EMD writer in a library built without HDF5.
 * Creating one says what is missing, so that the other functions are never given a writer.
 * Must not: pretend to write. */
#include "dataset.h"

static cepman_status missing(cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    return s ? s : cep_fail(ctx, CEPMAN_ERR_UNSUPPORTED, "EMD writer: this libcepman was built without HDF5");
}

cepman_status cepman_emd_writer_create(cepman_emd_writer **out, cepman_context *ctx, const char *path,
                                       cepman_dataset *scan)
{
    (void)out;
    (void)path;
    (void)scan;
    return missing(ctx);
}

cepman_status cepman_emd_writer_frames(cepman_emd_writer *w, cepman_context *ctx)
{
    (void)w;
    return missing(ctx);
}

cepman_status cepman_emd_writer_array(cepman_emd_writer *w, cepman_context *ctx, const char *name,
                                      cepman_type type, const char *axes, const size_t *shape,
                                      const void *data)
{
    (void)w;
    (void)name;
    (void)type;
    (void)axes;
    (void)shape;
    (void)data;
    return missing(ctx);
}

cepman_status cepman_emd_writer_commit(cepman_emd_writer *w, cepman_context *ctx)
{
    (void)w;
    return missing(ctx);
}

void cepman_emd_writer_unref(cepman_emd_writer *w)
{
    (void)w;
}
