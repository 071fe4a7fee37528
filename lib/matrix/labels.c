/* Reference-counted int32 labels: -1 noise, 0 .. clusters.
 * Immutable once handed out.
 * Must not: renumber anything. */
#include <string.h>

#include "matrix.h"

struct cepman_labels {
    cep_refs refs;
    cep_memory *mem;
    size_t count, clusters, noise;
    int32_t *values;
};

cepman_status cep_labels_create(cepman_labels **out, cepman_context *ctx, size_t count, int32_t **values)
{
    cep_memory *mem = cep_context_memory(ctx);
    cepman_labels *l = cep_alloc_zero(mem, 1, sizeof *l);
    int32_t *v = cep_alloc_zero(mem, count, sizeof *v);
    if (!l || !v) {
        cep_free(mem, l);
        cep_free(mem, v);
        return cep_fail_memory(ctx, "labels", count, sizeof *v);
    }
    cep_refs_init(&l->refs);
    l->mem = cep_memory_ref(mem);
    l->count = count;
    l->values = v;
    *values = v;
    *out = l;
    return CEPMAN_OK;
}

void cep_labels_seal(cepman_labels *l)
{
    l->clusters = l->noise = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (l->values[i] < 0)
            l->noise++;
        else if ((size_t)l->values[i] >= l->clusters)
            l->clusters = (size_t)l->values[i] + 1;
    }
}

cepman_status cepman_labels_copy(cepman_labels **out, cepman_context *ctx, const int32_t *values,
                                 size_t count)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && (values || !count), CEPMAN_ERR_ARGUMENT, "labels: out or values is NULL");
    cepman_labels *l = NULL;
    int32_t *v = NULL;
    s = cep_labels_create(&l, ctx, count, &v);
    if (s) return s;
    if (count) memcpy(v, values, count * sizeof *v);
    cep_labels_seal(l);
    *out = l;
    return CEPMAN_OK;
}

cepman_labels *cepman_labels_ref(cepman_labels *l)
{
    if (l) cep_refs_get(&l->refs);
    return l;
}

void cepman_labels_unref(cepman_labels *l)
{
    if (!l || !cep_refs_put(&l->refs)) return;
    cep_memory *mem = l->mem;
    cep_free(mem, l->values);
    cep_free(mem, l);
    cep_memory_unref(mem);
}

size_t cepman_labels_count(const cepman_labels *l)
{
    return l ? l->count : 0;
}

const int32_t *cepman_labels_data(const cepman_labels *l)
{
    return l ? l->values : NULL;
}

size_t cepman_labels_clusters(const cepman_labels *l)
{
    return l ? l->clusters : 0;
}

size_t cepman_labels_noise(const cepman_labels *l)
{
    return l ? l->noise : 0;
}
