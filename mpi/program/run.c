/* cepman-mpi run: the chain of `cepman run` over ranks, from a file to labels, embedding and run.json.
 * The defaults are those of `cepman run` (tools/defaults.c), for as many frames as are fitted.
 * Must not: keep features of more than the rank's shard, or let a rank's failure be known to that rank alone. */
#include <stdlib.h>
#include <string.h>

#include "run.h"

#include "facts.h"
#include "grouping.h"

enum { OPEN, REDUCE, EMBED, CLUSTER, SAVE, STEPS };
static const char *const step_names[STEPS] = {"open", "transform and pca", "embed", "cluster", "save"};

typedef struct chain {
    run *r;
    cepman_dataset *frames;
    cepman_cepstrum *cepstrum;
    cepman_options *cepstrum_options, *pca_options, *umap_options; /* in force */
    cepman_pca *pca;
    cepman_matrix *rows; /* of the rank: what UMAP gets */
    cepman_mpi_manifold *manifold;
    grouping groups; /* options and labels alone */
    run_defaults standard;
    size_t landmarks;
    const char *embedding, *labels_path, *json;
    long long clusters, noise;
    bool one_domain;
    double seconds[STEPS];
} chain;

static bool wants_pca(const tool *t, const chain *k)
{
    const char *when = arg_text(t, "pca");
    return strcmp(when, "always") == 0 || (strcmp(when, "auto") == 0 && k->standard.pca);
}

/* ---- what a rank does by itself ------------------------------------------------------------------------------------- */

static int set_unless_given(tool *t, cepman_options *o, const char *name, size_t value)
{
    if (option_given(o, name)) return 0;
    return tool_check(t, cepman_options_set_integer(o, t->ctx, name, (int64_t)value));
}

static int open_scan(tool *t, chain *k)
{
    int rc = grouping_check(t, arg_text(t, "method"));
    if (!rc) rc = input_dataset(t, 0, &k->frames);
    if (!rc) rc = whole_frames(t, &k->frames);
    if (!rc)
        rc = tool_check(t, cepman_cepstrum_create(&k->cepstrum, t->ctx, k->frames, arg_stage(t, "cepstrum")));
    if (!rc) rc = tool_check(t, cepman_cepstrum_options(&k->cepstrum_options, t->ctx, k->cepstrum));
    if (rc) return rc;
    const bool scan = cepman_dataset_has_scan(k->frames);
    size_t n = cepman_dataset_available(k->frames);
    k->landmarks = (size_t)arg_integer(t, "landmarks");
    if (n > k->landmarks) n = k->landmarks;
    k->standard = run_defaults_for(n, cepman_cepstrum_features(k->cepstrum),
                                   scan ? cepman_dataset_scan_rows(k->frames) : 0,
                                   scan ? cepman_dataset_scan_columns(k->frames) : 0);
    rc = tool_check(t, cepman_options_copy(&k->pca_options, t->ctx, arg_stage(t, "pca")));
    if (!rc) rc = set_unless_given(t, k->pca_options, "components", k->standard.components);
    if (!rc) rc = tool_check(t, cepman_options_copy(&k->umap_options, t->ctx, arg_stage(t, "umap")));
    if (!rc) rc = set_unless_given(t, k->umap_options, "neighbors", k->standard.neighbors);
    if (!rc && strcmp(arg_text(t, "method"), "hdbscan") == 0)
        rc = grouping_hdbscan_options(t, k->standard.min_cluster_size, k->standard.min_samples, &k->groups);
    if (rc || cepman_mpi_rank(k->r->group)) return rc;
    if (!(k->embedding = outputs_in(t, arg_text(t, "output"), "embedding.npy")) ||
        !(k->labels_path = outputs_in(t, arg_text(t, "output"), "labels.npy")) ||
        !(k->json = outputs_in(t, arg_text(t, "output"), "run.json")))
        rc = 1;
    return rc;
}

/* When HDBSCAN found nothing to split on any rank, the scan is one domain, as in `cepman run`. */
static int settle_domains(tool *t, chain *k)
{
    long long mine[2] = {(long long)cepman_labels_clusters(k->groups.labels), 0}, most = 0;
    int single = 0;
    cepman_labels *one = NULL;
    MPI_Allreduce(mine, &most, 1, MPI_LONG_LONG, MPI_MAX, MPI_COMM_WORLD);
    k->clusters = most;
    int rc = k->groups.options && strcmp(cepman_options_kind(k->groups.options), "hdbscan") == 0
                 ? tool_check(
                       t, cepman_options_get_flag(k->groups.options, t->ctx, "allow-single-cluster", &single))
                 : 0;
    const size_t n = cepman_labels_count(k->groups.labels);
    if (!rc && most == 0 && !single && k->groups.tree_options && cepman_dataset_available(k->frames)) {
        int32_t *zeros = array_zero(n ? n : 1, 1, sizeof *zeros);
        rc = zeros ? tool_check(t, cepman_labels_copy(&one, t->ctx, zeros, n)) : 1;
        free(zeros);
        if (!rc) {
            cepman_labels_unref(k->groups.labels);
            k->groups.labels = one;
            k->one_domain = true;
            k->clusters = 1;
        }
    }
    mine[1] = (long long)cepman_labels_noise(k->groups.labels);
    MPI_Allreduce(&mine[1], &k->noise, 1, MPI_LONG_LONG, MPI_SUM, MPI_COMM_WORLD);
    return rc;
}

/* ---- steps: all ranks ------------------------------------------------------------------------------------------------ */

static int step_open(tool *t, chain *k)
{
    return run_agree(k->r, open_scan(t, k));
}

static int step_reduce(tool *t, chain *k)
{
    if (wants_pca(t, k))
        return run_check(k->r, cepman_mpi_pca_stream(&k->pca, &k->rows, k->r->group, k->cepstrum, k->frames,
                                                     k->pca_options));
    return run_check(k->r, cepman_mpi_features(&k->rows, k->r->group, k->cepstrum, k->frames));
}

static int step_embed(tool *t, chain *k)
{
    (void)t;
    return run_check(k->r,
                     cepman_mpi_umap(&k->manifold, k->r->group, k->rows, k->landmarks, k->umap_options));
}

static int step_cluster(tool *t, chain *k)
{
    cepman_status s;
    if (k->groups.tree_options)
        s = cepman_mpi_hdbscan(&k->groups.labels, NULL, k->r->group, k->manifold, k->groups.tree_options,
                               k->groups.options);
    else
        s = cepman_mpi_kmeans(&k->groups.labels, k->r->group, k->manifold, arg_stage(t, "kmeans"));
    int rc = run_check(k->r, s);
    return rc ? rc : run_agree(k->r, settle_domains(t, k));
}

static int step_save(tool *t, chain *k)
{
    (void)t;
    const bool scan = cepman_dataset_has_scan(k->frames);
    int rc = run_check(
        k->r, cepman_mpi_save_matrix(k->r->group, cepman_mpi_manifold_embedding(k->manifold), k->embedding));
    if (rc) return rc;
    return run_check(k->r, cepman_mpi_save_labels(k->r->group, k->groups.labels, k->labels_path,
                                                  scan ? cepman_dataset_scan_rows(k->frames) : 0,
                                                  cepman_dataset_scan_columns(k->frames)));
}

/* ---- run.json -------------------------------------------------------------------------------------------------------- */

static void json_in_force(tool *t, json *j, const chain *k)
{
    json_open(j, "options", '{');
    json_options(j, "dataset", arg_stage(t, "dataset"), false);
    json_options(j, "cepstrum", k->cepstrum_options, false);
    if (k->pca) json_options(j, "pca", k->pca_options, false);
    json_options(j, "umap", k->umap_options, false);
    if (k->groups.tree_options) {
        json_options(j, "hdbscan-tree", k->groups.tree_options, false);
        json_options(j, "hdbscan", k->groups.options, false);
    } else {
        json_options(j, "kmeans", arg_stage(t, "kmeans"), false);
    }
    json_close(j, '}');
}

static void json_results(json *j, const chain *k)
{
    json_open(j, "results", '{');
    json_integer(j, "features", (int64_t)cepman_cepstrum_features(k->cepstrum));
    json_integer(j, "columns", (int64_t)cepman_matrix_columns(k->rows));
    json_integer(j, "fitted", (int64_t)cepman_matrix_rows(cepman_mpi_manifold_fitted(k->manifold)));
    json_flag(j, "landmarks", cepman_mpi_manifold_landmarks(k->manifold) != NULL);
    json_text(j, "neighbors_method", cepman_mpi_manifold_method(k->manifold));
    json_real(j, "neighbors_recall", cepman_mpi_manifold_recall(k->manifold));
    json_integer(j, "clusters", k->clusters);
    json_integer(j, "noise", k->noise);
    json_flag(j, "one_domain", k->one_domain);
    json_close(j, '}');
}

static int write_json(tool *t, const chain *k, int64_t peak)
{
    json j = {0};
    double total = 0;
    json_open(&j, NULL, '{');
    json_text(&j, "program", "cepman-mpi " CEPMAN_VERSION_STRING);
    json_text(&j, "library", cepman_version());
    json_open(&j, "command", '[');
    for (int i = 0; i < t->argc; i++)
        json_text(&j, NULL, t->argv[i]);
    json_close(&j, ']');
    facts_json(&j, "input", t->file[0], k->frames);
    json_in_force(t, &j, k);
    json_results(&j, k);
    json_open(&j, "seconds", '{');
    for (int i = 0; i < STEPS; i++) {
        json_real(&j, step_names[i], k->seconds[i]);
        total += k->seconds[i];
    }
    json_real(&j, "total", total);
    json_close(&j, '}');
    json_open(&j, "machine", '{');
    json_integer(&j, "ranks", cepman_mpi_ranks(k->r->group));
    json_integer(&j, "threads", cepman_context_threads(t->ctx));
    json_text(&j, "cpu", cepman_context_cpu_level(t->ctx));
    json_integer(&j, "memory_peak_bytes_of_a_rank", peak);
    json_close(&j, '}');
    json_close(&j, '}');
    int rc = json_save(&j, k->json);
    json_free(&j);
    return rc;
}

/* ---- the command ------------------------------------------------------------------------------------------------------ */

static int run_all(tool *t)
{
    static int (*const steps[STEPS])(tool *, chain *) = {step_open, step_reduce, step_embed, step_cluster,
                                                         step_save};
    chain k = {.r = (run *)t};
    double total = 0;
    int rc = 0;
    for (int i = 0; !rc && i < STEPS; i++) {
        const double start = seconds_now();
        rc = steps[i](t, &k);
        total += k.seconds[i] = seconds_now() - start;
    }
    if (!rc) {
        int64_t mine = (int64_t)cepman_context_memory_peak(t->ctx), peak = 0;
        MPI_Reduce(&mine, &peak, 1, MPI_INT64_T, MPI_MAX, 0, MPI_COMM_WORLD);
        rc = run_agree(k.r, cepman_mpi_rank(k.r->group) ? 0 : write_json(t, &k, peak));
        snprintf(t->summary, sizeof t->summary,
                 "%lld cluster%s, %lld of %zu frames noise, %d ranks, %.1f s: %s/labels.npy", k.clusters,
                 k.clusters == 1 ? "" : "s", k.noise, cepman_dataset_available(k.frames),
                 cepman_mpi_ranks(k.r->group), total, arg_text(t, "output"));
    }
    grouping_free(&k.groups);
    cepman_mpi_manifold_unref(k.manifold);
    cepman_matrix_unref(k.rows);
    cepman_pca_unref(k.pca);
    cepman_options_unref(k.umap_options);
    cepman_options_unref(k.pca_options);
    cepman_options_unref(k.cepstrum_options);
    cepman_cepstrum_unref(k.cepstrum);
    cepman_dataset_unref(k.frames);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "DIR", 0, 0, NULL, NULL, "folder for all results, written by rank 0"},
    {"method", ARG_CHOICE, NULL, 0, 0, "hdbscan|kmeans", "hdbscan", "the clusterer"},
    {"landmarks", ARG_INTEGER, "N", 16, 2147483647, NULL, "200000",
     "frames that are fitted at most; of longer scans so many are, and the others are placed among them"},
    {"pca", ARG_CHOICE, NULL, 0, 0, "auto|always|never", "auto",
     "principal components before UMAP, 10 of them without --components; auto: unless frames or features are "
     "few"},
    {"ring", ARG_PAIR, "IN:OUT", 0, 0, "ring-in|ring-out", NULL,
     "the ring that is kept, --ring-in and --ring-out"},
    SCAN_OPTION,
    VIEW_OPTIONS("none"),
    CALIBRATION_OPTIONS,
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {'n', "components"}, {'k', "k"}, {0, NULL}};

const command command_run_mpi = {
    .name = "run",
    .files = "FILE",
    .summary = "from a scan to the labels of its frames, over the ranks of MPI",
    .notes = "Start it by mpirun, srun or whatever starts MPI programs. Every "
             "rank opens FILE. Defaults are those of "
             "'cepman run --method hdbscan --consensus never --mask none', taken for the frames that are "
             "fitted. DIR gets labels.npy, embedding.npy "
             "and run.json; 'cepman map' and 'cepman images' make pictures of "
             "them. --threads counts for each rank.",
    .least = 1,
    .most = 1,
    .own = own,
    .shorts = shorts,
    .stages = {cepman_dataset_options_create, cepman_pixels_options_create, cepman_cepstrum_options_create,
               cepman_pca_options_create, cepman_umap_options_create, cepman_kmeans_options_create,
               cepman_hdbscan_tree_options_create, cepman_hdbscan_options_create},
    .run = run_all};
