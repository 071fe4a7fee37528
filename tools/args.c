/* The command line: operands, the program's own options, and the stages' options from the library's tables.
 * A bare name belongs to the program, else to the one stage that has it; --STAGE-NAME always works.
 * Must not: know what any single option means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

const arg_option common_options[] = {
    {"threads", ARG_INTEGER, "N", 0, 1024, NULL, "0", "threads; 0 takes all CPUs this process may use"},
    {"seed", ARG_INTEGER, "N", 0, 9007199254740992.0, NULL, NULL, "seed of everything random in the command"},
    {"memory", ARG_TEXT, "SIZE", 0, 0, NULL, NULL, "most memory the library may take: 800M, 4G, or bytes"},
    {"cpu", ARG_CHOICE, NULL, 0, 0, "auto|generic|avx2|avx512", "auto", "highest instruction set used"},
    {"progress", ARG_CHOICE, NULL, 0, 0, "auto|never|json", "auto",
     "auto draws a bar when stderr is a terminal; json writes a line per report to stderr"},
    {"help", ARG_FLAG, NULL, 0, 1, NULL, NULL, "this text"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static size_t table_length(const arg_option *table)
{
    size_t n = 0;
    while (table && table[n].name)
        n++;
    return n;
}

static size_t table_find(const arg_option *table, const char *name)
{
    size_t i = 0;
    while (table && table[i].name && strcmp(table[i].name, name) != 0)
        i++;
    return i;
}

static bool choice_has(const char *choices, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = choices; p && n;) {
        size_t m = strcspn(p, "|");
        if (m == n && memcmp(p, word, n) == 0) return true;
        p = p[m] ? p + m + 1 : NULL;
    }
    return false;
}

static size_t stage_option(const cepman_options *o, const char *name)
{
    size_t i = 0;
    while (i < cepman_options_count(o) && strcmp(cepman_options_name(o, i), name) != 0)
        i++;
    return i;
}

bool stage_option_hidden(const tool *t, const cepman_options *o, const char *name)
{
    size_t kind = strlen(cepman_options_kind(o));
    for (size_t i = 0; i < TOOL_STAGES && t->command->hidden[i]; i++) {
        const char *h = t->command->hidden[i];
        if (strncmp(h, cepman_options_kind(o), kind) == 0 && h[kind] == '.' &&
            strcmp(h + kind + 1, name) == 0)
            return true;
    }
    return false;
}

/* ---- what was set --------------------------------------------------------------------------------------------- */

bool option_given(const cepman_options *o, const char *name)
{
    return cepman_options_is_set(o, stage_option(o, name));
}

bool any_option_given(const cepman_options *o)
{
    for (size_t i = 0; i < cepman_options_count(o); i++)
        if (cepman_options_is_set(o, i) && strcmp(cepman_options_name(o, i), "seed") != 0) return true;
    return false;
}

cepman_options *arg_stage(const tool *t, const char *kind)
{
    for (size_t i = 0; i < t->stages; i++)
        if (strcmp(cepman_options_kind(t->stage[i]), kind) == 0) return t->stage[i];
    return NULL;
}

bool arg_stage_on_line(const tool *t, const char *kind, const char **name)
{
    for (size_t i = 0; i < t->stages; i++) {
        if (strcmp(cepman_options_kind(t->stage[i]), kind) != 0) continue;
        for (size_t k = 0; k < cepman_options_count(t->stage[i]); k++)
            if (t->line[i][k] && strcmp(cepman_options_name(t->stage[i], k), "seed") != 0) {
                *name = cepman_options_name(t->stage[i], k);
                return true;
            }
    }
    return false;
}

static char **own_slot(const tool *t, const char *name, const arg_option **row)
{
    size_t i = table_find(t->command->own, name);
    if (t->command->own && t->command->own[i].name) {
        *row = &t->command->own[i];
        return &t->own[i];
    }
    i = table_find(common_options, name);
    *row = &common_options[i];
    return common_options[i].name ? &t->common[i] : NULL;
}

const char *arg_text(const tool *t, const char *name)
{
    const arg_option *row;
    char **slot = own_slot(t, name, &row);
    return !slot ? NULL : *slot ? *slot : row->standard;
}

bool arg_given(const tool *t, const char *name)
{
    const arg_option *row;
    char **slot = own_slot(t, name, &row);
    return slot && *slot;
}

bool arg_flag(const tool *t, const char *name)
{
    const char *text = arg_text(t, name);
    return text && strcmp(text, "true") == 0;
}

double arg_real(const tool *t, const char *name)
{
    double v = 0;
    const char *text = arg_text(t, name);
    if (text) parse_real(text, &v);
    return v;
}

int64_t arg_integer(const tool *t, const char *name)
{
    int64_t v = 0;
    const char *text = arg_text(t, name);
    if (text) parse_integer(text, &v);
    return v;
}

/* ---- setting -------------------------------------------------------------------------------------------------- */

/* Sets option `name` of stage i from text, marked as given by the command line or not. */
static int set_stage(tool *t, size_t i, const char *name, const char *text, bool line)
{
    if (cepman_options_parse(t->stage[i], t->ctx, name, text))
        return tool_usage("%s", cepman_context_error(t->ctx));
    if (line) t->line[i][stage_option(t->stage[i], name)] = 1;
    return 0;
}

int args_set_stage(tool *t, const char *kind, const char *name, const char *text)
{
    for (size_t i = 0; i < t->stages; i++)
        if (strcmp(cepman_options_kind(t->stage[i]), kind) == 0) return set_stage(t, i, name, text, false);
    return tool_usage("%s has no stage '%s'", t->command->name, kind);
}

static int check_value(const arg_option *row, const char *text)
{
    double real;
    int64_t integer;
    switch (row->type) {
    case ARG_FLAG:
        if (!choice_has("true|false", text))
            return tool_usage("option --%s is '%.100s', must be true or false", row->name, text);
        return 0;
    case ARG_INTEGER:
        if (row->choices && choice_has(row->choices, text)) return 0;
        if (!parse_integer(text, &integer))
            return tool_usage("option --%s is '%.100s', must be an integer%s%s", row->name, text,
                              row->choices ? " or " : "", row->choices ? row->choices : "");
        real = (double)integer;
        break;
    case ARG_REAL:
        if (row->choices && choice_has(row->choices, text)) return 0;
        if (!parse_real(text, &real))
            return tool_usage("option --%s is '%.100s', must be a number%s%s", row->name, text,
                              row->choices ? " or " : "", row->choices ? row->choices : "");
        break;
    case ARG_CHOICE:
        if (!choice_has(row->choices, text))
            return tool_usage("option --%s is '%.100s', must be one of %s", row->name, text, row->choices);
        return 0;
    default:
        if (!*text) return tool_usage("option --%s is empty", row->name);
        return 0;
    }
    if (!(real >= row->minimum && real <= row->maximum))
        return tool_usage("option --%s is %s, must be %.15g to %.15g", row->name, text, row->minimum,
                          row->maximum);
    return 0;
}

static int set_own(const arg_option *row, char **slot, const char *text)
{
    int rc = check_value(row, text);
    if (rc) return rc;
    char *copy = strdup(text);
    if (!copy) return tool_no_memory();
    free(*slot);
    *slot = copy;
    return 0;
}

int args_set_own(tool *t, const char *name, const char *text)
{
    const arg_option *row;
    char **slot = own_slot(t, name, &row);
    if (!slot) return tool_usage("%s has no option --%s", t->command->name, name);
    return set_own(row, slot, text);
}

/* --ring 5:40 sets ring-in and ring-out of the stage that has them. */
static int set_pair(tool *t, const arg_option *row, const char *text)
{
    char first[64], second[64], word[64];
    size_t names = strcspn(row->choices, "|"), at = strcspn(text, ":xX,");
    if (!text[at] || at == 0 || at >= sizeof word || !text[at + 1])
        return tool_usage("option --%s is '%.100s', must be %s", row->name, text, row->value);
    snprintf(word, sizeof word, "%.*s", (int)at, text);
    snprintf(first, sizeof first, "%.*s", (int)names, row->choices);
    snprintf(second, sizeof second, "%s", row->choices + names + 1);
    for (size_t i = 0; i < t->stages; i++)
        if (stage_option(t->stage[i], first) < cepman_options_count(t->stage[i])) {
            int rc = set_stage(t, i, first, word, true);
            return rc ? rc : set_stage(t, i, second, text + at + 1, true);
        }
    return tool_usage("option --%s does not belong to %s", row->name, t->command->name);
}

/* ---- reading the line ------------------------------------------------------------------------------------------- */

/* What a name on the line stands for: an own option (row, slot) or an option of a stage. */
typedef struct target {
    const arg_option *row;
    char **slot;
    size_t stage;
    const char *name;
    bool flag;
} target;

static int resolve(tool *t, const char *name, target *out)
{
    memset(out, 0, sizeof *out);
    out->slot = own_slot(t, name, &out->row);
    if (out->slot) {
        out->flag = out->row->type == ARG_FLAG;
        return 0;
    }
    size_t found = 0, kinds[TOOL_STAGES];
    for (size_t i = 0; i < t->stages; i++) {
        const cepman_options *o = t->stage[i];
        const char *kind = cepman_options_kind(o), *rest = name;
        size_t n = strlen(kind), k = stage_option(o, name);
        if (k >= cepman_options_count(o) && strncmp(name, kind, n) == 0 && name[n] == '-') {
            rest = name + n + 1;
            k = stage_option(o, rest);
        }
        if (k >= cepman_options_count(o) || stage_option_hidden(t, o, rest)) continue;
        kinds[found++] = i;
        out->stage = i;
        out->name = rest;
        out->flag = cepman_options_type(o, k) == CEPMAN_OPTION_FLAG;
    }
    if (found == 1) return 0;
    if (found == 0)
        return tool_usage("%s has no option --%.100s ('%s %s --help' lists them)", t->command->name, name,
                          tool_program, t->command->name);
    return tool_usage("option --%s is ambiguous: --%s-%s or --%s-%s", name,
                      cepman_options_kind(t->stage[kinds[0]]), name, cepman_options_kind(t->stage[kinds[1]]),
                      name);
}

static int set_target(tool *t, const target *where, const char *text)
{
    if (!where->slot) return set_stage(t, where->stage, where->name, text, true);
    if (where->row->type == ARG_PAIR) return set_pair(t, where->row, text);
    return set_own(where->row, where->slot, text);
}

static const char *short_name(const tool *t, char letter)
{
    if (letter == 'h') return "help";
    for (const arg_short *s = t->command->shorts; s && s->letter; s++)
        if (s->letter == letter) return s->name;
    return NULL;
}

/* One option at argv[*i]; moves *i past its value. config_only: sets nothing but --config. */
static int read_option(tool *t, int argc, char **argv, int *i, bool config_only)
{
    const char *word = argv[*i], *name, *value = NULL;
    char buffer[128];
    if (word[1] == '-') {
        size_t n = strcspn(word + 2, "=");
        if (n >= sizeof buffer) return tool_usage("option '%.60s...' is too long", word);
        snprintf(buffer, sizeof buffer, "%.*s", (int)n, word + 2);
        name = buffer;
        if (word[2 + n]) value = word + 2 + n + 1;
    } else {
        name = short_name(t, word[1]);
        if (!name)
            return tool_usage("%s has no option -%c ('%s %s --help' lists them)", t->command->name, word[1],
                              tool_program, t->command->name);
        if (word[2]) value = word + 2;
    }
    target where;
    int rc = resolve(t, name, &where);
    if (rc) return rc;
    if (!value && where.flag) value = "true";
    if (!value) {
        if (*i + 1 >= argc) return tool_usage("option %s needs a value", word);
        value = argv[++*i];
    }
    if (config_only != (strcmp(name, "config") == 0)) return 0;
    return set_target(t, &where, value);
}

static int read_line(tool *t, int argc, char **argv, bool config_only)
{
    bool ended = false;
    t->files = 0;
    for (int i = 2; i < argc; i++) {
        if (!ended && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (!ended && argv[i][0] == '-' && argv[i][1]) {
            int rc = read_option(t, argc, argv, &i, config_only);
            if (rc) return rc;
        } else if (t->files >= t->command->most) {
            return tool_usage("%s takes %s, there is one more operand: '%.200s'", t->command->name,
                              t->command->files, argv[i]);
        } else {
            t->file[t->files++] = argv[i];
        }
    }
    return 0;
}

int args_parse(tool *t, int argc, char **argv, bool *done)
{
    const command *c = t->command;
    t->argc = argc;
    t->argv = argv;
    t->own = calloc(table_length(c->own) + 1, sizeof *t->own);
    t->common = calloc(table_length(common_options) + 1, sizeof *t->common);
    if (!t->own || !t->common) return tool_no_memory();
    for (size_t i = 0; i < TOOL_STAGES && c->stages[i]; i++) {
        int rc = tool_check(t, c->stages[i](&t->stage[i], t->ctx));
        if (rc) return rc;
        t->stages = i + 1;
        t->line[i] = calloc(cepman_options_count(t->stage[i]) + 1, 1);
        if (!t->line[i]) return tool_no_memory();
    }
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            args_print_help(t);
            *done = true;
            return 0;
        }
    /* The config first, so that the line has the last word. */
    int rc = read_line(t, argc, argv, true);
    if (!rc && arg_text(t, "config")) rc = config_load(t, arg_text(t, "config"));
    if (!rc) rc = read_line(t, argc, argv, false);
    if (!rc && t->files < c->least)
        rc = tool_usage("%s takes %s ('%s %s --help' tells more)", c->name, c->files, tool_program, c->name);
    for (size_t i = 0; !rc && c->own && c->own[i].name; i++)
        if (strcmp(c->own[i].name, "output") == 0 && !t->own[i]) rc = tool_usage("%s needs -o PATH", c->name);
    return rc;
}

int args_apply_common(tool *t)
{
    size_t bytes = 0;
    const char *memory = arg_text(t, "memory"), *seed = arg_given(t, "seed") ? arg_text(t, "seed") : NULL;
    if (memory && !parse_bytes(memory, &bytes))
        return tool_usage("option --memory is '%.100s', must be bytes or like 800M or 4G", memory);
    if (memory && tool_check(t, cepman_context_set_memory_limit(t->ctx, bytes))) return 1;
    if (cepman_context_set_cpu_level(t->ctx, arg_text(t, "cpu")))
        return tool_usage("%s", cepman_context_error(t->ctx));
    if (tool_check(t, cepman_context_set_threads(t->ctx, (unsigned)arg_integer(t, "threads")))) return 1;
    for (size_t i = 0; seed && i < t->stages; i++) {
        if (stage_option(t->stage[i], "seed") >= cepman_options_count(t->stage[i])) continue;
        int rc = set_stage(t, i, "seed", seed, false);
        if (rc) return rc;
    }
    return progress_start(t, arg_text(t, "progress"));
}

void args_free(tool *t)
{
    for (size_t i = 0; t->own && i < table_length(t->command->own); i++)
        free(t->own[i]);
    for (size_t i = 0; t->common && i < table_length(common_options); i++)
        free(t->common[i]);
    free(t->own);
    free(t->common);
    for (size_t i = 0; i < TOOL_STAGES; i++) {
        cepman_options_unref(t->stage[i]);
        free(t->line[i]);
    }
}

/* ---- help ------------------------------------------------------------------------------------------------------- */

static bool own_takes(const tool *t, const char *name)
{
    return table_find(common_options, name) < table_length(common_options) ||
           table_find(t->command->own, name) < table_length(t->command->own);
}

void stage_option_name(const tool *t, const cepman_options *o, const char *name, char *text, size_t size)
{
    size_t holders = 0;
    for (size_t i = 0; i < t->stages; i++)
        holders += stage_option(t->stage[i], name) < cepman_options_count(t->stage[i]) &&
                   !stage_option_hidden(t, t->stage[i], name);
    if (holders > 1 || own_takes(t, name))
        snprintf(text, size, "%s-%s", cepman_options_kind(o), name);
    else
        snprintf(text, size, "%s", name);
}

void args_print_help(const tool *t)
{
    const command *c = t->command;
    printf("usage: %s %s %s [options]\n\n%s\n", tool_program, c->name, c->files, c->summary);
    if (c->notes) {
        putchar('\n');
        help_text(c->notes);
    }
    if (table_length(c->own)) printf("\noptions:\n");
    help_own(c->own, c->shorts);
    for (size_t i = 0; i < t->stages; i++) {
        printf("\noptions of stage %s:\n", cepman_options_kind(t->stage[i]));
        help_stage(t, t->stage[i]);
    }
    printf("\noptions of every command:\n");
    help_own(common_options, NULL);
}
