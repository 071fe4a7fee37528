/* Core distances: the samples-th other point of every point, for groups of neighbouring blocks at a time. A group
 * walks the tree once for the leaves its points may need; each block, then each point narrows that list by boxes.
 * Float distances filter with slack; the samples-th distance itself is computed in double.
 * Must not: depend on the order in which groups run. */
#include <math.h>
#include <string.h>

#include "reach_near.h"

#define SLACK 4e-6f /* above twice the relative error of a float distance */
#define LEAST 1e-37f

typedef struct leaves {
    float *boxes;
    int32_t *block;
    size_t stride, count;
} leaves;

typedef struct scratch {
    leaves group, block;
    float *limits;      /* per point of a group */
    float *near, *copy; /* candidates, room */
    int32_t *index;
    double *exact;
    size_t room;
    int32_t *stack;
} scratch;

typedef struct near_job {
    cep_near *out;
    cep_memory *mem;
    const cep_kdtree *t;
    const cep_reach_kernels *kernels;
    size_t samples, group; /* blocks of a group at most */
    size_t groups;
    int32_t *nodes; /* of the groups */
    scratch *scratch;
    unsigned workers;
} near_job;

/* A limit that is not below a float distance's true value; 0 stays 0. */
static float widen(float x)
{
    float y = x * (1 + SLACK) + LEAST;
    return !(x > 0) ? 0 : y < 3e38f ? y : 3e38f;
}

static bool make_leaves(leaves *l, cep_memory *mem, size_t blocks, size_t d)
{
    l->stride = (blocks + 47) & ~(size_t)15;
    l->boxes = cep_alloc(mem, l->stride, 2 * d * sizeof *l->boxes);
    l->block = cep_alloc(mem, l->stride, sizeof *l->block);
    return l->boxes && l->block;
}

static bool make_room(scratch *s, cep_memory *mem, size_t room)
{
    float *near = cep_alloc(mem, room, sizeof *near), *copy = cep_alloc(mem, room, sizeof *copy);
    int32_t *index = cep_alloc(mem, room, sizeof *index);
    double *exact = cep_alloc(mem, room, sizeof *exact);
    bool good = near && copy && index && exact;
    if (good && s->room) {
        memcpy(near, s->near, s->room * sizeof *near);
        memcpy(index, s->index, s->room * sizeof *index);
    }
    if (good) {
        float *n = s->near, *c = s->copy;
        int32_t *i = s->index;
        double *e = s->exact;
        s->near = near;
        s->copy = copy;
        s->index = index;
        s->exact = exact;
        s->room = room;
        near = n;
        copy = c;
        index = i;
        exact = e;
    }
    cep_free(mem, near);
    cep_free(mem, copy);
    cep_free(mem, index);
    cep_free(mem, exact);
    return good;
}

static void drop_scratch(scratch *s, cep_memory *mem)
{
    void *all[] = {s->group.boxes, s->group.block, s->block.boxes, s->block.block, s->limits,
                   s->near,        s->copy,        s->index,       s->exact,       s->stack};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cep_free(mem, all[i]);
}

static void append_leaf(leaves *l, const float *box, size_t width, size_t d, int32_t block)
{
    for (size_t j = 0; j < d; j++) {
        l->boxes[j * l->stride + l->count] = box[j];
        l->boxes[(d + j) * l->stride + l->count] = box[width + j];
    }
    l->block[l->count++] = block;
}

/* Fills up to a multiple of 16 with boxes that are nowhere near. */
static void close_leaves(leaves *l, size_t d)
{
    for (size_t t = l->count; t % 16; t++) {
        for (size_t j = 0; j < 2 * d; j++)
            l->boxes[j * l->stride + t] = INFINITY;
        l->block[t] = 0;
    }
}

static void point_of(const cep_kdtree *t, size_t place, float *point)
{
    for (size_t j = 0; j < t->d; j++)
        point[j] = t->soa[(place / 16 * t->d + j) * 16 + place % 16];
}

/* k-th smallest of the candidates, 0-based. */
static float kth(const near_job *job, scratch *s, size_t count, size_t k)
{
    if (k < CEP_REACH_SMALL) return job->kernels->smallest(s->near, count, k);
    memcpy(s->copy, s->near, count * sizeof *s->copy);
    return cep_select_f32(s->copy, count, k);
}

/* Leaves within the largest limit of the group. */
static void list_group(const near_job *job, scratch *s, size_t node, float limit)
{
    const cep_kdtree *t = job->t;
    const float *own = t->box + node * 2 * t->width;
    size_t depth = 0;
    s->group.count = 0;
    s->stack[depth++] = 0;
    while (depth) {
        size_t v = (size_t)s->stack[--depth];
        const float *box = t->box + v * 2 * t->width;
        if (cep_kdtree_gap(own, box, t->width) * (1 - SLACK) > limit) continue;
        if (t->count[v] == 1) {
            append_leaf(&s->group, box, t->width, t->d, t->first[v]);
            continue;
        }
        s->stack[depth++] = (int32_t)cep_kdtree_right(t, v);
        s->stack[depth++] = (int32_t)v + 1;
    }
    close_leaves(&s->group, t->d);
}

/* Of these, the leaves within the largest limit of one block. */
static void list_block(const near_job *job, scratch *s, size_t block, size_t count, const float *limits)
{
    const cep_kdtree *t = job->t;
    float limit = 0, low[CEP_KDTREE_MOST], high[CEP_KDTREE_MOST];
    for (size_t i = 0; i < count; i++)
        limit = limits[i] > limit ? limits[i] : limit;
    for (size_t j = 0; j < t->d; j++) {
        const float *p = t->soa + (block * t->d + j) * 16;
        low[j] = high[j] = p[0];
        for (size_t i = 1; i < count; i++) {
            low[j] = p[i] < low[j] ? p[i] : low[j];
            high[j] = p[i] > high[j] ? p[i] : high[j];
        }
    }
    cep_reach_list list = {s->group.boxes, s->group.stride, s->group.count, s->group.block};
    s->block.count =
        job->kernels->narrow(&list, t->d, low, high, limit * (1 + SLACK), s->block.boxes, s->block.block);
    close_leaves(&s->block, t->d);
}

static double exact_squared(const cep_kdtree *t, size_t a, size_t b)
{
    const float *p = t->soa + a / 16 * t->d * 16 + a % 16, *q = t->soa + b / 16 * t->d * 16 + b % 16;
    double s = 0;
    for (size_t j = 0; j < t->d; j++) {
        double e = (double)p[j * 16] - (double)q[j * 16];
        s += e * e;
    }
    return s;
}

/* All points within the limit (wide enough for samples others), or, with limit 0, enough of them. */
static bool gather(near_job *job, scratch *s, const float *point, float limit, size_t *found)
{
    const cep_kdtree *t = job->t;
    cep_reach_list list = {s->block.boxes, s->block.stride, s->block.count, s->block.block};
    size_t at = 0, length = 0;
    for (;;) {
        size_t full = limit > 0 ? s->room - 288 : job->samples;
        length =
            job->kernels->gather(&list, &at, t->soa, t->d, point, limit, s->near, s->index, length, full);
        if (length <= full || !(limit > 0)) break;
        limit = widen(kth(job, s, length, job->samples));
        length = job->kernels->keep(s->near, s->index, length, limit);
        if (length > full / 2 && !make_room(s, job->mem, 2 * s->room)) return false;
    }
    *found = length;
    return true;
}

/* The list of a place: candidates within the core distance, first those that are so beyond doubt. */
static void keep_list(const near_job *job, const scratch *s, size_t place, size_t count, float below,
                      float border, double core)
{
    int32_t *list = job->out->places + place * job->out->keep;
    size_t m = 0, keep = job->out->keep;
    for (size_t i = 0; i < count && m < keep; i++)
        if (s->near[i] < below && (size_t)s->index[i] != place) list[m++] = s->index[i];
    for (size_t i = 0; i < count && m < keep; i++)
        if (s->near[i] >= below && s->near[i] <= border && (size_t)s->index[i] != place &&
            exact_squared(job->t, place, (size_t)s->index[i]) <= core)
            list[m++] = s->index[i];
    for (; m < keep; m++)
        list[m] = -1;
}

static bool settle(near_job *job, scratch *s, size_t place, float limit)
{
    float point[CEP_KDTREE_MOST];
    size_t count, k = job->samples;
    point_of(job->t, place, point);
    if (limit <= 0) {
        if (!gather(job, s, point, 0, &count)) return false;
        size_t zeros = 0;
        for (size_t i = 0; i < count; i++)
            zeros += exact_squared(job->t, place, (size_t)s->index[i]) == 0;
        if (zeros > k) {
            job->out->core[place] = 0;
            keep_list(job, s, place, count, 0, 0, 0);
            return true;
        }
        limit = LEAST; /* squares too small for float32 */
    }
    if (!gather(job, s, point, limit, &count)) return false;
    float f = kth(job, s, count, k), below = f * (1 - 2 * SLACK) - LEAST,
          border = f * (1 + 2 * SLACK) + LEAST;
    size_t sure = 0, unsure = 0;
    count = job->kernels->keep(s->near, s->index, count, border);
    for (size_t i = 0; i < count; i++) {
        if (s->near[i] < below)
            sure++;
        else
            s->exact[unsure++] = exact_squared(job->t, place, (size_t)s->index[i]);
    }
    double core = unsure == 1 ? s->exact[0] : cep_select_f64(s->exact, unsure, k - sure);
    job->out->core[place] = core;
    if (k > job->out->keep) { /* more than the list takes: the nearest of them */
        float v = kth(job, s, count, job->out->keep);
        below = v < below ? v : below;
        border = v;
    }
    keep_list(job, s, place, count, below, border, core);
    return true;
}

static cepman_status find_group(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    near_job *job = argument;
    const cep_kdtree *t = job->t;
    scratch *s = &job->scratch[worker];
    size_t node = (size_t)job->nodes[index], first = (size_t)t->first[node], blocks = (size_t)t->count[node];
    size_t begin = first * 16, count = t->n - begin < blocks * 16 ? t->n - begin : blocks * 16;
    const float *soa = t->soa + begin * t->d;
    float most = 0;
    for (size_t q = 0; q < count; q++) {
        float point[CEP_KDTREE_MOST], f;
        point_of(t, begin + q, point);
        if (job->samples < CEP_REACH_SMALL) {
            f = job->kernels->nearest(soa, blocks, t->d, point, job->samples);
        } else {
            job->kernels->distances(soa, blocks, t->d, point, s->copy);
            f = cep_select_f32(s->copy, count, job->samples);
        }
        s->limits[q] = widen(f);
        most = s->limits[q] > most ? s->limits[q] : most;
    }
    list_group(job, s, node, most);
    for (size_t q = 0; q < count; q++) {
        if (q % 16 == 0) list_block(job, s, first + q / 16, count - q < 16 ? count - q : 16, s->limits + q);
        if (!settle(job, s, begin + q, s->limits[q]))
            return cep_fault_memory(fault, job->mem, "core distances", s->room, 40);
    }
    return CEPMAN_OK;
}

static cepman_status prepare(near_job *job, cepman_context *ctx)
{
    const cep_kdtree *t = job->t;
    /* A group's smallest child may have half of its blocks, and must hold samples + 1 points. */
    job->group = 4;
    while (job->group < t->blocks && job->group * 16 < 2 * (job->samples + 1) + 32)
        job->group *= 2;
    job->nodes = cep_alloc(job->mem, t->blocks, sizeof *job->nodes);
    job->scratch = cep_alloc_zero(job->mem, job->workers, sizeof *job->scratch);
    if (!job->nodes || !job->scratch)
        return cep_fail_memory(ctx, "core distances", t->blocks, sizeof *job->nodes);
    for (size_t v = 0; v < t->nodes;) {
        if ((size_t)t->count[v] <= job->group) {
            job->nodes[job->groups++] = (int32_t)v;
            v += 2 * (size_t)t->count[v] - 1;
        } else {
            v++;
        }
    }
    size_t places = (job->group < t->blocks ? job->group : t->blocks) * 16;
    for (unsigned w = 0; w < job->workers; w++) {
        scratch *s = &job->scratch[w];
        s->limits = cep_alloc(job->mem, places, sizeof *s->limits);
        s->stack = cep_alloc(job->mem, 256, sizeof *s->stack);
        if (!s->limits || !s->stack || !make_leaves(&s->group, job->mem, t->blocks, t->d) ||
            !make_leaves(&s->block, job->mem, t->blocks, t->d) ||
            !make_room(s, job->mem,
                       4 * (job->samples + 1) + 1024 > places ? 4 * (job->samples + 1) + 1024 : places))
            return cep_fail_memory(ctx, "core distances", t->blocks, 2 * (2 * t->d + 2) * sizeof(float));
    }
    return CEPMAN_OK;
}

cepman_status cep_near_find(cep_near *near, cepman_context *ctx, const cep_kdtree *tree, size_t samples)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t places = tree->blocks * 16;
    near_job job = {.out = near, .mem = mem, .t = tree, .samples = samples, .workers = cep_workers(ctx)};
    job.kernels = cep_reach_kernels_get(cep_context_cpu(ctx));
    *near = (cep_near){.mem = mem, .keep = samples < CEP_REACH_KEEP ? samples : CEP_REACH_KEEP};
    near->core = cep_alloc(mem, places, sizeof *near->core);
    near->places = cep_alloc(mem, places, near->keep * sizeof *near->places);
    cepman_status s = near->core && near->places
                          ? prepare(&job, ctx)
                          : cep_fail_memory(ctx, "core distances", places, sizeof(double) + near->keep * 4);
    if (!s) s = cep_parallel(ctx, "hdbscan core distances", job.groups, find_group, &job);
    for (size_t i = tree->n; !s && i < places; i++) {
        near->core[i] = (double)INFINITY;
        for (size_t j = 0; j < near->keep; j++)
            near->places[i * near->keep + j] = -1;
    }
    for (unsigned w = 0; job.scratch && w < job.workers; w++)
        drop_scratch(&job.scratch[w], mem);
    cep_free(mem, job.scratch);
    cep_free(mem, job.nodes);
    if (s) cep_near_clear(near);
    return s;
}

void cep_near_clear(cep_near *near)
{
    if (!near->mem) return;
    cep_free(near->mem, near->core);
    cep_free(near->mem, near->places);
    *near = (cep_near){0};
}
