/* Packed frames of Merlin: the sizes of a header, then their pixels. Bytes 0 to 5: depth, chips, width, height. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mib.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t depths[] = {1, 6, 12, 24, 7, 0};
    if (size < 6) return 0;
    cep_mib_header h = {.chips = data[1] & 1 ? 4 : data[1] >> 1, .depth = depths[data[0] % 6]};
    h.width = (size_t)data[2] | (size_t)(data[3] & 7) << 8;
    h.height = data[4];
    memcpy(h.layout, data[5] & 1 ? "2x2G" : "1x1", 4);
    cep_strides s = {.skip = 0};
    cep_fault fault;
    cepman_type type;
    size_t height, width;
    if (cep_mib_raw(&h, "input", &fault, &s, &type, &height, &width)) return 0;
    if (s.frame_bytes != height * width * cepman_type_size(type)) abort();
    unsigned char *from = calloc(s.bytes + 1, 1), *to = malloc(s.frame_bytes + 1);
    if (!from || !to) abort();
    to[s.frame_bytes] = 0x5a;
    for (size_t i = 6; i < size && i - 6 < s.bytes; i++)
        from[i - 6] = data[i];
    unsigned char *exact = realloc(from, s.bytes ? s.bytes : 1); /* so that a sanitizer sees its end */
    if (!exact) abort();
    s.unpack(&s, exact, to);
    if (to[s.frame_bytes] != 0x5a) abort();
    volatile unsigned sum = 0; /* every pixel was written */
    for (size_t i = 0; i < s.frame_bytes; i++)
        sum += to[i];
    (void)sum;
    free(exact);
    free(to);
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    static const uint8_t heads[][6] = {{0, 2, 64, 0, 2, 0}, {1, 2, 16, 0, 2, 0}, {2, 2, 8, 0, 3, 0},
                                       {3, 2, 16, 0, 2, 0}, {0, 1, 0, 1, 4, 1},  {1, 1, 32, 0, 4, 1},
                                       {2, 1, 32, 0, 2, 1}, {3, 1, 64, 0, 2, 1}};
    if (index >= sizeof heads / sizeof *heads || room < 600) return 0;
    memcpy(data, heads[index], 6);
    for (size_t i = 6; i < 300; i++)
        data[i] = (uint8_t)(i * 37);
    return 300;
}
