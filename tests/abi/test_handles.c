/* Every kind of handle is shared by count: it lives until its last reference goes, and NULL is no handle. */
#include <check.h>
#include <math.h>
#include <stdint.h>

#include <cepman/cepman.h>

#include "support.h"

/* Adds a reference, gives both back, checks that the handle was usable between, and that NULL stays NULL. What is not
 * given back, support_end() finds. */
#define SHARED(kind, handle, usable)                                                                         \
    do {                                                                                                     \
        ck_assert_ptr_eq(cepman_##kind##_ref(handle), handle);                                               \
        cepman_##kind##_unref(handle);                                                                       \
        ck_assert_msg(usable, "%s after one of two references went", #kind);                                 \
        cepman_##kind##_unref(handle);                                                                       \
        ck_assert_ptr_null(cepman_##kind##_ref(NULL));                                                       \
        cepman_##kind##_unref(NULL);                                                                         \
    } while (0)

START_TEST(data)
{
    cepman_context *ctx = support_begin(1);
    float frames[4 * 16 * 16];
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        frames[i] = (float)(i % 37);
    cepman_dataset *d = NULL;
    cepman_cepstrum *c = NULL;
    cepman_simulation *s = NULL;
    cepman_options *o = NULL;
    cepman_labels *l = NULL;
    cepman_matrix *m = support_normals(ctx, 12, 3, 1);
    cepman_hierarchy *h = NULL;
    cepman_pixels *p = NULL;
    assert_good(ctx, cepman_dataset_wrap(&d, ctx, frames, CEPMAN_TYPE_F32, 2, 2, 16, 16, NULL, NULL));
    assert_good(ctx, cepman_cepstrum_create(&c, ctx, d, NULL));
    assert_good(ctx, cepman_simulate_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "scan-rows", 2));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "scan-columns", 2));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "frame", 16));
    assert_good(ctx, cepman_simulate_scan(&s, ctx, o));
    assert_good(ctx, cepman_labels_copy(&l, ctx, (const int32_t[]){0, 1, -1}, 3));
    assert_good(ctx, cepman_hierarchy_create(&h, ctx, 12, 3, 4));
    assert_good(ctx, cepman_maps_pixels(&p, ctx, d, NULL));
    SHARED(pixels, p, cepman_pixels_height(p) == 16);
    SHARED(cepstrum, c, cepman_cepstrum_height(c) == 16);
    SHARED(dataset, d, cepman_dataset_frames(d) == 4);
    SHARED(simulation, s, cepman_dataset_frames(cepman_simulation_dataset(s)) == 4);
    SHARED(options, o, cepman_options_count(o) > 0);
    SHARED(labels, l, cepman_labels_noise(l) == 1);
    SHARED(matrix, m, cepman_matrix_rows(m) == 12);
    SHARED(hierarchy, h, cepman_hierarchy_points(h) == 12);
    support_end(ctx);
}
END_TEST

START_TEST(models)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = support_normals(ctx, 60, 3, 2);
    cepman_pca *p = NULL;
    cepman_vae *v = NULL;
    cepman_neighbors *n = NULL;
    cepman_neighbors_index *x = NULL;
    cepman_umap *u = NULL;
    cepman_kmeans *k = NULL;
    cepman_mixture *g = NULL;
    cepman_hdbscan_tree *t = NULL;
    cepman_hdbscan *h = NULL;
    cepman_options *brief = NULL, *few = NULL;
    assert_good(ctx, cepman_vae_options_create(&brief, ctx));
    assert_good(ctx, cepman_options_set_integer(brief, ctx, "epochs", 1));
    assert_good(ctx, cepman_options_set_integer(brief, ctx, "hidden-1", 4));
    assert_good(ctx, cepman_options_set_integer(brief, ctx, "hidden-2", 4));
    assert_good(ctx, cepman_pca_options_create(&few, ctx));
    assert_good(ctx, cepman_options_set_integer(few, ctx, "components", 2));
    assert_good(ctx, cepman_pca_fit(&p, ctx, m, few));
    assert_good(ctx, cepman_vae_fit(&v, ctx, m, brief));
    assert_good(ctx, cepman_neighbors_build(&n, ctx, m, NULL));
    assert_good(ctx, cepman_neighbors_index_create(&x, ctx, m, NULL));
    assert_good(ctx, cepman_umap_fit(&u, ctx, m, NULL));
    assert_good(ctx, cepman_kmeans_fit(&k, ctx, m, NULL, NULL, NULL));
    assert_good(ctx, cepman_mixture_fit(&g, ctx, m, NULL, NULL));
    assert_good(ctx, cepman_hdbscan_tree_build(&t, ctx, m, NULL));
    assert_good(ctx, cepman_hdbscan_extract(&h, ctx, t, NULL));
    cepman_options_unref(brief);
    cepman_options_unref(few);
    cepman_matrix_unref(m); /* who needs the rows has a reference */
    SHARED(pca, p, cepman_pca_components(p) == 2);
    SHARED(vae, v, cepman_vae_features(v) == 3);
    SHARED(neighbors, n, cepman_neighbors_count(n) == 60);
    SHARED(neighbors_index, x, cepman_neighbors_index_count(x) == 60);
    SHARED(umap, u, cepman_matrix_rows(cepman_umap_embedding(u)) == 60);
    SHARED(kmeans, k, cepman_labels_count(cepman_kmeans_labels(k)) == 60);
    SHARED(mixture, g, cepman_mixture_columns(g) == 3);
    SHARED(hdbscan_tree, t, cepman_hdbscan_tree_points(t) == 60);
    SHARED(hdbscan, h, cepman_labels_count(cepman_hdbscan_labels(h)) == 60);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("handles");
    TCase *t = tcase_create("handles");
    tcase_add_test(t, data);
    tcase_add_test(t, models);
    suite_add_tcase(s, t);
    return s;
}
