/* HDF5 files as programs and detectors lay them out, written here with the HDF5 library. */
#include <math.h>

#include "h5files.h"

START_TEST(py4dstem)
{
    cepman_context *ctx = support_begin(1);
    hid_t file = create("e.h5"), g = group(file, "root/cube");
    group_text(g, "emd_group_type", "array", true);
    group_text(g, "python_class", "DataCube", true);
    hid_t set = array(g, "data", H5T_IEEE_F32LE, 4, four, H5P_DEFAULT);
    H5Dclose(set);
    static const char *const units[] = {"nm", "nm", "A^-1", "A^-1"};
    for (int i = 0; i < 4; i++) {
        char name[8];
        const double steps[] = {0.5, 0.25, 0.03, 0.02}, v[2] = {1, 1 + steps[i]};
        const hsize_t two = 2;
        snprintf(name, sizeof name, "dim%d", i);
        hid_t space = H5Screate_simple(1, &two, NULL);
        set = H5Dcreate2(g, name, H5T_IEEE_F64BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v);
        group_text(set, "units", units[i], i % 2);
        H5Dclose(set);
        H5Sclose(space);
    }
    H5Gclose(g);
    set = array(file, "other", H5T_STD_U8LE, 4, four, H5P_DEFAULT); /* does not confuse */
    H5Dclose(set);
    H5Fclose(file);
    cepman_dataset *d = NULL;
    assert_good(ctx, open_h5(&d, ctx, "e.h5", NULL));
    assert_shape(d, 3, 4, 5, 6);
    ck_assert_str_eq(cepman_dataset_format(d), "hdf5");
    ck_assert_int_eq(cepman_dataset_type(d), CEPMAN_TYPE_F32);
    ck_assert_double_eq_tol(cepman_dataset_scan_step(d), 0.25, 1e-12);
    ck_assert_double_eq_tol(cepman_dataset_reciprocal_pixel(d), 0.02, 1e-12);
    check_pixels(ctx, d);
    cepman_dataset_unref(d);
    assert_good(ctx, open_h5(&d, ctx, "e.h5",
                             (const char *const[]){"dataset", "/root/cube", "scan-rows", "2", NULL}));
    assert_shape(d, 2, 6, 5, 6);
    check_pixels(ctx, d);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

START_TEST(other_layouts)
{
    static const struct {
        const char *name;
        int dims;
        const hsize_t *shape;
        int scan;
    } cases[] = {{"4DSTEM_experiment/data/datacubes/c/data", 4, four, 1},
                 {"4DSTEM_simulation/data/datacubes/a/datacube", 4, four, 1},
                 {"fpd_expt/fpd_data/data", 5, five, 1},
                 {"entry/data/data", 3, three, 0},
                 {"Experiments/x/data", 3, three, 0},
                 {"Experiments/x/data", 4, four, 1},
                 {"a/lonely/array", 4, four, 1}};
    cepman_context *ctx = support_begin(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int how = 0; how < 3; how++) {
            /* contiguous; chunks that are no frames, deflated; chunks of frames of several rows */
            static const hsize_t small[] = {2, 3, 1, 2, 4}, rows[] = {2, 3, 1, 5, 6};
            hsize_t chunk[5];
            for (int k = 0; k < cases[i].dims; k++) {
                int from = k < cases[i].dims - 2 ? k : k - cases[i].dims + 5;
                chunk[k] = how == 1 ? small[from] : rows[from];
            }
            hid_t file = create("o.h5"),
                  plist = how ? chunked(cases[i].dims, chunk, how == 1) : H5Pcreate(H5P_DATASET_CREATE);
            H5Dclose(array(file, cases[i].name, how == 2 ? H5T_STD_U16BE : H5T_STD_I32LE, cases[i].dims,
                           cases[i].shape, plist));
            H5Dclose(array(file, "z/three", H5T_STD_U8LE, 3, three, H5P_DEFAULT));
            H5Pclose(plist);
            H5Fclose(file);
            cepman_dataset *d = NULL;
            assert_good(ctx, open_h5(&d, ctx, "o.h5", NULL));
            if (cases[i].scan) {
                assert_shape(d, 3, 4, 5, 6);
            } else {
                assert_shape(d, 1, 7, 5, 6);
            }
            ck_assert_int_eq(cepman_dataset_has_scan(d), cases[i].scan);
            ck_assert_int_eq(cepman_dataset_type(d), how == 2 ? CEPMAN_TYPE_U16 : CEPMAN_TYPE_I32);
            check_pixels(ctx, d);
            cepman_dataset_unref(d);
        }
    support_end(ctx);
}
END_TEST

START_TEST(hyperspy)
{
    cepman_context *ctx = support_begin(1);
    hid_t file = create("h.hspy"), plist = chunked(4, four, true), type = H5Tenum_create(H5T_STD_I8LE),
          flag = H5Tenum_create(H5T_STD_I8LE);
    int8_t no = 0, yes = 1;
    H5Tenum_insert(type, "FALSE", &no);
    H5Tenum_insert(type, "TRUE", &yes);
    H5Tenum_insert(flag, "FALSE", &no);
    H5Tenum_insert(flag, "TRUE", &yes);
    hid_t space = H5Screate_simple(4, four, NULL), links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    hid_t set = H5Dcreate2(file, "Experiments/a/data", type, space, links, plist, H5P_DEFAULT);
    int8_t v[360];
    for (size_t i = 0; i < 360; i++)
        v[i] = pixel_at(0, i) % 3 == 0;
    ck_assert(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) >= 0);
    H5Dclose(set);
    static const char *const units[] = {"\xc2\xb5m", "nm", "1/nm", "$A^{-1}$"};
    for (int i = 0; i < 4; i++) {
        char name[40];
        double scale = i == 1 ? 2.5 : 0.01;
        snprintf(name, sizeof name, "Experiments/a/axis-%d", i);
        hid_t g = group(file, name);
        number(g, "scale", H5T_NATIVE_DOUBLE, &scale);
        number(g, "navigate", flag, i < 2 ? &yes : &no);
        group_text(g, "units", units[i], true);
        H5Gclose(g);
    }
    H5Fclose(file);
    cepman_dataset *d = NULL;
    assert_good(ctx, open_h5(&d, ctx, "h.hspy", NULL));
    assert_shape(d, 3, 4, 5, 6);
    ck_assert_int_eq(cepman_dataset_type(d), CEPMAN_TYPE_BOOL);
    ck_assert_double_eq_tol(cepman_dataset_scan_step(d), 2.5, 1e-12);
    ck_assert_double_eq_tol(cepman_dataset_reciprocal_pixel(d), 0.01, 1e-12);
    unsigned char *p = read_all(ctx, d);
    ck_assert_mem_eq(p, v, 360);
    free(p);
    cepman_dataset_unref(d);
    /* A spectrum image is no stack of frames. */
    file = create("s.hspy");
    H5Dclose(array(file, "Experiments/a/data", H5T_STD_U16LE, 3, three, H5P_DEFAULT));
    for (int i = 0; i < 3; i++) {
        char name[40];
        snprintf(name, sizeof name, "Experiments/a/axis-%d", i);
        hid_t g = group(file, name);
        number(g, "navigate", flag, i < 2 ? &yes : &no);
        H5Gclose(g);
    }
    H5Fclose(file);
    d = NULL;
    assert_fails(ctx, open_h5(&d, ctx, "s.hspy", NULL), CEPMAN_ERR_UNSUPPORTED,
                 "Experiments/a/data (3 axes)");
    H5Tclose(type);
    H5Tclose(flag);
    H5Sclose(space);
    H5Pclose(links);
    H5Pclose(plist);
    support_end(ctx);
}
END_TEST

START_TEST(nexus_default)
{
    cepman_context *ctx = support_begin(1);
    hid_t file = create("n.nxs");
    H5Dclose(array(file, "e/first", H5T_STD_U16LE, 4, four, H5P_DEFAULT));
    hid_t set = array(file, "e/d/counts", H5T_STD_U16LE, 3, three, H5P_DEFAULT),
          g = H5Gopen2(file, "e", H5P_DEFAULT);
    H5Dclose(set);
    group_text(file, "default", "e", true);
    group_text(g, "default", "d", false);
    H5Gclose(g);
    g = H5Gopen2(file, "e/d", H5P_DEFAULT);
    group_text(g, "signal", "counts", false);
    H5Gclose(g);
    H5Fclose(file);
    cepman_dataset *d = NULL;
    assert_good(ctx, open_h5(&d, ctx, "n.nxs", NULL));
    assert_shape(d, 1, 7, 5, 6);
    check_pixels(ctx, d);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

/* ---- what is not read, and how -------------------------------------------------------------------------------- */

START_TEST(refused)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    H5E_auto2_t before, after;
    void *data;
    H5Eget_auto2(H5E_DEFAULT, &before, &data);
    hid_t file = create("r.h5");
    static const hsize_t wide[] = {2, 3, 2, 5, 6}, none[] = {2, 0, 5, 6};
    H5Dclose(array(file, "a", H5T_STD_U16LE, 4, four, H5P_DEFAULT));
    H5Dclose(array(file, "b", H5T_STD_U16LE, 4, four, H5P_DEFAULT));
    H5Dclose(array(file, "wide", H5T_STD_U16LE, 5, wide, H5P_DEFAULT));
    H5Dclose(array(file, "none", H5T_STD_U16LE, 4, none, H5P_DEFAULT));
    H5Dclose(array(file, "u64", H5T_STD_U64LE, 4, four, H5P_DEFAULT));
    H5Dclose(array(file, "line", H5T_STD_U16LE, 1, four, H5P_DEFAULT));
    hid_t plist = chunked(4, four, false);
    const unsigned values[] = {1};
    H5Pset_filter(plist, 32013, H5Z_FLAG_OPTIONAL, 1, values);
    H5Dclose(array(file, "zfp", H5T_STD_U16LE, 4, four, plist));
    H5Pclose(plist);
    H5Fclose(file);
    assert_fails(ctx, open_h5(&d, ctx, "r.h5", NULL), CEPMAN_ERR_UNSUPPORTED, "a (4 axes), b (4 axes)");
    static const struct {
        const char *name;
        cepman_status status;
        const char *words;
    } cases[] = {
        {"c", CEPMAN_ERR_UNSUPPORTED, "no array 'c'"}, {"wide", CEPMAN_ERR_SHAPE, "5 axes"},
        {"none", CEPMAN_ERR_SHAPE, "none empty"},      {"u64", CEPMAN_ERR_UNSUPPORTED, "the numbers of u64"},
        {"line", CEPMAN_ERR_SHAPE, "1 axes"},          {"zfp", CEPMAN_ERR_UNSUPPORTED, "filter 32013"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(ctx, open_h5(&d, ctx, "r.h5", (const char *const[]){"dataset", cases[i].name, NULL}),
                     cases[i].status, cases[i].words);
    support_write(support_path("t.h5"), "\x89HDF\r\n\x1a\n and nothing", 20);
    assert_fails(ctx, open_h5(&d, ctx, "t.h5", NULL), CEPMAN_ERR_FORMAT, "HDF5 cannot open");
    ck_assert_ptr_null(d);
    H5Eget_auto2(H5E_DEFAULT, &after, &data);
    ck_assert(before == after); /* the host's way of printing errors is as it was */
    assert_good(ctx, open_h5(&d, ctx, "r.h5", (const char *const[]){"dataset", "b", NULL}));
    check_pixels(ctx, d);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

/* Calibrations of an EMPAD-G2 in an HDF5 file: quadratic ones have a last axis of two. */
START_TEST(calibration_files)
{
    enum { N = 128 * 128 };
    static const char *const names[] = {"Ml", "alpha", "Md", "Oh", "Ot", "FFA", "FFB"};
    static const float values[] = {2, 0.5f, 1000, 3, 7, 1, 1};
    const hsize_t shape[] = {128, 128, 2};
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    float *x = calloc((size_t)2 * N, sizeof *x);
    hid_t file = create("quadratic.h5");
    for (size_t k = 0; k < 7; k++) {
        hid_t space = H5Screate_simple(k < 5 ? 3 : 2, shape, NULL);
        hid_t set = H5Dcreate2(file, names[k], H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        for (size_t i = 0; i < (size_t)2 * N; i++)
            x[i] = values[k] * (k < 5 && i % 2 ? 10 : 1);
        ck_assert(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
        H5Dclose(set);
        H5Sclose(space);
    }
    H5Fclose(file);
    bytes b = {0};
    for (size_t p = 0; p < (size_t)2 * N; p++)
        put_little(&b, 4 | 2u << 14 | (p % 2 ? 1u << 31 : 0), 4);
    char path[4096];
    snprintf(path, sizeof path, "%s", support_path("quadratic.h5"));
    assert_good(ctx,
                open_bytes(&d, ctx, "scan_x2_y1.raw", &b, (const char *const[]){"calibration", path, NULL}));
    assert_good(ctx, cepman_dataset_read(d, ctx, 0, 2, x, (size_t)2 * N * 4));
    ck_assert(x[0] == 4 + 2000 - 7 && x[1] == 8 + 8 + 3 + 2000 - 7);
    ck_assert(x[N] == 4 + 20000 - 70 && x[N + 1] == 80 + 80 + 30 + 20000 - 70);
    cepman_dataset_unref(d);
    d = NULL;
    file = create("poor.h5");
    H5Fclose(file);
    snprintf(path, sizeof path, "%s", support_path("poor.h5"));
    assert_fails(ctx,
                 open_bytes(&d, ctx, "scan_x2_y1.raw", &b, (const char *const[]){"calibration", path, NULL}),
                 CEPMAN_ERR_FORMAT, "no array G1A");
    drop(&b);
    free(x);
    support_end(ctx);
}
END_TEST

/* Cut at any length: refused, or frames that read. */
/* MATLAB 7.3: a block of 512 bytes with a text, then HDF5; contiguous and in chunks of whole frames and of several. */
START_TEST(matlab)
{
    static const hsize_t chunks[][4] = {{1, 1, 5, 6}, {2, 2, 5, 6}, {2, 3, 2, 4}};
    cepman_context *ctx = support_begin(1);
    for (size_t k = 0; k < 4; k++) {
        char text[512];
        hid_t creation = H5Pcreate(H5P_FILE_CREATE);
        ck_assert(H5Pset_userblock(creation, 512) >= 0);
        hid_t file = H5Fcreate(support_path("m.mat"), H5F_ACC_TRUNC, creation, H5P_DEFAULT);
        hid_t plist = k ? chunked(4, chunks[k - 1], k != 1) : H5P_DEFAULT;
        H5Dclose(array(file, "scan", H5T_STD_U16LE, 4, four, plist));
        if (k) H5Pclose(plist);
        H5Pclose(creation);
        H5Fclose(file);
        memset(text, ' ', sizeof text);
        memcpy(text, "MATLAB 7.3 MAT-file, Platform: GLNXA64", 38);
        FILE *f = fopen(support_path("m.mat"), "r+b");
        ck_assert(f && fwrite(text, 1, sizeof text, f) == sizeof text && fclose(f) == 0);
        cepman_dataset *d = NULL;
        assert_good(ctx, open_h5(&d, ctx, "m.mat", NULL));
        ck_assert_str_eq(cepman_dataset_format(d), "hdf5");
        assert_shape(d, 3, 4, 5, 6);
        check_pixels(ctx, d);
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

/* Chunks that were never written hold the file's fill value, whoever decodes them; numbers of other sizes are converted. */
START_TEST(fill_and_conversion)
{
    static const hsize_t chunk[] = {2, 3, 5, 6};
    cepman_context *ctx = support_begin(1);
    for (int k = 0; k < 6; k++) {
        const uint16_t value = 321;
        hid_t file = create("fill.h5"), plist = chunked(4, chunk, k % 3 == 1),
              space = H5Screate_simple(4, four, NULL);
        if (k % 3 == 2) ck_assert(H5Pset_fletcher32(plist) >= 0); /* a filter that HDF5 undoes */
        ck_assert(H5Pset_fill_value(plist, H5T_NATIVE_UINT16, &value) >= 0);
        hid_t set = H5Dcreate2(file, "x", k < 3 ? H5T_STD_U16BE : H5T_STD_I64LE, space, H5P_DEFAULT, plist,
                               H5P_DEFAULT);
        H5Dclose(set);
        H5Sclose(space);
        H5Pclose(plist);
        H5Fclose(file);
        cepman_dataset *d = NULL;
        float x[360];
        assert_good(ctx, open_h5(&d, ctx, "fill.h5", NULL));
        assert_good(ctx, cepman_dataset_read_f32(d, ctx, 0, 12, x, 360));
        for (size_t i = 0; i < 360; i++)
            ck_assert(x[i] == 321.0f);
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

START_TEST(cut)
{
    cepman_context *ctx = support_begin(1);
    hid_t file = create("c.h5"), plist = chunked(4, (const hsize_t[]){1, 2, 5, 6}, true);
    H5Dclose(array(file, "a", H5T_STD_U16LE, 4, four, plist));
    H5Pclose(plist);
    H5Fclose(file);
    size_t size;
    unsigned char *bytes_of = support_read(support_path("c.h5"), &size);
    for (size_t at = 8; at < size; at += 1 + at / 40) {
        support_write(support_path("cut.h5"), bytes_of, at);
        cepman_dataset *d = NULL;
        ck_assert_int_ne(open_h5(&d, ctx, "cut.h5", NULL), CEPMAN_OK);
        ck_assert_ptr_null(d);
    }
    free(bytes_of);
    support_end(ctx);
}
END_TEST

START_TEST(real_files)
{
    static const struct {
        const char *name, *set;
        size_t r, c, h, w;
        double sum, step, pixel;
    } files[] = {
        {"emd/py4DSTEM_size2x3x4x5.h5", "", 2, 3, 4, 5, 28255.876245, 0.126796875, 0.0442515666},
        {"hspy/pixelated_stem_test_4d_bool.hdf5", "", 5, 2, 3, 4, 120, 0, 0},
        {"arina/test_00_master.h5", "", 1, 16, 192, 192, 0, 0, 0},
        {"prismatic/Si100_4D.emd", "4DSTEM_simulation/data/datacubes/CBED_array_depth0001", 11, 11, 8, 8, -1,
         0, 0},
        {"nexus/simple_signal.nxs", "", 15, 1, 40, 40, -1, 0, 0},
    };
    cepman_context *ctx = support_begin(1);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = support_data(files[i].name);
        if (!path) break;
        cepman_options *o = options_of(ctx, (const char *const[]){"dataset", files[i].set, NULL});
        cepman_dataset *d = NULL;
        assert_good(ctx, cepman_dataset_open(&d, ctx, path, o));
        cepman_options_unref(o);
        assert_shape(d, files[i].r, files[i].c, files[i].h, files[i].w);
        size_t n = cepman_dataset_frames(d) * files[i].h * files[i].w;
        float *p = malloc(n * sizeof *p);
        assert_good(ctx, cepman_dataset_read_f32(d, ctx, 0, cepman_dataset_frames(d), p, n));
        double sum = 0;
        for (size_t k = 0; k < n; k++)
            sum += (double)p[k];
        ck_assert(files[i].sum < 0 || fabs(sum - files[i].sum) < 1e-3);
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
    Suite *s = suite_create("hdf5");
    TCase *t = tcase_create("hdf5");
    tcase_add_test(t, py4dstem);
    tcase_add_test(t, other_layouts);
    tcase_add_test(t, hyperspy);
    tcase_add_test(t, nexus_default);
    tcase_add_test(t, refused);
    tcase_add_test(t, calibration_files);
    tcase_add_test(t, matlab);
    tcase_add_test(t, fill_and_conversion);
    tcase_add_test(t, cut);
    tcase_add_test(t, real_files);
    suite_add_tcase(s, t);
    return s;
}
