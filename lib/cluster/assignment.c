/* The Hungarian method with potentials, row by row along shortest augmenting paths: O(rows^2 columns)
 * (Kuhn 1955; Jonker and Volgenant 1987). Rows are the smaller side.
 * Must not: assume the matrix is square. */
#include <math.h>
#include <string.h>

#include "contingency.h"

typedef struct matching {
    const double *gain;
    size_t rows, columns;
    bool turned; /* gain is columns x rows */
    double *u, *v, *slack;
    size_t *row_of, *way; /* columns + 1; column 0 is the free row's */
    bool *used;
} matching;

static double cost(const matching *m, size_t row, size_t column)
{
    return -(m->turned ? m->gain[column * m->rows + row] : m->gain[row * m->columns + column]);
}

static void add_row(matching *m, size_t row)
{
    size_t j0 = 0;
    m->row_of[0] = row;
    for (size_t j = 0; j <= m->columns; j++) {
        m->slack[j] = (double)INFINITY;
        m->used[j] = false;
    }
    do {
        m->used[j0] = true;
        size_t i0 = m->row_of[j0], next = 0;
        double delta = (double)INFINITY;
        for (size_t j = 1; j <= m->columns; j++) {
            if (m->used[j]) continue;
            double reduced = cost(m, i0 - 1, j - 1) - m->u[i0] - m->v[j];
            if (reduced < m->slack[j]) {
                m->slack[j] = reduced;
                m->way[j] = j0;
            }
            if (m->slack[j] < delta) {
                delta = m->slack[j];
                next = j;
            }
        }
        for (size_t j = 0; j <= m->columns; j++) {
            if (m->used[j]) {
                m->u[m->row_of[j]] += delta;
                m->v[j] -= delta;
            } else {
                m->slack[j] -= delta;
            }
        }
        j0 = next;
    } while (m->row_of[j0] != 0);
    while (j0) {
        m->row_of[j0] = m->row_of[m->way[j0]];
        j0 = m->way[j0];
    }
}

cepman_status cep_assignment(cepman_context *ctx, const double *gain, size_t rows, size_t columns,
                             double *total)
{
    cep_memory *mem = cep_context_memory(ctx);
    matching m = {.gain = gain, .rows = rows, .columns = columns, .turned = rows > columns};
    if (m.turned) {
        m.rows = columns;
        m.columns = rows;
    }
    m.u = cep_alloc_zero(mem, m.rows + 1, sizeof *m.u);
    m.v = cep_alloc_zero(mem, m.columns + 1, sizeof *m.v);
    m.slack = cep_alloc(mem, m.columns + 1, sizeof *m.slack);
    m.row_of = cep_alloc_zero(mem, m.columns + 1, sizeof *m.row_of);
    m.way = cep_alloc_zero(mem, m.columns + 1, sizeof *m.way);
    m.used = cep_alloc(mem, m.columns + 1, sizeof *m.used);
    cepman_status s = CEPMAN_OK;
    if (!m.u || !m.v || !m.slack || !m.row_of || !m.way || !m.used)
        s = cep_fail_memory(ctx, "matching of clusters", m.columns, 5 * sizeof(double));
    for (size_t i = 1; !s && i <= m.rows; i++) {
        add_row(&m, i);
        s = cep_poll(ctx);
    }
    if (!s) {
        *total = 0;
        for (size_t j = 1; j <= m.columns; j++)
            if (m.row_of[j]) *total -= cost(&m, m.row_of[j] - 1, j - 1);
    }
    void *all[] = {m.u, m.v, m.slack, m.row_of, m.way, m.used};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cep_free(mem, all[i]);
    return s;
}
