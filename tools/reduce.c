/* Features on their way to principal components: those that fit into memory, those that do not, those of a file.
 * Blocks of frames go through the transform twice: into the sums, then onto the components.
 * Must not: hold more than a block of features when they are to be streamed. */
#include "reduce.h"

#include <stdlib.h>
#include <unistd.h>

/* Bytes that principal components of n rows of d features in memory take beside them: a block of rows in float64, the
 * scatter matrix of the shorter side, its factors. */
static double fit_bytes(double n, double d)
{
    const double side = n < d ? n : d, other = n < d ? d : n;
    double rows = 4e9 / (side * side);
    rows = rows > 4096 ? 4096 : rows < 512 ? 512 : rows;
    return 8 * side * (rows < other ? rows : other) + 24 * side * side;
}

bool reduce_must_stream(const tool *t, const cepman_cepstrum *cepstrum, const cepman_dataset *frames)
{
    const char *memory = arg_text(t, "memory");
    size_t limit = 0;
    if (!memory || !parse_bytes(memory, &limit)) {
        long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
        if (pages <= 0 || size <= 0) return false;
        limit = (size_t)pages * (size_t)size;
    }
    const double n = (double)cepman_dataset_available(frames), d = (double)cepman_cepstrum_features(cepstrum);
    const double used = (double)cepman_context_memory_used(t->ctx), bytes = 4 * n * d;
    return bytes > 0.5 * (double)limit || used + bytes + fit_bytes(n, d) > 0.9 * (double)limit;
}

static void give_back(void *user)
{
    free(user);
}

/* Scores of all frames, as a matrix. */
static int second_pass(tool *t, const cepman_cepstrum *cepstrum, cepman_dataset *frames, const cepman_pca *p,
                       float *block, size_t step, cepman_matrix **scores)
{
    const size_t n = cepman_dataset_available(frames), d = cepman_cepstrum_features(cepstrum);
    const size_t k = cepman_pca_components(p);
    float *to = array_zero(n, k, sizeof *to);
    int rc = to ? 0 : 1;
    for (size_t i = 0; !rc && i < n; i += step) {
        size_t count = n - i < step ? n - i : step;
        rc = tool_check(t, cepman_cepstrum_read(cepstrum, t->ctx, frames, i, count, block, d));
        if (!rc) rc = tool_check(t, cepman_pca_project(p, t->ctx, block, count, d, to + i * k, k));
    }
    if (!rc) rc = tool_check(t, cepman_matrix_wrap(scores, t->ctx, to, n, k, k, give_back, to));
    if (rc) free(to);
    return rc;
}

int reduce_streamed(tool *t, const cepman_cepstrum *cepstrum, cepman_dataset *frames,
                    const cepman_options *options, cepman_pca **pca, cepman_matrix **scores)
{
    const size_t n = cepman_dataset_available(frames), d = cepman_cepstrum_features(cepstrum);
    size_t step = ((size_t)16 << 20) / (d * sizeof(float)) + 1; /* blocks of 16 MiB */
    if (step > n) step = n;
    float *block = array_zero(step ? step : 1, d, sizeof *block);
    cepman_pca_accumulator *sums = NULL;
    int rc = block ? tool_check(t, cepman_pca_accumulator_create(&sums, t->ctx, d)) : 1;
    for (size_t i = 0; !rc && i < n; i += step) {
        size_t count = n - i < step ? n - i : step;
        rc = tool_check(t, cepman_cepstrum_read(cepstrum, t->ctx, frames, i, count, block, d));
        if (!rc) rc = tool_check(t, cepman_pca_accumulator_add(sums, t->ctx, block, count, d));
    }
    if (!rc) rc = tool_check(t, cepman_pca_accumulator_finish(pca, t->ctx, sums, options));
    cepman_pca_accumulator_unref(sums);
    if (!rc) rc = second_pass(t, cepstrum, frames, *pca, block, step, scores);
    free(block);
    return rc;
}

int reduce_open(tool *t, const char *path, cepman_matrix **out)
{
    cepman_status s = cepman_matrix_map(out, t->ctx, path);
    return tool_check(t, s == CEPMAN_ERR_UNSUPPORTED ? cepman_matrix_load(out, t->ctx, path) : s);
}
