/* What the programs of tests/host share: the calls they make, a small chain over all stages, TAP. They stand outside the
 * library as hosts do, so nothing of lib/ and no test library is here. */
#ifndef HOST_H
#define HOST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cepman/cepman.h>

#define HOST_CALLS(X)                                                                                        \
    X(cepman_version)                                                                                        \
    X(cepman_context_create)                                                                                 \
    X(cepman_context_unref)                                                                                  \
    X(cepman_context_error)                                                                                  \
    X(cepman_context_set_threads)                                                                            \
    X(cepman_context_memory_used)                                                                            \
    X(cepman_simulate_options_create)                                                                        \
    X(cepman_simulate)                                                                                       \
    X(cepman_options_set_integer)                                                                            \
    X(cepman_options_unref)                                                                                  \
    X(cepman_dataset_unref)                                                                                  \
    X(cepman_cepstrum_options_create)                                                                        \
    X(cepman_cepstrum_create)                                                                                \
    X(cepman_cepstrum_run)                                                                                   \
    X(cepman_cepstrum_unref)                                                                                 \
    X(cepman_pca_fit)                                                                                        \
    X(cepman_pca_apply)                                                                                      \
    X(cepman_pca_unref)                                                                                      \
    X(cepman_umap_options_create)                                                                            \
    X(cepman_umap_fit)                                                                                       \
    X(cepman_umap_embedding)                                                                                 \
    X(cepman_umap_unref)                                                                                     \
    X(cepman_kmeans_fit)                                                                                     \
    X(cepman_kmeans_labels)                                                                                  \
    X(cepman_kmeans_unref)                                                                                   \
    X(cepman_labels_data)                                                                                    \
    X(cepman_matrix_rows)                                                                                    \
    X(cepman_matrix_columns)                                                                                 \
    X(cepman_matrix_row)                                                                                     \
    X(cepman_matrix_unref)

typedef struct host_api {
#define HOST_MEMBER(name) __typeof__(name) *name;
    HOST_CALLS(HOST_MEMBER)
#undef HOST_MEMBER
} host_api;

/* For programs that link the library. */
#define HOST_ADDRESS(name) name,
#define HOST_LINKED                                                                                          \
    {                                                                                                        \
        HOST_CALLS(HOST_ADDRESS)                                                                             \
    }

static int host_number, host_failures;

static inline void host_check(int good, const char *what)
{
    host_number++;
    host_failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", host_number, what);
    fflush(stdout);
}

static inline int host_end(void)
{
    printf("1..%d\n", host_number);
    return 0;
}

/* FNV-1a over the bits of a matrix. */
static inline uint64_t host_hash(const host_api *c, const cepman_matrix *m)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < c->cepman_matrix_rows(m); i++) {
        const unsigned char *row = (const unsigned char *)c->cepman_matrix_row(m, i);
        for (size_t j = 0; j < 4 * c->cepman_matrix_columns(m); j++)
            h = (h ^ row[j]) * 1099511628211u;
    }
    return h;
}

typedef struct host_result {
    uint64_t features, scores, embedding, labels;
} host_result;

/* Simulated frames of `frame` pixels to clusters by all stages. 0 when good; the sentence is in the context. */
static inline int host_chain(const host_api *c, cepman_context *ctx, int frame, host_result *r)
{
    cepman_options *scene = NULL, *ring = NULL, *how = NULL;
    cepman_dataset *scan = NULL;
    cepman_cepstrum *transform = NULL;
    cepman_matrix *features = NULL, *scores = NULL;
    cepman_pca *pca = NULL;
    cepman_umap *umap = NULL;
    cepman_kmeans *kmeans = NULL;
    cepman_status s = c->cepman_simulate_options_create(&scene, ctx);
    if (!s) s = c->cepman_options_set_integer(scene, ctx, "scan-rows", 12);
    if (!s) s = c->cepman_options_set_integer(scene, ctx, "scan-columns", 10);
    if (!s) s = c->cepman_options_set_integer(scene, ctx, "frame", frame);
    if (!s) s = c->cepman_simulate(&scan, NULL, ctx, scene);
    if (!s) s = c->cepman_cepstrum_options_create(&ring, ctx);
    if (!s) s = c->cepman_options_set_integer(ring, ctx, "ring-in", 2);
    if (!s) s = c->cepman_cepstrum_create(&transform, ctx, scan, ring);
    if (!s) s = c->cepman_cepstrum_run(&features, ctx, transform, scan);
    if (!s) s = c->cepman_pca_fit(&pca, ctx, features, NULL);
    if (!s) s = c->cepman_pca_apply(&scores, ctx, pca, features);
    if (!s) s = c->cepman_umap_options_create(&how, ctx);
    if (!s) s = c->cepman_options_set_integer(how, ctx, "epochs", 20);
    if (!s) s = c->cepman_umap_fit(&umap, ctx, features, how);
    if (!s) s = c->cepman_kmeans_fit(&kmeans, ctx, c->cepman_umap_embedding(umap), NULL, NULL, NULL);
    if (!s) {
        r->features = host_hash(c, features);
        r->scores = host_hash(c, scores);
        r->embedding = host_hash(c, c->cepman_umap_embedding(umap));
        r->labels = 0;
        for (size_t i = 0; i < 120; i++)
            r->labels = 31 * r->labels + (uint64_t)c->cepman_labels_data(c->cepman_kmeans_labels(kmeans))[i];
    } else {
        printf("# %s\n", c->cepman_context_error(ctx));
    }
    c->cepman_kmeans_unref(kmeans);
    c->cepman_umap_unref(umap);
    c->cepman_options_unref(how);
    c->cepman_matrix_unref(scores);
    c->cepman_pca_unref(pca);
    c->cepman_matrix_unref(features);
    c->cepman_cepstrum_unref(transform);
    c->cepman_options_unref(ring);
    c->cepman_dataset_unref(scan);
    c->cepman_options_unref(scene);
    return s;
}

/* The same in a context of its own. */
static inline int host_whole(const host_api *c, unsigned threads, int frame, host_result *r)
{
    cepman_context *ctx = NULL;
    if (c->cepman_context_create(&ctx, NULL)) return 1;
    int s = c->cepman_context_set_threads(ctx, threads);
    if (!s) s = host_chain(c, ctx, frame, r);
    c->cepman_context_unref(ctx);
    return s;
}

#endif
