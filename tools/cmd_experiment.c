/* cepman experiment: the paper's comparison of embeddings and clusterings, on simulated scans whose truth is known.
 * Fig. 2(i) of the method's paper (silver along three zones, accuracy against the range of tilts) and two scans; every
 * combination of scene, theory, tilt, seed and method is a row of the table.
 * Must not: write a number that another run of the same command would not write. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "experiment.h"

/* What an experiment is when the command does not say otherwise. */
static const struct plan {
    const char *name, *scenes, *theories, *tilts, *methods;
    const char *rows, *columns, *epochs; /* epochs: of the auto-encoder */
} plans[] = {
    {"fig2", "ag-tilt,ag-tilt-hard", "kinematical,bloch", "1,2,5,10,15,20,25,30",
     "cepstrum,diffraction/standard/umap,data,pca3,vae/kmeans,hdbscan", "10", "30", "150"},
    {"snse", "twin-domains", "kinematical", "1,3,6",
     "log-diffraction,cepstrum/none/pca3,pca50+umap,pca50+vae/kmeans,hdbscan120 "
     "cepstrum/l2/pca3,pca10,pca20,pca50+umap,pca50+vae/kmeans,hdbscan120",
     "64", "64", "auto"},
    {"alox", "oxide-particle", "auto", "1,2,4",
     "log-diffraction,cepstrum/none/pca3,pca50+umap,pca50+vae/kmeans,hdbscan120 "
     "cepstrum/l2/pca3,pca10,pca20,pca50+umap,pca50+vae/kmeans,hdbscan120",
     "64", "64", "auto"},
};

/* Electrons a frame: at 5e5 the direct beam stays within 16 bits. */
static double dose_of(const char *scene)
{
    return strcmp(scene, "ag-tilt") == 0 ? 5e5 : strcmp(scene, "ag-tilt-hard") == 0 ? 1e5 : 2e5;
}

/* ---- what the line says ----------------------------------------------------------------------------------------------- */

enum { MOST_WORDS = 64, WORD_ROOM = 24 };

static int read_words(const char *option, const char *text, char word[MOST_WORDS][WORD_ROOM], size_t *count)
{
    *count = 0;
    for (const char *p = text;; p++) {
        size_t n = strcspn(p, ",");
        if (n == 0 || n >= WORD_ROOM || *count == MOST_WORDS)
            return tool_usage("option --%s is '%.100s', must be at most %d words between commas", option,
                              text, MOST_WORDS);
        memcpy(word[*count], p, n);
        word[(*count)++][n] = 0;
        p += n;
        if (!*p) return 0;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int read_tilts(const char *text, experiment *e)
{
    char word[MOST_WORDS][WORD_ROOM];
    int rc = read_words("tilts", text, word, &e->tilt_count);
    if (!rc && !(e->tilts = array_zero(e->tilt_count, 1, sizeof *e->tilts))) rc = 1;
    for (size_t i = 0; !rc && i < e->tilt_count; i++)
        if (!parse_real(word[i], &e->tilts[i])) rc = tool_usage("option --tilts: '%s' is no number", word[i]);
    if (!rc) qsort(e->tilts, e->tilt_count, sizeof *e->tilts, ascending);
    for (size_t i = 1; !rc && i < e->tilt_count; i++)
        if (!(e->tilts[i] > e->tilts[i - 1])) rc = tool_usage("option --tilts names %g twice", e->tilts[i]);
    return rc;
}

static int read_setups(const char *scenes, const char *theories, experiment *e)
{
    char scene[MOST_WORDS][WORD_ROOM], theory[MOST_WORDS][WORD_ROOM];
    size_t s, h;
    int rc = read_words("scenes", scenes, scene, &s);
    if (!rc) rc = read_words("theories", theories, theory, &h);
    if (!rc && !(e->setups = array_zero(s, h * sizeof *e->setups, 1))) rc = 1;
    for (size_t i = 0; !rc && i < s * h; i++) {
        setup *c = &e->setups[e->setup_count++];
        snprintf(c->scene, sizeof c->scene, "%s", scene[i / h]);
        snprintf(c->theory, sizeof c->theory, "%.*s", (int)sizeof c->theory - 1, theory[i % h]);
    }
    return rc;
}

/* What this command does where the line says nothing and the library would do something else. */
static int set_default(tool *t, const char *stage, const char *name, const char *value)
{
    return option_given(arg_stage(t, stage), name) ? 0 : args_set_stage(t, stage, name, value);
}

static int read_plan(tool *t, const struct plan *p, experiment *e)
{
    const char *tilts = arg_text(t, "tilts"), *scenes = arg_text(t, "scenes"),
               *theories = arg_text(t, "theories"), *methods = arg_text(t, "methods");
    e->name = p->name;
    e->seed_count = (size_t)arg_integer(t, "seeds");
    int rc = read_tilts(tilts ? tilts : p->tilts, e);
    if (!rc) rc = read_setups(scenes ? scenes : p->scenes, theories ? theories : p->theories, e);
    if (!rc) rc = methods_parse(methods ? methods : p->methods, &e->methods, &e->method_count);
    if (!rc)
        rc = tool_check(t, cepman_options_get_integer(arg_stage(t, "simulate"), t->ctx, "seed", &e->seed));
    if (!rc) rc = set_default(t, "simulate", "scan-rows", p->rows);
    if (!rc) rc = set_default(t, "simulate", "scan-columns", p->columns);
    if (!rc) rc = set_default(t, "cepstrum", "offset", "1");
    if (!rc) rc = set_default(t, "vae", "epochs", p->epochs);
    if (rc) return rc;
    e->results =
        array_zero(e->setup_count * e->tilt_count, e->seed_count * e->method_count, sizeof *e->results);
    return e->results ? 0 : 1;
}

/* Options of one scan; what the line says wrongly is found here, before the work. */
static int scan_options(tool *t, const experiment *e, const setup *c, double tilt, int64_t seed,
                        cepman_options **out)
{
    cepman_options *o = NULL;
    if (tool_check(t, cepman_options_copy(&o, t->ctx, arg_stage(t, "simulate")))) return 1;
    cepman_status s = cepman_options_set_text(o, t->ctx, "scene", c->scene);
    if (!s) s = cepman_options_set_text(o, t->ctx, "theory", c->theory);
    if (!s) s = cepman_options_set_real(o, t->ctx, "tilt", tilt);
    if (!s) s = cepman_options_set_integer(o, t->ctx, "seed", seed);
    if (!s && !option_given(o, "dose")) s = cepman_options_set_real(o, t->ctx, "dose", dose_of(c->scene));
    if (s) {
        cepman_options_unref(o);
        return tool_usage("%s: %s", e->name, cepman_context_error(t->ctx));
    }
    *out = o;
    return 0;
}

static int check_scans(tool *t, const experiment *e)
{
    int rc = 0;
    for (size_t c = 0; !rc && c < e->setup_count; c++)
        for (size_t k = 0; !rc && k < e->tilt_count; k++) {
            cepman_options *o = NULL;
            rc = scan_options(t, e, &e->setups[c], e->tilts[k], e->seed, &o);
            cepman_options_unref(o);
        }
    return rc;
}

/* ---- the work --------------------------------------------------------------------------------------------------------- */

/* Classes that a clustering can tell apart: the labels of the truth, and a defect where there is one. */
static int64_t classes_of(const cepman_simulation *s)
{
    const cepman_labels *truth = cepman_simulation_truth(s), *boundary = cepman_simulation_boundary(s);
    bool seen[64] = {false}, defect = false;
    int64_t count = 0;
    for (size_t i = 0; i < cepman_labels_count(truth); i++) {
        int32_t l = cepman_labels_data(truth)[i];
        defect |= cepman_labels_data(boundary)[i] == 2;
        if (l < 0 || l >= 64 || seen[l]) continue;
        seen[l] = true;
        count++;
    }
    return count + defect;
}

static int run_scan(tool *t, const experiment *e, const setup *c, double tilt, int64_t seed, result *out)
{
    cepman_options *o = NULL;
    cepman_simulation *sim = NULL;
    trial w = {.seed = seed};
    int rc = scan_options(t, e, c, tilt, seed, &o);
    if (!rc) rc = tool_check(t, cepman_simulate_scan(&sim, t->ctx, o));
    if (!rc) {
        w.frames = cepman_dataset_ref(cepman_simulation_dataset(sim));
        w.truth = cepman_labels_ref(cepman_simulation_truth(sim));
        w.classes = classes_of(sim);
        if (!w.classes)
            rc = tool_fail("%s: no point of the scan has a label: the scan is too small", c->scene);
    }
    for (size_t m = 0; !rc && m < e->method_count; m++) {
        rc = trial_run(t, &w, &e->methods[m], &out[m]);
        if (!rc) rc = tool_interrupted();
    }
    trial_free(&w);
    cepman_simulation_unref(sim);
    cepman_options_unref(o);
    return rc;
}

static int run_all(tool *t, const experiment *e)
{
    const size_t scans = e->setup_count * e->tilt_count * e->seed_count;
    int rc = 0;
    /* One bar for the whole, not one for each stage of each scan. */
    if (tool_check(t, cepman_context_set_progress(t->ctx, NULL, NULL))) return 1;
    progress_report(e->name, 0, scans);
    for (size_t i = 0; !rc && i < scans; i++) {
        size_t seed = i % e->seed_count, tilt = i / e->seed_count % e->tilt_count,
               c = i / e->seed_count / e->tilt_count;
        rc = run_scan(t, e, &e->setups[c], e->tilts[tilt], e->seed + (int64_t)seed,
                      e->results + i * e->method_count);
        if (!rc) progress_report(e->name, i + 1, scans);
    }
    return rc;
}

static const struct plan *find_plan(const char *name)
{
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        if (strcmp(plans[i].name, name) == 0) return &plans[i];
    return NULL;
}

static int run_experiment(tool *t)
{
    const struct plan *p = find_plan(t->file[0]);
    const char *folder = arg_text(t, "output"), *table = NULL, *whole = NULL, *picture = NULL;
    experiment e = {0};
    json j = {0};
    if (!p) return tool_usage("there is no experiment '%.100s': fig2, snse or alox", t->file[0]);
    int rc = read_plan(t, p, &e);
    if (!rc) rc = check_scans(t, &e);
    if (!rc && (!(table = outputs_in(t, folder, "results.csv")) ||
                !(whole = outputs_in(t, folder, "results.json")) ||
                !(picture = outputs_in(t, folder, "accuracy.svg"))))
        rc = 1;
    if (!rc) rc = run_all(t, &e);
    if (!rc) rc = experiment_csv(&e, table);
    if (!rc) {
        experiment_json(t, &e, &j);
        rc = json_save(&j, whole);
    }
    if (!rc) rc = experiment_plot(&e, picture);
    progress_end();
    if (!rc) experiment_print(&e);
    json_free(&j);
    free(e.methods);
    free(e.setups);
    free(e.tilts);
    free(e.results);
    return rc;
}

static const arg_option own[] = {
    {"output", ARG_PATH, "DIR", 0, 0, NULL, NULL, "folder for results.csv, results.json and accuracy.svg"},
    {"tilts", ARG_TEXT, "A,B,...", 0, 0, NULL, NULL,
     "largest tilts in degrees, one scan each; otherwise the experiment's (fig2: 1,2,5,10,15,20,25,30)"},
    {"seeds", ARG_INTEGER, "N", 1, 1000, NULL, "3",
     "how often everything is repeated, with the seeds --seed (42), --seed + 1, ..."},
    {"scenes", ARG_TEXT, "A,B,...", 0, 0, NULL, NULL,
     "scenes of cepman simulate; otherwise the experiment's (fig2: ag-tilt,ag-tilt-hard)"},
    {"theories", ARG_TEXT, "A,B,...", 0, 0, NULL, NULL,
     "kinematical, bloch or auto; otherwise the experiment's (fig2: kinematical,bloch)"},
    {"methods", ARG_TEXT, "LIST", 0, 0, NULL, NULL,
     "methods, as above; otherwise the experiment's (fig2: "
     "cepstrum,diffraction/standard/umap,data,pca3,vae/kmeans,hdbscan)"},
    SCAN_OPTION,
    {"ring", ARG_PAIR, "IN:OUT", 0, 0, "ring-in|ring-out", NULL,
     "the cepstrum's ring, --ring-in and --ring-out"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "output"}, {0, NULL}};

const command command_experiment = {
    .name = "experiment",
    .files = "fig2|snse|alox",
    .summary = "compares methods on simulated scans with ground truth",
    .notes = "fig2 is Fig. 2(i) of the method's paper: silver along three zones, 300 frames for each range "
             "of tilts; snse and alox are scans of 64 x 64 points of the scenes twin-domains and "
             "oxide-particle. A method is SPACE/SCALE/EMBEDDING/CLUSTERING: cepstrum, diffraction or "
             "log-diffraction (of counts + 1); none, l2 or standard; data (no embedding), umap, vae, pcaN, "
             "pcaN+umap or pcaN+vae; kmeans with as many clusters as the truth has, hdbscan with clusters "
             "of at least 50 points and 50 min-samples (options of stages hdbscan and hdbscan-tree change "
             "that), hdbscanN with clusters of at least N. Commas part words of which each is taken, blanks "
             "or semicolons part lists: 'cepstrum/none,l2/umap/kmeans cepstrum/l2/pca10/kmeans'. Doses are "
             "5e5 electrons a frame for ag-tilt, 1e5 for ag-tilt-hard, 2e5 for the others, unless --dose "
             "says otherwise. The cepstrum's offset is 1 count unless --offset says otherwise (auto: the "
             "scan's background). Accuracy is the share of points with a truth that the best one-to-one "
             "matching of clusters and classes gets right; noise and surplus clusters are errors.",
    .least = 1,
    .most = 1,
    .own = own,
    .shorts = shorts,
    .stages = {cepman_simulate_options_create, cepman_cepstrum_options_create, cepman_umap_options_create,
               cepman_vae_options_create, cepman_kmeans_options_create, cepman_hdbscan_tree_options_create,
               cepman_hdbscan_options_create},
    .hidden = {"simulate.scene", "simulate.theory", "simulate.tilt", "simulate.seed", "cepstrum.scale",
               "cepstrum.storage", "umap.seed", "vae.seed", "vae.scaling", "kmeans.k", "kmeans.seed"},
    .run = run_experiment};
