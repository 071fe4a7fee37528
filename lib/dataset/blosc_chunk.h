/* Chunks compressed with Blosc, through its library where the build has it. Private to dataset/. */
#ifndef CEP_BLOSC_CHUNK_H
#define CEP_BLOSC_CHUNK_H

#include "base.h"

/* False in a library built without Blosc: no chunk can be decoded then. */
bool cep_blosc_there(void);
/* A chunk that must hold exactly total bytes. Thread-safe. */
bool cep_blosc_chunk(const unsigned char *from, size_t bytes, unsigned char *to, size_t total);

#endif
