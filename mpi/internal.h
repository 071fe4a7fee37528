/* What the files of libcepman-mpi share. They see the public headers of libcepman alone. */
#ifndef CEP_MPI_INTERNAL_H
#define CEP_MPI_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cepman-mpi/cepman_mpi.h>

struct cepman_mpi {
    cepman_context *ctx;
    MPI_Comm comm;
    int rank, ranks;
    bool broken; /* MPI has failed: nothing can be told to anybody any more */
};

/* ---- failures ------------------------------------------------------------------------------------------------------ */

/* The sentence, formatted, into the context; returns the status. */
cepman_status cep_mpi_fail(cepman_mpi *g, cepman_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What an MPI call returned. A failure marks the group as broken. */
cepman_status cep_mpi_check(cepman_mpi *g, int code, const char *what);
/* First line of every collective function: NULL arguments and broken groups. These are not told to others. */
cepman_status cep_mpi_enter(cepman_mpi *g, bool good);
/* Collective: cepman_mpi_agree() without a question for cancel, for what is done already. */
cepman_status cep_mpi_tell(cepman_mpi *g, cepman_status mine);
/* Collective: CEPMAN_ERR_DATA on all ranks unless values[i] is the same everywhere; names[i] is told. count: at most 8. */
cepman_status cep_mpi_same(cepman_mpi *g, size_t count, const int64_t *values, const char *const *names);

/* Collective: the same for options of a stage, NULL being the defaults that make() gives. Ranks that lay out, cluster or
 * draw landmarks by different ones would write past each other's blocks, or mix labels. */
cepman_status cep_mpi_same_options(cepman_mpi *g, const cepman_options *options,
                                   cepman_status (*make)(cepman_options **, cepman_context *),
                                   const char *what);
/* FNV-1a over kind and values. */
int64_t cep_mpi_options_number(const cepman_options *options);

/* ---- memory and messages ------------------------------------------------------------------------------------------- */

/* From the context; 0 items give a block too. Released by cepman_context_release(). */
cepman_status cep_mpi_alloc(cepman_mpi *g, void *out, size_t count, size_t size, const char *what);
/* A matrix over a block of packed rows, which it releases; also when this fails. */
cepman_status cep_mpi_own(cepman_matrix **out, cepman_mpi *g, float *block, size_t rows, size_t columns);
/* Messages of any size, in pieces. Sizes are known on both sides. */
cepman_status cep_mpi_exchange(cepman_mpi *g, const void *send, size_t bytes, int to, void *receive,
                               size_t expected, int from);
cepman_status cep_mpi_send(cepman_mpi *g, const void *data, size_t bytes, int to);
cepman_status cep_mpi_receive(cepman_mpi *g, void *data, size_t bytes, int from);
cepman_status cep_mpi_broadcast(cepman_mpi *g, void *data, size_t bytes); /* from rank 0 */

/* ---- shards -------------------------------------------------------------------------------------------------------- */

/* How `rows` rows are cut: leaf i has rows i * rows_a_leaf .. */
typedef struct cep_mpi_leaves {
    size_t rows, rows_a_leaf, count;
} cep_mpi_leaves;

cep_mpi_leaves cep_mpi_leaves_of(size_t rows);
/* Leaves of a rank: *first .. *end - 1; and its rows. */
void cep_mpi_run(const cep_mpi_leaves *l, int rank, int ranks, size_t *first, size_t *end);
void cep_mpi_rows(const cep_mpi_leaves *l, size_t leaf, size_t *first, size_t *count);
int cep_mpi_owner(const cep_mpi_leaves *l, size_t leaf, int ranks);
/* Leaves that the rank with most of them has: rounds of a loop in which all ranks agree. */
size_t cep_mpi_rounds(const cep_mpi_leaves *l, int ranks);

/* Collective: numbers of rows of all ranks, in their order: starts[r] is the first of rank r, starts[ranks] the sum. Checks
 * that the columns are the same. Released by cepman_context_release(). */
cepman_status cep_mpi_starts(size_t **starts, cepman_mpi *g, const cepman_matrix *shard);

/* Where rows come from, leaf by leaf: a shard in memory, or frames through their transform. */
typedef struct cep_mpi_source {
    const cepman_matrix *shard; /* or NULL and */
    const cepman_cepstrum *cepstrum;
    cepman_dataset *dataset;
    cep_mpi_leaves leaves;
    size_t columns, first, step; /* first: row of all that the shard begins with; step: rows in a block */
    float *block;                /* step x columns */
} cep_mpi_source;

/* Collective. Checks that all ranks mean the same rows, and takes room for a block. */
cepman_status cep_mpi_open_shard(cep_mpi_source *source, cepman_mpi *g, const cepman_matrix *shard);
cepman_status cep_mpi_open_frames(cep_mpi_source *source, cepman_mpi *g, const cepman_cepstrum *cepstrum,
                                  cepman_dataset *dataset);
void cep_mpi_close(cep_mpi_source *source);
/* Rows first .. first + count - 1 of all, in the rank's part, at most source->step of them: into source->block. */
cepman_status cep_mpi_read(const cep_mpi_source *source, cepman_mpi *g, size_t first, size_t count);

/* ---- the graph ----------------------------------------------------------------------------------------------------- */

struct cepman_mpi_graph {
    cepman_context *ctx;
    size_t *starts; /* ranks + 1 */
    size_t first, count, total, k;
    int32_t *indices;
    float *distances;
    const char *method;
    double recall;
};

/* Collective: measures graph->recall on a sample. */
cepman_status cep_mpi_measure_recall(cepman_mpi_graph *graph, cepman_mpi *g, const cepman_matrix *shard,
                                     const cepman_options *options);

struct cepman_mpi_manifold {
    cepman_context *ctx;
    cepman_matrix *embedding, *fitted;
    size_t *landmarks; /* NULL: all rows */
    size_t first;      /* number of the rank's first row */
    const char *method;
    double recall;
};

/* Collective: K-means of the rows of all ranks, from centres that all ranks have. Labels of the rank's rows. */
cepman_status cep_mpi_lloyd(cepman_labels **out, cepman_mpi *g, const cepman_mpi_manifold *manifold,
                            const cepman_matrix *centres, const cepman_options *options);

#endif
