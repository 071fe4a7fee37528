/* Options objects over a stage's table: lookup, bounds, text, copies.
 * One table feeds setters, command line, docs and provenance, so that options grow without touching the ABI.
 * Must not: know any stage. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base.h"

typedef struct value {
    double number; /* flags, integers, reals, index of a choice; NaN is the automatic word */
    char *text;    /* TEXT only */
    char *words;   /* CHOICE only: its words, each with an end mark; a part of the object's vocabulary */
    bool given;
} value;

struct cepman_options {
    cep_refs refs;
    cep_memory *mem;
    const char *kind;
    const cep_option *table;
    size_t count;
    value *values;
    char *vocabulary; /* the words of all choices, so that each can be handed out as a text */
};

/* Integers are kept in a double: exact up to 2^53, which the tables stay below. */
static const double integer_most = 9007199254740992.0;

cepman_status cep_options_create(cepman_options **out, cepman_context *ctx, const char *kind,
                                 const cep_option *table)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "%s options: out is NULL", kind);
    cep_memory *mem = cep_context_memory(ctx);
    size_t count = 0, letters = 0;
    for (; table[count].name; count++)
        if (table[count].type == CEPMAN_OPTION_CHOICE) letters += strlen(table[count].choices) + 1;
    cepman_options *o = cep_alloc_zero(mem, 1, sizeof *o);
    value *values = cep_alloc_zero(mem, count, sizeof *values);
    char *vocabulary = cep_alloc_zero(mem, letters, 1);
    if (!o || !values || !vocabulary) {
        cep_free(mem, o);
        cep_free(mem, values);
        cep_free(mem, vocabulary);
        return cep_fail_memory(ctx, "options", count, sizeof *values);
    }
    char *next = vocabulary;
    for (size_t i = 0; i < count; i++) {
        values[i].number = table[i].standard;
        if (table[i].type != CEPMAN_OPTION_CHOICE) continue;
        values[i].words = next;
        for (const char *p = table[i].choices; *p; p++)
            *next++ = *p == '|' ? 0 : *p;
        next++; /* the end mark is there: the memory is zero */
    }
    cep_refs_init(&o->refs);
    o->mem = cep_memory_ref(mem);
    o->kind = kind;
    o->table = table;
    o->count = count;
    o->values = values;
    o->vocabulary = vocabulary;
    *out = o;
    return CEPMAN_OK;
}

cepman_options *cepman_options_ref(cepman_options *o)
{
    if (o) cep_refs_get(&o->refs);
    return o;
}

void cepman_options_unref(cepman_options *o)
{
    if (!o || !cep_refs_put(&o->refs)) return;
    cep_memory *mem = o->mem;
    for (size_t i = 0; i < o->count; i++)
        cep_free(mem, o->values[i].text);
    cep_free(mem, o->values);
    cep_free(mem, o->vocabulary);
    cep_free(mem, o);
    cep_memory_unref(mem);
}

cepman_status cepman_options_copy(cepman_options **out, cepman_context *ctx, const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && options, CEPMAN_ERR_ARGUMENT, "options copy: out or options is NULL");
    cepman_options *o;
    s = cep_options_create(&o, ctx, options->kind, options->table);
    if (s) return s;
    for (size_t i = 0; i < o->count; i++) {
        o->values[i].number = options->values[i].number;
        o->values[i].given = options->values[i].given;
        if (!options->values[i].text) continue;
        o->values[i].text = cep_strdup(o->mem, options->values[i].text);
        if (!o->values[i].text) {
            cepman_options_unref(o);
            return cep_fail_memory(ctx, "options", 1, strlen(options->values[i].text) + 1);
        }
    }
    *out = o;
    return CEPMAN_OK;
}

static size_t find(const cepman_options *o, const char *name)
{
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->table[i].name, name) == 0) return i;
    return o->count;
}

static const char *const type_words[] = {"a flag", "an integer", "a real number", "a choice", "a text"};

/* Row of the option called name, checked for the types in `mask` (bit per type). */
static cepman_status look_up(const cepman_options *o, cepman_context *ctx, const char *name, unsigned mask,
                             size_t *index)
{
    if (ctx) cep_enter(ctx);
    CEP_REQUIRE(ctx, o && name, CEPMAN_ERR_ARGUMENT, "options or option name is NULL");
    size_t i = find(o, name);
    CEP_REQUIRE(ctx, i < o->count, CEPMAN_ERR_OPTION, "%s has no option '%s'", o->kind, name);
    CEP_REQUIRE(ctx, mask & (1u << o->table[i].type), CEPMAN_ERR_OPTION, "%s option '%s' is %s", o->kind,
                name, type_words[o->table[i].type]);
    *index = i;
    return CEPMAN_OK;
}

/* Where `word` stands in "a|b|c", or -1. */
static int choice_index(const char *choices, const char *word)
{
    size_t n = strlen(word);
    int i = 0;
    for (const char *p = choices; p; i++) {
        const char *end = strchr(p, '|');
        size_t m = end ? (size_t)(end - p) : strlen(p);
        if (m == n && n > 0 && memcmp(p, word, n) == 0) return i;
        p = end ? end + 1 : NULL;
    }
    return -1;
}

static cepman_status set_number(cepman_options *o, cepman_context *ctx, size_t i, double v)
{
    const cep_option *t = &o->table[i];
    char low[40], high[40], got[40];
    if (!(v >= t->minimum && v <= t->maximum)) {
        cep_format_real(low, sizeof low, t->minimum);
        cep_format_real(high, sizeof high, t->maximum);
        cep_format_real(got, sizeof got, v);
        return cep_fail(ctx, CEPMAN_ERR_RANGE, "%s option '%s' is %s, must be %s to %s%s%s", o->kind, t->name,
                        got, low, high, t->choices ? " or " : "", t->choices ? t->choices : "");
    }
    o->values[i].number = v;
    o->values[i].given = true;
    return CEPMAN_OK;
}

cepman_status cepman_options_set_flag(cepman_options *o, cepman_context *ctx, const char *name, int v)
{
    size_t i;
    cepman_status s = look_up(o, ctx, name, 1u << CEPMAN_OPTION_FLAG, &i);
    return s ? s : set_number(o, ctx, i, v);
}

cepman_status cepman_options_set_integer(cepman_options *o, cepman_context *ctx, const char *name, int64_t v)
{
    size_t i;
    cepman_status s = look_up(o, ctx, name, 1u << CEPMAN_OPTION_INTEGER | 1u << CEPMAN_OPTION_REAL, &i);
    if (s) return s;
    CEP_REQUIRE(ctx, (double)v <= integer_most && (double)v >= -integer_most, CEPMAN_ERR_RANGE,
                "%s option '%s' is %lld, beyond 2^53", o->kind, name, (long long)v);
    return set_number(o, ctx, i, (double)v);
}

cepman_status cepman_options_set_real(cepman_options *o, cepman_context *ctx, const char *name, double v)
{
    size_t i;
    cepman_status s = look_up(o, ctx, name, 1u << CEPMAN_OPTION_REAL, &i);
    return s ? s : set_number(o, ctx, i, v);
}

static cepman_status set_text(cepman_options *o, cepman_context *ctx, size_t i, const char *text)
{
    const cep_option *t = &o->table[i];
    if (t->type == CEPMAN_OPTION_CHOICE) {
        int c = choice_index(t->choices, text);
        CEP_REQUIRE(ctx, c >= 0, CEPMAN_ERR_RANGE, "%s option '%s' is '%.100s', must be one of %s", o->kind,
                    t->name, text, t->choices);
        o->values[i].number = c;
    } else {
        CEP_REQUIRE(ctx, strlen(text) < 65536, CEPMAN_ERR_RANGE, "%s option '%s' is longer than 65535 bytes",
                    o->kind, t->name);
        char *copy = cep_strdup(o->mem, text);
        if (!copy) return ctx ? cep_fail_memory(ctx, "option text", strlen(text) + 1, 1) : CEPMAN_ERR_MEMORY;
        cep_free(o->mem, o->values[i].text);
        o->values[i].text = copy;
    }
    o->values[i].given = true;
    return CEPMAN_OK;
}

cepman_status cepman_options_set_text(cepman_options *o, cepman_context *ctx, const char *name,
                                      const char *text)
{
    size_t i;
    cepman_status s = look_up(o, ctx, name, 1u << CEPMAN_OPTION_CHOICE | 1u << CEPMAN_OPTION_TEXT, &i);
    if (s) return s;
    CEP_REQUIRE(ctx, text, CEPMAN_ERR_ARGUMENT, "%s option '%s' is NULL", o->kind, name);
    return set_text(o, ctx, i, text);
}

cepman_status cepman_options_parse(cepman_options *o, cepman_context *ctx, const char *name, const char *text)
{
    size_t i;
    cepman_status s = look_up(o, ctx, name, ~0u, &i);
    if (s) return s;
    CEP_REQUIRE(ctx, text, CEPMAN_ERR_ARGUMENT, "%s option '%s' is NULL", o->kind, name);
    const cep_option *t = &o->table[i];
    double real;
    int64_t integer;
    switch (t->type) {
    case CEPMAN_OPTION_FLAG: {
        static const char words[] = "0|1|false|true|no|yes|off|on";
        int c = choice_index(words, text);
        CEP_REQUIRE(ctx, c >= 0, CEPMAN_ERR_RANGE, "%s option '%s' is '%.100s', must be true or false",
                    o->kind, name, text);
        return set_number(o, ctx, i, c & 1);
    }
    case CEPMAN_OPTION_INTEGER:
    case CEPMAN_OPTION_REAL:
        if (t->choices && strcmp(text, t->choices) == 0) {
            o->values[i].number = (double)NAN;
            o->values[i].given = true;
            return CEPMAN_OK;
        }
        if (t->type == CEPMAN_OPTION_INTEGER) {
            CEP_REQUIRE(ctx, cep_parse_integer(text, &integer), CEPMAN_ERR_RANGE,
                        "%s option '%s' is '%.100s', must be an integer%s%s", o->kind, name, text,
                        t->choices ? " or " : "", t->choices ? t->choices : "");
            return cepman_options_set_integer(o, ctx, name, integer);
        }
        CEP_REQUIRE(ctx, cep_parse_real(text, &real), CEPMAN_ERR_RANGE,
                    "%s option '%s' is '%.100s', must be a number%s%s", o->kind, name, text,
                    t->choices ? " or " : "", t->choices ? t->choices : "");
        return set_number(o, ctx, i, real);
    default:
        return set_text(o, ctx, i, text);
    }
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static const char *choice_word(const cepman_options *o, size_t i)
{
    const char *p = o->values[i].words;
    for (int c = (int)o->values[i].number; c > 0; c--)
        p += strlen(p) + 1;
    return p;
}

cepman_status cepman_options_get_flag(const cepman_options *o, cepman_context *ctx, const char *name, int *v)
{
    size_t i;
    cepman_status s = look_up(o, ctx, name, 1u << CEPMAN_OPTION_FLAG, &i);
    if (s) return s;
    CEP_REQUIRE(ctx, v, CEPMAN_ERR_ARGUMENT, "value is NULL");
    *v = o->values[i].number != 0;
    return CEPMAN_OK;
}

cepman_status cepman_options_get_integer(const cepman_options *o, cepman_context *ctx, const char *name,
                                         int64_t *v)
{
    size_t i;
    cepman_status s = look_up(o, ctx, name, 1u << CEPMAN_OPTION_INTEGER, &i);
    if (s) return s;
    CEP_REQUIRE(ctx, v, CEPMAN_ERR_ARGUMENT, "value is NULL");
    CEP_REQUIRE(ctx, !isnan(o->values[i].number), CEPMAN_ERR_OPTION, "%s option '%s' is %s", o->kind, name,
                o->table[i].choices);
    *v = (int64_t)o->values[i].number;
    return CEPMAN_OK;
}

cepman_status cepman_options_get_real(const cepman_options *o, cepman_context *ctx, const char *name,
                                      double *v)
{
    size_t i;
    cepman_status s = look_up(o, ctx, name, 1u << CEPMAN_OPTION_REAL, &i);
    if (s) return s;
    CEP_REQUIRE(ctx, v, CEPMAN_ERR_ARGUMENT, "value is NULL");
    *v = o->values[i].number;
    return CEPMAN_OK;
}

static const char *option_text(const cepman_options *o, size_t i)
{
    if (o->table[i].type == CEPMAN_OPTION_CHOICE) return choice_word(o, i);
    return o->values[i].text ? o->values[i].text : "";
}

cepman_status cepman_options_get_text(const cepman_options *o, cepman_context *ctx, const char *name,
                                      const char **v)
{
    size_t i;
    cepman_status s = look_up(o, ctx, name, 1u << CEPMAN_OPTION_CHOICE | 1u << CEPMAN_OPTION_TEXT, &i);
    if (s) return s;
    CEP_REQUIRE(ctx, v, CEPMAN_ERR_ARGUMENT, "value is NULL");
    *v = option_text(o, i);
    return CEPMAN_OK;
}

const char *cepman_options_kind(const cepman_options *o)
{
    return o ? o->kind : NULL;
}

size_t cepman_options_count(const cepman_options *o)
{
    return o ? o->count : 0;
}

static const cep_option *row(const cepman_options *o, size_t i)
{
    static const cep_option none = {NULL, CEPMAN_OPTION_FLAG, (double)NAN, (double)NAN, (double)NAN, NULL,
                                    NULL};
    return o && i < o->count ? &o->table[i] : &none;
}

const char *cepman_options_name(const cepman_options *o, size_t i)
{
    return row(o, i)->name;
}

const char *cepman_options_help(const cepman_options *o, size_t i)
{
    return row(o, i)->help;
}

cepman_option_type cepman_options_type(const cepman_options *o, size_t i)
{
    return row(o, i)->type;
}

double cepman_options_minimum(const cepman_options *o, size_t i)
{
    return row(o, i)->minimum;
}

double cepman_options_maximum(const cepman_options *o, size_t i)
{
    return row(o, i)->maximum;
}

const char *cepman_options_choices(const cepman_options *o, size_t i)
{
    return row(o, i)->choices;
}

int cepman_options_is_set(const cepman_options *o, size_t i)
{
    return o && i < o->count && o->values[i].given;
}

size_t cepman_options_format(const cepman_options *o, size_t i, char *text, size_t size)
{
    char number[128];
    const char *t = "";
    if (o && i < o->count) {
        const value *v = &o->values[i];
        switch (o->table[i].type) {
        case CEPMAN_OPTION_FLAG:
            t = v->number != 0 ? "true" : "false";
            break;
        case CEPMAN_OPTION_INTEGER:
        case CEPMAN_OPTION_REAL:
            t = number;
            if (isnan(v->number) && o->table[i].choices)
                t = o->table[i].choices;
            else if (o->table[i].type == CEPMAN_OPTION_INTEGER)
                snprintf(number, sizeof number, "%lld", (long long)v->number);
            else
                cep_format_real(number, sizeof number, v->number);
            break;
        case CEPMAN_OPTION_CHOICE:
        case CEPMAN_OPTION_TEXT:
            t = option_text(o, i);
            break;
        }
    }
    size_t n = strlen(t);
    if (size) {
        size_t m = n < size - 1 ? n : size - 1;
        memcpy(text, t, m);
        text[m] = 0;
    }
    return n;
}

/* ---- for stages ------------------------------------------------------------------------------------------- */

bool cep_options_flag(const cepman_options *o, const char *name)
{
    size_t i = find(o, name);
    return i < o->count && o->values[i].number != 0;
}

int64_t cep_options_integer(const cepman_options *o, const char *name)
{
    size_t i = find(o, name);
    return i < o->count && !isnan(o->values[i].number) ? (int64_t)o->values[i].number : 0;
}

double cep_options_real(const cepman_options *o, const char *name)
{
    size_t i = find(o, name);
    return i < o->count ? o->values[i].number : (double)NAN;
}

bool cep_options_auto(const cepman_options *o, const char *name)
{
    size_t i = find(o, name);
    return i < o->count && isnan(o->values[i].number);
}

int cep_options_choice(const cepman_options *o, const char *name)
{
    size_t i = find(o, name);
    return i < o->count ? (int)o->values[i].number : 0;
}

const char *cep_options_text(const cepman_options *o, const char *name)
{
    size_t i = find(o, name);
    bool textual =
        i < o->count && (o->table[i].type == CEPMAN_OPTION_CHOICE || o->table[i].type == CEPMAN_OPTION_TEXT);
    return textual ? option_text(o, i) : "";
}

bool cep_options_given(const cepman_options *o, const char *name)
{
    size_t i = find(o, name);
    return i < o->count && o->values[i].given;
}

cepman_status cep_options_resolve(cepman_options **out, cepman_context *ctx, const cepman_options *options,
                                  const char *kind, const cep_option *table)
{
    if (!options) return cep_options_create(out, ctx, kind, table);
    CEP_REQUIRE(ctx, options->table == table, CEPMAN_ERR_OPTION,
                "options of kind '%s' given where '%s' belongs", options->kind, kind);
    return cepman_options_copy(out, ctx, options);
}
