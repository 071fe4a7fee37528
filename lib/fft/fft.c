/* Real 2-D transforms through FFTW, rows first and then only the columns that are wanted.
 * Planned once under a process-wide mutex, executed with the new-array calls, which are thread-safe.
 * Must not: call fftwf_make_planner_thread_safe or fftwf_cleanup, or leave wisdom behind. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <fftw3.h>

#include <cepman/version.h>

#include "fft.h"

#define MOST 16384

struct cep_fft {
    cep_refs refs;
    cep_memory *mem;
    size_t height, width, columns, real_stride, complex_stride;
    cepman_planner_lock host;
    bool has_host;
    fftwf_plan rows, down;
};

/* FFTW's planner is one per process, whoever links it; hosts that plan themselves supply their lock too. */
static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

static void lock(const cep_fft *f)
{
    pthread_mutex_lock(&planner);
    if (f->has_host) f->host.acquire(f->host.user);
}

static void unlock(const cep_fft *f)
{
    if (f->has_host) f->host.release(f->host.user);
    pthread_mutex_unlock(&planner);
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* FFTW_ESTIMATE looks at no clock, so the same sizes give the same plan on every run; but it does use wisdom, so
 * the host's is put aside meanwhile. */
static bool plan(cep_fft *f, float *real, float *spectrum)
{
    const int w = (int)f->width, h = (int)f->height;
    const int rs = (int)f->real_stride, cs = (int)f->complex_stride;
    fftwf_complex *c = (fftwf_complex *)(void *)spectrum;
    char *wisdom = fftwf_export_wisdom_to_string();
    fftwf_forget_wisdom();
    f->rows = fftwf_plan_many_dft_r2c(1, &w, h, real, NULL, 1, rs, c, NULL, 1, cs, FFTW_ESTIMATE);
    f->down = fftwf_plan_many_dft(1, &h, (int)f->columns, c, NULL, cs, 1, c, NULL, cs, 1, FFTW_FORWARD,
                                  FFTW_ESTIMATE);
    fftwf_forget_wisdom();
    if (wisdom) fftwf_import_wisdom_from_string(wisdom);
    free(wisdom);
    return f->rows && f->down;
}

cepman_status cep_fft_create(cep_fft **out, cepman_context *ctx, size_t height, size_t width, size_t columns)
{
    CEP_REQUIRE(ctx, height >= 1 && width >= 1 && height <= MOST && width <= MOST, CEPMAN_ERR_RANGE,
                "transform of %zu x %zu pixels, must be 1 to %d on a side", height, width, MOST);
    CEP_REQUIRE(ctx, columns >= 1 && columns <= width / 2 + 1, CEPMAN_ERR_RANGE,
                "transform: %zu columns of %zu", columns, width / 2 + 1);
    cep_memory *mem = cep_context_memory(ctx);
    cep_fft *f = cep_alloc_zero(mem, 1, sizeof *f);
    if (!f) return cep_fail_memory(ctx, "transform", 1, sizeof *f);
    cep_refs_init(&f->refs);
    f->mem = cep_memory_ref(mem);
    f->height = height;
    f->width = width;
    f->columns = columns;
    f->real_stride = round_up(width, 16);
    f->complex_stride = round_up(width / 2 + 1, 8);
    const cepman_planner_lock *host = cep_context_planner_lock(ctx);
    if (host) {
        f->host = *host;
        f->has_host = true;
    }
    float *real = cep_alloc_zero(mem, height, f->real_stride * sizeof *real);
    float *spectrum = cep_alloc_zero(mem, height, f->complex_stride * 2 * sizeof *spectrum);
    cepman_status s = CEPMAN_OK;
    if (!real || !spectrum) {
        s = cep_fail_memory(ctx, "transform", height, f->complex_stride * 2 * sizeof *spectrum);
    } else {
        lock(f);
        bool good = plan(f, real, spectrum);
        unlock(f);
        if (!good)
            s = cep_fail(ctx, CEPMAN_ERR_NUMERIC, "FFTW has no plan for %zu x %zu pixels", height, width);
    }
    cep_free(mem, real);
    cep_free(mem, spectrum);
    if (s) {
        cep_fft_unref(f);
        return s;
    }
    *out = f;
    return CEPMAN_OK;
}

cep_fft *cep_fft_ref(cep_fft *f)
{
    if (f) cep_refs_get(&f->refs);
    return f;
}

void cep_fft_unref(cep_fft *f)
{
    if (!f || !cep_refs_put(&f->refs)) return;
    cep_memory *mem = f->mem;
    lock(f);
    if (f->rows) fftwf_destroy_plan(f->rows);
    if (f->down) fftwf_destroy_plan(f->down);
    unlock(f);
    cep_free(mem, f);
    cep_memory_unref(mem);
}

const char *cepman_fftw_version(void)
{
    return fftwf_version;
}

size_t cep_fft_real_stride(const cep_fft *f)
{
    return f->real_stride;
}

size_t cep_fft_complex_stride(const cep_fft *f)
{
    return f->complex_stride;
}

void cep_fft_execute(const cep_fft *f, float *real, float *spectrum)
{
    fftwf_complex *c = (fftwf_complex *)(void *)spectrum;
    fftwf_execute_dft_r2c(f->rows, real, c);
    fftwf_execute_dft(f->down, c, c);
}
