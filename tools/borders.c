/* Which clusters meet on the scan: borders in scan points, across a few points of noise; neighbours in the manifold.
 * The first clusters alone, as the pictures show them.
 * Must not: take a stack of frames for a scan. */
#include "borders.h"

#include <math.h>
#include <stdlib.h>

#include "atlas.h"
#include "report.h"

/* A border may be this many noise points wide. */
#define BORDER_NOISE 4
/* Pairs of clusters of which the report tells what parts them. */
#define PAIRS 48

void borders_free(borders *b)
{
    free(b->length);
    free(b->mean);
    free(b->neighbor);
}

static void meet(borders *b, int32_t one, int32_t other)
{
    if (one < 0 || other < 0 || one == other) return;
    if ((size_t)one < b->shown) b->length[(size_t)one * b->clusters + (size_t)other]++;
    if ((size_t)other < b->shown) b->length[(size_t)other * b->clusters + (size_t)one]++;
}

/* The first label that is not noise, from point i on by `step`, within `room` points. */
static int32_t next_label(const int32_t *label, size_t i, size_t step, size_t room)
{
    for (size_t far = 0; far <= BORDER_NOISE && far < room; far++, i += step)
        if (label[i] >= 0) return label[i];
    return -1;
}

static void mean_places(borders *b, const int32_t *label, const cepman_matrix *e)
{
    const size_t n = cepman_matrix_rows(e), axes = cepman_matrix_columns(e);
    double *count = array_zero(b->clusters, 1, sizeof *count);
    for (size_t i = 0; count && i < n; i++) {
        const float *p = cepman_matrix_row(e, i);
        bool finite = label[i] >= 0;
        for (size_t a = 0; finite && a < axes; a++)
            finite = isfinite(p[a]);
        if (!finite) continue;
        count[label[i]]++;
        for (size_t a = 0; a < axes; a++)
            b->mean[(size_t)label[i] * axes + a] += (double)p[a];
    }
    for (size_t c = 0; count && c < b->clusters; c++)
        for (size_t a = 0; a < axes; a++)
            b->mean[c * axes + a] /= count[c]; /* NaN for a cluster nowhere, which is then near nothing */
    free(count);
}

static int32_t nearest_mean(const borders *b, size_t c, size_t axes)
{
    double best = (double)INFINITY;
    int32_t nearest = -1;
    for (size_t k = 0; k < b->clusters; k++) {
        double sum = 0;
        for (size_t a = 0; a < axes; a++)
            sum += pow(b->mean[k * axes + a] - b->mean[c * axes + a], 2);
        if (k != c && sum < best) {
            best = sum;
            nearest = (int32_t)k;
        }
    }
    return nearest;
}

int borders_find(borders *b, const cepman_dataset *d, const cepman_labels *labels, const cepman_matrix *e)
{
    const int32_t *label = cepman_labels_data(labels);
    const size_t axes = cepman_matrix_columns(e);
    b->clusters = cepman_labels_clusters(labels);
    b->shown = b->clusters < ATLAS_TILES ? b->clusters : ATLAS_TILES;
    b->length = array_zero(b->shown, b->clusters, sizeof *b->length);
    b->mean = array_zero(b->clusters, axes, sizeof *b->mean);
    b->neighbor = array_zero(b->shown, 1, sizeof *b->neighbor);
    if (!b->length || !b->mean || !b->neighbor) return 1;
    const size_t rows = cepman_dataset_scan_rows(d), columns = cepman_dataset_scan_columns(d);
    for (size_t y = 0; cepman_dataset_has_scan(d) && y < rows; y++)
        for (size_t x = 0; x < columns; x++) {
            size_t i = y * columns + x;
            if (x + 1 < columns) meet(b, label[i], next_label(label, i + 1, 1, columns - x - 1));
            if (y + 1 < rows) meet(b, label[i], next_label(label, i + columns, columns, rows - y - 1));
        }
    mean_places(b, label, e);
    for (size_t c = 0; c < b->shown; c++) {
        uint32_t longest = 0;
        b->neighbor[c] = nearest_mean(b, c, axes);
        for (size_t k = 0; k < b->clusters; k++)
            if (b->length[c * b->clusters + k] > longest) {
                longest = b->length[c * b->clusters + k];
                b->neighbor[c] = (int32_t)k;
            }
    }
    return 0;
}

static int longer_first(const void *a, const void *b)
{
    const pair *x = a, *y = b;
    if (x->border != y->border) return x->border < y->border ? 1 : -1;
    return x->one != y->one ? (x->one > y->one ? 1 : -1) : (x->other > y->other) - (x->other < y->other);
}

int borders_pairs(const borders *b, pair **out, size_t *out_count)
{
    size_t count = 0;
    pair *list = array_zero(b->shown, b->shown, sizeof *list);
    if (!list) return 1;
    for (size_t one = 0; one < b->shown; one++)
        for (size_t other = one + 1; other < b->shown; other++) {
            const bool near = b->neighbor[one] == (int32_t)other || b->neighbor[other] == (int32_t)one;
            const uint32_t border = b->length[one * b->clusters + other];
            if (near || border) list[count++] = (pair){one, other, border};
        }
    qsort(list, count, sizeof *list, longer_first);
    *out = list;
    *out_count = count < PAIRS ? count : PAIRS;
    return 0;
}

void report_neighbours_json(json *j, const char *key, const cepman_dataset *frames,
                            const cepman_labels *labels, const cepman_matrix *embedding)
{
    borders b = {0};
    json_open(j, key, '[');
    if (borders_find(&b, frames, labels, embedding)) j->failed = true;
    for (size_t c = 0; !j->failed && c < b.shown; c++) {
        json_open(j, NULL, '{');
        json_integer(j, "cluster", (int64_t)c);
        json_integer(j, "neighbour", b.neighbor[c]);
        json_integer(j, "border_points",
                     b.neighbor[c] < 0 ? 0 : b.length[c * b.clusters + (size_t)b.neighbor[c]]);
        json_close(j, '}');
    }
    json_close(j, ']');
    borders_free(&b);
}
