/* Files of EMPAD, NanoMEGAS and Merlin: made here at odd sizes, and real ones where they are at hand.
 * Long because each format's writer stands beside its cases. */
#include <math.h>

#include "files.h"

/* ---- .blo
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(blo)
{
    cepman_context *ctx = support_begin(1);
    static const size_t patterns[] = {64, 4097};
    for (size_t k = 0; k < 2; k++) {
        bytes b = make_blo(3, 5, 7, patterns[k]);
        cepman_dataset *d = NULL;
        assert_good(ctx, open_bytes(&d, ctx, "any-name", &b, NULL));
        assert_shape(d, 3, 5, 7, 7);
        ck_assert_str_eq(cepman_dataset_format(d), "blo");
        ck_assert_int_eq(cepman_dataset_type(d), CEPMAN_TYPE_U8);
        ck_assert_double_eq(cepman_dataset_scan_step(d), 12.5);
        /* 62.26 pixels a cm at 200 mm and 200 kV (0.0250793 angstrom). */
        ck_assert_double_eq_tol(cepman_dataset_reciprocal_pixel(d), 10 / 62.26 / 200 / 0.0250793, 1e-6);
        unsigned char *p = read_all(ctx, d);
        for (size_t i = 0; i < 15 * 49; i++)
            ck_assert_uint_eq(p[i], (uint8_t)pixel_at(i / 49, i % 49));
        free(p);
        unsigned char one[49];
        assert_good(ctx, cepman_dataset_read(d, ctx, 14, 1, one, sizeof one));
        ck_assert_uint_eq(one[48], (uint8_t)pixel_at(14, 48));
        cepman_dataset_unref(d);
        for (size_t cut = 1; cut < 15 * 55 + 3; cut += 1 + cut % 54) {
            bytes c = b;
            c.size = b.size - cut;
            size_t frames = cut >= 15 * 55 ? 0 : (15 * 55 - cut) / 55;
            d = NULL;
            assert_status(ctx, open_bytes(&d, ctx, "cut", &c, NULL), CEPMAN_ERR_TRUNCATED);
            cepman_status s = open_bytes(&d, ctx, "cut", &c, (const char *const[]){"salvage", "1", NULL});
            ck_assert_int_eq(s, frames ? CEPMAN_OK : CEPMAN_ERR_TRUNCATED);
            if (s) continue;
            ck_assert_uint_eq(cepman_dataset_frames(d), frames);
            free(read_all(ctx, d));
            cepman_dataset_unref(d);
        }
        /* A frame that has lost its place. */
        b.data[patterns[k] + 55 * 4] = 0;
        d = NULL;
        assert_good(ctx, open_bytes(&d, ctx, "lost", &b, NULL));
        assert_good(ctx, cepman_dataset_read(d, ctx, 3, 1, one, sizeof one));
        assert_fails(ctx, cepman_dataset_read(d, ctx, 4, 1, one, sizeof one), CEPMAN_ERR_FORMAT,
                     "frame 4 at offset");
        cepman_dataset_unref(d);
        d = NULL;
        assert_good(ctx, open_bytes(&d, ctx, "lost", &b, (const char *const[]){"salvage", "1", NULL}));
        assert_good(ctx, cepman_dataset_read(d, ctx, 4, 1, one, sizeof one));
        cepman_dataset_unref(d);
        drop(&b);
    }
    bytes b = make_blo(1, 2, 3, 64);
    cepman_dataset *d = NULL;
    b.data[12] = 20;
    assert_fails(ctx, open_bytes(&d, ctx, "x.blo", &b, NULL), CEPMAN_ERR_FORMAT, "inside the header");
    b.data[12] = 64;
    b.data[24] = 0;
    assert_fails(ctx, open_bytes(&d, ctx, "x.blo", &b, NULL), CEPMAN_ERR_FORMAT, "none may be 0");
    b.data[24] = 2;
    b.data[7] = 9;
    assert_fails(ctx, open_bytes(&d, ctx, "x.blo", &b, NULL), CEPMAN_ERR_UNSUPPORTED, "version 0x0902");
    b.data[7] = 1;
    put_fill(&b, 0, 8); /* what follows the last pattern does not matter; unknown calibrations are NaN */
    memset(b.data + 30, 0xff, 8);
    memset(b.data + 46, 0, 10);
    assert_good(ctx, open_bytes(&d, ctx, "x.blo", &b, NULL));
    ck_assert(isnan(cepman_dataset_scan_step(d)) && isnan(cepman_dataset_reciprocal_pixel(d)));
    assert_shape(d, 1, 2, 3, 3);
    cepman_dataset_unref(d);
    drop(&b);
    support_end(ctx);
    b = make_blo(2, 2, 3, 80);
    assert_hostile("hostile.blo", &b, 0, b.size, NULL);
    assert_hostile("hostile.blo", &b, 0, 64, (const char *const[]){"salvage", "1", NULL});
    assert_survives_allocation("fail.blo", &b, NULL);
    drop(&b);
}
END_TEST

/* ---- EMPAD
 * --------------------------------------------------------------------------------------------------- */

static void check_empad(cepman_context *ctx, cepman_dataset *d)
{
    size_t n = cepman_dataset_frames(d);
    float *p = (float *)(void *)read_all(ctx, d);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 128 * 128; k++)
            ck_assert(p[i * 128 * 128 + k] == (float)(i * 20000 + k));
    free(p);
}

static const char record_051[] =
    "<root name=\"a\"><software_version>0.51 "
    "211118</software_version><type>scan</type><pix_x>%d</pix_x><pix_y>%d</pix_y>"
    "<raw_file filename=\"%s\"/><scan_parameters mode=\"search\"><scan_resolution_x>64</scan_resolution_x>"
    "<scan_resolution_y>64</scan_resolution_y></scan_parameters><scan_parameters "
    "mode=\"acquire\"><scan_resolution_x>128"
    "</scan_resolution_x><scan_resolution_y>128</scan_resolution_y></scan_parameters><iom_measurements>"
    "<optics.get_full_scan_field_of_view>[4.5663426505682195e-06, 4.5663426505682195e-06]"
    "</optics.get_full_scan_field_of_view><calibrated_pixelsize>1.826537060227288e-10</calibrated_pixelsize>"
    "</iom_measurements></root>";

static const char record_122[] =
    "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<root name=\"b\">\n<software_version>1.2.2  "
    "(2021-08-20)</software_version>\n"
    "<raw_file filename='C:/somewhere/else/%s' />\n<scan_parameters mode=\"search\">\n<scan_resolution_x>99"
    "</scan_resolution_x>\n<scan_resolution_y>99</scan_resolution_y>\n</scan_parameters>\n<scan_parameters "
    "mode=\"acquire\">\n"
    "<scan_size>0.6</scan_size>\n<scan_resolution_x>3</scan_resolution_x>\n<scan_resolution_y> 2 "
    "</scan_resolution_y>\n"
    "</scan_parameters>\n<full_scan_field_of_view>\n<scale_factor>0.72</"
    "scale_factor>\n<x>1.272412341559544e-06</x>\n"
    "<y>1.272412341559544e-06</y>\n</full_scan_field_of_view>\n</root>\n";

START_TEST(empad)
{
    cepman_context *ctx = support_begin(1);
    bytes b = make_empad(6);
    cepman_dataset *d = NULL;
    char record[2000];
    assert_good(ctx, open_bytes(&d, ctx, "scan_x3_y2.raw", &b, NULL));
    assert_shape(d, 2, 3, 128, 128);
    ck_assert_int_eq(cepman_dataset_has_scan(d), 1);
    ck_assert_int_eq(cepman_dataset_type(d), CEPMAN_TYPE_F32);
    ck_assert(isnan(cepman_dataset_scan_step(d)));
    check_empad(ctx, d);
    cepman_dataset_unref(d);
    assert_good(ctx, open_bytes(&d, ctx, "series_x6.raw", &b, NULL));
    assert_shape(d, 1, 6, 128, 128);
    ck_assert_int_eq(cepman_dataset_has_scan(d), 0);
    check_empad(ctx, d);
    cepman_dataset_unref(d);
    assert_good(ctx, open_bytes(&d, ctx, "any.raw", &b, NULL));
    assert_shape(d, 1, 6, 128, 128);
    cepman_dataset_unref(d);
    assert_good(ctx, open_bytes(&d, ctx, "any.bin", &b,
                                (const char *const[]){"format", "empad", "scan-rows", "3", NULL}));
    assert_shape(d, 3, 2, 128, 128);
    cepman_dataset_unref(d);
    d = NULL;
    assert_status(ctx, open_bytes(&d, ctx, "any.bin", &b, NULL), CEPMAN_ERR_UNSUPPORTED);
    assert_fails(ctx, open_bytes(&d, ctx, "scan_x3_y3.raw", &b, NULL), CEPMAN_ERR_TRUNCATED,
                 "6 whole frames of 9");
    assert_status(ctx, open_bytes(&d, ctx, "scan_x3000000000000_y3000000000000.raw", &b, NULL),
                  CEPMAN_ERR_TRUNCATED);

    /* By the record: the file's name counts most, then pix_x and pix_y, then the acquisition's resolution. */
    int n = snprintf(record, sizeof record, record_051, 9, 9, "scan_x3_y2.raw");
    support_write(support_path("a.xml"), record, (size_t)n);
    assert_good(ctx, cepman_dataset_open(&d, ctx, support_path("a.xml"), NULL));
    assert_shape(d, 2, 3, 128, 128);
    ck_assert_double_eq_tol(cepman_dataset_scan_step(d), 4566.3426505682195 / 3, 1e-9);
    ck_assert_double_eq_tol(cepman_dataset_reciprocal_pixel(d), 0.01826537060227288, 1e-15);
    check_empad(ctx, d);
    cepman_dataset_unref(d);
    n = snprintf(record, sizeof record, record_051, 2, 3, "any.raw");
    support_write(support_path("a.xml"), record, (size_t)n);
    assert_good(ctx, cepman_dataset_open(&d, ctx, support_path("a.xml"), NULL));
    assert_shape(d, 3, 2, 128, 128);
    cepman_dataset_unref(d);
    n = snprintf(record, sizeof record, record_122, "any.raw");
    support_write(support_path("b.data"), record, (size_t)n);
    assert_good(ctx, cepman_dataset_open(&d, ctx, support_path("b.data"), NULL));
    assert_shape(d, 2, 3, 128, 128);
    ck_assert_double_eq_tol(cepman_dataset_scan_step(d), 1272.412341559544 / 0.72 / 3, 1e-9);
    ck_assert(isnan(cepman_dataset_reciprocal_pixel(d)));
    cepman_dataset_unref(d);
    d = NULL;
    n = snprintf(record, sizeof record, record_122, "missing.raw");
    support_write(support_path("b.data"), record, (size_t)n);
    assert_fails(ctx, cepman_dataset_open(&d, ctx, support_path("b.data"), NULL), CEPMAN_ERR_IO,
                 "missing.raw");
    support_write(support_path("c.xml"), "<root>nothing</root>", 20);
    assert_fails(ctx, cepman_dataset_open(&d, ctx, support_path("c.xml"), NULL), CEPMAN_ERR_FORMAT,
                 "names no raw file");

    /* Cut anywhere, also within the last footer. */
    static const size_t cuts[] = {1, 1023, 1024, 1025, 66559, 66560, 66561, 6 * 66560 - 1, 6 * 66560};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        bytes c = b;
        c.size = b.size - cuts[i];
        d = NULL;
        assert_status(ctx, open_bytes(&d, ctx, "scan_x3_y2.raw", &c, NULL), CEPMAN_ERR_TRUNCATED);
        cepman_status s =
            open_bytes(&d, ctx, "scan_x3_y2.raw", &c, (const char *const[]){"salvage", "1", NULL});
        size_t frames = c.size / 66560;
        ck_assert_int_eq(s, frames ? CEPMAN_OK : CEPMAN_ERR_TRUNCATED);
        if (s) continue;
        ck_assert_uint_eq(cepman_dataset_frames(d), frames);
        check_empad(ctx, d);
        cepman_dataset_unref(d);
    }
    drop(&b);
    support_end(ctx);

    b = make_empad(1);
    support_write(support_path("any.raw"), b.data, b.size);
    drop(&b);
    n = snprintf(record, sizeof record, record_122, "any.raw");
    put(&b, record, (size_t)n);
    assert_hostile("hostile.xml", &b, 0, b.size, (const char *const[]){"salvage", "1", NULL});
    assert_survives_allocation("fail.xml", &b, (const char *const[]){"salvage", "1", NULL});
    drop(&b);
}
END_TEST

/* ---- Merlin
 * -------------------------------------------------------------------------------------------------- */

START_TEST(mib)
{
    static const cepman_type types[] = {0, CEPMAN_TYPE_U8, CEPMAN_TYPE_U16, 0, CEPMAN_TYPE_U32};
    cepman_context *ctx = support_begin(1);
    /* U08, U16 and U32 of one chip and of four, of which a region is read (fewer rows than columns); the last are frames
     * that are large enough to be read to their places. */
    for (size_t k = 0; k < 9; k++) {
        const size_t size = (size_t)1 << k % 3;
        const mib_shape shapes[] = {{5, 13, 7, size, 384, 1, "1x1", 0, 0, 20},
                                    {3, 26, 14, size, 768, 4, "2x2", 0, 0, 0},
                                    {3, 256, 70, size, 384, 1, "1x1", 0, 0, 0}},
                        *m = &shapes[k / 3];
        bytes b = make_mib(m);
        cepman_dataset *d = NULL;
        assert_good(ctx, open_bytes(&d, ctx, "frames", &b, NULL));
        assert_shape(d, 1, m->frames, m->height, m->width);
        ck_assert_int_eq(cepman_dataset_has_scan(d), 0);
        ck_assert_int_eq(cepman_dataset_type(d), types[size]);
        ck_assert_str_eq(cepman_dataset_format(d), "mib");
        unsigned char *p = read_all(ctx, d);
        for (size_t i = 0; i < m->frames * m->width * m->height; i++) {
            uint64_t v = pixel_at(i / (m->width * m->height), i % (m->width * m->height));
            uint32_t got = size == 1   ? p[i]
                           : size == 2 ? ((uint16_t *)(void *)p)[i]
                                       : ((uint32_t *)(void *)p)[i];
            ck_assert_uint_eq(got, v & (((uint64_t)1 << 8 * size) - 1));
        }
        free(p);
        cepman_dataset_unref(d);
        /* Cut within the last frame; a frame that has lost its place. */
        bytes c = b;
        c.size--;
        d = NULL;
        assert_fails(ctx, open_bytes(&d, ctx, "frames", &c, NULL), CEPMAN_ERR_TRUNCATED, "whole frames of");
        assert_good(ctx, open_bytes(&d, ctx, "frames", &c, (const char *const[]){"salvage", "1", NULL}));
        ck_assert_uint_eq(cepman_dataset_frames(d), m->frames - 1);
        cepman_dataset_unref(d);
        b.data[m->header + m->width * m->height * size] = 'X';
        assert_good(ctx, open_bytes(&d, ctx, "frames", &b, NULL));
        unsigned char frame[256 * 70 * 4];
        assert_fails(ctx, cepman_dataset_read(d, ctx, 1, 1, frame, sizeof frame), CEPMAN_ERR_FORMAT,
                     "frame 1 at offset");
        cepman_dataset_unref(d);
        drop(&b);
    }
    support_end(ctx);
}
END_TEST

/* Rows by time stamps: gaps far above and just above the jitter, of two columns and of many. */
START_TEST(mib_time_stamps)
{
    static const struct {
        size_t frames, row;
        double gap;
        size_t jitter, r, c;
        int scan;
    } cases[] = {{24, 6, 20, 20, 4, 6, 1},
                 {8, 4, 20, 10, 2, 4, 1},
                 {10, 2, 5000, 900, 5, 2, 1},
                 {400, 25, 3, 100, 16, 25, 1},
                 {21, 7, 1e6, 50, 3, 7, 1},
                 {24, 0, 0, 500, 1, 24, 0},
                 {25, 6, 20, 20, 1, 25, 0} /* 25 is no multiple of 6 */,
                 {24, 6, 0.5, 20, 1, 24, 0}, /* too short a gap to tell */
                 {3, 1, 20, 0, 1, 3, 0},
                 {600, 300, 40, 200, 2, 300, 1}};
    cepman_context *ctx = support_begin(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mib_shape m = {cases[i].frames, 4, 3, 1, 384, 1, "1x1", cases[i].row, cases[i].gap, cases[i].jitter};
        bytes b = make_mib(&m);
        cepman_dataset *d = NULL;
        assert_good(ctx, open_bytes(&d, ctx, "times.mib", &b, NULL));
        ck_assert_msg(cepman_dataset_scan_rows(d) == cases[i].r &&
                          cepman_dataset_scan_columns(d) == cases[i].c,
                      "case %zu: %zu x %zu", i, cepman_dataset_scan_rows(d), cepman_dataset_scan_columns(d));
        ck_assert_int_eq(cepman_dataset_has_scan(d), cases[i].scan);
        cepman_dataset_unref(d);
        if (i == 0) { /* the sixth frame of a row is fly-back; the caller's word counts more */
            assert_good(ctx,
                        open_bytes(&d, ctx, "times.mib", &b, (const char *const[]){"flyback", "1", NULL}));
            assert_shape(d, 4, 5, 3, 4);
            uint8_t frame[12];
            assert_good(ctx, cepman_dataset_read(d, ctx, 5, 1, frame, sizeof frame));
            ck_assert_uint_eq(frame[0], (uint8_t)pixel_at(6, 0));
            cepman_dataset_unref(d);
            assert_good(
                ctx, open_bytes(&d, ctx, "times.mib", &b, (const char *const[]){"scan-columns", "8", NULL}));
            assert_shape(d, 3, 8, 3, 4);
            cepman_dataset_unref(d);
        }
        drop(&b);
    }
    support_end(ctx);
}
END_TEST

START_TEST(mib_record)
{
    static const struct {
        const char *lines;
        size_t r, c;
        int scan;
        cepman_status status;
    } cases[] = {
        {"Frames in Acquisition (Number):\t12\r\nFrames per Trigger (Number):\t1\r\n", 1, 12, 0, CEPMAN_OK},
        {"Frames in Acquisition (Number):\t12\r\nFrames per Trigger (Number):\t4\r\n", 3, 4, 1, CEPMAN_OK},
        {"Frames in Acquisition (Number):\t12\r\nFrames per Trigger (Number):\t12\r\n", 1, 12, 0, CEPMAN_OK},
        {"Frames in Acquisition (Number):\t12\r\nFrames per Trigger (Number):\t5\r\n", 1, 12, 0, CEPMAN_OK},
        {"Frames per Trigger (Number):\t4\r\nScanX:\t6\r\nScanY:\t2\r\n", 2, 6, 1, CEPMAN_OK},
        {"ScanX:\t5\r\nScanY:\t2\r\n", 2, 5, 1, CEPMAN_OK}, /* two frames are left over */
        {"ScanX:\t0\r\nScanY:\t2\r\n", 1, 12, 0, CEPMAN_OK},
        {"ScanX:\t4000000000000000000\r\nScanY:\t4000000000000000000\r\n", 1, 12, 0, CEPMAN_OK},
        {"ScanX:\tmany\r\nnothing\r\n\t\t\n", 1, 12, 0, CEPMAN_OK},
        {"ScanX:\t5\r\nScanY:\t3\r\n", 0, 0, 0, CEPMAN_ERR_TRUNCATED},
        {"Frames in Acquisition (Number):\t13\r\n", 0, 0, 0, CEPMAN_ERR_TRUNCATED},
    };
    cepman_context *ctx = support_begin(1);
    mib_shape m = {12, 4, 3, 1, 384, 1, "1x1", 0, 0, 20};
    bytes b = make_mib(&m);
    support_write(support_path("run.mib"), b.data, b.size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        int n = snprintf(text, sizeof text, "HDR,\t\r\n%sEnd\t   ", cases[i].lines);
        support_write(support_path("run.hdr"), text, (size_t)n);
        for (int by_record = 0; by_record < 2; by_record++) {
            cepman_dataset *d = NULL;
            cepman_status s =
                cepman_dataset_open(&d, ctx, support_path(by_record ? "run.hdr" : "run.mib"), NULL);
            ck_assert_msg(s == cases[i].status, "case %zu: %s", i, cepman_context_error(ctx));
            if (s) continue;
            ck_assert_msg(cepman_dataset_scan_rows(d) == cases[i].r &&
                              cepman_dataset_scan_columns(d) == cases[i].c,
                          "case %zu", i);
            ck_assert_int_eq(cepman_dataset_has_scan(d), cases[i].scan);
            free(read_all(ctx, d));
            cepman_dataset_unref(d);
        }
    }
    /* ScanX does not count the fly-back frames: 3 x (3 + 1). */
    support_write(support_path("run.hdr"), "HDR,\nScanX:\t3\nScanY:\t3\n", 23);
    cepman_dataset *d = NULL;
    cepman_options *o = options_of(ctx, (const char *const[]){"flyback", "1", NULL});
    assert_good(ctx, cepman_dataset_open(&d, ctx, support_path("run.mib"), o));
    assert_shape(d, 3, 3, 3, 4);
    uint8_t frame[12];
    assert_good(ctx, cepman_dataset_read(d, ctx, 3, 1, frame, sizeof frame));
    ck_assert_uint_eq(frame[0], (uint8_t)pixel_at(4, 0));
    cepman_dataset_unref(d);
    cepman_options_unref(o);
    drop(&b);
    support_end(ctx);
}
END_TEST

/* A packed file of one frame, from the image it must give: each number is put where the layout wants it. */
static bytes make_raw(size_t depth, size_t chips, size_t side, size_t rows, const uint32_t *image)
{
    bytes b = {0};
    char text[400];
    size_t columns = side * chips, planes = depth == 24 ? 2 : 1, size = depth == 1 ? 0 : depth == 6 ? 1 : 2;
    int n = snprintf(text, sizeof text,
                     "MQ1,000001,00384,%02zu,%04zu,%04zu,R64,   %s,01,2021-05-07 "
                     "18:51:10.9,0.1,0,MQ1A,2021-05-07T16:51:10.9Z,1ns,%zu,",
                     chips, columns * planes, rows, chips == 4 ? "2x2G" : "1x1", depth);
    put(&b, text, (size_t)n);
    put_fill(&b, 0, 384 - (size_t)n);
    for (size_t plane = 0; plane < planes; plane++) {
        size_t total = columns * rows, start = b.size;
        put_fill(&b, 0, size ? total * size : total / 8);
        for (size_t y = 0; y < rows; y++)
            for (size_t x = 0; x < columns; x++) {
                size_t i = y * columns + x, at = i;
                if (chips == 4) { /* chips 4, 3, 2, 1 from the left; 4 and 3 upside down in the lower half */
                    size_t chip = 4 - x / side, in = x % side, width = 2 * side;
                    at = chip == 1   ? y * width + in
                         : chip == 2 ? y * width + side + in
                         : chip == 3 ? (2 * rows - 1 - y) * width + side - 1 - in
                                     : (2 * rows - 1 - y) * width + 2 * side - 1 - in;
                }
                uint32_t v = image[at];
                if (depth == 24) v = plane == 0 ? v >> 12 : v & 4095;
                unsigned char *p = b.data + start;
                if (depth == 1)
                    p[i / 64 * 8 + (63 - i % 64) / 8] |= (unsigned char)((v & 1) << i % 8);
                else if (depth == 6)
                    p[i / 8 * 8 + 7 - i % 8] = (unsigned char)v;
                else {
                    p[i / 4 * 8 + (3 - i % 4) * 2] = (unsigned char)(v >> 8);
                    p[i / 4 * 8 + (3 - i % 4) * 2 + 1] = (unsigned char)v;
                }
            }
    }
    return b;
}

START_TEST(mib_packed)
{
    static const size_t depths[] = {1, 6, 12, 24};
    cepman_context *ctx = support_begin(1);
    for (size_t k = 0; k < 4; k++)
        for (size_t chips = 1; chips <= 4; chips += 3) {
            size_t side = 16, rows = 12, count = side * rows * chips;
            uint32_t image[16 * 12 * 4];
            for (size_t i = 0; i < count; i++)
                image[i] = (uint32_t)pixel_at(0, i) & ((1u << depths[k]) - 1);
            bytes b = make_raw(depths[k], chips, side, rows, image);
            cepman_dataset *d = NULL;
            assert_good(ctx, open_bytes(&d, ctx, "raw.mib", &b, NULL));
            assert_shape(d, 1, 1, chips == 4 ? 24 : 12, chips == 4 ? 32 : 16);
            ck_assert_int_eq(cepman_dataset_type(d), depths[k] <= 6    ? CEPMAN_TYPE_U8
                                                     : depths[k] == 12 ? CEPMAN_TYPE_U16
                                                                       : CEPMAN_TYPE_U32);
            float got[16 * 12 * 4];
            assert_good(ctx, cepman_dataset_read_f32(d, ctx, 0, 1, got, count));
            for (size_t i = 0; i < count; i++)
                ck_assert_msg(got[i] == (float)image[i], "%zu bits, %zu chips, pixel %zu", depths[k], chips,
                              i);
            cepman_dataset_unref(d);
            d = NULL;
            b.size--;
            assert_status(ctx, open_bytes(&d, ctx, "raw.mib", &b, NULL), CEPMAN_ERR_TRUNCATED);
            drop(&b);
        }
    static const struct {
        const char *head, *words;
    } bad[] = {
        {"MQ1,1,00384,01,0256,0256,R64,1x1,01,2021-01-01 00:00:00.0,0.1,MQ1A,2021-01-01T00:00:00Z,1ns,7,",
         "of 7 bits"},
        {"MQ1,1,00384,01,0256,0256,R64,1x1,01,2021-01-01 00:00:00.0,0.1,", "of 0 bits"},
        {"MQ1,1,00384,02,0256,0256,R64,2x1,01,2021-01-01 00:00:00.0,0.1,MQ1A,2021-01-01T00:00:00Z,1ns,6,",
         "2 chips as '2x1'"},
        {"MQ1,1,00384,01,0007,0003,R64,1x1,01,2021-01-01 00:00:00.0,0.1,MQ1A,2021-01-01T00:00:00Z,1ns,6,",
         "whole groups"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bytes b = {0};
        cepman_dataset *d = NULL;
        put(&b, bad[i].head, strlen(bad[i].head));
        put_fill(&b, 0, 384 + 256 * 256);
        ck_assert_int_ne(open_bytes(&d, ctx, "raw.mib", &b, NULL), CEPMAN_OK);
        ck_assert_msg(strstr(cepman_context_error(ctx), bad[i].words) != NULL, "%s",
                      cepman_context_error(ctx));
        drop(&b);
    }
    /* Real packed frames beside those that the instrument unpacked: separate exposures of one pattern. */
    static const char *const names[] = {"mib/Single_1_Frame_CounterDepth_1_Rows_256",
                                        "mib/Quad_1_Frame_CounterDepth_1_Rows_256"};
    for (size_t i = 0; i < 2; i++) {
        char name[100];
        cepman_dataset *d[2] = {NULL, NULL};
        unsigned char *p[2] = {NULL, NULL};
        for (size_t k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "%s%s.mib", names[i], k ? "RAW" : "");
            const char *path = support_data(name);
            if (!path) continue;
            assert_good(ctx, cepman_dataset_open(&d[k], ctx, path, NULL));
            p[k] = read_all(ctx, d[k]);
        }
        if (p[0] && p[1]) {
            size_t count = cep_dataset_frame_bytes(d[0]), other = 0;
            ck_assert_uint_eq(cep_dataset_frame_bytes(d[1]), count);
            for (size_t k = 0; k < count; k++)
                other += p[0][k] != p[1][k];
            ck_assert_uint_lt(other, count / 1000);
        }
        for (size_t k = 0; k < 2; k++) {
            free(p[k]);
            cepman_dataset_unref(d[k]);
        }
    }
    support_end(ctx);
}
END_TEST

START_TEST(mib_hostile)
{
    mib_shape m = {2, 5, 3, 2, 300, 1, "1x1", 0, 0, 20};
    bytes b = make_mib(&m);
    assert_hostile("hostile.mib", &b, 0, b.size, NULL);
    support_write(support_path("fail.hdr"), "HDR,\nScanX:\t1\nScanY:\t2\n", 23);
    assert_survives_allocation("fail.mib", &b, NULL);
    drop(&b);
    m.frames = 8; /* time stamps are looked at */
    b = make_mib(&m);
    assert_survives_allocation("fail2.mib", &b, NULL);
    drop(&b);
    static const struct {
        const char *head, *words;
    } bad[] = {{"MQ1,1,00010,01,0004,0004,U08,1x1,01,2021-01-01 00:00:00.0,", "header size '00010'"},
               {"MQ1,1,99999999,01,0004,0004,U08,1x1,01,2021-01-01 00:00:00.0,", "header size"},
               {"MQ1,1,00384,01,0000,0004,U08,1x1,01,2021-01-01 00:00:00.0,", "width"},
               {"MQ1,1,00384,01,99999,0004,U08,1x1,01,2021-01-01 00:00:00.0,", "width"},
               {"MQ1,1,00384,01,-4,0004,U08,1x1,01,2021-01-01 00:00:00.0,", "width"},
               {"MQ1,1,00384,01,0004,0004,U64,1x1,01,2021-01-01 00:00:00.0,", "'U64'"},
               {"MQ1,1,00384,01,16000,16000,U32,1x1,01,2021-01-01 00:00:00.0,", "0 whole frames of 1"},
               {"MQ1,1,00384", "3 fields"}};
    cepman_context *ctx = support_begin(1);
    cepman_context_set_memory_limit(ctx, (size_t)1 << 20);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cepman_dataset *d = NULL;
        put(&b, bad[i].head, strlen(bad[i].head));
        cepman_status s = open_bytes(&d, ctx, "bad.mib", &b, NULL);
        ck_assert_int_ne(s, CEPMAN_OK);
        ck_assert_msg(strstr(cepman_context_error(ctx), bad[i].words) != NULL, "%s lacks %s",
                      cepman_context_error(ctx), bad[i].words);
        drop(&b);
    }
    support_end(ctx);
}
END_TEST

/* ---- real files
 * ---------------------------------------------------------------------------------------------- */

START_TEST(real_files)
{
    static const struct {
        const char *name;
        size_t r, c, h, w;
        double sum, step, pixel; /* 0: unknown */
    } files[] = {
        {"mib/001_4x2_6bit.mib", 2, 4, 256, 256, 3623664, 0, 0},
        {"mib/001_4x2_6bit.hdr", 2, 4, 256, 256, 3623664, 0, 0},
        {"mib/002_merlin_test_roi_sig256x128_nav4x2_hot_pixel_52x_39y.mib", 2, 4, 128, 256, 79, 0, 0},
        {"mib/Quad_1_Frame_CounterDepth_12_Rows_256.mib", 1, 1, 512, 512, 845907, 0, 0},
        {"mib/Quad_1_Frame_CounterDepth_1_Rows_256.mib", 1, 1, 512, 512, 10331, 0, 0},
        {"mib/Single_1_Frame_CounterDepth_24_Rows_256.mib", 1, 1, 256, 256, 29416, 0, 0},
        {"mib/Single_9_Frame_CounterDepth_12_Rows_256.mib", 1, 9, 256, 256, 260753, 0, 0},
        {"blo/test1.blo", 3, 2, 144, 144, 5164570, 12.8, 0.0320217},
        {"blo/test2.blo", 2, 3, 5, 5, 2952, 64, 0.0320217},
        {"empad/map4x4.xml", 4, 4, 128, 128, 0, 1141.5856626, 0.0182653706},
        {"empad/stack_images.xml", 1, 10, 128, 128, 0, 0, 0},
    };
    cepman_context *ctx = support_begin(1);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = support_data(files[i].name);
        if (!path) break;
        cepman_dataset *d = NULL;
        assert_good(ctx, cepman_dataset_open(&d, ctx, path, NULL));
        assert_shape(d, files[i].r, files[i].c, files[i].h, files[i].w);
        size_t n = cepman_dataset_frames(d) * files[i].h * files[i].w;
        float *p = malloc(n * sizeof *p);
        ck_assert_ptr_nonnull(p);
        assert_good(ctx, cepman_dataset_read_f32(d, ctx, 0, cepman_dataset_frames(d), p, n));
        double sum = 0;
        for (size_t k = 0; k < n; k++) {
            sum += (double)p[k];
            /* the ramps: every number is its place in the file, footers included */
            if (files[i].sum == 0) ck_assert(p[k] == (float)(k / 16384 * 16640 + k % 16384));
        }
        if (files[i].sum > 0) ck_assert_double_eq(sum, files[i].sum);
        free(p);
        double step = cepman_dataset_scan_step(d), pixel = cepman_dataset_reciprocal_pixel(d);
        ck_assert(files[i].step > 0 ? fabs(step - files[i].step) < 1e-6 : isnan(step));
        ck_assert(files[i].pixel > 0 ? fabs(pixel - files[i].pixel) < 1e-6 : isnan(pixel));
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("instruments");
    TCase *t = tcase_create("instruments");
    tcase_add_test(t, blo);
    tcase_add_test(t, empad);
    tcase_add_test(t, mib);
    tcase_add_test(t, mib_time_stamps);
    tcase_add_test(t, mib_record);
    tcase_add_test(t, mib_packed);
    tcase_add_test(t, mib_hostile);
    tcase_add_test(t, real_files);
    suite_add_tcase(s, t);
    return s;
}
