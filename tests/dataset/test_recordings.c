/* Recordings of cameras: Gatan's files, TVIPS, Norpix, acquisitions of Merlin in several files.
 * Long because every format has its shapes, its refusals and its damage. */
#include <math.h>

#include "files.h"
#include "writers.h"

static uint64_t value_at(size_t i)
{
    return pixel_at(0, i);
}

static bytes from_out(const out *o)
{
    bytes b = {0};
    ck_assert_uint_le(o->n, o->room);
    put(&b, o->to, o->n);
    return b;
}

static uint8_t room[1 << 20];

/* ---- Gatan ------------------------------------------------------------------------------------------------------- */

static bytes make_dm(const dm_shape *shape)
{
    out o = {room, sizeof room, 0};
    dm_file(&o, shape, value_at);
    return from_out(&o);
}

/* Number i of the array as float32, as the reader's conversion gives it. */
static float as_float(const dm_shape *d, size_t i)
{
    uint64_t v = pixel_at(0, i);
    uint32_t low = (uint32_t)v;
    float f;
    double r;
    switch (d->type) {
    case 1:
        return (float)(int16_t)low;
    case 2:
        memcpy(&f, &low, 4);
        return f;
    case 6:
        return (float)(uint8_t)low;
    case 7:
        return (float)(int32_t)low;
    case 9:
        return (float)(int8_t)low;
    case 10:
        return (float)(uint16_t)low;
    case 11:
        return (float)low;
    default:
        memcpy(&r, &v, 8);
        return (float)r;
    }
}

static bool same(float a, float b)
{
    return a == b || (isnan(a) && isnan(b));
}

static const dm_shape scan4 = {4,    0,      10, 4, 2, 4, {5, 4, 3, 2, 0}, 1, "Diffraction image",
                               "nm", "1/nm", 1,  0};

START_TEST(dm)
{
    static const struct {
        dm_shape d;
        size_t r, c, h, w;
        bool scan, apart; /* apart: the scan's axes run fastest */
    } cases[] = {
        {{4, 0, 10, 4, 2, 4, {5, 4, 3, 2, 0}, 1, "Diffraction image", "nm", "1/nm", 1, 0},
         2,
         3,
         4,
         5,
         true,
         false},
        {{4, 0, 10, 4, 2, 4, {5, 4, 3, 2, 0}, 2, "Diffraction image", "nm", "1/nm", 1, 7},
         2,
         3,
         4,
         5,
         true,
         false},
        {{4, 0, 10, 4, 2, 4, {3, 2, 5, 4, 0}, 0, NULL, "nm", "1/nm", 0, 3}, 2, 3, 4, 5, true, true},
        {{3, 1, 10, 4, 2, 4, {3, 2, 5, 4, 0}, -1, NULL, "nm", "1/nm", 0, 3}, 2, 3, 4, 5, true, true},
        {{3, 0, 2, 6, 4, 4, {3, 2, 5, 4, 0}, -1, NULL, "um", "1/nm", 1, 0}, 2, 3, 4, 5, true, true},
        {{4, 1, 7, 3, 4, 3, {5, 4, 6, 0, 0}, -1, "Image", "nm", "1/nm", 1, 0}, 1, 6, 4, 5, false, false},
        {{3, 0, 1, 2, 2, 3, {5, 4, 6, 0, 0}, -1, NULL, "nm", "1/nm", 1, 0}, 1, 6, 4, 5, false, false},
        {{3, 0, 6, 10, 1, 2, {5, 4, 0, 0, 0}, -1, NULL, "nm", "1/nm", 1, 0}, 1, 1, 4, 5, false, false},
        {{4, 0, 9, 9, 1, 3, {5, 4, 2, 0, 0}, -1, NULL, "nm", "1/nm", 1, 0}, 1, 2, 4, 5, false, false},
        {{4, 0, 11, 5, 4, 3, {5, 4, 2, 0, 0}, -1, NULL, "nm", "1/nm", 1, 0}, 1, 2, 4, 5, false, false},
        {{4, 1, 12, 7, 8, 3, {5, 4, 2, 0, 0}, -1, NULL, "nm", "1/nm", 0, 0}, 1, 2, 4, 5, false, false},
    };
    cepman_context *ctx = support_begin(1);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        bytes b = make_dm(&cases[k].d);
        cepman_dataset *d = NULL;
        assert_good(ctx, open_bytes(&d, ctx, "a.file", &b, NULL));
        ck_assert_str_eq(cepman_dataset_format(d), "dm");
        assert_shape(d, cases[k].r, cases[k].c, cases[k].h, cases[k].w);
        ck_assert_int_eq(cepman_dataset_has_scan(d), cases[k].scan);
        double step = cepman_dataset_scan_step(d);
        ck_assert(cases[k].scan ? fabs(step - (k == 4 ? 2500 : 2.5)) < 1e-9 : isnan(step));
        ck_assert_double_eq_tol(cepman_dataset_reciprocal_pixel(d), 0.025, 1e-12);
        size_t frames = cases[k].r * cases[k].c, pixels = cases[k].h * cases[k].w;
        float x[6 * 20];
        for (size_t first = 0; first < frames; first++)
            for (size_t n = 1; n <= frames - first; n++) {
                assert_good(ctx, cepman_dataset_read_f32(d, ctx, first, n, x, n * pixels));
                for (size_t i = 0; i < n * pixels; i++) {
                    size_t frame = first + i / pixels, p = i % pixels;
                    size_t at = cases[k].apart ? p * frames + frame : frame * pixels + p;
                    ck_assert_msg(same(x[i], as_float(&cases[k].d, at)), "case %zu, frame %zu, pixel %zu", k,
                                  frame, p);
                }
            }
        cepman_dataset_unref(d);
        drop(&b);
    }
    /* The caller's order counts more than the tags'. */
    bytes b = make_dm(&scan4);
    cepman_dataset *d = NULL;
    assert_good(ctx, open_bytes(&d, ctx, "o.dm4", &b, (const char *const[]){"dm-order", "scan", NULL}));
    assert_shape(d, 4, 5, 2, 3);
    cepman_dataset_unref(d);
    assert_good(ctx, open_bytes(&d, ctx, "o.dm4", &b, (const char *const[]){"dataset", "1", NULL}));
    cepman_dataset_unref(d);
    d = NULL;
    assert_fails(ctx, open_bytes(&d, ctx, "o.dm4", &b, (const char *const[]){"dataset", "0", NULL}),
                 CEPMAN_ERR_UNSUPPORTED, "type 23");
    assert_fails(ctx, open_bytes(&d, ctx, "o.dm4", &b, (const char *const[]){"dataset", "2", NULL}),
                 CEPMAN_ERR_ARGUMENT, "0 to 1");
    drop(&b);
    dm_shape s = scan4;
    s.axes = 3;
    s.format = "Spectrum image";
    b = make_dm(&s);
    assert_fails(ctx, open_bytes(&d, ctx, "o.dm4", &b, NULL), CEPMAN_ERR_UNSUPPORTED, "a scan of spectra");
    drop(&b);
    s.type = 3; /* complex */
    b = make_dm(&s);
    assert_fails(ctx, open_bytes(&d, ctx, "o.dm4", &b, NULL), CEPMAN_ERR_UNSUPPORTED, "type 3");
    drop(&b);
    s = scan4;
    s.axes = 5;
    s.size[4] = 1;
    b = make_dm(&s);
    assert_fails(ctx, open_bytes(&d, ctx, "o.dm4", &b, NULL), CEPMAN_ERR_SHAPE, "5 axes");
    drop(&b);
    s = scan4;
    s.type = 7; /* four bytes a number, the array has two */
    b = make_dm(&s);
    assert_fails(ctx, open_bytes(&d, ctx, "o.dm4", &b, NULL), CEPMAN_ERR_FORMAT, "sizes and type make");
    drop(&b);
    support_end(ctx);
}
END_TEST

/* A pile of maps larger than the blocks it is read in: by runs and by whole windows. */
START_TEST(dm_transposed)
{
    cepman_context *ctx = support_begin(1);
    static const unsigned shapes[][4] = {{37, 29, 9, 7}, {3, 2, 61, 67}, {250, 41, 5, 3}};
    for (size_t k = 0; k < 3; k++) {
        dm_shape s = {4, 0, 11, 5, 4, 4, {0}, 0, NULL, "nm", "1/nm", 0, 0};
        memcpy(s.size, shapes[k], sizeof shapes[k]);
        bytes b = make_dm(&s);
        cepman_dataset *d = NULL;
        assert_good(ctx, open_bytes(&d, ctx, "big.dm4", &b, NULL));
        assert_shape(d, shapes[k][1], shapes[k][0], shapes[k][3], shapes[k][2]);
        size_t frames = cepman_dataset_frames(d), pixels = (size_t)shapes[k][2] * shapes[k][3];
        uint32_t *x = (uint32_t *)(void *)read_all(ctx, d);
        for (size_t i = 0; i < frames * pixels; i++)
            ck_assert_uint_eq(x[i], (uint32_t)pixel_at(0, i % pixels * frames + i / pixels));
        for (size_t first = 0; first < frames; first += 1 + frames / 7) {
            size_t n = frames - first < 5 ? frames - first : 5;
            assert_good(ctx, cepman_dataset_read(d, ctx, first, n, x, n * pixels * 4));
            for (size_t i = 0; i < n * pixels; i++)
                ck_assert_uint_eq(x[i], (uint32_t)pixel_at(0, i % pixels * frames + first + i / pixels));
        }
        free(x);
        cepman_dataset_unref(d);
        drop(&b);
    }
    support_end(ctx);
}
END_TEST

START_TEST(dm_hostile)
{
    const char *const salvage[] = {"salvage", "1", NULL};
    for (int version = 3; version <= 4; version++) {
        dm_shape s = scan4;
        s.version = version;
        s.structure = 2;
        bytes b = make_dm(&s);
        assert_hostile("hostile.dm", &b, 0, b.size, version == 3 ? salvage : NULL);
        assert_survives_allocation("fail.dm", &b, NULL);
        cepman_context *ctx = support_begin(1);
        for (size_t cut = 1; cut + 16 < b.size; cut += 3) { /* refused, or read whole */
            bytes c = b;
            c.size = cut;
            cepman_dataset *d = NULL;
            cepman_status st = open_bytes(&d, ctx, "cut.dm", &c, NULL);
            ck_assert_msg(st == CEPMAN_ERR_TRUNCATED || st == CEPMAN_ERR_UNSUPPORTED ||
                              st == CEPMAN_ERR_FORMAT,
                          "%zu of %zu bytes: %d", cut, b.size, st);
            ck_assert_ptr_null(d);
        }
        drop(&b);
        support_end(ctx);
        s.swapped = 0;
        b = make_dm(&s);
        assert_survives_allocation("fail.dm", &b, NULL);
        drop(&b);
    }
    /* Groups within groups for ever, and a group of very many tags. */
    cepman_context *ctx = support_begin(1);
    for (int k = 0; k < 2; k++) {
        out o = {room, sizeof room, 0};
        dm_shape s = scan4;
        out_number(&o, 4, 4, 1);
        dm_count(&o, &s, 0);
        out_number(&o, 1, 4, 1);
        dm_group(&o, &s, UINT32_MAX);
        for (size_t i = 0; i < 1000; i++) {
            dm_tag(&o, &s, 20, "x");
            dm_group(&o, &s, k ? 0 : 7);
        }
        bytes b = from_out(&o);
        cepman_dataset *d = NULL;
        assert_fails(ctx, open_bytes(&d, ctx, "deep.dm4", &b, NULL),
                     k ? CEPMAN_ERR_TRUNCATED : CEPMAN_ERR_FORMAT, k ? "ends within its tags" : "32 deep");
        drop(&b);
    }
    support_end(ctx);
}
END_TEST

/* ---- TVIPS ------------------------------------------------------------------------------------------------------- */

static void write_tvips(const char *name, unsigned version, unsigned bits, unsigned first, unsigned count,
                        size_t cut)
{
    out o = {room, sizeof room, 0};
    tvips_file(&o, version, 5, 3, bits, 60, first, count, value_at);
    support_write(support_path(name), room, o.n - cut);
}

START_TEST(tvips)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    static const unsigned bits[] = {8, 16, 32};
    for (unsigned version = 1; version <= 2; version++)
        for (size_t k = 0; k < 3; k++) {
            write_tvips("r_000.tvips", version, bits[k], 0, 4, 0);
            write_tvips("r_001.tvips", version, bits[k], 4, 1, 0);
            write_tvips("r_002.tvips", version, bits[k], 5, 7, 0);
            assert_good(ctx, cepman_dataset_open(&d, ctx, support_path("r_000.tvips"), NULL));
            ck_assert_str_eq(cepman_dataset_format(d), "tvips");
            assert_shape(d, 1, 12, 3, 5);
            float x[12 * 15];
            for (size_t first = 0; first < 12; first++)
                for (size_t n = 1; n <= 12 - first; n++) {
                    assert_good(ctx, cepman_dataset_read_f32(d, ctx, first, n, x, n * 15));
                    for (size_t i = 0; i < n * 15; i++)
                        ck_assert(x[i] ==
                                  (float)(pixel_at(0, first * 15 + i) & (((uint64_t)1 << bits[k]) - 1)));
                }
            cepman_dataset_unref(d);
        }
    /* The scan begins after three frames; what is left over is dropped with salvage only. */
    cepman_options *o =
        options_of(ctx, (const char *const[]){"skip", "3", "scan-rows", "3", "scan-columns", "3", NULL});
    assert_good(ctx, cepman_dataset_open(&d, ctx, support_path("r_000.tvips"), o));
    assert_shape(d, 3, 3, 3, 5);
    uint32_t x[15];
    assert_good(ctx, cepman_dataset_read(d, ctx, 8, 1, x, sizeof x));
    ck_assert_uint_eq(x[14], (uint32_t)pixel_at(0, 11 * 15 + 14));
    cepman_dataset_unref(d);
    assert_good(ctx, cepman_options_parse(o, ctx, "skip", "2"));
    d = NULL;
    assert_status(ctx, cepman_dataset_open(&d, ctx, support_path("r_000.tvips"), o), CEPMAN_ERR_SHAPE);
    assert_good(ctx, cepman_options_parse(o, ctx, "skip", "12"));
    assert_status(ctx, cepman_dataset_open(&d, ctx, support_path("r_000.tvips"), o), CEPMAN_ERR_TRUNCATED);
    cepman_options_unref(o);
    /* A later part, a cut in the middle, a cut at the end. */
    assert_fails(ctx, cepman_dataset_open(&d, ctx, support_path("r_001.tvips"), NULL), CEPMAN_ERR_UNSUPPORTED,
                 "_000.tvips");
    write_tvips("r_001.tvips", 2, 32, 4, 1, 1);
    assert_fails(ctx, cepman_dataset_open(&d, ctx, support_path("r_000.tvips"), NULL), CEPMAN_ERR_TRUNCATED,
                 "goes on in the next file");
    write_tvips("r_001.tvips", 2, 32, 4, 1, 0);
    write_tvips("r_002.tvips", 2, 32, 5, 7, 1);
    assert_fails(ctx, cepman_dataset_open(&d, ctx, support_path("r_000.tvips"), NULL), CEPMAN_ERR_TRUNCATED,
                 "11 whole frames of 12");
    o = options_of(ctx, (const char *const[]){"salvage", "1", NULL});
    assert_good(ctx, cepman_dataset_open(&d, ctx, support_path("r_000.tvips"), o));
    ck_assert_uint_eq(cepman_dataset_frames(d), 11);
    cepman_dataset_unref(d);
    cepman_options_unref(o);
    support_end(ctx);
    out q = {room, sizeof room, 0};
    tvips_file(&q, 2, 5, 3, 16, 60, 0, 2, value_at);
    bytes b = from_out(&q);
    assert_hostile("h_000.tvips", &b, 0, b.size, NULL);
    assert_hostile("h.tvips", &b, 0, 300, (const char *const[]){"salvage", "1", "skip", "1", NULL});
    write_tvips("fail_001.tvips", 2, 16, 2, 1, 0);
    assert_survives_allocation("fail_000.tvips", &b, (const char *const[]){"skip", "1", NULL});
    drop(&b);
}
END_TEST

/* ---- Norpix ------------------------------------------------------------------------------------------------------ */

START_TEST(seq)
{
    cepman_context *ctx = support_begin(1);
    static const unsigned bits[] = {8, 16, 32}, versions[] = {3, 5};
    cepman_dataset *d = NULL;
    for (size_t v = 0; v < 2; v++)
        for (size_t k = 0; k < 3; k++)
            for (unsigned allocated = 0; allocated <= 4; allocated += 4) {
                out o = {room, sizeof room, 0};
                seq_file(&o, versions[v], 5, 3, bits[k], allocated, 4, 8, value_at);
                if (allocated) out_fill(&o, 0, 1000); /* room for more images was kept */
                bytes b = from_out(&o);
                if (!allocated) b.size -= 8; /* the last time is not there */
                assert_good(ctx, open_bytes(&d, ctx, "a.seq", &b, NULL));
                ck_assert_str_eq(cepman_dataset_format(d), "seq");
                assert_shape(d, 1, 4, 3, 5);
                float x[4 * 15];
                assert_good(ctx, cepman_dataset_read_f32(d, ctx, 0, 4, x, 60));
                for (size_t i = 0; i < 60; i++)
                    ck_assert(x[i] == (float)(pixel_at(0, i) & (((uint64_t)1 << bits[k]) - 1)));
                cepman_dataset_unref(d);
                b.size = o.n - (allocated ? 1000 : 0) - 9;
                d = NULL;
                assert_fails(ctx, open_bytes(&d, ctx, "a.seq", &b, NULL), CEPMAN_ERR_TRUNCATED,
                             "3 whole frames of 4");
                assert_good(ctx,
                            open_bytes(&d, ctx, "a.seq", &b, (const char *const[]){"salvage", "1", NULL}));
                ck_assert_uint_eq(cepman_dataset_frames(d), 3);
                cepman_dataset_unref(d);
                drop(&b);
            }
    out o = {room, sizeof room, 0};
    seq_file(&o, 5, 5, 3, 16, 2, 2, 8, value_at);
    static const struct {
        size_t at;
        uint32_t value;
        const char *words;
    } bad[] = {{548, 0, "3 x 0 pixels"},      {548, 4, "make"},      {556, 12, "12 bits"},
               {564, 31, "packed or colour"}, {580, 29, "29 bytes"}, {620, 1, "compressed"},
               {552, 70000, "70000"}};
    d = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bytes b = from_out(&o);
        for (size_t k = 0; k < 4; k++)
            b.data[bad[i].at + k] = (unsigned char)(bad[i].value >> 8 * k);
        ck_assert_int_ne(open_bytes(&d, ctx, "bad.seq", &b, NULL), CEPMAN_OK);
        ck_assert_msg(strstr(cepman_context_error(ctx), bad[i].words) != NULL, "%s",
                      cepman_context_error(ctx));
        drop(&b);
    }
    support_end(ctx);
    bytes b = from_out(&o);
    assert_hostile("h.seq", &b, 0, 640, NULL);
    assert_hostile("h.seq", &b, b.size - 80, b.size, (const char *const[]){"salvage", "1", NULL});
    support_write(support_path("fail.seq.dark.mrc"), "x", 1);
    assert_survives_allocation("fail.seq", &b, NULL);
    drop(&b);
}
END_TEST

/* ---- Merlin in several files ------------------------------------------------------------------------------------- */

/* Frames first .. first+count-1 of make_mib(), as a file. */
static void write_part(const char *name, const bytes *whole, size_t stride, size_t first, size_t count)
{
    support_write(support_path(name), whole->data + first * stride, count * stride);
}

static void check_part(cepman_context *ctx, const char *name, size_t frames, size_t first)
{
    cepman_dataset *d = NULL;
    assert_good(ctx, cepman_dataset_open(&d, ctx, support_path(name), NULL));
    ck_assert_uint_eq(cepman_dataset_frames(d), frames);
    uint16_t *x = (uint16_t *)(void *)read_all(ctx, d);
    for (size_t i = 0; i < frames * 12; i++)
        ck_assert_uint_eq(x[i], (uint16_t)pixel_at(first + i / 12, i % 12));
    free(x);
    cepman_dataset_unref(d);
}

START_TEST(mib_in_parts)
{
    static const mib_shape m = {12, 4, 3, 2, 384, 1, "1x1", 0, 0, 0};
    const size_t stride = 384 + 24;
    cepman_context *ctx = support_begin(1);
    bytes b = make_mib(&m);
    write_part("p_098.mib", &b, stride, 0, 5);
    write_part("p_099.mib", &b, stride, 5, 1);
    write_part("p_100.mib", &b, stride, 6, 6);
    write_part("p_101.mib", &b, stride, 0, 5); /* another acquisition: its frames begin with 1 again */
    check_part(ctx, "p_098.mib", 12, 0);
    check_part(ctx, "p_099.mib", 7, 5);
    check_part(ctx, "p_101.mib", 5, 0);
    write_part("q9.mib", &b, stride, 0, 5);
    write_part("q10.mib", &b, stride, 5, 7);
    check_part(ctx, "q9.mib", 12, 0);
    /* The record without the number tells the scan; opening it opens the first file. */
    write_part("s_1.mib", &b, stride, 0, 5);
    write_part("s_2.mib", &b, stride, 5, 7);
    support_write(support_path("s_.hdr"), "HDR,\nScanX:\t4\nScanY:\t3\n", 23);
    static const char *const names[] = {"s_1.mib", "s_.hdr"};
    cepman_dataset *d = NULL;
    for (size_t i = 0; i < 2; i++) {
        assert_good(ctx, cepman_dataset_open(&d, ctx, support_path(names[i]), NULL));
        assert_shape(d, 3, 4, 3, 4);
        cepman_dataset_unref(d);
    }
    /* A part is cut: what follows does not go on from there. */
    support_write(support_path("s_1.mib"), b.data, 5 * stride - 1);
    d = NULL;
    assert_status(ctx, cepman_dataset_open(&d, ctx, support_path("s_1.mib"), NULL), CEPMAN_ERR_TRUNCATED);
    support_write(support_path("r.hdr"), "HDR,\nScanX:\t4\nScanY:\t3\n", 23);
    assert_fails(ctx, cepman_dataset_open(&d, ctx, support_path("r.hdr"), NULL), CEPMAN_ERR_IO,
                 "no .mib beside");
    support_end(ctx);
    bytes first = b;
    first.size = 5 * stride;
    write_part("fail2.mib", &b, stride, 5, 7);
    assert_survives_allocation("fail1.mib", &first, NULL);
    drop(&b);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("recordings");
    TCase *t = tcase_create("recordings");
    tcase_add_test(t, dm);
    tcase_add_test(t, dm_transposed);
    tcase_add_test(t, dm_hostile);
    tcase_add_test(t, tvips);
    tcase_add_test(t, seq);
    tcase_add_test(t, mib_in_parts);
    suite_add_tcase(s, t);
    return s;
}
