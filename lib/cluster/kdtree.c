/* Builds the k-d tree: every node is split at the block boundary nearest to its median along its longest side
 * (Bentley 1975), by quickselect over records of coordinates and number. Top nodes are split side by side in rounds,
 * then whole subtrees.
 * Must not: let threads change the tree; each split depends on its records alone. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kdtree.h"

#define INLINE static inline __attribute__((always_inline))
#define SUBTREE 256 /* blocks that one item builds alone */

typedef union word {
    float f;
    uint32_t u;
} word;

/* Records of 3 coordinates and a number, or of 8 and a number. */
#define SMALL 4
#define LARGE 9

INLINE void swap(word *a, word *b, size_t w)
{
    word t[LARGE];
    memcpy(t, a, w * sizeof *t);
    memcpy(a, b, w * sizeof *t);
    memcpy(b, t, w * sizeof *t);
}

/* Shell's sort: for short ranges and for ranges that defeat the pivots. */
INLINE void sort_records(word *a, size_t n, size_t key, size_t w)
{
    for (size_t gap = n / 2; gap; gap /= 2)
        for (size_t i = gap; i < n; i++) {
            word t[LARGE];
            memcpy(t, a + i * w, w * sizeof *t);
            size_t j = i;
            for (; j >= gap && a[(j - gap) * w + key].f > t[key].f; j -= gap)
                memcpy(a + j * w, a + (j - gap) * w, w * sizeof *t);
            memcpy(a + j * w, t, w * sizeof *t);
        }
}

/* The first k records get keys not above those of the others. */
INLINE void divide(word *a, size_t n, size_t k, size_t key, size_t w)
{
    size_t low = 0, high = n - 1;
    for (int rounds = 0; high - low > 24 && rounds < 64; rounds++) {
        float s[9];
        size_t rank = 9 * (k - low) / (high - low + 1);
        for (size_t t = 0; t < 9; t++) {
            float v = a[(low + (high - low) * t / 8) * w + key].f;
            size_t at = t;
            for (; at > 0 && s[at - 1] > v; at--)
                s[at] = s[at - 1];
            s[at] = v;
        }
        float pivot = s[rank > 8 ? 8 : rank];
        size_t i = low, j = high;
        for (;;) {
            while (a[i * w + key].f < pivot)
                i++;
            while (a[j * w + key].f > pivot)
                j--;
            if (i >= j) break;
            swap(a + i++ * w, a + j-- * w, w);
        }
        size_t right = i > j ? i : i + 1, left = i > j ? j : i;
        if (k <= left && left < high)
            high = left;
        else if (k >= right)
            low = right;
        else
            return;
    }
    sort_records(a + low * w, high - low + 1, key, w);
}

typedef struct span {
    int32_t first, count, node;
} span;

typedef struct build_job {
    cep_kdtree *t;
    const cep_points *points;
    word *records;
    size_t w;
    span *spans, *next;
} build_job;

INLINE void fill_leaf(const build_job *job, span s, size_t w)
{
    cep_kdtree *t = job->t;
    size_t begin = (size_t)s.first * 16, count = t->n - begin < 16 ? t->n - begin : 16;
    const word *a = job->records + begin * w;
    for (size_t i = 0; i < 16; i++) {
        t->id[begin + i] = i < count ? a[i * w + w - 1].u : UINT32_MAX;
        for (size_t j = 0; j < t->d; j++)
            t->soa[((size_t)s.first * t->d + j) * 16 + i] = i < count ? a[i * w + j].f : INFINITY;
    }
}

/* Box of a node; a leaf is filled, any other node is split into out[2]. */
INLINE bool split_any(const build_job *job, span s, span *out, size_t w)
{
    cep_kdtree *t = job->t;
    size_t begin = (size_t)s.first * 16, end = begin + (size_t)s.count * 16;
    if (end > t->n) end = t->n;
    const word *a = job->records;
    float low[8] = {0}, high[8] = {0};
    for (size_t j = 0; j < t->d; j++)
        low[j] = high[j] = a[begin * w + j].f;
    for (size_t i = begin + 1; i < end; i++)
        for (size_t j = 0; j < w - 1; j++) {
            float v = a[i * w + j].f;
            low[j] = v < low[j] ? v : low[j];
            high[j] = v > high[j] ? v : high[j];
        }
    float *box = t->box + (size_t)s.node * 2 * t->width;
    memcpy(box, low, t->width * sizeof *box);
    memcpy(box + t->width, high, t->width * sizeof *box);
    t->first[s.node] = s.first;
    t->count[s.node] = s.count;
    if (s.count == 1) {
        fill_leaf(job, s, w);
        return false;
    }
    size_t key = 0;
    for (size_t j = 1; j < t->d; j++)
        if (high[j] - low[j] > high[key] - low[key]) key = j;
    int32_t left = (s.count + 1) / 2;
    divide(job->records + begin * w, end - begin, (size_t)left * 16, key, w);
    out[0] = (span){s.first, left, s.node + 1};
    out[1] = (span){s.first + left, s.count - left, s.node + 2 * left};
    return true;
}

static bool split(const build_job *job, span s, span *out)
{
    return job->w == SMALL ? split_any(job, s, out, SMALL) : split_any(job, s, out, LARGE);
}

static cepman_status split_one(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    build_job *job = argument;
    (void)worker;
    (void)fault;
    split(job, job->spans[index], job->next + 2 * index);
    return CEPMAN_OK;
}

static cepman_status build_subtree(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    build_job *job = argument;
    span stack[64]; /* a subtree has at most SUBTREE blocks: depth 8 */
    size_t depth = 0;
    (void)worker;
    (void)fault;
    stack[depth++] = job->spans[index];
    while (depth) {
        span two[2];
        if (split(job, stack[--depth], two)) {
            stack[depth++] = two[1];
            stack[depth++] = two[0];
        }
    }
    return CEPMAN_OK;
}

static cepman_status fill_records(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    build_job *job = argument;
    const cep_points *p = job->points;
    size_t end = (index + 1) * 65536 < p->n ? (index + 1) * 65536 : p->n;
    (void)worker;
    (void)fault;
    for (size_t i = index * 65536; i < end; i++) {
        word *r = job->records + i * job->w;
        for (size_t j = 0; j < job->w - 1; j++)
            r[j].f = j < p->d ? (float)((double)p->row[i][j] * job->t->scale) : 0;
        r[job->w - 1].u = (uint32_t)i;
    }
    return CEPMAN_OK;
}

static cepman_status build(build_job *job, cepman_context *ctx)
{
    cepman_status s = cep_parallel(ctx, NULL, (job->t->n + 65535) / 65536, fill_records, job);
    size_t count = 1;
    job->spans[0] = (span){0, (int32_t)job->t->blocks, 0};
    /* All spans of a round differ by one block at most. */
    while (!s && job->spans[0].count > SUBTREE) {
        s = cep_parallel(ctx, NULL, count, split_one, job);
        span *t = job->spans;
        job->spans = job->next;
        job->next = t;
        count *= 2;
    }
    return s ? s : cep_parallel(ctx, NULL, count, build_subtree, job);
}

/* A power of two that brings the largest coordinate span to about 1, or 1 when it is moderate anyway. */
static double scale_of(const cep_points *p)
{
    double widest = 0;
    for (size_t j = 0; j < p->d; j++) {
        double low = (double)p->row[0][j], high = low;
        for (size_t i = 1; i < p->n; i++) {
            double v = (double)p->row[i][j];
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
        widest = fmax(widest, high - low);
    }
    return widest > 0x1p40 || (widest > 0 && widest < 0x1p-20) ? ldexp(1, -ilogb(widest)) : 1;
}

bool cep_kdtree_fits(const cep_points *p)
{
    double scale = p->n ? scale_of(p) : 1;
    if (scale == 1) return true;
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < p->d; j++) {
            double v = (double)p->row[i][j] * scale;
            if (fabs(v) > (double)FLT_MAX || (double)(float)v != v) return false;
        }
    return true;
}

cepman_status cep_kdtree_build(cep_kdtree *t, cepman_context *ctx, const cep_points *points)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t n = points->n, blocks = (n + 15) / 16, spans = 2 * (blocks / SUBTREE) + 2;
    while (spans & (spans - 1)) /* rounds double the spans */
        spans += spans & -spans;
    *t = (cep_kdtree){.mem = mem, .n = n, .d = points->d, .blocks = blocks, .nodes = 2 * blocks - 1};
    t->width = t->d <= 4 ? 4 : 8;
    t->scale = scale_of(points);
    build_job job = {.t = t, .points = points, .w = t->d < SMALL ? SMALL : LARGE};
    t->soa = cep_alloc(mem, blocks * 16, t->d * sizeof *t->soa);
    t->id = cep_alloc(mem, blocks, 16 * sizeof *t->id);
    t->box = cep_alloc(mem, t->nodes, 2 * t->width * sizeof *t->box);
    t->first = cep_alloc(mem, t->nodes, sizeof *t->first);
    t->count = cep_alloc(mem, t->nodes, sizeof *t->count);
    job.records = cep_alloc(mem, n, job.w * sizeof(word));
    span *one = cep_alloc(mem, spans, sizeof *one), *two = cep_alloc(mem, spans, sizeof *two);
    job.spans = one;
    job.next = two;
    cepman_status s = t->soa && t->id && t->box && t->first && t->count && job.records && one && two
                          ? build(&job, ctx)
                          : cep_fail_memory(ctx, "k-d tree", n, job.w * sizeof(word));
    cep_free(mem, job.records);
    cep_free(mem, one);
    cep_free(mem, two);
    if (s) cep_kdtree_clear(t);
    return s;
}

void cep_kdtree_clear(cep_kdtree *t)
{
    if (!t->mem) return;
    cep_free(t->mem, t->soa);
    cep_free(t->mem, t->id);
    cep_free(t->mem, t->box);
    cep_free(t->mem, t->first);
    cep_free(t->mem, t->count);
    *t = (cep_kdtree){0};
}
