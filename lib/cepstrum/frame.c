/* One frame on one thread: pixels, logarithm and window, transform, ring or whole plane. No allocation, no
 * lock. C = |FFT2(W log(I - m + c))|; docs/method.md, "The cepstrum". Must not: touch anything but the
 * worker's own buffers and the caller's. */
#include <math.h>

#include "internal.h"

cepman_status cep_worker_create(cepman_cepstrum_worker **out, cep_memory *mem, cep_fault *fault,
                                cepman_cepstrum *c, cep_fft *fft)
{
    const size_t h = c->used.height, w = c->used.width, larger = h > w ? h : w, pixels = h * w;
    const size_t spectrum = fft ? c->rows * cep_fft_complex_stride(fft) * 2 : cep_rings_scratch(&c->rings);
    cepman_cepstrum_worker *k = cep_alloc_zero(mem, 1, sizeof *k);
    if (!k) return cep_fault_memory(fault, mem, "cepstrum worker", 1, sizeof *k);
    k->mem = cep_memory_ref(mem);
    k->cepstrum = cepman_cepstrum_ref(c);
    k->fft = cep_fft_ref(fft);
    k->stride = fft ? cep_fft_real_stride(fft) : cep_rings_stride(&c->rings);
    k->real = cep_alloc_zero(mem, c->rows, k->stride * sizeof(float));
    k->spectrum = cep_alloc_zero(mem, spectrum, sizeof(float));
    k->repair.reach = cep_alloc(mem, pixels, sizeof(uint16_t));
    k->repair.values = cep_alloc(mem, larger, 8 * sizeof(float));
    bool good = k->real && k->spectrum && k->repair.reach && k->repair.values;
    if (good && c->set.follow_beam) {
        k->window = cep_alloc_zero(mem, h, c->stride * sizeof(float));
        k->scratch = cep_alloc(mem, (h + 1) * (w + 1), sizeof(double));
        good = k->window && k->scratch;
    }
    if (!good) {
        cepman_cepstrum_worker_unref(k);
        return cep_fault_memory(fault, mem, "cepstrum worker", spectrum, sizeof(float));
    }
    *out = k;
    return CEPMAN_OK;
}

cepman_status cepman_cepstrum_worker_create(cepman_cepstrum_worker **out, cepman_context *ctx,
                                            cepman_cepstrum *c)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && c, CEPMAN_ERR_ARGUMENT, "cepstrum worker: out or cepstrum is NULL");
    CEP_REQUIRE(ctx, c->set.scale != SCALE_STANDARD, CEPMAN_ERR_UNSUPPORTED,
                "cepstrum option 'scale' is standard, which needs a whole scan; frame by frame it must be "
                "none or l2");
    cep_fault fault;
    s = cep_worker_create(out, cep_context_memory(ctx), &fault, c, c->fft);
    return s ? cep_fail_fault(ctx, &fault) : CEPMAN_OK;
}

void cepman_cepstrum_worker_unref(cepman_cepstrum_worker *k)
{
    if (!k) return;
    cep_memory *mem = k->mem;
    cep_free(mem, k->real);
    cep_free(mem, k->spectrum);
    cep_free(mem, k->window);
    cep_free(mem, k->scratch);
    cep_free(mem, k->repair.reach);
    cep_free(mem, k->repair.values);
    cep_fft_unref(k->fft);
    cepman_cepstrum_unref(k->cepstrum);
    cep_free(mem, k);
    cep_memory_unref(mem);
}

const char *cepman_cepstrum_worker_error(const cepman_cepstrum_worker *k)
{
    return k ? k->fault.text : "the worker is NULL";
}

/* ---- pixels to windowed logarithms ---- */

/* The kernels' name of a type; CEP_PIXELS: none, such pixels go through float32. */
static cep_pixel pixel_of(cepman_type type)
{
    switch ((int)type) {
    case CEPMAN_TYPE_U8:
    case CEPMAN_TYPE_BOOL:
        return CEP_PIXEL_U8;
    case CEPMAN_TYPE_U16:
        return CEP_PIXEL_U16;
    case CEPMAN_TYPE_I16:
        return CEP_PIXEL_I16;
    case CEPMAN_TYPE_U32:
        return CEP_PIXEL_U32;
    case CEPMAN_TYPE_I32:
        return CEP_PIXEL_I32;
    case CEPMAN_TYPE_F16:
        return CEP_PIXEL_F16;
    case CEPMAN_TYPE_F32:
        return CEP_PIXEL_F32;
    case CEPMAN_TYPE_F64:
        return CEP_PIXEL_F64;
    default:
        return CEP_PIXELS;
    }
}

/* With the transform's own terms. True when a pixel is not finite. */
static bool log_row(const cepman_cepstrum *c, cepman_type type, const void *pixels, const float *window,
                    float *out, size_t n, const cep_log_terms *terms)
{
    const cep_cepstral_kernels *k = c->kernels;
    const cep_pixel pixel = pixel_of(type);
    if (pixel == CEP_PIXELS) {
        cep_type_to_f32(type, pixels, out, n);
        return k->log[CEP_PIXEL_F32](out, window, out, n, terms);
    }
    if (!c->table || pixel > CEP_PIXEL_U16) return k->log[pixel](pixels, window, out, n, terms);
    if (pixel == CEP_PIXEL_U16)
        k->look_up_u16(pixels, c->table, window, out, n);
    else
        k->look_up_u8(pixels, c->table, window, out, n);
    return false;
}

static bool clamp_row(const cep_cepstral_kernels *k, cepman_type type, const void *pixels, float *out,
                      size_t n, cep_pixel_range *range)
{
    const cep_pixel pixel = pixel_of(type);
    if (pixel != CEP_PIXELS) return k->clamp[pixel](pixels, out, n, range);
    cep_type_to_f32(type, pixels, out, n);
    return k->clamp[CEP_PIXEL_F32](out, out, n, range);
}

/* The used part's row y. */
static const unsigned char *row_of(const cepman_cepstrum *c, const void *pixels, cepman_type type, size_t y)
{
    return (const unsigned char *)pixels +
           ((c->used.top + y) * c->width + c->used.left) * cepman_type_size(type);
}

/* A frame without gaps between rows is one long row. */
static void shape_of_rows(const cepman_cepstrum_worker *k, cepman_type type, size_t *rows, size_t *n)
{
    const cepman_cepstrum *c = k->cepstrum;
    const bool one = c->width == c->used.width && k->stride == c->width && c->stride == c->width &&
                     pixel_of(type) != CEP_PIXELS;
    *rows = one ? 1 : c->used.height;
    *n = one ? c->used.height * c->used.width : c->used.width;
}

/* The short way: nothing to know of the frame beforehand. False when a pixel is not finite. */
static bool log_at_once(cepman_cepstrum_worker *k, const unsigned char *pixels, cepman_type type)
{
    const cepman_cepstrum *c = k->cepstrum;
    const cep_log_terms terms = cep_plain_terms(c);
    size_t rows, n;
    shape_of_rows(k, type, &rows, &n);
    bool bad = false;
    for (size_t y = 0; y < rows; y++)
        bad |= log_row(c, type, row_of(c, pixels, type, y),
                       c->set.window == WINDOW_NONE ? NULL : c->window + y * c->stride,
                       k->real + y * k->stride, n, &terms);
    return !bad;
}

static double mean_of(const cepman_cepstrum *c, const float *frame, size_t stride)
{
    double sum = 0;
    for (size_t y = 0; y < c->used.height; y++)
        sum += c->kernels->sum(frame + y * stride, c->used.width);
    return sum / ((double)c->used.height * (double)c->used.width);
}

/* The frame's own terms. An offset relative to nothing (a dark or even frame) is in counts. */
static cep_log_terms terms_of(const cepman_cepstrum *c, const float *frame, size_t stride,
                              const cep_pixel_range *range)
{
    const cep_settings *s = &c->set;
    double unit = s->offset_unit == UNIT_RANGE  ? (double)range->most - (double)range->least
                  : s->offset_unit == UNIT_MEAN ? mean_of(c, frame, stride)
                                                : 1;
    if (!(unit > 0)) unit = 1;
    double offset = s->offset * unit;
    const double most = 1e38;
    return (cep_log_terms){s->subtract_least ? range->least : 0, (float)s->floor,
                           (float)(offset < most ? offset : most)};
}

static const float *window_of(cepman_cepstrum_worker *k)
{
    const cepman_cepstrum *c = k->cepstrum;
    if (c->set.window == WINDOW_NONE) return NULL;
    if (!c->set.follow_beam) return c->window;
    /* Beams move by a few pixels between frames: an eighth of the frame around the scan's mean beam. */
    const size_t larger = c->used.height > c->used.width ? c->used.height : c->used.width;
    double y, x;
    cep_find_beam(&y, &x, k->real, c->used.height, c->used.width, k->stride, c->beam_y, c->beam_x,
                  1 + (double)larger / 8, k->scratch);
    cep_window_fill(&c->set, c->used.height, c->used.width, y, x, k->window, c->stride, k->scratch);
    return k->window;
}

/* Clamps the frame into k->real and finds its range. True when a pixel is not finite. */
static bool clamp_frame(cepman_cepstrum_worker *k, const unsigned char *pixels, cepman_type type,
                        cep_pixel_range *range)
{
    size_t rows, n;
    bool bad = false;
    shape_of_rows(k, type, &rows, &n);
    for (size_t y = 0; y < rows; y++)
        bad |= clamp_row(k->cepstrum->kernels, type, row_of(k->cepstrum, pixels, type, y),
                         k->real + y * k->stride, n, range);
    return bad;
}

/* The same for a frame in k->real, masked pixels left out and then replaced. */
static bool clamp_masked(cepman_cepstrum_worker *k, cep_pixel_range *range)
{
    const cepman_cepstrum *c = k->cepstrum;
    bool bad = false;
    for (size_t i = 0; i < c->masked.count; i++)
        k->real[c->masked.index[i] / c->used.width * k->stride + c->masked.index[i] % c->used.width] = 0;
    for (size_t y = 0; y < c->used.height; y++)
        bad |= c->kernels->clamp[CEP_PIXEL_F32](k->real + y * k->stride, k->real + y * k->stride,
                                                c->used.width, range);
    if (bad) return true;
    cep_masked_repair(&c->masked, k->repair.values, k->real, c->used.height, c->used.width, k->stride);
    *range = (cep_pixel_range){INFINITY, 0};
    for (size_t y = 0; y < c->used.height; y++)
        c->kernels->clamp[CEP_PIXEL_F32](k->real + y * k->stride, k->real + y * k->stride, c->used.width,
                                         range);
    return false;
}

/* The long way, through the clamped and repaired frame. False when no pixel is valid. */
static bool log_in_steps(cepman_cepstrum_worker *k, const unsigned char *pixels, cepman_type type)
{
    const cepman_cepstrum *c = k->cepstrum;
    const size_t h = c->used.height, w = c->used.width;
    cep_pixel_range range = {INFINITY, 0};
    bool bad;
    if (c->mask) {
        for (size_t y = 0; y < h; y++)
            cep_type_to_f32(type, row_of(c, pixels, type, y), k->real + y * k->stride, w);
        bad = clamp_masked(k, &range);
    } else {
        bad = clamp_frame(k, pixels, type, &range);
    }
    if (bad) {
        for (size_t y = 0; y < h; y++)
            cep_type_to_f32(type, row_of(c, pixels, type, y), k->real + y * k->stride, w);
        if (!cep_repair_frame(&k->repair, k->real, h, w, k->stride, c->mask, &range)) return false;
    }
    const cep_log_terms terms = terms_of(c, k->real, k->stride, &range);
    const float *window = window_of(k);
    for (size_t y = 0; y < h; y++)
        c->kernels->log[CEP_PIXEL_F32](k->real + y * k->stride, window ? window + y * c->stride : NULL,
                                       k->real + y * k->stride, w, &terms);
    return true;
}

/* Fills k->real. */
static bool prepare(cepman_cepstrum_worker *k, const void *pixels, cepman_type type)
{
    return (cep_plain(k->cepstrum) && log_at_once(k, pixels, type)) || log_in_steps(k, pixels, type);
}

/* A number near the mean of the (padded) windowed logarithms: from sixteen of the rows. The mean belongs to the centre of
 * the cepstrum alone, but where there is no window it is so large that its rounding errors would show in the ring. */
static float level_of(const cepman_cepstrum_worker *k)
{
    const cepman_cepstrum *c = k->cepstrum;
    const size_t samples = c->used.height < 16 ? c->used.height : 16;
    double sum = 0;
    for (size_t i = 0; i < samples; i++)
        sum += c->kernels->sum(k->real + (2 * i + 1) * c->used.height / (2 * samples) * k->stride,
                               c->used.width);
    double share = (double)c->used.height / ((double)samples * (double)c->rows * (double)c->columns);
    return (float)(sum * share);
}

/* Fills k->spectrum by the FFT, which may leave numbers of its own in k->real. */
static void transform(cepman_cepstrum_worker *k)
{
    const cepman_cepstrum *c = k->cepstrum;
    const float level = level_of(k);
    for (size_t y = 0; y < c->rows; y++) {
        float *row = k->real + y * k->stride;
        const size_t used = y < c->used.height ? c->used.width : 0;
        for (size_t x = 0; x < used; x++)
            row[x] -= level;
        for (size_t x = used; x < c->columns; x++)
            row[x] = -level;
    }
    cep_fft_execute(k->fft, k->real, k->spectrum);
    k->spectrum[0] += (float)((double)level * (double)c->rows * (double)c->columns);
}

/* ---- spectrum to values ---- */

static void values_of(const cepman_cepstrum_worker *k, int32_t y, int32_t x, size_t count, float *out)
{
    const cepman_cepstrum *c = k->cepstrum;
    const size_t row = (size_t)(y < 0 ? y + (int32_t)c->rows : y);
    const float *z = k->spectrum + 2 * (row * cep_fft_complex_stride(k->fft) + (size_t)x);
    if (c->set.power)
        c->kernels->power(z, out, count);
    else
        c->kernels->magnitude(z, out, count);
}

static void finish(const cepman_cepstrum *c, float *out, size_t n)
{
    const cep_log_terms one = {0, 0, 1};
    if (c->set.log1p) c->kernels->log[CEP_PIXEL_F32](out, NULL, out, n, &one);
}

bool cep_worker_features(cepman_cepstrum_worker *k, const void *pixels, cepman_type type, float *out)
{
    const cepman_cepstrum *c = k->cepstrum;
    if (!prepare(k, pixels, type)) return false;
    if (k->fft) {
        transform(k);
        for (size_t i = 0; i < c->ring.count; i++) {
            const cep_segment *g = &c->ring.segments[i];
            values_of(k, g->y, g->x, g->count, out + g->first);
        }
    } else {
        cep_rings_execute(&c->rings, k->real, level_of(k), k->spectrum, c->set.power, out);
    }
    finish(c, out, c->ring.features);
    if (c->set.scale == SCALE_L2) {
        double norm = sqrt(c->kernels->sum_squares(out, c->ring.features));
        if (norm > 0) c->kernels->scale(out, c->ring.features, (float)(1 / norm));
    }
    return true;
}

bool cep_worker_plane(cepman_cepstrum_worker *k, const void *pixels, cepman_type type, float *out)
{
    const cepman_cepstrum *c = k->cepstrum;
    const size_t h = c->rows, w = c->columns, cy = h / 2, cx = w / 2;
    if (!prepare(k, pixels, type)) return false;
    transform(k);
    /* Columns x >= 0 as they are, then the others from their twins: (y, -x) is (-y, x), with -h/2 its own
     * twin. */
    for (size_t v = 0; v < h; v++)
        values_of(k, (int32_t)v - (int32_t)cy, 0, w - cx, out + v * w + cx);
    for (size_t v = 0; v < h; v++) {
        const size_t twin = (2 * cy + h - v) % h;
        for (size_t u = 1; u <= cx && u < w - cx; u++)
            out[v * w + cx - u] = out[twin * w + cx + u];
        if (w % 2 == 0) values_of(k, (int32_t)v - (int32_t)cy, (int32_t)cx, 1, out + v * w);
    }
    finish(c, out, h * w);
    return true;
}

/* ---- frame by frame ---- */

/* Whether the used part has a pixel that is neither masked nor NaN nor infinite. */
static bool has_valid(const cepman_cepstrum *c, const unsigned char *pixels, cepman_type type)
{
    for (size_t y = 0; y < c->used.height; y++)
        if (cep_has_valid(row_of(c, pixels, type, y), type, c->used.width,
                          c->mask ? c->mask + y * c->used.width : NULL))
            return true;
    return false;
}

cepman_status cepman_cepstrum_run_frames(cepman_cepstrum_worker *k, const void *frames, cepman_type type,
                                         size_t count, size_t frame_stride, float *destination, size_t stride)
{
    if (!k) return CEPMAN_ERR_ARGUMENT;
    k->fault.status = CEPMAN_OK;
    k->fault.text[0] = 0;
    const cepman_cepstrum *c = k->cepstrum;
    const size_t pixels = c->height * c->width, size = cepman_type_size(type), features = c->ring.features;
    if (count && (!frames || !destination))
        return cep_fault_set(&k->fault, CEPMAN_ERR_ARGUMENT,
                             "cepstrum frames: frames or destination is NULL");
    if (size == 0)
        return cep_fault_set(&k->fault, CEPMAN_ERR_ARGUMENT, "cepstrum frames: %d is no type of numbers",
                             (int)type);
    if (frame_stride == 0) frame_stride = pixels * size;
    if (frame_stride < pixels * size)
        return cep_fault_set(&k->fault, CEPMAN_ERR_RANGE,
                             "cepstrum frames: frame stride is %zu bytes, a frame of %zu x %zu %s has %zu",
                             frame_stride, c->height, c->width, cepman_type_name(type), pixels * size);
    if (stride < features)
        return cep_fault_set(&k->fault, CEPMAN_ERR_RANGE,
                             "cepstrum frames: stride is %zu floats, must be at least the %zu features",
                             stride, features);
    /* All frames are looked at before the first is written. */
    const unsigned char *p = frames;
    for (size_t i = 0; i < count; i++)
        if (!has_valid(c, p + i * frame_stride, type))
            return cep_fault_set(
                &k->fault, CEPMAN_ERR_DATA,
                "frame %zu of this call has no valid pixel (all are NaN, infinite or masked)", i);
    for (size_t i = 0; i < count; i++)
        cep_worker_features(k, p + i * frame_stride, type, destination + i * stride);
    return CEPMAN_OK;
}
