/* New rows in a fitted hierarchy: where they would leave the condensed tree, their labels and strengths, and soft
 * memberships of all clusters (the reference implementation's prediction, with the selection of the fit).
 * Must not: choose clusters again, or change the fit; each row is placed as though it alone had been added. */
#include <math.h>

#include "fitted.h"

#define CHUNK 256

/* The condensed cluster that a row leaves, and when. cluster CEP_NO_CLUSTER: the row is not finite. */
typedef struct place {
    uint32_t cluster;
    double lambda;
} place;

typedef struct place_job {
    const cepman_hdbscan *h;
    place *places;
} place_job;

/* The row departs with the point it is nearest to by mutual reachability, or earlier. The row's own core distance
 * leaves out one coincident point, so that rows of the fit come to where they are. */
static void place_row(void *argument, size_t row, const cep_near_point *found, size_t count)
{
    place_job *job = argument;
    const cepman_hdbscan_tree *t = job->h->tree;
    const cep_condensed *c = &job->h->condensed;
    place *out = &job->places[row];
    *out = (place){CEP_NO_CLUSTER, 0};
    if (!count) return;
    double core = sqrt(found[t->samples < count ? t->samples : count - 1].squared), least = (double)INFINITY;
    uint32_t nearest = found[0].point;
    for (size_t i = 0; i < count; i++) {
        double w = sqrt(found[i].squared) / t->alpha, other = t->core[cep_tree_row(t, found[i].point)];
        w = fmax(w, fmax(core, other));
        if (w < least) {
            least = w;
            nearest = found[i].point;
        }
    }
    out->cluster = c->point_cluster[nearest];
    out->lambda = least > 0 ? 1 / least : (double)INFINITY;
    if (c->point_lambda[nearest] <= out->lambda) {
        out->lambda = c->point_lambda[nearest];
        return;
    }
    while (out->cluster && c->birth[out->cluster] >= out->lambda)
        out->cluster = c->parent[out->cluster];
}

static cepman_status check_matrices(cepman_context *ctx, const cepman_hdbscan *h, const cepman_matrix *fitted,
                                    const cepman_matrix *matrix, const char *what)
{
    CEP_REQUIRE(ctx, cepman_matrix_rows(fitted) == h->tree->rows, CEPMAN_ERR_SHAPE,
                "%s: the fitted matrix has %zu rows, the tree was built from %zu", what,
                cepman_matrix_rows(fitted), h->tree->rows);
    CEP_REQUIRE(ctx, cepman_matrix_columns(fitted) == cepman_matrix_columns(matrix), CEPMAN_ERR_SHAPE,
                "%s: the matrix has %zu columns, the fitted one %zu", what, cepman_matrix_columns(matrix),
                cepman_matrix_columns(fitted));
    return CEPMAN_OK;
}

static cepman_status find_places(place *places, cepman_context *ctx, const cepman_hdbscan *h,
                                 const cepman_matrix *fitted, const cepman_matrix *matrix, const char *what)
{
    cep_fitted *f = NULL;
    place_job job = {h, places};
    const size_t k = h->tree->samples > 0 ? 2 * h->tree->samples : 1;
    cepman_status s = cep_fitted_get(&f, ctx, h, fitted, what);
    if (s) return s;
    s = cep_nearest_rows(&f->nearest, ctx, "hdbscan apply", matrix, k, place_row, &job);
    cep_fitted_put(h, f);
    return s;
}

cepman_status cepman_hdbscan_apply(cepman_labels **out, double *probabilities, cepman_context *ctx,
                                   const cepman_hdbscan *h, const cepman_matrix *fitted,
                                   const cepman_matrix *matrix)
{
    static const char what[] = "HDBSCAN apply";
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && h && fitted && matrix, CEPMAN_ERR_ARGUMENT, "%s: an argument is NULL", what);
    CEP_REQUIRE_F32(ctx, matrix, what);
    CEP_REQUIRE_F32(ctx, fitted, what);
    s = check_matrices(ctx, h, fitted, matrix, what);
    if (s) return s;
    size_t rows = cepman_matrix_rows(matrix);
    cepman_labels *labels = NULL;
    int32_t *values;
    place *places = cep_alloc(cep_context_memory(ctx), rows, sizeof *places);
    s = places ? find_places(places, ctx, h, fitted, matrix, what)
               : cep_fail_memory(ctx, what, rows, sizeof *places);
    if (!s) s = cep_labels_create(&labels, ctx, rows, &values);
    for (size_t i = 0; !s && i < rows; i++) {
        double p = 0;
        values[i] = places[i].cluster == CEP_NO_CLUSTER
                        ? -1
                        : cep_flat_label(h, places[i].cluster, places[i].lambda, &p);
        if (probabilities) probabilities[i] = p;
    }
    if (!s) {
        cep_labels_seal(labels);
        *out = labels;
    }
    cep_free(cep_context_memory(ctx), places);
    return s;
}

/* ---- soft membership --------------------------------------------------------------------------------------------- */

typedef struct soft_job {
    const cepman_hdbscan *h;
    const place *places;
    size_t rows, clusters, column;
    const uint32_t *chosen; /* condensed cluster of each label */
    double *out;
} soft_job;

static void write_distance(void *argument, size_t row, const cep_near_point *found, size_t count)
{
    soft_job *job = argument;
    job->out[row * job->clusters + job->column] = count ? sqrt(found[0].squared) : 0;
}

/* The lambda at which what leaves cluster k at `lambda` parts from cluster `chosen`. */
static double merge_lambda(const cep_condensed *c, uint32_t k, double lambda, uint32_t chosen)
{
    uint32_t a = k, b = chosen, last = k;
    while (a != b) { /* parents have smaller numbers */
        if (a > b)
            a = c->parent[last = a];
        else
            b = c->parent[last = b];
    }
    return a == k || a == chosen ? lambda : c->birth[last];
}

/* Distances to the exemplars become memberships. */
static void blend(const soft_job *job, const place *p, double *out)
{
    const cep_condensed *c = &job->h->condensed;
    size_t m = job->clusters, zeros = 0;
    double sum = 0, highest = -1, end = c->death[p->cluster], best_end = 0;
    for (size_t j = 0; j < m; j++)
        zeros += out[j] == 0;
    for (size_t j = 0; j < m; j++) {
        double at = merge_lambda(c, p->cluster, p->lambda, job->chosen[j]);
        double near = zeros ? (out[j] == 0) : 1 / out[j];
        double ratio = at >= end ? 1 : at > 0 ? end / at : (double)INFINITY;
        out[j] = near * exp(exp(-ratio));
        sum += out[j];
        if (at > highest) {
            highest = at;
            best_end = c->death[job->chosen[j]];
        }
    }
    if (p->lambda > best_end) best_end = p->lambda;
    double inside = highest >= best_end ? 1 : isinf(best_end) ? 0 : highest / best_end;
    for (size_t j = 0; j < m; j++)
        out[j] = sum > 0 ? out[j] / sum * inside : 0;
}

static cepman_status blend_chunk(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    const soft_job *job = argument;
    (void)worker;
    (void)fault;
    for (size_t i = index * CHUNK; i < (index + 1) * CHUNK && i < job->rows; i++) {
        double *out = job->out + i * job->clusters;
        if (job->places[i].cluster != CEP_NO_CLUSTER)
            blend(job, &job->places[i], out);
        else
            for (size_t j = 0; j < job->clusters; j++)
                out[j] = 0;
    }
    return CEPMAN_OK;
}

/* Distances of all rows to the nearest exemplar of each label, into job->out. */
static cepman_status measure_exemplars(soft_job *job, cepman_context *ctx, const cepman_matrix *fitted,
                                       const cepman_matrix *matrix)
{
    const cepman_hdbscan *h = job->h;
    cep_memory *mem = cep_context_memory(ctx);
    const int32_t *labels = cepman_labels_data(h->labels);
    cep_points few = {.d = cepman_matrix_columns(fitted)};
    few.row = cep_alloc(mem, h->tree->rows, sizeof *few.row);
    size_t *starts = cep_alloc_zero(mem, job->clusters + 1, sizeof *starts);
    size_t *next = cep_alloc(mem, job->clusters + 1, sizeof *next);
    cepman_status s = few.row && starts && next
                          ? CEPMAN_OK
                          : cep_fail_memory(ctx, "exemplars", h->tree->rows, sizeof *few.row);
    const float **all = few.row;
    if (!s) { /* by label, each in the order of the rows */
        for (size_t i = 0; i < h->tree->rows; i++)
            if (h->exemplars[i]) starts[labels[i] + 1]++;
        for (size_t j = 0; j < job->clusters; j++) {
            starts[j + 1] += starts[j];
            next[j] = starts[j];
        }
        for (size_t i = 0; i < h->tree->rows; i++)
            if (h->exemplars[i]) all[next[labels[i]]++] = cepman_matrix_row(fitted, i);
    }
    for (job->column = 0; !s && job->column < job->clusters; job->column++) {
        cep_nearest n;
        few.row = all + starts[job->column];
        few.n = starts[job->column + 1] - starts[job->column];
        s = cep_nearest_open(&n, ctx, &few);
        if (!s) s = cep_nearest_rows(&n, ctx, "hdbscan membership", matrix, 1, write_distance, job);
        cep_nearest_close(&n);
    }
    cep_free(mem, all);
    cep_free(mem, starts);
    cep_free(mem, next);
    return s;
}

/* Places of the fitted rows are known. */
static void own_places(place *places, const cepman_hdbscan *h)
{
    const cepman_hdbscan_tree *t = h->tree;
    for (size_t i = 0; i < t->rows; i++)
        places[i] = (place){CEP_NO_CLUSTER, 0};
    for (size_t i = 0; i < t->n; i++)
        places[cep_tree_row(t, i)] = (place){h->condensed.point_cluster[i], h->condensed.point_lambda[i]};
}

static cepman_status soften(soft_job *job, cepman_context *ctx, const cepman_matrix *fitted,
                            const cepman_matrix *matrix, double *out)
{
    cep_memory *mem = cep_context_memory(ctx);
    const cepman_hdbscan *h = job->h;
    cep_points points = {0};
    size_t numbers = 0, m = job->clusters;
    place *places = cep_alloc(mem, job->rows, sizeof *places);
    uint32_t *chosen = cep_alloc(mem, m, sizeof *chosen);
    if (cep_mul(job->rows, m, &numbers)) job->out = cep_alloc(mem, numbers, sizeof *job->out);
    cepman_status s = places && chosen && job->out
                          ? cep_fitted_points(&points, ctx, h, fitted, "HDBSCAN membership")
                          : cep_fail_memory(ctx, "HDBSCAN membership", job->rows, (m + 2) * sizeof *out);
    cep_points_clear(&points);
    if (!s && matrix == fitted) own_places(places, h);
    if (!s && matrix != fitted) s = find_places(places, ctx, h, fitted, matrix, "HDBSCAN membership");
    if (!s) {
        for (uint32_t k = 0; k < h->condensed.clusters; k++)
            if (h->number[k] >= 0) chosen[h->number[k]] = k;
        job->places = places;
        job->chosen = chosen;
        s = measure_exemplars(job, ctx, fitted, matrix);
    }
    if (!s) s = cep_parallel(ctx, NULL, (job->rows + CHUNK - 1) / CHUNK, blend_chunk, job);
    for (size_t i = 0; !s && i < numbers; i++)
        out[i] = job->out[i];
    cep_free(mem, places);
    cep_free(mem, chosen);
    cep_free(mem, job->out);
    return s;
}

cepman_status cepman_hdbscan_membership(double *out, cepman_context *ctx, const cepman_hdbscan *h,
                                        const cepman_matrix *fitted, const cepman_matrix *matrix)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, h && fitted, CEPMAN_ERR_ARGUMENT, "HDBSCAN membership: clusters or fitted is NULL");
    if (!matrix) matrix = fitted;
    CEP_REQUIRE_F32(ctx, matrix, "HDBSCAN membership");
    CEP_REQUIRE_F32(ctx, fitted, "HDBSCAN membership");
    s = check_matrices(ctx, h, fitted, matrix, "HDBSCAN membership");
    if (s) return s;
    soft_job job = {
        .h = h, .rows = cepman_matrix_rows(matrix), .clusters = cepman_labels_clusters(h->labels)};
    if (!job.rows || !job.clusters) return CEPMAN_OK;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "HDBSCAN membership: out is NULL");
    return soften(&job, ctx, fitted, matrix, out);
}
