/* What tests share; see support.h. */
#define _GNU_SOURCE
#include "support.h"

#include <ftw.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long live, asked, fail_from = -1;

static void *allocate(void *user, size_t size, size_t alignment)
{
    (void)user;
    long number = atomic_fetch_add(&asked, 1);
    long from = atomic_load(&fail_from);
    if (from >= 0 && number >= from) return NULL;
    void *p = NULL;
    if (posix_memalign(&p, alignment, size)) return NULL;
    memset(p, 0xa5, size < 4096 ? size : 4096); /* nobody may count on zeros */
    atomic_fetch_add(&live, 1);
    return p;
}

static void release(void *user, void *pointer, size_t size)
{
    (void)user;
    (void)size;
    atomic_fetch_sub(&live, 1);
    free(pointer);
}

cepman_context *support_begin_failing(long fail_at, unsigned threads)
{
    const cepman_allocator allocator = {sizeof allocator, NULL, allocate, release};
    atomic_store(&asked, 0);
    atomic_store(&fail_from, fail_at);
    cepman_context *ctx = NULL;
    if (cepman_context_create(&ctx, &allocator)) return NULL;
    ck_assert_int_eq(cepman_context_set_threads(ctx, threads), CEPMAN_OK);
    return ctx;
}

cepman_context *support_begin(unsigned threads)
{
    cepman_context *ctx = support_begin_failing(-1, threads);
    ck_assert_ptr_nonnull(ctx);
    return ctx;
}

void support_end(cepman_context *ctx)
{
    cepman_context_unref(ctx);
    ck_assert_msg(atomic_load(&live) == 0, "%ld blocks were not given back", atomic_load(&live));
}

long support_allocations(void)
{
    return atomic_load(&asked);
}

void support_fail_at(long fail_at)
{
    atomic_store(&asked, 0);
    atomic_store(&fail_from, fail_at);
}

static char folder[256];
static pid_t folder_owner;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_folder(void)
{
    if (folder[0] && getpid() == folder_owner) nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *support_path(const char *name)
{
    static char paths[4][600];
    static int turn;
    if (!folder[0] || getpid() != folder_owner) {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/cepman-test-XXXXXX", base ? base : "/tmp");
        if (!mkdtemp(folder)) ck_abort_msg("no temporary folder");
        folder_owner = getpid();
        atexit(remove_folder);
    }
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

void support_write(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, size, f), size);
    ck_assert_int_eq(fclose(f), 0);
}

unsigned char *support_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "cannot open %s", path);
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    unsigned char *p = malloc((size_t)n + 1);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(fread(p, 1, (size_t)n, f), (size_t)n);
    fclose(f);
    p[n] = 0;
    if (size) *size = (size_t)n;
    return p;
}

bool support_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

double support_uniform(support_random *r)
{
    /* Knuth's MMIX generator; the high bits. */
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (double)(r->state >> 11) * 0x1p-53;
}

double support_normal(support_random *r)
{
    double u = 1.0 - support_uniform(r), v = support_uniform(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

cepman_matrix *support_normals(cepman_context *ctx, size_t rows, size_t columns, uint64_t seed)
{
    support_random r = {seed};
    float *x = malloc((rows * columns + 1) * sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (size_t i = 0; i < rows * columns; i++)
        x[i] = (float)support_normal(&r);
    cepman_matrix *m = NULL;
    ck_assert_int_eq(cepman_matrix_copy(&m, ctx, x, rows, columns, columns), CEPMAN_OK);
    free(x);
    return m;
}

static const char *reference(const char *variable, const char *name)
{
    static char paths[4][1200];
    static int turn;
    const char *root = getenv(variable);
    turn = (turn + 1) % 4;
    if (root) {
        snprintf(paths[turn], sizeof paths[turn], "%s/%s", root, name);
        if (support_exists(paths[turn])) return paths[turn];
    }
    fprintf(stderr, "skipped: %s is not in %s\n", name, root ? root : variable);
    return NULL;
}

const char *support_data(const char *name)
{
    return reference("CEPMAN_TEST_DATA", name);
}

const char *support_oracle(const char *name)
{
    return reference("CEPMAN_ORACLE", name);
}
