/* The decoder of HDF5 filter 32008: LZ4 blocks and bit planes, against an encoder of the test's own. */
#include <stdlib.h>
#include <string.h>

#include "bitshuffle.h"
#include "bslz4.h"
#include "support.h"

START_TEST(lz4_round_trip)
{
    support_random r = {3};
    for (size_t n = 1; n < 3000; n += 1 + n / 3)
        for (int kind = 0; kind < 4; kind++) {
            unsigned char *x = malloc(n), *packed = malloc(2 * n + 64), *back = malloc(n);
            for (size_t i = 0; i < n; i++)
                x[i] = kind == 0   ? 0
                       : kind == 1 ? (unsigned char)(support_uniform(&r) * 256)
                       : kind == 2 ? (unsigned char)(i % 7)
                                   : (unsigned char)(support_uniform(&r) < 0.1);
            size_t size = lz4_encode(x, n, packed);
            if (kind == 0 && n > 200) ck_assert_uint_lt(size, n / 10);
            ck_assert(cep_lz4_block(packed, size, back, n));
            ck_assert_mem_eq(back, x, n);
            ck_assert(!cep_lz4_block(packed, size, back, n - 1));
            unsigned char *more = malloc(n + 1);
            ck_assert(!cep_lz4_block(packed, size, more, n + 1));
            free(more);
            for (size_t cut = 0; cut < size;
                 cut += 1 + cut / 5) { /* in a buffer of its own, for sanitizers */
                unsigned char *part = malloc(cut + 1);
                memcpy(part, packed, cut);
                ck_assert(!cep_lz4_block(part, cut, back, n));
                free(part);
            }
            free(x);
            free(packed);
            free(back);
        }
}
END_TEST

START_TEST(lz4_by_hand)
{
    unsigned char to[64];
    /* "abcabcabcabc!!!!!" : 3 literals, a match of 9 at distance 3, 5 literals. */
    static const unsigned char good[] = {0x35, 'a', 'b', 'c', 3, 0, 0x50, '!', '!', '!', '!', '!'};
    ck_assert(cep_lz4_block(good, sizeof good, to, 17));
    ck_assert_mem_eq(to, "abcabcabcabc!!!!!", 17);
    static const unsigned char back_too_far[] = {0x35, 'a', 'b', 'c', 4, 0, 0x50, '!', '!', '!', '!', '!'};
    static const unsigned char nowhere[] = {0x35, 'a', 'b', 'c', 0, 0, 0x50, '!', '!', '!', '!', '!'};
    ck_assert(!cep_lz4_block(back_too_far, sizeof back_too_far, to, 17));
    ck_assert(!cep_lz4_block(nowhere, sizeof nowhere, to, 17));
    ck_assert(!cep_lz4_block(good, 0, to, 17));
    ck_assert(cep_lz4_block(good, 0, to, 0));
}
END_TEST

START_TEST(unshuffle)
{
    support_random r = {9};
    for (size_t size = 1; size <= 10; size++)
        for (size_t count = 8; count <= 64; count += 8) {
            unsigned char x[640], planes[640], back[640];
            for (size_t i = 0; i < count * size; i++)
                x[i] = (unsigned char)(support_uniform(&r) * 256);
            bit_shuffle(x, planes, count, size);
            cep_bit_unshuffle(planes, back, count, size);
            ck_assert_mem_eq(back, x, count * size);
        }
    /* One number of two bytes, 0x0102, the third of eight: bit 1 of the low byte, bit 0 of the high byte. */
    unsigned char one[16] = {0}, planes[16];
    one[4] = 2;
    one[5] = 1;
    bit_shuffle(one, planes, 8, 2);
    for (size_t i = 0; i < 16; i++)
        ck_assert_uint_eq(planes[i], i == 1 || i == 8 ? 4 : 0);
}
END_TEST

START_TEST(chunks)
{
    support_random r = {4};
    for (size_t size = 1; size <= 8; size *= 2)
        for (size_t count = 1; count < 5000; count += 1 + count / 2)
            for (size_t block = 8; block <= 4096; block *= 8) {
                size_t total = count * size;
                unsigned char *x = malloc(total), *back = malloc(total), *scratch = malloc(block * size);
                for (size_t i = 0; i < total; i++)
                    x[i] = (unsigned char)(support_uniform(&r) * support_uniform(&r) * 20);
                unsigned char *chunk = malloc(bslz4_bound(total));
                size_t bytes = bslz4_encode(x, count, size, block, chunk);
                size_t need = cep_bitshuffle_scratch(chunk, bytes, total, size);
                ck_assert(need > 0 && need <= block * size);
                ck_assert(cep_bitshuffle_chunk(chunk, bytes, back, total, size, scratch, need));
                ck_assert_mem_eq(back, x, total);
                ck_assert(!cep_bitshuffle_chunk(chunk, bytes, back, total, size, scratch, need - 1));
                ck_assert(!cep_bitshuffle_chunk(chunk, bytes + 1 > bslz4_bound(total) ? bytes : bytes - 1,
                                                back, total, size, scratch, need));
                for (int damage = 0; damage < 20; damage++) { /* anything but a crash */
                    unsigned char *bad = malloc(bytes);
                    memcpy(bad, chunk, bytes);
                    for (int k = 0; k <= damage % 3; k++)
                        bad[(size_t)(support_uniform(&r) * (double)bytes)] =
                            (unsigned char)(support_uniform(&r) * 256);
                    size_t room = cep_bitshuffle_scratch(bad, bytes, total, size);
                    unsigned char *exact = malloc(room + 1);
                    if (room) cep_bitshuffle_chunk(bad, bytes, back, total, size, exact, room);
                    free(exact);
                    free(bad);
                }
                free(x);
                free(back);
                free(scratch);
                free(chunk);
            }
    unsigned char head[12] = {0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 8};
    ck_assert_uint_eq(cep_bitshuffle_scratch(head, 12, 64, 1), 8);
    ck_assert_uint_eq(cep_bitshuffle_scratch(head, 12, 63, 1), 0);
    ck_assert_uint_eq(cep_bitshuffle_scratch(head, 12, 64, 2), 0); /* 8 is no multiple of 8 numbers of 2 */
    ck_assert_uint_eq(cep_bitshuffle_scratch(head, 11, 64, 1), 0);
    head[11] = 0;
    ck_assert_uint_eq(cep_bitshuffle_scratch(head, 12, 64, 1), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("bitshuffle");
    TCase *t = tcase_create("bitshuffle");
    tcase_add_test(t, lz4_round_trip);
    tcase_add_test(t, lz4_by_hand);
    tcase_add_test(t, unshuffle);
    tcase_add_test(t, chunks);
    suite_add_tcase(s, t);
    return s;
}
