/* Files of models: back to the same bits, cut at every length, damaged at every byte, lying headers, faults. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "umap.h"

#include "file.h" /* the layout of the header, and the sum, to make lies that carry a good sum */

static cepman_umap *small(cepman_context *ctx, size_t n, const char *name, const char *value)
{
    cepman_options *o = NULL;
    cepman_umap *u = NULL;
    cepman_matrix *m = support_normals(ctx, n, 9, 5);
    assert_good(ctx, cepman_umap_options_create(&o, ctx));
    assert_good(ctx, cepman_options_parse(o, ctx, "epochs", "20"));
    assert_good(ctx, cepman_options_parse(o, ctx, "neighbors", "4"));
    if (name) assert_good(ctx, cepman_options_parse(o, ctx, name, value));
    assert_good(ctx, cepman_umap_fit(&u, ctx, m, o));
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    return u;
}

static bool same_rows(const cepman_matrix *a, const cepman_matrix *b)
{
    if (cepman_matrix_rows(a) != cepman_matrix_rows(b) ||
        cepman_matrix_columns(a) != cepman_matrix_columns(b))
        return false;
    for (size_t i = 0; i < cepman_matrix_rows(a); i++)
        if (memcmp(cepman_matrix_row(a, i), cepman_matrix_row(b, i),
                   cepman_matrix_columns(a) * sizeof(float)) != 0)
            return false;
    return true;
}

START_TEST(comes_back_the_same)
{
    static const char *const options[][2] = {{NULL, NULL},
                                             {"metric", "correlation"},
                                             {"dims", "5"},
                                             {"disconnection-distance", "2.2"},
                                             {"method", "exact"}};
    static const size_t counts[] = {0, 1, 2, 80};
    cepman_context *ctx = support_begin(2);
    const char *path = support_path("model");
    cepman_matrix *new = support_normals(ctx, 30, 9, 6);
    for (size_t c = 0; c < 4; c++) {
        cepman_umap *u = small(ctx, counts[c], options[_i][0], options[_i][1]), *v = NULL;
        cepman_matrix *a = NULL, *b = NULL;
        assert_good(ctx, cepman_umap_save(u, ctx, path));
        assert_good(ctx, cepman_umap_load(&v, ctx, path));
        const size_t n = counts[c], k = cepman_neighbors_k(cepman_umap_neighbors(u));
        ck_assert(same_rows(cepman_umap_features(u), cepman_umap_features(v)));
        ck_assert(same_rows(cepman_umap_embedding(u), cepman_umap_embedding(v)));
        ck_assert_uint_eq(cepman_neighbors_k(cepman_umap_neighbors(v)), k);
        ck_assert_mem_eq(cepman_neighbors_indices(cepman_umap_neighbors(u)),
                         cepman_neighbors_indices(cepman_umap_neighbors(v)), n * k * 4);
        ck_assert_mem_eq(cepman_neighbors_distances(cepman_umap_neighbors(u)),
                         cepman_neighbors_distances(cepman_umap_neighbors(v)), n * k * 4);
        ck_assert_mem_eq(cepman_umap_graph_starts(u), cepman_umap_graph_starts(v), (n + 1) * sizeof(size_t));
        const size_t entries = cepman_umap_graph_starts(u)[n];
        ck_assert_mem_eq(cepman_umap_graph_columns(u), cepman_umap_graph_columns(v), entries * 4);
        ck_assert_mem_eq(cepman_umap_graph_weights(u), cepman_umap_graph_weights(v), entries * 4);
        double p[4];
        cepman_umap_curve(u, p, p + 1);
        cepman_umap_curve(v, p + 2, p + 3);
        ck_assert_mem_eq(p, p + 2, 2 * sizeof *p);
        ck_assert_uint_eq(cepman_umap_epochs(u), cepman_umap_epochs(v));
        assert_good(ctx, cepman_umap_apply(&a, ctx, u, new));
        assert_good(ctx, cepman_umap_apply(&b, ctx, v, new));
        ck_assert(same_rows(a, b));
        cepman_matrix_unref(a);
        cepman_matrix_unref(b);
        cepman_umap_unref(v);
        cepman_umap_unref(u);
    }
    cepman_matrix_unref(new);
    support_end(ctx);
}
END_TEST

START_TEST(without_features)
{
    cepman_context *ctx = support_begin(1);
    const char *path = support_path("graph");
    cepman_umap *u = small(ctx, 40, NULL, NULL), *g = NULL, *v = NULL;
    assert_good(ctx, cepman_umap_fit_graph(&g, ctx, NULL, cepman_umap_neighbors(u), NULL));
    assert_good(ctx, cepman_umap_save(g, ctx, path));
    assert_good(ctx, cepman_umap_load(&v, ctx, path));
    ck_assert_ptr_null(cepman_umap_features(v));
    ck_assert(same_rows(cepman_umap_embedding(g), cepman_umap_embedding(v)));
    cepman_umap_unref(v);
    cepman_umap_unref(g);
    cepman_umap_unref(u);
    support_end(ctx);
}
END_TEST

static void store(unsigned char *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++, value >>= 8)
        to[i] = (unsigned char)value;
}

/* The sums of a changed file made good. */
static void seal(unsigned char *file, size_t size)
{
    store(file + CEP_UMAP_FILE_HEADER - 8, cep_umap_sum(0, file, CEP_UMAP_FILE_HEADER - 8), 8);
    store(file + size - 8, cep_umap_sum(0, file, size - 8), 8);
}

static cepman_status load_bytes(cepman_context *ctx, const unsigned char *file, size_t size)
{
    cepman_umap *v = NULL;
    const char *path = support_path("hostile");
    support_write(path, file, size);
    cepman_status s = cepman_umap_load(&v, ctx, path);
    ck_assert((s == CEPMAN_OK) == (v != NULL));
    cepman_umap_unref(v);
    return s;
}

START_TEST(damage_is_seen)
{
    cepman_context *ctx = support_begin(1);
    const char *path = support_path("model");
    cepman_umap *u = small(ctx, 12, NULL, NULL);
    assert_good(ctx, cepman_umap_save(u, ctx, path));
    size_t size;
    unsigned char *file = support_read(path, &size);
    ck_assert_uint_lt(size, 4000);
    for (size_t cut = 0; cut < size; cut++)
        if (load_bytes(ctx, file, cut) != CEPMAN_ERR_TRUNCATED)
            ck_abort_msg("cut at %zu: %s", cut, cepman_context_error(ctx));
    for (size_t at = 0; at < size; at++) {
        file[at] ^= 0x10;
        cepman_status s = load_bytes(ctx, file, size);
        if (s != CEPMAN_ERR_FORMAT && s != CEPMAN_ERR_UNSUPPORTED)
            ck_abort_msg("byte %zu: %s", at, cepman_status_text(s));
        file[at] ^= 0x10;
    }
    unsigned char *longer = calloc(1, size + 1);
    memcpy(longer, file, size);
    assert_fails(ctx, load_bytes(ctx, longer, size + 1), CEPMAN_ERR_FORMAT, "the header tells of");
    assert_good(ctx, load_bytes(ctx, file, size));
    free(longer);
    free(file);
    cepman_umap_unref(u);
    support_end(ctx);
}
END_TEST

/* Values of the header that cannot be, each with good sums. */
START_TEST(lying_headers)
{
    static const struct {
        size_t at, size;
        uint64_t value;
    } lies[] = {{16, 8, 1},
                {16, 8, UINT64_MAX},
                {24, 8, 0},
                {24, 8, 13},
                {24, 8, (uint64_t)1 << 31},
                {24, 8, (uint64_t)1 << 62},
                {32, 8, 0},
                {32, 8, (uint64_t)1 << 60},
                {40, 8, 0},
                {40, 8, 65},
                {48, 8, 12},
                {48, 8, UINT64_MAX},
                {56, 8, 0},
                {56, 8, UINT64_MAX / 8},
                {64, 8, 0},
                {72, 8, UINT64_MAX},
                {80, 8, 1},
                {80, 8, 10001},
                {88, 4, 3},
                {92, 4, 3},
                {96, 4, 1001},
                {104, 8, 0},
                {112, 8, 0x7ff8000000000000u},
                {120, 8, 0x7ff0000000000000u},
                {128, 8, 0xbff0000000000000u},
                {136, 8, 0xbff0000000000000u},
                {144, 8, 0xbff0000000000000u},
                {152, 8, 0x7ff0000000000000u}};
    cepman_context *ctx = support_begin(1);
    const char *path = support_path("model");
    cepman_umap *u = small(ctx, 12, NULL, NULL);
    assert_good(ctx, cepman_umap_save(u, ctx, path));
    size_t size;
    unsigned char *file = support_read(path, &size);
    unsigned char *copy = calloc(1, size);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        memcpy(copy, file, size);
        store(copy + lies[i].at, lies[i].value, lies[i].size);
        seal(copy, size);
        if (load_bytes(ctx, copy, size) != CEPMAN_ERR_FORMAT)
            ck_abort_msg("lie %zu: %s", i, cepman_context_error(ctx));
        ck_assert_ptr_nonnull(strstr(cepman_context_error(ctx), "cannot be"));
    }
    /* and in the arrays: each word in turn becomes NaN, a huge number, or a negative one */
    static const uint32_t words[] = {0x7fc00000u, 0x7f7fffffu, 0xffffffffu};
    size_t refused = 0, words_tried = 0;
    for (size_t at = CEP_UMAP_FILE_HEADER; at + 12 <= size; at += 4)
        for (size_t w = 0; w < 3; w++) {
            memcpy(copy, file, size);
            store(copy + at, words[w], 4);
            seal(copy, size);
            const cepman_status s = load_bytes(ctx, copy, size);
            if (s != CEPMAN_OK && s != CEPMAN_ERR_FORMAT)
                ck_abort_msg("word at %zu: %s", at, cepman_context_error(ctx));
            refused += s != CEPMAN_OK;
            words_tried++;
        }
    /* only a huge feature or coordinate is a value like any other */
    ck_assert_uint_ge(refused, words_tried - 12 * (9 + 3) - 12);
    free(copy);
    free(file);
    cepman_umap_unref(u);
    support_end(ctx);
}
END_TEST

START_TEST(faults_leave_nothing)
{
    cepman_context *ctx = support_begin(1);
    const char *path = support_path("whole");
    cepman_umap *u = small(ctx, 50, NULL, NULL), *v = NULL;
    assert_status(ctx, cepman_umap_save(NULL, ctx, path), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_umap_save(u, ctx, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_umap_load(&v, ctx, NULL), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_umap_load(NULL, ctx, path), CEPMAN_ERR_ARGUMENT);
    assert_fails(ctx, cepman_umap_load(&v, ctx, "/nowhere/at/all"), CEPMAN_ERR_IO, "/nowhere/at/all");
    assert_fails(ctx, cepman_umap_save(u, ctx, "/nowhere/at/all"), CEPMAN_ERR_IO, "/nowhere/at/all");
    long fail = 0;
    for (;; fail++) {
        support_fail_at(fail);
        cepman_status s = cepman_umap_save(u, ctx, path);
        support_fail_at(-1);
        if (s == CEPMAN_OK) break;
        assert_status(ctx, s, CEPMAN_ERR_MEMORY);
        ck_assert(!support_exists(path));
    }
    ck_assert_int_gt(fail, 2);
    for (fail = 0;; fail++) {
        support_fail_at(fail);
        cepman_status s = cepman_umap_load(&v, ctx, path);
        support_fail_at(-1);
        if (s == CEPMAN_OK) break;
        assert_status(ctx, s, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(v);
    }
    ck_assert_int_gt(fail, 8);
    cepman_umap_unref(v);
    v = NULL;
    cepman_context_cancel(ctx);
    assert_status(ctx, cepman_umap_load(&v, ctx, path), CEPMAN_ERR_CANCELLED);
    assert_status(ctx, cepman_umap_save(u, ctx, support_path("other")), CEPMAN_ERR_CANCELLED);
    ck_assert(!support_exists(support_path("other")));
    cepman_context_clear_cancel(ctx);
    cepman_umap_unref(u);
    support_end(ctx);
}
END_TEST

/* The catalogue's check value of CRC-64/XZ, and pieces that make the whole. */
START_TEST(sum_is_crc64)
{
    unsigned char data[1000];
    support_random r = {1};
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(256 * support_uniform(&r));
    ck_assert(cep_umap_sum(0, "123456789", 9) == 0x995dc9bbdf1939fau);
    const uint64_t whole = cep_umap_sum(0, data, sizeof data);
    uint64_t bytewise = 0;
    for (size_t i = 0; i < sizeof data; i++)
        bytewise = cep_umap_sum(bytewise, data + i, 1);
    ck_assert(bytewise == whole);
    for (size_t cut = 0; cut < sizeof data; cut += 7)
        ck_assert(cep_umap_sum(cep_umap_sum(0, data, cut), data + cut, sizeof data - cut) == whole);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("umap_file");
    TCase *t = tcase_create("file");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, comes_back_the_same, 0, 5);
    tcase_add_test(t, without_features);
    tcase_add_test(t, damage_is_seen);
    tcase_add_test(t, lying_headers);
    tcase_add_test(t, faults_leave_nothing);
    tcase_add_test(t, sum_is_crc64);
    suite_add_tcase(s, t);
    return s;
}
