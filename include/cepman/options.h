/* Options: named, typed, bounds-checked settings of one stage, all driven by the stage's table.
 *
 * A stage makes its own kind (cepman_umap_options_create(), ...), filled with defaults. The same table feeds the
 * setters, the command line, the documentation and the saved provenance. An options object is used by one
 * thread at a time; a stage copies what it needs. */
#ifndef CEPMAN_OPTIONS_H
#define CEPMAN_OPTIONS_H

#include <cepman/context.h>

CEPMAN_BEGIN

/* The settings of one stage: opaque, reference-counted; used by one thread at a time. */
typedef struct cepman_options cepman_options;

/* What an option holds. The values are pinned. */
typedef enum cepman_option_type {
    CEPMAN_OPTION_FLAG = 0, /* 0 or 1 */
    CEPMAN_OPTION_INTEGER = 1,
    CEPMAN_OPTION_REAL = 2,
    CEPMAN_OPTION_CHOICE = 3, /* one of a list of words */
    CEPMAN_OPTION_TEXT = 4    /* free text, for example a path */
} cepman_option_type;

CEPMAN_API void cepman_options_unref(cepman_options *options);
CEPMAN_API cepman_options *cepman_options_ref(cepman_options *options);
/* An independent copy. */
CEPMAN_API cepman_status cepman_options_copy(cepman_options **out, cepman_context *context,
                                             const cepman_options *options);

/* Setters. CEPMAN_ERR_OPTION: no such name, or another type; CEPMAN_ERR_RANGE: outside the bounds (the message
 * names them). Integers may be set on real options. A NULL context is allowed and loses the sentence. */
CEPMAN_API cepman_status cepman_options_set_flag(cepman_options *options, cepman_context *context,
                                                 const char *name, int value);
CEPMAN_API cepman_status cepman_options_set_integer(cepman_options *options, cepman_context *context,
                                                    const char *name, int64_t value);
CEPMAN_API cepman_status cepman_options_set_real(cepman_options *options, cepman_context *context,
                                                 const char *name, double value);
/* For CHOICE and TEXT options. */
CEPMAN_API cepman_status cepman_options_set_text(cepman_options *options, cepman_context *context,
                                                 const char *name, const char *value);
/* From text, whatever the type: "15", "0.1", "true", "auto" where the table allows it. Locale-independent. */
CEPMAN_API cepman_status cepman_options_parse(cepman_options *options, cepman_context *context,
                                              const char *name, const char *value);

/* Getters; the same errors. Text stays valid until the option is set again. */
CEPMAN_API cepman_status cepman_options_get_flag(const cepman_options *options, cepman_context *context,
                                                 const char *name, int *value);
CEPMAN_API cepman_status cepman_options_get_integer(const cepman_options *options, cepman_context *context,
                                                    const char *name, int64_t *value);
CEPMAN_API cepman_status cepman_options_get_real(const cepman_options *options, cepman_context *context,
                                                 const char *name, double *value);
CEPMAN_API cepman_status cepman_options_get_text(const cepman_options *options, cepman_context *context,
                                                 const char *name, const char **value);

/* The table. Index 0 .. count-1; out-of-range indices give NULL, 0 or NaN. All text is static. */
CEPMAN_API const char *cepman_options_kind(const cepman_options *options); /* "umap", "cepstrum", ... */
CEPMAN_API size_t cepman_options_count(const cepman_options *options);
CEPMAN_API const char *cepman_options_name(const cepman_options *options, size_t index);
CEPMAN_API const char *cepman_options_help(const cepman_options *options, size_t index);
CEPMAN_API cepman_option_type cepman_options_type(const cepman_options *options, size_t index);
CEPMAN_API double cepman_options_minimum(const cepman_options *options, size_t index);
CEPMAN_API double cepman_options_maximum(const cepman_options *options, size_t index);
/* Words of a CHOICE, separated by '|' ("eom|leaf"); NULL for other types. A numeric option may list one word
 * too ("auto"), which stands for its "not set" value. */
CEPMAN_API const char *cepman_options_choices(const cepman_options *options, size_t index);
/* 1 when the caller has set it, 0 while it holds the default. */
CEPMAN_API int cepman_options_is_set(const cepman_options *options, size_t index);
/* The present value as text, as cepman_options_parse() takes it. Returns the length it has (without the end
 * mark), and writes at most size bytes with an end mark. Locale-independent. */
CEPMAN_API size_t cepman_options_format(const cepman_options *options, size_t index, char *text, size_t size);

CEPMAN_END

#endif
