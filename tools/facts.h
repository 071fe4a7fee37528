/* Facts of a dataset, as info and run write them. */
#ifndef FACTS_H
#define FACTS_H

#include "tool.h"

/* As an object of its own; key NULL: as members of the one that is open. */
void facts_json(json *j, const char *key, const char *path, const cepman_dataset *dataset);
/* Pixels that the mask leaves out. */
size_t facts_masked(const cepman_dataset *dataset);

#endif
