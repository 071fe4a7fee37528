/* The k smallest of a stream of (key, index) pairs, ties by the smaller index.
 * A binary heap with the worst pair on top (Williams, Commun. ACM 7 (1964) 347).
 * Must not: depend on the order in which pairs are offered. */
#include <math.h>

#include "knn.h"

static bool worse(const cep_best_item *a, const cep_best_item *b)
{
    return cep_best_less(b->key, b->index, a);
}

/* Lets items[at] sink to its place in a heap of count. */
static void sink(cep_best_item *items, size_t at, size_t count)
{
    cep_best_item x = items[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && worse(&items[child + 1], &items[child])) child++;
        if (!worse(&items[child], &x)) break;
        items[at] = items[child];
    }
    items[at] = x;
}

void cep_best_offer(cep_best *best, double key, int32_t index)
{
    cep_best_item x = {key, index}, *h = best->items;
    if (best->count == best->k) {
        if (!cep_best_less(key, index, &h[0])) return;
        h[0] = x;
        sink(h, 0, best->k);
        return;
    }
    size_t at = best->count++;
    for (size_t up; at > 0 && worse(&x, &h[up = (at - 1) / 2]); at = up)
        h[at] = h[up];
    h[at] = x;
}

double cep_best_bound(const cep_best *best)
{
    return best->count == best->k ? best->items[0].key : (double)INFINITY;
}

void cep_best_sort(cep_best *best)
{
    for (size_t n = best->count; n > 1; n--) {
        cep_best_item last = best->items[n - 1];
        best->items[n - 1] = best->items[0];
        best->items[0] = last;
        sink(best->items, 0, n - 1);
    }
}
