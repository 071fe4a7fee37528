/* Gaussian mixtures: scikit-learn's numbers, degenerate data, threads, new rows, failures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "support.h"

#define N 120

/* Three groups that overlap, by a formula in whole numbers. */
static cepman_matrix *three(cepman_context *ctx)
{
    static const double centre[3][3] = {{0, 0, 0}, {2.5, 0.5, -1}, {0.5, 2.5, 1.5}};
    float x[N * 3];
    for (long i = 0; i < N; i++)
        for (long j = 0; j < 3; j++)
            x[i * 3 + j] = (float)(centre[i % 3][j] +
                                   (double)((i * i * 31 + j * 17 * i + i * 13 + j * j * 5) % 1001 - 500) /
                                       (j < 2 ? 250.0 : 400.0));
    cepman_matrix *m = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, N, 3, 3));
    return m;
}

static cepman_labels *in_turn(cepman_context *ctx, size_t n, int32_t k)
{
    int32_t l[1000];
    cepman_labels *labels = NULL;
    for (size_t i = 0; i < n; i++)
        l[i] = (int32_t)i % k;
    assert_good(ctx, cepman_labels_copy(&labels, ctx, l, n));
    return labels;
}

static cepman_options *options_of(cepman_context *ctx, int64_t k, const char *covariance, double tol)
{
    cepman_options *o = NULL;
    assert_good(ctx, cepman_mixture_options_create(&o, ctx));
    if (k) assert_good(ctx, cepman_options_set_integer(o, ctx, "k", k));
    assert_good(ctx, cepman_options_set_text(o, ctx, "covariance", covariance));
    assert_good(ctx, cepman_options_set_real(o, ctx, "tol", tol));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "max-iterations", 1000));
    return o;
}

/* sklearn 1.2.1: GaussianMixture(3, covariance_type, tol, max_iter=1000) on these rows as float64, whose
 * _initialize_parameters() calls _initialize(X, responsibilities) with 1 at (i, i % 3), so that the start is known. */
typedef struct reference {
    const char *covariance;
    double tol;
    size_t iterations, sizes[3];
    double score, bic, aic, weight[3], mean[9], cov[27], first[3], second[3];
} reference;

static const reference references[] = {
    {"full",
     1e-3,
     6,
     {45, 40, 35},
     -5.1387131138441235,
     1372.128407863269,
     1291.2911473225897,
     {0.34745044175335354, 0.34143520576628555, 0.31111435248036096},
     {-0.08676805986377274, 0.006317529784793377, 0.182079781088103, 2.6294834450546247, 0.5799524566750125,
      -1.0253656675843579, 0.0598366912778719, 2.940683319229345, 1.49161039050095},
     {1.375552650053244,     0.11793002881153467, 0.19438501516332415,   0.1179300288115347,
      1.2645740644702732,    0.0957276317960184,  0.1943850151633242,    0.0957276317960184,
      0.6601735120270964,    1.7215709671331547,  -0.013784266402155493, 0.20768726604978208,
      -0.013784266402155486, 1.1227636090222277,  0.12628918816542967,   0.20768726604978205,
      0.12628918816542967,   0.6250329641939891,  1.3940430732279945,    0.5961541695969628,
      0.15430293463154562,   0.5961541695969629,  1.5933860057054214,    0.08420705720360704,
      0.15430293463154565,   0.08420705720360702, 0.5162017535009618},
     {0.9979640567792196, 0.001991621426092292, 4.432179468828553e-05},
     {0.1294615096664071, 0.8705384527393352, 3.759425740494041e-08}},
    {"full",
     1e-10,
     369,
     {50, 52, 18},
     -5.056862513576929,
     1352.4842637991424,
     1271.647003258463,
     {0.4307697301316334, 0.4289241833041295, 0.1403060865642371},
     {-0.43260091966492076, 0.7191390209224983, 0.7310174493269505, 2.281738363453089, 0.5521067316764969,
      -0.8381214529874402, 0.6694313376842352, 4.051889440980179, 1.5809687182203087},
     {1.0120765566734369,  0.01982693256303459,  0.22561800501262055, 0.01982693256303459,
      2.263814844042954,   0.6885782540998733,   0.22561800501262053, 0.6885782540998733,
      0.9254801031569287,  2.057119169885294,    0.03290977539487853, -0.013543857507690989,
      0.03290977539487854, 1.1210547124857606,   0.10677591400922923, -0.01354385850769098,
      0.10677591400922923, 0.755915539922791,    1.204439619278492,   -0.0897151475089802,
      0.0340709830634099,  -0.0897151475089802,  0.0757886851410003,  -0.03270723864143007,
      0.03407098306340991, -0.03270723864143006, 0.434724667363442},
     {0.982127539231711, 0.017872460768289477, 1.821527866302846e-137},
     {0.048794210434424216, 0.9512057895655759, 5.30541403909166e-105}},
    {"diagonal",
     1e-3,
     6,
     {44, 45, 31},
     -5.160644225311332,
     1334.3044489303606,
     1278.5546140747197,
     {0.355627908808376, 0.3557944083952488, 0.28857768279637513},
     {-0.3338034044359704, 0.07697511076174861, 0.20028968902102945, 2.596603604695739, 0.5577089134377201,
      -0.930620349393608, 0.28110086812648305, 3.0816512988966114, 1.5147050618215279},
     {1.172805215621484, 1.3181564825518304, 0.7927102398477098, 1.699157755062579, 1.107796441957272,
      0.706485715086619, 1.3201691261690696, 1.412137662464805, 0.5139268083122172},
     {0.9944611289748779, 0.005538241449986371, 6.295751354559128e-07},
     {0.3183809332175301, 0.6816189274708636, 1.393116061543076e-07}},
    {"diagonal",
     1e-10,
     89,
     {54, 43, 23},
     -5.126094136488058,
     1326.012427612775,
     1270.262592757134,
     {0.45580841457214344, 0.3582724015516129, 0.18591918387624373},
     {-0.2715858104493894, 0.4701352880115924, 0.47401764956487125, 2.57662026030811, 0.5261586654654247,
      -0.9241477284317166, 0.46754638856934894, 3.831235904862386, 1.5719978439159485},
     {1.2228150584521604, 1.6357899040847124, 1.0054495242986967, 1.748594045038131, 1.1198248380579132,
      0.715291177305128, 1.2223529998311795, 0.258039287117067, 0.45007774871272704},
     {0.9885316667790706, 0.011468333220930034, 8.055807681562391e-32},
     {0.2655897093982912, 0.7344102906017093, 4.953036708261437e-27}},
};

static void assert_near(const double *got, const double *want, size_t count, double tolerance,
                        const char *what)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabs(got[i] - want[i]) <= tolerance * fmax(1, fabs(want[i])),
                      "%s %zu is %.17g, not %.17g", what, i, got[i], want[i]);
}

START_TEST(scikit_learn)
{
    const reference *r = &references[_i];
    bool diagonal = r->covariance[0] == 'd';
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = three(ctx);
    cepman_labels *start = in_turn(ctx, N, 3);
    cepman_options *o = options_of(ctx, 0, r->covariance, r->tol);
    cepman_mixture *m = NULL;
    assert_good(ctx, cepman_mixture_fit(&m, ctx, x, start, o));
    ck_assert_uint_eq(cepman_mixture_iterations(m), r->iterations);
    ck_assert_int_eq(cepman_mixture_converged(m), 1);
    ck_assert_int_eq(cepman_mixture_diagonal(m), diagonal);
    ck_assert_uint_eq(cepman_mixture_components(m), 3);
    ck_assert_uint_eq(cepman_mixture_columns(m), 3);
    double got[3] = {cepman_mixture_log_likelihood(m), cepman_mixture_bic(m), cepman_mixture_aic(m)};
    assert_near(got, (double[]){r->score, r->bic, r->aic}, 3, 1e-9, "score");
    assert_near(cepman_mixture_weights(m), r->weight, 3, 1e-7, "weight");
    assert_near(cepman_mixture_means(m), r->mean, 9, 1e-7, "mean");
    assert_near(cepman_mixture_covariances(m), r->cov, diagonal ? 9 : 27, 1e-7, "covariance");
    assert_near(cepman_mixture_responsibilities(m), r->first, 3, 1e-7, "responsibility");
    assert_near(cepman_mixture_responsibilities(m) + 3, r->second, 3, 1e-7, "responsibility");
    size_t sizes[3] = {0};
    for (size_t i = 0; i < N; i++)
        sizes[cepman_labels_data(cepman_mixture_labels(m))[i]]++;
    ck_assert_mem_eq(sizes, r->sizes, sizeof sizes);
    /* Expectation-maximisation never goes down (the regularisation's 1e-6 does not show here). */
    const double *h = cepman_mixture_history(m);
    for (size_t i = 1; i < r->iterations; i++)
        ck_assert_double_ge(h[i], h[i - 1] - 1e-7);
    /* The model says of its own rows what the fit said. */
    cepman_labels *again = NULL;
    double share[N * 3], density[N], mean = 0;
    assert_good(ctx, cepman_mixture_apply(&again, share, density, ctx, m, x));
    ck_assert_mem_eq(share, cepman_mixture_responsibilities(m), sizeof share);
    ck_assert_mem_eq(cepman_labels_data(again), cepman_labels_data(cepman_mixture_labels(m)), N * 4);
    for (size_t i = 0; i < N; i++)
        mean += density[i] / N;
    ck_assert_double_eq_tol(mean, r->score, 1e-12);
    cepman_labels_unref(again);
    ck_assert_ptr_eq(cepman_mixture_ref(m), m);
    cepman_mixture_unref(m);
    cepman_mixture_unref(m);
    cepman_options_unref(o);
    cepman_labels_unref(start);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

/* The density of one Gaussian, from the inverse by hand. */
START_TEST(density_by_hand)
{
    const float x[] = {0, 0, 2, 0, 0, 4, 2, 4};
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = NULL;
    cepman_options *o = options_of(ctx, 1, "full", 1e-3);
    assert_good(ctx, cepman_options_set_real(o, ctx, "regularisation", 0));
    cepman_mixture *g = NULL;
    cepman_labels *l = NULL;
    double density[4];
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 4, 2, 2));
    assert_good(ctx, cepman_mixture_fit(&g, ctx, m, NULL, o));
    assert_near(cepman_mixture_means(g), (double[]){1, 2}, 2, 1e-15, "mean");
    assert_near(cepman_mixture_covariances(g), (double[]){1, 0, 0, 4}, 4, 1e-14, "covariance");
    assert_good(ctx, cepman_mixture_apply(&l, NULL, density, ctx, g, m));
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(density[i], -log(2 * 3.14159265358979323846 * 2) - 1, 1e-13);
    cepman_labels_unref(l);
    cepman_mixture_unref(g);
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Groups of their own shape, which K-means cuts: the mixture finds them from its own start. */
START_TEST(finds_long_groups)
{
    cepman_context *ctx = support_begin(2);
    support_random r = {3};
    float x[900 * 2];
    int32_t truth[900];
    for (size_t i = 0; i < 900; i++) {
        truth[i] = (int32_t)(i % 3);
        x[2 * i] = (float)(12 * support_normal(&r));
        x[2 * i + 1] = (float)(support_normal(&r) + 10 * (double)truth[i]);
    }
    cepman_matrix *m = NULL;
    cepman_labels *t = NULL;
    cepman_mixture *g = NULL;
    cepman_options *o = options_of(ctx, 3, "full", 1e-8);
    double value;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, 900, 2, 2));
    assert_good(ctx, cepman_labels_copy(&t, ctx, truth, 900));
    assert_good(ctx, cepman_mixture_fit(&g, ctx, m, NULL, o));
    assert_good(ctx, cepman_validity_accuracy(&value, ctx, cepman_mixture_labels(g), t));
    ck_assert_double_gt(value, 0.99);
    cepman_mixture_unref(g);
    cepman_labels_unref(t);
    cepman_matrix_unref(m);
    cepman_options_unref(o);
    support_end(ctx);
}
END_TEST

static void assert_sound(const cepman_mixture *g, size_t n)
{
    size_t k = cepman_mixture_components(g), d = cepman_mixture_columns(g);
    double sum = 0;
    for (size_t c = 0; c < k; c++)
        sum += cepman_mixture_weights(g)[c];
    ck_assert_double_eq_tol(sum, 1, 1e-12);
    for (size_t i = 0; i < n; i++) {
        sum = 0;
        for (size_t c = 0; c < k; c++)
            sum += cepman_mixture_responsibilities(g)[i * k + c];
        ck_assert_double_eq_tol(sum, 1, 1e-12);
    }
    for (size_t i = 0; i < k * d; i++)
        ck_assert(isfinite(cepman_mixture_means(g)[i]));
    for (size_t i = 0; i < k * d * (cepman_mixture_diagonal(g) ? 1 : d); i++)
        ck_assert(isfinite(cepman_mixture_covariances(g)[i]));
    ck_assert(isfinite(cepman_mixture_log_likelihood(g)));
}

/* Duplicates, constant columns, fewer rows than columns, huge and tiny numbers, with and without regularisation. */
START_TEST(degenerate)
{
    const char *covariance = _i % 2 ? "full" : "diagonal";
    cepman_context *ctx = support_begin(2);
    for (int kind = 0; kind < 7; kind++) {
        size_t n = 40, d = 3;
        float x[40 * 50];
        support_random r = {7};
        if (kind == 2) n = 6, d = 50;
        for (size_t i = 0; i < n * d; i++)
            x[i] = (float)support_normal(&r);
        for (size_t i = 0; i < n; i++) {
            if (kind == 0) x[i * d] = x[i * d + 1] = x[i * d + 2] = 5;
            if (kind == 1) x[i * d + 1] = 1e6f;
            if (kind == 3)
                for (size_t j = 0; j < d; j++)
                    x[i * d + j] = (float)(i % 2);
            for (size_t j = 0; j < d; j++) {
                if (kind == 4) x[i * d + j] *= 1e18f;
                if (kind == 5) x[i * d + j] *= 1e-18f;
                if (kind == 6) x[i * d + j] = x[i * d]; /* collinear */
            }
        }
        cepman_matrix *m = NULL;
        cepman_mixture *g = NULL;
        cepman_options *o = options_of(ctx, 4, covariance, 1e-6);
        assert_good(ctx, cepman_matrix_copy(&m, ctx, x, n, d, d));
        if (_i >= 2) assert_good(ctx, cepman_options_set_real(o, ctx, "regularisation", 0));
        assert_good(ctx, cepman_mixture_fit(&g, ctx, m, NULL, o));
        assert_sound(g, n);
        cepman_mixture_unref(g);
        cepman_options_unref(o);
        cepman_matrix_unref(m);
    }
    support_end(ctx);
}
END_TEST

START_TEST(threads_do_not_matter)
{
    size_t n = 40009, d = _i ? 9 : 2;
    cepman_context *one = support_begin(1), *three_threads = NULL;
    assert_good(one, cepman_context_create(&three_threads, NULL));
    assert_good(three_threads, cepman_context_set_threads(three_threads, 3));
    cepman_matrix *x = support_normals(one, n, d, 4);
    cepman_options *o = options_of(one, 4, "full", 1e-4);
    assert_good(one, cepman_options_set_integer(o, one, "max-iterations", 4));
    assert_good(one, cepman_options_set_integer(o, one, "n-init", 1));
    cepman_mixture *a = NULL, *b = NULL;
    assert_good(one, cepman_mixture_fit(&a, one, x, NULL, o));
    assert_good(three_threads, cepman_mixture_fit(&b, three_threads, x, NULL, o));
    ck_assert_mem_eq(cepman_mixture_covariances(a), cepman_mixture_covariances(b),
                     4 * d * d * sizeof(double));
    ck_assert_mem_eq(cepman_mixture_responsibilities(a), cepman_mixture_responsibilities(b),
                     n * 4 * sizeof(double));
    double la = cepman_mixture_log_likelihood(a), lb = cepman_mixture_log_likelihood(b);
    ck_assert_mem_eq(&la, &lb, sizeof la);
    cepman_mixture_unref(a);
    cepman_mixture_unref(b);
    cepman_options_unref(o);
    cepman_matrix_unref(x);
    cepman_context_unref(three_threads);
    support_end(one);
}
END_TEST

START_TEST(bad_input)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *x = support_normals(ctx, 5, 2, 1), *wide = support_normals(ctx, 5, 3, 1), *bad = NULL;
    const float nan[] = {0, 1, NAN, 2, 3, 4};
    const int32_t none[5] = {-1, -1, -1, -1, -1};
    cepman_labels *l = in_turn(ctx, 4, 2), *empty = NULL, *many = in_turn(ctx, 5, 5), *out = NULL;
    cepman_options *o = options_of(ctx, 3, "full", 1e-3), *wrong = NULL;
    cepman_mixture *g = NULL;
    assert_good(ctx, cepman_labels_copy(&empty, ctx, none, 5));
    assert_good(ctx, cepman_matrix_copy(&bad, ctx, nan, 3, 2, 2));
    assert_good(ctx, cepman_kmeans_options_create(&wrong, ctx));
    assert_fails(ctx, cepman_mixture_fit(&g, ctx, bad, NULL, o), CEPMAN_ERR_DATA, "row 1");
    assert_fails(ctx, cepman_mixture_fit(&g, ctx, x, l, o), CEPMAN_ERR_SHAPE, "4 labels for 5 rows");
    assert_fails(ctx, cepman_mixture_fit(&g, ctx, x, empty, o), CEPMAN_ERR_DATA, "no row");
    assert_fails(ctx, cepman_mixture_fit(&g, ctx, x, many, o), CEPMAN_ERR_RANGE, "label 4");
    assert_fails(ctx, cepman_mixture_fit(&g, ctx, x, NULL, wrong), CEPMAN_ERR_OPTION, "kmeans");
    assert_good(ctx, cepman_options_set_integer(o, ctx, "k", 6));
    assert_fails(ctx, cepman_mixture_fit(&g, ctx, x, NULL, o), CEPMAN_ERR_RANGE, "k is 6");
    assert_status(ctx, cepman_mixture_fit(NULL, ctx, x, NULL, o), CEPMAN_ERR_ARGUMENT);
    assert_status(ctx, cepman_mixture_fit(&g, ctx, NULL, NULL, o), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(g);
    assert_good(ctx, cepman_mixture_fit(&g, ctx, x, many, NULL)); /* labels stand for k */
    ck_assert_uint_eq(cepman_mixture_components(g), 5);
    assert_fails(ctx, cepman_mixture_apply(&out, NULL, NULL, ctx, g, wide), CEPMAN_ERR_SHAPE, "3 columns");
    assert_fails(ctx, cepman_mixture_apply(&out, NULL, NULL, ctx, g, bad), CEPMAN_ERR_DATA, "row 1");
    ck_assert_ptr_null(out);
    ck_assert(isnan(cepman_mixture_bic(NULL)) && isnan(cepman_mixture_aic(NULL)));
    cepman_mixture_unref(g);
    cepman_mixture_unref(NULL);
    cepman_options_unref(o);
    cepman_options_unref(wrong);
    cepman_labels_unref(l);
    cepman_labels_unref(empty);
    cepman_labels_unref(many);
    cepman_matrix_unref(x);
    cepman_matrix_unref(wide);
    cepman_matrix_unref(bad);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *x = three(ctx);
    cepman_options *o = options_of(ctx, 3, _i ? "full" : "diagonal", 1e-3);
    assert_good(ctx, cepman_options_set_integer(o, ctx, "max-iterations", 3));
    assert_good(ctx, cepman_options_set_integer(o, ctx, "n-init", 1));
    cepman_status s;
    long fail = 0;
    do {
        cepman_mixture *g = NULL;
        cepman_labels *l = NULL;
        support_fail_at(fail++);
        s = cepman_mixture_fit(&g, ctx, x, NULL, o);
        ck_assert(!s == (g != NULL));
        if (!s) s = cepman_mixture_apply(&l, NULL, NULL, ctx, g, x);
        ck_assert(s == CEPMAN_OK || s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_THREAD);
        cepman_mixture_unref(g);
        cepman_labels_unref(l);
    } while (s);
    support_fail_at(-1);
    ck_assert_int_gt(fail, 30);
    cepman_options_unref(o);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

static int count_down(void *user)
{
    return (*(int *)user)-- <= 0;
}

START_TEST(cancel)
{
    cepman_context *ctx = support_begin(_i ? 3 : 1);
    cepman_matrix *x = support_normals(ctx, 20000, 3, 8);
    cepman_options *o = options_of(ctx, 5, "full", 0);
    for (int polls = 0; polls < 300; polls += 13) {
        int left = polls;
        cepman_mixture *g = NULL;
        assert_good(ctx, cepman_context_set_cancel(ctx, count_down, &left));
        assert_status(ctx, cepman_mixture_fit(&g, ctx, x, NULL, o), CEPMAN_ERR_CANCELLED);
        ck_assert_ptr_null(g);
        assert_good(ctx, cepman_context_set_cancel(ctx, NULL, NULL));
        cepman_context_clear_cancel(ctx);
    }
    cepman_options_unref(o);
    cepman_matrix_unref(x);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cluster mixture");
    TCase *t = tcase_create("mixture");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, scikit_learn, 0, 4);
    tcase_add_test(t, density_by_hand);
    tcase_add_test(t, finds_long_groups);
    tcase_add_loop_test(t, degenerate, 0, 4);
    tcase_add_loop_test(t, threads_do_not_matter, 0, 2);
    tcase_add_test(t, bad_input);
    tcase_add_loop_test(t, failing_allocations, 0, 2);
    tcase_add_loop_test(t, cancel, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
