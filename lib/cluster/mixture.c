/* Gaussian mixtures behind the public API: options, the start by K-means or labels, the iteration, the model.
 * Expectation-maximisation with scikit-learn's stopping rule and regularisation (gaussian.c has the formulas).
 * Must not: keep the fitted rows. */
#include <math.h>
#include <string.h>

#include <cepman/kmeans.h>
#include <cepman/mixture.h>

#include "gaussian.h"

struct cepman_mixture {
    cep_refs refs;
    cep_memory *mem;
    cep_gaussian gaussian;
    size_t n, iterations;
    cepman_labels *labels;
    double *share; /* n x k */
    double *history;
    double likelihood;
    bool converged;
};

static const cep_option table[] = {
    {"k", CEPMAN_OPTION_INTEGER, 1, 65536, 3, NULL, "components, 1 to 65536"},
    {"covariance", CEPMAN_OPTION_CHOICE, 0, 0, 0, "full|diagonal", "the covariance of a component"},
    {"n-init", CEPMAN_OPTION_INTEGER, 1, 100000, 10, NULL,
     "starts of the K-means that the fit starts from, 1 to 100000"},
    {"max-iterations", CEPMAN_OPTION_INTEGER, 1, 1000000, 100, NULL, "iterations at most, 1 to 1000000"},
    {"tol", CEPMAN_OPTION_REAL, 0, 1e30, 1e-3, NULL,
     "the fit ends when the mean log likelihood of a row changes by less, 0 to 1e30"},
    {"regularisation", CEPMAN_OPTION_REAL, 0, 1e30, 1e-6, NULL,
     "added to the diagonal of every covariance, in squared units of the data, 0 to 1e30"},
    {"seed", CEPMAN_OPTION_INTEGER, 0, 9007199254740992.0, 42, NULL,
     "random numbers of the start, 0 to 2^53"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

cepman_status cepman_mixture_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, "mixture", table);
}

static cepman_status start_labels(cepman_labels **out, cepman_context *ctx, const cepman_matrix *matrix,
                                  size_t k, const cepman_options *options)
{
    cepman_options *o = NULL;
    cepman_kmeans *model = NULL;
    cepman_status s = cepman_kmeans_options_create(&o, ctx);
    if (!s) s = cepman_options_set_integer(o, ctx, "k", (int64_t)k);
    if (!s) s = cepman_options_set_integer(o, ctx, "n-init", cep_options_integer(options, "n-init"));
    if (!s) s = cepman_options_set_integer(o, ctx, "seed", cep_options_integer(options, "seed"));
    if (!s) s = cepman_kmeans_fit(&model, ctx, matrix, NULL, NULL, o);
    if (!s) *out = cepman_labels_ref(cepman_kmeans_labels(model));
    cepman_kmeans_unref(model);
    cepman_options_unref(o);
    return s;
}

/* All components at the mean of all rows, of their variances: what one without rows stays at. *variance: the mean one. */
static cepman_status spread_out(cep_gaussian *g, cepman_context *ctx, const cep_points *p, double *variance)
{
    size_t d = g->d, cells = cep_gaussian_cells(g), step = g->diagonal ? 1 : d + 1;
    double *mean = g->mean, *var = g->covariance, n = (double)p->n;
    *variance = 0;
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < p->n; i++) {
            for (size_t j = 0; j < d; j++) {
                double e = (double)p->row[i][j] - mean[j];
                if (pass)
                    var[j * step] += e * e / n;
                else
                    g->factor[j] += (double)p->row[i][j] / n;
            }
            cepman_status s = i % 4096 ? CEPMAN_OK : cep_poll(ctx);
            if (s) return s;
        }
        if (!pass) memcpy(mean, g->factor, d * sizeof *mean);
    }
    for (size_t j = 0; j < d; j++)
        *variance += var[j * step] / (double)d;
    for (size_t c = 1; c < g->k; c++) {
        memcpy(mean + c * d, mean, d * sizeof *mean);
        memcpy(var + c * cells, var, cells * sizeof *var);
    }
    return CEPMAN_OK;
}

static cepman_status iterate(cepman_mixture *m, cepman_context *ctx, const cep_points *p, double *share,
                             const cepman_options *options, double variance)
{
    cep_gaussian *g = &m->gaussian;
    double term = cep_options_real(options, "regularisation"), tol = cep_options_real(options, "tol");
    double least = fmax(fmax(term, 1e-12 * variance), 1e-60), before = -(double)INFINITY;
    size_t most = (size_t)cep_options_integer(options, "max-iterations"), room = 0;
    cepman_status s = cep_gaussian_maximise(g, ctx, p, share, term, least);
    while (!s && m->iterations < most && !m->converged) {
        double now;
        cep_progress(ctx, "mixture", m->iterations, most);
        if (m->iterations == room) {
            size_t larger = room ? 2 * room : 32;
            double *more = cep_alloc(m->mem, larger, sizeof *more);
            if (!more) return cep_fail_memory(ctx, "mixture", larger, sizeof *more);
            if (room) memcpy(more, m->history, room * sizeof *more);
            cep_free(m->mem, m->history);
            m->history = more;
            room = larger;
        }
        s = cep_gaussian_expect(g, ctx, p, share, NULL, &now);
        if (!s) s = cep_gaussian_maximise(g, ctx, p, share, term, least);
        if (s) return s;
        m->history[m->iterations++] = now;
        m->converged = fabs(now - before) < tol;
        before = now;
    }
    if (!s) s = cep_gaussian_expect(g, ctx, p, share, NULL, &m->likelihood);
    if (!s) cep_progress(ctx, "mixture", most, most);
    return s;
}

/* Labels, and k x n shares as n x k where rows is not NULL. */
static cepman_status decide(cepman_labels **out, cepman_context *ctx, const double *share, size_t n, size_t k,
                            double *rows)
{
    int32_t *l;
    cepman_labels *labels = NULL;
    cepman_status s = cep_labels_create(&labels, ctx, n, &l);
    if (s) return s;
    for (size_t i = 0; i < n; i++) {
        l[i] = 0;
        for (size_t c = 0; c < k; c++) {
            if (share[c * n + i] > share[(size_t)l[i] * n + i]) l[i] = (int32_t)c;
            if (rows) rows[i * k + c] = share[c * n + i];
        }
    }
    cep_labels_seal(labels);
    *out = labels;
    return CEPMAN_OK;
}

static cepman_status fit(cepman_mixture *m, cepman_context *ctx, const cepman_matrix *matrix,
                         const cepman_labels *start, const cepman_options *options, size_t k)
{
    cep_points p = {0};
    cepman_labels *made = NULL;
    size_t n = m->n = cepman_matrix_rows(matrix), d = cepman_matrix_columns(matrix), cells;
    double *share = NULL, variance = 0;
    cepman_status s = cep_points_all(&p, ctx, matrix, "mixture");
    if (!s) s = cep_gaussian_create(&m->gaussian, ctx, k, d, cep_options_choice(options, "covariance") == 1);
    if (!s && !start) s = start_labels(&made, ctx, matrix, k, options);
    if (!s) {
        share = cep_mul(n, k, &cells) ? cep_alloc_zero(m->mem, cells, sizeof *share) : NULL;
        m->share = share ? cep_alloc(m->mem, cells, sizeof *share) : NULL;
        if (!m->share) s = cep_fail_memory(ctx, "mixture", n, 2 * k * sizeof *share);
    }
    for (size_t i = 0; !s && i < n; i++) {
        int32_t l = cepman_labels_data(start ? start : made)[i];
        if (l >= 0) share[(size_t)l * n + i] = 1;
    }
    if (!s) s = spread_out(&m->gaussian, ctx, &p, &variance);
    if (!s) s = iterate(m, ctx, &p, share, options, variance);
    if (!s) s = decide(&m->labels, ctx, share, n, k, m->share);
    cep_free(m->mem, share);
    cepman_labels_unref(made);
    cep_points_clear(&p);
    return s;
}

static cepman_status check(cepman_context *ctx, const cepman_matrix *matrix, const cepman_labels *start,
                           size_t k)
{
    size_t n = cepman_matrix_rows(matrix);
    CEP_REQUIRE(ctx, k <= n, CEPMAN_ERR_RANGE, "mixture: k is %zu, must be at most the number of points, %zu",
                k, n);
    CEP_REQUIRE(ctx, cepman_matrix_columns(matrix) > 0, CEPMAN_ERR_SHAPE,
                "mixture: the matrix has no column");
    if (!start) return CEPMAN_OK;
    CEP_REQUIRE(ctx, cepman_labels_count(start) == n, CEPMAN_ERR_SHAPE, "mixture: %zu labels for %zu rows",
                cepman_labels_count(start), n);
    CEP_REQUIRE(ctx, cepman_labels_noise(start) < n, CEPMAN_ERR_DATA,
                "mixture: no row has a label of 0 or more to start from");
    CEP_REQUIRE(ctx, cepman_labels_clusters(start) <= k, CEPMAN_ERR_RANGE,
                "mixture: the start has label %zu, must be below k = %zu", cepman_labels_clusters(start) - 1,
                k);
    return CEPMAN_OK;
}

cepman_status cepman_mixture_fit(cepman_mixture **out, cepman_context *ctx, const cepman_matrix *matrix,
                                 const cepman_labels *start, const cepman_options *given)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "mixture: out or matrix is NULL");
    CEP_REQUIRE_F32(ctx, matrix, "mixture");
    cepman_options *options = NULL;
    s = cep_options_resolve(&options, ctx, given, "mixture", table);
    if (s) return s;
    size_t k = (size_t)cep_options_integer(options, "k");
    if (start && !cep_options_given(options, "k") && cepman_labels_clusters(start))
        k = cepman_labels_clusters(start);
    cepman_mixture *m = NULL;
    cep_memory *mem = cep_context_memory(ctx);
    s = check(ctx, matrix, start, k);
    if (!s) {
        m = cep_alloc_zero(mem, 1, sizeof *m);
        if (!m) s = cep_fail_memory(ctx, "mixture", 1, sizeof *m);
    }
    if (!s) {
        cep_refs_init(&m->refs);
        m->mem = cep_memory_ref(mem);
        s = fit(m, ctx, matrix, start, options, k);
    }
    cepman_options_unref(options);
    if (s) {
        cepman_mixture_unref(m);
        return s;
    }
    *out = m;
    return CEPMAN_OK;
}

cepman_mixture *cepman_mixture_ref(cepman_mixture *m)
{
    if (m) cep_refs_get(&m->refs);
    return m;
}

void cepman_mixture_unref(cepman_mixture *m)
{
    if (!m || !cep_refs_put(&m->refs)) return;
    cep_memory *mem = m->mem;
    cepman_labels_unref(m->labels);
    cep_gaussian_clear(&m->gaussian);
    cep_free(mem, m->share);
    cep_free(mem, m->history);
    cep_free(mem, m);
    cep_memory_unref(mem);
}

cepman_labels *cepman_mixture_labels(const cepman_mixture *m)
{
    return m ? m->labels : NULL;
}

const double *cepman_mixture_responsibilities(const cepman_mixture *m)
{
    return m ? m->share : NULL;
}

size_t cepman_mixture_components(const cepman_mixture *m)
{
    return m ? m->gaussian.k : 0;
}

size_t cepman_mixture_columns(const cepman_mixture *m)
{
    return m ? m->gaussian.d : 0;
}

const double *cepman_mixture_weights(const cepman_mixture *m)
{
    return m ? m->gaussian.weight : NULL;
}

const double *cepman_mixture_means(const cepman_mixture *m)
{
    return m ? m->gaussian.mean : NULL;
}

const double *cepman_mixture_covariances(const cepman_mixture *m)
{
    return m ? m->gaussian.covariance : NULL;
}

int cepman_mixture_diagonal(const cepman_mixture *m)
{
    return m && m->gaussian.diagonal;
}

double cepman_mixture_log_likelihood(const cepman_mixture *m)
{
    return m ? m->likelihood : (double)NAN;
}

const double *cepman_mixture_history(const cepman_mixture *m)
{
    return m ? m->history : NULL;
}

size_t cepman_mixture_iterations(const cepman_mixture *m)
{
    return m ? m->iterations : 0;
}

int cepman_mixture_converged(const cepman_mixture *m)
{
    return m && m->converged;
}

static double parameters(const cepman_mixture *m)
{
    double k = (double)m->gaussian.k, d = (double)m->gaussian.d;
    return k * (m->gaussian.diagonal ? d : d * (d + 1) / 2) + k * d + k - 1;
}

double cepman_mixture_bic(const cepman_mixture *m)
{
    return m ? -2 * m->likelihood * (double)m->n + parameters(m) * log((double)m->n) : (double)NAN;
}

double cepman_mixture_aic(const cepman_mixture *m)
{
    return m ? -2 * m->likelihood * (double)m->n + 2 * parameters(m) : (double)NAN;
}

cepman_status cepman_mixture_apply(cepman_labels **out, double *responsibilities, double *densities,
                                   cepman_context *ctx, const cepman_mixture *m, const cepman_matrix *matrix)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && m && matrix, CEPMAN_ERR_ARGUMENT, "mixture apply: an argument is NULL");
    CEP_REQUIRE_F32(ctx, matrix, "mixture apply");
    size_t n = cepman_matrix_rows(matrix), k = m->gaussian.k, cells;
    CEP_REQUIRE(ctx, cepman_matrix_columns(matrix) == m->gaussian.d, CEPMAN_ERR_SHAPE,
                "mixture apply: the matrix has %zu columns, the model %zu", cepman_matrix_columns(matrix),
                m->gaussian.d);
    cep_memory *mem = cep_context_memory(ctx);
    cep_points p = {0};
    cepman_labels *labels = NULL;
    double *share = NULL, *density = NULL;
    s = cep_points_all(&p, ctx, matrix, "mixture apply");
    if (!s) {
        share = cep_mul(n, k, &cells) ? cep_alloc(mem, cells, sizeof *share) : NULL;
        density = cep_alloc(mem, n, sizeof *density);
        if (!share || !density) s = cep_fail_memory(ctx, "mixture apply", n, (k + 1) * sizeof *share);
    }
    if (!s) s = cep_gaussian_expect(&m->gaussian, ctx, &p, share, density, NULL);
    if (!s) s = decide(&labels, ctx, share, n, k, responsibilities);
    if (!s && densities && n) memcpy(densities, density, n * sizeof *density);
    cep_free(mem, density);
    cep_free(mem, share);
    cep_points_clear(&p);
    if (s) return s;
    *out = labels;
    return CEPMAN_OK;
}
