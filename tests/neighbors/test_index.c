/* Queries of new rows against an index: every method against a brute-force twin, recall of the cells, the same bits
 * for any threads and company, odd rows, failures. Long: each way of looking has its own inputs. */
#include <pthread.h>

#include "common.h"

static cepman_neighbors_index *make(cepman_context *ctx, cepman_matrix *m, int64_t k, const char *metric,
                                    const char *method, double recall)
{
    cepman_neighbors_index *x = NULL;
    cepman_options *o = common_options(ctx, k, metric, method, recall);
    assert_good(ctx, cepman_neighbors_index_create(&x, ctx, m, o));
    cepman_options_unref(o);
    return x;
}

typedef struct answer {
    size_t n, k;
    int32_t *indices;
    float *distances;
} answer;

static answer ask(cepman_context *ctx, const cepman_neighbors_index *x, const cepman_matrix *rows)
{
    answer a = {cepman_matrix_rows(rows), cepman_neighbors_index_k(x), NULL, NULL};
    a.indices = malloc((a.n * a.k + 1) * sizeof *a.indices);
    a.distances = malloc((a.n * a.k + 1) * sizeof *a.distances);
    assert_good(ctx, cepman_neighbors_index_query(x, ctx, rows, a.indices, a.distances));
    return a;
}

static void drop(answer *a)
{
    free(a->indices);
    free(a->distances);
}

static bool same(const answer *a, const answer *b)
{
    return a->n == b->n && a->k == b->k &&
           memcmp(a->indices, b->indices, a->n * a->k * sizeof *a->indices) == 0 &&
           memcmp(a->distances, b->distances, a->n * a->k * sizeof *a->distances) == 0;
}

static const char *const metrics[] = {"euclidean", "cosine", "correlation"};

static const struct {
    size_t n, d, asked;
    int64_t k;
} shapes[] = {{0, 9, 3, 15},    {1, 9, 5, 15},     {4, 1, 9, 15},     {5, 9, 9, 5},
              {300, 2, 40, 15}, {700, 8, 33, 12},  {90, 9, 0, 4},     {400, 9, 17, 5},
              {501, 64, 7, 7},  {60, 3000, 9, 15}, {900, 12, 41, 15}, {900, 4700, 3, 5}};

START_TEST(like_the_twin)
{
    cepman_context *ctx = support_begin(2);
    size_t n = shapes[_i].n, d = shapes[_i].d;
    cepman_matrix *m = support_normals(ctx, n, d, 3), *rows = support_normals(ctx, shapes[_i].asked, d, 4);
    common_twin *room = malloc((n + 1) * sizeof *room);
    for (int metric = 0; metric < 3; metric++) {
        if (metric == CEP_CORRELATION && d == 1) continue; /* every row is constant */
        cepman_neighbors_index *x = make(ctx, m, shapes[_i].k, metrics[metric], "auto", 0.98);
        ck_assert_uint_eq(cepman_neighbors_index_count(x), n);
        ck_assert_uint_eq(cepman_neighbors_index_columns(x), d);
        ck_assert_uint_eq(cepman_neighbors_index_k(x), n < (size_t)shapes[_i].k ? n : (size_t)shapes[_i].k);
        ck_assert_str_eq(cepman_neighbors_index_method(x), n && metric == 0 && d <= 8 ? "tree" : "exact");
        ck_assert(cepman_neighbors_index_recall(x) == 1);
        answer a = ask(ctx, x, rows);
        for (size_t i = 0; i < a.n; i++)
            common_assert_row(m, cepman_matrix_row(rows, i), -1, (cep_metric)metric, false, a.k,
                              a.indices + i * a.k, a.distances + i * a.k, room);
        drop(&a);
        cepman_neighbors_index_unref(x);
    }
    free(room);
    cepman_matrix_unref(m);
    cepman_matrix_unref(rows);
    support_end(ctx);
}
END_TEST

/* New rows of the same sheets: cells against all rows; one at a time, together, by one thread and by three. */
START_TEST(cells_find_what_is_asked)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = common_sheets(ctx, 4000, 150, 1), *all = common_sheets(ctx, 4200, 150, 1),
                  *rows = NULL;
    size_t last[200];
    for (size_t i = 0; i < 200; i++)
        last[i] = 4000 + i;
    assert_good(ctx, cepman_matrix_select(&rows, ctx, all, last, 200));
    cepman_neighbors_index *cells = make(ctx, m, 15, metrics[_i], "approximate", 0.98),
                           *exact = make(ctx, m, 15, metrics[_i], "exact", 0.98);
    ck_assert_str_eq(cepman_neighbors_index_method(cells), "approximate");
    ck_assert_str_eq(cepman_neighbors_index_method(exact), "exact");
    ck_assert_double_ge(cepman_neighbors_index_recall(cells), 0.98);
    answer a = ask(ctx, cells, rows), e = ask(ctx, exact, rows);
    ck_assert_double_ge(common_recall(a.distances, e.distances, 200, 15), 0.96);
    for (size_t i = 0; i < 200; i++)
        for (size_t c = 0; c < 15; c++) /* what both found is at the same distance, to the bit */
            for (size_t b = 0; b < 15; b++)
                ck_assert(a.indices[i * 15 + c] != e.indices[i * 15 + b] ||
                          a.distances[i * 15 + c] == e.distances[i * 15 + b]);
    for (size_t i = 0; i < 200; i += 13) {
        cepman_matrix *one = NULL;
        assert_good(ctx, cepman_matrix_select(&one, ctx, rows, &i, 1));
        answer single = ask(ctx, cells, one);
        ck_assert_mem_eq(single.indices, a.indices + i * 15, 15 * sizeof *a.indices);
        ck_assert_mem_eq(single.distances, a.distances + i * 15, 15 * sizeof *a.distances);
        drop(&single);
        cepman_matrix_unref(one);
    }
    assert_good(ctx, cepman_context_set_threads(ctx, 3));
    cepman_neighbors_index *again = make(ctx, m, 15, metrics[_i], "approximate", 0.98);
    answer three = ask(ctx, again, rows), exact3 = ask(ctx, exact, rows);
    ck_assert(same(&a, &three));
    ck_assert(same(&e, &exact3));
    drop(&a), drop(&e), drop(&three), drop(&exact3);
    cepman_neighbors_index_unref(cells);
    cepman_neighbors_index_unref(again);
    cepman_neighbors_index_unref(exact);
    cepman_matrix_unref(rows);
    cepman_matrix_unref(all);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Rows of the index find themselves first, at 0, and then what the graph has. */
START_TEST(own_rows)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = _i ? support_normals(ctx, 500, 3, 1) : common_sheets(ctx, 900, 40, 1);
    cepman_neighbors *g = common_build(ctx, m, 9, "euclidean", "exact", 0.98);
    cepman_neighbors_index *x = make(ctx, m, 10, "euclidean", "exact", 0.98);
    answer a = ask(ctx, x, m);
    for (size_t i = 0; i < a.n; i++) {
        ck_assert_int_eq(a.indices[i * 10], (int32_t)i);
        ck_assert(a.distances[i * 10] == 0);
        ck_assert_mem_eq(a.indices + i * 10 + 1, cepman_neighbors_indices(g) + i * 9, 9 * sizeof(int32_t));
        ck_assert_mem_eq(a.distances + i * 10 + 1, cepman_neighbors_distances(g) + i * 9, 9 * sizeof(float));
    }
    drop(&a);
    cepman_neighbors_index_unref(x);
    cepman_neighbors_unref(g);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* The index holds its matrix; without few coordinates it says "exact". */
START_TEST(keeps_and_admits)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = support_normals(ctx, 1600, 400, 2), *rows = support_normals(ctx, 3, 400, 9);
    cepman_neighbors_index *x = make(ctx, m, 8, "euclidean", "approximate", 0.999);
    cepman_matrix_unref(m);
    ck_assert_str_eq(cepman_neighbors_index_method(x), "exact");
    ck_assert(cepman_neighbors_index_recall(x) == 1);
    cepman_neighbors_index *more = cepman_neighbors_index_ref(x);
    cepman_neighbors_index_unref(x);
    answer a = ask(ctx, more, rows);
    ck_assert(a.distances[0] > 0);
    drop(&a);
    cepman_neighbors_index_unref(more);
    cepman_neighbors_index_unref(NULL);
    cepman_matrix_unref(rows);
    support_end(ctx);
}
END_TEST

/* Rows whose squares overflow float32 are answered exactly, whatever stands beside them. */
START_TEST(huge_rows)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = common_sheets(ctx, 2000, 120, 1), *rows = NULL;
    float x[20 * 120];
    for (size_t i = 0; i < 20 * 120; i++)
        x[i] = i / 120 % 3 == 0 ? 1e30f : cepman_matrix_row(m, i / 120)[i % 120];
    assert_good(ctx, cepman_matrix_wrap(&rows, ctx, x, 20, 120, 120, NULL, NULL));
    cepman_neighbors_index *cells = make(ctx, m, 15, "euclidean", "approximate", 0.98),
                           *exact = make(ctx, m, 15, "euclidean", "exact", 0.98);
    ck_assert_str_eq(cepman_neighbors_index_method(cells), "approximate");
    answer a = ask(ctx, cells, rows), e = ask(ctx, exact, rows);
    for (size_t i = 0; i < 20; i++)
        if (i % 3 == 0)
            ck_assert_mem_eq(a.indices + i * 15, e.indices + i * 15, 15 * sizeof *a.indices);
        else
            ck_assert_int_eq(a.indices[i * 15], (int32_t)i);
    drop(&a), drop(&e);
    cepman_neighbors_index_unref(cells);
    cepman_neighbors_index_unref(exact);
    cepman_matrix_unref(rows);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

typedef struct thread {
    const cepman_neighbors_index *x;
    const cepman_matrix *rows;
    int32_t *indices;
    float *distances;
    cepman_status status;
} thread;

static void *ask_on_a_thread(void *argument)
{
    thread *t = argument;
    cepman_context *ctx = NULL;
    t->status = cepman_context_create(&ctx, NULL);
    for (int turn = 0; !t->status && turn < 5; turn++)
        t->status = cepman_neighbors_index_query(t->x, ctx, t->rows, t->indices, t->distances);
    cepman_context_unref(ctx);
    return NULL;
}

START_TEST(two_threads_ask)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = common_sheets(ctx, 2000, 120, 1), *rows = common_sheets(ctx, 50, 120, 1);
    cepman_neighbors_index *x = make(ctx, m, 10, "cosine", "approximate", 0.95);
    answer a = ask(ctx, x, rows), b = ask(ctx, x, rows), c = ask(ctx, x, rows);
    memset(b.indices, 0, 500 * sizeof *b.indices);
    memset(c.indices, 0, 500 * sizeof *c.indices);
    thread first = {x, rows, b.indices, b.distances, 0}, second = {x, rows, c.indices, c.distances, 0};
    pthread_t one, two;
    ck_assert_int_eq(pthread_create(&one, NULL, ask_on_a_thread, &first), 0);
    ck_assert_int_eq(pthread_create(&two, NULL, ask_on_a_thread, &second), 0);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    ck_assert_int_eq(first.status, CEPMAN_OK);
    ck_assert_int_eq(second.status, CEPMAN_OK);
    ck_assert(same(&a, &b));
    ck_assert(same(&a, &c));
    drop(&a), drop(&b), drop(&c);
    cepman_neighbors_index_unref(x);
    cepman_matrix_unref(rows);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(refuses)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = support_normals(ctx, 50, 11, 1), *narrow = support_normals(ctx, 5, 10, 1), *odd = NULL;
    cepman_neighbors_index *x = NULL;
    float values[22] = {0}, distances[30] = {7};
    int32_t indices[30] = {7};
    values[15] = NAN;
    assert_good(ctx, cepman_matrix_wrap(&odd, ctx, values, 2, 11, 11, NULL, NULL));
    assert_fails(ctx, cepman_neighbors_index_create(&x, ctx, odd, NULL), CEPMAN_ERR_DATA, "row 1");
    assert_fails(ctx, cepman_neighbors_index_create(NULL, ctx, m, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    assert_fails(ctx, cepman_neighbors_index_create(&x, ctx, NULL, NULL), CEPMAN_ERR_ARGUMENT, "NULL");
    ck_assert_ptr_null(x);
    assert_good(ctx, cepman_neighbors_index_create(&x, ctx, m, NULL));
    assert_fails(ctx, cepman_neighbors_index_query(x, ctx, narrow, indices, distances), CEPMAN_ERR_SHAPE,
                 "10 columns");
    assert_fails(ctx, cepman_neighbors_index_query(x, ctx, odd, indices, distances), CEPMAN_ERR_DATA,
                 "row 1");
    assert_fails(ctx, cepman_neighbors_index_query(NULL, ctx, m, indices, distances), CEPMAN_ERR_ARGUMENT,
                 "NULL");
    assert_fails(ctx, cepman_neighbors_index_query(x, ctx, NULL, indices, distances), CEPMAN_ERR_ARGUMENT,
                 "NULL");
    assert_fails(ctx, cepman_neighbors_index_query(x, ctx, m, NULL, distances), CEPMAN_ERR_ARGUMENT, "NULL");
    ck_assert_int_eq(indices[0], 7);
    ck_assert(distances[0] == 7);
    cepman_neighbors_index_unref(x);
    cepman_matrix_unref(odd);
    cepman_matrix_unref(narrow);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static const struct {
    size_t n, d;
    const char *metric, *method;
} makes[] = {{1000, 104, "euclidean", "approximate"},
             {200, 12, "correlation", "exact"},
             {300, 3, "euclidean", "auto"}};

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(1);
    cepman_matrix *m = common_sheets(ctx, makes[_i].n, makes[_i].d, 2),
                  *rows = common_sheets(ctx, 11, makes[_i].d, 3);
    cepman_options *o = common_options(ctx, 10, makes[_i].metric, makes[_i].method, 0.9);
    int32_t indices[110];
    float distances[110];
    cepman_neighbors_index *x = NULL;
    for (long at = 0;; at++) {
        support_fail_at(at);
        cepman_status s = cepman_neighbors_index_create(&x, ctx, m, o);
        support_fail_at(-1);
        if (!s) {
            ck_assert_int_gt(at, 1);
            break;
        }
        ck_assert_int_eq(s, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(x);
    }
    for (long at = 0;; at++) {
        indices[0] = -7;
        support_fail_at(at);
        cepman_status s = cepman_neighbors_index_query(x, ctx, rows, indices, distances);
        support_fail_at(-1);
        if (!s) {
            ck_assert_int_gt(at, 4);
            ck_assert_int_ge(indices[0], 0);
            break;
        }
        ck_assert_int_eq(s, CEPMAN_ERR_MEMORY);
        ck_assert_int_eq(indices[0], -7);
    }
    cepman_neighbors_index_unref(x);
    cepman_options_unref(o);
    cepman_matrix_unref(rows);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

START_TEST(cancel_in_the_middle)
{
    cepman_context *ctx = support_begin(_i ? 3 : 1);
    cepman_matrix *m = common_sheets(ctx, 2000, 120, 6), *rows = common_sheets(ctx, 100, 120, 7);
    cepman_options *o = common_options(ctx, 10, "euclidean", "approximate", 0.95);
    int32_t *indices = malloc(1000 * sizeof *indices);
    float *distances = malloc(1000 * sizeof *distances);
    int left = 0;
    cepman_neighbors_index *x = NULL;
    assert_good(ctx, cepman_context_set_cancel(ctx, common_cancel_after, &left));
    for (int budget = 1;; budget += 1 + budget / 2) {
        left = budget;
        cepman_status s = cepman_neighbors_index_create(&x, ctx, m, o);
        if (s == CEPMAN_OK) {
            ck_assert_int_gt(budget, 5);
            break;
        }
        ck_assert_int_eq(s, CEPMAN_ERR_CANCELLED);
        ck_assert_ptr_null(x);
    }
    left = 1;
    assert_status(ctx, cepman_neighbors_index_query(x, ctx, rows, indices, distances), CEPMAN_ERR_CANCELLED);
    left = 1000000;
    assert_good(ctx, cepman_neighbors_index_query(x, ctx, rows, indices, distances));
    cepman_neighbors_index_unref(x);
    free(indices);
    free(distances);
    cepman_options_unref(o);
    cepman_matrix_unref(rows);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* float16 rows: the answers are those of the same numbers in float32, and what is not finite is named. */
START_TEST(half_precision)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = _i ? common_sheets(ctx, 1500, 110, 1) : support_normals(ctx, 300, 3, 1), *half = NULL,
                  *wide = NULL;
    assert_good(ctx, cepman_matrix_convert(&half, ctx, m, CEPMAN_TYPE_F16));
    assert_good(ctx, cepman_matrix_convert(&wide, ctx, half, CEPMAN_TYPE_F32));
    static const char *const methods[] = {"auto", "exact", "approximate"};
    for (int metric = 0; metric < 3; metric++) {
        cepman_neighbors *a = common_build(ctx, half, 10, metrics[metric], methods[_i], 0.95),
                         *b = common_build(ctx, wide, 10, metrics[metric], methods[_i], 0.95);
        ck_assert(common_same(a, b));
        ck_assert_str_eq(cepman_neighbors_method(a), cepman_neighbors_method(b));
        cepman_neighbors_index *x = make(ctx, half, 10, metrics[metric], methods[_i], 0.95),
                               *y = make(ctx, wide, 10, metrics[metric], methods[_i], 0.95);
        answer p = ask(ctx, x, half), q = ask(ctx, y, wide);
        ck_assert(same(&p, &q));
        drop(&p), drop(&q);
        cepman_neighbors_index_unref(x);
        cepman_neighbors_index_unref(y);
        cepman_neighbors_unref(a);
        cepman_neighbors_unref(b);
    }
    cepman_matrix_unref(half);
    cepman_matrix_unref(wide);
    cepman_matrix_unref(m);
    float x[20];
    for (int i = 0; i < 20; i++)
        x[i] = i == 13 ? 1e6f : (float)i; /* beyond float16 */
    assert_good(ctx, cepman_matrix_wrap(&m, ctx, x, 5, 4, 4, NULL, NULL));
    assert_good(ctx, cepman_matrix_convert(&half, ctx, m, CEPMAN_TYPE_F16));
    cepman_neighbors *g = NULL;
    assert_fails(ctx, cepman_neighbors_build(&g, ctx, half, NULL), CEPMAN_ERR_DATA, "row 3");
    cepman_matrix_unref(half);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Groups of rows that pass an index: rows over the whole range of numbers, squares that overflow and vanish, and equal
 * ones, alone and in company. */
START_TEST(far_and_equal_rows)
{
    enum { N = 600, D = 9, ASKED = 70, K = 12 };
    cepman_context *ctx = support_begin(1);
    static float x[(N + ASKED) * D];
    support_random r = {5};
    for (size_t i = 0; i < N + ASKED; i++) {
        static const double scales[] = {1, 1e-3, 1e30, 1e-30, 1e38, 0};
        for (size_t j = 0; j < D; j++)
            x[i * D + j] =
                i % 7 == 6 ? x[(i - 5) * D + j] : (float)(scales[i % 6] * (support_uniform(&r) - 0.5));
    }
    cepman_matrix *m = NULL, *rows = NULL;
    assert_good(ctx, cepman_matrix_copy(&m, ctx, x, N, D, D));
    assert_good(ctx, cepman_matrix_copy(&rows, ctx, x + N * D, ASKED, D, D));
    cepman_neighbors_index *index = make(ctx, m, K, metrics[_i], "exact", 0.98);
    common_twin *room = malloc((N + 1) * sizeof *room);
    answer a = ask(ctx, index, rows);
    for (size_t i = 0; i < ASKED; i++)
        common_assert_row(m, cepman_matrix_row(rows, i), -1, (cep_metric)_i, false, K, a.indices + i * K,
                          a.distances + i * K, room);
    for (size_t i = 0; i < ASKED; i += 3) {
        cepman_matrix *one = NULL;
        assert_good(ctx, cepman_matrix_select(&one, ctx, rows, &i, 1));
        answer single = ask(ctx, index, one);
        ck_assert_mem_eq(single.indices, a.indices + i * K, K * sizeof *a.indices);
        ck_assert_mem_eq(single.distances, a.distances + i * K, K * sizeof *a.distances);
        drop(&single);
        cepman_matrix_unref(one);
    }
    drop(&a);
    free(room);
    cepman_neighbors_index_unref(index);
    cepman_matrix_unref(rows);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

/* Many columns, more than any depth block or prefetch; near rows and far ones. */
START_TEST(many_columns)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = support_normals(ctx, 130, 20000, 1);
    common_twin *room = malloc(131 * sizeof *room);
    cepman_neighbors *g = common_build(ctx, m, 5, metrics[_i], "exact", 0.98);
    cepman_neighbors_index *x = make(ctx, m, 6, metrics[_i], "auto", 0.98);
    answer a = ask(ctx, x, m);
    for (size_t i = 0; i < 130; i += 9)
        common_assert_row(m, cepman_matrix_row(m, i), (ptrdiff_t)i, (cep_metric)_i, false, 5,
                          cepman_neighbors_indices(g) + i * 5, cepman_neighbors_distances(g) + i * 5, room);
    for (size_t i = 0; i < 130; i++)
        ck_assert_mem_eq(a.indices + i * 6 + 1, cepman_neighbors_indices(g) + i * 5, 5 * sizeof(int32_t));
    drop(&a);
    free(room);
    cepman_neighbors_index_unref(x);
    cepman_neighbors_unref(g);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

static const struct {
    size_t n, d;
    const char *metric, *method;
} needs[] = {{20000, 3, "euclidean", "auto"},           {3000, 40, "cosine", "exact"},
             {3000, 40, "correlation", "exact"},        {8000, 150, "euclidean", "approximate"},
             {8000, 150, "correlation", "approximate"}, {300, 2000, "euclidean", "exact"}};

/* The memory that is stated suffices, and is not much more than what is taken. */
START_TEST(states_its_memory)
{
    cepman_context *ctx = support_begin(2);
    cepman_matrix *m = common_sheets(ctx, needs[_i].n, needs[_i].d, 1);
    cepman_options *o = common_options(ctx, 15, needs[_i].metric, needs[_i].method, 0.9);
    cepman_neighbors *g = NULL;
    size_t stated = 0, used = cepman_context_memory_used(ctx);
    assert_good(ctx, cepman_neighbors_memory(&stated, ctx, needs[_i].n, needs[_i].d, CEPMAN_TYPE_F32, o));
    assert_good(ctx, cepman_context_set_memory_limit(ctx, used + stated));
    assert_good(ctx, cepman_neighbors_build(&g, ctx, m, o));
    cepman_neighbors_unref(g);
    g = NULL;
    assert_good(ctx, cepman_context_set_memory_limit(ctx, used + stated / 4));
    assert_status(ctx, cepman_neighbors_build(&g, ctx, m, o), CEPMAN_ERR_LIMIT);
    ck_assert_ptr_null(g);
    assert_good(ctx, cepman_context_set_memory_limit(ctx, 0));
    assert_fails(ctx, cepman_neighbors_memory(NULL, ctx, 5, 5, CEPMAN_TYPE_F32, o), CEPMAN_ERR_ARGUMENT,
                 "NULL");
    assert_fails(ctx, cepman_neighbors_memory(&stated, ctx, 5, 0, CEPMAN_TYPE_F32, o), CEPMAN_ERR_RANGE,
                 "columns");
    assert_fails(ctx, cepman_neighbors_memory(&stated, ctx, 5, 5, CEPMAN_TYPE_U8, o), CEPMAN_ERR_RANGE,
                 "type");
    cepman_options_unref(o);
    cepman_matrix_unref(m);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("neighbors");
    TCase *t = tcase_create("index");
    tcase_add_loop_test(t, like_the_twin, 0, sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(t, cells_find_what_is_asked, 0, 3);
    tcase_add_loop_test(t, own_rows, 0, 2);
    tcase_add_test(t, keeps_and_admits);
    tcase_add_test(t, huge_rows);
    tcase_add_test(t, two_threads_ask);
    tcase_add_test(t, refuses);
    tcase_add_loop_test(t, failing_allocations, 0, sizeof makes / sizeof *makes);
    tcase_add_loop_test(t, cancel_in_the_middle, 0, 2);
    tcase_add_loop_test(t, half_precision, 0, 3);
    tcase_add_loop_test(t, far_and_equal_rows, 0, 2);
    tcase_add_loop_test(t, many_columns, 0, 3);
    tcase_add_loop_test(t, states_its_memory, 0, sizeof needs / sizeof *needs);
    suite_add_tcase(s, t);
    return s;
}
