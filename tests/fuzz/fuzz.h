/* What a fuzz target offers to libFuzzer and to the standalone driver. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Seed number index of the target into data; its size, 0 when there is no such seed. */
size_t fuzz_seed(unsigned index, uint8_t *data, size_t room);

#endif
