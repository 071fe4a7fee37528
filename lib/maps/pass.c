/* Several maps from one reading of a scan: what is asked for is noted, then all of it is computed together.
 * Quantities are items with their own room and sums (detector.c, statistics.c, beam.c, clusters.c); walk.c reads.
 * Must not: touch a caller's arrays before everything is done, or keep sums between two runs. */
#include "pass.h"

static cepman_status add_stream(cep_stream **out, cepman_context *ctx, cepman_maps_pass *pass,
                                cepman_dataset *dataset)
{
    cep_stream *st = cep_alloc_zero(pass->mem, 1, sizeof *st), **at = &pass->streams;
    if (!st) return cep_fail_memory(ctx, "maps", 1, sizeof *st);
    st->dataset = cepman_dataset_ref(dataset);
    st->type = cepman_dataset_type(dataset);
    st->total = cepman_dataset_frames(dataset);
    st->height = cepman_dataset_height(dataset);
    st->width = cepman_dataset_width(dataset);
    st->pixels = st->height * st->width;
    st->derived = pass->streams != NULL;
    st->may_be_odd = cep_type_is_real(st->type);
    st->mask = cepman_dataset_mask(dataset);
    while (*at)
        at = &(*at)->next;
    *at = *out = st;
    return CEPMAN_OK;
}

cepman_status cep_pass_open(cepman_maps_pass **out, cepman_context *ctx, cepman_dataset *dataset,
                            const char *what)
{
    CEP_REQUIRE(ctx, dataset, CEPMAN_ERR_ARGUMENT, "%s: dataset is NULL", what);
    cep_memory *mem = cep_context_memory(ctx);
    cepman_maps_pass *pass = cep_alloc_zero(mem, 1, sizeof *pass);
    if (!pass) return cep_fail_memory(ctx, what, 1, sizeof *pass);
    pass->mem = cep_memory_ref(mem);
    pass->last = &pass->items;
    cep_stream *st;
    cepman_status s = add_stream(&st, ctx, pass, dataset);
    if (s)
        cepman_maps_pass_unref(pass);
    else
        *out = pass;
    return s;
}

cepman_status cepman_maps_pass_create(cepman_maps_pass **out, cepman_context *ctx, cepman_dataset *dataset)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "maps: out is NULL");
    return cep_pass_open(out, ctx, dataset, "maps");
}

void cepman_maps_pass_unref(cepman_maps_pass *pass)
{
    if (!pass) return;
    cep_memory *mem = pass->mem;
    while (pass->items) {
        cep_item *item = pass->items;
        pass->items = item->next;
        if (item->kind->free) item->kind->free(item);
        cep_free(mem, item);
    }
    while (pass->streams) {
        cep_stream *st = pass->streams;
        pass->streams = st->next;
        cepman_dataset_unref(st->dataset);
        cep_free(mem, st);
    }
    cep_free(mem, pass);
    cep_memory_unref(mem);
}

cepman_status cep_pass_check(cepman_maps_pass *pass, cepman_context *ctx, cepman_dataset *dataset,
                             const char *what, cep_stream **stream)
{
    CEP_REQUIRE(ctx, pass, CEPMAN_ERR_ARGUMENT, "%s: pass is NULL", what);
    for (cep_stream *st = pass->streams; st; st = st->next)
        if (!dataset || st->dataset == dataset) {
            *stream = st;
            return CEPMAN_OK;
        }
    CEP_REQUIRE(ctx, cep_dataset_parent(dataset) == pass->streams->dataset, CEPMAN_ERR_ARGUMENT,
                "%s: the dataset (%s) is neither that of the pass (%s) nor computed from its frames", what,
                cepman_dataset_format(dataset), cepman_dataset_format(pass->streams->dataset));
    return add_stream(stream, ctx, pass, dataset);
}

cepman_status cep_pass_add(cepman_maps_pass *pass, cepman_context *ctx, cep_stream *stream,
                           const cep_item_kind *kind, size_t size, cep_item **out)
{
    cep_item *item = cep_alloc_zero(pass->mem, 1, size);
    if (!item) return cep_fail_memory(ctx, kind->name, 1, size);
    item->kind = kind;
    item->stream = stream;
    item->mem = pass->mem;
    *pass->last = item;
    pass->last = &item->next;
    *out = item;
    return CEPMAN_OK;
}

static cepman_status run(cepman_maps_pass *pass, cepman_context *ctx)
{
    if (!pass->items) return CEPMAN_OK;
    const cep_stream *base = pass->streams;
    const char *what = pass->items->next ? "maps" : pass->items->kind->name;
    size_t available = cepman_dataset_available(base->dataset);
    CEP_REQUIRE(ctx, available >= 1, CEPMAN_ERR_DATA, "%s: no frame is available yet", what);
    const size_t frames = pass->picks && pass->picks < available ? pass->picks : available;
    cepman_status s = CEPMAN_OK;
    for (cep_item *item = pass->items; !s && item; item = item->next)
        s = item->kind->begin(item, ctx, frames);
    if (!s) s = cep_pass_walk(pass, ctx, available, frames);
    for (cep_item *item = pass->items; !s && item; item = item->next)
        if (item->kind->finish) s = item->kind->finish(item, ctx);
    for (cep_item *item = pass->items; !s && item; item = item->next)
        item->kind->deliver(item);
    for (cep_item *item = pass->items; item; item = item->next)
        item->kind->end(item);
    return s;
}

cepman_status cepman_maps_pass_run(cepman_maps_pass *pass, cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, pass, CEPMAN_ERR_ARGUMENT, "maps: pass is NULL");
    return run(pass, ctx);
}

cepman_status cep_pass_close(cepman_maps_pass *pass, cepman_context *ctx, cepman_status asked)
{
    if (!asked) asked = run(pass, ctx);
    cepman_maps_pass_unref(pass);
    return asked;
}
