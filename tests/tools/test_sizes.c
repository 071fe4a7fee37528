/* Every stage on a matrix of 2^31 rows (a sparse file, mapped), and on 2^31 frames: under a memory limit each
 * says at once what it would need, or that there are too many, sets no output and keeps no byte. Sizes that meet in a
 * product are chosen so that 32 and 64 bits overflow; undefined-behaviour checks watch.
 * Must not: touch the rows themselves. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cepman/cepman.h>

#define MANY ((uint64_t)1 << 31)

/* rows x columns of float32 zeros in a file of holes; NULL where the file system or memory has no room for such. */
static cepman_matrix *zeros(cepman_context *ctx, uint64_t rows, uint64_t columns)
{
    const char *path = support_path("zeros.npy");
    char header[128] = "\x93NUMPY\x01";
    header[8] = 0x76;
    const int n =
        snprintf(header + 10, 118, "{'descr': '<f4', 'fortran_order': False, 'shape': (%llu, %llu), }",
                 (unsigned long long)rows, (unsigned long long)columns);
    memset(header + 10 + n, ' ', 118 - (size_t)n);
    header[127] = '\n';
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    const bool good =
        ftruncate(fd, (off_t)(128 + rows * columns * 4)) == 0 && pwrite(fd, header, 128, 0) == 128;
    close(fd);
    cepman_matrix *m = NULL;
    if (good && cepman_matrix_map(&m, ctx, path)) printf("# %s\n", cepman_context_error(ctx));
    unlink(path);
    return m;
}

/* Too large is LIMIT or MEMORY, RANGE where the number of rows itself is too much, SHAPE where there is too little else. */
static void refuses(cepman_context *ctx, const char *what, cepman_status s, const void *out, size_t used)
{
    ck_assert_msg(s == CEPMAN_ERR_LIMIT || s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_RANGE ||
                      s == CEPMAN_ERR_SHAPE,
                  "%s: %s: %s", what, cepman_status_text(s), cepman_context_error(ctx));
    ck_assert_msg(*cepman_context_error(ctx) && !out, "%s says nothing, or gave something", what);
    ck_assert_msg(cepman_context_memory_used(ctx) == used, "%s keeps memory", what);
}

static void every_stage(cepman_context *ctx, cepman_matrix *m)
{
    cepman_neighbors *graph = NULL;
    cepman_neighbors_index *index = NULL;
    cepman_umap *umap = NULL;
    cepman_kmeans *kmeans = NULL;
    cepman_mixture *mixture = NULL;
    cepman_hdbscan_tree *tree = NULL;
    cepman_matrix *half = NULL;
    cepman_options *way = NULL;
    size_t need = 0;
    assert_good(ctx, cepman_neighbors_options_create(&way, ctx));
    const size_t used = cepman_context_memory_used(ctx);
    static const char *const methods[] = {"auto", "exact", "approximate"};
    for (size_t i = 0; i < 3; i++) {
        assert_good(ctx, cepman_options_set_text(way, ctx, "method", methods[i]));
        refuses(ctx, methods[i], cepman_neighbors_build(&graph, ctx, m, way), graph, used);
        refuses(ctx, "an index", cepman_neighbors_index_create(&index, ctx, m, way), index, used);
        const cepman_status s = cepman_neighbors_memory(&need, ctx, cepman_matrix_rows(m),
                                                        cepman_matrix_columns(m), CEPMAN_TYPE_F32, way);
        ck_assert(s == CEPMAN_ERR_RANGE || s == CEPMAN_ERR_MEMORY || (!s && need > (size_t)1 << 31));
    }
    refuses(ctx, "umap", cepman_umap_fit(&umap, ctx, m, NULL), umap, used);
    refuses(ctx, "k-means", cepman_kmeans_fit(&kmeans, ctx, m, NULL, NULL, NULL), kmeans, used);
    refuses(ctx, "mixture", cepman_mixture_fit(&mixture, ctx, m, NULL, NULL), mixture, used);
    refuses(ctx, "hdbscan", cepman_hdbscan_tree_build(&tree, ctx, m, NULL), tree, used);
    refuses(ctx, "convert", cepman_matrix_convert(&half, ctx, m, CEPMAN_TYPE_F16), half, used);
    cepman_options_unref(way);
}

static cepman_context *limited(void)
{
    cepman_context *ctx = support_begin(2);
    assert_good(ctx, cepman_context_set_memory_limit(ctx, (size_t)256 << 20));
    return ctx;
}

START_TEST(two_to_the_31_rows)
{
    cepman_context *ctx = limited();
    cepman_matrix *m = zeros(ctx, MANY, 3);
    if (m) {
        float row[3] = {1, 1, 1};
        ck_assert_uint_eq(cepman_matrix_rows(m), MANY);
        assert_good(ctx, cepman_matrix_read(m, ctx, MANY - 1, 1, row, 3));
        ck_assert(row[0] == 0 && row[2] == 0 && cepman_matrix_row(m, MANY - 1)[2] == 0);
        ck_assert_ptr_null(cepman_matrix_row(m, MANY));
        assert_status(ctx, cepman_matrix_read(m, ctx, MANY - 1, 2, row, 3), CEPMAN_ERR_RANGE);
        assert_status(ctx, cepman_matrix_read(m, ctx, 1, SIZE_MAX, row, 3), CEPMAN_ERR_RANGE);
        every_stage(ctx, m);
    }
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static int give_zeros(void *user, size_t first, size_t count, void *destination)
{
    (void)user;
    (void)first;
    memset(destination, 0, count * 16 * 16);
    return 0;
}

START_TEST(two_to_the_31_frames)
{
    cepman_context *ctx = limited();
    const cepman_frame_source source = {.struct_size = sizeof source, .read = give_zeros, .concurrent = 1};
    cepman_dataset *d = NULL;
    cepman_cepstrum *t = NULL;
    cepman_matrix *m = NULL;
    cepman_options *o = NULL;
    assert_good(ctx, cepman_dataset_from_source(&d, ctx, &source, CEPMAN_TYPE_U8, 65536, 32768, 16, 16));
    ck_assert_uint_eq(cepman_dataset_frames(d), MANY);
    assert_good(ctx, cepman_cepstrum_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_real(o, ctx, "offset", 1));
    assert_good(ctx, cepman_cepstrum_create(&t, ctx, d, o));
    const size_t used = cepman_context_memory_used(ctx);
    refuses(ctx, "transform", cepman_cepstrum_run(&m, ctx, t, d), m, used);
    ck_assert_ptr_nonnull(strstr(cepman_context_error(ctx), "limit"));
    float row[400];
    assert_good(ctx, cepman_cepstrum_read(t, ctx, d, MANY - 1, 1, row, 400));
    assert_status(ctx, cepman_cepstrum_read(t, ctx, d, MANY - 1, 2, row, 400), CEPMAN_ERR_RANGE);
    cepman_options_unref(o);
    cepman_cepstrum_unref(t);
    cepman_dataset_unref(d);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sizes");
    TCase *t = tcase_create("sizes");
    tcase_add_test(t, two_to_the_31_rows);
    tcase_add_test(t, two_to_the_31_frames);
    suite_add_tcase(s, t);
    return s;
}
