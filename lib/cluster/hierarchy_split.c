/* Splits of a node: by given labels, by the clusterers of this room, by connectivity on the scan.
 * A split records its method, options, seed, library version and numbers; noise is a child of its own.
 * Must not: make embeddings; the caller brings the members' rows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cepman/kmeans.h>
#include <cepman/mixture.h>
#include <cepman/version.h>

#include "hierarchy_tree.h"

#define NOISE (-1)

/* The node's split as it will be recorded, and numbers of its clusters. */
typedef struct record {
    cep_memory *mem;
    cep_split split;
    const char *child_name; /* NULL: none */
    const double *child;    /* one per cluster */
} record;

static char *copy_of(cep_memory *mem, const char *text)
{
    return text ? cep_strdup(mem, text) : NULL;
}

static cepman_status describe(record *r, cepman_context *ctx, const char *method, const char *parameters,
                              uint64_t seed)
{
    r->split.seed = seed;
    r->split.method = copy_of(r->mem, method);
    r->split.parameters = copy_of(r->mem, parameters);
    r->split.version = copy_of(r->mem, cepman_version());
    if (!r->split.method || !r->split.version || (parameters && !r->split.parameters))
        return cep_fail_memory(ctx, "split of a node", 1,
                               strlen(method) + (parameters ? strlen(parameters) : 0));
    return CEPMAN_OK;
}

/* ---- the split itself ------------------------------------------------------------------------------------------------ */

static int by_number(const void *x, const void *y)
{
    int32_t a = *(const int32_t *)x, b = *(const int32_t *)y;
    return (a > b) - (a < b);
}

/* Distinct labels of at least 0, ascending; and whether there is noise, and something excluded. */
static size_t distinct(int32_t *sorted, size_t n, bool *noise, bool *excluded)
{
    size_t kept = 0;
    qsort(sorted, n, sizeof *sorted, by_number);
    *noise = *excluded = false;
    for (size_t i = 0; i < n; i++) {
        *noise = *noise || sorted[i] == NOISE;
        *excluded = *excluded || sorted[i] < NOISE;
        if (sorted[i] >= 0 && (!kept || sorted[kept - 1] != sorted[i])) sorted[kept++] = sorted[i];
    }
    return kept;
}

/* Children by the members' labels; on success the record's split is the node's. */
static cepman_status apply(cepman_hierarchy *t, cepman_context *ctx, uint32_t index, const int32_t *labels,
                           record *r)
{
    const cep_node *v = &t->node[index];
    uint64_t id = v->id;
    cep_draft d = {0};
    bool noise, excluded;
    int32_t *sorted = cep_alloc(t->mem, v->count, sizeof *sorted);
    if (!sorted) return cep_fail_memory(ctx, "split of a node", v->count, sizeof *sorted);
    memcpy(sorted, labels, v->count * sizeof *sorted);
    size_t clusters = distinct(sorted, v->count, &noise, &excluded);
    cepman_status s = cep_draft_begin(&d, ctx, t, clusters + 2);
    if (!s) {
        uint32_t first = (uint32_t)d.nodes, no_cluster = first + (uint32_t)clusters;
        for (size_t c = 0; c < clusters; c++) {
            uint32_t child = cep_draft_add(&d, index, CEPMAN_NODE_CLUSTER, (int32_t)c);
            if (r->child_name && !s &&
                !cep_split_score(t->mem, &d.node[child].split, r->child_name, r->child[sorted[c]]))
                s = cep_fail_memory(ctx, "split of a node", 1, sizeof(cep_score));
        }
        if (noise) cep_draft_add(&d, index, CEPMAN_NODE_NOISE, -1);
        if (excluded) cep_draft_add(&d, index, CEPMAN_NODE_EXCLUDED, -2);
        for (size_t i = 0; i < v->count; i++) {
            uint32_t child = labels[i] == NOISE ? no_cluster : no_cluster + noise;
            if (labels[i] >= 0) {
                const int32_t *at = bsearch(&labels[i], sorted, clusters, sizeof *sorted, by_number);
                child = first + (uint32_t)(at - sorted);
            }
            d.leaf[t->order[v->first + i]] = child;
        }
        if (!s) s = cep_draft_commit(&d, ctx);
    }
    if (!s) {
        cep_split *own = &t->node[cep_hierarchy_index(t, id)].split;
        /* What was there before the split stays: the space and numbers the caller or the split above set. */
        cep_split before = *own;
        *own = r->split;
        own->space = before.space;
        before.space = NULL;
        r->split = before;
    }
    cep_draft_clear(&d);
    cep_free(t->mem, sorted);
    return s;
}

/* Numbers of the node that are not of this split are kept. */
static cepman_status keep_scores(record *r, cepman_context *ctx, const cep_split *old)
{
    for (size_t i = 0; i < old->scores; i++) {
        bool there = false;
        for (size_t k = 0; k < r->split.scores; k++)
            there = there || strcmp(r->split.score[k].name, old->score[i].name) == 0;
        if (!there && !cep_split_score(r->mem, &r->split, old->score[i].name, old->score[i].value))
            return cep_fail_memory(ctx, "split of a node", old->scores, sizeof(cep_score));
    }
    return CEPMAN_OK;
}

static cepman_status finish(cepman_hierarchy *t, cepman_context *ctx, uint32_t index, const int32_t *labels,
                            record *r)
{
    cepman_status s = keep_scores(r, ctx, &t->node[index].split);
    return s ? s : apply(t, ctx, index, labels, r);
}

static cepman_status start(cepman_hierarchy *t, cepman_context *ctx, uint64_t node, const void *input,
                           uint32_t *index)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, t && input, CEPMAN_ERR_ARGUMENT, "split of a node: an argument is NULL");
    s = cep_hierarchy_require(t, ctx, node, index);
    if (s) return s;
    const cep_node *v = &t->node[*index];
    CEP_REQUIRE(ctx, v->children == 0, CEPMAN_ERR_RANGE,
                "split of a node: node %llu has %u children, prune it first", (unsigned long long)node,
                (unsigned)v->children);
    return CEPMAN_OK;
}

cepman_status cepman_hierarchy_split(cepman_hierarchy *t, cepman_context *ctx, uint64_t node,
                                     const cepman_labels *labels, const char *method, const char *parameters,
                                     uint64_t seed)
{
    uint32_t index;
    cepman_status s = start(t, ctx, node, labels, &index);
    if (s) return s;
    const cep_node *v = &t->node[index];
    size_t n = cepman_labels_count(labels);
    if (!method) method = "labels";
    CEP_REQUIRE(ctx, n == v->count || n == t->n, CEPMAN_ERR_SHAPE,
                "split of a node: %zu labels, must be %zu (of the node) or %zu (of the scan)", n, v->count,
                t->n);
    CEP_REQUIRE(ctx,
                cep_hierarchy_good_text(method, strlen(method)) &&
                    (!parameters || cep_hierarchy_good_text(parameters, strlen(parameters))),
                CEPMAN_ERR_RANGE, "split of a node: a text has more than %d bytes or a control character",
                CEP_NODE_TEXT);
    record r = {.mem = t->mem};
    int32_t *own = cep_alloc(t->mem, v->count, sizeof *own);
    s = own ? describe(&r, ctx, method, parameters, seed)
            : cep_fail_memory(ctx, "split of a node", v->count, sizeof *own);
    /* A leaf's range is ascending, as members are. */
    for (size_t i = 0; !s && i < v->count; i++)
        own[i] = cepman_labels_data(labels)[n == v->count ? i : t->order[v->first + i]];
    if (!s) s = finish(t, ctx, index, own, &r);
    cep_free(t->mem, own);
    cep_split_clear(t->mem, &r.split);
    return s;
}

/* ---- clusterers ------------------------------------------------------------------------------------------------------ */

/* "k=3 n-init=10", of one or two option objects; *text is freed with cep_free(). */
static cepman_status options_text(char **text, cepman_context *ctx, const cepman_options *a,
                                  const cepman_options *b)
{
    cep_memory *mem = cep_context_memory(ctx);
    char *to = NULL;
    size_t length = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t at = 0;
        for (int which = 0; which < 2; which++) {
            const cepman_options *o = which ? b : a;
            for (size_t i = 0; o && i < cepman_options_count(o); i++) {
                char value[1000];
                cepman_options_format(o, i, value, sizeof value);
                const char *name = cepman_options_name(o, i);
                size_t size = strlen(name) + strlen(value) + 1 + (at != 0);
                if (to) snprintf(to + at, length + 1 - at, "%s%s=%s", at ? " " : "", name, value);
                at += size;
            }
        }
        if (pass == 0) {
            length = at;
            to = cep_alloc_zero(mem, length + 1, 1);
            if (!to) return cep_fail_memory(ctx, "split of a node", length + 1, 1);
        }
    }
    *text = to;
    return CEPMAN_OK;
}

static cepman_status describe_options(record *r, cepman_context *ctx, const char *method,
                                      const cepman_options *a, const cepman_options *b)
{
    char *text = NULL;
    int64_t seed = 0;
    cepman_status s = options_text(&text, ctx, a, b);
    if (!s && cep_options_given(a, "seed")) s = cepman_options_get_integer(a, ctx, "seed", &seed);
    if (!s && !b) s = cepman_options_get_integer(a, ctx, "seed", &seed);
    if (!s) s = describe(r, ctx, method, text, (uint64_t)seed);
    cep_free(r->mem, text);
    return s;
}

static cepman_status number(record *r, cepman_context *ctx, const char *name, double value)
{
    return cep_split_score(r->mem, &r->split, name, value)
               ? CEPMAN_OK
               : cep_fail_memory(ctx, "split of a node", 1, sizeof(cep_score));
}

cepman_status cepman_hierarchy_split_kmeans(cepman_hierarchy *t, cepman_context *ctx, uint64_t node,
                                            const cepman_matrix *matrix, const cepman_options *given)
{
    uint32_t index;
    cepman_status s = start(t, ctx, node, matrix, &index);
    if (s) return s;
    record r = {.mem = t->mem};
    cepman_options *o = NULL;
    cepman_matrix *rows = NULL;
    cepman_kmeans *model = NULL;
    s = given ? cepman_options_copy(&o, ctx, given) : cepman_kmeans_options_create(&o, ctx);
    if (!s) s = cep_hierarchy_rows(&rows, ctx, t, index, matrix, "split by K-means");
    if (!s) s = cepman_kmeans_fit(&model, ctx, rows, NULL, NULL, o);
    if (!s) s = describe_options(&r, ctx, "kmeans", o, NULL);
    if (!s) s = number(&r, ctx, "inertia", cepman_kmeans_inertia(model));
    if (!s) s = number(&r, ctx, "iterations", (double)cepman_kmeans_iterations(model));
    if (!s) s = finish(t, ctx, index, cepman_labels_data(cepman_kmeans_labels(model)), &r);
    cepman_kmeans_unref(model);
    cepman_matrix_unref(rows);
    cepman_options_unref(o);
    cep_split_clear(t->mem, &r.split);
    return s;
}

cepman_status cepman_hierarchy_split_mixture(cepman_hierarchy *t, cepman_context *ctx, uint64_t node,
                                             const cepman_matrix *matrix, const cepman_options *given)
{
    uint32_t index;
    cepman_status s = start(t, ctx, node, matrix, &index);
    if (s) return s;
    record r = {.mem = t->mem};
    cepman_options *o = NULL;
    cepman_matrix *rows = NULL;
    cepman_mixture *model = NULL;
    s = given ? cepman_options_copy(&o, ctx, given) : cepman_mixture_options_create(&o, ctx);
    if (!s) s = cep_hierarchy_rows(&rows, ctx, t, index, matrix, "split by a mixture");
    if (!s) s = cepman_mixture_fit(&model, ctx, rows, NULL, o);
    if (!s) s = describe_options(&r, ctx, "mixture", o, NULL);
    if (!s) s = number(&r, ctx, "bic", cepman_mixture_bic(model));
    if (!s) s = number(&r, ctx, "aic", cepman_mixture_aic(model));
    if (!s) s = number(&r, ctx, "log-likelihood", cepman_mixture_log_likelihood(model));
    if (!s) s = finish(t, ctx, index, cepman_labels_data(cepman_mixture_labels(model)), &r);
    cepman_mixture_unref(model);
    cepman_matrix_unref(rows);
    cepman_options_unref(o);
    cep_split_clear(t->mem, &r.split);
    return s;
}

/* The caller's options or defaults; min-samples is min-cluster-size when it is not given. */
static cepman_status hdbscan_options(cepman_options **of_tree, cepman_options **options, cepman_context *ctx,
                                     const cepman_options *given_tree, const cepman_options *given)
{
    int64_t least = 0;
    cepman_status s =
        given ? cepman_options_copy(options, ctx, given) : cepman_hdbscan_options_create(options, ctx);
    if (!s)
        s = given_tree ? cepman_options_copy(of_tree, ctx, given_tree)
                       : cepman_hdbscan_tree_options_create(of_tree, ctx);
    if (!s) s = cepman_options_get_integer(*options, ctx, "min-cluster-size", &least);
    if (!s && !cep_options_given(*of_tree, "min-samples"))
        s = cepman_options_set_integer(*of_tree, ctx, "min-samples", least);
    return s;
}

cepman_status cepman_hierarchy_split_hdbscan(cepman_hierarchy *t, cepman_context *ctx, uint64_t node,
                                             const cepman_matrix *matrix, const cepman_options *given_tree,
                                             const cepman_options *given)
{
    uint32_t index;
    cepman_status s = start(t, ctx, node, matrix, &index);
    if (s) return s;
    record r = {.mem = t->mem, .child_name = "persistence"};
    cepman_options *of_tree = NULL, *o = NULL;
    cepman_matrix *rows = NULL;
    cepman_hdbscan_tree *tree = NULL;
    cepman_hdbscan *model = NULL;
    s = hdbscan_options(&of_tree, &o, ctx, given_tree, given);
    if (!s) s = cep_hierarchy_rows(&rows, ctx, t, index, matrix, "split by HDBSCAN");
    if (!s) s = cepman_hdbscan_tree_build(&tree, ctx, rows, of_tree);
    if (!s) s = cepman_hdbscan_extract(&model, ctx, tree, o);
    if (!s && cepman_labels_clusters(cepman_hdbscan_labels(model)) == 0)
        s = cep_fail(ctx, CEPMAN_ERR_DATA,
                     "split of a node: HDBSCAN finds no cluster among the node's %zu points",
                     cepman_matrix_rows(rows));
    if (!s) s = describe_options(&r, ctx, "hdbscan", o, of_tree);
    if (!s) {
        r.child = cepman_hdbscan_persistence(model);
        s = finish(t, ctx, index, cepman_labels_data(cepman_hdbscan_labels(model)), &r);
    }
    cepman_hdbscan_unref(model);
    cepman_hdbscan_tree_unref(tree);
    cepman_matrix_unref(rows);
    cepman_options_unref(o);
    cepman_options_unref(of_tree);
    cep_split_clear(t->mem, &r.split);
    return s;
}

/* ---- connectivity ---------------------------------------------------------------------------------------------------- */

typedef struct piece {
    size_t size;
    uint32_t number;
} piece;

static int larger_first(const void *x, const void *y)
{
    const piece *a = x, *b = y;
    if (a->size != b->size) return a->size < b->size ? 1 : -1;
    return (a->number > b->number) - (a->number < b->number);
}

/* Numbers the members that touch point p; mark: per point, 1 for a member not yet seen. Returns how many. */
static size_t flood(const cepman_hierarchy *t, uint32_t p, uint32_t number_of, unsigned neighbours,
                    uint8_t *mark, uint32_t *piece_of, uint32_t *stack)
{
    static const int dy[] = {-1, 0, 0, 1, -1, -1, 1, 1}, dx[] = {0, -1, 1, 0, -1, 1, -1, 1};
    size_t top = 0, size = 0;
    mark[p] = 0;
    stack[top++] = p;
    while (top) {
        uint32_t q = stack[--top];
        size_t y = q / t->columns, x = q % t->columns;
        piece_of[q] = number_of;
        size++;
        for (unsigned k = 0; k < neighbours; k++) {
            if ((dy[k] < 0 && y == 0) || (dy[k] > 0 && y + 1 == t->rows)) continue;
            if ((dx[k] < 0 && x == 0) || (dx[k] > 0 && x + 1 == t->columns)) continue;
            size_t beside = (size_t)((int64_t)q + (int64_t)dy[k] * (int64_t)t->columns + dx[k]);
            if (!mark[beside]) continue;
            mark[beside] = 0;
            stack[top++] = (uint32_t)beside;
        }
    }
    return size;
}

static cepman_status connected(const cepman_hierarchy *t, cepman_context *ctx, const cep_node *v,
                               unsigned neighbours, size_t least, int32_t *labels)
{
    uint8_t *mark = cep_alloc_zero(t->mem, t->n, 1);
    uint32_t *piece_of = cep_alloc(t->mem, t->n, sizeof *piece_of),
             *stack = cep_alloc(t->mem, v->count, sizeof *stack);
    piece *pieces = cep_alloc(t->mem, v->count, sizeof *pieces);
    int32_t *label = cep_alloc(t->mem, v->count, sizeof *label);
    cepman_status s = mark && piece_of && stack && pieces && label
                          ? CEPMAN_OK
                          : cep_fail_memory(ctx, "split by connectivity", t->n, sizeof *piece_of);
    const uint32_t *own = t->order + v->first;
    size_t count = 0, kept = 0;
    for (size_t i = 0; !s && i < v->count; i++)
        mark[own[i]] = 1;
    for (size_t i = 0; !s && i < v->count; i++) {
        if (!mark[own[i]]) continue;
        pieces[count].size = flood(t, own[i], (uint32_t)count, neighbours, mark, piece_of, stack);
        pieces[count].number = (uint32_t)count;
        if (count++ % 4096 == 0) s = cep_poll(ctx);
    }
    if (!s) {
        qsort(pieces, count, sizeof *pieces, larger_first);
        for (size_t c = 0; c < count; c++)
            label[pieces[c].number] = pieces[c].size >= least ? (int32_t)kept++ : NOISE;
        for (size_t i = 0; i < v->count; i++)
            labels[i] = label[piece_of[own[i]]];
        if (!kept)
            s = cep_fail(ctx, CEPMAN_ERR_DATA,
                         "split by connectivity: the largest piece has %zu points, fewer than %zu",
                         pieces[0].size, least);
    }
    cep_free(t->mem, label);
    cep_free(t->mem, pieces);
    cep_free(t->mem, stack);
    cep_free(t->mem, piece_of);
    cep_free(t->mem, mark);
    return s;
}

cepman_status cepman_hierarchy_split_connected(cepman_hierarchy *t, cepman_context *ctx, uint64_t node,
                                               unsigned neighbours, size_t least)
{
    uint32_t index;
    cepman_status s = start(t, ctx, node, t, &index);
    if (s) return s;
    CEP_REQUIRE(ctx, neighbours == 4 || neighbours == 8, CEPMAN_ERR_RANGE,
                "split by connectivity: neighbours is %u, must be 4 or 8", neighbours);
    CEP_REQUIRE(ctx, t->rows, CEPMAN_ERR_SHAPE, "split by connectivity: the tree has no scan");
    const cep_node *v = &t->node[index];
    CEP_REQUIRE(ctx, v->count <= INT32_MAX, CEPMAN_ERR_RANGE, "split by connectivity: %zu points, at most %d",
                v->count, INT32_MAX);
    record r = {.mem = t->mem};
    char text[80];
    snprintf(text, sizeof text, "neighbours=%u least=%zu", neighbours, least);
    int32_t *labels = cep_alloc(t->mem, v->count, sizeof *labels);
    s = labels ? connected(t, ctx, v, neighbours, least, labels)
               : cep_fail_memory(ctx, "split by connectivity", v->count, sizeof *labels);
    if (!s) s = describe(&r, ctx, "connectivity", text, 0);
    if (!s) s = finish(t, ctx, index, labels, &r);
    cep_free(t->mem, labels);
    cep_split_clear(t->mem, &r.split);
    return s;
}
