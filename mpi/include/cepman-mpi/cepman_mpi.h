/* libcepman-mpi: the pipeline of libcepman over the ranks of an MPI communicator, for scans beyond one machine.
 *
 * Each rank has a process, a cepman_context and a shard: some of the scan's frames, one after the other. Functions whose
 * comment says "collective" are called by all ranks of the group, in the same order; those of a rank's own are not.
 * Options must have the same values on all ranks (NULL: the defaults), else each gets DATA. A failure of one rank is
 * told to all: each gets the same status, and the sentence "rank 2: ..." in its own context (cepman_context_error()).
 * Nothing here ends the program, prints, or calls MPI_Init or MPI_Abort. docs/mpi.md tells what is the same bits as in
 * one process, what memory and time each stage takes, and how to run it on a cluster.
 *
 * MPI is called on the thread that calls the library alone: contexts of more than one thread need MPI_THREAD_FUNNELED. */
#ifndef CEPMAN_MPI_H
#define CEPMAN_MPI_H

#include <mpi.h>

#include <cepman/cepman.h>

#if defined(__GNUC__) && defined(CEPMAN_MPI_BUILD)
#define CEPMAN_MPI_API __attribute__((visibility("default")))
#else
#define CEPMAN_MPI_API
#endif

CEPMAN_BEGIN

/* A group of ranks: a communicator of its own and the rank's context. Used by one thread at a time. */
typedef struct cepman_mpi cepman_mpi;
/* A rank's rows of a nearest-neighbour graph over the rows of all ranks. Immutable. */
typedef struct cepman_mpi_graph cepman_mpi_graph;
/* An embedding over all ranks: a rank's rows, and the fitted points, which every rank has. Immutable. */
typedef struct cepman_mpi_manifold cepman_mpi_manifold;

/* ---- the group -------------------------------------------------------------------------------------------------- */

/* Collective over comm, which is duplicated: messages of the library never meet those of the program. The context must
 * stay as it is used here: one for each rank, its own. Contexts of different CPU levels are refused on all ranks, as
 * their bits would differ (cepman_context_set_cpu_level() sets a common one). Between create and unref MPI must be up. A
 * rank that could not make its context calls this all the same, with NULL: all ranks are told, and none waits for it.
 * Errors: ARGUMENT (also: a communicator between two groups), UNSUPPORTED (MPI is not initialised, or for
 * single-threaded programs while the context has more threads), DATA (CPU levels), MEMORY, LIMIT, CANCELLED, IO
 * (MPI failed). */
CEPMAN_MPI_API cepman_status cepman_mpi_create(cepman_mpi **out, cepman_context *context, MPI_Comm comm);
/* Collective, also after a failure: gives the communicator back. NULL is allowed. */
CEPMAN_MPI_API void cepman_mpi_unref(cepman_mpi *group);
CEPMAN_MPI_API int cepman_mpi_rank(const cepman_mpi *group);
CEPMAN_MPI_API int cepman_mpi_ranks(const cepman_mpi *group);
/* "1.0.0": of this library. Static. */
CEPMAN_MPI_API const char *cepman_mpi_version(void);

/* Collective. What the ranks' own calls came to, told to all: CEPMAN_OK when every status is, else the status of the first
 * rank that failed, and its sentence in all contexts. Call it after what a rank does by itself (opening a file) and before
 * the next collective call. A rank whose context is cancelled fails with CANCELLED. The wait sleeps and polls the context's
 * cancel callback; what the callback says is acted upon where it is asked the next time, so it must go on saying it. */
CEPMAN_MPI_API cepman_status cepman_mpi_agree(cepman_mpi *group, cepman_status status);

/* The frames of a rank: first .. first + count - 1 of `frames`. Whole leaves, the pieces that sums are cut into: of
 * 1 to 2048 frames, 16 or more of them up to 4096 (then larger ones), so that results do not depend on the number of ranks.
 * Some ranks have none when there are more ranks than leaves. Not collective. Errors: ARGUMENT, RANGE (rank). */
CEPMAN_MPI_API cepman_status cepman_mpi_shard(const cepman_mpi *group, size_t frames, int rank, size_t *first,
                                              size_t *count);

/* ---- stages, all collective --------------------------------------------------------------------------------------- */

/* Features of the rank's frames: cepman_mpi_shard() of the frames available, as cepman_cepstrum_read() gives them, the
 * same bits as in one process. Every rank opens the scan itself; frames, features and the transform's settings must be the
 * same everywhere (DATA otherwise). Errors: those of cepman_cepstrum_read() and cepman_cepstrum_options(). */
CEPMAN_MPI_API cepman_status cepman_mpi_features(cepman_matrix **out, cepman_mpi *group,
                                                 const cepman_cepstrum *cepstrum, cepman_dataset *dataset);

/* Principal components of the rows of all ranks. shard: the rank's rows, as many as cepman_mpi_shard() of the sum of all
 * gives; float32 or float16. Every rank gets the model: the same bits for any number of ranks (and the same OpenBLAS with
 * as many threads of its own), variances within 1e-6 of cepman_pca_accumulator's over the same rows. Sums of each leaf are
 * merged in a fixed binary tree; rank 0 solves. Memory: about 12 d^2 bytes for a leaf and 4 d^2 for each level of the tree.
 * Errors: as cepman_pca_accumulator_add() and _finish(), SHAPE (columns differ, or rows that are not the shard's). */
CEPMAN_MPI_API cepman_status cepman_mpi_pca_fit(cepman_pca **out, cepman_mpi *group,
                                                const cepman_matrix *shard, const cepman_options *options);
/* Scores of the rank's rows, leaf by leaf: the same bits for any number of ranks. Errors: as cepman_pca_project(). */
CEPMAN_MPI_API cepman_status cepman_mpi_pca_apply(cepman_matrix **scores, cepman_mpi *group,
                                                  const cepman_pca *pca, const cepman_matrix *shard);
/* Both for features that are not kept: the frames go through the transform twice. The same bits as features, fit and
 * apply. */
CEPMAN_MPI_API cepman_status cepman_mpi_pca_stream(cepman_pca **pca, cepman_matrix **scores,
                                                   cepman_mpi *group, const cepman_cepstrum *cepstrum,
                                                   cepman_dataset *dataset, const cepman_options *options);

/* The nearest-neighbour graph of the rows of all ranks, taken in the order of the ranks; any numbers of rows. Each rank
 * makes an index of its rows (cepman_neighbors_index_create() with the options), and the rows of all ranks pass by it in a
 * ring, each with its k best so far. options: kind "neighbors", k at most 99999. With exact methods distances are those of
 * cepman_neighbors_build(), and so are the indices, but where distances that are equal in float32 differ in float64: those
 * are ordered by the smaller index. Memory: two blocks of the largest shard's rows * (4 columns + 8 k) bytes beside the
 * result and the index. Errors: as cepman_neighbors_build(), SHAPE (columns differ). */
CEPMAN_MPI_API cepman_status cepman_mpi_neighbors(cepman_mpi_graph **out, cepman_mpi *group,
                                                  cepman_matrix *shard, const cepman_options *options);
CEPMAN_MPI_API void cepman_mpi_graph_unref(cepman_mpi_graph *graph);
CEPMAN_MPI_API size_t
cepman_mpi_graph_first(const cepman_mpi_graph *graph); /* number of the rank's first row */
CEPMAN_MPI_API size_t cepman_mpi_graph_count(const cepman_mpi_graph *graph); /* rows of the rank */
CEPMAN_MPI_API size_t cepman_mpi_graph_total(const cepman_mpi_graph *graph); /* rows of all ranks */
CEPMAN_MPI_API size_t cepman_mpi_graph_k(const cepman_mpi_graph *graph);
/* count rows of k: numbers of rows among all, nearest first, never the row itself; and distances. */
CEPMAN_MPI_API const int32_t *cepman_mpi_graph_indices(const cepman_mpi_graph *graph);
CEPMAN_MPI_API const float *cepman_mpi_graph_distances(const cepman_mpi_graph *graph);
/* "exact", or "approximate" when a rank's index is. Static. */
CEPMAN_MPI_API const char *cepman_mpi_graph_method(const cepman_mpi_graph *graph);
/* Fraction of true neighbours found, measured on 96 rows of the whole after the ring; 1 when the method is exact. */
CEPMAN_MPI_API double cepman_mpi_graph_recall(const cepman_mpi_graph *graph);
/* Collective. The whole graph at rank 0; NULL elsewhere. Memory there: rows * k * 16 bytes for a while, then half. */
CEPMAN_MPI_API cepman_status cepman_mpi_graph_gather(cepman_neighbors **out, cepman_mpi *group,
                                                     const cepman_mpi_graph *graph);

/* UMAP of the rows of all ranks. Up to `landmarks` rows (0: 200000) all of them are fitted: the graph is built over the
 * ranks and laid out at rank 0. Beyond, that is done with `landmarks` of them, one drawn by the options' seed from each of so
 * many equal stretches, and every rank places its other rows in that embedding (cepman_umap_apply()). options: kind "umap".
 * With an exact graph the embedding is the same bits for any number of ranks (but for the ties named above). Memory at rank
 * 0: that of cepman_umap_fit_graph(); on all ranks, with landmarks: landmarks * (4 columns + 24 neighbors) bytes and the index.
 * Errors: as cepman_umap_fit() and cepman_umap_apply(), RANGE (landmarks: 0, or 16 and more), SHAPE (columns differ). */
CEPMAN_MPI_API cepman_status cepman_mpi_umap(cepman_mpi_manifold **out, cepman_mpi *group,
                                             cepman_matrix *shard, size_t landmarks,
                                             const cepman_options *options);
CEPMAN_MPI_API void cepman_mpi_manifold_unref(cepman_mpi_manifold *manifold);
/* The rank's rows. Belongs to the manifold. */
CEPMAN_MPI_API cepman_matrix *cepman_mpi_manifold_embedding(const cepman_mpi_manifold *manifold);
/* The rows that were fitted, on every rank. Belongs to the manifold. */
CEPMAN_MPI_API cepman_matrix *cepman_mpi_manifold_fitted(const cepman_mpi_manifold *manifold);
/* Which ones of all rows, ascending; NULL when all were. Valid as long as the manifold. */
CEPMAN_MPI_API const size_t *cepman_mpi_manifold_landmarks(const cepman_mpi_manifold *manifold);
/* Of the graph they were fitted by: as cepman_mpi_graph_method() and _recall(). */
CEPMAN_MPI_API const char *cepman_mpi_manifold_method(const cepman_mpi_manifold *manifold);
CEPMAN_MPI_API double cepman_mpi_manifold_recall(const cepman_mpi_manifold *manifold);

/* Labels of the rank's rows; cepman_labels_clusters() of them is that of the rank, of the scan it is the largest of all ranks'.
 * The fitted rows are clustered by every rank for itself, as in one process: the same input, the same bits, no message; the
 * rank's other rows are placed among them (cepman_hdbscan_apply()). K-means with landmarks goes on from their centres over
 * the rows of all ranks (max-iterations and tol once more, tol in units of the landmarks' variance; the centre of a cluster
 * that loses all rows stays); the same bits for any number of ranks. tree, options: kinds "hdbscan-tree", "hdbscan", "kmeans".
 * probabilities: NULL, or one per row of the rank. Errors: those of the library's own functions. */
CEPMAN_MPI_API cepman_status cepman_mpi_hdbscan(cepman_labels **out, double *probabilities, cepman_mpi *group,
                                                const cepman_mpi_manifold *manifold,
                                                const cepman_options *tree, const cepman_options *options);
CEPMAN_MPI_API cepman_status cepman_mpi_kmeans(cepman_labels **out, cepman_mpi *group,
                                               const cepman_mpi_manifold *manifold,
                                               const cepman_options *options);

/* ---- results ------------------------------------------------------------------------------------------------------- */

/* Collective. Rows or labels of all ranks, in the order of the ranks, into a .npy file that rank 0 writes beside its target
 * and renames when it is whole; the other ranks' path is not read. Rank 0 holds 16 MiB of them at a time. rows, columns: as
 * in cepman_labels_save(). Errors: as cepman_matrix_save() and cepman_labels_save(), SHAPE (columns differ). */
CEPMAN_MPI_API cepman_status cepman_mpi_save_matrix(cepman_mpi *group, const cepman_matrix *shard,
                                                    const char *path);
CEPMAN_MPI_API cepman_status cepman_mpi_save_labels(cepman_mpi *group, const cepman_labels *labels,
                                                    const char *path, size_t rows, size_t columns);

CEPMAN_END

#endif
