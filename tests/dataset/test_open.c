/* Opening files: .npy of every type, the scan's shape from file and caller, truncated and growing files. */
#include <math.h>
#include <unistd.h>

#include "files.h"

START_TEST(npy_types)
{
    static const struct {
        const char *code;
        cepman_type type;
        size_t size;
    } types[] = {{"u1", CEPMAN_TYPE_U8, 1},   {"i1", CEPMAN_TYPE_I8, 1},  {"u2", CEPMAN_TYPE_U16, 2},
                 {"i2", CEPMAN_TYPE_I16, 2},  {"u4", CEPMAN_TYPE_U32, 4}, {"i4", CEPMAN_TYPE_I32, 4},
                 {"i8", CEPMAN_TYPE_I64, 8},  {"f4", CEPMAN_TYPE_F32, 4}, {"f8", CEPMAN_TYPE_F64, 8},
                 {"b1", CEPMAN_TYPE_BOOL, 1}, {"f2", CEPMAN_TYPE_F16, 2}};
    cepman_context *ctx = support_begin(1);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (int big = 0; big < 2; big++)
            for (int version = 1; version <= 3; version++) {
                char descr[8];
                snprintf(descr, sizeof descr, "%c%s",
                         types[t].size == 1 ? '|'
                         : big              ? '>'
                                            : '<',
                         types[t].code);
                bytes b = make_npy(descr, "(2, 3, 5, 7)", false, 210, types[t].size, big, version);
                cepman_dataset *d = NULL;
                assert_good(ctx, open_bytes(&d, ctx, "types.npy", &b, NULL));
                assert_shape(d, 2, 3, 5, 7);
                ck_assert_int_eq(cepman_dataset_has_scan(d), 1);
                ck_assert_int_eq(cepman_dataset_type(d), types[t].type);
                ck_assert_str_eq(cepman_dataset_format(d), "npy");
                unsigned char *p = read_all(ctx, d);
                for (size_t i = 0; i < 210; i++) {
                    /* Only the low bytes were written: compare them as this machine orders them. */
                    uint64_t v = pixel_at(0, i);
                    uint8_t v1 = (uint8_t)v;
                    uint16_t v2 = (uint16_t)v;
                    uint32_t v4 = (uint32_t)v;
                    const void *expected = types[t].size == 1   ? (void *)&v1
                                           : types[t].size == 2 ? (void *)&v2
                                           : types[t].size == 4 ? (void *)&v4
                                                                : (void *)&v;
                    ck_assert_mem_eq(p + i * types[t].size, expected, types[t].size);
                }
                free(p);
                cepman_dataset_unref(d);
                drop(&b);
            }
    support_end(ctx);
}
END_TEST

START_TEST(npy_shapes)
{
    static const struct {
        const char *shape;
        bool fortran;
        size_t count, r, c, h, w;
        int scan;
        cepman_status status;
        const char *words;
    } cases[] = {
        {"(4, 6)", false, 24, 1, 1, 4, 6, 0, CEPMAN_OK, ""},
        {"(3, 2, 4)", false, 24, 1, 3, 2, 4, 0, CEPMAN_OK, ""},
        {"(1, 1, 2, 3, 2, 2)", false, 24, 2, 3, 2, 2, 1, CEPMAN_OK, ""},
        {"(1, 24, 1, 1)", true, 24, 1, 24, 1, 1, 1, CEPMAN_OK, ""}, /* order does not matter */
        {"(2, 3, 2, 2)", true, 24, 0, 0, 0, 0, 0, CEPMAN_ERR_UNSUPPORTED, "numpy.ascontiguousarray"},
        {"(24,)", false, 24, 0, 0, 0, 0, 0, CEPMAN_ERR_SHAPE, "array of 1 axes"},
        {"()", false, 1, 0, 0, 0, 0, 0, CEPMAN_ERR_SHAPE, "array of 0 axes"},
        {"(2, 1, 3, 2, 2)", false, 24, 0, 0, 0, 0, 0, CEPMAN_ERR_SHAPE, "array of 5 axes"},
        {"(2, 0, 3, 2)", false, 24, 0, 0, 0, 0, 0, CEPMAN_ERR_SHAPE, "empty"},
        {"(2, 3, 2, 3)", false, 24, 0, 0, 0, 0, 0, CEPMAN_ERR_TRUNCATED, "4 whole frames of 6"},
        {"(1, 1, 2, 2)", false, 24, 1, 1, 2, 2, 1, CEPMAN_OK, ""}, /* bytes after the array are not of it */
        {"(1, 1, 17000, 17000)", false, 24, 0, 0, 0, 0, 0, CEPMAN_ERR_TRUNCATED, "0 whole frames of 1"},
        {"(2000000000, 2000000000, 1, 1)", false, 24, 0, 0, 0, 0, 0, CEPMAN_ERR_TRUNCATED, "24 whole frames"},
        {"(4000000000, 4000000000, 4000000000, 1)", false, 24, 0, 0, 0, 0, 0, CEPMAN_ERR_FORMAT,
         "more than memory"},
    };
    cepman_context *ctx = support_begin(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes b = make_npy("<u2", cases[i].shape, cases[i].fortran, cases[i].count, 2, false, 1);
        cepman_dataset *d = NULL;
        assert_fails(ctx, open_bytes(&d, ctx, "shapes.npy", &b, NULL), cases[i].status, cases[i].words);
        if (!cases[i].status) {
            assert_shape(d, cases[i].r, cases[i].c, cases[i].h, cases[i].w);
            ck_assert_int_eq(cepman_dataset_has_scan(d), cases[i].scan);
            free(read_all(ctx, d));
            cepman_dataset_unref(d);
        } else {
            ck_assert_ptr_null(d);
        }
        drop(&b);
    }
    bytes b = make_npy("<c8", "(2, 2)", false, 4, 8, false, 1);
    cepman_dataset *d = NULL;
    assert_fails(ctx, open_bytes(&d, ctx, "complex.npy", &b, NULL), CEPMAN_ERR_UNSUPPORTED, "'<c8'");
    drop(&b);
    support_end(ctx);
}
END_TEST

/* The scan asked for, for a stack of 12 frames of 2 x 3. */
START_TEST(scan_of_a_stack)
{
    static const struct {
        const char *options[9];
        size_t r, c;
        cepman_status status;
    } cases[] = {
        {{NULL}, 1, 12, CEPMAN_OK},
        {{"scan-rows", "3", NULL}, 3, 4, CEPMAN_OK},
        {{"scan-columns", "6", NULL}, 2, 6, CEPMAN_OK},
        {{"scan-rows", "4", "scan-columns", "3", NULL}, 4, 3, CEPMAN_OK},
        {{"scan-rows", "5", NULL}, 0, 0, CEPMAN_ERR_SHAPE},
        {{"scan-columns", "5", NULL}, 0, 0, CEPMAN_ERR_SHAPE},
        {{"scan-rows", "13", NULL}, 0, 0, CEPMAN_ERR_SHAPE},
        {{"scan-rows", "2", "scan-columns", "5", NULL}, 0, 0, CEPMAN_ERR_SHAPE},
        {{"scan-rows", "1099511627776", "scan-columns", "1099511627776", NULL}, 0, 0, CEPMAN_ERR_SHAPE},
        {{"scan-rows", "16777216", "scan-columns", "1099511627776", "salvage", "1", NULL},
         0,
         0,
         CEPMAN_ERR_SHAPE},
        {{"scan-rows", "2", "scan-columns", "5", "salvage", "1", NULL}, 2, 5, CEPMAN_OK},
        {{"scan-columns", "5", "salvage", "1", NULL}, 2, 5, CEPMAN_OK},
        {{"scan-rows", "9", "scan-columns", "5", "salvage", "1", NULL}, 2, 5, CEPMAN_OK},
        /* 3 x (3 + 1), and 12 = 2 x (5 + 2) - 2: the last row has no fly-back frames */
        {{"scan-columns", "3", "flyback", "1", NULL}, 3, 3, CEPMAN_OK},
        {{"scan-rows", "3", "flyback", "1", NULL}, 3, 3, CEPMAN_OK},
        {{"scan-columns", "5", "flyback", "2", NULL}, 2, 5, CEPMAN_OK},
        {{"scan-rows", "2", "scan-columns", "5", "flyback", "2", NULL}, 2, 5, CEPMAN_OK},
        {{"scan-rows", "2", "flyback", "2", NULL}, 2, 5, CEPMAN_OK},
        {{"scan-columns", "4", "flyback", "1", NULL}, 0, 0, CEPMAN_ERR_SHAPE},
        {{"scan-rows", "12", "flyback", "1", NULL}, 0, 0, CEPMAN_ERR_SHAPE},
        {{"flyback", "1", NULL}, 0, 0, CEPMAN_ERR_SHAPE},
    };
    cepman_context *ctx = support_begin(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {

        bytes b = make_npy("<u2", "(12, 2, 3)", false, 72, 2, false, 1);
        cepman_dataset *d = NULL;
        cepman_status s = open_bytes(&d, ctx, "stack.npy", &b, cases[i].options);
        ck_assert_msg(s == cases[i].status, "case %zu: %s", i, cepman_context_error(ctx));
        drop(&b);
        if (s) continue;
        assert_shape(d, cases[i].r, cases[i].c, 2, 3);
        size_t flyback = 0;
        for (size_t k = 0; cases[i].options[k]; k += 2)
            if (strcmp(cases[i].options[k], "flyback") == 0) flyback = (size_t)atoi(cases[i].options[k + 1]);
        uint16_t *p = (uint16_t *)(void *)read_all(ctx, d);
        for (size_t f = 0; f < cases[i].r * cases[i].c; f++) {
            size_t from = f / cases[i].c * (cases[i].c + flyback) + f % cases[i].c;
            for (size_t k = 0; k < 6; k++)
                ck_assert_uint_eq(p[f * 6 + k], (uint16_t)pixel_at(0, from * 6 + k));
        }
        free(p);
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

/* A scan of 3 x 4 by its own account. */
START_TEST(scan_of_a_scan)
{
    cepman_context *ctx = support_begin(1);
    bytes b = make_npy("<u2", "(3, 4, 2, 3)", false, 72, 2, false, 1);
    cepman_dataset *d = NULL;
    assert_good(ctx, open_bytes(&d, ctx, "scan.npy", &b, (const char *const[]){"scan-rows", "2", NULL}));
    assert_shape(d, 2, 6, 2, 3);
    cepman_dataset_unref(d);
    assert_good(ctx, open_bytes(&d, ctx, "scan.npy", &b, (const char *const[]){"flyback", "1", NULL}));
    assert_shape(d, 3, 3, 2, 3);
    cepman_dataset_unref(d);
    assert_good(ctx, open_bytes(&d, ctx, "scan.npy", &b, (const char *const[]){"flip", "1", NULL}));
    uint16_t *p = (uint16_t *)(void *)read_all(ctx, d);
    for (size_t i = 0; i < 72; i++)
        ck_assert_uint_eq(p[i], (uint16_t)pixel_at(0, i / 6 * 6 + (1 - i / 3 % 2) * 3 + i % 3));
    free(p);
    cepman_dataset_unref(d);
    /* Cut: refused, or with salvage the whole frames: as rows where they are whole. */
    for (size_t cut = 0; cut <= 144; cut++) {
        bytes c = b;
        c.size = b.size - cut;
        size_t frames = (144 - cut) / 12;
        d = NULL;
        cepman_status s = open_bytes(&d, ctx, "cut.npy", &c, NULL);
        if (cut) {
            ck_assert_int_eq(s, CEPMAN_ERR_TRUNCATED);
            ck_assert(strstr(cepman_context_error(ctx), "cut.npy") != NULL);
        }
        cepman_dataset_unref(d);
        d = NULL;
        s = open_bytes(&d, ctx, "cut.npy", &c, (const char *const[]){"salvage", "1", NULL});
        ck_assert_int_eq(s, frames ? CEPMAN_OK : CEPMAN_ERR_TRUNCATED);
        if (s) continue;
        ck_assert_uint_eq(cepman_dataset_frames(d), frames);
        ck_assert_int_eq(cepman_dataset_has_scan(d), frames % 4 == 0);
        ck_assert_uint_eq(cepman_dataset_scan_columns(d), frames % 4 == 0 ? 4 : frames);
        free(read_all(ctx, d));
        cepman_dataset_unref(d);
    }
    drop(&b);
    support_end(ctx);
}
END_TEST

START_TEST(growing_and_shrinking)
{
    cepman_context *ctx = support_begin(1);
    bytes b = make_npy("<u2", "(3, 4, 2, 3)", false, 72, 2, false, 1);
    const char *path = support_path("live.npy");
    size_t start = b.size - 144;
    support_write(path, b.data, start + 5);
    cepman_options *o = options_of(ctx, (const char *const[]){"follow", "1", NULL});
    cepman_dataset *d = NULL;
    uint16_t frames[72];
    assert_good(ctx, cepman_dataset_open(&d, ctx, path, o));
    ck_assert_uint_eq(cepman_dataset_available(d), 0);
    for (size_t n = 12; n <= 144; n++) {
        support_write(path, b.data, start + n);
        assert_shape(d, 3, 4, 2, 3);
        ck_assert_uint_eq(cepman_dataset_frames(d), 12);
        ck_assert_uint_eq(cepman_dataset_available(d), n / 12);
        assert_good(ctx, cepman_dataset_read(d, ctx, 0, n / 12, frames, sizeof frames));
        assert_status(ctx, cepman_dataset_read(d, ctx, n / 12, 1, frames, sizeof frames), CEPMAN_ERR_RANGE);
        ck_assert_uint_eq(frames[0], (uint16_t)pixel_at(0, 0));
    }
    cepman_dataset_unref(d);
    /* A file that shrank after it was opened. */
    d = NULL;
    assert_good(ctx, cepman_dataset_open(&d, ctx, path, NULL));
    ck_assert_int_eq(truncate(path, (off_t)(start + 30)), 0);
    assert_good(ctx, cepman_dataset_read(d, ctx, 0, 2, frames, sizeof frames));
    assert_fails(ctx, cepman_dataset_read(d, ctx, 0, 3, frames, sizeof frames), CEPMAN_ERR_TRUNCATED,
                 "live.npy");
    cepman_dataset_unref(d);
    cepman_options_unref(o);
    drop(&b);
    support_end(ctx);
}
END_TEST

START_TEST(headerless)
{
    cepman_context *ctx = support_begin(1);
    for (int big = 0; big < 2; big++)
        for (size_t gap = 0; gap < 9; gap += 4) {
            const char gap_text[] = {(char)('0' + gap), 0};
            const char *const options[] = {
                "format",     "raw",    "raw-type",  "u32", "raw-order",  big ? "big" : "little",
                "raw-height", "3",      "raw-width", "5",   "raw-offset", "7",
                "raw-gap",    gap_text, NULL};
            bytes b = {0};
            put_fill(&b, 'x', 7);
            for (size_t f = 0; f < 4; f++) {
                if (f) put_fill(&b, 'y', gap);
                for (size_t p = 0; p < 15; p++)
                    big ? put_big(&b, pixel_at(f, p), 4) : put_little(&b, pixel_at(f, p), 4);
            }
            cepman_dataset *d = NULL;
            assert_good(ctx, open_bytes(&d, ctx, "raw.bin", &b, options));
            assert_shape(d, 1, 4, 3, 5);
            ck_assert_str_eq(cepman_dataset_format(d), "raw");
            uint32_t *p = (uint32_t *)(void *)read_all(ctx, d);
            for (size_t i = 0; i < 60; i++)
                ck_assert_uint_eq(p[i], (uint32_t)pixel_at(i / 15, i % 15));
            free(p);
            cepman_dataset_unref(d);
            b.size--;
            d = NULL;
            assert_fails(ctx, open_bytes(&d, ctx, "raw.bin", &b, options), CEPMAN_ERR_TRUNCATED,
                         "3 whole frames of 4");
            b.size = 5; /* not even the offset */
            assert_status(ctx, open_bytes(&d, ctx, "raw.bin", &b, options), CEPMAN_ERR_TRUNCATED);
            assert_fails(ctx,
                         open_bytes(&d, ctx, "raw.bin", &b, (const char *const[]){"format", "raw", NULL}),
                         CEPMAN_ERR_ARGUMENT, "raw-height");
            ck_assert_ptr_null(d);
            drop(&b);
        }
    support_end(ctx);
}
END_TEST

START_TEST(what_is_no_dataset)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    bytes b = {0};
    assert_fails(ctx, open_bytes(&d, ctx, "empty.npy", &b, NULL), CEPMAN_ERR_UNSUPPORTED, "empty.npy");
    put(&b, "hello, world", 12);
    assert_fails(ctx, open_bytes(&d, ctx, "hello", &b, NULL), CEPMAN_ERR_UNSUPPORTED, "option format");
    static const char *const formats[] = {"npy", "blo", "mib", "empad"};
    for (size_t i = 0; i < 4; i++) {
        cepman_status s = open_bytes(&d, ctx, "hello", &b, (const char *const[]){"format", formats[i], NULL});
        ck_assert(s == CEPMAN_ERR_FORMAT || s == CEPMAN_ERR_TRUNCATED);
        ck_assert(strstr(cepman_context_error(ctx), "hello") != NULL);
    }
    drop(&b);
    assert_fails(ctx, cepman_dataset_open(&d, ctx, support_path("not there"), NULL), CEPMAN_ERR_IO,
                 "not there");
    assert_fails(ctx, cepman_dataset_open(&d, ctx, "/", NULL), CEPMAN_ERR_IO, "/");
    assert_status(ctx, cepman_dataset_open(NULL, ctx, "x", NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_dataset_open(&d, ctx, NULL, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_dataset_open(&d, NULL, "x", NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(d);
    support_end(ctx);
}
END_TEST

/* Calibrations of a .npy come from FILE.npy.json; what makes no sense there is left alone, and so is the file. */
START_TEST(calibrations_beside)
{
    static const struct {
        const char *json;
        double step, pixel; /* 0: unknown */
    } cases[] = {{NULL, 0, 0},
                 {"{\"scan_step_nm\": 1.5, \"reciprocal_pixel_per_angstrom\": 3.2e-2}\n", 1.5, 0.032},
                 {"{\"reciprocal_pixel_per_angstrom\":0.5}", 0, 0.5},
                 {" {\"a\": [{\"scan_step_nm\": 7}, \"}\\\"\"], \"scan_step_nm\" : 2 , \"x\": null}", 2, 0},
                 {"{\"scan_step_nm\": null}", 0, 0},
                 {"{}", 0, 0},
                 {"{\"scan_step_nm\": -1}", 0, 0},
                 {"{\"scan_step_nm\": 1, \"reciprocal_pixel_per_angstrom\": \"wide\"}", 0, 0},
                 {"{\"scan_step_nm\": 1", 0, 0},
                 {"{\"scan_step_nm\" 1}", 0, 0},
                 {"{\"scan_step_nm: 1}", 0, 0},
                 {"[1, 2]", 0, 0},
                 {"", 0, 0}};
    cepman_context *ctx = support_begin(1);
    bytes b = make_npy("<u2", "(2, 3, 4, 5)", false, 120, 2, false, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32], beside[40];
        snprintf(name, sizeof name, "beside%zu.npy", i);
        snprintf(beside, sizeof beside, "%s.json", name);
        if (cases[i].json) support_write(support_path(beside), cases[i].json, strlen(cases[i].json));
        cepman_dataset *d = NULL;
        assert_good(ctx, open_bytes(&d, ctx, name, &b, NULL));
        double step = cepman_dataset_scan_step(d), pixel = cepman_dataset_reciprocal_pixel(d);
        ck_assert_msg(cases[i].step > 0 ? step == cases[i].step : isnan(step), "case %zu: step %g", i, step);
        ck_assert_msg(cases[i].pixel > 0 ? pixel == cases[i].pixel : isnan(pixel), "case %zu: pixel %g", i,
                      pixel);
        cepman_dataset_unref(d);
    }
    free(b.data);
    support_end(ctx);
}
END_TEST

START_TEST(hostile_npy)
{
    bytes b = make_npy("<u2", "(3, 4, 2, 3)", false, 72, 2, false, 1);
    assert_hostile("hostile.npy", &b, 0, 128, NULL);
    assert_survives_allocation("fail.npy", &b, (const char *const[]){"flip", "1", "flyback", "1", NULL});
    drop(&b);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("open");
    TCase *t = tcase_create("open");
    tcase_add_test(t, npy_types);
    tcase_add_test(t, npy_shapes);
    tcase_add_test(t, scan_of_a_stack);
    tcase_add_test(t, scan_of_a_scan);
    tcase_add_test(t, growing_and_shrinking);
    tcase_add_test(t, headerless);
    tcase_add_test(t, what_is_no_dataset);
    tcase_add_test(t, calibrations_beside);
    tcase_add_test(t, hostile_npy);
    suite_add_tcase(s, t);
    return s;
}
