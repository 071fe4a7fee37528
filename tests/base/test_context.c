/* The context: settings and their bounds, sentences, log, progress, cancel. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base.h"
#include "support.h"

START_TEST(creation)
{
    cepman_context *ctx = NULL;
    ck_assert_int_eq(cepman_context_create(NULL, NULL), CEPMAN_ERR_ARGUMENT);
    cepman_allocator broken = {0};
    ck_assert_int_eq(cepman_context_create(&ctx, &broken), CEPMAN_ERR_ARGUMENT);
    broken.struct_size = sizeof broken;
    ck_assert_int_eq(cepman_context_create(&ctx, &broken), CEPMAN_ERR_ARGUMENT);
    ck_assert_ptr_null(ctx);
    for (long fail = 0; fail < 2; fail++)
        ck_assert_ptr_null(support_begin_failing(fail, 1));
    ck_assert_int_eq(cepman_context_create(&ctx, NULL), CEPMAN_OK);
    ck_assert_str_eq(cepman_context_error(ctx), "");
    ck_assert_uint_eq(cepman_context_threads(ctx), 1);
    ck_assert_ptr_eq(cepman_context_ref(ctx), ctx);
    cepman_context_unref(ctx);
    ck_assert_uint_eq(cepman_context_threads(ctx), 1);
    cepman_context_unref(ctx);
    cepman_context_unref(NULL);
    ck_assert_ptr_null(cepman_context_ref(NULL));
    support_end(support_begin(1));
}
END_TEST

START_TEST(null_context)
{
    ck_assert_int_eq(cepman_context_set_threads(NULL, 1), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_context_set_executor(NULL, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_context_set_planner_lock(NULL, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_context_set_log(NULL, NULL, NULL, CEPMAN_LOG_INFO), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_context_set_progress(NULL, NULL, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_context_set_cancel(NULL, NULL, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_context_set_memory_limit(NULL, 1), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_context_set_cpu_level(NULL, "auto"), CEPMAN_ERR_ARGUMENT);
    cepman_context_cancel(NULL);
    cepman_context_clear_cancel(NULL);
    ck_assert_uint_eq(cepman_context_threads(NULL), 0);
    ck_assert_uint_eq(cepman_context_memory_used(NULL), 0);
    ck_assert_uint_eq(cepman_context_memory_peak(NULL), 0);
    ck_assert_str_eq(cepman_context_cpu_level(NULL), "");
    ck_assert_str_ne(cepman_context_error(NULL), "");
}
END_TEST

START_TEST(threads)
{
    cepman_context *ctx = support_begin(3);
    ck_assert_uint_eq(cepman_context_threads(ctx), 3);
    assert_fails(ctx, cepman_context_set_threads(ctx, 1025), CEPMAN_ERR_RANGE, "1025");
    ck_assert_uint_eq(cepman_context_threads(ctx), 3);
    assert_good(ctx, cepman_context_set_threads(ctx, 0));
    ck_assert_uint_ge(cepman_context_threads(ctx), 1);
    ck_assert_str_eq(cepman_context_error(ctx), ""); /* the old sentence is gone */
    support_end(ctx);
}
END_TEST

static unsigned concurrency(void *user)
{
    return *(unsigned *)user;
}

static int run_all(void *user, void (*task)(void *argument, size_t index), void *argument, size_t count)
{
    (void)user;
    for (size_t i = 0; i < count; i++)
        task(argument, i);
    return 0;
}

START_TEST(executor)
{
    unsigned n = 5;
    cepman_executor host = {sizeof host, &n, concurrency, run_all};
    cepman_context *ctx = support_begin(2);
    assert_good(ctx, cepman_context_set_executor(ctx, &host));
    ck_assert_uint_eq(cepman_context_threads(ctx), 5);
    n = 9; /* asked once: scratch was sized by the answer */
    ck_assert_uint_eq(cepman_context_threads(ctx), 5);
    n = 0;
    assert_fails(ctx, cepman_context_set_executor(ctx, &host), CEPMAN_ERR_CALLBACK, "concurrency");
    ck_assert_uint_eq(cepman_context_threads(ctx), 5);
    host.run = NULL;
    assert_fails(ctx, cepman_context_set_executor(ctx, &host), CEPMAN_ERR_ARGUMENT, "run");
    host.run = run_all;
    host.struct_size = 8;
    assert_fails(ctx, cepman_context_set_executor(ctx, &host), CEPMAN_ERR_ARGUMENT, "struct_size");
    assert_good(ctx, cepman_context_set_executor(ctx, NULL));
    ck_assert_uint_eq(cepman_context_threads(ctx), 2);
    support_end(ctx);
}
END_TEST

/* A table of a later version, and one of an earlier. */
START_TEST(tables_of_other_versions)
{
    struct {
        cepman_executor known;
        void *later;
    } longer = {{sizeof longer, NULL, concurrency, run_all}, NULL};
    unsigned n = 3;
    longer.known.user = &n;
    cepman_context *ctx = support_begin(1);
    assert_good(ctx, cepman_context_set_executor(ctx, &longer.known));
    ck_assert_uint_eq(cepman_context_threads(ctx), 3);
    cepman_context_set_executor(ctx, NULL);
    support_end(ctx);

    struct {
        uint8_t first[16];
        uint8_t appended[8];
    } ours, given;
    memset(&given, 7, sizeof given);
    memset(&ours, 9, sizeof ours);
    cep_take_table(&ours, sizeof ours, &given, sizeof ours.first);
    for (size_t i = 0; i < 16; i++)
        ck_assert_uint_eq(ours.first[i], 7);
    for (size_t i = 0; i < 8; i++)
        ck_assert_uint_eq(ours.appended[i], 0);
    cep_take_table(&ours, sizeof ours.first, &given, sizeof given);
    ck_assert_uint_eq(ours.first[15], 7);
    ck_assert_uint_eq(ours.appended[0], 0);
}
END_TEST

static void nothing(void *user)
{
    (void)user;
}

START_TEST(planner_lock)
{
    cepman_planner_lock lock = {sizeof lock, NULL, nothing, nothing};
    cepman_context *ctx = support_begin(1);
    ck_assert_ptr_null(cep_context_planner_lock(ctx));
    assert_good(ctx, cepman_context_set_planner_lock(ctx, &lock));
    ck_assert(cep_context_planner_lock(ctx)->acquire == nothing);
    lock.release = NULL;
    assert_fails(ctx, cepman_context_set_planner_lock(ctx, &lock), CEPMAN_ERR_ARGUMENT, "release");
    assert_good(ctx, cepman_context_set_planner_lock(ctx, NULL));
    ck_assert_ptr_null(cep_context_planner_lock(ctx));
    support_end(ctx);
}
END_TEST

START_TEST(sentences)
{
    cepman_context *ctx = support_begin(1);
    ck_assert_int_eq(cep_fail(ctx, CEPMAN_ERR_DATA, "row %d", 7), CEPMAN_ERR_DATA);
    ck_assert_str_eq(cepman_context_error(ctx), "row 7");
    /* The old sentence may be part of the new one. */
    cep_fail(ctx, CEPMAN_ERR_IO, "file: %s (%s)", cepman_context_error(ctx), cepman_context_error(ctx));
    ck_assert_str_eq(cepman_context_error(ctx), "file: row 7 (row 7)");
    cep_fault fault;
    ck_assert_int_eq(cep_fault_set(&fault, CEPMAN_ERR_FORMAT, "byte %u", 3u), CEPMAN_ERR_FORMAT);
    cep_fault_set(&fault, CEPMAN_ERR_FORMAT, "header: %s", fault.text);
    ck_assert_str_eq(fault.text, "header: byte 3");
    ck_assert_int_eq(cep_fail_fault(ctx, &fault), CEPMAN_ERR_FORMAT);
    ck_assert_str_eq(cepman_context_error(ctx), "header: byte 3");
    /* Without a place for the sentence the status still comes back. */
    ck_assert_int_eq(cep_fail(NULL, CEPMAN_ERR_DATA, "lost"), CEPMAN_ERR_DATA);
    ck_assert_int_eq(cep_fault_set(NULL, CEPMAN_ERR_DATA, "lost"), CEPMAN_ERR_DATA);
    ck_assert_int_eq(cep_fail_fault(NULL, &fault), CEPMAN_ERR_FORMAT);
    /* Too long a sentence is cut, not overrun. */
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    cep_fail(ctx, CEPMAN_ERR_IO, "%s", longer);
    ck_assert_uint_eq(strlen(cepman_context_error(ctx)), sizeof fault.text - 1);
    ck_assert_int_eq(cep_enter(ctx), CEPMAN_OK);
    ck_assert_str_eq(cepman_context_error(ctx), "");
    ck_assert_int_eq(cep_enter(NULL), CEPMAN_ERR_ARGUMENT);
    support_end(ctx);
}
END_TEST

typedef struct heard {
    int lines;
    cepman_log_level level;
    char last[1200];
} heard;

static void hear(void *user, cepman_log_level level, const char *line)
{
    heard *h = user;
    h->lines++;
    h->level = level;
    snprintf(h->last, sizeof h->last, "%s", line);
}

START_TEST(log_levels)
{
    heard h = {0};
    cepman_context *ctx = support_begin(1);
    cep_log(ctx, CEPMAN_LOG_WARNING, "nobody listens");
    assert_good(ctx, cepman_context_set_log(ctx, hear, &h, CEPMAN_LOG_INFO));
    cep_log(ctx, CEPMAN_LOG_DEBUG, "too fine");
    ck_assert_int_eq(h.lines, 0);
    cep_log(ctx, CEPMAN_LOG_INFO, "%d frames", 12);
    ck_assert_int_eq(h.lines, 1);
    ck_assert_int_eq(h.level, CEPMAN_LOG_INFO);
    ck_assert_str_eq(h.last, "12 frames");
    cep_log(ctx, CEPMAN_LOG_WARNING, "careful");
    ck_assert_int_eq(h.lines, 2);
    assert_good(ctx, cepman_context_set_log(ctx, hear, &h, CEPMAN_LOG_NONE));
    cep_log(ctx, CEPMAN_LOG_WARNING, "silence");
    ck_assert_int_eq(h.lines, 2);
    assert_fails(ctx, cepman_context_set_log(ctx, hear, &h, (cepman_log_level)4), CEPMAN_ERR_RANGE, "4");
    assert_good(ctx, cepman_context_set_log(ctx, NULL, NULL, CEPMAN_LOG_DEBUG));
    cep_log(ctx, CEPMAN_LOG_WARNING, "nobody");
    ck_assert_int_eq(h.lines, 2);
    support_end(ctx);
}
END_TEST

typedef struct seen {
    int reports;
    uint64_t done, total;
    char stage[32];
} seen;

static void see(void *user, const char *stage, uint64_t done, uint64_t total)
{
    seen *p = user;
    p->reports++;
    p->done = done;
    p->total = total;
    snprintf(p->stage, sizeof p->stage, "%s", stage);
}

START_TEST(progress_is_paced)
{
    seen p = {0};
    cepman_context *ctx = support_begin(1);
    cep_progress(ctx, "quiet", 0, 10);
    assert_good(ctx, cepman_context_set_progress(ctx, see, &p));
    cep_progress(ctx, "stage", 0, 1000000);
    ck_assert_int_eq(p.reports, 1);
    uint64_t begin = cep_nanoseconds();
    for (uint64_t i = 1; i < 1000000; i++)
        cep_progress(ctx, "stage", i, 1000000);
    uint64_t spent = cep_nanoseconds() - begin;
    ck_assert_int_le(p.reports, 2 + (int)(spent / 100000000u)); /* at most one each 100 ms */
    cep_progress(ctx, "stage", 1000000, 1000000);
    ck_assert_uint_eq(p.done, 1000000);
    ck_assert_uint_eq(p.total, 1000000);
    ck_assert_str_eq(p.stage, "stage");
    struct timespec pause = {0, 120000000};
    nanosleep(&pause, NULL);
    int before = p.reports;
    cep_progress(ctx, "stage", 5, 10);
    ck_assert_int_eq(p.reports, before + 1);
    support_end(ctx);
}
END_TEST

static int stop_at(void *user)
{
    return --*(int *)user <= 0;
}

START_TEST(cancel)
{
    cepman_context *ctx = support_begin(1);
    assert_good(ctx, cep_poll(ctx));
    cepman_context_cancel(ctx);
    ck_assert(cep_cancel_requested(ctx));
    assert_fails(ctx, cep_poll(ctx), CEPMAN_ERR_CANCELLED, "cancelled");
    assert_status(ctx, cep_poll(ctx), CEPMAN_ERR_CANCELLED); /* it stays */
    cepman_context_clear_cancel(ctx);
    assert_good(ctx, cep_poll(ctx));
    int left = 3;
    assert_good(ctx, cepman_context_set_cancel(ctx, stop_at, &left));
    assert_good(ctx, cep_poll(ctx));
    assert_good(ctx, cep_poll(ctx));
    assert_status(ctx, cep_poll(ctx), CEPMAN_ERR_CANCELLED);
    assert_good(ctx, cepman_context_set_cancel(ctx, NULL, NULL));
    assert_good(ctx, cep_poll(ctx));
    support_end(ctx);
}
END_TEST

START_TEST(cpu_levels)
{
    static const char *const names[] = {"generic", "avx2", "avx512"};
    cepman_context *ctx = support_begin(1);
    cep_cpu_level have = cep_cpu_detect();
    ck_assert_str_eq(cepman_context_cpu_level(ctx), names[have]);
    for (int i = 0; i < 3; i++)
        if (i <= (int)have) {
            assert_good(ctx, cepman_context_set_cpu_level(ctx, names[i]));
            ck_assert_str_eq(cepman_context_cpu_level(ctx), names[i]);
        } else {
            assert_fails(ctx, cepman_context_set_cpu_level(ctx, names[i]), CEPMAN_ERR_UNSUPPORTED, names[i]);
        }
    assert_good(ctx, cepman_context_set_cpu_level(ctx, "generic"));
    assert_fails(ctx, cepman_context_set_cpu_level(ctx, "sse9"), CEPMAN_ERR_RANGE, "sse9");
    assert_status(ctx, cepman_context_set_cpu_level(ctx, NULL), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cep_context_cpu(ctx), CEP_CPU_GENERIC);
    assert_good(ctx, cepman_context_set_cpu_level(ctx, "auto"));
    ck_assert_int_eq(cep_context_cpu(ctx), have);
    support_end(ctx);
}
END_TEST

static void count_report(void *user, const char *stage, uint64_t done, uint64_t total)
{
    ck_assert_str_eq(stage, "mine");
    ck_assert_uint_le(done, total);
    (*(int *)user)++;
}

/* What a library on top of this one works with. */
START_TEST(for_libraries_on_top)
{
    cepman_context *ctx = support_begin(1);
    void *block = NULL, *more = NULL;
    const size_t before = cepman_context_memory_used(ctx);
    assert_good(ctx, cepman_context_allocate(&block, ctx, 1000, 8, "rows"));
    ck_assert_uint_eq((uintptr_t)block % 64, 0);
    memset(block, 1, 8000);
    ck_assert_uint_ge(cepman_context_memory_used(ctx), before + 8000);
    assert_good(ctx, cepman_context_set_memory_limit(ctx, cepman_context_memory_used(ctx) + 1000));
    assert_fails(ctx, cepman_context_allocate(&more, ctx, 1000, 8, "rows"), CEPMAN_ERR_LIMIT, "rows");
    assert_good(ctx, cepman_context_allocate(&more, ctx, 0, 8, NULL));
    cepman_context_release(more);
    more = NULL;
    assert_good(ctx, cepman_context_set_memory_limit(ctx, 0));
    assert_fails(ctx, cepman_context_allocate(&more, ctx, SIZE_MAX, 2, NULL), CEPMAN_ERR_MEMORY, "memory");
    assert_fails(ctx, cepman_context_allocate(&more, ctx, SIZE_MAX, 1, NULL), CEPMAN_ERR_MEMORY, "memory");
    support_fail_at(0);
    assert_fails(ctx, cepman_context_allocate(&more, ctx, 8, 1, "rows"), CEPMAN_ERR_MEMORY, "rows");
    support_fail_at(-1);
    ck_assert_ptr_null(more);
    assert_status(ctx, cepman_context_allocate(NULL, ctx, 8, 1, "rows"), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cepman_context_allocate(&more, NULL, 8, 1, "rows"), CEPMAN_ERR_ARGUMENT);
    cepman_context_release(block);
    ck_assert_uint_eq(cepman_context_memory_used(ctx), before);
    cepman_context_release(NULL);

    ck_assert_int_eq(cepman_context_fail(ctx, CEPMAN_ERR_DATA, "100 %s"), CEPMAN_ERR_DATA);
    ck_assert_str_eq(cepman_context_error(ctx), "100 %s");
    ck_assert_int_eq(cepman_context_fail(ctx, CEPMAN_ERR_IO, NULL), CEPMAN_ERR_IO);
    ck_assert_str_eq(cepman_context_error(ctx), cepman_status_text(CEPMAN_ERR_IO));
    ck_assert_int_eq(cepman_context_fail(NULL, CEPMAN_ERR_IO, NULL), CEPMAN_ERR_IO);

    assert_good(ctx, cepman_context_poll(ctx));
    cepman_context_cancel(ctx);
    assert_status(ctx, cepman_context_poll(ctx), CEPMAN_ERR_CANCELLED);
    cepman_context_clear_cancel(ctx);
    ck_assert_int_eq(cepman_context_poll(NULL), CEPMAN_ERR_ARGUMENT);

    int reports = 0;
    cepman_context_report(ctx, "mine", 0, 2); /* nobody listens */
    assert_good(ctx, cepman_context_set_progress(ctx, count_report, &reports));
    cepman_context_report(ctx, "mine", 0, 2);
    cepman_context_report(ctx, "mine", 1, 2); /* too soon */
    cepman_context_report(ctx, "mine", 2, 2);
    cepman_context_report(ctx, NULL, 2, 2);
    cepman_context_report(NULL, "mine", 2, 2);
    ck_assert_int_eq(reports, 2);
    support_end(ctx);
}
END_TEST

/* A block outlives its context. */
START_TEST(blocks_outlive_the_context)
{
    cepman_context *ctx = NULL;
    void *block = NULL;
    ck_assert_int_eq(cepman_context_create(&ctx, NULL), CEPMAN_OK);
    assert_good(ctx, cepman_context_allocate(&block, ctx, 100, 1, NULL));
    cepman_context_unref(ctx);
    memset(block, 7, 100);
    cepman_context_release(block);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("base context");
    TCase *t = tcase_create("context");
    tcase_add_test(t, creation);
    tcase_add_test(t, null_context);
    tcase_add_test(t, threads);
    tcase_add_test(t, executor);
    tcase_add_test(t, tables_of_other_versions);
    tcase_add_test(t, planner_lock);
    tcase_add_test(t, sentences);
    tcase_add_test(t, log_levels);
    tcase_add_test(t, progress_is_paced);
    tcase_add_test(t, cancel);
    tcase_add_test(t, cpu_levels);
    tcase_add_test(t, for_libraries_on_top);
    tcase_add_test(t, blocks_outlive_the_context);
    suite_add_tcase(s, t);
    return s;
}
