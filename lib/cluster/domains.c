/* Domains of a scan: pure pieces by HDBSCAN of smoothed features, walls that are pieces taken out, joined, filled.
 * Smoothing is a bilateral filter of the features (Tomasi and Manduchi 1998) whose range is the median step between scan
 * neighbours, so that noise goes and walls stay; the rest is our own method (docs/method.md, Domains).
 * Must not: use anything but features and their places, or depend on the number of threads. */
#include "domains.h"

#include <math.h>
#include <string.h>

#include <cepman/hdbscan.h>
#include <cepman/validity.h>

#include "linkage.h"

#define INTERIOR 0.1 /* a piece with a smaller part of inner points is a wall */
#define COHERENCE_PAIRS 4096

static const cep_option table[] = {
    {"density-columns", CEPMAN_OPTION_INTEGER, 1, 8, 8, NULL,
     "first columns of the features that pieces are found in, 1 to 8"},
    {"passes", CEPMAN_OPTION_INTEGER, 0, 10, 2, NULL, "passes of smoothing over 3 x 3 scan points, 0 to 10"},
    {"power", CEPMAN_OPTION_INTEGER, 1, 8, 3, NULL,
     "that smoothed cepstra are raised to, 1 to 8: how much their peaks count"},
    {"piece", CEPMAN_OPTION_REAL, 0.001, 1, 0.015, NULL,
     "least fraction of the points in a piece, 0.001 to 1 (and at least 8 points)"},
    {"piece-samples", CEPMAN_OPTION_INTEGER, 1, 1000, 5, NULL, "HDBSCAN's for the pieces, 1 to 1000"},
    {"domain", CEPMAN_OPTION_REAL, 0, 1, 0.03, NULL,
     "least fraction of the points in a domain, 0 to 1 (and at least 8 points)"},
    {"least-jump", CEPMAN_OPTION_REAL, 0, 1e30, 0.62, NULL,
     "jump of the features across a border below which it is no wall; for sharpened features"},
    {"wall", CEPMAN_OPTION_REAL, 0, 10, 0.65, NULL,
     "jump over the scan's usual jump across walls, 0 to 10, above which a border is a wall"},
    {"tear", CEPMAN_OPTION_REAL, 0, 1e6, 5, NULL,
     "jump over the steps beside it, 0 to 1e6, below which a border that is no wall is a tear"},
    {"mixing", CEPMAN_OPTION_REAL, 0, 1, 0.15, NULL,
     "part of a neighbouring domain, 0 to 1, from which a point is on a wall"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL}};

cepman_status cepman_domains_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, "domains", table);
}

/* ---- smoothing ------------------------------------------------------------------------------------------------ */

cepman_status cep_domains_step(double *out, const cep_domains *s)
{
    double *step = cep_alloc(s->mem, s->n, 2 * sizeof *step);
    if (!step) return cep_fail_memory(s->ctx, "steps between scan points", s->n, 2 * sizeof *step);
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++) {
        const size_t next[2] = {i + 1, i + s->columns};
        const bool there[2] = {(i + 1) % s->columns != 0, i + s->columns < s->n};
        for (int k = 0; k < 2; k++)
            if (there[k] && s->good[i] && s->good[next[k]])
                step[count++] =
                    cep_domains_apart(cep_domains_smooth(s, i), cep_domains_smooth(s, next[k]), s->d);
    }
    *out = count ? cep_select_f64(step, count, count / 2) : 0;
    cep_free(s->mem, step);
    return CEPMAN_OK;
}

typedef struct smoothing {
    const cep_domains *s;
    float *into;
    double range;
} smoothing;

/* One row of the scan. */
static cepman_status smooth_row(void *argument, size_t y, unsigned worker, cep_fault *fault)
{
    (void)worker;
    (void)fault;
    const smoothing *g = argument;
    const cep_domains *s = g->s;
    for (size_t x = 0; x < s->columns; x++) {
        size_t i = y * s->columns + x;
        const float *own = cep_domains_smooth(s, i);
        float *into = g->into + i * s->d;
        double all = 0;
        memcpy(into, own, s->d * sizeof *into);
        if (!s->good[i]) continue;
        for (size_t k = 0; k < s->d; k++)
            into[k] = 0;
        for (size_t v = cep_domains_from(y, 1); v < cep_domains_to(y, 1, s->rows); v++)
            for (size_t u = cep_domains_from(x, 1); u < cep_domains_to(x, 1, s->columns); u++) {
                size_t j = v * s->columns + u;
                if (!s->good[j]) continue;
                const float *other = cep_domains_smooth(s, j);
                double apart = cep_domains_apart(own, other, s->d), weight = 1;
                if (apart > g->range) weight = g->range > 0 ? exp(1 - apart / g->range) : 0;
                all += weight;
                for (size_t k = 0; k < s->d; k++)
                    into[k] += (float)(weight * (double)other[k]);
            }
        for (size_t k = 0; k < s->d; k++)
            into[k] = (float)((double)into[k] / all);
    }
    return CEPMAN_OK;
}

cepman_status cep_domains_make_smooth(cep_domains *s)
{
    int64_t passes = cep_options_integer(s->options, "passes");
    smoothing g = {.s = s, .into = cep_alloc(s->mem, s->n, s->d * sizeof *g.into)};
    if (!g.into) return cep_fail_memory(s->ctx, "smoothed features", s->n, s->d * sizeof *g.into);
    cepman_status status = CEPMAN_OK;
    for (int64_t i = 0; !status && i < passes; i++) {
        status = cep_domains_step(&g.range, s);
        if (!status) status = cep_parallel(s->ctx, NULL, s->rows, smooth_row, &g);
        if (status) break;
        float *done = g.into;
        g.into = s->smooth;
        s->smooth = done;
    }
    cep_free(s->mem, g.into);
    return status;
}

/* ---- labels --------------------------------------------------------------------------------------------------- */

void cep_domains_inner(const cep_domains *s, bool *inner)
{
    for (size_t y = 0; y < s->rows; y++)
        for (size_t x = 0; x < s->columns; x++) {
            int32_t own = s->label[y * s->columns + x];
            bool all = own >= 0;
            for (size_t v = cep_domains_from(y, 1); all && v < cep_domains_to(y, 1, s->rows); v++)
                for (size_t u = cep_domains_from(x, 1); u < cep_domains_to(x, 1, s->columns); u++)
                    all = all && s->label[v * s->columns + u] == own;
            inner[y * s->columns + x] = all;
        }
}

void cep_domains_renumber(cep_domains *s, int32_t *keep)
{
    int32_t next = 0;
    for (size_t c = 0; c < s->clusters; c++)
        keep[c] = keep[c] ? next++ : -1;
    for (size_t i = 0; i < s->n; i++)
        if (s->label[i] >= 0) s->label[i] = keep[s->label[i]];
    s->clusters = (size_t)next;
}

/* Of thin clusters those that lie among one another, as pieces of one domain do whose tilts change from point to point: at a
 * quarter of their points there is nothing else within two. A wall is no wider than that. Their thin[] is taken back. */
static cepman_status spare_mixed(const cep_domains *s, const size_t *size, int32_t *keep)
{
    size_t *thick = cep_alloc_zero(s->mem, s->clusters + 1, sizeof *thick);
    if (!thick) return cep_fail_memory(s->ctx, "pieces of domains", s->clusters, sizeof *thick);
    for (size_t i = 0; i < s->n; i++) {
        size_t y = i / s->columns, x = i % s->columns;
        bool all = s->label[i] >= 0 && !keep[s->label[i]];
        for (size_t v = cep_domains_from(y, 2); all && v < cep_domains_to(y, 2, s->rows); v++)
            for (size_t u = cep_domains_from(x, 2); u < cep_domains_to(x, 2, s->columns); u++) {
                int32_t other = s->label[v * s->columns + u];
                all = all && (other < 0 || !keep[other]);
            }
        if (all) thick[s->label[i]]++;
    }
    for (size_t c = 0; c < s->clusters; c++)
        if (!keep[c]) keep[c] = 4 * thick[c] >= size[2 * c] && size[2 * c] > 0;
    cep_free(s->mem, thick);
    return CEPMAN_OK;
}

/* Takes out clusters that are walls, or those that are too small. */
static cepman_status drop_clusters(cep_domains *s, bool walls)
{
    bool *inner = cep_alloc(s->mem, s->n, sizeof *inner);
    int32_t *keep = cep_alloc_zero(s->mem, s->clusters + 1, sizeof *keep);
    size_t *size = cep_alloc_zero(s->mem, s->clusters + 1, 2 * sizeof *size);
    cepman_status status = CEPMAN_OK;
    if (inner && keep && size) {
        double least = cep_options_real(s->options, "domain") * (double)s->n;
        if (least < CEP_DOMAIN_LEAST) least = CEP_DOMAIN_LEAST;
        cep_domains_inner(s, inner);
        for (size_t i = 0; i < s->n; i++) {
            if (s->label[i] < 0) continue;
            size[2 * s->label[i]]++;
            size[2 * s->label[i] + 1] += inner[i];
        }
        for (size_t c = 0; c < s->clusters; c++)
            keep[c] = walls ? (double)size[2 * c + 1] >= INTERIOR * (double)size[2 * c]
                            : (double)size[2 * c] >= least;
        if (walls) status = spare_mixed(s, size, keep);
        if (!status) cep_domains_renumber(s, keep);
    } else {
        status = cep_fail_memory(s->ctx, "domains", s->n, sizeof *inner);
    }
    cep_free(s->mem, inner);
    cep_free(s->mem, keep);
    cep_free(s->mem, size);
    return status;
}

static void one_domain(cep_domains *s)
{
    for (size_t i = 0; i < s->n; i++)
        s->label[i] = s->good[i] ? 0 : -1;
}

/* From pieces in s->label to domains. */
static cepman_status pieces_to_domains(cep_domains *s)
{
    double usual;
    cepman_status status = s->clusters ? cep_domains_join_alike(s) : CEPMAN_OK;
    if (!status) status = drop_clusters(s, true);
    if (!status && s->clusters) status = cep_domains_join(s, &usual);
    if (!status && s->clusters) status = cep_domains_fill(s, usual);
    if (!status && s->clusters) status = drop_clusters(s, false);
    if (!status && !s->clusters) one_domain(s);
    return status;
}

/* ---- candidates ------------------------------------------------------------------------------------------------ */

/* Where a sheet of tilts is torn hangs on how finely one looks. Domains are found from pieces in fewer columns too, and from
 * smaller and larger pieces; that labelling is taken which the others agree with best. */
#define COLUMN_CHOICES 3
#define PIECE_CHOICES 3
#define CANDIDATES (COLUMN_CHOICES * PIECE_CHOICES)
static const double of_columns[COLUMN_CHOICES] = {0.75, 1, 0.5}, of_piece[PIECE_CHOICES] = {1, 1.35, 0.7};

static cepman_status candidate(cepman_labels **out, cep_domains *s, cepman_hdbscan_tree *tree, double share)
{
    cepman_options *how = NULL;
    cepman_hdbscan *cut = NULL;
    double least = cep_options_real(s->options, "piece") * share * (double)s->n;
    cepman_status status = cepman_hdbscan_options_create(&how, s->ctx);
    if (!status)
        status = cepman_options_set_integer(how, s->ctx, "min-cluster-size",
                                            least > CEP_DOMAIN_LEAST ? (int64_t)least : CEP_DOMAIN_LEAST);
    if (!status) status = cepman_hdbscan_extract(&cut, s->ctx, tree, how);
    if (!status) status = cep_labels_create(out, s->ctx, s->n, &s->label);
    if (!status) {
        const cepman_labels *pieces = cepman_hdbscan_labels(cut);
        memcpy(s->label, cepman_labels_data(pieces), s->n * sizeof *s->label);
        s->clusters = cepman_labels_clusters(pieces);
        status = pieces_to_domains(s);
        cep_labels_seal(*out);
    }
    cepman_hdbscan_unref(cut);
    cepman_options_unref(how);
    return status;
}

/* The candidates from pieces in the first `columns` columns. */
static cepman_status candidates(cepman_labels **out, cep_domains *s, size_t columns)
{
    cepman_options *how = NULL;
    cepman_hdbscan_tree *tree = NULL;
    cepman_matrix *first = NULL;
    cepman_status status = cepman_matrix_wrap(&first, s->ctx, s->smooth, s->n, columns, s->d, NULL, NULL);
    if (!status) status = cepman_hdbscan_tree_options_create(&how, s->ctx);
    if (!status)
        status = cepman_options_set_integer(how, s->ctx, "min-samples",
                                            cep_options_integer(s->options, "piece-samples"));
    if (!status) status = cepman_hdbscan_tree_build(&tree, s->ctx, first, how);
    for (size_t i = 0; !status && i < PIECE_CHOICES; i++)
        status = candidate(&out[i], s, tree, of_piece[i]);
    cepman_hdbscan_tree_unref(tree);
    cepman_options_unref(how);
    cepman_matrix_unref(first);
    return status;
}

/* The one with the largest sum of adjusted Rand indices with the others, of equal ones the first. */
static cepman_status most_agreed(size_t *best, cepman_context *ctx, cepman_labels *const *all)
{
    double most = -INFINITY;
    for (size_t i = 0; i < CANDIDATES; i++) {
        double sum = 0;
        for (size_t j = 0; j < CANDIDATES; j++) {
            double index = 1;
            cepman_status status = i == j ? CEPMAN_OK : cepman_validity_ari(&index, ctx, all[i], all[j]);
            if (status) return status;
            sum += isnan(index) ? 0 : index;
        }
        if (sum > most) {
            most = sum;
            *best = i;
        }
    }
    return CEPMAN_OK;
}

static cepman_status find(cepman_labels **out, cep_domains *s)
{
    cepman_labels *all[CANDIDATES] = {NULL};
    size_t widest = (size_t)cep_options_integer(s->options, "density-columns"), best = 0;
    if (widest > s->d) widest = s->d;
    cepman_status status = cep_domains_make_smooth(s);
    for (size_t i = 0; !status && i < COLUMN_CHOICES; i++)
        status = candidates(all + i * PIECE_CHOICES, s, (size_t)ceil(of_columns[i] * (double)widest));
    if (!status) status = most_agreed(&best, s->ctx, all);
    if (!status) *out = cepman_labels_ref(all[best]);
    for (size_t i = 0; i < CANDIDATES; i++)
        cepman_labels_unref(all[i]);
    return status;
}

/* ---- calls ----------------------------------------------------------------------------------------------------- */

static void end(cep_domains *s)
{
    cep_free(s->mem, s->smooth);
    cep_free(s->mem, s->good);
    cepman_options_unref(s->options);
}

static cepman_status begin(cep_domains *s, cepman_context *ctx, const cepman_matrix *features, size_t rows,
                           size_t columns, const cepman_options *options)
{
    size_t points;
    CEP_REQUIRE_F32(ctx, features, "domains");
    *s = (cep_domains){.ctx = ctx,
                       .mem = cep_context_memory(ctx),
                       .features = features,
                       .rows = rows,
                       .columns = columns,
                       .n = cepman_matrix_rows(features),
                       .d = cepman_matrix_columns(features)};
    CEP_REQUIRE(ctx, cep_mul(rows, columns, &points) && points == s->n, CEPMAN_ERR_SHAPE,
                "domains: %zu rows of features do not fill a scan of %zu x %zu", s->n, rows, columns);
    cepman_status status = cep_options_resolve(&s->options, ctx, options, "domains", table);
    if (status) return status;
    s->smooth = cep_alloc(s->mem, s->n, s->d * sizeof *s->smooth);
    s->good = cep_alloc(s->mem, s->n, sizeof *s->good);
    if (!s->smooth || !s->good) {
        end(s);
        return cep_fail_memory(ctx, "domains", s->n, s->d * sizeof *s->smooth);
    }
    for (size_t i = 0; i < s->n; i++) {
        memcpy(s->smooth + i * s->d, cepman_matrix_row(features, i), s->d * sizeof *s->smooth);
        s->good[i] = true;
        for (size_t k = 0; k < s->d; k++)
            s->good[i] = s->good[i] && isfinite(s->smooth[i * s->d + k]);
    }
    return CEPMAN_OK;
}

cepman_status cepman_domains_coherence(double *out, cepman_context *ctx, const cepman_matrix *features,
                                       size_t scan_rows, size_t scan_columns)
{
    cepman_status status = cep_enter(ctx);
    if (status) return status;
    CEP_REQUIRE(ctx, out && features, CEPMAN_ERR_ARGUMENT, "coherence: an argument is NULL");
    cep_domains s;
    double pair[COHERENCE_PAIRS], step = 0;
    size_t count = 0;
    status = begin(&s, ctx, features, scan_rows, scan_columns, NULL);
    if (status) return status;
    status = cep_domains_step(&step, &s);
    for (uint64_t k = 0; !status && s.n && k < COHERENCE_PAIRS; k++) {
        size_t i = (size_t)cep_random_below(0, 0, 2 * k, s.n),
               j = (size_t)cep_random_below(0, 0, 2 * k + 1, s.n);
        if (i != j && s.good[i] && s.good[j])
            pair[count++] = cep_domains_apart(cep_domains_smooth(&s, i), cep_domains_smooth(&s, j), s.d);
    }
    end(&s);
    if (status) return status;
    double usual = count ? cep_select_f64(pair, count, count / 2) : 0;
    *out = usual > 0 ? step / usual : 1;
    return CEPMAN_OK;
}

cepman_status cepman_domains_sharpen(cepman_matrix **out, cepman_context *ctx, const cepman_matrix *scores,
                                     const cepman_pca *pca, size_t scan_rows, size_t scan_columns,
                                     const cepman_options *options)
{
    cepman_status status = cep_enter(ctx);
    if (status) return status;
    CEP_REQUIRE(ctx, out && scores && pca, CEPMAN_ERR_ARGUMENT, "sharpened features: an argument is NULL");
    CEP_REQUIRE(ctx, cepman_matrix_columns(scores) == cepman_pca_components(pca), CEPMAN_ERR_SHAPE,
                "sharpened features: scores have %zu columns, the components are %zu",
                cepman_matrix_columns(scores), cepman_pca_components(pca));
    cep_domains s;
    const bool scan = scan_rows || scan_columns;
    status = begin(&s, ctx, scores, scan ? scan_rows : cepman_matrix_rows(scores), scan ? scan_columns : 1,
                   options);
    if (status) return status;
    if (scan) status = cep_domains_make_smooth(&s);
    if (!status) status = cep_domains_sharpen(out, &s, pca);
    end(&s);
    return status;
}

cepman_status cepman_domains_find(cepman_labels **out, cepman_context *ctx, const cepman_matrix *features,
                                  size_t scan_rows, size_t scan_columns, const cepman_options *options)
{
    cepman_status status = cep_enter(ctx);
    if (status) return status;
    CEP_REQUIRE(ctx, out && features, CEPMAN_ERR_ARGUMENT, "domains: an argument is NULL");
    cep_domains s;
    cepman_labels *labels = NULL;
    status = begin(&s, ctx, features, scan_rows, scan_columns, options);
    if (status) return status;
    status = find(&labels, &s);
    end(&s);
    if (!status) *out = labels;
    return status;
}

cepman_status cepman_domains_mixing(float *mixing, cepman_context *ctx, const cepman_labels *labels,
                                    const cepman_matrix *features, size_t scan_rows, size_t scan_columns,
                                    const cepman_options *options)
{
    cepman_status status = cep_enter(ctx);
    if (status) return status;
    CEP_REQUIRE(ctx, mixing && labels && features, CEPMAN_ERR_ARGUMENT, "mixing: an argument is NULL");
    cep_domains s;
    status = begin(&s, ctx, features, scan_rows, scan_columns, options);
    if (status) return status;
    if (cepman_labels_count(labels) != s.n)
        status =
            cep_fail(ctx, CEPMAN_ERR_SHAPE, "mixing: %zu labels for %zu rows of features, must be as many",
                     cepman_labels_count(labels), s.n);
    float *made = status ? NULL : cep_alloc_zero(s.mem, s.n, sizeof *made);
    s.label = status ? NULL : cep_alloc(s.mem, s.n, sizeof *s.label);
    if (!status && (!made || !s.label)) status = cep_fail_memory(ctx, "mixing", s.n, sizeof *made);
    if (!status) {
        s.clusters = cepman_labels_clusters(labels);
        memcpy(s.label, cepman_labels_data(labels), s.n * sizeof *s.label);
        for (size_t i = 0; i < s.n; i++)
            if (!s.good[i]) s.label[i] = -1;
        status = cep_domains_make_smooth(&s);
    }
    if (!status) status = cep_domains_mix(&s, made);
    if (!status) memcpy(mixing, made, s.n * sizeof *mixing);
    cep_free(s.mem, made);
    cep_free(s.mem, s.label);
    end(&s);
    return status;
}
