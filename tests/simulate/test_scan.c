/* Simulated scans: shape, dose, truth, reproducibility, extreme options, failures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "helpers.h"

static const char *const scenes[] = {"twin-domains", "ag-tilt",           "oxide-particle",
                                     "ag-tilt-hard", "twin-domains-hard", "single-crystal"};
static const size_t phases[] = {4, 3, 7, 3, 4, 1};
enum { SCENES = 6 };

START_TEST(what_it_says)
{
    cepman_context *ctx = support_begin(2);
    cepman_options *o = small(ctx, scenes[_i], "22", "25", "64");
    assert_good(ctx, cepman_options_parse(o, ctx, "pixel", "0.05"));
    assert_good(ctx, cepman_options_parse(o, ctx, "dose", "20000"));
    assert_good(ctx, cepman_options_parse(o, ctx, "descan", "0"));
    assert_good(ctx, cepman_options_parse(o, ctx, "jitter", "0"));
    assert_good(ctx, cepman_options_parse(o, ctx, "tilt", "1"));
    cepman_dataset *d = NULL;
    cepman_labels *truth = NULL;
    assert_good(ctx, cepman_simulate(&d, &truth, ctx, o));
    ck_assert_uint_eq(cepman_dataset_scan_rows(d), 22);
    ck_assert_uint_eq(cepman_dataset_scan_columns(d), 25);
    ck_assert_uint_eq(cepman_dataset_height(d), 64);
    ck_assert_uint_eq(cepman_dataset_width(d), 64);
    ck_assert_int_eq(cepman_dataset_type(d), CEPMAN_TYPE_U16);
    ck_assert_int_eq(cepman_dataset_has_scan(d), 1);
    ck_assert_str_eq(cepman_dataset_format(d), "simulated");
    ck_assert_double_eq(cepman_dataset_reciprocal_pixel(d), 0.05);
    ck_assert_uint_eq(cepman_labels_count(truth), 550);
    ck_assert_uint_eq(cepman_labels_clusters(truth), phases[_i]);
    uint16_t *p = pixels(ctx, d);
    double worst = 0;
    for (size_t f = 0; f < 550; f++) {
        double sum = 0;
        for (size_t i = 0; i < 4096; i++)
            sum += p[f * 4096 + i];
        worst = fmax(worst, fabs(sum - 20000));
        /* The direct beam is the brightest pixel, in the middle; but not always in thick metal. */
        if (_i == 2 && cepman_labels_data(truth)[f] != 0 && cepman_labels_data(truth)[f] < 3) continue;
        size_t best = 0;
        for (size_t i = 1; i < 4096; i++)
            if (p[f * 4096 + i] > p[f * 4096 + best]) best = i;
        ck_assert_uint_eq(best, 32 * 64 + 32);
    }
    /* Five and a half standard deviations, and what falls beside the detector. */
    ck_assert_double_lt(worst, 5.5 * sqrt(20000) + 100);
    free(p);
    cepman_labels_unref(truth);
    cepman_dataset_unref(d);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

/* Frames of the same phase are more alike than frames of others: each is nearest to the mean of its own, log counts. */
START_TEST(phases_can_be_told_apart)
{
    enum { side = 64, scan = 24 };
    cepman_context *ctx = support_begin(2);
    cepman_options *o = small(ctx, scenes[_i], "24", "24", "64");
    assert_good(ctx, cepman_options_parse(o, ctx, "pixel", "0.04"));
    assert_good(ctx, cepman_options_parse(o, ctx, "tilt", "0.7"));
    assert_good(ctx, cepman_options_parse(o, ctx, "jitter", "0"));
    cepman_dataset *d = NULL;
    cepman_labels *truth = NULL;
    assert_good(ctx, cepman_simulate(&d, &truth, ctx, o));
    uint16_t *p = pixels(ctx, d);
    const int32_t *label = cepman_labels_data(truth);
    static double mean[7][side * side];
    size_t count[7] = {0}, right = 0, known = 0;
    memset(mean, 0, sizeof mean);
    for (size_t f = 0; f < scan * scan; f++) {
        if (label[f] < 0) continue;
        count[label[f]]++;
        for (size_t i = 0; i < side * side; i++)
            mean[label[f]][i] += log(1.0 + p[f * side * side + i]);
    }
    for (size_t f = 0; f < scan * scan; f++) {
        if (label[f] < 0) continue;
        double least = HUGE_VAL;
        size_t nearest = 0;
        for (size_t k = 0; k < phases[_i]; k++) {
            double sum = 0;
            for (size_t i = 0; i < side * side; i++) {
                double v = log(1.0 + p[f * side * side + i]) - mean[k][i] / (double)count[k];
                sum += v * v;
            }
            if (sum < least) {
                least = sum;
                nearest = k;
            }
        }
        known++;
        right += nearest == (size_t)label[f];
    }
    ck_assert_msg(known > scan * scan / 3 && right >= 0.97 * (double)known, "%zu of %zu right", right, known);
    free(p);
    cepman_labels_unref(truth);
    cepman_dataset_unref(d);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

START_TEST(same_bits)
{
    uint16_t *p[4];
    int32_t labels[4][63];
    cepman_context *ctx = support_begin(1);
    for (int t = 0; t < 4; t++) {
        cepman_options *o = small(ctx, scenes[_i % SCENES], "7", "9", "33");
        if (_i >= SCENES) assert_good(ctx, cepman_options_parse(o, ctx, "theory", "bloch"));
        if (t == 3) assert_good(ctx, cepman_options_set_integer(o, ctx, "seed", 43));
        assert_good(ctx, cepman_context_set_threads(ctx, t == 1 ? 3 : 1));
        cepman_dataset *d = NULL;
        cepman_labels *truth = NULL;
        assert_good(ctx, cepman_simulate(&d, &truth, ctx, o));
        p[t] = pixels(ctx, d);
        memcpy(labels[t], cepman_labels_data(truth), sizeof labels[t]);
        cepman_labels_unref(truth);
        cepman_dataset_unref(d);
        cepman_options_unref(o);
    }
    const size_t size = 63 * 33 * 33 * sizeof(uint16_t);
    ck_assert_int_eq(memcmp(p[0], p[1], size), 0);
    ck_assert_int_eq(memcmp(p[0], p[2], size), 0);
    ck_assert_int_ne(memcmp(p[0], p[3], size), 0);
    ck_assert_int_eq(memcmp(labels[0], labels[1], sizeof labels[0]), 0);
    for (int t = 0; t < 4; t++)
        free(p[t]);
    support_end(ctx);
}
END_TEST

/* Counts of many equal frames: mean equals variance, pixel by pixel, in the silver scene without tilt or jitter of
 * the direct beam's neighbourhood: the vacuum of the particle scene has no jitter at all. */
START_TEST(shot_noise)
{
    cepman_context *ctx = support_begin(2);
    cepman_options *o = small(ctx, "oxide-particle", "40", "40", "16");
    assert_good(ctx, cepman_options_parse(o, ctx, "dose", "4000"));
    assert_good(ctx, cepman_options_parse(o, ctx, "descan", "0"));
    cepman_dataset *d = NULL;
    cepman_labels *truth = NULL;
    assert_good(ctx, cepman_simulate(&d, &truth, ctx, o));
    uint16_t *p = pixels(ctx, d);
    double sum[256] = {0}, square[256] = {0}, n = 0, index = 0, bright = 0;
    for (size_t f = 0; f < 1600; f++) {
        /* The outermost rows and columns of the scan are far from the particle. */
        size_t row = f / 40, column = f % 40;
        if (row > 1 && row < 38 && column > 1 && column < 38) continue;
        if (cepman_labels_data(truth)[f] != 0) continue;
        n++;
        for (size_t i = 0; i < 256; i++) {
            double v = p[f * 256 + i];
            sum[i] += v;
            square[i] += v * v;
        }
    }
    ck_assert_double_gt(n, 200);
    for (size_t i = 0; i < 256; i++) {
        double mean = sum[i] / n, variance = (square[i] - sum[i] * mean) / (n - 1);
        if (mean < 0.02) continue;
        ck_assert_double_eq_tol(variance, mean, 5.5 * mean * sqrt((2 + 1 / mean) / n));
        index += variance / mean;
        bright++;
    }
    ck_assert_double_gt(bright, 20);
    ck_assert_double_eq_tol(index / bright, 1, 5 * sqrt(2 / n / bright) + 0.02);
    free(p);
    cepman_labels_unref(truth);
    cepman_dataset_unref(d);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

START_TEST(extremes)
{
    static const char *const settings[][2] = {
        {"convergence", "0"}, {"convergence", "20"},  {"pixel", "0.001"},   {"pixel", "0.5"},
        {"voltage", "20"},    {"voltage", "1000"},    {"tilt", "45"},       {"tilt", "0"},
        {"dose", "1"},        {"dose", "1e9"},        {"seed", "0"},        {"frame", "8"},
        {"frame", "37"},      {"theory", "bloch"},    {"descan", "50"},     {"jitter", "10"},
        {"thickness", "1"},   {"thickness", "10000"}, {"background", ".9"}, {"amorphous", ".9"},
        {"probe", "1000"},    {"step", "1000"},       {"step", "0.01"},
    };
    cepman_context *ctx = support_begin(1);
    for (size_t t = 0; t < sizeof settings / sizeof settings[0]; t++) {
        cepman_options *o = small(ctx, scenes[_i], "1", t % 2 ? "1" : "2", "24");
        assert_good(ctx, cepman_options_parse(o, ctx, settings[t][0], settings[t][1]));
        cepman_dataset *d = NULL;
        assert_good(ctx, cepman_simulate(&d, NULL, ctx, o));
        uint16_t *p = pixels(ctx, d);
        size_t n = cepman_dataset_height(d), most = 0;
        for (size_t i = 0; i < n * n; i++)
            if (p[i] > most) most = p[i];
        if (strcmp(settings[t][1], "1e9") == 0)
            ck_assert_uint_eq(most, 65535);
        else if (strcmp(settings[t][0], "dose") != 0 && strcmp(settings[t][0], "amorphous") != 0 &&
                 strcmp(settings[t][0], "background") != 0 && strcmp(settings[t][0], "descan") != 0 &&
                 strcmp(settings[t][0], "jitter") != 0)
            ck_assert_uint_gt(most, 20);
        free(p);
        cepman_dataset_unref(d);
        cepman_options_unref(o);
    }
    support_end(ctx);
}
END_TEST

START_TEST(refusals)
{
    cepman_context *ctx = support_begin(1);
    cepman_options *o = small(ctx, "ag-tilt", "3", "3", "16"), *other = NULL;
    cepman_dataset *d = NULL;
    cepman_labels *truth = NULL;
    assert_status(ctx, cepman_simulate(NULL, NULL, ctx, o), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_simulate_options_create(NULL, ctx), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_simulate(&d, NULL, NULL, o), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, cepman_options_parse(o, ctx, "dose", "0"), CEPMAN_ERR_RANGE, "dose");
    assert_fails(ctx, cepman_options_parse(o, ctx, "scene", "cat"), CEPMAN_ERR_RANGE, "twin-domains");
    static const struct {
        const char *name, *value;
        cepman_status status;
    } bad[] = {{"crystal", "Unobtainium", CEPMAN_ERR_ARGUMENT},
               {"crystal", "./none.cif", CEPMAN_ERR_IO},
               {"zone", "1 1", CEPMAN_ERR_ARGUMENT},
               {"zone", "1 1 0 0", CEPMAN_ERR_ARGUMENT},
               {"zone", "0 0 0", CEPMAN_ERR_ARGUMENT},
               {"zone", "a b c", CEPMAN_ERR_ARGUMENT},
               {"zone", "1,1,nan", CEPMAN_ERR_ARGUMENT}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_good(ctx, cepman_options_parse(o, ctx, bad[i].name, bad[i].value));
        assert_fails(ctx, cepman_simulate(&d, &truth, ctx, o), bad[i].status,
                     i == 1 ? "none.cif" : bad[i].name);
        assert_good(ctx, cepman_options_parse(o, ctx, bad[i].name, ""));
    }
    assert_status(ctx, cepman_simulate_scan(NULL, ctx, o), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(cepman_simulation_dataset(NULL));
    ck_assert_ptr_null(cepman_simulation_truth(NULL));
    ck_assert_ptr_null(cepman_simulation_boundary(NULL));
    ck_assert_ptr_null(cepman_simulation_state(NULL));
    ck_assert_ptr_null(cepman_simulation_bad_pixels(NULL));
    cepman_simulation_unref(NULL);
    static const cep_option table[] = {{"seed", CEPMAN_OPTION_INTEGER, 0, 9, 1, NULL, "another stage's"},
                                       {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL}};
    assert_good(ctx, cep_options_create(&other, ctx, "another", table));
    assert_status(ctx, cepman_simulate(&d, &truth, ctx, other), CEPMAN_ERR_OPTION);
    cepman_options_unref(other);
    assert_good(ctx, cepman_options_set_integer(o, ctx, "scan-rows", 4096));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "scan-columns", 4096));
    assert_good(ctx, cepman_context_set_memory_limit(ctx, 1 << 24));
    assert_fails(ctx, cepman_simulate(&d, &truth, ctx, o), CEPMAN_ERR_LIMIT, "simulated scan");
    ck_assert_ptr_null(d);
    ck_assert_ptr_null(truth);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(2);
    cepman_options *o = small(ctx, scenes[_i % SCENES], _i < SCENES ? "2" : "1", "3", "16");
    if (_i >= SCENES) {
        assert_good(ctx, cepman_options_parse(o, ctx, "theory", "bloch"));
        assert_good(ctx, cepman_options_parse(o, ctx, "directions", "0"));
    }
    for (long fail = 0;; fail++) {
        cepman_dataset *d = NULL;
        cepman_labels *truth = NULL;
        support_fail_at(fail);
        cepman_status s = cepman_simulate(&d, &truth, ctx, o);
        support_fail_at(-1);
        ck_assert_int_eq(s != CEPMAN_OK, d == NULL);
        ck_assert_int_eq(s != CEPMAN_OK, truth == NULL);
        cepman_dataset_unref(d);
        cepman_labels_unref(truth);
        if (!s) {
            ck_assert_int_gt(fail, 8);
            break;
        }
        ck_assert_int_eq(s, CEPMAN_ERR_MEMORY);
    }
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

static int stop_later(void *user)
{
    int *left = user;
    return --*left < 0;
}

START_TEST(cancel)
{
    cepman_context *ctx = support_begin(_i ? 3 : 1);
    cepman_options *o = small(ctx, "twin-domains", "8", "8", "16");
    int left;
    assert_good(ctx, cepman_context_set_cancel(ctx, stop_later, &left));
    if (_i == 2) assert_good(ctx, cepman_options_parse(o, ctx, "theory", "bloch"));
    for (int polls = 0; polls < (_i == 2 ? 200 : 4); polls += _i == 2 ? 37 : 1) {
        left = polls;
        cepman_dataset *d = NULL;
        cepman_labels *truth = NULL;
        assert_status(ctx, cepman_simulate(&d, &truth, ctx, o), CEPMAN_ERR_CANCELLED);
        ck_assert_ptr_null(d);
        ck_assert_ptr_null(truth);
    }
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

/* What stands in the state, the boundary and the truth agrees. */
START_TEST(truth_of_points)
{
    cepman_context *ctx = support_begin(2);
    cepman_options *o = small(ctx, scenes[_i], "24", "30", "16");
    cepman_simulation *s = NULL;
    assert_good(ctx, cepman_simulate_scan(&s, ctx, o));
    cepman_simulation_unref(cepman_simulation_ref(s));
    const cepman_matrix *state = cepman_simulation_state(s);
    const int32_t *truth = cepman_labels_data(cepman_simulation_truth(s)),
                  *boundary = cepman_labels_data(cepman_simulation_boundary(s));
    ck_assert_uint_eq(cepman_matrix_rows(state), 720);
    ck_assert_uint_eq(cepman_matrix_columns(state), 8);
    ck_assert_ptr_null(cepman_simulation_bad_pixels(s));
    static const double most[SCENES] = {3, 10, 2, 20, 6, 1};
    size_t seen[3] = {0};
    double far = 0;
    for (size_t i = 0; i < 720; i++) {
        const float *p = cepman_matrix_row(state, i);
        ck_assert_int_eq(truth[i] >= 0, boundary[i] == 0);
        ck_assert_int_eq(boundary[i] == 1, p[0] < 0.95F);
        if (truth[i] > 0 || (truth[i] == 0 && _i != 2)) ck_assert_double_gt((double)p[1], 0);
        far = fmax(far, hypot((double)p[2], (double)p[3]));
        seen[boundary[i]]++;
    }
    /* On the single crystal both tilts reach their end. */
    ck_assert_double_le(far, most[_i] * (_i == 5 ? sqrt(2.0) : 1) + 1e-5);
    ck_assert_double_gt(far, 0.3 * most[_i]);
    ck_assert_uint_gt(seen[0], 300);
    ck_assert_int_eq(seen[1] > 0, _i == 0 || _i == 2 || _i == 4);
    ck_assert_int_eq(seen[2] > 0, _i == 0 || _i == 4);
    cepman_simulation_unref(s);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("simulate");
    TCase *t = tcase_create("scan");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, what_it_says, 0, SCENES);
    tcase_add_loop_test(t, phases_can_be_told_apart, 0, 3);
    tcase_add_loop_test(t, same_bits, 0, 2 * SCENES);
    tcase_add_test(t, shot_noise);
    tcase_add_loop_test(t, extremes, 0, SCENES);
    tcase_add_test(t, refusals);
    tcase_add_loop_test(t, failing_allocations, 0, SCENES + 1);
    tcase_add_loop_test(t, cancel, 0, 3);
    tcase_add_loop_test(t, truth_of_points, 0, SCENES);
    suite_add_tcase(s, t);
    return s;
}
