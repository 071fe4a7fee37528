/* Running the built program from tests: its exit status, what it printed, what it wrote. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "support.h"

typedef struct printed {
    char out[65536], err[8192];
} printed;

/* What the last run printed. */
extern printed last;

/* Runs the program with the words of the formatted text (separated by blanks, no quoting) and returns its exit
 * status, or 1000 + the signal that ended it. */
int cepman(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same in the background, and its end. */
long cepman_start(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cepman_wait(long process);

/* Asserts exit 0 and a silent stderr. */
#define good(...)                                                                                            \
    do {                                                                                                     \
        int rc_ = cepman(__VA_ARGS__);                                                                       \
        ck_assert_msg(rc_ == 0 && !last.err[0], "exit %d: %s", rc_, last.err);                               \
    } while (0)
/* Asserts an exit status, one sentence on stderr that has `words` in it, and nothing on stdout. */
#define bad(status, words, ...)                                                                              \
    do {                                                                                                     \
        int rc_ = cepman(__VA_ARGS__);                                                                       \
        ck_assert_msg(rc_ == (status), "exit %d, expected %d: %s", rc_, (status), last.err);                 \
        check_sentence(words);                                                                               \
    } while (0)
void check_sentence(const char *words);

/* Files and folders below a folder. */
int count_files(const char *folder);
bool same_files(const char *a, const char *b);
/* Frames as .npy: u16, rows x columns x height x width, two textures in two halves of the scan. */
void make_scan(const char *path, size_t rows, size_t columns, size_t side);
/* A float32 matrix of blobs, and the blob of each row. */
void make_blobs(const char *path, const char *truth, size_t n, size_t d, size_t blobs);

#endif
