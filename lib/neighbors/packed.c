/* Rows centred, scaled to unit size and laid out in panels for the tile kernel, with bounds on the rounding
 * errors. |a - b|^2 = |a|^2 + |b|^2 - 2 a.b; the error of a float32 dot of t terms is below t u |a||b|
 * (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), with t one depth block and the
 * number of depth blocks. Must not: decide which rows are neighbours; its numbers only say which pairs cannot
 * be. */
#include <math.h>
#include <string.h>

#include "knn.h"

#define MEAN_ROWS 1024
#define ROUND_OFF 0x1p-24

typedef struct packing {
    cep_packed *p;
    const cep_measure *m;
    double *mean;
    double scale;
} packing;

/* Column j of a row in the coordinates that are packed: cosine rows have length 1, and a zero row points
 * along an axis of its own, which puts it at the distances that measure.c gives it. */
static inline double coordinate(const cep_measure *m, const float *x, size_t i, size_t j, double factor)
{
    if (j < m->columns) return (double)x[j] * factor;
    return m->norms[i] == 0;
}

static inline double row_factor(const cep_measure *m, size_t i)
{
    return !m->cosine || m->norms[i] == 0 ? 1 : 1 / sqrt(m->norms[i]);
}

/* Mean of a strided sample: centring takes the common part of all rows out of the products. */
static void find_mean(const cep_measure *m, size_t depth, double *mean)
{
    size_t sample = m->rows < MEAN_ROWS ? m->rows : MEAN_ROWS;
    for (size_t j = 0; j < depth; j++)
        mean[j] = 0;
    for (size_t s = 0; s < sample; s++) {
        size_t i = (size_t)((cep_u128)s * m->rows / sample);
        const float *x = cepman_matrix_row(m->matrix, i);
        double factor = row_factor(m, i);
        for (size_t j = 0; j < depth; j++)
            mean[j] += coordinate(m, x, i, j, factor);
    }
    for (size_t j = 0; j < depth; j++)
        mean[j] /= (double)sample;
}

static size_t block_offset(const cep_packed *p, size_t first, size_t panel, size_t *depth)
{
    *depth = p->depth - first < CEP_DEPTH ? p->depth - first : CEP_DEPTH;
    return first * p->padded + panel * CEP_PANEL * *depth;
}

static cepman_status pack_panel(void *argument, size_t panel, unsigned worker, cep_fault *fault)
{
    packing *g = argument;
    cep_packed *p = g->p;
    const cep_measure *m = g->m;
    double norms[CEP_PANEL] = {0};
    (void)worker;
    (void)fault;
    for (size_t first = 0, depth; first < p->depth; first += depth) {
        float *to = p->data + block_offset(p, first, panel, &depth);
        for (size_t r = 0; r < CEP_PANEL; r++) {
            size_t i = panel * CEP_PANEL + r;
            const float *x = cepman_matrix_row(m->matrix, i);
            double factor = x ? row_factor(m, i) : 0, sum = 0;
            for (size_t k = 0; k < depth; k++) {
                size_t j = first + k;
                float v = x ? (float)((coordinate(m, x, i, j, factor) - g->mean[j]) * g->scale) : 0.0f;
                to[k * CEP_PANEL + r] = v;
                sum += (double)v * (double)v;
            }
            norms[r] += sum;
        }
    }
    for (size_t r = 0; r < CEP_PANEL; r++)
        p->norms[panel * CEP_PANEL + r] =
            (float)(norms[r] * (1 - 0.5 * (double)p->relative)) - 0.25f * p->absolute;
    return CEPMAN_OK;
}

cepman_status cep_packed_open(cep_packed *p, cepman_context *ctx, const cep_measure *m)
{
    memset(p, 0, sizeof *p);
    p->mem = cep_context_memory(ctx);
    p->rows = m->rows;
    p->padded = (m->rows + CEP_TILE_COLS - 1) / CEP_TILE_COLS * CEP_TILE_COLS;
    p->depth = m->columns + m->cosine;
    packing g = {p, m, NULL, 1};
    if (!m->cosine && m->largest > 0) { /* to at most 2: no overflow in float32 */
        int exponent;
        frexp(m->largest, &exponent);
        g.scale = ldexp(1, -exponent);
    }
    p->unit = m->cosine ? 2 : g.scale * g.scale;
    size_t block = p->depth < CEP_DEPTH ? p->depth : CEP_DEPTH,
           blocks = (p->depth + CEP_DEPTH - 1) / CEP_DEPTH;
    /* Twice the bound on each side; 16 more roundings for lengths, data and the sum itself. */
    p->relative = (float)(2.1 * (double)(block + blocks + 16) * ROUND_OFF);
    p->absolute = m->cosine ? 1e-12f : 1e-30f; /* float64 roundings of unit lengths; underflow */
    p->data = cep_alloc(p->mem, p->padded, p->depth * sizeof *p->data);
    p->norms = cep_alloc(p->mem, p->padded, sizeof *p->norms);
    g.mean = cep_alloc(p->mem, p->depth, sizeof *g.mean);
    cepman_status s;
    if (!p->data || !p->norms || !g.mean) {
        s = cep_fail_memory(ctx, "packed rows", p->padded, p->depth * sizeof *p->data);
    } else {
        find_mean(m, p->depth, g.mean);
        s = cep_parallel(ctx, NULL, p->padded / CEP_PANEL, pack_panel, &g);
    }
    cep_free(p->mem, g.mean);
    if (s) cep_packed_close(p);
    return s;
}

void cep_packed_close(cep_packed *p)
{
    cep_free(p->mem, p->data);
    cep_free(p->mem, p->norms);
    p->data = p->norms = NULL;
}

/* Asks for `count` cache lines from line `first` of two runs of panels, one after the other. */
static inline void fetch_lines(const float *const run[2], const size_t lines[2], size_t first, size_t count)
{
    for (size_t l = first; l < first + count && l < lines[0] + lines[1]; l++)
        __builtin_prefetch(l < lines[0] ? run[0] + l * 16 : run[1] + (l - lines[0]) * 16, 0, 2);
}

void cep_packed_dots(const cep_packed *p, const cep_tile_kernels *kernels, size_t first_a, size_t na,
                     size_t first_b, size_t nb, bool diagonal, float *dots, size_t stride)
{
    size_t tiles = (na / CEP_TILE_ROWS) * (nb / CEP_TILE_COLS);
    for (size_t first = 0, depth, after; first < p->depth; first += depth) {
        const float *a = p->data + block_offset(p, first, first_a / CEP_PANEL, &depth);
        const float *b = p->data + block_offset(p, first, first_b / CEP_PANEL, &depth);
        /* While this depth block is multiplied, the next one is on its way. */
        const float *next[2] = {a, b};
        size_t lines[2] = {0, 0}, share = 0, fetched = 0;
        if (first + depth < p->depth) {
            next[0] = p->data + block_offset(p, first + depth, first_a / CEP_PANEL, &after);
            next[1] = p->data + block_offset(p, first + depth, first_b / CEP_PANEL, &after);
            lines[0] = diagonal ? 0 : na * after / 16;
            lines[1] = nb * after / 16;
            share = (lines[0] + lines[1]) / tiles + 1;
        }
        for (size_t c = 0; c < nb; c += CEP_TILE_COLS)
            for (size_t r = 0; r < na && !(diagonal && r >= c + CEP_TILE_COLS); r += CEP_TILE_ROWS) {
                fetch_lines(next, lines, fetched, share);
                fetched += share;
                kernels->tile(a + r / CEP_PANEL * CEP_PANEL * depth + r % CEP_PANEL, b + c * depth, depth,
                              first > 0, dots + r * stride + c, stride);
            }
    }
}
