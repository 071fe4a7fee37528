/* Bench of UMAP, the graph given: 20,000 and 65,536 points in three dimensions, by threads, level and kind of start.
 * The points are blobs in eight columns, so that their exact neighbours come quickly and are not timed.
 * Must not: time what it does not also verify: all threads and levels give the same bytes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cepman/cepman.h>

#include "harness.h"

#define COLUMNS 8
#define BLOBS 10

static void need(cepman_context *ctx, cepman_status s, const char *what)
{
    if (s == CEPMAN_OK) return;
    fprintf(stderr, "%s: %s\n", what, cepman_context_error(ctx));
    exit(1);
}

typedef struct work {
    cepman_context *ctx;
    cepman_neighbors *graph;
    cepman_options *options;
    cepman_umap *made;
} work;

static void run_fit(void *argument)
{
    work *w = argument;
    cepman_umap_unref(w->made);
    w->made = NULL;
    need(w->ctx, cepman_umap_fit_graph(&w->made, w->ctx, NULL, w->graph, w->options), "fit");
}

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

static cepman_neighbors *make_graph(size_t n)
{
    cepman_context *ctx = NULL;
    cepman_matrix *m = NULL;
    cepman_neighbors *g = NULL;
    cepman_options *o = NULL;
    uint64_t state = n;
    double centre[BLOBS][COLUMNS];
    float *x = malloc(n * COLUMNS * sizeof *x);
    if (!x || cepman_context_create(&ctx, NULL)) exit(1);
    for (int b = 0; b < BLOBS; b++)
        for (int c = 0; c < COLUMNS; c++)
            centre[b][c] = 4 * uniform(&state);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < COLUMNS; c++)
            x[i * COLUMNS + (size_t)c] =
                (float)(centre[i % BLOBS][c] + uniform(&state) + uniform(&state) + uniform(&state));
    need(ctx, cepman_context_set_threads(ctx, 0), "threads");
    need(ctx, cepman_matrix_copy(&m, ctx, x, n, COLUMNS, COLUMNS), "matrix");
    need(ctx, cepman_neighbors_options_create(&o, ctx), "options");
    need(ctx, cepman_options_set_integer(o, ctx, "k", 14), "k");
    need(ctx, cepman_neighbors_build(&g, ctx, m, o), "neighbours");
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    cepman_context_unref(ctx);
    free(x);
    return g;
}

/* A case of the graph; epochs 0: the default. */
static int add(bench *b, work *w, cepman_neighbors *graph, const char *name, unsigned threads,
               const char *level, const char *init)
{
    char full[100];
    w->graph = graph;
    w->made = NULL;
    if (cepman_context_create(&w->ctx, NULL)) exit(1);
    need(w->ctx, cepman_context_set_threads(w->ctx, threads), "threads");
    need(w->ctx, cepman_context_set_cpu_level(w->ctx, level), "level");
    need(w->ctx, cepman_umap_options_create(&w->options, w->ctx), "options");
    need(w->ctx, cepman_options_set_text(w->options, w->ctx, "init", init), "init");
    snprintf(full, sizeof full, "%zu: %s", cepman_neighbors_count(graph), name);
    return bench_add(b, full, run_fit, w, (double)cepman_neighbors_count(graph));
}

static void verify(const work *a, const work *b)
{
    if (!a->made || !b->made) return; /* left out by --only */
    const cepman_matrix *x = cepman_umap_embedding(a->made), *y = cepman_umap_embedding(b->made);
    for (size_t i = 0; i < cepman_matrix_rows(x); i++)
        if (memcmp(cepman_matrix_row(x, i), cepman_matrix_row(y, i), 3 * sizeof(float)) != 0) {
            fprintf(stderr, "row %zu differs\n", i);
            exit(1);
        }
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {20000, 65536};
    bench *b = bench_begin("umap", argc, argv);
    for (size_t s = 0; s < 2; s++) {
        cepman_neighbors *graph = make_graph(sizes[s]);
        work w[4];
        char text[100];
        int one = add(b, &w[0], graph, "one thread", 1, "auto", "spectral");
        int two = add(b, &w[1], graph, "two threads", 2, "auto", "spectral");
        int random = add(b, &w[2], graph, "two threads, random start", 2, "auto", "random");
        int generic = add(b, &w[3], graph, "two threads, generic", 2, "generic", "spectral");
        bench_measure(b);
        verify(&w[0], &w[1]);
        verify(&w[0], &w[3]);
        snprintf(text, sizeof text, "%zu: two threads / one", sizes[s]);
        bench_ratio(b, text, two, one);
        snprintf(text, sizeof text, "%zu: spectral start / random", sizes[s]);
        bench_ratio(b, text, two, random);
        snprintf(text, sizeof text, "%zu: this level / generic", sizes[s]);
        bench_ratio(b, text, two, generic);
        for (int i = 0; i < 4; i++) {
            cepman_umap_unref(w[i].made);
            cepman_options_unref(w[i].options);
            cepman_context_unref(w[i].ctx);
        }
        cepman_neighbors_unref(graph);
    }
    return bench_end(b);
}
