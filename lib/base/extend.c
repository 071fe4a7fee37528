/* What libraries that are built on this one need of a context: memory, sentences, cancel, progress.
 * A block knows the memory object it came from, so that it may be released without the context, and after it.
 * Must not: give away anything that a block does not hold a reference to. */
#include "base.h"

/* In front of the block, which stays aligned to CEP_ALIGNMENT. */
typedef struct head {
    cep_memory *mem;
} head;

cepman_status cepman_context_allocate(void **out, cepman_context *ctx, size_t count, size_t size,
                                      const char *what)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "memory: out is NULL");
    cep_memory *mem = cep_context_memory(ctx);
    size_t bytes;
    unsigned char *block = NULL;
    if (cep_mul(count, size, &bytes) && cep_add(bytes, CEP_ALIGNMENT, &bytes))
        block = cep_alloc(mem, bytes, 1);
    if (!block) return cep_fail_memory(ctx, what ? what : "memory", count, size);
    const head h = {cep_memory_ref(mem)};
    memcpy(block, &h, sizeof h);
    *out = block + CEP_ALIGNMENT;
    return CEPMAN_OK;
}

void cepman_context_release(void *block)
{
    if (!block) return;
    unsigned char *start = (unsigned char *)block - CEP_ALIGNMENT;
    head h;
    memcpy(&h, start, sizeof h);
    cep_free(h.mem, start);
    cep_memory_unref(h.mem);
}

cepman_status cepman_context_fail(cepman_context *ctx, cepman_status status, const char *sentence)
{
    return cep_fail(ctx, status, "%s", sentence ? sentence : cepman_status_text(status));
}

cepman_status cepman_context_poll(cepman_context *ctx)
{
    return ctx ? cep_poll(ctx) : CEPMAN_ERR_ARGUMENT;
}

void cepman_context_report(cepman_context *ctx, const char *stage, uint64_t done, uint64_t total)
{
    if (ctx && stage) cep_progress(ctx, stage, done, total);
}
