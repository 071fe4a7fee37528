/* Options of the stage "neighbors", and the choice of a method.
 * Few dimensions: k-d tree. Otherwise blocks of dot products while they are cheap, and the forest beyond.
 * Must not: compute distances. */
#include "knn.h"

#define ROUNDS 4 /* of widening, before the search is exact after all */

enum { METHOD_AUTO, METHOD_EXACT, METHOD_APPROXIMATE };

static const cep_option table[] = {
    {"k", CEPMAN_OPTION_INTEGER, 1, 100000, 15, NULL,
     "neighbours of each row, 1 to 100000; lowered to n - 1"},
    {"metric", CEPMAN_OPTION_CHOICE, 0, 0, 0, "euclidean|cosine|correlation", "distance between rows"},
    {"method", CEPMAN_OPTION_CHOICE, 0, 0, METHOD_AUTO, "auto|exact|approximate", "how neighbours are found"},
    {"recall", CEPMAN_OPTION_REAL, 0.5, 1, 0.98, NULL,
     "approximate: fraction of the true neighbours to find, 0.5 to 1; 1 is exact"},
    {"seed", CEPMAN_OPTION_INTEGER, 0, 9007199254740991.0, 42, NULL,
     "approximate: seed of the forest and the sample"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL}};

static const char kind[] = "neighbors";

cepman_status cepman_neighbors_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, kind, table);
}

/* Where the exact search is about as fast: rows^2 * columns. */
static const double exact_work = 5e10;
/* Where looking at every row of an index takes a millisecond or so: rows * columns. */
static const double index_work = 4e6;
/* The forest estimates in float32 squares, which must neither overflow nor vanish, and its leaves hold a few
 * hundred rows. */
static const double value_least = 1e-12, value_most = 1e15;
static const size_t rows_least = 1000;

cepman_status cep_neighbors_options(cepman_options **out, cepman_context *ctx, const cepman_options *options)
{
    return cep_options_resolve(out, ctx, options, kind, table);
}

bool cep_fits_floats(const cep_measure *m)
{
    return m->largest <= value_most && !(m->largest > 0 && m->largest < value_least);
}

static bool exact_is_cheap(const cep_measure *m)
{
    return (double)m->rows * (double)m->rows * (double)m->columns <= exact_work;
}

bool cep_wants_forest(const cep_measure *m, size_t k, int method, double recall)
{
    if (method == METHOD_EXACT || recall >= 1 || m->rows < rows_least || k >= m->rows / 8) return false;
    return cep_fits_floats(m) && (method == METHOD_APPROXIMATE || !exact_is_cheap(m));
}

bool cep_wants_cells(const cep_measure *m, size_t k, int method, double recall)
{
    if (method == METHOD_EXACT || recall >= 1 || m->rows < rows_least || k >= m->rows / 8) return false;
    if (!cep_fits_floats(m)) return false;
    return method == METHOD_APPROXIMATE || (double)m->rows * (double)m->columns > index_work;
}

static cepman_status fill(cepman_neighbors *g, cepman_context *ctx, const cepman_matrix *matrix,
                          const cepman_options *o, int32_t *indices, float *distances)
{
    cep_measure m;
    cepman_status s = cep_measure_open(&m, ctx, matrix, (cep_metric)cep_options_choice(o, "metric"));
    if (s) return s;
    int method = cep_options_choice(o, "method");
    double target = cep_options_real(o, "recall");
    if (g->k == 0) {
        /* No other rows: nothing to find. */
    } else if (!m.cosine && m.columns <= CEP_TREE_COLUMNS) {
        g->method = "tree";
        s = cep_neighbors_tree(ctx, &m, g->k, indices, distances);
    } else {
        double recall = 0;
        if (cep_wants_forest(&m, g->k, method, target)) {
            s = cep_neighbors_approximate(ctx, &m, g->k, (uint64_t)cep_options_integer(o, "seed"), target,
                                          exact_is_cheap(&m) ? 0 : ROUNDS, indices, distances, &recall);
            if (!s && recall == 0)
                cep_log(ctx, CEPMAN_LOG_INFO,
                        "neighbors: recall %g is out of the forest's reach, searching exactly", target);
        }
        if (!s && recall > 0) {
            g->method = "approximate";
            g->recall = recall;
        } else if (!s) {
            s = cep_neighbors_exact(ctx, &m, g->k, indices, distances);
        }
    }
    cep_measure_close(&m);
    return s;
}

cepman_status cepman_neighbors_build(cepman_neighbors **out, cepman_context *ctx, const cepman_matrix *matrix,
                                     const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "neighbours: out or matrix is NULL");
    size_t n = cepman_matrix_rows(matrix);
    CEP_REQUIRE(ctx, n <= INT32_MAX, CEPMAN_ERR_RANGE, "neighbours: %zu rows, must be at most %d", n,
                INT32_MAX);
    cepman_options *o = NULL;
    s = cep_neighbors_options(&o, ctx, options);
    if (s) return s;
    size_t k = (size_t)cep_options_integer(o, "k");
    if (n == 0)
        k = 0;
    else if (k > n - 1)
        k = n - 1;
    cepman_neighbors *g = NULL;
    int32_t *indices;
    float *distances;
    s = cep_neighbors_create(&g, ctx, n, k, &indices, &distances);
    if (!s) s = fill(g, ctx, matrix, o, indices, distances);
    cepman_options_unref(o);
    if (s) {
        cepman_neighbors_unref(g);
        return s;
    }
    *out = g;
    return CEPMAN_OK;
}
