/* The chain on a simulated scan: accuracy, the same bits for any number of threads and from run.json, cancelling. */
#define _GNU_SOURCE
#include "program.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[400], scan[400], truth[400];

static const char *in_dir(const char *name)
{
    static char paths[4][600];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", dir, name);
    return paths[turn];
}

/* One small scan for all tests; each test has a folder of its own. */
static void set_up(void)
{
    static int tests;
    char name[40];
    snprintf(name, sizeof name, "run%d", tests++);
    snprintf(dir, sizeof dir, "%s", support_path(name));
    snprintf(scan, sizeof scan, "%s", support_path("twins.npy"));
    snprintf(truth, sizeof truth, "%s", support_path("twins.truth.npy"));
    ck_assert_int_eq(mkdir(dir, 0777), 0);
    if (!support_exists(scan)) good("simulate twin-domains --scan 20x24 --seed 5 -o %s", scan);
}

static double number_after(const char *text, const char *key)
{
    const char *p = strstr(text, key);
    ck_assert_msg(p != NULL, "no %s in %s", key, text);
    return strtod(p + strlen(key), NULL);
}

static const char *const arrays[] = {"labels.npy",     "embedding.npy",     "bright_field.npy",
                                     "dark_field.npy", "mean_patterns.npy", "mean_cepstra.npy",
                                     "boundaries.npy"};
static const char *const pictures[] = {"label_map.png",  "embedding.png",     "bright_field.png",
                                       "dark_field.png", "mean_patterns.png", "mean_cepstra.png",
                                       "boundaries.png"};

static void check_same_run(const char *a, const char *b)
{
    char p[900], q[900];
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        snprintf(p, sizeof p, "%s/%s/%s", dir, a, arrays[i]);
        snprintf(q, sizeof q, "%s/%s/%s", dir, b, arrays[i]);
        ck_assert_msg(same_files(p, q), "%s differs between %s and %s", arrays[i], a, b);
    }
}

/* Points that are called walls are those of the truth: most of these, and few others. */
static void check_walls(const char *path)
{
    size_t n, m;
    char truth_path[500];
    snprintf(truth_path, sizeof truth_path, "%s", support_path("twins.boundary.npy"));
    unsigned char *found = support_read(path, &n);
    unsigned char *true_file = support_read(truth_path, &m);
    ck_assert_uint_ge(n, 480);
    ck_assert_uint_ge(m, 480 * sizeof(int32_t));
    const unsigned char *kind = found + n - 480;
    int walls = 0, right = 0, wrong = 0;
    for (size_t i = 0; i < 480; i++) {
        int32_t truly;
        memcpy(&truly, true_file + m - (480 - i) * sizeof truly, sizeof truly);
        ck_assert_int_le(kind[i], 2);
        walls += truly == 1;
        right += truly == 1 && kind[i] == 1;
        wrong += truly == 0 && kind[i] == 1;
    }
    ck_assert_msg(right * 2 > walls && wrong * 20 < 480, "%d of %d points on walls, and %d others", right,
                  walls, wrong);
    free(found);
    free(true_file);
}

START_TEST(finds_the_domains)
{
    ck_assert_int_eq(cepman("run %s -o %s", scan, in_dir("a")), 0);
    ck_assert_msg(!last.err[0], "%s", last.err);
    ck_assert_ptr_nonnull(strstr(last.out, "clusters"));
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        char path[900];
        size_t n;
        snprintf(path, sizeof path, "%s/a/%s", dir, pictures[i]);
        unsigned char *p = support_read(path, &n);
        ck_assert_msg(n > 60 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0 && memcmp(p + n - 8, "IEND", 4) == 0,
                      "%s is not a whole picture", pictures[i]);
        free(p);
    }
    good("score %s %s", in_dir("a/labels.npy"), truth);
    double accuracy = number_after(last.out, "\"accuracy\": ");
    /* One guess for all gives below 0.5, islands of the embedding alone 0.7 to 0.96 by the seed. */
    ck_assert_msg(accuracy >= 0.95, "accuracy %.3f", accuracy);
    check_walls(in_dir("a/boundaries.npy"));

    size_t n;
    char *json = (char *)support_read(in_dir("a/run.json"), &n);
    ck_assert_ptr_nonnull(strstr(json, "\"min-dist\": "));
    ck_assert_ptr_nonnull(strstr(json, "\"seconds\": {"));
    ck_assert_ptr_nonnull(strstr(json, "\"fftw\": \"fftw-3"));
    ck_assert_ptr_nonnull(strstr(json, "\"openblas\": \"OpenBLAS "));
    ck_assert_ptr_nonnull(strstr(json, "\"scan_columns\": 24,"));
    free(json);
}
END_TEST

START_TEST(same_bits_for_any_threads)
{
    ck_assert_int_eq(cepman("run %s -o %s --threads 1 --epochs 40", scan, in_dir("a")), 0);
    ck_assert_int_eq(cepman("run %s -o %s --threads 2 --epochs 40", scan, in_dir("b")), 0);
    check_same_run("a", "b");
}
END_TEST

START_TEST(config_repeats_a_run)
{
    ck_assert_int_eq(
        cepman("run %s -o %s --epochs 30 --seed 9 --preset padgett --ring 4:30 --dims 2 --offset 0.5 "
               "--method kmeans -k 3 --pca always -n 12",
               scan, in_dir("a")),
        0);
    ck_assert_int_eq(cepman("run %s -o %s --config %s", scan, in_dir("b"), in_dir("a/run.json")), 0);
    check_same_run("a", "b");
    /* The line has the last word. */
    ck_assert_int_eq(cepman("run %s -o %s --config %s --seed 10", scan, in_dir("c"), in_dir("a/run.json")),
                     0);
    ck_assert(!same_files(in_dir("a/embedding.npy"), in_dir("c/embedding.npy")));
}
END_TEST

START_TEST(config_that_is_not_one)
{
    static const struct {
        const char *text, *words;
        int status;
    } cases[] = {
        {"", "'{' expected", 1},
        {"[1]", "'{' expected", 1},
        {"{\"given\": {\"umap\": {\"dims\": 2}}", "expected", 1},
        {"{\"given\": {\"umap\": {\"dims\": 2,}}}", "expected", 1},
        {"{\"given\": {\"umap\": {\"dims\": [2]}}}", "expected", 1},
        {"{\"given\": 3}", "object", 1},
        {"{\"options\": {}}", "given", 1},
        {"{\"given\": {}} x", "the end", 1},
        {"{\"given\": {\"umap\": {\"dims\": \"\\ud800\"}}}", "expected", 1},
        {"{\"given\": {\"umap\": {\"dims\": \"two\"}}}", "dims", 2},
        {"{\"given\": {\"umap\": {\"colour\": 2}}}", "colour", 2},
        {"{\"given\": {\"paint\": {\"dims\": 2}}}", "paint", 2},
        {"{\"given\": {\"run\": {\"method\": \"magic\"}}}", "method", 2},
        {"{\"given\": {\"run\": {\"config\": \"b.json\"}}}", "'config' stands", 2},
        {"{\"given\": {\"run\": {\"help\": true}}}", "'help' stands", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        support_write(in_dir("c.json"), cases[i].text, strlen(cases[i].text));
        bad(cases[i].status, cases[i].words, "run %s -o %s --config %s", scan, in_dir("a"), in_dir("c.json"));
    }
    bad(1, "absent.json", "run %s -o %s --config %s", scan, in_dir("a"), in_dir("absent.json"));
    /* Brackets without end must not exhaust the stack. */
    char deep[20000];
    memset(deep, '[', sizeof deep);
    memcpy(deep, "{\"x\": ", 6);
    support_write(in_dir("c.json"), deep, sizeof deep);
    bad(1, "fewer levels", "run %s -o %s --config %s", scan, in_dir("a"), in_dir("c.json"));
    /* Texts with escapes are what they stand for; other members are of no account. */
    const char *odd = " {\"x\": [null, -1.5e3, {\"y\": \"\\u00e9\\ud83d\\ude00\\n\"}], \"given\": {\"umap\": "
                      "{\"d\\u0069ms\":2}}} ";
    support_write(in_dir("c.json"), odd, strlen(odd));
    bad(1, "absent.npy", "run %s -o %s --config %s", in_dir("absent.npy"), in_dir("a"), in_dir("c.json"));
    ck_assert_int_eq(count_files(dir), 1);
}
END_TEST

START_TEST(ambiguous_and_foreign_options)
{
    bad(2, "ambiguous", "run %s -o %s --alpha 1", scan, in_dir("a"));
    bad(2, "belongs to", "run %s -o %s --method kmeans --min-samples 3", scan, in_dir("a"));
    bad(2, "belongs to", "run %s -o %s -k 3", scan, in_dir("a"));
    bad(2, "belongs to", "run %s -o %s --method domains --min-samples 3", scan, in_dir("a"));
    bad(1, "needs a scan", "run %s -o %s --method domains --pca never --epochs 5", scan, in_dir("a"));
    bad(1, "cannot make the folder", "run %s -o %s/a", scan, scan);
    ck_assert_int_eq(count_files(dir), 0);
}
END_TEST

/* Six frames of one crystal: there is nothing to tell apart. */
START_TEST(one_domain_and_one_frame)
{
    make_scan(in_dir("few.npy"), 3, 1, 32);
    ck_assert_int_eq(cepman("run %s -o %s", in_dir("few.npy"), in_dir("a")), 0);
    ck_assert_ptr_nonnull(strstr(last.out, "1 cluster, 0 of 3 frames noise"));
    make_scan(in_dir("one.npy"), 1, 1, 32);
    ck_assert_int_eq(cepman("run %s -o %s", in_dir("one.npy"), in_dir("b")), 0);
    ck_assert_ptr_nonnull(strstr(last.out, "of 1 frames"));
}
END_TEST

/* The method that was taken stands in run.json: options of HDBSCAN ask for HDBSCAN, and a stack has no domains. */
START_TEST(chooses_the_method)
{
    static const struct {
        const char *options, *method;
    } cases[] = {{"--epochs 20", "domains"},
                 {"--epochs 20 --min-cluster-size 30", "hdbscan"},
                 {"--epochs 20 --scale none", "hdbscan"},
                 {"--epochs 20 --consensus never", "hdbscan"},
                 {"--epochs 20 --method hdbscan --wall 0.5", "hdbscan"},
                 {"--epochs 20 --method domains --scale none --least-jump 0.1", "domains"},
                 {"--epochs 20 --scan 1x480", "hdbscan"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[20], text[60];
        size_t n;
        snprintf(name, sizeof name, "m%zu", i);
        ck_assert_int_eq(cepman("run %s -o %s %s", scan, in_dir(name), cases[i].options), 0);
        snprintf(name, sizeof name, "m%zu/run.json", i);
        char *json = (char *)support_read(in_dir(name), &n);
        const char *clusters = strstr(json, "\"clusters\": {");
        ck_assert_ptr_nonnull(clusters);
        snprintf(text, sizeof text, "\"method\": \"%s\"", cases[i].method);
        ck_assert_msg(strstr(clusters, text) != NULL, "%s: not %s", cases[i].options, text);
        free(json);
    }
}
END_TEST

/* A run that is stopped at some moment ends with status 1 and one word, and leaves nothing. */
static bool run_says(const char *folder, const char *words)
{
    char path[900];
    size_t n;
    snprintf(path, sizeof path, "%s/%s/run.json", dir, folder);
    unsigned char *text = support_read(path, &n); /* a 0 follows the text */
    const bool there = strstr((const char *)text, words) != NULL;
    free(text);
    return there;
}

/* One crystal under noise has nothing to be parted by; the scan is too narrow for domains. */
START_TEST(frames_that_hardly_differ)
{
    good("simulate single-crystal --scan 8x45 --frame 64 --pixel 0.064 --tilt 1 --dose 2e4 --seed 4 -o %s",
         in_dir("one.npy"));
    good("run %s -o %s --report=false --epochs 20", in_dir("one.npy"), in_dir("one"));
    ck_assert_msg(strstr(last.out, "1 cluster, 0 of 360 frames noise") != NULL, "%s", last.out);
    ck_assert(run_says("one", "\"method\": \"domains\""));
    /* HDBSCAN has its way when it is asked for. */
    good("run %s -o %s --report=false --epochs 20 --method hdbscan", in_dir("one.npy"), in_dir("asked"));
    ck_assert(!run_says("asked", "\"method\": \"domains\""));
}
END_TEST

/* Tilts that jump from point to point make dots and stripes, no areas: the embedding is clustered instead, but not when domains
 * are asked for. */
START_TEST(stripes_are_no_domains)
{
    good("simulate ag-tilt --scan 49x39 --frame 64 --pixel 0.06 --crystal Cu --tilt 17 --dose 5e4 --seed 7 "
         "-o %s",
         in_dir("stripes.npy"));
    good("run %s -o %s --report=false --epochs 20", in_dir("stripes.npy"), in_dir("auto"));
    ck_assert(run_says("auto", "\"method\": \"hdbscan\""));
    good("run %s -o %s --report=false --epochs 20 --method domains", in_dir("stripes.npy"),
         in_dir("domains"));
    ck_assert(run_says("domains", "\"clusters\""));
    ck_assert(!run_says("domains", "\"method\": \"hdbscan\""));
}
END_TEST

START_TEST(stops_when_asked)
{
    for (int i = 0; i < 6; i++) {
        long process = cepman_start("run %s -o %s --epochs 20000", scan, in_dir("deep/a"));
        usleep((useconds_t)(5000 << i));
        kill((pid_t)process, i % 2 ? SIGTERM : SIGINT);
        int rc = cepman_wait(process);
        ck_assert_msg(rc == 1 || rc == 1000 + (i % 2 ? SIGTERM : SIGINT), "exit %d: %s", rc, last.err);
        if (rc == 1) ck_assert_str_eq(last.err, "cepman: cancelled\n");
        ck_assert_int_eq(count_files(dir), 0);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("run");
    TCase *c = tcase_create("run");
    tcase_set_timeout(c, 200);
    tcase_add_checked_fixture(c, set_up, NULL);
    tcase_add_test(c, finds_the_domains);
    tcase_add_test(c, same_bits_for_any_threads);
    tcase_add_test(c, config_repeats_a_run);
    tcase_add_test(c, config_that_is_not_one);
    tcase_add_test(c, ambiguous_and_foreign_options);
    tcase_add_test(c, one_domain_and_one_frame);
    tcase_add_test(c, chooses_the_method);
    tcase_add_test(c, frames_that_hardly_differ);
    tcase_add_test(c, stripes_are_no_domains);
    tcase_add_test(c, stops_when_asked);
    suite_add_tcase(s, c);
    return s;
}
