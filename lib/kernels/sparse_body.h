/* Body of topic sparse, compiled once for each width of vectors (wide.h). A column is a lane: sums run over the
 * rows in order, so that the bits do not depend on the width. */
#include "wide.h"
#include "sparse.h"

#define PARTS (CEP_PANEL / WIDTH)

static void product(size_t first, size_t last, const size_t *starts, const int32_t *columns,
                    const float *values, const float *x, const float *z, float *y, float alpha, float beta,
                    float gamma)
{
    for (size_t r = first; r < last; r++) {
        wide_f even[PARTS], odd[PARTS];
        for (int p = 0; p < PARTS; p++)
            even[p] = odd[p] = wide_set(0.0f);
        size_t e = starts[r];
        const size_t end = starts[r + 1];
        for (; e + 1 < end; e += 2) {
            const float *a = x + (size_t)columns[e] * CEP_PANEL, *b = x + (size_t)columns[e + 1] * CEP_PANEL;
            for (int p = 0; p < PARTS; p++) {
                even[p] = even[p] + wide_load(a + p * WIDTH) * values[e];
                odd[p] = odd[p] + wide_load(b + p * WIDTH) * values[e + 1];
            }
        }
        if (e < end)
            for (int p = 0; p < PARTS; p++)
                even[p] = even[p] + wide_load(x + (size_t)columns[e] * CEP_PANEL + p * WIDTH) * values[e];
        for (int p = 0; p < PARTS; p++) {
            const size_t at = r * CEP_PANEL + (size_t)p * WIDTH;
            wide_f s = (even[p] + odd[p]) * alpha + wide_load(x + at) * beta;
            if (z) s = s + wide_load(z + at) * gamma;
            wide_store(y + at, s);
        }
    }
}

static void gram(size_t first, size_t last, const float *x, const float *y, double *g)
{
    for (size_t block = first; block < last; block += 256) {
        const size_t end = last - block < 256 ? last : block + 256;
        for (int i = 0; i < CEP_PANEL; i += 4) { /* four rows of the result at a time stay in registers */
            wide_f s[4][PARTS];
            for (int k = 0; k < 4; k++)
                for (int p = 0; p < PARTS; p++)
                    s[k][p] = wide_set(0.0f);
            for (size_t r = block; r < end; r++)
                for (int p = 0; p < PARTS; p++) {
                    wide_f v = wide_load(y + r * CEP_PANEL + p * WIDTH);
                    for (int k = 0; k < 4; k++)
                        s[k][p] = s[k][p] + v * x[r * CEP_PANEL + (size_t)(i + k)];
                }
            for (int k = 0; k < 4; k++)
                for (int p = 0; p < PARTS; p++)
                    for (int l = 0; l < WIDTH; l++)
                        g[(i + k) * CEP_PANEL + p * WIDTH + l] += (double)s[k][p][l];
        }
    }
}

static void rotate(size_t first, size_t last, const float *x, const float *t, float *y, bool add)
{
    for (size_t r = first; r < last; r++) {
        wide_f s[PARTS];
        for (int p = 0; p < PARTS; p++)
            s[p] = add ? wide_load(y + r * CEP_PANEL + p * WIDTH) : wide_set(0.0f);
        for (int i = 0; i < CEP_PANEL; i++)
            for (int p = 0; p < PARTS; p++)
                s[p] = s[p] + wide_load(t + i * CEP_PANEL + p * WIDTH) * x[r * CEP_PANEL + (size_t)i];
        for (int p = 0; p < PARTS; p++)
            wide_store(y + r * CEP_PANEL + p * WIDTH, s[p]);
    }
}
