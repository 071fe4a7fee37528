/* Lloyd's iteration (Lloyd 1982) with scikit-learn's stopping rules: unchanged labels, or centres that moved
 * less than the tolerance; an empty cluster takes the point farthest from its centre, which leaves its own.
 * Must not: sum by thread; sums are kept in double, in the order of the points, one task per slice of
 * features. */
#include <math.h>
#include <string.h>

#include "lloyd.h"

#define SLICE 512       /* features of one item */
#define VARIANCE 4096   /* rows of one item, at least */
#define PARTIAL 8388608 /* numbers in all items' sums, at most */

cepman_status cep_lloyd_prepare(cep_lloyd *f, cepman_context *ctx, const cepman_matrix *matrix, size_t k,
                                const double *weights, const char *what)
{
    f->ctx = ctx;
    f->mem = cep_context_memory(ctx);
    f->kernels = cep_centres_kernels_get(cep_context_cpu(ctx));
    f->distance = cep_distance_kernels_get(cep_context_cpu(ctx));
    f->n = cepman_matrix_rows(matrix);
    f->d = cepman_matrix_columns(matrix);
    f->k = k;
    f->weights = weights;
    cepman_status s = cep_points_all(&f->points, ctx, matrix, what);
    if (s) return s;
    size_t n = f->n, d = f->d, kd, soa;
    f->few = d <= CEP_LLOYD_FEW;
    f->chunk = f->few ? CEP_LLOYD_CHUNK_FEW : CEP_LLOYD_CHUNK_MANY;
    f->chunks = (n + f->chunk - 1) / f->chunk;
    f->blocks = (n + 15) / 16;
    f->slack = (float)((f->few ? 4.0 * (double)(d + 4) : 2.2 * ((double)d / 8 + 12)) * 0x1p-24);
    if (!cep_mul(k, d, &kd) || !cep_mul(f->blocks * 16, d, &soa))
        return cep_fail(ctx, CEPMAN_ERR_RANGE,
                        "%s: %zu centres of %zu features are more than memory can address", what, k, d);
    f->centres = cep_alloc(f->mem, kd, sizeof(float));
    f->next = cep_alloc(f->mem, kd, sizeof(float));
    f->sums = cep_alloc_zero(f->mem, kd, sizeof(double));
    f->mass = cep_alloc_zero(f->mem, k, sizeof(double));
    f->moved = cep_alloc_zero(f->mem, k, sizeof(float));
    f->centre_norms = cep_alloc(f->mem, k, sizeof(float));
    f->labels = cep_alloc(f->mem, f->blocks, 16 * sizeof(int32_t));
    f->previous = cep_alloc(f->mem, f->blocks, 16 * sizeof(int32_t));
    f->changed = cep_alloc_zero(f->mem, f->blocks, sizeof(uint16_t));
    f->unsure = cep_alloc_zero(f->mem, f->blocks, sizeof(uint16_t));
    f->partial = cep_alloc(f->mem, f->chunks, sizeof(double));
    bool good = f->centres && f->next && f->sums && f->mass && f->moved && f->centre_norms && f->labels &&
                f->previous && f->changed && f->unsure && f->partial;
    if (f->few) {
        f->soa = good ? cep_alloc(f->mem, soa, sizeof(float)) : NULL;
        good = good && f->soa;
        if (weights) {
            f->weights32 = good ? cep_alloc(f->mem, f->blocks, 16 * sizeof(float)) : NULL;
            good = good && f->weights32;
        }
    } else {
        f->norms = cep_alloc(f->mem, n, sizeof(float));
        f->upper = cep_alloc(f->mem, n, sizeof(float));
        f->lower = cep_alloc(f->mem, n, sizeof(float));
        good = good && f->norms && f->upper && f->lower;
    }
    if (!good) return cep_fail_memory(ctx, what, soa, sizeof(float));
    for (size_t i = 0; i < f->blocks * 16; i++) {
        const float *x = i < n ? f->points.row[i] : NULL;
        for (size_t j = 0; f->few && j < d; j++)
            f->soa[(i / 16 * d + j) * 16 + i % 16] = x ? x[j] : 0;
        if (f->weights32) f->weights32[i] = x ? (float)weights[i] : 0;
        if (f->norms && x) f->norms[i] = f->distance->dot(x, x, d);
        if (i % 65536 == 65535 && (s = cep_poll(ctx))) return s;
    }
    return CEPMAN_OK;
}

void cep_lloyd_clear(cep_lloyd *f)
{
    if (!f->mem) return;
    void *all[] = {f->centres,   f->next,     f->sums,    f->mass,   f->moved,   f->centre_norms,
                   f->labels,    f->previous, f->changed, f->unsure, f->partial, f->soa,
                   f->weights32, f->norms,    f->upper,   f->lower,  f->closest, f->history};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cep_free(f->mem, all[i]);
    cep_points_clear(&f->points);
    *f = (cep_lloyd){0};
}

/* ---- sums of the clusters
 * ----------------------------------------------------------------------------------- */

/* Features slice*SLICE .. of all sums: points that changed move from one sum to another; with weights all anew. */
static cepman_status sum_slice(void *argument, size_t slice, unsigned worker, cep_fault *fault)
{
    cep_lloyd *f = argument;
    size_t j0 = slice * SLICE, m = j0 + SLICE < f->d ? SLICE : f->d - j0;
    (void)worker;
    (void)fault;
    if (f->weights) {
        for (size_t c = 0; c < f->k; c++)
            memset(f->sums + c * f->d + j0, 0, m * sizeof *f->sums);
        for (size_t i = 0; i < f->n; i++) {
            double *to = f->sums + (size_t)f->labels[i] * f->d + j0, w = f->weights[i];
            for (size_t j = 0; j < m; j++)
                to[j] += w * (double)f->points.row[i][j0 + j];
        }
        return CEPMAN_OK;
    }
    for (size_t b = 0; b < f->blocks; b++)
        for (unsigned bits = f->changed[b]; bits; bits &= bits - 1) {
            size_t i = b * 16 + (size_t)__builtin_ctz(bits);
            const float *x = f->points.row[i] + j0;
            double *to = f->sums + (size_t)f->labels[i] * f->d + j0;
            double *from = f->previous[i] < 0 ? NULL : f->sums + (size_t)f->previous[i] * f->d + j0;
            if (f->few) { /* too short for a call */
                for (size_t j = 0; j < m; j++)
                    to[j] += (double)x[j];
                for (size_t j = 0; from && j < m; j++)
                    from[j] -= (double)x[j];
                continue;
            }
            f->kernels->add(to, x, m);
            if (from) f->kernels->subtract(from, x, m);
        }
    return CEPMAN_OK;
}

static cepman_status update_sums(cep_lloyd *f)
{
    cepman_status s = cep_parallel(f->ctx, NULL, (f->d + SLICE - 1) / SLICE, sum_slice, f);
    if (s) return s;
    if (f->weights)
        for (size_t c = 0; c < f->k; c++)
            f->mass[c] = 0;
    for (size_t b = 0; b < f->blocks; b++) {
        for (unsigned bits = f->changed[b]; bits; bits &= bits - 1) {
            size_t i = b * 16 + (size_t)__builtin_ctz(bits);
            if (!f->weights) {
                f->mass[f->labels[i]] += 1;
                if (f->previous[i] >= 0) f->mass[f->previous[i]] -= 1;
            }
            f->previous[i] = f->labels[i];
        }
        f->changed[b] = 0;
    }
    for (size_t i = 0; f->weights && i < f->n; i++)
        f->mass[f->labels[i]] += f->weights[i];
    return CEPMAN_OK;
}

/* ---- empty clusters
 * ----------------------------------------------------------------------------------------- */

typedef struct far_job {
    cep_lloyd *f;
    double *squared;
} far_job;

static cepman_status far_chunk(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    far_job *job = argument;
    const cep_lloyd *f = job->f;
    (void)worker;
    (void)fault;
    for (size_t i = cep_lloyd_first(f, chunk); i < cep_lloyd_end(f, chunk); i++)
        job->squared[i] = cep_squared_fast(f->points.row[i], f->centres + (size_t)f->labels[i] * f->d, f->d);
    return CEPMAN_OK;
}

/* Lends the farthest points to the empty clusters in sums and mass; what was lent is in lent[] (a point per
 * cluster, SIZE_MAX: none). A point that is alone in its cluster, or at its centre, is not lent. */
static cepman_status lend(cep_lloyd *f, size_t empty, size_t *lent)
{
    far_job job = {f, cep_alloc(f->mem, f->n, sizeof(double))};
    size_t *top = cep_alloc(f->mem, empty, sizeof *top), have = 0;
    cepman_status s = job.squared && top ? cep_parallel(f->ctx, NULL, f->chunks, far_chunk, &job)
                                         : cep_fail_memory(f->ctx, "K-means", f->n, sizeof(double));
    for (size_t i = 0; !s && i < f->n; i++) {
        double far = job.squared[i], w = cep_lloyd_weight(f, i);
        if (far <= 0 || w <= 0 || f->mass[f->labels[i]] <= w) continue;
        if (have == empty && far <= job.squared[top[have - 1]]) continue;
        size_t at = have < empty ? have++ : have - 1;
        for (; at > 0 && far > job.squared[top[at - 1]]; at--)
            top[at] = top[at - 1];
        top[at] = i;
    }
    size_t next = 0;
    for (size_t c = 0; !s && c < f->k; c++) {
        lent[c] = SIZE_MAX;
        if (f->mass[c] > 0) continue;
        while (next < have && f->mass[f->labels[top[next]]] <= cep_lloyd_weight(f, top[next]))
            next++; /* its cluster has lent all it can */
        if (next == have) continue;
        size_t i = lent[c] = top[next++], own = (size_t)f->labels[i];
        double w = cep_lloyd_weight(f, i);
        for (size_t j = 0; j < f->d; j++) {
            double x = w * (double)f->points.row[i][j];
            f->sums[own * f->d + j] -= x;
            f->sums[c * f->d + j] = x;
        }
        f->mass[own] -= w;
        f->mass[c] = w;
    }
    cep_free(f->mem, top);
    cep_free(f->mem, job.squared);
    return s;
}

static void give_back(cep_lloyd *f, const size_t *lent)
{
    for (size_t c = 0; c < f->k; c++) {
        if (lent[c] == SIZE_MAX) continue;
        size_t i = lent[c], own = (size_t)f->labels[i];
        for (size_t j = 0; j < f->d; j++) {
            f->sums[own * f->d + j] += f->sums[c * f->d + j];
            f->sums[c * f->d + j] = 0;
        }
        f->mass[own] += f->mass[c];
        f->mass[c] = 0;
    }
}

/* ---- centres
 * ------------------------------------------------------------------------------------------------- */

/* New centres, how far each moved (rounded up), and the sum of the squares. */
static double move_centres(cep_lloyd *f)
{
    double total = 0;
    for (size_t c = 0; c < f->k; c++) {
        double own = 0;
        for (size_t j = 0; j < f->d && f->mass[c] > 0; j++) {
            float to = (float)(f->sums[c * f->d + j] / f->mass[c]);
            double e = (double)to - (double)f->centres[c * f->d + j];
            own += e * e;
            f->centres[c * f->d + j] = to;
        }
        f->moved[c] = (float)(sqrt(own) * (1 + 1e-6)) + 1e-37f;
        total += own;
    }
    return total;
}

/* Inertia of the labels about f->centres from the sums alone: sum w |x - o|^2 - 2 (c - o) . sum w (x - o) + w |c - o|^2
 * over the clusters, o the first point, so that data far from 0 lose nothing. */
static double inertia_of_sums(const cep_lloyd *f)
{
    const float *origin = f->points.row[0];
    double sum = f->total;
    for (size_t c = 0; c < f->k; c++) {
        double own = 0, m = f->mass[c];
        for (size_t j = 0; j < f->d && m > 0; j++) {
            double o = (double)origin[j], e = (double)f->centres[c * f->d + j] - o;
            own += e * (m * e - 2 * (f->sums[c * f->d + j] - m * o));
        }
        sum += own;
    }
    return sum > 0 ? sum : 0;
}

static cepman_status remember(cep_lloyd *f, size_t iteration)
{
    if (iteration >= f->history_room) {
        size_t room = f->history_room ? 2 * f->history_room : 32;
        double *more = cep_alloc(f->mem, room, sizeof *more);
        if (!more) return cep_fail_memory(f->ctx, "K-means", room, sizeof *more);
        if (iteration) memcpy(more, f->history, iteration * sizeof *more);
        cep_free(f->mem, f->history);
        f->history = more;
        f->history_room = room;
    }
    f->history[iteration] = inertia_of_sums(f);
    return CEPMAN_OK;
}

static cepman_status update_centres(cep_lloyd *f, size_t iteration, double *shift)
{
    cepman_status s = update_sums(f);
    if (!s) s = remember(f, iteration);
    if (s) return s;
    size_t empty = 0, *lent = NULL;
    for (size_t c = 0; c < f->k; c++)
        empty += !(f->mass[c] > 0);
    if (empty) {
        lent = cep_alloc(f->mem, f->k, sizeof *lent);
        if (!lent) return cep_fail_memory(f->ctx, "K-means", f->k, sizeof *lent);
        s = lend(f, empty, lent);
    }
    if (!s) {
        *shift = move_centres(f);
        if (lent) give_back(f, lent);
    }
    cep_free(f->mem, lent);
    return s;
}

cepman_status cep_lloyd_run(cep_lloyd *f, size_t most, double tolerance, size_t *iterations, bool *converged)
{
    memset(f->sums, 0, f->k * f->d * sizeof *f->sums);
    memset(f->mass, 0, f->k * sizeof *f->mass);
    for (size_t i = 0; i < f->blocks * 16; i++)
        f->previous[i] = -1;
    *converged = false;
    size_t it = 0, changed = 0;
    bool settled = false;
    while (it < most && !*converged) {
        cepman_status s = cep_lloyd_assign(f, it == 0, &changed);
        if (s) return s;
        it++;
        if (changed == 0) {
            *converged = settled = true;
            s = remember(f, it - 1);
            if (s) return s;
            break;
        }
        double shift = 0;
        s = update_centres(f, it - 1, &shift);
        if (s) return s;
        *converged = shift <= tolerance;
    }
    *iterations = it;
    return settled ? CEPMAN_OK : cep_lloyd_assign(f, false, &changed);
}

static cepman_status inertia_chunk(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    cep_lloyd *f = argument;
    double sum = 0;
    (void)worker;
    (void)fault;
    for (size_t i = cep_lloyd_first(f, chunk); i < cep_lloyd_end(f, chunk); i++)
        sum += cep_lloyd_weight(f, i) *
               cep_squared_fast(f->points.row[i], f->centres + (size_t)f->labels[i] * f->d, f->d);
    f->partial[chunk] = sum;
    return CEPMAN_OK;
}

cepman_status cep_lloyd_inertia(cep_lloyd *f, double *inertia)
{
    cepman_status s = cep_parallel(f->ctx, NULL, f->chunks, inertia_chunk, f);
    if (s) return s;
    double sum = 0;
    for (size_t c = 0; c < f->chunks; c++)
        sum += f->partial[c];
    *inertia = sum;
    return CEPMAN_OK;
}

typedef struct variance_job {
    const cep_lloyd *f;
    size_t chunk;
    double *sums, *squares; /* d and 1 per chunk */
    double *heavy;          /* weighted squares, 1 per chunk */
} variance_job;

/* Sums of differences from the first point: no cancellation where data are far from 0. */
static cepman_status variance_chunk(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    variance_job *job = argument;
    const cep_lloyd *f = job->f;
    double *sums = job->sums + chunk * f->d, square = 0, heavy = 0;
    (void)worker;
    (void)fault;
    for (size_t i = chunk * job->chunk; i < (chunk + 1) * job->chunk && i < f->n; i++) {
        double own = f->kernels->spread(sums, f->points.row[i], f->points.row[0], f->d);
        square += own;
        heavy += cep_lloyd_weight(f, i) * own;
    }
    job->squares[chunk] = square;
    job->heavy[chunk] = heavy;
    return CEPMAN_OK;
}

cepman_status cep_lloyd_variance(cep_lloyd *f, double *variance)
{
    variance_job job = {.f = f};
    size_t most = PARTIAL / f->d + 1, chunks;
    /* Few features: long items; many: items of at least a megabyte or so. */
    job.chunk = VARIANCE / (f->d / 16 + 1) + 1;
    if (job.chunk < f->n / most + 1) job.chunk = f->n / most + 1;
    chunks = (f->n + job.chunk - 1) / job.chunk;
    job.sums = cep_alloc_zero(f->mem, chunks, f->d * sizeof *job.sums);
    job.squares = cep_alloc(f->mem, chunks, sizeof *job.squares);
    job.heavy = cep_alloc(f->mem, chunks, sizeof *job.heavy);
    cepman_status s = job.sums && job.squares && job.heavy
                          ? cep_parallel(f->ctx, NULL, chunks, variance_chunk, &job)
                          : cep_fail_memory(f->ctx, "K-means", chunks, f->d * sizeof(double));
    if (!s) {
        double total = 0, n = (double)f->n, off = 0;
        f->total = 0;
        for (size_t c = 0; c < chunks; c++) {
            total += job.squares[c];
            f->total += job.heavy[c];
        }
        for (size_t j = 0; j < f->d; j++) {
            double mean = 0;
            for (size_t c = 0; c < chunks; c++)
                mean += job.sums[c * f->d + j];
            off += mean / n * (mean / n);
        }
        *variance = fmax(total / n - off, 0) / (double)f->d;
    }
    cep_free(f->mem, job.sums);
    cep_free(f->mem, job.squares);
    cep_free(f->mem, job.heavy);
    return s;
}
