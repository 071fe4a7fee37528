/* cepman-mpi, the program: starts MPI, reads the command line as cepman does, runs, puts the outputs of rank 0 in place.
 * The command line, help and outputs are those of tools/; what a rank's own steps fail with is told to all and printed once.
 * Must not: print on more than one rank, or end one rank while others wait for it. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

const char *const tool_program = "cepman-mpi";

static cepman_context *volatile running;
static volatile sig_atomic_t interrupted;
/* The first sentence of a failure on this rank: kept until the ranks have agreed on one. */
static char said[1400];

static void stop(int number)
{
    interrupted = number;
    cepman_context_cancel(running);
}

int tool_interrupted(void)
{
    return interrupted ? tool_fail("cancelled") : 0;
}

static void keep(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
static void keep(const char *format, va_list args)
{
    if (said[0]) return;
    vsnprintf(said, sizeof said, format, args);
    for (unsigned char *p = (unsigned char *)said; *p;) { /* one line of valid text */
        size_t n = utf8_length(p);
        if (n == 0 || *p < 0x20 || *p == 0x7f) *p = '?';
        p += n ? n : 1;
    }
}

int tool_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(format, args);
    va_end(args);
    return 1;
}

int tool_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(format, args);
    va_end(args);
    return 2;
}

int tool_no_memory(void)
{
    return tool_fail("out of memory");
}

int tool_check(tool *t, cepman_status status)
{
    const char *sentence = cepman_context_error(t->ctx);
    return status ? tool_fail("%s", *sentence ? sentence : cepman_status_text(status)) : 0;
}

static int print_failure(const char *sentence, int rc)
{
    progress_end();
    fprintf(stderr, "cepman-mpi: %s\n", sentence);
    return rc;
}

int run_agree(run *r, int rc)
{
    /* Usage travels as a status of its own, so that all ranks end alike. */
    cepman_status s = CEPMAN_OK;
    if (rc) s = cepman_context_fail(r->tool.ctx, rc == 2 ? CEPMAN_ERR_OPTION : CEPMAN_ERR_DATA, said);
    s = cepman_mpi_agree(r->group, s);
    if (!s) return 0;
    rc = s == CEPMAN_ERR_OPTION ? 2 : 1;
    if (cepman_mpi_rank(r->group)) return rc;
    return print_failure(said[0] ? said : cepman_context_error(r->tool.ctx), rc);
}

int run_check(run *r, cepman_status s)
{
    if (!s) return 0;
    return cepman_mpi_rank(r->group) ? 1 : print_failure(cepman_context_error(r->tool.ctx), 1);
}

static void catch_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* Text that needs no run, on rank 0. */
static bool answered(int argc, char **argv, int rank, int *rc)
{
    const char *word = argc > 1 ? argv[1] : "";
    *rc = 0;
    if (strcmp(word, "--version") == 0) {
        if (rank == 0)
            printf("cepman-mpi %s (library %s, libcepman %s)\n", CEPMAN_VERSION_STRING, cepman_mpi_version(),
                   cepman_version());
        return true;
    }
    const bool help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
    if (strcmp(word, "run") == 0) return false;
    if (!help) *rc = 2;
    if (rank == 0)
        fprintf(help ? stdout : stderr,
                "cepman-mpi %s: cepman run over the ranks of MPI\n\nusage: mpirun -n RANKS cepman-mpi run "
                "FILE -o DIR "
                "[options]\n\n'cepman-mpi run --help' lists the options.\n",
                cepman_version());
    return true;
}

static int whole(run *r, int argc, char **argv)
{
    tool *t = &r->tool;
    bool done = false;
    int rc = run_agree(r, args_parse(t, argc, argv, &done));
    if (rc || done) return rc;
    rc = args_apply_common(t);
    if (cepman_mpi_rank(r->group)) cepman_context_set_progress(t->ctx, NULL, NULL); /* one bar */
    rc = run_agree(r, rc);
    if (!rc) rc = t->command->run(t);
    progress_end();
    if (rc) return rc;
    rc = run_agree(r, tool_interrupted());
    if (rc) return rc;
    /* Nobody can object any more: what rank 0 came to is the end of all. */
    const bool first = cepman_mpi_rank(r->group) == 0;
    if (first) rc = outputs_commit(t->out);
    MPI_Bcast(&rc, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (rc) return first ? print_failure(said, rc) : rc;
    if (t->summary[0]) puts(t->summary);
    return rc;
}

int main(int argc, char **argv)
{
    run r;
    int rc = 1, level, rank;
    memset(&r, 0, sizeof r);
    if (MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level)) return 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (!answered(argc, argv, rank, &rc)) {
        tool *t = &r.tool;
        t->command = &command_run_mpi;
        t->out = outputs_create();
        rc = 1;
        if (t->out && !cepman_context_create(&t->ctx, NULL)) {
            running = t->ctx;
            catch_signals();
        }
        /* Help is for one. */
        if (rank && !freopen("/dev/null", "w", stdout)) rc = 1;
        /* Without a context too: the others are told. */
        if (!cepman_mpi_create(&r.group, t->ctx, MPI_COMM_WORLD))
            rc = whole(&r, argc, argv);
        else if (rank == 0) /* all know it */
            fprintf(stderr, "cepman-mpi: %s\n", t->ctx ? cepman_context_error(t->ctx) : "out of memory");
        outputs_free(t->out);
        args_free(t);
        cepman_mpi_unref(r.group);
        running = NULL;
        cepman_context_unref(t->ctx);
    }
    if (fflush(stdout)) rc = rc ? rc : 1;
    MPI_Finalize();
    return rc;
}
