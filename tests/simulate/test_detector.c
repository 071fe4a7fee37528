/* Faults of the detector, speckle, moving beams, and a crystal that comes from a file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "helpers.h"

/* Frames of silver in the dark-ish: hot and dead pixels are where they are said to be, noise has the width it should. */
START_TEST(faults_of_the_detector)
{
    enum { side = 32, frames = 200, area = side * side };
    cepman_context *ctx = support_begin(2);
    cepman_options *o = small(ctx, "single-crystal", "10", "20", "32");
    static const char *const set[][2] = {
        {"dose", "1"},           {"read-noise", "3"},    {"dark-level", "40"}, {"hot-pixels", "0.02"},
        {"dead-pixels", "0.03"}, {"saturation", "4000"}, {"tilt", "0"}};
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        assert_good(ctx, cepman_options_parse(o, ctx, set[i][0], set[i][1]));
    cepman_simulation *s = NULL;
    assert_good(ctx, cepman_simulate_scan(&s, ctx, o));
    const uint8_t *bad = cepman_simulation_bad_pixels(s);
    ck_assert_ptr_nonnull(bad);
    uint16_t *p = pixels(ctx, cepman_simulation_dataset(s));
    size_t hot = 0, dead = 0, good = 0;
    double mean = 0, square = 0;
    for (size_t i = 0; i < area; i++) {
        hot += bad[i] == 1;
        dead += bad[i] == 2;
        for (size_t f = 0; f < frames; f++) {
            double v = p[f * area + i];
            ck_assert_double_le(v, 4000);
            if (bad[i] == 2) ck_assert_double_eq(v, 0);
            if (bad[i] == 1) ck_assert_double_gt(v, 350);
            if (bad[i]) continue;
            mean += v;
            square += v * v;
            good++;
        }
    }
    ck_assert(hot > 8 && hot < 36 && dead > 14 && dead < 52);
    mean /= (double)good;
    double variance = square / (double)good - mean * mean;
    ck_assert_double_eq_tol(mean, 40, 0.1);
    ck_assert_double_eq_tol(variance, 9 + 1.0 / 12, 0.3);
    free(p);
    cepman_simulation_unref(s);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

/* The beam goes where the state says. */
START_TEST(descan)
{
    cepman_context *ctx = support_begin(2);
    cepman_options *o = small(ctx, "single-crystal", "8", "9", "64");
    static const char *const set[][2] = {{"thickness", "1"}, {"background", "0"}, {"descan", "6"},
                                         {"jitter", "1"},    {"dose", "1e6"},     {"convergence", "2"}};
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        assert_good(ctx, cepman_options_parse(o, ctx, set[i][0], set[i][1]));
    cepman_simulation *s = NULL;
    assert_good(ctx, cepman_simulate_scan(&s, ctx, o));
    uint16_t *p = pixels(ctx, cepman_simulation_dataset(s));
    double farthest = 0;
    for (size_t f = 0; f < 72; f++) {
        const float *state = cepman_matrix_row(cepman_simulation_state(s), f);
        double mass = 0, x = 0, y = 0, shift[2] = {(double)state[6], (double)state[7]};
        for (int dy = -4; dy <= 4; dy++)
            for (int dx = -4; dx <= 4; dx++) {
                long column = 32 + lround(shift[0]) + dx, row = 32 + lround(shift[1]) + dy;
                double v = p[(f * 64 + (size_t)row) * 64 + (size_t)column];
                mass += v;
                x += v * (double)column;
                y += v * (double)row;
            }
        ck_assert_double_eq_tol(x / mass - 32, shift[0], 0.15);
        ck_assert_double_eq_tol(y / mass - 32, shift[1], 0.15);
        farthest = fmax(farthest, hypot(shift[0], shift[1]));
    }
    ck_assert_double_gt(farthest, 2);
    free(p);
    cepman_simulation_unref(s);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

/* Amorphous rings: without speckle counts are Poisson about their mean; with it the variance between points is larger, by
 * a third of the square of the mean (three modes), and neighbours vary together. */
START_TEST(speckle)
{
    enum { side = 64, frames = 400 };
    double excess[2];
    for (int on = 0; on < 2; on++) {
        cepman_context *ctx = support_begin(2);
        cepman_options *o = small(ctx, "single-crystal", "20", "20", "64");
        static const char *const set[][2] = {{"thickness", "1"}, {"tilt", "0"},    {"amorphous", "0.9"},
                                             {"dose", "1e6"},    {"pixel", ".02"}, {"background", "0"}};
        for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
            assert_good(ctx, cepman_options_parse(o, ctx, set[i][0], set[i][1]));
        assert_good(ctx, cepman_options_parse(o, ctx, "speckle", on ? "1" : "0"));
        cepman_dataset *d = NULL;
        assert_good(ctx, cepman_simulate(&d, NULL, ctx, o));
        uint16_t *p = pixels(ctx, d);
        double sum = 0, n = 0;
        for (size_t i = 0; i < side * side; i++) {
            double mean = 0, square = 0, k = 0.02 * hypot((double)(i % side) - 32, (double)i / side - 32);
            if (k < 0.25 || k > 0.45) continue;
            for (size_t f = 0; f < frames; f++) {
                double v = p[f * side * side + i];
                mean += v / frames;
                square += v * v / frames;
            }
            sum += (square - mean * mean - mean) / (mean * mean);
            n++;
        }
        excess[on] = sum / n;
        free(p);
        cepman_dataset_unref(d);
        cepman_options_unref(o);
        support_end(ctx);
    }
    ck_assert_double_eq_tol(excess[0], 0, 0.01);
    ck_assert_double_eq_tol(excess[1], 1.0 / 3, 0.05);
}
END_TEST

/* A crystal from a file is the built-in one; another one is not. */
START_TEST(crystal_of_a_file)
{
    static const char text[] = "cell 4.086\ncentring F\natom Ag 0 0 0 0.74\n";
    const char *path = support_path("silver.txt"), *const crystal[] = {"Ag", path, "Au"};
    support_write(path, text, sizeof text - 1);
    cepman_context *ctx = support_begin(2);
    uint16_t *p[3];
    for (int i = 0; i < 3; i++) {
        cepman_options *o = small(ctx, "single-crystal", "3", "3", "48");
        assert_good(ctx, cepman_options_parse(o, ctx, "crystal", crystal[i]));
        assert_good(ctx, cepman_options_parse(o, ctx, "zone", "1, 1 0"));
        cepman_dataset *d = NULL;
        assert_good(ctx, cepman_simulate(&d, NULL, ctx, o));
        p[i] = pixels(ctx, d);
        cepman_dataset_unref(d);
        cepman_options_unref(o);
    }
    const size_t size = (size_t)9 * 48 * 48 * sizeof(uint16_t);
    ck_assert_int_eq(memcmp(p[0], p[1], size), 0);
    ck_assert_int_ne(memcmp(p[0], p[2], size), 0);
    for (int i = 0; i < 3; i++)
        free(p[i]);
    support_end(ctx);
}
END_TEST

/* Atoms that shake more scatter less to large angles; the crystal's own B said aloud changes nothing. */
START_TEST(debye_waller)
{
    static const char *const b[] = {"auto", "0.74", "0", "3"};
    cepman_context *ctx = support_begin(2);
    const size_t side = 96, frame = side * side;
    uint16_t *p[4];
    double far[4] = {0};
    for (int i = 0; i < 4; i++) {
        cepman_options *o = small(ctx, "single-crystal", "2", "2", "96");
        assert_good(ctx, cepman_options_parse(o, ctx, "debye-waller", b[i]));
        cepman_dataset *d = NULL;
        assert_good(ctx, cepman_simulate(&d, NULL, ctx, o));
        p[i] = pixels(ctx, d);
        for (size_t k = 0; k < 4 * frame; k++) {
            double y = (double)(k % frame / side) - 48, x = (double)(k % side) - 48;
            if (hypot(x, y) * 0.032 > 0.9) far[i] += p[i][k];
        }
        cepman_dataset_unref(d);
        cepman_options_unref(o);
    }
    ck_assert_mem_eq(p[0], p[1], 4 * frame * sizeof(uint16_t));
    /* Beyond 0.9 1/angstrom the intensities fall by exp(-B g^2 / 2), most of them to a third; the diffuse share stays. */
    ck_assert_double_gt(far[2], 1.2 * far[1]);
    ck_assert_double_gt(far[1], 1.5 * far[3]);
    for (int i = 0; i < 4; i++)
        free(p[i]);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("simulate");
    TCase *t = tcase_create("detector");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, faults_of_the_detector);
    tcase_add_test(t, descan);
    tcase_add_test(t, speckle);
    tcase_add_test(t, crystal_of_a_file);
    tcase_add_test(t, debye_waller);
    suite_add_tcase(s, t);
    return s;
}
