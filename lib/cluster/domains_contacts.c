/* Where pieces of domains meet on the scan, and how features jump there and step beside it.
 * Our own method (docs/method.md, Domains). Noise is new on every scan line, so the product of what two neighbouring lines
 * see across a border, and beside it, has the expectation of its square without the noise's.
 * Must not: judge; what a jump means is for domains_join.c. */
#include <math.h>
#include <stdlib.h>

#include "domains.h"

#define REACH 5 /* scan points between two pieces that meet, at most */
#define LEAST_PRODUCTS 3
#define DRIFT 2 /* scan points a border may move from line to line */

/* Where a scan line passes from one piece to another. */
typedef struct crossing {
    uint64_t pair; /* lower piece * pieces + higher piece */
    uint32_t turn; /* along rows or columns, and which piece comes first */
    uint32_t line, place;
    size_t low, high; /* points on the sides of the lower and the higher piece */
    size_t behind_low,
        behind_high; /* as far behind them in the same pieces as they are apart; themselves: nothing there */
} crossing;

typedef struct search {
    cep_domains *s;
    crossing *crossings;
    size_t crossing_count;
    cep_contact *contacts;
    size_t contact_count;
} search;

/* A scan line: `count` points, `stride` apart, from point `from`. */
typedef struct line {
    size_t from, stride, count;
    uint32_t axis, number;
} line;

static void add_crossing(search *g, const line *l, size_t i, size_t j)
{
    const int32_t *label = g->s->label;
#define POINT(k) (l->from + (k)*l->stride)
    int32_t a = label[POINT(i)], b = label[POINT(j)];
    /* One point further in, out of the wall's way. */
    if (i > 0 && label[POINT(i - 1)] == a) i--;
    if (j + 1 < l->count && label[POINT(j + 1)] == b) j++;
    size_t gap = j - i;
    size_t before = i >= gap && label[POINT(i - gap)] == a ? i - gap : i;
    size_t after = j + gap < l->count && label[POINT(j + gap)] == b ? j + gap : j;
    bool up = a < b;
    crossing c = {.pair = (uint64_t)(up ? a : b) * g->s->clusters + (uint64_t)(up ? b : a),
                  .turn = 2 * l->axis + up,
                  .line = l->number,
                  .place = (uint32_t)i,
                  .low = POINT(up ? i : j),
                  .high = POINT(up ? j : i),
                  .behind_low = POINT(up ? before : after),
                  .behind_high = POINT(up ? after : before)};
#undef POINT
    g->crossings[g->crossing_count++] = c;
}

static void walk(search *g, const line *l)
{
    const int32_t *label = g->s->label;
    size_t last = l->count;
    for (size_t k = 0; k < l->count; k++) {
        int32_t own = label[l->from + k * l->stride];
        if (own < 0) continue;
        if (last < l->count && k - last <= REACH && label[l->from + last * l->stride] != own)
            add_crossing(g, l, last, k);
        last = k;
    }
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_pair(const void *p, const void *q)
{
    const crossing *a = p, *b = q;
    int c = compare(a->pair, b->pair);
    if (!c) c = compare(a->turn, b->turn);
    if (!c) c = compare(a->line, b->line);
    return c ? c : compare(a->place, b->place);
}

static double product(const search *g, size_t from, size_t to, size_t from2, size_t to2)
{
    const float *a = cepman_matrix_row(g->s->features, from), *b = cepman_matrix_row(g->s->features, to),
                *c = cepman_matrix_row(g->s->features, from2), *e = cepman_matrix_row(g->s->features, to2);
    double sum = 0;
    for (size_t k = 0; k < g->s->d; k++)
        sum += ((double)b[k] - (double)a[k]) * ((double)e[k] - (double)c[k]);
    return sum;
}

typedef struct sums {
    double jump, low, high;
    size_t jumps, lows, highs;
} sums;

static void add_products(const search *g, const crossing *a, const crossing *b, sums *t)
{
    t->jump += product(g, a->low, a->high, b->low, b->high);
    t->jumps++;
    if (a->behind_low != a->low && b->behind_low != b->low) {
        t->low += product(g, a->behind_low, a->low, b->behind_low, b->low);
        t->lows++;
    }
    if (a->behind_high != a->high && b->behind_high != b->high) {
        t->high += product(g, a->high, a->behind_high, b->high, b->behind_high);
        t->highs++;
    }
}

static double root_mean(double sum, size_t count)
{
    return count && sum > 0 ? sqrt(sum / (double)count) : 0;
}

/* Squared length of the mean jump, where lines that could be compared are too few. */
static double square_of_mean(const search *g, const crossing *c, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < g->s->d; k++) {
        double mean = 0;
        for (size_t i = 0; i < count; i++)
            mean += (double)cepman_matrix_row(g->s->features, c[i].high)[k] -
                    (double)cepman_matrix_row(g->s->features, c[i].low)[k];
        sum += mean * mean;
    }
    return sum / ((double)count * (double)count);
}

/* The crossings of one pair, sorted. Sums of the sides are added to those of all pairs. */
static void measure(search *g, const crossing *c, size_t count, sums *all)
{
    sums t = {0};
    for (size_t i = 0, before = 0; i < count; i++) {
        while (before < i && (c[before].turn < c[i].turn || c[before].line + 1 < c[i].line ||
                              (c[before].line + 1 == c[i].line && c[before].place + DRIFT < c[i].place)))
            before++;
        if (before < i && c[before].turn == c[i].turn && c[before].line + 1 == c[i].line &&
            c[before].place <= c[i].place + DRIFT)
            add_products(g, &c[before], &c[i], &t);
    }
    cep_contact *m = &g->contacts[g->contact_count++];
    m->first = (size_t)(c->pair / g->s->clusters);
    m->second = (size_t)(c->pair % g->s->clusters);
    m->count = count;
    m->jump = t.jumps >= LEAST_PRODUCTS ? root_mean(t.jump, t.jumps) : sqrt(square_of_mean(g, c, count));
    m->low = t.lows >= LEAST_PRODUCTS ? root_mean(t.low, t.lows) : -1;
    m->high = t.highs >= LEAST_PRODUCTS ? root_mean(t.high, t.highs) : -1;
    all->low += t.low + t.high;
    all->lows += t.lows + t.highs;
}

static cepman_status find_contacts(search *g)
{
    cep_domains *s = g->s;
    size_t pairs = 0;
    g->crossings = cep_alloc(s->mem, s->n, 2 * sizeof *g->crossings);
    if (!g->crossings) return cep_fail_memory(s->ctx, "borders of domains", s->n, 2 * sizeof *g->crossings);
    for (size_t y = 0; y < s->rows; y++)
        walk(g, &(line){y * s->columns, 1, s->columns, 0, (uint32_t)y});
    for (size_t x = 0; x < s->columns; x++)
        walk(g, &(line){x, s->columns, s->rows, 1, (uint32_t)x});
    cepman_status status = cep_poll(s->ctx);
    if (status) return status;
    qsort(g->crossings, g->crossing_count, sizeof *g->crossings, by_pair);
    for (size_t i = 0; i < g->crossing_count; i++)
        pairs += !i || g->crossings[i].pair != g->crossings[i - 1].pair;
    g->contacts = cep_alloc(s->mem, pairs + 1, sizeof *g->contacts);
    if (!g->contacts) return cep_fail_memory(s->ctx, "borders of domains", pairs, sizeof *g->contacts);
    sums all = {0};
    for (size_t first = 0, end; first < g->crossing_count; first = end) {
        for (end = first + 1; end < g->crossing_count && g->crossings[end].pair == g->crossings[first].pair;)
            end++;
        measure(g, g->crossings + first, end - first, &all);
    }
    double typical = root_mean(all.low, all.lows);
    for (size_t i = 0; i < g->contact_count; i++) {
        cep_contact *m = &g->contacts[i];
        bool measured = m->low >= 0 || m->high >= 0;
        if (m->low < 0) m->low = measured ? typical : -1;
        if (m->high < 0) m->high = measured ? typical : -1;
    }
    return CEPMAN_OK;
}

cepman_status cep_domains_contacts(cep_contact **out, size_t *count, cep_domains *s)
{
    search g = {.s = s};
    cepman_status status = find_contacts(&g);
    cep_free(s->mem, g.crossings);
    if (status) {
        cep_free(s->mem, g.contacts);
        return status;
    }
    *out = g.contacts;
    *count = g.contact_count;
    return CEPMAN_OK;
}
