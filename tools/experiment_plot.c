/* Accuracy against the range of tilts as SVG, as Fig. 2(i) of the method's paper: a row of panels for each clustering, a
 * column for each scene and theory, a line for each space, scaling and embedding.
 * Colours are those of Okabe and Ito (2008), with a brown; dashes tell diffraction from cepstrum.
 * Must not: draw a line through what was not measured: marks stand at the tilts, bars reach from the worst seed to the best. */
#include <string.h>

#include "experiment.h"

enum { LEFT = 62, TOP = 46, WIDTH = 220, HEIGHT = 170, GAP = 34, BELOW = 58, LINE = 18 };

static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#000000", "#8c6d31"};
enum { COLOURS = sizeof colours / sizeof *colours, MARKS = 4 };

/* The index of the first method with the same beginning (a line), or the same end (a row of panels). */
static bool same_stem(const method *a, const method *b)
{
    return a->stem == b->stem && memcmp(a->name, b->name, a->stem) == 0;
}

static bool same_clustering(const method *a, const method *b)
{
    return strcmp(a->name + a->stem, b->name + b->stem) == 0;
}

/* How many different ones there are before method m. */
static size_t order(const experiment *e, size_t m, bool (*same)(const method *, const method *), bool *first)
{
    size_t count = 0;
    *first = true;
    for (size_t i = 0; i <= m; i++) {
        bool fresh = true;
        for (size_t k = 0; k < i; k++)
            fresh &= !same(&e->methods[k], &e->methods[i]);
        if (same(&e->methods[i], &e->methods[m])) {
            *first = i == m;
            return count;
        }
        count += fresh;
    }
    return count;
}

static size_t distinct(const experiment *e, bool (*same)(const method *, const method *))
{
    size_t count = 0;
    for (size_t m = 0; m < e->method_count; m++) {
        bool first;
        order(e, m, same, &first);
        count += first;
    }
    return count;
}

static double place_x(const experiment *e, double tilt)
{
    double most = e->tilts[e->tilt_count - 1];
    return most > 0 ? tilt / most * (WIDTH - 16) : 0;
}

static double place_y(double accuracy)
{
    return (1 - accuracy) * HEIGHT;
}

/* Marks about the origin (circle, square, triangle, lozenge), and a class for each colour. */
static void draw_definitions(FILE *f)
{
    static const char *const shapes[MARKS] = {"M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z", "M-2.6-2.6h5.2v5.2h-5.2z",
                                              "M0-3.4l3.2 5.6h-6.4z", "M0-3.6l3.6 3.6l-3.6 3.6l-3.6-3.6z"};
    fputs("<defs>\n", f);
    for (size_t i = 0; i < MARKS; i++)
        fprintf(f, "<path id=\"m%zu\" stroke=\"none\" d=\"%s\"/>\n", i, shapes[i]);
    fputs("</defs>\n<style>text{font:12px sans-serif}.s{font-size:11px}\n", f);
    for (size_t i = 0; i < COLOURS; i++)
        fprintf(f, ".c%zu{stroke:%s;fill:%s}\n", i, colours[i], colours[i]);
    fputs("</style>\n", f);
}

static void draw_mark(FILE *f, size_t line, double x, double y)
{
    fprintf(f, "<use href=\"#m%zu\" x=\"%.1f\" y=\"%.1f\"/>\n", line % MARKS, x, y);
}

static double mean_of(const experiment *e, size_t at, size_t tilt, size_t m, double *low, double *high)
{
    double sum = 0;
    *low = 1;
    *high = 0;
    for (size_t s = 0; s < e->seed_count; s++) {
        double a = experiment_result(e, at, tilt, s, m)->accuracy;
        sum += a / (double)e->seed_count;
        *low = a < *low ? a : *low;
        *high = a > *high ? a : *high;
    }
    return sum;
}

/* Opens the group of a line, in its colour, and a path in it that has its dashes. */
static void begin_line(FILE *f, const method *m, size_t line)
{
    static const char *const dashes[] = {"none", "6 3", "2 2"}; /* by space */
    fprintf(f,
            "<g class=\"c%zu\"><path style=\"fill:none\" stroke-width=\"1.6\" stroke-dasharray=\"%s\" d=\"",
            line % COLOURS, dashes[m->space]);
}

static void draw_line(FILE *f, const experiment *e, size_t at, size_t m, size_t line)
{
    double low, high;
    begin_line(f, &e->methods[m], line);
    for (size_t k = 0; k < e->tilt_count; k++)
        fprintf(f, "%s%.1f %.1f", k ? "L" : "M", place_x(e, e->tilts[k]),
                place_y(mean_of(e, at, k, m, &low, &high)));
    fputs("\"/><path d=\"", f);
    for (size_t k = 0; k < e->tilt_count; k++) {
        mean_of(e, at, k, m, &low, &high);
        fprintf(f, "M%.1f %.1fV%.1f", place_x(e, e->tilts[k]), place_y(low), place_y(high));
    }
    fputs("\"/>\n", f);
    for (size_t k = 0; k < e->tilt_count; k++)
        draw_mark(f, line, place_x(e, e->tilts[k]), place_y(mean_of(e, at, k, m, &low, &high)));
    fputs("</g>\n", f);
}

static void draw_panel(FILE *f, const experiment *e, size_t at, size_t row, const char *clustering)
{
    const setup *c = &e->setups[at];
    fprintf(f, "<g transform=\"translate(%d %d)\">\n", (int)(LEFT + at * (WIDTH + GAP)),
            (int)(TOP + row * (HEIGHT + BELOW)));
    fprintf(f, "<rect width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#888\"/>\n", WIDTH, HEIGHT);
    fprintf(f, "<text x=\"%d\" y=\"-8\" text-anchor=\"middle\">%s, %s: %s</text>\n", WIDTH / 2, c->scene,
            c->theory, clustering);
    for (int percent = 0; percent <= 100; percent += 25)
        fprintf(f,
                "<path stroke=\"#ddd\" d=\"M0 %.1fH%d\"/><text class=\"s\" x=\"-6\" y=\"%.1f\" "
                "text-anchor=\"end\">%d</text>\n",
                place_y(percent / 100.0), WIDTH, place_y(percent / 100.0) + 4, percent);
    for (size_t k = 0; k < e->tilt_count; k++)
        if (k == 0 || place_x(e, e->tilts[k]) - place_x(e, e->tilts[k - 1]) > 14)
            fprintf(f, "<text class=\"s\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
                    place_x(e, e->tilts[k]), HEIGHT + 15, e->tilts[k]);
    fprintf(f, "<text class=\"s\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">largest tilt (degrees)</text>\n",
            WIDTH / 2, HEIGHT + 29);
    for (size_t m = 0; m < e->method_count; m++) {
        bool first;
        if (order(e, m, same_clustering, &first) == row)
            draw_line(f, e, at, m, order(e, m, same_stem, &first));
    }
    fputs("</g>\n", f);
}

static void draw_legend(FILE *f, const experiment *e, size_t top)
{
    for (size_t m = 0; m < e->method_count; m++) {
        bool first;
        const method *one = &e->methods[m];
        size_t line = order(e, m, same_stem, &first), y = top + line * LINE;
        if (!first) continue;
        begin_line(f, one, line);
        fprintf(f, "M%d %zuh40\"/>", LEFT, y);
        draw_mark(f, line, LEFT + 20, (double)y);
        fprintf(f, "</g><text x=\"%d\" y=\"%zu\">%.*s</text>\n", LEFT + 50, y + 4, (int)one->stem, one->name);
    }
}

int experiment_plot(const experiment *e, const char *path)
{
    const size_t top = TOP + distinct(e, same_clustering) * (HEIGHT + BELOW);
    const size_t width = LEFT + (e->setup_count > 1 ? e->setup_count : 2) * (WIDTH + GAP);
    FILE *f = fopen(path, "wb");
    if (!f) return tool_fail("%s: cannot write", path);
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"%zu\">\n", width,
            top + distinct(e, same_stem) * LINE + 12);
    draw_definitions(f);
    fprintf(f, "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<text x=\"%d\" y=\"18\">", LEFT);
    fprintf(f, "%s: accuracy (%%), mean of %zu seeds, bars from the worst to the best</text>\n", e->name,
            e->seed_count);
    for (size_t m = 0; m < e->method_count; m++) {
        bool first;
        size_t row = order(e, m, same_clustering, &first);
        for (size_t c = 0; first && c < e->setup_count; c++)
            draw_panel(f, e, c, row, e->methods[m].name + e->methods[m].stem + 1);
    }
    draw_legend(f, e, top);
    fputs("</svg>\n", f);
    bool written = !ferror(f);
    written = fclose(f) == 0 && written;
    return written ? 0 : tool_fail("%s: cannot write", path);
}
