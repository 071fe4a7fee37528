/* Chunks of HDF5 filter 32008: bits shuffled, then LZ4 in blocks. Private to dataset/; pure functions of bytes. */
#ifndef CEP_BITSHUFFLE_H
#define CEP_BITSHUFFLE_H

#include "base.h"

/* One LZ4 block of size bytes, which must give exactly room bytes. */
bool cep_lz4_block(const unsigned char *from, size_t size, unsigned char *to, size_t room);
/* count (a multiple of 8) numbers of `size` bytes out of their bit planes. */
void cep_bit_unshuffle(const unsigned char *from, unsigned char *to, size_t count, size_t size);
/* A chunk as the filter stores it: bytes in total (u64), bytes of a block (u32), then per block its compressed size
 * (u32) and data, all big-endian; what is left below eight numbers is stored as it is. It must hold exactly `total`
 * bytes of numbers of `size` bytes. scratch: cep_bitshuffle_scratch() bytes. */
bool cep_bitshuffle_chunk(const unsigned char *from, size_t bytes, unsigned char *to, size_t total,
                          size_t size, unsigned char *scratch, size_t scratch_bytes);
/* Bytes of scratch a chunk needs: its block size, at most total. 0: the chunk's head is wrong. */
size_t cep_bitshuffle_scratch(const unsigned char *from, size_t bytes, size_t total, size_t size);

#endif
