/* A host that uses FFTW and OpenBLAS itself: what it has set stays as it is, and does not change the library's results, nor the
 * library the host's, also while both work at the same time; and the library in many threads and after fork().
 * Must not: look into lib/. */
#include <cblas.h>
#include <fftw3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

int openblas_get_num_threads(void);
void openblas_set_num_threads(int count);

static const host_api calls = HOST_LINKED;

/* A transform of the host's, by its own plan, hashed. */
static uint64_t own_transform(fftwf_plan plan, float *in, fftwf_complex *out, int n)
{
    for (int i = 0; i < n; i++)
        in[i] = (float)((i * 7919) % 1000) / 1000;
    fftwf_execute(plan);
    uint64_t h = 1469598103934665603u;
    const unsigned char *bytes = (const unsigned char *)out;
    for (size_t i = 0; i < (size_t)(n / 2 + 1) * sizeof *out; i++)
        h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Wisdom is a set of lines whose order is the chance of a hash table: sorted, in place, into *lines (at most `most`). */
static size_t sorted_lines(char *text, char **lines, size_t most)
{
    size_t n = 0;
    for (char *line = text; line && *line && n < most;) {
        char *end = strchr(line, '\n');
        if (end) *end = 0;
        lines[n++] = line;
        line = end ? end + 1 : NULL;
    }
    qsort(lines, n, sizeof *lines, by_text);
    return n;
}

static int same_wisdom(char *a, char *b)
{
    char *first[1000], *second[1000];
    const size_t n = sorted_lines(a, first, 1000), m = sorted_lines(b, second, 1000);
    int equal = n == m && n > 2 && n < 1000;
    for (size_t i = 0; equal && i < n; i++)
        equal = strcmp(first[i], second[i]) == 0;
    return equal;
}

static int same(const host_result *a, const host_result *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void wisdom_and_settings(void)
{
    /* 32: our own transform; 34 = 2 * 17: FFTW's. */
    const int sizes[] = {32, 34};
    host_result before[2], after[2];
    memset(after, 0, sizeof after);
    int good = 1, equal = 1;
    for (int i = 0; i < 2; i++)
        good = good && host_whole(&calls, 2, sizes[i], &before[i]) == 0;

    /* The host plans carefully for the very shapes that the library plans, and keeps the wisdom. */
    float *in = fftwf_alloc_real(34 * 34);
    fftwf_complex *out = fftwf_alloc_complex(34 * 34);
    fftwf_plan careful[4] = {fftwf_plan_dft_r2c_1d(1000, in, out, FFTW_PATIENT),
                             fftwf_plan_dft_r2c_2d(34, 34, in, out, FFTW_PATIENT),
                             fftwf_plan_dft_r2c_1d(34, in, out, FFTW_PATIENT),
                             fftwf_plan_dft_1d(34, out, out, FFTW_FORWARD, FFTW_PATIENT)};
#ifdef HOST_FFTW_THREADS
    /* FFTW's own threads: the planner, which is the process's, now splits what it plans. */
    fftwf_init_threads();
    fftwf_plan_with_nthreads(3);
    fftwf_plan threaded = fftwf_plan_dft_r2c_2d(34, 34, in, out, FFTW_ESTIMATE);
#endif
    char *wisdom = fftwf_export_wisdom_to_string();
    const uint64_t own = own_transform(careful[0], in, out, 1000);
    openblas_set_num_threads(2);
    const int blas_threads = openblas_get_num_threads();

    for (int i = 0; i < 2; i++) {
        good = good && host_whole(&calls, 2, sizes[i], &after[i]) == 0;
        equal = equal && after[i].features == before[i].features &&
                after[i].embedding == before[i].embedding && after[i].labels == before[i].labels;
    }
    host_check(good, "the chain runs beside a host's FFTW and OpenBLAS");
    host_check(equal, "a host's wisdom does not change features, embedding and labels");
    char *kept = fftwf_export_wisdom_to_string();
    host_check(same_wisdom(wisdom, kept), "a host's wisdom is as it was");
    host_check(own_transform(careful[0], in, out, 1000) == own, "a host's plan gives the bits it gave");
    host_check(openblas_get_num_threads() == blas_threads, "OpenBLAS has the threads that the host set");
#ifdef HOST_FFTW_THREADS
    host_check(fftwf_planner_nthreads() == 3, "FFTW's planner has the threads that the host set");
    fftwf_destroy_plan(threaded);
    fftwf_plan_with_nthreads(1);
#endif
    free(kept);
    free(wisdom);
    for (int i = 0; i < 4; i++)
        fftwf_destroy_plan(careful[i]);
    fftwf_free(out);
    fftwf_free(in);
}

typedef struct visitor {
    pthread_t thread;
    host_result result;
    unsigned threads;
    int status;
} visitor;

static void *visit(void *argument)
{
    visitor *v = argument;
    v->status = host_whole(&calls, v->threads, 34, &v->result);
    return NULL;
}

static void many_contexts(void)
{
    host_result alone;
    int good = host_whole(&calls, 1, 34, &alone) == 0, equal = 1;
    visitor v[6];
    memset(v, 0, sizeof v);
    for (unsigned i = 0; i < 6; i++) {
        v[i].threads = 1 + i % 3;
        good = good && pthread_create(&v[i].thread, NULL, visit, &v[i]) == 0;
    }
    for (unsigned i = 0; i < 6; i++) {
        pthread_join(v[i].thread, NULL);
        good = good && v[i].status == 0;
        equal = equal && same(&v[i].result, &alone);
    }
    host_check(good, "six contexts in six threads, with threads of their own");
    host_check(equal, "each gives the bits of one thread");
}

/* A product and a transform of the host's, over and over until told to stop. */
typedef struct laboratory {
    pthread_t thread;
    fftwf_plan plan;
    float *in;
    fftwf_complex *out;
    atomic_int stop;
    uint64_t first, turns, different;
} laboratory;

enum { SIDE = 96, CELLS = SIDE * SIDE };

static void *experiment(void *argument)
{
    laboratory *l = argument;
    static float a[CELLS], b[CELLS];
    for (int i = 0; i < CELLS; i++) {
        a[i] = (float)(i % 101) / 50 - 1;
        b[i] = (float)(i % 97) / 50 - 1;
    }
    do {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, a, SIDE, b, SIDE, 0,
                    l->in, SIDE);
        fftwf_execute(l->plan);
        uint64_t h = 1469598103934665603u;
        const unsigned char *bytes = (const unsigned char *)l->out;
        for (size_t i = 0; i < (CELLS / 2 + 1) * sizeof *l->out; i++)
            h = (h ^ bytes[i]) * 1099511628211u;
        if (l->turns++ == 0) l->first = h;
        l->different += h != l->first;
    } while (!atomic_load(&l->stop));
    return NULL;
}

/* The host plans before, as one that plans meanwhile has to give its lock to the library. */
static void at_the_same_time(void)
{
    host_result alone, beside;
    int good = host_whole(&calls, 2, 34, &alone) == 0, equal = 1;
    static laboratory l;
    l.in = fftwf_alloc_real(CELLS);
    l.out = fftwf_alloc_complex(CELLS);
    l.plan = fftwf_plan_dft_r2c_1d(CELLS, l.in, l.out, FFTW_ESTIMATE);
    atomic_store(&l.stop, 1);
    experiment(&l);
    const uint64_t reference = l.first;
    atomic_store(&l.stop, 0);
    good = good && pthread_create(&l.thread, NULL, experiment, &l) == 0;
    for (int i = 0; i < 5 && good; i++) {
        good = host_whole(&calls, 2, 34, &beside) == 0;
        equal = equal && same(&alone, &beside);
    }
    atomic_store(&l.stop, 1);
    pthread_join(l.thread, NULL);
    printf("# %llu turns beside the chain\n", (unsigned long long)l.turns);
    host_check(good && equal, "the chain gives its bits while another thread uses FFTW and OpenBLAS");
    host_check(l.turns > 2 && !l.different && l.first == reference,
               "and that thread gets the bits that it gets alone");
    fftwf_destroy_plan(l.plan);
    fftwf_free(l.out);
    fftwf_free(l.in);
}

static void after_fork(void)
{
    cepman_context *ctx = NULL;
    host_result parent, child;
    int good = cepman_context_create(&ctx, NULL) == 0 && cepman_context_set_threads(ctx, 3) == 0 &&
               host_chain(&calls, ctx, 34, &parent) == 0;
    fflush(stdout);
    int way[2];
    if (pipe(way)) good = 0;
    const pid_t pid = fork();
    if (pid == 0) {
        /* The same context, whose threads stayed with the parent. */
        int s = host_chain(&calls, ctx, 34, &child);
        if (!s && write(way[1], &child, sizeof child) != sizeof child) s = 1;
        cepman_context_unref(ctx);
        _exit(s != 0);
    }
    int status = 1;
    good = good && pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
    good = good && read(way[0], &child, sizeof child) == sizeof child;
    host_check(good, "a context goes on in a child after fork()");
    host_check(good && same(&parent, &child), "with the same bits");
    host_check(host_chain(&calls, ctx, 34, &child) == 0 && same(&parent, &child), "and in the parent");
    cepman_context_unref(ctx);
}

int main(void)
{
    wisdom_and_settings();
    many_contexts();
    at_the_same_time();
    after_fork();
    return host_end();
}
