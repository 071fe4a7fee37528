/* How much memory a search takes, said before it starts: the allocations of the method that will be tried first, added.
 * The sizes are those of exact.c, packed.c, tree.c, approximate.c, trees.c, refine.c and rank.c.
 * Must not: allocate, or count the matrix itself. */
#include "forest.h"

static double result_bytes(double n, double k)
{
    return n * k * 8;
}

static double tree_bytes(double n, double d)
{
    return n * (d + 1) * 4 + n / 3 * 2 * d * 4;
}

static double exact_bytes(double n, double d, double k, unsigned workers)
{
    return (n + 48) * (d + 1 + 4) * 4 + n * ((2 * k + 24) * 12 + 12) +
           (double)workers * (CEP_BLOCK_MOST * (CEP_BLOCK_MOST + 1) * 4 + k * 16);
}

/* axes.c: a sample of rows, twice, its axes and their products. */
static double sample_bytes(double n, double d, double axes)
{
    double rows = (double)((size_t)3 << 20) / d;
    rows = rows > 4096 ? 4096 : rows < 512 ? 512 : rows;
    rows = rows > n ? n : rows;
    return rows * (2 * d + 32 + axes) * 4 + axes * (2 * d + 2 * axes) * 4 + d * 24;
}

static double approximate_bytes(double n, double d, double k, const cep_effort *e, unsigned workers)
{
    double w = (double)workers, width = (double)(e->axes < (size_t)d ? e->axes : (size_t)d) + 17;
    double most = (double)e->candidates, leaf = (double)e->leaf + 48;
    double lists = n * ((double)cep_lists_capacity(e->candidates) * 8 + 8), projected = n * (width + 1) * 4,
           order = n * 8;
    double sample = sample_bytes(n, d, (double)e->axes), trees = n * (double)e->trees * 8;
    double truth = d * (96 * 4 + 12) + w * 96 * (2 * k + 16) * 16 + 96 * k * 16;
    double refine = n * (CEP_FOLLOWED * 4 + 2) + w * n / 8, moved = trees + projected + n * 8,
           joins = w * leaf * (width + 24) * 4;
    double ranks = w * (128 * most * 40 + k * 16);
    double later = lists + (trees + joins > refine ? trees + joins : refine);
    later = later > moved ? later : moved;
    later = later + projected > lists + ranks ? later : lists + ranks - projected;
    return order + truth + projected + (sample > later ? sample : later);
}

cepman_status cepman_neighbors_memory(size_t *bytes, cepman_context *ctx, size_t rows, size_t columns,
                                      cepman_type type, const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, bytes, CEPMAN_ERR_ARGUMENT, "neighbours: bytes is NULL");
    CEP_REQUIRE(ctx, rows <= INT32_MAX, CEPMAN_ERR_RANGE, "neighbours: %zu rows, must be at most %d", rows,
                INT32_MAX);
    CEP_REQUIRE(ctx, columns >= 1, CEPMAN_ERR_RANGE, "neighbours: columns is 0, must be at least 1");
    CEP_REQUIRE(ctx, type == CEPMAN_TYPE_F32 || type == CEPMAN_TYPE_F16, CEPMAN_ERR_RANGE,
                "neighbours: type %d, must be F32 or F16", (int)type);
    cepman_options *o = NULL;
    s = cep_neighbors_options(&o, ctx, options);
    if (s) return s;
    size_t k = (size_t)cep_options_integer(o, "k");
    if (k >= rows) k = rows ? rows - 1 : 0;
    int metric = cep_options_choice(o, "metric");
    double n = (double)rows, d = (double)columns, sum = result_bytes(n, (double)k) + 4096;
    unsigned workers = cep_workers(ctx);
    if (metric != CEP_EUCLIDEAN) sum += n * 8;
    if (metric == CEP_CORRELATION || type != CEPMAN_TYPE_F32) sum += n * (d + 15) * 4;
    /* The values are taken to be ordinary: neither beyond 1e15 nor all below 1e-12. */
    cep_measure m = {.rows = rows, .columns = columns, .cosine = metric != CEP_EUCLIDEAN, .largest = 1};
    if (k > 0 && !m.cosine && columns <= CEP_TREE_COLUMNS) {
        sum += tree_bytes(n, d) + (double)workers * (double)k * 16;
    } else if (k > 0 &&
               cep_wants_forest(&m, k, cep_options_choice(o, "method"), cep_options_real(o, "recall"))) {
        cep_effort e = cep_first_effort(&m, k);
        sum += approximate_bytes(n, d, (double)k, &e, workers);
    } else if (k > 0) {
        sum += exact_bytes(n, d, (double)k, workers);
    }
    cepman_options_unref(o);
    CEP_REQUIRE(ctx, sum < (double)SIZE_MAX, CEPMAN_ERR_RANGE,
                "neighbours: %zu rows of %zu columns are more than memory can address", rows, columns);
    *bytes = (size_t)sum;
    return CEPMAN_OK;
}
