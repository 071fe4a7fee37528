/* The tree of rounds from inside: nodes in preorder over one permutation of the points, and how it is changed. */
#ifndef CEP_CLUSTER_HIERARCHY_TREE_H
#define CEP_CLUSTER_HIERARCHY_TREE_H

#include <cepman/hierarchy.h>

#include "base.h"
#include "matrix.h"

#define CEP_NODE_NAME 64 /* bytes of a score's name with its end */
#define CEP_NODE_SCORES 256
#define CEP_NODE_TEXT 65535 /* bytes of a node's text, at most */
#define CEP_NO_NODE UINT32_MAX

typedef struct cep_score {
    char name[CEP_NODE_NAME];
    double value;
} cep_score;

/* What is known of a split; the texts are the node's. */
typedef struct cep_split {
    char *method, *parameters, *space, *version; /* NULL: none */
    uint64_t seed;
    cep_score *score;
    size_t scores;
} cep_split;

typedef struct cep_node {
    uint64_t id;
    uint32_t parent; /* index, CEP_NO_NODE of the root */
    int32_t label;
    cepman_node_kind kind;
    uint32_t children;
    size_t depth, first, count; /* its points are order[first] .. order[first + count - 1] */
    cep_split split;
} cep_node;

struct cepman_hierarchy {
    cep_refs refs;
    cep_memory *mem;
    size_t n, rows, columns;
    cep_node *node; /* preorder; node 0 is the root */
    uint32_t *by_id;
    size_t nodes;
    uint32_t *order;
    uint64_t next_id;
};

/* The index of a node, CEP_NO_NODE when there is none; and with a sentence. */
uint32_t cep_hierarchy_index(const cepman_hierarchy *tree, uint64_t id);
cepman_status cep_hierarchy_require(const cepman_hierarchy *tree, cepman_context *ctx, uint64_t id,
                                    uint32_t *index);

/* The node after everything below node i. */
size_t cep_hierarchy_after(const cepman_hierarchy *tree, size_t i);

void cep_split_clear(cep_memory *mem, cep_split *split);
/* Adds a number or changes it; false: no memory. */
bool cep_split_score(cep_memory *mem, cep_split *split, const char *name, double value);

/* A change in the making: the tree's nodes and further ones, which stand behind their elder siblings, and each point's
 * leaf. cep_draft_commit() makes it the tree; cep_draft_clear() in every case. */
typedef struct cep_draft {
    cepman_hierarchy *tree;
    cep_memory *mem;
    cep_node *node; /* splits belong to the tree up to `old`, beyond to the draft */
    bool *gone;
    size_t old, nodes;
    uint32_t *leaf; /* per point, an index of node */
} cep_draft;

cepman_status cep_draft_begin(cep_draft *draft, cepman_context *ctx, cepman_hierarchy *tree, size_t more);
/* A new node below `parent`; returns its index. */
uint32_t cep_draft_add(cep_draft *draft, uint32_t parent, cepman_node_kind kind, int32_t label);
/* Everything below a node goes, its points to the leaf `to`. */
void cep_draft_drop(cep_draft *draft, uint32_t below, uint32_t to);
cepman_status cep_draft_commit(cep_draft *draft, cepman_context *ctx);
void cep_draft_clear(cep_draft *draft);

/* An empty tree to be filled: every array but order and node is left to the caller. */
cepman_status cep_hierarchy_new(cepman_hierarchy **out, cepman_context *ctx, size_t points, size_t rows,
                                size_t columns);
/* by_id, children and depth from ids and parents. */
cepman_status cep_hierarchy_link(cepman_hierarchy *tree, cepman_context *ctx);

/* The members' rows of a matrix that has one per member, or one per point. */
cepman_status cep_hierarchy_rows(cepman_matrix **out, cepman_context *ctx, const cepman_hierarchy *tree,
                                 uint32_t index, const cepman_matrix *matrix, const char *what);

/* A file's bytes to a tree, what a file's parser and its fuzzer share. */
cepman_status cep_hierarchy_parse(cepman_hierarchy **out, cepman_context *ctx, const unsigned char *bytes,
                                  size_t size, const char *name);
/* Texts: no control characters, at most CEP_NODE_TEXT bytes; names of numbers: 1 to 63 of a-z, 0-9, - and _. */
bool cep_hierarchy_good_text(const char *text, size_t length);
bool cep_hierarchy_good_name(const char *name, size_t length);
uint64_t cep_hierarchy_checksum(const unsigned char *bytes, size_t size);

#endif
