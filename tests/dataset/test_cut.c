/* Every format of one file, cut at every byte of what comes before its second frame, and around every frame's border: refused
 * in words, or, with salvage, the whole frames that are there, the same as in the whole file. (Gatan's arrays cannot be
 * salvaged, and HDF5 and Zarr have tests of their own.) */
#include "files.h"
#include "writers.h"

enum { ROWS = 2, COLUMNS = 3, FRAMES = ROWS * COLUMNS };

typedef struct format {
    const char *name;
    bytes (*make)(void);
    size_t start, stride,
        frame;            /* where the first frame begins; bytes to the next; of what must be there of one */
    const char *pairs[9]; /* options, without salvage */
} format;

static uint64_t value_at(size_t i)
{
    return pixel_at(0, i);
}

static uint8_t room[1 << 16];

static bytes from_out(const out *o)
{
    bytes b = {0};
    ck_assert_uint_le(o->n, o->room);
    put(&b, o->to, o->n);
    return b;
}

static bytes npy(void)
{
    return make_npy("<u2", "(2, 3, 4, 5)", false, 120, 2, false, 1);
}

static bytes npy_stack(void)
{
    return make_npy(">f8", "(6, 4, 5)", false, 120, 8, true, 2);
}

static bytes blo(void)
{
    return make_blo(ROWS, COLUMNS, 7, 200);
}

static bytes mib(void)
{
    static const mib_shape m = {FRAMES, 4, 3, 2, 384, 1, "1x1", 0, 0, 0};
    return make_mib(&m);
}

static bytes quad(void)
{
    static const mib_shape m = {FRAMES, 6, 5, 4, 768, 4, "2x2", 0, 0, 0};
    return make_mib(&m);
}

static bytes empad(void)
{
    return make_empad(FRAMES);
}

static bytes empad2(void)
{
    bytes b = {0};
    for (size_t i = 0; i < FRAMES * 128 * 128; i++) { /* floats that were calibrated before */
        const float v = 3.0f + (float)(pixel_at(0, i) % 1000);
        put(&b, &v, sizeof v);
    }
    return b;
}

static bytes raw(void)
{
    bytes b = {0};
    put_fill(&b, 7, 10);
    for (size_t f = 0; f < FRAMES; f++) {
        for (size_t p = 0; p < 12; p++)
            put_little(&b, pixel_at(f, p), 2);
        put_fill(&b, 9, 5);
    }
    return b;
}

static bytes seq(void)
{
    out o = {room, sizeof room, 0};
    seq_file(&o, 5, 5, 3, 16, FRAMES, FRAMES, 8, value_at);
    return from_out(&o);
}

static bytes tvips(void)
{
    out o = {room, sizeof room, 0};
    tvips_file(&o, 2, 5, 3, 16, 60, 0, FRAMES, value_at);
    return from_out(&o);
}

#define SCAN "scan-rows", "2", "scan-columns", "3"
static const format formats[] = {
    {"cut.npy", npy, 128, 40, 40, {NULL}},
    {"stack.npy", npy_stack, 128, 160, 160, {NULL}},
    {"cut.blo", blo, 200, 55, 55, {NULL}},
    {"cut.mib", mib, 0, 408, 408, {SCAN, NULL}},
    {"quad.mib", quad, 0, 888, 888, {SCAN, NULL}},
    {"scan_x3_y2.raw", empad, 0, 66560, 66560, {NULL}},
    {"scan_x3_y2.raw", empad2, 0, 65536, 65536, {"format", "empad2", NULL}},
    {"cut.raw",
     raw,
     10,
     29,
     24,
     {"format", "raw", "raw-height", "3", "raw-width", "4", "raw-offset", "10", NULL}},
    {"cut.seq", seq, 8192, 38, 30, {NULL}},
    {"cut_000.tvips", tvips, 256, 90, 90, {SCAN, NULL}},
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Whole frames in the first `size` bytes. */
static size_t whole(const format *f, size_t size)
{
    if (size < f->start + f->frame) return 0;
    return (size - f->start - f->frame) / f->stride + 1;
}

static cepman_options *options_for(cepman_context *ctx, const format *f, bool salvage)
{
    cepman_options *o = options_of(ctx, f->pairs);
    if (f->make == raw) {
        assert_good(ctx, cepman_options_parse(o, ctx, "raw-type", "u16"));
        assert_good(ctx, cepman_options_parse(o, ctx, "raw-gap", "5"));
    }
    if (f->make == raw && !salvage) {
        assert_good(ctx, cepman_options_parse(o, ctx, "scan-rows", "2"));
        assert_good(ctx, cepman_options_parse(o, ctx, "scan-columns", "3"));
    }
    if (salvage) { /* whatever scan: the frames */
        assert_good(ctx, cepman_options_parse(o, ctx, "salvage", "1"));
        assert_good(ctx, cepman_options_parse(o, ctx, "scan-rows", "0"));
        assert_good(ctx, cepman_options_parse(o, ctx, "scan-columns", "0"));
    }
    return o;
}

static cepman_status open_cut(cepman_dataset **d, cepman_context *ctx, const format *f, const bytes *b,
                              size_t size, bool salvage)
{
    const char *path = support_path(f->name);
    remove(path);
    support_write(path, b->data, size);
    cepman_options *o = options_for(ctx, f, salvage);
    cepman_status s = cepman_dataset_open(d, ctx, path, o);
    cepman_options_unref(o);
    return s;
}

static void check_cut(cepman_context *ctx, const format *f, const bytes *b, size_t size,
                      const unsigned char *all)
{
    cepman_dataset *d = NULL;
    cepman_status s = open_cut(&d, ctx, f, b, size, false);
    const size_t frames = whole(f, size);
    if (frames < FRAMES) {
        ck_assert_msg(s != CEPMAN_OK, "%s: %zu of %zu bytes open", f->name, size, b->size);
        ck_assert_ptr_null(d);
        ck_assert_uint_gt(strlen(cepman_context_error(ctx)), 20);
        ck_assert_msg(s == CEPMAN_ERR_TRUNCATED || s == CEPMAN_ERR_FORMAT || s == CEPMAN_ERR_SHAPE ||
                          s == CEPMAN_ERR_UNSUPPORTED,
                      "%s: %zu of %zu bytes: %s", f->name, size, b->size, cepman_context_error(ctx));
    } else {
        ck_assert_msg(s == CEPMAN_OK || s == CEPMAN_ERR_TRUNCATED, "%s: %zu of %zu bytes: %s", f->name, size,
                      b->size, cepman_context_error(ctx));
        cepman_dataset_unref(d);
    }
    d = NULL;
    s = open_cut(&d, ctx, f, b, size, true);
    ck_assert_msg((s == CEPMAN_OK) == (frames > 0), "%s: %zu of %zu bytes with salvage: %d %s", f->name, size,
                  b->size, s, s ? cepman_context_error(ctx) : "");
    if (s) return;
    ck_assert_uint_eq(cepman_dataset_frames(d), frames);
    const size_t bytes_of = cep_dataset_frame_bytes(d);
    unsigned char *x = malloc(frames * bytes_of);
    assert_good(ctx, cepman_dataset_read(d, ctx, 0, frames, x, frames * bytes_of));
    ck_assert_mem_eq(x, all, frames * bytes_of);
    free(x);
    cepman_dataset_unref(d);
}

START_TEST(every_byte)
{
    const format *f = &formats[_i];
    cepman_context *ctx = support_begin(1);
    bytes b = f->make();
    cepman_dataset *d = NULL;
    assert_good(ctx, open_cut(&d, ctx, f, &b, b.size, false));
    assert_shape(d, f->make == npy_stack || f->make == seq ? 1 : ROWS,
                 f->make == npy_stack || f->make == seq ? FRAMES : COLUMNS, cepman_dataset_height(d),
                 cepman_dataset_width(d));
    unsigned char *all = read_all(ctx, d);
    cepman_dataset_unref(d);
    /* Of large headers and frames the beginnings, where there are fields, and the ends. */
    for (size_t size = 0; size < f->start + f->stride; size++) {
        const size_t to_frame = size < f->start ? f->start - size : f->start + f->stride - size;
        if (size > 1000 && size % 4096 > 1 && to_frame > 2) continue;
        check_cut(ctx, f, &b, size, all);
    }
    for (size_t k = 1; k <= FRAMES; k++)
        for (size_t near = 0; near < 5; near++) {
            const size_t stride_end = f->start + k * f->stride + near - 2,
                         frame_end = f->start + (k - 1) * f->stride + f->frame + near - 2;
            if (stride_end <= b.size) check_cut(ctx, f, &b, stride_end, all);
            if (frame_end <= b.size) check_cut(ctx, f, &b, frame_end, all);
        }
    free(all);
    drop(&b);
    support_end(ctx);
}
END_TEST

/* Every allocation of opening and reading fails in turn, with and without salvage and views. */
START_TEST(allocations)
{
    const format *f = &formats[_i];
    static const char *const views[] = {"flip", "1", "salvage", "1", "skip", "1", NULL};
    bytes b = f->make();
    if (f->make != raw) assert_survives_allocation(f->name, &b, f->pairs[0] ? f->pairs : NULL);
    if (f->make != raw && f->make != empad2) assert_survives_allocation(f->name, &b, views);
    bool done = false;
    for (long at = 0; !done && f->make == raw; at++) {
        cepman_context *ctx = support_begin(1);
        cepman_options *o = options_for(ctx, f, false);
        support_write(support_path(f->name), b.data, b.size);
        cepman_dataset *d = NULL;
        uint16_t frame[12];
        support_fail_at(at);
        cepman_status s = cepman_dataset_open(&d, ctx, support_path(f->name), o);
        if (!s) s = cepman_dataset_read(d, ctx, 0, 1, frame, sizeof frame);
        support_fail_at(-1);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
        done = !s;
        cepman_dataset_unref(d);
        cepman_options_unref(o);
        support_end(ctx);
    }
    drop(&b);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cut");
    TCase *t = tcase_create("cut");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, every_byte, 0, FORMATS);
    tcase_add_loop_test(t, allocations, 0, FORMATS);
    suite_add_tcase(s, t);
    return s;
}
