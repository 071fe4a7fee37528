/* Every command on small inputs: what it writes, what it refuses, and that a refusal leaves nothing behind. Long because
 * there are many commands. */
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cepman/dataset.h>

static char dir[400], scan[400], points[400], truth[400], text[400], absent[400];

/* A file name in the test's folder; text of four turns. */
static const char *in_dir(const char *name)
{
    static char paths[4][600];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", dir, name);
    return paths[turn];
}

static void set_up(void)
{
    static int tests; /* without forks each test still has a folder of its own */
    char name[40];
    snprintf(name, sizeof name, "work%d", tests++);
    snprintf(dir, sizeof dir, "%s", support_path(name));
    snprintf(scan, sizeof scan, "%s", support_path("scan.npy"));
    snprintf(points, sizeof points, "%s", support_path("points.npy"));
    snprintf(truth, sizeof truth, "%s", support_path("truth.npy"));
    snprintf(text, sizeof text, "%s", support_path("text.npy"));
    snprintf(absent, sizeof absent, "%s", support_path("absent.npy"));
    ck_assert_int_eq(mkdir(dir, 0777), 0);
    make_scan(scan, 4, 6, 32);
    make_blobs(points, truth, 120, 5, 3);
    support_write(text, "this is not an array\n", 21);
}

static void nothing_left(void)
{
    ck_assert_int_eq(count_files(dir), 0);
}

/* What every command does with a bad input or a bad place for its output. `middle` goes between the input and -o. */
static void refuses_bad_files(const char *command, const char *good_input, const char *middle,
                              const char *output)
{
    bad(1, "absent.npy", "%s %s %s -o %s", command, absent, middle, in_dir(output));
    bad(1, "text.npy", "%s %s %s -o %s", command, text, middle, in_dir(output));
    bad(1, "text.npy/", "%s %s %s -o %s/%s", command, good_input, middle, text, output);
    bad(1, "/proc/", "%s %s %s -o /proc/nowhere/%s", command, good_input, middle, output);
    bad(2, "needs -o", "%s %s %s", command, good_input, middle);
    nothing_left();
}

static cepman_matrix *load(cepman_context *ctx, const char *path, size_t rows, size_t columns)
{
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_load(&m, ctx, path));
    ck_assert_uint_eq(cepman_matrix_rows(m), rows);
    ck_assert_uint_eq(cepman_matrix_columns(m), columns);
    return m;
}

static void check_shape(const char *path, size_t rows, size_t columns)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix_unref(load(ctx, path, rows, columns));
    support_end(ctx);
}

static bool is_png(const char *path)
{
    size_t n;
    unsigned char *p = support_read(path, &n);
    bool yes = n > 60 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0 && memcmp(p + n - 8, "IEND", 4) == 0;
    free(p);
    return yes;
}

START_TEST(info)
{
    good("info %s", scan);
    ck_assert_ptr_nonnull(strstr(last.out, "4 x 6"));
    ck_assert_ptr_nonnull(strstr(last.out, "32 x 32"));
    good("info %s --json", scan);
    ck_assert_ptr_nonnull(strstr(last.out, "\"scan_rows\": 4,"));
    ck_assert_ptr_nonnull(strstr(last.out, "\"scan_step_nm\": null"));
    good("info %s --scan=2x12 --json", scan);
    ck_assert_ptr_nonnull(strstr(last.out, "\"scan_columns\": 12,"));
    bad(2, "ROWSxCOLUMNS", "info %s --scan=2", scan);
    bad(2, "scan-rows", "info %s --scan=-2x2", scan);
    bad(1, "text.npy", "info %s", text);
    bad(1, "absent.npy", "info %s", absent);
}
END_TEST

START_TEST(convert)
{
    good("convert %s -o %s", scan, in_dir("deep/down/copy.npy"));
    ck_assert(same_files(scan, in_dir("deep/down/copy.npy")));
    good("convert --scan=24x1 --output=%s -- %s", in_dir("other.npy"), scan);
    ck_assert(!same_files(scan, in_dir("other.npy")));
    check_shape(in_dir("other.npy"), (size_t)24 * 32, 32);
    ck_assert_int_eq(count_files(dir), 4);
}
END_TEST

START_TEST(convert_refuses)
{
    refuses_bad_files("convert", scan, "", "a.npy");
    bad(2, ".npy", "convert %s -o %s", scan, in_dir("a.txt"));
    nothing_left();
    ck_assert_int_eq(mkdir(in_dir("folder.npy"), 0777), 0);
    bad(1, "is a folder", "convert %s -o %s", scan, in_dir("folder.npy"));
    ck_assert_int_eq(count_files(dir), 1);
    /* What was there stays as it was. */
    support_write(in_dir("kept.npy"), "old", 3);
    bad(1, "text.npy", "convert %s -o %s", text, in_dir("kept.npy"));
    size_t n;
    unsigned char *p = support_read(in_dir("kept.npy"), &n);
    ck_assert_uint_eq(n, 3);
    free(p);
    /* A limit that is too small is a sentence too. */
    bad(2, "--memory", "convert %s -o %s --memory lots", scan, in_dir("a.npy"));
    bad(1, "memory", "convert %s -o %s --memory 1K", scan, in_dir("a.npy"));
    ck_assert_int_eq(count_files(dir), 2);
}
END_TEST

START_TEST(transform)
{
    good("transform %s --ring 3:9 --scale none -o %s --threads 2", scan, in_dir("f.npy"));
    size_t ring = 0; /* quefrencies of one half plane */
    for (int y = -16; y < 16; y++)
        for (int x = -16; x < 16; x++)
            ring += (x > 0 || (x == 0 && y >= 0)) && y * y + x * x >= 9 && y * y + x * x <= 81;
    check_shape(in_dir("f.npy"), 24, ring);
    good("transform %s --ring-in=3 --ring-out=9 --scale=none -o %s --threads 1", scan, in_dir("g.npy"));
    ck_assert(same_files(in_dir("f.npy"), in_dir("g.npy")));
    good("transform %s --ring 3:9 --scale none --cpu generic --power=true -o %s", scan, in_dir("g.npy"));
    ck_assert(!same_files(in_dir("f.npy"), in_dir("g.npy")));
}
END_TEST

START_TEST(transform_refuses)
{
    refuses_bad_files("transform", scan, "--ring 3:9", "a.npy");
    bad(2, "IN:OUT", "transform %s --ring 3 -o %s", scan, in_dir("a.npy"));
    bad(2, "ring-out", "transform %s --ring 3:x -o %s", scan, in_dir("a.npy"));
    bad(2, "preset", "transform %s --preset none -o %s", scan, in_dir("a.npy"));
    bad(2, "true or false", "transform %s --power=2 -o %s", scan, in_dir("a.npy"));
    bad(1, "ring", "transform %s --ring 3.1:3.1 -o %s", scan, in_dir("a.npy"));
    nothing_left();
}
END_TEST

START_TEST(pca)
{
    cepman_context *ctx = support_begin(1);
    good("pca %s -n 2 -o %s --details %s", points, in_dir("s.npy"), in_dir("details"));
    cepman_matrix_unref(load(ctx, in_dir("s.npy"), 120, 2));
    cepman_matrix_unref(load(ctx, in_dir("details/mean.npy"), 5, 1));
    cepman_matrix_unref(load(ctx, in_dir("details/components.npy"), 2, 5));
    cepman_matrix *variance = load(ctx, in_dir("details/explained_variance.npy"), 2, 1);
    ck_assert(*cepman_matrix_row(variance, 0) >= *cepman_matrix_row(variance, 1));
    cepman_matrix_unref(variance);
    good("pca %s -n2 -o %s --threads=1", points, in_dir("t.npy"));
    ck_assert(same_files(in_dir("s.npy"), in_dir("t.npy")));
    support_end(ctx);
}
END_TEST

START_TEST(vae)
{
    cepman_context *ctx = support_begin(1);
    const char *small = "--hidden-1 8 --hidden-2 0 --epochs 4";
    good("vae %s -n 2 -o %s --loss %s --decoded %s %s", points, in_dir("l.npy"), in_dir("loss.npy"),
         in_dir("decoded.npy"), small);
    cepman_matrix_unref(load(ctx, in_dir("l.npy"), 120, 2));
    cepman_matrix_unref(load(ctx, in_dir("loss.npy"), 4, 2));
    cepman_matrix_unref(load(ctx, in_dir("decoded.npy"), 120, 5));
    good("vae %s --dims 2 -o %s %s --threads=1", points, in_dir("t.npy"), small);
    ck_assert(same_files(in_dir("l.npy"), in_dir("t.npy")));
    good("vae %s -n 2 -o %s %s --seed 1", points, in_dir("t.npy"), small);
    ck_assert(!same_files(in_dir("l.npy"), in_dir("t.npy")));
    support_end(ctx);
}
END_TEST

START_TEST(vae_refuses)
{
    refuses_bad_files("vae", points, "-n 2", "a.npy");
    bad(2, "dims", "vae %s -n none -o %s", points, in_dir("a.npy"));
    bad(2, "scaling", "vae %s --scaling some -o %s", points, in_dir("a.npy"));
    bad(1, "two outputs", "vae %s -o %s --loss %s", points, in_dir("a.npy"), in_dir("a.npy"));
    nothing_left();
}
END_TEST

START_TEST(pca_refuses)
{
    refuses_bad_files("pca", points, "-n 2", "a.npy");
    bad(2, "components", "pca %s -n none -o %s", points, in_dir("a.npy"));
    bad(1, "two outputs", "pca %s -n 2 -o %s --details %s", points, in_dir("mean.npy"), dir);
    nothing_left();
}
END_TEST

START_TEST(knn)
{
    cepman_context *ctx = support_begin(1);
    good("knn %s -k 4 -o %s --distances %s --threads=2", points, in_dir("i.npy"), in_dir("d.npy"));
    cepman_matrix *i = load(ctx, in_dir("i.npy"), 120, 4), *d = load(ctx, in_dir("d.npy"), 120, 4);
    for (size_t r = 0; r < 120; r++)
        for (size_t k = 0; k < 4; k++) {
            size_t neighbour = (size_t)cepman_matrix_row(i, r)[k];
            ck_assert(neighbour != r && neighbour % 3 == r % 3); /* the blobs are far apart */
            ck_assert(k == 0 || cepman_matrix_row(d, r)[k] >= cepman_matrix_row(d, r)[k - 1]);
        }
    cepman_matrix_unref(i);
    cepman_matrix_unref(d);
    support_end(ctx);
}
END_TEST

START_TEST(knn_refuses)
{
    refuses_bad_files("knn", points, "-k 4", "a.npy");
    bad(2, "'k'", "knn %s -k 0 -o %s", points, in_dir("a.npy"));
    bad(2, "metric", "knn %s --metric taxi -o %s", points, in_dir("a.npy"));
    bad(1, "two outputs", "knn %s -o %s --distances %s", points, in_dir("a.npy"), in_dir("a.npy"));
    bad(1, "two outputs", "knn %s -o %s --distances %s/./a.npy", points, in_dir("a.npy"), dir);
    nothing_left();
}
END_TEST
START_TEST(embed)
{
    cepman_context *ctx = support_begin(1);
    good("embed %s -o %s --seed 4 --epochs 50 --threads 1", points, in_dir("e.npy"));
    good("embed %s -o %s --seed 4 --epochs 50 --threads 2", points, in_dir("f.npy"));
    good("embed %s -o %s --seed 5 --epochs 50 --dims 2 --metric cosine", points, in_dir("g.npy"));
    ck_assert(same_files(in_dir("e.npy"), in_dir("f.npy")));
    cepman_matrix *e = load(ctx, in_dir("e.npy"), 120, 3);
    for (size_t i = 0; i < 120; i++)
        ck_assert(isfinite(cepman_matrix_row(e, i)[0]));
    cepman_matrix_unref(e);
    cepman_matrix_unref(load(ctx, in_dir("g.npy"), 120, 2));
    support_end(ctx);
}
END_TEST

START_TEST(place)
{
    cepman_context *ctx = support_begin(1);
    good("embed %s -o %s --epochs 50 --save %s --threads 2", points, in_dir("e.npy"), in_dir("m.model"));
    good("place %s --model %s -o %s --threads 2", points, in_dir("m.model"), in_dir("p.npy"));
    ck_assert(same_files(in_dir("e.npy"), in_dir("p.npy"))); /* fitted rows get their own places */
    good("embed %s -o %s --epochs 1 --start %s", points, in_dir("s.npy"), in_dir("e.npy"));
    cepman_matrix_unref(load(ctx, in_dir("s.npy"), 120, 3));
    support_end(ctx);
    bad(2, "--model", "place %s -o %s", points, in_dir("a.npy"));
    bad(1, "not a model", "place %s --model %s -o %s", points, in_dir("e.npy"), in_dir("a.npy"));
    bad(1, "columns", "place %s --model %s -o %s", in_dir("e.npy"), in_dir("m.model"), in_dir("a.npy"));
}
END_TEST

START_TEST(embed_refuses)
{
    refuses_bad_files("embed", points, "--epochs 5", "a.npy");
    bad(2, "'neighbors'", "embed %s --neighbors 1 -o %s", points, in_dir("a.npy"));
    bad(2, "'min-dist'", "embed %s --min-dist near -o %s", points, in_dir("a.npy"));
    nothing_left();
}
END_TEST

START_TEST(images)
{
    cepman_context *ctx = support_begin(1);
    good("images %s --what cepstrum --preset padgett -o %s", scan, in_dir("c.npy"));
    cepman_matrix *all = load(ctx, in_dir("c.npy"), (size_t)24 * 32, 32);
    good("images %s --what cepstrum --preset padgett --frame 5 -o %s", scan, in_dir("c5.npy"));
    cepman_matrix *one = load(ctx, in_dir("c5.npy"), 32, 32);
    for (size_t y = 0; y < 32; y++)
        ck_assert_int_eq(
            memcmp(cepman_matrix_row(one, y), cepman_matrix_row(all, 5 * 32 + y), 32 * sizeof(float)), 0);
    /* The centre is the sum of all, the largest value of a cepstrum. */
    for (size_t x = 0; x < 32; x++)
        ck_assert(cepman_matrix_row(one, 16)[x] <= cepman_matrix_row(one, 16)[16]);
    cepman_matrix_unref(one);
    cepman_matrix_unref(all);

    good("images %s --what bf -o %s", scan, in_dir("bf.npy"));
    good("images %s --what adf -o %s --beam 16:16 --inner 5", scan, in_dir("adf.npy"));
    good("images %s --what adf -o %s --beam=16:16 --inner=0 --outer=1e3", scan, in_dir("all.npy"));
    good("images %s --what mean -o %s", scan, in_dir("mean.npy"));
    cepman_matrix *sums = load(ctx, in_dir("all.npy"), 4, 6), *mean = load(ctx, in_dir("mean.npy"), 32, 32);
    cepman_matrix_unref(load(ctx, in_dir("bf.npy"), 4, 6));
    cepman_matrix_unref(load(ctx, in_dir("adf.npy"), 4, 6));
    double a = 0, b = 0;
    for (size_t i = 0; i < 24; i++)
        a += (double)cepman_matrix_row(sums, i / 6)[i % 6];
    for (size_t i = 0; i < 1024; i++)
        b += (double)cepman_matrix_row(mean, i / 32)[i % 32];
    ck_assert_double_eq_tol(a / 24, b, 1e-4 * b); /* the detector that sees all counts all */
    cepman_matrix_unref(sums);
    cepman_matrix_unref(mean);

    static const char *const whats[] = {"bf",  "adf",           "mean",  "std",
                                        "max", "mean-cepstrum", "frame", "cepstrum --frame 1"};
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++) {
        good("images %s --what %s -o %s", scan, whats[i], in_dir("p.png"));
        ck_assert_msg(is_png(in_dir("p.png")), "%s", whats[i]);
    }
    support_end(ctx);
}
END_TEST

START_TEST(images_refuses)
{
    refuses_bad_files("images", scan, "--what mean", "a.npy");
    refuses_bad_files("images", scan, "--what bf", "a.png");
    bad(2, "--what", "images %s -o %s", scan, in_dir("a.npy"));
    bad(2, ".png", "images %s --what bf -o %s", scan, in_dir("a.jpg"));
    bad(2, "--inner", "images %s --what mean --inner 2 -o %s", scan, in_dir("a.npy"));
    bad(2, "--preset", "images %s --what mean --preset paper -o %s", scan, in_dir("a.npy"));
    bad(2, "--frame", "images %s --what bf --frame 2 -o %s", scan, in_dir("a.npy"));
    bad(2, "--frame", "images %s --what cepstrum -o %s", scan, in_dir("a.png"));
    bad(2, "Y:X", "images %s --what bf --beam 3 -o %s", scan, in_dir("a.npy"));
    bad(2, "inner radius", "images %s --what bf --inner 5 --outer 4 -o %s", scan, in_dir("a.npy"));
    bad(1, "24", "images %s --what frame --frame 24 -o %s", scan, in_dir("a.npy"));
    nothing_left();
}
END_TEST

/* Labels for a scan of 24 points: its left and its right half. */
static void write_labels(const char *path, size_t count, int32_t final)
{
    cepman_context *ctx = support_begin(1);
    cepman_labels *labels = NULL;
    int32_t halves[30];
    for (size_t i = 0; i < 30; i++)
        halves[i] = i % 6 < 3 ? 0 : 1;
    halves[count - 1] = final;
    assert_good(ctx, cepman_labels_copy(&labels, ctx, halves, count));
    assert_good(ctx, cepman_labels_save(labels, ctx, path, 0, 0));
    cepman_labels_unref(labels);
    support_end(ctx);
}

START_TEST(map)
{
    char labels[400];
    snprintf(labels, sizeof labels, "%s", support_path("halves.npy"));
    write_labels(labels, 24, -1);
    good("map %s --labels %s -o %s --preset padgett", scan, labels, in_dir("m"));
    ck_assert_int_eq(count_files(in_dir("m")), 9);
    check_shape(in_dir("m/mean_patterns.npy"), (size_t)3 * 32, 32); /* two clusters and noise */
    check_shape(in_dir("m/mean_cepstra.npy"), (size_t)3 * 32, 32);
    check_shape(in_dir("m/cepstrum_differences.npy"), 32, 32);
    ck_assert(is_png(in_dir("m/label_map.png")) && is_png(in_dir("m/mean_patterns.png")));
    ck_assert(is_png(in_dir("m/cepstrum_differences.png")) && is_png(in_dir("m/mean_cepstra.png")));

    cepman_context *ctx = support_begin(1);
    cepman_matrix *means = load(ctx, in_dir("m/mean_patterns.npy"), 96, 32);
    cepman_matrix *difference = load(ctx, in_dir("m/pattern_differences.npy"), 32, 32);
    cepman_matrix *last_frame = NULL;
    good("images %s --what frame --frame 23 -o %s", scan, in_dir("frame.npy"));
    last_frame = load(ctx, in_dir("frame.npy"), 32, 32);
    for (size_t y = 0; y < 32; y++)
        for (size_t x = 0; x < 32; x++) {
            double a = (double)cepman_matrix_row(means, y)[x],
                   b = (double)cepman_matrix_row(means, 32 + y)[x];
            ck_assert_double_eq_tol((double)cepman_matrix_row(difference, y)[x], a - b, 1e-4 * (a + b + 1));
            ck_assert(cepman_matrix_row(means, 64 + y)[x] == cepman_matrix_row(last_frame, y)[x]);
        }
    cepman_matrix_unref(means);
    cepman_matrix_unref(difference);
    cepman_matrix_unref(last_frame);
    support_end(ctx);
}
END_TEST

START_TEST(map_refuses)
{
    char labels[400];
    snprintf(labels, sizeof labels, "%s", support_path("halves.npy"));
    write_labels(labels, 24, 1);
    bad(1, "absent.npy", "map %s --labels %s -o %s", absent, labels, in_dir("m"));
    bad(1, "absent.npy", "map %s --labels %s -o %s", scan, absent, in_dir("m"));
    bad(1, "points.npy", "map %s --labels %s -o %s", scan, points, in_dir("m"));
    bad(2, "--labels", "map %s -o %s", scan, in_dir("m"));
    bad(1, "text.npy", "map %s --labels %s -o %s", scan, labels, text);
    write_labels(labels, 25, 1);
    bad(1, "25 labels", "map %s --labels %s -o %s", scan, labels, in_dir("m"));
    write_labels(labels, 24, 2000000000);
    bad(1, "2000000000", "map %s --labels %s -o %s", scan, labels, in_dir("m"));
    nothing_left();
}
END_TEST

START_TEST(simulate)
{
    static const char *const scenes[] = {"twin-domains", "ag-tilt",           "oxide-particle",
                                         "ag-tilt-hard", "twin-domains-hard", "single-crystal"};
    for (size_t i = 0; i < 6; i++) {
        good("simulate %s --scan 6x8 --frame 32 --pixel 0.1 --dose 2e3 --seed 3 -o %s", scenes[i],
             in_dir("a.npy"));
        good("info %s --json", in_dir("a.npy"));
        ck_assert_ptr_nonnull(strstr(last.out, "\"scan_columns\": 8,"));
        ck_assert_ptr_nonnull(strstr(last.out, "\"type\": \"u16\""));
        /* The calibrations stay with the file, and with what is made of it. */
        ck_assert_ptr_nonnull(strstr(last.out, "\"reciprocal_pixel_per_angstrom\": 0.1,"));
        good("convert %s -o %s --region 0:0:2x2", in_dir("a.npy"), in_dir("part.npy"));
        good("info %s --json", in_dir("part.npy"));
        ck_assert_ptr_nonnull(strstr(last.out, "\"reciprocal_pixel_per_angstrom\": 0.1,"));
        ck_assert(support_exists(in_dir("a.boundary.npy")) && support_exists(in_dir("a.state.npy")));
        ck_assert(!support_exists(in_dir("a.bad.npy")));
        good("score %s %s", in_dir("a.truth.npy"), in_dir("a.truth.npy"));
        ck_assert_ptr_nonnull(strstr(last.out, "\"points\": 48,"));
    }
    good("simulate single-crystal --crystal Au --zone 1,1,1 --theory bloch --hot-pixels 0.05 --scan 2x2 "
         "--frame 32 -o %s",
         in_dir("e.npy"));
    good("transform %s --mask %s --ring 3:12 -o %s", in_dir("e.npy"), in_dir("e.bad.npy"), in_dir("f.npy"));
    good("simulate twin-domains --scan 6x8 --frame 32 --pixel 0.1 --seed 3 -o %s --threads 1",
         in_dir("b.npy"));
    good("simulate twin-domains --scan 6x8 --frame 32 --pixel 0.1 --seed 3 -o %s --threads 2",
         in_dir("c.npy"));
    good("simulate twin-domains --scan 6x8 --frame 32 --pixel 0.1 --seed 4 -o %s", in_dir("d.npy"));
    ck_assert(same_files(in_dir("b.npy"), in_dir("c.npy")));
    ck_assert(!same_files(in_dir("b.npy"), in_dir("d.npy")));
}
END_TEST

/* Hot and dead pixels are told, masked on demand, written as a mask; frames are centred on demand. */
START_TEST(pixels)
{
    good("simulate twin-domains --scan 6x8 --frame 48 --pixel 0.08 --convergence 4 --seed 3 --hot-pixels "
         "0.004 -o %s",
         in_dir("h.npy"));
    good("simulate twin-domains --scan 6x8 --frame 48 --pixel 0.08 --convergence 4 --seed 3 -o %s",
         in_dir("c.npy"));
    good("info %s --pixels --json", in_dir("h.npy"));
    ck_assert_ptr_nonnull(strstr(last.out, "\"kind\": \"hot\""));
    ck_assert_ptr_nonnull(strstr(last.out, "\"saturation\": 65535"));
    good("info %s --pixels", in_dir("c.npy"));
    ck_assert_ptr_nonnull(strstr(last.out, "0 bad pixels\n"));
    ck_assert_ptr_nonnull(strstr(last.out, "all are counts"));
    good("info %s", in_dir("c.npy"));
    ck_assert_ptr_null(strstr(last.out, "bad pixels"));
    /* What is found is what the simulator put there. */
    size_t n = 0, m = 0;
    good("images %s --what bad-pixels -o %s", in_dir("h.npy"), in_dir("found.npy"));
    good("images %s --what bad-pixels -o %s", in_dir("h.npy"), in_dir("found.png"));
    unsigned char *found = support_read(in_dir("found.npy"), &n),
                  *faults = support_read(in_dir("h.bad.npy"), &m);
    ck_assert(n >= 2304 && m >= 2304);
    ck_assert_mem_eq(found + n - 2304, faults + m - 2304, 2304);
    free(found);
    free(faults);
    /* As a file, or found on the way: the same features. */
    good("transform %s --mask %s --ring 3:12 -o %s", in_dir("h.npy"), in_dir("found.npy"), in_dir("f.npy"));
    ck_assert_int_eq(cepman("transform %s --mask auto --ring 3:12 -o %s", in_dir("h.npy"), in_dir("g.npy")),
                     0);
    ck_assert_ptr_nonnull(strstr(last.err, "cepman: masked "));
    ck_assert(same_files(in_dir("f.npy"), in_dir("g.npy")));
    good("transform %s --mask none --ring 3:12 -o %s", in_dir("h.npy"), in_dir("g.npy"));
    ck_assert(!same_files(in_dir("f.npy"), in_dir("g.npy")));
    good("transform %s --mask auto --descan --ring 3:12 -o %s", in_dir("c.npy"), in_dir("f.npy"));
    bad(1, "nowhere.npy", "info %s --mask %s", in_dir("c.npy"), in_dir("nowhere.npy"));
    /* A run masks by itself, says so, and keeps what it masked. */
    ck_assert_int_eq(
        cepman("run %s --ring 3:12 --epochs 20 --report=false -o %s", in_dir("h.npy"), in_dir("run")), 0);
    ck_assert_ptr_nonnull(strstr(last.err, "cepman: masked "));
    ck_assert(same_files(in_dir("run/bad_pixels.npy"), in_dir("found.npy")));
    char *json = (char *)support_read(in_dir("run/run.json"), &n);
    ck_assert_ptr_nonnull(strstr(json, "\"mask\": \"auto\""));
    ck_assert_ptr_nonnull(strstr(json, "\"bad_pixels\": {"));
    ck_assert_ptr_nonnull(strstr(json, "\"saturated\": 0,"));
    free(json);
    good("run %s --ring 3:12 --epochs 20 --report=false -o %s", in_dir("c.npy"), in_dir("run"));
    good("run %s --mask none --ring 3:12 --epochs 20 --report=false -o %s", in_dir("c.npy"), in_dir("run2"));
    ck_assert(same_files(in_dir("run/labels.npy"), in_dir("run2/labels.npy")));
}
END_TEST

START_TEST(simulate_refuses)
{
    bad(2, "scene", "simulate triplets -o %s", in_dir("a.npy"));
    bad(2, "dose", "simulate ag-tilt --dose=-1 -o %s", in_dir("a.npy"));
    bad(2, ".npy", "simulate ag-tilt -o %s", in_dir("a"));
    bad(2, "--scene", "simulate ag-tilt --scene ag-tilt -o %s", in_dir("a.npy")); /* the operand says it */
    bad(1, "text.npy", "simulate ag-tilt --scan 4x4 -o %s/a.npy", text);
    nothing_left();
}
END_TEST

START_TEST(cluster_and_score)
{
    cepman_context *ctx = support_begin(1);
    good("cluster %s --method kmeans -k 3 --seed 3 -o %s --details %s", points, in_dir("k.npy"),
         in_dir("dk"));
    good("score %s %s", in_dir("k.npy"), truth);
    ck_assert_msg(strstr(last.out, "\"accuracy\": 1,") != NULL, "%s", last.out);
    ck_assert_ptr_nonnull(strstr(last.out, "\"noise\": 0,"));
    cepman_matrix_unref(load(ctx, in_dir("dk/centers.npy"), 3, 5));
    size_t n;
    unsigned char *details = support_read(in_dir("dk/details.json"), &n);
    ck_assert_ptr_nonnull(strstr((char *)details, "\"inertia\": "));
    ck_assert_ptr_nonnull(strstr((char *)details, "\"n_iter\": "));
    free(details);
    good("cluster %s --method kmeans --init %s -o %s", points, in_dir("dk/centers.npy"), in_dir("again.npy"));
    ck_assert(same_files(in_dir("k.npy"), in_dir("again.npy")));

    good("cluster %s --min-cluster-size 10 -o %s --details %s --membership %s", points, in_dir("h.npy"),
         in_dir("dh"), in_dir("soft.npy"));
    good("score %s %s", in_dir("h.npy"), truth);
    ck_assert_ptr_nonnull(strstr(last.out, "\"clusters\": 3,"));
    cepman_matrix *core = load(ctx, in_dir("dh/core_distances.npy"), 120, 1);
    cepman_matrix *weights = load(ctx, in_dir("dh/mst_weights.npy"), 119, 1);
    cepman_matrix_unref(load(ctx, in_dir("dh/probabilities.npy"), 120, 1));
    cepman_matrix_unref(load(ctx, in_dir("dh/outlier_scores.npy"), 120, 1));
    cepman_matrix *linkage = load(ctx, in_dir("dh/single_linkage.npy"), 119, 4),
                  *soft = load(ctx, in_dir("soft.npy"), 120, 3), *condensed = NULL, *exemplars = NULL;
    assert_good(ctx, cepman_matrix_load(&condensed, ctx, in_dir("dh/condensed_tree.npy")));
    assert_good(ctx, cepman_matrix_load(&exemplars, ctx, in_dir("dh/exemplars.npy")));
    ck_assert(cepman_matrix_row(linkage, 118)[3] == 120 && cepman_matrix_columns(condensed) == 6);
    ck_assert(cepman_matrix_row(condensed, 0)[0] == -1 && cepman_matrix_row(condensed, 0)[1] == 120);
    int found = 0;
    cepman_labels *labels = NULL;
    assert_good(ctx, cepman_labels_load(&labels, ctx, in_dir("h.npy")));
    for (size_t i = 0; i < 120; i++) {
        const float *row = cepman_matrix_row(soft, i);
        int32_t best = row[0] > row[1] ? (row[0] > row[2] ? 0 : 2) : row[1] > row[2] ? 1 : 2;
        int32_t label = cepman_labels_data(labels)[i];
        ck_assert(row[0] + row[1] + row[2] <= 1.00001f && (label < 0 || label == best));
        found += cepman_matrix_row(exemplars, i)[0] > 0;
    }
    ck_assert_int_ge(found, 3);
    cepman_labels_unref(labels);
    cepman_matrix_unref(linkage);
    cepman_matrix_unref(soft);
    cepman_matrix_unref(condensed);
    cepman_matrix_unref(exemplars);
    ck_assert(cepman_matrix_row(weights, 0)[0] > 0);
    for (size_t i = 1; i < 119; i++)
        ck_assert(cepman_matrix_row(weights, i)[0] >= cepman_matrix_row(weights, i - 1)[0]);
    /* min-samples follows min-cluster-size: with fewer the core distances are smaller. */
    good("cluster %s --min-cluster-size 10 --min-samples 2 -o %s --details %s", points, in_dir("h.npy"),
         in_dir("dh"));
    cepman_matrix *closer = load(ctx, in_dir("dh/core_distances.npy"), 120, 1);
    for (size_t i = 0; i < 120; i++)
        ck_assert(cepman_matrix_row(closer, i)[0] < cepman_matrix_row(core, i)[0]);
    cepman_matrix_unref(core);
    cepman_matrix_unref(closer);
    cepman_matrix_unref(weights);
    support_end(ctx);
}
END_TEST

START_TEST(cluster_refuses)
{
    refuses_bad_files("cluster", points, "--min-cluster-size 5", "a.npy");
    bad(2, "--min-samples belongs to", "cluster %s --method kmeans --min-samples 3 -o %s", points,
        in_dir("a.npy"));
    bad(2, "--k belongs to", "cluster %s -k 3 -o %s", points, in_dir("a.npy"));
    bad(2, "--init belongs to", "cluster %s --init %s -o %s", points, points, in_dir("a.npy"));
    bad(2, "--membership belongs to", "cluster %s --method kmeans -o %s --membership %s", points,
        in_dir("a.npy"), in_dir("b.npy"));
    bad(2, ".npy", "cluster %s -o %s --membership %s", points, in_dir("a.npy"), in_dir("b"));
    bad(1, "two outputs", "cluster %s -o %s --membership %s", points, in_dir("a.npy"), in_dir("a.npy"));
    bad(2, "hdbscan|kmeans|mixture", "cluster %s --method magic -o %s", points, in_dir("a.npy"));
    bad(1, "k", "cluster %s --method kmeans -k 121 -o %s --details %s", points, in_dir("a.npy"), in_dir("d"));
    nothing_left();
}
END_TEST

START_TEST(score_refuses)
{
    bad(1, "absent.npy", "score %s %s", truth, absent);
    bad(1, "points.npy", "score %s %s", points, truth); /* numbers that are not integers */
    bad(2, "takes", "score %s", truth);
    cepman_context *ctx = support_begin(1);
    const int32_t few[2] = {0, 1};
    cepman_labels *labels = NULL;
    assert_good(ctx, cepman_labels_copy(&labels, ctx, few, 2));
    assert_good(ctx, cepman_labels_save(labels, ctx, in_dir("few.npy"), 0, 0));
    cepman_labels_unref(labels);
    support_end(ctx);
    bad(1, "120", "score %s %s", in_dir("few.npy"), truth);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("commands");
    TCase *c = tcase_create("commands");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, set_up, NULL);
    tcase_add_test(c, info);
    tcase_add_test(c, convert);
    tcase_add_test(c, convert_refuses);
    tcase_add_test(c, transform);
    tcase_add_test(c, transform_refuses);
    tcase_add_test(c, pca);
    tcase_add_test(c, pca_refuses);
    tcase_add_test(c, vae);
    tcase_add_test(c, vae_refuses);
    tcase_add_test(c, knn);
    tcase_add_test(c, knn_refuses);
    tcase_add_test(c, embed);
    tcase_add_test(c, place);
    tcase_add_test(c, embed_refuses);
    tcase_add_test(c, images);
    tcase_add_test(c, images_refuses);
    tcase_add_test(c, map);
    tcase_add_test(c, map_refuses);
    tcase_add_test(c, simulate);
    tcase_add_test(c, pixels);
    tcase_add_test(c, simulate_refuses);
    tcase_add_test(c, cluster_and_score);
    tcase_add_test(c, cluster_refuses);
    tcase_add_test(c, score_refuses);
    suite_add_tcase(s, c);
    return s;
}
