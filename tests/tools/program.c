/* Running the built program from tests; see program.h. */
#define _GNU_SOURCE
#include "program.h"

#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

printed last;

static void slurp(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(text, 1, size - 1, f) : 0;
    text[n] = 0;
    if (f) fclose(f);
}

static long __attribute__((format(printf, 1, 0))) start(const char *format, va_list args)
{
    char line[8192];
    char *words[100];
    int n = 0;
    const char *program = getenv("CEPMAN_PROGRAM");
    ck_assert_msg(program != NULL, "CEPMAN_PROGRAM is not set");
    ck_assert_int_lt(vsnprintf(line, sizeof line, format, args), (int)sizeof line);
    words[n++] = (char *)(uintptr_t)program;
    for (char *save = NULL, *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        ck_assert_int_lt(n, 99);
        words[n++] = w;
    }
    words[n] = NULL;
    char out[600], err[600];
    snprintf(out, sizeof out, "%s", support_path("stdout"));
    snprintf(err, sizeof err, "%s", support_path("stderr"));
    fflush(NULL);
    /* Until the program runs, its process would obey the handlers of the test's own. */
    sigset_t stops, before;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, &before);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (!freopen(out, "wb", stdout) || !freopen(err, "wb", stderr) || !freopen("/dev/null", "rb", stdin))
            _exit(126);
        execv(program, words);
        _exit(127);
    }
    return pid;
}

int cepman_wait(long process)
{
    int status;
    ck_assert_int_eq(waitpid((pid_t)process, &status, 0), process);
    slurp(support_path("stdout"), last.out, sizeof last.out);
    slurp(support_path("stderr"), last.err, sizeof last.err);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

long cepman_start(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    long process = start(format, args);
    va_end(args);
    return process;
}

int cepman(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    long process = start(format, args);
    va_end(args);
    return cepman_wait(process);
}

void check_sentence(const char *words)
{
    size_t n = strlen(last.err);
    ck_assert_msg(strncmp(last.err, "cepman: ", 8) == 0 && n > 12 && last.err[n - 1] == '\n',
                  "not a sentence: '%s'", last.err);
    ck_assert_msg(strchr(last.err, '\n') == last.err + n - 1, "more than one line: '%s'", last.err);
    ck_assert_msg(strstr(last.err, words) != NULL, "'%s' lacks '%s'", last.err, words);
    ck_assert_msg(!last.out[0], "printed '%s'", last.out);
}

static int counted;

static int count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path;
    (void)st;
    (void)type;
    (void)ftw;
    counted++;
    return 0;
}

int count_files(const char *folder)
{
    counted = 0;
    nftw(folder, count_one, 16, FTW_PHYS);
    return counted - 1; /* the folder itself */
}

bool same_files(const char *a, const char *b)
{
    size_t n, m;
    unsigned char *p = support_read(a, &n), *q = support_read(b, &m);
    bool same = n == m && memcmp(p, q, n) == 0;
    free(p);
    free(q);
    return same;
}

void make_scan(const char *path, size_t rows, size_t columns, size_t side)
{
    const size_t shape[4] = {rows, columns, side, side};
    support_random r = {5};
    cepman_context *ctx = NULL;
    cepman_npy_writer *w = NULL;
    uint16_t *frame = malloc(side * side * sizeof *frame);
    ck_assert_ptr_nonnull(frame);
    ck_assert_int_eq(cepman_context_create(&ctx, NULL), CEPMAN_OK);
    assert_good(ctx, cepman_npy_writer_create(&w, ctx, path, CEPMAN_TYPE_U16, 4, shape));
    for (size_t i = 0; i < rows * columns; i++) {
        /* A direct beam, and spots on a lattice that differs between the left and the right half of the scan. */
        double step = i % columns < columns / 2 ? 9 : 12;
        for (size_t k = 0; k < side * side; k++) {
            double y = (double)(k / side) - (double)(side / 2), x = (double)(k % side) - (double)(side / 2);
            double sy = y - step * round(y / step), sx = x - step * round(x / step);
            double expected = 2 + 60 * (sy * sy + sx * sx < 4) + 900 * (y * y + x * x < 9);
            frame[k] = (uint16_t)fmax(0, expected + sqrt(expected) * support_normal(&r));
        }
        assert_good(ctx, cepman_npy_writer_append(w, ctx, frame, side * side));
    }
    assert_good(ctx, cepman_npy_writer_commit(w, ctx));
    cepman_npy_writer_unref(w);
    cepman_context_unref(ctx);
    free(frame);
}

void make_blobs(const char *path, const char *truth, size_t n, size_t d, size_t blobs)
{
    support_random r = {11};
    cepman_context *ctx = NULL;
    cepman_matrix *m = NULL;
    cepman_labels *l = NULL;
    float *x = malloc(n * d * sizeof *x);
    int32_t *t = malloc(n * sizeof *t);
    ck_assert(x && t);
    ck_assert_int_eq(cepman_context_create(&ctx, NULL), CEPMAN_OK);
    for (size_t i = 0; i < n; i++) {
        t[i] = (int32_t)(i % blobs);
        for (size_t k = 0; k < d; k++)
            x[i * d + k] = (float)(support_normal(&r) + 20 * (double)(k % blobs == i % blobs));
    }
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
    assert_good(ctx, cepman_matrix_save(m, ctx, path));
    assert_good(ctx, cepman_labels_copy(&l, ctx, t, n));
    assert_good(ctx, cepman_labels_save(l, ctx, truth, 0, 0));
    cepman_labels_unref(l);
    cepman_matrix_unref(m);
    cepman_context_unref(ctx);
    free(x);
    free(t);
}
