/* Allocation: alignment, overflow, accounting, limits, and the sentence that tells which. */
#include <pthread.h>
#include <string.h>

#include "base.h"
#include "support.h"

START_TEST(blocks)
{
    cepman_context *ctx = support_begin(1);
    cep_memory *mem = cep_context_memory(ctx);
    size_t before = cepman_context_memory_used(ctx);
    static const size_t sizes[] = {0, 1, 63, 64, 65, 1000, 100003};
    unsigned char *p[7];
    for (int i = 0; i < 7; i++) {
        p[i] = cep_alloc_zero(mem, sizes[i], 1);
        ck_assert_ptr_nonnull(p[i]);
        ck_assert_uint_eq((uintptr_t)p[i] % CEP_ALIGNMENT, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            ck_assert_uint_eq(p[i][k], 0);
        memset(p[i], 0xee, sizes[i]);
    }
    size_t used = cepman_context_memory_used(ctx), asked = 0;
    for (int i = 0; i < 7; i++)
        asked += sizes[i];
    ck_assert_uint_ge(used, before + asked);
    ck_assert_uint_le(used, before + asked + 7 * CEP_ALIGNMENT);
    for (int i = 0; i < 7; i++)
        cep_free(mem, p[i]);
    cep_free(mem, NULL);
    ck_assert_uint_eq(cepman_context_memory_used(ctx), before);
    ck_assert_uint_ge(cepman_context_memory_peak(ctx), used);
    char *copy = cep_strdup(mem, "cepstrum");
    ck_assert_str_eq(copy, "cepstrum");
    cep_free(mem, copy);
    support_end(ctx);
}
END_TEST

START_TEST(overflow)
{
    cepman_context *ctx = support_begin(1);
    cep_memory *mem = cep_context_memory(ctx);
    static const size_t pairs[][2] = {
        {SIZE_MAX, 2},      {2, SIZE_MAX}, {SIZE_MAX, 1}, {SIZE_MAX / 8 + 1, 8}, {(size_t)PTRDIFF_MAX + 1, 1},
        {SIZE_MAX - 32, 1},
    };
    for (int i = 0; i < 6; i++) {
        ck_assert_ptr_null(cep_alloc(mem, pairs[i][0], pairs[i][1]));
        ck_assert_ptr_null(cep_alloc_zero(mem, pairs[i][0], pairs[i][1]));
        assert_fails(ctx, cep_fail_memory(ctx, "a thing", pairs[i][0], pairs[i][1]), CEPMAN_ERR_MEMORY,
                     "a thing");
    }
    size_t x = 1;
    ck_assert(!cep_mul(SIZE_MAX, 2, &x));
    ck_assert(!cep_add(SIZE_MAX, 1, &x));
    ck_assert(cep_mul(3, 4, &x) && x == 12);
    ck_assert(cep_add(3, 4, &x) && x == 7);
    ck_assert(cep_mul(SIZE_MAX, 0, &x) && x == 0);
    support_end(ctx);
}
END_TEST

START_TEST(limit)
{
    cepman_context *ctx = support_begin(1);
    cep_memory *mem = cep_context_memory(ctx);
    size_t used = cepman_context_memory_used(ctx);
    assert_good(ctx, cepman_context_set_memory_limit(ctx, used + 100000));
    void *a = cep_alloc(mem, 60000, 1);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_null(cep_alloc(mem, 60000, 1));
    assert_fails(ctx, cep_fail_memory(ctx, "the graph", 60000, 1), CEPMAN_ERR_LIMIT,
                 "the graph needs 60000 bytes");
    /* What is freed on the way to the sentence does not change the reason. */
    ck_assert_ptr_null(cep_alloc(mem, 60000, 1));
    cep_free(mem, a);
    assert_fails(ctx, cep_fail_memory(ctx, "the graph", 60000, 1), CEPMAN_ERR_LIMIT, "memory limit is");
    ck_assert_uint_eq(cepman_context_memory_used(ctx), used);
    a = cep_alloc(mem, 60000, 1);
    ck_assert_ptr_nonnull(a);
    cep_free(mem, a);
    /* The limit itself fits, one byte more does not. */
    a = cep_alloc(mem, 100000 - CEP_ALIGNMENT, 1);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_null(cep_alloc(mem, 0, 1));
    cep_free(mem, a);
    ck_assert_ptr_null(cep_alloc(mem, 100001 - CEP_ALIGNMENT, 1));
    /* A limit below what is used allows nothing, and takes nothing away. */
    assert_good(ctx, cepman_context_set_memory_limit(ctx, 1));
    ck_assert_ptr_null(cep_alloc(mem, 1, 1));
    assert_good(ctx, cepman_context_set_memory_limit(ctx, 0));
    a = cep_alloc(mem, 1 << 20, 1);
    ck_assert_ptr_nonnull(a);
    cep_free(mem, a);
    support_end(ctx);
}
END_TEST

START_TEST(host_has_no_memory)
{
    cepman_context *ctx = support_begin(1);
    cep_memory *mem = cep_context_memory(ctx);
    assert_good(ctx, cepman_context_set_memory_limit(ctx, (size_t)1 << 30));
    size_t used = cepman_context_memory_used(ctx);
    support_fail_at(0);
    ck_assert_ptr_null(cep_alloc(mem, 10, 1));
    ck_assert_ptr_null(cep_strdup(mem, "x"));
    assert_fails(ctx, cep_fail_memory(ctx, "rows", 10, 1), CEPMAN_ERR_MEMORY, "rows: no memory for 10 bytes");
    ck_assert_uint_eq(cepman_context_memory_used(ctx), used);
    support_fail_at(-1);
    support_end(ctx);
}
END_TEST

/* Results outlive their context: so does the memory they came from. */
START_TEST(outlives_the_context)
{
    cepman_context *ctx = support_begin(1);
    cep_memory *mem = cep_memory_ref(cep_context_memory(ctx));
    void *p = cep_alloc(mem, 100, 1);
    cepman_context_unref(ctx);
    memset(p, 1, 100);
    cep_free(mem, p);
    cep_memory_unref(mem);
    cep_memory_unref(NULL);
    support_end(NULL);
}
END_TEST

static void *churn(void *argument)
{
    cep_memory *mem = argument;
    for (size_t i = 0; i < 20000; i++) {
        void *p = cep_alloc(mem, i % 512, 1);
        if (p) memset(p, 1, i % 512);
        cep_free(mem, p);
    }
    return NULL;
}

START_TEST(many_threads)
{
    cepman_context *ctx = support_begin(1);
    size_t used = cepman_context_memory_used(ctx);
    assert_good(ctx, cepman_context_set_memory_limit(ctx, used + 1200));
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, cep_context_memory(ctx)), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(cepman_context_memory_used(ctx), used);
    ck_assert_uint_le(cepman_context_memory_peak(ctx), used + 1200);
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("base memory");
    TCase *t = tcase_create("memory");
    tcase_add_test(t, blocks);
    tcase_add_test(t, overflow);
    tcase_add_test(t, limit);
    tcase_add_test(t, host_has_no_memory);
    tcase_add_test(t, outlives_the_context);
    tcase_add_test(t, many_threads);
    suite_add_tcase(s, t);
    return s;
}
