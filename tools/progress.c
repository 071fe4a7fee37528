/* Progress on stderr: a bar on a terminal, or a JSON object a line; nothing otherwise.
 * The library reports stage, done and total a few times a second.
 * Must not: write to anything but a terminal unless asked to. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

/* One process draws one bar. */
static struct {
    enum { SILENT, BAR, LINES } mode;
    bool drawn;
    char stage[40];
    double started, drawn_at;
} bar;

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void draw(uint64_t done, uint64_t total, double now)
{
    enum { CELLS = 40 };
    char cells[CELLS + 1], left[40] = "";
    double part = total ? (double)done / (double)total : 1;
    int full = (int)(part * CELLS);
    for (int i = 0; i < CELLS; i++)
        cells[i] = i < full ? '=' : i == full ? '>' : ' ';
    cells[CELLS] = 0;
    double spent = now - bar.started;
    if (part > 0.02 && part < 1 && spent > 1)
        snprintf(left, sizeof left, "  %.0f s left", spent / part * (1 - part));
    fprintf(stderr, "\r\033[K%-12s [%s] %3.0f %%%s", bar.stage, cells, 100 * part, left);
    fflush(stderr);
    bar.drawn = true;
    bar.drawn_at = now;
}

static void report(void *user, const char *stage, uint64_t done, uint64_t total)
{
    (void)user;
    progress_report(stage, done, total);
}

void progress_report(const char *stage, uint64_t done, uint64_t total)
{
    if (bar.mode == SILENT) return;
    if (bar.mode == LINES) {
        fprintf(stderr, "{\"stage\": \"%s\", \"done\": %" PRIu64 ", \"total\": %" PRIu64 "}\n", stage, done,
                total);
        return;
    }
    double now = seconds_now();
    bool fresh = strcmp(stage, bar.stage) != 0;
    if (fresh || done == 0) {
        snprintf(bar.stage, sizeof bar.stage, "%s", stage);
        bar.started = now;
    }
    if (fresh || now - bar.drawn_at > 0.1) draw(done, total, now);
}

int progress_start(tool *t, const char *mode)
{
    if (strcmp(mode, "json") == 0)
        bar.mode = LINES;
    else
        bar.mode = strcmp(mode, "auto") == 0 && isatty(STDERR_FILENO) ? BAR : SILENT;
    if (bar.mode == SILENT) return 0;
    return tool_check(t, cepman_context_set_progress(t->ctx, report, NULL));
}

void progress_end(void)
{
    if (bar.drawn) fputs("\r\033[K", stderr);
    bar.drawn = false;
}
