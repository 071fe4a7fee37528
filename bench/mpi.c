/* Seconds of the stages of libcepman-mpi for the model of cost in docs/mpi.md, by the clock and of the processor:
 *   mpirun -n RANKS bench_mpi FRAMES ROWS LANDMARKS
 * FRAMES frames of 128 x 128 counts, made as they are read, go to scores (features are not kept); ROWS rows of 10 columns
 * are embedded through LANDMARKS of them, clustered and saved. The rank that took most; no file is read. Processor time is
 * what a machine that is busy with other things still tells; ranks that wait for rank 0 sleep and spend none. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cepman-mpi/cepman_mpi.h>

enum { SIDE = 128, COLUMNS = 10, PATTERNS = 16 };

static cepman_context *ctx;
static cepman_mpi *group;
static uint16_t patterns[PATTERNS][SIDE * SIDE];

static void need(cepman_status s)
{
    if (!s) return;
    fprintf(stderr, "%s: %s\n", cepman_status_text(s), cepman_context_error(ctx));
    exit(1); /* a bench: mpirun ends the others */
}

static uint64_t random_bits(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- frames: a few lattices with counts that differ from frame to frame ---- */

static void draw_patterns(void)
{
    for (int p = 0; p < PATTERNS; p++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                const double u = 0.35 * (x + p), v = 0.35 * (y + 0.3 * p * x);
                const double spot = exp(4 * (cos(u) + cos(v) - 2)), far = hypot(x - 64, y - 64) / 40;
                patterns[p][y * SIDE + x] = (uint16_t)(30 + 4000 * spot * exp(-far * far));
            }
}

static int read_frames(void *user, size_t first, size_t count, void *destination)
{
    (void)user;
    uint16_t *to = destination;
    for (size_t f = first; f < first + count; f++) {
        const uint16_t *from = patterns[f * PATTERNS / 977 % PATTERNS];
        const uint64_t r = random_bits(f);
        for (size_t i = 0; i < SIDE * SIDE; i++)
            *to++ = (uint16_t)(from[i] + ((from[(i + r) % (SIDE * SIDE)] * (i + r)) >> 3) % 8);
    }
    return 0;
}

/* ---- clocks ---- */

typedef struct spent {
    double wall, cpu;
} spent;

static spent now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (spent){MPI_Wtime(), (double)t.tv_sec + 1e-9 * (double)t.tv_nsec};
}

static spent begin(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    return now();
}

/* Since then, the most of any rank. */
static spent end(spent start)
{
    const spent stop = now();
    double mine[2] = {stop.wall - start.wall, stop.cpu - start.cpu}, most[2];
    MPI_Allreduce(mine, most, 2, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return (spent){most[0], most[1]};
}

static spent less(spent a, spent b)
{
    return (spent){a.wall - b.wall, a.cpu - b.cpu};
}

/* items: of the rank that took most. */
static void say(const char *stage, spent s, size_t items, const char *what)
{
    if (cepman_mpi_rank(group)) return;
    printf("%-26s %8.3f s by the clock %8.3f s of the processor %10.2f us a %s\n", stage, s.wall, s.cpu,
           1e6 * s.cpu / (double)(items ? items : 1), what);
    fflush(stdout);
}

/* ---- stages ---- */

static void reduce(size_t frames)
{
    const cepman_frame_source source = {.struct_size = sizeof source, .read = read_frames, .concurrent = 1};
    cepman_dataset *d = NULL;
    cepman_cepstrum *c = NULL;
    cepman_options *o = NULL;
    cepman_matrix *m = NULL, *scores = NULL;
    cepman_pca *p = NULL;
    size_t first, count;
    need(cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U16, 0, frames, SIDE, SIDE));
    need(cepman_cepstrum_create(&c, ctx, d, NULL));
    need(cepman_pca_options_create(&o, ctx));
    need(cepman_options_set_integer(o, ctx, "components", COLUMNS));
    need(cepman_mpi_shard(group, frames, 0, &first, &count));
    if (cepman_mpi_rank(group) == 0)
        printf("%zu frames of %d x %d, %zu features, %d ranks\n", frames, SIDE, SIDE,
               cepman_cepstrum_features(c), cepman_mpi_ranks(group));
    uint16_t *block = malloc((size_t)64 * SIDE * SIDE * sizeof *block);
    spent start = begin();
    for (size_t i = 0; block && i < count; i += 64)
        read_frames(NULL, first + i, count - i < 64 ? count - i : 64, block);
    const spent made = end(start);
    free(block);
    start = begin();
    need(cepman_mpi_features(&m, group, c, d));
    say("features", less(end(start), made), count, "frame of a rank");
    start = begin();
    need(cepman_mpi_pca_fit(&p, group, m, o));
    say("components", end(start), count, "frame of a rank");
    start = begin();
    need(cepman_mpi_pca_apply(&scores, group, p, m));
    say("scores", end(start), count, "frame of a rank");
    cepman_matrix_unref(scores);
    cepman_matrix_unref(m);
    cepman_pca_unref(p);
    cepman_options_unref(o);
    cepman_cepstrum_unref(c);
    cepman_dataset_unref(d);
}

static cepman_matrix *make_rows(size_t rows)
{
    cepman_matrix *m = NULL;
    size_t first, count;
    need(cepman_mpi_shard(group, rows, cepman_mpi_rank(group), &first, &count));
    float *x = malloc((count * COLUMNS + 1) * sizeof *x);
    for (size_t i = 0; x && i < count; i++)
        for (size_t j = 0; j < COLUMNS; j++) {
            double sum = 0; /* near enough to normal */
            for (uint64_t k = 0; k < 4; k++)
                sum += (double)(random_bits(((first + i) * COLUMNS + j) * 4 + k) >> 11) * 0x1p-53;
            x[i * COLUMNS + j] = (float)(sum - 2 + (j == (first + i) % 8 ? 3 : 0));
        }
    need(cepman_matrix_copy(&m, ctx, x, count, COLUMNS, COLUMNS));
    free(x);
    return m;
}

static void embed(size_t rows, size_t landmarks)
{
    cepman_matrix *all = make_rows(rows), *few = make_rows(landmarks);
    cepman_options *umap = NULL, *near = NULL, *size = NULL;
    need(cepman_umap_options_create(&umap, ctx));
    need(cepman_neighbors_options_create(&near, ctx));
    need(cepman_hdbscan_options_create(&size, ctx));
    need(cepman_options_set_integer(near, ctx, "k", 14));
    need(cepman_options_set_integer(size, ctx, "min-cluster-size", (int64_t)(landmarks / 100 + 2)));
    cepman_mpi_graph *graph = NULL;
    cepman_mpi_manifold *fitted = NULL, *placed = NULL;
    cepman_labels *labels = NULL;
    size_t first, share;
    need(cepman_mpi_shard(group, rows, 0, &first, &share));
    spent start = begin();
    need(cepman_mpi_neighbors(&graph, group, few, near));
    const spent ring = end(start);
    if (cepman_mpi_rank(group) == 0)
        printf("%zu rows of %d columns, %zu landmarks, graph %s, recall %.4f\n", rows, COLUMNS, landmarks,
               cepman_mpi_graph_method(graph), cepman_mpi_graph_recall(graph));
    say("graph of the landmarks", ring, landmarks, "landmark");
    start = begin();
    need(cepman_mpi_umap(&fitted, group, few, landmarks, umap));
    const spent whole = end(start);
    say("fit beside the graph", less(whole, ring), landmarks, "landmark");
    start = begin();
    need(cepman_mpi_umap(&placed, group, all, landmarks, umap));
    say("placing", less(end(start), whole), share, "row of a rank");
    start = begin();
    need(cepman_mpi_hdbscan(&labels, NULL, group, fitted, NULL, size));
    const spent tree = end(start);
    cepman_labels_unref(labels);
    say("hdbscan of the landmarks", tree, landmarks, "landmark");
    start = begin();
    need(cepman_mpi_hdbscan(&labels, NULL, group, placed, NULL, size));
    say("labels of the rows", less(end(start), tree), share, "row of a rank");
    start = begin();
    need(cepman_mpi_save_matrix(group, cepman_mpi_manifold_embedding(placed), "bench_mpi.npy"));
    say("saving", end(start), rows, "row");
    if (cepman_mpi_rank(group) == 0) remove("bench_mpi.npy");
    cepman_labels_unref(labels);
    cepman_mpi_manifold_unref(placed);
    cepman_mpi_manifold_unref(fitted);
    cepman_mpi_graph_unref(graph);
    cepman_options_unref(size);
    cepman_options_unref(near);
    cepman_options_unref(umap);
    cepman_matrix_unref(few);
    cepman_matrix_unref(all);
}

int main(int argc, char **argv)
{
    int level;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    need(cepman_context_create(&ctx, NULL));
    need(cepman_mpi_create(&group, ctx, MPI_COMM_WORLD));
    const size_t frames = argc > 1 ? strtoull(argv[1], NULL, 10) : 2048;
    const size_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 20000;
    const size_t landmarks = argc > 3 ? strtoull(argv[3], NULL, 10) : 5000;
    draw_patterns();
    if (frames) reduce(frames);
    if (rows > landmarks && landmarks >= 16) embed(rows, landmarks);
    cepman_mpi_unref(group);
    cepman_context_unref(ctx);
    MPI_Finalize();
    return 0;
}
