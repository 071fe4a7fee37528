/* What the files of base/ share among themselves. */
#ifndef CEP_BASE_INTERNAL_H
#define CEP_BASE_INTERNAL_H

#include "base.h"

cep_memory *cep_memory_create(const cepman_allocator *host);
void cep_memory_set_limit(cep_memory *mem, size_t bytes);
size_t cep_memory_used(const cep_memory *mem);
size_t cep_memory_peak(const cep_memory *mem);

#endif
