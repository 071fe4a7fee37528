/* Runs under a small --memory: features that are never kept, images in small batches, the same bits for any limit. */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 3600 frames of 32 x 32 pixels: 7.4 MB, features 4 MB. */
enum { ROWS = 60, COLUMNS = 60, SIDE = 32 };
static const char *const words = "--ring 3:14 --pca always -n 6 --neighbors 5 --epochs 12 --init pca "
                                 "--method kmeans -k 2 --consensus never";

static char scan[400];

static void set_up(void)
{
    snprintf(scan, sizeof scan, "%s", support_path("halves.npy"));
    if (!support_exists(scan)) make_scan(scan, ROWS, COLUMNS, SIDE);
}

static char *json_of(const char *folder)
{
    char path[600];
    size_t n;
    snprintf(path, sizeof path, "%s/run.json", folder);
    return (char *)support_read(path, &n);
}

static double number_after(const char *text, const char *key)
{
    const char *p = strstr(text, key);
    ck_assert_msg(p != NULL, "no %s in %s", key, text);
    return strtod(p + strlen(key), NULL);
}

/* Runs under a limit of so many KiB (0: none) and asserts how. The folder's name is kept in `folder`. */
static void run(char *folder, const char *name, unsigned kib, unsigned threads, bool streamed)
{
    char limit[40] = "";
    snprintf(folder, 400, "%s", support_path(name));
    if (kib) snprintf(limit, sizeof limit, "--memory %uK", kib);
    int rc = cepman("run %s -o %s %s --threads %u %s", scan, folder, words, threads, limit);
    ck_assert_msg(rc == 0 && !last.err[0], "exit %d: %s", rc, last.err);
    char *json = json_of(folder);
    ck_assert_msg((strstr(json, "\"features_streamed\": true") != NULL) == streamed, "%s: %s", name, json);
    if (kib) ck_assert_double_le(number_after(json, "\"memory_peak_bytes\": "), 1024.0 * kib);
    free(json);
}

static void check_same(const char *a, const char *b, const char *const *files)
{
    for (; *files; files++) {
        char p[600], q[600];
        snprintf(p, sizeof p, "%s/%s", a, *files);
        snprintf(q, sizeof q, "%s/%s", b, *files);
        ck_assert_msg(same_files(p, q), "%s differs between %s and %s", *files, a, b);
    }
}

/* The halves of the scan are found, whether features are kept or not. */
static void check_halves(const char *folder)
{
    char path[600], truth[600];
    size_t n;
    snprintf(path, sizeof path, "%s/labels.npy", folder);
    unsigned char *file = support_read(path, &n);
    const size_t data = n - ROWS * COLUMNS * sizeof(int32_t);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        const int32_t half = i % COLUMNS >= COLUMNS / 2;
        memcpy(file + data + i * sizeof half, &half, sizeof half);
    }
    snprintf(truth, sizeof truth, "%s", support_path("halves.truth.npy"));
    support_write(truth, file, n);
    free(file);
    good("score %s %s", path, truth);
    ck_assert_double_ge(number_after(last.out, "\"accuracy\": "), 0.98);
}

START_TEST(features_beyond_memory)
{
    static const char *const arrays[] = {"labels.npy",
                                         "embedding.npy",
                                         "bright_field.npy",
                                         "dark_field.npy",
                                         "mean_patterns.npy",
                                         "mean_cepstra.npy",
                                         NULL};
    static const char *const images[] = {"bright_field.npy", "dark_field.npy", NULL};
    char whole[400], small[400], smaller[400];
    run(whole, "whole", 0, 2, false);
    run(small, "small", 12 << 10, 1, true);
    run(smaller, "smaller", 10 << 10, 2, true);
    check_same(small, smaller, arrays);
    check_same(whole, small, images);
    check_halves(whole);
    check_halves(small);
}
END_TEST

/* Where not even the sums have room the run says so, and leaves nothing. */
START_TEST(too_small_a_limit)
{
    bad(1, "the memory limit is", "run %s -o %s %s --memory 3M", scan, support_path("none"), words);
    ck_assert(!support_exists(support_path("none/run.json")));
}
END_TEST

/* Images need frames in memory a few at a time, however small the limit. */
START_TEST(images_in_little_memory)
{
    char large[400], little[400];
    snprintf(large, sizeof large, "%s", support_path("large.npy"));
    snprintf(little, sizeof little, "%s", support_path("little.npy"));
    static const char *const whats[] = {"mean", "std", "max", "bf", "mean-cepstrum"};
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++) {
        good("images %s --what %s -o %s --threads 2", scan, whats[i], large);
        good("images %s --what %s -o %s --threads 2 --memory 600K", scan, whats[i], little);
        ck_assert_msg(same_files(large, little), "%s differs", whats[i]);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("reduce");
    TCase *t = tcase_create("reduce");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, features_beyond_memory);
    tcase_add_test(t, too_small_a_limit);
    tcase_add_test(t, images_in_little_memory);
    suite_add_tcase(s, t);
    return s;
}
