/* The true neighbours of a sample of rows, by one pass over all rows: what recall is measured against.
 * Estimated distances (float32 products of centred rows) choose more rows than are needed, float64 ranks them.
 * Must not: cost more than a few rows' share of an exact search. */
#include <math.h>
#include <string.h>

#include "forest.h"

#define SAMPLE 96 /* rows, a multiple of 32 */
#define TASK_ROWS 256

typedef struct looking {
    const cep_measure *m;
    cep_truth *t;
    const cep_tile_kernels *tile;
    size_t wide;   /* estimates kept a row */
    float *panels; /* the sample, scaled and centred */
    double *mean;
    float *mean_f;
    float *lengths;      /* of the sample's rows, squared */
    float *offsets;      /* mean . row */
    cep_best_item *room; /* per worker: SAMPLE * wide */
    cep_best *best;      /* per worker: SAMPLE */
} looking;

static double flag(const cep_measure *m, size_t i)
{
    return m->cosine && m->norms[i] == 0;
}

static cepman_status look(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    looking *g = argument;
    const cep_measure *m = g->m;
    cep_best *best = g->best + (size_t)worker * SAMPLE;
    float dots[CEP_TILE_ROWS * SAMPLE];
    const float *rows[CEP_TILE_ROWS];
    (void)fault;
    size_t first = index * TASK_ROWS, end = first + TASK_ROWS < m->rows ? first + TASK_ROWS : m->rows;
    for (size_t i = first; i < end; i += CEP_TILE_ROWS) {
        for (size_t r = 0; r < CEP_TILE_ROWS; r++)
            rows[r] = cepman_matrix_row(m->matrix, i + r < end ? i + r : end - 1);
        for (size_t c = 0; c < SAMPLE; c += CEP_PROJECT_COLS)
            g->tile->project(rows, g->panels + c * m->columns, m->columns, dots + c, SAMPLE);
        for (size_t r = 0; r < CEP_TILE_ROWS && i + r < end; r++) {
            float factor = (float)cep_axes_factor(m, i + r), length;
            if (m->cosine) /* |u - mean|^2, up to what all rows share */
                length = (float)(flag(m, i + r) != 0
                                     ? 0
                                     : 1 - 2 * (double)factor *
                                               (double)m->kernels->dot(rows[r], g->mean_f, m->columns));
            else
                length = m->kernels->squared(rows[r], g->mean_f, m->columns);
            for (size_t c = 0; c < g->t->count; c++) {
                size_t row = (size_t)g->t->rows[c];
                if (row == i + r) continue;
                float dot = dots[r * SAMPLE + c] * factor - g->offsets[c];
                float key = (length + g->lengths[c]) - 2 * dot;
                if (m->cosine && flag(m, row) != flag(m, i + r)) key += 1;
                cep_best_offer(&best[c], (double)key, (int32_t)(i + r));
            }
        }
    }
    return CEPMAN_OK;
}

static void prepare(looking *g, uint64_t seed)
{
    const cep_measure *m = g->m;
    cep_truth *t = g->t;
    size_t d = m->columns;
    for (size_t c = 0; c < t->count; c++) { /* one row of each stretch */
        size_t first = (size_t)((cep_u128)c * m->rows / t->count),
               last = (size_t)((cep_u128)(c + 1) * m->rows / t->count);
        t->rows[c] = (int32_t)(first + (size_t)cep_random_below(seed, 300, c, last - first));
    }
    memset(g->mean, 0, d * sizeof *g->mean);
    for (size_t c = 0; c < t->count; c++) {
        const float *x = cepman_matrix_row(m->matrix, (size_t)t->rows[c]);
        double factor = cep_axes_factor(m, (size_t)t->rows[c]);
        for (size_t j = 0; j < d; j++)
            g->mean[j] += (double)x[j] * factor / (double)t->count;
    }
    for (size_t j = 0; j < d; j++)
        g->mean_f[j] = (float)g->mean[j];
    memset(g->panels, 0, d * SAMPLE * sizeof *g->panels);
    for (size_t c = 0; c < t->count; c++) {
        const float *x = cepman_matrix_row(m->matrix, (size_t)t->rows[c]);
        float *to = g->panels + c / CEP_PANEL * CEP_PANEL * d + c % CEP_PANEL;
        double factor = cep_axes_factor(m, (size_t)t->rows[c]), length = 0, offset = 0;
        for (size_t j = 0; j < d; j++) {
            float v = (float)((double)x[j] * factor - (double)g->mean_f[j]);
            to[j * CEP_PANEL] = v;
            length += (double)v * (double)v;
            offset += (double)v * (double)g->mean_f[j];
        }
        g->lengths[c] = (float)length;
        g->offsets[c] = (float)offset;
    }
}

/* The workers' estimates, together, ranked by true distance. */
static cepman_status rank(void *argument, size_t c, unsigned worker, cep_fault *fault)
{
    looking *g = argument;
    cep_truth *t = g->t;
    cep_best all = g->best[c], best = {t->nearest + c * t->k, t->k, 0};
    (void)worker;
    (void)fault;
    for (size_t q = 0; q < all.count; q++)
        cep_best_offer(&best, cep_measure_key(g->m, (size_t)t->rows[c], (size_t)all.items[q].index),
                       all.items[q].index);
    cep_best_sort(&best);
    return CEPMAN_OK;
}

cepman_status cep_truth_open(cep_truth *t, cepman_context *ctx, const cep_measure *m, size_t k, uint64_t seed)
{
    cep_memory *mem = m->mem;
    size_t d = m->columns;
    unsigned workers = cep_workers(ctx);
    looking g = {.m = m, .t = t, .tile = cep_tile_kernels_get(cep_context_cpu(ctx)), .wide = 2 * k + 16};
    memset(t, 0, sizeof *t);
    t->mem = mem;
    t->k = k;
    t->count = m->rows < SAMPLE ? m->rows : SAMPLE;
    t->rows = cep_alloc(mem, SAMPLE, sizeof *t->rows);
    t->nearest = cep_alloc(mem, SAMPLE, k * sizeof *t->nearest);
    g.panels = cep_alloc(mem, d, SAMPLE * sizeof *g.panels);
    g.mean = cep_alloc(mem, d, sizeof *g.mean);
    g.mean_f = cep_alloc(mem, d, sizeof *g.mean_f);
    g.lengths = cep_alloc(mem, SAMPLE, sizeof *g.lengths);
    g.offsets = cep_alloc(mem, SAMPLE, sizeof *g.offsets);
    g.best = cep_alloc(mem, workers, SAMPLE * sizeof *g.best);
    g.room = cep_alloc(mem, workers * SAMPLE, g.wide * sizeof *g.room);
    cepman_status s = CEPMAN_OK;
    if (!t->rows || !t->nearest || !g.panels || !g.mean || !g.mean_f || !g.lengths || !g.offsets || !g.best ||
        !g.room) {
        s = cep_fail_memory(ctx, "sample for recall", workers * SAMPLE, g.wide * sizeof *g.room);
    } else {
        prepare(&g, seed);
        for (size_t b = 0; b < workers * SAMPLE; b++)
            g.best[b] = (cep_best){g.room + b * g.wide, g.wide, 0};
        s = cep_parallel(ctx, NULL, (m->rows + TASK_ROWS - 1) / TASK_ROWS, look, &g);
    }
    for (size_t b = SAMPLE; !s && b < workers * SAMPLE; b++)
        for (size_t q = 0; q < g.best[b].count; q++)
            cep_best_offer(&g.best[b % SAMPLE], g.best[b].items[q].key, g.best[b].items[q].index);
    if (!s) s = cep_parallel(ctx, NULL, t->count, rank, &g);
    cep_free(mem, g.room);
    cep_free(mem, g.best);
    cep_free(mem, g.offsets);
    cep_free(mem, g.lengths);
    cep_free(mem, g.mean_f);
    cep_free(mem, g.mean);
    cep_free(mem, g.panels);
    if (s) cep_truth_close(t);
    return s;
}

void cep_truth_close(cep_truth *t)
{
    cep_free(t->mem, t->rows);
    cep_free(t->mem, t->nearest);
    t->rows = NULL;
    t->nearest = NULL;
}
