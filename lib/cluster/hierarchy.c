/* The tree of rounds: nodes over ranges of one permutation of the points, read by id or path, changed through drafts.
 * A partition tree: the children of a node share out its range; nodes are kept in preorder (docs/method.md, "Rounds").
 * Must not: change anything before everything that can fail has been done. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hierarchy_tree.h"

/* ---- splits --------------------------------------------------------------------------------------------------------- */

void cep_split_clear(cep_memory *mem, cep_split *s)
{
    cep_free(mem, s->method);
    cep_free(mem, s->parameters);
    cep_free(mem, s->space);
    cep_free(mem, s->version);
    cep_free(mem, s->score);
    *s = (cep_split){0};
}

bool cep_split_score(cep_memory *mem, cep_split *s, const char *name, double value)
{
    for (size_t i = 0; i < s->scores; i++)
        if (strcmp(s->score[i].name, name) == 0) {
            s->score[i].value = value;
            return true;
        }
    cep_score *more = cep_alloc_zero(mem, s->scores + 1, sizeof *more);
    if (!more) return false;
    if (s->scores) memcpy(more, s->score, s->scores * sizeof *more);
    snprintf(more[s->scores].name, CEP_NODE_NAME, "%s", name);
    more[s->scores].value = value;
    cep_free(mem, s->score);
    s->score = more;
    s->scores++;
    return true;
}

/* ---- the handle ----------------------------------------------------------------------------------------------------- */

cepman_status cep_hierarchy_new(cepman_hierarchy **out, cepman_context *ctx, size_t points, size_t rows,
                                size_t columns)
{
    cep_memory *mem = cep_context_memory(ctx);
    cepman_hierarchy *t = cep_alloc_zero(mem, 1, sizeof *t);
    if (!t) return cep_fail_memory(ctx, "tree of rounds", 1, sizeof *t);
    cep_refs_init(&t->refs);
    t->mem = cep_memory_ref(mem);
    t->n = points;
    t->rows = rows;
    t->columns = columns;
    t->order = cep_alloc(mem, points, sizeof *t->order);
    if (!t->order) {
        cepman_hierarchy_unref(t);
        return cep_fail_memory(ctx, "tree of rounds", points, sizeof *t->order);
    }
    *out = t;
    return CEPMAN_OK;
}

cepman_status cepman_hierarchy_create(cepman_hierarchy **out, cepman_context *ctx, size_t points, size_t rows,
                                      size_t columns)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    size_t product = 0;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "tree of rounds: out is NULL");
    CEP_REQUIRE(ctx, points >= 1 && points < UINT32_MAX, CEPMAN_ERR_RANGE,
                "tree of rounds: %zu points, must be 1 to 4294967294", points);
    CEP_REQUIRE(ctx, (rows == 0 && columns == 0) || (cep_mul(rows, columns, &product) && product == points),
                CEPMAN_ERR_SHAPE, "tree of rounds: a scan of %zu x %zu does not have %zu points", rows,
                columns, points);
    cepman_hierarchy *t = NULL;
    s = cep_hierarchy_new(&t, ctx, points, rows, columns);
    if (s) return s;
    t->node = cep_alloc_zero(t->mem, 1, sizeof *t->node);
    if (!t->node) s = cep_fail_memory(ctx, "tree of rounds", 1, sizeof *t->node);
    if (!s) {
        t->nodes = 1;
        t->next_id = 1;
        t->node->parent = CEP_NO_NODE;
        t->node->count = points;
        for (size_t i = 0; i < points; i++)
            t->order[i] = (uint32_t)i;
        s = cep_hierarchy_link(t, ctx);
    }
    if (s) {
        cepman_hierarchy_unref(t);
        return s;
    }
    *out = t;
    return CEPMAN_OK;
}

cepman_hierarchy *cepman_hierarchy_ref(cepman_hierarchy *t)
{
    if (t) cep_refs_get(&t->refs);
    return t;
}

void cepman_hierarchy_unref(cepman_hierarchy *t)
{
    if (!t || !cep_refs_put(&t->refs)) return;
    cep_memory *mem = t->mem;
    for (size_t i = 0; i < t->nodes; i++)
        cep_split_clear(mem, &t->node[i].split);
    cep_free(mem, t->node);
    cep_free(mem, t->by_id);
    cep_free(mem, t->order);
    cep_free(mem, t);
    cep_memory_unref(mem);
}

typedef struct id_index {
    uint64_t id;
    uint32_t index;
} id_index;

static int by_number(const void *x, const void *y)
{
    uint64_t a = ((const id_index *)x)->id, b = ((const id_index *)y)->id;
    return (a > b) - (a < b);
}

cepman_status cep_hierarchy_link(cepman_hierarchy *t, cepman_context *ctx)
{
    id_index *pairs = cep_alloc(t->mem, t->nodes, sizeof *pairs);
    uint32_t *by_id = cep_alloc(t->mem, t->nodes, sizeof *by_id);
    if (!pairs || !by_id) {
        cep_free(t->mem, pairs);
        cep_free(t->mem, by_id);
        return cep_fail_memory(ctx, "tree of rounds", t->nodes, sizeof *pairs);
    }
    for (size_t i = 0; i < t->nodes; i++) {
        cep_node *v = &t->node[i];
        pairs[i] = (id_index){v->id, (uint32_t)i};
        v->children = 0;
        v->depth = 0;
        if (v->parent == CEP_NO_NODE) continue;
        t->node[v->parent].children++;
        v->depth = t->node[v->parent].depth + 1;
    }
    qsort(pairs, t->nodes, sizeof *pairs, by_number);
    for (size_t i = 0; i < t->nodes; i++)
        by_id[i] = pairs[i].index;
    cep_free(t->mem, pairs);
    cep_free(t->mem, t->by_id);
    t->by_id = by_id;
    return CEPMAN_OK;
}

uint32_t cep_hierarchy_index(const cepman_hierarchy *t, uint64_t id)
{
    size_t low = 0, high = t ? t->nodes : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->node[t->by_id[middle]].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return t && low < t->nodes && t->node[t->by_id[low]].id == id ? t->by_id[low] : CEP_NO_NODE;
}

cepman_status cep_hierarchy_require(const cepman_hierarchy *t, cepman_context *ctx, uint64_t id,
                                    uint32_t *index)
{
    *index = cep_hierarchy_index(t, id);
    CEP_REQUIRE(ctx, *index != CEP_NO_NODE, CEPMAN_ERR_RANGE, "tree of rounds: there is no node %llu",
                (unsigned long long)id);
    return CEPMAN_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static const cep_node *find(const cepman_hierarchy *t, uint64_t id)
{
    uint32_t i = cep_hierarchy_index(t, id);
    return i == CEP_NO_NODE ? NULL : &t->node[i];
}

size_t cepman_hierarchy_points(const cepman_hierarchy *t)
{
    return t ? t->n : 0;
}

size_t cepman_hierarchy_rows(const cepman_hierarchy *t)
{
    return t ? t->rows : 0;
}

size_t cepman_hierarchy_columns(const cepman_hierarchy *t)
{
    return t ? t->columns : 0;
}

size_t cepman_hierarchy_nodes(const cepman_hierarchy *t)
{
    return t ? t->nodes : 0;
}

uint64_t cepman_hierarchy_node(const cepman_hierarchy *t, size_t index)
{
    return t && index < t->nodes ? t->node[index].id : CEPMAN_NODE_NONE;
}

uint64_t cepman_hierarchy_parent(const cepman_hierarchy *t, uint64_t id)
{
    const cep_node *v = find(t, id);
    return v && v->parent != CEP_NO_NODE ? t->node[v->parent].id : CEPMAN_NODE_NONE;
}

cepman_node_kind cepman_hierarchy_kind(const cepman_hierarchy *t, uint64_t id)
{
    const cep_node *v = find(t, id);
    return v ? v->kind : CEPMAN_NODE_ROOT;
}

int32_t cepman_hierarchy_label(const cepman_hierarchy *t, uint64_t id)
{
    const cep_node *v = find(t, id);
    return v ? v->label : 0;
}

size_t cepman_hierarchy_depth(const cepman_hierarchy *t, uint64_t id)
{
    const cep_node *v = find(t, id);
    return v ? v->depth : 0;
}

size_t cepman_hierarchy_children(const cepman_hierarchy *t, uint64_t id)
{
    const cep_node *v = find(t, id);
    return v ? v->children : 0;
}

size_t cep_hierarchy_after(const cepman_hierarchy *t, size_t i)
{
    size_t j = i + 1;
    while (j < t->nodes && t->node[j].depth > t->node[i].depth)
        j++;
    return j;
}

uint64_t cepman_hierarchy_child(const cepman_hierarchy *t, uint64_t id, size_t index)
{
    uint32_t i = cep_hierarchy_index(t, id);
    if (i == CEP_NO_NODE || index >= t->node[i].children) return CEPMAN_NODE_NONE;
    size_t j = (size_t)i + 1;
    for (; index; index--)
        j = cep_hierarchy_after(t, j);
    return t->node[j].id;
}

size_t cepman_hierarchy_size(const cepman_hierarchy *t, uint64_t id)
{
    const cep_node *v = find(t, id);
    return v ? v->count : 0;
}

static int ascending(const void *x, const void *y)
{
    size_t a = *(const size_t *)x, b = *(const size_t *)y;
    return (a > b) - (a < b);
}

cepman_status cepman_hierarchy_members(size_t *points, cepman_context *ctx, const cepman_hierarchy *t,
                                       uint64_t id)
{
    cepman_status s = cep_enter(ctx);
    uint32_t index;
    if (s) return s;
    CEP_REQUIRE(ctx, points && t, CEPMAN_ERR_ARGUMENT, "members of a node: an argument is NULL");
    s = cep_hierarchy_require(t, ctx, id, &index);
    if (s) return s;
    const cep_node *v = &t->node[index];
    for (size_t i = 0; i < v->count; i++)
        points[i] = t->order[v->first + i];
    if (v->children) qsort(points, v->count, sizeof *points, ascending);
    return CEPMAN_OK;
}

cepman_status cep_hierarchy_rows(cepman_matrix **out, cepman_context *ctx, const cepman_hierarchy *t,
                                 uint32_t index, const cepman_matrix *matrix, const char *what)
{
    const cep_node *v = &t->node[index];
    size_t rows = cepman_matrix_rows(matrix);
    CEP_REQUIRE(ctx, rows == v->count || rows == t->n, CEPMAN_ERR_SHAPE,
                "%s: the matrix has %zu rows, must be %zu (of the node) or %zu (of the scan)", what, rows,
                v->count, t->n);
    /* References are counted in the matrix; its numbers do not change. */
    cepman_matrix *m = (cepman_matrix *)(uintptr_t)matrix;
    if (rows == v->count) {
        *out = cepman_matrix_ref(m);
        return CEPMAN_OK;
    }
    size_t *points = cep_alloc(t->mem, v->count, sizeof *points);
    if (!points) return cep_fail_memory(ctx, what, v->count, sizeof *points);
    cepman_status s = cepman_hierarchy_members(points, ctx, t, v->id);
    if (!s) s = cepman_matrix_select(out, ctx, m, points, v->count);
    cep_free(t->mem, points);
    return s;
}

#define TEXT_OF(field)                                                                                       \
    const char *cepman_hierarchy_##field(const cepman_hierarchy *t, uint64_t id)                             \
    {                                                                                                        \
        const cep_node *v = find(t, id);                                                                     \
        return v ? v->split.field : NULL;                                                                    \
    }
TEXT_OF(method)
TEXT_OF(parameters)
TEXT_OF(space)
TEXT_OF(version)

uint64_t cepman_hierarchy_seed(const cepman_hierarchy *t, uint64_t id)
{
    const cep_node *v = find(t, id);
    return v ? v->split.seed : 0;
}

size_t cepman_hierarchy_scores(const cepman_hierarchy *t, uint64_t id)
{
    const cep_node *v = find(t, id);
    return v ? v->split.scores : 0;
}

const char *cepman_hierarchy_score_name(const cepman_hierarchy *t, uint64_t id, size_t index)
{
    const cep_node *v = find(t, id);
    return v && index < v->split.scores ? v->split.score[index].name : NULL;
}

double cepman_hierarchy_score(const cepman_hierarchy *t, uint64_t id, const char *name)
{
    const cep_node *v = find(t, id);
    for (size_t i = 0; v && name && i < v->split.scores; i++)
        if (strcmp(v->split.score[i].name, name) == 0) return v->split.score[i].value;
    return (double)NAN;
}

/* ---- paths ---------------------------------------------------------------------------------------------------------- */

static void name_of(const cep_node *v, char text[16])
{
    if (v->kind == CEPMAN_NODE_CLUSTER)
        snprintf(text, 16, "%d", v->label);
    else
        snprintf(text, 16, "%s", v->kind == CEPMAN_NODE_NOISE ? "noise" : "excluded");
}

cepman_status cepman_hierarchy_find(const cepman_hierarchy *t, cepman_context *ctx, const char *path,
                                    uint64_t *node)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, t && path && node, CEPMAN_ERR_ARGUMENT, "path of a node: an argument is NULL");
    size_t at = 0;
    const char *p = path;
    while (*p == '/')
        p++;
    while (*p) {
        size_t length = strcspn(p, "/"), end = cep_hierarchy_after(t, at), child = at + 1;
        char name[16] = "";
        while (child < end) {
            name_of(&t->node[child], name);
            if (strlen(name) == length && strncmp(name, p, length) == 0) break;
            child = cep_hierarchy_after(t, child);
        }
        CEP_REQUIRE(ctx, child < end, CEPMAN_ERR_RANGE,
                    "path '%.200s': there is no '%.*s', the node has %u children", path,
                    length < 40 ? (int)length : 40, p, (unsigned)t->node[at].children);
        at = child;
        p += length;
        while (*p == '/')
            p++;
    }
    *node = t->node[at].id;
    return CEPMAN_OK;
}

size_t cepman_hierarchy_path(const cepman_hierarchy *t, uint64_t id, char *text, size_t size)
{
    uint32_t i = cep_hierarchy_index(t, id);
    size_t length = 0, at;
    char name[16];
    if (i == CEP_NO_NODE) {
        if (size) text[0] = 0;
        return 0;
    }
    if (t->node[i].parent == CEP_NO_NODE) {
        if (size) snprintf(text, size, "/");
        return 1;
    }
    for (uint32_t v = i; t->node[v].parent != CEP_NO_NODE; v = t->node[v].parent) {
        name_of(&t->node[v], name);
        length += strlen(name) + (v != i);
    }
    /* From the end, as far as there is room. */
    at = length;
    for (uint32_t v = i; t->node[v].parent != CEP_NO_NODE; v = t->node[v].parent) {
        name_of(&t->node[v], name);
        if (v != i && --at + 1 < size) text[at] = '/';
        for (size_t c = strlen(name); c--;)
            if (--at + 1 < size) text[at] = name[c];
    }
    if (size) text[length < size ? length : size - 1] = 0;
    return length;
}
