/* What tests share: contexts, failing allocators, temporary files, deterministic numbers, reference data. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cepman/context.h>
#include <cepman/matrix.h>

/* Each test program defines its suite; main() is in main.c (TAP, so that meson counts single tests). */
Suite *suite(void);

/* A context over a counting allocator; support_end() checks that every block came back, then frees it. */
cepman_context *support_begin(unsigned threads);
void support_end(cepman_context *ctx);

/* The same, where allocation number fail_at (from 0) and all later ones fail; fail_at < 0: none fails. */
cepman_context *support_begin_failing(long fail_at, unsigned threads);
/* Allocations asked for so far on that context's allocator. */
long support_allocations(void);
/* From now on (counting from 0) allocation fail_at fails; < 0: none. */
void support_fail_at(long fail_at);

/* Asserts a status and, on failure, shows the context's sentence. */
#define assert_status(ctx, expression, expected)                                                             \
    do {                                                                                                     \
        cepman_status status_ = (expression);                                                                \
        ck_assert_msg(status_ == (expected), "%s gave %s, expected %s: %s", #expression,                     \
                      cepman_status_text(status_), cepman_status_text(expected), cepman_context_error(ctx)); \
    } while (0)
#define assert_good(ctx, expression) assert_status(ctx, expression, CEPMAN_OK)
/* Asserts a failure and that its sentence has `words` in it. */
#define assert_fails(ctx, expression, expected, words)                                                       \
    do {                                                                                                     \
        assert_status(ctx, expression, expected);                                                            \
        ck_assert_msg(strstr(cepman_context_error(ctx), (words)) != NULL, "the sentence '%s' lacks '%s'",    \
                      cepman_context_error(ctx), (words));                                                   \
    } while (0)

/* A path in a folder of this process that is removed at exit. Static text of four turns. */
const char *support_path(const char *name);
void support_write(const char *path, const void *data, size_t size);
/* Whole file, malloc'ed. */
unsigned char *support_read(const char *path, size_t *size);
bool support_exists(const char *path);

/* A small generator of its own, so that tests do not rest on what they test: uniform in [0, 1), normal. */
typedef struct support_random {
    uint64_t state;
} support_random;
double support_uniform(support_random *r);
double support_normal(support_random *r);

/* rows x columns of standard normals as a matrix. */
cepman_matrix *support_normals(cepman_context *ctx, size_t rows, size_t columns, uint64_t seed);

/* Reference data, when the environment names its folder: CEPMAN_TEST_DATA (detector files) and CEPMAN_ORACLE (a
 * folder that holds oracle/ and physics/). NULL, after saying so on stderr, when it is not there: the test returns. */
const char *support_data(const char *name);
const char *support_oracle(const char *name);

#endif
