/* FFTW behind its door: against the sum in double, host's wisdom and lock, failing memory, threads. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <fftw3.h>

#include "fft.h"
#include "support.h"

#define PI 3.14159265358979323846

static void *aligned(size_t floats)
{
    void *p = NULL;
    ck_assert_int_eq(posix_memalign(&p, 64, (floats + 16) * sizeof(float)), 0);
    memset(p, 0, (floats + 16) * sizeof(float));
    return p;
}

/* Runs a plan on seeded numbers; the spectrum is the caller's. */
static float *run(const cep_fft *fft, size_t h, size_t w, uint64_t seed)
{
    support_random r = {seed};
    float *real = aligned(h * cep_fft_real_stride(fft)), *z = aligned(h * cep_fft_complex_stride(fft) * 2);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            real[y * cep_fft_real_stride(fft) + x] = (float)support_normal(&r);
    cep_fft_execute(fft, real, z);
    free(real);
    return z;
}

START_TEST(against_the_sum)
{
    static const size_t sides[][2] = {{1, 1},   {1, 7},  {7, 1},   {2, 2},   {3, 5},   {8, 8},   {13, 17},
                                      {16, 12}, {31, 6}, {19, 32}, {37, 24}, {61, 84}, {64, 64}, {47, 53}};
    cepman_context *ctx = support_begin(1);
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++)
        for (int pruned = 0; pruned < 2; pruned++) {
            const size_t h = sides[s][0], w = sides[s][1], columns = pruned ? w / 4 + 1 : w / 2 + 1;
            cep_fft *fft = NULL;
            assert_good(ctx, cep_fft_create(&fft, ctx, h, w, columns));
            ck_assert_uint_eq(cep_fft_real_stride(fft) % 16, 0);
            ck_assert_uint_eq(cep_fft_complex_stride(fft) % 8, 0);
            float *z = run(fft, h, w, 5);
            support_random r = {5};
            double *x = malloc(h * w * sizeof *x), *rows = calloc(h * columns * 2, sizeof *rows);
            for (size_t i = 0; i < h * w; i++)
                x[i] = (double)(float)support_normal(&r);
            for (size_t y = 0; y < h; y++)
                for (size_t k = 0; k < columns; k++)
                    for (size_t u = 0; u < w; u++) {
                        double a = -2 * PI * (double)(k * u % w) / (double)w;
                        rows[(y * columns + k) * 2] += x[y * w + u] * cos(a);
                        rows[(y * columns + k) * 2 + 1] += x[y * w + u] * sin(a);
                    }
            for (size_t q = 0; q < h; q++)
                for (size_t k = 0; k < columns; k++) {
                    double re = 0, im = 0;
                    for (size_t y = 0; y < h; y++) {
                        double a = -2 * PI * (double)(q * y % h) / (double)h;
                        const double *v = rows + (y * columns + k) * 2;
                        re += v[0] * cos(a) - v[1] * sin(a);
                        im += v[0] * sin(a) + v[1] * cos(a);
                    }
                    const float *got = z + 2 * (q * cep_fft_complex_stride(fft) + k);
                    const double tolerance = 1e-6 * sqrt((double)(h * w)) + 1e-7;
                    ck_assert_double_eq_tol((double)got[0], re, tolerance);
                    ck_assert_double_eq_tol((double)got[1], im, tolerance);
                }
            free(x), free(rows), free(z);
            cep_fft_unref(fft);
        }
    support_end(ctx);
}
END_TEST

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Wisdom is a set: the lines in alphabetical order, in place. */
static void sort_lines(char *text)
{
    char *lines[4096], *copy = strdup(text), *rest = copy, *line;
    size_t n = 0;
    while ((line = strtok_r(rest, "\n", &rest)) && n < 4096)
        lines[n++] = line;
    ck_assert_uint_lt(n, 4096);
    qsort(lines, n, sizeof *lines, compare_lines);
    for (size_t i = 0; i < n; i++)
        text = stpcpy(i ? stpcpy(text, "\n") : text, lines[i]);
    free(copy);
}

START_TEST(host_wisdom_stays_out)
{
    enum { N = 96 };
    cepman_context *ctx = support_begin(1);
    cep_fft *before = NULL, *after = NULL;
    assert_good(ctx, cep_fft_create(&before, ctx, N, N, N / 2 + 1));
    float *a = run(before, N, N, 3);
    char *none = fftwf_export_wisdom_to_string();
    /* A host that has measured plans for our very sizes. */
    float *real = aligned(N * N), *z = aligned(N * (N + 16));
    int n = N;
    fftwf_plan p = fftwf_plan_many_dft_r2c(1, &n, N, real, NULL, 1, N, (fftwf_complex *)(void *)z, NULL, 1,
                                           N / 2 + 8, FFTW_MEASURE);
    char *host = fftwf_export_wisdom_to_string();
    ck_assert_str_ne(none, host);
    assert_good(ctx, cep_fft_create(&after, ctx, N, N, N / 2 + 1));
    char *kept = fftwf_export_wisdom_to_string();
    sort_lines(host);
    sort_lines(kept);
    ck_assert_str_eq(host, kept);
    float *b = run(after, N, N, 3);
    ck_assert(memcmp(a, b, N * cep_fft_complex_stride(before) * 2 * sizeof *a) == 0);
    fftwf_destroy_plan(p);
    fftwf_forget_wisdom();
    free(none), free(host), free(kept), free(a), free(b), free(real), free(z);
    cep_fft_unref(before);
    cep_fft_unref(after);
    support_end(ctx);
}
END_TEST

static void count_acquire(void *user)
{
    ((int *)user)[0]++;
}

static void count_release(void *user)
{
    ((int *)user)[1]++;
}

START_TEST(host_lock_is_taken)
{
    int counts[2] = {0, 0};
    cepman_context *ctx = support_begin(1);
    const cepman_planner_lock lock = {sizeof lock, counts, count_acquire, count_release};
    assert_good(ctx, cepman_context_set_planner_lock(ctx, &lock));
    cep_fft *fft = NULL;
    assert_good(ctx, cep_fft_create(&fft, ctx, 20, 20, 11));
    ck_assert_int_eq(counts[0], 1);
    cep_fft *second = cep_fft_ref(fft);
    cep_fft_unref(fft);
    ck_assert_int_eq(counts[0], 1);
    cep_fft_unref(second);
    cep_fft_unref(NULL);
    ck_assert(counts[0] == 2 && counts[1] == 2);
    support_end(ctx);
}
END_TEST

START_TEST(limits)
{
    cepman_context *ctx = support_begin(1);
    cep_fft *fft = NULL;
    assert_fails(ctx, cep_fft_create(&fft, ctx, 0, 4, 1), CEPMAN_ERR_RANGE, "0 x 4");
    assert_fails(ctx, cep_fft_create(&fft, ctx, 4, 16385, 1), CEPMAN_ERR_RANGE, "16385");
    assert_fails(ctx, cep_fft_create(&fft, ctx, 4, 4, 4), CEPMAN_ERR_RANGE, "4 columns of 3");
    assert_fails(ctx, cep_fft_create(&fft, ctx, 4, 4, 0), CEPMAN_ERR_RANGE, "0 columns");
    ck_assert_ptr_null(fft);
    for (long at = 0;; at++) {
        support_fail_at(at);
        cepman_status s = cep_fft_create(&fft, ctx, 30, 20, 11);
        support_fail_at(-1);
        if (s == CEPMAN_OK) break;
        ck_assert_int_eq(s, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(fft);
        ck_assert_int_lt(at, 20);
    }
    cep_fft_unref(fft);
    support_end(ctx);
}
END_TEST

typedef struct job {
    const cep_fft *fft;
    float *first;
    int good;
} job;

static void *execute_often(void *argument)
{
    job *j = argument;
    j->good = 1;
    for (int i = 0; i < 50; i++) {
        float *z = run(j->fft, 40, 36, 8);
        if (memcmp(z, j->first, 40 * cep_fft_complex_stride(j->fft) * 2 * sizeof *z) != 0) j->good = 0;
        free(z);
    }
    return NULL;
}

START_TEST(shared_between_threads)
{
    cepman_context *ctx = support_begin(1);
    cep_fft *fft = NULL;
    assert_good(ctx, cep_fft_create(&fft, ctx, 40, 36, 19));
    float *first = run(fft, 40, 36, 8);
    pthread_t threads[3];
    job jobs[3];
    for (int i = 0; i < 3; i++) {
        jobs[i] = (job){fft, first, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, execute_often, &jobs[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(jobs[i].good);
    }
    free(first);
    cep_fft_unref(fft);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("fft");
    TCase *t = tcase_create("fft");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, against_the_sum);
    tcase_add_test(t, host_wisdom_stays_out);
    tcase_add_test(t, host_lock_is_taken);
    tcase_add_test(t, limits);
    tcase_add_test(t, shared_between_threads);
    suite_add_tcase(s, t);
    return s;
}
