/* Cepstra of a real scan against published formulas, computed elsewhere in double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cepstrum.h"
#include "support.h"

/* Values of one formula: the object behind a key that begins with `name`. */
static const char *object_of(const char *json, const char *name)
{
    const char *p = strstr(json, name);
    ck_assert_msg(p != NULL, "no formula %s in the reference", name);
    return p;
}

static double number_of(const char *object, const char *key)
{
    const char *p = strstr(object, key);
    ck_assert_ptr_nonnull(p);
    p = strchr(p, ':') + 1;
    return strtod(p + strspn(p, " [\n\r\t"), NULL);
}

static const char *const formulas[][2] = {{"padgett", "\"muller_py"},
                                          {"round-hann", "\"SingleOrigin"},
                                          {"squared", "\"py4DSTEM filter"},
                                          {"double-log", "\"Shi getFFT"}};

START_TEST(real_scan)
{
    const char *scan = support_data("blo/test1.blo"), *reference = support_data("golden_ewpc_test1_blo.json");
    if (!scan || !reference) return;
    char *json = (char *)support_read(reference, NULL);
    const char *want = object_of(json, formulas[_i][1]);
    cepman_context *ctx = support_begin(2);
    cepman_dataset *frames = NULL, *planes = NULL;
    cepman_options *o = NULL;
    cepman_cepstrum *c = NULL;
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_dataset_open(&frames, ctx, scan, NULL));
    assert_good(ctx, cepman_cepstrum_options_create(&o, ctx));
    assert_good(ctx, cepman_options_parse(o, ctx, "preset", formulas[_i][0]));
    assert_good(ctx, cepman_options_parse(o, ctx, "scale", "none"));
    assert_good(ctx, cepman_options_parse(o, ctx, "ring-in", "5"));
    assert_good(ctx, cepman_options_parse(o, ctx, "ring-out", "64"));
    assert_good(ctx, cepman_cepstrum_create(&c, ctx, frames, o));
    assert_good(ctx, cepman_cepstrum_dataset(&planes, ctx, c, frames));
    assert_good(ctx, cepman_cepstrum_run(&m, ctx, c, frames));
    const size_t n = cepman_cepstrum_image_height(c), count = cepman_dataset_frames(planes);
    ck_assert_uint_eq(n, 144);
    ck_assert_uint_eq(count, 6);
    float *plane = malloc(count * n * n * sizeof *plane);
    assert_good(ctx, cepman_dataset_read_f32(planes, ctx, 0, count, plane, count * n * n));
    const double centre = number_of(want, "\"center\"");
    ck_assert_double_eq_tol((double)plane[n / 2 * n + n / 2], centre, 1e-6 * centre);
    const char *list = strstr(want, "\"max_over_frames\"");
    list = strchr(list, '[') + 1;
    for (size_t f = 0; f < count; f++) {
        double most = 0, sum = 0, most_feature = 0;
        for (size_t y = 0; y < n; y++)
            for (size_t x = 0; x < n; x++) {
                double r = hypot((double)y - (double)(n / 2), (double)x - (double)(n / 2));
                if (r < 5 || r > 64) continue;
                double v = (double)plane[f * n * n + y * n + x];
                sum += v;
                most = v > most ? v : most;
            }
        for (size_t j = 0; j < cepman_matrix_columns(m); j++) {
            double v = (double)cepman_matrix_row(m, f)[j];
            most_feature = v > most_feature ? v : most_feature;
        }
        char *end;
        const double expected = strtod(list, &end);
        list = end + 1;
        ck_assert_double_eq_tol(most, expected, 1e-5 * expected);
        ck_assert_double_eq_tol(most_feature, expected, 1e-5 * expected);
        if (f == 0) {
            const double total = number_of(want, "\"ring_sum\"");
            ck_assert_double_eq_tol(sum, total, 1e-5 * total);
            ck_assert_double_eq_tol(most, number_of(want, "\"ring5_64_max\""), 1e-5 * most);
        }
    }
    free(plane);
    free(json);
    cepman_matrix_unref(m);
    cepman_cepstrum_unref(c);
    cepman_options_unref(o);
    cepman_dataset_unref(planes);
    cepman_dataset_unref(frames);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cepstrum golden");
    TCase *t = tcase_create("golden");
    tcase_add_loop_test(t, real_scan, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
