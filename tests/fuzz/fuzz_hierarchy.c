/* A tree of rounds from a file's bytes, as they are and with length and checksum put right; what is read is walked. */
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "fuzz.h"

static void put_little(uint8_t *to, uint64_t value)
{
    for (size_t i = 0; i < 8; i++, value >>= 8)
        to[i] = (uint8_t)value;
}

static void walk(cepman_context *ctx, cepman_hierarchy *t)
{
    size_t n = cepman_hierarchy_points(t), *members = malloc(n * sizeof *members);
    int32_t *paths = malloc(n * 2 * sizeof *paths);
    if (!members || !paths) abort();
    for (size_t i = 0; i < cepman_hierarchy_nodes(t); i++) {
        uint64_t id = cepman_hierarchy_node(t, i), found;
        char path[256];
        if (cepman_hierarchy_members(members, ctx, t, id)) abort();
        if (cepman_hierarchy_path(t, id, path, sizeof path) < sizeof path &&
            (cepman_hierarchy_find(t, ctx, path, &found) || found != id))
            abort();
    }
    cepman_labels *l = NULL;
    if (cepman_hierarchy_labels(&l, ctx, t, SIZE_MAX) || cepman_hierarchy_paths(paths, ctx, t, 2)) abort();
    cepman_labels_unref(l);
    if (cepman_hierarchy_prune(t, ctx, 0) || cepman_hierarchy_nodes(t) != 1) abort();
    free(paths);
    free(members);
}

static void read_one(cepman_context *ctx, const uint8_t *data, size_t size)
{
    cepman_hierarchy *t = NULL;
    if (cep_hierarchy_parse(&t, ctx, data, size, "input")) {
        if (t) abort();
        return;
    }
    walk(ctx, t);
    cepman_hierarchy_unref(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cepman_context *ctx = NULL;
    if (cepman_context_create(&ctx, NULL)) abort();
    cepman_context_set_memory_limit(ctx, (size_t)64 << 20);
    uint8_t *copy = malloc(size + 1);
    if (!copy) abort();
    if (size) memcpy(copy, data, size);
    read_one(ctx, copy, size);
    if (size >= 72) {
        put_little(copy + 16, size);
        put_little(copy + size - 8, cep_hierarchy_checksum(copy, size - 8));
        read_one(ctx, copy, size);
    }
    free(copy);
    cepman_context_unref(ctx);
    return 0;
}

/* A root of `points` in two clusters and noise, the first cluster split once more. */
size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    if (index >= 3) return 0;
    static const size_t points[] = {1, 12, 60};
    size_t n = points[index], nodes = n > 1 ? 6 : 1, at = 64;
    memset(data, 0, room < 4096 ? room : 4096);
    memcpy(data, "cepmtree\1", 9);
    const uint64_t head[] = {0, n, index ? 3 : 0, index ? n / 3 : 0, nodes, nodes};
    for (size_t i = 0; i < 6; i++)
        put_little(data + 16 + 8 * i, head[i]);
    static const uint32_t parent[] = {0xffffffffu, 0, 1, 1, 0, 0}, kind[] = {0, 1, 1, 1, 1, 2},
                          label[] = {0, 0, 0, 1, 1, 0xffffffffu};
    const size_t count[] = {n, n / 2, n / 4, n / 2 - n / 4, n / 4, n - n / 2 - n / 4};
    for (size_t i = 0; i < nodes; i++) {
        put_little(data + at, i);
        put_little(data + at + 8, (uint64_t)kind[i] << 32 | parent[i]);
        put_little(data + at + 16, (uint64_t)(i == 1) << 32 | label[i]);
        put_little(data + at + 24, count[i]);
        put_little(data + at + 32, i * 7);
        put_little(data + at + 40, i == 0 ? 7 : 0); /* a method of six letters */
        at += 56;
        if (i == 0) {
            memcpy(data + at, "kmeans", 6);
            at += 6;
        }
        if (i == 1) {
            put_little(data + at, 0x3ff0000000000000u);
            put_little(data + at + 8, 3);
            memcpy(data + at + 12, "bic", 3);
            at += 15;
        }
    }
    for (size_t i = 0; i < n; i++, at += 4)
        put_little(data + at, i);
    at += 8;
    put_little(data + 16, at);
    put_little(data + at - 8, cep_hierarchy_checksum(data, at - 8));
    return at;
}
