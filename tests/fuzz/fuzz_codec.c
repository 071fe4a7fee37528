/* The decoders of chunks, apart from any file: the first byte chooses one, the second how many bytes must come out. */
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    static const cep_codec codecs[] = {CEP_CODEC_NONE, CEP_CODEC_BLOSC, CEP_CODEC_ZLIB,
                                       CEP_CODEC_ZSTD, CEP_CODEC_LZ4,   CEP_CODEC_LZF};
    const cep_codec codec = codecs[data[0] % 6];
    const size_t total = (size_t)data[1] * (data[0] >> 4 ? 37 : 1);
    cepman_context *ctx = NULL;
    if (cepman_context_create(&ctx, NULL)) abort();
    cepman_context_set_memory_limit(ctx, (size_t)64 << 20);
    uint8_t *to = malloc(total + 1), *back = malloc(total + 1); /* of exact size, for sanitizers */
    if (!to || !back) abort();
    const size_t used = cepman_context_memory_used(ctx);
    cepman_status s = cep_codec_decode(codec, cep_context_memory(ctx), data + 2, size - 2, to, total);
    if (s != CEPMAN_OK && s != CEPMAN_ERR_FORMAT && s != CEPMAN_ERR_MEMORY) abort();
    if (!s && cep_codec_there(codec))
        for (size_t number = 1; number <= 8; number *= 2) { /* planes put together hold the same bytes */
            unsigned sums[2] = {0, 0};
            const size_t whole = total / number * number;
            cep_byte_unshuffle(to, back, total / number, number);
            for (size_t i = 0; i < whole; i++) {
                sums[0] += to[i];
                sums[1] += back[i];
            }
            if (sums[0] != sums[1]) abort();
        }
    if (cepman_context_memory_used(ctx) != used) abort();
    free(to);
    free(back);
    cepman_context_unref(ctx);
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    static const uint8_t seeds[][28] = {
        {0, 3, 'a', 'b', 'c'},
        {2, 12, 0x78, 0x01, 0x63, 0x60, 0x40, 0x05, 0, 0, 0x0c, 0, 0x01},
        {4, 12, 12, 0, 0, 0, 0x13, 'a', 1, 0, 0x50, 'a', 'b', 'c', 'd', 'e'},
        {5, 12, 0, 'a', 0x20, 0, 0xe0, 0, 0},
        {5, 12, 3, 'a', 'b', 'c', 'd', 0xc0, 3},
    };
    static const size_t sizes[] = {5, 13, 14, 7, 9};
    if (index >= 5 || room < sizeof seeds[0]) return 0;
    memcpy(data, seeds[index], sizes[index]);
    return sizes[index];
}
