/* Writes report.html: a page that needs nothing but itself, with the scan, the manifold and the clusters of a run.
 * report_page.html holds the page (embedded by report_page.py); arrays go in as base64, pictures as PNG.
 * Must not: show what run.json and the arrays of the folder do not hold, nor let a file's name become markup. */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "atlas.h"
#include "borders.h"
#include "relation.h"
#include "report_page.h"
#include "virtual.h"

/* The longer side of a picture in the page; larger ones are thinned. */
#define PICTURE_SIDE 512
/* The 16-bit number of a coordinate that is not finite. */
#define NOWHERE 65535

/* ---- bytes as text ---------------------------------------------------------------------------------------------- */

/* `before` and the base64 of the bytes as a value of the object. */
static void put_bytes(json *j, const char *key, const char *before, const void *bytes, size_t count)
{
    static const char sign[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = bytes;
    size_t k = strlen(before);
    char *text = array_zero(count / 3 + 8, 4, 1);
    if (!text) {
        j->failed = true;
        return;
    }
    memcpy(text, before, k);
    for (size_t i = 0; i < count; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16;
        if (i + 1 < count) v |= (uint32_t)p[i + 1] << 8;
        if (i + 2 < count) v |= p[i + 2];
        text[k++] = sign[v >> 18];
        text[k++] = sign[v >> 12 & 63];
        text[k++] = i + 1 < count ? sign[v >> 6 & 63] : '=';
        text[k++] = i + 2 < count ? sign[v & 63] : '=';
    }
    text[k] = 0;
    json_text(j, key, text);
    free(text);
}

static void put_picture(json *j, const char *key, const canvas *c)
{
    char *bytes = NULL;
    size_t count = 0;
    FILE *f = open_memstream(&bytes, &count);
    bool good = f && canvas_write(c, f);
    if (f) good = fclose(f) == 0 && good;
    if (good)
        put_bytes(j, key, "data:image/png;base64,", bytes, count);
    else
        j->failed = true;
    free(bytes);
}

/* ---- the arrays ------------------------------------------------------------------------------------------------- */

/* Little-endian, whatever the machine. */
static void put_words(json *j, const char *key, const int32_t *values, size_t count, size_t bytes)
{
    uint8_t *p = array_zero(count, bytes, 1);
    for (size_t i = 0; p && i < count; i++)
        for (size_t b = 0; b < bytes; b++)
            p[i * bytes + b] = (uint8_t)((uint32_t)values[i] >> (8 * b));
    if (p)
        put_bytes(j, key, "", p, count * bytes);
    else
        j->failed = true;
    free(p);
}

/* The first three axes on one scale: value = low + number * step. */
static void put_coordinates(json *j, const cepman_matrix *e)
{
    const size_t n = cepman_matrix_rows(e),
                 axes = cepman_matrix_columns(e) < 3 ? cepman_matrix_columns(e) : 3;
    double low[3] = {0}, span = 0;
    for (size_t a = 0; a < axes; a++) {
        double least = (double)INFINITY, most = -(double)INFINITY;
        for (size_t i = 0; i < n; i++) {
            double v = (double)cepman_matrix_row(e, i)[a];
            if (!isfinite(v)) continue;
            least = fmin(least, v);
            most = fmax(most, v);
        }
        low[a] = least <= most ? least : 0;
        if (most - least > span) span = most - least;
    }
    const double step = span > 0 ? span / (NOWHERE - 1) : 1;
    int32_t *q = array_zero(n, axes, sizeof *q);
    for (size_t i = 0; q && i < n * axes; i++) {
        double v = ((double)cepman_matrix_row(e, i / axes)[i % axes] - low[i % axes]) / step;
        q[i] = isfinite(v) ? (int32_t)fmin(v + 0.5, NOWHERE - 1) : NOWHERE;
    }
    json_integer(j, "axes", (int64_t)axes);
    json_open(j, "low", '[');
    for (size_t a = 0; a < axes; a++)
        json_real(j, NULL, low[a]);
    json_close(j, ']');
    json_real(j, "step", step);
    if (q)
        put_words(j, "coordinates", q, n * axes, 2);
    else
        j->failed = true;
    free(q);
}

/* An array of the folder, as rows of its last axis and without gaps; *m stays NULL when the run wrote none. */
static int load(tool *t, const char *folder, const char *name, cepman_matrix **m)
{
    const char *path = outputs_staged(t, folder, name);
    return path ? tool_check(t, cepman_matrix_load(m, t->ctx, path)) : 0;
}

static int put_confidence(tool *t, json *j, const char *folder, size_t n)
{
    cepman_matrix *m = NULL;
    int rc = load(t, folder, "probabilities.npy", &m);
    if (!rc && m && cepman_matrix_rows(m) == n) {
        int32_t *q = array_zero(n, 1, sizeof *q);
        for (size_t i = 0; q && i < n; i++)
            q[i] = (int32_t)(255 * fmin(fmax((double)cepman_matrix_row(m, i)[0], 0), 1) + 0.5);
        if (q)
            put_words(j, "confidence", q, n, 1);
        else
            rc = 1;
        free(q);
    }
    cepman_matrix_unref(m);
    return rc;
}

/* 0 within domains, 1 on walls, 2 in none: boundaries.npy as it is. */
static int put_walls(tool *t, json *j, const char *folder, size_t n)
{
    cepman_matrix *m = NULL;
    int rc = load(t, folder, "boundaries.npy", &m);
    if (!rc && m && cepman_matrix_rows(m) * cepman_matrix_columns(m) == n) {
        int32_t *q = array_zero(n, 1, sizeof *q);
        for (size_t i = 0; q && i < n; i++)
            q[i] = (int32_t)cepman_matrix_row(m, i / cepman_matrix_columns(m))[i % cepman_matrix_columns(m)];
        if (q)
            put_words(j, "walls", q, n, 1);
        else
            rc = 1;
        free(q);
    }
    cepman_matrix_unref(m);
    return rc;
}

static int put_palette(tool *t, json *j, size_t clusters)
{
    int32_t *each = array_zero(clusters + 1, 1, sizeof *each);
    uint8_t *rgb = array_zero(clusters + 1, 3, 1);
    cepman_labels *labels = NULL;
    int rc = each && rgb ? 0 : 1;
    for (size_t i = 0; !rc && i <= clusters; i++)
        each[i] = i < clusters ? (int32_t)i : -1;
    if (!rc) rc = tool_check(t, cepman_labels_copy(&labels, t->ctx, each, clusters + 1));
    if (!rc) rc = tool_check(t, cepman_maps_label_colours(rgb, t->ctx, labels));
    if (!rc) put_bytes(j, "palette", "", rgb, 3 * (clusters + 1));
    cepman_labels_unref(labels);
    free(each);
    free(rgb);
    return rc;
}

/* ---- the pictures ----------------------------------------------------------------------------------------------- */

static int put_image(json *j, const char *key, const float *values, size_t h, size_t w, const shade *look)
{
    size_t thin = ((h > w ? h : w) + PICTURE_SIDE - 1) / PICTURE_SIDE, rows = (h + thin - 1) / thin,
           columns = (w + thin - 1) / thin;
    float *few = array_zero(rows, columns, sizeof *few);
    canvas c = {0};
    int rc = few ? canvas_create(&c, rows, columns, 255) : 1;
    for (size_t i = 0; !rc && i < rows * columns; i++)
        few[i] = values[i / columns * thin * w + i % columns * thin];
    if (!rc) canvas_image(&c, 0, 0, few, rows, columns, 1, look);
    if (!rc) put_picture(j, key, &c);
    canvas_free(&c);
    free(few);
    return rc;
}

static int put_dark_field(tool *t, json *j, const char *folder, const cepman_dataset *d)
{
    const size_t columns = picture_columns(d), n = cepman_dataset_frames(d),
                 rows = (n + columns - 1) / columns;
    cepman_matrix *m = NULL;
    float *grid = NULL;
    int rc = load(t, folder, "dark_field.npy", &m);
    if (!rc && m && !(grid = array_zero(rows, columns, sizeof *grid))) rc = 1;
    if (!rc && m) {
        const float *values = cepman_matrix_data(m, NULL);
        shade look = shade_percentiles(values, n, 0.5, 99.5, 1);
        for (size_t i = 0; i < rows * columns; i++)
            grid[i] = i < n ? values[i] : (float)NAN;
        rc = put_image(j, "dark_field", grid, rows, columns, &look);
    }
    free(grid);
    cepman_matrix_unref(m);
    return rc;
}

/* What parts the pairs: how their mean cepstra are turned. */
static int put_pairs(json *j, const borders *b, const float *cepstra, size_t h, size_t w)
{
    size_t count = 0;
    pair *list = NULL;
    int rc = borders_pairs(b, &list, &count);
    json_open(j, "pairs", '[');
    for (size_t i = 0; !rc && i < count; i++) {
        relation r = {0};
        rc = relation_find(cepstra + list[i].one * h * w, cepstra + list[i].other * h * w, h, w, &r);
        json_open(j, NULL, '{');
        json_integer(j, "one", (int64_t)list[i].one);
        json_integer(j, "other", (int64_t)list[i].other);
        json_integer(j, "border_points", list[i].border);
        json_real(j, "alike", r.alike);
        json_real(j, "turned_alike", r.turned_alike);
        json_real(j, "turned_by", r.turned_by);
        json_close(j, '}');
    }
    json_close(j, ']');
    free(list);
    return rc;
}

/* Where the clusters of an earlier round went: [from, to, points], noise being -1. */
static int put_rounds(json *j, const cepman_labels *before, const cepman_labels *labels)
{
    const int32_t *from = cepman_labels_data(before), *to = cepman_labels_data(labels);
    const size_t all = cepman_labels_clusters(before) + 1, kinds = cepman_labels_clusters(labels) + 1;
    int64_t *moved = before ? array_zero(all, kinds, sizeof *moved) : NULL;
    if (!before) return 0;
    if (!moved) return 1;
    for (size_t i = 0; i < cepman_labels_count(labels); i++)
        moved[(size_t)(from[i] + 1) * kinds + (size_t)(to[i] + 1)]++;
    json_open(j, "rounds", '[');
    for (size_t f = 0; f < all; f++)
        for (size_t k = 0; k < kinds; k++) {
            if (!moved[f * kinds + k]) continue;
            json_open(j, NULL, '[');
            json_integer(j, NULL, (int64_t)f - 1);
            json_integer(j, NULL, (int64_t)k - 1);
            json_integer(j, NULL, moved[f * kinds + k]);
            json_close(j, ']');
        }
    json_close(j, ']');
    free(moved);
    return 0;
}

/* Means of the first clusters and of noise (`all` are in the file), and what each has more than its neighbour. */
static int put_means(tool *t, json *j, const char *folder, size_t all, const borders *b, bool cepstra)
{
    cepman_matrix *m = NULL;
    float *more = NULL;
    int rc = load(t, folder, cepstra ? "mean_cepstra.npy" : "mean_patterns.npy", &m);
    if (rc || !m) return rc;
    /* Cepstra may be larger or smaller than frames: the file has the word. */
    const float *means = cepman_matrix_data(m, NULL);
    const size_t h = all ? cepman_matrix_rows(m) / all : 0, w = cepman_matrix_columns(m), area = h * w;
    json_integer(j, cepstra ? "cepstrum_width" : "pattern_width", (int64_t)w);
    shade look = cepstra ? shade_cepstra(means, all < ATLAS_TILES ? all : ATLAS_TILES, h, w)
                         : shade_patterns(means, (all < ATLAS_TILES ? all : ATLAS_TILES) * area);
    json_open(j, cepstra ? "cepstra" : "patterns", '[');
    for (size_t c = 0; !rc && c < all; c++)
        if (c < b->shown || c == b->clusters) rc = put_image(j, NULL, means + c * area, h, w, &look);
    json_close(j, ']');
    if (!rc && cepstra) rc = put_pairs(j, b, means, h, w);
    if (!rc && !(more = array_zero(b->shown, area, sizeof *more))) rc = 1;
    for (size_t c = 0; !rc && c < b->shown; c++)
        for (size_t i = 0; b->neighbor[c] >= 0 && i < area; i++)
            more[c * area + i] = means[c * area + i] - means[(size_t)b->neighbor[c] * area + i];
    if (!rc) {
        look = shade_diverging(more, b->shown * area, cepstra ? 99.8 : 99.7, cepstra ? 0.7 : 0.5);
        json_open(j, cepstra ? "cepstrum_differences" : "pattern_differences", '[');
        for (size_t c = 0; !rc && c < b->shown && b->clusters > 1; c++)
            rc = put_image(j, NULL, more + c * area, h, w, &look);
        json_close(j, ']');
    }
    free(more);
    cepman_matrix_unref(m);
    return rc;
}

/* ---- the page --------------------------------------------------------------------------------------------------- */

static void put_html(FILE *f, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t n = utf8_length(p);
        if (*p < 0x20 || *p == 0x7f || !n)
            fputs("\xef\xbf\xbd", f);
        else if (strchr("&<>\"'", *p))
            fprintf(f, "&#%d;", *p);
        else
            fwrite(p, 1, n, f);
        p += n ? n : 1;
    }
}

/* JSON inside a script element: no '<' may stand there. */
static void put_json(FILE *f, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text[i] == '<')
            fputs("\\u003c", f);
        else
            fputc(text[i], f);
}

static int put_run(FILE *f, const char *path)
{
    char block[4096];
    size_t n;
    FILE *run = path ? fopen(path, "rb") : NULL;
    if (!run) return tool_fail("run.json: cannot be read back");
    while ((n = fread(block, 1, sizeof block, run)) > 0)
        put_json(f, block, n);
    bool good = !ferror(run);
    fclose(run);
    return good ? 0 : tool_fail("%s: cannot read", path);
}

static int write_page(tool *t, const char *folder, const char *path, const json *data)
{
    const char *slash = strrchr(t->file[0], '/');
    FILE *f = fopen(path, "wb");
    if (!f) return tool_fail("%s: cannot write: %s", path, strerror(errno));
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof report_page / sizeof *report_page; i++) {
        fwrite(report_page[i].text, 1, report_page[i].length, f);
        if (report_page[i].gap == 'N') put_html(f, slash && slash[1] ? slash + 1 : t->file[0]);
        if (report_page[i].gap == 'D') put_json(f, data->text, data->length);
        if (report_page[i].gap == 'R') rc = put_run(f, outputs_staged(t, folder, "run.json"));
    }
    bool good = !ferror(f);
    good = fclose(f) == 0 && good;
    return rc ? rc : good ? 0 : tool_fail("%s: cannot write: %s", path, strerror(errno));
}

int report_write(tool *t, const char *folder, const char *path, const cepman_dataset *d,
                 const cepman_labels *labels, const cepman_labels *before, const cepman_matrix *e)
{
    const size_t n = cepman_labels_count(labels), columns = picture_columns(d);
    const size_t all = cepman_labels_clusters(labels) + (cepman_labels_noise(labels) > 0);
    json j = {0};
    borders b = {0};
    int rc = borders_find(&b, d, labels, e);
    json_open(&j, NULL, '{');
    json_integer(&j, "points", (int64_t)n);
    json_integer(&j, "rows", (int64_t)((n + columns - 1) / columns));
    json_integer(&j, "columns", (int64_t)columns);
    json_integer(&j, "shown", (int64_t)b.shown);
    put_words(&j, "labels", cepman_labels_data(labels), n, 4);
    put_coordinates(&j, e);
    if (!rc) rc = put_palette(t, &j, b.clusters);
    if (!rc) rc = put_confidence(t, &j, folder, n);
    if (!rc) rc = put_walls(t, &j, folder, n);
    if (!rc) rc = put_dark_field(t, &j, folder, d);
    if (!rc) rc = put_means(t, &j, folder, all, &b, false);
    if (!rc) rc = put_means(t, &j, folder, all, &b, true);
    if (!rc) rc = put_rounds(&j, before, labels);
    json_close(&j, '}');
    if (!rc && j.failed) rc = tool_no_memory();
    if (!rc) rc = write_page(t, folder, path, &j);
    borders_free(&b);
    json_free(&j);
    return rc;
}
