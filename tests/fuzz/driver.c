/* Runs a fuzz target without libFuzzer: its seeds, each cut at every length and damaged in a reproducible way, or the
 * files that are named. With --write FOLDER the seeds go to files, where libFuzzer starts from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { ROOM = 1 << 16 };

static uint64_t state = 1;

static size_t below(size_t bound)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % bound;
}

/* In a buffer of its own, so that a sanitizer sees its end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(size ? size : 1, 1);
    if (!copy) exit(2);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int run_file(const char *path)
{
    uint8_t *data = malloc((size_t)1 << 24);
    FILE *f = fopen(path, "rb");
    if (!data || !f) {
        fprintf(stderr, "cannot read %s\n", path);
        free(data);
        return 2;
    }
    size_t size = fread(data, 1, (size_t)1 << 24, f);
    fclose(f);
    run(data, size);
    free(data);
    return 0;
}

static int write_seed(const char *folder, unsigned index, const uint8_t *data, size_t size)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/seed-%u", folder, index);
    FILE *f = fopen(path, "wb");
    int bad = !f || fwrite(data, 1, size, f) != size;
    if (f && fclose(f)) bad = 1;
    if (bad) fprintf(stderr, "cannot write %s\n", path);
    return bad;
}

int main(int argc, char **argv)
{
    static uint8_t seed[ROOM], bad[ROOM];
    const char *folder = argc == 3 && strcmp(argv[1], "--write") == 0 ? argv[2] : NULL;
    if (!folder && argc > 1) {
        for (int i = 1; i < argc; i++)
            if (run_file(argv[i])) return 2;
        return 0;
    }
    size_t size, runs = 0;
    run(seed, 0);
    for (unsigned index = 0; (size = fuzz_seed(index, seed, sizeof seed)) > 0; index++) {
        if (folder) {
            if (write_seed(folder, index, seed, size)) return 2;
            continue;
        }
        for (size_t cut = 0; cut <= size; cut += cut < 600 ? 1 : 97, runs++)
            run(seed, cut);
        for (int k = 0; k < 1500; k++, runs++) {
            memcpy(bad, seed, size);
            for (size_t n = 1 + below(4); n; n--) {
                static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, '0', '9', '-'};
                size_t at = below(below(2) ? size : size < 400 ? size : 400);
                bad[at] = below(3) ? (uint8_t)below(256) : values[below(sizeof values)];
            }
            run(bad, size);
        }
    }
    if (!folder) printf("%zu inputs\n", runs);
    return 0;
}
