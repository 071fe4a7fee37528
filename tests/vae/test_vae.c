/* Variational auto-encoder: gradients against differences of an independent float64 network, training, conduct. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coder.h"
#include "support.h"

/* Options as name, value, name, value, NULL. */
static cepman_options *wanted(cepman_context *ctx, const char *const *pairs)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_vae_options_create(&o, ctx));
    for (; *pairs; pairs += 2)
        assert_good(ctx, cepman_options_parse(o, ctx, pairs[0], pairs[1]));
    return o;
}
#define WANTED(ctx, ...) wanted(ctx, (const char *const[]){__VA_ARGS__, NULL})

static const char *const small[] = {"dims",   "2",  "hidden-1", "12", "hidden-2", "6",
                                    "epochs", "10", "batch",    "16", NULL};

/* Rows on a curve of one parameter in d dimensions, with noise, away from the origin and of uneven scales. */
static cepman_matrix *curve(cepman_context *ctx, size_t n, size_t d, double noise)
{
    support_random r = {7};
    float *x = malloc(n * d * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        const double at = 6.28 * support_uniform(&r);
        for (size_t j = 0; j < d; j++)
            x[i * d + j] = (float)(5 + (double)(1 + j % 3) * (sin(at * (double)(1 + j % 2) + (double)j) +
                                                              noise * support_normal(&r)));
    }
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
    free(x);
    return m;
}

/* ---- the gradient ----------------------------------------------------------------------------------------------- */

static void dense(const double *p, size_t in, size_t out, bool relu, const double *x, double *y)
{
    for (size_t o = 0; o < out; o++) {
        y[o] = p[in * out + o];
        for (size_t i = 0; i < in; i++)
            y[o] += x[i] * p[i * out + o];
        if (relu && y[o] < 0) y[o] = 0;
    }
}

/* The loss written once more: float64, a row at a time, layer sizes from the options alone. */
static double twin(const double *p, const size_t sides[4], const float *x, const float *normal, size_t n,
                   double weight, double *reconstruction, double *divergence)
{
    const size_t d = sides[0], h1 = sides[1], h2 = sides[2], k = sides[3];
    const size_t chain[7][2] = {
        {d, h1}, {h1, h2 ? h2 : 2 * k}, {h2, 2 * k}, {k, h2 ? h2 : h1}, {h2, h1}, {h1, d}, {0, 0}};
    *reconstruction = *divergence = 0;
    for (size_t r = 0; r < n; r++) {
        double a[64], b[64];
        const double *at = p;
        for (size_t j = 0; j < d; j++)
            a[j] = (double)x[r * d + j];
        for (size_t l = 0; l < 6; l++) {
            const size_t in = chain[l][0], out = chain[l][1];
            if (in == 0) continue;
            const bool to_latent = h2 ? l == 2 : l == 1;
            dense(at, in, out, !to_latent && l != 5, a, b);
            at += (in + 1) * out;
            memcpy(a, b, sizeof a);
            if (!to_latent) continue;
            for (size_t j = 0; j < k; j++) {
                const double m = b[j], v = b[k + j];
                a[j] = m + exp(v / 2) * (double)normal[r * k + j];
                *divergence += (m * m + exp(v) - v - 1) / 2;
            }
        }
        for (size_t j = 0; j < d; j++)
            *reconstruction += (a[j] - (double)x[r * d + j]) * (a[j] - (double)x[r * d + j]) / (double)d;
    }
    return (*reconstruction + weight * *divergence) / (double)n;
}

START_TEST(gradients)
{
    cepman_context *ctx = support_begin(2);
    const size_t sides[4] = {7, 9, _i % 2 ? 0 : 5, _i < 2 ? 2 : 3}, n = 37;
    const double weight = 0.3;
    cep_vae_net net;
    cep_vae_work w;
    support_random r = {11 + (uint64_t)_i};
    cep_vae_net_shape(&net, sides[0], sides[1], sides[2], sides[3]);
    ck_assert_uint_eq(net.layers, sides[2] ? 6 : 4);
    float *p = malloc(net.parameters * sizeof *p), *g = malloc(net.parameters * sizeof *g);
    double *q = malloc(net.parameters * sizeof *q), e, a, be, ba, most = 0;
    assert_good(ctx, cep_vae_net_start(&net, ctx, 5, p));
    assert_good(ctx, cep_vae_work_create(&w, ctx, &net, n, true));
    for (size_t i = 0; i < net.parameters; i++) { /* biases too are away from 0 */
        p[i] += (float)(0.1 * support_normal(&r));
        q[i] = (double)p[i];
    }
    for (size_t i = 0; i < n * sides[0]; i++)
        w.input[i] = (float)support_normal(&r);
    for (size_t i = 0; i < n * sides[3]; i++)
        w.normal[i] = (float)support_normal(&r);
    assert_good(ctx, cep_vae_loss(&net, ctx, p, &w, n, weight, g, &e, &a));
    twin(q, sides, w.input, w.normal, n, weight, &be, &ba);
    ck_assert_double_eq_tol(e / be, 1, 1e-5);
    ck_assert_double_eq_tol(a / ba, 1, 1e-5);
    for (size_t i = 0; i < net.parameters; i++)
        if (fabs((double)g[i]) > most) most = fabs((double)g[i]);
    for (size_t l = 0; l < net.layers; l++) {
        const size_t end = net.layer[l].at + (net.layer[l].in + 1) * net.layer[l].out;
        double here = 0;
        for (size_t i = net.layer[l].at; i < end; i++) {
            const double h = 1e-6, old = q[i];
            q[i] = old + h;
            const double up = twin(q, sides, w.input, w.normal, n, weight, &be, &ba);
            q[i] = old - h;
            const double down = twin(q, sides, w.input, w.normal, n, weight, &be, &ba);
            q[i] = old;
            ck_assert_double_eq_tol((double)g[i], (up - down) / (2 * h), 2e-5 * most);
            if (fabs((double)g[i]) > here) here = fabs((double)g[i]);
        }
        ck_assert_double_gt(here, 1e-3 * most); /* every layer has something to differ in */
    }
    cep_vae_work_free(&w, cep_context_memory(ctx));
    free(p);
    free(g);
    free(q);
    support_end(ctx);
}
END_TEST

/* ---- training --------------------------------------------------------------------------------------------------- */

/* Mean square error of the decoded means, over that of the mean row, in units of the columns' deviations. */
static double unexplained(cepman_context *ctx, const cepman_vae *v, const cepman_matrix *m)
{
    cepman_matrix *back = NULL;
    const size_t n = cepman_matrix_rows(m), d = cepman_matrix_columns(m);
    double left = 0;
    assert_good(ctx, cepman_vae_decode(&back, ctx, v, cepman_vae_embedding(v)));
    for (size_t j = 0; j < d; j++) {
        double mean = 0, all = 0, error = 0;
        for (size_t i = 0; i < n; i++)
            mean += (double)cepman_matrix_row(m, i)[j] / (double)n;
        for (size_t i = 0; i < n; i++) {
            const double x = (double)cepman_matrix_row(m, i)[j], y = (double)cepman_matrix_row(back, i)[j];
            all += (x - mean) * (x - mean);
            error += (x - y) * (x - y);
        }
        left += error / all / (double)d;
    }
    cepman_matrix_unref(back);
    return left;
}

START_TEST(learns_a_curve)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = curve(ctx, 600, 20, 0.05), *again = NULL;
    cepman_options *o = WANTED(ctx, "dims", "2", "hidden-1", "32", "hidden-2", "16", "epochs", "60", "batch",
                               "32", "learning-rate", "0.003", "scaling",
                               _i == 0   ? "standard"
                               : _i == 1 ? "global"
                                         : "none");
    cepman_vae *v = NULL;
    assert_good(ctx, cepman_vae_fit(&v, ctx, m, o));
    ck_assert_uint_eq(cepman_vae_epochs(v), 60);
    ck_assert_uint_eq(cepman_vae_dims(v), 2);
    ck_assert_uint_eq(cepman_vae_features(v), 20);
    const double *e = cepman_vae_reconstruction(v), *a = cepman_vae_divergence(v);
    ck_assert_double_lt(e[59], 0.5 * e[0]);
    ck_assert_double_gt(a[59], 0.5); /* the latent space is used */
    ck_assert_double_lt(unexplained(ctx, v, m), 0.35);
    /* The embedding is what apply gives for the rows. */
    assert_good(ctx, cepman_vae_apply(&again, ctx, v, m));
    for (size_t i = 0; i < 600; i++)
        ck_assert_mem_eq(cepman_matrix_row(again, i), cepman_matrix_row(cepman_vae_embedding(v), i), 8);
    cepman_vae *other = cepman_vae_ref(v);
    cepman_vae_unref(v);
    ck_assert_uint_eq(cepman_matrix_rows(cepman_vae_embedding(other)), 600);
    cepman_vae_unref(other);
    cepman_matrix_unref(again);
    cepman_matrix_unref(m);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

START_TEST(beta_weighs_the_divergence)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = curve(ctx, 300, 12, 0.1);
    double last[3];
    static const char *const betas[] = {"0", "1", "1000"};
    for (int i = 0; i < 3; i++) {
        cepman_options *o = WANTED(ctx, "dims", "2", "hidden-1", "16", "hidden-2", "0", "epochs", "40",
                                   "batch", "32", "beta", betas[i], "learning-rate", "0.01");
        cepman_vae *v = NULL;
        assert_good(ctx, cepman_vae_fit(&v, ctx, m, o));
        last[i] = cepman_vae_divergence(v)[39];
        cepman_vae_unref(v);
        cepman_options_unref(o);
    }
    ck_assert_double_gt(last[0], last[1]);
    ck_assert_double_gt(last[1], last[2]);
    ck_assert_double_lt(last[2], 0.05); /* nothing but the prior is left */
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static cepman_vae *fitted(cepman_context *ctx, const cepman_matrix *m, const char *seed)
{
    cepman_options *o = wanted(ctx, small);
    cepman_vae *v = NULL;
    assert_good(ctx, cepman_options_parse(o, ctx, "seed", seed));
    assert_good(ctx, cepman_vae_fit(&v, ctx, m, o));
    cepman_options_unref(o);
    return v;
}

static bool same(const cepman_vae *a, const cepman_vae *b)
{
    bool equal = !memcmp(cepman_vae_reconstruction(a), cepman_vae_reconstruction(b), 10 * sizeof(double)) &&
                 !memcmp(cepman_vae_divergence(a), cepman_vae_divergence(b), 10 * sizeof(double));
    for (size_t i = 0; i < cepman_matrix_rows(cepman_vae_embedding(a)); i++)
        equal &= !memcmp(cepman_matrix_row(cepman_vae_embedding(a), i),
                         cepman_matrix_row(cepman_vae_embedding(b), i), 2 * sizeof(float));
    return equal;
}

/* One thread and three, float16 and a file: the same bits; another seed: others. */
START_TEST(same_bits)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = curve(ctx, 203, 15, 0.1), *half = NULL, *wide = NULL, *stored = NULL;
    cepman_vae *a = fitted(ctx, m, "3"), *c = fitted(ctx, m, "4");
    assert_good(ctx, cepman_context_set_threads(ctx, 3));
    cepman_vae *b = fitted(ctx, m, "3");
    ck_assert(same(a, b));
    ck_assert(!same(a, c));
    assert_good(ctx, cepman_matrix_convert(&half, ctx, m, CEPMAN_TYPE_F16));
    assert_good(ctx, cepman_matrix_convert(&wide, ctx, half, CEPMAN_TYPE_F32));
    const char *path = support_path("rows.npy");
    assert_good(ctx, cepman_matrix_save(half, ctx, path));
    assert_good(ctx, cepman_matrix_map(&stored, ctx, path));
    cepman_vae *d = fitted(ctx, wide, "3"), *e = fitted(ctx, half, "3"), *f = fitted(ctx, stored, "3");
    ck_assert(same(d, e));
    ck_assert(same(d, f));
    ck_assert_int_eq(truncate(path, 500), 0);
    cepman_vae *g = NULL;
    assert_status(ctx, cepman_vae_fit(&g, ctx, stored, NULL), CEPMAN_ERR_TRUNCATED);
    ck_assert_ptr_null(g);
    cepman_vae *all[] = {a, b, c, d, e, f};
    for (int i = 0; i < 6; i++)
        cepman_vae_unref(all[i]);
    cepman_matrix_unref(stored);
    cepman_matrix_unref(half);
    cepman_matrix_unref(wide);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* ---- conduct ---------------------------------------------------------------------------------------------------- */

START_TEST(odd_input)
{
    cepman_context *ctx = support_begin(2);
    cepman_options *o = wanted(ctx, small);
    cepman_vae *v = NULL;
    cepman_matrix *m = NULL, *back = NULL, *none = NULL;
    float x[40 * 6];
    /* All rows equal; a constant column beside others; two rows; one column. */
    static const size_t shapes[][2] = {{40, 6}, {40, 6}, {2, 6}, {40, 1}};
    for (size_t t = 0; t < 4; t++) {
        support_random r = {3};
        for (size_t i = 0; i < 240; i++)
            x[i] = t == 0 || i % 6 == 4 ? 7.25f : (float)support_normal(&r);
        assert_good(ctx, cepman_matrix_copy(&m, ctx, x, shapes[t][0], shapes[t][1], 6));
        assert_good(ctx, cepman_vae_fit(&v, ctx, m, o));
        assert_good(ctx, cepman_vae_decode(&back, ctx, v, cepman_vae_embedding(v)));
        for (size_t i = 0; i < shapes[t][0]; i++) {
            for (size_t j = 0; j < shapes[t][1]; j++)
                ck_assert(isfinite(cepman_matrix_row(back, i)[j]));
            for (size_t j = 0; t == 0 && j < 6; j++)
                ck_assert_double_eq((double)cepman_matrix_row(back, i)[j], 7.25);
            if (t == 1) ck_assert_double_eq((double)cepman_matrix_row(back, i)[4], 7.25);
        }
        cepman_matrix_unref(back);
        cepman_matrix_unref(m);
        cepman_vae_unref(v);
        v = NULL;
    }
    /* No rows to apply to; automatic passes with a batch larger than n. */
    cepman_options *automatic = WANTED(ctx, "hidden-1", "4", "hidden-2", "0");
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 20, 6, 6));
    assert_good(ctx, cepman_vae_fit(&v, ctx, m, automatic));
    ck_assert_uint_eq(cepman_vae_epochs(v), 500);
    cepman_matrix_unref(m);
    assert_good(ctx, cepman_matrix_copy(&none, ctx, x, 0, 6, 6));
    assert_good(ctx, cepman_vae_apply(&back, ctx, v, none));
    ck_assert_uint_eq(cepman_matrix_rows(back), 0);
    ck_assert_uint_eq(cepman_matrix_columns(back), 3);
    cepman_matrix_unref(back);
    back = NULL;
    /* Refusals leave the outputs alone. */
    cepman_vae *kept = v;
    assert_fails(ctx, cepman_vae_fit(&v, ctx, none, o), CEPMAN_ERR_SHAPE, "at least 2 rows");
    cepman_matrix_unref(none);
    assert_good(ctx, cepman_matrix_copy(&none, ctx, x, 1, 6, 6));
    assert_fails(ctx, cepman_vae_fit(&v, ctx, none, o), CEPMAN_ERR_SHAPE, "at least 2 rows");
    x[17 * 6 + 2] = NAN;
    x[30 * 6] = INFINITY;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 40, 6, 6));
    assert_fails(ctx, cepman_vae_fit(&v, ctx, m, o), CEPMAN_ERR_DATA, "row 17 ");
    assert_fails(ctx, cepman_vae_apply(&back, ctx, v, m), CEPMAN_ERR_DATA, "row 17 ");
    assert_fails(ctx, cepman_vae_decode(&back, ctx, v, m), CEPMAN_ERR_SHAPE, "6 columns");
    cepman_matrix_unref(m);
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 40, 3, 6));
    assert_fails(ctx, cepman_vae_apply(&back, ctx, v, m), CEPMAN_ERR_SHAPE, "3 columns");
    assert_fails(ctx, cepman_vae_decode(&back, ctx, v, m), CEPMAN_ERR_DATA, "row 17 ");
    assert_status(ctx, cepman_vae_fit(&v, ctx, NULL, o), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_vae_fit(NULL, ctx, m, o), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_vae_apply(&back, ctx, NULL, m), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_vae_decode(&back, ctx, NULL, m), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_vae_options_create(NULL, ctx), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_eq(v, kept);
    ck_assert_ptr_null(back);
    cepman_matrix_unref(m);
    cepman_matrix_unref(none);
    /* Numbers that the network cannot take without scaling. */
    for (size_t i = 0; i < 240; i++)
        x[i] = i % 2 ? 3e37f : -1e37f * (float)(i % 7);
    cepman_options *raw = WANTED(ctx, "scaling", "none", "hidden-1", "4", "hidden-2", "0", "epochs", "3");
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 40, 6, 6));
    assert_fails(ctx, cepman_vae_fit(&v, ctx, m, raw), CEPMAN_ERR_NUMERIC, "not finite");
    ck_assert_ptr_eq(v, kept);
    cepman_vae_unref(v);
    v = NULL;
    assert_good(ctx, cepman_vae_fit(&v, ctx, m, o)); /* scaled, it can */
    cepman_matrix_unref(m);
    cepman_vae_unref(v);
    cepman_vae_unref(NULL);
    ck_assert_ptr_null(cepman_vae_embedding(NULL));
    ck_assert_uint_eq(cepman_vae_epochs(NULL), 0);
    cepman_options_unref(raw);
    cepman_options_unref(automatic);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

static int stop_later(void *user)
{
    int *left = user;
    return --*left < 0;
}

START_TEST(failing_allocations_and_cancel)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = curve(ctx, 60, 10, 0.1);
    cepman_options *o =
        WANTED(ctx, "dims", "2", "hidden-1", "8", "hidden-2", "4", "epochs", "2", "batch", "16");
    int left = 0, failed = 0;
    if (_i) assert_good(ctx, cepman_context_set_cancel(ctx, stop_later, &left));
    for (long fail = 0;; fail++) {
        cepman_vae *v = NULL;
        cepman_matrix *latent = NULL, *back = NULL;
        if (_i)
            left = (int)fail;
        else
            support_fail_at(fail);
        cepman_status s = cepman_vae_fit(&v, ctx, m, o);
        ck_assert((s == CEPMAN_OK) == (v != NULL));
        if (!s) s = cepman_vae_apply(&latent, ctx, v, m);
        if (!s) s = cepman_vae_decode(&back, ctx, v, latent);
        support_fail_at(-1);
        ck_assert((s == CEPMAN_OK) == (back != NULL));
        cepman_vae_unref(v);
        cepman_matrix_unref(latent);
        cepman_matrix_unref(back);
        if (!s) break;
        ck_assert_int_eq(s, _i ? CEPMAN_ERR_CANCELLED : CEPMAN_ERR_MEMORY);
        failed++;
    }
    ck_assert_int_ge(failed, 20);
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Parts of a product meet every place of the result once, and none is longer than a cancel may wait. */
START_TEST(parts_of_products)
{
    static const size_t sides[] = {1, 3, 100, 447, 4096, 16384};
    for (size_t a = 0; a < 216; a++) {
        const size_t m = sides[a % 6], n = sides[a / 6 % 6], k = sides[a / 36];
        size_t met = 0, rows = 0, parts = 0;
        cep_vae_part t = {0}, before = {0};
        for (; cep_vae_next_part(&t, m, n, k); before = t, parts++) {
            ck_assert((double)t.rows * (double)t.columns * (double)k <= CEP_VAE_SLICE);
            ck_assert(t.i + t.rows <= m && t.j + t.columns <= n);
            ck_assert_uint_eq(t.j, parts && before.j + before.columns < n ? before.j + before.columns : 0);
            ck_assert_uint_eq(t.i, t.j ? before.i : rows);
            if (t.j == 0) rows += t.rows;
            met += t.rows * t.columns;
        }
        ck_assert_uint_eq(met, m * n);
        ck_assert((double)parts <= 6 * (double)m * (double)n * (double)k / CEP_VAE_SLICE + 1);
    }
}
END_TEST

/* Rows of a batch through a layer that is made in parts, and alone. */
START_TEST(wide_layers)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = support_normals(ctx, 500, 700, 3), *all = NULL;
    cepman_options *o = NULL;
    cepman_vae *v = NULL;
    assert_good(ctx, cepman_vae_options_create(&o, ctx));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "hidden-1", 2300));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "epochs", 12));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "batch", 500));
    assert_good(ctx, cepman_vae_fit(&v, ctx, m, o));
    ck_assert(cepman_vae_reconstruction(v)[11] < cepman_vae_reconstruction(v)[0]);
    assert_good(ctx, cepman_vae_apply(&all, ctx, v, m));
    for (size_t i = 0; i < 500; i += 83) {
        cepman_matrix *row = NULL, *one = NULL;
        assert_good(ctx, cepman_matrix_select(&row, ctx, m, &i, 1));
        assert_good(ctx, cepman_vae_apply(&one, ctx, v, row));
        for (size_t j = 0; j < 3; j++)
            ck_assert_double_eq_tol((double)cepman_matrix_row(one, 0)[j],
                                    (double)cepman_matrix_row(all, i)[j], 1e-3);
        cepman_matrix_unref(one);
        cepman_matrix_unref(row);
    }
    cepman_matrix_unref(all);
    cepman_vae_unref(v);
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("vae");
    TCase *t = tcase_create("vae");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, gradients, 0, 4);
    tcase_add_loop_test(t, learns_a_curve, 0, 3);
    tcase_add_test(t, beta_weighs_the_divergence);
    tcase_add_test(t, same_bits);
    tcase_add_test(t, odd_input);
    tcase_add_loop_test(t, failing_allocations_and_cancel, 0, 2);
    tcase_add_test(t, parts_of_products);
    tcase_add_test(t, wide_layers);
    suite_add_tcase(s, t);
    return s;
}
