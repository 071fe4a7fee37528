/* A plain encoder of HDF5 filter 32008, for tests: bits of each number into planes, then LZ4 with greedy matches. */
#ifndef BSLZ4_H
#define BSLZ4_H

#include <stdint.h>
#include <string.h>

static inline void bit_shuffle(const unsigned char *from, unsigned char *to, size_t count, size_t size)
{
    memset(to, 0, count * size);
    for (size_t i = 0; i < count; i++)
        for (size_t byte = 0; byte < size; byte++)
            for (size_t bit = 0; bit < 8; bit++)
                if (from[i * size + byte] >> bit & 1)
                    to[(byte * 8 + bit) * (count / 8) + i / 8] |= (unsigned char)(1u << i % 8);
}

static inline size_t lz4_length(unsigned char *to, size_t length)
{
    size_t n = 0;
    for (; length >= 255; length -= 255)
        to[n++] = 255;
    to[n++] = (unsigned char)length;
    return n;
}

static inline size_t lz4_sequence(unsigned char *to, const unsigned char *literals, size_t count,
                                  size_t offset, size_t match)
{
    size_t n = 1, more = match ? match - 4 : 0;
    to[0] = (unsigned char)((count < 15 ? count : 15) << 4 | (more < 15 ? more : 15));
    if (count >= 15) n += lz4_length(to + n, count - 15);
    if (count) memcpy(to + n, literals, count);
    n += count;
    if (!match) return n;
    to[n++] = (unsigned char)(offset & 255);
    to[n++] = (unsigned char)(offset >> 8);
    if (more >= 15) n += lz4_length(to + n, more - 15);
    return n;
}

/* At most 2 * size + 64 bytes. The last five bytes are literals, as the format wants. */
static inline size_t lz4_encode(const unsigned char *from, size_t size, unsigned char *to)
{
    size_t at = 0, literals = 0, n = 0;
    while (size > 12 && at + 12 < size) {
        size_t best = 0, offset = 0;
        for (size_t back = 1; back <= at && back <= 16; back++) {
            size_t m = 0;
            while (at + m + 5 < size && from[at + m] == from[at + m - back])
                m++;
            if (m > best) {
                best = m;
                offset = back;
            }
        }
        if (best < 4) {
            at++;
            continue;
        }
        n += lz4_sequence(to + n, from + literals, at - literals, offset, best);
        at += best;
        literals = at;
    }
    return n + lz4_sequence(to + n, from + literals, size - literals, 0, 0);
}

static inline size_t bslz4_bound(size_t total)
{
    return 16 * total + 256;
}

static inline void bslz4_big(unsigned char *to, uint64_t value, size_t size)
{
    while (size--) {
        to[size] = (unsigned char)value;
        value >>= 8;
    }
}

/* block: numbers in a block, a multiple of 8. */
static inline size_t bslz4_encode(const unsigned char *from, size_t count, size_t size, size_t block,
                                  unsigned char *to)
{
    static unsigned char planes[1 << 16];
    size_t n = 12, done = 0, whole = count / 8 * 8;
    bslz4_big(to, count * size, 8);
    bslz4_big(to + 8, block * size, 4);
    while (done < whole) {
        size_t k = whole - done < block ? whole - done : block;
        bit_shuffle(from + done * size, planes, k, size);
        size_t packed = lz4_encode(planes, k * size, to + n + 4);
        bslz4_big(to + n, packed, 4);
        n += 4 + packed;
        done += k;
    }
    memcpy(to + n, from + done * size, (count - done) * size);
    return n + (count - done) * size;
}

#endif
