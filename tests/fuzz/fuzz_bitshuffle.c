/* The decoder of HDF5 filter 32008. The first byte is the size of a number, the next two the bytes expected. */
#include <stdlib.h>
#include <string.h>

#include "bitshuffle.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) return 0;
    size_t number = (size_t)1 << (data[0] & 3), total = (size_t)data[1] << 8 | data[2];
    total = total / number * number;
    size_t room = cep_bitshuffle_scratch(data + 3, size - 3, total, number);
    unsigned char *to = malloc(total + 1), *scratch = malloc(room + 1);
    if (!to || !scratch) abort();
    if (room) cep_bitshuffle_chunk(data + 3, size - 3, to, total, number, scratch, room);
    cep_lz4_block(data + 3, size - 3, to, total);
    free(to);
    free(scratch);
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    /* 64 zeros as one block of u16 (a run of matches), and three bytes of one block and a rest. */
    static const uint8_t zeros[] = {1, 0, 64, 0,  0,    0, 0, 0, 0,  0,    64, 0, 0, 0, 64,
                                    0, 0, 0,  11, 0x1f, 0, 1, 0, 39, 0x50, 0,  0, 0, 0, 0};
    static const uint8_t rest[] = {0, 0, 11, 0,    0, 0, 0, 0, 0, 0, 11, 0, 0, 0, 8, 0,
                                   0, 0, 9,  0x80, 1, 2, 3, 4, 5, 6, 7,  8, 9, 9, 9};
    const uint8_t *seed = index == 0 ? zeros : rest;
    size_t n = index == 0 ? sizeof zeros : index == 1 ? sizeof rest : 0;
    if (n > room) return 0;
    memcpy(data, seed, n);
    return n;
}
