/* A tree of rounds as a file: nodes in preorder with what is known of them, the permutation, a checksum.
 * The layout is in docs/formats.md, all numbers little-endian; the checksum is FNV-1a of 64 bits (Fowler, Noll, Vo).
 * Must not: believe a number of a file before it has been checked against the others and against the file's length. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "hierarchy_tree.h"

#define VERSION 1
#define HEAD 64
#define NODE 56 /* bytes of a node without its texts and numbers */
#define MOST ((size_t)1 << 40)

static const char magic[8] = {'c', 'e', 'p', 'm', 't', 'r', 'e', 'e'};

uint64_t cep_hierarchy_checksum(const unsigned char *bytes, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        h ^= bytes[i];
        h *= 0x100000001b3u;
    }
    return h;
}

bool cep_hierarchy_good_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return false;
    return length <= CEP_NODE_TEXT;
}

bool cep_hierarchy_good_name(const char *name, size_t length)
{
    if (length < 1 || length >= CEP_NODE_NAME) return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
    }
    return true;
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

/* Bytes at `to`, or only counted where it is NULL. */
typedef struct sink {
    unsigned char *to;
    size_t size;
} sink;

static void put(sink *k, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++, value >>= 8)
        if (k->to) k->to[k->size + i] = (unsigned char)value;
    k->size += bytes;
}

static void put_bytes(sink *k, const char *text, size_t length)
{
    if (k->to && length) memcpy(k->to + k->size, text, length);
    k->size += length;
}

static void put_node(sink *k, const cep_node *v)
{
    const char *text[] = {v->split.method, v->split.parameters, v->split.space, v->split.version};
    put(k, v->id, 8);
    put(k, v->parent, 4);
    put(k, (uint32_t)v->kind, 4);
    put(k, (uint32_t)v->label, 4);
    put(k, (uint32_t)v->split.scores, 4);
    put(k, v->count, 8);
    put(k, v->split.seed, 8);
    for (size_t i = 0; i < 4; i++) /* one more than the length; 0: there is none */
        put(k, text[i] ? strlen(text[i]) + 1 : 0, 4);
    for (size_t i = 0; i < 4; i++)
        if (text[i]) put_bytes(k, text[i], strlen(text[i]));
    for (size_t i = 0; i < v->split.scores; i++) {
        uint64_t bits;
        memcpy(&bits, &v->split.score[i].value, sizeof bits);
        put(k, bits, 8);
        put(k, strlen(v->split.score[i].name), 4);
        put_bytes(k, v->split.score[i].name, strlen(v->split.score[i].name));
    }
}

static void put_tree(sink *k, const cepman_hierarchy *t, size_t whole)
{
    put_bytes(k, magic, sizeof magic);
    put(k, VERSION, 4);
    put(k, 0, 4);
    put(k, whole, 8);
    put(k, t->n, 8);
    put(k, t->rows, 8);
    put(k, t->columns, 8);
    put(k, t->nodes, 8);
    put(k, t->next_id, 8);
    for (size_t i = 0; i < t->nodes; i++)
        put_node(k, &t->node[i]);
    for (size_t i = 0; i < t->n; i++)
        put(k, t->order[i], 4);
}

cepman_status cepman_hierarchy_save(const cepman_hierarchy *t, cepman_context *ctx, const char *path)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, t && path, CEPMAN_ERR_ARGUMENT, "tree of rounds: an argument is NULL");
    cep_memory *mem = cep_context_memory(ctx);
    cep_fault fault;
    cep_outfile *file = NULL;
    sink k = {0};
    put_tree(&k, t, 0);
    size_t whole = k.size + 8;
    k = (sink){.to = cep_alloc(mem, whole, 1)};
    if (!k.to) return cep_fail_memory(ctx, "tree of rounds", whole, 1);
    put_tree(&k, t, whole);
    put(&k, cep_hierarchy_checksum(k.to, k.size), 8);
    s = cep_outfile_create(&file, mem, &fault, path);
    if (!s) s = cep_outfile_write(file, &fault, k.to, whole);
    if (!s) s = cep_outfile_commit(file, &fault);
    cep_outfile_close(file);
    cep_free(mem, k.to);
    return s ? cep_fail_fault(ctx, &fault) : CEPMAN_OK;
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

typedef struct source {
    cepman_context *ctx;
    const char *name;
    const unsigned char *bytes;
    size_t at, end;
    bool short_of; /* something reached beyond the end */
} source;

static uint64_t take(source *f, size_t bytes)
{
    uint64_t value = 0;
    if (f->end - f->at < bytes) {
        f->short_of = true;
        f->at = f->end;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)f->bytes[f->at + i] << (8 * i);
    f->at += bytes;
    return value;
}

static cepman_status bad(const source *f, size_t node, const char *what)
{
    return cep_fail(f->ctx, CEPMAN_ERR_FORMAT, "%s: node number %zu, near byte %zu: %s", f->name, node, f->at,
                    what);
}

/* A text of `length` bytes from the file, NULL for none. */
static cepman_status take_text(source *f, cep_memory *mem, size_t node, uint64_t size, char **text)
{
    if (size == 0) return CEPMAN_OK;
    size_t length = (size_t)size - 1;
    if (size - 1 > CEP_NODE_TEXT || length > f->end - f->at)
        return bad(f, node, "a text is longer than it can be");
    if (!cep_hierarchy_good_text((const char *)f->bytes + f->at, length))
        return bad(f, node, "a text has a control character");
    *text = cep_alloc_zero(mem, length + 1, 1);
    if (!*text) return cep_fail_memory(f->ctx, f->name, length + 1, 1);
    if (length) memcpy(*text, f->bytes + f->at, length);
    f->at += length;
    return CEPMAN_OK;
}

static cepman_status take_scores(source *f, cep_memory *mem, size_t node, uint64_t count, cep_split *split)
{
    if (count > CEP_NODE_SCORES) return bad(f, node, "it has more numbers than can be");
    for (uint64_t i = 0; i < count; i++) {
        uint64_t bits = take(f, 8), length = take(f, 4);
        char name[CEP_NODE_NAME] = "";
        double value;
        if (f->short_of || length >= CEP_NODE_NAME || length > f->end - f->at)
            return bad(f, node, "a number's name is longer than it can be");
        memcpy(name, f->bytes + f->at, (size_t)length);
        if (!cep_hierarchy_good_name(name, (size_t)length)) return bad(f, node, "a number has no good name");
        f->at += (size_t)length;
        memcpy(&value, &bits, sizeof value);
        if (!cep_split_score(mem, split, name, value))
            return cep_fail_memory(f->ctx, f->name, 1, sizeof(cep_score));
    }
    return CEPMAN_OK;
}

static cepman_status take_node(source *f, cepman_hierarchy *t, size_t i)
{
    cep_node *v = &t->node[i];
    uint64_t kind, scores, texts[4];
    v->id = take(f, 8);
    uint64_t parent = take(f, 4);
    kind = take(f, 4);
    v->label = (int32_t)(uint32_t)take(f, 4);
    scores = take(f, 4);
    uint64_t count = take(f, 8);
    v->split.seed = take(f, 8);
    for (size_t k = 0; k < 4; k++)
        texts[k] = take(f, 4);
    if (f->short_of) return bad(f, i, "the nodes end before they should");
    if (v->id >= t->next_id || (i == 0) != (v->id == 0)) return bad(f, i, "its id cannot be");
    if (i == 0 ? parent != CEP_NO_NODE : parent >= i) return bad(f, i, "its parent is no node before it");
    if (kind > CEPMAN_NODE_EXCLUDED || (i == 0) != (kind == CEPMAN_NODE_ROOT))
        return bad(f, i, "its kind cannot be");
    if (kind == CEPMAN_NODE_CLUSTER ? v->label < 0
                                    : v->label != (kind == CEPMAN_NODE_ROOT ? 0 : 1 - (int32_t)kind))
        return bad(f, i, "its label does not go with its kind");
    if (count < 1 || count > t->n || (i == 0 && count != t->n))
        return bad(f, i, "its number of points cannot be");
    v->parent = (uint32_t)parent;
    v->kind = (cepman_node_kind)kind;
    v->count = (size_t)count;
    char **to[] = {&v->split.method, &v->split.parameters, &v->split.space, &v->split.version};
    cepman_status s = CEPMAN_OK;
    for (size_t k = 0; !s && k < 4; k++)
        s = take_text(f, t->mem, i, texts[k], to[k]);
    return s ? s : take_scores(f, t->mem, i, scores, &v->split);
}

/* Preorder, order of siblings, and ranges that the children share out. used: points of the children so far; last: the
 * last child of each node. */
static cepman_status check_nodes(const source *f, cepman_hierarchy *t, size_t *used, uint32_t *last)
{
    for (size_t i = 0; i < t->nodes; i++) {
        cep_node *v = &t->node[i];
        used[i] = 0;
        last[i] = CEP_NO_NODE;
        v->first = 0;
        if (i == 0) continue;
        uint32_t up = (uint32_t)i - 1;
        while (up != CEP_NO_NODE && up != v->parent) { /* these have no more children */
            if (used[up] && used[up] != t->node[up].count)
                return bad(f, up, "its children do not have as many points as it has");
            up = t->node[up].parent;
        }
        if (up == CEP_NO_NODE) return bad(f, i, "it does not stand where its parent's children do");
        const cep_node *parent = &t->node[up], *elder = last[up] == CEP_NO_NODE ? NULL : &t->node[last[up]];
        if (elder && !(elder->kind < v->kind || (elder->kind == CEPMAN_NODE_CLUSTER &&
                                                 v->kind == CEPMAN_NODE_CLUSTER && elder->label < v->label)))
            return bad(f, i, "it is not behind its elder sibling");
        if (v->count > parent->count - used[up]) return bad(f, i, "its parent does not have so many points");
        v->first = parent->first + used[up];
        used[up] += v->count;
        last[up] = (uint32_t)i;
    }
    for (uint32_t up = (uint32_t)t->nodes - 1; up != CEP_NO_NODE; up = t->node[up].parent)
        if (used[up] && used[up] != t->node[up].count)
            return bad(f, up, "its children do not have as many points as it has");
    return CEPMAN_OK;
}

static cepman_status take_order(source *f, cepman_hierarchy *t, uint8_t *seen)
{
    for (size_t i = 0; i < t->n; i++) {
        uint64_t p = take(f, 4);
        CEP_REQUIRE(f->ctx, p < t->n && !seen[p], CEPMAN_ERR_FORMAT,
                    "%s: byte %zu: point %llu is out of range or there twice", f->name, f->at - 4,
                    (unsigned long long)p);
        seen[p] = 1;
        t->order[i] = (uint32_t)p;
    }
    for (size_t i = 0; i < t->nodes; i++) {
        const cep_node *v = &t->node[i];
        for (size_t k = 1; !v->children && k < v->count; k++)
            if (t->order[v->first + k - 1] >= t->order[v->first + k])
                return bad(f, i, "its points do not ascend");
    }
    return CEPMAN_OK;
}

static cepman_status take_tree(source *f, cepman_hierarchy *t)
{
    cepman_status s = CEPMAN_OK;
    size_t *used = cep_alloc(t->mem, t->nodes, sizeof *used);
    uint32_t *last = cep_alloc(t->mem, t->nodes, sizeof *last);
    uint8_t *seen = cep_alloc_zero(t->mem, t->n, 1);
    if (!used || !last || !seen) s = cep_fail_memory(f->ctx, f->name, t->nodes, sizeof *used);
    for (size_t i = 0; !s && i < t->nodes; i++)
        s = take_node(f, t, i);
    if (!s && f->end - f->at != 4 * t->n)
        s = cep_fail(f->ctx, CEPMAN_ERR_FORMAT, "%s: %zu bytes for the numbers of %zu points", f->name,
                     f->end - f->at, t->n);
    if (!s) s = check_nodes(f, t, used, last);
    if (!s) s = cep_hierarchy_link(t, f->ctx);
    for (size_t i = 1; !s && i < t->nodes; i++)
        if (t->node[t->by_id[i]].id == t->node[t->by_id[i - 1]].id)
            s = bad(f, t->by_id[i], "its id is there twice");
    if (!s) s = take_order(f, t, seen);
    cep_free(t->mem, seen);
    cep_free(t->mem, last);
    cep_free(t->mem, used);
    return s;
}

cepman_status cep_hierarchy_parse(cepman_hierarchy **out, cepman_context *ctx, const unsigned char *bytes,
                                  size_t size, const char *name)
{
    source f = {.ctx = ctx, .name = name, .bytes = bytes, .end = size};
    CEP_REQUIRE(ctx, memcmp(bytes, magic, size < sizeof magic ? size : sizeof magic) == 0, CEPMAN_ERR_FORMAT,
                "%s: not a tree of rounds: it does not begin with 'cepmtree'", name);
    CEP_REQUIRE(ctx, size >= HEAD, CEPMAN_ERR_TRUNCATED, "%s: %zu bytes, the header alone has %d", name, size,
                HEAD);
    f.at = sizeof magic;
    uint64_t version = take(&f, 4), flags = take(&f, 4), whole = take(&f, 8), n = take(&f, 8),
             rows = take(&f, 8), columns = take(&f, 8), nodes = take(&f, 8), next_id = take(&f, 8);
    CEP_REQUIRE(ctx, version == VERSION && flags == 0,
                version > VERSION || flags ? CEPMAN_ERR_UNSUPPORTED : CEPMAN_ERR_FORMAT,
                "%s: version %llu (flags %llu) of a tree of rounds, this library reads version %d", name,
                (unsigned long long)version, (unsigned long long)flags, VERSION);
    CEP_REQUIRE(ctx, whole <= size, CEPMAN_ERR_TRUNCATED, "%s: %zu bytes of %llu", name, size,
                (unsigned long long)whole);
    CEP_REQUIRE(ctx, whole == size, CEPMAN_ERR_FORMAT, "%s: %zu bytes, the header says %llu", name, size,
                (unsigned long long)whole);
    CEP_REQUIRE(ctx, n >= 1 && n < UINT32_MAX && n <= size / 4, CEPMAN_ERR_FORMAT,
                "%s: %llu points in a file of %zu bytes", name, (unsigned long long)n, size);
    CEP_REQUIRE(ctx, nodes >= 1 && nodes <= size / NODE && nodes <= UINT32_MAX - 1, CEPMAN_ERR_FORMAT,
                "%s: %llu nodes in a file of %zu bytes", name, (unsigned long long)nodes, size);
    CEP_REQUIRE(ctx,
                (rows == 0 && columns == 0) ||
                    (rows && columns && rows <= n && columns == n / rows && n % rows == 0),
                CEPMAN_ERR_FORMAT, "%s: a scan of %llu x %llu for %llu points", name,
                (unsigned long long)rows, (unsigned long long)columns, (unsigned long long)n);
    CEP_REQUIRE(ctx, next_id >= 1 && next_id < CEPMAN_NODE_NONE - UINT32_MAX, CEPMAN_ERR_FORMAT,
                "%s: the next id is %llu", name, (unsigned long long)next_id);
    f.end = size - 8;
    uint64_t sum = 0;
    for (size_t i = 0; i < 8; i++)
        sum |= (uint64_t)bytes[f.end + i] << (8 * i);
    CEP_REQUIRE(ctx, sum == cep_hierarchy_checksum(bytes, f.end), CEPMAN_ERR_FORMAT,
                "%s: the checksum is not that of the file's bytes", name);
    cepman_hierarchy *t = NULL;
    cepman_status s = cep_hierarchy_new(&t, ctx, (size_t)n, (size_t)rows, (size_t)columns);
    if (s) return s;
    t->next_id = next_id;
    t->node = cep_alloc_zero(t->mem, (size_t)nodes, sizeof *t->node);
    if (t->node) t->nodes = (size_t)nodes;
    s = t->node ? take_tree(&f, t) : cep_fail_memory(ctx, name, (size_t)nodes, sizeof *t->node);
    if (s) {
        cepman_hierarchy_unref(t);
        return s;
    }
    *out = t;
    return CEPMAN_OK;
}

cepman_status cepman_hierarchy_load(cepman_hierarchy **out, cepman_context *ctx, const char *path)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && path, CEPMAN_ERR_ARGUMENT, "tree of rounds: an argument is NULL");
    cep_memory *mem = cep_context_memory(ctx);
    cep_fault fault;
    char *text = NULL;
    size_t size = 0;
    s = cep_file_slurp(&text, &size, mem, &fault, path, MOST);
    if (s) return cep_fail_fault(ctx, &fault);
    s = cep_hierarchy_parse(out, ctx, (const unsigned char *)text, size, path);
    cep_free(mem, text);
    return s;
}
