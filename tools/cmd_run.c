/* cepman run: the whole chain from a file to a map of domains, with all it needs to be repeated.
 * Cepstrum features -> PCA (when they are many) -> UMAP -> domains of the scan, HDBSCAN or K-means -> maps; run.json tells
 * every option. Long: the steps of the chain and what run.json tells of them are one.
 * Must not: hold a default of its own (defaults.c has them). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "atlas.h"
#include "commands.h"
#include "defaults.h"
#include "facts.h"
#include "grouping.h"
#include "pixels.h"
#include "reduce.h"
#include "report.h"
#include "results.h"
#include "virtual.h"
#include "walls.h"

enum { OPEN, TRANSFORM, PCA, EMBED, CLUSTER, IMAGES, STEPS };
static const char *const step_names[STEPS] = {"open", "transform", "pca", "embed", "cluster", "images"};

typedef struct chain {
    cepman_dataset *frames;
    cepman_cepstrum *cepstrum;
    cepman_matrix *features; /* what UMAP gets: features or their scores */
    cepman_pca *pca;
    cepman_umap *umap;
    cepman_options *cepstrum_options, *pca_options, *umap_options; /* in force */
    grouping groups;
    cepman_pixels *seen; /* in all frames */
    run_defaults standard;
    size_t feature_count;
    bool streamed;  /* features were too many to keep */
    bool with_beam; /* virtual images could be made */
    bool with_walls;
    walls walls;
    double coherence; /* of the scan, when it was asked for; else negative */
    atlas pictures;
    const char *embedding, *embedding_png, *labels, *strength, *json, *hdf5, *report;
    double seconds[STEPS];
} chain;

static int promise(tool *t, const char *name, const char **path)
{
    *path = outputs_in(t, arg_text(t, "output"), name);
    return *path ? 0 : 1;
}

static int promise_all(tool *t, chain *k)
{
    int rc = promise(t, "embedding.npy", &k->embedding);
    if (!rc) rc = promise(t, "embedding.png", &k->embedding_png);
    if (!rc) rc = promise(t, "labels.npy", &k->labels);
    if (!rc && strcmp(arg_text(t, "method"), "kmeans") != 0)
        rc = promise(t, "probabilities.npy", &k->strength);
    if (!rc) rc = promise(t, "run.json", &k->json);
    if (!rc && strcmp(arg_text(t, "hdf5"), "never") != 0) rc = promise(t, "results.h5", &k->hdf5);
    if (!rc && arg_flag(t, "report")) rc = promise(t, "report.html", &k->report);
    if (!rc) rc = atlas_promise_map(t, arg_text(t, "output"), &k->pictures);
    return rc;
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static int step_open(tool *t, chain *k)
{
    int rc = input_dataset(t, 0, &k->frames);
    return rc ? rc : whole_frames(t, &k->frames);
}

/* Whether principal components come between features and UMAP. */
static bool wants_pca(const tool *t, const chain *k)
{
    const char *when = arg_text(t, "pca");
    return strcmp(when, "always") == 0 || (strcmp(when, "auto") == 0 && k->standard.pca);
}

static int step_transform(tool *t, chain *k)
{
    int rc = tool_check(t, cepman_cepstrum_create(&k->cepstrum, t->ctx, k->frames, arg_stage(t, "cepstrum")));
    if (!rc) rc = tool_check(t, cepman_cepstrum_options(&k->cepstrum_options, t->ctx, k->cepstrum));
    if (rc) return rc;
    const bool scan = cepman_dataset_has_scan(k->frames);
    const char *scale = NULL;
    k->feature_count = cepman_cepstrum_features(k->cepstrum);
    k->standard = run_defaults_for(cepman_dataset_available(k->frames), k->feature_count,
                                   scan ? cepman_dataset_scan_rows(k->frames) : 0,
                                   scan ? cepman_dataset_scan_columns(k->frames) : 0);
    rc = tool_check(t, cepman_options_get_text(k->cepstrum_options, t->ctx, "scale", &scale));
    if (rc) return rc;
    k->streamed =
        wants_pca(t, k) && strcmp(scale, "standard") != 0 && reduce_must_stream(t, k->cepstrum, k->frames);
    if (k->streamed) return 0;
    rc = tool_check(t, cepman_cepstrum_run(&k->features, t->ctx, k->cepstrum, k->frames));
    if (rc || wants_pca(t, k) || cepman_matrix_type(k->features) == CEPMAN_TYPE_F32) return rc;
    cepman_matrix *wide = NULL; /* UMAP takes float32 */
    rc = tool_check(t, cepman_matrix_convert(&wide, t->ctx, k->features, CEPMAN_TYPE_F32));
    if (rc) return rc;
    cepman_matrix_unref(k->features);
    k->features = wide;
    return 0;
}

static int step_pca(tool *t, chain *k)
{
    if (!wants_pca(t, k)) return 0;
    cepman_matrix *scores = NULL;
    int rc = tool_check(t, cepman_options_copy(&k->pca_options, t->ctx, arg_stage(t, "pca")));
    if (!rc && !option_given(k->pca_options, "components"))
        rc = tool_check(t, cepman_options_set_integer(k->pca_options, t->ctx, "components",
                                                      (int64_t)k->standard.components));
    if (!rc && k->streamed)
        return reduce_streamed(t, k->cepstrum, k->frames, k->pca_options, &k->pca, &k->features);
    if (!rc) rc = tool_check(t, cepman_pca_fit(&k->pca, t->ctx, k->features, k->pca_options));
    if (!rc) rc = tool_check(t, cepman_pca_apply(&scores, t->ctx, k->pca, k->features));
    if (rc) return rc;
    cepman_matrix_unref(k->features); /* by far the largest array of the run */
    k->features = scores;
    return 0;
}

static int step_embed(tool *t, chain *k)
{
    int rc = tool_check(t, cepman_options_copy(&k->umap_options, t->ctx, arg_stage(t, "umap")));
    if (!rc && !option_given(k->umap_options, "neighbors"))
        rc = tool_check(t, cepman_options_set_integer(k->umap_options, t->ctx, "neighbors",
                                                      (int64_t)k->standard.neighbors));
    if (!rc) rc = tool_check(t, cepman_umap_fit(&k->umap, t->ctx, k->features, k->umap_options));
    if (!rc) rc = tool_check(t, cepman_matrix_save(cepman_umap_embedding(k->umap), t->ctx, k->embedding));
    return rc;
}

/* How strongly each point belongs to its cluster: HDBSCAN's word; all do when there is one domain, and on a scan whose
 * domains were found a point that is on a wall belongs less. Walls that the consensus took out do not. */
static double *strengths(const chain *k)
{
    const grouping *g = &k->groups;
    size_t n = cepman_labels_count(g->labels);
    const double *p = g->hdbscan && !g->one_domain ? cepman_hdbscan_probabilities(g->hdbscan) : NULL;
    const float *mixing = g->hdbscan ? NULL : k->walls.mixing;
    double *strength = array_zero(n, 1, sizeof *strength);
    for (size_t i = 0; strength && i < n; i++)
        if (cepman_labels_data(g->labels)[i] >= 0)
            strength[i] = p ? p[i] : mixing ? 1 - (double)mixing[i] : 1;
    return strength;
}

static int save_strength(tool *t, const chain *k, const char *path)
{
    size_t n = cepman_labels_count(k->groups.labels);
    double *strength = strengths(k);
    int rc = strength ? array_save(t, path, CEPMAN_TYPE_F64, 1, &n, strength) : 1;
    free(strength);
    return rc;
}

static bool wants_consensus(const tool *t, const chain *k)
{
    return k->standard.consensus && k->pca && k->groups.hdbscan && !k->groups.one_domain &&
           strcmp(arg_text(t, "consensus"), "auto") == 0;
}

static int step_cluster(tool *t, chain *k)
{
    const cepman_dataset *d = k->frames;
    bool scan = cepman_dataset_has_scan(d);
    const char *method = NULL;
    int rc = grouping_method(t, d, k->pca ? k->features : NULL, k->pca, k->cepstrum_options, &k->standard,
                             &method, &k->coherence);
    const size_t rows = scan ? cepman_dataset_scan_rows(d) : 0,
                 columns = scan ? cepman_dataset_scan_columns(d) : 0;
    if (!rc && strcmp(method, "domains") == 0) {
        rc = grouping_domains(t, k->features, k->pca, rows, columns, &k->groups);
        if (!rc && strcmp(arg_text(t, "method"), "auto") == 0 &&
            !grouping_is_areas(&k->groups, rows, columns)) {
            grouping_free(&k->groups);
            method = "hdbscan";
        }
    }
    if (!rc && strcmp(method, "one") == 0)
        rc = grouping_one(t, cepman_matrix_rows(k->features), &k->groups);
    else if (!rc && strcmp(method, "domains") != 0)
        rc = grouping_run(t, cepman_umap_embedding(k->umap), method, NULL, k->standard.min_cluster_size,
                          k->standard.min_samples, &k->groups);
    if (!rc) rc = grouping_one_domain(t, &k->groups);
    if (!rc && wants_consensus(t, k))
        rc = grouping_consensus(t, &k->groups, k->features, &k->standard, rows, columns);
    k->with_walls = !rc && scan && k->pca;
    if (k->with_walls) rc = walls_promise(t, arg_text(t, "output"), &k->walls);
    if (!rc && k->with_walls) rc = walls_write(t, d, k->groups.labels, k->features, &k->walls);
    if (!rc) rc = tool_check(t, cepman_labels_save(k->groups.labels, t->ctx, k->labels, rows, columns));
    if (!rc && k->strength) rc = save_strength(t, k, k->strength);
    if (!rc) rc = atlas_embedding(t, cepman_umap_embedding(k->umap), k->groups.labels, k->embedding_png);
    return rc;
}

/* A virtual image on its way from the pass to its files. */
typedef struct image {
    float *values; /* one a frame */
    const char *npy, *png;
} image;

static int ask_virtual(tool *t, const chain *k, cepman_maps_pass *pass, const detector *ring, image *m,
                       const char *npy, const char *png)
{
    int rc = promise(t, npy, &m->npy);
    if (!rc) rc = promise(t, png, &m->png);
    if (!rc && !(m->values = array_zero(cepman_dataset_frames(k->frames), 1, sizeof *m->values))) rc = 1;
    if (!rc)
        rc = tool_check(t, cepman_maps_pass_virtual(pass, t->ctx, m->values, NULL, ring->y, ring->x,
                                                    ring->inner, ring->outer));
    return rc;
}

/* Bright and dark field. A scan whose mean frame is flat has no direct beam and goes without. */
static int ask_bright_and_dark(tool *t, chain *k, cepman_maps_pass *pass, image m[2])
{
    detector ring;
    cepman_status s =
        cepman_maps_beam_sampled(&ring.y, &ring.x, &ring.radius, t->ctx, k->frames, DETECTOR_SAMPLE);
    if (s == CEPMAN_ERR_DATA) {
        fprintf(stderr, "cepman: no bright and dark field: %s\n", cepman_context_error(t->ctx));
        return 0;
    }
    int rc = tool_check(t, s);
    k->with_beam = !rc;
    if (!rc) detector_bright(&ring);
    if (!rc) rc = ask_virtual(t, k, pass, &ring, &m[0], "bright_field.npy", "bright_field.png");
    if (!rc) detector_dark(&ring);
    if (!rc) rc = ask_virtual(t, k, pass, &ring, &m[1], "dark_field.npy", "dark_field.png");
    return rc;
}

/* Labels, embedding and probabilities, with the frames if wanted, in one file for py4DSTEM and HyperSpy. */
static int save_hdf5(tool *t, chain *k)
{
    cepman_emd_writer *w = NULL;
    const cepman_dataset *d = k->frames;
    int rc = results_begin(t, k->hdf5, k->frames, &w);
    if (!rc) rc = results_labels(t, w, d, k->groups.labels);
    if (!rc) rc = results_matrix(t, w, d, "embedding", cepman_umap_embedding(k->umap));
    if (!rc && k->strength) {
        double *strength = strengths(k);
        rc = strength ? results_map(t, w, d, "probabilities", CEPMAN_TYPE_F64, 0, strength) : 1;
        free(strength);
    }
    if (!rc && strcmp(arg_text(t, "hdf5"), "frames") == 0)
        rc = tool_check(t, cepman_emd_writer_frames(w, t->ctx));
    if (!rc) rc = results_end(t, w);
    cepman_emd_writer_unref(w);
    return rc;
}

static int save_virtual(tool *t, const cepman_dataset *d, const image *m)
{
    const size_t shape[2] = {cepman_dataset_scan_rows(d), cepman_dataset_scan_columns(d)};
    const size_t n = cepman_dataset_frames(d);
    const bool scan = cepman_dataset_has_scan(d);
    int rc = array_save(t, m->npy, CEPMAN_TYPE_F32, scan ? 2 : 1, scan ? shape : &n, m->values);
    return rc ? rc : picture_scan(d, m->values, m->png);
}

/* The mask that --mask auto made, where there is anything to mask. */
static int save_pixels(tool *t)
{
    const char *path = NULL;
    if (!t->pixels || pixels_bad(t->pixels) == 0) return 0;
    int rc = promise(t, "bad_pixels.npy", &path);
    return rc ? rc : pixels_save(t, t->pixels, path);
}

static void tell_values(const cepman_pixels *p)
{
    char text[200];
    values_sentence(p, text, sizeof text);
    if (text[0])
        fprintf(stderr, "cepman: values that are no counts, in %zu frames: %s\n", cepman_pixels_frames(p),
                text);
}

/* All images of the run from one reading of the scan, after the sample for the beam. */
static int step_images(tool *t, chain *k)
{
    image m[2] = {{0}, {0}};
    cepman_maps_pass *pass = NULL;
    int rc = atlas_promise_means(t, arg_text(t, "output"), k->groups.labels, &k->pictures);
    if (!rc) rc = tool_check(t, cepman_maps_pass_create(&pass, t->ctx, k->frames));
    if (!rc) rc = ask_bright_and_dark(t, k, pass, m);
    if (!rc)
        rc = tool_check(t, cepman_maps_pass_pixels(pass, t->ctx, &k->seen, NULL, arg_stage(t, "pixels")));
    if (!rc) rc = atlas_ask(t, &k->pictures, pass, k->frames, k->cepstrum, k->groups.labels);
    if (!rc) rc = tool_check(t, cepman_maps_pass_run(pass, t->ctx));
    for (int i = 0; !rc && k->with_beam && i < 2; i++)
        rc = save_virtual(t, k->frames, &m[i]);
    if (!rc) rc = atlas_write(t, &k->pictures, k->frames, k->groups.labels);
    if (!rc) rc = save_pixels(t);
    if (!rc) tell_values(k->seen);
    if (!rc && k->hdf5) rc = save_hdf5(t, k);
    cepman_maps_pass_unref(pass);
    free(m[0].values);
    free(m[1].values);
    return rc;
}

/* ---- run.json --------------------------------------------------------------------------------------------------- */

/* What the user gave, in the form --config takes. */
static void json_given(tool *t, json *j)
{
    json_open(j, "given", '{');
    json_open(j, t->command->name, '{');
    for (size_t i = 0; t->command->own[i].name; i++) {
        const char *name = t->command->own[i].name;
        if (t->own[i] && strcmp(name, "output") != 0 && strcmp(name, "config") != 0)
            json_text(j, name, t->own[i]);
    }
    if (arg_given(t, "cpu")) json_text(j, "cpu", arg_text(t, "cpu"));
    json_close(j, '}');
    for (size_t i = 0; i < t->stages; i++)
        json_options(j, cepman_options_kind(t->stage[i]), t->stage[i], true);
    json_close(j, '}');
}

/* Every option in force: given, default, or chosen by the pipeline. */
static void json_in_force(tool *t, json *j, const chain *k)
{
    json_open(j, "options", '{');
    json_options(j, "dataset", arg_stage(t, "dataset"), false);
    if (t->pixels) json_options(j, "pixels", arg_stage(t, "pixels"), false);
    json_options(j, "cepstrum", k->cepstrum_options, false);
    if (k->pca) json_options(j, "pca", k->pca_options, false);
    json_options(j, "umap", k->umap_options, false);
    if (k->with_walls) json_options(j, "domains", arg_stage(t, "domains"), false);
    if (k->groups.tree_options) json_options(j, "hdbscan-tree", k->groups.tree_options, false);
    if (k->groups.options) json_options(j, cepman_options_kind(k->groups.options), k->groups.options, false);
    if (k->groups.merged) json_options(j, "consensus", arg_stage(t, "consensus"), false);
    json_close(j, '}');
}

static void json_results(tool *t, json *j, const chain *k)
{
    const cepman_neighbors *graph = cepman_umap_neighbors(k->umap);
    double a, b, sum = 0;
    cepman_umap_curve(k->umap, &a, &b);
    json_open(j, "results", '{');
    json_integer(j, "features", (int64_t)k->feature_count);
    json_flag(j, "features_streamed", k->streamed);
    json_flag(j, "virtual_images", k->with_beam);
    json_text(j, "mask", arg_text(t, "mask"));
    if (t->pixels) pixels_json(j, "bad_pixels", t->pixels);
    values_json(j, "values", k->seen);
    json_real(j, "angstrom_per_cepstrum_pixel", cepman_cepstrum_pixel(k->cepstrum));
    if (k->pca) {
        size_t n = cepman_pca_components(k->pca);
        for (size_t i = 0; i < n; i++)
            sum += cepman_pca_variance(k->pca)[i];
        json_open(j, "pca", '{');
        json_integer(j, "components", (int64_t)n);
        json_real(j, "explained_fraction", sum / cepman_pca_total_variance(k->pca));
        json_close(j, '}');
    }
    json_open(j, "umap", '{');
    json_integer(j, "neighbors_without_self", (int64_t)cepman_neighbors_k(graph));
    json_text(j, "neighbors_method", cepman_neighbors_method(graph));
    json_real(j, "neighbors_recall", cepman_neighbors_recall(graph));
    json_integer(j, "epochs", (int64_t)cepman_umap_epochs(k->umap));
    json_real(j, "a", a);
    json_real(j, "b", b);
    json_close(j, '}');
    grouping_json(j, "clusters", &k->groups);
    if (k->coherence >= 0) json_real(j, "scan_coherence", k->coherence);
    if (k->with_walls) json_integer(j, "boundary_points", (int64_t)k->walls.points);
    report_neighbours_json(j, "neighbours", k->frames, k->groups.labels, cepman_umap_embedding(k->umap));
    json_flag(j, "differences_of_pairs", k->pictures.with_differences);
    json_close(j, '}');
}

static int write_json(tool *t, const chain *k)
{
    json j = {0};
    double total = 0;
    json_open(&j, NULL, '{');
    json_text(&j, "program", "cepman " CEPMAN_VERSION_STRING);
    json_text(&j, "library", cepman_version());
    json_text(&j, "fftw", cepman_fftw_version());
    json_text(&j, "openblas", cepman_openblas_version());
    json_open(&j, "command", '[');
    for (int i = 0; i < t->argc; i++)
        json_text(&j, NULL, t->argv[i]);
    json_close(&j, ']');
    facts_json(&j, "input", t->file[0], k->frames);
    json_given(t, &j);
    json_in_force(t, &j, k);
    json_results(t, &j, k);
    json_open(&j, "seconds", '{');
    for (int i = 0; i < STEPS; i++) {
        json_real(&j, step_names[i], k->seconds[i]);
        total += k->seconds[i];
    }
    json_real(&j, "total", total);
    json_close(&j, '}');
    json_open(&j, "machine", '{');
    json_integer(&j, "threads", cepman_context_threads(t->ctx));
    json_text(&j, "cpu", cepman_context_cpu_level(t->ctx));
    json_integer(&j, "memory_peak_bytes", (int64_t)cepman_context_memory_peak(t->ctx));
    json_close(&j, '}');
    json_close(&j, '}');
    int rc = json_save(&j, k->json);
    json_free(&j);
    return rc;
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static void chain_free(chain *k)
{
    grouping_free(&k->groups);
    free(k->walls.mixing);
    atlas_free(&k->pictures);
    cepman_options_unref(k->cepstrum_options);
    cepman_options_unref(k->pca_options);
    cepman_options_unref(k->umap_options);
    cepman_pixels_unref(k->seen);
    cepman_umap_unref(k->umap);
    cepman_pca_unref(k->pca);
    cepman_matrix_unref(k->features);
    cepman_cepstrum_unref(k->cepstrum);
    cepman_dataset_unref(k->frames);
}

static int run_run(tool *t)
{
    static int (*const steps[STEPS])(tool *, chain *) = {step_open,  step_transform, step_pca,
                                                         step_embed, step_cluster,   step_images};
    chain k = {0};
    double total = 0;
    int rc = grouping_check(t, arg_text(t, "method"));
    for (int i = 0; !rc && i < STEPS; i++) {
        double start = seconds_now();
        rc = steps[i](t, &k);
        if (!rc && i == OPEN) rc = promise_all(t, &k);
        k.seconds[i] = seconds_now() - start;
        total += k.seconds[i];
    }
    if (!rc) rc = write_json(t, &k);
    if (!rc && k.report)
        rc = report_write(t, arg_text(t, "output"), k.report, k.frames, k.groups.labels,
                          k.groups.merged ? cepman_hdbscan_labels(k.groups.hdbscan) : NULL,
                          cepman_umap_embedding(k.umap));
    if (!rc) {
        size_t clusters = cepman_labels_clusters(k.groups.labels);
        snprintf(t->summary, sizeof t->summary,
                 "%zu cluster%s, %zu of %zu frames noise, %.1f s: %s/label_map.png", clusters,
                 clusters == 1 ? "" : "s", cepman_labels_noise(k.groups.labels),
                 cepman_labels_count(k.groups.labels), total, arg_text(t, "output"));
    }
    chain_free(&k);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "DIR", 0, 0, NULL, NULL, "folder for all results"},
    {"config", ARG_PATH, "RUN.json", 0, 0, NULL, NULL,
     "takes the options of an earlier run (its object \"given\"); the command line has the last word"},
    {"method", ARG_CHOICE, NULL, 0, 0, "auto|domains|hdbscan|kmeans", "auto",
     "domains: pieces of the scan, joined where it shows no wall; hdbscan, kmeans: of the embedding; auto: "
     "domains on scans of 12 x 12 points or more whose neighbours are alike, one domain elsewhere when "
     "frames "
     "differ by less than domains do, else, and when it is given options, hdbscan"},
    {"pca", ARG_CHOICE, NULL, 0, 0, "auto|always|never", "auto",
     "principal components before UMAP, 10 of them without --components; auto: unless frames or features are "
     "few"},
    {"consensus", ARG_CHOICE, NULL, 0, 0, "auto|never", "auto",
     "joins clusters that a clustering of the first components holds together and no wall on the scan parts; "
     "auto: "
     "with HDBSCAN on scans of 4000 frames or more, 12 x 12 at least, after principal components"},
    {"hdf5", ARG_CHOICE, NULL, 0, 0, "never|results|frames", "never",
     "DIR/results.h5 for py4DSTEM and HyperSpy: labels, embedding and probabilities; with frames: the scan "
     "too"},
    {"ring", ARG_PAIR, "IN:OUT", 0, 0, "ring-in|ring-out", NULL,
     "the ring that is kept, --ring-in and --ring-out"},
    {"report", ARG_FLAG, NULL, 0, 0, NULL, "true",
     "report.html, a page for a browser that holds all results and needs no network; --report=false leaves "
     "it out"},
    SCAN_OPTION,
    VIEW_OPTIONS("auto"),
    CALIBRATION_OPTIONS,
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {'n', "components"}, {'k', "k"}, {0, NULL}};

const command command_run = {
    .name = "run",
    .files = "FILE",
    .summary = "does everything: from a scan to maps of its domains",
    .notes =
        "An option that two stages share takes its stage's name before it (--cepstrum-alpha, "
        "--hdbscan-tree-alpha). When they are not given, --neighbors is the square root of the number of "
        "frames (15 to 100), and with HDBSCAN --min-cluster-size 3 % of the frames with the consensus, 5 % "
        "(10 at "
        "least) in smaller scans, 50 or 3 % in stacks, never more than a sixth, and --min-samples 10 or "
        "less; when "
        "there is nothing to split, the scan is one domain. DIR gets labels, embedding, bright_field, "
        "dark_field, boundaries (0 within domains, 1 on walls, 2 in none), mean_patterns, mean_cepstra and "
        "differences as .npy and .png, label_map.png, "
        "run.json with every option, result and timing, and report.html to look at.",
    .least = 1,
    .most = 1,
    .own = own,
    .shorts = shorts,
    .stages = {cepman_dataset_options_create, cepman_pixels_options_create, cepman_cepstrum_options_create,
               cepman_pca_options_create, cepman_umap_options_create, cepman_kmeans_options_create,
               cepman_hdbscan_tree_options_create, cepman_hdbscan_options_create,
               cepman_consensus_options_create, cepman_domains_options_create},
    .run = run_run};
