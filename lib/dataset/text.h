/* Small text parsing for headers and records: never past the end, no locale. Private to dataset/. */
#ifndef CEP_TEXT_H
#define CEP_TEXT_H

#include "base.h"

/* A piece of text that need not end with a 0. at is NULL for none. */
typedef struct cep_text {
    const char *at, *end;
} cep_text;

/* Digits at p up to 2^62; *after is what follows. */
bool cep_text_digits(const char *p, const char **after, uint64_t *value);
cep_text cep_text_trim(cep_text text);
bool cep_text_is(cep_text text, const char *word);
bool cep_text_integer(cep_text text, uint64_t *value); /* not negative, at most 2^62 */
bool cep_text_real(cep_text text, double *value);      /* finite */
/* The first number of "[a, b]". */
bool cep_text_list_real(cep_text text, double *value);
/* From the first place of word to the end of the text. */
cep_text cep_text_find(cep_text text, const char *word);
/* At most size - 1 bytes and an end mark; empty when it does not fit. */
void cep_text_copy(cep_text text, char *buffer, size_t size);
/* The text up to separator (or all); *rest is what follows it, at NULL when there was none. */
cep_text cep_text_split(cep_text text, char separator, cep_text *rest);

/* Element number `index` of that name, at any depth: what is inside it, and its attributes (may be NULL). No
 * entities, comments or nesting of equal names: none of the records here has them. */
bool cep_xml_element(cep_text text, const char *name, size_t index, cep_text *inside, cep_text *attributes);
bool cep_xml_attribute(cep_text attributes, const char *name, cep_text *value);

/* A JSON object's scan_step_nm and reciprocal_pixel_per_angstrom, NaN where they are not; false, with both left as they
 * were, when it is no object or one of them is not a positive number. */
bool cep_calibrations_parse(cep_text text, double *scan_step, double *reciprocal_pixel);

#endif
