/* The group of ranks: its communicator, agreement on failures, messages of any size, memory of the context.
 * MPI 3.1 (chapters 3, 5 and 8); an agreement is a reduction for the lowest rank that failed, then its sentence.
 * Must not: end the program, or leave a rank waiting for one that has failed. */
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define PIECE ((size_t)1 << 28) /* bytes of a message: below what an int counts */
#define SENTENCE 1000

/* ---- failures ------------------------------------------------------------------------------------------------------ */

cepman_status cep_mpi_fail(cepman_mpi *g, cepman_status status, const char *format, ...)
{
    char text[SENTENCE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return cepman_context_fail(g->ctx, status, text);
}

cepman_status cep_mpi_check(cepman_mpi *g, int code, const char *what)
{
    if (code == MPI_SUCCESS) return CEPMAN_OK;
    char text[MPI_MAX_ERROR_STRING + 1] = "";
    int length = 0;
    MPI_Error_string(code, text, &length);
    g->broken = true;
    return cep_mpi_fail(g, CEPMAN_ERR_IO, "MPI, %s: %s", what, text);
}

cepman_status cep_mpi_enter(cepman_mpi *g, bool good)
{
    if (!g) return CEPMAN_ERR_ARGUMENT;
    if (g->broken) return cep_mpi_fail(g, CEPMAN_ERR_IO, "MPI has failed before: the group cannot go on");
    return cepman_mpi_agree(g, good ? CEPMAN_OK
                                    : cep_mpi_fail(g, CEPMAN_ERR_ARGUMENT, "mpi: an argument is NULL"));
}

#define TRIES 200 /* before a rank lies down */

/* Waits asleep, so that ranks that share a processor leave it to those that work; the host's cancel callback is asked as
 * often as it was promised. What it says counts at the next agreement, where it is asked again. */
static cepman_status wait_for(cepman_mpi *g, MPI_Request *request)
{
    struct timespec nap = {0, 20000};
    long since = 0;
    for (int tries = 0;; tries++) {
        int done = 0;
        cepman_status s =
            cep_mpi_check(g, MPI_Test(request, &done, MPI_STATUS_IGNORE), "waiting for the ranks");
        if (s || done) return s;
        if (tries < TRIES) {
            sched_yield();
            continue;
        }
        nanosleep(&nap, NULL);
        since += nap.tv_nsec;
        if (nap.tv_nsec < 1000000) nap.tv_nsec *= 2;
        if (since < 50000000) continue;
        since = 0;
        cepman_context_poll(g->ctx);
    }
}

typedef struct note {
    int32_t status;
    char text[SENTENCE];
} note;

cepman_status cep_mpi_tell(cepman_mpi *g, cepman_status mine)
{
    if (g->broken) return mine ? mine : cep_mpi_fail(g, CEPMAN_ERR_IO, "MPI has failed before");
    note n = {mine, ""};
    if (mine) {
        const char *sentence = g->ctx ? cepman_context_error(g->ctx) : "mpi: the context is NULL";
        snprintf(n.text, sizeof n.text, "%s", *sentence ? sentence : cepman_status_text(mine));
    }
    int failed = n.status ? g->rank : INT_MAX, first = INT_MAX;
    MPI_Request request;
    cepman_status s =
        cep_mpi_check(g, MPI_Iallreduce(&failed, &first, 1, MPI_INT, MPI_MIN, g->comm, &request), "agreeing");
    if (!s) s = wait_for(g, &request);
    if (s || first == INT_MAX) return s;
    s = cep_mpi_check(g, MPI_Bcast(&n, sizeof n, MPI_BYTE, first, g->comm), "telling a failure");
    if (s) return s;
    if (g->ranks == 1) return cepman_context_fail(g->ctx, (cepman_status)n.status, n.text);
    return cep_mpi_fail(g, (cepman_status)n.status, "rank %d: %.980s", first, n.text);
}

cepman_status cepman_mpi_agree(cepman_mpi *g, cepman_status mine)
{
    if (!g) return CEPMAN_ERR_ARGUMENT;
    return cep_mpi_tell(g, mine || g->broken ? mine : cepman_context_poll(g->ctx));
}

cepman_status cep_mpi_same(cepman_mpi *g, size_t count, const int64_t *values, const char *const *names)
{
    /* The largest value and the largest of its complement: the smallest. */
    int64_t both[16] = {0}, most[16];
    for (size_t i = 0; i < count; i++) {
        both[2 * i] = values[i];
        both[2 * i + 1] = ~values[i];
    }
    cepman_status s = cep_mpi_check(
        g, MPI_Allreduce(both, most, (int)(2 * count), MPI_INT64_T, MPI_MAX, g->comm), "comparing");
    for (size_t i = 0; !s && i < count; i++)
        if (most[2 * i] != ~most[2 * i + 1])
            s = cep_mpi_fail(g, CEPMAN_ERR_DATA,
                             "mpi: the ranks must have the same %s, one has %lld and another %lld", names[i],
                             (long long)~most[2 * i + 1], (long long)most[2 * i]);
    return s;
}

int64_t cep_mpi_options_number(const cepman_options *o)
{
    uint64_t sum = 0xcbf29ce484222325u;
    char text[256];
    snprintf(text, sizeof text, "%s", o ? cepman_options_kind(o) : "");
    for (size_t i = 0;; i++) {
        for (const char *p = text; *p; p++)
            sum = (sum ^ (unsigned char)*p) * 0x100000001b3u;
        sum = (sum ^ '|') * 0x100000001b3u;
        if (i == cepman_options_count(o)) return (int64_t)(sum >> 1);
        cepman_options_format(o, i, text, sizeof text);
    }
}

cepman_status cep_mpi_same_options(cepman_mpi *g, const cepman_options *given,
                                   cepman_status (*make)(cepman_options **, cepman_context *),
                                   const char *what)
{
    cepman_options *defaults = NULL;
    cepman_status s = cepman_mpi_agree(g, given ? CEPMAN_OK : make(&defaults, g->ctx));
    const int64_t number = cep_mpi_options_number(given ? given : defaults);
    cepman_options_unref(defaults);
    return s ? s : cep_mpi_same(g, 1, &number, &what);
}

/* ---- the handle ---------------------------------------------------------------------------------------------------- */

static bool mpi_is_up(void)
{
    int up = 0, over = 0;
    return !MPI_Initialized(&up) && up && !MPI_Finalized(&over) && !over;
}

/* What this rank alone finds, to be agreed on. */
static cepman_status prepare(cepman_mpi *g, cepman_mpi **out, void **block)
{
    int level = MPI_THREAD_SINGLE;
    if (!out || !g->ctx) return cep_mpi_fail(g, CEPMAN_ERR_ARGUMENT, "mpi: out or the context is NULL");
    MPI_Query_thread(&level);
    if (level < MPI_THREAD_FUNNELED && cepman_context_threads(g->ctx) != 1)
        return cep_mpi_fail(g, CEPMAN_ERR_UNSUPPORTED,
                            "mpi: the context has more than one thread, MPI must be initialised by "
                            "MPI_Init_thread for MPI_THREAD_FUNNELED at least");
    return cepman_context_allocate(block, g->ctx, 1, sizeof *g, "group of ranks");
}

static int64_t level_number(const char *level)
{
    return strcmp(level, "avx512") == 0 ? 512 : strcmp(level, "avx2") == 0 ? 2 : 0;
}

cepman_status cepman_mpi_create(cepman_mpi **out, cepman_context *ctx, MPI_Comm comm)
{
    /* What all ranks find alike, or cannot tell each other; everything else is agreed on. */
    if (!mpi_is_up())
        return cepman_context_fail(ctx, CEPMAN_ERR_UNSUPPORTED,
                                   "mpi: MPI is not initialised, or finalised already");
    int two_groups = 0;
    if (comm == MPI_COMM_NULL || MPI_Comm_test_inter(comm, &two_groups) || two_groups)
        return cepman_context_fail(ctx, CEPMAN_ERR_ARGUMENT,
                                   "mpi: there is no communicator, or one between two groups");
    void *block = NULL;
    cepman_mpi local = {.ctx = ctx, .comm = MPI_COMM_NULL}, *g;
    cepman_status s = cep_mpi_check(&local, MPI_Comm_dup(comm, &local.comm), "duplicating the communicator");
    if (s) return s;
    MPI_Comm_set_errhandler(local.comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(local.comm, &local.rank);
    MPI_Comm_size(local.comm, &local.ranks);
    s = cepman_mpi_agree(&local, prepare(&local, out, &block));
    const int64_t level = level_number(cepman_context_cpu_level(ctx));
    const char *const what = "CPU level (0: generic, 2: avx2, 512: avx512)";
    if (!s) s = cep_mpi_same(&local, 1, &level, &what);
    if (s) {
        cepman_context_release(block);
        MPI_Comm_free(&local.comm);
        return s;
    }
    g = block;
    *g = local;
    g->ctx = cepman_context_ref(ctx);
    *out = g;
    return CEPMAN_OK;
}

void cepman_mpi_unref(cepman_mpi *g)
{
    if (!g) return;
    cepman_context *ctx = g->ctx;
    if (!g->broken) MPI_Comm_free(&g->comm);
    cepman_context_release(g);
    cepman_context_unref(ctx);
}

int cepman_mpi_rank(const cepman_mpi *g)
{
    return g ? g->rank : -1;
}

int cepman_mpi_ranks(const cepman_mpi *g)
{
    return g ? g->ranks : 0;
}

const char *cepman_mpi_version(void)
{
    return CEPMAN_MPI_VERSION;
}

/* ---- memory and messages ------------------------------------------------------------------------------------------- */

cepman_status cep_mpi_alloc(cepman_mpi *g, void *out, size_t count, size_t size, const char *what)
{
    void *block = NULL;
    cepman_status s = cepman_context_allocate(&block, g->ctx, count, size, what);
    if (!s) memcpy(out, &block, sizeof block);
    return s;
}

cepman_status cep_mpi_own(cepman_matrix **out, cepman_mpi *g, float *block, size_t rows, size_t columns)
{
    cepman_status s =
        cepman_matrix_wrap(out, g->ctx, block, rows, columns, columns, cepman_context_release, block);
    if (s) cepman_context_release(block);
    return s;
}

static int piece(size_t bytes, size_t at)
{
    return (int)(bytes - at < PIECE ? bytes - at : PIECE);
}

cepman_status cep_mpi_exchange(cepman_mpi *g, const void *send, size_t bytes, int to, void *receive,
                               size_t expected, int from)
{
    cepman_status s = CEPMAN_OK;
    for (size_t at = 0; !s && (at < bytes || at < expected); at += PIECE) {
        const bool out = at < bytes, in = at < expected;
        s = cep_mpi_check(g,
                          MPI_Sendrecv(out ? (const char *)send + at : NULL, out ? piece(bytes, at) : 0,
                                       MPI_BYTE, out ? to : MPI_PROC_NULL, 1,
                                       in ? (char *)receive + at : NULL, in ? piece(expected, at) : 0,
                                       MPI_BYTE, in ? from : MPI_PROC_NULL, 1, g->comm, MPI_STATUS_IGNORE),
                          "exchanging");
    }
    return s;
}

cepman_status cep_mpi_send(cepman_mpi *g, const void *data, size_t bytes, int to)
{
    return cep_mpi_exchange(g, data, bytes, to, NULL, 0, MPI_PROC_NULL);
}

cepman_status cep_mpi_receive(cepman_mpi *g, void *data, size_t bytes, int from)
{
    return cep_mpi_exchange(g, NULL, 0, MPI_PROC_NULL, data, bytes, from);
}

cepman_status cep_mpi_broadcast(cepman_mpi *g, void *data, size_t bytes)
{
    cepman_status s = CEPMAN_OK;
    for (size_t at = 0; !s && at < bytes; at += PIECE)
        s = cep_mpi_check(g, MPI_Bcast((char *)data + at, piece(bytes, at), MPI_BYTE, 0, g->comm),
                          "broadcasting");
    return s;
}
