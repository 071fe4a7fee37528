/* What the files of the program share. The program knows the public headers of libcepman and nothing else of it.
 *
 * Functions that return int give an exit status: 0 good, 1 failed, 2 wrong usage; when it is not 0 the sentence is
 * already on stderr. So a command is a chain of `if (!rc) rc = step();` with one cleaning at its end. */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cepman/cepman.h>

#define TOOL_STAGES 12
#define TOOL_FILES 3

typedef struct tool tool;

/* ---- options ------------------------------------------------------------------------------------------------ */

typedef enum arg_type {
    ARG_FLAG,
    ARG_INTEGER,
    ARG_REAL,
    ARG_CHOICE,
    ARG_TEXT,
    ARG_PATH,
    ARG_PAIR /* one word for two options of a stage: choices is "first|second", separator the sign between */
} arg_type;

/* An option of the program itself; the stages' options come from the library's tables. Ends with name NULL. */
typedef struct arg_option {
    const char *name;
    arg_type type;
    const char *value; /* how help shows the value: "N", "PATH"; NULL for the type's own word */
    double minimum, maximum;
    const char *choices;
    const char *standard; /* default as text, NULL: none */
    const char *help;
} arg_option;

/* "-k" stands for "--k", "-n" for "--components", ... Ends with letter 0. */
typedef struct arg_short {
    char letter;
    const char *name;
} arg_short;

typedef cepman_status (*stage_maker)(cepman_options **out, cepman_context *context);

/* A command: what it takes and what it does. */
typedef struct command {
    const char *name;
    const char *files;   /* the operands as help shows them: "FILE", "LABELS.npy TRUTH.npy" */
    const char *summary; /* one line */
    const char *notes;   /* more for --help, may be NULL */
    size_t least, most;  /* operands */
    const arg_option *own;
    const arg_short *shorts;         /* may be NULL */
    stage_maker stages[TOOL_STAGES]; /* ends with NULL */
    const char *hidden[TOOL_STAGES]; /* stage options the command sets itself, "kind.name" */
    int (*run)(tool *t);
} command;

typedef struct outputs outputs;

struct tool {
    cepman_context *ctx;
    const command *command;
    const char *file[TOOL_FILES];
    size_t files;
    char summary[512]; /* one line for stdout once the outputs are in place; "": none */
    cepman_options *stage[TOOL_STAGES];
    size_t stages;
    uint8_t *line[TOOL_STAGES]; /* per stage and option: 1 when the command line itself set it */
    char **own;                 /* values of command->own, NULL where not set */
    char **common;              /* values of the common options */
    cepman_pixels *pixels;      /* what --mask auto found */
    outputs *out;
    int argc;
    char **argv;
};

/* "cepman": what help and sentences call the program. */
extern const char *const tool_program;
/* The sentence of a failure on stderr, "cepman: ...". Returns 1, or 2 for usage. */
int tool_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_no_memory(void);
/* 0, or 1 after printing the context's sentence. */
int tool_check(tool *t, cepman_status status);
/* 1 with its sentence once SIGINT or SIGTERM came; for loops of the program's own. */
int tool_interrupted(void);

/* Reads the command line into t (command, stages, values). Prints help and sets *done when asked for. */
int args_parse(tool *t, int argc, char **argv, bool *done);
void args_free(tool *t);
int args_apply_common(tool *t);
void args_print_help(const tool *t);
/* An own option's text, its default, or NULL. */
const char *arg_text(const tool *t, const char *name);
bool arg_given(const tool *t, const char *name);
bool arg_flag(const tool *t, const char *name);
double arg_real(const tool *t, const char *name);
int64_t arg_integer(const tool *t, const char *name);
/* True when the user set the option, on the line or by a config. */
bool option_given(const cepman_options *options, const char *name);
/* 1 when any of them was, the seed apart. */
bool any_option_given(const cepman_options *options);
/* The stage's options, NULL when the command has no such stage. */
cepman_options *arg_stage(const tool *t, const char *kind);
/* 1 when the command line set an option of the stage other than seed; *name is that option. */
bool arg_stage_on_line(const tool *t, const char *kind, const char **name);
/* Sets an option by the name and text a config file or the command line gives. stage NULL: any. */
int args_set_stage(tool *t, const char *kind, const char *name, const char *text);
int args_set_own(tool *t, const char *name, const char *text);

/* The name of a stage's option that works on the line: bare, or with its stage's kind before it. */
void stage_option_name(const tool *t, const cepman_options *o, const char *name, char *text, size_t size);
/* True for options that the command sets itself. */
bool stage_option_hidden(const tool *t, const cepman_options *o, const char *name);

/* Text of help for one option table. */
void help_stage(const tool *t, const cepman_options *options);
/* A paragraph, folded. */
void help_text(const char *text);
void help_own(const arg_option *table, const arg_short *shorts);
extern const arg_option common_options[];

/* Numbers of the command line, whole text, always with a '.'. */
bool parse_real(const char *text, double *value);
bool parse_integer(const char *text, int64_t *value);
bool parse_bytes(const char *text, size_t *value); /* 512M, 4G, 100000 */

/* ---- outputs: all files of a command appear together at its end, or none does ---------------------------------- */

outputs *outputs_create(void);
/* Promises PATH: makes its folders, checks that it can be written, and returns where to write it for now (the
 * outputs own that text); NULL after a failure. */
const char *outputs_add(tool *t, const char *path);
/* The same for a file in a folder. */
const char *outputs_in(tool *t, const char *folder, const char *name);
/* Where a promised file of the folder is for now, NULL when it was not promised. */
const char *outputs_staged(tool *t, const char *folder, const char *name);
int outputs_commit(outputs *out);
/* Removes what was not committed, and folders that were made for it. */
void outputs_free(outputs *out);

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

typedef struct json {
    char *text;
    size_t length, room;
    int depth;
    bool first, failed;
} json;

/* key is NULL inside arrays and for the outermost value. */
void json_open(json *j, const char *key, char bracket);      /* '{' or '[' */
void json_close(json *j, char bracket);                      /* '}' or ']' */
void json_text(json *j, const char *key, const char *value); /* NULL: null */
void json_real(json *j, const char *key, double value);      /* not finite: null */
void json_integer(json *j, const char *key, int64_t value);
void json_flag(json *j, const char *key, bool value);
/* A table's values in their own types. only_set: those the user gave. */
void json_options(json *j, const char *key, const cepman_options *options, bool only_set);
int json_save(json *j, const char *path); /* to a path of outputs_add() */
int json_print(json *j);                  /* to stdout */
void json_free(json *j);
/* Bytes of the valid UTF-8 sequence at p, 0 when there is none. */
size_t utf8_length(const unsigned char *p);

/* Sets what a run.json (or a file with its "given" object alone) gives. */
int config_load(tool *t, const char *path);

/* ---- progress -------------------------------------------------------------------------------------------------- */

int progress_start(tool *t, const char *mode); /* never, auto, json */
void progress_report(const char *stage, uint64_t done, uint64_t total);
void progress_end(void); /* leaves the terminal's line empty */
double seconds_now(void);

/* ---- arrays ---------------------------------------------------------------------------------------------------- */

/* Writes a whole array as .npy to a path of outputs_add(). */
int array_save(tool *t, const char *path, cepman_type type, size_t dims, const size_t *shape,
               const void *data);
/* The dataset of t->file[index] by the stage "dataset" of the command, and the views its own options ask for. */
int input_dataset(tool *t, size_t index, cepman_dataset **out);
/* Rows of a command's own table, for input_dataset(). */
#define SCAN_OPTION                                                                                          \
    {                                                                                                        \
        "scan", ARG_PAIR, "ROWSxCOLUMNS", 0, 0, "scan-rows|scan-columns", NULL,                              \
            "the scan's size, --scan-rows and --scan-columns"                                                \
    }
#define VIEW_OPTIONS(standard_mask)                                                                           \
    {"region", ARG_TEXT, "ROW:COLUMN:ROWSxCOLUMNS", 0, 0, NULL, NULL, "a rectangle of the scan alone"},       \
        {"crop", ARG_TEXT, "Y:X:HEIGHTxWIDTH", 0, 0, NULL, NULL, "a rectangle of every frame alone, pixels"}, \
        {"mask",                                                                                              \
         ARG_TEXT,                                                                                            \
         "MASK.npy|auto|none",                                                                                \
         0,                                                                                                   \
         0,                                                                                                   \
         NULL,                                                                                                \
         standard_mask,                                                                                       \
         "bad pixels: (height, width) of the frames as cropped, non-zero is bad; auto: found in a sample "    \
         "of the scan"},                                                                                      \
        {"descan", ARG_FLAG,                                                                                  \
         NULL,     0,                                                                                         \
         0,        NULL,                                                                                      \
         NULL,     "moves every frame by whole pixels so that its direct beam is in the middle"},             \
    {                                                                                                         \
        "bin", ARG_INTEGER, "N", 1, 4096, NULL, NULL,                                                         \
            "sums of N x N pixels, after --crop, --mask and --descan"                                         \
    }
#define CALIBRATION_OPTIONS                                                                                  \
    {"scan-step", ARG_REAL, "NM", 1e-6, 1e6, NULL, NULL, "nanometres between scan points"},                  \
    {                                                                                                        \
        "reciprocal-pixel", ARG_REAL, "X", 1e-9, 1e3, NULL, NULL,                                            \
            "1/angstrom a pixel of the file's frames (before --bin)"                                         \
    }
/* Replaces a dataset whose last frames are missing by a view of its whole scan rows. */
int whole_frames(tool *t, cepman_dataset **dataset);
/* Refuses any name but one that ends with .npy (or .png, when png is not NULL: then *png tells which). */
int output_kind(const char *path, bool *png);
bool ends_with(const char *text, const char *end);
/* a * b * size bytes of zeros, NULL (with its sentence) when there is no memory. */
void *array_zero(size_t a, size_t b, size_t size);

/* ---- pictures -------------------------------------------------------------------------------------------------- */

typedef struct canvas {
    size_t height, width;
    uint8_t *rgb; /* height * width * 3 */
} canvas;

int canvas_create(canvas *c, size_t height, size_t width, uint8_t grey);
void canvas_free(canvas *c);
void canvas_fill(canvas *c, size_t y, size_t x, size_t height, size_t width, const uint8_t colour[3]);
/* Text of digits, '-', '.', ' ' and capital letters, 5 x 7 dots of `size` pixels. Returns its width. */
size_t canvas_text(canvas *c, size_t y, size_t x, size_t size, const char *text, const uint8_t colour[3]);
int canvas_save(const canvas *c, const char *path);
/* The same to an open file; false when it fails. */
bool canvas_write(const canvas *c, FILE *f);

/* How numbers become colours. */
typedef struct shade {
    double low, high;
    double gamma;   /* exponent after scaling to 0..1 */
    bool diverging; /* blue - white - red around 0, high being the largest magnitude */
} shade;

/* low and high from percentiles (0..100) of the finite values. */
shade shade_percentiles(const float *values, size_t count, double low, double high, double gamma);
shade shade_diverging(const float *values, size_t count, double percentile, double gamma);
void canvas_image(canvas *c, size_t y, size_t x, const float *values, size_t height, size_t width,
                  size_t scale, const shade *shade);
void canvas_colours(canvas *c, size_t y, size_t x, const uint8_t *rgb, size_t height, size_t width,
                    size_t scale);
/* How often a height x width picture is enlarged so that its longer side reaches about `target` pixels. */
size_t picture_scale(size_t height, size_t width, size_t target);
/* One image, enlarged, as a grey PNG. */
int picture_grey(const float *values, size_t height, size_t width, const shade *shade, const char *path);

#endif
