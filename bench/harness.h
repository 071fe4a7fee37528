/* Timing for the benches: cases run in turns, so that a busy neighbour slows all alike; the minimum of each counts,
 * and ratios of minima are what is compared over time (bench/guard.json). */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct bench bench;

/* name: of the bench. Reads --seconds S (time for all turns of bench_measure(), default 2), --json FILE,
 * --only TEXT (cases whose name holds it) and --cpu LEVEL; other arguments end the program with a line of usage. */
bench *bench_begin(const char *name, int argc, char **argv);
/* The CPU level asked for, for cepman_context_set_cpu_level(). */
const char *bench_cpu(const bench *b);
/* Whether --only lets a case of this name in (or one whose name begins so). For what is dear to prepare. */
bool bench_wants(const bench *b, const char *name);
/* One call of run(argument) does `items` items (frames, points, ...). Returns the case's number, -1 when it is left
 * out by --only. Names are copied. */
int bench_add(bench *b, const char *name, void (*run)(void *argument), void *argument, double items);
/* A case timed elsewhere (another program): seconds an item. */
int bench_add_measured(bench *b, const char *name, double seconds);
/* Runs the cases added since the last call in turns: once unmeasured, then until the time is over, at least three
 * times each. */
void bench_measure(bench *b);
/* Records minimum of case `upper` / minimum of case `lower`, per item. Left out when either is -1. */
void bench_ratio(bench *b, const char *name, int upper, int lower);
/* Seconds an item of a case, the best of its turns. */
double bench_best(const bench *b, int number);
/* Prints the table, writes the JSON, frees. Returns the program's exit code. */
int bench_end(bench *b);

#endif
