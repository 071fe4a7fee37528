/* Bench of nearest neighbours: exact against OpenBLAS's product of half the pairs, the forest and the k-d tree beside
 * it, and queries of new rows, on curved sheets with noise (what features of a scan look like); the exact search's slow
 * case, tight groups far apart. One thread each, so that ratios compare. CEPMAN_BENCH_LARGE=1 adds whole searches of
 * 5,000 to 262,144 rows of 64 to 3000 columns and of 1,000,000 x 64, at a recall of .99 and with two threads, and
 * the memory stated beforehand and taken (--only "65536 x 1500" picks). Other programs: peers_neighbors.py.
 * Must not: time what it does not also verify (recall of the forest, blocks against tree). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cblas.h>

#include <cepman/cepman.h>

#include "harness.h"

#define NEED(expression)                                                                                     \
    do {                                                                                                     \
        if (expression) {                                                                                    \
            fprintf(stderr, "%s: %s\n", #expression, cepman_context_error(ctx));                             \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static cepman_context *ctx;

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

/* n rows of d: six latent numbers, bent by tanh, on five sheets, with noise of 0.03. */
static float *make_floats(size_t n, size_t d)
{
    enum { LATENT = 6 };
    uint64_t state = n + d;
    float *x = malloc(n * d * sizeof *x), *w = malloc(LATENT * d * sizeof *w),
          *z = malloc(n * LATENT * sizeof *z);
    for (size_t j = 0; j < LATENT * d; j++)
        w[j] = (float)(uniform(&state) - 0.5);
    for (size_t i = 0; i < n * LATENT; i++)
        z[i] = (float)(4 * uniform(&state) + (i % LATENT == 0 ? 6.0 * (double)(i / LATENT % 5) : 0));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)d, LATENT, 1, z, LATENT, w, (int)d, 0,
                x, (int)d);
    for (size_t i = 0; i < n * d; i++)
        x[i] = tanhf(x[i]) + 0.1f * (float)(uniform(&state) - 0.5);
    free(w);
    free(z);
    return x;
}

/* x is spent. */
static cepman_matrix *copy_rows(float *x, size_t n, size_t d)
{
    cepman_matrix *m = NULL;
    NEED(cepman_matrix_copy(&m, ctx, x, n, d, d));
    free(x);
    return m;
}

static cepman_matrix *make_rows(size_t n, size_t d)
{
    return copy_rows(make_floats(n, d), n, d);
}

/* n rows of d in six groups, 1e-4 as wide as they are apart. */
static cepman_matrix *make_groups(size_t n, size_t d)
{
    enum { GROUPS = 6 };
    uint64_t state = n + d;
    float *x = malloc(n * d * sizeof *x), *centre = malloc(GROUPS * d * sizeof *centre);
    for (size_t j = 0; j < GROUPS * d; j++)
        centre[j] = (float)(34 * (uniform(&state) - 0.5));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            x[i * d + j] = centre[i % GROUPS * d + j] + 0.0034f * (float)(uniform(&state) - 0.5);
    free(centre);
    return copy_rows(x, n, d);
}

typedef struct job {
    cepman_matrix *rows;
    cepman_options *options;
    cepman_neighbors *graph; /* of the last run */
} job;

static void run_job(void *argument)
{
    job *j = argument;
    cepman_neighbors_unref(j->graph);
    j->graph = NULL;
    NEED(cepman_neighbors_build(&j->graph, ctx, j->rows, j->options));
}

static job make_job(cepman_matrix *rows, const char *method)
{
    job j = {rows, NULL, NULL};
    NEED(cepman_neighbors_options_create(&j.options, ctx));
    NEED(cepman_options_set_text(j.options, ctx, "method", method));
    return j;
}

static void free_job(job *j)
{
    cepman_neighbors_unref(j->graph);
    cepman_options_unref(j->options);
}

typedef struct product {
    const cepman_matrix *rows;
    float *out;
} product;

/* As many multiplications as the exact search has. */
static void run_product(void *argument)
{
    product *p = argument;
    size_t stride;
    const float *x = cepman_matrix_data(p->rows, &stride);
    int n = (int)cepman_matrix_rows(p->rows), d = (int)cepman_matrix_columns(p->rows);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n / 2, n, d, 1, x, (int)stride, x, (int)stride, 0,
                p->out, n);
}

/* Share of places of `found` no farther than the last one of `exact`. */
static double recall(const cepman_neighbors *found, const cepman_neighbors *exact)
{
    size_t n = cepman_neighbors_count(found), k = cepman_neighbors_k(found), hits = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < k; c++)
            hits += cepman_neighbors_distances(found)[i * k + c] <=
                    cepman_neighbors_distances(exact)[i * k + k - 1];
    return (double)hits / (double)(n * k);
}

static bool size_cases(bench *b, size_t n, size_t d)
{
    char name[96];
    bool good = true;
    snprintf(name, sizeof name, "%zux%zu: ", n, d);
    if (!bench_wants(b, name)) return true;
    cepman_matrix *rows = make_rows(n, d);
    job exact = make_job(rows, "exact"), forest = make_job(rows, "approximate");
    product half = {rows, malloc(n * n / 2 * sizeof(float))};
#define CASE(text, function, argument)                                                                       \
    (snprintf(name, sizeof name, "%zux%zu: " text, n, d), bench_add(b, name, function, argument, (double)n))
#define RATIO(text, upper, lower)                                                                            \
    (snprintf(name, sizeof name, "%zux%zu: " text, n, d), bench_ratio(b, name, upper, lower))
    int p = CASE("sgemm of half the pairs", run_product, &half);
    int e = CASE("exact", run_job, &exact);
    int f = CASE("forest", run_job, &forest);
    bench_measure(b);
    RATIO("exact / sgemm", e, p);
    RATIO("forest / sgemm", f, p);
    if (e >= 0 && f >= 0 && !(recall(forest.graph, exact.graph) >= 0.97)) {
        fprintf(stderr, "%zux%zu: recall %g\n", n, d, recall(forest.graph, exact.graph));
        good = false;
    }
    free_job(&exact);
    free_job(&forest);
    free(half.out);
    cepman_matrix_unref(rows);
    return good;
}

/* The exact search where float32 products cannot tell most near pairs apart, against rows that spread. */
static void tight_cases(bench *b, size_t n, size_t d)
{
    char name[3][96];
    snprintf(name[0], sizeof name[0], "%zux%zu: exact, sheets", n, d);
    snprintf(name[1], sizeof name[1], "%zux%zu: exact, six tight groups", n, d);
    snprintf(name[2], sizeof name[2], "%zux%zu: tight groups / sheets", n, d);
    if (!bench_wants(b, name[0]) && !bench_wants(b, name[1])) return;
    cepman_matrix *wide = make_rows(n, d), *tight = make_groups(n, d);
    job sheets = make_job(wide, "exact"), groups = make_job(tight, "exact");
    int w = bench_add(b, name[0], run_job, &sheets, (double)n);
    int t = bench_add(b, name[1], run_job, &groups, (double)n);
    bench_measure(b);
    bench_ratio(b, name[2], t, w);
    free_job(&sheets);
    free_job(&groups);
    cepman_matrix_unref(wide);
    cepman_matrix_unref(tight);
}

/* Three columns: the tree, against the blocks, which a fourth to ninth column of zeros brings about. */
static bool flat_cases(bench *b, size_t n)
{
    if (!bench_wants(b, "3 columns: ")) return true;
    cepman_matrix *three = make_rows(n, 3), *nine = NULL;
    float *x = calloc(n * 9, sizeof *x);
    for (size_t i = 0; i < n; i++)
        memcpy(x + 9 * i, cepman_matrix_row(three, i), 3 * sizeof *x);
    NEED(cepman_matrix_copy(&nine, ctx, x, n, 9, 9));
    free(x);
    job tree = make_job(three, "exact"), blocks = make_job(nine, "exact");
    int t = bench_add(b, "3 columns: tree", run_job, &tree, (double)n);
    int e = bench_add(b, "3 columns: blocks", run_job, &blocks, (double)n);
    bench_measure(b);
    bench_ratio(b, "3 columns: tree / blocks", t, e);
    size_t bytes = n * 15 * sizeof(int32_t);
    bool good =
        t < 0 || e < 0 ||
        (memcmp(cepman_neighbors_indices(tree.graph), cepman_neighbors_indices(blocks.graph), bytes) == 0 &&
         memcmp(cepman_neighbors_distances(tree.graph), cepman_neighbors_distances(blocks.graph), bytes) ==
             0);
    if (!good) fprintf(stderr, "tree and blocks differ\n");
    free_job(&tree);
    free_job(&blocks);
    cepman_matrix_unref(three);
    cepman_matrix_unref(nine);
    return good;
}

typedef struct query {
    cepman_neighbors_index *index;
    cepman_matrix *rows;
    int32_t *indices;
    float *distances;
} query;

static void run_query(void *argument)
{
    query *q = argument;
    NEED(cepman_neighbors_index_query(q->index, ctx, q->rows, q->indices, q->distances));
}

/* New rows against an index: one at a time and many, by cells; all rows beside it. */
static bool query_cases(bench *b, size_t n, size_t d)
{
    if (!bench_wants(b, "index: ")) return true;
    cepman_matrix *all = make_rows(n + 256, d), *known = NULL, *asked = NULL;
    size_t *row = malloc((n + 256) * sizeof *row);
    for (size_t i = 0; i < n + 256; i++)
        row[i] = i;
    NEED(cepman_matrix_select(&known, ctx, all, row, n));
    NEED(cepman_matrix_select(&asked, ctx, all, row + n, 256));
    job cells = make_job(NULL, "approximate"), exact = make_job(NULL, "exact");
    query one = {0},
          many = {.rows = asked, .indices = malloc(256 * 15 * 4), .distances = malloc(256 * 15 * 4)};
    query every = {.indices = malloc(15 * 4), .distances = malloc(15 * 4)};
    NEED(cepman_matrix_select(&one.rows, ctx, asked, row + 7, 1));
    NEED(cepman_neighbors_index_create(&many.index, ctx, known, cells.options));
    NEED(cepman_neighbors_index_create(&every.index, ctx, known, exact.options));
    one.index = many.index;
    one.indices = malloc(15 * 4), one.distances = malloc(15 * 4);
    every.rows = one.rows;
    int c1 = bench_add(b, "index: one row, cells", run_query, &one, 1);
    int c256 = bench_add(b, "index: 256 rows, cells, each", run_query, &many, 256);
    int c0 = bench_add(b, "index: one row, exact", run_query, &every, 1);
    bench_measure(b);
    bench_ratio(b, "index: one row, cells / exact", c1, c0);
    bench_ratio(b, "index: 256 rows, cells / exact", c256, c0);
    bool good = cepman_neighbors_index_recall(many.index) >= 0.97;
    if (!good) fprintf(stderr, "index: recall %g\n", cepman_neighbors_index_recall(many.index));
    cepman_neighbors_index_unref(many.index);
    cepman_neighbors_index_unref(every.index);
    query *queries[] = {&one, &many, &every};
    for (int i = 0; i < 3; i++)
        free(queries[i]->indices), free(queries[i]->distances);
    cepman_matrix_unref(one.rows);
    cepman_matrix_unref(asked);
    cepman_matrix_unref(known);
    cepman_matrix_unref(all);
    free_job(&cells);
    free_job(&exact);
    free(row);
    return good;
}

/* ---- whole searches ------------------------------------------------------------------------------------------ */

#define THREADS 2

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The best of the turns, the recall told, and memory beside the rows. */
static void whole(bench *b, size_t n, size_t d, int turns)
{
    char name[96];
    snprintf(name, sizeof name, "%zu x %zu: recall .99, two threads", n, d);
    if (!bench_wants(b, name)) return;
    float *x = make_floats(n, d);
    cepman_matrix *m = NULL;
    double best = (double)INFINITY;
    size_t stated = 0;
    if (cepman_context_create(&ctx, NULL)) exit(1); /* its own, for the peak of memory */
    NEED(cepman_context_set_cpu_level(ctx, bench_cpu(b)));
    NEED(cepman_context_set_threads(ctx, THREADS));
    NEED(cepman_matrix_wrap(&m, ctx, x, n, d, d, NULL, NULL));
    job j = make_job(m, "approximate");
    NEED(cepman_options_set_real(j.options, ctx, "recall", 0.99));
    NEED(cepman_neighbors_memory(&stated, ctx, n, d, CEPMAN_TYPE_F32, j.options));
    for (int turn = 0; turn < turns; turn++) {
        const double t = now();
        run_job(&j);
        best = fmin(best, now() - t);
    }
    const size_t peak = cepman_context_memory_peak(ctx);
    bench_add_measured(b, name, best);
    printf("%8zu x %-5zu %8.3f s, recall %.4f (%s); %.0f MiB stated, %.0f taken\n", n, d, best,
           cepman_neighbors_recall(j.graph), cepman_neighbors_method(j.graph), (double)stated / 1048576,
           (double)peak / 1048576);
    fflush(stdout);
    free_job(&j);
    cepman_matrix_unref(m);
    cepman_context_unref(ctx);
    free(x);
}

static void whole_searches(bench *b)
{
    static const size_t rows[] = {5000, 20000, 65536, 262144}, columns[] = {64, 500, 1500, 3000};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            whole(b, rows[i], columns[j], i < 3 ? 4 : 2);
    whole(b, 1000000, 64, 1);
}

int main(int argc, char **argv)
{
    bench *b = bench_begin("neighbors", argc, argv);
    openblas_set_num_threads(1);
    if (cepman_context_create(&ctx, NULL) || cepman_context_set_cpu_level(ctx, bench_cpu(b))) return 1;
    bool good = size_cases(b, 3000, 1500);
    good = size_cases(b, 8000, 300) && good;
    good = flat_cases(b, 20000) && good;
    good = query_cases(b, 8000, 300) && good;
    tight_cases(b, 6000, 1500);
    cepman_context_unref(ctx);
    if (getenv("CEPMAN_BENCH_LARGE")) whole_searches(b);
    int code = bench_end(b);
    return good ? code : 1;
}
