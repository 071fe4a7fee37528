/* Centred views: every frame moved by whole pixels, so that its direct beam is in the middle.
 * Whole pixels keep counts as they are: Poisson noise stays white, and integers stay integers; what is left is half a pixel
 * at most. Good pixels near bad ones: two sweeps (Danielsson, Comput. Graph. Image Process. 14 (1980) 227).
 * Must not: let a bad pixel travel with the frames. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "view.h"

enum { SAMPLES = 64 };

/* ---- bad pixels --------------------------------------------------------------------------------------------------- */

static double distance(size_t a, size_t b, size_t width)
{
    const double dy = (double)(a / width) - (double)(b / width),
                 dx = (double)(a % width) - (double)(b % width);
    return dy * dy + dx * dx;
}

/* Takes over the good pixel of the pixel (dy, dx) away when it is nearer. */
static void sweep(uint32_t *good, size_t height, size_t width, size_t i, int dy, int dx)
{
    const size_t y = i / width + (size_t)dy,
                 x = i % width + (size_t)dx; /* beyond the frame: they wrap to large ones */
    if (y >= height || x >= width || good[y * width + x] == UINT32_MAX) return;
    const uint32_t other = good[y * width + x];
    if (good[i] == UINT32_MAX || distance(i, other, width) < distance(i, good[i], width)) good[i] = other;
}

/* A good pixel for each: itself, or one that is near. */
static void find_good(uint32_t *good, const uint8_t *mask, size_t height, size_t width)
{
    const size_t pixels = height * width;
    for (size_t i = 0; i < pixels; i++)
        good[i] = mask[i] ? UINT32_MAX : (uint32_t)i;
    for (size_t i = 0; i < pixels; i++) {
        for (int dx = -1; dx <= 1; dx++)
            sweep(good, height, width, i, -1, dx);
        sweep(good, height, width, i, 0, -1);
    }
    for (size_t i = pixels; i-- > 0;) {
        for (int dx = -1; dx <= 1; dx++)
            sweep(good, height, width, i, 1, dx);
        sweep(good, height, width, i, 0, 1);
    }
    /* Back along the rows: what only the second sweep has brought to the left. */
    for (size_t i = 0; i < pixels; i++)
        sweep(good, height, width, i, 0, -1);
}

/* ---- frames ------------------------------------------------------------------------------------------------------- */

/* Scratch of one read. */
typedef struct scratch {
    unsigned char *raw; /* a frame in its own type */
    float *values;
    double *sums; /* (height + 1) * (width + 1) */
} scratch;

/* Finds the beam of s->raw near the scan's: within an eighth of the frame. */
static void find(const cep_view *v, scratch *s, double *y, double *x)
{
    const size_t h = v->rows, w = v->columns, larger = h > w ? h : w;
    cep_type_to_f32(cepman_dataset_type(v->below), s->raw, s->values, h * w);
    for (size_t i = 0; i < h * w; i++)
        if (!(s->values[i] > 0 && s->values[i] <= FLT_MAX)) s->values[i] = 0;
    cep_find_beam(y, x, s->values, h, w, w, v->beam_y, v->beam_x, 1 + (double)larger / 8, s->sums);
}

/* Pixels to move by, so that a beam at `at` comes to the middle of n; nothing moves farther than the frame is long. */
static long shift(double at, size_t n)
{
    const double by = floor(((double)n - 1) / 2 - at + 0.5), most = (double)n - 1;
    return (long)(by > most ? most : by < -most ? -most : by);
}

static size_t held(size_t i, long by, size_t n)
{
    const long at = (long)i - by;
    return at < 0 ? 0 : at >= (long)n ? n - 1 : (size_t)at;
}

/* A frame in place. What comes in from outside repeats the frame's edge: a step to 0 would be a feature of its own. */
static void centre(const cep_view *v, scratch *s, unsigned char *frame)
{
    const size_t h = v->rows, w = v->columns, size = cepman_type_size(cepman_dataset_type(v->below));
    double y, x;
    memcpy(s->raw, frame, h * w * size);
    for (size_t i = 0; v->pixels && i < h * w; i++)
        if (v->pixels[i] != i) memcpy(s->raw + i * size, s->raw + v->pixels[i] * size, size);
    find(v, s, &y, &x);
    const long down = shift(y, h), right = shift(x, w);
    for (size_t r = 0; r < h; r++) {
        const unsigned char *row = s->raw + held(r, down, h) * w * size;
        for (size_t c = 0; c < w; c++)
            memcpy(frame + (r * w + c) * size, row + held(c, right, w) * size, size);
    }
}

static cepman_status centre_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                                 void *destination)
{
    cep_view *v = (cep_view *)source;
    const size_t h = v->rows, w = v->columns, bytes = cep_dataset_frame_bytes(v->below);
    scratch k = {cep_alloc(v->mem, 1, bytes), cep_alloc(v->mem, h * w, sizeof(float)),
                 cep_alloc(v->mem, (h + 1) * (w + 1), sizeof(double))};
    cepman_status s = k.raw && k.values && k.sums
                          ? cep_dataset_read(v->below, fault, first, count, destination)
                          : cep_fault_memory(fault, v->mem, "centring of a frame", h * w, 16);
    for (size_t i = 0; !s && i < count; i++)
        centre(v, &k, (unsigned char *)destination + i * bytes);
    cep_free(v->mem, k.raw);
    cep_free(v->mem, k.values);
    cep_free(v->mem, k.sums);
    return s;
}

/* ---- the view ----------------------------------------------------------------------------------------------------- */

static cepman_status find_mean(cep_view *v, cepman_context *ctx, cepman_dataset *dataset)
{
    const size_t h = v->rows, w = v->columns;
    cep_memory *mem = cep_context_memory(ctx);
    v->beam_y = v->beam_x = (double)NAN;
    if (cepman_dataset_available(dataset) == 0) return CEPMAN_OK; /* each frame is then searched as a whole */
    float *mean = cep_alloc(mem, h * w, sizeof *mean);
    uint32_t *counts = cep_alloc(mem, h * w, sizeof *counts);
    double *sums = cep_alloc(mem, (h + 1) * (w + 1), sizeof *sums);
    cepman_status s = mean && counts && sums ? cep_dataset_sample_mean(mean, counts, ctx, dataset, SAMPLES)
                                             : cep_fail_memory(ctx, "centred view", h * w, 16);
    if (!s) cep_find_beam(&v->beam_y, &v->beam_x, mean, h, w, w, (double)NAN, (double)NAN, 0, sums);
    cep_free(mem, mean);
    cep_free(mem, counts);
    cep_free(mem, sums);
    return s;
}

cepman_status cepman_dataset_view_centred(cepman_dataset **out, cepman_context *ctx, cepman_dataset *dataset)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && dataset, CEPMAN_ERR_ARGUMENT, "centred view: out or dataset is NULL");
    cep_dataset_info info = *cep_dataset_info_of(dataset);
    cep_view v = {.base = {.read = centre_read, .available = cep_view_available}};
    v.rows = info.height;
    v.columns = info.width;
    const size_t pixels = v.rows * v.columns;
    size_t good = pixels;
    for (size_t i = 0; info.mask && i < pixels; i++)
        good -= info.mask[i] != 0;
    CEP_REQUIRE(ctx, good > 0, CEPMAN_ERR_DATA, "centred view: the mask leaves no valid pixel of %zu x %zu",
                v.rows, v.columns);
    if ((s = find_mean(&v, ctx, dataset))) return s;
    if (good < pixels) {
        v.pixels = cep_alloc(cep_context_memory(ctx), pixels, sizeof *v.pixels);
        if (!v.pixels) return cep_fail_memory(ctx, "centred view", pixels, sizeof *v.pixels);
        find_good(v.pixels, info.mask, v.rows, v.columns);
    }
    info.mask = NULL;
    return cep_view_create(out, ctx, dataset, &v, &info);
}
