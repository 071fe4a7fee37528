/* Topic tile, plain C: 4 x 8 sums at a time, which fit the registers of the build's baseline.
 * Register blocking after Goto and van de Geijn, ACM Trans. Math. Softw. 34 (2008) 12.
 * Must not: use an instruction set beyond the build's baseline. */
#include <math.h>

#include "tile.h"

static void block(const float *a, const float *b, size_t depth, bool add, float *out, size_t stride)
{
    float s[4][8] = {{0}};
    for (size_t k = 0; k < depth; k++)
        for (int r = 0; r < 4; r++)
            for (int c = 0; c < 8; c++)
                s[r][c] += a[k * CEP_PANEL + (size_t)r] * b[k * CEP_PANEL + (size_t)c];
    for (size_t r = 0; r < 4; r++)
        for (size_t c = 0; c < 8; c++)
            out[r * stride + c] = add ? out[r * stride + c] + s[r][c] : s[r][c];
}

static void tile(const float *a, const float *b, size_t depth, bool add, float *out, size_t stride)
{
    for (size_t c = 0; c < CEP_TILE_COLS; c += 8)
        for (size_t r = 0; r < CEP_TILE_ROWS; r += 4)
            block(a + r, b + c / CEP_PANEL * depth * CEP_PANEL + c % CEP_PANEL, depth, add,
                  out + r * stride + c, stride);
}

static size_t survivors(const float *dots, const float *norms, const float *limits, size_t count, float norm,
                        float limit, uint32_t *found)
{
    size_t n = 0;
    for (size_t c = 0; c < count; c++) {
        float low = (norm + norms[c]) - 2 * dots[c], bound = limits[c] > limit ? limits[c] : limit;
        found[n] = (uint32_t)c;
        n += low <= bound;
    }
    return n;
}

static void project(const float *const *rows, const float *b, size_t depth, float *out, size_t stride)
{
    for (size_t c = 0; c < CEP_PROJECT_COLS; c += 8)
        for (size_t r = 0; r < CEP_TILE_ROWS; r += 4) {
            const float *panel = b + c / CEP_PANEL * depth * CEP_PANEL + c % CEP_PANEL;
            float s[4][8] = {{0}};
            for (size_t k = 0; k < depth; k++)
                for (int i = 0; i < 4; i++)
                    for (int j = 0; j < 8; j++)
                        s[i][j] += rows[r + (size_t)i][k] * panel[k * CEP_PANEL + (size_t)j];
            for (size_t i = 0; i < 4; i++)
                for (size_t j = 0; j < 8; j++)
                    out[(r + i) * stride + c + j] = s[i][j];
        }
}

static size_t find(const int32_t *list, size_t n, int32_t index)
{
    size_t i = 0;
    while (i < n && list[i] != index)
        i++;
    return i;
}

static size_t count_up_to(const float *keys, size_t n, float most)
{
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += keys[i] <= most;
    return count;
}

static void extremes(const float *keys, size_t n, float *least, float *most)
{
    float low = keys[0], high = keys[0];
    for (size_t i = 1; i < n; i++) {
        low = keys[i] < low ? keys[i] : low;
        high = keys[i] > high ? keys[i] : high;
    }
    *least = low;
    *most = high;
}

static float largest_up_to(const float *keys, size_t n, float most)
{
    float largest = -INFINITY;
    for (size_t i = 0; i < n; i++)
        largest = keys[i] <= most && keys[i] > largest ? keys[i] : largest;
    return largest;
}

#include "tile_nth.h"

const cep_tile_kernels cep_tile_generic = {tile, survivors, project, find, nth};
