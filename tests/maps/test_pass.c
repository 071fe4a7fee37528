/* All maps of one reading: against naive loops, against the functions of one map, and with a source that counts.
 * Long, because all quantities stand together in one struct and one pair of loops that checks them. */
#include "common.h"

/* ---- a source that counts the readings of each frame, and one computed from it --------------------------------- */

typedef struct counting {
    const scan *s;
    size_t ready, *reads; /* reads: of each frame */
    size_t asked;         /* calls of read */
} counting;

static int counted_read(void *user, size_t first, size_t count, void *destination)
{
    counting *c = user;
    const size_t bytes = pixels_of(c->s) * cepman_type_size(c->s->type);
    ck_assert_uint_le(first + count, c->ready);
    memcpy(destination, (const char *)c->s->raw + first * bytes, count * bytes);
    for (size_t i = 0; i < count; i++)
        c->reads[first + i]++;
    c->asked++;
    return 0;
}

static size_t counted_available(void *user)
{
    return ((counting *)user)->ready;
}

/* Derived frames: half as high, sums of two rows and the frame's number; as double or float32. Reading them alone is
 * a mistake here: a pass has the frames already. */
typedef struct derived {
    cep_source source;
    cepman_dataset *parent;
    size_t height, width;
    bool wide;
} derived;

static cepman_status derived_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                                  void *destination)
{
    (void)source;
    (void)first;
    (void)count;
    (void)destination;
    return cep_fault_set(fault, CEPMAN_ERR_CALLBACK, "read, not derived");
}

static double derived_value(const derived *d, const float *frame, size_t number, size_t y, size_t x)
{
    double v = (double)number;
    for (size_t r = 2 * y; r < 2 * y + 2 && r < d->height; r++)
        if (isfinite(frame[r * d->width + x])) v += (double)frame[r * d->width + x];
    return v;
}

static cepman_status derive(cep_source *source, cep_fault *fault, size_t first, size_t count,
                            const void *given, void *destination)
{
    (void)fault;
    const derived *d = (const derived *)source;
    const size_t pixels = d->height * d->width, rows = (d->height + 1) / 2;
    const cepman_type type = cepman_dataset_type(d->parent);
    for (size_t i = 0; i < count; i++) {
        float frame[128];
        cep_type_to_f32(type, (const char *)given + i * pixels * cepman_type_size(type), frame, pixels);
        for (size_t y = 0; y < rows; y++)
            for (size_t x = 0; x < d->width; x++) {
                const size_t at = (i * rows + y) * d->width + x;
                const double v = derived_value(d, frame, first + i, y, x);
                if (d->wide)
                    ((double *)destination)[at] = v;
                else
                    ((float *)destination)[at] = (float)v;
            }
    }
    return CEPMAN_OK;
}

static size_t derived_available(cep_source *source)
{
    return cepman_dataset_available(((derived *)source)->parent);
}

static void derived_close(cep_source *source)
{
    cepman_dataset_unref(((derived *)source)->parent);
    free(source);
}

static cepman_dataset *make_derived(cepman_context *ctx, cepman_dataset *parent, bool wide)
{
    derived *d = calloc(1, sizeof *d);
    d->source = (cep_source){.read = derived_read,
                             .available = derived_available,
                             .close = derived_close,
                             .concurrent = true,
                             .derive = derive,
                             .parent = parent};
    d->parent = cepman_dataset_ref(parent);
    d->height = cepman_dataset_height(parent);
    d->width = cepman_dataset_width(parent);
    d->wide = wide;
    const cep_dataset_info info = {.format = "halves",
                                   .type = wide ? CEPMAN_TYPE_F64 : CEPMAN_TYPE_F32,
                                   .scan_rows = cepman_dataset_scan_rows(parent),
                                   .scan_columns = cepman_dataset_scan_columns(parent),
                                   .height = (d->height + 1) / 2,
                                   .width = d->width,
                                   .scan_step = NAN,
                                   .reciprocal_pixel = NAN};
    cepman_dataset *out = NULL;
    assert_good(ctx, cep_dataset_create(&out, ctx, &d->source, &info));
    return out;
}

/* ---- everything at once ------------------------------------------------------------------------------------------ */

enum { H = 9, W = 11, PIXELS = H * W, ROWS = 5, PARTS = ROWS * W, FRAMES = 7 * 6, CLUSTERS = 3 };

typedef struct world {
    scan s;
    counting count;
    size_t reads[FRAMES];
    cepman_dataset *frames, *halves;
    cepman_labels *labels;
    int32_t label[FRAMES];
} world;

static void make_world(cepman_context *ctx, world *w, bool floats, bool masked, size_t ready)
{
    memset(w, 0, sizeof *w);
    w->s = make_scan(ctx, 7, 6, H, W, floats ? CEPMAN_TYPE_F32 : CEPMAN_TYPE_U16, masked);
    w->count = (counting){&w->s, ready, w->reads, 0};
    cepman_frame_source source = {sizeof source, &w->count, counted_read, counted_available, NULL, 0};
    assert_good(ctx, cepman_dataset_from_source(&w->frames, ctx, &source, w->s.type, 7, 6, H, W));
    if (masked) {
        cepman_dataset *view = NULL;
        assert_good(ctx, cepman_dataset_view_masked(&view, ctx, w->frames, w->s.mask));
        cepman_dataset_unref(w->frames);
        w->frames = view;
    }
    w->halves = make_derived(ctx, w->frames, masked);
    for (size_t i = 0; i < FRAMES; i++)
        w->label[i] = (int32_t)(i * 7 % (CLUSTERS + 1)) - 1;
    assert_good(ctx, cepman_labels_copy(&w->labels, ctx, w->label, FRAMES));
}

static void free_world(world *w)
{
    cepman_labels_unref(w->labels);
    cepman_dataset_unref(w->halves);
    cepman_dataset_unref(w->frames);
    free_scan(&w->s);
}

typedef struct results {
    float bright[FRAMES], dark[FRAMES], y[FRAMES], x[FRAMES], half[FRAMES];
    float mean[PIXELS], deviation[PIXELS], maximum[PIXELS], half_mean[PARTS], half_deviation[PARTS];
    double beam[3];
    cepman_matrix *means, *half_means;
} results;

static cepman_status ask(cepman_maps_pass *p, cepman_context *ctx, const world *w, results *r)
{
    cepman_status s = cepman_maps_pass_virtual(p, ctx, r->bright, NULL, 4, 5, 0, 2.5);
    if (!s) s = cepman_maps_pass_statistics(p, ctx, r->half_mean, r->half_deviation, NULL, w->halves);
    if (!s) s = cepman_maps_pass_virtual(p, ctx, r->dark, w->frames, 4, 5, 2.5, 100);
    if (!s) s = cepman_maps_pass_centre_of_mass(p, ctx, r->y, r->x, NULL);
    if (!s) s = cepman_maps_pass_statistics(p, ctx, r->mean, r->deviation, r->maximum, NULL);
    if (!s) s = cepman_maps_pass_beam(p, ctx, &r->beam[0], &r->beam[1], &r->beam[2], NULL);
    if (!s) s = cepman_maps_pass_cluster_means(p, ctx, &r->means, NULL, w->labels);
    if (!s) s = cepman_maps_pass_cluster_means(p, ctx, &r->half_means, w->halves, w->labels);
    if (!s) s = cepman_maps_pass_virtual(p, ctx, r->half, w->halves, 1, 1, 0, 3);
    return s;
}

static cepman_status all_at_once(cepman_context *ctx, const world *w, results *r)
{
    cepman_maps_pass *p = NULL;
    cepman_status s = cepman_maps_pass_create(&p, ctx, w->frames);
    if (!s) s = ask(p, ctx, w, r);
    if (!s) s = cepman_maps_pass_run(p, ctx);
    cepman_maps_pass_unref(p);
    return s;
}

static void free_results(results *r)
{
    cepman_matrix_unref(r->means);
    cepman_matrix_unref(r->half_means);
    memset(r, 0, sizeof *r);
}

static bool same_results(const results *a, const results *b)
{
    bool same = memcmp(a, b, offsetof(results, means)) == 0;
    for (size_t k = 0; k <= CLUSTERS; k++)
        same =
            same && memcmp(cepman_matrix_row(a->means, k), cepman_matrix_row(b->means, k), PIXELS * 4) == 0 &&
            memcmp(cepman_matrix_row(a->half_means, k), cepman_matrix_row(b->half_means, k), PARTS * 4) == 0;
    return same;
}

/* What the frames say by loops over them. */
static void check_results(const world *w, const results *r)
{
    const size_t ready = w->count.ready;
    const scan *s = &w->s;
    const derived d = {.height = H, .width = W};
    for (size_t f = 0; f < FRAMES; f++) {
        double inside = 0, outside = 0, sum = 0, sy = 0, sx = 0, half = 0;
        if (f >= ready) {
            ck_assert(isnan(r->bright[f]) && isnan(r->dark[f]) && isnan(r->y[f]) && isnan(r->half[f]));
            continue;
        }
        const float *frame = s->values + f * PIXELS;
        for (size_t p = 0; p < PIXELS; p++) {
            const double at = hypot((double)(p / W) - 4, (double)(p % W) - 5), v = (double)frame[p];
            if (!counts(s, p, frame[p])) continue;
            *(at < 2.5 ? &inside : &outside) += v;
            sum += v;
            sy += v * (double)(p / W);
            sx += v * (double)(p % W);
        }
        for (size_t p = 0; p < PARTS; p++)
            if (hypot((double)(p / W) - 1, (double)(p % W) - 1) < 3)
                half += derived_value(&d, frame, f, p / W, p % W);
        ck_assert_double_eq_tol((double)r->bright[f], inside, 1e-5 * fabs(inside) + 1e-5);
        ck_assert_double_eq_tol((double)r->dark[f], outside, 1e-5 * fabs(outside) + 1e-5);
        ck_assert_double_eq_tol((double)r->half[f], half, 1e-5 * fabs(half) + 1e-5);
        ck_assert_double_eq_tol((double)r->y[f], sy / sum, 1e-4);
        ck_assert_double_eq_tol((double)r->x[f], sx / sum, 1e-4);
    }
    for (size_t k = 0; k <= CLUSTERS + 1; k++) /* clusters, noise, and all frames together */
        for (size_t p = 0; p < PIXELS + PARTS; p++) {
            const bool part = p >= PIXELS;
            double sum = 0, square = 0, n = 0, most = -HUGE_VAL;
            for (size_t f = 0; f < ready; f++) {
                const int32_t own = w->label[f] < 0 ? CLUSTERS : w->label[f];
                const float *frame = s->values + f * PIXELS;
                const size_t q = p - PIXELS;
                if (k <= CLUSTERS && own != (int32_t)k) continue;
                if (!part && !counts(s, p, frame[p])) continue;
                const double v = part ? derived_value(&d, frame, f, q / W, q % W) : (double)frame[p];
                sum += v;
                square += v * v;
                most = fmax(most, v);
                n++;
            }
            const double mean = n > 0 ? sum / n : 0, tolerance = 1e-6 * fabs(mean) + 1e-5;
            const double deviation = n > 0 ? sqrt(fmax(square / n - mean * mean, 0)) : 0;
            if (k <= CLUSTERS) {
                const cepman_matrix *m = part ? r->half_means : r->means;
                ck_assert_double_eq_tol((double)cepman_matrix_row(m, k)[part ? p - PIXELS : p], mean,
                                        tolerance);
            } else if (part) {
                ck_assert_double_eq_tol((double)r->half_mean[p - PIXELS], mean, tolerance);
                ck_assert_double_eq_tol((double)r->half_deviation[p - PIXELS], deviation, 1e-3);
            } else {
                ck_assert_double_eq_tol((double)r->mean[p], mean, tolerance);
                ck_assert_double_eq_tol((double)r->deviation[p], deviation, 1e-3);
                ck_assert_double_eq((double)r->maximum[p], n > 0 ? most : 0);
            }
        }
}

/* floats, masked, frames that are there */
static const size_t worlds[][3] = {{0, 0, FRAMES}, {0, 1, FRAMES}, {1, 0, FRAMES},
                                   {1, 1, FRAMES}, {0, 0, 17},     {1, 1, 1}};
enum { N_WORLDS = sizeof worlds / sizeof *worlds };

START_TEST(everything_from_one_reading)
{
    cepman_context *ctx = support_begin(1 + (unsigned)_i % 3);
    world w;
    results r = {0};
    make_world(ctx, &w, worlds[_i][0], worlds[_i][1], worlds[_i][2]);
    assert_good(ctx, all_at_once(ctx, &w, &r));
    for (size_t i = 0; i < FRAMES; i++)
        ck_assert_uint_eq(w.reads[i], i < w.count.ready);
    check_results(&w, &r);
    free_results(&r);
    free_world(&w);
    support_end(ctx);
}
END_TEST

START_TEST(same_bits_as_one_by_one)
{
    cepman_context *ctx = support_begin(2);
    world w;
    static results a, b; /* zeros between their members too */
    make_world(ctx, &w, worlds[_i][0], worlds[_i][1], worlds[_i][2]);
    assert_good(ctx, all_at_once(ctx, &w, &a));
    memcpy(&b, &a, sizeof b); /* what a single function has no word for stays */
    b.means = NULL;
    assert_good(ctx, cepman_maps_virtual(b.bright, ctx, w.frames, 4, 5, 0, 2.5));
    assert_good(ctx, cepman_maps_virtual(b.dark, ctx, w.frames, 4, 5, 2.5, 100));
    assert_good(ctx, cepman_maps_centre_of_mass(b.y, b.x, ctx, w.frames));
    assert_good(ctx, cepman_maps_statistics(b.mean, b.deviation, b.maximum, ctx, w.frames));
    assert_good(ctx, cepman_maps_beam(&b.beam[0], &b.beam[1], &b.beam[2], ctx, w.frames));
    assert_good(ctx, cepman_maps_cluster_means(&b.means, ctx, w.frames, w.labels));
    ck_assert(same_results(&a, &b));
    ck_assert_uint_eq(w.reads[0], 7);
    cepman_matrix_unref(b.means);
    free_results(&a);
    free_world(&w);
    support_end(ctx);
}
END_TEST

/* Batches from all frames down to one, one thread and three. */
START_TEST(same_bits_for_any_batch)
{
    cepman_context *ctx = support_begin(1);
    world w;
    static results first, r;
    make_world(ctx, &w, _i, _i, FRAMES);
    size_t tried = 0, asked[2] = {0, 0};
    assert_good(ctx, all_at_once(ctx, &w, &first));
    for (unsigned threads = 1; threads <= 3; threads += 2)
        for (size_t room = (size_t)1 << 20; room > 1000; room = room * 3 / 4) {
            assert_good(ctx, cepman_context_set_threads(ctx, threads));
            assert_good(ctx, cepman_context_set_memory_limit(ctx, cepman_context_memory_used(ctx) + room));
            w.count.asked = 0;
            cepman_status s = all_at_once(ctx, &w, &r);
            if (s) {
                ck_assert_int_eq(s, CEPMAN_ERR_LIMIT);
            } else {
                ck_assert(same_results(&first, &r));
                if (!asked[0]) asked[0] = w.count.asked;
                asked[1] = w.count.asked;
                tried++;
            }
            assert_good(ctx, cepman_context_set_memory_limit(ctx, 0));
            free_results(&r);
        }
    ck_assert_uint_ge(tried, 12);
    ck_assert_uint_gt(asked[1], asked[0]); /* the blocks did become smaller */
    free_results(&first);
    free_world(&w);
    support_end(ctx);
}
END_TEST

START_TEST(refusals)
{
    cepman_context *ctx = support_begin(1);
    world w, other;
    float out[PIXELS];
    double v = 77;
    cepman_matrix *m = NULL;
    cepman_maps_pass *p = NULL;
    make_world(ctx, &w, false, false, FRAMES);
    make_world(ctx, &other, false, false, FRAMES);
    assert_status(ctx, cepman_maps_pass_create(NULL, ctx, w.frames), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, cepman_maps_pass_create(&p, ctx, NULL), CEPMAN_ERR_ARGUMENT, "dataset is NULL");
    ck_assert_int_eq(cepman_maps_pass_create(&p, NULL, w.frames), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(p);
    cepman_maps_pass_unref(NULL);
    assert_status(ctx, cepman_maps_pass_run(NULL, ctx), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_maps_pass_statistics(NULL, ctx, out, out, out, NULL), CEPMAN_ERR_ARGUMENT);
    assert_good(ctx, cepman_maps_pass_create(&p, ctx, w.frames));
    assert_good(ctx, cepman_maps_pass_run(p, ctx)); /* nothing asked, nothing read */
    ck_assert_uint_eq(w.count.asked, 0);
    assert_status(ctx, cepman_maps_pass_virtual(p, ctx, NULL, NULL, 0, 0, 0, 1), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_maps_pass_virtual(p, ctx, out, NULL, 0, 0, 2, 1), CEPMAN_ERR_RANGE);
    assert_status(ctx, cepman_maps_pass_centre_of_mass(p, ctx, out, NULL, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_maps_pass_cluster_means(p, ctx, &m, NULL, NULL), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, cepman_maps_pass_statistics(p, ctx, out, NULL, NULL, other.frames), CEPMAN_ERR_ARGUMENT,
                 "nor computed from its frames");
    assert_fails(ctx, cepman_maps_pass_beam(p, ctx, &v, &v, &v, other.halves), CEPMAN_ERR_ARGUMENT, "halves");
    assert_status(ctx, cepman_maps_beam_sampled(&v, &v, &v, ctx, w.frames, 0), CEPMAN_ERR_RANGE);
    /* A pass without frames leaves everything alone; run again once frames are there, it gives them. */
    results r = {0};
    r.mean[3] = r.bright[3] = 77;
    assert_good(ctx, ask(p, ctx, &w, &r));
    w.count.ready = 0;
    assert_status(ctx, cepman_maps_pass_run(p, ctx), CEPMAN_ERR_DATA);
    ck_assert(r.mean[3] == 77 && r.bright[3] == 77 && !r.means && v == 77 && !m);
    for (w.count.ready = 5; w.count.ready <= FRAMES; w.count.ready += 37) {
        assert_good(ctx, cepman_maps_pass_run(p, ctx));
        check_results(&w, &r);
        free_results(&r);
    }
    cepman_maps_pass_unref(p);
    free_world(&other);
    free_world(&w);
    support_end(ctx);
}
END_TEST

/* One quantity that fails keeps all others back: a flat mean frame has no beam. */
START_TEST(all_or_none)
{
    cepman_context *ctx = support_begin(1);
    uint16_t flat[2 * 12];
    float mean[12] = {77};
    double y = 77;
    cepman_dataset *d = NULL;
    cepman_maps_pass *p = NULL;
    for (size_t i = 0; i < 24; i++)
        flat[i] = 4;
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, flat, CEPMAN_TYPE_U16, 1, 2, 3, 4, NULL, NULL));
    assert_good(ctx, cepman_maps_pass_create(&p, ctx, d));
    assert_good(ctx, cepman_maps_pass_statistics(p, ctx, mean, NULL, NULL, NULL));
    assert_good(ctx, cepman_maps_pass_beam(p, ctx, &y, NULL, NULL, NULL));
    assert_fails(ctx, cepman_maps_pass_run(p, ctx), CEPMAN_ERR_DATA, "same everywhere");
    ck_assert(mean[0] == 77 && y == 77);
    cepman_maps_pass_unref(p);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

/* A sample reads as many frames as it says, each once, over the whole scan; the whole is the whole. */
START_TEST(sampled_beam)
{
    cepman_context *ctx = support_begin(2);
    world w;
    double a[3], b[3];
    make_world(ctx, &w, true, true, FRAMES);
    assert_good(ctx, cepman_maps_beam_sampled(&a[0], &a[1], &a[2], ctx, w.frames, 10));
    size_t read = 0, early = 0;
    for (size_t i = 0; i < FRAMES; i++) {
        ck_assert_uint_le(w.reads[i], 1);
        read += w.reads[i];
        early += i < FRAMES / 2 ? w.reads[i] : 0;
    }
    ck_assert_uint_eq(read, 10);
    ck_assert_uint_eq(early, 5);
    assert_good(ctx, cepman_maps_beam_sampled(&a[0], &a[1], &a[2], ctx, w.frames, FRAMES + _i));
    assert_good(ctx, cepman_maps_beam(&b[0], &b[1], &b[2], ctx, w.frames));
    ck_assert(memcmp(a, b, sizeof a) == 0);
    free_world(&w);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(2);
    world w;
    results r = {0};
    make_world(ctx, &w, true, true, FRAMES);
    for (long fail = 0;; fail++) {
        support_fail_at(fail);
        cepman_status s = all_at_once(ctx, &w, &r);
        support_fail_at(-1);
        if (!s) {
            ck_assert_int_gt(fail, 30);
            break;
        }
        ck_assert_int_eq(s, CEPMAN_ERR_MEMORY);
        ck_assert(r.means == NULL && r.half_means == NULL && r.bright[0] == 0 && r.mean[0] == 0);
    }
    check_results(&w, &r);
    free_results(&r);
    free_world(&w);
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
    world w;
    results r = {0};
    int left, cancelled = 0;
    make_world(ctx, &w, false, false, FRAMES);
    assert_good(ctx, cepman_context_set_cancel(ctx, stop_later, &left));
    for (int polls = 0; polls < 1000; polls++) {
        left = polls;
        cepman_status s = all_at_once(ctx, &w, &r);
        if (!s) break;
        ck_assert_int_eq(s, CEPMAN_ERR_CANCELLED);
        ck_assert(!r.means && r.bright[0] == 0);
        cancelled++;
    }
    ck_assert(cancelled > 1 && cancelled < 1000);
    check_results(&w, &r);
    free_results(&r);
    free_world(&w);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pass");
    TCase *t = tcase_create("pass");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, everything_from_one_reading, 0, N_WORLDS);
    tcase_add_loop_test(t, same_bits_as_one_by_one, 0, N_WORLDS - 1);
    tcase_add_loop_test(t, same_bits_for_any_batch, 0, 2);
    tcase_add_test(t, refusals);
    tcase_add_test(t, all_or_none);
    tcase_add_loop_test(t, sampled_beam, 0, 2);
    tcase_add_test(t, failing_allocations);
    tcase_add_loop_test(t, cancel, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
