/* Pictures in memory: numbers to colours by percentiles, enlarged images, small text.
 * Grey scales use a gamma; differences use a blue - white - red scale that is even around zero.
 * Must not: scale by the extremes, which a single hot pixel would rule. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

int canvas_create(canvas *c, size_t height, size_t width, uint8_t grey)
{
    c->height = height;
    c->width = width;
    c->rgb = NULL;
    if (!height || !width || height > 65535 || width > 65535)
        return tool_fail("a picture of %zu x %zu pixels is empty or too large", height, width);
    c->rgb = malloc(height * width * 3);
    if (!c->rgb) return tool_no_memory();
    memset(c->rgb, grey, height * width * 3);
    return 0;
}

void canvas_free(canvas *c)
{
    free(c->rgb);
    c->rgb = NULL;
}

void canvas_fill(canvas *c, size_t y, size_t x, size_t height, size_t width, const uint8_t colour[3])
{
    for (size_t i = y; i < y + height && i < c->height; i++)
        for (size_t k = x; k < x + width && k < c->width; k++)
            memcpy(c->rgb + (i * c->width + k) * 3, colour, 3);
}

/* Rows of 5 dots, the highest bit on the left. */
static const struct {
    char sign;
    uint8_t rows[7];
} font[] = {
    {'0', {14, 17, 19, 21, 25, 17, 14}}, {'1', {4, 12, 4, 4, 4, 4, 14}},
    {'2', {14, 17, 1, 2, 4, 8, 31}},     {'3', {31, 2, 4, 2, 1, 17, 14}},
    {'4', {2, 6, 10, 18, 31, 2, 2}},     {'5', {31, 16, 30, 1, 1, 17, 14}},
    {'6', {6, 8, 16, 30, 17, 17, 14}},   {'7', {31, 1, 2, 4, 8, 8, 8}},
    {'8', {14, 17, 17, 14, 17, 17, 14}}, {'9', {14, 17, 17, 15, 1, 2, 12}},
    {'-', {0, 0, 0, 14, 0, 0, 0}},       {'.', {0, 0, 0, 0, 0, 12, 12}},
    {'N', {17, 25, 21, 19, 17, 17, 17}}, {'O', {14, 17, 17, 17, 17, 17, 14}},
    {'I', {14, 4, 4, 4, 4, 4, 14}},      {'S', {15, 16, 16, 14, 1, 1, 30}},
    {'E', {31, 16, 16, 30, 16, 16, 31}}, {'X', {17, 10, 4, 4, 4, 10, 17}},
    {'Y', {17, 17, 10, 4, 4, 4, 4}},     {'Z', {31, 1, 2, 4, 8, 16, 31}},
};

size_t canvas_text(canvas *c, size_t y, size_t x, size_t size, const char *text, const uint8_t colour[3])
{
    size_t start = x;
    for (const char *p = text; *p; p++, x += 6 * size)
        for (size_t f = 0; f < sizeof font / sizeof *font; f++) {
            if (font[f].sign != *p) continue;
            for (size_t dot = 0; dot < 35; dot++)
                if (font[f].rows[dot / 5] >> (4 - dot % 5) & 1)
                    canvas_fill(c, y + dot / 5 * size, x + dot % 5 * size, size, size, colour);
        }
    return x - start;
}

/* ---- shades ----------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Finite values, in a sample of at most about a million, ascending; *count of them. NULL without memory or values. */
static float *sorted_sample(const float *values, size_t count, bool magnitude, size_t *kept)
{
    size_t step = count / 1000000 + 1;
    float *v = malloc((count / step + 1) * sizeof *v);
    *kept = 0;
    for (size_t i = 0; v && i < count; i += step)
        if (isfinite(values[i])) v[(*kept)++] = magnitude ? fabsf(values[i]) : values[i];
    if (v && *kept) {
        qsort(v, *kept, sizeof *v, by_value);
        return v;
    }
    free(v);
    return NULL;
}

static double at_percentile(const float *sorted, size_t count, double percent)
{
    return (double)sorted[(size_t)(percent / 100 * (double)(count - 1) + 0.5)];
}

shade shade_percentiles(const float *values, size_t count, double low, double high, double gamma)
{
    shade s = {0, 1, gamma, false};
    size_t kept;
    float *v = sorted_sample(values, count, false, &kept);
    if (!v) return s;
    s.low = at_percentile(v, kept, low);
    s.high = at_percentile(v, kept, high);
    if (!(s.high > s.low)) { /* nearly all values are one: show what differs */
        s.low = (double)v[0];
        s.high = (double)v[kept - 1];
    }
    free(v);
    return s;
}

shade shade_diverging(const float *values, size_t count, double percentile, double gamma)
{
    shade s = {0, 1, gamma, true};
    size_t kept;
    float *v = sorted_sample(values, count, true, &kept);
    if (!v) return s;
    s.high = at_percentile(v, kept, percentile);
    if (!(s.high > 0)) s.high = (double)v[kept - 1];
    free(v);
    return s;
}

static void colour_of(const shade *s, float value, uint8_t rgb[3])
{
    /* White to deep red, and white to deep blue, by way of the middle colours of the map. */
    static const double red[3][3] = {{247, 247, 247}, {214, 96, 77}, {103, 0, 31}};
    static const double blue[3][3] = {{247, 247, 247}, {67, 147, 195}, {5, 48, 97}};
    double v = (double)value;
    if (!isfinite(v)) {
        rgb[0] = rgb[1] = rgb[2] = 128;
        return;
    }
    if (s->diverging) {
        double part = s->high > 0 ? pow(fmin(fabs(v) / s->high, 1), s->gamma) * 2 : 0;
        int i = part >= 1;
        const double(*map)[3] = v < 0 ? blue : red;
        for (int k = 0; k < 3; k++)
            rgb[k] = (uint8_t)(map[i][k] + (map[i + 1][k] - map[i][k]) * (part - i) + 0.5);
        return;
    }
    double part = s->high > s->low ? (v - s->low) / (s->high - s->low) : 0;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    rgb[0] = rgb[1] = rgb[2] = (uint8_t)(255 * pow(part, s->gamma) + 0.5);
}

void canvas_image(canvas *c, size_t y, size_t x, const float *values, size_t height, size_t width,
                  size_t scale, const shade *s)
{
    uint8_t rgb[3];
    for (size_t i = 0; i < height; i++)
        for (size_t k = 0; k < width; k++) {
            colour_of(s, values[i * width + k], rgb);
            canvas_fill(c, y + i * scale, x + k * scale, scale, scale, rgb);
        }
}

void canvas_colours(canvas *c, size_t y, size_t x, const uint8_t *rgb, size_t height, size_t width,
                    size_t scale)
{
    for (size_t i = 0; i < height; i++)
        for (size_t k = 0; k < width; k++)
            canvas_fill(c, y + i * scale, x + k * scale, scale, scale, rgb + (i * width + k) * 3);
}

size_t picture_scale(size_t height, size_t width, size_t target)
{
    size_t longer = height > width ? height : width;
    size_t scale = longer ? target / longer : 1;
    return scale < 1 ? 1 : scale > 64 ? 64 : scale;
}

int picture_grey(const float *values, size_t height, size_t width, const shade *s, const char *path)
{
    if (!path) return 1;
    canvas c = {0};
    size_t scale = picture_scale(height, width, 768);
    int rc = canvas_create(&c, height * scale, width * scale, 0);
    if (!rc) canvas_image(&c, 0, 0, values, height, width, scale, s);
    if (!rc) rc = canvas_save(&c, path);
    canvas_free(&c);
    return rc;
}
