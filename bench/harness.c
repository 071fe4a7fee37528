/* Timing for the benches; see harness.h.
 * Minima and their ratios hold still where medians do not (measured: 1.01-fold against 9.6-fold with a busy
 * neighbour). Must not: measure one case long after another. */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cepman/context.h>

#define MOST 128

typedef struct one {
    char name[96];
    void (*run)(void *argument);
    void *argument;
    double items, best;
    long turns;
} one;

struct bench {
    const char *name, *json, *only;
    char cpu[32];
    double seconds;
    one cases[MOST];
    int count, measured;
    struct {
        char name[96];
        double value;
    } ratios[MOST];
    int ratio_count;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What a level is called on this machine: auto is the best it has. */
static void name_cpu(bench *b, const char *level)
{
    cepman_context *ctx = NULL;
    if (cepman_context_create(&ctx, NULL)) exit(1);
    if (cepman_context_set_cpu_level(ctx, level)) {
        fprintf(stderr, "%s\n", cepman_context_error(ctx));
        exit(2);
    }
    snprintf(b->cpu, sizeof b->cpu, "%s", cepman_context_cpu_level(ctx));
    cepman_context_unref(ctx);
}

const char *bench_cpu(const bench *b)
{
    return b->cpu;
}

bench *bench_begin(const char *name, int argc, char **argv)
{
    bench *b = calloc(1, sizeof *b);
    if (!b) exit(1);
    b->name = name;
    b->seconds = 2;
    const char *level = "auto";
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value && strcmp(argv[i], "--seconds") == 0 && atof(value) > 0) {
            b->seconds = atof(value);
        } else if (value && strcmp(argv[i], "--json") == 0) {
            b->json = value;
        } else if (value && strcmp(argv[i], "--only") == 0) {
            b->only = value;
        } else if (value && strcmp(argv[i], "--cpu") == 0) {
            level = value;
        } else {
            fprintf(stderr, "usage: bench_%s [--seconds S] [--json FILE] [--only TEXT] [--cpu LEVEL]\n",
                    name);
            exit(2);
        }
    }
    name_cpu(b, level);
    return b;
}

static int add(bench *b, const char *name, void (*run)(void *), void *argument, double items, double best)
{
    if ((b->only && !strstr(name, b->only)) || b->count == MOST) return -1;
    one *c = &b->cases[b->count];
    snprintf(c->name, sizeof c->name, "%s", name);
    c->run = run;
    c->argument = argument;
    c->items = items;
    c->best = best;
    return b->count++;
}

bool bench_wants(const bench *b, const char *name)
{
    return !b->only || strstr(name, b->only) || strstr(b->only, name);
}

int bench_add(bench *b, const char *name, void (*run)(void *), void *argument, double items)
{
    return add(b, name, run, argument, items, (double)INFINITY);
}

int bench_add_measured(bench *b, const char *name, double seconds)
{
    return add(b, name, NULL, NULL, 1, seconds);
}

void bench_measure(bench *b)
{
    double spent = 0, began = now();
    for (long turn = 0; turn < 4 || spent < b->seconds; turn++) {
        bool any = false;
        for (int i = b->measured; i < b->count; i++) {
            one *c = &b->cases[i];
            if (!c->run) continue;
            any = true;
            double t = now();
            c->run(c->argument);
            t = (now() - t) / c->items;
            if (turn == 0) continue;
            c->turns++;
            if (t < c->best) c->best = t;
        }
        spent = now() - began;
        if (!any) break;
    }
    b->measured = b->count;
}

double bench_best(const bench *b, int number)
{
    return number < 0 ? (double)NAN : b->cases[number].best;
}

void bench_ratio(bench *b, const char *name, int upper, int lower)
{
    if (upper < 0 || lower < 0 || b->ratio_count == MOST) return;
    snprintf(b->ratios[b->ratio_count].name, sizeof b->ratios[0].name, "%s", name);
    b->ratios[b->ratio_count++].value = bench_best(b, upper) / bench_best(b, lower);
}

/* Names are ours: no character in them needs escaping. */
static bool write_json(const bench *b)
{
    FILE *f = fopen(b->json, "w");
    if (!f) return false;
    fprintf(f, "{\n \"bench\": \"%s\",\n \"cpu\": \"%s\",\n \"cases\": [", b->name, b->cpu);
    for (int i = 0; i < b->count; i++)
        fprintf(f, "%s\n  {\"name\": \"%s\", \"seconds\": %.6g, \"turns\": %ld}", i ? "," : "",
                b->cases[i].name, b->cases[i].best, b->cases[i].turns);
    fprintf(f, "\n ],\n \"ratios\": {");
    for (int i = 0; i < b->ratio_count; i++)
        fprintf(f, "%s\n  \"%s\": %.4f", i ? "," : "", b->ratios[i].name, b->ratios[i].value);
    fprintf(f, "\n }\n}\n");
    return fclose(f) == 0;
}

int bench_end(bench *b)
{
    printf("bench %s, %s\n", b->name, b->cpu);
    for (int i = 0; i < b->count; i++)
        printf("  %-56s %12.3f us\n", b->cases[i].name, 1e6 * b->cases[i].best);
    for (int i = 0; i < b->ratio_count; i++)
        printf("  %-56s %12.3f\n", b->ratios[i].name, b->ratios[i].value);
    bool good = !b->json || write_json(b);
    if (!good) fprintf(stderr, "cannot write %s\n", b->json);
    free(b);
    return good ? 0 : 1;
}
