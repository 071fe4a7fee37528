/* Decoder of HDF5 filter 32008 (bitshuffle with LZ4), so that no plug-in is needed.
 * Layouts: the LZ4 block format (token, literals, two-byte offset, match) and bitshuffle's chunk of bit planes.
 * Must not: read or write a byte outside the buffers, whatever the input. */
#include "bitshuffle.h"

#include <string.h>

/* Length that continues while bytes are 255. */
static bool longer(const unsigned char **p, const unsigned char *end, size_t *length)
{
    unsigned char c;
    do {
        if (*p >= end || *length > ((size_t)1 << 40)) return false;
        c = *(*p)++;
        *length += c;
    } while (c == 255);
    return true;
}

bool cep_lz4_block(const unsigned char *from, size_t size, unsigned char *to, size_t room)
{
    const unsigned char *p = from, *end = from + size;
    size_t done = 0;
    while (p < end) {
        unsigned token = *p++;
        size_t literals = token >> 4, match = token & 15;
        if (literals == 15 && !longer(&p, end, &literals)) return false;
        if (literals > (size_t)(end - p) || literals > room - done) return false;
        if (literals) memcpy(to + done, p, literals);
        done += literals;
        p += literals;
        if (p == end) break; /* the last sequence has literals alone */
        if (end - p < 2) return false;
        size_t offset = (size_t)p[0] | (size_t)p[1] << 8;
        p += 2;
        if (match == 15 && !longer(&p, end, &match)) return false;
        match += 4;
        if (offset == 0 || offset > done || match > room - done) return false;
        /* The match may overlap what it makes: byte by byte unless it does not. */
        if (offset >= match) {
            memcpy(to + done, to + done - offset, match);
            done += match;
        } else {
            for (; match; match--, done++)
                to[done] = to[done - offset];
        }
    }
    return done == room;
}

/* Transposes 8 x 8 bits: bit j of byte i becomes bit i of byte j (Warren, Hacker's Delight, 7-3). */
static uint64_t transpose(uint64_t x)
{
    uint64_t t = (x ^ (x >> 7)) & 0x00aa00aa00aa00aau;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000cccc0000ccccu;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000f0f0f0f0u;
    return x ^ t ^ (t << 28);
}

void cep_bit_unshuffle(const unsigned char *from, unsigned char *to, size_t count, size_t size)
{
    size_t plane = count / 8; /* bytes of one bit of all numbers */
    for (size_t byte = 0; byte < size; byte++)
        for (size_t group = 0; group < plane; group++) {
            const unsigned char *p = from + byte * 8 * plane + group;
            uint64_t x = 0;
            for (size_t bit = 0; bit < 8; bit++)
                x |= (uint64_t)p[bit * plane] << 8 * bit;
            x = transpose(x);
            unsigned char *q = to + group * 8 * size + byte;
            for (size_t i = 0; i < 8; i++, x >>= 8)
                q[i * size] = (unsigned char)x;
        }
}

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

size_t cep_bitshuffle_scratch(const unsigned char *from, size_t bytes, size_t total, size_t size)
{
    if (bytes < 12 || size == 0 || total == 0) return 0;
    uint64_t stored = (uint64_t)big32(from) << 32 | big32(from + 4);
    size_t block = big32(from + 8);
    if (stored != total || block == 0 || block % (8 * size) != 0) return 0;
    return block < total ? block : total;
}

bool cep_bitshuffle_chunk(const unsigned char *from, size_t bytes, unsigned char *to, size_t total,
                          size_t size, unsigned char *scratch, size_t scratch_bytes)
{
    size_t need = cep_bitshuffle_scratch(from, bytes, total, size);
    if (!need || need > scratch_bytes || total % size) return false;
    const unsigned char *p = from + 12, *end = from + bytes;
    size_t block = big32(from + 8), shuffled = total / size / 8 * 8 * size, done = 0;
    while (done < shuffled) {
        size_t n = shuffled - done < block ? shuffled - done : block;
        if (end - p < 4) return false;
        size_t packed = big32(p);
        p += 4;
        if (packed > (size_t)(end - p) || !cep_lz4_block(p, packed, scratch, n)) return false;
        cep_bit_unshuffle(scratch, to + done, n / size, size);
        p += packed;
        done += n;
    }
    if ((size_t)(end - p) != total - done) return false;
    if (total > done) memcpy(to + done, p, total - done);
    return true;
}
