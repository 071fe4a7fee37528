/* Decoding chunks: zlib and gzip (RFC 1950, 1952), Zstandard (RFC 8878), LZ4 blocks, LZF, Blosc, and byte planes put together.
 * The libraries are used one call a chunk, without global state; each is there when the build found it.
 * Must not: write past `total`, or take a chunk that holds less. */
#include "codec.h"

#include <limits.h>

#include "bitshuffle.h"
#include "blosc_chunk.h"

#ifdef CEP_HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef CEP_HAVE_ZSTD
#include <zstd.h>
#endif

#ifdef CEP_HAVE_ZLIB

static voidpf zlib_take(voidpf mem, uInt count, uInt size)
{
    return cep_alloc(mem, count, size);
}

static void zlib_give(voidpf mem, voidpf pointer)
{
    cep_free(mem, pointer);
}

static cepman_status zlib_decode(cep_memory *mem, const unsigned char *from, size_t bytes, unsigned char *to,
                                 size_t total)
{
    if (bytes > UINT_MAX || total > UINT_MAX) return CEPMAN_ERR_FORMAT;
    z_stream z = {.zalloc = zlib_take, .zfree = zlib_give, .opaque = mem};
    z.next_in = (Bytef *)(uintptr_t)from; /* zlib only reads it */
    z.avail_in = (uInt)bytes;
    z.next_out = to;
    z.avail_out = (uInt)total;
    int code = inflateInit2(&z, 15 + 32); /* + 32: zlib or gzip */
    if (code == Z_OK) {
        code = inflate(&z, Z_FINISH);
        inflateEnd(&z);
    }
    if (code == Z_MEM_ERROR) return CEPMAN_ERR_MEMORY;
    return code == Z_STREAM_END && z.avail_out == 0 ? CEPMAN_OK : CEPMAN_ERR_FORMAT;
}

#endif

bool cep_codec_there(cep_codec codec)
{
#ifndef CEP_HAVE_ZLIB
    if (codec == CEP_CODEC_ZLIB) return false;
#endif
#ifndef CEP_HAVE_ZSTD
    if (codec == CEP_CODEC_ZSTD) return false;
#endif
    return codec != CEP_CODEC_BLOSC || cep_blosc_there();
}

const char *cep_codec_name(cep_codec codec)
{
    static const char *const names[] = {"none", "Blosc", "zlib", "Zstandard", "LZ4", "LZF"};
    return names[codec];
}

static bool lz4_decode(const unsigned char *from, size_t bytes, unsigned char *to, size_t total)
{
    if (bytes <= 4) return false;
    const uint32_t whole =
        (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
    return whole == total && cep_lz4_block(from + 4, bytes - 4, to, total);
}

/* Runs of 1 to 32 bytes as they are, and of 3 to 264 that came up to 8 KiB before: a byte of three bits of length (7: another
 * byte follows) and five of distance, and a byte of the rest of it. */
static bool lzf_decode(const unsigned char *from, size_t bytes, unsigned char *to, size_t total)
{
    const unsigned char *end = from + bytes;
    size_t n = 0;
    while (from < end) {
        const unsigned code = *from++;
        size_t length = code < 32 ? code + 1 : code >> 5;
        if (code < 32) {
            if (length > (size_t)(end - from) || length > total - n) return false;
            memcpy(to + n, from, length);
            from += length;
        } else {
            if (length == 7 && from < end) length += *from++;
            if (from == end) return false;
            const size_t back = ((size_t)(code & 31) << 8) + *from++ + 1;
            length += 2;
            if (back > n || length > total - n) return false;
            for (size_t i = 0; i < length; i++) /* may overlap */
                to[n + i] = to[n + i - back];
        }
        n += length;
    }
    return n == total;
}

cepman_status cep_codec_decode(cep_codec codec, cep_memory *mem, const unsigned char *from, size_t bytes,
                               unsigned char *to, size_t total)
{
    bool good = false;
    (void)mem;
    switch (codec) {
    case CEP_CODEC_NONE:
        good = bytes == total;
        if (good) memcpy(to, from, total);
        break;
    case CEP_CODEC_BLOSC:
        good = cep_blosc_chunk(from, bytes, to, total);
        break;
    case CEP_CODEC_LZF:
        good = lzf_decode(from, bytes, to, total);
        break;
    case CEP_CODEC_LZ4:
        good = lz4_decode(from, bytes, to, total);
        break;
#ifdef CEP_HAVE_ZLIB
    case CEP_CODEC_ZLIB:
        return zlib_decode(mem, from, bytes, to, total);
#endif
#ifdef CEP_HAVE_ZSTD
    case CEP_CODEC_ZSTD:
        good = ZSTD_decompress(to, total, from, bytes) == total;
        break; /* errors are larger */
#endif
    default:
        break;
    }
    return good ? CEPMAN_OK : CEPMAN_ERR_FORMAT;
}

void cep_byte_unshuffle(const unsigned char *from, unsigned char *to, size_t count, size_t size)
{
    for (size_t b = 0; b < size; b++, from += count)
        for (size_t i = 0; i < count; i++)
            to[i * size + b] = from[i];
}
