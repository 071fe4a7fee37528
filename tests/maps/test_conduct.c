/* Maps of live and failing sources, refusals, threads, failing allocations, cancelling. */
#include "common.h"

/* ---- a host's source: live, failing, one reader at a time -------------------------------------------------------- */

typedef struct host {
    size_t ready, broken; /* frames that exist; the frame that cannot be read */
    int inside;
} host;

static int host_read(void *user, size_t first, size_t count, void *destination)
{
    host *h = user;
    ck_assert_int_eq(h->inside++, 0);
    ck_assert_uint_le(first + count, h->ready);
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < 12; p++)
            ((uint8_t *)destination)[i * 12 + p] = (uint8_t)(first + i + p);
    h->inside--;
    return h->broken >= first && h->broken < first + count;
}

static size_t host_available(void *user)
{
    return ((host *)user)->ready;
}

START_TEST(live_source)
{
    cepman_context *ctx = support_begin(3);
    host h = {6, SIZE_MAX, 0};
    cepman_frame_source source = {sizeof source, &h, host_read, host_available, NULL, 0};
    cepman_dataset *d = NULL;
    assert_good(ctx, cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U8, 2, 5, 3, 4));
    float map[10], y[10], x[10], mean[12];
    assert_good(ctx, cepman_maps_virtual(map, ctx, d, 0, 0, 0, 0.5));
    assert_good(ctx, cepman_maps_centre_of_mass(y, x, ctx, d));
    for (size_t f = 0; f < 10; f++) {
        if (f < 6) {
            ck_assert_double_eq((double)map[f], (double)f);
            ck_assert(isfinite(y[f]) && isfinite(x[f]));
        } else {
            ck_assert(isnan(map[f]) && isnan(y[f]) && isnan(x[f]));
        }
    }
    assert_good(ctx, cepman_maps_statistics(mean, NULL, NULL, ctx, d));
    ck_assert_double_eq_tol((double)mean[5], 7.5, 1e-6);
    cepman_labels *labels = NULL;
    cepman_matrix *means = NULL;
    assert_good(ctx, cepman_labels_copy(&labels, ctx, (int32_t[]){0, 0, 1, 1, 1, -1, 0, 0, 0, 0}, 10));
    assert_good(ctx, cepman_maps_cluster_means(&means, ctx, d, labels));
    ck_assert_double_eq((double)cepman_matrix_row(means, 0)[0], 0.5);
    ck_assert_double_eq((double)cepman_matrix_row(means, 1)[1], 4);
    ck_assert_double_eq((double)cepman_matrix_row(means, 2)[0], 5);
    cepman_matrix_unref(means);
    /* A read that fails leaves the outputs alone; so does an empty source. */
    for (int empty = 0; empty < 2; empty++) {
        cepman_status want = empty ? CEPMAN_ERR_DATA : CEPMAN_ERR_CALLBACK;
        if (empty) h.ready = 0;
        h.broken = 3;
        map[0] = y[0] = x[0] = mean[0] = 77;
        means = NULL;
        double cy = 77;
        assert_status(ctx, cepman_maps_virtual(map, ctx, d, 0, 0, 0, 0.5), want);
        assert_status(ctx, cepman_maps_centre_of_mass(y, x, ctx, d), want);
        assert_status(ctx, cepman_maps_statistics(mean, mean, mean, ctx, d), want);
        assert_status(ctx, cepman_maps_cluster_means(&means, ctx, d, labels), want);
        assert_status(ctx, cepman_maps_beam(&cy, &cy, &cy, ctx, d), want);
        ck_assert(map[0] == 77 && y[0] == 77 && x[0] == 77 && mean[0] == 77 && cy == 77 && !means);
    }
    cepman_labels_unref(labels);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

START_TEST(refusals)
{
    cepman_context *ctx = support_begin(1);
    scan s = make_scan(ctx, 2, 2, 4, 4, CEPMAN_TYPE_U16, false);
    float out[16];
    double v;
    cepman_matrix *m = NULL;
    cepman_labels *labels = NULL;
    assert_good(ctx, cepman_labels_copy(&labels, ctx, (int32_t[]){0, 1, 0}, 3));
    assert_status(ctx, cepman_maps_virtual(NULL, ctx, s.dataset, 0, 0, 0, 1), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_maps_virtual(out, ctx, NULL, 0, 0, 0, 1), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, cepman_maps_virtual(out, ctx, s.dataset, 0, 0, 2, 1), CEPMAN_ERR_RANGE, "2 to 1");
    assert_status(ctx, cepman_maps_virtual(out, ctx, s.dataset, 0, 0, (double)NAN, 1), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_maps_virtual(out, ctx, s.dataset, (double)NAN, 0, 0, 1), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_maps_virtual(out, ctx, s.dataset, 90, 90, 0, 1), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_maps_centre_of_mass(out, NULL, ctx, s.dataset), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, cepman_maps_cluster_means(&m, ctx, s.dataset, labels), CEPMAN_ERR_SHAPE, "3 labels");
    assert_status(ctx, cepman_maps_cluster_means(&m, ctx, s.dataset, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_maps_cluster_means(NULL, ctx, s.dataset, labels), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_maps_differences(&m, ctx, NULL, 0), CEPMAN_ERR_ARGUMENT);
    cepman_labels_unref(labels);
    /* A label beyond any memory. */
    assert_good(ctx, cepman_context_set_memory_limit(ctx, 1 << 28));
    assert_good(ctx, cepman_labels_copy(&labels, ctx, (int32_t[]){0, INT32_MAX, 0, 1}, 4));
    assert_fails(ctx, cepman_maps_cluster_means(&m, ctx, s.dataset, labels), CEPMAN_ERR_LIMIT, "mean frames");
    cepman_matrix *two = support_normals(ctx, 2, 3, 1);
    assert_fails(ctx, cepman_maps_differences(&m, ctx, two, 3), CEPMAN_ERR_RANGE, "there are 2 means");
    cepman_matrix_unref(two);
    uint16_t flat[16] = {0};
    cepman_dataset *d = NULL;
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, flat, CEPMAN_TYPE_U16, 1, 1, 4, 4, NULL, NULL));
    assert_fails(ctx, cepman_maps_beam(&v, &v, &v, ctx, d), CEPMAN_ERR_DATA, "same everywhere");
    cepman_dataset_unref(d);
    ck_assert_ptr_null(m);
    cepman_labels_unref(labels);
    free_scan(&s);
    support_end(ctx);
}
END_TEST

/* All maps of a scan; out holds their bytes. */
static cepman_status all_maps(cepman_context *ctx, const scan *s, cepman_labels *labels, float *out)
{
    size_t n = pixels_of(s), f = frames_of(s);
    double beam[3] = {0, 0, 0};
    cepman_matrix *m = NULL, *d = NULL;
    cepman_status status = cepman_maps_virtual(out, ctx, s->dataset, 3, 3, 1, 30);
    if (!status) status = cepman_maps_centre_of_mass(out + f, out + 2 * f, ctx, s->dataset);
    if (!status)
        status = cepman_maps_statistics(out + 3 * f, out + 3 * f + n, out + 3 * f + 2 * n, ctx, s->dataset);
    if (!status) status = cepman_maps_beam(&beam[0], &beam[1], &beam[2], ctx, s->dataset);
    if (!status) status = cepman_maps_cluster_means(&m, ctx, s->dataset, labels);
    if (!status) status = cepman_maps_differences(&d, ctx, m, 2);
    for (size_t i = 0; !status && i < 3; i++)
        memcpy(out + 3 * f + (3 + i) * n, i < 2 ? cepman_matrix_row(m, i) : cepman_matrix_row(d, 0),
               n * sizeof *out);
    if (!status) memcpy(out + 3 * f + 6 * n, beam, sizeof beam);
    cepman_matrix_unref(m);
    cepman_matrix_unref(d);
    return status;
}

static cepman_labels *halves(cepman_context *ctx, size_t frames)
{
    int32_t *label = malloc(frames * sizeof *label);
    for (size_t i = 0; i < frames; i++)
        label[i] = (int32_t)(i % 3) - 1;
    cepman_labels *labels = NULL;
    assert_good(ctx, cepman_labels_copy(&labels, ctx, label, frames));
    free(label);
    return labels;
}

START_TEST(same_bits_for_any_threads)
{
    cepman_context *ctx = support_begin(1);
    scan s = make_scan(ctx, 30, 31, 100, 101, _i ? CEPMAN_TYPE_F32 : CEPMAN_TYPE_U16, _i);
    cepman_labels *labels = halves(ctx, frames_of(&s));
    size_t size = 3 * frames_of(&s) + 6 * pixels_of(&s) + 6;
    float *one = calloc(size, 4), *three = calloc(size, 4);
    assert_good(ctx, all_maps(ctx, &s, labels, one));
    assert_good(ctx, cepman_context_set_threads(ctx, 3));
    assert_good(ctx, all_maps(ctx, &s, labels, three));
    ck_assert_int_eq(memcmp(one, three, size * 4), 0);
    free(one);
    free(three);
    cepman_labels_unref(labels);
    free_scan(&s);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(2);
    scan s = make_scan(ctx, 3, 4, 8, 9, CEPMAN_TYPE_F32, true);
    cepman_labels *labels = halves(ctx, 12);
    float out[3 * 12 + 6 * 72 + 6];
    for (long fail = 0;; fail++) {
        support_fail_at(fail);
        cepman_status status = all_maps(ctx, &s, labels, out);
        support_fail_at(-1);
        if (!status) {
            ck_assert_int_gt(fail, 20);
            break;
        }
        ck_assert_int_eq(status, CEPMAN_ERR_MEMORY);
    }
    cepman_labels_unref(labels);
    free_scan(&s);
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
    scan s = make_scan(ctx, 3, 4, 8, 9, CEPMAN_TYPE_U16, false);
    cepman_labels *labels = halves(ctx, 12);
    float out[3 * 12 + 6 * 72 + 6];
    int left, cancelled = 0;
    assert_good(ctx, cepman_context_set_cancel(ctx, stop_later, &left));
    for (int polls = 0; polls < 100; polls++) {
        left = polls;
        cepman_status status = all_maps(ctx, &s, labels, out);
        if (!status) break;
        ck_assert_int_eq(status, CEPMAN_ERR_CANCELLED);
        cancelled++;
    }
    ck_assert(cancelled > 5 && cancelled < 100);
    cepman_labels_unref(labels);
    free_scan(&s);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("maps");
    TCase *t = tcase_create("conduct");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, live_source);
    tcase_add_test(t, refusals);
    tcase_add_loop_test(t, same_bits_for_any_threads, 0, 2);
    tcase_add_test(t, failing_allocations);
    tcase_add_loop_test(t, cancel, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
