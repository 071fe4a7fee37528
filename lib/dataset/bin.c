/* Binned views: sums of factor x factor detector pixels, scaled up where some are masked.
 * Integers sum exactly and saturate at the 32-bit result; floats sum in double.
 * Must not: let a masked pixel into a sum. */
#include <math.h>
#include <string.h>

#include "view.h"

__extension__ typedef __int128 wide;

/* A bin of integers: its sum scaled from `valid` to factor^2 pixels, rounded, clamped to what the result
 * holds. */
static wide scaled(wide sum, size_t valid, size_t whole)
{
    if (valid == whole || valid == 0) return valid ? sum : 0;
    wide twice = 2 * sum * (wide)whole, by = 2 * (wide)valid;
    return twice >= 0 ? (twice + (wide)valid) / by : -((-twice + (wide)valid) / by);
}

static wide clamp(wide v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* One frame; the body is the same for every type but for the accumulator, how a bin ends and what a pixel stands for. */
#define BIN(ctype, acc, result, finish) BIN_OF(ctype, acc, result, finish, pixel)
#define BIN_OF(ctype, acc, result, finish, value)                                                            \
    for (size_t by = 0; by < v->rows; by++)                                                                  \
        for (size_t bx = 0; bx < v->columns; bx++) {                                                         \
            acc sum = 0;                                                                                     \
            size_t valid = v->pixels ? v->pixels[by * v->columns + bx] : whole;                              \
            for (size_t y = by * f; y < (by + 1) * f; y++)                                                   \
                for (size_t x = bx * f; x < (bx + 1) * f; x++) {                                             \
                    ctype pixel;                                                                             \
                    if (mask && mask[y * width + x]) continue;                                               \
                    memcpy(&pixel, from + (y * width + x) * sizeof pixel, sizeof pixel);                     \
                    sum += (acc)(value);                                                                     \
                }                                                                                            \
            result bin = (result)(finish);                                                                   \
            memcpy(to + (by * v->columns + bx) * sizeof bin, &bin, sizeof bin);                              \
        }                                                                                                    \
    break

#define AS_U32 clamp(scaled((wide)sum, valid, whole), 0, UINT32_MAX)
#define AS_I32 clamp(scaled((wide)sum, valid, whole), INT32_MIN, INT32_MAX)
#define AS_REAL (valid == whole || valid == 0 ? sum : sum * ((double)whole / (double)valid))

static void bin(const cep_view *v, const unsigned char *from, unsigned char *to)
{
    const size_t f = v->factor, whole = f * f, width = cepman_dataset_width(v->below);
    const uint8_t *mask = v->pixels ? cepman_dataset_mask(v->below) : NULL;
    switch (cepman_dataset_type(v->below)) {
    case CEPMAN_TYPE_U8:
    case CEPMAN_TYPE_BOOL:
        BIN(uint8_t, uint64_t, uint32_t, AS_U32);
    case CEPMAN_TYPE_U16:
        BIN(uint16_t, uint64_t, uint32_t, AS_U32);
    case CEPMAN_TYPE_U32:
        BIN(uint32_t, uint64_t, uint32_t, AS_U32);
    case CEPMAN_TYPE_I8:
        BIN(int8_t, int64_t, int32_t, AS_I32);
    case CEPMAN_TYPE_I16:
        BIN(int16_t, int64_t, int32_t, AS_I32);
    case CEPMAN_TYPE_I32:
        BIN(int32_t, int64_t, int32_t, AS_I32);
    case CEPMAN_TYPE_I64:
        BIN(int64_t, wide, int32_t, AS_I32);
    case CEPMAN_TYPE_F16:
        BIN_OF(uint16_t, double, float, AS_REAL, cep_half_value(pixel));
    case CEPMAN_TYPE_F32:
        BIN(float, double, float, AS_REAL);
    case CEPMAN_TYPE_F64:
        BIN(double, double, double, AS_REAL);
    }
}

static cepman_type binned_type(cepman_type type)
{
    switch (type) {
    case CEPMAN_TYPE_F16:
        return CEPMAN_TYPE_F32;
    case CEPMAN_TYPE_F32:
    case CEPMAN_TYPE_F64:
        return type;
    case CEPMAN_TYPE_I8:
    case CEPMAN_TYPE_I16:
    case CEPMAN_TYPE_I32:
    case CEPMAN_TYPE_I64:
        return CEPMAN_TYPE_I32;
    default:
        return CEPMAN_TYPE_U32;
    }
}

static cepman_status bin_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                              void *destination)
{
    cep_view *v = (cep_view *)source;
    size_t bytes = v->rows * v->columns * cepman_type_size(binned_type(cepman_dataset_type(v->below)));
    return cep_view_blocks(v, fault, first, count, destination, bytes, bin);
}

cepman_status cepman_dataset_view_binned(cepman_dataset **out, cepman_context *ctx, cepman_dataset *dataset,
                                         size_t factor)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && dataset, CEPMAN_ERR_ARGUMENT, "binned view: out or dataset is NULL");
    cep_dataset_info info = *cep_dataset_info_of(dataset);
    CEP_REQUIRE(
        ctx, factor >= 1 && factor <= info.height && factor <= info.width && factor <= 4096, CEPMAN_ERR_RANGE,
        "binned view: the factor is %zu, must be 1 to the frame's smaller side (%zu x %zu) and at most 4096",
        factor, info.height, info.width);
    cep_view v = {.base = {.read = bin_read, .available = cep_view_available}};
    v.factor = factor;
    v.rows = info.height / factor;
    v.columns = info.width / factor;
    uint8_t *mask = NULL;
    cep_memory *mem = cep_context_memory(ctx);
    if (info.mask) {
        size_t bins = v.rows * v.columns;
        mask = cep_alloc(mem, bins, 1);
        v.pixels = cep_alloc(mem, bins, sizeof *v.pixels);
        if (!mask || !v.pixels) {
            cep_free(mem, mask);
            cep_free(mem, v.pixels);
            return cep_fail_memory(ctx, "mask", bins, 1 + sizeof *v.pixels);
        }
        for (size_t i = 0; i < bins; i++) {
            size_t y0 = i / v.columns * factor, x0 = i % v.columns * factor, valid = 0;
            for (size_t y = y0; y < y0 + factor; y++)
                for (size_t x = x0; x < x0 + factor; x++)
                    valid += info.mask[y * info.width + x] == 0;
            v.pixels[i] = (uint32_t)valid;
            mask[i] = valid == 0;
        }
    }
    info.mask = mask;
    info.type = binned_type(info.type);
    info.saturation = 0; /* of the pixels, not of their sums */
    info.height = v.rows;
    info.width = v.columns;
    info.reciprocal_pixel *= (double)factor;
    s = cep_view_create(out, ctx, dataset, &v, &info);
    cep_free(mem, mask);
    return s;
}
