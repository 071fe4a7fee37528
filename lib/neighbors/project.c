/* Rows in few coordinates: products with a few axes, less the mean's; or the centred rows themselves.
 * A projection shortens distances, by least along the principal axes (Pearson, Phil. Mag. 2 (1901) 559).
 * Must not: be trusted beyond choosing candidates. */
#include <math.h>
#include <string.h>

#include "forest.h"

#define TASK_ROWS 128

typedef struct projecting {
    cep_projection *p;
    const cep_measure *m;
    const cep_tile_kernels *tile;
    const cep_axes *axes; /* NULL: the rows themselves */
    const float *mean;
    float *offsets; /* the mean's own coordinates */
    float largest;
} projecting;

static void project_eight(const projecting *g, size_t first)
{
    cep_projection *p = g->p;
    const cep_measure *m = g->m;
    const float *rows[CEP_TILE_ROWS];
    size_t last = m->rows - 1, count = g->axes->count;
    for (size_t r = 0; r < CEP_TILE_ROWS; r++)
        rows[r] = cepman_matrix_row(m->matrix, first + r < last ? first + r : last);
    float out[CEP_TILE_ROWS * CEP_PROJECT_COLS];
    for (size_t a = 0; a < count; a += CEP_PROJECT_COLS) {
        g->tile->project(rows, g->axes->panels + a * m->columns, m->columns, out, CEP_PROJECT_COLS);
        for (size_t r = 0; r < CEP_TILE_ROWS && first + r < m->rows; r++) {
            float factor = (float)cep_axes_factor(m, first + r), *y = p->y + (first + r) * p->width + a;
            for (size_t c = 0; c < CEP_PROJECT_COLS; c++)
                y[c] = out[r * CEP_PROJECT_COLS + c] * factor - g->offsets[a + c];
        }
    }
}

static void copy_centred(const projecting *g, size_t i)
{
    const float *x = cepman_matrix_row(g->m->matrix, i);
    double factor = cep_axes_factor(g->m, i);
    for (size_t j = 0; j < g->m->columns; j++)
        g->p->y[i * g->p->width + j] = (float)((double)x[j] * factor - (double)g->mean[j]);
}

static cepman_status project_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    projecting *g = argument;
    cep_projection *p = g->p;
    (void)worker;
    (void)fault;
    size_t first = index * TASK_ROWS, end = first + TASK_ROWS < p->rows ? first + TASK_ROWS : p->rows;
    size_t used = g->axes ? g->axes->count : g->m->columns;
    for (size_t i = first; i < end; i++)
        for (size_t c = used; c < p->width; c++)
            p->y[i * p->width + c] = 0;
    for (size_t i = first; i < end; i += g->axes ? CEP_TILE_ROWS : 1)
        if (g->axes)
            project_eight(g, i);
        else
            copy_centred(g, i);
    for (size_t i = first; i < end; i++) {
        float *y = p->y + i * p->width;
        if (g->m->cosine && g->m->norms[i] == 0) y[used] = 1; /* zero rows: an axis of their own */
        p->norms[i] = g->m->kernels->dot(y, y, p->width);
    }
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

cepman_status cep_projection_open(cep_projection *p, cepman_context *ctx, const cep_measure *m, size_t count,
                                  uint64_t seed)
{
    bool plain = count >= m->columns;
    size_t used = plain ? m->columns : count;
    memset(p, 0, sizeof *p);
    p->mem = m->mem;
    p->rows = m->rows;
    p->width = (used + m->cosine + CEP_PANEL - 1) / CEP_PANEL * CEP_PANEL;
    cep_axes axes = {.mem = m->mem};
    projecting g = {
        .p = p, .m = m, .tile = cep_tile_kernels_get(cep_context_cpu(ctx)), .axes = plain ? NULL : &axes};
    float *mean = NULL;
    cepman_status s = CEPMAN_OK;
    p->y = cep_alloc(p->mem, p->rows, p->width * sizeof *p->y);
    p->norms = cep_alloc(p->mem, p->rows, sizeof *p->norms);
    g.offsets = cep_alloc(p->mem, count, sizeof *g.offsets);
    mean = cep_alloc(p->mem, m->columns, sizeof *mean);
    if (!p->y || !p->norms || !g.offsets || !mean)
        s = cep_fail_memory(ctx, "projected rows", p->rows, (p->width + 1) * sizeof *p->y);
    else
        s = plain ? plain_mean(m, mean, ctx) : cep_axes_open(&axes, ctx, m, count, seed);
    if (!s) {
        g.mean = plain ? mean : axes.mean;
        for (size_t a = 0; !plain && a < count; a++) {
            double sum = 0;
            const float *panel = axes.panels + a / CEP_PANEL * CEP_PANEL * m->columns + a % CEP_PANEL;
            for (size_t j = 0; j < m->columns; j++)
                sum += (double)panel[j * CEP_PANEL] * (double)axes.mean[j];
            g.offsets[a] = (float)sum;
        }
        s = cep_parallel(ctx, NULL, (p->rows + TASK_ROWS - 1) / TASK_ROWS, project_rows, &g);
    }
    cep_free(p->mem, mean);
    cep_free(p->mem, g.offsets);
    cep_axes_close(&axes);
    if (s) cep_projection_close(p);
    return s;
}

void cep_projection_close(cep_projection *p)
{
    cep_free(p->mem, p->y);
    cep_free(p->mem, p->norms);
    p->y = p->norms = NULL;
}
