/* The ring's values without the rest of the plane, for sides that are products of 2, 3 and 5: the columns of the frame
 * first, two real ones in a complex transform, then only the rows the ring needs, sixteen at a time.
 * Decimation in frequency (Gentleman and Sande 1966); the kernels' topic columns. Must not: plan by the clock. */
#include <math.h>
#include <string.h>

#include "internal.h"

#define PI 3.14159265358979323846

/* Radices of n, small ones first so that the last stage, which has no twiddles, is the widest. 0: not such a number. */
static size_t factor(size_t n, size_t radices[CEP_COLUMNS_STAGES])
{
    size_t count = 0, twos = 0;
    for (; n % 3 == 0; n /= 3)
        radices[count++] = 3;
    for (; n % 5 == 0; n /= 5)
        radices[count++] = 5;
    for (; n % 2 == 0; n /= 2)
        twos++;
    if (n != 1) return 0;
    if (twos == 1) radices[count++] = 2;
    for (; twos > 1 && twos % 3; twos -= 2)
        radices[count++] = 4;
    for (; twos >= 3; twos -= 3)
        radices[count++] = 8;
    return count;
}

static bool make_plan(cep_columns_plan *plan, cep_memory *mem, size_t n)
{
    size_t radices[CEP_COLUMNS_STAGES], left = n;
    cep_columns_plan p = {.n = n, .count = factor(n, radices)};
    uint32_t *position = cep_alloc(mem, n, sizeof *position);
    p.position = position;
    *plan = p;
    if (!position) return false;
    for (size_t i = 0; i < p.count; i++) {
        const size_t r = radices[i], span = left / r;
        float *w = cep_alloc(mem, span * (r - 1), 2 * sizeof *w);
        plan->stages[i] = (cep_columns_stage){r, span, w};
        if (!w) return false;
        for (size_t j = 0; j < span; j++)
            for (size_t q = 1; q < r; q++) {
                double angle = -2 * PI * (double)(j * q) / (double)left;
                *w++ = (float)cos(angle);
                *w++ = (float)sin(angle);
            }
        left = span;
    }
    for (size_t k = 0; k < n; k++) {
        size_t rest = k, at = 0;
        for (size_t i = 0; i < p.count; i++) {
            at += rest % radices[i] * plan->stages[i].span;
            rest /= radices[i];
        }
        position[k] = (uint32_t)at;
    }
    return true;
}

static void free_plan(cep_columns_plan *plan, cep_memory *mem)
{
    for (size_t i = 0; i < plan->count; i++)
        cep_free(mem, (float *)plan->stages[i].twiddles);
    cep_free(mem, (uint32_t *)plan->position);
}

#define LEAST 8

static bool side_suits(size_t n)
{
    size_t radices[CEP_COLUMNS_STAGES];
    return n >= LEAST && factor(n, radices);
}

bool cep_rings_suit(size_t rows, size_t columns)
{
    return side_suits(rows) && side_suits(columns);
}

size_t cep_rings_side_below(size_t n)
{
    size_t side = n;
    while (side >= LEAST && !side_suits(side))
        side--;
    return side < LEAST ? n : side;
}

size_t cep_rings_side_above(size_t n)
{
    while (!side_suits(n))
        n++;
    return n;
}

void cep_rings_free(cep_rings *r, cep_memory *mem)
{
    free_plan(&r->down, mem);
    free_plan(&r->along, mem);
    cep_free(mem, r->lines);
    cep_free(mem, r->index);
}

/* Where the feature (y, x) lies among the magnitudes: line x + reach_x, place y, of itself or of its twin. */
static uint32_t place_of(const cep_rings *r, int32_t y, int32_t x)
{
    if (y < 0) {
        y = -y;
        x = -x;
    }
    return (uint32_t)((size_t)(x + (int32_t)r->reach) * r->groups * CEP_STRIP + (size_t)y);
}

bool cep_rings_create(cep_rings *out, cep_memory *mem, const cep_columns_kernels *kernels,
                      const cep_ring *ring, size_t rows, size_t columns)
{
    cep_rings r = {.kernels = kernels, .rows = rows, .columns = columns};
    size_t most_y = 0;
    for (size_t i = 0; i < ring->count; i++) {
        size_t y = (size_t)(ring->segments[i].y < 0 ? -ring->segments[i].y : ring->segments[i].y);
        most_y = y > most_y ? y : most_y;
    }
    r.reach = ring->columns - 1;
    r.strips = ((columns + 1) / 2 + CEP_STRIP - 1) / CEP_STRIP;
    r.groups = most_y / CEP_STRIP + 1;
    r.features = ring->features;
    r.lines = cep_alloc(mem, 2 * r.reach + 1, sizeof *r.lines);
    r.index = cep_alloc(mem, r.features, sizeof *r.index);
    if (!make_plan(&r.down, mem, rows) || !make_plan(&r.along, mem, columns) || !r.lines || !r.index) {
        cep_rings_free(&r, mem);
        return false;
    }
    for (size_t i = 0; i <= 2 * r.reach; i++)
        r.lines[i] = r.along.position[(columns + i - r.reach) % columns];
    for (size_t i = 0; i < ring->count; i++) {
        const cep_segment *g = &ring->segments[i];
        for (size_t j = 0; j < g->count; j++)
            r.index[g->first + j] = place_of(&r, g->y, g->x + (int32_t)j);
    }
    *out = r;
    return true;
}

size_t cep_rings_stride(const cep_rings *r)
{
    return 2 * r->strips * CEP_STRIP;
}

size_t cep_rings_scratch(const cep_rings *r)
{
    return (r->rows + r->groups * r->columns) * CEP_STRIP_ROW + (2 * r->reach + 1) * r->groups * CEP_STRIP;
}

void cep_rings_execute(const cep_rings *r, const float *real, float level, float *scratch, bool power,
                       float *out)
{
    const size_t half = r->strips * CEP_STRIP, stride = 2 * half, group_size = r->columns * CEP_STRIP_ROW;
    float *strip = scratch, *turned = strip + r->rows * CEP_STRIP_ROW;
    float *values = turned + r->groups * group_size;
    for (size_t first = 0; first < half; first += CEP_STRIP) {
        /* Columns first .. first+15 in the real parts, those half a frame further in the imaginary ones. */
        const size_t other = first + half;
        const size_t na = r->columns - first < CEP_STRIP ? r->columns - first : CEP_STRIP;
        const size_t nb = other >= r->columns              ? 0
                          : r->columns - other < CEP_STRIP ? r->columns - other
                                                           : CEP_STRIP;
        r->kernels->transform(&r->down, real + first, real + other, stride, level, strip);
        for (size_t g = 0; g < r->groups; g++) {
            float *line = turned + g * group_size;
            r->kernels->separate(&r->down, strip, g * CEP_STRIP, line + first * CEP_STRIP_ROW, na,
                                 line + (nb ? other : 0) * CEP_STRIP_ROW, nb);
        }
    }
    /* The separation left twice the values. */
    const float factor = power ? 0.25f : 0.5f;
    for (size_t g = 0; g < r->groups; g++) {
        float *line = turned + g * group_size;
        r->kernels->transform(&r->along, line, line + CEP_STRIP, CEP_STRIP_ROW, 0, line);
        if (g == 0) /* what the level took from the centre, twice as all is here */
            line[r->along.position[0] * CEP_STRIP_ROW] +=
                (float)(2 * (double)level * (double)r->rows * (double)r->columns);
        r->kernels->magnitude(line, r->lines, 2 * r->reach + 1, factor, power, values + g * CEP_STRIP,
                              r->groups * CEP_STRIP);
    }
    for (size_t i = 0; i < r->features; i++)
        out[i] = values[r->index[i]];
}
