/* Greedy k-means++: every next centre is the best of 2 + floor(ln k) draws with probability weight *
 * distance^2 to the centres so far (Arthur and Vassilvitskii 2007; the greedy form is in their closing
 * remarks). Must not: draw by thread; draws are counted by (seed, run, centre, trial). */
#include <math.h>
#include <string.h>

#include "lloyd.h"

#define MOST_TRIALS 64

typedef struct start_job {
    cep_lloyd *f;
    size_t count;        /* trials */
    const float *trials; /* count x d */
    float *trial_norms;
    double *sums; /* count per chunk */
    float *dots;  /* 4 * MOST_TRIALS per worker */
    float *kept;  /* many features: what closest would be, per trial: count x n */
    bool keep;    /* count is 1: closest is lowered, partial gets the chunk's sum */
} start_job;

/* Many features: squared distances of four points to the trials. */
static void trial_distances(const start_job *job, size_t i, size_t end, float *dots)
{
    const cep_lloyd *f = job->f;
    const float *rows[4];
    for (size_t q = 0; q < 4; q++)
        rows[q] = f->points.row[i + q < end ? i + q : i];
    f->kernels->dots(rows, job->trials, f->d, job->count, f->d, dots);
    for (size_t q = 0; q < 4 && i + q < end; q++)
        for (size_t t = 0; t < job->count; t++) {
            float s = f->norms[i + q] + job->trial_norms[t] - 2 * dots[q * job->count + t];
            if (!isfinite(s)) {
                double e = cep_squared_fast(rows[q], job->trials + t * f->d, f->d);
                s = e < 3e38 ? (float)e : 3e38f;
            }
            dots[q * job->count + t] = s > 0 ? s : 0;
        }
}

static cepman_status start_chunk(void *argument, size_t chunk, unsigned worker, cep_fault *fault)
{
    start_job *job = argument;
    cep_lloyd *f = job->f;
    size_t first = cep_lloyd_first(f, chunk), end = cep_lloyd_end(f, chunk);
    (void)fault;
    if (f->few) {
        const float *soa = f->soa + first * f->d, *w = f->weights32 ? f->weights32 + first : NULL;
        size_t blocks = (end - first + 15) / 16;
        if (job->keep)
            f->partial[chunk] = f->kernels->approach(soa, blocks, f->d, job->trials, w, f->closest + first);
        else
            f->kernels->potential(soa, blocks, f->d, job->trials, job->count, w, f->closest + first,
                                  job->sums + chunk * job->count);
        return CEPMAN_OK;
    }
    float *dots = job->dots + (size_t)worker * 4 * MOST_TRIALS;
    double sums[MOST_TRIALS] = {0};
    for (size_t i = first; i < end; i += 4) {
        trial_distances(job, i, end, dots);
        for (size_t q = 0; q < 4 && i + q < end; q++)
            for (size_t t = 0; t < job->count; t++) {
                float s = fminf(f->closest[i + q], dots[q * job->count + t]);
                sums[t] += (double)s * cep_lloyd_weight(f, i + q);
                if (job->keep)
                    f->closest[i + q] = s;
                else
                    job->kept[t * f->n + i + q] = s;
            }
    }
    if (job->keep)
        f->partial[chunk] = sums[0];
    else
        memcpy(job->sums + chunk * job->count, sums, job->count * sizeof *sums);
    return CEPMAN_OK;
}

/* The point at which the running sum of weight * closest passes target; `chosen` closest = 1 for the first
 * draw. */
static size_t find(const cep_lloyd *f, double target, double total, uint64_t draw)
{
    if (!(total > 0) || !isfinite(total)) return (size_t)(((cep_u128)draw * f->n) >> 64);
    size_t chunk = 0, last = 0;
    for (; chunk + 1 < f->chunks && target >= f->partial[chunk]; chunk++)
        target -= f->partial[chunk];
    size_t first = cep_lloyd_first(f, chunk), end = cep_lloyd_end(f, chunk);
    bool any = false;
    for (size_t i = first; i < end; i++) {
        double mass = (double)f->closest[i] * cep_lloyd_weight(f, i);
        if (mass <= 0) continue;
        last = i;
        any = true;
        if (target < mass) break;
        target -= mass;
    }
    return any ? last : (size_t)(((cep_u128)draw * f->n) >> 64);
}

static double total_of(const cep_lloyd *f)
{
    double total = 0;
    for (size_t c = 0; c < f->chunks; c++)
        total += f->partial[c];
    return total;
}

static void take(const cep_lloyd *f, float *to, size_t i)
{
    memcpy(to, f->points.row[i], f->d * sizeof *to);
}

static size_t trials_of(size_t k)
{
    size_t count = 2 + (size_t)floor(log((double)k));
    return count < MOST_TRIALS ? count : MOST_TRIALS;
}

static cepman_status draw_centres(cep_lloyd *f, start_job *job, float *trials, double *sums, uint64_t run)
{
    size_t count = trials_of(f->k);
    uint64_t item = 0;
    for (size_t i = 0; i < f->blocks * 16; i++)
        f->closest[i] = i < f->n ? 1 : 0;
    for (size_t c = 0; c < f->chunks; c++) {
        f->partial[c] = 0;
        for (size_t i = cep_lloyd_first(f, c); i < cep_lloyd_end(f, c); i++)
            f->partial[c] += cep_lloyd_weight(f, i);
    }
    for (size_t c = 0; c < f->k; c++) {
        double total = total_of(f);
        size_t many = c ? count : 1, picked[MOST_TRIALS], best = 0;
        for (size_t t = 0; t < many; t++, item++) {
            uint64_t draw = cep_random64(f->seed, run, item);
            picked[t] = find(f, (double)(draw >> 11) * 0x1p-53 * total, total, draw);
            take(f, trials + t * f->d, picked[t]);
            if (!f->few) job->trial_norms[t] = f->norms[picked[t]];
        }
        cepman_status s;
        job->trials = trials;
        if (many > 1) {
            double lowest = (double)INFINITY;
            job->count = many;
            job->keep = false;
            job->sums = sums;
            s = cep_parallel(f->ctx, NULL, f->chunks, start_chunk, job);
            if (s) return s;
            for (size_t t = 0; t < many; t++) {
                double sum = 0;
                for (size_t h = 0; h < f->chunks; h++)
                    sum += sums[h * many + t];
                if (sum < lowest) {
                    lowest = sum;
                    best = t;
                }
            }
        }
        if (c == 0)
            for (size_t i = 0; i < f->n; i++)
                f->closest[i] = INFINITY;
        take(f, f->centres + c * f->d, picked[best]);
        if (many > 1 && !f->few) { /* the trial's pass has been the centre's too */
            memcpy(f->closest, job->kept + best * f->n, f->n * sizeof *f->closest);
            for (size_t h = 0; h < f->chunks; h++)
                f->partial[h] = sums[h * many + best];
            f->closest[picked[best]] = 0;
            continue;
        }
        job->count = 1;
        job->keep = true;
        job->trials = trials + best * f->d;
        if (!f->few) job->trial_norms[0] = f->norms[picked[best]];
        s = cep_parallel(f->ctx, NULL, f->chunks, start_chunk, job);
        if (s) return s;
        f->closest[picked[best]] = 0;
    }
    return CEPMAN_OK;
}

cepman_status cep_lloyd_start(cep_lloyd *f, uint64_t run)
{
    float norms[MOST_TRIALS];
    start_job job = {.f = f, .trial_norms = norms};
    size_t many;
    float *trials = cep_mul(MOST_TRIALS, f->d, &many) ? cep_alloc(f->mem, many, sizeof *trials) : NULL;
    double *sums = cep_mul(MOST_TRIALS, f->chunks, &many) ? cep_alloc(f->mem, many, sizeof *sums) : NULL;
    job.dots = cep_alloc(f->mem, (size_t)cep_workers(f->ctx) * 4 * MOST_TRIALS, sizeof *job.dots);
    f->closest = cep_alloc(f->mem, f->blocks, 16 * sizeof *f->closest);
    if (!f->few) job.kept = cep_alloc(f->mem, f->n, trials_of(f->k) * sizeof *job.kept);
    cepman_status s =
        trials && sums && job.dots && f->closest && (f->few || job.kept)
            ? draw_centres(f, &job, trials, sums, run)
            : cep_fail_memory(f->ctx, "K-means start", f->n + MOST_TRIALS * f->d, sizeof(float));
    cep_free(f->mem, f->closest);
    f->closest = NULL;
    cep_free(f->mem, job.kept);
    cep_free(f->mem, job.dots);
    cep_free(f->mem, sums);
    cep_free(f->mem, trials);
    return s;
}
