/* Cells of projected rows, for searches by new rows: the nearest few cells hold nearly all near rows.
 * An inverted file (Jegou, Douze and Schmid, IEEE Trans. Pattern Anal. 33 (2011) 117); the cells are Lloyd's
 * (IEEE Trans. Inf. Theory 28 (1982) 129) on a sample.
 * Must not: say how many cells are enough; who asks measures that. */
#include <math.h>
#include <string.h>

#include "cells.h"

#define CELLS_LEAST 8
#define CELLS_MOST 4096
#define SAMPLE_ROWS 32 /* of a cell */
#define ITERATIONS 5
#define TASK_ROWS 128

typedef struct assigning {
    const cep_cells *c;
    const cep_projection *p;
    const cep_tile_kernels *tile;
    size_t rows, padded; /* rows to assign; centres, to a multiple of 32 */
    const size_t *row;   /* which rows; NULL: all */
    float *panels;       /* the centres, packed */
    float *halves;       /* |centre|^2 / 2 */
    int32_t *cell;
} assigning;

static size_t row_of(const assigning *a, size_t i)
{
    return a->row ? a->row[i] : i;
}

static cepman_status assign_rows(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    assigning *a = argument;
    float out[CEP_TILE_ROWS * CEP_PROJECT_COLS], best[CEP_TILE_ROWS];
    const float *rows[CEP_TILE_ROWS];
    (void)worker;
    (void)fault;
    for (size_t i = index * TASK_ROWS; i < (index + 1) * TASK_ROWS && i < a->rows; i += CEP_TILE_ROWS) {
        size_t count = a->rows - i < CEP_TILE_ROWS ? a->rows - i : CEP_TILE_ROWS;
        for (size_t r = 0; r < CEP_TILE_ROWS; r++) {
            rows[r] = a->p->y + row_of(a, i + (r < count ? r : 0)) * a->p->width;
            best[r] = INFINITY;
        }
        for (size_t r = 0; r < count; r++)
            a->cell[i + r] = 0;
        for (size_t c = 0; c < a->c->count; c += CEP_PROJECT_COLS) {
            a->tile->project(rows, a->panels + c * a->p->width, a->p->width, out, CEP_PROJECT_COLS);
            for (size_t r = 0; r < count; r++)
                for (size_t q = 0; q < CEP_PROJECT_COLS && c + q < a->c->count; q++) {
                    float key = a->halves[c + q] - out[r * CEP_PROJECT_COLS + q];
                    if (key < best[r]) {
                        best[r] = key;
                        a->cell[i + r] = (int32_t)(c + q);
                    }
                }
        }
    }
    return CEPMAN_OK;
}

static cepman_status assign(cepman_context *ctx, assigning *a, size_t rows, const size_t *row)
{
    const cep_cells *c = a->c;
    for (size_t i = 0; i < c->count; i++) {
        const float *x = c->centres + i * c->width;
        for (size_t k = 0; k < c->width; k++)
            a->panels[i / CEP_PANEL * CEP_PANEL * c->width + k * CEP_PANEL + i % CEP_PANEL] = x[k];
        a->halves[i] = c->distance->dot(x, x, c->width) / 2;
    }
    a->rows = rows;
    a->row = row;
    return cep_parallel(ctx, NULL, (rows + TASK_ROWS - 1) / TASK_ROWS, assign_rows, a);
}

/* Centres become the means of their rows; one without rows stays. */
static void move_centres(cep_cells *c, const assigning *a, double *sums, size_t *counts)
{
    size_t width = c->width;
    memset(sums, 0, c->count * width * sizeof *sums);
    memset(counts, 0, c->count * sizeof *counts);
    for (size_t i = 0; i < a->rows; i++) {
        const float *y = a->p->y + row_of(a, i) * width;
        double *sum = sums + (size_t)a->cell[i] * width;
        counts[a->cell[i]]++;
        for (size_t k = 0; k < width; k++)
            sum[k] += (double)y[k];
    }
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; counts[i] && k < width; k++)
            c->centres[i * width + k] = (float)(sums[i * width + k] / (double)counts[i]);
}

static void sort_rows(cep_cells *c, const assigning *a)
{
    memset(c->starts, 0, (c->count + 2) * sizeof *c->starts);
    for (size_t i = 0; i < c->rows; i++)
        c->starts[a->cell[i] + 2]++;
    for (size_t i = 2; i < c->count + 2; i++)
        c->starts[i] += c->starts[i - 1];
    for (size_t i = 0; i < c->rows; i++) {
        size_t at = c->starts[a->cell[i] + 1]++;
        c->order[at] = (int32_t)i;
        memcpy(c->points + at * c->width, a->p->y + i * c->width, c->width * sizeof *c->points);
    }
}

static cepman_status make_cells(cep_cells *c, cepman_context *ctx, assigning *a, uint64_t seed)
{
    cep_memory *mem = c->mem;
    size_t sample = c->rows < SAMPLE_ROWS * c->count ? c->rows : SAMPLE_ROWS * c->count;
    double *sums = cep_alloc(mem, c->count, c->width * sizeof *sums);
    size_t *counts = cep_alloc(mem, c->count, sizeof *counts), *row = cep_alloc(mem, sample, sizeof *row);
    cepman_status s = CEPMAN_OK;
    if (!sums || !counts || !row) {
        s = cep_fail_memory(ctx, "centres of cells", c->count, c->width * sizeof *sums);
    } else {
        for (size_t i = 0; i < sample; i++) /* one row of each stretch */
            row[i] = cep_share(c->rows, sample, i) +
                     (size_t)cep_random_below(
                         seed, 400, i, cep_share(c->rows, sample, i + 1) - cep_share(c->rows, sample, i));
        for (size_t i = 0; i < c->count; i++)
            memcpy(c->centres + i * c->width, a->p->y + row[cep_share(sample, c->count, i)] * c->width,
                   c->width * sizeof *c->centres);
        for (int round = 0; !s && round < ITERATIONS; round++) {
            s = assign(ctx, a, sample, row);
            if (!s) move_centres(c, a, sums, counts);
        }
        if (!s) s = assign(ctx, a, c->rows, NULL);
        if (!s) sort_rows(c, a);
    }
    cep_free(mem, row);
    cep_free(mem, counts);
    cep_free(mem, sums);
    return s;
}

cepman_status cep_cells_open(cep_cells *c, cepman_context *ctx, cep_projection *p, uint64_t seed)
{
    *c = (cep_cells){.rows = p->rows, .width = p->width, .mem = p->mem};
    cep_memory *mem = c->mem;
    c->distance = cep_distance_kernels_get(cep_context_cpu(ctx));
    c->count = (size_t)(2 * sqrt((double)c->rows));
    c->count = c->count < CELLS_LEAST ? CELLS_LEAST : c->count > CELLS_MOST ? CELLS_MOST : c->count;
    if (c->count > c->rows) c->count = c->rows;
    assigning a = {.c = c, .p = p, .tile = cep_tile_kernels_get(cep_context_cpu(ctx))};
    a.padded = (c->count + CEP_PROJECT_COLS - 1) / CEP_PROJECT_COLS * CEP_PROJECT_COLS;
    c->centres = cep_alloc(mem, c->count, c->width * sizeof *c->centres);
    c->starts = cep_alloc(mem, c->count + 2, sizeof *c->starts);
    c->order = cep_alloc(mem, c->rows, sizeof *c->order);
    c->points = cep_alloc(mem, c->rows, c->width * sizeof *c->points);
    a.panels = cep_alloc_zero(mem, a.padded, c->width * sizeof *a.panels);
    a.halves = cep_alloc(mem, c->count, sizeof *a.halves);
    a.cell = cep_alloc(mem, c->rows, sizeof *a.cell);
    cepman_status s;
    if (!c->centres || !c->starts || !c->order || !c->points || !a.panels || !a.halves || !a.cell)
        s = cep_fail_memory(ctx, "cells of projected rows", c->rows, (c->width + 2) * sizeof *c->points);
    else
        s = make_cells(c, ctx, &a, seed);
    cep_free(mem, a.cell);
    cep_free(mem, a.halves);
    cep_free(mem, a.panels);
    cep_projection_close(p);
    if (s) cep_cells_close(c);
    return s;
}

void cep_cells_close(cep_cells *c)
{
    cep_free(c->mem, c->centres);
    cep_free(c->mem, c->starts);
    cep_free(c->mem, c->order);
    cep_free(c->mem, c->points);
    c->centres = c->points = NULL;
    c->starts = NULL;
    c->order = NULL;
}

void cep_cells_search(const cep_cells *c, const float *y, int32_t self, cep_best *probes, cep_best *found)
{
    for (size_t i = 0; i < c->count; i++)
        cep_best_offer(probes, (double)c->distance->squared(y, c->centres + i * c->width, c->width),
                       (int32_t)i);
    cep_best_sort(probes); /* nearest first: the bound falls early */
    for (size_t q = 0; q < probes->count; q++) {
        size_t cell = (size_t)probes->items[q].index, last = c->starts[cell + 1];
        for (size_t p = c->starts[cell]; p < last; p++) {
            double key = (double)c->distance->squared(y, c->points + p * c->width, c->width);
            if (key <= cep_best_bound(found) && c->order[p] != self) cep_best_offer(found, key, c->order[p]);
        }
    }
}
