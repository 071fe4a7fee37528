/* Option setters: any name, number and text, on the options of every stage. A setter that fails changes nothing; what is
 * accepted lies within the bounds of the table, reads back, and goes through text unchanged. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cepman/cepman.h>

#include "fuzz.h"

enum { LONGEST = 80, FLAG = 1, INTEGER, REAL, TEXT, PARSE, COPY, OPS };

typedef cepman_status (*maker)(cepman_options **out, cepman_context *context);

static const maker makers[] = {
    cepman_dataset_options_create, cepman_cepstrum_options_create,      cepman_pca_options_create,
    cepman_vae_options_create,     cepman_neighbors_options_create,     cepman_umap_options_create,
    cepman_kmeans_options_create,  cepman_kmeans_stream_options_create, cepman_mixture_options_create,
    cepman_hdbscan_options_create, cepman_hdbscan_tree_options_create,  cepman_consensus_options_create,
    cepman_simulate_options_create};
enum { TABLES = sizeof makers / sizeof *makers };

typedef struct bytes {
    const uint8_t *at;
    size_t left;
} bytes;

static uint8_t next(bytes *b)
{
    if (b->left == 0) return 0;
    b->left--;
    return *b->at++;
}

static void next_number(bytes *b, void *number)
{
    unsigned char *p = number;
    for (int i = 0; i < 8; i++)
        p[i] = next(b);
}

static void next_text(bytes *b, char text[LONGEST + 1])
{
    size_t n = next(b) % (LONGEST + 1);
    if (n > b->left) n = b->left;
    memcpy(text, b->at, n);
    text[n] = 0;
    b->at += n;
    b->left -= n;
}

static void need(int good)
{
    if (!good) abort();
}

/* One value as text, on the heap. */
static char *shown(const cepman_options *o, size_t index)
{
    const size_t n = cepman_options_format(o, index, NULL, 0);
    char *text = malloc(n + 1);
    need(text && cepman_options_format(o, index, text, n + 1) == n && strlen(text) == n);
    return text;
}

static size_t index_of(const cepman_options *o, const char *name)
{
    size_t i = 0;
    while (i < cepman_options_count(o) && strcmp(cepman_options_name(o, i), name) != 0)
        i++;
    return i;
}

/* What the table says holds for the value, by every getter. */
static void check_value(const cepman_options *o, size_t index)
{
    const char *name = cepman_options_name(o, index), *text = NULL;
    const cepman_option_type type = cepman_options_type(o, index);
    const double least = cepman_options_minimum(o, index), most = cepman_options_maximum(o, index);
    int flag = -1;
    int64_t integer = INT64_MIN;
    double real = NAN;
    char *whole = shown(o, index);
    const bool automatic = type != CEPMAN_OPTION_CHOICE && type != CEPMAN_OPTION_TEXT &&
                           cepman_options_choices(o, index) &&
                           strcmp(whole, cepman_options_choices(o, index)) == 0;
    const bool has_flag = !cepman_options_get_flag(o, NULL, name, &flag);
    const bool has_integer = !cepman_options_get_integer(o, NULL, name, &integer);
    const bool has_real = !cepman_options_get_real(o, NULL, name, &real);
    const bool has_text = !cepman_options_get_text(o, NULL, name, &text);
    need(has_flag == (type == CEPMAN_OPTION_FLAG));
    need(!has_flag || flag == 0 || flag == 1);
    need(has_text == (type == CEPMAN_OPTION_CHOICE || type == CEPMAN_OPTION_TEXT));
    need(!has_text || strcmp(text, whole) == 0);
    if (type == CEPMAN_OPTION_INTEGER && has_integer && !automatic)
        need((double)integer >= least && (double)integer <= most);
    if (type == CEPMAN_OPTION_REAL)
        need(has_real && (automatic ? isnan(real) : real >= least && real <= most));
    if (type == CEPMAN_OPTION_CHOICE) {
        const size_t n = strlen(text);
        bool found = false;
        for (const char *w = cepman_options_choices(o, index); w; w = strchr(w, '|'), w = w ? w + 1 : NULL)
            found |= strncmp(w, text, n) == 0 && (w[n] == 0 || w[n] == '|');
        need(found);
    }
    free(whole);
}

/* The same value after it went through text. */
static void check_text(cepman_context *ctx, const cepman_options *o, size_t index)
{
    cepman_options *copy = NULL;
    char *text = shown(o, index);
    need(!cepman_options_copy(&copy, ctx, o));
    need(!cepman_options_parse(copy, ctx, cepman_options_name(o, index), text));
    char *again = shown(copy, index);
    need(strcmp(text, again) == 0);
    free(again);
    free(text);
    cepman_options_unref(copy);
}

static void one(cepman_context *ctx, cepman_options **o, bytes *b)
{
    char name[LONGEST + 1], text[LONGEST + 1];
    const uint8_t op = next(b) % OPS, which = next(b);
    int64_t integer;
    double real;
    cepman_status s = CEPMAN_OK;
    /* Mostly a name of the table, else any. */
    if (which < 224) {
        strncpy(name, cepman_options_name(*o, which % cepman_options_count(*o)), LONGEST);
        name[LONGEST] = 0;
    } else {
        next_text(b, name);
    }
    const size_t index = index_of(*o, name);
    const bool known = index < cepman_options_count(*o);
    char *before = known ? shown(*o, index) : NULL;
    if (op == FLAG) s = cepman_options_set_flag(*o, ctx, name, (int8_t)next(b));
    if (op == INTEGER) {
        next_number(b, &integer);
        s = cepman_options_set_integer(*o, which % 2 ? ctx : NULL, name, which % 4 ? integer : integer % 100);
    }
    if (op == REAL) {
        next_number(b, &real);
        s = cepman_options_set_real(*o, ctx, name, real);
    }
    if (op == TEXT || op == PARSE) next_text(b, text);
    if (op == TEXT) s = cepman_options_set_text(*o, ctx, name, text);
    if (op == PARSE) s = cepman_options_parse(*o, ctx, name, text);
    if (op == COPY) {
        cepman_options *copy = NULL;
        need(!cepman_options_copy(&copy, ctx, *o));
        cepman_options_unref(*o);
        *o = copy;
    }
    need(s == CEPMAN_OK || s == CEPMAN_ERR_OPTION || s == CEPMAN_ERR_RANGE);
    need(known || s || op == 0 || op == COPY);
    if (known) {
        char *after = shown(*o, index);
        need(!s || strcmp(before, after) == 0);
        free(after);
        check_value(*o, index);
        check_text(ctx, *o, index);
    }
    free(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cepman_context *ctx = NULL;
    cepman_options *o = NULL;
    bytes b = {data, size};
    if (cepman_context_create(&ctx, NULL)) return 0;
    const size_t used = cepman_context_memory_used(ctx);
    need(!makers[next(&b) % TABLES](&o, ctx));
    for (int i = 0; b.left && i < 40; i++)
        one(ctx, &o, &b);
    cepman_options_unref(o);
    need(cepman_context_memory_used(ctx) == used);
    cepman_context_unref(ctx);
    return 0;
}

/* One for each table: every option is set in each way, to numbers and words that some of them take. */
size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    static const char *const words[] = {
        "auto", "1", "0.5", "-1e300", "nan", "true", "exact", "1e3", "9223372036854775808"};
    if (index >= TABLES || room < 1200) return 0;
    size_t n = 0;
    data[n++] = (uint8_t)index;
    for (unsigned i = 0; i < 30; i++) {
        const double real = i % 3 ? 0.25 * i : 2;
        const int64_t integer = i % 5 ? (int64_t)i : -1;
        const char *word = words[i % 9];
        data[n++] = (uint8_t)(1 + i % (OPS - 1));
        data[n++] = (uint8_t)(i % 11 == 10 ? 230 : 2 * i);
        if (i % 11 == 10) {
            data[n++] = 3;
            memcpy(data + n, "k2\xff", 3);
            n += 3;
        }
        switch (1 + i % (OPS - 1)) {
        case FLAG:
            data[n++] = (uint8_t)(i % 2);
            break;
        case INTEGER:
            memcpy(data + n, &integer, 8);
            n += 8;
            break;
        case REAL:
            memcpy(data + n, &real, 8);
            n += 8;
            break;
        case TEXT:
        case PARSE:
            data[n++] = (uint8_t)strlen(word);
            memcpy(data + n, word, strlen(word));
            n += strlen(word);
        }
    }
    return n;
}
