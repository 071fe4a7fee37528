/* The writer of EMD 1.0: what it writes is read back bit for bit by our own reader, has the attributes other programs
 * look for, appears whole or not at all, and is the same bytes every time. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "h5files.h"

enum { ROWS = 3, COLUMNS = 4, HEIGHT = 5, WIDTH = 6, FRAMES = ROWS * COLUMNS, PIXELS = HEIGHT * WIDTH };

static const cepman_type types[] = {CEPMAN_TYPE_U8,   CEPMAN_TYPE_I8,  CEPMAN_TYPE_U16, CEPMAN_TYPE_I16,
                                    CEPMAN_TYPE_U32,  CEPMAN_TYPE_I32, CEPMAN_TYPE_F32, CEPMAN_TYPE_F64,
                                    CEPMAN_TYPE_BOOL, CEPMAN_TYPE_I64, CEPMAN_TYPE_F16};
enum { TYPES = sizeof types / sizeof *types };

static unsigned char pixels[FRAMES * PIXELS * 8];

/* Every byte differs; bool is 0 and 1, and floats are finite. */
static cepman_dataset *make(cepman_context *ctx, cepman_type type, size_t rows, double step, double pixel)
{
    cepman_dataset *d = NULL, *view = NULL;
    size_t size = cepman_type_size(type);
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = type == CEPMAN_TYPE_BOOL ? i % 3 == 0 : (unsigned char)(17 * i + i / 256);
    if (cep_type_is_real(type))
        for (size_t i = size - 1; i < sizeof pixels; i += size)
            pixels[i] &= 0x3f;
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, pixels, type, rows, rows ? COLUMNS : FRAMES, HEIGHT, WIDTH,
                                         NULL, NULL));
    assert_good(ctx, cepman_dataset_view_calibrated(&view, ctx, d, step, pixel));
    cepman_dataset_unref(d);
    return view;
}

static cepman_status write_all(cepman_context *ctx, cepman_dataset *d, const char *path)
{
    cepman_emd_writer *w = NULL;
    int32_t labels[FRAMES];
    float place[FRAMES * 2];
    for (int i = 0; i < FRAMES; i++) {
        labels[i] = i % 4 - 1;
        place[2 * i] = (float)i;
        place[2 * i + 1] = -(float)i / 3;
    }
    cepman_status s = cepman_emd_writer_create(&w, ctx, path, d);
    ck_assert((s == CEPMAN_OK) == (w != NULL));
    if (!s)
        s = cepman_emd_writer_array(w, ctx, "labels", CEPMAN_TYPE_I32, "yx", (size_t[]){ROWS, COLUMNS},
                                    labels);
    if (!s) s = cepman_emd_writer_frames(w, ctx);
    if (!s)
        s = cepman_emd_writer_array(w, ctx, "embedding", CEPMAN_TYPE_F32, "yxn", (size_t[]){ROWS, COLUMNS, 2},
                                    place);
    if (!s) s = cepman_emd_writer_commit(w, ctx);
    cepman_emd_writer_unref(w);
    return s;
}

static size_t size_of(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    fclose(f);
    return n;
}

START_TEST(every_type)
{
    cepman_context *ctx = support_begin(1);
    const cepman_type type = types[_i];
    size_t whole = FRAMES * PIXELS * cepman_type_size(type);
    cepman_dataset *d = make(ctx, type, ROWS, 0.75, 0.0123), *back = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s", support_path("types.h5"));
    assert_good(ctx, write_all(ctx, d, path));
    assert_good(ctx, cepman_dataset_open(&back, ctx, path, NULL));
    ck_assert_str_eq(cepman_dataset_format(back), "hdf5");
    ck_assert_uint_eq(cepman_dataset_scan_rows(back), ROWS);
    ck_assert_uint_eq(cepman_dataset_scan_columns(back), COLUMNS);
    ck_assert_uint_eq(cepman_dataset_height(back), HEIGHT);
    ck_assert_uint_eq(cepman_dataset_width(back), WIDTH);
    ck_assert_double_eq(cepman_dataset_scan_step(back), 0.75);
    ck_assert_double_eq(cepman_dataset_reciprocal_pixel(back), 0.0123);
    if (type == CEPMAN_TYPE_F16) { /* read as float32 */
        static float x[FRAMES * PIXELS], y[FRAMES * PIXELS];
        assert_good(ctx, cepman_dataset_read_f32(d, ctx, 0, FRAMES, x, FRAMES * PIXELS));
        assert_good(ctx, cepman_dataset_read_f32(back, ctx, 0, FRAMES, y, FRAMES * PIXELS));
        ck_assert_int_eq(memcmp(x, y, sizeof x), 0);
    } else {
        static unsigned char got[sizeof pixels];
        ck_assert_int_eq(cepman_dataset_type(back), type);
        assert_good(ctx, cepman_dataset_read(back, ctx, 0, FRAMES, got, sizeof got));
        ck_assert_int_eq(memcmp(got, pixels, whole), 0);
    }
    cepman_dataset_unref(back);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

static void check_text(hid_t object, const char *name, const char *want)
{
    hid_t a = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(a);
    char *value = NULL;
    ck_assert(H5Tis_variable_str(type) > 0);
    ck_assert(H5Aread(a, type, &value) >= 0);
    ck_assert_str_eq(value, want);
    H5free_memory(value);
    H5Tclose(type);
    H5Aclose(a);
}

static hid_t open_at(hid_t file, const char *path)
{
    hid_t o = H5Oopen(file, path, H5P_DEFAULT);
    ck_assert_msg(o >= 0, "no %s", path);
    return o;
}

START_TEST(tree)
{
    cepman_context *ctx = support_begin(1);
    bool known = _i == 0;
    cepman_dataset *d = make(ctx, CEPMAN_TYPE_U16, ROWS, known ? 2 : (double)NAN, known ? 0.25 : (double)NAN);
    char path[512];
    snprintf(path, sizeof path, "%s", support_path("tree.h5"));
    assert_good(ctx, write_all(ctx, d, path));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    ck_assert(file >= 0);
    static const struct {
        const char *object, *name, *value, *unknown;
    } wants[] = {{"/", "emd_group_type", "file", NULL},
                 {"cepman", "emd_group_type", "root", NULL},
                 {"cepman", "python_class", "Root", NULL},
                 {"cepman/datacube", "emd_group_type", "array", NULL},
                 {"cepman/datacube", "python_class", "DataCube", NULL},
                 {"cepman/datacube/dim0", "name", "Rx", NULL},
                 {"cepman/datacube/dim1", "units", "nm", "pixels"},
                 {"cepman/datacube/dim3", "units", "A^-1", "pixels"},
                 {"cepman/labels", "python_class", "Array", NULL},
                 {"cepman/embedding/dim2", "name", "index", NULL},
                 {"cepman/metadatabundle", "emd_group_type", "metadatabundle", NULL},
                 {"cepman/metadatabundle/calibration", "python_class", "Calibration", NULL},
                 {"cepman/metadatabundle/calibration/Q_pixel_units", "type", "string", NULL}};
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        hid_t o = open_at(file, wants[i].object);
        check_text(o, wants[i].name, known || !wants[i].unknown ? wants[i].value : wants[i].unknown);
        H5Oclose(o);
    }
    hid_t set = open_at(file, "cepman/datacube/data"), list = H5Dget_create_plist(set);
    hsize_t chunk[4];
    ck_assert_int_eq(H5Pget_chunk(list, 4, chunk), 4);
    ck_assert(chunk[0] == 1 && chunk[1] == 1 && chunk[2] == HEIGHT && chunk[3] == WIDTH);
    H5Pclose(list);
    H5Oclose(set);
    double ends[2];
    set = open_at(file, "cepman/datacube/dim2");
    ck_assert(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, ends) >= 0);
    ck_assert(ends[0] == 0 && ends[1] == (known ? 0.25 : 1));
    H5Oclose(set);
    int32_t labels[FRAMES];
    set = open_at(file, "cepman/labels/data");
    ck_assert(H5Dread(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels) >= 0);
    for (int i = 0; i < FRAMES; i++)
        ck_assert_int_eq(labels[i], i % 4 - 1);
    H5Oclose(set);
    H5Fclose(file);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

/* A stack is one row; a scan that is not complete is its frames that are there. */
static size_t some(void *user)
{
    (void)user;
    return 7;
}

static int give(void *user, size_t first, size_t count, void *destination)
{
    memset(destination, (int)first + 1, count * PIXELS);
    return *(int *)user > 0 && first + count > (size_t) * (int *)user;
}

START_TEST(stacks)
{
    cepman_context *ctx = support_begin(1);
    int broken = 0;
    const cepman_frame_source source = {sizeof source, &broken, give, some, NULL, 0};
    for (int live = 0; live < 2; live++) {
        cepman_dataset *d = NULL, *back = NULL;
        cepman_emd_writer *w = NULL;
        const char *path = support_path("stack.h5");
        if (live)
            assert_good(ctx, cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U8, ROWS, COLUMNS,
                                                        HEIGHT, WIDTH));
        else
            d = make(ctx, CEPMAN_TYPE_U16, 0, 1, 1);
        assert_good(ctx, cepman_emd_writer_create(&w, ctx, path, d));
        assert_good(ctx, cepman_emd_writer_frames(w, ctx));
        assert_status(ctx, cepman_emd_writer_frames(w, ctx), CEPMAN_ERR_ARGUMENT);
        assert_good(ctx, cepman_emd_writer_commit(w, ctx));
        assert_status(ctx, cepman_emd_writer_commit(w, ctx), CEPMAN_ERR_ARGUMENT);
        cepman_emd_writer_unref(w);
        assert_good(ctx, cepman_dataset_open(&back, ctx, path, NULL));
        ck_assert_uint_eq(cepman_dataset_scan_rows(back), 1);
        ck_assert_uint_eq(cepman_dataset_frames(back), live ? 7 : FRAMES);
        cepman_dataset_unref(back);
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

START_TEST(refusals)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = make(ctx, CEPMAN_TYPE_U16, ROWS, 1, 1);
    cepman_emd_writer *w = NULL;
    const size_t grid[] = {ROWS, COLUMNS}, wrong[] = {ROWS, COLUMNS + 1}, none[] = {0},
                 huge[] = {SIZE_MAX, 3};
    const float x[FRAMES] = {0};
    char path[512];
    snprintf(path, sizeof path, "%s", support_path("refused.h5"));
    assert_status(ctx, cepman_emd_writer_create(NULL, ctx, path, d), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_emd_writer_create(&w, ctx, NULL, d), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_emd_writer_create(&w, ctx, path, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_emd_writer_create(&w, ctx, "/nowhere/at/all.h5", d), CEPMAN_ERR_IO);
    ck_assert_ptr_null(w);
    assert_status(ctx, cepman_emd_writer_frames(NULL, ctx), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_emd_writer_commit(NULL, ctx), CEPMAN_ERR_ARGUMENT);
    assert_good(ctx, cepman_emd_writer_create(&w, ctx, path, d));
#define ARRAY(name, type, axes, shape) cepman_emd_writer_array(w, ctx, name, type, axes, shape, x)
    assert_fails(ctx, ARRAY("a/b", CEPMAN_TYPE_F32, "yx", grid), CEPMAN_ERR_ARGUMENT, "'a/b'");
    assert_status(ctx, ARRAY("", CEPMAN_TYPE_F32, "yx", grid), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, ARRAY("datacube", CEPMAN_TYPE_F32, "yx", grid), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, ARRAY("a", (cepman_type)99, "yx", grid), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, ARRAY("a", CEPMAN_TYPE_F32, "yz", grid), CEPMAN_ERR_ARGUMENT, "'z'");
    assert_fails(ctx, ARRAY("a", CEPMAN_TYPE_F32, "yx", wrong), CEPMAN_ERR_SHAPE, "5 numbers, expected 4");
    assert_status(ctx, ARRAY("a", CEPMAN_TYPE_F32, "n", none), CEPMAN_ERR_SHAPE);
    assert_status(ctx, ARRAY("a", CEPMAN_TYPE_F32, "nn", huge), CEPMAN_ERR_RANGE);
    assert_status(ctx, ARRAY("a", CEPMAN_TYPE_F32, "", grid), CEPMAN_ERR_RANGE);
    assert_status(ctx, ARRAY("a", CEPMAN_TYPE_F32, "nnnnnnnnn", grid), CEPMAN_ERR_RANGE);
    assert_good(ctx, ARRAY("a", CEPMAN_TYPE_F32, "yx", grid));
    assert_fails(ctx, ARRAY("a", CEPMAN_TYPE_F32, "yx", grid), CEPMAN_ERR_ARGUMENT, "already");
    assert_good(ctx, cepman_emd_writer_commit(w, ctx));
    assert_status(ctx, ARRAY("b", CEPMAN_TYPE_F32, "yx", grid), CEPMAN_ERR_ARGUMENT);
    cepman_emd_writer_unref(w);
    cepman_emd_writer_unref(NULL);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

static int stop_later(void *user)
{
    int *left = user;
    return --*left < 0;
}

/* A disk that is full at some sizes. The writer goes when there is room again: HDF5 has a place for its rest. */
static void assert_full_disks(cepman_context *ctx, const char *path)
{
    enum { SIDE = 200 };
    static uint16_t frames[FRAMES * SIDE * SIDE];
    static const rlim_t sizes[] = {0, 10000, 66000, 70000, 300000, 900000, 960500};
    cepman_dataset *d = NULL;
    struct rlimit whole, small;
    assert_good(ctx,
                cepman_dataset_wrap(&d, ctx, frames, CEPMAN_TYPE_U16, ROWS, COLUMNS, SIDE, SIDE, NULL, NULL));
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &whole), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cepman_emd_writer *w = NULL;
        small = whole;
        small.rlim_cur = sizes[i];
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        cepman_status s = cepman_emd_writer_create(&w, ctx, path, d);
        if (!s) s = cepman_emd_writer_frames(w, ctx);
        if (!s) s = cepman_emd_writer_commit(w, ctx);
        setrlimit(RLIMIT_FSIZE, &whole);
        assert_status(ctx, s, CEPMAN_ERR_IO);
        ck_assert_uint_eq(size_of(path), 100);
        cepman_emd_writer_unref(w);
        ck_assert_uint_eq(size_of(path), 100);
    }
    cepman_dataset_unref(d);
}

/* Whatever fails, the target is as it was. */
START_TEST(failures_leave_nothing)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = make(ctx, CEPMAN_TYPE_U16, ROWS, 1, 1);
    char path[512];
    snprintf(path, sizeof path, "%s", support_path("kept.h5"));
    bytes old = {0};
    put_fill(&old, 'x', 100);
    support_write(path, old.data, old.size);
    long fail = 0;
    for (;; fail++) {
        support_fail_at(fail);
        cepman_status s = write_all(ctx, d, path);
        support_fail_at(-1);
        if (!s) break;
        ck_assert_int_eq(s, CEPMAN_ERR_MEMORY);
        ck_assert_uint_eq(size_of(path), 100);
    }
    ck_assert_int_gt(fail, 3);
    ck_assert_uint_gt(size_of(path), 100);
    support_write(path, old.data, old.size);
    int left = 0;
    assert_good(ctx, cepman_context_set_cancel(ctx, stop_later, &left));
    assert_status(ctx, write_all(ctx, d, path), CEPMAN_ERR_CANCELLED);
    assert_good(ctx, cepman_context_set_cancel(ctx, NULL, NULL));
    ck_assert_uint_eq(size_of(path), 100);
    cepman_dataset_unref(d);
    /* A source that breaks. */
    int broken = 3;
    const cepman_frame_source source = {sizeof source, &broken, give, some, NULL, 0};
    assert_good(ctx,
                cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U8, ROWS, COLUMNS, HEIGHT, WIDTH));
    assert_status(ctx, write_all(ctx, d, path), CEPMAN_ERR_CALLBACK);
    ck_assert_uint_eq(size_of(path), 100);
    cepman_dataset_unref(d);
    assert_full_disks(ctx, path);
    d = make(ctx, CEPMAN_TYPE_U16, ROWS, 1, 1);
    assert_good(ctx, write_all(ctx, d, path));
    /* The same results are the same bytes. */
    size_t n = size_of(path);
    char *a = malloc(n), *b = malloc(n);
    FILE *f = fopen(path, "rb");
    ck_assert_uint_eq(fread(a, 1, n, f), n);
    fclose(f);
    assert_good(ctx, write_all(ctx, d, path));
    ck_assert_uint_eq(size_of(path), n);
    f = fopen(path, "rb");
    ck_assert_uint_eq(fread(b, 1, n, f), n);
    fclose(f);
    ck_assert_int_eq(memcmp(a, b, n), 0);
    free(a);
    free(b);
    drop(&old);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("emd");
    TCase *t = tcase_create("emd");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, every_type, 0, TYPES);
    tcase_add_loop_test(t, tree, 0, 2);
    tcase_add_test(t, stacks);
    tcase_add_test(t, refusals);
    tcase_add_test(t, failures_leave_nothing);
    suite_add_tcase(s, t);
    return s;
}
