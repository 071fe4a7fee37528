/* The library's own threads, as parallel.c uses them. */
#ifndef CEP_POOL_H
#define CEP_POOL_H

#include "base.h"

typedef struct cep_pool cep_pool;

/* Starts `threads` helpers. NULL when memory or threads are short: *status says which. */
cep_pool *cep_pool_create(cep_memory *mem, unsigned threads, cepman_status *status);
void cep_pool_destroy(void *pool);
/* Every helper calls body(argument, 1 .. threads) once. Returns at once. */
void cep_pool_start(cep_pool *pool, void (*body)(void *argument, unsigned worker), void *argument);
/* Waits at most `milliseconds` for all helpers to have returned from body; true when they have. */
bool cep_pool_wait(cep_pool *pool, unsigned milliseconds);
/* False in a child process after fork(): the helpers stayed in the parent. */
bool cep_pool_alive(const cep_pool *pool);
unsigned cep_pool_size(const cep_pool *pool);

#endif
