/* Changes of a tree of rounds other than splits, and the labels it stands for.
 * Noise goes to the nearest neighbour's leaf (Cover and Hart 1967), by exact distances, ties to the lower point.
 * Must not: give a point to a leaf that is noise or excluded. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "hierarchy_tree.h"
#include "points.h"

#define WORK 4000000

static bool is_cluster(const cep_node *v)
{
    return v->kind == CEPMAN_NODE_CLUSTER || v->kind == CEPMAN_NODE_ROOT;
}

cepman_status cepman_hierarchy_prune(cepman_hierarchy *t, cepman_context *ctx, uint64_t node)
{
    cepman_status s = cep_enter(ctx);
    uint32_t index;
    if (s) return s;
    CEP_REQUIRE(ctx, t, CEPMAN_ERR_ARGUMENT, "prune: the tree is NULL");
    s = cep_hierarchy_require(t, ctx, node, &index);
    if (s || !t->node[index].children) return s;
    cep_draft d;
    s = cep_draft_begin(&d, ctx, t, 0);
    if (!s) {
        cep_draft_drop(&d, index, index);
        s = cep_draft_commit(&d, ctx);
    }
    if (!s) cep_split_clear(t->mem, &t->node[cep_hierarchy_index(t, node)].split);
    cep_draft_clear(&d);
    return s;
}

cepman_status cepman_hierarchy_merge(cepman_hierarchy *t, cepman_context *ctx, const uint64_t *nodes,
                                     size_t count)
{
    cepman_status s = cep_enter(ctx);
    uint32_t first, index;
    if (s) return s;
    CEP_REQUIRE(ctx, t && nodes, CEPMAN_ERR_ARGUMENT, "merge: an argument is NULL");
    CEP_REQUIRE(ctx, count >= 2, CEPMAN_ERR_RANGE, "merge: %zu nodes, must be at least 2", count);
    s = cep_hierarchy_require(t, ctx, nodes[0], &first);
    if (s) return s;
    CEP_REQUIRE(ctx, t->node[first].parent != CEP_NO_NODE, CEPMAN_ERR_RANGE,
                "merge: the root has no siblings");
    cep_draft d;
    s = cep_draft_begin(&d, ctx, t, 0);
    if (!s) cep_draft_drop(&d, first, first);
    for (size_t i = 1; !s && i < count; i++) {
        s = cep_hierarchy_require(t, ctx, nodes[i], &index);
        if (!s && t->node[index].parent != t->node[first].parent)
            s = cep_fail(ctx, CEPMAN_ERR_RANGE, "merge: nodes %llu and %llu are not siblings",
                         (unsigned long long)nodes[0], (unsigned long long)nodes[i]);
        if (!s && (index == first || d.gone[index]))
            s = cep_fail(ctx, CEPMAN_ERR_RANGE, "merge: node %llu is named twice",
                         (unsigned long long)nodes[i]);
        if (s) break;
        cep_draft_drop(&d, index, first);
        d.gone[index] = true;
    }
    if (!s) s = cep_draft_commit(&d, ctx);
    if (!s) cep_split_clear(t->mem, &t->node[cep_hierarchy_index(t, nodes[0])].split);
    cep_draft_clear(&d);
    return s;
}

/* ---- noise ----------------------------------------------------------------------------------------------------------- */

typedef struct nearest_job {
    const float **row; /* per point of the parent, NULL where it is not finite */
    const uint32_t *noise, *known;
    size_t noises, knowns, d, chunk;
    uint32_t *nearest; /* per noise point: an index into known's points, UINT32_MAX: none */
} nearest_job;

static cepman_status nearest_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    nearest_job *job = argument;
    (void)worker;
    (void)fault;
    for (size_t i = index * job->chunk; i < (index + 1) * job->chunk && i < job->noises; i++) {
        const float *x = job->row[job->noise[i]];
        double best = (double)INFINITY;
        job->nearest[i] = UINT32_MAX;
        for (size_t k = 0; x && k < job->knowns; k++) {
            double s = cep_squared_fast(x, job->row[job->known[k]], job->d);
            if (s < best) {
                best = s;
                job->nearest[i] = job->known[k];
            }
        }
    }
    return CEPMAN_OK;
}

static const float *finite_row(const cepman_matrix *m, size_t i)
{
    const float *x = cepman_matrix_row(m, i);
    for (size_t j = 0; j < cepman_matrix_columns(m); j++)
        if (!isfinite(x[j])) return NULL;
    return x;
}

/* Sends the noise node's points to their leaves in the draft; *stay: how many do not go. members: of the parent. */
static cepman_status send(cep_draft *d, cepman_context *ctx, const cepman_matrix *rows, const size_t *members,
                          size_t count, uint32_t noise_node, const bool *good, size_t *stay)
{
    cep_memory *mem = d->mem;
    nearest_job job = {.d = cepman_matrix_columns(rows)};
    uint32_t *noise = cep_alloc(mem, count, sizeof *noise), *known = cep_alloc(mem, count, sizeof *known);
    uint32_t *nearest = cep_alloc(mem, count, sizeof *nearest);
    job.row = cep_alloc(mem, count, sizeof *job.row);
    cepman_status s = noise && known && nearest && job.row
                          ? CEPMAN_OK
                          : cep_fail_memory(ctx, "noise of a node", count, sizeof *job.row);
    for (size_t i = 0; !s && i < count; i++) {
        uint32_t leaf = d->leaf[members[i]];
        job.row[i] = finite_row(rows, i);
        if (leaf == noise_node)
            noise[job.noises++] = (uint32_t)i;
        else if (good[leaf] && job.row[i])
            known[job.knowns++] = (uint32_t)i;
        if (i % 65536 == 65535) s = cep_poll(ctx);
    }
    if (!s && !job.knowns)
        s = cep_fail(ctx, CEPMAN_ERR_DATA, "noise of a node: no point of a cluster beside it to go to");
    if (!s) {
        job.noise = noise;
        job.known = known;
        job.nearest = nearest;
        job.chunk = WORK / (job.knowns * (job.d + 4)) + 1;
        s = cep_parallel(ctx, "noise", (job.noises + job.chunk - 1) / job.chunk, nearest_chunk, &job);
    }
    *stay = 0;
    for (size_t i = 0; !s && i < job.noises; i++) {
        if (nearest[i] == UINT32_MAX)
            ++*stay;
        else
            d->leaf[members[noise[i]]] = d->leaf[members[nearest[i]]];
    }
    cep_free(mem, job.row);
    cep_free(mem, nearest);
    cep_free(mem, known);
    cep_free(mem, noise);
    return s;
}

cepman_status cepman_hierarchy_assign_noise(cepman_hierarchy *t, cepman_context *ctx, uint64_t node,
                                            const cepman_matrix *matrix)
{
    cepman_status s = cep_enter(ctx);
    uint32_t index;
    if (s) return s;
    CEP_REQUIRE(ctx, t && matrix, CEPMAN_ERR_ARGUMENT, "noise of a node: an argument is NULL");
    s = cep_hierarchy_require(t, ctx, node, &index);
    if (s) return s;
    CEP_REQUIRE(ctx, t->node[index].kind == CEPMAN_NODE_NOISE && !t->node[index].children, CEPMAN_ERR_RANGE,
                "noise of a node: node %llu is not a leaf of noise", (unsigned long long)node);
    uint32_t parent = t->node[index].parent;
    size_t count = t->node[parent].count, stay = 0;
    cep_draft d = {0};
    cepman_matrix *rows = NULL;
    bool *good = cep_alloc_zero(t->mem, t->nodes, sizeof *good);
    size_t *members = cep_alloc(t->mem, count, sizeof *members);
    if (!good || !members) s = cep_fail_memory(ctx, "noise of a node", count, sizeof *members);
    if (!s) s = cepman_hierarchy_members(members, ctx, t, t->node[parent].id);
    if (!s) s = cep_hierarchy_rows(&rows, ctx, t, parent, matrix, "noise of a node");
    if (!s) s = cep_draft_begin(&d, ctx, t, 0);
    if (!s) {
        /* Clusters below the parent by clusters alone. */
        for (size_t i = (size_t)parent + 1; i < t->nodes && t->node[i].depth > t->node[parent].depth; i++)
            good[i] = is_cluster(&t->node[i]) && (t->node[i].parent == parent || good[t->node[i].parent]);
        s = send(&d, ctx, rows, members, count, index, good, &stay);
    }
    if (!s) {
        d.gone[index] = stay == 0;
        s = cep_draft_commit(&d, ctx);
    }
    cep_draft_clear(&d);
    cepman_matrix_unref(rows);
    cep_free(t->mem, members);
    cep_free(t->mem, good);
    return s;
}

/* ---- what the caller says --------------------------------------------------------------------------------------------- */

cepman_status cepman_hierarchy_set_space(cepman_hierarchy *t, cepman_context *ctx, uint64_t node,
                                         const char *space)
{
    cepman_status s = cep_enter(ctx);
    uint32_t index;
    if (s) return s;
    CEP_REQUIRE(ctx, t && space, CEPMAN_ERR_ARGUMENT, "space of a node: an argument is NULL");
    s = cep_hierarchy_require(t, ctx, node, &index);
    if (s) return s;
    CEP_REQUIRE(ctx, cep_hierarchy_good_text(space, strlen(space)), CEPMAN_ERR_RANGE,
                "space of a node: the text has more than %d bytes or a control character", CEP_NODE_TEXT);
    char *copy = cep_strdup(t->mem, space);
    if (!copy) return cep_fail_memory(ctx, "space of a node", strlen(space) + 1, 1);
    cep_free(t->mem, t->node[index].split.space);
    t->node[index].split.space = copy;
    return CEPMAN_OK;
}

cepman_status cepman_hierarchy_set_score(cepman_hierarchy *t, cepman_context *ctx, uint64_t node,
                                         const char *name, double value)
{
    cepman_status s = cep_enter(ctx);
    uint32_t index;
    if (s) return s;
    CEP_REQUIRE(ctx, t && name, CEPMAN_ERR_ARGUMENT, "score of a node: an argument is NULL");
    s = cep_hierarchy_require(t, ctx, node, &index);
    if (s) return s;
    CEP_REQUIRE(ctx, cep_hierarchy_good_name(name, strlen(name)), CEPMAN_ERR_RANGE,
                "score of a node: the name '%.80s' must be 1 to 63 of a-z, 0-9, - and _", name);
    CEP_REQUIRE(ctx, t->node[index].split.scores < CEP_NODE_SCORES, CEPMAN_ERR_RANGE,
                "score of a node: it has %d numbers, which is the most", CEP_NODE_SCORES);
    if (cep_split_score(t->mem, &t->node[index].split, name, value)) return CEPMAN_OK;
    return cep_fail_memory(ctx, "score of a node", t->node[index].split.scores + 1, sizeof(cep_score));
}

/* ---- labels ----------------------------------------------------------------------------------------------------------- */

/* Whether node i gives a label at this depth: a cluster there, or a cluster that ends before, below clusters alone. */
static bool labelled(const cepman_hierarchy *t, size_t i, size_t depth)
{
    const cep_node *v = &t->node[i];
    if (v->depth > depth || (v->depth < depth && v->children)) return false;
    for (const cep_node *u = v;; u = &t->node[u->parent]) {
        if (!is_cluster(u)) return false;
        if (u->parent == CEP_NO_NODE) return true;
    }
}

cepman_status cepman_hierarchy_labels(cepman_labels **out, cepman_context *ctx, const cepman_hierarchy *t,
                                      size_t depth)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && t, CEPMAN_ERR_ARGUMENT, "labels of a tree: an argument is NULL");
    cepman_labels *labels = NULL;
    int32_t *l, next = 0;
    s = cep_labels_create(&labels, ctx, t->n, &l);
    if (s) return s;
    for (size_t i = 0; i < t->n; i++)
        l[i] = -1;
    for (size_t i = 0; i < t->nodes; i++) {
        const cep_node *v = &t->node[i];
        if (!labelled(t, i, depth)) continue;
        for (size_t k = 0; k < v->count; k++)
            l[t->order[v->first + k]] = next;
        next++;
    }
    cep_labels_seal(labels);
    *out = labels;
    return CEPMAN_OK;
}

size_t cepman_hierarchy_label_nodes(const cepman_hierarchy *t, size_t depth, uint64_t *nodes, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; t && i < t->nodes; i++)
        if (labelled(t, i, depth)) {
            if (nodes && count < room) nodes[count] = t->node[i].id;
            count++;
        }
    return count;
}

size_t cepman_hierarchy_height(const cepman_hierarchy *t)
{
    size_t height = 0;
    for (size_t i = 0; t && i < t->nodes; i++)
        if (t->node[i].depth > height) height = t->node[i].depth;
    return height;
}

cepman_status cepman_hierarchy_paths(int32_t *paths, cepman_context *ctx, const cepman_hierarchy *t,
                                     size_t depth)
{
    cepman_status s = cep_enter(ctx);
    size_t cells;
    if (s) return s;
    CEP_REQUIRE(ctx, paths && t, CEPMAN_ERR_ARGUMENT, "paths of a tree: an argument is NULL");
    CEP_REQUIRE(ctx, cep_mul(t->n, depth, &cells), CEPMAN_ERR_RANGE,
                "paths of a tree: a depth of %zu for %zu points", depth, t->n);
    for (size_t i = 0; i < cells; i++)
        paths[i] = -3;
    for (size_t i = 1; i < t->nodes; i++) {
        const cep_node *v = &t->node[i];
        for (size_t k = 0; v->depth <= depth && k < v->count; k++)
            paths[t->order[v->first + k] * depth + v->depth - 1] = v->label;
    }
    return CEPMAN_OK;
}
