/* Joins pieces of domains: those that meet without a jump, then those that differ less than sides of walls do.
 * Our own method (docs/method.md, Domains). Noise is new on every scan line, so the product of what two neighbouring lines
 * see across a border, and beside it, has the expectation of its square without the noise's.
 * Must not: join, directly or through others, two pieces with a wall between them. */
#include <math.h>
#include <stdlib.h>

#include "domains.h"

#define REACH 5           /* scan points between two pieces that meet, at most */
#define LEAST_CROSSINGS 4 /* fewer tell nothing */
#define LEAST_PRODUCTS 3
#define DRIFT 2   /* scan points a border may move from line to line */
#define CLEAR 0.6 /* of the contrast below which a border may be a tear */
#define HIGH 0.85 /* of the usual jump: what jumps more is a wall in any case */
#define SMALL 0.5 /* of the least jump of a wall: a border that jumps less is a tear */
#define ALIKE 0.4 /* of the least jump of a wall: pieces whose means are nearer are one, scattered by noise */
#define REMNANT                                                                                              \
    0.8 /* a piece too small for a domain joins one that is nearer than this part of what walls are apart */

/* Where a scan line passes from one piece to another. */
typedef struct crossing {
    uint64_t pair; /* lower piece * pieces + higher piece */
    uint32_t turn; /* along rows or columns, and which piece comes first */
    uint32_t line, place;
    size_t low, high; /* points on the sides of the lower and the higher piece */
    size_t behind_low,
        behind_high; /* as far behind them in the same pieces as they are apart; themselves: nothing there */
} crossing;

/* What the scan says of two pieces. */
enum { APART, NEUTRAL, TEAR, WALL };
typedef struct contact {
    size_t count;
    double jump, low, high; /* across, and on either side; negative: not measured */
    size_t first, second;   /* pieces */
} contact;

typedef struct join {
    cep_domains *s;
    crossing *crossings;
    size_t crossing_count;
    contact *contacts;
    size_t contact_count;
    unsigned char *kind; /* pieces x pieces */
    int32_t *root;
    double *mean; /* pieces x d */
    size_t *size;
    double usual;
} join;

/* ---- where pieces meet ---------------------------------------------------------------------------------------------- */

/* A scan line: `count` points, `stride` apart, from point `from`. */
typedef struct line {
    size_t from, stride, count;
    uint32_t axis, number;
} line;

static void add_crossing(join *g, const line *l, size_t i, size_t j)
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

static void walk(join *g, const line *l)
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

static double product(const join *g, size_t from, size_t to, size_t from2, size_t to2)
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

static void add_products(const join *g, const crossing *a, const crossing *b, sums *t)
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
static double square_of_mean(const join *g, const crossing *c, size_t count)
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
static void measure(join *g, const crossing *c, size_t count, sums *all)
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
    contact *m = &g->contacts[g->contact_count++];
    m->first = (size_t)(c->pair / g->s->clusters);
    m->second = (size_t)(c->pair % g->s->clusters);
    m->count = count;
    m->jump = t.jumps >= LEAST_PRODUCTS ? root_mean(t.jump, t.jumps) : sqrt(square_of_mean(g, c, count));
    m->low = t.lows >= LEAST_PRODUCTS ? root_mean(t.low, t.lows) : -1;
    m->high = t.highs >= LEAST_PRODUCTS ? root_mean(t.high, t.highs) : -1;
    all->low += t.low + t.high;
    all->lows += t.lows + t.highs;
}

static cepman_status find_contacts(join *g)
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
        contact *m = &g->contacts[i];
        bool measured = m->low >= 0 || m->high >= 0;
        if (m->low < 0) m->low = measured ? typical : -1;
        if (m->high < 0) m->high = measured ? typical : -1;
    }
    return CEPMAN_OK;
}

/* ---- what that says ------------------------------------------------------------------------------------------------- */

/* Of the two steps beside a border the smaller; negative: not measured. */
static double beside(const contact *m)
{
    return m->low < m->high ? m->low : m->high;
}

/* A jump this small against the steps beside it is a tear, whatever its size, unless it is as large as walls are. */
static bool clear_tear(const join *g, const contact *m)
{
    return beside(m) >= 0 && m->jump < CLEAR * cep_options_real(g->s->options, "tear") * beside(m);
}

/* Jumps of long borders and large jumps count most, so that tears pull the mean down little. */
static double usual_jump(const join *g)
{
    double least = cep_options_real(g->s->options, "least-jump"), sum = 0, squares = 0;
    for (size_t i = 0; i < g->contact_count; i++) {
        const contact *m = &g->contacts[i];
        if (m->count < LEAST_CROSSINGS || !(m->jump > least) || clear_tear(g, m)) continue;
        sum += (double)m->count * m->jump;
        squares += (double)m->count * m->jump * m->jump;
    }
    return sum > 0 ? squares / sum : (double)INFINITY;
}

static void judge(join *g)
{
    double wall = cep_options_real(g->s->options, "wall") * g->usual,
           contrast = cep_options_real(g->s->options, "tear"),
           least = cep_options_real(g->s->options, "least-jump");
    size_t k = g->s->clusters;
    for (size_t i = 0; i < g->contact_count; i++) {
        const contact *m = &g->contacts[i];
        if (m->count < LEAST_CROSSINGS) continue;
        unsigned char kind = NEUTRAL;
        if (m->jump > wall && !(clear_tear(g, m) && m->jump < HIGH * g->usual))
            kind = WALL;
        else if (isinf(g->usual) || m->jump < SMALL * least ||
                 (beside(m) >= 0 && m->jump < contrast * beside(m)))
            kind = TEAR;
        g->kind[m->first * k + m->second] = g->kind[m->second * k + m->first] = kind;
    }
}

static int32_t root_of(join *g, size_t piece)
{
    int32_t c = (int32_t)piece;
    while (g->root[c] != c)
        c = g->root[c] = g->root[g->root[c]];
    return c;
}

/* Unless a wall is between them. Walls, sizes and means of the result are kept with its root, the lower piece. */
static void unite(join *g, size_t a, size_t b)
{
    size_t k = g->s->clusters, i = (size_t)root_of(g, a), j = (size_t)root_of(g, b);
    if (i == j || g->kind[i * k + j] == WALL) return;
    if (i > j) {
        size_t t = i;
        i = j;
        j = t;
    }
    g->root[j] = (int32_t)i;
    for (size_t c = 0; c < k; c++)
        if (g->kind[j * k + c] == WALL) g->kind[i * k + c] = g->kind[c * k + i] = WALL;
    double all = (double)(g->size[i] + g->size[j]), share = (double)g->size[j] / all;
    for (size_t f = 0; f < g->s->d; f++)
        g->mean[i * g->s->d + f] += share * (g->mean[j * g->s->d + f] - g->mean[i * g->s->d + f]);
    g->size[i] += g->size[j];
}

typedef struct distance {
    double apart;
    uint32_t a, b;
} distance;

static int by_distance(const void *p, const void *q)
{
    const distance *a = p, *b = q;
    if (a->apart != b->apart) return a->apart < b->apart ? -1 : 1;
    int c = compare(a->a, b->a);
    return c ? c : compare(a->b, b->b);
}

static double means_apart(const join *g, size_t a, size_t b)
{
    double sum = 0;
    for (size_t k = 0; k < g->s->d; k++) {
        double step = g->mean[a * g->s->d + k] - g->mean[b * g->s->d + k];
        sum += step * step;
    }
    return sqrt(sum);
}

/* Tears first, the smoothest first; then pieces that look alike, the likest first. */
static cepman_status join_pieces(join *g)
{
    cep_domains *s = g->s;
    size_t k = s->clusters, count = 0;
    distance *list = cep_alloc(s->mem, k * k, sizeof *list);
    if (!list) return cep_fail_memory(s->ctx, "pairs of pieces", k * k, sizeof *list);
    for (size_t i = 0; i < g->contact_count; i++) {
        const contact *m = &g->contacts[i];
        if (g->kind[m->first * k + m->second] == TEAR)
            list[count++] = (distance){m->jump, (uint32_t)m->first, (uint32_t)m->second};
    }
    size_t tears = count;
    qsort(list, tears, sizeof *list, by_distance);
    for (size_t a = 0; a < k; a++)
        for (size_t b = a + 1; b < k; b++) {
            double apart = means_apart(g, a, b);
            if (g->kind[a * k + b] == APART && apart < cep_options_real(s->options, "wall") * g->usual)
                list[count++] = (distance){apart, (uint32_t)a, (uint32_t)b};
        }
    qsort(list + tears, count - tears, sizeof *list, by_distance);
    for (size_t i = 0; i < count; i++)
        unite(g, list[i].a, list[i].b);
    cep_free(s->mem, list);
    return CEPMAN_OK;
}

/* What is still too small for a domain, the smallest first, joins the likest of the others. */
static void join_remnants(join *g)
{
    cep_domains *s = g->s;
    double least = cep_options_real(s->options, "domain") * (double)s->n;
    for (size_t after = 0;;) {
        size_t small = s->clusters, near = s->clusters;
        for (size_t c = 0; c < s->clusters; c++) {
            size_t key = g->size[c] * s->clusters + c;
            if (root_of(g, c) == (int32_t)c && (double)g->size[c] < least && key >= after &&
                (small == s->clusters || g->size[c] < g->size[small]))
                small = c;
        }
        if (small == s->clusters) return;
        after = g->size[small] * s->clusters + small + 1;
        for (size_t c = 0; c < s->clusters; c++)
            if (root_of(g, c) == (int32_t)c && c != small &&
                (near == s->clusters || means_apart(g, small, c) < means_apart(g, small, near)))
                near = c;
        if (near < s->clusters && means_apart(g, small, near) < REMNANT * g->usual) unite(g, small, near);
    }
}

static void sum_means(join *g)
{
    cep_domains *s = g->s;
    for (size_t i = 0; i < s->n; i++) {
        if (s->label[i] < 0) continue;
        size_t c = (size_t)s->label[i];
        g->size[c]++;
        for (size_t k = 0; k < s->d; k++)
            g->mean[c * s->d + k] += (double)cep_domains_smooth(s, i)[k];
    }
    for (size_t c = 0; c < s->clusters; c++)
        for (size_t k = 0; k < s->d; k++)
            g->mean[c * s->d + k] /= (double)(g->size[c] ? g->size[c] : 1);
}

static cepman_status allocate(join *g)
{
    cep_domains *s = g->s;
    size_t k = s->clusters;
    g->kind = cep_alloc_zero(s->mem, k * k, sizeof *g->kind);
    g->root = cep_alloc(s->mem, k, sizeof *g->root);
    g->size = cep_alloc_zero(s->mem, k, sizeof *g->size);
    g->mean = cep_alloc_zero(s->mem, k * s->d + 1, sizeof *g->mean);
    if (!g->kind || !g->root || !g->size || !g->mean)
        return cep_fail_memory(s->ctx, "pieces of domains", k, k + s->d * sizeof *g->mean);
    for (size_t c = 0; c < k; c++)
        g->root[c] = (int32_t)c;
    return CEPMAN_OK;
}

static void relabel(join *g)
{
    cep_domains *s = g->s;
    for (size_t i = 0; i < s->n; i++)
        if (s->label[i] >= 0) s->label[i] = root_of(g, (size_t)s->label[i]);
    for (size_t c = s->clusters;
         c-- > 0;) /* a root is never above its pieces, so that none is overwritten too early */
        g->root[c] = g->root[c] == (int32_t)c;
    cep_domains_renumber(s, g->root);
}

static cepman_status join_all(join *g)
{
    cepman_status status = allocate(g);
    if (!status) status = find_contacts(g);
    if (status) return status;
    g->usual = usual_jump(g);
    judge(g);
    sum_means(g);
    status = join_pieces(g);
    if (status) return status;
    join_remnants(g);
    relabel(g);
    return CEPMAN_OK;
}

/* Noise that is as near to the mean of a piece becomes part of it: of a tight cluster HDBSCAN keeps its densest spots only. */
static void take_in(join *g, double near)
{
    cep_domains *s = g->s;
    for (size_t i = 0; i < s->n; i++) {
        if (s->label[i] >= 0 || !s->good[i]) continue;
        double least = near * near;
        for (size_t c = 0; c < s->clusters; c++) {
            if (root_of(g, c) != (int32_t)c) continue;
            double sum = 0;
            for (size_t k = 0; k < s->d; k++) {
                double step = (double)cep_domains_smooth(s, i)[k] - g->mean[c * s->d + k];
                sum += step * step;
            }
            if (sum >= least) continue;
            least = sum;
            s->label[i] = (int32_t)c;
        }
    }
}

/* The likest two first, until no two are as near. */
static cepman_status join_alike(join *g, double near)
{
    size_t k = g->s->clusters;
    cepman_status status = allocate(g);
    if (status) return status;
    sum_means(g);
    for (;;) {
        size_t first = k, second = k;
        double least = near;
        for (size_t a = 0; a < k; a++)
            for (size_t b = a + 1; root_of(g, a) == (int32_t)a && b < k; b++) {
                if (root_of(g, b) != (int32_t)b) continue;
                double apart = means_apart(g, a, b);
                if (apart >= least) continue;
                least = apart;
                first = a;
                second = b;
            }
        if (first == k) break;
        unite(g, first, second);
    }
    take_in(g, near);
    relabel(g);
    return CEPMAN_OK;
}

static void join_free(join *g)
{
    cep_memory *mem = g->s->mem;
    cep_free(mem, g->crossings);
    cep_free(mem, g->contacts);
    cep_free(mem, g->kind);
    cep_free(mem, g->root);
    cep_free(mem, g->size);
    cep_free(mem, g->mean);
}

cepman_status cep_domains_join(cep_domains *s, double *usual)
{
    join g = {.s = s};
    cepman_status status = join_all(&g);
    *usual = g.usual;
    join_free(&g);
    return status;
}

cepman_status cep_domains_join_alike(cep_domains *s)
{
    join g = {.s = s};
    cepman_status status = join_alike(&g, ALIKE * cep_options_real(s->options, "least-jump"));
    join_free(&g);
    return status;
}
