/* cepman, the command-line program: finds the command, sets the context up, runs it, puts the outputs in place.
 * Exit status: 0 good, 1 failed or cancelled, 2 wrong usage; one sentence on stderr.
 * Must not: include anything of the library but its public headers. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "tool.h"

const char *const tool_program = "cepman";

/* What a signal handler may touch. */
static cepman_context *volatile running;
static volatile sig_atomic_t interrupted;

static void stop(int number)
{
    interrupted = number;
    cepman_context_cancel(running);
}

int tool_interrupted(void)
{
    return interrupted ? tool_fail("cancelled") : 0;
}

static void __attribute__((format(printf, 1, 0))) say(const char *format, va_list args)
{
    char line[1400];
    vsnprintf(line, sizeof line, format, args);
    /* One line of valid text, whatever a file or its name holds. */
    for (unsigned char *p = (unsigned char *)line; *p;) {
        size_t n = utf8_length(p);
        if (n == 0 || *p < 0x20 || *p == 0x7f) *p = '?';
        p += n ? n : 1;
    }
    progress_end();
    fprintf(stderr, "cepman: %s\n", line);
}

int tool_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return 1;
}

int tool_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return 2;
}

int tool_no_memory(void)
{
    return tool_fail("out of memory");
}

int tool_check(tool *t, cepman_status status)
{
    if (!status) return 0;
    const char *sentence = cepman_context_error(t->ctx);
    if (status == CEPMAN_ERR_CANCELLED) return tool_fail("cancelled");
    return tool_fail("%s", *sentence ? sentence : cepman_status_text(status));
}

static void print_usage(FILE *to)
{
    fprintf(to, "cepman %s: finds structure in nanobeam 4D-STEM scans\n\n", cepman_version());
    fprintf(to, "usage: cepman COMMAND [files] [options]\n\n");
    for (size_t i = 0; commands[i]; i++)
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(
        to,
        "\n'cepman COMMAND --help' lists the options of a command; 'cepman --version' tells the version.\n");
}

static void catch_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file beyond the shell's limit is a sentence, and is removed */
}

static int run(tool *t, int argc, char **argv)
{
    bool done = false;
    int rc = args_parse(t, argc, argv, &done);
    if (rc || done) return rc;
    rc = args_apply_common(t);
    if (!rc) rc = t->command->run(t);
    progress_end();
    if (!rc) rc = tool_interrupted();
    if (!rc) rc = outputs_commit(t->out);
    if (!rc && t->summary[0]) puts(t->summary);
    return rc;
}

int main(int argc, char **argv)
{
    tool t;
    memset(&t, 0, sizeof t);
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return fflush(stdout) ? 1 : 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("cepman %s (library %s)\n", CEPMAN_VERSION_STRING, cepman_version());
        return fflush(stdout) ? 1 : 0;
    }
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, argv[1]) == 0) t.command = commands[i];
    if (!t.command) return tool_usage("there is no command '%.100s' ('cepman --help' lists them)", argv[1]);
    t.out = outputs_create();
    if (!t.out || cepman_context_create(&t.ctx, NULL)) {
        free(t.out);
        return tool_no_memory();
    }
    running = t.ctx;
    catch_signals();
    int rc = run(&t, argc, argv);
    if (fflush(stdout) || ferror(stdout)) rc = rc ? rc : tool_fail("cannot write to the standard output");
    outputs_free(t.out);
    args_free(&t);
    cepman_pixels_unref(t.pixels);
    running = NULL; /* a late signal finds nothing to cancel */
    cepman_context_unref(t.ctx);
    return rc;
}
