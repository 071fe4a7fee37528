/* Drafts of a tree of rounds: nodes are added and dropped and points sent to other leaves; the commit puts the nodes in
 * preorder, counts, and lays the points out by a counting sort over the leaves.
 * Must not: touch the tree before everything that can fail has been done. */
#include <string.h>

#include "hierarchy_tree.h"

cepman_status cep_draft_begin(cep_draft *d, cepman_context *ctx, cepman_hierarchy *t, size_t more)
{
    size_t room;
    *d = (cep_draft){.tree = t, .mem = t->mem, .old = t->nodes, .nodes = t->nodes};
    CEP_REQUIRE(ctx, cep_add(t->nodes, more, &room) && room < UINT32_MAX, CEPMAN_ERR_RANGE,
                "tree of rounds: %zu nodes and %zu more, at most 4294967294", t->nodes, more);
    d->node = cep_alloc_zero(d->mem, room, sizeof *d->node);
    d->gone = cep_alloc_zero(d->mem, room, sizeof *d->gone);
    d->leaf = cep_alloc(d->mem, t->n, sizeof *d->leaf);
    if (!d->node || !d->gone || !d->leaf) {
        cep_draft_clear(d);
        return cep_fail_memory(ctx, "tree of rounds", t->n, sizeof *d->leaf);
    }
    memcpy(d->node, t->node, t->nodes * sizeof *d->node);
    for (size_t i = 0; i < t->nodes; i++)
        for (size_t k = 0; !t->node[i].children && k < t->node[i].count; k++)
            d->leaf[t->order[t->node[i].first + k]] = (uint32_t)i;
    return CEPMAN_OK;
}

uint32_t cep_draft_add(cep_draft *d, uint32_t parent, cepman_node_kind kind, int32_t label)
{
    d->node[d->nodes] = (cep_node){
        .id = d->tree->next_id + (d->nodes - d->old), .parent = parent, .kind = kind, .label = label};
    return (uint32_t)d->nodes++;
}

void cep_draft_drop(cep_draft *d, uint32_t below, uint32_t to)
{
    size_t end = cep_hierarchy_after(d->tree, below);
    const cep_node *v = &d->tree->node[below];
    for (size_t i = (size_t)below + 1; i < end; i++)
        d->gone[i] = true;
    for (size_t k = 0; k < v->count; k++)
        d->leaf[d->tree->order[v->first + k]] = to;
}

/* The nodes that stay in preorder; place[i]: where node i goes. Parents stand before their children in a draft. */
static size_t preorder(const cep_draft *d, uint32_t *head, uint32_t *next, uint32_t *place)
{
    size_t count = 0;
    for (size_t i = d->nodes; i-- > 1;)
        if (!d->gone[i]) {
            next[i] = head[d->node[i].parent];
            head[d->node[i].parent] = (uint32_t)i;
        }
    for (uint32_t v = 0; v != CEP_NO_NODE;) {
        place[v] = (uint32_t)count++;
        if (head[v] != CEP_NO_NODE) {
            v = head[v];
            continue;
        }
        while (v != CEP_NO_NODE && next[v] == CEP_NO_NODE)
            v = d->node[v].parent;
        if (v != CEP_NO_NODE) v = next[v];
    }
    return count;
}

cepman_status cep_draft_commit(cep_draft *d, cepman_context *ctx)
{
    cepman_hierarchy *t = d->tree, fresh = {.mem = d->mem};
    uint32_t *links = cep_alloc(d->mem, d->nodes, 3 * sizeof *links), *place = links;
    size_t *filled = cep_alloc(d->mem, d->nodes, sizeof *filled);
    uint32_t *order = cep_alloc(d->mem, t->n, sizeof *order);
    cepman_status s = CEPMAN_OK;
    if (links) {
        for (size_t i = 0; i < 3 * d->nodes; i++)
            links[i] = CEP_NO_NODE;
        fresh.nodes = preorder(d, links + d->nodes, links + 2 * d->nodes, place);
        fresh.node = cep_alloc_zero(d->mem, fresh.nodes, sizeof *fresh.node);
    }
    if (!links || !filled || !order || !fresh.node)
        s = cep_fail_memory(ctx, "tree of rounds", t->n, sizeof *order);
    for (size_t i = 0; !s && i < d->nodes; i++) {
        if (d->gone[i]) continue;
        cep_node *v = &fresh.node[place[i]];
        *v = d->node[i];
        v->count = 0;
        if (v->parent != CEP_NO_NODE) v->parent = place[v->parent];
    }
    if (!s) s = cep_hierarchy_link(&fresh, ctx);
    if (!s) {
        for (size_t i = 0; i < t->n; i++)
            fresh.node[place[d->leaf[i]]].count++;
        for (size_t i = fresh.nodes; i-- > 1;)
            fresh.node[fresh.node[i].parent].count += fresh.node[i].count;
        /* In preorder a first child starts where its parent does; filled: where the next child starts. */
        for (size_t i = 0; i < fresh.nodes; i++) {
            cep_node *v = &fresh.node[i];
            v->first = v->parent == CEP_NO_NODE ? 0 : filled[v->parent];
            if (v->parent != CEP_NO_NODE) filled[v->parent] += v->count;
            filled[i] = v->first;
        }
        for (size_t i = 0; i < t->n; i++)
            order[filled[place[d->leaf[i]]]++] = (uint32_t)i;
        for (size_t i = 0; i < d->old; i++)
            if (d->gone[i]) cep_split_clear(d->mem, &t->node[i].split);
        t->next_id += d->nodes - d->old;
        cep_free(d->mem, t->node);
        cep_free(d->mem, t->by_id);
        cep_free(d->mem, t->order);
        t->node = fresh.node;
        t->by_id = fresh.by_id;
        t->nodes = fresh.nodes;
        t->order = order;
        d->nodes = d->old; /* their splits are the tree's now */
        order = NULL;
        fresh.node = NULL;
    }
    cep_free(d->mem, fresh.node);
    cep_free(d->mem, order);
    cep_free(d->mem, filled);
    cep_free(d->mem, links);
    return s;
}

void cep_draft_clear(cep_draft *d)
{
    if (!d->mem) return;
    for (size_t i = d->old; d->node && i < d->nodes; i++)
        cep_split_clear(d->mem, &d->node[i].split);
    cep_free(d->mem, d->node);
    cep_free(d->mem, d->gone);
    cep_free(d->mem, d->leaf);
    *d = (cep_draft){0};
}
