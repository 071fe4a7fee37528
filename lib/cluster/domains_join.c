/* Joins pieces of domains: those that meet without a jump, then those that differ less than sides of walls do.
 * Our own method (docs/method.md, Domains).
 * Must not: join, directly or through others, two pieces with a wall between them. */
#include <math.h>
#include <stdlib.h>

#include "domains.h"

#define LEAST_CROSSINGS 4 /* fewer tell nothing */
#define CLEAR 0.6         /* of the contrast below which a border may be a tear */
#define HIGH 0.85         /* of the usual jump: what jumps more is a wall in any case */
#define SMALL 0.5         /* of the least jump of a wall: a border that jumps less is a tear */
#define TORN 0.8          /* of it: what jumps more is no tear, however large the steps beside it */
#define ALIKE 0.4 /* of the least jump of a wall: pieces whose means are nearer are one, scattered by noise */
#define MIXED                                                                                                \
    2.5 /* crossings for each point of a piece: a straight wall of single points has no more than two */
#define REMNANT                                                                                              \
    0.8 /* a piece too small for a domain joins one that is nearer than this part of what walls are apart */

/* What the scan says of two pieces. */
enum { APART, NEUTRAL, TEAR, WALL };

typedef struct join {
    cep_domains *s;
    cep_contact *contacts;
    size_t contact_count;
    unsigned char *kind; /* pieces x pieces */
    int32_t *root;
    double *mean; /* pieces x d */
    size_t *size;
    double usual;
} join;

/* ---- what that says ------------------------------------------------------------------------------------------------- */

/* Of the two steps beside a border the smaller; negative: not measured. */
static double beside(const cep_contact *m)
{
    return m->low < m->high ? m->low : m->high;
}

/* A jump this small against the steps beside it is a tear, whatever its size, unless it is as large as walls are. */
static bool clear_tear(const join *g, const cep_contact *m)
{
    return beside(m) >= 0 && m->jump < CLEAR * cep_options_real(g->s->options, "tear") * beside(m);
}

/* Jumps of long borders and large jumps count most, so that tears pull the mean down little. */
static double usual_jump(const join *g)
{
    double least = cep_options_real(g->s->options, "least-jump"), sum = 0, squares = 0;
    for (size_t i = 0; i < g->contact_count; i++) {
        const cep_contact *m = &g->contacts[i];
        if (m->count < LEAST_CROSSINGS || !(m->jump > least) || clear_tear(g, m)) continue;
        sum += (double)m->count * m->jump;
        squares += (double)m->count * m->jump * m->jump;
    }
    return sum > 0 ? squares / sum : (double)INFINITY;
}

/* Pieces that lie among one another, point by point, are one domain whose tilts change as fast. */
static bool mixed(const join *g, const cep_contact *m)
{
    size_t smaller = g->size[m->first] < g->size[m->second] ? g->size[m->first] : g->size[m->second];
    return (double)m->count > MIXED * (double)smaller;
}

static void judge(join *g)
{
    double wall = cep_options_real(g->s->options, "wall") * g->usual,
           contrast = cep_options_real(g->s->options, "tear"),
           least = cep_options_real(g->s->options, "least-jump");
    if (wall < least) wall = least;
    size_t k = g->s->clusters;
    for (size_t i = 0; i < g->contact_count; i++) {
        const cep_contact *m = &g->contacts[i];
        if (m->count < LEAST_CROSSINGS) continue;
        unsigned char kind = NEUTRAL;
        if (mixed(g, m))
            kind = TEAR;
        else if (m->jump > wall && !(clear_tear(g, m) && m->jump < HIGH * g->usual))
            kind = WALL;
        else if (isinf(g->usual) || m->jump < SMALL * least ||
                 (beside(m) >= 0 && m->jump < TORN * least && m->jump < contrast * beside(m)))
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
    if (a->a != b->a) return a->a < b->a ? -1 : 1;
    return (a->b > b->b) - (a->b < b->b);
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
        const cep_contact *m = &g->contacts[i];
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
    if (!status) status = cep_domains_contacts(&g->contacts, &g->contact_count, g->s);
    if (status) return status;
    g->usual = usual_jump(g);
    sum_means(g);
    judge(g);
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
