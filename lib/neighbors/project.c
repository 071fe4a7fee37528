/* Rows in few coordinates: products with a few axes, less the mean's; or the centred rows themselves.
 * A projection shortens distances, by least along the principal axes (Pearson, Phil. Mag. 2 (1901) 559).
 * Must not: be trusted beyond choosing candidates. */
#include <math.h>
#include <string.h>

#include "forest.h"

#define TASK_ROWS 128

typedef struct projecting {
    cep_projection *p;
    const cep_projector *projector;
    const cep_measure *m;
} projecting;

static void project_eight(const cep_projector *pr, const cep_measure *m, size_t first, size_t count, float *y)
{
    const float *rows[CEP_TILE_ROWS];
    for (size_t r = 0; r < CEP_TILE_ROWS; r++)
        rows[r] = cepman_matrix_row(m->matrix, first + (r < count ? r : count - 1));
    float out[CEP_TILE_ROWS * CEP_PROJECT_COLS];
    for (size_t a = 0; a < pr->axes.count; a += CEP_PROJECT_COLS) {
        pr->tile->project(rows, pr->axes.panels + a * pr->columns, pr->columns, out, CEP_PROJECT_COLS);
        for (size_t r = 0; r < count; r++) {
            float factor = (float)cep_axes_factor(m, first + r);
            for (size_t c = 0; c < CEP_PROJECT_COLS; c++)
                y[r * pr->width + a + c] = out[r * CEP_PROJECT_COLS + c] * factor - pr->offsets[a + c];
        }
    }
}

static void copy_centred(const cep_projector *pr, const cep_measure *m, size_t i, float *y)
{
    const float *x = cepman_matrix_row(m->matrix, i);
    double factor = cep_axes_factor(m, i);
    for (size_t j = 0; j < pr->columns; j++)
        y[j] = (float)((double)x[j] * factor - (double)pr->mean[j]);
}

void cep_projector_apply(const cep_projector *pr, const cep_measure *m, size_t first, size_t count, float *y,
                         float *norms)
{
    for (size_t r = 0; r < count; r += pr->plain ? 1 : CEP_TILE_ROWS) {
        if (pr->plain)
            copy_centred(pr, m, first + r, y + r * pr->width);
        else
            project_eight(pr, m, first + r, count - r < CEP_TILE_ROWS ? count - r : CEP_TILE_ROWS,
                          y + r * pr->width);
    }
    for (size_t r = 0; r < count; r++) {
        float *row = y + r * pr->width;
        for (size_t c = pr->used; c < pr->width; c++)
            row[c] = 0;
        if (m->cosine && m->norms[first + r] == 0) row[pr->used] = 1; /* zero rows: an axis of their own */
        norms[r] = pr->distance->dot(row, row, pr->width);
    }
}

static cepman_status project_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    projecting *g = argument;
    cep_projection *p = g->p;
    (void)worker;
    (void)fault;
    size_t first = index * TASK_ROWS, left = p->rows - first;
    cep_projector_apply(g->projector, g->m, first, left < TASK_ROWS ? left : TASK_ROWS,
                        p->y + first * p->width, p->norms + first);
    return CEPMAN_OK;
}

static cepman_status plain_mean(const cep_measure *m, float *mean, cepman_context *ctx)
{
    size_t rows = m->rows < 1024 ? m->rows : 1024;
    double *sums = cep_alloc_zero(m->mem, m->columns, sizeof *sums);
    if (!sums) return cep_fail_memory(ctx, "mean of rows", m->columns, sizeof *sums);
    for (size_t s = 0; s < rows; s++) {
        size_t i = (size_t)((cep_u128)s * m->rows / rows);
        const float *x = cepman_matrix_row(m->matrix, i);
        double factor = cep_axes_factor(m, i);
        for (size_t j = 0; j < m->columns; j++)
            sums[j] += (double)x[j] * factor;
    }
    for (size_t j = 0; j < m->columns; j++)
        mean[j] = (float)(sums[j] / (double)rows);
    cep_free(m->mem, sums);
    return CEPMAN_OK;
}

cepman_status cep_projector_open(cep_projector *pr, cepman_context *ctx, const cep_measure *m, size_t count,
                                 uint64_t seed)
{
    bool plain = count >= m->columns;
    *pr = (cep_projector){.columns = m->columns,
                          .used = plain ? m->columns : count,
                          .plain = plain,
                          .axes = {.mem = m->mem},
                          .tile = cep_tile_kernels_get(cep_context_cpu(ctx)),
                          .distance = m->kernels,
                          .mem = m->mem};
    pr->width = (pr->used + m->cosine + CEP_PANEL - 1) / CEP_PANEL * CEP_PANEL;
    cepman_status s;
    pr->mean = cep_alloc(pr->mem, plain ? m->columns : 0, sizeof *pr->mean);
    pr->offsets = cep_alloc(pr->mem, plain ? 0 : count, sizeof *pr->offsets);
    if (!pr->mean || !pr->offsets)
        s = cep_fail_memory(ctx, "mean of rows", m->columns, sizeof *pr->mean);
    else
        s = plain ? plain_mean(m, pr->mean, ctx) : cep_axes_open(&pr->axes, ctx, m, count, seed);
    for (size_t a = 0; !s && !plain && a < count; a++) {
        double sum = 0;
        const float *panel = pr->axes.panels + a / CEP_PANEL * CEP_PANEL * m->columns + a % CEP_PANEL;
        for (size_t j = 0; j < m->columns; j++)
            sum += (double)panel[j * CEP_PANEL] * (double)pr->axes.mean[j];
        pr->offsets[a] = (float)sum;
    }
    if (s) cep_projector_close(pr);
    return s;
}

void cep_projector_close(cep_projector *pr)
{
    cep_free(pr->mem, pr->mean);
    cep_free(pr->mem, pr->offsets);
    pr->mean = pr->offsets = NULL;
    cep_axes_close(&pr->axes);
}

cepman_status cep_projection_open(cep_projection *p, cepman_context *ctx, const cep_measure *m,
                                  const cep_projector *projector)
{
    *p = (cep_projection){.rows = m->rows, .width = projector->width, .mem = m->mem};
    p->y = cep_alloc(p->mem, p->rows, p->width * sizeof *p->y);
    p->norms = cep_alloc(p->mem, p->rows, sizeof *p->norms);
    projecting g = {p, projector, m};
    cepman_status s;
    if (!p->y || !p->norms)
        s = cep_fail_memory(ctx, "projected rows", p->rows, (p->width + 1) * sizeof *p->y);
    else
        s = cep_parallel(ctx, NULL, (p->rows + TASK_ROWS - 1) / TASK_ROWS, project_rows, &g);
    if (s) cep_projection_close(p);
    return s;
}

void cep_projection_close(cep_projection *p)
{
    cep_free(p->mem, p->y);
    cep_free(p->mem, p->norms);
    p->y = p->norms = NULL;
}
