/* cepman experiment: its numbers against the same chain of commands, its files against each other, what it refuses. */
#define _GNU_SOURCE
#include "program.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char dir[400];

/* Small enough for a second, large enough for clusters. */
#define SMALL "--scan 4x9 --frame 64 --seeds 2 --theories kinematical --scenes ag-tilt-hard --vae-epochs 4"

/* All of an experiment's methods, as quick as it goes. */
#define PLAN                                                                                                 \
    "--scan 12x14 --frame 32 --pixel 0.128 --seeds 2 --vae-epochs 1 --umap-epochs 20 --beams 8 "             \
    "--directions 0"

static const char *in_dir(const char *name)
{
    static char paths[16][600];
    static int turn;
    turn = (turn + 1) % 16;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", dir, name);
    return paths[turn];
}

static void set_up(void)
{
    static int tests;
    char name[40];
    snprintf(name, sizeof name, "experiment%d", tests++);
    snprintf(dir, sizeof dir, "%s", support_path(name));
    ck_assert_int_eq(mkdir(dir, 0777), 0);
}

static char *text_of(const char *path)
{
    size_t n;
    char *text = (char *)support_read(path, &n);
    text = realloc(text, n + 1);
    ck_assert_ptr_nonnull(text);
    text[n] = 0;
    return text;
}

typedef struct row {
    char scene[24], theory[16], method[80];
    double tilt, accuracy, ari, ami, noise;
    long long seed, clusters, points;
} row;

/* One line of results.csv after its head; moves the text on. */
static bool next_row(char **text, row *r)
{
    char *line = *text, *end = strchr(line, '\n');
    if (!end) return false;
    *end = 0;
    *text = end + 1;
    ck_assert_msg(sscanf(line, "%23[^,],%15[^,],%lf,%lld,%79[^,],%lf,%lf,%lf,%lf,%lld,%lld", r->scene,
                         r->theory, &r->tilt, &r->seed, r->method, &r->accuracy, &r->ari, &r->ami, &r->noise,
                         &r->clusters, &r->points) == 11,
                  "'%s'", line);
    return true;
}

static double accuracy_in(const char *csv, double tilt, long long seed, const char *method)
{
    char *text = text_of(csv), *at = strchr(text, '\n') + 1;
    double found = (double)NAN;
    for (row r; next_row(&at, &r);)
        if (r.tilt == tilt && r.seed == seed && strcmp(r.method, method) == 0) found = r.accuracy;
    free(text);
    ck_assert_msg(!isnan(found), "no %s at %g, seed %lld", method, tilt, seed);
    return found;
}

/* The accuracy that `cepman score` prints for labels. */
static double scored(const char *labels)
{
    good("score %s %s", labels, in_dir("s.truth.npy"));
    const char *at = strstr(last.out, "\"accuracy\": ");
    ck_assert_ptr_nonnull(at);
    return strtod(at + strlen("\"accuracy\": "), NULL);
}

/* Points are clustered by K-means and by HDBSCAN as the experiment does it. */
static void same_as_experiment(const char *points, const char *stem)
{
    char method[100];
    good("cluster %s --method kmeans -k 3 --seed 43 -o %s", in_dir(points), in_dir("l.npy"));
    snprintf(method, sizeof method, "%s/kmeans", stem);
    ck_assert_double_eq_tol(scored(in_dir("l.npy")), accuracy_in(in_dir("x/results.csv"), 10, 43, method),
                            1e-6);
    good("cluster %s --method hdbscan --min-cluster-size 5 --min-samples 3 -o %s", in_dir(points),
         in_dir("l.npy"));
    snprintf(method, sizeof method, "%s/hdbscan5", stem);
    ck_assert_double_eq_tol(scored(in_dir("l.npy")), accuracy_in(in_dir("x/results.csv"), 10, 43, method),
                            1e-6);
}

START_TEST(equals_the_chain_of_commands)
{
    good("experiment fig2 " SMALL " --tilts 10,2 --min-samples 3 -o %s "
         "--methods cepstrum/l2,standard/data,umap,pca2,pca2+umap,vae/kmeans,hdbscan5",
         in_dir("x"));
    /* The second seed at 10 degrees. */
    good("simulate ag-tilt-hard --scan 4x9 --frame 64 --theory kinematical --tilt 10 --dose 1e5 --seed 43 -o "
         "%s",
         in_dir("s.npy"));
    const char *const scales[] = {"l2", "standard"};
    for (int i = 0; i < 2; i++) {
        char stem[60];
        size_t n = (size_t)snprintf(stem, sizeof stem, "cepstrum/%s/", scales[i]);
        good("transform %s --offset 1 --scale %s -o %s", in_dir("s.npy"), scales[i], in_dir("f.npy"));
        snprintf(stem + n, sizeof stem - n, "data");
        same_as_experiment("f.npy", stem);
        good("embed %s --seed 43 -o %s", in_dir("f.npy"), in_dir("e.npy"));
        snprintf(stem + n, sizeof stem - n, "umap");
        same_as_experiment("e.npy", stem);
        good("pca %s -n 2 -o %s", in_dir("f.npy"), in_dir("e.npy"));
        snprintf(stem + n, sizeof stem - n, "pca2");
        same_as_experiment("e.npy", stem);
        good("embed %s --seed 43 -o %s", in_dir("e.npy"), in_dir("u.npy"));
        snprintf(stem + n, sizeof stem - n, "pca2+umap");
        same_as_experiment("u.npy", stem);
    }
}
END_TEST

START_TEST(tables_agree)
{
    good("experiment fig2 " SMALL " --tilts 3,12 -o %s --methods "
         "cepstrum,diffraction,log-diffraction/none,l2/pca2,vae/kmeans;cepstrum/none/pca2/hdbscan9 --threads "
         "3",
         in_dir("x"));
    ck_assert_ptr_nonnull(strstr(last.out, "mean over 2 tilts and 2 seeds (worst and best seed)"));
    static char printed_first[sizeof last.out];
    snprintf(printed_first, sizeof printed_first, "%s", last.out);
    char *csv = text_of(in_dir("x/results.csv")), *at = strchr(csv, '\n') + 1;
    int rows = 0;
    double sum = 0;
    for (row r; next_row(&at, &r); rows++) {
        ck_assert_str_eq(r.scene, "ag-tilt-hard");
        ck_assert(r.accuracy >= 0 && r.accuracy <= 1 && r.noise >= 0 && r.noise <= 1 && r.ari <= 1 &&
                  r.ami <= 1);
        ck_assert_int_eq(r.points, 36);
        if (strstr(r.method, "kmeans")) ck_assert_int_eq(r.clusters, 3);
        if (strcmp(r.method, "cepstrum/none/pca2/kmeans") == 0) sum += r.accuracy / 4;
    }
    free(csv);
    ck_assert_int_eq(rows, 2 * 2 * 13);
    /* The mean in the JSON and on stdout is that of the table's rows. */
    char *json = text_of(in_dir("x/results.json")), *method = strstr(json, "\"cepstrum/none/pca2/kmeans\"");
    ck_assert_ptr_nonnull(method);
    ck_assert_double_eq_tol(strtod(strstr(method, "\"accuracy\": ") + 12, NULL), sum, 1e-5);
    ck_assert_ptr_nonnull(strstr(json, "\"offset\": 1"));
    ck_assert_ptr_nonnull(strstr(json, "\"epochs\": 4"));
    free(json);
    method = strstr(printed_first, "cepstrum/none/pca2/kmeans");
    ck_assert_ptr_nonnull(method);
    ck_assert_double_eq_tol(strtod(method + strlen("cepstrum/none/pca2/kmeans"), NULL), 100 * sum, 0.051);
    /* A panel for each clustering, a line in the legend for each of 12 stems. */
    char *svg = text_of(in_dir("x/accuracy.svg"));
    ck_assert_ptr_nonnull(strstr(svg, ">ag-tilt-hard, kinematical: kmeans</text>"));
    ck_assert_ptr_nonnull(strstr(svg, ">ag-tilt-hard, kinematical: hdbscan9</text>"));
    ck_assert_ptr_nonnull(strstr(svg, ">log-diffraction/l2/vae</text>"));
    ck_assert_ptr_null(strstr(svg, "nan"));
    int panels = 0;
    for (const char *p = svg; (p = strstr(p, "<g transform")) != NULL; p++)
        panels++;
    ck_assert_int_eq(panels, 2);
    free(svg);
    /* The same files on one thread. */
    good("experiment fig2 " SMALL " --tilts 3,12 -o %s --methods "
         "cepstrum,diffraction,log-diffraction/none,l2/pca2,vae/kmeans;cepstrum/none/pca2/hdbscan9 --threads "
         "1",
         in_dir("y"));
    ck_assert(same_files(in_dir("x/results.csv"), in_dir("y/results.csv")));
    ck_assert(same_files(in_dir("x/results.json"), in_dir("y/results.json")));
    ck_assert(same_files(in_dir("x/accuracy.svg"), in_dir("y/accuracy.svg")));
}
END_TEST

/* Fewer frames than features: the network gets all principal components in the features' place, and beta their number. */
START_TEST(auto_encoder_of_few_frames)
{
    good("experiment fig2 " SMALL " --tilts 10 --vae-epochs 60 -o %s --methods cepstrum/none/vae/kmeans",
         in_dir("x"));
    good("simulate ag-tilt-hard --scan 4x9 --frame 64 --theory kinematical --tilt 10 --dose 1e5 --seed 43 -o "
         "%s",
         in_dir("s.npy"));
    good("transform %s --offset 1 --scale none -o %s", in_dir("s.npy"), in_dir("f.npy"));
    good("pca %s -n 35 -o %s", in_dir("f.npy"), in_dir("p.npy"));
    cepman_context *ctx = support_begin(1);
    cepman_matrix *f = NULL;
    assert_good(ctx, cepman_matrix_load(&f, ctx, in_dir("f.npy")));
    const double beta = 35.0 / (double)cepman_matrix_columns(f);
    cepman_matrix_unref(f);
    support_end(ctx);
    good("vae %s -n 3 --scaling global --epochs 60 --beta %.17g --seed 43 -o %s", in_dir("p.npy"), beta,
         in_dir("v.npy"));
    good("cluster %s --method kmeans -k 3 --seed 43 -o %s", in_dir("v.npy"), in_dir("l.npy"));
    ck_assert_double_eq_tol(scored(in_dir("l.npy")),
                            accuracy_in(in_dir("x/results.csv"), 10, 43, "cepstrum/none/vae/kmeans"), 1e-6);
}
END_TEST

/* The scans: a defect is a class of its own for K-means, points without a label do not count. */
START_TEST(scans)
{
    good("experiment snse --scan 12x14 --frame 64 --seeds 1 --tilts 3 -o %s --methods "
         "cepstrum/l2/pca10/kmeans",
         in_dir("x"));
    char *csv = text_of(in_dir("x/results.csv")), *at = strchr(csv, '\n') + 1;
    row r;
    ck_assert(next_row(&at, &r));
    ck_assert_str_eq(r.scene, "twin-domains");
    ck_assert_int_eq(r.clusters, 5);
    ck_assert_int_lt(r.points, 12 * 14);
    free(csv);
    good("experiment alox --scan 10x10 --frame 48 --seeds 1 --tilts 1,2 -o %s --methods "
         "log-diffraction/none/pca3/kmeans,hdbscan8 --min-samples 4",
         in_dir("y"));
    csv = text_of(in_dir("y/results.csv"));
    ck_assert_ptr_nonnull(strstr(csv, "oxide-particle,auto,2,42,"));
    free(csv);
}
END_TEST

/* The number after "NAME": in the text, which moves on behind it. */
static double json_number(char **at, const char *name)
{
    char quoted[40];
    snprintf(quoted, sizeof quoted, "\"%s\": ", name);
    char *found = strstr(*at, quoted);
    ck_assert_msg(found != NULL, "no %s", name);
    *at = found + strlen(quoted);
    return strtod(*at, NULL);
}

/* All that an experiment does when nothing but its size is said: the rows that its plan asks for, in their order, each the
 * same in CSV and JSON; means and ranges are those of the rows; the same bytes on another number of threads. */
static void whole_plan(const char *name, const char *scene, const double tilts[3])
{
    enum { SEEDS = 2, METHODS = 22 };
    static const char *const stem[] = {"log-diffraction/none/pca3",
                                       "log-diffraction/none/pca50+umap",
                                       "log-diffraction/none/pca50+vae",
                                       "cepstrum/none/pca3",
                                       "cepstrum/none/pca50+umap",
                                       "cepstrum/none/pca50+vae",
                                       "cepstrum/l2/pca3",
                                       "cepstrum/l2/pca10",
                                       "cepstrum/l2/pca20",
                                       "cepstrum/l2/pca50+umap",
                                       "cepstrum/l2/pca50+vae"};
    double sum[METHODS][SEEDS] = {{0}};
    good("experiment %s " PLAN " --threads 3 -o %s", name, in_dir("x"));
    good("experiment %s " PLAN " --threads 1 -o %s", name, in_dir("y"));
    ck_assert(same_files(in_dir("x/results.csv"), in_dir("y/results.csv")));
    ck_assert(same_files(in_dir("x/results.json"), in_dir("y/results.json")));
    ck_assert(same_files(in_dir("x/accuracy.svg"), in_dir("y/accuracy.svg")));
    char *csv = text_of(in_dir("x/results.csv")), *line = strchr(csv, '\n') + 1;
    char *json = text_of(in_dir("x/results.json")), *run = strstr(json, "\"runs\"");
    ck_assert_ptr_nonnull(run);
    int rows = 0;
    for (row r; next_row(&line, &r); rows++) {
        const int m = rows % METHODS, seed = rows / METHODS % SEEDS;
        char method[80], quoted[100];
        snprintf(method, sizeof method, "%s/%s", stem[m / 2], m % 2 ? "hdbscan120" : "kmeans");
        ck_assert_str_eq(r.method, method);
        ck_assert_str_eq(r.scene, scene);
        ck_assert_int_eq(r.seed, 42 + seed);
        ck_assert_int_lt(rows, 3 * SEEDS * METHODS);
        ck_assert(r.tilt == tilts[rows / METHODS / SEEDS]);
        sum[m][seed] += r.accuracy / 3;
        ck_assert(json_number(&run, "tilt") == r.tilt);
        ck_assert(json_number(&run, "seed") == (double)r.seed);
        snprintf(quoted, sizeof quoted, "\"method\": \"%s\"", method);
        char *named = strstr(run, quoted);
        ck_assert(named != NULL && named - run < 60);
        ck_assert_double_eq_tol(json_number(&run, "accuracy"), r.accuracy, 1e-6);
        ck_assert_double_eq_tol(json_number(&run, "ari"), r.ari, 1e-6);
        ck_assert_double_eq_tol(json_number(&run, "ami"), r.ami, 1e-6);
        ck_assert_double_eq_tol(json_number(&run, "noise"), r.noise, 1e-6);
        ck_assert(json_number(&run, "clusters") == (double)r.clusters);
        ck_assert(json_number(&run, "points") == (double)r.points);
    }
    ck_assert_int_eq(rows, 3 * SEEDS * METHODS);
    ck_assert_ptr_null(strstr(run, "\"tilt\""));
    char *mean = strstr(json, "\"means\"");
    ck_assert_ptr_nonnull(mean);
    for (int m = 0; m < METHODS; m++) {
        const double a = sum[m][0], b = sum[m][1];
        ck_assert_double_eq_tol(json_number(&mean, "accuracy"), (a + b) / 2, 2e-6);
        ck_assert_double_eq_tol(json_number(&mean, "deviation_over_seeds"), fabs(a - b) / sqrt(2), 2e-6);
        ck_assert_double_eq_tol(json_number(&mean, "least_over_seeds"), fmin(a, b), 2e-6);
        ck_assert_double_eq_tol(json_number(&mean, "most_over_seeds"), fmax(a, b), 2e-6);
    }
    free(csv);
    free(json);
}

START_TEST(whole_plan_of_snse)
{
    whole_plan("snse", "twin-domains", (const double[]){1, 3, 6});
}
END_TEST

START_TEST(whole_plan_of_alox)
{
    whole_plan("alox", "oxide-particle", (const double[]){1, 2, 4});
}
END_TEST

START_TEST(refuses)
{
    bad(2, "'fig3'", "experiment fig3 -o %s", in_dir("x"));
    bad(2, "needs -o", "experiment fig2");
    bad(2, "SPACE/SCALE", "experiment fig2 -o %s --methods cepstrum/none/umap", in_dir("x"));
    bad(2, "SPACE/SCALE", "experiment fig2 -o %s --methods cepstrum/none/umap/kmeans/x", in_dir("x"));
    bad(2, "log-diffraction", "experiment fig2 -o %s --methods image/none/umap/kmeans", in_dir("x"));
    bad(2, "'raw'", "experiment fig2 -o %s --methods cepstrum/raw/umap/kmeans", in_dir("x"));
    bad(2, "'pca'", "experiment fig2 -o %s --methods cepstrum/none/pca/kmeans", in_dir("x"));
    bad(2, "'pca0'", "experiment fig2 -o %s --methods cepstrum/none/pca0/kmeans", in_dir("x"));
    bad(2, "'pca9+data'", "experiment fig2 -o %s --methods cepstrum/none/pca9+data/kmeans", in_dir("x"));
    bad(2, "'dbscan'", "experiment fig2 -o %s --methods cepstrum/none/umap/dbscan", in_dir("x"));
    bad(2, "'hdbscan1'", "experiment fig2 -o %s --methods cepstrum/none/umap/hdbscan1", in_dir("x"));
    bad(2, "twice", "experiment fig2 -o %s --methods cepstrum/none/umap/kmeans,kmeans", in_dir("x"));
    bad(2, "no method", "experiment fig2 -o %s --methods ;", in_dir("x"));
    bad(2, "'a'", "experiment fig2 -o %s --tilts 1,a", in_dir("x"));
    bad(2, "twice", "experiment fig2 -o %s --tilts 1,2,1", in_dir("x"));
    bad(2, "between commas", "experiment fig2 -o %s --tilts 1,,2", in_dir("x"));
    bad(2, "tilt", "experiment fig2 -o %s --tilts 60", in_dir("x"));
    bad(2, "scene", "experiment fig2 -o %s --scenes gold", in_dir("x"));
    bad(2, "theory", "experiment fig2 -o %s --theories optics", in_dir("x"));
    bad(2, "--seeds", "experiment fig2 -o %s --seeds 0", in_dir("x"));
    bad(1, "/proc/", "experiment fig2 -o /proc/nowhere");
    bad(1, "no point",
        "experiment snse --scan 1x1 --tilts 3 -o %s --methods cepstrum/none/data/kmeans --probe 100",
        in_dir("x"));
    ck_assert_int_eq(count_files(dir), 0);
}
END_TEST

START_TEST(stopped_it_leaves_nothing)
{
    long process = cepman_start("experiment fig2 --seeds 100 -o %s", in_dir("x/y"));
    struct timespec pause = {0, 10000000};
    for (int i = 0; i < 6000 && access(in_dir("x/y"), F_OK) != 0; i++)
        nanosleep(&pause, NULL);
    kill((pid_t)process, SIGINT);
    ck_assert_int_eq(cepman_wait(process), 1);
    ck_assert_int_eq(count_files(dir), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("experiment");
    TCase *t = tcase_create("experiment");
    tcase_set_timeout(t, 200);
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, equals_the_chain_of_commands);
    tcase_add_test(t, tables_agree);
    tcase_add_test(t, auto_encoder_of_few_frames);
    tcase_add_test(t, scans);
    tcase_add_test(t, refuses);
    tcase_add_test(t, stopped_it_leaves_nothing);
    suite_add_tcase(s, t);
    t = tcase_create("plans");
    tcase_set_timeout(t, 600);
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, whole_plan_of_snse);
    tcase_add_test(t, whole_plan_of_alox);
    suite_add_tcase(s, t);
    return s;
}
