/* Label maps, mean patterns and cepstra of clusters, their differences: arrays and pictures.
 * Means and colours come from the library; here they are laid out.
 * Must not: write differences of pairs without bound (they grow with the square of the clusters). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "atlas.h"
#include "virtual.h"

static const uint8_t black[3] = {0, 0, 0}, pale[3] = {200, 200, 200};

static int promise(tool *t, const char *folder, const char *name, const char **path)
{
    *path = outputs_in(t, folder, name);
    return *path ? 0 : 1;
}

int atlas_promise_map(tool *t, const char *folder, atlas *a)
{
    return promise(t, folder, "label_map.png", &a->label_map);
}

int atlas_promise_means(tool *t, const char *folder, const cepman_labels *labels, atlas *a)
{
    size_t k = cepman_labels_clusters(labels);
    int rc = promise(t, folder, "mean_patterns.npy", &a->patterns);
    if (!rc) rc = promise(t, folder, "mean_patterns.png", &a->patterns_png);
    if (!rc) rc = promise(t, folder, "mean_cepstra.npy", &a->cepstra);
    if (!rc) rc = promise(t, folder, "mean_cepstra.png", &a->cepstra_png);
    a->with_differences = k >= 2 && k <= ATLAS_PAIRS;
    if (!a->with_differences) return rc;
    if (!rc) rc = promise(t, folder, "pattern_differences.npy", &a->pattern_differences);
    if (!rc) rc = promise(t, folder, "pattern_differences.png", &a->pattern_differences_png);
    if (!rc) rc = promise(t, folder, "cepstrum_differences.npy", &a->cepstrum_differences);
    if (!rc) rc = promise(t, folder, "cepstrum_differences.png", &a->cepstrum_differences_png);
    return rc;
}

/* ---- colours ---------------------------------------------------------------------------------------------------- */

/* Three bytes for each cluster, then three for noise. Freed by the caller; NULL after a failure. */
static uint8_t *palette(tool *t, size_t clusters)
{
    int32_t *each = array_zero(clusters + 1, 1, sizeof *each);
    uint8_t *rgb = array_zero(clusters + 1, 3, 1);
    cepman_labels *labels = NULL;
    int rc = each && rgb ? 0 : 1;
    for (size_t i = 0; !rc && i < clusters; i++)
        each[i] = (int32_t)i;
    if (!rc) {
        each[clusters] = -1;
        rc = tool_check(t, cepman_labels_copy(&labels, t->ctx, each, clusters + 1));
    }
    if (!rc) rc = tool_check(t, cepman_maps_label_colours(rgb, t->ctx, labels));
    cepman_labels_unref(labels);
    free(each);
    if (!rc) return rgb;
    free(rgb);
    return NULL;
}

/* A column of numbered colours at (y, x), as many as fit. */
static void draw_legend(canvas *c, size_t y, size_t x, const uint8_t *colours, size_t clusters, bool noise)
{
    const size_t line = 26;
    size_t entries = clusters + noise, room = (c->height - y) / line;
    for (size_t i = 0; i < entries && i < room; i++) {
        char text[24];
        if (i + 1 == room && entries > room)
            snprintf(text, sizeof text, "...");
        else if (i < clusters)
            snprintf(text, sizeof text, "%zu", i);
        else
            snprintf(text, sizeof text, "NOISE");
        if (text[0] != '.') {
            canvas_fill(c, y + i * line, x, 20, 20, black);
            canvas_fill(c, y + i * line + 1, x + 1, 18, 18, colours + i * 3);
        }
        canvas_text(c, y + i * line + 3, x + 28, 2, text, black);
    }
}

/* The labels on the scan (a stack is wrapped to a near square), with a legend. */
static int label_picture(tool *t, cepman_dataset *d, const cepman_labels *labels, const char *path)
{
    size_t n = cepman_labels_count(labels), clusters = cepman_labels_clusters(labels);
    size_t columns = picture_columns(d), rows = (n + columns - 1) / columns;
    size_t scale = picture_scale(rows, columns, 768), side = 12;
    size_t height = rows * scale + 2 * side, least = 2 * side + 26 * (clusters + 1 < 12 ? clusters + 1 : 12);
    canvas c = {0};
    uint8_t *rgb = array_zero(rows * columns, 3, 1), *colours = palette(t, clusters);
    int rc = rgb && colours ? 0 : 1;
    if (!rc) memset(rgb, 255, rows * columns * 3);
    if (!rc) rc = tool_check(t, cepman_maps_label_colours(rgb, t->ctx, labels));
    if (!rc) rc = canvas_create(&c, height > least ? height : least, columns * scale + 2 * side + 110, 255);
    if (!rc) {
        canvas_colours(&c, side, side, rgb, rows, columns, scale);
        draw_legend(&c, side, columns * scale + 2 * side, colours, clusters, cepman_labels_noise(labels) > 0);
        rc = canvas_save(&c, path);
    }
    canvas_free(&c);
    free(rgb);
    free(colours);
    return rc;
}

/* ---- tiles ------------------------------------------------------------------------------------------------------ */

/* How images of h x w are laid out: `columns` tiles a row, each enlarged or thinned to about the same size. */
typedef struct tiles {
    size_t h, w, scale, thin, top, side;
} tiles;

static tiles plan_tiles(size_t h, size_t w, size_t target)
{
    tiles p = {h, w, picture_scale(h, w, target), 1, 26, 6};
    while ((h > w ? h : w) / p.thin > 2 * target)
        p.thin++;
    p.h = h / p.thin;
    p.w = w / p.thin;
    return p;
}

static size_t tile_height(const tiles *p)
{
    return p->h * p->scale + p->top + p->side;
}

static size_t tile_width(const tiles *p)
{
    return p->w * p->scale + 2 * p->side;
}

/* An image whose pixels are every thin-th of the source's, with its heading; full_w is the source's width. */
static int draw_tile(canvas *c, const tiles *p, size_t row, size_t column, const float *values, size_t full_w,
                     const shade *look, const char *heading, const uint8_t *colour)
{
    size_t y = row * tile_height(p) + p->side, x = column * tile_width(p) + p->side;
    float *thinned = array_zero(p->h, p->w, sizeof *thinned);
    if (!thinned) return 1;
    for (size_t i = 0; i < p->h; i++)
        for (size_t k = 0; k < p->w; k++)
            thinned[i * p->w + k] = values[i * p->thin * full_w + k * p->thin];
    if (colour) {
        canvas_fill(c, y, x, 14, 14, black);
        canvas_fill(c, y + 1, x + 1, 12, 12, colour);
    }
    canvas_text(c, y, x + (colour ? 20 : 0), 2, heading, black);
    canvas_image(c, y + p->top - p->side, x, thinned, p->h, p->w, p->scale, look);
    free(thinned);
    return 0;
}

/* Mean images of the clusters (and of noise, when there is any) side by side, on one scale. */
static int means_picture(tool *t, const cepman_matrix *means, size_t h, size_t w, size_t clusters, bool noise,
                         const shade *look, const char *path)
{
    size_t shown = clusters < ATLAS_TILES ? clusters : ATLAS_TILES, count = shown + noise;
    size_t columns = count < 4 ? count : count < 7 ? 3 : count < 13 ? 4 : count < 31 ? 6 : 8;
    tiles p = plan_tiles(h, w, count <= 2 ? 640 : count <= 6 ? 400 : 256);
    canvas c = {0};
    uint8_t *colours = palette(t, clusters);
    int rc = colours ? 0 : 1;
    if (!rc)
        rc = canvas_create(&c, (count + columns - 1) / columns * tile_height(&p), columns * tile_width(&p),
                           255);
    for (size_t i = 0; !rc && i < count; i++) {
        char heading[24] = "NOISE";
        size_t row = i < shown ? i : clusters;
        if (i < shown) snprintf(heading, sizeof heading, "%zu", i);
        rc = draw_tile(&c, &p, i / columns, i % columns, cepman_matrix_row(means, row), w, look, heading,
                       colours + row * 3);
    }
    if (!rc) rc = canvas_save(&c, path);
    canvas_free(&c);
    free(colours);
    return rc;
}

/* Differences of all pairs: the tile in row i, column j is mean i minus mean j. */
static int differences_picture(const cepman_matrix *differences, size_t h, size_t w, size_t clusters,
                               const shade *look, const char *path)
{
    tiles p = plan_tiles(h, w, clusters <= 5 ? 256 : 128);
    canvas c = {0};
    int rc = canvas_create(&c, (clusters - 1) * tile_height(&p), (clusters - 1) * tile_width(&p), 255);
    size_t pair = 0;
    for (size_t i = 0; i < clusters; i++)
        for (size_t k = i + 1; !rc && k < clusters; k++, pair++) {
            char heading[48];
            snprintf(heading, sizeof heading, "%zu - %zu", i, k);
            rc = draw_tile(&c, &p, i, k - 1, cepman_matrix_row(differences, pair), w, look, heading, NULL);
        }
    if (!rc) rc = canvas_save(&c, path);
    canvas_free(&c);
    return rc;
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

/* The first rows of a matrix as (rows, h, w). */
static int save_stack(tool *t, const cepman_matrix *m, size_t rows, size_t h, size_t w, const char *path)
{
    const size_t shape[3] = {rows, h, w};
    cepman_npy_writer *writer = NULL;
    cepman_status s = cepman_npy_writer_create(&writer, t->ctx, path, CEPMAN_TYPE_F32, 3, shape);
    for (size_t i = 0; !s && i < rows; i++)
        s = cepman_npy_writer_append(writer, t->ctx, cepman_matrix_row(m, i), h * w);
    if (!s) s = cepman_npy_writer_commit(writer, t->ctx);
    int rc = tool_check(t, s);
    cepman_npy_writer_unref(writer);
    return rc;
}

/* A packed copy of rows, for the statistics of a scale. */
static float *packed_rows(const cepman_matrix *m, size_t rows)
{
    size_t d = cepman_matrix_columns(m);
    float *v = array_zero(rows, d, sizeof *v);
    for (size_t i = 0; v && i < rows; i++)
        memcpy(v + i * d, cepman_matrix_row(m, i), d * sizeof *v);
    return v;
}

typedef struct pair_paths {
    const char *means, *means_png, *differences, *differences_png;
} pair_paths;

/* Means and differences of patterns or of cepstra; d gives their shape. */
static int write_means(tool *t, const cepman_dataset *d, const cepman_matrix *means,
                       const cepman_labels *labels, bool cepstra, bool differences, const pair_paths *path)
{
    size_t h = cepman_dataset_height(d), w = cepman_dataset_width(d), k = cepman_labels_clusters(labels);
    bool noise = cepman_labels_noise(labels) > 0;
    size_t rows = k + noise;
    cepman_matrix *pairs = NULL;
    int rc = save_stack(t, means, rows, h, w, path->means);
    float *values = rc ? NULL : packed_rows(means, rows < ATLAS_TILES ? rows : ATLAS_TILES);
    if (!rc && !values) rc = 1;
    if (!rc) {
        size_t count = rows < ATLAS_TILES ? rows : ATLAS_TILES;
        shade look = cepstra ? shade_cepstra(values, count, h, w) : shade_patterns(values, count * h * w);
        rc = means_picture(t, means, h, w, k, noise, &look, path->means_png);
    }
    free(values);
    values = NULL;
    if (!rc && differences) rc = tool_check(t, cepman_maps_differences(&pairs, t->ctx, means, k));
    if (!rc && differences) rc = save_stack(t, pairs, k * (k - 1) / 2, h, w, path->differences);
    if (!rc && differences && !(values = packed_rows(pairs, k * (k - 1) / 2))) rc = 1;
    if (!rc && differences) {
        shade look =
            shade_diverging(values, k * (k - 1) / 2 * h * w, cepstra ? 99.8 : 99.7, cepstra ? 0.7 : 0.5);
        rc = differences_picture(pairs, h, w, k, &look, path->differences_png);
    }
    free(values);
    cepman_matrix_unref(pairs);
    return rc;
}

int atlas_ask(tool *t, atlas *a, cepman_maps_pass *pass, cepman_dataset *frames, cepman_cepstrum *cepstrum,
              const cepman_labels *labels)
{
    int rc = tool_check(t, cepman_maps_pass_cluster_means(pass, t->ctx, &a->mean_patterns, NULL, labels));
    if (!rc) rc = tool_check(t, cepman_cepstrum_dataset(&a->planes, t->ctx, cepstrum, frames));
    if (!rc)
        rc = tool_check(t, cepman_maps_pass_cluster_means(pass, t->ctx, &a->mean_cepstra, a->planes, labels));
    return rc;
}

int atlas_write(tool *t, const atlas *a, cepman_dataset *frames, const cepman_labels *labels)
{
    const pair_paths of_patterns = {a->patterns, a->patterns_png, a->pattern_differences,
                                    a->pattern_differences_png};
    const pair_paths of_cepstra = {a->cepstra, a->cepstra_png, a->cepstrum_differences,
                                   a->cepstrum_differences_png};
    int rc = label_picture(t, frames, labels, a->label_map);
    if (!rc) rc = write_means(t, frames, a->mean_patterns, labels, false, a->with_differences, &of_patterns);
    if (!rc) rc = write_means(t, a->planes, a->mean_cepstra, labels, true, a->with_differences, &of_cepstra);
    return rc;
}

void atlas_free(atlas *a)
{
    cepman_dataset_unref(a->planes);
    cepman_matrix_unref(a->mean_patterns);
    cepman_matrix_unref(a->mean_cepstra);
}

/* ---- the embedding ---------------------------------------------------------------------------------------------- */

/* Axis a to the right, axis b upwards, in a square panel; noise first, so that clusters stay on top. */
static void draw_scatter(canvas *c, size_t x0, size_t size, const cepman_matrix *e, const int32_t *label,
                         size_t a, size_t b, const double *low, const double *high, const uint8_t *colours)
{
    static const char *const axes[] = {"X", "Y", "Z"};
    size_t n = cepman_matrix_rows(e), dot = n > 20000 ? 2 : n > 2000 ? 3 : 5, side = 24;
    double span = fmax(high[a] - low[a], high[b] - low[b]);
    if (!(span > 0)) span = 1;
    double unit = (double)(size - 2 * side - dot) / span;
    double shift_a = (span - (high[a] - low[a])) / 2, shift_b = (span - (high[b] - low[b])) / 2;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n; i++) {
            const float *p = cepman_matrix_row(e, i);
            double u = (double)p[a] - low[a] + shift_a, v = (double)p[b] - low[b] + shift_b;
            if ((label[i] >= 0) != (pass == 1) || !isfinite(u) || !isfinite(v)) continue;
            canvas_fill(c, size - side - dot - (size_t)(v * unit), x0 + side + (size_t)(u * unit), dot, dot,
                        label[i] < 0 ? pale : colours + (size_t)label[i] * 3);
        }
    canvas_fill(c, size - side / 2, x0 + side, 1, size - 2 * side, black);
    canvas_fill(c, side, x0 + side / 2, size - 2 * side, 1, black);
    canvas_text(c, size - side / 2 - 16, x0 + size - side, 2, axes[a], black);
    canvas_text(c, 4, x0 + side / 2 - 4, 2, axes[b], black);
}

int atlas_embedding(tool *t, const cepman_matrix *e, const cepman_labels *labels, const char *path)
{
    static const size_t pairs[3][2] = {{0, 1}, {0, 2}, {1, 2}};
    size_t n = cepman_matrix_rows(e), d = cepman_matrix_columns(e), axes = d < 3 ? d : 3,
           panels = axes == 3 ? 3 : 1;
    const size_t size = 560;
    double low[3], high[3];
    for (size_t a = 0; a < axes; a++) {
        low[a] = (double)INFINITY;
        high[a] = -(double)INFINITY;
        for (size_t i = 0; i < n; i++) {
            double v = (double)cepman_matrix_row(e, i)[a];
            if (v < low[a]) low[a] = v;
            if (v > high[a]) high[a] = v;
        }
    }
    canvas c = {0};
    uint8_t *colours = palette(t, cepman_labels_clusters(labels));
    int rc = colours ? canvas_create(&c, size, panels * size, 255) : 1;
    for (size_t i = 0; !rc && i < panels; i++)
        draw_scatter(&c, i * size, size, e, cepman_labels_data(labels), pairs[i][0],
                     axes == 1 ? 0 : pairs[i][1], low, high, colours);
    if (!rc) rc = canvas_save(&c, path);
    canvas_free(&c);
    free(colours);
    return rc;
}
