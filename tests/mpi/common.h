/* What the test programs of libcepman-mpi share: checks that never leave a rank behind, contexts over a counting allocator,
 * rows that any rank can make. Run under mpirun by run.py. */
#ifndef MPI_COMMON_H
#define MPI_COMMON_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cepman-mpi/cepman_mpi.h>

static int failures, world_rank, world_size;

/* A check that fails is counted and told; the rank goes on, as others may wait for it. */
#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            failures++;                                                                                      \
            fprintf(stderr, "rank %d of %d, %s:%d: %s\n", world_rank, world_size, __FILE__, __LINE__,        \
                    #condition);                                                                             \
        }                                                                                                    \
    } while (0)
#define GOOD(ctx, expression)                                                                                \
    do {                                                                                                     \
        const cepman_status status_ = (expression);                                                          \
        if (status_) {                                                                                       \
            failures++;                                                                                      \
            fprintf(stderr, "rank %d of %d, %s:%d: %s: %s\n", world_rank, world_size, __FILE__, __LINE__,    \
                    #expression, cepman_context_error(ctx));                                                 \
        }                                                                                                    \
    } while (0)
/* The same status and, with several ranks, the same sentence everywhere, which has the words in it. */
#define FAILS(ctx, expression, expected, words)                                                              \
    do {                                                                                                     \
        const cepman_status status_ = (expression);                                                          \
        if (status_ != (expected) || !strstr(cepman_context_error(ctx), (words)) ||                          \
            !same_text(cepman_context_error(ctx))) {                                                         \
            failures++;                                                                                      \
            fprintf(stderr, "rank %d of %d, %s:%d: %s gave %d, expected %d with '%s': %s\n", world_rank,     \
                    world_size, __FILE__, __LINE__, #expression, status_, expected, words,                   \
                    cepman_context_error(ctx));                                                              \
        }                                                                                                    \
    } while (0)

static inline uint64_t hash_bytes(uint64_t sum, const void *data, size_t size)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ p[i]) * 0x100000001b3u;
    return sum;
}

static inline bool same_text(const char *text)
{
    uint64_t mine = hash_bytes(7, text, strlen(text)), low, high;
    MPI_Allreduce(&mine, &low, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(&mine, &high, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
    return low == high;
}

/* ---- contexts ---- */

typedef struct counter {
    long asked, fail_at, blocks;
} counter;

static counter counted = {0, -1, 0};

static inline void *count_allocate(void *user, size_t size, size_t alignment)
{
    counter *c = user;
    void *p = NULL;
    const long number = __atomic_fetch_add(&c->asked, 1, __ATOMIC_SEQ_CST);
    if (c->fail_at >= 0 && number >= c->fail_at) return NULL;
    if (posix_memalign(&p, alignment < sizeof(void *) ? sizeof(void *) : alignment, size ? size : 1))
        return NULL;
    __atomic_fetch_add(&c->blocks, 1, __ATOMIC_SEQ_CST);
    return p;
}

static inline void count_release(void *user, void *pointer, size_t size)
{
    (void)size;
    __atomic_fetch_sub(&((counter *)user)->blocks, 1, __ATOMIC_SEQ_CST);
    free(pointer);
}

static inline cepman_context *begin(unsigned threads)
{
    const cepman_allocator a = {sizeof a, &counted, count_allocate, count_release};
    cepman_context *ctx = NULL;
    CHECK(!cepman_context_create(&ctx, &a));
    CHECK(!cepman_context_set_threads(ctx, threads));
    return ctx;
}

/* Every block came back. */
static inline void end(cepman_context *ctx)
{
    cepman_context_unref(ctx);
    CHECK(counted.blocks == 0);
}

/* ---- rows ---- */

static inline double uniform(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Row i of blob i % blobs in `columns` dimensions: far apart for spread 0.3, one cloud for a large one. */
static inline void blob_row(float *to, size_t i, size_t columns, size_t blobs, double spread)
{
    for (size_t c = 0; c < columns; c++) {
        const uint64_t at = 2 * (i * columns + c);
        const double normal = sqrt(-2 * log(uniform(at) + 1e-300)) * cos(6.283185307179586 * uniform(at + 1));
        to[c] = (float)(spread * normal + (c == i % blobs ? 5 : 0));
    }
}

/* Rows first .. of them as a matrix. */
static inline cepman_matrix *blobs_from(cepman_context *ctx, size_t first, size_t count, size_t columns,
                                        size_t blobs, double spread)
{
    float *x = malloc((count * columns + 1) * sizeof *x);
    cepman_matrix *m = NULL;
    for (size_t i = 0; i < count; i++)
        blob_row(x + i * columns, first + i, columns, blobs, spread);
    GOOD(ctx, cepman_matrix_copy(&m, ctx, x, count, columns, columns));
    free(x);
    return m;
}

/* The rank's shard of n of them. */
static inline cepman_matrix *blob_shard(cepman_mpi *g, cepman_context *ctx, size_t n, size_t columns,
                                        size_t blobs, double spread)
{
    size_t first = 0, count = 0;
    GOOD(ctx, cepman_mpi_shard(g, n, cepman_mpi_rank(g), &first, &count));
    return blobs_from(ctx, first, count, columns, blobs, spread);
}

/* ---- results ---- */

static const char *folder; /* of the driver */

static inline const char *path_of(const char *name)
{
    static char text[4][1024];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(text[turn], sizeof text[turn], "%s/%s", folder, name);
    return text[turn];
}

/* All ranks' rows at rank 0, NULL elsewhere; by way of a file, and its bits on stdout for the driver to compare. */
static inline cepman_matrix *collect(cepman_mpi *g, cepman_context *ctx, const cepman_matrix *shard,
                                     const char *name)
{
    cepman_matrix *all = NULL;
    GOOD(ctx, cepman_mpi_save_matrix(g, shard, cepman_mpi_rank(g) ? NULL : path_of("rows.npy")));
    if (cepman_mpi_rank(g)) return NULL;
    GOOD(ctx, cepman_matrix_load(&all, ctx, path_of("rows.npy")));
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < cepman_matrix_rows(all); i++)
        sum = hash_bytes(sum, cepman_matrix_row(all, i), cepman_matrix_columns(all) * sizeof(float));
    printf("bits %s %016llx\n", name, (unsigned long long)sum);
    return all;
}

static inline cepman_labels *collect_labels(cepman_mpi *g, cepman_context *ctx, const cepman_labels *labels,
                                            const char *name)
{
    cepman_labels *all = NULL;
    GOOD(ctx, cepman_mpi_save_labels(g, labels, cepman_mpi_rank(g) ? NULL : path_of("labels.npy"), 0, 0));
    if (cepman_mpi_rank(g)) return NULL;
    GOOD(ctx, cepman_labels_load(&all, ctx, path_of("labels.npy")));
    printf("bits %s %016llx\n", name,
           (unsigned long long)hash_bytes(0xcbf29ce484222325u, cepman_labels_data(all),
                                          cepman_labels_count(all) * sizeof(int32_t)));
    return all;
}

static inline cepman_options *with_options(cepman_context *ctx,
                                           cepman_status (*make)(cepman_options **, cepman_context *),
                                           const char *const *pairs)
{
    cepman_options *o = NULL;
    GOOD(ctx, make(&o, ctx));
    for (; pairs && *pairs; pairs += 2)
        GOOD(ctx, cepman_options_parse(o, ctx, pairs[0], pairs[1]));
    return o;
}
#define OPTIONS(ctx, kind, ...)                                                                              \
    with_options(ctx, cepman_##kind##_options_create, (const char *const[]){__VA_ARGS__, NULL})

typedef struct test_case {
    const char *name;
    void (*run)(cepman_mpi *g, cepman_context *ctx);
} test_case;

/* PROGRAM CASE FOLDER: 0 when no rank has a failure. */
static inline int run_cases(int argc, char **argv, const test_case *cases)
{
    int level, all = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &world_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world_size);
    folder = argc > 2 ? argv[2] : ".";
    bool found = false;
    for (; argc > 1 && cases->name; cases++) {
        if (strcmp(cases->name, argv[1]) != 0) continue;
        cepman_context *ctx = begin(1);
        cepman_mpi *g = NULL;
        found = true;
        GOOD(ctx, cepman_mpi_create(&g, ctx, MPI_COMM_WORLD));
        if (g) cases->run(g, ctx);
        cepman_mpi_unref(g);
        end(ctx);
    }
    CHECK(found);
    MPI_Allreduce(&failures, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    fflush(stdout);
    MPI_Finalize();
    return all ? 1 : 0;
}

#endif
