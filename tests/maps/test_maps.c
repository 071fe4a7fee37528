/* Maps against naive loops, on integers and floats, with masks and values that are not finite. */
#include "common.h"

/* rows, columns, height, width, masked, float */
static const size_t shapes[][6] = {
    {1, 1, 1, 1, 0, 0}, {3, 5, 7, 9, 0, 0},    {3, 5, 7, 9, 1, 0},       {4, 4, 6, 5, 0, 1},
    {4, 4, 6, 5, 1, 1}, {1, 13, 70, 75, 1, 1}, {20, 30, 128, 128, 0, 0}, {1, 9, 1, 33, 0, 1},
};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static scan numbered(cepman_context *ctx, int i)
{
    const size_t *p = shapes[i];
    return make_scan(ctx, p[0], p[1], p[2], p[3], p[5] ? CEPMAN_TYPE_F32 : CEPMAN_TYPE_U16, p[4]);
}

START_TEST(virtual_detectors)
{
    cepman_context *ctx = support_begin(1 + (unsigned)_i % 3);
    scan s = numbered(ctx, _i);
    float *map = malloc(frames_of(&s) * sizeof *map);
    static const double rings[][4] = {{0, 0, 0, 1.5}, {2, 2.5, 0, 3}, {3, 3, 1.5, 4}, {0, 0, 0, 1e9}};
    for (size_t k = 0; k < 4; k++) {
        const double *q = rings[k];
        size_t used = 0;
        for (size_t p = 0; p < pixels_of(&s); p++) {
            double d = hypot((double)(p / s.width) - q[0], (double)(p % s.width) - q[1]);
            used += d >= q[2] && d < q[3] && !(s.mask && s.mask[p]);
        }
        if (!used) {
            assert_status(ctx, cepman_maps_virtual(map, ctx, s.dataset, q[0], q[1], q[2], q[3]),
                          CEPMAN_ERR_RANGE);
            continue;
        }
        assert_good(ctx, cepman_maps_virtual(map, ctx, s.dataset, q[0], q[1], q[2], q[3]));
        for (size_t f = 0; f < frames_of(&s); f++) {
            double sum = 0;
            for (size_t p = 0; p < pixels_of(&s); p++) {
                float v = s.values[f * pixels_of(&s) + p];
                double d = hypot((double)(p / s.width) - q[0], (double)(p % s.width) - q[1]);
                if (d >= q[2] && d < q[3] && counts(&s, p, v)) sum += (double)v;
            }
            ck_assert_double_eq_tol((double)map[f], sum, 1e-6 * fabs(sum) + 1e-6);
        }
    }
    free(map);
    free_scan(&s);
    support_end(ctx);
}
END_TEST

START_TEST(statistics)
{
    cepman_context *ctx = support_begin(1 + (unsigned)_i % 3);
    scan s = numbered(ctx, _i);
    size_t n = pixels_of(&s);
    float *mean = malloc(n * 4), *deviation = malloc(n * 4), *most = malloc(n * 4), *again = malloc(n * 4);
    assert_good(ctx, cepman_maps_statistics(mean, deviation, most, ctx, s.dataset));
    for (size_t p = 0; p < n; p++) {
        double sum = 0, square = 0, number = 0, high = -HUGE_VAL;
        for (size_t f = 0; f < frames_of(&s); f++) {
            float v = s.values[f * n + p];
            if (!counts(&s, p, v)) continue;
            sum += (double)v;
            number++;
            high = fmax(high, (double)v);
        }
        double m = number > 0 ? sum / number : 0;
        for (size_t f = 0; f < frames_of(&s); f++) {
            float v = s.values[f * n + p];
            if (counts(&s, p, v)) square += ((double)v - m) * ((double)v - m);
        }
        ck_assert_double_eq_tol((double)mean[p], m, 1e-6 * fabs(m) + 1e-6);
        ck_assert_double_eq_tol((double)deviation[p], number > 0 ? sqrt(square / number) : 0, 1e-3);
        ck_assert_double_eq((double)most[p], number > 0 ? high : 0);
    }
    assert_good(ctx, cepman_maps_statistics(NULL, NULL, again, ctx, s.dataset));
    ck_assert_int_eq(memcmp(again, most, n * 4), 0);
    free(mean);
    free(deviation);
    free(most);
    free(again);
    free_scan(&s);
    support_end(ctx);
}
END_TEST

START_TEST(centres_of_mass)
{
    cepman_context *ctx = support_begin(1 + (unsigned)_i % 3);
    scan s = numbered(ctx, _i);
    size_t n = pixels_of(&s);
    float *y = malloc(frames_of(&s) * 4), *x = malloc(frames_of(&s) * 4);
    assert_good(ctx, cepman_maps_centre_of_mass(y, x, ctx, s.dataset));
    for (size_t f = 0; f < frames_of(&s); f++) {
        double sum = 0, sy = 0, sx = 0;
        for (size_t p = 0; p < n; p++) {
            float v = s.values[f * n + p];
            if (!counts(&s, p, v)) continue;
            sum += (double)v;
            sy += (double)v * (double)(p / s.width);
            sx += (double)v * (double)(p % s.width);
        }
        if (sum > 0) {
            ck_assert_double_eq_tol((double)y[f], sy / sum, 1e-4);
            ck_assert_double_eq_tol((double)x[f], sx / sum, 1e-4);
        } else {
            ck_assert(isnan(y[f]) && isnan(x[f]));
        }
    }
    free(y);
    free(x);
    free_scan(&s);
    support_end(ctx);
}
END_TEST

START_TEST(means_of_clusters)
{
    cepman_context *ctx = support_begin(1 + (unsigned)_i % 3);
    scan s = numbered(ctx, _i);
    size_t n = pixels_of(&s), frames = frames_of(&s);
    for (int kind = 0; kind < 3; kind++) {
        /* Random labels with a gap; all noise; all one. */
        int32_t *label = malloc(frames * sizeof *label);
        support_random r = {5};
        for (size_t f = 0; f < frames; f++) {
            int32_t k = (int32_t)(6 * support_uniform(&r)) - 2;
            label[f] = kind == 1 ? -1 : kind == 2 ? 0 : k == 1 ? 4 : k;
        }
        cepman_labels *labels = NULL;
        cepman_matrix *means = NULL, *pairs = NULL;
        assert_good(ctx, cepman_labels_copy(&labels, ctx, label, frames));
        size_t clusters = cepman_labels_clusters(labels), row = 0;
        assert_good(ctx, cepman_maps_cluster_means(&means, ctx, s.dataset, labels));
        ck_assert_uint_eq(cepman_matrix_rows(means), clusters + 1);
        ck_assert_uint_eq(cepman_matrix_columns(means), n);
        for (size_t k = 0; k <= clusters; k++)
            for (size_t p = 0; p < n; p++) {
                double sum = 0, number = 0;
                for (size_t f = 0; f < frames; f++) {
                    float v = s.values[f * n + p];
                    bool mine = k == clusters ? label[f] < 0 : label[f] == (int32_t)k;
                    if (!mine || !counts(&s, p, v)) continue;
                    sum += (double)v;
                    number++;
                }
                double want = number > 0 ? sum / number : 0;
                ck_assert_double_eq_tol((double)cepman_matrix_row(means, k)[p], want,
                                        1e-6 * fabs(want) + 1e-7);
            }
        assert_good(ctx, cepman_maps_differences(&pairs, ctx, means, clusters));
        ck_assert_uint_eq(cepman_matrix_rows(pairs), clusters ? clusters * (clusters - 1) / 2 : 0);
        for (size_t i = 0; i < clusters; i++)
            for (size_t j = i + 1; j < clusters; j++, row++)
                for (size_t p = 0; p < n; p++) {
                    float want = cepman_matrix_row(means, i)[p] - cepman_matrix_row(means, j)[p];
                    ck_assert(cepman_matrix_row(pairs, row)[p] == want);
                }
        cepman_matrix_unref(pairs);
        cepman_matrix_unref(means);
        cepman_labels_unref(labels);
        free(label);
    }
    free_scan(&s);
    support_end(ctx);
}
END_TEST

/* A disk at a known place over a background with weaker disks around it. */
START_TEST(direct_beam)
{
    static const double radii[] = {0.5, 1.5, 4, 9};
    enum { h = 70, w = 83 };
    cepman_context *ctx = support_begin(2);
    for (int at = 0; at < 4; at++) {
        double cy = 31.3 + 2.2 * at, cx = 44.7 - 3.1 * at, r = radii[_i];
        static float image[2 * h * w];
        for (size_t i = 0; i < h * w; i++) {
            image[i] = 5;
            for (int k = 0; k < 5; k++) {
                double y = cy + (k == 1 ? 22 : k == 2 ? -22 : 0), x = cx + (k == 3 ? 22 : k == 4 ? -22 : 0);
                double cover = r + 0.5 - hypot((double)(i / w) - y, (double)(i % w) - x);
                cover = cover < 0 ? 0 : cover > 1 ? 1 : cover;
                image[i] += (float)(cover * (k ? 300 : 1000));
            }
            image[h * w + i] = image[i] * 2;
        }
        /* A dead pixel, and a hot one that the mask hides. */
        image[3 * w + 3] = NAN;
        uint8_t mask[h * w] = {0};
        mask[5 * w + 60] = 1;
        image[5 * w + 60] = 1e9f;
        cepman_dataset *whole = NULL, *d = NULL;
        assert_good(ctx, cepman_dataset_wrap(&whole, ctx, image, CEPMAN_TYPE_F32, 1, 2, h, w, NULL, NULL));
        assert_good(ctx, cepman_dataset_view_masked(&d, ctx, whole, mask));
        double y, x, found;
        assert_good(ctx, cepman_maps_beam(&y, &x, &found, ctx, d));
        ck_assert_double_eq_tol(y, cy, 0.3);
        ck_assert_double_eq_tol(x, cx, 0.3);
        ck_assert_double_eq_tol(found, r, r < 1 ? 0.9 : 0.45);
        assert_good(ctx, cepman_maps_beam(NULL, NULL, NULL, ctx, d));
        cepman_dataset_unref(d);
        cepman_dataset_unref(whole);
    }
    support_end(ctx);
}
END_TEST

START_TEST(colours)
{
    cepman_context *ctx = support_begin(1);
    int32_t label[101];
    uint8_t rgb[303];
    for (int i = 0; i < 101; i++)
        label[i] = i - 1;
    cepman_labels *labels = NULL;
    assert_good(ctx, cepman_labels_copy(&labels, ctx, label, 101));
    assert_good(ctx, cepman_maps_label_colours(rgb, ctx, labels));
    ck_assert(rgb[0] == 0 && rgb[1] == 0 && rgb[2] == 0);
    /* Okabe and Ito's orange and sky blue come first; all differ, and none is near black. */
    ck_assert_int_eq(memcmp(rgb + 3, (uint8_t[]){230, 159, 0, 86, 180, 233}, 6), 0);
    for (int i = 1; i < 101; i++) {
        ck_assert_int_gt(rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2], 60);
        for (int j = 1; j < i; j++)
            ck_assert_msg(memcmp(rgb + 3 * i, rgb + 3 * j, 3) != 0, "labels %d and %d look the same", i - 1,
                          j - 1);
    }
    cepman_labels_unref(labels);
    assert_good(ctx, cepman_labels_copy(&labels, ctx, (int32_t[]){INT32_MAX, -7}, 2));
    assert_good(ctx, cepman_maps_label_colours(rgb, ctx, labels));
    ck_assert_int_eq(rgb[3] + rgb[4] + rgb[5], 0);
    assert_status(ctx, cepman_maps_label_colours(NULL, ctx, labels), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_maps_label_colours(rgb, ctx, NULL), CEPMAN_ERR_ARGUMENT);
    cepman_labels_unref(labels);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("maps");
    TCase *t = tcase_create("maps");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, virtual_detectors, 0, N_SHAPES);
    tcase_add_loop_test(t, statistics, 0, N_SHAPES);
    tcase_add_loop_test(t, centres_of_mass, 0, N_SHAPES);
    tcase_add_loop_test(t, means_of_clusters, 0, N_SHAPES);
    tcase_add_loop_test(t, direct_beam, 0, 4);
    tcase_add_test(t, colours);
    suite_add_tcase(s, t);
    return s;
}
