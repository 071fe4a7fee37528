/* The assignment step: few features by brute force over blocks of 16 points, many by Gram-form distances
 * under Hamerly's bounds (Hamerly 2010), so that points far from any border are not touched. Must not: let
 * rounding decide; centres within the error bound are compared again in double, ties to the lower. */
#include <math.h>
#include <string.h>

#include "lloyd.h"

/* Nearest centre in double; *best and *second are the two smallest squared distances. */
static int32_t nearest_exact(const cep_lloyd *f, const float *x, double *best, double *second)
{
    int32_t label = 0;
    *best = *second = (double)INFINITY;
    for (size_t c = 0; c < f->k; c++) {
        double s = cep_squared_fast(x, f->centres + c * f->d, f->d);
        if (s < *best) {
            *second = *best;
            *best = s;
            label = (int32_t)c;
        } else if (s < *second) {
            *second = s;
        }
    }
    return label;
}

static void assign_few(cep_lloyd *f, size_t chunk)
{
    size_t first = cep_lloyd_first(f, chunk), end = cep_lloyd_end(f, chunk), b0 = first / 16;
    size_t blocks = (end - first + 15) / 16;
    f->kernels->assign(f->soa + b0 * 16 * f->d, blocks, f->d, f->centres, f->k, f->slack, f->previous + first,
                       f->labels + first, f->changed + b0, f->unsure + b0);
    if (end % 16) {
        uint16_t real = (uint16_t)((1u << end % 16) - 1);
        f->changed[b0 + blocks - 1] &= real;
        f->unsure[b0 + blocks - 1] &= real;
    }
    for (size_t b = b0; b < b0 + blocks; b++)
        for (unsigned bits = f->unsure[b]; bits; bits &= bits - 1) {
            unsigned lane = (unsigned)__builtin_ctz(bits);
            size_t i = b * 16 + lane;
            double best, second;
            f->labels[i] = nearest_exact(f, f->points.row[i], &best, &second);
            f->changed[b] = (uint16_t)((f->changed[b] & ~(1u << lane)) |
                                       (unsigned)(f->labels[i] != f->previous[i]) << lane);
        }
}

/* Labels and bounds of up to four points from their dot products with all centres. */
static void settle(cep_lloyd *f, const size_t *points, size_t count, float *dots)
{
    const float *rows[4];
    for (size_t q = 0; q < 4; q++)
        rows[q] = f->points.row[points[q < count ? q : 0]];
    f->kernels->dots(rows, f->centres, f->d, f->k, f->d, dots);
    for (size_t q = 0; q < count; q++) {
        size_t i = points[q];
        float best = INFINITY, second = INFINITY, largest = 0;
        int32_t label = 0;
        for (size_t c = 0; c < f->k; c++) {
            float s = f->norms[i] + f->centre_norms[c] - 2 * dots[q * f->k + c];
            if (f->centre_norms[c] > largest) largest = f->centre_norms[c];
            if (s < best) {
                second = best;
                best = s;
                label = (int32_t)c;
            } else if (s < second) {
                second = s;
            }
        }
        float error = f->slack * (f->norms[i] + largest) + 1e-37f;
        double low = (double)best, high = (double)second, doubt = (double)error;
        if (!(second - best > 2 * error)) { /* also when something overflowed */
            label = nearest_exact(f, f->points.row[i], &low, &high);
            doubt = 1e-12 * low;
        }
        f->labels[i] = label;
        f->upper[i] = (float)(sqrt(fmax(low + doubt, 0)) * (1 + 1e-6));
        f->lower[i] = (float)(sqrt(fmax(high - doubt, 0)) * (1 - 1e-6));
    }
}

typedef struct assign_job {
    cep_lloyd *f;
    bool fresh;
    float *scratch; /* 4 * k per worker */
    float most, next_most;
    int32_t most_of; /* the centre that moved farthest, how far, and the next */
} assign_job;

static void assign_many(assign_job *job, size_t chunk, unsigned worker)
{
    cep_lloyd *f = job->f;
    float *dots = job->scratch + worker * 4 * f->k;
    size_t first = cep_lloyd_first(f, chunk), end = cep_lloyd_end(f, chunk), waiting[4], count = 0;
    for (size_t i = first; i < end; i++) {
        f->labels[i] = f->previous[i];
        if (!job->fresh) {
            int32_t own = f->previous[i];
            float up = (f->upper[i] + f->moved[own]) * (1 + 2.5e-7f);
            float down = f->lower[i] - (own == job->most_of ? job->next_most : job->most);
            down -= fabsf(down) * 2.5e-7f;
            f->upper[i] = up;
            f->lower[i] = down;
            if (up < down) continue;
        }
        waiting[count++] = i;
        if (count == 4) {
            settle(f, waiting, 4, dots);
            count = 0;
        }
    }
    if (count) settle(f, waiting, count, dots);
    for (size_t b = first / 16; b * 16 < end; b++) {
        unsigned bits = 0;
        for (size_t i = b * 16; i < b * 16 + 16 && i < end; i++)
            bits |= (unsigned)(f->labels[i] != f->previous[i]) << (i - b * 16);
        f->changed[b] = (uint16_t)bits;
    }
}

static cepman_status assign_chunk(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    assign_job *job = argument;
    (void)fault;
    if (job->f->few)
        assign_few(job->f, chunk);
    else
        assign_many(job, chunk, worker);
    return CEPMAN_OK;
}

cepman_status cep_lloyd_assign(cep_lloyd *f, bool fresh, size_t *changed)
{
    assign_job job = {.f = f, .fresh = fresh, .most_of = -1};
    if (!f->few) {
        size_t items;
        job.scratch =
            cep_mul(cep_workers(f->ctx), 4 * f->k, &items) ? cep_alloc(f->mem, items, sizeof(float)) : NULL;
        if (!job.scratch)
            return cep_fail_memory(f->ctx, "K-means", f->k, 4 * cep_workers(f->ctx) * sizeof(float));
        for (size_t c = 0; c < f->k; c++) {
            const float *x = f->centres + c * f->d;
            f->centre_norms[c] = f->distance->dot(x, x, f->d);
            if (f->moved[c] > job.most || job.most_of < 0) {
                job.next_most = job.most;
                job.most = f->moved[c];
                job.most_of = (int32_t)c;
            } else if (f->moved[c] > job.next_most) {
                job.next_most = f->moved[c];
            }
        }
    }
    cepman_status s = cep_parallel(f->ctx, NULL, f->chunks, assign_chunk, &job);
    cep_free(f->mem, job.scratch);
    if (s) return s;
    size_t count = 0;
    for (size_t b = 0; b < f->blocks; b++)
        count += (size_t)__builtin_popcount(f->changed[b]);
    *changed = count;
    return CEPMAN_OK;
}
