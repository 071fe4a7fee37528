/* Files: whole reads or a sentence; writes whole or not at all. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"
#include "support.h"

static cepman_context *ctx;
static cep_memory *mem;
static cep_fault fault;

static void begin(void)
{
    ctx = support_begin(1);
    mem = cep_context_memory(ctx);
    memset(&fault, 0, sizeof fault);
}

static void end(void)
{
    support_end(ctx);
}

static void assert_says(cepman_status got, cepman_status expected, const char *words)
{
    ck_assert_int_eq(got, expected);
    ck_assert_int_eq(fault.status, expected);
    ck_assert_msg(strstr(fault.text, words) != NULL, "'%s' lacks '%s'", fault.text, words);
}

START_TEST(reading)
{
    begin();
    const char *path = support_path("ten");
    support_write(path, "0123456789", 10);
    cep_file *f = NULL;
    ck_assert_int_eq(cep_file_open(&f, mem, &fault, path), CEPMAN_OK);
    ck_assert_uint_eq(cep_file_size(f), 10);
    ck_assert_str_eq(cep_file_path(f), path);
    char b[16] = "";
    ck_assert_int_eq(cep_file_read(f, &fault, 3, b, 4), CEPMAN_OK);
    ck_assert_int_eq(memcmp(b, "3456", 4), 0);
    ck_assert_int_eq(cep_file_read(f, &fault, 10, b, 0), CEPMAN_OK);
    ck_assert_int_eq(cep_file_read(f, &fault, 0, b, 10), CEPMAN_OK);
    assert_says(cep_file_read(f, &fault, 8, b, 4), CEPMAN_ERR_TRUNCATED, "ends at byte 10");
    ck_assert_ptr_nonnull(strstr(fault.text, "offset 8"));
    ck_assert_ptr_nonnull(strstr(fault.text, path));
    assert_says(cep_file_read(f, &fault, 1000, b, 1), CEPMAN_ERR_TRUNCATED, "offset 1000");
    assert_says(cep_file_read(f, &fault, UINT64_MAX, b, 1), CEPMAN_ERR_FORMAT, "beyond any file");
    assert_says(cep_file_read(f, &fault, INT64_MAX, b, 2), CEPMAN_ERR_FORMAT, "beyond any file");
    /* It grows, and it shrinks, while it is open. */
    uint64_t now = 0;
    FILE *more = fopen(path, "ab");
    fputs("abc", more);
    fclose(more);
    ck_assert_int_eq(cep_file_size_now(f, &fault, &now), CEPMAN_OK);
    ck_assert_uint_eq(now, 13);
    ck_assert_uint_eq(cep_file_size(f), 10);
    ck_assert_int_eq(truncate(path, 5), 0);
    assert_says(cep_file_read(f, &fault, 0, b, 10), CEPMAN_ERR_TRUNCATED, "ends at byte 5");
    cep_file_close(f);
    cep_file_close(NULL);
    end();
}
END_TEST

/* Pieces with nothing, little and much between them, more than a call of the system takes; and a file that ends. */
START_TEST(pieces)
{
    static const struct {
        size_t size, count, apart;
    } cases[] = {{1, 1, 1}, {7, 100, 7}, {100, 77, 103}, {100, 33, 200}, {100, 50, 201}, {5000, 40, 9100}};
    enum { BYTES = 400000 };
    begin();
    unsigned char *data = malloc(BYTES), *got = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (unsigned char)(i * 2654435761u >> 13);
    const char *path = support_path("pieces");
    support_write(path, data, BYTES);
    cep_file *f = NULL;
    ck_assert_int_eq(cep_file_open(&f, mem, &fault, path), CEPMAN_OK);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const size_t size = cases[c].size, count = cases[c].count, apart = cases[c].apart, offset = 13;
        memset(got, 0, BYTES);
        ck_assert_int_eq(cep_file_read_pieces(f, &fault, offset, got, size, count, apart), CEPMAN_OK);
        for (size_t i = 0; i < count; i++)
            ck_assert_int_eq(memcmp(got + i * size, data + offset + i * apart, size), 0);
        for (size_t i = count * size; i < BYTES; i++)
            ck_assert_uint_eq(got[i], 0);
        /* The last piece reaches the file's end; one byte further it is cut. What came before it is there. */
        const size_t end_at = BYTES - ((count - 1) * apart + size);
        ck_assert_int_eq(cep_file_read_pieces(f, &fault, end_at, got, size, count, apart), CEPMAN_OK);
        ck_assert_int_eq(memcmp(got + (count - 1) * size, data + BYTES - size, size), 0);
        memset(got, 0, BYTES);
        assert_says(cep_file_read_pieces(f, &fault, end_at + 1, got, size, count, apart),
                    CEPMAN_ERR_TRUNCATED, "ends at byte 400000");
        for (size_t i = 0; i + 1 < count; i++)
            ck_assert_int_eq(memcmp(got + i * size, data + end_at + 1 + i * apart, size), 0);
    }
    ck_assert_int_eq(cep_file_read_pieces(f, &fault, 0, NULL, 10, 0, 10), CEPMAN_OK);
    assert_says(cep_file_read_pieces(f, &fault, UINT64_MAX - 50, got, 10, 2, 12), CEPMAN_ERR_FORMAT,
                "beyond any file");
    cep_file_close(f);
    free(data), free(got);
    end();
}
END_TEST

START_TEST(what_cannot_be_opened)
{
    begin();
    cep_file *f = NULL;
    assert_says(cep_file_open(&f, mem, &fault, support_path("nowhere")), CEPMAN_ERR_IO, "No such file");
    assert_says(cep_file_open(&f, mem, &fault, ""), CEPMAN_ERR_IO, "cannot open");
    assert_says(cep_file_open(&f, mem, &fault, support_path("")), CEPMAN_ERR_IO, "not a regular file");
    assert_says(cep_file_open(&f, mem, &fault, "/dev/null"), CEPMAN_ERR_IO, "not a regular file");
    /* A pipe without a writer must not be waited for. */
    const char *pipe_path = support_path("pipe");
    ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
    assert_says(cep_file_open(&f, mem, &fault, pipe_path), CEPMAN_ERR_IO, "not a regular file");
    const char *loop = support_path("loop");
    ck_assert_int_eq(symlink("loop", loop), 0);
    assert_says(cep_file_open(&f, mem, &fault, loop), CEPMAN_ERR_IO, "loop");
    if (geteuid() != 0) {
        const char *locked = support_path("locked");
        support_write(locked, "x", 1);
        chmod(locked, 0);
        assert_says(cep_file_open(&f, mem, &fault, locked), CEPMAN_ERR_IO, "Permission denied");
    }
    ck_assert_ptr_null(f);
    end();
}
END_TEST

START_TEST(slurping)
{
    begin();
    const char *path = support_path("text");
    char *text = NULL;
    size_t length = 0;
    support_write(path, "a\0b", 3);
    ck_assert_int_eq(cep_file_slurp(&text, &length, mem, &fault, path, 3), CEPMAN_OK);
    ck_assert_uint_eq(length, 3);
    ck_assert_int_eq(memcmp(text, "a\0b", 4), 0);
    cep_free(mem, text);
    text = NULL;
    assert_says(cep_file_slurp(&text, &length, mem, &fault, path, 2), CEPMAN_ERR_FORMAT, "at most 2");
    support_write(path, "", 0);
    ck_assert_int_eq(cep_file_slurp(&text, NULL, mem, &fault, path, 10), CEPMAN_OK);
    ck_assert_str_eq(text, "");
    cep_free(mem, text);
    assert_says(cep_file_slurp(&text, NULL, mem, &fault, support_path("none"), 10), CEPMAN_ERR_IO, "none");
    end();
}
END_TEST

static int entries(const char *folder)
{
    int n = 0;
    DIR *d = opendir(folder);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void assert_holds(const char *path, const char *text)
{
    unsigned char *now = support_read(path, NULL);
    ck_assert_str_eq((char *)now, text);
    free(now);
}

START_TEST(whole_or_not_at_all)
{
    begin();
    ck_assert_int_eq(mkdir(support_path("out"), 0700), 0);
    char folder[600], path[700];
    snprintf(folder, sizeof folder, "%s", support_path("out"));
    snprintf(path, sizeof path, "%s/target", folder);
    support_write(path, "old", 3);

    /* Left before the commit: the old file, and nothing beside it. */
    cep_outfile *f = NULL;
    ck_assert_int_eq(cep_outfile_create(&f, mem, &fault, path), CEPMAN_OK);
    ck_assert_str_eq(cep_outfile_path(f), path);
    ck_assert_int_eq(cep_outfile_write(f, &fault, "new", 3), CEPMAN_OK);
    ck_assert_int_eq(entries(folder), 2);
    assert_holds(path, "old");
    cep_outfile_close(f);
    ck_assert_int_eq(entries(folder), 1);
    assert_holds(path, "old");

    /* Two writers of one target: the one that commits last wins, neither sees the other's bytes. */
    cep_outfile *g = NULL;
    ck_assert_int_eq(cep_outfile_create(&f, mem, &fault, path), CEPMAN_OK);
    ck_assert_int_eq(cep_outfile_create(&g, mem, &fault, path), CEPMAN_OK);
    ck_assert_int_eq(cep_outfile_write(f, &fault, "first", 5), CEPMAN_OK);
    ck_assert_int_eq(cep_outfile_write(g, &fault, "second", 6), CEPMAN_OK);
    ck_assert_int_eq(cep_outfile_commit(g, &fault), CEPMAN_OK);
    assert_holds(path, "second");
    ck_assert_int_eq(cep_outfile_commit(f, &fault), CEPMAN_OK);
    assert_holds(path, "first");
    cep_outfile_close(f);
    cep_outfile_close(g);
    cep_outfile_close(NULL);
    assert_holds(path, "first");
    ck_assert_int_eq(entries(folder), 1);

    /* An empty file is a file; a second commit is an error and changes nothing. */
    ck_assert_int_eq(cep_outfile_create(&f, mem, &fault, path), CEPMAN_OK);
    ck_assert_int_eq(cep_outfile_write(f, &fault, NULL, 0), CEPMAN_OK);
    ck_assert_int_eq(cep_outfile_commit(f, &fault), CEPMAN_OK);
    ck_assert_int_eq(cep_outfile_commit(f, &fault), CEPMAN_ERR_IO);
    assert_says(cep_outfile_write(f, &fault, "x", 1), CEPMAN_ERR_IO, "writing failed");
    cep_outfile_close(f);
    assert_holds(path, "");
    end();
}
END_TEST

START_TEST(what_cannot_be_written)
{
    begin();
    cep_outfile *f = NULL;
    assert_says(cep_outfile_create(&f, mem, &fault, support_path("no/such/folder")), CEPMAN_ERR_IO,
                "No such file");
    assert_says(cep_outfile_create(&f, mem, &fault, "/dev/null"), CEPMAN_ERR_IO, "not a regular file");
    assert_says(cep_outfile_create(&f, mem, &fault, support_path("")), CEPMAN_ERR_IO, "not a regular file");
    ck_assert_ptr_null(f);
    if (geteuid() != 0) {
        const char *folder = support_path("closed");
        char path[700];
        ck_assert_int_eq(mkdir(folder, 0500), 0);
        snprintf(path, sizeof path, "%s/file", folder);
        assert_says(cep_outfile_create(&f, mem, &fault, path), CEPMAN_ERR_IO, "Permission denied");
    }
    /* The target turns into a folder meanwhile: the rename fails, and the part is taken away. */
    char path[700], part[800];
    snprintf(path, sizeof path, "%s", support_path("turned"));
    ck_assert_int_eq(cep_outfile_create(&f, mem, &fault, path), CEPMAN_OK);
    snprintf(part, sizeof part, "%s.%ld.0.part", path, (long)getpid());
    ck_assert(support_exists(part));
    ck_assert_int_eq(mkdir(path, 0700), 0);
    assert_says(cep_outfile_commit(f, &fault), CEPMAN_ERR_IO, "cannot finish");
    cep_outfile_close(f);
    ck_assert(!support_exists(part));
    /* A full device. */
    if (support_exists("/dev/full")) {
        int full = open("/dev/full", O_WRONLY);
        ck_assert_int_eq(cep_outfile_create(&f, mem, &fault, support_path("full")), CEPMAN_OK);
        /* The descriptor of the part is the one after `full`, as both were just opened. */
        ck_assert_int_ge(dup2(full, full + 1), 0);
        close(full);
        assert_says(cep_outfile_write(f, &fault, "x", 1), CEPMAN_ERR_IO, "No space left");
        cep_outfile_close(f);
        ck_assert(!support_exists(support_path("full")));
    }
    end();
}
END_TEST

START_TEST(failing_memory)
{
    const char *path = support_path("memory");
    support_write(path, "text", 4);
    begin();
    for (long fail = 0; fail < 20; fail++) {
        cep_file *f = NULL;
        cep_outfile *o = NULL;
        char *text = NULL;
        support_fail_at(fail);
        cepman_status a = cep_file_open(&f, mem, &fault, path);
        if (a) assert_says(a, CEPMAN_ERR_MEMORY, "no memory");
        cepman_status b = cep_file_slurp(&text, NULL, mem, &fault, path, 10);
        if (b) assert_says(b, CEPMAN_ERR_MEMORY, "no memory");
        cepman_status c = cep_outfile_create(&o, mem, &fault, path);
        if (c) assert_says(c, CEPMAN_ERR_MEMORY, "no memory");
        support_fail_at(-1);
        ck_assert(!f == !!a && !text == !!b && !o == !!c);
        cep_file_close(f);
        cep_free(mem, text);
        cep_outfile_close(o);
        if (!a && !b && !c) break;
        ck_assert_int_lt(fail, 19);
    }
    assert_holds(path, "text");
    end();
}
END_TEST

typedef struct reader {
    cep_file *file;
    size_t from;
    bool good;
} reader;

static void *read_many(void *argument)
{
    reader *r = argument;
    unsigned char b[997];
    r->good = true;
    for (size_t i = 0; i < 500; i++) {
        size_t at = (r->from + i * 7919) % (100000 - sizeof b);
        r->good &= cep_file_read(r->file, NULL, at, b, sizeof b) == CEPMAN_OK;
        for (size_t k = 0; k < sizeof b; k++)
            r->good &= b[k] == (unsigned char)((at + k) * 31);
    }
    return NULL;
}

START_TEST(many_readers)
{
    begin();
    static unsigned char data[100000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 31);
    support_write(support_path("shared"), data, sizeof data);
    cep_file *f = NULL;
    ck_assert_int_eq(cep_file_open(&f, mem, &fault, support_path("shared")), CEPMAN_OK);
    reader readers[4];
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        readers[i] = (reader){f, i * 1000, false};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_many, &readers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(readers[i].good);
    }
    cep_file_close(f);
    end();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("base files");
    TCase *t = tcase_create("files");
    tcase_add_test(t, reading);
    tcase_add_test(t, pieces);
    tcase_add_test(t, what_cannot_be_opened);
    tcase_add_test(t, slurping);
    tcase_add_test(t, whole_or_not_at_all);
    tcase_add_test(t, what_cannot_be_written);
    tcase_add_test(t, failing_memory);
    tcase_add_test(t, many_readers);
    suite_add_tcase(s, t);
    return s;
}
