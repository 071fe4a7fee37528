/* Views that select: a rectangle of the scan or of the detector, another mask, other calibrations.
 * Each holds a reference to the dataset below and asks it for frames; a crop copies through a block of
 * frames. Must not: keep frames, or change a pixel's value. */
#include <math.h>
#include <string.h>

#include "view.h"

/* Blocks of the frames below that a view cuts from. */
static const size_t block_bytes = (size_t)256 << 10;

cepman_status cep_view_create(cepman_dataset **out, cepman_context *ctx, cepman_dataset *dataset,
                              const cep_view *like, const cep_dataset_info *info)
{
    cep_memory *mem = cep_context_memory(ctx);
    cep_view *v = cep_alloc_zero(mem, 1, sizeof *v);
    if (!v) {
        cep_free(mem, like->pixels);
        return cep_fail_memory(ctx, "view of a dataset", 1, sizeof *v);
    }
    *v = *like;
    v->base.close = cep_view_close;
    v->base.concurrent = cep_dataset_concurrent(dataset);
    v->mem = cep_memory_ref(mem);
    v->below = cepman_dataset_ref(dataset);
    return cep_dataset_create(out, ctx, &v->base, info);
}

void cep_view_close(cep_source *source)
{
    cep_view *v = (cep_view *)source;
    cep_memory *mem = v->mem;
    cepman_dataset_unref(v->below);
    cep_free(mem, v->pixels);
    cep_free(mem, v);
    cep_memory_unref(mem);
}

size_t cep_view_available(cep_source *source)
{
    return cepman_dataset_available(((cep_view *)source)->below);
}

cepman_status cep_view_blocks(cep_view *v, cep_fault *fault, size_t first, size_t count,
                              unsigned char *destination, size_t to_bytes,
                              void (*convert)(const cep_view *, const unsigned char *, unsigned char *))
{
    size_t bytes = cep_dataset_frame_bytes(v->below), block = bytes < block_bytes ? block_bytes / bytes : 1;
    if (block > count) block = count;
    unsigned char *frames = cep_alloc(v->mem, block, bytes);
    if (!frames) return cep_fault_memory(fault, v->mem, "a block of frames", block, bytes);
    cepman_status s = CEPMAN_OK;
    while (!s && count) {
        size_t n = count < block ? count : block;
        s = cep_dataset_read(v->below, fault, first, n, frames);
        for (size_t i = 0; !s && i < n; i++, destination += to_bytes)
            convert(v, frames + i * bytes, destination);
        first += n;
        count -= n;
    }
    cep_free(v->mem, frames);
    return s;
}

/* ---- scan
 * ---------------------------------------------------------------------------------------------------- */

static cepman_status scan_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                               void *destination)
{
    cep_view *v = (cep_view *)source;
    size_t bytes = cep_dataset_frame_bytes(v->below), width = cepman_dataset_scan_columns(v->below);
    unsigned char *to = destination;
    while (count) {
        size_t row = first / v->columns, column = first % v->columns;
        size_t n = v->columns - column < count ? v->columns - column : count;
        if (v->columns == width) n = count; /* whole rows lie one after the other */
        cepman_status s =
            cep_dataset_read(v->below, fault, (v->first_row + row) * width + v->first_column + column, n, to);
        if (s) return s;
        first += n;
        count -= n;
        to += n * bytes;
    }
    return CEPMAN_OK;
}

/* Frames of one row of the view, or of whole rows of the scan, lie side by side. */
static const void *scan_lend(cep_source *source, size_t first, size_t count)
{
    const cep_view *v = (const cep_view *)source;
    const size_t width = cepman_dataset_scan_columns(v->below), row = first / v->columns,
                 column = first % v->columns;
    if (v->columns != width && count > v->columns - column) return NULL;
    return cep_dataset_lend(v->below, (v->first_row + row) * width + v->first_column + column, count);
}

static size_t scan_available(cep_source *source)
{
    const cep_view *v = (const cep_view *)source;
    size_t width = cepman_dataset_scan_columns(v->below), ready = cepman_dataset_available(v->below);
    size_t row = ready / width, column = ready % width; /* the first frame that is missing */
    if (row < v->first_row) return 0;
    row -= v->first_row;
    if (row >= v->rows) return v->rows * v->columns;
    column = column > v->first_column ? column - v->first_column : 0;
    return row * v->columns + (column < v->columns ? column : v->columns);
}

cepman_status cepman_dataset_view_scan(cepman_dataset **out, cepman_context *ctx, cepman_dataset *dataset,
                                       size_t first_row, size_t first_column, size_t rows, size_t columns)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && dataset, CEPMAN_ERR_ARGUMENT, "scan view: out or dataset is NULL");
    cep_dataset_info info = *cep_dataset_info_of(dataset);
    CEP_REQUIRE(ctx, rows >= 1 && columns >= 1, CEPMAN_ERR_RANGE, "scan view: %zu x %zu frames are empty",
                rows, columns);
    CEP_REQUIRE(ctx,
                rows <= info.scan_rows && first_row <= info.scan_rows - rows &&
                    columns <= info.scan_columns && first_column <= info.scan_columns - columns,
                CEPMAN_ERR_RANGE,
                "scan view: %zu x %zu frames from (%zu, %zu) stick out of the scan of %zu x %zu", rows,
                columns, first_row, first_column, info.scan_rows, info.scan_columns);
    info.scan_rows = rows;
    info.scan_columns = columns;
    cep_view v = {.base = {.read = scan_read, .available = scan_available, .lend = scan_lend}};
    v.first_row = first_row;
    v.first_column = first_column;
    v.rows = rows;
    v.columns = columns;
    return cep_view_create(out, ctx, dataset, &v, &info);
}

/* ---- detector
 * ------------------------------------------------------------------------------------------------ */

static void crop(const cep_view *v, const unsigned char *from, unsigned char *to)
{
    size_t size = cepman_type_size(cepman_dataset_type(v->below)), width = cepman_dataset_width(v->below);
    for (size_t y = 0; y < v->rows; y++)
        memcpy(to + y * v->columns * size, from + ((v->first_row + y) * width + v->first_column) * size,
               v->columns * size);
}

static cepman_status crop_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                               void *destination)
{
    cep_view *v = (cep_view *)source;
    size_t bytes = v->rows * v->columns * cepman_type_size(cepman_dataset_type(v->below));
    return cep_view_blocks(v, fault, first, count, destination, bytes, crop);
}

cepman_status cepman_dataset_view_detector(cepman_dataset **out, cepman_context *ctx, cepman_dataset *dataset,
                                           size_t first_row, size_t first_column, size_t height, size_t width)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && dataset, CEPMAN_ERR_ARGUMENT, "detector view: out or dataset is NULL");
    cep_dataset_info info = *cep_dataset_info_of(dataset);
    CEP_REQUIRE(ctx, height >= 1 && width >= 1, CEPMAN_ERR_RANGE, "detector view: %zu x %zu pixels are empty",
                height, width);
    CEP_REQUIRE(ctx,
                height <= info.height && first_row <= info.height - height && width <= info.width &&
                    first_column <= info.width - width,
                CEPMAN_ERR_RANGE,
                "detector view: %zu x %zu pixels from (%zu, %zu) stick out of the frame of %zu x %zu", height,
                width, first_row, first_column, info.height, info.width);
    uint8_t *mask = NULL;
    cep_memory *mem = cep_context_memory(ctx);
    if (info.mask) {
        mask = cep_alloc(mem, height * width, 1);
        if (!mask) return cep_fail_memory(ctx, "mask", height * width, 1);
        for (size_t y = 0; y < height; y++)
            memcpy(mask + y * width, info.mask + (first_row + y) * info.width + first_column, width);
    }
    info.mask = mask;
    info.height = height;
    info.width = width;
    cep_view v = {.base = {.read = crop_read, .available = cep_view_available}};
    v.first_row = first_row;
    v.first_column = first_column;
    v.rows = height;
    v.columns = width;
    s = cep_view_create(out, ctx, dataset, &v, &info);
    cep_free(mem, mask);
    return s;
}

/* ---- upside down
 * ----------------------------------------------------------------------------------------------- */

static void flip(const cep_view *v, const unsigned char *from, unsigned char *to)
{
    size_t line = v->columns * cepman_type_size(cepman_dataset_type(v->below));
    for (size_t y = 0; y < v->rows; y++)
        memcpy(to + y * line, from + (v->rows - 1 - y) * line, line);
}

static cepman_status flip_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                               void *destination)
{
    cep_view *v = (cep_view *)source;
    return cep_view_blocks(v, fault, first, count, destination, cep_dataset_frame_bytes(v->below), flip);
}

cepman_status cep_view_flipped(cepman_dataset **out, cepman_context *ctx, cepman_dataset *dataset)
{
    cep_dataset_info info = *cep_dataset_info_of(dataset);
    cep_view v = {.base = {.read = flip_read, .available = cep_view_available}};
    v.rows = info.height;
    v.columns = info.width;
    uint8_t *mask = NULL;
    cep_memory *mem = cep_context_memory(ctx);
    if (info.mask) {
        mask = cep_alloc(mem, v.rows * v.columns, 1);
        if (!mask) return cep_fail_memory(ctx, "mask", v.rows * v.columns, 1);
        for (size_t y = 0; y < v.rows; y++)
            memcpy(mask + y * v.columns, info.mask + (v.rows - 1 - y) * v.columns, v.columns);
        info.mask = mask;
    }
    cepman_status s = cep_view_create(out, ctx, dataset, &v, &info);
    cep_free(mem, mask);
    return s;
}

/* ---- mask and calibrations: the same frames
 * ------------------------------------------------------------------- */

static const void *same_lend(cep_source *source, size_t first, size_t count)
{
    return cep_dataset_lend(((cep_view *)source)->below, first, count);
}

static cepman_status same_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                               void *destination)
{
    return cep_dataset_read(((cep_view *)source)->below, fault, first, count, destination);
}

static const cep_view same_view = {
    .base = {.read = same_read, .available = cep_view_available, .lend = same_lend}};

cepman_status cepman_dataset_view_masked(cepman_dataset **out, cepman_context *ctx, cepman_dataset *dataset,
                                         const uint8_t *mask)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && dataset && mask, CEPMAN_ERR_ARGUMENT,
                "masked view: out, dataset or mask is NULL");
    cep_dataset_info info = *cep_dataset_info_of(dataset);
    cep_memory *mem = cep_context_memory(ctx);
    size_t pixels = info.height * info.width;
    uint8_t *joined = cep_alloc(mem, pixels, 1);
    if (!joined) return cep_fail_memory(ctx, "mask", pixels, 1);
    for (size_t i = 0; i < pixels; i++)
        joined[i] = mask[i] || (info.mask && info.mask[i]);
    info.mask = joined;
    s = cep_view_create(out, ctx, dataset, &same_view, &info);
    cep_free(mem, joined);
    return s;
}

static bool calibration(double value)
{
    return isnan(value) || (value > 0 && isfinite(value));
}

cepman_status cepman_dataset_view_calibrated(cepman_dataset **out, cepman_context *ctx,
                                             cepman_dataset *dataset, double scan_step,
                                             double reciprocal_pixel)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && dataset, CEPMAN_ERR_ARGUMENT, "calibrated view: out or dataset is NULL");
    CEP_REQUIRE(ctx, calibration(scan_step), CEPMAN_ERR_RANGE,
                "calibrated view: the scan step is %g nm, must be above 0 (or NaN: unknown)", scan_step);
    CEP_REQUIRE(ctx, calibration(reciprocal_pixel), CEPMAN_ERR_RANGE,
                "calibrated view: the reciprocal pixel is %g 1/angstrom, must be above 0 (or NaN: unknown)",
                reciprocal_pixel);
    cep_dataset_info info = *cep_dataset_info_of(dataset);
    info.scan_step = scan_step;
    info.reciprocal_pixel = reciprocal_pixel;
    return cep_view_create(out, ctx, dataset, &same_view, &info);
}
