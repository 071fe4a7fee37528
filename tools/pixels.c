/* What a scan tells of its detector, in words and as JSON: bad pixels, and values that are no counts.
 * Follows the library's report, cepman_pixels.
 * Must not: judge a pixel itself. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pixels.h"

static const char *const kind_names[] = {"good", "hot", "dead", "stuck", "flickering"};
static const char *const value_names[] = {"NaN", "infinite", "negative", "saturated"};
enum { KINDS = sizeof kind_names / sizeof *kind_names, VALUES = sizeof value_names / sizeof *value_names };
enum { MOST_LISTED = 1000 };

int pixels_find(tool *t, cepman_dataset *dataset, cepman_pixels **out)
{
    return tool_check(t, cepman_maps_pixels(out, t->ctx, dataset, arg_stage(t, "pixels")));
}

size_t pixels_bad(const cepman_pixels *p)
{
    size_t n = 0;
    for (int k = CEPMAN_PIXEL_HOT; k < KINDS; k++)
        n += cepman_pixels_count(p, (cepman_pixel_kind)k);
    return n;
}

int pixels_save(tool *t, const cepman_pixels *p, const char *path)
{
    const size_t shape[2] = {cepman_pixels_height(p), cepman_pixels_width(p)};
    return array_save(t, path, CEPMAN_TYPE_U8, 2, shape, cepman_pixels_kinds(p));
}

/* Adds "3 dead" to a list in words. */
static void add_count(char *text, size_t size, const char *before, uint64_t n, const char *what)
{
    const size_t length = strlen(text);
    if (n) snprintf(text + length, size - length, "%s%" PRIu64 " %s", before, n, what);
}

void pixels_sentence(const cepman_pixels *p, char *text, size_t size)
{
    const size_t bad = pixels_bad(p);
    snprintf(text, size, "%zu bad pixel%s", bad, bad == 1 ? "" : "s");
    const char *before = ": ";
    for (int k = CEPMAN_PIXEL_HOT; k < KINDS; k++) {
        const size_t n = cepman_pixels_count(p, (cepman_pixel_kind)k);
        add_count(text, size, before, n, kind_names[k]);
        if (n) before = ", ";
    }
}

void values_sentence(const cepman_pixels *p, char *text, size_t size)
{
    text[0] = 0;
    for (int k = 0; k < VALUES; k++)
        add_count(text, size, text[0] ? ", " : "", cepman_pixels_values(p, (cepman_value_kind)k),
                  value_names[k]);
    const size_t length = strlen(text);
    if (cepman_pixels_values(p, CEPMAN_VALUE_SATURATED))
        snprintf(text + length, size - length, " (at %.9g)", cepman_pixels_saturation(p));
}

void pixels_json(json *j, const char *key, const cepman_pixels *p)
{
    const uint8_t *kinds = cepman_pixels_kinds(p);
    const size_t bad = pixels_bad(p), width = cepman_pixels_width(p);
    json_open(j, key, '{');
    json_integer(j, "frames", (int64_t)cepman_pixels_frames(p));
    json_real(j, "hot_contrast", cepman_pixels_contrast(p));
    for (int k = CEPMAN_PIXEL_HOT; k < KINDS; k++)
        json_integer(j, kind_names[k], (int64_t)cepman_pixels_count(p, (cepman_pixel_kind)k));
    json_flag(j, "all_listed", bad <= MOST_LISTED);
    json_open(j, "list", '[');
    for (size_t i = 0, listed = 0; listed < bad && listed < MOST_LISTED; i++) {
        if (!kinds[i]) continue;
        json_open(j, NULL, '{');
        json_integer(j, "y", (int64_t)(i / width));
        json_integer(j, "x", (int64_t)(i % width));
        json_text(j, "kind", kind_names[kinds[i]]);
        json_close(j, '}');
        listed++;
    }
    json_close(j, ']');
    json_close(j, '}');
}

void values_json(json *j, const char *key, const cepman_pixels *p)
{
    static const char *const keys[VALUES] = {"nan", "infinite", "negative", "saturated"};
    json_open(j, key, '{');
    json_integer(j, "frames", (int64_t)cepman_pixels_frames(p));
    for (int k = 0; k < VALUES; k++)
        json_integer(j, keys[k], (int64_t)cepman_pixels_values(p, (cepman_value_kind)k));
    json_real(j, "saturation", cepman_pixels_saturation(p));
    json_close(j, '}');
}
