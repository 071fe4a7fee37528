/* Sorts the edges of the layout into rounds in which every point has at most one edge.
 * Greedy edge colouring, strong edges first: the edges of a round can act at the same time, on any threads, and give
 * what they would give one after the other (Recht, Re, Wright, Niu, "Hogwild!", 2011, has no such rounds, and no such
 * bits). Edges that find no round (of points with hundreds of edges) are left for the end, to act one by one.
 * Must not: depend on threads. */
#include <string.h>

#include "exec.h"
#include "kernels.h"
#include "umap.h"

#define WORDS 4 /* of 64 rounds */
#define ROUNDS (64 * WORDS)
#define BUCKETS 4096
#define ACTS 160   /* of one item of work: edges that are expected to act in an epoch, .. */
#define EDGES 4096 /* .. and edges at most */

/* The first round that neither point has an edge in; ROUNDS when there is none. */
static size_t free_round(const uint64_t *a, const uint64_t *b)
{
    for (size_t w = 0; w < WORDS; w++) {
        uint64_t taken = a[w] | b[w];
        if (taken == UINT64_MAX) continue;
        size_t bit = 0;
        while (taken >> bit & 1)
            bit++;
        return 64 * w + bit;
    }
    return ROUNDS;
}

uint32_t cep_umap_rate(double weight, double largest)
{
    const double rate = weight / largest * (double)CEP_LAYOUT_ALWAYS;
    return rate >= (double)CEP_LAYOUT_ALWAYS ? CEP_LAYOUT_ALWAYS : (uint32_t)rate;
}

void cep_umap_schedule_free(cep_memory *mem, cep_umap_schedule *p)
{
    cep_free(mem, p->starts);
    cep_free(mem, p->items);
    cep_free(mem, p->firsts);
    cep_free(mem, p->heads);
    cep_free(mem, p->tails);
    cep_free(mem, p->rates);
    *p = (cep_umap_schedule){0};
}

typedef struct edge {
    uint32_t head, tail, rate, round;
} edge;

/* Each edge once, by descending rate in buckets; ties in an order of chance, so that points that are neighbours in
 * the scan do not act in step. */
static void collect(const cep_umap_graph *graph, const uint32_t *place, float largest, uint64_t seed,
                    size_t *counts, edge *to)
{
    size_t number = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < graph->n; i++)
            for (size_t e = graph->starts[i]; e < graph->starts[i + 1]; e++) {
                if ((size_t)graph->columns[e] <= i) continue;
                uint32_t rate = cep_umap_rate((double)graph->weights[e], (double)largest);
                size_t bucket = (CEP_LAYOUT_ALWAYS - rate) / (CEP_LAYOUT_ALWAYS / BUCKETS);
                if (pass == 0) {
                    counts[bucket + 1]++;
                    continue;
                }
                const uint32_t head = (uint32_t)i, tail = (uint32_t)graph->columns[e];
                to[counts[bucket]++] =
                    (edge){place ? place[head] : head, place ? place[tail] : tail, rate, 0};
            }
        for (size_t b = 0; pass == 0 && b <= BUCKETS; b++)
            counts[b + 1] += counts[b];
    }
    for (size_t b = 0, first = 0; b <= BUCKETS; b++) {
        for (size_t i = counts[b]; i > first + 1; i--) {
            size_t other = first + (size_t)cep_random_below(seed, CEP_UMAP_STREAM_ORDER, number++, i - first);
            edge t = to[i - 1];
            to[i - 1] = to[other];
            to[other] = t;
        }
        first = counts[b];
    }
}

/* Numbers of the edges by ascending head; starts: n + 1 zeros. */
static void by_head(const edge *list, size_t edges, size_t n, size_t *starts, uint32_t *order)
{
    for (size_t e = 0; e < edges; e++)
        starts[list[e].head + 1]++;
    for (size_t i = 0; i < n; i++)
        starts[i + 1] += starts[i];
    for (size_t e = 0; e < edges; e++)
        order[starts[list[e].head]++] = (uint32_t)e;
}

/* Cuts the rounds into items of about equal work. NULL items: only counts them. */
static size_t cut(cep_umap_schedule *p, size_t *items)
{
    size_t count = 0;
    for (size_t r = 0; r < p->rounds; r++) {
        double acts = 0;
        size_t from = p->starts[r];
        p->firsts[r] = count;
        for (size_t e = from; e < p->starts[r + 1]; e++) {
            acts += (double)p->rates[e] / (double)CEP_LAYOUT_ALWAYS;
            if (acts < ACTS && e + 1 - from < EDGES && e + 1 < p->starts[r + 1]) continue;
            if (items) items[count] = from;
            count++;
            from = e + 1;
            acts = 0;
        }
    }
    p->firsts[p->rounds] = count;
    if (items) items[count] = p->left;
    return count;
}

cepman_status cep_umap_plan(cep_umap_schedule *out, cepman_context *ctx, const cep_umap_graph *graph,
                            const uint32_t *place, uint64_t seed)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t n = graph->n, edges = graph->starts[n] / 2;
    size_t *counts = cep_alloc_zero(mem, BUCKETS + 2, sizeof *counts), at[ROUNDS + 1];
    edge *list = cep_alloc(mem, edges, sizeof *list);
    size_t *heads = cep_alloc_zero(mem, n + 1, sizeof *heads);
    uint32_t *order = cep_alloc(mem, edges, sizeof *order);
    uint64_t *taken = cep_alloc_zero(mem, n, WORDS * sizeof *taken);
    cep_umap_schedule p = {.starts = cep_alloc_zero(mem, ROUNDS + 2, sizeof *p.starts),
                           .firsts = cep_alloc(mem, ROUNDS + 1, sizeof *p.firsts),
                           .heads = cep_alloc(mem, edges, sizeof *p.heads),
                           .tails = cep_alloc(mem, edges, sizeof *p.tails),
                           .rates = cep_alloc(mem, edges, sizeof *p.rates)};
    cepman_status s = CEPMAN_OK;
    if (!counts || !list || !heads || !order || !taken || !p.starts || !p.firsts || !p.heads || !p.tails ||
        !p.rates) {
        s = cep_fail_memory(ctx, "layout", edges, sizeof *list + 3 * sizeof *p.rates);
        goto end;
    }
    float largest = 0;
    for (size_t e = 0; e < graph->starts[n]; e++)
        largest = graph->weights[e] > largest ? graph->weights[e] : largest;
    collect(graph, place, largest, seed, counts, list);
    for (size_t e = 0; !s && e < edges; e++) {
        uint64_t *a = taken + (size_t)list[e].head * WORDS, *b = taken + (size_t)list[e].tail * WORDS;
        const size_t round = free_round(a, b);
        list[e].round = (uint32_t)round;
        p.starts[round + 1]++;
        if (round < ROUNDS) {
            a[round / 64] |= (uint64_t)1 << round % 64;
            b[round / 64] |= (uint64_t)1 << round % 64;
            if (round + 1 > p.rounds) p.rounds = round + 1;
        }
        if (e % 1000000 == 0) s = cep_poll(ctx);
    }
    for (size_t r = 0; r <= ROUNDS; r++)
        p.starts[r + 1] += p.starts[r];
    memcpy(at, p.starts, sizeof at);
    /* In a round by place, not by rate: what lies together is worked on together. */
    by_head(list, edges, n, heads, order);
    for (size_t k = 0; k < edges; k++) {
        const edge *e = list + order[k];
        size_t to = at[e->round]++;
        p.heads[to] = e->head;
        p.tails[to] = e->tail;
        p.rates[to] = e->rate;
    }
    p.left = p.starts[ROUNDS];
    p.count = edges;
    const size_t items = cut(&p, NULL);
    p.items = cep_alloc(mem, items + 1, sizeof *p.items);
    if (p.items)
        cut(&p, p.items);
    else
        s = cep_fail_memory(ctx, "layout", items, sizeof *p.items);
end:
    cep_free(mem, taken);
    cep_free(mem, order);
    cep_free(mem, heads);
    cep_free(mem, list);
    cep_free(mem, counts);
    if (s)
        cep_umap_schedule_free(mem, &p);
    else
        *out = p;
    return s;
}
