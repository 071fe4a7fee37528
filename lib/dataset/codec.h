/* What chunks of HDF5 and Zarr are compressed with. Private to dataset/; functions of bytes, thread-safe. */
#ifndef CEP_CODEC_H
#define CEP_CODEC_H

#include "base.h"

typedef enum cep_codec {
    CEP_CODEC_NONE,
    CEP_CODEC_BLOSC,
    CEP_CODEC_ZLIB, /* or gzip: the stream tells */
    CEP_CODEC_ZSTD,
    CEP_CODEC_LZ4, /* a u32 of the whole length, then one block */
    CEP_CODEC_LZF
} cep_codec;

/* False when this library was built without what the codec needs. */
bool cep_codec_there(cep_codec codec);
const char *cep_codec_name(cep_codec codec);
/* A chunk that must hold exactly total bytes: else, or when it is damaged, CEPMAN_ERR_FORMAT; CEPMAN_ERR_MEMORY. */
cepman_status cep_codec_decode(cep_codec codec, cep_memory *mem, const unsigned char *from, size_t bytes,
                               unsigned char *to, size_t total);
/* count numbers of `size` bytes out of their byte planes. */
void cep_byte_unshuffle(const unsigned char *from, unsigned char *to, size_t count, size_t size);

#endif
