/* Principal components over all ranks: sums of each leaf, merged in a binary tree over the leaves; rank 0 solves.
 * Chan, Golub and LeVeque, Am. Stat. 37 (1983) 242; the tree is that of the leaves, so that bits do not depend on how many
 * ranks there are.
 * Must not: stop on one rank while another waits for its sums; failures are kept until all agree. */
#include <string.h>

#include "internal.h"

#define PCA_SETTINGS "settings of the components (their sum)"

/* Sums of a node of the tree, as cepman_pca_accumulator_export() writes them. */
typedef struct sums {
    struct sums *next;
    double *numbers;
} sums;

typedef struct tree {
    cepman_mpi *g;
    const cep_mpi_source *m;
    size_t first, end; /* the rank's leaves */
    size_t numbers;    /* of a node */
    size_t agreed;     /* rounds of agreement done */
    sums *head, *last; /* the rank's own nodes, in the order of the tree */
    double *incoming;  /* another rank's */
    cepman_pca_accumulator *adder;
    cepman_status status; /* this rank's, while messages go on */
    bool told;            /* the same on all ranks */
} tree;

static size_t middle(size_t lo, size_t hi)
{
    return lo + (hi - lo) / 2;
}

static int owner(const tree *t, size_t leaf)
{
    return cep_mpi_owner(&t->m->leaves, leaf, t->g->ranks);
}

static cepman_status sum_leaf(const tree *t, size_t leaf)
{
    const cep_mpi_source *m = t->m;
    size_t first, count;
    cep_mpi_rows(&m->leaves, leaf, &first, &count);
    for (size_t i = 0; i < count; i += m->step) {
        const size_t n = count - i < m->step ? count - i : m->step;
        cepman_status s = cep_mpi_read(m, t->g, first + i, n);
        if (s) return s;
        s = cepman_pca_accumulator_add(t->adder, t->g->ctx, m->block, n, m->columns);
        if (s)
            return cep_mpi_fail(t->g, s, "of the rows from %zu on: %.900s", first,
                                cepman_context_error(t->g->ctx));
    }
    return CEPMAN_OK;
}

/* A block for a node: its head and its numbers behind it. */
static cepman_status new_node(sums **out, const tree *t)
{
    enum { HEAD = 64 };
    unsigned char *block = NULL;
    cepman_status s =
        cep_mpi_alloc(t->g, &block, 1, HEAD + t->numbers * sizeof(double), "sums of principal components");
    if (s) return s;
    *out = (sums *)(void *)block;
    **out = (sums){NULL, (double *)(void *)(block + HEAD)};
    return CEPMAN_OK;
}

/* The node of a leaf; NULL after a failure. */
static sums *make_leaf(tree *t, size_t leaf)
{
    sums *x = NULL;
    cepman_pca_accumulator_reset(t->adder);
    cepman_status s = sum_leaf(t, leaf);
    if (!s) s = new_node(&x, t);
    if (!s) s = cepman_pca_accumulator_export(t->adder, t->g->ctx, x->numbers);
    if (!s) return x;
    cepman_context_release(x);
    t->status = s;
    return NULL;
}

/* Sums of two nodes in their order, in the place of the left ones. */
static void join(tree *t, double *left, const double *right)
{
    cepman_context *ctx = t->g->ctx;
    cepman_pca_accumulator_reset(t->adder);
    cepman_status s = cepman_pca_accumulator_merge(t->adder, ctx, left);
    if (!s) s = cepman_pca_accumulator_merge(t->adder, ctx, right);
    if (!s) s = cepman_pca_accumulator_export(t->adder, ctx, left);
    if (s) t->status = s;
}

static void agree(tree *t)
{
    t->agreed++;
    t->status = cepman_mpi_agree(t->g, t->status);
    t->told = t->status != CEPMAN_OK;
}

/* The node lo .. hi - 1, all of it the rank's. All ranks agree after each leaf. */
static sums *own_node(tree *t, size_t lo, size_t hi)
{
    sums *x = NULL;
    if (hi - lo == 1) {
        if (t->told) return NULL;
        if (!t->status) x = make_leaf(t, lo);
        agree(t);
        return x;
    }
    sums *left = own_node(t, lo, middle(lo, hi)), *right = own_node(t, middle(lo, hi), hi);
    if (!t->status) join(t, left->numbers, right->numbers);
    cepman_context_release(right);
    return left;
}

/* The largest nodes below lo .. hi - 1 that are the rank's alone, to the list. */
static void own_nodes(tree *t, size_t lo, size_t hi)
{
    if (lo >= t->end || hi <= t->first || lo >= hi) return;
    if (lo < t->first || hi > t->end) {
        own_nodes(t, lo, middle(lo, hi));
        own_nodes(t, middle(lo, hi), hi);
        return;
    }
    sums *x = own_node(t, lo, hi);
    if (!x) return;
    if (t->last)
        t->last->next = x;
    else
        t->head = x;
    t->last = x;
}

/* The sums of lo .. hi - 1 at the rank that has leaf lo; NULL elsewhere. All ranks walk the tree in the same order, so each
 * message finds its receiver. */
static sums *combine(tree *t, size_t lo, size_t hi)
{
    const int me = t->g->rank, at = owner(t, lo);
    if (at == owner(t, hi - 1)) {
        sums *x = at == me ? t->head : NULL;
        if (x) t->head = x->next;
        return x;
    }
    const int from = owner(t, middle(lo, hi));
    const size_t bytes = t->numbers * sizeof(double);
    sums *left = combine(t, lo, middle(lo, hi)), *right = combine(t, middle(lo, hi), hi);
    if (me == from && from != at) {
        const cepman_status s = cep_mpi_send(t->g, right->numbers, bytes, at);
        if (s) t->status = s;
        cepman_context_release(right);
        return NULL;
    }
    if (me != at) return NULL;
    if (from != at) {
        const cepman_status s = cep_mpi_receive(t->g, t->incoming, bytes, from);
        if (s) t->status = s;
    }
    /* After a failure they are wrong, but somebody may wait for them; it is told at the end. */
    if (!t->status) join(t, left->numbers, right ? right->numbers : t->incoming);
    cepman_context_release(right);
    return left;
}

/* ---- the model ----------------------------------------------------------------------------------------------------- */

static cepman_status solve(cepman_pca **out, const tree *t, const sums *all, const cepman_options *options)
{
    cepman_status s = CEPMAN_OK;
    cepman_pca_accumulator_reset(t->adder);
    if (all) s = cepman_pca_accumulator_merge(t->adder, t->g->ctx, all->numbers);
    return s ? s : cepman_pca_accumulator_finish(out, t->g->ctx, t->adder, options);
}

/* Mean, variances, total, components, as one message. */
static void pack(double *to, const cepman_pca *p)
{
    const size_t d = cepman_pca_features(p), k = cepman_pca_components(p);
    memcpy(to, cepman_pca_mean(p), d * sizeof *to);
    memcpy(to + d, cepman_pca_variance(p), k * sizeof *to);
    to[d + k] = cepman_pca_total_variance(p);
    for (size_t j = 0; j < k; j++)
        memcpy(to + d + k + 1 + j * d, cepman_pca_component(p, j), d * sizeof *to);
}

/* Rank 0's model to all. */
static cepman_status share(cepman_pca **p, cepman_mpi *g, size_t d, const cepman_options *options)
{
    uint64_t k = cepman_pca_components(*p);
    double *x = NULL;
    int whiten = 0;
    cepman_status s = cep_mpi_broadcast(g, &k, sizeof k);
    if (s) return s;
    const size_t count = d + k + 1 + k * d;
    s = cepman_mpi_agree(g, cep_mpi_alloc(g, &x, count, sizeof *x, "principal components"));
    if (!s && g->rank == 0) pack(x, *p);
    if (!s) s = cep_mpi_broadcast(g, x, count * sizeof *x);
    if (!s) {
        if (options) s = cepman_options_get_flag(options, g->ctx, "whiten", &whiten);
        if (!s && g->rank) s = cepman_pca_copy(p, g->ctx, d, k, x, x + d + k + 1, x + d, x[d + k], whiten);
        s = cepman_mpi_agree(g, s);
    }
    cepman_context_release(x);
    return s;
}

static cepman_status fit(cepman_pca **out, cepman_mpi *g, const cep_mpi_source *m,
                         const cepman_options *options)
{
    const size_t leaves = m->leaves.count, d = m->columns;
    tree t = {.g = g, .m = m, .numbers = 1 + d + d * (d + 1) / 2};
    sums *all = NULL;
    cepman_pca *p = NULL;
    cep_mpi_run(&m->leaves, g->rank, g->ranks, &t.first, &t.end);
    t.status = cepman_pca_accumulator_create(&t.adder, g->ctx, d);
    own_nodes(&t, 0, leaves);
    while (!t.told && t.agreed < cep_mpi_rounds(&m->leaves, g->ranks))
        agree(&t);
    if (!t.told) {
        if (!t.status)
            t.status = cep_mpi_alloc(g, &t.incoming, t.numbers, sizeof *t.incoming, "sums of another rank");
        agree(&t);
    }
    if (!t.told && leaves) all = combine(&t, 0, leaves);
    if (!t.told) {
        if (!t.status && g->rank == 0) t.status = solve(&p, &t, all, options);
        agree(&t);
    }
    while (t.head) {
        sums *next = t.head->next;
        cepman_context_release(t.head);
        t.head = next;
    }
    cepman_context_release(all);
    cepman_context_release(t.incoming);
    cepman_pca_accumulator_unref(t.adder);
    cepman_status s = t.status ? t.status : share(&p, g, d, options);
    if (s)
        cepman_pca_unref(p);
    else
        *out = p;
    return s;
}

/* Leaf by leaf and block by block, as the sums: the products' shapes do not depend on the ranks. */
static cepman_status project(cepman_matrix **out, cepman_mpi *g, const cep_mpi_source *m, const cepman_pca *p)
{
    const size_t k = cepman_pca_components(p);
    size_t leaf, end, first, count, from;
    float *scores = NULL;
    cepman_matrix *made = NULL;
    cep_mpi_run(&m->leaves, g->rank, g->ranks, &leaf, &end);
    cepman_mpi_shard(g, m->leaves.rows, g->rank, &from, &count);
    cepman_status s = cepman_mpi_agree(g, cep_mpi_alloc(g, &scores, count, k * sizeof *scores, "scores"));
    for (size_t round = 0; !s && round < cep_mpi_rounds(&m->leaves, g->ranks); round++) {
        if (leaf + round < end) {
            cep_mpi_rows(&m->leaves, leaf + round, &first, &count);
            for (size_t i = 0; !s && i < count; i += m->step) {
                const size_t n = count - i < m->step ? count - i : m->step;
                s = cep_mpi_read(m, g, first + i, n);
                if (!s)
                    s = cepman_pca_project(p, g->ctx, m->block, n, m->columns,
                                           scores + (first + i - from) * k, k);
            }
        }
        s = cepman_mpi_agree(g, s);
    }
    if (s) {
        cepman_context_release(scores);
        return s;
    }
    cepman_mpi_shard(g, m->leaves.rows, g->rank, &from, &count);
    s = cepman_mpi_agree(g, cep_mpi_own(&made, g, scores, count, k));
    if (s)
        cepman_matrix_unref(made);
    else
        *out = made;
    return s;
}

cepman_status cepman_mpi_pca_fit(cepman_pca **out, cepman_mpi *g, const cepman_matrix *shard,
                                 const cepman_options *options)
{
    cep_mpi_source m = {0};
    cepman_status s = cep_mpi_enter(g, out && shard);
    if (s) return s;
    s = cep_mpi_same_options(g, options, cepman_pca_options_create, PCA_SETTINGS);
    if (!s) s = cep_mpi_open_shard(&m, g, shard);
    if (!s) s = fit(out, g, &m, options);
    cep_mpi_close(&m);
    return s;
}

cepman_status cepman_mpi_pca_apply(cepman_matrix **scores, cepman_mpi *g, const cepman_pca *pca,
                                   const cepman_matrix *shard)
{
    cep_mpi_source m = {0};
    cepman_status s = cep_mpi_enter(g, scores && pca && shard);
    if (s) return s;
    s = cep_mpi_open_shard(&m, g, shard);
    if (!s)
        s = cepman_mpi_agree(g,
                             cepman_pca_features(pca) == m.columns
                                 ? CEPMAN_OK
                                 : cep_mpi_fail(g, CEPMAN_ERR_SHAPE,
                                                "scores: the shard has %zu columns, the components take %zu",
                                                m.columns, cepman_pca_features(pca)));
    if (!s) s = project(scores, g, &m, pca);
    cep_mpi_close(&m);
    return s;
}

cepman_status cepman_mpi_pca_stream(cepman_pca **pca, cepman_matrix **scores, cepman_mpi *g,
                                    const cepman_cepstrum *cepstrum, cepman_dataset *dataset,
                                    const cepman_options *options)
{
    cep_mpi_source m = {0};
    cepman_pca *p = NULL;
    cepman_status s = cep_mpi_enter(g, pca && scores && cepstrum && dataset);
    if (s) return s;
    s = cep_mpi_same_options(g, options, cepman_pca_options_create, PCA_SETTINGS);
    if (!s) s = cep_mpi_open_frames(&m, g, cepstrum, dataset);
    if (!s) s = fit(&p, g, &m, options);
    if (!s) s = project(scores, g, &m, p);
    cep_mpi_close(&m);
    if (s)
        cepman_pca_unref(p);
    else
        *pca = p;
    return s;
}
