/* Walking through JSON text (RFC 8259) where it lies: no tree, no allocation, never past the end. Private to dataset/. */
#ifndef CEP_JSON_H
#define CEP_JSON_H

#include "text.h"

/* What is between the brackets (open: '{' or '[') of a value; false when it is no such thing. */
bool cep_json_inside(cep_text value, char open, cep_text *inside);
/* The next member of an object (name: as it stands between its quotes) or item of an array (name NULL), and *rest after
 * it. False at the end, and, with rest->at NULL, when the text is not JSON. */
bool cep_json_next(cep_text *rest, cep_text *name, cep_text *value);
/* The value of an object's member; false when the text is no object or has none of that name. */
bool cep_json_member(cep_text object, const char *name, cep_text *value);
/* A string of at most size - 1 bytes, with its escapes; false, and an empty text, for anything else. */
bool cep_json_string(cep_text value, char *text, size_t size);

#endif
