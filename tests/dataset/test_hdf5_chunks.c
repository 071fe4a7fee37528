/* HDF5 arrays in chunks of filter 32008, DECTRIS master files, and reading from several threads. */
#include <pthread.h>
#ifdef CEP_HAVE_BLOSC
#include <blosc.h>
#endif

#include "bitshuffle.h"
#include "blosc_chunk.h"
#include "bslz4.h"
#include "h5files.h"

/* ---- filter 32008 ----------------------------------------------------------------------------------------------- */

/* u32 frames of 5 x 6 in chunks of rows x columns frames; chunk `missing` is left out. */
static void write_bslz4(const char *name, const char *set_name, int dims, const hsize_t *shape, size_t rows,
                        size_t columns, size_t start, bool damage)
{
    hid_t file = create(name), plist = H5Pcreate(H5P_DATASET_CREATE), links = H5Pcreate(H5P_LINK_CREATE);
    hid_t space = H5Screate_simple(dims, shape, NULL);
    const hsize_t chunk4[] = {rows, columns, 5, 6};
    const unsigned values[] = {0, 3, 4, 0, 2};
    H5Pset_chunk(plist, dims, dims == 4 ? chunk4 : chunk4 + 1);
    ck_assert(H5Pset_filter(plist, 32008, H5Z_FLAG_OPTIONAL, 5, values) >= 0);
    H5Pset_create_intermediate_group(links, 1);
    hid_t set = H5Dcreate2(file, set_name, H5T_STD_U32LE, space, links, plist, H5P_DEFAULT);
    ck_assert(set >= 0);
    size_t R = dims == 4 ? (size_t)shape[0] : 1, C = (size_t)shape[dims - 3], frames = rows * columns;
    unsigned char raw[4 * 30 * 16], *packed = malloc(bslz4_bound(sizeof raw));
    for (size_t r = 0; r < R; r += rows)
        for (size_t c = 0; c < C; c += columns) {
            memset(raw, 0, sizeof raw);
            for (size_t k = 0; k < frames; k++) {
                size_t row = r + k / columns, column = c + k % columns;
                for (size_t p = 0; row < R && column < C && p < 30; p++) {
                    uint32_t v = (uint32_t)(pixel_at(0, (start + row * C + column) * 30 + p) % 1000);
                    for (size_t b = 0; b < 4; b++)
                        raw[(k * 30 + p) * 4 + b] = (unsigned char)(v >> 8 * b);
                }
            }
            size_t stored = bslz4_encode(raw, frames * 30, 4, 16, packed);
            if (damage && r + c > 0) packed[7] ^= 0x55;
            const hsize_t offset4[] = {r, c, 0, 0};
            /* one chunk unfiltered, as writers do when a chunk does not shrink */
            bool plain = r == 0 && c == columns;
            ck_assert(H5Dwrite_chunk(set, H5P_DEFAULT, plain ? 1 : 0, dims == 4 ? offset4 : offset4 + 1,
                                     plain ? frames * 120 : stored, plain ? raw : packed) >= 0);
        }
    free(packed);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(links);
    H5Pclose(plist);
    H5Fclose(file);
}

START_TEST(bslz4)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    for (size_t rows = 1; rows <= 3; rows++)
        for (size_t columns = 1; columns <= 4; columns++) {
            write_bslz4("b.h5", "x/y", 4, four, rows, columns, 0, false);
            assert_good(ctx, open_h5(&d, ctx, "b.h5", NULL));
            assert_shape(d, 3, 4, 5, 6);
            ck_assert_int_eq(cepman_dataset_type(d), CEPMAN_TYPE_U32);
            check_pixels(ctx, d);
            cepman_dataset_unref(d);
        }
    write_bslz4("b.h5", "x/y", 4, four, 1, 2, 0, true);
    assert_good(ctx, open_h5(&d, ctx, "b.h5", NULL));
    uint32_t frame[30];
    assert_good(ctx, cepman_dataset_read(d, ctx, 1, 1, frame, sizeof frame));
    assert_fails(ctx, cepman_dataset_read(d, ctx, 5, 1, frame, sizeof frame), CEPMAN_ERR_FORMAT,
                 "b.h5: a chunk of filter 32008");
    cepman_dataset_unref(d);
    support_end(ctx);
    bool done = false;
    write_bslz4("b.h5", "x/y", 4, four, 1, 2, 0, false);
    for (long at = 0; !done; at++) {
        ctx = support_begin(1);
        support_fail_at(at);
        d = NULL;
        cepman_status s = cepman_dataset_open(&d, ctx, support_path("b.h5"), NULL);
        if (!s) s = cepman_dataset_read(d, ctx, 1, 1, frame, sizeof frame);
        support_fail_at(-1);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
        done = !s;
        cepman_dataset_unref(d);
        support_end(ctx);
        ck_assert_int_lt(at, 200);
    }
}
END_TEST

/* ---- chunks that hold parts of frames, of both filters ---------------------------------------------------------- */

/* Bytes of a chunk in Blosc's form. */
static size_t blosc_encode(const unsigned char *raw, size_t size, unsigned char *to, size_t most)
{
#ifdef CEP_HAVE_BLOSC
    int n = blosc_compress_ctx(5, BLOSC_SHUFFLE, 4, size, raw, to, most, "lz4", 0, 1);
    ck_assert_int_gt(n, 0);
    return (size_t)n;
#else
    (void)raw, (void)size, (void)to, (void)most;
    return 0;
#endif
}

/* u32 frames 5 x 6 of a scan 3 x 4, in chunks of any shape. */
static void write_parts(const char *name, const hsize_t *chunk, bool blosc, bool damage)
{
    hid_t file = create(name), plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(4, four, NULL);
    const unsigned bitshuffle[] = {0, 3, 4, 0, 2}, blosc_values[] = {2, 2, 4, 0, 5, 1, 1};
    H5Pset_chunk(plist, 4, chunk);
    H5Pset_filter(plist, blosc ? 32001 : 32008, H5Z_FLAG_OPTIONAL, blosc ? 7 : 5,
                  blosc ? blosc_values : bitshuffle);
    hid_t set = H5Dcreate2(file, "x", H5T_STD_U32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    ck_assert(set >= 0);
    size_t total = (size_t)(chunk[0] * chunk[1] * chunk[2] * chunk[3]), most = bslz4_bound(4 * total) + 64;
    unsigned char *raw = malloc(4 * total), *packed = malloc(most);
    hsize_t at[4];
    for (at[0] = 0; at[0] < four[0]; at[0] += chunk[0])
        for (at[1] = 0; at[1] < four[1]; at[1] += chunk[1])
            for (at[2] = 0; at[2] < four[2]; at[2] += chunk[2])
                for (at[3] = 0; at[3] < four[3]; at[3] += chunk[3]) {
                    for (size_t i = 0, rest; i < total; i++) {
                        hsize_t place[4], number = 0;
                        bool inside = true;
                        rest = i;
                        for (int k = 4; k-- > 0; rest /= (size_t)chunk[k]) {
                            place[k] = at[k] + rest % chunk[k];
                            inside = inside && place[k] < four[k];
                        }
                        for (int k = 0; k < 4; k++)
                            number = number * four[k] + place[k];
                        uint32_t v = inside ? (uint32_t)(pixel_at(0, (size_t)number) % 1000) : 77;
                        for (size_t b = 0; b < 4; b++)
                            raw[4 * i + b] = (unsigned char)(v >> 8 * b);
                    }
                    size_t n = blosc ? blosc_encode(raw, 4 * total, packed, most)
                                     : bslz4_encode(raw, total, 4, 16, packed);
                    if (damage) packed[blosc ? 4 : 7] ^= 0x55;
                    ck_assert(H5Dwrite_chunk(set, H5P_DEFAULT, 0, at, n, packed) >= 0);
                }
    free(raw);
    free(packed);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plist);
    H5Fclose(file);
}

START_TEST(parts_of_frames)
{
    static const hsize_t chunks[][4] = {{1, 1, 5, 6}, {2, 3, 5, 6}, {1, 1, 2, 6},
                                        {2, 3, 3, 4}, {3, 4, 1, 5}, {1, 3, 5, 4}};
    cepman_context *ctx = support_begin(1);
    uint32_t frame[30];
    for (int blosc = 0; blosc < 2; blosc++)
        for (size_t k = 0; k < sizeof chunks / sizeof *chunks && (!blosc || cep_blosc_there()); k++) {
            cepman_dataset *d = NULL;
            write_parts("p.h5", chunks[k], blosc, false);
            assert_good(ctx, open_h5(&d, ctx, "p.h5", NULL));
            assert_shape(d, 3, 4, 5, 6);
            check_pixels(ctx, d);
            cepman_dataset_unref(d);
            write_parts("p.h5", chunks[k], blosc, true);
            assert_good(ctx, open_h5(&d, ctx, "p.h5", NULL));
            assert_fails(ctx, cepman_dataset_read(d, ctx, 7, 1, frame, sizeof frame), CEPMAN_ERR_FORMAT,
                         blosc ? "32001 (Blosc) is damaged" : "32008 (bitshuffle and LZ4) is damaged");
            cepman_dataset_unref(d);
        }
    support_end(ctx);
    bool done = false;
    write_parts("p.h5", chunks[3], cep_blosc_there(), false);
    for (long at = 0; !done; at++) {
        ctx = support_begin(1);
        support_fail_at(at);
        cepman_dataset *d = NULL;
        cepman_status s = cepman_dataset_open(&d, ctx, support_path("p.h5"), NULL);
        if (!s) s = cepman_dataset_read(d, ctx, 1, 1, frame, sizeof frame);
        support_fail_at(-1);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY);
        done = !s;
        cepman_dataset_unref(d);
        support_end(ctx);
        ck_assert_int_lt(at, 200);
    }
}
END_TEST

static void write_master(size_t links)
{
    hid_t file = create("m_master.h5"), g = group(file, "entry/data");
    for (size_t i = 1; i <= links; i++) {
        char name[32], target[32];
        snprintf(name, sizeof name, "data_%06zu", i);
        snprintf(target, sizeof target, "m_%zu.h5", i);
        H5Lcreate_external(target, "/entry/data/data", g, name, H5P_DEFAULT, H5P_DEFAULT);
    }
    H5Gclose(g);
    H5Fclose(file);
}

START_TEST(dectris)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    static const hsize_t parts[][3] = {{7, 5, 6}, {4, 5, 6}, {1, 5, 6}, {3, 5, 7}};
    size_t start = 0;
    for (size_t i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "m_%zu.h5", i + 1);
        write_bslz4(name, "entry/data/data", 3, parts[i], 1, 1, start, false);
        start += (size_t)parts[i][0];
    }
    write_master(3);
    assert_good(ctx, open_h5(&d, ctx, "m_master.h5", NULL));
    assert_shape(d, 1, 12, 5, 6);
    ck_assert_int_eq(cepman_dataset_has_scan(d), 0);
    check_pixels(ctx, d);
    cepman_dataset_unref(d);
    assert_good(ctx, open_h5(&d, ctx, "m_master.h5", (const char *const[]){"scan-rows", "4", NULL}));
    assert_shape(d, 4, 3, 5, 6);
    check_pixels(ctx, d);
    cepman_dataset_unref(d);
    assert_good(ctx, open_h5(&d, ctx, "m_1.h5", NULL));
    assert_shape(d, 1, 7, 5, 6);
    cepman_dataset_unref(d);
    write_master(4); /* the fourth is missing */
    d = NULL;
    assert_fails(ctx, open_h5(&d, ctx, "m_master.h5", NULL), CEPMAN_ERR_IO, "data_000004");
    assert_good(ctx, open_h5(&d, ctx, "m_master.h5", (const char *const[]){"salvage", "1", NULL}));
    assert_shape(d, 1, 12, 5, 6);
    cepman_dataset_unref(d);
    hid_t file = create("m_4.h5");
    H5Dclose(array(file, "entry/data/data", H5T_STD_U32LE, 3, parts[3], H5P_DEFAULT));
    H5Fclose(file);
    d = NULL;
    assert_fails(ctx, open_h5(&d, ctx, "m_master.h5", NULL), CEPMAN_ERR_SHAPE,
                 "data_000004 holds other frames");
    ck_assert_ptr_null(d);
    support_end(ctx);
}
END_TEST

typedef struct reading {
    cepman_dataset *d;
    bool good;
} reading;

static void *read_many(void *argument)
{
    reading *r = argument;
    r->good = true;
    uint32_t frame[30];
    for (size_t i = 0; i < 600; i++) {
        cep_fault fault;
        size_t f = (i * 7) % 12;
        r->good = r->good && cep_dataset_read(r->d, &fault, f, 1, frame) == CEPMAN_OK &&
                  frame[29] == (uint32_t)(pixel_at(0, f * 30 + 29) % 1000);
    }
    return NULL;
}

START_TEST(threads)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    for (int own = 0; own < 2; own++) {
        if (own) {
            write_bslz4("b.h5", "x/y", 4, four, 1, 2, 0, false);
        } else {
            hid_t file = create("b.h5"), plist = chunked(4, (const hsize_t[]){1, 3, 2, 6}, true);
            H5Dclose(array(file, "x", H5T_STD_U32LE, 4, four, plist));
            H5Pclose(plist);
            H5Fclose(file);
        }
        assert_good(ctx, open_h5(&d, ctx, "b.h5", NULL));
        ck_assert(cep_dataset_concurrent(d));
        pthread_t thread[3];
        reading r[3];
        for (size_t i = 0; i < 3; i++) {
            r[i].d = d;
            ck_assert_int_eq(pthread_create(&thread[i], NULL, read_many, &r[i]), 0);
        }
        for (size_t i = 0; i < 3; i++) {
            pthread_join(thread[i], NULL);
            ck_assert(r[i].good);
        }
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

START_TEST(real_chunks)
{
    /* Chunks that bitshuffle itself made, beside what they were made of. */
    const char *path = support_data("bitshuffle/regression_0.4.0.h5");
    hid_t file = path ? H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
    hid_t packed = file >= 0 ? H5Gopen2(file, "compressed", H5P_DEFAULT) : -1;
    H5G_info_t info = {.nlinks = 0};
    if (packed >= 0) H5Gget_info(packed, &info);
    for (hsize_t i = 0; i < info.nlinks; i++) {
        char name[64], original[80];
        H5Lget_name_by_idx(packed, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
        snprintf(original, sizeof original, "original/%s", name);
        hid_t a = H5Dopen2(packed, name, H5P_DEFAULT), b = H5Dopen2(file, original, H5P_DEFAULT),
              type = H5Dget_type(b);
        hsize_t zero = 0, bytes_of = 0;
        uint32_t skipped = 0;
        size_t size = H5Tget_size(type), total = (size_t)(H5Dget_storage_size(b));
        ck_assert(H5Dget_chunk_storage_size(a, &zero, &bytes_of) >= 0);
        unsigned char *chunk = malloc((size_t)bytes_of), *got = malloc(total), *expected = malloc(total),
                      *scratch = malloc(total);
        ck_assert(H5Dread_chunk(a, H5P_DEFAULT, &zero, &skipped, chunk) >= 0);
        ck_assert(H5Dread(b, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, expected) >= 0);
        ck_assert_msg(cep_bitshuffle_chunk(chunk, (size_t)bytes_of, got, total, size, scratch, total), "%s",
                      name);
        ck_assert_mem_eq(got, expected, total);
        free(chunk);
        free(got);
        free(expected);
        free(scratch);
        H5Tclose(type);
        H5Dclose(a);
        H5Dclose(b);
    }
    if (packed >= 0) {
        ck_assert_uint_eq(info.nlinks, 21);
        H5Gclose(packed);
        H5Fclose(file);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("hdf5_chunks");
    TCase *t = tcase_create("hdf5_chunks");
    tcase_add_test(t, bslz4);
    tcase_add_test(t, parts_of_frames);
    tcase_add_test(t, dectris);
    tcase_add_test(t, threads);
    tcase_add_test(t, real_chunks);
    suite_add_tcase(s, t);
    return s;
}
