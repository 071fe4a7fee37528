/* Counts pairs of classes sparsely, so that many small clusters cost memory in proportion to the points.
 * Labels may be any numbers; classes are numbered by their order.
 * Must not: build a table of all pairs. */
#include <stdlib.h>
#include <string.h>

#include "contingency.h"

typedef struct pair {
    int32_t a, b;
} pair;

static uint64_t key(const pair *p)
{
    return (uint64_t)((uint32_t)p->a ^ 0x80000000u) << 32 | ((uint32_t)p->b ^ 0x80000000u);
}

/* Least significant byte first; bytes that are all equal are skipped. */
static void sort_pairs(pair *p, pair *other, size_t n)
{
    pair *from = p, *to = other;
    for (unsigned shift = 0; n && shift < 64; shift += 8) {
        size_t starts[257] = {0};
        for (size_t i = 0; i < n; i++)
            starts[(key(&from[i]) >> shift & 255) + 1]++;
        if (starts[(key(&from[0]) >> shift & 255) + 1] == n) continue;
        for (size_t b = 0; b < 256; b++)
            starts[b + 1] += starts[b];
        for (size_t i = 0; i < n; i++)
            to[starts[key(&from[i]) >> shift & 255]++] = from[i];
        pair *t = from;
        from = to;
        to = t;
    }
    if (from != p && n) memcpy(p, from, n * sizeof *p);
}

static int by_number(const void *x, const void *y)
{
    int32_t a = *(const int32_t *)x, b = *(const int32_t *)y;
    return (a > b) - (a < b);
}

/* Cells and sizes from sorted pairs. values: scratch for the classes of the second labelling. */
static cepman_status gather(cep_contingency *c, cepman_context *ctx, const pair *p, size_t n)
{
    size_t cells = 0, first = 0;
    for (size_t i = 0; i < n; i++) {
        first += i == 0 || p[i].a != p[i - 1].a;
        cells += i == 0 || key(&p[i]) != key(&p[i - 1]);
    }
    int32_t *values = cep_alloc(c->mem, cells, sizeof *values);
    c->cell = cep_alloc_zero(c->mem, cells, sizeof *c->cell);
    c->size_a = cep_alloc_zero(c->mem, first, sizeof *c->size_a);
    if (!values || !c->cell || !c->size_a) {
        cep_free(c->mem, values);
        return cep_fail_memory(ctx, "counts of classes", cells, sizeof *c->cell);
    }
    c->first = first;
    c->cells = cells;
    c->noise = n && p[0].a < 0;
    size_t at = 0, a = 0, second = 0;
    for (size_t i = 0; i < n; i++) {
        if (i && p[i].a != p[i - 1].a) a++;
        if (i && key(&p[i]) != key(&p[i - 1])) at++;
        c->cell[at].a = (int32_t)a;
        c->cell[at].b = values[at] = p[i].b;
        c->cell[at].count++;
        c->size_a[a]++;
    }
    if (cells) qsort(values, cells, sizeof *values, by_number);
    for (size_t i = 0; i < cells; i++)
        if (i == 0 || values[i] != values[i - 1]) values[second++] = values[i];
    c->second = second;
    c->size_b = cep_alloc_zero(c->mem, second, sizeof *c->size_b);
    for (size_t i = 0; c->size_b && i < cells; i++) {
        size_t low = 0, high = second;
        while (high - low > 1) {
            size_t mid = low + (high - low) / 2;
            if (values[mid] <= c->cell[i].b)
                low = mid;
            else
                high = mid;
        }
        c->cell[i].b = (int32_t)low;
        c->size_b[low] += c->cell[i].count;
    }
    cep_free(c->mem, values);
    return c->size_b ? CEPMAN_OK : cep_fail_memory(ctx, "counts of classes", second, sizeof(size_t));
}

cepman_status cep_contingency_count(cep_contingency *c, cepman_context *ctx, const cepman_labels *first,
                                    const cepman_labels *second, const char *what)
{
    size_t n = cepman_labels_count(first), kept = 0;
    *c = (cep_contingency){.mem = cep_context_memory(ctx)};
    CEP_REQUIRE(ctx, cepman_labels_count(second) == n, CEPMAN_ERR_SHAPE, "%s: %zu labels against %zu", what,
                n, cepman_labels_count(second));
    const int32_t *x = cepman_labels_data(first), *y = cepman_labels_data(second);
    pair *p = cep_alloc(c->mem, n, sizeof *p), *other = cep_alloc(c->mem, n, sizeof *other);
    cepman_status s = p && other ? CEPMAN_OK : cep_fail_memory(ctx, what, n, 2 * sizeof *p);
    for (size_t i = 0; !s && i < n; i++)
        if (y[i] >= 0) p[kept++] = (pair){x[i] < 0 ? -1 : x[i], y[i]};
    if (!s) {
        sort_pairs(p, other, kept);
        c->points = kept;
        s = gather(c, ctx, p, kept);
    }
    cep_free(c->mem, p);
    cep_free(c->mem, other);
    if (s) cep_contingency_clear(c);
    return s;
}

void cep_contingency_clear(cep_contingency *c)
{
    if (!c->mem) return;
    cep_free(c->mem, c->cell);
    cep_free(c->mem, c->size_a);
    cep_free(c->mem, c->size_b);
    *c = (cep_contingency){0};
}
